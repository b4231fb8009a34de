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

CREATE FUNCTION stash.from_jsonl(data text, "like" anyelement, on_error text DEFAULT 'stop')
	RETURNS SETOF anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_from_jsonl'
	LANGUAGE C STABLE PARALLEL RESTRICTED
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.from_jsonl(text, anyelement, text)
	IS 'rows of JSON Lines; the second argument names the row type, as in NULL::a_table; on_error stop or skip';

CREATE FUNCTION stash.from_jsonl(data text, on_error text DEFAULT 'stop')
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_from_jsonl'
	LANGUAGE C STABLE PARALLEL RESTRICTED
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.from_jsonl(text, text)
	IS 'rows of JSON Lines, with the columns named at the call; on_error stop or skip';

CREATE FUNCTION stash.read_jsonl(path text, "like" anyelement, on_error text DEFAULT 'stop')
	RETURNS SETOF anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_read_jsonl'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.read_jsonl(text, anyelement, text)
	IS 'rows of a file of JSON Lines on the server; the second argument names the row type; on_error stop or skip';

CREATE FUNCTION stash.read_jsonl(path text, on_error text DEFAULT 'stop')
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_read_jsonl'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.read_jsonl(text, text)
	IS 'rows of a file of JSON Lines on the server, with the columns named at the call; on_error stop or skip';

CREATE FUNCTION stash.read_arrow(path text, "like" anyelement, on_error text DEFAULT 'stop')
	RETURNS SETOF anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_read_arrow'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.read_arrow(text, anyelement, text)
	IS 'rows of a file on the server with an Arrow IPC stream or file; the second argument names the row type; on_error stop or skip';

CREATE FUNCTION stash.read_arrow(path text, on_error text DEFAULT 'stop')
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_read_arrow'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.read_arrow(text, text)
	IS 'rows of a file on the server with an Arrow IPC stream or file, with the columns named at the call; on_error stop or skip';

CREATE FUNCTION stash.import_file(
		path text,
		"table" regclass,
		format text DEFAULT NULL,
		columns text[] DEFAULT NULL,
		on_error text DEFAULT 'stop')
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_import_file'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000;
COMMENT ON FUNCTION stash.import_file(text, regclass, text, text[], text)
	IS 'insert the rows of a file of the server into a table, as the caller; format jsonl or arrow, unless the end of the path says it; on_error stop or skip; returns the number of rows';

-- COPY ... FROM with format jsonl inserts what it returns
CREATE FUNCTION stash.copied_lines("like" anyelement, on_error text)
	RETURNS SETOF anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_copied_lines'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000 ROWS 1000;
COMMENT ON FUNCTION stash.copied_lines(anyelement, text)
	IS 'rows of the COPY ... FROM with format jsonl that runs; called by it';
