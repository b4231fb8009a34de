-- Memoized functions: what a target asks for, or does, where no hook of the executor sees it.
-- Each memo is asked, the world changes, and it is asked again beside its target: they agree.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA stash_memo_unseen;
SET search_path = stash_memo_unseen, public;
CREATE TABLE account (n int, t text);
INSERT INTO account VALUES (1, 'a');
SELECT stash.track('account');
CREATE TABLE log (n int);
CREATE TABLE untold AS SELECT 1 AS n;

-- trap 23: of our own functions: workers of a map, samples, files, counters, what is remembered
CREATE FUNCTION total(k int) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(n) * k FROM stash_memo_unseen.account';
CREATE FUNCTION time_of(k int) RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT clock_timestamp()';
CREATE FUNCTION writes(k int) RETURNS int LANGUAGE sql AS 'INSERT INTO stash_memo_unseen.log VALUES (k) RETURNING n';
SELECT set_config('memo_unseen.file', current_setting('data_directory') || '/stash_memo_unseen.jsonl', false) IS NOT NULL AS has_file;
CREATE FUNCTION file(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT %L) TO %L', format('{"a":%s}', n), current_setting('memo_unseen.file'));
END
$$;
CREATE TABLE asked (name text PRIMARY KEY, body text);
INSERT INTO asked VALUES
	('maps', 'SELECT string_agg(result::text, '','') FROM stash.map(''stash_memo_unseen.total(int)'', ARRAY[1])'),
	('maps_here', 'SELECT string_agg(result::text, '','') FROM stash.map(''stash_memo_unseen.total(int)'', ARRAY[1], workers => 0)'),
	('maps_time', 'SELECT string_agg(result::text, '','') FROM stash.map(''stash_memo_unseen.time_of(int)'', ARRAY[1])'),
	('maps_writer', 'SELECT count(*)::text FROM stash.map(''stash_memo_unseen.writes(int)'', ARRAY[1])'),
	('samples', 'SELECT stash.hash_table(''stash_memo_unseen.account'', sampled => true)::text'),
	('samples_untracked', 'SELECT stash.hash_table(''stash_memo_unseen.untold'', sampled => true)::text'),
	('reads', 'SELECT sum(a)::text FROM stash.read_jsonl(current_setting(''memo_unseen.file'')) AS t(a int)'),
	('exports', 'SELECT count(*)::text FROM stash.export_file(''SELECT 1 AS a'', current_setting(''memo_unseen.file''))'),
	('estimates', 'SELECT estimated_rows::text FROM stash.estimate(''SELECT * FROM stash_memo_unseen.account'')'),
	('counts', 'SELECT count(*)::text FROM stash.stat_memo()'),
	('resets', 'SELECT stash.reset_stats(''stash_memo_unseen.total(int)'')::text'),
	('peeks', 'SELECT stash.peek(''stash_memo_unseen.total(int)'', 1)::text'),
	('explains', 'SELECT value FROM stash.explain(''stash_memo_unseen.total(int)'', 1) WHERE item = ''verdict'''),
	('tracks', 'SELECT stash.track_problem(''stash_memo_unseen.untold'')'),
	-- they run a query, and that is seen
	('lines', 'SELECT string_agg(l::text, '''') FROM stash.to_jsonl(''SELECT * FROM stash_memo_unseen.account'') l'),
	('hashes', 'SELECT stash.hash_query(''SELECT * FROM stash_memo_unseen.account'')::text'),
	('hashes_all', 'SELECT stash.hash_table(''stash_memo_unseen.account'')::text');
SELECT file(1);
DO $$
DECLARE
	a record;
BEGIN
	PERFORM stash.memoize('total(int)');
	FOR a IN SELECT * FROM asked LOOP
		EXECUTE format('CREATE FUNCTION %I() RETURNS text STABLE LANGUAGE plpgsql AS $f$ BEGIN RETURN (%s); END $f$', a.name, a.body);
		PERFORM stash.memoize(format('%I()', a.name)::regprocedure, vary => '{memo_unseen.file}');
	END LOOP;
END
$$;
-- what it said first, when nothing had changed, and whether it is what its target says then
CREATE FUNCTION agrees(name text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	remembered text;
	computed text;
BEGIN
	EXECUTE format('SELECT %I(), %I()', name, name || '_uncached') INTO remembered, computed;
	RETURN remembered IS NOT DISTINCT FROM computed;
END
$$;
CREATE FUNCTION kept(name text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(value, ': (hand|name).*| or locked.*', '') FROM stash.explain(format('%I()', name)::regprocedure)
	WHERE item IN ('last answer not kept', 'verdict') ORDER BY item LIMIT 1
$$;
SELECT name, agrees(name) FROM asked WHERE name NOT IN ('maps_time', 'maps_writer', 'exports', 'counts') ORDER BY name COLLATE "C";
SELECT maps_time() IS NOT NULL, maps_writer(), exports();
SELECT name, kept(name) FROM asked ORDER BY name COLLATE "C";
INSERT INTO account SELECT i, 'b' FROM generate_series(1, 20) i;
INSERT INTO untold VALUES (2);
SELECT file(2);
ANALYZE account;
SELECT name, agrees(name) FROM asked WHERE name NOT IN ('maps_time', 'maps_writer', 'exports', 'counts') ORDER BY name COLLATE "C";
SELECT maps_time() = maps_time() AS is_the_same;
SELECT count(*) AS written FROM log;
SELECT maps_writer(), exports();
SELECT count(*) AS written FROM log;
-- by query memos, too
SELECT * FROM stash.query('SELECT result::text FROM stash.map(''stash_memo_unseen.total(int)'', ARRAY[1])') AS t(result text);
INSERT INTO account VALUES (1000);
SELECT * FROM stash.query('SELECT result::text FROM stash.map(''stash_memo_unseen.total(int)'', ARRAY[1])') AS t(result text);

-- who may not read a table may not have its hash from a memo
CREATE ROLE stash_memo_unseen_reader;
GRANT USAGE ON SCHEMA stash_memo_unseen TO stash_memo_unseen_reader;
GRANT SELECT ON account TO stash_memo_unseen_reader;
SET ROLE stash_memo_unseen_reader;
SELECT samples() IS NOT NULL, samples() IS NOT NULL;
RESET ROLE;
REVOKE SELECT ON account FROM stash_memo_unseen_reader;
SET ROLE stash_memo_unseen_reader;
SELECT samples();
RESET ROLE;

-- trap 23: chance
CREATE FUNCTION picks() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM stash_memo_unseen.account TABLESAMPLE BERNOULLI (50)';
CREATE FUNCTION picks_again() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM stash_memo_unseen.account TABLESAMPLE BERNOULLI (50) REPEATABLE (1)';
SELECT stash.memoize('picks()'), stash.memoize('picks_again()');
SELECT count(picks()), count(picks_again());
SELECT kept('picks'), kept('picks_again');

-- trap 23: who calls
CREATE FUNCTION called_by() RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	c text;
BEGIN
	GET DIAGNOSTICS c = PG_CONTEXT;
	RETURN c;
END
$$;
CREATE FUNCTION failed_in() RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	c text;
BEGIN
	PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN
	GET STACKED DIAGNOSTICS c = PG_EXCEPTION_CONTEXT;
	RETURN c;
END
$$;
CREATE FUNCTION failed_with() RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	c text;
BEGIN
	PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN
	GET STACKED DIAGNOSTICS c = MESSAGE_TEXT;
	RETURN c;
END
$$;
SELECT stash.memoize('called_by()'), stash.memoize('failed_in()'), stash.memoize('failed_with()');
CREATE FUNCTION first_caller() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN called_by() || failed_in() || failed_with(); END';
CREATE FUNCTION second_caller() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN called_by() || failed_in() || failed_with(); END';
SELECT first_caller() ~ 'first_caller.*first_caller', second_caller() ~ 'first_caller';
SELECT kept('called_by'), kept('failed_in'), kept('failed_with');

-- trap 17: settings of PL/pgSQL, and those that decide what an index finds and what a message says
CREATE FUNCTION asserts() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN ASSERT false, ''looked''; RETURN 1; END';
SELECT stash.memoize('asserts()');
SET plpgsql.check_asserts = off;
SELECT asserts(), asserts();
SELECT kept('asserts');
RESET plpgsql.check_asserts;
SELECT asserts();
CREATE FUNCTION ambiguous(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(n) FROM stash_memo_unseen.account); END';
CREATE FUNCTION resolved(n int) RETURNS int STABLE LANGUAGE plpgsql AS E'#variable_conflict use_column\nBEGIN RETURN (SELECT max(n) FROM stash_memo_unseen.account); END';
SELECT stash.memoize('ambiguous(int)'), stash.memoize('resolved(int)');
SET plpgsql.variable_conflict = use_column;
SELECT ambiguous(7), ambiguous(7), resolved(7);
SELECT value FROM stash.explain('ambiguous(int)', 7) WHERE item = 'last answer not kept';
SELECT value FROM stash.explain('resolved(int)', 7) WHERE item = 'verdict';
\c -
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET search_path = stash_memo_unseen, public;
SELECT ambiguous(7);
CREATE TABLE found (words tsvector);
INSERT INTO found SELECT 'word' FROM generate_series(1, 3000);
CREATE INDEX ON found USING gin (words);
SELECT stash.track('found');
CREATE FUNCTION finds() RETURNS bool STABLE LANGUAGE sql SET enable_seqscan = off
	AS $$ SELECT count(*) = 3000 FROM stash_memo_unseen.found WHERE words @@ 'word' $$;
SELECT stash.memoize('finds()');
SELECT finds();
SET gin_fuzzy_search_limit = 5;
SELECT finds() = finds_uncached() AS agrees;
RESET gin_fuzzy_search_limit;
SELECT value ~ 'lc_messages=' AS has_messages FROM stash.explain('finds()') WHERE item = 'settings in the key';

-- trap 46: what workers call by way of a type
CREATE TABLE factor AS SELECT 1 AS n;
SELECT stash.track('factor');
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION mood_json(m mood) RETURNS json STABLE PARALLEL SAFE LANGUAGE sql
	AS $$ SELECT to_json((SELECT max(n) FROM stash_memo_unseen.factor)) $$;
CREATE CAST (mood AS json) WITH FUNCTION mood_json(mood);
CREATE TABLE big AS SELECT 'sad'::mood AS m FROM generate_series(1, 10000);
ALTER TABLE big SET (parallel_workers = 2);
SELECT stash.track('big');
CREATE FUNCTION by_workers() RETURNS text STABLE LANGUAGE sql SET parallel_setup_cost = 0 SET parallel_tuple_cost = 0
	SET min_parallel_table_scan_size = 0 AS $$ SELECT max(row_to_json(b)::text) FROM stash_memo_unseen.big b $$;
SELECT stash.memoize('by_workers()');
SELECT by_workers();
UPDATE factor SET n = 9;
SELECT by_workers(), by_workers_uncached();

SET client_min_messages = warning;
REVOKE ALL ON SCHEMA stash_memo_unseen FROM stash_memo_unseen_reader;
DROP SCHEMA stash_memo_unseen CASCADE;
DROP ROLE stash_memo_unseen_reader;
