CREATE FUNCTION stash.flatten(value jsonb, separator text DEFAULT '.')
	RETURNS jsonb
	AS 'MODULE_PATHNAME', 'pg_hashstash_flatten'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.flatten(jsonb, text)
	IS 'nested objects as one flat object with joined names; arrays and empty objects stay values';

-- restricted: a stash may be a temporary table
CREATE FUNCTION stash.assemble(stash regclass)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_assemble'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION stash.assemble(regclass)
	IS 'values of a stash as rows, one for each element of arrays and row sets; columns as named at the call, nested ones with dots';

CREATE FUNCTION stash.assemble_json(stash regclass)
	RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'pg_hashstash_assemble_json'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION stash.assemble_json(regclass)
	IS 'values of a stash as flat objects, one for each element of arrays and row sets';
