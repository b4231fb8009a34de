/*-------------------------------------------------------------------------
 *
 * memo_map_items.c
 *	  The inputs of a map as arguments of calls, in bytes that every process
 *	  of the server can read.
 *
 * An input is the one argument of its call, where the function can be called
 * with it alone; else a row is the arguments, column by column.  Options fill
 * parameters by their names: one JSON object for all inputs, or an array with
 * one for each, all of the same parameters.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "memo_map.h"
#include "typeio.h"

/* How the inputs of a map become arguments. */
typedef struct Shape
{
	Oid			function;
	Oid			element;
	StashType  *types[FUNC_MAX_ARGS];	/* of arguments as given */
	bool		is_spread;		/* an input is a row of arguments */
	int			ninput;			/* arguments that come from the input */
	TupleDesc	desc;			/* of a row of arguments */
	const Jsonb *options;
	bool		has_each;		/* an object for each input */
	StashMemoArgs named;
	NullableDatum common[FUNC_MAX_ARGS];	/* of 'named', for all inputs */
} Shape;

/* ---- the shape of calls ---- */

static const Jsonb *
options_of_input(const Shape *shape, int i)
{
	JsonbValue *value;

	if (!shape->has_each)
		return shape->options;
	value = getIthJsonbValueFromContainer(unconstify(JsonbContainer *, &shape->options->root), i);
	return JsonbValueToJsonb(value);
}

static void
read_options(Shape *shape, int n)
{
	shape->named.n = 0;
	if (shape->options == NULL || n == 0)
		return;
	shape->has_each = JB_ROOT_IS_ARRAY(shape->options) &&
		!JB_ROOT_IS_SCALAR(shape->options);
	if (shape->has_each && JB_ROOT_COUNT(shape->options) != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of options (%d) is not that of inputs (%d)",
						(int) JB_ROOT_COUNT(shape->options), n),
				 errhint("Give one JSON object for all inputs, or an array with one for each.")));
	stash_memo_args_named(shape->function, options_of_input(shape, 0),
						  &shape->named, shape->common);
}

/* whether the function can be called with an input as it is */
static bool
fits_alone(Oid element, int nfree, const Oid *types, int needed)
{
	if (nfree == 0 || needed > 1)
		return false;
	return can_coerce_type(1, &element, unconstify(Oid *, types),
						   COERCION_IMPLICIT);
}

/* columns of the rows that are inputs */
static TupleDesc
row_descriptor(Oid element, int n, const Datum *values, const bool *nulls)
{
	if (element != RECORDOID)
		return lookup_rowtype_tupdesc_domain(element, -1, false);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
		{
			HeapTupleHeader row = DatumGetHeapTupleHeader(values[i]);

			return lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row),
										  HeapTupleHeaderGetTypMod(row));
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("inputs are rows of unknown columns"),
			 errhint("Cast them to an array of a composite type.")));
}

static void
find_shape(Shape *shape, int n, const Datum *values, const bool *nulls,
		   StashMemoArgs *args)
{
	int			places[FUNC_MAX_ARGS];
	Oid			types[FUNC_MAX_ARGS];
	int			needed;
	int			nfree;

	read_options(shape, n);
	nfree = stash_memo_args_free(shape->function, &shape->named, places, types,
								 &needed);
	args->n = 0;
	shape->is_spread = type_is_rowtype(shape->element) &&
		!fits_alone(shape->element, nfree, types, needed);
	if (shape->is_spread)
	{
		TupleDesc	desc = row_descriptor(shape->element, n, values, nulls);

		shape->desc = CreateTupleDescCopy(desc);
		ReleaseTupleDesc(desc);
		for (int i = 0; i < shape->desc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(shape->desc, i);

			if (att->attisdropped)
				continue;
			/* one too many is told of when the call is made */
			args->places[args->n] = args->n < nfree ? places[args->n] : FUNC_MAX_ARGS;
			args->types[args->n++] = att->atttypid;
			if (args->n + shape->named.n >= FUNC_MAX_ARGS)
				break;
		}
	}
	else
	{
		args->places[0] = nfree > 0 ? places[0] : FUNC_MAX_ARGS;
		args->types[args->n++] = shape->element;
	}
	shape->ninput = args->n;
	for (int i = 0; i < shape->named.n; i++)
	{
		args->places[args->n] = shape->named.places[i];
		args->types[args->n++] = shape->named.types[i];
	}
}

/* ---- the arguments of one input ---- */

static void
refuse_row(int i)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("input %d has other columns than the first", i + 1),
			 errhint("Cast the inputs to an array of a composite type.")));
}

static void
spread_row(const Shape *shape, int i, Datum value, NullableDatum *given)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(value);
	HeapTupleData tuple = {0};
	Datum	   *values = palloc(sizeof(Datum) * shape->desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * shape->desc->natts);
	int			n = 0;

	if (HeapTupleHeaderGetTypMod(row) != shape->desc->tdtypmod)
	{
		TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row),
												  HeapTupleHeaderGetTypMod(row));

		if (desc->natts != shape->desc->natts)
			refuse_row(i);
		for (int j = 0; j < desc->natts; j++)
		{
			if (TupleDescAttr(desc, j)->atttypid !=
				TupleDescAttr(shape->desc, j)->atttypid)
				refuse_row(i);
		}
		ReleaseTupleDesc(desc);
	}
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	tuple.t_data = row;
	heap_deform_tuple(&tuple, shape->desc, values, nulls);
	for (int j = 0; j < shape->desc->natts && n < shape->ninput; j++)
	{
		if (TupleDescAttr(shape->desc, j)->attisdropped)
			continue;
		given[n].value = values[j];
		given[n++].isnull = nulls[j];
	}
}

static void
give_options(const Shape *shape, int i, NullableDatum *given)
{
	StashMemoArgs named;

	if (!shape->has_each)
	{
		memcpy(given, shape->common, sizeof(NullableDatum) * shape->named.n);
		return;
	}
	stash_memo_args_named(shape->function, options_of_input(shape, i), &named,
						  given);
	if (named.n != shape->named.n ||
		memcmp(named.places, shape->named.places, sizeof(int) * named.n) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options of input %d are of other parameters than those of the first", i + 1),
				 errhint("Name the same parameters in all of them.")));
}

static void
give_arguments(const Shape *shape, int i, Datum value, bool isnull,
			   NullableDatum *given)
{
	if (!shape->is_spread)
	{
		given[0].value = value;
		given[0].isnull = isnull;
	}
	else if (isnull)
	{
		for (int j = 0; j < shape->ninput; j++)
			given[j].isnull = true;
	}
	else
		spread_row(shape, i, value, given);
	if (shape->named.n > 0)
		give_options(shape, i, given + shape->ninput);
}

/* ---- bytes ---- */

/* room for 'size' more bytes */
static char *
reserve(StashMapItems *items, Size size)
{
	char	   *at;

	if (items->used + size > items->size)
	{
		items->size = Max(items->size * 2, items->used + size);
		items->bytes = repalloc_huge(items->bytes, items->size);
	}
	at = items->bytes + items->used;
	items->used += size;
	return at;
}

static void
put_argument(StashMapItems *items, StashType *type, bool is_framed,
			 const NullableDatum *arg)
{
	bytea	   *frame;
	uint32		len;
	char	   *at;

	if (!is_framed)
	{
		at = reserve(items, datumEstimateSpace(arg->value, arg->isnull,
											   type->typbyval, type->typlen));
		datumSerialize(arg->value, arg->isnull, type->typbyval, type->typlen, &at);
		return;
	}
	*reserve(items, 1) = arg->isnull;
	if (arg->isnull)
		return;
	if (type->oid == RECORDOID)
		type = stash_type_of_row(arg->value);
	frame = stash_frame_make(type, arg->value, false, STASH_CODEC_NONE);
	len = VARSIZE_ANY_EXHDR(frame);
	at = reserve(items, sizeof(len) + len);
	memcpy(at, &len, sizeof(len));
	memcpy(at + sizeof(len), VARDATA_ANY(frame), len);
	pfree(frame);
}

static void
put_item(StashMapItems *items, const Shape *shape, const StashMapShared *shared,
		 int64 ord, const NullableDatum *given)
{
	if (items->n + 2 > items->allocated)
	{
		items->allocated *= 2;
		items->offsets = repalloc_huge(items->offsets,
									   sizeof(uint64) * items->allocated);
	}
	memcpy(reserve(items, sizeof(ord)), &ord, sizeof(ord));
	for (int i = 0; i < shared->args.n; i++)
	{
		NullableDatum arg = given[i];

		if (!arg.isnull && shape->types[i]->typlen == -1)
			arg.value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(arg.value));
		put_argument(items, shape->types[i], shared->is_framed[i], &arg);
	}
	items->offsets[++items->n] = items->used;
}

/* whether values hold rows, whose types may be known to this process alone */
static bool
holds_rows(const StashType *type)
{
	return type->kind == STASH_KIND_ROW || type->kind == STASH_KIND_RECORD ||
		(type->inner != NULL && holds_rows(type->inner));
}

/*
 * Make items of inputs, in the current memory context, and say in 'shared'
 * what their arguments are.
 *
 * 'is_wanted' is asked for each, with its arguments, whether it is to be one;
 * called in a memory context that is reset between inputs.
 *
 * Errors: 22023 and 42883 for options that do not fit, 42804 for rows that are
 * not alike.
 */
void
stash_memo_map_items_make(StashMapItems *items, StashMapShared *shared, Oid element,
						  int n, const Datum *values, const bool *nulls,
						  const Jsonb *options,
						  bool (*is_wanted) (void *arg, int i, const NullableDatum *given),
						  void *arg)
{
	Shape		shape = {0};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash input",
												  ALLOCSET_DEFAULT_SIZES);
	NullableDatum given[FUNC_MAX_ARGS];

	shape.function = shared->function;
	shape.element = element;
	shape.options = options;
	find_shape(&shape, n, values, nulls, &shared->args);
	for (int i = 0; i < shared->args.n; i++)
	{
		shape.types[i] = stash_type_lookup(shared->args.types[i], -1);
		shared->is_framed[i] = holds_rows(shape.types[i]);
	}

	memset(items, 0, sizeof(*items));
	items->allocated = 1024;
	items->offsets = palloc(sizeof(uint64) * items->allocated);
	items->offsets[0] = 0;
	items->size = 8192;
	items->bytes = palloc(items->size);
	for (int i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		give_arguments(&shape, i, values[i], nulls[i], given);
		if (is_wanted(arg, i, given))
			put_item(items, &shape, shared, i + 1, given);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	shared->nitems = items->n;
}

/*
 * Bytes that items take in one piece.
 */
Size
stash_memo_map_items_size(const StashMapItems *items)
{
	return add_size(mul_size(sizeof(uint64), items->n + 1), items->used);
}

/*
 * Write items in one piece.
 */
void
stash_memo_map_items_write(const StashMapItems *items, char *to)
{
	Size		size = sizeof(uint64) * (items->n + 1);

	memcpy(to, items->offsets, size);
	memcpy(to + size, items->bytes, items->used);
}

/*
 * Use items that somebody else has written.
 */
void
stash_memo_map_items_open(StashMapItems *items, uint64 n, char *from)
{
	memset(items, 0, sizeof(*items));
	items->n = n;
	items->offsets = (uint64 *) from;
	items->bytes = from + sizeof(uint64) * (n + 1);
	items->used = items->offsets[n];
}

/*
 * Read the arguments of an item, in the current memory context.  Returns the
 * place of its input, from 1; 'values' may be NULL when only that is wanted.
 */
int64
stash_memo_map_item_read(const StashMapItems *items, const StashMapShared *shared,
						 uint64 item, NullableDatum *values)
{
	char	   *at = items->bytes + items->offsets[item];
	int64		ord;

	memcpy(&ord, at, sizeof(ord));
	at += sizeof(ord);
	for (int i = 0; values != NULL && i < shared->args.n; i++)
	{
		StashFrameReader reader;
		StashType  *type;
		uint32		len;

		if (!shared->is_framed[i])
		{
			values[i].value = datumRestore(&at, &values[i].isnull);
			continue;
		}
		values[i].isnull = *at++;
		values[i].value = (Datum) 0;
		if (values[i].isnull)
			continue;
		memcpy(&len, at, sizeof(len));
		at += sizeof(len);
		stash_frame_open(&reader, at, len);
		values[i].value = stash_frame_read(&reader, &type, &values[i].isnull);
		at += len;
	}
	return ord;
}
