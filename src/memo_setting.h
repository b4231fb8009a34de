/*-------------------------------------------------------------------------
 *
 * memo_setting.h
 *	  The settings that can change a result.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_MEMO_SETTING_H
#define STASH_MEMO_SETTING_H

#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/palloc.h"

#define STASH_MEMO_NUMBERS	19
#define STASH_MEMO_TEXTS	9

typedef struct StashMemoSettings
{
	pg_tz	   *timezone;
	int			numbers[STASH_MEMO_NUMBERS];
	char	   *texts[STASH_MEMO_TEXTS];	/* NULL: nothing is noted yet */
} StashMemoSettings;

extern void stash_memo_settings_init(void);
extern void stash_memo_settings_find(void);
extern bool stash_memo_settings_are(const StashMemoSettings *settings);
extern void stash_memo_settings_note(StashMemoSettings *settings,
									 MemoryContext context);
extern void stash_memo_settings_append(StringInfo out,
									   const StashMemoSettings *settings);
extern void stash_memo_settings_keep(void);
extern bool stash_memo_settings_are_kept(void);
extern bool stash_memo_path_is_kept(void);

#endif							/* STASH_MEMO_SETTING_H */
