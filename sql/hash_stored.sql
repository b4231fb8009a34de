-- Large values that stay in TOAST while they are read, and arrays that PL/pgSQL keeps expanded: the hashes and frames
-- are those of the same value in memory.
\set VERBOSITY terse
CREATE SCHEMA hash_stored;
SET search_path = hash_stored, public;
CREATE TYPE pair AS (a int, b text);
SELECT setseed(0.3) \g /dev/null

-- elements of many lengths, so that pieces end anywhere in them; one is longer than a piece
CREATE TABLE source AS
SELECT array_agg(i ORDER BY i) AS ints, array_agg(nullif(i % 5, 0) ORDER BY i) AS with_nulls,
	(array_agg(nullif(i % 50001, 50000) ORDER BY i))[1:40000] AS bitmap_without_nulls,
	array_agg(i * 0.1::float8 ORDER BY i) AS floats, array_agg((i % 128)::"char" ORDER BY i) AS chars,
	array_agg(md5(i::text)::uuid ORDER BY i) AS uuids, array_agg(i % 3 = 0 ORDER BY i) AS bools,
	array_agg(i::numeric / 7 ORDER BY i) AS numerics, array_agg(make_interval(secs => i) ORDER BY i) AS intervals,
	array_agg('12:00:00+01'::timetz + make_interval(secs => i) ORDER BY i) AS timetzs,
	array_agg(repeat('ä', (random() * 40)::int) ORDER BY i) AS texts,
	array_agg(CASE WHEN i % 7 > 0 THEN repeat('x', i % 23) END ORDER BY i) AS texts_with_nulls,
	array_agg(CASE i WHEN 30000 THEN repeat('long', 200000) ELSE i::text END ORDER BY i) AS texts_one_long,
	array_agg(ROW(i, repeat('y', i % 11))::pair ORDER BY i) AS pairs, array_agg(('host' || i)::name ORDER BY i) AS names,
	array_agg(int4range(i, i + i % 3) ORDER BY i) AS ranges, array_agg((i % 2)::text::varbit ORDER BY i) AS bit_strings,
	array_agg(ARRAY[i, -i] ORDER BY i) AS two_dimensions, array_agg('08:00:2b:01:02:03'::macaddr ORDER BY i) AS macs,
	('[-3:49996]=' || array_agg(i ORDER BY i)::text)::int[] AS lower_bound,
	string_agg(md5(i::text), '' ORDER BY i) AS text, convert_to(string_agg(md5(i::text), 'ß' ORDER BY i), 'UTF8') AS bytes,
	json_agg(i ORDER BY i) AS json, string_agg((i % 2)::text, '' ORDER BY i)::varbit AS bits, jsonb_agg(i ORDER BY i) AS jsonb,
	repeat('<a/>', 20000)::xml AS xml, left(string_agg(md5(i::text), '' ORDER BY i), 32760) AS limit_less_8,
	left(string_agg(md5(i::text), '' ORDER BY i), 32768) AS limit_same, left(string_agg(md5(i::text), '' ORDER BY i), 32769) AS limit_more
FROM generate_series(1, 50000) i;
CREATE TABLE external (LIKE source);
CREATE TABLE extended (LIKE source);
DO $$
DECLARE
	col name;
BEGIN
	FOR col IN SELECT attname FROM pg_attribute WHERE attrelid = 'external'::regclass AND attnum > 0 LOOP
		EXECUTE format('ALTER TABLE external ALTER %I SET STORAGE external', col);
	END LOOP;
END $$;
INSERT INTO external TABLE source;
INSERT INTO extended TABLE source;

-- each column in memory, stored in two ways, and in an array expanded from it
CREATE TABLE seen (col name, form text, hash uuid, hash64 bigint, sampled uuid, sampled_much uuid, plan text, frame uuid);
CREATE FUNCTION note(col name, form text, value anyelement) RETURNS void LANGUAGE sql AS $$
	INSERT INTO hash_stored.seen
	SELECT $1, $2, stash.hash($3), stash.hash64($3), stash.hash_sampled($3), stash.hash_sampled($3, 0, 3),
		(SELECT string_agg(p::text, ' ') FROM stash.sample_plan($3, 0, 3) p), stash.hash(stash.serialize($3, 'none')) $$;
CREATE FUNCTION note_expanded(col name, value anyarray) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	middle int := (array_lower(value, 1) + array_upper(value, 1)) / 2;
BEGIN
	PERFORM hash_stored.note(col, 'expanded, flat inside', value);
	-- to set an element takes it apart
	value[middle] := value[middle];
	PERFORM hash_stored.note(col, 'expanded', value);
END $$;
DO $$
DECLARE
	col record;
BEGIN
	FOR col IN SELECT attname AS name, format_type(atttypid, NULL) AS type, typcategory = 'A' AS is_array FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid
		WHERE attrelid = 'external'::regclass AND attnum > 0
	LOOP
		-- made anew from its text it is flat, in memory
		EXECUTE format('SELECT hash_stored.note(%L, %L, %1$I::text::%3$s) FROM hash_stored.source', col.name, 'memory', col.type);
		EXECUTE format('SELECT hash_stored.note(%L, %L, %1$I) FROM hash_stored.external', col.name, 'external');
		EXECUTE format('SELECT hash_stored.note(%L, %L, %1$I) FROM hash_stored.extended', col.name, 'extended');
		IF col.is_array AND col.name <> 'two_dimensions' THEN
			EXECUTE format('SELECT hash_stored.note_expanded(%L, %1$I) FROM hash_stored.source', col.name);
		END IF;
	END LOOP;
END $$;
SELECT col, count(*) AS forms, count(DISTINCT hash) AS hashes, count(DISTINCT hash64) AS hash64s,
	count(DISTINCT sampled) AS sampled, count(DISTINCT sampled_much) AS much, count(DISTINCT plan) AS plans,
	count(DISTINCT frame) AS frames, bool_and(hash <> sampled_much) AS is_sampled
FROM seen
GROUP BY col
ORDER BY col;
-- the frames are read back into the same values
SELECT count(*) AS same
FROM external e
WHERE stash.deserialize(stash.serialize(e.texts_one_long), NULL::text[]) = e.texts_one_long
	AND stash.deserialize(stash.serialize(e.pairs), NULL::pair[]) = e.pairs
	AND stash.deserialize(stash.serialize(e.bytes), NULL::bytea) = e.bytes;
-- and all is indeed stored in the way that its name says
SELECT count(*) FILTER (WHERE pg_column_compression(e.text) IS NULL AND pg_column_size(e.text) = octet_length(e.text)) AS external,
	count(*) FILTER (WHERE pg_column_compression(x.json) IS NOT NULL) AS extended
FROM external e, extended x;

-- the plan: what is read of the image, of which 3 bytes are the length
SELECT * FROM stash.sample_plan(repeat('x', 1000000), samples => 3);
SELECT count(*), sum(bytes), max(from_byte + bytes) FROM stash.sample_plan(repeat('x', 1000000));
-- all of a small value; nothing of NULL; parts of a row by themselves; elements; rows; blocks that touch
SELECT * FROM stash.sample_plan(12);
SELECT * FROM stash.sample_plan(NULL::int);
SELECT * FROM stash.sample_plan(ROW(1, repeat('x', 1000000), 2), 0, 2);
SELECT * FROM stash.sample_plan(ARRAY(SELECT i::text FROM generate_series(1, 20000) i), 0, 3);
SELECT * FROM stash.sample_plan(ARRAY(SELECT ROW(i, repeat('z', 20000))::pair FROM generate_series(1, 1004) i), 10000, 2) LIMIT 4;
SELECT * FROM stash.sample_plan(repeat('x', 8192 + 1024 * 5 + 1), 0, 5);
-- it agrees with the hash: a change is seen just where something is read
SELECT count(*) AS positions, count(*) FILTER (WHERE seen) AS seen, count(*) FILTER (WHERE seen <> planned) AS disagree
FROM (SELECT stash.hash_sampled(set_byte(b, i, 1), 0, 4) <> stash.hash_sampled(b, 0, 4) AS seen,
		EXISTS (SELECT FROM stash.sample_plan(b, 0, 4) p WHERE i + 3 >= p.from_byte AND i + 3 < p.from_byte + p.bytes) AS planned
	FROM (SELECT decode(repeat('00', 30000), 'hex') AS b) v, generate_series(0, 29999, 7) i) x;
SELECT * FROM stash.sample_plan(1, 0, 0);
\echo :SQLSTATE
SELECT * FROM stash.sample_plan(1, NULL);
\echo :SQLSTATE

-- of an array of rows each row counts as ten elements: 1,000 rows by default
SELECT n, (SELECT stash.hash_sampled(array_agg(ROW(i, 'x')::pair)) <> stash.hash(array_agg(ROW(i, 'x')::pair))
	FROM generate_series(1, n) i) AS is_sampled
FROM unnest('{1000,1064,1065}'::int[]) n;
SELECT threshold, (SELECT stash.hash_sampled(array_agg(ROW(i, 'x')::pair), threshold, 1) <> stash.hash(array_agg(ROW(i, 'x')::pair))
	FROM generate_series(1, 2000) i) AS is_sampled
FROM unnest('{19999,20000}'::int[]) threshold;

DROP SCHEMA hash_stored CASCADE;
