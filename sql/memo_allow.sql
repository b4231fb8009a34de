-- what the options of now, and the rights of who asks, mean for answers of before
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_allow;
CREATE SCHEMA stash_memo_allow_inner;
CREATE ROLE regress_stash_ann;
CREATE ROLE regress_stash_ben;
CREATE ROLE regress_stash_cid;
GRANT USAGE, CREATE ON SCHEMA stash_memo_allow TO PUBLIC;
SET search_path = stash_memo_allow;

-- trap 46: options are taken out of a body
CREATE FUNCTION clock() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN clock_timestamp(); END';
SELECT stash.memoize('clock()', ttl => '1 day');
SELECT clock() AS answer \gset
SELECT clock() = :'answer' AS hit;
CREATE OR REPLACE FUNCTION clock() RETURNS text STABLE LANGUAGE stash AS '
original = stash_memo_allow.clock_uncached
stash = stash_memo_allow.clock_stash
ttl = 2 days';
SELECT clock() = :'answer' AS hit_with_longer_ttl;
CREATE OR REPLACE FUNCTION clock() RETURNS text STABLE LANGUAGE stash AS '
original = stash_memo_allow.clock_uncached
stash = stash_memo_allow.clock_stash';
SELECT clock() = :'answer' AS hit_without_ttl;
SELECT item, value FROM stash.explain('clock()') WHERE item IN ('verdict', 'reason');
\c
SET search_path = stash_memo_allow;
SELECT clock() = :'answer' AS hit_without_ttl;
-- it is there still, and serves when the option comes back
CREATE OR REPLACE FUNCTION clock() RETURNS text STABLE LANGUAGE stash AS '
original = stash_memo_allow.clock_uncached
stash = stash_memo_allow.clock_stash
ttl = 1 day';
SELECT clock() = :'answer' AS hit;
-- a ttl that is shorter counts from when the answer was computed
CREATE OR REPLACE FUNCTION clock() RETURNS text STABLE LANGUAGE stash AS '
original = stash_memo_allow.clock_uncached
stash = stash_memo_allow.clock_stash
ttl = 1 us';
SELECT clock() = :'answer' AS hit_with_shorter_ttl;

CREATE FUNCTION vouched() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN clock_timestamp(); END';
SELECT stash.memoize('vouched()', volatile => true);
SELECT vouched() AS answer \gset
SELECT vouched() = :'answer' AS hit;
CREATE OR REPLACE FUNCTION vouched() RETURNS text STABLE LANGUAGE stash AS '
original = stash_memo_allow.vouched_uncached
stash = stash_memo_allow.vouched_stash';
SELECT vouched() = :'answer' AS hit_without_volatile;
\c
SET search_path = stash_memo_allow;
SELECT vouched() = :'answer' AS hit_without_volatile;

-- the ttl of a query is that of its call
CREATE TABLE untracked AS SELECT 1 AS n;
SELECT * FROM stash.query_json('SELECT n FROM stash_memo_allow.untracked', ttl => '1 day');
UPDATE untracked SET n = 2;
SELECT * FROM stash.query_json('SELECT n FROM stash_memo_allow.untracked', ttl => '1 day');
SELECT * FROM stash.query_json('SELECT n FROM stash_memo_allow.untracked', ttl => '1 us');

-- trap 2: rights to what an IMMUTABLE target calls, which has no role in its key
SET ROLE regress_stash_ann;
CREATE FUNCTION inner_of(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 7; END';
REVOKE EXECUTE ON FUNCTION inner_of(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inner_of(int) TO regress_stash_ben;
CREATE FUNCTION outer_of(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed outer_of(%)', n;
	RETURN stash_memo_allow.inner_of(n);
END
$$;
SELECT stash.memoize('outer_of(int)');
GRANT EXECUTE ON FUNCTION outer_of_uncached(int) TO PUBLIC;
SELECT outer_of(3);
SET ROLE regress_stash_ben;
SELECT outer_of(3);
SET ROLE regress_stash_cid;
SELECT outer_of(3);
SELECT outer_of_uncached(3);
SELECT item, value FROM stash.explain('outer_of(int)', 3) WHERE item IN ('verdict', 'reason');
-- rights that come by a membership, and go
RESET ROLE;
GRANT regress_stash_ben TO regress_stash_cid;
SET ROLE regress_stash_cid;
SELECT outer_of(3);
RESET ROLE;
REVOKE regress_stash_ben FROM regress_stash_cid;
SET ROLE regress_stash_cid;
SELECT outer_of(3);
-- also where it is found in the stash
\c
SET search_path = stash_memo_allow;
SET ROLE regress_stash_cid;
SELECT outer_of(3);
SET ROLE regress_stash_ben;
SELECT outer_of(3);
-- a schema that may not be looked into
RESET ROLE;
CREATE FUNCTION stash_memo_allow_inner.inner_of(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 9; END';
CREATE FUNCTION looks_into(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN stash_memo_allow_inner.inner_of(n); END';
SELECT stash.memoize('looks_into(int)');
SELECT looks_into(3);
\c
SET search_path = stash_memo_allow;
SET ROLE regress_stash_cid;
SELECT looks_into(3);
RESET ROLE;

-- what runs with the rights of its owner does so for all
SET ROLE regress_stash_ann;
CREATE FUNCTION definer_of(n int) RETURNS int IMMUTABLE SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed definer_of(%)', n;
	RETURN stash_memo_allow.inner_of(n);
END
$$;
SELECT stash.memoize('definer_of(int)');
SELECT definer_of(3);
SET ROLE regress_stash_cid;
SELECT definer_of(3);
-- and nobody needs a right to originals of what is memoized in place
SET ROLE regress_stash_ann;
CREATE FUNCTION plain_of(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 8; END';
CREATE FUNCTION nested_of(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed nested_of(%)', n;
	RETURN stash_memo_allow.plain_of(n);
END
$$;
SELECT stash.memoize('plain_of(int)'), stash.memoize('nested_of(int)');
SELECT nested_of(3);
SET ROLE regress_stash_cid;
SELECT nested_of(3);
SET ROLE regress_stash_ann;

-- trap 46: what an answer was made of that was itself remembered
SELECT plain_of(4), plain_of(4);
SELECT nested_of(4), nested_of(4);
CREATE OR REPLACE FUNCTION plain_of_uncached(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 80; END';
SELECT nested_of(4), nested_of_uncached(4);

-- trap 46: plans in which the server has computed a function beforehand
PREPARE folded AS SELECT stash_memo_allow.plain_of(5);
EXECUTE folded;
CREATE OR REPLACE FUNCTION plain_of_uncached(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 800; END';
EXECUTE folded;
CREATE FUNCTION of_setting(n int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN current_setting('regress.word', true); END$$;
SELECT stash.memoize('of_setting(int)');
PREPARE forgotten AS SELECT stash_memo_allow.of_setting(5);
SET regress.word = 'one';
EXECUTE forgotten;
SET regress.word = 'two';
EXECUTE forgotten;
SELECT stash.forget('of_setting(int)');
EXECUTE forgotten;

-- trap 2: a policy asks who began the session, and roles share answers
RESET ROLE;
CREATE TABLE letters (reader text, body text);
INSERT INTO letters VALUES ('regress_stash_ben', 'b'), ('regress_stash_cid', 'c');
SELECT stash.track('letters');
ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON letters USING (reader = session_user);
GRANT SELECT ON letters TO regress_stash_ann;
SET ROLE regress_stash_ann;
CREATE FUNCTION mine() RETURNS text STABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT string_agg(body, '','') FROM stash_memo_allow.letters';
SELECT stash.memoize('mine()', share => 'all');
GRANT EXECUTE ON FUNCTION mine_uncached() TO PUBLIC;
RESET ROLE;
SET SESSION AUTHORIZATION regress_stash_ben;
SELECT mine(), mine_uncached();
SET SESSION AUTHORIZATION regress_stash_cid;
SELECT mine(), mine_uncached();
RESET SESSION AUTHORIZATION;
SELECT item, value FROM stash.explain('mine()') WHERE item IN ('verdict', 'last answer not kept');
-- one that does not is the same for all
ALTER POLICY readers ON letters USING (reader = 'regress_stash_ben' OR current_user = 'regress_stash_cid');
SELECT mine(), mine();
SELECT value FROM stash.explain('mine()') WHERE item = 'verdict';

-- trap 2: maps that go on are for who began them
SET ROLE regress_stash_ann;
CREATE FUNCTION secret(n int) RETURNS text STABLE LANGUAGE sql AS $$SELECT 'secret ' || n$$;
REVOKE EXECUTE ON FUNCTION secret(int) FROM PUBLIC;
CREATE FUNCTION starts() RETURNS bigint VOLATILE SECURITY DEFINER LANGUAGE sql AS $$SELECT stash.map_async('stash_memo_allow.secret(int)', ARRAY[1], workers => 0)$$;
SET ROLE regress_stash_cid;
SELECT starts() AS handle \gset
SELECT ord, result, error FROM stash.map_results(:handle);
\echo :SQLSTATE
SELECT stash.map_cancel(:handle);
SET ROLE regress_stash_ann;
SELECT ord, result, error FROM stash.map_results(:handle);
RESET ROLE;

-- names that differ only where those of the originals are cut
CREATE FUNCTION aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2';
SELECT stash.memoize('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa(int)');
SELECT stash.memoize('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab(int)');
SELECT aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa(1), aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab(1);
SELECT proname FROM pg_proc WHERE proname LIKE 'aaaaaaaaaaaaa%' ORDER BY proname COLLATE "C";
SELECT stash.unmemoize('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab(int)');
-- and one that cannot stand in a line
CREATE FUNCTION "line
break"(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
SELECT stash.memoize(E'"line\nbreak"(int)');
\echo :SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA stash_memo_allow, stash_memo_allow_inner CASCADE;
DROP ROLE regress_stash_ann, regress_stash_ben, regress_stash_cid;
RESET client_min_messages;
