/*-------------------------------------------------------------------------
 *
 * memo_verify.c
 *	  Remembered answers are compared with what is computed now, by chance.
 *
 * Labels and options are promises: IMMUTABLE, volatile => true, vary, ignore
 * and others.  With pg_hashstash.verify a share of the hits is computed all
 * the same, and a difference is told.  Nothing is compared that may differ:
 * answers with a ttl, the order of a set.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "hash_datum.h"
#include "memo.h"

static double share;			/* of the hits: pg_hashstash.verify */

/*
 * Define the setting; called once when the library is loaded.
 */
void
stash_memo_verify_init(void)
{
	DefineCustomRealVariable("pg_hashstash.verify",
							 "Share of remembered answers that are computed all the same, and compared.",
							 "Where they differ there is a warning, and what was computed is returned.",
							 &share, 0.0, 0.0, 1.0,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

/*
 * Whether this hit is to be compared.
 */
bool
stash_memo_verifies(const StashMemoResult *result)
{
	return unlikely(share > 0) && TIMESTAMP_IS_NOEND(result->expires_at) &&
		pg_prng_double(&pg_global_prng_state) < share;
}

static void
warn(const StashMemoCall *call, const StashMemoResult *result)
{
	ereport(WARNING,
			(errmsg("remembered answer of function %s differs from what it returns now",
					call->memo->signature),
			 errdetail("It was remembered at %s.",
					   timestamptz_to_str(result->created_at)),
			 errhint("The function depends on more than it promises: correct its label, or the options of stash.memoize(), and run stash.forget().")));
}

/*
 * Compare a remembered answer with a value that was computed.
 */
void
stash_memo_verify_value(const StashMemoCall *call,
						const StashMemoResult *result, Datum value, bool isnull)
{
	StashHash128 old;
	StashHash128 new;

	if (result->isnull || isnull)
	{
		if (result->isnull != isnull)
			warn(call, result);
		return;
	}
	old = stash_hash_value(call->rettype ? call->rettype :
						   stash_type_of_row(result->value),
						   result->value, false);
	new = stash_hash_value(call->rettype ? call->rettype :
						   stash_type_of_row(value), value, false);
	if (memcmp(&old, &new, sizeof(old)) != 0)
		warn(call, result);
}

/* a sum of the hashes of all rows, which does not know their order */
static void
add_rows(Tuplestorestate *rows, TupleDesc desc, StashType *type, uint64 sum[3])
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		uint64		words[2];
		StashHash128 hash = stash_hash_value(type, ExecFetchSlotHeapTupleDatum(slot),
											 false);

		CHECK_FOR_INTERRUPTS();
		memcpy(words, hash.data, sizeof(words));
		sum[0] += words[0];
		sum[1] += words[1];
		sum[2]++;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_rescan(rows);
}

/*
 * The same of sets, whose rows are of 'type'; 'remembered' is what 'result'
 * holds.
 */
void
stash_memo_verify_rows(const StashMemoCall *call, const StashMemoResult *result,
					   Tuplestorestate *remembered, Tuplestorestate *computed,
					   TupleDesc desc, StashType *type)
{
	uint64		old[3] = {0};
	uint64		new[3] = {0};

	add_rows(remembered, desc, type, old);
	add_rows(computed, desc, type, new);
	if (memcmp(old, new, sizeof(old)) != 0)
		warn(call, result);
}
