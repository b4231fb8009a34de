/*-------------------------------------------------------------------------
 *
 * memo_compiled.c
 *	  Functions in PL/pgSQL, and by what they were compiled.
 *
 * PL/pgSQL compiles a function when a session calls it first, and finds the types
 * of its variables then: by the search_path and the rights of the caller, and by
 * what there is.  It goes on with these when the path is another one, and when a
 * type is.  An answer is kept for all who have the path of now, though.
 *
 * So each function that runs, in a trace or not, is noted with what it was
 * compiled by; before a target runs those of other times are compiled anew.
 *
 * PL/pgSQL has one place for a plugin, which we take when the library is loaded;
 * memo_plpgsql.c takes it in turn while a target runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "plpgsql.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "catalog.h"
#include "compat.h"
#include "hash.h"
#include "memo.h"

typedef struct Compiled
{
	PLpgSQL_function *function; /* must be first; PL/pgSQL compiles anew into
								 * the same place */
	TransactionId xmin;			/* of the catalog row it was compiled from; */
	ItemPointerData tid;		/* invalid: it is to be compiled anew */
	uint64		path;			/* by which it was; 0: nobody knows */
	uint64		epoch;
	uint64		relations;		/* news of relations by then */
	bool		names_columns;	/* variables are of their types */
} Compiled;

static PLpgSQL_plugin ours;
static PLpgSQL_plugin *next;	/* who had the place, or NULL */

static HTAB *compiled;
static bool any_names_columns;
static uint64 epoch = 1;		/* counts what may change the meaning of names */
static uint64 relations;		/* counts news of them */

/* what stash_memo_compiled_forget() has seen last */
static uint64 last_path;
static uint64 last_epoch;
static uint64 last_relations;

/* the last function that the plugin was told of: PL/pgSQL may have another one,
 * that does not hand on what it is told */
static PLpgSQL_function *last_set_up;

/* memory of functions that were compiled before the library was loaded */
static List *before;

static void
forget_relation(Datum arg, Oid relid)
{
	relations++;
}

static char *
source_of(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		isnull;
	char	   *source;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("");
	source = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));
	ReleaseSysCache(tuple);
	return source;
}

/* where the next "%TYPE" of a source stands; NULL: nowhere */
static const char *
find_column_type(const char *source)
{
	while ((source = strchr(source, '%')) != NULL)
	{
		const char *at = source + 1 + strspn(source + 1, " \t\r\n");

		if (pg_strncasecmp(at, "type", 4) == 0)
			return source;
		source++;
	}
	return NULL;
}

/*
 * A number for the schemas in which names are found, as far as the user may look
 * into them, and whether the session's own has anything.
 */
static uint64
path_of_now(void)
{
	StashCompatPath *path = stash_compat_path();
	uint64		digest = stash_catalog_has_temporary() + 2 * path->addTemp;
	ListCell   *cell;

	foreach(cell, path->schemas)
		digest = stash_hash_bytes64(&cell->oid_value, sizeof(Oid), digest);
	list_free(path->schemas);
	pfree(path);
	return Max(digest, 1);
}

/* a function is about to run: note it, if it was compiled for that */
static Compiled *
note(PLpgSQL_function *function)
{
	Compiled   *entry;
	bool		found;
	char	   *source;

	entry = hash_search(compiled, &function, HASH_ENTER, &found);
	if (likely(found && entry->xmin == stash_compat_plpgsql_xmin(function) &&
			   ItemPointerEquals(&entry->tid, &stash_compat_plpgsql_tid(function))))
		return entry;
	entry->xmin = InvalidTransactionId;
	entry->tid = stash_compat_plpgsql_tid(function);
	entry->epoch = epoch;
	entry->relations = relations;
	entry->path = 0;
	entry->names_columns = false;
	source = source_of(function->fn_oid);
	entry->names_columns = find_column_type(source) != NULL;
	any_names_columns |= entry->names_columns;
	pfree(source);
	if (!list_member_ptr(before, function->fn_cxt))
		entry->path = path_of_now();
	entry->xmin = stash_compat_plpgsql_xmin(function);
	return entry;
}

static bool
is_of_now(const Compiled *entry, uint64 path)
{
	return entry->path == path && entry->epoch == epoch &&
		(!entry->names_columns || entry->relations == relations);
}

/* have PL/pgSQL compile it when it is called next */
static void
outdate(Compiled *entry)
{
	entry->xmin = InvalidTransactionId;
	stash_compat_plpgsql_xmin(entry->function) = InvalidTransactionId;
	/* it may get the same memory again */
	before = list_delete_ptr(before, entry->function->fn_cxt);
}

/* the table of a column whose type a variable has counts by its row type */
static void
note_column(const char *source, const char *end)
{
	const char *at = end;
	char	   *name;
	List	   *names;

	while (at > source && isspace((unsigned char) at[-1]))
		at--;
	end = at;
	while (at > source && (isalnum((unsigned char) at[-1]) || IS_HIGHBIT_SET(at[-1]) ||
						   strchr("_$.\"", at[-1]) != NULL))
		at--;
	name = pnstrdup(at, end - at);
	if (SplitIdentifierString(name, '.', &names) &&
		(list_length(names) == 2 || list_length(names) == 3))
	{
		bool		has_schema = list_length(names) == 3;
		RangeVar   *table = makeRangeVar(has_schema ? linitial(names) : NULL,
										 has_schema ? lsecond(names) : linitial(names), -1);
		Oid			relid = RangeVarGetRelid(table, NoLock, true);

		if (OidIsValid(relid))
			stash_memo_trace_type(get_rel_type_id(relid));
	}
}

static void
note_columns(Oid function)
{
	char	   *source = source_of(function);
	const char *at = source;

	while ((at = find_column_type(at)) != NULL)
		note_column(source, at++);
	pfree(source);
}

/*
 * A function is about to run in a trace.
 */
void
stash_memo_compiled_note(PLpgSQL_function *function)
{
	Compiled   *entry;

	/* a DO block goes when it has run */
	if (!OidIsValid(function->fn_oid))
		return;
	entry = note(function);
	if (entry->names_columns)
		note_columns(function->fn_oid);
	if (last_set_up == function && is_of_now(entry, path_of_now()))
		return;
	stash_memo_trace_reason(STASH_MEMO_OLD_PLANS, function->fn_oid);
	outdate(entry);
}

/*
 * Names may mean something else by now, whatever the path.
 */
void
stash_memo_compiled_outdate(void)
{
	epoch++;
}

/*
 * A target is about to run: have functions compiled anew that were by something
 * else than what is now.  Says whether there may be any.
 */
bool
stash_memo_compiled_forget(void)
{
	uint64		path = path_of_now();
	HASH_SEQ_STATUS scan;
	Compiled   *entry;

	if (path == last_path && epoch == last_epoch &&
		(!any_names_columns || relations == last_relations))
		return false;
	last_path = path;
	last_epoch = epoch;
	last_relations = relations;
	hash_seq_init(&scan, compiled);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		/* one that runs would stay in memory for ever beside the new one */
		if (stash_compat_plpgsql_uses(entry->function) == 0 &&
			!is_of_now(entry, path))
			outdate(entry);
	}
	return true;
}

/* ---- the plugin ---- */

/*
 * What PL/pgSQL has filled into one plugin is for the one after it, too.
 */
void
stash_memo_compiled_hand_on(PLpgSQL_plugin *to, const PLpgSQL_plugin *from,
							PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	to->error_callback = from->error_callback;
	to->assign_expr = from->assign_expr;
	to->assign_value = from->assign_value;
	to->eval_datum = from->eval_datum;
	to->cast_value = from->cast_value;
	if (to->func_setup != NULL)
		to->func_setup(estate, function);
}

static void
set_up(PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	if (OidIsValid(function->fn_oid))
		(void) note(function);
	last_set_up = function;
	if (next != NULL)
		stash_memo_compiled_hand_on(next, &ours, estate, function);
}

/* which functions have been compiled already their memory tells */
static void
find_before(MemoryContext parent)
{
	for (MemoryContext child = parent ? parent->firstchild : NULL; child != NULL;
		 child = child->nextchild)
	{
		if (strncmp(child->name, "PL/pgSQL function", 17) == 0)
			before = lappend(before, child);
	}
}

/*
 * Take the place of the plugin; called once when the library is loaded.
 */
void
stash_memo_compiled_init(void)
{
	PLpgSQL_plugin **place = (PLpgSQL_plugin **) find_rendezvous_variable("PLpgSQL_plugin");
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(PLpgSQL_function *);
	ctl.entrysize = sizeof(Compiled);
	compiled = hash_create("pg_hashstash functions in PL/pgSQL", 64, &ctl,
						   HASH_ELEM | HASH_BLOBS);
	find_before(TopMemoryContext);
	/* from 18 on */
	find_before(CacheMemoryContext);
	MemoryContextSwitchTo(old);
	stash_catalog_listen(forget_relation);
	next = *place;
	if (next != NULL)
		ours = *next;
	ours.func_setup = set_up;
	*place = &ours;
}
