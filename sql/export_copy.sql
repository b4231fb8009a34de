-- COPY ... TO with formats of ours: what is read, options, errors.
CREATE SCHEMA export_copy;
SET search_path = export_copy, public;
\set SHOW_CONTEXT never
LOAD 'pg_hashstash';
CREATE TABLE item (a int, "Odd ""N" text, twice int GENERATED ALWAYS AS (a * 2) STORED, gone int, j jsonb);
ALTER TABLE item DROP COLUMN gone;
INSERT INTO item VALUES (1, 'ä "q" \', DEFAULT, '{"k": [1, null]}'), (NULL, E'two\nlines', DEFAULT, NULL);
CREATE TABLE heir () INHERITS (item);
INSERT INTO heir VALUES (99);

COPY item TO STDOUT (FORMAT jsonl);
COPY item ("Odd ""N", a) TO STDOUT WITH (FORMAT 'jsonl', chunk_rows 1);
COPY item (twice) TO STDOUT (FORMAT jsonl);
COPY (SELECT * FROM item ORDER BY a) TO STDOUT (FORMAT jsonl, chunk_bytes 1, memory_limit 10000000);
COPY (VALUES (1, 'x'), (2, 'y')) TO STDOUT (FORMAT jsonl);
COPY (TABLE item) TO STDOUT (FORMAT jsonl);
COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT jsonl);
COPY (SELECT) TO STDOUT (FORMAT jsonl);
COPY (WITH RECURSIVE w(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM w WHERE n < 3) SELECT n AS "FROM" FROM w) TO STDOUT (FORMAT jsonl);
-- the server's own formats stay the server's
COPY item TO STDOUT (FORMAT csv);
COPY item (a) TO STDOUT;

-- in a transaction its own changes are seen
BEGIN;
INSERT INTO item VALUES (3);
COPY (SELECT count(*) FROM ONLY item) TO STDOUT (FORMAT jsonl);
ROLLBACK;
BEGIN READ ONLY;
COPY (SELECT count(*) FROM ONLY item) TO STDOUT (FORMAT jsonl);
COMMIT;

-- refused
\set VERBOSITY default
COPY item TO STDOUT (FORMAT jsonl, header);
COPY item TO STDOUT (FORMAT jsonl, codec 'lz4');
COPY item TO STDOUT (FORMAT jsonl, FORMAT jsonl);
COPY item TO STDOUT (FORMAT jsonl, chunk_rows 0);
COPY item TO STDOUT (FORMAT jsonl, chunk_bytes 'many');
COPY item TO STDOUT (FORMAT jsonl, memory_limit 0);
COPY item TO STDOUT (FORMAT arrow, codec 'rar');
COPY item (nosuch) TO STDOUT (FORMAT jsonl);
COPY nosuch TO STDOUT (FORMAT jsonl);
COPY pg_views TO STDOUT (FORMAT jsonl);
COPY (SELECT nosuch FROM item) TO STDOUT (FORMAT jsonl);
COPY (INSERT INTO item VALUES (4) RETURNING a) TO STDOUT (FORMAT jsonl);
COPY (SELECT a FROM item FOR UPDATE) TO STDOUT (FORMAT jsonl);
COPY (SELECT 1 / (2 - n) AS x FROM generate_series(1, 3) n) TO STDOUT (FORMAT jsonl, chunk_rows 1);
\set VERBOSITY terse
COPY (SELECT repeat('x', 3000000)) TO STDOUT (FORMAT jsonl, memory_limit 1000000);
\set VERBOSITY default
COPY item TO 'relative.jsonl' (FORMAT jsonl);
DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO STDOUT (FORMAT jsonl)'; END $$;
SELECT stash.export_file('SELECT 1', 'relative.jsonl');
SELECT stash.export_file('SELECT 1', '/x.csv');
SELECT stash.export_file('SELECT 1', '/x');
SELECT stash.export_file('SELECT 1', NULL);
SELECT stash.export_file(NULL, '/x.jsonl');

-- rights are those of a SELECT; files and programs need a role
CREATE ROLE regress_stash_copy;
GRANT USAGE ON SCHEMA export_copy TO regress_stash_copy;
GRANT SELECT (a) ON item TO regress_stash_copy;
CREATE TABLE secret (owner name, what text);
INSERT INTO secret VALUES ('regress_stash_copy', 'mine'), ('other', 'theirs');
GRANT SELECT ON secret TO regress_stash_copy;
CREATE POLICY own ON secret USING (owner = current_user);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_copy;
COPY item (a) TO STDOUT (FORMAT jsonl);
COPY item TO STDOUT (FORMAT jsonl);
COPY (SELECT j FROM item) TO STDOUT (FORMAT jsonl);
COPY secret TO STDOUT (FORMAT jsonl);
COPY (SELECT 1) TO '/dev/null' (FORMAT jsonl);
COPY (SELECT 1) TO PROGRAM 'true' (FORMAT jsonl);
SELECT stash.export_file('SELECT 1', '/dev/null', 'jsonl');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA export_copy CASCADE;
DROP ROLE regress_stash_copy;
