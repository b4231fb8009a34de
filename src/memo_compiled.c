/*-------------------------------------------------------------------------
 *
 * memo_compiled.c
 *	  Functions in PL/pgSQL, and by what they were compiled.
 *
 * PL/pgSQL compiles a function when a session calls it first, and finds the types
 * of its variables then: by the search_path and the rights of the caller, and by
 * what there is.  It goes on with these when the path is another one, and when a
 * type is.  An answer is kept for all who have the path of now, though.
 *
 * So each function that runs, in a trace or not, is noted with what it was
 * compiled by; before a target runs those of other times are compiled anew.
 *
 * It also goes on with what it has prepared, to the end of the transaction: in
 * it are rights that were checked, and queries of functions in SQL that were
 * planned, for who ran it then.  So for whom a function prepares is noted, too.
 *
 * PL/pgSQL has one place for a plugin, which we take when the library is loaded;
 * memo_plpgsql.c takes it in turn while a target runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "plpgsql.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "catalog.h"
#include "compat.h"
#include "hash.h"
#include "memo.h"
#include "memo_setting.h"

typedef struct Compiled
{
	PLpgSQL_function *function; /* must be first; PL/pgSQL compiles anew into
								 * the same place */
	TransactionId xmin;			/* of the catalog row it was compiled from; */
	ItemPointerData tid;		/* invalid: it is to be compiled anew */
	uint64		path;			/* by which it was; 0: nobody knows */
	uint64		epoch;
	uint64		relations;		/* news of relations by then */
	bool		names_types;	/* of users */
	bool		names_columns;	/* whose types variables have */
	bool		is_escaped;		/* has a backslash, and literals were read */
	bool		conforms;		/* by this standard_conforming_strings */
	Oid			runner;			/* who called it last */
	Oid			user;			/* for whom it has prepared something since */
	uint64		plans;			/* plans were forgotten so many times, */
	uint64		since;			/* and so much was prepared */
} Compiled;

static PLpgSQL_plugin ours;
static PLpgSQL_plugin *next;	/* who had the place, or NULL */

static HTAB *compiled;
static bool any_names_columns;
static bool any_unknown;		/* has a path of 0 */
static uint64 epoch = 1;		/* counts what may change the meaning of names */
static uint64 relations;		/* counts news of them */

/* counts how often plans were forgotten; since then a function has prepared for two */
static uint64 plans = 1;
static bool is_mixed;
static uint64 nprepared;		/* counts what functions prepare */

/* who ran a target when they were; something has run otherwise since */
static Oid	user_known;
static bool ran_otherwise;

/* by which PL/pgSQL tells where an error is, with what runs as its argument */
static void (*tell_where) (void *arg);

/* standard_conforming_strings has been seen so */
static bool has_been_off;

/* what stash_memo_compiled_forget() has seen last */
static uint64 last_path;
static uint64 last_epoch;
static uint64 last_relations;

/* the newest memory beside that of functions when a query began; see is_new() */
static MemoryContext newest[2];

static void
forget_relation(Datum arg, Oid relid)
{
	relations++;
}

/*
 * The body of a function, in the current memory context; "" when it is gone.
 */
char *
stash_memo_source(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		isnull;
	char	   *source;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("");
	source = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));
	ReleaseSysCache(tuple);
	return source;
}

/* behind a comment that begins here, and may have others in it */
static const char *
skip_comment(const char *at)
{
	int			depth = 0;

	do
	{
		if (strncmp(at, "/*", 2) == 0)
			depth++;
		else if (strncmp(at, "*/", 2) == 0)
			depth--;
		else
		{
			at += *at != '\0';
			continue;
		}
		at += 2;
	} while (depth > 0 && *at != '\0');
	return at;
}

/*
 * What follows blanks and comments in a text in SQL.
 */
const char *
stash_memo_skip_blanks(const char *at)
{
	for (;;)
	{
		at += strspn(at, " \t\r\n\f\v");
		if (strncmp(at, "--", 2) == 0)
			at += strcspn(at, "\r\n");
		else if (strncmp(at, "/*", 2) == 0)
			at = skip_comment(at);
		else
			return at;
	}
}

/* where the next "%TYPE" of a source stands; NULL: nowhere */
static const char *
find_column_type(const char *source)
{
	while ((source = strchr(source, '%')) != NULL)
	{
		const char *at = stash_memo_skip_blanks(source + 1);

		if (pg_strncasecmp(at, "type", 4) == 0 && !isalnum((unsigned char) at[4]) &&
			at[4] != '_')
			return source;
		source++;
	}
	return NULL;
}

/*
 * A number for the schemas in which names are found, as far as the user may look
 * into them, and whether the session's own has anything.  '*is_plain': the types
 * of the server are found before all others of their names.
 */
static uint64
path_of_now(bool *is_plain)
{
	StashCompatPath *path = stash_compat_path();
	uint64		digest = stash_catalog_has_temporary() + 2 * path->addTemp;
	ListCell   *cell;

	foreach(cell, path->schemas)
		digest = stash_hash_bytes64(&cell->oid_value, sizeof(Oid), digest);
	*is_plain = path->addCatalog;
	list_free(path->schemas);
	pfree(path);
	return Max(digest, 1);
}

static void
note_otherwise(void)
{
	if (!ran_otherwise)
		ran_otherwise = !OidIsValid(user_known) || GetUserId() != user_known ||
			!stash_memo_path_is_kept() || !stash_memo_settings_are_kept();
}

/*
 * A query is about to run, or a target: what PL/pgSQL compiles from now on has
 * memory that is newer than what is there.
 */
void
stash_memo_compiled_mark(void)
{
	note_otherwise();
	newest[0] = TopMemoryContext->firstchild;
	/* that of functions from 18 on */
	newest[1] = CacheMemoryContext ? CacheMemoryContext->firstchild : NULL;
	has_been_off |= !stash_compat_conforming_strings();
}

/*
 * Whether a function was compiled since, so that what is now is what it was
 * compiled by: CREATE FUNCTION compiles, too, and so did calls before the library
 * was loaded.  New memory stands before the older; where the mark has gone,
 * nobody knows.
 */
static bool
is_new(const PLpgSQL_function *function)
{
	MemoryContext parents[] = {TopMemoryContext, CacheMemoryContext};

	for (int i = 0; i < lengthof(parents); i++)
	{
		MemoryContext child = parents[i] ? parents[i]->firstchild : NULL;
		bool		found = false;

		for (; child != NULL && child != newest[i]; child = child->nextchild)
			found |= child == function->fn_cxt;
		if (found && child != NULL)
			return true;
	}
	return false;
}

static bool
is_of_users(const PLpgSQL_type *type)
{
	return type != NULL && (type->typoid >= FirstUnpinnedObjectId ||
							type->collation >= FirstUnpinnedObjectId);
}

/* whether a function has variables whose types are found by the path */
static bool
names_types(const PLpgSQL_function *function)
{
	for (int i = 0; i < function->ndatums; i++)
	{
		PLpgSQL_datum *datum = function->datums[i];

		if (datum->dtype == PLPGSQL_DTYPE_REC &&
			((PLpgSQL_rec *) datum)->rectypeid >= FirstUnpinnedObjectId)
			return true;
		if ((datum->dtype == PLPGSQL_DTYPE_VAR || datum->dtype == PLPGSQL_DTYPE_PROMISE) &&
			is_of_users(((PLpgSQL_var *) datum)->datatype))
			return true;
	}
	return false;
}

/*
 * A function is created: what is compiled until a query runs may be so by the
 * path of now.
 */
void
stash_memo_compiled_unmark(void)
{
	newest[0] = newest[1] = CurrentMemoryContext;
}

/* the innermost function in PL/pgSQL that runs; NULL: none is known */
static PLpgSQL_function *
running(void)
{
	if (tell_where != NULL)
	{
		for (ErrorContextCallback *frame = error_context_stack; frame != NULL;
			 frame = frame->previous)
		{
			if (frame->callback == tell_where)
				return ((PLpgSQL_execstate *) frame->arg)->func;
		}
	}
	return NULL;
}

/*
 * Something is prepared, or planned, maybe by a function in PL/pgSQL.
 */
void
stash_memo_compiled_prepared(void)
{
	PLpgSQL_function *function = running();
	Compiled   *entry = function == NULL ? NULL :
	hash_search(compiled, &function, HASH_FIND, NULL);
	Oid			user;
	int			context;

	if (entry == NULL)
		return;
	GetUserIdAndSecContext(&user, &context);
	/* a SECURITY DEFINER function that it calls prepares for one only */
	if (user != entry->runner && (context & SECURITY_LOCAL_USERID_CHANGE) != 0 &&
		stash_compat_plpgsql_uses(function) == 1)
		return;
	/* by other settings than plans are made by it is for nobody */
	if (!stash_memo_settings_are_kept())
		user = InvalidOid;
	nprepared++;
	if (entry->plans != plans)
	{
		entry->plans = plans;
		entry->since = nprepared;
		entry->user = user;
	}
	else if (entry->user != user)
	{
		entry->user = InvalidOid;
		is_mixed = true;
	}
}

/* a function is about to run: note it, if it was compiled anew */
static Compiled *
note(PLpgSQL_function *function)
{
	Compiled   *entry;
	bool		found;
	bool		is_plain;
	char	   *source;

	entry = hash_search(compiled, &function, HASH_ENTER, &found);
	if (likely(found && entry->xmin == stash_compat_plpgsql_xmin(function) &&
			   ItemPointerEquals(&entry->tid, &stash_compat_plpgsql_tid(function))))
		return entry;
	entry->xmin = InvalidTransactionId;
	entry->tid = stash_compat_plpgsql_tid(function);
	entry->epoch = epoch;
	entry->relations = relations;
	entry->path = 0;
	source = stash_memo_source(function->fn_oid);
	entry->names_columns = find_column_type(source) != NULL;
	entry->names_types = entry->names_columns || names_types(function);
	entry->is_escaped = strchr(source, '\\') != NULL;
	entry->conforms = stash_compat_conforming_strings();
	entry->plans = 0;
	pfree(source);
	if (is_new(function))
		entry->path = path_of_now(&is_plain);
	any_names_columns |= entry->names_columns;
	any_unknown |= entry->path == 0;
	entry->xmin = stash_compat_plpgsql_xmin(function);
	return entry;
}

static bool
is_of_now(const Compiled *entry, uint64 path, bool is_plain)
{
	if (!entry->names_types && is_plain)
		return true;
	return entry->path == path && entry->epoch == epoch &&
		(!entry->names_columns || entry->relations == relations);
}

/* whether it has literals that would be others, or errors, were it compiled now */
static bool
reads_literals_otherwise(const Compiled *entry)
{
	return entry->is_escaped && has_been_off &&
		(entry->path == 0 || entry->conforms != stash_compat_conforming_strings());
}

/* have PL/pgSQL compile it when it is called next */
static void
outdate(Compiled *entry)
{
	entry->xmin = InvalidTransactionId;
	stash_compat_plpgsql_xmin(entry->function) = InvalidTransactionId;
}

/* where a name begins that ends before 'at', with blanks around its dots */
static const char *
begin_of_name(const char *source, const char *at)
{
	for (;;)
	{
		const char *part = at;

		if (part > source && part[-1] == '"')
		{
			part--;
			/* one that is twice is part of the name */
			while (part > source && (part[-1] != '"' ||
									 (part - 1 > source && part[-2] == '"')))
				part -= part[-1] == '"' ? 2 : 1;
			part -= part > source;
		}
		else
		{
			while (part > source && (isalnum((unsigned char) part[-1]) ||
									 IS_HIGHBIT_SET(part[-1]) || strchr("_$", part[-1])))
				part--;
		}
		at = part;
		while (part > source && isspace((unsigned char) part[-1]))
			part--;
		if (part == source || part[-1] != '.')
			return at;
		at = part - 1;
		while (at > source && isspace((unsigned char) at[-1]))
			at--;
	}
}

/* whether a line has a comment of its own before 'at' */
static bool
is_behind_comment(const char *source, const char *at)
{
	for (; at > source && at[-1] != '\n' && at[-1] != '\r'; at--)
	{
		if (at[0] == '-' && at[-1] == '-')
			return true;
	}
	return false;
}

/*
 * The table of a column whose type a variable has counts by its row type.  What
 * has no dot is a variable, what ends otherwise than a name is divided, and what
 * stands before a comment may be any table.
 */
static void
note_column(const char *source, const char *end, Oid function)
{
	const char *at;
	List	   *names;
	Oid			relid = InvalidOid;
	int			n;

	while (end > source && isspace((unsigned char) end[-1]))
		end--;
	at = begin_of_name(source, end);
	if (at == end && (end == source || end[-1] != '/'))
		return;
	if (at == end || is_behind_comment(source, at) ||
		!SplitIdentifierString(pnstrdup(at, end - at), '.', &names))
	{
		stash_memo_trace_reason(STASH_MEMO_SESSION, function);
		return;
	}
	n = list_length(names);
	if (n == 2)
		relid = RelnameGetRelid(linitial(names));
	else if (n >= 3)
	{
		Oid			schema = get_namespace_oid(list_nth(names, n - 3), true);

		if (OidIsValid(schema))
			relid = get_relname_relid(list_nth(names, n - 2), schema);
	}
	if (OidIsValid(relid))
		stash_memo_trace_type(get_rel_type_id(relid));
}

static void
note_columns(Oid function)
{
	char	   *source = stash_memo_source(function);
	const char *at = source;

	while ((at = find_column_type(at)) != NULL)
		note_column(source, at++, function);
	pfree(source);
}

/*
 * A function is about to run in a trace that began when so much was prepared:
 * see whether it has prepared anything before that for another user, or by other
 * settings.
 */
void
stash_memo_compiled_runs(PLpgSQL_function *function, uint64 began)
{
	Compiled   *entry = hash_search(compiled, &function, HASH_FIND, NULL);

	if (entry == NULL || entry->plans != plans ||
		(entry->user == GetUserId() && stash_memo_settings_are_kept()))
		return;
	is_mixed = true;
	if (entry->since <= began)
		stash_memo_trace_reason(STASH_MEMO_OLD_PLANS, function->fn_oid);
}

/*
 * A function is about to run in a trace that has not met it.
 */
void
stash_memo_compiled_note(PLpgSQL_function *function)
{
	Compiled   *entry;
	uint64		path;
	bool		is_plain;

	/* a DO block goes when it has run */
	if (!OidIsValid(function->fn_oid))
		return;
	entry = note(function);
	if (entry->names_columns)
		note_columns(function->fn_oid);
	if (reads_literals_otherwise(entry))
		stash_memo_trace_reason(STASH_MEMO_OLD_PLANS, function->fn_oid);
	path = path_of_now(&is_plain);
	if (is_of_now(entry, path, is_plain))
		return;
	stash_memo_trace_reason(STASH_MEMO_OLD_PLANS, function->fn_oid);
	/* it runs: later, then */
	entry->path = 0;
	any_unknown = true;
}

/*
 * Names may mean something else by now, whatever the path.
 */
void
stash_memo_compiled_outdate(void)
{
	epoch++;
}

/*
 * Plans are forgotten, and with them what expressions have prepared; 'user' runs
 * a target.
 */
void
stash_memo_compiled_planned_anew(Oid user)
{
	plans++;
	is_mixed = false;
	user_known = user;
	ran_otherwise = false;
}

/*
 * Who ran a target when plans were forgotten.
 */
Oid
stash_memo_compiled_user(void)
{
	return user_known;
}

/*
 * Whether anything has run, since plans were forgotten, for another user or by
 * another path or settings than then: casts of PL/pgSQL, and conditions of domains,
 * may be ready for these.
 */
bool
stash_memo_compiled_ran_otherwise(void)
{
	return ran_otherwise;
}

/*
 * How much functions have prepared.
 */
uint64
stash_memo_compiled_prepared_so_far(void)
{
	return nprepared;
}

/*
 * How often they were.
 */
uint64
stash_memo_compiled_plans(void)
{
	return plans;
}

/*
 * A target is about to run: have functions compiled anew that were by something
 * else than what is now.  Says whether plans are too old as well: the path is
 * another one, or a function has prepared for several users.
 */
bool
stash_memo_compiled_forget(void)
{
	bool		is_plain;
	uint64		path = path_of_now(&is_plain);
	bool		is_other = path != last_path || is_mixed;
	HASH_SEQ_STATUS scan;
	Compiled   *entry;

	stash_memo_compiled_mark();
	if (path == last_path && epoch == last_epoch && !any_unknown &&
		(!any_names_columns || relations == last_relations))
		return is_other;
	last_path = path;
	last_epoch = epoch;
	last_relations = relations;
	any_unknown = false;
	hash_seq_init(&scan, compiled);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (is_of_now(entry, path, is_plain) || !TransactionIdIsValid(entry->xmin))
			continue;
		/* one that runs would stay in memory for ever beside the new one */
		if (stash_compat_plpgsql_uses(entry->function) == 0)
			outdate(entry);
		else
			any_unknown |= entry->path == 0;
	}
	return is_other;
}

/* ---- the plugin ---- */

/*
 * What PL/pgSQL has filled into one plugin is for the one after it, too.
 */
void
stash_memo_compiled_hand_on(PLpgSQL_plugin *to, const PLpgSQL_plugin *from,
							PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	to->error_callback = from->error_callback;
	to->assign_expr = from->assign_expr;
	to->assign_value = from->assign_value;
	to->eval_datum = from->eval_datum;
	to->cast_value = from->cast_value;
	if (to->func_setup != NULL)
		to->func_setup(estate, function);
}

/*
 * Before 18 a function that could not be compiled anew counts as compiled where a
 * call of before is still known, as for operators of indexes.
 */
static void
refuse_unfinished(PLpgSQL_function *function)
{
	if (function->action != NULL)
		return;
	stash_compat_plpgsql_xmin(function) = InvalidTransactionId;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("function %s could not be compiled when it was called before",
					format_procedure(function->fn_oid)),
			 errhint("Call it again.")));
}

static void
set_up(PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	Compiled   *entry;

	if (OidIsValid(function->fn_oid))
	{
		refuse_unfinished(function);
		entry = note(function);
		/* where it calls itself that is whose frame is the last to be left */
		if (stash_compat_plpgsql_uses(function) == 1)
			entry->runner = GetUserId();
	}
	note_otherwise();
	if (next != NULL)
		stash_memo_compiled_hand_on(next, &ours, estate, function);
}

static void
begin(PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	if (tell_where == NULL && error_context_stack != NULL &&
		error_context_stack->arg == estate)
		tell_where = error_context_stack->callback;
	if (next != NULL && next->func_beg != NULL)
		next->func_beg(estate, function);
}

/*
 * Take the place of the plugin; called once when the library is loaded.
 */
void
stash_memo_compiled_init(void)
{
	PLpgSQL_plugin **place = (PLpgSQL_plugin **) find_rendezvous_variable("PLpgSQL_plugin");
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(PLpgSQL_function *);
	ctl.entrysize = sizeof(Compiled);
	compiled = hash_create("pg_hashstash functions in PL/pgSQL", 64, &ctl,
						   HASH_ELEM | HASH_BLOBS);
	stash_memo_compiled_mark();
	stash_catalog_listen(forget_relation);
	next = *place;
	if (next != NULL)
		ours = *next;
	ours.func_setup = set_up;
	ours.func_beg = begin;
	*place = &ours;
}
