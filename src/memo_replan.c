/*-------------------------------------------------------------------------
 *
 * memo_replan.c
 *	  Plans of this session that are too old for an answer.
 *
 * A literal becomes a constant when a session prepares a statement, by the
 * settings of then, and a cast or an operator is found then, by what there is.
 * The server goes on to use that when a setting has another value, or another
 * cast has come: planning again does not parse again.  The key of a call has
 * the settings of now, though, and a proof what is visible now.
 *
 * And what was prepared of plans it uses to the end of the transaction, with the
 * rights of who did so, and with functions in SQL and policies as they were.
 *
 * So before a target runs whose answer may be kept all plans are forgotten
 * that may be of before, with functions that PL/pgSQL has compiled, and what the
 * server keeps of domains.  What changes while it runs makes its answer stale.
 *
 * What a transaction changes and rolls back nothing tells of afterwards, but the
 * messages by which this session forgets it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"
#include "memo_setting.h"

/* plans were made under other settings than those that are kept */
static bool is_mixed;

/* there are domains that targets use and whose conditions call functions of users */
static bool uses_conditions;

/* what this session had heard when plans were forgotten */
static uint64 functions_known;
static uint64 roles_known;

/* what may change any query, and this sees, all plans know; NULL: who knows */
static StashTrackSnapshot *known;

/* a transaction, or a part of one, was rolled back or prepared */
static bool was_undone;
static uint64 news_before;		/* of catalogs: what it did comes later */

static void
end_transaction(XactEvent event, void *arg)
{
	if (was_undone || (event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE))
		return;
	was_undone = true;
	news_before = stash_catalog_news();
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subid,
				   SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		end_transaction(XACT_EVENT_ABORT, arg);
}

/* operators and text search are looked up by names only when queries are parsed */
static void
forget_nothing(Datum arg, int cacheid, uint32 hashvalue)
{
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_memo_replan_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
	stash_catalog_listen_cache(OPEROID, forget_nothing);
	stash_catalog_listen_cache(TSCONFIGOID, forget_nothing);
	stash_catalog_listen_cache(TSDICTOID, forget_nothing);
}

/* whether catalogs may have been changed, and that undone, since we asked last */
static bool
has_undone(void)
{
	bool		undone = was_undone && stash_catalog_news() != news_before;

	was_undone = false;
	return undone;
}

static void
know(const StashTrackSnapshot *snapshot)
{
	Size		size = STASH_TRACK_SNAPSHOT_SIZE(snapshot->nxip);
	StashTrackSnapshot *copy = MemoryContextAlloc(TopMemoryContext, size);

	memcpy(copy, snapshot, size);
	if (known != NULL)
		pfree(known);
	known = copy;
}

/*
 * A query is planned, mostly right after it was parsed; called for each.
 */
void
stash_memo_replan_note(void)
{
	stash_memo_compiled_prepared();
	if (known != NULL && !is_mixed)
		is_mixed = !stash_memo_settings_are_kept();
}

static void
forget_conditions(void)
{
	CallSyscacheCallbacks(CONSTROID, 0);
}

/*
 * A target that runs has a domain whose conditions call functions of users.  The
 * server keeps them as they were made ready first, by whatever user, path and
 * settings; from now on that is when a target begins, or within it.
 */
void
stash_memo_replan_conditions(void)
{
	if (uses_conditions)
		return;
	uses_conditions = true;
	forget_conditions();
	if (stash_memo_compiled_ran_otherwise())
		stash_memo_trace_reason(STASH_MEMO_OLD_PLANS, InvalidOid);
}

/*
 * Whether something that a plan may have was changed by a transaction after plans
 * were forgotten.  If so, they are when the next target begins.
 */
bool
stash_memo_replan_is_news(FullTransactionId changed)
{
	bool		is_news = known == NULL || !stash_track_sees(known, changed);

	is_mixed |= is_news;
	return is_news;
}

/* who runs a target; what a SECURITY DEFINER function calls is not asked for */
static Oid
user_of_now(void)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	return context & SECURITY_LOCAL_USERID_CHANGE ? stash_memo_compiled_user() : user;
}

/* whether what was prepared may be so for another user, or of other functions */
static bool
is_prepared_otherwise(void)
{
	return functions_known != stash_memo_function_news ||
		roles_known != stash_memo_roles_generation() ||
		stash_memo_compiled_user() != user_of_now();
}

/* a target around goes on with other plans than it began with */
static void
forget_plans(const StashTrackSnapshot *snapshot)
{
	stash_memo_trace_reason(STASH_MEMO_OLD_PLANS, InvalidOid);
	forget_conditions();
	ResetPlanCache();
	know(snapshot);
	stash_memo_settings_keep();
	is_mixed = false;
	functions_known = stash_memo_function_news;
	roles_known = stash_memo_roles_generation();
	stash_memo_compiled_planned_anew(user_of_now());
}

/* whether casts or conditions that were made ready otherwise may be used */
static bool
is_ready_otherwise(void)
{
	return stash_memo_compiled_ran_otherwise() &&
		(uses_conditions || stash_memo_has_casts());
}

/*
 * A target is about to run whose answer is to be kept, or compared: forget plans
 * that may be too old for what the active snapshot sees.
 *
 * Returns a copy of that snapshot, NULL where it is of no use.  '*untold': it
 * sees what this session has yet to hear of; '*unwatched': nobody tells of such
 * things.
 */
StashTrackSnapshot *
stash_memo_replan(bool *untold, bool *unwatched)
{
	StashTrackSnapshot *snapshot = stash_track_snapshot(GetActiveSnapshot());
	bool		has_news = stash_track_anything_changed(known, untold);

	*unwatched = false;
	/* it has looked no further */
	if (has_news && !*untold)
		*unwatched = stash_track_anything_changed(NULL, untold);
	/* then nothing is kept */
	if (*untold || *unwatched || snapshot == NULL)
		return snapshot;
	/* what is computed after news of our own counts as stale for all */
	has_news = has_news && !stash_track_anything_here();
	if (has_undone() || has_news || known == NULL)
	{
		stash_memo_compiled_outdate();
		has_news = true;
	}
	if (stash_memo_compiled_forget() || has_news || is_mixed ||
		!stash_memo_settings_are_kept() || is_prepared_otherwise() ||
		is_ready_otherwise())
		forget_plans(snapshot);
	else if (uses_conditions)
		forget_conditions();
	return snapshot;
}
