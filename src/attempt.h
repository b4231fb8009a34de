/*-------------------------------------------------------------------------
 *
 * attempt.h
 *	  Steps that may fail without failing their caller.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ATTEMPT_H
#define STASH_ATTEMPT_H

extern ErrorData *stash_attempt(void (*step) (void *), void *arg);

#endif							/* STASH_ATTEMPT_H */
