/*-------------------------------------------------------------------------
 *
 * query_parse.h
 *	  Which text is taken as a query, and its parameters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_QUERY_PARSE_H
#define STASH_QUERY_PARSE_H

#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

/* The values of $1 to $n. */
typedef struct StashQueryParams
{
	int			n;
	Oid		   *types;			/* UNKNOWNOID: of a literal, which may become
								 * a value of any type */
	ParamListInfo values;
} StashQueryParams;

/* Which rows of a SELECT are wanted, and in which order. */
typedef struct StashQueryOrder
{
	const char *column;			/* of the rows: that which they are ordered by */
	const char *first;			/* text of the value to begin with; NULL: all */
	List	   *at_least;		/* name of the operator >= to find it */
	bool		is_null;		/* those without a value, in no order */
} StashQueryOrder;

/* What is to be run. */
typedef struct StashQuerySource
{
	const char *string;
	RawStmt    *statement;		/* of a command, which 'string' is then; else
								 * NULL */
	StashQueryParams *params;	/* NULL: none */
	const StashQueryOrder *order;	/* NULL: as the query has them */
	bool		takes_any;		/* all that returns rows, not only what reads */
} StashQuerySource;

extern StashQueryParams *stash_query_read_params(Datum row);
extern PlannedStmt *stash_query_plan(const StashQuerySource *source,
									 int options);

#endif							/* STASH_QUERY_PARSE_H */
