-- hash_sampled: exact for small values; of large ones it sees the ends, the shape and samples between.
\set VERBOSITY terse
CREATE SCHEMA hash_sampled;
SET search_path = hash_sampled, public;
CREATE TYPE pair AS (a int, b text);
CREATE TABLE big AS
SELECT array(SELECT generate_series(1, 50000)) AS ints, array(SELECT i::text FROM generate_series(1, 20000) i) AS texts,
	string_agg(md5(i::text), '') AS text, convert_to(string_agg(md5(i::text), ''), 'UTF8') AS bytes
FROM generate_series(1, 10000) i;
ALTER TABLE big ADD pairs pair[];
UPDATE big SET pairs = array(SELECT ROW(i, i::text)::pair FROM generate_series(1, 20000) i);

-- small values, and large ones below the threshold: exact
SELECT stash.hash_sampled(5) = stash.hash(5) AS scalar, stash.hash_sampled('{1,2,3}'::int[], 0, 1) = stash.hash('{1,2,3}'::int[]) AS array,
	stash.hash_sampled(NULL::int[], 0, 1) = stash.hash(NULL::int[]) AS nothing,
	stash.hash_sampled(ints[:10000]) = stash.hash(ints[:10000]) AS at_threshold,
	stash.hash_sampled(ints, 50000) = stash.hash(ints) AS at_own_threshold,
	stash.hash_sampled(texts[:10000]) = stash.hash(texts[:10000]) AS texts,
	stash.hash_sampled(left(text, 80000)) = stash.hash(left(text, 80000)) AS text,
	stash.hash_sampled(12.5, 0, 1) = stash.hash(12.5) AS numeric
FROM big;
-- nor is anything sampled of which as much would be read: 8,192 bytes and 1,024 for each sample; 1,000 elements and each sample
SELECT stash.hash_sampled(left(text, 9216), 0, 1) = stash.hash(left(text, 9216)) AS as_much,
	stash.hash_sampled(left(text, 9217), 0, 1) = stash.hash(left(text, 9217)) AS one_more,
	stash.hash_sampled(texts[:1001], 0, 1) = stash.hash(texts[:1001]) AS as_many,
	stash.hash_sampled(texts[:1002], 0, 1) = stash.hash(texts[:1002]) AS another
FROM big;
-- large ones: never the exact hash, never that of other samples, nor another type's
SELECT count(DISTINCT h) AS hashes, count(*) AS of FROM (
	SELECT unnest(ARRAY[stash.hash(ints), stash.hash_sampled(ints), stash.hash_sampled(ints, 0, 1), stash.hash_sampled(ints, 0, 2),
		stash.hash(texts), stash.hash_sampled(texts), stash.hash_sampled(texts, 0, 1), stash.hash_sampled(texts, 0, 2),
		stash.hash(text), stash.hash_sampled(text), stash.hash_sampled(text, 0, 1), stash.hash_sampled(text, 0, 2),
		stash.hash(bytes), stash.hash_sampled(bytes), stash.hash_sampled(text::varchar), stash.hash_sampled(to_json(text)),
		stash.hash(pairs), stash.hash_sampled(pairs), stash.hash_sampled(ROW(text)), stash.hash(ROW(text)),
		stash.hash_sampled(ARRAY[text]), stash.hash_sampled(ints::int8[]), stash.hash_sampled(ints::text[])]) AS h FROM big) x;
-- the threshold decides, and does not enter
SELECT stash.hash_sampled(ints, 0, 5) = stash.hash_sampled(ints, 49999, 5) AS same FROM big;

-- one changed element or byte: seen in the head, in the tail and in the samples
CREATE FUNCTION set_at(a anyarray, i int, v anyelement) RETURNS anyarray IMMUTABLE LANGUAGE plpgsql AS
	'BEGIN a[i] := v; RETURN a; END';
SELECT i, stash.hash_sampled(ints) <> stash.hash_sampled(set_at(ints, i, 0)) AS ints_64,
	stash.hash_sampled(ints, 0, 1) <> stash.hash_sampled(set_at(ints, i, 0), 0, 1) AS ints_1
FROM big, unnest('{1,1024,1025,2000,25001,25100,48976,48977,50000}'::int[]) i
ORDER BY i;
-- from 0, elements 500 + floor(19000 * i / 64): 500, 796, 1093 ...
SELECT i, stash.hash_sampled(texts) <> stash.hash_sampled(set_at(texts, i, 'x')) AS texts
FROM big, unnest('{1,500,501,502,796,797,798,1093,1094,10000,19500,19501,20000}'::int[]) i
ORDER BY i;
SELECT i, stash.hash_sampled(pairs) <> stash.hash_sampled(set_at(pairs, i, ROW(0, 'x')::pair)) AS pairs
FROM big, unnest('{1,500,501,502,19500,19501,20000}'::int[]) i
ORDER BY i;
-- from 0, blocks of 1,024 bytes at 4096 + floor((320000 - 9216) * i / 65): 8877, 13658 ...
SELECT i, stash.hash_sampled(text) <> stash.hash_sampled(overlay(text PLACING 'x' FROM i + 1)) AS text,
	stash.hash_sampled(bytes) <> stash.hash_sampled(set_byte(bytes, i, 255)) AS bytes
FROM big, unnest('{0,4095,4096,8876,8877,9900,9901,13658,315903,315904,319999}'::int[]) i
ORDER BY i;

-- what is always seen: length, shape, lower bound, and which elements are null
SELECT stash.hash_sampled(ints) <> stash.hash_sampled(ints || 0) AS longer, stash.hash_sampled(ints) <> stash.hash_sampled(ints[2:]) AS shorter,
	stash.hash_sampled(ints) <> stash.hash_sampled(set_at(ints, 2000, NULL)) AS null_between,
	stash.hash_sampled(set_at(ints, 2000, NULL)) <> stash.hash_sampled(set_at(ints, 2001, NULL)) AS null_moved,
	stash.hash_sampled(ints) <> stash.hash_sampled(('[0:49999]=' || ints::text)::int[]) AS lower_bound,
	stash.hash_sampled(array_fill(1, '{100,500}')) <> stash.hash_sampled(array_fill(1, '{500,100}')) AS shape,
	stash.hash_sampled(text) <> stash.hash_sampled(text || 'x') AS longer_text
FROM big;

-- each part by itself: the large field is sampled, the small one is exact
SELECT stash.hash_sampled(ROW(1, ints)) <> stash.hash(ROW(1, ints)) AS sampled, stash.hash_sampled(ROW(1, ints)) <> stash.hash_sampled(ROW(2, ints)) AS small_seen,
	stash.hash_sampled(ROW(1, ints)) = stash.hash_sampled(ROW(1, set_at(ints, 1025, 0))) AS large_missed
FROM big;

-- bad arguments
SELECT stash.hash_sampled(1, -1);
\echo :SQLSTATE
SELECT stash.hash_sampled(1, 0, 0);
\echo :SQLSTATE
SELECT stash.hash_sampled(1, NULL);
\echo :SQLSTATE
SELECT stash.hash_sampled(1, 0, NULL);
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.hash_sampled(1, 0, -5);
\set VERBOSITY terse
SELECT stash.hash_sampled(ints, 2147483647, 2147483647) = stash.hash(ints) AS largest FROM big;

DROP SCHEMA hash_sampled CASCADE;
