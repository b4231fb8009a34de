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

#include "spi.h"

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
