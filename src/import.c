/*-------------------------------------------------------------------------
 *
 * import.c
 *	  What imports have in common: bad rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "attempt.h"
#include "import.h"

/*
 * Read the argument "on_error": are bad rows to be skipped?
 *
 * Errors: 22004 for null, 22023 for what is neither stop nor skip.
 */
bool
stash_import_skips(FunctionCallInfo fcinfo, int argno)
{
	char	   *what;

	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("on_error must not be null")));
	what = text_to_cstring(PG_GETARG_TEXT_PP(argno));
	if (strcmp(what, "stop") != 0 && strcmp(what, "skip") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for on_error: \"%s\"", what),
				 errhint("Use stop, to end at the first bad row, or skip.")));
	return strcmp(what, "skip") == 0;
}

/*
 * Read a row in a subtransaction; false where it is bad.
 *
 * What is wrong with data is in classes 22 and 23; other errors are thrown.
 */
bool
stash_import_try(void (*read) (void *), void *arg)
{
	ErrorData  *error = stash_attempt(read, arg);
	int			class;

	if (error == NULL)
		return true;
	class = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	if (class != ERRCODE_DATA_EXCEPTION &&
		class != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		ReThrowError(error);
	return false;
}
