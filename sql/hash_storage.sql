-- A hash and a frame depend on the value alone: on no form of storage, no setting.
CREATE SCHEMA hash_storage;
SET search_path = hash_storage, public;
\set VERBOSITY terse

-- TOAST: in the row, compressed, external, both; with a long header in memory and a short one on disk
CREATE TABLE stored (form text, t text, b bytea, a int[], x text[], j jsonb, n numeric);
CREATE TABLE plain (LIKE stored);
ALTER TABLE plain ALTER t SET STORAGE main, ALTER b SET STORAGE main, ALTER a SET STORAGE main, ALTER x SET STORAGE main, ALTER j SET STORAGE main;
CREATE TABLE external (LIKE stored);
ALTER TABLE external ALTER t SET STORAGE external, ALTER b SET STORAGE external, ALTER a SET STORAGE external, ALTER x SET STORAGE external, ALTER j SET STORAGE external;
CREATE VIEW source AS
SELECT size, left(repeat('ab', size), size) AS t, convert_to(repeat('ab', size), 'UTF8') AS b,
	array(SELECT i % 7 FROM generate_series(1, size) i) AS a, array(SELECT 'x' || i FROM generate_series(1, size) i) AS x,
	jsonb_build_object('a', repeat('ab', size)) AS j, (10::numeric ^ size) AS n
FROM unnest('{1,50,3000,20000}'::int[]) size;
INSERT INTO stored SELECT 'extended ' || size, t, b, a, x, j, n FROM source;
INSERT INTO plain SELECT 'main ' || size, t, b, a, x, j, n FROM source;
INSERT INTO external SELECT 'external ' || size, t, b, a, x, j, n FROM source;
ALTER TABLE stored ALTER t SET COMPRESSION pglz;
-- they are indeed stored in four ways
SELECT count(*) FILTER (WHERE pg_column_compression(t) IS NOT NULL) > 0 AS compressed,
	count(DISTINCT pg_column_size(t) < octet_length(t)) AS sizes
FROM (TABLE stored UNION ALL TABLE plain) s;
SELECT pg_relation_size(reltoastrelid) > 0 AS has_external FROM pg_class WHERE oid = 'external'::regclass;
SELECT size, count(*) AS forms,
	count(*) FILTER (WHERE stash.hash(s.t) = stash.hash(source.t)) AS text,
	count(*) FILTER (WHERE stash.hash(s.b) = stash.hash(source.b)) AS bytea,
	count(*) FILTER (WHERE stash.hash(s.a) = stash.hash(source.a)) AS ints,
	count(*) FILTER (WHERE stash.hash(s.x) = stash.hash(source.x)) AS texts,
	count(*) FILTER (WHERE stash.hash(s.j) = stash.hash(source.j)) AS jsonb,
	count(*) FILTER (WHERE stash.hash(s.n) = stash.hash(source.n)) AS numeric,
	count(*) FILTER (WHERE stash.hash64(s.a) = stash.hash64(source.a)) AS hash64,
	count(*) FILTER (WHERE stash.serialize(s.x) = stash.serialize(source.x)) AS frames,
	count(*) FILTER (WHERE stash.hash(ROW(s.t, s.a)) = stash.hash(ROW(source.t, source.a))) AS rows,
	count(*) FILTER (WHERE stash.hash_sampled(s.a, 100, 4) = stash.hash_sampled(source.a, 100, 4)) AS sampled
FROM (TABLE stored UNION ALL TABLE plain UNION ALL TABLE external) s
JOIN source ON split_part(form, ' ', 2)::int = size
GROUP BY size
ORDER BY size;
-- and differ from one another
SELECT count(DISTINCT stash.hash(t)) AS texts, count(DISTINCT stash.hash(a)) AS arrays FROM stored;

-- composites with parts on disk
CREATE TYPE two AS (t text, a int[]);
CREATE TABLE composites (c two);
INSERT INTO composites SELECT ROW(t, a)::two FROM stored;
SELECT count(*) AS same FROM composites
JOIN stored ON stash.hash(c) = stash.hash(ROW(t, a)::two) AND stash.serialize(c) = stash.serialize(ROW(t, a)::two);

-- an array that plpgsql keeps apart, element by element
CREATE FUNCTION expanded() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	numbers int[];
	texts text[];
BEGIN
	FOR i IN 1..500 LOOP
		numbers[i] := i;
		texts[i] := 'text ' || i;
	END LOOP;
	texts[7] := NULL;
	numbers[3] := NULL;
	numbers[3] := 3;
	RETURN format('%s %s %s', stash.hash(numbers) = stash.hash(array(SELECT generate_series(1, 500))),
		stash.hash(texts) = stash.hash(array(SELECT CASE WHEN i <> 7 THEN 'text ' || i END FROM generate_series(1, 500) i)),
		stash.serialize(numbers) = stash.serialize(array(SELECT generate_series(1, 500))));
END $$;
SELECT expanded();

-- a null bitmap without a null
SELECT array_dims(a) AS dims, pg_column_size(a) > pg_column_size('{1,2,3}'::int[]) AS has_bitmap,
	stash.hash(a) = stash.hash('{1,2,3}'::int[]) AS same, stash.serialize(a) = stash.serialize('{1,2,3}'::int[]) AS same_frame
FROM (SELECT ('{1,2,3,NULL}'::int[])[1:3] AS a) x;
SELECT stash.hash(array_remove('{1,NULL,2}'::int[], NULL)) = stash.hash('{1,2}'::int[]) AS removed,
	stash.hash(('{1,2,3}'::int[])[4:5]) = stash.hash('{}'::int[]) AS emptied;

-- settings: values that have a text, or that are sent as one
CREATE TYPE pair AS (a int, b text);
CREATE TYPE mood AS ENUM ('sad', '世界');
CREATE TABLE kept AS
SELECT '2024-02-03 04:05:06.789+00'::timestamptz AS timestamptz, '2024-02-03'::date AS date,
	'1 year 2 mons -3 days 04:05:06'::interval AS interval, 0.1::float8 + 0.2::float8 AS float8, 0.1::float4 AS float4,
	'\x00ff'::bytea AS bytea, 12345.67::numeric::money AS money, 'pg_class'::regclass AS catalog, 'plain'::regclass AS rel,
	'{"a": "Grüße 世界"}'::jsonb AS jsonb, '{"a": "世界"}'::json AS json, 'Grüße 世界'::text AS text, '世界'::name AS name,
	'<a>世界</a>'::xml AS xml, '世界:1 the:2'::tsvector AS tsvector, '世界'::tsquery AS tsquery, '04:05:06+02'::timetz AS timetz,
	ARRAY[ROW(1, '世界'), ROW(2, 'x')]::pair[] AS pairs, '[2024-01-01 00:00+00,)'::tstzrange AS range,
	'abs(int4)'::regprocedure AS function, '{世界,x}'::text[] AS texts, '世界'::mood AS mood, '$."世界"'::jsonpath AS jsonpath,
	'(1.1,2.3)'::point AS point, 'int4'::regtype AS type, 'pair'::regtype AS own;
CREATE TABLE wanted (col name PRIMARY KEY, hash uuid, frame bytea);
CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$
DECLARE
	col name;
BEGIN
	FOR col IN SELECT attname FROM pg_attribute WHERE attrelid = 'hash_storage.kept'::regclass AND attnum > 0 LOOP
		EXECUTE format('INSERT INTO hash_storage.wanted SELECT %L, stash.hash(%I), stash.serialize(%2$I, ''none'') FROM hash_storage.kept', col, col);
	END LOOP;
END $$;
CALL fill();
-- columns whose hash or frame is another one now, or whose frame is not read back
CREATE FUNCTION changed() RETURNS name[] LANGUAGE plpgsql AS $$
DECLARE
	w hash_storage.wanted;
	same bool;
	changed name[] := '{}';
BEGIN
	FOR w IN SELECT * FROM hash_storage.wanted ORDER BY col LOOP
		EXECUTE format('SELECT stash.hash(%1$I) = $1 AND stash.serialize(%1$I, ''none'') = $2'
			' AND stash.hash(stash.deserialize($2, %1$I)) = $1 FROM hash_storage.kept', w.col) INTO same USING w.hash, w.frame;
		IF same IS NOT TRUE THEN
			changed := changed || w.col;
		END IF;
	END LOOP;
	RETURN changed;
END $$;
SELECT count(*) FROM wanted;
SELECT changed();
SET TimeZone = 'America/St_Johns'; SELECT changed(); RESET TimeZone;
SET DateStyle = 'German, DMY'; SELECT changed(); RESET DateStyle;
SET DateStyle = 'SQL, MDY'; SELECT changed(); RESET DateStyle;
SET IntervalStyle = 'iso_8601'; SELECT changed(); RESET IntervalStyle;
SET IntervalStyle = 'sql_standard'; SELECT changed(); RESET IntervalStyle;
SET extra_float_digits = -15; SELECT changed(); RESET extra_float_digits;
SET extra_float_digits = 3; SELECT changed(); RESET extra_float_digits;
SET bytea_output = 'escape'; SELECT changed(); RESET bytea_output;
SET xmloption = 'document'; SELECT changed(); RESET xmloption;
SET xmlbinary = 'hex'; SELECT changed(); RESET xmlbinary;
SET lc_monetary = 'C.UTF-8'; SELECT changed(); RESET lc_monetary;
SET quote_all_identifiers = on; SELECT changed(); RESET quote_all_identifiers;
SET search_path = ''; SELECT hash_storage.changed();
SET search_path = hash_storage, public, pg_catalog; SELECT changed();
SET search_path = pg_temp, hash_storage, pg_catalog; SELECT changed(); SET search_path = hash_storage, public;
-- names of the server and of a user, hidden by temporary ones
CREATE TEMP TABLE pg_class (a int);
CREATE TEMP TABLE plain (a int);
CREATE TYPE pg_temp.int4 AS (a int);
CREATE TYPE pg_temp.pair AS (a int);
SELECT changed();
DROP TABLE pg_temp.pg_class, pg_temp.plain;
DROP TYPE pg_temp.int4, pg_temp.pair;
-- a client that has no word for most of this
SET client_encoding = 'LATIN1'; SELECT changed();
SET client_encoding = 'SQL_ASCII'; SELECT changed(); RESET client_encoding;
-- and the client's encoding is what it was, also after an error
SET client_encoding = 'LATIN1';
SELECT stash.deserialize(stash.serialize('{"a": 1}'::jsonb), NULL::jsonb);
SHOW client_encoding;
-- 0x03 is no version of jsonb
SELECT stash.deserialize('\xf553010056b5a507a5c1c6450301da0e03037b7d', NULL::jsonb);
\echo :SQLSTATE
SHOW client_encoding;
RESET client_encoding;
-- of a test that could not fail
UPDATE kept SET text = 'other', mood = 'sad';
SELECT changed();

DROP SCHEMA hash_storage CASCADE;
