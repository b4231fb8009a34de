-- Stash tables: where an entry was found before is no promise that it is there.
CREATE SCHEMA stash_find;
SET search_path = stash_find;
SELECT stash.create('s');
INSERT INTO s (key_hash, key, value)
SELECT stash.hash(i), stash.to_variant(i), stash.to_variant(repeat(md5(i::text), 4))
FROM generate_series(1, 1000) i;

-- the answers of all keys, in one number, and how many there are
CREATE FUNCTION answers()
	RETURNS text
	LANGUAGE sql
AS $$
	SELECT count(v) || ' ' || coalesce(sum(length(v)), 0)
	FROM (SELECT stash.get('stash_find.s', i, NULL::text) AS v FROM generate_series(1, 1000) i) q
$$;
-- what it should be
CREATE FUNCTION entries()
	RETURNS text
	LANGUAGE sql
AS $$
	SELECT count(*) || ' ' || sum(length(value::text))
	FROM stash_find.s
$$;
SELECT answers(), answers(), entries();

-- each change is seen by the next statement, and seen no more when it is undone
SELECT stash.put('s', 7, 'new'), stash.get('s', 7);
SELECT stash.get('s', 7), stash.get('s', 7);
BEGIN;
SELECT stash.remove('s', 7), stash.get('s', 7);
SELECT stash.get('s', 7), stash.has('s', 7);
SAVEPOINT a;
SELECT stash.put('s', 7, 'in a savepoint');
SELECT stash.get('s', 7), stash.get('s', 7);
ROLLBACK TO a;
SELECT stash.get('s', 7), stash.has('s', 7);
ROLLBACK;
SELECT stash.get('s', 7), stash.has('s', 7);

-- one statement that writes sees what was there before it
SELECT stash.put('s', i, 'later') > 0 AS done, stash.get('s', i) FROM (VALUES (8), (9)) v(i);
SELECT stash.get('s', 8), stash.get('s', 9);

-- nor do a cursor's snapshot and that of a loop change
BEGIN;
DECLARE c CURSOR FOR SELECT stash.get('s', 7) FROM generate_series(1, 3);
FETCH c;
SELECT stash.put('s', 7, 'after the cursor');
SELECT stash.get('s', 7);
FETCH c;
ROLLBACK;
CREATE FUNCTION loop(times int)
	RETURNS SETOF stash.variant
	LANGUAGE plpgsql
AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		RETURN NEXT stash.get('stash_find.s', 7);
		PERFORM stash.put('stash_find.s', 7, i);
	END LOOP;
END
$$;
SELECT * FROM loop(3);

-- an entry that expires is gone, wherever it was found
SELECT stash.put('s', 7, 'soon', interval '1 hour'), stash.get('s', 7);
SELECT stash.get('s', 7), stash.has('s', 7);
UPDATE s SET expires_at = clock_timestamp() WHERE key_hash = stash.hash(7);
SELECT stash.get('s', 7), stash.has('s', 7);
UPDATE s SET expires_at = NULL WHERE key_hash = stash.hash(7);
SELECT stash.get('s', 7), stash.has('s', 7);

DO $$
DECLARE
	start timestamptz := clock_timestamp();
BEGIN
	PERFORM stash.put('stash_find.s', 7, 'shortly', interval '300 ms');
	WHILE stash.has('stash_find.s', 7) LOOP
		ASSERT clock_timestamp() < start + interval '10 s', 'found after it had expired';
	END LOOP;
	ASSERT clock_timestamp() >= start + interval '300 ms', 'not found before it expired';
END
$$;
SELECT stash.put('s', 7, 'for good');

-- two keys that share a place, and are told apart by nothing in it: of their hashes, 35 bits are alike
SELECT stash.put('s', 249271, 'one'), stash.put('s', 557847, 'two');
SELECT stash.get('s', 249271), stash.get('s', 557847), stash.get('s', 249271), stash.get('s', 557847);
SELECT stash.remove('s', 249271), stash.remove('s', 557847);

-- one look-up by the index tells of all rows of a page, as they are then
SELECT stash.create('page');
CREATE FUNCTION scans()
	RETURNS bigint
	LANGUAGE sql VOLATILE
AS $$
	SELECT pg_stat_get_xact_numscans('stash_find.page_pkey'::regclass)
$$;
SELECT stash.put_many('page', array_agg(i), array_agg('value ' || i)) FROM generate_series(1, 20) i;
BEGIN;
SELECT scans() AS before \gset
SELECT stash.get('page', 7);
SELECT scans() - :before AS scans;
SELECT count(stash.get('page', i)) FROM generate_series(1, 20) i;
SELECT scans() - :before AS scans;
COMMIT;
-- what changes, or is not there, is looked for
SELECT stash.put('page', 3, 'other'), stash.remove('page', 5), stash.put('page', 21, 'new');
BEGIN;
SELECT stash.remove('page', 9);
SAVEPOINT a;
SELECT stash.remove('page', 11);
ROLLBACK TO a;
SELECT scans() AS before \gset
SELECT string_agg(coalesce(stash.get('page', i, NULL::text), 'nothing'), ', ' ORDER BY i) FROM generate_series(1, 22) i;
SELECT scans() - :before AS scans;
ROLLBACK;
SELECT string_agg(coalesce(stash.get('page', i, NULL::text), 'nothing'), ', ' ORDER BY i) FROM generate_series(1, 22) i;
-- nor has each row a hash of its key, where no index asks for it
CREATE TABLE page_loose OF stash.entry;
CREATE INDEX ON page_loose (key_hash);
INSERT INTO page_loose VALUES (NULL, NULL, NULL);
INSERT INTO page_loose (key_hash, key, value) SELECT stash.hash(i), stash.to_variant(i), stash.to_variant(i) FROM generate_series(1, 3) i;
INSERT INTO page_loose VALUES (NULL, NULL, NULL);
SELECT i, stash.get('page_loose', i), stash.get('page_loose', i) FROM generate_series(1, 4) i;

-- rows move, and blocks go away behind the back of whoever read them
VACUUM FULL s;
SELECT answers(), answers();
DELETE FROM s WHERE ctid >= '(1,0)';
SELECT answers() = entries(), answers() = entries();
VACUUM (TRUNCATE) s;
SELECT pg_relation_size('s') / current_setting('block_size')::int AS blocks;
SELECT answers() = entries(), answers() = entries();
INSERT INTO s (key_hash, key, value)
SELECT stash.hash(i), stash.to_variant(i), stash.to_variant('other')
FROM generate_series(1, 1000) i
ON CONFLICT DO NOTHING;
SELECT answers() = entries(), answers() = entries();
BEGIN;
TRUNCATE s;
SELECT answers(), answers();
ROLLBACK;
SELECT answers() = entries(), answers() = entries(), stash.count('s');
TRUNCATE s;
SELECT answers(), answers();

-- without a unique index the newest entry is the answer, wherever the last one was
CREATE TABLE loose OF stash.entry;
CREATE INDEX ON loose (key_hash);
INSERT INTO loose (key_hash, key, value, created_at) VALUES (stash.hash(1), stash.to_variant(1), stash.to_variant('older'::text), '2020-01-01');
SELECT stash.get('loose', 1), stash.get('loose', 1);
INSERT INTO loose (key_hash, key, value, created_at) VALUES (stash.hash(1), stash.to_variant(1), stash.to_variant('newer'::text), '2021-01-01');
SELECT stash.get('loose', 1), stash.get('loose', 1);

-- a memo's stash may have two rows of a key, made at once: one that is no answer any more does not hide the other
CREATE TABLE base AS SELECT 1 AS n;
SELECT stash.track('base');
CREATE FUNCTION read(i int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed read(%)', i; RETURN (SELECT n + i FROM stash_find.base); END $$;
SELECT stash.memoize('read(int)');
SET pg_hashstash.local_cache_size = 0;
SET pg_hashstash.shared_cache = off;
SELECT read(1);
SELECT read(1);
CREATE TABLE kept AS SELECT 'old' AS which, s.* FROM read_stash s;
UPDATE base SET n = 2;
SELECT read(1);
SELECT read(1);
INSERT INTO kept SELECT 'new', s.* FROM read_stash s;
DELETE FROM read_stash;
SET pg_hashstash.memo = readonly;
INSERT INTO read_stash SELECT key_hash, key, value, version, created_at, expires_at, cost, proof FROM kept WHERE which = 'old';
SELECT read(1);
INSERT INTO read_stash SELECT key_hash, key, value, version, created_at, expires_at, cost, proof FROM kept WHERE which = 'new';
SELECT read(1);
SELECT read(1);
RESET pg_hashstash.memo;
RESET pg_hashstash.local_cache_size;
RESET pg_hashstash.shared_cache;

-- a table that takes the name, and one that takes the place
SELECT stash.put('s', 1, 'old');
SELECT stash.get('s', 1), stash.get('s', 1);
ALTER TABLE s RENAME TO t;
SELECT stash.create('s');
SELECT stash.get('s', 1), stash.get('t', 1);
SELECT stash.put('s', 1, 'new');
SELECT stash.get('s', 1), stash.get('t', 1);
SELECT stash.get('s', 1), stash.get('t', 1);
CREATE SCHEMA stash_find_temp;
SELECT stash.create('s_temp', 'temp');
SELECT stash.put('s_temp', 1, 'temporary');
SELECT stash.get('s_temp', 1), stash.get('s', 1);
SELECT stash.get('s_temp', 1), stash.get('s', 1);

-- statements follow when a schema is renamed, of which a table hears nothing
SELECT stash.put('t', 1, 'before'), stash.remove('t', 2);
ALTER SCHEMA stash_find RENAME TO stash_found;
CREATE SCHEMA stash_find;
CREATE TABLE stash_find.t (LIKE stash_found.t INCLUDING ALL);
SELECT stash.put('stash_found.t', 1, 'after'), stash.remove('stash_found.t', 2);
SELECT stash.get('stash_found.t', 1), (SELECT count(*) FROM stash_find.t);
DROP SCHEMA stash_find CASCADE;
ALTER SCHEMA stash_found RENAME TO stash_find;


SET client_min_messages = warning;
DROP SCHEMA stash_find CASCADE;
DROP SCHEMA stash_find_temp;
