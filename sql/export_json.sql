-- JSON Lines are, line by line, what row_to_json writes.

-- rows of a query that differ, and how many there are
CREATE FUNCTION pg_temp.compare(query text, OUT nrows bigint, OUT differing bigint, OUT first_difference text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($q$
		WITH want AS (
			SELECT row_number() OVER () AS n, row_to_json(q)::text AS line FROM (%s) q
		), got AS (
			SELECT row_number() OVER (ORDER BY c.chunk, l.ord) AS n, l.line
			FROM stash.to_jsonl(%L) c,
				string_to_table(rtrim(c.data, E'\n'), E'\n') WITH ORDINALITY l(line, ord)
		)
		SELECT count(*), count(*) FILTER (WHERE w.line IS DISTINCT FROM g.line),
			min(coalesce(w.line, 'nothing') || ' <> ' || coalesce(g.line, 'nothing'))
				FILTER (WHERE w.line IS DISTINCT FROM g.line)
		FROM want w FULL JOIN got g USING (n)$q$, query, query)
	INTO nrows, differing, first_difference;
END$$;
-- the comparison itself sees a difference: this query is another one each time
CREATE TEMP SEQUENCE ticks;
SELECT * FROM pg_temp.compare('SELECT nextval(''ticks'') AS tick');

-- trap 102: values
-- every type of the server that has a literal
CREATE TEMP TABLE sample (type text, literals text[]);
INSERT INTO sample VALUES
	('bool', '{t,f}'),
	('int2', '{0,-32768,32767}'),
	('int4', '{0,9,10,99,100,-1,-2147483648,2147483647}'),
	('int8', '{0,4294967295,4294967296,429496729700,-9223372036854775808,9223372036854775807}'),
	('float4', '{0,-0,1.5,1e-5,1e15,3.4028235e38,1.4e-45,NaN,Infinity,-Infinity}'),
	('float8', '{0,-0,1.5,0.1,0.30000000000000004,1e-4,0.000123,1e-5,999999999.999999,1e9,1e15,1e16,1.7976931348623157e308,5e-324,NaN,Infinity,-Infinity}'),
	('numeric', '{0,0.00,1,-1,1.50,0.0001,-0.00000000000000000001,10000,99999999,12345678901234567890.123456789,1e100,1e-100,NaN,Infinity,-Infinity}'),
	('numeric(12,2)', '{0,12345.6,-0.05}'),
	('money', '{0,-1234.56}'),
	('text', $${"","a","quote \" backslash \\ slash / tab \t","line\nfeed\rreturn\bback\ffeed",ünïcödé,"\u001f\u007f"}$$),
	('text', ARRAY[E'tab\tline\nfeed\rreturn\bback\fform', E'\x01\x1f\x7f', E'\u2028\U0001F600', repeat('seven"', 7)]),
	('varchar', '{"",abc,"  padded  "}'),
	('char(5)', '{"",abc,"a b  "}'),
	('"char"', '{a,"\"",""}'),
	('name', '{"",abc,"quo\"te"}'),
	('bytea', $${"","\\x00ff","\\xdeadbeef"}$$),
	('bit', '{0,1}'),
	('varbit', '{"",10110}'),
	('date', '{2000-01-01,1999-12-31,2024-02-29,1900-03-01,0001-01-01,9999-12-31,10000-01-01,"0001-12-31 BC","4714-11-24 BC",5874897-12-31,infinity,-infinity}'),
	('time', '{00:00,23:59:59.999999,24:00,12:34:56.7}'),
	('timetz', '{00:00+00,23:59:59.999999-15:59}'),
	('timestamp', '{2000-01-01,1999-12-31 23:59:59.999999,1969-12-31 23:59:59.5,2024-02-29 12:34:56.7,0001-01-01,9999-12-31 23:59:59.999999,10000-01-01,"4714-11-24 BC",294276-12-31,infinity,-infinity}'),
	('timestamptz', '{2000-01-01 00:00+00,1999-12-31 23:59:59.999999+00,1969-12-31 23:59:59.5+00,2024-07-01 12:34:56.7+00,1890-01-01 00:00+00,0001-01-01 00:00+00,0001-01-02 12:00+00,9999-12-30 12:00+00,9999-12-31 23:59:59.999999+00,"4714-11-24 00:00+00 BC",294276-12-31 00:00+00,infinity,-infinity}'),
	('interval', '{0,"1 year 2 mons -3 days 04:05:06.789","-1 mon"}'),
	('uuid', '{00000000-0000-0000-0000-000000000000,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,ffffffff-ffff-ffff-ffff-ffffffffffff}'),
	('inet', '{10.0.0.1/8,::1}'),
	('cidr', '{10.0.0.0/8}'),
	('macaddr', '{08:00:2b:01:02:03}'),
	('macaddr8', '{08:00:2b:01:02:03:04:05}'),
	('json', $${"{}","[1, 2.50 ]","\"a\\nb\"",null,"{\"a\" : {\"a\":1,\"a\":2}}"}$$),
	('jsonb', $${"{}","[]","[1, 2.50, -0.1e-5, 1e20]","\"a\\nb\\u001f\\\"\"",null,true,"{\"b\": {\"a\": [{}, [], [[]], \"x\"]}, \"a\": false, \"\": null}"}$$),
	('jsonpath', '{$.a[*] ? (@ > 1)}'),
	('tsvector', '{"a:1 ''b c'':2"}'),
	('tsquery', '{"a & !b"}'),
	('point', '{"1,2"}'),
	('line', '{"{1,2,3}"}'),
	('lseg', '{"1,2,3,4"}'),
	('box', '{"1,2,3,4"}'),
	('path', '{"((1,2),(3,4))","[(1,2),(3,4)]"}'),
	('polygon', '{"1,2,3,4,5,6"}'),
	('circle', '{"1,2,3"}'),
	('int4range', '{empty,"[1,5)","(,)"}'),
	('int8range', '{"[1,5)"}'),
	('numrange', '{"[1.50,5)"}'),
	('tsrange', '{"[2000-01-01,2001-01-01 12:00)"}'),
	('tstzrange', '{"[2000-01-01 00:00+00,2001-01-01 12:00+00)"}'),
	('daterange', '{"[2000-01-01,2001-01-01)"}'),
	('int4multirange', '{"{}","{[1,5),[7,9)}"}'),
	('int8multirange', '{"{[1,5)}"}'),
	('nummultirange', '{"{[1.50,5)}"}'),
	('tsmultirange', '{"{[2000-01-01,2001-01-01 12:00)}"}'),
	('tstzmultirange', '{"{[2000-01-01 00:00+00,2001-01-01 12:00+00)}"}'),
	('datemultirange', '{"{[2000-01-01,2001-01-01)}"}'),
	('oid', '{0,4294967295}'),
	('oidvector', '{"","1 2 3"}'),
	('int2vector', '{"","1 -2 3"}'),
	('tid', '{"(4,2)"}'),
	('xid', '{4294967295}'),
	('xid8', '{18446744073709551615}'),
	('cid', '{1}'),
	('pg_lsn', '{1/2A}'),
	('pg_snapshot', '{"10:20:10,14"}'),
	('txid_snapshot', '{"10:20:10,14,15"}'),
	('refcursor', '{abc}'),
	('aclitem', '{=r/postgres}'),
	('regclass', '{pg_class}'),
	('regcollation', '{"\"C\""}'),
	('regconfig', '{simple}'),
	('regdictionary', '{simple}'),
	('regnamespace', '{pg_catalog}'),
	('regoper', '{||/}'),
	('regoperator', '{"+(int4,int4)"}'),
	('regproc', '{now}'),
	('regprocedure', '{now()}'),
	('regrole', '{pg_read_all_data}'),
	('regtype', '{int4}');
UPDATE sample SET literals = ARRAY(SELECT replace(l, '=r/postgres', '=r/' || quote_ident(current_user)) FROM unnest(literals) l)
WHERE type = 'aclitem';

-- types that have no sample: those that accept no literal, and xml, which not every server does
SELECT typname FROM pg_type
WHERE oid < 6000 AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A'
	AND oid NOT IN (SELECT type::regtype FROM sample)
ORDER BY typname COLLATE "C";

-- each as a column, in an array, in an array of two dimensions, in a row
CREATE FUNCTION pg_temp.compare_samples() RETURNS TABLE (types bigint, nrows bigint, differing bigint, first_difference text)
LANGUAGE SQL AS $$
	SELECT count(DISTINCT type), sum(c.nrows), sum(c.differing), min(type || ': ' || c.first_difference)
	FROM sample, LATERAL pg_temp.compare(format(
		'SELECT v, ARRAY[v, NULL] AS a, ARRAY[[v, v], [NULL, v]] AS aa, ARRAY[[v], [v]] AS whole, ROW(v, NULL, ROW(v)) AS r, NULLIF(v::text, '''') IS NULL AS e
		FROM (SELECT unnest(%L::text[])::%s AS v) s', literals, type)) c;
$$;
SET TimeZone = 'UTC';
SELECT * FROM pg_temp.compare_samples();

-- settings that change the text of values
SET TimeZone = 'Europe/Amsterdam';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'escape';
SET extra_float_digits = 0;
SELECT * FROM pg_temp.compare_samples();
SET TimeZone = 'America/St_Johns';
SET DateStyle = 'German';
SET extra_float_digits = -10;
SELECT * FROM pg_temp.compare_samples();
RESET DateStyle;
RESET IntervalStyle;
RESET bytea_output;
RESET extra_float_digits;

-- some of it for the eye
SELECT data FROM stash.to_jsonl($$SELECT v FROM (VALUES (1.50), ('NaN'), (-0.00001), (1e20)) t(v)$$);
SELECT data FROM stash.to_jsonl($$SELECT v FROM (VALUES (float8 '0'), ('-0'), ('NaN'), ('-Infinity'), ('1e300'), ('0.1')) t(v)$$);
SELECT data FROM stash.to_jsonl($$SELECT v FROM (VALUES (timestamptz '2024-07-01 12:00+00'), ('1900-01-01 00:00+00'), ('infinity')) t(v)$$);
SELECT data FROM stash.to_jsonl($$SELECT date '0044-03-15 BC' AS ides, '{{1,NULL},{3,4}}'::int[] AS nums, '{}'::text[] AS none,
	'[5:6]={a,b}'::text[] AS bounds, ROW(1, 'x', NULL) AS row, true AS yes, NULL AS nothing$$);

-- values at random: numbers of every size and scale
SELECT setseed(0.5);
CREATE TEMP TABLE random_number AS
SELECT round(((random() - 0.5) * power(10, (random() * 40 - 20)))::numeric, (random() * 30)::int) AS n,
	(random() - 0.5) * power(10, random() * 600 - 300) AS f,
	round((random() * 1e6)::numeric, i % 8)::float8 AS short,
	((random() - 0.5) * power(10, random() * 60 - 30))::float4 AS f4,
	((random() - 0.5) * power(2, random() * 62))::bigint AS i
FROM generate_series(1, 5000) i;
SELECT * FROM pg_temp.compare('SELECT * FROM random_number');

-- strings of every length and alignment with each of the characters that matter
SELECT * FROM pg_temp.compare($$
	SELECT repeat('x', i) || chr(c) || repeat('y', j) AS t
	FROM generate_series(0, 17) i, generate_series(0, 17) j, unnest(ARRAY[1, 8, 10, 31, 32, 34, 92, 127, 233, 8232]) c$$);

-- days of ten thousand years, and hours around each change of several clocks
SELECT * FROM pg_temp.compare($$
	SELECT date '0001-01-01' + i * 97 AS d, (date '0001-01-01' + i * 97) + interval '1234.000567 seconds' * (i % 70) AS t
	FROM generate_series(0, 38000) i$$);
CREATE TEMP TABLE hours AS
SELECT timestamptz '1880-01-01 00:00+00' + interval '7.5 hours' * i + interval '1 microsecond' * (i % 3) AS t
FROM generate_series(0, 180000) i;
SET TimeZone = 'Europe/Amsterdam';
SELECT * FROM pg_temp.compare('SELECT t FROM hours');
SET TimeZone = 'Australia/Lord_Howe';
SELECT * FROM pg_temp.compare('SELECT t FROM hours ORDER BY t DESC');
SET TimeZone = 'Africa/Monrovia';
SELECT * FROM pg_temp.compare('SELECT t FROM hours ORDER BY hashtext(t::text)');
SET TimeZone = 'UTC';

-- the time zone may change while the query runs
CREATE FUNCTION pg_temp.in_zone(zone text, t timestamptz) RETURNS timestamptz
LANGUAGE SQL VOLATILE AS $$ SELECT t FROM set_config('TimeZone', zone, false) $$;
SELECT data FROM stash.to_jsonl($$
	SELECT pg_temp.in_zone(zone, '2024-07-01 12:00+00') AS t
	FROM unnest('{UTC,Asia/Kathmandu,America/Lima,UTC}'::text[]) zone$$);
RESET TimeZone;

-- types that users make
CREATE TYPE pg_temp.mood AS ENUM ('sad', 'so "so"', 'happy');
CREATE DOMAIN pg_temp.grade AS int CHECK (VALUE < 7);
CREATE DOMAIN pg_temp.moods AS pg_temp.mood[];
CREATE TYPE pg_temp.pet AS (name text, age int, moods pg_temp.moods, grades pg_temp.grade[]);
CREATE TYPE pg_temp.owner AS ("the pet" pg_temp.pet, pets pg_temp.pet[]);
CREATE TYPE pg_temp.moodrange AS RANGE (subtype = pg_temp.mood);
SELECT * FROM pg_temp.compare($$
	SELECT m, p, ROW(p, ARRAY[p, NULL, p])::pg_temp.owner AS o, ARRAY[ROW(1, m), ROW(2, m)] AS records,
		pg_temp.moodrange(m, NULL) AS range, i::pg_temp.grade AS grade, ROW(m, i) AS r
	FROM (SELECT m, i, ROW('a "b"', i, ARRAY[m, m], ARRAY[i, NULL])::pg_temp.pet AS p
		FROM unnest(enum_range(NULL::pg_temp.mood)) WITH ORDINALITY e(m, i)) s$$);
-- rows of other shapes in one column
SELECT * FROM pg_temp.compare($$
	SELECT CASE i % 3 WHEN 0 THEN ROW(i) WHEN 1 THEN ROW(i, 'x'::text) ELSE ROW('x'::text, ARRAY[i]) END AS r
	FROM generate_series(1, 9) i$$);
-- arrays of other types in one column
CREATE TEMP TABLE analyzed AS
SELECT i % 3 AS i, ARRAY['a', 'b'] AS t, numeric '1.50' AS n, date '2024-02-29' AS d FROM generate_series(1, 100) i;
ANALYZE analyzed;
SELECT * FROM pg_temp.compare($$
	SELECT attname, most_common_vals, most_common_elems FROM pg_stats WHERE tablename = 'analyzed' ORDER BY attname$$);
-- a column that was dropped, and one that came later
CREATE TEMP TABLE altered (a int, b text, c int);
INSERT INTO altered VALUES (1, 'b', 3);
ALTER TABLE altered DROP b;
ALTER TABLE altered ADD d int DEFAULT 4;
CREATE TEMP TABLE holder AS SELECT altered AS whole, ARRAY[altered] AS wholes FROM altered;
ALTER TABLE altered ADD e text;
SELECT * FROM pg_temp.compare('SELECT * FROM holder');
SELECT * FROM pg_temp.compare('SELECT altered AS whole, * FROM altered');
SELECT data FROM stash.to_jsonl('SELECT altered AS whole, * FROM altered');
-- more labels than are kept
DO $$
BEGIN
	EXECUTE format('CREATE TYPE pg_temp.code AS ENUM (%s)',
		(SELECT string_agg(quote_literal('code ' || i), ', ') FROM generate_series(1, 200) i));
END$$;
SELECT * FROM pg_temp.compare($$
	SELECT (enum_range(NULL::pg_temp.code))[1 + i * 7 % 200] AS code FROM generate_series(0, 1000) i$$);

-- a cast to json counts only for types that users make, and only as a function
CREATE TYPE pg_temp.celsius AS (degrees float8);
CREATE FUNCTION pg_temp.to_json(pg_temp.celsius) RETURNS json
LANGUAGE SQL AS $$ SELECT '"composites have no use for it"'::json $$;
CREATE CAST (pg_temp.celsius AS json) WITH FUNCTION pg_temp.to_json(pg_temp.celsius);
CREATE FUNCTION pg_temp.to_json(pg_temp.mood) RETURNS json
LANGUAGE SQL AS $$ SELECT json_build_object('mood', $1::text) $$;
CREATE CAST (pg_temp.mood AS json) WITH FUNCTION pg_temp.to_json(pg_temp.mood);
SELECT * FROM pg_temp.compare($$
	SELECT ROW(21.5)::pg_temp.celsius AS c, 'sad'::pg_temp.mood AS m, '{sad,happy}'::pg_temp.moods AS mm$$);
SELECT data FROM stash.to_jsonl($$SELECT ROW(21.5)::pg_temp.celsius AS c, 'sad'::pg_temp.mood AS m$$);

-- trap 102: a row is a line
-- the one difference: line ends inside of json become spaces, a line stays a line
SELECT data FROM stash.to_jsonl(E'SELECT E''{\\n "a" :\\r\\n "x\\\\ny" }''::json AS j, 1 AS one');
SELECT count(*) AS lines, bool_and(line::json->'j'->>'a' = E'x\ny') AS same
FROM stash.to_jsonl(E'SELECT E''{\\n "a" :\\r\\n "x\\\\ny" }''::json AS j FROM generate_series(1, 3)') c,
	string_to_table(rtrim(c.data, E'\n'), E'\n') line;

-- values in TOAST, compressed and not
CREATE TEMP TABLE toasted (id int, plain text, packed text, nums int[], doc jsonb, nested json);
ALTER TABLE toasted ALTER plain SET STORAGE EXTERNAL;
INSERT INTO toasted
SELECT i, repeat(md5(i::text), 2000), repeat('ab"c', 50000), array(SELECT generate_series(1, 20000)),
	jsonb_build_object('k', array(SELECT md5(g::text) FROM generate_series(1, 3000) g)), to_json(repeat(E'\n', 10000))
FROM generate_series(1, 3) i;
SELECT * FROM pg_temp.compare('SELECT * FROM toasted');

-- jsonb deeper than our own writer goes
SELECT * FROM pg_temp.compare($$SELECT (repeat('[', n) || repeat(']', n))::jsonb AS j,
	(repeat('{"a":', n) || '[1, {"b": null}]' || repeat('}', n))::jsonb AS o FROM unnest('{1,62,63,64,65,66,500}'::int[]) n$$);

-- trap 102: names
-- names: quoted, escaped, repeated
SELECT data FROM stash.to_jsonl('SELECT 1 AS "a ""quoted"" name", 2 AS x, 3 AS x, 4 AS "ünï", 5, 6');
SELECT * FROM pg_temp.compare('SELECT 1 AS "a ""quoted"" name", 2 AS "longer than sixteen bytes", 4 AS "ünï", 5, 6');
