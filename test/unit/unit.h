/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  Checks for tests of the bytes floor, outside the server.
 *
 * A test checks a promise once: a loop over many inputs counts its failures
 * and checks that there are none, so that the totals mean something.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_UNIT_H
#define STASH_UNIT_H

static int	unit_passed = 0;
static int	unit_failed = 0;

#define CHECK(condition) \
	unit_check((condition), #condition, __FILE__, __LINE__)

static inline void
unit_check(bool holds, const char *condition, const char *file, int line)
{
	if (holds)
		unit_passed++;
	else
	{
		unit_failed++;
		printf("%s:%d: failed: %s\n", file, line, condition);
	}
}

/* Print the totals, which test/run.sh reads; the result is main()'s. */
static inline int
unit_report(void)
{
	printf("%d passed, %d failed\n", unit_passed, unit_failed);
	return unit_failed == 0 ? 0 : 1;
}

/* A copy with nothing around it, so that the sanitizer sees every step outside. */
static inline char *
unit_copy(const void *data, Size len)
{
	char	   *copy = malloc(len);

	memcpy(copy, data, len);
	return copy;
}

/* The bytes with which xxHash's own sanity checks begin. */
static inline char *
unit_noise(Size len)
{
	char	   *noise = malloc(len);
	uint64		state = UINT64CONST(2654435761);

	for (Size i = 0; i < len; i++)
	{
		noise[i] = (char) (state >> 56);
		state *= UINT64CONST(11400714785074694797);
	}
	return noise;
}

#endif							/* STASH_UNIT_H */
