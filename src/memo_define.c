/*-------------------------------------------------------------------------
 *
 * memo_define.c
 *	  Memoized functions are made and unmade here.
 *
 * Mostly with SQL as the caller: what the caller may not do fails as it would
 * by hand.  Only the original definition is moved as a row of pg_proc, for a
 * parsed body has no text that would mean the same under another name, and
 * LEAKPROOF could not be set again by its owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"
#include "spi.h"
#include "store.h"

PG_FUNCTION_INFO_V1(pg_hashstash_memoize);
PG_FUNCTION_INFO_V1(pg_hashstash_unmemoize);

/* ---- names and definitions ---- */

static char *
qualified_function(Oid function)
{
	return quote_qualified_identifier(get_namespace_name(get_func_namespace(function)),
									  get_func_name(function));
}

static char *
signature_of(Oid function)
{
	return format_procedure_extended(function, FORMAT_PROC_FORCE_QUALIFY);
}

static char *
text_of(PGFunction show, Oid function)
{
	return TextDatumGetCString(DirectFunctionCall1(show,
												   ObjectIdGetDatum(function)));
}

static const char *
volatility_words(char volatility)
{
	switch (volatility)
	{
		case PROVOLATILE_IMMUTABLE:
			return "IMMUTABLE";
		case PROVOLATILE_STABLE:
			return "STABLE";
		default:
			return "VOLATILE";
	}
}

static const char *
parallel_words(char parallel)
{
	switch (parallel)
	{
		case PROPARALLEL_SAFE:
			return "SAFE";
		case PROPARALLEL_RESTRICTED:
			return "RESTRICTED";
		default:
			return "UNSAFE";
	}
}

/*
 * The CREATE statement of a wrapper with the signature and the labels of
 * 'function'.  SET clauses and SECURITY DEFINER stay with the target, which
 * runs under them; so does LEAKPROOF, for a stash tells its owner what a
 * function was called with.
 */
static char *
wrapper_definition(Oid function, Form_pg_proc form, const char *name,
				   const StashMemoBody *body)
{
	StringInfoData sql;

	initStringInfo(&sql);
	/* costs are written so that they are read as the same numbers */
	appendStringInfo(&sql, "CREATE %sFUNCTION %s(%s) RETURNS %s LANGUAGE stash %s PARALLEL %s%s COST %.9g",
					 body->in_place ? "OR REPLACE " : "", name,
					 text_of(pg_get_function_arguments, function),
					 text_of(pg_get_function_result, function),
					 volatility_words(form->provolatile),
					 parallel_words(form->proparallel),
					 form->proisstrict ? " STRICT" : "",
					 form->procost);
	if (form->proretset)
		appendStringInfo(&sql, " ROWS %.9g", form->prorows);
	appendStringInfo(&sql, " AS %s",
					 quote_literal_cstr(stash_memo_write(body)));
	return sql.data;
}

/* ---- what can be memoized ---- */

static void
check_kind(Oid function, Form_pg_proc form)
{
	const char *kind = NULL;

	if (form->prokind == PROKIND_AGGREGATE)
		kind = "an aggregate function";
	else if (form->prokind == PROKIND_WINDOW)
		kind = "a window function";
	else if (form->prokind == PROKIND_PROCEDURE)
		kind = "a procedure";
	else if (form->prorettype == TRIGGEROID ||
			 form->prorettype == EVENT_TRIGGEROID)
		kind = "a trigger function";
	if (kind != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is %s and cannot be memoized",
						format_procedure(function), kind),
				 errhint("Only functions that return a value or a set can be.")));
	if (form->prolang == get_language_oid("stash", true))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("function %s is memoized already",
						format_procedure(function)),
				 errhint("Use stash.unmemoize() first to change its options.")));
}

static void
check_owner(Oid function)
{
	if (!stash_compat_proc_ownercheck(function, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION,
					   get_func_name(function));
}

/* whether values of a type are, or contain, the name of a cursor */
static bool
contains_cursor(Oid type)
{
	Oid			relid;
	TupleDesc	desc;
	bool		found = false;

	type = getBaseType(type);
	if (type == REFCURSOROID)
		return true;
	if (OidIsValid(get_element_type(type)))
		return contains_cursor(get_element_type(type));
	relid = get_typ_typrelid(type);
	if (!OidIsValid(relid))
		return false;
	desc = lookup_rowtype_tupdesc(type, -1);
	for (int i = 0; i < desc->natts && !found; i++)
		found = !TupleDescAttr(desc, i)->attisdropped &&
			contains_cursor(TupleDescAttr(desc, i)->atttypid);
	ReleaseTupleDesc(desc);
	return found;
}

pg_noreturn static void
refuse_type(Oid function, const char *verb, Oid type, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
			 errmsg("function %s %s %s and cannot be memoized",
					format_procedure(function), verb, format_type_be(type)),
			 errhint("%s", hint)));
}

/*
 * Throw 42P13 when a function takes or returns what is no value: an address
 * in memory, nothing at all, or a cursor, which a hit would not open.
 */
void
stash_memo_check_types(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			result = ((Form_pg_proc) GETSTRUCT(tuple))->prorettype;
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			nargs = get_func_arg_info(tuple, &types, &names, &modes);

	ReleaseSysCache(tuple);
	for (int i = 0; i < nargs; i++)
	{
		bool		is_input = modes == NULL || (modes[i] != PROARGMODE_OUT &&
												 modes[i] != PROARGMODE_TABLE);
		bool		is_output = modes != NULL && (modes[i] != PROARGMODE_IN &&
												  modes[i] != PROARGMODE_VARIADIC);

		if (is_input && types[i] == INTERNALOID)
			refuse_type(function, "takes an argument of type", types[i],
						"Only functions whose arguments are values can be.");
		if (is_output && contains_cursor(types[i]))
			result = types[i];
	}
	if (contains_cursor(result))
		refuse_type(function, "returns a cursor of type", result,
					"A remembered cursor would not be open; return its rows, with RETURNS TABLE or SETOF.");
	if (get_typtype(result) == TYPTYPE_PSEUDO && result != RECORDOID &&
		!IsPolymorphicType(result))
		refuse_type(function, "returns", result,
					"Only functions that return a value or a set can be.");
}

/* functions whose definition is somebody else's business */
static void
check_in_place(Oid function)
{
	check_owner(function);
	if (function < FirstNormalObjectId ||
		OidIsValid(getExtensionOfObject(ProcedureRelationId, function)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s belongs to the server or to an extension and cannot be memoized in place",
						format_procedure(function)),
				 errhint("Use \"as\" to make a memoized function of another name.")));
}

/* true when 'source' has the word 'name', a dot and the word 'column' */
static bool
names_column(const char *source, const char *name, const char *column)
{
	for (const char *at = source; *at != '\0'; at++)
	{
		const char *rest = at + strlen(name);

		if (pg_strncasecmp(at, name, strlen(name)) != 0 ||
			(at > source && (isalnum((unsigned char) at[-1]) || at[-1] == '_')))
			continue;
		rest += strspn(rest, "\" \t\n\r");
		if (*rest++ != '.')
			continue;
		rest += strspn(rest, "\" \t\n\r");
		if (pg_strncasecmp(rest, column, strlen(column)) == 0 &&
			!isalnum((unsigned char) rest[strlen(column)]) &&
			rest[strlen(column)] != '_')
			return true;
	}
	return false;
}

/*
 * A body kept as text is read again under the name of the function: one that
 * says f.x for its parameter x would not find it as f_uncached.
 */
static void
check_own_name(Oid function, HeapTuple tuple)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	Oid		   *argtypes;
	char	  **argnames;
	char	   *argmodes;
	int			nargs = get_func_arg_info(tuple, &argtypes, &argnames, &argmodes);
	bool		isnull;
	char	   *source;

	(void) SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &isnull);
	if (!isnull || argnames == NULL)
		return;
	source = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple,
												 Anum_pg_proc_prosrc, &isnull));
	for (int i = 0; i < nargs; i++)
	{
		if (argnames[i][0] != '\0' &&
			names_column(source, NameStr(form->proname), argnames[i]))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("function %s calls a parameter \"%s.%s\" and cannot be memoized in place",
							format_procedure(function),
							NameStr(form->proname), argnames[i]),
					 errdetail("Its original gets another name, under which that would mean nothing."),
					 errhint("Name the parameter without the function, or use \"as\" to make a memoized function of another name.")));
	}
}

static void
check_volatility(Oid function, Form_pg_proc form, const StashMemoBody *body)
{
	if (form->provolatile == PROVOLATILE_VOLATILE && !body->allow_volatile)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s is VOLATILE and cannot be memoized",
						format_procedure(function)),
				 errhint("Declare it STABLE if its result does not change within a statement, or vouch for it with volatile => true.")));
}

/* ---- memoize ---- */

/* Arguments of stash.memoize(). */
enum
{
	ARG_FUNCTION,
	ARG_TTL,
	ARG_AS,
	ARG_STASH,
	ARG_SHARE,
	ARG_VARY,
	ARG_IGNORE,
	ARG_HASH,
	ARG_VOLATILE,
	ARG_MIN_COST,
	ARG_MAX_BYTES,
	ARG_MAX_ENTRIES,
	ARG_STALE,
	ARG_WAIT
};

static List *
read_names(FunctionCallInfo fcinfo, int argno)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	List	   *names = NIL;

	if (PG_ARGISNULL(argno))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("names in vary and ignore must not be null")));
		names = lappend(names, TextDatumGetCString(elements[i]));
	}
	return names;
}

/*
 * Names of settings, which must exist; but a name of two parts may be a setting
 * of a library, or a user's own, that comes later.
 */
static List *
read_settings(FunctionCallInfo fcinfo, int argno)
{
	List	   *names = read_names(fcinfo, argno);
	ListCell   *cell;

	foreach(cell, names)
	{
		const char *name = lfirst(cell);

		if (strchr(name, '.') == NULL && GetConfigOption(name, true, false) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("unrecognized configuration parameter \"%s\"", name),
					 errhint("vary takes names of settings, as SHOW does.")));
	}
	return names;
}

/* the text of an argument that has one of two values; true for the second */
static bool
read_choice(FunctionCallInfo fcinfo, int argno, const char *what,
			const char *first, const char *second)
{
	char	   *value;

	if (PG_ARGISNULL(argno))
		return false;
	value = text_to_cstring(PG_GETARG_TEXT_PP(argno));
	if (strcmp(value, first) != 0 && strcmp(value, second) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown %s \"%s\"", what, value),
				 errhint("Use \"%s\" or \"%s\".", first, second)));
	return strcmp(value, second) == 0;
}

/* a number of bytes or entries; 0 where none is given */
static int64
read_limit(FunctionCallInfo fcinfo, int argno, const char *what)
{
	if (PG_ARGISNULL(argno))
		return 0;
	if (PG_GETARG_INT64(argno) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: " INT64_FORMAT, what, PG_GETARG_INT64(argno)),
				 errdetail("It must be at least 1.")));
	return PG_GETARG_INT64(argno);
}

/* how many results the stash that is made for a memo may hold */
static int64
read_max_entries(FunctionCallInfo fcinfo)
{
	int64		max_entries = read_limit(fcinfo, ARG_MAX_ENTRIES, "max_entries");

	if (max_entries > 0 && !PG_ARGISNULL(ARG_STASH))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_entries is for a stash that is made for the function"),
				 errhint("Use stash.configure() on the stash of your own.")));
	return max_entries;
}

static void
read_options(FunctionCallInfo fcinfo, StashMemoBody *body)
{
	if (PG_ARGISNULL(ARG_FUNCTION))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("function must not be null")));
	memset(body, 0, sizeof(*body));
	if (!PG_ARGISNULL(ARG_TTL))
	{
		body->has_ttl = true;
		body->ttl = *PG_GETARG_INTERVAL_P(ARG_TTL);
		stash_store_check_ttl(&body->ttl);
	}
	body->is_shared = read_choice(fcinfo, ARG_SHARE, "share", "role", "all");
	body->has_vary = !PG_ARGISNULL(ARG_VARY);
	body->vary = read_settings(fcinfo, ARG_VARY);
	body->ignore = read_names(fcinfo, ARG_IGNORE);
	body->is_sampled = read_choice(fcinfo, ARG_HASH, "hash", "exact", "sampled");
	body->allow_volatile = !PG_ARGISNULL(ARG_VOLATILE) &&
		PG_GETARG_BOOL(ARG_VOLATILE);
	body->has_min_cost = !PG_ARGISNULL(ARG_MIN_COST);
	if (body->has_min_cost)
		body->min_cost = stash_memo_microseconds("min_cost",
												 PG_GETARG_INTERVAL_P(ARG_MIN_COST));
	body->max_bytes = read_limit(fcinfo, ARG_MAX_BYTES, "max_bytes");
	body->keep_stash = !PG_ARGISNULL(ARG_STASH);
	body->wait = STASH_MEMO_DEFAULT_WAIT;
	if (!PG_ARGISNULL(ARG_WAIT))
		body->wait = stash_memo_microseconds("wait",
											 PG_GETARG_INTERVAL_P(ARG_WAIT));
	if (!PG_ARGISNULL(ARG_STALE))
	{
		body->stale = stash_memo_microseconds("stale",
											  PG_GETARG_INTERVAL_P(ARG_STALE));
		if (!body->has_ttl)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("stale needs a ttl"),
					 errhint("It says for how long after its ttl an answer serves while one session computes it anew.")));
	}
}

/*
 * The name of a stash that the user has chosen for a memo of 'owner'.
 */
static char *
chosen_stash(Oid relid, Oid owner)
{
	Relation	rel;
	StashStore *store = stash_store_open(relid, &rel, AccessShareLock);
	char	   *name = pstrdup(store->name);

	if (!store->is_bare || rel->rd_rel->relowner != owner)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("stash \"%s\" cannot keep the results of a function",
						store->table),
				 errdetail("It must belong to the owner of the function and have one index, on key_hash, that is not unique."),
				 errhint("CREATE TABLE %s OF stash.entry (key_hash WITH OPTIONS NOT NULL, key WITH OPTIONS NOT NULL); CREATE INDEX ON %s (key_hash).",
						 store->name, store->name)));
	relation_close(rel, AccessShareLock);
	return name;
}

/* take away what ALTER DEFAULT PRIVILEGES gave others on a new table */
static void
revoke_default_rights(Oid table, const char *name)
{
	HeapTuple	tuple;
	Datum		acl;
	bool		isnull;

	stash_spi_run(psprintf("REVOKE ALL ON TABLE %s FROM PUBLIC", name));
	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(table));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	acl = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &isnull);
	for (int i = 0; !isnull && i < ACL_NUM(DatumGetAclP(acl)); i++)
	{
		Oid			grantee = ACL_DAT(DatumGetAclP(acl))[i].ai_grantee;

		if (grantee != ACL_ID_PUBLIC && grantee != GetUserId())
			stash_spi_run(psprintf("REVOKE ALL ON TABLE %s FROM %s", name,
								   quote_identifier(GetUserNameFromId(grantee, false))));
	}
}

/*
 * Make the memo's own stash and return its qualified name.  What it may hold
 * is an option of the stash, as of any other.
 */
static char *
make_stash(Oid nsp, const char *function_name, const char *signature, Oid owner,
		   int64 max_entries)
{
	const char *constraint = "";
	char	   *table = ChooseRelationName(function_name, NULL, "stash", nsp, false);
	char	   *name = quote_qualified_identifier(get_namespace_name(nsp), table);

	if (max_entries > 0)
	{
		StashOptions options;

		stash_store_default_options(&options);
		options.max_entries = max_entries;
		constraint = psprintf(", %s", stash_store_constraint(&options));
	}
	stash_spi_run(psprintf("CREATE TABLE %s OF stash.entry ("
						   "key_hash WITH OPTIONS NOT NULL, "
						   "key WITH OPTIONS NOT NULL%s)", name, constraint));
	/* not unique: calls must never wait for each other here */
	stash_spi_run(psprintf("CREATE INDEX ON %s (key_hash)", name));
	revoke_default_rights(get_relname_relid(table, nsp), name);
	stash_spi_run(psprintf("COMMENT ON TABLE %s IS %s", name,
						   quote_literal_cstr(psprintf("remembered results of %s",
													   signature))));
	if (owner != GetUserId())
		stash_spi_run(psprintf("ALTER TABLE %s OWNER TO %s", name,
							   quote_identifier(GetUserNameFromId(owner, false))));
	return name;
}

/* an access list that lets only the owner execute */
static Acl *
owner_only(Oid owner)
{
	AclItem		item;

	item.ai_grantee = owner;
	item.ai_grantor = owner;
	ACLITEM_SET_PRIVS_GOPTIONS(item, ACL_EXECUTE, ACL_NO_RIGHTS);
	return aclupdate(make_empty_acl(), &item, ACL_MODECHG_ADD, owner,
					 DROP_RESTRICT);
}

/*
 * Move the definition of a function to a new one called 'name', and with it
 * all that it depends on.  Only the owner may execute the new one: callers of
 * the memoized function need no right on it.
 */
static void
move_original(HeapTuple tuple, const char *name)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	Relation	pg_proc = table_open(ProcedureRelationId, RowExclusiveLock);
	Datum		values[Natts_pg_proc] = {0};
	bool		nulls[Natts_pg_proc] = {0};
	bool		replaces[Natts_pg_proc] = {0};
	Oid			original = GetNewOidWithIndex(pg_proc, ProcedureOidIndexId,
											  Anum_pg_proc_oid);
	NameData	proname;
	AclResult	result;

	result = stash_compat_namespace_aclcheck(form->pronamespace, GetUserId(),
											 ACL_CREATE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA,
					   get_namespace_name(form->pronamespace));
	if (SearchSysCacheExists3(PROCNAMEARGSNSP, CStringGetDatum(name),
							  PointerGetDatum(&form->proargtypes),
							  ObjectIdGetDatum(form->pronamespace)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FUNCTION),
				 errmsg("function \"%s\" already exists with same argument types",
						name),
				 errhint("Drop or rename it, or use \"as\" to make a memoized function of another name.")));

	namestrcpy(&proname, name);
#define REPLACE_COLUMN(column, datum) \
	(values[(column) - 1] = (datum), replaces[(column) - 1] = true)
	REPLACE_COLUMN(Anum_pg_proc_oid, ObjectIdGetDatum(original));
	REPLACE_COLUMN(Anum_pg_proc_proname, NameGetDatum(&proname));
	REPLACE_COLUMN(Anum_pg_proc_proacl,
				   PointerGetDatum(owner_only(form->proowner)));
	tuple = heap_modify_tuple(tuple, RelationGetDescr(pg_proc), values, nulls,
							  replaces);
	CatalogTupleInsert(pg_proc, tuple);
	recordDependencyOnOwner(ProcedureRelationId, original, form->proowner);
	changeDependenciesOf(ProcedureRelationId, form->oid, original);
	table_close(pg_proc, NoLock);
	InvokeObjectPostCreateHook(ProcedureRelationId, original, 0);
	CommandCounterIncrement();
	stash_spi_run(psprintf("COMMENT ON FUNCTION %s IS %s",
						   signature_of(original),
						   quote_literal_cstr(psprintf("original of the memoized function %s",
													   signature_of(form->oid)))));
}

/* give a function the definition of another one, which is left empty-handed */
static void
restore_original(Oid function, Oid original)
{
	Relation	pg_proc = table_open(ProcedureRelationId, RowExclusiveLock);
	HeapTuple	old = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(function));
	HeapTuple	new = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(original));
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(old);
	Datum		values[Natts_pg_proc] = {0};
	bool		nulls[Natts_pg_proc] = {0};
	bool		replaces[Natts_pg_proc] = {0};

	if (!HeapTupleIsValid(old) || !HeapTupleIsValid(new))
		elog(ERROR, "cache lookup failed for function %u", function);
	REPLACE_COLUMN(Anum_pg_proc_oid, ObjectIdGetDatum(function));
	REPLACE_COLUMN(Anum_pg_proc_proname, NameGetDatum(&form->proname));
	REPLACE_COLUMN(Anum_pg_proc_pronamespace,
				   ObjectIdGetDatum(form->pronamespace));
	REPLACE_COLUMN(Anum_pg_proc_proacl,
				   SysCacheGetAttr(PROCOID, old, Anum_pg_proc_proacl,
								   &nulls[Anum_pg_proc_proacl - 1]));
#undef REPLACE_COLUMN
	new = heap_modify_tuple(new, RelationGetDescr(pg_proc), values, nulls,
							replaces);
	CatalogTupleUpdate(pg_proc, &old->t_self, new);
	deleteDependencyRecordsFor(ProcedureRelationId, function, true);
	changeDependenciesOf(ProcedureRelationId, original, function);
	table_close(pg_proc, NoLock);
	InvokeObjectPostAlterHook(ProcedureRelationId, function, 0);
	CommandCounterIncrement();
}

/*
 * Let the planner go on asking the support function of a function that was
 * memoized: naming one in SQL is for superusers, who have named this one.
 */
static void
keep_support(Oid function, Oid support)
{
	Relation	pg_proc;
	HeapTuple	tuple;
	ObjectAddress self;
	ObjectAddress other;

	if (!OidIsValid(support))
		return;
	pg_proc = table_open(ProcedureRelationId, RowExclusiveLock);
	tuple = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	((Form_pg_proc) GETSTRUCT(tuple))->prosupport = support;
	CatalogTupleUpdate(pg_proc, &tuple->t_self, tuple);
	table_close(pg_proc, NoLock);
	ObjectAddressSet(self, ProcedureRelationId, function);
	ObjectAddressSet(other, ProcedureRelationId, support);
	recordDependencyOn(&self, &other, DEPENDENCY_NORMAL);
	CommandCounterIncrement();
}

/*
 * The name that the original gets.  Long ones are cut, and may be another's:
 * then they get a number.
 */
static char *
name_of_original(Form_pg_proc form)
{
	const char *proname = NameStr(form->proname);
	char		label[NAMEDATALEN] = "uncached";
	char	   *name = makeObjectName(proname, NULL, label);

	for (int i = 1; strncmp(name, proname, strlen(proname)) != 0 &&
		 SearchSysCacheExists3(PROCNAMEARGSNSP, CStringGetDatum(name),
							   PointerGetDatum(&form->proargtypes),
							   ObjectIdGetDatum(form->pronamespace)); i++)
	{
		snprintf(label, sizeof(label), "uncached%d", i);
		name = makeObjectName(proname, NULL, label);
	}
	return name;
}

static void
memoize_in_place(Oid function, HeapTuple tuple, StashMemoBody *body,
				 Oid stash, int64 max_entries)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	char	   *schema = get_namespace_name(form->pronamespace);
	char	   *name = name_of_original(form);

	check_own_name(function, tuple);
	body->in_place = true;
	body->target = quote_qualified_identifier(schema, name);
	body->stash = OidIsValid(stash) ? chosen_stash(stash, form->proowner) :
		make_stash(form->pronamespace, NameStr(form->proname),
				   signature_of(function), form->proowner, max_entries);
	move_original(tuple, name);
	stash_spi_run(wrapper_definition(function, form,
									 qualified_function(function), body));
	keep_support(function, form->prosupport);
}

static Oid
memoize_as(Oid function, Form_pg_proc form, StashMemoBody *body, char *as,
		   Oid stash, int64 max_entries)
{
	char	   *name;
	Oid			nsp = QualifiedNameGetCreationNamespace(stash_compat_name_list(as),
														&name);

	body->target = qualified_function(function);
	as = quote_qualified_identifier(get_namespace_name(nsp), name);
	body->stash = OidIsValid(stash) ? chosen_stash(stash, GetUserId()) :
		make_stash(nsp, name, as, GetUserId(), max_entries);
	stash_spi_run(wrapper_definition(function, form, as, body));
	return LookupFuncName(stash_compat_name_list(as), form->pronargs,
						  form->proargtypes.values, false);
}

/*
 * stash.memoize(function regprocedure, ttl interval DEFAULT NULL,
 *               "as" text DEFAULT NULL, stash regclass DEFAULT NULL,
 *               share text DEFAULT 'role', vary text[] DEFAULT NULL,
 *               ignore text[] DEFAULT NULL, hash text DEFAULT 'exact',
 *               volatile bool DEFAULT false, min_cost interval DEFAULT NULL,
 *               max_bytes int8 DEFAULT NULL, max_entries int8 DEFAULT NULL,
 *               stale interval DEFAULT NULL, wait interval DEFAULT NULL)
 * returns regprocedure
 *
 * Args:    function  to remember; its owner is the caller, or "as" is given
 *          ttl       how long a result is good at most; needed unless the
 *                    function is IMMUTABLE or all that it reads is tracked
 *          as        name of a function to make, as in SQL, instead of working
 *                    in place
 *          stash     table to keep results in; NULL: one is made
 *          share     role: each role has results of its own; all: shared
 *          vary      names of settings that the answer depends on
 *          ignore    names of arguments that it does not depend on
 *          hash      sampled: long arguments count by stash.hash_sampled()
 *          volatile  remember a VOLATILE function all the same
 *          min_cost  results that took less time are not kept
 *          max_bytes larger results are not kept
 *          max_entries  how many results the stash that is made may hold
 *          stale     for how long after its ttl a result serves, while one
 *                    session computes it anew
 *          wait      for another session that computes the same; 10 seconds
 * Returns: the memoized function; in place it has the OID it had
 * Errors:  42501 not the owner, 42809 no plain function, 42710 memoized
 *          already, 42P13 VOLATILE, 22023 bad option, 42704 no such setting,
 *          42723 name taken
 * Volatile, parallel unsafe.
 */
Datum
pg_hashstash_memoize(PG_FUNCTION_ARGS)
{
	StashMemoBody body;
	Oid			function;
	Oid			stash = InvalidOid;
	int64		max_entries;
	HeapTuple	tuple;
	Form_pg_proc form;

	read_options(fcinfo, &body);
	max_entries = read_max_entries(fcinfo);
	function = PG_GETARG_OID(0);
	tuple = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	form = (Form_pg_proc) GETSTRUCT(tuple);
	check_kind(function, form);
	if (PG_ARGISNULL(ARG_AS))
		check_in_place(function);
	check_volatility(function, form, &body);
	if (!PG_ARGISNULL(ARG_STASH))
		stash = PG_GETARG_OID(ARG_STASH);
	if (PG_ARGISNULL(ARG_AS))
		memoize_in_place(function, tuple, &body, stash, max_entries);
	else
		function = memoize_as(function, form, &body,
							  text_to_cstring(PG_GETARG_TEXT_PP(ARG_AS)), stash,
							  max_entries);
	PG_RETURN_OID(function);
}

/* ---- unmemoize ---- */

/*
 * stash.unmemoize(function regprocedure) returns regprocedure
 *
 * In place: the function has its original definition again.  Made with "as":
 * the function is dropped.  Its stash is dropped in both cases.
 * Returns: the function that is left: the original, or the target
 * Errors:  42501 not the owner, 55000 not memoized
 * Volatile, parallel unsafe.
 */
Datum
pg_hashstash_unmemoize(PG_FUNCTION_ARGS)
{
	Oid			function = stash_memo_argument(fcinfo);
	StashMemo  *memo;
	Oid			target;
	char	   *stash = NULL;
	bool		in_place;

	check_owner(function);
	memo = stash_memo_lookup(function);
	target = memo->target;
	in_place = memo->body.in_place;
	if (OidIsValid(memo->stash) && !memo->body.keep_stash)
		stash = stash_catalog_relation_name(memo->stash);
	stash_memo_cache_forget(function);
	if (in_place)
	{
		restore_original(function, target);
		stash_spi_run(psprintf("DROP FUNCTION %s", signature_of(target)));
	}
	else
		stash_spi_run(psprintf("DROP FUNCTION %s", signature_of(function)));
	if (stash != NULL)
		stash_spi_run(psprintf("DROP TABLE %s", stash));
	PG_RETURN_OID(in_place ? function : target);
}
