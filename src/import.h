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

extern bool stash_import_skips(FunctionCallInfo fcinfo, int argno);
extern bool stash_import_try(void (*read) (void *), void *arg);

#endif							/* STASH_IMPORT_H */
