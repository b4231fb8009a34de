/*-------------------------------------------------------------------------
 *
 * memo_mention.c
 *	  Functions and relations that a query names, whatever its plan has of them.
 *
 * The planner leaves out what the values of parameters make superfluous: a
 * function that is STRICT, of a NULL, or what COALESCE, CASE and OR do not come
 * to.  The answer depends on it all the same: another definition of the function
 * may not be STRICT, and what is left out has a part in deciding the types.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/functions.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "attempt.h"
#include "compat.h"
#include "memo.h"

static bool mention(Node *node, void *context);

static bool
mention_function(Oid function, void *context)
{
	StashMemoMentions *mentions = context;

	if (function >= FirstNormalObjectId)
		mentions->functions = list_append_unique_oid(mentions->functions, function);
	return false;
}

/* the planner adds the defaults of arguments that a call leaves out */
static void
mention_defaults(FuncExpr *call, StashMemoMentions *mentions)
{
	HeapTuple	tuple;
	bool		isnull;
	Datum		defaults;

	if (call->funcid < FirstNormalObjectId ||
		list_member_oid(mentions->functions, call->funcid))
		return;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	if (!HeapTupleIsValid(tuple))
		return;
	defaults = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargdefaults, &isnull);
	(void) mention_function(call->funcid, mentions);
	if (!isnull)
		(void) mention(stringToNode(TextDatumGetCString(defaults)), mentions);
	ReleaseSysCache(tuple);
}

static void
mention_type(Oid type, StashMemoMentions *mentions)
{
	if (type >= FirstNormalObjectId)
		mentions->types = list_append_unique_oid(mentions->types, type);
}

/* of the columns that a function's record, XMLTABLE or JSON_TABLE is to have */
static void
mention_columns(const List *types, StashMemoMentions *mentions)
{
	ListCell   *cell;

	foreach(cell, types)
		mention_type(lfirst_oid(cell), mentions);
}

/* of most constants that is known at once */
static bool
is_plain(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case UNKNOWNOID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
			return true;
		default:
			return false;
	}
}

/* a value that is, or has in it, what catalogs name, or a time of today's zone */
static void
mention_value(const Const *constant, StashMemoMentions *mentions)
{
	StashMemoPlan facts = {0};

	if (constant->constisnull || is_plain(constant->consttype))
		return;
	mentions->asks_session |= stash_memo_holds_zone(constant->consttype);
	if (!stash_memo_holds_names(constant->consttype))
		return;
	/* its conditions are looked at when a target has it */
	if (constant->consttype == REGTYPEOID &&
		get_typtype(DatumGetObjectId(constant->constvalue)) != '\0')
	{
		mention_type(DatumGetObjectId(constant->constvalue), mentions);
		return;
	}
	stash_memo_plan_name(&facts, constant->consttype, constant->constvalue);
	mentions->asks_session |= facts.asks_session;
	mentions->relations = list_concat_unique_oid(mentions->relations, facts.named);
	mentions->functions = list_concat_unique_oid(mentions->functions, facts.functions);
}

/* the types by which an expression is made, be they gone from its plan */
static void
mention_types(const Node *node, StashMemoMentions *mentions)
{
	if (IsA(node, Const))
		mention_value((const Const *) node, mentions);
	switch (nodeTag(node))
	{
		case T_Const:
		case T_Var:
		case T_Param:
		case T_FuncExpr:
		case T_OpExpr:
		case T_Aggref:
		case T_WindowFunc:
		case T_FieldSelect:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_CoerceToDomain:
		case T_RowExpr:
		case T_ArrayExpr:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
			mention_type(exprType(node), mentions);
			break;
		case T_RangeTblFunction:
			mention_columns(((const RangeTblFunction *) node)->funccoltypes, mentions);
			break;
		case T_TableFunc:
			mention_columns(((const TableFunc *) node)->coltypes, mentions);
			break;
		default:
			break;
	}
}

static bool
mention(Node *node, void *context)
{
	StashMemoMentions *mentions = context;

	if (node == NULL)
		return false;
	mention_types(node, mentions);
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *cell;

		foreach(cell, query->rtable)
		{
			Oid			relid = lfirst_node(RangeTblEntry, cell)->relid;

			if (OidIsValid(relid))
				mentions->relations = list_append_unique_oid(mentions->relations, relid);
		}
		return query_tree_walker(query, mention, context, 0);
	}
	if (IsA(node, FuncExpr))
		mention_defaults((FuncExpr *) node, mentions);
	/* those that a cast by the text of a value calls the plan tells */
	if (!IsA(node, CoerceViaIO))
		(void) check_functions_in_node(node, mention_function, context);
	return expression_tree_walker(node, mention, context);
}

/*
 * Add to '*mentions' the functions and types of users and the relations that a
 * query, an expression or a list of such names.  Lists are allocated in the current
 * memory context.
 */
void
stash_memo_mention(StashMemoMentions *mentions, Node *node)
{
	(void) mention(node, mentions);
}

/* ---- functions in SQL that are put in place of their calls ---- */

/* the body of a function, to be read */
typedef struct Body
{
	HeapTuple	tuple;
	StashMemoMentions *mentions;
} Body;

static void
read_text(HeapTuple tuple, const char *text, StashMemoMentions *mentions)
{
	SQLFunctionParseInfoPtr info = prepare_sql_fn_parse_info(tuple, NULL, InvalidOid);
	ListCell   *cell;

	foreach(cell, pg_parse_query(text))
	{
		ParseState *state = make_parsestate(NULL);

		state->p_sourcetext = text;
		sql_fn_parser_setup(state, info);
		(void) mention((Node *) transformTopLevelStmt(state, lfirst_node(RawStmt, cell)), mentions);
		free_parsestate(state);
	}
}

static void
read_body(void *arg)
{
	Body	   *body = arg;
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, body->tuple, Anum_pg_proc_prosqlbody, &isnull);

	if (!isnull)
	{
		(void) mention(stringToNode(TextDatumGetCString(source)), body->mentions);
		return;
	}
	source = SysCacheGetAttr(PROCOID, body->tuple, Anum_pg_proc_prosrc, &isnull);
	read_text(body->tuple, TextDatumGetCString(source), body->mentions);
}

/* of types that only a call has nobody can tell what functions it finds */
static bool
is_polymorphic(HeapTuple tuple)
{
	const oidvector *types = &((Form_pg_proc) GETSTRUCT(tuple))->proargtypes;

	for (int i = 0; i < types->dim1; i++)
	{
		if (IsPolymorphicType(types->values[i]))
			return true;
	}
	return false;
}

/*
 * Add what the body of a function in SQL names, as names are found now.  False
 * where that cannot be told.
 */
bool
stash_memo_mention_body(StashMemoMentions *mentions, Oid function)
{
	Body		body = {SearchSysCache1(PROCOID, ObjectIdGetDatum(function)), mentions};
	ErrorData  *error = NULL;
	bool		is_read = !IsInParallelMode();

	if (!HeapTupleIsValid(body.tuple))
		return false;
	if (is_read && !is_polymorphic(body.tuple))
	{
		stash_memo_trace_before_write();
		error = stash_attempt(read_body, &body);
		stash_memo_trace_go_on();
	}
	ReleaseSysCache(body.tuple);
	return is_read && error == NULL;
}
