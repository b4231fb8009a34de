/*-------------------------------------------------------------------------
 *
 * memo_inspect.c
 *	  What is remembered of a function, why, and forgetting it.
 *
 * stash.explain() goes the way of a call, with the same functions, up to the
 * point where the target would run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "memo.h"
#include "spi.h"
#include "store.h"
#include "typeio.h"
#include "variant.h"

PG_FUNCTION_INFO_V1(pg_hashstash_stash_of);
PG_FUNCTION_INFO_V1(pg_hashstash_call_args);
PG_FUNCTION_INFO_V1(pg_hashstash_calls);
PG_FUNCTION_INFO_V1(pg_hashstash_forget);
PG_FUNCTION_INFO_V1(pg_hashstash_forget_call);
PG_FUNCTION_INFO_V1(pg_hashstash_explain);

/* A call put together from the arguments of one of our own functions. */
typedef struct MadeUpCall
{
	FmgrInfo	flinfo;
	FunctionCallInfo fcinfo;
} MadeUpCall;

/*
 * The memoized function given as first argument.
 *
 * Throws 22004 for NULL, 55000 for a function that is not memoized.
 */
Oid
stash_memo_argument(FunctionCallInfo fcinfo)
{
	Oid			function;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("function must not be null")));
	function = PG_GETARG_OID(0);
	if (!SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(function)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	if (!stash_memo_is_memoized(function))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("function %s is not memoized",
						format_procedure(function)),
				 errhint("Use stash.memoize() on it.")));
	return function;
}

/*
 * Put together a call of 'function' with the arguments behind our first one,
 * cast to the types that it declares.
 */
static void
make_up_call(MadeUpCall *made, Oid function, FunctionCallInfo fcinfo)
{
	Oid		   *declared;
	int			nargs;
	List	   *args = NIL;

	(void) get_func_signature(function, &declared, &nargs);
	if (PG_NARGS() - 1 != nargs)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s takes %d arguments, not %d",
						format_procedure(function), nargs, PG_NARGS() - 1),
				 errhint("Give all arguments, also those that have defaults.")));
	made->fcinfo = palloc0(SizeForFunctionCallInfo(nargs));
	fmgr_info(function, &made->flinfo);
	InitFunctionCallInfoData(*made->fcinfo, &made->flinfo, nargs,
							 fcinfo->fncollation, NULL, NULL);
	for (int i = 0; i < nargs; i++)
	{
		Datum		value = PG_GETARG_DATUM(i + 1);
		StashType  *type = stash_type_of_argument(fcinfo, i + 1, &value);
		StashType  *wanted = IsPolymorphicType(declared[i]) ? type :
		stash_type_lookup(declared[i], -1);
		bool		isnull = PG_ARGISNULL(i + 1);

		if (!isnull)
			value = stash_type_cast(type, value, wanted);
		made->fcinfo->args[i].value = value;
		made->fcinfo->args[i].isnull = isnull;
		args = lappend(args, makeNullConst(wanted->oid, -1, InvalidOid));
	}
	fmgr_info_set_expr((Node *) makeFuncExpr(function,
											 get_func_rettype(function), args,
											 InvalidOid, fcinfo->fncollation,
											 COERCE_EXPLICIT_CALL),
					   &made->flinfo);
}

/* the name of a memo's stash, or NULL */
static char *
name_of_stash(StashMemo *memo)
{
	Relation	rel;
	StashStore *store;
	char	   *name;

	if (!OidIsValid(memo->stash))
		return NULL;
	store = stash_store_open(memo->stash, &rel, AccessShareLock);
	name = pstrdup(store->name);
	relation_close(rel, AccessShareLock);
	return name;
}

/* ---- what is remembered ---- */

/*
 * stash.stash_of(function regprocedure) returns regclass
 *
 * Errors: 55000 not memoized.  Stable, parallel safe.
 */
Datum
pg_hashstash_stash_of(PG_FUNCTION_ARGS)
{
	StashMemo  *memo = stash_memo_lookup(stash_memo_argument(fcinfo));

	if (!OidIsValid(memo->stash))
		PG_RETURN_NULL();
	PG_RETURN_OID(memo->stash);
}

/* a row without its last column, as a frame */
static bytea *
without_last_column(StashType *row, Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	HeapTupleData tuple = {0};
	int			natts = row->desc->natts;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(sizeof(bool) * natts);
	TupleDesc	desc = CreateTemplateTupleDesc(natts - 1);

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, row->desc, values, nulls);
	for (int i = 1; i < natts; i++)
		TupleDescCopyEntry(desc, (AttrNumber) i, row->desc, (AttrNumber) i);
	TupleDescFinalize(desc);
	BlessTupleDesc(desc);
	return stash_frame_make_row(stash_type_lookup(RECORDOID, desc->tdtypmod),
								values, nulls, STASH_CODEC_NONE);
}

/*
 * stash.call_args(key stash.variant) returns stash.variant
 *
 * The key of a remembered call without its last column, which says for whom
 * and under which settings it was made.  A variant that is no such key comes
 * back as it is.  Strict, stable, parallel safe.
 */
Datum
pg_hashstash_call_args(PG_FUNCTION_ARGS)
{
	StashType  *type;
	bool		isnull;
	Datum		value = stash_variant_value(PG_GETARG_DATUM(0), &type, &isnull);

	if (isnull || type->kind != STASH_KIND_ROW || type->oid != RECORDOID ||
		type->nfields == 0 ||
		strcmp(type->fields[type->nfields - 1].name, "@context") != 0)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_RETURN_BYTEA_P(without_last_column(type, value));
}

/*
 * stash.calls(function regprocedure) returns setof record
 *
 * Errors: 55000 not memoized, 42501 no right to read the stash.
 * Stable, parallel restricted.
 */
Datum
pg_hashstash_calls(PG_FUNCTION_ARGS)
{
	StashMemo  *memo = stash_memo_lookup(stash_memo_argument(fcinfo));
	char	   *name = name_of_stash(memo);

	if (name == NULL)
		stash_compat_materialize(fcinfo);
	else
		stash_spi_materialize(fcinfo,
							  psprintf("SELECT stash.call_args(key), value, version, created_at, expires_at, cost FROM %s "
									   "WHERE " STASH_ENTRY_IS_LISTED " "
									   "ORDER BY created_at USING OPERATOR(pg_catalog.<), key_hash USING OPERATOR(pg_catalog.<)",
									   name));
	return (Datum) 0;
}

/* ---- forgetting ---- */

/* plans in which the server has computed a function beforehand are made anew */
static void
forget_plans(Oid function)
{
	Relation	pg_proc = table_open(ProcedureRelationId, AccessShareLock);
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (HeapTupleIsValid(tuple))
	{
		CacheInvalidateHeapTuple(pg_proc, tuple, NULL);
		ReleaseSysCache(tuple);
	}
	table_close(pg_proc, NoLock);
}

/*
 * Forget in this session, and at commit in all others.  Returns how many
 * results the stash held; parts go with them, and do not count.
 */
static int64
forget_rows(Oid function, const char *condition)
{
	int64		forgotten;

	StashMemo  *memo = stash_memo_lookup(function);
	char	   *name = name_of_stash(memo);
	Oid			news = OidIsValid(memo->stash) ? memo->stash :
	stash_catalog_entry_relation();

	if (!stash_compat_proc_ownercheck(function, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION,
					   get_func_name(function));
	stash_memo_cache_forget(function);
	CacheInvalidateRelcacheByRelid(news);
	if (memo->volatility == PROVOLATILE_IMMUTABLE)
		forget_plans(function);
	if (TransactionIdIsValid(memo->stash_version))
		stash_memo_shared_forget(memo->stash);
	if (name == NULL)
		return 0;
	forgotten = stash_spi_run_bigint(psprintf("DELETE FROM %s WHERE "
											  STASH_ENTRY_IS_WHOLE " AND %s",
											  name, condition), false);
	stash_store_delete_orphans(name);
	return forgotten;
}

/*
 * stash.forget(function regprocedure) returns int8
 *
 * Returns: the number of results that the stash held
 * Errors:  42501 not the owner, 55000 not memoized
 * Volatile, parallel unsafe.
 */
Datum
pg_hashstash_forget(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(forget_rows(stash_memo_argument(fcinfo), "true"));
}

/*
 * stash.forget(function regprocedure, VARIADIC args any) returns int8
 *
 * Args:    args  all arguments of the call, cast to the declared types
 * Returns: the number of results of this call, for all roles and settings
 * Errors:  42501 not the owner, 55000 not memoized, 42883 wrong number of
 *          arguments, 42846 no such cast
 * Volatile, parallel unsafe.
 */
Datum
pg_hashstash_forget_call(PG_FUNCTION_ARGS)
{
	Oid			function = stash_memo_argument(fcinfo);
	MadeUpCall	made;
	StashMemoCall *call;
	StashMemoKey key;
	bytea	   *args;
	StashType  *type;
	bool		isnull;
	Datum		row;

	make_up_call(&made, function, fcinfo);
	call = stash_memo_call(made.fcinfo, function);
	stash_memo_refresh(call, made.fcinfo);
	if (stash_memo_key(&key, call, made.fcinfo) != STASH_MEMO_FINE)
		PG_RETURN_INT64(0);
	row = stash_variant_value(PointerGetDatum(stash_memo_key_frame(&key, call,
																   made.fcinfo)),
							  &type, &isnull);
	args = without_last_column(type, row);
	PG_RETURN_INT64(forget_rows(function,
								psprintf("stash.same_key(stash.call_args(key), %s::stash.variant)",
										 quote_literal_cstr(DatumGetCString(DirectFunctionCall1(byteaout,
																								PointerGetDatum(args)))))));
}

/* ---- explaining ---- */

static void
put_item(ReturnSetInfo *rsinfo, const char *item, const char *value)
{
	Datum		values[2];
	bool		nulls[2] = {false, value == NULL};

	values[0] = CStringGetTextDatum(item);
	values[1] = value ? CStringGetTextDatum(value) : (Datum) 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static const char *
show_time(TimestampTz time)
{
	if (TIMESTAMP_IS_NOEND(time))
		return "never";
	return DatumGetCString(DirectFunctionCall1(timestamptz_out,
											   TimestampTzGetDatum(time)));
}

static void
explain_memo(ReturnSetInfo *rsinfo, StashMemo *memo)
{
	put_item(rsinfo, "function", memo->signature);
	put_item(rsinfo, "target",
			 format_procedure_extended(memo->target, FORMAT_PROC_FORCE_QUALIFY));
	put_item(rsinfo, "volatility",
			 memo->volatility == PROVOLATILE_IMMUTABLE ? "immutable" :
			 memo->volatility == PROVOLATILE_STABLE ? "stable" : "volatile");
	put_item(rsinfo, "ttl", memo->body.has_ttl ?
			 DatumGetCString(DirectFunctionCall1(interval_out,
												 IntervalPGetDatum(&memo->body.ttl))) :
			 "none");
	put_item(rsinfo, "stash", OidIsValid(memo->stash) ?
			 stash_catalog_relation_name(memo->stash) : memo->body.stash);
	if (memo->is_renamed)
		put_item(rsinfo, "names in the body",
				 "are those of before a rename: memoize the function again, for dumps have them");
	put_item(rsinfo, "shared between roles", memo->body.is_shared ? "yes" : "no");
}

static void
explain_key(ReturnSetInfo *rsinfo, const StashMemoKey *key)
{
	pg_uuid_t	uuid;

	memcpy(uuid.data, key->hash.data, UUID_LEN);
	put_item(rsinfo, "key hash",
			 DatumGetCString(DirectFunctionCall1(uuid_out,
												 UUIDPGetDatum(&uuid))));
	put_item(rsinfo, "identity", key->identity->text);
	put_item(rsinfo, "settings in the key", key->identity->settings);
}

static void
explain_hit(ReturnSetInfo *rsinfo, const char *where,
			const StashMemoResult *result)
{
	put_item(rsinfo, "verdict", "hit");
	put_item(rsinfo, "found in", where);
	put_item(rsinfo, "computed at", show_time(result->created_at));
	put_item(rsinfo, "expires at", show_time(result->expires_at));
	if (result->parts != NULL)
		put_item(rsinfo, "parts", psprintf("%d", result->parts->nparts));
	for (int i = 0; result->proof != NULL && i < result->proof->nsources; i++)
		put_item(rsinfo, "read from",
				 DatumGetCString(DirectFunctionCall1(regclassout,
													 ObjectIdGetDatum(result->proof->sources[i].oid))));
}

/*
 * Tell of a miss: 'reason' is why the stash was not read, 'entry' what was
 * found there and did not do, or NULL.
 */
static void
explain_miss(ReturnSetInfo *rsinfo, StashMemoCall *call,
			 StashMemoReason reason, const StashEntry *entry)
{
	StashMemo  *memo = call->memo;
	StashMemoReason write = stash_memo_may_write(memo);
	StashMemoReason noted;
	StashMemoProof *proof;
	TimestampTz expires_at;
	Oid			culprit;

	put_item(rsinfo, "verdict", "miss");
	if (entry != NULL)
	{
		StashMemoReason fault = stash_memo_entry_judge(call, entry, &proof,
													   &expires_at, &culprit);

		put_item(rsinfo, "reason", fault == STASH_MEMO_FINE ?
				 "what is remembered cannot be read any more" :
				 stash_memo_blame(fault, culprit));
	}
	noted = stash_memo_noted(memo->function, &culprit);
	if (noted != STASH_MEMO_FINE)
		put_item(rsinfo, "last answer not kept",
				 stash_memo_blame(noted, culprit));
	if (reason != STASH_MEMO_FINE)
		put_item(rsinfo, "stash not read", stash_memo_reason_text(reason));
	if (write != STASH_MEMO_FINE)
		put_item(rsinfo, "stash not written", stash_memo_reason_text(write));
}

/* go the way of a call, and tell */
static void
explain_call(ReturnSetInfo *rsinfo, StashMemoCall *call,
			 FunctionCallInfo made)
{
	StashMemoReason reason = stash_memo_bypass(call->memo);
	const StashMemoResult *cached;
	StashMemoResult result;
	StashMemoKey key;
	StashEntry	entry;
	bool		found;

	if (reason == STASH_MEMO_FINE)
		reason = stash_memo_key(&key, call, made);
	if (reason != STASH_MEMO_FINE)
	{
		put_item(rsinfo, "verdict", "bypass");
		put_item(rsinfo, "reason", stash_memo_reason_text(reason));
		return;
	}
	explain_key(rsinfo, &key);
	if (stash_memo_mode == STASH_MEMO_MODE_REFRESH)
	{
		put_item(rsinfo, "verdict", "miss");
		put_item(rsinfo, "reason", "pg_hashstash.memo is refresh");
		return;
	}
	cached = stash_memo_cache_find(&key, call);
	if (cached != NULL)
	{
		result = *cached;
		explain_hit(rsinfo, "memory of this session", &result);
		return;
	}
	if (stash_memo_find_shared(call, &key, &result))
	{
		explain_hit(rsinfo, "memory of all sessions", &result);
		return;
	}
	reason = stash_memo_table_find(call->memo, &key,
								   stash_memo_key_frame(&key, call, made),
								   &found, &entry);
	if (found && stash_memo_read_result(call, &entry, &result))
		explain_hit(rsinfo, "stash", &result);
	else
		explain_miss(rsinfo, call, reason, found ? &entry : NULL);
}

/*
 * stash.explain(function regprocedure, VARIADIC args any)
 * returns setof (item text, value text)
 *
 * Args:    args  all arguments of the call, cast to the declared types
 * Returns: what a call would do now: hit, miss or bypass, and why; computes
 *          and changes nothing
 * Errors:  42501 no EXECUTE on the function, 55000 not memoized, 42883 wrong
 *          number of arguments
 * Stable, parallel restricted.
 */
Datum
pg_hashstash_explain(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			function = stash_memo_argument(fcinfo);
	MadeUpCall	made;
	StashMemoCall *call;

	if (stash_compat_proc_aclcheck(function, GetUserId(),
								   ACL_EXECUTE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION,
					   get_func_name(function));
	make_up_call(&made, function, fcinfo);
	call = stash_memo_call(made.fcinfo, function);
	stash_memo_refresh(call, made.fcinfo);
	stash_compat_materialize(fcinfo);
	explain_memo(rsinfo, call->memo);
	explain_call(rsinfo, call, made.fcinfo);
	return (Datum) 0;
}
