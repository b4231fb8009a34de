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
 * So before a target runs whose answer may be kept all plans are forgotten
 * that may be of before.  What changes while it runs makes its answer stale.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "memo.h"

/* plans were made under other settings than those that are kept */
static bool is_mixed;

/* what may change any query, and this sees, all plans know; NULL: who knows */
static StashTrackSnapshot *known;

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
	if (known != NULL && !is_mixed)
		is_mixed = !stash_memo_settings_are_kept();
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
	if (known != NULL && !has_news && !is_mixed &&
		stash_memo_settings_are_kept())
		return snapshot;
	if (has_news)
		stash_memo_plpgsql_recompile();
	ResetPlanCache();
	know(snapshot);
	stash_memo_settings_keep();
	is_mixed = false;
	return snapshot;
}
