/*-------------------------------------------------------------------------
 *
 * memo_proof.c
 *	  Whether a remembered answer is still what the target would return.
 *
 * An answer carries the relations that it was read from, the functions that
 * ran, and the snapshot under which its computing began.  It is good while no
 * change of these that a caller sees is hidden from that snapshot.  Where what
 * is VOLATILE read with a later one, a caller must also see all that this saw.
 *
 * A change of the catalogs can be seen before word of it has come, and a
 * session goes on with what it knows until then.  Therefore an answer carries
 * also what was known of relations and functions, and is good only for who
 * knows the same.
 *
 * So that of a relation whose row type alone was used counts only what the
 * catalogs say, of a collation the version that its order has, and of a role
 * by whose rights something was read or ran, such as the owner of a view, what
 * memo_role.c says; that of the caller is in the key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "memo.h"

#define MAX_HELD		32		/* of each kind in a proof that is remembered */

/* ---- making ---- */

/*
 * A function's definition, the rights to it and to look into its schema; of the
 * server's functions that is nothing.  False when it is gone.
 */
static bool
function_rows(Oid function, StashTrackRows *rows)
{
	HeapTuple	tuple;
	Oid			schema;

	memset(rows, 0, sizeof(StashTrackRows));
	if (!OidIsValid(function))
		return true;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	schema = ((Form_pg_proc) GETSTRUCT(tuple))->pronamespace;
	stash_track_see_cached(rows, tuple);
	ReleaseSysCache(tuple);
	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	if (!HeapTupleIsValid(tuple))
		return false;
	stash_track_see_cached(rows, tuple);
	ReleaseSysCache(tuple);
	return true;
}

/* note what is known of the functions that ran; false when one is gone */
static bool
add_functions(StashMemoProof *proof, const StashMemoTrace *trace)
{
	int			n = list_length(trace->functions);
	StashTrackRows rows;

	proof->snapshot = trace->snapshot;
	proof->functions = palloc(sizeof(StashMemoSource) * (n + 1));
	for (int i = 0; i <= n; i++)
	{
		StashMemoSource *function = &proof->functions[i];

		/* the server's come last */
		function->oid = i < n ? list_nth_oid(trace->functions, i) : InvalidOid;
		if (!function_rows(function->oid, &rows))
			return false;
		function->digest = rows.digest +
			stash_memo_names_function(function->oid)->digest;
	}
	proof->nfunctions = n + 1;
	return true;
}

static void
add_collations(StashMemoProof *proof, const StashMemoTrace *trace)
{
	ListCell   *cell;

	proof->collations = palloc(sizeof(StashMemoSource) *
							   Max(list_length(trace->collations), 1));
	foreach(cell, trace->collations)
	{
		StashMemoSource *collation = &proof->collations[proof->ncollations++];

		collation->oid = lfirst_oid(cell);
		collation->digest = stash_memo_collation_digest(collation->oid);
	}
}

/* false when one has just been changed: its rights were checked before */
static bool
add_roles(StashMemoProof *proof, const StashMemoTrace *trace)
{
	ListCell   *cell;

	proof->roles = palloc(sizeof(StashMemoSource) *
						  Max(list_length(trace->roles), 1));
	foreach(cell, trace->roles)
	{
		const StashMemoSource *met = lfirst(cell);

		if (stash_memo_role_digest(met->oid) != met->digest)
			return false;
		proof->roles[proof->nroles++] = *met;
	}
	return true;
}

/* false, and which, when one has just been changed */
static bool
add_rows(StashMemoProof *proof, const StashMemoTrace *trace, Oid *culprit)
{
	ListCell   *cell;

	proof->rows = palloc(sizeof(StashMemoSource) *
						 Max(list_length(trace->rows), 1));
	foreach(cell, trace->rows)
	{
		const StashMemoSource *met = lfirst(cell);
		const StashTrackState *state = stash_track_state(met->oid);

		*culprit = state->relid;
		if (state->rows.is_untold || state->digest != met->digest)
			return false;
		proof->rows[proof->nrows].oid = state->relid;
		proof->rows[proof->nrows++].digest = state->digest +
			stash_memo_names_relation(state->relid)->digest;
	}
	*culprit = InvalidOid;
	return true;
}

/*
 * Whether an answer for one role is given to others though policies may show
 * them other rows.  Under SECURITY DEFINER one role reads for all, in sessions
 * of many.
 */
static bool
leaves_out_role(const StashMemo *memo, const StashTrackState *state)
{
	return memo->body.is_shared && state->has_row_security &&
		(!memo->is_definer || state->asks_for_session);
}

/*
 * Whether what a target did is allowed by what the memo's maker said.
 */
bool
stash_memo_excuses(const StashMemoCall *call, StashMemoReason reason)
{
	const StashMemoBody *body = &call->memo->body;

	switch (reason)
	{
		case STASH_MEMO_SESSION:
		case STASH_MEMO_VIEW:
		case STASH_MEMO_EXPIRES:
		case STASH_MEMO_RELATIVE_TIME:
		case STASH_MEMO_MISSING:
			return call->has_ttl || body->allow_volatile;
		case STASH_MEMO_NESTED_TTL:
			return call->has_ttl;
		case STASH_MEMO_SETTING:
			return body->has_vary;
		case STASH_MEMO_LANGUAGE:
			return call->has_ttl || body->allow_volatile || body->has_vary;
		default:
			return false;
	}
}

/* no promise makes up for what a hit would not do */
static const StashMemoReason never_excused[] = {
	STASH_MEMO_SIDE_EFFECTS, STASH_MEMO_UTILITY, STASH_MEMO_CURSOR,
	STASH_MEMO_BEING_COMMITTED, STASH_MEMO_INTERRUPTED
};

/*
 * Make the proof of an answer whose target has come to its end.
 *
 * Returns STASH_MEMO_FINE and the proof, in the current memory context; or why
 * the answer cannot be proved, and which relation or function is to blame.
 * Where a ttl was given, what may change without a word counts by its
 * definition and rights alone.
 */
StashMemoReason
stash_memo_prove(const StashMemoCall *call, const StashMemoTrace *trace,
				 StashMemoProof **proof, Oid *culprit)
{
	const StashMemo *memo = call->memo;
	bool		is_immutable = memo->volatility == PROVOLATILE_IMMUTABLE;
	bool		has_ttl = call->has_ttl;
	uint64		names = stash_memo_names_news();
	StashMemoProof *made;
	ListCell   *cell;

	*culprit = InvalidOid;
	*proof = NULL;
	for (int i = 0; is_immutable && i < lengthof(never_excused); i++)
	{
		if (trace->reasons & UINT64CONST(1) << never_excused[i])
			return never_excused[i];
	}
	/* of one that is IMMUTABLE only these can change */
	if (is_immutable && list_length(trace->functions) <= 1 &&
		trace->collations == NIL)
		return STASH_MEMO_FINE;
	made = palloc0(sizeof(StashMemoProof));
	if (is_immutable)
	{
		if (trace->snapshot == NULL)
			return STASH_MEMO_NO_SNAPSHOT;
		if (!add_functions(made, trace))
			return STASH_MEMO_FUNCTION_CHANGED;
		add_collations(made, trace);
		if (stash_memo_names_news() != names)
			return STASH_MEMO_OLD_PLANS;
		*proof = made;
		return STASH_MEMO_FINE;
	}
	for (int i = 0; i < STASH_MEMO_REASONS; i++)
	{
		if ((trace->reasons & (UINT64CONST(1) << i)) == 0)
			continue;
		if (!stash_memo_excuses(call, (StashMemoReason) i))
		{
			*culprit = trace->culprits[i];
			return (StashMemoReason) i;
		}
		made->excused |= UINT64CONST(1) << i;
	}
	if (trace->snapshot == NULL)
		return STASH_MEMO_NO_SNAPSHOT;
	made->latest = trace->latest;
	made->sources = palloc(sizeof(StashMemoSource) *
						   Max(list_length(trace->relations), 1));
	foreach(cell, trace->relations)
	{
		const StashMemoSource *met = lfirst(cell);
		const StashTrackState *state = stash_track_state(met->oid);

		*culprit = state->relid;
		if (stash_track_changed_here(state))
			return STASH_MEMO_CHANGED_HERE;
		/* though it did not apply to this role it does to others */
		if (leaves_out_role(memo, state))
			return STASH_MEMO_ROW_SECURITY;
		if (state->asks_for_time && !stash_memo_excuses(call, STASH_MEMO_VIEW))
			return STASH_MEMO_VIEW;
		if (state->problem != STASH_TRACK_FINE && !has_ttl)
			return STASH_MEMO_UNTRACKED;
		/* rights to it may have been others when they were checked */
		if (state->rows.is_untold || state->digest != met->digest)
			return STASH_MEMO_BEING_COMMITTED;
		made->sources[made->nsources].oid = state->relid;
		made->sources[made->nsources++].digest = state->digest +
			stash_memo_names_relation(state->relid)->digest;
	}
	if (!add_rows(made, trace, culprit) || !add_roles(made, trace))
		return STASH_MEMO_BEING_COMMITTED;
	if (!add_functions(made, trace))
		return STASH_MEMO_FUNCTION_CHANGED;
	add_collations(made, trace);
	/* namesakes may have come to plans that were used */
	if (stash_memo_names_news() != names)
		return STASH_MEMO_OLD_PLANS;
	*proof = made;
	return STASH_MEMO_FINE;
}

/* ---- asking ---- */

/* what an answer has of a relation */
typedef enum Part
{
	ROW_TYPE,
	WHAT_IS_TRACKED,
	WHATEVER_IT_HOLDS			/* where a ttl says how old that may be */
} Part;

static StashMemoReason
judge_told(const StashMemoSource *source, const StashTrackSnapshot *snapshot,
		   Part part)
{
	const StashTrackState *state = stash_track_state(source->oid);
	StashTrackVerdict verdict = STASH_TRACK_UNKNOWN;
	const StashTrackRows *names;

	if (part != ROW_TYPE)
		verdict = stash_track_judge(state, snapshot);
	/* by the clock then, but for rights, policies and columns */
	if (verdict == STASH_TRACK_UNKNOWN && part != WHAT_IS_TRACKED)
		verdict = stash_track_judge_definition(state, snapshot);
	switch (verdict)
	{
		case STASH_TRACK_FRESH:
			if (state->rows.is_untold)
				return STASH_MEMO_BEING_COMMITTED;
			names = stash_memo_names_relation(source->oid);
			if (names->is_untold || !stash_track_sees(snapshot, names->newest))
				return STASH_MEMO_NAMESAKE;
			return state->digest + names->digest == source->digest ?
				STASH_MEMO_FINE : STASH_MEMO_REDEFINED;
		case STASH_TRACK_UNKNOWN:
			return STASH_MEMO_UNTRACKED;
		case STASH_TRACK_REDEFINED:
			return STASH_MEMO_REDEFINED;
		case STASH_TRACK_CHANGED_HERE:
			return STASH_MEMO_CHANGED_HERE;
		case STASH_TRACK_CHANGED:
			break;
	}
	return STASH_MEMO_CHANGED;
}

/*
 * Whether word of all that our snapshot sees of a relation has come, or a lock of
 * it is ours: '*lock', which is NoLock where it is not.
 *
 * Who redefines or refreshes a relation tells others when they can see the
 * commit already, and gives up the lock after that.  In between nobody holds
 * it who counts as running.  It is in the way of writers at least: of readers
 * neither a refresh need be nor who switches triggers.  So is who only waits for
 * such a lock: then the catalogs are asked who has yet to tell.
 */
static bool
is_told(Oid relid, LOCKMODE *lock)
{
	LOCKTAG		tag;
	int			nrunning;

	*lock = RowExclusiveLock;
	if (ConditionalLockRelationOid(relid, *lock))
		return true;
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	(void) GetLockConflicts(&tag, *lock, &nrunning);
	AcceptInvalidationMessages();
	/* the second for a refresh that lets others read */
	*lock = get_rel_relkind(relid) != RELKIND_MATVIEW ? AccessShareLock :
		RowShareLock;
	/* on a standby one process, which always runs, holds them all */
	if (nrunning > 0 && !RecoveryInProgress())
		*lock = NoLock;
	else if (ConditionalLockRelationOid(relid, *lock))
		stash_track_look_anew(relid);
	else
	{
		*lock = NoLock;
		return false;
	}
	return true;
}

static StashMemoReason
judge_source(const StashMemoSource *source, const StashTrackSnapshot *snapshot,
			 Part part)
{
	LOCKMODE	lock;
	StashMemoReason reason = STASH_MEMO_BEING_COMMITTED;

	if (is_told(source->oid, &lock))
		reason = judge_told(source, snapshot, part);
	if (lock != NoLock)
		UnlockRelationOid(source->oid, lock);
	return reason;
}

static StashMemoReason
judge_function(const StashMemoSource *source, const StashTrackSnapshot *snapshot)
{
	StashTrackRows rows;
	const StashTrackRows *names;

	if (!function_rows(source->oid, &rows) ||
		!stash_track_sees(snapshot, rows.newest))
		return STASH_MEMO_FUNCTION_CHANGED;
	names = stash_memo_names_function(source->oid);
	if (names->is_untold || !stash_track_sees(snapshot, names->newest))
		return OidIsValid(source->oid) ? STASH_MEMO_FUNCTION_NAMESAKE :
			STASH_MEMO_SERVER_NAMESAKE;
	return rows.digest + names->digest == source->digest ? STASH_MEMO_FINE :
		STASH_MEMO_FUNCTION_CHANGED;
}

/* the same version as the library has now */
static StashMemoReason
judge_collation(const StashMemoSource *source)
{
	return stash_memo_collation_digest(source->oid) == source->digest ?
		STASH_MEMO_FINE : STASH_MEMO_COLLATION;
}

/* what a role may do, as this session knows */
static StashMemoReason
judge_role(const StashMemoSource *source)
{
	return stash_memo_role_digest(source->oid) == source->digest ?
		STASH_MEMO_FINE : STASH_MEMO_ROLE;
}

/*
 * A proof that held, and the moment at which it did.  Then so does each other
 * of the same things whose snapshot sees all that its snapshot sees: answers of
 * one function mostly differ in nothing else.
 */
typedef struct Held
{
	uint64		moment;			/* 0: none */
	bool		has_ttl;
	int			nsources;
	int			nfunctions;
	int			nrows;
	int			ncollations;
	int			nroles;
	int			nxip;
	FullTransactionId xmin;
	FullTransactionId xmax;
	FullTransactionId xip[MAX_HELD];
	StashMemoSource sources[MAX_HELD];
	StashMemoSource functions[MAX_HELD];
	StashMemoSource rows[MAX_HELD];
	StashMemoSource collations[MAX_HELD];
	StashMemoSource roles[MAX_HELD];
} Held;

static Held *
held_for(const StashMemoProof *proof)
{
	static Held held[16];
	Oid			some = proof->nfunctions > 0 ? proof->functions[0].oid : 0;

	return &held[some % lengthof(held)];
}

static bool
are_same(const StashMemoSource *a, const StashMemoSource *b, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (a[i].oid != b[i].oid || a[i].digest != b[i].digest)
			return false;
	}
	return true;
}

static bool
is_like(const Held *held, const StashMemoProof *proof, bool has_ttl)
{
	const StashTrackSnapshot *snapshot = proof->snapshot;

	if (held->has_ttl != has_ttl || held->nsources != proof->nsources ||
		held->nfunctions != proof->nfunctions || held->nrows != proof->nrows ||
		held->ncollations != proof->ncollations ||
		held->nroles != proof->nroles)
		return false;
	if (!are_same(held->sources, proof->sources, proof->nsources) ||
		!are_same(held->functions, proof->functions, proof->nfunctions) ||
		!are_same(held->rows, proof->rows, proof->nrows) ||
		!are_same(held->collations, proof->collations, proof->ncollations) ||
		!are_same(held->roles, proof->roles, proof->nroles))
		return false;
	return FullTransactionIdFollowsOrEquals(snapshot->xmin, held->xmax) ||
		(FullTransactionIdEquals(snapshot->xmin, held->xmin) &&
		 FullTransactionIdEquals(snapshot->xmax, held->xmax) &&
		 snapshot->nxip == held->nxip &&
		 memcmp(snapshot->xip, held->xip, sizeof(held->xip[0]) * held->nxip) == 0);
}

static void
hold(const StashMemoProof *proof, bool has_ttl, uint64 moment)
{
	Held	   *held = held_for(proof);

	if (proof->nsources > MAX_HELD || proof->nfunctions > MAX_HELD ||
		proof->nrows > MAX_HELD || proof->ncollations > MAX_HELD ||
		proof->nroles > MAX_HELD || proof->snapshot->nxip > MAX_HELD)
		return;
	held->moment = moment;
	held->has_ttl = has_ttl;
	held->nsources = proof->nsources;
	held->nfunctions = proof->nfunctions;
	held->nrows = proof->nrows;
	held->ncollations = proof->ncollations;
	held->nroles = proof->nroles;
	held->nxip = proof->snapshot->nxip;
	held->xmin = proof->snapshot->xmin;
	held->xmax = proof->snapshot->xmax;
	memcpy(held->xip, proof->snapshot->xip, sizeof(held->xip[0]) * held->nxip);
	memcpy(held->sources, proof->sources, sizeof(held->sources[0]) * held->nsources);
	memcpy(held->functions, proof->functions,
		   sizeof(held->functions[0]) * held->nfunctions);
	if (held->nrows > 0)
		memcpy(held->rows, proof->rows, sizeof(held->rows[0]) * held->nrows);
	if (held->ncollations > 0)
		memcpy(held->collations, proof->collations,
			   sizeof(held->collations[0]) * held->ncollations);
	if (held->nroles > 0)
		memcpy(held->roles, proof->roles, sizeof(held->roles[0]) * held->nroles);
}

/* what may have changed, looked up */
static StashMemoReason
judge_anew(const StashMemoProof *proof, bool has_ttl, Oid *culprit)
{
	StashMemoReason reason;
	bool		untold;

	if (IsolationIsSerializable())
		return STASH_MEMO_SERIALIZABLE;

	/* as opening the relations would: what was committed before counts */
	AcceptInvalidationMessages();
	if (stash_track_anything_changed(proof->snapshot, &untold))
		return STASH_MEMO_ANYTHING;
	if (untold)
		return STASH_MEMO_BEING_COMMITTED;
	for (int i = 0; i < proof->nsources; i++)
	{
		*culprit = proof->sources[i].oid;
		reason = judge_source(&proof->sources[i], proof->snapshot,
							  has_ttl ? WHATEVER_IT_HOLDS : WHAT_IS_TRACKED);
		if (reason != STASH_MEMO_FINE)
			return reason;
	}
	for (int i = 0; i < proof->nrows; i++)
	{
		*culprit = proof->rows[i].oid;
		reason = judge_source(&proof->rows[i], proof->snapshot, ROW_TYPE);
		if (reason != STASH_MEMO_FINE)
			return reason;
	}
	for (int i = 0; i < proof->ncollations; i++)
	{
		*culprit = proof->collations[i].oid;
		reason = judge_collation(&proof->collations[i]);
		if (reason != STASH_MEMO_FINE)
			return reason;
	}
	for (int i = 0; i < proof->nroles; i++)
	{
		*culprit = proof->roles[i].oid;
		reason = judge_role(&proof->roles[i]);
		if (reason != STASH_MEMO_FINE)
			return reason;
	}
	for (int i = 0; i < proof->nfunctions; i++)
	{
		*culprit = proof->functions[i].oid;
		reason = judge_function(&proof->functions[i], proof->snapshot);
		if (reason != STASH_MEMO_FINE)
			return reason;
	}
	*culprit = InvalidOid;
	return STASH_MEMO_FINE;
}

/*
 * Whether an answer is what its target would return now, under the active
 * snapshot: STASH_MEMO_FINE, or why not and which relation, function or role is
 * to blame.  'has_ttl': what is not tracked may be as old as that.
 */
StashMemoReason
stash_memo_proof_judge(const StashMemoProof *proof, bool has_ttl, Oid *culprit)
{
	uint64		moment = stash_track_moment();
	const Held *held = held_for(proof);
	StashMemoReason reason;

	*culprit = InvalidOid;
	if (!ActiveSnapshotSet())
		return STASH_MEMO_NO_SNAPSHOT;
	if (!stash_track_is_not_newer(proof->latest ? proof->latest : proof->snapshot,
								  GetActiveSnapshot()))
		return STASH_MEMO_NEWER;
	if (moment != 0 && held->moment == moment && is_like(held, proof, has_ttl))
		return STASH_MEMO_FINE;
	reason = judge_anew(proof, has_ttl, culprit);
	/* what was looked up may have moved time on */
	if (reason == STASH_MEMO_FINE && moment != 0 && moment == stash_track_moment())
		hold(proof, has_ttl, moment);
	return reason;
}

/*
 * Whether an entry of a stash holds, as far as its memo needs a proof, as
 * stash_memo_proof_judge() says it, and this call may have it; the proof is made
 * in the current context, NULL where there is none.
 */
StashMemoReason
stash_memo_entry_judge(const StashMemoCall *call, const StashEntry *entry,
					   StashMemoProof **proof, TimestampTz *expires_at,
					   Oid *culprit)
{
	StashMemoReason reason = STASH_MEMO_FINE;

	*proof = NULL;
	*expires_at = entry->expires_at;
	*culprit = InvalidOid;
	if (entry->proof != NULL)
	{
		*proof = stash_memo_proof_read(entry->proof);
		if (*proof == NULL)
			return STASH_MEMO_OTHER_SERVER;
		reason = stash_memo_proof_judge(*proof, call->has_ttl, culprit);
	}
	else if (call->memo->volatility != PROVOLATILE_IMMUTABLE && !call->has_ttl)
		return STASH_MEMO_OTHER_SERVER;
	if (reason == STASH_MEMO_FINE &&
		!stash_memo_allows(call, *proof, entry->created_at, expires_at, NULL))
		return STASH_MEMO_NOT_ALLOWED;
	return reason;
}
