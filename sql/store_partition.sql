-- Stash tables in partitions.
CREATE SCHEMA stash_partition;
SET search_path = stash_partition, public, stash;
\set SHOW_CONTEXT never
CREATE VIEW shown AS
SELECT c.relname, c.relkind AS kind, c.relpersistence AS persists, pg_get_expr(c.relpartbound, c.oid) AS bound,
	(SELECT string_agg(pg_get_constraintdef(o.oid), ', ' ORDER BY o.contype) FROM pg_constraint o
	 WHERE o.conrelid = c.oid AND o.contype IN ('c', 'p')) AS constraints
FROM pg_class c WHERE c.relnamespace = 'stash_partition'::regnamespace AND c.relkind IN ('r', 'p')
ORDER BY length(c.relname), c.relname;

SELECT stash.create('p', partitions => 3), stash.create('fleeting', 'unlogged', ttl => '1 day', partitions => 2),
	stash.create('history', keep_versions => 2, partitions => 2);
SELECT * FROM shown;
SELECT stash.create('passing', 'temp', partitions => 2);
SELECT relname, relpersistence FROM pg_class WHERE relname ~ '^passing_\d$' ORDER BY 1;
-- as many as one likes, and names as long as they may be
SELECT stash.create('"A ""long"" name_______________________________________________012"', partitions => 11);
SELECT count(*), bool_and(length(inhrelid::regclass::text) < 90) FROM pg_inherits
WHERE inhparent = (SELECT oid FROM pg_class WHERE relname LIKE 'A "long"%' AND relkind = 'p');

-- all that one can do with a stash
CREATE TABLE source AS SELECT array_agg(i) AS keys, array_agg('v' || i) AS vals FROM generate_series(1, 2000) i;
SELECT t, stash.put(t, 'k'::text, 1), stash.put(t, 'k'::text, 2) AS again, stash.put_many(t, keys, vals)
FROM source, unnest('{p,fleeting,history,passing}'::regclass[]) t;
SELECT t, stash.get(t, 'k'::text), stash.has(t, 'l'::text), stash.get(t, 7, NULL::text), stash.count(t), stash.remove(t, 'k'::text)
FROM unnest('{p,fleeting,history,passing}'::regclass[]) t;
SELECT count(*), count(value) FROM source, stash.get_many('p', keys || 0) WHERE ord = 2001 OR value = stash.to_variant('v' || ord);
-- spread over all partitions
SELECT tableoid::regclass, count(*) BETWEEN 500 AND 833 AS about_a_third FROM p GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM stash.keys('p');
SELECT stash.merge('fleeting', 'p'), stash.merge('history', 'p');
SELECT version, count(*) FROM history GROUP BY 1 ORDER BY 1;
SELECT stash, persistence, bytes > 16384 AS bytes FROM stash.stashes WHERE stash::text ~ '^(p|fleeting|history|passing)$' ORDER BY stash::text;
SELECT stash.clear('p'), stash.count('p');
-- what the transaction's snapshot shows, and no other
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT stash.put('p', 1, 1);
SAVEPOINT a;
SELECT stash.put('p', 1, 2), stash.get('p', 1);
SELECT stash.get('p', 1);
ROLLBACK TO a;
SELECT stash.get('p', 1);
COMMIT;

-- options change with the parent
SELECT stash.configure('p', ttl => '1 hour', keep_versions => 0);
SELECT stash.put('p', 1, 2), stash.put('p', 1, 3);
SELECT stash.get('p', 1), count(*) FROM p;
SELECT stash.configure('p', keep_versions => 1);
SELECT * FROM shown WHERE relname IN ('p', 'p_0');
SELECT stash.get('p', 1), stash.count('p');
SELECT stash.configure('p', 'unlogged');
\echo :SQLSTATE

-- a partition is no stash, and is found by the way of one only
SELECT stash.get('p_1', 1);
\echo :SQLSTATE
SELECT stash.get('p', 1);
SELECT stash.get('p_1', 1);
\echo :SQLSTATE

-- partitions of any making: of partitions, by other columns, with columns in another order, without an index, none at all
CREATE TABLE deep OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE deep_0 PARTITION OF deep FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE deep_1 PARTITION OF deep FOR VALUES WITH (MODULUS 2, REMAINDER 1) PARTITION BY RANGE (key_hash);
CREATE TABLE deep_1_0 PARTITION OF deep_1 DEFAULT;
CREATE TABLE ranges OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY RANGE (key_hash);
CREATE TABLE ranges_0 PARTITION OF ranges FOR VALUES FROM (MINVALUE) TO ('80000000-0000-0000-0000-000000000000');
CREATE TABLE ranges_1 PARTITION OF ranges DEFAULT;
CREATE TABLE mixed OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE mixed_0 (proof bytea, cost interval, version int8 NOT NULL, key variant NOT NULL, value variant, dropped int, expires_at timestamptz,
	key_hash uuid NOT NULL, created_at timestamptz NOT NULL);
ALTER TABLE mixed_0 DROP COLUMN dropped;
ALTER TABLE mixed ALTER created_at SET DEFAULT clock_timestamp();
ALTER TABLE mixed ATTACH PARTITION mixed_0 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT t, stash.put_many(t, keys, vals) FROM source, unnest('{deep,ranges,mixed}'::regclass[]) t;
SELECT t, (SELECT count(*) FROM stash.get_many(t, keys) WHERE value = stash.to_variant('v' || ord))
FROM source, unnest('{deep,ranges,mixed}'::regclass[]) t;
DROP TABLE mixed_0;
SELECT count(value) BETWEEN 900 AND 1100 FROM source, stash.get_many('mixed', keys);
DROP TABLE mixed_1;
SELECT stash.get('mixed', 1), stash.count('mixed');

-- rights and row security are those of the parent
CREATE ROLE regress_stash_partition;
GRANT USAGE ON SCHEMA stash_partition TO regress_stash_partition;
GRANT SELECT ON p_0, p_1, p_2 TO regress_stash_partition;
SET ROLE regress_stash_partition;
SELECT stash.get('p', 1);
\echo :SQLSTATE
RESET ROLE;
REVOKE SELECT ON p_0, p_1, p_2 FROM regress_stash_partition;
GRANT SELECT ON p TO regress_stash_partition;
ALTER TABLE p_0 ENABLE ROW LEVEL SECURITY;
ALTER TABLE p_1 ENABLE ROW LEVEL SECURITY;
ALTER TABLE p_2 ENABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_partition;
SELECT stash.get('p', 1);
RESET ROLE;
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_partition;
SELECT stash.get('p', 1), stash.count('p');
RESET ROLE;

-- the results of a function are kept in one table: elsewhere they are computed
CREATE FUNCTION double(int) RETURNS int IMMUTABLE LANGUAGE sql RETURN $1 * 2;
CREATE FUNCTION double_kept(int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = stash_partition.double
stash = stash_partition.history';
SELECT double_kept(4);
SELECT item, value FROM stash.explain('double_kept(int)', 5) WHERE item LIKE 'stash not%' OR item = 'verdict';
SELECT stash.memoize('double(int)', stash => 'history');
\echo :SQLSTATE

-- what is refused
SELECT stash.create('wrong', partitions => -1);
\echo :SQLSTATE
SELECT stash.create('wrong', partitions => 100000);
\echo :SQLSTATE
SELECT stash.create('wrong', partitions => NULL);
\echo :SQLSTATE
CREATE TABLE taken_1 (a int);
SELECT stash.create('taken', partitions => 2);
\echo :SQLSTATE
SELECT stash.drop('p');
SELECT * FROM shown WHERE relname LIKE 'p%';

\set VERBOSITY terse
DROP SCHEMA stash_partition CASCADE;
DROP ROLE regress_stash_partition;
