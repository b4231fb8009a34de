/*-------------------------------------------------------------------------
 *
 * memo_progress.c
 *	  Maps that run now, for everybody to see: view stash.progress.
 *
 * A fixed number of places in shared memory.  A map without one is not shown,
 * and lacks nothing else.  Each place is written by the session that took it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/spin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "memo_map.h"
#include "shmem.h"

#define PLACES	64

PG_FUNCTION_INFO_V1(pg_hashstash_progress);

typedef struct ProgressData
{
	int			pid;			/* 0: free */
	Oid			database;
	Oid			role;
	Oid			function;
	int64		total;
	int64		done;
	int64		errors;
	int64		hits;
	int			workers;		/* that are at work */
	TimestampTz started;
} ProgressData;

struct StashProgress
{
	slock_t		lock;			/* of all the rest */
	ProgressData data;
};

static StashProgress *places;	/* NULL: not looked for, or none */

static void
init_places(void *address)
{
	StashProgress *all = address;

	memset(all, 0, sizeof(StashProgress) * PLACES);
	for (int i = 0; i < PLACES; i++)
		SpinLockInit(&all[i].lock);
}

static StashProgress *
find_places(void)
{
	if (places == NULL)
		places = stash_shmem_segment("pg_hashstash progress",
									 sizeof(StashProgress) * PLACES,
									 init_places);
	return places;
}

/* what a session leaves behind that ends in the middle of a map */
static void
free_places(int code, Datum arg)
{
	for (int i = 0; i < PLACES; i++)
	{
		if (places[i].data.pid == MyProcPid)
			stash_memo_progress_end(&places[i]);
	}
}

/*
 * Show a map of 'total' inputs from now on; NULL where there is no place.
 */
StashProgress *
stash_memo_progress_begin(Oid function, int64 total)
{
	static bool is_registered = false;
	ProgressData data = {0};

	if (find_places() == NULL)
		return NULL;
	if (!is_registered)
		before_shmem_exit(free_places, (Datum) 0);
	is_registered = true;
	data.pid = MyProcPid;
	data.database = MyDatabaseId;
	data.role = GetUserId();
	data.function = function;
	data.total = total;
	data.started = GetCurrentTimestamp();
	for (int i = 0; i < PLACES; i++)
	{
		bool		is_ours;

		SpinLockAcquire(&places[i].lock);
		is_ours = places[i].data.pid == 0;
		if (is_ours)
			places[i].data = data;
		SpinLockRelease(&places[i].lock);
		if (is_ours)
			return &places[i];
	}
	return NULL;
}

/*
 * Tell how far a map is; 'progress' may be NULL.
 */
void
stash_memo_progress_set(StashProgress *progress, int64 done, int64 errors,
						int64 hits, int workers)
{
	if (progress == NULL)
		return;
	SpinLockAcquire(&progress->lock);
	progress->data.done = done;
	progress->data.errors = errors;
	progress->data.hits = hits;
	progress->data.workers = workers;
	SpinLockRelease(&progress->lock);
}

/*
 * Show it no longer.
 */
void
stash_memo_progress_end(StashProgress *progress)
{
	if (progress == NULL)
		return;
	SpinLockAcquire(&progress->lock);
	progress->data.pid = 0;
	SpinLockRelease(&progress->lock);
}

/*
 * stash.running_maps() returns setof (pid int4, function regprocedure,
 *     done int8, total int8, errors int8, hits int8, workers int4,
 *     started timestamptz)
 *
 * Those of this database that the current user may see: own ones, and with
 * pg_read_all_stats all.  Volatile, parallel restricted.
 */
Datum
pg_hashstash_progress(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	stash_compat_materialize(fcinfo);
	if (find_places() == NULL)
		return (Datum) 0;
	for (int i = 0; i < PLACES; i++)
	{
		ProgressData data;
		Datum		values[8];
		bool		nulls[8] = {0};

		SpinLockAcquire(&places[i].lock);
		data = places[i].data;
		SpinLockRelease(&places[i].lock);
		if (data.pid == 0 || data.database != MyDatabaseId ||
			!(has_privs_of_role(GetUserId(), data.role) ||
			  has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS)))
			continue;
		values[0] = Int32GetDatum(data.pid);
		values[1] = ObjectIdGetDatum(data.function);
		values[2] = Int64GetDatum(data.done);
		values[3] = Int64GetDatum(data.total);
		values[4] = Int64GetDatum(data.errors);
		values[5] = Int64GetDatum(data.hits);
		values[6] = Int32GetDatum(data.workers);
		values[7] = TimestampTzGetDatum(data.started);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
