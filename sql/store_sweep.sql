-- Stash tables within their bounds: expiry, max_entries, max_bytes, ways to evict; stash.sweep() and puts.
CREATE SCHEMA stash_sweep;
SET search_path = stash_sweep, public;
\set SHOW_CONTEXT never
CREATE FUNCTION keys(name regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	EXECUTE format('SELECT string_agg(stash.value(key, NULL::text), '' '' ORDER BY created_at, key_hash) FROM %s', name) INTO result;
	RETURN coalesce(result, '-');
END
$$;

-- trap 58: expired entries
-- expired entries go; those without expiry stay
SELECT stash.create('old');
INSERT INTO old (key_hash, key, expires_at)
SELECT stash.hash(k::text), stash.to_variant(k::text), e
FROM (VALUES (1, '-infinity'::timestamptz), (2, '2000-01-01'), (3, 'infinity'), (4, NULL)) AS t (k, e);
SELECT keys('old');
SELECT * FROM stash.sweep('old');
SELECT keys('old');
SELECT * FROM stash.sweep('old');
-- a session that puts entries that expire looks after their stash, after some puts
SELECT stash.put('old', 'a', 1, ttl => '0.1 s');
SELECT pg_sleep(0.15);
SELECT count(*) FROM old;
SELECT count(stash.put('old', 'b', n, ttl => '1 day')) FROM generate_series(1, 8) AS n;
SELECT keys('old');
-- what is put anew stays
SELECT stash.put('old', 'c', 1, ttl => '0.1 s');
SELECT pg_sleep(0.15);
SELECT stash.put('old', 'c', 2);
SELECT * FROM stash.sweep('old');
SELECT keys('old');

-- trap 57: number of entries
-- no more than max_entries, after each put; the oldest goes first, and a key put again is no longer old
SELECT stash.create('few', max_entries => 3);
SELECT stash.put('few', k, 1), keys('few') FROM unnest('{a,b,c}'::text[]) AS k;
SELECT stash.put('few', 'a', 2);
SELECT keys('few');
SELECT stash.put('few', 'd', 1);
SELECT keys('few');
SELECT stash.put('few', 'e', 1), stash.put('few', 'f', 1);
SELECT keys('few'), stash.get('few', 'e'), stash.get('few', 'b') IS NULL AS evicted;
-- many puts in one statement
SELECT count(stash.put('few', k::text, k)) FROM generate_series(1, 1000) AS k;
SELECT keys('few');
-- expired ones go before those that live
SELECT stash.put('few', 'soon', 1, '0.1 s'), stash.put('few', 'x', 1);
SELECT pg_sleep(0.15);
SELECT stash.put('few', 'y', 1);
SELECT keys('few');
-- a smaller limit holds from the next put, or sweep, on
SELECT stash.configure('few', max_entries => 2);
SELECT * FROM stash.sweep('few');
SELECT keys('few');
SELECT stash.configure('few', max_entries => 1);
SELECT stash.put('few', 'y', 2);
SELECT keys('few');

-- what was cheap to compute goes first, what has no cost before all; then the oldest
SELECT stash.create('cheap', evict => 'cost');
INSERT INTO cheap (key_hash, key, created_at, cost)
SELECT stash.hash(k), stash.to_variant(k), timestamptz '2000-01-01' + n * interval '1 day', c
FROM (VALUES ('ten', 1, '10 ms'::interval), ('new', 4, NULL), ('null', 2, NULL), ('month', 3, '1 month'),
	('five', 5, '5 ms'), ('ten2', 6, '10 ms')) AS t (k, n, c);
SELECT keys('cheap');
SELECT n, stash.configure('cheap', max_entries => n), stash.sweep('cheap'), keys('cheap') FROM generate_series(5, 1, -1) AS n;
-- the same by puts: what put has no cost, so it is the next to go
INSERT INTO cheap (key_hash, key, cost) SELECT stash.hash('two'::text), stash.to_variant('two'::text), '2 s';
SELECT stash.configure('cheap', max_entries => 3);
SELECT stash.put('cheap', 'a', 1);
SELECT stash.put('cheap', 'b', 1);
SELECT keys('cheap');

-- what was used longest ago goes first; a put is a use, and get and has are; in hundredths of a second
SELECT stash.create('used', max_entries => 4, evict => 'lru');
SELECT stash.put('used', k, 1) FROM unnest('{a,b,c,d}'::text[]) AS k;
SELECT stash.used_at('used', key_hash) FROM used;
SELECT pg_sleep(0.03);
SELECT stash.get('used', 'a'), stash.has('used', 'c');
SELECT stash.value(key, NULL::text) AS key, abs(extract(epoch FROM stash.used_at('used', key_hash) - clock_timestamp())) < 60 AS is_now FROM used ORDER BY 1;
SELECT pg_sleep(0.03);
SELECT stash.put('used', 'e', 1), stash.put('used', 'f', 1);
SELECT keys('used');
SELECT pg_sleep(0.03);
SELECT stash.get('used', 'a', NULL::int) = 1 AS used;
SELECT pg_sleep(0.03);
SELECT stash.put('used', 'g', 1);
SELECT keys('used');
-- the same, exactly
SELECT n, stash.configure('used', max_entries => n), stash.sweep('used'), keys('used') FROM generate_series(3, 1, -1) AS n;
-- of those that nobody used since the last restart, the oldest
INSERT INTO used (key_hash, key, created_at) SELECT stash.hash(k), stash.to_variant(k), '2000-01-01' FROM unnest('{y,z}'::text[]) AS k;
SELECT stash.get('used', 'z') IS NULL AS used;
SELECT * FROM stash.sweep('used');
SELECT keys('used');
-- other stashes note nothing
SELECT stash.get('few', 'y'), stash.used_at('few', stash.hash('y'::text));

-- where times are equal, the order of the table decides
SELECT stash.create('same');
INSERT INTO same (key_hash, key, created_at) SELECT stash.hash(k), stash.to_variant(k), '2000-01-01' FROM unnest('{q,w,e,r}'::text[]) AS k;
SELECT stash.configure('same', max_entries => 2);
SELECT * FROM stash.sweep('same');
SELECT string_agg(stash.value(key, NULL::text), ' ' ORDER BY ctid) FROM same;

-- trap 57: bytes
-- bytes are what key and value take as stored, and 80 for the rest
SELECT stash.create('heavy', codec => 'none', max_bytes => 10000);
CREATE VIEW heaviness AS
SELECT count(*) AS entries, sum(80 + pg_column_size(key) + coalesce(pg_column_size(value), 0)) AS bytes FROM heavy;
SELECT stash.put('heavy', k::text, repeat('x', 900)) FROM generate_series(1, 10) AS k;
SELECT entries, bytes <= 10000 AS fits, 10000 - bytes < bytes / entries AS is_full FROM heaviness;
-- one large entry costs many; values out of line count
SELECT stash.put('heavy', 'large', (SELECT string_agg(stash.hash(n)::text, '') FROM generate_series(1, 200) AS n));
SELECT entries, bytes BETWEEN 8000 AND 10000 AS fits FROM heaviness;
SELECT keys('heavy');
-- one that is too large for the stash goes alone
SELECT stash.put('heavy', 'huge', repeat('x', 200000), '1 day'), stash.has('heavy', 'huge');
SELECT stash.has('heavy', 'huge'), stash.has('heavy', 'large');
INSERT INTO heavy (key_hash, key, value) SELECT stash.hash(k), stash.to_variant(k), stash.to_variant((SELECT string_agg(stash.hash(n + k)::text, '') FROM generate_series(1, 100) AS n)) FROM generate_series(1, 4) AS k;
SELECT entries, bytes > 10000 AS is_over FROM heaviness;
SELECT * FROM stash.sweep('heavy');
SELECT entries, bytes <= 10000 AS fits FROM heaviness;
-- both limits hold
SELECT stash.configure('heavy', max_entries => 4);
SELECT count(stash.put('heavy', k, NULL)) FROM generate_series(1, 10) AS k;
SELECT entries FROM heaviness;

-- where all versions are kept, each is an entry: old ones go first
CREATE TABLE versions OF stash.entry (PRIMARY KEY (key_hash, version),
	CONSTRAINT stash_options CHECK (stash.options(keep_versions => 0, max_entries => 3)));
INSERT INTO versions (key_hash, key, version, created_at)
SELECT stash.hash(k), stash.to_variant(k), n, timestamptz '2000-01-01' + n * interval '1 day' FROM unnest('{a,b}'::text[]) AS k, generate_series(1, 3) AS n;
SELECT * FROM stash.sweep('versions');
SELECT stash.value(key, NULL::text) AS key, version FROM versions ORDER BY version, key;

SELECT stash.create('history', keep_versions => 0, max_entries => 3);
SELECT stash.put('history', 'a', 1), stash.put('history', 'a', 2), stash.put('history', 'b', 1), stash.put('history', 'a', 3);
SELECT * FROM stash.sweep('history');
SELECT stash.value(key, NULL::text) AS key, version FROM history ORDER BY created_at;
-- the newest one stays while another does, so that its number is not given again
UPDATE history SET expires_at = '2000-01-01' WHERE version = (SELECT max(version) FROM history);
SELECT * FROM stash.sweep('history');
SELECT stash.put('history', 'a', 4);
SELECT * FROM stash.sweep('history');
UPDATE history SET expires_at = '2000-01-01';
SELECT * FROM stash.sweep('history');

-- get_or_put is a put where it puts, and a use for lru where it finds; what cost much to compute stays
SELECT stash.create('either', max_entries => 2, evict => 'lru');
SELECT stash.get_or_put('either', 'a', 1), stash.get_or_put('either', 'b', 1);
SELECT pg_sleep(0.03);
SELECT stash.get_or_put('either', 'a', 2);
SELECT pg_sleep(0.03);
SELECT stash.get_or_put('either', 'c', 1);
SELECT keys('either');
SELECT stash.create('dear', max_entries => 2, evict => 'cost');
SELECT stash.put('dear', 'a', 1, cost => '2 s'), stash.put('dear', 'b', 1, cost => '1 s'), stash.put('dear', 'c', 1, cost => '3 s');
SELECT keys('dear');

-- unlogged and temporary stashes
SELECT stash.create('fast', 'unlogged', max_entries => 2), stash.create('mine', 'temp', max_entries => 2);
SELECT count(stash.put('fast', k::text, k)), count(stash.put('mine', k::text, k)) FROM generate_series(1, 9) AS k;
SELECT keys('fast'), keys('mine');
SELECT stash.configure('mine', max_entries => 1);
SELECT * FROM stash.sweep('mine');

-- a stash of some hundred blocks: the limits hold within a few percent
SELECT stash.create('large', max_entries => 10000);
SELECT count(stash.put('large', k, k)) FROM generate_series(1, 30000) AS k;
SELECT count(*) BETWEEN 9000 AND 11000 AS is_near FROM large;
SELECT pg_relation_size('large') > 128 * 8192 AS has_many_windows;
SELECT (expired, evicted >= 0) FROM stash.sweep('large');
SELECT count(*) <= 10000 AS is_exact FROM large;
SELECT stash.create('fleeting');
SELECT count(stash.put('fleeting', k, k, '0.5 s')) FROM generate_series(1, 10000) AS k;
SELECT pg_sleep(0.6);
SELECT count(stash.put('fleeting', k, k, '1 day')) FROM generate_series(10001, 15000) AS k;
SELECT count(*) - stash.count('fleeting') < 5000 AS is_going, stash.count('fleeting') AS stays FROM fleeting;

-- no memory is kept, and no lock but those of an INSERT
CREATE FUNCTION memory() RETURNS bigint LANGUAGE sql AS 'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
SELECT count(stash.put('large', k, k)) FROM generate_series(1, 2000) AS k;
SELECT memory() AS before \gset
SELECT count(stash.put('large', k, k)) FROM generate_series(1, 20000) AS k;
SELECT memory() - :before < 100000 AS is_stable;
BEGIN;
SELECT count(stash.put('large', k, k)) FROM generate_series(-1000, 0) AS k;
SELECT relation::regclass, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND relation::regclass::text LIKE 'large%' ORDER BY 1, 2;
SELECT locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype NOT IN ('relation', 'virtualxid', 'transactionid');
ROLLBACK;

-- a stash without bounds is never looked at
SELECT stash.create('free');
INSERT INTO free (key_hash, key, expires_at) SELECT stash.hash(k), stash.to_variant(k), '2000-01-01' FROM generate_series(1, 5) AS k;
SELECT count(stash.put('free', k, k)) FROM generate_series(11, 20) AS k;
SELECT count(*) FROM free;

-- sweeping is part of the transaction
BEGIN;
SELECT stash.put('fast', 'x', 1), stash.sweep('old');
SELECT keys('fast');
ROLLBACK;
SELECT keys('fast');
BEGIN;
SAVEPOINT s;
SELECT stash.put('fast', 'x', 1), stash.put('fast', 'y', 1);
ROLLBACK TO s;
SELECT stash.put('fast', 'z', 1);
COMMIT;
SELECT keys('fast');
-- a key that was evicted may be put, removed and looked for in the same statement
SELECT stash.put('fast', 'p', 1), stash.put('fast', 'q', 1), stash.remove('fast', '9'), stash.put('fast', '9', 1),
	stash.remove('fast', 'p'), stash.put('fast', 'z', 1);
SELECT keys('fast');
-- puts of transactions that keep their snapshot leave entries alone
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT stash.put('fast', 'x', 1);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT stash.put('fast', 'y', 1);
COMMIT;
SELECT keys('fast');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM stash.sweep('fast');
COMMIT;
SELECT keys('fast');

-- partitions, and tables whose triggers or rules want to know: swept when asked, by the executor
CREATE TABLE parts OF stash.entry (PRIMARY KEY (key_hash), CONSTRAINT stash_options CHECK (stash.options(max_entries => 5)))
	PARTITION BY HASH (key_hash);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT count(stash.put('parts', k::text, k)) FROM generate_series(1, 20) AS k;
SELECT stash.put('parts', 'soon', 1, '0.1 s');
SELECT pg_sleep(0.15);
SELECT count(*) FROM parts;
SELECT * FROM stash.sweep('parts');
SELECT keys('parts');
SELECT stash.create('loud', max_entries => 1);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% %', TG_OP, OLD.key;
	-- this one is not to go
	RETURN CASE WHEN stash.value(OLD.key, NULL::text) <> 'b' THEN OLD END;
END
$$;
CREATE TRIGGER shout BEFORE DELETE ON loud FOR EACH ROW EXECUTE FUNCTION shout();
SELECT count(stash.put('loud', k, 1)) FROM unnest('{a,b,c,d}'::text[]) AS k;
SELECT keys('loud');
SELECT * FROM stash.sweep('loud');
SELECT keys('loud');
DROP TRIGGER shout ON loud;
CREATE RULE keep AS ON DELETE TO loud DO INSTEAD NOTHING;
SELECT stash.put('loud', 'e', 1), stash.put('loud', 'f', 1);
SELECT keys('loud');
DROP RULE keep ON loud;
SELECT stash.put('loud', 'g', 1);
SELECT keys('loud');

-- putting needs no right to delete, for the bounds are the owner's wish; sweeping does, and shows nothing else
CREATE ROLE regress_stash_putter;
GRANT USAGE ON SCHEMA stash_sweep TO regress_stash_putter;
GRANT SELECT, INSERT, UPDATE ON few TO regress_stash_putter;
SET ROLE regress_stash_putter;
SELECT stash.put('few', 'putter', 1);
SELECT keys('few');
SELECT stash.remove('few', 'putter');
\echo :SQLSTATE
SELECT stash.sweep('few');
\echo :SQLSTATE
SELECT stash.sweep('old');
\echo :SQLSTATE
SELECT stash.used_at('used', stash.hash('g'::text));
\echo :SQLSTATE
RESET ROLE;
-- row security: what the caller may not see is neither counted nor deleted
ALTER TABLE versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON versions USING (key OPERATOR(stash.=) stash.to_variant('a'::text));
GRANT SELECT, UPDATE, DELETE ON versions TO regress_stash_putter;
SELECT stash.configure('versions', max_entries => 1);
INSERT INTO versions (key_hash, key, version, created_at) SELECT stash.hash(k), stash.to_variant(k), 4, now() FROM unnest('{a,b}'::text[]) AS k;
SET ROLE regress_stash_putter;
SELECT * FROM stash.sweep('versions');
RESET ROLE;
SELECT stash.value(key, NULL::text) AS key, version FROM versions ORDER BY version, key;
REVOKE ALL ON SCHEMA stash_sweep FROM regress_stash_putter;
REVOKE ALL ON few, versions FROM regress_stash_putter;
DROP ROLE regress_stash_putter;

-- errors
SELECT stash.sweep(NULL);
\echo :SQLSTATE
SELECT stash.sweep('pg_class');
\echo :SQLSTATE
SELECT stash.sweep(0);
\echo :SQLSTATE
BEGIN READ ONLY;
SELECT stash.sweep('few');
\echo :SQLSTATE
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA stash_sweep CASCADE;
