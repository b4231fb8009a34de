/*-------------------------------------------------------------------------
 *
 * memo_call.c
 *	  The handler of language stash: answer a call, or compute and keep it.
 *
 * Rules that a change must not break:
 *
 * A hit is a right answer: the key holds all that the answer depends on, and
 * nothing is kept unless the target is IMMUTABLE or a ttl was given.
 *
 * Caching never breaks a call: what prevents us from using the stash is a
 * reason to compute, never an error.
 *
 * The target runs with the rights of the caller.  EXECUTE on the target is
 * checked, unless the function was memoized in place: then EXECUTE on the
 * function itself, which the executor has checked, is what counts.
 *
 * Only completely consumed sets are kept, errors never, NULL and empty sets
 * always.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "image.h"
#include "memo.h"
#include "store.h"
#include "typeio.h"

#define MAX_VALUE_BYTES		(64 * 1024 * 1024)	/* larger ones are not kept */
#define FEW_ARGS			8
#define DEFAULT_SET_BYTES	(1024 * 1024 * 1024)	/* nor sets, unless said */

PG_FUNCTION_INFO_V1(pg_hashstash_call_handler);
PG_FUNCTION_INFO_V1(pg_hashstash_validator);

/* ---- keeping results ---- */

static void
begin_result(StashMemoCall *call, StashMemoResult *result)
{
	memset(result, 0, sizeof(*result));
	result->found_in = STASH_MEMO_MISS;
	result->created_at = GetCurrentTimestamp();
	/* counted from the beginning: the answer is no newer than that */
	result->expires_at = call->has_ttl ?
		stash_store_expiry(&call->ttl, result->created_at) +
		call->memo->body.stale :
		DT_NOEND;
}

/* note, and count, why an answer is not kept, or that nothing is against it */
static void
refuse(StashMemo *memo, StashMemoReason reason, Oid culprit)
{
	stash_memo_note(memo->function, reason, culprit);
	stash_memo_count_reason(memo, STASH_MEMO_NOT_KEPT, reason);
}

/* microseconds that an answer must have cost to be kept */
static int64
min_cost_of(const StashMemo *memo)
{
	return memo->body.has_min_cost ? memo->body.min_cost :
		(int64) (stash_memo_min_cost * 1000.0);
}

/* whether an answer may be kept; notes why not */
static bool
may_keep(StashMemoCall *call, const StashMemoTrace *trace,
		 StashMemoResult *result, int64 cost_us)
{
	StashMemo  *memo = call->memo;
	StashMemoReason reason;
	Oid			culprit;

	result->cost_us = cost_us;
	if (stash_memo_mode == STASH_MEMO_MODE_READONLY)
	{
		stash_memo_count_reason(memo, STASH_MEMO_NOT_KEPT,
								STASH_MEMO_READONLY_MODE);
		return false;
	}
	reason = stash_memo_prove(call, trace, &result->proof, &culprit);
	/* what ran may have been replaced while it did, or while that was read */
	if (!stash_memo_still_holds(call))
	{
		stash_memo_count_reason(memo, STASH_MEMO_NOT_KEPT,
								STASH_MEMO_FUNCTION_CHANGED);
		return false;
	}
	if (reason == STASH_MEMO_FINE && cost_us < min_cost_of(memo))
		reason = STASH_MEMO_CHEAP;
	refuse(memo, reason, culprit);
	return reason == STASH_MEMO_FINE;
}

/* how large an answer may be that is no set */
static Size
max_bytes(const StashMemo *memo)
{
	if (memo->body.max_bytes == 0)
		return MAX_VALUE_BYTES;
	return Min(memo->body.max_bytes, MAX_VALUE_BYTES);
}

/*
 * The key in full, for keeping, if it is not made yet; NULL where the stash is
 * not written.  Made before the target runs, which may take over, change or
 * free what it is given.
 */
static bytea *
frame_for_keeping(StashMemoCall *call, StashMemoKey *key,
				  FunctionCallInfo fcinfo, bytea *frame)
{
	if (frame == NULL && stash_memo_may_write(call->memo) == STASH_MEMO_FINE)
		frame = stash_memo_key_frame(key, call, fcinfo);
	return frame;
}

/*
 * Whether an answer may be stored whose key in full is 'frame'.
 */
static StashMemoReason
may_store(StashMemoCall *call, const bytea *frame)
{
	StashMemoReason reason = stash_memo_may_write(call->memo);

	/* the target may have changed the mode */
	if (reason == STASH_MEMO_FINE && frame == NULL)
		reason = STASH_MEMO_READONLY_MODE;
	return reason;
}

/*
 * Keep a result whose variant is 'variant'; NULL stands for a NULL result.
 * 'names_objects': it may mean others by the time it is read from a stash.
 * Says whether others will find it.
 */
static bool
keep_result(StashMemoCall *call, StashMemoKey *key, bytea *frame,
			bytea *variant, bool names_objects, const StashMemoResult *result)
{
	StashMemoReason reason = may_store(call, frame);

	stash_memo_count_fill(call, result);
	if (reason == STASH_MEMO_FINE && names_objects)
		reason = STASH_MEMO_OBJECTS;
	if (reason == STASH_MEMO_FINE)
		reason = stash_memo_table_append(call->memo, key, frame, variant,
										 result);
	stash_memo_count_reason(call->memo, STASH_MEMO_NOT_STORED, reason);
	/* shared memory has what a stash has; a standby's has more */
	stash_memo_cache_put(key, call, result, reason == STASH_MEMO_FINE ||
						 (RecoveryInProgress() && !names_objects));
	return reason == STASH_MEMO_FINE;
}

/* ---- results that are no sets ---- */

static Datum
call_target_in(FunctionCallInfo target, StashMemoCall *call,
			   FunctionCallInfo fcinfo, bool *isnull)
{
	Datum		value;

	InitFunctionCallInfoData(*target, &call->target, fcinfo->nargs,
							 fcinfo->fncollation, fcinfo->context,
							 fcinfo->resultinfo);
	memcpy(target->args, fcinfo->args,
		   sizeof(NullableDatum) * fcinfo->nargs);
	call->running++;
	value = FunctionCallInvoke(target);
	call->running--;
	*isnull = target->isnull;
	return value;
}

static pg_noinline Datum
call_target_of_many(StashMemoCall *call, FunctionCallInfo fcinfo, bool *isnull)
{
	LOCAL_FCINFO(target, FUNC_MAX_ARGS);

	return call_target_in(target, call, fcinfo, isnull);
}

/* functions that call themselves do so on one stack: mostly a short one will do */
static Datum
call_target(StashMemoCall *call, FunctionCallInfo fcinfo, bool *isnull)
{
	LOCAL_FCINFO(target, FEW_ARGS);

	if (unlikely(fcinfo->nargs > FEW_ARGS))
		return call_target_of_many(call, fcinfo, isnull);
	return call_target_in(target, call, fcinfo, isnull);
}

/* the same, noting what it does, and how long it took, without the noting */
static Datum
trace_target(StashMemoCall *call, FunctionCallInfo fcinfo,
			 StashMemoTrace *trace, instr_time *took)
{
	Datum		value;
	instr_time	start;

	stash_memo_trace_begin(trace, call, fcinfo);
	PG_TRY();
	{
		stash_memo_target_runs(call, fcinfo);
		INSTR_TIME_SET_CURRENT(start);
		value = call_target(call, fcinfo, &fcinfo->isnull);
		INSTR_TIME_SET_CURRENT(*took);
		INSTR_TIME_SUBTRACT(*took, start);
	}
	PG_CATCH();
	{
		stash_memo_trace_drop(trace);
		PG_RE_THROW();
	}
	PG_END_TRY();
	stash_memo_trace_end(trace);
	return value;
}

/* the target is about to run for an answer that is compared with another */
static void
prepare_to_verify(const StashMemoCall *call)
{
	bool		untold;
	bool		unwatched;

	if (ActiveSnapshotSet() && !IsolationIsSerializable())
		(void) stash_memo_replan(&untold, &unwatched);
	stash_memo_trace_skip(call->memo->target);
}

/* a value without TOAST pointers and expanded objects */
static Datum
flatten(Datum value, int16 typlen)
{
	if (typlen == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	return value;
}

static Datum
compute_and_keep(StashMemoCall *call, StashMemoKey *key,
				 FunctionCallInfo fcinfo, bytea *frame, int64 *kept_us)
{
	StashMemoTrace trace;
	StashMemoResult result;
	StashType  *type = call->rettype;
	bytea	   *variant = NULL;
	bool		names_objects = false;
	instr_time	took;
	Datum		value;

	begin_result(call, &result);
	frame = frame_for_keeping(call, key, fcinfo, frame);
	value = trace_target(call, fcinfo, &trace, &took);
	stash_memo_count_miss(call, took);
	if (!may_keep(call, &trace, &result, INSTR_TIME_GET_MICROSEC(took)))
		return value;

	result.isnull = fcinfo->isnull;
	if (!result.isnull)
	{
		result.value = flatten(value, call->rettyplen);
		if (!call->rettypbyval &&
			datumGetSize(result.value, false, call->rettyplen) > max_bytes(call->memo))
		{
			refuse(call->memo, STASH_MEMO_TOO_LARGE, InvalidOid);
			return value;
		}
		if (type == NULL)
			type = stash_type_of_row(result.value);
		names_objects = type->has_oids &&
			*stash_image_oids(type, result.value) != '\0';
		if (!names_objects && may_store(call, frame) == STASH_MEMO_FINE)
			variant = stash_frame_make(type, result.value, false,
									   STASH_CODEC_LZ4);
	}
	if (keep_result(call, key, frame, variant, names_objects, &result))
		*kept_us = result.cost_us;
	return value;
}

static Datum
answer_value(StashMemoCall *call, StashMemoKey *key, FunctionCallInfo fcinfo)
{
	StashMemoResult result;
	bytea	   *frame = NULL;
	int64		kept_us = -1;	/* what computing took, if it is kept */
	Datum		value;

	if (stash_memo_mode == STASH_MEMO_MODE_REFRESH ||
		!stash_memo_find(call, key, fcinfo, &frame, &result))
	{
		value = compute_and_keep(call, key, fcinfo, frame, &kept_us);
		stash_memo_flight_end(key, kept_us);
		stash_memo_count_end(call, STASH_MEMO_MISS);
		return value;
	}
	fcinfo->isnull = result.isnull;
	if (!result.isnull)
		result.value = datumCopy(result.value, call->rettypbyval,
								 call->rettyplen);
	stash_memo_count_hit(call, &result);
	if (!stash_memo_verifies(&result))
		return result.isnull ? (Datum) 0 : result.value;
	prepare_to_verify(call);
	value = call_target(call, fcinfo, &fcinfo->isnull);
	if (!fcinfo->isnull)
		value = flatten(value, call->rettyplen);
	stash_memo_verify_value(call, &result, value, fcinfo->isnull);
	return value;
}

/* ---- sets ---- */

/* the columns that the caller of a set-returning function expects */
static TupleDesc
set_descriptor(StashMemoCall *call, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			oid;
	TupleDesc	desc = NULL;

	switch (get_call_result_type(fcinfo, &oid, &desc))
	{
		case TYPEFUNC_COMPOSITE:
		case TYPEFUNC_COMPOSITE_DOMAIN:
			return CreateTupleDescCopy(desc);
		case TYPEFUNC_SCALAR:
			desc = CreateTemplateTupleDesc(1);
			TupleDescInitEntry(desc, 1, get_func_name(call->memo->function),
							   oid, -1, 0);
			TupleDescFinalize(desc);
			return desc;
		default:
			return CreateTupleDescCopy(rsinfo->expectedDesc);
	}
}

/*
 * Pass on a set of records whose shape nobody knows beforehand, as in a
 * select list: it cannot be kept.  Called for each row, like the target.
 */
static Datum
stream_set(StashMemoCall *call, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		value = call_target(call, fcinfo, &fcinfo->isnull);

	call->is_streaming = rsinfo->returnMode == SFRM_ValuePerCall &&
		rsinfo->isDone == ExprMultipleResult;
	return value;
}

/*
 * The call of a target that returns a set, as the executor wants it.
 *
 * Made by hand, for ExecInitTableFunctionResult() would ask for EXECUTE on
 * the target, which callers of a function memoized in place need not have.
 */
static SetExprState *
set_call(StashMemoCall *call, FunctionCallInfo fcinfo)
{
	SetExprState *state = makeNode(SetExprState);
	List	   *args = NIL;
	FuncExpr   *expr;

	for (int i = 0; i < call->nargs; i++)
	{
		StashType  *type = call->argtypes[i];
		bool		is_cstring = call->is_cstring[i];

		args = lappend(args, makeConst(is_cstring ? CSTRINGOID : type->oid, -1,
									   get_typcollation(type->oid),
									   is_cstring ? -2 : type->typlen,
									   fcinfo->args[i].value,
									   fcinfo->args[i].isnull,
									   type->typbyval));
	}
	expr = makeFuncExpr(call->memo->target,
						call->rettype ? call->rettype->oid : RECORDOID, args,
						InvalidOid, fcinfo->fncollation, COERCE_EXPLICIT_CALL);
	expr->funcretset = true;
	state->expr = (Expr *) expr;
	state->args = ExecInitExprList(args, NULL);
	state->funcReturnsSet = true;
	fmgr_info_copy(&state->func, &call->target, CurrentMemoryContext);
	state->fcinfo = palloc0(SizeForFunctionCallInfo(call->nargs));
	InitFunctionCallInfoData(*state->fcinfo, &state->func, call->nargs,
							 fcinfo->fncollation, NULL, NULL);
	return state;
}

/*
 * Run the target to its end, in whatever mode it returns its rows.
 */
static Tuplestorestate *
compute_set(StashMemoCall *call, FunctionCallInfo fcinfo, TupleDesc desc)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ExprContext *econtext = CreateStandaloneExprContext();
	MemoryContext argcontext = AllocSetContextCreate(CurrentMemoryContext,
													 "pg_hashstash arguments",
													 ALLOCSET_SMALL_SIZES);
	SetExprState *state = set_call(call, fcinfo);
	Tuplestorestate *rows;

	rows = ExecMakeTableFunctionResult(state, econtext, argcontext, desc,
									   (rsinfo->allowedModes & SFRM_Materialize_Random) != 0);
	FreeExprContext(econtext, true);
	MemoryContextDelete(argcontext);
	return rows;
}

/* the same, noting what it does, and how long it took, without the noting */
static Tuplestorestate *
trace_set(StashMemoCall *call, FunctionCallInfo fcinfo, TupleDesc desc,
		  StashMemoTrace *trace, instr_time *took)
{
	Tuplestorestate *rows;
	instr_time	start;

	stash_memo_trace_begin(trace, call, fcinfo);
	PG_TRY();
	{
		stash_memo_target_runs(call, fcinfo);
		INSTR_TIME_SET_CURRENT(start);
		rows = compute_set(call, fcinfo, desc);
		INSTR_TIME_SET_CURRENT(*took);
		INSTR_TIME_SUBTRACT(*took, start);
	}
	PG_CATCH();
	{
		stash_memo_trace_drop(trace);
		PG_RE_THROW();
	}
	PG_END_TRY();
	stash_memo_trace_end(trace);
	return rows;
}

/*
 * Keep a set: in one piece where it is small, else in parts.  Says whether
 * others will find it.
 */
static bool
keep_rows(StashMemoCall *call, StashMemoKey *key, bytea *frame,
		  Tuplestorestate *rows, TupleDesc desc, StashMemoResult *result)
{
	StashMemo  *memo = call->memo;
	int64		limit = memo->body.max_bytes ? memo->body.max_bytes :
	DEFAULT_SET_BYTES;
	bool		has_stash = may_store(call, frame) == STASH_MEMO_FINE;
	StashMemoReason reason = STASH_MEMO_TOO_LARGE;

	/* sets are frames in memory, too */
	if (stash_memo_rows_type(desc)->has_oids)
	{
		refuse(memo, STASH_MEMO_OBJECTS, InvalidOid);
		return false;
	}
	result->rows = stash_memo_rows_frame(rows, desc,
										 Min(limit, has_stash ? STASH_MEMO_PART_BYTES :
											 stash_memo_cache_share()));
	if (result->rows != NULL)
		return keep_result(call, key, frame, result->rows, false, result);
	stash_memo_cache_drop(key, call);
	if (has_stash && limit > STASH_MEMO_PART_BYTES)
		reason = stash_memo_rows_keep(memo, key, frame, rows, desc, limit,
									  result);
	refuse(memo, reason, InvalidOid);
	if (reason != STASH_MEMO_FINE)
		return false;
	stash_memo_count_fill(call, result);
	return true;
}

static Tuplestorestate *
compute_and_keep_set(StashMemoCall *call, StashMemoKey *key,
					 FunctionCallInfo fcinfo, bytea *frame, TupleDesc desc,
					 int64 *kept_us)
{
	StashMemoTrace trace;
	StashMemoResult result;
	instr_time	took;
	Tuplestorestate *rows;

	begin_result(call, &result);
	frame = frame_for_keeping(call, key, fcinfo, frame);
	rows = trace_set(call, fcinfo, desc, &trace, &took);
	stash_memo_count_miss(call, took);
	if (!may_keep(call, &trace, &result, INSTR_TIME_GET_MICROSEC(took)))
		return rows;
	if (keep_rows(call, key, frame, rows, desc, &result))
		*kept_us = result.cost_us;
	return rows;
}

/* compute a set that was remembered all the same, and compare */
static Tuplestorestate *
verified_rows(StashMemoCall *call, FunctionCallInfo fcinfo, TupleDesc desc,
			  const StashMemoResult *result, Tuplestorestate *remembered)
{
	Tuplestorestate *rows;

	prepare_to_verify(call);
	rows = compute_set(call, fcinfo, desc);
	stash_memo_verify_rows(call, result, remembered, rows, desc,
						   stash_memo_rows_type(desc));
	tuplestore_end(remembered);
	return rows;
}

/*
 * Throw 0A000 unless the caller takes a set as a whole.
 */
void
stash_memo_check_set_context(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
}

/*
 * Answer a call to a set-returning function; 'key' is NULL when the stash is
 * to be left out.
 */
static Datum
answer_set(StashMemoCall *call, StashMemoKey *key, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller = CurrentMemoryContext;
	bool		random = (rsinfo->allowedModes & SFRM_Materialize_Random) != 0;
	StashMemoResult result;
	bytea	   *frame = NULL;
	bool		found = false;
	int64		kept_us = -1;	/* what computing took, if it is kept */
	Tuplestorestate *rows = NULL;
	TupleDesc	desc;

	if (key != NULL && stash_memo_mode != STASH_MEMO_MODE_REFRESH)
		found = stash_memo_find(call, key, fcinfo, &frame, &result);

	MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	desc = set_descriptor(call, fcinfo);
	if (found)
	{
		rows = stash_memo_rows_read(call->memo, key, &result, desc, random);
		if (rows != NULL)
			stash_memo_count_hit(call, &result);
	}
	if (rows != NULL && stash_memo_verifies(&result))
		rows = verified_rows(call, fcinfo, desc, &result, rows);
	if (rows == NULL && key == NULL)
		rows = compute_set(call, fcinfo, desc);
	else if (rows == NULL)
	{
		rows = compute_and_keep_set(call, key, fcinfo, frame, desc, &kept_us);
		stash_memo_flight_end(key, kept_us);
		stash_memo_count_end(call, STASH_MEMO_MISS);
	}
	MemoryContextSwitchTo(caller);

	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = rows;
	rsinfo->setDesc = desc;
	return (Datum) 0;
}

/* a STRICT target is not called with a NULL: the answer is NULL, or no row */
static bool
is_strict_null(StashMemoCall *call, FunctionCallInfo fcinfo)
{
	if (!call->memo->is_strict)
		return false;
	for (int i = 0; i < fcinfo->nargs; i++)
	{
		if (fcinfo->args[i].isnull)
			return true;
	}
	return false;
}

/*
 * Call the target of 'function', or answer for it; fcinfo has its arguments,
 * and flinfo->fn_extra is ours.
 *
 * Errors: what the target throws; 42501 without EXECUTE on the target; what
 * stash_memo_lookup() throws for a body that does not fit.
 */
Datum
stash_memo_answer(FunctionCallInfo fcinfo, Oid function)
{
	StashMemoCall *call;
	StashMemoKey key;
	StashMemoReason reason;
	bool		remembers;

	/* what others have done to roles counts, as where a table is opened */
	AcceptInvalidationMessages();
	call = stash_memo_call(fcinfo, function);
	stash_memo_refresh(call, fcinfo);
	if (call->memo->retset)
		stash_memo_check_set_context(fcinfo);

	if (is_strict_null(call, fcinfo))
	{
		if (call->memo->retset)
			((ReturnSetInfo *) fcinfo->resultinfo)->isDone = ExprEndResult;
		PG_RETURN_NULL();
	}
	if (call->memo->retset && call->is_record &&
		((ReturnSetInfo *) fcinfo->resultinfo)->expectedDesc == NULL)
	{
		if (!call->is_streaming)
			stash_memo_count_reason(call->memo, STASH_MEMO_BYPASS,
									STASH_MEMO_NO_COLUMNS);
		stash_memo_trace_skip(call->memo->target);
		return stream_set(call, fcinfo);
	}
	stash_memo_count_begin(call);
	reason = stash_memo_bypass(call->memo);
	if (reason == STASH_MEMO_FINE)
		reason = stash_memo_key(&key, call, fcinfo);
	remembers = reason == STASH_MEMO_FINE;
	if (!remembers)
	{
		stash_memo_count_reason(call->memo, STASH_MEMO_BYPASS, reason);
		stash_memo_trace_skip(call->memo->target);
	}
	if (call->memo->retset)
		return answer_set(call, remembers ? &key : NULL, fcinfo);
	if (remembers)
		return answer_value(call, &key, fcinfo);
	return call_target(call, fcinfo, &fcinfo->isnull);
}

/*
 * stash.call_handler() returns language_handler
 *
 * Calls the target that the function's body names, or answers for it.
 * Errors: as stash_memo_answer(); 0A000 for a trigger.
 */
Datum
pg_hashstash_call_handler(PG_FUNCTION_ARGS)
{
	check_stack_depth();
	if (CALLED_AS_TRIGGER(fcinfo) || CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("trigger functions cannot be memoized")));
	return stash_memo_answer(fcinfo, fcinfo->flinfo->fn_oid);
}

/* ---- validation ---- */

/* the target and the stash cannot be dropped under the function, nor lost */
static void
record_dependencies(Oid function, Oid target, Oid stash)
{
	ObjectAddress self;
	ObjectAddress other;

	ObjectAddressSet(self, ProcedureRelationId, function);
	if (OidIsValid(target) && target != function)
	{
		ObjectAddressSet(other, ProcedureRelationId, target);
		recordDependencyOn(&self, &other, DEPENDENCY_NORMAL);
	}
	if (OidIsValid(stash))
	{
		ObjectAddressSet(other, RelationRelationId, stash);
		recordDependencyOn(&self, &other, DEPENDENCY_NORMAL);
	}
	/* they are found by this when their names lead nowhere */
	CommandCounterIncrement();
}

static void
check_stash(Oid stash)
{
	Relation	rel;

	(void) stash_store_open(stash, &rel, AccessShareLock);
	relation_close(rel, AccessShareLock);
}

/*
 * stash.validator(function oid) returns void
 *
 * Errors: 42601 for a body that breaks the grammar, 42883 no such target,
 * 42P13 a target that does not fit or is VOLATILE, or a type that is no value,
 * 42501 a target that the creator may not execute, 42809 a table that is no
 * stash.  Strict, volatile.
 */
Datum
pg_hashstash_validator(PG_FUNCTION_ARGS)
{
	Oid			function = PG_GETARG_OID(0);
	Oid			target;
	Oid			stash;
	StashMemo  *memo;

	if (!CheckFunctionValidatorAccess(fcinfo->flinfo->fn_oid, function))
		PG_RETURN_VOID();
	stash_memo_names(function, &target, &stash);
	record_dependencies(function, target, stash);
	/* a restore brings things in its own order, and owners later */
	if (!check_function_bodies)
		PG_RETURN_VOID();

	stash_memo_check_types(function);
	memo = stash_memo_lookup(function);
	stash_memo_check_target(memo);
	stash_memo_check_ignored(memo);
	if (OidIsValid(stash))
		check_stash(stash);
	if (memo->volatility == PROVOLATILE_VOLATILE && !memo->body.allow_volatile)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s is VOLATILE and cannot be memoized",
						format_procedure(memo->target)),
				 errhint("Declare it STABLE if its result does not change within a statement, or vouch for it with volatile => true.")));
	PG_RETURN_VOID();
}
