/*-------------------------------------------------------------------------
 *
 * kernel.c
 *	  What hash.sh compares with: functions that do one thing, and no more.
 *
 * Called as stash.hash is called, so that the difference in time is the
 * difference in work.  Built by hash.sh into the folder of its run; no part
 * of the extension.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

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
