/*-------------------------------------------------------------------------
 *
 * typeio.h
 *	  What must be known of a type to turn its values into bytes and back.
 *
 * A StashType is built once for each type and kept for the session.  Pointers
 * to it stay valid to the end of the transaction, and are current as long as
 * stash_type_generation() does not change.
 *
 * Type descriptors (typeio_id.c).
 * A descriptor is a byte string.  All lengths and counts are varints; a name
 * is a length and that many bytes of UTF-8; a qualified name is the name of
 * the schema and the name of the type.
 *
 *		01 oid:2			built-in type, by its fixed OID, low byte first
 *		02 qname			base type
 *		03 qname			enum
 *		04 qname d			range over d
 *		05 qname d			multirange over the range d
 *		06 qname d			domain over d
 *		07 d				array of d
 *		08 qname n (name d)*n	row of n columns; two empty names: anonymous
 *		09					record: each value has a descriptor of its own
 *		0a qname			in hashes only: type with a hash strategy
 *
 * In hashes a domain is written as its base type and a row without its name,
 * unless it has a strategy.
 * A type below OID 10000 that is no array and no row is 01: the server never
 * gives such an OID another meaning.  Frozen, like the frames it stands in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_TYPEIO_H
#define STASH_TYPEIO_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "fmgr.h"
#include "sink.h"

/* What a type is made of. */
typedef enum StashKind
{
	STASH_KIND_BASE,
	STASH_KIND_RANGE,
	STASH_KIND_MULTIRANGE,
	STASH_KIND_DOMAIN,
	STASH_KIND_ARRAY,
	STASH_KIND_ROW,				/* named, or anonymous with a known shape */
	STASH_KIND_RECORD			/* each value has a shape of its own */
} StashKind;

/* How the bytes of a base type's value are had; frozen, see doc/image.md. */
typedef enum StashImage
{
	STASH_IMAGE_FIXED,			/* typlen bytes, numbers least byte first */
	STASH_IMAGE_BYTES,			/* what follows the length word */
	STASH_IMAGE_TEXT,			/* the same, as UTF-8 */
	STASH_IMAGE_NUMERIC,		/* the same, in its shortest header form */
	STASH_IMAGE_SEND,			/* the type's binary send function */
	STASH_IMAGE_FRAME,			/* stash.variant: its frame, uncompressed */
	STASH_IMAGE_LABEL,			/* an enum's label, as UTF-8 */
	STASH_IMAGE_OUTPUT			/* the type's text, under fixed settings */
} StashImage;

/*
 * How a value lies in memory whose image is what a send function gives, where
 * that is known: then neither that function nor its inverse need be called.
 */
typedef enum StashLayout
{
	STASH_LAYOUT_OTHER,			/* only the type's own functions know */
	STASH_LAYOUT_FIELDS,		/* numbers side by side, as in the image */
	STASH_LAYOUT_NAME,			/* NameData */
	STASH_LAYOUT_TEXT,			/* a varlena of text */
	STASH_LAYOUT_INET,			/* an address and its netmask */
	STASH_LAYOUT_JSONB			/* a tree; frames have it as it lies */
} StashLayout;

typedef struct StashType StashType;

/*
 * A user's own way to hash a type: the function of a cast from the type to
 * stash.digest.  All but the first two is filled in by hash_strategy.c when a
 * value is first hashed.
 */
typedef struct StashStrategy
{
	Oid			function;		/* 0: the cast has none, and cannot be used */
	uint32		hashvalue;		/* of the function, in invalidation messages */
	FmgrInfo	call;			/* fn_oid is 0 before the first use */
	Oid			collation;
	Oid			checked_role;	/* has EXECUTE */
	char	   *names;			/* of function and type, for error messages */
} StashStrategy;

/* A column of a row type; dropped ones are left out. */
typedef struct StashField
{
	int			attno;			/* from 1, in 'desc' of the row */
	const char *name;
	StashType  *type;
} StashField;

/* How the bytes of a column or an element become those of its image. */
typedef enum StashCopy
{
	STASH_COPY_NOTHING,			/* a dropped column */
	STASH_COPY_FIXED,			/* as they are */
	STASH_COPY_VARLENA,			/* with another length before them */
	STASH_COPY_NUMERIC,			/* likewise, unless in the long form */
	STASH_COPY_DATUM			/* by way of the value */
} StashCopy;

/* A column of a tuple as it lies in memory; dropped ones too. */
typedef struct StashTupleColumn
{
	StashCopy	copy;
	int16		len;			/* -1: varlena, -2: cstring */
	uint8		align;			/* 1, 2, 4 or 8 */
	bool		byval;
	bool		may_be_short;	/* a tuple keeps its varlenas with a length of
								 * one byte */
	bool		is_blind;		/* any bytes of that length are a value */
	bool		is_copied_back; /* 'copy' the other way, but for what is
								 * judged */
	StashType  *type;			/* NULL when dropped */
} StashTupleColumn;

struct StashType
{
	Oid			oid;
	uint64		generation;		/* stash_type_generation() when it was built */
	Oid			relid;			/* of a named row type */
	int32		typmod;			/* of an anonymous row's registered shape */
	Oid			ioparam;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	bool		names_objects;	/* text form depends on search_path */
	bool		has_oids;		/* some part's image has names of what are
								 * OIDs in memory, as of regclass, or may have */
	bool		has_record;		/* some part is STASH_KIND_RECORD */
	bool		has_jsonb;		/* some part is jsonb */
	bool		is_write_only;	/* some part has no input that takes values */
	bool		always_reads;	/* what was written can be read, come what may */
	bool		has_exact_text; /* the text tells all, and can be read back */
	bool		is_domain_free; /* no part is STASH_KIND_DOMAIN */
	bool		has_strategy;	/* it or some part has one, or may have */
	StashKind	kind;
	StashImage	image;			/* of STASH_KIND_BASE */
	StashLayout layout;			/* of STASH_IMAGE_SEND */
	int8		eights;			/* of STASH_LAYOUT_FIELDS: fields of 8 bytes;
								 * those of 4 stand behind them */
	bool		is_any_value;	/* of either, and of STASH_IMAGE_FIXED: all
								 * patterns of bits are values */
	StashType  *inner;			/* element, subtype, range or base type; of a
								 * base type: the one whose text is taken */
	struct TypeCacheEntry *range;	/* of STASH_KIND_RANGE and _MULTIRANGE */
	int			nfields;
	StashField *fields;
	TupleDesc	desc;			/* of STASH_KIND_ROW */
	StashTupleColumn *columns;	/* likewise, desc->natts of them */
	HeapTupleHeader empty;		/* likewise: a row of NULLs, by the server */
	StashStrategy *strategy;	/* how hashes see it; NULL: by its image */
	FmgrInfo	send;			/* fn_oid is 0 where the type has none */
	FmgrInfo	receive;
	FmgrInfo	output;
	FmgrInfo	input;
	uint8		order;			/* known to variant_order.c; 0: not yet */
	FmgrInfo   *to_json;		/* NULL: not needed yet */
	FmgrInfo   *to_jsonb;		/* likewise */
	const char *hash_id;		/* descriptor for hashes: no row, domain names */
	int			hash_idlen;
	char		hash_head[8];	/* the same and 1, what stands before a value */
	int			hash_headlen;	/* of it; 0: it does not fit */
	const char *frame_id;		/* descriptor for frames */
	int			frame_idlen;
};

/* What a domain is made of, however many stand above it; else the type itself. */
static inline StashType *
stash_type_without_domains(StashType *type)
{
	while (type->kind == STASH_KIND_DOMAIN)
		type = type->inner;
	return type;
}

/* Settings changed for a while; see stash_type_fix_settings(). */
typedef struct StashSettings
{
	int			nestlevel;		/* 0: nothing was changed */
} StashSettings;

extern void stash_typeio_init(void);
extern uint64 stash_type_generation(void);
extern StashType *stash_type_lookup(Oid oid, int32 typmod);
extern StashType *stash_type_of_row(Datum row);
extern StashType *stash_type_of_argument(FunctionCallInfo fcinfo, int argno,
										 Datum *value);
extern StashType *stash_type_of_site_argument(FunctionCallInfo fcinfo,
											  int argno, Datum *value);
extern StashType *stash_type_of_column(FunctionCallInfo fcinfo, int argno);
extern StashType *stash_type_of_columns(FunctionCallInfo fcinfo, int first);
extern StashType *stash_type_of_desc(TupleDesc desc);
extern StashType *stash_type_of_rows(StashType *row);
extern StashCopy stash_type_copy(StashType *type);
extern void stash_type_check_readable(StashType *type);

extern void stash_type_describe(StashType *type, MemoryContext context);
extern bool stash_type_has_descriptor(StashType *type, const char *id,
									  Size idlen);
extern StashType *stash_type_by_descriptor(const char *id, Size idlen,
										   bool missing_ok);
extern char *stash_type_to_text(StashType *type);
extern StashType *stash_type_by_text(const char **text);

extern bytea *stash_type_send(StashType *type, Datum value);
extern Datum stash_type_receive(StashType *type, const char *buf, int len);
extern char *stash_type_output(StashType *type, Datum value);
extern Datum stash_type_input(StashType *type, char *text);
extern Datum stash_type_to_json(StashType *type, Datum value);
extern Datum stash_type_to_jsonb(StashType *type, Datum value);
extern Datum stash_type_cast(StashType *type, Datum value, StashType *wanted);

extern void stash_type_fix_settings(StashSettings *saved, StashType *type,
									bool timezone_too);
extern void stash_type_restore_settings(StashSettings *saved);

#endif							/* STASH_TYPEIO_H */
