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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"

#include "compat.h"
#include "server_file.h"

/* of a new file: what COPY gives */
#define FILE_MODE	(S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)

struct StashServerFile
{
	char	   *path;
	char	   *temporary;		/* NULL: written in place, or finished */
	int			fd;
	MemoryContextCallback callback;
};

#define READ_BYTES	(64 * 1024) /* at a time */

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
remove_unfinished(void *arg)
{
	StashServerFile *file = arg;

	if (file->temporary != NULL && unlink(file->temporary) != 0)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", file->temporary)));
}

static int
open_for_writing(const char *path, int flags)
{
	mode_t		mask = umask(S_IWGRP | S_IWOTH);
	int			fd = OpenTransientFilePerm(path, flags | O_WRONLY | PG_BINARY,
										   FILE_MODE);

	umask(mask);
	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for writing: %m", path)));
	return fd;
}

/*
 * Begin to write a file that, when it is finished, is found under 'path'.
 *
 * It is abandoned when the current memory context ends before.  Errors: 42501
 * without the rights of pg_write_server_files, 42602 for a relative path, 42809
 * where something is that is no file, and those of the file system.
 */
StashServerFile *
stash_server_file_create(const char *path)
{
	StashServerFile *file;
	char	   *temporary;

	check_may_write(path);
	file = palloc0(sizeof(StashServerFile));
	file->path = pstrdup(path);
	canonicalize_path(file->path);
	if (is_in_place(file->path))
	{
		file->fd = open_for_writing(file->path, 0);
		return file;
	}
	file->callback.func = remove_unfinished;
	file->callback.arg = file;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &file->callback);
	temporary = psprintf("%s.%d.tmp", file->path, MyProcPid);
	/* one that a crash left, or somebody else put there */
	if (unlink(temporary) != 0 && errno != ENOENT)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", temporary)));
	file->fd = open_for_writing(temporary, O_CREAT | O_EXCL);
	file->temporary = temporary;
	return file;
}

/*
 * Append bytes.
 */
void
stash_server_file_write(StashServerFile *file, const char *data, Size len)
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

/*
 * Make what was written durable, and let it be found.
 */
void
stash_server_file_finish(StashServerFile *file)
{
	if (file->temporary != NULL && pg_fsync(file->fd) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not fsync file \"%s\": %m", file->temporary)));
	if (CloseTransientFile(file->fd) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not close file \"%s\": %m", file->path)));
	if (file->temporary != NULL)
	{
		(void) durable_rename(file->temporary, file->path, ERROR);
		file->temporary = NULL;
	}
}

/*
 * Open a file to be read.
 *
 * Errors: 42501 without the rights of pg_read_server_files, 42602 for a relative
 * path, 42809 for a directory, and those of the file system.
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
	file = palloc0(sizeof(StashServerFile));
	file->path = pstrdup(path);
	canonicalize_path(file->path);
	file->fd = OpenTransientFile(file->path, O_RDONLY | PG_BINARY);
	if (file->fd < 0 || fstat(file->fd, &status) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", path)));
	if (S_ISDIR(status.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a directory", path)));
	return file;
}

/*
 * Append what comes next to a buffer, from whose beginning 'used' bytes, which
 * become none, are dropped.  False at the end of the file.
 */
bool
stash_server_file_read(StashServerFile *file, StringInfo buf, int *used)
{
	ssize_t		got;

	memmove(buf->data, buf->data + *used, buf->len - *used);
	buf->len -= *used;
	*used = 0;
	enlargeStringInfo(buf, READ_BYTES);
	do
	{
		CHECK_FOR_INTERRUPTS();
		got = read(file->fd, buf->data + buf->len, READ_BYTES);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", file->path)));
	buf->len += got;
	return got > 0;
}

/*
 * Close a file that was read, to its end or not.
 */
void
stash_server_file_close(StashServerFile *file)
{
	if (CloseTransientFile(file->fd) != 0)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not close file \"%s\": %m", file->path)));
}
