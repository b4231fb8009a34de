/*-------------------------------------------------------------------------
 *
 * memo_plan.c
 *	  What a plan depends on that no hook tells: casts of texts to times, row
 *	  types, names, collations, JSON, the time, and chance.
 *
 * A text such as 'today' becomes another date each day, a row type is found by
 * a name that another table may take, and a collation has an order that comes
 * with a library.  Where a plan has any of these is read off its text, as the
 * server writes it for parallel workers: that has all nodes and all fields of
 * all versions, and costs no more than a part of making the plan.
 *
 * A value such as a regclass is written, and read, as the name that something
 * has at that time.  What a constant or a parameter names counts as used; of
 * what is read from tables or made by casts nobody knows what it names, and a
 * plan that has it asks the catalogs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodes.h"
#include "nodes/plannodes.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"

static void read_text(StashMemoPlan *facts, const void *node);

/* ---- reading a plan ---- */

/* a field of a node: ":name value" */
typedef struct Field
{
	const char *name;
	Size		len;
	const char *value;
} Field;

static bool
is_field(const Field *field, const char *name)
{
	return field->len == strlen(name) && memcmp(field->name, name, field->len) == 0;
}

static bool
ends_with(const Field *field, const char *end)
{
	Size		len = strlen(end);

	return field->len >= len &&
		memcmp(field->name + field->len - len, end, len) == 0;
}

static Oid
read_oid(const char *value)
{
	return (Oid) strtoul(value, NULL, 10);
}

/* whether a type that a text is read as is, or has in it, a time */
static bool
reads_time(StashMemoPlan *facts, Oid type)
{
	bool		holds = stash_memo_holds_time(type);

	/* one that is made of others may get another column */
	facts->may_change |= !holds && type >= FirstNormalObjectId;
	return holds;
}

/* a list of types, as "(o 25 1082)" */
static bool
any_reads_time(StashMemoPlan *facts, const char *list)
{
	char	   *at = strncmp(list, "(o", 2) == 0 ? unconstify(char *, list) + 2 : NULL;

	while (at != NULL && *at == ' ')
	{
		if (reads_time(facts, (Oid) strtoul(at, &at, 10)))
			return true;
	}
	return false;
}

/* functions that read the values of a row out of JSON */
static bool
reads_rows(Oid function)
{
	switch (function)
	{
		case F_JSON_POPULATE_RECORD:
		case F_JSON_POPULATE_RECORDSET:
		case F_JSON_TO_RECORD:
		case F_JSON_TO_RECORDSET:
		case F_JSONB_POPULATE_RECORD:
		case F_JSONB_POPULATE_RECORDSET:
		case F_JSONB_TO_RECORD:
		case F_JSONB_TO_RECORDSET:
			return true;
		default:
			return false;
	}
}

/*
 * The relation whose row type a type is, or an array of; 0: none that another
 * could take the place of.
 */
static Oid
row_type(Oid type)
{
	Oid			element;
	Oid			relid;

	if (type < FirstNormalObjectId)
		return InvalidOid;
	element = get_element_type(type);
	relid = get_typ_typrelid(OidIsValid(element) ? element : type);
	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		return InvalidOid;
	return relid;
}

/* ---- names ---- */

/*
 * A type whose values name what may be renamed, or lose its name to another,
 * unnoticed.  Any change of what others name makes all answers stale: types that
 * are no rows, operators, collations, text search.
 */
static bool
is_name(Oid type, void *arg)
{
	switch (type)
	{
		case REGCLASSOID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGTYPEOID:
		case REGROLEOID:
		case ACLITEMOID:
#ifdef REGDATABASEOID
		case REGDATABASEOID:	/* from 19 on */
#endif
			return true;
		default:
			return false;
	}
}

/*
 * Whether values of a type are, or have in them, such names.
 */
bool
stash_memo_holds_names(Oid type)
{
	return stash_memo_type_has(type, is_name, NULL);
}

/*
 * A value of such a type, which is known: what it names is used.
 */
void
stash_memo_plan_name(StashMemoPlan *facts, Oid type, Datum value)
{
	Oid			named = is_name(type, NULL) && type != ACLITEMOID ?
	DatumGetObjectId(value) : InvalidOid;

	/* a role of the server may be renamed, too */
	if (OidIsValid(named) && named < FirstNormalObjectId && type != REGROLEOID)
		return;
	if (type == REGCLASSOID && get_rel_relkind(named) != '\0')
		facts->named = list_append_unique_oid(facts->named, named);
	else if ((type == REGPROCOID || type == REGPROCEDUREOID) &&
			 SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(named)))
		facts->functions = list_append_unique_oid(facts->functions, named);
	else if (type == REGTYPEOID && get_typtype(named) != '\0')
		stash_memo_plan_type(facts, named);
	else
		facts->asks_session = true;
}

/* ---- types ---- */

/* functions in SQL whose bodies the planner puts in place of their calls */
static void
see_inlined(StashMemoPlan *facts, const char *condition)
{
	List	   *relations = NIL;
	List	   *items = NIL;
	List	   *functions;
	StashMemoMentions mentions = {0};
	bool		unsure;

	stash_memo_mention(&mentions, stringToNode(condition));
	(void) expression_planner_with_deps(stringToNode(condition), &relations, &items);
	functions = stash_memo_ran_inlined(items, &unsure);
	if (unsure || functions != NIL || mentions.functions != NIL)
		stash_memo_replan_conditions();
	facts->functions = list_concat_unique_oid(facts->functions, functions);
	facts->functions = list_concat_unique_oid(facts->functions, mentions.functions);
	facts->asks_session |= unsure;
	list_free(functions);
}

/* what the planner makes of the conditions of a domain does not tell of them */
static void
see_conditions(StashMemoPlan *facts, Oid domain)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(domain));
	scan = systable_beginscan(rel, ConstraintTypidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		condition = heap_getattr(tuple, Anum_pg_constraint_conbin,
											 RelationGetDescr(rel), &isnull);

		if (!isnull)
			see_inlined(facts, TextDatumGetCString(condition));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* the type that a domain is made of, which may be another one */
static Oid
base_of(Oid domain)
{
	return GetSysCacheOid1(TYPEOID, Anum_pg_type_typbasetype,
						   ObjectIdGetDatum(domain));
}

/* a domain, and what is to know of its conditions */
typedef struct Checks
{
	StashMemoPlan *facts;
	Oid			domain;
} Checks;

/* what a domain checks is evaluated without a hook */
static void
read_checks(void *arg)
{
	Checks	   *checks = arg;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash checks",
												  ALLOCSET_SMALL_SIZES);
	DomainConstraintRef *ref = MemoryContextAlloc(context,
												  sizeof(DomainConstraintRef));
	ListCell   *cell;

	InitDomainConstraintRef(checks->domain, ref, context, false);
	foreach(cell, ref->constraints)
	{
		DomainConstraintState *check = lfirst(cell);

		if (check->check_expr != NULL)
			read_text(checks->facts, check->check_expr);
	}
	MemoryContextDelete(context);
	for (Oid type = checks->domain; get_typtype(type) == TYPTYPE_DOMAIN;
		 type = base_of(type))
		see_conditions(checks->facts, type);
}

/*
 * They are planned for that, which may call functions that the query has no right
 * to, or that fail, and need not call.
 */
static bool
see_checks(Oid type, void *arg)
{
	Checks		checks = {arg, type};

	if (type < FirstNormalObjectId || get_typtype(type) != TYPTYPE_DOMAIN)
		return false;
	checks.facts->may_change = true;
	if (!stash_memo_try(read_checks, &checks))
		checks.facts->asks_session = true;
	return false;
}

static bool
see_row(Oid type, void *arg)
{
	List	  **rows = arg;
	Oid			relid = row_type(type);

	if (OidIsValid(relid))
		*rows = list_append_unique_oid(*rows, relid);
	return false;
}

/*
 * The relations whose row types a type is, or has in it: there a new name of a
 * column shows, too.
 */
List *
stash_memo_plan_rows(Oid type)
{
	List	   *rows = NIL;

	if (type >= FirstNormalObjectId)
		(void) stash_memo_type_has(type, see_row, &rows);
	return rows;
}

/*
 * A type that a plan or a variable has.
 */
void
stash_memo_plan_type(StashMemoPlan *facts, Oid type)
{
	/* other fields are called so, too, and have numbers of other things */
	if (type < BOOLOID || list_member_oid(facts->seen, type) ||
		!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)))
		return;
	facts->seen = lappend_oid(facts->seen, type);
	if (stash_memo_holds_names(type))
		facts->naming = lappend_oid(facts->naming, type);
	if (type < FirstNormalObjectId)
		return;
	facts->rows = list_concat_unique_oid(facts->rows, stash_memo_plan_rows(type));
	(void) stash_memo_type_has(type, see_checks, facts);
}

static void
see_collation(StashMemoPlan *facts, Oid collation)
{
	if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID &&
		collation != C_COLLATION_OID)
		facts->collations = list_append_unique_oid(facts->collations, collation);
}

/* whether a constant that is cast to a type by its text is another one tomorrow */
static bool
is_relative_const(const Const *constant, Oid type)
{
	Oid			output;
	bool		is_varlena;

	if (constant->constisnull || !stash_memo_holds_words(constant->consttype))
		return false;
	getTypeOutputInfo(constant->consttype, &output, &is_varlena);
	return stash_memo_is_relative(type, OidOutputFunctionCall(output,
															  constant->constvalue));
}

/*
 * A cast by the text of a value: 'text' begins before the node, 'field' is the
 * type.  What is cast stands just before it; where that is a constant or a
 * parameter it can be looked at.
 */
static void
see_cast(StashMemoPlan *facts, const char *text, const Field *field)
{
	static const char before[] = "{COERCEVIAIO :arg ";
	static const char param[] = "{PARAM :paramkind 0 :paramid ";
	const Size	len = sizeof(before) - 1;
	Oid			type = read_oid(field->value);
	const char *end = field->name - 2;	/* behind what is cast */
	const char *at = end;

	if (!reads_time(facts, type))
		return;
	while (at - len > text && *at != '{')
		at--;
	if (at - len > text && end[-1] == '}' &&
		memchr(at, '}', end - 1 - at) == NULL &&
		strncmp(at - len, before, len) == 0 &&
		!OidIsValid(get_element_type(getBaseType(type))))
	{
		if (strncmp(at, param, sizeof(param) - 1) == 0 &&
			!stash_memo_holds_zone(type))
		{
			facts->params = lappend_int(facts->params,
										(int) read_oid(at + sizeof(param) - 1));
			return;
		}
		if (strncmp(at, "{CONST ", 7) == 0)
		{
			if (!is_relative_const(stringToNode(pnstrdup(at, end - at)), type))
				return;
		}
	}
	facts->reads_time = true;
}

/* what is found on the way */
typedef struct Reading
{
	bool		was_reader;		/* the last function is one of rows, */
	bool		was_filler;		/* or one of users that fills rows */
	bool		has_rows;		/* one returns records */
	bool		has_columns;	/* a list of columns has a time */
	bool		is_given;		/* the last parameter comes from outside */
	int			param;			/* its number */
} Reading;

static void
see_function(Reading *reading, Oid function)
{
	reading->was_reader = reads_rows(function);
	reading->was_filler = stash_memo_fills_rows(function);
}

/* what a function that reads texts returns */
static void
see_result(StashMemoPlan *facts, Reading *reading, Oid type)
{
	if (reading->was_reader)
		reading->has_rows |= type == RECORDOID;
	if (reading->was_reader ||
		(reading->was_filler && get_typtype(getBaseType(type)) == TYPTYPE_COMPOSITE))
		facts->reads_time |= reads_time(facts, type);
}

/* a constant: 'field' is its type, which is the first */
static void
see_const(StashMemoPlan *facts, const Field *field)
{
	static const char begin[] = "{CONST :";
	const char *at = field->name - (sizeof(begin) - 1);
	Oid			type = read_oid(field->value);

	facts->has_time |= stash_memo_holds_time(type);
	/* which zone it had nobody wrote down */
	facts->asks_session |= stash_memo_holds_zone(type);
	if (list_member_oid(facts->naming, type))
	{
		Const	   *constant = stringToNode(pnstrdup(at, strchr(at, '}') + 1 - at));

		if (!constant->constisnull)
			stash_memo_plan_name(facts, type, constant->constvalue);
	}
}

/* a type that names, of what is no constant */
static void
see_naming(StashMemoPlan *facts, const Reading *reading, const Field *field)
{
	if (is_field(field, "paramtype") && reading->is_given)
		facts->params = list_append_unique_int(facts->params, reading->param);
	else
		facts->asks_session = true;
}

static void
see_field_of_type(StashMemoPlan *facts, Reading *reading, const char *text,
				  const Field *field)
{
	Oid			type = read_oid(field->value);

	stash_memo_plan_type(facts, type);
	if (is_field(field, "consttype"))
		see_const(facts, field);
	else if (list_member_oid(facts->naming, type))
		see_naming(facts, reading, field);
	if (is_field(field, "funcresulttype") || is_field(field, "opresulttype"))
		see_result(facts, reading, type);
	if (is_field(field, "resulttype") &&
		strncmp(field->value + strcspn(field->value, " "), " :resultcollid ", 15) == 0)
		see_cast(facts, text, field);
}

/* who has locked a row changes without a trigger */
static bool
is_of_lock(int number)
{
	return number == MaxTransactionIdAttributeNumber ||
		number == MinCommandIdAttributeNumber ||
		number == MaxCommandIdAttributeNumber;
}

static void
see_field(StashMemoPlan *facts, Reading *reading, const char *text,
		  const Field *field)
{
	if (ends_with(field, "collid"))
		see_collation(facts, read_oid(field->value));
	else if (is_field(field, "funcid") || is_field(field, "opfuncid"))
		see_function(reading, read_oid(field->value));
	else if (is_field(field, "funccoltypes"))
		reading->has_columns |= any_reads_time(facts, field->value);
	/* of XMLTABLE and JSON_TABLE; RETURNING of JSON_VALUE and its like */
	else if (is_field(field, "coltypes"))
		facts->reads_time |= any_reads_time(facts, field->value);
	else if (is_field(field, "repeatable"))
		facts->asks_session |= strncmp(field->value, "<>", 2) == 0;
	else if (is_field(field, "varattno"))
		facts->asks_session |= is_of_lock(atoi(field->value));
	else if (is_field(field, "paramkind"))
		reading->is_given = atoi(field->value) == PARAM_EXTERN;
	else if (is_field(field, "paramid"))
		reading->param = atoi(field->value);
	else if (is_field(field, "absent_on_null"))
		facts->makes_json = true;
	else if (is_field(field, "typid"))
		facts->reads_time |= reads_time(facts, read_oid(field->value));
	/* 'elided_type' is of a node, from 19 on */
	else if ((ends_with(field, "type") && !ends_with(field, "_reltype") &&
			  !is_field(field, "elided_type")) || is_field(field, "row_typeid"))
		see_field_of_type(facts, reading, text, field);
}

/* find the next field of a text; false when there is none */
static bool
next_field(Field *field, const char **at)
{
	const char *colon = strchr(*at, ':');

	if (colon == NULL)
		return false;
	field->name = colon + 1;
	field->len = strcspn(field->name, " )}");
	field->value = field->name + field->len + (field->name[field->len] == ' ');
	*at = field->name + field->len;
	return true;
}

static void
read_text(StashMemoPlan *facts, const void *node)
{
	char	   *text = nodeToString(node);
	const char *at = text;
	Reading		reading = {0};
	Field		field;

	while (next_field(&field, &at))
		see_field(facts, &reading, text, &field);
	facts->reads_time |= reading.has_rows && reading.has_columns;
	facts->asks_session |= stash_catalog_asks_for_time(text);
	pfree(text);
}

/* what was of use while it was read */
static void
end_reading(StashMemoPlan *facts)
{
	list_free(facts->seen);
	list_free(facts->naming);
	facts->seen = facts->naming = NIL;
}

/*
 * What a query has before it is planned: where the values of parameters are
 * known, the planner computes what is made of them, and the plan has only the
 * result.  Its collations; what else it names memo_mention.c knows.
 */
void
stash_memo_plan_query(StashMemoPlan *facts, const Query *query)
{
	char	   *text = nodeToString(query);
	const char *at = text;
	Field		field;

	memset(facts, 0, sizeof(*facts));
	while (next_field(&field, &at))
	{
		if (ends_with(&field, "collid"))
			see_collation(facts, read_oid(field.value));
	}
	pfree(text);
}

/*
 * What an expression depends on that goes past the planner's hook.
 */
void
stash_memo_plan_expression(StashMemoPlan *facts, const Node *node)
{
	memset(facts, 0, sizeof(*facts));
	read_text(facts, node);
	end_reading(facts);
}

/* ---- what was read stays with the plan ---- */

/*
 * Among what makes a plan invalid, in the place of a cache of the server: none
 * has these numbers.
 */
typedef enum Mark
{
	MARK_READ = -1,				/* the plan was read; 0, or the generation of
								 * types in which that is all */
	MARK_READS_TIME = -2,
	MARK_HAS_TIME = -3,
	MARK_PARAM = -4,
	MARK_ROW = -5,
	MARK_COLLATION = -6,
	MARK_ASKS_SESSION = -7,
	MARK_MAKES_JSON = -8,
	MARK_FUNCTION = -9,
	MARK_REGCLASS = -10,
	/* there before the plan is read: functions, relations, types of its query */
	MARK_CALLED = -11,
	MARK_NAMED = -12,
	MARK_TYPE = -13,
	MARK_ASKS_ELSEWHERE = -14
} Mark;

/* changes with any type, or what it is made of or checked by; never 0 */
static uint32 types_generation = 1;

static void
forget_types(Datum arg, int cacheid, uint32 hashvalue)
{
	if (++types_generation == 0)
		types_generation = 1;
}

static void
forget_rows(Datum arg, Oid relid)
{
	forget_types(arg, 0, 0);
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_memo_plan_init(void)
{
	stash_catalog_listen_cache(TYPEOID, forget_types);
	stash_catalog_listen_cache(CONSTROID, forget_types);
	stash_catalog_listen_cache(PROCOID, forget_types);
	stash_catalog_listen(forget_rows);
}

static void
add_mark(PlannedStmt *plan, int mark, uint32 value)
{
	PlanInvalItem *item = makeNode(PlanInvalItem);

	item->cacheId = mark;
	item->hashValue = value;
	plan->invalItems = lappend(plan->invalItems, item);
}

/* those of an earlier reading */
static void
remove_marks(PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->invalItems)
	{
		PlanInvalItem *item = lfirst(cell);

		if (item->cacheId >= 0 || item->cacheId <= MARK_CALLED)
			continue;
		plan->invalItems = foreach_delete_current(plan->invalItems, cell);
		pfree(item);
	}
}

/* 'generation': of types, before the plan was read */
static void
add_marks(PlannedStmt *plan, const StashMemoPlan *facts, uint32 generation)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(plan));
	ListCell   *cell;

	if (facts->reads_time)
		add_mark(plan, MARK_READS_TIME, 0);
	if (facts->has_time)
		add_mark(plan, MARK_HAS_TIME, 0);
	if (facts->asks_session)
		add_mark(plan, MARK_ASKS_SESSION, 0);
	if (facts->makes_json)
		add_mark(plan, MARK_MAKES_JSON, 0);
	foreach(cell, facts->params)
		add_mark(plan, MARK_PARAM, lfirst_int(cell));
	foreach(cell, facts->rows)
		add_mark(plan, MARK_ROW, lfirst_oid(cell));
	foreach(cell, facts->named)
		add_mark(plan, MARK_REGCLASS, lfirst_oid(cell));
	foreach(cell, facts->functions)
		add_mark(plan, MARK_FUNCTION, lfirst_oid(cell));
	foreach(cell, facts->collations)
		add_mark(plan, MARK_COLLATION, lfirst_oid(cell));
	add_mark(plan, MARK_READ, facts->may_change ? generation : 0);
	MemoryContextSwitchTo(old);
}

/* whether they are all of what the plan depends on */
static bool
has_marks(const PlannedStmt *plan)
{
	const PlanInvalItem *last = plan->invalItems != NIL ? llast(plan->invalItems) : NULL;

	return last != NULL && last->cacheId == MARK_READ &&
		(last->hashValue == 0 || last->hashValue == types_generation);
}

static void
read_marks(StashMemoPlan *facts, const PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->invalItems)
	{
		const PlanInvalItem *item = lfirst(cell);

		switch (item->cacheId)
		{
			case MARK_READS_TIME:
				facts->reads_time = true;
				break;
			case MARK_HAS_TIME:
				facts->has_time = true;
				break;
			case MARK_ASKS_SESSION:
			case MARK_ASKS_ELSEWHERE:
				facts->asks_session = true;
				break;
			case MARK_MAKES_JSON:
				facts->makes_json = true;
				break;
			case MARK_PARAM:
				facts->params = lappend_int(facts->params, (int) item->hashValue);
				break;
			case MARK_ROW:
				facts->rows = lappend_oid(facts->rows, item->hashValue);
				break;
			case MARK_REGCLASS:
			case MARK_NAMED:
				facts->named = lappend_oid(facts->named, item->hashValue);
				break;
			case MARK_FUNCTION:
			case MARK_CALLED:
				facts->functions = list_append_unique_oid(facts->functions,
														  item->hashValue);
				break;
			case MARK_COLLATION:
				facts->collations = lappend_oid(facts->collations, item->hashValue);
				break;
			default:
				break;
		}
	}
}

/* types of the query, of which the plan need not have anything */
static void
read_types(StashMemoPlan *facts, const PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->invalItems)
	{
		const PlanInvalItem *item = lfirst(cell);

		if (item->cacheId == MARK_TYPE)
			stash_memo_plan_type(facts, item->hashValue);
	}
}

/*
 * Write down in a new plan which functions of users its query names or were
 * called to make it, of which it may have only what they returned, and what else
 * the query names of which it has nothing.  Where such a function changes the
 * server is to make the plan anew, as it does for those that are in it.
 */
void
stash_memo_plan_called(PlannedStmt *plan, List *functions,
					   const StashMemoMentions *mentions)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(plan));
	ListCell   *cell;

	foreach(cell, functions)
	{
		add_mark(plan, MARK_CALLED, lfirst_oid(cell));
		add_mark(plan, PROCOID, GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(lfirst_oid(cell))));
	}
	foreach(cell, mentions->relations)
	{
		if (!list_member_oid(plan->relationOids, lfirst_oid(cell)))
			add_mark(plan, MARK_NAMED, lfirst_oid(cell));
	}
	foreach(cell, mentions->types)
		add_mark(plan, MARK_TYPE, lfirst_oid(cell));
	if (mentions->asks_session)
		add_mark(plan, MARK_ASKS_ELSEWHERE, 0);
	MemoryContextSwitchTo(old);
}

/*
 * What a plan depends on.  The lists are allocated in the current memory
 * context.  A plan that is kept is read once.
 */
void
stash_memo_plan_read(StashMemoPlan *facts, PlannedStmt *plan)
{
	uint32		generation = types_generation;

	memset(facts, 0, sizeof(*facts));
	if (!has_marks(plan))
		remove_marks(plan);
	read_marks(facts, plan);
	if (has_marks(plan))
		return;
	read_types(facts, plan);
	read_text(facts, plan);
	end_reading(facts);
	add_marks(plan, facts, generation);
}

/*
 * Whether a plan has a constant that is a time.
 */
bool
stash_memo_plan_has_time(PlannedStmt *plan)
{
	StashMemoPlan facts;

	stash_memo_plan_read(&facts, plan);
	return facts.has_time;
}
