/*-------------------------------------------------------------------------
 *
 * memo.c
 *	  Memoized functions and the places that call them.
 *
 * What is known of a function in language stash is built from its body and
 * dropped when any function changes; what a call site knows is built from
 * that.  Replaced ones are freed at the end of the transaction, for a caller
 * further up the stack may still use them.  memo_call.c has the call itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "memo.h"

typedef struct MemoSlot
{
	Oid			function;		/* must be first */
	StashMemo  *memo;
} MemoSlot;

bool		stash_memo_enabled = true;
int			stash_memo_mode = STASH_MEMO_MODE_ON;

static HTAB *memos;				/* function to MemoSlot */
static MemoryContext memos_context;
static MemoryContext retired_context;
static uint64 generation = 1;	/* of all memos; see stash_memo_lookup() */
static bool is_stale;

static const struct config_enum_entry mode_names[] = {
	{"off", STASH_MEMO_MODE_OFF, false},
	{"on", STASH_MEMO_MODE_ON, false},
	{"refresh", STASH_MEMO_MODE_REFRESH, false},
	{"readonly", STASH_MEMO_MODE_READONLY, false},
	{NULL, 0, false}
};

/*
 * What a reason means, for stash.explain().
 */
const char *
stash_memo_reason_text(StashMemoReason reason)
{
	switch (reason)
	{
		case STASH_MEMO_FINE:
			return "nothing stands in the way";
		case STASH_MEMO_DISABLED:
			return "pg_hashstash.enabled is off";
		case STASH_MEMO_OFF:
			return "pg_hashstash.memo is off";
		case STASH_MEMO_VOLATILE:
			return "the target is VOLATILE: declare it STABLE, or memoize it with volatile => true";
		case STASH_MEMO_UNPROVED:
			return "the target is STABLE and no ttl was given, so that an answer could not be proved fresh: memoize it with a ttl";
		case STASH_MEMO_RESTRICTED:
			return "the call runs inside a security-restricted operation";
		case STASH_MEMO_NO_STASH:
			return "the function names no stash: results are kept in the session's memory only";
		case STASH_MEMO_STASH_MISSING:
			return "the stash does not exist: memoize the function again";
		case STASH_MEMO_STASH_FOREIGN:
			return "the stash does not belong to the owner of the function: give both one owner";
		case STASH_MEMO_STASH_ALTERED:
			return "the stash is no plain table with one index on key_hash any more: undo what was added to it";
		case STASH_MEMO_STASH_LOCKED:
			return "another session has locked the stash";
		case STASH_MEMO_READONLY_MODE:
			return "pg_hashstash.memo is readonly";
		case STASH_MEMO_READ_ONLY:
			return "the transaction is read-only";
		case STASH_MEMO_RECOVERY:
			return "the server is in recovery";
		case STASH_MEMO_PARALLEL:
			return "the call runs in a parallel query";
		case STASH_MEMO_NO_SNAPSHOT:
			return "the call runs without a snapshot";
		case STASH_MEMO_TOO_LARGE:
			return "the result is too large to be kept";
	}
	return "unknown";
}

/* ---- memos ---- */

static void
forget_functions(Datum arg, int cacheid, uint32 hashvalue)
{
	is_stale = true;
	generation++;
}

/* a stash that was made, dropped or renamed */
static void
forget_relations(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	MemoSlot   *slot;

	if (is_stale || memos == NULL)
		return;
	hash_seq_init(&scan, memos);
	while ((slot = hash_seq_search(&scan)) != NULL)
	{
		if (slot->memo->body.stash != NULL &&
			(!OidIsValid(relid) || !OidIsValid(slot->memo->stash) ||
			 slot->memo->stash == relid))
		{
			hash_seq_term(&scan);
			forget_functions((Datum) 0, 0, 0);
			return;
		}
	}
}

static void
free_retired(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE || event == XACT_EVENT_PARALLEL_COMMIT ||
		event == XACT_EVENT_PARALLEL_ABORT)
		MemoryContextDeleteChildren(retired_context);
}

static void
start_generation(void)
{
	HASHCTL		ctl = {0};

	if (memos_context != NULL)
		MemoryContextSetParent(memos_context, retired_context);
	memos = NULL;
	memos_context = AllocSetContextCreate(TopMemoryContext,
										  "pg_hashstash memos",
										  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(MemoSlot);
	ctl.hcxt = memos_context;
	memos = hash_create("pg_hashstash memos", 32, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	is_stale = false;
}

/*
 * Register callbacks and settings; called once when the library is loaded.
 */
void
stash_memo_init(void)
{
	retired_context = AllocSetContextCreate(TopMemoryContext,
											"pg_hashstash retired memos",
											ALLOCSET_START_SMALL_SIZES);
	is_stale = true;
	CacheRegisterSyscacheCallback(PROCOID, forget_functions, (Datum) 0);
	CacheRegisterRelcacheCallback(forget_relations, (Datum) 0);
	RegisterXactCallback(free_retired, NULL);
	stash_memo_key_init();
	stash_memo_cache_init();

	DefineCustomBoolVariable("pg_hashstash.enabled",
							 "Switches remembering on or off altogether.",
							 NULL, &stash_memo_enabled, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("pg_hashstash.memo",
							 "What memoized functions do.",
							 "on: use and keep results; off: compute; refresh: compute and replace; readonly: use, do not keep.",
							 &stash_memo_mode, STASH_MEMO_MODE_ON, mode_names,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

/* a column of pg_proc, as a digest; "-" for NULL */
static void
append_column(StringInfo out, HeapTuple tuple, AttrNumber column)
{
	bool		isnull;
	Datum		datum = SysCacheGetAttr(PROCOID, tuple, column, &isnull);
	struct varlena *packed;
	StashHash128 hash;

	if (isnull)
	{
		appendStringInfoString(out, " -");
		return;
	}
	packed = PG_DETOAST_DATUM_PACKED(datum);
	hash = stash_hash_bytes128(VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
	appendStringInfo(out, " %zu:", (Size) VARSIZE_ANY_EXHDR(packed));
	for (int i = 0; i < sizeof(hash.data); i++)
		appendStringInfo(out, "%02x", hash.data[i]);
}

/*
 * Everything that makes a function do what it does, as one text.  By name
 * where there is one, so that it is the same in a restored database.
 */
static char *
describe_definition(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	StringInfoData out;
	Oid		   *argtypes;
	char	  **argnames;
	char	   *argmodes;
	int			nargs;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	initStringInfo(&out);
	appendStringInfo(&out, "%s %s %s%c%c%c",
					 get_language_name(form->prolang, false),
					 form->prosecdef ? GetUserNameFromId(form->proowner, false) : "-",
					 format_type_be_qualified(form->prorettype),
					 form->proretset ? 's' : '-', form->provolatile,
					 form->proisstrict ? 's' : '-');
	nargs = get_func_arg_info(tuple, &argtypes, &argnames, &argmodes);
	for (int i = 0; i < nargs; i++)
		appendStringInfo(&out, " %c%s", argmodes ? argmodes[i] : 'i',
						 format_type_be_qualified(argtypes[i]));
	append_column(&out, tuple, Anum_pg_proc_prosrc);
	append_column(&out, tuple, Anum_pg_proc_probin);
	append_column(&out, tuple, Anum_pg_proc_prosqlbody);
	append_column(&out, tuple, Anum_pg_proc_proconfig);
	ReleaseSysCache(tuple);
	return out.data;
}

/* the function that a body names, with the argument types of its wrapper */
static Oid
find_target(const char *name, Form_pg_proc wrapper, bool missing_ok)
{
	return LookupFuncName(stash_compat_name_list(name), wrapper->pronargs,
						  wrapper->proargtypes.values, missing_ok);
}

/*
 * Whether the target that a function's body names is there.
 */
bool
stash_memo_target_exists(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	StashMemoBody body;
	bool		isnull;
	bool		exists;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	stash_memo_parse(&body,
					 TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple,
														 Anum_pg_proc_prosrc,
														 &isnull)));
	exists = OidIsValid(find_target(body.target,
									(Form_pg_proc) GETSTRUCT(tuple), true));
	ReleaseSysCache(tuple);
	return exists;
}

/* find the stash that a body names, if it may serve */
static void
resolve_stash(StashMemo *memo)
{
	RangeVar   *name;

	memo->stash_reason = STASH_MEMO_NO_STASH;
	if (memo->body.stash == NULL)
		return;
	name = makeRangeVarFromNameList(stash_compat_name_list(memo->body.stash));
	memo->stash = RangeVarGetRelid(name, NoLock, true);
	memo->stash_reason = OidIsValid(memo->stash) ?
		STASH_MEMO_FINE : STASH_MEMO_STASH_MISSING;
}

static char *
signature_of(Oid function)
{
	return format_procedure_extended(function, FORMAT_PROC_FORCE_QUALIFY);
}

static StashMemo *
build_memo(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	MemoryContext old = MemoryContextSwitchTo(memos_context);
	StashMemo  *memo = palloc0(sizeof(StashMemo));
	HeapTuple	target;
	Form_pg_proc target_form;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	memo->function = function;
	memo->owner = form->proowner;
	memo->retset = form->proretset;
	stash_memo_parse(&memo->body,
					 TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple,
														 Anum_pg_proc_prosrc,
														 &isnull)));
	memo->target = find_target(memo->body.target, form, false);
	if (memo->target == function)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s names itself as its target",
						format_procedure(function))));

	target = SearchSysCache1(PROCOID, ObjectIdGetDatum(memo->target));
	if (!HeapTupleIsValid(target))
		elog(ERROR, "cache lookup failed for function %u", memo->target);
	target_form = (Form_pg_proc) GETSTRUCT(target);
	if (target_form->proretset != form->proretset ||
		target_form->prorettype != form->prorettype ||
		target_form->prokind != PROKIND_FUNCTION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s does not return what its target returns",
						format_procedure(function))));
	memo->owns_target = memo->body.in_place &&
		target_form->proowner == form->proowner;
	memo->volatility = target_form->provolatile;
	memo->is_strict = target_form->proisstrict;
	ReleaseSysCache(target);
	ReleaseSysCache(tuple);

	memo->signature = signature_of(function);
	memo->definition = describe_definition(memo->target);
	resolve_stash(memo);
	MemoryContextSwitchTo(old);
	return memo;
}

/*
 * The memo of a function in language stash.
 *
 * Good to the end of the transaction, current until 'generation' changes.
 * Throws what parsing the body throws, 42883 for a missing target, 42P13 and
 * 42501 for a target that does not fit.
 */
StashMemo *
stash_memo_lookup(Oid function)
{
	MemoSlot   *slot;
	StashMemo  *memo;
	uint64		before = generation;

	if (is_stale)
		start_generation();
	slot = hash_search(memos, &function, HASH_FIND, NULL);
	if (slot != NULL)
		return slot->memo;
	memo = build_memo(function);
	/* reading catalogs may let in news: then it serves once */
	if (generation == before)
	{
		slot = hash_search(memos, &function, HASH_ENTER, NULL);
		slot->memo = memo;
	}
	return memo;
}

/*
 * Why calls to a memo are not answered from anywhere now; STASH_MEMO_FINE
 * when they are.
 */
StashMemoReason
stash_memo_bypass(StashMemo *memo)
{
	if (!stash_memo_enabled)
		return STASH_MEMO_DISABLED;
	if (stash_memo_mode == STASH_MEMO_MODE_OFF)
		return STASH_MEMO_OFF;
	if (memo->volatility == PROVOLATILE_VOLATILE && !memo->body.allow_volatile)
		return STASH_MEMO_VOLATILE;
	if (memo->volatility != PROVOLATILE_IMMUTABLE && !memo->body.has_ttl)
		return STASH_MEMO_UNPROVED;
	if (InSecurityRestrictedOperation())
		return STASH_MEMO_RESTRICTED;
	return STASH_MEMO_FINE;
}

/* ---- call sites ---- */

/* the row type of keys: the arguments by name, then the identity */
static StashType *
key_type(Oid function, int nargs, StashType **argtypes)
{
	TupleDesc	desc = CreateTemplateTupleDesc(nargs + 1);
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Datum		names;
	Datum		modes;
	bool		isnull;
	char	  **argnames = NULL;
	int			nnames = 0;

	names = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargnames, &isnull);
	if (!isnull)
	{
		modes = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargmodes,
								&isnull);
		nnames = get_func_input_arg_names(names, isnull ? (Datum) 0 : modes,
										  &argnames);
	}
	ReleaseSysCache(tuple);
	for (int i = 0; i < nargs; i++)
	{
		const char *name = i < nnames && argnames[i] != NULL &&
		argnames[i][0] != '\0' ? argnames[i] : psprintf("arg%d", i + 1);

		TupleDescInitEntry(desc, (AttrNumber) (i + 1), name, argtypes[i]->oid,
						   argtypes[i]->typmod, 0);
	}
	TupleDescInitEntry(desc, (AttrNumber) (nargs + 1), "@context", TEXTOID,
					   -1, 0);
	TupleDescFinalize(desc);
	BlessTupleDesc(desc);
	return stash_type_lookup(RECORDOID, desc->tdtypmod);
}

static StashType *
argument_type(FunctionCallInfo fcinfo, Oid function, int argno)
{
	Oid			oid = get_fn_expr_argtype(fcinfo->flinfo, argno);

	if (!OidIsValid(oid))
	{
		Oid		   *argtypes;
		int			nargs;

		(void) get_func_signature(function, &argtypes, &nargs);
		oid = argno < nargs ? argtypes[argno] : InvalidOid;
	}
	return stash_type_lookup(oid, -1);
}

/* decide what type results have; NULL: each record says so itself */
static void
resolve_result(StashMemoCall *call, FunctionCallInfo fcinfo, Oid function)
{
	Oid			oid;
	TupleDesc	desc = NULL;
	TypeFuncClass kind = get_call_result_type(fcinfo, &oid, &desc);

	if (!OidIsValid(oid))
		oid = get_func_rettype(function);
	call->is_record = kind == TYPEFUNC_RECORD;
	if (oid != RECORDOID)
		call->rettype = stash_type_lookup(oid, -1);
	get_typlenbyval(oid, &call->rettyplen, &call->rettypbyval);
	if (call->is_record && fcinfo->resultinfo != NULL)
	{
		TupleDesc	expected = ((ReturnSetInfo *) fcinfo->resultinfo)->expectedDesc;

		if (expected != NULL)
		{
			expected = BlessTupleDesc(CreateTupleDescCopy(expected));
			call->shape = MemoryContextStrdup(fcinfo->flinfo->fn_mcxt,
											  stash_type_to_text(stash_type_lookup(RECORDOID,
																				   expected->tdtypmod)));
		}
	}
}

/*
 * What the call site of a call remembers, built at its first call.
 *
 * 'function' is the memoized function; stash.explain() and its like call for
 * it with a call of their making.
 */
StashMemoCall *
stash_memo_call(FunctionCallInfo fcinfo, Oid function)
{
	StashMemoCall *call = fcinfo->flinfo->fn_extra;
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	MemoryContext old;

	if (likely(call != NULL && call->generation == generation &&
			   call->types_generation == stash_type_generation()))
		return call;

	call = MemoryContextAllocZero(context, sizeof(StashMemoCall));
	call->memo = stash_memo_lookup(function);
	call->nargs = fcinfo->nargs;
	fmgr_info_cxt(call->memo->target, &call->target, context);
	/* the expression tells a polymorphic target its types */
	fmgr_info_set_expr(fcinfo->flinfo->fn_expr, &call->target);

	old = MemoryContextSwitchTo(context);
	call->argtypes = palloc(sizeof(StashType *) * Max(call->nargs, 1));
	for (int i = 0; i < call->nargs; i++)
		call->argtypes[i] = argument_type(fcinfo, function, i);
	call->keytype = key_type(function, call->nargs, call->argtypes);
	MemoryContextSwitchTo(old);
	resolve_result(call, fcinfo, function);
	call->types_generation = stash_type_generation();
	call->generation = generation;
	fcinfo->flinfo->fn_extra = call;
	return call;
}

/*
 * True while no function has changed since the call site was built.
 */
bool
stash_memo_is_current(const StashMemoCall *call)
{
	return call->generation == generation;
}

/*
 * The caller must be allowed to call the target itself, unless the owner of
 * the function vouches: by having put it in the place of one of his own.
 */
static void
check_target(StashMemoCall *call)
{
	AclResult	result;
	Oid			role = GetUserId();

	if (call->memo->owns_target ||
		(call->checked_role == role &&
		 call->checked_roles == stash_memo_roles_generation()))
		return;
	result = stash_compat_proc_aclcheck(call->memo->target, role, ACL_EXECUTE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION,
					   get_func_name(call->memo->target));
	call->checked_role = role;
	call->checked_roles = stash_memo_roles_generation();
}

/*
 * Make a call site ready for this call: the caller may call the target, and
 * call->identity is that of the caller and the present settings.
 *
 * Throws 42501 where the caller lacks EXECUTE on the target.
 */
void
stash_memo_refresh(StashMemoCall *call, FunctionCallInfo fcinfo)
{
	uint64		environment = 1;

	check_target(call);
	if (call->memo->volatility != PROVOLATILE_IMMUTABLE)
		environment = stash_memo_environment(call->memo->body.is_shared);
	if (likely(call->environment == environment))
		return;
	call->environment = 0;
	if (call->identity.text != NULL)
	{
		pfree(call->identity.text);
		pfree(call->identity.settings);
		call->identity.text = NULL;
	}
	stash_memo_identity(&call->identity, call->memo, fcinfo->fncollation,
						call->shape, fcinfo->flinfo->fn_mcxt);
	call->environment = environment;
}
