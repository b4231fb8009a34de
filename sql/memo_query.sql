-- Remembered queries: results, parameters, when two texts are one query, freshness, errors.
CREATE SCHEMA stash_memo_query;
SET search_path = stash_memo_query, public;
\set SHOW_CONTEXT never
CREATE TABLE item (n int, name text);
INSERT INTO item VALUES (1, 'one'), (2, 'two'), (3, NULL);
SELECT stash.track('item');
CREATE TABLE untracked AS SELECT 7 AS n;
-- whether a query is answered from what is remembered
CREATE FUNCTION verdict(query text, params record DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(value, '; ') FROM stash.explain('stash.query_json(text,record,interval)', query, params, NULL::interval)
		WHERE item IN ('verdict', 'reason', 'last answer not kept'));
END $$;

SELECT * FROM stash.query('SELECT n, name FROM item ORDER BY n') AS t (n int, name text);
SELECT * FROM stash.query('SELECT n, name FROM item ORDER BY n') AS t (n int, name text);
SELECT * FROM stash.query_json('SELECT n, name FROM item ORDER BY n');
SELECT verdict('SELECT n, name FROM item ORDER BY n');
-- blanks and comments do not count, outside of literals and names
SELECT verdict(E'SELECT  n,\tname /* a /* nested */ comment */ FROM item -- here\nORDER BY n -- the end'),
	verdict(' SELECT n, name FROM item ORDER BY n ');
SELECT verdict('SELECT n, name FROM item ORDER BY n DESC'), verdict('select n, name FROM item ORDER BY n');
SELECT * FROM stash.query_json($q$SELECT 'a  --b' AS "x  /*y*/", $$a  b$$ AS z, E'\'  c' AS e$q$);
SELECT verdict($q$SELECT   'a  --b' AS "x  /*y*/", $$a  b$$ AS z, E'\'  c' AS e$q$), verdict($q$SELECT 'a --b' AS "x  /*y*/", $$a  b$$ AS z, E'\'  c' AS e$q$),
	verdict($q$SELECT 'a  --b' AS "x /*y*/", $$a  b$$ AS z, E'\'  c' AS e$q$), verdict($q$SELECT 'a  --b' AS "x  /*y*/", $$a b$$ AS z, E'\'  c' AS e$q$),
	verdict($q$SELECT 'a  --b' AS "x  /*y*/", $$a  b$$ AS z, E'\' c' AS e$q$);
SELECT * FROM stash.query_json(E'SELECT ''a''\n''b'' AS joined');
SELECT verdict(E'SELECT ''a''\n\n''b'' AS joined'), verdict('SELECT ''a'' ''b'' AS joined');

-- parameters, by type and value
SELECT * FROM stash.query('SELECT name FROM item WHERE n = $1', ROW(2)) AS t (name text);
SELECT * FROM stash.query_json('SELECT name FROM item WHERE n = $1', ROW(2));
SELECT verdict('SELECT name FROM item WHERE n = $1', ROW(2)), verdict('SELECT name FROM item WHERE n = $1', ROW(3)),
	verdict('SELECT name FROM item WHERE n = $1', ROW(2::bigint)), verdict('SELECT name FROM item WHERE n = $1', ROW(NULL::int));
SELECT * FROM stash.query_json('SELECT $1 AS a, $2 AS b, $3 AS c', ROW(ARRAY[1, NULL], 'x'::text, NULL::date));
SELECT * FROM stash.query_json('SELECT count(*) FROM item WHERE false');
SELECT * FROM stash.query_json('SELECT n FROM item WHERE false');
SELECT * FROM stash.query_json('TABLE item ORDER BY 1 LIMIT 1;');

-- fresh
INSERT INTO item VALUES (4, 'four');
SELECT verdict('SELECT n, name FROM item ORDER BY n');
SELECT count(*) FROM stash.query_json('SELECT n, name FROM item ORDER BY n');
SELECT verdict('SELECT n, name FROM item ORDER BY n');
BEGIN;
DELETE FROM item WHERE n = 4;
SELECT count(*) FROM stash.query_json('SELECT n, name FROM item ORDER BY n');
ROLLBACK;
SELECT count(*) FROM stash.query_json('SELECT n, name FROM item ORDER BY n');
-- what cannot be proved needs a ttl
SELECT * FROM stash.query_json('SELECT n FROM untracked');
SELECT verdict('SELECT n FROM untracked');
SELECT * FROM stash.query_json('SELECT n FROM untracked', ttl => '1 hour');
UPDATE untracked SET n = 8;
SELECT * FROM stash.query_json('SELECT n FROM untracked', ttl => '1 hour');
SELECT * FROM stash.query_json('SELECT n FROM untracked', ttl => '2 hours');
SELECT * FROM stash.query_json('SELECT n FROM untracked');

-- the caller's rights, and nobody else's answers
CREATE ROLE regress_stash_one;
GRANT USAGE ON SCHEMA stash_memo_query TO regress_stash_one;
SET ROLE regress_stash_one;
SELECT * FROM stash.query_json('SELECT n, name FROM item ORDER BY n');
\echo :SQLSTATE
SELECT count(*) FROM stash.query_result;
\echo :SQLSTATE
RESET ROLE;
GRANT SELECT ON item TO regress_stash_one;
SET ROLE regress_stash_one;
SELECT count(*) FROM stash.query_json('SELECT n, name FROM item ORDER BY n');
RESET ROLE;
REVOKE SELECT ON item FROM regress_stash_one;
SET ROLE regress_stash_one;
SELECT count(*) FROM stash.query_json('SELECT n, name FROM item ORDER BY n');
\echo :SQLSTATE
RESET ROLE;

-- errors
SELECT * FROM stash.query_json(NULL);
\echo :SQLSTATE
SELECT * FROM stash.query_json('SELECT 1; SELECT 2');
\echo :SQLSTATE
SELECT * FROM stash.query_json('DELETE FROM item');
\echo :SQLSTATE
SELECT * FROM stash.query_json('SELECT 1) AS q, (SELECT 2');
\echo :SQLSTATE
SELECT * FROM stash.query_json('SELECT $1::int AS a) AS q, (SELECT 2 AS b', ROW(1));
\echo :SQLSTATE
SELECT * FROM stash.query_json('SELECT n FROM item WHERE n = $1');
\echo :SQLSTATE
SELECT * FROM stash.query_json('SELECT 1', ttl => '-1 s');
\echo :SQLSTATE
SELECT * FROM stash.query('SELECT 1 AS a') AS t (a text);
\echo :SQLSTATE
SELECT * FROM stash.query('SELECT 1 AS a, 2 AS b') AS t (a int);
\echo :SQLSTATE
SELECT * FROM stash.query_json('');
\echo :SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA stash_memo_query CASCADE;
DROP ROLE regress_stash_one;
