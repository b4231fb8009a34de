/*-------------------------------------------------------------------------
 *
 * store_define.c
 *	  Stash tables: making, changing and dropping them.
 *
 * Options stand as constant arguments of stash.options() in a CHECK
 * constraint.  How many versions a stash keeps decides about its primary key:
 * (key_hash) for one, which a put replaces; else (key_hash, version).  All
 * statements run as the caller: the server asks for the rights that they need.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "spi.h"
#include "store.h"

/* Arguments that stash.create() and stash.configure() share. */
enum
{
	ARG_PERSISTENCE = 1,
	ARG_KEEP_VERSIONS,
	ARG_TTL,
	ARG_MAX_ENTRIES,
	ARG_MAX_BYTES,
	ARG_EVICT,
	ARG_CODEC,
	ARG_RESET,
	ARG_PARTITIONS = ARG_RESET	/* of stash.create() */
};

PG_FUNCTION_INFO_V1(pg_hashstash_options);
PG_FUNCTION_INFO_V1(pg_hashstash_create);
PG_FUNCTION_INFO_V1(pg_hashstash_configure);
PG_FUNCTION_INFO_V1(pg_hashstash_adopt);
PG_FUNCTION_INFO_V1(pg_hashstash_drop);

/* ---- options ---- */

static void
check_at_least(const char *option, int64 value, int64 least)
{
	if (value < least)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: " INT64_FORMAT, option, value),
				 errdetail("It must be at least " INT64_FORMAT ".", least)));
}

/*
 * stash.options(ttl interval DEFAULT NULL, codec text DEFAULT 'lz4',
 *               keep_versions int4 DEFAULT 1, max_entries int8 DEFAULT NULL,
 *               max_bytes int8 DEFAULT NULL, evict text DEFAULT 'oldest')
 * returns bool
 *
 * Always true, so that a CHECK constraint can carry its arguments, which mean
 * what those of stash.create() do.  NULL is the default of each.
 * Errors: 22023 for values that are no options.
 * Immutable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_options(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
		stash_store_check_ttl(PG_GETARG_INTERVAL_P(0));
	if (!PG_ARGISNULL(1))
		(void) stash_frame_codec(PG_GETARG_TEXT_PP(1));
	if (!PG_ARGISNULL(2))
		check_at_least("keep_versions", PG_GETARG_INT32(2), 0);
	if (!PG_ARGISNULL(3))
		check_at_least("max_entries", PG_GETARG_INT64(3), 1);
	if (!PG_ARGISNULL(4))
		check_at_least("max_bytes", PG_GETARG_INT64(4), 1);
	if (!PG_ARGISNULL(5))
		(void) stash_store_evict(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	PG_RETURN_BOOL(true);
}

/* put the arguments that are not NULL in the place of what '*options' says */
static void
read_arguments(FunctionCallInfo fcinfo, StashOptions *options)
{
	if (!PG_ARGISNULL(ARG_KEEP_VERSIONS))
	{
		options->keep_versions = PG_GETARG_INT32(ARG_KEEP_VERSIONS);
		check_at_least("keep_versions", options->keep_versions, 0);
	}
	if (!PG_ARGISNULL(ARG_TTL))
	{
		options->has_ttl = true;
		options->ttl = *PG_GETARG_INTERVAL_P(ARG_TTL);
		stash_store_check_ttl(&options->ttl);
	}
	if (!PG_ARGISNULL(ARG_MAX_ENTRIES))
	{
		options->max_entries = PG_GETARG_INT64(ARG_MAX_ENTRIES);
		check_at_least("max_entries", options->max_entries, 1);
	}
	if (!PG_ARGISNULL(ARG_MAX_BYTES))
	{
		options->max_bytes = PG_GETARG_INT64(ARG_MAX_BYTES);
		check_at_least("max_bytes", options->max_bytes, 1);
	}
	if (!PG_ARGISNULL(ARG_EVICT))
		options->evict = stash_store_evict(text_to_cstring(PG_GETARG_TEXT_PP(ARG_EVICT)));
	if (!PG_ARGISNULL(ARG_CODEC))
		options->codec = stash_frame_codec(PG_GETARG_TEXT_PP(ARG_CODEC));
}

/* give the options named in an array back their defaults */
static void
reset_options(ArrayType *names, StashOptions *options)
{
	StashOptions defaults;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	stash_store_default_options(&defaults);
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *name = nulls[i] ? "" : TextDatumGetCString(elements[i]);

		if (strcmp(name, "ttl") == 0)
			options->has_ttl = false;
		else if (strcmp(name, "codec") == 0)
			options->codec = defaults.codec;
		else if (strcmp(name, "keep_versions") == 0)
			options->keep_versions = defaults.keep_versions;
		else if (strcmp(name, "max_entries") == 0)
			options->max_entries = defaults.max_entries;
		else if (strcmp(name, "max_bytes") == 0)
			options->max_bytes = defaults.max_bytes;
		else if (strcmp(name, "evict") == 0)
			options->evict = defaults.evict;
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown option \"%s\"", name),
					 errhint("Options that can be reset are ttl, codec, keep_versions, max_entries, max_bytes and evict.")));
	}
}

/*
 * The constraint that carries the options, for statements; all but the codec
 * only where said.
 */
char *
stash_store_constraint(const StashOptions *options)
{
	StringInfoData sql;
	char	   *ttl;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "CONSTRAINT " STASH_OPTIONS_CONSTRAINT
						   " CHECK (stash.options(");
	if (options->has_ttl)
	{
		ttl = DatumGetCString(DirectFunctionCall1(interval_out,
												  IntervalPGetDatum(&options->ttl)));
		appendStringInfo(&sql, "ttl => %s::pg_catalog.interval, ",
						 quote_literal_cstr(ttl));
	}
	if (options->keep_versions != 1)
		appendStringInfo(&sql, "keep_versions => %d, ", options->keep_versions);
	if (options->max_entries > 0)
		appendStringInfo(&sql, "max_entries => " INT64_FORMAT ", ",
						 options->max_entries);
	if (options->max_bytes > 0)
		appendStringInfo(&sql, "max_bytes => " INT64_FORMAT ", ",
						 options->max_bytes);
	if (options->evict != STASH_EVICT_OLDEST)
		appendStringInfo(&sql, "evict => '%s', ",
						 stash_store_evict_name(options->evict));
	appendStringInfo(&sql, "codec => '%s'))", stash_codec_name(options->codec));
	return sql.data;
}

/*
 * The primary key of a stash with these options, for statements.
 */
const char *
stash_store_primary_key(const StashOptions *options)
{
	return options->keep_versions == 1 ?
		"PRIMARY KEY (key_hash)" : "PRIMARY KEY (key_hash, version)";
}

/* ---- making ---- */

/* the beginning of the CREATE statement; says in *relation what it makes */
static const char *
create_words(const char *persistence, RangeVar *relation)
{
	if (strcmp(persistence, "logged") == 0)
		return "CREATE TABLE";
	if (strcmp(persistence, "unlogged") == 0)
		return "CREATE UNLOGGED TABLE";
	if (strcmp(persistence, "temp") == 0)
	{
		relation->relpersistence = RELPERSISTENCE_TEMP;
		return "CREATE TEMPORARY TABLE";
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown persistence \"%s\"", persistence),
			 errhint("Use \"logged\", \"unlogged\" or \"temp\".")));
}

/*
 * stash.create(name text, persistence text DEFAULT 'logged',
 *              keep_versions int4 DEFAULT 1, ttl interval DEFAULT NULL,
 *              max_entries int8 DEFAULT NULL, max_bytes int8 DEFAULT NULL,
 *              evict text DEFAULT 'oldest', codec text DEFAULT 'lz4',
 *              partitions int4 DEFAULT 0)
 * returns regclass
 *
 * Args:    name           of the table, as in SQL: schema and quotes allowed
 *          persistence    logged, unlogged or temp
 *          keep_versions  how many versions of a key are kept; 0: all
 *          ttl            for entries that are put without one
 *          max_entries, max_bytes  what it may hold; NULL: no limit
 *          evict          what goes first then: oldest, lru or cost
 *          codec          none, lz4 or zstd
 *          partitions     how many, by hash of the key; 0: not partitioned
 * Errors:  42P07 table exists, 22023 bad option, 22004 NULL name, 42501
 * Volatile, parallel unsafe.
 */
Datum
pg_hashstash_create(PG_FUNCTION_ARGS)
{
	StashOptions options;
	List	   *names;
	RangeVar   *relation;
	char	   *name;
	const char *words;
	Oid			nsp;
	Oid			relid;
	int32		npartitions;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(ARG_PERSISTENCE) ||
		PG_ARGISNULL(ARG_KEEP_VERSIONS) || PG_ARGISNULL(ARG_EVICT) ||
		PG_ARGISNULL(ARG_CODEC) || PG_ARGISNULL(ARG_PARTITIONS))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("name, persistence, keep_versions, evict, codec and partitions must not be null")));
	npartitions = PG_GETARG_INT32(ARG_PARTITIONS);
	stash_shard_check_number(npartitions);
	stash_store_default_options(&options);
	read_arguments(fcinfo, &options);
	names = stash_compat_name_list(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	relation = makeRangeVarFromNameList(names);
	name = quote_qualified_identifier(relation->schemaname, relation->relname);
	words = create_words(text_to_cstring(PG_GETARG_TEXT_PP(ARG_PERSISTENCE)),
						 relation);
	/* a temporary table of that name would stand before the one made */
	nsp = RangeVarGetCreationNamespace(relation);

	stash_spi_run(psprintf("%s %s OF stash.entry (%s, "
						   "key WITH OPTIONS NOT NULL, "
						   "version WITH OPTIONS NOT NULL DEFAULT 1, "
						   "created_at WITH OPTIONS NOT NULL DEFAULT pg_catalog.clock_timestamp(), "
						   "%s)%s",
						   npartitions > 0 ? stash_shard_parent_words(words) : words,
						   name, stash_store_primary_key(&options),
						   stash_store_constraint(&options),
						   npartitions > 0 ? " PARTITION BY HASH (key_hash)" : ""));
	relid = get_relname_relid(relation->relname, nsp);
	if (npartitions > 0)
		stash_shard_create(relid, words, npartitions);
	PG_RETURN_OID(relid);
}

/* ---- changing ---- */

/* the action of ALTER TABLE that sets the persistence, or nothing */
static const char *
persistence_action(Relation rel, const char *wanted)
{
	char		now = rel->rd_rel->relpersistence;
	bool		is_temp = strcmp(wanted, "temp") == 0;

	(void) create_words(wanted, makeRangeVar(NULL, "", -1));
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("persistence of partitioned stash \"%s\" cannot be changed",
						RelationGetRelationName(rel)),
				 errhint("ALTER TABLE each of its partitions, with SET LOGGED or SET UNLOGGED.")));
	if (is_temp != (now == RELPERSISTENCE_TEMP))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("persistence of stash \"%s\" cannot be changed to \"%s\"",
						RelationGetRelationName(rel), wanted),
				 errhint("Make another stash and copy the entries with stash.merge().")));
	if (strcmp(wanted, "logged") == 0 && now == RELPERSISTENCE_UNLOGGED)
		return ", SET LOGGED";
	if (strcmp(wanted, "unlogged") == 0 && now == RELPERSISTENCE_PERMANENT)
		return ", SET UNLOGGED";
	return "";
}

/* the actions that give a stash another primary key */
static char *
replace_key(StashStore *store, const StashOptions *options)
{
	if (store->is_sharded)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("stash \"%s\" with partitions on other servers cannot begin or cease to keep versions",
						store->table),
				 errhint("Make another stash and copy the entries with stash.merge().")));
	if (!OidIsValid(store->index) ||
		!OidIsValid(get_index_constraint(store->index)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("stash \"%s\" has no primary key", store->table),
				 errhint("SELECT stash.adopt(%s) gives it one.",
						 quote_literal_cstr(store->name))));
	return psprintf(", DROP CONSTRAINT %s, ADD %s",
					quote_identifier(get_rel_name(store->index)),
					stash_store_primary_key(options));
}

/*
 * stash.configure(stash regclass, persistence text DEFAULT NULL,
 *                 keep_versions int4 DEFAULT NULL, ttl interval DEFAULT NULL,
 *                 max_entries int8 DEFAULT NULL, max_bytes int8 DEFAULT NULL,
 *                 evict text DEFAULT NULL, codec text DEFAULT NULL,
 *                 reset text[] DEFAULT '{}')
 * returns regclass
 *
 * Args:    as of stash.create(); NULL leaves an option as it is
 *          reset  names of options that get their defaults back
 * Returns: the stash.  Entries stay as they are, but versions beyond
 *          keep_versions, which are deleted.
 * Errors:  42809, 42501 not the owner, 22023 bad option, 0A000 to and from
 *          temporary, 55000 no primary key
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_configure(PG_FUNCTION_ARGS)
{
	Oid			relid = stash_store_argument(fcinfo, 0);
	StashOptions options;
	Relation	rel;
	StashStore *store;
	StringInfoData sql;

	/*
	 * nobody may change it while we read what it is; the server asks for
	 * rights
	 */
	stash_spi_run(psprintf("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE",
						   stash_store_name_argument(fcinfo)));
	store = stash_store_open(relid, &rel, NoLock);
	options = store->options;
	if (!PG_ARGISNULL(ARG_RESET))
		reset_options(PG_GETARG_ARRAYTYPE_P(ARG_RESET), &options);
	read_arguments(fcinfo, &options);

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s DROP CONSTRAINT IF EXISTS "
					 STASH_OPTIONS_CONSTRAINT ", ADD %s",
					 store->name, stash_store_constraint(&options));
	if (!PG_ARGISNULL(ARG_PERSISTENCE))
		appendStringInfoString(&sql,
							   persistence_action(rel, text_to_cstring(PG_GETARG_TEXT_PP(ARG_PERSISTENCE))));
	if ((options.keep_versions == 1) != (store->options.keep_versions == 1))
		appendStringInfoString(&sql, replace_key(store, &options));
	if (options.keep_versions > 0 && store->has_versions)
		stash_spi_run(psprintf("DELETE FROM %s AS s WHERE version OPERATOR(pg_catalog.<=) "
							   "((SELECT pg_catalog.max(n.version) FROM %s AS n "
							   "WHERE n.key_hash OPERATOR(pg_catalog.=) s.key_hash) OPERATOR(pg_catalog.-) %d)",
							   store->name, store->name, options.keep_versions));
	relation_close(rel, NoLock);
	stash_spi_run(sql.data);
	PG_RETURN_OID(relid);
}

static bool
has_check(TupleDesc desc, const char *name)
{
	for (int i = 0; desc->constr != NULL && i < desc->constr->num_check; i++)
	{
		if (strcmp(desc->constr->check[i].ccname, name) == 0)
			return true;
	}
	return false;
}

/*
 * stash.adopt("table" regclass) returns regclass
 *
 * Gives a table OF stash.entry that was made by hand what stash.create()
 * would have given it and it does not have: primary key, NOT NULL, defaults,
 * options.
 * Errors:  42809 not OF stash.entry, 42501 not the owner, 23505 or 23502
 *          rows that are no entries, 55000 the stash of a memoized function
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_adopt(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	StashOptions options = store->options;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s "
					 "ALTER COLUMN key SET NOT NULL, "
					 "ALTER COLUMN version SET NOT NULL, "
					 "ALTER COLUMN version SET DEFAULT 1, "
					 "ALTER COLUMN created_at SET NOT NULL, "
					 "ALTER COLUMN created_at SET DEFAULT pg_catalog.clock_timestamp()",
					 store->name);
	if (!has_check(RelationGetDescr(rel), STASH_OPTIONS_CONSTRAINT))
	{
		options.keep_versions = store->has_versions ? 0 : 1;
		appendStringInfo(&sql, ", ADD %s", stash_store_constraint(&options));
	}
	if (!store->is_unique && !store->has_versions)
	{
		/* the stash of a memoized function takes doubles by design */
		if (OidIsValid(store->index))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("stash \"%s\" has an index on key_hash that is not unique",
							store->table),
					 errdetail("The stash of a memoized function has such an index, and is written by its calls only."),
					 errhint("DROP INDEX %s if this table is something else.",
							 quote_qualified_identifier(store->schema,
														get_rel_name(store->index)))));
		appendStringInfo(&sql, ", ADD %s", stash_store_primary_key(&options));
	}
	relation_close(rel, AccessShareLock);
	stash_spi_run(sql.data);
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * stash.drop(stash regclass) returns void
 *
 * Errors: 42809 for a table that is no stash, 42501, 2BP01 when something
 * depends on it.  Volatile, parallel unsafe.
 */
Datum
pg_hashstash_drop(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	char	   *sql = psprintf("DROP TABLE %s", store->name);

	relation_close(rel, AccessShareLock);
	stash_spi_run(sql);
	PG_RETURN_VOID();
}
