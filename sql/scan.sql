-- functions that stream from FROM: what the scan shows, once and again, and what is left to the server

CREATE TABLE stream_t (id int PRIMARY KEY, name text);
INSERT INTO stream_t SELECT i, 'name ' || i FROM generate_series(1, 10) i;
CREATE SEQUENCE stream_seq;
-- the query behind it counts how often it runs, and how many rows it has computed
CREATE FUNCTION stream_query(rows int) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT 'SELECT i FROM (SELECT nextval(''stream_seq''), i FROM generate_series(1, ' || rows || ') i OFFSET 0) s' $$;
CREATE FUNCTION stream_count() RETURNS bigint LANGUAGE sql VOLATILE
AS $$ SELECT n FROM (SELECT nextval('stream_seq') - 1 AS n, setval('stream_seq', 1, false) OFFSET 0) s $$;
SELECT stream_count();

EXPLAIN (COSTS OFF) SELECT * FROM stash.to_jsonl('TABLE stream_t');
EXPLAIN (COSTS OFF, VERBOSE) SELECT data, a.n FROM stash.to_arrow('TABLE stream_t') AS a(n) WHERE n > 1;
DO $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (COSTS OFF, FORMAT json) SELECT FROM stash.chunks(ARRAY[1, 2, 3], 2)' INTO plan;
	RAISE INFO '% %', plan -> 0 -> 'Plan' ->> 'Custom Plan Provider', plan -> 0 -> 'Plan' ->> 'Function';
END
$$;
-- EXPLAIN runs nothing
EXPLAIN (COSTS OFF) SELECT * FROM stash.to_jsonl(stream_query(5));
SELECT stream_count();

-- columns by other names, by none, and as a whole
SELECT a, c, row_count FROM stash.to_jsonl('SELECT 1 AS x', 5) AS s(a, row_count, c);
SELECT FROM stash.to_jsonl('SELECT 1 AS x');
SELECT s, to_jsonb(s), s IS NOT NULL AS is_row FROM stash.to_jsonl('SELECT 1 AS x') AS s(a, b) WHERE s IS NOT NULL AND a = 1;
SELECT count(s), count(DISTINCT s) FROM stash.to_jsonl('TABLE stream_t', 4) s;
SELECT c, to_jsonb(x), c IS NOT NULL FROM stash.chunks(ARRAY[1, 2, 3], 2) AS x(c);
-- FROM alone, with filters and expressions
SELECT chunk * 10 AS tens, length(data) FROM stash.to_jsonl('TABLE stream_t ORDER BY id', 4) WHERE row_count < 4 OR chunk = 1;
SELECT upper(data) FROM stash.to_jsonl('SELECT 1 AS x') WHERE false;

-- LIMIT ends the query early, and closes it
SELECT chunk FROM stash.to_jsonl(stream_query(1000000), 10) LIMIT 2;
SELECT stream_count();
SELECT (SELECT data FROM stash.to_jsonl(stream_query(1000000), 2) OFFSET 1 LIMIT 1), EXISTS (SELECT FROM stash.to_jsonl(stream_query(1000000), 10));
SELECT stream_count();
BEGIN;
SELECT chunk FROM stash.to_jsonl('TABLE stream_t', 1) LIMIT 1;
ALTER TABLE stream_t ADD extra int;
ROLLBACK;
-- a cursor keeps it open
BEGIN;
DECLARE c CURSOR FOR SELECT chunk FROM stash.to_jsonl('TABLE stream_t', 1);
FETCH 1 FROM c;
ALTER TABLE stream_t ADD extra int;
\echo :SQLSTATE
ROLLBACK;

-- LATERAL: anew for each row
SELECT g, chunk, row_count FROM generate_series(1, 3) g, stash.to_jsonl(stream_query(g), 2) ORDER BY g, chunk;
SELECT stream_count();
SELECT g, chunk FROM generate_series(0, 2) g LEFT JOIN LATERAL stash.to_jsonl(stream_query(g), 1) ON chunk > 1 ORDER BY g, chunk;
SELECT stream_count();
-- by a function of a chunk
SELECT chunk, line FROM stash.to_jsonl('SELECT id FROM stream_t WHERE id < 6 ORDER BY id', 2), string_to_table(rtrim(data, E'\n'), E'\n') line;
-- a subquery in the argument, an uncorrelated and a correlated one
SELECT count(*) FROM stash.to_jsonl((SELECT 'SELECT ' || max(id) FROM stream_t));
SELECT id, (SELECT max(chunk) FROM stash.to_jsonl(stream_query(5), (SELECT id + 0))) FROM stream_t WHERE id < 4;
SELECT stream_count();

-- the same arguments again: it runs once, whatever plan asks for the rows how often
SELECT id, chunk FROM stream_t LEFT JOIN stash.to_jsonl(stream_query(5), 2) ON id % 4 = chunk WHERE id < 5 ORDER BY id;
SELECT stream_count();
SET enable_material = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT id, chunk FROM stream_t LEFT JOIN stash.to_jsonl(stream_query(5), 2) ON id % 4 = chunk WHERE id < 5 ORDER BY id;
SELECT stream_count();
-- where the rest of a scan depends on the row, and an early end keeps what follows
SELECT id, (SELECT data FROM stash.to_jsonl(stream_query(5), 1) WHERE chunk >= id LIMIT 1) FROM stream_t WHERE id IN (1, 2, 5, 3);
SELECT stream_count();
SELECT id, s FROM stream_t, LATERAL (SELECT s FROM stash.to_jsonl(stream_query(3), 1) s WHERE chunk <= id OFFSET 0) x WHERE id < 3 ORDER BY id, s;
SELECT stream_count();
SELECT id, c FROM stream_t, LATERAL (SELECT c FROM stash.chunks(ARRAY[1, NULL, 3], 2) c WHERE c[1] = id OFFSET 0) x;
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
WITH RECURSIVE r AS (
	SELECT 0 AS n UNION ALL SELECT n + 1 FROM r, stash.to_jsonl(stream_query(2), 1) WHERE chunk = 1 AND n < 3
)
SELECT count(*) FROM r;
SELECT stream_count();

-- cursors: both ways with SCROLL, held ones, loops that commit
BEGIN;
DECLARE s SCROLL CURSOR FOR SELECT chunk FROM stash.to_jsonl(stream_query(6), 2);
FETCH 2 FROM s;
FETCH BACKWARD 1 FROM s;
FETCH ALL FROM s;
FETCH ABSOLUTE 1 FROM s;
CLOSE s;
SELECT stream_count();
DECLARE s CURSOR FOR SELECT chunk FROM stash.to_jsonl(stream_query(6), 2);
FETCH 1 FROM s;
SELECT stream_count();
FETCH ALL FROM s;
FETCH BACKWARD 1 FROM s;
\echo :SQLSTATE
ROLLBACK;
SELECT stream_count();
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT chunk, row_count FROM stash.to_jsonl('TABLE stream_t', 4);
FETCH 1 FROM held;
COMMIT;
FETCH ALL FROM held;
CLOSE held;
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT * FROM stash.to_jsonl('SELECT id FROM stream_t ORDER BY id', 4) LOOP
		RAISE NOTICE '% %', c.chunk, c.row_count;
		COMMIT;
	END LOOP;
END$$;
-- one snapshot from the first chunk to the last
BEGIN;
DECLARE c CURSOR FOR SELECT chunk, row_count FROM stash.to_jsonl('TABLE stream_t', 4);
FETCH 1 FROM c;
DELETE FROM stream_t;
FETCH ALL FROM c;
ROLLBACK;

-- prepared, with a parameter, by a generic plan
SET plan_cache_mode = force_generic_plan;
PREPARE p(text, int) AS SELECT * FROM stash.to_jsonl($1, $2);
EXPLAIN (COSTS OFF, VERBOSE) EXECUTE p('SELECT 1 AS x', 5);
EXECUTE p('SELECT 1 AS x', 5);
EXECUTE p('SELECT g AS y FROM generate_series(1, 3) g', 2);
DEALLOCATE p;
RESET plan_cache_mode;

-- what takes its rows: tables, other functions, UNION
CREATE TABLE stream_kept AS SELECT * FROM stash.to_jsonl('TABLE stream_t', 4);
INSERT INTO stream_kept SELECT * FROM stash.to_jsonl('TABLE stream_t', 5);
SELECT count(*), sum(row_count) FROM stream_kept;
SELECT count(*) FROM (SELECT * FROM stash.to_jsonl('TABLE stream_t', 4) UNION ALL SELECT * FROM stash.to_jsonl('TABLE stream_t', 5)) u;
WITH once AS MATERIALIZED (SELECT * FROM stash.to_jsonl(stream_query(4), 1)) SELECT count(*) FROM once a JOIN once b USING (chunk);
SELECT stream_count();

-- left to the server
EXPLAIN (COSTS OFF) SELECT * FROM stash.to_jsonl('TABLE stream_t') WITH ORDINALITY;
EXPLAIN (COSTS OFF) SELECT * FROM ROWS FROM (stash.to_jsonl('TABLE stream_t'), stash.chunks(ARRAY[1], 1));
EXPLAIN (COSTS OFF) SELECT id FROM stash.to_jsonl('TABLE stream_t'), stream_t WHERE chunk = id FOR UPDATE OF stream_t;
SELECT chunk, row_count, n FROM stash.to_jsonl('TABLE stream_t', 4) WITH ORDINALITY AS s(chunk, row_count, data, n);
SELECT chunk, c FROM ROWS FROM (stash.to_jsonl('TABLE stream_t', 4), stash.chunks(ARRAY[1, 2], 1)) AS s(chunk, row_count, data, c);
UPDATE stream_t SET name = data FROM stash.to_jsonl('SELECT 1 AS x', 1) WHERE chunk = id;
SELECT name FROM stream_t WHERE id = 1;

-- what writes runs to its end, however many chunks are read
CREATE TABLE stream_written (n int);
SELECT row_count FROM stash.to_jsonl('INSERT INTO stream_written SELECT generate_series(1, 5) RETURNING n', chunk_rows => 2) LIMIT 1;
SELECT count(*) FROM stream_written;
DROP TABLE stream_written;

-- rights, errors and the memory limit are those of the function
CREATE ROLE regress_stash_streamer;
CREATE FUNCTION stream_chunks() RETURNS SETOF text LANGUAGE sql AS $$ SELECT data FROM stash.to_jsonl('TABLE stream_t') $$;
SET ROLE regress_stash_streamer;
SELECT * FROM stash.to_jsonl('TABLE stream_t');
\echo :SQLSTATE
SELECT stream_chunks();
\echo :SQLSTATE
RESET ROLE;
BEGIN;
REVOKE EXECUTE ON FUNCTION stash.chunks(jsonb, int) FROM PUBLIC;
SET ROLE regress_stash_streamer;
SELECT * FROM stash.chunks('[1]'::jsonb, 1);
\echo :SQLSTATE
ROLLBACK;
SELECT * FROM stash.to_jsonl('SELECT 1 / (3 - i) AS x FROM generate_series(1, 5) i', 1);
\echo :SQLSTATE
SELECT * FROM stash.to_jsonl(NULL);
\echo :SQLSTATE
\set VERBOSITY terse
SELECT * FROM stash.to_jsonl('SELECT repeat(''x'', 1000000) AS x', memory_limit => 1000000);
\echo :SQLSTATE
\set VERBOSITY default

-- a caller that defines it anew is seen by prepared plans
PREPARE p AS SELECT count(*) FROM stash.chunks(ARRAY[1, 2, 3], 2);
EXECUTE p;
EXPLAIN (COSTS OFF) EXECUTE p;
BEGIN;
ALTER FUNCTION stash.chunks(anyarray, int) SUPPORT generate_series_int4_support;
EXPLAIN (COSTS OFF) EXECUTE p;
EXECUTE p;
ROLLBACK;
DEALLOCATE p;

-- in parallel workers
CREATE TABLE stream_wide AS SELECT i, ARRAY[i, i + 1, i + 2] AS a FROM generate_series(1, 20000) i;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT count(*), sum(c[1]) FROM stream_wide, stash.chunks(a, 2) c;
SELECT count(*), sum(c[1]) FROM stream_wide, stash.chunks(a, 2) c;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

DROP TABLE stream_t, stream_kept, stream_wide;
DROP FUNCTION stream_query, stream_count, stream_chunks;
DROP SEQUENCE stream_seq;
DROP ROLE regress_stash_streamer;
