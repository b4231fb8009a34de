/*-------------------------------------------------------------------------
 *
 * utility.c
 *	  Commands that are no queries, as the server is about to run them.
 *
 * The only unit that hooks ProcessUtility.  Handlers are asked in the order in
 * which they came; then whoever had the hook before, or the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "utility.h"

#define MAX_HANDLERS	4

static StashUtilityHandler handlers[MAX_HANDLERS];
static int	nhandlers;
static ProcessUtility_hook_type next;

static void
process(PlannedStmt *statement, const char *text, bool read_only_tree,
		ProcessUtilityContext context, ParamListInfo params,
		QueryEnvironment *environment, DestReceiver *dest,
		QueryCompletion *completion)
{
	StashUtility utility = {statement, text, completion};

	for (int i = 0; i < nhandlers; i++)
	{
		if (handlers[i] (&utility))
			return;
	}
	(next != NULL ? next : standard_ProcessUtility) (statement, text,
													 read_only_tree, context,
													 params, environment, dest,
													 completion);
}

/*
 * Ask 'handler' about each command from now on; called when the library is
 * loaded.
 */
void
stash_utility_handle(StashUtilityHandler handler)
{
	if (nhandlers == MAX_HANDLERS)
		elog(ERROR, "too many handlers of commands");
	if (nhandlers == 0)
	{
		next = ProcessUtility_hook;
		ProcessUtility_hook = process;
	}
	handlers[nhandlers++] = handler;
}
