-- stash.variant: casts, and JSON of the value inside wherever JSON is made.
\set VERBOSITY terse
CREATE SCHEMA variant_cast;
SET search_path = variant_cast, public;
SET TimeZone = 'UTC';
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN anything AS stash.variant;

-- to each scalar, as the server casts the value inside
SELECT v::bool AS bool, v::int2 AS int2, v::int4 AS int4, v::int8 AS int8, v::float4 AS float4, v::float8 AS float8, v::numeric AS numeric,
	v::text AS text, v::varchar AS varchar, v::char(3) AS char, v::name AS name
FROM (VALUES (stash.to_variant(1)), (stash.to_variant('1'::text)), (stash.to_variant(1::positive)), (stash.to_variant(NULL::int))) x(v);
SELECT stash.to_variant(1.25)::int2 AS int2, stash.to_variant(1.25)::float4 AS float4, stash.to_variant(1.257)::numeric(5,1) AS numeric, stash.to_variant('abcdef')::varchar(3) AS varchar,
	stash.to_variant('abcdef'::varchar)::text AS text, stash.to_variant('ok'::mood)::varchar AS enum, stash.to_variant('[1,3)'::int4range)::text AS range;
SELECT v::date AS date, v::timestamp AS timestamp, v::timestamptz AS timestamptz, v::time AS time, v::timetz AS timetz
FROM (VALUES (stash.to_variant('2024-02-03 04:05:06'::timestamptz)), (stash.to_variant('2024-02-03 04:05:06+00'))) x(v);
SELECT stash.to_variant('2024-02-03'::date)::timestamp AS timestamp, stash.to_variant('04:05'::time)::interval AS interval, stash.to_variant('1 day 02:00'::interval)::time AS time,
	stash.to_variant('1 day 02:00')::interval AS text, stash.to_variant('10.0.0.1/8')::inet AS inet, stash.to_variant('10.0.0.1/8'::inet)::cidr AS cidr,
	stash.to_variant('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')::uuid AS uuid, stash.to_variant('[1, 2]'::jsonb)::json AS json, stash.to_variant('7'::jsonb)::int4 AS from_jsonb;
-- a variant in a variant is cast on
SELECT stash.to_variant(stash.to_variant(42))::int + 1 AS nested, stash.to_variant(stash.to_variant(42))::text AS text;
-- only explicit, but for text and JSON
CREATE TABLE assigned (t text, j json, b jsonb, i int);
INSERT INTO assigned (t, j, b) VALUES (stash.to_variant('x'), stash.to_variant('{1,2}'::int[]), stash.to_variant(NULL::int));
SELECT t, j, b, b IS NULL AS sql_null FROM assigned;
INSERT INTO assigned (i) VALUES (stash.to_variant(1));
\echo :SQLSTATE

-- what cannot be cast, and what does not fit
SELECT stash.to_variant('2024-01-02'::date)::bool;
\echo :SQLSTATE
SELECT stash.to_variant('{1}'::int[])::int;
\echo :SQLSTATE
SELECT stash.to_variant(ROW(1, 'x')::pair)::numeric;
\echo :SQLSTATE
SELECT stash.to_variant('ok'::mood)::int;
\echo :SQLSTATE
SELECT stash.to_variant(1)::uuid;
\echo :SQLSTATE
SELECT stash.to_variant(99999)::int2;
\echo :SQLSTATE
SELECT stash.to_variant('x')::inet;
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.to_variant('2024-01-02'::date)::bool;
SELECT stash.to_variant('{1}'::int[])::inet;
\set VERBOSITY terse

-- JSON: the server writes the value inside, whoever asks, and a NULL of a type as null
CREATE TABLE v (id int, v stash.variant);
INSERT INTO v VALUES (1, stash.to_variant(42)), (2, stash.to_variant('a "text"')), (3, stash.to_variant(1.50)), (4, stash.to_variant('{1,NULL}'::int[])),
	(5, stash.to_variant(ROW(1, 'x')::pair)), (6, stash.to_variant('{"b": 1, "a": [true, null]}'::jsonb)), (7, stash.to_variant('ok'::mood)), (8, stash.to_variant(NULL::int)),
	(9, NULL), (10, stash.to_variant(true)), (11, stash.to_variant('2024-02-03 04:05:06+00'::timestamptz)), (12, stash.to_variant('NaN'::float8)),
	(13, stash.to_variant(stash.to_variant(7))), (14, stash.to_variant(ARRAY[stash.to_variant(1), stash.to_variant('x'), stash.to_variant(NULL::text), NULL])),
	(15, stash.to_variant(ROW(stash.to_variant(1), 'x'))), (16, stash.to_variant(5::positive)), (17, stash.to_variant(E'{"a":\n 1}'::json));
SELECT id, v::json AS json, v::jsonb AS jsonb FROM v ORDER BY id;
-- the same as of the value itself
SELECT id FROM v WHERE v::json::text <> to_json(v)::text OR v::jsonb <> to_jsonb(v);
SELECT to_json(stash.to_variant(x))::text = to_json(x)::text AS json, to_jsonb(stash.to_variant(x)) = to_jsonb(x) AS jsonb
FROM (SELECT 1 AS a, ARRAY[1.5, NULL] AS b, ROW('x', NULL::int) AS c, 'inf'::float8 AS d, '1 day'::interval AS e) x;
SELECT row_to_json(t) FROM v t WHERE id IN (1, 4, 8, 9, 14, 15) ORDER BY id;
SELECT json_agg(v ORDER BY id) AS json_agg FROM v WHERE id < 10;
SELECT jsonb_agg(v ORDER BY id) AS jsonb_agg FROM v WHERE id < 10;
SELECT jsonb_build_object('a', stash.to_variant(1), 'b', stash.to_variant(NULL::int), 'c', NULL::stash.variant) AS object,
	json_build_array(stash.to_variant('x'), ARRAY[stash.to_variant(1)], ROW(stash.to_variant('{2}'::int[]))) AS array,
	jsonb_build_object(stash.to_variant('key')::text, 1) AS key;
SELECT jsonb_object_agg(id, v ORDER BY id) AS object_agg FROM v WHERE id < 6;
SELECT to_jsonb(ARRAY[[stash.to_variant(1)], [stash.to_variant('x')]]) AS dimensions, to_jsonb(stash.to_variant(1)::anything) AS domain, to_json(ARRAY[stash.to_variant(1)::anything]) AS domains;

-- so does the export, byte for byte but for line ends
SELECT data FROM stash.to_jsonl('SELECT v, ARRAY[v] AS vs, v::variant_cast.anything AS d, ROW(v) AS r FROM variant_cast.v ORDER BY id');
SELECT count(*) AS rows, count(*) FILTER (WHERE jsonl IS DISTINCT FROM replace(server, E'\n', ' ')) AS differ
FROM (SELECT row_number() OVER () AS n, jsonl FROM stash.to_jsonl('SELECT * FROM variant_cast.v ORDER BY id') t, string_to_table(rtrim(t.data, E'\n'), E'\n') jsonl) a
JOIN (SELECT id, row_to_json(t)::text AS server FROM v t) b ON n = id;

-- a type that is gone: an error, not another value
CREATE TYPE gone AS (a int);
INSERT INTO v VALUES (18, stash.to_variant(ROW(1)::gone));
DROP TYPE gone;
SELECT to_json(v) FROM v WHERE id = 18;
\echo :SQLSTATE
SELECT v::text FROM v WHERE id = 18;
\echo :SQLSTATE

DROP SCHEMA variant_cast CASCADE;
