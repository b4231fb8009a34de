/*-------------------------------------------------------------------------
 *
 * json_read.c
 *	  A JSON object, read member by member, and an array, without a tree.
 *
 * Bytes only: nothing is allocated, nothing thrown.  Whether they are UTF-8 is
 * the caller's to know.
 *
 *-------------------------------------------------------------------------
 */
#include "c.h"

#include "json_read.h"

#define EIGHT(byte)		(UINT64CONST(0x0101010101010101) * (byte))

static bool
fail(StashJsonReader *reader, const char *error)
{
	reader->error = error;
	return false;
}

static void
skip_blanks(StashJsonReader *reader)
{
	while (reader->at < reader->end &&
		   (*reader->at == ' ' || *reader->at == '\t' ||
			*reader->at == '\n' || *reader->at == '\r'))
		reader->at++;
}

/* step over a character that must stand here */
static bool
take(StashJsonReader *reader, char wanted, const char *error)
{
	if (reader->at == reader->end || *reader->at != wanted)
		return fail(reader, error);
	reader->at++;
	return true;
}

/* ---- strings ---- */

/* bytes that end a run of plain ones: quote, backslash, control characters */
static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* whether eight bytes are all plain; of others it may say no, too */
static bool
are_plain(const char *data)
{
	uint64		word;
	uint64		quote;
	uint64		slash;

	memcpy(&word, data, sizeof(word));
	quote = word ^ EIGHT('"');
	slash = word ^ EIGHT('\\');
	return ((((word - EIGHT(0x20)) & ~word) |
			 ((quote - EIGHT(1)) & ~quote) |
			 ((slash - EIGHT(1)) & ~slash)) & EIGHT(0x80)) == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* step over what stands behind a backslash */
static bool
skip_escape(StashJsonReader *reader)
{
	if (reader->at == reader->end)
		return fail(reader, "string does not end");
	if (*reader->at != 'u')
	{
		if (*reader->at == '\0' || strchr("\"\\/bfnrt", *reader->at) == NULL)
			return fail(reader, "unknown escape in a string");
		reader->at++;
		return true;
	}
	reader->at++;
	for (int i = 0; i < 4; i++, reader->at++)
	{
		if (reader->at == reader->end || hex_digit(*reader->at) < 0)
			return fail(reader, "\\u needs four hexadecimal digits");
	}
	return true;
}

static bool
read_string(StashJsonReader *reader, StashJsonPiece *piece)
{
	reader->at++;
	piece->data = reader->at;
	piece->is_escaped = false;
	for (;;)
	{
		while (reader->end - reader->at >= 8 && are_plain(reader->at))
			reader->at += 8;
		while (reader->at < reader->end && is_plain(*reader->at))
			reader->at++;
		if (reader->at == reader->end)
			return fail(reader, "string does not end");
		if (*reader->at == '"')
			break;
		if (*reader->at != '\\')
			return fail(reader, "control character in a string");
		reader->at++;
		piece->is_escaped = true;
		if (!skip_escape(reader))
			return false;
	}
	piece->len = reader->at - piece->data;
	reader->at++;
	return true;
}

static uint32
four_digits(const char *data)
{
	return hex_digit(data[0]) << 12 | hex_digit(data[1]) << 8 |
		hex_digit(data[2]) << 4 | hex_digit(data[3]);
}

static char *
put_utf8(char *to, uint32 c)
{
	if (c < 0x80)
		*to++ = c;
	else if (c < 0x800)
	{
		*to++ = 0xC0 | c >> 6;
		*to++ = 0x80 | (c & 0x3F);
	}
	else if (c < 0x10000)
	{
		*to++ = 0xE0 | c >> 12;
		*to++ = 0x80 | (c >> 6 & 0x3F);
		*to++ = 0x80 | (c & 0x3F);
	}
	else
	{
		*to++ = 0xF0 | c >> 18;
		*to++ = 0x80 | (c >> 12 & 0x3F);
		*to++ = 0x80 | (c >> 6 & 0x3F);
		*to++ = 0x80 | (c & 0x3F);
	}
	return to;
}

/*
 * Write what a string that was read stands for, in UTF-8: never more bytes than
 * it has.  False where it is no text: NUL, half of a surrogate pair.
 */
bool
stash_json_unescape(const StashJsonPiece *piece, char *to, Size *len)
{
	const char *at = piece->data;
	const char *end = at + piece->len;
	char	   *begin = to;

	while (at < end)
	{
		static const char names[] = "bfnrt";
		static const char values[] = "\b\f\n\r\t";
		const char *name;
		uint32		c;

		if (*at != '\\')
		{
			*to++ = *at++;
			continue;
		}
		at += 2;
		if (at[-1] != 'u')
		{
			name = strchr(names, at[-1]);
			*to++ = name != NULL ? values[name - names] : at[-1];
			continue;
		}
		c = four_digits(at);
		at += 4;
		if (c >= 0xD800 && c < 0xDC00 && end - at >= 6 && at[0] == '\\' &&
			at[1] == 'u')
		{
			uint32		low = four_digits(at + 2);

			if (low < 0xDC00 || low > 0xDFFF)
				return false;
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
			at += 6;
		}
		else if (c == 0 || (c >= 0xD800 && c < 0xE000))
			return false;
		to = put_utf8(to, c);
	}
	*len = to - begin;
	return true;
}

/* ---- values ---- */

/* step over digits, of which there must be one */
static bool
skip_digits(StashJsonReader *reader)
{
	const char *begin = reader->at;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return reader->at > begin || fail(reader, "digit expected in a number");
}

static bool
skip_number(StashJsonReader *reader)
{
	if (*reader->at == '-')
		reader->at++;
	if (reader->at < reader->end && *reader->at == '0')
		reader->at++;
	else if (!skip_digits(reader))
		return false;
	if (reader->at < reader->end && *reader->at == '.')
	{
		reader->at++;
		if (!skip_digits(reader))
			return false;
	}
	if (reader->at < reader->end && (*reader->at == 'e' || *reader->at == 'E'))
	{
		reader->at++;
		if (reader->at < reader->end &&
			(*reader->at == '+' || *reader->at == '-'))
			reader->at++;
		return skip_digits(reader);
	}
	return true;
}

static bool
skip_word(StashJsonReader *reader, const char *word)
{
	Size		len = strlen(word);

	if (reader->end - reader->at < len || memcmp(reader->at, word, len) != 0)
		return fail(reader, "value expected");
	reader->at += len;
	return true;
}

static bool read_value(StashJsonReader *reader, StashJsonKind *kind,
					   StashJsonPiece *piece, int depth);

/* key and colon */
static bool
read_key(StashJsonReader *reader, StashJsonPiece *key)
{
	skip_blanks(reader);
	if (reader->at == reader->end || *reader->at != '"')
		return fail(reader, "key expected");
	if (!read_string(reader, key))
		return false;
	skip_blanks(reader);
	return take(reader, ':', "\":\" expected after a key");
}

/* step over an object or an array, to its end */
static bool
skip_nested(StashJsonReader *reader, int depth)
{
	bool		is_object = *reader->at++ == '{';
	char		end = is_object ? '}' : ']';
	StashJsonPiece piece;
	StashJsonKind kind;

	if (depth > STASH_JSON_MAX_DEPTH)
		return fail(reader, "nested too deeply");
	skip_blanks(reader);
	if (reader->at < reader->end && *reader->at == end)
	{
		reader->at++;
		return true;
	}
	for (;;)
	{
		if (is_object && !read_key(reader, &piece))
			return false;
		if (!read_value(reader, &kind, &piece, depth))
			return false;
		skip_blanks(reader);
		if (reader->at < reader->end && *reader->at == end)
		{
			reader->at++;
			return true;
		}
		if (!take(reader, ',', is_object ? "\",\" or \"}\" expected" :
				  "\",\" or \"]\" expected"))
			return false;
	}
}

static bool
read_value(StashJsonReader *reader, StashJsonKind *kind, StashJsonPiece *piece,
		   int depth)
{
	bool		is_good;

	skip_blanks(reader);
	if (reader->at == reader->end)
		return fail(reader, "value expected");
	piece->data = reader->at;
	piece->is_escaped = false;
	switch (*reader->at)
	{
		case '"':
			*kind = STASH_JSON_STRING;
			return read_string(reader, piece);
		case '{':
			*kind = STASH_JSON_OBJECT;
			is_good = skip_nested(reader, depth + 1);
			break;
		case '[':
			*kind = STASH_JSON_ARRAY;
			is_good = skip_nested(reader, depth + 1);
			break;
		case 'n':
			*kind = STASH_JSON_NULL;
			is_good = skip_word(reader, "null");
			break;
		case 't':
			*kind = STASH_JSON_TRUE;
			is_good = skip_word(reader, "true");
			break;
		case 'f':
			*kind = STASH_JSON_FALSE;
			is_good = skip_word(reader, "false");
			break;
		default:
			*kind = STASH_JSON_NUMBER;
			if (*reader->at != '-' && (*reader->at < '0' || *reader->at > '9'))
				return fail(reader, "value expected");
			is_good = skip_number(reader);
	}
	piece->len = reader->at - piece->data;
	return is_good;
}

/* ---- the object ---- */

/*
 * Begin to read a text, which must be one object.  False on an error.
 */
bool
stash_json_open(StashJsonReader *reader, const char *data, Size len)
{
	reader->at = data;
	reader->end = data + len;
	reader->error = NULL;
	reader->has_member = false;
	skip_blanks(reader);
	return take(reader, '{', "object expected");
}

/*
 * Read the next member.  False at the end, when nothing but blanks follows, and
 * on an error.
 */
bool
stash_json_next(StashJsonReader *reader, StashJsonMember *member)
{
	skip_blanks(reader);
	if (reader->at < reader->end && *reader->at == '}')
	{
		reader->at++;
		skip_blanks(reader);
		if (reader->at < reader->end)
			return fail(reader, "nothing expected after the object");
		return false;
	}
	if (reader->has_member && !take(reader, ',', "\",\" or \"}\" expected"))
		return false;
	reader->has_member = true;
	return read_key(reader, &member->key) &&
		read_value(reader, &member->kind, &member->value, 1);
}

/* ---- an array ---- */

/*
 * Begin to read an array that was the value of a member.
 */
void
stash_json_open_array(StashJsonReader *reader, const StashJsonPiece *array)
{
	reader->at = array->data + 1;
	reader->end = array->data + array->len;
	reader->error = NULL;
	reader->has_member = false;
}

/*
 * Read the next element.  False at the end, and on an error, which none has
 * that was such a value.
 */
bool
stash_json_next_element(StashJsonReader *reader, StashJsonKind *kind,
						StashJsonPiece *value)
{
	skip_blanks(reader);
	if (reader->at < reader->end && *reader->at == ']')
		return false;
	if (reader->has_member && !take(reader, ',', "\",\" or \"]\" expected"))
		return false;
	reader->has_member = true;
	return read_value(reader, kind, value, 1);
}
