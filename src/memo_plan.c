/*-------------------------------------------------------------------------
 *
 * memo_plan.c
 *	  What a plan depends on that no hook tells: casts of texts to times, row
 *	  types, collations, JSON, and chance.
 *
 * A text such as 'today' becomes another date each day, a row type is found by
 * a name that another table may take, and a collation has an order that comes
 * with a library.  Where a plan has any of these is read off its text, as the
 * server writes it for parallel workers: that has all nodes and all fields of
 * all versions, and costs no more than a part of making the plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "nodes/plannodes.h"
#include "nodes/primnodes.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "compat.h"
#include "memo.h"

/* ---- times ---- */

/* whether a user's type is read by what may ask for the time */
static bool
is_read_unseen(Oid type)
{
	Oid			input;
	Oid			param;

	if (type < FirstNormalObjectId || get_typtype(type) != TYPTYPE_BASE)
		return false;
	getTypeInputInfo(type, &input, &param);
	return input >= FirstNormalObjectId &&
		func_volatile(input) != PROVOLATILE_IMMUTABLE;
}

static bool
row_holds_time(Oid type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_noerror(type, -1, true);
	bool		found = false;

	if (desc == NULL)
		return false;
	for (int i = 0; !found && i < desc->natts; i++)
		found = !TupleDescAttr(desc, i)->attisdropped &&
			stash_memo_holds_time(TupleDescAttr(desc, i)->atttypid);
	ReleaseTupleDesc(desc);
	return found;
}

/*
 * Whether a text that is read as a value of a type may be read as a date or a
 * time, as a whole or in part.
 */
bool
stash_memo_holds_time(Oid type)
{
	Oid			part;

	check_stack_depth();
	type = getBaseType(type);
	switch (type)
	{
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			break;
	}
	part = get_element_type(type);
	if (!OidIsValid(part))
		part = get_range_subtype(type);
	if (!OidIsValid(part))
		part = get_multirange_range(type);
	if (OidIsValid(part))
		return stash_memo_holds_time(part);
	if (get_typtype(type) == TYPTYPE_COMPOSITE)
		return row_holds_time(type);
	return is_read_unseen(type);
}

/*
 * Whether values of a type may be, or have in them, words such as 'today'.
 */
bool
stash_memo_holds_words(Oid type)
{
	Oid			element = get_element_type(getBaseType(type));
	char		category;
	bool		is_preferred;

	if (OidIsValid(element))
		return stash_memo_holds_words(element);
	get_type_category_preferred(type, &category, &is_preferred);
	return strchr("BDGINTV", category) == NULL;
}

/*
 * Whether a value that becomes a time is such a word.
 */
bool
stash_memo_is_word(Oid type, Datum value)
{
	Oid			output;
	bool		is_varlena;

	if (!stash_memo_holds_words(type))
		return false;
	getTypeOutputInfo(type, &output, &is_varlena);
	return stash_memo_is_relative_time(OidOutputFunctionCall(output, value));
}

/* a list, a range or a row, of whatever length, with a word in it */
static bool
has_relative_part(const char *text)
{
	static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};

	if (text[0] == '\0' || strchr("{[(", text[0]) == NULL)
		return false;
	for (int i = 0; i < lengthof(words); i++)
	{
		if (stash_memo_has_word(text, words[i]) != NULL)
			return true;
	}
	return false;
}

/*
 * Whether a text in SQL or PL/pgSQL has a string in it that means another time
 * tomorrow.  One that becomes a time does so when the text is parsed, and
 * nothing tells that afterwards.
 *
 * Whatever stands between two quotes counts, for SQL may stand in strings; what
 * is written with escapes is not recognized.
 */
bool
stash_memo_has_relative_string(const char *source)
{
	const char *at = strpbrk(source, "'$");
	bool		found = false;

	while (at != NULL && !found)
	{
		const char *end = strpbrk(++at, "'$");
		char	   *part;

		if (end == NULL)
			break;
		while (scanner_isspace(*at))
			at++;
		if (end > at)
		{
			part = pnstrdup(at, end - at);
			found = has_relative_part(part) || stash_memo_is_relative_time(part);
			pfree(part);
		}
		at = end;
	}
	return found;
}

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
Oid
stash_memo_row_type(Oid type)
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

static void
see_type(StashMemoPlan *facts, Oid type)
{
	Oid			relid;

	if (type < FirstNormalObjectId || list_member_oid(facts->seen, type))
		return;
	facts->seen = lappend_oid(facts->seen, type);
	relid = stash_memo_row_type(type);
	if (OidIsValid(relid))
		facts->rows = list_append_unique_oid(facts->rows, relid);
}

static void
see_collation(StashMemoPlan *facts, Oid collation)
{
	if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID &&
		collation != C_COLLATION_OID)
		facts->collations = list_append_unique_oid(facts->collations, collation);
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
		if (strncmp(at, param, sizeof(param) - 1) == 0)
		{
			facts->params = lappend_int(facts->params,
										(int) read_oid(at + sizeof(param) - 1));
			return;
		}
		if (strncmp(at, "{CONST ", 7) == 0)
		{
			Const	   *constant = stringToNode(pnstrdup(at, end - at));

			if (constant->constisnull ||
				!stash_memo_is_word(constant->consttype, constant->constvalue))
				return;
		}
	}
	facts->reads_time = true;
}

/* what is found on the way */
typedef struct Reading
{
	bool		was_reader;		/* the last function is one of rows */
	bool		has_rows;		/* one returns records */
	bool		has_columns;	/* a list of columns has a time */
} Reading;

static void
see_field_of_type(StashMemoPlan *facts, Reading *reading, const char *text,
				  const Field *field)
{
	Oid			type = read_oid(field->value);

	see_type(facts, type);
	if (is_field(field, "consttype") && stash_memo_holds_time(type))
		facts->has_time = true;
	if (is_field(field, "funcresulttype") && reading->was_reader)
	{
		reading->has_rows |= type == RECORDOID;
		facts->reads_time |= reads_time(facts, type);
	}
	if (is_field(field, "resulttype") &&
		strncmp(field->value + strcspn(field->value, " "), " :resultcollid ", 15) == 0)
		see_cast(facts, text, field);
}

static void
see_field(StashMemoPlan *facts, Reading *reading, const char *text,
		  const Field *field)
{
	if (ends_with(field, "collid"))
		see_collation(facts, read_oid(field->value));
	else if (is_field(field, "funcid"))
		reading->was_reader = reads_rows(read_oid(field->value));
	else if (is_field(field, "funccoltypes"))
		reading->has_columns |= any_reads_time(facts, field->value);
	/* of XMLTABLE and JSON_TABLE; RETURNING of JSON_VALUE and its like */
	else if (is_field(field, "coltypes"))
		facts->reads_time |= any_reads_time(facts, field->value);
	else if (is_field(field, "repeatable"))
		facts->by_chance |= strncmp(field->value, "<>", 2) == 0;
	else if (is_field(field, "absent_on_null"))
		facts->makes_json = true;
	else if (is_field(field, "typid"))
		facts->reads_time |= reads_time(facts, read_oid(field->value));
	else if (ends_with(field, "type") || is_field(field, "row_typeid"))
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
read_text(StashMemoPlan *facts, const PlannedStmt *plan)
{
	char	   *text = nodeToString(plan);
	const char *at = text;
	Reading		reading = {0};
	Field		field;

	while (next_field(&field, &at))
		see_field(facts, &reading, text, &field);
	facts->reads_time |= reading.has_rows && reading.has_columns;
	list_free(facts->seen);
	facts->seen = NIL;
	pfree(text);
}

/*
 * The collations that a query has before it is planned: where the values of
 * parameters are known, the planner computes what is made of them, and the plan
 * has only the result.
 */
List *
stash_memo_query_collations(const Query *query)
{
	StashMemoPlan facts = {0};
	char	   *text = nodeToString(query);
	const char *at = text;
	Field		field;

	while (next_field(&field, &at))
	{
		if (ends_with(&field, "collid"))
			see_collation(&facts, read_oid(field.value));
	}
	pfree(text);
	return facts.collations;
}

/* ---- what was read stays with the plan ---- */

/*
 * Among what makes a plan invalid, in the place of a cache of the server: none
 * has these numbers.
 */
typedef enum Mark
{
	MARK_READ = -1,				/* the plan was read */
	MARK_READS_TIME = -2,
	MARK_HAS_TIME = -3,
	MARK_PARAM = -4,
	MARK_ROW = -5,
	MARK_COLLATION = -6,
	MARK_BY_CHANCE = -7,
	MARK_MAKES_JSON = -8,
	MARK_FUNCTION = -9			/* before the plan is read */
} Mark;

static void
add_mark(PlannedStmt *plan, Mark mark, uint32 value)
{
	PlanInvalItem *item = makeNode(PlanInvalItem);

	item->cacheId = mark;
	item->hashValue = value;
	plan->invalItems = lappend(plan->invalItems, item);
}

static void
add_marks(PlannedStmt *plan, const StashMemoPlan *facts)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(plan));
	ListCell   *cell;

	if (facts->reads_time)
		add_mark(plan, MARK_READS_TIME, 0);
	if (facts->has_time)
		add_mark(plan, MARK_HAS_TIME, 0);
	if (facts->by_chance)
		add_mark(plan, MARK_BY_CHANCE, 0);
	if (facts->makes_json)
		add_mark(plan, MARK_MAKES_JSON, 0);
	foreach(cell, facts->params)
		add_mark(plan, MARK_PARAM, lfirst_int(cell));
	foreach(cell, facts->rows)
		add_mark(plan, MARK_ROW, lfirst_oid(cell));
	foreach(cell, facts->collations)
		add_mark(plan, MARK_COLLATION, lfirst_oid(cell));
	add_mark(plan, MARK_READ, 0);
	MemoryContextSwitchTo(old);
}

/* false when they are not all of what the plan depends on */
static bool
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
			case MARK_BY_CHANCE:
				facts->by_chance = true;
				break;
			case MARK_MAKES_JSON:
				facts->makes_json = true;
				break;
			case MARK_FUNCTION:
				facts->functions = lappend_oid(facts->functions, item->hashValue);
				break;
			case MARK_PARAM:
				facts->params = lappend_int(facts->params, (int) item->hashValue);
				break;
			case MARK_ROW:
				facts->rows = lappend_oid(facts->rows, item->hashValue);
				break;
			case MARK_COLLATION:
				facts->collations = lappend_oid(facts->collations, item->hashValue);
				break;
			default:
				break;
		}
	}
	return plan->invalItems != NIL &&
		llast_node(PlanInvalItem, plan->invalItems)->cacheId == MARK_READ;
}

/*
 * Write down in a new plan which functions of users were called to make it:
 * where they are IMMUTABLE it has only what they returned.
 */
void
stash_memo_plan_called(PlannedStmt *plan, List *functions)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(plan));
	ListCell   *cell;

	foreach(cell, functions)
		add_mark(plan, MARK_FUNCTION, lfirst_oid(cell));
	MemoryContextSwitchTo(old);
}

/*
 * What a plan depends on.  The lists are allocated in the current memory
 * context.  A plan that is kept is read once.
 */
void
stash_memo_plan_read(StashMemoPlan *facts, PlannedStmt *plan)
{
	memset(facts, 0, sizeof(*facts));
	if (read_marks(facts, plan))
		return;
	read_text(facts, plan);
	if (!facts->may_change)
		add_marks(plan, facts);
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
