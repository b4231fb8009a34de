-- Memoized functions: remembered answers that are computed again, because they are old, or to be verified.
-- A function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_early;
CREATE ROLE regress_stash_late;
CREATE SCHEMA stash_memo_refresh;
GRANT USAGE ON SCHEMA stash_memo_refresh TO PUBLIC;
SET search_path = stash_memo_refresh, public;

-- trap 12: nothing is refreshed in the background
-- an answer past its ttl is computed anew by the call that meets it, with the rights of its caller, in its own transaction
CREATE TABLE secret AS SELECT 1 AS n;
GRANT SELECT ON secret TO regress_stash_early;
CREATE FUNCTION shared() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed shared() as % in %', current_user, pg_backend_pid() = current_setting('stash.test_pid')::int;
	RETURN current_user || (SELECT n FROM stash_memo_refresh.secret);
END
$$;
SELECT set_config('stash.test_pid', pg_backend_pid()::text, false) <> '' AS known;
SELECT stash.memoize('shared()', ttl => '50 ms', stale => '1 hour', share => 'all', vary => '{}');
SET ROLE regress_stash_early;
SELECT shared();
RESET ROLE;
SELECT pg_sleep(0.1);
-- whoever has no right to what is asked cannot refresh it, and changes nothing for those who have
SET ROLE regress_stash_late;
SELECT shared();
\echo :SQLSTATE
RESET ROLE;
SELECT count(*) AS kept, count(DISTINCT result) AS answers FROM stash.calls('shared()');
GRANT SELECT ON secret TO regress_stash_late;
SET ROLE regress_stash_late;
SELECT shared();
RESET ROLE;
SELECT count(*) AS workers FROM pg_stat_activity WHERE backend_type LIKE 'pg_hashstash%';
-- nor does a refresh outlive its transaction
SELECT pg_sleep(0.1);
BEGIN;
SET LOCAL ROLE regress_stash_early;
SELECT shared();
ROLLBACK;
SELECT result, count(*) FROM stash.calls('shared()') GROUP BY result ORDER BY result;

-- trap 24: promises are verified
-- a share of the hits is computed all the same; what differs is told, and returned
CREATE TABLE asked (n int, t text);
INSERT INTO asked VALUES (1, 'x'), (2, 'y');
CREATE FUNCTION wrongly() RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT sum(n) FROM stash_memo_refresh.asked';
CREATE FUNCTION wrong_row() RETURNS asked IMMUTABLE LANGUAGE sql AS 'SELECT n, t FROM stash_memo_refresh.asked ORDER BY n LIMIT 1';
CREATE FUNCTION wrong_rows(backwards bool) RETURNS SETOF asked IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT n, t FROM stash_memo_refresh.asked ORDER BY n %s', current_setting('stash.test_order'));
END
$$;
CREATE FUNCTION rightly(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed rightly(%)', n; RETURN nullif(n, 1); END $$;
CREATE FUNCTION wrong_of(i int) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT sum(n) + i FROM stash_memo_refresh.asked';
CREATE FUNCTION timed() RETURNS text STABLE LANGUAGE sql AS 'SELECT clock_timestamp()::text';
SELECT stash.memoize('wrongly()'), stash.memoize('wrong_row()'), stash.memoize('wrong_rows(bool)'), stash.memoize('rightly(int)'), stash.memoize('wrong_of(int)'), stash.memoize('timed()', ttl => '1 hour');
SET stash.test_order = 'ASC';
SELECT wrongly(), wrong_row(), rightly(1), rightly(2), count(timed()), (SELECT count(*) FROM wrong_rows(true)), (SELECT sum(wrong_of(i)) FROM generate_series(1, 200) AS i);
SET pg_hashstash.verify = 1;
-- as promised: computed, and silent; the order of a set is no promise, and an answer with a ttl may be old
SET stash.test_order = 'DESC';
SELECT wrongly(), wrong_row(), rightly(1), rightly(2), timed() = timed() AS same;
SELECT * FROM wrong_rows(true);
-- not as promised
UPDATE asked SET t = 'z' WHERE n = 1;
\set VERBOSITY terse
SELECT wrongly(), wrong_row();
SELECT * FROM wrong_rows(true);
DELETE FROM asked;
SELECT wrongly() IS NULL AS is_null, wrong_row() IS NULL AS no_row, (SELECT count(*) FROM wrong_rows(true));
\set VERBOSITY default
-- never by itself; by chance in between; and no share is more than all
RESET pg_hashstash.verify;
SELECT wrongly(), wrong_row();
SET client_min_messages = error;
SET pg_hashstash.verify = 0.5;
SELECT count(*) FILTER (WHERE wrong_of(i) IS NULL) BETWEEN 50 AND 150 AS by_chance FROM generate_series(1, 200) AS i;
RESET client_min_messages;
SET pg_hashstash.verify = 1.1;
\echo :SQLSTATE
SET pg_hashstash.verify = 1;
-- what was forgotten is computed and kept as ever
SELECT stash.forget('wrongly()');
SELECT wrongly(), wrongly();

-- trap 24: the key is the call's, whatever the target does with its arguments
-- PL/pgSQL takes over arrays that other PL/pgSQL makes: here one is changed, and one is gone when the answer is kept
RESET pg_hashstash.verify;
CREATE FUNCTION numbers(n int) RETURNS int[] STABLE LANGUAGE plpgsql AS $$
DECLARE
	made int[];
BEGIN
	FOR i IN 1 .. n LOOP
		made[i] := i;
	END LOOP;
	RETURN made;
END
$$;
CREATE FUNCTION changes(given int[]) RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed changes() of % numbers', cardinality(given);
	given[1] := 1000;
	RETURN given[1] + given[2];
END
$$;
CREATE FUNCTION frees(given int[]) RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE
	others int[];
BEGIN
	RAISE NOTICE 'computed frees() of % numbers', cardinality(given);
	given := NULL;
	FOR i IN 1 .. 30 LOOP
		others := array_fill(2000000000 + i, ARRAY[i * 100]);
	END LOOP;
	RETURN cardinality(others);
END
$$;
CREATE FUNCTION frees_of_set(given int[]) RETURNS SETOF int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed frees_of_set() of % numbers', cardinality(given);
	given := NULL;
	given := array_fill(7, ARRAY[1000]);
	RETURN QUERY SELECT cardinality(given);
END
$$;
SELECT stash.memoize('changes(int[])'), stash.memoize('frees(int[])'), stash.memoize('frees_of_set(int[])');
SET pg_hashstash.memo = refresh;
SELECT changes(numbers(30)), frees(numbers(30)), (SELECT * FROM frees_of_set(numbers(30))) AS frees_of_set;
RESET pg_hashstash.memo;
-- of these arguments, and found by others
SELECT left(args::text, 30) AS args FROM stash.calls('changes(int[])')
UNION ALL SELECT left(args::text, 30) FROM stash.calls('frees(int[])')
UNION ALL SELECT left(args::text, 30) FROM stash.calls('frees_of_set(int[])');
\c -
SET search_path = stash_memo_refresh, public;
SET pg_hashstash.shared_cache = off;
SELECT changes(numbers(30)), frees(numbers(30)), (SELECT * FROM frees_of_set(numbers(30))) AS frees_of_set;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_refresh CASCADE;
DROP ROLE regress_stash_early, regress_stash_late;
