/*-------------------------------------------------------------------------
 *
 * memo_time.c
 *	  Texts that become dates and times, and mean another one tomorrow.
 *
 * A text such as 'today' is another date each day; a time of day with a zone,
 * where that is not said by a number, has the one of today.  Which types may
 * have such a text read is told here, and which texts are such.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "memo.h"

/* ---- types ---- */

/*
 * The columns are read without the lock that makes a descriptor of them: whoever
 * changes a type that a query does not even use is not waited for.
 */
static bool
row_has(Oid type, StashMemoTypeTest test, void *arg)
{
	Oid			relid = get_typ_typrelid(type);
	HeapTuple	tuple;
	bool		found = false;

	for (int i = 1; !found; i++)
	{
		Oid			part;

		tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(i));
		if (!HeapTupleIsValid(tuple))
			break;
		/* 0 where it is dropped */
		part = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid;
		ReleaseSysCache(tuple);
		found = OidIsValid(part) && stash_memo_type_has(part, test, arg);
	}
	return found;
}

/*
 * Whether a test says so of a type, of what a domain is over, or of what an
 * array, range or row is made of.
 */
bool
stash_memo_type_has(Oid type, StashMemoTypeTest test, void *arg)
{
	Oid			base;
	Oid			part;

	check_stack_depth();
	if (test(type, arg))
		return true;
	base = getBaseType(type);
	if (base != type && test(base, arg))
		return true;
	part = get_element_type(base);
	if (!OidIsValid(part))
		part = get_range_subtype(base);
	if (!OidIsValid(part))
		part = get_multirange_range(base);
	if (OidIsValid(part))
		return stash_memo_type_has(part, test, arg);
	return get_typtype(base) == TYPTYPE_COMPOSITE && row_has(base, test, arg);
}

/* a time, or a user's type that is read by what may ask for it */
static bool
is_time(Oid type, void *arg)
{
	Oid			input;
	Oid			param;

	switch (type)
	{
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			break;
	}
	if (type < FirstNormalObjectId || get_typtype(type) != TYPTYPE_BASE)
		return false;
	getTypeInputInfo(type, &input, &param);
	return input >= FirstNormalObjectId &&
		func_volatile(input) != PROVOLATILE_IMMUTABLE;
}

/*
 * Whether a text that is read as a value of a type may be read as a date or a
 * time, as a whole or in part.
 */
bool
stash_memo_holds_time(Oid type)
{
	return stash_memo_type_has(type, is_time, NULL);
}

static bool
is_zoned(Oid type, void *arg)
{
	return type == TIMETZOID;
}

/*
 * Whether it may be read as a time of day with a zone.
 */
bool
stash_memo_holds_zone(Oid type)
{
	return stash_memo_type_has(type, is_zoned, NULL);
}

/*
 * Whether values of a type may be, or have in them, words such as 'today'.
 */
bool
stash_memo_holds_words(Oid type)
{
	Oid			element = get_element_type(getBaseType(type));
	char		category;
	bool		is_preferred;

	if (OidIsValid(element))
		return stash_memo_holds_words(element);
	get_type_category_preferred(type, &category, &is_preferred);
	return strchr("BDGINTV", category) == NULL;
}

/* ---- texts ---- */

/*
 * Whether a value that becomes a time is such a word.
 */
bool
stash_memo_is_word(Oid type, Datum value)
{
	Oid			output;
	bool		is_varlena;

	if (!stash_memo_holds_words(type))
		return false;
	getTypeOutputInfo(type, &output, &is_varlena);
	return stash_memo_is_relative_time(OidOutputFunctionCall(output, value));
}

/* a list, a range or a row, of whatever length, with a word in it */
static bool
has_relative_part(const char *text)
{
	static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};

	if (text[0] == '\0' || strchr("{[(", text[0]) == NULL)
		return false;
	for (int i = 0; i < lengthof(words); i++)
	{
		if (stash_memo_has_word(text, words[i]) != NULL)
			return true;
	}
	return false;
}

/* a number behind a time of day */
static bool
has_offset(const char *text)
{
	const char *at = strchr(text, ':');

	if (at != NULL)
		at = strpbrk(at, "+-");
	return at != NULL && isdigit((unsigned char) at[1]);
}

/*
 * Whether a text means another value of a type tomorrow.
 */
bool
stash_memo_is_relative(Oid type, const char *text)
{
	if (stash_memo_holds_zone(type) &&
		(getBaseType(type) != TIMETZOID || !has_offset(text)))
		return true;
	/* no word is without one of these */
	return strpbrk(text, "oOyY") != NULL && stash_memo_holds_time(type) &&
		(has_relative_part(text) ||
		 stash_memo_is_relative_time(unconstify(char *, text)));
}

/* ---- texts in SQL ---- */

static bool
has_relative_string(const char *source)
{
	const char *at = strpbrk(source, "'$");
	bool		found = false;

	while (at != NULL && !found)
	{
		const char *end = strpbrk(++at, "'$");
		char	   *part;

		if (end == NULL)
			break;
		while (scanner_isspace(*at))
			at++;
		if (end > at)
		{
			part = pnstrdup(at, end - at);
			found = has_relative_part(part) || stash_memo_is_relative_time(part);
			pfree(part);
		}
		at = end;
	}
	return found;
}

/*
 * A letter that is written as an escape, of E'' or of U&'', and where that
 * ends; 0 when it is none.
 */
static char
read_escape(const char *at, bool is_unicode, const char **end)
{
	const char *digits = at + 1;
	int			most = 4;
	int			base = 16;
	int			n = 0;
	long		value;

	if (is_unicode && *digits == '+')
		digits++, most = 6;
	else if (!is_unicode && *digits == 'x')
		digits++, most = 2;
	else if (!is_unicode && (*digits == 'u' || *digits == 'U'))
		most = *digits++ == 'u' ? 4 : 8;
	else if (!is_unicode)
		most = 3, base = 8;
	while (n < most && (base == 16 ? isxdigit((unsigned char) digits[n]) != 0 :
						digits[n] >= '0' && digits[n] <= '7'))
		n++;
	if (n == 0)
		return '\0';
	*end = digits + n;
	value = strtol(pnstrdup(digits, n), NULL, base);
	return value < 128 && isalpha((int) value) ? (char) value : '\0';
}

/* behind blanks with the end of a line, and comments, and the next quotes */
static const char *
find_continuation(const char *at)
{
	bool		has_line = false;

	for (;; at++)
	{
		if (at[0] == '-' && at[1] == '-')
			at += strcspn(at, "\r\n");
		if (!scanner_isspace(*at))
			break;
		has_line |= *at == '\n' || *at == '\r';
	}
	return has_line && *at == '\'' ? at + strspn(at, "'") : NULL;
}

/* a text with each literal in one piece, and letters in place of escapes */
static char *
unfold(const char *source, bool is_unicode)
{
	char	   *result = palloc(strlen(source) + 1);
	char	   *to = result;
	const char *next;

	for (const char *at = source; *at != '\0';)
	{
		char		letter = *at == '\\' ? read_escape(at, is_unicode, &next) : '\0';

		if (letter != '\0')
		{
			*to++ = letter;
			at = next;
			continue;
		}
		*to++ = *at++;
		if (at[-1] == '\'' && *at != '\'' && (next = find_continuation(at)) != NULL)
		{
			while (to > result && to[-1] == '\'')
				to--;
			at = next;
		}
	}
	*to = '\0';
	return result;
}

/*
 * Whether a text in SQL or PL/pgSQL has a string in it that means another time
 * tomorrow.  One that becomes a time does so when the text is parsed, and
 * nothing tells that afterwards.
 *
 * Whatever stands between two quotes counts, for SQL may stand in strings.
 * Where an escape is not written with a backslash, nobody looks what it is.
 */
bool
stash_memo_has_relative_string(const char *source)
{
	return has_relative_string(source) ||
		has_relative_string(unfold(source, false)) ||
		(strchr(source, '\\') != NULL &&
		 has_relative_string(unfold(source, true))) ||
		stash_memo_has_word(source, "uescape") != NULL;
}
