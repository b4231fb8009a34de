/*-------------------------------------------------------------------------
 *
 * export_copy.c
 *	  COPY ... TO with formats of ours.
 *
 *	  COPY (query) | table [(columns)] TO STDOUT | 'file' | PROGRAM 'command'
 *		WITH (FORMAT jsonl | json | arrow, chunk_rows 10000, ...)
 *
 * A table is read as COPY reads it: without its heirs, without generated
 * columns.  It becomes a query, so that rights and row security are those of
 * any SELECT.  The server's own formats are left to the server, as is what is
 * no format at all.  FORMAT json is the server's from 19 on: there it needs
 * FORCE_ARRAY to be an array, which is what it is before, unless that is false.
 *
 * A chunk is one message to the client.  Text goes out in the encoding of the
 * client; files and programs get UTF-8.  What the name of a file means for how
 * it is written is the same as for stash.export_file().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/progress.h"
/* the headers of Kerberos may not be there; nothing of them is used here */
#undef ENABLE_GSS
#include "libpq/libpq.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "copy.h"
#include "export.h"
#include "frame_datum.h"
#include "server_file.h"
#include "utility.h"

#define CHUNK_BYTES	(64 * 1024) /* of a message, unless said */
#define SEND_BUFFER	(2 * CHUNK_BYTES)	/* a larger message is sent in pieces */

/* Where the bytes go: to the client unless one of these is set. */
typedef struct Target
{
	StashServerFile *file;
	FILE	   *program;
	const char *command;
	int			encoding;		/* of text */
	int64		nbytes;			/* so far */
} Target;

/* ---- what is asked for ---- */

static int32
get_int32(DefElem *option)
{
	int64		value = defGetInt64(option);

	if (value < 1 || value > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for %s: %lld", option->defname,
						(long long) value)));
	return (int32) value;
}

/*
 * Errors: 42601 for an option that is not allowed or given twice, 22023 for a
 * value that is out of range.
 */
static void
read_options(const CopyStmt *copy, const StashExportFormat *format,
			 StashExportOptions *options)
{
	const char *allowed[6] = {"chunk_rows", "chunk_bytes", "memory_limit"};
	int			nallowed = 3;
	DefElem    *option;

	if (format->has_codec)
		allowed[nallowed++] = "codec";
	if (format->has_profile)
		allowed[nallowed++] = "profile";
	if (strcmp(stash_copy_format(copy), "json") == 0)
		allowed[nallowed++] = "force_array";
	stash_copy_check_options(copy, allowed, nallowed);
	memset(options, 0, sizeof(*options));
	options->chunk_rows = format->chunk_rows;
	options->chunk_bytes = CHUNK_BYTES;
	options->memory_limit = PG_INT64_MAX;
	if ((option = stash_copy_option(copy, "chunk_rows")) != NULL)
		options->chunk_rows = get_int32(option);
	if ((option = stash_copy_option(copy, "chunk_bytes")) != NULL)
		options->chunk_bytes = get_int32(option);
	if ((option = stash_copy_option(copy, "memory_limit")) != NULL)
		options->memory_limit = defGetInt64(option);
	if ((option = stash_copy_option(copy, "codec")) != NULL)
		options->codec = stash_frame_codec(cstring_to_text(defGetString(option)));
	if ((option = stash_copy_option(copy, "profile")) != NULL)
		options->profile = stash_json_profile(defGetString(option));
	stash_export_check_options(options);
}

/*
 * The format that is asked for, if it is one of ours.
 */
static const StashExportFormat *
find_format(const CopyStmt *copy)
{
	const StashExportFormat *format =
	stash_export_format(stash_copy_format(copy));
	DefElem    *option;

	if (format != &stash_export_json)
		return format;
	if (stash_compat_has_copy_json())
		return NULL;
	option = stash_copy_option(copy, "force_array");
	return option == NULL || defGetBoolean(option) ? format :
		&stash_export_jsonl;
}

/* ---- what is read ---- */

static void
check_table(Relation rel)
{
	if (rel->rd_rel->relkind == RELKIND_RELATION)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot copy from relation \"%s\", which is no plain table",
					RelationGetRelationName(rel)),
			 errhint("Try the COPY (SELECT ...) TO variant.")));
}

/*
 * SELECT columns FROM ONLY table, as it would have been parsed.
 */
static Node *
select_table(const CopyStmt *copy, Oid *relid)
{
	SelectStmt *select = makeNode(SelectStmt);
	Relation	rel = table_openrv(copy->relation, AccessShareLock);
	RangeVar   *name;
	ListCell   *cell;

	check_table(rel);
	*relid = RelationGetRelid(rel);
	foreach(cell, stash_copy_columns(copy, rel))
	{
		ResTarget  *target = makeNode(ResTarget);
		ColumnRef  *column = makeNode(ColumnRef);

		column->fields = list_make1(lfirst(cell));
		column->location = -1;
		target->val = (Node *) column;
		target->location = -1;
		select->targetList = lappend(select->targetList, target);
	}
	/* the table that is locked now, whatever its name means by then */
	name = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
						pstrdup(RelationGetRelationName(rel)), -1);
	name->inh = false;
	select->fromClause = list_make1(name);
	table_close(rel, NoLock);
	return (Node *) select;
}

/* ---- where it goes ---- */

static void
begin_message(const StashExportFormat *format)
{
	StringInfoData message;
	int			code = format->is_text ? 0 : 1;

	/* CopyOutResponse: one column */
	pq_beginmessage(&message, 'H');
	pq_sendbyte(&message, code);
	pq_sendint16(&message, 1);
	pq_sendint16(&message, code);
	pq_endmessage(&message);
}

static FILE *
start_program(const char *command)
{
	FILE	   *program;

	if (!has_privs_of_role(GetUserId(), ROLE_PG_EXECUTE_SERVER_PROGRAM))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to COPY to an external program"),
				 errdetail("Only roles with privileges of the \"%s\" role may do so.",
						   "pg_execute_server_program"),
				 errhint("Anyone can COPY to STDOUT. psql's \\copy command also works for anyone.")));
	program = OpenPipeStream(command, PG_BINARY_W);
	if (program == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not execute command \"%s\": %m", command)));
	return program;
}

static void
end_program(Target *target)
{
	int			code = ClosePipeStream(target->program);

	if (code == -1)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not close pipe to external command: %m")));
	if (code != 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("program \"%s\" failed", target->command),
				 errdetail_internal("%s", wait_result_to_str(code))));
}

static void
open_target(Target *target, const CopyStmt *copy,
			const StashExportFormat *format)
{
	memset(target, 0, sizeof(*target));
	target->encoding = PG_UTF8;
	if (copy->filename == NULL)
	{
		target->encoding = pg_get_client_encoding();
		begin_message(format);
	}
	else if (copy->is_program)
	{
		target->command = copy->filename;
		target->program = start_program(copy->filename);
	}
	else
		target->file = stash_server_file_create(copy->filename);
}

static void
put_program(Target *target, const char *data, Size len)
{
	if (fwrite(data, 1, len, target->program) == len)
		return;
	if (errno == EPIPE)
	{
		/* it says more about why than the pipe does */
		end_program(target);
		errno = EPIPE;
	}
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not write to COPY program: %m")));
}

/*
 * Send a chunk as one CopyData message.
 *
 * The server's buffer has 8 kB, and each is a system call.  A message that must
 * not block makes the buffer large enough, for the rest of the session, and
 * flushing it is one call.  Large ones go in pieces.
 */
static void
put_client(const char *data, Size len)
{
	if (len <= SEND_BUFFER)
	{
		pq_putmessage_noblock('d', data, len);
		(void) pq_flush();
	}
	else
		(void) pq_putmessage('d', data, len);
}

static void
deliver(StashExport *export, void *arg)
{
	Target	   *target = arg;
	Size		size;
	char	   *converted = stash_export_chunk(export, target->encoding, &size);

	if (target->file != NULL)
		stash_server_file_write(target->file, converted, size);
	else if (target->program != NULL)
		put_program(target, converted, size);
	else
		put_client(converted, size);
	target->nbytes += size;
	pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, export->total);
	pgstat_progress_update_param(PROGRESS_COPY_BYTES_PROCESSED, target->nbytes);
}

static void
close_target(Target *target)
{
	if (target->file != NULL)
		stash_server_file_finish(target->file);
	else if (target->program != NULL)
		end_program(target);
	else
		pq_putemptymessage('c');	/* CopyDone */
}

/* ---- the command ---- */

static void
begin_progress(const CopyStmt *copy, Oid relid)
{
	const int	params[] = {PROGRESS_COPY_COMMAND, PROGRESS_COPY_TYPE};
	int64		values[] = {PROGRESS_COPY_COMMAND_TO, PROGRESS_COPY_TYPE_PIPE};

	if (copy->is_program)
		values[1] = PROGRESS_COPY_TYPE_PROGRAM;
	else if (copy->filename != NULL)
		values[1] = PROGRESS_COPY_TYPE_FILE;
	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, relid);
	pgstat_progress_update_multi_param(2, params, values);
}

/*
 * Run a COPY that names one of our formats; false for any other command.
 */
static bool
handle_copy(const StashUtility *utility)
{
	const CopyStmt *copy = (CopyStmt *) utility->statement->utilityStmt;
	const StashExportFormat *format;
	StashExportOptions options;
	StashExport *export;
	RawStmt    *statement;
	Target		target;
	Oid			relid = InvalidOid;
	uint64		nrows;

	if (!IsA(copy, CopyStmt) || copy->is_from ||
		(format = find_format(copy)) == NULL)
		return false;

	read_options(copy, format, &options);
	statement = makeNode(RawStmt);
	statement->stmt_location = utility->statement->stmt_location;
	statement->stmt_len = utility->statement->stmt_len;
	/* analysis scribbles on its input, and this one may be a cached plan's */
	statement->stmt = copy->query != NULL ? copyObject(copy->query) :
		select_table(copy, &relid);
	options.query = pstrdup(utility->text);
	options.statement = statement;
	options.is_file = copy->filename != NULL && !copy->is_program &&
		stash_export_is_arrow_file(copy->filename);
	options.deliver = deliver;
	options.arg = &target;
	export = stash_export_open(&options, format, CurrentMemoryContext);
	open_target(&target, copy, format);
	begin_progress(copy, relid);
	nrows = stash_export_run(export);
	stash_export_close(export);
	close_target(&target);
	pgstat_progress_end_command();
	if (utility->completion != NULL)
		SetQueryCompletion(utility->completion, CMDTAG_COPY, nrows);
	return true;
}

/*
 * Called once when the library is loaded.
 */
void
stash_export_init(void)
{
	stash_utility_handle(handle_copy);
}
