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
 *		share    = role | all		whether the role is part of the key
 *		volatile = on | off			a VOLATILE target may be remembered
 *
 * Dumps carry bodies: an option, once released, keeps its meaning.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "memo.h"
#include "store.h"

pg_noreturn static void
refuse_body(const char *message, const char *word)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg(message, word),
			 errhint("A body in language stash has one \"name = value\" on each line: target, stash, ttl, share, volatile.")));
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

static void
read_ttl(StashMemoBody *body, const char *value)
{
	Datum		ttl = DirectFunctionCall3(interval_in, CStringGetDatum(value),
										  ObjectIdGetDatum(InvalidOid),
										  Int32GetDatum(-1));

	body->ttl = *DatumGetIntervalP(ttl);
	body->has_ttl = true;
	stash_store_check_ttl(&body->ttl);
}

static void
read_option(StashMemoBody *body, const char *name, const char *value)
{
	if (strcmp(name, "target") == 0 || strcmp(name, "original") == 0)
		read_target(body, name, value);
	else if (strcmp(name, "stash") == 0)
		body->stash = qualified_name(name, value);
	else if (strcmp(name, "ttl") == 0)
		read_ttl(body, value);
	else if (strcmp(name, "share") == 0)
	{
		body->is_shared = strcmp(value, "all") == 0;
		if (!body->is_shared && strcmp(value, "role") != 0)
			refuse_body("share must be \"role\" or \"all\", not \"%s\"", value);
	}
	else if (strcmp(name, "volatile") == 0)
	{
		if (!parse_bool(value, &body->allow_volatile))
			refuse_body("volatile must be \"on\" or \"off\", not \"%s\"", value);
	}
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

/*
 * The text of a body.  What is at its default is left out.
 */
char *
stash_memo_write(const StashMemoBody *body)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "\n%s = %s\n",
					 body->in_place ? "original" : "target", body->target);
	if (body->stash != NULL)
		appendStringInfo(&out, "stash = %s\n", body->stash);
	if (body->has_ttl)
		appendStringInfo(&out, "ttl = %s\n",
						 DatumGetCString(DirectFunctionCall1(interval_out,
															 IntervalPGetDatum(&body->ttl))));
	if (body->is_shared)
		appendStringInfoString(&out, "share = all\n");
	if (body->allow_volatile)
		appendStringInfoString(&out, "volatile = on\n");
	return out.data;
}
