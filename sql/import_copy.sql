-- COPY ... FROM with format jsonl: columns, rows, errors, rights, what belongs to an INSERT.
CREATE SCHEMA import_copy;
SET search_path = import_copy, public;
\set SHOW_CONTEXT never
LOAD 'pg_hashstash';
CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY, a int CHECK (a <> 13), "Odd ""N" text, twice int GENERATED ALWAYS AS (a * 2) STORED, u uuid UNIQUE);
COPY item (a, "Odd ""N") FROM STDIN (FORMAT jsonl);
{"a":1,"Odd \"N":"x\"\\ \u00e4 \ud83d\ude00"}

{"Odd \"N":"tab\t, comma, \\. and \\N","a":2,"more":[{}]}
{}
\.
-- all columns that can be written, those that are generated always, too
COPY item FROM STDIN WITH (FORMAT 'jsonl');
{"id":77,"a":5,"twice":99}
\.
SELECT * FROM item;
COPY item TO STDOUT (FORMAT jsonl);

-- all or nothing
COPY item FROM STDIN (FORMAT jsonl);
{"id":100}
{"id":101,"a":5x}
\.
COPY item FROM STDIN (FORMAT jsonl);
{"id":100}
{"id":101,"a":13}
\.
-- bad lines are left out; what breaks a constraint of the table is none
COPY item FROM STDIN (FORMAT jsonl, on_error 'skip');
{"id":100}
{"id":101,"a":5x}
nonsense
{"id":102,"a":"x"}
{"id":103,"u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}
\.
COPY item FROM STDIN (FORMAT jsonl, on_error 'skip');
{"id":104,"a":13}
\.
SELECT id, a, u FROM item WHERE id >= 100;
-- nothing, and no line end at the end
COPY item FROM STDIN (FORMAT jsonl);
\.
COPY item (id) FROM PROGRAM 'printf ''{"id":200}\n{"id":201}''' (FORMAT jsonl);
SELECT id FROM item WHERE id >= 200;

-- partitions, triggers, views
CREATE TABLE part (k int, v text) PARTITION BY LIST (k);
CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part2 PARTITION OF part FOR VALUES IN (2);
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := upper(NEW.v); RETURN NEW; END $$;
CREATE TRIGGER loud BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION loud();
CREATE VIEW parts AS SELECT * FROM part;
COPY part FROM STDIN (FORMAT jsonl);
{"k":2,"v":"b"}
{"k":1,"v":"a"}
\.
COPY parts FROM STDIN (FORMAT jsonl);
{"k":1,"v":"c"}
\.
COPY part FROM STDIN (FORMAT jsonl);
{"k":3,"v":"c"}
\.
SELECT tableoid::regclass, * FROM part ORDER BY k, v;

-- refused
COPY item FROM STDIN (FORMAT jsonl, header);
\.
COPY item FROM STDIN (FORMAT jsonl, FORMAT jsonl);
\.
COPY item FROM STDIN (FORMAT jsonl, on_error 'ignore');
\.
COPY item FROM STDIN (FORMAT jsonl) WHERE a > 1;
\.
COPY item (nosuch) FROM STDIN (FORMAT jsonl);
\.
COPY item (twice) FROM STDIN (FORMAT jsonl);
{"twice":1}
\.
COPY item FROM '/nowhere/at/all' (FORMAT jsonl);
COPY item FROM 'relative' (FORMAT jsonl);
BEGIN READ ONLY;
COPY item FROM STDIN (FORMAT jsonl);
\.
ROLLBACK;
SELECT stash.copied_lines(NULL::item, 'stop');

-- rights, column by column, and row security
CREATE ROLE regress_stash_copy_from;
GRANT USAGE ON SCHEMA import_copy TO regress_stash_copy_from;
GRANT INSERT (a) ON item TO regress_stash_copy_from;
CREATE TABLE secret (owner name, what text);
GRANT INSERT ON secret TO regress_stash_copy_from;
CREATE POLICY own ON secret WITH CHECK (owner = current_user);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_copy_from;
COPY item (a) FROM STDIN (FORMAT jsonl);
{"a":300}
\.
COPY item FROM STDIN (FORMAT jsonl);
{"a":301}
\.
COPY secret FROM STDIN (FORMAT jsonl);
{"owner":"regress_stash_copy_from"}
\.
COPY secret FROM STDIN (FORMAT jsonl);
{"owner":"other"}
\.
COPY item (a) FROM '/dev/null' (FORMAT jsonl);
COPY item (a) FROM PROGRAM 'true' (FORMAT jsonl);
RESET ROLE;
SELECT a FROM item WHERE a >= 300;
SELECT * FROM secret;

SET client_min_messages = warning;
DROP SCHEMA import_copy CASCADE;
DROP ROLE regress_stash_copy_from;
