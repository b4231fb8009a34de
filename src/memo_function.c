/*-------------------------------------------------------------------------
 *
 * memo_function.c
 *	  Whether a function by itself keeps answers from being remembered.
 *
 * The server's functions are known by their names, those of users by their
 * language and by words of their bodies.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/proclang.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"

/*
 * Beginnings of names of the server's STABLE functions whose answers do not
 * depend on tables alone: time, settings, the connection, catalogs.
 */
static const char *const session_functions[] = {
	"now", "transaction_timestamp", "statement_timestamp", "age",
	"inet_", "txid_", "pg_", "has_", "row_security_active",
	"to_reg", "regclass", "obj_description", "col_description",
	"shobj_description", "getdatabaseencoding", "current_database", "version",
	"mxid_age", "lastval", "currval", "database_to_", "schema_to_",
	"table_to_", "query_to_", "cursor_to_", "format_type", "ts_debug",
	"date_in", "time_in", "timetz_in", "timestamp_in", "timestamptz_in",
	"array_in", "record_in", "range_in", "multirange_in", "domain_in"
};

static bool
depends_on_session(Oid function)
{
	char		volatility = func_volatile(function);
	char	   *name;
	bool		depends = false;

	if (volatility == PROVOLATILE_VOLATILE)
		return true;
	if (volatility == PROVOLATILE_IMMUTABLE)
		return false;
	name = get_func_name(function);
	for (int i = 0; !depends && i < lengthof(session_functions); i++)
	{
		const char *begin = session_functions[i];
		Size		len = strlen(begin);

		depends = strncmp(name, begin, len) == 0 &&
			(begin[len - 1] == '_' || name[len] == '\0' ||
			 strcmp(begin, "to_reg") == 0);
	}
	pfree(name);
	return depends;
}

/* words that are calls though they do not look like it */
static const char *const call_words[] = {
	"current_date", "current_time", "current_timestamp", "localtime",
	"localtimestamp", "current_catalog"
};

static bool
is_word_part(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' ||
		IS_HIGHBIT_SET(c);
}

/* functions whose bodies were read of late */
typedef struct FunctionKnown
{
	Oid			function;		/* 0: none */
	StashMemoReason reason;
} FunctionKnown;

static FunctionKnown functions_known[256];
static uint64 function_changes; /* counted */

static void
forget_functions(Datum arg, int cacheid, uint32 hashvalue)
{
	memset(functions_known, 0, sizeof(functions_known));
	function_changes++;
}

/*
 * Register the callback; called once when the library is loaded.
 */
void
stash_memo_function_init(void)
{
	CacheRegisterSyscacheCallback(PROCOID, forget_functions, (Datum) 0);
}

/*
 * What follows a word in a text, where it is first found; NULL: nowhere.
 */
const char *
stash_memo_has_word(const char *source, const char *word)
{
	Size		len = strlen(word);

	for (const char *at = source; *at != '\0'; at++)
	{
		if (pg_strncasecmp(at, word, len) == 0 &&
			(at == source || !is_word_part(at[-1])) && !is_word_part(at[len]))
			return at + len;
	}
	return NULL;
}

/* age() of one argument, which is replaced when it is planned */
static bool
asks_for_age(const char *source)
{
	while ((source = stash_memo_has_word(source, "age")) != NULL)
	{
		const char *at = source + strspn(source, " \t\r\n");
		int			depth = 0;

		if (*at != '(')
			continue;
		/* to where it ends, or the second argument begins */
		for (; *at != '\0'; at++)
		{
			if (*at == '(')
				depth++;
			else if (*at == ')' && --depth == 0)
				return true;
			else if (*at == ',' && depth == 1)
				break;
		}
	}
	return false;
}

/*
 * Whether the body of a function asks for the time or the database by a word
 * that no hook sees.  Words in comments and strings count, too: rather once
 * too often.
 */
static bool
has_call_word(HeapTuple tuple)
{
	bool		found = false;
	bool		isnull;
	Datum		datum;

	datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &isnull);
	if (!isnull)
		found = stash_catalog_asks_for_time(TextDatumGetCString(datum));
	datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	for (int i = 0; !isnull && !found && i < lengthof(call_words); i++)
		found = stash_memo_has_word(TextDatumGetCString(datum), call_words[i]) != NULL;
	if (!isnull && !found)
		found = asks_for_age(TextDatumGetCString(datum)) ||
			stash_memo_has_relative_string(TextDatumGetCString(datum));
	return found;
}

#define OURS "pg_hashstash_"

/*
 * What is known of our own functions by the beginnings of their C names.  Those
 * that are STABLE are traced and those that are VOLATILE do something, but for
 * these.
 */
static const struct
{
	const char *name;
	StashMemoReason reason;
}			our_functions[] = {

	/* they run a query, and that is seen */
	{OURS "hash_query", STASH_MEMO_FINE},
	{OURS "to_arrow", STASH_MEMO_FINE},
	{OURS "to_json", STASH_MEMO_FINE},
	/* what other sessions do for it is not seen */
	{OURS "map", STASH_MEMO_SESSION},
	/* they tell of files, statistics, what is remembered, and catalogs */
	{OURS "read_", STASH_MEMO_SESSION},
	{OURS "estimate", STASH_MEMO_SESSION},
	{OURS "profile", STASH_MEMO_SESSION},
	{OURS "running_maps", STASH_MEMO_SESSION},
	{OURS "stat_memo", STASH_MEMO_SESSION},
	{OURS "used_at", STASH_MEMO_SESSION},
	{OURS "explain", STASH_MEMO_SESSION},
	{OURS "peek", STASH_MEMO_SESSION},
	{OURS "stash_of", STASH_MEMO_SESSION},
	{OURS "track_problem", STASH_MEMO_SESSION}
};

static StashMemoReason
our_reason(const char *source, char volatility)
{
	for (int i = 0; i < lengthof(our_functions); i++)
	{
		if (strncmp(source, our_functions[i].name,
					strlen(our_functions[i].name)) == 0)
			return our_functions[i].reason;
	}
	return volatility == PROVOLATILE_VOLATILE ? STASH_MEMO_SIDE_EFFECTS :
		STASH_MEMO_FINE;
}

/*
 * Whether, and why, a function keeps, or asks for, what is not seen: those in C
 * may, and those in languages that have a memory of their own, unless they
 * promise that they do not.
 */
static StashMemoReason
unseen_reason(HeapTuple tuple)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	bool		isnull;
	char	   *source;

	if (form->provolatile == PROVOLATILE_IMMUTABLE ||
		form->prolang == SQLlanguageId ||
		form->prolang == get_language_oid("plpgsql", true) ||
		form->prolang == get_language_oid("stash", true))
		return STASH_MEMO_FINE;
	source = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple,
												 Anum_pg_proc_prosrc, &isnull));
	if (form->prolang == ClanguageId && strncmp(source, OURS, strlen(OURS)) == 0)
		return our_reason(source, form->provolatile);
	return STASH_MEMO_LANGUAGE;
}

/* why a function by itself keeps its callers' answers from being remembered */
static StashMemoReason
read_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	StashMemoReason reason;

	if (!HeapTupleIsValid(tuple))
		return STASH_MEMO_SESSION;
	reason = unseen_reason(tuple);
	if (reason == STASH_MEMO_FINE && has_call_word(tuple))
		reason = STASH_MEMO_SESSION;
	ReleaseSysCache(tuple);
	return reason;
}

/* of a user, as long as no function changes */
static StashMemoReason
known_reason(Oid function)
{
	FunctionKnown *known = &functions_known[function % lengthof(functions_known)];
	uint64		before = function_changes;
	StashMemoReason reason;

	if (known->function == function)
		return known->reason;
	reason = read_function(function);
	if (before == function_changes)
	{
		known->function = function;
		known->reason = reason;
	}
	return reason;
}

/*
 * Why a function by itself keeps answers of whoever calls it from being
 * remembered; STASH_MEMO_FINE where it does not.
 */
StashMemoReason
stash_memo_function_reason(Oid function)
{
	if (function >= FirstNormalObjectId)
		return known_reason(function);
	if (function == F_CURRENT_SETTING_TEXT ||
		function == F_CURRENT_SETTING_TEXT_BOOL)
		return STASH_MEMO_SETTING;
	return depends_on_session(function) ? STASH_MEMO_SESSION : STASH_MEMO_FINE;
}
