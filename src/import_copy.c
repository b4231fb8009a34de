/*-------------------------------------------------------------------------
 *
 * import_copy.c
 *	  COPY ... FROM with a format of ours.
 *
 *	  COPY table [(columns)] FROM STDIN | 'file' | PROGRAM 'command'
 *		WITH (FORMAT jsonl, on_error stop | skip)
 *	  COPY table [(columns)] FROM 'file' WITH (FORMAT arrow, on_error ...)
 *
 * The server's own COPY reads the lines, from wherever they come, as fields of
 * CSV that are never quoted: JSON has no control characters.  They go into the
 * table by an INSERT, with all that belongs to it: rights, row security,
 * triggers, partitions.  A column that is no member of a line becomes NULL.
 * Packed files and Arrow, which it cannot read, are those of import_file.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_authid.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "copy.h"
#include "import_copy.h"
#include "import_file.h"
#include "server_file.h"
#include "spi.h"
#include "utility.h"

CopyFromState stash_import_copying;

static bool
is_ours(const CopyStmt *copy)
{
	const char *format;

	if (!IsA(copy, CopyStmt) || !copy->is_from)
		return false;
	format = stash_copy_format(copy);
	return format != NULL && (strcmp(format, "jsonl") == 0 || strcmp(format, "arrow") == 0);
}

/* is the file one that the server's COPY cannot read? */
static bool
is_file_of_ours(const CopyStmt *copy)
{
	return copy->filename != NULL && !copy->is_program &&
		(strcmp(stash_copy_format(copy), "arrow") == 0 ||
		 stash_server_file_is_packed(copy->filename));
}

/*
 * Throw 42601 for an option that is not allowed, 0A000 for WHERE, and 42501
 * without the role that files and programs need.
 */
static void
check(const CopyStmt *copy)
{
	static const char *const allowed[] = {"on_error"};
	const char *format = stash_copy_format(copy);

	stash_copy_check_options(copy, allowed, lengthof(allowed));
	if (copy->whereClause != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("WHERE is not allowed with COPY format %s", format),
				 errhint("Use INSERT INTO ... SELECT ... FROM stash.read_%s(...) WHERE ...", format)));
	if (strcmp(format, "arrow") == 0 && !is_file_of_ours(copy))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY format arrow is read from files of the server only"),
				 errhint("Pass the data as an argument: INSERT INTO ... SELECT ... FROM stash.from_arrow($1, ...)")));
	if (copy->filename == NULL)
		return;
	if (!has_privs_of_role(GetUserId(), copy->is_program ?
						   ROLE_PG_EXECUTE_SERVER_PROGRAM :
						   ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to COPY from a file or program of the server"),
				 errdetail("Only roles with privileges of the \"%s\" role may do so.",
						   copy->is_program ? "pg_execute_server_program" :
						   "pg_read_server_files"),
				 errhint("Anyone can COPY from STDIN. psql's \\copy command also works for anyone.")));
	if (!copy->is_program && !is_absolute_path(copy->filename))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("relative path \"%s\" not allowed for a file of the server",
						copy->filename),
				 errhint("Give the path from the root.")));
}

static const char *
on_error(const CopyStmt *copy)
{
	DefElem    *option = stash_copy_option(copy, "on_error");

	return option != NULL ? defGetString(option) : "stop";
}

static char *
insert_command(const CopyStmt *copy, Relation rel, List *columns)
{
	char	   *table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												   RelationGetRelationName(rel));
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, columns)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 quote_identifier(strVal(lfirst(cell))));
	return psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM stash.copied_lines(NULL::%s, %s)",
					table, names.data, names.data, table,
					quote_literal_cstr(on_error(copy)));
}

/* what makes the server's COPY hand on each line as it is */
static List *
line_options(bool from_client)
{
	List	   *options = NIL;
	const char *const settings[][2] = {
		{"format", "csv"}, {"quote", "\001"}, {"escape", "\001"},
		{"delimiter", "\002"}, {"null", "\003"}, {"encoding", "UTF8"}
	};

	/* the client's own, unless it is a file */
	for (int i = 0; i < lengthof(settings) - from_client; i++)
		options = lappend(options, makeDefElem(pstrdup(settings[i][0]),
											   (Node *) makeString(pstrdup(settings[i][1])),
											   -1));
	return options;
}

/* runs a statement that reads what 'state' has; returns the number of rows */
static uint64
run_insert(const char *sql, CopyFromState state)
{
	CopyFromState outer = stash_import_copying;
	volatile uint64 nrows = 0;

	stash_import_copying = state;
	PG_TRY();
	{
		nrows = stash_spi_run_bigint(sql, false);
	}
	PG_FINALLY();
	{
		stash_import_copying = outer;
	}
	PG_END_TRY();
	return nrows;
}

static uint64
copy_from(const CopyStmt *copy)
{
	Relation	rel = table_openrv(copy->relation, RowExclusiveLock);
	List	   *columns = stash_copy_columns(copy, rel);
	ParseState *pstate;
	CopyFromState state;
	uint64		nrows;

	if (is_file_of_ours(copy))
	{
		nrows = stash_import_file(rel, columns, copy->filename,
								  stash_copy_format(copy), on_error(copy));
		table_close(rel, NoLock);
		return nrows;
	}
	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" has no columns to be read",
						RelationGetRelationName(rel))));
	pstate = make_parsestate(NULL);
	state = BeginCopyFrom(pstate, rel, NULL, copy->filename, copy->is_program,
						  NULL, list_make1(linitial(columns)),
						  line_options(copy->filename == NULL));
	nrows = run_insert(insert_command(copy, rel, columns), state);
	EndCopyFrom(state);
	free_parsestate(pstate);
	table_close(rel, NoLock);
	return nrows;
}

/*
 * Run a COPY that names our format; false for any other command.
 */
static bool
handle_copy(const StashUtility *utility)
{
	const CopyStmt *copy = (CopyStmt *) utility->statement->utilityStmt;
	uint64		nrows;

	if (!is_ours(copy))
		return false;
	PreventCommandIfReadOnly("COPY FROM");
	PreventCommandIfParallelMode("COPY FROM");
	check(copy);
	nrows = copy_from(copy);
	if (utility->completion != NULL)
		SetQueryCompletion(utility->completion, CMDTAG_COPY, nrows);
	return true;
}

/*
 * Called once when the library is loaded.
 */
void
stash_import_init(void)
{
	stash_utility_handle(handle_copy);
}
