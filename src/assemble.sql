CREATE FUNCTION stash.flatten(value jsonb, separator text DEFAULT '.')
	RETURNS jsonb
	AS 'MODULE_PATHNAME', 'pg_hashstash_flatten'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.flatten(jsonb, text)
	IS 'nested objects as one flat object with joined names; arrays and empty objects stay values';

-- restricted: a stash may be a temporary table
CREATE FUNCTION stash.assemble(stash regclass DEFAULT NULL, function regprocedure DEFAULT NULL,
	prefix text DEFAULT NULL, explode text DEFAULT NULL)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_assemble'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION stash.assemble(regclass, regprocedure, text, text)
	IS 'values of a stash or memoized function as rows, one for each element of arrays and row sets; columns as named at the call, nested ones with dots';

CREATE FUNCTION stash.assemble_json(stash regclass DEFAULT NULL, function regprocedure DEFAULT NULL,
	prefix text DEFAULT NULL, explode text DEFAULT NULL)
	RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'pg_hashstash_assemble_json'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION stash.assemble_json(regclass, regprocedure, text, text)
	IS 'values of a stash or memoized function as flat objects, one for each element of arrays and row sets';

CREATE FUNCTION stash.elements(value stash.variant, explode text DEFAULT NULL)
	RETURNS SETOF stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_elements'
	LANGUAGE C STABLE PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION stash.elements(stash.variant, text)
	IS 'elements of an array, JSON array or row set, any other value as it is; one for each item of an array inside, if one is named';

CREATE FUNCTION stash.part(element stash.variant, name text, "like" anyelement)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_part'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.part(stash.variant, text, anyelement)
	IS 'part of a value that a name leads to, nested ones with dots, cast to the type of the last argument; NULL where there is none';

CREATE FUNCTION stash.part(document jsonb, name text, "like" anyelement)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_part_jsonb'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.part(jsonb, text, anyelement)
	IS 'part of a document that is in no stash, as of a value: nested ones with dots, cast to the type of the last argument';

CREATE FUNCTION stash.columns(stash regclass DEFAULT NULL, function regprocedure DEFAULT NULL,
	prefix text DEFAULT NULL, explode text DEFAULT NULL, depth int4 DEFAULT NULL,
	OUT name text, OUT type regtype, OUT nulls int8, OUT samples text[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_columns'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 20;
COMMENT ON FUNCTION stash.columns(regclass, regprocedure, text, text, int4)
	IS 'columns that the values of a stash or memoized function have, in the order first seen; types with room for all values';

CREATE FUNCTION stash.view_options(stash regclass, function regprocedure, prefix text, explode text, depth int4)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_view_options'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.view_options(regclass, regprocedure, text, text, int4)
	IS 'always true; its arguments in a view are what stash.refresh_view() has to know';

CREATE FUNCTION stash.create_view(stash regclass DEFAULT NULL, view text DEFAULT NULL, function regprocedure DEFAULT NULL,
	prefix text DEFAULT NULL, explode text DEFAULT NULL, depth int4 DEFAULT NULL, metadata text[] DEFAULT NULL)
	RETURNS regclass
	AS 'MODULE_PATHNAME', 'pg_hashstash_create_view'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.create_view(regclass, text, regprocedure, text, text, int4, text[])
	IS 'make a typed view of the values of a stash or memoized function';

CREATE FUNCTION stash.refresh_view(view regclass, OUT name text, OUT change text, OUT type regtype, OUT was regtype)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_refresh_view'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION stash.refresh_view(regclass)
	IS 'add columns for new names to a view of stash.create_view(); returns what is added, and what would have to be wider';
