/*-------------------------------------------------------------------------
 *
 * memo_map_worker.c
 *	  A worker of stash.map(), and how an item is computed, in it or elsewhere.
 *
 * A worker is who its caller is: the same roles, settings and libraries, and
 * no more rights.  It takes one item after another until there are none.  An
 * item of a VOLATILE function is a transaction of its own, and so is each that
 * has written something; others share one for some milliseconds, as long as
 * none fails.  What an item sets for the session is undone after it.
 *
 * When the caller goes, it terminates its workers: nothing has to be told
 * between the two but answers, and the number of the item in work.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "memo.h"
#include "memo_map.h"
#include "typeio.h"

#define SHARED_TRANSACTION_US	10000	/* for items that only read */

pg_noreturn extern PGDLLEXPORT void pg_hashstash_map_worker(Datum arg);

/* ---- computing an item ---- */

/*
 * Forget what was made ready in a transaction; 'is_over' when that has ended
 * in an error, or some time ago.
 */
void
stash_memo_map_computer_reset(StashMapComputer *computer, bool is_over)
{
	if (computer->context == NULL)
		return;
	FreeExprContext(computer->run->econtext, !is_over);
	MemoryContextDelete(computer->context);
	computer->context = NULL;
}

/*
 * Make ready to compute, unless that has been done; in a transaction, whose
 * end is to be told with stash_memo_map_computer_reset().
 *
 * Errors as stash_memo_args_call(); 42501 without EXECUTE.
 */
void
stash_memo_map_computer_prepare(StashMapComputer *computer)
{
	const StashMapShared *shared = computer->shared;
	TimestampTz transaction = GetCurrentTransactionStartTimestamp();
	MemoryContext context;
	MemoryContext old;

	if (likely(computer->context != NULL &&
			   computer->transaction == transaction &&
			   computer->generation == stash_type_generation()))
		return;
	stash_memo_map_computer_reset(computer, computer->transaction != transaction);
	stash_memo_args_check(shared->function, false);
	/* below the item's while it can fail */
	context = AllocSetContextCreate(computer->item_context, "pg_hashstash map",
									ALLOCSET_SMALL_SIZES);
	computer->generation = stash_type_generation();
	computer->transaction = transaction;
	old = MemoryContextSwitchTo(context);
	computer->run = stash_memo_run_make(shared->function, &shared->args,
										shared->collation, context);
	computer->expr = NULL;
	if (!shared->remember || computer->run->is_memoized)
		computer->expr = ExecInitExpr(expression_planner((Expr *) copyObject(computer->run->expr)),
									  NULL);
	computer->rettyplen = get_typlen(computer->run->rettype);
	computer->rettype = NULL;
	if (computer->run->rettype != RECORDOID && computer->run->rettype != VOIDOID)
		computer->rettype = stash_type_lookup(computer->run->rettype, -1);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, computer->parent);
	computer->context = context;
}

static Datum
call_function(StashMapComputer *computer, const NullableDatum *values,
			  bool *isnull)
{
	StashMemoRun *run = computer->run;
	Datum		value;

	if (computer->expr != NULL)
	{
		for (int i = 0; i < run->args.n; i++)
		{
			run->params->params[i].value = values[i].value;
			run->params->params[i].isnull = values[i].isnull;
		}
		ResetExprContext(run->econtext);
		return ExecEvalExprSwitchContext(computer->expr, run->econtext, isnull);
	}
	stash_memo_run_fill(run, values);
	value = stash_memo_answer(run->fcinfo, run->function);
	*isnull = run->fcinfo->isnull;
	return value;
}

/*
 * Microseconds since the last item was begun.
 */
int64
stash_memo_map_elapsed(StashMapComputer *computer)
{
	instr_time	spent;

	INSTR_TIME_SET_CURRENT(computer->end);
	spent = computer->end;
	INSTR_TIME_SUBTRACT(spent, computer->start);
	return INSTR_TIME_GET_MICROSEC(spent);
}

/*
 * Compute an item, in a transaction with an active snapshot.
 *
 * Returns the result as a variant, NULL where it is NULL or the function
 * returns nothing, in the context 'item_context', which is reset first; fills
 * in *answer.  Throws what the function throws.
 */
bytea *
stash_memo_map_compute(StashMapComputer *computer, uint64 item,
					   StashMapAnswer *answer)
{
	NullableDatum values[FUNC_MAX_ARGS];
	Datum		value;
	bytea	   *variant = NULL;
	MemoryContext old;

	INSTR_TIME_SET_CURRENT(computer->start);
	MemoryContextReset(computer->item_context);
	old = MemoryContextSwitchTo(computer->item_context);
	stash_memo_map_computer_prepare(computer);
	(void) stash_memo_map_item_read(computer->items, computer->shared, item, values);
	value = call_function(computer, values, &answer->isnull);
	answer->item = item;
	answer->sqlstate = 0;
	answer->elapsed_us = stash_memo_map_elapsed(computer);
	answer->isnull |= computer->run->rettype == VOIDOID;
	if (!answer->isnull)
	{
		StashType  *type = computer->rettype;

		if (computer->rettyplen == -1)
			value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
		if (type == NULL)
			type = stash_type_of_row(value);
		variant = stash_frame_make(type, value, false, STASH_CODEC_LZ4);
	}
	MemoryContextSwitchTo(old);
	return variant;
}

/*
 * An error as an answer sends it, in the current memory context; fills in
 * *answer but for the item and the time.
 */
bytea *
stash_memo_map_error(const ErrorData *error, StashMapAnswer *answer)
{
	const char *parts[] = {error->message, error->detail, error->hint};
	StringInfoData out;

	answer->sqlstate = error->sqlerrcode;
	answer->isnull = true;
	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	for (int i = 0; i < lengthof(parts); i++)
	{
		appendStringInfoString(&out, parts[i] ? parts[i] : "");
		appendStringInfoChar(&out, '\0');
	}
	SET_VARSIZE(out.data, out.len);
	return (bytea *) out.data;
}

/* ---- the worker ---- */

typedef struct Worker
{
	StashMapComputer computer;
	StashMapSlot *slot;
	shm_mq_handle *queue;
	bool		is_read_only;
	bool		is_volatile;
	bool		is_in_transaction;
	instr_time	begun;			/* of it */
} Worker;

static void
begin_transaction(Worker *worker)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (worker->is_read_only)
		XactReadOnly = true;
	worker->is_in_transaction = true;
	INSTR_TIME_SET_CURRENT(worker->begun);
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_transaction(Worker *worker)
{
	stash_memo_map_computer_reset(&worker->computer, false);
	worker->is_in_transaction = false;
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(TopMemoryContext);
	pgstat_report_stat(false);
}

/* whether the transaction has lasted long enough, at the end of an item */
static bool
is_long(const Worker *worker)
{
	instr_time	spent = worker->computer.end;

	INSTR_TIME_SUBTRACT(spent, worker->begun);
	return INSTR_TIME_GET_MICROSEC(spent) > SHARED_TRANSACTION_US;
}

/* compute an item, and commit where that has to be done */
static bytea *
compute_item(Worker *worker, uint64 item, StashMapAnswer *answer)
{
	bytea	   *variant;
	int			level;

	if (!worker->is_in_transaction)
		begin_transaction(worker);
	level = NewGUCNestLevel();
	variant = stash_memo_map_compute(&worker->computer, item, answer);
	AtEOXact_GUC(false, level);
	if (worker->is_volatile || is_long(worker) ||
		TransactionIdIsValid(GetTopTransactionIdIfAny()))
		commit_transaction(worker);
	return variant;
}

/* the same; an error becomes the answer */
static bytea *
try_item(Worker *worker, uint64 item, StashMapAnswer *answer)
{
	bytea	   *volatile payload = NULL;

	PG_TRY();
	{
		payload = compute_item(worker, item, answer);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(worker->computer.item_context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		stash_memo_map_computer_reset(&worker->computer, true);
		worker->is_in_transaction = false;
		MemoryContextSwitchTo(worker->computer.item_context);
		payload = stash_memo_map_error(error, answer);
		answer->item = item;
		answer->elapsed_us = stash_memo_map_elapsed(&worker->computer);
		MemoryContextSwitchTo(TopMemoryContext);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	return payload;
}

/* send an answer; false when nobody wants it any more */
static bool
send_answer(Worker *worker, const StashMapAnswer *answer, bytea *payload)
{
	shm_mq_iovec parts[2];
	shm_mq_result result;

	StaticAssertStmt(sizeof(*answer) == MAXALIGN(sizeof(*answer)),
					 "payloads are aligned");
	parts[0].data = (const char *) answer;
	parts[0].len = sizeof(*answer);
	parts[1].data = payload ? (const char *) payload : "";
	parts[1].len = payload ? VARSIZE(payload) : 0;
	result = shm_mq_sendv(worker->queue, parts, 2, true, true);
	if (result == SHM_MQ_WOULD_BLOCK)
	{
		/* it may take as long as the caller likes: hold no locks meanwhile */
		if (worker->is_in_transaction)
			commit_transaction(worker);
		result = shm_mq_sendv(worker->queue, parts, 2, false, true);
	}
	return result == SHM_MQ_SUCCESS;
}

static void
work(Worker *worker)
{
	StashMapShared *shared = unconstify(StashMapShared *, worker->computer.shared);
	StashMapAnswer answer = {0};

	for (;;)
	{
		uint64		item;
		bytea	   *payload;

		CHECK_FOR_INTERRUPTS();
		item = pg_atomic_fetch_add_u64(&shared->next, 1);
		if (item >= shared->nitems)
			break;
		pg_atomic_write_u64(&worker->slot->current, item + 1);
		payload = try_item(worker, item, &answer);
		if (!send_answer(worker, &answer, payload))
			break;
		pg_atomic_write_u64(&worker->slot->current, 0);
	}
	if (worker->is_in_transaction)
		commit_transaction(worker);
}

/* be who the caller is, with the caller's settings */
static void
become_caller(const StashMapShared *shared, shm_toc *toc)
{
	stash_compat_connect_as(shared->database, shared->authenticated_user);
	StartTransactionCommand();
	RestoreLibraryState(shm_toc_lookup(toc, STASH_MAP_LIBRARIES, false));
	/* the settings are taken as they are, not as a SET of this user */
	InitializingParallelWorker = true;
	RestoreGUCState(shm_toc_lookup(toc, STASH_MAP_SETTINGS, false));
	InitializingParallelWorker = false;
	CommitTransactionCommand();
	SetSessionAuthorization(shared->session_user, shared->session_is_superuser);
	SetCurrentRoleId(shared->outer_user, shared->outer_is_superuser);
	SetUserIdAndSecContext(shared->current_user, shared->sec_context);
}

/*
 * Main of a worker; its argument is the segment, bgw_extra its number.
 */
void
pg_hashstash_map_worker(Datum arg)
{
	dsm_segment *segment;
	shm_toc    *toc;
	StashMapShared *shared;
	StashMapItems items;
	Worker		worker = {0};
	shm_mq	   *queue;
	int			number;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	memcpy(&number, MyBgworkerEntry->bgw_extra, sizeof(number));

	segment = dsm_attach(DatumGetUInt32(arg));
	/* the caller is gone already */
	if (segment == NULL)
		proc_exit(0);
	toc = shm_toc_attach(STASH_MAP_MAGIC, dsm_segment_address(segment));
	if (toc == NULL)
		elog(ERROR, "bad magic number in dynamic shared memory");
	shared = shm_toc_lookup(toc, STASH_MAP_SHARED, false);
	queue = shm_toc_lookup(toc, STASH_MAP_QUEUES + number, false);
	shm_mq_set_sender(queue, MyProc);
	worker.queue = shm_mq_attach(queue, segment, NULL);

	become_caller(shared, toc);
	stash_memo_map_items_open(&items, shared->nitems,
							  shm_toc_lookup(toc, STASH_MAP_ITEMS, false));
	worker.slot = &shared->slots[number];
	worker.computer.shared = shared;
	worker.computer.items = &items;
	worker.computer.parent = TopMemoryContext;
	worker.computer.item_context = AllocSetContextCreate(TopMemoryContext,
														 "pg_hashstash item",
														 ALLOCSET_DEFAULT_SIZES);
	worker.is_read_only = shared->is_read_only;
	begin_transaction(&worker);
	worker.is_volatile = func_volatile(shared->function) == PROVOLATILE_VOLATILE;
	debug_query_string = psprintf("stash.map of function %s",
								  format_procedure(shared->function));
	debug_query_string = MemoryContextStrdup(TopMemoryContext, debug_query_string);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	commit_transaction(&worker);
	work(&worker);
	proc_exit(0);
}
