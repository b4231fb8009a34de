/*-------------------------------------------------------------------------
 *
 * memo_map.h
 *	  A function called for many inputs: what caller and workers share.
 *
 * One segment of dynamic shared memory holds StashMapShared, its slots, the
 * caller's settings and libraries, a queue for each worker's answers, and the
 * items.  An item is the arguments of one call:
 *
 *		bytes	what
 *		8		ord, the place of the input from 1
 *		...		for each argument: datumSerialize(), or for one that holds
 *				rows, whose types other processes do not know, 1 (NULL) or 0
 *				and then length (4) and frame
 *
 * Workers take the next item by counting 'next' up, so that none waits for
 * another; each sends answers in the order in which it took the items.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_MEMO_MAP_H
#define STASH_MEMO_MAP_H

#include "datatype/timestamp.h"
#include "memo_args.h"
#include "memo_run.h"
#include "port/atomics.h"
#include "portability/instr_time.h"
#include "typeio.h"
#include "utils/array.h"

#define STASH_MAP_MAX_WORKERS	1024

/* keys in the table of contents */
#define STASH_MAP_MAGIC		0x53746d70
#define STASH_MAP_SHARED	1
#define STASH_MAP_SETTINGS	2
#define STASH_MAP_LIBRARIES	3
#define STASH_MAP_ITEMS		4
#define STASH_MAP_QUEUES	5

/* What one worker tells of itself. */
typedef struct StashMapSlot
{
	pg_atomic_uint64 current;	/* item that it works on, from 1; 0: none */
} StashMapSlot;

/* All but the atomics is written before the workers start. */
typedef struct StashMapShared
{
	Oid			database;
	Oid			authenticated_user;
	Oid			session_user;
	Oid			outer_user;		/* SET ROLE; 0: none */
	Oid			current_user;
	int			sec_context;
	bool		session_is_superuser;
	bool		outer_is_superuser;
	bool		is_read_only;	/* the caller's transaction */
	Oid			function;
	Oid			collation;
	bool		remember;		/* as stash.run() does */
	StashMemoArgs args;
	bool		is_framed[FUNC_MAX_ARGS];
	uint64		nitems;
	pg_atomic_uint64 next;		/* item to be taken next, from 0 */
	int			nslots;
	StashMapSlot slots[FLEXIBLE_ARRAY_MEMBER];
} StashMapShared;

/* The items of a map, in local or shared memory. */
typedef struct StashMapItems
{
	uint64		n;
	uint64		allocated;		/* offsets */
	uint64	   *offsets;		/* n + 1, into 'bytes' */
	Size		size;
	char	   *bytes;
	Size		used;
} StashMapItems;

/* The answer for one item, as it is sent; then a varlena: a variant or an error. */
typedef struct StashMapAnswer
{
	uint64		item;			/* from 0 */
	int64		elapsed_us;
	int			sqlstate;		/* of an error; 0: none */
	bool		isnull;			/* or a function that returns nothing */
} StashMapAnswer;

/* An error is message, detail and hint, each with its 0. */

/* Where items are computed: made anew in each transaction. */
typedef struct StashMapComputer
{
	const StashMapShared *shared;
	const StashMapItems *items;
	MemoryContext parent;
	MemoryContext context;		/* of what follows; NULL: not ready */
	MemoryContext item_context; /* of one call */
	StashMemoRun *run;
	ExprState  *expr;			/* NULL: call by way of stash_memo_answer() */
	int16		rettyplen;
	uint64		generation;		/* of types */
	TimestampTz transaction;	/* when it began */
	StashType  *rettype;		/* NULL: read it off each value, or void */
	instr_time	start;			/* of the last item */
	instr_time	end;
} StashMapComputer;

typedef struct StashMap StashMap;

/* What is asked for. */
typedef struct StashMapRequest
{
	Oid			function;
	Oid			collation;
	int			workers;
	const Jsonb *options;		/* NULL: none */
	bool		is_ordered;
	bool		stops;			/* at the first error */
	bool		remember;		/* as stash.run() does */
	bool		is_async;		/* outlives the transaction */
} StashMapRequest;

/* What became of an input. */
typedef struct StashMapRow
{
	int64		ord;			/* from 1 */
	Datum		input;
	bool		input_isnull;
	bytea	   *result;			/* a variant; NULL: none */
	bool		is_hit;
	char	   *error;			/* NULL: none */
	int64		elapsed_us;		/* of one that is no hit */
} StashMapRow;

/* memo_map_items.c */
extern void stash_memo_map_items_make(StashMapItems *items, StashMapShared *shared,
									  Oid element, int n, const Datum *values,
									  const bool *nulls, const Jsonb *options,
									  bool (*is_wanted) (void *arg, int i, const NullableDatum *given),
									  void *arg);
extern Size stash_memo_map_items_size(const StashMapItems *items);
extern void stash_memo_map_items_write(const StashMapItems *items, char *to);
extern void stash_memo_map_items_open(StashMapItems *items, uint64 n, char *from);
extern int64 stash_memo_map_item_read(const StashMapItems *items,
									  const StashMapShared *shared, uint64 item,
									  NullableDatum *values);

/* memo_map_worker.c */
extern void stash_memo_map_computer_prepare(StashMapComputer *computer);
extern void stash_memo_map_computer_reset(StashMapComputer *computer,
										  bool is_over);
extern int64 stash_memo_map_elapsed(StashMapComputer *computer);
extern bytea *stash_memo_map_compute(StashMapComputer *computer, uint64 item,
									 StashMapAnswer *answer);
extern bytea *stash_memo_map_error(const ErrorData *error, StashMapAnswer *answer);

/* memo_map_lead.c */
extern StashMap *stash_memo_map_begin(const StashMapRequest *request,
									  ArrayType *inputs);
extern bool stash_memo_map_next(StashMap *map, StashMapRow *row);
extern Oid	stash_memo_map_element(const StashMap *map);
extern void stash_memo_map_end(StashMap *map);

/* memo_progress.c */
typedef struct StashProgress StashProgress;
extern StashProgress *stash_memo_progress_begin(Oid function, int64 total);
extern void stash_memo_progress_set(StashProgress *progress, int64 done, int64 errors,
									int64 hits, int workers);
extern void stash_memo_progress_end(StashProgress *progress);

#endif							/* STASH_MEMO_MAP_H */
