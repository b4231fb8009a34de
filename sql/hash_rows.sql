-- stash.hash_agg, stash.hash_set_agg: hashes of many values, in order and as a set

CREATE TABLE hash_r (id int, t text, f float8);
INSERT INTO hash_r SELECT i, 'text ' || i, i / 3.0 FROM generate_series(1, 5000) i;
INSERT INTO hash_r VALUES (NULL, NULL, NULL), (1, 'text 1', 1 / 3.0);
ANALYZE hash_r;

-- frozen values; test/golden/rows.tsv has more, recomputed from the documents
SELECT stash.hash_agg(v), stash.hash_set_agg(v) FROM (VALUES (1), (2), (NULL)) x(v);

-- order counts in a list, and not in a set; duplicates and NULLs count in both
SELECT count(DISTINCT list) AS lists, count(DISTINCT set) AS sets
FROM (VALUES ('{1,2,3}'::int[]), ('{3,2,1}'), ('{2,3,1}')) a(v),
	LATERAL (SELECT stash.hash_agg(e ORDER BY n), stash.hash_set_agg(e ORDER BY n) FROM unnest(v) WITH ORDINALITY u(e, n)) h(list, set);
SELECT count(DISTINCT list) AS lists, count(DISTINCT set) AS sets
FROM (VALUES ('{}'::int[]), ('{1}'), ('{1,1}'), ('{1,1,1}'), ('{NULL}'), ('{NULL,NULL}'), ('{1,NULL}'), ('{0}'), ('{1,0}')) a(v),
	LATERAL (SELECT stash.hash_agg(e ORDER BY n), stash.hash_set_agg(e ORDER BY n) FROM unnest(v) WITH ORDINALITY u(e, n)) h(list, set);
SELECT stash.hash_set_agg(r ORDER BY id DESC) = stash.hash_set_agg(r ORDER BY t) AS same_set,
	stash.hash_agg(r ORDER BY id DESC) = stash.hash_agg(r ORDER BY t) AS same_list
FROM hash_r r;
-- one value is not the list or the set of that value
SELECT stash.hash(1) IN (stash.hash_agg(1), stash.hash_set_agg(1)) AS alike, stash.hash_agg(1) = stash.hash_set_agg(1) AS alike
FROM generate_series(1, 1);
-- nor can the borders between values move
SELECT stash.hash_agg(v ORDER BY n) FROM (VALUES (1, 'ab'), (2, 'c')) x(n, v)
INTERSECT
SELECT stash.hash_agg(v ORDER BY n) FROM (VALUES (1, 'a'), (2, 'bc')) x(n, v);

-- types count, domains and lengths do not
CREATE DOMAIN hash_dom AS int CHECK (VALUE < 100);
SELECT stash.hash_agg(1) = stash.hash_agg(1::int8) AS other_type,
	stash.hash_agg('x') = stash.hash_agg('x'::text) AS literal,
	stash.hash_set_agg('x'::varchar(3)) = stash.hash_set_agg('x'::varchar(9)) AS length,
	stash.hash_set_agg(1::hash_dom) = stash.hash_set_agg(1) AS domain,
	stash.hash_set_agg(ARRAY[1]) = stash.hash_set_agg(1) AS in_array
FROM generate_series(1, 2);

-- nothing at all has a hash, too: another one for each type, and never NULL
SELECT count(DISTINCT h) AS hashes, count(h) AS hashed
FROM (SELECT unnest(ARRAY[stash.hash_agg(i), stash.hash_set_agg(i), stash.hash_agg(i::int8), stash.hash_set_agg(i::int8),
	stash.hash_agg(i::text), stash.hash_agg(ROW(i)), stash.hash_agg(ARRAY[i]), stash.hash_agg(NULL)]) AS h
	FROM generate_series(1, 0) i) x;
SELECT stash.hash_agg(NULL) = stash.hash_agg(NULL::text) AS same FROM generate_series(1, 0);
SELECT stash.hash_agg(r) = stash.hash_agg(r) FILTER (WHERE false) AS same FROM hash_r r WHERE false;

-- a NULL row is not a row of NULLs
SELECT stash.hash_agg(NULL::hash_r) = stash.hash_agg(ROW(NULL, NULL, NULL)::hash_r) AS same FROM generate_series(1, 1);
SELECT stash.hash_set_agg(r) = stash.hash_set_agg(ROW(NULL, NULL, NULL)::hash_r) AS same
FROM (VALUES (1)) x(i) LEFT JOIN hash_r r ON r.id = -i;

-- rows are known by the names of their columns; a record brings them along
SELECT stash.hash_agg(r) = stash.hash_agg(q) AS renamed, stash.hash_agg(r) = stash.hash_agg(ROW(r.id, r.t, r.f)) AS unnamed
FROM hash_r r JOIN LATERAL (SELECT r.id AS id, r.t AS tt, r.f AS f) q ON true WHERE r.id = 1;
SELECT stash.hash_agg(v ORDER BY n) AS lists
FROM (VALUES (1, ROW(1, 'a')), (2, ROW(2, 'b'))) x(n, v)
UNION SELECT stash.hash_agg(v ORDER BY n) FROM (VALUES (1, ROW(1, 'a')), (2, ROW(2, 'b'))) x(n, v);
-- shapes may differ from row to row
SELECT stash.hash_set_agg(CASE WHEN i = 1 THEN ROW(1) ELSE ROW(1, 2) END) =
	stash.hash_set_agg(CASE WHEN i = 2 THEN ROW(1) ELSE ROW(1, 2) END) AS same_set
FROM generate_series(1, 2) i;
SELECT stash.hash_agg(ARRAY[ROW(i)]) = stash.hash_agg(ARRAY[ROW(i, i)]) AS same FROM generate_series(1, 2) i;
-- rows without columns are counted
CREATE TABLE hash_none ();
INSERT INTO hash_none DEFAULT VALUES;
SELECT stash.hash_agg(n) AS one, stash.hash_set_agg(n) AS set FROM hash_none n;
INSERT INTO hash_none DEFAULT VALUES;
SELECT stash.hash_agg(n) AS two, stash.hash_set_agg(n) AS set FROM hash_none n;

-- long values, stored in all ways
CREATE TABLE hash_long (plain text, extern text, packed text);
ALTER TABLE hash_long ALTER plain SET STORAGE PLAIN, ALTER extern SET STORAGE EXTERNAL;
INSERT INTO hash_long SELECT repeat(i::text, 1000), repeat(i::text, 30000), repeat(i::text, 30000) FROM generate_series(1, 3) i;
SELECT stash.hash_agg(extern ORDER BY plain) = stash.hash_agg(packed ORDER BY plain) AS same,
	stash.hash_agg(plain ORDER BY plain) = stash.hash_agg(left(extern, length(plain)) ORDER BY plain) AS same,
	stash.hash_set_agg(l) = stash.hash_set_agg(ROW(repeat(plain, 1), repeat(extern, 1), repeat(packed, 1))::hash_long) AS same
FROM hash_long l;

-- GROUP BY, FILTER, DISTINCT, and groups that spill to disk
SELECT g, stash.hash_agg(id ORDER BY id) = (SELECT stash.hash_agg(i) FROM generate_series(2, 5000) i WHERE i % 3 = g) AS same
FROM hash_r, LATERAL (SELECT id % 3) x(g) WHERE id > 1 GROUP BY g ORDER BY 1;
SELECT stash.hash_agg(id ORDER BY id) FILTER (WHERE id <= 2) = (SELECT stash.hash_agg(v) FROM (VALUES (1), (1), (2)) x(v)) AS filtered,
	stash.hash_agg(DISTINCT id ORDER BY id) FILTER (WHERE id <= 2) = (SELECT stash.hash_agg(i) FROM generate_series(1, 2) i) AS is_distinct,
	stash.hash_set_agg(DISTINCT id) FILTER (WHERE id <= 2) = (SELECT stash.hash_set_agg(i) FROM generate_series(1, 2) i) AS is_distinct
FROM hash_r;
CREATE TABLE hash_g AS SELECT i, i % 20000 AS g FROM generate_series(1, 60000) i;
ANALYZE hash_g;
SET work_mem = '64kB';
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT g, stash.hash_set_agg(i), stash.hash_agg(i) FROM hash_g GROUP BY g;
CREATE TABLE hash_spilled AS SELECT g, stash.hash_set_agg(i) AS set, stash.hash_agg(i) AS list FROM hash_g GROUP BY g;
RESET work_mem;
SET enable_sort = on;
SET enable_hashagg = off;
SELECT count(*), count(DISTINCT s.list) FROM hash_spilled s
JOIN (SELECT g, stash.hash_set_agg(i) AS set, stash.hash_agg(i ORDER BY i) AS list FROM hash_g GROUP BY g) o USING (g, set)
WHERE s.list = o.list;
RESET enable_sort;
RESET enable_hashagg;

-- windows: what the frame holds, whether it grows or moves; the state is used again
SELECT count(*) FILTER (WHERE grown = (SELECT stash.hash_agg(i ORDER BY i) FROM generate_series(1, n) i)) AS grown,
	count(*) FILTER (WHERE moved = (SELECT stash.hash_agg(i ORDER BY i) FROM generate_series(greatest(n - 1, 1), n) i)) AS moved,
	count(*) FILTER (WHERE grown_set = (SELECT stash.hash_set_agg(i) FROM generate_series(1, n) i)) AS grown_set,
	count(*) FILTER (WHERE moved_set = (SELECT stash.hash_set_agg(i) FROM generate_series(greatest(n - 1, 1), n) i)) AS moved_set
FROM (SELECT n, stash.hash_agg(n) OVER w AS grown, stash.hash_agg(n) OVER (w ROWS 1 PRECEDING) AS moved,
		stash.hash_set_agg(n) OVER w AS grown_set, stash.hash_set_agg(n) OVER (w ROWS 1 PRECEDING) AS moved_set
	FROM generate_series(1, 1200) n WINDOW w AS (ORDER BY n)) s
WHERE n <= 5 OR n > 1195;
SELECT v IS NULL AS before_first, stash.hash_agg(v) OVER (ORDER BY v ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) = (SELECT stash.hash_agg(i) FROM generate_series(1, 0) i) AS is_empty
FROM (VALUES (1), (2)) x(v) ORDER BY v;

-- workers: 0, 1 and 4 of them
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
PREPARE whole AS SELECT stash.hash_set_agg(r) AS whole, stash.hash_set_agg(t) AS one FROM hash_r r;
PREPARE grouped AS SELECT stash.hash_agg(s ORDER BY g) AS grouped FROM (SELECT id % 7 AS g, stash.hash_set_agg(r) FROM hash_r r GROUP BY 1) s;
CREATE TABLE hash_workers (workers int, whole uuid, one uuid, grouped uuid);
SET max_parallel_workers_per_gather = 0;
EXECUTE whole \gset
EXECUTE grouped \gset
INSERT INTO hash_workers VALUES (0, :'whole', :'one', :'grouped');
SET max_parallel_workers_per_gather = 4;
ALTER TABLE hash_r SET (parallel_workers = 1);
EXPLAIN (COSTS OFF) EXECUTE whole;
EXECUTE whole \gset
EXECUTE grouped \gset
INSERT INTO hash_workers VALUES (1, :'whole', :'one', :'grouped');
ALTER TABLE hash_r SET (parallel_workers = 4);
EXPLAIN (COSTS OFF) EXECUTE whole;
EXECUTE whole \gset
EXECUTE grouped \gset
INSERT INTO hash_workers VALUES (4, :'whole', :'one', :'grouped');
SELECT count(*), count(DISTINCT whole) AS whole, count(DISTINCT one) AS one, count(DISTINCT grouped) AS grouped FROM hash_workers;
SELECT whole = (SELECT stash.hash_table('hash_r')) AS by_table FROM hash_workers WHERE workers = 0;
DEALLOCATE whole;
DEALLOCATE grouped;
-- no row in any worker
SELECT stash.hash_set_agg(r) = (SELECT stash.hash_set_agg(NULL::hash_r) FROM generate_series(1, 0)) AS same FROM hash_r r WHERE f < -1;
-- the list itself is made in one place
EXPLAIN (COSTS OFF) SELECT stash.hash_agg(t) FROM hash_r;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- memory does not grow with the rows: 100 MB of them pass
SELECT stash.hash_agg(v) AS list, stash.hash_set_agg(v) AS set FROM (SELECT repeat('x', 100) AS v FROM generate_series(1, 1000) i) x \gset
SELECT sum(total_bytes) AS before FROM pg_backend_memory_contexts \gset
SELECT set_config('stash_test.before', :'before', false) IS NOT NULL AS noted;
DO $$
DECLARE
	during int8;
BEGIN
	FOR during IN
		SELECT (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE list IS NOT NULL AND set IS NOT NULL)
		FROM (SELECT stash.hash_agg(v) AS list, stash.hash_set_agg(v) AS set FROM (SELECT repeat('x', 1000) AS v FROM generate_series(1, 100000) i) x) y
	LOOP
		RAISE NOTICE 'less than 8 MB: %', during - current_setting('stash_test.before')::int8 < 8000000;
	END LOOP;
END$$;

-- a type changes between two calls of a prepared statement
CREATE TYPE hash_mood AS ENUM ('ok', 'fine');
CREATE TABLE hash_enum (m hash_mood);
INSERT INTO hash_enum VALUES ('ok'), ('fine');
PREPARE enums AS SELECT stash.hash_agg(m ORDER BY m) FROM hash_enum;
EXECUTE enums \gset first_
ALTER TYPE hash_mood RENAME VALUE 'ok' TO 'good';
EXECUTE enums \gset second_
ALTER TYPE hash_mood RENAME VALUE 'good' TO 'ok';
EXECUTE enums \gset third_
SELECT :'first_hash_agg' = :'second_hash_agg' AS renamed, :'first_hash_agg' = :'third_hash_agg' AS back;
DEALLOCATE enums;

-- what cannot be hashed; what only the server may call
SELECT stash.hash_agg(v) FROM (SELECT NULL::gtsvector) x(v);
\echo :SQLSTATE
SELECT stash.hash_list_add(NULL, 1);
\echo :SQLSTATE

DROP TABLE hash_r, hash_none, hash_long, hash_g, hash_spilled, hash_workers, hash_enum;
DROP TYPE hash_mood;
DROP DOMAIN hash_dom;
