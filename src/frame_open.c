/*-------------------------------------------------------------------------
 *
 * frame_open.c
 *	  Frames in the server: open one and unpack its body, or throw.
 *
 * What floor 1 only reports is thrown here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "codec.h"
#include "filter.h"
#include "frame.h"
#include "frame_open.h"

static void
check_for_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * Called once when the library is loaded: long compression can be cancelled.
 */
void
stash_frame_init(void)
{
	stash_codec_poll = check_for_interrupts;
}

/*
 * Open a frame for reading, or throw.
 *
 * 'buf' must outlive the reader.  Errors: 22P03 for bytes that are no frame,
 * 0A000 for a frame from a newer pg_hashstash, XX001 for a damaged one.
 */
void
stash_frame_open(StashFrameReader *reader, const char *buf, Size len)
{
	switch (stash_frame_parse(reader, buf, len))
	{
		case STASH_FRAME_OK:
			break;
		case STASH_FRAME_FOREIGN:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("these bytes are no stash frame"),
					 errhint("Frames are made by stash.serialize().")));
			break;
		case STASH_FRAME_NEWER:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("stash frame version %d is not supported",
							reader->version),
					 errdetail("This build reads versions %d to %d.",
							   STASH_FRAME_OLDEST, STASH_FRAME_VERSION),
					 errhint("Upgrade pg_hashstash on this server.")));
			break;
		case STASH_FRAME_DAMAGED:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("damaged stash frame"),
					 reader->is_checked ?
					 errdetail("What its header says does not fit its %zu bytes.",
							   len) :
					 errdetail("The checksum of its %zu bytes does not match.",
							   len)));
			break;
	}
}

static void
undo_filter(const StashFrameReader *reader, char *laid, char *image)
{
	StashRows  *rows;

	if (reader->filter != STASH_FILTER_ROWS)
	{
		stash_filter_undo(reader->filter, laid, reader->rawlen, image);
		return;
	}
	rows = palloc(sizeof(StashRows));
	if (!stash_rows_undo(rows, reader->layout, reader->layoutlen, laid,
						 reader->rawlen, image))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("damaged stash frame"),
				 errdetail("Its columns do not fit its rows.")));
	pfree(rows);
}

/*
 * Unpack the body of an open frame that has a codec: 'rawlen' bytes, with
 * 'lead' bytes free before them.
 *
 * Result: allocated in the current context.  Throws 0A000 for an unknown
 * codec, XX001 for a body that is damaged.
 */
char *
stash_frame_unpack(const StashFrameReader *reader, Size lead)
{
	char	   *chunk;

	if (stash_codec_name(reader->codec) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("stash frame codec %d is not supported", reader->codec),
				 errhint("Build pg_hashstash with this codec's library, or upgrade it.")));
	/* a frame without compression has its header within the limit, too */
	if (reader->rawlen > MaxAllocSize - STASH_FRAME_FIXED ||
		reader->rawlen > stash_codec_most(reader->codec, reader->bodylen))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("damaged stash frame"),
				 errdetail("%zu bytes cannot hold the " UINT64_FORMAT " bytes claimed.",
						   reader->bodylen, reader->rawlen)));
	chunk = palloc(lead + reader->rawlen + 1);
	if (!stash_codec_decompress(reader->codec, reader->body, reader->bodylen,
								chunk + lead, reader->rawlen))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("damaged stash frame"),
				 errdetail("Its compressed body cannot be decompressed.")));
	if (reader->filter != STASH_FILTER_NONE)
	{
		char	   *laid = chunk;

		chunk = palloc(lead + reader->rawlen + 1);
		undo_filter(reader, laid + lead, chunk + lead);
		pfree(laid);
	}
	return chunk;
}

/*
 * The body of an open frame, unpacked where needed: 'rawlen' bytes.
 *
 * Result: points into the frame, or is allocated in the current context.
 * Throws as above.
 */
const char *
stash_frame_body(const StashFrameReader *reader)
{
	return reader->codec == STASH_CODEC_NONE ? reader->body :
		stash_frame_unpack(reader, 0);
}

/*
 * A whole frame without compression, of which there is only one for a value:
 * what is a frame already without, or no whole frame, stays as it is.
 *
 * Result: 'buf' itself, or allocated in the current context; *len is set to
 * its length.
 */
const char *
stash_frame_plain(const char *buf, Size *len)
{
	StashFrameReader reader;
	const char *body;
	char	   *plain;
	Size		head;

	if (stash_frame_parse(&reader, buf, *len) != STASH_FRAME_OK ||
		reader.codec == STASH_CODEC_NONE)
		return buf;
	/* a NULL has no body, and needs no codec */
	body = reader.is_null ? reader.body : stash_frame_body(&reader);
	head = (Size) (reader.type - buf) + reader.typelen;
	*len = head + (reader.is_null ? 0 : reader.rawlen);
	if (*len > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("stash frame is too large to be unpacked"),
				 errdetail("It would have %zu bytes.", *len)));
	plain = palloc(*len);
	memcpy(plain, buf, head);
	memcpy(plain + head, body, *len - head);
	stash_frame_seal(plain, *len, STASH_CODEC_NONE, STASH_FILTER_NONE,
					 reader.is_null);
	if (body != reader.body)
		pfree((char *) body);
	return plain;
}
