/*-------------------------------------------------------------------------
 *
 * track.c
 *	  Tracked tables: what the catalogs say of one, and its triggers.
 *
 * A table, its partitions or heirs, and all above them are one tree: a write
 * that names one may change what the others hold.  Changes are noted under
 * the topmost, so a reader asks for the topmost of all that it reads.
 *
 * Everything is read from the catalogs without locks: whatever is written
 * there after an answer's snapshot makes the answer stale anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "hash.h"
#include "spi.h"
#include "track.h"

PG_FUNCTION_INFO_V1(pg_hashstash_track);
PG_FUNCTION_INFO_V1(pg_hashstash_untrack);
PG_FUNCTION_INFO_V1(pg_hashstash_track_problem);

static HTAB *states;			/* relid to StashTrackState */
static MemoryContext states_context;

/*
 * What a problem means, for stash.explain() and stash.track_problem().
 */
const char *
stash_track_problem_text(StashTrackProblem problem)
{
	switch (problem)
	{
		case STASH_TRACK_FINE:
			return "its changes are known";
		case STASH_TRACK_GONE:
			return "it does not exist";
		case STASH_TRACK_CATALOG:
			return "it belongs to the server, which changes it without triggers";
		case STASH_TRACK_FOREIGN:
			return "it is a foreign table, which others change elsewhere";
		case STASH_TRACK_TEMPORARY:
			return "it is temporary";
		case STASH_TRACK_UNLOGGED:
			return "it is unlogged, and a crash empties it without a word: ALTER TABLE ... SET LOGGED";
		case STASH_TRACK_KIND:
			return "it is no table";
		case STASH_TRACK_UNTRACKED:
			return "it is not tracked: its owner can run stash.track()";
		case STASH_TRACK_SUBSCRIBED:
			return "a subscription feeds it, and stash.track() was run before that: run it again";
	}
	return "unknown";
}

/* ---- reading the catalogs ---- */

/* what is done with each row that a catalog has for a relation */
typedef void (*RowReader) (HeapTuple tuple, TupleDesc desc, void *arg);

static void
read_rows(StashTrackState *state, Oid catalog, Oid index, AttrNumber column,
		  Oid relid, RowReader reader, void *arg)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		stash_track_see_scanned(&state->rows, tuple);
		if (reader != NULL)
			reader(tuple, RelationGetDescr(rel), arg);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static void
add_parent(HeapTuple tuple, TupleDesc desc, void *arg)
{
	List	  **parents = arg;

	*parents = lappend_oid(*parents,
						   ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
}

/* add a relation and all above it to '*members', the topmost to '*roots' */
static void
climb(StashTrackState *state, Oid relid, List **members, List **roots)
{
	List	   *parents = NIL;
	ListCell   *cell;

	check_stack_depth();
	*members = list_append_unique_oid(*members, relid);
	read_rows(state, InheritsRelationId, InheritsRelidSeqnoIndexId,
			  Anum_pg_inherits_inhrelid, relid, add_parent, &parents);
	if (parents == NIL)
		*roots = list_append_unique_oid(*roots, relid);
	foreach(cell, parents)
		climb(state, lfirst_oid(cell), members, roots);
}

/* which of a relation's triggers are ours, and fire always */
typedef struct OurTriggers
{
	Oid			function;
	bool		has_before;
	bool		has_after;
	bool		has_row;
} OurTriggers;

static void
read_trigger(HeapTuple tuple, TupleDesc desc, void *arg)
{
	const int16 dml = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
	TRIGGER_TYPE_DELETE;
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	OurTriggers *ours = arg;

	if (form->tgfoid != ours->function ||
		form->tgenabled != TRIGGER_FIRES_ALWAYS || form->tgattr.dim1 != 0 ||
		(form->tgtype & dml) != dml ||
		!heap_attisnull(tuple, Anum_pg_trigger_tgqual, desc))
		return;
	if (TRIGGER_FOR_ROW(form->tgtype))
		ours->has_row |= TRIGGER_FOR_AFTER(form->tgtype);
	else if (TRIGGER_FOR_TRUNCATE(form->tgtype))
	{
		ours->has_before |= TRIGGER_FOR_BEFORE(form->tgtype);
		ours->has_after |= TRIGGER_FOR_AFTER(form->tgtype);
	}
}

static void
find_triggers(StashTrackState *state, Oid relid, OurTriggers *ours)
{
	memset(ours, 0, sizeof(OurTriggers));
	ours->function = stash_catalog_note_function();
	read_rows(state, TriggerRelationId, TriggerRelidNameIndexId,
			  Anum_pg_trigger_tgrelid, relid, read_trigger, ours);
}

static void
count_row(HeapTuple tuple, TupleDesc desc, void *arg)
{
	(*(int *) arg)++;
}

static bool
is_subscribed(StashTrackState *state, Oid relid)
{
	int			n = 0;

	read_rows(state, SubscriptionRelRelationId,
			  SubscriptionRelSrrelidSrsubidIndexId,
			  Anum_pg_subscription_rel_srrelid, relid, count_row, &n);
	return n > 0;
}

/* whether a relation of the tree has all the triggers that it needs */
static StashTrackProblem
check_triggers(StashTrackState *state, Oid relid, char relkind,
			   bool is_subscribed)
{
	OurTriggers ours;

	find_triggers(state, relid, &ours);
	if (!ours.has_before || !ours.has_after)
		return STASH_TRACK_UNTRACKED;
	if (is_subscribed && relkind == RELKIND_RELATION && !ours.has_row)
		return STASH_TRACK_SUBSCRIBED;
	return STASH_TRACK_FINE;
}

/* what a relation is; '*relkind' is 0 when it has no content of its own kind */
static StashTrackProblem
check_kind(StashTrackState *state, Oid relid, char *relkind)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	StashTrackProblem problem = STASH_TRACK_FINE;
	Oid			nsp;

	*relkind = 0;
	if (!HeapTupleIsValid(tuple))
		return STASH_TRACK_GONE;
	stash_track_see_cached(&state->rows, tuple);
	form = (Form_pg_class) GETSTRUCT(tuple);
	*relkind = form->relkind;
	if (form->relkind == RELKIND_FOREIGN_TABLE)
		problem = STASH_TRACK_FOREIGN;
	else if (IsCatalogRelationOid(relid) || IsToastNamespace(form->relnamespace))
		problem = STASH_TRACK_CATALOG;
	else if (form->relpersistence == RELPERSISTENCE_TEMP)
		problem = STASH_TRACK_TEMPORARY;
	else if (form->relpersistence == RELPERSISTENCE_UNLOGGED)
		problem = STASH_TRACK_UNLOGGED;
	else if (form->relkind != RELKIND_RELATION &&
			 form->relkind != RELKIND_PARTITIONED_TABLE &&
			 form->relkind != RELKIND_VIEW && form->relkind != RELKIND_MATVIEW)
		problem = STASH_TRACK_KIND;
	if (relid == state->relid)
		state->has_row_security = form->relrowsecurity;
	nsp = form->relnamespace;
	ReleaseSysCache(tuple);
	/* the right to look into its schema */
	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(nsp));
	if (HeapTupleIsValid(tuple))
	{
		stash_track_see_cached(&state->rows, tuple);
		ReleaseSysCache(tuple);
	}
	return problem;
}

static void
set_problem(StashTrackState *state, StashTrackProblem problem, Oid culprit)
{
	if (state->problem != STASH_TRACK_FINE || problem == STASH_TRACK_FINE)
		return;
	state->problem = problem;
	state->culprit = culprit;
}

/* a tree of tables: its members, where changes are noted, its triggers */
static void
read_tree(StashTrackState *state, List **members, List **roots)
{
	List	   *below = find_all_inheritors(state->relid, NoLock, NULL);
	bool		subscribed = false;
	char		relkind;
	ListCell   *cell;

	foreach(cell, below)
		climb(state, lfirst_oid(cell), members, roots);
	foreach(cell, *members)
		subscribed = is_subscribed(state, lfirst_oid(cell)) || subscribed;
	foreach(cell, *members)
	{
		Oid			relid = lfirst_oid(cell);

		set_problem(state, check_kind(state, relid, &relkind), relid);
		set_problem(state, check_triggers(state, relid, relkind, subscribed),
					relid);
	}
}

/* the policies of a relation */
typedef struct Policies
{
	List	   *oids;
	bool		ask_for_time;	/* one does, to say which rows are seen */
	bool		ask_for_session;	/* one may, who began it */
} Policies;

static void
read_policy(HeapTuple tuple, TupleDesc desc, void *arg)
{
	Policies   *policies = arg;
	bool		isnull;
	Datum		condition = heap_getattr(tuple, Anum_pg_policy_polqual, desc,
										 &isnull);

	policies->oids = lappend_oid(policies->oids,
								 ((Form_pg_policy) GETSTRUCT(tuple))->oid);
	if (isnull)
		return;
	if (stash_catalog_asks_for_time(TextDatumGetCString(condition)))
		policies->ask_for_time = true;
	if (stash_catalog_asks_for_session(TextDatumGetCString(condition)))
		policies->ask_for_session = true;
}

static int
copy_oids(Oid *to, List *oids)
{
	int			n = 0;
	ListCell   *cell;

	foreach(cell, oids)
		to[n++] = lfirst_oid(cell);
	return n;
}

/* one block: members, roots, own */
static void
keep_oids(StashTrackState *state, List *members, List *roots, List *own)
{
	state->members = MemoryContextAlloc(states_context, sizeof(Oid) *
										(list_length(members) +
										 list_length(roots) +
										 list_length(own)));
	state->nmembers = copy_oids(state->members, members);
	state->roots = state->members + state->nmembers;
	state->nroots = copy_oids(state->roots, roots);
	state->own = state->roots + state->nroots;
	state->nown = copy_oids(state->own, own);
}

static uint64
digest_oids(List *oids, uint64 seed)
{
	Oid		   *array = palloc(sizeof(Oid) * Max(list_length(oids), 1));
	int			n = copy_oids(array, oids);

	return stash_hash_bytes64(array, sizeof(Oid) * n, seed);
}

static void
see_column(HeapTuple tuple, TupleDesc desc, void *arg)
{
	stash_track_see_cached(arg, tuple);
}

static void
read_rule(HeapTuple tuple, TupleDesc desc, void *arg)
{
	StashTrackState *state = arg;
	bool		isnull;
	Datum		action = heap_getattr(tuple, Anum_pg_rewrite_ev_action, desc,
									  &isnull);

	if (!isnull &&
		stash_catalog_asks_for_time(TextDatumGetCString(action)))
		state->asks_for_time = true;
}

static void
build_state(StashTrackState *state)
{
	List	   *members = NIL;
	List	   *roots = NIL;
	List	   *own = NIL;
	List	   *above = NIL;
	List	   *primary_key = NIL;
	Policies	policies = {0};
	char		relkind;
	Oid			constraint = InvalidOid;

	memset(&state->rows, 0, sizeof(state->rows));
	memset(&state->columns, 0, sizeof(state->columns));
	state->asks_for_time = false;
	state->problem = check_kind(state, state->relid, &relkind);
	state->culprit = state->relid;
	if (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE)
	{
		climb(state, state->relid, &above, &own);
		read_tree(state, &members, &roots);
		/* without it GROUP BY it does not do for other columns */
		bms_free(get_primary_key_attnos(state->relid, false, &constraint));
	}
	if (OidIsValid(constraint))
		primary_key = list_make1_oid(constraint);
	members = list_append_unique_oid(members, state->relid);
	read_rows(state, AttributeRelationId, AttributeRelidNumIndexId,
			  Anum_pg_attribute_attrelid, state->relid, see_column,
			  &state->columns);
	read_rows(state, PolicyRelationId, PolicyPolrelidPolnameIndexId,
			  Anum_pg_policy_polrelid, state->relid, read_policy, &policies);
	read_rows(state, RewriteRelationId, RewriteRelRulenameIndexId,
			  Anum_pg_rewrite_ev_class, state->relid,
			  relkind == RELKIND_VIEW ? read_rule : NULL, state);

	list_sort(members, list_oid_cmp);
	list_sort(policies.oids, list_oid_cmp);
	state->digest = digest_oids(policies.oids,
								digest_oids(members, state->rows.digest));
	state->digest = digest_oids(primary_key, state->digest);
	if (state->has_row_security && policies.ask_for_time)
		state->asks_for_time = true;
	state->asks_for_session = policies.ask_for_session;
	keep_oids(state, members, roots, own);
}

/* ---- life of a state ---- */

static void
forget_relation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	StashTrackState *state;

	hash_seq_init(&scan, states);
	while ((state = hash_seq_search(&scan)) != NULL)
	{
		bool		is_member = !OidIsValid(relid) || state->relid == relid;

		for (int i = 0; !is_member && state->is_valid && i < state->nmembers; i++)
			is_member = state->members[i] == relid;
		if (is_member)
			state->is_valid = false;
	}
}

/* schemas, whose rights count, and subscriptions */
static void
forget_all(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_relation(arg, InvalidOid);
}

/* event triggers are no part of a state, but of what is proved: that word came is counted */
static void
heard(Datum arg, int cacheid, uint32 hashvalue)
{
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_track_init(void)
{
	HASHCTL		ctl = {0};

	states_context = AllocSetContextCreate(TopMemoryContext,
										   "pg_hashstash tracked tables",
										   ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(StashTrackState);
	ctl.hcxt = states_context;
	states = hash_create("pg_hashstash tracked tables", 32, &ctl,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	stash_catalog_listen(forget_relation);
	stash_catalog_listen_cache(SUBSCRIPTIONRELMAP, forget_all);
	stash_catalog_listen_cache(NAMESPACEOID, forget_all);
	stash_catalog_listen_cache(EVENTTRIGGEROID, heard);
	stash_track_note_init();
}

/*
 * Have the catalogs read again when a relation is asked for next: they may say who
 * has yet to tell of a change.
 */
void
stash_track_look_anew(Oid relid)
{
	StashTrackState *state = hash_search(states, &relid, HASH_FIND, NULL);

	if (state != NULL)
		state->is_valid = false;
}

/*
 * What is known of a relation.  Good until the same is asked for again.
 */
const StashTrackState *
stash_track_state(Oid relid)
{
	static StashTrackState *recent; /* none ever goes */
	StashTrackState *state;
	MemoryContext work;
	MemoryContext old;
	uint64		before;

	if (recent != NULL && recent->relid == relid && recent->is_valid)
		return recent;
	state = hash_search(states, &relid, HASH_FIND, NULL);
	recent = state;
	if (state != NULL && state->is_valid)
		return state;
	if (state == NULL)
	{
		state = hash_search(states, &relid, HASH_ENTER, NULL);
		memset((char *) state + sizeof(Oid), 0,
			   sizeof(StashTrackState) - sizeof(Oid));
	}
	work = AllocSetContextCreate(CurrentMemoryContext,
								 "pg_hashstash reading catalogs",
								 ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(work);
	do
	{
		/* what changes while it is read is read again */
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(work);
		if (state->members != NULL)
			pfree(state->members);
		state->members = NULL;
		state->nmembers = 0;
		before = stash_catalog_news();
		build_state(state);
	} while (before != stash_catalog_news());
	state->is_valid = !state->rows.is_untold;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return state;
}

/* ---- SQL ---- */

static const char *const trigger_names[] = {
	"stash_track_before", "stash_track_after", "stash_track_row"
};

static void
drop_triggers(Oid relid)
{
	for (int i = 0; i < lengthof(trigger_names); i++)
	{
		if (OidIsValid(get_trigger_oid(relid, trigger_names[i], true)))
			stash_spi_run(psprintf("DROP TRIGGER %s ON %s", trigger_names[i],
								   stash_catalog_relation_name(relid)));
	}
}

static void
create_triggers(Oid relid, OurTriggers *ours, bool wants_row)
{
	char	   *name = stash_catalog_relation_name(relid);
	static const char *const events[] = {
		"BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT",
		"AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT",
		"AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW"
	};
	bool		wanted[] = {!ours->has_before, !ours->has_after,
	wants_row && !ours->has_row};

	for (int i = 0; i < lengthof(trigger_names); i++)
	{
		StringInfoData sql;

		if (!wanted[i])
			continue;
		initStringInfo(&sql);
		/* one that was switched off makes place for one that was not */
		appendStringInfo(&sql, "CREATE OR REPLACE TRIGGER %s ", trigger_names[i]);
		appendStringInfo(&sql, events[i], name);
		appendStringInfoString(&sql, " EXECUTE FUNCTION stash.note_change()");
		stash_spi_run(sql.data);
		stash_spi_run(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
							   name, trigger_names[i]));
	}
}

static void
check_may_track(Oid relid, const StashTrackState *state)
{
	char		relkind = get_rel_relkind(relid);

	if (!OidIsValid(get_rel_namespace(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (!stash_compat_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relkind),
					   get_rel_name(relid));
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", get_rel_name(relid)),
				 errhint("Track the tables that it reads.")));
	if (state->problem != STASH_TRACK_FINE &&
		state->problem != STASH_TRACK_UNTRACKED &&
		state->problem != STASH_TRACK_SUBSCRIBED)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be tracked", get_rel_name(relid)),
				 errdetail("Relation \"%s\": %s.", get_rel_name(state->culprit),
						   stash_track_problem_text(state->problem))));
}

/*
 * stash.track(rel regclass) returns int4
 *
 * Args:    rel  a table; its partitions or heirs and all above them come along
 * Returns: the number of tables that lacked a trigger
 * Errors:  42501 not the owner of all, 42809 no table, or one that cannot be
 *          tracked
 * Strict, volatile, parallel unsafe.
 */
Datum
pg_hashstash_track(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const StashTrackState *state = stash_track_state(relid);
	StashTrackState ignored = {0};
	int			nmembers = state->nmembers;
	Oid		   *members = palloc(sizeof(Oid) * nmembers);
	bool		subscribed = false;
	int			n = 0;

	check_may_track(relid, state);
	memcpy(members, state->members, sizeof(Oid) * nmembers);
	for (int i = 0; i < nmembers; i++)
		subscribed = is_subscribed(&ignored, members[i]) || subscribed;
	for (int i = 0; i < nmembers; i++)
	{
		OurTriggers ours;
		bool		wants_row = subscribed &&
		get_rel_relkind(members[i]) == RELKIND_RELATION;

		find_triggers(&ignored, members[i], &ours);
		if (ours.has_before && ours.has_after && (ours.has_row || !wants_row))
			continue;
		create_triggers(members[i], &ours, wants_row);
		n++;
	}
	PG_RETURN_INT32(n);
}

/*
 * stash.untrack(rel regclass) returns int4
 *
 * Args:    rel  a table; its partitions or heirs come along
 * Returns: the number of tables that had triggers which fire always
 * Errors:  42501 not the owner of all, 42809 no table.
 * Strict, volatile, parallel unsafe.
 */
Datum
pg_hashstash_untrack(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	List	   *below;
	ListCell   *cell;
	int			n = 0;

	check_may_track(relid, stash_track_state(relid));
	below = find_all_inheritors(relid, NoLock, NULL);
	foreach(cell, below)
	{
		StashTrackState ignored = {0};
		OurTriggers ours;

		find_triggers(&ignored, lfirst_oid(cell), &ours);
		if (!ours.has_before && !ours.has_after && !ours.has_row)
			continue;
		drop_triggers(lfirst_oid(cell));
		n++;
	}
	PG_RETURN_INT32(n);
}

/*
 * stash.track_problem(rel regclass) returns text
 *
 * Returns: why changes of the relation are not known; NULL where they are
 * Strict, stable, parallel restricted.
 */
Datum
pg_hashstash_track_problem(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const StashTrackState *state = stash_track_state(relid);
	const char *text;

	if (state->problem == STASH_TRACK_FINE)
		PG_RETURN_NULL();
	text = stash_track_problem_text(state->problem);
	if (state->culprit != relid)
		text = psprintf("relation \"%s\": %s", get_rel_name(state->culprit), text);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}
