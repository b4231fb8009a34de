-- Memoized functions: what is made, renamed or moved under a name by which an answer was found, so that the name means something else.
-- A function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_first;
CREATE SCHEMA stash_memo_names;
CREATE SCHEMA stash_memo_apart;
SET search_path = stash_memo_first, stash_memo_names, public;
CREATE TABLE stash_memo_names.who AS SELECT 'second'::text AS name;
SELECT stash.track('who');
CREATE FUNCTION stash_memo_names.helper(n bigint, VARIADIC more text[] DEFAULT '{}') RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'bigint' $$;
CREATE FUNCTION stash_memo_names.who_is() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed who_is()'; RETURN (SELECT name FROM who); END $$;
CREATE FUNCTION stash_memo_names.which() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed which()'; RETURN helper(1); END $$;
CREATE FUNCTION stash_memo_names.which_ever() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed which_ever()'; RETURN helper(1); END $$;
CREATE FUNCTION stash_memo_names.low(v varchar) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed low(%)', v; RETURN lower(v); END $$;
SELECT stash.memoize('who_is()'), stash.memoize('which()'), stash.memoize('which_ever()'), stash.memoize('low(varchar)');
CREATE FUNCTION stash_memo_names.why(f regprocedure, VARIADIC args text[] DEFAULT '{}') RETURNS TABLE (item text, value text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT * FROM stash.explain(%L%s) WHERE item IN (''reason'', ''last answer not kept'')', f,
		(SELECT string_agg(format(', %L::varchar', a), '') FROM unnest(args) a));
END
$$;

-- trap 14: search_path
-- trap 46: overloads
-- remembered, whatever is made elsewhere under other names, or for other numbers of arguments
SELECT who_is(), which(), which_ever(), low('A');
CREATE TABLE stash_memo_first.whom AS SELECT 'first' AS name;
CREATE FUNCTION stash_memo_names.helper() RETURNS text LANGUAGE sql AS $$ SELECT 'none' $$;
SELECT who_is(), which(), which_ever(), low('A');
-- a relation in a schema that comes first: made, renamed, moved there; a view, too; for whom the schema is closed it is not found
CREATE TABLE stash_memo_first.who AS SELECT 'first'::text AS name;
SELECT value FROM why('who_is()');
SELECT who_is();
SELECT * FROM why('who_is()');
SELECT stash.track('who');
SELECT who_is(), who_is();
DROP TABLE stash_memo_first.who;
SELECT who_is(), who_is();
ALTER TABLE stash_memo_first.whom RENAME TO who;
SELECT stash.track('who');
SELECT who_is(), who_is();
DROP TABLE stash_memo_first.who;
SELECT who_is(), who_is();
CREATE VIEW stash_memo_apart.who AS SELECT 'a view'::text AS name;
SELECT who_is(), who_is();
ALTER VIEW stash_memo_apart.who SET SCHEMA stash_memo_first;
SELECT who_is(), who_is();
DROP VIEW stash_memo_first.who;
-- a schema that gets the name of one that is searched
CREATE TABLE stash_memo_apart.who AS SELECT 'renamed'::text AS name;
SELECT stash.track('stash_memo_apart.who');
SELECT who_is(), who_is();
ALTER SCHEMA stash_memo_first RENAME TO stash_memo_gone;
ALTER SCHEMA stash_memo_apart RENAME TO stash_memo_first;
SELECT who_is(), who_is();
-- a schema that was closed to a role and is opened
CREATE ROLE regress_stash_names;
GRANT USAGE ON SCHEMA stash_memo_names TO regress_stash_names;
GRANT SELECT ON stash_memo_first.who, stash_memo_names.who TO regress_stash_names;
SET ROLE regress_stash_names;
SELECT who_is(), who_is();
RESET ROLE;
GRANT USAGE ON SCHEMA stash_memo_first TO regress_stash_names;
SET ROLE regress_stash_names;
SELECT who_is(), who_is();
RESET ROLE;

SELECT which(), which_ever(), low('A');
-- a function that fits better: made, moved, with other arguments; of one that cannot be meant nobody takes notice
CREATE FUNCTION stash_memo_names.helper(n int) RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'int' $$;
SELECT value FROM why('which()') UNION ALL SELECT value FROM why('which_ever()');
SELECT which(), which_ever(), which(), which_ever();
CREATE FUNCTION stash_memo_first.helped(n int) RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'int of the first' $$;
SELECT which(), which_ever();
ALTER FUNCTION stash_memo_first.helped(int) RENAME TO helper;
SELECT which(), which_ever(), which(), which_ever();
CREATE FUNCTION stash_memo_first.helper(int, int) RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'two' $$;
SELECT which(), which_ever();
CREATE FUNCTION stash_memo_first.helper(int, int DEFAULT 1, int DEFAULT 2) RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'three' $$;
\set VERBOSITY sqlstate
SELECT which();
\set VERBOSITY default
DROP FUNCTION stash_memo_first.helper(int, int, int);
SELECT which(), which();
-- a function that bears the name of one of the server
CREATE FUNCTION stash_memo_names.lower(v varchar) RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'not so low' $$;
SELECT value FROM why('low(varchar)', 'A');
SELECT low('A'), low('A');
-- operators and types, of which no answer says that it used them: a schema that is renamed, opened, dropped
CREATE SCHEMA stash_memo_other;
CREATE OPERATOR stash_memo_other.### (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR stash_memo_names.### (FUNCTION = int4mul, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION stash_memo_names.operates() RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE
	r int;
BEGIN
	RAISE NOTICE 'computed operates()';
	EXECUTE 'SELECT 3 ### 4' INTO r;
	RETURN r;
END
$$;
SELECT stash.memoize('operates()');
SET search_path = stash_memo_other, stash_memo_names, public;
SELECT operates(), operates();
GRANT SELECT ON stash_memo_names.who TO regress_stash_names;
SELECT operates();
ALTER SCHEMA stash_memo_other RENAME TO stash_memo_another;
SELECT operates(), operates();
ALTER SCHEMA stash_memo_another RENAME TO stash_memo_other;
SELECT operates(), operates();
SET ROLE regress_stash_names;
SELECT operates(), operates();
RESET ROLE;
GRANT USAGE ON SCHEMA stash_memo_other TO regress_stash_names;
SET ROLE regress_stash_names;
SELECT operates(), operates();
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_other CASCADE;
RESET client_min_messages;
SELECT operates(), operates();
SET search_path = stash_memo_first, stash_memo_names, public;

-- trap 14: what is not there yet: a table, a function, a right; the answer is not kept, unless for a time
CREATE FUNCTION stash_memo_names.if_there(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*)::text FROM later);
EXCEPTION WHEN undefined_table OR insufficient_privilege THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION stash_memo_names.if_valid(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN 1 / n;
EXCEPTION WHEN division_by_zero THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION stash_memo_names.if_there_outside(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN if_there(n) || '!'; END $$;
SELECT stash.memoize('if_there(int)'), stash.memoize('if_valid(int)'), stash.memoize('if_there_outside(int)');
SELECT if_there(1), if_valid(0), if_there_outside(1);
SELECT value FROM why('if_there(int)', '1');
SELECT value FROM stash.explain('if_there(int)', 1) WHERE item = 'last answer not kept';
SELECT value FROM stash.explain('if_there_outside(int)', 1) WHERE item = 'last answer not kept';
SELECT value FROM stash.explain('if_valid(int)', 0) WHERE item = 'verdict';
CREATE TABLE stash_memo_names.later ();
SELECT stash.track('later');
SELECT if_there(1), if_there_outside(1);
SELECT value FROM stash.explain('if_there(int)', 1) WHERE item = 'verdict';

-- trap 14: a row type that is found in another's place: made, renamed, moved, dropped
CREATE SCHEMA stash_memo_types;
CREATE TYPE stash_memo_names.shape AS (a int);
CREATE TABLE stash_memo_types.other (a text);
CREATE FUNCTION stash_memo_names.shapes(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	RAISE NOTICE 'computed shapes(%)', n;
	EXECUTE format('SELECT pg_typeof(a)::text FROM (SELECT (CAST(ROW(%s) AS shape)).a) t', n) INTO result;
	RETURN result;
END
$$;
SELECT stash.memoize('shapes(int)', volatile => true);
SELECT shapes(1), shapes(1);
CREATE TABLE stash_memo_first.round (a text);
SELECT shapes(1);
CREATE TABLE stash_memo_first.shape (a text);
SELECT shapes(1), shapes(1);
DROP TABLE stash_memo_first.shape;
SELECT shapes(1), shapes(1);
ALTER TABLE stash_memo_first.round RENAME TO shape;
SELECT shapes(1), shapes(1);
ALTER TABLE stash_memo_first.shape RENAME TO round;
SELECT shapes(1), shapes(1);
ALTER TABLE stash_memo_first.round RENAME a TO b;
ALTER TABLE stash_memo_first.round ADD c int;
ALTER TABLE stash_memo_types.other RENAME TO shape;
SELECT shapes(1), shapes(1);
ALTER TABLE stash_memo_types.shape SET SCHEMA stash_memo_first;
SELECT shapes(1), shapes(1);
DROP TABLE stash_memo_first.shape;
CREATE VIEW stash_memo_first.shape AS SELECT 'v'::text AS a;
SELECT shapes(1), shapes(1);
DROP VIEW stash_memo_first.shape;
SELECT shapes(1);
DROP SCHEMA stash_memo_types;

-- trap 14: a table whose row type takes the place of another table's, in functions that do not read it
CREATE TABLE stash_memo_names.form (a int);
CREATE FUNCTION stash_memo_names.casts(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	RAISE NOTICE 'computed casts(%)', n;
	-- a plan that is kept would go on with the type it knows, or fail
	EXECUTE 'SELECT (ROW(1)::form)::text' INTO result;
	RETURN result;
END
$$;
CREATE FUNCTION stash_memo_names.declares(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	f form;
BEGIN
	RAISE NOTICE 'computed declares(%)', n;
	f.a := '1';
	RETURN f;
END
$$;
CREATE FUNCTION stash_memo_names.fills(n int) RETURNS text STABLE LANGUAGE sql AS $$ SELECT a::text FROM jsonb_populate_recordset(NULL::form, '[{"a": "1"}]') $$;
SELECT stash.memoize('casts(int)'), stash.memoize('declares(int)'), stash.memoize('fills(int)');
SELECT casts(1), declares(1), fills(1), casts(1), declares(1);
SELECT count(*) AS of_fills FROM stash.calls('fills(int)');
-- rows that come to it, and other tables, change nothing
INSERT INTO form VALUES (2);
CREATE TABLE stash_memo_first.another_form (a text);
SELECT casts(1), declares(1);
-- its columns
ALTER TABLE form ALTER a TYPE numeric(5,2);
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_first, stash_memo_names, public;
SELECT casts(1), declares(1), fills(1), casts(1), declares(1);
-- another one takes its place: made, and gone
CREATE TABLE stash_memo_first.form (a char(3));
SELECT value FROM why('casts(int)', '1') WHERE item = 'reason';
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_first, stash_memo_names, public;
SELECT casts(1), declares(1), fills(1), casts(1), declares(1);
DROP TABLE stash_memo_first.form;
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_first, stash_memo_names, public;
SELECT casts(1), declares(1), fills(1), casts(1), declares(1);
DROP TABLE stash_memo_first.another_form;

-- trap 3: the right to a function of the server
SET ROLE regress_stash_names;
SELECT low('B'), low('B');
RESET ROLE;
DROP FUNCTION stash_memo_names.lower(varchar);
SET ROLE regress_stash_names;
SELECT low('B'), low('B');
RESET ROLE;
BEGIN;
REVOKE EXECUTE ON FUNCTION pg_catalog.lower(text) FROM PUBLIC;
SET ROLE regress_stash_names;
SELECT low('B');
\echo :SQLSTATE
ROLLBACK;

-- trap 16: temporary tables, where there are others already
SET search_path = stash_memo_names, public;
CREATE TEMP TABLE another (n int);
SELECT who_is(), who_is();
CREATE TEMP TABLE who AS SELECT 'temporary'::text AS name;
SELECT who_is(), who_is();
DROP TABLE pg_temp.who;
SELECT who_is();

-- a session whose plans are older than a namesake: they are made again, and no answer of theirs is kept for others
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_first, stash_memo_names, public;
DROP TABLE stash_memo_first.who;
SELECT who_is(), who_is();
CREATE TABLE stash_memo_first.who AS SELECT 'first again'::text AS name;
SELECT stash.track('who'), stash.forget('who_is()');
SELECT who_is();
SELECT value FROM why('who_is()');
SELECT who_is(), who_is();

SET client_min_messages = warning;
DROP SCHEMA stash_memo_first, stash_memo_names, stash_memo_gone CASCADE;
DROP ROLE regress_stash_names;
