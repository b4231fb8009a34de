/*-------------------------------------------------------------------------
 *
 * memo_allow.c
 *	  Whether a call may have an answer that was remembered for another.
 *
 * A proof says that an answer is still what the target would return.  It was
 * kept under the options that its memo had then, and the target may have called
 * functions by the rights of who called then: what counts are the options of
 * now, and the rights of who asks.
 *
 * Rights to execute change by rows of the catalogs that the proof has, or by
 * roles; so what was found holds until options, role or roles are others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "memo.h"

/*
 * Whether an answer of that age may serve by the present ttl, which may be
 * shorter than the one under which it was kept; then it expires earlier.
 */
static bool
is_young(const StashMemoCall *call, TimestampTz created_at,
		 TimestampTz *expires_at)
{
	TimestampTz limit;

	if (TIMESTAMP_IS_NOEND(*expires_at))
		return true;
	if (!call->has_ttl)
		return false;
	limit = stash_store_expiry(&call->ttl, created_at) + call->memo->body.stale;
	*expires_at = Min(*expires_at, limit);
	return *expires_at > GetCurrentTimestamp();
}

/* whether all that an answer was kept in spite of is still allowed */
static bool
are_excused(const StashMemoCall *call, uint64 reasons)
{
	for (; reasons != 0; reasons &= reasons - 1)
	{
		if (!stash_memo_excuses(call, pg_rightmost_one_pos64(reasons)))
			return false;
	}
	return true;
}

/*
 * Whether a function is the original of one that ran, too, and is memoized in
 * place: the right to that one is what counts.
 */
static bool
is_original(const StashMemoProof *proof, Oid function)
{
	for (int i = 0; i < proof->nfunctions; i++)
	{
		Oid			one = proof->functions[i].oid;
		StashMemo  *memo;

		if (!OidIsValid(one) || !stash_memo_is_memoized(one))
			continue;
		memo = stash_memo_lookup(one);
		if (memo->body.in_place && memo->target == function)
			return true;
	}
	return false;
}

/*
 * Whether the role that the target runs as may execute what it called.  Rather
 * refuse too much: of what ran inside a function with the rights of its owner
 * the owner's rights would do, and what was not called by its name needs no
 * right to its schema.
 */
static bool
may_run(const StashMemo *memo, const StashMemoProof *proof)
{
	Oid			role = memo->is_definer ? memo->target_owner : GetUserId();

	for (int i = 0; i < proof->nfunctions; i++)
	{
		Oid			function = proof->functions[i].oid;

		if (!OidIsValid(function) || function == memo->target)
			continue;
		if ((stash_compat_proc_aclcheck(function, role, ACL_EXECUTE) != ACLCHECK_OK ||
			 stash_compat_namespace_aclcheck(get_func_namespace(function), role,
											 ACL_USAGE) != ACLCHECK_OK) &&
			!is_original(proof, function))
			return false;
	}
	return true;
}

/*
 * Whether a call may have an answer whose proof, if any, holds.
 *
 * '*expires_at' becomes what the present ttl makes of it.  '*allowed' has, or
 * gets, what was found of the same answer before; NULL where nobody keeps that.
 */
bool
stash_memo_allows(const StashMemoCall *call, const StashMemoProof *proof,
				  TimestampTz created_at, TimestampTz *expires_at,
				  StashMemoAllowed *allowed)
{
	StashMemoAllowed now = {
		stash_memo_generation, stash_memo_roles_generation(), GetUserId()
	};

	if (proof == NULL && TIMESTAMP_IS_NOEND(*expires_at))
		return true;
	/* a ttl that is an argument differs from call to call */
	if (allowed != NULL && allowed->options == now.options &&
		allowed->roles == now.roles && allowed->role == now.role &&
		call->ttl_argno < 0)
		return true;
	if (!is_young(call, created_at, expires_at))
		return false;
	if (proof != NULL && !are_excused(call, proof->excused))
		return false;
	/* where the role is in the key, so is what it may do */
	if (proof != NULL && !call->memo->has_environment &&
		!may_run(call->memo, proof))
		return false;
	if (allowed != NULL)
		*allowed = now;
	return true;
}
