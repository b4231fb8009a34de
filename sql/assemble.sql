-- stash.assemble() and stash.assemble_json(): values of a stash as rows
SELECT stash.create('animals');
SELECT stash.put('animals', 1, '{"name": "cat", "legs": 4, "etc": {"age": 10.5, "goes_to": {"heaven": true}}}'::jsonb);
SELECT stash.put('animals', 2, '{"name": "bird", "legs": 2, "etc": {"goes_to": {"heaven": false}}, "tags": ["a", "b"]}'::jsonb);
SELECT stash.put('animals', 3, '[{"name": "ant", "legs": 6}, {"name": "snail", "legs": null}]'::jsonb);

SELECT * FROM stash.assemble('animals') AS t(name text, legs int, "etc.goes_to.heaven" bool);
SELECT * FROM stash.assemble_json('animals');

-- a name may lead to an object or array; absent and null are NULL
SELECT * FROM stash.assemble('animals')
	AS t(name text, etc jsonb, "etc.goes_to" text, tags text[], legs int, wings int);

-- the entry's own columns, on demand
SELECT * FROM stash.assemble('animals') AS t(_version int8, name text, _key int);
SELECT * FROM stash.assemble('animals') AS t(_key text, name text) WHERE name = 'ant';
SELECT * FROM stash.assemble('animals') AS t(_key jsonb, name text) LIMIT 1;
SELECT * FROM stash.assemble('animals') AS t(_key stash.variant, name text) LIMIT 1;
SELECT name, t._created_at = e.created_at AS same_time
FROM stash.assemble('animals') AS t(_key stash.variant, name text, _created_at timestamptz)
JOIN stash.entries('animals') AS e ON e.key OPERATOR(stash.=) t._key
ORDER BY name;
SELECT count(*) FROM stash.assemble('animals') AS t(_key int);

-- a new version of a value takes the old one's place
SELECT stash.put('animals', 1, '{"name": "tiger", "legs": 4}'::jsonb);
SELECT * FROM stash.assemble('animals') AS t(name text, _key int, _version int);

-- expired entries are not there; what has not expired is
UPDATE animals SET expires_at = clock_timestamp() + interval '1 hour' WHERE key::int = 1;
UPDATE animals SET expires_at = clock_timestamp() - interval '1 microsecond' WHERE key::int = 2;
SELECT name FROM stash.assemble('animals') AS t(name text) ORDER BY name;
SELECT j -> 'name' AS name FROM stash.assemble_json('animals') AS j ORDER BY 1;
SELECT stash.clear('animals');

-- what becomes a row: elements, and values that have none
SELECT stash.put('animals', 'array', ARRAY[1, NULL, 3]);
SELECT stash.put('animals', 'two dimensions', '{{1,2},{3,NULL}}'::int[]);
SELECT stash.put('animals', 'json array', '[1, null, "x", [2, [3]], {"a": {"b": 4}}]'::jsonb);
SELECT stash.put('animals', 'scalar', 12.50);
SELECT stash.put('animals', 'text', 'plain'::text);
SELECT stash.put('animals', 'json scalar', '"quoted"'::json);
SELECT stash.put('animals', 'bytes', '\x0001ff'::bytea);
SELECT stash.put('animals', 'null', NULL::int[]);
SELECT stash.put('animals', 'json null', 'null'::jsonb);
SELECT stash.put('animals', 'empty object', '{}'::jsonb);
SELECT stash.put('animals', 'empty array', '{}'::int[]);
SELECT stash.put('animals', 'empty json array', '[]'::jsonb);
UPDATE animals SET value = NULL WHERE key::text = 'json null';
SELECT * FROM stash.assemble('animals') AS t(_key text, value text, "a.b" int);
SELECT * FROM stash.assemble_json('animals');
SELECT stash.clear('animals');

-- rows of composite types: equal types are copied, others cast
CREATE TYPE place AS (city text, at point);
CREATE TYPE flight AS (id int8, dist float8, gone int, "from" place, doc jsonb, at timestamptz, note varchar(20));
ALTER TYPE flight DROP ATTRIBUTE gone;
SELECT stash.put('animals', 'set', array_agg(f ORDER BY i))
FROM generate_series(1, 3) AS i,
	LATERAL (SELECT ROW(i, i * 0.5, ROW('city ' || i, point(i, -i))::place,
		jsonb_build_object('x', jsonb_build_object('y', i)), '2024-01-01 00:00:00+00', 'note')::flight) AS r(f);
SELECT stash.put('animals', 'one row', ROW(9, NULL, NULL, NULL, NULL, NULL)::flight);
SET timezone = 'UTC';
SELECT * FROM stash.assemble('animals')
	AS t(id int8, dist float8, "from.city" text, "from.at" point, "doc.x.y" int, at timestamptz, note varchar(20));
SELECT * FROM stash.assemble('animals')
	AS t(id text, dist numeric(4,1), "from" place, doc jsonb, at date, note varchar(2), _key text);
SELECT * FROM stash.assemble('animals') AS t(id jsonb, "from" jsonb, dist stash.variant, gone text) LIMIT 1;
SELECT * FROM stash.assemble_json('animals');
SELECT sum(id) AS ids, count(dist) AS dists FROM stash.assemble('animals') AS t(id int8, dist float8);
SELECT stash.clear('animals');

-- anonymous rows, of one shape or each of its own; rows that are NULL
SELECT stash.put('animals', 1, ARRAY[ROW(1, 'a'::text), ROW(2, 'b'::text)]);
SELECT stash.put('animals', 2, ARRAY[ROW(3, 'c'::text), ROW('d'::text), NULL]);
SELECT * FROM stash.assemble('animals') AS t(_key int, f1 text, f2 text);
SELECT * FROM stash.assemble_json('animals');
SELECT stash.clear('animals');

-- domains are seen through; those asked for are checked, absent values too
CREATE DOMAIN legs AS int CHECK (VALUE >= 0);
CREATE DOMAIN some_legs AS int NOT NULL;
CREATE DOMAIN animal AS jsonb;
SELECT stash.put('animals', 1, '{"legs": 4, "etc": {"legs": -1}}'::animal);
SELECT * FROM stash.assemble('animals') AS t(legs legs, "etc.legs" int);
SELECT * FROM stash.assemble('animals') AS t("etc.legs" legs);
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals') AS t(arms some_legs);
\echo :SQLSTATE
SELECT stash.clear('animals');

-- JSON to the types of columns
SELECT stash.put('animals', 1, '{"n": 2.5, "s": "12", "b": true, "o": {"city": "x", "at": "(1,2)"}, "a": [1, 2],
	"aa": [[1, 2], [3, 4]], "t": "2024-02-29T12:00:00Z", "oo": [{"city": "y"}], "z": null}'::jsonb);
SELECT * FROM stash.assemble('animals') AS t(n int, s int, b text, o place, a int[], aa int8[], t timestamptz, oo place[]);
SELECT * FROM stash.assemble('animals') AS t(n numeric, s char(4), b int, o json, a text, t date, oo jsonb, z jsonb);
SELECT * FROM stash.assemble('animals') AS t(n text, s jsonb, b jsonb, a stash.variant, o varchar(8));

-- errors of casts name column and entry
SELECT * FROM stash.assemble('animals') AS t(b bool, n bool);
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals') AS t(a int);
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals') AS t(s uuid);
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals') AS t(a int, _key date);
\echo :SQLSTATE
SELECT stash.clear('animals');

-- a long key is cut, a large one is not shown
SELECT stash.put('animals', repeat('é', 80), '"x"'::jsonb);
SELECT * FROM stash.assemble('animals') AS t(value int);
SELECT stash.clear('animals');
SELECT stash.put('animals', repeat('0123456789', 400), '"x"'::jsonb);
SELECT * FROM stash.assemble('animals') AS t(value int);
SELECT stash.clear('animals');

-- one name, two places: no value wins, neither over a column of the entry
SELECT stash.put('animals', 1, '{"a": {"b": 1}, "a.b": 2, "c.d": {"e": 3}, "_key": 4}'::jsonb);
SELECT * FROM stash.assemble('animals') AS t("a.b" int);
\echo :SQLSTATE
SELECT * FROM stash.assemble_json('animals');
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals') AS t(_key int);
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals') AS t(a jsonb, "c.d.e" int, _version int);
-- no other name is hidden, whatever it begins with
UPDATE animals SET value = stash.to_variant('{"_legs": 4, "_": {"_key": 5}}'::jsonb);
SELECT * FROM stash.assemble('animals') AS t(_legs int, "_._key" int, _key int);
CREATE TYPE clash AS (a place, "a.city" text, _version int);
UPDATE animals SET value = stash.to_variant(ARRAY[ROW(NULL, 'x', 1)::clash, ROW(ROW('y', NULL), 'x', 1)::clash]);
SELECT * FROM stash.assemble('animals') AS t("a.city" text) LIMIT 1;
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals') AS t(_version int);
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals') AS t("a.at" point, _key int);
SELECT stash.clear('animals');

-- a damaged frame is an error, not a row; a damaged key beside it too
CREATE CAST (bytea AS stash.variant) WITHOUT FUNCTION;
SELECT stash.put('animals', 1, 'some text'::text);
UPDATE animals SET value = set_byte(value::bytea, 12, get_byte(value::bytea, 12) # 1)::stash.variant;
SELECT * FROM stash.assemble('animals') AS t(value text);
\echo :SQLSTATE
UPDATE animals SET key = set_byte(key::bytea, 12, get_byte(key::bytea, 12) # 1)::stash.variant;
SELECT * FROM stash.assemble_json('animals');
\echo :SQLSTATE
DROP CAST (bytea AS stash.variant);
SELECT stash.clear('animals');

-- in other places of a query
SELECT stash.put('animals', i, jsonb_build_object('i', i, 'half', jsonb_build_object('of', i / 2.0)))
FROM generate_series(1, 3) AS i;
SELECT s, i FROM (VALUES ('animals'::regclass), ('animals')) AS v(s), stash.assemble(v.s) AS t(i int) ORDER BY i;
CREATE VIEW assembled AS SELECT * FROM stash.assemble('animals') AS t(i int, "half.of" numeric);
SELECT * FROM assembled WHERE i > 1;
DROP VIEW assembled;
SELECT stash.assemble_json('animals') -> 'half.of' AS half;
SELECT stash.assemble('animals');
\echo :SQLSTATE
SELECT * FROM stash.assemble('animals');
\echo :SQLSTATE

-- a temporary stash is read by the leader, whatever the plan
SELECT stash.create('mine', 'temp');
SELECT stash.put('mine', 1, 5);
SELECT set_config(name, 'on', false) AS parallel FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT * FROM stash.assemble('mine') AS t(value int);
SELECT stash.assemble_json('mine');
SELECT set_config(name, 'off', false) AS parallel FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT stash.drop('mine');

-- more than fits in memory goes to disk
SET work_mem = '64kB';
SELECT stash.put('animals', 'many', array_agg(i)) FROM generate_series(1, 100000) AS i;
SELECT count(*), sum(value), min(_key) FROM stash.assemble('animals') AS t(value int8, _key text) WHERE value IS NOT NULL;
RESET work_mem;

-- privileges and row security are those of SELECT
CREATE ROLE regress_stash_reader;
GRANT USAGE ON SCHEMA public TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT * FROM stash.assemble('animals') AS t(i int);
\echo :SQLSTATE
RESET ROLE;
GRANT SELECT ON animals TO regress_stash_reader;
ALTER TABLE animals ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON animals TO regress_stash_reader USING (key::text IN ('1', '3'));
SET ROLE regress_stash_reader;
SELECT * FROM stash.assemble('animals') AS t(i int);
SELECT * FROM stash.assemble_json('animals');
RESET ROLE;
SELECT stash.drop('animals');
DROP OWNED BY regress_stash_reader;
DROP ROLE regress_stash_reader;

-- no stash
SELECT * FROM stash.assemble(NULL) AS t(i int);
\echo :SQLSTATE
SELECT * FROM stash.assemble_json(NULL);
\echo :SQLSTATE
SELECT * FROM stash.assemble('pg_class') AS t(relname text);
\echo :SQLSTATE
SELECT * FROM stash.assemble_json('pg_class');
\echo :SQLSTATE

-- made by hand, with names that want quotes
CREATE SCHEMA "Odd ""one";
CREATE TABLE "Odd ""one"."my stash" OF stash.entry;
INSERT INTO "Odd ""one"."my stash" (key, value) VALUES ('int4:1', 'int4[]:{1,2}'), (NULL, 'text:x');
SELECT * FROM stash.assemble('"Odd ""one"."my stash"') AS t(_key int, value text, _version int) ORDER BY value;
SELECT * FROM stash.assemble('"Odd ""one"."my stash"') AS t(value int);
\echo :SQLSTATE
DROP SCHEMA "Odd ""one" CASCADE;

-- remembered sets of rows; a result that was computed again counts once
CREATE FUNCTION route(hub text) RETURNS TABLE (destination text, flights int) IMMUTABLE LANGUAGE sql AS $$
	SELECT hub || i, CASE current_setting('pg_hashstash.memo') WHEN 'refresh' THEN 10 * i ELSE i END
	FROM generate_series(1, 2) AS i
$$;
SELECT stash.memoize('route(text)');
SELECT count(*) FROM route('A') AS a, route('B') AS b;
SET pg_hashstash.memo = refresh;
SELECT count(*) FROM route('A');
RESET pg_hashstash.memo;
INSERT INTO route_stash SELECT a.key_hash, a.key, b.value, 1, b.created_at - interval '1 hour'
FROM route_stash AS a JOIN route_stash AS b ON a.created_at > b.created_at;
SELECT count(*) FROM stash.entries(stash.stash_of('route(text)'));
SELECT * FROM stash.assemble(stash.stash_of('route(text)')) AS t(destination text, flights int) ORDER BY destination;
SELECT stash.unmemoize('route(text)');
DROP FUNCTION route;
-- one version of one key is one entry, another version another
CREATE TABLE doubles OF stash.entry;
INSERT INTO doubles (key_hash, key, value, version, created_at) VALUES
	(stash.hash(1), 'int4:1', 'text:old', 1, '2024-01-01'), (stash.hash(1), 'int4:1', 'text:new', 1, '2024-01-02'),
	(stash.hash(1), 'int4:1', 'text:next', 2, '2024-01-03'), (stash.hash(2), 'int4:2', 'text:other', 1, '2024-01-04');
SELECT * FROM stash.assemble('doubles') AS t(_key int, _version int, value text);
SELECT stash.drop('doubles');
DROP TYPE clash, flight, place;
DROP DOMAIN legs, some_legs, animal;
