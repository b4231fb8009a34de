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
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "memo.h"

/* who changed last what bears the name of a relation or function */
typedef struct Bearers
{
	Oid			object;			/* must be first; 0: the server's functions */
	uint64		generation;		/* in which it was read; 0: not yet */
	FullTransactionId newest;
} Bearers;

static HTAB *relations;
static HTAB *functions;
static uint64 relations_generation = 1;
static uint64 functions_generation = 1;
static uint64 news;				/* counts namesakes that came */

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
	CacheRegisterSyscacheCallback(RELNAMENSP, forget_relations, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCNAMEARGSNSP, forget_functions, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_all, (Datum) 0);
}

/* ---- reading the catalogs ---- */

static void
see_row(FullTransactionId *newest, HeapTuple tuple)
{
	TransactionId xid = HeapTupleHeaderGetRawXmin(tuple->t_data);

	if (TransactionIdIsNormal(xid) &&
		FullTransactionIdPrecedes(*newest, stash_track_widen(xid)))
		*newest = stash_track_widen(xid);
}

/* a namesake and its schema, whose name and rights decide whether it is found */
static void
see_namesake(FullTransactionId *newest, HeapTuple tuple, Oid nsp)
{
	HeapTuple	schema;

	/* other sessions' temporary objects are found by nobody else */
	if (isOtherTempNamespace(nsp))
		return;
	see_row(newest, tuple);
	schema = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(nsp));
	if (!HeapTupleIsValid(schema))
		return;
	see_row(newest, schema);
	ReleaseSysCache(schema);
}

static FullTransactionId
read_relations(Oid relid)
{
	FullTransactionId newest = InvalidFullTransactionId;
	char	   *name = get_rel_name(relid);
	Relation	pg_class;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (name == NULL)
		return newest;
	pg_class = table_open(RelationRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_class_relname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	scan = systable_beginscan(pg_class, ClassNameNspIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (form->oid != relid)
			see_namesake(&newest, tuple, form->relnamespace);
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	pfree(name);
	return newest;
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

static FullTransactionId
read_functions(Oid function)
{
	FullTransactionId newest = InvalidFullTransactionId;
	HeapTuple	own = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	CatCList   *list;
	int			least;
	int			most;

	if (!HeapTupleIsValid(own))
		return newest;
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
			see_namesake(&newest, tuple, form->pronamespace);
	}
	ReleaseSysCacheList(list);
	ReleaseSysCache(own);
	return newest;
}

/* a function of a user, to be compared with the names of the server's */
typedef struct UserFunction
{
	NameData	name;
	FullTransactionId newest;
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
static FullTransactionId
read_server(void)
{
	FullTransactionId newest = InvalidFullTransactionId;
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
			see_row(&newest, tuple);
		}
		else
		{
			UserFunction *user = palloc(sizeof(UserFunction));

			user->name = form->proname;
			user->newest = InvalidFullTransactionId;
			see_namesake(&user->newest, tuple, form->pronamespace);
			users = lappend(users, user);
		}
	}
	table_endscan(scan);
	table_close(pg_proc, AccessShareLock);
	foreach(cell, users)
	{
		UserFunction *user = lfirst(cell);

		if (FullTransactionIdPrecedes(newest, user->newest) &&
			hash_search(names, NameStr(user->name), HASH_FIND, NULL) != NULL)
			newest = user->newest;
	}
	return newest;
}

/* ---- asking ---- */

static FullTransactionId
newest_of(HTAB *table, Oid object, uint64 *generation)
{
	Bearers    *bearers = hash_search(table, &object, HASH_FIND, NULL);
	uint64		before = *generation;
	FullTransactionId newest;
	MemoryContext work;
	MemoryContext old;

	if (likely(bearers != NULL && bearers->generation == before))
		return bearers->newest;
	work = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash names",
								 ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(work);
	if (table == relations)
		newest = read_relations(object);
	else
		newest = OidIsValid(object) ? read_functions(object) : read_server();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);

	/*
	 * what was known before is gone when the object is: that is told
	 * elsewhere
	 */
	if (bearers != NULL && FullTransactionIdPrecedes(bearers->newest, newest))
	{
		news++;
		ResetPlanCache();
	}
	bearers = hash_search(table, &object, HASH_ENTER, NULL);
	/* what changed while it was read is read again the next time */
	bearers->generation = before;
	bearers->newest = newest;
	return newest;
}

/*
 * Whether a snapshot sees the last change of whatever else bears the name of
 * a relation.
 */
bool
stash_memo_names_relation(Oid relid, const StashTrackSnapshot *snapshot)
{
	return stash_track_sees(snapshot,
							newest_of(relations, relid, &relations_generation));
}

/*
 * The same of a function, among those that can be called with as many
 * arguments; 0 asks for all functions of the server together.
 */
bool
stash_memo_names_function(Oid function, const StashTrackSnapshot *snapshot)
{
	return stash_track_sees(snapshot,
							newest_of(functions, function, &functions_generation));
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
