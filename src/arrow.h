/*-------------------------------------------------------------------------
 *
 * arrow.h
 *	  Arrow's columns in memory and its IPC streams, as bytes.
 *
 * A stream is messages, each
 *
 *		FF FF FF FF | u32 bytes of metadata | metadata, a flatbuffer | body
 *
 * all at multiples of 8: a schema, then for each field with a dictionary one
 * with its values, then batches of rows, then an end mark: a message of no
 * metadata.  A batch has one node (number of values, of nulls) for each field,
 * children after their parents, and for each node its buffers in the body:
 *
 *		null                   none
 *		bool, fixed widths     validity, values
 *		utf8, binary           validity, offsets, bytes
 *		list, map              validity, offsets; the child has the elements
 *		fixed size list        validity
 *		struct                 validity
 *		utf8 and binary view   validity, views, blocks as the batch says
 *
 * A file is "ARROW1", two zero bytes, a stream, a footer with the schema and
 * the place of each message, u32 bytes of the footer, and "ARROW1".
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_H
#define STASH_ARROW_H

#include "lib/stringinfo.h"

#define STASH_ARROW_MAGIC		"ARROW1"
#define STASH_ARROW_MAGIC_SIZE	6
#define STASH_ARROW_FILE_START	8	/* the magic, padded */
#define STASH_ARROW_BLOCK_SIZE	24	/* in a footer: i64 offset, i32 metadata,
									 * i64 body */
#define STASH_ARROW_VERSION		4	/* V5 of the metadata */
/* what a message is */
#define STASH_ARROW_HEADER_SCHEMA		1
#define STASH_ARROW_HEADER_DICTIONARY	2
#define STASH_ARROW_HEADER_BATCH		3

/* Types, by their numbers in the format. */
typedef enum StashArrowType
{
	STASH_ARROW_NULL = 1,
	STASH_ARROW_INT = 2,
	STASH_ARROW_FLOAT = 3,
	STASH_ARROW_BINARY = 4,
	STASH_ARROW_UTF8 = 5,
	STASH_ARROW_BOOL = 6,
	STASH_ARROW_DECIMAL = 7,
	STASH_ARROW_DATE = 8,
	STASH_ARROW_TIME = 9,
	STASH_ARROW_TIMESTAMP = 10,
	STASH_ARROW_INTERVAL = 11,
	STASH_ARROW_LIST = 12,
	STASH_ARROW_STRUCT = 13,
	STASH_ARROW_UNION = 14,		/* not read */
	STASH_ARROW_FIXED_BINARY = 15,
	STASH_ARROW_FIXED_LIST = 16,
	STASH_ARROW_MAP = 17,
	STASH_ARROW_DURATION = 18,
	STASH_ARROW_LARGE_BINARY = 19,
	STASH_ARROW_LARGE_UTF8 = 20,
	STASH_ARROW_LARGE_LIST = 21,
	STASH_ARROW_RUN_ENDS = 22,	/* not read */
	STASH_ARROW_BINARY_VIEW = 23,
	STASH_ARROW_UTF8_VIEW = 24
} StashArrowType;

/* of times, timestamps and durations */
#define STASH_ARROW_SECOND		0
#define STASH_ARROW_MILLISECOND	1
#define STASH_ARROW_MICROSECOND	2
#define STASH_ARROW_NANOSECOND	3
/* of dates */
#define STASH_ARROW_DAY			0
/* of intervals */
#define STASH_ARROW_YEAR_MONTH	0
#define STASH_ARROW_DAY_TIME	1
#define STASH_ARROW_MONTH_DAY_NANO 2
/* of floats */
#define STASH_ARROW_HALF		0
#define STASH_ARROW_SINGLE		1
#define STASH_ARROW_DOUBLE		2

typedef struct StashArrowField StashArrowField;

struct StashArrowField
{
	const char *name;			/* UTF-8 */
	StashArrowType type;		/* with a dictionary: of its values */
	int			unit;			/* of dates, times, intervals, floats */
	int			width;			/* of integers, decimals and times in bits,
								 * fixed binary in bytes, list in elements */
	bool		is_signed;		/* of integers */
	int			precision;		/* of decimals */
	int			scale;
	const char *zone;			/* of timestamps; NULL: none */
	const char *extension;		/* its name, or NULL */
	bool		has_dictionary;
	bool		is_ordered;		/* the dictionary */
	int			index_width;	/* bits of an index into it */
	bool		index_signed;
	int64		dictionary;		/* its number */
	int			nchildren;
	StashArrowField *children;
};

typedef struct StashArrowNode
{
	int64		length;
	int64		nulls;
} StashArrowNode;

typedef struct StashArrowBuffer
{
	const char *data;			/* may be NULL where 'len' is 0 */
	int			len;
} StashArrowBuffer;

/* What is written as one message. */
typedef struct StashArrowBatch
{
	bool		is_dictionary;
	int64		dictionary;		/* its number, if so */
	int64		nrows;
	int			codec;			/* STASH_CODEC_* */
	int			nnodes;
	const StashArrowNode *nodes;
	int			nbuffers;
	const StashArrowBuffer *buffers;
} StashArrowBatch;

extern void stash_arrow_put_schema(StringInfo buf, int nfields,
								   const StashArrowField *fields);
extern void stash_arrow_put_schema_table(StringInfo buf, int ref, int nfields,
										 const StashArrowField *fields);
extern void stash_arrow_put_batch(StringInfo buf,
								  const StashArrowBatch *batch);
extern void stash_arrow_put_end(StringInfo buf);

#endif							/* STASH_ARROW_H */
