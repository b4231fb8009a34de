CREATE FUNCTION stash.to_jsonl(
		query text,
		chunk_rows int4 DEFAULT 10000,
		chunk_bytes int4 DEFAULT 1048576,
		memory_limit int8 DEFAULT NULL,
		profile text DEFAULT 'default',
		params record DEFAULT NULL)
	RETURNS TABLE (chunk int8, row_count int4, data text)
	AS 'MODULE_PATHNAME', 'pg_hashstash_to_jsonl'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000 ROWS 100 SUPPORT stash.scan_support;
COMMENT ON FUNCTION stash.to_jsonl(text, int4, int4, int8, text, record)
	IS 'rows of a query as JSON Lines, in chunks of at most chunk_rows rows and chunk_bytes bytes; profile default, lossless, javascript or epoch; params are the values of $1 and so on; streams';

CREATE FUNCTION stash.to_json(
		query text,
		chunk_rows int4 DEFAULT 10000,
		chunk_bytes int4 DEFAULT 1048576,
		memory_limit int8 DEFAULT NULL,
		profile text DEFAULT 'default',
		params record DEFAULT NULL)
	RETURNS TABLE (chunk int8, row_count int4, data text)
	AS 'MODULE_PATHNAME', 'pg_hashstash_to_json'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000 ROWS 100 SUPPORT stash.scan_support;
COMMENT ON FUNCTION stash.to_json(text, int4, int4, int8, text, record)
	IS 'rows of a query as a JSON array, in chunks that follow each other; arguments as of to_jsonl; the last chunk may have no rows';

CREATE FUNCTION stash.to_arrow(
		query text,
		chunk_rows int4 DEFAULT 65536,
		chunk_bytes int4 DEFAULT 262144,
		memory_limit int8 DEFAULT NULL,
		codec text DEFAULT 'none',
		params record DEFAULT NULL)
	RETURNS TABLE (chunk int8, row_count int4, data bytea)
	AS 'MODULE_PATHNAME', 'pg_hashstash_to_arrow'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000 ROWS 100 SUPPORT stash.scan_support;
COMMENT ON FUNCTION stash.to_arrow(text, int4, int4, int8, text, record)
	IS 'rows of a query as an Arrow IPC stream, in chunks of at most chunk_rows rows and chunk_bytes bytes that follow each other; codec none, lz4 or zstd; params are the values of $1 and so on';

CREATE FUNCTION stash.export_file(
		query text,
		path text,
		format text DEFAULT NULL,
		chunk_rows int4 DEFAULT 10000,
		chunk_bytes int4 DEFAULT 1048576,
		memory_limit int8 DEFAULT NULL,
		codec text DEFAULT 'none',
		profile text DEFAULT 'default',
		params record DEFAULT NULL,
		resume_key text DEFAULT NULL)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_export_file'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000;
COMMENT ON FUNCTION stash.export_file(text, text, text, int4, int4, int8, text, text, record, text)
	IS 'write rows of a query to a file of the server, which is there when it is complete; format jsonl, json or arrow, unless the end of the path says it; with resume_key, a unique column, JSON Lines go on where an interrupted call of the same export ended; returns the number of rows of the file';

CREATE FUNCTION stash.chunks(elements anyarray, size int4)
	RETURNS SETOF anyarray
	AS 'MODULE_PATHNAME', 'pg_hashstash_chunks_array'
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	ROWS 100 SUPPORT stash.scan_support;
COMMENT ON FUNCTION stash.chunks(anyarray, int4)
	IS 'an array in pieces of that many elements, in order; of several dimensions slices of the first one';

CREATE FUNCTION stash.chunks(elements jsonb, size int4)
	RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'pg_hashstash_chunks_jsonb'
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	ROWS 100 SUPPORT stash.scan_support;
COMMENT ON FUNCTION stash.chunks(jsonb, int4)
	IS 'a JSON array or object in pieces of that many elements or pairs, in order';

CREATE FUNCTION stash.estimate(
		query text,
		sample_rows int4 DEFAULT 0,
		chunk_bytes int4 DEFAULT 1048576,
		OUT estimated_rows int8,
		OUT row_bytes int8,
		OUT json_bytes int8,
		OUT arrow_bytes int8,
		OUT recommended_chunk_rows int4,
		OUT recommended_chunks int8)
	AS 'MODULE_PATHNAME', 'pg_hashstash_estimate'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000;
COMMENT ON FUNCTION stash.estimate(text, int4, int4)
	IS 'what an export of a query would be, by the planner; with sample_rows also by that many rows';
