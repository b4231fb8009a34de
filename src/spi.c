/*-------------------------------------------------------------------------
 *
 * spi.c
 *	  SQL run from C: the only unit that connects to SPI.
 *
 * Between begin and finish the current memory context is SPI's own: what has
 * to outlive finish is made in another one, or with SPI_palloc.  An error
 * needs no finish: the end of the (sub)transaction disconnects.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "spi.h"

#define BATCH_ROWS	100			/* rows held in memory while a set is copied */

/*
 * Connect to SPI.  Calls may nest.
 */
void
stash_spi_begin(void)
{
	int			code = SPI_connect();

	if (code != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI: %s",
			 SPI_result_code_string(code));
}

/*
 * Disconnect, and go back to the memory context of stash_spi_begin().
 */
void
stash_spi_finish(void)
{
	int			code = SPI_finish();

	if (code != SPI_OK_FINISH)
		elog(ERROR, "could not disconnect from SPI: %s",
			 SPI_result_code_string(code));
}

/* run one statement while connected; throws when it is no such statement */
static void
run_connected(const char *sql, bool read_only)
{
	int			code = SPI_execute(sql, read_only, 0);

	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", sql,
			 SPI_result_code_string(code));
}

/*
 * Run a statement as the current user.
 */
void
stash_spi_run(const char *sql)
{
	stash_spi_begin();
	run_connected(sql, false);
	stash_spi_finish();
}

/*
 * Run a query that gives one bigint, or a statement that changes rows: then
 * the number of rows is the result.
 */
int64
stash_spi_run_bigint(const char *sql, bool read_only)
{
	int64		result;
	bool		isnull = false;

	stash_spi_begin();
	run_connected(sql, read_only);
	result = (int64) SPI_processed;
	if (SPI_tuptable != NULL && SPI_processed == 1)
		result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
											 SPI_tuptable->tupdesc, 1,
											 &isnull));
	stash_spi_finish();
	return isnull ? 0 : result;
}

/*
 * Return the rows of a read-only query from a set-returning function, whose
 * columns, or column, must be those of the query.  Rows beyond work_mem go to
 * disk.  The query has 'nargs' parameters, none of them NULL.
 */
void
stash_spi_materialize_with(FunctionCallInfo fcinfo, const char *sql,
						   int nargs, Oid *types, Datum *values)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Portal		portal;

	if (type_is_rowtype(get_func_rettype(fcinfo->flinfo->fn_oid)))
		stash_compat_materialize(fcinfo);
	else
		stash_compat_materialize_expected(fcinfo);
	stash_spi_begin();
	portal = SPI_cursor_open_with_args(NULL, sql, nargs, types, values, NULL,
									   true, 0);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, BATCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	stash_spi_finish();
}

/*
 * The same for a query without parameters.
 */
void
stash_spi_materialize(FunctionCallInfo fcinfo, const char *sql)
{
	stash_spi_materialize_with(fcinfo, sql, 0, NULL, NULL);
}

/*
 * Run a read-only query as the current user and hand each row to 'receiver'
 * as it comes.
 *
 * Never in parallel: what the receiver calls may be unsafe then.
 */
void
stash_spi_stream(const char *sql, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};
	SPIPlanPtr	plan;
	int			code;

	stash_spi_begin();
	plan = SPI_prepare_cursor(sql, 0, NULL, 0);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql,
			 SPI_result_code_string(SPI_result));
	options.read_only = true;
	options.dest = receiver;
	code = SPI_execute_plan_extended(plan, &options);
	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", sql,
			 SPI_result_code_string(code));
	stash_spi_finish();
}
