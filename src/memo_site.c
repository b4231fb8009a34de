/*-------------------------------------------------------------------------
 *
 * memo_site.c
 *	  The places that call memoized functions.
 *
 * What a call site knows is built at its first call from what is known of the
 * function, and again when that has changed.  memo_call.c has the call itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "memo.h"
#include "memo_setting.h"

/* the names of a function's input arguments; those without have numbers */
static char **
argument_names(Oid function, int nargs)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	  **result = palloc(sizeof(char *) * Max(nargs, 1));
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
		result[i] = i < nnames && argnames[i] != NULL && argnames[i][0] != '\0' ?
			argnames[i] : psprintf("arg%d", i + 1);
	return result;
}

/* the row type of keys: the arguments by name, then the identity */
static StashType *
key_type(const StashMemoCall *call, char **names)
{
	int			n = 1;
	TupleDesc	desc;

	for (int i = 0; i < call->nargs; i++)
		n += !call->is_ignored[i];
	desc = CreateTemplateTupleDesc(n);
	n = 0;
	for (int i = 0; i < call->nargs; i++)
	{
		StashType  *type = stash_memo_key_type(call, i);

		if (!call->is_ignored[i])
			TupleDescInitEntry(desc, (AttrNumber) ++n, names[i], type->oid,
							   type->typmod, 0);
	}
	TupleDescInitEntry(desc, (AttrNumber) (n + 1), "@context", TEXTOID, -1, 0);
	TupleDescFinalize(desc);
	BlessTupleDesc(desc);
	return stash_type_lookup(RECORDOID, desc->tdtypmod);
}

static int
find_name(const char *name, char **names, int n)
{
	for (int i = 0; name != NULL && i < n; i++)
	{
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

/* which arguments the memo treats in a way of their own */
static void
resolve_special(StashMemoCall *call, char **names)
{
	const StashMemoBody *body = &call->memo->body;
	ListCell   *cell;

	call->sql_argno = find_name(body->sql_argument, names, call->nargs);
	if (call->sql_argno >= 0 && call->argtypes[call->sql_argno]->oid != TEXTOID)
		call->sql_argno = -1;
	call->ttl_argno = find_name(body->ttl_argument, names, call->nargs);
	if (call->ttl_argno >= 0 && call->argtypes[call->ttl_argno]->oid != INTERVALOID)
		call->ttl_argno = -1;
	call->has_ttl = body->has_ttl;
	call->ttl = body->ttl;

	call->is_ignored = palloc0(sizeof(bool) * Max(call->nargs, 1));
	foreach(cell, call->memo->body.ignore)
	{
		for (int i = 0; i < call->nargs; i++)
			call->is_ignored[i] |= strcmp(names[i], lfirst(cell)) == 0;
	}
}

/*
 * Throw 42601 when a memo ignores an argument that its function does not have.
 */
void
stash_memo_check_ignored(const StashMemo *memo)
{
	int			nargs = get_func_nargs(memo->function);
	char	  **names = argument_names(memo->function, nargs);
	ListCell   *cell;

	foreach(cell, memo->body.ignore)
	{
		bool		found = false;

		for (int i = 0; i < nargs; i++)
			found |= strcmp(names[i], lfirst(cell)) == 0;
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("function %s has no argument \"%s\" to ignore",
							memo->signature, (char *) lfirst(cell)),
					 errhint("Arguments without a name are called arg1, arg2 and so on.")));
	}
}

static Oid
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
	return oid;
}

/* the row type that the caller of a function returning record asks for */
static void
append_shape(StringInfo out, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TupleDesc	expected = rsinfo ? rsinfo->expectedDesc : NULL;

	if (expected == NULL)
		return;
	expected = BlessTupleDesc(CreateTupleDescCopy(expected));
	appendStringInfo(out, "returns=%s ",
					 stash_type_to_text(stash_type_lookup(RECORDOID,
														  expected->tdtypmod)));
	/* some functions refuse to return what is not declared like that */
	for (int i = 0; i < expected->natts; i++)
	{
		if (TupleDescAttr(expected, i)->atttypmod >= 0)
			appendStringInfo(out, "typmod%d=%d ", i + 1,
							 TupleDescAttr(expected, i)->atttypmod);
	}
}

/* whether values of a type are, or contain, rows */
static bool
contains_rows(const StashType *type)
{
	return type->kind == STASH_KIND_ROW || type->kind == STASH_KIND_RECORD ||
		(type->inner != NULL && contains_rows(type->inner));
}

/*
 * Decide what type results have; NULL: each record says so itself.  Returns
 * the type of those, or of the rows of a set, where it is known by now.
 */
static StashType *
resolve_result(StashMemoCall *call, FunctionCallInfo fcinfo, Oid function)
{
	Oid			oid;
	TupleDesc	desc = NULL;

	(void) get_call_result_type(fcinfo, &oid, &desc);
	if (!OidIsValid(oid))
		oid = get_func_rettype(function);
	/* of a polymorphic result it knows nothing without the call, and throws */
	call->is_record = get_func_rettype(function) == RECORDOID &&
		get_func_result_type(function, NULL, NULL) == TYPEFUNC_RECORD;
	if (oid != RECORDOID)
		call->rettype = stash_type_lookup(oid, -1);
	call->follows_types = call->rettype == NULL ||
		contains_rows(call->rettype) || !call->rettype->is_domain_free;
	get_typlenbyval(oid, &call->rettyplen, &call->rettypbyval);
	if (call->rettype != NULL)
		return call->rettype;
	return desc != NULL ? stash_type_of_desc(desc) : NULL;
}

/*
 * Decide what types the arguments have in keys, and what else of this call
 * site the answer depends on.
 *
 * A literal that nobody gave a type reaches VARIADIC "any" as a C string.
 * Such a function may also tell VARIADIC array from a single array.
 */
static void
resolve_arguments(StashMemoCall *call, FunctionCallInfo fcinfo, Oid function,
				  StashType *result)
{
	StringInfoData site;
	Oid		   *declared;
	int			ndeclared;

	(void) get_func_signature(function, &declared, &ndeclared);
	call->argtypes = palloc(sizeof(StashType *) * Max(call->nargs, 1));
	call->is_cstring = palloc0(sizeof(bool) * Max(call->nargs, 1));
	call->is_sampled = palloc0(sizeof(bool) * Max(call->nargs, 1));
	initStringInfo(&site);
	if (call->memo->takes_anything && get_fn_expr_variadic(fcinfo->flinfo))
		appendStringInfoString(&site, "variadic ");
	for (int i = 0; i < call->nargs; i++)
	{
		Oid			oid = argument_type(fcinfo, function, i);

		call->is_cstring[i] = oid == UNKNOWNOID || oid == CSTRINGOID;
		if (call->is_cstring[i])
			appendStringInfo(&site, "%s=%d ",
							 oid == UNKNOWNOID ? "unknown" : "cstring", i + 1);
		call->argtypes[i] = stash_type_lookup(call->is_cstring[i] ? TEXTOID : oid,
											  -1);
		call->is_sampled[i] = call->memo->body.is_sampled &&
			call->argtypes[i]->typlen == -1;
		call->has_names |= call->argtypes[i]->has_oids ||
			call->argtypes[i]->kind == STASH_KIND_RECORD;
		if (i >= ndeclared || declared[i] != oid)
			stash_memo_append_type(&site, i, call->argtypes[i]);
		stash_memo_append_labels(&site, call->argtypes[i]);
	}
	if (result != NULL)
		stash_memo_append_labels(&site, result);
	if (call->is_record)
		append_shape(&site, fcinfo);
	if (call->memo->is_plain)
		appendStringInfo(&site, "function=%u owner=%u ", function,
						 call->memo->target_owner);
	call->site = site.data;
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
	char	  **names;
	StashType  *result;

	stash_memo_roles_look_anew();
	if (likely(call != NULL && call->generation == stash_memo_generation &&
			   call->types_generation == stash_type_generation()))
		return call;
	/* the target is in the middle of a set: let it finish */
	if (call != NULL && call->is_streaming)
		return call;

	call = MemoryContextAllocZero(context, sizeof(StashMemoCall));
	/* now, for what is looked up from here on may let in news */
	call->generation = stash_memo_generation;
	call->function_news = stash_memo_function_news;
	call->types_generation = stash_type_generation();
	call->memo = stash_memo_lookup(function);
	if (call->memo->has_environment)
		stash_memo_settings_find();
	call->nargs = fcinfo->nargs;
	fmgr_info_cxt(call->memo->target, &call->target, context);
	call->plans = stash_memo_compiled_plans();
	/* the expression tells a polymorphic target its types */
	fmgr_info_set_expr(fcinfo->flinfo->fn_expr, &call->target);

	result = resolve_result(call, fcinfo, function);
	old = MemoryContextSwitchTo(context);
	resolve_arguments(call, fcinfo, function, result);
	names = argument_names(function, call->nargs);
	resolve_special(call, names);
	call->keytype = key_type(call, names);
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

/*
 * True while no function has changed since the call site was built.
 */
bool
stash_memo_is_current(const StashMemoCall *call)
{
	return call->generation == stash_memo_generation;
}

/*
 * True while what a call that runs began with is what the catalogs have: news
 * of a vacuumed stash reach it, too.  News of any function count: what ran may
 * have been replaced before the session heard of it.
 */
bool
stash_memo_still_holds(const StashMemoCall *call)
{
	return stash_memo_is_current(call) ||
		(call->function_news == stash_memo_function_news &&
		 stash_memo_stash_holds(call->memo));
}

/*
 * Throw 42501 unless the current user may name and call the target itself.
 *
 * Not asked of functions memoized in place: EXECUTE on the function is the
 * right to the original, which has the same owner.
 */
void
stash_memo_check_target(const StashMemo *memo)
{
	AclResult	result;

	if (memo->body.in_place)
		return;
	result = stash_compat_namespace_aclcheck(memo->target_schema, GetUserId(),
											 ACL_USAGE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA,
					   get_namespace_name(memo->target_schema));
	result = stash_compat_proc_aclcheck(memo->target, GetUserId(), ACL_EXECUTE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, get_func_name(memo->target));
}

static void
check_target(StashMemoCall *call)
{
	Oid			role = GetUserId();

	if (call->memo->body.in_place ||
		(call->checked_role == role &&
		 call->checked_roles == stash_memo_roles_generation()))
		return;
	stash_memo_check_target(call->memo);
	call->checked_role = role;
	call->checked_roles = stash_memo_roles_generation();
}

/*
 * The value of a setting; NULL where there is none of that name, which is not
 * the same as "", in which SET LOCAL leaves one.
 */
static const char *
setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value == NULL && GetConfigOptionFlags(name, true) != 0 ? "" : value;
}

static bool
are_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* whether a setting that is in the memo's keys has changed */
static bool
has_varied(const StashMemoCall *call)
{
	ListCell   *name;
	ListCell   *value;

	forboth(name, call->memo->body.vary, value, call->varied)
	{
		if (!are_equal(setting(lfirst(name)), lfirst(value)))
			return true;
	}
	return false;
}

static void
read_varied(StashMemoCall *call, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ListCell   *cell;

	foreach(cell, call->varied)
	{
		if (lfirst(cell) != NULL)
			pfree(lfirst(cell));
	}
	list_free(call->varied);
	call->varied = NIL;
	foreach(cell, call->memo->body.vary)
	{
		const char *value = setting(lfirst(cell));

		call->varied = lappend(call->varied, value ? pstrdup(value) : NULL);
	}
	MemoryContextSwitchTo(old);
}

/* the memo's settings as they stand in an identity */
static char *
varied_text(const StashMemoCall *call)
{
	StringInfoData out;
	ListCell   *name;
	ListCell   *value;

	initStringInfo(&out);
	forboth(name, call->memo->body.vary, value, call->varied)
		appendStringInfo(&out, "%s=%s ", quote_identifier(lfirst(name)),
						 lfirst(value) ? quote_literal_cstr(lfirst(value)) : "unset");
	return out.data;
}

/* make the target ready anew, as if it had not been called here before */
static void
renew_target(StashMemoCall *call, FunctionCallInfo fcinfo)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;

	if (call->is_streaming)
		return;
	/* what it has kept goes with the context that it was given the last time */
	if (call->target.fn_mcxt != context && call->running == 0)
		MemoryContextDelete(call->target.fn_mcxt);
	context = AllocSetContextCreate(context, "pg_hashstash target",
									ALLOCSET_SMALL_SIZES);
	fmgr_info_cxt(call->memo->target, &call->target, context);
	fmgr_info_set_expr(fcinfo->flinfo->fn_expr, &call->target);
	call->plans = stash_memo_compiled_plans();
}

/*
 * The target of a call is about to run: where plans were forgotten since it ran
 * last, one in SQL has queries that were parsed before.
 */
void
stash_memo_target_runs(StashMemoCall *call, FunctionCallInfo fcinfo)
{
	if (call->plans != stash_memo_compiled_plans())
		renew_target(call, fcinfo);
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
	if (unlikely(call->ttl_argno >= 0))
	{
		NullableDatum *arg = &fcinfo->args[call->ttl_argno];

		call->has_ttl = call->memo->body.has_ttl;
		call->ttl = call->memo->body.ttl;
		if (!arg->isnull)
		{
			stash_store_check_ttl(DatumGetIntervalP(arg->value));
			call->has_ttl = true;
			call->ttl = *DatumGetIntervalP(arg->value);
		}
	}
	if (call->memo->has_environment)
		environment = stash_memo_environment(call->memo->body.is_shared);
	if (likely(call->environment == environment &&
			   (call->memo->body.vary == NIL || !has_varied(call))))
		return;
	/* one in SQL has queries that it has parsed for another role, or path */
	if (call->environment != 0)
		renew_target(call, fcinfo);
	call->environment = 0;
	read_varied(call, fcinfo->flinfo->fn_mcxt);
	if (call->identity.text != NULL)
	{
		pfree(call->identity.text);
		pfree(call->identity.settings);
		call->identity.text = NULL;
	}
	stash_memo_identity(&call->identity, call->memo, fcinfo->fncollation,
						psprintf("%s%s", varied_text(call), call->site),
						fcinfo->flinfo->fn_mcxt);
	call->environment = environment;
}
