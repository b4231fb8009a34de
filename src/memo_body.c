/*-------------------------------------------------------------------------
 *
 * memo_body.c
 *	  The body of a function in language stash: read and write.
 *
 * One option a line, "name = value"; empty lines and lines that begin with
 * "--" are skipped:
 *
 *		target   = schema.name		the function called, same argument types
 *		original = schema.name		the same, of a function memoized in place
 *		stash    = schema.name		table that keeps the results
 *		ttl      = interval			how long a result is good
 *		stale    = interval			how long it serves after that, while one
 *									session computes anew
 *		wait     = interval			how long to wait for another session that
 *									computes the same
 *		share    = role | all		whether the role is part of the key
 *		volatile = on | off			a VOLATILE target may be remembered
 *		vary     = name, ...		settings that are in the key; may be empty
 *		ignore   = name, ...		arguments that are not in the key
 *		hash     = exact | sampled	what keys hold of long arguments
 *		min_cost = interval			cheaper answers are not kept
 *		max_bytes = number			nor are larger ones
 *		keep_stash = on | off		unmemoize leaves the stash alone
 *		sql_argument = name			is a query, in which blanks and comments
 *									do not count
 *		ttl_argument = name			says how long the answer to a call is good
 *
 * Dumps carry bodies: an option, once released, keeps its meaning.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "compat.h"
#include "memo.h"
#include "store.h"

pg_noreturn static void
refuse_body(const char *message, const char *word)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg(message, word),
			 errhint("A body in language stash has one \"name = value\" on each line: target, stash, ttl, stale, wait, share, volatile, vary, ignore, hash, min_cost, max_bytes, keep_stash, sql_argument, ttl_argument.")));
}

static char *
trim(char *text)
{
	char	   *end;

	while (isspace((unsigned char) *text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char) end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* a name that means the same under every search_path */
static char *
qualified_name(const char *name, const char *value)
{
	if (list_length(stash_compat_name_list(value)) != 2)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("%s must name a schema: \"%s\"", name, value),
				 errhint("Write %s = schema.name.", name)));
	return pstrdup(value);
}

static void
read_target(StashMemoBody *body, const char *name, const char *value)
{
	if (body->target != NULL)
		refuse_body("\"%s\" names a second target", name);
	body->target = qualified_name(name, value);
	body->in_place = strcmp(name, "original") == 0;
}

static Interval *
read_interval(const char *value)
{
	return DatumGetIntervalP(DirectFunctionCall3(interval_in,
												 CStringGetDatum(value),
												 ObjectIdGetDatum(InvalidOid),
												 Int32GetDatum(-1)));
}

static bool
read_bool(const char *message, const char *value)
{
	bool		result;

	if (!parse_bool(value, &result))
		refuse_body(message, value);
	return result;
}

/* names between commas, quoted where they need it */
static List *
read_names(const char *value)
{
	List	   *names;
	List	   *copies = NIL;
	ListCell   *cell;

	if (!SplitIdentifierString(pstrdup(value), ',', &names))
		refuse_body("\"%s\" is no list of names", value);
	foreach(cell, names)
		copies = lappend(copies, pstrdup(lfirst(cell)));
	return copies;
}

static int64
read_number(const char *value)
{
	char	   *end;
	int64		number = strtoll(value, &end, 10);

	if (end == value || *end != '\0' || number < 0)
		refuse_body("\"%s\" is no number of bytes", value);
	return number;
}

/*
 * What an interval is in microseconds; months have 30 days.  Throws 22023 for
 * one below zero.
 */
int64
stash_memo_microseconds(const char *what, const Interval *interval)
{
	int64		days = interval->day + (int64) interval->month * DAYS_PER_MONTH;
	int64		result = interval->time + days * USECS_PER_DAY;

	if (result < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be less than zero", what)));
	return result;
}

static void
read_option(StashMemoBody *body, const char *name, const char *value)
{
	if (strcmp(name, "target") == 0 || strcmp(name, "original") == 0)
		read_target(body, name, value);
	else if (strcmp(name, "stash") == 0)
		body->stash = qualified_name(name, value);
	else if (strcmp(name, "ttl") == 0)
	{
		body->ttl = *read_interval(value);
		body->has_ttl = true;
		stash_store_check_ttl(&body->ttl);
	}
	else if (strcmp(name, "stale") == 0)
		body->stale = stash_memo_microseconds(name, read_interval(value));
	else if (strcmp(name, "wait") == 0)
		body->wait = stash_memo_microseconds(name, read_interval(value));
	else if (strcmp(name, "share") == 0)
	{
		body->is_shared = strcmp(value, "all") == 0;
		if (!body->is_shared && strcmp(value, "role") != 0)
			refuse_body("share must be \"role\" or \"all\", not \"%s\"", value);
	}
	else if (strcmp(name, "volatile") == 0)
		body->allow_volatile = read_bool("volatile must be \"on\" or \"off\", not \"%s\"",
										 value);
	else if (strcmp(name, "vary") == 0)
	{
		body->has_vary = true;
		body->vary = read_names(value);
	}
	else if (strcmp(name, "ignore") == 0)
		body->ignore = read_names(value);
	else if (strcmp(name, "hash") == 0)
	{
		body->is_sampled = strcmp(value, "sampled") == 0;
		if (!body->is_sampled && strcmp(value, "exact") != 0)
			refuse_body("hash must be \"exact\" or \"sampled\", not \"%s\"", value);
	}
	else if (strcmp(name, "min_cost") == 0)
	{
		body->min_cost = stash_memo_microseconds(name, read_interval(value));
		body->has_min_cost = true;
	}
	else if (strcmp(name, "max_bytes") == 0)
		body->max_bytes = read_number(value);
	else if (strcmp(name, "sql_argument") == 0)
		body->sql_argument = pstrdup(value);
	else if (strcmp(name, "ttl_argument") == 0)
		body->ttl_argument = pstrdup(value);
	else if (strcmp(name, "keep_stash") == 0)
		body->keep_stash = read_bool("keep_stash must be \"on\" or \"off\", not \"%s\"",
									 value);
	else
		refuse_body("unknown option \"%s\"", name);
}

/*
 * Read a body; its strings are allocated in the current memory context.
 *
 * Throws 42601 for a body that breaks the grammar, 22023 and what the input
 * of interval throws for a bad ttl.
 */
void
stash_memo_parse(StashMemoBody *body, const char *source)
{
	char	   *rest = pstrdup(source);
	char	   *line;

	memset(body, 0, sizeof(*body));
	body->wait = STASH_MEMO_DEFAULT_WAIT;
	while ((line = strsep(&rest, "\n")) != NULL)
	{
		char	   *equals;

		line = trim(line);
		if (*line == '\0' || strncmp(line, "--", 2) == 0)
			continue;
		equals = strchr(line, '=');
		if (equals == NULL)
			refuse_body("line \"%s\" has no \"=\"", line);
		*equals = '\0';
		read_option(body, trim(line), trim(equals + 1));
	}
	if (body->target == NULL)
		refuse_body("function body names no %s", "target");
}

static void
write_names(StringInfo out, const char *name, List *names)
{
	ListCell   *cell;

	appendStringInfo(out, "%s =", name);
	foreach(cell, names)
		appendStringInfo(out, "%s %s", cell == list_head(names) ? "" : ",",
						 quote_identifier(lfirst(cell)));
	appendStringInfoChar(out, '\n');
}

/* a name that is to stand in a line */
static void
write_name(StringInfo out, const char *what, const char *name)
{
	if (strchr(name, '\n') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a name with a line break cannot stand in the body of a memoized function"),
				 errdetail("The name is %s.", name),
				 errhint("Rename the function or its schema, or the stash.")));
	appendStringInfo(out, "%s = %s\n", what, name);
}

/*
 * The text of a body.  What is at its default is left out.
 *
 * Throws 0A000 for a name that cannot stand there.
 */
char *
stash_memo_write(const StashMemoBody *body)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '\n');
	write_name(&out, body->in_place ? "original" : "target", body->target);
	if (body->stash != NULL)
		write_name(&out, "stash", body->stash);
	if (body->has_ttl)
		appendStringInfo(&out, "ttl = %s\n",
						 DatumGetCString(DirectFunctionCall1(interval_out,
															 IntervalPGetDatum(&body->ttl))));
	if (body->stale > 0)
		appendStringInfo(&out, "stale = " INT64_FORMAT " us\n", body->stale);
	if (body->wait != STASH_MEMO_DEFAULT_WAIT)
		appendStringInfo(&out, "wait = " INT64_FORMAT " us\n", body->wait);
	if (body->is_shared)
		appendStringInfoString(&out, "share = all\n");
	if (body->allow_volatile)
		appendStringInfoString(&out, "volatile = on\n");
	if (body->has_vary)
		write_names(&out, "vary", body->vary);
	if (body->ignore != NIL)
		write_names(&out, "ignore", body->ignore);
	if (body->is_sampled)
		appendStringInfoString(&out, "hash = sampled\n");
	if (body->has_min_cost)
		appendStringInfo(&out, "min_cost = " INT64_FORMAT " us\n",
						 body->min_cost);
	if (body->max_bytes > 0)
		appendStringInfo(&out, "max_bytes = " INT64_FORMAT "\n",
						 body->max_bytes);
	if (body->sql_argument != NULL)
		appendStringInfo(&out, "sql_argument = %s\n", body->sql_argument);
	if (body->ttl_argument != NULL)
		appendStringInfo(&out, "ttl_argument = %s\n", body->ttl_argument);
	if (body->keep_stash)
		appendStringInfoString(&out, "keep_stash = on\n");
	return out.data;
}
