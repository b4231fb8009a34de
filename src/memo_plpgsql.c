/*-------------------------------------------------------------------------
 *
 * memo_plpgsql.c
 *	  What a target's expressions in PL/pgSQL call.
 *
 * PL/pgSQL evaluates simple expressions without the executor: it plans one
 * once in a session and makes it ready once in a transaction.  What it calls
 * passes by the hooks of memo_trace.c then, and not when it is evaluated in a
 * later trace.  So each statement that such a trace meets shows the
 * expressions that are planned already.
 *
 * PL/pgSQL has one place for a plugin.  We take it while a target runs, and
 * hand on what it is told to whoever had it before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "plpgsql.h"
#include "utils/builtins.h"
#include "utils/expandedrecord.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/portal.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "memo.h"

static PLpgSQL_plugin ours;
static PLpgSQL_plugin *next;	/* who had the place */

/* ---- expressions ---- */

/* a statement that is about to run */
typedef struct Meeting
{
	PLpgSQL_execstate *estate;
	PLpgSQL_stmt *statement;
	bool		is_known;		/* it need not be met again */
} Meeting;

static Oid	type_of_variable(PLpgSQL_execstate *estate, PLpgSQL_datum *datum);

/* look at a field of a record, if it has a value */
static void
note_field(PLpgSQL_execstate *estate, PLpgSQL_recfield *field)
{
	PLpgSQL_rec *rec = (PLpgSQL_rec *) estate->datums[field->recparentno];
	ExpandedRecordFieldInfo info;
	Datum		value;
	bool		isnull;

	if (rec->erh == NULL ||
		!expanded_record_lookup_field(rec->erh, field->fieldname, &info))
		return;
	value = expanded_record_get_field(rec->erh, info.fnumber, &isnull);
	if (!isnull)
		stash_memo_trace_value(info.ftypeid, value);
}

/*
 * Whether a variable may have another value when the statement comes to it.
 */
static bool
may_change(PLpgSQL_stmt *statement, int dno)
{
	PLpgSQL_stmt_block *block = (PLpgSQL_stmt_block *) statement;

	/* the condition is evaluated again, after other statements */
	if (statement == NULL || statement->cmd_type == PLPGSQL_STMT_WHILE)
		return true;
	if (statement->cmd_type != PLPGSQL_STMT_BLOCK)
		return false;
	/* a variable of the block may begin with that of another */
	for (int i = 0; i < block->n_initvars; i++)
	{
		if (block->initvarnos[i] == dno)
			return true;
	}
	return false;
}

/* a parameter of an expression that becomes a time or names something */
static void
note_param(PLpgSQL_execstate *estate, PLpgSQL_stmt *statement, int param)
{
	PLpgSQL_datum *datum = param >= 1 && param <= estate->ndatums ?
	estate->datums[param - 1] : NULL;
	PLpgSQL_var *var = (PLpgSQL_var *) datum;
	bool		is_known = datum != NULL && !may_change(statement, param - 1);

	if (is_known && datum->dtype == PLPGSQL_DTYPE_RECFIELD)
		note_field(estate, (PLpgSQL_recfield *) datum);
	else if (is_known && datum->dtype == PLPGSQL_DTYPE_VAR)
	{
		if (!var->isnull)
			stash_memo_trace_value(var->datatype->typoid, var->value);
	}
	else if (datum != NULL && stash_memo_holds_names(type_of_variable(estate, datum)))
		stash_memo_trace_reason(STASH_MEMO_SESSION, estate->func->fn_oid);
	else
		stash_memo_trace_word();
}

static void
note_words(PLpgSQL_execstate *estate, PLpgSQL_stmt *statement, List *params)
{
	ListCell   *cell;

	foreach(cell, params)
		note_param(estate, statement, lfirst_int(cell));
	list_free(params);
}

static void
note_expression(Meeting *meeting, PLpgSQL_expr *expr)
{
	ListCell   *source;

	if (expr == NULL)
		return;
	/* others go to the executor, if that is known */
	if (expr->plan == NULL || expr->expr_simple_expr == NULL)
	{
		meeting->is_known &= expr->plan != NULL;
		return;
	}
	foreach(source, SPI_plan_get_plan_sources(expr->plan))
	{
		CachedPlan *plan = ((CachedPlanSource *) lfirst(source))->gplan;
		ListCell   *cell;

		/* it is made anew then, and seen */
		if (plan != NULL && !plan->is_valid)
		{
			meeting->is_known = false;
			continue;
		}
		foreach(cell, plan ? plan->stmt_list : NIL)
		{
			List	   *params = stash_memo_trace_expression(lfirst_node(PlannedStmt, cell));

			meeting->is_known &= params == NIL;
			note_words(meeting->estate, meeting->statement, params);
		}
	}
}

static void
note_expressions(Meeting *meeting, List *exprs)
{
	ListCell   *cell;

	foreach(cell, exprs)
		note_expression(meeting, lfirst(cell));
}

/* what the variables of a block begin with */
static void
note_defaults(Meeting *meeting, PLpgSQL_stmt_block *block)
{
	for (int i = 0; i < block->n_initvars; i++)
	{
		PLpgSQL_datum *datum = meeting->estate->datums[block->initvarnos[i]];

		if (datum->dtype == PLPGSQL_DTYPE_VAR ||
			datum->dtype == PLPGSQL_DTYPE_PROMISE ||
			datum->dtype == PLPGSQL_DTYPE_REC)
			note_expression(meeting, ((PLpgSQL_variable *) datum)->default_val);
	}
}

/* ---- statements ---- */

static void
note_if(Meeting *meeting, PLpgSQL_stmt_if *statement)
{
	ListCell   *cell;

	note_expression(meeting, statement->cond);
	foreach(cell, statement->elsif_list)
		note_expression(meeting, ((PLpgSQL_if_elsif *) lfirst(cell))->cond);
}

static void
note_case(Meeting *meeting, PLpgSQL_stmt_case *statement)
{
	ListCell   *cell;

	note_expression(meeting, statement->t_expr);
	foreach(cell, statement->case_when_list)
		note_expression(meeting, ((PLpgSQL_case_when *) lfirst(cell))->expr);
}

static void
note_for_integers(Meeting *meeting, PLpgSQL_stmt_fori *statement)
{
	note_expression(meeting, statement->lower);
	note_expression(meeting, statement->upper);
	note_expression(meeting, statement->step);
}

static void
note_raise(Meeting *meeting, PLpgSQL_stmt_raise *statement)
{
	ListCell   *cell;

	note_expressions(meeting, statement->params);
	foreach(cell, statement->options)
		note_expression(meeting, ((PLpgSQL_raise_option *) lfirst(cell))->expr);
}

/* a text that is executed, and its parameters */
static void
note_dynamic(Meeting *meeting, PLpgSQL_expr *query, List *params)
{
	note_expression(meeting, query);
	note_expressions(meeting, params);
}

/* who has called the function */
static void
note_diagnostics(Meeting *meeting, PLpgSQL_stmt_getdiag *statement)
{
	ListCell   *cell;

	foreach(cell, statement->diag_items)
	{
		PLpgSQL_getdiag_kind kind = ((PLpgSQL_diag_item *) lfirst(cell))->kind;

		if (kind == PLPGSQL_GETDIAG_CONTEXT ||
			kind == PLPGSQL_GETDIAG_ERROR_CONTEXT)
			stash_memo_trace_reason(STASH_MEMO_SESSION,
									meeting->estate->func->fn_oid);
	}
}

/* one that does not look lets answers be that should not */
static void
note_assert(Meeting *meeting, PLpgSQL_stmt_assert *statement)
{
	const char *setting = GetConfigOption("plpgsql.check_asserts", true, false);

	if (setting != NULL && strcmp(setting, "off") == 0)
		stash_memo_trace_reason(STASH_MEMO_SETTING,
								meeting->estate->func->fn_oid);
	note_expression(meeting, statement->cond);
	note_expression(meeting, statement->message);
}

/* those that a statement evaluates itself; statements in it come by themselves */
static void
note_statement(Meeting *meeting, PLpgSQL_stmt *statement)
{
	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_BLOCK:
			note_defaults(meeting, (PLpgSQL_stmt_block *) statement);
			break;
		case PLPGSQL_STMT_ASSIGN:
			note_expression(meeting, ((PLpgSQL_stmt_assign *) statement)->expr);
			break;
		case PLPGSQL_STMT_IF:
			note_if(meeting, (PLpgSQL_stmt_if *) statement);
			break;
		case PLPGSQL_STMT_CASE:
			note_case(meeting, (PLpgSQL_stmt_case *) statement);
			break;
		case PLPGSQL_STMT_WHILE:
			note_expression(meeting, ((PLpgSQL_stmt_while *) statement)->cond);
			break;
		case PLPGSQL_STMT_FORI:
			note_for_integers(meeting, (PLpgSQL_stmt_fori *) statement);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			note_expression(meeting, ((PLpgSQL_stmt_foreach_a *) statement)->expr);
			break;
		case PLPGSQL_STMT_EXIT:
			note_expression(meeting, ((PLpgSQL_stmt_exit *) statement)->cond);
			break;
		case PLPGSQL_STMT_RETURN:
			note_expression(meeting, ((PLpgSQL_stmt_return *) statement)->expr);
			break;
		case PLPGSQL_STMT_RETURN_NEXT:
			note_expression(meeting, ((PLpgSQL_stmt_return_next *) statement)->expr);
			break;
		case PLPGSQL_STMT_RETURN_QUERY:
			note_dynamic(meeting, ((PLpgSQL_stmt_return_query *) statement)->dynquery,
						 ((PLpgSQL_stmt_return_query *) statement)->params);
			break;
		case PLPGSQL_STMT_RAISE:
			note_raise(meeting, (PLpgSQL_stmt_raise *) statement);
			break;
		case PLPGSQL_STMT_ASSERT:
			note_assert(meeting, (PLpgSQL_stmt_assert *) statement);
			break;
		case PLPGSQL_STMT_GETDIAG:
			note_diagnostics(meeting, (PLpgSQL_stmt_getdiag *) statement);
			break;
		case PLPGSQL_STMT_DYNEXECUTE:
			note_dynamic(meeting, ((PLpgSQL_stmt_dynexecute *) statement)->query,
						 ((PLpgSQL_stmt_dynexecute *) statement)->params);
			break;
		case PLPGSQL_STMT_DYNFORS:
			note_dynamic(meeting, ((PLpgSQL_stmt_dynfors *) statement)->query,
						 ((PLpgSQL_stmt_dynfors *) statement)->params);
			break;
		case PLPGSQL_STMT_OPEN:
			note_dynamic(meeting, ((PLpgSQL_stmt_open *) statement)->dynquery,
						 ((PLpgSQL_stmt_open *) statement)->params);
			break;
		case PLPGSQL_STMT_FETCH:
			note_expression(meeting, ((PLpgSQL_stmt_fetch *) statement)->expr);
			break;
		default:
			/* what it runs goes to the executor */
			break;
	}
}

/* ---- casts of values that are given to variables ---- */

/* what the conditions of a domain call passes by the hook when they are made ready */
static void
note_domain(Oid domain)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash domain",
												  ALLOCSET_SMALL_SIZES);
	DomainConstraintRef conditions;

	InitDomainConstraintRef(domain, &conditions, context, true);
	MemoryContextDelete(context);
}

/*
 * A value is cast.  PL/pgSQL has one cast from a type to another for a session,
 * and makes it ready once in a transaction, whichever functions use it.
 */
static void
note_cast(Oid from, Oid to)
{
	Oid			function;

	if (from == to || !OidIsValid(to))
		return;
	if (stash_memo_holds_time(to) && stash_memo_holds_words(from))
		stash_memo_trace_word();
	if (stash_memo_holds_names(to) || stash_memo_holds_names(from))
		stash_memo_trace_reason(STASH_MEMO_SESSION, InvalidOid);
	if (find_coercion_pathway(to, from, COERCION_ASSIGNMENT, &function) == COERCION_PATH_FUNC)
		stash_memo_trace_skip(function);
	if (get_typtype(to) == TYPTYPE_DOMAIN)
		note_domain(to);
}

static Oid
type_of_variable(PLpgSQL_execstate *estate, PLpgSQL_datum *datum)
{
	ExpandedRecordFieldInfo info;
	PLpgSQL_rec *rec;

	switch (datum->dtype)
	{
		case PLPGSQL_DTYPE_VAR:
		case PLPGSQL_DTYPE_PROMISE:
			return ((PLpgSQL_var *) datum)->datatype->typoid;
		case PLPGSQL_DTYPE_REC:
			return ((PLpgSQL_rec *) datum)->rectypeid;
		case PLPGSQL_DTYPE_RECFIELD:
			rec = (PLpgSQL_rec *) estate->datums[((PLpgSQL_recfield *) datum)->recparentno];
			if (rec->erh != NULL &&
				expanded_record_lookup_field(rec->erh,
											 ((PLpgSQL_recfield *) datum)->fieldname,
											 &info))
				return info.ftypeid;
			/* the row type stands for its fields */
			return rec->rectypeid;
		default:
			return InvalidOid;
	}
}

/* the values of a row are cast to the types of a row of variables */
static void
note_row(PLpgSQL_execstate *estate, PLpgSQL_row *row, TupleDesc from)
{
	int			n = 0;

	for (int i = 0; i < row->nfields && n < from->natts; i++)
	{
		if (row->varnos[i] < 0)
			continue;
		while (n < from->natts && TupleDescAttr(from, n)->attisdropped)
			n++;
		if (n < from->natts)
			note_cast(TupleDescAttr(from, n++)->atttypid,
					  type_of_variable(estate, estate->datums[row->varnos[i]]));
	}
}

/* or to those of a composite type */
static void
note_record(PLpgSQL_rec *rec, TupleDesc from)
{
	TupleDesc	to;
	int			n = 0;

	if (rec->rectypeid == RECORDOID ||
		(from->natts == 1 && TupleDescAttr(from, 0)->atttypid == rec->rectypeid))
		return;
	to = lookup_rowtype_tupdesc_domain(rec->rectypeid, -1, true);
	for (int i = 0; to != NULL && i < to->natts && n < from->natts; i++)
	{
		if (TupleDescAttr(to, i)->attisdropped)
			continue;
		while (n < from->natts && TupleDescAttr(from, n)->attisdropped)
			n++;
		if (n < from->natts)
			note_cast(TupleDescAttr(from, n++)->atttypid,
					  TupleDescAttr(to, i)->atttypid);
	}
	if (to != NULL)
		ReleaseTupleDesc(to);
}

static void
note_target(PLpgSQL_execstate *estate, PLpgSQL_datum *target, TupleDesc from)
{
	if (target == NULL || from == NULL)
		return;
	if (target->dtype == PLPGSQL_DTYPE_ROW)
		note_row(estate, (PLpgSQL_row *) target, from);
	else if (target->dtype == PLPGSQL_DTYPE_REC)
		note_record((PLpgSQL_rec *) target, from);
}

/* the type of an expression that has been planned */
static Oid
type_of_expression(PLpgSQL_expr *expr)
{
	TupleDesc	desc = NULL;

	if (expr != NULL && expr->plan != NULL)
		desc = ((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(expr->plan)))->resultDesc;
	return desc != NULL && desc->natts > 0 ?
		TupleDescAttr(desc, 0)->atttypid : InvalidOid;
}

/* whether a value that is known becomes a time that is the same tomorrow */
static bool
is_settled(Oid from, Datum value, Oid to)
{
	return to < FirstNormalObjectId && stash_memo_holds_time(to) &&
		!stash_memo_holds_zone(to) && get_typtype(to) == TYPTYPE_BASE &&
		!OidIsValid(get_element_type(to)) && !stash_memo_is_word(from, value);
}

static void
note_given(PLpgSQL_execstate *estate, PLpgSQL_datum *target, PLpgSQL_expr *expr)
{
	Oid			from = type_of_expression(expr);
	Oid			to = type_of_variable(estate, target);
	Const	   *constant;

	if (!OidIsValid(from))
		return;
	constant = (Const *) expr->expr_simple_expr;
	if (constant != NULL && IsA(constant, Const) && !constant->constisnull &&
		is_settled(from, constant->constvalue, to))
		return;
	note_cast(from, to);
}

/* an element of an array */
static void
note_element(PLpgSQL_execstate *estate, PLpgSQL_stmt_foreach_a *statement)
{
	Oid			from = get_base_element_type(type_of_expression(statement->expr));
	PLpgSQL_datum *target = estate->datums[statement->varno];

	if (OidIsValid(from) && statement->slice == 0)
		note_cast(from, type_of_variable(estate, target));
	else
		note_given(estate, target, statement->expr);
}

/* a value that the function returns, which is there to be looked at */
static void
note_returned(PLpgSQL_execstate *estate)
{
	Oid			to = estate->func->fn_rettype;

	if (estate->retisnull || estate->retistuple || estate->retisset ||
		estate->rettype == to)
		return;
	if (!is_settled(estate->rettype, estate->retval, to))
		note_cast(estate->rettype, to);
}

static void
note_next(PLpgSQL_execstate *estate, PLpgSQL_stmt_return_next *statement)
{
	Oid			to = estate->func->fn_rettype;

	if (statement->expr != NULL && OidIsValid(type_of_expression(statement->expr)))
		note_cast(type_of_expression(statement->expr), to);
	else if (statement->retvarno >= 0 &&
			 estate->datums[statement->retvarno]->dtype == PLPGSQL_DTYPE_VAR)
		note_cast(type_of_variable(estate, estate->datums[statement->retvarno]), to);
}

/* what a statement has given to variables, and cast for that without a plan */
static void
note_casts(PLpgSQL_execstate *estate, PLpgSQL_stmt *statement)
{
	PLpgSQL_stmt_block *block = (PLpgSQL_stmt_block *) statement;

	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_BLOCK:
			for (int i = 0; i < block->n_initvars; i++)
			{
				PLpgSQL_datum *datum = estate->datums[block->initvarnos[i]];

				if (datum->dtype == PLPGSQL_DTYPE_VAR ||
					datum->dtype == PLPGSQL_DTYPE_REC)
					note_given(estate, datum,
							   ((PLpgSQL_variable *) datum)->default_val);
			}
			break;
		case PLPGSQL_STMT_ASSIGN:
			note_given(estate,
					   estate->datums[((PLpgSQL_stmt_assign *) statement)->varno],
					   ((PLpgSQL_stmt_assign *) statement)->expr);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			note_element(estate, (PLpgSQL_stmt_foreach_a *) statement);
			break;
		case PLPGSQL_STMT_RETURN:
			note_returned(estate);
			break;
		case PLPGSQL_STMT_RETURN_NEXT:
			note_next(estate, (PLpgSQL_stmt_return_next *) statement);
			break;
		default:
			/* of queries: stash_memo_plpgsql_query() */
			break;
	}
}

/* ---- queries of functions in PL/pgSQL ---- */

/* the function that is running, within what 'until' is the first to be in */
static PLpgSQL_execstate *
running(const ErrorContextCallback *until)
{
	for (ErrorContextCallback *at = error_context_stack;
		 at != NULL && at != until && ours.error_callback != NULL;
		 at = at->previous)
	{
		if (at->callback == ours.error_callback)
			return at->arg;
	}
	return NULL;
}

/*
 * An expression was planned with these parameters that become times or name
 * something, and is about to be evaluated, if it is one of PL/pgSQL.  'until' is in the stack of
 * error contexts since the trace began.  Frees the list.
 */
void
stash_memo_plpgsql_words(List *params, const ErrorContextCallback *until)
{
	PLpgSQL_execstate *estate = params != NIL ? running(until) : NULL;

	if (estate != NULL)
		note_words(estate, estate->err_stmt, params);
}

/* a statement that puts rows of a query into variables */
static PLpgSQL_datum *
target_of(PLpgSQL_execstate *estate, PLpgSQL_stmt *statement)
{
	int			cursor = -1;

	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_EXECSQL:
			return (PLpgSQL_datum *) ((PLpgSQL_stmt_execsql *) statement)->target;
		case PLPGSQL_STMT_DYNEXECUTE:
			return (PLpgSQL_datum *) ((PLpgSQL_stmt_dynexecute *) statement)->target;
		case PLPGSQL_STMT_FORS:
		case PLPGSQL_STMT_DYNFORS:
			return (PLpgSQL_datum *) ((PLpgSQL_stmt_forq *) statement)->var;
		case PLPGSQL_STMT_FORC:
			cursor = ((PLpgSQL_stmt_forc *) statement)->curvar;
			break;
		case PLPGSQL_STMT_OPEN:
			cursor = ((PLpgSQL_stmt_open *) statement)->curvar;
			break;
		default:
			return NULL;
	}
	/* arguments of the cursor */
	cursor = ((PLpgSQL_var *) estate->datums[cursor])->cursor_explicit_argrow;
	return cursor >= 0 ? estate->datums[cursor] : NULL;
}

/*
 * A query has been started that returns such rows, maybe by a statement of
 * PL/pgSQL that casts them to the types of variables; 'until' as above.
 */
void
stash_memo_plpgsql_query(TupleDesc desc, const ErrorContextCallback *until)
{
	PLpgSQL_execstate *estate = running(until);

	if (estate != NULL && estate->err_stmt != NULL)
		note_target(estate, target_of(estate, estate->err_stmt), desc);
}

/* rows come from a cursor */
static void
note_fetch(PLpgSQL_execstate *estate, PLpgSQL_stmt_fetch *statement)
{
	PLpgSQL_var *cursor = (PLpgSQL_var *) estate->datums[statement->curvar];
	Portal		portal = NULL;

	if (cursor->dtype == PLPGSQL_DTYPE_VAR && !cursor->isnull)
		portal = GetPortalByName(TextDatumGetCString(cursor->value));
	if (portal != NULL)
		note_target(estate, (PLpgSQL_datum *) statement->target,
					portal->tupDesc);
}

/* ---- what the plugin is told ---- */

/* the cursor that a variable names, if it names one */
static void
note_cursor(PLpgSQL_datum *datum, bool is_end)
{
	PLpgSQL_var *var = (PLpgSQL_var *) datum;

	if (datum->dtype == PLPGSQL_DTYPE_VAR && !var->isnull &&
		var->datatype->typoid == REFCURSOROID)
		stash_memo_trace_cursor(TextDatumGetCString(var->value), is_end);
}

static void
before_statement(PLpgSQL_execstate *estate, PLpgSQL_stmt *statement)
{
	if (next != NULL && next->stmt_beg != NULL)
		next->stmt_beg(estate, statement);
	if (statement->cmd_type == PLPGSQL_STMT_FETCH)
		note_cursor(estate->datums[((PLpgSQL_stmt_fetch *) statement)->curvar],
					false);
	else if (statement->cmd_type == PLPGSQL_STMT_CLOSE)
		note_cursor(estate->datums[((PLpgSQL_stmt_close *) statement)->curvar],
					false);
	if (statement->cmd_type == PLPGSQL_STMT_FETCH)
		note_fetch(estate, (PLpgSQL_stmt_fetch *) statement);
	if (stash_memo_trace_meets(statement))
	{
		Meeting		meeting = {estate, statement, true};

		note_statement(&meeting, statement);
		if (!meeting.is_known)
			stash_memo_trace_meets_again(statement);
	}
}

static void
after_statement(PLpgSQL_execstate *estate, PLpgSQL_stmt *statement)
{
	note_casts(estate, statement);
	if (next != NULL && next->stmt_end != NULL)
		next->stmt_end(estate, statement);
}

/* whether a function has an option of its own in place of a setting: before all else */
static bool
has_option(PLpgSQL_function *function, const char *option)
{
	char	   *source = stash_memo_source(function->fn_oid);
	const char *at = source;
	bool		found = false;

	for (at = stash_memo_skip_blanks(at); *at == '#' && !found;
		 at = stash_memo_skip_blanks(at))
	{
		at = stash_memo_skip_blanks(at + 1);
		found = pg_strncasecmp(at, option, strlen(option)) == 0;
		/* its name and its value */
		at = stash_memo_skip_blanks(at + strcspn(at, " \t\r\n\f\v/-"));
		at += strcspn(at, " \t\r\n\f\v/-");
	}
	pfree(source);
	return found;
}

/*
 * Whether a function was compiled by settings that are not in the key: one has
 * told what a name means that is both a variable's and a column's, or how
 * errors show parameters, which is another one by now.  Answers without the
 * first have no such names: those are errors.
 */
static bool
was_compiled_by_setting(PLpgSQL_function *function)
{
	const char *setting = GetConfigOption("plpgsql.print_strict_params", true,
										  false);
	bool		prints = setting != NULL && strcmp(setting, "on") == 0;

	return (function->resolve_option != PLPGSQL_RESOLVE_ERROR &&
			!has_option(function, "variable_conflict")) ||
		(function->print_strict_params != prints &&
		 !has_option(function, "print_strict_params"));
}

/*
 * A function runs, which need not have passed by a hook: the server compares
 * values, and makes JSON of them, by functions that it prepared long ago.  And
 * types that its variables have by names.
 */
static void
before_function(PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	if (next != NULL && next->func_beg != NULL)
		next->func_beg(estate, function);
	stash_memo_compiled_runs(function, stash_memo_trace_began());
	if (!stash_memo_trace_meets(function))
		return;
	stash_memo_compiled_note(function);
	stash_memo_trace_skip(function->fn_oid);
	if (was_compiled_by_setting(function))
		stash_memo_trace_reason(STASH_MEMO_SETTING, function->fn_oid);
	stash_memo_trace_type(function->fn_rettype);
	for (int i = 0; i < estate->ndatums; i++)
	{
		PLpgSQL_datum *datum = estate->datums[i];

		if (datum->dtype == PLPGSQL_DTYPE_REC)
			stash_memo_trace_type(((PLpgSQL_rec *) datum)->rectypeid);
		else if (datum->dtype == PLPGSQL_DTYPE_VAR)
			stash_memo_trace_type(((PLpgSQL_var *) datum)->datatype->typoid);
	}
}

static void
after_function(PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	for (int i = 0; i < estate->ndatums; i++)
		note_cursor(estate->datums[i], true);
	if (next != NULL && next->func_end != NULL)
		next->func_end(estate, function);
}

/* ---- the place of the plugin ---- */

static void
set_up(PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	stash_memo_compiled_hand_on(next, &ours, estate, function);
}

static PLpgSQL_plugin **
place(void)
{
	return (PLpgSQL_plugin **) find_rendezvous_variable("PLpgSQL_plugin");
}

/*
 * The outermost trace begins.
 */
void
stash_memo_plpgsql_begin(void)
{
	next = *place();
	memset(&ours, 0, sizeof(ours));
	if (next != NULL)
	{
		ours = *next;
		ours.func_setup = set_up;
	}
	ours.func_beg = before_function;
	ours.stmt_beg = before_statement;
	ours.stmt_end = after_statement;
	ours.func_end = after_function;
	*place() = &ours;
}

/*
 * It has ended, with or without an error.
 */
void
stash_memo_plpgsql_end(void)
{
	/* one that has come meanwhile stays */
	if (*place() == &ours)
		*place() = next;
	next = NULL;
}
