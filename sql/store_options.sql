-- Stash tables: options at creation, changed, kept by the table; adoption.
CREATE SCHEMA stash_options;
SET search_path = stash_options, public;
\set SHOW_CONTEXT never
CREATE VIEW shown AS
SELECT c.relname, c.relpersistence AS kind, pg_get_constraintdef(o.oid) AS definition
FROM pg_class c JOIN pg_constraint o ON o.conrelid = c.oid AND o.contype IN ('c', 'p')
WHERE c.relnamespace = 'stash_options'::regnamespace AND c.relkind = 'r'
ORDER BY c.relname, o.contype;

-- all of them; what is the default is not written
SELECT stash.create('full', 'unlogged', 3, '1 day', 1000, 1000000, 'lru', 'none');
SELECT stash.create('plain', keep_versions => 1, evict => 'oldest', codec => 'lz4');
SELECT stash.create('history', keep_versions => 0);
SELECT * FROM shown;

-- one changes, the others stay
SELECT stash.configure('full', ttl => '1 hour');
SELECT stash.configure('full', max_entries => 10, evict => 'cost');
SELECT stash.configure('full', reset => '{ttl, max_bytes, evict}', codec => 'lz4');
SELECT stash.configure('full', 'logged');
SELECT stash.configure('plain', persistence => 'unlogged');
SELECT * FROM shown WHERE relname IN ('full', 'plain');
-- nothing to change
SELECT stash.configure('history');
-- the option holds at once
SELECT stash.configure('plain', ttl => '1 hour');
SELECT stash.put('plain', 'k', 1);
SELECT expires_at > now() + '59 min' AS in_an_hour FROM plain;

-- a stash that keeps more versions, or fewer: the key changes, entries beyond the number go
INSERT INTO history (key_hash, key, value, version)
SELECT key_hash, key, stash.to_variant(v), v FROM plain, generate_series(1, 5) v;
SELECT stash.get('history', 'k');
SELECT stash.configure('history', keep_versions => 3);
SELECT version, value FROM history ORDER BY 1;
SELECT stash.configure('history', reset => '{keep_versions}');
SELECT version, value FROM history ORDER BY 1;
SELECT stash.get('history', 'k'), stash.get('history', 'k', NULL::int);
SELECT * FROM shown WHERE relname = 'history';
SELECT stash.configure('history', keep_versions => 0);
SELECT * FROM shown WHERE relname = 'history';
-- of versions, the newest that has not expired
INSERT INTO history (key_hash, key, value, version, expires_at)
SELECT key_hash, key, stash.to_variant('late'::text), 6, '-infinity' FROM plain;
SELECT stash.get('history', 'k');

-- a dump is what the table is: so are names
ALTER TABLE history RENAME TO past;
SELECT stash.configure('past', ttl => '2 days');
SELECT definition FROM shown WHERE relname = 'past';

-- made by hand
CREATE TABLE by_hand OF stash.entry;
SELECT stash.put('by_hand', 1, 1);
SELECT stash.adopt('by_hand');
SELECT stash.put('by_hand', 1, 'one');
SELECT * FROM shown WHERE relname = 'by_hand';
-- again, it is as it was
SELECT stash.adopt('by_hand');
SELECT * FROM shown WHERE relname = 'by_hand';
-- with versions
CREATE TABLE by_hand_too OF stash.entry (PRIMARY KEY (key_hash, version));
SELECT stash.adopt('by_hand_too');
SELECT * FROM shown WHERE relname = 'by_hand_too';
-- with rows that are not one of a key, or none
CREATE TABLE doubled OF stash.entry;
INSERT INTO doubled (key_hash, key, value, version, created_at) SELECT key_hash, key, value, version, created_at FROM by_hand;
INSERT INTO doubled (key_hash, key, value, version, created_at) SELECT key_hash, key, value, version, created_at FROM by_hand;
\set VERBOSITY terse
SELECT stash.adopt('doubled');
\echo :SQLSTATE
CREATE TABLE empty_row OF stash.entry;
INSERT INTO empty_row DEFAULT VALUES;
SELECT stash.adopt('empty_row');
\echo :SQLSTATE
\set VERBOSITY default

-- what is refused
CREATE TABLE fake (LIKE stash.entry);
SELECT stash.adopt('fake');
\echo :SQLSTATE
SELECT stash.adopt(NULL);
\echo :SQLSTATE
SELECT stash.configure('fake', ttl => '1 s');
\echo :SQLSTATE
SELECT stash.configure('plain', 'temp');
\echo :SQLSTATE
SELECT stash.configure('plain', 'forever');
\echo :SQLSTATE
SELECT stash.configure('plain', keep_versions => -1);
\echo :SQLSTATE
SELECT stash.configure('plain', max_entries => 0);
\echo :SQLSTATE
SELECT stash.configure('plain', max_bytes => -5);
\echo :SQLSTATE
SELECT stash.configure('plain', evict => 'random');
\echo :SQLSTATE
SELECT stash.configure('plain', reset => '{ttl,colour}');
\echo :SQLSTATE
SELECT stash.create('n', keep_versions => NULL);
\echo :SQLSTATE
SELECT stash.create('n', keep_versions => -1);
\echo :SQLSTATE
SELECT stash.create('n', evict => 'LRU');
\echo :SQLSTATE
SELECT stash.options(keep_versions => -1);
\echo :SQLSTATE
SELECT stash.options(max_entries => 0);
\echo :SQLSTATE
SELECT stash.options(NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE keyless OF stash.entry (key NOT NULL);
SELECT stash.configure('keyless', keep_versions => 0);
\echo :SQLSTATE
-- of a memoized function
CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n';
SELECT stash.memoize('slow(int)');
SELECT stash.adopt('slow_stash');
\echo :SQLSTATE
-- somebody else's
CREATE ROLE regress_stash_other;
GRANT USAGE ON SCHEMA stash_options TO regress_stash_other;
GRANT ALL ON ALL TABLES IN SCHEMA stash_options TO regress_stash_other;
SET ROLE regress_stash_other;
SELECT stash.configure('plain', ttl => '1 day');
\echo :SQLSTATE
SELECT stash.adopt('by_hand');
\echo :SQLSTATE
RESET ROLE;

\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA stash_options CASCADE;
DROP OWNED BY regress_stash_other;
DROP ROLE regress_stash_other;
