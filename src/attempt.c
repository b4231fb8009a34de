/*-------------------------------------------------------------------------
 *
 * attempt.c
 *	  Steps that may fail without failing their caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "attempt.h"

/*
 * Take a step in a subtransaction.  NULL when it was done, else its error, in
 * the current memory context; what the step did is rolled back, whatever the
 * error is: who does not expect it throws it again, with ReThrowError().
 *
 * Not in parallel mode, which has no subtransactions.
 */
ErrorData *
stash_attempt(void (*step) (void *), void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		step(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return error;
}
