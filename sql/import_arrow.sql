-- stash.from_arrow: forms, types, errors, damaged data

CREATE FUNCTION pg_temp.arrow(query text, chunk_rows int DEFAULT 65536, codec text DEFAULT 'none') RETURNS bytea
LANGUAGE SQL AS $$ SELECT string_agg(data, ''::bytea ORDER BY chunk) FROM stash.to_arrow(query, chunk_rows, codec => codec) $$;
CREATE TYPE import_row AS (n int, t text);
CREATE TEMP TABLE streams AS SELECT pg_temp.arrow('SELECT i AS n, ''row '' || i AS t, i % 2 = 0 AS even FROM generate_series(1, 3) i') AS data;

-- trap 104: reading
-- a row type, a column definition list in any order, one column as values
SELECT f.* FROM streams, stash.from_arrow(data, NULL::import_row) f;
SELECT f.* FROM streams, stash.from_arrow(data => data, "like" => NULL::import_row) f;
SELECT f.* FROM streams, stash.from_arrow(data) AS f(even bool, n int8);
SELECT stash.from_arrow(pg_temp.arrow('SELECT * FROM generate_series(1, 3) i'), NULL::int);
SELECT stash.from_arrow(data, NULL::import_row) FROM streams;
SELECT count(*) FROM stash.from_arrow(NULL, NULL::import_row);
SELECT count(*) FROM streams, stash.from_arrow(data) AS f(n int) WHERE n > 1;

-- what a value may become: what its text may become
SELECT * FROM stash.from_arrow(pg_temp.arrow($$SELECT 7::int8 AS i, '12'::text AS t, 1.5::numeric(4,2) AS d, '2024-02-29 12:00:01.5'::timestamp AS ts, '{"a": 1}'::text AS j$$))
	AS f(i numeric(5,2), t int, d float8, ts timestamptz(0), j jsonb);
SET DateStyle = 'SQL, DMY';
SELECT * FROM stash.from_arrow(pg_temp.arrow($$SELECT date '2024-02-03' AS d, time '12:00' AS h, timestamptz '2024-02-03 12:00+00' AS t, timestamp '0044-03-15 BC' AS bc, date '2024-02-03' AS dd$$))
	AS f(d timestamp, h interval, t text, bc date, dd text);
RESET DateStyle;
SELECT * FROM stash.from_arrow(pg_temp.arrow($$SELECT float4 '0.1' AS a, float4 '0.1' AS b, float4 '0.1' AS c$$)) AS f(a float4, b float8, c numeric);
SELECT * FROM stash.from_arrow(pg_temp.arrow($$SELECT 'too long'::text AS t$$)) AS f(t varchar(3));
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT 40000 AS i')) AS f(i int2);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT -1 AS i')) AS f(i oid);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT i::text || ''x'' AS i FROM generate_series(7, 8) i', 1)) AS f(i int);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT ARRAY[1] AS l')) AS f(l text);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT ARRAY[1] AS l')) AS f(l int2vector);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT ROW(1, ''x'')::import_row AS r')) AS f(r record);
\echo :SQLSTATE

-- domains are checked, also of nulls, in arrays, rows and dictionaries
CREATE DOMAIN import_even AS int CHECK (value % 2 = 0);
CREATE DOMAIN import_some AS text NOT NULL;
CREATE DOMAIN import_short AS int[] CHECK (cardinality(value) < 3);
CREATE DOMAIN import_small AS import_row CHECK ((value).n < 3);
CREATE TYPE import_mood AS ENUM ('sad', 'ok');
CREATE DOMAIN import_happy AS text CHECK (value <> 'sad');
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT 2 AS n, ''x'' AS t, ARRAY[2, 4] AS l, ARRAY[1, 2] AS s, ''ok''::import_mood AS m'))
	AS f(n import_even, t import_some, l import_even[], s import_short, m import_happy);
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT ''sad''::import_mood AS m')) AS f(m import_happy);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT 1 AS n')) AS f(n import_even);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT NULL::text AS n')) AS f(n import_some);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT ARRAY[2, 3] AS n')) AS f(n import_even[]);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT ARRAY[2, 3, 4] AS n')) AS f(n import_short);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT NULL::import_mood AS n')) AS f(n import_some);
\echo :SQLSTATE
SELECT f FROM streams, stash.from_arrow(data, NULL::import_small) f;
\echo :SQLSTATE

-- columns that are missing, or there twice; no type; more columns than one
SELECT * FROM streams, stash.from_arrow(data) AS f(n int, missing text);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT 1 AS a, 2 AS a')) AS f(a int);
\echo :SQLSTATE
SELECT stash.from_arrow(data) FROM streams;
\echo :SQLSTATE
SELECT stash.from_arrow(data, NULL::int) FROM streams;
\echo :SQLSTATE
SELECT stash.from_arrow('', NULL::int);
\echo :SQLSTATE
SELECT stash.from_arrow('\xdeadbeefdeadbeef', NULL::int);
\echo :SQLSTATE
SELECT stash.from_arrow(data || '\x00', NULL::import_row) FROM streams;
\echo :SQLSTATE
-- one chunk is no stream
SELECT stash.from_arrow(data, NULL::int) FROM stash.to_arrow('SELECT generate_series(1, 10) AS i', 5) WHERE chunk = 1;
\echo :SQLSTATE
-- text that is none
SELECT pg_temp.arrow('SELECT ''abcdefgh''::text AS t') AS good \gset
SELECT * FROM stash.from_arrow(replace(:'good', encode('abcdefgh', 'hex'), encode('\x61ff636465666768', 'hex'))::bytea, NULL::text);
\echo :SQLSTATE
SELECT * FROM stash.from_arrow(replace(:'good', encode('abcdefgh', 'hex'), encode('\x6100636465666768', 'hex'))::bytea, NULL::text);
\echo :SQLSTATE
-- an index that its dictionary lacks: the one that is 1
SELECT pg_temp.arrow('SELECT m FROM unnest(''{ok,ok,ok,ok,ok}''::import_mood[]) m') AS good \gset
SELECT * FROM stash.from_arrow(replace(:'good', repeat('01000000', 5), repeat('01000000', 4) || '02000000')::bytea, NULL::import_mood);
\echo :SQLSTATE

-- every type of array, cut at each byte and changed at each: an error, or other values, but no crash
CREATE TABLE import_kept (i int, t text, l int[], r import_row, m import_mood, d numeric(30,5), f float8, b bool, u uuid, j jsonb, ts timestamptz, rl import_row[]);
INSERT INTO import_kept SELECT i, 't' || i, ARRAY[i, NULL], ROW(i, 'r')::import_row, 'ok', i, i, true, md5(i::text)::uuid, to_jsonb(i), timestamptz '2024-01-01 00:00+00', ARRAY[ROW(i, NULL)::import_row, NULL]
FROM generate_series(1, 3) i;
CREATE FUNCTION pg_temp.try(data bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM count(*) FROM stash.from_arrow(data, NULL::import_kept);
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT codec, pg_temp.try(arrow) AS whole, (SELECT array_agg(DISTINCT pg_temp.try(substr(arrow, 1, n))) FROM generate_series(0, length(arrow) - 1) n) AS cut,
	(SELECT array_agg(DISTINCT s) FROM generate_series(0, length(arrow) - 1) n, unnest('{1,128,255}'::int[]) mask, pg_temp.try(set_byte(arrow, n, get_byte(arrow, n) # mask)) s
		WHERE s NOT IN ('ok', '22P03', '0A000', '22021', '42703', '42804', '22008', '22003', '22P02', '42702')) AS other
FROM unnest('{none,lz4}'::text[]) codec, pg_temp.arrow('TABLE import_kept', 2, codec) arrow;

DROP TABLE import_kept;
DROP DOMAIN import_even, import_some, import_short, import_small, import_happy;
DROP TYPE import_row, import_mood;
