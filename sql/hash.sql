-- Different values have different hashes, the same value has the same.
\set VERBOSITY terse
CREATE SCHEMA hash_test;
SET search_path = hash_test, public;

CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE temper AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE twin AS (a int, b text);
CREATE TYPE riap AS (b text, a int);
CREATE TYPE trio AS (a int, b text, c text);
CREATE TYPE renamed AS (a int, c text);
CREATE TYPE empty AS ();
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN pairs AS pair[];

-- trap 62: types
-- each line is another value: no two hashes may be equal
CREATE TABLE different (what text, hash uuid, hash64 bigint);
CREATE FUNCTION add(what text, hash uuid, hash64 bigint) RETURNS void LANGUAGE sql AS
	'INSERT INTO hash_test.different VALUES (what, hash, hash64)';
\set add 'SELECT add(what, stash.hash(v), stash.hash64(v)) FROM'

-- a number of other types
\pset tuples_only on
\o /dev/null
:add (SELECT 'int2', 1::int2 AS v) x(what, v);
:add (SELECT 'int4', 1 AS v) x(what, v);
:add (SELECT 'int8', 1::int8 AS v) x(what, v);
:add (SELECT 'numeric', 1::numeric AS v) x(what, v);
:add (SELECT 'float4', 1::float4 AS v) x(what, v);
:add (SELECT 'float8', 1::float8 AS v) x(what, v);
:add (SELECT 'oid', 1::oid AS v) x(what, v);
:add (SELECT 'text', '1'::text AS v) x(what, v);
:add (SELECT 'varchar', '1'::varchar AS v) x(what, v);
:add (SELECT 'char', '1'::char AS v) x(what, v);
:add (SELECT '"char"', '1'::"char" AS v) x(what, v);
:add (SELECT 'name', '1'::name AS v) x(what, v);
:add (SELECT 'bytea', '1'::bytea AS v) x(what, v);
:add (SELECT 'bit', '1'::bit AS v) x(what, v);
:add (SELECT 'varbit', '1'::varbit AS v) x(what, v);
:add (SELECT 'bool', true AS v) x(what, v);
:add (SELECT 'json', '1'::json AS v) x(what, v);
:add (SELECT 'jsonb', '1'::jsonb AS v) x(what, v);
:add (SELECT 'regclass', 1::regclass AS v) x(what, v);
-- what an operator calls equal
:add (SELECT '1.0', 1.0 AS v) x(what, v);
:add (SELECT '1.00', 1.00 AS v) x(what, v);
:add (SELECT '0.0', 0.0::float8 AS v) x(what, v);
:add (SELECT '-0.0', '-0.0'::float8 AS v) x(what, v);
:add (SELECT 'padded by one', '1'::char(2) AS v) x(what, v);
:add (SELECT 'padded by two', '1'::char(3) AS v) x(what, v);
:add (SELECT '1 mon', '1 mon'::interval AS v) x(what, v);
:add (SELECT '30 days', '30 days'::interval AS v) x(what, v);
:add (SELECT '720 hours', '720 hours'::interval AS v) x(what, v);
:add (SELECT 'same moment here', '12:00+00'::timetz AS v) x(what, v);
:add (SELECT 'same moment there', '13:00+01'::timetz AS v) x(what, v);
:add (SELECT 'json blank', '{"a": 1}'::json AS v) x(what, v);
:add (SELECT 'json', '{"a":1}'::json AS v) x(what, v);
:add (SELECT 'jsonb 1.0', '{"a": 1.0}'::jsonb AS v) x(what, v);
:add (SELECT 'jsonb 1', '{"a": 1}'::jsonb AS v) x(what, v);
:add (SELECT 'text {"a": 1}', '{"a": 1}'::text AS v) x(what, v);
-- nothing, of different types and kinds
:add (SELECT 'null int4', NULL::int AS v) x(what, v);
:add (SELECT 'null int8', NULL::int8 AS v) x(what, v);
:add (SELECT 'null text', NULL::text AS v) x(what, v);
:add (SELECT 'null int4[]', NULL::int[] AS v) x(what, v);
:add (SELECT 'null pair', NULL::pair AS v) x(what, v);
:add (SELECT 'null mood', NULL::mood AS v) x(what, v);
:add (SELECT 'null range', NULL::int4range AS v) x(what, v);
:add (SELECT 'null record', NULL::record AS v) x(what, v);
:add (SELECT 'empty text', ''::text AS v) x(what, v);
:add (SELECT 'empty bytea', ''::bytea AS v) x(what, v);
:add (SELECT 'empty int4[]', '{}'::int[] AS v) x(what, v);
:add (SELECT 'empty int8[]', '{}'::int8[] AS v) x(what, v);
:add (SELECT 'empty text[]', '{}'::text[] AS v) x(what, v);
:add (SELECT 'null within', '{NULL}'::int[] AS v) x(what, v);
:add (SELECT 'nulls within', '{NULL,NULL}'::int[] AS v) x(what, v);
:add (SELECT 'empty range', 'empty'::int4range AS v) x(what, v);
:add (SELECT 'empty multirange', '{}'::int4multirange AS v) x(what, v);
:add (SELECT 'no columns', ROW()::empty AS v) x(what, v);
:add (SELECT 'row of nulls', ROW(NULL, NULL)::pair AS v) x(what, v);
:add (SELECT 'row of zero and empty', ROW(0, '')::pair AS v) x(what, v);
-- shapes of arrays
:add (SELECT '{0}', '{0}'::int[] AS v) x(what, v);
:add (SELECT '{1,2}', '{1,2}'::int[] AS v) x(what, v);
:add (SELECT '{2,1}', '{2,1}'::int[] AS v) x(what, v);
:add (SELECT '{{1,2}}', '{{1,2}}'::int[] AS v) x(what, v);
:add (SELECT '{{1},{2}}', '{{1},{2}}'::int[] AS v) x(what, v);
:add (SELECT '[0:1]={1,2}', '[0:1]={1,2}'::int[] AS v) x(what, v);
:add (SELECT '{1,NULL,2}', '{1,NULL,2}'::int[] AS v) x(what, v);
:add (SELECT '{1,2,NULL}', '{1,2,NULL}'::int[] AS v) x(what, v);
:add (SELECT 'int8 {1,2}', '{1,2}'::int8[] AS v) x(what, v);
:add (SELECT 'int2vector', '1 2'::int2vector AS v) x(what, v);
:add (SELECT 'int2[]', '[0:1]={1,2}'::int2[] AS v) x(what, v);
-- moved boundaries
:add (SELECT 'a bc', '{a,bc}'::text[] AS v) x(what, v);
:add (SELECT 'ab c', '{ab,c}'::text[] AS v) x(what, v);
:add (SELECT 'abc', '{abc}'::text[] AS v) x(what, v);
:add (SELECT 'abc and empty', '{abc,""}'::text[] AS v) x(what, v);
:add (SELECT 'row a bc', ROW('a', 'bc') AS v) x(what, v);
:add (SELECT 'row ab c', ROW('ab', 'c') AS v) x(what, v);
:add (SELECT 'row abc', ROW('abc') AS v) x(what, v);
:add (SELECT 'null first', ROW(NULL, 'a', 'b')::trio AS v) x(what, v);
:add (SELECT 'null last', ROW(1, 'a', NULL)::trio AS v) x(what, v);
:add (SELECT 'null between', ROW(1, NULL, 'a')::trio AS v) x(what, v);
-- rows
:add (SELECT 'pair', ROW(1, 'a')::pair AS v) x(what, v);
:add (SELECT 'other order', ROW('a', 1)::riap AS v) x(what, v);
:add (SELECT 'other name', ROW(1, 'a')::renamed AS v) x(what, v);
:add (SELECT 'no names', ROW(1, 'a') AS v) x(what, v);
:add (SELECT 'array of rows', ARRAY[ROW(1, 'a')]::pair[] AS v) x(what, v);
:add (SELECT 'two rows', ARRAY[ROW(1, 'a'), ROW(1, 'a')]::pair[] AS v) x(what, v);
:add (SELECT 'row and null', ARRAY[ROW(1, 'a'), NULL]::pair[] AS v) x(what, v);
:add (SELECT 'row and row of nulls', ARRAY[ROW(1, 'a'), ROW(NULL, NULL)]::pair[] AS v) x(what, v);
:add (SELECT 'row in row', ROW(ROW(1, 'a')) AS v) x(what, v);
:add (SELECT 'row in row in row', ROW(ROW(ROW(1, 'a'))) AS v) x(what, v);
:add (SELECT 'rows of other types', ARRAY[ROW(1), ROW('1')] AS v) x(what, v);
:add (SELECT 'rows of one type', ARRAY[ROW(1), ROW(1)] AS v) x(what, v);
-- enums by name and label, objects by name and arguments
:add (SELECT 'mood', 'ok'::mood AS v) x(what, v);
:add (SELECT 'temper', 'ok'::temper AS v) x(what, v);
:add (SELECT 'text', 'ok'::text AS v) x(what, v);
:add (SELECT 'abs(int4)', 'abs(int4)'::regprocedure::regproc AS v) x(what, v);
:add (SELECT 'abs(int8)', 'abs(int8)'::regprocedure::regproc AS v) x(what, v);
:add (SELECT 'int4 + int4', '+(int4,int4)'::regoperator::regoper AS v) x(what, v);
:add (SELECT 'int8 + int8', '+(int8,int8)'::regoperator::regoper AS v) x(what, v);
-- ranges
:add (SELECT '[1,2)', '[1,2)'::numrange AS v) x(what, v);
:add (SELECT '[1,2]', '[1,2]'::numrange AS v) x(what, v);
:add (SELECT '(1,2)', '(1,2)'::numrange AS v) x(what, v);
:add (SELECT '[1,)', '[1,)'::numrange AS v) x(what, v);
:add (SELECT '(,1]', '(,1]'::numrange AS v) x(what, v);
:add (SELECT '(,)', '(,)'::numrange AS v) x(what, v);
:add (SELECT 'multi', '{[1,2)}'::nummultirange AS v) x(what, v);
-- what binary output leaves out
:add (SELECT 'xml', '<a/>'::xml AS v) x(what, v);
:add (SELECT 'declared xml', '<?xml version="1.0"?><a/>'::xml AS v) x(what, v);
\o
\pset tuples_only off

SELECT count(*) > 100 AS many, count(*) - count(DISTINCT hash) AS equal, count(*) - count(DISTINCT hash64) AS equal64
FROM different;
SELECT array_agg(what) AS these_are_equal FROM different GROUP BY hash HAVING count(*) > 1;
SELECT count(*) AS nulls FROM different WHERE hash IS NULL OR hash64 IS NULL;

-- the same value
SELECT stash.hash(1) = stash.hash(1::positive) AS domain, stash.hash(ARRAY[1]) = stash.hash(ARRAY[1]::positive[]) AS array_of_domain,
	stash.hash(ARRAY[ROW(1, 'a')]::pair[]) = stash.hash(ARRAY[ROW(1, 'a')]::pairs) AS domain_of_array;
SELECT stash.hash(ROW(1, 'a')::pair) = stash.hash(ROW(1, 'a')::twin) AS named, stash.hash(p) = stash.hash(ROW(1, 'a')::pair) AS anonymous
FROM (SELECT 1 AS a, 'a'::text AS b) p;
SELECT stash.hash('a') = stash.hash('a'::text) AS untyped, stash.hash(ROW('a')) = stash.hash(ROW('a'::text)) AS untyped_within;
SELECT stash.hash('a'::varchar(3)) = stash.hash('a'::varchar(5)) AS modifier,
	stash.hash(ARRAY[ROW('a'::varchar(3)), ROW('b'::varchar(5))]) = stash.hash(ARRAY[ROW('a'::varchar(3)), ROW('b'::varchar(3))]) AS modifier_within,
	stash.hash(1.00::numeric(5,2)) = stash.hash(1.00) AS scale;
SELECT stash.hash(ARRAY[ROW(1, 'a'), ROW(2, 'b'::text)]) = stash.hash(ARRAY[ROW(1, 'a'::text), ROW(2, 'b'::text)]) AS untyped_in_array;
SELECT stash.hash('{"b": 1, "a": 2}'::jsonb) = stash.hash('{"a":2,"b":1}'::jsonb) AS jsonb,
	stash.hash('[1,9]'::int4range) = stash.hash('[1,10)'::int4range) AS range,
	stash.hash('{[1,5),[4,9]}'::int4multirange) = stash.hash('{[1,10)}'::int4multirange) AS multirange;
-- dropped and added columns
CREATE TABLE scarred (gone int, a int, b text, more int);
INSERT INTO scarred VALUES (7, 1, 'a', 8);
ALTER TABLE scarred DROP COLUMN gone, DROP COLUMN more;
SELECT stash.hash(s) = stash.hash(ROW(1, 'a')::pair) AS dropped FROM scarred s;
ALTER TABLE scarred ADD COLUMN c text DEFAULT 'c';
SELECT stash.hash(s) = stash.hash(ROW(1, 'a', 'c')::trio) AS added FROM scarred s;
-- a trigger sees the row as it is stored, without the column
CREATE FUNCTION compare() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'old and new: %', stash.hash(OLD) = stash.hash(NEW);
	RETURN NEW;
END $$;
CREATE TRIGGER compare BEFORE UPDATE ON scarred FOR EACH ROW EXECUTE FUNCTION compare();
UPDATE scarred SET a = 1;

-- nothing to hash
SELECT stash.hash(NULL::cstring);
\echo :SQLSTATE
SELECT stash.hash(ARRAY[NULL::gtsvector]);
\echo :SQLSTATE

DROP SCHEMA hash_test CASCADE;
