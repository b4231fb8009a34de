-- A type's owner decides what hashes and keys see of its values.
\set VERBOSITY terse
CREATE SCHEMA hash_strategy;
SET search_path = hash_strategy, public;

-- mail addresses are one whatever their case
CREATE DOMAIN email AS text CHECK (value LIKE '%@%');
CREATE FUNCTION email_hash(value text) RETURNS uuid IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql RETURN stash.hash(lower(value));
CREATE TABLE before AS SELECT stash.hash('Ann@X'::email) AS hash, stash.hash(ARRAY['Ann@X']::email[]) AS array_hash;
SELECT stash.hash('Ann@X'::email) = stash.hash('Ann@X'::text) AS as_base_type, stash.hash('Ann@X'::email) = stash.hash('ann@x'::email) AS as_lower;
SELECT stash.register_hash('email', 'email_hash(text)', 'it''s one mailbox');
SELECT type, function, owner = current_user AS mine, description FROM stash.hash_strategies WHERE type = 'email'::regtype;
SELECT stash.hash('Ann@X'::email) = stash.hash('ann@x'::email) AS hash, stash.hash64('Ann@X'::email) = stash.hash64('ann@x'::email) AS hash64,
	stash.hash_sampled('Ann@X'::email) = stash.hash('ann@x'::email) AS hash_sampled,
	stash.hash('Ann@X'::email) <> stash.hash('Bob@X'::email) AS others_differ,
	stash.hash('Ann@X'::email) <> hash AS not_as_before, stash.hash('ann@x'::email) <> stash.hash('ann@x'::text) AS not_as_base_type
FROM before;
-- the digest is hashed with the name of the type; it is no hash itself
SELECT stash.hash('Ann@X'::email) <> email_hash('ann@x') AS not_the_digest;
-- NULL is hashed without asking
SELECT stash.hash(NULL::email) = stash.hash(NULL::email) AS same, stash.hash(NULL::email) <> stash.hash(NULL::text) AS of_its_type,
	stash.hash(ARRAY[NULL, 'A@X']::email[]) = stash.hash(ARRAY[NULL, 'a@x']::email[]) AS in_arrays;

-- a row with a large column that does not count
CREATE TYPE photo AS (id int, pixels bytea);
CREATE FUNCTION photo_hash(value photo) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
BEGIN
	RETURN stash.hash((value).id);
END
$$;
SELECT stash.register_hash('photo', 'photo_hash(photo)');
SELECT stash.hash(ROW(1, repeat('x', 1000000)::bytea)::photo) = stash.hash(ROW(1, NULL)::photo) AS same,
	stash.hash(ROW(1, NULL)::photo) <> stash.hash(ROW(2, NULL)::photo) AS differs,
	stash.hash(ROW(1, NULL)::photo) <> stash.hash(ROW(1, NULL::bytea)) AS not_as_anonymous;

-- an enum
CREATE TYPE answer AS ENUM ('yes', 'aye', 'no');
CREATE FUNCTION answer_hash(value answer) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql
	RETURN CASE value WHEN 'no' THEN '00000000-0000-0000-0000-000000000000' ELSE '00000000-0000-0000-0000-000000000001' END::uuid;
SELECT stash.register_hash('answer', 'answer_hash(answer)');
SELECT stash.hash('yes'::answer) = stash.hash('aye'::answer) AS same, stash.hash('yes'::answer) <> stash.hash('no'::answer) AS differs;

-- a range, and its multirange
CREATE TYPE span AS RANGE (subtype = float8, multirange_type_name = spans);
CREATE FUNCTION span_hash(value span) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash(upper(value) - lower(value));
SELECT stash.register_hash('span', 'span_hash(span)');
SELECT stash.hash('[1,3]'::span) = stash.hash('[5,7]'::span) AS same, stash.hash('[1,3]'::span) <> stash.hash('[1,4]'::span) AS differs,
	stash.hash('{[1,3],[5,7]}'::spans) = stash.hash('{[2,4],[6,8]}'::spans) AS multirange, stash.hash('{[1,3]}'::spans) <> stash.hash('{[1,4]}'::spans) AS differs;

-- at any depth
CREATE TYPE person AS (name text, mail email, others email[], face photo);
CREATE DOMAIN work_email AS email;
CREATE DOMAIN emails AS email[];
CREATE TYPE people AS RANGE (subtype = email, multirange_type_name = peoples);
CREATE FUNCTION pair(what text, a uuid, b uuid, a64 int8, b64 int8, sampled uuid) RETURNS text LANGUAGE sql AS
	'SELECT what || CASE WHEN a = b AND a64 = b64 AND sampled = a THEN '': same'' ELSE '': differ'' END';
\set pair 'SELECT pair(what, stash.hash(a), stash.hash(b), stash.hash64(a), stash.hash64(b), stash.hash_sampled(b)) FROM'
\pset tuples_only on
:pair (SELECT 'array', ARRAY['A@x', NULL, 'b@x']::email[], ARRAY['a@X', NULL, 'B@x']::email[]) x(what, a, b);
:pair (SELECT 'array in another order', ARRAY['a@x', 'b@x']::email[], ARRAY['b@x', 'a@x']::email[]) x(what, a, b);
:pair (SELECT 'two dimensions', ARRAY[['A@x'], ['b@x']]::email[], ARRAY[['a@x'], ['B@x']]::email[]) x(what, a, b);
:pair (SELECT 'row', ROW('Ann', 'A@x', '{B@x}', ROW(1, 'x'))::person, ROW('Ann', 'a@x', '{b@x}', ROW(1, 'y'))::person) x(what, a, b);
:pair (SELECT 'row with another name', ROW('Ann', 'A@x', '{}', NULL)::person, ROW('ann', 'A@x', '{}', NULL)::person) x(what, a, b);
:pair (SELECT 'array of rows', ARRAY[ROW('Ann', 'A@x', NULL, NULL)]::person[], ARRAY[ROW('Ann', 'a@x', NULL, NULL)]::person[]) x(what, a, b);
:pair (SELECT 'anonymous row', ROW(1, 'A@x'::email), ROW(1, 'a@x'::email)) x(what, a, b);
:pair (SELECT 'record in a row', ROW(1, ROW('A@x'::email)), ROW(1, ROW('a@x'::email))) x(what, a, b);
:pair (SELECT 'named record in a row', ROW(1, (SELECT r FROM (SELECT ROW(1, 'x')::photo AS r) t)::record), ROW(1, (SELECT r FROM (SELECT ROW(1, 'y')::photo AS r) t)::record)) x(what, a, b);
:pair (SELECT 'array of records', ARRAY[ROW(1, 'x')::photo, NULL]::record[], ARRAY[ROW(1, 'y')::photo, NULL]::record[]) x(what, a, b);
:pair (SELECT 'domain over it', 'A@x'::work_email, 'a@x'::work_email) x(what, a, b);
:pair (SELECT 'domain over it and itself', 'A@x'::work_email, 'a@x'::email) x(what, a, b);
:pair (SELECT 'domain over its array', '{A@x}'::emails, '{a@x}'::emails) x(what, a, b);
:pair (SELECT 'array of domains over its array', ARRAY['{A@x}'::emails], ARRAY['{a@x}'::emails]) x(what, a, b);
:pair (SELECT 'range', people('A@x', 'B@x'), people('a@x', 'b@x')) x(what, a, b);
:pair (SELECT 'other range', people('A@x', 'B@x'), people('a@x', 'c@x')) x(what, a, b);
:pair (SELECT 'multirange', peoples(people('A@x', 'B@x')), peoples(people('a@x', 'b@x'))) x(what, a, b);
\pset tuples_only off
-- elements that a sampled hash reads are hashed by the strategy, too
CREATE TABLE many AS SELECT array_agg(('P' || i || '@x')::email ORDER BY i) AS a FROM generate_series(1, 2000) i;
SELECT stash.hash_sampled(a, 100) = stash.hash_sampled(lower(a::text)::email[], 100) AS same, stash.hash_sampled(a, 100) <> stash.hash(a) AS sampled,
	stash.hash_sampled(a, 100) <> stash.hash_sampled(a || '{p@x}'::email[], 100) AS differs
FROM many;
-- toasted values, and a function that changes its argument
CREATE DOMAIN bag AS int[];
CREATE FUNCTION bag_hash(value bag) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
BEGIN
	value[1] := value[1] + 1;
	RETURN stash.hash(array(SELECT unnest(value) ORDER BY 1));
END
$$;
SELECT stash.register_hash('bag', 'bag_hash(bag)');
CREATE TABLE bags AS SELECT array_agg(i ORDER BY i)::bag AS up, array_agg(CASE i WHEN 1 THEN 1 ELSE 10002 - i END ORDER BY i)::bag AS down FROM generate_series(1, 10000) i;
SELECT stash.hash(up) = stash.hash(down) AS same FROM bags;
-- many values: aggregates, and rows of tables and queries
CREATE TABLE notes (id int, seen int, by email);
CREATE TABLE hashes (how text, hash uuid);
CREATE FUNCTION notes_hash(value notes) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash((value).id);
SELECT stash.register_hash('notes', 'notes_hash(notes)');
\set hashes 'INSERT INTO hashes SELECT ''table'', stash.hash_table(''notes'') UNION ALL SELECT ''sampled'', stash.hash_table(''notes'', true) UNION ALL SELECT ''list'', stash.hash_agg(by ORDER BY id) FROM notes UNION ALL SELECT ''set'', stash.hash_set_agg(by) FROM notes UNION ALL SELECT ''query'', stash.hash_query(''SELECT id, by FROM hash_strategy.notes'')'
INSERT INTO notes SELECT i, 1, 'P' || i || '@x' FROM generate_series(1, 2000) i;
:hashes;
TRUNCATE notes;
INSERT INTO notes SELECT i, 2, 'p' || i || '@X' FROM generate_series(1, 2000) i;
:hashes;
SELECT how, count(*), count(DISTINCT hash) FROM hashes GROUP BY how ORDER BY how;

-- in parallel workers
CREATE TABLE mails AS SELECT ('P' || i || '@x')::email AS a, ('p' || i || '@X')::email AS b FROM generate_series(1, 2000) i;
ALTER TABLE mails SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM mails WHERE stash.hash(a) = stash.hash(b);
SELECT count(*) FROM mails WHERE stash.hash(a) = stash.hash(b);

-- frames hold values as they are
SELECT stash.deserialize(stash.serialize('Ann@X'::email), NULL::email), stash.serialize('Ann@X'::email) <> stash.serialize('ann@x'::email) AS differ,
	stash.to_variant(ARRAY['Ann@X']::email[]), stash.value(stash.to_variant(ROW(1, 'x')::photo), NULL::photo);

-- without the strategy all is as before; a rollback is no change
BEGIN;
SELECT stash.unregister_hash('email');
SELECT stash.hash('Ann@X'::email) = hash AS as_before, stash.hash(ARRAY['Ann@X']::email[]) = array_hash AS as_before FROM before;
ROLLBACK;
SELECT stash.hash('Ann@X'::email) = hash AS as_before, stash.hash('Ann@X'::email) = stash.hash('ann@x'::email) AS by_strategy FROM before;
SELECT stash.unregister_hash('email');
SELECT stash.hash('Ann@X'::email) = hash AS as_before, stash.hash(ARRAY['Ann@X']::email[]) = array_hash AS as_before FROM before;
-- names may be odd, and change
CREATE SCHEMA "odd ""schema""";
CREATE DOMAIN "odd ""schema"""."odd = type" AS text;
CREATE FUNCTION "odd ""schema"""."odd 'function'"(value text) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash(left(value, 1));
SELECT stash.register_hash('"odd ""schema"""."odd = type"', '"odd ""schema"""."odd ''function''"(text)', 'a ''quoted'' \ description');
SELECT type, function, description FROM stash.hash_strategies WHERE type::text LIKE '%odd%';
SELECT stash.hash('abc'::"odd ""schema"""."odd = type") = stash.hash('axe'::"odd ""schema"""."odd = type") AS same;
ALTER DOMAIN "odd ""schema"""."odd = type" RENAME TO even;
ALTER FUNCTION "odd ""schema"""."odd 'function'" RENAME TO also_even;
SELECT type, function FROM stash.hash_strategies WHERE type::text LIKE '%odd%';
SELECT stash.hash('abc'::"odd ""schema""".even) = stash.hash('axe'::"odd ""schema""".even) AS same;
-- the type does not go without a word, and takes the strategy along
DROP DOMAIN "odd ""schema""".even;
SET client_min_messages = warning;
DROP DOMAIN "odd ""schema""".even CASCADE;
SELECT count(*) FROM stash.hash_strategies WHERE type::text LIKE '%odd%';
DROP SCHEMA "odd ""schema""" CASCADE;
DROP SCHEMA hash_strategy CASCADE;
SELECT count(*) FROM stash.hash_strategies WHERE type::text LIKE 'hash_strategy.%';
