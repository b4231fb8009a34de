/*-------------------------------------------------------------------------
 *
 * track_note.c
 *	  Changes of tracked tables: the triggers that note them, and the notes.
 *
 * The trigger before a statement marks the table as being changed by this
 * transaction, so that nothing remembered of it is used from then on; the one
 * after it notes the transaction in stash.change, once for each topmost table,
 * unless nothing was changed.  Marks and notes go with the subtransaction
 * that made them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "track.h"
#include "track_change.h"

#define PRUNE_EVERY		256		/* transactions that note something */
#define PRUNE_ALL_EVERY (1024 * PRUNE_EVERY)
#define PRUNE_ROWS		4096	/* looked at in one go; far more than are
								 * likely */

PG_FUNCTION_INFO_V1(pg_hashstash_note_change);
PG_FUNCTION_INFO_V1(pg_hashstash_note_definition);
PG_FUNCTION_INFO_V1(pg_hashstash_note_lost);
PG_FUNCTION_INFO_V1(pg_hashstash_prune_changes);

/* What this transaction does to a topmost table. */
typedef struct Note
{
	Oid			root;			/* 0: any table */
	SubTransactionId marked;	/* in which it was changed, or may be; 0: none */
	SubTransactionId written;	/* in which that was noted; 0: not yet */
	int			running;		/* statements that have begun and not ended */
} Note;

static Note *notes;				/* of this transaction, in no order */
static int	nnotes;
static int	maxnotes;			/* for which there is room */
static uint64 marks;			/* counts what changed_here() depends on */

/* ---- marks ---- */

/* the note of a table; NULL: it has none */
static Note *
find_note(Oid root)
{
	for (int i = nnotes - 1; i >= 0; i--)
		if (notes[i].root == root)
			return &notes[i];
	return NULL;
}

/* the same, made if it is missing; it is there until another one is made */
static Note *
make_note(Oid root)
{
	Note	   *note = find_note(root);

	if (note != NULL)
		return note;
	if (nnotes == maxnotes)
	{
		notes = repalloc(notes, sizeof(Note) * maxnotes * 2);
		maxnotes *= 2;
	}
	note = &notes[nnotes++];
	note->root = root;
	note->marked = InvalidSubTransactionId;
	note->written = InvalidSubTransactionId;
	note->running = 0;
	marks++;
	return note;
}

/*
 * A number that changes with what this transaction is known to change.
 */
uint64
stash_track_marks(void)
{
	return marks;
}

/*
 * Whether this transaction has changed what any query may depend on.
 */
bool
stash_track_anything_here(void)
{
	return nnotes > 0 && find_note(InvalidOid) != NULL;
}

/*
 * Whether this transaction has changed, or is changing, what a relation holds.
 */
bool
stash_track_changed_here(const StashTrackState *state)
{
	/* what its leader has changed a worker does not know */
	if (IsParallelWorker())
		return FullTransactionIdIsValid(GetTopFullTransactionIdIfAny());
	if (nnotes == 0)
		return false;
	for (int i = 0; i < state->nroots; i++)
	{
		Note	   *note = find_note(state->roots[i]);

		if (note != NULL && note->marked != InvalidSubTransactionId)
			return true;
	}
	return stash_track_anything_here();
}

/* the last one takes its place */
static void
forget_note(Note *note)
{
	*note = notes[--nnotes];
	marks++;
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (nnotes == 0 || (event != XACT_EVENT_COMMIT &&
						event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE))
		return;
	if (event == XACT_EVENT_COMMIT)
		stash_change_committed();
	nnotes = 0;
	marks++;
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subid,
				   SubTransactionId parent, void *arg)
{
	SubTransactionId heir;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	heir = event == SUBXACT_EVENT_COMMIT_SUB ? parent : InvalidSubTransactionId;
	for (int i = nnotes - 1; i >= 0; i--)
	{
		Note	   *note = &notes[i];

		if (note->marked == subid)
			note->marked = heir;
		if (note->written == subid)
			note->written = heir;
		if (note->marked == InvalidSubTransactionId)
			forget_note(note);
	}
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_track_note_init(void)
{
	maxnotes = 8;
	notes = MemoryContextAlloc(TopMemoryContext, sizeof(Note) * maxnotes);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}

/* ---- the change log ---- */

/* a change that prune() has found */
typedef struct Found
{
	ItemPointerData tid;
	FullTransactionId xid;
} Found;

/*
 * Find notes of a table that are older than any running transaction, in
 * 'direction': PRUNE_ROWS at most, backward down to the one that stands for
 * all before it.  Returns how many.
 *
 * Forward meets everything that was deleted and not vacuumed yet, backward
 * nothing of that.
 */
static int
find_old(Found *found, Relation change, Oid root, ScanDirection direction)
{
	StashChangeScan scan;
	int			nfound = 0;

	stash_change_begin(&scan, change, root, FirstNormalFullTransactionId,
					   stash_track_widen(GetActiveSnapshot()->xmin),
					   direction, GetActiveSnapshot());
	while (nfound < PRUNE_ROWS && stash_change_next(&scan))
	{
		found[nfound].tid = scan.tid;
		found[nfound++].xid = scan.xid;
		if (ScanDirectionIsBackward(direction) && scan.is_pruned)
			break;
	}
	stash_change_end(&scan);
	return nfound;
}

/*
 * Delete old notes of a table but the newest of them, which then stands for
 * all.  Returns how many went.
 *
 * Without 'all' it looks down to where this was done the last time only.  What
 * is left below by transactions that were long, or by two who did it at the
 * same time, waits for a call with it.
 *
 * An answer whose snapshot did not see all transactions before that newest
 * one counts as stale.  Whoever still sees what is deleted here does not see
 * the one that takes its place, and the other way round.
 */
static int64
prune(Relation change, Oid root, bool all)
{
	Found	   *found = palloc(sizeof(Found) * PRUNE_ROWS);
	int			nfound = 0;
	int			newest = 0;
	int64		deleted = 0;

	/*
	 * That of the statement may be older than what this transaction has
	 * pruned since, and to delete that again would be an error.
	 */
	PushActiveSnapshot(GetLatestSnapshot());
	if (!all)
		nfound = find_old(found, change, root, BackwardScanDirection);
	/* the oldest go first, or those below would stay */
	if (all || nfound == PRUNE_ROWS)
	{
		nfound = find_old(found, change, root, ForwardScanDirection);
		newest = nfound - 1;
	}
	if (nfound > 1)
		stash_change_insert(change, root, found[newest].xid, true);
	for (int i = 0; nfound > 1 && i < nfound; i++)
	{
		TM_FailureData failure;

		/* what another session deletes is its business */
		if (stash_compat_tuple_delete(change, &found[i].tid,
									  GetCurrentCommandId(true),
									  GetActiveSnapshot(), &failure) == TM_Ok)
			deleted++;
	}
	PopActiveSnapshot();
	pfree(found);
	return deleted;
}

static void
write_note(Note *note)
{
	FullTransactionId xid = GetTopFullTransactionId();

	/* by chance: sessions may be short, and others take transactions, too */
	uint32		chance = murmurhash32(XidFromFullTransactionId(xid));
	Relation	change;

	if (note->written != InvalidSubTransactionId)
		return;
	change = table_open(stash_catalog_change_relation(), RowExclusiveLock);
	if (!OidIsValid(note->root) ||
		!stash_change_overwrite(change, note->root, xid))
		stash_change_insert(change, note->root, xid, false);
	/* deleting could fail at higher levels of isolation */
	if (OidIsValid(note->root) && chance % PRUNE_EVERY == 0 &&
		!IsolationUsesXactSnapshot() && ActiveSnapshotSet())
	{
		(void) prune(change, note->root, chance % PRUNE_ALL_EVERY == 0);
		/* it is written often */
		stash_change_make_slots(change, note->root, xid, GetActiveSnapshot());
	}
	table_close(change, NoLock);
	note->written = GetCurrentSubTransactionId();
}

/* ---- the triggers ---- */

/*
 * Whether this transaction may have changed rows of a table.  The server
 * counts them as it does so; where it does not count, or other tables may
 * have been written, too, the answer is yes.
 *
 * The counters are found by the table's OID where the server has learned of
 * the table anew since: they were made for what it knew before.
 */
static bool
may_have_changed(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relhassubclass ||
		!pgstat_track_counts || !pgstat_should_count_relation(rel))
		return true;
	for (PgStat_TableXactStatus *level = rel->pgstat_info->trans; level != NULL;
		 level = level->upper)
	{
		if (level->tuples_inserted + level->tuples_updated +
			level->tuples_deleted > 0 || level->truncdropped)
			return true;
	}
	return false;
}

/*
 * stash.note_change() returns trigger
 *
 * Errors: 39P01 when called otherwise.
 */
Datum
pg_hashstash_note_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const StashTrackState *state;
	bool		is_after;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("stash.note_change() can only be called as a trigger"),
				 errhint("Use stash.track().")));
	state = stash_track_state(RelationGetRelid(trigger->tg_relation));
	is_after = TRIGGER_FIRED_AFTER(trigger->tg_event);
	for (int i = 0; i < state->nown; i++)
	{
		Note	   *note = make_note(state->own[i]);

		if (note->marked == InvalidSubTransactionId)
			note->marked = GetCurrentSubTransactionId();
		if (!is_after)
		{
			note->running++;
			continue;
		}
		if (note->running > 0 && TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
			note->running--;
		if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) ||
			TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
			may_have_changed(trigger->tg_relation))
			write_note(note);
		else if (state->nmembers == 1 && note->running == 0 &&
				 note->written == InvalidSubTransactionId)
			forget_note(note);
	}
	PG_RETURN_POINTER(NULL);
}

/*
 * Whether a type that is no relation's bears a name, in whatever schema: one
 * of a relation is mostly named by those who read it, and found by that.
 */
static bool
is_type_name(const char *name)
{
	CatCList   *list = SearchSysCacheList1(TYPENAMENSP, CStringGetDatum(name));
	bool		found = false;

	for (int i = 0; !found && i < list->n_members; i++)
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(&list->members[i]->tuple);

		found = !OidIsValid(form->typrelid) ||
			get_rel_relkind(form->typrelid) == RELKIND_COMPOSITE_TYPE;
	}
	ReleaseSysCacheList(list);
	return found;
}

/* the same of relations that were dropped, for their row types */
static bool
is_dropped_type_name(const DropStmt *drop)
{
	ListCell   *cell;

	foreach(cell, drop->objects)
	{
		if (is_type_name(strVal(llast(lfirst_node(List, cell)))))
			return true;
	}
	return false;
}

static bool
is_relation(ObjectType type)
{
	return type == OBJECT_TABLE || type == OBJECT_VIEW ||
		type == OBJECT_MATVIEW || type == OBJECT_FOREIGN_TABLE;
}

static bool
is_function(ObjectType type)
{
	return type == OBJECT_FUNCTION || type == OBJECT_AGGREGATE ||
		type == OBJECT_ROUTINE || type == OBJECT_PROCEDURE;
}

/*
 * Whether a function that is made may be meant where nobody calls one: f(x) is
 * a column of x, or a cast, while there is no function that takes x alone.
 */
static bool
may_be_meant(const CreateFunctionStmt *create)
{
	ListCell   *cell;

	if (create->is_procedure)
		return false;
	if (is_type_name(strVal(llast(create->funcname))))
		return true;
	foreach(cell, create->parameters)
	{
		const FunctionParameter *parameter = lfirst(cell);
		Oid			type = LookupTypeNameOid(NULL, parameter->argType, true);

		if (OidIsValid(type) && (type_is_rowtype(getBaseType(type)) ||
								 IsPolymorphicType(type)))
			return true;
	}
	return false;
}

/*
 * Whether a command may change what a query means.
 *
 * Rights to tables and functions stand in their catalog rows, which are read;
 * those to schemas decide what is found by a name, whatever it is.  So do
 * relations for their row types, where another type bears the name.
 */
static bool
changes_meaning(Node *command)
{
	switch (nodeTag(command))
	{
		case T_GrantStmt:
			return ((GrantStmt *) command)->objtype == OBJECT_SCHEMA;
		case T_AlterTableStmt:
			return !is_relation(((AlterTableStmt *) command)->objtype);
		case T_CreateStmt:
			return is_type_name(((CreateStmt *) command)->relation->relname);
		case T_CreateForeignTableStmt:
			return is_type_name(((CreateForeignTableStmt *) command)->base.relation->relname);
		case T_CreateTableAsStmt:
			return is_type_name(((CreateTableAsStmt *) command)->into->rel->relname);
		case T_ViewStmt:
			return is_type_name(((ViewStmt *) command)->view->relname);
		case T_CreateFunctionStmt:
			return may_be_meant((CreateFunctionStmt *) command);
			/* what is there counts by its row */
		case T_AlterFunctionStmt:
			return false;
		case T_AlterOwnerStmt:
			return !is_function(((AlterOwnerStmt *) command)->objectType);
		case T_CreateSchemaStmt:
			return ((CreateSchemaStmt *) command)->schemaElts != NIL;
		case T_DropStmt:
			/* with what was made of them, such as operators */
			if (is_function(((DropStmt *) command)->removeType))
				return ((DropStmt *) command)->behavior == DROP_CASCADE;
			return !is_relation(((DropStmt *) command)->removeType) ||
				is_dropped_type_name((DropStmt *) command);
		case T_RenameStmt:
			if (((RenameStmt *) command)->renameType == OBJECT_COLUMN ||
				((RenameStmt *) command)->renameType == OBJECT_TABCONSTRAINT)
				return false;
			return !is_relation(((RenameStmt *) command)->renameType) ||
				is_type_name(((RenameStmt *) command)->newname) ||
				is_type_name(((RenameStmt *) command)->relation->relname);
		case T_AlterObjectSchemaStmt:
			return !is_relation(((AlterObjectSchemaStmt *) command)->objectType) ||
				is_type_name(((AlterObjectSchemaStmt *) command)->relation->relname);
		default:
			return true;
	}
}

/* note that anything may have changed */
static void
note_anything(void)
{
	Note	   *note = make_note(InvalidOid);

	note->marked = GetCurrentSubTransactionId();
	write_note(note);
}

/*
 * stash.note_definition() returns event_trigger
 *
 * Errors: 39P03 when called otherwise.
 */
Datum
pg_hashstash_note_definition(PG_FUNCTION_ARGS)
{
	Node	   *command;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("stash.note_definition() can only be called as an event trigger")));
	command = ((EventTriggerData *) fcinfo->context)->parsetree;
	if (!changes_meaning(command))
		PG_RETURN_VOID();
	/* it may be ours: then sessions see whether their library still fits */
	if (IsA(command, AlterExtensionStmt))
		CacheInvalidateCatalog(ProcedureRelationId);
	note_anything();
	PG_RETURN_VOID();
}

/*
 * stash.note_lost() returns trigger
 *
 * Of the log itself: somebody else than we has taken notes away.  What they told
 * nobody knows, so anything may have changed.
 *
 * Errors: 39P01 when called otherwise.
 */
Datum
pg_hashstash_note_lost(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("stash.note_lost() can only be called as a trigger")));
	/* what this transaction noted before may be what was taken away */
	make_note(InvalidOid)->written = InvalidSubTransactionId;
	note_anything();
	PG_RETURN_POINTER(NULL);
}

/*
 * stash.prune_changes() returns int8
 *
 * Returns: the number of notes deleted
 * Errors:  25006 in a read-only transaction or in recovery
 * Strict, volatile, parallel unsafe.
 */
Datum
pg_hashstash_prune_changes(PG_FUNCTION_ARGS)
{
	Relation	change;
	Oid			root = InvalidOid;
	int64		deleted = 0;

	PreventCommandIfReadOnly("stash.prune_changes()");
	PreventCommandIfParallelMode("stash.prune_changes()");
	change = table_open(stash_catalog_change_relation(), RowExclusiveLock);
	deleted += prune(change, InvalidOid, true);
	while (OidIsValid(root = stash_change_root_after(change, root,
													 GetActiveSnapshot())))
	{
		CHECK_FOR_INTERRUPTS();
		deleted += prune(change, root, true);
	}
	table_close(change, NoLock);
	PG_RETURN_INT64(deleted);
}
