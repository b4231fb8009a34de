-- stash.chunks: large arrays and JSON values in pieces

SELECT * FROM stash.chunks(ARRAY[1, 2, 3, 4, 5, 6, 7], 3);
SELECT stash.chunks(ARRAY['a', NULL, 'ccc', NULL, NULL], 2);
-- pieces without a null have no bitmap: equal to arrays that never had one, byte by byte
SELECT c, pg_column_size(c) = pg_column_size(CASE c[1] WHEN 'a' THEN ARRAY['a', 'b'] ELSE ARRAY['c', NULL] END) AS as_new
FROM stash.chunks(ARRAY['a', 'b', 'c', NULL], 2) c;
-- size of the whole, larger, equal
SELECT stash.chunks(ARRAY[1, 2, 3], 3);
SELECT stash.chunks(ARRAY[1, 2, 3], 2147483647);
-- nothing to give
SELECT count(*) FROM stash.chunks('{}'::int[], 3);
SELECT count(*) FROM stash.chunks(NULL::int[], 3);

-- several dimensions: slices of the first one, as SQL has them
SELECT c, c = a[n:n] OR c = a[n:n + 1] AS is_slice, array_dims(c)
FROM (SELECT '[5:7][2:3]={{1,2},{3,NULL},{5,6}}'::int[] AS a) t, LATERAL (SELECT c, 3 + 2 * row_number() OVER () AS n FROM stash.chunks(a, 2) c) s;
SELECT array_dims(c) FROM stash.chunks(array_fill('x'::text, '{5,2,3}'), 2) c;

-- types: fixed, variable, aligned to 1, 2, 4 and 8 bytes, rows, domains
SELECT stash.chunks('{t,f,NULL}'::bool[], 2), stash.chunks('{1,2,3}'::smallint[], 2), stash.chunks('{1.5,NULL,3e100}'::float8[], 2);
SELECT stash.chunks('{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002}'::uuid[], 1),
	stash.chunks('{ab,abcdef,abc}'::name[], 2), stash.chunks('{12:00+01,13:00-02,14:00Z}'::timetz[], 2);
CREATE TYPE chunks_row AS (a int, b text);
CREATE DOMAIN chunks_domain AS int[] CHECK (cardinality(VALUE) = 3);
SELECT stash.chunks(ARRAY[(1, 'x'), (2, NULL), NULL]::chunks_row[], 2);
SELECT stash.chunks('{1,2,3}'::chunks_domain, 2), pg_typeof(stash.chunks('{1,2,3}'::chunks_domain, 2));

-- whatever the size, the pieces are those of slices, and make the whole
CREATE TABLE chunks_t AS
SELECT array_agg(CASE WHEN i % 7 <> 3 OR i > 300 THEN repeat('x', i * 31 % 50) END ORDER BY i) AS texts,
	array_agg(i ORDER BY i) AS ints,
	array_agg(CASE i % 6 WHEN 0 THEN to_jsonb(i) WHEN 1 THEN to_jsonb(repeat('y', i % 13)) WHEN 2 THEN 'null'
		WHEN 3 THEN jsonb_build_object('k', i, 'l', ARRAY[i, 1.5]) WHEN 4 THEN 'true' ELSE jsonb_build_array('z', i) END ORDER BY i) AS items
FROM generate_series(1, 500) i;
SELECT count(*) AS pieces, bool_and(texts = slice_of_texts) AND bool_and(ints = slice_of_ints) AS right
FROM (
	SELECT c.texts, c.ints, t.texts[n * s - s + 1:n * s] AS slice_of_texts, t.ints[n * s - s + 1:n * s] AS slice_of_ints
	FROM chunks_t t, unnest('{1,2,3,7,32,64,499,500,501}'::int[]) s,
		ROWS FROM (stash.chunks(t.texts, s), stash.chunks(t.ints, s)) WITH ORDINALITY c(texts, ints, n)) p;
-- stored compressed and out of line
SELECT count(*), sum(cardinality(c)) FROM chunks_t, stash.chunks(texts, 7) c;

-- JSON arrays and objects, nested things and all
SELECT * FROM stash.chunks('[1, "two", null, [3, {"a": 4}], {"b": [5]}, true]'::jsonb, 2);
SELECT * FROM stash.chunks('{"a": 1, "bb": [2, "x"], "c": null, "dd": {"e": 5.5}, "f": "six"}'::jsonb, 2);
SELECT count(*) FROM stash.chunks('[]'::jsonb, 2);
SELECT count(*) FROM stash.chunks('{}'::jsonb, 2);
SELECT count(*) FROM stash.chunks(NULL::jsonb, 2);
-- the same as if they had been built, in their bytes too, but for a header of 1 byte instead of 4
SELECT s, count(*) AS pieces, bool_and(c = built AND stash.serialize(c) = stash.serialize(built)
	AND pg_column_size(c) IN (pg_column_size(built), pg_column_size(built) - 3)) AS right
FROM chunks_t t, unnest('{1,2,3,31,32,33,64,499,500,501}'::int[]) s,
	LATERAL (SELECT c, to_jsonb(items[n * s - s + 1:n * s]) AS built
		FROM stash.chunks(to_jsonb(t.items), s) WITH ORDINALITY x(c, n)) y
GROUP BY s ORDER BY s;
SELECT s, count(*) AS pieces, bool_and(stash.serialize(c) = stash.serialize(built)
	AND pg_column_size(c) = pg_column_size(built) AND c ? (SELECT min(k) FROM jsonb_object_keys(c) k)) AS right,
	(SELECT jsonb_object_agg(key, value) = whole FROM stash.chunks(whole, s) z, jsonb_each(z)) AS is_whole
FROM (SELECT jsonb_object_agg(repeat('k', i % 11) || i, items[i]) AS whole FROM chunks_t, generate_subscripts(items, 1) i) t,
	unnest('{1,2,3,31,32,33,64,499,500,501}'::int[]) s,
	LATERAL (SELECT c, (SELECT jsonb_object_agg(key, value) FROM jsonb_each(c)) AS built FROM stash.chunks(whole, s) c) y
GROUP BY s, whole ORDER BY s;

-- errors
SELECT stash.chunks(ARRAY[1], 0);
\echo :SQLSTATE
SELECT stash.chunks('[1]'::jsonb, -1);
\echo :SQLSTATE
SELECT stash.chunks(ARRAY[1], NULL);
\echo :SQLSTATE
SELECT stash.chunks('5'::jsonb, 1);
\echo :SQLSTATE
SELECT stash.chunks('null'::jsonb, 1);
\echo :SQLSTATE
\set VERBOSITY terse
SELECT stash.chunks('[1,2]', 1);
\set VERBOSITY default
\echo :SQLSTATE

-- LIMIT takes what it needs, from the select list and in FROM
EXPLAIN (COSTS OFF) SELECT c FROM chunks_t, stash.chunks(texts, 7) c LIMIT 1;
SELECT cardinality(c) FROM chunks_t, stash.chunks(texts, 7) c LIMIT 1;

DROP TABLE chunks_t;
DROP TYPE chunks_row;
DROP DOMAIN chunks_domain;
