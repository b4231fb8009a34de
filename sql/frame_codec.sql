-- Codecs and filters: what a frame's bytes are packed with changes its size, never its value.
\set VERBOSITY terse
CREATE SCHEMA frame_codec_test;
SET search_path = frame_codec_test, public;

-- bits 4 to 6 of the fourth byte; the value comes back
CREATE FUNCTION packed(value anyelement, codec text DEFAULT 'lz4', OUT filter int, OUT smaller bool, OUT same bool) STABLE LANGUAGE sql AS $$
	SELECT get_byte(f, 3) >> 4, length(f) * 50 < length(stash.serialize(value, 'none')),
		stash.serialize(stash.deserialize(f, value), 'none') = stash.serialize(value, 'none')
	FROM stash.serialize(value, codec) f $$;

-- arrays of numbers are laid out anew where that pays: sorted, small, noise, in steps, with two decimals
SELECT (packed(array(SELECT i FROM generate_series(1, 10000) i))).*;
SELECT (packed(array(SELECT (i * 7919) % 1000 FROM generate_series(1, 10000) i))).*;
SELECT (packed(array(SELECT hashint4(i) FROM generate_series(1, 10000) i))).*;
SELECT (packed(array(SELECT '2026-01-01'::timestamptz + i * '5 s'::interval FROM generate_series(1, 10000) i))).*;
SELECT (packed(array(SELECT (hashint4(i) & 65535) / 100.0 FROM generate_series(1, 10000) i)::float8[])).filter;
SELECT (packed(array(SELECT i::int2 FROM generate_series(1, 10000) i))).*;
SELECT (packed(array(SELECT '2026-01-01'::date + i FROM generate_series(1, 10000) i))).*;
-- with NULLs, of two dimensions, of a domain, of another lower bound
SELECT (packed(array(SELECT CASE WHEN i % 7 > 0 THEN i END FROM generate_series(1, 10000) i))).*;
SELECT (packed((SELECT array_agg(ARRAY[i, i + 1, i + 2]) FROM generate_series(1, 3000) i))).*;
CREATE DOMAIN ints AS int[];
SELECT (packed(array(SELECT i FROM generate_series(1, 10000) i)::ints)).*;
CREATE DOMAIN small AS int CHECK (value < 100000);
SELECT (packed(array(SELECT i::small FROM generate_series(1, 10000) i))).*;
SELECT (packed(('[-5:9994]=' || array(SELECT i FROM generate_series(1, 10000) i)::text)::int[])).*;
-- others stay as they are: too short, of another width, no numbers at the end
SELECT (packed(array(SELECT i FROM generate_series(1, 120) i))).filter AS short, (packed(array(SELECT i % 3 = 0 FROM generate_series(1, 10000) i))).filter AS bool,
	(packed(array(SELECT i::text FROM generate_series(1, 1000) i))).filter AS text, (packed(ROW(array(SELECT i FROM generate_series(1, 10000) i)))).filter AS "row",
	(packed(repeat('a', 1000))).filter AS scalar;
-- nothing that compresses: stored as it is
SELECT codec, stored_bytes - raw_bytes AS more FROM stash.frame_info(stash.serialize((SELECT string_agg(sha512(i::text::bytea), '') FROM generate_series(1, 100) i), 'lz4'));

-- a variant is the same value however it is packed: identical, equal, of one hash, alone and in a row and in a frame
SELECT stash.identical(a, b) AS identical, stash.variant_eq(a, b) AS equal, stash.hash(a) = stash.hash(b) AS hash, stash.hash(ROW(a, 1)) = stash.hash(ROW(b, 1)) AS "row",
	stash.serialize(ARRAY[a], 'none') = stash.serialize(ARRAY[b], 'none') AS frame, a::bytea <> b::bytea AS packed
FROM (SELECT stash.to_variant(repeat('a', 1000)) AS a, ('\x' || encode(stash.serialize(repeat('a', 1000), 'none'), 'hex'))::stash.variant AS b) v;
-- and so it is one key
SELECT stash.create('frame_codec_test.s');
SELECT stash.put('s', (SELECT a FROM (SELECT stash.to_variant(repeat('a', 1000)) AS a) v), 1);
SELECT stash.get('s', (('\x' || encode(stash.serialize(repeat('a', 1000), 'none'), 'hex'))::stash.variant));
-- a damaged one, which only a bad disk makes, hashes by its bytes
SELECT stash.hash(stash.variant_send(stash.to_variant(1))) <> stash.hash(stash.to_variant(1)) AS other;

-- a filter without a codec, an unknown filter, below checksums that hold
CREATE FUNCTION problem(f bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN stash.deserialize(f, NULL::int[]);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT problem('\xf5530120beb280ee91743d6d040701170001030100000000010000000200000003000000'), problem('\xf55301414a6acd4c4a42472d04070117000501030100000000010000000200000003000000');

SELECT stash.serialize(1, 'LZ4');
SELECT stash.serialize(1, NULL);
SELECT stash.create('frame_codec_test.t', codec => 'zip');

DROP SCHEMA frame_codec_test CASCADE;
