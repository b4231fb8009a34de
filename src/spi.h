/*-------------------------------------------------------------------------
 *
 * spi.h
 *	  SQL run from C: the only unit that connects to SPI.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_SPI_H
#define STASH_SPI_H

#include "fmgr.h"
#include "tcop/dest.h"

extern void stash_spi_begin(void);
extern void stash_spi_finish(void);
extern void stash_spi_run(const char *sql);
extern int64 stash_spi_run_bigint(const char *sql, bool read_only);
extern void stash_spi_materialize(FunctionCallInfo fcinfo, const char *sql);
extern void stash_spi_materialize_with(FunctionCallInfo fcinfo, const char *sql,
									   int nargs, Oid *types, Datum *values);
extern void stash_spi_stream(const char *sql, DestReceiver *receiver);

#endif							/* STASH_SPI_H */
