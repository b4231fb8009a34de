-- Memoized functions in PL/pgSQL, which a session compiles once: by another path, before the library was there, or by what was
-- rolled back since. What such a session computes is right for those that come later.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA stash_memo_compiled;
CREATE SCHEMA stash_memo_compiled_a;
CREATE SCHEMA stash_memo_compiled_b;
CREATE ROLE regress_stash_a;
CREATE ROLE regress_stash_b;
GRANT USAGE ON SCHEMA stash_memo_compiled, stash_memo_compiled_a, stash_memo_compiled_b TO PUBLIC;
CREATE DOMAIN stash_memo_compiled_a.amount AS numeric(5,1);
CREATE DOMAIN stash_memo_compiled_b.amount AS numeric(5,3);
CREATE TABLE stash_memo_compiled_a.typed (x numeric(5,1));
CREATE TABLE stash_memo_compiled_b.typed (x numeric(5,3));
CREATE FUNCTION stash_memo_compiled_a.least_of() RETURNS int STABLE LANGUAGE sql AS 'SELECT 10';
CREATE FUNCTION stash_memo_compiled_b.least_of() RETURNS int STABLE LANGUAGE sql AS 'SELECT 100';
SET search_path = stash_memo_compiled;
CREATE TABLE other (k int);
INSERT INTO other VALUES (7);
SELECT stash.track('other');
SET check_function_bodies = off;
CREATE FUNCTION helper() RETURNS text STABLE LANGUAGE plpgsql AS $$DECLARE v amount; BEGIN SELECT k + 0.23456 INTO v FROM stash_memo_compiled.other; RETURN v; END$$;
CREATE FUNCTION is_low(n int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT n < least_of()';
CREATE DOMAIN low AS int CHECK (stash_memo_compiled.is_low(VALUE));
CREATE TABLE body (id int GENERATED ALWAYS AS IDENTITY, body text, language text DEFAULT 'plpgsql');
INSERT INTO body (body) VALUES
	('DECLARE v amount; BEGIN SELECT k + 0.23456 INTO v FROM stash_memo_compiled.other; RETURN v; END'),
	('DECLARE v typed.x%TYPE; BEGIN SELECT k + 0.23456 INTO v FROM stash_memo_compiled.other; RETURN v; END'),
	('DECLARE v typed; BEGIN SELECT k + 0.23456 INTO v FROM stash_memo_compiled.other; RETURN v; END'),
	('BEGIN RETURN stash_memo_compiled.helper(); END'),
	('BEGIN RETURN (50 + k)::stash_memo_compiled.low FROM stash_memo_compiled.other; EXCEPTION WHEN check_violation THEN RETURN ''high''; END');
DO $$
DECLARE
	b body;
BEGIN
	FOR b IN SELECT * FROM body ORDER BY id LOOP
		EXECUTE format('CREATE FUNCTION f%s() RETURNS text STABLE LANGUAGE %s AS %L', b.id, b.language, b.body);
		PERFORM stash.memoize(format('f%s()', b.id)::regprocedure);
		EXECUTE format('GRANT EXECUTE ON FUNCTION f%s_uncached() TO PUBLIC', b.id);
	END LOOP;
END
$$;
CREATE VIEW answers AS SELECT stash_memo_compiled.f1(), stash_memo_compiled.f2(), stash_memo_compiled.f3(), stash_memo_compiled.f4(), stash_memo_compiled.f5();
CREATE VIEW truth AS SELECT stash_memo_compiled.f1_uncached(), stash_memo_compiled.f2_uncached(), stash_memo_compiled.f3_uncached(), stash_memo_compiled.f4_uncached(), stash_memo_compiled.f5_uncached();
GRANT SELECT ON answers, truth, other TO PUBLIC;

-- trap 3: a search_path after another
\c -
SET client_min_messages = warning;
SET search_path = stash_memo_compiled_a;
TABLE stash_memo_compiled.answers;
SET search_path = stash_memo_compiled_b;
TABLE stash_memo_compiled.answers;
\c -
SET search_path = stash_memo_compiled_b;
TABLE stash_memo_compiled.answers;
TABLE stash_memo_compiled.truth;
-- what ran before it was asked for by a memo, before the library was there
SELECT count(stash.forget(format('stash_memo_compiled.f%s()', id)::regprocedure)) FROM stash_memo_compiled.body;
\c -
SET search_path = stash_memo_compiled_a;
TABLE stash_memo_compiled.truth;
SET search_path = stash_memo_compiled_b;
TABLE stash_memo_compiled.answers;
TABLE stash_memo_compiled.answers;
\c -
SET search_path = stash_memo_compiled_b;
TABLE stash_memo_compiled.answers;
TABLE stash_memo_compiled.truth;
-- rights decide which of them are looked into
REVOKE USAGE ON SCHEMA stash_memo_compiled_a, stash_memo_compiled_b FROM PUBLIC;
GRANT USAGE ON SCHEMA stash_memo_compiled_a TO regress_stash_a;
GRANT USAGE ON SCHEMA stash_memo_compiled_b TO regress_stash_b;
\c -
SET search_path = stash_memo_compiled_a, stash_memo_compiled_b;
SET ROLE regress_stash_a;
TABLE stash_memo_compiled.answers;
SET ROLE regress_stash_b;
TABLE stash_memo_compiled.answers;
\c -
SET search_path = stash_memo_compiled_a, stash_memo_compiled_b;
SET ROLE regress_stash_b;
TABLE stash_memo_compiled.answers;
TABLE stash_memo_compiled.truth;
RESET ROLE;
-- a temporary table that is gone
\c -
SET client_min_messages = warning;
SET search_path = stash_memo_compiled_b;
CREATE TEMP TABLE typed (x numeric(5,1));
SELECT stash_memo_compiled.f2(), stash_memo_compiled.f3();
SELECT stash.forget('stash_memo_compiled.f2()') > 0, stash.forget('stash_memo_compiled.f3()') > 0;
DROP TABLE pg_temp.typed;
SELECT stash_memo_compiled.f2(), stash_memo_compiled.f3();
\c -
SET search_path = stash_memo_compiled_b;
SELECT stash_memo_compiled.f2(), stash_memo_compiled.f3(), stash_memo_compiled.f2_uncached(), stash_memo_compiled.f3_uncached();

-- trap 46: the type of a column, of a table that is not read
ALTER TABLE stash_memo_compiled_b.typed ALTER x TYPE numeric(5,2);
SELECT stash_memo_compiled.f2(), stash_memo_compiled.f3();
\c -
SET search_path = stash_memo_compiled_b;
SELECT stash_memo_compiled.f2(), stash_memo_compiled.f3(), stash_memo_compiled.f2_uncached(), stash_memo_compiled.f3_uncached();

-- however that is written; what only looks like it asks for no rights
SET search_path = stash_memo_compiled;
CREATE TABLE "odd table" ("odd column" numeric(5,1));
CREATE SCHEMA stash_memo_compiled_c;
CREATE FUNCTION spelled_1(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE v "odd table"."odd column"%TYPE; BEGIN SELECT k + 0.23456 INTO v FROM other; RETURN v; END';
CREATE FUNCTION spelled_2(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE v stash_memo_compiled . "odd table" . "odd column" % type; BEGIN SELECT k + 0.23456 INTO v FROM other; RETURN v; END';
CREATE FUNCTION spelled_3(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE v "odd table"."odd column"/* a */%/* b */TYPE; BEGIN SELECT k + 0.23456 INTO v FROM other; RETURN v; END';
CREATE FUNCTION spelled_4(i int) RETURNS text STABLE LANGUAGE plpgsql AS '-- as stash_memo_compiled_c.t.x%TYPE
BEGIN RETURN k FROM stash_memo_compiled.other; END';
CREATE FUNCTION spelled_5(i int) RETURNS int STABLE LANGUAGE plpgsql AS 'DECLARE typed int := 4; type int := 5; BEGIN RETURN ((i + 6) % typed + (i + 6) % type) + k FROM stash_memo_compiled.other; END';
SELECT count(stash.memoize(f)) FROM unnest('{spelled_5(int),spelled_1(int),spelled_2(int),spelled_3(int),spelled_4(int)}'::regprocedure[]) f;
SELECT spelled_1(1), spelled_2(1), spelled_3(1);
SET ROLE regress_stash_a;
SELECT spelled_4(1);
RESET ROLE;
SELECT spelled_5(1);
SELECT (SELECT value FROM stash.explain('spelled_1(int)', 1) WHERE item = 'verdict'), (SELECT value FROM stash.explain('spelled_5(int)', 1) WHERE item = 'verdict');
ALTER TABLE "odd table" ALTER "odd column" TYPE numeric(5,2);
\c -
SET search_path = stash_memo_compiled;
SELECT spelled_1(1), spelled_2(1), spelled_3(1);

-- CREATE FUNCTION compiles, too
SET search_path = stash_memo_compiled_a, stash_memo_compiled;
CREATE FUNCTION stash_memo_compiled.checked_helper() RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE v amount; BEGIN SELECT k + 0.23456 INTO v FROM stash_memo_compiled.other; RETURN v; END';
CREATE FUNCTION stash_memo_compiled.checked() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_compiled.checked_helper(); END';
SELECT stash.memoize('checked()');
SET search_path = stash_memo_compiled_b, stash_memo_compiled;
SELECT checked() IS NOT NULL AS called;
SELECT checked();
\c -
SET search_path = stash_memo_compiled_b, stash_memo_compiled;
SELECT checked(), checked_uncached();

-- a function that calls itself, for two memos with paths of their own
SET search_path = stash_memo_compiled_a, stash_memo_compiled;
CREATE FUNCTION stash_memo_compiled.steps(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'DECLARE v stash_memo_compiled_a.amount := 1; BEGIN IF n <= 0 THEN RETURN 0; END IF; RETURN stash_memo_compiled.steps(n - 1) + v; END';
CREATE FUNCTION stash_memo_compiled.steps_here(i int) RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN sum(steps(k)) + i FROM other; END';
CREATE FUNCTION stash_memo_compiled.steps_there(i int) RETURNS bigint STABLE SET search_path = stash_memo_compiled, pg_temp LANGUAGE plpgsql AS 'BEGIN RETURN sum(steps(k)) + i FROM other; END';
SELECT stash.memoize('steps_here(int)'), stash.memoize('steps_there(int)');
SELECT count(*) AS functions FROM pg_backend_memory_contexts WHERE name LIKE 'PL/pgSQL func%' \gset before_
SELECT sum(steps_here(i)), sum(steps_there(i)) FROM generate_series(1, 20) i;
SELECT count(*) < :before_functions + 10 AS memory_is_kept FROM pg_backend_memory_contexts WHERE name LIKE 'PL/pgSQL func%';

-- trap 36: what was made or dropped and rolled back, while the session planned and compiled
SET search_path = stash_memo_compiled;
CREATE FUNCTION kind(bigint) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN 'bigint'; END$$;
CREATE FUNCTION kind(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN 'int'; END$$;
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION pair_text(p pair) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN 'a pair'; END$$;
CREATE FUNCTION of_kind(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN kind(k) FROM other; END';
CREATE FUNCTION of_cast(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (ROW(k, 1)::pair)::text FROM other; END';
CREATE DOMAIN measure AS numeric(5,3);
CREATE FUNCTION of_type(i int) RETURNS text STABLE LANGUAGE plpgsql AS 'DECLARE v measure; BEGIN SELECT k + 0.23456 INTO v FROM other; RETURN v; END';
SELECT count(stash.memoize(f)) FROM unnest('{of_kind(int),of_cast(int),of_type(int)}'::regprocedure[]) f;
SELECT of_kind(0), of_cast(0), of_type(0);
BEGIN;
DROP FUNCTION kind(int);
CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair);
ALTER DOMAIN measure RENAME TO other_measure;
CREATE DOMAIN measure AS numeric(5,1);
SELECT of_kind_uncached(1), of_cast_uncached(1), of_type_uncached(1);
ROLLBACK;
SELECT of_kind(1), of_cast(1), of_type(1);
BEGIN;
SAVEPOINT s;
DROP FUNCTION kind(int);
CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair);
ALTER DOMAIN measure RENAME TO other_measure;
CREATE DOMAIN measure AS numeric(5,1);
SELECT of_kind(2), of_cast(2), of_type(2);
ROLLBACK TO s;
SELECT of_kind(3), of_cast(3), of_type(3);
COMMIT;
\c -
SET search_path = stash_memo_compiled;
SELECT n, of_kind(n), of_cast(n), of_type(n), of_kind_uncached(n), of_cast_uncached(n), of_type_uncached(n) FROM generate_series(1, 3) n;

-- trap 3: another role in the middle of a statement, whose policies a function in SQL has parsed already
CREATE TABLE secret (n int);
INSERT INTO secret VALUES (1);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY shown ON secret TO regress_stash_a USING (true);
GRANT SELECT ON secret TO PUBLIC;
SELECT stash.track('secret');
CREATE FUNCTION secrets(i int) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM stash_memo_compiled.secret WHERE i > 0';
SELECT stash.memoize('secrets(int)');
SELECT set_config('role', r, false), secrets(1) FROM unnest('{regress_stash_a,regress_stash_b}'::text[]) r;
RESET ROLE;
BEGIN;
DECLARE c CURSOR FOR SELECT secrets(2) FROM generate_series(1, 2);
SET ROLE regress_stash_a;
FETCH c;
SET ROLE regress_stash_b;
FETCH c;
COMMIT;
RESET ROLE;

-- trap 3: a setting that is empty, as SET LOCAL leaves one, is not one that is unset
CREATE FUNCTION tenant() RETURNS text STABLE LANGUAGE sql AS $$ SELECT coalesce('set to ' || current_setting('regress_stash.tenant', true), 'unset') $$;
SELECT stash.memoize('tenant()', vary => '{regress_stash.tenant}');
SELECT tenant(), tenant();
BEGIN;
SET LOCAL regress_stash.tenant = 'x';
SELECT tenant();
COMMIT;
SELECT tenant(), tenant_uncached();
\c -
SELECT stash_memo_compiled.tenant(), stash_memo_compiled.tenant_uncached();

SET client_min_messages = warning;
DROP SCHEMA stash_memo_compiled, stash_memo_compiled_a, stash_memo_compiled_b, stash_memo_compiled_c CASCADE;
DROP ROLE regress_stash_a, regress_stash_b;
