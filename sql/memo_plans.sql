-- Memoized functions: what plans have that no hook tells: the time, the catalogs and words such as 'now', behind defaults, domains, texts.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA stash_memo_plans;
SET search_path = stash_memo_plans, public;
CREATE ROLE stash_memo_plans_role;
CREATE TABLE thing (n int);
CREATE TABLE plain AS SELECT 1 AS n;
SELECT stash.track('plain');
CREATE TYPE dated AS (d timestamptz);
CREATE TABLE named (n int, c regclass, p regproc, t regtype, r regrole, a aclitem, cs regclass[], o oid, w text, j jsonb, at time, z timetz);
INSERT INTO named VALUES (1, 'thing', 'now', 'thing', 'stash_memo_plans_role', 'stash_memo_plans_role=r/stash_memo_plans_role', '{thing}',
	'thing'::regclass, 'now', '{"d": "now", "e": {"d": "now"}}', '12:00', '12:00+00');
SELECT stash.track('named');
CREATE DOMAIN later AS timestamptz CHECK (value > current_timestamp);
CREATE DOMAIN latest AS later;
CREATE TYPE has_later AS (a int, l latest[]);
CREATE DOMAIN relation AS regclass;
CREATE FUNCTION at(x timestamptz DEFAULT current_timestamp) RETURNS text STABLE LANGUAGE sql AS 'SELECT x::text';
CREATE FUNCTION at_plpgsql(x timestamptz DEFAULT current_timestamp) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN x; END';
CREATE VIEW dated_view AS SELECT at() AS x;
CREATE AGGREGATE since_now(timestamptz) (SFUNC = timestamptz_larger, STYPE = timestamptz, INITCOND = 'now');
CREATE AGGREGATE since_then(timestamptz) (SFUNC = timestamptz_larger, STYPE = timestamptz, INITCOND = '2000-01-01');

-- a function is made of each body, and called with each number; 'kept' says how many answers are
CREATE TABLE body (id int GENERATED ALWAYS AS IDENTITY, harmless bool DEFAULT false, language text DEFAULT 'sql', body text);
-- trap 23: the time
INSERT INTO body (body) SELECT unnest(ARRAY[
	'SELECT at()', 'SELECT at_plpgsql()', 'SELECT at_plpgsql() FROM named', 'SELECT x FROM dated_view', 'SELECT stash.run(NULL::text, ''at(timestamptz)'')',
	'SELECT stash.run_named(NULL::text, ''at(timestamptz)'', ''{}'')', 'SELECT (''2100-01-01''::timestamptz::later)::text',
	'SELECT (''2100-01-01''::text::latest)::text', 'SELECT (''{2100-01-01}''::text::later[])::text',
	'SELECT (''(1,{2100-01-01})''::text::has_later)::text', 'SELECT min(x) FROM stash.query(''SELECT at() AS x'') AS q(x text)']);
INSERT INTO body (language, body) SELECT 'plpgsql', unnest(ARRAY[
	'DECLARE r text; BEGIN EXECUTE ''SELECT current_'' || ''timestamp'' INTO r; RETURN r; END',
	'DECLARE r text; BEGIN EXECUTE ''SELECT a'' || ''ge(timestamp $$2000-01-01$$)'' INTO r; RETURN r; END',
	'DECLARE r text; BEGIN EXECUTE ''SELECT current_'' || ''catalog'' INTO r; RETURN r; END',
	'BEGIN RETURN at(); END', 'BEGIN RETURN at_plpgsql(); END', 'BEGIN RETURN current_schema; END',
	'DECLARE l later; BEGIN l := ''2100-01-01''::timestamptz; RETURN l; END',
	'DECLARE l latest; BEGIN SELECT ''2100-01-01''::timestamptz INTO l; RETURN l; END',
	'DECLARE l has_later; BEGIN RETURN l.a; END']);
-- trap 46: what has another name tomorrow, or gives its name to another
INSERT INTO body (body) SELECT unnest(ARRAY[
	'SELECT c::text FROM named', 'SELECT format(''%s'', c) FROM named', 'SELECT concat(p) FROM named', 'SELECT t::text FROM named',
	'SELECT r || '''' FROM named', 'SELECT a::text FROM named', 'SELECT cs::text FROM named', 'SELECT o::regclass::text FROM named',
	'SELECT to_jsonb(named)->>''c'' FROM named', 'SELECT c::relation::text FROM named', 'SELECT (''thi'' || ''ng'')::regclass::oid::text',
	'SELECT ''stash_memo_plans_role''::regrole::text', 'SELECT ''stash_memo_plans_role''::regrole::oid::text', 'SELECT tableoid::regclass::text FROM named']);
INSERT INTO body (language, body) SELECT 'plpgsql', unnest(ARRAY[
	'DECLARE r text; BEGIN SELECT c INTO r FROM named; RETURN r; END', 'DECLARE r regclass; BEGIN SELECT ''thing''::text INTO r; RETURN r::oid; END']);
-- trap 23: words such as 'now', and the zone of a time of day
INSERT INTO body (body) SELECT unnest(ARRAY[
	'SELECT stash.part(j, ''d'', NULL::timestamptz)::text FROM named', 'SELECT stash.part(j, ''e'', NULL::dated)::text FROM named',
	'SELECT stash.part(stash.to_variant(j), ''d'', NULL::timestamptz)::text FROM named', 'SELECT (stash.to_variant(w)::timestamptz)::text FROM named',
	'SELECT (x.d)::text FROM named, stash.from_jsonl(j::text, NULL::dated) x', 'SELECT stash.run_named(NULL::text, ''at(timestamptz)'', ''{"x": "now"}'')',
	'SELECT min(x) FROM stash.query(''SELECT $1::timestamptz::text'', row(''now'')) AS q(x text)',
	'SELECT since_now(''2000-01-01'')::text', 'SELECT (since_now(''2000-01-01'') OVER ())::text',
	E'SELECT (timestamptz ''no''\n''w'')::text', 'SELECT (timestamptz U&''n\006fw'')::text', 'SELECT (timestamptz E''n\x6fw'')::text',
	'SELECT (timestamptz U&''n!006fw'' UESCAPE ''!'')::text', 'SELECT at::timetz::text FROM named', 'SELECT (z AT TIME ZONE ''Europe/Paris'')::text FROM named',
	'SELECT (''12:00''::text)::timetz::text', 'SELECT timetz ''12:00''::text', 'SELECT (''12'' || '':00'')::timetz::text']);
INSERT INTO body (language, body) SELECT 'plpgsql', unnest(ARRAY[
	'DECLARE x text := ''12:00''; BEGIN RETURN x::timetz; END', 'DECLARE x text := ''12:00''; z timetz; BEGIN z := x; RETURN z; END']);
-- trap 46: a lock, which is no change
INSERT INTO body (body) VALUES ('SELECT (xmax = 0)::text FROM named'), ('SELECT max(cmin::text) FROM named');
-- what was looked at, and what nobody else may change
INSERT INTO body (harmless, language, body) VALUES
	(true, 'sql', 'SELECT at(''2000-01-01'')'), (true, 'sql', 'SELECT current_user || session_user'), (true, 'sql', 'SELECT since_then(''2000-01-01'')::text'),
	(true, 'sql', 'SELECT to_tsvector(''english'', w)::text FROM named'), (true, 'sql', 'SELECT ''int4''::regtype::text'),
	(true, 'sql', 'SELECT ''named''::regclass::text'), (true, 'sql', 'SELECT stash.hash_table(''plain'')::text'),
	(true, 'sql', 'SELECT stash.run(NULL::text, ''at(timestamptz)'', ''2000-01-01'')'), (true, 'sql', 'SELECT (timestamptz E''2000-01-01\x20'')::text'),
	(true, 'sql', 'SELECT stash.run_named(NULL::text, ''at(timestamptz)'', ''{"x": "2000-01-01"}'')'),
	(true, 'sql', 'SELECT stash.part(jsonb_build_object(''d'', ''2000-01-01''), ''d'', NULL::timestamptz)::text'),
	(true, 'sql', 'SELECT min(x) FROM stash.query(''SELECT $1::timestamptz::text'', row(''2000-01-01'')) AS q(x text)'),
	(true, 'sql', 'SELECT (xmin IS NULL)::text FROM named'), (true, 'sql', 'SELECT to_regtype_is_a_name FROM (VALUES (''x'')) v (to_regtype_is_a_name)'),
	(true, 'plpgsql', 'DECLARE r regclass := ''plain''::regclass; c int; BEGIN EXECUTE format(''SELECT count(*) FROM %s WHERE n > 0'', r) INTO c; RETURN c; END'),
	(true, 'plpgsql', 'DECLARE r regprocedure := ''at(timestamptz)''::regprocedure; BEGIN RETURN r::text; END'),
	(true, 'plpgsql', E'BEGIN RETURN ''a'' || E''\\nb'' || ''c''\n''d''; END');
DO $$
DECLARE
	b body;
BEGIN
	FOR b IN SELECT * FROM body ORDER BY id LOOP
		EXECUTE format('CREATE FUNCTION f%s(n int) RETURNS text STABLE LANGUAGE %s AS %L', b.id, b.language, b.body);
		PERFORM stash.memoize(format('f%s(int)', b.id)::regprocedure);
	END LOOP;
END
$$;
CREATE FUNCTION kept(b body) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..3 LOOP
		EXECUTE format('SELECT f%s(%s)', b.id, i);
	END LOOP;
	RETURN count(*) FROM stash.calls(format('f%s(int)', b.id)::regprocedure);
END
$$;
SELECT id, body FROM body b WHERE kept(b) <> CASE WHEN harmless THEN 3 ELSE 0 END ORDER BY id;
SELECT harmless, count(*) > 10 AS many FROM body GROUP BY 1 ORDER BY 1;
-- once more, with plans that were made before
SELECT count(stash.forget(format('f%s(int)', id)::regprocedure)) > 0 FROM body;
SELECT id, body FROM body b WHERE kept(b) <> CASE WHEN harmless THEN 3 ELSE 0 END ORDER BY id;

-- trap 23: queries that are remembered
SELECT count(x) FROM stash.query('SELECT current_timestamp::text') AS q(x text);
SELECT value FROM stash.explain('stash.query(text,record,interval)', 'SELECT current_timestamp::text'::text, NULL::record, NULL::interval)
	WHERE item = 'last answer not kept';
SELECT count(x) FROM stash.query('SELECT $1::timestamptz::text', row('now')) AS q(x text);
SELECT value FROM stash.explain('stash.query(text,record,interval)', 'SELECT $1::timestamptz::text'::text, row('now'), NULL::interval)
	WHERE item = 'last answer not kept';

-- trap 46: what a parameter or a constant names is used
CREATE TABLE counted AS SELECT 1 AS n;
SELECT stash.track('counted');
CREATE FUNCTION called(n int) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION name_of(r regclass) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN r::text; END';
CREATE FUNCTION name_of_function() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'called(int)'::regprocedure::text; END $$;
SELECT stash.memoize('name_of(regclass)'), stash.memoize('name_of_function()');
SELECT name_of('counted'), name_of_function(), 'counted'::regclass::oid AS counted \gset before_
SELECT (SELECT count(*) FROM stash.calls('name_of(regclass)')) AS kept, (SELECT count(*) FROM stash.calls('name_of_function()')) AS kept_too;
SELECT x = :before_counted AS is_that FROM stash.query('SELECT $1::oid', row('counted'::regclass)) AS q(x oid);
ALTER TABLE counted RENAME TO counted_before;
ALTER FUNCTION called(int) RENAME TO called_before;
CREATE FUNCTION called(n int) RETURNS int LANGUAGE sql RETURN 2;
CREATE TABLE counted AS SELECT 2 AS n;
SELECT name_of(:before_counted::regclass), name_of_uncached(:before_counted::regclass), name_of_function(), name_of_function_uncached();
SELECT x = 'counted'::regclass AS is_the_new_one FROM stash.query('SELECT $1::oid', row('counted'::regclass)) AS q(x oid);

DROP SCHEMA stash_memo_plans CASCADE;
DROP ROLE stash_memo_plans_role;
