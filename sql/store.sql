-- Stash tables: make, put, get, has, remove, count, clear, entries, expiry.
-- No times are shown: where one matters, the comparison is.
CREATE SCHEMA stash_store;
SET search_path = stash_store, public;

-- a stash is a table of type stash.entry; its options stand in a CHECK constraint
SELECT stash.create('animals');
\d animals
SELECT stash.create('quick', persistence => 'unlogged', ttl => '1 hour', codec => 'none');
SELECT stash.create('mine', 'temp', codec => 'lz4');
SELECT stash, persistence, owner = current_user AS is_mine, entries, options
FROM stash.stashes
WHERE stash::oid IN (SELECT oid FROM pg_class WHERE relname IN ('animals', 'quick', 'mine'))
ORDER BY stash::text;

-- names are written as in SQL: folded to lower case unless quoted, schema allowed
SELECT stash.create('Folded'), stash.create('"Odd "" name; DROP TABLE animals"'), stash.create('public.stash_store_other');
SELECT stash.put('"Odd "" name; DROP TABLE animals"', 1, 'odd');
SELECT stash.get('"Odd "" name; DROP TABLE animals"', 1);
SELECT stash.drop('public.stash_store_other');
SELECT to_regclass('public.stash_store_other') IS NULL AS is_gone;

-- the table made is the one returned, though a temporary one of that name stands before it
CREATE TEMP TABLE hidden (x int);
SELECT stash.create('hidden');
SELECT stash.create('hiding', 'temp');
SELECT stash.create('hiding');
DROP TABLE hidden, hiding;

-- put returns how many times the key has been put since it was absent
SELECT stash.put('animals', 'cat', 9), stash.put('animals', 'dog', 'wuff'::text);
SELECT stash.put('animals', 'cat', 10);
SELECT stash.get('animals', 'cat'), stash.get('animals', 'dog'), stash.get('animals', 'cow');
SELECT stash.get('animals', 'cat', NULL::int) + 1 AS sum, stash.get('animals', 'cow', NULL::int) IS NULL AS absent;
SELECT stash.has('animals', 'cat'), stash.has('animals', 'cow'), stash.count('animals');
SELECT stash.remove('animals', 'cat'), stash.remove('animals', 'cat');
SELECT stash.has('animals', 'cat'), stash.count('animals');
-- a key that was removed begins anew
SELECT stash.put('animals', 'cat', 1);
SELECT stash.clear('animals'), stash.clear('animals');
SELECT stash.count('animals'), stash.has('animals', 'dog');

-- trap 63: NULL
-- a NULL value is there, and is not the same as absent
SELECT stash.put('animals', 'yeti', NULL), stash.put('animals', 'ghost', NULL::int);
SELECT stash.has('animals', 'yeti'), stash.get('animals', 'yeti') IS NULL AS is_null, stash.has('animals', 'unicorn');
SELECT stash.get('animals', 'ghost', NULL::int) IS NULL AS is_null, stash.get('animals', 'ghost', NULL::text) IS NULL AS is_null_too;
SELECT stash.put('animals', 'yeti', 'seen');
SELECT stash.get('animals', 'yeti');
SELECT stash.clear('animals');

-- keys are told apart by type and by value, bit for bit; a NULL is a key of its own for each type
SELECT stash.put('animals', 1, 'int'), stash.put('animals', 1::bigint, 'bigint'), stash.put('animals', '1', 'text'),
	stash.put('animals', 1.0, 'one digit'), stash.put('animals', 1.00, 'two digits'),
	stash.put('animals', 0::float8, 'zero'), stash.put('animals', '-0'::float8, 'negative zero'),
	stash.put('animals', NULL, 'a text NULL'), stash.put('animals', NULL::int, 'an int NULL'),
	stash.put('animals', '', 'empty text'), stash.put('animals', ''::bytea, 'empty bytes'),
	stash.put('animals', '{}'::int[], 'empty ints'), stash.put('animals', '{}'::text[], 'empty texts'),
	stash.put('animals', '{NULL}'::int[], 'NULL inside'), stash.put('animals', ROW(1, 'a'::text), 'row'),
	stash.put('animals', ROW('1'::text, 'a'::text), 'row of text');
SELECT stash.typeof(key) COLLATE "C" AS type, key, stash.value(value, NULL::text) AS value
FROM stash.entries('animals')
ORDER BY 1, key::text COLLATE "C";
SELECT stash.get('animals', 1), stash.get('animals', 1::bigint), stash.get('animals', '1'), stash.get('animals', 1.00),
	stash.get('animals', '-0'::float8), stash.get('animals', NULL), stash.get('animals', NULL::int),
	stash.get('animals', '{NULL}'::int[]), stash.get('animals', ROW(1, 'a'::text)), stash.get('animals', 1::smallint);
SELECT stash.remove('animals', NULL::int);
SELECT stash.has('animals', NULL::int), stash.has('animals', NULL);
SELECT stash.clear('animals');

-- values of many types come back as they were; the last argument names the type
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN even AS int CHECK (value % 2 = 0);
CREATE TYPE pair AS (name text, feels mood);
SELECT count(stash.put('animals', k, v))
FROM (VALUES (1, stash.to_variant(1))) AS t (k, v);
SELECT stash.put('animals', 'array', '{{1,NULL},{3,4}}'::int[]), stash.put('animals', 'pair', ('Mia', 'glad')::pair),
	stash.put('animals', 'domain', 4::even), stash.put('animals', 'range', '[1,5)'::int4range),
	stash.put('animals', 'json', '{"a": [1, null]}'::jsonb), stash.put('animals', 'float', 'NaN'::float8);
SELECT stash.get('animals', 'array', NULL::int[]), (stash.get('animals', 'pair', NULL::pair)).feels,
	stash.get('animals', 'domain', NULL::even), stash.get('animals', 'range', NULL::int4range),
	stash.get('animals', 'json', NULL::jsonb) -> 'a' AS json, stash.get('animals', 'float', NULL::float8);
-- a variant put as a value is a variant within a variant
SELECT stash.typeof(stash.get('animals', 1)), stash.value(stash.get('animals', 1), NULL::stash.variant) AS inner;
SELECT * FROM (SELECT key, value, version FROM animals) AS readable ORDER BY key::text;
SELECT stash.clear('animals');

-- big values, compressed or not; a codec is a matter of space alone
SELECT stash.create('plain', codec => 'none');
SELECT stash.put('animals', 'big', repeat('abc', 1000000)), stash.put('plain', 'big', repeat('abc', 1000000));
SELECT stash.get('animals', 'big', NULL::text) = repeat('abc', 1000000) AS compressed,
	stash.get('plain', 'big', NULL::text) = repeat('abc', 1000000) AS stored;
SELECT octet_length(a.value::bytea) < 100000 AS is_small, octet_length(p.value::bytea) > 3000000 AS is_large
FROM animals a, plain p;
SELECT stash.put('animals', repeat('k', 1000000), 'key of a megabyte');
SELECT stash.get('animals', repeat('k', 1000000)), stash.get('animals', repeat('k', 1000001)) IS NULL AS absent;
SELECT stash.clear('animals');

-- the ttl of a put goes before that of the stash; where neither is there an entry stays
SELECT stash.put('animals', 'stays', 1), stash.put('animals', 'goes', 2, '1 day'),
	stash.put('quick', 'hour', 1), stash.put('quick', 'minute', 2, ttl => '1 minute');
SELECT key::text, expires_at - created_at AS lifetime, abs(extract(epoch FROM created_at - clock_timestamp())) < 60 AS is_new
FROM (SELECT * FROM animals UNION ALL SELECT * FROM quick) AS two
ORDER BY 1;

-- trap 58: expiry
-- an expired entry is never returned, whoever asks
SELECT stash.put('quick', 'flash', 1, '0.1 s');
SELECT pg_sleep(0.15);
SELECT stash.get('quick', 'flash') IS NULL AS gone, stash.has('quick', 'flash'), stash.count('quick'),
	(SELECT count(*) FROM stash.entries('quick')) AS entries, (SELECT count(*) FROM quick) AS rows;
SELECT stash.remove('quick', 'flash') AS was_there;
SELECT count(*) FROM quick;
-- the row of an expired key is taken over
SELECT stash.put('quick', 'flash', 1, '0.1 s');
SELECT pg_sleep(0.15);
SELECT stash.put('quick', 'flash', 2);
SELECT stash.get('quick', 'flash'), stash.count('quick');
-- without a ttl of its own, a put in a stash without one takes the old expiry away
SELECT stash.put('animals', 'goes', 3);
SELECT key::text, expires_at FROM animals ORDER BY 1;
SELECT stash.clear('animals'), stash.clear('quick');

-- entries are listed oldest first
SELECT stash.put('animals', k, k) FROM generate_series(3, 1, -1) AS k;
SELECT stash.put('animals', 3, 'three');
SELECT key, value, version, expires_at FROM stash.entries('animals');
SELECT stash.clear('animals');

-- transactions and savepoints are those of the table
BEGIN;
SELECT stash.put('animals', 'a', 1);
SAVEPOINT s;
SELECT stash.put('animals', 'a', 2), stash.put('animals', 'b', 1);
SELECT stash.get('animals', 'a'), stash.count('animals');
ROLLBACK TO s;
SELECT stash.get('animals', 'a'), stash.has('animals', 'b'), stash.count('animals');
COMMIT;
SELECT stash.get('animals', 'a'), stash.count('animals');
BEGIN;
SELECT stash.put('animals', 'a', 3), stash.remove('animals', 'a'), stash.put('animals', 'c', 1);
ROLLBACK;
SELECT stash.get('animals', 'a'), stash.has('animals', 'c'), stash.count('animals');
-- a put is not visible to the statement that runs it, but to the next put in it
SELECT stash.put('animals', 'd', n) AS version, stash.has('animals', 'd') FROM generate_series(1, 3) AS n;
SELECT stash.get('animals', 'd');
SELECT stash.clear('animals');

-- a rename of table or schema is followed
CREATE FUNCTION touch(name regclass) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM stash.put(name, 'k', coalesce(stash.get(name, 'k', NULL::int), 0) + 1);
	RETURN stash.get(name, 'k', NULL::int);
END
$$;
SELECT oid AS animals FROM pg_class WHERE oid = 'animals'::regclass \gset
SELECT touch(:animals);
ALTER TABLE animals RENAME TO beasts;
SELECT touch(:animals), touch('beasts');
ALTER SCHEMA stash_store RENAME TO stash_zoo;
SET search_path = stash_zoo, public;
SELECT touch(:animals), touch('beasts'), stash.has('stash_zoo.beasts', 'k');
-- another table that takes the old name is another stash
SELECT stash.create('animals');
SELECT stash.has('animals', 'k'), touch(:animals);
ALTER TABLE beasts SET SCHEMA public;
SELECT touch(:animals), touch('public.beasts');
ALTER TABLE public.beasts SET SCHEMA stash_zoo;

-- a stash made by hand
CREATE TABLE handmade OF stash.entry (PRIMARY KEY (key_hash));
SELECT stash.put('handmade', 'k', 1), stash.put('handmade', 'k', 2);
SELECT stash.get('handmade', 'k'), stash.has('handmade', 'k'), stash.count('handmade'), stash.remove('handmade', 'k');
-- with a UNIQUE index made later, and options by name and by position
CREATE TABLE later OF stash.entry (CONSTRAINT stash_options CHECK (stash.options('1 hour', codec => 'none')));
CREATE UNIQUE INDEX ON later (key_hash);
SELECT stash.put('later', 'k', repeat('x', 1000));
SELECT expires_at - created_at AS lifetime, octet_length(value::bytea) > 1000 AS is_stored FROM later;
-- options may be changed by hand; the next put knows
ALTER TABLE later DROP CONSTRAINT stash_options;
SELECT stash.put('later', 'k', repeat('x', 1000));
SELECT expires_at, octet_length(value::bytea) < 1000 AS is_compressed FROM later;

-- a partitioned stash
CREATE TABLE parts OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT sum(stash.put('parts', k, k * k)) FROM generate_series(1, 100) AS k;
SELECT sum(stash.put('parts', k, k + 1, '1 hour')) FROM generate_series(1, 10) AS k;
SELECT count(*) > 10 AS in_0, (SELECT count(*) > 10 FROM parts_1) AS in_1 FROM parts_0;
SELECT sum(stash.get('parts', k, NULL::int)) FROM generate_series(1, 100) AS k;
SELECT stash.get('parts', 10), stash.has('parts', 10), stash.has('parts', 101), stash.count('parts'), stash.remove('parts', 10);
SELECT stash.put('parts', 'nothing', NULL), stash.put('parts', 'flash', NULL, '0.1 s');
SELECT stash.has('parts', 'nothing'), stash.get('parts', 'nothing') IS NULL AS is_null, stash.has('parts', 10);
SELECT pg_sleep(0.15);
SELECT stash.has('parts', 'flash'), stash.remove('parts', 'flash'), stash.clear('parts');

-- triggers and rules of the table run
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% %', TG_OP, coalesce(NEW.key, OLD.key);
	RETURN coalesce(NEW, OLD);
END
$$;
CREATE TRIGGER shout BEFORE INSERT OR UPDATE OR DELETE ON handmade FOR EACH ROW EXECUTE FUNCTION shout();
SELECT stash.put('handmade', 'k', 1);
SELECT stash.put('handmade', 'k', 2);
SELECT stash.remove('handmade', 'k');

-- gone is gone: the same name may be made again, in the same session
SELECT stash.drop('handmade');
SELECT stash.create('handmade');
SELECT stash.put('handmade', 'k', 1), stash.count('parts');
SELECT count(*) FROM stash.stashes WHERE stash::text IN ('handmade', 'parts', 'parts_0', 'later');

SET client_min_messages = warning;
DROP SCHEMA stash_zoo CASCADE;
RESET client_min_messages;
