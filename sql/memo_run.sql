-- Calls that are remembered without a memoized function: stash.run, run_named, peek; arguments, freshness, rights, errors.
CREATE SCHEMA stash_memo_run;
SET search_path = stash_memo_run, public;
\set SHOW_CONTEXT never
CREATE FUNCTION plus(a int, b int DEFAULT 10) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE NOTICE 'computing %, %', a, b;
	RETURN a + b;
END $$;

-- computed once; literals, implicit casts and defaults make the same call
SELECT stash.run(NULL::int, 'plus(int,int)', 1, 2);
SELECT stash.run(NULL::int, 'plus(int,int)', 1, 2), stash.run(NULL::int, 'plus(int,int)', '1', '2'),
	stash.run(NULL::int, 'plus(int,int)', 1::smallint, 2::smallint), stash.run_named(NULL::int, 'plus(int,int)', '{"b": 2, "a": 1}');
SELECT stash.run(NULL::int, 'plus(int,int)', 1), stash.run(NULL::int, 'plus(int,int)', 1, 10),
	stash.run_named(NULL::int, 'plus(int,int)', '{"a": "1"}');
SELECT n, sum(stash.run(NULL::int, 'plus(int,int)', n % 2, n % 2)) FROM generate_series(1, 4) AS n GROUP BY 1 ORDER BY 1;
-- the function may change from row to row
CREATE FUNCTION minus(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
SELECT f, stash.run(NULL::int, f, 5, 3) FROM unnest('{"plus(int,int)", "minus(int,int)", "plus(int,int)"}'::regprocedure[]) AS f;
-- NULL: an argument like any other, unless the function is STRICT
SELECT stash.run(NULL::int, 'plus(int,int)', NULL, 2), stash.run(NULL::int, 'plus(int,int)', NULL::int, 2);
CREATE FUNCTION careful(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE STRICT AS $$ BEGIN RAISE NOTICE 'not for NULL'; RETURN a; END $$;
SELECT stash.run(NULL::int, 'careful(int)', NULL);

-- results of every kind
CREATE TYPE pair AS (x int, y text);
CREATE FUNCTION give_pair() RETURNS pair LANGUAGE sql IMMUTABLE AS $$ SELECT (1, 'one')::pair $$;
CREATE FUNCTION give_record(OUT x int, OUT y text) LANGUAGE sql IMMUTABLE AS $$ SELECT 2, 'two' $$;
CREATE FUNCTION swapped(a anyelement, b anyelement) RETURNS anyarray LANGUAGE sql IMMUTABLE AS 'SELECT ARRAY[b, a]';
SELECT i, stash.run(NULL::pair, 'give_pair()'), stash.run(NULL::record, 'give_record()'), stash.run(NULL::text[], 'swapped(anyelement,anyelement)', 'x'::text, 'y'),
	stash.run(NULL::int[], 'swapped(anyelement,anyelement)', 1, 2), stash.run(NULL::text, 'format(text,"any")', '%s-%s', 1, 'a')
FROM generate_series(1, 2) AS i;

-- peek computes nothing
SELECT stash.peek('plus(int,int)', 1, 2), stash.peek('plus(int,int)', 1), stash.peek('plus(int,int)', 100, 2), stash.peek('give_pair()');
SELECT stash.peek('careful(int)', NULL) IS NULL AS is_not_remembered, stash.peek('plus(int,int)', NULL, 2) AS remembered_null;
SET pg_hashstash.local_cache_size = 0;
SELECT stash.peek('plus(int,int)', 1, 2) AS from_the_table;
RESET pg_hashstash.local_cache_size;
SET pg_hashstash.memo = off;
SELECT stash.peek('plus(int,int)', 1, 2) IS NULL AS is_off;
RESET pg_hashstash.memo;

-- memoized functions are called as they are; peek tells of their results, of sets too
CREATE FUNCTION slow(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'slow %', a; RETURN a * a; END $$;
CREATE FUNCTION several(a int) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS 'SELECT generate_series(1, a)';
SELECT stash.memoize('slow(int)'), stash.memoize('several(int)');
SELECT stash.peek('slow(int)', 3), stash.run(NULL::int, 'slow(int)', 3), stash.peek('slow(int)', 3);
SELECT slow(3), stash.peek('slow(int)', 3), count(*) FROM stash.calls('slow(int)');
SELECT stash.peek('several(int)', 3) IS NULL AS unknown;
SELECT count(*) FROM several(3);
SELECT stash.peek('several(int)', 3);

-- fresh as memoized functions are
CREATE TABLE item (n int);
INSERT INTO item VALUES (1), (2);
SELECT stash.track('item');
CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE NOTICE 'total'; RETURN (SELECT sum(n) FROM item); END $$;
SELECT stash.run(NULL::bigint, 'total()');
SELECT stash.run(NULL::bigint, 'total()'), stash.peek('total()');
INSERT INTO item VALUES (3);
SELECT stash.peek('total()') IS NULL AS is_stale;
SELECT stash.run(NULL::bigint, 'total()'), stash.peek('total()');
CREATE OR REPLACE FUNCTION plus(a int, b int DEFAULT 20) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE NOTICE 'adding %, %', a, b;
	RETURN a + b;
END $$;
SELECT stash.run(NULL::int, 'plus(int,int)', 1, 2), stash.run(NULL::int, 'plus(int,int)', 1);

-- nobody answers for another role or other settings, though the function is IMMUTABLE
CREATE ROLE regress_stash_runner;
GRANT USAGE ON SCHEMA stash_memo_run TO regress_stash_runner;
SET ROLE regress_stash_runner;
SELECT stash.run(NULL::int, 'plus(int,int)', 1, 2);
SELECT stash.run(NULL::int, 'plus(int,int)', 1, 2);
SET search_path = public, stash_memo_run;
SELECT stash.run(NULL::int, 'stash_memo_run.plus(int,int)', 1, 2);
SELECT * FROM stash.run_result;
RESET ROLE;
SET search_path = stash_memo_run, public;
REVOKE EXECUTE ON FUNCTION plus, slow FROM PUBLIC;
SET ROLE regress_stash_runner;
SELECT stash.run(NULL::int, 'plus(int,int)', 1, 2);
\echo :SQLSTATE
SELECT stash.peek('plus(int,int)', 1, 2);
SELECT stash.run(NULL::int, 'slow(int)', 3);
\echo :SQLSTATE
SELECT stash.peek('slow(int)', 3);
RESET ROLE;

-- what cannot be called
SELECT stash.run(NULL::int, 'plus(int,int)', '1'::text, 2);
\echo :SQLSTATE
SELECT stash.run(NULL::int, 'plus(int,int)', 1, 2, 3);
\echo :SQLSTATE
SELECT stash.run(NULL::int, 'plus(int,int)');
SELECT stash.run(NULL::int, 'plus(int,int)', 'one', 2);
\echo :SQLSTATE
SELECT stash.run(NULL::text, 'plus(int,int)', 1, 2);
\echo :SQLSTATE
SELECT stash.run(NULL::float8, 'random()');
\echo :SQLSTATE
SELECT stash.run(NULL::int, 'generate_series(int,int)', 1, 2);
\echo :SQLSTATE
SELECT stash.run(NULL::bigint, 'sum(int)', 1);
\echo :SQLSTATE
SELECT stash.run(NULL::int, NULL, 1);
\echo :SQLSTATE
SELECT stash.run_named(NULL::int, 'plus(int,int)', '{"c": 1}');
\echo :SQLSTATE
SELECT stash.run_named(NULL::int, 'plus(int,int)', '[1, 2]');
\echo :SQLSTATE
SELECT stash.run_named(NULL::int[], 'swapped(anyelement,anyelement)', '{"a": 1, "b": 2}');
\echo :SQLSTATE
SELECT stash.run_named(NULL::int, 'plus(int,int)', NULL);
\echo :SQLSTATE
SET client_min_messages = warning;
DROP SCHEMA stash_memo_run CASCADE;
DROP ROLE regress_stash_runner;
