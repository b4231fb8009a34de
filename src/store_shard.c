/*-------------------------------------------------------------------------
 *
 * store_shard.c
 *	  Stashes in partitions, here and on other servers.
 *
 * A partitioned stash is a table OF stash.entry that is partitioned by hash of
 * key_hash; its partitions are ordinary tables, for PostgreSQL lets no typed
 * table be one.  While all of them are here, the primary key is the parent's.
 * No unique index can stand above a foreign table: once a partition is placed
 * on another server, each of them has a primary key of its own, and keys are
 * put by statements that need no arbiter.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "spi.h"
#include "store.h"

#define MAX_PARTITIONS	1024

PG_FUNCTION_INFO_V1(pg_hashstash_place);

/* ---- making ---- */

/*
 * Throw 22023 unless a stash can have that many partitions.
 */
void
stash_shard_check_number(int npartitions)
{
	if (npartitions < 0 || npartitions > MAX_PARTITIONS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of partitions: %d", npartitions),
				 errdetail("It must be between 0 and %d.", MAX_PARTITIONS)));
}

/*
 * The beginning of the CREATE statement of a partitioned table whose partitions
 * begin with 'words': what is not logged is told by the partitions alone, for
 * no server from 18 on has unlogged parents.
 */
const char *
stash_shard_parent_words(const char *words)
{
	return strcmp(words, "CREATE UNLOGGED TABLE") == 0 ? "CREATE TABLE" : words;
}

/*
 * Make all partitions of a new stash, named after it and their numbers.
 *
 * 'words' is the beginning of their CREATE statements.  Errors: those of
 * CREATE TABLE.
 */
void
stash_shard_create(Oid relid, const char *words, int npartitions)
{
	char	   *parent = stash_catalog_relation_name(relid);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	for (int i = 0; i < npartitions; i++)
	{
		char		number[12];
		char	   *name;

		snprintf(number, sizeof(number), "%d", i);
		/* not longer than names may be */
		name = makeObjectName(get_rel_name(relid), NULL, number);
		stash_spi_run(psprintf("%s %s PARTITION OF %s FOR VALUES WITH (MODULUS %d, REMAINDER %d)",
							   words, quote_qualified_identifier(schema, name),
							   parent, npartitions, i));
	}
}

/* ---- finding ---- */

static bool
is_by_hash(Relation rel)
{
	PartitionKey key = RelationGetPartitionKey(rel);

	return key != NULL && key->strategy == PARTITION_STRATEGY_HASH &&
		key->partnatts == 1 && key->partattrs[0] == STASH_ENTRY_KEY_HASH;
}

/*
 * Whether each partition of a stash that has no index over all has one of its
 * own: on foreign ones their servers watch over it.
 */
bool
stash_shard_is_sharded(Relation rel, const StashOptions *options)
{
	PartitionDesc desc;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE || !is_by_hash(rel))
		return false;
	desc = RelationGetPartitionDesc(rel, true);
	for (int i = 0; i < desc->nparts; i++)
	{
		Relation	leaf;
		StashStore *store = stash_store_open_partition(desc->oids[i], &leaf,
													   AccessShareLock);
		bool		is_foreign = leaf->rd_rel->relkind == RELKIND_FOREIGN_TABLE;

		relation_close(leaf, NoLock);
		if (!is_foreign &&
			!(options->keep_versions == 1 ? store->is_unique : store->has_versions))
			return false;
	}
	return desc->nparts > 0;
}

/* the partition that has a key; 0 where there is none, or no telling */
static Oid
find_partition(Relation rel, StashHash128 key_hash)
{
	PartitionKey key = RelationGetPartitionKey(rel);
	PartitionDesc desc = RelationGetPartitionDesc(rel, true);
	Datum		value = PointerGetDatum(key_hash.data);
	bool		isnull = false;
	uint64		hash;
	int			at;

	if (!is_by_hash(rel) || desc->nparts == 0)
		return InvalidOid;
	hash = compute_partition_hash_value(1, key->partsupfunc,
										key->partcollation, &value, &isnull);
	at = desc->boundinfo->indexes[hash % desc->boundinfo->nindexes];
	return at < 0 ? InvalidOid : desc->oids[at];
}

/*
 * Look a key up in the partition that has it, where that is a plain table.
 *
 * The caller has checked rights on the parent; the executor would ask for no
 * others.  False when only the executor can look; else '*found' is the answer.
 */
bool
stash_shard_find(Relation rel, const StashKey *key, StashEntry *entry,
				 bool wants_value, bool *found)
{
	Oid			partition = find_partition(rel, key->hash);
	StashStore *store;
	Relation	leaf;
	bool		is_plain;

	if (!OidIsValid(partition))
		return false;
	store = stash_store_open_partition(partition, &leaf, AccessShareLock);
	is_plain = store->is_plain &&
		(leaf->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT ||
		 !RecoveryInProgress());
	if (is_plain)
		*found = stash_store_find(store, leaf, key->hash, key->frame, entry,
								  wants_value);
	relation_close(leaf, NoLock);
	return is_plain;
}

/* ---- placing ---- */

/* a partition on its way to another place */
typedef struct Move
{
	StashOptions options;
	Oid			index;			/* over all partitions; 0: none */
	List	   *siblings;		/* OIDs of the other partitions */
	char	   *parent;			/* names, quoted, for statements */
	char	   *old;			/* where the entries are; another name
								 * meanwhile */
	char	   *new;
	char	   *bound;			/* FOR VALUES ... */
	bool		was_foreign;
} Move;

/* the parent of a partition; throws 42809 for a table that is none */
static Oid
parent_of(Oid partition)
{
	if (!get_rel_relispartition(partition))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a partition of a stash",
						get_rel_name(partition)),
				 errhint("stash.create() makes partitions where it is asked to.")));
	return get_partition_parent(partition, false);
}

static char *
bound_of(Oid partition)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(partition));
	bool		isnull;
	Datum		bound = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound,
										&isnull);
	Datum		clause = DirectFunctionCall2(pg_get_expr, bound,
											 ObjectIdGetDatum(partition));

	ReleaseSysCache(tuple);
	return TextDatumGetCString(clause);
}

/* drop the index over all partitions; each gets one of its own */
static void
split_index(const Move *move)
{
	Oid			index = move->index;
	ListCell   *cell;

	if (OidIsValid(get_index_constraint(index)))
		stash_spi_run(psprintf("ALTER TABLE %s DROP CONSTRAINT %s", move->parent,
							   quote_identifier(get_rel_name(index))));
	else
		stash_spi_run(psprintf("DROP INDEX %s", stash_catalog_relation_name(index)));
	foreach(cell, move->siblings)
	{
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION)
			stash_spi_run(psprintf("ALTER TABLE %s ADD %s",
								   stash_catalog_relation_name(lfirst_oid(cell)),
								   stash_store_primary_key(&move->options)));
	}
}

/* take a partition out of its stash, and give its name away */
static void
take_out(Oid partition, Move *move)
{
	Oid			parent = parent_of(partition);
	Relation	rel;
	StashStore *store;
	PartitionDesc desc;
	char	   *name = get_rel_name(partition);

	move->parent = stash_catalog_relation_name(parent);
	/* the server asks for rights */
	stash_spi_run(psprintf("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", move->parent));
	store = stash_store_open(parent, &rel, NoLock);
	if (!is_by_hash(rel) || !(store->is_unique || store->has_versions))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partitions of stash \"%s\" cannot be placed elsewhere",
						store->table),
				 errdetail("It is not partitioned by hash of key_hash, or a partition has no unique index.")));
	move->options = store->options;
	move->index = store->index;
	desc = RelationGetPartitionDesc(rel, true);
	for (int i = 0; i < desc->nparts; i++)
	{
		if (desc->oids[i] != partition)
			move->siblings = lappend_oid(move->siblings, desc->oids[i]);
	}
	relation_close(rel, NoLock);

	move->was_foreign = get_rel_relkind(partition) == RELKIND_FOREIGN_TABLE;
	move->bound = bound_of(partition);
	move->new = stash_catalog_relation_name(partition);
	stash_spi_run(psprintf("ALTER TABLE %s DETACH PARTITION %s", move->parent, move->new));
	stash_spi_run(psprintf("ALTER TABLE %s RENAME TO %s", move->new,
						   quote_identifier(ChooseRelationName(name, NULL, "moved",
															   get_rel_namespace(partition),
															   false))));
	move->old = stash_catalog_relation_name(partition);
}

/* make the partition where the entries will be */
static void
make_foreign(const Move *move, const char *server, const char *remote_schema,
			 const char *remote_table)
{
	if (OidIsValid(move->index))
		split_index(move);
	stash_spi_run(psprintf("CREATE FOREIGN TABLE %s PARTITION OF %s %s SERVER %s "
						   "OPTIONS (schema_name %s, table_name %s, batch_size '100')",
						   move->new, move->parent, move->bound,
						   quote_identifier(server),
						   quote_literal_cstr(remote_schema),
						   quote_literal_cstr(remote_table)));
	/* also tells whether it is there, and what we think it is */
	if (stash_spi_run_bigint(psprintf("SELECT pg_catalog.count(first) FROM (SELECT * FROM %s LIMIT 1) AS first",
									  move->new), false) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" on server \"%s\" is not empty",
						remote_table, server),
				 errhint("Name an empty stash there, for this partition alone.")));
}

/* when all partitions are here, the server joins their indexes under one */
static void
make_local(const Move *move)
{
	char	   *with_index = move->parent;
	ListCell   *cell;

	foreach(cell, move->siblings)
	{
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
			with_index = move->new;
	}
	stash_spi_run(psprintf("CREATE TABLE %s PARTITION OF %s %s",
						   move->new, move->parent, move->bound));
	if (!OidIsValid(move->index))
		stash_spi_run(psprintf("ALTER TABLE %s ADD %s", with_index,
							   stash_store_primary_key(&move->options)));
}

/* a name argument, or what stands for NULL */
static const char *
name_argument(FunctionCallInfo fcinfo, int argno, const char *otherwise)
{
	return PG_ARGISNULL(argno) ? otherwise : NameStr(*PG_GETARG_NAME(argno));
}

/*
 * stash.place(partition regclass, server name,
 *             remote_schema name DEFAULT NULL, remote_table name DEFAULT NULL)
 * returns regclass
 *
 * Moves a partition and its entries to another server, or back.
 * Args:    server         of postgres_fdw; NULL: this one
 *          remote_schema, remote_table  an empty stash there; NULL: of the
 *                         names that the partition has here
 * Returns: the partition, which is another table now
 * Errors:  42809 no partition of a stash, 42501, 55000 the stash there is not
 *          empty; those of the server's foreign-data wrapper
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_place(PG_FUNCTION_ARGS)
{
	Oid			partition = stash_store_argument(fcinfo, 0);
	Move		move = {0};
	char	   *schema = get_namespace_name(get_rel_namespace(partition));
	char	   *table = get_rel_name(partition);
	Oid			nsp = get_rel_namespace(partition);

	take_out(partition, &move);
	if (PG_ARGISNULL(1))
		make_local(&move);
	else
		make_foreign(&move, NameStr(*PG_GETARG_NAME(1)),
					 name_argument(fcinfo, 2, schema),
					 name_argument(fcinfo, 3, table));
	stash_spi_run(psprintf("INSERT INTO %s SELECT * FROM %s", move.new, move.old));
	if (move.was_foreign)
		stash_spi_run(psprintf("DELETE FROM %s", move.old));
	stash_spi_run(psprintf("DROP %s %s", move.was_foreign ? "FOREIGN TABLE" : "TABLE",
						   move.old));
	PG_RETURN_OID(get_relname_relid(table, nsp));
}
