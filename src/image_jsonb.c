/*-------------------------------------------------------------------------
 *
 * image_jsonb.c
 *	  jsonb in frames: the tree as the server keeps it.
 *
 * Hashes have the text of a jsonb.  Frames have its tree, so that to write it
 * is to copy it, and to read it is to check and copy it; doc/image.md has the
 * layout, which servers of all versions share (utils/jsonb.h).
 *
 *		+--------+---------+-----+-----------+--------------------+
 *		| header | entry 0 | ... | entry n-1 | contents 0 to n-1  |
 *		+--------+---------+-----+-----------+--------------------+
 *
 * The tree has numbers in the order of this processor and text in the
 * encoding of this database.  So only little-endian servers write it, of text
 * in UTF-8; others write the text, as all may read both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "content.h"
#include "image.h"
#include "sink.h"
#include "typeio.h"

#define TREE_FORM		0x02	/* first byte; what jsonb_send() gives has 01 */

/* part of the format, whatever the server may do one day */
StaticAssertDecl(JB_OFFSET_STRIDE == 32, "frames have an offset in every 32nd entry");

/* A container that is being checked. */
typedef struct Container
{
	StashType  *type;			/* for messages */
	const char *contents;		/* behind the entries */
	Size		end;			/* of the contents looked at so far */
	Size		strings;		/* begin of those that lie behind each other
								 * and were not checked yet, up to 'end' */
	Size		key;			/* the key before, in 'contents' */
	Size		keylen;
} Container;

/* ---- writing ---- */

/* true where the tree in memory is that of the format */
static bool
keeps_trees(void)
{
#ifdef WORDS_BIGENDIAN
	return false;
#else
	return GetDatabaseEncoding() == PG_UTF8;
#endif
}

/*
 * Write the tree of a jsonb; false where this server keeps it in another way.
 */
bool
stash_image_write_jsonb(StashImageWriter *writer, Datum value)
{
	StashContent content;

	if (!keeps_trees())
		return false;
	stash_content_open(&content, value);
	stash_sink_put_varint(writer->sink, content.len + 1);
	stash_sink_put_u8(writer->sink, TREE_FORM);
	stash_image_put_content(writer, &content, 0, content.len);
	stash_content_close(&content);
	return true;
}

/* ---- checking ---- */

static uint32
get_u32(const char *at)
{
	const unsigned char *byte = (const unsigned char *) at;

	return (uint32) byte[0] | (uint32) byte[1] << 8 |
		(uint32) byte[2] << 16 | (uint32) byte[3] << 24;
}

/*
 * Strings that lie side by side are checked at once: each begins where a
 * character does, so the whole is UTF-8 when they are.
 */
static void
check_strings(Container *in)
{
	int			len = (int) (in->end - in->strings);

	if (len > 0 &&
		pg_encoding_verifymbstr(PG_UTF8, in->contents + in->strings, len) != len)
		stash_image_refuse(in->type);
}

static void
add_string(Container *in, Size len)
{
	if (len > 0 && ((unsigned char) in->contents[in->end] & 0xC0) == 0x80)
		stash_image_refuse(in->type);
	in->end += len;
}

/* true where the key of 'len' bytes at in->end comes after the one before */
static inline bool
is_next_key(Container *in, Size len)
{
	const unsigned char *one = (const unsigned char *) in->contents + in->key;
	const unsigned char *two = (const unsigned char *) in->contents + in->end;

	/* by their length, then by their bytes */
	if (len != in->keylen)
		return len > in->keylen;
	/* two empty ones are equal; a call costs more than most comparisons */
	if (len > 0 && *one != *two)
		return *one < *two;
	return memcmp(one, two, len) < 0;
}

static void
check_key(Container *in, uint32 entry, Size len, bool is_first)
{
	if ((entry & JENTRY_TYPEMASK) != JENTRY_ISSTRING ||
		(!is_first && !is_next_key(in, len)))
		stash_image_refuse(in->type);
	in->key = in->end;
	in->keylen = len;
}

/* zeros stand before what must be aligned; returns their number */
static Size
check_padding(Container *in, Size len)
{
	Size		padding = INTALIGN(in->end) - in->end;

	/* a numeric has a length and more, a container a header */
	if (len < padding + sizeof(uint32))
		stash_image_refuse(in->type);
	for (Size i = 0; i < padding; i++)
	{
		if (in->contents[in->end + i] != '\0')
			stash_image_refuse(in->type);
	}
	return padding;
}

/* false for a number that the server writes in another way */
static bool
check_number(StashType *type, const char *data, Size len)
{
	/* the length word of a varlena; JSON has neither NaN nor infinity */
	if (get_u32(data) != len << 2 || len < VARHDRSZ + 2 ||
		((unsigned char) data[VARHDRSZ + 1] & 0xC0) == 0xC0)
		stash_image_refuse(type);
	return stash_image_check_numeric(type, data + VARHDRSZ, len - VARHDRSZ);
}

static bool check_container(StashType *type, const char *data, Size len,
							bool is_root);

/* check what an entry says of the 'len' bytes behind in->end, and step over them */
static bool
check_child(Container *in, uint32 entry, Size len, bool is_scalar)
{
	bool		is_canonical = true;
	Size		padding;

	if ((entry & JENTRY_TYPEMASK) == JENTRY_ISSTRING)
	{
		add_string(in, len);
		return true;
	}
	switch (entry & JENTRY_TYPEMASK)
	{
		case JENTRY_ISNULL:
		case JENTRY_ISBOOL_TRUE:
		case JENTRY_ISBOOL_FALSE:
			if (len != 0)
				stash_image_refuse(in->type);
			return true;
		case JENTRY_ISNUMERIC:
			check_strings(in);
			padding = check_padding(in, len);
			is_canonical = check_number(in->type,
										in->contents + in->end + padding,
										len - padding);
			break;
		case JENTRY_ISCONTAINER:
			check_strings(in);
			padding = check_padding(in, len);
			if (is_scalar)
				stash_image_refuse(in->type);
			is_canonical = check_container(in->type,
										   in->contents + in->end + padding,
										   len - padding, false);
			break;
		default:
			stash_image_refuse(in->type);
	}
	in->end += len;
	in->strings = in->end;
	return is_canonical;
}

/*
 * Check an object or array of 'len' bytes, which the caller has found to be 4
 * at least.  False for one that could be a value of the server, but that it
 * would write in another way.
 */
static bool
check_container(StashType *type, const char *data, Size len, bool is_root)
{
	Container	in = {type};
	uint32		header = get_u32(data);
	uint32		flags = header & ~JB_CMASK;
	uint32		nkeys = flags == JB_FOBJECT ? header & JB_CMASK : 0;
	uint32		nentries = (header & JB_CMASK) + nkeys;
	bool		is_scalar = flags == (JB_FARRAY | JB_FSCALAR);
	bool		is_canonical = true;
	Size		room;

	check_stack_depth();
	if (flags != JB_FOBJECT && flags != JB_FARRAY &&
		!(is_scalar && is_root && nentries == 1))
		stash_image_refuse(type);
	if (nentries > (len - sizeof(uint32)) / sizeof(JEntry))
		stash_image_refuse(type);
	in.contents = data + sizeof(uint32) + nentries * sizeof(JEntry);
	room = data + len - in.contents;

	for (uint32 i = 0; i < nentries; i++)
	{
		uint32		entry = get_u32(data + sizeof(uint32) + i * sizeof(JEntry));
		bool		has_end = JBE_HAS_OFF(entry);
		Size		childlen = JBE_OFFLENFLD(entry);

		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (has_end != (i % JB_OFFSET_STRIDE == 0))
			stash_image_refuse(type);
		/* an end that lies before the last one gives a length too large */
		if (has_end)
			childlen -= in.end;
		if (childlen > room - in.end)
			stash_image_refuse(type);
		if (i < nkeys)
			check_key(&in, entry, childlen, i == 0);
		is_canonical &= check_child(&in, entry, childlen, is_scalar);
	}
	check_strings(&in);
	if (in.end != room)
		stash_image_refuse(type);
	return is_canonical;
}

/* ---- reading ---- */

/*
 * True for an image that is a tree.
 */
bool
stash_image_is_tree(const char *data, Size len)
{
	return len > 0 && data[0] == TREE_FORM;
}

/* check the tree behind the first byte; false where the server writes another */
static bool
check_tree(StashType *type, const char *data, Size len)
{
	/* the root too could be an entry */
	if (len < 1 + sizeof(uint32) || len - 1 > JENTRY_OFFLENMASK)
		stash_image_refuse(type);
	return check_container(type, data + 1, len - 1, true);
}

/*
 * Bytes that the jsonb of an image takes in memory; 0 when it must be read by
 * way of its text.
 */
Size
stash_image_jsonb_size(const char *data, Size len)
{
	return stash_image_is_tree(data, len) && keeps_trees() ?
		VARHDRSZ + len - 1 : 0;
}

/*
 * Check the image of a jsonb and make it where there is room for it.  False,
 * and nothing is made, when the server would write it in another way.
 */
bool
stash_image_put_jsonb(char *at, StashType *type, const char *data, Size len)
{
	if (!check_tree(type, data, len))
		return false;
	SET_VARSIZE(at, VARHDRSZ + len - 1);
	memcpy(VARDATA(at), data + 1, len - 1);
	return true;
}

/*
 * The value of a tree that is not as this server would keep it: text in
 * another encoding, or a number in a longer form than needed.
 *
 * Its text is UTF-8 like its strings, for the server's function only looks
 * for characters of ASCII, and is read like that of another client.
 */
Datum
stash_image_read_tree(StashType *type, const char *data, Size len)
{
#ifdef WORDS_BIGENDIAN
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("this jsonb was stored by a little-endian machine"),
			 errhint("Store its text there: value::text.")));
#else
	char	   *tree = palloc(len - 1);
	StringInfoData text;
	Datum		value;

	(void) check_tree(type, data, len);
	/* alone, so that it is aligned */
	memcpy(tree, data + 1, len - 1);
	initStringInfo(&text);
	appendStringInfoChar(&text, 1);
	(void) JsonbToCString(&text, (JsonbContainer *) tree, (int) len - 1);
	value = stash_type_receive(type, text.data, text.len);
	pfree(text.data);
	pfree(tree);
	return value;
#endif
}
