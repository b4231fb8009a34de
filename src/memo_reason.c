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

#include "miscadmin.h"
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

static char *
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name != NULL ? (char *) quote_identifier(name) : psprintf("%u", role);
}

/* one word for each, for the counters, and what it means */
static const struct
{
	const char *name;
	const char *text;
}			reasons[STASH_MEMO_REASONS] = {

	[STASH_MEMO_FINE] = {"fine",
	"nothing stands in the way"},
	[STASH_MEMO_DISABLED] = {"disabled",
	"pg_hashstash.enabled is off"},
	[STASH_MEMO_OFF] = {"off",
	"pg_hashstash.memo is off"},
	[STASH_MEMO_OTHER_VERSION] = {"other_version",
	"the library that this session has loaded is of another version than the extension: run ALTER EXTENSION pg_hashstash UPDATE, or begin a new session"},
	[STASH_MEMO_VOLATILE] = {"volatile",
	"the target is VOLATILE: declare it STABLE, or memoize it with volatile => true"},
	[STASH_MEMO_RESTRICTED] = {"restricted",
	"the call runs inside a security-restricted operation, such as a refresh or an index build: there nothing is remembered"},
	[STASH_MEMO_NO_STASH] = {"no_stash",
	"the function names no stash: results are kept in the session's memory only"},
	[STASH_MEMO_STASH_MISSING] = {"stash_missing",
	"the stash does not exist: memoize the function again"},
	[STASH_MEMO_STASH_FOREIGN] = {"stash_foreign",
	"the stash does not belong to the owner of the function: give both one owner"},
	[STASH_MEMO_STASH_ALTERED] = {"stash_altered",
	"the stash is not, or no longer, a plain table of stash.entry with one index on key_hash: undo what was added to it"},
	[STASH_MEMO_STASH_LOCKED] = {"stash_locked",
	"another session has locked the stash: calls compute until it is done"},
	[STASH_MEMO_READONLY_MODE] = {"readonly_mode",
	"pg_hashstash.memo is readonly"},
	[STASH_MEMO_READ_ONLY] = {"read_only",
	"the transaction is read-only"},
	[STASH_MEMO_RECOVERY] = {"recovery",
	"the server is in recovery"},
	[STASH_MEMO_SERIALIZABLE] = {"serializable",
	"the transaction is serializable: reading or writing the stash could make it fail"},
	[STASH_MEMO_PARALLEL] = {"parallel",
	"the call runs in a parallel query: declare the function PARALLEL RESTRICTED or UNSAFE where its answers are to be kept"},
	[STASH_MEMO_TEMPORARY] = {"temporary",
	"the session has temporary tables, which may stand before others: results are kept in its memory only"},
	[STASH_MEMO_NO_SNAPSHOT] = {"no_snapshot",
	"the call runs without a snapshot, or while a transaction of the server has more than 64 subtransactions, be it this one: end that"},
	[STASH_MEMO_TOO_LARGE] = {"too_large",
	"the result is too large to be kept, see max_bytes, which is 64 MB at most but for sets; or the arguments are, which may have 128 MB: see hash => 'sampled'"},
	[STASH_MEMO_UNTRACKED] = {"untracked",
	"the target read what can change without a word: track it with stash.track(), or memoize with a ttl"},
	[STASH_MEMO_CHANGED_HERE] = {"changed_here",
	"this transaction has changed what the target read: answers are kept again in the next one"},
	[STASH_MEMO_SIDE_EFFECTS] = {"side_effects",
	"the target wrote, or locked rows, which a remembered answer would not do"},
	[STASH_MEMO_UTILITY] = {"utility",
	"the target ran a command that is no query: leave that to the caller"},
	[STASH_MEMO_SESSION] = {"session",
	"the target asked for the time, the session, the catalogs, files, other sessions or chance: hand it in as an argument, or memoize with a ttl"},
	[STASH_MEMO_VIEW] = {"view",
	"it is a view, or has a policy, that asks for the time or the database: memoize with a ttl"},
	[STASH_MEMO_SETTING] = {"setting",
	"the target asked for a setting: name those that it asks for with vary"},
	[STASH_MEMO_EXPIRES] = {"expires",
	"the target read an entry that expires: memoize with a ttl"},
	[STASH_MEMO_ROW_SECURITY] = {"row_security",
	"row security applied to what the target read, and roles share its answers: memoize with share => 'role'"},
	[STASH_MEMO_NESTED_TTL] = {"nested_ttl",
	"the target used an answer that may be as old as a ttl allows: memoize with a ttl, too"},
	[STASH_MEMO_CHANGED] = {"changed",
	"what the answer was read from has changed"},
	[STASH_MEMO_ANYTHING] = {"anything",
	"a type, an operator, a cast, a collation, a schema, an extension or a subscription has changed, on which any answer may depend, or the event trigger that tells of that is or was switched off"},
	[STASH_MEMO_REDEFINED] = {"redefined",
	"a definition or a right has changed of what the answer was read from"},
	[STASH_MEMO_FUNCTION_CHANGED] = {"function_changed",
	"a function that the target calls has changed"},
	[STASH_MEMO_NEWER] = {"newer",
	"the answer is newer than what this transaction sees: a new one will use it"},
	[STASH_MEMO_BEING_COMMITTED] = {"being_committed",
	"another session is just committing a change of what the answer was read from: call again"},
	[STASH_MEMO_OTHER_SERVER] = {"other_server",
	"the answer carries no proof of this server, from which it was not computed: it is computed anew"},
	[STASH_MEMO_NAMESAKE] = {"namesake",
	"another relation of this name was made or changed, which may be found instead"},
	[STASH_MEMO_FUNCTION_NAMESAKE] = {"function_namesake",
	"another function of this name was made or changed, which may be called instead"},
	[STASH_MEMO_SERVER_NAMESAKE] = {"server_namesake",
	"a function that bears the name of one of the server was made or changed, or a right to one of these"},
	[STASH_MEMO_OLD_PLANS] = {"old_plans",
	"this session's plans, or a function in PL/pgSQL, were made when a name may have meant something else: call again"},
	[STASH_MEMO_RELATIVE_TIME] = {"relative_time",
	"a text becomes a date or a time, and may be a word such as 'today': cast a variable or an argument, which is looked at, read it with to_date() or to_timestamp(), vouch for it with volatile => true, or memoize with a ttl"},
	[STASH_MEMO_CURSOR] = {"cursor",
	"the target used a cursor that was opened outside of it, or left one open: have it open and close its own"},
	[STASH_MEMO_LANGUAGE] = {"language",
	"the function is not IMMUTABLE, and of a language in which what it asks for is not seen: name settings with vary, vouch for it with volatile => true, or memoize with a ttl"},
	[STASH_MEMO_MISSING] = {"missing",
	"the target went on after an error that something is not there or not allowed, or about the session, which may be otherwise: have it not ask for that, or memoize with a ttl"},
	[STASH_MEMO_COLLATION] = {"collation",
	"the order of a collation that the target uses has another version"},
	[STASH_MEMO_NO_COLUMNS] = {"no_columns",
	"the caller does not say which columns the records have: call the function in FROM, with a column list"},
	[STASH_MEMO_NOT_WRITTEN] = {"not_written",
	"the result could not be written into the stash"},
	[STASH_MEMO_INTERRUPTED] = {"interrupted",
	"the target went on after a timeout, a cancel, a limit or a lock that it could not get: such an answer is not kept"},
	[STASH_MEMO_ROLE] = {"role",
	"the owner of a view or of a SECURITY DEFINER function, by whose rights the target read or ran, has other rights or another name now"},
	[STASH_MEMO_OBJECTS] = {"objects",
	"the result names tables, functions, roles or the like, as regclass does, and the names may be those of others later: return oid, or text"},
	[STASH_MEMO_NOT_ALLOWED] = {"not_allowed",
	"the options that the memo has now do not allow an answer so old, or of that kind, or the role may not execute what the target called: it is computed anew"},
	[STASH_MEMO_CHEAP] = {"cheap",
	"computing the answer took less than min_cost: memoize with a lower one"}
};

/*
 * The name of a reason, for stash.stat_memo_reasons.
 */
const char *
stash_memo_reason_name(StashMemoReason reason)
{
	return reasons[reason].name;
}

/*
 * What a reason means, for stash.explain() and stash.stat_memo_reasons.
 */
const char *
stash_memo_reason_text(StashMemoReason reason)
{
	return reasons[reason].text;
}

/*
 * A reason and the relation, function or role to blame, for stash.explain().
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
		case STASH_MEMO_LANGUAGE:
		case STASH_MEMO_NESTED_TTL:
		case STASH_MEMO_FUNCTION_CHANGED:
		case STASH_MEMO_FUNCTION_NAMESAKE:
			if (!OidIsValid(culprit))
				return pstrdup(text);
			return psprintf("%s: %s", function_name(culprit), text);
		case STASH_MEMO_ROLE:
			return psprintf("%s: %s", role_name(culprit), text);
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
