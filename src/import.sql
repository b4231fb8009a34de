CREATE FUNCTION stash.from_arrow(data bytea, "like" anyelement)
	RETURNS SETOF anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_from_arrow'
	LANGUAGE C STABLE PARALLEL SAFE
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.from_arrow(bytea, anyelement)
	IS 'rows of an Arrow IPC stream or file; the second argument names the row type, as in NULL::a_table';

CREATE FUNCTION stash.from_arrow(data bytea)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_from_arrow'
	LANGUAGE C STABLE PARALLEL SAFE
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.from_arrow(bytea)
	IS 'rows of an Arrow IPC stream or file, with the columns named at the call';
