-- Memoized functions: what a session is like, and what a target may not ask of it or do to it.
-- A function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_session;
SET search_path = stash_memo_session, public;

-- trap 17: settings that change what a text means as SQL
CREATE FUNCTION dynamic() RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT concat_ws('','', (1 = NULL) IS NULL, length(''\\''))' INTO result;
	RETURN result;
END
$$;
SELECT stash.memoize('dynamic()', ttl => '1 hour');
-- in how many ways it answers, and how many answers are wrong; a setting that a server has no more is left out
CREATE FUNCTION differing(OUT answers int, OUT wrong int) LANGUAGE plpgsql AS $$
DECLARE
	setting text;
	result text;
	seen text[] := '{}';
BEGIN
	wrong := 0;
	FOR i IN 0 .. 7 LOOP
		PERFORM set_config('transform_null_equals', (i % 2 = 0)::text, true);
		BEGIN
			PERFORM set_config('escape_string_warning', 'off', true),
				set_config('standard_conforming_strings', (i / 2 % 2 = 0)::text, true);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
		result := dynamic();
		seen := CASE WHEN result = ANY (seen) THEN seen ELSE seen || result END;
		wrong := wrong + (result <> dynamic_uncached())::int;
	END LOOP;
	answers := cardinality(seen);
END
$$;
SELECT answers > 1 AS it_differs, wrong FROM differing();

-- trap 19: settings of the database, and of a role in it
CREATE FUNCTION shows() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed shows()';
	RETURN concat_ws(' ', '\x41'::bytea, 1::float8 / 3);
END
$$;
SELECT stash.memoize('shows()');
SELECT shows();
DO $$
BEGIN
	EXECUTE format('ALTER DATABASE %I SET bytea_output = escape', current_database());
	EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET extra_float_digits = -3', current_database());
END
$$;
\c -
SET search_path = stash_memo_session, public;
SELECT shows();
SELECT shows();
DO $$
BEGIN
	EXECUTE format('ALTER DATABASE %I RESET bytea_output', current_database());
	EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I RESET extra_float_digits', current_database());
END
$$;
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_session, public;
SELECT shows();

-- trap 20: a collation in which texts are equal that are not the same; a server without ICU has none
DO $$
BEGIN
	CREATE COLLATION loose (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
EXCEPTION WHEN OTHERS THEN
	CREATE COLLATION loose (LOCALE = 'C');
END
$$;
CREATE FUNCTION echo(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed echo(%)', t;
	RETURN t;
END
$$;
SELECT stash.memoize('echo(text)');
SELECT echo('a' COLLATE loose), echo('A' COLLATE loose);
SELECT echo('a' COLLATE loose), echo('A' COLLATE loose);
SELECT echo('a' COLLATE "C");

-- trap 23, 26, 49: what a target may not ask, in a query and in an expression of PL/pgSQL
CREATE SEQUENCE seq;
CREATE TABLE asked (n int);
CREATE VIEW dated AS SELECT extract(year FROM CURRENT_DATE) AS n;
CREATE VIEW aged AS SELECT age(n) FROM (VALUES (timestamp '2000-01-01')) v (n);
ALTER VIEW aged RENAME age TO n;
CREATE VIEW named AS SELECT current_catalog AS n;
CREATE VIEW whose AS SELECT current_user AS n;
SELECT lo_create(42427) AS object;
CREATE TABLE question (expr text, must_know bool DEFAULT false);
INSERT INTO question SELECT unnest(ARRAY[
	'now()', 'transaction_timestamp()', 'statement_timestamp()', 'clock_timestamp()', 'timeofday()', 'CURRENT_DATE', 'current_time',
	'current_timestamp', 'localtime', 'LocalTimestamp(0)', 'age(timestamp ''2000-01-01'')', '(''today''::text)::date', '(''Now'' :: text)::timestamp',
	'random()', 'gen_random_uuid()', 'nextval(''seq'')', 'currval(''seq'')', 'lastval()', 'setval(''seq'', 7)',
	'txid_current()', 'txid_current_if_assigned()', 'txid_current_snapshot()', 'pg_current_xact_id()', 'pg_current_snapshot()',
	'pg_backend_pid()', 'pg_postmaster_start_time()', 'pg_conf_load_time()', 'inet_client_addr()', 'inet_client_port()', 'inet_server_addr()',
	'pg_my_temp_schema()', 'pg_is_in_recovery()', 'pg_is_other_temp_schema(0)', 'version()', 'current_database()', 'current_catalog',
	'pg_table_size(''asked'')', 'pg_relation_filenode(''asked'')', 'pg_stat_get_numscans(0)', 'pg_get_viewdef(0)', 'pg_get_userbyid(10)',
	'has_table_privilege(''asked'', ''SELECT'')', 'to_regclass(''asked'')', 'obj_description(1, ''pg_class'')', 'row_security_active(''asked'')',
	'pg_column_size(pg_read_file(''PG_VERSION''))', 'pg_sleep(0)', 'lo_get(42427)',
	'set_config(''a.b'', ''1'', true)', 'pg_notify(''a'', ''b'')', 'pg_advisory_xact_lock(7)', 'pg_try_advisory_xact_lock_shared(7)',
	'pg_logical_emit_message(false, ''a'', ''b'')', '(SELECT count(*) FROM pg_class)', '(SELECT count(*) FROM pg_stat_activity)',
	'current_schema()', 'current_schemas(true)', 'current_schema',
	'(SELECT n FROM dated)', '(SELECT n FROM aged)', '(SELECT n FROM named)', 'AGE ( (timestamptz ''2000-01-01'') )',
	'(SELECT last_value FROM seq)', '(SELECT count(*) FROM information_schema.tables)', '(SELECT max(n) FROM asked)']);
-- and these it may
INSERT INTO question SELECT unnest(ARRAY['1 + 1', 'to_char(1.5, ''9D9'')', 'date_trunc(''day'', timestamptz ''2020-01-01'')',
	'concat(''current_dates'', '' is not a word'')', 'current_user', '(SELECT n FROM whose)', 'age(timestamp ''2000-01-01'', ''1999-01-01'')']), true;
SELECT nextval('seq');
CREATE FUNCTION is_kept(expr text, language text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	rows int;
BEGIN
	EXECUTE format('CREATE FUNCTION ask() RETURNS text STABLE LANGUAGE %s AS %L', language,
		format(CASE language WHEN 'sql' THEN 'SELECT (%s)::text' ELSE 'BEGIN RETURN %s; END' END, expr));
	EXECUTE 'SELECT stash.memoize(''ask()'')';
	EXECUTE 'SELECT ask()';
	EXECUTE 'SELECT count(*) FROM stash.calls(''ask()'')' INTO rows;
	EXECUTE 'SELECT stash.unmemoize(''ask()'')';
	DROP FUNCTION ask();
	RETURN rows = 1;
END
$$;
SELECT language, expr, must_know FROM question, unnest('{sql,plpgsql}'::text[]) AS language WHERE is_kept(expr, language) IS DISTINCT FROM must_know;
SELECT must_know, count(*) > 5 AS many FROM question GROUP BY must_know ORDER BY must_know;

-- trap 23, 46: what was prepared before, in this transaction, by the same target, another one, or none
CREATE FUNCTION at_last(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n || clock_timestamp()::text; END $$;
CREATE FUNCTION helper(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
CREATE FUNCTION middle(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN helper(n); END $$;
CREATE FUNCTION asks(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN middle(n); END $$;
CREATE FUNCTION asks_too(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ DECLARE r int := middle(n); BEGIN RETURN r; END $$;
CREATE FUNCTION asks_at_last(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN at_last(n); END $$;
CREATE FUNCTION asks_nothing(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
SELECT stash.memoize('asks(int)'), stash.memoize('asks_too(int)'), stash.memoize('asks_at_last(int)'), stash.memoize('asks_nothing(int)');
BEGIN;
SELECT count(at_last(0)), count(asks_at_last(1)), count(asks_at_last(2)), count(asks_nothing(3)), count(clock_timestamp());
SELECT count(*) AS at_last, (SELECT count(*) FROM stash.calls('asks_nothing(int)')) AS others FROM stash.calls('asks_at_last(int)');
SELECT asks(1), asks(2), asks_too(3), asks_too(4), middle(5), asks(5);
COMMIT;
CREATE OR REPLACE FUNCTION helper(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN -n; END $$;
SELECT asks(1), asks(2), asks_too(3), asks_too(4), asks(5);
-- called without being remembered, then remembered
CREATE OR REPLACE FUNCTION helper(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
BEGIN;
SET LOCAL pg_hashstash.memo = off;
SELECT asks(1), asks_too(1);
SET LOCAL pg_hashstash.memo = on;
SELECT asks(2), asks_too(2);
COMMIT;
CREATE OR REPLACE FUNCTION helper(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN -n; END $$;
SELECT asks(2), asks_too(2);
-- in a session that meets memoized functions in the middle of a transaction
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_session, public;
BEGIN;
SELECT asks_uncached(7);
SELECT asks(8), asks(8);
COMMIT;
SELECT value FROM stash.explain('asks(int)', 8) WHERE item = 'verdict';
CREATE OR REPLACE FUNCTION helper(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
SELECT asks(8);
-- a cast that PL/pgSQL makes by itself is in no expression, and made ready once in a transaction
CREATE TYPE mood AS ENUM ('sad', 'glad');
-- no function that is inlined, nor one of PL/pgSQL: those are seen when they run
CREATE FUNCTION to_mood(n int) RETURNS mood STABLE LANGUAGE sql SET work_mem = '4MB' AS $$ SELECT 'sad'::mood $$;
CREATE CAST (int AS mood) WITH FUNCTION to_mood(int) AS ASSIGNMENT;
CREATE FUNCTION feels(n int) RETURNS mood STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
SELECT stash.memoize('feels(int)');
BEGIN;
SELECT feels(1), feels(2);
COMMIT;
CREATE OR REPLACE FUNCTION to_mood(n int) RETURNS mood STABLE LANGUAGE sql SET work_mem = '4MB' AS $$ SELECT 'glad'::mood $$;
SELECT feels(1), feels(2);
-- made by a function of which the session knew that it prepares nothing
CREATE FUNCTION mood_of(n int) RETURNS mood STABLE LANGUAGE sql SET work_mem = '4MB' AS $$ SELECT 'glad'::mood $$;
CREATE FUNCTION feels_so(n int) RETURNS mood STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN mood_of(n); END $$;
CREATE FUNCTION feels_too(n int) RETURNS mood STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN mood_of(n); END $$;
SELECT stash.memoize('feels_so(int)'), stash.memoize('feels_too(int)');
SELECT mood_of(0), feels_too(0);
CREATE OR REPLACE FUNCTION mood_of(n int) RETURNS mood STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
BEGIN;
SELECT feels_so(1), feels_too(2);
COMMIT;
CREATE OR REPLACE FUNCTION to_mood(n int) RETURNS mood STABLE LANGUAGE sql SET work_mem = '4MB' AS $$ SELECT 'sad'::mood $$;
SELECT feels_so(1), feels_too(2);

-- trap 18: languages in which what a function asks for, or keeps, is not seen: declared, or refused
-- trap 23: the time, under another name
CREATE FUNCTION when_is() RETURNS timestamptz STABLE LANGUAGE internal AS 'now';
CREATE FUNCTION plus(int, int) RETURNS int IMMUTABLE LANGUAGE internal AS 'int4pl';
CREATE FUNCTION unseen(n int) RETURNS bool STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN when_is() > 'epoch' AND plus(n, 1) > n; END $$;
CREATE FUNCTION unseen_direct() RETURNS timestamptz STABLE LANGUAGE internal AS 'now';
CREATE FUNCTION seen(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN plus(n, 1); END $$;
SELECT stash.memoize('unseen(int)'), stash.memoize('unseen_direct()'), stash.memoize('seen(int)');
SELECT unseen(1), unseen_direct() IS NOT NULL AS direct, seen(1);
SELECT value FROM stash.explain('unseen(int)', 1) WHERE item = 'last answer not kept';
SELECT value FROM stash.explain('unseen_direct()') WHERE item = 'last answer not kept';
SELECT value FROM stash.explain('seen(int)', 1) WHERE item = 'verdict';
SELECT stash.unmemoize('unseen(int)'), stash.memoize('unseen(int)', vary => '{TimeZone}');
SELECT unseen(1);
SELECT value FROM stash.explain('unseen(int)', 1) WHERE item = 'verdict';

-- trap 26: a function that writes has not the right to be forgotten, whatever it promises
CREATE FUNCTION writes(t text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO stash_memo_session.asked VALUES (1); RETURN 1; END $$;
CREATE FUNCTION promises_stable() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN writes('x'); END $$;
CREATE FUNCTION promises_immutable() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN writes('x'); END $$;
CREATE FUNCTION creates() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE made (); DROP TABLE made; RETURN 1; END $$;
SELECT stash.memoize('promises_stable()', ttl => '1 hour'), stash.memoize('promises_immutable()'), stash.memoize('creates()', volatile => true);
SELECT promises_stable(), promises_stable(), promises_immutable(), promises_immutable(), creates(), creates();
SELECT count(*) AS written FROM asked;
SELECT value FROM stash.explain('promises_immutable()') WHERE item = 'last answer not kept';
SELECT value FROM stash.explain('creates()') WHERE item = 'last answer not kept';

-- trap 24: a promise that is wrong is taken at its word
CREATE FUNCTION wrongly() RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT count(*) FROM stash_memo_session.asked';
SELECT stash.memoize('wrongly()');
SELECT wrongly();
DELETE FROM asked;
SELECT wrongly(), wrongly_uncached();

SELECT lo_unlink(42427);
SET client_min_messages = warning;
DROP SCHEMA stash_memo_session CASCADE;
