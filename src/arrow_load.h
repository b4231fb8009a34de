/*-------------------------------------------------------------------------
 *
 * arrow_load.h
 *	  Values of Arrow arrays as values of the server's types.
 *
 * A loader knows how the values of one field become values of one type; all
 * catalog look-ups are made when it is made.  It lives in the memory context
 * that was current then.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_LOAD_H
#define STASH_ARROW_LOAD_H

#include "access/tupdesc.h"

#include "arrow_read.h"
#include "compat.h"

typedef struct StashArrowLoader StashArrowLoader;

extern StashArrowLoader *stash_arrow_make_loader(const StashArrowField *field,
												 Oid typid, int32 typmod);
extern Datum stash_arrow_load(StashArrowLoader *loader,
							  const StashArrowArray *array, int64 i,
							  bool *isnull);
extern void stash_arrow_load_dictionary(StashArrowLoader *loader,
										const StashArrowReader *reader,
										MemoryContext scratch);
extern int	stash_arrow_find_field(const StashArrowField *fields, int nfields,
								   const char *name);
pg_noreturn extern void stash_arrow_throw(const StashArrowReader *reader,
										  StashArrowEvent event);

#endif							/* STASH_ARROW_LOAD_H */
