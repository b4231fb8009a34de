-- Different values have different hashes: 1,000,000 random ones of 32 types, and pairs that are nearly the same.
--
-- What is different is not for us to say: record_send() of the server, the type's OID and the value's bytes, says it.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET work_mem = '200MB';

CREATE TYPE pair AS (a int, b text);
CREATE TYPE twin AS (a int, b text);
CREATE TYPE renamed AS (a int, c text);
CREATE TYPE wider AS (a int8, b text);
CREATE TYPE forwards AS (x int, y int);
CREATE TYPE backwards AS (y int, x int);
CREATE DOMAIN number AS int CHECK (value > 0);
CREATE DOMAIN numbers AS int[];
CREATE DOMAIN second AS number CHECK (value < 100000);
DO $$
DECLARE
	labels text := (SELECT string_agg(format('%L', 'label ' || n), ',') FROM generate_series(1, 200) n);
BEGIN
	EXECUTE format('CREATE TYPE mood AS ENUM (%1$s); CREATE TYPE temper AS ENUM (%1$s)', labels);
END $$;

SELECT plan(12);

-- Random values: n is a small number or any, so that one number comes in many types; t is a text of it.
CREATE TEMP TABLE recipe (what text PRIMARY KEY, made text);
INSERT INTO recipe VALUES
	('int2', '(n % 32768)::int2'), ('int4', '(n % 2147483647)::int4'), ('int8', 'n'), ('oid', '(n % 4294967295)::oid'),
	('float4', 'n::float4 / 7'), ('float8', 'n / 7.0::float8'), ('numeric', 'round(n / 7.0, (n % 20)::int)'), ('money', '(n % 1000000000000)::money'),
	('text', 't'), ('varchar', 't::varchar'), ('bpchar', 'rpad(t, (n % 50)::int)::bpchar'), ('name', 't::name'), ('bytea', 'decode(md5(t), ''hex'')'),
	('uuid', 'md5(t)::uuid'), ('date', '''2000-01-01''::date + (n % 100000)::int'), ('timestamp', '''2000-01-01''::timestamp + (n % 1000000000000 || '' us'')::interval'),
	('timestamptz', '''2000-01-01 00:00+00''::timestamptz + (n % 1000000000000 || '' us'')::interval'), ('time', 'make_time(0, 0, 0) + (n % 86400000000 || '' us'')::interval'),
	('interval', 'make_interval(days => (n % 100000)::int, secs => n % 1000 / 1000.0)'), ('inet', '''0.0.0.0''::inet + n % 4294967295'),
	('macaddr8', 'left(md5(t), 16)::macaddr8'), ('varbit', 'n::bit(64)::varbit'), ('json', 'to_json(t)'), ('jsonb', 'jsonb_build_object(t, n)'),
	('point', 'point(n, n / 7.0)'), ('int8[]', 'ARRAY[n, NULL, n % 7]'), ('text[]', 'ARRAY[left(t, (n % 5)::int), substr(t, (n % 5)::int + 1)]'),
	('float8[]', 'ARRAY[[n::float8], [n / 7.0]]'), ('row', 'ROW(n, t)'), ('named row', 'ROW(n % 2147483647, t)::pair'), ('int8range', 'int8range(n / 2, n)'),
	('nummultirange', 'nummultirange(numrange(n, n + 1), numrange(n * 2.0, NULL))');
CREATE TEMP TABLE random_value (what text, bits bytea, hash uuid, hash64 bigint);
SELECT setseed(0.42);
DO $$
DECLARE
	r recipe;
BEGIN
	FOR r IN SELECT * FROM recipe ORDER BY what LOOP
		EXECUTE format('INSERT INTO random_value SELECT %L, record_send(ROW(v)), stash.hash(v), stash.hash64(v) FROM ('
			'SELECT (%s) AS v FROM (SELECT n, n::text || chr(97 + (n %% 26)::int) AS t FROM ('
			'SELECT CASE WHEN i < 10000 THEN i ELSE (random() * 9e18)::int8 END AS n FROM generate_series(1, 34000) i) x) y) z', r.what, r.made);
	END LOOP;
END $$;
CREATE TEMP TABLE total AS
SELECT count(DISTINCT what) AS types, count(DISTINCT bits) AS different, count(DISTINCT hash) AS hashes, count(DISTINCT hash64) AS hashes64 FROM random_value;
SELECT cmp_ok(types, '>=', 20::bigint, 'random values of many types') FROM total;
SELECT cmp_ok(different, '>=', 1000000::bigint, 'a million of them are different') FROM total;
SELECT is(hashes, different, 'no two have one hash') FROM total;
SELECT is(hashes64, different, 'nor one hash64') FROM total;
SELECT is((SELECT count(DISTINCT (bits, hash, hash64)) FROM random_value), different, 'and the same value has always the same') FROM total;

-- Nearly the same: for n from 1 to 100, with t and u as texts of it.
CREATE TEMP TABLE near (what text PRIMARY KEY, a text, b text);
INSERT INTO near VALUES
	-- moved boundaries
	('fields', 'ROW(left(t, 1), substr(t, 2))', 'ROW(left(t, 2), substr(t, 3))'),
	('fields of a type', 'ROW(n, t || n)::pair', 'ROW(n * 10 + 1, t || n)::pair'),
	('elements', 'ARRAY[left(t, 1), substr(t, 2)]', 'ARRAY[left(t, 2), substr(t, 3)]'),
	('an empty element', 'ARRAY[t, '''']', 'ARRAY['''', t]'),
	('elements of bytea', 'ARRAY[left(t, 1)::bytea, substr(t, 2)::bytea]', 'ARRAY[left(t, 2)::bytea, substr(t, 3)::bytea]'),
	('elements of jsonb', 'jsonb_build_array(left(t, 1), substr(t, 2))', 'jsonb_build_array(left(t, 2), substr(t, 3))'),
	('a key of jsonb', 'jsonb_build_object(left(t, 1), substr(t, 2))', 'jsonb_build_object(left(t, 2), substr(t, 3))'),
	('fields in fields', 'ROW(ROW(t, u), n)', 'ROW(t, ROW(u, n))'),
	('rows in arrays', 'ARRAY[ROW(n, t), ROW(n, u)]::pair[]', 'ARRAY[ROW(n, t || u), ROW(n, '''')]::pair[]'),
	('a length as content', 'ROW(t, u)', 'ROW(t || chr(length(u)) || u, ''''::text)'),
	('a length as content of an element', 'ARRAY[t, u]', 'ARRAY[t || chr(length(u)) || u]'),
	('words', 'to_tsvector(''simple'', t || '' '' || u)', 'to_tsvector(''simple'', t || u)'),
	('bounds', 'numrange(n, n * 100 + 1)', 'numrange(n * 10, n * 100 + 1)'),
	-- NULL and nothing
	('null and empty', 'ROW(NULL::text, t)', 'ROW(''''::text, t)'),
	('null element and empty', 'ARRAY[NULL, t]', 'ARRAY['''', t]'),
	('null element and text', 'ARRAY[NULL, t]', 'ARRAY[''NULL'', t]'),
	('null element and zero', 'ARRAY[n, NULL]', 'ARRAY[n, 0]'),
	('null field and zero', 'ROW(n, NULL::int)', 'ROW(n, 0)'),
	('null first and second', 'ROW(NULL::text, t, t)', 'ROW(t, NULL::text, t)'),
	('null second and third', 'ROW(t, NULL::text, t)', 'ROW(t, t, NULL::text)'),
	('null element first and second', 'ARRAY[NULL, n, n]', 'ARRAY[n, NULL, n]'),
	('a null more', 'array_fill(NULL::int, ARRAY[n])', 'array_fill(NULL::int, ARRAY[n + 1])'),
	('a null field more', 'ROW(n, t)', 'ROW(n, t, NULL::text)'),
	('nulls of types', 'ROW(n, NULL::int)', 'ROW(n, NULL::int8)'),
	('null and empty array', 'ROW(n, NULL::int[])', 'ROW(n, ''{}''::int[])'),
	('empty array and that of a null', 'ROW(n, ''{}''::int[])', 'ROW(n, ''{NULL}''::int[])'),
	('empty arrays', 'ROW(n, ''{}''::int[])', 'ROW(n, ''{}''::int8[])'),
	('null row and row of nulls', 'ARRAY[ROW(n, t), NULL]::pair[]', 'ARRAY[ROW(n, t), ROW(NULL, NULL)]::pair[]'),
	('jsonb null and none', 'jsonb_build_object(''a'', n, ''b'', NULL)', 'jsonb_build_object(''a'', n)'),
	('jsonb null and text', 'jsonb_build_array(n, NULL)', 'jsonb_build_array(n, ''null''::text)'),
	('empty range and none', 'ROW(n, ''empty''::int4range)', 'ROW(n, NULL::int4range)'),
	('empty range and all', 'ROW(n, ''empty''::int4range)', 'ROW(n, ''(,)''::int4range)'),
	-- nested and flat
	('nested row', 'ROW(ROW(n, t))', 'ROW(n, t)'),
	('nested left and right', 'ROW(ROW(n), n)', 'ROW(n, ROW(n))'),
	('row of one', 'n', 'ROW(n)'),
	('row of row of one', 'ROW(n)', 'ROW(ROW(n))'),
	('array of one', 'n', 'ARRAY[n]'),
	('row and array', 'ROW(n, n)', 'ARRAY[n, n]'),
	('rows of arrays', 'ROW(ARRAY[n], ARRAY[t])', 'ARRAY[ROW(n, t)]::pair[]'),
	('array and array of arrays', 'ARRAY[n, n + 1]', 'ARRAY[[n, n + 1]]'),
	('jsonb array of array', 'jsonb_build_array(n, n)', 'jsonb_build_array(jsonb_build_array(n, n))'),
	('jsonb number and array', 'to_jsonb(n)', 'jsonb_build_array(n)'),
	-- shapes
	('lines and columns', 'ARRAY[[n], [n + 1]]', 'ARRAY[[n, n + 1]]'),
	('two by two and one by four', 'ARRAY[[n, n], [n, n]]', 'ARRAY[[n, n, n, n]]'),
	('by three', 'array_fill(n, ARRAY[2, 3])', 'array_fill(n, ARRAY[3, 2])'),
	('lower bound', '(''[0:0]={'' || n || ''}'')::int[]', 'ARRAY[n]'),
	('large lower bound', 'array_fill(1, ARRAY[2], ARRAY[n])', 'array_fill(1, ARRAY[2], ARRAY[n + 256])'),
	('negative lower bound', 'array_fill(2, ARRAY[2], ARRAY[n])', 'array_fill(2, ARRAY[2], ARRAY[-n])'),
	('second lower bound', 'array_fill(t, ARRAY[1, 1], ARRAY[1, n + 1])', 'array_fill(t, ARRAY[1, 1], ARRAY[n + 1, 1])'),
	('order', 'ARRAY[n, n + 1000]', 'ARRAY[n + 1000, n]'),
	('a zero more', 'array_fill(0, ARRAY[n])', 'array_fill(0, ARRAY[n + 1])'),
	('a zero byte more', 'decode(repeat(''00'', n), ''hex'')', 'decode(repeat(''00'', n + 1), ''hex'')'),
	('a letter more', 'repeat(''a'', n * 11)', 'repeat(''a'', n * 11 + 1)'),
	('an element more', 'array_fill(''a''::text, ARRAY[n * 11])', 'array_fill(''a''::text, ARRAY[n * 11 + 1])'),
	('a bit of many', 'decode(repeat(md5(t), n), ''hex'')', 'set_bit(decode(repeat(md5(t), n), ''hex''), n * 128 - 1, 1 - get_bit(decode(repeat(md5(t), n), ''hex''), n * 128 - 1))'),
	('a letter of many', 'repeat(t, n * 9)', 'overlay(repeat(t, n * 9) PLACING ''!'' FROM n * 9)'),
	-- one number in many types
	('int2 and int4', 'n::int2', 'n'), ('int4 and int8', 'n', 'n::int8'), ('int8 and numeric', 'n::int8', 'n::numeric'), ('int4 and oid', 'n', 'n::oid'),
	('int4 and float4', 'n', 'n::float4'), ('float4 and float8', 'n::float4', 'n::float8'), ('float8 and numeric', 'n::float8', 'n::numeric'),
	('int8 and money', 'n::int8', 'n::money'), ('oid and xid', 'n::oid', 'n::text::xid'), ('xid and cid', 'n::text::xid', 'n::text::cid'),
	('int8 and xid8', 'n::int8', 'n::text::xid8'), ('int8 and pg_lsn', 'n::int8', '''0/0''::pg_lsn + n'), ('oid and regtype', 'n::oid', '(n + 1000000)::oid::regtype'),
	('int4 and text', 'n', 'n::text'), ('int4 and jsonb', 'n', 'to_jsonb(n)'), ('int4 and bit', 'n', 'n::bit(32)'), ('bool and int4', 'ROW(n, true)', 'ROW(n, 1)'),
	('int2[] and int4[]', 'ARRAY[n::int2]', 'ARRAY[n]'), ('int4[] and int8[]', 'ARRAY[n, n + 2]', 'ARRAY[n, n + 2]::int8[]'), ('int4[] and oid[]', 'ARRAY[n, n + 3]', 'ARRAY[n, n + 3]::oid[]'),
	('two int4 and one int8', 'ARRAY[n, 0]', 'ARRAY[n::int8]'), ('int2vector', '(''1 '' || n)::int2vector', '(''[0:1]={1,'' || n || ''}'')::int2[]'),
	('oidvector', '(''1 '' || n)::oidvector', '(''[0:1]={1,'' || n || ''}'')::oid[]'), ('sign', 'n', '-n'), ('sign of float8', 'n::float8', '-n::float8'),
	-- one text in many types
	('text and varchar', 't', 't::varchar'), ('text and char', 't', 't::bpchar'), ('varchar and char', 't::varchar', 't::bpchar'), ('text and name', 't', 't::name'),
	('text and bytea', 't', 't::bytea'), ('text and json', 'to_json(t)::text', 'to_json(t)'), ('json and jsonb', 'to_json(t)', 'to_jsonb(t)'), ('text and jsonb', 'to_json(t)::text', 'to_jsonb(t)'),
	('text and xml', 't', 't::xml'), ('text and jsonpath', '''$.'' || t', '(''$.'' || t)::jsonpath'), ('tsvector and tsquery', 't::tsvector', 't::tsquery'),
	('text and refcursor', 't', 't::refcursor'), ('uuid and text', 'md5(t)::uuid', 'md5(t)::uuid::text'), ('uuid and bytea', 'md5(t)::uuid', 'decode(md5(t), ''hex'')'),
	('text[] and name[]', 'ARRAY[t]', 'ARRAY[t::name]'), ('text and variant', 't', 'stash.to_variant(t)'), ('number and its variant', 'n', 'stash.to_variant(n)'),
	('padded char', 't::char(40)', 't::char(41)'), ('blank behind', 't', 't || '' '''), ('letter case', 't', 'upper(t)'), ('composed', 't || U&''\00e9''', 't || U&''e\0301'''),
	-- what operators call equal
	('scale', '(n || ''.0'')::numeric', '(n || ''.00'')::numeric'), ('scale of nothing', 'n::numeric', '(n || ''.0'')::numeric'), ('scale in an array', 'ARRAY[(n || ''.5'')::numeric]', 'ARRAY[(n || ''.50'')::numeric]'),
	('scale in jsonb', '(''['' || n || '']'')::jsonb', '(''['' || n || ''.0]'')::jsonb'), ('scale in a range', 'numrange(n, NULL)', 'numrange((n || ''.0'')::numeric, NULL)'),
	('negative zero', 'ARRAY[n, ''-0''::float8]', 'ARRAY[n, ''0''::float8]'), ('negative zero float4', 'ROW(n, ''-0''::float4)', 'ROW(n, ''0''::float4)'), ('negative zero in a point', 'point(n, 0)', 'point(n, ''-0'')'),
	('next float8', '(n / 3.0)::float8', '(n / 3.0)::float8 * (1 + 2.220446049250313e-16)'), ('months', 'make_interval(months => n)', 'make_interval(days => 30 * n)'),
	('days', 'make_interval(days => n)', 'make_interval(hours => 24 * n)'), ('zones', '''12:00+00''::timetz + make_interval(mins => n)', '''13:00+01''::timetz + make_interval(mins => n)'),
	('json blanks', '(''['' || n || '']'')::json', '(''[ '' || n || '']'')::json'), ('jsonb number and text', 'jsonb_build_array(n)', 'jsonb_build_array(n::text)'),
	('jsonb object and array', 'jsonb_build_object(''a'', n)', 'jsonb_build_array(''a'', n)'), ('jsonb empty', 'jsonb_build_array(n, ''{}''::jsonb)', 'jsonb_build_array(n, ''[]''::jsonb)'),
	-- dates, networks, bits, shapes
	('date and timestamp', '''2020-01-01''::date + n', '''2020-01-01''::timestamp + make_interval(days => n)'),
	('timestamp and timestamptz', '''2020-01-01''::timestamp + make_interval(days => n)', '''2020-01-01 00:00+00''::timestamptz + make_interval(days => n)'),
	('a microsecond', '''2020-01-01''::timestamp + make_interval(days => n, secs => 0.000001)', '''2020-01-01''::timestamp + make_interval(days => n, secs => 0.000002)'),
	('time and interval', 'make_time(n % 24, n % 60, n % 60)', 'make_time(n % 24, n % 60, n % 60)::interval'), ('time and timetz', 'make_time(n % 24, n % 60, n % 60)', '(make_time(n % 24, n % 60, n % 60) || ''+00'')::timetz'),
	('inet and cidr', '(''10.0.0.'' || n)::inet', '(''10.0.0.'' || n)::cidr'), ('masks', '(''10.0.0.'' || n || ''/24'')::inet', '(''10.0.0.'' || n || ''/25'')::inet'),
	('families', '(''1.2.3.'' || n)::inet', '(''::ffff:1.2.3.'' || n)::inet'), ('macaddr', '(''08:00:2b:01:02:'' || lpad(to_hex(n), 2, ''0''))::macaddr', '(''08:00:2b:01:02:'' || lpad(to_hex(n), 2, ''0''))::macaddr::macaddr8'),
	('bit and varbit', '(n * 4)::bit(32)', '(n * 4)::bit(32)::varbit'), ('a bit more', '(n * 4)::bit(32)', '(n * 4)::bit(32) || B''0'''), ('bits of a byte', 'repeat(''0'', n)::varbit', 'repeat(''0'', n + 1)::varbit'),
	('lseg and box', 'lseg(point(n, n), point(0, 0))', 'box(point(n, n), point(0, 0))'), ('open path', '(''[(1,2),(3,'' || n || '')]'')::path', '(''((1,2),(3,'' || n || ''))'')::path'),
	('path and polygon', '(''((1,2),(3,'' || n || ''))'')::path', '(''((1,2),(3,'' || n || ''))'')::polygon'), ('points', 'ARRAY[point(1, 2), point(3, n)]', '(''((1,2),(3,'' || n || ''))'')::polygon'),
	('circle and line', '(''<('' || n || '',2),3>'')::circle', '(''{'' || n || '',2,3}'')::line'), ('weight', '(t || '':1A'')::tsvector', '(t || '':1B'')::tsvector'), ('place', '(t || '':1'')::tsvector', '(t || '':2'')::tsvector'),
	('operator', '(t || '' & b'')::tsquery', '(t || '' | b'')::tsquery'),
	-- ranges
	('upper inclusive', 'numrange(n, n + 1, ''[]'')', 'numrange(n, n + 1, ''[)'')'), ('lower inclusive', 'numrange(n, n + 1, ''()'')', 'numrange(n, n + 1, ''[)'')'), ('both', 'numrange(n, n + 1, ''(]'')', 'numrange(n, n + 1, ''[)'')'),
	('to and from', 'numrange(n, NULL)', 'numrange(NULL, n)'), ('no bound and infinity', 'numrange(n, NULL)', 'numrange(n, ''Infinity'')'), ('int4range and int8range', 'int4range(n, n + 1)', 'int8range(n, n + 1)'),
	('range and multirange', 'int4range(n, n + 1)', 'int4multirange(int4range(n, n + 1))'), ('range and row', 'numrange(n, n + 1)', 'ROW(n::numeric, (n + 1)::numeric)'), ('range and array', 'numrange(n, n + 1)', 'ARRAY[n, n + 1]::numeric[]'),
	('one range and two', 'nummultirange(numrange(n, n + 3))', 'nummultirange(numrange(n, n + 1), numrange(n + 2, n + 3))'),
	('daterange and tsrange', 'daterange(''2020-01-01''::date + n, NULL)', 'tsrange(''2020-01-01''::date + n, NULL)'), ('tsrange and tstzrange', 'tsrange(''2020-01-01''::date + n, NULL)', 'tstzrange(''2020-01-01''::date + n, NULL)'),
	-- types made here
	('another column name', 'ROW(n, t)::pair', 'ROW(n, t)::renamed'), ('no column names', 'ROW(n, t)::pair', 'ROW(n, t)'), ('another column type', 'ROW(n, t)::pair', 'ROW(n, t)::wider'), ('columns changed about', 'ROW(n, n)::forwards', 'ROW(n, n)::backwards'),
	('array of rows and row', 'ROW(n, t)::pair', 'ARRAY[ROW(n, t)]::pair[]'), ('rows of other types', 'ARRAY[ROW(n, t)]::pair[]', 'ARRAY[ROW(n, t)]::renamed[]'), ('row and text', 'ROW(n, t)::pair', 'ROW(n, t)::pair::text'),
	('enum of another name', '(''label '' || n)::mood', '(''label '' || n)::temper'), ('enum and text', '(''label '' || n)::mood', '''label '' || n'), ('next label', '(''label '' || n)::mood', '(''label '' || n + 100)::mood'),
	('arrays of enums', 'ARRAY[(''label '' || n)::mood]', 'ARRAY[(''label '' || n)::temper]');

CREATE TEMP TABLE near_value (what text, n int, is_first bool, bits bytea, hash uuid, hash64 bigint, sampled uuid);
DO $$
DECLARE
	r near;
BEGIN
	FOR r IN SELECT * FROM near ORDER BY what LOOP
		EXECUTE format('INSERT INTO near_value SELECT %L, n, f, bits, hash, hash64, sampled FROM ('
			'SELECT n, chr(97 + n %% 26) || n || ''xyz'' AS t, chr(97 + n %% 26) || ''uv'' || n AS u FROM generate_series(1, 100) n) x, '
			'LATERAL (SELECT true, record_send(ROW(v)), stash.hash(v), stash.hash64(v), stash.hash_sampled(v) FROM (SELECT %s) y(v) UNION ALL '
			'SELECT false, record_send(ROW(v)), stash.hash(v), stash.hash64(v), stash.hash_sampled(v) FROM (SELECT %s) y(v)) z(f, bits, hash, hash64, sampled)', r.what, r.a, r.b);
	END LOOP;
END $$;
CREATE TEMP VIEW near_pair AS
SELECT a.what, a.n, a.bits <> b.bits AS differ, a.hash <> b.hash AS hashes, a.hash64 <> b.hash64 AS hashes64, a.sampled <> b.sampled AS sampled
FROM near_value a JOIN near_value b USING (what, n) WHERE a.is_first AND NOT b.is_first;
SELECT cmp_ok((SELECT count(*) FROM near_pair), '>=', 10000::bigint, '10,000 pairs that are nearly the same');
SELECT is((SELECT array_agg(DISTINCT what) FROM near_pair WHERE NOT differ), NULL, 'are two values each');
SELECT is((SELECT array_agg(DISTINCT what) FROM near_pair WHERE NOT hashes), NULL, 'with two hashes');
SELECT is((SELECT array_agg(DISTINCT what) FROM near_pair WHERE NOT hashes64), NULL, 'and two hash64');
SELECT is((SELECT array_agg(DISTINCT what) FROM near_pair WHERE NOT sampled), NULL, 'and two sampled hashes, for they are small');
SELECT is((SELECT array[count(DISTINCT hash), count(DISTINCT hash64)] FROM near_value), (SELECT array[count(DISTINCT bits), count(DISTINCT bits)] FROM near_value), 'nor has a value that of one of another pair');

-- What is the same value.
CREATE TEMP TABLE same (what text PRIMARY KEY, a text, b text);
INSERT INTO same VALUES
	('varchar of a length', 't::varchar', 't::varchar(50)'), ('numeric of a scale', '(n || ''.50'')::numeric', '(n + 0.5)::numeric(9,2)'), ('domain', 'n', 'n::number'), ('domain of a domain', 'n', 'n::second'),
	('array of a domain', 'ARRAY[n]', 'ARRAY[n]::number[]'), ('domain of an array', 'ARRAY[n]', 'ARRAY[n]::numbers'), ('domain in a row', 'ROW(n, t)', 'ROW(n::number, t)'), ('name of a row', 'ROW(n, t)::pair', 'ROW(n, t)::twin'),
	('no name of a row', '(SELECT x FROM (SELECT n AS a, t AS b) x)', 'ROW(n, t)::pair'), ('name of a row in an array', 'ARRAY[ROW(n, t)]::pair[]', 'ARRAY[ROW(n, t)]::twin[]'), ('keys of jsonb', 'jsonb_build_object(''a'', n, ''b'', t)', '(''{"b":"'' || t || ''","a":'' || n || ''}'')::jsonb'),
	('forms of a range', 'int4range(n, n + 1, ''[]'')', 'int4range(n, n + 2, ''[)'')'), ('parts of a multirange', 'int4multirange(int4range(n, n + 3))', 'int4multirange(int4range(n, n + 2), int4range(n + 1, n + 3))'),
	('zone of a timestamptz', '''2020-01-01 12:00+00''::timestamptz + make_interval(mins => n)', '''2020-01-01 17:30+05:30''::timestamptz + make_interval(mins => n)'), ('bitmap without a null', 'ARRAY[n]', '(ARRAY[n, NULL])[1:1]');
CREATE TEMP TABLE other (what text, n int);
DO $$
DECLARE
	r same;
BEGIN
	FOR r IN SELECT * FROM same ORDER BY what LOOP
		EXECUTE format('INSERT INTO other SELECT %L, n FROM (SELECT n, chr(97 + n %% 26) || n || ''xyz'' AS t FROM generate_series(1, 100) n) x, LATERAL (SELECT (%s), (%s)) y(a, b) '
			'WHERE (stash.hash(a), stash.hash64(a), stash.hash_sampled(a)) IS DISTINCT FROM (stash.hash(b), stash.hash64(b), stash.hash_sampled(b))', r.what, r.a, r.b);
	END LOOP;
END $$;
SELECT is((SELECT array_agg(DISTINCT what) FROM other), NULL, 'what is the same value has the same hashes');

SELECT * FROM finish();
