/*-------------------------------------------------------------------------
 *
 * memo_function.c
 *	  Whether a function by itself keeps answers from being remembered.
 *
 * The server's functions are known by their names, those of users by their
 * language and by words of their bodies.
 *
 * Here is also known which functions of users the server calls by way of types,
 * of which no hook tells, and which it may have put into plans.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
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
	"current_schema", "current_schemas",
	"system_user"
};

/* the same of those that read texts, which may be words such as 'today' */
static const char *const reading_functions[] = {
	"date_in", "time_in", "timetz_in", "timestamp_in", "timestamptz_in",
	"array_in", "record_in", "range_in", "multirange_in", "domain_in"
};

/* the same of those that make JSON of values of any type */
static const char *const json_functions[] = {
	"to_json", "to_jsonb", "row_to_json", "array_to_json",
	"json_build_", "jsonb_build_", "json_agg", "json_agg_", "jsonb_agg", "jsonb_agg_",
	"json_object_agg", "json_object_agg_", "jsonb_object_agg", "jsonb_object_agg_"
};

/* whether the name of a function is one of those, or begins so */
static bool
is_named(Oid function, const char *const *names, int n)
{
	char	   *name = get_func_name(function);
	bool		found = false;

	for (int i = 0; !found && i < n; i++)
	{
		const char *begin = names[i];
		Size		len = strlen(begin);

		found = strncmp(name, begin, len) == 0 &&
			(begin[len - 1] == '_' || name[len] == '\0' ||
			 strcmp(begin, "to_reg") == 0);
	}
	pfree(name);
	return found;
}

/* the same of those that do something, which nobody may leave out */
static const char *const acting_functions[] = {
	"nextval", "setval", "set_config", "setseed", "lo_", "lowrite",
	"pg_notify", "pg_advisory_", "pg_try_advisory_", "pg_cancel_", "pg_terminate_",
	"pg_reload_", "pg_rotate_", "pg_switch_", "pg_promote", "pg_create_", "pg_drop_",
	"pg_copy_", "pg_replication_", "pg_logical_", "pg_wal_replay_", "pg_export_",
	"pg_import_", "pg_log_", "pg_backup_", "pg_stat_reset", "pg_stat_reset_",
	"pg_stat_clear_", "pg_stat_force_", "pg_sync_", "brin_", "gin_clean_"
};

/*
 * Whether a function of the server reads a value out of a text, and what it is
 * depends on more than the text.
 */
bool
stash_memo_reads_text(Oid function)
{
	return function < FirstNormalObjectId &&
		func_volatile(function) == PROVOLATILE_STABLE &&
		is_named(function, reading_functions, lengthof(reading_functions));
}

static bool
depends_on_session(Oid function)
{
	/* which zone a time of day has is said by the day */
	if (function == F_TIMETZ_TIME || function == F_TIMEZONE_TEXT_TIMETZ)
		return true;
	switch (func_volatile(function))
	{
		case PROVOLATILE_VOLATILE:
			return true;
		case PROVOLATILE_IMMUTABLE:
			return false;
		default:
			return stash_memo_reads_text(function) ||
				is_named(function, session_functions,
						 lengthof(session_functions));
	}
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

/* functions of users that are called by way of types */
typedef struct FunctionList
{
	bool		is_read;
	List	   *oids;			/* in TopMemoryContext */
} FunctionList;

static FunctionList comparers;
static FunctionList json_casts;
static FunctionList casts;

/* a function in SQL that may have been put into a plan in place of its call */
typedef struct Inlined
{
	uint32		hash;			/* must be first; as plans have it */
	Oid			function;		/* 0: more than one */
} Inlined;

static HTAB *inlined;			/* NULL: not read yet */

static void
forget_functions(Datum arg, int cacheid, uint32 hashvalue)
{
	if (inlined != NULL)
		hash_destroy(inlined);
	inlined = NULL;
	memset(functions_known, 0, sizeof(functions_known));
	comparers.is_read = false;
	json_casts.is_read = false;
	casts.is_read = false;
	function_changes++;
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_memo_function_init(void)
{
	stash_catalog_listen_cache(PROCOID, forget_functions);
	stash_catalog_listen_cache(AMPROCNUM, forget_functions);
	stash_catalog_listen_cache(AMOPOPID, forget_functions);
	stash_catalog_listen_cache(CASTSOURCETARGET, forget_functions);
}

/*
 * A target is about to run: the server has conditions of domains with functions
 * in them, as they were when it read these.  Where any has changed, it reads
 * them anew.
 */
void
stash_memo_read_domains_anew(void)
{
	static uint64 read_at;

	if (read_at != function_changes)
		CallSyscacheCallbacks(CONSTROID, 0);
	read_at = function_changes;
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

/* whether an aggregate begins with a text such as 'now' */
static bool
begins_now(Oid aggregate)
{
	static const AttrNumber values[] = {
		Anum_pg_aggregate_agginitval, Anum_pg_aggregate_aggminitval
	};
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	bool		found = false;

	if (!HeapTupleIsValid(tuple))
		return true;
	for (int i = 0; i < lengthof(values) && !found; i++)
	{
		Form_pg_aggregate form = (Form_pg_aggregate) GETSTRUCT(tuple);
		bool		isnull;
		Datum		value = SysCacheGetAttr(AGGFNOID, tuple, values[i], &isnull);

		found = !isnull &&
			stash_memo_is_relative(i == 0 ? form->aggtranstype : form->aggmtranstype,
								   TextDatumGetCString(value));
	}
	ReleaseSysCache(tuple);
	return found;
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
	if (reason == STASH_MEMO_FINE &&
		((Form_pg_proc) GETSTRUCT(tuple))->prokind == PROKIND_AGGREGATE &&
		begins_now(function))
		reason = STASH_MEMO_RELATIVE_TIME;
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
	if (func_volatile(function) == PROVOLATILE_VOLATILE &&
		is_named(function, acting_functions, lengthof(acting_functions)))
		return STASH_MEMO_SIDE_EFFECTS;
	return depends_on_session(function) ? STASH_MEMO_SESSION : STASH_MEMO_FINE;
}

/*
 * Whether a function of users may fill a row of any type with what it reads of
 * texts, as hstore's do; ours tell of each.
 */
bool
stash_memo_fills_rows(Oid function)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	bool		isnull;
	Datum		source;
	bool		fills;

	if (function < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	fills = form->prolang == ClanguageId && IsPolymorphicType(form->prorettype) &&
		strncmp(TextDatumGetCString(source), OURS, strlen(OURS)) != 0;
	ReleaseSysCache(tuple);
	return fills;
}

/* ---- functions that are put in place of their calls ---- */

static HTAB *
read_inlined(void)
{
	HASHCTL		ctl = {0};
	HTAB	   *table;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	ctl.keysize = sizeof(uint32);
	ctl.entrysize = sizeof(Inlined);
	table = hash_create("pg_hashstash functions in SQL", 64, &ctl,
						HASH_ELEM | HASH_BLOBS);
	rel = table_open(ProcedureRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
		uint32		hash;
		Inlined    *entry;
		bool		found;

		if (form->prolang != SQLlanguageId || form->oid < FirstNormalObjectId)
			continue;
		hash = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(form->oid));
		entry = hash_search(table, &hash, HASH_ENTER, &found);
		entry->function = found ? InvalidOid : form->oid;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	return table;
}

/*
 * The function of a user, in SQL, that has this hash among what makes a plan
 * invalid; 0 where it may be one of several.  False for none.
 */
bool
stash_memo_find_inlined(uint32 hash, Oid *function)
{
	Inlined    *entry;

	if (inlined == NULL)
	{
		HTAB	   *table = read_inlined();

		/* reading may have let in news, which would have found nothing */
		inlined = table;
	}
	entry = hash_search(inlined, &hash, HASH_FIND, NULL);
	if (entry != NULL)
		*function = entry->function;
	return entry != NULL;
}

/* ---- functions that are called by way of types ---- */

/* the function that a row of a catalog names, if it counts, or 0 */
typedef Oid (*FunctionOfRow) (HeapTuple tuple);

/* of users, and not in PL/pgSQL, which tells by itself what runs */
static bool
is_unseen(Oid function, Oid *language)
{
	if (function < FirstNormalObjectId)
		return false;
	*language = GetSysCacheOid1(PROCOID, Anum_pg_proc_prolang,
								ObjectIdGetDatum(function));
	return *language != get_language_oid("plpgsql", true);
}

static Oid
function_of_json_cast(HeapTuple tuple)
{
	Form_pg_cast form = (Form_pg_cast) GETSTRUCT(tuple);
	Oid			language;

	return form->casttarget == JSONOID && is_unseen(form->castfunc, &language) ?
		form->castfunc : InvalidOid;
}

/* those in C do not change without the files of their extension */
static Oid
unless_compiled(Oid function)
{
	Oid			language;

	return is_unseen(function, &language) && language != ClanguageId &&
		language != INTERNALlanguageId ? function : InvalidOid;
}

static Oid
function_of_class(HeapTuple tuple)
{
	return unless_compiled(((Form_pg_amproc) GETSTRUCT(tuple))->amproc);
}

static Oid
function_of_operator(HeapTuple tuple)
{
	Oid			operator = ((Form_pg_amop) GETSTRUCT(tuple))->amopopr;

	return operator < FirstNormalObjectId ? InvalidOid :
		unless_compiled(get_opcode(operator));
}

static Oid
function_of_cast(HeapTuple tuple)
{
	Oid			function = ((Form_pg_cast) GETSTRUCT(tuple))->castfunc;
	Oid			language;

	if (function < FirstNormalObjectId)
		return InvalidOid;
	language = GetSysCacheOid1(PROCOID, Anum_pg_proc_prolang,
							   ObjectIdGetDatum(function));
	return language != ClanguageId && language != INTERNALlanguageId ? function :
		InvalidOid;
}

/* add to a list what a catalog has of users */
static void
read_catalog(FunctionList *list, Oid catalog, FunctionOfRow function_of)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			function = function_of(tuple);
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		if (OidIsValid(function))
			list->oids = list_append_unique_oid(list->oids, function);
		MemoryContextSwitchTo(old);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* where the functions of a list come from */
typedef struct FunctionSource
{
	Oid			catalog;
	FunctionOfRow function_of;
} FunctionSource;

/* the functions of a list, which are read when the catalogs have changed */
static const List *
functions_of(FunctionList *list, const FunctionSource *sources, int n)
{
	uint64		before = function_changes;

	if (list->is_read)
		return list->oids;
	list_free(list->oids);
	list->oids = NIL;
	for (int i = 0; i < n; i++)
		read_catalog(list, sources[i].catalog, sources[i].function_of);
	/* reading may have let in news */
	list->is_read = before == function_changes;
	return list->oids;
}

/*
 * The functions of users by which the server may compare values, unless they
 * are seen when they do: those of operator classes.  The list is good until the
 * catalogs change.
 */
const List *
stash_memo_comparers(void)
{
	static const FunctionSource sources[] = {
		{AccessMethodProcedureRelationId, function_of_class},
		{AccessMethodOperatorRelationId, function_of_operator}
	};

	return functions_of(&comparers, sources, lengthof(sources));
}

/*
 * Whether a function of the server makes JSON of values of any type: those of
 * users by their casts to json.  Servers of 2026 tell a hook of these, older
 * minor versions nobody.
 */
bool
stash_memo_makes_json(Oid function)
{
	return func_volatile(function) == PROVOLATILE_STABLE &&
		is_named(function, json_functions, lengthof(json_functions));
}

/*
 * The functions of such casts, unless they are seen when they run.  The list is
 * good until the catalogs change.
 */
const List *
stash_memo_json_casts(void)
{
	static const FunctionSource source = {CastRelationId, function_of_json_cast};

	return functions_of(&json_casts, &source, 1);
}

/*
 * Whether there are casts by functions of users that may ask for the session, or
 * read: those that are not in C.
 */
bool
stash_memo_has_casts(void)
{
	static const FunctionSource source = {CastRelationId, function_of_cast};

	return functions_of(&casts, &source, 1) != NIL;
}
