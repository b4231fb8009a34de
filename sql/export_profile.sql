-- Profiles: what each writes for a type, compared with the server's own functions.
CREATE SCHEMA export_profile;
SET search_path = export_profile, public;
\set SHOW_CONTEXT never
SET TimeZone = 'Asia/Kathmandu';
-- the settings have no say in what a profile fixes
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = 0;
SET bytea_output = 'escape';

CREATE TABLE sample (type text, literals text[]);
INSERT INTO sample VALUES
	('int4', '{0,-2147483648}'),
	('int8', '{0,9007199254740991,9007199254740992,-9007199254740991,-9007199254740992,9223372036854775807,-9223372036854775808}'),
	('numeric', '{0,1.50,-0.001,9007199254740991,9007199254740992,9007199254740991.000,123456789012.345,1234567890123.456,-0.123456789012345,-0.1234567890123456,2.50000000000000000000,0.00000000012345678901234500,100.5,1e-298,1e-299,1e-300,1e400,NaN,Infinity,-Infinity}'),
	('float4', '{0,-0,0.1,1.4e-45,3.4028235e38,NaN,Infinity,-Infinity}'),
	('float8', '{0,-0,0.1,0.30000000000000004,5e-324,1.7976931348623157e308,NaN,Infinity,-Infinity}'),
	('bytea', $${"","\\x00","\\x0001","\\x000102","\\xfffefdfc","\\x5c22"}$$),
	('date', '{2024-02-29,1970-01-01,1969-12-31,0001-01-01,"0001-12-31 BC","4714-11-24 BC",10000-01-01,5874897-12-31,infinity,-infinity}'),
	('time', '{00:00,23:59:59.999999,24:00,12:34:56.7}'),
	('timetz', '{12:34:56.7+05:45}'),
	('timestamp', '{2024-02-29 12:34:56.789012,1970-01-01,1969-12-31 23:59:59.5,1969-12-31 23:59:58.25,0001-01-01,"0001-12-31 23:59:59.5 BC","4714-11-24 BC",10000-01-01,294276-12-31 23:59:59.999999,infinity,-infinity}'),
	('timestamptz', '{2024-02-29 12:34:56.7+00,1970-01-01 00:00+00,1969-12-31 23:59:59.999999+00,0001-01-01 00:00+00,"0001-12-31 23:59:59.5+00 BC",9999-12-31 23:59:59.5+00,10000-01-01 00:00+00,294276-12-31 23:59:59.999999+00,infinity,-infinity}'),
	('interval', '{0,"1 year 2 mons -3 days 04:05:06.789","-1 mon"}'),
	('jsonb', $${"{\"big\": 12345678901234567890}"}$$),
	('int8range', '{"[1,9007199254740993)"}');

-- all of it for the eye
\pset format unaligned
\pset tuples_only
CREATE FUNCTION pg_temp.show(profile text) RETURNS SETOF text LANGUAGE SQL
AS $$ SELECT type || ': ' || string_agg(regexp_replace(line, '0{30,}', '0...0'), ' ' ORDER BY o) FROM sample,
	stash.to_jsonl(format('SELECT unnest(%L::text[])::%s AS v', literals, type), profile => $1) c,
	LATERAL (SELECT substring(line FROM '^{"v":(.*)}$') AS line, o FROM string_to_table(rtrim(data, E'\n'), E'\n') WITH ORDINALITY l (line, o)) l
	GROUP BY type ORDER BY type $$;
SELECT pg_temp.show('default');
SELECT pg_temp.show('lossless');
SELECT pg_temp.show('javascript');
SELECT pg_temp.show('epoch');
\pset format aligned
\pset tuples_only off

-- in arrays, rows, domains and to_json alike
CREATE DOMAIN big AS int8;
CREATE TYPE pair AS (a big, b timestamptz[]);
SELECT data FROM unnest('{lossless,javascript,epoch}'::text[]) WITH ORDINALITY p (profile, o),
	stash.to_json($$SELECT ARRAY[1, NULL, 2]::big[] AS a, ROW(3, '{1970-01-01 00:00:01+00}')::pair AS p, ARRAY[ROW(4, NULL)::pair] AS pp,
		ROW(5::int8, ROW(6.5)) AS r, 7::big AS d$$, profile => profile) ORDER BY o;

-- lossless reads back as the same value, whatever the type and whoever reads it
SET extra_float_digits = 1;
SET bytea_output = 'hex';
CREATE FUNCTION pg_temp.differing(query text, type text, profile text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT row_number() OVER () AS n, v FROM (%s) s) want
		FULL JOIN (SELECT row_number() OVER () AS n, v FROM stash.from_jsonl((SELECT string_agg(data, '''' ORDER BY chunk)
			FROM stash.to_jsonl(%L, profile => %L))) AS t (v %s)) got USING (n)
		WHERE want.v::text IS DISTINCT FROM got.v::text', query, query, profile, type) INTO n;
	RETURN n;
END $$;
SELECT count(*), sum(pg_temp.differing(format('SELECT unnest(%L::text[])::%s AS v', literals, type), type, 'lossless')) AS differing FROM sample;
-- the check itself sees differences: javascript has null for what is not finite
SELECT type, pg_temp.differing(format('SELECT unnest(%L::text[])::%s AS v', literals, type), type, 'javascript') AS differing FROM sample WHERE type LIKE 'float_' ORDER BY 1;

-- epoch is extract(epoch), javascript base64 and a number exactly where a double keeps it
SELECT setseed(0.5);
CREATE TABLE random_time AS
SELECT timestamptz '1000-01-01' + interval '1 microsecond' * ((random() * 3e9)::bigint * 20000 + i) AS z,
	timestamp '1000-01-01' + interval '1 microsecond' * ((random() * 3e9)::bigint * 20000 + i) AS t,
	date '0001-01-01' + (random() * 2000000)::int AS d,
	time '00:00' + interval '1 microsecond' * (random() * 86399999999)::bigint AS h,
	decode(repeat(md5(i::text), i % 5) || substr(md5(i::text), 1, i % 7 * 2), 'hex') AS b,
	round(((random() - 0.5) * power(10, random() * 24 - 6))::numeric, i % 25) AS n
FROM generate_series(1, 5000) i;
SELECT count(*) AS rows,
	count(*) FILTER (WHERE (j->>'z')::numeric <> extract(epoch FROM z) OR j->'z' <> to_jsonb(trim_scale(extract(epoch FROM z)))) AS z,
	count(*) FILTER (WHERE j->'t' <> to_jsonb(trim_scale(extract(epoch FROM t)))) AS t,
	count(*) FILTER (WHERE j->'d' <> to_jsonb(trim_scale(extract(epoch FROM d)))) AS d,
	count(*) FILTER (WHERE j->'h' <> to_jsonb(trim_scale(extract(epoch FROM h)))) AS h
FROM (SELECT row_number() OVER () AS i, * FROM random_time) r
JOIN (SELECT row_number() OVER () AS i, line::jsonb AS j FROM stash.to_jsonl('TABLE random_time', profile => 'epoch') c,
	string_to_table(rtrim(data, E'\n'), E'\n') line) l USING (i);
SELECT count(*) AS rows,
	count(*) FILTER (WHERE j->>'b' <> translate(encode(b, 'base64'), E'\n', '')) AS b,
	count(*) FILTER (WHERE (j->>'z')::timestamptz <> z OR j->>'z' NOT LIKE '%+00:00') AS z,
	count(*) FILTER (WHERE (j->>'n')::numeric <> n) AS n,
	count(*) FILTER (WHERE json_typeof(j->'n') = 'number' AND n::float8::text::numeric <> n) AS lost,
	count(*) FILTER (WHERE json_typeof(j->'n') = 'string' AND length(regexp_replace(trim_scale(n)::text, '^-?0?\.?0*|\.', '', 'g')) <= 15) AS needless
FROM (SELECT row_number() OVER () AS i, * FROM random_time) r
JOIN (SELECT row_number() OVER () AS i, line::json AS j FROM stash.to_jsonl('TABLE random_time', profile => 'javascript') c,
	string_to_table(rtrim(data, E'\n'), E'\n') line) l USING (i);

-- by COPY; unknown ones, and formats that have none
COPY (SELECT 1::int8 AS i, '\x00ff'::bytea AS b, timestamptz '2000-01-01 00:00+00' AS t) TO STDOUT (FORMAT jsonl, profile javascript);
COPY (SELECT 1::int8 AS i, '\x00ff'::bytea AS b, timestamptz '2000-01-01 00:00+00' AS t) TO STDOUT (FORMAT jsonl, profile 'epoch');
COPY (SELECT 1) TO STDOUT (FORMAT jsonl, profile Latin);
\echo :SQLSTATE
COPY (SELECT 1) TO STDOUT (FORMAT arrow, profile lossless);
\echo :SQLSTATE
SELECT stash.to_jsonl('SELECT 1', profile => 'Default');
\echo :SQLSTATE
SELECT stash.to_json('SELECT 1', profile => NULL);
\echo :SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA export_profile CASCADE;
