-- Stash tables: put, get_or_put and pop; what they do to triggers, constraints, forged rows, transactions.
CREATE SCHEMA stash_write;
SET search_path = stash_write, public;
\set SHOW_CONTEXT never
SELECT stash.create('s');

-- pop gives the value and deletes it
SELECT stash.put('s', 'a', 1), stash.put('s', 'b', '{1,NULL}'::int[]);
SELECT stash.pop('s', 'a'), stash.has('s', 'a') AS seen_by_the_statement;
SELECT stash.pop('s', 'a') IS NULL AS absent, stash.has('s', 'a'), stash.count('s');
SELECT stash.pop('s', 'b', NULL::int[]), stash.pop('s', 'b', NULL::int[]) IS NULL AS once;
-- a NULL value goes as well, and so does an expired one, which is not given
SELECT stash.put('s', 'null', NULL), stash.put('s', 'null int', NULL::int), stash.put('s', 'gone', 1);
UPDATE s SET expires_at = clock_timestamp() WHERE key::text = 'gone';
SELECT stash.pop('s', 'null') IS NULL AS is_null, stash.pop('s', 'null int', NULL::int) IS NULL AS is_null_too,
	stash.pop('s', 'gone') IS NULL AS expired, stash.pop('s', 'gone', NULL::int) IS NULL AS absent;
SELECT count(*) FROM s;
-- a large value that lies outside the row
SELECT stash.put('s', 'big', (SELECT array_agg(md5(i::text)) FROM generate_series(1, 20000) i));
SELECT stash.pop('s', 'big', NULL::text[]) = (SELECT array_agg(md5(i::text)) FROM generate_series(1, 20000) i) AS is_whole;
-- of the wrong type it stays
SELECT stash.put('s', 'a', 1);
SELECT stash.pop('s', 'a', NULL::text);
\echo :SQLSTATE
SELECT stash.pop('s', 'a', NULL);
\echo :SQLSTATE
SELECT stash.pop('s', 'a', NULL::int);

-- get_or_put: the value there, or the default, which is there from then on
SELECT stash.get_or_put('s', 'a', 1), stash.get_or_put('s', 'a', 2);
SELECT stash.get_or_put('s', 'a', 'of another type'::text), stash.get('s', 'a'), (SELECT version FROM s);
SELECT stash.value(stash.get_or_put('s', 'a', 3), NULL::int) + 1 AS sum;
-- a NULL value is there
SELECT stash.put('s', 'null', NULL);
SELECT stash.get_or_put('s', 'null', 1) IS NULL AS is_null, stash.get_or_put('s', 'null too', NULL::int) IS NULL AS stored;
SELECT stash.has('s', 'null too'), stash.get_or_put('s', 'null too', 1) IS NULL AS is_null;
-- an expired one is not: it is taken over, as by put
UPDATE s SET expires_at = clock_timestamp(), cost = '1 s' WHERE key::text = 'a';
SELECT stash.get_or_put('s', 'a', 'new', '1 hour');
SELECT version, value, expires_at - created_at AS lifetime, cost FROM s WHERE key::text = 'a';
-- the ttl is that of the default alone
SELECT stash.get_or_put('s', 'a', 'newer', '1 day');
SELECT expires_at - created_at AS lifetime FROM s WHERE key::text = 'a';
SELECT stash.configure('s', ttl => '2 hours');
SELECT stash.get_or_put('s', 'with ttl', 1);
SELECT expires_at - created_at AS lifetime FROM s WHERE key::text = 'with ttl';
SELECT stash.configure('s', reset => '{ttl}');
-- all calls of a statement agree, and know what it did before
SELECT n, stash.get_or_put('s', 'same', n), stash.has('s', 'same') FROM generate_series(1, 3) n;
SELECT version, value FROM s WHERE key::text = 'same';
SELECT stash.pop('s', 'same'), stash.get_or_put('s', 'same', 'again'), stash.get_or_put('s', 'same', 'and again');
SELECT stash.clear('s');

-- keys and values of all sorts
SELECT stash.get_or_put('s', '', ''::bytea), stash.get_or_put('s', 'Straße 愛 🙂', 'naïve 🙂'), stash.get_or_put('s', NULL, 'a text NULL'),
	stash.get_or_put('s', NULL::int, 'an int NULL'), stash.get_or_put('s', '{}'::int[], '{}'::text[]),
	stash.get_or_put('s', ROW(1, NULL), ROW(NULL, '')), stash.get_or_put('s', E'a\tb\nc', E'\\x'), stash.get_or_put('s', repeat('k', 10000), 1);
SELECT stash.get('s', '', NULL::bytea), stash.get('s', 'Straße 愛 🙂'), stash.get('s', NULL), stash.get('s', NULL::int), stash.get('s', '{}'::int[]),
	stash.get('s', ROW(1, NULL)), stash.get('s', E'a\tb\nc');
SELECT stash.pop('s', ''), stash.pop('s', 'Straße 愛 🙂', ''::text), stash.pop('s', NULL), stash.pop('s', NULL::int), stash.pop('s', '{}'::int[]),
	stash.pop('s', ROW(1, NULL)), stash.pop('s', E'a\tb\nc'), stash.pop('s', repeat('k', 10000));
SELECT count(*) FROM s;

-- all kinds of stashes, under any name
SELECT stash.create('"S; ""DROP TABLE s"" %s $1 🙂"', 'unlogged'), stash.create('t', 'temp', codec => 'none');
SELECT stash.get_or_put(r, 'k', 1), stash.put(r, 'k', 2, cost => '1 s'), stash.get_or_put(r, 'k', 3)
FROM (VALUES ('"S; ""DROP TABLE s"" %s $1 🙂"'::regclass), ('t')) AS v (r);
SELECT stash.pop(r, 'k'), stash.count(r) FROM (VALUES ('"S; ""DROP TABLE s"" %s $1 🙂"'::regclass), ('t')) AS v (r);
CREATE TABLE parts OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT count(DISTINCT stash.get_or_put('parts', k % 5, k)) FROM generate_series(1, 20) k;
SELECT sum(stash.value(stash.get_or_put('parts', k, 0), NULL::int)) FROM generate_series(0, 4) k;
SELECT sum(stash.pop('parts', k, NULL::int)), count(stash.pop('parts', k, NULL::int)) FROM generate_series(0, 9) k;

-- a key and values that lie outside the row, replaced
SELECT stash.put('s', (SELECT array_agg(md5(i::text)) FROM generate_series(1, 500) i), (SELECT array_agg(md5(i::text)) FROM generate_series(1, n) i))
FROM generate_series(1000, 3000, 1000) n;
SELECT pg_column_size(key) > 10000 AS key_is_large, array_length(stash.value(value, '{}'::text[]), 1), version,
	stash.get('s', (SELECT array_agg(md5(i::text)) FROM generate_series(1, 500) i), '{}'::text[]) = (SELECT array_agg(md5(i::text)) FROM generate_series(1, 3000) i) AS is_whole
FROM s;
SELECT stash.clear('s');
-- more rows than a page takes, so that new versions get places of their own in the index
SELECT count(stash.put('s', k, n || repeat(md5(k::text), 20), cost => '1 s')) FROM generate_series(1, 3) n, generate_series(1, 100) k;
SELECT count(*), count(DISTINCT key_hash), min(version), max(version), sum(left(stash.get('s', k, ''::text), 1)::int)
FROM s, LATERAL (SELECT stash.value(key, NULL::int)) AS v (k);
SELECT stash.clear('s');
-- what the same statement wrote
WITH written AS (
	INSERT INTO s (key_hash, key, value) VALUES (stash.hash('w'::text), stash.to_variant('w'::text), NULL) RETURNING 1
)
SELECT stash.put('s', 'w', 2), stash.put('s', 'w', 3), stash.get_or_put('s', 'w', 4) FROM written;
SELECT stash.clear('s');
-- rows that were written by hand
INSERT INTO s (key_hash, key, value, version, cost, proof) VALUES (stash.hash(1), stash.to_variant(1), NULL, 41, '1 s', 'proof'),
	(stash.hash(2), stash.to_variant(2), NULL, 9223372036854775807, '1 s', NULL);
SELECT stash.put('s', 1, 'new', '1 hour');
SELECT stash.put('s', 2, 'new');
\echo :SQLSTATE
SELECT key, value, version, expires_at > created_at AS expires, cost, proof FROM s ORDER BY key;
SELECT stash.clear('s');
-- a published table without replica identity takes no updates
CREATE TABLE published OF stash.entry;
CREATE UNIQUE INDEX ON published (key_hash);
SET client_min_messages = error;
CREATE PUBLICATION regress_stash_publication FOR TABLE published;
RESET client_min_messages;
SELECT stash.put('published', 'k', 1);
SELECT stash.put('published', 'k', 2);
\echo :SQLSTATE
DROP PUBLICATION regress_stash_publication;
SELECT stash.put('published', 'k', 3);

-- cost is what the last put said
SELECT stash.put('s', 'k', 1, cost => '1.5 s');
SELECT cost FROM s;
SELECT stash.put('s', 'k', 2, '1 hour', '2 s');
SELECT cost FROM s;
SELECT stash.put('s', 'k', 3);
SELECT cost FROM s;

-- created_at is the time of the call, not of the transaction or the statement
BEGIN;
SELECT stash.put('s', 'k', 1);
SELECT stash.put('s', 'l', 1), stash.get_or_put('s', 'm', 1) FROM pg_sleep(0.01);
SELECT count(DISTINCT created_at), min(created_at) > now() AS after_begin,
	max(created_at) > statement_timestamp() - interval '1 min' AND max(created_at) < clock_timestamp() AS is_now
FROM s;
COMMIT;
SELECT stash.put('s', n, n), pg_sleep(0.01) FROM generate_series(1, 2) n;
SELECT count(DISTINCT created_at) FROM s WHERE stash.typeof(key) = 'int4';
SELECT stash.clear('s');

-- savepoints
BEGIN;
SELECT stash.get_or_put('s', 'k', 1);
SAVEPOINT a;
SELECT stash.pop('s', 'k'), stash.get_or_put('s', 'k', 2);
SELECT stash.get('s', 'k');
ROLLBACK TO a;
SELECT stash.get_or_put('s', 'k', 3);
SAVEPOINT b;
SELECT stash.pop('s', 'none', 1) IS NULL AS absent, stash.put('s', 'k', 4);
RELEASE b;
SELECT stash.pop('s', 'k');
ROLLBACK;
SELECT stash.count('s');

-- another key of the same hash is neither given nor overwritten nor deleted
SELECT stash.put('s', 'mine', 1);
UPDATE s SET key = stash.to_variant('yours'::text);
SELECT stash.pop('s', 'mine') IS NULL AS absent, stash.has('s', 'mine');
SELECT stash.get_or_put('s', 'mine', 2);
\echo :SQLSTATE
UPDATE s SET expires_at = clock_timestamp();
SELECT stash.get_or_put('s', 'mine', 2);
\echo :SQLSTATE
SELECT stash.put('s', 'mine', 2);
\echo :SQLSTATE
SELECT key, value, version FROM s;
SELECT stash.clear('s');

-- triggers run: they see, change and refuse
CREATE FUNCTION show_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% % %: % -> %', TG_WHEN, TG_OP, TG_LEVEL, OLD.value, NEW.value;
	RETURN coalesce(NEW, OLD);
END
$$;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON s FOR EACH ROW EXECUTE FUNCTION show_it();
CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON s FOR EACH ROW EXECUTE FUNCTION show_it();
CREATE TRIGGER after_statement AFTER INSERT OR UPDATE OR DELETE ON s FOR EACH STATEMENT EXECUTE FUNCTION show_it();
SELECT stash.put('s', 'k', 1);
SELECT stash.put('s', 'k', 2);
SELECT stash.get_or_put('s', 'k', 3);
SELECT stash.pop('s', 'k');
SELECT stash.get_or_put('s', 'k', 4);
SELECT stash.remove('s', 'k');
DROP TRIGGER before_row ON s;
DROP TRIGGER after_row ON s;
DROP TRIGGER after_statement ON s;
-- a value that a trigger changes is the one that get_or_put gives
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.value := stash.to_variant(upper(NEW.value::text));
	RETURN NEW;
END
$$;
CREATE TRIGGER shout BEFORE INSERT ON s FOR EACH ROW EXECUTE FUNCTION shout();
SELECT stash.get_or_put('s', 'k', 'quiet'), stash.get_or_put('s', 'k', 'quiet');
DROP TRIGGER shout ON s;
-- one that keeps rows back
CREATE FUNCTION keep_back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep_back BEFORE INSERT OR UPDATE OR DELETE ON s FOR EACH ROW EXECUTE FUNCTION keep_back();
SELECT stash.put('s', 'new', 1);
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'new', 1);
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'k', 1), stash.pop('s', 'k') IS NULL AS kept, stash.remove('s', 'k'), stash.has('s', 'k');
DROP TRIGGER keep_back ON s;
-- one that writes to the same key does not go round in circles
CREATE FUNCTION put_too() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 THEN
		PERFORM stash.put('s', 'log', NEW.value);
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER put_too AFTER INSERT OR UPDATE ON s FOR EACH ROW EXECUTE FUNCTION put_too();
SELECT stash.put('s', 'k', 1), stash.put('s', 'l', 2);
SELECT stash.get('s', 'log', NULL::stash.variant), stash.count('s');
DROP TRIGGER put_too ON s;
SELECT stash.clear('s');

-- constraints and foreign keys of the table hold
ALTER TABLE s ADD CONSTRAINT is_small CHECK (octet_length(value::bytea) < 100), ADD CONSTRAINT again UNIQUE (created_at);
\set VERBOSITY terse
SELECT stash.get_or_put('s', 'k', (SELECT array_agg(md5(i::text)) FROM generate_series(1, 20) i));
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'k', 1), stash.put('s', 'k', 2);
CREATE TABLE refers (key_hash uuid REFERENCES s);
INSERT INTO refers SELECT key_hash FROM s;
SELECT stash.pop('s', 'k');
\echo :SQLSTATE
SELECT stash.remove('s', 'k');
\echo :SQLSTATE
SELECT stash.put('s', 'k', 3);
DROP TABLE refers;
SELECT stash.pop('s', 'k');

-- rules of the table: where SQL's own INSERT ... ON CONFLICT and DELETE ... RETURNING refuse them, these do
CREATE TABLE deleted (key stash.variant);
CREATE RULE also AS ON DELETE TO s DO ALSO INSERT INTO deleted VALUES (OLD.key);
SELECT stash.put('s', 'k', 1);
SELECT stash.pop('s', 'k');
SELECT * FROM deleted;
CREATE RULE never AS ON DELETE TO s DO INSTEAD NOTHING;
SELECT stash.put('s', 'k', 1);
SELECT stash.pop('s', 'k');
\echo :SQLSTATE
DROP RULE never ON s;
CREATE RULE never AS ON INSERT TO s DO INSTEAD NOTHING;
SELECT stash.put('s', 'k', 2);
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'k', 2);
SELECT stash.get_or_put('s', 'l', 2);
\echo :SQLSTATE
DROP RULE never ON s;
DROP RULE also ON s;
\set VERBOSITY default

-- what is refused
SELECT stash.pop(NULL, 1);
\echo :SQLSTATE
SELECT stash.get_or_put(NULL, 1, 1);
\echo :SQLSTATE
SELECT stash.pop('deleted', 1);
\echo :SQLSTATE
SELECT stash.pop('deleted', 1, 1);
\echo :SQLSTATE
SELECT stash.get_or_put('deleted', 1, 1);
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'new', 1, '-1 s');
\echo :SQLSTATE
SELECT stash.get_or_put('s', 'new', 'text'::cstring);
\echo :SQLSTATE
CREATE TABLE heap OF stash.entry;
SELECT stash.get_or_put('heap', 1, 1);
\echo :SQLSTATE
-- of such a table the newest goes, and the others with it
INSERT INTO heap SELECT stash.hash(1), stash.to_variant(1), stash.to_variant(n), 1, now() + n * interval '1 s' FROM generate_series(-1, 1) n;
SELECT stash.pop('heap', 1), stash.pop('heap', 1) IS NULL AS absent, (SELECT count(*) FROM heap);
SELECT count(*) FROM heap;
BEGIN READ ONLY;
SELECT stash.get_or_put('s', 'k', 2);
SAVEPOINT a;
SELECT stash.get_or_put('s', 'new', 2);
\echo :SQLSTATE
ROLLBACK TO a;
SELECT stash.pop('s', 'k');
\echo :SQLSTATE
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA stash_write CASCADE;
RESET client_min_messages;
