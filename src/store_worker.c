/*-------------------------------------------------------------------------
 *
 * store_worker.c
 *	  Stash tables swept in the background, when the library is preloaded.
 *
 * A launcher, which is in no database, starts one worker after another, each
 * for the time of one pass through a database: so it takes one place among the
 * server's workers, and databases can be dropped and copied in between.
 *
 * What belongs to a table runs with its owner's rights, in a security-restricted
 * operation, up to the end of the transaction, for triggers may be deferred.
 * What it may have set for the session is reset before the next stash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_statistic.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "store.h"

#define RESTART_SECONDS	60		/* after the launcher was terminated */

pg_noreturn extern PGDLLEXPORT void pg_hashstash_sweep_launcher(Datum arg);
pg_noreturn extern PGDLLEXPORT void pg_hashstash_sweep_worker(Datum arg);

static int	sweep_interval;		/* seconds; 0: off */

/* ---- the worker: one pass through a database ---- */

/*
 * Settings of this session, whatever those of the database are; they are what
 * a RESET ALL goes back to.
 */
static void
pin_settings(void)
{
	static const char *const settings[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"lock_timeout", "1s"},
		{"statement_timeout", "0"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET,
						PGC_S_OVERRIDE);
}

/* whether ANALYZE has found that no entry of a table expires */
static bool
is_known_not_to_expire(Oid relid)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
										Int16GetDatum(STASH_ENTRY_EXPIRES_AT),
										BoolGetDatum(false));
	bool		is_known = HeapTupleIsValid(tuple) &&
	((Form_pg_statistic) GETSTRUCT(tuple))->stanullfrac == 1;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return is_known;
}

/* the stashes of this database, in 'context'; partitions come with their tables */
static List *
find_stashes(MemoryContext context)
{
	List	   *stashes = NIL;
	Relation	pg_class;
	TableScanDesc scan;
	HeapTuple	tuple;
	Oid			entry_type;

	StartTransactionCommand();
	if (!OidIsValid(get_extension_oid("pg_hashstash", true)))
	{
		CommitTransactionCommand();
		return NIL;
	}
	entry_type = stash_catalog_entry_type();
	pg_class = table_open(RelationRelationId, AccessShareLock);
	scan = table_beginscan_catalog(pg_class, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		MemoryContext old;

		if (form->reloftype != entry_type || form->relispartition ||
			form->relpersistence == RELPERSISTENCE_TEMP)
			continue;
		old = MemoryContextSwitchTo(context);
		stashes = lappend_oid(stashes, form->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(pg_class, AccessShareLock);
	CommitTransactionCommand();
	return stashes;
}

/* sweep a stash as its owner, unless somebody works on the table */
static void
sweep_as_owner(Oid relid)
{
	Relation	rel;
	StashStore *store;
	int64		expired;
	int64		evicted;

	if (!ConditionalLockRelationOid(relid, RowExclusiveLock) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		return;
	store = stash_store_open(relid, &rel, NoLock);
	SetUserIdAndSecContext(rel->rd_rel->relowner, SECURITY_RESTRICTED_OPERATION);
	pgstat_report_activity(STATE_RUNNING, psprintf("sweep of stash %s", store->name));
	PushActiveSnapshot(GetTransactionSnapshot());
	if (stash_store_has_bounds(store) || !is_known_not_to_expire(relid))
	{
		stash_store_sweep_blocks(store, rel, &expired, &evicted);
		elog(DEBUG1, "stash %s: " INT64_FORMAT " expired, " INT64_FORMAT " evicted",
			 store->name, expired, evicted);
	}
	PopActiveSnapshot();
	relation_close(rel, NoLock);
}

static void
name_stash(void *relid)
{
	errcontext("sweep of the stash with OID %u", *(Oid *) relid);
}

/* one stash, one transaction; an error is logged, and that is all */
static void
sweep_stash(Oid relid)
{
	ErrorContextCallback callback = {error_context_stack, name_stash, &relid};
	MemoryContext context = CurrentMemoryContext;
	Oid			user;
	int			sec_context;

	CHECK_FOR_INTERRUPTS();
	GetUserIdAndSecContext(&user, &sec_context);
	error_context_stack = &callback;
	PG_TRY();
	{
		ResetAllOptions();
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		sweep_as_owner(relid);
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	SetUserIdAndSecContext(user, sec_context);
	MemoryContextSwitchTo(context);
	pgstat_report_stat(false);
}

/*
 * Main of a worker; its argument is the OID of the database.
 */
void
pg_hashstash_sweep_worker(Datum arg)
{
	List	   *stashes;
	ListCell   *cell;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);
	pin_settings();
	stashes = find_stashes(TopMemoryContext);
	foreach(cell, stashes)
		sweep_stash(lfirst_oid(cell));
	proc_exit(0);
}

/* ---- the launcher ---- */

/*
 * Databases that one may connect to, in 'context'.  Not templates, which
 * nobody could copy meanwhile, and none whose DROP was interrupted.
 */
static List *
find_databases(MemoryContext context)
{
	List	   *databases = NIL;
	Relation	pg_database;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	pg_database = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(pg_database, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (!form->datallowconn || form->datistemplate || form->datconnlimit == -2)
			continue;
		old = MemoryContextSwitchTo(context);
		databases = lappend_oid(databases, form->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(pg_database, AccessShareLock);
	CommitTransactionCommand();
	return databases;
}

/* run a worker in a database, and wait for its end; none where none is free */
static void
sweep_database(Oid database)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pg_hashstash", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "pg_hashstash_sweep_worker",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "pg_hashstash sweep worker", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pg_hashstash sweep worker", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		ereport(LOG,
				(errmsg("no background worker is free to sweep stashes"),
				 errhint("Consider increasing \"max_worker_processes\".")));
		return;
	}
	if (WaitForBackgroundWorkerShutdown(handle) == BGWH_POSTMASTER_DIED)
		proc_exit(1);
	pfree(handle);
}

static void
sweep_databases(void)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "pg_hashstash sweep launcher",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old;
	ListCell   *cell;
	List	   *databases = find_databases(context);

	old = MemoryContextSwitchTo(context);
	foreach(cell, databases)
	{
		if (ShutdownRequestPending || sweep_interval == 0)
			break;
		sweep_database(lfirst_oid(cell));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * Main of the launcher.
 */
void
pg_hashstash_sweep_launcher(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	while (!ShutdownRequestPending)
	{
		int			events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
		int			reason;

		if (sweep_interval > 0)
			events |= WL_TIMEOUT;
		reason = WaitLatch(MyLatch, events, sweep_interval * 1000L,
						   PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if ((reason & WL_TIMEOUT) && sweep_interval > 0)
			sweep_databases();
	}
	/* not 0, which would be for ever, also for those who merely ended us */
	proc_exit(1);
}

/*
 * Define the setting, and register the launcher where that is still possible;
 * called once when the library is loaded.
 */
void
stash_store_worker_init(void)
{
	BackgroundWorker launcher = {0};

	DefineCustomIntVariable("pg_hashstash.sweep_interval",
							"Time between two sweeps of all stashes in the background.",
							"Zero turns them off. Only with pg_hashstash in shared_preload_libraries.",
							&sweep_interval, 60, 0, 7 * 24 * 3600,
							PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	launcher.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	launcher.bgw_start_time = BgWorkerStart_RecoveryFinished;
	launcher.bgw_restart_time = RESTART_SECONDS;
	strlcpy(launcher.bgw_library_name, "pg_hashstash",
			sizeof(launcher.bgw_library_name));
	strlcpy(launcher.bgw_function_name, "pg_hashstash_sweep_launcher",
			sizeof(launcher.bgw_function_name));
	strlcpy(launcher.bgw_name, "pg_hashstash sweep launcher", BGW_MAXLEN);
	strlcpy(launcher.bgw_type, "pg_hashstash sweep launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&launcher);
}
