-- traps 3, 36, 46: what a session has prepared, of other roles, settings and paths, makes no answers for others
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE SCHEMA stash_memo_prepared;
SET search_path = stash_memo_prepared;
SET client_min_messages = warning;
CREATE ROLE regress_stash_a;
CREATE ROLE regress_stash_b;
GRANT USAGE ON SCHEMA stash_memo_prepared TO PUBLIC;
CREATE TABLE other (k int);
INSERT INTO other VALUES (7);
GRANT SELECT ON other TO PUBLIC;
SELECT stash.track('other');
-- with the first that is computed a session makes all plans anew
CREATE FUNCTION first(n float8) RETURNS int STABLE LANGUAGE sql AS 'SELECT k FROM stash_memo_prepared.other';
SELECT stash.memoize('first(float8)');

-- what another role's call of a function has prepared: policies
CREATE TABLE secret (n int);
INSERT INTO secret VALUES (1), (2), (3);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON secret TO PUBLIC;
CREATE POLICY all_of_it ON secret TO regress_stash_a USING (true);
CREATE POLICY little ON secret TO regress_stash_b USING (n > 2);
SELECT stash.track('secret');
CREATE FUNCTION counted() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM secret';
CREATE FUNCTION helper() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN counted(); END';
CREATE FUNCTION total() RETURNS bigint STABLE SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN helper(); END';
ALTER FUNCTION total() OWNER TO regress_stash_a;
CREATE FUNCTION mine(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper(); END';
SELECT stash.memoize('mine(int)');
GRANT EXECUTE ON FUNCTION mine_uncached TO PUBLIC;
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT first(random()), total(), mine(1) IS NOT NULL AS called;
BEGIN;
SET LOCAL ROLE regress_stash_a;
SELECT mine(2);
SET LOCAL ROLE regress_stash_b;
SELECT mine(2);
COMMIT;
SET ROLE regress_stash_b;
SELECT total(), mine(3);
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT i, mine(i), mine_uncached(i) FROM generate_series(1, 3) i;
-- and with row_security off
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
BEGIN;
SELECT first(random()), mine(4);
SET LOCAL row_security = off;
SELECT mine(4);
ROLLBACK;

-- a function that goes on, in another's name, after plans were forgotten; one that sets a role itself
RESET ROLE;
CREATE FUNCTION helper_that_asks(x bool) RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN IF x THEN PERFORM first(random()); END IF; RETURN counted(); END';
CREATE FUNCTION total_that_asks() RETURNS bigint STABLE SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN helper_that_asks(true); END';
ALTER FUNCTION total_that_asks() OWNER TO regress_stash_a;
CREATE FUNCTION mine_of_those(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper_that_asks(false); END';
CREATE FUNCTION counted_as(r text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN IF r IS NOT NULL THEN EXECUTE 'SET LOCAL ROLE ' || r; END IF; RETURN counted(); END $$;
CREATE FUNCTION mine_as(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN counted_as(NULL); END';
SELECT stash.memoize('mine_of_those(int)'), stash.memoize('mine_as(int)');
GRANT EXECUTE ON FUNCTION mine_of_those_uncached, mine_as_uncached TO PUBLIC;
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
BEGIN;
SELECT mine_of_those(0), total_that_asks(), mine_of_those(1) IS NOT NULL AS called;
SELECT mine_of_those(2);
COMMIT;
RESET ROLE;
BEGIN;
SET LOCAL ROLE regress_stash_b;
SELECT first(random()), counted_as('regress_stash_a');
SET LOCAL ROLE regress_stash_b;
SELECT mine_as(1) IS NOT NULL AS called;
SELECT mine_as(2);
COMMIT;
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT i, mine_of_those(i), mine_of_those_uncached(i), mine_as(i), mine_as_uncached(i) FROM generate_series(1, 2) i;

-- the right to execute
RESET ROLE;
CREATE FUNCTION hidden() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN k FROM other; END';
REVOKE EXECUTE ON FUNCTION hidden() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hidden() TO regress_stash_a;
CREATE FUNCTION helper_of_hidden() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN hidden(); END';
CREATE FUNCTION shown() RETURNS int STABLE SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN helper_of_hidden(); END';
ALTER FUNCTION shown() OWNER TO regress_stash_a;
CREATE FUNCTION asks(i int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper_of_hidden(); END';
SELECT stash.memoize('asks(int)');
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT first(random());
SELECT shown(), asks(1) IS NOT NULL AS called;
SELECT asks(1);
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT asks(1);

-- the right to look into a schema
RESET ROLE;
CREATE SCHEMA stash_memo_prepared_hidden;
GRANT USAGE ON SCHEMA stash_memo_prepared_hidden TO regress_stash_a;
CREATE TABLE stash_memo_prepared_hidden.t AS SELECT 55 AS k;
GRANT SELECT ON stash_memo_prepared_hidden.t TO PUBLIC;
SELECT stash.track('stash_memo_prepared_hidden.t');
CREATE FUNCTION looks(i int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN k FROM stash_memo_prepared_hidden.t; END';
CREATE FUNCTION looks_for(i int) RETURNS int STABLE SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN looks_uncached(i); END';
SELECT stash.memoize('looks(int)');
GRANT EXECUTE ON FUNCTION looks_uncached TO PUBLIC;
ALTER FUNCTION looks_for(int) OWNER TO regress_stash_a;
\c -
SET search_path = stash_memo_prepared;
SELECT first(random());
SET ROLE regress_stash_a;
SELECT looks(1);
SET ROLE regress_stash_b;
SELECT looks(1);
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT first(random()), looks_for(2), looks(2) IS NOT NULL AS called;
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT looks(1);
SELECT looks(2);

-- conditions of domains: by another path, or other settings, in between
RESET ROLE;
CREATE SCHEMA stash_memo_prepared_a;
CREATE SCHEMA stash_memo_prepared_b;
CREATE FUNCTION stash_memo_prepared_a.low() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1000';
CREATE FUNCTION stash_memo_prepared_b.low() RETURNS int STABLE LANGUAGE sql AS 'SELECT 10';
SET check_function_bodies = off;
CREATE FUNCTION is_low(n int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT n < low()';
CREATE DOMAIN low_one AS int CHECK (stash_memo_prepared.is_low(VALUE));
CREATE FUNCTION as_low(i int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN i::stash_memo_prepared.low_one; END';
CREATE FUNCTION into_low(i int) RETURNS int STABLE LANGUAGE plpgsql AS 'DECLARE r stash_memo_prepared.low_one; BEGIN SELECT i + k INTO r FROM stash_memo_prepared.other; RETURN r; END';
CREATE FUNCTION is_early(d date) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT d < '02/03/2020'::date $$;
CREATE DOMAIN early AS date CHECK (stash_memo_prepared.is_early(VALUE));
CREATE FUNCTION as_early(i int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (date '2020-02-15' + 0 * i)::stash_memo_prepared.early; EXCEPTION WHEN check_violation THEN RETURN 'no'; END $$;
CREATE FUNCTION into_low_there() RETURNS int STABLE LANGUAGE plpgsql AS 'DECLARE r stash_memo_prepared.low_one; BEGIN SELECT 5 INTO r; RETURN r; END';
SELECT count(stash.memoize(f)) FROM unnest('{as_low(int),into_low(int),as_early(int)}'::regprocedure[]) f;
\c -
SET search_path = stash_memo_prepared_b;
SELECT stash_memo_prepared.first(random());
SET search_path = stash_memo_prepared_a;
SELECT 100::stash_memo_prepared.low_one;
SET search_path = stash_memo_prepared_b;
SELECT stash_memo_prepared.as_low(100);
BEGIN;
SET LOCAL search_path = stash_memo_prepared_a;
SELECT stash_memo_prepared.into_low(142);
SET LOCAL search_path = stash_memo_prepared_b;
SELECT stash_memo_prepared.into_low(142);
ROLLBACK;
-- and for a cast that another function has used by that path
BEGIN;
SET LOCAL search_path = stash_memo_prepared_a;
SELECT stash_memo_prepared.into_low_there();
SET LOCAL search_path = stash_memo_prepared_b;
SELECT stash_memo_prepared.into_low(143);
COMMIT;
\c -
SET datestyle = 'ISO, MDY';
SELECT stash_memo_prepared.first(random());
SET datestyle = 'ISO, DMY';
SELECT '2020-02-15'::stash_memo_prepared.early;
SET datestyle = 'ISO, MDY';
SELECT stash_memo_prepared.as_early(1);
\c -
SET search_path = stash_memo_prepared_b;
SELECT stash_memo_prepared.as_low(100);
SELECT stash_memo_prepared.into_low(142);
SELECT stash_memo_prepared.into_low(143);
SET datestyle = 'ISO, MDY';
SELECT stash_memo_prepared.as_early(1), stash_memo_prepared.as_early_uncached(1);

-- a function that is called with other settings than it was prepared by
SET search_path = stash_memo_prepared;
CREATE TABLE event (at timestamptz);
INSERT INTO event VALUES ('2020-01-01 00:30+00'), ('2019-12-31 23:30+00');
SELECT stash.track('event');
CREATE FUNCTION since_2020() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM stash_memo_prepared.event WHERE at >= '2020-01-01 00:00'); END $$;
CREATE FUNCTION since_2020_utc() RETURNS bigint STABLE LANGUAGE plpgsql SET timezone = 'UTC' AS 'BEGIN RETURN stash_memo_prepared.since_2020(); END';
CREATE FUNCTION events_here(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_prepared.since_2020(); END';
CREATE FUNCTION events_utc(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_prepared.since_2020_utc(); END';
SELECT stash.memoize('events_here(int)'), stash.memoize('events_utc(int)');
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT events_here(1), events_utc(1) IS NOT NULL AS called;
SELECT events_here(2), events_utc(2);
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT i, events_here(i), events_here_uncached(i) FROM generate_series(1, 2) i;
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT i, events_utc(i), events_utc_uncached(i) FROM generate_series(1, 2) i;

-- conditions of domains that another role has loaded, with its rights, in another transaction
CREATE FUNCTION hidden_limit() RETURNS int STABLE LANGUAGE sql AS 'SELECT 10';
CREATE FUNCTION is_within(i int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT i < stash_memo_prepared.hidden_limit()';
CREATE DOMAIN within AS int CHECK (stash_memo_prepared.is_within(VALUE));
CREATE FUNCTION as_within(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT k::stash_memo_prepared.within FROM stash_memo_prepared.other); END';
SELECT stash.memoize('as_within(int)');
GRANT EXECUTE ON FUNCTION as_within_uncached TO PUBLIC;
REVOKE EXECUTE ON FUNCTION hidden_limit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hidden_limit TO regress_stash_a;
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT first(random());
SET ROLE regress_stash_a;
SELECT 5::within;
SET ROLE regress_stash_b;
SELECT as_within(1);
\c -
SET search_path = stash_memo_prepared;
SET ROLE regress_stash_b;
SELECT as_within(1);
RESET ROLE;

-- and by the caller, for a function in which other settings, or rights, are those of now
CREATE FUNCTION is_2020(t timestamptz) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT t >= '2020-01-01 00:00' $$;
CREATE DOMAIN in_2020 AS timestamptz CHECK (stash_memo_prepared.is_2020(VALUE));
CREATE FUNCTION in_2020_here(i int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(min::stash_memo_prepared.in_2020) FROM (SELECT min(at) FROM stash_memo_prepared.event) e); EXCEPTION WHEN check_violation THEN RETURN 'before'; END $$;
CREATE FUNCTION in_2020_utc(i int) RETURNS text STABLE LANGUAGE plpgsql SET timezone = 'UTC' AS $$ BEGIN RETURN (SELECT count(min::stash_memo_prepared.in_2020) FROM (SELECT min(at) FROM stash_memo_prepared.event) e); EXCEPTION WHEN check_violation THEN RETURN 'before'; END $$;
CREATE FUNCTION within_by_definer(i int) RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT k::stash_memo_prepared.within FROM stash_memo_prepared.other); END';
ALTER FUNCTION within_by_definer OWNER TO regress_stash_b;
CREATE FUNCTION within_for(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_prepared.within_by_definer(i); END';
SELECT count(stash.memoize(f)) FROM unnest('{in_2020_here(int),in_2020_utc(int),within_for(int)}'::regprocedure[]) f;
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT in_2020_here(1), in_2020_utc(1) IS NOT NULL AS called;
SELECT in_2020_here(2), in_2020_utc(2);
SELECT as_within(2);
SELECT within_for(2);
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT in_2020_utc(1), in_2020_utc(2);
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT in_2020_utc_uncached(1);
SELECT within_for(2);

-- a helper that a memo within a memo has prepared by its own settings
CREATE FUNCTION in_both(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN concat(stash_memo_prepared.events_utc(i), stash_memo_prepared.since_2020()); END';
SELECT stash.memoize('in_both(int)');
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT in_both(11) IS NOT NULL AS called;
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT in_both(11), in_both_uncached(11);

-- literals that were read when backslashes meant something; the call of a new session is what counts
SET search_path = stash_memo_prepared;
CREATE FUNCTION literal(i int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'a\\b' || k FROM other; END $$;
CREATE FUNCTION raised(i int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a\\b'; EXCEPTION WHEN raise_exception THEN RETURN SQLERRM; END $$;
SELECT stash.memoize('literal(int)'), stash.memoize('raised(int)');
\c -
SET search_path = stash_memo_prepared;
SELECT first(random());
DO $$ BEGIN IF current_setting('server_version_num')::int < 190000 THEN SET standard_conforming_strings = off; SET escape_string_warning = off; END IF; END $$;
SELECT literal_uncached(1) LIKE 'a_%b7' AS called, raised_uncached(1) LIKE 'a_%b' AS called;
SET standard_conforming_strings = on;
SELECT literal(1) LIKE 'a_%b7' AS called, raised(1) LIKE 'a_%b' AS called;
\c -
SET search_path = stash_memo_prepared;
SELECT literal(1), literal_uncached(1), raised(1), raised_uncached(1);

-- a function that could be compiled by the path of before, and not by that of now
CREATE DOMAIN stash_memo_prepared_a.amount AS numeric;
SET check_function_bodies = off;
CREATE FUNCTION distance(int, int) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS 'DECLARE v amount := 1; BEGIN RETURN $1 - $2; END';
CREATE TYPE span AS RANGE (subtype = int, subtype_diff = distance);
CREATE TABLE spans (s span);
CREATE INDEX ON spans USING gist (s);
\c -
SET search_path = stash_memo_prepared_a, stash_memo_prepared;
SELECT first(random());
INSERT INTO spans SELECT span(i, i + 10) FROM generate_series(1, 1000) i;
SET search_path = stash_memo_prepared;
SELECT first(random());
-- before 18 it counts as compiled after the first of these, and the server would crash
CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO stash_memo_prepared.spans SELECT span(i, i + 10) FROM generate_series(1, 1000) i;
EXCEPTION WHEN object_not_in_prerequisite_state OR undefined_object THEN
	NULL;
END $$;
CALL fill();
CALL fill();
CALL fill();
SET search_path = stash_memo_prepared_a, stash_memo_prepared;
CALL fill();
CALL fill();
SELECT count(*) > 1000 AS filled FROM spans;

-- types of columns, with comments and quotes
SET search_path = stash_memo_prepared;
CREATE TABLE typed (x numeric(5,1));
CREATE TABLE "ty""ped" (x numeric(5,1));
CREATE FUNCTION column_1(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE v typed.x -- the column
%TYPE; BEGIN SELECT k + 0.23456 INTO v FROM other; RETURN v; END';
CREATE FUNCTION column_2(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE v "ty""ped".x%TYPE; BEGIN SELECT k + 0.23456 INTO v FROM other; RETURN v; END';
CREATE FUNCTION column_3(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE v typed.x%/* /* */ */TYPE; BEGIN SELECT k + 0.23456 INTO v FROM other; RETURN v; END';
SELECT count(stash.memoize(f)) FROM unnest('{column_1(int),column_2(int),column_3(int)}'::regprocedure[]) f;
SELECT column_1(1), column_2(1), column_3(1);
ALTER TABLE typed ALTER x TYPE numeric(5,2);
ALTER TABLE "ty""ped" ALTER x TYPE numeric(5,2);
SELECT column_1(1), column_2(1), column_3(1);
\c -
SET search_path = stash_memo_prepared;
SELECT column_1(1), column_2(1), column_3(1);

-- an option is none in a comment
CREATE FUNCTION conflicting(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS $$ -- without variable_conflict
DECLARE k int := 1; BEGIN RETURN (SELECT sum(k) FROM other); END $$;
CREATE FUNCTION decided(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS $$ -- with
#variable_conflict use_column
DECLARE k int := 1; BEGIN RETURN (SELECT sum(k) FROM other); END $$;
SELECT stash.memoize('conflicting(int)'), stash.memoize('decided(int)');
\c -
SET search_path = stash_memo_prepared;
SET plpgsql.variable_conflict = use_column;
SELECT conflicting(1), decided(1);
\c -
SET search_path = stash_memo_prepared;
SELECT decided(1), value AS verdict FROM stash.explain('decided(int)', 1) WHERE item = 'verdict';
SELECT conflicting(1);

-- a function that is made by one path and run by another, without a query in between
CREATE DOMAIN stash_memo_prepared_b.amount AS numeric(5,2);
CREATE FUNCTION make() RETURNS text LANGUAGE plpgsql SET search_path = stash_memo_prepared_a AS $$ BEGIN
	EXECUTE 'CREATE FUNCTION stash_memo_prepared.made() RETURNS text STABLE LANGUAGE plpgsql AS ''DECLARE v amount; BEGIN SELECT k + 0.23456 INTO v FROM stash_memo_prepared.other; RETURN v; END''';
	RETURN 'made';
END $$;
SET check_function_bodies = off;
CREATE FUNCTION calls_made(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_prepared.made(); END';
SELECT stash.memoize('calls_made(int)');
\c -
SET search_path = stash_memo_prepared_b, stash_memo_prepared;
SELECT first(random());
DO $$ DECLARE t text; BEGIN t := stash_memo_prepared.make(); t := made(); END $$;
SELECT calls_made(1) IS NOT NULL AS called;
\c -
SET search_path = stash_memo_prepared_b, stash_memo_prepared;
SELECT calls_made(1), calls_made_uncached(1);

-- a helper that a target calls twice, of which the first call finds nothing amiss
SET search_path = stash_memo_prepared;
CREATE FUNCTION since_when(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	IF i = 1 THEN
		RETURN count(*) FROM stash_memo_prepared.event;
	END IF;
	RETURN (SELECT count(*) FROM stash_memo_prepared.event WHERE at >= timestamptz '2020-01-01 00:00');
END
$$;
CREATE FUNCTION since_when_tokyo() RETURNS bigint STABLE LANGUAGE plpgsql SET timezone = 'Asia/Tokyo' AS 'BEGIN RETURN stash_memo_prepared.since_when(2); END';
CREATE FUNCTION twice(i int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN concat_ws(' ', stash_memo_prepared.since_when(1), stash_memo_prepared.since_when_tokyo()); END $$;
SELECT stash.memoize('twice(int)');
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'UTC';
SELECT first(random()), since_when(2) AS utc, twice(1) IS NOT NULL AS called;
-- it is remembered nevertheless, when plans are made anew for it
SELECT twice(2), twice(3);
SELECT i, value FROM generate_series(1, 3) i, stash.explain('twice(int)', i) WHERE item = 'verdict';
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'UTC';
SELECT i, twice(i), twice_uncached(i) FROM generate_series(1, 3) i;

-- a memo within a memo that has plans forgotten, with which the one around goes on otherwise than without
SET search_path = stash_memo_prepared;
CREATE FUNCTION inner_one(i int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN '-' || i; END $$;
CREATE FUNCTION around(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	$$ BEGIN RETURN concat_ws(' ', stash_memo_prepared.since_2020_utc(), stash_memo_prepared.inner_one(i), stash_memo_prepared.since_2020()); END $$;
CREATE FUNCTION named_tz() RETURNS text STABLE LANGUAGE plpgsql SET timezone = 'Asia/Tokyo' AS $$ BEGIN RETURN '.'; END $$;
CREATE FUNCTION for_another(i int) RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_prepared.inner_one(i) || stash_memo_prepared.helper(); END';
ALTER FUNCTION for_another(int) OWNER TO regress_stash_a;
CREATE FUNCTION around_roles(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	'BEGIN RETURN concat_ws('' '', stash_memo_prepared.helper(), stash_memo_prepared.named_tz(), stash_memo_prepared.for_another(i), stash_memo_prepared.helper()); END';
SELECT count(stash.memoize(f)) FROM unnest('{inner_one(int),around(int),around_roles(int)}'::regprocedure[]) f;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA stash_memo_prepared TO PUBLIC;
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT around(1) IS NOT NULL AS called;
SET ROLE regress_stash_b;
SELECT around_roles(1) IS NOT NULL AS called;
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SET pg_hashstash.memo = off;
SELECT around(1) AS uncached;
SET ROLE regress_stash_b;
-- from 18 on the server does better than before
SELECT around_roles(1) AS uncached \gset
\c -
SET search_path = stash_memo_prepared;
SET timezone = 'Europe/Berlin';
SELECT around(1);
SELECT value FROM stash.explain('around(int)', 1) WHERE item = 'verdict';
SET ROLE regress_stash_b;
SELECT around_roles(1) = :'uncached' AS same;
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_prepared, stash_memo_prepared_a, stash_memo_prepared_b, stash_memo_prepared_hidden CASCADE;
DROP ROLE regress_stash_a, regress_stash_b;
