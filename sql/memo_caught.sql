-- trap 9: an error is no answer, nor is what a target makes of a timeout or a limit that it catches; and what a target does
-- a hit would leave out, whatever was promised
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_caught;
SET search_path = stash_memo_caught, public;
CREATE FUNCTION deep(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN n = 0 THEN 'done' ELSE stash_memo_caught.deeper(n - 1) END;
EXCEPTION WHEN statement_too_complex THEN
	RETURN 'too deep';
END
$$;
CREATE FUNCTION deeper(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN n = 0 THEN 'done' ELSE stash_memo_caught.deeper(n - 1) END;
END
$$;
CREATE FUNCTION of_cursor() RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := 'regress_cursor';
	r int;
BEGIN
	FETCH c INTO r;
	RETURN r;
EXCEPTION WHEN invalid_cursor_name THEN
	RETURN 'none';
END
$$;
CREATE FUNCTION asserts() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	ASSERT false;
	RETURN 'not looked at';
EXCEPTION WHEN assert_failure THEN
	RETURN 'failed';
END
$$;
-- what data cause, and what users raise, they cause again
CREATE FUNCTION divides(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN 1 / n;
EXCEPTION WHEN division_by_zero THEN
	RETURN 'infinite';
END
$$;
CREATE FUNCTION raises(code text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'mine' USING ERRCODE = code;
EXCEPTION WHEN query_canceled OR OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT stash.memoize('deep(int)'), stash.memoize('of_cursor()'), stash.memoize('asserts()'),
	stash.memoize('divides(int)'), stash.memoize('raises(text)');
SET max_stack_depth = '100kB';
SELECT deep(300);
RESET max_stack_depth;
SELECT deep(300);
SELECT of_cursor();
BEGIN;
DECLARE regress_cursor CURSOR FOR SELECT 5;
SELECT of_cursor();
COMMIT;
SELECT asserts();
SET plpgsql.check_asserts = off;
SELECT asserts();
RESET plpgsql.check_asserts;
SELECT divides(0), raises('P0001'), raises('ABCDE'), raises('22012'), raises('57014'), raises('53100');
SELECT stash.peek('divides(int)', 0) IS NOT NULL AS divides, stash.peek('raises(text)', 'P0001') IS NOT NULL AS raised,
	stash.peek('raises(text)', 'ABCDE') IS NOT NULL AS own, stash.peek('raises(text)', '22012') IS NOT NULL AS of_data,
	stash.peek('raises(text)', '57014') IS NULL AS cancel, stash.peek('raises(text)', '53100') IS NULL AS full_disk;
SELECT raises('57014');
SELECT value FROM stash.explain('raises(text)', '57014') WHERE item = 'last answer not kept';
-- a ttl says how old an answer may be, not that it may be none
SELECT stash.unmemoize('raises(text)'), stash.memoize('raises(text)', ttl => '1 hour');
SELECT raises('57014'), raises('42P01');
SELECT stash.peek('raises(text)', '57014') IS NULL AS cancel, stash.peek('raises(text)', '42P01') IS NOT NULL AS no_table;

-- what a function of the server does
CREATE SEQUENCE seq;
CREATE FUNCTION next_of_seq() RETURNS bigint LANGUAGE sql AS $$SELECT nextval('stash_memo_caught.seq')$$;
CREATE FUNCTION sets(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$BEGIN RETURN set_config('regress.n', n::text, false); END$$;
CREATE FUNCTION tells(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$BEGIN PERFORM pg_notify('regress', n::text); RETURN n; END$$;
CREATE FUNCTION locks(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$BEGIN PERFORM pg_advisory_xact_lock(n); RETURN n; END$$;
CREATE FUNCTION seeds(n float8) RETURNS float8 STABLE LANGUAGE plpgsql AS $$BEGIN PERFORM setseed(n); RETURN n; END$$;
CREATE FUNCTION sets_immutable(n int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN set_config('regress.n', n::text, false); END$$;
CREATE FUNCTION waits(n int) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0), random(); RETURN n; END$$;
SELECT stash.memoize('next_of_seq()', volatile => true), stash.memoize('sets(int)', ttl => '1 hour'), stash.memoize('tells(int)', ttl => '1 hour'),
	stash.memoize('locks(int)', ttl => '1 hour'), stash.memoize('seeds(float8)', ttl => '1 hour'), stash.memoize('sets_immutable(int)'),
	stash.memoize('waits(int)', volatile => true);
SELECT next_of_seq(), next_of_seq(), next_of_seq();
SELECT sets(1), sets(2), sets(1), current_setting('regress.n');
SELECT sets_immutable(3), sets_immutable(4), sets_immutable(3), current_setting('regress.n');
BEGIN;
SELECT locks(7);
COMMIT;
BEGIN;
SELECT locks(7), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 7) AS held;
COMMIT;
SELECT tells(1), seeds(0.5), waits(1);
SELECT f, stash.peek(f, 1) IS NOT NULL AS remembered FROM unnest(ARRAY['tells(int)', 'seeds(float8)', 'waits(int)']::regprocedure[]) f;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_caught CASCADE;
