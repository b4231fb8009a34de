/*-------------------------------------------------------------------------
 *
 * memo_proof_bytes.c
 *	  Copies of proofs, and proofs as bytes.
 *
 * In a stash the proof is bytes of this server's own, in network order:
 *
 *		version		1 byte
 *		system		8, the identifier of the server: another one, other numbers
 *		database	4, its OID: a copy of it has the same numbers of all else
 *		xmin, xmax	8 each
 *		excused		8, what was allowed by what the memo's maker said, bits by
 *					StashMemoReason: with another order the version changes
 *		counts		4 each: running transactions, relations, functions, relations
 *					whose row types were used, collations, roles, and numbers
 *					of the latest snapshot: 0 where the first is the only one
 *		running		8 each
 *		latest		8 each: xmin, xmax and what was running
 *		relations	12 each: OID, digest
 *		functions	12 each: the same; OID 0 is the server's
 *		row types, collations, roles	12 each: the same
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"

#include "memo.h"

#define PROOF_VERSION	7
#define LATEST_NUMBERS	2		/* xmin and xmax */
#define HEADER_BYTES	(1 + 8 + 4 + 2 * 8 + 8 + 7 * 4)

/* ---- copies ---- */

static Size
snapshot_size(const StashTrackSnapshot *snapshot)
{
	return snapshot == NULL ? 0 : STASH_TRACK_SNAPSHOT_SIZE(snapshot->nxip);
}

/*
 * The bytes of a proof in memory.
 */
Size
stash_memo_proof_size(const StashMemoProof *proof)
{
	return MAXALIGN(sizeof(StashMemoProof)) + snapshot_size(proof->snapshot) +
		snapshot_size(proof->latest) +
		sizeof(StashMemoSource) * (proof->nsources + proof->nfunctions +
								   proof->nrows + proof->ncollations +
								   proof->nroles);
}

/* copy what may be nothing, and step behind it */
static void *
copy_part(char **to, const void *from, Size size)
{
	char	   *at = *to;

	if (size > 0)
		memcpy(at, from, size);
	*to += size;
	return at;
}

/*
 * A copy, in one block of a memory context.
 */
StashMemoProof *
stash_memo_proof_copy(const StashMemoProof *proof, MemoryContext context)
{
	const Size	one = sizeof(StashMemoSource);
	char	   *block = MemoryContextAlloc(context, stash_memo_proof_size(proof));
	StashMemoProof *copy = (StashMemoProof *) block;

	*copy = *proof;
	block += MAXALIGN(sizeof(StashMemoProof));
	copy->sources = copy_part(&block, proof->sources, one * proof->nsources);
	copy->functions = copy_part(&block, proof->functions, one * proof->nfunctions);
	copy->rows = copy_part(&block, proof->rows, one * proof->nrows);
	copy->collations = copy_part(&block, proof->collations,
								 one * proof->ncollations);
	copy->roles = copy_part(&block, proof->roles, one * proof->nroles);
	copy->snapshot = copy_part(&block, proof->snapshot,
							   snapshot_size(proof->snapshot));
	if (proof->latest != NULL)
		copy->latest = copy_part(&block, proof->latest,
								 snapshot_size(proof->latest));
	return copy;
}

/* ---- bytes ---- */

static char *
put32(char *at, uint32 value)
{
	value = pg_hton32(value);
	return (char *) memcpy(at, &value, sizeof(value)) + sizeof(value);
}

static char *
put64(char *at, uint64 value)
{
	value = pg_hton64(value);
	return (char *) memcpy(at, &value, sizeof(value)) + sizeof(value);
}

static char *
put_sources(char *at, const StashMemoSource *sources, int n)
{
	for (int i = 0; i < n; i++)
	{
		at = put32(at, sources[i].oid);
		at = put64(at, sources[i].digest);
	}
	return at;
}

static uint32
get32(const char **at)
{
	uint32		value;

	memcpy(&value, *at, sizeof(value));
	*at += sizeof(value);
	return pg_ntoh32(value);
}

static uint64
get64(const char **at)
{
	uint64		value;

	memcpy(&value, *at, sizeof(value));
	*at += sizeof(value);
	return pg_ntoh64(value);
}

static void
get_sources(const char **at, StashMemoSource *sources, int n)
{
	for (int i = 0; i < n; i++)
	{
		sources[i].oid = get32(at);
		sources[i].digest = get64(at);
	}
}

static char *
put_running(char *at, const StashTrackSnapshot *snapshot)
{
	for (int i = 0; i < snapshot->nxip; i++)
		at = put64(at, U64FromFullTransactionId(snapshot->xip[i]));
	return at;
}

static void
get_running(const char **at, StashTrackSnapshot *snapshot, int nxip)
{
	snapshot->nxip = nxip;
	for (int i = 0; i < nxip; i++)
		snapshot->xip[i] = FullTransactionIdFromU64(get64(at));
}

/* how many numbers the latest snapshot of a proof is */
static int
latest_numbers(const StashMemoProof *proof)
{
	return proof->latest == NULL ? 0 : LATEST_NUMBERS + proof->latest->nxip;
}

/*
 * The bytes of a proof.
 */
bytea *
stash_memo_proof_write(const StashMemoProof *proof)
{
	const StashTrackSnapshot *snapshot = proof->snapshot;
	int			nlatest = latest_numbers(proof);
	Size		size = VARHDRSZ + HEADER_BYTES +
	8 * ((Size) snapshot->nxip + nlatest) +
	12 * ((Size) proof->nsources + (Size) proof->nfunctions +
		  (Size) proof->nrows + (Size) proof->ncollations +
		  (Size) proof->nroles);
	bytea	   *bytes = palloc(size);
	char	   *at = VARDATA(bytes);

	SET_VARSIZE(bytes, size);
	*at++ = PROOF_VERSION;
	at = put64(at, GetSystemIdentifier());
	at = put32(at, MyDatabaseId);
	at = put64(at, U64FromFullTransactionId(snapshot->xmin));
	at = put64(at, U64FromFullTransactionId(snapshot->xmax));
	at = put64(at, proof->excused);
	at = put32(at, snapshot->nxip);
	at = put32(at, proof->nsources);
	at = put32(at, proof->nfunctions);
	at = put32(at, proof->nrows);
	at = put32(at, proof->ncollations);
	at = put32(at, proof->nroles);
	at = put32(at, nlatest);
	at = put_running(at, snapshot);
	if (proof->latest != NULL)
	{
		at = put64(at, U64FromFullTransactionId(proof->latest->xmin));
		at = put64(at, U64FromFullTransactionId(proof->latest->xmax));
		at = put_running(at, proof->latest);
	}
	at = put_sources(at, proof->sources, proof->nsources);
	at = put_sources(at, proof->functions, proof->nfunctions);
	at = put_sources(at, proof->rows, proof->nrows);
	at = put_sources(at, proof->collations, proof->ncollations);
	at = put_sources(at, proof->roles, proof->nroles);
	Assert(at == (char *) bytes + size);
	return bytes;
}

/*
 * The proof that bytes hold, in the current memory context; NULL when they
 * hold none, or one of another server or version.
 */
StashMemoProof *
stash_memo_proof_read(const bytea *bytes)
{
	const char *at = VARDATA_ANY(bytes);
	Size		size = VARSIZE_ANY_EXHDR(bytes);
	StashMemoProof *proof;
	FullTransactionId xmin;
	FullTransactionId xmax;
	uint64		excused;
	uint32		nxip;
	uint32		nsources;
	uint32		nfunctions;
	uint32		nrows;
	uint32		ncollations;
	uint32		nroles;
	uint32		nlatest;
	uint64		nall;

	if (size < HEADER_BYTES || *at++ != PROOF_VERSION ||
		get64(&at) != GetSystemIdentifier() || get32(&at) != MyDatabaseId)
		return NULL;
	xmin = FullTransactionIdFromU64(get64(&at));
	xmax = FullTransactionIdFromU64(get64(&at));
	excused = get64(&at);
	nxip = get32(&at);
	nsources = get32(&at);
	nfunctions = get32(&at);
	nrows = get32(&at);
	ncollations = get32(&at);
	nroles = get32(&at);
	nlatest = get32(&at);
	nall = (uint64) nsources + nfunctions + nrows + ncollations + nroles;
	if (size != HEADER_BYTES + 8 * ((uint64) nxip + nlatest) + 12 * nall ||
		(nlatest > 0 && nlatest < LATEST_NUMBERS))
		return NULL;

	/* one block, for this is done at each hit */
	proof = palloc(MAXALIGN(sizeof(StashMemoProof)) +
				   sizeof(StashMemoSource) * nall +
				   STASH_TRACK_SNAPSHOT_SIZE(nxip) +
				   STASH_TRACK_SNAPSHOT_SIZE(nlatest));
	proof->excused = excused;
	proof->nsources = nsources;
	proof->sources = (StashMemoSource *) ((char *) proof + MAXALIGN(sizeof(StashMemoProof)));
	proof->nfunctions = nfunctions;
	proof->functions = proof->sources + nsources;
	proof->nrows = nrows;
	proof->rows = proof->functions + nfunctions;
	proof->ncollations = ncollations;
	proof->collations = proof->rows + nrows;
	proof->nroles = nroles;
	proof->roles = proof->collations + ncollations;
	proof->snapshot = (StashTrackSnapshot *) (proof->roles + nroles);
	proof->snapshot->xmin = xmin;
	proof->snapshot->xmax = xmax;
	get_running(&at, proof->snapshot, nxip);
	proof->latest = NULL;
	if (nlatest > 0)
	{
		proof->latest = (StashTrackSnapshot *) &proof->snapshot->xip[nxip];
		proof->latest->xmin = FullTransactionIdFromU64(get64(&at));
		proof->latest->xmax = FullTransactionIdFromU64(get64(&at));
		get_running(&at, proof->latest, nlatest - LATEST_NUMBERS);
	}
	get_sources(&at, proof->sources, nsources);
	get_sources(&at, proof->functions, nfunctions);
	get_sources(&at, proof->rows, nrows);
	get_sources(&at, proof->collations, ncollations);
	get_sources(&at, proof->roles, nroles);
	return proof;
}
