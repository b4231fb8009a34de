-- A stash is a dictionary for keys of every kind: each method, as Python's does, on a key, a NULL of its type and another key.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;
SELECT plan(29);

CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE pair AS (name text, feels mood);
CREATE DOMAIN even AS int CHECK (value % 2 = 0);
SELECT stash.create('d'), stash.create('other'), stash.create('history', keep_versions => 0);

-- the first step that does not do what the dictionary would, or ''; each is a statement with a snapshot of its own
CREATE FUNCTION dictionary(key anyelement, another anyelement) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM stash.clear('d'), stash.clear('other'), stash.clear('history');
	CASE
	-- k in s; s.get(k)
	WHEN stash.has('d', key) OR stash.get('d', key) IS NOT NULL THEN RETURN 'empty: has, get';
	-- del s[k], s.pop(k, None) of nothing
	WHEN stash.remove('d', key) OR stash.pop('d', key) IS NOT NULL THEN RETURN 'empty: remove, pop';
	-- s[k] = v; s[k]
	WHEN stash.put('d', key, 'one'::text) <> 1 THEN RETURN 'put';
	WHEN stash.get('d', key, NULL::text) IS DISTINCT FROM 'one' THEN RETURN 'get';
	WHEN stash.has('d', another) THEN RETURN 'another key is there';
	-- s[k] = v again
	WHEN stash.put('d', key, ARRAY[2, NULL]) <> 2 THEN RETURN 'put again';
	WHEN stash.get('d', key, NULL::int[]) IS DISTINCT FROM ARRAY[2, NULL] THEN RETURN 'get again';
	-- s.setdefault(k, v)
	WHEN stash.value(stash.get_or_put('d', key, 3), NULL::int[]) IS DISTINCT FROM ARRAY[2, NULL] THEN RETURN 'get_or_put of what is there';
	WHEN stash.value(stash.get_or_put('d', another, 3), NULL::int) IS DISTINCT FROM 3 THEN RETURN 'get_or_put of what is not';
	-- len(s)
	WHEN stash.count('d') <> 2 THEN RETURN 'count';
	-- a NULL of the type is a key of its own
	WHEN key IS NOT NULL AND stash.put('d', CASE WHEN key IS NULL THEN key END, 'null'::text) <> 1 THEN RETURN 'put a NULL';
	WHEN key IS NOT NULL AND stash.get('d', CASE WHEN key IS NULL THEN key END, NULL::text) IS DISTINCT FROM 'null' THEN RETURN 'get a NULL';
	WHEN key IS NOT NULL AND NOT stash.remove('d', CASE WHEN key IS NULL THEN key END) THEN RETURN 'remove a NULL';
	-- s.keys(), s.values(), s.items()
	WHEN (SELECT count(*) FROM stash.keys('d') k WHERE stash.identical(k, stash.to_variant(key))) <> 1 THEN RETURN 'keys';
	WHEN (SELECT count(*) FROM stash.keys('d')) <> 2 THEN RETURN 'number of keys';
	WHEN (SELECT count(*) FROM stash.values('d') v WHERE stash.identical(v, stash.to_variant(ARRAY[2, NULL]))) <> 1 THEN RETURN 'values';
	WHEN (SELECT count(*) FROM stash.entries('d') e WHERE e.version = 2) <> 1 THEN RETURN 'entries';
	-- t.update(s)
	WHEN stash.put('other', key, 'old'::text) <> 1 OR stash.merge('other', 'd') <> 2 THEN RETURN 'merge';
	WHEN stash.get('other', key, NULL::int[]) IS DISTINCT FROM ARRAY[2, NULL] OR stash.get('other', another, NULL::int) IS DISTINCT FROM 3
		THEN RETURN 'get after merge';
	-- s.pop(k); del s[k]
	WHEN stash.value(stash.pop('d', key), NULL::int[]) IS DISTINCT FROM ARRAY[2, NULL] THEN RETURN 'pop';
	WHEN stash.has('d', key) THEN RETURN 'has after pop';
	WHEN stash.pop('other', another, NULL::int) IS DISTINCT FROM 3 THEN RETURN 'pop of a type';
	WHEN NOT stash.remove('d', another) OR stash.remove('d', another) THEN RETURN 'remove';
	WHEN stash.count('d') <> 0 THEN RETURN 'count after remove';
	-- s.update(zip(keys, values)); [s.get(k) for k in keys]
	WHEN stash.put_many('d', ARRAY[key, another, key], ARRAY['a', 'b', 'c']) NOT IN (2, 3) THEN RETURN 'put_many';
	WHEN (SELECT array_agg(stash.value(value, NULL::text) ORDER BY ord) FROM stash.get_many('d', ARRAY[another, key, another]))
		IS DISTINCT FROM ARRAY['b', 'c', 'b'] THEN RETURN 'get_many';
	-- s.clear()
	WHEN stash.clear('d') <> 2 THEN RETURN 'clear';
	WHEN stash.has('d', key) THEN RETURN 'has after clear';
	-- append mode: every value of a key
	WHEN stash.put('history', key, 'one'::text) <> 1 OR stash.put('history', key, 'two'::text) <> 2 THEN RETURN 'put of versions';
	WHEN (SELECT array_agg(stash.value(value, NULL::text) ORDER BY version) FROM stash.versions('history', key))
		IS DISTINCT FROM ARRAY['one', 'two'] THEN RETURN 'versions';
	WHEN stash.get('history', key, NULL::text) IS DISTINCT FROM 'two' OR stash.get('history', key, NULL::text, 1) IS DISTINCT FROM 'one'
		THEN RETURN 'get of a version';
	WHEN stash.pop('history', key, NULL::text) IS DISTINCT FROM 'two' THEN RETURN 'pop of versions';
	WHEN stash.has('history', key) THEN RETURN 'has after pop of versions';
	-- a value NULL is there
	WHEN stash.put('d', key, NULL::int) <> 1 THEN RETURN 'put of a value NULL';
	WHEN NOT stash.has('d', key) OR stash.get('d', key) IS NOT NULL THEN RETURN 'a value NULL';
	WHEN stash.get_or_put('d', key, 1) IS NOT NULL THEN RETURN 'get_or_put of a value NULL';
	ELSE RETURN '';
	END CASE;
END $$;

SELECT is(dictionary('cat'::text, 'dog'), '', 'text');
SELECT is(dictionary(''::text, ' '), '', 'empty text');
SELECT is(dictionary(NULL::text, ''), '', 'NULL');
SELECT is(dictionary('Größe ☃ 🦊'::text, 'Grosse'), '', 'unicode');
SELECT is(dictionary(repeat('0123456789', 1048576), repeat('0123456789', 1048575) || '012345678.'), '', '10 MB of text');
SELECT is(dictionary(1, 2), '', 'int4');
SELECT is(dictionary(1::bigint, -1::bigint), '', 'int8');
SELECT is(dictionary(1::smallint, 0::smallint), '', 'int2');
SELECT is(dictionary(1.0, 1.00), '', 'numeric');
SELECT is(dictionary('NaN'::float8, '-0'), '', 'float8');
SELECT is(dictionary(true, false), '', 'bool');
SELECT is(dictionary('\x00'::bytea, ''), '', 'bytea');
SELECT is(dictionary('infinity'::timestamptz, '4713-01-01 BC'), '', 'timestamptz');
SELECT is(dictionary('2020-02-29'::date, '2020-03-01'), '', 'date');
SELECT is(dictionary('1 mon'::interval, '30 days'), '', 'interval');
SELECT is(dictionary('11111111-1111-1111-1111-111111111111'::uuid, '11111111-1111-1111-1111-111111111112'), '', 'uuid');
SELECT is(dictionary('10.0.0.1'::inet, '10.0.0.1/24'), '', 'inet');
SELECT is(dictionary('{"a": [1, null]}'::jsonb, '{"a": [1]}'), '', 'jsonb');
SELECT is(dictionary('[1,5)'::int4range, 'empty'), '', 'range');
SELECT is(dictionary('{[1,2),[3,4)}'::int4multirange, '{}'), '', 'multirange');
SELECT is(dictionary('glad'::mood, 'sad'), '', 'enum');
SELECT is(dictionary(4::even, 2::even), '', 'domain');
SELECT is(dictionary(('Mia', 'glad')::pair, ('Mia', NULL)::pair), '', 'composite');
SELECT is(dictionary(stash.to_variant(1), stash.to_variant(1::bigint)), '', 'variant');

-- arrays cannot be elements of an array: the steps that need none
CREATE FUNCTION dictionary_of_arrays(key anyarray, another anyarray) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM stash.clear('d'), stash.clear('history');
	CASE
	WHEN stash.has('d', key) OR stash.get('d', key) IS NOT NULL THEN RETURN 'empty: has, get';
	WHEN stash.put('d', key, 'one'::text) <> 1 OR stash.put('d', key, 'two'::text) <> 2 THEN RETURN 'put';
	WHEN stash.get('d', key, NULL::text) IS DISTINCT FROM 'two' OR stash.has('d', another) THEN RETURN 'get';
	WHEN stash.value(stash.get_or_put('d', another, 3), NULL::int) IS DISTINCT FROM 3 THEN RETURN 'get_or_put';
	WHEN (SELECT count(*) FROM stash.keys('d') k WHERE stash.identical(k, stash.to_variant(key))) <> 1 THEN RETURN 'keys';
	WHEN stash.pop('d', key, NULL::text) IS DISTINCT FROM 'two' THEN RETURN 'pop';
	WHEN stash.has('d', key) THEN RETURN 'has after pop';
	WHEN NOT stash.remove('d', another) THEN RETURN 'remove';
	WHEN stash.count('d') <> 0 THEN RETURN 'count after remove';
	WHEN stash.put('history', key, 1) <> 1 OR stash.put('history', key, 2) <> 2 THEN RETURN 'put of versions';
	WHEN (SELECT count(*) FROM stash.versions('history', key)) <> 2 THEN RETURN 'versions';
	ELSE RETURN '';
	END CASE;
END $$;
SELECT is(dictionary_of_arrays('{1,NULL}'::int[], '{1}'), '', 'int4[]');
SELECT is(dictionary_of_arrays('{}'::int[], '{NULL}'), '', 'empty array');
SELECT is(dictionary_of_arrays('[0:1]={1,2}'::int[], '{1,2}'), '', 'array with other bounds');
SELECT is(dictionary_of_arrays('{{a,b},{c,NULL}}'::text[], '{a,b,c,NULL}'), '', 'text[][]');
SELECT is(dictionary_of_arrays(ARRAY[('Mia', 'glad')::pair], ARRAY[NULL::pair]), '', 'array of composites');

SELECT * FROM finish();
