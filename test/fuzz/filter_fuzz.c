/*-------------------------------------------------------------------------
 *
 * filter_fuzz.c
 *	  Any bytes to a filter, outside the server.
 *
 * The first byte of an input says which filter, and how often the others are
 * taken: a filter is chosen by a sample of what is long.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "codec.h"
#include "filter.h"
#include "fuzz.h"

static unsigned long n_run;
static unsigned long n_chosen[8];

/* Both orders of a filter and its opposite give back what was there. */
static void
check_there_and_back(int filter, const char *data, Size len)
{
	char	   *laid = malloc(len);
	char	   *back = malloc(len);

	stash_filter_apply(filter, data, len, laid);
	stash_filter_undo(filter, laid, len, back);
	CHECK(memcmp(back, data, len) == 0);
	stash_filter_undo(filter, data, len, laid);
	stash_filter_apply(filter, laid, len, back);
	CHECK(memcmp(back, data, len) == 0);
	free(laid);
	free(back);
}

/* What is chosen fits the width, and none is chosen where none fits. */
static void
check_choice(int width, const char *data, Size len)
{
	int			filter = stash_filter_choose(STASH_CODEC_LZ4, width, data, len);

	CHECK(filter == STASH_FILTER_NONE || 1 << (filter & 3) == width);
	n_chosen[filter]++;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static FuzzRoom room;
	const char *bytes;
	char	   *exact;
	Size		rest;
	int			filter;

	if (len < 1)
		return 0;
	n_run++;
	filter = data[0] & 7;
	bytes = fuzz_stretch(&room, data + 1, len - 1, 1 + (data[0] >> 3) / 4, &rest);
	exact = malloc(rest);
	memcpy(exact, bytes, rest);
	if (filter == STASH_FILTER_NONE || filter == STASH_FILTER_DIFFERENCES)
		check_choice(data[len - 1] % 10, exact, rest);
	else
		check_there_and_back(filter, exact, rest);
	free(exact);
	return 0;
}

static void
report(void)
{
	printf("# %lu inputs; chosen: %lu none, %lu planes, %lu differences\n", n_run, n_chosen[0],
		   n_chosen[1] + n_chosen[2] + n_chosen[3], n_chosen[5] + n_chosen[6] + n_chosen[7]);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	atexit(report);
	return 0;
}
