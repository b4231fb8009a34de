/*-------------------------------------------------------------------------
 *
 * store_profile.c
 *	  Stash tables: what each codec makes of a stash's own entries.
 *
 * A sample of the values is read as the caller, and each is written and read
 * again with every codec of this build.  Nothing is changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "spi.h"
#include "store.h"

#define CODECS			(STASH_CODEC_ZSTD + 1)
#define MOST_ENTRIES	100000
#define MOST_BYTES		(16 * 1024 * 1024)	/* of values, after which a sample
											 * is large enough */
#define LEAST_BLOCKS	16		/* of a table, from which a sample is taken */
#define ROUNDS			3		/* writings and readings of each value */

PG_FUNCTION_INFO_V1(pg_hashstash_profile);

/* What became of the sample with a codec. */
typedef struct Figures
{
	int64		bytes;			/* of all frames */
	instr_time	serialize;		/* all rounds of all entries */
	instr_time	deserialize;
} Figures;

/* A run of the function; is the receiver of the values. */
typedef struct Profile
{
	DestReceiver receiver;		/* must be first */
	MemoryContext context;		/* of a value */
	int64		nentries;
	Figures		figures[CODECS];
} Profile;

static void
read_frame(bytea *frame, StashType **type, Datum *value, bool *isnull)
{
	StashFrameReader reader;

	stash_frame_open(&reader, VARDATA_ANY(frame), VARSIZE_ANY_EXHDR(frame));
	*value = stash_frame_read_to_show(&reader, type, isnull);
}

static void
measure(Figures *figures, int codec, StashType *type, Datum value, bool isnull)
{
	bytea	   *frame = NULL;
	instr_time	start;
	instr_time	written;
	instr_time	end;

	INSTR_TIME_SET_CURRENT(start);
	for (int i = 0; i < ROUNDS; i++)
		frame = stash_frame_make(type, value, isnull, codec);
	INSTR_TIME_SET_CURRENT(written);
	for (int i = 0; i < ROUNDS; i++)
		read_frame(frame, &type, &value, &isnull);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_ACCUM_DIFF(figures->serialize, written, start);
	INSTR_TIME_ACCUM_DIFF(figures->deserialize, end, written);
	figures->bytes += VARSIZE_ANY_EXHDR(frame);
}

static bool
receive_value(TupleTableSlot *slot, DestReceiver *self)
{
	Profile    *profile = (Profile *) self;
	MemoryContext old = MemoryContextSwitchTo(profile->context);
	StashType  *type;
	Datum		value;
	bool		isnull;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	read_frame(DatumGetByteaPP(slot->tts_values[0]), &type, &value, &isnull);
	for (int codec = 0; codec < CODECS; codec++)
	{
		if (stash_codec_name(codec) != NULL)
			measure(&profile->figures[codec], codec, type, value, isnull);
	}
	profile->nentries++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(profile->context);
	return profile->figures[STASH_CODEC_NONE].bytes < MOST_BYTES;
}

static void
start_values(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
end_values(DestReceiver *self)
{
}

/*
 * The clause that takes a sample of a large table from all of its blocks; of a
 * small one, and of what is not one plain table, the first entries do.
 */
static const char *
sample_clause(StashStore *store, Relation rel, int nentries)
{
	double		nrows = rel->rd_rel->reltuples;
	double		nblocks = rel->rd_rel->relpages;

	if (!store->is_plain || nblocks <= LEAST_BLOCKS || nrows <= 2.0 * nentries)
		return "";
	return psprintf(" TABLESAMPLE SYSTEM (%g)",
					Min(100.0, 100 * Max(2.0 * nentries / nrows,
										 LEAST_BLOCKS / nblocks)));
}

static void
put_figures(ReturnSetInfo *rsinfo, const Profile *profile, int codec, bool is_used)
{
	const Figures *figures = &profile->figures[codec];
	int64		raw = profile->figures[STASH_CODEC_NONE].bytes;
	double		nruns = (double) ROUNDS * Max(profile->nentries, 1);
	Datum		values[8];
	bool		nulls[8] = {false};

	values[0] = CStringGetTextDatum(stash_codec_name(codec));
	values[1] = BoolGetDatum(is_used);
	values[2] = Int64GetDatum(profile->nentries);
	values[3] = Int64GetDatum(raw);
	values[4] = Int64GetDatum(figures->bytes);
	values[5] = Float8GetDatum((double) raw / Max(figures->bytes, 1));
	values[6] = Float8GetDatum(INSTR_TIME_GET_DOUBLE(figures->serialize) * 1e6 / nruns);
	values[7] = Float8GetDatum(INSTR_TIME_GET_DOUBLE(figures->deserialize) * 1e6 / nruns);
	nulls[5] = nulls[6] = nulls[7] = profile->nentries == 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* the stash that is meant by the first two arguments */
static Oid
read_source(FunctionCallInfo fcinfo)
{
	Oid			relid;

	if (PG_ARGISNULL(1))
		return stash_store_argument(fcinfo, 0);
	if (!PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("either a stash or a function can be profiled, not both")));
	relid = (Oid) stash_spi_run_bigint(psprintf("SELECT stash.stash_of(%u::pg_catalog.oid::pg_catalog.regprocedure)::pg_catalog.oid::pg_catalog.int8",
												PG_GETARG_OID(1)), true);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("function %s has no stash",
						format_procedure(PG_GETARG_OID(1))),
				 errdetail("Its results are remembered in the memory of sessions only.")));
	return relid;
}

/*
 * stash.profile(stash regclass DEFAULT NULL, function regprocedure DEFAULT
 *               NULL, sample int4 DEFAULT 1000)
 * returns table (codec text, is_used bool, entries int8, raw_bytes int8,
 *                stored_bytes int8, ratio float8, serialize_us float8,
 *                deserialize_us float8)
 *
 * Args:    stash     the stash whose values are looked at,
 *          function  or the memoized function whose results are
 *          sample    entries at most, up to 100,000; after 16 MB of values no
 *                    more are read
 * Returns: for each codec of this build what it would make of these values,
 *          and microseconds for one; is_used is true of the stash's own codec
 * Errors:  42809 no stash, 22004 neither stash nor function, 22023 both or a
 *          sample out of range, 55000 function without a stash, 42501
 * Volatile, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_profile(PG_FUNCTION_ARGS)
{
	int32		nentries = PG_ARGISNULL(2) ? 1000 : PG_GETARG_INT32(2);
	Profile		profile = {0};
	Relation	rel;
	StashStore *store;
	int			used;
	char	   *sql;

	if (nentries < 1 || nentries > MOST_ENTRIES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sample: %d", nentries),
				 errdetail("It must be between 1 and %d.", MOST_ENTRIES)));
	store = stash_store_open(read_source(fcinfo), &rel, AccessShareLock);
	used = store->options.codec;
	sql = psprintf("SELECT value FROM %s%s WHERE value IS NOT NULL AND "
				   STASH_ENTRY_NOT_EXPIRED " LIMIT %d",
				   store->name, sample_clause(store, rel, nentries), nentries);
	relation_close(rel, NoLock);

	profile.receiver.receiveSlot = receive_value;
	profile.receiver.rStartup = start_values;
	profile.receiver.rShutdown = end_values;
	profile.receiver.rDestroy = end_values;
	profile.receiver.mydest = DestTuplestore;
	profile.context = AllocSetContextCreate(CurrentMemoryContext,
											"pg_hashstash profile",
											ALLOCSET_DEFAULT_SIZES);
	stash_spi_stream(sql, &profile.receiver);
	MemoryContextDelete(profile.context);

	stash_compat_materialize(fcinfo);
	for (int codec = 0; codec < CODECS; codec++)
	{
		if (stash_codec_name(codec) != NULL)
			put_figures((ReturnSetInfo *) fcinfo->resultinfo, &profile, codec,
						codec == used);
	}
	return (Datum) 0;
}
