-- Stash tables: what is refused, with SQLSTATE, detail and hint.
CREATE SCHEMA stash_errors;
SET search_path = stash_errors, public;
-- the statements that run inside would show
\set SHOW_CONTEXT never
SELECT stash.create('s');

-- making
SELECT stash.create('s');
\echo :SQLSTATE
SELECT stash.create(NULL);
\echo :SQLSTATE
SELECT stash.create('n', persistence => NULL);
\echo :SQLSTATE
SELECT stash.create('n', codec => NULL);
\echo :SQLSTATE
SELECT stash.create('');
\echo :SQLSTATE
SELECT stash.create('a b');
\echo :SQLSTATE
SELECT stash.create('nowhere.n');
\echo :SQLSTATE
SELECT stash.create('other_database.public.n');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT stash.create('stash_errors.n', 'temp');
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.create('n', persistence => 'permanent');
\echo :SQLSTATE
SELECT stash.create('n', persistence => 'LOGGED');
\echo :SQLSTATE
SELECT stash.create('n', codec => 'zip');
\echo :SQLSTATE
SELECT stash.create('n', ttl => '0');
\echo :SQLSTATE
SELECT stash.create('n', ttl => '-1 hour');
\echo :SQLSTATE
SELECT stash.create('n', ttl => '300000 years');
\echo :SQLSTATE
SELECT stash.options(ttl => '-1 s');
\echo :SQLSTATE
-- nothing is left of them
SELECT relname FROM pg_class WHERE relnamespace = 'stash_errors'::regnamespace AND relkind = 'r' ORDER BY 1;

-- ttl of a put
SELECT stash.put('s', 1, 1, '0 s');
\echo :SQLSTATE
SELECT stash.put('s', 1, 1, ttl => '-1 day');
\echo :SQLSTATE
SELECT stash.put('s', 1, 1, ttl => '300000 years');
\echo :SQLSTATE
SELECT stash.count('s');

-- a table that is no stash, though it looks like one
CREATE TABLE fake (LIKE stash.entry);
CREATE VIEW seeming AS SELECT * FROM s;
CREATE SEQUENCE seq;
CREATE INDEX fake_index ON fake (key_hash);
SELECT stash.put('fake', 1, 1);
\echo :SQLSTATE
SELECT stash.get('fake', 1);
\echo :SQLSTATE
SELECT stash.get('seeming', 1, NULL::int);
\echo :SQLSTATE
SELECT stash.has('seq', 1);
\echo :SQLSTATE
SELECT stash.remove('fake_index', 1);
\echo :SQLSTATE
SELECT stash.count('pg_class');
\echo :SQLSTATE
SELECT stash.clear('fake');
\echo :SQLSTATE
SELECT * FROM stash.entries('fake');
\echo :SQLSTATE
SELECT stash.drop('fake');
\echo :SQLSTATE
SELECT stash.get('stash.entry', 1);
\echo :SQLSTATE
-- its partitions are no stashes either
CREATE TABLE parts OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT stash.get('parts_0', 1);
\echo :SQLSTATE

-- no table at all
SELECT stash.get('nothing', 1);
\echo :SQLSTATE
SELECT stash.get(0, 1);
\echo :SQLSTATE
SELECT stash.put(1, 1, 1);
\echo :SQLSTATE

-- a NULL stash
SELECT stash.put(NULL, 1, 1);
\echo :SQLSTATE
SELECT stash.get(NULL, 1);
\echo :SQLSTATE
SELECT stash.get(NULL, 1, NULL::int);
\echo :SQLSTATE
SELECT stash.has(NULL, 1);
\echo :SQLSTATE
SELECT stash.remove(NULL, 1);
\echo :SQLSTATE
SELECT stash.count(NULL);
\echo :SQLSTATE
SELECT stash.clear(NULL);
\echo :SQLSTATE
SELECT * FROM stash.entries(NULL);
\echo :SQLSTATE
SELECT stash.drop(NULL);
\echo :SQLSTATE

-- put needs a unique index of the whole table on key_hash, or on key_hash and version, checked at once
CREATE TABLE heap OF stash.entry;
SELECT stash.put('heap', 1, 1);
\echo :SQLSTATE
CREATE INDEX ON heap (key_hash);
SELECT stash.put('heap', 1, 1);
\echo :SQLSTATE
CREATE UNIQUE INDEX ON heap (key_hash) WHERE version > 0;
CREATE UNIQUE INDEX ON heap (version, key_hash);
CREATE UNIQUE INDEX ON heap (key_hash, version, created_at);
CREATE UNIQUE INDEX ON heap (key_hash) INCLUDE (version);
SELECT stash.put('heap', 1, 1);
\echo :SQLSTATE
CREATE TABLE deferred OF stash.entry (PRIMARY KEY (key_hash) DEFERRABLE);
SELECT stash.put('deferred', 1, 1);
\echo :SQLSTATE
CREATE TABLE loose OF stash.entry PARTITION BY HASH (key_hash);
CREATE TABLE loose_0 PARTITION OF loose FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT stash.put('loose', 1, 1);
\echo :SQLSTATE
-- all else works on such a table, if slowly
INSERT INTO heap (key_hash, key, value) VALUES (stash.hash(1), stash.to_variant(1), stash.to_variant('one'::text));
SELECT stash.get('heap', 1), stash.has('heap', 1), stash.has('heap', 2), stash.count('heap'), stash.remove('heap', 1);
SELECT stash.has('heap', 1), stash.get('deferred', 1), stash.remove('loose', 1);

-- the type asked for must be that of the value; nothing is cast
SELECT stash.put('s', 'k', 42);
SELECT stash.get('s', 'k', NULL::text);
\echo :SQLSTATE
SELECT stash.get('s', 'k', NULL::bigint);
\echo :SQLSTATE
SELECT stash.get('s', 'k', NULL);
\echo :SQLSTATE
CREATE DOMAIN positive AS int CHECK (value > 0);
SELECT stash.get('s', 'k', NULL::positive);
\echo :SQLSTATE
SELECT stash.put('s', 'd', 1::positive);
SELECT stash.get('s', 'd', NULL::int);
\echo :SQLSTATE

-- types that cannot be kept
SELECT stash.put('s', 'c', 'text'::cstring);
\echo :SQLSTATE
SELECT stash.get('s', 'text'::cstring);
\echo :SQLSTATE

-- trap 29: one hash, two keys
-- another key of the same hash is neither returned nor overwritten
SELECT stash.put('s', 'mine', 1);
UPDATE s SET key = stash.to_variant('yours'::text) WHERE stash.identical(key, stash.to_variant('mine'::text));
SELECT stash.get('s', 'mine') IS NULL AS absent, stash.has('s', 'mine'), stash.remove('s', 'mine');
SELECT stash.put('s', 'mine', 2);
\echo :SQLSTATE
SELECT value, version FROM s WHERE key::text = 'yours';
-- nor is a row that a trigger keeps back taken for stored
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE INSERT ON parts_0 FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT stash.put('parts', 1, 1);
\echo :SQLSTATE

-- constraints of the table hold
ALTER TABLE s ADD CHECK (version < 2);
-- the detail would show the time
\set VERBOSITY terse
SELECT stash.put('s', 'k', 43);
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.get('s', 'k');

-- a read-only transaction
BEGIN READ ONLY;
SELECT stash.get('s', 'k'), stash.has('s', 'k'), stash.count('s');
SAVEPOINT a;
SELECT stash.put('s', 'k', 1);
\echo :SQLSTATE
ROLLBACK TO a;
SELECT stash.remove('s', 'k');
\echo :SQLSTATE
ROLLBACK TO a;
SELECT stash.clear('s');
\echo :SQLSTATE
ROLLBACK;

-- a stash on which something depends stays
CREATE VIEW dependent AS SELECT key FROM heap;
SELECT stash.drop('heap');
\echo :SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA stash_errors CASCADE;
RESET client_min_messages;
