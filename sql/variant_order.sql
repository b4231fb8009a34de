-- stash.variant: comparison, sort, group, join, index, partition. The operators are in schema stash.
\set VERBOSITY terse
CREATE SCHEMA variant_order;
SET search_path = variant_order, public;
CREATE TYPE mood AS ENUM ('z', 'y', 'x');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);

-- within a type: NULL first, then the type's own order, text by "C"
CREATE TABLE v (v stash.variant);
INSERT INTO v SELECT stash.to_variant(i) FROM unnest('{10,9,-1,NULL,2147483647,9}'::int[]) i;
INSERT INTO v SELECT stash.to_variant(x) FROM unnest('{b,B,a,"",NULL,ä,z}'::text[]) x;
INSERT INTO v SELECT stash.to_variant(x) FROM unnest('{1.0,1.00,10,9.5,NaN,-Infinity}'::numeric[]) x;
INSERT INTO v SELECT stash.to_variant(x) FROM (VALUES ('{2}'::int[]), ('{1,5}'), ('{}'), ('{1}'), (NULL)) t(x);
INSERT INTO v SELECT stash.to_variant(x) FROM (VALUES (ROW(2, 'a')), (ROW(10, 'a')), (ROW(2, 'B')), (ROW(2, NULL)), (ROW(NULL::int, 'a'))) t(x);
INSERT INTO v SELECT stash.to_variant(x) FROM (VALUES ('[5,9)'::int4range), ('[10,11)'), ('empty')) t(x);
INSERT INTO v VALUES (NULL);
SELECT v FROM v ORDER BY v, v::text;
SELECT v FROM v WHERE stash.typeof(v) = 'int4' ORDER BY v DESC NULLS LAST;
-- each operator agrees with the order, for all pairs
SELECT count(*) AS pairs,
	count(*) FILTER (WHERE (a.v OPERATOR(stash.=) b.v) <> (stash.variant_cmp(a.v, b.v) = 0)
		OR (a.v OPERATOR(stash.<>) b.v) <> (stash.variant_cmp(a.v, b.v) <> 0) OR (a.v OPERATOR(stash.<) b.v) <> (stash.variant_cmp(a.v, b.v) < 0)
		OR (a.v OPERATOR(stash.<=) b.v) <> (stash.variant_cmp(a.v, b.v) <= 0) OR (a.v OPERATOR(stash.>) b.v) <> (stash.variant_cmp(a.v, b.v) > 0)
		OR (a.v OPERATOR(stash.>=) b.v) <> (stash.variant_cmp(a.v, b.v) >= 0) OR sign(stash.variant_cmp(a.v, b.v)) <> -sign(stash.variant_cmp(b.v, a.v))
		OR (stash.variant_cmp(a.v, b.v) = 0 AND (stash.variant_hash(a.v) <> stash.variant_hash(b.v)
			OR stash.variant_hash_extended(a.v, 7) <> stash.variant_hash_extended(b.v, 7)))) AS wrong
FROM v a, v b WHERE a.v IS NOT NULL AND b.v IS NOT NULL;
SELECT count(*) AS not_transitive FROM v a, v b, v c
WHERE stash.variant_cmp(a.v, b.v) <= 0 AND stash.variant_cmp(b.v, c.v) <= 0 AND stash.variant_cmp(a.v, c.v) > 0;
-- hashes tell apart what differs, also rows; only NaN and -Infinity have one for the server's numeric
SELECT count(DISTINCT stash.variant_hash_extended(v, 0)) AS hashes, count(DISTINCT v) AS values FROM v;
SELECT stash.variant_hash(stash.to_variant(ROW(1, 'a'))) <> stash.variant_hash(stash.to_variant(ROW(1, 'b'))) AS rows,
	stash.variant_hash(stash.to_variant(1)) <> stash.variant_hash(stash.to_variant(1::int8)) AS types,
	stash.variant_hash(stash.to_variant(ROW(1.0, 'a'))) = stash.variant_hash(stash.to_variant(ROW(1.00, 'a'))) AS equal_rows,
	stash.variant_hash_extended(stash.to_variant(1), 0) <> stash.variant_hash_extended(stash.to_variant(1), 1) AS seeds;
-- by value, never by codec
SELECT ('\x' || encode(stash.serialize(repeat('a', 100), 'none'), 'hex'))::stash.variant OPERATOR(stash.=) stash.to_variant(repeat('a', 100)) AS codec;
-- types apart: 1 is not 1::int8, nor '1'
SELECT stash.to_variant(1) OPERATOR(stash.=) stash.to_variant(1::int8) AS int8, stash.to_variant(1) OPERATOR(stash.=) stash.to_variant('1') AS text,
	stash.to_variant(NULL::int) OPERATOR(stash.=) stash.to_variant(NULL::int) AS nulls, stash.to_variant(NULL::int) OPERATOR(stash.=) stash.to_variant(NULL::text) AS other_null,
	stash.to_variant(1.0) OPERATOR(stash.=) stash.to_variant(1.00) AS scale, stash.to_variant(0.0::float8) OPERATOR(stash.=) stash.to_variant('-0'::float8) AS minus_zero,
	stash.to_variant('a'::char(3)) OPERATOR(stash.=) stash.to_variant('a'::char(5)) AS padding;

-- group, distinct, min, max and window, by sort and by hash
SELECT min(v::text), count(*) FROM v GROUP BY v HAVING count(*) > 1 ORDER BY v;
SET enable_hashagg = off;
SELECT min(v::text), count(*) FROM v GROUP BY v HAVING count(*) > 1 ORDER BY v;
RESET enable_hashagg;
SELECT count(*) FROM (SELECT DISTINCT v FROM v) x;
SELECT count(*) FROM (SELECT v FROM v UNION SELECT v FROM v) x;
SELECT count(*) FROM v WHERE v OPERATOR(stash.=) ANY (ARRAY['int4:9', 'text:a']::stash.variant[]);

-- hash join, merge join, nested loop: the same pairs
CREATE TABLE big AS SELECT i AS id, stash.to_variant(i % 100) AS v FROM generate_series(1, 500) i
UNION ALL SELECT i, stash.to_variant('k' || i % 100) FROM generate_series(1, 500) i
UNION ALL SELECT i, stash.to_variant(ROW(i % 10, 'x' || i % 10)) FROM generate_series(1, 500) i;
ANALYZE big;
\set join 'SELECT count(*) FROM big a JOIN big b ON a.v OPERATOR(stash.=) b.v;'
SET enable_mergejoin = off; SET enable_nestloop = off;
EXPLAIN (COSTS off) :join
:join
SET enable_mergejoin = on; SET enable_hashjoin = off;
EXPLAIN (COSTS off) :join
:join
SET enable_nestloop = on; SET enable_mergejoin = off;
:join
RESET ALL;
SET search_path = variant_order, public;

-- btree and hash index; a unique one takes 1.0 for 1.00
CREATE INDEX big_btree ON big (v);
SET enable_seqscan = off; SET enable_bitmapscan = off;
EXPLAIN (COSTS off) SELECT id FROM big WHERE v OPERATOR(stash.=) 'int4:7';
SELECT count(*) FROM big WHERE v OPERATOR(stash.=) 'int4:7';
SELECT count(*) FROM big WHERE v OPERATOR(stash.>=) 'int4:0' AND v OPERATOR(stash.<) 'int4:10';
SELECT v, count(*) FROM big WHERE v OPERATOR(stash.>=) '(f1 int4,f2 text):(8,)' GROUP BY v ORDER BY v;
DROP INDEX big_btree;
CREATE INDEX big_hash ON big USING hash (v);
EXPLAIN (COSTS off) SELECT id FROM big WHERE v OPERATOR(stash.=) 'text:k7';
SELECT count(*) FROM big WHERE v OPERATOR(stash.=) 'text:k7';
SELECT count(*) FROM big WHERE v OPERATOR(stash.=) '(f1 int4,f2 text):(3,x3)';
RESET enable_seqscan; RESET enable_bitmapscan;
CREATE TABLE one (v stash.variant PRIMARY KEY);
INSERT INTO one VALUES ('numeric:1.0'), ('int4:1'), ('numeric');
INSERT INTO one VALUES ('numeric:1.00');
\echo :SQLSTATE
INSERT INTO one VALUES ('numeric:1.00'), ('text:1') ON CONFLICT (v) DO NOTHING;
SELECT v FROM one ORDER BY v;

-- partitions by hash and by list
CREATE TABLE parts (v stash.variant, n int) PARTITION BY HASH (v);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO parts SELECT v, id FROM big;
SELECT count(DISTINCT tableoid) AS partitions, min(n) > 100 AS even FROM (SELECT tableoid, count(*) AS n FROM parts GROUP BY 1) x;
SELECT count(DISTINCT tableoid) AS partition, count(*) FROM parts WHERE v OPERATOR(stash.=) 'int4:7';
CREATE TABLE lists (v stash.variant) PARTITION BY LIST (v);
CREATE TABLE lists_a PARTITION OF lists FOR VALUES IN ('int4:1', 'text:a');
CREATE TABLE lists_b PARTITION OF lists FOR VALUES IN ('numeric:1.0');
INSERT INTO lists VALUES ('text:a'), ('int4:1'), ('numeric:1.000');
SELECT tableoid::regclass, v FROM lists ORDER BY v;
INSERT INTO lists VALUES ('int8:1');
\echo :SQLSTATE

-- types that a user may alter go by bytes, so that no index breaks, and no code of a user runs
CREATE FUNCTION told(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'asked about %', $1; RETURN true; END $$;
CREATE DOMAIN curious AS int CHECK (told(value));
CREATE TABLE own (v stash.variant);
INSERT INTO own VALUES (stash.to_variant('y'::mood)), (stash.to_variant('z'::mood)), (stash.to_variant('x'::mood)), (stash.to_variant(ROW(2, 'a')::pair)),
	(stash.to_variant(ROW(1, 'b')::pair)), (stash.to_variant(5::positive)), (stash.to_variant(4::positive)), (stash.to_variant(NULL::mood)),
	(stash.to_variant('now'::regproc)), (stash.to_variant('int4'::regtype)), (stash.to_variant('{"a":1}'::json)), (stash.to_variant('(1,2)'::point));
INSERT INTO own SELECT stash.to_variant(3::curious);
CREATE UNIQUE INDEX own_v ON own (v);
SELECT v FROM own ORDER BY v;
CREATE TABLE before AS SELECT stash.variant_send(v) AS frame, row_number() OVER (ORDER BY v) AS place FROM own;
ALTER TYPE mood RENAME VALUE 'y' TO 'yy';
ALTER TYPE mood ADD VALUE 'new' BEFORE 'z';
ALTER TYPE pair ADD ATTRIBUTE c int;
DROP DOMAIN positive;
SELECT count(*) AS moved FROM (SELECT stash.variant_send(v) AS frame, row_number() OVER (ORDER BY v) AS place FROM own) own
JOIN before USING (frame) WHERE own.place <> before.place;
SET enable_seqscan = off;
SELECT count(*) AS found FROM own a WHERE EXISTS (SELECT FROM own b WHERE b.v OPERATOR(stash.=) a.v);
RESET enable_seqscan;
SELECT v FROM own ORDER BY v;

DROP SCHEMA variant_order CASCADE;
