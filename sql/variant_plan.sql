-- stash.variant: statistics, prepared statements, parallel queries.
\set VERBOSITY terse
CREATE SCHEMA variant_plan;
SET search_path = variant_plan, public;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE FUNCTION estimate(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN (plan #>> '{0,Plan,Plan Rows}')::int;
END $$;

-- ANALYZE keeps common values, a histogram and the correlation; estimates follow them
CREATE TABLE t AS SELECT i AS id, stash.to_variant(i) AS v FROM generate_series(1, 5000) i
UNION ALL SELECT i, stash.to_variant('often') FROM generate_series(1, 5000) i;
ANALYZE t;
SELECT most_common_vals, round(most_common_freqs[1]::numeric, 1) AS freq, array_length(histogram_bounds::text::stash.variant[], 1) > 50 AS histogram, n_distinct BETWEEN -0.6 AND -0.4 AS n_distinct,
	correlation > 0.9 AS correlation FROM pg_stats WHERE schemaname = 'variant_plan' AND tablename = 't' AND attname = 'v';
SELECT estimate($$SELECT FROM t WHERE v OPERATOR(stash.=) 'text:often'$$) BETWEEN 4500 AND 5500 AS common, estimate($$SELECT FROM t WHERE v OPERATOR(stash.=) 'int4:7'$$) AS rare,
	estimate($$SELECT FROM t WHERE v OPERATOR(stash.<) 'int4:1000'$$) BETWEEN 800 AND 1200 AS below, estimate($$SELECT FROM t WHERE v OPERATOR(stash.>) 'int4:1000'$$) BETWEEN 8500 AND 9500 AS above,
	estimate($$SELECT FROM t WHERE v OPERATOR(stash.<>) 'text:often'$$) BETWEEN 4500 AND 5500 AS other, estimate($$SELECT FROM t WHERE v IS NULL$$) AS nulls,
	estimate($$SELECT FROM t a JOIN t b ON a.v OPERATOR(stash.=) b.v WHERE a.id < 10$$) BETWEEN 10000 AND 100000 AS joined,
	estimate($$SELECT v FROM t GROUP BY v$$) BETWEEN 4500 AND 5500 AS groups;

-- prepared statements, custom plans and generic ones
CREATE INDEX t_v ON t (v);
PREPARE by_key(stash.variant) AS SELECT count(*), min(v::text) FROM t WHERE v OPERATOR(stash.=) $1;
EXECUTE by_key('int4:42');
SET plan_cache_mode = force_generic_plan;
EXECUTE by_key('int4:42'); EXECUTE by_key('text:often'); EXECUTE by_key(NULL);
SELECT stash.to_variant('often') AS found \gset
EXECUTE by_key(:'found');
RESET plan_cache_mode;
-- a change of a type that is compared, between two calls
PREPARE by_mood(stash.variant) AS SELECT $1 OPERATOR(stash.=) stash.to_variant('ok'::mood) AS same;
EXECUTE by_mood('variant_plan.mood:ok');
ALTER TYPE mood RENAME TO humour;
EXECUTE by_mood('variant_plan.humour:ok');
ALTER TYPE humour RENAME TO mood;
EXECUTE by_mood('variant_plan.mood:ok');

-- workers compare, hash, sort, aggregate, cast, read and write variants as the leader does
CREATE TABLE p AS SELECT i AS id, CASE i % 5 WHEN 0 THEN stash.to_variant(i % 100) WHEN 1 THEN stash.to_variant('k' || i % 100) WHEN 2 THEN stash.to_variant((i % 100) * 0.5)
	WHEN 3 THEN stash.to_variant(ROW(i % 10, repeat('x', 100))) ELSE stash.to_variant((ARRAY['sad', 'ok'])[i % 2 + 1]::mood) END AS v FROM generate_series(1, 5000) i;
ANALYZE p;
CREATE VIEW answers(what, answer) AS
	SELECT 'group', md5(string_agg(v::text || n, ',' ORDER BY v)) FROM (SELECT v, count(*) AS n FROM p GROUP BY v) x
	UNION ALL SELECT 'min', stash.min(v)::text FROM p UNION ALL SELECT 'max', stash.max(v)::text FROM p
	UNION ALL SELECT 'join', count(*)::text FROM p a JOIN p b ON a.v OPERATOR(stash.=) b.v WHERE b.id < 200
	UNION ALL SELECT 'sort', md5(string_agg(v::text, ',')) FROM (SELECT v FROM p ORDER BY v) x
	UNION ALL SELECT 'out', md5(string_agg(o, ',' ORDER BY o COLLATE "C")) FROM (SELECT stash.variant_out(v)::text AS o FROM p) x
	UNION ALL SELECT 'in', count(*)::text FROM p WHERE stash.variant_out(v)::text::stash.variant OPERATOR(stash.=) v
	UNION ALL SELECT 'frame', count(*)::text FROM p WHERE ('\x' || encode(v::bytea, 'hex'))::stash.variant OPERATOR(stash.=) v
	UNION ALL SELECT 'json', md5(string_agg(j::text, ',' ORDER BY id)) FROM (SELECT id, to_jsonb(p) AS j FROM p) x
	UNION ALL SELECT 'same_key', count(*)::text FROM p WHERE stash.same_key(v, 'variant_plan.mood:ok');
CREATE TABLE alone AS SELECT * FROM answers;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
CREATE FUNCTION is_parallel(query text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE plan text;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan LIKE '%"Gather%';
END $$;
SELECT is_parallel('SELECT v, count(*) FROM p GROUP BY v') AS "group", is_parallel('SELECT stash.max(v) FROM p') AS max, is_parallel('SELECT v FROM p ORDER BY v') AS sort,
	is_parallel('SELECT count(*) FROM p a JOIN p b ON a.v OPERATOR(stash.=) b.v') AS "join", is_parallel('SELECT stash.variant_out(v) FROM p') AS out,
	is_parallel('SELECT FROM p WHERE stash.variant_out(v)::text::stash.variant OPERATOR(stash.=) v') AS "in", is_parallel('SELECT to_jsonb(p) FROM p') AS json;
SELECT what, a.answer = b.answer AS same FROM answers a JOIN alone b USING (what) ORDER BY what;
SET max_parallel_maintenance_workers = 2;
CREATE INDEX p_v ON p (v);
SELECT count(*) AS indexed FROM p WHERE v OPERATOR(stash.=) ANY (SELECT v FROM p WHERE id <= 100);

-- comparisons leave nothing behind, however many there are
SET max_parallel_workers_per_gather = 0;
CREATE TABLE numbers AS SELECT stash.to_variant((i * 7919 % 20000)::numeric) AS v FROM generate_series(1, 20000) i;
SELECT pg_size_bytes('16 MB') > used AS little FROM (SELECT count(*) AS n FROM (SELECT v FROM numbers ORDER BY v OFFSET 0) s) c,
	LATERAL (SELECT sum(total_bytes) AS used FROM pg_backend_memory_contexts WHERE c.n > 0) m;
SET max_parallel_workers_per_gather = 2;

-- no subtransaction may start there, yet a value whose label or object is gone is shown, compared and kept
CREATE TABLE gone (v stash.variant);
CREATE TABLE object ();
INSERT INTO gone VALUES (stash.to_variant('sad'::mood)), (stash.to_variant('ok'::mood)), (stash.to_variant(ARRAY['sad'::mood])), (stash.to_variant('object'::regclass)), (stash.to_variant(1));
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
DROP TABLE object;
ALTER TABLE gone SET (parallel_workers = 2);
SELECT is_parallel('SELECT stash.variant_out(v)::text FROM gone') AS parallel;
SELECT v AS by_leader, left(stash.variant_out(v)::text, 20) AS by_worker FROM gone ORDER BY v;
SELECT count(*) AS kept FROM gone WHERE stash.identical(stash.variant_out(v)::text::stash.variant, v);
SELECT count(*) AS kept FROM gone WHERE stash.identical(('\x' || encode(v::bytea, 'hex'))::stash.variant, v);
SELECT count(*) AS same_keys FROM gone a, gone b WHERE stash.same_key(a.v, b.v);
SELECT v::text FROM gone WHERE v::text = 'x';
\echo :SQLSTATE
-- what the session had set is as it was
SHOW search_path;

DROP SCHEMA variant_plan CASCADE;
