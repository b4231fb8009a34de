/*-------------------------------------------------------------------------
 *
 * pg_hashstash_image.c
 *	  Content hashes of images: module magic, settings, SQL functions.
 *
 * A decoding never throws, so it always frees what its library took by
 * malloc; what goes wrong is reported when it is over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/uuid.h"

#include "compat.h"
#include "image_form.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(pg_hashstash_hash_image);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_image_sampled);
PG_FUNCTION_INFO_V1(pg_hashstash_image_info);

extern PGDLLEXPORT void _PG_init(void);

/* Someone who wants pixels or only the header, and may be interrupted. */
typedef struct ImageTask
{
	StashImageHasher hasher;	/* first, for the callbacks of image_form.c */
	MemoryContext context;
	ErrorData  *interrupt;		/* what ended the decoding, or NULL */
} ImageTask;

static int	max_pixels = 100000000;
static int	max_memory_kb = 256 * 1024;

/*
 * Called by the server when it loads the library, once in each process.
 */
void
_PG_init(void)
{
	DefineCustomIntVariable("pg_hashstash_image.max_pixels",
							"Largest image that is decoded, in pixels of all its frames.",
							NULL, &max_pixels, 100000000, 1, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_hashstash_image.max_memory",
							"Memory that decoding an image may take.",
							NULL, &max_memory_kb, 256 * 1024, 1024, INT_MAX,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	MarkGUCPrefixReserved("pg_hashstash_image");
}

/*
 * Let the server have its interrupts.  An error may not pass through the
 * decoder, so it is kept for afterwards.
 */
static bool
go_on(void *arg)
{
	ImageTask  *task = arg;

	if (!INTERRUPTS_PENDING_CONDITION())
		return true;
	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(task->context);
		task->interrupt = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	return task->interrupt == NULL;
}

static void
throw_too_large(const StashImageDecoder *decoder)
{
	const StashImageHeader *header = &decoder->header;

	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("%s image has too many pixels", decoder->format),
			 errdetail_plural("It has %u x %u pixels in %u frame; %d pixels are allowed in all.",
							  "It has %u x %u pixels in each of %u frames; %d pixels are allowed in all.",
							  header->frames,
							  header->width, header->height, header->frames, max_pixels),
			 errhint("Raise \"%s\" if that is what you want to read.", "pg_hashstash_image.max_pixels")));
}

static void
throw_too_costly(const StashImageDecoder *decoder)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("%s image needs too much memory", decoder->format),
			 errdetail("Decoding %u x %u pixels takes about " UINT64_FORMAT " kB; %d kB are allowed.",
					   decoder->header.width, decoder->header.height, (decoder->memory + 1023) / 1024, max_memory_kb),
			 errhint("Raise \"%s\" if that is what you want to read.", "pg_hashstash_image.max_memory")));
}

/* Report why a decoding ended before its end. */
static void
throw_failure(const StashImageDecoder *decoder)
{
	switch (decoder->status)
	{
		case STASH_IMAGE_UNKNOWN:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("bytes are not an image"),
					 errhint("PNG, JPEG, WebP and GIF images can be read.")));
			break;
		case STASH_IMAGE_DAMAGED:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("invalid %s image", decoder->format),
					 errdetail("The decoder %s reports: %s", decoder->library, decoder->message)));
			break;
		case STASH_IMAGE_UNSUPPORTED:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s image is of a kind that cannot be read", decoder->format),
					 errdetail_internal("%s", decoder->message)));
			break;
		case STASH_IMAGE_TOO_LARGE:
			throw_too_large(decoder);
			break;
		case STASH_IMAGE_TOO_COSTLY:
			throw_too_costly(decoder);
			break;
		case STASH_IMAGE_NO_MEMORY:
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory"),
					 errdetail("Failed while decoding a %s image.", decoder->format)));
			break;
		default:
			elog(ERROR, "unexpected status of an image: %d", (int) decoder->status);
	}
}

/* Decode 'image' for 'consumer', whose argument is 'task'; interrupts are thrown. */
static void
decode_image(StashImageDecoder *decoder, bytea *image, StashImageConsumer *consumer, ImageTask *task)
{
	task->context = CurrentMemoryContext;
	consumer->go_on = go_on;
	consumer->arg = task;
	decoder->data = (const unsigned char *) VARDATA_ANY(image);
	decoder->len = VARSIZE_ANY_EXHDR(image);
	decoder->consumer = consumer;
	(void) stash_image_decode(decoder);
	if (task->interrupt != NULL)
		ReThrowError(task->interrupt);
}

static Datum
hash_image(bytea *image, bool is_sampled)
{
	ImageTask  *task = palloc0(sizeof(ImageTask));
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));
	StashImageDecoder decoder = {0};
	StashImageConsumer consumer = {
		.begin = stash_image_hash_begin,
		.row = stash_image_hash_row,
		.max_pixels = max_pixels,
		.max_memory = (uint64) max_memory_kb * 1024,
	};
	StashHash128 hash;

	task->hasher.is_sampled = is_sampled;
	decode_image(&decoder, image, &consumer, task);
	if (!stash_image_hash_is_complete(&task->hasher, decoder.status))
		throw_failure(&decoder);
	hash = stash_image_hash_finish(&task->hasher);
	memcpy(uuid->data, hash.data, UUID_LEN);
	pfree(task);
	return UUIDPGetDatum(uuid);
}

/*
 * stash.hash_image(image bytea) returns uuid
 *
 * Args:    image  a PNG, JPEG, WebP or GIF image
 * Returns: XXH3-128 of mode, size and all pixels, as README.md defines them
 * Errors:  22P03 when it is none, or damaged; 0A000 when it is of a kind that
 *          cannot be read; 53400 beyond the settings' limits
 * Strict, immutable, parallel safe.
 */
Datum
pg_hashstash_hash_image(PG_FUNCTION_ARGS)
{
	return hash_image(PG_GETARG_BYTEA_PP(0), false);
}

/*
 * stash.hash_image_sampled(image bytea) returns uuid
 *
 * The same of mode, size and a thumbnail of the first frame.
 */
Datum
pg_hashstash_hash_image_sampled(PG_FUNCTION_ARGS)
{
	return hash_image(PG_GETARG_BYTEA_PP(0), true);
}

static const char *
mode_name(StashImageMode mode)
{
	switch (mode)
	{
		case STASH_IMAGE_GRAY:
			return "gray";
		case STASH_IMAGE_GRAY_ALPHA:
			return "gray+alpha";
		case STASH_IMAGE_RGB:
			return "RGB";
		case STASH_IMAGE_RGBA:
			return "RGBA";
		case STASH_IMAGE_CMYK:
			return "CMYK";
	}
	return NULL;
}

/* a consumer that wants the header only */
static bool
stop_at_header(void *arg, const StashImageHeader *header)
{
	ImageTask  *task = arg;

	task->hasher.header = *header;
	return false;
}

/*
 * stash.image_info(image bytea) returns record
 *
 * Args:    image  a PNG, JPEG, WebP or GIF image
 * Returns: format, width, height, mode, bits, frames; no pixel is decoded,
 *          and no limit applies
 * Errors:  22P03 when it is none, or its header is damaged; 0A000 when it is
 *          of a kind that cannot be read
 * Strict, immutable, parallel safe.
 */
Datum
pg_hashstash_image_info(PG_FUNCTION_ARGS)
{
	bytea	   *image = PG_GETARG_BYTEA_PP(0);
	ImageTask  *task = palloc0(sizeof(ImageTask));
	StashImageDecoder decoder = {0};
	StashImageConsumer consumer = {.begin = stop_at_header};
	const StashImageHeader *header = &task->hasher.header;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	decode_image(&decoder, image, &consumer, task);
	if (decoder.status != STASH_IMAGE_STOPPED)
		throw_failure(&decoder);
	values[0] = CStringGetTextDatum(decoder.format);
	values[1] = Int32GetDatum((int32) header->width);
	values[2] = Int32GetDatum((int32) header->height);
	values[3] = CStringGetTextDatum(mode_name(header->mode));
	values[4] = Int32GetDatum(header->bits);
	values[5] = Int32GetDatum((int32) header->frames);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
