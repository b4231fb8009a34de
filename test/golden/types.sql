-- The types in hash.tsv, sampled.tsv, rows.tsv and frames.tsv, and the tables in rows.tsv.
CREATE SCHEMA golden;
CREATE TYPE golden.mood AS ENUM ('sad', 'ok', 'very happy');
CREATE TYPE golden.pair AS (a int4, b text);
CREATE TYPE golden.nested AS (p golden.pair, "Mood" golden.mood, t text[]);
CREATE TYPE golden.nothing AS ();
CREATE TYPE golden.nine AS (a bool, b bool, c bool, d bool, e bool, f bool, g bool, h bool, i bool);
CREATE DOMAIN golden.positive AS int4 CHECK (value > 0);
CREATE DOMAIN golden.pairs AS golden.pair[];
CREATE TYPE golden.words AS RANGE (subtype = text, multirange_type_name = golden.manywords);
-- a column that was dropped leaves no trace
CREATE TABLE golden.scarred (a int4, gone text, b text);
ALTER TABLE golden.scarred DROP COLUMN gone;
-- hashed by what its owner says
CREATE DOMAIN golden.email AS text;
CREATE FUNCTION golden.email_hash(value text) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN md5(lower(value))::uuid;
SELECT stash.register_hash('golden.email', 'golden.email_hash(text)');
CREATE TYPE golden.emails AS RANGE (subtype = golden.email);
CREATE TYPE golden.contact AS (id int4, mail golden.email);

CREATE TABLE golden.few (n int4, t text);
INSERT INTO golden.few SELECT i, i FROM generate_series(1, 1000) i;
CREATE TABLE golden.many (n int4, gone text, t text);
ALTER TABLE golden.many DROP COLUMN gone;
INSERT INTO golden.many SELECT i, i FROM generate_series(1, 3000) i;
CREATE TABLE golden.tree (n int4, t text) PARTITION BY RANGE (n);
CREATE TABLE golden.leaf_many PARTITION OF golden.tree FOR VALUES FROM (1001) TO (9999);
CREATE TABLE golden.branch (t text, n int4) PARTITION BY RANGE (n);
CREATE TABLE golden.leaf_few PARTITION OF golden.branch FOR VALUES FROM (1) TO (1001);
ALTER TABLE golden.tree ATTACH PARTITION golden.branch FOR VALUES FROM (1) TO (1001);
INSERT INTO golden.tree SELECT i, i FROM generate_series(1, 3000) i;
