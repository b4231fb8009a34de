/*-------------------------------------------------------------------------
 *
 * forge.h
 *	  Frames that an enemy made: any header, and a checksum that holds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_FORGE_H
#define STASH_FORGE_H

#include "frame.h"
#include "hash.h"

/* Give a frame a header of our choice and the checksum that belongs to it. */
static inline void
forge(char *frame, Size len, int version, int codec_byte)
{
	uint64		seed;
	uint64		checksum;

	frame[0] = '\xF5';
	frame[1] = 'S';
	frame[2] = (char) version;
	frame[3] = (char) codec_byte;
	seed = 0x53f5 | (uint64) (uint8) version << 16 | (uint64) (uint8) codec_byte << 24;
	checksum = stash_hash_bytes64(frame + 12, len - 12, seed);
	for (int i = 0; i < 8; i++)
		frame[4 + i] = (char) (checksum >> (8 * i));
}

#endif							/* STASH_FORGE_H */
