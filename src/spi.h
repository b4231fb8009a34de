/*-------------------------------------------------------------------------
 *
 * spi.h
 *	  SQL run from C: the only unit that connects to SPI.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_SPI_H
#define STASH_SPI_H

extern void stash_spi_begin(void);
extern void stash_spi_finish(void);

#endif							/* STASH_SPI_H */
