-- Large results of memoized sets, kept in parts; bounds of a memo's stash; results that take the place of others.
-- Functions say when they compute.
CREATE SCHEMA stash_memo_results;
SET search_path = stash_memo_results, public;
\set SHOW_CONTEXT never
CREATE TABLE source (n int);
INSERT INTO source VALUES (1);
SELECT stash.track('source');
CREATE FUNCTION lines(many int, width int) RETURNS TABLE (i int, line text, half numeric) STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed lines(%, %)', many, width;
	RETURN QUERY SELECT g, CASE WHEN g % 7 > 0 THEN lpad(g::text, width, md5(g::text)) END, CASE WHEN g % 5 > 0 THEN g / 2.0 END
		FROM source s, generate_series(1, many) g;
END $$;
SELECT stash.memoize('lines(int,int)');
-- what a stash holds: entries, and rows that are parts of them
CREATE FUNCTION held(stash text DEFAULT 'lines_stash', OUT entries bigint, OUT parts bigint) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*) FILTER (WHERE version > 0), count(*) FILTER (WHERE version < 0) FROM %s', stash) INTO entries, parts;
END $$;
CREATE FUNCTION same(n int, width int) RETURNS bool LANGUAGE sql AS $$
	SELECT count(*) = 0 FROM (SELECT * FROM lines(n, width) WITH ORDINALITY) a
	FULL JOIN (SELECT * FROM lines_uncached(n, width) WITH ORDINALITY) b USING (ordinality) WHERE a IS DISTINCT FROM b
$$;
CREATE FUNCTION reason(what regprocedure, VARIADIC args int[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT value FROM stash.explain(%L%s) WHERE item = ''last answer not kept''', what,
		(SELECT string_agg(format(', %s', a), '') FROM unnest(args) a)) INTO result;
	RETURN result;
END $$;

-- one piece up to a megabyte, parts beyond; nothing, one row, one large row, many
SET client_min_messages = warning;
CREATE TABLE size AS VALUES (0, 1), (1, 1), (1010, 1000), (1300, 1000), (1, 5000000), (2, 1500000), (200000, 1);
SELECT bool_and(same(column1, column2)) AS filled FROM size;
SELECT bool_and(same(column1, column2)) AS hit FROM size;
SELECT args, CASE WHEN stash.typeof(result) LIKE '("@fill"%' THEN result::jsonb - '@fill' - 'bytes' END AS result
FROM stash.calls('lines(int,int)') ORDER BY args::text COLLATE "C";
-- around the border of one and of two parts
SELECT bool_and(same(n, 999)) AS filled FROM generate_series(1195, 1240) AS n;
SELECT bool_and(same(n, 999)) AS hit FROM generate_series(1195, 1240) AS n;
SELECT bool_and(same(2 * n, 999)) AS filled FROM generate_series(1205, 1230) AS n;
SELECT bool_and(same(2 * n, 999)) AS hit FROM generate_series(1205, 1230) AS n;
RESET client_min_messages;
SELECT item, value FROM stash.explain('lines(int,int)', 1, 5000000) WHERE item IN ('verdict', 'found in', 'parts');
SELECT item, value FROM stash.explain('lines(int,int)', 200000, 1) WHERE item IN ('verdict', 'found in', 'parts');
-- parts are rows of the table, and no calls
SELECT stash.count('lines_stash') AS n, (SELECT count(*) FROM stash.calls('lines(int,int)')) AS calls \gset
SELECT :n = :calls AND :n > 70 AS counted, stash.forget('lines(int,int)') = :n AS all_of_them, held();
SELECT count(*), sum(i) FROM lines(100000, 20);
SELECT held(), stash.count('lines_stash');
SELECT args, result::jsonb - '@fill' - 'bytes' AS result FROM stash.calls('lines(int,int)');
SELECT stash.peek('lines(int,int)', 100000, 20)::jsonb - '@fill' - 'bytes' AS peeked;
SELECT (SELECT count(*) FROM stash.entries('lines_stash')) AS entries, (SELECT count(*) FROM stash.keys('lines_stash')) AS keys,
	(SELECT count(*) FROM stash.values('lines_stash')) AS "values", (SELECT count(*) FROM stash.assemble_json('lines_stash')) AS assembled;

-- no more memory than before, filled or hit, in whatever state
CREATE FUNCTION memory() RETURNS bigint LANGUAGE sql AS 'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
SELECT count(*) FROM lines(100000, 20);
SELECT memory() AS before \gset
SELECT count(*) FROM lines(100000, 20);
SELECT count(*) FROM lines(100001, 20);
SELECT memory() - :before < 100000 AS no_leak;

-- what is incomplete is computed, and replaced
DELETE FROM lines_stash WHERE version = -2;
SELECT value FROM stash.explain('lines(int,int)', 100000, 20) WHERE item = 'verdict';
SELECT count(*), sum(i) FROM lines(100000, 20);
SELECT count(*), sum(i) FROM lines(100000, 20);
SELECT held();
UPDATE lines_stash SET value = (SELECT value FROM lines_stash WHERE version > 0 LIMIT 1) WHERE version = -3;
SELECT count(*), sum(i) FROM lines(100000, 20);
-- without its head nobody finds a part; a sweep takes it away
DELETE FROM lines_stash WHERE version > 0;
SELECT count(*) FROM lines(5, 5);
SELECT (held()).parts > 0 AS parts, stash.count('lines_stash');
SELECT * FROM stash.sweep('lines_stash');
SELECT held();

-- one call, with its parts; and all
SELECT count(*) FROM lines(100000, 20);
SELECT count(*) FROM lines(100001, 20);
SELECT stash.forget('lines(int,int)', 100000, 20), held();
SELECT count(*) FROM lines(100001, 20);
SELECT count(*) FROM lines(100000, 20);
SELECT stash.clear('lines_stash'), held();

-- in a transaction: seen by its later statements, gone with it
BEGIN;
SELECT count(*) FROM lines(100000, 20);
SELECT count(*) FROM lines(100000, 20);
SAVEPOINT s;
SELECT count(*) FROM lines(100001, 20);
ROLLBACK TO s;
SELECT count(*) FROM lines(100001, 20);
SELECT held();
ROLLBACK;
SELECT held();
BEGIN READ ONLY;
SELECT count(*) FROM lines(100000, 20);
ROLLBACK;
-- one statement keeps once what it asks for several times
SELECT sum((SELECT count(*) FROM lines(100000 + 0 * g, 20))) FROM generate_series(1, 2) AS g;
SELECT held();

-- what is stale is replaced, whatever its size
SELECT count(*) FROM lines(3, 3);
UPDATE source SET n = 2;
SELECT count(*) FROM lines(100000, 20);
SELECT count(*) FROM lines(3, 3);
SELECT held();
SELECT count(*) FROM lines(100000, 20);
-- but not by a snapshot that may be old
UPDATE source SET n = 3;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM lines(3, 3);
COMMIT;
SELECT entries FROM held();
SET pg_hashstash.memo = refresh;
SELECT count(*) FROM lines(3, 3);
RESET pg_hashstash.memo;
SELECT entries FROM held();

-- twice in one statement, which still sees what a command within it has deleted
CREATE FUNCTION command() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM 1; RETURN 1; END';
SET pg_hashstash.memo = refresh;
SELECT (SELECT count(*) FROM lines(3, 3)), command(), (SELECT count(*) FROM lines(3, 3));
SELECT (SELECT count(*) FROM lines(100000, 20)), command(), (SELECT count(*) FROM lines(100000, 20));
RESET pg_hashstash.memo;
SELECT reason, count FROM stash.stat_memo_reasons WHERE function = 'lines(int,int)'::regprocedure AND kind = 'not kept';
SELECT count(*), sum(i) FROM lines(100000, 20);

-- nor does the session remember a small one any more
CREATE TABLE untracked AS SELECT 2 AS n;
CREATE FUNCTION grows() RETURNS SETOF int STABLE LANGUAGE sql AS 'SELECT generate_series(1, u.n) FROM untracked u';
SELECT stash.memoize('grows()', ttl => '1 hour');
SELECT count(*) FROM grows();
UPDATE untracked SET n = 300000;
SELECT count(*) FROM grows();
SET pg_hashstash.memo = refresh;
SELECT count(*) FROM grows();
RESET pg_hashstash.memo;
SELECT count(*) FROM grows();

-- max_bytes of a result bounds all of its parts, and nothing is left
SELECT stash.unmemoize('lines(int,int)'), to_regclass('lines_stash');
SELECT stash.memoize('lines(int,int)', max_bytes => 3000000);
SELECT count(*) FROM lines(50000, 20);
SELECT count(*) FROM lines(200000, 20);
SELECT reason('lines(int,int)', 200000, 20), stash.count('lines_stash'), (held()).parts BETWEEN 1 AND 3 AS parts;
SELECT count(*) FROM lines(50000, 20);
-- nor is a row that is larger than one may be
SELECT stash.unmemoize('lines(int,int)'), stash.memoize('lines(int,int)');
SELECT count(*) FROM lines(2, 70000000);
SELECT reason('lines(int,int)', 2, 70000000), held();

-- a time to live ends for all parts at once
SELECT stash.unmemoize('lines(int,int)'), stash.memoize('lines(int,int)', ttl => '2 s');
SELECT count(*) FROM lines(50000, 20);
SELECT count(*) FROM lines(50000, 20);
SELECT pg_sleep(2.1);
SELECT stash.count('lines_stash'), held();
SELECT count(*) FROM lines(50000, 20);
SELECT held();
SELECT pg_sleep(2.1);
SELECT * FROM stash.sweep('lines_stash');
SELECT held();
SELECT stash.unmemoize('lines(int,int)');

-- values that are refused by now
CREATE DOMAIN colour AS text CHECK (value <> 'green');
CREATE TABLE last_colour AS SELECT 'blue' AS name;
CREATE FUNCTION colours(n int) RETURNS TABLE (c colour, t text) STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed colours(%)', n;
	RETURN QUERY SELECT CASE WHEN g < 99999 THEN 'azure' ELSE name END::colour, md5(g::text) FROM last_colour, generate_series(1, n) g;
END $$;
SELECT stash.memoize('colours(int)', ttl => '1 hour');
SELECT count(*), max(c) FROM colours(100000);
SELECT count(*), max(c) FROM colours(100000);
UPDATE last_colour SET name = 'green';
ALTER DOMAIN colour DROP CONSTRAINT colour_check;
ALTER DOMAIN colour ADD CHECK (value <> 'blue');
SELECT count(*), max(c) FROM colours(100000);
SELECT count(*), max(c) FROM colours(100000);
SELECT held('colours_stash');
SELECT stash.unmemoize('colours(int)');

-- trap 57: sizes
-- bounds of the stash: in entries, with all their parts
SELECT stash.memoize('lines(int,int)', max_entries => 2);
SELECT options FROM stash.stashes WHERE stash = 'lines_stash'::regclass;
SELECT count(*) FROM lines(50000, 20);
SELECT count(*) FROM lines(50001, 20);
SELECT held();
SELECT count(*) FROM lines(1, 1);
SELECT args FROM stash.calls('lines(int,int)');
SELECT entries, parts > 0 AS parts FROM held();
SELECT count(*) FROM lines(2, 1);
SELECT held();
SET client_min_messages = warning;
SELECT sum((SELECT count(*) FROM lines(g, 1))) FROM generate_series(1, 50) AS g;
RESET client_min_messages;
SELECT held();
-- in bytes: parts count, where puts look and where all are looked at
SELECT stash.configure('lines_stash', reset => '{max_entries}', max_bytes => 5000000);
SELECT stash.clear('lines_stash') > 0 AS cleared;
SET client_min_messages = warning;
SELECT sum((SELECT count(*) FROM lines(50000 + g, 20))) FROM generate_series(1, 8) AS g;
RESET client_min_messages;
SELECT entries BETWEEN 1 AND 4 AS few, parts = 2 * entries AS whole FROM held();
SELECT stash.configure('lines_stash', max_bytes => 2500000);
SELECT evicted > 0 AS evicted FROM stash.sweep('lines_stash');
SELECT entries BETWEEN 1 AND 2 AS few, parts = 2 * entries AS whole, (SELECT sum(pg_column_size(value)) < 2500000 FROM lines_stash) AS small FROM held();
-- what is used stays, be it found in the stash or in the session's memory
SELECT stash.configure('lines_stash', reset => '{max_bytes}', max_entries => 3, evict => 'lru'), stash.clear('lines_stash') >= 0 AS cleared;
SELECT count(*) FROM lines(1, 1);
SELECT count(*) FROM lines(2, 1);
SELECT count(*) FROM lines(3, 1);
SELECT pg_sleep(0.2);
SELECT count(*) FROM lines(1, 1);
SELECT count(*) FROM lines(4, 1);
SELECT args FROM stash.calls('lines(int,int)') ORDER BY args::text COLLATE "C";
SELECT stash.memoize('held(text)', max_entries => 0);
\echo :SQLSTATE
SELECT stash.memoize('reason(regprocedure,int[])', max_entries => 5, stash => 'lines_stash');
\echo :SQLSTATE

-- without a stash: in the session's memory as far as it goes
CREATE FUNCTION alone(n int, width int) RETURNS TABLE (i int, line text, half numeric) LANGUAGE stash STABLE AS $$
target = stash_memo_results.lines_uncached
$$;
SELECT count(*) FROM alone(40000, 20);
SELECT count(*) FROM alone(40000, 20);
SET pg_hashstash.local_cache_size = '1MB';
SELECT count(*) FROM alone(40001, 20);
SELECT count(*) FROM alone(40001, 20);
RESET pg_hashstash.local_cache_size;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_results CASCADE;
