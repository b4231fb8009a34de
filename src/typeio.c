/*-------------------------------------------------------------------------
 *
 * typeio.c
 *	  What must be known of a type to turn its values into bytes and back.
 *
 * Everything known of types is dropped together when any type or row type
 * changes: that is rare, and building one costs microseconds.  What was
 * dropped is freed at the end of the transaction, for a caller further up
 * the stack may still hold it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/tupmacs.h"
#include "access/xact.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "compat.h"
#include "typeio.h"

typedef struct TypeKey
{
	Oid			oid;
	int32		typmod;			/* -1 but for anonymous rows */
} TypeKey;

typedef struct TypeEntry
{
	TypeKey		key;			/* must be first */
	StashType  *type;
} TypeEntry;

/* What a function call site remembers of the type of each argument. */
typedef struct TypeCall
{
	uint64		generation;
	StashType  *type;
} TypeCall;

static MemoryContext types_context; /* all of the current generation */
static MemoryContext retired_context;	/* parent of older generations */
static HTAB *types;				/* TypeKey to TypeEntry */
static uint64 generation = 1;
static bool is_stale;			/* build a new generation at the next look-up */

/* ---- life of a generation ---- */

static void
forget_types(Datum arg, int cacheid, uint32 hashvalue)
{
	is_stale = true;
	generation++;
}

static void
forget_row_type(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	TypeEntry  *entry;

	if (is_stale || types == NULL)
		return;
	if (!OidIsValid(relid))
	{
		forget_types((Datum) 0, 0, 0);
		return;
	}
	hash_seq_init(&scan, types);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->type != NULL && entry->type->kind == STASH_KIND_ROW &&
			entry->type->relid == relid)
		{
			hash_seq_term(&scan);
			forget_types((Datum) 0, 0, 0);
			return;
		}
	}
}

/* a function of a strategy changed, or who may execute it */
static void
forget_strategies(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS scan;
	TypeEntry  *entry;

	if (is_stale || types == NULL)
		return;
	hash_seq_init(&scan, types);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		StashStrategy *strategy = entry->type ? entry->type->strategy : NULL;

		if (strategy == NULL ||
			(cacheid == PROCOID && hashvalue != 0 &&
			 hashvalue != strategy->hashvalue))
			continue;
		hash_seq_term(&scan);
		forget_types((Datum) 0, 0, 0);
		return;
	}
}

static void
free_retired(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE ||
		event == XACT_EVENT_PARALLEL_COMMIT ||
		event == XACT_EVENT_PARALLEL_ABORT)
		MemoryContextDeleteChildren(retired_context);
}

static void
start_generation(void)
{
	HASHCTL		ctl = {0};

	if (types_context != NULL)
		MemoryContextSetParent(types_context, retired_context);
	types = NULL;
	types_context = AllocSetContextCreate(TopMemoryContext,
										  "pg_hashstash types",
										  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(TypeKey);
	ctl.entrysize = sizeof(TypeEntry);
	ctl.hcxt = types_context;
	types = hash_create("pg_hashstash types", 64, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	is_stale = false;
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_typeio_init(void)
{
	retired_context = AllocSetContextCreate(TopMemoryContext,
											"pg_hashstash retired types",
											ALLOCSET_START_SMALL_SIZES);
	is_stale = true;
	stash_catalog_listen_cache(TYPEOID, forget_types);
	stash_catalog_listen_cache(ENUMOID, forget_types);
	/* the name of a schema is part of descriptors */
	stash_catalog_listen_cache(NAMESPACEOID, forget_types);
	stash_catalog_listen_cache(CASTSOURCETARGET, forget_types);
	stash_catalog_listen_cache(PROCOID, forget_strategies);
	stash_catalog_listen_cache(AUTHOID, forget_strategies);
	stash_catalog_listen_cache(AUTHMEMROLEMEM, forget_strategies);
	stash_catalog_listen(forget_row_type);
	RegisterXactCallback(free_retired, NULL);
}

/*
 * A number that changes whenever a StashType may have become outdated.
 */
uint64
stash_type_generation(void)
{
	return generation;
}

/* ---- building ---- */

pg_noreturn static void
refuse_type(Oid oid)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("values of type %s can be neither hashed nor stored",
					format_type_be(oid))));
}

/* the image of a built-in type, or STASH_IMAGE_SEND where it has no own one */
static StashImage
builtin_image(Oid oid)
{
	switch (oid)
	{
		case BOOLOID:
		case CHAROID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case XIDOID:
		case CIDOID:
		case XID8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case MONEYOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case LSNOID:
		case UUIDOID:
		case MACADDROID:
		case MACADDR8OID:
			return STASH_IMAGE_FIXED;
		case BYTEAOID:
			return STASH_IMAGE_BYTES;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case UNKNOWNOID:
			/* xml_send() drops the declaration, xml_recv() asks a setting */
		case XMLOID:
			return STASH_IMAGE_TEXT;
		case NUMERICOID:
			return STASH_IMAGE_NUMERIC;
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGCOLLATIONOID:
#ifdef REGDATABASEOID
		case REGDATABASEOID:	/* from 19 on */
#endif
			/* their receive functions refuse empty ones */
		case INT2VECTOROID:
		case OIDVECTOROID:
			return STASH_IMAGE_OUTPUT;
		default:
			return STASH_IMAGE_SEND;
	}
}

/* A built-in type of STASH_IMAGE_SEND whose layout is known. */
typedef struct TypeLayout
{
	Oid			oid;
	StashLayout layout;
	int8		eights;			/* see StashType */
	bool		is_any_value;
} TypeLayout;

static const TypeLayout layouts[] = {
	{NAMEOID, STASH_LAYOUT_NAME},
	{JSONOID, STASH_LAYOUT_TEXT},
	{JSONBOID, STASH_LAYOUT_JSONB},
	{INETOID, STASH_LAYOUT_INET, 0, true},
	/* no bits behind the netmask */
	{CIDROID, STASH_LAYOUT_INET, 0, false},
	{INTERVALOID, STASH_LAYOUT_FIELDS, 1, true},
	/* a time zone has limits */
	{TIMETZOID, STASH_LAYOUT_FIELDS, 1, false},
	{POINTOID, STASH_LAYOUT_FIELDS, 2, true},
	{LSEGOID, STASH_LAYOUT_FIELDS, 4, true},
	/* a box has its upper right corner first; a line, a circle must be one */
	{BOXOID, STASH_LAYOUT_FIELDS, 4, false},
	{LINEOID, STASH_LAYOUT_FIELDS, 3, false},
	{CIRCLEOID, STASH_LAYOUT_FIELDS, 3, false},
};

/* true for a type of STASH_IMAGE_FIXED if every pattern of bits is a value */
static bool
is_any_fixed(Oid oid)
{
	switch (oid)
	{
		case BOOLOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return false;
		default:
			return true;
	}
}

static void
build_layout(StashType *type)
{
	for (int i = 0; i < lengthof(layouts); i++)
	{
		if (layouts[i].oid != type->oid)
			continue;
		type->layout = layouts[i].layout;
		type->eights = layouts[i].eights;
		type->is_any_value = layouts[i].is_any_value;
	}
}

/* true for types whose input functions refuse everything */
static bool
is_write_only(Oid oid)
{
	switch (oid)
	{
		case PG_NODE_TREEOID:
		case PG_NDISTINCTOID:
		case PG_DEPENDENCIESOID:
		case PG_MCV_LISTOID:
		case PG_BRIN_BLOOM_SUMMARYOID:
		case PG_BRIN_MINMAX_MULTI_SUMMARYOID:
			return true;
		default:
			return false;
	}
}

/* true for built-in types whose text form may lose something of a value */
static bool
has_lossy_text(Oid oid)
{
	switch (oid)
	{
			/* of a NaN not all bits are shown */
		case FLOAT4OID:
		case FLOAT8OID:
		case POINTOID:
		case LSEGOID:
		case PATHOID:
		case BOXOID:
		case POLYGONOID:
		case LINEOID:
		case CIRCLEOID:
			/* written by functions that are no mere inverse of their input */
		case INTERVALOID:
		case TSQUERYOID:
		case JSONPATHOID:
		case XMLOID:
			return true;
		default:
			return false;
	}
}

/* look up the I/O functions of a type that is written as a whole */
static void
build_base(StashType *type, Form_pg_type form)
{
	/* its text does not tell values apart, and no user can have one */
	if (type->oid == GTSVECTOROID)
		refuse_type(type->oid);
	if (form->typtype == TYPTYPE_ENUM)
		type->image = STASH_IMAGE_LABEL;
	else if (type->oid < FirstGenbkiObjectId)
		type->image = builtin_image(type->oid);
	else if (type->oid == stash_catalog_variant_type(true))
		type->image = STASH_IMAGE_FRAME;
	else
		type->image = STASH_IMAGE_SEND;

	if (type->image == STASH_IMAGE_SEND &&
		(!OidIsValid(form->typsend) || !OidIsValid(form->typreceive)))
		type->image = STASH_IMAGE_OUTPUT;
	if (type->image == STASH_IMAGE_SEND)
		build_layout(type);
	if (type->image == STASH_IMAGE_FIXED)
		type->is_any_value = is_any_fixed(type->oid);
	type->has_jsonb = type->layout == STASH_LAYOUT_JSONB;
	if (type->image == STASH_IMAGE_OUTPUT &&
		(!OidIsValid(form->typoutput) || !OidIsValid(form->typinput)))
		refuse_type(type->oid);

	/* the names of overloaded functions and operators need their arguments */
	if (type->oid == REGPROCOID)
		type->inner = stash_type_lookup(REGPROCEDUREOID, -1);
	else if (type->oid == REGOPEROID)
		type->inner = stash_type_lookup(REGOPERATOROID, -1);

	type->is_write_only = is_write_only(type->oid);
	type->always_reads = type->oid < FirstGenbkiObjectId &&
		!type->is_write_only &&
		(type->image != STASH_IMAGE_OUTPUT ||
		 type->oid == INT2VECTOROID || type->oid == OIDVECTOROID);
	type->has_oids = type->oid < FirstGenbkiObjectId && !type->always_reads &&
		type->image == STASH_IMAGE_OUTPUT;
	type->has_exact_text = type->always_reads && !has_lossy_text(type->oid);
	type->names_objects = type->image == STASH_IMAGE_OUTPUT ||
		type->oid >= FirstGenbkiObjectId;
}

/* what holds for a part holds for the whole */
static void
take_from_part(StashType *type, StashType *part)
{
	type->names_objects |= part->names_objects;
	type->has_oids |= part->has_oids;
	type->has_record |= part->has_record;
	type->has_jsonb |= part->has_jsonb;
	type->is_write_only |= part->is_write_only;
	type->always_reads &= part->always_reads;
	type->has_exact_text &= part->has_exact_text;
	type->is_domain_free &= part->is_domain_free;
	type->has_strategy |= part->has_strategy;
}

/*
 * How the bytes of a value in a tuple, or in an array, become its image.
 */
StashCopy
stash_type_copy(StashType *type)
{
	if (type->strategy != NULL)
		return STASH_COPY_DATUM;
	if (type->kind == STASH_KIND_DOMAIN)
		return stash_type_copy(type->inner);
#ifndef WORDS_BIGENDIAN
	if (type->kind == STASH_KIND_BASE && type->image == STASH_IMAGE_FIXED)
		return STASH_COPY_FIXED;
	if (type->kind == STASH_KIND_BASE && type->image == STASH_IMAGE_NUMERIC)
		return STASH_COPY_NUMERIC;
#endif
	if (type->kind == STASH_KIND_BASE && type->typlen == -1 &&
		(type->image == STASH_IMAGE_BYTES ||
		 ((type->image == STASH_IMAGE_TEXT || type->layout == STASH_LAYOUT_TEXT) &&
		  GetDatabaseEncoding() == PG_UTF8)))
		return STASH_COPY_VARLENA;
	return STASH_COPY_DATUM;
}

static void
build_column(StashTupleColumn *column, Form_pg_attribute att, StashType *type)
{
	column->copy = type == NULL ? STASH_COPY_NOTHING : stash_type_copy(type);
	column->len = att->attlen;
	column->align = (uint8) att_align_nominal(1, att->attalign);
	column->byval = att->attbyval;
	column->may_be_short = att->attstorage != TYPSTORAGE_PLAIN;
	/* a domain has conditions, json must be JSON */
	column->is_copied_back = column->copy != STASH_COPY_NOTHING &&
		column->copy != STASH_COPY_DATUM && type->kind == STASH_KIND_BASE &&
		type->image != STASH_IMAGE_SEND;
	column->is_blind = column->is_copied_back &&
		column->copy == STASH_COPY_FIXED && type->is_any_value;
	column->type = type;
}

/* what a server puts into the header of a tuple is its own affair */
static HeapTupleHeader
form_empty(TupleDesc desc)
{
	Datum	   *values = palloc0(sizeof(Datum) * (desc->natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (desc->natts + 1));

	memset(nulls, true, desc->natts);
	return heap_form_tuple(desc, values, nulls)->t_data;
}

static void
build_row(StashType *type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type->oid, type->typmod);
	MemoryContext old = MemoryContextSwitchTo(types_context);

	/* with constraints: they hold the values of columns added with a default */
	type->desc = CreateTupleDescCopyConstr(desc);
	type->fields = palloc(sizeof(StashField) * Max(desc->natts, 1));
	type->columns = palloc(sizeof(StashTupleColumn) * Max(desc->natts, 1));
	type->empty = form_empty(type->desc);
	MemoryContextSwitchTo(old);
	ReleaseTupleDesc(desc);

	for (int i = 0; i < type->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(type->desc, i);
		StashField *field = &type->fields[type->nfields];

		if (att->attisdropped)
		{
			build_column(&type->columns[i], att, NULL);
			continue;
		}
		field->attno = i + 1;
		field->name = NameStr(att->attname);
		field->type = stash_type_lookup(att->atttypid, -1);
		take_from_part(type, field->type);
		/* a modifier that has become narrower would cut what is read */
		if (type->oid != RECORDOID && att->atttypmod >= 0)
			type->has_exact_text = false;
		build_column(&type->columns[i], att, field->type);
		type->nfields++;
	}
}

static void
build_inner(StashType *type, Oid inner, int32 typmod)
{
	type->inner = stash_type_lookup(inner, typmod);
	take_from_part(type, type->inner);
}

/* decide what a type is made of, and build its parts first */
static void
build_kind(StashType *type, Form_pg_type form)
{
	if (type->oid == RECORDOID)
	{
		type->kind = type->typmod < 0 ? STASH_KIND_RECORD : STASH_KIND_ROW;
		type->has_record = type->kind == STASH_KIND_RECORD;
		/* what will be in it is not known */
		type->has_strategy = type->has_oids = type->has_record;
	}
	else if (form->typtype == TYPTYPE_COMPOSITE)
		type->kind = STASH_KIND_ROW;
	else if (form->typtype == TYPTYPE_DOMAIN)
		type->kind = STASH_KIND_DOMAIN;
	else if (form->typtype == TYPTYPE_RANGE)
		type->kind = STASH_KIND_RANGE;
	else if (form->typtype == TYPTYPE_MULTIRANGE)
		type->kind = STASH_KIND_MULTIRANGE;
	else if (OidIsValid(form->typelem) &&
			 (type->oid == RECORDARRAYOID ||
			  get_array_type(form->typelem) == type->oid))
		type->kind = STASH_KIND_ARRAY;
	/* literals without a type stand in rows: ROW(1, 'a') */
	else if (form->typtype == TYPTYPE_PSEUDO && type->oid != UNKNOWNOID)
		refuse_type(type->oid);

	/* domains have conditions, ranges of users have functions that may refuse */
	type->always_reads = type->kind != STASH_KIND_DOMAIN &&
		type->kind != STASH_KIND_RECORD &&
		(type->oid < FirstGenbkiObjectId || form->typtype != TYPTYPE_RANGE);
	type->has_exact_text = type->always_reads;
	type->is_domain_free = type->kind != STASH_KIND_DOMAIN;
	switch (type->kind)
	{
		case STASH_KIND_BASE:
			build_base(type, form);
			break;
		case STASH_KIND_ROW:
			build_row(type);
			break;
		case STASH_KIND_DOMAIN:
			build_inner(type, form->typbasetype, -1);
			break;
		case STASH_KIND_ARRAY:
			build_inner(type, form->typelem, type->typmod);
			break;
		case STASH_KIND_RANGE:
			type->range = lookup_type_cache(type->oid, TYPECACHE_RANGE_INFO);
			build_inner(type, type->range->rngelemtype->type_id, -1);
			break;
		case STASH_KIND_MULTIRANGE:
			type->range = lookup_type_cache(type->oid,
											TYPECACHE_MULTIRANGE_INFO);
			type->range = type->range->rngtype;
			build_inner(type, type->range->type_id, -1);
			break;
		case STASH_KIND_RECORD:
			break;
	}
}

/*
 * Look up the hash strategy of a type.  Those of built-in types mean nothing:
 * their hashes are the same everywhere.
 */
static void
build_strategy(StashType *type)
{
	Oid			digest = stash_catalog_digest_type();
	HeapTuple	tuple;

	if (type->oid < FirstGenbkiObjectId || !OidIsValid(digest))
		return;
	tuple = SearchSysCache2(CASTSOURCETARGET, ObjectIdGetDatum(type->oid),
							ObjectIdGetDatum(digest));
	if (!HeapTupleIsValid(tuple))
		return;
	type->strategy = MemoryContextAllocZero(types_context,
											sizeof(StashStrategy));
	type->strategy->function = ((Form_pg_cast) GETSTRUCT(tuple))->castfunc;
	type->strategy->hashvalue =
		GetSysCacheHashValue1(PROCOID,
							  ObjectIdGetDatum(type->strategy->function));
	type->has_strategy = true;
	ReleaseSysCache(tuple);
}

static void
build_functions(StashType *type, Form_pg_type form)
{
	fmgr_info_cxt(form->typoutput, &type->output, types_context);
	fmgr_info_cxt(form->typinput, &type->input, types_context);
	if (OidIsValid(form->typsend))
		fmgr_info_cxt(form->typsend, &type->send, types_context);
	if (OidIsValid(form->typreceive))
		fmgr_info_cxt(form->typreceive, &type->receive, types_context);
}

static StashType *
build_type(Oid oid, int32 typmod)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
	Form_pg_type form;
	StashType  *type;

	check_stack_depth();
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", oid);
	form = (Form_pg_type) GETSTRUCT(tuple);
	if (!form->typisdefined)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type %s is only a shell", format_type_be(oid))));

	type = MemoryContextAllocZero(types_context, sizeof(StashType));
	type->generation = generation;
	type->oid = oid;
	type->relid = form->typrelid;
	type->typmod = typmod;
	type->typlen = form->typlen;
	type->typbyval = form->typbyval;
	type->typalign = form->typalign;
	type->ioparam = getTypeIOParam(tuple);
	build_kind(type, form);
	build_functions(type, form);
	build_strategy(type);
	stash_type_describe(type, types_context);
	ReleaseSysCache(tuple);
	return type;
}

/* ---- look-up ---- */

/*
 * The StashType of a type.
 *
 * 'typmod' names the registered shape of an anonymous row (RECORDOID), or of
 * the elements of an array of such rows (RECORDARRAYOID), and is -1 else.
 * Throws 0A000 for pseudo-types and types without any conversion.
 */
StashType *
stash_type_lookup(Oid oid, int32 typmod)
{
	TypeKey		key = {oid, -1};
	TypeEntry  *entry;
	StashType  *type;

	if (oid == RECORDOID || oid == RECORDARRAYOID)
		key.typmod = typmod;
	if (unlikely(is_stale))
		start_generation();
	entry = hash_search(types, &key, HASH_FIND, NULL);
	if (likely(entry != NULL))
		return entry->type;

	type = build_type(key.oid, key.typmod);
	/* building reads catalogs, which may let in news: then it serves once */
	if (type->generation == generation)
	{
		entry = hash_search(types, &key, HASH_ENTER, NULL);
		entry->type = type;
	}
	return type;
}

/*
 * The StashType of a composite value's own row type.
 */
StashType *
stash_type_of_row(Datum row)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);

	return stash_type_lookup(HeapTupleHeaderGetTypeId(header),
							 HeapTupleHeaderGetTypMod(header));
}

/* true when rows of two registered shapes have columns of the same names and types */
static bool
is_same_shape(int32 a, int32 b)
{
	StashType  *one = stash_type_lookup(RECORDOID, a);
	StashType  *two = stash_type_lookup(RECORDOID, b);

	return one->frame_idlen == two->frame_idlen &&
		memcmp(one->frame_id, two->frame_id, one->frame_idlen) == 0;
}

/*
 * The typmod of a shape that all rows of an array of anonymous rows share, or
 * -1.  The server registers shapes that differ in type modifiers apart.
 */
static int32
common_shape(Datum array)
{
	ArrayIterator rows = array_create_iterator(DatumGetArrayTypeP(array), 0,
											   NULL);
	int32		shape = -1;
	Datum		row;
	bool		isnull;

	while (array_iterate(rows, &row, &isnull))
	{
		HeapTupleHeader header;
		int32		typmod;

		if (isnull)
			continue;
		header = DatumGetHeapTupleHeader(row);
		typmod = HeapTupleHeaderGetTypMod(header);
		if (HeapTupleHeaderGetTypeId(header) != RECORDOID ||
			(shape >= 0 && typmod != shape && !is_same_shape(shape, typmod)))
			return -1;
		if (shape < 0)
			shape = typmod;
	}
	array_free_iterator(rows);
	return shape;
}

/* the declared type of an argument declared "any", as the call tells it */
static Oid
declared_type(FunctionCallInfo fcinfo, int argno)
{
	Oid			oid = get_fn_expr_argtype(fcinfo->flinfo, argno);

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("could not determine the type of argument %d",
						argno + 1),
				 errhint("Add an explicit type cast.")));
	return oid;
}

/*
 * The type of an argument declared "any", with literals of unknown type taken
 * as text: *value is then replaced.
 *
 * Throws 42804 when the call does not tell the type.
 */
StashType *
stash_type_of_argument(FunctionCallInfo fcinfo, int argno, Datum *value)
{
	Oid			oid = declared_type(fcinfo, argno);

	if (oid == UNKNOWNOID)
	{
		if (!fcinfo->args[argno].isnull)
			*value = CStringGetTextDatum(DatumGetCString(*value));
		oid = TEXTOID;
	}
	else if (oid == RECORDOID && !fcinfo->args[argno].isnull)
		return stash_type_of_row(*value);
	else if (oid == RECORDARRAYOID && !fcinfo->args[argno].isnull)
		return stash_type_lookup(oid, common_shape(*value));
	return stash_type_lookup(oid, -1);
}

/* what the call site remembers of an argument, or NULL */
static StashType *
remembered_type(FunctionCallInfo fcinfo, int argno)
{
	TypeCall   *call = fcinfo->flinfo->fn_extra;

	return likely(call != NULL && call[argno].generation == generation) ?
		call[argno].type : NULL;
}

static void
remember_type(FunctionCallInfo fcinfo, int argno, StashType *type)
{
	TypeCall   *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
		call = fcinfo->flinfo->fn_extra =
			MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
								   sizeof(TypeCall) * PG_NARGS());
	call[argno].generation = type->generation;
	call[argno].type = type;
}

/*
 * The same, remembered in flinfo->fn_extra: for functions that are called
 * once a row and use fn_extra for nothing else.
 */
StashType *
stash_type_of_site_argument(FunctionCallInfo fcinfo, int argno, Datum *value)
{
	StashType  *type = remembered_type(fcinfo, argno);

	if (likely(type != NULL))
		return type;

	type = stash_type_of_argument(fcinfo, argno, value);
	if (get_fn_expr_argtype(fcinfo->flinfo, argno) == type->oid &&
		type->oid != RECORDOID && type->oid != RECORDARRAYOID)
		remember_type(fcinfo, argno, type);
	return type;
}

/*
 * The type of an argument whatever its value, as of a column: records have
 * no common shape, and literals of unknown type stay as they are, which is
 * written as text.  Remembered as above.
 */
StashType *
stash_type_of_column(FunctionCallInfo fcinfo, int argno)
{
	StashType  *type = remembered_type(fcinfo, argno);

	if (likely(type != NULL))
		return type;

	type = stash_type_lookup(declared_type(fcinfo, argno), -1);
	remember_type(fcinfo, argno, type);
	return type;
}

/*
 * The anonymous row type of all arguments from 'first' on, by their declared
 * types.  Remembered as above.
 */
StashType *
stash_type_of_columns(FunctionCallInfo fcinfo, int first)
{
	StashType  *type = remembered_type(fcinfo, first);
	TupleDesc	desc;

	if (likely(type != NULL))
		return type;

	desc = CreateTemplateTupleDesc(PG_NARGS() - first);
	for (int i = 0; i < desc->natts; i++)
		TupleDescInitEntry(desc, i + 1, NULL, declared_type(fcinfo, first + i),
						   -1, 0);
	TupleDescFinalize(desc);
	type = stash_type_of_desc(desc);
	remember_type(fcinfo, first, type);
	return type;
}

/*
 * The anonymous row type of the columns in a descriptor.
 */
StashType *
stash_type_of_desc(TupleDesc desc)
{
	TupleDesc	row = CreateTupleDescCopy(desc);

	row->tdtypeid = RECORDOID;
	row->tdtypmod = -1;
	return stash_type_lookup(RECORDOID, BlessTupleDesc(row)->tdtypmod);
}

/*
 * The type of an array whose elements are rows of type 'row'.
 */
StashType *
stash_type_of_rows(StashType *row)
{
	Oid			oid;

	Assert(row->kind == STASH_KIND_ROW);
	if (row->oid == RECORDOID)
		return stash_type_lookup(RECORDARRAYOID, row->typmod);
	oid = get_array_type(row->oid);
	if (!OidIsValid(oid))
		refuse_type(row->oid);
	return stash_type_lookup(oid, -1);
}

/*
 * Throw 0A000 for a type whose values could be written but never read.  Not
 * for memos: their calls go on, as if nothing had been kept.
 */
void
stash_type_check_readable(StashType *type)
{
	if (type->is_write_only)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("values of type %s cannot be stored",
						stash_type_to_text(type)),
				 errdetail("The server accepts no such values from outside."),
				 errhint("Store its text instead.")));
}
