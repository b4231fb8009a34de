-- stash.columns(): which columns, of which types
SET timezone = 'UTC';
SELECT stash.create('docs');
-- the types of columns a, of documents in an array
CREATE FUNCTION types(VARIADIC documents jsonb[]) RETURNS text VOLATILE LANGUAGE plpgsql AS $$
BEGIN
	PERFORM stash.clear('docs');
	FOR i IN 1 .. cardinality(documents) LOOP
		PERFORM stash.put('docs', i, documents[i]);
	END LOOP;
	RETURN (SELECT coalesce(string_agg(format('%s %s', c.name, c.type), ', '), 'none') FROM stash.columns('docs') AS c);
END $$;

-- order: as first seen, in jsonb's order of keys
SELECT types('{"bb": 1, "a": 2}', '{"c": 3, "a": 4, "ccc": 5}');
-- numbers grow
SELECT types('{"a": 1}', '{"a": 2147483647}'), types('{"a": 1}', '{"a": 2147483648}'),
	types('{"a": -2147483648}'), types('{"a": -2147483649}'),
	types('{"a": 9223372036854775807}'), types('{"a": -9223372036854775808}'),
	types('{"a": 9223372036854775808}'), types('{"a": -9223372036854775809}');
SELECT types('{"a": 1}', '{"a": 1.5}'), types('{"a": 1.0}'), types('{"a": 1e2}'), types('{"a": 1e-2}', '{"a": 1}'),
	types('{"a": 10000000000000000}'), types('{"a": 1000000000000000000000}'), types('{"a": 0}'), types('{"a": 123456789012345678}');
-- scalars that have nothing in common are text
SELECT types('{"a": true}'), types('{"a": true}', '{"a": false}'), types('{"a": true}', '{"a": 1}'), types('{"a": 1}', '{"a": "1"}'), types('{"a": "x"}');
-- times only where every value is one
SELECT types('{"a": "2024-02-29"}'), types('{"a": "2024-02-29"}', '{"a": "2024-02-29T23:59"}'), types('{"a": "2024-02-29 23:59:59.123456"}'),
	types('{"a": "2024-02-29T23:59Z"}', '{"a": "2024-02-29 23:59:01+05:30"}'), types('{"a": "2024-02-29T23:59-0800"}', '{"a": "2024-02-29 23:59:01+05"}');
SELECT types('{"a": "2023-02-29"}'), types('{"a": "2024-13-01"}'), types('{"a": "2024-02-29T24:00"}'), types('{"a": "2024-02-29T23:59:60Z"}'),
	types('{"a": "2024-02-29T23:59+16"}'), types('{"a": "2024-02-29x"}'), types('{"a": "2024-02-29T"}'), types('{"a": "20240229"}'),
	types('{"a": "2024-02-29T10:00:00.1234567"}'), types('{"a": "0000-01-01"}'), types('{"a": ""}');
SELECT types('{"a": "2024-02-29"}', '{"a": "later"}'), types('{"a": "2024-02-29T10:00Z"}', '{"a": "2024-02-29"}'),
	types('{"a": "2024-02-29"}', '{"a": 1}'), types('{"a": "2024-02-29"}', '{"a": null}');
-- nulls tell nothing; nothing known is jsonb
SELECT types('{"a": null}', '{"a": 1}'), types('{"a": null}'), types('{"b": 1}', '{"a": 2}');
-- empty objects and arrays
SELECT types('{"a": {}}'), types('{"a": {}}', '{"a": {"b": 1}}'), types('{"a": []}'), types('{"a": []}', '{"a": [1]}'), types('{}'), types('[]'), types('{"a": {}}', '{"a": 1}');
-- arrays
SELECT types('{"a": [1, 2]}', '{"a": [3000000000]}'), types('{"a": [1, null]}', '{"a": [0.5]}'), types('{"a": ["x", 1]}'), types('{"a": [true]}'),
	types('{"a": ["2024-02-29"]}'), types('{"a": [[1]]}'), types('{"a": [{"b": 1}]}'), types('{"a": [1, {}]}'), types('{"a": [null]}');
-- shapes that clash are one jsonb column, with all below
SELECT types('{"a": 1}', '{"a": [1]}'), types('{"a": {"b": {"c": 1}}}', '{"a": [1]}'), types('{"a": {"b": {"c": 1}}}', '{"a": {"b": 2}}'), types('{"a": {"b": 1}}', '{"a": null}');
-- dots inside keys: one column, however it is reached
SELECT types('{"a": {"b": 1}}', '{"a.b": 5000000000}'), types('{"a": 1, "a.b": 2}'), types('{"a": {"b": 1}}', '{"a": 1, "a.b": 2}');
SELECT stash.clear('docs') \g /dev/null
SELECT stash.put('docs', 1, '{"a": {"b": 1}, "a.b": 2}'::jsonb);
SELECT * FROM stash.columns('docs');
\echo :SQLSTATE
SELECT types('{"a.b": {"c": 1}, "a": {"b": {"d": 1}}}'), types('{"_a": 1, "": 2}');
-- elements: of arrays, of values without names
SELECT types('[{"a": 1}, {"b": "x"}, 5]'), types('7'), types('"2024-02-29"'), types('null'), types('[[1], [2, 3]]');

-- NULLs and samples; expired entries tell nothing
SELECT types('[{"a": 1, "b": {"c": "x"}}, {"a": null}, {"a": 2, "b": {"c": "y"}}, {"a": 2}, {"a": 3}, {"a": 4}, 5]');
SELECT * FROM stash.columns('docs');
SELECT stash.put('docs', 2, ('{"a": "' || repeat('é', 50) || '"}')::jsonb);
UPDATE docs SET expires_at = clock_timestamp() - interval '1 second' WHERE key::int = 1;
SELECT * FROM stash.columns('docs');
SELECT stash.clear('docs');
SELECT * FROM stash.columns('docs');

-- rows, row sets: types are known where values are not; equal ones stay as they are
CREATE TYPE place AS (city varchar(10), at point);
CREATE DOMAIN legs AS int;
CREATE TYPE flight AS (id int2, dist real, place place, doc jsonb, at timestamptz, ids int[], legs legs, names name[]);
SELECT stash.put('docs', 1, ARRAY[ROW(1, 0.5, NULL, '{"a": {"b": 1}}', NULL, '{1}', 4, NULL)::flight, ROW(NULL, NULL, ROW('x', NULL), NULL, NULL, NULL, NULL, NULL)::flight]);
SELECT * FROM stash.columns('docs');
-- others widen, with those of JSON too
SELECT stash.put('docs', 2, '{"id": 70000, "dist": 0.5, "place": {"city": "y"}, "at": "2024-02-29", "ids": [1.5], "legs": 5, "names": []}'::jsonb);
SELECT name, type FROM stash.columns('docs');
SELECT stash.clear('docs');
SELECT stash.put('docs', 1, 5), stash.put('docs', 2, 5.5::float4);
SELECT name, type FROM stash.columns('docs');
SELECT stash.put('docs', 3, '2024-01-01'::date), stash.put('docs', 4, 'text'::text);
SELECT name, type FROM stash.columns('docs');
SELECT stash.clear('docs');
SELECT stash.put('docs', 1, '{"a": {"b": 1}}'::json), stash.put('docs', 2, ARRAY[ROW(1, 'x'::text), ROW(2, 'y'::text)]), stash.put('docs', 3, NULL::int);
SELECT * FROM stash.columns('docs');
SELECT stash.clear('docs');

-- depth
SELECT stash.put('docs', 1, '{"a": {"b": {"c": 1}, "d": {}}, "e": 2}'::jsonb);
SELECT name, type FROM stash.columns('docs', depth => 1);
SELECT name, type FROM stash.columns('docs', depth => 2);
SELECT name, type FROM stash.columns('docs', depth => 3);
SELECT name, type FROM stash.columns('docs', depth => 0);
\echo :SQLSTATE

-- keys, and arrays that are exploded
SELECT stash.put('docs', ROW(1, 'x'::text), '{"tags": ["x", "y"], "in": {"side": [{"a": 1}, {"b": 2}]}}'::jsonb);
SELECT * FROM stash.columns('docs', prefix => 'key.');
SELECT name, type, nulls FROM stash.columns('docs', explode => 'tags');
SELECT name, type, nulls FROM stash.columns('docs', explode => 'in.side');
SELECT name, type, nulls FROM stash.columns('docs', explode => 'nothing') ORDER BY 1;
SELECT * FROM stash.assemble('docs', explode => 'in.side') AS t("in.side.a" int, "in.side.b" int, tags text[], e int);
SELECT * FROM stash.assemble_json('docs', explode => 'tags', prefix => 'k_');
SELECT stash.clear('docs');
-- an empty array, other things of that name, two places
SELECT stash.put('docs', 1, '[{"a": 1, "t": []}, {"a": 2, "t": "x"}, {"a": 3}, {"a": 4, "t": [null, [1], {"b": 2}]}, 5, null]'::jsonb);
SELECT * FROM stash.assemble('docs', explode => 't') AS t(a int, t text, "t.b" int, value int);
SELECT stash.put('docs', 1, '{"a": {"b": [1]}, "a.b": [2]}'::jsonb);
SELECT * FROM stash.assemble('docs', explode => 'a.b') AS t(a text);
\echo :SQLSTATE
-- what is exploded is not copied for each item: 50,000 of them
SELECT stash.put('docs', 1, jsonb_build_object('a', 1, 't', (SELECT jsonb_agg(i) FROM generate_series(1, 50000) AS i)));
SELECT count(*), sum(t), sum(a) FROM stash.assemble('docs', explode => 't') AS t(a int, t int);
-- all of it can be cancelled
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL statement_timeout = '1ms';
SELECT count(*) FROM stash.columns('docs', explode => 't');
\echo :SQLSTATE
ROLLBACK;
BEGIN;
SET LOCAL statement_timeout = '1ms';
SELECT count(*) FROM (SELECT stash.elements(value, 't') FROM docs) AS s;
\echo :SQLSTATE
ROLLBACK;
\set SHOW_CONTEXT errors
-- an array inside a row
SELECT stash.put('docs', 1, ROW(1, 0.5, NULL, NULL, NULL, '{1,2}', 4, NULL)::flight);
SELECT * FROM stash.assemble('docs', explode => 'ids') AS t(id int, ids int, legs int);
SELECT stash.clear('docs');

-- a part of the key with the name of one of the value
SELECT stash.put('docs', '{"a": 1}'::jsonb, '{"a": 2}'::jsonb);
SELECT * FROM stash.columns('docs', prefix => '');
\echo :SQLSTATE
SELECT * FROM stash.assemble('docs', prefix => '') AS t(a int);
\echo :SQLSTATE
SELECT * FROM stash.assemble_json('docs', prefix => '');
\echo :SQLSTATE
SELECT * FROM stash.assemble('docs', prefix => 'of_key_') AS t(of_key_a int, a int);

-- a stash or a function, not both, not neither, not without a stash
CREATE FUNCTION add(int, more int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2';
SELECT * FROM stash.columns();
\echo :SQLSTATE
SELECT * FROM stash.columns('docs', 'add(int,int)');
\echo :SQLSTATE
SELECT * FROM stash.columns(function => 'add(int,int)');
\echo :SQLSTATE
SELECT stash.memoize('add(int,int)');
SELECT add(1, 2);
SELECT * FROM stash.columns(function => 'add(int,int)');
SELECT * FROM stash.assemble(function => 'add(int,int)', prefix => 'in_') AS t(in_arg1 int, in_more int, value int, _key text);
SELECT stash.unmemoize('add(int,int)');

-- too many names
SELECT count(stash.put('docs', i, jsonb_build_object('a', (SELECT jsonb_object_agg(i || '_' || j, 1) FROM generate_series(1, 1000) AS j)))) FROM generate_series(1, 100) AS i;
SELECT count(*) FROM stash.columns('docs');
\echo :SQLSTATE
SELECT name, type, nulls FROM stash.columns('docs', depth => 1);

-- privileges are those of SELECT
CREATE ROLE regress_stash_reader;
GRANT USAGE ON SCHEMA public TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT * FROM stash.columns('docs');
\echo :SQLSTATE
RESET ROLE;
DROP OWNED BY regress_stash_reader;
DROP ROLE regress_stash_reader;

SELECT stash.drop('docs');
DROP FUNCTION add, types;
DROP TYPE flight, place;
DROP DOMAIN legs;
