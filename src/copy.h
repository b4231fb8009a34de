/*-------------------------------------------------------------------------
 *
 * copy.h
 *	  What COPY commands say: options and columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_COPY_H
#define STASH_COPY_H

#include "nodes/parsenodes.h"
#include "utils/rel.h"

extern DefElem *stash_copy_option(const CopyStmt *copy, const char *name);
extern const char *stash_copy_format(const CopyStmt *copy);
extern void stash_copy_check_options(const CopyStmt *copy,
									 const char *const *allowed, int nallowed);
extern List *stash_copy_all_columns(Relation rel, bool has_identity);
extern List *stash_copy_columns(const CopyStmt *copy, Relation rel);

#endif							/* STASH_COPY_H */
