-- Files of the server into tables: arguments, rights, what an INSERT asks. test/tap/061_files.pl has files with rows.
CREATE SCHEMA import_file;
SET search_path = import_file, public;
\set SHOW_CONTEXT never
CREATE TABLE item (a int, b text DEFAULT 'none', twice int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE bare ();
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);

-- an empty file has no rows
SELECT stash.import_file('/dev/null', 'item', 'jsonl');
SELECT stash.import_file('/dev/null', 'item', 'jsonl', '{b}', 'skip');
SELECT * FROM stash.read_jsonl('/dev/null') AS t(a int);
-- and is no Arrow data
SELECT stash.import_file('/dev/null', 'item', 'arrow');
SELECT * FROM stash.read_arrow('/dev/null') AS t(a int);
SELECT * FROM stash.read_arrow(NULL) AS t(a int);

-- refused
SELECT stash.import_file(NULL, 'item');
SELECT stash.import_file('/dev/null', NULL, 'jsonl');
SELECT stash.import_file('/dev/null', 'item', 'jsonl', on_error => NULL);
SELECT stash.import_file('/dev/null', 'item', 'jsonl', on_error => 'ignore');
SELECT stash.import_file('/dev/null', 'item', 'arrow', on_error => 'ignore');
SELECT stash.import_file('/dev/null', 'item');
SELECT stash.import_file('/x.csv', 'item');
SELECT stash.import_file('/x.gz', 'item');
SELECT stash.import_file('/dev.d/x', 'item');
SELECT stash.import_file('/dev/null', 'item', 'feather');
SELECT stash.import_file('relative.jsonl', 'item');
SELECT stash.import_file('/', 'item', 'jsonl');
SELECT stash.import_file('/nowhere/at/all.jsonl', 'item');
SELECT stash.import_file('/dev/null', 'item', 'jsonl', '{nosuch}');
SELECT stash.import_file('/dev/null', 'item', 'jsonl', '{ctid}');
SELECT stash.import_file('/dev/null', 'item', 'jsonl', '{a,NULL}');
SELECT stash.import_file('/dev/null', 'item', 'jsonl', '{a,a}');
SELECT stash.import_file('/dev/null', 'item', 'jsonl', '{twice}');
SELECT stash.import_file('/dev/null', 'bare', 'jsonl');
SELECT stash.read_arrow('/x.arrow');
SELECT stash.read_arrow('/dev/null', 1);
BEGIN READ ONLY;
SELECT stash.import_file('/dev/null', 'item', 'jsonl');
ROLLBACK;

-- COPY reads Arrow, and what is packed, by the same way
LOAD 'pg_hashstash';
COPY item FROM '/dev/null' (FORMAT arrow);
COPY item FROM '/nowhere/at/all.jsonl.gz' (FORMAT jsonl);
COPY item FROM 'relative.arrow' (FORMAT arrow);
COPY item FROM '/dev/null' (FORMAT arrow) WHERE a > 1;
COPY item FROM '/dev/null' (FORMAT arrow, header);
COPY item FROM PROGRAM 'true' (FORMAT arrow);
COPY item FROM STDIN (FORMAT arrow);
\.

-- rights
CREATE ROLE regress_stash_import_file;
GRANT USAGE ON SCHEMA import_file TO regress_stash_import_file;
GRANT INSERT (a) ON item, numbered TO regress_stash_import_file;
SET ROLE regress_stash_import_file;
SELECT stash.import_file('/dev/null', 'item', 'jsonl', '{a}');
SELECT stash.import_file('/dev/null', 'item', 'arrow', '{a}');
SELECT * FROM stash.read_arrow('/dev/null') AS t(a int);
COPY item (a) FROM '/dev/null' (FORMAT arrow);
RESET ROLE;
GRANT pg_read_server_files TO regress_stash_import_file;
SET ROLE regress_stash_import_file;
SELECT stash.import_file('/dev/null', 'item', 'jsonl', '{a}');
SELECT stash.import_file('/dev/null', 'item', 'jsonl');
-- identity columns are written only where they are named
SELECT stash.import_file('/dev/null', 'numbered', 'jsonl');
SELECT stash.import_file('/dev/null', 'numbered', 'jsonl', '{}');
SELECT stash.import_file('/dev/null', 'numbered', 'jsonl', '{id,a}');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA import_file CASCADE;
DROP ROLE regress_stash_import_file;
