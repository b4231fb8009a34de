/*-------------------------------------------------------------------------
 *
 * pg_hashstash.c
 *	  The door: module magic and the order in which the areas start.
 *
 * Nothing includes this unit, and nothing else is done here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "catalog.h"
#include "export.h"
#include "frame_open.h"
#include "import_copy.h"
#include "memo.h"
#include "store.h"
#include "scan.h"
#include "track.h"
#include "typeio.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

/*
 * Called by the server when it loads the library, once in each process.
 */
void
_PG_init(void)
{
	stash_catalog_init();
	stash_scan_init();
	stash_typeio_init();
	stash_frame_init();
	stash_store_init();
	stash_store_worker_init();
	stash_track_init();
	stash_memo_init();
	stash_export_init();
	stash_import_init();
	MarkGUCPrefixReserved("pg_hashstash");
}
