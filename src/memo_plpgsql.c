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

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "plpgsql.h"
#include "utils/builtins.h"
#include "utils/plancache.h"

#include "compat.h"
#include "memo.h"

static PLpgSQL_plugin ours;
static PLpgSQL_plugin *next;	/* who had the place */

/* ---- expressions ---- */

static void
note_expression(PLpgSQL_expr *expr)
{
	ListCell   *source;

	/* others go to the executor */
	if (expr == NULL || expr->plan == NULL || expr->expr_simple_expr == NULL)
		return;
	foreach(source, SPI_plan_get_plan_sources(expr->plan))
	{
		CachedPlan *plan = ((CachedPlanSource *) lfirst(source))->gplan;
		ListCell   *cell;

		foreach(cell, plan ? plan->stmt_list : NIL)
			stash_memo_trace_expression(lfirst_node(PlannedStmt, cell));
	}
}

static void
note_expressions(List *exprs)
{
	ListCell   *cell;

	foreach(cell, exprs)
		note_expression(lfirst(cell));
}

/* what the variables of a block begin with */
static void
note_defaults(PLpgSQL_execstate *estate, PLpgSQL_stmt_block *block)
{
	for (int i = 0; i < block->n_initvars; i++)
	{
		PLpgSQL_datum *datum = estate->datums[block->initvarnos[i]];

		if (datum->dtype == PLPGSQL_DTYPE_VAR ||
			datum->dtype == PLPGSQL_DTYPE_PROMISE ||
			datum->dtype == PLPGSQL_DTYPE_REC)
			note_expression(((PLpgSQL_variable *) datum)->default_val);
	}
}

/* ---- statements ---- */

static void
note_if(PLpgSQL_stmt_if *statement)
{
	ListCell   *cell;

	note_expression(statement->cond);
	foreach(cell, statement->elsif_list)
		note_expression(((PLpgSQL_if_elsif *) lfirst(cell))->cond);
}

static void
note_case(PLpgSQL_stmt_case *statement)
{
	ListCell   *cell;

	note_expression(statement->t_expr);
	foreach(cell, statement->case_when_list)
		note_expression(((PLpgSQL_case_when *) lfirst(cell))->expr);
}

static void
note_for_integers(PLpgSQL_stmt_fori *statement)
{
	note_expression(statement->lower);
	note_expression(statement->upper);
	note_expression(statement->step);
}

static void
note_raise(PLpgSQL_stmt_raise *statement)
{
	ListCell   *cell;

	note_expressions(statement->params);
	foreach(cell, statement->options)
		note_expression(((PLpgSQL_raise_option *) lfirst(cell))->expr);
}

/* a text that is executed, and its parameters */
static void
note_dynamic(PLpgSQL_expr *query, List *params)
{
	note_expression(query);
	note_expressions(params);
}

/* those that a statement evaluates itself; statements in it come by themselves */
static void
note_statement(PLpgSQL_execstate *estate, PLpgSQL_stmt *statement)
{
	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_BLOCK:
			note_defaults(estate, (PLpgSQL_stmt_block *) statement);
			break;
		case PLPGSQL_STMT_ASSIGN:
			note_expression(((PLpgSQL_stmt_assign *) statement)->expr);
			break;
		case PLPGSQL_STMT_IF:
			note_if((PLpgSQL_stmt_if *) statement);
			break;
		case PLPGSQL_STMT_CASE:
			note_case((PLpgSQL_stmt_case *) statement);
			break;
		case PLPGSQL_STMT_WHILE:
			note_expression(((PLpgSQL_stmt_while *) statement)->cond);
			break;
		case PLPGSQL_STMT_FORI:
			note_for_integers((PLpgSQL_stmt_fori *) statement);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			note_expression(((PLpgSQL_stmt_foreach_a *) statement)->expr);
			break;
		case PLPGSQL_STMT_EXIT:
			note_expression(((PLpgSQL_stmt_exit *) statement)->cond);
			break;
		case PLPGSQL_STMT_RETURN:
			note_expression(((PLpgSQL_stmt_return *) statement)->expr);
			break;
		case PLPGSQL_STMT_RETURN_NEXT:
			note_expression(((PLpgSQL_stmt_return_next *) statement)->expr);
			break;
		case PLPGSQL_STMT_RETURN_QUERY:
			note_dynamic(((PLpgSQL_stmt_return_query *) statement)->dynquery,
						 ((PLpgSQL_stmt_return_query *) statement)->params);
			break;
		case PLPGSQL_STMT_RAISE:
			note_raise((PLpgSQL_stmt_raise *) statement);
			break;
		case PLPGSQL_STMT_ASSERT:
			note_expression(((PLpgSQL_stmt_assert *) statement)->cond);
			note_expression(((PLpgSQL_stmt_assert *) statement)->message);
			break;
		case PLPGSQL_STMT_DYNEXECUTE:
			note_dynamic(((PLpgSQL_stmt_dynexecute *) statement)->query,
						 ((PLpgSQL_stmt_dynexecute *) statement)->params);
			break;
		case PLPGSQL_STMT_DYNFORS:
			note_dynamic(((PLpgSQL_stmt_dynfors *) statement)->query,
						 ((PLpgSQL_stmt_dynfors *) statement)->params);
			break;
		case PLPGSQL_STMT_OPEN:
			note_dynamic(((PLpgSQL_stmt_open *) statement)->dynquery,
						 ((PLpgSQL_stmt_open *) statement)->params);
			break;
		case PLPGSQL_STMT_FETCH:
			note_expression(((PLpgSQL_stmt_fetch *) statement)->expr);
			break;
		default:
			/* what it runs goes to the executor */
			break;
	}
}

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
	if (stash_memo_trace_meets(statement))
		note_statement(estate, statement);
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

/* what PL/pgSQL fills in is for the other plugin, too */
static void
set_up(PLpgSQL_execstate *estate, PLpgSQL_function *function)
{
	next->error_callback = ours.error_callback;
	next->assign_expr = ours.assign_expr;
	next->assign_value = ours.assign_value;
	next->eval_datum = ours.eval_datum;
	next->cast_value = ours.cast_value;
	if (next->func_setup != NULL)
		next->func_setup(estate, function);
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
	ours.stmt_beg = before_statement;
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
