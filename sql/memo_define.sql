-- Memoized functions: made, unmade, refused, dropped; what stays as it was.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_maker;
CREATE ROLE regress_stash_user;
CREATE SCHEMA stash_memo_def;
GRANT ALL ON SCHEMA stash_memo_def TO regress_stash_maker;
GRANT USAGE ON SCHEMA stash_memo_def TO regress_stash_user;
SET search_path = stash_memo_def;

-- in place: all that others see of a function stays
SET ROLE regress_stash_maker;
CREATE FUNCTION price(item text, amount int DEFAULT 1, VARIADIC extras int[] DEFAULT '{}') RETURNS numeric(10,2)
	IMMUTABLE STRICT PARALLEL SAFE COST 7 LANGUAGE sql
AS $$SELECT length(item) * amount + cardinality(extras)$$;
COMMENT ON FUNCTION price IS 'what it costs';
REVOKE ALL ON FUNCTION price FROM PUBLIC;
GRANT EXECUTE ON FUNCTION price TO regress_stash_user;
CREATE TABLE goods (item text);
INSERT INTO goods VALUES ('pen'), ('paper');
CREATE INDEX goods_price ON goods (price(item));
CREATE VIEW prices AS SELECT item, price(item) FROM goods;
CREATE TEMP VIEW seen AS
SELECT oid, proname, pronamespace, proowner, procost, prorows, provariadic, prokind, proisstrict, proretset, provolatile,
	proparallel, pronargs, pronargdefaults, prorettype, proargtypes, proallargtypes, proargmodes, proargnames, proacl,
	pg_get_function_arguments(oid) AS arguments, pg_get_function_result(oid) AS result, obj_description(oid, 'pg_proc') AS comment,
	(SELECT array_agg(pg_describe_object(classid, objid, objsubid) ORDER BY 1) FROM pg_depend WHERE refclassid = 'pg_proc'::regclass AND refobjid = p.oid) AS dependents
FROM pg_proc p;
CREATE TEMP TABLE before AS SELECT * FROM seen WHERE proname = 'price';
CREATE TEMP TABLE definition AS SELECT pg_get_functiondef(oid) AS text FROM before;
SELECT stash.memoize('price(text, int, int[])');
SELECT count(*) AS unchanged FROM (SELECT * FROM seen INTERSECT SELECT * FROM before) AS same;
SELECT pg_get_functiondef('price'::regproc);
SELECT pg_get_functiondef('price_uncached'::regproc);
SELECT obj_description('price_uncached'::regproc, 'pg_proc'), obj_description('price_stash'::regclass, 'pg_class');
\d price_stash
SELECT * FROM prices ORDER BY item;
SET enable_seqscan = off;
SELECT item FROM goods WHERE price(item) = 5;
RESET enable_seqscan;
SELECT function, owner, stash, definition FROM stash.memos WHERE function = 'price(text, int, int[])'::regprocedure;
SELECT stash.stash_of('price(text, int, int[])');
SELECT stash.unmemoize('price(text, int, int[])');
SELECT count(*) AS unchanged FROM (SELECT * FROM seen INTERSECT SELECT * FROM before) AS same;
SELECT pg_get_functiondef('price'::regproc) = text AS unchanged FROM definition;
SELECT to_regproc('price_uncached') IS NULL AND to_regclass('price_stash') IS NULL AS nothing_left;
SELECT * FROM prices ORDER BY item;

-- back again byte for byte, whatever was said of it
CREATE TEMP TABLE kept (proname name, text text);
CREATE FUNCTION plain(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION "Odd ""Name"" $$"("Arg 1" text DEFAULT $x$it's $$ \ here$x$) RETURNS text STABLE LANGUAGE plpgsql
AS $body$ BEGIN RETURN $q$ $$ '\' $q$ || "Arg 1"; END $body$;
CREATE FUNCTION settings() RETURNS text STABLE SECURITY DEFINER SET search_path = stash_memo_def, pg_temp SET timezone = 'UTC' SET work_mem FROM CURRENT
LANGUAGE sql AS 'SELECT current_setting(''timezone'')';
CREATE FUNCTION costly(n int) RETURNS SETOF int STABLE COST 12345.5 ROWS 77 PARALLEL RESTRICTED LANGUAGE sql AS 'SELECT generate_series(1, n)';
CREATE FUNCTION atomic(n int DEFAULT 3) RETURNS int IMMUTABLE LANGUAGE sql BEGIN ATOMIC SELECT atomic.n * 2; END;
CREATE FUNCTION atomic_return(a goods) RETURNS text IMMUTABLE LANGUAGE sql RETURN (a).item || '!';
CREATE FUNCTION outs(IN a int, OUT b int, INOUT c text DEFAULT 'c', OUT d goods) STABLE LANGUAGE sql AS $$SELECT a, c, ROW('x')::goods$$;
CREATE FUNCTION tables(a anyelement) RETURNS TABLE (x anyelement, y anyarray) STABLE LANGUAGE sql AS 'SELECT a, ARRAY[a]';
CREATE FUNCTION variadic_any(VARIADIC a anyarray) RETURNS anyelement IMMUTABLE STRICT LANGUAGE sql AS 'SELECT a[1]';
INSERT INTO kept SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'stash_memo_def'::regnamespace AND proname <> 'price';
SELECT count(stash.memoize(oid, ttl => '1 day')) FROM pg_proc WHERE pronamespace = 'stash_memo_def'::regnamespace AND proname <> 'price';
-- they work, and are what they were for who looks
SELECT plain(1), "Odd ""Name"" $$"(), settings(), atomic(), atomic_return('(x)'), outs(1), variadic_any(7, 8);
SELECT plain(1), "Odd ""Name"" $$"(), settings(), atomic(), atomic_return('(x)'), outs(1), variadic_any(7, 8);
SELECT * FROM tables('t'::text), costly(2);
SELECT * FROM tables('t'::text), costly(2);
SELECT p.proname, p.provolatile, p.prosecdef, p.proparallel, p.procost, p.prorows, p.proconfig
FROM pg_proc p JOIN kept k USING (proname)
WHERE p.pronamespace = 'stash_memo_def'::regnamespace
ORDER BY p.proname COLLATE "C";
SELECT count(stash.unmemoize(oid)) FROM pg_proc WHERE pronamespace = 'stash_memo_def'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'stash');
SELECT count(*) AS unchanged FROM (SELECT * FROM kept INTERSECT SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'stash_memo_def'::regnamespace) AS same;
SELECT count(*) AS kept FROM kept;
SELECT proname FROM pg_proc WHERE pronamespace = 'stash_memo_def'::regnamespace AND proname LIKE '%uncached%';
SELECT relname FROM pg_class WHERE relnamespace = 'stash_memo_def'::regnamespace AND reloftype <> 0;

-- a name that is as long as names can be, and one that is taken
CREATE FUNCTION a23456789_123456789_123456789_123456789_123456789_123456789_123() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 63';
SELECT stash.memoize('a23456789_123456789_123456789_123456789_123456789_123456789_123()');
SELECT a23456789_123456789_123456789_123456789_123456789_123456789_123();
SELECT function, stash FROM stash.memos WHERE function::text LIKE 'a23%';
SELECT stash.unmemoize('a23456789_123456789_123456789_123456789_123456789_123456789_123()');
CREATE FUNCTION plain_uncached(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -a';
SELECT stash.memoize('plain(int)');
\echo :SQLSTATE
SELECT plain(5), to_regclass('plain_stash') IS NULL AS nothing_left;
CREATE TABLE plain_stash (x int);
DROP FUNCTION plain_uncached;
SELECT stash.memoize('plain(int)');
SELECT stash.stash_of('plain(int)');
-- twice
SELECT stash.memoize('plain(int)');
\echo :SQLSTATE
-- a memoized function that was replaced is an ordinary one
CREATE OR REPLACE FUNCTION plain(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + 1';
SELECT plain(5);
SELECT stash.unmemoize('plain(int)');
\echo :SQLSTATE
SELECT stash.forget('plain(int)');
\echo :SQLSTATE
SELECT stash.stash_of('plain(int)');
\echo :SQLSTATE
SELECT * FROM stash.calls('plain(int)');
\echo :SQLSTATE
SELECT * FROM stash.explain('plain(int)', 1);
\echo :SQLSTATE
DROP FUNCTION plain_uncached;
DROP TABLE plain_stash1;

-- "as": a second function; the first one stays as it is
SELECT stash.memoize('plain(int)', "as" => 'remembered');
SELECT pg_get_functiondef('remembered'::regproc);
SELECT remembered(5), plain(5), stash.stash_of('remembered(int)');
SELECT stash.memoize('plain(int)', "as" => 'remembered');
\echo :SQLSTATE
SELECT stash.memoize('plain(int)', "as" => 'nowhere.remembered');
\echo :SQLSTATE
SELECT stash.memoize('pg_catalog.lower(text)', "as" => 'low');
SELECT low('ABC'), pg_describe_object('pg_proc'::regclass, 'low'::regproc, 0);
SELECT stash.unmemoize('remembered(int)');
SELECT to_regproc('remembered') IS NULL AND to_regclass('remembered_stash') IS NULL AS nothing_left, plain(5);

-- options
SELECT stash.memoize('plain(int)', ttl => '0 s');
\echo :SQLSTATE
SELECT stash.memoize('plain(int)', ttl => '-1 day');
\echo :SQLSTATE
SELECT stash.memoize('plain(int)', share => 'everybody');
\echo :SQLSTATE
SELECT stash.memoize(NULL);
\echo :SQLSTATE
SELECT stash.memoize(0);
\echo :SQLSTATE
SELECT stash.memoize('nothing(int)');
\echo :SQLSTATE
SELECT stash.unmemoize(NULL);
\echo :SQLSTATE
SELECT stash.memoize('plain(int)', '1 hour', share => 'all', volatile => true);
SELECT definition FROM stash.memos WHERE function = 'plain(int)'::regprocedure;
SELECT stash.unmemoize('plain(int)');

-- trap 22: VOLATILE
-- what cannot be remembered
CREATE PROCEDURE proc() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION event_trig() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION volatile_one() RETURNS float8 LANGUAGE sql AS 'SELECT random()';
CREATE FUNCTION nothing() RETURNS void STABLE LANGUAGE sql AS '';
SELECT stash.memoize('proc()');
\echo :SQLSTATE
SELECT stash.memoize('agg(int)');
\echo :SQLSTATE
SELECT stash.memoize('pg_catalog.rank()', "as" => 'ranked');
\echo :SQLSTATE
SELECT stash.memoize('trig()');
\echo :SQLSTATE
SELECT stash.memoize('event_trig()', "as" => 'ev');
\echo :SQLSTATE
SELECT stash.memoize('nothing()', ttl => '1 day');
\echo :SQLSTATE
SELECT stash.memoize('volatile_one()');
\echo :SQLSTATE
SELECT stash.memoize('volatile_one()', ttl => '1 day', "as" => 'v');
\echo :SQLSTATE
SELECT stash.memoize('pg_catalog.upper(text)');
\echo :SQLSTATE
RESET ROLE;
SELECT stash.memoize('pg_catalog.upper(text)');
\echo :SQLSTATE
SELECT stash.memoize('stash.hash("any")');
\echo :SQLSTATE
SET ROLE regress_stash_maker;
SELECT stash.memoize('volatile_one()', ttl => '1 day', volatile => true);
SELECT volatile_one() = volatile_one() AS remembered;
-- STABLE without a ttl: made, but told
CREATE FUNCTION stable_one() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
SELECT stash.memoize('stable_one()');
SELECT stash.unmemoize('stable_one()');

-- bodies: as written by hand, and bad ones
CREATE FUNCTION hand(a int) RETURNS int IMMUTABLE LANGUAGE stash AS $$
-- comments and empty lines are allowed

  target   =   stash_memo_def.plain
ttl = 1 day
share= all
volatile =on
$$;
SELECT hand(1);
SELECT definition FROM stash.memos WHERE function = 'hand(int)'::regprocedure;
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS '';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS 'SELECT a';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = plain';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_def.plain extra';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\ntarget = stash_memo_def.plain';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\ncolour = red';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nttl = soon';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nttl = 0';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nshare = some';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nvolatile = maybe';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nstash = goods';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nstash =';
\echo :SQLSTATE
-- targets that do not fit
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_def.nothing_there';
\echo :SQLSTATE
CREATE FUNCTION bad(a text) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_def.plain';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS bigint IMMUTABLE LANGUAGE stash AS 'target = stash_memo_def.plain';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS SETOF int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_def.plain';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_def.bad';
\echo :SQLSTATE
CREATE FUNCTION bad(a int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_def.agg';
\echo :SQLSTATE
CREATE FUNCTION bad() RETURNS trigger LANGUAGE stash AS 'target = stash_memo_def.trig';
\echo :SQLSTATE
CREATE FUNCTION bad() RETURNS void LANGUAGE stash AS 'target = stash_memo_def.nothing';
\echo :SQLSTATE
CREATE PROCEDURE bad() LANGUAGE stash AS 'target = stash_memo_def.proc';
\echo :SQLSTATE
DO LANGUAGE stash 'target = stash_memo_def.plain';
\echo :SQLSTATE
-- a body that names a table that is no stash, or none: calls are computed
CREATE FUNCTION tableless(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nstash = stash_memo_def.goods';
\echo :SQLSTATE
SET check_function_bodies = off;
CREATE FUNCTION tableless(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nstash = stash_memo_def.goods';
RESET check_function_bodies;
SELECT tableless(1), tableless(1);
CREATE FUNCTION stashless(a int) RETURNS int IMMUTABLE LANGUAGE stash AS E'target = stash_memo_def.plain\nstash = stash_memo_def.nothing_there';
SELECT stashless(1), stashless(1);
SELECT item, value FROM stash.explain('tableless(int)', 2) WHERE item IN ('verdict', 'stash not read', 'stash not written');
SELECT item, value FROM stash.explain('stashless(int)', 2) WHERE item IN ('verdict', 'stash not read', 'stash not written');
-- a name with everything in it
RESET ROLE;
CREATE SCHEMA "stash_memo_def = ""x"".y" AUTHORIZATION regress_stash_maker;
SET ROLE regress_stash_maker;
CREATE FUNCTION "stash_memo_def = ""x"".y"."f = 1"(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
SELECT stash.memoize('"stash_memo_def = ""x"".y"."f = 1"(int)');
SELECT "stash_memo_def = ""x"".y"."f = 1"(3), "stash_memo_def = ""x"".y"."f = 1"(3);
SELECT definition FROM stash.memos WHERE function = '"stash_memo_def = ""x"".y"."f = 1"(int)'::regprocedure;
SELECT stash.unmemoize('"stash_memo_def = ""x"".y"."f = 1"(int)');
DROP SCHEMA "stash_memo_def = ""x"".y" CASCADE;


-- DROP: what a function needs cannot be dropped under it
SELECT stash.memoize('plain(int)');
SELECT plain(1);
DROP FUNCTION plain_uncached(int);
\echo :SQLSTATE
DROP TABLE plain_stash1;
\echo :SQLSTATE
SELECT stash.drop('plain_stash1');
\echo :SQLSTATE
DROP FUNCTION plain(int);
\echo :SQLSTATE
DROP FUNCTION hand(int), tableless(int), stashless(int);
DROP FUNCTION plain(int);
SELECT proname FROM pg_proc WHERE pronamespace = 'stash_memo_def'::regnamespace AND proname LIKE 'plain%' ORDER BY 1;
DROP FUNCTION plain_uncached(int);
DROP TABLE plain_stash1;

-- rolled back, a memoize leaves nothing, and an unmemoize takes nothing
CREATE FUNCTION again(a int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed again(%)', a;
	RETURN a;
END
$$;
BEGIN;
SELECT stash.memoize('again(int)');
SELECT again(1);
SELECT again(1);
ROLLBACK;
SELECT again(1);
SELECT again(1);
SELECT proname FROM pg_proc WHERE pronamespace = 'stash_memo_def'::regnamespace AND proname LIKE 'again%';
SELECT relname FROM pg_class WHERE relnamespace = 'stash_memo_def'::regnamespace AND relname LIKE 'again%';
SELECT stash.memoize('again(int)');
SELECT again(1);
BEGIN;
SELECT stash.unmemoize('again(int)');
SELECT again(1);
ROLLBACK;
SELECT again(1);
BEGIN;
SAVEPOINT s;
SELECT stash.unmemoize('again(int)');
SELECT stash.memoize('again(int)', ttl => '1 day');
SELECT again(1);
ROLLBACK TO s;
SELECT again(1);
COMMIT;
-- memoized anew it begins anew
SELECT stash.unmemoize('again(int)'), stash.memoize('again(int)');
SELECT again(1);
SELECT again(1);

-- a rename of the function, and of its original: sql/memo_renamed.sql
ALTER FUNCTION again(int) RENAME TO anew;
SELECT anew(1);
SELECT anew(1);
ALTER FUNCTION again_uncached(int) RENAME TO anew_uncached;
SELECT anew(1);
ALTER FUNCTION anew_uncached(int) RENAME TO again_uncached;
SELECT anew(1);

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_def CASCADE;
RESET client_min_messages;
DROP OWNED BY regress_stash_maker;
DROP ROLE regress_stash_maker, regress_stash_user;
