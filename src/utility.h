/*-------------------------------------------------------------------------
 *
 * utility.h
 *	  Commands that are no queries, as the server is about to run them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_UTILITY_H
#define STASH_UTILITY_H

#include "tcop/utility.h"

/* A command, and where what it says goes. */
typedef struct StashUtility
{
	PlannedStmt *statement;
	const char *text;			/* of which the statement is a part */
	QueryCompletion *completion;	/* may be NULL */
} StashUtility;

/* Looks at a command; true when it has run it in the server's stead. */
typedef bool (*StashUtilityHandler) (const StashUtility *utility);

extern void stash_utility_handle(StashUtilityHandler handler);

#endif							/* STASH_UTILITY_H */
