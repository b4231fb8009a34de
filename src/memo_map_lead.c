/*-------------------------------------------------------------------------
 *
 * memo_map_lead.c
 *	  stash.map(): a function called for many inputs, by background workers.
 *
 * The caller looks up what is remembered, puts the other inputs into shared
 * memory, starts workers, and from then on only collects answers.  Where no
 * worker is free, or all have ended, it computes what is left itself.
 *
 * A queue holds so many answers, and a worker waits when its own is full: so
 * memory is bounded, however slowly the caller takes them.  For answers in
 * order it merges the queues, in each of which items stand in order.
 *
 * Whatever ends the use of the segment terminates the workers that are still
 * at work: the end of the query, an error, a rollback, the end of the session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "attempt.h"
#include "compat.h"
#include "memo.h"
#include "memo_map.h"

#define QUEUE_BYTES		(256 * 1024)	/* answers that may wait, of one
										 * worker */
#define MANY_ANSWERS	16		/* after which it pays to wait for more */
#define NAP_US			500
#define SHOWN_ROWS		64		/* after which progress is shown at the latest */

static int	max_workers;		/* of one map */
static int	notice_ms;			/* between two notices; 0: none */

/* ---- workers ---- */

/* What the end of the segment needs to know; lives until then. */
typedef struct Crew
{
	MemoryContext context;
	bool		is_done;		/* nothing is left to be answered */
	int			n;
	BackgroundWorkerHandle *handles[FLEXIBLE_ARRAY_MEMBER];
} Crew;

typedef struct MapWorker
{
	shm_mq_handle *queue;
	bool		is_over;
	uint64		answered;		/* last item, from 1 */
	bool		has_head;		/* an answer that has not been taken */
	bool		is_lost;		/* namely that the worker has ended */
	StashMapAnswer head;
	bytea	   *payload;		/* in the queue, until the next is received */
} MapWorker;

struct StashMap
{
	MemoryContext context;
	MemoryContextCallback at_end;
	Oid			function;
	bool		is_ordered;
	bool		stops;			/* at the first error */
	Oid			element;
	int			n;
	Datum	   *inputs;
	bool	   *nulls;
	Tuplestorestate *hits;		/* ord, result */
	TupleTableSlot *hit;
	bool		has_hit;		/* 'hit' is the next one */
	StashMapShared *shared;
	StashMapItems items;
	dsm_segment *segment;		/* NULL: none */
	Crew	   *crew;
	int			nworkers;
	MapWorker  *workers;
	int			live;			/* not over */
	int			turn;			/* whom to ask first */
	int			received;		/* since the last wait */
	uint64		answered;		/* items */
	StashMapComputer computer;
	int64		done;
	int64		errors;
	int64		nhits;
	StashProgress *progress;
	TimestampTz noticed;
};

/* end the workers with the segment that they use; see dsm_detach() */
static void
end_crew(dsm_segment *segment, Datum arg)
{
	Crew	   *crew = (Crew *) DatumGetPointer(arg);

	for (int i = 0; i < crew->n && !crew->is_done; i++)
		TerminateBackgroundWorker(crew->handles[i]);
	MemoryContextDelete(crew->context);
}

static bool
start_worker(StashMap *map, int number)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pg_hashstash", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "pg_hashstash_map_worker",
			sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_hashstash map worker for PID %d",
			 MyProcPid);
	strlcpy(worker.bgw_type, "pg_hashstash map worker", BGW_MAXLEN);
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(map->segment));
	memcpy(worker.bgw_extra, &number, sizeof(number));
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, &map->crew->handles[number]);
}

/* write all that workers need into a segment; false where there is none */
static bool
make_segment(StashMap *map, int nworkers)
{
	Size		shared_size = offsetof(StashMapShared, slots) + sizeof(StashMapSlot) * nworkers;
	Size		settings_size = EstimateGUCStateSpace();
	Size		libraries_size = EstimateLibraryStateSpace();
	Size		items_size = stash_memo_map_items_size(&map->items);
	shm_toc_estimator estimator;
	Size		size;
	shm_toc    *toc;
	StashMapShared *shared;
	char	   *at;

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, shared_size);
	shm_toc_estimate_chunk(&estimator, settings_size);
	shm_toc_estimate_chunk(&estimator, libraries_size);
	shm_toc_estimate_chunk(&estimator, items_size);
	for (int i = 0; i < nworkers; i++)
		shm_toc_estimate_chunk(&estimator, QUEUE_BYTES);
	shm_toc_estimate_keys(&estimator, 4 + nworkers);
	size = shm_toc_estimate(&estimator);
	map->segment = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (map->segment == NULL)
		return false;

	toc = shm_toc_create(STASH_MAP_MAGIC, dsm_segment_address(map->segment), size);
	shared = shm_toc_allocate(toc, shared_size);
	memcpy(shared, map->shared, offsetof(StashMapShared, slots));
	pg_atomic_init_u64(&shared->next, 0);
	shared->nslots = nworkers;
	for (int i = 0; i < nworkers; i++)
		pg_atomic_init_u64(&shared->slots[i].current, 0);
	shm_toc_insert(toc, STASH_MAP_SHARED, shared);
	at = shm_toc_allocate(toc, settings_size);
	SerializeGUCState(settings_size, at);
	shm_toc_insert(toc, STASH_MAP_SETTINGS, at);
	at = shm_toc_allocate(toc, libraries_size);
	SerializeLibraryState(libraries_size, at);
	shm_toc_insert(toc, STASH_MAP_LIBRARIES, at);
	at = shm_toc_allocate(toc, items_size);
	stash_memo_map_items_write(&map->items, at);
	shm_toc_insert(toc, STASH_MAP_ITEMS, at);
	for (int i = 0; i < nworkers; i++)
	{
		shm_mq	   *queue = shm_mq_create(shm_toc_allocate(toc, QUEUE_BYTES),
										  QUEUE_BYTES);

		shm_mq_set_receiver(queue, MyProc);
		shm_toc_insert(toc, STASH_MAP_QUEUES + i, queue);
		map->workers[i].queue = shm_mq_attach(queue, map->segment, NULL);
	}
	/* from here on there is one copy of the items */
	pfree(map->items.offsets);
	pfree(map->items.bytes);
	stash_memo_map_items_open(&map->items, shared->nitems,
							  shm_toc_lookup(toc, STASH_MAP_ITEMS, false));
	map->shared = shared;
	return true;
}

/* start as many workers as are wanted and free */
static void
start_workers(StashMap *map, int nworkers, bool is_async)
{
	MemoryContext context;
	MemoryContext old;

	nworkers = Min(Min(nworkers, max_workers), map->items.n);

	/*
	 * a worker could do what is forbidden there, and a parallel query cannot
	 * wait
	 */
	if (nworkers == 0 || InSecurityRestrictedOperation() || IsInParallelMode())
		return;
	context = AllocSetContextCreate(TopMemoryContext, "pg_hashstash map workers",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	map->workers = palloc0(sizeof(MapWorker) * nworkers);
	map->crew = palloc0(offsetof(Crew, handles) + sizeof(BackgroundWorkerHandle *) * nworkers);
	map->crew->context = context;
	PG_TRY();
	{
		if (make_segment(map, nworkers))
			on_dsm_detach(map->segment, end_crew, PointerGetDatum(map->crew));
		else
			nworkers = 0;
	}
	PG_CATCH();
	{
		MemoryContextDelete(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (is_async && map->segment != NULL)
		dsm_pin_mapping(map->segment);
	while (map->nworkers < nworkers && start_worker(map, map->nworkers))
	{
		shm_mq_set_handle(map->workers[map->nworkers].queue,
						  map->crew->handles[map->nworkers]);
		map->crew->n = ++map->nworkers;
	}
	map->live = map->nworkers;
	MemoryContextSwitchTo(old);
	if (map->segment == NULL)
	{
		MemoryContextDelete(context);
		map->workers = NULL;
		map->crew = NULL;
	}
}

/* ---- what is remembered already ---- */

typedef struct Probe
{
	StashMap   *map;
	TupleDesc	desc;			/* of hits */
	StashMemoRun *run;			/* NULL: nothing is remembered */
	bool		is_wanted;		/* to be probed at all */
	const NullableDatum *given;
	bytea	   *variant;
	bool		isnull;
	bool		found;
} Probe;

static void
probe_call(void *arg)
{
	Probe	   *probe = arg;

	stash_memo_run_fill(probe->run, probe->given);
	probe->found = stash_memo_run_peek(probe->run, &probe->variant, &probe->isnull);
}

/* whether an input has to be computed; puts what is remembered to the hits */
static bool
is_no_hit(void *arg, int i, const NullableDatum *given)
{
	Probe	   *probe = arg;
	StashMap   *map = probe->map;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (!probe->is_wanted)
		return true;
	if (probe->run == NULL)
		probe->run = stash_memo_run_make(map->function, &map->shared->args,
										 map->shared->collation, map->context);
	probe->given = given;
	probe->found = false;
	/* an error in a cast is that of the item */
	if (!probe->run->casts)
		probe_call(probe);
	else if (!stash_memo_try(probe_call, probe))
		return true;
	if (!probe->found)
		return true;
	values[0] = Int64GetDatum(i + 1);
	values[1] = PointerGetDatum(probe->variant);
	nulls[1] = probe->isnull;
	tuplestore_putvalues(map->hits, probe->desc, values, nulls);
	map->nhits++;
	return false;
}

static void
next_hit(StashMap *map)
{
	map->has_hit = tuplestore_gettupleslot(map->hits, true, false, map->hit);
}

static int64
ord_of_hit(StashMap *map)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(map->hit, 1, &isnull));
}

/* ---- beginning ---- */

/* who we are, for workers to be the same */
static void
describe_caller(StashMapShared *shared)
{
	shared->database = MyDatabaseId;
	shared->authenticated_user = GetAuthenticatedUserId();
	shared->session_user = GetSessionUserId();
	shared->session_is_superuser = GetSessionUserIsSuperuser();
	shared->outer_user = GetCurrentRoleId();
	shared->outer_is_superuser = OidIsValid(shared->outer_user) &&
		superuser_arg(shared->outer_user);
	GetUserIdAndSecContext(&shared->current_user, &shared->sec_context);
	shared->is_read_only = XactReadOnly;
}

static void
end_progress(void *arg)
{
	stash_memo_progress_end(((StashMap *) arg)->progress);
}

static void
read_inputs(StashMap *map, ArrayType *inputs)
{
	int16		len;
	bool		byval;
	char		align;

	map->element = ARR_ELEMTYPE(inputs);
	get_typlenbyvalalign(map->element, &len, &byval, &align);
	deconstruct_array(inputs, map->element, len, byval, align, &map->inputs,
					  &map->nulls, &map->n);
}

/*
 * Begin a map, in the current memory context, which is to last as long.
 *
 * 'inputs' may be NULL, and is kept.  Errors: 22023 options that do not fit,
 * 42883 inputs that do not fit, 42501 no EXECUTE, 42809 and 0A000 a function
 * that cannot be called, 42P13 a VOLATILE one that is to be remembered.
 */
StashMap *
stash_memo_map_begin(const StashMapRequest *request, ArrayType *inputs)
{
	StashMap   *map = palloc0(sizeof(StashMap));
	Probe		probe = {0};

	map->context = CurrentMemoryContext;
	map->function = request->function;
	map->is_ordered = request->is_ordered;
	map->stops = request->stops;
	if (inputs != NULL)
		read_inputs(map, inputs);
	stash_memo_args_check(map->function, false);
	if (request->remember)
		stash_memo_run_check_volatile(map->function);
	map->shared = palloc0(offsetof(StashMapShared, slots));
	map->shared->function = map->function;
	map->shared->collation = request->collation;
	map->shared->remember = request->remember;
	describe_caller(map->shared);
	if (map->n == 0)
		return map;

	probe.map = map;
	probe.is_wanted = stash_memo_mode != STASH_MEMO_MODE_REFRESH &&
		(request->remember || stash_memo_is_memoized(map->function));
	probe.desc = CreateTemplateTupleDesc(2);
	TupleDescInitEntry(probe.desc, 1, "ord", INT8OID, -1, 0);
	TupleDescInitEntry(probe.desc, 2, "result", BYTEAOID, -1, 0);
	TupleDescFinalize(probe.desc);
	map->hits = tuplestore_begin_heap(false, request->is_async, work_mem);
	map->hit = MakeSingleTupleTableSlot(probe.desc, &TTSOpsMinimalTuple);
	stash_memo_map_items_make(&map->items, map->shared, map->element, map->n,
							  map->inputs, map->nulls, request->options,
							  is_no_hit, &probe);
	/* tells of arguments that do not fit, once and for all */
	if (probe.run == NULL)
		(void) stash_memo_args_call(map->function, &map->shared->args, InvalidOid);
	next_hit(map);
	pg_atomic_init_u64(&map->shared->next, 0);

	map->progress = stash_memo_progress_begin(map->function, map->n);
	map->at_end.func = end_progress;
	map->at_end.arg = map;
	MemoryContextRegisterResetCallback(map->context, &map->at_end);
	start_workers(map, request->workers, request->is_async);
	map->computer.shared = map->shared;
	map->computer.items = &map->items;
	map->computer.parent = map->context;
	map->computer.item_context = AllocSetContextCreate(map->context,
													   "pg_hashstash item",
													   ALLOCSET_DEFAULT_SIZES);
	map->noticed = GetCurrentTimestamp();
	return map;
}

/*
 * End a map, and with it the workers that are still at work.
 */
void
stash_memo_map_end(StashMap *map)
{
	if (map->segment != NULL)
	{
		dsm_segment *segment = map->segment;

		map->crew->is_done = map->answered == map->items.n;
		map->segment = NULL;
		dsm_detach(segment);
	}
	if (map->computer.context != NULL)
		stash_memo_map_computer_reset(&map->computer,
									  map->computer.transaction != GetCurrentTransactionStartTimestamp());
	if (map->hits != NULL)
		tuplestore_end(map->hits);
	map->hits = NULL;
	stash_memo_progress_end(map->progress);
	map->progress = NULL;
	/* whoever asks on finds nothing */
	map->has_hit = false;
	map->answered = map->items.n;
}

/* ---- collecting answers ---- */

/* a worker has ended: what it worked on has no other answer than that */
static void
note_end(StashMap *map, int number)
{
	MapWorker  *worker = &map->workers[number];
	uint64		current = pg_atomic_read_u64(&map->shared->slots[number].current);

	worker->is_over = true;
	map->live--;
	if (current != 0 && current != worker->answered)
	{
		worker->has_head = worker->is_lost = true;
		worker->head.item = current - 1;
	}
}

/* have the next answer of a worker at hand, if there is one */
static void
look_at(StashMap *map, int number)
{
	MapWorker  *worker = &map->workers[number];
	Size		len;
	void	   *data;

	if (worker->has_head || worker->is_over)
		return;
	switch (shm_mq_receive(worker->queue, &len, &data, true))
	{
		case SHM_MQ_SUCCESS:
			memcpy(&worker->head, data, sizeof(worker->head));
			worker->payload = len > sizeof(worker->head) ?
				(bytea *) ((char *) data + sizeof(worker->head)) : NULL;
			worker->has_head = true;
			worker->answered = worker->head.item + 1;
			map->received++;
			break;
		case SHM_MQ_DETACHED:
			note_end(map, number);
			break;
		case SHM_MQ_WOULD_BLOCK:
			break;
	}
}

/* take the answer of a worker, whose payload stays in the queue for now */
static bytea *
take(MapWorker *worker, StashMapAnswer *answer)
{
	worker->has_head = false;
	if (worker->is_lost)
	{
		ErrorData	error = {0};

		error.sqlerrcode = ERRCODE_ADMIN_SHUTDOWN;
		error.message = "the worker ended while it computed this";
		error.detail = "The call may have had its effects, or not.";
		worker->is_lost = false;
		answer->item = worker->head.item;
		answer->elapsed_us = 0;
		return stash_memo_map_error(&error, answer);
	}
	*answer = worker->head;
	return worker->payload;
}

static void
show_progress(StashMap *map)
{
	stash_memo_progress_set(map->progress, map->done, map->errors, map->nhits,
							map->live);
}

/* an item that is computed here */
typedef struct HereItem
{
	StashMap   *map;
	uint64		item;
	StashMapAnswer *answer;
	bytea	   *payload;
} HereItem;

static void
compute_item(void *arg)
{
	HereItem   *here = arg;

	here->payload = stash_memo_map_compute(&here->map->computer, here->item,
										   here->answer);
}

/* compute an item here; an error that is not about us becomes the answer */
static bytea *
compute_here(StashMap *map, uint64 item, StashMapAnswer *answer)
{
	HereItem	here = {map, item, answer, NULL};
	ErrorData  *error;

	show_progress(map);
	error = stash_attempt(compute_item, &here);
	if (error == NULL)
		return here.payload;
	stash_memo_map_computer_reset(&map->computer, true);
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
	{
		/* not taken after all */
		pg_atomic_write_u64(&map->shared->next, item);
		ReThrowError(error);
	}
	answer->item = item;
	answer->elapsed_us = stash_memo_map_elapsed(&map->computer);
	return stash_memo_map_error(error, answer);
}

/* whether a process waits for a lock that we hold, or stand before it for */
static bool
waits_for_us(int pid)
{
	ArrayType  *blocking = DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(pid)));
	int			n = ArrayGetNItems(ARR_NDIM(blocking), ARR_DIMS(blocking));
	const int32 *pids = (const int32 *) ARR_DATA_PTR(blocking);
	bool		found = false;

	for (int i = 0; i < n && !found; i++)
		found = pids[i] == MyProcPid;
	pfree(blocking);
	return found;
}

/*
 * Throw 40P01 when a worker waits for us: the server's detector does not know
 * that we wait for it.
 */
static void
check_deadlock(StashMap *map)
{
	for (int i = 0; i < map->nworkers; i++)
	{
		pid_t		pid;

		if (map->workers[i].is_over ||
			GetBackgroundWorkerPid(map->crew->handles[i], &pid) != BGWH_STARTED ||
			!waits_for_us(pid))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
				 errmsg("deadlock detected"),
				 errdetail("Worker process %d of stash.map() waits for a lock of this transaction.", (int) pid),
				 errhint("Map in another transaction than the one that changes what the function uses.")));
	}
}

/* wait until a worker has something to tell */
static void
wait_for_workers(StashMap *map)
{
	/* cheap items: let some come together, for each signal costs as much */
	if (map->received >= MANY_ANSWERS)
	{
		map->received = 0;
		pg_usleep(NAP_US);
		return;
	}
	map->received = 0;
	show_progress(map);
	if (WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
				  DeadlockTimeout, PG_WAIT_EXTENSION) & WL_TIMEOUT)
		check_deadlock(map);
	ResetLatch(MyLatch);
}

/* the worker whose answer is next, -1: none yet */
static int
find_answer(StashMap *map)
{
	for (int i = 0; i < map->nworkers; i++)
	{
		int			number = (map->turn + i) % map->nworkers;
		MapWorker  *worker = &map->workers[number];

		look_at(map, number);
		if (worker->has_head &&
			(!map->is_ordered || worker->head.item == map->answered))
		{
			/* each in turn, or one that is fast would let others wait */
			map->turn = number + 1;
			return number;
		}
	}
	return -1;
}

/* the next answer, waiting for it; false when there is none */
static bool
next_answer(StashMap *map, StashMapAnswer *answer, bytea **payload)
{
	while (map->answered < map->items.n)
	{
		int			number;

		CHECK_FOR_INTERRUPTS();
		number = find_answer(map);
		if (number >= 0)
		{
			*payload = take(&map->workers[number], answer);
			map->answered++;
			return true;
		}
		if (map->live == 0)
		{
			uint64		item = pg_atomic_fetch_add_u64(&map->shared->next, 1);

			if (item >= map->items.n)
				elog(ERROR, "item " UINT64_FORMAT " of " UINT64_FORMAT " is missing",
					 map->answered, map->items.n);
			*payload = compute_here(map, item, answer);
			map->answered++;
			return true;
		}
		wait_for_workers(map);
	}
	return false;
}

/* ---- rows ---- */

/* an error as it was thrown, in the caller */
pg_noreturn static void
throw_error(StashMap *map, int64 ord, const StashMapAnswer *answer, bytea *payload)
{
	/* a copy, for the queue goes with the map */
	const char *message = VARDATA(DatumGetByteaPCopy(PointerGetDatum(payload)));
	const char *detail = message + strlen(message) + 1;
	const char *hint = detail + strlen(detail) + 1;

	stash_memo_map_end(map);
	ereport(ERROR,
			(errcode(answer->sqlstate),
			 errmsg_internal("%s", message),
			 *detail ? errdetail_internal("%s", detail) : 0,
			 *hint ? errhint("%s", hint) : 0,
			 errcontext("input " INT64_FORMAT " of function %s", ord,
						format_procedure(map->function))));
}

static void
notice_progress(StashMap *map)
{
	TimestampTz now;

	if (notice_ms == 0)
		return;
	now = GetCurrentTimestamp();
	if (map->done < map->n &&
		!TimestampDifferenceExceeds(map->noticed, now, notice_ms))
		return;
	map->noticed = now;
	ereport(NOTICE,
			(errmsg("%s: " INT64_FORMAT " of %d done, " INT64_FORMAT " failed, " INT64_FORMAT " remembered",
					format_procedure(map->function), map->done, map->n,
					map->errors, map->nhits)));
}

static void
row_of_hit(StashMap *map, StashMapRow *row)
{
	bool		isnull;
	Datum		value;

	memset(row, 0, sizeof(*row));
	row->ord = ord_of_hit(map);
	value = slot_getattr(map->hit, 2, &isnull);
	if (!isnull)
		row->result = DatumGetByteaPCopy(value);
	row->is_hit = true;
	next_hit(map);
}

static void
row_of_answer(StashMap *map, StashMapRow *row, const StashMapAnswer *answer,
			  bytea *payload)
{
	memset(row, 0, sizeof(*row));
	row->ord = stash_memo_map_item_read(&map->items, map->shared, answer->item, NULL);
	row->elapsed_us = answer->elapsed_us;
	if (answer->sqlstate == 0)
	{
		row->result = payload;
		return;
	}
	map->errors++;
	if (map->stops)
		throw_error(map, row->ord, answer, payload);
	row->error = psprintf("%s: %s", unpack_sql_state(answer->sqlstate),
						  VARDATA_ANY(payload));
}

/*
 * The next row of a map, waiting for it; false when there is none.
 *
 * What it points to is good until the next one is asked for.
 * Throws what was thrown for an input, if that is to stop the map.
 */
bool
stash_memo_map_next(StashMap *map, StashMapRow *row)
{
	StashMapAnswer answer;
	bytea	   *payload;

	/* what is at hand goes first, unless an earlier one is to be computed */
	if (map->has_hit &&
		(!map->is_ordered || map->answered == map->items.n ||
		 ord_of_hit(map) < stash_memo_map_item_read(&map->items, map->shared,
													map->answered, NULL)))
		row_of_hit(map, row);
	else if (next_answer(map, &answer, &payload))
		row_of_answer(map, row, &answer, payload);
	else
		return false;
	row->input = map->inputs[row->ord - 1];
	row->input_isnull = map->nulls[row->ord - 1];
	map->done++;
	if (map->done % SHOWN_ROWS == 0)
		show_progress(map);
	notice_progress(map);
	return true;
}

/*
 * The type of a map's inputs.
 */
Oid
stash_memo_map_element(const StashMap *map)
{
	return map->element;
}

/*
 * Define the settings; called once when the library is loaded.
 */
void
stash_memo_map_init(void)
{
	DefineCustomIntVariable("pg_hashstash.map_max_workers",
							"Most background workers that one stash.map() may use.",
							"Zero computes in the session alone.",
							&max_workers, 8, 0, STASH_MAP_MAX_WORKERS,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_hashstash.map_notice",
							"Time between two notices that tell how far a stash.map() is.",
							"Zero tells nothing.",
							&notice_ms, 0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
}
