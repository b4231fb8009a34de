-- Memoized functions: every form that a function can have, what stays of one that is memoized in place, and what is refused.
-- A function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_sig;
CREATE ROLE regress_stash_sig_user;
CREATE SCHEMA stash_memo_sig;
GRANT USAGE ON SCHEMA stash_memo_sig TO regress_stash_sig_user;
GRANT ALL ON SCHEMA stash_memo_sig TO regress_stash_sig;
SET search_path = stash_memo_sig, public;

-- trap 27, 64: spellings
-- all spellings of a call are one entry, with defaults, names, VARIADIC and INOUT together
CREATE FUNCTION in_out(INOUT a int, INOUT b text DEFAULT 'x', OUT c int) STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed in_out(%, %)', a, b;
	a := a + 1;
	b := b || '!';
	c := 7;
END
$$;
CREATE FUNCTION list(a int DEFAULT 5, VARIADIC b text[] DEFAULT '{p,q}') RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed list(%, %)', a, b;
	RETURN a || b::text;
END
$$;
SELECT stash.memoize('in_out(int,text)'), stash.memoize('list(int,text[])');
SELECT in_out(1), in_out(1, 'x'), in_out(b => 'x', a => 1), in_out(1, b => 'x');
SELECT i.a, b, c, to_jsonb(in_out(a := 1)) FROM in_out(1) AS i;
SELECT list(), list(5, 'p', 'q'), list(5, VARIADIC '{p,q}'), list(a => 5, VARIADIC b => ARRAY['p', 'q']);
SELECT 'in_out' AS f, args FROM stash.calls('in_out(int,text)') UNION ALL SELECT 'list', args FROM stash.calls('list(int,text[])') ORDER BY f;

-- polymorphic: the types of a call are part of it, where one type stands for two arguments, too
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION low_of(r anyrange) RETURNS anyelement IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed low_of(% %)', pg_typeof(r), r;
	RETURN lower(r);
END
$$;
CREATE FUNCTION whole_of(r anymultirange) RETURNS anyrange IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed whole_of(% %)', pg_typeof(r), r;
	RETURN range_merge(r);
END
$$;
CREATE FUNCTION larger(a anycompatible, b anycompatible) RETURNS anycompatible IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed larger(% % %)', pg_typeof(a), a, b;
	RETURN greatest(a, b);
END
$$;
CREATE FUNCTION all_of(e anyenum) RETURNS anyarray IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed all_of(% %)', pg_typeof(e), e;
	RETURN enum_range(e);
END
$$;
CREATE FUNCTION repeated(a anyelement, n int) RETURNS SETOF anyelement IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed repeated(% %, %)', pg_typeof(a), a, n;
	RETURN QUERY SELECT a FROM generate_series(1, n);
END
$$;
SELECT count(stash.memoize(f)) FROM unnest('{low_of(anyrange),whole_of(anymultirange),"larger(anycompatible,anycompatible)",all_of(anyenum),"repeated(anyelement,int)"}'::regprocedure[]) AS f;
SELECT low_of(int4range(1, 3)), low_of(int8range(1, 3)), low_of(int4range(1, 3)), low_of('empty'::int4range);
SELECT whole_of('{[1,2),[5,9)}'::int4multirange), whole_of('{[1,2),[5,9)}'::int4multirange), pg_typeof(whole_of('{[1,2),[5,9)}'::int8multirange));
SELECT larger(1, 2), larger(1, 2.0), larger(1.0, 2), larger(1, 2), pg_typeof(larger(1, 2.0));
SELECT all_of('sad'::mood), all_of('sad'::mood), array_agg(r) FROM repeated('x'::text, 2) AS r;
SELECT array_agg(r), array_agg(pg_typeof(r)) FROM repeated('x'::text, 2) AS r;
SELECT array_agg(r) FROM repeated(1, 2) AS r;

-- rows and domains are types of their own, though their values may be the same
CREATE TABLE customer (id int, name text);
CREATE TABLE supplier (id int, name text);
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE FUNCTION kind(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT ''int''';
CREATE FUNCTION kind(small) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT ''small''';
CREATE FUNCTION kind(customer) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT ''customer''';
CREATE FUNCTION kind(supplier) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT ''supplier''';
CREATE FUNCTION kind_of(x anyelement) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT kind(x)';
CREATE FUNCTION kinds_of(VARIADIC x anyarray) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT kind(x[1])';
CREATE FUNCTION next_of(x anyelement) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN x := x + 1; RETURN x; END $$;
SELECT count(stash.memoize(f)) FROM unnest('{kind_of(anyelement),kinds_of(anyarray),next_of(anyelement)}'::regprocedure[]) AS f;
CREATE VIEW kinds AS
	SELECT kind_of(1), kind_of(1::small) AS of_domain, kind_of(ROW(1, 'x')::customer) AS of_customer, kind_of(ROW(1, 'x')::supplier) AS of_supplier,
		kinds_of(1) AS of_array, kinds_of(1::small) AS of_domains, kinds_of(ROW(1, 'x')::customer) AS of_customers, kinds_of(ROW(1, 'x')::supplier) AS of_suppliers;
SELECT * FROM kinds \gx
SELECT * FROM kinds \gx
SELECT next_of(9), next_of(8::small);
SELECT next_of(9::small);
SELECT k FROM stash.query('SELECT kind($1)', ROW(1)) AS q (k text) UNION ALL SELECT k FROM stash.query('SELECT kind($1)', ROW(1::small)) AS q (k text);
SELECT k FROM stash.query('SELECT kind($1)', ROW(ROW(1, 'x')::customer)) AS q (k text) UNION ALL SELECT k FROM stash.query('SELECT kind($1)', ROW(ROW(1, 'x')::supplier)) AS q (k text);
SELECT stash.run(NULL::text, 'kind_of_uncached(anyelement)', 1), stash.run(NULL::text, 'kind_of_uncached(anyelement)', 1::small);

-- a record: its columns are part of the call, and of the answer
CREATE FUNCTION as_text(r record) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed as_text(%)', r;
	RETURN r::text;
END
$$;
CREATE FUNCTION pair(n int) RETURNS record STABLE LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	RAISE NOTICE 'computed pair(%)', n;
	SELECT n + 0.5::numeric(5,2), 'abc'::varchar(3) INTO r;
	RETURN r;
END
$$;
SELECT stash.memoize('as_text(record)'), stash.memoize('pair(int)');
SELECT as_text(ROW(1, 'x')), as_text(ROW(1, 'x')), as_text(ROW(1::bigint, 'x')), as_text(ROW(1, 'x', NULL)), as_text(NULL), as_text(ROW());
SELECT a, b, pg_typeof(b) FROM pair(1) AS (a numeric, b varchar(3));
SELECT a, b, pg_typeof(b) FROM pair(1) AS (a numeric, b varchar(3));
SELECT a, b FROM pair(1) AS (a numeric, b varchar);
-- what the function itself refuses is no hit
\set VERBOSITY terse
SELECT a, b FROM pair(1) AS (a numeric(5,2), b varchar);
SELECT a, b FROM pair(1) AS (a numeric, b varchar(4));
SELECT a, b FROM pair(1) AS (a numeric, b text);
\set VERBOSITY default
SELECT stash.memoize('pg_catalog.jsonb_populate_record(anyelement,jsonb)', "as" => 'stash_memo_sig.populated');
SELECT populated(NULL::stash.entry, '{"version": 3}') = jsonb_populate_record(NULL::stash.entry, '{"version": 3}') AS same;
SELECT (populated(NULL::stash.entry, '{"version": 3}')).version;

-- typmods: a value arrives as its type has made it, and no other way
CREATE FUNCTION n(a numeric) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed n(%)', a; RETURN a; END $$;
CREATE FUNCTION v(a varchar) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed v(%)', a; RETURN a; END $$;
CREATE FUNCTION c(a bpchar) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed c(%)', a; RETURN octet_length(a); END $$;
CREATE FUNCTION b(a varbit) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed b(%)', a; RETURN a; END $$;
SELECT stash.memoize('n(numeric)'), stash.memoize('v(varchar)'), stash.memoize('c(bpchar)'), stash.memoize('b(varbit)');
SELECT n(1.005::numeric(5,2)), n(1.01), n(1), n(1::numeric(5,2)), n(1.00);
SELECT v('abcdef'::varchar(3)), v('abc'), v('abc'::varchar(9)), c('a'), c('a'::char(3)), c('a  '::char(3)), b('101'::varbit(5)), b('101');

-- domains: of a value, a row, elements; what a domain refuses gets as far as no function
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TYPE point_of AS (x int, y int);
CREATE DOMAIN right_point AS point_of CHECK ((value).x > 0);
CREATE FUNCTION of_domains(a positive, b right_point, c positive[]) RETURNS right_point IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_domains(%, %, %)', a, b, c;
	RETURN b;
END
$$;
CREATE FUNCTION points(a int) RETURNS SETOF right_point IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed points(%)', a;
	RETURN NEXT ROW(a, 2)::stash_memo_sig.right_point;
END
$$;
SELECT stash.memoize('of_domains(positive,right_point,positive[])'), stash.memoize('points(int)');
SELECT of_domains(1, (1,2), '{1,2}'), (of_domains(1, (1,2), '{1,2}')).y, pg_typeof(of_domains(1, (1,2), '{1,2}'));
SELECT x, y FROM of_domains(1, (1,2), '{1,2}');
SELECT x, y, (SELECT p FROM points(1) AS p) FROM points(1);
\set VERBOSITY terse
SELECT of_domains(0, (1,2), '{1,2}');
SELECT of_domains(1, (0,2), '{1,2}');
SELECT of_domains(1, (1,2), '{1,0}');
\set VERBOSITY default
-- a domain that becomes stricter: an answer that it would refuse now is computed, and refused
CREATE FUNCTION seven() RETURNS positive IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed seven()'; RETURN 7; END $$;
SELECT stash.memoize('seven()');
SELECT seven(), seven();
ALTER DOMAIN positive ADD CONSTRAINT below CHECK (value < 5);
SELECT seven();
ALTER DOMAIN positive DROP CONSTRAINT below;
SELECT seven();

-- STRICT: no call with a NULL, in whatever place, a VARIADIC one that holds a NULL apart; not STRICT: NULLs are arguments
CREATE FUNCTION strict_one(a int, b text DEFAULT NULL, VARIADIC c int[] DEFAULT '{}') RETURNS text STABLE STRICT LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed strict_one(%, %, %)', a, b, c;
	RETURN a || b || c::text;
END
$$;
CREATE FUNCTION lenient(a int, b text DEFAULT NULL) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed lenient(%, %)', a, b;
	RETURN nullif(a, 1) || coalesce(b, '-');
END
$$;
SELECT stash.memoize('strict_one(int,text,int[])'), stash.memoize('lenient(int,text)');
SELECT strict_one(1), strict_one(NULL, 'x'), strict_one(1, 'x', NULL), strict_one(1, 'x', NULL), strict_one(1, 'x', VARIADIC NULL);
SELECT lenient(1), lenient(1), lenient(NULL), lenient(NULL), lenient(2, ''), lenient(2, '');
SELECT count(*) AS entries FROM stash.calls('lenient(int,text)');

-- SECURITY DEFINER and SET, of the target and of the wrapper: it computes as it did, and the caller is in the key
CREATE FUNCTION as_whom() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed as_whom() as % in %', current_user, current_setting('TimeZone');
	RETURN current_user || timestamptz '2020-06-01 12:00+00';
END
$$;
GRANT EXECUTE ON FUNCTION as_whom() TO regress_stash_sig;
ALTER FUNCTION as_whom() OWNER TO regress_stash_sig;
SET ROLE regress_stash_sig;
CREATE FUNCTION target_definer() RETURNS text STABLE SECURITY DEFINER SET timezone = 'Asia/Tokyo' LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_sig.as_whom(); END';
CREATE FUNCTION wrapper_definer() RETURNS text STABLE LANGUAGE stash SECURITY DEFINER SET timezone = 'America/Lima' AS 'target = stash_memo_sig.as_whom';
CREATE FUNCTION wrapper_invoker() RETURNS text STABLE LANGUAGE stash SET timezone = 'America/Lima' AS 'target = stash_memo_sig.as_whom';
SELECT stash.memoize('target_definer()', vary => '{}');
CREATE FUNCTION hidden() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION hidden(), as_whom() FROM PUBLIC;
CREATE FUNCTION show_hidden() RETURNS int STABLE LANGUAGE stash AS 'target = stash_memo_sig.hidden';
CREATE FUNCTION lend_hidden() RETURNS int STABLE LANGUAGE stash SECURITY DEFINER AS 'target = stash_memo_sig.hidden';
RESET ROLE;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET ROLE regress_stash_sig_user;
SELECT target_definer(), target_definer();
SELECT wrapper_definer();
SET timezone = 'Asia/Kolkata';
SELECT target_definer(), wrapper_definer();
-- what runs as its owner may call what the owner may, by hand or by a wrapper; what runs as the caller may not
SELECT lend_hidden();
SELECT show_hidden();
\echo :SQLSTATE
SELECT wrapper_invoker();
\echo :SQLSTATE
RESET ROLE;
RESET timezone;
RESET datestyle;

-- in place: all that others see, or the planner asks, stays; and comes back byte for byte
CREATE FUNCTION support_of_like(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'textlike_support';
CREATE FUNCTION rich(a int, VARIADIC b numeric[] DEFAULT '{1.50}') RETURNS bool
	IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1234567.5 SUPPORT support_of_like SET work_mem = '2MB' SECURITY DEFINER LANGUAGE plpgsql
AS $$ BEGIN RETURN a > b[1]; END $$;
CREATE FUNCTION rich_set(INOUT a int, OUT b text) RETURNS SETOF record IMMUTABLE PARALLEL RESTRICTED COST 0.125 ROWS 123456789 LANGUAGE sql AS 'SELECT a, a::text';
COMMENT ON FUNCTION rich IS 'it''s rich';
ALTER FUNCTION rich OWNER TO regress_stash_sig;
ALTER FUNCTION rich_set OWNER TO regress_stash_sig;
REVOKE EXECUTE ON FUNCTION rich FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rich TO regress_stash_sig_user WITH GRANT OPTION;
INSERT INTO pg_seclabel VALUES ('rich'::regproc, 'pg_proc'::regclass, 0, 'regress_stash_provider', 'secret');
CREATE TABLE dependent (a int CHECK (rich(a, 0)), g bool GENERATED ALWAYS AS (rich(a)) STORED);
CREATE INDEX dependent_rich ON dependent (rich(a, 7));
CREATE VIEW dependent_view AS SELECT a, (rich_set(a)).b FROM dependent WHERE rich(a);
CREATE TYPE proc_row AS (id oid, whole jsonb, definition text, comment text, label text, dependents text, dependencies text);
CREATE FUNCTION row_of(f regproc) RETURNS proc_row LANGUAGE sql AS $$
	SELECT p.oid, to_jsonb(p), pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'), (SELECT label FROM pg_seclabel WHERE objoid = p.oid),
		(SELECT string_agg(pg_describe_object(classid, objid, objsubid) || deptype::text, ', ' ORDER BY classid, objid, objsubid, deptype)
		 FROM pg_depend WHERE refclassid = 'pg_proc'::regclass AND refobjid = p.oid),
		(SELECT string_agg(pg_describe_object(refclassid, refobjid, refobjsubid) || deptype::text, ', ' ORDER BY refclassid, refobjid, refobjsubid, deptype)
		 FROM (SELECT refclassid, refobjid, refobjsubid, deptype::text FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid
			   UNION ALL SELECT refclassid, refobjid, 0, deptype::text FROM pg_shdepend WHERE classid = 'pg_proc'::regclass AND objid = p.oid
				AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())) d)
	FROM pg_proc p WHERE p.oid = f
$$;
CREATE TABLE before AS SELECT 'rich' AS f, (row_of('rich')).* UNION ALL SELECT 'rich_set', (row_of('rich_set')).*;
GRANT SELECT ON before TO PUBLIC;
SET ROLE regress_stash_sig;
SELECT stash.memoize('rich(int,numeric[])', vary => '{}'), stash.memoize('rich_set(int)');
RESET ROLE;
INSERT INTO dependent VALUES (5), (8);
SELECT a, g FROM dependent ORDER BY a;
\set VERBOSITY terse
INSERT INTO dependent VALUES (0);
\set VERBOSITY default
SET enable_seqscan = off;
SELECT a FROM dependent WHERE rich(a, 7);
RESET enable_seqscan;
SELECT * FROM dependent_view ORDER BY a;
-- the columns in which a memoized function differs from what it was; older servers store where a default stood
SELECT f, string_agg(key, ', ' ORDER BY key COLLATE "C") AS differs
FROM before b, row_of(f::regproc) AS now, jsonb_each(b.whole) AS o WHERE now.whole -> key IS DISTINCT FROM o.value AND key <> 'proargdefaults' GROUP BY f ORDER BY f;
SELECT f, now.comment IS NOT DISTINCT FROM b.comment AS comment, now.label IS NOT DISTINCT FROM b.label AS label, now.dependents = b.dependents AS dependents, now.dependencies
FROM before b, row_of(f::regproc) AS now ORDER BY f;
SELECT p.oid::regprocedure, prosupport, proleakproof, prosecdef, proconfig, proparallel, procost, prorows FROM pg_proc p WHERE proname LIKE 'rich%' ORDER BY proname COLLATE "C";
-- what is granted meanwhile stays granted
GRANT EXECUTE ON FUNCTION rich TO PUBLIC;
REVOKE EXECUTE ON FUNCTION rich FROM PUBLIC;
SET ROLE regress_stash_sig;
SELECT stash.unmemoize('rich(int,numeric[])'), stash.unmemoize('rich_set(int)');
RESET ROLE;
SELECT f, now = ROW(b.id, b.whole, b.definition, b.comment, b.label, b.dependents, b.dependencies)::proc_row AS as_before FROM before b, row_of(f::regproc) AS now ORDER BY f;
-- rolled back, in a subtransaction or not, nothing has happened
BEGIN;
SAVEPOINT one;
SELECT stash.memoize('rich(int,numeric[])');
SELECT rich(7, 1);
ROLLBACK TO one;
SELECT f, now = ROW(b.id, b.whole, b.definition, b.comment, b.label, b.dependents, b.dependencies)::proc_row AS as_before FROM before b, row_of(f::regproc) AS now ORDER BY f;
SELECT stash.memoize('rich(int,numeric[])');
SAVEPOINT two;
SELECT stash.unmemoize('rich(int,numeric[])');
ROLLBACK TO two;
SELECT rich(7, 1), stash.stash_of('rich(int,numeric[])');
COMMIT;
SELECT stash.unmemoize('rich(int,numeric[])');
SELECT f, now = ROW(b.id, b.whole, b.definition, b.comment, b.label, b.dependents, b.dependencies)::proc_row AS as_before FROM before b, row_of(f::regproc) AS now ORDER BY f;
DELETE FROM pg_seclabel WHERE provider = 'regress_stash_provider';
-- the planner asks the support function of a memoized function as it did
CREATE FUNCTION like_of(a text, b text) RETURNS bool IMMUTABLE SUPPORT support_of_like LANGUAGE internal AS 'textlike';
CREATE TABLE words (w text COLLATE "C" PRIMARY KEY);
INSERT INTO words VALUES ('abc'), ('abd'), ('b');
SELECT stash.memoize('like_of(text,text)');
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT w FROM words WHERE like_of(w, 'ab%');
SELECT w FROM words WHERE like_of(w, 'ab%') ORDER BY w;
RESET enable_seqscan;
RESET enable_bitmapscan;
\set VERBOSITY terse
DROP FUNCTION support_of_like;
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.unmemoize('like_of(text,text)');

-- a member of an extension is its extension's business; one that joins an extension meanwhile stays in it
CREATE FUNCTION joins(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
SELECT stash.memoize('joins(int)');
ALTER EXTENSION plpgsql ADD FUNCTION joins(int);
SELECT joins(3);
SELECT stash.unmemoize('joins(int)');
SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.objid = 'joins'::regproc AND d.deptype = 'e';
SELECT stash.memoize('joins(int)');
\echo :SQLSTATE
ALTER EXTENSION plpgsql DROP FUNCTION joins(int);

-- a new definition from the owner, under the function's name or under that of its original
CREATE FUNCTION edited(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
SELECT stash.memoize('edited(int)');
SELECT edited(1), edited(1);
CREATE OR REPLACE FUNCTION edited_uncached(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + 10';
SELECT edited(1);
CREATE OR REPLACE FUNCTION edited(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + 20';
SELECT edited(1);
SELECT stash.memoize('edited(int)');
\echo :SQLSTATE
DROP FUNCTION edited_uncached(int);
SELECT stash.memoize('edited(int)', stash => 'edited_stash');
SELECT edited(1), edited(1);

-- trap 18: cursors
-- what is no value is refused: addresses, nothing, cursors; whoever makes the function, and however it returns them
CREATE FUNCTION cursor_of() RETURNS refcursor STABLE LANGUAGE plpgsql AS $$ DECLARE c refcursor; BEGIN OPEN c FOR SELECT 1; RETURN c; END $$;
CREATE FUNCTION cursors_of() RETURNS SETOF refcursor STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN NEXT stash_memo_sig.cursor_of(); END $$;
CREATE FUNCTION cursor_in(n int, OUT c refcursor, OUT m int) STABLE LANGUAGE plpgsql AS $$ BEGIN c := stash_memo_sig.cursor_of(); m := n; END $$;
CREATE TYPE has_cursor AS (n int, c refcursor[]);
CREATE FUNCTION cursor_within() RETURNS TABLE (n int, h has_cursor[]) STABLE LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION nothing() RETURNS void STABLE LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION refusal(f regprocedure, makes text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	PERFORM stash.memoize(f, volatile => true, "as" => makes);
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN format(E'%s %s\n%s', SQLSTATE, SQLERRM, nullif(hint, ''));
END
$$;
CREATE FUNCTION trigger_of() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION event_trigger_of() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE PROCEDURE procedure_of(INOUT a int) LANGUAGE plpgsql AS 'BEGIN END';
CREATE AGGREGATE aggregate_of(int) (SFUNC = int4pl, STYPE = int);
\pset format unaligned
SELECT f AS function, refusal(f) FROM unnest('{cursor_of(),cursors_of(),cursor_in(int),cursor_within(),nothing(),trigger_of(),event_trigger_of(),procedure_of(int),aggregate_of(int)}'::regprocedure[]) AS f;
SELECT f AS function, refusal(f, 'stash_memo_sig.refused') FROM unnest('{row_number(),int4recv(internal),textout(text),"numeric_avg_accum(internal,numeric)",heap_tableam_handler(internal),plpgsql_call_handler(),textlike_support(internal),shell_in(cstring)}'::regprocedure[]) AS f;
\pset format aligned
CREATE FUNCTION refused() RETURNS refcursor STABLE LANGUAGE stash AS 'target = stash_memo_sig.cursor_of';
\echo :SQLSTATE
SELECT stash.memoize('seven_uncached()', "as" => 'refused', ttl => '1 hour', stash => 'pg_class');
\echo :SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA stash_memo_sig CASCADE;
DROP ROLE regress_stash_sig, regress_stash_sig_user;
