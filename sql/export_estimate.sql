-- stash.estimate: what an export would be, against what it is

CREATE TABLE estimate_mixed AS
SELECT i, i * 1000::bigint AS b, 'name ' || i AS n, timestamptz '2020-01-01 UTC' + i * interval '1001ms' AS t, i / 7.0::float8 AS f,
	i % 2 = 0 AS bo, (i * 1.25)::numeric(10, 2) AS nu, md5(i::text)::uuid AS u, date '2020-01-01' + i % 1000 AS d
FROM generate_series(1, 20000) i;
-- texts that grow, arrays, JSON, nulls
CREATE TABLE estimate_grown AS
SELECT i, repeat('x', i / 100) AS t, ARRAY[i, i + 1, i + 2] AS a, jsonb_build_object('k', i, 'v', 'abc') AS j,
	CASE WHEN i % 10 = 0 THEN 'long text that is mostly null ' || i END AS m
FROM generate_series(1, 20000) i;
-- stored out of line, where the planner sees a pointer only
CREATE TABLE estimate_large AS SELECT i, (SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 200) j) AS t FROM generate_series(1, 300) i;
ALTER TABLE estimate_mixed SET (autovacuum_enabled = off);
ALTER TABLE estimate_grown SET (autovacuum_enabled = off);
ALTER TABLE estimate_large SET (autovacuum_enabled = off);
ANALYZE estimate_mixed, estimate_grown, estimate_large;

CREATE FUNCTION estimate_check(query text, sample_rows int, OUT row_share numeric, OUT json_share numeric, OUT arrow_share numeric, OUT chunks boolean) LANGUAGE sql
AS $$
	SELECT round(estimated_rows::numeric / nrows, 1), round(json_bytes::numeric / json_size, 1), round(arrow_bytes::numeric / arrow, 1),
		recommended_chunks = ceil(estimated_rows::numeric / recommended_chunk_rows)
			AND recommended_chunk_rows * json_bytes / estimated_rows <= 1048576
	FROM stash.estimate($1, $2),
		(SELECT sum(row_count) AS nrows, sum(octet_length(data)) AS json_size FROM stash.to_jsonl($1)) j,
		(SELECT sum(octet_length(data)) AS arrow FROM stash.to_arrow($1)) a
$$;
-- by the planner within a factor of two, 1.0 is exact; large values are those for which a sample is needed
SELECT query, e.row_share BETWEEN 0.8 AND 1.2 AS rows, e.json_share BETWEEN 0.5 AND 2 AS json, e.arrow_share BETWEEN 0.5 AND 2 AS arrow, chunks
FROM unnest(ARRAY['TABLE estimate_mixed', 'TABLE estimate_grown', 'SELECT i, n FROM estimate_mixed WHERE i <= 10000',
	'SELECT * FROM estimate_mixed JOIN estimate_grown USING (i)', 'SELECT m FROM estimate_grown', 'TABLE estimate_large']) WITH ORDINALITY q(query, n),
	estimate_check(query, 0) e ORDER BY n;
-- by a sample within a tenth, or a fifth where rows differ much
SELECT query, e.row_share BETWEEN 0.9 AND 1.1 AS rows, e.json_share BETWEEN 0.8 AND 1.2 AS json, e.arrow_share BETWEEN 0.8 AND 1.2 AS arrow, chunks
FROM unnest(ARRAY['TABLE estimate_mixed', 'TABLE estimate_grown', 'SELECT i, n FROM estimate_mixed WHERE i <= 10000',
	'SELECT m, t FROM estimate_grown ORDER BY i', 'TABLE estimate_large']) WITH ORDINALITY q(query, n),
	estimate_check(query, 2000) e ORDER BY n;
-- a query that ends within the sample is known exactly, but for the headers of Arrow
SELECT estimated_rows, json_bytes, recommended_chunk_rows, recommended_chunks
FROM stash.estimate('SELECT n FROM generate_series(1, 10) n', 10, 64);
SELECT sum(row_count), sum(octet_length(data)) FROM stash.to_jsonl('SELECT n FROM generate_series(1, 10) n');
SELECT estimated_rows, row_bytes, json_bytes, recommended_chunks FROM stash.estimate('SELECT FROM generate_series(1, 5)', 10);
SELECT estimated_rows, json_bytes, recommended_chunks FROM stash.estimate('SELECT 1 AS x WHERE false', 10);

-- without a sample nothing is run, with one no more than it needs
CREATE SEQUENCE estimate_seq;
SELECT estimated_rows FROM stash.estimate('SELECT nextval(''estimate_seq'') FROM estimate_mixed');
SELECT last_value, is_called FROM estimate_seq;
SELECT estimated_rows FROM stash.estimate('SELECT nextval(''estimate_seq'') FROM generate_series(1, 1000000) i', 5);
SELECT last_value < 10 AS is_little FROM estimate_seq;

-- rights, and what is no query
CREATE ROLE regress_stash_estimator;
SET ROLE regress_stash_estimator;
SELECT * FROM stash.estimate('TABLE estimate_mixed');
\echo :SQLSTATE
SELECT * FROM stash.estimate('TABLE estimate_mixed', 10);
\echo :SQLSTATE
RESET ROLE;
SELECT * FROM stash.estimate('DELETE FROM estimate_mixed');
\echo :SQLSTATE
SELECT * FROM stash.estimate(NULL);
\echo :SQLSTATE
SELECT * FROM stash.estimate('SELECT 1', -1);
\echo :SQLSTATE
SELECT * FROM stash.estimate('SELECT 1', chunk_bytes => 0);
\echo :SQLSTATE

DROP TABLE estimate_mixed, estimate_grown, estimate_large;
DROP FUNCTION estimate_check;
DROP SEQUENCE estimate_seq;
DROP ROLE regress_stash_estimator;
