-- Memoized functions in parallel queries: read from the stash, computed, never written, never wrong.
CREATE SCHEMA stash_memo_parallel;
SET search_path = stash_memo_parallel, public;
SET pg_hashstash.shared_cache = off;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION square(n int) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN n::bigint * n; END';
CREATE FUNCTION feel(n int) RETURNS mood IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$BEGIN RETURN CASE WHEN n % 2 = 0 THEN 'glad' ELSE 'sad' END; END$$;
CREATE FUNCTION upto(n int) RETURNS SETOF int IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT generate_series(1, n); END';
CREATE FUNCTION feelings(n int) RETURNS SETOF mood IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$BEGIN RETURN QUERY SELECT 'glad'::stash_memo_parallel.mood FROM generate_series(1, n); END$$;
CREATE FUNCTION now_and_then(n int) RETURNS text STABLE PARALLEL SAFE LANGUAGE plpgsql AS $$BEGIN RETURN current_setting('timezone') || n; END$$;
SELECT stash.memoize('square(int)'), stash.memoize('feel(int)'), stash.memoize('upto(int)'), stash.memoize('feelings(int)'), stash.memoize('now_and_then(int)', ttl => '1 hour', vary => '{timezone}');
CREATE TABLE numbers AS SELECT n FROM generate_series(1, 5000) AS n;
ALTER TABLE numbers SET (parallel_workers = 2);
ANALYZE numbers;
-- half of the answers are known already
SET max_parallel_workers_per_gather = 0;
SELECT count(square(n)), count(feel(n)), count(now_and_then(n)) FROM numbers WHERE n <= 2500;
SELECT sum((SELECT count(*) FROM upto(n))) AS sets, sum((SELECT count(*) FROM feelings(n))) AS feelings FROM numbers WHERE n <= 3;
CREATE FUNCTION kept() RETURNS bigint LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM stash_memo_parallel.square_stash) + (SELECT count(*) FROM stash_memo_parallel.feel_stash)
		+ (SELECT count(*) FROM stash_memo_parallel.now_and_then_stash) + (SELECT count(*) FROM stash_memo_parallel.upto_stash)
$$;
SELECT kept();

-- trap 41: parallel workers
-- by the planner's own choice; the leader cannot write either
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT sum(square(n)) FROM numbers;
SELECT sum(square(n)) = sum(n::bigint * n) AS squares, count(*) FILTER (WHERE feel(n) = 'glad') AS glad,
	count(*) FILTER (WHERE now_and_then(n) <> 'PST8PDT' || n) AS wrong FROM numbers;
SELECT sum((SELECT count(*) FROM upto(n % 10))) = sum(n % 10) AS sets, sum((SELECT count(*) FROM feelings(n % 5))) = sum(n % 5) AS feelings FROM numbers;
SELECT count(*) FROM numbers WHERE square(n) % 2 = 0;
SELECT kept();
-- settings of the leader are those of the workers
SET timezone = 'UTC';
SELECT count(*) FILTER (WHERE now_and_then(n) <> 'UTC' || n) AS wrong FROM numbers;
RESET timezone;
-- temporary tables, too
CREATE TEMP TABLE numbers_now (n int);
SELECT count(*) FILTER (WHERE now_and_then(n) <> 'PST8PDT' || n) AS wrong FROM numbers;
DROP TABLE numbers_now;

-- everything that can be in a worker, even if it is no use (the setting was renamed with 16)
SELECT count(set_config(name, 'on', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT square(3), feel(3), now_and_then(3), square(7777), feel(7777), now_and_then(7777);
SELECT * FROM upto(3);
SELECT * FROM upto(4);
SELECT * FROM feelings(2);
SELECT item, value FROM stash.explain('square(int)', 3) WHERE item = 'verdict';
SELECT count(*) FROM stash.calls('feelings(int)');
SELECT stash.put(stash.create('s'), 'k', 1);
SELECT stash.get('s', 'k'), stash.has('s', 'k'), stash.count('s');
SELECT key, value FROM stash.entries('s');
SELECT count(*) FROM numbers WHERE stash.has('s', n);
-- temporary ones, which workers cannot read
SELECT stash.put(stash.create('fleeting', 'temp'), 7, 'seven');
SELECT stash.get('fleeting', 7), stash.count('fleeting');
SELECT n, stash.get('fleeting', n) FROM numbers WHERE stash.has('fleeting', n);
CREATE FUNCTION pg_temp.cube(n int) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN n::bigint * n * n; END';
SELECT stash.memoize('pg_temp.cube(int)') IS NOT NULL AS memoized;
SELECT sum(pg_temp.cube(n)) = sum(n::bigint * n * n) AS cubes FROM numbers;
DROP TABLE fleeting;
SELECT kept();
-- an error of a worker is the caller's, and leaves nothing behind
CREATE FUNCTION fail(n int) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN 1 / (n - 4000); END';
SELECT stash.memoize('fail(int)');
\set VERBOSITY terse
SELECT sum(fail(n)) FROM numbers;
\set VERBOSITY default
SELECT count(*) FROM stash.calls('fail(int)');
SELECT fail(4001);

-- afterwards the session writes again
SELECT count(set_config(name, 'off', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SET max_parallel_workers_per_gather = 0;
SET pg_hashstash.local_cache_size = 0;
SELECT kept() AS n \gset
SELECT sum(square(n)) = sum(n::bigint * n) AS squares FROM numbers;
SELECT kept() - :n AS more;

RESET ALL;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_parallel CASCADE;
RESET client_min_messages;
