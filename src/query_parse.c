/*-------------------------------------------------------------------------
 *
 * query_parse.c
 *	  Which text is taken as a query, and its parameters.
 *
 * One statement.  Where only what reads is taken, a SELECT that neither writes
 * nor locks; else all that returns rows: also INSERT, UPDATE, DELETE and MERGE
 * with RETURNING, and EXPLAIN, SHOW, FETCH, EXECUTE and CALL.  What is none of
 * them is told by its form, before anything of it is looked up.
 *
 * Where rows are wanted in an order, the statement is put into the FROM of
 * another, as the parser would have it: its text could end in a comment, and
 * errors would point at other places of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/prepare.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "compat.h"
#include "query_parse.h"

/* ---- parameters ---- */

/*
 * The columns of a row as parameters, in the current memory context.
 */
StashQueryParams *
stash_query_read_params(Datum row)
{
	HeapTupleHeader header = DatumGetHeapTupleHeaderCopy(row);
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	StashQueryParams *params = palloc0(sizeof(StashQueryParams));
	HeapTupleData tuple = {0};
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, values, nulls);
	params->types = palloc(sizeof(Oid) * desc->natts);
	params->values = makeParamList(desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		ParamExternData *param = &params->values->params[params->n];

		if (TupleDescAttr(desc, i)->attisdropped)
			continue;
		param->value = values[i];
		param->isnull = nulls[i];
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = TupleDescAttr(desc, i)->atttypid;
		params->types[params->n++] = param->ptype;
	}
	params->values->numParams = params->n;
	ReleaseTupleDesc(desc);
	return params;
}

/*
 * A literal becomes a value of the type that its place in the query has.  It
 * stays that when the query is planned again.
 */
static void
convert_literal(ParamExternData *param, Oid type)
{
	char	   *literal;
	Oid			function;
	Oid			element;

	if (param->ptype != UNKNOWNOID)
		return;
	literal = param->isnull ? NULL : DatumGetCString(param->value);
	/* not used in the query, or where anything may stand */
	if (!OidIsValid(type) || type == UNKNOWNOID)
		type = TEXTOID;
	getTypeInputInfo(type, &function, &element);
	if (literal != NULL)
		stash_catalog_note_text(type, literal);
	param->value = OidInputFunctionCall(function, literal, element, -1);
	param->ptype = type;
}

/*
 * Analyze a statement with literals among its parameters, which get their types
 * from it, as those of PREPARE do.
 */
static List *
analyze_with_literals(RawStmt *statement, const StashQuerySource *source)
{
	StashQueryParams *params = source->params;
	int			n = params->n;
	Oid		   *types = palloc(sizeof(Oid) * n);
	List	   *queries;

	for (int i = 0; i < n; i++)
		types[i] = params->types[i] == UNKNOWNOID ? InvalidOid : params->types[i];
	queries = pg_analyze_and_rewrite_varparams(statement, source->string,
											   &types, &n, NULL);
	if (n > params->n)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("there is no parameter $%d", n),
				 errhint("Give one value for each parameter, as in ROW(1, 'x').")));
	for (int i = 0; i < n; i++)
	{
		if (params->types[i] == UNKNOWNOID)
			convert_literal(&params->values->params[i], types[i]);
	}
	return queries;
}

static List *
analyze(RawStmt *statement, const StashQuerySource *source)
{
	StashQueryParams *params = source->params;
	int			n = params == NULL ? 0 : params->n;

	for (int i = 0; i < n; i++)
	{
		if (params->types[i] == UNKNOWNOID)
			return analyze_with_literals(statement, source);
	}
	return pg_analyze_and_rewrite_fixedparams(statement, source->string,
											  n > 0 ? params->types : NULL, n,
											  NULL);
}

/* ---- what is taken ---- */

static const char *
hint_of_queries(const StashQuerySource *source)
{
	return source->takes_any ?
		"Use SELECT, VALUES, TABLE or WITH, a command with RETURNING, EXPLAIN, SHOW, FETCH, EXECUTE or CALL." :
		"Use SELECT, VALUES, TABLE or WITH ... SELECT.";
}

pg_noreturn static void
throw_no_query(const StashQuerySource *source, const char *command)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot use %s as a query", command),
			 source->takes_any ? errdetail("The query must return rows.") :
			 errdetail("The query must return rows and change nothing."),
			 errhint("%s", hint_of_queries(source))));
}

/* the one statement that the text must be */
static RawStmt *
parse(const StashQuerySource *source)
{
	List	   *statements = pg_parse_query(source->string);

	if (statements == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query is empty"),
				 errhint("%s", hint_of_queries(source))));
	if (list_length(statements) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query has more than one statement"),
				 errdetail("It has %d statements.", list_length(statements)),
				 errhint("Use one call for each of them.")));
	return linitial_node(RawStmt, statements);
}

/* ---- rows in an order ---- */

static Node *
make_column(const StashQueryOrder *order)
{
	ColumnRef  *column = makeNode(ColumnRef);

	/* of two names: one alone could be that of an output column, or a row's */
	column->fields = list_make2(makeString("rows"),
								makeString(pstrdup(order->column)));
	column->location = -1;
	return (Node *) column;
}

/* which of the rows; NULL for all */
static Node *
make_condition(const StashQueryOrder *order)
{
	if (order->is_null)
	{
		NullTest   *test = makeNode(NullTest);

		test->arg = (Expr *) make_column(order);
		test->nulltesttype = IS_NULL;
		test->location = -1;
		return (Node *) test;
	}
	if (order->first != NULL)
	{
		A_Const    *value = makeNode(A_Const);

		value->val.sval.type = T_String;
		value->val.sval.sval = pstrdup(order->first);
		value->location = -1;
		return (Node *) makeA_Expr(AEXPR_OP, order->at_least,
								   make_column(order), (Node *) value, -1);
	}
	return NULL;
}

/*
 * SELECT * FROM (statement) rows [WHERE ...] [ORDER BY rows.column]
 */
static RawStmt *
put_in_order(RawStmt *statement, const StashQueryOrder *order)
{
	RawStmt    *result = makeNode(RawStmt);
	SelectStmt *select = makeNode(SelectStmt);
	RangeSubselect *from = makeNode(RangeSubselect);
	ResTarget  *target = makeNode(ResTarget);
	ColumnRef  *all = makeNode(ColumnRef);
	SortBy	   *sort = makeNode(SortBy);

	if (!IsA(statement->stmt, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot use %s as a query whose rows are ordered",
						CreateCommandName(statement->stmt)),
				 errhint("Use SELECT, VALUES, TABLE or WITH ... SELECT.")));
	from->subquery = statement->stmt;
	from->alias = makeAlias("rows", NIL);
	all->fields = list_make1(makeNode(A_Star));
	all->location = -1;
	target->val = (Node *) all;
	target->location = -1;
	sort->node = make_column(order);
	sort->location = -1;
	select->targetList = list_make1(target);
	select->fromClause = list_make1(from);
	select->whereClause = make_condition(order);
	if (!order->is_null)
		select->sortClause = list_make1(sort);
	*result = *statement;
	result->stmt = (Node *) select;
	return result;
}

/* whether a statement of this form may return rows */
static bool
is_known_form(const StashQuerySource *source, const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
			return true;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_ExplainStmt:
		case T_VariableShowStmt:
		case T_FetchStmt:
		case T_ExecuteStmt:
		case T_CallStmt:
			return source->takes_any;
		default:
			return false;
	}
}

/*
 * Throw unless a command that is no query to the planner returns rows.
 */
static void
check_utility(const StashQuerySource *source, Node *statement)
{
	/* of what is not there the server only says that it returns nothing */
	if (IsA(statement, ExecuteStmt))
		(void) FetchPreparedStatement(((ExecuteStmt *) statement)->name, true);
	else if (IsA(statement, FetchStmt) &&
			 GetPortalByName(((FetchStmt *) statement)->portalname) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_CURSOR),
				 errmsg("cursor \"%s\" does not exist",
						((FetchStmt *) statement)->portalname)));
	if (!source->takes_any || !UtilityReturnsTuples(statement))
		throw_no_query(source, CreateCommandName(statement));
}

/* a command as the server's portals have it */
static PlannedStmt *
wrap_utility(const Query *query)
{
	PlannedStmt *plan = makeNode(PlannedStmt);

	plan->commandType = CMD_UTILITY;
	plan->canSetTag = query->canSetTag;
	plan->utilityStmt = query->utilityStmt;
	plan->stmt_location = query->stmt_location;
	plan->stmt_len = query->stmt_len;
	plan->queryId = query->queryId;
	return plan;
}

/* what the rules of the server have made of a statement: one that returns rows */
static Query *
check_rewritten(const StashQuerySource *source, RawStmt *statement,
				List *queries)
{
	Query	   *query;

	if (list_length(queries) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot use %s as a query where rules make %d statements of it",
						CreateCommandName(statement->stmt), list_length(queries)),
				 errhint("Use triggers in place of the rules.")));
	query = linitial_node(Query, queries);
	if (query->commandType == CMD_UTILITY)
		check_utility(source, query->utilityStmt);
	else if (query->commandType != CMD_SELECT)
	{
		if (!source->takes_any)
			throw_no_query(source, CreateCommandName((Node *) query));
		if (query->returningList == NIL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot use %s without RETURNING as a query",
							CreateCommandName((Node *) query)),
					 errdetail("The query must return rows."),
					 errhint("Add RETURNING and what the query is to return.")));
	}
	else if (query->hasModifyingCTE && !source->takes_any)
		throw_no_query(source, "a data-modifying WITH");
	return query;
}

/*
 * Plan what is to be run; 'options' are the planner's.
 *
 * Freshly planned under the locks of the parser, so it needs no check whether
 * it is still valid.  Values of parameters that were literals are converted.
 *
 * Errors: 42601 not one statement; 0A000 one that is not taken, or whose rows
 * cannot be ordered; 42703 no such column to order by; 34000, 26000
 * no such cursor or prepared statement; 42P02 no such parameter; and those of
 * the server for what it reads.
 */
PlannedStmt *
stash_query_plan(const StashQuerySource *source, int options)
{
	RawStmt    *statement = source->statement != NULL ? source->statement :
	parse(source);
	StashQueryParams *params = source->params;
	Query	   *query;
	PlannedStmt *plan;

	if (!is_known_form(source, statement->stmt))
		throw_no_query(source, CreateCommandName(statement->stmt));
	if (source->order != NULL)
		statement = put_in_order(statement, source->order);
	query = check_rewritten(source, statement, analyze(statement, source));
	if (query->commandType == CMD_UTILITY)
		return wrap_utility(query);
	plan = stash_compat_plan_query(query, source->string, options,
								   params != NULL ? params->values : NULL);
	if (!source->takes_any && !CommandIsReadOnly(plan))
		throw_no_query(source, CreateCommandName((Node *) plan));
	return plan;
}
