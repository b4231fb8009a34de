-- stash.create_view() and stash.refresh_view(): typed views over stashes
SET timezone = 'UTC';
SELECT stash.create('docs');
SELECT stash.put('docs', 1, '{"id": 1, "name": "cat", "etc": {"age": 10.5, "tags": ["a", "b"]}}'::jsonb);
SELECT stash.put('docs', 2, '[{"id": 2, "etc": {"age": 3}}, {"id": 3, "name": null, "etc": {}}]'::jsonb);
SELECT stash.create_view('docs', 'docs_view');
SELECT count(*) AS parts FROM regexp_matches(pg_get_viewdef('docs_view'), 'stash\.part\(', 'g');
SELECT reloptions FROM pg_class WHERE oid = 'docs_view'::regclass;
SELECT * FROM docs_view ORDER BY id;
-- the same as the function gives
SELECT * FROM stash.assemble('docs') AS t(id int, name text, "etc.age" numeric, "etc.tags" text[])
EXCEPT ALL SELECT id, name, "etc.age", "etc.tags" FROM docs_view;

-- columns that nobody asks for are not decoded: this one would throw
SELECT stash.put('docs', 3, '{"id": 4, "name": "bird", "etc": {"age": "old"}}'::jsonb);
SELECT id, name FROM docs_view ORDER BY id;
SELECT "etc.age" FROM docs_view;
\echo :SQLSTATE
SELECT stash.remove('docs', 3);

-- new names come in at the end; what would have to be wider is told
SELECT * FROM stash.refresh_view('docs_view');
SELECT stash.put('docs', 3, '{"id": 5000000000, "name": 7, "etc": {"age": 1, "tags": [1], "new": "2024-02-29"}, "more": true}'::jsonb);
SELECT * FROM stash.refresh_view('docs_view');
SELECT name, "etc.tags", "etc.new", more FROM docs_view ORDER BY name;
SELECT * FROM stash.refresh_view('docs_view');
-- a view made anew has room
DROP VIEW docs_view;
SELECT stash.create_view('docs', 'docs_view');
SELECT * FROM docs_view ORDER BY id;
-- nothing that is there gets narrower or goes
SELECT stash.clear('docs');
SELECT * FROM stash.refresh_view('docs_view');
SELECT stash.put('docs', 1, '{"id": 1, "etc": {"tags": []}, "name": null}'::jsonb);
SELECT * FROM stash.refresh_view('docs_view');
SELECT * FROM docs_view;
-- options that the owner has set stay, and so does the comment
ALTER VIEW docs_view SET (security_barrier = true);
COMMENT ON VIEW docs_view IS 'mine';
SELECT stash.put('docs', 2, '{"late": 1}'::jsonb);
SELECT * FROM stash.refresh_view('docs_view');
SELECT reloptions, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = 'docs_view'::regclass;
-- names may change under it
ALTER TABLE docs RENAME TO papers;
CREATE SCHEMA "Odd ""one";
ALTER TABLE papers SET SCHEMA "Odd ""one";
ALTER VIEW docs_view RENAME TO "papers' view";
SELECT stash.put('"Odd ""one".papers', 3, '{"later": [[1]]}'::jsonb);
SELECT * FROM stash.refresh_view('"papers'' view"');
SELECT late, later FROM "papers' view" ORDER BY late;
DROP VIEW "papers' view";
ALTER TABLE "Odd ""one".papers RENAME TO docs;
ALTER TABLE "Odd ""one".docs SET SCHEMA public;
SELECT stash.clear('docs');

-- what the entry has of its own; conditions on it are brought down to the table
SELECT stash.put('docs', i, jsonb_build_object('i', i)) FROM generate_series(1, 4) AS i;
SELECT stash.create_view('docs', '"Odd ""one".meta', metadata => '{_created_at,_key,_key_hash,_version}');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '"Odd ""one".meta'::regclass ORDER BY attnum;
SELECT _key, _version, _key_hash = stash.hash(_key) AS is_hash, _created_at <= clock_timestamp() AS is_past, i FROM "Odd ""one".meta ORDER BY _key;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT i FROM "Odd ""one".meta WHERE _key_hash = stash.hash(2);
SELECT i FROM "Odd ""one".meta WHERE _key_hash = stash.hash(2);
RESET enable_seqscan;
RESET enable_bitmapscan;
EXPLAIN (COSTS OFF) SELECT i FROM "Odd ""one".meta WHERE _key = 3 AND _version = 1 AND _created_at > '2024-01-01' AND i = 3;
SELECT i FROM "Odd ""one".meta WHERE _key = 3 AND _version = 1 AND _created_at > '2024-01-01' AND i = 3;
-- keys of several types are variants
SELECT stash.put('docs', 'five'::text, '{"i": 5}'::jsonb);
SELECT stash.create_view('docs', 'mixed', metadata => '{_key}', prefix => 'key_');
SELECT * FROM mixed ORDER BY i;
SELECT * FROM stash.refresh_view('mixed');
DROP VIEW "Odd ""one".meta, mixed;
DROP SCHEMA "Odd ""one";
SELECT stash.create_view('docs', 'none', metadata => '{_cost}');
\echo :SQLSTATE
SELECT stash.clear('docs');

-- rows, row sets, keys that are rows
CREATE TYPE place AS (city text, at point);
SELECT stash.put('docs', ROW('2024-01-01'::date, 7), array_agg(ROW('c' || i, point(i, i))::place)) FROM generate_series(1, 2) AS i;
SELECT stash.put('docs', ROW('2024-01-02'::date, 8), ARRAY[1, NULL]);
SELECT stash.put('docs', ROW('2024-01-03'::date, 9), NULL::int);
UPDATE docs SET value = NULL WHERE stash.part(key, 'f2', NULL::int) = 9;
SELECT stash.create_view('docs', 'places', prefix => 'k.');
SELECT * FROM places ORDER BY "k.f1", city, value;
DROP VIEW places;
SELECT stash.clear('docs');

-- depth, and an array that is exploded
SELECT stash.put('docs', 1, '{"a": {"b": {"c": 1}}, "t": [{"x": 1}, {"x": 2, "y": "z"}]}'::jsonb);
SELECT stash.put('docs', 2, '{"t": []}'::jsonb);
SELECT stash.create_view('docs', 'deep', explode => 't', depth => 2);
SELECT * FROM deep ORDER BY "t.x";
SELECT stash.put('docs', 3, '{"t": [{"x": 3, "new": {"d": 1}}], "a": {"b": 2, "e": 3}}'::jsonb);
SELECT * FROM stash.refresh_view('deep');
SELECT * FROM deep ORDER BY "t.x";
DROP VIEW deep;
SELECT stash.clear('docs');

-- names that SQL cannot have
SELECT stash.put('docs', 1, jsonb_build_object(repeat('n', 70), 1, '', 2, 'o"k', 3));
SELECT stash.create_view('docs', 'long');
SELECT * FROM long;
SELECT stash.put('docs', 2, jsonb_build_object(repeat('n', 71), 1));
SELECT * FROM stash.refresh_view('long');
\echo :SQLSTATE
DROP VIEW long;
SELECT stash.clear('docs');
SELECT stash.put('docs', 1, '{"_key": 1}'::jsonb);
SELECT stash.create_view('docs', 'clash', metadata => '{_key}');
\echo :SQLSTATE
SELECT stash.create_view('docs', 'clash', metadata => '{_version}');
SELECT * FROM clash;
SELECT * FROM stash.refresh_view('clash');
DROP VIEW clash;

-- what is no view of a stash; nothing to see yet; a name that is taken
CREATE VIEW other AS SELECT 1 AS a;
SELECT * FROM stash.refresh_view('other');
\echo :SQLSTATE
SELECT * FROM stash.refresh_view('docs');
\echo :SQLSTATE
SELECT stash.create_view('docs', 'other');
\echo :SQLSTATE
SELECT stash.clear('docs');
SELECT stash.create_view('docs', 'nothing');
\echo :SQLSTATE
SELECT stash.create_view('docs');
\echo :SQLSTATE
SELECT stash.create_view(view => 'nothing');
\echo :SQLSTATE
DROP VIEW other;

-- a stash with versions gives all; one of a function, where it was computed twice, the newest
SELECT stash.create('history', keep_versions => 0);
SELECT stash.put('history', 'k', 1), stash.put('history', 'k', 2);
SELECT stash.create_view('history', 'all_versions', metadata => '{_version}');
SELECT * FROM all_versions ORDER BY _version;
CREATE FUNCTION route(hub text) RETURNS TABLE (destination text, flights int) IMMUTABLE LANGUAGE sql AS $$
	SELECT hub || i, CASE current_setting('pg_hashstash.memo') WHEN 'refresh' THEN 10 * i ELSE i END
	FROM generate_series(1, 2) AS i
$$;
SELECT stash.memoize('route(text)');
SELECT count(*) FROM route('A') AS a, route('B') AS b;
SET pg_hashstash.memo = refresh;
SELECT count(*) FROM route('A');
RESET pg_hashstash.memo;
SELECT stash.create_view(view => 'routes', function => 'route(text)', metadata => '{_created_at}');
SELECT hub, destination, flights FROM routes ORDER BY destination;
CREATE FUNCTION filter_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN QUERY SELECT f #>> '{}' FROM jsonb_path_query(plan::jsonb, 'strict $.**.Filter ? (@ like_regex "hub")') AS f;
END $$;
SELECT substring(filter_of($$SELECT flights FROM routes WHERE hub = 'A'$$), $$stash.part.*'A'$$) AS filter_of_the_table;
SELECT flights FROM routes WHERE hub = 'A' ORDER BY 1;
SELECT * FROM stash.refresh_view('routes');
-- the stash goes with the memo, and the view hangs on it
SELECT stash.unmemoize('route(text)');
\echo :SQLSTATE
DROP VIEW all_versions, routes;
SELECT stash.unmemoize('route(text)');
DROP FUNCTION route, filter_of;

-- a temporary stash has a temporary view; partitions are read like one table
\set VERBOSITY terse
SELECT stash.create('mine', 'temp');
SELECT stash.put('mine', 1, '{"a": 1}'::jsonb);
SELECT stash.create_view('mine', 'my_view');
SELECT v.relpersistence, m.* FROM my_view AS m, pg_class AS v WHERE v.oid = 'my_view'::regclass;
SELECT stash.put('mine', 2, '{"b": 2}'::jsonb);
SELECT * FROM stash.refresh_view('my_view');
SELECT * FROM my_view ORDER BY a;
\set VERBOSITY default
DROP VIEW my_view;
SELECT stash.drop('mine');
SELECT stash.create('parts', partitions => 2);
SELECT count(stash.put('parts', i, jsonb_build_object('i', i))) FROM generate_series(1, 10) AS i;
SELECT stash.create_view('parts', 'parts_view', metadata => '{_key_hash}');
SELECT count(*), sum(i), count(*) FILTER (WHERE _key_hash = stash.hash(i)) AS hashes FROM parts_view;
SELECT i FROM parts_view WHERE _key_hash = stash.hash(7);
DROP VIEW parts_view;
SELECT stash.drop('parts');

-- rights and row security are those of whoever reads
CREATE ROLE regress_stash_reader;
GRANT USAGE, CREATE ON SCHEMA public TO regress_stash_reader;
SELECT stash.put('docs', i, jsonb_build_object('i', i)) FROM generate_series(1, 4) AS i;
SELECT stash.create_view('docs', 'docs_view');
GRANT SELECT ON docs_view TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT * FROM docs_view;
\echo :SQLSTATE
SELECT stash.create_view('docs', 'own_view');
\echo :SQLSTATE
RESET ROLE;
GRANT SELECT ON docs TO regress_stash_reader;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON docs TO regress_stash_reader USING (key::int % 2 = 1);
SET ROLE regress_stash_reader;
SELECT * FROM docs_view ORDER BY i;
SELECT stash.create_view('docs', 'own_view');
SELECT * FROM own_view ORDER BY i;
SELECT * FROM stash.refresh_view('own_view');
RESET ROLE;
SELECT stash.put('docs', 5, '{"i": 5, "more": 1}'::jsonb);
SET ROLE regress_stash_reader;
SELECT * FROM stash.refresh_view('own_view');
SELECT * FROM stash.refresh_view('docs_view');
\echo :SQLSTATE
RESET ROLE;
DROP VIEW docs_view, own_view;
SELECT stash.drop('docs'), stash.drop('history');
DROP OWNED BY regress_stash_reader;
DROP ROLE regress_stash_reader;
DROP TYPE place;
