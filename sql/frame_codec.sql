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

-- row sets are laid out by columns, which may have filters of their own
CREATE TYPE reading AS (id int, taken timestamptz, place text, value float8, note varchar(9), ok bool, "no" numeric);
CREATE FUNCTION readings(n int) RETURNS SETOF reading STABLE LANGUAGE sql AS $$
	SELECT i, '2026-01-01'::timestamptz + i * '5 s'::interval, 'place ' || i % 7, CASE WHEN i % 5 > 0 THEN sqrt(i) END, NULL, i % 3 = 0, i / 4.0 FROM generate_series(1, n) i $$;
SELECT (packed(array(SELECT r FROM readings(5000) r))).filter, (packed(array(SELECT r FROM readings(5000) r))).same,
	length(stash.serialize(array(SELECT r FROM readings(5000) r))) * 3 < length(stash.serialize(array(SELECT r FROM readings(5000) r), 'none')) AS smaller;
SELECT (packed(array(SELECT r FROM readings(5) r))).filter AS few, (packed(array(SELECT CASE WHEN id % 3 > 0 THEN r END FROM readings(500) r))).same AS with_nulls,
	(packed((SELECT array_agg(ARRAY[r, NULL, r]) FROM readings(200) r))).same AS two_dimensions, (packed(array(SELECT ROW(id, note) FROM readings(500)))).filter AS anonymous,
	(packed(array(SELECT NULL::reading FROM generate_series(1, 9999)))).same AS all_null;
CREATE DOMAIN readings AS reading[];
SELECT (packed(array(SELECT r FROM readings(500) r)::readings)).*;
-- not with columns that have parts, nor without columns
CREATE TYPE wide AS (a int, b int[]);
CREATE TYPE nothing AS ();
SELECT (packed(array(SELECT ROW(i, ARRAY[i])::wide FROM generate_series(1, 500) i))).filter AS parts, (packed(array(SELECT ROW()::nothing FROM generate_series(1, 5000) i))).filter AS no_columns;
-- what a memoized function returns is a row set, too
SELECT stash.memoize('readings(int)', ttl => '1 hour');
SELECT count(*), count(DISTINCT id), sum(value)::int FROM readings(3000);
SELECT count(*), count(DISTINCT id), sum(value)::int FROM readings(3000);
SELECT stash.stash_of('readings(int)') AS stash \gset
SELECT get_byte(value::bytea, 3) >> 4 AS filter FROM :stash;

-- a filter without a codec; rows that are, and layouts that are none: of other sums, columns, filters, below checksums that hold
CREATE FUNCTION problem(f bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN ('\x' || encode(f, 'hex'))::stash.variant::text;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT problem('\xf5530120beb280ee91743d6d040701170001030100000000010000000200000003000000');
SELECT problem(f) FROM unnest(ARRAY['\xf5530141bf79a7844698c47e0b07080000010266310117001106070201040008f0020102010000000001010700000008000000', '\xf5530141e427c880591e3b200b07080000010266310117001106070201040007f0020102010000000001010700000008000000', '\xf5530141279692491d5c35d70b07080000010266310117001106060201040008f0020102010000000001010700000008000000', '\xf5530141d5a3ed4ead8ae39d0b07080000010266310117001106070301040008f0020102010000000001010700000008000000', '\xf5530141c2d0d8e329a0b9560b07080000010266310117001103070200f0020102010000000001010700000008000000', '\xf5530141e996af053b1480430b07080000010266310117001106070202040008f0020102010000000001010700000008000000', '\xf5530141d0d8d72bb3690d930b07080000010266310117001109070202040004040004f0020102010000000001010700000008000000', '\xf55301413952581f284443960b07080000010266310117001106070201000008f0020102010000000001010700000008000000', '\xf5530141f797622966e475b20b07080000010266310117001106070201080008f0020102010000000001010700000008000000', '\xf5530141e634a54bc7e865d00b07080000010266310117001106070201040408f0020102010000000001010700000008000000', '\xf55301417c29bc2fbc6ccdd80b07080000010266310117001106070201040308f0020102010000000001010700000008000000', '\xf5530141fdfc432075fe988c0b07080000010266310117001106070201040808f0020102010000000001010700000008000000', '\xf5530141376df1c0415cdd720b0708000001026631011700110707020104000800f0020102010000000001010700000008000000', '\xf5530141e23a410cf116f3360b070800000102663101170011050702010400f0020102010000000001010700000008000000', '\xf553014115a39a0155c1d8370b07080000010266310117001100f0020102010000000001010700000008000000', '\xf553014149f3a55f2de7ce5e0b0708000001026631011700110fffffffffffffffffff010201040008f0020102010000000001010700000008000000', '\xf5530141d768b62a654df3790b0708000001026631011700110f07ffffffffffffffffff0101040008f0020102010000000001010700000008000000']::bytea[]) f;

SELECT stash.serialize(1, 'LZ4');
SELECT stash.serialize(1, NULL);
SELECT stash.create('frame_codec_test.t', codec => 'zip');

DROP SCHEMA frame_codec_test CASCADE;
