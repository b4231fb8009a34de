/*-------------------------------------------------------------------------
 *
 * arrow_fuzz.c
 *	  Arrow streams and files that an enemy made, outside the server.
 *
 * All that the reader accepts is read, value by value.  Twice, with what is
 * allocated full of other bytes, it must be the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "arrow_forge.h"
#include "fuzz.h"

#define MAX_PIECES	200000		/* of memory that one input may need */

static void *pieces[MAX_PIECES];
static int	npieces;
static int	filling;
static unsigned long n_events[STASH_ARROW_UNSUPPORTED + 1];
static unsigned long n_rows;

/* ---- in the place of the server's, which frees a context at once ---- */

void *
palloc(Size size)
{
	void	   *piece = malloc(size);

	CHECK(piece != NULL && npieces < MAX_PIECES);
	memset(piece, filling, size);
	pieces[npieces++] = piece;
	return piece;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

static void
free_all(void)
{
	while (npieces > 0)
		free(pieces[--npieces]);
}

/* ---- what must hold ---- */

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	StashArrowEvent events[2];
	int64		nrows[2];
	uint64		sums[2];

	for (int i = 0; i < 2; i++)
	{
		filling = i == 0 ? 0 : 0xff;
		events[i] = forge_read_all(data, len, &nrows[i], &sums[i]);
		free_all();
	}
	CHECK(events[0] == events[1] && nrows[0] == nrows[1] && sums[0] == sums[1]);
	n_events[events[0]]++;
	n_rows += nrows[0];
	return 0;
}

/* ---- start ---- */

static void
report(void)
{
	printf("# %lu read to the end, %lu damaged, %lu not read; %lu rows\n",
		   n_events[STASH_ARROW_END], n_events[STASH_ARROW_DAMAGED],
		   n_events[STASH_ARROW_UNSUPPORTED], n_rows);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	atexit(report);
	return 0;
}
