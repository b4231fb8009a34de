/*-------------------------------------------------------------------------
 *
 * import_file.h
 *	  Files of the server into tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_IMPORT_FILE_H
#define STASH_IMPORT_FILE_H

#include "nodes/pg_list.h"
#include "utils/rel.h"

extern uint64 stash_import_file(Relation rel, List *columns, const char *path,
								const char *format, const char *on_error);

#endif							/* STASH_IMPORT_FILE_H */
