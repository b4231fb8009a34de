-- stash.elements() and stash.part(): elements of a value, and parts of them
SET timezone = 'UTC';
SELECT stash.elements(v) FROM (VALUES (stash.to_variant(ARRAY[1, NULL, 3])), (stash.to_variant('[1, {"a": null}, [2]]'::jsonb)),
	(stash.to_variant('{}'::int[])), (stash.to_variant(NULL::int)), (NULL), (stash.to_variant('x'::text)), (stash.to_variant(ARRAY[ROW(1, 'a'), ROW(2, 'b')]))) AS s(v);
SELECT e, stash.part(e, 'value', NULL::int), stash.part(e, 'a', NULL::int) FROM stash.elements(stash.to_variant('[1, {"a": 2}, null]'::jsonb)) AS e;
-- elements that are kept, sorted, compared and asked for again are whole values
CREATE TEMP TABLE kept AS SELECT stash.elements(stash.to_variant('[{"a": {"b": 1}}, 2, "x"]'::jsonb)) AS e;
INSERT INTO kept SELECT stash.elements(stash.to_variant(array_agg(ROW(i, 'r' || i, NULL::int)))) FROM generate_series(1, 2) AS i;
INSERT INTO kept SELECT stash.elements(stash.to_variant('{{1,2},{3,4}}'::int[]));
SELECT e, stash.part(e, 'a.b', NULL::int), stash.part(e, 'f2', NULL::text), stash.part(e, 'value', NULL::jsonb) FROM kept;
SELECT DISTINCT e OPERATOR(stash.=) e AS same FROM (SELECT stash.elements(e) AS e FROM kept) AS s;
SELECT array_agg(e ORDER BY e) FROM (SELECT stash.elements(stash.to_variant(ARRAY[3, 1, 2])) AS e) AS s;
SELECT s.e, t.e FROM stash.elements(stash.to_variant(ARRAY[1, 2])) AS s(e), LATERAL stash.elements(stash.to_variant(ARRAY[s.e, s.e])) AS t(e);
-- a set that is left before its end, and begun again
SELECT (SELECT stash.part(e, 'value', NULL::int) FROM (SELECT stash.elements(v) AS e) AS s LIMIT 1) FROM (VALUES (stash.to_variant(ARRAY[1, 2])), (stash.to_variant(ARRAY[3])), (stash.to_variant(ARRAY[4, 5]))) AS t(v);
SELECT stash.elements(stash.to_variant(ARRAY[1, 2])), stash.elements(stash.to_variant(ARRAY[3, 4, 5]));
DO $$
DECLARE
	e stash.variant;
	n int := 0;
BEGIN
	FOR e IN SELECT stash.elements(stash.to_variant('[{"a": 1}, {"a": 2}]'::jsonb)) LOOP
		n := n + stash.part(e, 'a', NULL::int) + stash.part(e, 'a', NULL::int);
	END LOOP;
	ASSERT n = 6;
END $$;

-- parts of documents in any column
SELECT stash.part('{"a": {"b": "2024-02-29", "c": [1, 2]}, "n": 1.25}'::jsonb, 'a.b', NULL::date), stash.part('{"a": {"c": [1, 2]}}'::jsonb, 'a.c', NULL::int[]),
	stash.part('{"n": 1.25}'::jsonb, 'n', NULL::int), stash.part('{"n": null}'::jsonb, 'n', NULL::int), stash.part('5'::jsonb, 'value', NULL::text), stash.part('{"a": 1}'::jsonb, 'value', NULL::int),
	stash.part(NULL::jsonb, 'a', NULL::int), stash.part('{"": 1, "a": {"": 2}}'::jsonb, '', NULL::int), stash.part('{"": 1, "a": {"": 2}}'::jsonb, 'a.', NULL::int), stash.part('{"": {"": 3}}'::jsonb, '.', NULL::int);
-- a name that changes from row to row
SELECT n, stash.part('{"a": 1, "b": {"c": 2}}'::jsonb, n, NULL::int) FROM unnest(ARRAY['a', 'b.c', 'a', 'b', 'x']) AS n WHERE n <> 'b';
-- all readings of dots, and two at once
SELECT stash.part(d, 'a.b.c', NULL::int) FROM unnest(ARRAY['{"a": {"b": {"c": 1}}}', '{"a.b": {"c": 2}}', '{"a": {"b.c": 3}}', '{"a.b.c": 4}', '{"a": {"b": 1}, "a.b": 2}', '{"a": [], "a.b": {"c": 5}}']::jsonb[]) AS d;
SELECT stash.part('{"a": {"b": {"c": 1}}, "a.b": {"c": 2}}'::jsonb, 'a.b.c', NULL::int);
\echo :SQLSTATE
SELECT stash.part('{"a": "x"}'::jsonb, 'a', NULL::int);
\echo :SQLSTATE
SELECT stash.part('{"a": 1}'::jsonb, NULL, NULL::int);
\echo :SQLSTATE
-- an object of many keys: offsets stand in every 32nd entry only
SELECT count(*), count(*) FILTER (WHERE stash.part(d, n, NULL::text) = v AND stash.part(d, 'in.' || n, NULL::text) = v) AS found
FROM (SELECT jsonb_object_agg(i * i, 'v' || i) AS o FROM generate_series(1, 200) AS i) AS s, LATERAL jsonb_build_object('in', o) AS w(inner_d), LATERAL (SELECT o || inner_d) AS t(d), jsonb_each_text(o) AS e(n, v);

-- numbers: as the server's own casts have them
SELECT setseed(0.5);
CREATE TEMP TABLE number AS
SELECT CASE i % 5
	WHEN 0 THEN (random() * 10 ^ (i % 20))::numeric
	WHEN 1 THEN trunc((random() - 0.5)::numeric * 10::numeric ^ (i % 19))
	WHEN 2 THEN round((random() - 0.5)::numeric * 10::numeric ^ (i % 9), i % 12)
	WHEN 3 THEN (random() - 0.5)::numeric * 10::numeric ^ ((i % 80) - 40)
	ELSE (i - 2500) * 10::numeric ^ (i % 8) END AS n
FROM generate_series(1, 5000) AS i
UNION ALL VALUES (0), (0.00), (-0.5), (0.5), (1.5), (2147483647), (-2147483648), (9223372036854775807), (-9223372036854775808), (9007199254740993), (9007199254740992),
	(0.1), (1e22), (1e23), (1e-22), (1e-23), (123456789012345.678), (5e-324), (1.7976931348623157e308), (9999999999999999), (0.3);
SELECT count(*) AS numbers,
	count(*) FILTER (WHERE stash.part(d, 'n', NULL::float8) IS DISTINCT FROM n::float8) AS floats_differ,
	count(*) FILTER (WHERE stash.part(d, 'n', NULL::numeric)::text <> n::text) AS numerics_differ,
	count(*) FILTER (WHERE abs(n) < 9e18 AND stash.part(d, 'n', NULL::int8) IS DISTINCT FROM n::int8) AS bigints_differ,
	count(*) FILTER (WHERE abs(n) < 2e9 AND stash.part(d, 'n', NULL::int) IS DISTINCT FROM n::int) AS ints_differ,
	count(*) FILTER (WHERE stash.part(d, 'n', NULL::text) <> n::text) AS texts_differ
FROM number, LATERAL jsonb_build_object('n', n) AS s(d);
SELECT stash.part('{"n": 2147483648}'::jsonb, 'n', NULL::int);
\echo :SQLSTATE
SELECT stash.part('{"n": 9223372036854775808}'::jsonb, 'n', NULL::int8);
\echo :SQLSTATE
SELECT stash.part('{"n": -9223372036854775808}'::jsonb, 'n', NULL::int8), stash.part('{"n": 9223372036854775807}'::jsonb, 'n', NULL::int8), stash.part('{"n": -2147483648}'::jsonb, 'n', NULL::int);

-- in parallel workers
SELECT stash.create('docs');
SELECT count(stash.put('docs', i, jsonb_build_object('i', i, 'half', jsonb_build_object('of', i / 2.0)))) FROM generate_series(1, 2000) AS i;
SELECT stash.create_view('docs', 'docs_view');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT count(*) FROM docs_view WHERE i > 5;
SELECT count(*), sum(i), sum("half.of") FROM docs_view WHERE i > 5;
DROP VIEW docs_view;
SELECT stash.drop('docs');
