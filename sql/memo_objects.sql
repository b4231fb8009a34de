-- Names that come to mean others: arguments and results of regclass and its like, labels of enums.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA stash_memo_objects;
SET search_path = stash_memo_objects, public;
CREATE TABLE thing (n int);
CREATE ROLE regress_stash_some;
CREATE DOMAIN relation AS regclass;
CREATE TYPE pair AS (r regclass, n int);

-- trap 46: what an argument names
-- each says whether it gave the right answer, and from where; those that would ask the catalogs are IMMUTABLE, and believed
CREATE FUNCTION of_class(c regclass) RETURNS oid STABLE LANGUAGE plpgsql AS 'BEGIN RETURN c::oid; END';
CREATE FUNCTION of_fixed(c regclass) RETURNS oid IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN c::oid; END';
CREATE FUNCTION of_role(r regrole) RETURNS oid IMMUTABLE LANGUAGE sql AS 'SELECT r::oid';
CREATE FUNCTION of_proc(p regproc) RETURNS oid IMMUTABLE LANGUAGE sql AS 'SELECT p::oid';
CREATE FUNCTION of_type(t regtype) RETURNS oid IMMUTABLE LANGUAGE sql AS 'SELECT t::oid';
CREATE FUNCTION of_array(c regclass[]) RETURNS oid IMMUTABLE LANGUAGE sql AS 'SELECT c[1]::oid';
CREATE FUNCTION of_row(p pair) RETURNS oid IMMUTABLE LANGUAGE sql AS 'SELECT (p).r::oid';
CREATE FUNCTION of_domain(r relation) RETURNS oid IMMUTABLE LANGUAGE sql AS 'SELECT r::oid';
CREATE FUNCTION of_grant(a aclitem) RETURNS oid IMMUTABLE LANGUAGE sql AS 'SELECT grantee FROM aclexplode(ARRAY[a])';
SELECT stash.memoize(f::regprocedure) FROM unnest(ARRAY['of_class(regclass)', 'of_fixed(regclass)', 'of_role(regrole)', 'of_proc(regproc)',
	'of_type(regtype)', 'of_array(regclass[])', 'of_row(pair)', 'of_domain(relation)', 'of_grant(aclitem)']) AS f;
CREATE PROCEDURE remake() LANGUAGE plpgsql AS $$
BEGIN
	DROP FUNCTION doing;
	DROP TABLE IF EXISTS old_thing;
	ALTER TABLE thing RENAME TO old_thing;
	CREATE TABLE thing (n int);
	ALTER ROLE regress_stash_some RENAME TO regress_stash_other;
	CREATE ROLE regress_stash_some;
	DROP ROLE regress_stash_other;
	CREATE FUNCTION doing() RETURNS int LANGUAGE sql AS 'SELECT 1';
END $$;
CREATE FUNCTION check_all() RETURNS TABLE (f text, is_right bool, is_hit bool) LANGUAGE plpgsql AS $$
DECLARE
	arg text;
	remembered oid;
	computed oid;
BEGIN
	FOR f, arg IN VALUES ('of_class', '''thing''::regclass'), ('of_fixed', '''thing''::regclass'), ('of_role', '''regress_stash_some''::regrole'),
		('of_proc', '''doing''::regproc'), ('of_type', '''thing''::regtype'), ('of_array', '''{thing}''::regclass[]'), ('of_row', '''(thing,1)''::pair'),
		('of_domain', '''thing''::relation'), ('of_grant', '''regress_stash_some=r/regress_stash_some''::aclitem')
	LOOP
		EXECUTE format('SELECT item.value = ''hit'' FROM stash.explain(%L::regproc::regprocedure, %s) AS item WHERE item.item = ''verdict''', f, arg) INTO is_hit;
		EXECUTE format('SELECT %1$s(%2$s), %1$s_uncached(%2$s)', f, arg) INTO remembered, computed;
		is_right := remembered = computed;
		RETURN NEXT;
	END LOOP;
END $$;
CREATE FUNCTION doing() RETURNS int LANGUAGE sql AS 'SELECT 0';
SELECT * FROM check_all();
SELECT * FROM check_all();
CALL remake();
SELECT * FROM check_all();
\c -
SET search_path = stash_memo_objects, public;
SELECT * FROM check_all();
CALL remake();
\c -
SET search_path = stash_memo_objects, public;
SELECT * FROM check_all();
-- of what is not memoized, and among the parameters of a query
SELECT a::oid = 'thing'::regclass AS is_right FROM stash.query('SELECT $1::oid', ROW('thing'::regclass)) AS q (a oid);
SELECT stash.run(NULL::oid, 'of_class_uncached(regclass)', 'thing'::regclass) = 'thing'::regclass AS is_right;
CALL remake();
SELECT a::oid = 'thing'::regclass AS is_right FROM stash.query('SELECT $1::oid', ROW('thing'::regclass)) AS q (a oid);
SELECT stash.run(NULL::oid, 'of_class_uncached(regclass)', 'thing'::regclass) = 'thing'::regclass AS is_right;
SELECT value FROM stash.explain('stash.query(text,record,interval)', 'SELECT $1::oid', ROW('thing'::regclass), NULL::interval) WHERE item = 'verdict';
-- a key is shown with its arguments, as before
SELECT args FROM stash.calls('of_class(regclass)') LIMIT 1;

-- trap 46: what a result names: it is kept in the session alone, and a set not at all
CREATE TABLE noted (r regclass);
SELECT stash.track('noted');
INSERT INTO noted VALUES ('thing');
CREATE FUNCTION first_noted() RETURNS regclass IMMUTABLE LANGUAGE sql AS 'SELECT r FROM stash_memo_objects.noted';
CREATE FUNCTION all_noted() RETURNS SETOF regclass IMMUTABLE LANGUAGE sql AS 'SELECT r FROM stash_memo_objects.noted';
CREATE FUNCTION row_noted() RETURNS record IMMUTABLE LANGUAGE sql AS 'SELECT r, 1 FROM stash_memo_objects.noted';
CREATE FUNCTION none_noted() RETURNS record IMMUTABLE LANGUAGE sql AS 'SELECT n, ''a''::text FROM (SELECT max(1) FROM stash_memo_objects.noted) AS s (n)';
SELECT stash.memoize(f::regprocedure) FROM unnest(ARRAY['first_noted()', 'all_noted()', 'row_noted()', 'none_noted()']) AS f;
CREATE FUNCTION verdicts() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT f || ': ' || string_agg(value, ', ') FROM unnest(ARRAY['first_noted()', 'all_noted()', 'row_noted()', 'none_noted()']) AS f,
		stash.explain(f::regprocedure) WHERE item IN ('verdict', 'found in', 'last answer not kept') GROUP BY f ORDER BY f
$$;
SELECT first_noted(), all_noted(), row_noted(), none_noted();
SELECT verdicts();
SELECT reason, meaning FROM stash.stat_memo_reasons WHERE reason = 'objects' LIMIT 1;
ALTER TABLE thing RENAME TO thing_before;
CREATE TABLE thing (n int);
SELECT first_noted(), all_noted(), row_noted(), none_noted();
\c -
SET search_path = stash_memo_objects, public;
SELECT verdicts();
SELECT first_noted(), all_noted(), row_noted(), none_noted();

-- trap 46: labels of an enum change places
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE felt (k int, m mood);
INSERT INTO felt VALUES (1, 'sad'), (2, 'glad');
SELECT stash.track('felt');
CREATE FUNCTION less(m mood) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN m < 'glad'; END $$;
CREATE FUNCTION made(k int) RETURNS mood IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN CASE k WHEN 1 THEN 'sad' ELSE 'glad' END; END $$;
CREATE FUNCTION read(i int) RETURNS mood STABLE LANGUAGE sql AS 'SELECT m FROM stash_memo_objects.felt WHERE k = i';
CREATE FUNCTION rows_of(i int) RETURNS TABLE (m mood, k int) STABLE LANGUAGE sql AS 'SELECT m, k FROM stash_memo_objects.felt WHERE k = i';
CREATE FUNCTION where_is(w mood[]) RETURNS int STABLE LANGUAGE sql AS 'SELECT k FROM stash_memo_objects.felt WHERE m = w[1]';
SELECT stash.memoize(f::regprocedure) FROM unnest(ARRAY['less(mood)', 'made(int)', 'read(int)', 'rows_of(int)', 'where_is(mood[])']) AS f;
CREATE FUNCTION answers() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s %s %s %s', less('sad'), made(1), read(1), rows_of(1), where_is('{sad}'))
	UNION ALL SELECT format('%s %s %s %s %s', less_uncached('sad'), made_uncached(1), read_uncached(1), rows_of_uncached(1), where_is_uncached('{sad}'))
$$;
SELECT answers();
\c -
SET search_path = stash_memo_objects, public;
SELECT answers();
SELECT value FROM stash.explain('less(mood)', 'sad'::mood) WHERE item = 'verdict';
BEGIN;
ALTER TYPE mood RENAME VALUE 'sad' TO 'other';
ALTER TYPE mood RENAME VALUE 'glad' TO 'sad';
ALTER TYPE mood RENAME VALUE 'other' TO 'glad';
COMMIT;
\c -
SET search_path = stash_memo_objects, public;
SELECT answers();
-- and back again
ALTER TYPE mood RENAME VALUE 'sad' TO 'other';
ALTER TYPE mood RENAME VALUE 'glad' TO 'sad';
ALTER TYPE mood RENAME VALUE 'other' TO 'glad';
\c -
SET search_path = stash_memo_objects, public;
SELECT answers();

SET client_min_messages = warning;
DROP SCHEMA stash_memo_objects CASCADE;
DROP ROLE regress_stash_some;
