-- Memoized functions: settings, transactions, expiry, forgetting, and what explain says of it.
-- Each function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_modes;
SET search_path = stash_memo_modes, public;
SET pg_hashstash.shared_cache = off;
CREATE FUNCTION f(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed f(%)', n;
	RETURN n * 10;
END
$$;
CREATE FUNCTION rows_of(n int) RETURNS SETOF int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed rows_of(%)', n;
	RETURN QUERY SELECT generate_series(1, n);
END
$$;
SELECT stash.memoize('f(int)'), stash.memoize('rows_of(int)');
CREATE FUNCTION verdict(n int) RETURNS TABLE (item text, value text) LANGUAGE sql AS $$
	SELECT item, value FROM stash.explain('stash_memo_modes.f(int)', n)
	WHERE item IN ('verdict', 'reason', 'found in', 'stash not read', 'stash not written')
$$;
CREATE FUNCTION kept() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM stash_memo_modes.f_stash';

-- on
SELECT * FROM verdict(1);
SELECT f(1), kept();
SELECT * FROM verdict(1);
SELECT f(1), (SELECT count(*) FROM rows_of(2));
SELECT f(1), (SELECT count(*) FROM rows_of(2));

-- off: computes, and keeps nothing
SET pg_hashstash.memo = off;
SELECT * FROM verdict(1);
SELECT f(1), f(2), (SELECT count(*) FROM rows_of(2)), kept();
SET pg_hashstash.memo = on;
SELECT * FROM verdict(2);

-- readonly: uses, and keeps nothing
SET pg_hashstash.memo = readonly;
SELECT * FROM verdict(1);
SELECT * FROM verdict(2);
SELECT f(1), f(2), (SELECT count(*) FROM rows_of(2)), (SELECT count(*) FROM rows_of(3)), kept();
SELECT f(2), (SELECT count(*) FROM rows_of(3)), kept();

-- refresh: computes and replaces
SET pg_hashstash.memo = refresh;
SELECT * FROM verdict(1);
SELECT f(1), (SELECT count(*) FROM rows_of(2)), kept();
SET pg_hashstash.memo = on;
SELECT f(1), (SELECT count(*) FROM rows_of(2)), kept();
-- of two rows the newer one counts
INSERT INTO f_stash SELECT key_hash, key, stash.to_variant(-1), version, created_at - interval '1 hour', expires_at, cost, proof
FROM f_stash WHERE stash.value(value, NULL::int) = 10;
SET pg_hashstash.local_cache_size = 0;
SELECT f(1);
DELETE FROM f_stash WHERE created_at = (SELECT max(created_at) FROM f_stash);
SELECT f(1);
DELETE FROM f_stash;
RESET pg_hashstash.local_cache_size;

-- enabled: the switch of all
SET pg_hashstash.enabled = off;
SELECT * FROM verdict(1);
SELECT f(1), (SELECT count(*) FROM rows_of(2)), kept();
RESET pg_hashstash.enabled;
SELECT f(1), kept();
SET pg_hashstash.memo = sometimes;
\echo :SQLSTATE
\set VERBOSITY sqlstate
SET pg_hashstash.local_cache_size = -1;
\set VERBOSITY default
\echo :SQLSTATE
SET pg_hashstash.unheard_of = 1;
\echo :SQLSTATE

-- memory of the session: found there first, and given up when it may be no larger
SELECT * FROM verdict(1);
SET pg_hashstash.local_cache_size = 0;
SELECT * FROM verdict(1);
SELECT f(1);
SELECT * FROM verdict(1);
RESET pg_hashstash.local_cache_size;
SELECT f(1);
SELECT * FROM verdict(1);
-- trap 57: the memory of a session
-- what does not fit makes room: the least recently used goes first
CREATE FUNCTION wide(n int) RETURNS bytea IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed wide(%)', n;
	RETURN decode(repeat('00', 200 * 1024), 'hex');
END
$$;
CREATE FUNCTION wide_memo(n int) RETURNS bytea IMMUTABLE LANGUAGE stash AS 'target = stash_memo_modes.wide';
SET pg_hashstash.local_cache_size = '1MB';
SELECT sum(length(wide_memo(n))) FROM generate_series(1, 4) AS n;
SELECT length(wide_memo(1)), length(wide_memo(2));
SELECT length(wide_memo(5)), length(wide_memo(6));
SELECT length(wide_memo(1)), length(wide_memo(2));
SELECT length(wide_memo(3));
SET pg_hashstash.local_cache_size = '100kB';
SELECT length(wide_memo(3));
SELECT length(wide_memo(3));
RESET pg_hashstash.local_cache_size;

-- without a stash, the memory of the session is all there is
SELECT item, value FROM stash.explain('wide_memo(int)', 7) WHERE item IN ('stash', 'verdict', 'stash not read', 'stash not written');
SELECT length(wide_memo(3)), stash.stash_of('wide_memo(int)') IS NULL AS no_stash;
SELECT count(*) FROM stash.calls('wide_memo(int)');
SELECT length(wide_memo(3)), stash.forget('wide_memo(int)', 3);
SELECT length(wide_memo(3));

-- a read-only transaction: used, computed, not kept in the stash, no error
BEGIN READ ONLY;
SELECT * FROM verdict(1);
SELECT * FROM verdict(3);
SELECT f(1), f(3), (SELECT count(*) FROM rows_of(4)), kept();
SELECT f(3);
COMMIT;
SELECT f(3), kept();

-- trap 35: SERIALIZABLE
-- serializable: the stash is left alone, so that it is no reason to fail
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT f(1), f(4), kept();
SELECT * FROM verdict(5);
COMMIT;

-- trap 31: rolled back fills
-- what a transaction filled goes with it, from the stash and from memory
BEGIN;
SELECT f(6), (SELECT count(*) FROM rows_of(6)), kept();
SELECT f(6), (SELECT count(*) FROM rows_of(6)), kept();
ROLLBACK;
SELECT kept();
SELECT * FROM verdict(6);
SELECT (SELECT count(*) FROM rows_of(6));
-- trap 32: savepoints
-- so it is with savepoints
BEGIN;
SELECT f(7);
SAVEPOINT a;
SELECT f(8);
SAVEPOINT b;
SELECT f(9);
RELEASE b;
SELECT f(9);
ROLLBACK TO a;
SELECT f(7);
SELECT f(8), f(9);
SAVEPOINT c;
SELECT f(10);
RELEASE c;
COMMIT;
SELECT f(7), f(8), f(9), f(10);
-- trap 32: exceptions
-- and with exceptions that are caught
DO $$
BEGIN
	BEGIN
		PERFORM stash_memo_modes.f(11);
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN
		PERFORM stash_memo_modes.f(11);
	END;
	PERFORM stash_memo_modes.f(11);
END
$$;
SELECT f(11);
-- trap 39: timeout
-- a function that fails or is cancelled leaves nothing
CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed slow(%)', n;
	PERFORM pg_sleep(n);
	RETURN n;
END
$$;
SELECT stash.memoize('slow(int)');
SET statement_timeout = '50ms';
SELECT slow(60);
\echo :SQLSTATE
RESET statement_timeout;
SELECT count(*) FROM stash.calls('slow(int)');
SELECT slow(0);
SELECT slow(0);

-- trap 58: expiry
-- ttl: counted from the beginning of the computation, by the clock
CREATE FUNCTION g(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed g(%)', n;
	RETURN n;
END
$$;
SELECT stash.memoize('g(int)', ttl => '1 hour');
SELECT g(1);
SELECT g(1);
SELECT expires_at - created_at AS lifetime, created_at <= clock_timestamp() AS is_past FROM stash.calls('g(int)');
SELECT item, value FROM stash.explain('g(int)', 1) WHERE item IN ('ttl', 'volatility', 'verdict');
SELECT stash.unmemoize('g(int)'), stash.memoize('g(int)', ttl => '0.2 s');
SELECT g(1);
SELECT pg_sleep(0.25);
SELECT g(1);
SELECT pg_sleep(0.25);
SELECT item, value FROM stash.explain('g(int)', 1) WHERE item = 'verdict';
SET pg_hashstash.local_cache_size = 0;
SELECT item, value FROM stash.explain('g(int)', 1) WHERE item = 'verdict';
SELECT g(1);
RESET pg_hashstash.local_cache_size;
SELECT pg_sleep(0.25);
SELECT count(*), (SELECT count(*) FROM g_stash) AS rows FROM stash.calls('g(int)');
-- STABLE without a ttl: computed always, with the reason
SELECT stash.unmemoize('g(int)'), stash.memoize('g(int)');
SELECT g(1);
SELECT g(1);
SELECT item, value FROM stash.explain('g(int)', 1) WHERE item IN ('verdict', 'reason');
SELECT count(*) FROM g_stash;
-- trap 22: VOLATILE after the fact
-- VOLATILE by now, though it was not when it was memoized
ALTER FUNCTION f_uncached(int) VOLATILE;
SELECT f(1);
SELECT * FROM verdict(1);
ALTER FUNCTION f_uncached(int) IMMUTABLE;
SELECT f(1);

-- forget: one call, all calls; a call that was forgotten is computed again
SELECT stash.forget('f(int)', 1), stash.forget('f(int)', 1), stash.forget('f(int)', 999);
SELECT f(1), f(3);
SELECT stash.forget('f(int)', '3'), stash.forget('f(int)', 3::smallint);
SELECT f(1);
SELECT f(3);
SELECT f(NULL);
SELECT stash.forget('f(int)', NULL);
SELECT f(NULL);
BEGIN;
SELECT kept() AS n \gset
SELECT stash.forget('f(int)') = :n AS all_of_them, :n > 5 AS many;
SELECT f(1);
ROLLBACK;
SELECT f(3);
SELECT stash.forget('f(int)') > 1 AS several, stash.forget('f(int)');
SELECT kept();
SELECT f(1);
SELECT stash.forget('rows_of(int)', 2);
SELECT count(*) FROM rows_of(2);
-- arguments as in a call, all of them
SELECT stash.forget('f(int)', 1, 2);
\echo :SQLSTATE
SELECT * FROM stash.explain('f(int)');
\echo :SQLSTATE
SELECT stash.forget('f(int)', 'one');
\echo :SQLSTATE
SELECT stash.forget('f(int)', ARRAY[1]);
\echo :SQLSTATE
SELECT stash.forget(NULL, 1);
\echo :SQLSTATE
SELECT * FROM stash.explain(NULL, 1);
\echo :SQLSTATE
SELECT * FROM stash.calls(NULL);
\echo :SQLSTATE
SELECT stash.stash_of(NULL);
\echo :SQLSTATE

-- explain, whole
SELECT item, CASE
		WHEN item IN ('key hash', 'computed at') THEN value IS NOT NULL AND value <> '' ELSE NULL END AS is_there,
	CASE item
		WHEN 'key hash' THEN NULL
		WHEN 'computed at' THEN NULL
		WHEN 'identity' THEN regexp_replace(value, '[0-9a-f]{32}', '<digest>')
		WHEN 'settings in the key' THEN regexp_replace(value, '=\S*', '=<versions>')
		ELSE value END AS value
FROM stash.explain('f(int)', 1);

-- a stash that was changed is not used, and not in the way; each of these is undone afterwards
CREATE FUNCTION tell(what text, undo text) RETURNS TABLE (kept bigint, verdict text, because text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM stash.forget('stash_memo_modes.f(int)');
	EXECUTE what;
	EXECUTE 'SELECT stash_memo_modes.f(NULL)';
	kept := stash_memo_modes.kept();
	SELECT max(e.value) FILTER (WHERE item = 'verdict'), max(e.value) FILTER (WHERE item = 'stash not read')
		FROM stash.explain('stash_memo_modes.f(int)', NULL) AS e INTO verdict, because;
	EXECUTE undo;
	RETURN NEXT;
END
$$;
SET pg_hashstash.local_cache_size = 0;
SELECT * FROM tell('SELECT 1', 'SELECT 1');
SELECT * FROM tell('ALTER TABLE f_stash ADD CONSTRAINT c CHECK (value IS NOT NULL)', 'ALTER TABLE f_stash DROP CONSTRAINT c');
SELECT * FROM tell('ALTER TABLE f_stash ALTER value SET NOT NULL', 'ALTER TABLE f_stash ALTER value DROP NOT NULL');
SELECT * FROM tell('ALTER TABLE f_stash ENABLE ROW LEVEL SECURITY', 'ALTER TABLE f_stash DISABLE ROW LEVEL SECURITY');
SELECT * FROM tell('CREATE TRIGGER t BEFORE INSERT ON f_stash FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'DROP TRIGGER t ON f_stash');
SELECT * FROM tell('CREATE RULE r AS ON INSERT TO f_stash DO INSTEAD NOTHING', 'DROP RULE r ON f_stash');
SELECT * FROM tell('CREATE UNIQUE INDEX i ON f_stash (key_hash)', 'DROP INDEX i');
SELECT * FROM tell('CREATE INDEX i ON f_stash (created_at)', 'DROP INDEX i');
SELECT * FROM tell('DROP INDEX f_stash_key_hash_idx', 'CREATE INDEX ON f_stash (key_hash)');
SELECT * FROM tell('ALTER TABLE f_stash SET UNLOGGED', 'ALTER TABLE f_stash SET LOGGED');
-- but one that was renamed is
ALTER TABLE f_stash RENAME TO f_store;
SELECT f(2);
SELECT * FROM verdict(3);
ALTER TABLE f_store RENAME TO f_stash;
-- trap 56: hostile entries
-- what somebody put into it is no answer unless it could be one
SELECT stash.forget('f(int)');
SELECT f(1);
UPDATE f_stash SET value = stash.to_variant('a text'::text);
SELECT f(1);
UPDATE f_stash SET value = stash.to_variant(ARRAY[1]);
SELECT f(1);
SELECT count(*) FROM rows_of(2);
UPDATE rows_of_stash SET value = stash.to_variant(2);
SELECT count(*) FROM rows_of(2);
UPDATE rows_of_stash SET value = NULL;
SELECT count(*) FROM rows_of(2);
UPDATE rows_of_stash SET value = stash.to_variant(ARRAY[ROW('x'::text)]);
SELECT count(*) FROM rows_of(2);
TRUNCATE f_stash;
SELECT f(1);
RESET pg_hashstash.local_cache_size;

-- trap 46, 55: types
-- results of a type that has changed since are computed again
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE person AS (name text, feels mood);
CREATE FUNCTION who(n int) RETURNS person IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
	p stash_memo_modes.person;
BEGIN
	RAISE NOTICE 'computed who(%)', n;
	p.feels := enum_first(NULL::stash_memo_modes.mood);
	RETURN p;
END
$$;
CREATE FUNCTION whos(n int) RETURNS SETOF person IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
	p stash_memo_modes.person;
BEGIN
	RAISE NOTICE 'computed whos(%)', n;
	p.feels := enum_first(NULL::stash_memo_modes.mood);
	RETURN NEXT p;
END
$$;
CREATE FUNCTION moods(n int) RETURNS mood[] IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed moods(%)', n;
	RETURN enum_range(NULL::stash_memo_modes.mood);
END
$$;
SELECT stash.memoize('who(int)'), stash.memoize('whos(int)'), stash.memoize('moods(int)');
-- as the stash has it
SET pg_hashstash.local_cache_size = 0;
SELECT who(1), whos(1), moods(1);
SELECT who(1), whos(1), moods(1);
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
SELECT who(1), whos(1), moods(1);
SELECT who(1), whos(1), moods(1);
ALTER TYPE person ADD ATTRIBUTE age int;
SELECT who(1), whos(1);
SELECT who(1), whos(1);
ALTER TYPE person ALTER ATTRIBUTE age TYPE text;
SELECT who(1), whos(1);
SELECT who(1), whos(1);
ALTER TYPE person DROP ATTRIBUTE name;
SELECT who(1), whos(1);
SELECT who(1), whos(1);
-- as memory has it
RESET pg_hashstash.local_cache_size;
SELECT who(2), whos(2), moods(2);
ALTER TYPE mood RENAME VALUE 'blue' TO 'sad';
SELECT who(2), whos(2), moods(2);
ALTER TYPE person ADD ATTRIBUTE size int;
SELECT who(2), whos(2), moods(2);
SELECT who(2), whos(2), moods(2);
ALTER TYPE person ALTER ATTRIBUTE size TYPE text;
SELECT who(2), whos(2), moods(2);
SELECT who(2), whos(2), moods(2);
ALTER TYPE person DROP ATTRIBUTE age;
SELECT who(2), whos(2), moods(2);
SELECT who(2), whos(2), moods(2);
-- a type made again is another one: by value before, by reference now; and labels with other OIDs
SET client_min_messages = warning;
CREATE DOMAIN made_again AS int;
CREATE FUNCTION made_again(n int) RETURNS made_again IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 40; END $$;
CREATE FUNCTION any_of(value anyelement) RETURNS anyelement IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN value; END $$;
CREATE TYPE label AS ENUM ('a', 'b');
SELECT stash.memoize('made_again(int)'), stash.memoize('any_of(anyelement)');
SELECT made_again(1), made_again(1), any_of('b'::label), any_of('b'::label);
DROP TYPE label;
CREATE TYPE label AS ENUM ('b', 'a');
DROP DOMAIN made_again CASCADE;
CREATE DOMAIN made_again AS text;
CREATE FUNCTION made_again(n int) RETURNS made_again IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 40; END $$;
SELECT stash.memoize('made_again(int)');
SELECT made_again(1), made_again(1), any_of('b'::label), any_of('b'::label);

DROP SCHEMA stash_memo_modes CASCADE;
RESET client_min_messages;
