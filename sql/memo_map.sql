-- Many calls at once: inputs as arguments, rows, errors, what is remembered, whose rights and settings; with workers and without.
CREATE SCHEMA stash_memo_map;
SET search_path = stash_memo_map, public;
\set SHOW_CONTEXT never
CREATE FUNCTION inverse(a int) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN round(1.0 / a, 3); END $$;
SELECT ord, input, result, hit, error, elapsed IS NOT NULL AS is_timed FROM stash.map('inverse(int)', ARRAY[4, 0, 2]) ORDER BY ord;
SELECT ord, input, result, error FROM stash.map('inverse(int)', '{3,2,1,0}'::int[], workers => 3, ordered => true);
SELECT ord, input, result, error FROM stash.map('inverse(int)', '{3,2,1,0}'::int[], workers => 0);
-- trap 66: an empty list gives no rows, and NULL is a value
SELECT * FROM stash.map('inverse(int)', '{}'::int[]);
SELECT * FROM stash.map('inverse(int)', NULL::int[]);
SELECT ord, input, result, error FROM stash.map('inverse(int)', '{NULL, 1}'::int[], ordered => true);
-- in order whatever the workers do, each input once, with one worker or many or none
CREATE FUNCTION next(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + 1';
SELECT workers, is_ordered, count(*), count(DISTINCT ord), bool_and(NOT is_ordered OR ord = n) AS in_order, bool_and(input = ord * 3), bool_and((result::int) = ord * 3 + 1), count(error)
FROM (VALUES (0), (1), (2), (5)) AS w (workers), (VALUES (false), (true)) AS o (is_ordered), LATERAL (
	SELECT m.*, row_number() OVER () AS n FROM stash.map('next(int)', (SELECT array_agg(i * 3) FROM generate_series(1, 20000) AS i),
		workers => w.workers, ordered => is_ordered) AS m) AS m
GROUP BY 1, 2 ORDER BY 1, 2;

-- inputs of any type, of any size
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
CREATE FUNCTION weigh(p pair) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT p.x || '-' || p.y $$;
CREATE FUNCTION glue(x int, y text, z text DEFAULT '!') RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT concat_ws('-', x, y, z) $$;
CREATE FUNCTION halve(e even) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN e / 2; END $$;
CREATE FUNCTION twice(a anyelement) RETURNS anyarray LANGUAGE sql IMMUTABLE AS 'SELECT ARRAY[a, a]';
CREATE FUNCTION nothing(a int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION more(a int, OUT b int, OUT c text) LANGUAGE sql IMMUTABLE AS $$ SELECT a, 'c' || a $$;
SELECT ord, input, result, error FROM stash.map('weigh(pair)', ARRAY[(1, 'a'), (2, 'b'), NULL]::pair[], ordered => true);
SELECT ord, input, result, error FROM stash.map('glue(int,text,text)', ARRAY[(1, 'a'), (2, NULL), NULL]::pair[], ordered => true);
SELECT ord, input, result, error FROM stash.map('glue(int,text,text)', ARRAY[ROW(1, 'a'::text, 'x'::text), ROW(2, 'b'::text, 'y'::text)], ordered => true);
SELECT ord, input, result, error FROM stash.map('halve(even)', ARRAY[2, 3, 4], ordered => true);
SELECT ord, input, result, error FROM stash.map('halve(even)', ARRAY[2, 3, 4], workers => 0);
SELECT ord, input, result FROM stash.map('twice(anyelement)', ARRAY['a', 'b'], ordered => true);
SELECT ord, input, result, error FROM stash.map('to_jsonb(anyelement)', ARRAY[ROW(1, ROW(2)), ROW('x'::text, ROW(3, 4)), NULL], ordered => true);
SELECT ord, input, result, error FROM stash.map('nothing(int)', ARRAY[1], ordered => true);
SELECT ord, input, result FROM stash.map('more(int)', ARRAY[[1, 2], [3, 4]], ordered => true);
SELECT ord, input, result FROM stash.map('float8(int)', ARRAY[1, 2]::smallint[], ordered => true);
SELECT bool_and(length(input) = 640000 + ord AND result::text = md5(input)), count(*)
FROM stash.map('md5(text)', (SELECT array_agg(repeat(md5(i::text), 20000) || repeat('x', i)) FROM (SELECT i FROM generate_series(1, 20) AS i) AS t));
CREATE FUNCTION large(a text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT string_agg(md5(a || i), '') FROM generate_series(1, 40000) AS i $$;
SELECT bool_and(octet_length(result::text) = 32 * 40000 AND result::text = large(input)), count(*), count(error)
FROM stash.map('large(text)', '{a,b,c,d,e}'::text[], workers => 2);

-- options: named arguments, for all inputs or for each
SELECT ord, result FROM stash.map('glue(int,text,text)', ARRAY[1, 2], options => '{"z": "?", "y": "all"}', ordered => true);
SELECT ord, result FROM stash.map('glue(int,text,text)', ARRAY['one', 'two'], options => '[{"x": 1}, {"x": 2}]', ordered => true);
SELECT ord, result FROM stash.map('glue(int,text,text)', ARRAY[(1, 'a'), (2, 'b')]::pair[], options => '{"z": null}', ordered => true);
SELECT stash.map('glue(int,text,text)', ARRAY[1, 2], options => '[{"y": "a"}]');
\echo :SQLSTATE
SELECT stash.map('glue(int,text,text)', ARRAY[1, 2], options => '[{"y": "a"}, {"z": "b"}]');
\echo :SQLSTATE
SELECT stash.map('glue(int,text,text)', ARRAY[1, 2], options => '{"w": 1}');
\echo :SQLSTATE
SELECT stash.map('glue(int,text,text)', ARRAY['a', 'b'], options => '{"x": "one"}');
\echo :SQLSTATE

-- errors, each that of its input, or the end of all
CREATE FUNCTION choosy(a int) RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF a % 3 = 0 THEN
		RAISE 'not %', a USING ERRCODE = 'XY123', DETAIL = 'It is a third.', HINT = 'Take another.';
	END IF;
	RETURN a;
END $$;
SELECT ord, result, error FROM stash.map('choosy(int)', '{1,2,3,4,5,6}'::int[], ordered => true);
SELECT ord, result, error FROM stash.map('choosy(int)', '{1,2,3,4,5,6}'::int[], workers => 0);
SELECT ord, result, error FROM stash.map('choosy(int)', '{1,2,3,4}'::int[], ordered => true, on_error => 'stop');
\echo :SQLSTATE
SELECT ord, result, error FROM stash.map('choosy(int)', '{1,2,3,4}'::int[], workers => 0, on_error => 'stop');
\echo :SQLSTATE
SELECT count(*), count(result), count(error) FROM stash.map('choosy(int)', (SELECT array_agg(i) FROM generate_series(1, 3000) AS i));

-- what is remembered needs no worker; what workers remember stays, come what may
CREATE FUNCTION square(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN a * a; END $$;
SELECT stash.memoize('square(int)');
SELECT square(2);
SELECT ord, input, result, hit FROM stash.map('square(int)', '{1,2,3}'::int[], ordered => true);
SELECT ord, input, result, hit, elapsed FROM stash.map('square(int)', '{3,2,1}'::int[], ordered => true);
SELECT ord, result, hit FROM stash.map('square(int)', '{9,1,8,2}'::int[], ordered => true);
DO $$
BEGIN
	PERFORM stash.map('square(int)', '{20, 21}'::int[]);
	RAISE 'and now?';
END $$;
SELECT stash.peek('square(int)', 20), stash.peek('square(int)', 21);
SET pg_hashstash.memo = refresh;
SELECT ord, result, hit FROM stash.map('square(int)', '{1,2}'::int[], ordered => true);
RESET pg_hashstash.memo;
-- of others only with remember
SELECT ord, result, hit FROM stash.map('next(int)', '{1,2}'::int[], ordered => true);
SELECT ord, result, hit FROM stash.map('next(int)', '{1,2}'::int[], ordered => true, remember => true);
SELECT ord, result, hit FROM stash.map('next(int)', '{1,2,3}'::int[], ordered => true, remember => true);
SELECT stash.peek('next(int)', 3), stash.run(NULL::int, 'next(int)', 3);
SELECT stash.map('nothing(int)', '{1}'::int[], remember => true);
\echo :SQLSTATE

-- trap 66: common arguments are in the key
SELECT stash.memoize('glue(int,text,text)');
SELECT ord, result, hit FROM stash.map('glue(int,text,text)', ARRAY[(1, 'a'), (2, 'b')]::pair[], options => '{"z": "one"}', ordered => true);
SELECT ord, result, hit FROM stash.map('glue(int,text,text)', ARRAY[(1, 'a'), (2, 'b')]::pair[], options => '[{"z": "one"}, {"z": "two"}]', ordered => true);
-- each is a transaction of its own, that leaves no settings behind
CREATE TABLE log (n int);
CREATE FUNCTION note(a int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO log VALUES (a);
	IF a = 2 THEN RAISE 'not this one'; END IF;
	RETURN a;
END $$;
SELECT ord, result, error FROM stash.map('note(int)', '{1,2,3}'::int[], ordered => true);
BEGIN;
SELECT ord, result, error FROM stash.map('note(int)', '{4,5}'::int[], ordered => true);
ROLLBACK;
SELECT n FROM log ORDER BY n;
BEGIN READ ONLY;
SELECT ord, result, error FROM stash.map('note(int)', '{6}'::int[]);
ROLLBACK;
CREATE FUNCTION leave_trace(a int) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	found text := current_setting('trace.mark', true);
BEGIN
	PERFORM set_config('trace.mark', a::text, a % 2 = 0);
	RETURN found;
END $$;
SET trace.mark = 'the caller''s';
SELECT DISTINCT result FROM stash.map('leave_trace(int)', (SELECT array_agg(i) FROM generate_series(1, 100) AS i));
RESET trace.mark;

-- the caller's settings, role and rights
CREATE ROLE regress_stash_mapper;
GRANT USAGE, CREATE ON SCHEMA stash_memo_map TO regress_stash_mapper;
CREATE FUNCTION whoami(a text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE a WHEN 'pid' THEN (pg_backend_pid() = current_setting('my.pid')::int)::text WHEN 'user' THEN current_user WHEN 'session' THEN (session_user = current_setting('my.session'))::text
		ELSE current_setting(a) END;
END $$;
CREATE FUNCTION as_owner(OUT what text, OUT is_the_owners bool) RETURNS SETOF record LANGUAGE sql SECURITY DEFINER SET search_path = stash_memo_map, pg_temp AS $$
	SELECT input, result::text IN (current_user, current_setting('search_path')) FROM stash.map('whoami(text)', '{user,role,search_path}'::text[], ordered => true) $$;
CREATE FUNCTION change_role(a text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'RESET ROLE'; RETURN current_user = current_setting('my.session'); END $$;
CREATE FUNCTION as_owner_changing() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT error FROM stash.map('stash_memo_map.change_role(text)', '{x}'::text[]) $$;
CREATE FUNCTION hidden(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
REVOKE EXECUTE ON FUNCTION hidden FROM PUBLIC;
SELECT set_config('my.session', session_user, false) IS NOT NULL, set_config('my.pid', pg_backend_pid()::text, false) IS NOT NULL;
SET TimeZone = 'Asia/Kolkata';
SET work_mem = '1234kB';
SET ROLE regress_stash_mapper;
SELECT input, result, error FROM stash.map('whoami(text)', '{user,role,session,TimeZone,work_mem,search_path,my.none}'::text[], ordered => true);
SELECT bool_and(result::text <> current_user) AS another_role FROM stash.map('change_role(text)', '{x}'::text[]);
SELECT * FROM log;
CREATE FUNCTION read_log(a int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM log';
SELECT ord, result, error FROM stash.map('read_log(int)', '{1}'::int[]);
SELECT * FROM as_owner();
SELECT as_owner_changing();
SELECT stash.map('hidden(int)', '{1}'::int[]);
\echo :SQLSTATE
RESET ROLE;
RESET TimeZone;
RESET work_mem;

-- rows as they come: whoever wants no more ends it
SELECT stash.map('pg_sleep(float8)', ARRAY[0, 1000, 1000]::float8[], workers => 1) IS NOT NULL AS first LIMIT 1;
-- maps within maps
CREATE FUNCTION inner_sum(a int) RETURNS bigint LANGUAGE sql AS $$ SELECT sum(result::int) FROM stash.map('stash_memo_map.next(int)', ARRAY[a, a], workers => 1) $$;
SELECT ord, result, error FROM stash.map('inner_sum(int)', '{1,2}'::int[], workers => 1, ordered => true);

-- maps that go on: a handle of the session, rows in pieces
SELECT stash.map_async('next(int)', '{1,2,3,4}'::int[], ordered => true) AS handle \gset
SELECT ord, input, result, error FROM (SELECT (stash.map_results(:handle)).* LIMIT 2) AS t;
BEGIN;
SAVEPOINT before;
SELECT ord, input, result, error FROM (SELECT (stash.map_results(:handle)).* LIMIT 1) AS t;
ROLLBACK;
SELECT ord, input, result, error FROM stash.map_results(:handle);
SELECT * FROM stash.map_results(:handle);
\echo :SQLSTATE
BEGIN;
SELECT stash.map_async('choosy(int)', '{1,2,3,4}'::int[], ordered => true, workers => 0, on_error => 'stop') AS handle \gset
ROLLBACK;
SELECT ord, result FROM stash.map_results(:handle);
SELECT ord, result FROM stash.map_results(:handle);
SELECT stash.map_async('pg_sleep(float8)', '{1000,1000}'::float8[]) AS handle \gset
SELECT stash.map_cancel(:handle), stash.map_cancel(:handle);

-- progress
CREATE FUNCTION look(a int) RETURNS text LANGUAGE sql STABLE AS $$ SELECT format('%s: %s of %s, %s failed, %s remembered', function, done, total, errors, hits) FROM stash.progress $$;
SELECT ord, result FROM stash.map('look(int)', '{1,2,3}'::int[], workers => 0);
SELECT count(*) FROM stash.progress;
SET pg_hashstash.map_notice = 1000000;
SELECT count(*) FROM stash.map('square(int)', '{1,2,3}'::int[]);
RESET pg_hashstash.map_notice;

-- what cannot be mapped
SELECT stash.map('next(int)', '{a,b}'::text[]);
\echo :SQLSTATE
SELECT stash.map('glue(int,text,text)', ARRAY[1, 2]);
\echo :SQLSTATE
SELECT stash.map('glue(int,text,text)', ARRAY[ROW(1, 'a'::text), ROW(2, 3)]);
\echo :SQLSTATE
SELECT stash.map('now()', ARRAY[1]);
\echo :SQLSTATE
SELECT stash.map('generate_series(int,int)', ARRAY[1]);
\echo :SQLSTATE
SELECT stash.map('next(int)', ARRAY[1], workers => -1);
\echo :SQLSTATE
SELECT stash.map('next(int)', ARRAY[1], on_error => 'panic');
\echo :SQLSTATE
SELECT stash.map('next(int)', ARRAY[1], ordered => NULL);
\echo :SQLSTATE
SELECT stash.map(NULL, ARRAY[1]);
\echo :SQLSTATE
SET pg_hashstash.map_max_workers = 0;
SELECT result FROM stash.map('whoami(text)', '{pid}'::text[], workers => 4);
RESET pg_hashstash.map_max_workers;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_map CASCADE;
DROP ROLE regress_stash_mapper;
