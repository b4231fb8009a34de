-- stash.profile(): what each codec makes of a stash's own entries.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_owner;
CREATE ROLE regress_stash_reader;
CREATE SCHEMA stash_profile AUTHORIZATION regress_stash_owner;
GRANT USAGE ON SCHEMA stash_profile TO PUBLIC;
SET search_path = stash_profile, public;
SET ROLE regress_stash_owner;
SELECT stash.create('s', codec => 'none');
-- nothing in it; zstd may not be there
SELECT * FROM stash.profile('s') WHERE codec <> 'zstd';
-- sizes are those of the frames that each codec makes
CREATE TABLE plain (n int, value text);
INSERT INTO plain SELECT n, repeat(md5(n::text), n) FROM generate_series(1, 50) AS n;
SELECT count(stash.put('s', n, value)) FROM plain;
SELECT count(stash.put('s', -n, n)) FROM plain;
SELECT stash.put('s', 'array', ARRAY(SELECT generate_series(1, 1000))), stash.put('s', 'json', '{"a": [1, 2, {}]}'::jsonb);
-- a NULL has no frame
SELECT stash.put('s', 'null', NULL::text);
CREATE FUNCTION frames(codec text) RETURNS bigint LANGUAGE sql AS $$
	SELECT sum(octet_length(stash.serialize(n, codec))) + sum(octet_length(stash.serialize(value, codec)))
		+ octet_length(stash.serialize(ARRAY(SELECT generate_series(1, 1000)), codec)) + octet_length(stash.serialize('{"a": [1, 2, {}]}'::jsonb, codec))
	FROM stash_profile.plain
$$;
SELECT codec, is_used, entries, raw_bytes = frames('none') AS raw_bytes, stored_bytes = frames(codec) AS stored_bytes,
	ratio = raw_bytes / stored_bytes::float8 AS ratio, ratio > 1 AS is_smaller, serialize_us > 0 AS serialize, deserialize_us > 0 AS deserialize
FROM stash.profile('s') WHERE codec <> 'zstd';
SELECT count(*) FROM stash.profile('s') WHERE entries <> 102 OR raw_bytes <> frames('none') OR stored_bytes <> frames(codec) OR is_used <> (codec = 'none');
-- what has expired is not looked at, and no more than was asked for
SELECT stash.put('s', 'gone', repeat('x', 100000), ttl => '1 us');
SELECT pg_sleep(0.001);
SELECT DISTINCT entries FROM stash.profile('s');
SELECT DISTINCT entries FROM stash.profile('s', sample => 10);
SELECT stash.profile('s', sample => 0);
\echo :SQLSTATE
SELECT stash.profile('s', sample => 100001);
\echo :SQLSTATE
-- of a large stash some blocks are read, from all over the table
SELECT stash.create('large', codec => 'lz4');
SELECT stash.put_many('large', ARRAY(SELECT generate_series(1, 20000)), ARRAY(SELECT n FROM generate_series(1, 20000) AS n));
ANALYZE large;
SELECT DISTINCT entries BETWEEN 1 AND 500 AS some FROM stash.profile('large', sample => 500);
SELECT codec FROM stash.profile('large') WHERE is_used;
-- 16 MB are enough
SELECT stash.create('huge', codec => 'lz4');
SELECT stash.put('huge', n, repeat('x', 10000000)) FROM generate_series(1, 3) AS n;
SELECT DISTINCT entries, raw_bytes / 1000000 AS mb FROM stash.profile('huge');

-- of memoized functions
CREATE FUNCTION words(n int) RETURNS TABLE (n int, word text) IMMUTABLE LANGUAGE sql AS 'SELECT g, md5(g::text) FROM generate_series(1, n) AS g';
CREATE FUNCTION one(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n';
CREATE FUNCTION one_here(n int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_profile.one';
SELECT stash.memoize('one(int)');
SELECT count(one(n)) FROM generate_series(1, 20) AS n;
SELECT codec, is_used, entries FROM stash.profile(function => 'one(int)') WHERE codec <> 'zstd';
SELECT stash.profile(function => 'one_here(int)');
\echo :SQLSTATE
SELECT stash.profile(function => 'frames(text)');
\echo :SQLSTATE
SELECT stash.profile('s', 'one(int)');
\echo :SQLSTATE
SELECT stash.profile();
\echo :SQLSTATE
SELECT stash.profile('plain');
\echo :SQLSTATE

-- a value whose type has changed cannot be read
CREATE TYPE colour AS ENUM ('red');
SELECT stash.create('colours');
SELECT stash.put('colours', 1, 'red'::colour);
ALTER TYPE colour RENAME VALUE 'red' TO 'blue';
SELECT stash.profile('colours');
\echo :SQLSTATE

-- for who may read the stash
SET ROLE regress_stash_reader;
SELECT stash.profile('s');
\echo :SQLSTATE
SELECT stash.profile(function => 'one(int)');
\echo :SQLSTATE
RESET ROLE;
GRANT SELECT ON s TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT DISTINCT entries FROM stash.profile('s');
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA stash_profile CASCADE;
DROP ROLE regress_stash_owner, regress_stash_reader;
