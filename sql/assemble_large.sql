-- Large results of memoized sets, which are kept in parts: assembled they are rows as those of any other.
\set SHOW_CONTEXT never
CREATE FUNCTION numbers(many int) RETURNS TABLE (i int, line text) IMMUTABLE LANGUAGE sql
	AS $$ SELECT g, CASE WHEN g % 7 > 0 THEN md5(g::text) END FROM generate_series(1, many) g $$;
SELECT stash.memoize('numbers(int)');
SELECT count(*) FROM numbers(0);
SELECT count(*) FROM numbers(100);
SELECT count(*) FROM numbers(100000);
SELECT count(*) FILTER (WHERE version > 0) AS entries, count(*) FILTER (WHERE version < 0) > 2 AS has_parts FROM numbers_stash;

-- all rows, in their order, with what the entry has of its own
SELECT many, _version, count(*), bool_and(i = place) AS in_order
FROM (SELECT *, row_number() OVER (PARTITION BY many ORDER BY at) AS place
	FROM ROWS FROM (stash.assemble(function => 'numbers(int)') AS (many int, i int, line text, _version int, _key_hash uuid))
	WITH ORDINALITY AS t(many, i, line, _version, _key_hash, at)) AS t
GROUP BY many, _version ORDER BY many;
SELECT count(*) FROM (SELECT i, line FROM stash.assemble(function => 'numbers(int)') AS t(many int, i int, line text) WHERE many = 100000
	EXCEPT ALL SELECT i, line FROM numbers_uncached(100000)) AS t;
SELECT count(*), count(DISTINCT value) FROM stash.assemble_json('numbers_stash') AS value;
SELECT name, type, nulls FROM stash.columns(function => 'numbers(int)');
SELECT name, type, nulls FROM stash.columns('numbers_stash', explode => 'line');
SELECT stash.create_view(view => 'all_numbers', function => 'numbers(int)', metadata => '{_key_hash}');
SELECT many, count(*), sum(i), count(line) FROM all_numbers GROUP BY many ORDER BY many;
SELECT count(*), min(many) FROM all_numbers WHERE many = 100000 AND i % 1000 = 1;
SELECT count(*) FROM all_numbers AS n WHERE _key_hash = (SELECT key_hash FROM numbers_stash WHERE version > 0 ORDER BY created_at DESC LIMIT 1);
SELECT * FROM stash.refresh_view('all_numbers');
-- where an entry is there twice, it counts once
INSERT INTO numbers_stash SELECT key_hash, key, value, version, created_at - interval '1 day' FROM numbers_stash WHERE version > 0;
SELECT many, count(*) FROM stash.assemble(function => 'numbers(int)') AS t(many int) GROUP BY many ORDER BY many;
SELECT many, count(*) FROM all_numbers GROUP BY many ORDER BY many;

-- the entry's value alone is none of its rows; nor are these those of a stash that it is merged into
SELECT args, count(*) FROM stash.calls('numbers(int)'), stash.elements(result) WHERE args::jsonb = '{"many": 100}' GROUP BY args;
SELECT count(*) FROM stash.calls('numbers(int)'), stash.elements(result);
\echo :SQLSTATE
SELECT stash.create('target');
SELECT stash.merge('target', 'numbers_stash');
\echo :SQLSTATE
SELECT stash.count('target');

-- a part is missing
DELETE FROM numbers_stash WHERE version = -2;
SELECT count(*) FROM stash.assemble(function => 'numbers(int)') AS t(many int);
\echo :SQLSTATE
SELECT count(*) FROM stash.columns('numbers_stash');
SELECT count(*) FROM all_numbers;
SELECT count(*) FROM all_numbers WHERE many = 100;
SELECT stash.forget('numbers(int)', 100000);
SELECT count(*) FROM all_numbers;
SELECT stash.merge('target', 'numbers_stash'), stash.count('target');

DROP VIEW all_numbers;
SELECT stash.unmemoize('numbers(int)'), stash.drop('target');
DROP FUNCTION numbers;
