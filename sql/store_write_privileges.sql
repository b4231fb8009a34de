-- Stash tables: which privileges writing and versions need, to the column, and what row security does to them.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_owner;
CREATE ROLE regress_stash_writer;
CREATE SCHEMA stash_write_privileges AUTHORIZATION regress_stash_owner;
GRANT USAGE ON SCHEMA stash_write_privileges TO PUBLIC;
SET search_path = stash_write_privileges;
SET ROLE regress_stash_owner;
SELECT stash.create('s'), stash.create('v', keep_versions => 2);
SELECT stash.put('s', 'k', 1), stash.put('v', 'k', 1), stash.put('v', 'k', 2);

-- without any
SET ROLE regress_stash_writer;
SELECT stash.pop('s', 'k');
\echo :SQLSTATE
SELECT stash.pop('s', 'none', NULL::int);
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'k', 2);
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'new', 2);
\echo :SQLSTATE
SELECT stash.versions('v', 'k');
\echo :SQLSTATE
SELECT stash.get('v', 'k', NULL::int, 1);
\echo :SQLSTATE
SELECT stash.put('v', 'k', 3);
\echo :SQLSTATE

-- get_or_put of what is there, and versions: SELECT
SET ROLE regress_stash_owner;
GRANT SELECT ON s, v TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.get_or_put('s', 'k', 2), stash.get_or_put('v', 'k', 2), stash.get('v', 'k', NULL::int, 1);
SELECT version, value FROM stash.versions('v', 'k');
SELECT stash.get_or_put('s', 'new', 2);
\echo :SQLSTATE
SELECT stash.get_or_put('v', 'new', 2);
\echo :SQLSTATE
SELECT stash.pop('s', 'k');
\echo :SQLSTATE

-- put where a key has one entry: SELECT and INSERT, UPDATE of all but the key
SET ROLE regress_stash_owner;
REVOKE ALL ON s, v FROM regress_stash_writer;
GRANT SELECT, INSERT, UPDATE (value, version, created_at, expires_at, cost, proof) ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.put('s', 'k', 2), stash.put('s', 'new', 1);
SELECT stash.get_or_put('s', 'absent', 1), stash.get_or_put('s', 'absent', 2);
-- each is needed, as INSERT ... ON CONFLICT needs it, for a new key as well
SET ROLE regress_stash_owner;
REVOKE UPDATE (cost) ON s FROM regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.put('s', 'other', 2);
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'other', 2);
\echo :SQLSTATE
SET ROLE regress_stash_owner;
GRANT UPDATE ON s TO regress_stash_writer;
REVOKE SELECT ON s FROM regress_stash_writer;
GRANT SELECT (key_hash, key, value, version, created_at, expires_at) ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.get('s', 'k');
SELECT stash.put('s', 'other', 2);
\echo :SQLSTATE
SET ROLE regress_stash_owner;
GRANT SELECT ON s TO regress_stash_writer;
REVOKE INSERT ON s FROM regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.put('s', 'k', 2);
\echo :SQLSTATE

-- pop: DELETE, and SELECT of what it looks at and gives
SET ROLE regress_stash_owner;
REVOKE ALL ON s FROM regress_stash_writer;
REVOKE ALL (key_hash, key, value, version, created_at, expires_at, cost, proof) ON s FROM regress_stash_writer;
GRANT DELETE, SELECT (key_hash, key, expires_at) ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.pop('s', 'absent');
\echo :SQLSTATE
SELECT stash.remove('s', 'new');
SET ROLE regress_stash_owner;
GRANT SELECT (value, created_at) ON s TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.pop('s', 'absent');

-- put of a version: INSERT and SELECT; DELETE when an old one goes, no UPDATE
SET ROLE regress_stash_owner;
GRANT INSERT, SELECT ON v TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.put('v', 'l', 1), stash.get_or_put('v', 'm', 1);
SELECT stash.put('v', 'k', 3);
\echo :SQLSTATE
SELECT version FROM stash.versions('v', 'k');
SET ROLE regress_stash_owner;
GRANT DELETE ON v TO regress_stash_writer;
SET ROLE regress_stash_writer;
SELECT stash.put('v', 'k', 3), stash.pop('v', 'l'), stash.remove('v', 'm');
SELECT version FROM stash.versions('v', 'k');

-- row security: own rows only
SET ROLE regress_stash_owner;
GRANT ALL ON s, v TO regress_stash_writer;
SELECT stash.clear('s'), stash.clear('v');
CREATE POLICY own ON s USING (key::text LIKE current_user || '%');
CREATE POLICY own ON v USING (key::text LIKE current_user || '%');
ALTER TABLE s ENABLE ROW LEVEL SECURITY;
ALTER TABLE v ENABLE ROW LEVEL SECURITY;
SELECT stash.put('s', 'hidden', 1), stash.put('v', 'hidden', 1);
SET ROLE regress_stash_writer;
SELECT stash.get_or_put('s', 'regress_stash_writer 1', 1), stash.get_or_put('v', 'regress_stash_writer 1', 1), stash.put('v', 'regress_stash_writer 1', 2);
SELECT version FROM stash.versions('v', 'regress_stash_writer 1');
SELECT stash.pop('s', 'hidden') IS NULL AS hidden, stash.pop('v', 'hidden') IS NULL AS hidden, stash.get('v', 'hidden', 1, 1) IS NULL AS hidden,
	stash.count('s'), stash.count('v');
SELECT stash.get_or_put('s', 'hidden', 2);
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'foreign', 2);
\echo :SQLSTATE
SELECT stash.put('v', 'hidden', 2);
\echo :SQLSTATE
SELECT stash.get_or_put('v', 'hidden', 2);
\echo :SQLSTATE
SELECT stash.pop('s', 'regress_stash_writer 1'), stash.pop('v', 'regress_stash_writer 1');
-- a row that is hidden for another reason than its key is in the way, and stays
SET ROLE regress_stash_owner;
ALTER POLICY own ON s USING (stash.typeof(value) <> 'int4');
ALTER POLICY own ON v USING (stash.typeof(value) <> 'int4');
SET ROLE regress_stash_writer;
SELECT stash.put('s', 'hidden', 'mine');
\echo :SQLSTATE
-- from 18 on the server asks for the condition first, then for the policy
DO $$
BEGIN
	PERFORM stash.get_or_put('s', 'hidden', 'mine');
EXCEPTION WHEN insufficient_privilege OR unique_violation THEN
	RAISE NOTICE 'refused';
END
$$;
SELECT stash.put('v', 'hidden', 'mine');
\echo :SQLSTATE
SELECT stash.get_or_put('v', 'hidden', 'mine');
\echo :SQLSTATE
SELECT stash.put('s', 'k', 'mine'), stash.put('v', 'k', 'mine'), stash.count('s'), stash.count('v');
SET ROLE regress_stash_owner;
SELECT key, version, value FROM s UNION ALL SELECT key, version, value FROM v;

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA stash_write_privileges CASCADE;
RESET client_min_messages;
DROP ROLE regress_stash_owner, regress_stash_writer;
