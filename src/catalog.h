/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  OIDs of the extension's own types; the session's temporary objects; news
 *	  of relations, and who wants to know which are read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_CATALOG_H
#define STASH_CATALOG_H

#include "utils/inval.h"

/*
 * Called for each table that is read without the executor, and whether what
 * was found expires; NULL while nobody wants to know.
 */
typedef void (*StashCatalogReadNote) (Oid relid, bool expires);
extern StashCatalogReadNote stash_catalog_read_note;

extern void stash_catalog_init(void);
extern Oid	stash_catalog_entry_type(void);
extern Oid	stash_catalog_variant_type(bool missing_ok);
extern Oid	stash_catalog_digest_type(void);
extern Oid	stash_catalog_entry_relation(void);
extern Oid	stash_catalog_change_relation(void);
extern Oid	stash_catalog_change_index(void);
extern Oid	stash_catalog_note_function(void);
extern char *stash_catalog_relation_name(Oid relid);
extern bool stash_catalog_has_temporary(void);
extern bool stash_catalog_is_other_version(void);
extern bool stash_catalog_asks_for_time(const char *tree);
extern void stash_catalog_listen(RelcacheCallbackFunction listener);

#endif							/* STASH_CATALOG_H */
