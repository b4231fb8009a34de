/*-------------------------------------------------------------------------
 *
 * track.h
 *	  What changes to tables are known, and whether an answer is older.
 *
 * Triggers on a tracked table note, once in each transaction that changes it,
 * the transaction's identifier in stash.change.  An answer carries the
 * snapshot in which it was computed: it is fresh when no change that a reader
 * sees was invisible in that snapshot.  What the catalogs say of a table counts
 * as changed by the transaction that wrote their rows, so that tracking which
 * began, or was interrupted, after the snapshot proves nothing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_TRACK_H
#define STASH_TRACK_H

#include "access/htup.h"
#include "access/transam.h"
#include "utils/snapshot.h"

/* Why changes to a relation are not known. */
typedef enum StashTrackProblem
{
	STASH_TRACK_FINE,
	STASH_TRACK_GONE,			/* no such relation */
	STASH_TRACK_CATALOG,		/* the server's own */
	STASH_TRACK_FOREIGN,		/* changes happen elsewhere */
	STASH_TRACK_TEMPORARY,
	STASH_TRACK_UNLOGGED,		/* a crash empties it without a word */
	STASH_TRACK_KIND,			/* a sequence, or what else has no triggers */
	STASH_TRACK_UNTRACKED,		/* no triggers, or not enabled always */
	STASH_TRACK_SUBSCRIBED		/* fed by a subscription, no row trigger */
} StashTrackProblem;

/*
 * Who wrote the catalog rows that something depends on, as this session knows
 * them: others may know newer ones, or older ones still.
 */
typedef struct StashTrackRows
{
	FullTransactionId newest;	/* the last of them */
	uint64		digest;			/* of all of them, in whatever order */
	bool		is_untold;		/* one has yet to tell what it has changed */
} StashTrackRows;

/* What a session knows of a relation; good until the next catalog look-up. */
typedef struct StashTrackState
{
	Oid			relid;			/* must be first */
	bool		is_valid;
	StashTrackProblem problem;
	Oid			culprit;		/* relation of the tree that has the problem */
	StashTrackRows rows;		/* in the catalogs; */
	StashTrackRows columns;		/* of them those of its columns */
	uint64		digest;			/* of these, the tree and the policies */
	bool		has_row_security;	/* in force for some */
	bool		asks_for_time;	/* a view or policy that does, unseen by hooks */
	bool		asks_for_session;	/* a policy may, who began it */
	int			nroots;
	Oid		   *roots;			/* changes of what it holds are noted there */
	int			nown;
	Oid		   *own;			/* a write to it is noted there */
	int			nmembers;
	Oid		   *members;		/* all relations that went into this */
} StashTrackState;

/* Whether an answer read from a relation is still good. */
typedef enum StashTrackVerdict
{
	STASH_TRACK_FRESH,
	STASH_TRACK_UNKNOWN,		/* its changes are not known */
	STASH_TRACK_REDEFINED,		/* what the catalogs say of it has changed */
	STASH_TRACK_CHANGED,		/* what it holds has */
	STASH_TRACK_CHANGED_HERE	/* by this transaction */
} StashTrackVerdict;

/* The snapshot of an answer, as it is kept with it. */
typedef struct StashTrackSnapshot
{
	FullTransactionId xmin;
	FullTransactionId xmax;
	int			nxip;			/* running ones, the own among them */
	FullTransactionId xip[FLEXIBLE_ARRAY_MEMBER];
} StashTrackSnapshot;

#define STASH_TRACK_SNAPSHOT_SIZE(nxip) \
	(offsetof(StashTrackSnapshot, xip) + (nxip) * sizeof(FullTransactionId))

/* track.c */
extern void stash_track_init(void);
extern const StashTrackState *stash_track_state(Oid relid);
extern void stash_track_look_anew(Oid relid);
extern const char *stash_track_problem_text(StashTrackProblem problem);

/* track_note.c */
extern void stash_track_note_init(void);
extern bool stash_track_changed_here(const StashTrackState *state);
extern bool stash_track_anything_here(void);
extern uint64 stash_track_marks(void);

/* track_proof.c */
extern StashTrackSnapshot *stash_track_snapshot(Snapshot snapshot);
extern bool stash_track_sees(const StashTrackSnapshot *snapshot,
							 FullTransactionId xid);
extern StashTrackVerdict stash_track_judge_definition(const StashTrackState *state,
													  const StashTrackSnapshot *snapshot);
extern StashTrackVerdict stash_track_judge(const StashTrackState *state,
										   const StashTrackSnapshot *snapshot);
extern bool stash_track_anything_changed(const StashTrackSnapshot *snapshot,
										 bool *untold);
extern bool stash_track_is_not_newer(const StashTrackSnapshot *snapshot,
									 Snapshot than);
extern bool stash_track_is_no_later(const StashTrackSnapshot *snapshot,
									const StashTrackSnapshot *than);
extern FullTransactionId stash_track_widen(TransactionId xid);
extern void stash_track_see_all(StashTrackRows *rows, const StashTrackRows *more);
extern void stash_track_see_cached(StashTrackRows *rows, HeapTuple tuple);
extern void stash_track_see_scanned(StashTrackRows *rows, HeapTuple tuple);
extern uint64 stash_track_moment(void);

#endif							/* STASH_TRACK_H */
