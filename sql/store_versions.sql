-- Stash tables: versions of a key, counted, kept, trimmed, expired, read.
CREATE SCHEMA stash_versions;
SET search_path = stash_versions, public;
\set SHOW_CONTEXT never

-- all are kept; the newest is what a dictionary shows
SELECT stash.create('history', keep_versions => 0);
SELECT stash.put('history', 'k', n * 10) FROM generate_series(1, 3) n;
SELECT stash.put('history', 'l', 'one');
SELECT stash.get('history', 'k'), stash.get('history', 'k', NULL::int), stash.has('history', 'k'), stash.count('history');
SELECT key, value, version FROM stash.entries('history') ORDER BY key;
SELECT version, value, expires_at, created_at <= clock_timestamp() AS is_past FROM stash.versions('history', 'k');
SELECT count(*) FROM history;
SELECT stash.versions('history', 'none');
-- one of them
SELECT n, stash.get('history', 'k', NULL::int, n), stash.get('history', 'k', NULL::stash.variant, n) FROM generate_series(0, 4) n;
SELECT stash.get('history', 'k', NULL::int, NULL) IS NULL AS no_version, stash.get('history', 'none', NULL::int, 1) IS NULL AS absent;
SELECT stash.get('history', 'k', NULL::text, 1);
\echo :SQLSTATE
-- a variant that was put is within one
SELECT stash.put('history', 'v', stash.to_variant(1));
SELECT stash.typeof(stash.get('history', 'v', NULL::stash.variant, 1));
-- remove and pop take them all
SELECT stash.pop('history', 'k', NULL::int), stash.remove('history', 'l'), stash.remove('history', 'l');
SELECT count(*) FROM history WHERE key::text <> 'int4:1';
SELECT stash.put('history', 'k', 'begins anew');
SELECT stash.clear('history');

-- n newest are kept
SELECT stash.create('three', keep_versions => 3);
SELECT stash.put('three', 'k', n), stash.put('three', n, n) FROM generate_series(1, 5) n;
SELECT version, value FROM stash.versions('three', 'k');
SELECT count(*), stash.count('three') FROM three;
-- the rule goes by number: one that is missing counts
DELETE FROM three WHERE version = 4;
SELECT stash.put('three', 'k', 6);
SELECT version FROM stash.versions('three', 'k');
-- by the same rule when options change
SELECT stash.configure('three', keep_versions => 2);
SELECT version FROM stash.versions('three', 'k');
SELECT stash.put('three', 'k', 7);
SELECT version FROM stash.versions('three', 'k');
SELECT stash.configure('three', keep_versions => 1);
SELECT version, value FROM stash.versions('three', 'k');
-- one entry of a key: as many versions
SELECT stash.put('three', 'k', 8);
SELECT version, value FROM stash.versions('three', 'k');
SELECT stash.get('three', 'k', NULL::int, 7) IS NULL AS gone, stash.get('three', 'k', NULL::int, 8);

-- expired versions are not there, swept or not; the newest other one is
SELECT stash.put('history', 'k', 'stays'), stash.put('history', 'k', 'goes', '1 hour'), stash.put('history', 'l', 'goes', '1 hour');
SELECT stash.get('history', 'k'), stash.count('history');
UPDATE history SET expires_at = clock_timestamp() WHERE expires_at IS NOT NULL;
SELECT stash.get('history', 'k'), stash.has('history', 'k'), stash.has('history', 'l'), stash.get('history', 'l') IS NULL AS absent,
	stash.count('history');
SELECT version, value FROM stash.versions('history', 'k');
SELECT key, value, version FROM stash.entries('history');
SELECT stash.get('history', 'k', NULL::text, 1), stash.get('history', 'k', NULL::text, 2) IS NULL AS expired;
-- their numbers are not given again
SELECT stash.put('history', 'k', 'new');
-- get_or_put: a live version is there; else the default is the next one
SELECT stash.get_or_put('history', 'k', 'default'), stash.get_or_put('history', 'l', 'default', '1 day'), stash.get_or_put('history', 'm', NULL::int);
SELECT n, stash.get_or_put('history', 'n', n) FROM generate_series(1, 3) n;
SELECT key, version, value, expires_at > clock_timestamp() AS expires_later FROM history ORDER BY key, version;
UPDATE history SET expires_at = clock_timestamp() WHERE key::text = 'k' AND version > 1;
SELECT stash.get_or_put('history', 'k', 'default'), stash.has('history', 'm');
-- pop gives the newest that has not expired, and leaves nothing
SELECT stash.pop('history', 'k'), stash.pop('history', 'm') IS NULL AS is_null;
UPDATE history SET expires_at = clock_timestamp();
SELECT stash.pop('history', 'l') IS NULL AS expired, stash.remove('history', 'n') AS expired_too;
SELECT count(*) FROM history;
SELECT stash.configure('history', keep_versions => 2);
SELECT stash.put('history', 'k', n, '1 us') FROM generate_series(1, 3) n;
SELECT stash.get_or_put('history', 'k', 'default');
SELECT version FROM history ORDER BY 1;
SELECT stash.configure('history', keep_versions => 0);
SELECT stash.clear('history');

-- entries are listed by the age of their newest version
SELECT stash.put('history', k, k) FROM generate_series(3, 1, -1) AS k;
SELECT stash.put('history', 3, 'three');
SELECT key, value, version FROM stash.entries('history');
SELECT stash.clear('history');

-- NULLs, empty and large values, keys of all sorts
SELECT stash.put('history', NULL, NULL), stash.put('history', NULL, ''), stash.put('history', NULL::int, 1), stash.put('history', '', '{}'::int[]),
	stash.put('history', 'ключ 🙂', '愛'), stash.put('history', 'big', repeat('x', 1000000)), stash.put('history', 'big', NULL::text);
SELECT version, value FROM stash.versions('history', NULL);
SELECT version, value FROM stash.versions('history', NULL::int);
SELECT version, value FROM stash.versions('history', 'ключ 🙂');
SELECT version, value IS NULL AS is_null, octet_length(stash.value(value, ''::text)) FROM stash.versions('history', 'big');
SELECT stash.get('history', NULL, NULL::text, 1) IS NULL AS was_null, stash.get('history', NULL, NULL::text, 2) = '' AS is_empty;

-- savepoints, and numbers after a rollback
BEGIN;
SELECT stash.put('history', 'sp', 1);
SAVEPOINT a;
SELECT stash.put('history', 'sp', 2), stash.put('history', 'sp', 3);
ROLLBACK TO a;
SELECT stash.put('history', 'sp', 4);
COMMIT;
SELECT version, value FROM stash.versions('history', 'sp');

-- a transaction that changes many keys holds few locks
BEGIN;
SELECT count(stash.put('history', 'many' || n, n)), count(stash.get_or_put('history', 'more' || n, n)), bool_or(stash.remove('history', 'none' || n))
FROM generate_series(1, 1000) n;
SELECT count(*) BETWEEN 200 AND 300 AS few FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
ROLLBACK;

-- another key of the same hash is neither given nor deleted, and no version is put beside it
SELECT stash.put('history', 'mine', 1), stash.put('history', 'mine', 2);
UPDATE history SET key = stash.to_variant('yours'::text) WHERE key::text = 'mine';
SELECT stash.get('history', 'mine') IS NULL AS absent, stash.get('history', 'mine', NULL::int, 1) IS NULL AS absent_too,
	stash.pop('history', 'mine') IS NULL AS kept, stash.remove('history', 'mine');
SELECT stash.versions('history', 'mine');
SELECT stash.put('history', 'mine', 3);
\echo :SQLSTATE
SELECT stash.get_or_put('history', 'mine', 3);
\echo :SQLSTATE
SELECT version, value FROM history WHERE key::text = 'yours' ORDER BY 1;

-- a trigger that keeps rows back, a rule, a constraint
CREATE FUNCTION keep_back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep_back BEFORE INSERT ON history FOR EACH ROW EXECUTE FUNCTION keep_back();
SELECT stash.put('history', 'new', 3);
\echo :SQLSTATE
SELECT stash.get_or_put('history', 'new', 3);
\echo :SQLSTATE
DROP TRIGGER keep_back ON history;
CREATE RULE never AS ON INSERT TO history DO INSTEAD NOTHING;
SELECT stash.put('history', 'new', 3);
\echo :SQLSTATE
DROP RULE never ON history;
\set VERBOSITY terse
ALTER TABLE history ADD CHECK (version < 5);
SELECT stash.put('history', 'many', n) FROM generate_series(1, 5) n;
\echo :SQLSTATE
\set VERBOSITY default

-- made by hand, partitioned, temporary, unlogged
CREATE TABLE by_hand OF stash.entry (PRIMARY KEY (key_hash, version));
SELECT stash.put('by_hand', 'k', n) FROM generate_series(1, 3) n;
SELECT version FROM stash.versions('by_hand', 'k');
ALTER TABLE by_hand ADD CONSTRAINT stash_options CHECK (stash.options('1 hour', keep_versions => 1));
SELECT stash.put('by_hand', 'k', 4);
SELECT version, expires_at - created_at AS lifetime FROM stash.versions('by_hand', 'k');
-- where one entry of a key is all that the table takes, its number counts
CREATE UNIQUE INDEX ON by_hand (key_hash);
SELECT stash.put('by_hand', 'k', 5), stash.put('by_hand', 'k', 6);
SELECT version, value FROM by_hand;
CREATE TABLE parts OF stash.entry (PRIMARY KEY (key_hash, version)) PARTITION BY HASH (key_hash);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT max(stash.put('parts', n % 7, n)) FROM generate_series(1, 20) n;
SELECT stash.count('parts'), (SELECT count(*) FROM parts), stash.get('parts', 6, NULL::int), stash.get('parts', 6, NULL::int, 1),
	stash.pop('parts', 6), stash.pop('parts', 7);
SELECT stash.get_or_put('parts', 6, 'default'), (SELECT count(*) FROM stash.entries('parts'));
SELECT stash.create('temporary', 'temp', keep_versions => 2), stash.create('"Un logged"', 'unlogged', keep_versions => 2);
SELECT max(stash.put(s, 'k', n)) FROM generate_series(1, 5) n, (VALUES ('temporary'::regclass), ('"Un logged"')) AS v (s) GROUP BY s;
SELECT s, (SELECT array_agg(version) FROM stash.versions(s, 'k')) FROM (VALUES ('temporary'::regclass), ('"Un logged"')) AS v (s);
-- without an index
CREATE TABLE heap OF stash.entry;
INSERT INTO heap SELECT * FROM parts;
SELECT version, value FROM stash.versions('heap', 5);
SELECT stash.get('heap', 5, NULL::int, 2);

-- what is refused
SELECT stash.versions(NULL, 1);
\echo :SQLSTATE
SELECT stash.get(NULL, 1, 1, 1);
\echo :SQLSTATE
SELECT stash.versions('pg_class', 1);
\echo :SQLSTATE
SELECT stash.get('pg_class', 1, 1, 1);
\echo :SQLSTATE
SELECT stash.get('heap', 1, NULL, 1);
\echo :SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA stash_versions CASCADE;
RESET client_min_messages;
