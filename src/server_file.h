/*-------------------------------------------------------------------------
 *
 * server_file.h
 *	  Files of the server that a user names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_SERVER_FILE_H
#define STASH_SERVER_FILE_H

#include "lib/stringinfo.h"

typedef struct StashServerFile StashServerFile;

extern char *stash_server_file_ending(const char *path);
extern const char *stash_server_file_format(const char *path);
extern bool stash_server_file_is_packed(const char *path);
extern StashServerFile *stash_server_file_create(const char *path);
extern void stash_server_file_write(StashServerFile *file, const char *data,
									Size len);
extern void stash_server_file_finish(StashServerFile *file);
extern StashServerFile *stash_server_file_resume(const char *path);
extern const char *stash_server_file_kept_as(StashServerFile *file);
extern char *stash_server_file_label(StashServerFile *file);
extern void stash_server_file_set_label(StashServerFile *file,
										const char *text);
extern void stash_server_file_cut(StashServerFile *file, uint64 at);
extern StashServerFile *stash_server_file_open(const char *path);
extern bool stash_server_file_read(StashServerFile *file, StringInfo buf,
								   int *used);
extern uint64 stash_server_file_size(StashServerFile *file);
extern void stash_server_file_seek(StashServerFile *file, uint64 at);
extern void stash_server_file_close(StashServerFile *file);

#endif							/* STASH_SERVER_FILE_H */
