/*-------------------------------------------------------------------------
 *
 * export_estimate.c
 *	  What an export would be: its rows and bytes, before it is made.
 *
 * The planner tells how many rows a query has, and how wide its columns are on
 * average.  What that makes in JSON is estimated by the type of a column; what
 * it makes in Arrow is known but for texts and arrays.  doc/operations.md has
 * the formulas and how far off they may be.
 *
 * With a sample some rows are really written in both formats, and counted.
 * They are those of blocks that are spread over the table where the query reads
 * one table and nothing else; or the first ones.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "arrow_column.h"
#include "arrow_datum.h"
#include "compat.h"
#include "export.h"
#include "json.h"
#include "json_datum.h"
#include "query.h"

PG_FUNCTION_INFO_V1(pg_hashstash_estimate);

#define ARROW_BATCH		262144	/* bytes, as of to_arrow unless it is said */
#define UNKNOWN_WIDTH	16		/* of what varies and has no statistics */
#define SAMPLE_BYTES	(64 * 1024 * 1024)	/* a sample ends then */
#define SAMPLE_FACTOR	4		/* and with so many times the rows wanted */

/* Of one row, on average; of all rows, the number. */
typedef struct Estimate
{
	double		nrows;
	double		row_bytes;
	double		json_bytes;
	double		arrow_bytes;
	double		arrow_schema;	/* of the stream, once */
	double		arrow_batch;	/* of each batch */
} Estimate;

/* A sample being taken; it is its own receiver. */
typedef struct Sample
{
	DestReceiver receiver;		/* must be first */
	StashJsonRow *row;
	StashArrowColumns *columns;
	MemoryContext row_context;	/* reset after each row */
	StringInfoData buf;			/* of a row in JSON */
	int64		wanted;			/* rows; it ends with them */
	int64		nrows;
	double		row_bytes;
	double		json_bytes;
	double		arrow_bytes;
	bool		is_stopped;		/* before the end of the query */
} Sample;

/*
 * Characters of a value in JSON, by its type and its bytes without header.
 */
static double
json_width(const StashArrowBuilder *column, double width)
{
	double		one;

	switch (column->typid)
	{
		case BOOLOID:
			return 5;
		case INT2OID:
			return 4;
		case INT4OID:
		case OIDOID:
			return 6;
		case INT8OID:
			return 8;
		case FLOAT4OID:
			return 8;
		case FLOAT8OID:
			return 12;
		case NUMERICOID:
			/* two bytes for four digits, of which some are zeros */
			return Max(1, 1.5 * (width - 2) + 1);
		case DATEOID:
			return 12;
		case TIMEOID:
			return 17;
		case TIMETZOID:
			return 20;
		case TIMESTAMPOID:
			return 28;
		case TIMESTAMPTZOID:
			return 34;
		case INTERVALOID:
			return 18;
		case UUIDOID:
			return 38;
		case NAMEOID:
			return 16;
		case BYTEAOID:
			return 2 * width + 5;
		case JSONOID:
		case JSONBOID:
			return width;
		default:
			break;
	}
	if (column->kind == STASH_ARROW_KIND_ENUM)
		return 10;
	if (column->kind == STASH_ARROW_KIND_LIST)
	{
		/* a varlena among the elements has a header of four bytes */
		one = column->children[0].typlen > 0 ? column->children[0].typlen : 12;
		return 2 + Max(0, width - 20) / one *
			(1 + json_width(&column->children[0], Max(0, one - 4)));
	}
	if (column->kind == STASH_ARROW_KIND_STRUCT)
	{
		one = 1;
		for (int i = 0; i < column->nchildren; i++)
			one += 4 + strlen(NameStr(TupleDescAttr(column->desc, i)->attname)) +
				json_width(&column->children[i], UNKNOWN_WIDTH);
		return one;
	}
	return 2 + width;
}

/* what a value takes in Arrow beside what each value of the column does */
static double
arrow_width(const StashArrowBuilder *column, double width)
{
	double		one;

	if (column->kind == STASH_ARROW_KIND_NUMERIC)
		return json_width(column, width);
	if (column->kind == STASH_ARROW_KIND_LIST)
	{
		one = column->children[0].typlen > 0 ? column->children[0].typlen : 12;
		return Max(0, width - 20) / one *
			(column->children[0].bits / 8.0 +
			 arrow_width(&column->children[0], Max(0, one - 4)));
	}
	return STASH_ARROW_HAS_BYTES(column->kind) ? width : 0;
}

/* the average bytes of a column's values, with their header */
static double
column_width(const TargetEntry *entry)
{
	int32		width = 0;

	if (OidIsValid(entry->resorigtbl))
		width = get_attavgwidth(entry->resorigtbl, entry->resorigcol);
	if (width <= 0)
		width = get_typavgwidth(exprType((Node *) entry->expr),
								exprTypmod((Node *) entry->expr));
	return width;
}

/* the share of nulls in a column, as far as the caller may know of it */
static double
null_share(const TargetEntry *entry)
{
	Oid			relid = entry->resorigtbl;
	HeapTuple	tuple;
	double		share;

	if (!OidIsValid(relid) ||
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		 pg_attribute_aclcheck(relid, entry->resorigcol, GetUserId(),
							   ACL_SELECT) != ACLCHECK_OK) ||
		check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return 0;
	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
							Int16GetDatum(entry->resorigcol),
							BoolGetDatum(false));
	if (!HeapTupleIsValid(tuple))
		return 0;
	share = ((Form_pg_statistic) GETSTRUCT(tuple))->stanullfrac;
	ReleaseSysCache(tuple);
	return share;
}

/*
 * What the planner says of a query, and what that makes.
 */
static void
ask_planner(const char *query, Estimate *estimate)
{
	DestReceiver nowhere = {0};
	StashQuery *opened = stash_query_open(query, STASH_QUERY_NEVER, &nowhere);
	TupleDesc	desc = stash_query_desc(opened);
	const Plan *plan = stash_query_top(opened);
	StashArrowColumns *columns = stash_arrow_make_columns(desc);
	StringInfoData schema;
	ListCell   *cell;
	int			i = 0;

	memset(estimate, 0, sizeof(*estimate));
	estimate->nrows = plan->plan_rows;
	estimate->row_bytes = plan->plan_width;
	/* braces and line feed; quotes, colon and comma of each column */
	estimate->json_bytes = 3;
	estimate->arrow_bytes = columns->root.bits / 8.0;
	foreach(cell, plan->targetlist)
	{
		TargetEntry *entry = lfirst(cell);
		const StashArrowBuilder *column;
		double		width;
		double		nulls;

		if (entry->resjunk)
			continue;
		column = &columns->root.children[i];
		width = column_width(entry);
		if (column->typlen == -1)
			width = Max(0, width - (width <= 127 ? 1 : 4));
		nulls = null_share(entry);
		estimate->json_bytes += strlen(NameStr(TupleDescAttr(desc, i)->attname)) +
			3 + (i > 0 ? 1 : 0) + 4 * nulls +
			(1 - nulls) * json_width(column, width);
		estimate->arrow_bytes += (1 - nulls) * arrow_width(column, width);
		i++;
	}
	initStringInfo(&schema);
	stash_arrow_write_schema(columns, &schema, 0);
	estimate->arrow_schema = schema.len;
	estimate->arrow_batch = columns->overhead;
	stash_query_close(opened);
}

/* bytes of a row's values in memory, toasted ones as they are when read */
static double
row_size(TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	double		size = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		int16		len = TupleDescAttr(desc, i)->attlen;
		Datum		value = slot->tts_values[i];

		if (slot->tts_isnull[i])
			continue;
		if (len == -1)
			size += toast_raw_datum_size(value);
		else if (len == -2)
			size += strlen(DatumGetCString(value)) + 1;
		else
			size += len;
	}
	return size;
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	Sample	   *sample = (Sample *) self;
	double		before = stash_arrow_size(sample->columns);
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);

	old = MemoryContextSwitchTo(sample->row_context);
	sample->row_bytes += row_size(slot);
	resetStringInfo(&sample->buf);
	stash_json_put_row(sample->row, &sample->buf, slot->tts_values,
					   slot->tts_isnull);
	sample->json_bytes += sample->buf.len + 1;
	stash_arrow_put_row(sample->columns, slot->tts_values, slot->tts_isnull);
	sample->arrow_bytes += stash_arrow_size(sample->columns) - before;
	if (stash_arrow_size(sample->columns) > ARROW_BATCH)
		stash_arrow_clear(sample->columns);
	MemoryContextSwitchTo(old);
	MemoryContextReset(sample->row_context);

	sample->nrows++;
	sample->is_stopped = sample->nrows >= sample->wanted ||
		sample->json_bytes >= SAMPLE_BYTES;
	return !sample->is_stopped;
}

static Node *
make_number(char *digits)
{
	A_Const    *number = makeNode(A_Const);

	number->val.fval.type = T_Float;
	number->val.fval.fval = digits;
	number->location = -1;
	return (Node *) number;
}

/*
 * The query with a share of its table instead of the whole: if it reads one
 * table and its rows do not depend on how many there are; else NULL.
 */
static RawStmt *
take_share(const char *query, double percent)
{
	List	   *statements = pg_parse_query(query);
	RawStmt    *statement = linitial_node(RawStmt, statements);
	SelectStmt *select = (SelectStmt *) statement->stmt;
	RangeTableSample *share = makeNode(RangeTableSample);
	RangeVar   *table;
	Oid			relid;
	char		kind;

	if (select->op != SETOP_NONE || select->withClause != NULL ||
		select->distinctClause != NIL || select->groupClause != NIL ||
		select->havingClause != NULL || select->limitCount != NULL ||
		select->limitOffset != NULL || list_length(select->fromClause) != 1 ||
		!IsA(linitial(select->fromClause), RangeVar))
		return NULL;
	table = linitial(select->fromClause);
	relid = RangeVarGetRelid(table, NoLock, true);
	kind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';
	if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW &&
		kind != RELKIND_PARTITIONED_TABLE)
		return NULL;

	share->relation = (Node *) table;
	share->method = list_make2(makeString("pg_catalog"), makeString("system"));
	share->args = list_make1(make_number(psprintf("%.17g", percent)));
	/* the same blocks each time */
	share->repeatable = make_number("1");
	share->location = -1;
	linitial(select->fromClause) = share;
	return statement;
}

/*
 * Write rows of a query, or of 'statement', which was made of it.
 */
static void
take_sample(const char *query, RawStmt *statement, int64 wanted, Sample *sample)
{
	StashQuerySource source = {.string = query,.statement = statement};
	StashQuery *opened;

	memset(sample, 0, sizeof(*sample));
	stash_query_init_receiver(&sample->receiver, receive_row, NULL);
	sample->wanted = wanted;
	opened = stash_query_open_source(&source, STASH_QUERY_IN_PIECES,
									 &sample->receiver);
	sample->row = stash_json_make_row(stash_query_desc(opened), STASH_JSON_DEFAULT);
	sample->columns = stash_arrow_make_columns(stash_query_desc(opened));
	sample->row_context = AllocSetContextCreate(CurrentMemoryContext,
												"pg_hashstash sampled row",
												ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&sample->buf);
	stash_query_run(opened);
	stash_query_close(opened);
}

/*
 * Put what a sample has in the place of what the planner thinks.
 */
static void
ask_rows(const char *query, int sample_rows, Estimate *estimate)
{
	RawStmt    *statement = NULL;
	Sample		sample = {0};

	if (estimate->nrows > sample_rows)
		statement = take_share(query, 100.0 * sample_rows / estimate->nrows);
	if (statement != NULL)
		take_sample(query, statement, (int64) SAMPLE_FACTOR * sample_rows,
					&sample);
	if (sample.nrows == 0)
	{
		/* one more row would tell that these are not all */
		statement = NULL;
		take_sample(query, NULL, (int64) sample_rows + 1, &sample);
	}

	if (statement == NULL && !sample.is_stopped)
		estimate->nrows = sample.nrows;
	else
		estimate->nrows = Max(estimate->nrows, sample.nrows);
	if (sample.nrows > 0)
	{
		estimate->row_bytes = sample.row_bytes / sample.nrows;
		estimate->json_bytes = sample.json_bytes / sample.nrows;
		estimate->arrow_bytes = sample.arrow_bytes / sample.nrows;
	}
}

/* as what a number of bytes or rows is given */
static int64
whole(double value)
{
	return value < 9e18 ? (int64) rint(value) : PG_INT64_MAX;
}

/*
 * stash.estimate(query text, sample_rows int4 DEFAULT 0,
 *				  chunk_bytes int4 DEFAULT 1048576)
 *		returns (estimated_rows int8, row_bytes int8, json_bytes int8,
 *				 arrow_bytes int8, recommended_chunk_rows int4,
 *				 recommended_chunks int8)
 *
 * Args:    query        one SELECT, VALUES, TABLE or WITH ... SELECT
 *          sample_rows  0: the query is planned and not run; else about so many
 *                       of its rows are written to measure them
 *          chunk_bytes  what a chunk should have
 * Returns: rows by the planner, or exactly when a sample had all; bytes of a row
 *          in the server, of all rows in JSON Lines and in Arrow; chunk_rows so
 *          that a chunk has chunk_bytes of JSON, and how many chunks that makes
 * Errors:  22004 null argument; 22023 number out of range; 42501 no right to
 *          run the query; those of stash.to_jsonl() for queries that are none
 *
 * Not strict.  Volatile and parallel unsafe, because a sample runs the query.
 */
Datum
pg_hashstash_estimate(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	StashExportOptions options;
	Estimate	estimate;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {false};
	double		arrow;
	double		chunk_rows;
	int			sample_rows;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments must not be null")));
	sample_rows = PG_GETARG_INT32(1);
	if (sample_rows < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for sample_rows: %d", sample_rows),
				 errhint("Use 0 to have the planner's estimate only.")));
	options = (StashExportOptions)
	{
		.chunk_rows = 1,.chunk_bytes = PG_GETARG_INT32(2),.memory_limit = PG_INT64_MAX
	};
	stash_export_check_options(&options);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pg_hashstash estimate",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	options.query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ask_planner(options.query, &estimate);
	if (sample_rows > 0)
		ask_rows(options.query, sample_rows, &estimate);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	arrow = estimate.nrows * estimate.arrow_bytes;
	arrow += estimate.arrow_schema +
		(estimate.nrows > 0 ? ceil(arrow / ARROW_BATCH) : 0) * estimate.arrow_batch;
	chunk_rows = Min(Max(floor(options.chunk_bytes / estimate.json_bytes), 1),
					 PG_INT32_MAX);
	values[0] = Int64GetDatum(whole(estimate.nrows));
	values[1] = Int64GetDatum(whole(estimate.row_bytes));
	values[2] = Int64GetDatum(whole(estimate.nrows * estimate.json_bytes));
	values[3] = Int64GetDatum(whole(arrow));
	values[4] = Int32GetDatum((int32) chunk_rows);
	values[5] = Int64GetDatum(whole(ceil(estimate.nrows / chunk_rows)));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
