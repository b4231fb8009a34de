/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Functions that return sets, streamed from FROM.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_SCAN_H
#define STASH_SCAN_H

extern void stash_scan_init(void);

#endif							/* STASH_SCAN_H */
