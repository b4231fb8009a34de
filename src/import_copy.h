/*-------------------------------------------------------------------------
 *
 * import_copy.h
 *	  COPY ... FROM with a format of ours.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_IMPORT_COPY_H
#define STASH_IMPORT_COPY_H

#include "commands/copy.h"

/* of the COPY ... FROM that runs; NULL when none does */
extern CopyFromState stash_import_copying;

extern void stash_import_init(void);

#endif							/* STASH_IMPORT_COPY_H */
