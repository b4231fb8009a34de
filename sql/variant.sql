-- stash.variant: text form, casts, typeof, value, COPY.
\set VERBOSITY terse
CREATE SCHEMA variant_test;
SET search_path = variant_test, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'quite "well"');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE "Odd Name" AS ("A b" int, "select" text);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TABLE v (id int GENERATED ALWAYS AS IDENTITY, v stash.variant);

-- made of values, and of text
INSERT INTO v (v) VALUES (stash.to_variant(42)), (stash.to_variant(42::int8)), (stash.to_variant('text')), (stash.to_variant('a:b'::text)),
	(stash.to_variant('{1,NULL,3}'::int[])), (stash.to_variant('[0:1]={a,"b c"}'::text[])), (stash.to_variant(1.50)), (stash.to_variant(true)),
	(stash.to_variant('ok'::mood)), (stash.to_variant('quite "well"'::mood)), (stash.to_variant(ROW(1, 'x')::pair)), (stash.to_variant(ROW(1, 'x, "y"'))),
	(stash.to_variant(ARRAY[ROW(1, 'x'), NULL]::pair[])), (stash.to_variant(ARRAY[ROW(1, 'x'), ROW(2, 'y')])), (stash.to_variant(5::positive)),
	(stash.to_variant(ROW(7, 'z')::"Odd Name")), (stash.to_variant(ROW(ROW(1)))), (stash.to_variant('[1,5]'::int4range)),
	(stash.to_variant('{"b": 1, "a": [true]}'::jsonb)), (stash.to_variant('\x00ff'::bytea)), (stash.to_variant('2024-02-03'::date)),
	(stash.to_variant('2024-02-03 04:05:06+00'::timestamptz)), (stash.to_variant('1 day 02:03:04'::interval)), (stash.to_variant(0.1::float8)),
	(stash.to_variant('inf'::float8 - 'inf'::float8)), (stash.to_variant('abs(int)'::regprocedure::regproc)), (stash.to_variant(''::text)),
	(stash.to_variant(NULL::int)), (stash.to_variant(NULL::text[])), (stash.to_variant(NULL::pair)), (stash.to_variant(NULL::"Odd Name"[])),
	(stash.to_variant(stash.to_variant(1))), (stash.to_variant(NULL::record)), ('int4:7'), ('text:'), ('jsonb:{"a":1}'), (NULL);
SELECT id, v, stash.typeof(v) FROM v ORDER BY id;
-- every text is read back as the same value, whoever reads it
SELECT count(*) AS of, count(*) FILTER (WHERE stash.identical(stash.variant_out(v)::text::stash.variant, v)) AS same FROM v WHERE v IS NOT NULL;
CREATE TABLE texts AS SELECT id, stash.variant_out(v)::text AS text FROM v WHERE v IS NOT NULL;
SET DateStyle = 'German, DMY'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = -15; SET bytea_output = 'escape';
SET TimeZone = 'Asia/Kathmandu'; SET search_path = ''; SET array_nulls = off; SET quote_all_identifiers = on; SET xmloption = document;
SELECT count(*) AS changed FROM variant_test.v JOIN variant_test.texts USING (id)
WHERE stash.variant_out(v)::text <> text AND text NOT LIKE 'timestamptz%' AND replace(stash.variant_out(v)::text, '"', '') <> replace(text, '"', '');
SELECT count(*) AS of, count(*) FILTER (WHERE stash.identical(text::stash.variant, v)) AS same FROM variant_test.v JOIN variant_test.texts USING (id);
RESET ALL;
SET search_path = variant_test, public;

-- names of types as people write them
SELECT 'integer:1'::stash.variant, 'decimal:1.0'::stash.variant, '"char":x'::stash.variant, 'char:x'::stash.variant;
SELECT 'mood:ok'::stash.variant AS by_path, 'variant_test.mood:ok'::stash.variant AS qualified, 'INT4[]:{1}'::stash.variant AS upper,
	'"Odd Name":(1,x)'::stash.variant AS quoted, '(a int4,"B" text):(1,x)'::stash.variant AS row, '(a int4)[]:{(1)}'::stash.variant AS rows,
	'pg_catalog.int4:1'::stash.variant AS schema, '():()'::stash.variant AS no_columns;

-- bad texts
SELECT 'int4:abc'::stash.variant;
\echo :SQLSTATE
SELECT 'nosuchtype:1'::stash.variant;
\echo :SQLSTATE
SELECT 'nosuch.type:1'::stash.variant;
\echo :SQLSTATE
SELECT ''::stash.variant;
\echo :SQLSTATE
SELECT ':1'::stash.variant;
\echo :SQLSTATE
SELECT 'int4 1'::stash.variant;
\echo :SQLSTATE
SELECT 'double precision:1'::stash.variant;
\echo :SQLSTATE
SELECT 'int4[][]:{1}'::stash.variant;
\echo :SQLSTATE
SELECT '_int4[]:{1}'::stash.variant;
\echo :SQLSTATE
SELECT 'int4[:1'::stash.variant;
\echo :SQLSTATE
SELECT '(a int4:(1)'::stash.variant;
\echo :SQLSTATE
SELECT '(a):(1)'::stash.variant;
\echo :SQLSTATE
SELECT '"int4:1'::stash.variant;
\echo :SQLSTATE
SELECT 'internal:1'::stash.variant;
\echo :SQLSTATE
SELECT 'record:(1)'::stash.variant;
\echo :SQLSTATE
SELECT 'positive:-1'::stash.variant;
\echo :SQLSTATE
SELECT 'mood:happy'::stash.variant;
\echo :SQLSTATE
SELECT 'varchar(3):abcdef'::stash.variant;
\echo :SQLSTATE
SELECT '\xdeadbeef'::stash.variant;
\echo :SQLSTATE
SELECT '\xf5530100'::stash.variant;
\echo :SQLSTATE
SELECT '\xzz'::stash.variant;
\echo :SQLSTATE
\set VERBOSITY default
SELECT 'int4 1'::stash.variant;
SELECT '(a int4'::stash.variant;
SELECT '(a int4;b int4):(1,2)'::stash.variant;
SELECT 'int4[]世界世界世界世界世界:1'::stash.variant, '(世界世界世界世界世界)'::stash.variant;
SELECT '(世界世界世界世界世界:x'::stash.variant;
\set VERBOSITY terse

-- casts
SELECT v::text, v::jsonb FROM v WHERE stash.typeof(v) NOT LIKE '%time%' ORDER BY id;
SELECT stash.to_variant(42)::int, stash.to_variant(42)::int8, stash.to_variant(42)::numeric, stash.to_variant(42)::float8,
	stash.to_variant('42')::int, stash.to_variant(1)::bool, stash.to_variant('2024-01-02'::date)::date,
	stash.to_variant('2024-01-02'::date)::timestamptz = '2024-01-02' AS timestamptz, stash.to_variant('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')::uuid;
SELECT stash.to_variant(NULL::int)::int IS NULL AS int, stash.to_variant(NULL::int)::text IS NULL AS text, stash.to_variant(NULL::int)::jsonb IS NULL AS jsonb,
	stash.to_variant(NULL::int) IS NULL AS itself;
SELECT stash.to_variant(1)::bytea = stash.serialize(1) AS frame, stash.deserialize(stash.to_variant('x')::bytea, ''::text) AS back;
SELECT stash.to_variant('x')::int;
\echo :SQLSTATE
SELECT stash.to_variant(99999999999)::int;
\echo :SQLSTATE
SELECT stash.to_variant('{1}'::int[])::int;
\echo :SQLSTATE
SELECT stash.to_variant('2024-01-02'::date)::bool;
\echo :SQLSTATE
-- assignment to text and jsonb
CREATE TABLE assigned (t text, j jsonb);
INSERT INTO assigned SELECT v, v FROM v WHERE id = 11;
TABLE assigned;
INSERT INTO assigned (t) SELECT v FROM v WHERE id = 1 RETURNING t;

-- value
SELECT stash.value(stash.to_variant(42), 0) + 1 AS int, stash.value(stash.to_variant('{1,2}'::int[]), NULL::int[]) || 3 AS array,
	(stash.value(stash.to_variant(ROW(1, 'x')::pair), NULL::pair)).b AS field, stash.value(NULL, 0) IS NULL AS null,
	stash.value(stash.to_variant(NULL::int), 0) IS NULL AS null_of_type;
SELECT stash.value(stash.to_variant(42), ''::text);
\echo :SQLSTATE
SELECT stash.value(stash.to_variant(42), 1::int8);
\echo :SQLSTATE

-- COPY, three ways
CREATE TABLE w (LIKE v);
-- NULL and a NULL of a type are told apart
CREATE FUNCTION same(OUT "of" bigint, OUT same bigint) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE stash.identical(w.v, v.v) OR (w.v IS NULL AND v.v IS NULL))
	FROM variant_test.v FULL JOIN variant_test.w USING (id) $$;
SELECT format('COPY variant_test.v TO %L', current_setting('data_directory') || '/regress_stash_variant') AS out,
	format('COPY variant_test.w FROM %L', current_setting('data_directory') || '/regress_stash_variant') AS in,
	format('COPY variant_test.w (v) FROM PROGRAM %L', 'rm ' || current_setting('data_directory') || '/regress_stash_variant') AS clean \gset
:out; :in; SELECT * FROM same();
TRUNCATE w;
:out (FORMAT csv); :in (FORMAT csv); SELECT * FROM same();
TRUNCATE w;
:out (FORMAT binary); :in (FORMAT binary); SELECT * FROM same();
:clean;

-- bytes from a client are checked, and written in one spelling: the corners of a box the wrong way round; hidden digits
SELECT stash.identical('\xf55301007d9a5cfc7f1731cd03015b02203ff0000000000000400000000000000040080000000000004010000000000000'::stash.variant, stash.to_variant('(3,4),(1,2)'::box)) AS box;
SELECT '\xf553010006c057d09488580c0301a40606008001008813'::stash.variant;
\echo :SQLSTATE

-- a bad value deep in variants is found once, not twice for each of them
CREATE DOMAIN shrinking AS int;
CREATE FUNCTION nest(depth int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v stash.variant := stash.to_variant(5::shrinking);
BEGIN
	FOR i IN 1 .. depth LOOP
		v := ('\x' || encode(stash.serialize(v), 'hex'))::stash.variant;
	END LOOP;
	RETURN '\x' || encode(v::bytea, 'hex');
END $$;
SELECT nest(30) AS deep \gset
ALTER DOMAIN shrinking ADD CHECK (value < 5) NOT VALID;
SET statement_timeout = '30s';
SELECT :'deep'::stash.variant;
\echo :SQLSTATE
RESET statement_timeout;

-- TOAST does not try to compress again, and large ones come back
CREATE TABLE large (v stash.variant);
INSERT INTO large SELECT stash.to_variant(string_agg(md5(i::text), '')) FROM generate_series(1, 10000) i;
SELECT attstorage FROM pg_attribute WHERE attrelid = 'large'::regclass AND attname = 'v';
SELECT md5(v::text) = (SELECT md5(string_agg(md5(i::text), '')) FROM generate_series(1, 10000) i) AS same,
	pg_column_size(v) > 200000 AS stored, stash.identical(v, stash.to_variant(v::text)) AS identical FROM large;

-- identical asks for bits, and knows codecs apart from values
SELECT stash.identical(stash.to_variant(1.0), stash.to_variant(1.00)) AS scale, stash.identical(stash.to_variant(1), stash.to_variant(1::int8)) AS type,
	stash.identical(stash.to_variant(NULL::int), stash.to_variant(NULL::int)) AS nulls, stash.identical(stash.to_variant(NULL::int), stash.to_variant(0)) AS null_and_zero,
	stash.identical(('\x' || encode(stash.serialize(repeat('a', 100), 'none'), 'hex'))::stash.variant, stash.to_variant(repeat('a', 100))) AS codecs,
	stash.identical(NULL, stash.to_variant(1)) IS NULL AS null;

DROP SCHEMA variant_test CASCADE;
