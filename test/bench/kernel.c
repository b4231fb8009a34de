/*-------------------------------------------------------------------------
 *
 * kernel.c
 *	  What hashes, frames and stashes are compared with: functions that do one thing,
 *	  and no more.
 *
 * Called as stash.hash and stash.serialize are called, so that the difference
 * in time is the difference in work.  Built by run.sh into the folder of its
 * run; kernel.sql has their declarations.  No part of the extension.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include <lz4.h>
#if defined(__x86_64__) && defined(__has_include)
#if __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif
#endif
#include <xxhash.h>

#include "compat.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bench_nothing);
PG_FUNCTION_INFO_V1(bench_xxh3);
PG_FUNCTION_INFO_V1(bench_detoast);
PG_FUNCTION_INFO_V1(bench_array_form);
PG_FUNCTION_INFO_V1(bench_copy);
PG_FUNCTION_INFO_V1(bench_receive);
PG_FUNCTION_INFO_V1(bench_there_and_back);
PG_FUNCTION_INFO_V1(bench_lz4_compress);
PG_FUNCTION_INFO_V1(bench_lz4_decompress);
PG_FUNCTION_INFO_V1(bench_probe);

/* The functions of a type's binary form; what a call site remembers. */
typedef struct Binary
{
	FmgrInfo	send;
	FmgrInfo	receive;
	Oid			ioparam;
} Binary;

/* bench.nothing(value any) returns int8: what a call costs */
Datum
bench_nothing(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(0);
}

/* bench.xxh3(data bytea) returns uuid: the kernel alone, on bytes in memory */
Datum
bench_xxh3(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	XXH128_hash_t hash = XXH3_128bits(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(uuid->data, canonical.digest, UUID_LEN);
	PG_RETURN_UUID_P(uuid);
}

/* bench.detoast(value any) returns int8: its length, after bringing all of it into memory */
Datum
bench_detoast(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));

	PG_RETURN_INT64(VARSIZE_ANY_EXHDR(value));
}

/* bench.array_form(value any) returns text: how an array is kept in memory */
Datum
bench_array_form(PG_FUNCTION_ARGS)
{
	Pointer		value = PG_GETARG_POINTER(0);
	ExpandedArrayHeader *array;

	if (!VARATT_IS_EXTERNAL_EXPANDED(value))
		PG_RETURN_TEXT_P(cstring_to_text("flat"));
	array = (ExpandedArrayHeader *) DatumGetEOHP(PointerGetDatum(value));
	if (array->dvalues == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("expanded, flat copy"));
	if (array->fvalue == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("expanded, elements"));
	PG_RETURN_TEXT_P(cstring_to_text("expanded, both"));
}

/* bench.copy(value any) returns bytea: all of it in memory, and once more */
Datum
bench_copy(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	char	   *copy = palloc(VARSIZE(value));

	memcpy(copy, value, VARSIZE(value));
	PG_RETURN_POINTER(copy);
}

static Binary *
look_up_binary(FunctionCallInfo fcinfo, Oid type)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	Binary	   *binary = fcinfo->flinfo->fn_extra;
	Oid			send;
	Oid			receive;
	bool		is_varlena;

	if (binary != NULL)
		return binary;
	binary = MemoryContextAlloc(context, sizeof(Binary));
	getTypeBinaryOutputInfo(type, &send, &is_varlena);
	getTypeBinaryInputInfo(type, &receive, &binary->ioparam);
	fmgr_info_cxt(send, &binary->send, context);
	fmgr_info_cxt(receive, &binary->receive, context);
	fcinfo->flinfo->fn_extra = binary;
	return binary;
}

/* what came from a client, without a copy */
static Datum
receive_bytes(Binary *binary, char *data, int len)
{
	StringInfoData buf = {data, len, len + 1, 0};

	return ReceiveFunctionCall(&binary->receive, &buf, binary->ioparam, -1);
}

/*
 * bench.receive(sent bytea, "like" anyelement) returns anyelement: what the
 * type's receive function makes of 'sent' without its last byte, which is for
 * the zero that functions of the server put behind what they read.
 */
Datum
bench_receive(PG_FUNCTION_ARGS)
{
	bytea	   *sent = PG_GETARG_BYTEA_PP(0);
	Binary	   *binary = look_up_binary(fcinfo, get_fn_expr_rettype(fcinfo->flinfo));

	PG_RETURN_DATUM(receive_bytes(binary, VARDATA_ANY(sent),
								  VARSIZE_ANY_EXHDR(sent) - 1));
}

/* bench.there_and_back(value anyelement) returns anyelement: sent and received */
Datum
bench_there_and_back(PG_FUNCTION_ARGS)
{
	Binary	   *binary = look_up_binary(fcinfo, get_fn_expr_rettype(fcinfo->flinfo));
	bytea	   *sent = SendFunctionCall(&binary->send, PG_GETARG_DATUM(0));

	/* a StringInfo has room for a zero at its end */
	PG_RETURN_DATUM(receive_bytes(binary, VARDATA(sent), VARSIZE(sent) - VARHDRSZ));
}

/* bench.lz4_compress(data bytea) returns bytea: one block */
Datum
bench_lz4_compress(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	int			len = VARSIZE_ANY_EXHDR(data);
	int			room = LZ4_compressBound(len);
	bytea	   *block = palloc(VARHDRSZ + room);
	int			used = LZ4_compress_default(VARDATA_ANY(data), VARDATA(block), len, room);

	SET_VARSIZE(block, VARHDRSZ + used);
	PG_RETURN_BYTEA_P(block);
}

/* bench.lz4_decompress(block bytea, len int) returns bytea: the 'len' bytes in it */
Datum
bench_lz4_decompress(PG_FUNCTION_ARGS)
{
	bytea	   *block = PG_GETARG_BYTEA_PP(0);
	int			len = PG_GETARG_INT32(1);
	bytea	   *data = palloc(VARHDRSZ + len);

	if (LZ4_decompress_safe(VARDATA_ANY(block), VARDATA(data),
							VARSIZE_ANY_EXHDR(block), len) != len)
		elog(ERROR, "no LZ4 block of %d bytes", len);
	SET_VARSIZE(data, VARHDRSZ + len);
	PG_RETURN_BYTEA_P(data);
}

/*
 * bench.probe(entries regclass, index regclass, key uuid, attribute int)
 * returns bytea: a varlena column of the row with this key, by the index, whose
 * only column is a uuid
 *
 * What the access methods cost: no rights, no statement, no hash of a key.
 */
Datum
bench_probe(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	Relation	index = index_open(PG_GETARG_OID(1), AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	IndexScanDesc scan = stash_compat_index_beginscan(rel, index, GetActiveSnapshot(), 1);
	ScanKeyData key;
	Datum		value = (Datum) 0;
	bool		isnull = true;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, PG_GETARG_DATUM(2));
	index_rescan(scan, &key, 1, NULL, 0);
	if (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		value = slot_getattr(slot, PG_GETARG_INT32(3), &isnull);
		if (!isnull)
			value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	table_close(rel, NoLock);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}
