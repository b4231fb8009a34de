-- stash.hash_table: whole tables, as the caller sees them

-- what a table contains, whatever its name, order and storage
CREATE TABLE hash_t (id int, t text, big text);
INSERT INTO hash_t SELECT i, 'text ' || i, CASE WHEN i % 100 = 0 THEN repeat(i::text, 5000) END FROM generate_series(1, 900) i;
CREATE TABLE hash_u (LIKE hash_t);
ALTER TABLE hash_u ALTER big SET STORAGE EXTERNAL;
INSERT INTO hash_u SELECT * FROM hash_t ORDER BY id DESC;
SELECT stash.hash_table('hash_t') = (SELECT stash.hash_set_agg(x) FROM hash_t x) AS as_aggregate,
	stash.hash_table('hash_t') = stash.hash_table('hash_u') AS other_name_and_order,
	stash.hash_table(rel => 'hash_t'::regclass, sampled => true) = stash.hash_table('hash_u') AS small_is_exact;
UPDATE hash_u SET t = t || '!' WHERE id = 450;
SELECT stash.hash_table('hash_t') = stash.hash_table('hash_u') AS same, stash.hash_table('hash_t', true) = stash.hash_table('hash_u', true) AS same;
UPDATE hash_u SET t = 'text 450' WHERE id = 450;
INSERT INTO hash_u SELECT * FROM hash_t WHERE id = 1;
SELECT stash.hash_table('hash_t') = stash.hash_table('hash_u') AS duplicate;
DELETE FROM hash_u WHERE id = 1;
INSERT INTO hash_u SELECT * FROM hash_t WHERE id = 1;
SELECT stash.hash_table('hash_t') = stash.hash_table('hash_u') AS same;
CREATE TEMP TABLE hash_temp AS TABLE hash_t;
CREATE UNLOGGED TABLE hash_unlogged AS TABLE hash_t;
CREATE MATERIALIZED VIEW hash_mat AS TABLE hash_t;
CREATE VIEW hash_view AS TABLE hash_t;
SELECT count(DISTINCT stash.hash_table(rel, sampled)) AS hashes, count(*)
FROM unnest('{hash_t,hash_temp,hash_unlogged,hash_mat,hash_view}'::regclass[]) rel, unnest('{f,t}'::bool[]) sampled;

-- empty ones differ by their columns
CREATE TABLE hash_none ();
CREATE TABLE hash_empty (id int);
SELECT stash.hash_table('hash_none') = stash.hash_table('hash_empty') AS same,
	stash.hash_table('hash_none') = stash.hash_table('hash_none', true) AS same_sampled,
	stash.hash_table('hash_empty') = (SELECT stash.hash_set_agg(e) FROM hash_empty e) AS as_aggregate,
	stash.hash_table('hash_empty', true) = stash.hash_query('TABLE hash_empty') AS set_and_list;
INSERT INTO hash_none DEFAULT VALUES;
SELECT stash.hash_table('hash_none') = stash.hash_table('hash_none', true) AS same_sampled,
	stash.hash_table('hash_none') = (SELECT stash.hash_set_agg(n) FROM hash_none n) AS as_aggregate;

-- columns: dropped ones do not count, added ones have their default, generated ones are as they are seen
CREATE TABLE hash_d (id int, gone text, t text, big text);
INSERT INTO hash_d SELECT id, 'gone', t, big FROM hash_t;
ALTER TABLE hash_d DROP gone;
SELECT stash.hash_table('hash_d') = stash.hash_table('hash_t') AS same, stash.hash_table('hash_d', true) = stash.hash_table('hash_t', true) AS same;
ALTER TABLE hash_d ADD added text DEFAULT 'late', ADD absent int, ADD twice int GENERATED ALWAYS AS (id * 2) STORED;
CREATE TABLE hash_again AS TABLE hash_d;
SELECT stash.hash_table('hash_d') = stash.hash_table('hash_again') AS same, stash.hash_table('hash_d', true) = stash.hash_table('hash_again', true) AS same,
	stash.hash_table('hash_d') = stash.hash_table('hash_t') AS as_without;

-- partitions and children: the rows as rows of the parent
CREATE TABLE hash_p (id int, t text, big text) PARTITION BY RANGE (id);
SELECT stash.hash_table('hash_p') = (SELECT stash.hash_set_agg(x) FROM hash_t x WHERE false) AS as_empty_table,
	stash.hash_table('hash_p', true) = stash.hash_table('hash_p') AS sampled_as_exact;
CREATE TABLE hash_p1 PARTITION OF hash_p FOR VALUES FROM (0) TO (300);
CREATE TABLE hash_p2 (big text, gone int, t text, id int);
ALTER TABLE hash_p2 DROP gone;
ALTER TABLE hash_p ATTACH PARTITION hash_p2 FOR VALUES FROM (300) TO (600);
CREATE TABLE hash_p3 PARTITION OF hash_p FOR VALUES FROM (600) TO (2000) PARTITION BY LIST (id);
CREATE TABLE hash_p3a PARTITION OF hash_p3 DEFAULT;
INSERT INTO hash_p SELECT * FROM hash_t;
SELECT stash.hash_table('hash_p') = stash.hash_table('hash_t') AS as_plain_table;
CREATE TABLE hash_i (id int, t text, big text);
CREATE TABLE hash_i2 (extra int) INHERITS (hash_i);
INSERT INTO hash_i SELECT * FROM hash_t WHERE id <= 600;
INSERT INTO hash_i2 SELECT id, t, big, -id FROM hash_t WHERE id > 600;
SELECT stash.hash_table('hash_i') = stash.hash_table('hash_t') AS as_plain_table;
-- sampled, each table by itself, so that it matters which rows are together; not in which order, nor of what names
SELECT stash.hash_table('hash_p', true) AS first_p, stash.hash_table('hash_i', true) AS first_i \gset
SELECT :'first_p' = stash.hash_table('hash_p') AS as_exact, :'first_p' = :'first_i' AS other_pieces;
ALTER TABLE hash_p1 RENAME TO hash_p9;
ALTER TABLE hash_p DETACH PARTITION hash_p2;
SELECT :'first_p' = stash.hash_table('hash_p', true) AS detached;
ALTER TABLE hash_p ATTACH PARTITION hash_p2 FOR VALUES FROM (300) TO (600);
SELECT :'first_p' = stash.hash_table('hash_p', true) AS attached_again;
CREATE TABLE hash_o (id int, t text, big text);
CREATE TABLE hash_o1 () INHERITS (hash_o);
CREATE TABLE hash_o2 () INHERITS (hash_o);
CREATE TABLE hash_o3 () INHERITS (hash_o);
INSERT INTO hash_o3 SELECT * FROM hash_t WHERE id < 300;
INSERT INTO hash_o2 SELECT * FROM hash_t WHERE id >= 600;
INSERT INTO hash_o1 SELECT * FROM hash_t WHERE id >= 300 AND id < 600 ORDER BY id DESC;
SELECT :'first_p' = stash.hash_table('hash_o', true) AS one_table_more;
CREATE TABLE hash_q (id int, t text, big text) PARTITION BY RANGE (id);
CREATE TABLE hash_q1 PARTITION OF hash_q FOR VALUES FROM (600) TO (2000);
CREATE TABLE hash_q2 PARTITION OF hash_q FOR VALUES FROM (300) TO (600);
CREATE TABLE hash_q3 PARTITION OF hash_q FOR VALUES FROM (0) TO (300);
INSERT INTO hash_q SELECT * FROM hash_t;
SELECT :'first_p' = stash.hash_table('hash_q', true) AS same_pieces;
UPDATE hash_p2 SET t = 'other' WHERE id = 450;
SELECT :'first_p' = stash.hash_table('hash_p', true) AS changed;
SELECT stash.hash_table('hash_p3', true) = stash.hash_table('hash_p3a', true) AS one_leaf;
UPDATE ONLY hash_i SET t = 'other' WHERE id = 1;
SELECT :'first_i' = stash.hash_table('hash_i', true) AS changed_in_parent;
UPDATE hash_i2 SET extra = 0 WHERE id = 900;
UPDATE ONLY hash_i SET t = 'text 1' WHERE id = 1;
SELECT stash.hash_table('hash_i') = stash.hash_table('hash_t') AS extra_does_not_count;
-- a leaf whose rows have no positions makes it exact
CREATE FOREIGN DATA WRAPPER hash_fdw;
CREATE SERVER hash_server FOREIGN DATA WRAPPER hash_fdw;
CREATE FOREIGN TABLE hash_q4 PARTITION OF hash_q FOR VALUES FROM (2000) TO (3000) SERVER hash_server;
SELECT stash.hash_table('hash_q', true);
\echo :SQLSTATE

-- sampled, above 1,000 rows
CREATE TABLE hash_s (id int, t text) WITH (fillfactor = 50);
INSERT INTO hash_s SELECT i, 'row ' || i FROM generate_series(1, 1000) i;
SELECT stash.hash_table('hash_s', true) = stash.hash_table('hash_s') AS exact_at_1000;
INSERT INTO hash_s VALUES (1001, 'row 1001');
SELECT stash.hash_table('hash_s', true) = stash.hash_table('hash_s') AS exact_at_1001;
INSERT INTO hash_s SELECT i, 'row ' || i FROM generate_series(1002, 20000) i;
CREATE TABLE hash_changes (n int, what text);
INSERT INTO hash_changes VALUES (1, 'first row'), (500, 'last of the first 500'), (501, 'one in the middle'),
	(10000, 'one in the middle'), (19500, 'one in the middle'), (19501, 'first of the last 500'), (20000, 'last row');
CREATE FUNCTION hash_is_seen(n int) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	seen bool;
	before uuid = stash.hash_table('hash_s', true);
BEGIN
	-- in place, as far as the order of rows and the size are concerned
	CREATE TEMP TABLE hash_copy WITH (fillfactor = 50) AS SELECT id, CASE WHEN id = n THEN reverse(t) ELSE t END AS t FROM hash_s;
	seen = stash.hash_table('hash_copy', true) <> before;
	DROP TABLE hash_copy;
	RETURN seen;
END$$;
SELECT n, what, hash_is_seen(n) AS seen FROM hash_changes ORDER BY n;
SELECT hash_is_seen(NULL) AS seen;
-- the size is seen: 19,000 rows deleted in the middle, and what is left packed together
SELECT stash.hash_table('hash_s', true) AS before \gset
BEGIN;
DELETE FROM hash_s WHERE id BETWEEN 501 AND 19499;
SELECT stash.hash_table('hash_s', true) = :'before' AS same_ends_and_size;
CREATE TEMP TABLE hash_small AS TABLE hash_s;
SELECT stash.hash_table('hash_small', true) = stash.hash_table('hash_s', true) AS same_ends_other_size,
	stash.hash_table('hash_small') = stash.hash_table('hash_s') AS same_rows;
ROLLBACK;
-- one's own changes are seen, what is deleted is not, and 1,000 rows are few wherever they are
BEGIN;
DELETE FROM hash_s WHERE id <= 19000;
SELECT stash.hash_table('hash_s', true) = stash.hash_table('hash_s') AS exact;
UPDATE hash_s SET t = 'other' WHERE id = 19500;
SELECT stash.hash_table('hash_s', true) = stash.hash_table('hash_s') AS exact;
ROLLBACK;
SELECT stash.hash_table('hash_s', true) = :'before' AS as_before;
-- whether somebody reads a large table at the same time does not matter
CREATE TABLE hash_wide (id int, t text);
ALTER TABLE hash_wide ALTER t SET STORAGE PLAIN;
INSERT INTO hash_wide SELECT i, repeat('x', 5000) FROM generate_series(1, 6000) i;
SELECT stash.hash_table('hash_wide', true) AS wide, pg_relation_size('hash_wide') > pg_size_bytes(current_setting('shared_buffers')) / 4 AS is_large \gset
SHOW synchronize_seqscans;
BEGIN;
DECLARE c CURSOR FOR TABLE hash_wide;
MOVE 3000 IN c;
SELECT :'is_large' AS is_large, stash.hash_table('hash_wide', true) = :'wide' AS same;
ROLLBACK;
DROP TABLE hash_wide;

-- names that could be taken for something else
CREATE TABLE "hash""odd; t" (t text, rel int, "t.*" int, "hash""odd; t" int);
INSERT INTO "hash""odd; t" VALUES ('one', 1, 2, 3), ('two', 4, 5, 6);
SELECT stash.hash_table('"hash""odd; t"') = (SELECT stash.hash_set_agg(x) FROM "hash""odd; t" x) AS whole_row;
CREATE SCHEMA "hash t";
CREATE TABLE "hash t".t (t int[], x int);
INSERT INTO "hash t".t VALUES ('{1}', 2);
SELECT stash.hash_table('"hash t".t') = (SELECT stash.hash_set_agg(q) FROM "hash t".t q) AS whole_row;
-- functions and operators of the caller's search_path are not asked
CREATE FUNCTION "hash t".hash_set_agg(anyelement) RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN RAISE 'wrong one'; END $$;
SET search_path = "hash t", pg_catalog;
SELECT stash.hash_table('t') IS NOT NULL AS hashed;
RESET search_path;

-- workers help where the server allows
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION hash_worker() RETURNS bool LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT backend_type = 'parallel worker' FROM pg_stat_activity WHERE pid = pg_backend_pid() $$;
SET parallel_leader_participation = off;
CREATE VIEW hash_who AS SELECT DISTINCT hash_worker() AS w FROM hash_s;
SELECT stash.hash_table('hash_who') = (SELECT stash.hash_set_agg(ROW(true)::hash_who) FROM generate_series(1, 1)) AS in_workers;
RESET parallel_leader_participation;
SET max_parallel_workers_per_gather = 0;
SELECT stash.hash_table('hash_s') AS alone \gset
SET max_parallel_workers_per_gather = 2;
SELECT stash.hash_table('hash_s') = :'alone' AS same;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- no tables, and tables that are none
SELECT stash.hash_table(NULL);
\echo :SQLSTATE
SELECT stash.hash_table('hash_t', NULL);
\echo :SQLSTATE
SELECT stash.hash_table(1);
\echo :SQLSTATE
CREATE INDEX hash_index ON hash_t (id);
SELECT stash.hash_table('hash_index');
\echo :SQLSTATE
SELECT stash.hash_table('hash_index', true);
\echo :SQLSTATE
CREATE MATERIALIZED VIEW hash_unfilled AS TABLE hash_t WITH NO DATA;
SELECT stash.hash_table('hash_unfilled', true);
\echo :SQLSTATE

-- rights: of the caller, on all columns, and on the schema
CREATE ROLE regress_stash_reader;
CREATE ROLE regress_stash_other;
CREATE TABLE hash_rls (owner name, t text);
INSERT INTO hash_rls SELECT CASE WHEN i % 3 = 0 THEN 'regress_stash_reader' ELSE 'regress_stash_other' END, 'row ' || i FROM generate_series(1, 3000) i;
ALTER TABLE hash_rls ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON hash_rls USING (owner = current_user);
GRANT SELECT ON hash_rls, hash_q, hash_s TO regress_stash_reader, regress_stash_other;
GRANT SELECT (id, t) ON hash_t TO regress_stash_reader;
GRANT SELECT (id, t, big) ON hash_u TO regress_stash_reader;
GRANT SELECT ON "hash t".t TO regress_stash_reader;
DROP FOREIGN TABLE hash_q4;
SELECT stash.hash_table('hash_rls') AS all, stash.hash_table('hash_rls', true) AS all_sampled, stash.hash_table('hash_u') AS u, stash.hash_table('hash_q', true) AS q,
	'"hash t".t'::regclass::oid AS t \gset
SET ROLE regress_stash_reader;
SELECT stash.hash_table('hash_rls') AS reader, stash.hash_table('hash_rls', true) AS reader_sampled \gset
SELECT stash.hash_table('hash_u') = :'u' AS by_columns, stash.hash_table('hash_u', true) = :'u' AS by_columns, stash.hash_table('hash_q', true) = :'q' AS by_parent,
	stash.hash_table('hash_s', true) = :'before' AS by_table;
SELECT stash.hash_table('hash_t');
\echo :SQLSTATE
SELECT stash.hash_table('hash_t', true);
\echo :SQLSTATE
SELECT stash.hash_table('hash_q1', true);
\echo :SQLSTATE
SELECT stash.hash_table(:t);
\echo :SQLSTATE
SELECT stash.hash_table(:t, true);
\echo :SQLSTATE
SET row_security = off;
SELECT stash.hash_table('hash_rls');
\echo :SQLSTATE
SELECT stash.hash_table('hash_rls', true);
\echo :SQLSTATE
RESET row_security;
SET ROLE regress_stash_other;
SELECT stash.hash_table('hash_rls') AS other, stash.hash_table('hash_rls', true) AS other_sampled \gset
RESET ROLE;
SELECT count(DISTINCT h) AS hashes FROM unnest(ARRAY[:'all', :'reader', :'other']) h;
SELECT :'all' = :'all_sampled' AS sampled_as_owner, :'reader' = :'reader_sampled' AS exact_as_reader, :'other' = :'other_sampled' AS exact_as_other,
	(SELECT stash.hash_set_agg(r) FROM hash_rls r WHERE owner = 'regress_stash_reader') = :'reader' AS own_rows;

DROP MATERIALIZED VIEW hash_unfilled, hash_mat;
DROP VIEW hash_view, hash_who;
DROP TABLE hash_t, hash_u, hash_temp, hash_unlogged, hash_none, hash_empty, hash_d, hash_again, hash_p, hash_q, hash_s, hash_changes, hash_rls, "hash""odd; t";
DROP TABLE hash_i, hash_i2, hash_o, hash_o1, hash_o2, hash_o3;
DROP FUNCTION hash_is_seen, hash_worker;
DROP SCHEMA "hash t" CASCADE;
DROP SERVER hash_server;
DROP FOREIGN DATA WRAPPER hash_fdw;
DROP ROLE regress_stash_reader, regress_stash_other;
