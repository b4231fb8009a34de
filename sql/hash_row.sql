-- Rows are hashed from the tuple as it lies in memory. hash_sampled goes by way of the values: both must agree.
CREATE SCHEMA hash_row;
SET search_path = hash_row, public;
\set VERBOSITY terse
SELECT setseed(0.7) \g /dev/null
CREATE DOMAIN word AS text CHECK (VALUE <> 'never');
CREATE DOMAIN positive AS numeric CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE outer_pair AS (c "char", p pair, d float8);

-- columns of each length and alignment, one after the other in many ways, NULL by chance
CREATE TABLE mixed (gone1 text, a bool, b int8, c "char", d int2, e text, f int4, gone2 int2, g word, h positive, i mood, j uuid,
	k macaddr, l int4[], m outer_pair, n interval, o timetz, p jsonb, q name, r bytea, s float4, t regtype, gone3 int8, u varbit,
	v char(9), w inet, x numeric, y xml);
INSERT INTO mixed
SELECT 'gone' || i, r < 0.5, (i * r)::int8, (i % 128)::"char", i % 3000, CASE WHEN r > 0.3 THEN repeat('e', i % 300) END, i, 7,
	'word ' || i, CASE WHEN i % 3 > 0 THEN 1 + r::numeric END, CASE WHEN i % 4 > 0 THEN 'happy'::mood END, md5(i::text)::uuid,
	CASE WHEN i % 5 > 0 THEN '08:00:2b:01:02:03'::macaddr END, CASE WHEN i % 6 > 0 THEN ARRAY[i, NULL, 3] END,
	CASE WHEN i % 7 > 0 THEN ROW('x', ROW(i, repeat('b', i % 9))::pair, r)::outer_pair END, make_interval(secs => i),
	CASE WHEN i % 8 > 0 THEN '12:00:00+01'::timetz END, jsonb_build_object('i', i), 'name' || i,
	CASE WHEN i % 2 > 0 THEN convert_to(repeat('r', i % 200), 'UTF8') END, r::float4, 'int4', i, (i % 2)::text::varbit,
	'bp' || i, '10.0.0.1', CASE i % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN i * 10::numeric ^ (i % 90) WHEN 2 THEN -i / 1e30 END, '<y/>'
FROM (SELECT i, random() AS r FROM generate_series(1, 1000) i) x;
SELECT count(*) AS rows, count(*) FILTER (WHERE stash.hash(the) <> stash.hash_sampled(the)) AS by_values,
	count(*) FILTER (WHERE stash.hash(the) <> stash.hash(again)) AS anonymous, count(DISTINCT stash.hash(the)) AS hashes,
	count(*) FILTER (WHERE stash.serialize(stash.deserialize(stash.serialize(the), NULL::mixed)) <> stash.serialize(the)) AS frames
FROM mixed AS the, LATERAL (SELECT the.*) again;
-- dropped columns do not count, whatever they held
ALTER TABLE mixed DROP gone1, DROP gone2, DROP gone3;
CREATE TABLE clean AS TABLE mixed;
SELECT count(*) AS rows, count(*) FILTER (WHERE stash.hash(the) <> stash.hash_sampled(the)) AS by_values,
	count(*) FILTER (WHERE stash.hash(the) <> stash.hash(clean)) AS clean, count(*) FILTER (WHERE stash.hash(the) <> stash.hash(again)) AS anonymous
FROM mixed AS the
JOIN clean USING (f), LATERAL (SELECT the.*) again;
-- columns added since, with and without a default: older rows do not have them stored
ALTER TABLE mixed ADD added int DEFAULT 42, ADD added_text word DEFAULT 'new', ADD added_null pair;
ALTER TABLE clean ADD added int, ADD added_text word, ADD added_null pair;
UPDATE clean SET added = 42, added_text = 'new';
SELECT count(*) AS rows, count(*) FILTER (WHERE stash.hash(the) <> stash.hash_sampled(the)) AS by_values,
	count(*) FILTER (WHERE stash.hash(the) <> stash.hash(clean)) AS clean
FROM mixed AS the
JOIN clean USING (f);
-- a row variable, a row type as a column, one in an array
CREATE TYPE was AS (a int, b text, c int);
CREATE TABLE rows (w was, ws was[]);
INSERT INTO rows VALUES (ROW(1, 'b', 3), ARRAY[ROW(1, 'b', 3), NULL]::was[]);
ALTER TYPE was DROP ATTRIBUTE b, ADD ATTRIBUTE d text;
SELECT stash.hash(w) = stash.hash_sampled(w) AS same, stash.hash(w) = stash.hash(ROW(1, 3, NULL)::was) AS made_anew,
	stash.hash(ws) = stash.hash(ARRAY[ROW(1, 3, NULL), NULL]::was[]) AS in_array
FROM rows;

-- values in a row that are compressed, or were external: the row has them in itself
CREATE TABLE large (a text, b numeric, c text);
ALTER TABLE large ALTER c SET STORAGE external;
INSERT INTO large SELECT repeat('abc', n), 10::numeric ^ (n / 3), repeat('xyz', n) FROM unnest('{1,40,43,300,3000,30000}'::int[]) n;
SELECT count(*) AS rows, count(*) FILTER (WHERE pg_column_compression(large.a) IS NOT NULL) > 0 AS compressed,
	count(*) FILTER (WHERE stash.hash(large) = stash.hash_sampled(large, 1000000)) AS by_values,
	count(*) FILTER (WHERE stash.hash(large) = stash.hash(s)) AS anew
FROM large, LATERAL (SELECT large.a || '' AS a, large.b + 0 AS b, large.c || '' AS c) s;
CREATE TABLE kept AS SELECT large AS l FROM large;
SELECT count(*) AS same FROM kept JOIN large ON stash.hash(kept.l) = stash.hash(large);

-- 100 columns, of which 50 are NULL; none; one
SELECT format('CREATE TABLE wide AS SELECT %s', string_agg(format('CASE WHEN %s %% 2 = 0 THEN %1$s::%s END AS c%1$s', i,
	CASE i % 3 WHEN 0 THEN 'int2' WHEN 1 THEN 'text' ELSE 'int8' END), ', ' ORDER BY i))
FROM generate_series(1, 100) i
\gexec
SELECT stash.hash(w) = stash.hash_sampled(w) AS same, stash.hash(w) = stash.hash(s) AS anonymous FROM wide w, LATERAL (SELECT w.*) s;
CREATE TABLE empty ();
INSERT INTO empty DEFAULT VALUES;
SELECT stash.hash(e) = stash.hash_sampled(e) AS same FROM empty e;
ALTER TABLE empty ADD a int;
SELECT stash.hash(e) = stash.hash_sampled(e) AS same, stash.hash(e) = stash.hash(s) AS anonymous FROM empty e, LATERAL (SELECT NULL::int AS a) s;
ALTER TABLE empty DROP a;
SELECT stash.hash(e) = stash.hash_sampled(e) AS same FROM empty e;

DROP SCHEMA hash_row CASCADE;
