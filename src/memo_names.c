/*-------------------------------------------------------------------------
 *
 * memo_names.c
 *	  What else bears the names of what an answer was read from.
 *
 * A target names tables and functions; which they are the server looks up, by
 * the search_path and by the types of arguments.  What is made later under
 * such a name, in whatever schema, may be what it finds from then on.  Whoever
 * wrote the catalog rows of these namesakes, and of their schemas, last counts
 * as having changed what was found; for the server's own functions, whose
 * names nobody notes, that is one answer for all.
 *
 * Plans do not notice namesakes.  Where one has come, all are made again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"

/* who changed last what bears the name of a relation or function */
typedef struct Bearers
{
	Oid			object;			/* must be first; 0: the server's functions */
	uint64		generation;		/* in which it was read; 0: not yet */
	StashTrackRows rows;
} Bearers;

static HTAB *relations;
static HTAB *functions;
static uint64 relations_generation = 1;
static uint64 functions_generation = 1;
static uint64 news;				/* counts namesakes that came */

/* before it no plan was made; invalid: none has been */
static FullTransactionId first_plan;

static void
forget_relations(Datum arg, int cacheid, uint32 hashvalue)
{
	relations_generation++;
}

static void
forget_functions(Datum arg, int cacheid, uint32 hashvalue)
{
	functions_generation++;
}

static void
forget_all(Datum arg, int cacheid, uint32 hashvalue)
{
	relations_generation++;
	functions_generation++;
}

static HTAB *
make_table(const char *name)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(Bearers);
	return hash_create(name, 32, &ctl, HASH_ELEM | HASH_BLOBS);
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_memo_names_init(void)
{
	relations = make_table("pg_hashstash names of relations");
	functions = make_table("pg_hashstash names of functions");
	stash_catalog_listen_cache(RELNAMENSP, forget_relations);
	stash_catalog_listen_cache(PROCNAMEARGSNSP, forget_functions);
	stash_catalog_listen_cache(NAMESPACEOID, forget_all);
}

/* ---- reading the catalogs ---- */

/* a namesake and its schema, whose name and rights decide whether it is found */
static void
see_namesake(StashTrackRows *rows, HeapTuple tuple, Oid nsp)
{
	HeapTuple	schema;

	/* other sessions' temporary objects are found by nobody else */
	if (isOtherTempNamespace(nsp))
		return;
	stash_track_see_scanned(rows, tuple);
	schema = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(nsp));
	if (!HeapTupleIsValid(schema))
		return;
	stash_track_see_cached(rows, schema);
	ReleaseSysCache(schema);
}

static void
read_relations(Oid relid, StashTrackRows *rows)
{
	char	   *name = get_rel_name(relid);
	Relation	pg_class;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (name == NULL)
		return;
	pg_class = table_open(RelationRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_class_relname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	scan = systable_beginscan(pg_class, ClassNameNspIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (form->oid != relid)
			see_namesake(rows, tuple, form->relnamespace);
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	pfree(name);
}

/* how few and how many arguments a call of a function can have */
static void
count_arguments(Form_pg_proc form, int *least, int *most)
{
	*least = form->pronargs - form->pronargdefaults;
	*most = OidIsValid(form->provariadic) ? FUNC_MAX_ARGS : form->pronargs;
	if (OidIsValid(form->provariadic) && *least == form->pronargs)
		(*least)--;
}

static void
read_functions(Oid function, StashTrackRows *rows)
{
	HeapTuple	own = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	CatCList   *list;
	int			least;
	int			most;

	if (!HeapTupleIsValid(own))
		return;
	count_arguments((Form_pg_proc) GETSTRUCT(own), &least, &most);
	list = SearchSysCacheList1(PROCNAMEARGSNSP,
							   NameGetDatum(&((Form_pg_proc) GETSTRUCT(own))->proname));
	for (int i = 0; i < list->n_members; i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
		int			its_least;
		int			its_most;

		count_arguments(form, &its_least, &its_most);
		if (form->oid != function && its_least <= most && its_most >= least)
			see_namesake(rows, tuple, form->pronamespace);
	}
	ReleaseSysCacheList(list);
	ReleaseSysCache(own);
}

/* a function of a user, to be compared with the names of the server's */
typedef struct UserFunction
{
	NameData	name;
	StashTrackRows rows;
} UserFunction;

static HTAB *
make_names(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = NAMEDATALEN;
	ctl.entrysize = NAMEDATALEN;
	ctl.hcxt = CurrentMemoryContext;
	return hash_create("pg_hashstash names of the server's functions", 4096,
					   &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* users' functions under names of the server's, and rights to those */
static void
read_server(StashTrackRows *rows)
{
	HTAB	   *names = make_names();
	List	   *users = NIL;
	ListCell   *cell;
	Relation	pg_proc = table_open(ProcedureRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(pg_proc, 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (form->oid < FirstNormalObjectId)
		{
			(void) hash_search(names, NameStr(form->proname), HASH_ENTER, NULL);
			stash_track_see_scanned(rows, tuple);
		}
		else
		{
			UserFunction *user = palloc0(sizeof(UserFunction));

			user->name = form->proname;
			see_namesake(&user->rows, tuple, form->pronamespace);
			users = lappend(users, user);
		}
	}
	table_endscan(scan);
	table_close(pg_proc, AccessShareLock);
	foreach(cell, users)
	{
		UserFunction *user = lfirst(cell);

		if (hash_search(names, NameStr(user->name), HASH_FIND, NULL) != NULL)
			stash_track_see_all(rows, &user->rows);
	}
}

/* ---- asking ---- */

/*
 * A plan is about to be made; called for each.
 */
void
stash_memo_names_plan(void)
{
	if (unlikely(!FullTransactionIdIsValid(first_plan)))
		first_plan = ReadNextFullTransactionId();
}

/* whether namesakes came while plans were kept; 'bearers': known before */
static bool
has_come(const Bearers *bearers, const StashTrackRows *rows)
{
	if (rows->is_untold)
		return true;
	/* one that is gone with its object is told of elsewhere */
	if (bearers != NULL)
		return FullTransactionIdPrecedes(bearers->rows.newest, rows->newest);
	return FullTransactionIdIsValid(first_plan) &&
		FullTransactionIdFollowsOrEquals(rows->newest, first_plan);
}

static const StashTrackRows *
rows_of(HTAB *table, Oid object, uint64 *generation)
{
	Bearers    *bearers = hash_search(table, &object, HASH_FIND, NULL);
	uint64		before = *generation;
	StashTrackRows rows = {0};
	MemoryContext work;
	MemoryContext old;

	if (likely(bearers != NULL && bearers->generation == before))
		return &bearers->rows;
	work = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash names",
								 ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(work);
	if (table == relations)
		read_relations(object, &rows);
	else if (OidIsValid(object))
		read_functions(object, &rows);
	else
		read_server(&rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);

	if (has_come(bearers, &rows))
	{
		news++;
		ResetPlanCache();
	}
	bearers = hash_search(table, &object, HASH_ENTER, NULL);
	/* what changed while it was read is read again the next time */
	bearers->generation = rows.is_untold ? 0 : before;
	bearers->rows = rows;
	return &bearers->rows;
}

/*
 * What is known of whatever else bears the name of a relation.  Good until
 * something is asked for again.
 */
const StashTrackRows *
stash_memo_names_relation(Oid relid)
{
	return rows_of(relations, relid, &relations_generation);
}

/*
 * The same of a function, among those that can be called with as many
 * arguments; 0 asks for all functions of the server together.
 */
const StashTrackRows *
stash_memo_names_function(Oid function)
{
	return rows_of(functions, function, &functions_generation);
}

/*
 * A number that changes when a namesake has come to what this session knows:
 * then plans of before may have found something else.
 */
uint64
stash_memo_names_news(void)
{
	return news;
}
