/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *	  What fuzz targets share.
 *
 * A target defines LLVMFuzzerTestOneInput(), and may define the other two.
 * libFuzzer calls them, or fuzz_loop.c where clang is not there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_FUZZ_H
#define STASH_FUZZ_H

#include <stdlib.h>
#include <sys/mman.h>

/* aborts whether or not assertions are compiled in */
#define CHECK(condition) \
	do { if (!(condition)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); abort(); } } while (0)

extern int	LLVMFuzzerInitialize(int *argc, char ***argv);
extern int	LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);
extern size_t LLVMFuzzerCustomMutator(unsigned char *data, size_t len,
									  size_t max, unsigned int seed);

/* changes some bytes, for mutators; the result is the new length */
extern size_t LLVMFuzzerMutate(unsigned char *data, size_t len, size_t max);

static inline uint64
fuzz_random(uint64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * Memory that ends at a page which nobody may touch, for libraries, whose own
 * steps the sanitizers do not watch.  The bytes before it are looked at later.
 */
#define FUZZ_ROOM_SIZE	(8 << 20)
#define FUZZ_FENCE_SIZE	64

typedef struct FuzzRoom
{
	char	   *end;			/* of all that may be used; NULL at first */
	char	   *at;				/* what was given out last */
} FuzzRoom;

static inline char *
fuzz_room_take(FuzzRoom *room, Size len)
{
	const Size	page = 65536;	/* on no machine is one larger */

	CHECK(len <= FUZZ_ROOM_SIZE);
	if (room->end == NULL)
	{
		char	   *map = mmap(NULL, FUZZ_ROOM_SIZE + 2 * page, PROT_READ | PROT_WRITE,
							   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(map != MAP_FAILED);
		room->end = map + FUZZ_ROOM_SIZE + page;
		CHECK(mprotect(room->end, page, PROT_NONE) == 0);
	}
	room->at = room->end - len;
	memset(room->at - FUZZ_FENCE_SIZE, 0xA5, FUZZ_FENCE_SIZE);
	return room->at;
}

static inline char *
fuzz_room_copy(FuzzRoom *room, const void *data, Size len)
{
	char	   *copy = fuzz_room_take(room, len);

	memcpy(copy, data, len);
	return copy;
}

/* Nothing was written before what was given out last. */
static inline bool
fuzz_room_is_whole(const FuzzRoom *room)
{
	for (const char *at = room->at - FUZZ_FENCE_SIZE; at < room->at; at++)
	{
		if (*at != '\xA5')
			return false;
	}
	return true;
}

/*
 * The input many times over with small differences, for what a library does
 * only with long data.
 */
static inline const char *
fuzz_stretch(FuzzRoom *room, const void *data, Size len, int times, Size *stretched)
{
	char	   *copy = fuzz_room_take(room, len * times);

	for (int i = 0; i < times; i++)
	{
		memcpy(copy + i * len, data, len);
		if (len > 0)
			copy[i * len + (Size) i * 7 % len] ^= i;
	}
	*stretched = len * times;
	return copy;
}

#endif							/* STASH_FUZZ_H */
