/*-------------------------------------------------------------------------
 *
 * export_file.c
 *	  Query results into files of the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "export.h"
#include "server_file.h"

PG_FUNCTION_INFO_V1(pg_hashstash_export_file);

/* the format that is named, or that the end of a path tells */
static const StashExportFormat *
find_format(const char *name, const char *path)
{
	const StashExportFormat *format;

	if (name == NULL)
		name = stash_server_file_format(path);
	format = stash_export_format(name);
	if (format != NULL)
		return format;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 name != NULL ? errmsg("unknown format \"%s\"", name) :
			 errmsg("the name of file \"%s\" tells no format", path),
			 errhint("Formats are jsonl, json and arrow.")));
}

static void
check_profile(const StashExportFormat *format, StashJsonProfile profile)
{
	if (profile != STASH_JSON_DEFAULT && !format->has_profile)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("format %s has no profiles", format->name),
				 errhint("Leave profile out, or use format jsonl or json.")));
}

/* only lines can be gone on with, and only where they are not packed */
static void
check_resumable(const StashExportFormat *format, const char *path)
{
	if (format == &stash_export_jsonl && !stash_server_file_is_packed(path))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 format != &stash_export_jsonl ?
			 errmsg("an export in format %s cannot be resumed", format->name) :
			 errmsg("an export to a packed file cannot be resumed"),
			 errhint("Leave resume_key out, or use format jsonl and a name that does not end in .gz or .zst.")));
}

static void
deliver(StashExport *export, void *arg)
{
	Size		len;
	char	   *data = stash_export_chunk(export, PG_UTF8, &len);

	stash_server_file_write(arg, data, len);
}

/*
 * stash.export_file(query text, path text, format text DEFAULT NULL,
 *					 chunk_rows int4 DEFAULT 10000,
 *					 chunk_bytes int4 DEFAULT 1048576,
 *					 memory_limit int8 DEFAULT NULL, codec text DEFAULT 'none',
 *					 profile text DEFAULT 'default', params record DEFAULT NULL,
 *					 resume_key text DEFAULT NULL)
 *		returns int8
 *
 * Args:    query     as of to_jsonl()
 *          path      absolute; what is there is replaced when all is written;
 *                    .gz or .zst at its end packs it, .arrow or .feather before
 *                    that makes Arrow's file of the stream
 *          format    jsonl, json or arrow; null: what the end of the path says
 *          resume_key  a column of the query by which its rows are ordered:
 *                    what was interrupted is kept, and gone on with by the next
 *                    call of the same query, path and key; null: removed
 *          the rest  as of to_jsonl() and to_arrow()
 * Returns: the number of rows of the file
 * Errors:  42501 without the rights of pg_write_server_files; 42602 for a
 *          relative path; 42809 where something is that is no file; 22023 for
 *          an unknown format, or one that has no profiles; 0A000 for a way of
 *          packing that this build lacks, and a resume_key with other formats
 *          than jsonl; those of the file system, the query and the format, and
 *          of stash_export_resume()
 *
 * Not strict.  Volatile and parallel unsafe.
 */
Datum
pg_hashstash_export_file(PG_FUNCTION_ARGS)
{
	const StashExportArgs args = {
		.chunk_rows = 3,.codec = 6,.profile = 7,.params = 8
	};
	const StashExportFormat *format;
	StashExportOptions options;
	StashServerFile *file;
	StashExport *export;
	char	   *path;
	int64		nrows;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("path must not be null")));
	path = text_to_cstring(PG_GETARG_TEXT_PP(1));
	format = find_format(PG_ARGISNULL(2) ? NULL :
						 text_to_cstring(PG_GETARG_TEXT_PP(2)), path);
	stash_export_get_options(fcinfo, &args, &options);
	check_profile(format, options.profile);
	if (!PG_ARGISNULL(9))
	{
		check_resumable(format, path);
		PG_RETURN_INT64(stash_export_resume(&options, path,
											text_to_cstring(PG_GETARG_TEXT_PP(9))));
	}
	options.is_file = stash_export_is_arrow_file(path);
	file = stash_server_file_create(path);
	options.deliver = deliver;
	options.arg = file;
	export = stash_export_open(&options, format, CurrentMemoryContext);
	nrows = stash_export_run(export);
	stash_export_close(export);
	stash_server_file_finish(file);
	PG_RETURN_INT64(nrows);
}
