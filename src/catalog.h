/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  OIDs of the extension's own types.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_CATALOG_H
#define STASH_CATALOG_H

extern void stash_catalog_init(void);
extern Oid	stash_catalog_entry_type(void);
extern Oid	stash_catalog_variant_type(void);
extern Oid	stash_catalog_entry_relation(void);

#endif							/* STASH_CATALOG_H */
