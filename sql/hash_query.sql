-- stash.hash_query: the rows of a query, in order, with the names and types of its columns

CREATE TABLE hash_t (id int PRIMARY KEY, t text);
INSERT INTO hash_t SELECT i, 'text ' || i FROM generate_series(1, 2500) i;
ANALYZE hash_t;

-- a list of rows
SELECT stash.hash_query('VALUES (1, ''a''), (2, NULL)'), stash.hash_query(query => 'SELECT WHERE false');
SELECT stash.hash_query('TABLE hash_t ORDER BY id') = (SELECT stash.hash_agg(x ORDER BY id) FROM hash_t x) AS as_aggregate,
	stash.hash_query('SELECT * FROM hash_t WHERE false') = (SELECT stash.hash_agg(x) FROM hash_t x WHERE false) AS empty_too;
-- order, duplicates, names and types of columns count; how it is written does not
SELECT count(DISTINCT stash.hash_query(q)) AS hashes, count(*)
FROM unnest(ARRAY['SELECT 1 AS a', 'SELECT 1 AS b', 'SELECT 1::int8 AS a', 'SELECT ''1'' AS a', 'SELECT 1 AS a, NULL AS b', 'SELECT NULL::int AS a',
	'SELECT 1 AS a WHERE false', 'SELECT 1 AS a UNION ALL SELECT 1', 'SELECT 1 AS a UNION ALL SELECT 2', 'SELECT 2 AS a UNION ALL SELECT 1',
	'SELECT', 'SELECT FROM generate_series(1, 2)', 'SELECT ROW(1) AS a', 'SELECT ARRAY[1] AS a']) q;
SELECT count(DISTINCT stash.hash_query(q)) AS hashes, count(*)
FROM unnest(ARRAY['SELECT 1 AS a', 'WITH w(a) AS (VALUES (1)) TABLE w', ' (select 1 "a") ; -- and a remark', 'SELECT id AS a FROM hash_t ORDER BY t LIMIT 1',
	'SELECT a FROM (SELECT 1 AS a, 2 AS b) s ORDER BY b']) q;
-- columns that only order are no columns; two may have one name
CREATE TYPE hash_row AS (t text);
SELECT stash.hash_query('SELECT t FROM hash_t ORDER BY -id') = (SELECT stash.hash_agg(ROW(t)::hash_row ORDER BY id DESC) FROM hash_t) AS same;
SELECT stash.hash_query('SELECT 1 AS a, 2 AS a') = stash.hash_query('SELECT 2 AS a, 1 AS a') AS same;
-- settings of the session do not count
SET DateStyle = 'German';
SELECT stash.hash_query('SELECT date ''2020-02-01'' AS d') AS german \gset
RESET DateStyle;
SELECT stash.hash_query('SELECT date ''2020-02-01'' AS d') = :'german' AS same;

-- sampled: the number of rows, the first 500 and the last 500
SELECT stash.hash_query('SELECT id FROM hash_t WHERE id <= 1000 ORDER BY id', true) = stash.hash_query('SELECT id FROM hash_t WHERE id <= 1000 ORDER BY id') AS exact_at_1000,
	stash.hash_query('SELECT id FROM hash_t WHERE id <= 1001 ORDER BY id', true) = stash.hash_query('SELECT id FROM hash_t WHERE id <= 1001 ORDER BY id') AS exact_at_1001;
SELECT n, stash.hash_query(format('SELECT CASE WHEN id <> %s THEN t END AS t FROM hash_t ORDER BY id', n), true)
	<> stash.hash_query('SELECT t FROM hash_t ORDER BY id', true) AS seen
FROM unnest('{0,1,500,501,1250,2000,2001,2500}'::int[]) n;
SELECT stash.hash_query('SELECT t FROM hash_t WHERE id <> 1250 ORDER BY id', true) = stash.hash_query('SELECT t FROM hash_t ORDER BY id', true) AS one_row_less;
-- each row by itself among the last: small ones are kept, large ones hashed at once, toasted ones read at the end
CREATE TABLE hash_big (id int, t text);
ALTER TABLE hash_big ALTER t SET STORAGE EXTERNAL;
INSERT INTO hash_big SELECT i, repeat(i::text, CASE WHEN i % 7 = 0 THEN 4000 ELSE 10 END) FROM generate_series(1, 1700) i;
SELECT count(DISTINCT stash.hash_query(format('SELECT id, %s AS t FROM hash_big ORDER BY id', t), true)) AS hashes
FROM unnest('{t,t || $$$$,repeat(t\,1),left(t\,100000)}'::text[]) t;
SELECT n, stash.hash_query(format('SELECT id, CASE WHEN id = %s THEN overlay(t placing ''!'' from length(t) for 1) ELSE t END AS t FROM hash_big ORDER BY id', n), true)
	<> stash.hash_query('SELECT id, t FROM hash_big ORDER BY id', true) AS seen
FROM unnest('{497,504,1197,1204,1694,1700}'::int[]) n;

-- its own snapshot is that of the statement around it: earlier writes of the transaction are seen, later ones are not
BEGIN;
SELECT stash.hash_query('SELECT count(*) AS n FROM hash_t') = stash.hash_query('SELECT 2500::int8 AS n') AS before;
INSERT INTO hash_t VALUES (2501, 'more');
SELECT stash.hash_query('SELECT count(*) AS n FROM hash_t') = stash.hash_query('SELECT 2501::int8 AS n') AS after;
WITH w AS (INSERT INTO hash_t VALUES (2502, 'more') RETURNING id)
SELECT id, stash.hash_query('SELECT count(*) AS n FROM hash_t') = stash.hash_query('SELECT 2501::int8 AS n') AS not_yet FROM w;
DO $$
BEGIN
	DELETE FROM hash_t WHERE id > 2490;
	RAISE NOTICE 'deleted: %', stash.hash_query('SELECT count(*) AS n FROM hash_t') = stash.hash_query('SELECT 2490::int8 AS n');
END$$;
ROLLBACK;
-- functions in it may write, as in any query
CREATE TABLE hash_log (n int);
CREATE FUNCTION hash_note(n int) RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO hash_log VALUES (n) RETURNING n';
SELECT stash.hash_query('SELECT hash_note(i) AS n FROM generate_series(1, 3) i') = stash.hash_query('SELECT i AS n FROM generate_series(1, 3) i') AS same;
SELECT count(*) FROM hash_log;
-- a hash within the query of a hash
SELECT stash.hash_query('SELECT stash.hash_query(''SELECT 1'') AS h') = stash.hash_query(format('SELECT %L::uuid AS h', stash.hash_query('SELECT 1'))) AS same;
BEGIN READ ONLY;
SELECT stash.hash_query('SELECT 1') IS NOT NULL AS hashed;
ROLLBACK;

-- workers, as many as there are
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
CREATE FUNCTION hash_worker() RETURNS bool LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT backend_type = 'parallel worker' FROM pg_stat_activity WHERE pid = pg_backend_pid() $$;
SELECT stash.hash_query('SELECT DISTINCT hash_worker() AS w FROM hash_t') = stash.hash_query('SELECT true AS w') AS in_workers;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET parallel_leader_participation;

-- rights: those of the caller
CREATE ROLE regress_stash_reader;
GRANT SELECT (id) ON hash_t TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT stash.hash_query('SELECT id FROM hash_t') IS NOT NULL AS hashed;
SELECT stash.hash_query('SELECT t FROM hash_t');
\echo :SQLSTATE
RESET ROLE;

-- queries that are none; to_jsonl, in sql/export.sql, shows the rest
SELECT stash.hash_query(NULL);
\echo :SQLSTATE
SELECT stash.hash_query('SELECT 1', NULL);
\echo :SQLSTATE
SELECT stash.hash_query('');
\echo :SQLSTATE
SELECT stash.hash_query('SELECT 1; SELECT 2');
\echo :SQLSTATE
SELECT stash.hash_query('SELECT 1 FRM hash_t');
\echo :SQLSTATE
SELECT stash.hash_query('INSERT INTO hash_t VALUES (0) RETURNING id');
\echo :SQLSTATE
SELECT stash.hash_query('WITH d AS (DELETE FROM hash_t RETURNING id) SELECT * FROM d');
\echo :SQLSTATE
SELECT stash.hash_query('SELECT * FROM hash_t FOR UPDATE');
\echo :SQLSTATE
SELECT stash.hash_query('SELECT 1 / (3 - i) AS x FROM generate_series(1, 5) i');
\echo :SQLSTATE
SELECT stash.hash_query('SELECT NULL::gtsvector AS v');
\echo :SQLSTATE
SELECT count(*) FROM hash_t;

-- it can be interrupted, and soon
SELECT clock_timestamp() AS start \gset
SET statement_timeout = '100ms';
SELECT stash.hash_query('SELECT generate_series(1, 1000000000000)');
\echo :SQLSTATE
SELECT stash.hash_query('SELECT FROM generate_series(1, 100000) a, generate_series(1, 10000000) b', true);
\echo :SQLSTATE
RESET statement_timeout;
SELECT clock_timestamp() - :'start' < interval '2 s' AS at_once;

-- in constant memory: of a million rows, and of large ones, of which the last are kept; measured in the middle of it
CREATE TABLE hash_memory (bytes int8);
CREATE FUNCTION hash_measure(n int8, every int) RETURNS int8 LANGUAGE plpgsql AS $$
BEGIN
	IF n % every = 0 THEN
		INSERT INTO hash_memory SELECT sum(total_bytes) FROM pg_backend_memory_contexts;
	END IF;
	RETURN n;
END$$;
SELECT stash.hash_query('SELECT hash_measure(i, 400000), ''{[1,9],[20,)}''::int4multirange AS r FROM (SELECT generate_series(1, 1000000::int8) AS i) s') IS NOT NULL AS hashed;
SELECT count(*), max(bytes) - min(bytes) < 1000000 AS is_constant FROM hash_memory;
TRUNCATE hash_memory;
SELECT stash.hash_query('SELECT hash_measure(i, 1998), repeat(''x'', CASE WHEN i % 2 = 0 THEN 7000 ELSE 200000 END) AS t FROM (SELECT generate_series(2, 6000::int8) AS i) s', true) IS NOT NULL AS hashed;
SELECT count(*), max(bytes) - min(bytes) < 1000000 AS is_constant, max(bytes) < 20000000 AS is_small FROM hash_memory;

DROP TABLE hash_t, hash_big, hash_log, hash_memory;
DROP TYPE hash_row;
DROP FUNCTION hash_note, hash_worker, hash_measure;
DROP ROLE regress_stash_reader;
