-- stash.variant: keys of indexes, constraints and partitions; all that works for text.
\set VERBOSITY terse
CREATE SCHEMA variant_key;
SET search_path = variant_key, public;
CREATE TYPE mood AS ENUM ('z', 'y');
-- whether a plan says something, and which relations it reads
CREATE FUNCTION plan_says(query text, wanted text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE line text; said bool := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP said := said OR line ~ wanted; END LOOP;
	RETURN said;
END $$;
CREATE FUNCTION plan_reads(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; relations text[];
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP relations := relations || substring(line, 'Scan.* on (\w+)'); END LOOP;
	RETURN (SELECT string_agg(DISTINCT r, ' ' ORDER BY r) FROM unnest(relations) r);
END $$;
CREATE TABLE many AS SELECT i AS id, stash.to_variant(i) AS v FROM generate_series(1, 300) i
UNION ALL SELECT 300 + i, stash.to_variant('k' || i) FROM generate_series(1, 300) i
UNION ALL SELECT 600 + i, stash.to_variant(i * 0.5) FROM generate_series(1, 300) i
UNION ALL SELECT 900 + i, stash.to_variant(repeat('long ', 1000) || i) FROM generate_series(1, 20) i;
VACUUM ANALYZE many;

-- a unique index of long values, after REINDEX and after changes: each is found by index as by scan
CREATE FUNCTION lost(OUT "of" bigint, OUT lost bigint) LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
	SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM variant_key.many b WHERE b.v OPERATOR(stash.=) a.v AND b.id = a.id)) INTO "of", lost FROM variant_key.many a;
END $$;
CREATE UNIQUE INDEX many_v ON many (v);
SELECT * FROM lost();
REINDEX INDEX many_v;
UPDATE many SET v = stash.to_variant(v::numeric + 1000) WHERE id BETWEEN 601 AND 700;
DELETE FROM many WHERE id % 7 = 0;
SELECT * FROM lost();
INSERT INTO many VALUES (0, 'numeric:1002.00');
\echo :SQLSTATE
INSERT INTO many VALUES (0, 'numeric:1002.00') ON CONFLICT (v) DO UPDATE SET id = many.id RETURNING id, v;
DROP INDEX many_v;
CREATE INDEX many_v ON many USING hash (v);
SELECT * FROM lost();
REINDEX INDEX many_v;
SELECT * FROM lost();
DROP INDEX many_v;
-- the sort of an index build and the order of comparisons agree, also for numbers of all sizes, both zeros, NaN and empty values
CREATE TABLE edges AS SELECT row_number() OVER () AS id, v FROM (
	SELECT stash.to_variant(sign * (2::numeric ^ bits + more)::int8) AS v FROM generate_series(0, 62) bits, (VALUES (1), (-1)) s(sign), generate_series(-1, 1) more
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{-32768,-1,0,1,32767}'::int2[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{-2147483648,-1,0,1,2147483647,NULL}'::int4[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{-inf,-1e300,-1,-1e-300,-0,0,1e-300,1,1e300,inf,NaN,NULL}'::float8[]) x
	UNION ALL SELECT stash.to_variant(x::float4) FROM unnest('{-inf,-1,-0,0,1e-30,1,inf,NaN}'::float8[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest(ARRAY['', 'a', 'aa', 'aaaa', 'aaaab', 'aaaac', 'ä', 'z', repeat('b', 5000), repeat('b', 4999) || 'c', NULL]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{"\\x","\\x00","\\x0000","\\x01","\\xff","\\xffffffffffff"}'::bytea[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{-infinity,4713-01-01 BC,2000-01-01,2024-02-03,infinity}'::date[]) x
	UNION ALL SELECT stash.to_variant(x::timestamptz) FROM unnest('{-infinity,4713-01-01 BC,2000-01-01,2024-02-03,infinity}'::timestamp[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{00:00,12:00,24:00}'::time[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{00000000-0000-0000-0000-000000000000,00000000-0000-0000-ffff-ffffffffffff,ffffffff-ffff-ffff-ffff-ffffffffffff}'::uuid[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{t,f,NULL}'::bool[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{1.5,-1.5,0,NaN}'::numeric[]) x
	UNION ALL SELECT stash.to_variant(x) FROM unnest('{10.0.0.0/8,10.0.0.1}'::inet[]) x
	UNION ALL SELECT stash.to_variant(x) FROM (VALUES ('{1}'::int[]), ('{0,1}'), ('{}')) t(x)
	UNION ALL SELECT stash.to_variant(x) FROM unnest(enum_range(NULL::mood)) x) x;
CREATE TABLE sorted AS SELECT v, row_number() OVER (ORDER BY v) AS place FROM edges;
SELECT count(*) AS values, count(*) FILTER (WHERE stash.variant_cmp(a.v, b.v) > 0) AS misplaced FROM sorted a JOIN sorted b ON b.place = a.place + 1;
-- and so does the order of the types themselves
SELECT 'int8' AS type, count(*) FILTER (WHERE a.v::int8 > b.v::int8) AS misplaced FROM sorted a JOIN sorted b ON b.place = a.place + 1 AND stash.typeof(a.v) = 'int8' AND stash.typeof(b.v) = 'int8'
UNION ALL SELECT 'float8', count(*) FILTER (WHERE a.v::float8 > b.v::float8) FROM sorted a JOIN sorted b ON b.place = a.place + 1 AND stash.typeof(a.v) = 'float8' AND stash.typeof(b.v) = 'float8'
UNION ALL SELECT 'text', count(*) FILTER (WHERE a.v::text COLLATE "C" > b.v::text COLLATE "C") FROM sorted a JOIN sorted b ON b.place = a.place + 1 AND stash.typeof(a.v) = 'text' AND stash.typeof(b.v) = 'text';

-- min and max: of all, in groups, by index, in workers
SELECT stash.min(v), stash.max(v), stash.min(v) FILTER (WHERE id < 0) IS NULL AS none FROM (SELECT * FROM edges WHERE stash.typeof(v) IN ('int4', 'bool')) x;
SELECT stash.typeof(v) AS type, stash.min(v) AS min, stash.max(v) AS max FROM many WHERE id < 900 GROUP BY 1 ORDER BY 1;
CREATE INDEX many_v ON many (v);
SELECT plan_says('SELECT stash.min(v) FROM many', 'Index Only Scan using many_v') AS min, plan_says('SELECT stash.max(v) FROM many', 'Index Only Scan Backward using many_v') AS max;
SELECT stash.min(v), stash.max(v)::text = (SELECT max(v::text COLLATE "C") FROM many WHERE stash.typeof(v) = 'text') AS max FROM many WHERE stash.typeof(v) <> 'numeric';
SELECT plan_says('SELECT id FROM many ORDER BY v DESC LIMIT 1', 'Index Scan Backward using many_v') AS sorted;

-- foreign key
CREATE TABLE parent (v stash.variant PRIMARY KEY);
INSERT INTO parent VALUES ('int4:1'), ('text:a'), ('numeric:1.0'), ('variant_key.mood:y');
CREATE TABLE child (v stash.variant REFERENCES parent ON UPDATE CASCADE ON DELETE SET NULL);
INSERT INTO child VALUES ('int4:1'), ('numeric:1.00'), ('variant_key.mood:y'), (NULL);
INSERT INTO child VALUES ('int8:1');
\echo :SQLSTATE
UPDATE parent SET v = 'int4:2' WHERE v OPERATOR(stash.=) 'int4:1';
DELETE FROM parent WHERE v OPERATOR(stash.=) 'numeric:1.000';
SELECT v FROM child ORDER BY v;

-- CHECK, DEFAULT, generated column, domain, composite, array, exclusion
CREATE DOMAIN number AS stash.variant CHECK (stash.typeof(value) IN ('int4', 'numeric')) DEFAULT 'int4:0';
CREATE TYPE tagged AS (tag text, v stash.variant);
-- typeof and casts are stable: they ask the catalog; equality and order are not
CREATE TABLE typed (n number, v stash.variant DEFAULT 'text:none' CHECK (v OPERATOR(stash.<>) 'text:bad'), vs stash.variant[], t tagged,
	is_default bool GENERATED ALWAYS AS (v OPERATOR(stash.=) 'text:none') STORED, frame bytea GENERATED ALWAYS AS (v::bytea) STORED,
	EXCLUDE USING btree (v WITH OPERATOR(stash.=)));
INSERT INTO typed (vs, t) VALUES (ARRAY[stash.to_variant(1), stash.to_variant('x, "y"'), NULL, stash.to_variant(NULL::int)], ROW('tag', stash.to_variant('{1,2}'::int[])));
INSERT INTO typed (n, v, vs, t) VALUES ('numeric:1.5', 'int4:1', '{"text:a,b",NULL}', '(tag,"text:(x)")');
INSERT INTO typed (v) VALUES ('int4:1');
\echo :SQLSTATE
INSERT INTO typed (n) VALUES ('text:x');
\echo :SQLSTATE
INSERT INTO typed (v) VALUES ('text:bad');
\echo :SQLSTATE
SELECT n, v, vs, t, is_default, length(frame) > 16 AS frame FROM typed ORDER BY v;
SELECT count(*) AS same FROM typed WHERE vs::text::stash.variant[] = vs AND t::text::tagged = t;
-- what names an operator, and not a class, finds it by the search_path
SET search_path = variant_key, stash, public;
SELECT 'text:a,b'::stash.variant = ANY (vs) AS any, array_position(vs, 'text:a,b') AS position, (t).v, vs[1] FROM typed ORDER BY v;
SELECT ARRAY['int4:1', 'int4:3']::stash.variant[] < ARRAY['int4:1', 'text:a']::stash.variant[] AS less, ARRAY['int4:1', 'text:a']::stash.variant[] @> ARRAY['text:a']::stash.variant[] AS contains,
	'{int4:1,int4:2}'::stash.variant[] && '{int4:2}' AS overlaps, ROW('int4:1'::stash.variant) < ROW('int4:2'::stash.variant) AS rows;
SELECT count(*) AS "in" FROM many WHERE v IN ('int4:1', 'int4:2', 'text:k1');
SELECT plan_says($$SELECT id FROM many WHERE v IN ('int4:1', 'int4:2')$$, 'many_v') AS in_by_index;
SELECT count(*) AS "using" FROM many a JOIN many b USING (v);
SELECT NULLIF('int4:1'::variant, 'int4:1') IS NULL AS "nullif", 'int4:1'::variant IS DISTINCT FROM 'int4:2' AS "distinct", 'int4:1'::variant BETWEEN 'int4:0' AND 'int4:2' AS "between",
	CASE 'text:a'::variant WHEN 'int4:1' THEN 1 WHEN 'text:a' THEN 2 END AS "case", greatest('int4:1'::variant, 'int4:3', 'int4:2') AS "greatest", min(v) AS min FROM parent;
SET search_path = variant_key, public;
SELECT DISTINCT vs FROM (VALUES ('{int4:1}'::stash.variant[]), ('{int4:1}'), ('{numeric:1.0}'), ('{numeric:1.00}')) x(vs) ORDER BY vs;
SELECT array_agg(v ORDER BY v) AS array, count(DISTINCT v) AS distinct, string_agg(v::text, ',' ORDER BY v) AS string FROM parent;

-- window functions, set operations, recursion, IN
SELECT v, rank() OVER w, dense_rank() OVER w, lag(v) OVER w, first_value(v) OVER (PARTITION BY stash.typeof(v) ORDER BY v DESC) AS last, count(*) OVER (PARTITION BY v) AS n
FROM (VALUES ('int4:2'::stash.variant), ('int4:1'), ('numeric:1.0'), ('numeric:1.00'), ('text:x'), (NULL)) x(v) WINDOW w AS (ORDER BY v) ORDER BY v, n;
SELECT v FROM (VALUES ('int4:1'::stash.variant), ('text:a')) x(v) EXCEPT SELECT 'text:a'::stash.variant;
SELECT v FROM (VALUES ('int4:1'::stash.variant), ('text:a')) x(v) INTERSECT SELECT 'text:a'::stash.variant;
WITH RECURSIVE r(v) AS (SELECT stash.to_variant(1) UNION SELECT stash.to_variant(v::int % 3 + 1) FROM r) SELECT v FROM r ORDER BY v;
SELECT v, GROUPING(v), count(*) FROM (VALUES ('int4:1'::stash.variant), ('int4:1'), ('text:a')) x(v) GROUP BY ROLLUP (v) ORDER BY v;
SELECT mode() WITHIN GROUP (ORDER BY v), percentile_disc(0.5) WITHIN GROUP (ORDER BY v) FROM many WHERE id <= 300;

-- materialized view
CREATE MATERIALIZED VIEW seen AS SELECT v, count(*) AS n FROM child GROUP BY v;
CREATE UNIQUE INDEX ON seen (v);
INSERT INTO child VALUES ('int4:2'), ('text:a');
REFRESH MATERIALIZED VIEW CONCURRENTLY seen;
SELECT * FROM seen ORDER BY v;
MERGE INTO child USING (VALUES ('text:a'::stash.variant)) s(v) ON child.v OPERATOR(stash.=) s.v WHEN MATCHED THEN DELETE;
SELECT count(*) FROM child;

-- partitions by range and list: routing, pruning, bounds as literals
CREATE TABLE ranges (v stash.variant, n int) PARTITION BY RANGE (v);
CREATE TABLE ranges_null PARTITION OF ranges FOR VALUES FROM (MINVALUE) TO ('int4:-2147483648');
CREATE TABLE ranges_few PARTITION OF ranges FOR VALUES FROM ('int4:-2147483648') TO ('int4:100');
CREATE TABLE ranges_many PARTITION OF ranges FOR VALUES FROM ('int4:100') TO ('text');
CREATE TABLE ranges_text PARTITION OF ranges FOR VALUES FROM ('text') TO ('oid');
CREATE TABLE ranges_rest PARTITION OF ranges DEFAULT;
CREATE TABLE ranges_overlap PARTITION OF ranges FOR VALUES FROM ('int4:50') TO ('int4:60');
\echo :SQLSTATE
INSERT INTO ranges SELECT v, id FROM many;
INSERT INTO ranges VALUES ('int4', 0), ('text', 0), ('bool:t', 0);
SELECT tableoid::regclass AS partition, count(*), min(stash.typeof(v)) FROM ranges GROUP BY 1 ORDER BY 1;
SELECT relname, pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE relname LIKE 'ranges\_%' AND relkind = 'r' ORDER BY 1;
SELECT plan_reads('SELECT * FROM ranges WHERE v OPERATOR(stash.=) ''int4:7''');
SELECT plan_reads('SELECT * FROM ranges WHERE v OPERATOR(stash.>=) ''int4:200'' AND v OPERATOR(stash.<) ''text:a''');
SELECT plan_reads('SELECT * FROM ranges WHERE v OPERATOR(stash.=) ANY (''{int4:7,text:k1}'')');
PREPARE pruned(stash.variant) AS SELECT count(*) FROM ranges WHERE v OPERATOR(stash.=) $1;
SET plan_cache_mode = force_generic_plan;
SELECT plan_reads('EXECUTE pruned(''text:k2'')');
EXECUTE pruned('text:k2');
RESET plan_cache_mode;
UPDATE ranges SET v = 'int4:1000' WHERE v OPERATOR(stash.=) 'int4:1';
SELECT tableoid::regclass AS moved FROM ranges WHERE v OPERATOR(stash.=) 'int4:1000';
CREATE TABLE lists (v stash.variant, n int) PARTITION BY LIST (v);
CREATE TABLE lists_some PARTITION OF lists FOR VALUES IN ('numeric:1.0', 'text:it''s: "x"', 'variant_key.mood:y', '(a int4,b text):(1,x)');
CREATE TABLE lists_null PARTITION OF lists FOR VALUES IN (NULL, 'int4');
INSERT INTO lists VALUES ('numeric:1.00', 1), ('text:it''s: "x"', 2), ('variant_key.mood:y', 3), ('int4', 4), (NULL, 5), ('(a int4,b text):(1,x)', 6);
SELECT tableoid::regclass AS partition, n FROM lists ORDER BY n;
SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE relname LIKE 'lists\_%' ORDER BY 1;
SELECT plan_reads('SELECT * FROM lists WHERE v OPERATOR(stash.=) ''numeric:1''');
CREATE TABLE hashes (v stash.variant, n int) PARTITION BY HASH (v);
CREATE TABLE hashes_0 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashes_1 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashes SELECT v, id FROM many;
SELECT count(*) AS found FROM many, LATERAL (SELECT FROM hashes h WHERE h.v OPERATOR(stash.=) many.v LIMIT 1) x;

DROP SCHEMA variant_key CASCADE;
