/*-------------------------------------------------------------------------
 *
 * memo_find.c
 *	  The answer to a call where it is remembered.
 *
 * The session's memory comes first, then that of all sessions, then the stash;
 * where all have none, or one past its ttl, another session may be computing it
 * just now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "attempt.h"
#include "compat.h"
#include "frame_datum.h"
#include "memo.h"
#include "store.h"
#include "typeio.h"

/*
 * Do something in which a type's input may refuse what is stored, by now: a
 * label that was renamed, an object that was dropped, a condition of a domain
 * that no longer holds.  False then.
 */
bool
stash_memo_try(void (*read) (void *), void *arg)
{
	ErrorData  *error;

	if (IsInParallelMode())
		return false;
	error = stash_attempt(read, arg);
	if (error != NULL && (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
						  error->sqlerrcode == ERRCODE_OUT_OF_MEMORY))
		ReThrowError(error);
	return error == NULL;
}

/* a value to be read from a frame */
typedef struct ValueReading
{
	StashFrameReader reader;
	Datum		value;
	bool		isnull;
} ValueReading;

static void
read_value(void *arg)
{
	ValueReading *reading = arg;
	StashType  *type;

	reading->value = stash_frame_read(&reading->reader, &type,
									  &reading->isnull);
}

/*
 * Take the result out of an entry; false when it is not, or no longer, a
 * result that this call could have: then the call is a miss.
 *
 * 'is_flat': the entry's value is no frame, but one of the call's type.
 */
static bool
read_entry(StashMemoCall *call, const StashEntry *entry, bool is_flat,
		   StashMemoResult *result)
{
	struct varlena *variant = (struct varlena *) DatumGetPointer(entry->value);
	ValueReading reading;
	StashType  *type;
	Oid			culprit;

	memset(result, 0, sizeof(*result));
	result->created_at = entry->created_at;
	result->cost_us = entry->cost_us;
	call->stale = stash_memo_entry_judge(call, entry, &result->proof,
										 &result->expires_at, &culprit);
	if (call->stale != STASH_MEMO_FINE)
		return false;
	result->isnull = entry->value_isnull;
	result->value = entry->value;
	if (entry->value_isnull)
		return !call->memo->retset;
	if (is_flat)
		return true;
	if (stash_frame_parse(&reading.reader, VARDATA_ANY(variant),
						  VARSIZE_ANY_EXHDR(variant)) != STASH_FRAME_OK)
		return false;
	type = stash_type_by_descriptor(reading.reader.type,
									reading.reader.typelen, true);
	if (type == NULL)
		return false;
	if (call->memo->retset)
	{
		StashParts	parts;

		if (stash_store_is_head(entry->value, &parts))
		{
			result->parts = palloc(sizeof(StashParts));
			*result->parts = parts;
			return true;
		}
		result->rows = variant;
		return type->kind == STASH_KIND_ARRAY &&
			type->inner->kind == STASH_KIND_ROW;
	}
	if (type->oid != (call->rettype ? call->rettype->oid : RECORDOID))
		return false;
	if (type->always_reads)
		read_value(&reading);
	else if (!stash_memo_try(read_value, &reading))
		return false;
	result->value = reading.value;
	result->isnull = reading.isnull;
	return true;
}

/*
 * Take the result out of an entry of a stash; false when it is not, or no
 * longer, a result that this call could have: then the call is a miss.
 */
bool
stash_memo_read_result(StashMemoCall *call, const StashEntry *entry,
					   StashMemoResult *result)
{
	if (!read_entry(call, entry, false, result))
		return false;
	result->found_in = STASH_MEMO_HIT_TABLE;
	return true;
}

/* whether an answer is past its ttl and serves only while a new one is made */
static bool
is_stale(const StashMemo *memo, const StashMemoResult *result)
{
	return memo->body.stale > 0 && !TIMESTAMP_IS_NOEND(result->expires_at) &&
		result->expires_at - memo->body.stale <= GetCurrentTimestamp();
}

/* copy what a result in the session's memory points to: any news may drop it */
static void
own_result(const StashMemoCall *call, StashMemoResult *result)
{
	if (result->proof != NULL)
		result->proof = stash_memo_proof_copy(result->proof,
											  CurrentMemoryContext);
	if (result->rows == NULL && !result->isnull)
		result->value = datumCopy(result->value, call->rettypbyval,
								  call->rettyplen);
}

/*
 * The remembered result, in the session's memory; a copy of it, but a value is
 * to be copied before anything else is done.
 */
static bool
find_in_memory(StashMemoCall *call, StashMemoKey *key, StashMemoResult *result)
{
	const StashMemoResult *cached = stash_memo_cache_find(key, call);

	if (cached == NULL)
		return false;
	if (call->memo->notes_use)
		stash_store_note_use(call->memo->stash, key->hash);
	*result = *cached;
	result->found_in = STASH_MEMO_HIT_LOCAL;
	/* reading rows asks the catalogs, whose news may drop the entry */
	if (cached->rows != NULL)
	{
		result->rows = palloc(VARSIZE(cached->rows));
		memcpy(result->rows, cached->rows, VARSIZE(cached->rows));
	}
	/* so does what is noted, or looked for in other places */
	if (stash_memo_is_traced() || is_stale(call->memo, result))
		own_result(call, result);
	stash_memo_trace_hit(call->memo, result);
	return true;
}

/*
 * The same in the memory of all sessions; judged as one of the stash.
 */
bool
stash_memo_find_shared(StashMemoCall *call, const StashMemoKey *key,
					   StashMemoResult *result)
{
	StashMemoAddress address;
	StashEntry	entry;
	bool		is_flat;

	/* what is read for the proof may let in news of the stash */
	if (!stash_memo_shared_address(&address, call, key) ||
		!stash_memo_shared_find(&address, &entry, &is_flat) ||
		!read_entry(call, &entry, is_flat, result) ||
		!stash_memo_still_holds(call))
		return false;
	result->found_in = STASH_MEMO_HIT_SHARED;
	return true;
}

/* then it is kept in the session's memory, too */
static bool
find_in_shared(StashMemoCall *call, StashMemoKey *key, StashMemoResult *result)
{
	if (!stash_memo_find_shared(call, key, result))
		return false;
	if (call->memo->notes_use)
		stash_store_note_use(call->memo->stash, key->hash);
	stash_memo_trace_hit(call->memo, result);
	stash_memo_cache_put(key, call, result, false);
	return true;
}

/*
 * Have others find what was found in the stash; false when that has to wait for
 * the commit, for it may be our own.
 */
static bool
share_found(StashMemoCall *call, const StashMemoKey *key,
			const StashEntry *entry, const StashMemoResult *result)
{
	bool		is_flat = result->rows == NULL && !call->follows_types;
	StashMemoAddress address;
	Size		valuelen = 0;

	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return false;
	if (!stash_memo_shared_address(&address, call, key) ||
		!stash_memo_shared_is_recent(call))
		return true;
	if (is_flat && !result->isnull && !call->rettypbyval)
		valuelen = datumGetSize(result->value, false, call->rettyplen);
	stash_memo_shared_put(&address, result, valuelen,
						  is_flat || entry->value_isnull ? NULL :
						  (bytea *) DatumGetPointer(entry->value),
						  entry->proof);
	return true;
}

/* the same in the stash; then it is kept in memory, too */
static bool
find_in_stash(StashMemoCall *call, StashMemoKey *key, FunctionCallInfo fcinfo,
			  bytea **frame, StashMemoResult *result)
{
	StashEntry	entry;
	bool		found;

	if (stash_memo_may_read(call->memo) != STASH_MEMO_FINE)
		return false;
	*frame = stash_memo_key_frame(key, call, fcinfo);
	(void) stash_memo_table_find(call->memo, key, *frame, &found, &entry);
	if (!found)
		return false;
	if (!stash_memo_read_result(call, &entry, result))
	{
		stash_memo_table_doubt(call->memo, key);
		return false;
	}
	stash_memo_trace_hit(call->memo, result);
	if (result->parts == NULL &&
		stash_memo_table_is_current(call->memo, key, *frame, &entry))
		stash_memo_cache_put(key, call, result,
							 !share_found(call, key, &entry, result));
	return true;
}

/*
 * Nothing was found, or only what is stale: compute, or wait for who does.
 * True when 'result' is the answer after all.
 */
static bool
wait_for_others(StashMemoCall *call, StashMemoKey *key, bytea *frame,
				StashMemoResult *result, bool has_stale)
{
	StashMemo  *memo = call->memo;
	TimestampTz now = GetCurrentTimestamp();
	StashEntry	entry;
	StashFlight flight;
	Oid			culprit;
	bool		waited;

	/* what is not kept cannot be waited for */
	if (stash_memo_may_write(memo) != STASH_MEMO_FINE ||
		stash_memo_noted(memo->function, &culprit) != STASH_MEMO_FINE)
		return false;
	flight = stash_memo_flight_begin(key, has_stale ? now : now + memo->body.wait,
									 &waited);
	if (waited)
		stash_memo_count(memo, STASH_MEMO_WAIT, 1);
	switch (flight)
	{
		case STASH_FLIGHT_THEIRS:
			return has_stale;
		case STASH_FLIGHT_OVER:
			/* committed behind the back of our snapshot */
			if (!stash_memo_table_find_latest(memo, key, frame, &entry) ||
				!stash_memo_read_result(call, &entry, result))
				return false;
			result->is_latest = true;
			stash_memo_trace_hit(memo, result);
			return true;
		case STASH_FLIGHT_OURS:
			key->flies = true;
			break;
		case STASH_FLIGHT_NONE:
			break;
	}
	return false;
}

/*
 * Find the answer to a call, in the session's memory, in that of all sessions,
 * in the stash, or by waiting for another session that computes it.
 *
 * '*frame' is the key in full where that was needed.  When the answer is to be
 * computed, stash_memo_flight_end() is to be called after that.
 */
bool
stash_memo_find(StashMemoCall *call, StashMemoKey *key, FunctionCallInfo fcinfo,
				bytea **frame, StashMemoResult *result)
{
	StashMemoResult stale;
	bool		found = find_in_memory(call, key, result);

	if (found && !is_stale(call->memo, result))
		return true;
	if (found)
		stale = *result;
	if (find_in_shared(call, key, result))
	{
		if (!is_stale(call->memo, result))
			return true;
		stale = *result;
		found = true;
	}
	if (find_in_stash(call, key, fcinfo, frame, result))
	{
		if (!is_stale(call->memo, result))
			return true;
		found = true;
	}
	else if (found)
		*result = stale;
	if (*frame == NULL)
		return found;
	return wait_for_others(call, key, *frame, result, found);
}

/*
 * The same without waiting for anybody, and nothing that is past its ttl.  The
 * result is the caller's own.
 */
bool
stash_memo_find_fresh(StashMemoCall *call, StashMemoKey *key,
					  FunctionCallInfo fcinfo, StashMemoResult *result)
{
	bytea	   *frame = NULL;

	if (find_in_memory(call, key, result) && !is_stale(call->memo, result))
	{
		own_result(call, result);
		return true;
	}
	return find_in_stash(call, key, fcinfo, &frame, result) &&
		!is_stale(call->memo, result);
}
