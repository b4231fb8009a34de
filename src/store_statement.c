/*-------------------------------------------------------------------------
 *
 * store_statement.c
 *	  Entries of a stash: the prepared statements that read and change them.
 *
 * They run as the caller through the executor, so that rights, triggers, row
 * security, constraints and partitions are those of any table.  Everything in
 * them is qualified, for search_path is the caller's.  A statement that is not
 * read-only sees what was committed when it began, where the transaction's
 * isolation allows that, and what its own transaction did before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#include "catalog.h"
#include "spi.h"
#include "store.h"

#define MAX_ARGUMENTS	6

/* %1$s is the stash, %2$s the arbiter, $1 the hash of the key, $2 the key */
#define OF_KEY \
	"key_hash OPERATOR(pg_catalog.=) $1 AND stash.same_key(key, $2)"
#define BY_VERSION		" ORDER BY version USING OPERATOR(pg_catalog.>)"
#define BY_TIME			" ORDER BY created_at USING OPERATOR(pg_catalog.>)"

/* $3 value, $4 created_at, $5 expires_at, $6 cost */
#define INSERT_INTO \
	"INSERT INTO %1$s AS s " \
	"(key_hash, key, value, version, created_at, expires_at, cost, proof) "

/* another key with the same hash must not be overwritten */
#define UPSERT \
	INSERT_INTO "VALUES ($1, $2, $3, 1, $4, $5, $6, NULL) " \
	"ON CONFLICT (key_hash) DO UPDATE SET value = excluded.value, " \
	"version = " STASH_NEXT_VERSION ", " \
	"created_at = excluded.created_at, " \
	"expires_at = excluded.expires_at, cost = excluded.cost, " \
	"proof = excluded.proof " \
	"WHERE stash.same_key(s.key, excluded.key) "

/* nothing is inserted where another session is faster, or for another key */
#define INSERT_VERSION \
	INSERT_INTO "SELECT $1, $2, $3, " \
	"COALESCE(n.version, 0) OPERATOR(pg_catalog.+) 1, $4, $5, $6, NULL " \
	"FROM (SELECT) AS one LEFT JOIN (SELECT key, version FROM %1$s " \
	"WHERE key_hash OPERATOR(pg_catalog.=) $1" BY_VERSION " LIMIT 1) AS n ON true " \
	"WHERE (n.version IS NULL OR stash.same_key(n.key, $2)) "
#define UNLESS_THERE	"ON CONFLICT %2$s DO NOTHING "

/* where each partition has an index of its own, none can be named */
#define VERSION_ARBITER(store)	((store)->is_sharded ? "" : "(key_hash, version)")

#define REPLACE \
	"UPDATE %1$s AS s SET value = $3, " \
	"version = " STASH_NEXT_VERSION ", " \
	"created_at = $4, expires_at = $5, cost = $6, proof = NULL WHERE " OF_KEY

#define SELECT_VALUE \
	"SELECT value FROM %1$s WHERE " OF_KEY " AND " STASH_ENTRY_NOT_EXPIRED

typedef struct Statement
{
	const char *sql;			/* for one entry of a key */
	const char *versions_sql;	/* for several; NULL: the same */
	bool		read_only;
} Statement;

static const Statement statements[STASH_STATEMENTS] = {
	[STASH_STATEMENT_PUT] = {
		UPSERT "RETURNING version",
		INSERT_VERSION UNLESS_THERE "RETURNING version"
	},
	[STASH_STATEMENT_PUT_ABSENT] = {
		UPSERT "AND s.expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() "
		"RETURNING version, value",
		INSERT_VERSION "AND NOT EXISTS (SELECT FROM %1$s WHERE key_hash OPERATOR(pg_catalog.=) $1 "
		"AND " STASH_ENTRY_NOT_EXPIRED ") " UNLESS_THERE "RETURNING version, value"
	},
	[STASH_STATEMENT_REPLACE] = {REPLACE " RETURNING version"},
	[STASH_STATEMENT_REPLACE_EXPIRED] = {
		REPLACE " AND expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() "
		"RETURNING version, value"
	},
	[STASH_STATEMENT_INSERT] = {
		INSERT_INTO "VALUES ($1, $2, $3, 1, $4, $5, $6, NULL) "
		"ON CONFLICT DO NOTHING RETURNING version, value"
	},
	/* $3 the newest version that goes */
	[STASH_STATEMENT_TRIM] = {
		"DELETE FROM %1$s WHERE " OF_KEY " AND version OPERATOR(pg_catalog.<=) $3"
	},
	[STASH_STATEMENT_NEWEST] = {
		"SELECT version, stash.same_key(key, $2) FROM %1$s "
		"WHERE key_hash OPERATOR(pg_catalog.=) $1" BY_VERSION " LIMIT 1"
	},
	[STASH_STATEMENT_COUNT] = {
		"SELECT pg_catalog.count(*) FROM %1$s WHERE key_hash OPERATOR(pg_catalog.=) $1"
	},
	[STASH_STATEMENT_GET] = {
		SELECT_VALUE BY_TIME " LIMIT 1", SELECT_VALUE BY_VERSION " LIMIT 1", true
	},
	[STASH_STATEMENT_GET_NOW] = {
		SELECT_VALUE BY_TIME " LIMIT 1", SELECT_VALUE BY_VERSION " LIMIT 1"
	},
	/* $3 the version */
	[STASH_STATEMENT_GET_VERSION] = {
		SELECT_VALUE " AND version OPERATOR(pg_catalog.=) $3" BY_TIME " LIMIT 1",
		NULL, true
	},
	[STASH_STATEMENT_REMOVE] = {
		"DELETE FROM %1$s WHERE " OF_KEY " RETURNING " STASH_ENTRY_NOT_EXPIRED
	},
	/* the last column orders entries of a key: the greatest is the newest */
	[STASH_STATEMENT_POP] = {
		"DELETE FROM %1$s WHERE " OF_KEY " RETURNING " STASH_ENTRY_NOT_EXPIRED ", value, created_at",
		"DELETE FROM %1$s WHERE " OF_KEY " RETURNING " STASH_ENTRY_NOT_EXPIRED ", value, version"
	},
};

/*
 * How the server shall plan.  A plan of a sharded stash for any key connects to
 * all servers when it changes entries, and skips all but one when it reads.
 */
static int
plan_options(StashStore *store, const Statement *def)
{
	if (!store->is_sharded)
		return 0;
	return def->read_only ? CURSOR_OPT_GENERIC_PLAN : CURSOR_OPT_CUSTOM_PLAN;
}

/*
 * Run a statement with the key as $1 and $2 and more arguments behind them;
 * call while connected to SPI.  Returns the number of rows processed.
 */
uint64
stash_store_run(StashStore *store, StashStatement statement,
				const StashKey *key, int nmore, const Oid *types,
				const Datum *values, const char *nulls)
{
	const Statement *def = &statements[statement];
	Oid			all_types[MAX_ARGUMENTS] = {UUIDOID, stash_catalog_variant_type(false)};
	Datum		all_values[MAX_ARGUMENTS] = {PointerGetDatum(key->hash.data),
	PointerGetDatum(key->frame)};
	char		all_nulls[MAX_ARGUMENTS + 1] = "      ";
	SPIPlanPtr	plan = store->plans[statement];
	int			code;

	Assert(2 + nmore <= MAX_ARGUMENTS);
	for (int i = 0; i < nmore; i++)
	{
		all_types[2 + i] = types[i];
		all_values[2 + i] = values[i];
		all_nulls[2 + i] = nulls == NULL ? ' ' : nulls[i];
	}
	if (plan == NULL)
	{
		const char *sql = store->has_versions && def->versions_sql != NULL ?
		def->versions_sql : def->sql;

		plan = SPI_prepare_cursor(psprintf(sql, store->name, VERSION_ARBITER(store)),
								  2 + nmore, all_types,
								  plan_options(store, def));
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a statement: %s",
				 SPI_result_code_string(SPI_result));
		store->plans[statement] = plan;
	}
	code = SPI_execute_plan(plan, all_values, all_nulls, def->read_only, 0);
	if (code < 0)
		elog(ERROR, "could not run a statement: %s",
			 SPI_result_code_string(code));
	return SPI_processed;
}

/*
 * A value among the rows that the last statement returned, copied to 'context';
 * column from 1.  Call while connected to SPI.
 */
void
stash_store_fetch_value(uint64 row, int column, MemoryContext context,
						StashEntry *entry)
{
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column,
									  &entry->value_isnull);
	MemoryContext old = MemoryContextSwitchTo(context);

	entry->value = (Datum) 0;
	if (!entry->value_isnull)
		entry->value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	MemoryContextSwitchTo(old);
}
