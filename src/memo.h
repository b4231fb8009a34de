/*-------------------------------------------------------------------------
 *
 * memo.h
 *	  Memoized functions: what the units of the area tell each other.
 *
 * The way of a call: memo.c finds the memo of the function called, memo_site.c
 * knows the place that calls, memo_key.c turns the call into a key, memo_find.c
 * looks in the session's memory, which is memo_cache.c, in that of all sessions,
 * which is memo_shared.c, and in the stash, which is memo_table.c, or waits for
 * another session (memo_flight.c); what is nowhere memo_call.c, which leads the
 * way, computes and keeps, and memo_stat.c counts.  memo_body.c reads function
 * bodies, memo_define.c writes them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_MEMO_H
#define STASH_MEMO_H

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "frame_datum.h"
#include "hash.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "portability/instr_time.h"
#include "sink.h"
#include "storage/lock.h"
#include "store.h"
#include "track.h"
#include "typeio.h"
#include "utils/tuplestore.h"

/* Why a call was not answered from, or not kept in, the stash. */
typedef enum StashMemoReason
{
	STASH_MEMO_FINE,
	STASH_MEMO_DISABLED,		/* pg_hashstash.enabled = off */
	STASH_MEMO_OFF,				/* pg_hashstash.memo = off */
	STASH_MEMO_OTHER_VERSION,	/* SQL objects and library do not fit */
	STASH_MEMO_VOLATILE,		/* target is VOLATILE, and nobody vouched */
	STASH_MEMO_RESTRICTED,		/* security-restricted operation */
	STASH_MEMO_NO_STASH,		/* body names no stash: session memory only */
	STASH_MEMO_STASH_MISSING,	/* the table named does not exist */
	STASH_MEMO_STASH_FOREIGN,	/* the table belongs to somebody else */
	STASH_MEMO_STASH_ALTERED,	/* not a plain table with one index any more */
	STASH_MEMO_STASH_LOCKED,	/* somebody has it locked just now */
	STASH_MEMO_READONLY_MODE,	/* pg_hashstash.memo = readonly */
	STASH_MEMO_READ_ONLY,		/* read-only transaction */
	STASH_MEMO_RECOVERY,		/* hot standby */
	STASH_MEMO_SERIALIZABLE,	/* isolation level of the transaction */
	STASH_MEMO_PARALLEL,		/* parallel worker or leader in parallel mode */
	STASH_MEMO_TEMPORARY,		/* temporary tables may have been read */
	STASH_MEMO_NO_SNAPSHOT,
	STASH_MEMO_TOO_LARGE,		/* the answer, or the arguments */
	STASH_MEMO_UNTRACKED,		/* read what may change without a word */
	STASH_MEMO_CHANGED_HERE,	/* this transaction changed what was read */
	STASH_MEMO_SIDE_EFFECTS,	/* the target wrote something */
	STASH_MEMO_UTILITY,			/* the target ran a command that is no query */
	STASH_MEMO_SESSION,			/* it asked for the time, the catalogs, chance */
	STASH_MEMO_VIEW,			/* a view or policy asked for the time */
	STASH_MEMO_SETTING,			/* it asked for a setting without vary */
	STASH_MEMO_EXPIRES,			/* it read an entry of a stash that expires */
	STASH_MEMO_ROW_SECURITY,	/* policies applied, and roles share answers */
	STASH_MEMO_NESTED_TTL,		/* it used another memo's answer, up to a ttl */
	STASH_MEMO_CHANGED,			/* what an answer was read from has changed */
	STASH_MEMO_ANYTHING,		/* what any answer may depend on has */
	STASH_MEMO_REDEFINED,		/* a relation's definition or rights have */
	STASH_MEMO_FUNCTION_CHANGED,	/* a function that ran has */
	STASH_MEMO_NEWER,			/* an answer sees what our snapshot does not */
	STASH_MEMO_BEING_COMMITTED, /* a change of a relation, just now */
	STASH_MEMO_OTHER_SERVER,	/* an answer without a proof of this server */
	STASH_MEMO_NAMESAKE,		/* another relation bears a relation's name */
	STASH_MEMO_FUNCTION_NAMESAKE,	/* another function that of a function */
	STASH_MEMO_SERVER_NAMESAKE, /* one of users that of one of the server */
	STASH_MEMO_OLD_PLANS,		/* plans, or what was compiled, may be too old */
	STASH_MEMO_RELATIVE_TIME,	/* a text may be one, and becomes one */
	STASH_MEMO_CURSOR,			/* of others used, or one left open */
	STASH_MEMO_LANGUAGE,		/* a function whose state nobody sees */
	STASH_MEMO_MISSING,			/* it caught an error that data did not cause */
	STASH_MEMO_COLLATION,		/* the version of an order is another one */
	STASH_MEMO_NO_COLUMNS,		/* set of records, called without a list of
								 * columns */
	STASH_MEMO_NOT_WRITTEN,		/* keeping a large result failed */
	STASH_MEMO_INTERRUPTED,		/* it caught a timeout, or what a limit did */
	STASH_MEMO_ROLE,			/* whose rights were used may do other things */
	STASH_MEMO_OBJECTS,			/* an answer names objects, as regclass does */
	STASH_MEMO_NOT_ALLOWED,		/* by options or rights that are others now */
	STASH_MEMO_CHEAP			/* computing took less than min_cost; last */
} StashMemoReason;

#define STASH_MEMO_DEFAULT_WAIT	(10 * USECS_PER_SEC)

/* the bytes of a row set's image that stand in one row of a stash */
#define STASH_MEMO_PART_BYTES	(1024 * 1024)
#define STASH_MEMO_REASONS	(STASH_MEMO_CHEAP + 1)

/*
 * What is counted of a memoized function (memo_stat.c).  A call that ends
 * without an error is a hit, a miss or a bypass; the answer of a miss is a
 * fill, or not kept.
 */
typedef enum StashMemoCount
{
	STASH_MEMO_HIT_LOCAL,		/* ends of a call that may be timed come first */
	STASH_MEMO_HIT_SHARED,
	STASH_MEMO_HIT_TABLE,
	STASH_MEMO_MISS,
	STASH_MEMO_FILL,
	STASH_MEMO_FILL_BYTES,		/* in memory, not compressed */
	STASH_MEMO_WAIT,			/* for another session */
	STASH_MEMO_EVICTION,		/* from the memory of a session */
	STASH_MEMO_COMPUTED,		/* microseconds that targets ran */
	STASH_MEMO_SAVED,			/* microseconds that the answers of hits cost */
	STASH_MEMO_TIMED,			/* calls that were timed, by their end */
	STASH_MEMO_TIMED_NS = STASH_MEMO_TIMED + STASH_MEMO_MISS + 1,
	/* from here on by StashMemoReason */
	STASH_MEMO_BYPASS = STASH_MEMO_TIMED_NS + STASH_MEMO_MISS + 1,
	STASH_MEMO_NOT_KEPT = STASH_MEMO_BYPASS + STASH_MEMO_REASONS,
	STASH_MEMO_NOT_STORED = STASH_MEMO_NOT_KEPT + STASH_MEMO_REASONS,
	STASH_MEMO_STALE = STASH_MEMO_NOT_STORED + STASH_MEMO_REASONS
} StashMemoCount;

#define STASH_MEMO_COUNTS	(STASH_MEMO_STALE + STASH_MEMO_REASONS)
#define STASH_MEMO_TIME_EVERY	64	/* calls, of which one is timed */

/* What a session has counted and not yet handed on. */
typedef struct StashMemoStats
{
	dlist_node	node;			/* among those that have counted */
	bool		is_counted;		/* it is among them */
	uint32		room;			/* counts until they are handed on */
	uint32		ncalls;			/* for STASH_MEMO_TIME_EVERY */
	struct StashMemoSlot *slot; /* where they go; NULL: not known */
	uint64		counts[STASH_MEMO_COUNTS];
} StashMemoStats;

/* pg_hashstash.memo */
typedef enum StashMemoMode
{
	STASH_MEMO_MODE_OFF,
	STASH_MEMO_MODE_ON,
	STASH_MEMO_MODE_REFRESH,	/* compute and replace */
	STASH_MEMO_MODE_READONLY	/* use, do not store */
} StashMemoMode;

/* What the body of a function in language stash says (memo_body.c). */
typedef struct StashMemoBody
{
	char	   *target;			/* qualified name, as written */
	bool		in_place;		/* written as "original": f stands for it */
	char	   *stash;			/* qualified name, or NULL */
	bool		has_ttl;
	Interval	ttl;
	bool		is_shared;		/* share = all: the role is not in the key */
	bool		allow_volatile;
	bool		is_sampled;		/* hash = sampled: long arguments by samples */
	bool		has_vary;		/* said, if only to say that there are none */
	List	   *vary;			/* names of settings that are in the key */
	List	   *ignore;			/* names of arguments that are not */
	bool		has_min_cost;
	int64		min_cost;		/* microseconds; cheaper answers are not kept */
	int64		max_bytes;		/* of an answer; 0: as we see fit */
	bool		keep_stash;		/* it is the user's, and outlives the memo */
	int64		stale;			/* microseconds after ttl in which an answer
								 * serves */
	int64		wait;			/* microseconds, at most, for another session */
	char	   *sql_argument;	/* is a query: blanks and comments do not
								 * count */
	char	   *ttl_argument;	/* is the ttl of a call */
} StashMemoBody;

/* Who asks, under which settings, for which definition (memo_key.c). */
typedef struct StashMemoIdentity
{
	uint64		id;				/* equal in a session means the same identity */
	StashHash128 prefix;		/* what key hashes begin with */
	char	   *text;			/* stands in each key, short */
	char	   *settings;		/* what went into it, for people */
} StashMemoIdentity;

/* Which version of a row of the catalogs was read. */
typedef struct StashMemoVersion
{
	TransactionId xmin;
	ItemPointerData tid;
} StashMemoVersion;

/* A function in language stash, resolved; valid while the generation lasts. */
typedef struct StashMemo
{
	Oid			function;
	Oid			owner;			/* who keeps the results */
	Oid			target;
	Oid			target_schema;
	Oid			target_owner;
	Oid			stash;			/* 0: none, or see 'stash_reason' */
	StashMemoReason stash_reason;
	StashMemoVersion stash_row; /* of pg_class, that this was made of */
	TransactionId stash_version;	/* that wrote its row of pg_class; 0: not
									 * to be shared */
	bool		stash_is_recent;	/* some snapshots may not see that */
	StashMemoBody body;
	char		volatility;		/* of the target */
	bool		is_plain;		/* no memoized function: what stash.run()
								 * calls */
	bool		has_environment;	/* role and settings are in the key */
	bool		takes_anything; /* the target is VARIADIC "any" */
	bool		is_strict;		/* the target */
	bool		is_definer;		/* the target runs as its owner, whoever calls */
	bool		retset;
	bool		is_other_version;	/* its extension is, than the library */
	bool		is_renamed;		/* what the body names has other names now */
	char	   *signature;		/* schema.name(types) of the function */
	char	   *definition;		/* everything that makes the target what it is */
	StashMemoStats stats;
	/* of the stash, when it was last opened */
	bool		notes_use;		/* it evicts what is not used */
	LOCKMODE	lock;			/* ours, and on its index, */
	LocalTransactionId lock_xact;	/* in this transaction */
	SubTransactionId lock_subid;
	uint64		last_environment;	/* of 'last'; 0: there is none */
	Oid			last_collation;
	char	   *last_site;
	StashMemoIdentity last;		/* the identity that was asked for last */
} StashMemo;

/* The key of a call. */
typedef struct StashMemoKey
{
	StashSink	sink;			/* prefix and canonical arguments; first */
	StashHash128 hash;
	const StashMemoIdentity *identity;
	bool		replaces;		/* its stash may have results that will not do */
	bool		flies;			/* others may wait for us to compute */
	bool		is_too_large;	/* and not complete */
	char		local[512];		/* buffer of 'sink' while it suffices */
} StashMemoKey;

/*
 * A relation that an answer was read from, a function that ran, or a role by
 * whose rights, and what the session knew of it: which another cannot know yet, or no longer.
 */
typedef struct StashMemoSource
{
	Oid			oid;			/* 0: the server's functions */
	uint64		digest;			/* of all that a change would show in */
} StashMemoSource;

/* What makes an answer good for as long as it has not changed (memo_proof.c). */
typedef struct StashMemoProof
{
	int			nsources;
	StashMemoSource *sources;
	int			nfunctions;
	StashMemoSource *functions; /* of users, that ran, and the server's */
	int			nrows;
	StashMemoSource *rows;		/* relations whose row types were used */
	int			ncollations;
	StashMemoSource *collations;	/* and the versions of their orders */
	int			nroles;
	StashMemoSource *roles;		/* whose rights counted, but for the caller */
	uint64		excused;		/* reasons that this memo allows; another that
								 * uses its answer may not */
	StashTrackSnapshot *snapshot;	/* freshness is judged by it */
	StashTrackSnapshot *latest; /* it read with this one, too; NULL: none */
} StashMemoProof;

/* The result of a call. */
typedef struct StashMemoResult
{
	TimestampTz created_at;
	TimestampTz expires_at;		/* DT_NOEND: never */
	int64		cost_us;		/* microseconds that computing it took */
	StashMemoCount found_in;	/* of a hit; STASH_MEMO_MISS: computed */
	StashMemoProof *proof;		/* NULL: needs none */
	bool		isnull;
	bytea	   *rows;			/* frame of a row set, or NULL */
	StashParts *parts;			/* of a row set that is kept so, or NULL */
	bool		is_latest;		/* they may be newer than our snapshot */
	Datum		value;			/* of another result */
} StashMemoResult;

/* A result that is being kept in parts (memo_table.c). */
typedef struct StashMemoFilling
{
	StashStore *store;
	Relation	rel;
	StashParts	parts;
} StashMemoFilling;

/* Options and role under which an answer was found to be allowed. */
typedef struct StashMemoAllowed
{
	uint64		options;		/* generation of memos; 0: none yet */
	uint64		roles;			/* and of roles */
	Oid			role;
} StashMemoAllowed;

/* A result in the session's memory (memo_cache.c). */
typedef struct StashMemoEntry
{
	dlist_node	node;			/* in the list of all entries */
	dlist_node	pending;		/* while 'subid' is not 0 */
	SubTransactionId subid;		/* that made it and has not committed */
	Oid			function;
	Oid			rettype;		/* a value is as this type has it in memory */
	Oid			stash;
	uint64		identity;
	StashHash128 hash;
	Size		keylen;
	char	   *key;			/* what the sink of the key held */
	Size		size;			/* bytes, all in all */
	uint64		types_generation;	/* for which it is good; 0: always */
	uint64		proved;			/* moment of the last proof; 0: none yet */
	StashMemoAllowed allowed;
	bool		is_used;		/* since it came to the head of the list */
	bool		is_dropped;		/* but somebody still looks at it */
	struct StashMemoShare *share;	/* until the commit, or NULL */
	StashMemoResult result;
} StashMemoEntry;

/* Where in shared memory the answer to a call is (memo_shared.c). */
typedef struct StashMemoAddress
{
	StashHash128 hash;
	Oid			stash;
	TransactionId stash_version;
	Oid			rettype;
	const char *identity;		/* text of the identity */
	Size		identitylen;
	const char *key;			/* what the sink of the key held */
	Size		keylen;
} StashMemoAddress;

/* What a call site remembers (memo_site.c). */
typedef struct StashMemoCall
{
	uint64		generation;		/* of memos when this was built */
	uint64		function_news;	/* and what had been heard of functions */
	uint64		types_generation;	/* of types */
	StashMemo  *memo;
	FmgrInfo	target;
	int			nargs;
	StashType **argtypes;
	bool	   *is_cstring;		/* arguments that keys hold as text */
	bool	   *is_ignored;		/* those that are in no key */
	bool	   *is_sampled;		/* those that keys hold as a sampled hash */
	bool		has_names;		/* keys say what names in some of them mean,
								 * or of what types records are */
	int			sql_argno;		/* the one that is a query; -1: none */
	int			ttl_argno;		/* the one that is the ttl; -1: none */
	bool		has_ttl;		/* of this call */
	Interval	ttl;
	List	   *varied;			/* values of the memo's settings in 'identity' */
	StashType  *rettype;		/* NULL: read it off each value */
	StashType  *keytype;		/* row of the arguments and the identity */
	bool		is_record;		/* result shape comes from the caller */
	bool		is_streaming;	/* target has returned a row, more may follow */
	uint64		plans;			/* how often they had been forgotten when it
								 * was made ready */
	int			running;		/* calls of it, and those that failed */
	char	   *site;			/* what else the answer depends on here, or "" */
	int16		rettyplen;
	bool		rettypbyval;
	bool		follows_types;	/* ALTER TYPE or DOMAIN changes results */
	Oid			checked_role;	/* has EXECUTE on the target, */
	uint64		checked_roles;	/* when roles were at this generation */
	uint64		environment;	/* of 'identity'; 0: not known yet */
	StashMemoIdentity identity;
	StashMemoReason stale;		/* why what was found did not do, in this call */
	bool		is_timed;		/* this call */
	instr_time	started;		/* if it is; later by what computing took */
} StashMemoCall;

/* memo_body.c */
extern void stash_memo_parse(StashMemoBody *body, const char *source);
extern char *stash_memo_write(const StashMemoBody *body);
extern int64 stash_memo_microseconds(const char *what,
									 const Interval *interval);

/* Who computes an answer (memo_flight.c). */
typedef enum StashFlight
{
	STASH_FLIGHT_NONE,
	STASH_FLIGHT_OURS,
	STASH_FLIGHT_THEIRS,
	STASH_FLIGHT_OVER
} StashFlight;

/* memo_flight.c */
extern void stash_memo_flight_init(void);
extern StashFlight stash_memo_flight_begin(const StashMemoKey *key,
										   TimestampTz until, bool *waited);
extern void stash_memo_flight_end(const StashMemoKey *key, int64 kept_us);

/* What is noted while a target runs (memo_trace.c). */
typedef struct StashMemoTrace
{
	struct StashMemoTrace *outer;
	MemoryContext context;		/* of what is below */
	StashTrackSnapshot *snapshot;	/* before the target ran; NULL: unusable */
	StashTrackSnapshot *latest; /* it read with, if that sees more; or NULL */
	TransactionId noted_xmax;	/* of the snapshot that was looked at last */
	uint32		noted_running;	/* and how many transactions it has */
	List	   *relations;		/* StashMemoSource, as when they were met */
	List	   *rows;			/* the same, whose row types are used */
	List	   *functions;
	List	   *ran;			/* those of them that ran, or may have */
	bool		makes_json;		/* which calls casts of users */
	bool		runs_functions; /* the query that starts, of users, maybe */
	List	   *collations;
	Oid			caller;			/* role that called the target */
	bool		is_shared;		/* and is in no key */
	List	   *roles;			/* StashMemoSource, others whose rights
								 * counted */
	uint64		reasons;		/* what was seen, bits by StashMemoReason */
	Oid			culprits[STASH_MEMO_REASONS];	/* function, relation, role */
	List	   *cursors;		/* queries that may be some, by address */
	ErrorContextCallback errors;	/* sees those that the target catches */
	struct HTAB *statements;	/* of PL/pgSQL, that were met; NULL: none */
	CommandId	command;		/* of the transaction before the target ran */
	FullTransactionId xid;
	uint64		began;			/* when functions had prepared so much */
} StashMemoTrace;

/* What the text of a plan tells (memo_plan.c). */
typedef struct StashMemoPlan
{
	bool		reads_time;		/* a text becomes one that is not known */
	bool		has_time;		/* a constant is one */
	bool		may_change;		/* by what happens to a type */
	bool		asks_session;	/* for the time, the catalogs, chance, by what
								 * is no function */
	bool		makes_json;		/* by what is no function, as JSON_ARRAY() */
	List	   *params;			/* numbers of those that become times, or name
								 * what the catalogs have */
	List	   *rows;			/* relations whose row types it has */
	List	   *named;			/* and that it names */
	List	   *functions;		/* of users that it names, or that were called
								 * to make it */
	List	   *collations;
	List	   *seen;			/* types, while it is read */
	List	   *naming;			/* those of them that name, or have in them
								 * what names */
} StashMemoPlan;

/* memo_function.c */
extern void stash_memo_function_init(void);
extern void stash_memo_read_domains_anew(void);
extern const char *stash_memo_has_word(const char *source, const char *word);
extern StashMemoReason stash_memo_function_reason(Oid function);
extern const List *stash_memo_comparers(void);
extern bool stash_memo_makes_json(Oid function);
extern bool stash_memo_reads_text(Oid function);
extern bool stash_memo_fills_rows(Oid function);
extern bool stash_memo_find_inlined(uint32 hash, Oid *function);
extern const List *stash_memo_json_casts(void);
extern bool stash_memo_has_casts(void);

/* what is asked of a type */
typedef bool (*StashMemoTypeTest) (Oid type, void *arg);

/* memo_time.c */
extern bool stash_memo_type_has(Oid type, StashMemoTypeTest test, void *arg);
extern bool stash_memo_holds_time(Oid type);
extern bool stash_memo_holds_zone(Oid type);
extern bool stash_memo_holds_words(Oid type);
extern bool stash_memo_is_word(Oid type, Datum value);
extern bool stash_memo_is_relative(Oid type, const char *text);
extern bool stash_memo_has_relative_string(const char *source);

/* What queries name (memo_mention.c). */
typedef struct StashMemoMentions
{
	List	   *functions;		/* of users */
	List	   *relations;
	List	   *types;			/* of users */
	bool		asks_session;	/* a constant means another thing elsewhere */
} StashMemoMentions;

/* memo_plan.c */
extern bool stash_memo_holds_names(Oid type);
extern List *stash_memo_plan_rows(Oid type);
extern void stash_memo_plan_type(StashMemoPlan *facts, Oid type);
extern void stash_memo_plan_name(StashMemoPlan *facts, Oid type, Datum value);
extern void stash_memo_plan_query(StashMemoPlan *facts, const Query *query);
extern void stash_memo_plan_expression(StashMemoPlan *facts, const Node *node);
extern void stash_memo_plan_read(StashMemoPlan *facts, PlannedStmt *plan);
extern void stash_memo_plan_init(void);
extern void stash_memo_plan_called(PlannedStmt *plan, List *functions,
								   const StashMemoMentions *mentions);
extern bool stash_memo_plan_has_time(PlannedStmt *plan);

/* memo_mention.c */
extern void stash_memo_mention(StashMemoMentions *mentions, Node *node);
extern bool stash_memo_mention_body(StashMemoMentions *mentions, Oid function);

/* A query that is being planned, and the functions of users called for that. */
typedef struct StashMemoPlanning
{
	struct StashMemoPlanning *outer;
	MemoryContext context;
	List	   *functions;
} StashMemoPlanning;

/* memo_ran.c */
extern void stash_memo_ran_init(void);
extern void stash_memo_ran_plan_begin(StashMemoPlanning *planning);
extern void stash_memo_ran_plan_end(StashMemoPlanning *planning);
extern bool stash_memo_ran_is_planning(void);
extern void stash_memo_ran_planned(Oid function);
extern List *stash_memo_ran_inlined(List *items, bool *unsure);
extern void stash_memo_ran_prepared(List *running, Oid function);
extern void stash_memo_ran_outside(Oid function, bool is_query);
extern List *stash_memo_ran_all(List *functions);

/* memo_compiled.c */
struct PLpgSQL_function;
struct PLpgSQL_execstate;
struct PLpgSQL_plugin;
extern void stash_memo_compiled_init(void);
extern void stash_memo_compiled_note(struct PLpgSQL_function *function);
extern void stash_memo_compiled_mark(void);
extern void stash_memo_compiled_outdate(void);
extern void stash_memo_compiled_unmark(void);
extern void stash_memo_compiled_prepared(void);
extern void stash_memo_compiled_runs(struct PLpgSQL_function *function,
									 uint64 began);
extern void stash_memo_compiled_planned_anew(Oid user);
extern Oid	stash_memo_compiled_user(void);
extern bool stash_memo_compiled_ran_otherwise(void);
extern uint64 stash_memo_compiled_prepared_so_far(void);
extern uint64 stash_memo_compiled_plans(void);
extern bool stash_memo_compiled_forget(void);
extern char *stash_memo_source(Oid function);
extern const char *stash_memo_skip_blanks(const char *at);
extern void stash_memo_compiled_hand_on(struct PLpgSQL_plugin *to,
										const struct PLpgSQL_plugin *from,
										struct PLpgSQL_execstate *estate,
										struct PLpgSQL_function *function);

/* memo_replan.c */
extern void stash_memo_replan_init(void);
extern void stash_memo_replan_note(void);
extern void stash_memo_replan_conditions(void);
extern bool stash_memo_replan_is_news(FullTransactionId changed);
extern StashTrackSnapshot *stash_memo_replan(bool *untold, bool *unwatched);

/* memo_note.c */
extern void stash_memo_note_reason(StashMemoTrace *trace, StashMemoReason reason,
								   Oid culprit);
extern void stash_memo_note_oid(StashMemoTrace *trace, List **list, Oid oid);
extern void stash_memo_note_owner(StashMemoTrace *trace, Oid role);
extern void stash_memo_note_user(StashMemoTrace *trace, Oid role);
extern void stash_memo_note_snapshot(StashMemoTrace *trace, Snapshot snapshot);
extern void stash_memo_note_dependency(StashMemoTrace *trace, Oid function);
extern void stash_memo_note_function(StashMemoTrace *trace, Oid function);
extern void stash_memo_note_inlined(StashMemoTrace *trace, List *items);
extern void stash_memo_note_relation(StashMemoTrace *trace, Oid relid);
extern void stash_memo_note_row(StashMemoTrace *trace, Oid relid);
extern List *stash_memo_note_known(StashMemoTrace *trace,
								   const StashMemoPlan *facts);
extern List *stash_memo_note_facts(StashMemoTrace *trace, PlannedStmt *plan);
extern void stash_memo_note_value(StashMemoTrace *trace, Oid type, Datum value);
extern void stash_memo_note_params(StashMemoTrace *trace, List *numbers,
								   ParamListInfo params);
extern void stash_memo_note_names(StashMemoTrace *trace, ParamListInfo params);
extern void stash_memo_note_plan(StashMemoTrace *trace, PlannedStmt *plan,
								 ParamListInfo params);
extern void stash_memo_note_outer(StashMemoTrace *trace);

/* memo_trace.c */
extern void stash_memo_trace_init(void);
extern void stash_memo_trace_begin(StashMemoTrace *trace,
								   const StashMemoCall *call,
								   FunctionCallInfo fcinfo);
extern void stash_memo_trace_end(StashMemoTrace *trace);
extern void stash_memo_trace_drop(StashMemoTrace *trace);
extern void stash_memo_trace_skip(Oid function);
extern bool stash_memo_is_traced(void);
extern void stash_memo_trace_hit(const StashMemo *memo,
								 const StashMemoResult *result);
extern void stash_memo_trace_before_write(void);
extern void stash_memo_trace_after_write(void);
extern void stash_memo_trace_go_on(void);
extern List *stash_memo_trace_expression(PlannedStmt *plan);
extern void stash_memo_trace_word(void);
extern uint64 stash_memo_trace_began(void);
extern void stash_memo_trace_reason(StashMemoReason reason, Oid culprit);
extern void stash_memo_trace_type(Oid type);
extern void stash_memo_trace_value(Oid type, Datum value);
extern void stash_memo_trace_facts(const StashMemoPlan *facts,
								   ParamListInfo params);
extern bool stash_memo_trace_meets(const void *statement);
extern void stash_memo_trace_meets_again(const void *statement);
extern void stash_memo_trace_cursor(const char *name, bool is_end);

/* memo_plpgsql.c */
extern void stash_memo_plpgsql_begin(void);
extern void stash_memo_plpgsql_end(void);
extern void stash_memo_plpgsql_words(List *params,
									 const ErrorContextCallback *until);
extern void stash_memo_plpgsql_query(TupleDesc desc,
									 const ErrorContextCallback *until);

/* memo_names.c */
extern void stash_memo_names_init(void);
extern void stash_memo_names_plan(void);
extern const StashTrackRows *stash_memo_names_relation(Oid relid);
extern const StashTrackRows *stash_memo_names_function(Oid function);
extern uint64 stash_memo_names_news(void);

/* memo_allow.c */
extern bool stash_memo_allows(const StashMemoCall *call,
							  const StashMemoProof *proof,
							  TimestampTz created_at, TimestampTz *expires_at,
							  StashMemoAllowed *allowed);

/* memo_proof.c */
extern bool stash_memo_excuses(const StashMemoCall *call,
							   StashMemoReason reason);
extern StashMemoReason stash_memo_prove(const StashMemoCall *call,
										const StashMemoTrace *trace,
										StashMemoProof **proof, Oid *culprit);
extern StashMemoReason stash_memo_proof_judge(const StashMemoProof *proof,
											  bool has_ttl, Oid *culprit);
extern StashMemoReason stash_memo_entry_judge(const StashMemoCall *call,
											  const StashEntry *entry,
											  StashMemoProof **proof,
											  TimestampTz *expires_at,
											  Oid *culprit);

/* memo_proof_bytes.c */
extern bytea *stash_memo_proof_write(const StashMemoProof *proof);
extern StashMemoProof *stash_memo_proof_read(const bytea *bytes);
extern Size stash_memo_proof_size(const StashMemoProof *proof);
extern StashMemoProof *stash_memo_proof_copy(const StashMemoProof *proof,
											 MemoryContext context);

/* memo_role.c */
extern void stash_memo_role_init(void);
extern uint64 stash_memo_roles_generation(void);
extern void stash_memo_roles_look_anew(void);
extern void stash_memo_append_role(StringInfo out, const char *what, Oid role);
extern uint64 stash_memo_role_digest(Oid role);

/* memo_key.c */
extern void stash_memo_key_init(void);
extern void stash_memo_append_type(StringInfo out, int argno, StashType *type);
extern void stash_memo_append_labels(StringInfo out, const StashType *type);
extern uint64 stash_memo_environment(bool is_shared);
extern void stash_memo_identity(StashMemoIdentity *identity, StashMemo *memo,
								Oid collation, const char *site,
								MemoryContext context);
extern StashType *stash_memo_key_type(const StashMemoCall *call, int argno);
extern StashMemoReason stash_memo_key(StashMemoKey *key, StashMemoCall *call,
									  FunctionCallInfo fcinfo);
extern bool stash_memo_is_relative_time(char *text);
extern uint64 stash_memo_collation_digest(Oid collation);
extern bool stash_memo_has_relative_time(const StashMemoCall *call,
										 FunctionCallInfo fcinfo);
extern bytea *stash_memo_key_frame(const StashMemoKey *key,
								   StashMemoCall *call,
								   FunctionCallInfo fcinfo);

/* memo_cache.c */
extern void stash_memo_cache_init(void);
extern const StashMemoResult *stash_memo_cache_find(const StashMemoKey *key,
													StashMemoCall *call);
extern void stash_memo_cache_put(const StashMemoKey *key,
								 const StashMemoCall *call,
								 const StashMemoResult *result,
								 bool is_for_all);
extern void stash_memo_cache_drop(const StashMemoKey *key,
								  const StashMemoCall *call);
extern int64 stash_memo_cache_share(void);
extern void stash_memo_cache_watch(Oid stash);
extern bool stash_memo_cache_has_news(void);
extern void stash_memo_cache_forget(Oid function);

/* memo_shared.c */
extern void stash_memo_shared_init(void);
extern bool stash_memo_shared_address(StashMemoAddress *address,
									  const StashMemoCall *call,
									  const StashMemoKey *key);
extern bool stash_memo_shared_is_recent(const StashMemoCall *call);
extern bool stash_memo_shared_find(const StashMemoAddress *address,
								   StashEntry *copy, bool *is_flat);
extern void stash_memo_shared_put(const StashMemoAddress *address,
								  const StashMemoResult *result, Size valuelen,
								  const bytea *frame, const bytea *proof);
extern void stash_memo_shared_remove(const StashMemoAddress *address);
extern void stash_memo_shared_forget(Oid stash);

/* memo_table.c */
extern StashMemoReason stash_memo_may_read(StashMemo *memo);
extern StashMemoReason stash_memo_may_write(StashMemo *memo);
extern StashMemoReason stash_memo_table_find(StashMemo *memo,
											 StashMemoKey *key,
											 bytea *frame, bool *found,
											 StashEntry *entry);
extern bool stash_memo_table_find_latest(StashMemo *memo, StashMemoKey *key,
										 bytea *frame, StashEntry *entry);
extern void stash_memo_table_doubt(StashMemo *memo, const StashMemoKey *key);
extern bool stash_memo_table_is_current(StashMemo *memo, StashMemoKey *key,
										bytea *frame,
										const StashEntry *entry);
extern bool stash_memo_table_find_part(StashMemo *memo,
									   const StashMemoKey *key,
									   const StashParts *parts, int32 number,
									   StashEntry *entry);
extern StashMemoReason stash_memo_table_begin_parts(StashMemo *memo,
													StashMemoFilling *filling);
extern void stash_memo_table_append_part(StashMemoFilling *filling,
										 const StashMemoKey *key,
										 bytea *part,
										 const StashMemoResult *result);
extern StashMemoReason stash_memo_table_append(StashMemo *memo,
											   const StashMemoKey *key,
											   bytea *frame, bytea *value,
											   const StashMemoResult *result);

/* memo.c */
extern uint64 stash_memo_generation;
extern uint64 stash_memo_function_news;
extern bool stash_memo_enabled;
extern int	stash_memo_mode;
extern double stash_memo_min_cost;
extern void stash_memo_init(void);
extern bool stash_memo_is_memoized(Oid function);
extern StashMemo *stash_memo_lookup(Oid function);
extern void stash_memo_names(Oid function, Oid *target, Oid *stash);
extern bool stash_memo_stash_holds(const StashMemo *memo);
extern StashMemoReason stash_memo_bypass(StashMemo *memo);
extern const char *stash_memo_reason_name(StashMemoReason reason);
extern const char *stash_memo_reason_text(StashMemoReason reason);
extern char *stash_memo_blame(StashMemoReason reason, Oid culprit);
extern void stash_memo_note(Oid function, StashMemoReason reason, Oid culprit);
extern StashMemoReason stash_memo_noted(Oid function, Oid *culprit);

/* memo_site.c */
extern void stash_memo_check_target(const StashMemo *memo);
extern void stash_memo_check_ignored(const StashMemo *memo);
extern StashMemoCall *stash_memo_call(FunctionCallInfo fcinfo, Oid function);
extern bool stash_memo_is_current(const StashMemoCall *call);
extern bool stash_memo_still_holds(const StashMemoCall *call);
extern void stash_memo_refresh(StashMemoCall *call, FunctionCallInfo fcinfo);
extern void stash_memo_target_runs(StashMemoCall *call, FunctionCallInfo fcinfo);

/* memo_verify.c */
extern void stash_memo_verify_init(void);
extern bool stash_memo_verifies(const StashMemoResult *result);
extern void stash_memo_verify_value(const StashMemoCall *call,
									const StashMemoResult *result, Datum value,
									bool isnull);
extern void stash_memo_verify_rows(const StashMemoCall *call,
								   const StashMemoResult *result,
								   Tuplestorestate *remembered,
								   Tuplestorestate *computed, TupleDesc desc,
								   StashType *type);

/* memo_define.c */
extern void stash_memo_check_types(Oid function);

/* memo_find.c */
extern bool stash_memo_try(void (*read) (void *), void *arg);
extern bool stash_memo_find(StashMemoCall *call, StashMemoKey *key,
							FunctionCallInfo fcinfo, bytea **frame,
							StashMemoResult *result);
extern bool stash_memo_find_fresh(StashMemoCall *call, StashMemoKey *key,
								  FunctionCallInfo fcinfo,
								  StashMemoResult *result);
extern bool stash_memo_find_shared(StashMemoCall *call, const StashMemoKey *key,
								   StashMemoResult *result);
extern bool stash_memo_read_result(StashMemoCall *call, const StashEntry *entry,
								   StashMemoResult *result);

/* memo_rows.c */
extern bytea *stash_memo_rows_frame(Tuplestorestate *rows, TupleDesc desc,
									int64 limit);
extern StashMemoReason stash_memo_rows_keep(StashMemo *memo,
											StashMemoKey *key, bytea *frame,
											Tuplestorestate *rows,
											TupleDesc desc, int64 limit,
											StashMemoResult *result);
extern StashType *stash_memo_rows_type(TupleDesc desc);
extern Tuplestorestate *stash_memo_rows_read(StashMemo *memo,
											 const StashMemoKey *key,
											 const StashMemoResult *result,
											 TupleDesc desc, bool random);

/* memo_call.c */
extern void stash_memo_check_set_context(FunctionCallInfo fcinfo);
extern Datum stash_memo_answer(FunctionCallInfo fcinfo, Oid function);

/* What was counted while something ran (memo_stat.c). */
typedef struct StashMemoTallied
{
	Oid			function;
	uint64		counts[STASH_MEMO_COUNTS];
	char	   *name;			/* for who shows it */
} StashMemoTallied;

typedef struct StashMemoTally
{
	struct StashMemoTally *outer;
	MemoryContext context;		/* of what is in the list */
	List	   *functions;		/* StashMemoTallied */
} StashMemoTally;

/* memo_explain.c */
extern void stash_memo_explain_init(void);

/* memo_stat.c */
extern void stash_memo_tally_begin(StashMemoTally *tally);
extern void stash_memo_tally_end(StashMemoTally *tally);
extern uint64 stash_memo_count_sum(const uint64 *counts, StashMemoCount kind);
extern void stash_memo_stat_settle(void);
extern void stash_memo_stat_flush(void);
extern void stash_memo_stat_pend(StashMemo *memo);
extern void stash_memo_stat_clock(StashMemoCall *call, StashMemoCount end);
extern void stash_memo_count_eviction(Oid function);
extern void stash_memo_count_reason(StashMemo *memo, StashMemoCount kind,
									StashMemoReason reason);
extern void stash_memo_count_fill(StashMemoCall *call,
								  const StashMemoResult *result);
extern void stash_memo_count_miss(StashMemoCall *call, instr_time computing);

/* count something of a function: all that a hit pays for being counted */
static inline void
stash_memo_count(StashMemo *memo, StashMemoCount what, uint64 n)
{
	if (unlikely(memo->stats.room == 0))
		stash_memo_stat_pend(memo);
	memo->stats.room--;
	memo->stats.counts[what] += n;
}

/* a call begins that may be answered */
static inline void
stash_memo_count_begin(StashMemoCall *call)
{
	call->stale = STASH_MEMO_FINE;
	call->is_timed = ++call->memo->stats.ncalls % STASH_MEMO_TIME_EVERY == 0;
	if (unlikely(call->is_timed))
		INSTR_TIME_SET_CURRENT(call->started);
}

/* it ends as a hit, or as a miss whose answer has been kept */
static inline void
stash_memo_count_end(StashMemoCall *call, StashMemoCount end)
{
	if (unlikely(call->is_timed))
		stash_memo_stat_clock(call, end);
}

static inline void
stash_memo_count_hit(StashMemoCall *call, const StashMemoResult *result)
{
	stash_memo_count(call->memo, result->found_in, 1);
	call->memo->stats.counts[STASH_MEMO_SAVED] += result->cost_us;
	stash_memo_count_end(call, result->found_in);
}

/* memo_query.c */
extern char *stash_memo_normal_query(const char *query);

/* memo_map_lead.c */
extern void stash_memo_map_init(void);

/* memo_inspect.c */
extern Oid	stash_memo_argument(FunctionCallInfo fcinfo);

#endif							/* STASH_MEMO_H */
