/*-------------------------------------------------------------------------
 *
 * copy.c
 *	  What COPY commands say: options and columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "nodes/value.h"

#include "compat.h"
#include "copy.h"

/*
 * An option by its name; NULL where it is not given.
 */
DefElem *
stash_copy_option(const CopyStmt *copy, const char *name)
{
	ListCell   *cell;

	foreach(cell, copy->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			return option;
	}
	return NULL;
}

/*
 * The format that the options name; NULL where they name none.
 */
const char *
stash_copy_format(const CopyStmt *copy)
{
	DefElem    *option = stash_copy_option(copy, "format");

	return option != NULL && option->arg != NULL ? defGetString(option) : NULL;
}

pg_noreturn static void
refuse_option(const CopyStmt *copy, const DefElem *option,
			  const char *const *allowed, int nallowed)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < nallowed; i++)
		appendStringInfo(&names, ", %s", allowed[i]);
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("option \"%s\" is not allowed with COPY format %s",
					option->defname, stash_copy_format(copy)),
			 errhint("Allowed are: format%s.", names.data)));
}

/*
 * Throw 42601 for an option that is given twice, or that is neither "format" nor
 * one of those allowed.
 */
void
stash_copy_check_options(const CopyStmt *copy, const char *const *allowed,
						 int nallowed)
{
	ListCell   *cell;

	foreach(cell, copy->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);
		bool		is_allowed = strcmp(option->defname, "format") == 0;

		if (stash_copy_option(copy, option->defname) != option)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("option \"%s\" is given twice", option->defname)));
		for (int i = 0; !is_allowed && i < nallowed; i++)
			is_allowed = strcmp(option->defname, allowed[i]) == 0;
		if (!is_allowed)
			refuse_option(copy, option, allowed, nallowed);
	}
}

/*
 * The names of all columns that are not generated.  Without 'has_identity' those
 * that are GENERATED ALWAYS AS IDENTITY are not among them either.
 */
List *
stash_copy_all_columns(Relation rel, bool has_identity)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *names = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (!column->attisdropped && !column->attgenerated &&
			(has_identity || column->attidentity != ATTRIBUTE_IDENTITY_ALWAYS))
			names = lappend(names, makeString(pstrdup(NameStr(column->attname))));
	}
	return names;
}

/*
 * The columns that are copied, a list of names: those that the command names, or
 * all that are not generated.
 */
List *
stash_copy_columns(const CopyStmt *copy, Relation rel)
{
	return copy->attlist != NIL ? copy->attlist :
		stash_copy_all_columns(rel, true);
}
