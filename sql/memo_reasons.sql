-- Memoized functions: why an answer is not remembered, in words, for each reason that other tests do not show.
\set SHOW_CONTEXT never
CREATE ROLE regress_stash_reason;
CREATE SCHEMA stash_memo_reasons;
GRANT USAGE ON SCHEMA stash_memo_reasons TO regress_stash_reason;
SET search_path = stash_memo_reasons, public;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION why(f regprocedure) RETURNS TABLE (item text, value text) LANGUAGE sql AS $$
	SELECT item, value FROM stash.explain(f) WHERE item IN ('verdict', 'reason', 'last answer not kept', 'stash not read', 'stash not written')
$$;
CREATE TABLE known (d date, n int);
INSERT INTO known VALUES ('2020-01-01', 1);
SELECT stash.track('known');
CREATE FUNCTION of_known() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(n) FROM known); END';
SELECT stash.memoize('of_known()');
SELECT of_known();
SELECT * FROM why('of_known()');

-- where the call runs
CREATE MATERIALIZED VIEW restricted AS SELECT * FROM stash_memo_reasons.why('stash_memo_reasons.of_known()') WITH NO DATA;
REFRESH MATERIALIZED VIEW restricted;
SELECT * FROM restricted;
CREATE TABLE many AS SELECT n FROM generate_series(1, 10000) AS n;
ALTER TABLE many SET (parallel_workers = 1);
ANALYZE many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
CREATE FUNCTION unknown_to_stash(n int) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN n; END';
SELECT stash.memoize('unknown_to_stash(int)');
SELECT x.item, x.value, m.n FROM (SELECT max(n) AS n FROM many) m,
	LATERAL (SELECT * FROM stash.explain('unknown_to_stash(int)', m.n) OFFSET 0) x WHERE x.item IN ('verdict', 'stash not written');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
BEGIN;
CREATE TEMP TABLE fleeting (n int) ON COMMIT DROP;
SELECT * FROM why('of_known()');
ROLLBACK;
CREATE FUNCTION nest(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		BEGIN
			INSERT INTO stash_memo_reasons.many VALUES (i);
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
	END LOOP;
END
$$;
BEGIN;
SELECT nest(70);
SELECT stash.forget('of_known()');
SELECT of_known();
SELECT * FROM why('of_known()');
ROLLBACK;
SELECT of_known();

-- what the target does
CREATE VIEW dated AS SELECT n FROM known WHERE d < CURRENT_DATE;
CREATE FUNCTION of_view() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(n) FROM dated); END';
CREATE FUNCTION shows() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN EXECUTE 'SHOW work_mem' INTO r; RETURN r; END $$;
CREATE FUNCTION of_policy() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(n) FROM guarded); END';
CREATE FUNCTION timed() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT n FROM known); END';
CREATE FUNCTION nested() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN timed(); END';
CREATE TABLE guarded AS SELECT d, n FROM known;
SELECT stash.track('guarded');
GRANT SELECT ON guarded TO regress_stash_reason;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY past ON guarded USING (d < CURRENT_DATE);
SELECT count(stash.memoize(f)) FROM unnest('{of_view(),of_policy(),nested()}'::regprocedure[]) AS f;
SELECT stash.memoize('timed()', ttl => '1 hour'), stash.memoize('shows()', volatile => true);
SELECT of_view(), shows() IS NOT NULL, timed() > 0;
SELECT nested() > 0;
-- trap 5, 6: a policy that asks for the time
SET ROLE regress_stash_reason;
SELECT of_policy();
RESET ROLE;
SELECT f, w.value FROM unnest('{of_view(),shows(),of_policy(),nested()}'::regprocedure[]) AS f, why(f) AS w WHERE w.item = 'last answer not kept';

-- another policy, or none, and it is remembered
ALTER POLICY past ON guarded USING (d < '2030-01-01' AND current_user <> 'nobody');
SET ROLE regress_stash_reason;
SELECT of_policy();
SELECT * FROM why('of_policy()');
RESET ROLE;
ALTER POLICY past ON guarded USING (EXISTS (SELECT FROM known k WHERE k.d < LOCALTIMESTAMP));
SET ROLE regress_stash_reason;
SELECT * FROM why('of_policy()');
RESET ROLE;
GRANT SELECT ON known TO regress_stash_reason;
SET ROLE regress_stash_reason;
SELECT of_policy();
SELECT * FROM why('of_policy()');
RESET ROLE;
ALTER TABLE guarded DISABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_reason;
SELECT of_policy();
SELECT * FROM why('of_policy()');
RESET ROLE;

-- what has become of an answer
SELECT * FROM why('of_known()');
CREATE TYPE anything AS (n int);
SELECT * FROM why('of_known()');
SELECT of_known();
SELECT * FROM why('of_known()');
UPDATE of_known_stash SET proof = overlay(proof PLACING '\x00' FROM 2 FOR 1);
SET pg_hashstash.local_cache_size = 0;
SET pg_hashstash.shared_cache = off;
SELECT * FROM why('of_known()');
RESET pg_hashstash.local_cache_size;
RESET pg_hashstash.shared_cache;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_reasons CASCADE;
DROP ROLE regress_stash_reason;
