-- Memoized functions: what an answer was made of, and all ways in which that changes.
-- A function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_deps;
SET search_path = stash_memo_deps, public;
CREATE TABLE base (a int PRIMARY KEY, b text);
INSERT INTO base VALUES (1, 'x');
SELECT stash.track('base');
CREATE FUNCTION content() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(format('%s%s', a, b), ' ' ORDER BY a) FROM stash_memo_deps.base);
END
$$;
SELECT stash.memoize('content()');

-- trap 43, 44: each way to change a table: what was remembered before, and what is answered afterwards
CREATE PROCEDURE change(statement text) LANGUAGE plpgsql AS $$
DECLARE
	was_hit bool;
	before text;
	after text;
BEGIN
	PERFORM stash_memo_deps.content();
	COMMIT;
	was_hit := (SELECT value = 'hit' FROM stash.explain('stash_memo_deps.content()') WHERE item = 'verdict');
	before := stash_memo_deps.content();
	EXECUTE statement;
	IF stash_memo_deps.content() IS DISTINCT FROM stash_memo_deps.content_uncached() THEN
		RAISE WARNING 'wrong within the transaction after %', statement;
	END IF;
	COMMIT;
	after := stash_memo_deps.content();
	IF after IS DISTINCT FROM stash_memo_deps.content_uncached() THEN
		RAISE WARNING 'wrong after %', statement;
	END IF;
	RAISE NOTICE '%: % "%" "%"', statement, CASE WHEN was_hit THEN 'hit, then' ELSE 'no hit' END, before, after;
END
$$;
CREATE VIEW auto_view AS SELECT a, b FROM base;
CREATE VIEW trigger_view AS SELECT a, b, 1 AS c FROM base UNION ALL SELECT NULL, NULL, 2;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO stash_memo_deps.base VALUES (NEW.a, NEW.b); RETURN NEW; END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON trigger_view FOR EACH ROW EXECUTE FUNCTION instead();
CREATE TABLE ruled (a int);
CREATE RULE ruled AS ON INSERT TO ruled DO INSTEAD UPDATE base SET b = 'ruled' WHERE a = NEW.a;
CREATE TABLE written (a int);
CREATE FUNCTION writes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE stash_memo_deps.base SET b = 'by trigger'; RETURN NULL; END $$;
CREATE TRIGGER writes AFTER INSERT ON written FOR EACH ROW EXECUTE FUNCTION writes();
CREATE FUNCTION runs() RETURNS int LANGUAGE sql AS $$ UPDATE stash_memo_deps.base SET b = 'by function' RETURNING 1 $$;
CREATE TABLE parent (a int PRIMARY KEY, b text);
CALL change('INSERT INTO base VALUES (2, ''y'')');
CALL change('UPDATE base SET b = ''z'' WHERE a = 2');
CALL change('DELETE FROM base WHERE a = 2');
CALL change('MERGE INTO base USING (VALUES (1), (2)) v (a) ON base.a = v.a WHEN MATCHED THEN UPDATE SET b = ''merged'' WHEN NOT MATCHED THEN INSERT VALUES (2, ''new'')');
CALL change('MERGE INTO base USING (VALUES (2)) v (a) ON base.a = v.a WHEN MATCHED THEN DELETE');
CALL change('WITH w AS (UPDATE base SET b = ''by cte'' RETURNING a) SELECT a FROM w');
CALL change('INSERT INTO base VALUES (1, ''upserted'') ON CONFLICT (a) DO UPDATE SET b = excluded.b');
CALL change('INSERT INTO auto_view VALUES (3, ''by view'')');
CALL change('INSERT INTO trigger_view VALUES (4, ''instead'')');
CALL change('INSERT INTO ruled VALUES (4)');
CALL change('INSERT INTO written VALUES (1)');
CALL change('SELECT stash_memo_deps.runs()');
CALL change('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) UPDATE base SET b = ''explained''');
CALL change('SET LOCAL session_replication_role = replica; UPDATE base SET b = ''as replica''');
CALL change('ALTER TABLE base ADD c int DEFAULT 7');
CALL change('ALTER TABLE base DISABLE TRIGGER ALL; UPDATE base SET b = ''unseen''; ALTER TABLE base ENABLE ALWAYS TRIGGER stash_track_before; ALTER TABLE base ENABLE ALWAYS TRIGGER stash_track_after');
CALL change('CREATE TABLE heir () INHERITS (base); INSERT INTO heir VALUES (8, ''of an heir'')');
CALL change('SELECT stash.track(''base'')');
CALL change('INSERT INTO heir VALUES (9, ''of an heir'')');
CALL change('ALTER TABLE heir NO INHERIT base');
CALL change('DROP VIEW auto_view, trigger_view; DROP TABLE ruled; ALTER TABLE base ALTER b TYPE varchar USING upper(b)');
CALL change('TRUNCATE base');
DROP TABLE heir;
-- what leaves the rows as they are
CALL change('CLUSTER base USING base_pkey');
CALL change('ALTER TABLE base ALTER b SET STORAGE EXTERNAL');

-- trap 81: noted by a subtransaction that is rolled back while a statement runs that then changes rows itself
CREATE FUNCTION in_vain(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO stash_memo_deps.base VALUES (n, 'in vain');
	RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
	RETURN n;
END
$$;
CALL change('INSERT INTO base SELECT in_vain(90), ''after that''');

-- trap 46: what is called by another name than its own: operators, casts, what a domain allows
CREATE FUNCTION plus(a int, b int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END';
CREATE FUNCTION times(a int, b int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a * b; END';
CREATE OPERATOR ### (FUNCTION = plus, LEFTARG = int, RIGHTARG = int);
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION first_of(p pair) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN p.a; END';
CREATE FUNCTION last_of(p pair) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN p.b; END';
CREATE CAST (pair AS int) WITH FUNCTION first_of(pair);
CREATE DOMAIN small AS int CHECK (value < 10);
CREATE FUNCTION uses_operator(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
	r int;
BEGIN
	RAISE NOTICE 'computed uses_operator(%)', n;
	EXECUTE 'SELECT $1 OPERATOR(stash_memo_deps.###) 3' INTO r USING n;
	RETURN r;
END
$$;
CREATE FUNCTION uses_cast(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE
	r int;
BEGIN
	RAISE NOTICE 'computed uses_cast(%)', n;
	EXECUTE 'SELECT (ROW(1, 2)::stash_memo_deps.pair)::int + $1' INTO r USING n;
	RETURN r;
END
$$;
CREATE FUNCTION uses_domain(n int) RETURNS bool STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed uses_domain(%)', n;
	EXECUTE 'SELECT $1::stash_memo_deps.small' USING n;
	RETURN true;
EXCEPTION WHEN check_violation THEN
	RETURN false;
END
$$;
SELECT stash.memoize('uses_operator(int)'), stash.memoize('uses_cast(int)'), stash.memoize('uses_domain(int)');
SELECT uses_operator(2), uses_cast(0), uses_domain(7);
SELECT uses_operator(2), uses_cast(0), uses_domain(7);
CREATE OR REPLACE FUNCTION plus(a int, b int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a + b + 100; END';
SELECT uses_operator(2);
DROP OPERATOR ### (int, int);
CREATE OPERATOR ### (FUNCTION = times, LEFTARG = int, RIGHTARG = int);
SELECT uses_operator(2);
DROP CAST (pair AS int);
CREATE CAST (pair AS int) WITH FUNCTION last_of(pair);
SELECT uses_cast(0);
ALTER DOMAIN small ADD CHECK (value < 5) NOT VALID;
SELECT uses_domain(7);
SELECT uses_operator(2), uses_cast(0), uses_domain(7);

-- trap 47: dropped and made again under its name
CREATE FUNCTION of_remade() RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_remade()';
	RETURN (SELECT n FROM stash_memo_deps.remade) + stash_memo_deps.remade();
END
$$;
CREATE TABLE remade AS SELECT 1 AS n;
CREATE FUNCTION remade() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 10; END';
SELECT stash.track('remade');
SELECT stash.memoize('of_remade()');
SELECT of_remade(), of_remade();
DROP TABLE remade;
CREATE TABLE remade AS SELECT 2 AS n;
SELECT stash.track('remade');
SELECT of_remade(), of_remade();
DROP FUNCTION remade();
CREATE FUNCTION remade() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 20; END';
SELECT of_remade(), of_remade();
-- the function itself, with the stash that was left behind
DROP FUNCTION of_remade(), of_remade_uncached();
CREATE FUNCTION of_remade() RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed another of_remade()';
	RETURN -1;
END
$$;
SELECT stash.memoize('of_remade()', stash => 'of_remade_stash');
SELECT of_remade(), of_remade();

-- trap 48: tables that are read for some arguments only
CREATE TABLE other (n int);
SELECT stash.track('other');
CREATE FUNCTION either(which bool) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed either(%)', which;
	IF which THEN
		RETURN (SELECT count(*) FROM stash_memo_deps.base);
	END IF;
	RETURN (SELECT count(*) FROM stash_memo_deps.other);
END
$$;
SELECT stash.memoize('either(bool)');
SELECT either(true), either(false);
INSERT INTO other VALUES (1);
SELECT either(true), either(false);
INSERT INTO base VALUES (1, 'x');
SELECT either(true), either(false);

-- trap 49: what changes without a word is refused, and said
CREATE UNLOGGED TABLE hasty (n int);
CREATE FOREIGN DATA WRAPPER regress_stash_wrapper;
CREATE SERVER regress_stash_server FOREIGN DATA WRAPPER regress_stash_wrapper;
CREATE FOREIGN TABLE elsewhere (n int) SERVER regress_stash_server;
CREATE VIEW statistics AS SELECT count(*) AS n FROM pg_stat_user_tables;
CREATE FUNCTION of_any(name text) RETURNS bool STABLE LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*) FROM stash_memo_deps.%I WHERE false', name);
	RETURN true;
END
$$;
SELECT stash.memoize('of_any(text)');
SELECT name, of_any(name), (SELECT value FROM stash.explain('of_any(text)', name) WHERE item = 'last answer not kept') AS why
FROM unnest('{base,hasty,statistics}'::text[]) AS name;
SELECT stash.track_problem('elsewhere');
SELECT args FROM stash.calls('of_any(text)');

-- trap 50: a change that cannot be noted does not happen
BEGIN;
ALTER TABLE stash.change RENAME TO changed;
\set VERBOSITY sqlstate
INSERT INTO base VALUES (50, 'unnoted');
\set VERBOSITY default
ROLLBACK;
SELECT count(*) AS unnoted FROM base WHERE a = 50;

-- trap 25: a set without an order keeps the one that it was computed in, which is one of the right ones
CREATE TABLE unordered AS SELECT n FROM generate_series(1, 5) AS n;
CREATE INDEX ON unordered (n DESC);
SELECT stash.track('unordered');
CREATE FUNCTION all_of() RETURNS SETOF int STABLE LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE 'SELECT n FROM stash_memo_deps.unordered WHERE n > 0'; END$$;
SELECT stash.memoize('all_of()');
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
SELECT array_agg(n) FROM all_of() AS n;
RESET enable_indexscan;
RESET enable_indexonlyscan;
SET enable_seqscan = off;
SELECT array_agg(n) AS remembered, (SELECT array_agg(n) FROM all_of_uncached() AS n) AS computed,
	stash.hash_set_agg(n) = (SELECT stash.hash_set_agg(n) FROM all_of_uncached() AS n) AS same_set,
	stash.hash_agg(n) = (SELECT stash.hash_agg(n) FROM all_of_uncached() AS n) AS same_list
FROM all_of() AS n;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- trap 46: what the extension calls by itself: strategies of hashes, casts of what is in variants, casts to JSON
CREATE DOMAIN address AS text;
CREATE FUNCTION address_hash(v text) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN md5(lower(v))::uuid; END';
SELECT stash.register_hash('address', 'address_hash(text)');
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION mood_json(m mood) RETURNS json STABLE LANGUAGE plpgsql AS $$BEGIN RETURN '":-("'; END$$;
CREATE FUNCTION mood_number(m mood) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN -1; END';
CREATE CAST (mood AS json) WITH FUNCTION mood_json(mood);
CREATE CAST (mood AS int) WITH FUNCTION mood_number(mood);
CREATE FUNCTION of_strategy(x text, y text) RETURNS bool STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_strategy(%, %)', x, y;
	RETURN stash.hash(x::stash_memo_deps.address) = stash.hash(y::stash_memo_deps.address);
END
$$;
CREATE FUNCTION of_lines(m text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_lines(%)', m;
	RETURN (SELECT string_agg(data, '') FROM stash.to_jsonl('SELECT ARRAY[$1::stash_memo_deps.mood] AS m', params => ROW(m)));
END
$$;
CREATE FUNCTION of_objects(m text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_objects(%)', m;
	RETURN (SELECT string_agg(o::text, '') FROM stash.run_query_json('SELECT $1::stash_memo_deps.mood AS m', params => ROW(m)) AS o);
END
$$;
CREATE FUNCTION of_variant(m text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_variant(%)', m;
	RETURN format('%s %s', stash.to_variant(ARRAY[m::stash_memo_deps.mood])::jsonb, stash.to_variant(m::stash_memo_deps.mood)::int);
END
$$;
SELECT stash.memoize('of_strategy(text, text)'), stash.memoize('of_lines(text)'), stash.memoize('of_objects(text)'),
	stash.memoize('of_variant(text)');
CREATE VIEW answers AS SELECT of_strategy('Q', 'q'), of_lines('sad'), of_objects('sad'), of_variant('sad');
-- what is made ready once a session is so before a target runs
SELECT of_strategy_uncached('Q', 'q'), of_lines_uncached('sad'), of_objects_uncached('sad'), of_variant_uncached('sad');
SELECT * FROM answers;
SELECT * FROM answers;
CREATE OR REPLACE FUNCTION address_hash(v text) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN md5(v)::uuid; END';
SELECT * FROM answers;
CREATE OR REPLACE FUNCTION mood_number(m mood) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN -2; END';
SELECT * FROM answers;
-- in another session, and by words that are not remembered
CREATE OR REPLACE FUNCTION mood_json(m mood) RETURNS json STABLE LANGUAGE plpgsql AS $$BEGIN RETURN CASE WHEN current_date > '2000-01-01' THEN '":("' END; END$$;
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_deps, public;
SELECT * FROM answers;
SELECT * FROM answers;
SELECT value FROM stash.explain('of_lines(text)', 'sad') WHERE item = 'last answer not kept';

-- trap 46: what the server calls by way of types: conditions of domains, casts to JSON, the order of operator classes
CREATE TYPE temper AS ENUM ('bad', 'good');
CREATE FUNCTION temper_json(m temper) RETURNS json STABLE LANGUAGE plpgsql AS $$BEGIN RETURN '":-("'; END$$;
CREATE CAST (temper AS json) WITH FUNCTION temper_json(temper);
CREATE TYPE grade AS ENUM ('low', 'high');
CREATE FUNCTION grade_json(g grade) RETURNS json STABLE LANGUAGE sql AS $$SELECT json '1'$$;
CREATE CAST (grade AS json) WITH FUNCTION grade_json(grade);
CREATE FUNCTION is_light(n int) RETURNS bool STABLE LANGUAGE plpgsql AS 'BEGIN RETURN n < 10; END';
CREATE DOMAIN light AS int CHECK (is_light(VALUE));
CREATE FUNCTION is_under(s text, n int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT length(s) < n';
CREATE FUNCTION is_short(s text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT is_under(s, 4)';
CREATE DOMAIN short AS text CHECK (is_short(VALUE));
CREATE DOMAIN shorter AS short CHECK (VALUE <> 'shorter');
CREATE TYPE sized AS (s light);
CREATE FUNCTION size_cmp(x sized, y sized) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN btint4cmp(x.s, y.s); END';
CREATE FUNCTION size_lt(x sized, y sized) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN size_cmp(x, y) < 0; END';
CREATE FUNCTION size_eq(x sized, y sized) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN size_cmp(x, y) = 0; END';
CREATE OPERATOR <## (FUNCTION = size_lt, LEFTARG = sized, RIGHTARG = sized);
CREATE OPERATOR =## (FUNCTION = size_eq, LEFTARG = sized, RIGHTARG = sized);
CREATE OPERATOR CLASS sized_ops DEFAULT FOR TYPE sized USING btree AS OPERATOR 1 <##, OPERATOR 3 =##, FUNCTION 1 size_cmp(sized, sized);
CREATE TYPE weight AS (w int);
CREATE FUNCTION weight_cmp(x weight, y weight) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT btint4cmp(x.w, y.w) FROM generate_series(1, 1)';
CREATE FUNCTION weight_lt(x weight, y weight) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT x.w < y.w';
CREATE FUNCTION weight_eq(x weight, y weight) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT x.w = y.w';
CREATE OPERATOR <## (FUNCTION = weight_lt, LEFTARG = weight, RIGHTARG = weight);
CREATE OPERATOR =## (FUNCTION = weight_eq, LEFTARG = weight, RIGHTARG = weight);
CREATE OPERATOR CLASS weight_ops DEFAULT FOR TYPE weight USING btree AS OPERATOR 1 <##, OPERATOR 3 =##, FUNCTION 1 weight_cmp(weight, weight);
CREATE FUNCTION of_text(v text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_text(%)', v;
	RETURN v::stash.variant;
EXCEPTION WHEN check_violation THEN
	RETURN 'refused';
END
$$;
CREATE FUNCTION of_short(v text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_short(%)', v;
	RETURN (SELECT v::stash_memo_deps.shorter);
EXCEPTION WHEN check_violation THEN
	RETURN 'refused';
END
$$;
CREATE FUNCTION of_server(m text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_server(%)', m;
	RETURN format('%s %s', json_build_object('m', m::stash_memo_deps.temper),
		(SELECT jsonb_agg(r) FROM (SELECT 'low'::stash_memo_deps.grade) r));
END
$$;
CREATE FUNCTION of_records(m text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_records(%)', m;
	RETURN stash.to_variant(ARRAY[ROW(m::stash_memo_deps.temper, 'low'::stash_memo_deps.grade)])::jsonb;
END
$$;
CREATE FUNCTION of_order(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed of_order(%)', n;
	RETURN format('%s %s',
		(SELECT string_agg((v).s::text, ',' ORDER BY v) FROM (SELECT ROW(i)::stash_memo_deps.sized AS v FROM generate_series(1, n) i) s),
		(SELECT string_agg((v).w::text, ',' ORDER BY v) FROM (SELECT ROW(i)::stash_memo_deps.weight AS v FROM generate_series(1, n) i) s));
END
$$;
SELECT stash.memoize('of_text(text)'), stash.memoize('of_short(text)'), stash.memoize('of_server(text)'), stash.memoize('of_records(text)'), stash.memoize('of_order(int)');
CREATE VIEW by_types AS SELECT of_text('stash_memo_deps.sized:(7)'), of_short('abc'), of_server('bad'), of_records('bad'), of_order(3);
SELECT of_text_uncached('stash_memo_deps.sized:(7)'), of_short_uncached('abc'), of_server_uncached('bad'), of_records_uncached('bad'), of_order_uncached(3);
SELECT * FROM by_types;
SELECT * FROM by_types;
CREATE OR REPLACE FUNCTION is_light(n int) RETURNS bool STABLE LANGUAGE plpgsql AS 'BEGIN RETURN n < 5; END';
SELECT * FROM by_types;
CREATE OR REPLACE FUNCTION is_under(s text, n int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT length(s) < n - 1';
SELECT * FROM by_types;
CREATE OR REPLACE FUNCTION temper_json(m temper) RETURNS json STABLE LANGUAGE plpgsql AS $$BEGIN RETURN '":-)"'; END$$;
SELECT * FROM by_types;
CREATE OR REPLACE FUNCTION grade_json(g grade) RETURNS json STABLE LANGUAGE sql AS $$SELECT json '2'$$;
SELECT * FROM by_types;
CREATE OR REPLACE FUNCTION size_cmp(x sized, y sized) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN btint4cmp(y.s, x.s); END';
SELECT * FROM by_types;
CREATE OR REPLACE FUNCTION weight_cmp(x weight, y weight) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT btint4cmp(y.w, x.w) FROM generate_series(1, 1)';
SELECT * FROM by_types;
SELECT * FROM by_types;

-- what a domain checks need not be possible where its values are only read
CREATE ROLE regress_stash_reader;
CREATE FUNCTION up_to(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 60 / n';
CREATE DOMAIN modest AS int CHECK (VALUE < stash_memo_deps.up_to(2));
CREATE TABLE modesty (m modest);
INSERT INTO modesty VALUES (5);
ALTER DOMAIN modest ADD CHECK (VALUE < stash_memo_deps.up_to(0)) NOT VALID;
CREATE FUNCTION all_modest() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(m) FROM stash_memo_deps.modesty';
SELECT stash.track('modesty'), stash.memoize('all_modest()');
SELECT all_modest(), all_modest_uncached();
ALTER DOMAIN modest DROP CONSTRAINT modest_check1;
GRANT USAGE ON SCHEMA stash_memo_deps TO regress_stash_reader;
GRANT SELECT ON modesty TO regress_stash_reader;
REVOKE EXECUTE ON FUNCTION up_to FROM PUBLIC;
SET ROLE regress_stash_reader;
SELECT all_modest();
RESET ROLE;
DROP OWNED BY regress_stash_reader;
DROP ROLE regress_stash_reader;

SET client_min_messages = warning;
DROP SERVER regress_stash_server CASCADE;
DROP FOREIGN DATA WRAPPER regress_stash_wrapper;
DROP SCHEMA stash_memo_deps CASCADE;
