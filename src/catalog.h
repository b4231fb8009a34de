/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  OIDs of the extension's own types; the session's temporary objects; news
 *	  of relations; who wants to know what is read and called without a plan.
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

/*
 * Called for each function of a user that we call by ourselves, and for those of
 * the server that call such, for which the server has no hook; NULL while nobody
 * wants to know.
 */
typedef void (*StashCatalogCallNote) (Oid function);
extern StashCatalogCallNote stash_catalog_call_note;

/*
 * Tell that a function is about to be called, or may be by what is made ready
 * for one query.  At each value is often enough, and cheap; where what was
 * made ready outlives the query, at nothing less.
 */
static inline void
stash_catalog_note_call(Oid function)
{
	if (stash_catalog_call_note != NULL)
		stash_catalog_call_note(function);
}

/*
 * Called for each text that our own code reads as a value of a type, which may
 * mean another one tomorrow, and, with NULL, where it writes one; NULL while
 * nobody wants to know.
 */
typedef void (*StashCatalogTextNote) (Oid type, const char *text);
extern StashCatalogTextNote stash_catalog_text_note;

static inline void
stash_catalog_note_text(Oid type, const char *text)
{
	if (stash_catalog_text_note != NULL)
		stash_catalog_text_note(type, text);
}

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
extern bool stash_catalog_asks_for_session(const char *tree);
extern uint64 stash_catalog_news(void);
extern void stash_catalog_listen(RelcacheCallbackFunction listener);
extern void stash_catalog_listen_cache(int cache, SyscacheCallbackFunction listener);

#endif							/* STASH_CATALOG_H */
