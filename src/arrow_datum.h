/*-------------------------------------------------------------------------
 *
 * arrow_datum.h
 *	  Rows of any types, put into columns of Arrow.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_DATUM_H
#define STASH_ARROW_DATUM_H

#include "arrow_column.h"

extern void stash_arrow_put_row(StashArrowColumns *columns,
								const Datum *values, const bool *isnull);

#endif							/* STASH_ARROW_DATUM_H */
