-- Memoized functions: what their bodies name has another name, or is in another schema.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_renamer;
CREATE ROLE regress_stash_namesake;
CREATE SCHEMA stash_memo_ren AUTHORIZATION regress_stash_renamer;
CREATE SCHEMA stash_memo_apart AUTHORIZATION regress_stash_renamer;
GRANT USAGE ON SCHEMA stash_memo_ren TO regress_stash_namesake;
SET search_path = stash_memo_ren;
CREATE FUNCTION public.tell(call text, function regprocedure) RETURNS TABLE (item text, value text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE call;
	RETURN QUERY SELECT e.item, e.value FROM stash.explain(function, 1) AS e
	WHERE e.item IN ('target', 'stash', 'names in the body', 'verdict', 'stash not read');
END
$$;
CREATE VIEW public.left_over AS
SELECT proname AS name FROM pg_proc WHERE pronamespace::regnamespace::text IN ('stash_memo_ren', 'stash_memo_apart', '"We ird.s""2"') AND proname LIKE '%f%'
UNION ALL
SELECT relname FROM pg_class WHERE reloftype = 'stash.entry'::regtype AND relnamespace::regnamespace::text IN ('stash_memo_ren', 'stash_memo_apart', '"We ird.s""2"');
GRANT SELECT ON public.left_over TO PUBLIC;

SET ROLE regress_stash_renamer;
CREATE FUNCTION f(a int DEFAULT 1) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed %', a;
	RETURN a;
END
$$;
CREATE TEMP TABLE definition AS SELECT pg_get_functiondef('f'::regproc) AS text;
SELECT stash.memoize('f(int)');
SELECT f(1), f(1);

-- the schema: the function is another one by its name, so it is computed anew, once
RESET ROLE;
ALTER SCHEMA stash_memo_ren RENAME TO "We ird.s""2";
SET search_path = "We ird.s""2";
SET ROLE regress_stash_renamer;
SELECT f(1), f(1);
SELECT * FROM public.tell('SELECT ''f(2)'', f(2)::text', 'f(int)');
SELECT count(*) FROM stash.calls('f(int)');
SELECT stash.stash_of('f(int)');
SELECT stash.forget('f(int)');
DROP FUNCTION f_uncached;
\echo :SQLSTATE
DROP TABLE f_stash;
\echo :SQLSTATE
-- its definition said once more: what the body names is beside it
SELECT pg_get_functiondef('f'::regproc) AS definition \gset
:definition;
SELECT * FROM public.tell('SELECT ''f(2)'', f(2)::text', 'f(int)');
DROP FUNCTION f_uncached;
\echo :SQLSTATE
SELECT stash.unmemoize('f(int)');
SELECT f(1), pg_get_functiondef('f'::regproc) = replace(text, 'stash_memo_ren.', '"We ird.s""2".') AS unchanged FROM definition;
SELECT * FROM public.left_over;
-- memoized in there; what is made of a name that leads nowhere is quoted
SELECT stash.memoize('f(int)');
RESET ROLE;
ALTER SCHEMA "We ird.s""2" RENAME TO stash_memo_ren;
SET search_path = stash_memo_ren;
SET ROLE regress_stash_renamer;
SELECT f(1), f(1);
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = "We ird.s""2"."f""x_uncached"';
\echo :SQLSTATE
SELECT stash.unmemoize('f(int)');
SELECT * FROM public.left_over;

-- original and stash, renamed and moved
SELECT stash.memoize('f(int)'), f(1);
ALTER FUNCTION f_uncached RENAME TO first_f;
SELECT * FROM public.tell('SELECT ''f(1), f(2)'', (f(1), f(2))::text', 'f(int)');
ALTER FUNCTION first_f SET SCHEMA stash_memo_apart;
ALTER TABLE f_stash RENAME TO kept;
SELECT * FROM public.tell('SELECT ''f(1), f(2)'', (f(1), f(2))::text', 'f(int)');
ALTER TABLE kept SET SCHEMA stash_memo_apart;
SELECT * FROM public.tell('SELECT ''f(3)'', f(3)::text', 'f(int)');
-- a table that takes the name of the stash is not used, nor dropped
CREATE TABLE f_stash OF stash.entry (key_hash WITH OPTIONS NOT NULL, key WITH OPTIONS NOT NULL);
CREATE INDEX ON f_stash (key_hash);
SELECT f(4);
SELECT count(*) FROM f_stash;
SELECT stash.unmemoize('f(int)');
SELECT pg_get_functiondef('f'::regproc) = text AS unchanged FROM definition;
SELECT * FROM public.left_over;
DROP TABLE f_stash;

-- a function that takes the name of the original: of the same owner, it is meant; of somebody else, never
SELECT stash.memoize('f(int)');
ALTER FUNCTION f_uncached RENAME TO first_f;
CREATE FUNCTION f_uncached(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -a';
SELECT f(1);
SELECT item, value FROM stash.explain('f(int)', 1) WHERE item = 'names in the body';
DROP FUNCTION f_uncached;
SELECT f(1);
SELECT stash.memoize('first_f(int)', "as" => 'stash_memo_apart.h');
RESET ROLE;
ALTER SCHEMA stash_memo_ren RENAME TO stash_memo_gone;
CREATE SCHEMA stash_memo_ren AUTHORIZATION regress_stash_namesake;
SET ROLE regress_stash_namesake;
CREATE FUNCTION stash_memo_ren.f_uncached(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 666';
CREATE FUNCTION stash_memo_ren.first_f(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 666';
GRANT ALL ON SCHEMA stash_memo_ren TO PUBLIC;
SET ROLE regress_stash_renamer;
SELECT stash_memo_gone.f(1), stash_memo_apart.h(1);
SELECT item, value FROM stash.explain('stash_memo_gone.f(int)', 1) WHERE item = 'target';
SELECT stash.unmemoize('stash_memo_apart.h(int)');
SELECT stash.unmemoize('stash_memo_gone.f(int)');
RESET ROLE;
DROP SCHEMA stash_memo_ren CASCADE;
ALTER SCHEMA stash_memo_gone RENAME TO stash_memo_ren;
SET ROLE regress_stash_renamer;

-- what the defaults of arguments use is neither a target nor a stash
CREATE FUNCTION step(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + 1';
CREATE TABLE other OF stash.entry (key_hash WITH OPTIONS NOT NULL, key WITH OPTIONS NOT NULL);
CREATE INDEX ON other (key_hash);
CREATE FUNCTION of_oid(a oid) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
SET check_function_bodies = off;
CREATE FUNCTION lost(a int DEFAULT step(1)) RETURNS int IMMUTABLE LANGUAGE stash AS 'original = nowhere."Lost"';
CREATE FUNCTION named(a oid DEFAULT 'of_oid(oid)'::regprocedure) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = nowhere.named';
CREATE FUNCTION tabled(a oid DEFAULT 'other'::regclass) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_ren.of_oid\nstash = nowhere.found';
RESET check_function_bodies;
SELECT lost(1);
\echo :SQLSTATE
SELECT named(1);
\echo :SQLSTATE
SELECT tabled(1), stash.stash_of('tabled(oid)');
CREATE FUNCTION defaulted(a int DEFAULT step(1)) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed %', a; RETURN a; END $$;
SELECT stash.memoize('defaulted(int)');
ALTER FUNCTION defaulted_uncached(int) RENAME TO of_default;
SELECT defaulted(), defaulted();
SELECT stash.unmemoize('defaulted(int)');

RESET ROLE;
DROP FUNCTION public.tell(text, regprocedure);
DROP VIEW public.left_over;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_ren, stash_memo_apart CASCADE;
DROP OWNED BY regress_stash_renamer, regress_stash_namesake;
DROP ROLE regress_stash_renamer, regress_stash_namesake;
