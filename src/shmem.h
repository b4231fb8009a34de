/*-------------------------------------------------------------------------
 *
 * shmem.h
 *	  Shared memory found by name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_SHMEM_H
#define STASH_SHMEM_H

extern void *stash_shmem_segment(const char *name, Size size,
								 void (*init) (void *address));
extern void stash_shmem_map(void *address, Size size);

#endif							/* STASH_SHMEM_H */
