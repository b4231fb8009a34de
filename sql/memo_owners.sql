-- Memoized functions: rights of others than the caller: of owners of views and of SECURITY DEFINER functions, and of roles that
-- functions set. Each memo is asked, a role changes, and it is asked again beside its target: they agree.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_stash_reader;
CREATE ROLE regress_stash_owner;
CREATE ROLE regress_stash_user;
CREATE ROLE regress_stash_other;
GRANT regress_stash_reader TO regress_stash_owner;
CREATE SCHEMA stash_memo_owners;
GRANT USAGE, CREATE ON SCHEMA stash_memo_owners TO PUBLIC;
SET search_path = stash_memo_owners;
CREATE TABLE account (n int);
INSERT INTO account VALUES (7);
SELECT stash.track('account');
GRANT SELECT ON account TO regress_stash_reader;
CREATE TABLE open (n int);
SELECT stash.track('open');
GRANT SELECT ON open TO PUBLIC;

SET ROLE regress_stash_owner;
CREATE VIEW seen AS SELECT n FROM account;
GRANT SELECT ON seen TO PUBLIC;
CREATE FUNCTION definer() RETURNS text STABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT sum(n)::text FROM stash_memo_owners.account';
CREATE FUNCTION definer_name() RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN current_user; END';
CREATE FUNCTION plain_definer() RETURNS bigint STABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT sum(n) FROM stash_memo_owners.account';
RESET ROLE;
CREATE VIEW seen_by_definer AS SELECT stash_memo_owners.plain_definer() AS n;
GRANT SELECT ON seen_by_definer TO PUBLIC;
CREATE FUNCTION set_role() RETURNS text STABLE LANGUAGE sql SET role = regress_stash_owner AS 'SELECT sum(n)::text FROM stash_memo_owners.account';

SET ROLE regress_stash_user;
CREATE FUNCTION plain() RETURNS text STABLE LANGUAGE sql AS 'SELECT count(*)::text FROM stash_memo_owners.open';
CREATE FUNCTION of_view() RETURNS text STABLE LANGUAGE sql AS 'SELECT sum(n)::text FROM stash_memo_owners.seen';
CREATE FUNCTION of_view_timed() RETURNS text STABLE LANGUAGE sql AS 'SELECT sum(n)::text FROM stash_memo_owners.seen';
CREATE FUNCTION of_view_shared() RETURNS text STABLE LANGUAGE sql AS 'SELECT sum(n)::text FROM stash_memo_owners.seen';
CREATE FUNCTION of_memo() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_owners.of_view(); END';
CREATE FUNCTION of_query() RETURNS text STABLE LANGUAGE sql
	AS $$SELECT n::text FROM stash.query('SELECT sum(n) FROM stash_memo_owners.seen') AS q(n bigint)$$;
CREATE FUNCTION of_definer() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_owners.plain_definer(); END';
CREATE FUNCTION of_definer_memo() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_owners.definer(); END';
CREATE FUNCTION of_definer_view() RETURNS text STABLE LANGUAGE sql AS 'SELECT n::text FROM stash_memo_owners.seen_by_definer';
CREATE FUNCTION of_name() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_owners.definer_name(); END';
CREATE FUNCTION of_set_role() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_owners.set_role(); END';
-- in this order: some use what others have remembered
CREATE TABLE asked (name text, place serial);
INSERT INTO asked VALUES ('plain'), ('definer'), ('definer_name'), ('of_view'), ('of_view_timed'), ('of_view_shared'), ('of_memo'),
	('of_query'), ('of_definer'), ('of_definer_memo'), ('of_definer_view'), ('of_name'), ('of_set_role');
SELECT stash.memoize('plain()'), stash.memoize('of_view()'), stash.memoize('of_view_timed()', ttl => '1 hour'),
	stash.memoize('of_view_shared()', share => 'all'), stash.memoize('of_memo()'), stash.memoize('of_query()'), stash.memoize('of_definer()'),
	stash.memoize('of_definer_memo()'), stash.memoize('of_definer_view()'), stash.memoize('of_name()'), stash.memoize('of_set_role()');
SET ROLE regress_stash_owner;
SELECT stash.memoize('definer()'), stash.memoize('definer_name()');
GRANT EXECUTE ON FUNCTION definer_uncached(), definer_name_uncached() TO regress_stash_user;

SET ROLE regress_stash_user;
CREATE FUNCTION answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'SELECT ' || call INTO answer;
	RETURN answer;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN 'refused';
END
$$;
-- what is said, by which that were remembered and which that were not, and who says something else than is true
CREATE FUNCTION ask(OUT said text, OUT remembered text, OUT computed text, OUT wrong text) RETURNS SETOF record LANGUAGE sql AS $$
	WITH peeked AS MATERIALIZED (
		SELECT name, stash_memo_owners.answer(format('stash.peek(%L) IS NOT NULL', name || '()')) = 'true' AS was_there
		FROM stash_memo_owners.asked ORDER BY place),
	called AS MATERIALIZED (
		SELECT name, was_there, stash_memo_owners.answer(name || '()') AS said, stash_memo_owners.answer(name || '_uncached()') AS real
		FROM peeked)
	SELECT said, string_agg(name, ' ' ORDER BY name) FILTER (WHERE was_there),
		string_agg(name, ' ' ORDER BY name) FILTER (WHERE NOT was_there),
		string_agg(name, ' ' ORDER BY name) FILTER (WHERE said IS DISTINCT FROM real)
	FROM called GROUP BY said ORDER BY said
$$;
\pset null ''
\x on
SELECT * FROM ask();
-- what another role does ends nothing
RESET ROLE;
ALTER ROLE regress_stash_other CREATEROLE;
SET ROLE regress_stash_user;
SELECT * FROM ask();

-- trap 4: a membership that an owner loses, which is seen in the session's memory, in shared memory and in the stash
RESET ROLE;
REVOKE regress_stash_reader FROM regress_stash_owner;
SET ROLE regress_stash_user;
SELECT * FROM stash.explain('of_view()') WHERE value LIKE '%owner of a view%';
SELECT * FROM ask();
SET pg_hashstash.local_cache_size = 0;
SELECT * FROM ask();
SET pg_hashstash.shared_cache = off;
SELECT * FROM ask();
-- and gets again: what was true then is so again
RESET ROLE;
GRANT regress_stash_reader TO regress_stash_owner;
SET ROLE regress_stash_user;
SELECT * FROM ask();
RESET pg_hashstash.local_cache_size;
RESET pg_hashstash.shared_cache;
SELECT * FROM ask();

-- trap 4: a membership whose rights are not inherited any more
RESET ROLE;
CREATE ROLE regress_stash_heir IN ROLE regress_stash_reader NOINHERIT;
GRANT regress_stash_heir TO regress_stash_owner;
REVOKE regress_stash_reader FROM regress_stash_owner;
SET ROLE regress_stash_user;
SELECT * FROM ask();

-- trap 4: an owner who is a superuser, and is none any more
RESET ROLE;
ALTER ROLE regress_stash_owner SUPERUSER;
SET ROLE regress_stash_user;
SELECT * FROM ask();
RESET ROLE;
ALTER ROLE regress_stash_owner NOSUPERUSER;
SET ROLE regress_stash_user;
SELECT * FROM ask();

-- trap 4: policies: an owner for whom they do not count, and one who comes to a role that has one of its own
RESET ROLE;
GRANT regress_stash_reader TO regress_stash_owner;
ALTER TABLE account ENABLE ROW LEVEL SECURITY;
CREATE POLICY no_rows ON account TO regress_stash_reader USING (n > 100);
CREATE POLICY all_rows ON account TO regress_stash_other USING (true);
ALTER ROLE regress_stash_owner BYPASSRLS;
SET ROLE regress_stash_user;
SELECT * FROM ask();
RESET ROLE;
ALTER ROLE regress_stash_owner NOBYPASSRLS;
SET ROLE regress_stash_user;
SELECT * FROM ask();
RESET ROLE;
GRANT regress_stash_other TO regress_stash_owner;
SET ROLE regress_stash_user;
SELECT * FROM ask();
RESET ROLE;
ALTER TABLE account DISABLE ROW LEVEL SECURITY;

-- trap 4: the owner of the database, who is a member of a role of which no row tells
REVOKE regress_stash_reader FROM regress_stash_owner;
GRANT SELECT ON account TO pg_database_owner;
SELECT format('ALTER DATABASE %I OWNER TO regress_stash_owner', current_database()) AS to_owner,
	format('ALTER DATABASE %I OWNER TO %I', current_database(), current_user) AS back \gset
:to_owner;
SET ROLE regress_stash_user;
SELECT * FROM ask();
RESET ROLE;
:back;
SET ROLE regress_stash_user;
SELECT * FROM ask();

-- trap 4: the name of an owner
RESET ROLE;
ALTER ROLE regress_stash_owner RENAME TO regress_stash_owner_b;
SET ROLE regress_stash_user;
SELECT definer_name(), definer_name_uncached(), of_name(), of_name_uncached();

-- trap 46: the event trigger that tells of types, which is switched off in between, and while it is
RESET ROLE;
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE TABLE car (c colour);
INSERT INTO car VALUES ('red');
SELECT stash.track('car');
CREATE FUNCTION colours() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'computed colours()';
	RETURN (SELECT string_agg(c::text, ' ') FROM car);
END
$$;
SELECT stash.memoize('colours()');
SELECT colours();
SELECT colours();
ALTER EVENT TRIGGER stash_note_definition DISABLE;
ALTER TYPE colour RENAME VALUE 'red' TO 'crimson';
ALTER EVENT TRIGGER stash_note_definition ENABLE ALWAYS;
SELECT colours();
SELECT colours();
ALTER EVENT TRIGGER stash_note_definition ENABLE;
SELECT colours();
ALTER TYPE colour RENAME VALUE 'crimson' TO 'red';
SELECT colours();
SELECT item FROM stash.explain('colours()') WHERE value LIKE '%switched off%';
ALTER EVENT TRIGGER stash_note_definition ENABLE ALWAYS;
SELECT colours();
SELECT colours();

-- the functions that an aggregate is made of run in its owner's name
SET client_min_messages = warning;
CREATE ROLE regress_stash_adder;
CREATE FUNCTION adding(int, int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN coalesce($1, 0) + $2; END';
REVOKE EXECUTE ON FUNCTION adding FROM PUBLIC;
GRANT EXECUTE ON FUNCTION adding TO regress_stash_adder;
GRANT regress_stash_adder TO regress_stash_other;
CREATE AGGREGATE added(int) (SFUNC = adding, STYPE = int);
ALTER AGGREGATE added(int) OWNER TO regress_stash_other;
CREATE FUNCTION all_added() RETURNS int STABLE LANGUAGE sql AS 'SELECT added(g) FROM generate_series(1, 4) g, open';
INSERT INTO open VALUES (1);
SELECT stash.memoize('all_added()');
SET ROLE regress_stash_user;
SELECT all_added(), value AS verdict FROM stash.explain('all_added()') WHERE item = 'verdict';
SELECT all_added(), value AS verdict FROM stash.explain('all_added()') WHERE item = 'verdict';
RESET ROLE;
REVOKE regress_stash_adder FROM regress_stash_other;
SET ROLE regress_stash_user;
SELECT all_added();
RESET ROLE;
DROP FUNCTION all_added, all_added_uncached;
DROP AGGREGATE added(int);
DROP FUNCTION adding;
DROP ROLE regress_stash_adder;

DROP SCHEMA stash_memo_owners CASCADE;
DROP OWNED BY regress_stash_owner_b, regress_stash_user, regress_stash_reader, regress_stash_heir, regress_stash_other;
DROP ROLE regress_stash_owner_b, regress_stash_user, regress_stash_reader, regress_stash_heir, regress_stash_other;
