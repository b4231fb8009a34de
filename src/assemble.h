/*-------------------------------------------------------------------------
 *
 * assemble.h
 *	  Nested values as flat rows: parts of a value, columns, flat objects.
 *
 * Names.  A part of a nested value is called by the keys that lead to it,
 * joined with a dot: "etc.goes_to.heaven".  A key may hold dots itself.  Where
 * one name leads to two places, in {"a": {"b": 1}, "a.b": 2}, nothing is
 * chosen: it is an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ASSEMBLE_H
#define STASH_ASSEMBLE_H

#include "fmgr.h"
#include "compat.h"
#include "frame_datum.h"
#include "nodes/execnodes.h"
#include "store.h"
#include "tcop/dest.h"
#include "typeio.h"
#include "utils/jsonb.h"

/* What a part of a value was found to be; domains and json are seen through. */
typedef enum StashPartKind
{
	STASH_PART_NULL,			/* also JSON's null */
	STASH_PART_JSON,			/* 'json': a scalar, or jbvBinary */
	STASH_PART_ROW,				/* 'type', 'values', 'nulls' */
	STASH_PART_DATUM			/* 'type', 'value' */
} StashPartKind;

/* A value or a part of one; points into what it was taken from. */
typedef struct StashPart
{
	StashPartKind kind;
	JsonbValue	json;
	StashType  *type;
	Datum		value;			/* a row set's rows have none */
	Datum	   *values;			/* by attribute number - 1 of type->desc */
	bool	   *nulls;
} StashPart;

/* How values of one type become those of a column. */
typedef struct StashCast
{
	struct StashCast *next;
	Oid			source;
	ExprState  *state;			/* NULL: the same type, nothing to do */
} StashCast;

/* A column that the caller asked for. */
typedef struct StashColumn
{
	const char *name;
	int			namelen;
	Oid			type;
	int32		typmod;
	Oid			base;			/* of a domain; else 'type' itself */
	bool		is_variant;
	bool		is_direct;		/* no domain, no typmod */
	bool		has_parts;		/* array or row: made from JSON as a whole */
	StashCast  *casts;			/* by source type, as they were needed */
	StashType  *row;			/* the row type that the next two are for */
	StashField *field;			/* the one of this name; NULL: none */
	bool		is_ambiguous;	/* another one may lead to this name too */
	FmgrInfo   *populate;		/* jsonb_populate_record, and the row ... */
	Datum		populate_row;	/* ... of one column of our type it fills */
	ExprContext *econtext;
	MemoryContext context;		/* of all of the above */
} StashColumn;

/* What the elements of a value are taken from. */
typedef enum StashElementsKind
{
	STASH_ELEMENTS_NONE,		/* none is left */
	STASH_ELEMENTS_WHOLE,		/* the value is the only one */
	STASH_ELEMENTS_ROWS,		/* a row set */
	STASH_ELEMENTS_ARRAY,
	STASH_ELEMENTS_JSON			/* a JSON array */
} StashElementsKind;

/* An element whose array is being exploded; see assemble_explode.c. */
typedef struct StashExploded StashExploded;

/* The elements of a value, one after the other. */
typedef struct StashElements
{
	StashElementsKind kind;
	StashPart	whole;
	StashFrameRowsReader rows;
	StashType  *type;			/* of rows, or of the array's elements */
	Datum	   *values;			/* of the row that was read last */
	bool	   *nulls;
	struct ArrayIteratorData *array;
	JsonbIterator *json;
	const char *explode;		/* NULL: nothing */
	StashExploded *exploded;	/* NULL: none at the moment */
	MemoryContext context;		/* of the element that is exploded */
} StashElements;

/* What is assembled. */
typedef struct StashSource
{
	Oid			relid;			/* a stash */
	Oid			function;		/* whose results it has; 0: anything */
	char	   *prefix;			/* of the names of the keys' parts; NULL:
								 * these are no columns */
	char	   *explode;		/* the name of an array, or NULL */
} StashSource;

/* Columns of the query that reads a stash, from 0. */
enum
{
	STASH_SOURCE_KEY,
	STASH_SOURCE_VALUE,
	STASH_SOURCE_VERSION,
	STASH_SOURCE_CREATED_AT,
	STASH_SOURCE_KEY_HASH
};

/*
 * A stash being read.  The caller sets the first fields behind 'receiver'; what
 * it calls runs in memory that is reset after each entry, or element.
 */
typedef struct StashReading StashReading;
struct StashReading
{
	DestReceiver receiver;		/* must be first */
	void		(*entry) (StashReading *reading);	/* or NULL */
	void		(*element) (StashReading *reading, const StashPart *element);
	ExprContext *econtext;		/* its own memory is reset after each element */
	const char *column;			/* the column being made, for errors; or NULL */
	const StashSource *source;
	const char *stash;			/* its name, for errors */
	Datum	   *values;			/* of the entry being read; NULL: none */
	bool	   *nulls;
	StashPart	key;			/* looked into, where source->prefix is set */
	ErrorContextCallback *caller;	/* error context outside the query */
	MemoryContext entry_context;	/* reset after each entry */
};

/* A column that was found; see assemble_infer.c. */
typedef struct StashFound
{
	const char *name;
	bool		is_key;			/* a part of keys; the name has the prefix */
	Oid			type;
	bool		is_unknown;		/* no value tells a type; 'type' takes all */
	int64		nulls;			/* elements in which it is NULL or not there */
	int			nsamples;
	char	  **samples;
} StashFound;

/* assemble.c */
extern int	stash_assemble_entry_column(const char *name);
pg_noreturn extern void stash_assemble_refuse_key_name(const char *name);

/* assemble_read.c */
extern void stash_assemble_read_source(StashSource *source,
									   FunctionCallInfo fcinfo, int stash,
									   int function);
extern char *stash_assemble_from(const StashSource *source,
								 const StashStore *store,
								 const char *condition);
extern void stash_assemble_read(StashReading *reading,
								const StashSource *source);

/* assemble_infer.c */
extern List *stash_assemble_infer(const StashSource *source, int depth,
								  int64 *nelements, Oid *key_type);
extern Oid	stash_assemble_widen(Oid type, const StashFound *found);
extern int	stash_assemble_depth(FunctionCallInfo fcinfo, int argno);

/* assemble_time.c */
extern Oid	stash_assemble_time_type(const char *text, int len);

/* assemble_flatten.c */
extern Jsonb *stash_assemble_flatten(JsonbValue *object, const char *separator,
									 int separatorlen, JsonbValue *more,
									 const char *prefix);
extern Jsonb *stash_assemble_wrap(JsonbValue *value);

/* assemble_elements.c */
extern void stash_assemble_begin(StashElements *elements, Datum variant,
								 bool isnull, const char *explode);
extern bool stash_assemble_next(StashElements *elements, StashPart *part);

/* assemble_explode.c */
extern StashExploded *stash_assemble_explode(const StashPart *element,
											 const char *name);
extern bool stash_assemble_explode_next(StashExploded *exploded,
										StashPart *part);

/* assemble_column.c */
extern int	stash_assemble_find_json(JsonbContainer *object, const char *name,
									 int len, JsonbValue *value, List **keys);
extern void stash_assemble_open_jsonb(StashPart *part, Jsonb *jsonb);
extern void stash_assemble_to_json(const StashPart *part, JsonbValue *json);
extern bool stash_assemble_has_names(const StashPart *part);
extern bool stash_assemble_is_integer(Numeric number, int64 *value);
pg_noreturn extern void stash_assemble_refuse_name(const char *name);
extern void stash_assemble_open(StashPart *part, StashType *type, Datum value,
								bool isnull);
extern void stash_assemble_open_json(StashPart *part, const JsonbValue *json);
extern void stash_assemble_init_column(StashColumn *column, const char *name,
									   Oid type, int32 typmod,
									   ExprContext *econtext);
extern bool stash_assemble_has(StashColumn *column, const StashPart *value);
extern Datum stash_assemble_get(StashColumn *column, const StashPart *value,
								bool *isnull);
extern Datum stash_assemble_convert(StashColumn *column, const StashPart *part,
									bool *isnull);

#endif							/* STASH_ASSEMBLE_H */
