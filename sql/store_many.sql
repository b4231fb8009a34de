-- Stash tables: many entries at once.
CREATE SCHEMA stash_many;
SET search_path = stash_many, public, stash;
\set SHOW_CONTEXT never
SELECT stash.create('s'), stash.create('history', keep_versions => 2), stash.create('short', ttl => '1 hour');
-- what a stash holds, by the way of one key
CREATE FUNCTION differs(stash regclass, keys anyarray, "values" anycompatiblearray) RETURNS bigint LANGUAGE sql AS
	$$ SELECT count(*) FROM unnest($2, $3) AS u(k, v) WHERE stash.get($1, k) IS DISTINCT FROM stash.to_variant(v) $$;

-- of two keys that are equal the last wins; NULL is a key and a value
SELECT stash.put_many('s', '{a,b,NULL,a,c}'::text[], '{1,2,3,4,NULL}'::int[]);
SELECT key, value, version FROM stash.entries('s') ORDER BY key;
SELECT stash.get('s', NULL::text), stash.has('s', 'c'::text), stash.has('s', 'd'::text);
-- again: the next version of each
SELECT stash.put_many('s', '{b,d}'::text[], '{two,four}'::text[]);
SELECT key, value, version FROM stash.entries('s') ORDER BY key;
-- nothing; more dimensions; rows; arrays stored out of line, compressed, expanded
SELECT stash.put_many('s', '{}'::int[], '{}'::int[]);
SELECT stash.put_many('s', '{{1,2},{3,4}}'::int[], '[0:3]={a,b,c,d}'::text[]);
SELECT * FROM stash.get_many('s', '[5:6]={4,1}'::int[]);
SELECT stash.put_many('s', ARRAY[ROW(1, 'a'::text), ROW('b'::text, 2.0)], ARRAY[ROW(1), NULL]);
SELECT key, value FROM stash.get_many('s', ARRAY[ROW('b'::text, 2.0), ROW(1, 'a'::text)]);
SELECT stash.get('s', ROW(1, 'a'::text));
CREATE TABLE source AS SELECT array_agg(i ORDER BY md5(i::text)) AS keys, array_agg(repeat('v', 10) || i ORDER BY md5(i::text)) AS vals FROM generate_series(1, 5000) i;
SELECT stash.put_many('s', keys, vals), differs('s', keys, vals) FROM source;
DO $$
DECLARE
	ks int[] := '{}';
BEGIN
	FOR i IN 1 .. 10 LOOP ks[i] := i; END LOOP;
	RAISE NOTICE '% %', stash.put_many('s', ks, ks), differs('s', ks, ks);
END $$;
-- values of any size, each as it came
SELECT stash.put_many('s', array_agg('big ' || i), array_agg(repeat(md5(i::text), i * 10000))) FROM generate_series(1, 12) i;
SELECT bool_and(value = stash.to_variant(repeat(md5(ord::text), ord::int * 10000))) AS same
FROM stash.get_many('s', (SELECT array_agg('big ' || i) FROM generate_series(1, 12) i));
-- elements of every width and alignment, with NULLs among them and without, few and enough to be dealt out
CREATE FUNCTION put_and_look("values" anyarray, OUT nput bigint, OUT ndiffer bigint) LANGUAGE plpgsql AS $$
BEGIN
	nput := stash.put_many('s', $1, $1);
	SELECT count(*) INTO ndiffer
	FROM stash.get_many('s', $1) AS g JOIN unnest($1) WITH ORDINALITY AS u(v, ord) USING (ord)
	WHERE (g.key, g.value) IS DISTINCT FROM (stash.to_variant(v), CASE WHEN v IS NOT NULL THEN stash.to_variant(v) END)
		OR stash.get('s', v) IS DISTINCT FROM g.value;
END $$;
SELECT * FROM put_and_look('{t,f}'::bool[]), put_and_look('{t,NULL,f}'::bool[]) AS with_null;
SELECT * FROM put_and_look('{a,b,c}'::"char"[]), put_and_look('{NULL,a,NULL,b,c}'::"char"[]) AS with_null;
SELECT * FROM put_and_look('{1,2,3}'::smallint[]), put_and_look('{1,NULL,3}'::smallint[]) AS with_null;
SELECT * FROM put_and_look('{1.5,2.5}'::real[]), put_and_look('{1.5,2.5,NULL}'::real[]) AS with_null;
SELECT * FROM put_and_look('{08:00:2b:01:02:03,08:00:2b:01:02:04,08:00:2b:01:02:05}'::macaddr[]), put_and_look('{NULL,08:00:2b:01:02:05,08:00:2b:01:02:03}'::macaddr[]) AS with_null;
SELECT * FROM put_and_look('{10:00+01,11:00+02}'::timetz[]), put_and_look('{10:00+01,NULL,11:00+02}'::timetz[]) AS with_null;
SELECT * FROM put_and_look('{1 day,2 hours,3 mons}'::interval[]), put_and_look('{1 day,NULL,3 mons}'::interval[]) AS with_null;
SELECT * FROM put_and_look('{one,two}'::name[]), put_and_look('{one,NULL,two}'::name[]) AS with_null;
SELECT * FROM put_and_look('{1,22.22,1e100}'::numeric[]), put_and_look('{1,NULL,1e100}'::numeric[]) AS with_null;
SELECT * FROM put_and_look('{"[1,5)",empty}'::int8range[]), put_and_look('{"[1,5)",NULL,empty}'::int8range[]) AS with_null;
SELECT * FROM put_and_look((SELECT array_agg(md5(i::text)::uuid) FROM generate_series(1, 5000) i)),
	put_and_look((SELECT array_agg(CASE WHEN i % 3 > 0 OR i = 3 THEN md5(i::text) END) FROM generate_series(1, 5000) i)) AS with_null;
-- many into an empty index, at its end, until it has three levels; more among them; some behind them
CREATE EXTENSION amcheck;
SELECT stash.create('grown');
SELECT stash.put_many('grown', array_agg(i), array_agg(i)) FROM generate_series(1, 160000) i;
SELECT bt_index_parent_check('grown_pkey', heapallindexed => true);
SELECT stash.put_many('grown', array_agg(i), array_agg(-i)) FROM generate_series(150001, 170000) i;
SELECT bt_index_parent_check('grown_pkey', heapallindexed => true);
DELETE FROM grown WHERE key_hash > '80000000-0000-0000-0000-000000000000';
SELECT stash.put_many('grown', array_agg(i ORDER BY stash.hash(i)), array_agg(i ORDER BY stash.hash(i)))
FROM generate_series(1, 170000) i WHERE stash.hash(i) > '80000000-0000-0000-0000-000000000000';
SELECT bt_index_parent_check('grown_pkey', heapallindexed => true);
SELECT count(*), sum(value::int) FROM stash.entries('grown');
DROP EXTENSION amcheck;

-- rows are formed as the server forms them, be they short or not, NULL, or to expire
CREATE EXTENSION pageinspect;
SELECT stash.create('formed'), stash.create('formed_short', ttl => '1 hour');
SELECT stash.put_many(s, array_agg(repeat('k', i % 150)), array_agg(CASE WHEN i % 7 <> 0 THEN repeat('v', i % 140) END))
FROM generate_series(1, 300) i, (VALUES ('formed'::regclass), ('formed_short')) v(s)
GROUP BY s ORDER BY s;
CREATE FUNCTION images(stash regclass) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s %s %s', i.t_hoff, i.t_bits, i.t_infomask & 7, encode(i.t_data, 'hex'))
	FROM generate_series(0, pg_relation_size(stash) / current_setting('block_size')::int - 1) b, heap_page_items(get_raw_page(stash::text, b)) i
	WHERE i.lp_len > 0
$$;
CREATE TABLE as_server OF stash.entry;
CREATE TABLE as_server_short OF stash.entry;
INSERT INTO as_server SELECT key_hash, key, value, 1, created_at, expires_at FROM formed;
INSERT INTO as_server_short SELECT key_hash, key, value, 1, created_at, expires_at FROM formed_short;
SELECT count(*), count(*) FILTER (WHERE image IN (SELECT images('as_server'))) AS same, max(length(image)) AS longest FROM images('formed') image;
SELECT count(*), count(*) FILTER (WHERE image IN (SELECT images('as_server_short'))) AS same, max(length(image)) AS longest FROM images('formed_short') image;
DROP EXTENSION pageinspect;
-- variants are values of a type of their own, as for put
SELECT stash.put_many('s', array_agg(stash.to_variant(i)), array_agg(stash.to_variant(-i))) FROM generate_series(1, 2) i;
SELECT stash.get('s', 1), stash.get('s', stash.to_variant(2));

-- time to live
SELECT stash.put_many('short', '{1,2}'::int[], '{1,2}'::int[]), stash.put_many('short', ARRAY[3], ARRAY[3], ttl => '1 day');
SELECT key, expires_at BETWEEN now() + '59 min' AND now() + '61 min' AS in_an_hour FROM stash.entries('short') ORDER BY key;
UPDATE short SET expires_at = now() - interval '1 second' WHERE key = stash.to_variant(2);
SELECT * FROM stash.get_many('short', ARRAY[3, 2, 9, NULL, 1, 3]);

-- many new keys, and the same with some that are there: at the beginning, in the middle, at the end of their order
SELECT stash.create('wide');
SELECT stash.put_many('wide', keys, vals), differs('wide', keys, vals), stash.count('wide') FROM source;
SELECT stash.put_many('wide', keys, keys), differs('wide', keys, keys), stash.count('wide') FROM source;
SELECT version, count(*) FROM wide GROUP BY 1;
CREATE TABLE ordered AS SELECT key_hash, row_number() OVER (ORDER BY key_hash) AS at FROM wide;
DELETE FROM wide WHERE key_hash IN (SELECT key_hash FROM ordered WHERE at NOT IN (1, 2500, 2501, 5000));
SELECT stash.put_many('wide', keys, vals), differs('wide', keys, vals), stash.count('wide') FROM source;
SELECT version, count(*) FROM wide GROUP BY 1 ORDER BY 1;
DELETE FROM wide WHERE key_hash IN (SELECT key_hash FROM ordered WHERE at <> 777);
SELECT stash.put_many('wide', keys, vals), differs('wide', keys, vals), stash.count('wide') FROM source;
-- few among many that are there, with places between them that are free
SELECT stash.put_many('wide', keys[1:5000], vals[1:5000]) FROM source;
DELETE FROM wide WHERE key_hash IN (SELECT key_hash FROM ordered WHERE at % 3 = 0);
SELECT stash.put_many('wide', k, v), differs('wide', k, v), stash.count('wide')
FROM (SELECT array_agg(o.at ORDER BY o.at) AS k, array_agg(-o.at ORDER BY o.at) AS v FROM ordered o WHERE o.at % 100 < 2) q;
SELECT stash.put_many('wide', keys, vals), differs('wide', keys, vals), stash.count('wide') FROM source;
SELECT version, count(*) FROM wide GROUP BY 1 ORDER BY 1;
-- the index says the same as the table
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*), count(DISTINCT w.key_hash) FROM ordered o JOIN wide w USING (key_hash);
RESET enable_seqscan;
RESET enable_bitmapscan;
-- twice in a statement
TRUNCATE wide;
SELECT stash.put_many('wide', keys, vals), stash.put_many('wide', keys, keys) FROM source;
SELECT version, count(*) FROM wide GROUP BY 1;
-- a savepoint that is taken back
TRUNCATE wide;
BEGIN;
SAVEPOINT a;
SELECT stash.put_many('wide', keys, vals) FROM source;
ROLLBACK TO a;
SELECT stash.put_many('wide', keys[1:70], vals[1:70]) FROM source;
SELECT stash.put_many('wide', keys[1:60], vals[1:60]) FROM source;
COMMIT;
SELECT stash.put_many('wide', keys[1:60], vals[1:60]) FROM source;
SELECT stash.count('wide');

-- what hangs on a table has its say
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN IF new.value = stash.to_variant(13) THEN RETURN NULL; END IF; new.cost = '1 s'; RETURN new; END $$;
CREATE TRIGGER watch BEFORE INSERT ON wide FOR EACH ROW EXECUTE FUNCTION watch();
TRUNCATE wide;
SELECT stash.put_many('wide', array_agg(i), array_agg(-i)) FROM generate_series(1, 100) i;
SELECT count(*) FROM wide WHERE cost = '1 s';
SELECT stash.put_many('wide', array_agg(i), array_agg(i)) FROM generate_series(1, 100) i;
\echo :SQLSTATE
DROP TRIGGER watch ON wide;
TRUNCATE wide;
CREATE UNIQUE INDEX one_of_a_value ON wide (value);
SELECT stash.put_many('wide', array_agg(i), array_agg(i % 99)) FROM generate_series(1, 100) i;
\echo :SQLSTATE
DROP INDEX one_of_a_value;
ALTER TABLE wide ADD CONSTRAINT small CHECK (value < stash.to_variant(100));
\set VERBOSITY terse
SELECT stash.put_many('wide', array_agg(i), array_agg(i)) FROM generate_series(1, 100) i;
\echo :SQLSTATE
\set VERBOSITY default
ALTER TABLE wide DROP CONSTRAINT small;
-- another key under the hash of one
INSERT INTO wide (key_hash, key) VALUES (stash.hash(1), stash.to_variant('forged'::text));
SELECT stash.put_many('wide', array_agg(i), array_agg(i)) FROM generate_series(1, 100) i;
\echo :SQLSTATE
TRUNCATE wide;

-- versions: one more of each key, the oldest go
SELECT stash.put_many('history', '{1,2,2}'::int[], '{a,b,c}'::text[]);
SELECT stash.put_many('history', '{2,3}'::int[], '{d,e}'::text[]);
SELECT stash.put_many('history', '{2,3}'::int[], '{f,g}'::text[], ttl => '1 day');
SELECT key, value, version, expires_at IS NOT NULL AS expires FROM history ORDER BY key, version;
SELECT * FROM stash.get_many('history', '{1,2,3,4}'::int[]);
SELECT stash.put_many('history', keys, vals) FROM source;
SELECT differs('history', keys, vals), stash.count('history') FROM source;
SELECT key, value, version FROM history WHERE key <= stash.to_variant(4) ORDER BY key, version;

-- keys and values of the newest versions, in the order in which those were stored
SELECT stash.clear('s'), stash.clear('history');
SELECT stash.put('s', k, v), pg_sleep(0.001) IS NULL FROM (VALUES ('z', 1), ('a', 2), ('m', NULL)) AS e(k, v);
SELECT stash.keys('s'), stash.values('s');
SELECT * FROM stash.keys('s');
SELECT stash.put_many('history', ARRAY[v], ARRAY[v + w]), pg_sleep(0.001) IS NULL FROM (VALUES (1, 0), (2, 0), (1, 9)) AS e(v, w);
SELECT k.*, v.* FROM ROWS FROM (stash.keys('history'), stash.values('history')) AS e(k, v), LATERAL (SELECT e.k) k, LATERAL (SELECT e.v) v;
UPDATE history SET expires_at = '-infinity' WHERE version = 2;
SELECT * FROM stash.values('history');

-- merge: as dict.update does
SELECT stash.create('target');
SELECT stash.put('target', 'a'::text, 'old'::text), stash.put('target', 'b'::text, 'kept'::text);
UPDATE s SET cost = '1 min', expires_at = now() + interval '1 day' WHERE key = stash.to_variant('a'::text);
UPDATE s SET expires_at = now() - interval '1 second' WHERE key = stash.to_variant('m'::text);
SELECT stash.merge('target', 's');
SELECT t.key, t.value, t.version, t.cost, t.expires_at = s.expires_at AS expires, t.created_at = s.created_at AS created
FROM target t LEFT JOIN s USING (key_hash) ORDER BY t.key;
-- of versions the newest that has not expired; into versions
SELECT stash.merge('target', 'history'), stash.merge('history', 'target');
SELECT key, value, version FROM target ORDER BY key;
SELECT key, value, version FROM history ORDER BY key, version;
-- of the stash of a memoized function too, whose entries may be there twice
CREATE TABLE doubled OF stash.entry;
CREATE INDEX ON doubled (key_hash);
INSERT INTO doubled SELECT key_hash, key, stash.to_variant(v), 1, '2026-01-01'::timestamptz + v * interval '1 day' FROM s, generate_series(1, 3) v;
SELECT stash.merge('target', 'doubled');
SELECT key, value, version FROM target ORDER BY key;
SELECT stash.merge('target', 'target'), stash.count('target');
-- of a table made by hand: what has no key is no entry, what has no time is older than all
CREATE TABLE loose OF stash.entry;
CREATE INDEX ON loose (key_hash);
INSERT INTO loose VALUES (stash.hash(1), NULL, stash.to_variant(1), 1, now()), (NULL, stash.to_variant(2), NULL, 1, now()),
	(stash.hash(3), stash.to_variant(3), stash.to_variant(3), NULL, NULL);
SELECT stash.create('strict');
SELECT stash.merge('strict', 'loose');
SELECT key, value, version, created_at FROM strict;
-- all at once
SELECT stash.put_many('wide', keys, vals) FROM source;
SELECT stash.clear('target'), stash.merge('target', 'wide'), stash.merge('target', 'wide');
SELECT version, count(*) FROM target GROUP BY 1;

-- temporary, unlogged, partitioned, and with row security
SELECT stash.create('passing', 'temp'), stash.create('fleeting', 'unlogged');
CREATE TABLE parts OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT t, stash.put_many(t, keys, vals), differs(t, keys, vals), stash.put_many(t, keys, keys), differs(t, keys, keys)
FROM source, unnest('{passing,fleeting,parts}'::regclass[]) AS t;
SELECT t, (SELECT pg_catalog.count(DISTINCT ord) FROM stash.get_many(t, keys) WHERE stash.identical(value, key))
FROM source, unnest('{passing,fleeting,parts}'::regclass[]) AS t;

-- rights are those of the table
CREATE ROLE regress_stash_many;
GRANT USAGE ON SCHEMA stash_many TO regress_stash_many;
GRANT INSERT ON wide TO regress_stash_many;
GRANT SELECT ON source TO regress_stash_many;
TRUNCATE wide;
SET ROLE regress_stash_many;
SELECT stash.put_many('wide', keys, vals) FROM source;
\echo :SQLSTATE
SELECT * FROM stash.get_many('wide', '{1}'::int[]);
\echo :SQLSTATE
SELECT stash.merge('wide', 'target');
\echo :SQLSTATE
SELECT * FROM stash.keys('wide');
\echo :SQLSTATE
RESET ROLE;
GRANT SELECT, UPDATE ON wide TO regress_stash_many;
ALTER TABLE wide ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON wide USING (version = 1) WITH CHECK (value <> stash.to_variant('vvvvvvvvvv13'::text));
SET ROLE regress_stash_many;
SELECT stash.put_many('wide', keys, vals) FROM source;
\echo :SQLSTATE
RESET ROLE;
DROP POLICY even ON wide;
ALTER TABLE wide DISABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_many;
SELECT stash.put_many('wide', keys, vals) FROM source;
RESET ROLE;
TRUNCATE wide;
REVOKE USAGE ON SCHEMA stash_many FROM regress_stash_many;
SELECT 'wide'::regclass::oid AS wide \gset
SET ROLE regress_stash_many;
SELECT stash.put_many(:wide, array_agg(i), array_agg(i)) FROM generate_series(1, 100) i;
\echo :SQLSTATE
RESET ROLE;
GRANT USAGE ON SCHEMA stash_many TO regress_stash_many;
BEGIN READ ONLY;
SELECT stash.put_many('wide', keys, vals) FROM source;
\echo :SQLSTATE
ROLLBACK;

-- what is refused
SELECT stash.put_many('s', '{1,2}'::int[], '{1}'::int[]);
\echo :SQLSTATE
SELECT stash.put_many(NULL, '{1}'::int[], '{1}'::int[]);
\echo :SQLSTATE
SELECT stash.put_many('s', NULL::int[], '{1}'::int[]);
\echo :SQLSTATE
SELECT stash.put_many('s', '{1}'::int[], NULL::int[]);
\echo :SQLSTATE
SELECT stash.put_many('s', '{1}'::int[], '{1}'::int[], ttl => '-1 s');
\echo :SQLSTATE
SELECT stash.put_many('source', '{1}'::int[], '{1}'::int[]);
\echo :SQLSTATE
SELECT stash.put_many('doubled', '{1}'::int[], '{1}'::int[]);
\echo :SQLSTATE
SELECT * FROM stash.get_many('s', NULL::int[]);
\echo :SQLSTATE
SELECT * FROM stash.get_many('source', '{1}'::int[]);
\echo :SQLSTATE
SELECT stash.merge('s', NULL);
\echo :SQLSTATE
SELECT stash.merge('s', 'source');
\echo :SQLSTATE
SELECT stash.merge('doubled', 's');
\echo :SQLSTATE

\set VERBOSITY terse
DROP SCHEMA stash_many CASCADE;
DROP ROLE regress_stash_many;
