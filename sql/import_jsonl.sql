-- Rows from JSON Lines: values of all kinds, lines, bad ones, rights.
CREATE SCHEMA import_jsonl;
SET search_path = import_jsonl, public;
\set SHOW_CONTEXT always
CREATE TYPE pair AS (x int, y text);
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN needed AS text NOT NULL;
CREATE DOMAIN ordered AS pair CHECK ((value).x < 10);
CREATE TABLE every (
	i int2, b int8, f float8, g float4, n numeric, n2 numeric(10,2), t text, c char(5), vc varchar(3), bo bool, d date, ti time, ts timestamp, tz timestamptz, iv interval,
	u uuid, j json, jb jsonb, by bytea, m mood, r int4range, mr int4multirange, ip inet, po positive, o oid, p pair, dp ordered,
	ia int[], ta text[], na numeric[], pa pair[], ja jsonb[], ma mood[]
);
INSERT INTO every VALUES
	(1, 9223372036854775807, 0.1, 1e-7, 12345678901234567890.123456789, 12.50, E'q"\\ \n\t\u0001 äé😀', 'ab', 'xyz', true, '2020-02-29', '24:00', '0044-03-15 BC', '2020-01-01 12:00+02', '1 year 2 mons -3 days 04:05:06.7',
	'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a" : [1, "x"]}', '{"b": null, "c": "\"q\""}', '\x00ff', 'glad', '[1,5)', '{[1,3),[5,7)}', '10.0.0.1/8', 3, 4294967295, (1, 'x, "y"'), (9, NULL),
	'{1,NULL,3}', '{"a b","c\"d",NULL,""}', '{1.10,NaN}', ARRAY[(1,'a')::pair, NULL], ARRAY['{"k": [1]}'::jsonb, '"null"'], '{sad,glad}');
INSERT INTO every (po) VALUES (NULL), (1);
INSERT INTO every (f, g, n, d, ts, tz, t, j, jb, ia, ta, r) VALUES
	('NaN', '-Infinity', 'NaN', 'infinity', '-infinity', 'infinity', '', '"s"', '"s"', '[2:3][1:2]={{1,2},{3,4}}', '{}', 'empty'),
	(-0.0, 1e38, -1e-50, '0001-01-01 BC', '294276-12-31 23:59:59.999999', '-infinity', 'null', '[null]', '1.50', '{{1,2},{3,4}}', '{{a},{b}}', '(,)');
SELECT count(*) AS rows, (SELECT string_agg(data, '') FROM stash.to_jsonl('TABLE every')) AS lines FROM every \gset
-- what stash.to_jsonl wrote is read as it was; JSON has no lower bounds of arrays, and no null beside SQL's
UPDATE every SET ia = '{{1,2},{3,4}}' WHERE ia IS NOT NULL AND array_ndims(ia) = 2;
SELECT (SELECT count(*) FROM stash.from_jsonl(:'lines', NULL::every)) = :rows AS is_complete;
SELECT e::text FROM every e EXCEPT ALL SELECT e::text FROM stash.from_jsonl(:'lines', NULL::every) e;
-- as json_populate_record reads it
SELECT e::text FROM stash.from_jsonl(:'lines', NULL::every) e EXCEPT ALL
SELECT json_populate_record(NULL::every, line::json)::text FROM regexp_split_to_table(rtrim(:'lines', E'\n'), E'\n') line;

-- lines: blank ones, line ends, the last one, a byte order mark, other orders of members
SELECT * FROM stash.from_jsonl(E'\uFEFF{"a":1}\r\n\n \t \n{"b":"x","z":[{"q":"}"}],"a":2}\n\n{"a":3,"a":4}') AS t(a int, b text);
SELECT * FROM stash.from_jsonl(E'{"\\u0061":"\\ud83d\\ude00 \\u00e4\\/"}') AS t(a text);
SELECT * FROM stash.from_jsonl(E'{"A b":1,"a b":2}') AS t("A b" int);
SELECT * FROM stash.from_jsonl('') AS t(a int);
SELECT * FROM stash.from_jsonl(NULL) AS t(a int);
SELECT * FROM stash.from_jsonl('{}') AS t(a int);
SELECT stash.from_jsonl(E'{"x":1,"y":"a"}\n{"x":2}', NULL::pair);
SELECT * FROM stash.from_jsonl(E'{"x":1,"y":"a"}\n{"x":2}', NULL::ordered);
SELECT * FROM stash.from_jsonl(E'{"x":1}\n{"x":2}\nbad', NULL::pair) LIMIT 0;
SELECT j IS NULL AS is_null FROM stash.from_jsonl('{"j":null}') AS t(j json);
-- values of other kinds than their column
SELECT * FROM stash.from_jsonl('{"t":[1, 2],"i":"7","b":true,"ia":"{1,2}","p":"(1,x)","j":{"a":1},"jb":"x"}') AS t(t text, i int, b text, ia int[], p pair, j json, jb jsonb);
ALTER TYPE pair DROP ATTRIBUTE y;
SELECT stash.from_jsonl('{"x":1,"y":"gone"}', NULL::pair);

-- bad ones tell where
SELECT * FROM stash.from_jsonl(E'{"a":1}\n\n{"a":"x"}') AS t(a int);
SELECT * FROM stash.from_jsonl(E'{"a":1}\n{"ä":"ö", "a":1x}') AS t(a int);
SELECT * FROM stash.from_jsonl(E'{"a":1}\n[1]') AS t(a int);
SELECT * FROM stash.from_jsonl(E'{"a":1') AS t(a int);
SELECT * FROM stash.from_jsonl(E'{"a":"\\u0000"}') AS t(a text);
SELECT * FROM stash.from_jsonl(E'{"a":"\\ud83d"}') AS t(a text);
SELECT * FROM stash.from_jsonl('{"ia":[1,"x"]}') AS t(ia int[]);
SELECT * FROM stash.from_jsonl('{"p":-1}') AS t(p positive);
SELECT * FROM stash.from_jsonl('{"a":1}') AS t(n needed);
SELECT * FROM stash.from_jsonl('{"x":10}', NULL::ordered);
SELECT * FROM stash.from_jsonl('{"m":"angry"}') AS t(m mood);
SELECT * FROM stash.from_jsonl('{"v":"abcd"}') AS t(v varchar(3));
-- skipped they are counted; other errors are no bad lines
SELECT * FROM stash.from_jsonl(E'{"a":1}\nnonsense\n{"a":"x"}\n{"a":"\\u0000"}\n{"a":2}', 'skip') AS t(a int);
SELECT * FROM stash.from_jsonl(E'{"n":"x"}\n{}', 'skip') AS t(n needed);
CREATE FUNCTION fails(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE 'not a matter of data' USING ERRCODE = 'P0001'; END $$;
CREATE DOMAIN failing AS int CHECK (fails(value));
SELECT * FROM stash.from_jsonl('{"a":1}', 'skip') AS t(a failing);
BEGIN;
SAVEPOINT s;
SELECT * FROM stash.from_jsonl(E'{"a":1}\nx\n{"a":2}', 'skip') AS t(a int);
ROLLBACK TO s;
COMMIT;

-- refused
\set SHOW_CONTEXT never
SELECT * FROM stash.from_jsonl('{"a":1}', 1);
SELECT stash.from_jsonl('{"a":1}');
SELECT * FROM stash.from_jsonl('{"a":1}', 'ignore') AS t(a int);
SELECT * FROM stash.from_jsonl('{"a":1}', NULL::text) AS t(a int);
SELECT * FROM stash.read_jsonl('relative.jsonl') AS t(a int);
CREATE ROLE regress_stash_import;
SET ROLE regress_stash_import;
SELECT * FROM stash.read_jsonl('/dev/null') AS t(a int);
RESET ROLE;
SELECT * FROM stash.read_jsonl('/dev/null') AS t(a int);
SELECT * FROM stash.read_jsonl('/') AS t(a int);

-- arrays are those of json_populate_record, those of scalars too, which are read here
CREATE DOMAIN small AS int CHECK (value < 100);
CREATE DOMAIN present AS text NOT NULL;
CREATE TYPE couple AS (a int, b text[]);
CREATE TABLE arrays (i int[], t text[], v varchar(3)[], n numeric(6,2)[], d small[], p present[], c couple[], j jsonb[], b bool[], vec int2vector, oids oidvector);
CREATE FUNCTION compare_arrays(line text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ours arrays;
	theirs arrays;
	problem text;
BEGIN
	BEGIN
		SELECT * INTO theirs FROM json_populate_record(NULL::arrays, line::json);
	EXCEPTION WHEN OTHERS THEN
		problem := SQLSTATE || ' ' || SQLERRM;
	END;
	SELECT * INTO ours FROM stash.from_jsonl(line, NULL::arrays);
	RETURN CASE WHEN ours *= theirs THEN ours::text ELSE format('%s, not %s', ours, coalesce(problem, theirs::text)) END;
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN problem = SQLSTATE || ' ' || SQLERRM THEN problem ELSE format('%s %s, not %s', SQLSTATE, SQLERRM, coalesce(problem, theirs::text)) END;
END $$;
SELECT compare_arrays(line) FROM (VALUES ('{}'), ('{"i":[]}'), ('{"i":[1, null ,"3"],"t":["a","\u00e4\"",null,"",1.50,true],"v":["abc"],"n":[1.005,"-2"],"b":[true,false,"on",null]}'),
	('{"i":[[1,2],[3,null]],"t":[[["x"]]]}'), ('{"i":[1,[2]]}'), ('{"i":[[1],2]}'), ('{"i":[[1],[2,3]]}'), ('{"i":["x"]}'), ('{"v":["abcd"]}'), ('{"n":[10000]}'),
	('{"d":[1,null,99]}'), ('{"d":[100]}'), ('{"p":["a"]}'), ('{"p":[null]}'), ('{"c":[{"a":1,"b":["x",null]},null]}'), ('{"c":[1]}'), ('{"j":[1,null,{"a":[1]}]}'),
	('{"i":{"a":1}}'), ('{"i":"{1,NULL}"}')) s(line);
-- more than there is room for at first
SELECT count(*), sum(x) FROM stash.from_jsonl((SELECT jsonb_build_object('i', array_agg(x))::text FROM generate_series(1, 1000) x), NULL::arrays), unnest(i) x;
-- which json_populate_record makes of no JSON
SELECT vec, oids FROM stash.from_jsonl('{"vec":[1,-2],"oids":["3", 4]}', NULL::arrays);

SET client_min_messages = warning;
DROP SCHEMA import_jsonl CASCADE;
DROP ROLE regress_stash_import;
