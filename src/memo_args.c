/*-------------------------------------------------------------------------
 *
 * memo_args.c
 *	  Arguments that are given to a function by its OID: by place or by name.
 *
 * What the parser does for a call in SQL is done here for one function that is
 * known: implicit casts, types of polymorphic parameters, defaults.  The call
 * becomes an expression whose parameters $1 to $n are the arguments as given.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "memo_args.h"

/* What the catalog says of a function's parameters. */
typedef struct Signature
{
	int			nparams;
	Oid			types[FUNC_MAX_ARGS];
	char	  **names;			/* of input parameters; NULL: none has one */
	int			nnames;
	List	   *defaults;		/* of the last parameters */
	Oid			variadic;
	Oid			rettype;
} Signature;

static HeapTuple
find_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	return tuple;
}

/*
 * Throw unless the current user may call a function that is a plain one.
 *
 * Errors: 42883 no such function, 42809 a procedure, an aggregate or a window
 * function, 0A000 one that returns a set or nothing that can be kept, 42501.
 */
void
stash_memo_args_check(Oid function, bool allow_sets)
{
	HeapTuple	tuple = find_function(function);
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	AclResult	result;

	if (form->prokind != PROKIND_FUNCTION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a plain function", format_procedure(function)),
				 errhint("Give a function that is no procedure, aggregate or window function.")));
	if (form->proretset && !allow_sets)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s returns a set", format_procedure(function)),
				 errhint("Give a function that returns an array, or one row with array_agg() or jsonb_agg().")));
	if (get_typtype(form->prorettype) == TYPTYPE_PSEUDO &&
		form->prorettype != RECORDOID && form->prorettype != VOIDOID &&
		!IsPolymorphicType(form->prorettype))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s returns %s", format_procedure(function),
						format_type_be(form->prorettype)),
				 errhint("Give a function that returns a value.")));
	ReleaseSysCache(tuple);
	result = stash_compat_proc_aclcheck(function, GetUserId(), ACL_EXECUTE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
}

static void
read_signature(Oid function, Signature *sig)
{
	HeapTuple	tuple = find_function(function);
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	bool		isnull;
	Datum		names;
	Datum		modes;
	Datum		defaults;

	memset(sig, 0, sizeof(*sig));
	sig->nparams = form->pronargs;
	memcpy(sig->types, form->proargtypes.values, sizeof(Oid) * sig->nparams);
	sig->variadic = form->provariadic;
	sig->rettype = form->prorettype;
	names = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargnames, &isnull);
	if (!isnull)
	{
		modes = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargmodes,
								&isnull);
		sig->nnames = get_func_input_arg_names(names, isnull ? (Datum) 0 : modes,
											   &sig->names);
	}
	defaults = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargdefaults,
							   &isnull);
	if (!isnull)
		sig->defaults = castNode(List, stringToNode(TextDatumGetCString(defaults)));
	ReleaseSysCache(tuple);
}

/* ---- by place ---- */

static Node *
make_param(int number, Oid type)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = number;
	param->paramtype = type;
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(type);
	param->location = -1;
	return (Node *) param;
}

static char *
types_text(int n, const Oid *types)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < n; i++)
		appendStringInfo(&out, "%s%s", i > 0 ? ", " : "",
						 format_type_be(types[i]));
	return out.data;
}

pg_noreturn static void
refuse_number(Oid function, const Signature *sig, int given)
{
	int			least = sig->nparams - list_length(sig->defaults);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg_plural("function %s cannot be called with %d argument",
						   "function %s cannot be called with %d arguments",
						   given, format_procedure(function), given),
			 least == sig->nparams ?
			 errdetail("It takes %d.", least) :
			 errdetail("It takes %d to %d.", least, sig->nparams),
			 OidIsValid(sig->variadic) && sig->variadic != ANYOID ?
			 errhint("Give its variadic parameter one array.") : 0));
}

/* the parameters of a call: what was given, then defaults; and their types */
static int
place_arguments(Oid function, const Signature *sig, const StashMemoArgs *args,
				Node **nodes, Oid *actual)
{
	bool		takes_any = sig->variadic == ANYOID;
	int			nargs = takes_any ? Max(sig->nparams - 1, args->n) : sig->nparams;
	int			first_default = sig->nparams - list_length(sig->defaults);

	memset(nodes, 0, sizeof(Node *) * FUNC_MAX_ARGS);
	for (int i = 0; i < args->n; i++)
	{
		int			place = args->places[i];

		if (place >= nargs)
			refuse_number(function, sig, args->n);
		nodes[place] = make_param(i + 1, args->types[i]);
		actual[place] = args->types[i];
	}
	for (int i = 0; i < nargs; i++)
	{
		if (nodes[i] != NULL)
			continue;
		if (i < first_default)
			refuse_number(function, sig, args->n);
		nodes[i] = copyObject(list_nth(sig->defaults, i - first_default));
		actual[i] = exprType(nodes[i]);
	}
	return nargs;
}

/* an argument as its parameter wants it */
static Node *
coerce(Node *node, Oid actual, Oid wanted)
{
	CoerceViaIO *io;

	if (actual == wanted)
		return node;
	if (actual != UNKNOWNOID)
		return coerce_type(NULL, node, actual, wanted, -1, COERCION_IMPLICIT,
						   COERCE_IMPLICIT_CAST, -1);
	/* a literal, which the parser has given us as a C string */
	io = makeNode(CoerceViaIO);
	io->arg = (Expr *) node;
	io->resulttype = wanted;
	io->resultcollid = get_typcollation(wanted);
	io->coerceformat = COERCE_IMPLICIT_CAST;
	io->location = -1;
	return (Node *) io;
}

/*
 * The call of a function, as an expression in which $1 to $n are the arguments
 * as given.
 *
 * 'collation' is that of the call, 0 to take it from the arguments.
 *
 * Errors: 42883 for another number of arguments, or for types that do not fit;
 * what the parser throws for polymorphic parameters.
 */
FuncExpr *
stash_memo_args_call(Oid function, const StashMemoArgs *args, Oid collation)
{
	Signature	sig;
	Node	   *nodes[FUNC_MAX_ARGS];
	Oid			actual[FUNC_MAX_ARGS];
	Oid			declared[FUNC_MAX_ARGS];
	int			nargs;
	Oid			rettype;
	List	   *list = NIL;
	FuncExpr   *expr;

	read_signature(function, &sig);
	nargs = place_arguments(function, &sig, args, nodes, actual);
	for (int i = 0; i < nargs; i++)
	{
		bool		is_any = sig.variadic == ANYOID && i >= sig.nparams - 1;

		declared[i] = is_any ? ANYOID : sig.types[i];
		/* "any" takes literals as text */
		if (declared[i] == ANYOID)
			declared[i] = actual[i] == UNKNOWNOID ? TEXTOID : actual[i];
	}
	if (!can_coerce_type(nargs, actual, declared, COERCION_IMPLICIT))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s cannot be called with (%s)",
						format_procedure(function), types_text(nargs, actual)),
				 errhint("Cast the arguments to the types of its parameters.")));
	rettype = enforce_generic_type_consistency(actual, declared, nargs,
											   sig.rettype, false);
	for (int i = 0; i < nargs; i++)
		list = lappend(list, coerce(nodes[i], actual[i], declared[i]));
	expr = makeFuncExpr(function, rettype, list, InvalidOid, InvalidOid,
						COERCE_EXPLICIT_CALL);
	expr->funcvariadic = OidIsValid(sig.variadic) && sig.variadic != ANYOID;
	assign_expr_collations(NULL, (Node *) expr);
	if (OidIsValid(collation))
		expr->inputcollid = collation;
	return expr;
}

/*
 * The parameters of a function that 'args' leaves free: their places and
 * declared types, in order, those without a default also counted in *needed.
 */
int
stash_memo_args_free(Oid function, const StashMemoArgs *args, int *places,
					 Oid *types, int *needed)
{
	Signature	sig;
	int			n = 0;

	read_signature(function, &sig);
	*needed = 0;
	for (int i = 0; i < sig.nparams; i++)
	{
		bool		is_taken = false;

		for (int j = 0; j < args->n; j++)
			is_taken |= args->places[j] == i;
		if (is_taken)
			continue;
		if (i < sig.nparams - list_length(sig.defaults) && sig.types[i] != ANYOID)
			(*needed)++;
		places[n] = i;
		types[n++] = sig.types[i];
	}
	return n;
}

/* ---- by name ---- */

static int
find_parameter(Oid function, const Signature *sig, const char *name)
{
	for (int i = 0; i < sig->nnames && i < sig->nparams; i++)
	{
		if (strcmp(sig->names[i], name) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("function %s has no parameter \"%s\"",
					format_procedure(function), name),
			 errhint("Use the names in its CREATE FUNCTION.")));
}

/* what an input function may read of a value */
static char *
text_of(JsonbValue *value)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvBinary)
		return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
	return pstrdup("");
}

/* read the keys of an object: where each is in the signature */
static void
read_keys(Oid function, const Signature *sig, const Jsonb *object,
		  StashMemoArgs *args)
{
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("named arguments must be a JSON object"),
				 errhint("Write '{\"parameter\": value}'.")));
	args->n = 0;
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &object->root));
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		int			place;

		if (token == WJB_VALUE)
			stash_catalog_note_text(args->types[args->n - 1], text_of(&value));
		if (token != WJB_KEY)
			continue;
		place = find_parameter(function, sig,
							   pnstrdup(value.val.string.val,
										value.val.string.len));
		if (IsPolymorphicType(sig->types[place]) || sig->types[place] == ANYOID)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("parameter \"%s\" of function %s takes values of any type",
							sig->names[place], format_procedure(function)),
					 errhint("Give it by its place, where the value has a type.")));
		args->places[args->n] = place;
		args->types[args->n++] = sig->types[place];
	}
}

/*
 * Arguments by name, from a JSON object: where they belong, and their values
 * as jsonb_populate_record() makes them, in the current memory context.
 *
 * Errors: 22023 no object, 42883 no such parameter, 0A000 a polymorphic one,
 * and what the types' input functions throw.
 */
void
stash_memo_args_named(Oid function, const Jsonb *object, StashMemoArgs *args,
					  NullableDatum *values)
{
	Signature	sig;
	TupleDesc	desc;
	Datum		datums[FUNC_MAX_ARGS];
	bool		nulls[FUNC_MAX_ARGS];
	FmgrInfo	populate;
	HeapTupleData tuple = {0};

	read_signature(function, &sig);
	read_keys(function, &sig, object, args);
	if (args->n == 0)
		return;
	desc = CreateTemplateTupleDesc(args->n);
	for (int i = 0; i < args->n; i++)
	{
		nulls[i] = true;
		TupleDescInitEntry(desc, (AttrNumber) (i + 1),
						   sig.names[args->places[i]], args->types[i], -1, 0);
	}
	TupleDescFinalize(desc);
	BlessTupleDesc(desc);

	fmgr_info(F_JSONB_POPULATE_RECORD, &populate);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_POPULATE_RECORD, RECORDOID,
											 list_make2(makeNullConst(RECORDOID, -1, InvalidOid),
														makeNullConst(JSONBOID, -1, InvalidOid)),
											 InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &populate);
	tuple.t_data = DatumGetHeapTupleHeader(FunctionCall2(&populate,
														 heap_copy_tuple_as_datum(heap_form_tuple(desc, datums, nulls), desc),
														 JsonbPGetDatum(object)));
	tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
	heap_deform_tuple(&tuple, desc, datums, nulls);
	for (int i = 0; i < args->n; i++)
	{
		values[i].value = datums[i];
		values[i].isnull = nulls[i];
	}
}
