-- Memoized functions over tracked tables: fresh answers without a ttl, and why one is computed.
-- A function says when it computes.
CREATE SCHEMA stash_memo_track;
SET search_path = stash_memo_track, public;
\set SHOW_CONTEXT never
CREATE TABLE sale (region text, amount int);
INSERT INTO sale VALUES ('north', 10), ('south', 7);
CREATE FUNCTION total(wanted text) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed total(%)', wanted;
	RETURN (SELECT sum(amount) FROM sale WHERE region = wanted);
END
$$;
CREATE FUNCTION why(wanted text, OUT item text, OUT value text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT item, value FROM stash.explain('total(text)', wanted) WHERE item IN ('verdict', 'reason', 'read from', 'last answer not kept')
$$;
SELECT stash.memoize('total(text)');

-- not tracked: computed, with the reason
SELECT total('north');
SELECT total('north');
SELECT * FROM why('north');
SELECT stash.track('sale');
SELECT total('north');
SELECT total('north');
SELECT * FROM why('north');
-- trap 51: a write that changes nothing
-- the change of another transaction, and one that changes nothing
INSERT INTO sale VALUES ('north', 1);
SELECT * FROM why('north');
SELECT total('north');
UPDATE sale SET amount = 0 WHERE region = 'west';
SELECT total('north');
TRUNCATE sale;
SELECT total('north');
SELECT total('north');
INSERT INTO sale VALUES ('north', 5);
SELECT total('north');

-- trap 30, 31, 32: own changes
-- own changes are seen, and answers made of them kept for nobody
BEGIN;
UPDATE sale SET amount = 6;
SELECT total('north');
SELECT total('north');
SELECT * FROM why('north');
ROLLBACK;
SELECT total('north');
BEGIN;
SAVEPOINT one;
UPDATE sale SET amount = 6;
SELECT total('north');
ROLLBACK TO one;
SELECT total('north');
COMMIT;
-- trap 42, 79: changes within a statement
-- inside one statement: before, and behind, what changes the table
WITH changed AS (UPDATE sale SET amount = 8 RETURNING amount) SELECT amount, total('north') FROM changed;
SELECT total('north');
-- a trigger that asks in the middle of a change
CREATE FUNCTION ask() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'asked: %', total('north'); RETURN NULL; END $$;
CREATE TRIGGER asking AFTER UPDATE ON sale FOR EACH ROW EXECUTE FUNCTION ask();
UPDATE sale SET amount = 9;
DROP TRIGGER asking ON sale;
SELECT total('north');

-- trap 44, 80: triggers that were switched off between
-- what changes what the table is: its definition, rights, triggers
ALTER TABLE sale ADD note text;
SELECT * FROM why('north');
SELECT total('north');
GRANT SELECT ON sale TO PUBLIC;
SELECT total('north');
ALTER TABLE sale DISABLE TRIGGER stash_track_before;
SELECT * FROM why('north');
INSERT INTO sale VALUES ('north', 100);
SELECT stash.track('sale');
SELECT total('north');
SELECT stash.untrack('sale');
INSERT INTO sale VALUES ('north', 1000);
SELECT stash.track('sale');
SELECT total('north');
SELECT total('north');
ALTER TABLE sale RENAME TO sold;
CREATE TABLE sale AS SELECT 'north' AS region, 1 AS amount;
SELECT total('north');
DROP TABLE sale;
ALTER TABLE sold RENAME TO sale;
SELECT total('north');

-- trap 45, 46, 48: views, called functions, dynamic SQL
-- views, functions that are called, dynamic SQL; each is noticed
CREATE VIEW northern AS SELECT amount FROM sale WHERE region = 'north';
CREATE FUNCTION doubled(n bigint) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT 2 * n';
CREATE FUNCTION dynamic(name text) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	RAISE NOTICE 'computed dynamic(%)', name;
	EXECUTE format('SELECT doubled(sum(amount)) FROM %I', name) INTO n;
	RETURN n;
END
$$;
SELECT stash.memoize('dynamic(text)');
SELECT dynamic('northern'), dynamic('northern');
SELECT item, value FROM stash.explain('dynamic(text)', 'northern') WHERE item IN ('verdict', 'read from') ORDER BY 1, 2;
CREATE OR REPLACE VIEW northern AS SELECT amount + 1 AS amount FROM sale WHERE region = 'north';
SELECT dynamic('northern'), dynamic('northern');
CREATE OR REPLACE FUNCTION doubled(n bigint) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT 2 * n + 1';
SELECT dynamic('northern'), dynamic('northern');
DELETE FROM sale WHERE amount > 100;
SELECT dynamic('northern'), dynamic('northern');
CREATE FUNCTION outermost() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed outermost'; RETURN dynamic('northern') + total('north'); END $$;
SELECT stash.memoize('outermost()');
-- what it asks is remembered already, and counts as read
SELECT outermost(), outermost();
UPDATE sale SET amount = amount + 1;
SELECT outermost(), outermost();

-- expressions that PL/pgSQL evaluates without the executor: planned once in a session, made ready once in a transaction
CREATE FUNCTION one_more(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n + 1';
CREATE FUNCTION two_more(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN n + 2; END';
CREATE FUNCTION today() RETURNS date STABLE LANGUAGE sql AS 'SELECT current_date';
CREATE FUNCTION by_expression(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE
	m int := one_more(n);
BEGIN
	RAISE NOTICE 'computed by_expression(%)', n;
	IF two_more(n) > 0 THEN
		RETURN m + two_more(n);
	END IF;
END
$$;
CREATE FUNCTION at_time_of(n int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN now()::text; END';
CREATE FUNCTION at_day_of(n int) RETURNS date STABLE LANGUAGE plpgsql AS 'BEGIN RETURN today(); END';
SELECT by_expression(1), by_expression(1);
SELECT count(stash.memoize(f)) FROM unnest('{by_expression(int),at_time_of(int),at_day_of(int)}'::regprocedure[]) f;
SELECT by_expression(1), by_expression(2), by_expression(2);
SELECT count(at_time_of(n)), count(at_day_of(n)) FROM generate_series(1, 2) n;
SELECT n, t.value, d.value FROM generate_series(1, 2) n, stash.explain('at_time_of(int)', n) t, stash.explain('at_day_of(int)', n) d
WHERE t.item = 'last answer not kept' AND d.item = 'last answer not kept' ORDER BY n;
CREATE OR REPLACE FUNCTION two_more(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN n + 20; END';
SELECT by_expression(1), by_expression(2);
CREATE OR REPLACE FUNCTION one_more(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n + 10';
SELECT by_expression(1), by_expression(2), by_expression(2);

-- what a memo may ask for, another that uses its answer may not, be that remembered or not
CREATE FUNCTION scaled() RETURNS bigint STABLE LANGUAGE sql AS $$ SELECT sum(amount) * current_setting('memo_track.scale')::int FROM sale $$;
CREATE FUNCTION scaled_more(n int) RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed scaled_more(%)', n; RETURN scaled() + n; END $$;
SELECT stash.memoize('scaled()', vary => '{memo_track.scale}'), stash.memoize('scaled_more(int)');
SET memo_track.scale = 1;
SELECT scaled_more(0), scaled_more(0), scaled_more(1);
SET memo_track.scale = 2;
SELECT scaled_more(0), scaled_more(1);
SELECT value FROM stash.explain('scaled_more(int)', 0) WHERE item = 'last answer not kept';

-- trap 45: materialized views
-- a materialized view counts its refresh as a change
CREATE MATERIALIZED VIEW kept AS SELECT amount FROM sale;
CREATE UNIQUE INDEX ON kept (amount);
SELECT dynamic('kept'), dynamic('kept');
UPDATE sale SET amount = amount + 1;
SELECT dynamic('kept');
REFRESH MATERIALIZED VIEW CONCURRENTLY kept;
SELECT dynamic('kept'), dynamic('kept');
REFRESH MATERIALIZED VIEW kept;
SELECT dynamic('kept'), dynamic('kept');

-- trap 44: partitions
-- partitions
CREATE TABLE parts (amount int, a int) PARTITION BY LIST (a);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts VALUES (1, 1);
SELECT stash.track('parts');
SELECT dynamic('parts'), dynamic('parts_1'), dynamic('parts');
INSERT INTO parts_1 VALUES (10, 1);
SELECT dynamic('parts'), dynamic('parts_1');
INSERT INTO parts VALUES (20, 1);
SELECT dynamic('parts'), dynamic('parts_1');
CREATE TABLE parts_2 (amount int, a int);
INSERT INTO parts_2 VALUES (5, 2);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2);
SELECT dynamic('parts');
SELECT item, value FROM stash.explain('dynamic(text)', 'parts') WHERE item IN ('verdict', 'reason');
SELECT stash.track('parts');
SELECT dynamic('parts'), dynamic('parts');
ALTER TABLE parts DETACH PARTITION parts_2;
SELECT dynamic('parts'), dynamic('parts');
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2);
SELECT dynamic('parts'), dynamic('parts');
DROP TABLE parts_2;
SELECT dynamic('parts'), dynamic('parts');

-- a stash is read without the executor, and noted all the same; what expires needs a ttl
SELECT stash.create('settings');
SELECT stash.put('settings', 'a', 1), stash.put('settings', 'short', 2, ttl => '1 hour');
CREATE FUNCTION of_stash(k text) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed of_stash(%)', k; RETURN stash.get('settings', k, NULL::int); END $$;
SELECT stash.memoize('of_stash(text)');
SELECT of_stash('a'), of_stash('a');
SELECT stash.track('settings');
SELECT of_stash('a'), of_stash('a'), of_stash('none'), of_stash('none');
SELECT stash.put('settings', 'a', 11);
SELECT of_stash('a'), of_stash('a'), of_stash('short'), of_stash('short');
SELECT value FROM stash.explain('of_stash(text)', 'short') WHERE item = 'last answer not kept';
SELECT stash.put('settings', 'none', 3);
SELECT of_stash('none'), of_stash('none');
CREATE FUNCTION in_stash(k text) RETURNS bool STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed in_stash(%)', k; RETURN stash.has('settings', k); END $$;
SELECT stash.memoize('in_stash(text)');
SELECT in_stash('a'), in_stash('a'), in_stash('short'), in_stash('short');
SELECT stash.remove('settings', 'a');
SELECT in_stash('a'), in_stash('a');

-- trap 23, 26: time, chance, side effects
-- what cannot be proved is computed, with the reason
CREATE TEMP TABLE fleeting AS SELECT 1 AS amount;
CREATE FUNCTION show_reason(what regprocedure) RETURNS text LANGUAGE sql AS $$
	SELECT value FROM stash.explain(what) WHERE item = 'last answer not kept'
$$;
CREATE SEQUENCE seq;
CREATE FUNCTION at_time() RETURNS text STABLE LANGUAGE sql AS 'SELECT now()::text';
CREATE FUNCTION at_word() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN current_date; END';
CREATE FUNCTION at_word_parsed() RETURNS date STABLE LANGUAGE sql RETURN current_date;
CREATE FUNCTION of_setting() RETURNS text STABLE LANGUAGE sql AS $$ SELECT current_setting('work_mem') $$;
CREATE FUNCTION of_chance() RETURNS float8 STABLE LANGUAGE sql AS 'SELECT random()';
CREATE FUNCTION of_catalog() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM pg_description';
CREATE FUNCTION of_sequence() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT last_value FROM seq';
CREATE FUNCTION of_memo_with_ttl() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN with_ttl(); END';
CREATE FUNCTION with_ttl() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM pg_description';
CREATE FUNCTION locks() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM (SELECT FROM sale FOR SHARE) s';
CREATE FUNCTION notifies() RETURNS int LANGUAGE plpgsql AS 'BEGIN NOTIFY something; RETURN 1; END';
CREATE FUNCTION inserts() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO sale VALUES (1, 2); RETURN 1; END';
SELECT count(stash.memoize(f)) FROM unnest('{at_time(),at_word(),at_word_parsed(),of_setting(),of_chance(),of_catalog(),of_sequence(),of_memo_with_ttl()}'::regprocedure[]) f;
SELECT stash.memoize('with_ttl()', '1 hour');
SELECT count(stash.memoize(f, volatile => true)) FROM unnest('{locks(),notifies(),inserts()}'::regprocedure[]) f;
SELECT count(at_time()), count(at_word()), count(at_word_parsed()), count(of_setting()), count(of_chance()), count(of_catalog()), count(of_sequence()), count(of_memo_with_ttl()), count(locks()), count(notifies()), count(inserts());
SELECT f, show_reason(f) FROM unnest('{at_time(),at_word(),at_word_parsed(),of_setting(),of_chance(),of_catalog(),of_sequence(),of_memo_with_ttl(),locks(),notifies(),inserts()}'::regprocedure[]) f;
SELECT count(*) FROM of_chance_stash;
-- one who is vouched for
CREATE FUNCTION vouched() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed vouched'; RETURN random(); END $$;
SELECT stash.memoize('vouched()', volatile => true);
SELECT vouched() = vouched() AS remembered;

-- trap 44: somebody takes notes away: nothing of before is believed
CREATE TABLE noted (n int);
INSERT INTO noted VALUES (1);
SELECT stash.track('noted');
CREATE FUNCTION of_noted() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(n) FROM noted';
SELECT stash.memoize('of_noted()');
SELECT of_noted();
UPDATE noted SET n = 2;
TRUNCATE stash.change;
SELECT of_noted(), of_noted_uncached();
BEGIN;
UPDATE noted SET n = 3;
DELETE FROM stash.change;
SELECT of_noted(), of_noted_uncached();
COMMIT;
SELECT of_noted(), of_noted_uncached();
BEGIN;
CREATE DOMAIN anything AS int;
UPDATE noted SET n = 4;
SET LOCAL session_replication_role = replica;
UPDATE stash.change SET relation = 0;
DELETE FROM stash.change;
COMMIT;
SELECT of_noted(), of_noted_uncached();
SELECT value FROM stash.explain('of_noted()') WHERE item = 'verdict';

SET client_min_messages = warning;
DROP SCHEMA stash_memo_track CASCADE;
