/*-------------------------------------------------------------------------
 *
 * assemble_view.c
 *	  Typed views over stashes.
 *
 * A view is plain SQL: a subquery in which stash.elements() opens each value
 * once, and a stash.part() for each column.  So the planner sees all of it,
 * brings conditions on keys, versions and times down to the table, and leaves
 * out the columns that nobody asks for:
 *
 *		SELECT stash.part(e.element, 'etc.age', NULL::integer) AS "etc.age"
 *		FROM (SELECT e.key, stash.elements(e.value, NULL) AS element
 *			  FROM (SELECT ... FROM animals AS s WHERE ...) AS e) AS e
 *
 * What it was made of are constant arguments of stash.view_options() in its
 * WHERE clause, as a stash has its options in a constraint: they dump, restore
 * and rename with the view, and the planner folds the call away.  A refresh
 * reads them, and the columns, from the view's own query tree.
 *
 * Whoever reads the view needs the rights on the stash, as with
 * stash.assemble(): it is made with security_invoker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "assemble.h"
#include "catalog.h"
#include "compat.h"
#include "spi.h"

/* Where a column of a view comes from. */
typedef enum Origin
{
	ORIGIN_ENTRY,				/* the entry's own: _key, _version, ... */
	ORIGIN_KEY,					/* a part of the key */
	ORIGIN_ELEMENT				/* a part of the value */
} Origin;

/* A column of a view. */
typedef struct ViewColumn
{
	const char *label;			/* as SQL calls it: not too long */
	Origin		origin;
	const char *name;			/* of the part */
	Oid			type;
} ViewColumn;

/* How a view was made, and the columns it has. */
typedef struct ViewPlan
{
	StashSource source;
	int			depth;
	bool		has_options;	/* the call of stash.view_options() was found */
	List	   *columns;		/* of ViewColumn */
} ViewPlan;

PG_FUNCTION_INFO_V1(pg_hashstash_view_options);
PG_FUNCTION_INFO_V1(pg_hashstash_create_view);
PG_FUNCTION_INFO_V1(pg_hashstash_refresh_view);

/* ---- columns ---- */

/* add a column; throws 42701 when there is one of its label */
static void
add_column(ViewPlan *plan, const char *label, Origin origin, const char *name,
		   Oid type)
{
	ViewColumn *column = palloc(sizeof(ViewColumn));
	char	   *cut = pstrdup(label);
	ListCell   *cell;

	cut[pg_mbcliplen(cut, strlen(cut), NAMEDATALEN - 1)] = '\0';
	if (cut[0] == '\0')
	{
		ereport(NOTICE,
				(errmsg("values with an empty name are left out"),
				 errdetail("A column must have a name.")));
		return;
	}
	foreach(cell, plan->columns)
	{
		ViewColumn *other = lfirst(cell);

		if (strcmp(other->label, cut) != 0)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("two columns have the name \"%s\"", cut),
				 strlen(label) >= NAMEDATALEN ?
				 errdetail("Names are cut to %d bytes.", NAMEDATALEN - 1) :
				 errdetail("One is a column of the entry, or a part of its key."),
				 strlen(label) >= NAMEDATALEN ?
				 errhint("Give a depth: what lies deeper becomes a jsonb column.") :
				 errhint("Leave it out of metadata, or give the parts of keys another prefix.")));
	}
	column->label = cut;
	column->origin = origin;
	column->name = name;
	column->type = type;
	plan->columns = lappend(plan->columns, column);
}

static void
add_found(ViewPlan *plan, const StashFound *found)
{
	if (found->is_key)
		add_column(plan, found->name, ORIGIN_KEY,
				   found->name + strlen(plan->source.prefix), found->type);
	else
		add_column(plan, found->name, ORIGIN_ELEMENT, found->name, found->type);
}

/* the columns of the entry itself that are asked for */
static void
add_metadata(ViewPlan *plan, ArrayType *names, Oid key_type)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls,
					  &n);
	for (int i = 0; i < n; i++)
	{
		char	   *name = nulls[i] ? "(null)" : TextDatumGetCString(values[i]);

		switch (stash_assemble_entry_column(name))
		{
			case STASH_SOURCE_KEY:
				if (key_type == stash_catalog_variant_type(false))
					add_column(plan, name, ORIGIN_ENTRY, "key", key_type);
				else
					add_column(plan, name, ORIGIN_KEY, "value", key_type);
				break;
			case STASH_SOURCE_KEY_HASH:
				add_column(plan, name, ORIGIN_ENTRY, "key_hash", UUIDOID);
				break;
			case STASH_SOURCE_VERSION:
				add_column(plan, name, ORIGIN_ENTRY, "version", INT8OID);
				break;
			case STASH_SOURCE_CREATED_AT:
				add_column(plan, name, ORIGIN_ENTRY, "created_at",
						   TIMESTAMPTZOID);
				break;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("entries have no column \"%s\"", name),
						 errhint("Use \"_key\", \"_key_hash\", \"_version\" or \"_created_at\".")));
		}
	}
}

/* ---- to SQL ---- */

static const char *
quote_or_null(const char *text)
{
	return text == NULL ? "NULL" : quote_literal_cstr(text);
}

static void
put_column(StringInfo sql, const ViewColumn *column)
{
	if (column->origin == ORIGIN_ENTRY)
		appendStringInfo(sql, "e.%s", column->name);
	else
		appendStringInfo(sql, "stash.part(e.%s, %s, NULL::%s)",
						 column->origin == ORIGIN_KEY ? "key" : "element",
						 quote_literal_cstr(column->name),
						 format_type_extended(column->type, -1,
											  FORMAT_TYPE_FORCE_QUALIFY));
	appendStringInfo(sql, " AS %s", quote_identifier(column->label));
}

/* the call that remembers how the view was made */
static char *
options_call(const ViewPlan *plan, const char *stash)
{
	return psprintf("stash.view_options(%s::pg_catalog.regclass, %s::pg_catalog.regprocedure, "
					"%s::pg_catalog.text, %s::pg_catalog.text, %s::pg_catalog.int4)",
					quote_literal_cstr(stash),
					OidIsValid(plan->source.function) ?
					psprintf("'%u'", plan->source.function) : "NULL",
					quote_or_null(plan->source.prefix),
					quote_or_null(plan->source.explode),
					plan->depth > 0 ? psprintf("%d", plan->depth) : "NULL");
}

/* 'create' are the first words of the statement, as far as AS */
static void
make_view(const ViewPlan *plan, const char *create)
{
	StringInfoData sql;
	Relation	rel;
	StashStore *store = stash_store_open(plan->source.relid, &rel,
										 AccessShareLock);
	ListCell   *cell;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s SELECT ", create);
	foreach(cell, plan->columns)
	{
		if (cell != list_head(plan->columns))
			appendStringInfoString(&sql, ", ");
		put_column(&sql, lfirst(cell));
	}
	appendStringInfo(&sql, " FROM (SELECT e.key_hash, e.key, e.version, e.created_at, "
					 "stash.elements(e.value, %s) AS element FROM %s) AS e",
					 quote_or_null(plan->source.explode),
					 stash_assemble_from(&plan->source, store,
										 options_call(plan, store->name)));
	relation_close(rel, NoLock);
	stash_spi_run(sql.data);
	CommandCounterIncrement();
}

/* ---- from a view's query ---- */

/* true when an expression calls the function of this name in our schema */
static bool
is_call(Node *node, const char *function)
{
	Oid			oid = IsA(node, FuncExpr) ? ((FuncExpr *) node)->funcid : InvalidOid;

	return OidIsValid(oid) && strcmp(get_func_name(oid), function) == 0 &&
		get_func_namespace(oid) == get_namespace_oid("stash", true);
}

/* the constant argument of a call, or NULL for a NULL */
static Const *
constant_argument(Node *call, int n)
{
	Node	   *arg = list_nth(((FuncExpr *) call)->args, n);

	if (!IsA(arg, Const))
		elog(ERROR, "unexpected argument of %s",
			 get_func_name(((FuncExpr *) call)->funcid));
	return ((Const *) arg)->constisnull ? NULL : (Const *) arg;
}

static char *
text_argument(Node *call, int n)
{
	Const	   *constant = constant_argument(call, n);

	return constant == NULL ? NULL : TextDatumGetCString(constant->constvalue);
}

static void
read_view_options(ViewPlan *plan, Node *call)
{
	Const	   *function = constant_argument(call, 1);
	Const	   *depth = constant_argument(call, 4);

	plan->source.relid = DatumGetObjectId(constant_argument(call, 0)->constvalue);
	plan->source.function = function == NULL ? InvalidOid :
		DatumGetObjectId(function->constvalue);
	plan->source.prefix = text_argument(call, 2);
	plan->source.explode = text_argument(call, 3);
	plan->depth = depth == NULL ? 0 : DatumGetInt32(depth->constvalue);
	plan->has_options = true;
}

static bool
find_options(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (is_call(node, "view_options"))
	{
		read_view_options(arg, node);
		return true;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_options, arg, 0);
	return expression_tree_walker(node, find_options, arg);
}

/* the name of a column of the view's subquery */
static const char *
column_of(Query *query, Node *node)
{
	Var		   *var = (Var *) node;

	if (!IsA(node, Var) || var->varattno < 1)
		return "";
	return get_rte_attribute_name(rt_fetch(var->varno, query->rtable),
								  var->varattno);
}

/* false for a column that we did not make */
static bool
read_column(ViewPlan *plan, Query *query, TargetEntry *target)
{
	Node	   *expr = (Node *) target->expr;
	const char *from;

	if (IsA(expr, Var))
	{
		add_column(plan, target->resname, ORIGIN_ENTRY,
				   column_of(query, expr), exprType(expr));
		return true;
	}
	if (!is_call(expr, "part"))
		return false;
	from = column_of(query, linitial(((FuncExpr *) expr)->args));
	if (strcmp(from, "key") != 0 && strcmp(from, "element") != 0)
		return false;
	add_column(plan, target->resname,
			   strcmp(from, "key") == 0 ? ORIGIN_KEY : ORIGIN_ELEMENT,
			   text_argument(expr, 1), exprType(expr));
	return true;
}

/* read how a view was made; throws 42809 for another one */
static void
read_view(ViewPlan *plan, Relation view)
{
	Query	   *query = NULL;
	bool		is_ours = view->rd_rel->relkind == RELKIND_VIEW;
	ListCell   *cell;

	if (is_ours)
	{
		query = get_view_query(view);
		(void) find_options((Node *) query, plan);
		is_ours = plan->has_options;
	}
	if (is_ours)
	{
		foreach(cell, query->targetList)
			is_ours = is_ours && read_column(plan, query, lfirst(cell));
	}
	if (!is_ours)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a view of a stash",
						RelationGetRelationName(view)),
				 errhint("Make one with stash.create_view().")));
}

/* the elements of a text[], with commas */
static char *
join(Datum array)
{
	StringInfoData joined;
	Datum	   *values;
	int			n;

	initStringInfo(&joined);
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &values, NULL, &n);
	for (int i = 0; i < n; i++)
		appendStringInfo(&joined, "%s%s", i > 0 ? ", " : "",
						 TextDatumGetCString(values[i]));
	return joined.data;
}

/* the WITH clause of a view, or nothing */
static char *
with_options(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	StringInfoData with;
	Datum		options;
	bool		isnull;

	initStringInfo(&with);
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	if (!isnull)
		appendStringInfo(&with, " WITH (%s)", join(options));
	ReleaseSysCache(tuple);
	return with.data;
}

/* ---- SQL ---- */

/*
 * stash.view_options(stash regclass, function regprocedure, prefix text,
 *                    explode text, depth int) returns bool
 *
 * Always true, so that a view can carry its arguments.
 * Immutable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_view_options(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/*
 * stash.create_view(stash regclass DEFAULT NULL, view text DEFAULT NULL,
 *                   function regprocedure DEFAULT NULL,
 *                   prefix text DEFAULT NULL, explode text DEFAULT NULL,
 *                   depth int DEFAULT NULL, metadata text[] DEFAULT NULL)
 * returns regclass
 *
 * Args:    view      its name, with a schema or without
 *          metadata  columns of entries that it shall have, of _key, _key_hash,
 *                    _version and _created_at; they come first
 *          others    those of stash.columns()
 * Errors:  those of stash.columns() and CREATE VIEW; 42701 when two columns
 *          would have one name, 22023 for other metadata, 02000 when nothing
 *          is in the stash yet
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_create_view(PG_FUNCTION_ARGS)
{
	ViewPlan	plan = {0};
	RangeVar   *name;
	Oid			schema;
	List	   *found;
	ListCell   *cell;
	int64		nelements;
	Oid			key_type;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("view must not be null")));
	stash_assemble_read_source(&plan.source, fcinfo, 0, 2);
	plan.depth = stash_assemble_depth(fcinfo, 5);
	name = makeRangeVarFromNameList(stash_compat_name_list(text_to_cstring(PG_GETARG_TEXT_PP(1))));
	/* as the server would have it */
	if (get_rel_persistence(plan.source.relid) == RELPERSISTENCE_TEMP)
		name->relpersistence = RELPERSISTENCE_TEMP;
	schema = RangeVarGetCreationNamespace(name);
	found = stash_assemble_infer(&plan.source, plan.depth, &nelements, &key_type);
	if (nelements == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("there is nothing to assemble yet"),
				 errhint("The columns of the view are found in what the stash has.")));
	if (!PG_ARGISNULL(6))
		add_metadata(&plan, PG_GETARG_ARRAYTYPE_P(6), key_type);
	foreach(cell, found)
		add_found(&plan, lfirst(cell));
	make_view(&plan, psprintf("CREATE VIEW %s WITH (security_invoker = true) AS",
							  quote_qualified_identifier(get_namespace_name(schema),
														 name->relname)));
	PG_RETURN_OID(get_relname_relid(name->relname, schema));
}

/* note a change of a view's column */
static void
put_change(ReturnSetInfo *result, const char *name, const char *change,
		   Oid type, Oid was)
{
	Datum		values[4];
	bool		nulls[4] = {false, false, false, !OidIsValid(was)};

	values[0] = CStringGetTextDatum(name);
	values[1] = CStringGetTextDatum(change);
	values[2] = ObjectIdGetDatum(type);
	values[3] = ObjectIdGetDatum(was);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static ViewColumn *
find_column(const ViewPlan *plan, const StashFound *found)
{
	const char *name = found->is_key ?
	found->name + strlen(plan->source.prefix) : found->name;
	ListCell   *cell;

	foreach(cell, plan->columns)
	{
		ViewColumn *column = lfirst(cell);

		if (column->origin == (found->is_key ? ORIGIN_KEY : ORIGIN_ELEMENT) &&
			strcmp(column->name, name) == 0 &&
			(!found->is_key || stash_assemble_entry_column(column->label) < 0))
			return column;
	}
	return NULL;
}

/*
 * stash.refresh_view(view regclass)
 * returns setof (name text, change text, type regtype, was regtype)
 *
 * Add the columns of names that are new.
 *
 * Returns: what changed: "added" for new columns; "wider" for those whose
 *          type has no room for all values any more, which a view cannot
 *          change: then it has to be made anew.  Columns that nothing has a
 *          value for stay.
 * Errors:  42809 no view of a stash; those of stash.create_view()
 * Volatile, parallel unsafe, strict.
 */
Datum
pg_hashstash_refresh_view(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			relid = PG_GETARG_OID(0);
	Relation	view = relation_open(relid, AccessShareLock);
	char	   *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(view)),
												  RelationGetRelationName(view));
	ViewPlan	plan = {0};
	List	   *columns;
	ListCell   *cell;
	int64		nelements;
	Oid			key_type;
	bool		has_more = false;

	read_view(&plan, view);
	relation_close(view, AccessShareLock);
	stash_compat_materialize(fcinfo);
	columns = stash_assemble_infer(&plan.source, plan.depth, &nelements, &key_type);
	foreach(cell, columns)
	{
		StashFound *found = lfirst(cell);
		ViewColumn *column = find_column(&plan, found);
		Oid			type;

		if (column == NULL)
		{
			int			before = list_length(plan.columns);

			add_found(&plan, found);
			if (list_length(plan.columns) == before)
				continue;
			put_change(result, found->name, "added", found->type, InvalidOid);
			has_more = true;
			continue;
		}
		type = stash_assemble_widen(column->type, found);
		if (type != column->type)
			put_change(result, found->name, "wider", type, column->type);
	}
	if (has_more)
		make_view(&plan, psprintf("CREATE OR REPLACE VIEW %s%s AS", name,
								  with_options(relid)));
	return (Datum) 0;
}
