-- trap 68: memoized functions: a million hits leave nothing behind.
CREATE SCHEMA stash_memo_hits;
SET search_path = stash_memo_hits, public;
CREATE TABLE small (n int);
INSERT INTO small SELECT generate_series(1, 10);
SELECT stash.track('small');
CREATE FUNCTION square(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * n; END';
CREATE FUNCTION words(t text) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(t || n, ' ') FROM stash_memo_hits.small); END $$;
CREATE FUNCTION listed(t text) RETURNS SETOF text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT t || n FROM stash_memo_hits.small; END $$;
SELECT stash.memoize('square(int)'), stash.memoize('words(text)'), stash.memoize('listed(text)');
-- what a session holds: bytes in contexts that outlive statements, and locks
CREATE FUNCTION held(OUT bytes numeric, OUT locks bigint) LANGUAGE sql AS $$
	SELECT (SELECT sum(used_bytes) FROM pg_backend_memory_contexts), (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid())
$$;
-- each call in a statement of its own, or many in one, or in many transactions
CREATE PROCEDURE hit(calls int, in_memory bool, commits bool) LANGUAGE plpgsql AS $$
DECLARE
	n int;
	before numeric;
	locks_before bigint;
BEGIN
	PERFORM set_config('pg_hashstash.local_cache_size', CASE WHEN in_memory THEN '16MB' ELSE '0' END, false);
	-- twice, for the first time prepares what is kept for good
	FOR turn IN 1 .. 2 LOOP
		SELECT bytes, locks INTO before, locks_before FROM stash_memo_hits.held();
		FOR i IN 1 .. calls LOOP
			n := i % 100;
			PERFORM stash_memo_hits.square(n), stash_memo_hits.words(n::text);
			PERFORM * FROM stash_memo_hits.listed('x');
			IF commits THEN
				COMMIT;
			END IF;
		END LOOP;
	END LOOP;
	RAISE NOTICE '% calls: % more than 100 kB, % locks', calls,
		CASE WHEN (SELECT bytes FROM stash_memo_hits.held()) - before > 100000 THEN 'held' ELSE 'not' END,
		(SELECT locks FROM stash_memo_hits.held()) - locks_before;
END
$$;
CALL hit(30000, true, false);
CALL hit(10000, true, true);
CALL hit(10000, false, false);
CALL hit(5000, false, true);
-- a million in one statement
SET pg_hashstash.local_cache_size = '16MB';
SELECT bytes AS before FROM held() \gset
SELECT count(square(n % 100)), count(words((n % 10)::text)) FROM generate_series(1, 1000000) AS n;
SELECT bytes - :before < 100000 AS nothing_held FROM held();
RESET pg_hashstash.local_cache_size;
SELECT count(*) FROM square_stash;
SET client_min_messages = warning;
DROP SCHEMA stash_memo_hits CASCADE;
