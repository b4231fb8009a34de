/*-------------------------------------------------------------------------
 *
 * export_resume.c
 *	  Exports of JSON Lines that go on where they were interrupted.
 *
 * Rows are written in the order of a key.  Whatever interrupts that, the file
 * is kept.  The next call cuts off what is no whole line, reads the key of the
 * last one, and asks for the rows from there on: that row once more, which is
 * passed over, so that another one of the same key is noticed.
 *
 * Of a crash of the machine a file may have holes, which read as zeros.  JSON
 * has none, so all of the file is read, and cut at the first.  That also gives
 * the number of its rows, and costs little beside what made them.
 *
 * What a file is of is said by its label: a digest of each thing on which its
 * bytes depend.  Another export does not go on with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "export.h"
#include "hash.h"
#include "hash_datum.h"
#include "json_datum.h"
#include "json_read.h"
#include "server_file.h"
#include "typeio.h"

/* The column by which rows are ordered. */
typedef struct Key
{
	const char *name;
	int			attno;			/* from 0 */
	Oid			type;			/* never a domain */
	Oid			collation;
	TypeCacheEntry *cache;		/* of the type */
} Key;

typedef struct Resume
{
	Key			key;
	StashServerFile *file;
	StashQueryOrder order;
	StashQueryReceive receive;	/* the format's */
	bool		has_last;
	bool		may_repeat;		/* the row that was read last is expected */
	Datum		last;			/* key of the row before; in 'context' */
	MemoryContext context;		/* of all of this */
} Resume;

/* The whole lines of a file. */
typedef struct Lines
{
	int64		count;
	uint64		last;			/* where the last one begins */
	uint64		end;			/* of the last one */
} Lines;

/* Takes rows only to say that there was one. */
typedef struct Finder
{
	DestReceiver receiver;		/* must be first */
	bool		found;
} Finder;

/* what text of values depends on, and which objects a query names */
static const char *const settings[] = {
	"search_path", "TimeZone", "DateStyle", "IntervalStyle",
	"extra_float_digits", "bytea_output", "lc_monetary"
};

/* ---- the key ---- */

pg_noreturn static void
throw_unusable(const Key *key, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("an export cannot be resumed by column \"%s\"", key->name),
			 errdetail_internal("%s", detail),
			 errhint("Name a column of whole numbers, text or uuid, or use profile lossless.")));
}

/*
 * Find the key among the columns; throws where its values could not be read
 * back, or have no order.
 */
static void
find_key(Key *key, TupleDesc desc, StashJsonProfile profile)
{
	while (strcmp(NameStr(TupleDescAttr(desc, key->attno)->attname), key->name) != 0)
		key->attno++;			/* the parser has found it, and only one */
	key->type = getBaseType(TupleDescAttr(desc, key->attno)->atttypid);
	key->collation = TupleDescAttr(desc, key->attno)->attcollation;
	if (!stash_json_reads_back(key->type, profile))
		throw_unusable(key, "Values of its type do not come back from how they are written.");
	key->cache = lookup_type_cache(key->type, TYPECACHE_BTREE_OPFAMILY |
								   TYPECACHE_CMP_PROC_FINFO);
	if (!OidIsValid(key->cache->cmp_proc_finfo.fn_oid))
		throw_unusable(key, "Its type has no order.");
}

/* the name of the operator >= of the order */
static List *
find_at_least(const Key *key)
{
	Oid			operator = get_opfamily_member(key->cache->btree_opf,
											   key->cache->btree_opintype,
											   key->cache->btree_opintype,
											   BTGreaterEqualStrategyNumber);
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	List	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "type %u has no operator >=", key->type);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = list_make2(makeString(get_namespace_name(form->oprnamespace)),
					  makeString(pstrdup(NameStr(form->oprname))));
	ReleaseSysCache(tuple);
	return name;
}

static void
keep_key(Resume *resume, Datum value)
{
	TypeCacheEntry *cache = resume->key.cache;
	MemoryContext old = MemoryContextSwitchTo(resume->context);

	if (resume->has_last && !cache->typbyval)
		pfree(DatumGetPointer(resume->last));
	resume->last = datumCopy(value, cache->typbyval, cache->typlen);
	resume->has_last = true;
	MemoryContextSwitchTo(old);
}

pg_noreturn static void
throw_null(const Key *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("column \"%s\" is null in a row", key->name),
			 errdetail("An export is resumed by a column that has a value in each row."),
			 errhint("Name another column, or leave such rows out of the query.")));
}

pg_noreturn static void
throw_twice(const Key *key, Datum value)
{
	Oid			function;
	bool		is_varlena;

	getTypeOutputInfo(key->type, &function, &is_varlena);
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("column \"%s\" has one value in several rows", key->name),
			 errdetail("The value is %s; an export is resumed by a column that is unique.",
					   OidOutputFunctionCall(function, value)),
			 errhint("Name another column.")));
}

/*
 * Hand a row on to the format, if it is a new one.
 */
static bool
receive_in_order(TupleTableSlot *slot, DestReceiver *self)
{
	StashExport *export = (StashExport *) self;
	Resume	   *resume = export->options.arg;
	Key		   *key = &resume->key;
	bool		isnull;
	Datum		value = slot_getattr(slot, key->attno + 1, &isnull);
	bool		may_repeat = resume->may_repeat;
	int			order = -1;

	if (isnull)
		throw_null(key);
	resume->may_repeat = false;
	if (resume->has_last)
	{
		MemoryContext old = MemoryContextSwitchTo(export->row_context);

		order = DatumGetInt32(FunctionCall2Coll(&key->cache->cmp_proc_finfo,
												key->collation, resume->last,
												value));
		MemoryContextSwitchTo(old);
		MemoryContextReset(export->row_context);
	}
	if (order > 0)
		elog(ERROR, "rows are not in the order of column \"%s\"", key->name);
	if (order == 0 && !may_repeat)
		throw_twice(key, value);
	if (order == 0)
		return true;
	keep_key(resume, value);
	return resume->receive(slot, self);
}

/* ---- what a file is of ---- */

static void
put_digest(StringInfo label, const char *name, const void *data, Size len)
{
	StashHash128 hash = stash_hash_bytes128(data, len);

	appendStringInfo(label, "%s ", name);
	for (int i = 0; i < lengthof(hash.data); i++)
		appendStringInfo(label, "%02x", hash.data[i]);
	appendStringInfoChar(label, '\n');
}

/* the values of parameters, before any of them was converted */
static void
put_params(StringInfo data, const StashQueryParams *params)
{
	for (int i = 0; params != NULL && i < params->n; i++)
	{
		ParamExternData *param = &params->values->params[i];
		StashHash128 hash;

		if (param->isnull)
		{
			appendStringInfo(data, "%u null,", params->types[i]);
			continue;
		}
		if (params->types[i] == UNKNOWNOID)
			hash = stash_hash_bytes128(DatumGetCString(param->value),
									   strlen(DatumGetCString(param->value)));
		else
			hash = stash_hash_value(stash_type_lookup(params->types[i], -1),
									param->value, false);
		appendStringInfo(data, "%u ", params->types[i]);
		appendBinaryStringInfo(data, (char *) hash.data, sizeof(hash.data));
	}
}

static void
put_columns(StringInfo data, TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		appendStringInfo(data, "%s %u %d %u\n", NameStr(attribute->attname),
						 attribute->atttypid, attribute->atttypmod,
						 attribute->attcollation);
	}
}

/*
 * A line for each thing on which the bytes of the file depend.  What it says of
 * parameters it is given as it was before the query was read.
 */
static char *
make_label(const StashExportOptions *options, const Key *key, TupleDesc desc,
		   StringInfo params)
{
	StringInfoData label;
	StringInfoData data;

	initStringInfo(&label);
	initStringInfo(&data);
	appendStringInfoString(&label, "pg_hashstash export 1\n");
	put_digest(&label, "query", options->query, strlen(options->query));
	put_digest(&label, "params", params->data, params->len);
	put_digest(&label, "resume_key", key->name, strlen(key->name));
	appendStringInfo(&label, "profile %d\n", (int) options->profile);
	appendStringInfo(&label, "role %u of database %u\n", GetUserId(), MyDatabaseId);
	put_columns(&data, desc);
	put_digest(&label, "columns", data.data, data.len);
	for (int i = 0; i < lengthof(settings); i++)
	{
		const char *value = GetConfigOption(settings[i], false, false);

		put_digest(&label, settings[i], value, strlen(value));
	}
	return label.data;
}

pg_noreturn static void
throw_other(StashServerFile *file, const char *differs)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("file \"%s\" is of another export",
					stash_server_file_kept_as(file)),
			 differs != NULL ? errdetail("They differ in: %s.", differs) :
			 errdetail("It has no label that says of which."),
			 errhint("Go on with that one, remove the file, or export to another path.")));
}

/*
 * Throw unless a file's label is the one that it should have.
 */
static void
check_label(StashServerFile *file, const char *wanted)
{
	const char *found = stash_server_file_label(file);
	const char *line = wanted;

	if (found == NULL)
		throw_other(file, NULL);
	if (strcmp(found, wanted) == 0)
		return;
	for (int i = 0; wanted[i] != '\0' && wanted[i] == found[i]; i++)
	{
		if (wanted[i] == '\n')
			line = wanted + i + 1;
	}
	throw_other(file, *line == '\0' || line == wanted ? "their form" :
				pnstrdup(line, strcspn(line, " ")));
}

/* ---- what a file has ---- */

static void
find_lines(StashServerFile *file, Lines *lines)
{
	StringInfoData buf;
	int			used = 0;
	uint64		at = 0;
	bool		is_whole = true;

	initStringInfo(&buf);
	memset(lines, 0, sizeof(Lines));
	while (is_whole && stash_server_file_read(file, &buf, &used))
	{
		const char *end = memchr(buf.data, '\0', buf.len);
		const char *from = buf.data;

		is_whole = end == NULL;
		if (is_whole)
			end = buf.data + buf.len;
		while ((from = memchr(from, '\n', end - from)) != NULL)
		{
			from++;
			lines->count++;
			lines->last = lines->end;
			lines->end = at + (from - buf.data);
		}
		at += buf.len;
		used = buf.len;
	}
	pfree(buf.data);
}

pg_noreturn static void
throw_damaged(StashServerFile *file)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("file \"%s\" cannot be gone on with",
					stash_server_file_kept_as(file)),
			 errdetail("Its last line has no value of the column by which it is ordered."),
			 errhint("Remove it, or export to another path.")));
}

/* what stands between the quotes of a string in UTF-8, or a number */
static char *
text_of(StashServerFile *file, const StashJsonPiece *piece)
{
	char	   *text = palloc(piece->len + 1);
	Size		len = piece->len;

	if (!piece->is_escaped)
		memcpy(text, piece->data, len);
	else if (!stash_json_unescape(piece, text, &len))
		throw_damaged(file);
	text[len] = '\0';
	return pg_any_to_server(text, (int) len, PG_UTF8);
}

/*
 * The text of the key in the last whole line.
 */
static char *
read_last_key(StashServerFile *file, const Lines *lines, const Key *key)
{
	StringInfoData buf;
	Size		len = lines->end - lines->last;
	StashJsonReader reader;
	StashJsonMember member;
	char	   *found = NULL;
	int			used = 0;

	if (len > MaxAllocSize / 2)
		throw_damaged(file);
	initStringInfo(&buf);
	enlargeStringInfo(&buf, (int) len);
	stash_server_file_seek(file, lines->last);
	while (buf.len < len)
	{
		if (!stash_server_file_read(file, &buf, &used))
			throw_damaged(file);
	}
	if (!stash_json_open(&reader, buf.data, len - 1))
		throw_damaged(file);
	while (found == NULL && stash_json_next(&reader, &member))
	{
		if (strcmp(text_of(file, &member.key), key->name) != 0)
			continue;
		if (member.kind == STASH_JSON_NULL || member.kind == STASH_JSON_OBJECT ||
			member.kind == STASH_JSON_ARRAY)
			throw_damaged(file);
		found = text_of(file, &member.value);
	}
	if (found == NULL)
		throw_damaged(file);
	pfree(buf.data);
	return found;
}

/* ---- resuming ---- */

static bool
receive_any(TupleTableSlot *slot, DestReceiver *self)
{
	((Finder *) self)->found = true;
	return false;
}

/*
 * Throw where the key is null in a row: a condition on it would leave that out.
 */
static void
check_no_null(const StashExportOptions *options, const Key *key)
{
	const StashQueryOrder order = {.column = key->name,.is_null = true};
	const StashQuerySource source = {
		.string = options->query,.params = options->params,.order = &order,
		.takes_any = true
	};
	Finder		finder = {.found = false};
	StashQuery *query;

	stash_query_init_receiver(&finder.receiver, receive_any, NULL);
	query = stash_query_open_source(&source, STASH_QUERY_IN_PIECES,
									&finder.receiver);
	stash_query_run(query);
	stash_query_close(query);
	if (finder.found)
		throw_null(key);
}

/*
 * Look at the columns of the query, and find out what the label of its file is.
 */
static char *
inspect_query(StashExportOptions *options, Resume *resume)
{
	const StashQuerySource source = {
		.string = options->query,.params = options->params,
		.order = &resume->order,.takes_any = true
	};
	StringInfoData params;
	StashQuery *query;
	TupleDesc	desc;
	char	   *label;

	initStringInfo(&params);
	put_params(&params, options->params);
	query = stash_query_open_source(&source, STASH_QUERY_NEVER, None_Receiver);
	desc = stash_query_desc(query);
	find_key(&resume->key, desc, options->profile);
	label = make_label(options, &resume->key, desc, &params);
	stash_query_close(query);
	return label;
}

/*
 * Open the file, and find the row to go on behind.  Returns how many rows there
 * are already.
 */
static int64
open_file(StashExportOptions *options, Resume *resume, const char *path,
		  const char *label)
{
	Lines		lines;
	Oid			function;
	Oid			element;

	resume->file = stash_server_file_resume(path);
	if (stash_server_file_size(resume->file) > 0)
		check_label(resume->file, label);
	find_lines(resume->file, &lines);
	if (lines.count == 0)
		stash_server_file_set_label(resume->file, label);
	else
	{
		resume->order.first = read_last_key(resume->file, &lines, &resume->key);
		resume->order.at_least = find_at_least(&resume->key);
		getTypeInputInfo(resume->key.type, &function, &element);
		keep_key(resume, OidInputFunctionCall(function,
											  pstrdup(resume->order.first),
											  element, -1));
		resume->may_repeat = true;
		check_no_null(options, &resume->key);
	}
	stash_server_file_cut(resume->file, lines.end);
	return lines.count;
}

static void
deliver(StashExport *export, void *arg)
{
	Size		len;
	char	   *data = stash_export_chunk(export, PG_UTF8, &len);

	stash_server_file_write(((Resume *) arg)->file, data, len);
}

/*
 * Export JSON Lines to a file in the order of a column, or go on with that.
 *
 * Returns the number of rows of the file.  Errors: 0A000 where the query is no
 * SELECT, or the column's values do not read back; 42703 no such column; 22004
 * a null in it, 23505 a value twice; 55000 where the file that is kept is of
 * another export or cannot be gone on with; and those of the query, of
 * stash_server_file_resume() and of the file system.
 */
int64
stash_export_resume(StashExportOptions *options, const char *path,
					const char *key)
{
	Resume	   *resume = palloc0(sizeof(Resume));
	StashExport *export;
	char	   *label;
	int64		nrows;

	resume->context = CurrentMemoryContext;
	resume->key.name = key;
	resume->order.column = key;
	label = inspect_query(options, resume);
	nrows = open_file(options, resume, path, label);
	options->order = &resume->order;
	options->deliver = deliver;
	options->arg = resume;
	export = stash_export_open(options, &stash_export_jsonl, resume->context);
	resume->receive = export->receiver.receiveSlot;
	export->receiver.receiveSlot = receive_in_order;
	nrows += stash_export_run(export);
	stash_export_close(export);
	stash_server_file_finish(resume->file);
	return nrows;
}
