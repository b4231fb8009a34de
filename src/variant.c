/*-------------------------------------------------------------------------
 *
 * variant.c
 *	  The type stash.variant: a value of any type in one column.
 *
 * The text form is type:value, with the type's name qualified unless it is
 * built in, and the value under fixed settings: int4:42, text:abc,
 * public.mood:sad, int4[]:{1,2}, (a int4,b text):(1,x).  A type alone is a
 * NULL of that type.  What has no readable form that could be read back is
 * shown as the hexadecimal bytes of its frame, \xf553...
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

#include "attempt.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "hash_datum.h"
#include "typeio.h"
#include "variant.h"

PG_FUNCTION_INFO_V1(pg_hashstash_variant_in);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_out);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_recv);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_send);
PG_FUNCTION_INFO_V1(pg_hashstash_to_variant);
PG_FUNCTION_INFO_V1(pg_hashstash_typeof);
PG_FUNCTION_INFO_V1(pg_hashstash_value);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_bytea);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_text);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_json);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_jsonb);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_cast);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_identical);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_same_key);

/* ---- what a variant holds ---- */

/*
 * Open the frame in a variant.  Errors as stash_frame_open() has them.
 *
 * The reader points into the variant, or a detoasted copy of it in the
 * current memory context.
 */
void
stash_variant_open(StashFrameReader *reader, Datum variant)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(variant);

	stash_frame_open(reader, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
}

/*
 * The value in a variant; *type is set to its type.
 *
 * The result is allocated in the current memory context.  Errors as
 * stash_frame_open() and stash_type_by_descriptor() have them.
 */
Datum
stash_variant_value(Datum variant, StashType **type, bool *isnull)
{
	StashFrameReader reader;

	stash_variant_open(&reader, variant);
	return stash_frame_read(&reader, type, isnull);
}

/* the same for a value that is only to be shown, perhaps in another form */
static Datum
value_to_show(Datum variant, StashType **type, bool *isnull)
{
	StashFrameReader reader;

	stash_variant_open(&reader, variant);
	return stash_frame_read_to_show(&reader, type, isnull);
}

/*
 * The value in a variant that must be of type 'wanted'; 42804 if it is not.
 */
Datum
stash_variant_value_as(Datum variant, Oid wanted, bool *isnull)
{
	StashType  *type;
	Datum		value = stash_variant_value(variant, &type, isnull);

	stash_frame_check_type(type, wanted);
	return value;
}

/*
 * True when two variants hold the same type and value, bit for bit.
 */
bool
stash_variant_identical(Datum a, Datum b)
{
	struct varlena *one = PG_DETOAST_DATUM_PACKED(a);
	struct varlena *two = PG_DETOAST_DATUM_PACKED(b);

	return stash_frame_identical(VARDATA_ANY(one), VARSIZE_ANY_EXHDR(one),
								 VARDATA_ANY(two), VARSIZE_ANY_EXHDR(two));
}

/* ---- input and output ---- */

/* A value that perhaps cannot be read for now, and what is made of it. */
typedef struct Attempt
{
	const StashFrameReader *reader;
	StashType  *type;
	bool		is_safe;		/* no step can fail */
	Datum		value;
	bool		isnull;
	char	   *text;			/* NULL where it would not be read back */
	bytea	   *frame;
	ErrorData  *error;			/* why a step failed, if not in parallel mode */
} Attempt;

/* what a type that has changed, or lost an object, is known by */
static bool
is_change(int problem)
{
	switch (problem)
	{
		case ERRCODE_INVALID_TEXT_REPRESENTATION:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_SCHEMA:
			return true;
		default:
			return false;
	}
}

/*
 * The same as attempt() where no subtransaction may start: in a parallel
 * query, in its leader too.  What a look-up in the catalogs holds when it
 * fails belongs to a resource owner of its own; all other errors are thrown.
 */
static int
attempt_in_parallel(void (*step) (void *), Attempt *data)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ResourceOwner part = ResourceOwnerCreate(owner, "pg_hashstash attempt");
	volatile int problem = 0;
	int			nestlevel = NewGUCNestLevel();

	CurrentResourceOwner = part;
	PG_TRY();
	{
		step(data);
	}
	PG_CATCH();
	{
		problem = geterrcode();
		if (!is_change(problem))
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	AtEOXact_GUC(problem == 0, nestlevel);
	for (int phase = RESOURCE_RELEASE_BEFORE_LOCKS;
		 phase <= RESOURCE_RELEASE_AFTER_LOCKS; phase++)
		ResourceOwnerRelease(part, (ResourceReleasePhase) phase, problem == 0,
							 false);
	CurrentResourceOwner = owner;
	ResourceOwnerDelete(part);
	return problem;
}

/*
 * Take a step that may fail because of what a type has become: a label was
 * renamed, an object dropped.  The result is 0 or the error's code; errors of
 * another kind are thrown.
 */
static int
attempt(void (*step) (void *), Attempt *data)
{
	int			class;

	if (data->is_safe)
	{
		step(data);
		return 0;
	}
	if (IsInParallelMode())
		return attempt_in_parallel(step, data);
	data->error = stash_attempt(step, data);
	if (data->error == NULL)
		return 0;
	class = ERRCODE_TO_CATEGORY(data->error->sqlerrcode);
	if (class == ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED) ||
		class == ERRCODE_TO_CATEGORY(ERRCODE_OUT_OF_MEMORY))
		ReThrowError(data->error);
	return data->error->sqlerrcode;
}

static void
write_anew(void *arg)
{
	Attempt    *data = arg;
	Datum		value;
	bool		isnull;

	value = stash_frame_read(data->reader, &data->type, &isnull);
	data->frame = stash_frame_make(data->type, value, isnull,
								   data->reader->codec);
}

/*
 * Bytes given in hexadecimal or by a client: a frame, or an error.
 *
 * A value is written anew, for bytes that no stash.serialize() made may hold
 * it in another spelling.  A whole frame is kept where its type, or something
 * that its value names, is not there or not as it was: so a dump of it can be
 * restored.
 */
static Datum
take_frame(bytea *frame)
{
	StashFrameReader reader;
	Attempt		data = {.reader = &reader,.frame = frame};
	int			problem;

	stash_frame_open(&reader, VARDATA_ANY(frame), VARSIZE_ANY_EXHDR(frame));
	data.type = stash_type_by_descriptor(reader.type, reader.typelen, true);
	/* a record's own type is another one than that of its frame */
	if (data.type == NULL || data.type->kind == STASH_KIND_RECORD)
		return PointerGetDatum(frame);
	data.is_safe = data.type->always_reads;
	problem = attempt(write_anew, &data);
	/* to try again would double the time for each variant in a variant */
	if (problem != 0 && !is_change(problem))
		ReThrowError(data.error);
	return PointerGetDatum(data.frame);
}

/*
 * stash.variant_in(cstring) returns stash.variant
 *
 * Errors: 22P02 for a text that names no type, 42704 for an unknown type,
 * 0A000 for a value of type record, whatever the type's own input throws.
 * Strict, stable, parallel safe.
 */
Datum
pg_hashstash_variant_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *at = text;
	StashType  *type;
	StashSettings saved;
	Datum		value;

	if (text[0] == '\\' && text[1] == 'x')
		PG_RETURN_DATUM(take_frame(DatumGetByteaPP(DirectFunctionCall1(byteain,
																	   PG_GETARG_DATUM(0)))));
	type = stash_type_by_text(&at);
	if (*at == '\0')
		PG_RETURN_BYTEA_P(stash_frame_make(type, (Datum) 0, true,
										   STASH_CODEC_NONE));
	if (*at++ != ':')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid stash variant: no \":\" after type %s",
						stash_type_to_text(type)),
				 errhint("Write a variant as type:value, for example int4:42 or int4[]:{1,2,3}.")));
	if (type->has_record)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a record without known columns cannot be read from text"),
				 errhint("Name the columns and their types, for example (a int4,b text):(1,x).")));
	stash_type_fix_settings(&saved, type, false);
	value = stash_type_input(type, pstrdup(at));
	stash_type_restore_settings(&saved);
	PG_RETURN_BYTEA_P(stash_frame_make(type, value, false, STASH_CODEC_LZ4));
}

/* true when a text is read as the value that a frame holds, bit for bit */
static bool
reads_back(const StashFrameReader *reader, StashType *type, const char *text)
{
	Datum		value = stash_type_input(type, pstrdup(text));
	bytea	   *frame = stash_frame_make(type, value, false, STASH_CODEC_NONE);
	StashFrameReader again;

	stash_frame_open(&again, VARDATA(frame), VARSIZE(frame) - VARHDRSZ);
	return again.rawlen == reader->rawlen &&
		memcmp(again.body, stash_frame_body(reader), again.rawlen) == 0;
}

/* the text of a variant: type, colon, value */
static char *
with_type(StashType *type, const char *text)
{
	const char *name = stash_type_to_text(type);
	Size		namelen = strlen(name);
	Size		len = strlen(text);
	char	   *result = palloc(namelen + len + 2);

	memcpy(result, name, namelen);
	result[namelen] = ':';
	memcpy(result + namelen + 1, text, len + 1);
	return result;
}

static void
show_value(void *arg)
{
	Attempt    *data = arg;
	StashSettings saved;
	Datum		value;
	bool		isnull;
	char	   *text;

	value = stash_frame_read_to_show(data->reader, &data->type, &isnull);
	stash_type_fix_settings(&saved, data->type, false);
	text = stash_type_output(data->type, value);
	if (data->type->has_exact_text || !data->type->is_domain_free ||
		reads_back(data->reader, data->type, text))
		data->text = with_type(data->type, text);
	stash_type_restore_settings(&saved);
}

/* a text that can be read back, or NULL where only the bytes are safe */
static char *
readable_text(const StashFrameReader *reader)
{
	Attempt		data = {.reader = reader};

	data.type = stash_type_by_descriptor(reader->type, reader->typelen, true);
	/* the server can read no record whose shape it is not told */
	if (data.type == NULL || data.type->has_record)
		return NULL;
	if (reader->is_null)
		return stash_type_to_text(data.type);
	data.is_safe = data.type->has_exact_text;
	return attempt(show_value, &data) == 0 ? data.text : NULL;
}

/*
 * stash.variant_out(stash.variant) returns cstring
 *
 * Never fails because a type was dropped or changed: then the bytes of the
 * frame are shown.  Strict, stable, parallel safe.
 */
Datum
pg_hashstash_variant_out(PG_FUNCTION_ARGS)
{
	StashFrameReader reader;
	char	   *text;

	stash_variant_open(&reader, PG_GETARG_DATUM(0));
	text = readable_text(&reader);
	if (text == NULL)
	{
		struct varlena *packed = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
		Size		len = VARSIZE_ANY_EXHDR(packed);

		text = palloc(2 * len + 3);
		strcpy(text, "\\x");
		text[2 + hex_encode(VARDATA_ANY(packed), len, text + 2)] = '\0';
	}
	PG_RETURN_CSTRING(text);
}

/*
 * stash.variant_recv(internal) returns stash.variant
 *
 * The bytes of a frame; all of it is checked.  Strict, stable, parallel safe.
 */
Datum
pg_hashstash_variant_recv(PG_FUNCTION_ARGS)
{
	StringInfo	msg = (StringInfo) PG_GETARG_POINTER(0);
	int			len = msg->len - msg->cursor;
	bytea	   *frame = palloc(len + VARHDRSZ);

	SET_VARSIZE(frame, len + VARHDRSZ);
	pq_copymsgbytes(msg, VARDATA(frame), len);
	PG_RETURN_DATUM(take_frame(frame));
}

/*
 * stash.variant_send(stash.variant) returns bytea: the frame.
 *
 * Strict, stable, parallel safe.
 */
Datum
pg_hashstash_variant_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

/* ---- keys ---- */

static bool
is_same(const char *a, Size alen, const char *b, Size blen)
{
	return alen == blen && memcmp(a, b, alen) == 0;
}

static void
read_value(void *arg)
{
	Attempt    *data = arg;

	data->value = stash_frame_read_to_show(data->reader, &data->type,
										   &data->isnull);
}

/* put what is hashed of a value; false where it cannot be read, by now */
static bool
put_canonical_form(StashSink *sink, const StashFrameReader *reader,
				   StashType *type)
{
	Attempt		data = {.reader = reader,.is_safe = !type->names_objects};

	if (attempt(read_value, &data) != 0)
		return false;
	stash_buffer_init(sink, 0, STASH_BUFFER_ROOM);
	stash_hash_put_value(sink, data.type, data.value, data.isnull, NULL);
	return true;
}

/*
 * True when two variants are one key: identical, or of one type that has a
 * hash strategy in it, and equal in all that is hashed.
 */
bool
stash_variant_same_key(Datum a, Datum b)
{
	StashFrameReader one;
	StashFrameReader two;
	StashType  *type;
	StashSink	one_form;
	StashSink	two_form;

	if (stash_variant_identical(a, b))
		return true;
	stash_variant_open(&one, a);
	stash_variant_open(&two, b);
	if (!is_same(one.type, one.typelen, two.type, two.typelen))
		return false;
	type = stash_type_by_descriptor(one.type, one.typelen, true);
	return type != NULL && type->has_strategy &&
		put_canonical_form(&one_form, &one, type) &&
		put_canonical_form(&two_form, &two, type) &&
		is_same(one_form.buf, one_form.used, two_form.buf, two_form.used);
}

/* ---- making and taking apart ---- */

/*
 * stash.to_variant(value any) returns stash.variant
 *
 * Args:    value  any value; NULL gives a variant that is a NULL of its type
 * Errors:  0A000 for types without any conversion to bytes
 * Stable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_to_variant(PG_FUNCTION_ARGS)
{
	Datum		value = PG_GETARG_DATUM(0);
	StashType  *type = stash_type_of_site_argument(fcinfo, 0, &value);

	stash_type_check_readable(type);
	PG_RETURN_BYTEA_P(stash_frame_make(type, value, PG_ARGISNULL(0),
									   STASH_CODEC_LZ4));
}

/*
 * stash.typeof(variant stash.variant) returns text
 *
 * The name of the type inside, whether or not it still exists here: NULL
 * where it does not.  Strict, stable, parallel safe.
 */
Datum
pg_hashstash_typeof(PG_FUNCTION_ARGS)
{
	StashFrameReader reader;
	StashType  *type;

	stash_variant_open(&reader, PG_GETARG_DATUM(0));
	type = stash_type_by_descriptor(reader.type, reader.typelen, true);
	if (type == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(stash_type_to_text(type)));
}

/*
 * stash.value(variant stash.variant, "like" anyelement) returns anyelement
 *
 * Args:    like  any value of the wanted type, such as NULL::int[]
 * Errors:  42804 when the variant holds another type
 * Stable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_value(PG_FUNCTION_ARGS)
{
	Datum		value;
	bool		isnull;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	value = stash_variant_value_as(PG_GETARG_DATUM(0),
								   get_fn_expr_rettype(fcinfo->flinfo), &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}

/* ---- casts ---- */

/*
 * Cast to bytea: the bytes of the frame.  Strict, immutable, parallel safe.
 */
Datum
pg_hashstash_variant_bytea(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

/*
 * Cast to text: the text of the inner value, without its type.
 *
 * Strict, stable, parallel safe; NULL for a variant that is a NULL.
 */
Datum
pg_hashstash_variant_text(PG_FUNCTION_ARGS)
{
	StashType  *type;
	bool		isnull;
	Datum		value = value_to_show(PG_GETARG_DATUM(0), &type, &isnull);

	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(stash_type_output(type, value)));
}

/*
 * Cast to json: to_json() of the inner value.
 *
 * The server's own JSON functions write a variant by this cast, and take no
 * SQL NULL from it: a variant that is a NULL is a JSON null.  Strict, stable,
 * parallel safe.
 */
Datum
pg_hashstash_variant_json(PG_FUNCTION_ARGS)
{
	StashType  *type;
	bool		isnull;
	Datum		value = value_to_show(PG_GETARG_DATUM(0), &type, &isnull);

	if (isnull)
		PG_RETURN_TEXT_P(cstring_to_text("null"));
	PG_RETURN_DATUM(stash_type_to_json(type, value));
}

/*
 * Cast to jsonb: to_jsonb() of the inner value; a JSON null for a variant that
 * is a NULL, as in to_jsonb() of the variant.  Strict, stable, parallel safe.
 */
Datum
pg_hashstash_variant_jsonb(PG_FUNCTION_ARGS)
{
	StashType  *type;
	bool		isnull;
	Datum		value = value_to_show(PG_GETARG_DATUM(0), &type, &isnull);

	if (isnull)
		PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum("null")));
	if (type->oid == JSONBOID)
		PG_RETURN_DATUM(value);
	PG_RETURN_DATUM(stash_type_to_jsonb(type, value));
}

/*
 * Cast to the scalar type that the calling cast function returns, by the
 * server's own explicit cast from the inner type, or through text where the
 * server would do so.
 *
 * Errors: 42846 where there is no such cast.  Strict, stable, parallel safe.
 */
Datum
pg_hashstash_variant_cast(PG_FUNCTION_ARGS)
{
	Oid			target = get_func_rettype(fcinfo->flinfo->fn_oid);
	StashType  *type;
	bool		isnull;
	Datum		value = value_to_show(PG_GETARG_DATUM(0), &type, &isnull);
	StashType  *wanted = stash_type_lookup(target, -1);

	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(stash_type_cast(type, value, wanted));
}

/*
 * stash.identical(a stash.variant, b stash.variant) returns bool
 *
 * True when both hold the same type and value, bit for bit; "=" asks the
 * type, for which 1.0 and 1.00 are equal.  Strict, immutable, parallel safe.
 */
Datum
pg_hashstash_variant_identical(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(stash_variant_identical(PG_GETARG_DATUM(0),
										   PG_GETARG_DATUM(1)));
}

/*
 * stash.same_key(a stash.variant, b stash.variant) returns bool
 *
 * True when a stash takes both for one key: identical, or equal by the hash
 * strategies of their type.  Errors: those of the strategies.  Strict, stable,
 * parallel safe.
 */
Datum
pg_hashstash_variant_same_key(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(stash_variant_same_key(PG_GETARG_DATUM(0),
										  PG_GETARG_DATUM(1)));
}
