/*-------------------------------------------------------------------------
 *
 * arrow_column.h
 *	  Columns of Arrow while rows are put into them, and as batches.
 *
 * A builder has the values of one column, of the elements of a list or of a
 * member of a struct, in the buffers that a batch will have.  arrow_datum.c
 * puts values into them.  doc/arrow.md says which type becomes what.
 *
 * All catalog look-ups are made when the columns are made.  They live in the
 * memory context that was current then.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_COLUMN_H
#define STASH_ARROW_COLUMN_H

#include "access/tupdesc.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

#include "arrow.h"
#include "arrow_file.h"
#include "arrow_value.h"

typedef struct StashArrowColumns StashArrowColumns;

typedef enum StashArrowKind
{
	STASH_ARROW_KIND_BOOL,
	STASH_ARROW_KIND_INT2,
	STASH_ARROW_KIND_INT4,		/* and float4, oid */
	STASH_ARROW_KIND_INT8,		/* and float8, time */
	STASH_ARROW_KIND_DATE,
	STASH_ARROW_KIND_TIMESTAMP,
	STASH_ARROW_KIND_INTERVAL,
	STASH_ARROW_KIND_UUID,
	STASH_ARROW_KIND_DECIMAL,
	STASH_ARROW_KIND_ENUM,
	STASH_ARROW_KIND_NUMERIC,	/* from here on with offsets */
	STASH_ARROW_KIND_TEXT,
	STASH_ARROW_KIND_NAME,
	STASH_ARROW_KIND_BYTEA,
	STASH_ARROW_KIND_JSONB,
	STASH_ARROW_KIND_OUTPUT,	/* anything else: its text */
	STASH_ARROW_KIND_LIST,
	STASH_ARROW_KIND_STRUCT		/* without */
} StashArrowKind;

#define STASH_ARROW_HAS_OFFSETS(kind)	((kind) >= STASH_ARROW_KIND_NUMERIC && (kind) <= STASH_ARROW_KIND_LIST)
#define STASH_ARROW_HAS_BYTES(kind)		((kind) >= STASH_ARROW_KIND_NUMERIC && (kind) <= STASH_ARROW_KIND_OUTPUT)

/* An enum's labels, sorted by their OIDs. */
typedef struct StashArrowLabel
{
	Oid			oid;
	int32		place;			/* in the order of the type */
	char	   *text;			/* UTF-8 */
} StashArrowLabel;

typedef struct StashArrowBuilder
{
	StashArrowKind kind;
	int			width;			/* bytes of a value or offset, 0: none */
	int			n;				/* values so far */
	int			cap;			/* that there is room for */
	int			nulls;
	uint8	   *validity;
	char	   *values;			/* or offsets: cap + 1 of them */
	StringInfoData bytes;		/* of texts */
	StashArrowColumns *columns; /* that this is a part of */
	Oid			typid;			/* never a domain */
	int16		typlen;
	bool		typbyval;
	char		typalign;
	int			scale;			/* STASH_ARROW_KIND_DECIMAL */
	int			bits;			/* that a value takes, without what varies */
	FmgrInfo	output;			/* STASH_ARROW_KIND_OUTPUT */
	StashArrowLabel *labels;	/* STASH_ARROW_KIND_ENUM */
	int			nlabels;
	TupleDesc	desc;			/* STASH_ARROW_KIND_STRUCT: our own copy */
	Datum	   *row;			/* STASH_ARROW_KIND_STRUCT: the row that is
								 * put */
	bool	   *row_isnull;
	StashArrowField *field;
	int			attno;			/* in the row, from 0 */
	int			nchildren;
	struct StashArrowBuilder *children;
} StashArrowBuilder;

struct StashArrowColumns
{
	MemoryContext context;		/* in which all of this lives */
	bool		is_utf8;		/* texts need no conversion */
	int			nrows;
	Size		varying;		/* bytes of texts and elements so far */
	Size		overhead;		/* bytes of a batch without values */
	int64		ndictionaries;
	int			nnodes;
	int			nbuffers;
	StashArrowBuilder root;		/* the row itself; it has no node */
	StashArrowField root_field;
};

extern StashArrowColumns *stash_arrow_make_columns(TupleDesc desc);
extern void stash_arrow_grow(StashArrowBuilder *builder);
extern int32 stash_arrow_find_label(const StashArrowBuilder *builder, Oid oid);
extern Size stash_arrow_size(const StashArrowColumns *columns);
extern void stash_arrow_remove_last_row(StashArrowColumns *columns);
extern void stash_arrow_clear(StashArrowColumns *columns);
extern void stash_arrow_write_schema(StashArrowColumns *columns,
									 StringInfo buf, int codec);
extern void stash_arrow_write_rows(StashArrowColumns *columns,
								   StringInfo buf, int codec);
extern void stash_arrow_write_footer(StashArrowColumns *columns,
									 StashArrowBlocks *blocks, StringInfo buf);

/* The i-th offset of a builder that has them. */
static inline int32
stash_arrow_builder_offset(const StashArrowBuilder *builder, int place)
{
	int32		offset;

	memcpy(&offset, builder->values + (Size) place * 4, 4);
	return stash_arrow_order32(offset);
}

#endif							/* STASH_ARROW_COLUMN_H */
