/*-------------------------------------------------------------------------
 *
 * json_read.h
 *	  A JSON object, read member by member, and an array, without a tree.
 *
 * The grammar is RFC 8259's.  What stands in nested values is checked, too, and
 * returned as it stands.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_JSON_READ_H
#define STASH_JSON_READ_H

#define STASH_JSON_MAX_DEPTH	1000	/* of nested values */

typedef enum StashJsonKind
{
	STASH_JSON_NULL,
	STASH_JSON_FALSE,
	STASH_JSON_TRUE,
	STASH_JSON_NUMBER,
	STASH_JSON_STRING,
	STASH_JSON_OBJECT,
	STASH_JSON_ARRAY
} StashJsonKind;

/* A piece of the text that is read; of a string what is between the quotes. */
typedef struct StashJsonPiece
{
	const char *data;
	Size		len;
	bool		is_escaped;		/* see stash_json_unescape() */
} StashJsonPiece;

typedef struct StashJsonMember
{
	StashJsonPiece key;
	StashJsonKind kind;
	StashJsonPiece value;
} StashJsonMember;

typedef struct StashJsonReader
{
	const char *at;				/* after an error: where */
	const char *end;
	const char *error;			/* NULL: none */
	bool		has_member;		/* one was read */
} StashJsonReader;

extern bool stash_json_open(StashJsonReader *reader, const char *data,
							Size len);
extern bool stash_json_next(StashJsonReader *reader, StashJsonMember *member);
extern void stash_json_open_array(StashJsonReader *reader,
								  const StashJsonPiece *array);
extern bool stash_json_next_element(StashJsonReader *reader,
									StashJsonKind *kind,
									StashJsonPiece *value);
extern bool stash_json_unescape(const StashJsonPiece *piece, char *to,
								Size *len);

#endif							/* STASH_JSON_READ_H */
