-- Memoized functions: rights, memberships and row security that change after an answer was remembered.
-- A function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_ann;
CREATE ROLE regress_stash_ben;
CREATE ROLE regress_stash_club;
CREATE ROLE regress_stash_inner;
CREATE SCHEMA stash_memo_identity AUTHORIZATION regress_stash_ann;
CREATE SCHEMA stash_memo_identity_b AUTHORIZATION regress_stash_ann;
GRANT USAGE ON SCHEMA stash_memo_identity, stash_memo_identity_b TO regress_stash_ben;
GRANT CREATE ON SCHEMA stash_memo_identity_b TO regress_stash_ben;
SET search_path = stash_memo_identity;

-- over a table that is tracked, and over one that is not, by the clock
SET ROLE regress_stash_ann;
CREATE TABLE tracked (owner text, n int);
CREATE TABLE timed (owner text, n int);
INSERT INTO tracked VALUES ('regress_stash_ann', 1), ('regress_stash_ben', 2);
INSERT INTO timed TABLE tracked;
SELECT stash.track('tracked');
CREATE FUNCTION of_tracked() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_tracked() for %', current_user;
	RETURN (SELECT sum(n) FROM stash_memo_identity.tracked);
END
$$;
CREATE FUNCTION of_timed() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_timed() for %', current_user;
	RETURN (SELECT sum(n) FROM stash_memo_identity.timed);
END
$$;
SELECT stash.memoize('of_tracked()'), stash.memoize('of_timed()', ttl => '1 hour');

-- trap 3: a right to the table, of one's own or of all, and to a column
GRANT SELECT ON tracked, timed TO regress_stash_ben;
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ann;
REVOKE SELECT ON tracked, timed FROM regress_stash_ben;
SET ROLE regress_stash_ben;
SELECT of_tracked();
\echo :SQLSTATE
SELECT of_timed();
\echo :SQLSTATE
SET ROLE regress_stash_ann;
GRANT SELECT (n) ON tracked, timed TO PUBLIC;
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ann;
REVOKE SELECT (n) ON tracked, timed FROM PUBLIC;
SET ROLE regress_stash_ben;
SELECT of_tracked();
\echo :SQLSTATE
SELECT of_timed();
\echo :SQLSTATE

-- trap 3: a function that is called, and the schemas of both, in which a new session would not find them
SET ROLE regress_stash_ann;
CREATE TABLE stash_memo_identity_b.inner_table AS SELECT 7 AS n;
GRANT SELECT ON stash_memo_identity_b.inner_table TO PUBLIC;
SELECT stash.track('stash_memo_identity_b.inner_table');
CREATE FUNCTION stash_memo_identity_b.inner_function() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 7; END';
CREATE FUNCTION of_table() RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_table()';
	RETURN (SELECT n FROM stash_memo_identity_b.inner_table);
END
$$;
CREATE FUNCTION of_function() RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_function()';
	RETURN stash_memo_identity_b.inner_function();
END
$$;
CREATE FUNCTION of_function_timed() RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_function_timed()';
	RETURN stash_memo_identity_b.inner_function();
END
$$;
SELECT stash.memoize('of_table()'), stash.memoize('of_function()'), stash.memoize('of_function_timed()', ttl => '1 hour');
SET ROLE regress_stash_ben;
SELECT of_table(), of_function(), of_function_timed();
SELECT of_table(), of_function(), of_function_timed();
SET ROLE regress_stash_ann;
REVOKE EXECUTE ON FUNCTION stash_memo_identity_b.inner_function() FROM PUBLIC;
SET ROLE regress_stash_ben;
SELECT of_function();
\echo :SQLSTATE
SELECT of_function_timed();
\echo :SQLSTATE
SET ROLE regress_stash_ann;
GRANT EXECUTE ON FUNCTION stash_memo_identity_b.inner_function() TO PUBLIC;
SET ROLE regress_stash_ben;
SELECT of_table(), of_function(), of_function_timed();
SELECT of_table(), of_function(), of_function_timed();
RESET ROLE;
REVOKE USAGE ON SCHEMA stash_memo_identity_b FROM regress_stash_ben;
\c -
SET search_path = stash_memo_identity;
SET ROLE regress_stash_ben;
\set VERBOSITY terse
SELECT of_table();
\echo :SQLSTATE
SELECT of_function();
\echo :SQLSTATE
SELECT of_function_timed();
\echo :SQLSTATE
\set VERBOSITY default
RESET ROLE;
GRANT USAGE ON SCHEMA stash_memo_identity_b TO regress_stash_ben;

-- trap 4: a right that comes through roles: the membership goes, or is no longer inherited, here or on the way
GRANT SELECT ON tracked, timed TO regress_stash_inner;
GRANT regress_stash_inner TO regress_stash_club;
GRANT regress_stash_club TO regress_stash_ben;
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SELECT of_tracked(), of_timed();
RESET ROLE;
REVOKE regress_stash_inner FROM regress_stash_club;
SET ROLE regress_stash_ben;
SELECT of_tracked();
\echo :SQLSTATE
SELECT of_timed();
\echo :SQLSTATE
RESET ROLE;
GRANT regress_stash_inner TO regress_stash_club;
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
RESET ROLE;
-- what an attribute of the role says up to 15 is said by each grant from 16 on
SELECT current_setting('server_version_num')::int < 160000 AS by_role \gset
\set ECHO none
\if :by_role
ALTER ROLE regress_stash_club NOINHERIT;
\else
GRANT regress_stash_inner TO regress_stash_club WITH INHERIT FALSE;
\endif
\set ECHO all
SET ROLE regress_stash_ben;
SELECT of_tracked();
\echo :SQLSTATE
SELECT of_timed();
\echo :SQLSTATE
RESET ROLE;
-- a superuser no longer
ALTER ROLE regress_stash_ben SUPERUSER;
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SELECT of_tracked(), of_timed();
RESET ROLE;
ALTER ROLE regress_stash_ben NOSUPERUSER;
SET ROLE regress_stash_ben;
SELECT of_tracked();
\echo :SQLSTATE
SELECT of_timed();
\echo :SQLSTATE

-- trap 5: row security comes, is forced on the owner, gets policies, loses them
SET ROLE regress_stash_ann;
GRANT SELECT ON tracked, timed TO regress_stash_ben;
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ann;
ALTER TABLE tracked ENABLE ROW LEVEL SECURITY;
ALTER TABLE timed ENABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ann;
SELECT of_tracked(), of_timed();
ALTER TABLE tracked FORCE ROW LEVEL SECURITY;
ALTER TABLE timed FORCE ROW LEVEL SECURITY;
SELECT of_tracked(), of_timed();
CREATE POLICY own ON tracked USING (owner = current_user);
CREATE POLICY own ON timed USING (owner = current_user);
SELECT of_tracked(), of_timed();
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ann;
ALTER POLICY own ON tracked USING (true);
ALTER POLICY own ON timed USING (true);
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ann;
DROP POLICY own ON tracked;
DROP POLICY own ON timed;
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();
SET ROLE regress_stash_ann;
ALTER TABLE tracked DISABLE ROW LEVEL SECURITY;
ALTER TABLE timed DISABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_ben;
SELECT of_tracked(), of_timed();

-- trap 6: a policy that reads another table: not proved while that is not tracked, then as fresh as both
SET ROLE regress_stash_ann;
CREATE TABLE allowed (reader text, owner text);
INSERT INTO allowed VALUES ('regress_stash_ben', 'regress_stash_ben');
GRANT SELECT ON allowed TO regress_stash_ben;
CREATE POLICY friends ON tracked USING (owner IN (SELECT a.owner FROM stash_memo_identity.allowed a WHERE a.reader = current_user));
ALTER TABLE tracked ENABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_ben;
SELECT of_tracked();
SELECT of_tracked();
SELECT value FROM stash.explain('of_tracked()') WHERE item = 'last answer not kept';
SET ROLE regress_stash_ann;
SELECT stash.track('allowed');
SET ROLE regress_stash_ben;
SELECT of_tracked();
SELECT of_tracked();
SET ROLE regress_stash_ann;
INSERT INTO allowed VALUES ('regress_stash_ben', 'regress_stash_ann');
SET ROLE regress_stash_ben;
SELECT of_tracked();
SELECT of_tracked();

-- trap 8: row security below what the body says; roles share by the owner's word, and yet nobody gets what is another's
SET ROLE regress_stash_ann;
DROP POLICY friends ON tracked;
CREATE POLICY own ON tracked USING (owner = current_user);
CREATE VIEW by_invoker WITH (security_invoker) AS SELECT n FROM tracked;
CREATE VIEW by_owner AS SELECT n FROM tracked;
GRANT SELECT ON by_invoker, by_owner TO regress_stash_ben;
CREATE FUNCTION inlined_rows() RETURNS SETOF int STABLE LANGUAGE sql AS 'SELECT n FROM stash_memo_identity.tracked';
CREATE FUNCTION inlined_value() RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT sum(n) FROM tracked);
CREATE FUNCTION below_function() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(n) FROM stash_memo_identity.inlined_rows() n';
CREATE FUNCTION below_value() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT stash_memo_identity.inlined_value()';
CREATE FUNCTION below_cte() RETURNS bigint STABLE LANGUAGE sql
AS 'WITH a AS MATERIALIZED (SELECT n FROM stash_memo_identity.tracked), b AS (SELECT * FROM a) SELECT sum(n) FROM b';
CREATE FUNCTION below_subquery() RETURNS bigint STABLE LANGUAGE sql
AS 'SELECT sum(x) FROM generate_series(1, 2) x WHERE x IN (SELECT n FROM stash_memo_identity.tracked)';
CREATE FUNCTION below_invoker() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(n) FROM stash_memo_identity.by_invoker';
CREATE FUNCTION below_owner() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(n) FROM stash_memo_identity.by_owner';
CREATE FUNCTION below_dynamic() RETURNS bigint STABLE LANGUAGE plpgsql
AS $$ DECLARE s bigint; BEGIN EXECUTE 'SELECT sum(n) FROM stash_memo_identity.tracked' INTO s; RETURN s; END $$;
CREATE FUNCTION ways() RETURNS SETOF regprocedure STABLE LANGUAGE sql AS $$
	SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'below\_%' AND proname NOT LIKE '%\_uncached' ORDER BY proname COLLATE "C"
$$;
SELECT stash.memoize(f, share => 'all', vary => '{}') FROM ways() f;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA stash_memo_identity TO PUBLIC;
-- what each answers, twice, and whether that is what the original does
CREATE FUNCTION answers() RETURNS TABLE (way text, first bigint, again bigint, is_right bool) LANGUAGE plpgsql AS $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT stash_memo_identity.ways() LOOP
		way := f;
		EXECUTE format('SELECT %s', f) INTO first;
		EXECUTE format('SELECT %s', f) INTO again;
		EXECUTE format('SELECT %s = $1 AND %1$s = $2', replace(f::text, '()', '_uncached()')) INTO is_right USING first, again;
		RETURN NEXT;
	END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION answers() TO PUBLIC;
SELECT * FROM answers();
SET ROLE regress_stash_ben;
SELECT * FROM answers();
SET ROLE regress_stash_ann;
SELECT way, value FROM ways() AS way, stash.explain(way) WHERE item = 'last answer not kept';
-- without row security they share
DROP POLICY own ON tracked;
ALTER TABLE tracked DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
SELECT count(*) AS right FROM answers() WHERE is_right;
SELECT count(*) AS kept FROM ways() AS way, stash.calls(way);

-- trap 9: a wrapper with the rights of its owner lends no more than these
CREATE FUNCTION anns(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n';
REVOKE EXECUTE ON FUNCTION anns(int) FROM PUBLIC;
SET ROLE regress_stash_ben;
SET check_function_bodies = off;
CREATE FUNCTION stash_memo_identity_b.lifted(n int) RETURNS int IMMUTABLE SECURITY DEFINER LANGUAGE stash AS 'target = stash_memo_identity.anns';
RESET check_function_bodies;
SELECT stash_memo_identity_b.lifted(1);
\echo :SQLSTATE
SET ROLE regress_stash_ann;
SELECT stash_memo_identity_b.lifted(1);
\echo :SQLSTATE

-- trap 10: statistics and explanations show nobody what is stored
CREATE FUNCTION secret(n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'secret ' || n % 2$$;
SELECT stash.memoize('secret(int)');
SELECT count(secret(n)) FROM generate_series(1, 100) AS n;
ANALYZE secret_stash;
SELECT count(*) > 0 AS there_are FROM pg_stats WHERE tablename = 'secret_stash';
SET ROLE regress_stash_ben;
SELECT count(*) AS seen FROM pg_stats WHERE tablename = 'secret_stash';
SELECT count(*) AS seen FROM stash.explain('secret(int)', 1) WHERE value ILIKE '%secret 1%';
SELECT count(*) AS seen FROM stash.stashes WHERE stash::text LIKE '%secret%';
SELECT secret(1);

-- trap 29: a key of the same hash that is not the same key
SET ROLE regress_stash_ann;
SET pg_hashstash.local_cache_size = 0;
CREATE FUNCTION f(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed f(%)', n;
	RETURN n;
END
$$;
SELECT stash.memoize('f(int)');
SELECT f(1), f(2);
UPDATE f_stash SET key_hash = (SELECT key_hash FROM f_stash WHERE stash.value(value, 0) = 1);
SELECT f(1), f(2);

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_identity, stash_memo_identity_b CASCADE;
DROP OWNED BY regress_stash_ann, regress_stash_ben;
DROP ROLE regress_stash_ann, regress_stash_ben, regress_stash_club, regress_stash_inner;
