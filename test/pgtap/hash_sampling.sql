-- What a sampled hash misses is what doc/hash.md says: every place of it, and the chance for a changed run.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;

SELECT plan(39);
SELECT setseed(0.42);

-- the documented chance that a run of n bytes at a random place of len is not read
CREATE FUNCTION chance(len int, samples int, n int) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$
	SELECT (2 * greatest(0, g - n + 1) + (samples - 1) * greatest(0, g - 1024 - n + 1)) / (len - n + 1)
	FROM (SELECT (len - 9216) / (samples + 1.0::float8) AS g) x
$$;

-- the documented places: bytes that are not read of len
CREATE FUNCTION unread(len int, samples int) RETURNS int[] IMMUTABLE LANGUAGE sql AS $$
	SELECT array_agg(at ORDER BY at) FROM generate_series(4096, len - 4097) at
	WHERE NOT EXISTS (SELECT FROM generate_series(1, samples) i, LATERAL (SELECT 4096 + (len - 9216)::int8 * i / (samples + 1)) b(begin)
		WHERE at >= begin AND at < begin + 1024)
$$;

CREATE TABLE bytes (len int PRIMARY KEY, before bytea, after bytea);
INSERT INTO bytes
SELECT len, before, decode(translate(encode(before, 'hex'), '0123456789abcdef', '123456789abcdef0'), 'hex')
FROM (SELECT len, decode(left(string_agg(md5(i::text), '' ORDER BY i), 2 * len), 'hex') AS before
	FROM unnest('{9217,20000,30000,100000,1000000}'::int[]) len, LATERAL generate_series(1, len / 16 + 1) i GROUP BY len) x;

-- Each byte in turn: exactly the documented places are not seen.
CREATE FUNCTION missed_bytes(of int, samples int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	value bytea := (SELECT before FROM bytes WHERE len = of);
	hash uuid := stash.hash_sampled(value, 0, samples);
BEGIN
	RETURN array(SELECT at FROM generate_series(0, of - 1) at
		WHERE stash.hash_sampled(set_byte(value, at, 255 - get_byte(value, at)), 0, samples) = hash ORDER BY at);
END $$;
SELECT is(md5(missed_bytes(len, samples)::text), md5(unread(len, samples)::text), format('each byte of %s with %s samples', len, samples))
FROM (VALUES (9217, 1), (20000, 1), (20000, 3), (20000, 11), (30000, 7)) x(len, samples);

-- Each element in turn, where elements are not of one size: the ends and one for each sample are seen.
CREATE FUNCTION missed_elements(value anyarray, other anyelement, samples int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	hash uuid := stash.hash_sampled(value, 0, samples);
	missed int[] := '{}';
BEGIN
	FOR i IN 1 .. cardinality(value) LOOP
		IF stash.hash_sampled(value[:i - 1] || other || value[i + 1:], 0, samples) = hash THEN
			missed := missed || (i - 1);
		END IF;
	END LOOP;
	RETURN missed;
END $$;
CREATE FUNCTION unread_elements(n int, samples int) RETURNS int[] IMMUTABLE LANGUAGE sql AS $$
	SELECT array_agg(at ORDER BY at) FROM generate_series(500, n - 501) at
	WHERE at NOT IN (SELECT 500 + (n - 1000)::int8 * i / samples FROM generate_series(0, samples - 1) i)
$$;
CREATE TYPE pair AS (a int, b text);
SELECT is(md5(missed_elements(array(SELECT i::text FROM generate_series(1, n) i), 'x'::text, samples)::text), md5(unread_elements(n, samples)::text),
	format('each text of %s with %s samples', n, samples))
FROM (VALUES (1500, 1), (1500, 64), (1500, 499), (2000, 333)) x(n, samples);
SELECT is(md5(missed_elements(array(SELECT ROW(i, i)::pair FROM generate_series(1, 1200) i), ROW(0, '')::pair, 64)::text), md5(unread_elements(1200, 64)::text), 'each row of 1200 with 64 samples');

-- Runs at random places: as many are missed as the formula says, within four standard deviations.
CREATE FUNCTION missed_runs(of int, samples int, n int, rounds int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	v bytes := (SELECT b FROM bytes b WHERE b.len = of);
	hash uuid := stash.hash_sampled(v.before, 0, samples);
	missed int := 0;
	at int;
BEGIN
	FOR i IN 1 .. rounds LOOP
		at := floor(random() * (of - n + 1))::int + 1;
		missed := missed + (stash.hash_sampled(overlay(v.before PLACING substr(v.after, at, n) FROM at FOR n), 0, samples) = hash)::int;
	END LOOP;
	RETURN missed;
END $$;

-- the same of arrays, in elements; 'after' has another value in each place
CREATE FUNCTION missed_runs(value anyarray, after anyarray, samples int, n int, rounds int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	hash uuid := stash.hash_sampled(value, 0, samples);
	missed int := 0;
	at int;
BEGIN
	FOR i IN 1 .. rounds LOOP
		at := floor(random() * (cardinality(value) - n + 1))::int + 1;
		missed := missed + (stash.hash_sampled(value[:at - 1] || after[at:at + n - 1] || value[at + n:], 0, samples) = hash)::int;
	END LOOP;
	RETURN missed;
END $$;

-- a chance of nothing means nothing
CREATE FUNCTION as_likely(missed int, rounds int, chance float8, what text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN chance = 0 THEN is(missed, 0, what || ' are always seen')
		ELSE cmp_ok(abs(missed - rounds * chance), '<=', 4 * sqrt(rounds * chance * (1 - chance)),
			format('%s are missed as expected: %s of %s by %s', what, round((rounds * chance)::numeric, 1), rounds, missed)) END
$$;
SELECT as_likely(missed_runs(len, samples, n, rounds), rounds, chance(len, samples, n), format('runs of %s in %s bytes with %s samples', n, len, samples))
FROM (VALUES (100000, 64, 1, 4000), (100000, 64, 100, 4000), (100000, 64, 1024, 4000), (100000, 64, 1398, 4000),
	(1000000, 64, 1, 1000), (1000000, 64, 1024, 1000), (1000000, 64, 10000, 1000), (1000000, 64, 15244, 1000), (1000000, 1, 1000, 1000),
	(20000, 1, 1, 4000), (20000, 1, 4000, 4000), (20000, 3, 1000, 4000), (20000, 3, 2697, 4000)) x(len, samples, n, rounds);
SELECT as_likely(missed_runs(array(SELECT generate_series(1, len)::int8), array(SELECT -generate_series(1, len)::int8), samples, n, rounds), rounds,
	chance(len * 8, samples, n * 8), format('runs of %s in int8[%s] with %s samples', n, len, samples))
FROM (VALUES (12500, 64, 1, 3000), (12500, 64, 128, 3000), (12500, 64, 175, 3000), (30000, 5, 2000, 2000), (30000, 5, 4809, 2000)) x(len, samples, n, rounds);
-- of every tenth NULL, which takes no room: 90 of 100 numbers are so many bytes
SELECT as_likely(missed_runs(array(SELECT CASE WHEN i % 10 > 0 THEN i / 7.0::float8 END FROM generate_series(1, len) i),
		array(SELECT CASE WHEN i % 10 > 0 THEN -i / 7.0::float8 END FROM generate_series(1, len) i), samples, n, rounds), rounds,
	chance((len * 7.2)::int, samples, (n * 7.2)::int), format('runs of %s in float8[%s] with nulls, with %s samples', n, len, samples))
FROM (VALUES (20000, 64, 100, 2000), (20000, 64, 400, 2000)) x(len, samples, n, rounds);
-- the longest run that can be missed lies before the tail
SELECT is(stash.hash_sampled(overlay(before PLACING substr(after, 95904 - n + 1, n) FROM 95904 - n + 1 FOR n), 0, 64) = stash.hash_sampled(before, 0, 64), n = 1397,
	format('a run of %s before the tail', n))
FROM bytes, unnest('{1397,1398}'::int[]) n WHERE len = 100000;

-- Where it samples at all: above the threshold, and where less is read so. And then no hash is an exact one.
CREATE TABLE border AS
SELECT kind, len, samples, threshold, v.*, len > limit_ AND (len + unit - 1) / unit > threshold AS is_large
FROM (VALUES (1), (2), (7), (64)) s(samples), (VALUES (0), (1000), (1200), (10000)) t(threshold), (VALUES ('bytea', 8), ('text', 8), ('json', 8), ('int8[]', 8), ('float4[]', 4)) k(kind, unit),
	LATERAL (SELECT 8192 + 1024 * samples) l(limit_), LATERAL (SELECT DISTINCT (b + d) / unit * unit FROM unnest(ARRAY[limit_, threshold * unit]) b, unnest(ARRAY[-unit, 0, unit]) d WHERE b + d >= 2) n(len),
	LATERAL (SELECT CASE kind WHEN 'bytea' THEN stash.hash(decode(repeat('7a', len), 'hex')) WHEN 'text' THEN stash.hash(repeat('a', len)) WHEN 'json' THEN stash.hash(to_json(repeat('a', len - 2)))
			WHEN 'int8[]' THEN stash.hash(array_fill(7::int8, ARRAY[len / 8])) ELSE stash.hash(array_fill(7::float4, ARRAY[len / 4])) END AS exact,
		CASE kind WHEN 'bytea' THEN stash.hash_sampled(decode(repeat('7a', len), 'hex'), threshold, samples) WHEN 'text' THEN stash.hash_sampled(repeat('a', len), threshold, samples)
			WHEN 'json' THEN stash.hash_sampled(to_json(repeat('a', len - 2)), threshold, samples) WHEN 'int8[]' THEN stash.hash_sampled(array_fill(7::int8, ARRAY[len / 8]), threshold, samples)
			ELSE stash.hash_sampled(array_fill(7::float4, ARRAY[len / 4]), threshold, samples) END AS sampled) v;
SELECT is((SELECT array_agg(format('%s %s %s %s', kind, len, samples, threshold)) FROM border WHERE (exact <> sampled) <> is_large), NULL, 'what is large is sampled, and nothing else');
SELECT is((SELECT count(*) FROM border WHERE is_large AND sampled IN (SELECT exact FROM border)), 0::bigint, 'what was sampled has no exact hash');
SELECT is((SELECT count(DISTINCT sampled) FROM border WHERE is_large), (SELECT count(DISTINCT (kind, len, samples)) FROM border WHERE is_large), 'but one for each value and number of samples');
SELECT is((SELECT array_agg(stash.hash_sampled(before, threshold, samples) = stash.hash(before)) FROM bytes, (VALUES (2147483647, 1), (0, 2147483647), (2147483647, 2147483647)) x(threshold, samples) WHERE len = 100000),
	'{t,t,t}', 'the largest arguments read all');

-- A fixed count of values saw none of these.
CREATE TABLE million AS SELECT array(SELECT i / 3.0::float8 FROM generate_series(1, 1000000) i) AS before, array(SELECT -i / 3.0::float8 FROM generate_series(1, 1000000) i) AS after;
SELECT is(missed_runs(before, after, 64, 499000, 20), 0, '499,000 of 1,000,000 values in a run are seen') FROM million;
SELECT isnt(stash.hash_sampled(array(SELECT CASE WHEN i % 1000 < 499 THEN -i ELSE i END / 3.0::float8 FROM generate_series(1, 1000000) i)), stash.hash_sampled(before), 'and scattered') FROM million;
-- 10,000,000 rows of one column: the gaps are of 153,811
SELECT is((SELECT count(DISTINCT stash.hash_sampled(array_fill(1::float4, ARRAY[at, 1]) || array_fill(2::float4, ARRAY[154000, 1]) || array_fill(1::float4, ARRAY[10000000 - 154000 - at, 1])))
	FROM unnest('{1100,1000000,4900000,9840000}'::int[]) at), 4::bigint, 'a run in a large matrix is seen at each place');
SELECT * FROM finish();
