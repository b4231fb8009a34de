/*-------------------------------------------------------------------------
 *
 * memo_reason.c
 *	  Why a call was computed, or its answer not kept, in words.
 *
 * Each StashMemoReason has one text, for stash.explain(), the counters and the
 * documentation alike; it says what to do where something can be done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"

static char *
function_name(Oid function)
{
	if (!SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(function)))
		return psprintf("%u", function);
	return format_procedure_extended(function, FORMAT_PROC_FORCE_QUALIFY);
}

/* one word for each, for the counters */
static const char *const names[STASH_MEMO_REASONS] = {
	[STASH_MEMO_FINE] = "fine",
	[STASH_MEMO_DISABLED] = "disabled",
	[STASH_MEMO_OFF] = "off",
	[STASH_MEMO_VOLATILE] = "volatile",
	[STASH_MEMO_RESTRICTED] = "restricted",
	[STASH_MEMO_NO_STASH] = "no_stash",
	[STASH_MEMO_STASH_MISSING] = "stash_missing",
	[STASH_MEMO_STASH_FOREIGN] = "stash_foreign",
	[STASH_MEMO_STASH_ALTERED] = "stash_altered",
	[STASH_MEMO_STASH_LOCKED] = "stash_locked",
	[STASH_MEMO_READONLY_MODE] = "readonly_mode",
	[STASH_MEMO_READ_ONLY] = "read_only",
	[STASH_MEMO_RECOVERY] = "recovery",
	[STASH_MEMO_SERIALIZABLE] = "serializable",
	[STASH_MEMO_PARALLEL] = "parallel",
	[STASH_MEMO_TEMPORARY] = "temporary",
	[STASH_MEMO_NO_SNAPSHOT] = "no_snapshot",
	[STASH_MEMO_TOO_LARGE] = "too_large",
	[STASH_MEMO_UNTRACKED] = "untracked",
	[STASH_MEMO_CHANGED_HERE] = "changed_here",
	[STASH_MEMO_SIDE_EFFECTS] = "side_effects",
	[STASH_MEMO_UTILITY] = "utility",
	[STASH_MEMO_SESSION] = "session",
	[STASH_MEMO_VIEW] = "view",
	[STASH_MEMO_SETTING] = "setting",
	[STASH_MEMO_EXPIRES] = "expires",
	[STASH_MEMO_ROW_SECURITY] = "row_security",
	[STASH_MEMO_NESTED_TTL] = "nested_ttl",
	[STASH_MEMO_CHANGED] = "changed",
	[STASH_MEMO_ANYTHING] = "anything",
	[STASH_MEMO_REDEFINED] = "redefined",
	[STASH_MEMO_FUNCTION_CHANGED] = "function_changed",
	[STASH_MEMO_NEWER] = "newer",
	[STASH_MEMO_BEING_COMMITTED] = "being_committed",
	[STASH_MEMO_OTHER_SERVER] = "other_server",
	[STASH_MEMO_OTHER_VERSION] = "other_version",
	[STASH_MEMO_NAMESAKE] = "namesake",
	[STASH_MEMO_FUNCTION_NAMESAKE] = "function_namesake",
	[STASH_MEMO_SERVER_NAMESAKE] = "server_namesake",
	[STASH_MEMO_OLD_PLANS] = "old_plans",
	[STASH_MEMO_RELATIVE_TIME] = "relative_time",
	[STASH_MEMO_CURSOR] = "cursor",
	[STASH_MEMO_NO_COLUMNS] = "no_columns",
	[STASH_MEMO_NOT_WRITTEN] = "not_written",
	[STASH_MEMO_CHEAP] = "cheap"
};

/*
 * The name of a reason, for stash.stat_memo_reasons.
 */
const char *
stash_memo_reason_name(StashMemoReason reason)
{
	return names[reason];
}

/*
 * What a reason means, for stash.explain() and stash.stat_memo_reasons.
 */
const char *
stash_memo_reason_text(StashMemoReason reason)
{
	switch (reason)
	{
		case STASH_MEMO_FINE:
			return "nothing stands in the way";
		case STASH_MEMO_DISABLED:
			return "pg_hashstash.enabled is off";
		case STASH_MEMO_OFF:
			return "pg_hashstash.memo is off";
		case STASH_MEMO_OTHER_VERSION:
			return "the library that this session has loaded is of another version than the extension: run ALTER EXTENSION pg_hashstash UPDATE, or begin a new session";
		case STASH_MEMO_VOLATILE:
			return "the target is VOLATILE: declare it STABLE, or memoize it with volatile => true";
		case STASH_MEMO_RESTRICTED:
			return "the call runs inside a security-restricted operation, such as a refresh or an index build: there nothing is remembered";
		case STASH_MEMO_NO_STASH:
			return "the function names no stash: results are kept in the session's memory only";
		case STASH_MEMO_STASH_MISSING:
			return "the stash does not exist: memoize the function again";
		case STASH_MEMO_STASH_FOREIGN:
			return "the stash does not belong to the owner of the function: give both one owner";
		case STASH_MEMO_STASH_ALTERED:
			return "the stash is not, or no longer, a plain table of stash.entry with one index on key_hash: undo what was added to it";
		case STASH_MEMO_STASH_LOCKED:
			return "another session has locked the stash: calls compute until it is done";
		case STASH_MEMO_READONLY_MODE:
			return "pg_hashstash.memo is readonly";
		case STASH_MEMO_READ_ONLY:
			return "the transaction is read-only";
		case STASH_MEMO_RECOVERY:
			return "the server is in recovery";
		case STASH_MEMO_SERIALIZABLE:
			return "the transaction is serializable: reading or writing the stash could make it fail";
		case STASH_MEMO_PARALLEL:
			return "the call runs in a parallel query: declare the function PARALLEL RESTRICTED or UNSAFE where its answers are to be kept";
		case STASH_MEMO_TEMPORARY:
			return "the session has temporary tables, which may stand before others: results are kept in its memory only";
		case STASH_MEMO_NO_SNAPSHOT:
			return "the call runs without a snapshot, or in a transaction with too many subtransactions: begin a new one";
		case STASH_MEMO_TOO_LARGE:
			return "the result is too large to be kept: see max_bytes, which is 64 MB at most but for sets";
		case STASH_MEMO_NOT_WRITTEN:
			return "the result could not be written into the stash";
		case STASH_MEMO_UNTRACKED:
			return "the target read what can change without a word: track it with stash.track(), or memoize with a ttl";
		case STASH_MEMO_CHANGED_HERE:
			return "this transaction has changed what the target read: answers are kept again in the next one";
		case STASH_MEMO_SIDE_EFFECTS:
			return "the target wrote, or locked rows, which a remembered answer would not do";
		case STASH_MEMO_UTILITY:
			return "the target ran a command that is no query: leave that to the caller";
		case STASH_MEMO_SESSION:
			return "the target asked for the time, the session, the catalogs or chance: hand it in as an argument, or memoize with a ttl";
		case STASH_MEMO_RELATIVE_TIME:
			return "an argument is a text such as 'today', which may become a date: hand in the date, or memoize with a ttl";
		case STASH_MEMO_CURSOR:
			return "the target used a cursor that was opened outside of it, or left one open: have it open and close its own";
		case STASH_MEMO_VIEW:
			return "it is a view, or has a policy, that asks for the time or the database: memoize with a ttl";
		case STASH_MEMO_SETTING:
			return "the target asked for a setting: name those that it asks for with vary";
		case STASH_MEMO_EXPIRES:
			return "the target read an entry that expires: memoize with a ttl";
		case STASH_MEMO_ROW_SECURITY:
			return "row security applied to what the target read, and roles share its answers: memoize with share => 'role'";
		case STASH_MEMO_NO_COLUMNS:
			return "the caller does not say which columns the records have: call the function in FROM, with a column list";
		case STASH_MEMO_CHEAP:
			return "computing the answer took less than min_cost: memoize with a lower one";
		case STASH_MEMO_CHANGED:
			return "what the answer was read from has changed";
		case STASH_MEMO_ANYTHING:
			return "a type, an operator, a cast, a collation, a schema, an extension or a subscription has changed, on which any answer may depend";
		case STASH_MEMO_REDEFINED:
			return "a definition or a right has changed of what the answer was read from";
		case STASH_MEMO_FUNCTION_CHANGED:
			return "a function that the target calls has changed";
		case STASH_MEMO_NAMESAKE:
			return "another relation of this name was made or changed, which may be found instead";
		case STASH_MEMO_FUNCTION_NAMESAKE:
			return "another function of this name was made or changed, which may be called instead";
		case STASH_MEMO_SERVER_NAMESAKE:
			return "a function that bears the name of one of the server was made or changed, or a right to one of these";
		case STASH_MEMO_OLD_PLANS:
			return "another relation or function of a name that was used has come, and this session's plans were older: call again";
		case STASH_MEMO_NEWER:
			return "the answer is newer than what this transaction sees: a new one will use it";
		case STASH_MEMO_BEING_COMMITTED:
			return "another session is just committing a change of what the answer was read from: call again";
		case STASH_MEMO_OTHER_SERVER:
			return "the answer carries no proof of this server, from which it was not computed: it is computed anew";
		case STASH_MEMO_NESTED_TTL:
			return "the target used an answer that may be as old as a ttl allows: memoize with a ttl, too";
	}
	return "unknown";
}

/*
 * A reason and the relation or function to blame, for stash.explain().
 */
char *
stash_memo_blame(StashMemoReason reason, Oid culprit)
{
	const char *text = stash_memo_reason_text(reason);
	const StashTrackState *state;

	switch (reason)
	{
		case STASH_MEMO_UNTRACKED:
			state = stash_track_state(culprit);
			return psprintf("%s: %s", stash_catalog_relation_name(state->culprit),
							stash_track_problem_text(state->problem));
		case STASH_MEMO_CHANGED_HERE:
		case STASH_MEMO_CHANGED:
		case STASH_MEMO_REDEFINED:
		case STASH_MEMO_BEING_COMMITTED:
		case STASH_MEMO_NAMESAKE:
		case STASH_MEMO_EXPIRES:
		case STASH_MEMO_VIEW:
			if (!OidIsValid(culprit))
				return pstrdup(text);
			return psprintf("%s: %s", stash_catalog_relation_name(culprit), text);
		case STASH_MEMO_SESSION:
		case STASH_MEMO_SETTING:
		case STASH_MEMO_NESTED_TTL:
		case STASH_MEMO_FUNCTION_CHANGED:
		case STASH_MEMO_FUNCTION_NAMESAKE:
			return psprintf("%s: %s", function_name(culprit), text);
		default:
			return pstrdup(text);
	}
}

/* ---- the last answer of each function that was not kept ---- */

typedef struct Noted
{
	Oid			function;		/* must be first */
	StashMemoReason reason;
	Oid			culprit;
} Noted;

static HTAB *noted;				/* of this session; NULL: nothing yet */

/*
 * Note whether the answer just computed is kept, and why not.
 */
void
stash_memo_note(Oid function, StashMemoReason reason, Oid culprit)
{
	Noted	   *entry;

	if (noted == NULL)
	{
		HASHCTL		ctl = {0};

		if (reason == STASH_MEMO_FINE)
			return;
		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(Noted);
		noted = hash_create("pg_hashstash answers not kept", 16, &ctl,
							HASH_ELEM | HASH_BLOBS);
	}
	if (reason == STASH_MEMO_FINE)
	{
		hash_search(noted, &function, HASH_REMOVE, NULL);
		return;
	}
	entry = hash_search(noted, &function, HASH_ENTER, NULL);
	entry->reason = reason;
	entry->culprit = culprit;
}

/*
 * Why the last answer of a function in this session was not kept;
 * STASH_MEMO_FINE when it was, or there was none.
 */
StashMemoReason
stash_memo_noted(Oid function, Oid *culprit)
{
	Noted	   *entry = NULL;

	if (noted != NULL)
		entry = hash_search(noted, &function, HASH_FIND, NULL);
	*culprit = entry ? entry->culprit : InvalidOid;
	return entry ? entry->reason : STASH_MEMO_FINE;
}
