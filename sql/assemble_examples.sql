-- what HashStash's README does with data frames: nested data, versions, functions
SET timezone = 'UTC';

-- a hundred animals, nested
SELECT stash.create('animals');
SELECT count(stash.put('animals', 'Animal ' || n, jsonb_build_object(
	'name', CASE WHEN n % 3 = 0 THEN 'cat' ELSE 'dog' END,
	'goodness', CASE WHEN n % 4 = 0 THEN 'bad' ELSE 'good' END,
	'etc', jsonb_build_object('age', 1 + n % 10, 'goes_to', jsonb_build_object('heaven', n % 3 > 0 OR n % 4 > 0)))))
FROM generate_series(1, 100) AS n;
-- stash.ld: a list of flat objects
SELECT * FROM stash.assemble_json('animals') LIMIT 3;
SELECT * FROM stash.columns('animals');
-- stash.df: a table
SELECT stash.create_view('animals', 'animals_df', metadata => '{_key}');
SELECT * FROM animals_df ORDER BY length(_key), _key LIMIT 5;
SELECT name, goodness, count(*), round(avg("etc.age"), 2) AS age, bool_or("etc.goes_to.heaven") AS heaven
FROM animals_df GROUP BY 1, 2 ORDER BY 1, 2;

-- all versions of a key that is an object, with metadata
SELECT stash.create('append_stash', keep_versions => 0);
SELECT stash.put('append_stash', '{"name": "cat"}'::jsonb, '{"goodness": "good"}'::jsonb);
SELECT stash.put('append_stash', '{"name": "cat"}'::jsonb, '{"goodness": "bad"}'::jsonb);
SELECT stash.get('append_stash', '{"name": "cat"}'::jsonb);
SELECT version, value FROM stash.versions('append_stash', '{"name": "cat"}'::jsonb) ORDER BY version;
SELECT _version, _created_at <= clock_timestamp() AS has_time, name, goodness
FROM stash.assemble('append_stash', prefix => '') AS t(_version int, _created_at timestamptz, name text, goodness text);
SELECT * FROM stash.assemble_json('append_stash', prefix => '');
SELECT stash.create_view('append_stash', 'append_df', prefix => '', metadata => '{_version,_created_at}');
SELECT _version, name, goodness FROM append_df ORDER BY _version;

-- a function's stash: arguments and results
CREATE FUNCTION judge(name text, goodness text) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT jsonb_build_object('random', length(name || goodness) / 10.0, 'etc', jsonb_build_object('heaven', name = 'dog' OR goodness = 'good'))
$$;
SELECT stash.memoize('judge(text,text)');
SELECT judge(n, g) FROM (VALUES ('cat', 'good'), ('cat', 'bad'), ('dog', 'bad')) AS v(n, g);
SELECT * FROM stash.columns(function => 'judge(text,text)');
SELECT * FROM stash.assemble(function => 'judge(text,text)') AS t(name text, goodness text, random numeric, "etc.heaven" bool)
ORDER BY name, goodness;
SELECT stash.create_view(view => 'judged', function => 'judge(text,text)', prefix => 'arg_');
SELECT * FROM judged ORDER BY arg_name, arg_goodness;

-- on to tables and files
CREATE TABLE animals_table AS SELECT * FROM animals_df;
SELECT count(*), sum("etc.age") FROM animals_table;
COPY (SELECT * FROM animals_df WHERE _key = 'Animal 7') TO STDOUT;
COPY (SELECT * FROM judged WHERE arg_name = 'dog') TO STDOUT (FORMAT csv, HEADER);
SELECT (stash.to_jsonl('SELECT * FROM animals_df WHERE _key IN (''Animal 7'', ''Animal 8'') ORDER BY 1')).data;

DROP VIEW animals_df, append_df, judged;
DROP TABLE animals_table;
SELECT stash.drop('animals'), stash.drop('append_stash');
SELECT stash.unmemoize('judge(text,text)');
DROP FUNCTION judge;
