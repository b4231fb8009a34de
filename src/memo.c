/*-------------------------------------------------------------------------
 *
 * memo.c
 *	  Memoized functions.
 *
 * What is known of a function in language stash is built from its body and
 * dropped when any function or schema changes.  Replaced ones are freed at the
 * end of the transaction, for a caller further up the stack may still use them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"
#include "memo_setting.h"

typedef struct MemoSlot
{
	Oid			function;		/* must be first */
	StashMemo  *memo;
} MemoSlot;

bool		stash_memo_enabled = true;
int			stash_memo_mode = STASH_MEMO_MODE_ON;
double		stash_memo_min_cost = 0;	/* ms, for memos that say none */

static HTAB *memos;				/* function to MemoSlot */
static MemoryContext memos_context;
static MemoryContext retired_context;
uint64		stash_memo_generation = 1;	/* of all memos; see
										 * stash_memo_lookup() */
uint64		stash_memo_function_news = 0;	/* counted: of them those of
											 * functions */
static bool is_stale;

/*
 * The server makes plans anew in which it has computed an IMMUTABLE function
 * when that changes.  Of one that is memoized the target counts.
 */
typedef struct Folded
{
	uint32		target;			/* as messages to the caches name them */
	uint32		wrapper;
} Folded;

static HTAB *folded;			/* NULL: none yet */

static const struct config_enum_entry mode_names[] = {
	{"off", STASH_MEMO_MODE_OFF, false},
	{"on", STASH_MEMO_MODE_ON, false},
	{"refresh", STASH_MEMO_MODE_REFRESH, false},
	{"readonly", STASH_MEMO_MODE_READONLY, false},
	{NULL, 0, false}
};

/* ---- memos ---- */

static void
forget_functions(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS scan;
	Folded	   *pair;

	is_stale = true;
	stash_memo_generation++;
	stash_memo_function_news++;
	if (folded == NULL || cacheid != PROCOID || hashvalue == 0)
		return;
	hash_seq_init(&scan, folded);
	while ((pair = hash_seq_search(&scan)) != NULL)
	{
		if (pair->target == hashvalue && pair->wrapper != hashvalue)
			CallSyscacheCallbacks(PROCOID, pair->wrapper);
	}
}

static void
note_folded(const StashMemo *memo)
{
	Folded		pair = {
		GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(memo->target)),
		GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(memo->function))
	};

	if (memo->volatility != PROVOLATILE_IMMUTABLE || memo->is_plain)
		return;
	if (folded == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Folded);
		ctl.entrysize = sizeof(Folded);
		folded = hash_create("pg_hashstash folded memos", 32, &ctl,
							 HASH_ELEM | HASH_BLOBS);
	}
	(void) hash_search(folded, &pair, HASH_ENTER, NULL);
}

/* a stash that was made, dropped or renamed */
static void
forget_relations(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	MemoSlot   *slot;

	if (is_stale || memos == NULL)
		return;
	hash_seq_init(&scan, memos);
	while ((slot = hash_seq_search(&scan)) != NULL)
	{
		if (slot->memo->body.stash != NULL &&
			(!OidIsValid(relid) || !OidIsValid(slot->memo->stash) ||
			 slot->memo->stash == relid))
		{
			hash_seq_term(&scan);
			is_stale = true;
			stash_memo_generation++;
			return;
		}
	}
}

static void
free_retired(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		stash_memo_stat_settle();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE || event == XACT_EVENT_PARALLEL_COMMIT ||
		event == XACT_EVENT_PARALLEL_ABORT)
	{
		/* what they have counted is in them */
		stash_memo_stat_flush();
		MemoryContextDeleteChildren(retired_context);
	}
}

static void
start_generation(void)
{
	HASHCTL		ctl = {0};

	if (memos_context != NULL)
		MemoryContextSetParent(memos_context, retired_context);
	memos = NULL;
	memos_context = AllocSetContextCreate(TopMemoryContext,
										  "pg_hashstash memos",
										  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(MemoSlot);
	ctl.hcxt = memos_context;
	memos = hash_create("pg_hashstash memos", 32, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	is_stale = false;
}

/*
 * Register callbacks and settings; called once when the library is loaded.
 */
void
stash_memo_init(void)
{
	retired_context = AllocSetContextCreate(TopMemoryContext,
											"pg_hashstash retired memos",
											ALLOCSET_START_SMALL_SIZES);
	is_stale = true;
	stash_catalog_listen_cache(PROCOID, forget_functions);
	stash_catalog_listen_cache(NAMESPACEOID, forget_functions);
	stash_catalog_listen(forget_relations);
	RegisterXactCallback(free_retired, NULL);
	stash_memo_role_init();
	stash_memo_settings_init();
	stash_memo_key_init();
	stash_memo_cache_init();
	stash_memo_shared_init();
	stash_memo_trace_init();
	stash_memo_names_init();
	stash_memo_verify_init();
	stash_memo_flight_init();
	stash_memo_explain_init();
	stash_memo_map_init();

	DefineCustomBoolVariable("pg_hashstash.enabled",
							 "Switches remembering on or off altogether.",
							 NULL, &stash_memo_enabled, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("pg_hashstash.memo",
							 "What memoized functions do.",
							 "on: use and keep results; off: compute; refresh: compute and replace; readonly: use, do not keep.",
							 &stash_memo_mode, STASH_MEMO_MODE_ON, mode_names,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("pg_hashstash.min_cost",
							 "Results that took less time to compute are not kept.",
							 "An option min_cost of the memoized function goes before it.",
							 &stash_memo_min_cost, 0, 0, INT_MAX,
							 PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
}

static char *
signature_of(Oid function)
{
	return format_procedure_extended(function, FORMAT_PROC_FORCE_QUALIFY);
}

/* names and types of all arguments, those of the result among them */
static void
describe_arguments(StringInfo out, HeapTuple tuple)
{
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			nargs = get_func_arg_info(tuple, &types, &names, &modes);

	for (int i = 0; i < nargs; i++)
		appendStringInfo(out, "%c %s %s, ", modes ? modes[i] : PROARGMODE_IN,
						 names ? quote_identifier(names[i]) : "-",
						 format_type_be_qualified(types[i]));
}

/*
 * Everything that makes a function do what it does, as one text.  By name as
 * far as possible, so that it is the same in a database with other OIDs.
 */
static char *
describe_definition(HeapTuple tuple)
{
	StringInfoData out;
	static const int columns[] = {
		Anum_pg_proc_prosrc, Anum_pg_proc_probin, Anum_pg_proc_prosqlbody,
		Anum_pg_proc_proconfig
	};
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

	initStringInfo(&out);
	appendStringInfo(&out, "%s %s %d %c%c ",
					 quote_identifier(get_language_name(form->prolang, false)),
					 format_type_be_qualified(form->prorettype),
					 form->proretset, form->provolatile,
					 form->proisstrict ? 's' : 'n');
	if (form->prosecdef)
		appendStringInfo(&out, "definer=%s(%u) ",
						 quote_identifier(GetUserNameFromId(form->proowner, false)),
						 form->proowner);
	describe_arguments(&out, tuple);
	for (int i = 0; i < lengthof(columns); i++)
	{
		bool		isnull;
		Datum		datum = SysCacheGetAttr(PROCOID, tuple, columns[i], &isnull);

		if (isnull)
			appendStringInfoString(&out, "- ");
		else
		{
			struct varlena *packed = PG_DETOAST_DATUM_PACKED(datum);
			StashHash128 hash = stash_hash_bytes128(VARDATA_ANY(packed),
													VARSIZE_ANY_EXHDR(packed));

			for (int j = 0; j < sizeof(hash.data); j++)
				appendStringInfo(&out, "%02x", hash.data[j]);
			appendStringInfo(&out, ":%zu ", (Size) VARSIZE_ANY_EXHDR(packed));
		}
	}
	return out.data;
}

/*
 * Whether a function is in language stash; false when there is none.
 */
bool
stash_memo_is_memoized(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			language;

	if (!HeapTupleIsValid(tuple))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	ReleaseSysCache(tuple);
	return language == get_language_oid("stash", true);
}

/* ---- names in bodies ---- */

/*
 * The schema and the name in a name of two parts; the schema may be missing.
 *
 * Nobody's right to look into the schema is asked for here: bodies are read
 * on behalf of whoever calls first.  See stash_memo_check_target().
 */
static Oid
split_name(const char *qualified, char **name)
{
	List	   *names = stash_compat_name_list(qualified);

	*name = strVal(lsecond(names));
	return get_namespace_oid(strVal(linitial(names)), true);
}

/* the function of that name with the argument types of a wrapper */
static Oid
find_function(Oid nsp, const char *name, Form_pg_proc wrapper)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(&wrapper->proargtypes),
						   ObjectIdGetDatum(nsp));
}

static Oid
find_named_target(const StashMemoBody *body, Form_pg_proc wrapper)
{
	char	   *name;
	Oid			nsp = split_name(body->target, &name);

	return find_function(nsp, name, wrapper);
}

static Oid
find_named_stash(const StashMemoBody *body)
{
	char	   *name;
	Oid			nsp;

	if (body->stash == NULL)
		return InvalidOid;
	nsp = split_name(body->stash, &name);
	return OidIsValid(nsp) ? get_relname_relid(name, nsp) : InvalidOid;
}

/* ---- what bodies named when they were written ---- */

/* whether a function could be the target of a wrapper */
static bool
takes_the_same(Oid function, Form_pg_proc wrapper)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	oidvector  *types;
	bool		same;

	if (!HeapTupleIsValid(tuple))
		return false;
	types = &((Form_pg_proc) GETSTRUCT(tuple))->proargtypes;
	same = types->dim1 == wrapper->proargtypes.dim1 &&
		memcmp(types->values, wrapper->proargtypes.values,
			   types->dim1 * sizeof(Oid)) == 0;
	ReleaseSysCache(tuple);
	return same && function != wrapper->oid;
}

static bool
is_of_entries(Oid relid)
{
	return GetSysCacheOid1(RELOID, Anum_pg_class_reloftype,
						   ObjectIdGetDatum(relid)) == stash_catalog_entry_type();
}

/* whether an object is what the default of an argument uses */
typedef struct Use
{
	Oid			class;
	Oid			object;
} Use;

static bool
is_called(Oid function, void *context)
{
	Use		   *use = context;

	return use->class == ProcedureRelationId && use->object == function;
}

/* it may stand there as a call, or as a constant of a type for such objects */
static bool
is_used(Node *node, void *context)
{
	Use		   *use = context;

	if (node == NULL)
		return false;
	if (IsA(node, Const))
	{
		Const	   *constant = (Const *) node;
		bool		is_name = use->class == RelationRelationId ?
		constant->consttype == REGCLASSOID :
		constant->consttype == REGPROCOID ||
		constant->consttype == REGPROCEDUREOID;

		return is_name && !constant->constisnull &&
			DatumGetObjectId(constant->constvalue) == use->object;
	}
	return check_functions_in_node(node, is_called, context) ||
		expression_tree_walker(node, is_used, context);
}

static bool
is_recorded(HeapTuple wrapper, Node *defaults, Form_pg_depend depend,
			Oid class)
{
	Oid			object = depend->refobjid;
	Use			use = {class, object};

	if (depend->refclassid != class || depend->refobjsubid != 0 ||
		depend->deptype != DEPENDENCY_NORMAL ||
		is_used(defaults, &use))
		return false;
	return class == RelationRelationId ? is_of_entries(object) :
		takes_the_same(object, (Form_pg_proc) GETSTRUCT(wrapper));
}

/*
 * The function, or table, that the body of a wrapper named when the validator
 * wrote down what it depends on.  0 when that is not to be told for sure.
 */
static Oid
find_recorded(HeapTuple wrapper, Oid class)
{
	Relation	pg_depend = table_open(DependRelationId, AccessShareLock);
	bool		isnull;
	Datum		datum = SysCacheGetAttr(PROCOID, wrapper,
										Anum_pg_proc_proargdefaults, &isnull);
	Node	   *defaults = isnull ? NULL : stringToNode(TextDatumGetCString(datum));
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ,
				ObjectIdGetDatum(((Form_pg_proc) GETSTRUCT(wrapper))->oid));
	scan = systable_beginscan(pg_depend, DependDependerIndexId, true, NULL, 2,
							  key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (is_recorded(wrapper, defaults, depend, class))
			found = list_append_unique_oid(found, depend->refobjid);
	}
	systable_endscan(scan);
	table_close(pg_depend, AccessShareLock);
	return list_length(found) == 1 ? linitial_oid(found) : InvalidOid;
}

static Oid
owner_of_function(Oid function)
{
	return GetSysCacheOid1(PROCOID, Anum_pg_proc_proowner,
						   ObjectIdGetDatum(function));
}

static StashMemoVersion
version_of(HeapTuple tuple)
{
	StashMemoVersion version = {
		HeapTupleHeaderGetRawXmin(tuple->t_data), tuple->t_self
	};

	return version;
}

/* which version of its stash a memo's answers belong to, if it has one at all */
static void
find_stash_version(StashMemo *memo)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(memo->stash));

	if (!HeapTupleIsValid(tuple))
		return;
	memo->stash_row = version_of(tuple);
	if (((Form_pg_class) GETSTRUCT(tuple))->relowner == memo->owner)
	{
		memo->stash_version = HeapTupleHeaderGetRawXmin(tuple->t_data);
		memo->stash_is_recent =
			TransactionIdIsNormal(HeapTupleHeaderGetXmin(tuple->t_data));
	}
	ReleaseSysCache(tuple);
}

static void
read_body(HeapTuple tuple, StashMemoBody *body)
{
	bool		isnull;

	stash_memo_parse(body,
					 TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple,
														 Anum_pg_proc_prosrc,
														 &isnull)));
}

/*
 * What the body of a function that is being made names, without asking whether
 * it fits.
 *
 * Dumps carry bodies as they were written, also when the schema has another
 * name by now: memoize() makes original and stash beside the function, and so
 * they are looked for there, too.
 *
 * *target and *stash are 0 where there is no such thing.  Throws what parsing
 * the body throws.
 */
void
stash_memo_names(Oid function, Oid *target, Oid *stash)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	StashMemoBody body;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	read_body(tuple, &body);
	*target = find_named_target(&body, form);
	if (!OidIsValid(*target) && body.in_place)
	{
		(void) split_name(body.target, &name);
		*target = find_function(form->pronamespace, name, form);
	}
	*stash = find_named_stash(&body);
	if (!OidIsValid(*stash) && body.stash != NULL && !body.keep_stash)
	{
		(void) split_name(body.stash, &name);
		*stash = get_relname_relid(name, form->pronamespace);
		if (OidIsValid(*stash) && !is_of_entries(*stash))
			*stash = InvalidOid;
	}
	ReleaseSysCache(tuple);
}

/* ---- building ---- */

pg_noreturn static void
refuse_missing_target(const StashMemoBody *body, Form_pg_proc wrapper)
{
	List	   *names = stash_compat_name_list(body->target);
	char	   *name = quote_qualified_identifier(strVal(linitial(names)),
												  strVal(lsecond(names)));

	/* what the server makes of two parts has no quotes */
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("function %s does not exist",
					func_signature_string(list_make1(makeString(name)),
										  wrapper->pronargs, NIL,
										  wrapper->proargtypes.values)),
			 errdetail("The memoized function %s calls it by this name.",
					   format_procedure(wrapper->oid)),
			 errhint("A target has the argument types of the function; if it was renamed, write its new name into the body.")));
}

static void
check_fit(const StashMemo *memo, Form_pg_proc form, Form_pg_proc target)
{
	if (memo->target == memo->function)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s names itself as its target",
						format_procedure(memo->function))));
	if (target->prokind != PROKIND_FUNCTION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("target %s is not a plain function",
						format_procedure(memo->target)),
				 errhint("Only functions that return a value or a set can be memoized.")));
	if (target->proretset != form->proretset ||
		target->prorettype != form->prorettype)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s does not return what its target returns",
						format_procedure(memo->function))));
	if (memo->body.in_place && target->proowner != form->proowner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %s and its original have different owners",
						format_procedure(memo->function)),
				 errhint("Give %s to the same owner.",
						 quote_qualified_identifier(get_namespace_name(target->pronamespace),
													NameStr(target->proname)))));
}

/*
 * The memo of a function that nobody has memoized, as stash.run() calls it.
 *
 * All users keep results in one table, which belongs to the extension.  No
 * owner has vouched for the function: so role and settings are in each key,
 * and which function of which owner it was, be it IMMUTABLE or not.
 */
static void
build_plain(StashMemo *memo)
{
	memo->is_plain = true;
	memo->target = memo->function;
	memo->body.wait = STASH_MEMO_DEFAULT_WAIT;
	memo->body.stash = pstrdup("stash.run_result");
	memo->stash = find_named_stash(&memo->body);
	memo->owner = GetSysCacheOid1(RELOID, Anum_pg_class_relowner,
								  ObjectIdGetDatum(memo->stash));
}

/*
 * The function and the table that the body of a memo names, and whether it
 * would find them by these names.
 *
 * When the name of the function leads nowhere any more, or to what somebody else
 * has put there, it is the one that was named at first.  So is the table in any
 * case: sessions that know the memo are not told when another takes the name.
 */
static void
find_named(StashMemo *memo, HeapTuple tuple)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash names",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Oid			named = find_named_target(&memo->body,
										  (Form_pg_proc) GETSTRUCT(tuple));
	Oid			recorded = find_recorded(tuple, ProcedureRelationId);

	memo->target = OidIsValid(recorded) &&
		owner_of_function(named) != owner_of_function(recorded) ? recorded : named;
	memo->is_renamed = memo->target != named;
	if (memo->body.stash != NULL)
	{
		named = find_named_stash(&memo->body);
		recorded = find_recorded(tuple, RelationRelationId);
		memo->stash = OidIsValid(recorded) ? recorded : named;
		memo->is_renamed |= memo->stash != named;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* build a memo in the current memory context */
static StashMemo *
build_memo(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	StashMemo  *memo = palloc0(sizeof(StashMemo));
	Form_pg_proc form;
	HeapTuple	target;
	Form_pg_proc target_form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	memo->function = function;
	memo->owner = form->proowner;
	memo->retset = form->proretset;
	if (stash_memo_is_memoized(function))
	{
		read_body(tuple, &memo->body);
		find_named(memo, tuple);
	}
	else
		build_plain(memo);
	target = SearchSysCache1(PROCOID, ObjectIdGetDatum(memo->target));
	if (!HeapTupleIsValid(target))
		refuse_missing_target(&memo->body, form);
	target_form = (Form_pg_proc) GETSTRUCT(target);
	if (!memo->is_plain)
		check_fit(memo, form, target_form);
	memo->has_environment = memo->is_plain ||
		target_form->provolatile != PROVOLATILE_IMMUTABLE;
	memo->target_schema = target_form->pronamespace;
	memo->target_owner = target_form->proowner;
	memo->volatility = target_form->provolatile;
	memo->is_strict = target_form->proisstrict;
	memo->is_definer = target_form->prosecdef;
	memo->takes_anything = target_form->provariadic == ANYOID;
	memo->is_other_version = stash_catalog_is_other_version();
	memo->signature = signature_of(function);
	memo->definition = describe_definition(target);
	if (OidIsValid(memo->stash))
	{
		memo->stash_reason = STASH_MEMO_FINE;
		find_stash_version(memo);
	}
	else
		memo->stash_reason = memo->body.stash ? STASH_MEMO_STASH_MISSING :
			STASH_MEMO_NO_STASH;
	ReleaseSysCache(target);
	ReleaseSysCache(tuple);
	return memo;
}

/*
 * The memo of a function in language stash.
 *
 * Good to the end of the transaction, current until stash_memo_generation changes.
 * Throws what parsing the body throws, 42883 for a missing target, 42P13 and
 * 42501 for a target that does not fit.
 */
StashMemo *
stash_memo_lookup(Oid function)
{
	MemoSlot   *slot;
	StashMemo  *memo;
	MemoryContext context;
	MemoryContext old;
	uint64		before = stash_memo_generation;

	if (is_stale)
		start_generation();
	slot = hash_search(memos, &function, HASH_FIND, NULL);
	if (slot != NULL)
		return slot->memo;
	/* in a context of its own, which goes when there is an error */
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash memo",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	memo = build_memo(function);
	note_folded(memo);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, memos_context);
	/* reading catalogs may let in news: then it serves once */
	if (stash_memo_generation == before)
	{
		slot = hash_search(memos, &function, HASH_ENTER, NULL);
		slot->memo = memo;
	}
	return memo;
}

/*
 * Whether the stash of a memo of this transaction is still the version that it
 * was, though the memo may not be current any more.
 */
bool
stash_memo_stash_holds(const StashMemo *memo)
{
	uint64		before = stash_memo_generation;
	HeapTuple	tuple;
	StashMemoVersion now;

	if (!OidIsValid(memo->stash))
		return true;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(memo->stash));
	if (!HeapTupleIsValid(tuple))
		return false;
	now = version_of(tuple);
	ReleaseSysCache(tuple);
	/* what comes while we look may be of what we have looked at */
	return now.xmin == memo->stash_row.xmin &&
		ItemPointerEquals(&now.tid, (ItemPointer) &memo->stash_row.tid) &&
		stash_memo_generation == before;
}

/*
 * Why calls to a memo are not answered from anywhere now; STASH_MEMO_FINE
 * when they are.
 */
StashMemoReason
stash_memo_bypass(StashMemo *memo)
{
	if (!stash_memo_enabled)
		return STASH_MEMO_DISABLED;
	if (stash_memo_mode == STASH_MEMO_MODE_OFF)
		return STASH_MEMO_OFF;
	if (memo->is_other_version)
		return STASH_MEMO_OTHER_VERSION;
	if (memo->volatility == PROVOLATILE_VOLATILE && !memo->body.allow_volatile)
		return STASH_MEMO_VOLATILE;
	if (InSecurityRestrictedOperation())
		return STASH_MEMO_RESTRICTED;
	/* a hit would hide from the server what the answer was read from */
	if (memo->volatility != PROVOLATILE_IMMUTABLE && IsolationIsSerializable())
		return STASH_MEMO_SERIALIZABLE;
	return STASH_MEMO_FINE;
}
