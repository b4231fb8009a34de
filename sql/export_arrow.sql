-- stash.to_arrow: chunks, schemas, values at the edges, errors, privileges

CREATE FUNCTION pg_temp.arrow(query text, chunk_rows int DEFAULT 65536, chunk_bytes int DEFAULT 1048576, codec text DEFAULT 'none') RETURNS bytea
LANGUAGE SQL AS $$ SELECT string_agg(data, ''::bytea ORDER BY chunk) FROM stash.to_arrow(query, chunk_rows, chunk_bytes, codec => codec) $$;
CREATE TABLE export_t (id int PRIMARY KEY, name text, secret text);
INSERT INTO export_t SELECT i, 'name ' || i, 'secret ' || i FROM generate_series(1, 10) i;

-- trap 104: chunks
-- the two forms: from the select list it streams, in FROM it is collected first
SELECT chunk, row_count FROM (SELECT (x).* FROM (SELECT stash.to_arrow('SELECT id, name FROM export_t ORDER BY id', 4) AS x OFFSET 0) s) c;
SELECT chunk, row_count FROM stash.to_arrow(query => 'TABLE export_t ORDER BY id;', chunk_rows => 5);
-- the end mark stands once, at the end, also where there are no rows
SELECT chunk, row_count, substr(data, length(data) - 7) AS ends FROM stash.to_arrow('TABLE export_t', 4);
SELECT chunk, row_count, substr(data, length(data) - 7) AS ends FROM stash.to_arrow('SELECT * FROM export_t WHERE false');
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT * FROM export_t WHERE false'), NULL::export_t);
-- no columns, but rows
SELECT chunk, row_count FROM stash.to_arrow('SELECT FROM generate_series(1, 3)');
-- chunks by bytes: none is larger, but for a row that is larger by itself
SELECT count(*) > 10 AS many, max(length(data)) <= 4000 AS small, sum(row_count) FROM stash.to_arrow(
	'SELECT i, repeat(''x'', i % 100) AS t, array[i, i] AS l, i % 2 = 0 AS b FROM generate_series(1, 1000) i', chunk_bytes => 4000);
SELECT chunk, row_count, length(data) / 100000 AS size FROM stash.to_arrow(
	$$SELECT repeat('x', n) AS x FROM unnest('{1,1,500000,1,500000,500000,1}'::int[]) n$$, chunk_bytes => 4000);
SELECT chunk, row_count FROM stash.to_arrow('SELECT id FROM export_t ORDER BY id LIMIT 3', chunk_bytes => 1);
-- whatever the chunks, the rows are the same
CREATE TABLE export_mixed AS
SELECT i, nullif(i % 3, 0) = 1 AS b, CASE WHEN i % 4 > 0 THEN repeat('é', i % 7) END AS t, CASE WHEN i % 5 > 0 THEN array_fill(nullif(i % 6, 0), ARRAY[i % 4]) END AS l,
	CASE WHEN i % 7 > 0 THEN ROW(i, 'x' || i, NULL)::export_t END AS r, (i / 7.0)::numeric(9,4) AS d, ARRAY[ROW(i, NULL, 'z')::export_t, NULL] AS rl
FROM generate_series(1, 300) i;
CREATE FUNCTION pg_temp.differing(chunk_rows int, chunk_bytes int, codec text) RETURNS bigint LANGUAGE SQL AS $$
	SELECT count(*) FROM export_mixed m FULL JOIN stash.from_arrow(pg_temp.arrow('TABLE export_mixed', $1, $2, $3), NULL::export_mixed) f USING (i)
	WHERE NOT coalesce(m *= f, false) $$;
SELECT count(*) AS ways, sum(pg_temp.differing(r, b, c)) AS differing
FROM unnest('{1,2,7,8,9,1000}'::int[]) r, unnest('{1,900,1500,5000,1000000}'::int[]) b, unnest('{none,lz4}'::text[]) c;

-- names that are odd, long, empty or there twice
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT 1 AS "a ""b""", 2 AS "ünï", 3 AS x, 4 AS y, 5 AS y')) AS t("a ""b""" int, "ünï" int, x int);
-- 1,600 columns and a type that holds all the others
DO $$
DECLARE
	stream bytea;
BEGIN
	EXECUTE 'CREATE TABLE export_wide (' || (SELECT string_agg('c' || i || ' int', ', ') FROM generate_series(1, 1600) i) || ')';
	EXECUTE 'INSERT INTO export_wide SELECT ' || (SELECT string_agg(CASE i % 3 WHEN 0 THEN 'NULL' ELSE 'i + ' || i END, ', ') FROM generate_series(1, 1600) i) || ' FROM generate_series(1, 3) i';
	stream := pg_temp.arrow('TABLE export_wide');
	RAISE NOTICE '% rows are the same', (SELECT count(*) FROM (TABLE export_wide INTERSECT SELECT * FROM stash.from_arrow(stream, NULL::export_wide)) s);
END $$;

-- columns that were dropped or came later, in the query and in a row type
CREATE TABLE export_altered (a int, b text, c int);
INSERT INTO export_altered VALUES (1, 'b', 3);
ALTER TABLE export_altered DROP b;
ALTER TABLE export_altered ADD d int DEFAULT 4;
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT t AS whole, t.* FROM export_altered t')) AS t(whole export_altered, a int, c int, d int);
SELECT * FROM stash.from_arrow(pg_temp.arrow('TABLE export_altered'), NULL::export_altered);

-- an enum is a dictionary; so it is in arrays and rows
CREATE TYPE export_mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE export_mood ADD VALUE 'so-so' AFTER 'sad';
CREATE TYPE export_nothing AS ENUM ();
CREATE TABLE export_moods AS SELECT i, m, ARRAY[m, NULL, 'ok'] AS ms, NULL::export_nothing AS n FROM unnest(enum_range(NULL::export_mood) || NULL::export_mood) WITH ORDINALITY u(m, i);
SELECT * FROM stash.from_arrow(pg_temp.arrow('TABLE export_moods', 2), NULL::export_moods);
SELECT * FROM stash.from_arrow(pg_temp.arrow('TABLE export_moods')) AS t(m text, ms text[]);

-- rows of type record are text, as is what Arrow has no type for
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT ROW(1, ''a'') AS r, inet ''10.0.0.1/8'' AS i, int4range(1, 5) AS g, point(1, 2) AS p')) AS t(r text, i inet, g int4range, p text);
-- bounds of arrays are not kept
SELECT * FROM stash.from_arrow(pg_temp.arrow('SELECT ''[5:6]={a,b}''::text[] AS l'), NULL::text[]);
-- infinite, early and late
SELECT * FROM stash.from_arrow(pg_temp.arrow($$SELECT d, d::timestamp AS t FROM unnest('{infinity,-infinity,4714-11-24 BC,0044-03-15 BC,294246-12-31}'::date[]) d$$)) AS t(d date, t timestamp);
SELECT * FROM stash.from_arrow(pg_temp.arrow($$SELECT d FROM unnest('{5874897-12-31}'::date[]) d$$), NULL::date);

-- what has no place
SELECT pg_temp.arrow('SELECT ''{{1,2},{3,4}}''::int[] AS l');
\echo :SQLSTATE
SELECT pg_temp.arrow('SELECT ''NaN''::numeric(5,2) AS n');
\echo :SQLSTATE
SELECT pg_temp.arrow('SELECT ''294276-12-31''::timestamp AS t');
\echo :SQLSTATE
SELECT pg_temp.arrow('SELECT ''294247-01-10 04:00:54.775807''::timestamptz AT TIME ZONE ''UTC'' AS t');
\echo :SQLSTATE
SELECT pg_temp.arrow('SELECT interval ''9223372036854775807 us'' AS i');
\echo :SQLSTATE
-- arguments
SELECT stash.to_arrow('SELECT 1', codec => 'gzip');
\echo :SQLSTATE
SELECT stash.to_arrow('SELECT 1', codec => NULL);
\echo :SQLSTATE
SELECT stash.to_arrow('SELECT 1', 0);
\echo :SQLSTATE
SELECT stash.to_arrow('INSERT INTO export_t VALUES (11)');
\echo :SQLSTATE

-- rights and row security are those of the query
CREATE ROLE regress_stash_reader;
GRANT SELECT (id, name) ON export_t TO regress_stash_reader;
CREATE TABLE export_rows (owner name, t text);
INSERT INTO export_rows VALUES ('regress_stash_reader', 'mine'), (current_user, 'not mine');
ALTER TABLE export_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON export_rows USING (owner = current_user);
GRANT SELECT ON export_rows TO regress_stash_reader;
SET ROLE regress_stash_reader;
SELECT sum(row_count) FROM stash.to_arrow('SELECT id, name FROM export_t');
SELECT sum(row_count) FROM stash.to_arrow('SELECT secret FROM export_t');
\echo :SQLSTATE
SELECT t.* FROM stash.to_arrow('SELECT t FROM export_rows') c, stash.from_arrow(c.data) AS t(t text);
RESET ROLE;

-- streaming: what LIMIT does not ask for is not computed, and the query is closed
CREATE SEQUENCE export_seq;
SELECT (stash.to_arrow('SELECT nextval(''export_seq'') FROM generate_series(1, 1000000)', 10)).chunk LIMIT 1;
SELECT last_value FROM export_seq;
BEGIN;
DECLARE c CURSOR FOR SELECT (x).row_count FROM (SELECT stash.to_arrow('SELECT id FROM export_t ORDER BY id', 4) AS x OFFSET 0) s;
FETCH 1 FROM c;
INSERT INTO export_t VALUES (11), (12);
FETCH ALL FROM c;
ROLLBACK;
SET statement_timeout = '50ms';
SELECT count(*) FROM (SELECT stash.to_arrow('SELECT generate_series(1, 1000000000000)')) s;
\echo :SQLSTATE
RESET statement_timeout;

-- the memory limit: of what is held at once, not of what passes
\set VERBOSITY terse
SELECT sum(row_count) FROM stash.to_arrow('SELECT generate_series(1, 100000), repeat(''x'', 80) AS x',
	chunk_bytes => 65536, memory_limit => 1048576);
SELECT sum(row_count) FROM stash.to_arrow('SELECT generate_series(1, 100000), repeat(''x'', 80) AS x',
	chunk_rows => 1000000, chunk_bytes => 8388608, memory_limit => 1048576);
\echo :SQLSTATE
-- a large row is not paid for to the end
CREATE FUNCTION pg_temp.held() RETURNS int VOLATILE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT total_bytes FROM pg_backend_memory_contexts WHERE name = 'pg_hashstash export');
END $$;
SELECT i, held < 1000000 AS little FROM stash.from_arrow(pg_temp.arrow($$
	SELECT i, repeat('x', CASE i WHEN 1 THEN 3000000 ELSE 10 END) AS x, CASE WHEN i = 2 THEN array_fill(i, ARRAY[500000]) END AS l,
		CASE WHEN i IN (1, 3, 1000) THEN pg_temp.held() END AS held
	FROM generate_series(1, 1000) i$$, chunk_bytes => 4000)) AS t(i int, held int) WHERE held IS NOT NULL ORDER BY i;
\set VERBOSITY default

DROP TABLE export_mixed, export_t, export_wide, export_altered, export_moods, export_rows;
DROP TYPE export_mood, export_nothing;
DROP SEQUENCE export_seq;
DROP ROLE regress_stash_reader;
