-- stash.to_jsonl: chunks, errors, privileges, and the life of the query behind it

CREATE TABLE export_t (id int PRIMARY KEY, name text, secret text);
INSERT INTO export_t SELECT i, 'name ' || i, 'secret ' || i FROM generate_series(1, 10) i;
ANALYZE export_t;

-- the two forms: from the select list, and in FROM
SELECT (x).* FROM (SELECT stash.to_jsonl('SELECT id, name FROM export_t ORDER BY id LIMIT 2') AS x OFFSET 0) s;
SELECT * FROM stash.to_jsonl(query => 'TABLE export_t ORDER BY id LIMIT 2;');
SELECT * FROM stash.to_jsonl('VALUES (1, ''a''), (2, NULL)');
SELECT * FROM stash.to_jsonl('WITH w AS (SELECT 1 AS one) SELECT * FROM w -- and a remark');
SELECT * FROM stash.to_jsonl('(SELECT 1 AS n UNION ALL SELECT 2) ORDER BY n DESC');

-- trap 102: no rows
-- no rows, no chunk; no columns, empty objects
SELECT * FROM stash.to_jsonl('SELECT * FROM export_t WHERE false');
SELECT * FROM stash.to_jsonl('SELECT FROM generate_series(1, 3)');

-- chunks by rows: 10 rows by 4
SELECT chunk, row_count, data FROM stash.to_jsonl('SELECT id FROM export_t ORDER BY id', chunk_rows => 4);
SELECT chunk, row_count FROM stash.to_jsonl('SELECT id FROM export_t ORDER BY id', chunk_rows => 5);

-- chunks by bytes: a line is 9 bytes here, the last one 10
SELECT chunk, row_count, octet_length(data) AS bytes
FROM stash.to_jsonl('SELECT id FROM export_t ORDER BY id', chunk_bytes => 18);
SELECT chunk, row_count, octet_length(data) AS bytes
FROM stash.to_jsonl('SELECT id FROM export_t ORDER BY id', chunk_bytes => 26);
-- a row that is too large is a chunk by itself
SELECT chunk, row_count, octet_length(data) AS bytes
FROM stash.to_jsonl($$SELECT repeat('x', n) AS x FROM unnest('{1,1,500000,1,500000,500000,1}'::int[]) n$$, chunk_bytes => 30);
SELECT chunk, row_count FROM stash.to_jsonl('SELECT id FROM export_t ORDER BY id LIMIT 3', chunk_bytes => 1);

-- whatever the chunks, the whole is the same
SELECT count(DISTINCT whole) AS wholes, min(nrows) AS least, max(nrows) AS most
FROM unnest('{1,2,3,7,100}'::int[]) r, unnest('{1,9,10,50,1000000}'::int[]) b,
	LATERAL (SELECT string_agg(data, '' ORDER BY chunk) AS whole, sum(row_count) AS nrows
		FROM stash.to_jsonl('SELECT * FROM export_t ORDER BY id', r, b)) c;

-- arguments out of range
SELECT stash.to_jsonl(NULL);
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1', NULL);
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1', chunk_bytes => NULL);
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1', 0);
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1', chunk_bytes => 0);
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1', chunk_bytes => 268435457);
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1', memory_limit => 0);
\echo :SQLSTATE

-- queries that are none
SELECT stash.to_jsonl('');
\echo :SQLSTATE
SELECT stash.to_jsonl(' ; -- nothing');
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1; SELECT 2');
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1 FRM export_t');
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT nothing FROM export_t');
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT $1');
\echo :SQLSTATE

-- queries that return no rows; sql/export_query.sql has more
SELECT stash.to_jsonl('INSERT INTO export_t VALUES (11)');
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT * INTO export_u FROM export_t');
\echo :SQLSTATE
SELECT stash.to_jsonl('COMMIT');
\echo :SQLSTATE
SELECT count(*) FROM export_t;

-- an error in the middle; the session goes on
SELECT chunk, data FROM stash.to_jsonl('SELECT 1 / (3 - i) AS x FROM generate_series(1, 5) i', 1);
\echo :SQLSTATE
DO $$
BEGIN
	PERFORM stash.to_jsonl('SELECT 1 / (3 - i) AS x FROM generate_series(1, 5) i', 1);
EXCEPTION WHEN division_by_zero THEN
	RAISE NOTICE 'caught, and then: %', (SELECT data FROM stash.to_jsonl('SELECT 1 AS x'));
END$$;

-- trap 101: rights
-- column privileges, row security, views with their owner's rights: as in the query itself
CREATE ROLE regress_stash_reader;
GRANT SELECT (id, name) ON export_t TO regress_stash_reader;
CREATE TABLE export_rows (owner name, t text);
INSERT INTO export_rows VALUES ('regress_stash_reader', 'mine'), (current_user, 'not mine');
ALTER TABLE export_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON export_rows USING (owner = current_user);
GRANT SELECT ON export_rows TO regress_stash_reader;
CREATE VIEW export_view AS SELECT t FROM export_rows WHERE t = 'not mine';
GRANT SELECT ON export_view TO regress_stash_reader;
CREATE FUNCTION export_definer() RETURNS SETOF text LANGUAGE SQL SECURITY DEFINER
AS $$ SELECT (x).data FROM (SELECT stash.to_jsonl('SELECT secret FROM export_t WHERE id = 1') AS x OFFSET 0) s $$;
SET ROLE regress_stash_reader;
SELECT data FROM stash.to_jsonl('SELECT id, name FROM export_t WHERE id < 3 ORDER BY id');
SELECT data FROM stash.to_jsonl('SELECT secret FROM export_t');
\echo :SQLSTATE
SELECT data FROM stash.to_jsonl('SELECT export_t FROM export_t');
\echo :SQLSTATE
SELECT data FROM stash.to_jsonl('TABLE export_rows');
SELECT data FROM stash.to_jsonl('TABLE export_view');
SELECT export_definer();
SET row_security = off;
SELECT data FROM stash.to_jsonl('TABLE export_rows');
\echo :SQLSTATE
RESET row_security;
RESET ROLE;

-- streaming: what LIMIT does not ask for is not computed, and the query is closed
CREATE SEQUENCE export_seq;
SELECT (stash.to_jsonl('SELECT nextval(''export_seq'') FROM generate_series(1, 1000000)', 10)).chunk LIMIT 1;
SELECT last_value FROM export_seq;
-- a table that is still being read could not be altered
BEGIN;
SELECT (stash.to_jsonl('TABLE export_t', 1)).chunk LIMIT 1;
ALTER TABLE export_t ADD extra int;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT (stash.to_jsonl('TABLE export_t', 1)).chunk;
FETCH 1 FROM c;
ALTER TABLE export_t ADD extra int;
\echo :SQLSTATE
ROLLBACK;

-- once for each row of a query around it, and inside of another export
SELECT g, (SELECT (x).data FROM (SELECT stash.to_jsonl('SELECT ' || g || ' AS g FROM generate_series(1, 5)', 2) AS x OFFSET 0) s LIMIT 1)
FROM generate_series(1, 3) g;
SELECT data FROM stash.to_jsonl($$SELECT (stash.to_jsonl('SELECT id FROM export_t WHERE id < 4 ORDER BY id', 2)).data$$);

-- trap 103: snapshot
-- one snapshot: rows written between two chunks are not seen, savepoints do no harm
BEGIN;
DECLARE c CURSOR FOR SELECT (x).* FROM (SELECT stash.to_jsonl('SELECT id FROM export_t ORDER BY id', 4) AS x OFFSET 0) s;
SAVEPOINT before_first;
FETCH 1 FROM c;
ROLLBACK TO before_first;
INSERT INTO export_t VALUES (11), (12);
SAVEPOINT before_second;
FETCH 1 FROM c;
ROLLBACK TO before_second;
-- the rights are those of its beginning, as for any cursor
SET ROLE regress_stash_reader;
FETCH ALL FROM c;
ROLLBACK;

-- a holdable cursor is completed when its transaction ends
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT (x).* FROM (SELECT stash.to_jsonl('SELECT id FROM export_t ORDER BY id', 4) AS x OFFSET 0) s;
FETCH 1 FROM held;
COMMIT;
FETCH ALL FROM held;
CLOSE held;

-- commits in a loop over the chunks
CREATE TABLE export_log (chunk int8, nrows int);
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT (x).* FROM (SELECT stash.to_jsonl('SELECT id FROM export_t ORDER BY id', 3) AS x OFFSET 0) s LOOP
		INSERT INTO export_log VALUES (c.chunk, c.row_count);
		COMMIT;
	END LOOP;
END$$;
SELECT * FROM export_log ORDER BY chunk;

-- CLOSE ALL closes cursors, not exports
CREATE FUNCTION export_close_all() RETURNS text LANGUAGE plpgsql
AS $$ BEGIN EXECUTE 'CLOSE ALL'; RETURN 'closed all'; END $$;
SELECT (x).row_count, export_close_all()
FROM (SELECT stash.to_jsonl('SELECT id FROM export_t ORDER BY id', 4) AS x OFFSET 0) s;

-- where nothing may be written
BEGIN READ ONLY;
SELECT row_count FROM stash.to_jsonl('TABLE export_t');
ROLLBACK;

-- trap 103: cancel
-- it can be interrupted
SET statement_timeout = '50ms';
SELECT count(*) FROM (SELECT stash.to_jsonl('SELECT generate_series(1, 1000000000000)')) s;
\echo :SQLSTATE
RESET statement_timeout;

-- trap 103: memory
-- the memory limit: of what is held at once, not of what passes
\set VERBOSITY terse
SELECT sum(row_count) FROM stash.to_jsonl('SELECT generate_series(1, 100000), repeat(''x'', 80) AS x',
	chunk_bytes => 65536, memory_limit => 1048576);
-- chunks that are too large for it
SELECT sum(row_count) FROM stash.to_jsonl('SELECT generate_series(1, 100000), repeat(''x'', 80) AS x',
	chunk_rows => 1000000, chunk_bytes => 8388608, memory_limit => 1048576);
\echo :SQLSTATE
-- a value that is too large for it, before it is read
CREATE TABLE export_big (big text);
INSERT INTO export_big VALUES (repeat('0123456789', 800000));
SELECT row_count FROM stash.to_jsonl('TABLE export_big', memory_limit => 1048576);
\echo :SQLSTATE
SELECT row_count, length(data) FROM stash.to_jsonl('TABLE export_big', memory_limit => 67108864);
-- a sort that is too large for it, and the same on disk
SET work_mem = '16MB';
SELECT sum(row_count) FROM stash.to_jsonl(
	'SELECT i FROM (SELECT generate_series(1, 100000) AS i OFFSET 0) s ORDER BY i DESC', memory_limit => 1048576);
\echo :SQLSTATE
SET work_mem = '64kB';
SELECT sum(row_count) FROM stash.to_jsonl(
	'SELECT i FROM (SELECT generate_series(1, 100000) AS i OFFSET 0) s ORDER BY i DESC', memory_limit => 1048576);
RESET work_mem;
\set VERBOSITY default

DROP TABLE export_t, export_log, export_big;
DROP TABLE export_rows CASCADE;
DROP FUNCTION export_definer, export_close_all;
DROP SEQUENCE export_seq;
DROP ROLE regress_stash_reader;
