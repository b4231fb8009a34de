-- Stash tables: privileges are the table's own, whichever way an entry is reached.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_owner;
CREATE ROLE regress_stash_reader;
CREATE ROLE regress_stash_writer;
CREATE ROLE regress_stash_stranger;
CREATE ROLE regress_stash_monitor IN ROLE pg_read_all_stats;
CREATE SCHEMA stash_privileges AUTHORIZATION regress_stash_owner;
GRANT USAGE ON SCHEMA stash_privileges TO PUBLIC;
SET search_path = stash_privileges;

-- anybody who may create tables may create stashes, where tables may be created
SET ROLE regress_stash_stranger;
\set VERBOSITY terse
SELECT stash.create('stash_privileges.mine');
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.create('mine', 'temp');
SELECT stash.put('mine', 1, 1);
SELECT stash.get('mine', 1);
SELECT stash.drop('mine');
SET ROLE regress_stash_owner;
SELECT stash.create('s');
SELECT stash.put('s', 'k', 1), stash.put('s', 'l', 2);
-- the same checks again where the executor does the work
CREATE TABLE p OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE p_0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT stash.put('p', 'k', 1), stash.put('p', 'l', 2);

-- without any right
SET ROLE regress_stash_stranger;
SELECT stash.get('s', 'k');
\echo :SQLSTATE
SELECT stash.get('s', 'k', NULL::int);
\echo :SQLSTATE
SELECT stash.has('s', 'k');
\echo :SQLSTATE
SELECT stash.count('s');
\echo :SQLSTATE
SELECT * FROM stash.entries('s');
\echo :SQLSTATE
SELECT stash.put('s', 'k', 1);
\echo :SQLSTATE
SELECT stash.remove('s', 'k');
\echo :SQLSTATE
SELECT stash.clear('s');
\echo :SQLSTATE
SELECT stash.drop('s');
\echo :SQLSTATE
SELECT stash.get('p', 'k');
\echo :SQLSTATE
SELECT stash.put('p', 'k', 1);
\echo :SQLSTATE

-- SELECT: get, has, count, entries, and nothing more
SET ROLE regress_stash_owner;
GRANT SELECT ON s, p TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT stash.get('s', 'k'), stash.get('s', 'k', NULL::int), stash.has('s', 'x'), stash.count('s');
SELECT key, value FROM stash.entries('s') ORDER BY key;
SELECT stash.get('p', 'k'), stash.has('p', 'x'), stash.count('p');
SELECT stash.put('s', 'k', 3);
\echo :SQLSTATE
SELECT stash.remove('s', 'k');
\echo :SQLSTATE
SELECT stash.clear('s');
\echo :SQLSTATE

-- put is an upsert that returns what is there: INSERT, UPDATE and SELECT
SET ROLE regress_stash_owner;
GRANT INSERT ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.put('s', 'new', 3);
\echo :SQLSTATE
SET ROLE regress_stash_owner;
GRANT SELECT ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.put('s', 'new', 3);
\echo :SQLSTATE
SET ROLE regress_stash_owner;
GRANT UPDATE ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.put('s', 'new', 3), stash.put('s', 'k', 4);
SELECT stash.remove('s', 'new');
\echo :SQLSTATE

-- remove and clear: DELETE; remove looks at the key, which takes SELECT too
SET ROLE regress_stash_owner;
REVOKE ALL ON s FROM regress_stash_writer;
GRANT DELETE ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.remove('s', 'new');
\echo :SQLSTATE
SET ROLE regress_stash_owner;
GRANT SELECT ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.remove('s', 'new'), stash.remove('s', 'new');
SET ROLE regress_stash_owner;
REVOKE SELECT ON s FROM regress_stash_writer;
SET ROLE regress_stash_writer;
BEGIN;
SELECT stash.clear('s');
ROLLBACK;

-- a right that is lost is noticed by the next call, also in the middle of a session
SET ROLE regress_stash_reader;
SELECT stash.get('s', 'k');
SET ROLE regress_stash_owner;
REVOKE SELECT ON s FROM regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT stash.get('s', 'k');
\echo :SQLSTATE
-- and so is the right to look into the schema
SET ROLE regress_stash_owner;
GRANT SELECT ON s TO regress_stash_reader;
SELECT 's'::regclass::oid AS s, 'p'::regclass::oid AS p \gset
SET ROLE regress_stash_reader;
SELECT stash.get(:s, 'k'), stash.get(:p, 'k');
SET ROLE regress_stash_owner;
REVOKE USAGE ON SCHEMA stash_privileges FROM PUBLIC;
SET ROLE regress_stash_reader;
\set VERBOSITY terse
SELECT stash.get(:s, 'k');
\echo :SQLSTATE
SELECT stash.get(:p, 'k');
\echo :SQLSTATE
\set VERBOSITY default
SET ROLE regress_stash_owner;
GRANT USAGE ON SCHEMA stash_privileges TO PUBLIC;

-- columns: what a statement names is what it takes
REVOKE SELECT ON s FROM regress_stash_reader;
GRANT SELECT (key_hash, key, expires_at) ON s TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT stash.count('s');
SELECT stash.get('s', 'k');
\echo :SQLSTATE
SET ROLE regress_stash_owner;
GRANT SELECT (value, created_at) ON s TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT stash.get('s', 'k'), stash.has('s', 'k');
SELECT * FROM stash.entries('s');
\echo :SQLSTATE

-- row security, for each of the functions
SET ROLE regress_stash_owner;
REVOKE ALL ON s FROM regress_stash_reader, regress_stash_writer;
GRANT ALL ON s TO regress_stash_reader, regress_stash_writer;
SELECT stash.clear('s');
CREATE POLICY own ON s USING (key::text LIKE current_user || '%');
ALTER TABLE s ENABLE ROW LEVEL SECURITY;
SELECT stash.put('s', 'regress_stash_reader 1', 'r'), stash.put('s', 'regress_stash_writer 1', 'w');
SET ROLE regress_stash_reader;
SELECT stash.get('s', 'regress_stash_reader 1'), stash.get('s', 'regress_stash_writer 1') IS NULL AS hidden,
	stash.has('s', 'regress_stash_writer 1'), stash.count('s'), stash.remove('s', 'regress_stash_writer 1');
SELECT key FROM stash.entries('s');
SELECT stash.put('s', 'regress_stash_reader 1', 'R'), stash.put('s', 'regress_stash_reader 2', 'R');
SELECT stash.put('s', 'regress_stash_writer 2', 'R');
\echo :SQLSTATE
SELECT stash.put('s', 'regress_stash_writer 1', 'R');
\echo :SQLSTATE
SET ROLE regress_stash_writer;
SELECT stash.get('s', 'regress_stash_writer 1'), stash.get('s', 'regress_stash_reader 1') IS NULL AS hidden, stash.clear('s');
SET row_security = off;
SELECT stash.get('s', 'regress_stash_reader 1');
\echo :SQLSTATE
SELECT stash.count('s');
\echo :SQLSTATE
RESET row_security;
-- the owner is exempt until told otherwise
SET ROLE regress_stash_owner;
SELECT stash.get('s', 'regress_stash_reader 1'), stash.count('s');
ALTER TABLE s FORCE ROW LEVEL SECURITY;
SELECT stash.get('s', 'regress_stash_reader 1') IS NULL AS hidden, stash.count('s');
ALTER TABLE s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_writer;
SELECT stash.get('s', 'regress_stash_reader 1');

-- the view of stashes shows what one owns or may read, and all to monitors
SET ROLE regress_stash_owner;
REVOKE ALL ON s, p FROM regress_stash_reader, regress_stash_writer;
GRANT SELECT ON s TO regress_stash_reader;
GRANT INSERT ON s TO regress_stash_writer;
CREATE TEMP TABLE seen (who name, stash regclass);
GRANT INSERT ON seen TO PUBLIC;
INSERT INTO seen SELECT current_user, stash FROM stash.stashes;
SET ROLE regress_stash_reader;
INSERT INTO seen SELECT current_user, stash FROM stash.stashes;
SET ROLE regress_stash_writer;
INSERT INTO seen SELECT current_user, stash FROM stash.stashes;
SET ROLE regress_stash_stranger;
INSERT INTO seen SELECT current_user, stash FROM stash.stashes;
SET ROLE regress_stash_monitor;
INSERT INTO seen SELECT current_user, stash FROM stash.stashes;
RESET ROLE;
SELECT who, stash FROM seen WHERE stash IN ('s', 'p') ORDER BY who, stash::text COLLATE "C";
DROP TABLE seen;

-- a function with the rights of its owner uses those
SET ROLE regress_stash_owner;
CREATE FUNCTION look_up(k text) RETURNS int STABLE SECURITY DEFINER LANGUAGE sql AS $$SELECT stash.get('stash_privileges.p', k, NULL::int)$$;
SET ROLE regress_stash_stranger;
SELECT look_up('k');

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA stash_privileges CASCADE;
RESET client_min_messages;
DROP ROLE regress_stash_owner, regress_stash_reader, regress_stash_writer, regress_stash_stranger, regress_stash_monitor;
