/*-------------------------------------------------------------------------
 *
 * hash_strategy.c
 *	  Hash strategies: what a type's owner says a value's hash depends on.
 *
 * A strategy is a cast from the type to stash.digest.  There is no table of
 * ours: owners, dependencies, renaming, pg_dump and the news for other
 * sessions are those of the cast.  typeio.c finds it; here it is made, unmade
 * and called.
 *
 * A cast may also be made by hand, and its function be altered later: what
 * registering asks of both is asked again when a session first uses it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/expandeddatum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "compat.h"
#include "hash_strategy.h"
#include "spi.h"
#include "typeio.h"

PG_FUNCTION_INFO_V1(pg_hashstash_register_hash);
PG_FUNCTION_INFO_V1(pg_hashstash_unregister_hash);

/* ---- what may be a strategy ---- */

/* throw 0A000 for a type that can have none, 42704 for none */
static void
check_type(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
	Form_pg_type form;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type with OID %u does not exist", oid)));
	form = (Form_pg_type) GETSTRUCT(tuple);
	if (!form->typisdefined)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type %s is only a shell", format_type_be(oid))));
	if (form->typtype == TYPTYPE_PSEUDO)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("pseudo-type %s cannot have a hash strategy",
						format_type_be(oid)),
				 errdetail("No value is of this type.")));
	if (OidIsValid(form->typelem) && get_array_type(form->typelem) == oid)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("array type %s cannot have a hash strategy",
						format_type_be(oid)),
				 errhint("Register the strategy for the element type, or for a domain over the array.")));
	if (oid < FirstGenbkiObjectId)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("built-in type %s cannot have a hash strategy",
						format_type_be(oid)),
				 errdetail("Hashes of built-in types are the same everywhere."),
				 errhint("Register the strategy for a domain over it.")));
	ReleaseSysCache(tuple);
}

/* a whole sentence on why a function is no strategy of a type, or NULL */
static const char *
find_fault(Form_pg_proc form, Oid type)
{
	if (form->prokind != PROKIND_FUNCTION || form->proretset)
		return "It is not a plain function that returns one value.";
	if (form->pronargs != 1 || (form->proargtypes.values[0] != type &&
								form->proargtypes.values[0] != getBaseType(type)))
		return "It does not take one argument, of the type or of the domain's base type.";
	if (form->prorettype != UUIDOID)
		return "It does not return uuid.";
	if (form->provolatile != PROVOLATILE_IMMUTABLE)
		return "It is not IMMUTABLE.";
	if (form->proparallel != PROPARALLEL_SAFE)
		return "It is not PARALLEL SAFE.";
	return NULL;
}

/* throw 42P13 for a function that cannot be a strategy of a type */
static void
check_function(Oid function, Oid type)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	const char *fault;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	fault = find_fault((Form_pg_proc) GETSTRUCT(tuple), type);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s cannot be the hash strategy of type %s",
						format_procedure(function), format_type_be(type)),
				 errdetail_internal("%s", fault),
				 errhint("A hash strategy is a function (value %s) RETURNS uuid IMMUTABLE PARALLEL SAFE.",
						 format_type_be(type))));
	ReleaseSysCache(tuple);
}

static void
check_execute(Oid function, Oid type)
{
	if (stash_compat_proc_aclcheck(function, GetUserId(),
								   ACL_EXECUTE) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s",
						format_procedure(function)),
				 errdetail("It hashes the values of type %s.",
						   format_type_be(type)),
				 errhint("Whoever hashes a value of the type needs EXECUTE on the function.")));
}

/* ---- calls ---- */

/* fill in what the first call needs */
static void
prepare_strategy(StashType *type)
{
	StashStrategy *strategy = type->strategy;
	MemoryContext context = GetMemoryChunkContext(type);
	char	   *names;
	FmgrInfo	call;

	check_type(type->oid);
	if (!OidIsValid(strategy->function))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("cast from type %s to stash.digest has no function",
						format_type_be(type->oid)),
				 errhint("Drop the cast, and use stash.register_hash().")));
	check_function(strategy->function, type->oid);
	names = psprintf("%s of type %s", format_procedure(strategy->function),
					 format_type_be(type->oid));
	fmgr_info_cxt(strategy->function, &call, context);
	strategy->collation = get_typcollation(type->oid);
	strategy->names = MemoryContextStrdup(context, names);
	strategy->call = call;
}

static void
show_context(void *arg)
{
	errcontext("hash strategy %s", ((StashType *) arg)->strategy->names);
}

/*
 * Throw 42P19 when the strategy of a type runs already.  The stack of error
 * contexts knows: the server takes it back after each error.
 */
static void
refuse_recursion(StashType *type)
{
	for (ErrorContextCallback *up = error_context_stack; up; up = up->previous)
	{
		if (up->callback == show_context &&
			((StashType *) up->arg)->oid == type->oid)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_RECURSION),
					 errmsg("hash strategy %s calls itself",
							type->strategy->names),
					 errdetail("While it runs, a value of the type is hashed."),
					 errhint("Let the function hash parts of the value, or the value cast to another type.")));
	}
}

/*
 * Put the digest that a type's strategy gives for a value that is not NULL.
 *
 * Throws 42501 without EXECUTE on the function, 22004 when it returns NULL,
 * 42P19 when it hashes a value of the type itself, 42P13 when it is no
 * strategy any more, and what it throws.
 */
void
stash_hash_put_by_strategy(StashSink *sink, StashType *type, Datum value)
{
	LOCAL_FCINFO(call, 1);
	StashStrategy *strategy = type->strategy;
	ErrorContextCallback errors = {error_context_stack, show_context, type};
	MemoryContext context;
	MemoryContext old;
	Datum		digest;

	if (unlikely(!OidIsValid(strategy->call.fn_oid)))
		prepare_strategy(type);
	if (unlikely(strategy->checked_role != GetUserId()))
	{
		check_execute(strategy->function, type->oid);
		strategy->checked_role = GetUserId();
	}
	refuse_recursion(type);
	stash_catalog_note_call(strategy->function);

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pg_hashstash strategy",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	InitFunctionCallInfoData(*call, &strategy->call, 1, strategy->collation,
							 NULL, NULL);
	/* the function must not take over what others will read */
	call->args[0].value = MakeExpandedObjectReadOnly(value, false,
													 type->typlen);
	call->args[0].isnull = false;
	error_context_stack = &errors;
	digest = FunctionCallInvoke(call);
	error_context_stack = errors.previous;
	if (call->isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("hash strategy %s returned NULL", strategy->names),
				 errdetail("A strategy gives each value that is not NULL a uuid.")));
	MemoryContextSwitchTo(old);
	stash_sink_put(sink, DatumGetUUIDP(digest)->data, UUID_LEN);
	MemoryContextDelete(context);
}

/* ---- SQL ---- */

/* the function of a type's strategy, 0 for one by hand that has none */
static bool
find_strategy(Oid type, Oid *function)
{
	HeapTuple	tuple = SearchSysCache2(CASTSOURCETARGET, ObjectIdGetDatum(type),
										ObjectIdGetDatum(stash_catalog_digest_type()));

	if (!HeapTupleIsValid(tuple))
		return false;
	*function = ((Form_pg_cast) GETSTRUCT(tuple))->castfunc;
	ReleaseSysCache(tuple);
	return true;
}

static void
check_owner(Oid type)
{
	if (!stash_compat_type_ownercheck(type, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of type %s", format_type_be(type)),
				 errdetail("A hash strategy changes the hashes of all values of a type.")));
}

/* the server warns that SQL ignores casts from domains: just as is wanted */
static void
run_quietly(const char *sql)
{
	int			nestlevel = NewGUCNestLevel();

	(void) set_config_option("client_min_messages", "error", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	stash_spi_run(sql);
	AtEOXact_GUC(true, nestlevel);
}

static Oid
oid_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	return PG_GETARG_OID(argno);
}

/*
 * stash.register_hash(type regtype, function regprocedure,
 *                     description text DEFAULT NULL) returns void
 *
 * Args:    type         type or domain of the caller
 *          function     takes a value of it, returns its digest as a uuid;
 *                       IMMUTABLE and PARALLEL SAFE
 *          description  comment on the cast
 * Errors:  0A000 a type that can have no strategy, 42501 not the owner or no
 *          EXECUTE, 42710 has one already, 42P13 an unfit function, 22004
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_register_hash(PG_FUNCTION_ARGS)
{
	Oid			type = oid_argument(fcinfo, 0, "type");
	Oid			function = oid_argument(fcinfo, 1, "function");
	char	   *name;
	Oid			there;

	check_type(type);
	check_owner(type);
	if (find_strategy(type, &there))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("type %s has a hash strategy already",
						format_type_be(type)),
				 OidIsValid(there) ?
				 errdetail("It is %s.", format_procedure(there)) : 0,
				 errhint("Use stash.unregister_hash() first.")));
	check_function(function, type);
	check_execute(function, type);

	name = format_type_be_qualified(type);
	run_quietly(psprintf("CREATE CAST (%s AS stash.digest) WITH FUNCTION %s",
						 name, format_procedure_qualified(function)));
	if (!PG_ARGISNULL(2))
		stash_spi_run(psprintf("COMMENT ON CAST (%s AS stash.digest) IS %s",
							   name,
							   quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(2)))));
	PG_RETURN_VOID();
}

/*
 * stash.unregister_hash(type regtype) returns void
 *
 * Errors: 42704 a type that has no strategy, 42501 not the owner, 22004
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_unregister_hash(PG_FUNCTION_ARGS)
{
	Oid			type = oid_argument(fcinfo, 0, "type");
	Oid			function;

	check_type(type);
	check_owner(type);
	if (!find_strategy(type, &function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type %s has no hash strategy", format_type_be(type)),
				 errhint("The view stash.hash_strategies shows which types have one.")));
	stash_spi_run(psprintf("DROP CAST (%s AS stash.digest)",
						   format_type_be_qualified(type)));
	PG_RETURN_VOID();
}
