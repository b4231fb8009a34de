/*
 * slow_commit.c: a library that makes the end of a commit slow
 *
 * When others see a commit, word of what it has redefined is still on its way,
 * and locks are held: mostly for microseconds. Preloaded, this library waits
 * in between, at every fourth commit of a transaction with an identifier, for
 * up to slow_commit.wait microseconds; with slow_commit.always at each, and so
 * long.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

static int	wait_us = 0;
static bool always = false;
static uint32 state = 0;

/* the server's own generators are others' to seed */
static uint32
next_random(void)
{
	if (state == 0)
		state = (uint32) MyProcPid;
	state = state * 1664525 + 1013904223;
	return state >> 8;
}

static void
wait_at_commit(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT || wait_us == 0 ||
		!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return;
	if (always)
		pg_usleep(wait_us);
	else if (next_random() % 4 == 0)
		pg_usleep(next_random() % (uint32) wait_us);
}

/* slow_pause(int): the argument, after as many milliseconds */
PG_FUNCTION_INFO_V1(slow_pause);

Datum
slow_pause(PG_FUNCTION_ARGS)
{
	pg_usleep(PG_GETARG_INT32(0) * 1000L);
	PG_RETURN_INT32(PG_GETARG_INT32(0));
}

void
_PG_init(void)
{
	DefineCustomIntVariable("slow_commit.wait", "Microseconds to wait at a commit, at most.", NULL,
							&wait_us, 0, 0, 60000000, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("slow_commit.always", "Waits at each commit, and as long as that.", NULL,
							 &always, false, PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(wait_at_commit, NULL);
}
