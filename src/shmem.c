/*-------------------------------------------------------------------------
 *
 * shmem.c
 *	  Shared memory found by name, whether or not the library is preloaded.
 *
 * A segment is made by the first session that wants it and lives until the
 * server stops, or restarts after a crash.  From 17 on the server keeps the
 * names; before, a word of its main shared memory for each of them holds the
 * handle.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/mman.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "storage/dsm.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "attempt.h"
#include "compat.h"
#include "shmem.h"

#ifdef STASH_COMPAT_HAS_SEGMENTS

static void *
find_segment(const char *name, Size size, void (*init) (void *address))
{
	bool		found;

	return stash_compat_segment(name, size, init, &found);
}

#else

/* find, or make, under the lock that guards the making of such things */
static void *
find_segment(const char *name, Size size, void (*init) (void *address))
{
	dsm_segment *segment;
	dsm_handle *handle;
	bool		found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	handle = ShmemInitStruct(name, sizeof(dsm_handle), &found);
	if (!found)
		*handle = DSM_HANDLE_INVALID;
	if (*handle == DSM_HANDLE_INVALID)
	{
		segment = dsm_create(size, 0);
		init(dsm_segment_address(segment));
		dsm_pin_segment(segment);
		*handle = dsm_segment_handle(segment);
		dsm_pin_mapping(segment);
	}
	else
	{
		segment = dsm_find_mapping(*handle);
		if (segment == NULL)
		{
			segment = dsm_attach(*handle);
			if (segment == NULL)
				elog(ERROR, "shared memory \"%s\" is gone", name);
			dsm_pin_mapping(segment);
		}
	}
	LWLockRelease(AddinShmemInitLock);
	return dsm_segment_address(segment);
}

#endif

/* a segment to be found */
typedef struct Finding
{
	const char *name;
	Size		size;
	void		(*init) (void *address);
	void	   *address;
} Finding;

static void
find(void *arg)
{
	Finding    *finding = arg;

	finding->address = find_segment(finding->name, finding->size,
									finding->init);
}

/*
 * The segment called 'name', the same for all sessions of the server.
 *
 * 'init' is called once, for whoever is first, with memory of any content; it
 * must not throw.  'size' is the same in all calls.  The address is good until
 * the session ends: keep it.  NULL where there is no memory, which is told in
 * the server's log, and in parallel mode before the session knows it; a
 * parallel worker throws 53200 instead.
 */
void *
stash_shmem_segment(const char *name, Size size, void (*init) (void *address))
{
	Finding		finding = {name, size, init, NULL};
	ErrorData  *error;

	/* a worker has no subtransactions, and nobody to whom an error is left */
	if (IsParallelWorker())
		return find_segment(name, size, init);
	/* an error must not leave its half-made segment to our caller */
	if (IsInParallelMode())
		return NULL;
	error = stash_attempt(find, &finding);
	if (error != NULL)
	{
		ereport(LOG,
				(errmsg("could not share memory \"%s\" between sessions", name),
				 errdetail_internal("%s", error->message)));
		FreeErrorData(error);
		return NULL;
	}
	return finding.address;
}

/*
 * Let a session see a segment that it will read all over without a page fault
 * for each part of it; where the system cannot, nothing is done.
 */
void
stash_shmem_map(void *address, Size size)
{
#ifdef MADV_POPULATE_READ
	char	   *start = (char *) TYPEALIGN_DOWN(sysconf(_SC_PAGESIZE), address);

	/* Linux before 5.14 says that it knows no such thing */
	(void) madvise(start, (char *) address + size - start, MADV_POPULATE_READ);
#endif
}
