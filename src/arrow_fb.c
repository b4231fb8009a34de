/*-------------------------------------------------------------------------
 *
 * arrow_fb.c
 *	  Flatbuffers, as far as the messages of Arrow need them: written and read.
 *
 * Reading touches nothing outside the buffer, takes no position for granted,
 * and needs no alignment.  A table may be referred to more than once, so who
 * walks a tree of them must bound the walk.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "arrow_fb.h"

/*
 * Store a number of 1, 2, 4 or 8 bytes.
 */
void
stash_fb_set(StringInfo buf, int at, int size, int64 value)
{
	for (int i = 0; i < size; i++)
		buf->data[at + i] = (char) ((uint64) value >> 8 * i);
}

/* Append zero bytes. */
static int
put_zeros(StringInfo buf, int n)
{
	int			at = buf->len;

	enlargeStringInfo(buf, n);
	memset(buf->data + at, 0, n);
	buf->len += n;
	return at;
}

/*
 * Append zero bytes up to a multiple of 'alignment'.
 */
void
stash_fb_pad(StringInfo buf, int alignment)
{
	put_zeros(buf, -buf->len & (alignment - 1));
}

/* Fill in a reference to what comes next, if there is one. */
static void
set_reference(StringInfo buf, int ref)
{
	if (ref >= 0)
		stash_fb_set(buf, ref, 4, buf->len - ref);
}

/*
 * Begin a buffer; the result is the reference to its root table.
 */
int
stash_fb_put_root(StringInfo buf)
{
	return put_zeros(buf, 4);
}

/*
 * Append a table of zeros.
 *
 * 'sizes' has the bytes of each field, 0 for one that is absent and 4 for a
 * reference; 'at' gets where they stand.
 */
void
stash_fb_put_table(StringInfo buf, int ref, int nfields, const uint8 *sizes,
				   int *at)
{
	int			vtable;
	int			table;
	int			end = 4;

	Assert(nfields <= STASH_FB_MAX_FIELDS);
	stash_fb_pad(buf, 2);
	vtable = put_zeros(buf, 4 + 2 * nfields);
	stash_fb_pad(buf, 8);
	set_reference(buf, ref);
	table = put_zeros(buf, 4 + 8 * nfields + 8);

	for (int i = 0; i < nfields; i++)
	{
		if (sizes[i] == 0)
			continue;
		end = TYPEALIGN(sizes[i], end);
		at[i] = table + end;
		stash_fb_set(buf, vtable + 4 + 2 * i, 2, end);
		end += sizes[i];
	}
	stash_fb_set(buf, vtable, 2, 4 + 2 * nfields);
	stash_fb_set(buf, vtable + 2, 2, end);
	stash_fb_set(buf, table, 4, table - vtable);
	buf->len = table + end;
}

/*
 * Append a vector of 'n' elements of zeros, 'size' bytes each; the result is
 * where the first one stands.
 */
int
stash_fb_put_vector(StringInfo buf, int ref, uint32 n, int size)
{
	int			length;

	stash_fb_pad(buf, 4);
	/* the elements are to be aligned, not their number */
	if (size % 8 == 0 && buf->len % 8 == 0)
		put_zeros(buf, 4);
	set_reference(buf, ref);
	length = put_zeros(buf, 4);
	stash_fb_set(buf, length, 4, n);
	return put_zeros(buf, n * size);
}

/*
 * Append a string.
 */
void
stash_fb_put_string(StringInfo buf, int ref, const char *text)
{
	Size		len = strlen(text);
	int			at = stash_fb_put_vector(buf, ref, (uint32) len, 1);

	memcpy(buf->data + at, text, len);
	put_zeros(buf, 1);
}

/*
 * A number of 1, 2, 4 or 8 bytes, its sign extended.
 */
int64
stash_fb_load(const uint8 *data, int size)
{
	uint64		value = 0;

	for (int i = 0; i < size; i++)
		value |= (uint64) data[i] << 8 * i;
	return (int64) (value << (64 - 8 * size)) >> (64 - 8 * size);
}

/* Are there so many bytes from here on? */
static bool
has_bytes(StashFb *fb, uint64 at, uint64 n)
{
	if (at <= fb->len && n <= fb->len - at)
		return true;
	fb->failed = true;
	return false;
}

/* The table at a position, or 0. */
static uint32
check_table(StashFb *fb, uint64 at)
{
	int64		vtable;
	uint32		vtable_size;

	if (!has_bytes(fb, at, 4))
		return 0;
	vtable = (int64) at - stash_fb_load(fb->data + at, 4);
	if (vtable < 0 || !has_bytes(fb, vtable, 4))
	{
		fb->failed = true;
		return 0;
	}
	vtable_size = (uint16) stash_fb_load(fb->data + vtable, 2);
	if (vtable_size < 4 || !has_bytes(fb, vtable, vtable_size) ||
		!has_bytes(fb, at, (uint16) stash_fb_load(fb->data + vtable + 2, 2)))
	{
		fb->failed = true;
		return 0;
	}
	return (uint32) at;
}

/* Where a reference leads; 0 when it leads outside. */
static uint64
follow(StashFb *fb, uint64 at)
{
	uint64		to = at + (uint32) stash_fb_load(fb->data + at, 4);

	return has_bytes(fb, to, 4) ? to : 0;
}

/* Where a field of a table stands, 0 for an absent one. */
static uint32
find_field(StashFb *fb, uint32 table, int field, int size)
{
	int64		vtable;
	uint32		offset;

	if (table == 0)
		return 0;
	vtable = (int64) table - stash_fb_load(fb->data + table, 4);
	if (4 + 2 * (field + 1) > (uint16) stash_fb_load(fb->data + vtable, 2))
		return 0;
	offset = (uint16) stash_fb_load(fb->data + vtable + 4 + 2 * field, 2);
	if (offset == 0)
		return 0;
	if (offset < 4 || offset + size > (uint16) stash_fb_load(fb->data + vtable + 2, 2))
	{
		fb->failed = true;
		return 0;
	}
	return table + offset;
}

/*
 * The root table, or 0.
 */
uint32
stash_fb_root(StashFb *fb)
{
	uint64		at = has_bytes(fb, 0, 4) ? follow(fb, 0) : 0;

	return at == 0 ? 0 : check_table(fb, at);
}

/*
 * A number of a table, or 'absent'.
 */
int64
stash_fb_number(StashFb *fb, uint32 table, int field, int size, int64 absent)
{
	uint32		at = find_field(fb, table, field, size);

	return at == 0 ? absent : stash_fb_load(fb->data + at, size);
}

/*
 * A table of a table, or 0.
 */
uint32
stash_fb_table(StashFb *fb, uint32 table, int field)
{
	uint32		at = find_field(fb, table, field, 4);
	uint64		to = at == 0 ? 0 : follow(fb, at);

	return to == 0 ? 0 : check_table(fb, to);
}

/*
 * A vector of a table, with elements of 'size' bytes.
 */
StashFbVector
stash_fb_vector(StashFb *fb, uint32 table, int field, int size)
{
	StashFbVector vector = {0, 0};
	uint32		at = find_field(fb, table, field, 4);
	uint64		to = at == 0 ? 0 : follow(fb, at);
	uint32		n;

	if (to == 0)
		return vector;
	n = (uint32) stash_fb_load(fb->data + to, 4);
	if (has_bytes(fb, to + 4, (uint64) n * size))
	{
		vector.at = (uint32) to + 4;
		vector.n = n;
	}
	return vector;
}

/*
 * A table of a vector of references, or 0.
 */
uint32
stash_fb_element(StashFb *fb, StashFbVector vector, uint32 i)
{
	uint64		to = follow(fb, vector.at + 4 * (uint64) i);

	return to == 0 ? 0 : check_table(fb, to);
}

/*
 * A string of a table as a C string of its own, or NULL; one with a zero byte
 * inside is none.
 */
char *
stash_fb_string(StashFb *fb, uint32 table, int field)
{
	StashFbVector vector = stash_fb_vector(fb, table, field, 1);
	char	   *text;

	if (vector.at == 0)
		return NULL;
	if (memchr(fb->data + vector.at, 0, vector.n) != NULL)
	{
		fb->failed = true;
		return NULL;
	}
	text = palloc(vector.n + 1);
	memcpy(text, fb->data + vector.at, vector.n);
	text[vector.n] = '\0';
	return text;
}
