/*-------------------------------------------------------------------------
 *
 * import.h
 *	  What imports have in common: bad rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_IMPORT_H
#define STASH_IMPORT_H

#include "fmgr.h"

/* Reads a row; what it throws may be a bad one's. */
typedef void (*StashImportRead) (void *arg);

extern bool stash_import_skips(FunctionCallInfo fcinfo, int argno);
extern bool stash_import_try(StashImportRead read, void *arg);

#endif							/* STASH_IMPORT_H */
