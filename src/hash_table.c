/*-------------------------------------------------------------------------
 *
 * hash_table.c
 *	  Content hashes of tables and of the results of queries.
 *
 * Exact hashes come from queries that run as if the caller had sent them, so
 * that rights, row security, views and partitions are the server's business.
 * A sampled hash of a table reads the first and the last rows by position.
 *
 * Both functions are labelled as the server's own table_to_xml and
 * query_to_xml: hash_table is stable and, because of temporary tables and
 * because it starts workers of its own, parallel restricted; hash_query is
 * volatile and unsafe, because the query may call functions that are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "access/xlog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "compat.h"
#include "hash_datum.h"
#include "hash_rows.h"
#include "query.h"

#define END_ROWS		500		/* rows that a sampled hash reads at each end */
#define EXACT_ROWS		1000	/* up to as many, it reads them all */
#define KEEP_BYTES		8192	/* of a row that is kept unread */
#define MAX_COLUMNS		(FUNC_MAX_ARGS - 2) /* beside state and row type */

PG_FUNCTION_INFO_V1(pg_hashstash_hash_table);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_query);

/* One of the last rows, unread as long as it may turn out not to be one. */
typedef struct LastRow
{
	MinimalTuple tuple;			/* NULL: it was large, and 'hash' is known */
	StashHash128 hash;
} LastRow;

/* Takes the rows of a query and hashes them as a list. */
typedef struct RowList
{
	DestReceiver receiver;		/* must be first */
	MemoryContext context;		/* of all of this */
	MemoryContext row_context;	/* reset after each row */
	StashType  *type;			/* of the rows, anonymous */
	uint64		nrows;
	StashHasher list;			/* of a sampled hash, up to EXACT_ROWS */
	bool		is_sampled;
	TupleTableSlot *slot;		/* for tuples of 'last' */
	StashHash128 first[END_ROWS];
	LastRow		last[END_ROWS]; /* row n, from 0, is at n % END_ROWS */
} RowList;

/* Takes the one hash that a query gives. */
typedef struct OneHash
{
	DestReceiver receiver;		/* must be first */
	StashHash128 hash;
} OneHash;

/* Reads the rows of a table by position, as rows of 'type'. */
typedef struct RowReader
{
	Relation	rel;
	StashType  *type;
	TupleTableSlot *stored;
	TupleConversionMap *map;	/* NULL: its rows are of 'type' */
	TupleTableSlot *converted;	/* NULL too */
	MemoryContext row_context;	/* reset after each row */
} RowReader;

/* ---- running queries ---- */

/* run a query in the current memory context, which is to be deleted then */
static void
run_query(const char *sql, DestReceiver *receiver)
{
	StashQuery *query = stash_query_open(sql, STASH_QUERY_ONCE, receiver);

	stash_query_run(query);
	stash_query_close(query);
}

/* ---- queries ---- */

static void
start_list(DestReceiver *self, int operation, TupleDesc desc)
{
	RowList    *rows = (RowList *) self;
	MemoryContext old = MemoryContextSwitchTo(rows->context);

	rows->type = stash_type_of_desc(desc);
	rows->slot = MakeSingleTupleTableSlot(rows->type->desc,
										  &TTSOpsMinimalTuple);
	stash_rows_start(&rows->list, STASH_ROWS_LIST, rows->type);
	MemoryContextSwitchTo(old);
}

/*
 * Keep a row that may be one of the last.  Values that are toasted elsewhere
 * are not read; what is large in itself is hashed now, so that the memory for
 * the last rows has a limit.
 */
static void
keep_last(RowList *rows, TupleTableSlot *row)
{
	LastRow    *last = &rows->last[rows->nrows % END_ROWS];
	MemoryContext old;

	if (last->tuple != NULL)
		pfree(last->tuple);
	old = MemoryContextSwitchTo(rows->context);
	last->tuple = ExecCopySlotMinimalTuple(row);
	MemoryContextSwitchTo(old);
	if (last->tuple->t_len > KEEP_BYTES)
	{
		pfree(last->tuple);
		last->tuple = NULL;
		last->hash = stash_rows_hash(rows->type, row);
	}
}

static bool
receive_row(TupleTableSlot *row, DestReceiver *self)
{
	RowList    *rows = (RowList *) self;
	MemoryContext old = MemoryContextSwitchTo(rows->row_context);

	CHECK_FOR_INTERRUPTS();
	if (!rows->is_sampled || rows->nrows < EXACT_ROWS)
		stash_rows_put(&rows->list.sink, rows->type, row);
	if (rows->is_sampled)
	{
		if (rows->nrows < END_ROWS)
			rows->first[rows->nrows] = stash_rows_hash(rows->type, row);
		else
			keep_last(rows, row);
	}
	rows->nrows++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->row_context);
	return true;
}

static StashHash128
hash_last(RowList *rows, uint64 row)
{
	LastRow    *last = &rows->last[row % END_ROWS];
	MemoryContext old;

	if (last->tuple == NULL)
		return last->hash;
	ExecStoreMinimalTuple(last->tuple, rows->slot, false);
	old = MemoryContextSwitchTo(rows->row_context);
	last->hash = stash_rows_hash(rows->type, rows->slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->row_context);
	return last->hash;
}

static StashHash128
finish_list(RowList *rows)
{
	StashHasher hasher;

	if (!rows->is_sampled || rows->nrows <= EXACT_ROWS)
		return stash_hash_digest128(&rows->list);

	stash_rows_start(&hasher, STASH_ROWS_SAMPLED_LIST, rows->type);
	stash_sink_put_u64(&hasher.sink, rows->nrows);
	for (int i = 0; i < END_ROWS; i++)
		stash_rows_put_hash(&hasher.sink, rows->first[i]);
	for (uint64 row = rows->nrows - END_ROWS; row < rows->nrows; row++)
		stash_rows_put_hash(&hasher.sink, hash_last(rows, row));
	return stash_hash_digest128(&hasher);
}

/* ---- tables, exactly ---- */

static bool
receive_hash(TupleTableSlot *row, DestReceiver *self)
{
	bool		isnull;
	Datum		hash = slot_getattr(row, 1, &isnull);

	memcpy(((OneHash *) self)->hash.data, DatumGetUUIDP(hash)->data, UUID_LEN);
	return true;
}

/*
 * The query for the set of all rows: column by column, or as whole rows where
 * there are too many columns for one call, or none, or where the owner of the
 * row type has a say.  "t.*" is the whole row even where the table has a column
 * "t".
 */
static char *
make_query(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	const char *schema = get_namespace_name(RelationGetNamespace(rel));
	const char *name = quote_qualified_identifier(schema,
												  RelationGetRelationName(rel));
	StringInfoData columns;
	int			ncolumns = 0;

	initStringInfo(&columns);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (column->attisdropped)
			continue;
		appendStringInfo(&columns, ", t.%s",
						 quote_identifier(NameStr(column->attname)));
		ncolumns++;
	}
	if (ncolumns == 0 || ncolumns > MAX_COLUMNS ||
		stash_type_lookup(rel->rd_rel->reltype, -1)->strategy != NULL)
		return psprintf("SELECT stash.hash_set_agg(t.*) FROM %s t", name);
	return psprintf("SELECT stash.hash_columns_agg(NULL::%s%s) FROM %s t",
					name, columns.data, name);
}

static StashHash128
hash_exactly(Relation rel)
{
	OneHash		one = {0};

	stash_query_init_receiver(&one.receiver, receive_hash, NULL);
	run_query(make_query(rel), &one.receiver);
	return one.hash;
}

/* ---- tables, by a sample ---- */

/* true where the rows of a table can be had by position, and all by a scan */
static bool
has_positions(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_MATVIEW)
		return false;
	/* where the executor would refuse to scan, let it say so */
	if (!RelationIsScannable(rel) || RELATION_IS_OTHER_TEMP(rel) ||
		(!RelationIsPermanent(rel) && RecoveryInProgress()))
		return false;
	return rel->rd_rel->relam == HEAP_TABLE_AM_OID &&
		!stash_compat_has_virtual(RelationGetDescr(rel));
}

static void
open_reader(RowReader *reader, Relation rel, Relation as, StashType *type)
{
	reader->rel = rel;
	reader->type = type;
	reader->stored = table_slot_create(rel, NULL);
	reader->map = rel == as ? NULL :
		convert_tuples_by_name(RelationGetDescr(rel), RelationGetDescr(as));
	reader->converted = reader->map == NULL ? NULL :
		MakeSingleTupleTableSlot(RelationGetDescr(as), &TTSOpsVirtual);
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext,
												"pg_hashstash row",
												ALLOCSET_DEFAULT_SIZES);
}

static void
close_reader(RowReader *reader)
{
	ExecDropSingleTupleTableSlot(reader->stored);
	if (reader->map != NULL)
	{
		ExecDropSingleTupleTableSlot(reader->converted);
		free_conversion_map(reader->map);
	}
	MemoryContextDelete(reader->row_context);
}

static TableScanDesc
begin_scan(RowReader *reader)
{
	/* few pages, worth to be kept; always from the first or the last on */
	return table_beginscan_strat(reader->rel, GetActiveSnapshot(), 0, NULL,
								 false, false);
}

static bool
next_hash(RowReader *reader, TableScanDesc scan, ScanDirection direction,
		  StashHash128 *hash)
{
	TupleTableSlot *row = reader->stored;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	if (!table_scan_getnextslot(scan, direction, row))
		return false;
	if (reader->map != NULL)
		row = execute_attr_map_slot(reader->map->attrMap, row,
									reader->converted);
	old = MemoryContextSwitchTo(reader->row_context);
	*hash = stash_rows_hash(reader->type, row);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);
	return true;
}

/* put the hashes of the last rows, in the order in which they are stored */
static void
put_last(StashSink *sink, RowReader *reader)
{
	TableScanDesc scan = begin_scan(reader);
	StashHash128 last[END_ROWS];

	for (int i = END_ROWS - 1; i >= 0; i--)
	{
		if (!next_hash(reader, scan, BackwardScanDirection, &last[i]))
			elog(ERROR, "rows of \"%s\" are gone",
				 RelationGetRelationName(reader->rel));
	}
	table_endscan(scan);
	for (int i = 0; i < END_ROWS; i++)
		stash_rows_put_hash(sink, last[i]);
}

/*
 * The sampled hash of the rows in one file, as rows of the table 'as'.
 */
static StashHash128
hash_ends(Relation rel, Relation as, StashType *type)
{
	RowReader	reader;
	TableScanDesc scan;
	StashHasher hasher;
	StashHash128 hash;
	StashHashSet all = {0};

	open_reader(&reader, rel, as, type);
	stash_rows_start(&hasher, STASH_ROWS_SAMPLED_TABLE, type);
	stash_sink_put_u64(&hasher.sink,
					   (uint64) RelationGetNumberOfBlocks(rel) * BLCKSZ);

	scan = begin_scan(&reader);
	while (all.count <= EXACT_ROWS &&
		   next_hash(&reader, scan, ForwardScanDirection, &hash))
	{
		if (all.count < END_ROWS)
			stash_rows_put_hash(&hasher.sink, hash);
		stash_set_add(&all, hash);
	}
	table_endscan(scan);

	if (all.count <= EXACT_ROWS)
		hash = stash_set_digest(&all, STASH_ROWS_SET, type);
	else
	{
		put_last(&hasher.sink, &reader);
		hash = stash_hash_digest128(&hasher);
	}
	close_reader(&reader);
	return hash;
}

/*
 * Add the sampled hash of one table of a tree, unless it has no rows of its
 * own; false where it cannot be sampled.
 */
static bool
add_leaf(StashHashSet *leaves, StashHash128 *hash, Oid relid, Relation root,
		 StashType *type)
{
	/* locked by find_all_inheritors() */
	Relation	rel = table_open(relid, NoLock);
	bool		is_root = relid == RelationGetRelid(root);
	bool		is_leaf = rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE;
	bool		done = true;

	/* a query does not see temporary children of other sessions */
	if (is_leaf && (is_root || !RELATION_IS_OTHER_TEMP(rel)))
	{
		done = has_positions(rel);
		if (done)
		{
			*hash = hash_ends(rel, root, type);
			stash_set_add(leaves, *hash);
		}
	}
	table_close(rel, NoLock);
	return done;
}

/*
 * The sampled hash of a table, or of a tree of tables; false where there is
 * none.
 */
static bool
hash_by_sample(Relation rel, StashHash128 *hash)
{
	bool		is_partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	StashType  *type;
	StashHashSet leaves = {0};
	List	   *members;
	ListCell   *cell;

	if (!is_partitioned && !has_positions(rel))
		return false;
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, false) == RLS_ENABLED)
		return false;
	stash_compat_check_select(rel);
	if (stash_catalog_read_note != NULL)
		stash_catalog_read_note(RelationGetRelid(rel), false);

	type = stash_type_lookup(rel->rd_rel->reltype, -1);
	members = find_all_inheritors(RelationGetRelid(rel), AccessShareLock, NULL);
	foreach(cell, members)
	{
		if (!add_leaf(&leaves, hash, lfirst_oid(cell), rel, type))
			return false;
	}
	if (is_partitioned || leaves.count > 1)
		*hash = stash_set_digest(&leaves, STASH_ROWS_SAMPLED_TREE, type);
	return true;
}

/* ---- SQL functions ---- */

/* a memory context for one call, made the current one */
static MemoryContext
begin_call(MemoryContext *old)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash row set",
												  ALLOCSET_DEFAULT_SIZES);

	*old = MemoryContextSwitchTo(context);
	return context;
}

static Datum
end_call(MemoryContext context, MemoryContext old, StashHash128 hash)
{
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return stash_hash_to_uuid(hash);
}

/* open a table or view that the caller may name in a query */
static Relation
open_relation(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	AclResult	right;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
		case RELKIND_VIEW:
		case RELKIND_FOREIGN_TABLE:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is neither a table nor a view",
							RelationGetRelationName(rel)),
					 errhint("Use stash.hash_query() for anything else that can be selected.")));
	}
	right = stash_compat_namespace_aclcheck(RelationGetNamespace(rel),
											GetUserId(), ACL_USAGE);
	if (right != ACLCHECK_OK)
		aclcheck_error(right, OBJECT_SCHEMA,
					   get_namespace_name(RelationGetNamespace(rel)));
	return rel;
}

/*
 * stash.hash_table(rel regclass, sampled bool DEFAULT false) returns uuid
 *
 * Args:    rel      a table, with all that inherits from it, or a view
 *          sampled  read the first and the last 500 rows only
 * Returns: hash_set_agg() over its rows, as the caller sees them; sampled,
 *          where a table has more than 1,000 rows and they can be had by
 *          position, another hash of the same columns
 * Errors:  22004 null argument; 42501 where the caller may not select all
 *          columns; 42P01 no such relation; 42809 neither table nor view;
 *          what reading it throws
 * Not strict.  Stable, parallel restricted.
 */
Datum
pg_hashstash_hash_table(PG_FUNCTION_ARGS)
{
	MemoryContext old;
	MemoryContext context;
	Relation	rel;
	StashHash128 hash;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("rel and sampled must not be null")));

	context = begin_call(&old);
	rel = open_relation(PG_GETARG_OID(0));
	if (!PG_GETARG_BOOL(1) || !hash_by_sample(rel, &hash))
		hash = hash_exactly(rel);
	relation_close(rel, NoLock);
	return end_call(context, old, hash);
}

/*
 * stash.hash_query(query text, sampled bool DEFAULT false) returns uuid
 *
 * Args:    query    one SELECT, VALUES, TABLE or WITH ... SELECT
 *          sampled  of more than 1,000 rows, hash the number, the first and
 *                   the last 500 only; all are computed
 * Returns: hash_agg() over the rows, with the names and types of the columns
 * Errors:  22004 null argument; those of stash_query_open()
 * Not strict.  Volatile, parallel unsafe.
 */
Datum
pg_hashstash_hash_query(PG_FUNCTION_ARGS)
{
	MemoryContext old;
	MemoryContext context;
	RowList    *rows;
	StashHash128 hash;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query and sampled must not be null")));

	context = begin_call(&old);
	rows = palloc0(sizeof(RowList));
	stash_query_init_receiver(&rows->receiver, receive_row, start_list);
	rows->context = context;
	rows->row_context = AllocSetContextCreate(context, "pg_hashstash row",
											  ALLOCSET_DEFAULT_SIZES);
	rows->is_sampled = PG_GETARG_BOOL(1);
	run_query(text_to_cstring(PG_GETARG_TEXT_PP(0)), &rows->receiver);
	hash = finish_list(rows);
	return end_call(context, old, hash);
}
