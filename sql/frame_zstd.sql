-- The codec zstd, in builds that have it; those without give frame_zstd_1.out.
\set VERBOSITY terse
CREATE SCHEMA frame_zstd_test;
SET search_path = frame_zstd_test, public;

SELECT stash.serialize(''::text, 'zstd');
\if :ERROR
\quit
\endif
CREATE TABLE texts AS SELECT string_agg('line ' || i || ' of some text, again and again; ', '' ORDER BY i) AS t FROM generate_series(1, 5000) i;
SELECT codec, checksum_ok, stored_bytes < (stash.frame_info(stash.serialize(t, 'lz4'))).stored_bytes AS smaller
FROM texts, stash.frame_info(stash.serialize(t, 'zstd'));
SELECT stash.deserialize(stash.serialize(t, 'zstd'), ''::text) = t AS same, stash.decode(stash.encode(t::bytea, 'zstd')) = t::bytea AS bytes FROM texts;
SELECT get_byte(f, 3) >> 4 AS filter, length(f) < 100 AS small, stash.deserialize(f, NULL::int[]) = a AS same
FROM (SELECT array_agg(i) AS a FROM generate_series(1, 10000) i) x, stash.serialize(a, 'zstd') f;
-- what does not shrink is stored as it is
SELECT codec FROM stash.frame_info(stash.serialize(repeat('a', 50), 'zstd'));
SELECT codec FROM stash.frame_info(stash.serialize((SELECT string_agg(sha512(i::text::bytea), '') FROM generate_series(1, 100) i), 'zstd'));
-- a stash with it
SELECT stash.create('frame_zstd_test.s', codec => 'zstd');
SELECT stash.put('s', 'k', t) FROM texts;
SELECT (stash.frame_info(value::bytea)).codec, stash.get('s', 'k', ''::text) = t AS same FROM s, texts;
SELECT stash.identical(value, stash.to_variant(t)) AS identical, stash.hash(value) = stash.hash(stash.to_variant(t)) AS hash FROM s, texts;
-- damage below a checksum that holds, and a claim of 1 GB
CREATE FUNCTION problem(f bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN stash.deserialize(f, ''::text);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT problem('\xf553010210eb89d987745579030119006428b52ffd2064450000106464010061'), problem('\xf5530102eaa13f568a0e458403011900808080800428b52ffd2064450000106464010061c1e502');
DROP SCHEMA frame_zstd_test CASCADE;
