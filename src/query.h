/*-------------------------------------------------------------------------
 *
 * query.h
 *	  A query that a user gives as text: opened, run, closed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_QUERY_H
#define STASH_QUERY_H

#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "tcop/dest.h"

#include "query_parse.h"

typedef struct StashQuery StashQuery;

/* What a receiver does with a row, false to stop; and with the columns, first. */
typedef bool (*StashQueryReceive) (TupleTableSlot *row, DestReceiver *self);
typedef void (*StashQueryStart) (DestReceiver *self, int operation,
								 TupleDesc desc);

/* How the rows of a query are wanted. */
typedef enum StashQueryMode
{
	STASH_QUERY_ONCE,			/* all in one run; workers may help */
	STASH_QUERY_IN_PIECES,		/* the receiver may stop a run */
	STASH_QUERY_NEVER			/* only its plan is */
} StashQueryMode;

extern void stash_query_init_receiver(DestReceiver *receiver,
									  StashQueryReceive receive,
									  StashQueryStart start);
extern StashQuery *stash_query_open(const char *string, StashQueryMode mode,
									DestReceiver *receiver);
extern StashQuery *stash_query_open_source(const StashQuerySource *source,
										   StashQueryMode mode,
										   DestReceiver *receiver);
extern TupleDesc stash_query_desc(StashQuery *query);
extern const Plan *stash_query_top(StashQuery *query);
extern void stash_query_run(StashQuery *query);
extern void stash_query_close(StashQuery *query);

#endif							/* STASH_QUERY_H */
