-- Memoized functions: who may make, call and read what, and whose answers one gets.
-- Each function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_alice;
CREATE ROLE regress_stash_bob;
CREATE ROLE regress_stash_mallory;
CREATE SCHEMA stash_memo_priv;
GRANT ALL ON SCHEMA stash_memo_priv TO regress_stash_alice, regress_stash_bob, regress_stash_mallory;
SET search_path = stash_memo_priv;

-- a role without any attribute makes a function in language stash, by hand and by memoize
SET ROLE regress_stash_alice;
CREATE FUNCTION square(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed square(%) as %', n, current_user;
	RETURN n * n;
END
$$;
CREATE FUNCTION by_hand(n int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_priv.square';
SELECT by_hand(2);
SELECT by_hand(2);
SELECT stash.memoize('square(int)');
SELECT square(3);
SELECT square(3);

-- trap 13: who may undo and forget
-- others call it, and share what depends on no role; they may not touch it
SET ROLE regress_stash_bob;
SELECT square(3), square(4);
SELECT stash.unmemoize('square(int)');
\echo :SQLSTATE
SELECT stash.forget('square(int)');
\echo :SQLSTATE
SELECT stash.forget('square(int)', 3);
\echo :SQLSTATE
SELECT item, value FROM stash.explain('square(int)', 3) WHERE item IN ('verdict', 'found in');
SELECT stash.stash_of('square(int)');
SELECT function, owner, stash FROM stash.memos WHERE function::text ~ '^(square|by_hand)' ORDER BY function::text COLLATE "C";
-- nor memoize what is not theirs
CREATE FUNCTION bobs(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n';
SET ROLE regress_stash_alice;
SELECT stash.memoize('bobs(int)');
\echo :SQLSTATE
SELECT stash.memoize('pg_catalog.upper(text)');
\echo :SQLSTATE

-- trap 10: reading the stash
-- nobody but the owner reads or writes the stash, calls the original, or sees the calls
SET ROLE regress_stash_bob;
SELECT count(*) FROM square_stash;
\echo :SQLSTATE
SELECT stash.count('square_stash');
\echo :SQLSTATE
SELECT * FROM stash.calls('square(int)');
\echo :SQLSTATE
INSERT INTO square_stash (key_hash, key) VALUES (stash.hash(1), stash.to_variant(1));
\echo :SQLSTATE
SELECT square_uncached(3);
\echo :SQLSTATE
-- whatever rights new objects are given by default
SET ROLE regress_stash_alice;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC, regress_stash_bob;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO regress_stash_bob;
CREATE FUNCTION secret(n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'secret ' || n$$;
REVOKE ALL ON FUNCTION secret(int) FROM PUBLIC, regress_stash_bob;
SELECT stash.memoize('secret(int)');
SELECT secret(1);
SELECT relname, ARRAY(SELECT DISTINCT grantee::regrole FROM aclexplode(relacl)) AS grantees FROM pg_class WHERE relname = 'secret_stash';
SELECT proname, proacl FROM pg_proc WHERE proname LIKE 'secret%' ORDER BY 1;
SET ROLE regress_stash_bob;
SELECT secret(1);
\echo :SQLSTATE
SELECT secret_uncached(1);
\echo :SQLSTATE
SELECT value FROM secret_stash;
\echo :SQLSTATE
SET ROLE regress_stash_alice;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC, regress_stash_bob;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_stash_bob;

-- a superuser memoizes for the owner
RESET ROLE;
SELECT stash.memoize('bobs(int)');
SELECT relname, pg_get_userbyid(relowner) AS owner, ARRAY(SELECT DISTINCT grantee::regrole FROM aclexplode(relacl)) AS grantees
FROM pg_class WHERE relname = 'bobs_stash';
SELECT proname, pg_get_userbyid(proowner) AS owner, proacl FROM pg_proc WHERE proname LIKE 'bobs%' ORDER BY 1;
SET ROLE regress_stash_bob;
SELECT bobs(1);
SELECT args, result FROM stash.calls('bobs(int)');
SELECT stash.unmemoize('bobs(int)');

-- sets: a caller needs no right on the original either
SET ROLE regress_stash_alice;
CREATE FUNCTION upto(n int) RETURNS SETOF int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed upto(%)', n;
	RETURN QUERY SELECT generate_series(1, n);
END
$$;
SELECT stash.memoize('upto(int)');
SET ROLE regress_stash_bob;
SELECT * FROM upto(2);
SELECT upto(2);
SET pg_hashstash.memo = off;
SELECT * FROM upto(2);
RESET pg_hashstash.memo;

-- trap 3: EXECUTE
-- a right that is lost after the fill: an error, in place and with "as"
SET ROLE regress_stash_alice;
CREATE FUNCTION cube(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed cube(%)', n;
	RETURN n * n * n;
END
$$;
CREATE FUNCTION cubes(n int) RETURNS SETOF int IMMUTABLE LANGUAGE sql AS 'SELECT i * i * i FROM generate_series(1, n) AS i';
SET ROLE regress_stash_bob;
SELECT stash.memoize('cube(int)', "as" => 'stash_memo_priv.bobs_cube');
SELECT stash.memoize('cubes(int)', "as" => 'stash_memo_priv.bobs_cubes');
SELECT bobs_cube(2);
SELECT bobs_cube(2), square(3);
SELECT * FROM bobs_cubes(2);
SET ROLE regress_stash_alice;
SELECT bobs_cube(2);
REVOKE EXECUTE ON FUNCTION cube(int), cubes(int), square(int) FROM PUBLIC;
SET ROLE regress_stash_bob;
SELECT bobs_cube(2);
\echo :SQLSTATE
SELECT * FROM bobs_cubes(2);
\echo :SQLSTATE
SELECT square(3);
\echo :SQLSTATE
SELECT * FROM stash.explain('square(int)', 3);
\echo :SQLSTATE
SELECT * FROM stash.explain('bobs_cube(int)', 2);
\echo :SQLSTATE
-- trap 9: the wrapper
-- the wrapper is no way round: alice may call cube, mallory only the wrapper
SET ROLE regress_stash_alice;
SELECT bobs_cube(2);
SET ROLE regress_stash_mallory;
SELECT bobs_cube(2);
\echo :SQLSTATE
CREATE FUNCTION mallorys_cube(n int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_priv.cube';
\echo :SQLSTATE
-- a right that comes through a role is lost with the role
SET ROLE regress_stash_alice;
GRANT EXECUTE ON FUNCTION cube(int) TO regress_stash_mallory;
RESET ROLE;
GRANT regress_stash_mallory TO regress_stash_bob;
SET ROLE regress_stash_bob;
SELECT bobs_cube(2);
RESET ROLE;
REVOKE regress_stash_mallory FROM regress_stash_bob;
SET ROLE regress_stash_bob;
SELECT bobs_cube(2);
\echo :SQLSTATE

-- a schema that one may not look into: no hindrance for who gets at the function otherwise, no way round it
RESET ROLE;
CREATE SCHEMA stash_memo_priv_inner AUTHORIZATION regress_stash_alice;
SET ROLE regress_stash_alice;
CREATE FUNCTION stash_memo_priv_inner.inner_one(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed inner_one(%)', n;
	RETURN n;
END
$$;
SELECT stash.memoize('stash_memo_priv_inner.inner_one(int)');
CREATE VIEW window_to_inner AS SELECT n, stash_memo_priv_inner.inner_one(n) FROM generate_series(1, 2) AS n;
GRANT SELECT ON window_to_inner TO regress_stash_bob;
CREATE FUNCTION stash_memo_priv_inner.open_to_all(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n';
SET ROLE regress_stash_bob;
SELECT * FROM window_to_inner;
SELECT * FROM window_to_inner;
CREATE FUNCTION peep(n int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_priv_inner.open_to_all';
\echo :SQLSTATE
SET check_function_bodies = off;
CREATE FUNCTION peep(n int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_memo_priv_inner.open_to_all';
RESET check_function_bodies;
SELECT peep(1);
\echo :SQLSTATE
SET ROLE regress_stash_alice;
SELECT peep(1);
SET ROLE regress_stash_bob;
SELECT peep(1);
\echo :SQLSTATE

-- "original" is for functions of one owner: it cannot lend the rights of somebody else's
SET ROLE regress_stash_mallory;
CREATE FUNCTION lent(n int) RETURNS text IMMUTABLE LANGUAGE stash AS 'original = stash_memo_priv.secret_uncached';
\echo :SQLSTATE
SET check_function_bodies = off;
CREATE FUNCTION lent(n int) RETURNS text IMMUTABLE LANGUAGE stash AS 'original = stash_memo_priv.secret_uncached';
SELECT lent(1);
\echo :SQLSTATE
CREATE OR REPLACE FUNCTION lent(n int) RETURNS text IMMUTABLE LANGUAGE stash AS 'target = stash_memo_priv.secret_uncached';
RESET check_function_bodies;
SELECT lent(1);
\echo :SQLSTATE

-- trap 11: poisoning
-- a wrapper that names somebody else's stash neither reads nor writes it
SET ROLE regress_stash_mallory;
CREATE FUNCTION poison(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -666';
CREATE FUNCTION poisoned(n int) RETURNS int IMMUTABLE LANGUAGE stash AS $$
target = stash_memo_priv.poison
stash  = stash_memo_priv.square_stash
$$;
SELECT poisoned(3), poisoned(100);
SELECT value FROM stash.explain('poisoned(int)', 5) WHERE item LIKE 'stash not %';
SET ROLE regress_stash_alice;
SELECT args, result FROM stash.calls('square(int)') ORDER BY args;
SELECT square(3);

-- function, original and stash have one owner, or the calls fail, or do without the stash
CREATE FUNCTION given(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed given(%)', n;
	RETURN n;
END
$$;
SELECT stash.memoize('given(int)');
RESET ROLE;
SET pg_hashstash.local_cache_size = 0;
ALTER TABLE given_stash OWNER TO regress_stash_bob;
SELECT given(1);
SELECT given(1);
SELECT value FROM stash.explain('given(int)', 1) WHERE item LIKE 'stash not %';
ALTER FUNCTION given(int) OWNER TO regress_stash_bob;
SELECT given(1);
\echo :SQLSTATE
ALTER FUNCTION given_uncached(int) OWNER TO regress_stash_bob;
SELECT given(1);
SELECT given(1);
RESET pg_hashstash.local_cache_size;

-- trap 1: SET ROLE
-- row security: two roles call one function and never get each other's rows
SET ROLE regress_stash_alice;
CREATE TABLE letters (reader name, body text);
INSERT INTO letters VALUES ('regress_stash_alice', 'to alice'), ('regress_stash_bob', 'to bob'), ('regress_stash_bob', 'again');
CREATE POLICY own ON letters USING (reader = current_user);
ALTER TABLE letters ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON letters TO PUBLIC;
CREATE FUNCTION mine() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed mine() as %', current_user;
	RETURN (SELECT string_agg(body, ', ') FROM stash_memo_priv.letters);
END
$$;
CREATE FUNCTION mine_all() RETURNS SETOF letters STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed mine_all() as %', current_user;
	RETURN QUERY SELECT * FROM stash_memo_priv.letters;
END
$$;
SELECT stash.memoize('mine()', ttl => '1 hour');
SELECT stash.memoize('mine_all()', ttl => '1 hour');
SELECT mine();
SELECT mine();
SELECT * FROM mine_all();
SET ROLE regress_stash_bob;
SELECT mine();
SELECT mine();
SELECT * FROM mine_all();
SET ROLE regress_stash_mallory;
SELECT mine();
SELECT * FROM mine_all();
SET ROLE regress_stash_alice;
SELECT mine();
SELECT * FROM mine_all();
-- in sessions of their own
\c -
SET search_path = stash_memo_priv;
SET ROLE regress_stash_bob;
SELECT mine();
RESET ROLE;
-- trap 2: SET SESSION AUTHORIZATION
-- the session's user is part of the key, for current_user is not all that a function may ask
SET SESSION AUTHORIZATION regress_stash_bob;
SELECT mine();
SELECT mine();
SET SESSION AUTHORIZATION regress_stash_alice;
SELECT mine();
RESET SESSION AUTHORIZATION;
-- trap 4: BYPASSRLS
-- attributes of a role are, too
ALTER ROLE regress_stash_bob BYPASSRLS;
SET SESSION AUTHORIZATION regress_stash_bob;
SELECT mine();
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_stash_bob NOBYPASSRLS;
SET SESSION AUTHORIZATION regress_stash_bob;
SELECT mine();
-- trap 7: row_security
-- row_security = off is an error, remembered answer or not
SET row_security = off;
SELECT mine();
\echo :SQLSTATE
RESET row_security;
RESET SESSION AUTHORIZATION;
-- the owner of the function sees whose answers there are, by name
SELECT DISTINCT substring(key::text FROM 'role=(\w+)') AS role FROM mine_stash WHERE key::text LIKE '%role=regress_stash%' ORDER BY 1;

-- trap 2: SECURITY DEFINER
-- the effective role counts, also within functions with the rights of their owner
SET ROLE regress_stash_alice;
CREATE FUNCTION through_alice() RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
	RETURN stash_memo_priv.mine();
END
$$;
SELECT through_alice();
SET ROLE regress_stash_bob;
SELECT through_alice(), mine();
SET ROLE regress_stash_mallory;
SELECT through_alice();
-- a SECURITY DEFINER target runs with its owner's rights, whoever fills
SET ROLE regress_stash_alice;
CREATE FUNCTION definer() RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed definer() as %', current_user;
	RETURN (SELECT string_agg(body, ', ') FROM stash_memo_priv.letters);
END
$$;
SELECT stash.memoize('definer()', ttl => '1 hour', share => 'all');
SET ROLE regress_stash_bob;
SELECT definer();
SET ROLE regress_stash_mallory;
SELECT definer();

-- by the owner's word, roles share
SET ROLE regress_stash_alice;
CREATE FUNCTION size() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed size() as %', current_user;
	RETURN (SELECT count(*) FROM stash_memo_priv.letters);
END
$$;
SELECT stash.memoize('size()', ttl => '1 hour', share => 'all');
SELECT size();
SET ROLE regress_stash_bob;
SELECT size();

-- a role dropped and made again under its name is another role
RESET ROLE;
CREATE ROLE regress_stash_carol;
GRANT USAGE ON SCHEMA stash_memo_priv TO regress_stash_carol;
SET ROLE regress_stash_carol;
SELECT mine();
RESET ROLE;
DROP OWNED BY regress_stash_carol;
DROP ROLE regress_stash_carol;
CREATE ROLE regress_stash_carol;
GRANT USAGE ON SCHEMA stash_memo_priv TO regress_stash_carol;
SET ROLE regress_stash_carol;
SELECT mine();

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_priv, stash_memo_priv_inner CASCADE;
RESET client_min_messages;
DROP ROLE regress_stash_alice, regress_stash_bob, regress_stash_mallory, regress_stash_carol;
