-- What queries exports take: parameters, commands that return rows and those that do not, odd columns.
CREATE SCHEMA export_query;
SET search_path = export_query, public;
\set SHOW_CONTEXT never
CREATE TABLE item (n int PRIMARY KEY, name text);
INSERT INTO item SELECT i, 'name ' || i FROM generate_series(1, 10) i;
ANALYZE item;

-- parameters, as of stash.query: a row with their values
SELECT data FROM stash.to_jsonl('SELECT n, name FROM item WHERE n BETWEEN $1 AND $2 ORDER BY n', params => ROW(2, 3));
SELECT data FROM stash.to_jsonl('SELECT $1 AS a, $2 AS b, $3 AS c, $1 AS again', params => ROW(ARRAY[1, NULL], 1.50, NULL::date));
-- literals get their types from the query, as those of PREPARE
SELECT data FROM stash.to_jsonl('SELECT n FROM item WHERE n = $1', params => ROW('7'));
SELECT data FROM stash.to_jsonl('SELECT $1::date + 1 AS day, $2 AS t, $3::int AS none, $4 || ''!'' AS s', params => ROW('2024-02-28', 'text', NULL, 'x'));
SELECT data FROM stash.to_jsonl('SELECT n FROM item WHERE n = $1', params => ROW('seven'));
\echo :SQLSTATE
-- more of them than it needs, fewer, none; a literal that is not used has no type
SELECT data FROM stash.to_jsonl('SELECT $1 + 0 AS a', params => ROW(1, 2));
SELECT data FROM stash.to_jsonl('SELECT $1 + 0 AS a', params => ROW(1, 'two'));
\echo :SQLSTATE
SELECT data FROM stash.to_jsonl('SELECT $1 + $3 AS a', params => ROW(1, 2));
\echo :SQLSTATE
SELECT data FROM stash.to_jsonl('SELECT $1 || $2 || $3 AS a', params => ROW('1', '2'));
\echo :SQLSTATE
SELECT data FROM stash.to_jsonl('SELECT 1 AS a', params => NULL);
SELECT data FROM stash.to_jsonl('SELECT 1 AS a', params => ROW());
-- a row of a table; a column that was dropped has no number
CREATE TABLE filter (gone int, low int, high int);
ALTER TABLE filter DROP gone;
INSERT INTO filter VALUES (4, 5);
SELECT data FROM filter, stash.to_jsonl('SELECT n FROM item WHERE n BETWEEN $1 AND $2 ORDER BY n', params => filter);
-- they live as long as the query
SELECT count(*), sum(length(data)) FROM (SELECT (stash.to_jsonl('SELECT $1 AS t FROM generate_series(1, 1000)', 10, params => ROW(repeat('x', 1000)))).data OFFSET 0) s;
-- the planner knows them: without, it would compute the constant
SELECT data FROM stash.to_jsonl('SELECT CASE WHEN $1 THEN 1 / 0 ELSE 0 END AS a', params => ROW(false));
-- in the other forms
SELECT data FROM stash.to_json('SELECT n FROM item WHERE n = $1', params => ROW(7));
SELECT encode(substring(string_agg(data, '' ORDER BY chunk) FROM 1 FOR 4), 'hex'), sum(row_count)
FROM stash.to_arrow('SELECT n FROM item WHERE n > $1', params => ROW('7'));
SELECT * FROM stash.from_arrow((SELECT string_agg(data, '' ORDER BY chunk) FROM stash.to_arrow('SELECT n FROM item WHERE n > $1 ORDER BY n', params => ROW('7')))) AS t (n int);
SELECT * FROM stash.query('SELECT n, name FROM item WHERE n = $1 AND name LIKE $2', ROW('7', 'name%')) AS t (n int, name text);

-- commands with RETURNING: once and to the end, in whatever chunks, however few are read
CREATE FUNCTION chunks(query text, rows int DEFAULT 2) RETURNS TABLE (chunk int8, row_count int, data text) LANGUAGE SQL
AS $$ SELECT (c).* FROM (SELECT stash.to_jsonl(query, rows) AS c OFFSET 0) s $$;
SELECT * FROM chunks($$INSERT INTO item SELECT i, 'new ' || i FROM generate_series(11, 15) i RETURNING n$$);
SELECT (stash.to_jsonl('UPDATE item SET name = upper(name) WHERE n > 10 RETURNING n, name', 1)).data LIMIT 1;
SELECT count(*) FROM item WHERE name LIKE 'NEW%';
SELECT * FROM chunks('DELETE FROM item WHERE n > 13 RETURNING item.*', 10);
SELECT * FROM chunks('DELETE FROM item WHERE n > 100 RETURNING n');
SELECT data FROM stash.to_json('DELETE FROM item WHERE n > 100 RETURNING n');
SELECT * FROM chunks('WITH gone AS (DELETE FROM item WHERE n > 10 RETURNING n) SELECT n, (SELECT count(*) FROM item) AS seen FROM gone ORDER BY n');
-- a WITH that nobody reads runs, too
SELECT * FROM chunks('WITH ignored AS (INSERT INTO item VALUES (11) RETURNING n) SELECT 1 AS one');
SELECT data FROM stash.to_jsonl('DELETE FROM item WHERE n = $1 RETURNING n', params => ROW('11'));
SELECT count(*) FROM item;
-- it sees what the transaction has written, and what comes later sees what it wrote
BEGIN;
INSERT INTO item VALUES (20);
SELECT data FROM stash.to_jsonl('UPDATE item SET n = 21 WHERE n = 20 RETURNING n');
DO $$
DECLARE
	line text;
BEGIN
	SELECT data INTO line FROM stash.to_jsonl('UPDATE item SET n = 22 WHERE n = 21 RETURNING n');
	RAISE NOTICE '% and %', line, (SELECT max(n) FROM item);
	-- two in one statement
	SELECT string_agg(data, ' ') INTO line FROM generate_series(22, 24) g, LATERAL stash.to_jsonl('UPDATE item SET n = n + 1 WHERE n = $1 RETURNING n', params => ROW(g)) c;
	RAISE NOTICE '% and %', line, (SELECT max(n) FROM item);
END$$;
-- in a cursor: all of it with the first row; rolled back with its savepoint
SAVEPOINT before;
DECLARE c CURSOR FOR SELECT data FROM chunks('DELETE FROM item WHERE n > 5 RETURNING n', 1);
FETCH 1 FROM c;
SELECT count(*) FROM item;
FETCH 2 FROM c;
ROLLBACK TO before;
SELECT count(*) FROM item;
ROLLBACK;
BEGIN READ ONLY;
SELECT data FROM stash.to_jsonl('DELETE FROM item RETURNING n');
\echo :SQLSTATE
ROLLBACK;
-- triggers, its own and those of the statement around it
CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN INSERT INTO log (what) VALUES (TG_OP || ' ' || TG_TABLE_NAME || ' ' || TG_LEVEL); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON item FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TRIGGER note_row AFTER INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE target (line text);
CREATE TRIGGER note AFTER INSERT ON target FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO target SELECT (stash.to_jsonl('UPDATE item SET name = name WHERE n < 3 RETURNING n', 1)).data;
SELECT what FROM log ORDER BY id;
TABLE target;
DROP TRIGGER note ON item;
DROP TRIGGER note_row ON item;
-- rules
CREATE VIEW part AS SELECT n, name FROM item WHERE n < 100;
SELECT data FROM stash.to_jsonl('UPDATE part SET name = ''via view'' WHERE n = 1 RETURNING *');
CREATE TABLE ruled (n int);
CREATE RULE copy AS ON INSERT TO ruled DO ALSO INSERT INTO log (what) VALUES ('rule');
SELECT data FROM stash.to_jsonl('INSERT INTO ruled VALUES (1) RETURNING n');
\echo :SQLSTATE
CREATE RULE nothing AS ON DELETE TO ruled DO INSTEAD NOTHING;
SELECT data FROM stash.to_jsonl('DELETE FROM ruled');
\echo :SQLSTATE
SELECT count(*) FROM ruled;

-- rows that are locked stream
SELECT data FROM stash.to_jsonl('SELECT n FROM item WHERE n < 3 ORDER BY n FOR UPDATE');
SELECT * FROM chunks('SELECT n FROM item ORDER BY n FOR SHARE', 4);

-- other commands that return rows
SELECT data FROM stash.to_jsonl('SHOW work_mem');
SELECT data FROM stash.to_jsonl('EXPLAIN (COSTS OFF) SELECT * FROM item WHERE n = $1', params => ROW('3'));
SELECT data::json->'QUERY PLAN'->0->'Plan'->>'Node Type' AS node FROM stash.to_jsonl('EXPLAIN (FORMAT json) SELECT * FROM item');
SELECT count(*) > 2 AS lines FROM stash.to_jsonl('EXPLAIN (ANALYZE) INSERT INTO item VALUES (30)', 1);
SELECT count(*) FROM item WHERE n = 30;
DELETE FROM item WHERE n = 30;
PREPARE two (int) AS SELECT n, name FROM item WHERE n <= $1 ORDER BY n;
SELECT * FROM chunks('EXECUTE two (3)');
PREPARE change (int) AS DELETE FROM item WHERE n = $1 RETURNING n;
SELECT (stash.to_jsonl('EXECUTE change (10)', 1)).data LIMIT 1;
SELECT count(*) FROM item;
BEGIN;
DECLARE c CURSOR FOR SELECT n FROM item ORDER BY n;
SELECT * FROM chunks('FETCH 3 FROM c');
SELECT data FROM stash.to_json('FETCH 3 FROM c');
SELECT data FROM stash.to_json('FETCH BACKWARD 1 FROM c');
DECLARE self CURSOR FOR SELECT data FROM stash.to_json('FETCH 1 FROM self');
FETCH 1 FROM self;
\echo :SQLSTATE
ROLLBACK;
CREATE PROCEDURE twice(a int, OUT b int, OUT c text) LANGUAGE plpgsql
AS $$ BEGIN b := 2 * a; c := 'twice'; INSERT INTO log (what) VALUES ('called'); END $$;
SELECT data FROM stash.to_jsonl('CALL twice(21, NULL, NULL)');
SELECT count(*) FROM log WHERE what = 'called';
CREATE PROCEDURE ends(OUT a int) LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
SELECT data FROM stash.to_jsonl('CALL ends(NULL)');
\echo :SQLSTATE
SELECT count(*) FROM (SELECT stash.to_arrow('SHOW work_mem')) s;

-- what returns no rows
CREATE PROCEDURE silent() LANGUAGE SQL AS '';
PREPARE mute AS INSERT INTO log (what) VALUES ('x');
CREATE FUNCTION refused(query text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM stash.to_jsonl(query);
	RETURN QUERY SELECT 'not refused', query, '', '';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT SQLSTATE, message, detail, hint;
END $$;
SELECT r.* FROM unnest(ARRAY[
	'INSERT INTO item VALUES (40)', 'UPDATE item SET n = 41', 'DELETE FROM item', 'SELECT * INTO other FROM item',
	'CREATE TABLE other AS SELECT 1', 'CREATE TABLE other (n int)', 'DROP TABLE item', 'TRUNCATE item', 'COMMIT', 'SET work_mem = 64',
	'COPY item TO STDOUT', 'DECLARE d CURSOR FOR SELECT 1', 'MOVE 1 FROM c', 'PREPARE p AS SELECT 1', 'DO ''BEGIN END''', 'LISTEN x', 'VACUUM',
	'CALL silent()', 'EXECUTE mute', 'EXECUTE missing', 'FETCH 1 FROM missing', '', ';', 'SELECT 1; SELECT 2']) WITH ORDINALITY q(query, ord), refused(query) r
ORDER BY ord;
SELECT count(*), to_regclass('other') FROM item;

-- what a memoized function may do: a query that writes is none of it, nor one whose answer depends on a setting
CREATE FUNCTION writes(i int) RETURNS text LANGUAGE SQL VOLATILE AS $$ SELECT data FROM stash.to_jsonl('INSERT INTO log (what) VALUES (''memo'') RETURNING what') $$;
CREATE FUNCTION shows(i int) RETURNS text LANGUAGE SQL VOLATILE AS $$ SELECT data FROM stash.to_jsonl('SHOW work_mem') $$;
SELECT stash.memoize('writes(int)', volatile => true, ttl => '1 hour'), stash.memoize('shows(int)', volatile => true, ttl => '1 hour');
SELECT writes(1), shows(1);
SET work_mem = '5MB';
SELECT writes(1), shows(1);
RESET work_mem;
SELECT count(*) FROM log WHERE what = 'memo';

-- odd columns
SELECT data FROM stash.to_json('SELECT 1 AS a, 2 AS a, 4 AS "A ""b"" \ c", NULL AS "ünï", 5, 6');
SELECT data FROM stash.to_json('SELECT FROM generate_series(1, 3)');
SELECT data FROM stash.to_json('SELECT');
SELECT format('SELECT %s', string_agg(format('%s AS c%s', i, i), ', ')) AS wide FROM generate_series(1, 1600) i \gset
SELECT length(data), data::json->0->>'c1600' AS last, (SELECT count(*) FROM json_object_keys(data::json->0)) FROM stash.to_json(:'wide');
SELECT length(data) FROM stash.to_jsonl(:'wide' || ' FROM generate_series(1, 3)', 1);
SELECT sum(row_count) FROM stash.to_arrow(:'wide' || ' FROM generate_series(1, 3)', 1);

SET client_min_messages = warning;
DROP SCHEMA export_query CASCADE;
DEALLOCATE ALL;
