/*-------------------------------------------------------------------------
 *
 * memo_setting.c
 *	  The settings that can change a result.
 *
 * They stand in the keys of calls; those by which a query is made of a text, and
 * planned, are kept to be compared with later ones, too: see memo_replan.c.
 * What a memo itself names as vary is apart from these.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/gin.h"
#include "catalog/pg_language.h"
#include "commands/proclang.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/xml.h"

#include "catalog.h"
#include "compat.h"
#include "memo_setting.h"

/*
 * Settings that are read through their variables' addresses.  Where there is
 * none, be it that the server is too old or that PL/pgSQL is not loaded, a
 * setting has the value that it begins with.
 */
static const struct
{
	const char *name;
	char	   *initially;
}			text_settings[] =

{
	{"search_path"}, {"lc_monetary"}, {"lc_numeric"}, {"lc_time"},
	{"default_text_search_config"}, {"timezone_abbreviations"}, {"lc_messages"},
	{"restrict_nonsystem_relation_kind", ""},
	{"plpgsql.extra_errors", "none"}
};
static const struct
{
	const char *name;
	int			initially;
}			number_settings[] =

{
	{"backslash_quote"},
	{"composite_type_mismatch"},
	{"plpgsql.check_asserts", true},
	{"plpgsql.print_strict_params", false}
};
static char *const *text_values[lengthof(text_settings)];
static StashCompatSetting number_values[lengthof(number_settings)];
static bool knows_plpgsql;		/* where its settings are */

/* the first numbers, which have variables of the server */
static const char *const number_names[] = {
	"datestyle", "dateorder", "intervalstyle", "extra_float_digits",
	"bytea_output", "xmloption", "xmlbinary", "array_nulls",
	"quote_all_identifiers", "transform_null_equals",
	"standard_conforming_strings", "row_security", "client_encoding",
	"temporary_tables", "gin_fuzzy_search_limit"
};

#define PLAN_NUMBERS	12		/* the first of them */
#define PLAN_TEXTS_FROM	1		/* all texts but the search_path */

StaticAssertDecl(lengthof(number_names) + lengthof(number_settings) == STASH_MEMO_NUMBERS,
				 "each number has a name");
StaticAssertDecl(lengthof(text_settings) == STASH_MEMO_TEXTS,
				 "each text has a place");

/* those that stash_memo_settings_keep() has kept */
static StashMemoSettings kept;

/*
 * Find the variables of settings that the server does not declare; called once
 * when the library is loaded.
 */
void
stash_memo_settings_init(void)
{
	for (int i = 0; i < lengthof(text_settings); i++)
	{
		StashCompatSetting found = stash_compat_setting(text_settings[i].name);

		text_values[i] = found.text ? found.text : &text_settings[i].initially;
	}
	for (int i = 0; i < lengthof(number_settings); i++)
	{
		number_values[i] = stash_compat_setting(number_settings[i].name);
		if (strncmp(number_settings[i].name, "plpgsql.", 8) == 0)
			knows_plpgsql = number_values[i].truth != NULL;
	}
}

/* a setting of PL/pgSQL that something has set, or that is loaded */
static bool
is_of_plpgsql(const char *name)
{
	return strncmp(name, "plpgsql.", 8) == 0 &&
		GetConfigOption(name, true, false) != NULL;
}

/*
 * A call site is built: see whether settings of PL/pgSQL can have other values
 * than they begin with.  What was set before it is loaded it has from then on.
 */
void
stash_memo_settings_find(void)
{
	bool		is_set = false;
	Oid			language;
	HeapTuple	tuple;
	FmgrInfo	handler;

	if (likely(knows_plpgsql))
		return;
	for (int i = 0; i < lengthof(text_settings); i++)
		is_set |= is_of_plpgsql(text_settings[i].name);
	for (int i = 0; i < lengthof(number_settings); i++)
		is_set |= is_of_plpgsql(number_settings[i].name);
	language = is_set ? get_language_oid("plpgsql", true) : InvalidOid;
	if (!OidIsValid(language))
		return;
	tuple = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	if (!HeapTupleIsValid(tuple))
		return;
	fmgr_info(((Form_pg_language) GETSTRUCT(tuple))->lanplcallfoid, &handler);
	ReleaseSysCache(tuple);
	stash_memo_settings_init();
}

static void
read_numbers(int *numbers)
{
	int			i = 0;

	numbers[i++] = DateStyle;
	numbers[i++] = DateOrder;
	numbers[i++] = IntervalStyle;
	numbers[i++] = extra_float_digits;
	numbers[i++] = bytea_output;
	numbers[i++] = xmloption;
	numbers[i++] = xmlbinary;
	numbers[i++] = Array_nulls;
	numbers[i++] = quote_all_identifiers;
	numbers[i++] = Transform_null_equals;
	numbers[i++] = stash_compat_conforming_strings();
	numbers[i++] = row_security;
	Assert(i == PLAN_NUMBERS);
	numbers[i++] = pg_get_client_encoding();
	numbers[i++] = stash_catalog_has_temporary();
	numbers[i++] = GinFuzzySearchLimit;
	for (int j = 0; j < lengthof(number_settings); j++)
	{
		const StashCompatSetting *setting = &number_values[j];

		numbers[i++] = setting->number ? *setting->number :
			setting->truth ? *setting->truth : number_settings[j].initially;
	}
	Assert(i == STASH_MEMO_NUMBERS);
}

static bool
settings_are(const StashMemoSettings *settings, const int *numbers, int nnumbers,
			 int texts_from)
{
	if (settings->timezone != session_timezone ||
		memcmp(settings->numbers, numbers, sizeof(int) * nnumbers) != 0)
		return false;
	for (int i = texts_from; i < lengthof(text_settings); i++)
	{
		if (strcmp(settings->texts[i], *text_values[i]) != 0)
			return false;
	}
	return true;
}

/*
 * Whether the present settings are such.  Called once a call: compares some words
 * and short strings.
 */
bool
stash_memo_settings_are(const StashMemoSettings *settings)
{
	int			numbers[STASH_MEMO_NUMBERS];

	read_numbers(numbers);
	return settings_are(settings, numbers, STASH_MEMO_NUMBERS, 0);
}

/*
 * Note the present settings in place of others; texts are allocated in 'context'.
 */
void
stash_memo_settings_note(StashMemoSettings *settings, MemoryContext context)
{
	settings->timezone = session_timezone;
	read_numbers(settings->numbers);
	for (int i = 0; i < lengthof(text_settings); i++)
	{
		char	   *old = settings->texts[i];

		settings->texts[i] = MemoryContextStrdup(context, *text_values[i]);
		if (old != NULL)
			pfree(old);
	}
}

/*
 * Append them as they stand in keys, and as stash.explain() shows them.
 */
void
stash_memo_settings_append(StringInfo out, const StashMemoSettings *settings)
{
	appendStringInfo(out, "timezone=%s",
					 pg_get_timezone_name(settings->timezone));
	for (int i = 0; i < STASH_MEMO_NUMBERS; i++)
		appendStringInfo(out, " %s=%d", i < lengthof(number_names) ? number_names[i] :
						 number_settings[i - lengthof(number_names)].name,
						 settings->numbers[i]);
	for (int i = 0; i < STASH_MEMO_TEXTS; i++)
		appendStringInfo(out, " %s=%s", text_settings[i].name,
						 quote_literal_cstr(settings->texts[i]));
}

/*
 * Keep the settings by which a query is made of a text, and planned, to compare
 * later ones with.  What else is in the environment the server's own cache of
 * plans looks after.
 */
void
stash_memo_settings_keep(void)
{
	stash_memo_settings_note(&kept, TopMemoryContext);
}

/*
 * Whether they are those that were kept; false when none were.  Called for each
 * query that is planned.
 */
bool
stash_memo_settings_are_kept(void)
{
	int			numbers[STASH_MEMO_NUMBERS];

	read_numbers(numbers);
	return settings_are(&kept, numbers, PLAN_NUMBERS, PLAN_TEXTS_FROM);
}

/*
 * The same of search_path.
 */
bool
stash_memo_path_is_kept(void)
{
	return strcmp(kept.texts[0], *text_values[0]) == 0;
}
