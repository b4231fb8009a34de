-- What is counted of memoized functions, who may see it, and what does not pay.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_alice;
CREATE ROLE regress_stash_bob;
CREATE ROLE regress_stash_monitor IN ROLE pg_read_all_stats;
CREATE SCHEMA stash_memo_stat;
GRANT ALL ON SCHEMA stash_memo_stat TO PUBLIC;
SET search_path = stash_memo_stat, public;
CREATE FUNCTION f(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 10; END';
CREATE FUNCTION rows_of(n int) RETURNS SETOF int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT generate_series(1, n); END';
SELECT stash.memoize('f(int)'), stash.memoize('rows_of(int)');
CREATE VIEW of_schema AS SELECT oid FROM pg_proc WHERE pronamespace = 'stash_memo_stat'::regnamespace;
-- all but times and sizes
CREATE VIEW counts AS
	SELECT function, calls, hits_local AS local, hits_shared AS shared, hits_table AS "table", misses, bypasses, fills, waits, evictions AS evicted, invalidations AS stale
	FROM stash.stat_memo WHERE function IN (SELECT oid FROM of_schema);
CREATE VIEW reasons AS
	SELECT function, kind, reason, count FROM stash.stat_memo_reasons WHERE function IN (SELECT oid FROM of_schema);
GRANT SELECT ON ALL TABLES IN SCHEMA stash_memo_stat TO PUBLIC;

-- nothing was called yet
SELECT * FROM counts;
-- each way in which a call ends
SELECT f(1), f(1), f(1), f(2);
SELECT * FROM counts;
SET pg_hashstash.local_cache_size = 0;
SELECT f(1), f(2);
SET pg_hashstash.shared_cache = off;
SELECT f(1), f(2);
RESET pg_hashstash.shared_cache;
RESET pg_hashstash.local_cache_size;
SET pg_hashstash.memo = off;
SELECT f(1);
SET pg_hashstash.enabled = off;
SELECT f(1), f(1);
RESET pg_hashstash.enabled;
SET pg_hashstash.memo = readonly;
SELECT f(1), f(3);
SET pg_hashstash.memo = refresh;
SELECT f(1);
RESET pg_hashstash.memo;
SELECT * FROM counts;
SELECT * FROM reasons ORDER BY kind, reason;
-- what comes of a call counts, whatever becomes of its transaction
BEGIN;
SELECT f(4), f(4);
SAVEPOINT s;
SELECT f(5);
ROLLBACK TO s;
SELECT f(5);
ROLLBACK;
SELECT * FROM counts;
-- a call that fails ends in no way
CREATE FUNCTION fails(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1 / n; END';
SELECT stash.memoize('fails(int)');
SELECT fails(1), fails(0);
\echo :SQLSTATE
SELECT * FROM counts WHERE function = 'fails(int)'::regprocedure;
-- sets; without a list of columns nobody knows what a record is
SELECT (SELECT count(*) FROM rows_of(3)), (SELECT count(*) FROM rows_of(3));
CREATE FUNCTION records(n int) RETURNS SETOF record IMMUTABLE LANGUAGE sql AS 'SELECT g, g FROM generate_series(1, n) AS g';
SELECT stash.memoize('records(int)');
SELECT count(*) FROM records(2) AS (a int, b int);
SELECT count(*) FROM (SELECT records(2)) AS r;
SELECT * FROM counts WHERE function <> 'f(int)'::regprocedure ORDER BY function::text;
SELECT * FROM reasons WHERE function = 'records(int)'::regprocedure;
SELECT function, bytes > 0 AS has_bytes, computed > '0' AS took_time, hit_ratio, scope FROM stash.stat_memo WHERE function IN ('f(int)'::regprocedure, 'rows_of(int)'::regprocedure) ORDER BY function::text;

-- why answers are not kept, not stored, or stale: one name and one text, that of stash.explain
CREATE TABLE numbers (n int);
CREATE FUNCTION counted(n int) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM stash_memo_stat.numbers';
CREATE FUNCTION clock(n int) RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT now()';
CREATE FUNCTION large(n int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT repeat(''x'', n)';
SELECT stash.memoize('counted(int)'), stash.memoize('clock(int)'), stash.memoize('large(int)', max_bytes => 100);
SELECT counted(1), count(clock(1)), length(large(10)), length(large(1000));
SELECT stash.track('numbers');
SELECT counted(1), counted(1);
INSERT INTO numbers VALUES (1);
SELECT counted(1), counted(1);
BEGIN READ ONLY;
SELECT counted(2), counted(2);
COMMIT;
BEGIN;
INSERT INTO numbers VALUES (2);
SELECT counted(1), counted(1);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT counted(1);
COMMIT;
CREATE FUNCTION stashless(n int) RETURNS bigint STABLE LANGUAGE stash AS E'target = stash_memo_stat.counted_uncached\nstash = stash_memo_stat.nowhere';
SELECT stashless(1), stashless(3);
SELECT * FROM counts WHERE function = 'counted(int)'::regprocedure;
SELECT * FROM reasons WHERE function IN ('counted(int)'::regprocedure, 'clock(int)'::regprocedure, 'large(int)'::regprocedure, 'stashless(int)'::regprocedure) ORDER BY function::text, kind, reason;
SELECT count(*) AS same FROM stash.stat_memo_reasons AS r, stash.explain('clock(int)', 1) AS e
WHERE r.function = 'clock(int)'::regprocedure AND e.item = 'last answer not kept' AND e.value LIKE '%: ' || r.meaning;

-- what leaves the memory of the session for want of room
CREATE FUNCTION wide(n int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT repeat(''x'', 10000)';
SELECT stash.memoize('wide(int)');
SET pg_hashstash.local_cache_size = '64kB';
SELECT count(wide(n)) FROM generate_series(1, 20) AS n;
SELECT calls, misses, evictions BETWEEN 14 AND 16 AS evicted, bytes BETWEEN 20 * 10000 AND 20 * 10100 AS bytes FROM stash.stat_memo WHERE function = 'wide(int)'::regprocedure;
RESET pg_hashstash.local_cache_size;

-- workers of a parallel query count, too
CREATE FUNCTION square(n int) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN n * n; END';
SELECT stash.memoize('square(int)');
INSERT INTO numbers SELECT n FROM generate_series(1, 5000) AS n;
ALTER TABLE numbers SET (parallel_workers = 2);
ANALYZE numbers;
-- in a session that knows nothing of us yet
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_stat, public;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT sum(square(n)) FROM numbers;
SELECT sum(square(n)) FROM numbers;
SELECT calls = (SELECT count(*) FROM numbers) AS all_of_them FROM counts WHERE function = 'square(int)'::regprocedure;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- what pays, and what does not: known after some calls, of which one in 64 is timed
CREATE FUNCTION cheap(n int) RETURNS int IMMUTABLE LANGUAGE internal AS 'int4abs';
CREATE FUNCTION dear(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.01); RETURN n; END';
SELECT stash.memoize('cheap(int)'), stash.memoize('dear(int)');
SELECT cheap(1), dear(1);
SELECT function, overhead, worth_it FROM stash.stat_memo WHERE function IN ('cheap(int)'::regprocedure, 'dear(int)'::regprocedure) ORDER BY function::text;
SELECT count(cheap(10 + n % 10)), count(dear(n % 2)) FROM generate_series(1, 1000) AS n;
SELECT function, overhead > '0' AS overhead, saved >= '9 s' AS saved, computed >= '0.02 s' AS computed, worth_it
FROM stash.stat_memo WHERE function IN ('cheap(int)'::regprocedure, 'dear(int)'::regprocedure) ORDER BY function::text;
-- answers found in the stash bring their cost along
SET pg_hashstash.local_cache_size = 0;
SELECT stash.reset_stats('dear(int)');
SELECT dear(0);
RESET pg_hashstash.local_cache_size;
SELECT saved BETWEEN '0.01 s' AND '1 s' AS saved, computed FROM stash.stat_memo WHERE function = 'dear(int)'::regprocedure;
-- so answers can be left out that cost too little; a memo may say so itself
SET pg_hashstash.min_cost = '5ms';
SELECT cheap(7), cheap(7), dear(7), dear(7);
SELECT item, value FROM stash.explain('cheap(int)', 7) WHERE item IN ('verdict', 'last answer not kept');
SELECT function, kind, reason, count FROM reasons WHERE reason = 'cheap';
SELECT stash.unmemoize('cheap(int)'), stash.memoize('cheap(int)', min_cost => '0');
SELECT cheap(8);
SELECT item, value FROM stash.explain('cheap(int)', 8) WHERE item IN ('verdict', 'last answer not kept');
SET pg_hashstash.min_cost = '100us';
SHOW pg_hashstash.min_cost;
RESET pg_hashstash.min_cost;
-- the text is that of the server's version
\set VERBOSITY sqlstate
SET pg_hashstash.min_cost = -1;
\set VERBOSITY default

-- EXPLAIN ANALYZE has a line for each function
CREATE FUNCTION memo_lines(query text, options text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF ' || options || ') ' || query LOOP
		IF line ~ 'Memo' THEN
			RETURN NEXT line;
		END IF;
	END LOOP;
EXCEPTION WHEN division_by_zero THEN
	RETURN NEXT 'failed';
END
$$;
CREATE FUNCTION inner_one(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n; END';
CREATE FUNCTION outer_one(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN stash_memo_stat.inner_one(n); END';
REVOKE EXECUTE ON FUNCTION inner_one(int) FROM PUBLIC;
SELECT stash.memoize('inner_one(int)'), stash.memoize('outer_one(int)');
SELECT inner_one(1);
SELECT memo_lines('SELECT outer_one(n % 4) FROM generate_series(1, 100) AS n');
SET pg_hashstash.memo = off;
SELECT memo_lines('SELECT outer_one(n) FROM generate_series(1, 3) AS n', ', VERBOSE');
RESET pg_hashstash.memo;
SELECT regexp_replace(memo_lines('SELECT outer_one(4)', ', TIMING'), 'in [0-9.]+ ms', 'in some time');
SELECT memo_lines('SELECT n FROM generate_series(1, 3) AS n');
SELECT memo_lines('SELECT outer_one(n) FROM generate_series(1, 3) AS n', ', ANALYZE OFF, TIMING OFF');
SELECT memo_lines('SELECT outer_one(n) FROM generate_series(1, 3) AS n', ', FORMAT JSON');
-- one inside the other, and one that fails
SELECT memo_lines('SELECT outer_one(n), memo_lines($x$SELECT outer_one(1) / (n - 1) FROM generate_series(2, 1, -1) AS n$x$) FROM generate_series(1, 4) AS n');
SELECT memo_lines('SELECT outer_one(1), memo_lines($x$SELECT outer_one(2)$x$)');
SELECT calls, bypasses FROM counts WHERE function = 'outer_one(int)'::regprocedure;
-- the name of a function that is nothing for the caller is not told
SET ROLE regress_stash_bob;
SELECT memo_lines('SELECT outer_one(n) FROM generate_series(5, 6) AS n');
RESET ROLE;

-- trap 13: counts
-- counts are for the owner and for pg_read_all_stats
SET ROLE regress_stash_alice;
CREATE FUNCTION hers(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n; END';
SELECT stash.memoize('hers(int)');
SELECT hers(1), hers(1), f(1);
SELECT * FROM counts;
SELECT function FROM stash.stat_memo_reasons WHERE function NOT IN (SELECT oid FROM of_schema WHERE oid <> 'hers(int)'::regprocedure);
SET ROLE regress_stash_bob;
SELECT hers(1), hers(2);
SELECT count(*) FROM stash.stat_memo;
SELECT count(*) FROM stash.stat_memo_reasons;
SELECT stash.reset_stats('hers(int)');
\echo :SQLSTATE
SELECT stash.reset_stats();
SET ROLE regress_stash_monitor;
SELECT * FROM counts WHERE function = 'hers(int)'::regprocedure;
SELECT count(*) > 5 AS many FROM counts;
SELECT count(*) > 5 AS many FROM reasons;
SELECT stash.reset_stats('hers(int)');
\echo :SQLSTATE
-- the owner begins anew, with what is one's own
SET ROLE regress_stash_alice;
SELECT stats_reset AS before FROM stash.stat_memo \gset
SELECT stash.reset_stats();
SELECT calls, stats_reset > :'before' AS is_later FROM stash.stat_memo;
RESET ROLE;
SELECT calls > 0 AS untouched FROM counts WHERE function = 'f(int)'::regprocedure;
SELECT stash.reset_stats('f(int)');
SELECT * FROM counts WHERE function = 'f(int)'::regprocedure;
SELECT stash.reset_stats('pg_catalog.upper(text)');
\echo :SQLSTATE
-- what is dropped, or memoized no more, is not shown
SELECT count(*) FROM counts WHERE function IN ('f(int)'::regprocedure, 'wide(int)'::regprocedure);
SELECT 'f(int)'::regprocedure::oid AS f, 'wide(int)'::regprocedure::oid AS wide \gset
SELECT stash.unmemoize('f(int)');
DROP FUNCTION wide(int);
SELECT count(*) FROM stash.stat_memo WHERE function IN (:f, :wide);

SET client_min_messages = warning;
DROP SCHEMA stash_memo_stat CASCADE;
DROP ROLE regress_stash_alice, regress_stash_bob, regress_stash_monitor;
