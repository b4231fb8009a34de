-- Tracked tables: triggers, notes of changes, trees of tables, what cannot be tracked.
CREATE SCHEMA stash_track;
SET search_path = stash_track, public;
\set SHOW_CONTEXT never
-- for which tables a later transaction is noted than when this was asked last, and whether twice; how many notes there are of all is a matter of chance
CREATE TABLE last_noted (relation oid PRIMARY KEY, xid xid8);
CREATE FUNCTION noted() RETURNS text LANGUAGE sql AS $$
	WITH latest AS (
		SELECT DISTINCT ON (relation) c.relation, c.xid, count(*) FILTER (WHERE c.place = c.xid) OVER (PARTITION BY relation, xid) AS notes
		FROM stash.change c JOIN pg_class r ON r.oid = c.relation AND r.relnamespace = 'stash_track'::regnamespace
		ORDER BY relation, xid DESC
	), later AS (
		INSERT INTO last_noted AS l SELECT relation, xid FROM latest
		ON CONFLICT (relation) DO UPDATE SET xid = excluded.xid WHERE excluded.xid > l.xid
		RETURNING relation
	)
	SELECT string_agg(relation::regclass::text || CASE WHEN notes > 1 THEN ' twice' ELSE '' END, ', ' ORDER BY relation::regclass::text COLLATE "C")
	FROM later JOIN latest USING (relation)
$$;

CREATE TABLE plain (a int PRIMARY KEY);
SELECT stash.track_problem('plain');
SELECT stash.track('plain');
-- again, it is as it was
SELECT stash.track('plain');
SELECT stash.track_problem('plain') IS NULL AS is_tracked;
\d plain

-- trap 43, 51, 52: kinds of writes
-- one note a transaction, whatever it does; none where it changes nothing
INSERT INTO plain SELECT generate_series(1, 3);
SELECT noted();
BEGIN;
UPDATE plain SET a = a + 10;
DELETE FROM plain WHERE a = 11;
COPY plain FROM stdin;
20
\.
COMMIT;
SELECT noted();
UPDATE plain SET a = 0 WHERE a = 999;
DELETE FROM plain WHERE a = 999;
INSERT INTO plain SELECT 1 WHERE false;
INSERT INTO plain VALUES (20) ON CONFLICT DO NOTHING;
SELECT count(*) FROM (SELECT FROM plain FOR UPDATE) rows;
BEGIN;
LOCK TABLE plain IN SHARE MODE;
COMMIT;
SELECT noted();
-- nor where the table is not even read, by a session that has not read it before
\c -
SET search_path = stash_track, public;
INSERT INTO plain SELECT 1 WHERE false;
SELECT noted();
INSERT INTO plain VALUES (20) ON CONFLICT (a) DO UPDATE SET a = 21;
SELECT noted();
WITH gone AS (DELETE FROM plain WHERE a = 21 RETURNING a) INSERT INTO plain SELECT a + 1 FROM gone;
SELECT noted();
MERGE INTO plain p USING (VALUES (22), (23)) v (a) ON p.a = v.a WHEN MATCHED THEN UPDATE SET a = 24 WHEN NOT MATCHED THEN INSERT VALUES (v.a);
SELECT noted();
TRUNCATE plain;
SELECT noted();
SET session_replication_role = replica;
INSERT INTO plain VALUES (1);
RESET session_replication_role;
SELECT noted();

-- trap 81: rolled back to a savepoint, and changed again
-- what is rolled back is not noted; a change after that is
BEGIN;
SAVEPOINT one;
INSERT INTO plain VALUES (2);
ROLLBACK TO one;
COMMIT;
SELECT noted();
BEGIN;
SAVEPOINT one;
INSERT INTO plain VALUES (2);
ROLLBACK TO one;
INSERT INTO plain VALUES (3);
COMMIT;
SELECT noted();

-- many tables, and some of them by what is rolled back
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN FOR i IN first .. last LOOP EXECUTE format('INSERT INTO many_%s VALUES (1)', i); END LOOP; END $$;
DO $$ BEGIN FOR i IN 1 .. 30 LOOP EXECUTE format('CREATE TABLE many_%s (a int)', i); PERFORM stash.track(format('many_%s', i)); END LOOP; END $$;
SELECT noted();
BEGIN;
SELECT fill(1, 12);
SAVEPOINT one;
SELECT fill(8, 20);
SAVEPOINT two;
SELECT fill(15, 25);
ROLLBACK TO one;
SELECT fill(19, 22);
SAVEPOINT three;
SELECT fill(22, 30);
RELEASE three;
COMMIT;
SELECT replace(noted(), 'many_', '');

-- a foreign key that cascades, a rule, a trigger that writes elsewhere
CREATE TABLE child (a int REFERENCES plain ON DELETE CASCADE);
CREATE TABLE ruled (a int);
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO child SELECT 3;
SELECT stash.track('child');
INSERT INTO ruled VALUES (1);
SELECT noted();
DELETE FROM plain WHERE a = 3;
SELECT noted();
-- a child that the server has to learn of anew between the cascade and the end of the statement
CREATE FUNCTION learn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ANALYZE child; RETURN NULL; END $$;
CREATE TRIGGER "Z" AFTER DELETE ON plain FOR EACH ROW EXECUTE FUNCTION learn();
INSERT INTO plain VALUES (4);
INSERT INTO child VALUES (4);
SELECT noted();
DELETE FROM plain WHERE a = 4;
SELECT noted();
DROP TRIGGER "Z" ON plain;

-- partitions: changes are noted for the topmost, by whichever name they are made
CREATE TABLE parts (a int) PARTITION BY LIST (a);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2, 3) PARTITION BY LIST (a);
CREATE TABLE parts_2_2 PARTITION OF parts_2 FOR VALUES IN (2);
SELECT stash.track('parts_2');
SELECT relation, problem FROM stash.tracked WHERE relation::text LIKE 'parts%' ORDER BY relation::text COLLATE "C";
INSERT INTO parts VALUES (1);
SELECT noted();
INSERT INTO parts_1 VALUES (1);
SELECT noted();
INSERT INTO parts_2_2 VALUES (2);
SELECT noted();
TRUNCATE parts_2;
SELECT noted();
-- one that came later
CREATE TABLE parts_2_3 PARTITION OF parts_2 FOR VALUES IN (3);
SELECT stash.track_problem('parts'), stash.track_problem('parts_1'), stash.track_problem('parts_2_2');
SELECT stash.track('parts');
SELECT stash.track_problem('parts') IS NULL AS is_tracked;

-- heirs, with two parents
CREATE TABLE one (a int);
CREATE TABLE two (a int);
CREATE TABLE both_of () INHERITS (one, two);
SELECT stash.track('one');
SELECT relation, problem FROM stash.tracked WHERE relation::text IN ('one', 'two', 'both_of') ORDER BY relation::text COLLATE "C";
INSERT INTO both_of VALUES (1);
SELECT noted();

-- triggers that are switched off, changed or gone
ALTER TABLE plain DISABLE TRIGGER stash_track_before;
SELECT stash.track_problem('plain');
ALTER TABLE plain ENABLE TRIGGER stash_track_before;
SELECT stash.track_problem('plain');
SELECT stash.track('plain'), stash.track_problem('plain') IS NULL AS is_tracked;
DROP TRIGGER stash_track_after ON plain;
SELECT stash.track_problem('plain');
CREATE TRIGGER stash_track_after AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON plain FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION stash.note_change();
ALTER TABLE plain ENABLE ALWAYS TRIGGER stash_track_after;
SELECT stash.track_problem('plain');
SELECT stash.track('plain'), stash.track_problem('plain') IS NULL AS is_tracked;
-- tables above stay tracked, for others are below them
SELECT stash.untrack('plain'), stash.untrack('plain'), stash.untrack('parts_1');
SELECT stash.track_problem('plain'), stash.track_problem('parts'), stash.track_problem('parts_2_2');
SELECT stash.untrack('parts');

-- trap 13, 49: who may track what
-- who may, and what can be
CREATE UNLOGGED TABLE hasty (a int);
CREATE TEMP TABLE fleeting (a int);
CREATE VIEW seen AS SELECT * FROM plain;
CREATE MATERIALIZED VIEW kept AS SELECT 1 AS a;
CREATE SEQUENCE seq;
SELECT c, stash.track_problem(c) FROM unnest('{hasty,fleeting,seen,kept,seq,pg_class,information_schema.sql_parts}'::regclass[]) c ORDER BY c::text COLLATE "C";
\set VERBOSITY terse
SELECT stash.track('hasty');
SELECT stash.track('fleeting');
SELECT stash.track('seen');
SELECT stash.track('seq');
SELECT stash.track('pg_class');
SELECT stash.track(0);
SELECT stash.note_change();
\set VERBOSITY default
CREATE ROLE regress_stash_other;
GRANT USAGE ON SCHEMA stash_track TO regress_stash_other;
GRANT ALL ON ALL TABLES IN SCHEMA stash_track TO regress_stash_other;
SELECT stash.track('plain');
TRUNCATE plain CASCADE;
SET ROLE regress_stash_other;
SELECT stash.track('parts');
\echo :SQLSTATE
SELECT stash.untrack('plain');
\echo :SQLSTATE
-- others change it, and need no right to the notes
INSERT INTO plain VALUES (7);
SELECT count(*) FROM stash.change;
\echo :SQLSTATE
SELECT count(*) > 0 AS sees_what_is_tracked FROM stash.tracked;
RESET ROLE;
SELECT noted();

-- odd names
CREATE TABLE "Größe "" 'x'; DROP" (a int);
SELECT stash.track('"Größe "" ''x''; DROP"'), stash.untrack('"Größe "" ''x''; DROP"');

-- pruning leaves one note for each table, which stands for all; a statement may do it twice, and still sees what was pruned
CREATE FUNCTION prunes() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	pruned bigint := stash.prune_changes();
BEGIN
	PERFORM 1;
	RETURN pruned;
END $$;
SELECT prunes() > 0 AS pruned, stash.prune_changes();
SELECT DISTINCT count(*) FROM stash.change WHERE relation IN (SELECT relation FROM last_noted) AND place = xid GROUP BY relation;
SELECT stash.prune_changes();
SELECT count(*) > 0 AS some_stand_for_others FROM stash.change WHERE relation IN (SELECT oid FROM pg_class WHERE relnamespace = 'stash_track'::regnamespace) AND is_pruned;
BEGIN READ ONLY;
SELECT stash.prune_changes();
\echo :SQLSTATE
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA stash_track CASCADE;
DROP OWNED BY regress_stash_other;
DROP ROLE regress_stash_other;
