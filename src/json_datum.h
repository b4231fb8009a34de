/*-------------------------------------------------------------------------
 *
 * json_datum.h
 *	  Values of any type as JSON text: what to_json writes, made to repeat.
 *
 * A writer knows how one type is written; all catalog look-ups are made when
 * it is made, or at the first value of a type met inside another.  It lives
 * in the memory context that was current then, and needs no clean-up.
 *
 * Without a profile the text is that of to_json and row_to_json, byte for byte,
 * but for one thing: line ends between the tokens of a json value become spaces, so that
 * no value ever spans lines.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_JSON_DATUM_H
#define STASH_JSON_DATUM_H

#include "access/tupdesc.h"
#include "lib/stringinfo.h"

#include "json_profile.h"

typedef struct StashJsonWriter StashJsonWriter;
typedef struct StashJsonRow StashJsonRow;

extern bool stash_json_reads_back(Oid typid, StashJsonProfile profile);
extern StashJsonWriter *stash_json_make_writer(Oid typid,
											   StashJsonProfile profile);
extern void stash_json_put_datum(StashJsonWriter *writer, StringInfo buf,
								 Datum value);
extern StashJsonRow *stash_json_make_row(TupleDesc desc,
										 StashJsonProfile profile);
extern void stash_json_put_row(StashJsonRow *row, StringInfo buf,
							   const Datum *values, const bool *isnull);

#endif							/* STASH_JSON_DATUM_H */
