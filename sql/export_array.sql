-- stash.to_json: one JSON array of the rows, whatever the chunks; in files and COPY
CREATE SCHEMA export_array;
SET search_path = export_array, public;
\set SHOW_CONTEXT never
CREATE FUNCTION chunks(query text, chunk_rows int DEFAULT 10000, chunk_bytes int DEFAULT 1048576, memory_limit int8 DEFAULT NULL)
	RETURNS TABLE (chunk int8, row_count int, data text) LANGUAGE SQL
AS $$ SELECT (c).* FROM (SELECT stash.to_json(query, chunk_rows, chunk_bytes, memory_limit) AS c OFFSET 0) s $$;

SELECT * FROM chunks('SELECT i, i / 2.0 AS half FROM generate_series(1, 3) i');
SELECT * FROM chunks('SELECT 1 AS a WHERE false');
-- the end: behind the last rows, or alone where their chunk was full
SELECT chunk, row_count, replace(data, E'\n', '~') AS data FROM chunks('SELECT i FROM generate_series(1, 5) i', 2);
SELECT chunk, row_count, replace(data, E'\n', '~') AS data FROM chunks('SELECT i FROM generate_series(1, 4) i', 2);
-- no chunk has more bytes than asked for, but one with a row that is too large by itself; a row is 8 bytes with what
-- stands before it, 9 but for the first
SELECT chunk, row_count, octet_length(data) AS bytes FROM chunks('SELECT i FROM generate_series(1, 5) i', chunk_bytes => 17);
SELECT chunk, row_count, octet_length(data) AS bytes FROM chunks('SELECT i FROM generate_series(1, 5) i', chunk_bytes => 18);
SELECT chunk, row_count, octet_length(data) AS bytes FROM chunks($$SELECT repeat('x', n) AS x FROM unnest('{1,1,500000,1,500000,500000}'::int[]) n$$, chunk_bytes => 30);
SELECT count(*) AS wholes, count(DISTINCT whole) AS different, bool_and(whole::json->>6 = '{"i":7,"t":"seven  x"}') AS right, bool_and(fits) AS fit
FROM unnest('{1,2,3,5,10,100}'::int[]) r, unnest('{1,24,25,26,50,51,52,53,1000000}'::int[]) b,
	LATERAL (SELECT string_agg(data, '' ORDER BY chunk) AS whole, bool_and(row_count <= r AND (octet_length(data) <= b OR row_count = 1)) AS fits
		FROM chunks('SELECT i, ''seven  x'' AS t FROM generate_series(1, 10) i', r, b)) c;
-- the same values as to_jsonl
SELECT (SELECT count(*) FROM json_array_elements(a.data::json)) AS rows,
	a.data = '[' || replace(rtrim(l.data, E'\n'), E'\n', E',\n') || ']' AS same
FROM stash.to_json('SELECT i, now() AS t, ROW(i, ''{}''::jsonb) AS r FROM generate_series(1, 1000) i') a,
	stash.to_jsonl('SELECT i, now() AS t, ROW(i, ''{}''::jsonb) AS r FROM generate_series(1, 1000) i') l;
-- what LIMIT does not ask for is not computed; an error in the middle
CREATE SEQUENCE computed;
SELECT (stash.to_json('SELECT nextval(''computed'') FROM generate_series(1, 1000000)', 10)).chunk LIMIT 1;
SELECT last_value FROM computed;
SELECT data FROM chunks('SELECT 1 / (3 - i) AS x FROM generate_series(1, 5) i', 1);
\echo :SQLSTATE
-- in constant memory
SELECT count(*), sum(row_count) FROM chunks('SELECT generate_series(1, 100000), repeat(''x'', 80) AS x', chunk_bytes => 65536, memory_limit => 1048576);
\set VERBOSITY terse
SELECT count(*) FROM chunks('SELECT generate_series(1, 100000), repeat(''x'', 80) AS x', 1000000, 8388608, 1048576);
\echo :SQLSTATE
\set VERBOSITY default
-- a query that writes runs whole; its rows wait on disk
CREATE TABLE kept (n int, t text);
SET work_mem = '64kB';
SELECT count(*), sum(row_count) FROM chunks('INSERT INTO kept SELECT i, repeat(''x'', 80) FROM generate_series(1, 50000) i RETURNING *', chunk_bytes => 65536, memory_limit => 1048576);
RESET work_mem;
SELECT count(*) FROM kept;
-- arguments
SELECT stash.to_json(NULL);
\echo :SQLSTATE
SELECT stash.to_json('SELECT 1', 0);
\echo :SQLSTATE
SELECT stash.to_json('SELECT 1', profile => NULL);
\echo :SQLSTATE

-- COPY and files; FORMAT json of COPY, which is the server's from 19 on, is in test/tap/061_export_query.pl
COPY (DELETE FROM kept WHERE n < 3 RETURNING n) TO STDOUT (FORMAT jsonl);
COPY (INSERT INTO kept VALUES (1)) TO STDOUT (FORMAT jsonl);
COPY (WITH w AS (DELETE FROM kept WHERE n = 3 RETURNING n) SELECT n, 'x' AS x FROM w) TO STDOUT (FORMAT jsonl, chunk_rows 1);
COPY (SELECT 1) TO STDOUT (FORMAT jsonl, force_array);
\echo :SQLSTATE
SELECT min(n) FROM kept;
SELECT stash.export_file('SELECT 1', '/x.json', profile => 'unknown');
\echo :SQLSTATE
SELECT stash.export_file('SELECT 1', '/x.arrow', profile => 'lossless');
\echo :SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA export_array CASCADE;
