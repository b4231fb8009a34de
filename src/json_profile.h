/*-------------------------------------------------------------------------
 *
 * json_profile.h
 *	  Profiles of JSON text: how numbers, times, binary data and what is no
 *	  number are written, where that is not to_json's way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_JSON_PROFILE_H
#define STASH_JSON_PROFILE_H

#include "fmgr.h"
#include "lib/stringinfo.h"

typedef enum StashJsonProfile
{
	STASH_JSON_DEFAULT,			/* as to_json */
	STASH_JSON_LOSSLESS,
	STASH_JSON_JAVASCRIPT,
	STASH_JSON_EPOCH
} StashJsonProfile;

/* Appends a value, which is not null. */
typedef void (*StashJsonPut) (StringInfo buf, Datum value);

extern StashJsonProfile stash_json_profile(const char *name);
extern StashJsonPut stash_json_profile_put(StashJsonProfile profile,
										   Oid typid);

#endif							/* STASH_JSON_PROFILE_H */
