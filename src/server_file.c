/*-------------------------------------------------------------------------
 *
 * server_file.c
 *	  Files of the server that a user names.
 *
 * What is written goes to a new file beside the one that was named and takes
 * its place when it is complete and on disk, so that nobody ever finds half of
 * it.  Where it is not completed it is removed with the memory context in which
 * it was begun.  Symbolic links are not followed.
 *
 * One that is to be gone on with is kept instead, under "<name>.partial", with a
 * label beside it, "<name>.resume", that says of what it is.  Who writes it holds
 * a lock of the file, and nothing is gone on with that somebody else may have
 * written.
 *
 * A file whose name ends in .gz or .zst is packed as it is written and unpacked
 * as it is read, a piece at a time.  Only who wants to go back in a packed file
 * makes a temporary one of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "storage/fd.h"
#include "utils/acl.h"

#include "codec.h"
#include "compat.h"
#include "gzip.h"
#include "server_file.h"

/* of a new file: what COPY gives */
#define FILE_MODE	(S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)

#define READ_BYTES	(64 * 1024) /* at a time */
#define LABEL_BYTES	4096		/* at most */

struct StashServerFile
{
	char	   *path;
	char	   *temporary;		/* NULL: written in place, or finished */
	char	   *label;			/* of one that is kept when it is not
								 * finished; else NULL */
	int			fd;
	uint64		size;			/* of a file that is read or gone on with: as
								 * it was opened */
	bool		is_regular;
	const StashStreamCodec *codec;	/* NULL: not packed */
	StashStream stream;
	char	   *packed;			/* READ_BYTES of what is on disk */
	uint64		nread;			/* bytes of it that were read */
	bool		is_at_end;		/* there are no more of them */
	BufFile    *unpacked;		/* all of a packed file; NULL: not needed */
	MemoryContextCallback callback;
};

static const StashStreamCodec *const codecs[] = {
	&stash_gzip_stream, &stash_zstd_stream
};

/* ---- names and rights ---- */

static bool
ends_with(const char *path, Size len, const char *ending)
{
	Size		n = strlen(ending);

	return len >= n && memcmp(path + len - n, ending, n) == 0;
}

/* how a file of this name is packed; NULL: not at all */
static const StashStreamCodec *
find_codec(const char *path)
{
	for (int i = 0; i < lengthof(codecs); i++)
	{
		if (ends_with(path, strlen(path), codecs[i]->ending))
			return codecs[i];
	}
	return NULL;
}

/*
 * Does the name of a file say that it is packed?
 */
bool
stash_server_file_is_packed(const char *path)
{
	return find_codec(path) != NULL;
}

/*
 * What stands behind the last dot of a name, and before what tells how it is
 * packed: "jsonl" of "/x.jsonl.gz".  NULL where there is no dot.
 */
char *
stash_server_file_ending(const char *path)
{
	const StashStreamCodec *codec = find_codec(path);
	char	   *name = pstrdup(path);
	char	   *dot;

	if (codec != NULL)
		name[strlen(name) - strlen(codec->ending)] = '\0';
	dot = strrchr(name, '.');
	return dot != NULL && strchr(dot, '/') == NULL ? dot + 1 : NULL;
}

/*
 * The format that the end of a name tells: "arrow" has several; NULL for none.
 */
const char *
stash_server_file_format(const char *path)
{
	const char *ending = stash_server_file_ending(path);

	if (ending != NULL &&
		(strcmp(ending, "arrows") == 0 || strcmp(ending, "feather") == 0))
		return "arrow";
	return ending;
}

static void
check_path(const char *path)
{
	if (!is_absolute_path(path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("relative path \"%s\" not allowed for a file of the server", path),
				 errhint("Give the path from the root.")));
}

static void
check_may_write(const char *path)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_WRITE_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to write to a file of the server"),
				 errdetail("Only roles with privileges of the \"%s\" role may do so.",
						   "pg_write_server_files"),
				 errhint("Export to the client instead: with COPY ... TO STDOUT, or with a function that returns chunks.")));
	check_path(path);
}

/*
 * Whether the file that is there now is written in place, as devices are;
 * throws where it cannot be written at all.
 */
static bool
is_in_place(const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0)
	{
		if (errno == ENOENT)
			return false;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", path)));
	}
	if (S_ISREG(status.st_mode))
		return false;
	if (!S_ISCHR(status.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is no regular file", path),
				 errdetail("Directories, symbolic links, pipes and sockets are not written to.")));
	return true;
}

static void
release(void *arg)
{
	StashServerFile *file = arg;

	if (file->stream.state != NULL)
		file->codec->close(&file->stream);
	if (file->temporary != NULL && file->label == NULL &&
		unlink(file->temporary) != 0)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", file->temporary)));
}

/* begin to pack or unpack, if the name of the file wants it */
static void
open_stream(StashServerFile *file, bool packs)
{
	const StashStreamCodec *codec = file->codec;

	if (codec == NULL)
		return;
	if (codec->open == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("files named %s cannot be read or written here", codec->ending),
				 errdetail("pg_hashstash was built without %s.", codec->name),
				 errhint("Leave %s out of the name for a file that is not packed.",
						 codec->ending)));
	if (file->packed == NULL)
		file->packed = palloc(READ_BYTES);
	memset(&file->stream, 0, sizeof(StashStream));
	file->stream.packs = packs;
	if (!codec->open(&file->stream))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("%s could not be started.", codec->name)));
	file->stream.out = file->packed;
	file->stream.out_room = READ_BYTES;
}

/* what is to be done when the current memory context ends */
static StashServerFile *
make_file(const char *path)
{
	StashServerFile *file = palloc0(sizeof(StashServerFile));

	file->path = pstrdup(path);
	canonicalize_path(file->path);
	file->codec = find_codec(file->path);
	file->callback.func = release;
	file->callback.arg = file;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &file->callback);
	return file;
}

/* ---- writing ---- */

static int
open_for_writing(const char *path, int flags)
{
	mode_t		mask = umask(S_IWGRP | S_IWOTH);
	int			fd = OpenTransientFilePerm(path, flags | PG_BINARY, FILE_MODE);

	umask(mask);
	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for writing: %m", path)));
	return fd;
}

static void
remove_if_there(const char *path)
{
	if (unlink(path) != 0 && errno != ENOENT)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", path)));
}

/*
 * Begin to write a file that, when it is finished, is found under 'path'.
 *
 * It is abandoned when the current memory context ends before.  Errors: 42501
 * without the rights of pg_write_server_files, 42602 for a relative path, 42809
 * where something is that is no file, 0A000 for a way of packing that this build
 * lacks, and those of the file system.
 */
StashServerFile *
stash_server_file_create(const char *path)
{
	StashServerFile *file;
	char	   *temporary;

	check_may_write(path);
	file = make_file(path);
	open_stream(file, true);
	if (is_in_place(file->path))
	{
		file->fd = open_for_writing(file->path, O_WRONLY);
		return file;
	}
	temporary = psprintf("%s.%d.tmp", file->path, MyProcPid);
	/* one that a crash left, or somebody else put there */
	remove_if_there(temporary);
	file->fd = open_for_writing(temporary, O_WRONLY | O_CREAT | O_EXCL);
	file->temporary = temporary;
	return file;
}

static void
write_raw(StashServerFile *file, const char *data, Size len)
{
	while (len > 0)
	{
		ssize_t		written;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		written = write(file->fd, data, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
		{
			/* nothing written without an error means a full disk */
			if (errno == 0)
				errno = ENOSPC;
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write to file \"%s\": %m", file->path)));
		}
		data += written;
		len -= written;
	}
}

/* write what is packed, to the end of the file if 'is_last' */
static void
write_packed(StashServerFile *file, const char *data, Size len, bool is_last)
{
	StashStream *stream = &file->stream;
	bool		is_done = false;

	stream->in = data;
	stream->in_len = len;
	while (!is_done)
	{
		CHECK_FOR_INTERRUPTS();
		is_done = file->codec->pack(stream, is_last);
		if (stream->out_room == 0 || (is_done && is_last))
		{
			write_raw(file, file->packed, READ_BYTES - stream->out_room);
			stream->out = file->packed;
			stream->out_room = READ_BYTES;
		}
	}
}

/*
 * Append bytes.
 */
void
stash_server_file_write(StashServerFile *file, const char *data, Size len)
{
	if (file->codec != NULL)
		write_packed(file, data, len, false);
	else
		write_raw(file, data, len);
}

static void
sync_file(int fd, const char *path)
{
	if (pg_fsync(fd) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not fsync file \"%s\": %m", path)));
}

static void
close_written(int fd, const char *path)
{
	if (CloseTransientFile(fd) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not close file \"%s\": %m", path)));
}

/*
 * Make what was written durable, and let it be found.
 */
void
stash_server_file_finish(StashServerFile *file)
{
	if (file->codec != NULL)
	{
		write_packed(file, NULL, 0, true);
		file->codec->close(&file->stream);
	}
	if (file->temporary != NULL)
		sync_file(file->fd, file->temporary);
	/* who holds a lock holds it until the file has its name */
	if (file->label == NULL)
		close_written(file->fd, file->path);
	if (file->temporary != NULL)
	{
		(void) durable_rename(file->temporary, file->path, ERROR);
		file->temporary = NULL;
	}
	if (file->label != NULL)
	{
		remove_if_there(file->label);
		close_written(file->fd, file->path);
	}
}

/* ---- writing what is kept when it is not finished ---- */

/* throw unless a file is one that only this server can have written */
static void
check_own(const char *path, const struct stat *status)
{
	if (!S_ISREG(status->st_mode) || status->st_uid != geteuid() ||
		status->st_nlink > 1 || (status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("file \"%s\" cannot be gone on with", path),
				 errdetail("It must be a regular file of the server's own, without another name, that nobody else may write."),
				 errhint("Remove it, or export to another path.")));
}

/* open such a file; -1 where there is none and 'flags' do not create it */
static int
open_own(const char *path, int flags, struct stat *status)
{
	int			fd;

	/* to open a pipe or a device may do more than that */
	if (lstat(path, status) == 0)
		check_own(path, status);
	else if (errno == ENOENT && (flags & O_CREAT) == 0)
		return -1;
	fd = open_for_writing(path, flags | O_NOFOLLOW);
	if (fstat(fd, status) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", path)));
	check_own(path, status);
	return fd;
}

/* whether nobody else has the lock, nor has finished the file meanwhile */
static bool
lock_file(int fd, const char *path, const struct stat *status)
{
	struct stat named;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
	{
		if (errno == EWOULDBLOCK)
			return false;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not lock file \"%s\": %m", path)));
	}
	return lstat(path, &named) == 0 && named.st_ino == status->st_ino &&
		named.st_dev == status->st_dev;
}

/*
 * Begin or go on to write a file that, when it is finished, is found under
 * 'path', and until then, whatever happens, under a name of its own.
 *
 * What it has is read with stash_server_file_read(); stash_server_file_cut()
 * says where to go on.  Its name must not be one that packs.  Errors: those of
 * stash_server_file_create(); 42809 also where somebody else may have written
 * what is there, 55006 where somebody writes it now.
 */
StashServerFile *
stash_server_file_resume(const char *path)
{
	StashServerFile *file;
	struct stat status;

	check_may_write(path);
	file = make_file(path);
	Assert(file->codec == NULL);
	if (is_in_place(file->path))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is no regular file", file->path),
				 errdetail("An export that can be resumed needs one.")));
	file->label = psprintf("%s.resume", file->path);
	file->temporary = psprintf("%s.partial", file->path);
	file->fd = open_own(file->temporary, O_RDWR | O_CREAT, &status);
	if (!lock_file(file->fd, file->temporary, &status) ||
		fstat(file->fd, &status) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("file \"%s\" is being written by another export",
						file->temporary),
				 errhint("Wait for its end, or export to another path.")));
	file->is_regular = true;
	file->size = status.st_size;
	return file;
}

/*
 * The name under which a file is kept until it is finished.
 */
const char *
stash_server_file_kept_as(StashServerFile *file)
{
	return file->temporary;
}

/*
 * What stands on the label of a file that is gone on with; NULL without one.
 */
char *
stash_server_file_label(StashServerFile *file)
{
	struct stat status;
	int			fd = open_own(file->label, O_RDONLY, &status);
	char	   *text;
	ssize_t		len;

	if (fd < 0)
		return NULL;
	text = palloc(LABEL_BYTES + 1);
	len = read(fd, text, LABEL_BYTES);
	if (len < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", file->label)));
	text[len] = '\0';
	CloseTransientFile(fd);
	return text;
}

/*
 * Put another label, which is on disk before anything that is written later.
 */
void
stash_server_file_set_label(StashServerFile *file, const char *text)
{
	ssize_t		len = strlen(text);
	int			fd;

	Assert(len <= LABEL_BYTES);
	remove_if_there(file->label);
	fd = open_for_writing(file->label, O_WRONLY | O_CREAT | O_EXCL);
	errno = 0;
	if (write(fd, text, len) != len)
	{
		if (errno == 0)
			errno = ENOSPC;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write to file \"%s\": %m", file->label)));
	}
	sync_file(fd, file->label);
	close_written(fd, file->label);
}

/*
 * Drop what stands behind a place, and go on to write there.
 */
void
stash_server_file_cut(StashServerFile *file, uint64 at)
{
	if (ftruncate(file->fd, (off_t) at) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not truncate file \"%s\": %m", file->temporary)));
	stash_server_file_seek(file, at);
}

/* ---- reading ---- */

/*
 * Open a file to be read.
 *
 * Errors: 42501 without the rights of pg_read_server_files, 42602 for a relative
 * path, 42809 for a directory, 0A000 for a way of packing that this build lacks,
 * and those of the file system.
 */
StashServerFile *
stash_server_file_open(const char *path)
{
	StashServerFile *file;
	struct stat status;

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read a file of the server"),
				 errdetail("Only roles with privileges of the \"%s\" role may do so.",
						   "pg_read_server_files"),
				 errhint("Pass the content as an argument instead.")));
	check_path(path);
	file = make_file(path);
	open_stream(file, false);
	file->fd = OpenTransientFile(file->path, O_RDONLY | PG_BINARY);
	if (file->fd < 0 || fstat(file->fd, &status) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", path)));
	if (S_ISDIR(status.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a directory", path)));
	file->is_regular = S_ISREG(status.st_mode);
	file->size = status.st_size;
	return file;
}

/* up to READ_BYTES bytes as they are on disk; 0 at the end */
static Size
read_raw(StashServerFile *file, char *to)
{
	ssize_t		got;

	do
	{
		CHECK_FOR_INTERRUPTS();
		got = read(file->fd, to, READ_BYTES);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", file->path)));
	return got;
}

pg_noreturn static void
throw_damaged(StashServerFile *file, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid %s data in file \"%s\"", file->codec->name, file->path),
			 errdetail("Near byte %llu: %s.",
					   (unsigned long long) (file->nread - file->stream.in_len),
					   problem),
			 errhint("The file is damaged, or was not written to its end.")));
}

/*
 * The same unpacked; what comes last comes only if checksums are right.
 */
static Size
read_packed(StashServerFile *file, char *to)
{
	StashStream *stream = &file->stream;

	stream->out = to;
	stream->out_room = READ_BYTES;
	for (;;)
	{
		const char *problem;

		if (stream->in_len == 0 && !file->is_at_end)
		{
			stream->in = file->packed;
			stream->in_len = read_raw(file, file->packed);
			file->nread += stream->in_len;
			file->is_at_end = stream->in_len == 0;
		}
		problem = file->codec->unpack(stream);
		if (problem != NULL)
			throw_damaged(file, problem);
		if (stream->out_room < READ_BYTES)
			return READ_BYTES - stream->out_room;
		if (file->is_at_end && stream->in_len == 0)
		{
			if (!stream->is_complete)
				throw_damaged(file, "it ends too early");
			return 0;
		}
	}
}

/*
 * Append what comes next to a buffer, from whose beginning 'used' bytes, which
 * become none, are dropped.  False at the end of the file.
 *
 * Errors: 22P03 for damage of what is packed, and those of the file system.
 */
bool
stash_server_file_read(StashServerFile *file, StringInfo buf, int *used)
{
	char	   *to;
	Size		got;

	memmove(buf->data, buf->data + *used, buf->len - *used);
	buf->len -= *used;
	*used = 0;
	enlargeStringInfo(buf, READ_BYTES);
	to = buf->data + buf->len;
	if (file->unpacked != NULL)
		got = BufFileRead(file->unpacked, to, READ_BYTES);
	else if (file->codec != NULL)
		got = read_packed(file, to);
	else
		got = read_raw(file, to);
	buf->len += got;
	return got > 0;
}

static void
rewind_file(StashServerFile *file, uint64 at)
{
	if (lseek(file->fd, (off_t) at, SEEK_SET) < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in file \"%s\": %m", file->path)));
}

/* put all of a packed file into a temporary one, whatever was read of it */
static void
unpack_all(StashServerFile *file)
{
	BufFile    *unpacked = BufFileCreateTemp(false);
	char	   *piece = palloc(READ_BYTES);
	Size		got;

	rewind_file(file, 0);
	file->codec->close(&file->stream);
	open_stream(file, false);
	file->nread = 0;
	file->is_at_end = false;
	file->size = 0;
	while ((got = read_packed(file, piece)) > 0)
	{
		BufFileWrite(unpacked, piece, got);
		file->size += got;
	}
	pfree(piece);
	file->unpacked = unpacked;
}

/*
 * How many bytes a file has that is read, unpacked.
 *
 * A packed one is read to its end.  Errors: 42809 where only its reader knows,
 * as of a pipe.
 */
uint64
stash_server_file_size(StashServerFile *file)
{
	if (!file->is_regular)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is no regular file", file->path)));
	if (file->codec != NULL && file->unpacked == NULL)
		unpack_all(file);
	return file->size;
}

/*
 * Go on to read at another place, unpacked.  stash_server_file_size() must have
 * been called.
 */
void
stash_server_file_seek(StashServerFile *file, uint64 at)
{
	if (file->unpacked == NULL)
		rewind_file(file, at);
	else if (BufFileSeek(file->unpacked, 0, (off_t) at, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in file \"%s\": %m", file->path)));
}

/*
 * Close a file that was read, to its end or not.
 */
void
stash_server_file_close(StashServerFile *file)
{
	if (file->unpacked != NULL)
		BufFileClose(file->unpacked);
	file->unpacked = NULL;
	if (file->stream.state != NULL)
		file->codec->close(&file->stream);
	if (CloseTransientFile(file->fd) != 0)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not close file \"%s\": %m", file->path)));
}
