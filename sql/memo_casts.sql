-- traps 3, 36, 46: casts and conditions of domains that PL/pgSQL has ready for another role, path or setting
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE SCHEMA stash_memo_casts;
SET search_path = stash_memo_casts;
SET client_min_messages = warning;
CREATE ROLE regress_stash_a;
CREATE ROLE regress_stash_b;
GRANT USAGE ON SCHEMA stash_memo_casts TO PUBLIC;
CREATE TABLE secret (n int);
INSERT INTO secret VALUES (1), (2), (3);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON secret TO PUBLIC;
CREATE POLICY all_of_it ON secret TO regress_stash_a USING (true);
CREATE POLICY little ON secret TO regress_stash_b USING (n > 2);
SELECT stash.track('secret');
-- with the first that is computed a session makes all plans anew
CREATE FUNCTION first(n float8) RETURNS bool STABLE LANGUAGE plpgsql AS 'BEGIN RETURN count(*) > 0 FROM stash_memo_casts.secret; END';
SELECT stash.memoize('first(float8)');
GRANT EXECUTE ON FUNCTION first_uncached TO PUBLIC;

-- casts of PL/pgSQL, which functions share
CREATE TYPE boxed AS (a int);
CREATE FUNCTION unboxed(boxed) RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'n=' || count(*) FROM secret $$;
CREATE CAST (boxed AS text) WITH FUNCTION unboxed(boxed) AS ASSIGNMENT;
CREATE FUNCTION is_seen(n int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT n IN (SELECT s.n FROM secret s)';
CREATE DOMAIN seen AS int CHECK (is_seen(VALUE));
CREATE FUNCTION cast_for(i int) RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql AS 'DECLARE b boxed; s seen; BEGIN SELECT i INTO s; b := ROW(i); RETURN b; END';
ALTER FUNCTION cast_for(int) OWNER TO regress_stash_a;
CREATE FUNCTION cast_here(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE b boxed; BEGIN b := ROW(i); RETURN b; END';
CREATE FUNCTION seen_here(i int) RETURNS text STABLE LANGUAGE plpgsql AS $$ DECLARE s seen; BEGIN SELECT i INTO s; RETURN s; EXCEPTION WHEN check_violation THEN RETURN 'hidden'; END $$;
SELECT stash.memoize('cast_here(int)'), stash.memoize('seen_here(int)');
GRANT EXECUTE ON FUNCTION cast_here_uncached, seen_here_uncached TO PUBLIC;
\c -
SET search_path = stash_memo_casts;
SET ROLE regress_stash_b;
SELECT first(random());
BEGIN;
SELECT cast_for(2), cast_here(1) IS NOT NULL AS called, seen_here(1) IS NOT NULL AS called;
SELECT cast_here(2), seen_here(2);
SELECT cast_for(1) IS NOT NULL AS called, cast_here(3), seen_here(1);
COMMIT;
\c -
SET search_path = stash_memo_casts;
SET ROLE regress_stash_b;
SELECT i, cast_here(i), cast_here_uncached(i), seen_here(i), seen_here_uncached(i) FROM generate_series(1, 3) i;

-- a cast that was prepared for the caller, within a SECURITY DEFINER function of a target
RESET ROLE;
CREATE FUNCTION cast_by_definer(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_casts.cast_for(3); END';
SELECT stash.memoize('cast_by_definer(int)');
GRANT EXECUTE ON FUNCTION cast_by_definer_uncached TO PUBLIC;
\c -
SET search_path = stash_memo_casts;
SET ROLE regress_stash_b;
SELECT cast_by_definer(1);
BEGIN;
SELECT cast_here_uncached(9), cast_by_definer(2) IS NOT NULL AS called;
SELECT cast_by_definer(3);
COMMIT;
\c -
SET search_path = stash_memo_casts;
SET ROLE regress_stash_b;
SELECT i, cast_by_definer(i), cast_by_definer_uncached(i) FROM generate_series(1, 3) i;
RESET ROLE;

-- wherever PL/pgSQL casts, be it to what it asks for itself
SET search_path = stash_memo_casts;
CREATE TYPE counted AS (a int);
CREATE FUNCTION to_number(counted) RETURNS int STABLE LANGUAGE sql AS 'SELECT ($1).a + count(*)::int FROM stash_memo_casts.secret';
CREATE CAST (counted AS int) WITH FUNCTION to_number(counted) AS ASSIGNMENT;
CREATE FUNCTION to_truth(counted) RETURNS bool STABLE LANGUAGE sql AS 'SELECT ($1).a < count(*) FROM stash_memo_casts.secret';
CREATE CAST (counted AS bool) WITH FUNCTION to_truth(counted) AS ASSIGNMENT;
CREATE TYPE holder AS (n int, m int);
CREATE FUNCTION other_casts(i int) RETURNS int STABLE LANGUAGE plpgsql AS
	'DECLARE c counted := ROW(i); n int; b bool; h holder; a int[]; BEGIN n := c; b := c; h := ROW(c, 1); a := ARRAY[c]; RETURN n; END';
CREATE FUNCTION by_loop(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	'DECLARE c counted := ROW(i); n int := 0; BEGIN FOR j IN 1 .. c LOOP n := n + 1; END LOOP; RETURN n; END';
CREATE FUNCTION by_condition(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	$$ DECLARE c counted := ROW(i); BEGIN IF c THEN RETURN 'less'; END IF; RETURN 'more'; END $$;
CREATE FUNCTION by_exit(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	$$ DECLARE c counted := ROW(i); BEGIN LOOP EXIT WHEN c; RETURN 'more'; END LOOP; RETURN 'less'; END $$;
CREATE FUNCTION by_row(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	'DECLARE c counted := ROW(i); h holder; BEGIN h := ROW(c, 1); RETURN h; END';
CREATE FUNCTION by_record(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	'DECLARE c counted := ROW(i); r record; h holder; BEGIN SELECT c, 1 INTO r; h := r; RETURN h; END';
CREATE FUNCTION by_array(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	'DECLARE c counted := ROW(i); a int[]; BEGIN SELECT ARRAY[c] INTO a; RETURN a; END';
CREATE VIEW casting AS SELECT * FROM unnest('{by_loop,by_condition,by_exit,by_row,by_record,by_array}'::text[]) name;
GRANT SELECT ON casting TO PUBLIC;
SELECT stash.memoize(to_regprocedure(name || '(int)')) FROM casting;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA stash_memo_casts TO PUBLIC;
\c -
SET search_path = stash_memo_casts;
SET ROLE regress_stash_b;
SELECT first(random());
BEGIN;
SET LOCAL ROLE regress_stash_a;
SELECT other_casts(2);
SET LOCAL ROLE regress_stash_b;
SELECT by_loop(2) IS NOT NULL AS called, by_condition(2) IS NOT NULL AS called, by_exit(2) IS NOT NULL AS called, by_row(2) IS NOT NULL AS called,
	by_record(2) IS NOT NULL AS called, by_array(2) IS NOT NULL AS called;
COMMIT;
\c -
SET search_path = stash_memo_casts;
SET ROLE regress_stash_b;
SELECT by_loop(2), by_condition(2), by_exit(2), by_row(2), by_record(2), by_array(2);
SELECT by_loop_uncached(2) AS by_loop, by_condition_uncached(2) AS by_condition, by_exit_uncached(2) AS by_exit, by_row_uncached(2) AS by_row,
	by_record_uncached(2) AS by_record, by_array_uncached(2) AS by_array;

-- what a cast was planned as by another path, in another transaction
RESET ROLE;
CREATE SCHEMA stash_memo_casts_a;
CREATE SCHEMA stash_memo_casts_b;
GRANT USAGE ON SCHEMA stash_memo_casts_a, stash_memo_casts_b TO PUBLIC;
CREATE FUNCTION stash_memo_casts_a.lim() RETURNS int STABLE LANGUAGE sql AS 'SELECT 10';
CREATE FUNCTION stash_memo_casts_b.lim() RETURNS int STABLE LANGUAGE sql AS 'SELECT 3';
SET check_function_bodies = off;
CREATE TYPE pathed AS (a int);
CREATE FUNCTION by_path(pathed) RETURNS int STABLE LANGUAGE sql AS 'SELECT ($1).a + lim()';
CREATE CAST (pathed AS int) WITH FUNCTION by_path(pathed) AS ASSIGNMENT;
CREATE FUNCTION pathed_number(i int) RETURNS int STABLE LANGUAGE plpgsql AS 'DECLARE p stash_memo_casts.pathed; BEGIN p.a := i; RETURN p; END';
CREATE FUNCTION other_number(i int) RETURNS int STABLE LANGUAGE plpgsql AS 'DECLARE p stash_memo_casts.pathed; BEGIN p.a := i; RETURN p; END';
SELECT stash.memoize('pathed_number(int)');
\c -
SET search_path = stash_memo_casts_b;
SELECT stash_memo_casts.first(random());
SET search_path = stash_memo_casts_a;
SELECT stash_memo_casts.other_number(1);
SET search_path = stash_memo_casts_b;
SELECT stash_memo_casts.pathed_number(1) IS NOT NULL AS called;
\c -
SET search_path = stash_memo_casts_b;
SELECT stash_memo_casts.pathed_number(1), stash_memo_casts.pathed_number_uncached(1);

-- conditions of domains that an expression has ready
SET search_path = stash_memo_casts;
SET check_function_bodies = off;
CREATE FUNCTION is_low(i int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT i < lim()';
CREATE DOMAIN low AS int CHECK (stash_memo_casts.is_low(VALUE));
CREATE FUNCTION low_here(i int) RETURNS text STABLE LANGUAGE plpgsql AS
	$$ BEGIN RETURN i::stash_memo_casts.low; EXCEPTION WHEN check_violation THEN RETURN 'high'; END $$;
CREATE FUNCTION low_there(i int, k int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_casts.low_here(i); END';
SELECT stash.memoize('low_there(int, int)');
\c -
SET search_path = stash_memo_casts_b;
SELECT stash_memo_casts.first(random());
SET search_path = stash_memo_casts_a;
SELECT 5::stash_memo_casts.low;
SET search_path = stash_memo_casts_b;
BEGIN;
SELECT stash_memo_casts.low_here(5) IS NOT NULL AS called;
SELECT stash_memo_casts.low_there(5, 1) IS NOT NULL AS called;
COMMIT;
-- and again, when the session knows that there are such domains
SELECT stash_memo_casts.first(random());
SET search_path = stash_memo_casts_a;
SELECT 5::stash_memo_casts.low;
SET search_path = stash_memo_casts_b;
BEGIN;
SELECT stash_memo_casts.low_here(5) IS NOT NULL AS called;
SELECT stash_memo_casts.low_there(5, 2) IS NOT NULL AS called;
COMMIT;
\c -
SET search_path = stash_memo_casts_b;
SELECT k, stash_memo_casts.low_there(5, k), stash_memo_casts.low_there_uncached(5, k) FROM generate_series(1, 2) k;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_casts, stash_memo_casts_a, stash_memo_casts_b CASCADE;
DROP ROLE regress_stash_a, regress_stash_b;
