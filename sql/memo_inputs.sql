-- Memoized functions: inputs that do not look like any: texts that become dates, zones, versions of collations, cursors.
-- A function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_inputs;
SET search_path = stash_memo_inputs, public;
CREATE FUNCTION why(f regprocedure, VARIADIC args text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT value FROM stash.explain(%L%s) WHERE item = ''last answer not kept''', f,
		(SELECT string_agg(format(', %L', a), '') FROM unnest(args) a)) INTO result;
	RETURN result;
END
$$;

-- trap 23: an argument such as 'today'
-- what may become a time that is another one tomorrow is not kept; all other texts are, such as mention these words among them
CREATE FUNCTION day_of(t text) RETURNS date STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN t::date;
EXCEPTION WHEN OTHERS THEN
	RETURN NULL;
END
$$;
CREATE FUNCTION days_of(a varchar, b text, n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN b::date - a::date + n; END $$;
SELECT stash.memoize('day_of(text)'), stash.memoize('days_of(varchar,text,int)');
SELECT count(day_of(t)) FROM unnest(ARRAY['today', 'Today', ' NOW ', 'tomorrow 10:00', 'yesterday', 'today PST', 'today allballs', '2020-01-01', '1 Jan 2020', 'epoch', 'infinity',
	'now or never', 'what shall we do today', 'nowhere', '', repeat(' ', 200) || 'today' || repeat(' ', 200), repeat('today ', 100)]) AS t;
SELECT left(args::text, 40) AS args FROM stash.calls('day_of(text)') ORDER BY args::text COLLATE "C";
SELECT why('day_of(text)', 'today') IS NULL, day_of('today') IS NOT NULL, why('day_of(text)', 'today');
SELECT days_of('2020-01-01', '2020-01-03', 1), days_of('today', 'today', 1), days_of('2020-01-01', NULL, 1), days_of('today', '2020-01-01', 0) < 0;
SELECT args FROM stash.calls('days_of(varchar,text,int)') ORDER BY args::text COLLATE "C";
-- with a ttl it may be as old as that
SELECT stash.unmemoize('day_of(text)'), stash.memoize('day_of(text)', ttl => '1 hour');
SELECT day_of('today') = day_of('today');
SELECT args FROM stash.calls('day_of(text)');

-- trap 17: timezone_abbreviations
CREATE FUNCTION at(t text) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed at(%)', t; RETURN t::timestamptz AT TIME ZONE 'UTC'; END $$;
SELECT stash.memoize('at(text)');
SELECT at('2020-01-01 10:00 IST');
SET timezone_abbreviations = 'India';
SELECT at('2020-01-01 10:00 IST'), at('2020-01-01 10:00 IST');
RESET timezone_abbreviations;
SELECT at('2020-01-01 10:00 IST');

-- trap 20: versions of collations
-- those of the database and of ICU, and that of the call's collation, where there are any
SELECT value LIKE '% collations=%' || coalesce(pg_database_collation_actual_version((SELECT oid FROM pg_database WHERE datname = current_database())), '') || ' %' AS of_database,
	value LIKE '% collations=%' || coalesce((SELECT pg_collation_actual_version(oid) FROM pg_collation WHERE collname = 'und-x-icu'), '') || ',% ' AS of_icu
FROM stash.explain('at(text)', 'x') WHERE item = 'settings in the key';
-- what is IMMUTABLE compares texts, too
CREATE FUNCTION first_of(a text, b text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT a < b';
SELECT stash.memoize('first_of(text,text)');
SELECT value LIKE 'collations=%' AS of_immutable FROM stash.explain('first_of(text,text)', 'a', 'b') WHERE item = 'settings in the key';

-- trap 20: versions of collations that a query names, or that columns have; here the versions that answers carry are made other ones
DO $$
BEGIN
	CREATE COLLATION of_one_language (PROVIDER = icu, LOCALE = 'sv');
EXCEPTION WHEN OTHERS THEN
	CREATE COLLATION of_one_language (LOCALE = 'C');
END
$$;
CREATE TABLE name (a text COLLATE of_one_language, b text);
INSERT INTO name VALUES ('a', 'b'), ('c', 'd');
SELECT stash.track('name');
CREATE FUNCTION by_column(n int) RETURNS text STABLE LANGUAGE sql AS $$ SELECT string_agg(b, ',' ORDER BY a) FROM name $$;
CREATE FUNCTION by_word(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(b, ',' ORDER BY b COLLATE of_one_language) FROM name); END $$;
CREATE FUNCTION by_expression(a text, b text) RETURNS bool STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN a < b COLLATE of_one_language; END $$;
CREATE FUNCTION by_nothing(n int) RETURNS text STABLE LANGUAGE sql AS $$ SELECT string_agg(b, ',' ORDER BY b) FROM (VALUES ('b'), ('d')) v (b) $$;
CREATE FUNCTION by_promise(a text, b text) RETURNS bool IMMUTABLE LANGUAGE sql AS $$ SELECT a < b COLLATE of_one_language $$;
CREATE FUNCTION by_plan(x text, y text) RETURNS bool STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT x < y COLLATE of_one_language FROM name LIMIT 1); END $$;
CREATE FUNCTION by_another(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN by_column(n); END $$;
SELECT count(stash.memoize(f)) FROM unnest(ARRAY['by_column(int)', 'by_word(int)', 'by_expression(text,text)', 'by_nothing(int)', 'by_promise(text,text)', 'by_plan(text,text)', 'by_another(int)']::regprocedure[]) f;
SELECT by_column(1), by_word(1), by_expression('a', 'b'), by_nothing(1), by_promise('a', 'b'), by_plan('a', 'b'), by_another(1);
-- the last byte of a proof is one of the version of its last collation, if it has one
DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT unnest(ARRAY['by_column(int)', 'by_word(int)', 'by_expression(text,text)', 'by_nothing(int)', 'by_promise(text,text)', 'by_plan(text,text)', 'by_another(int)']::regprocedure[]) LOOP
		EXECUTE format('UPDATE %s SET proof = set_byte(proof, length(proof) - 1, get_byte(proof, length(proof) - 1) # 1)', stash.stash_of(f));
	END LOOP;
END
$$;
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_inputs, public;
SET pg_hashstash.shared_cache = off;
SELECT f, (SELECT value FROM stash.explain(f, 1) WHERE item = 'reason') AS reason FROM unnest('{by_column(int),by_word(int),by_nothing(int),by_another(int)}'::regprocedure[]) f;
SELECT f, (SELECT value FROM stash.explain(f, 'a'::text, 'b'::text) WHERE item = 'reason') AS reason FROM unnest(ARRAY['by_expression(text,text)', 'by_promise(text,text)', 'by_plan(text,text)']::regprocedure[]) f;
SELECT by_column(1), by_word(1), by_expression('a', 'b'), by_nothing(1), by_promise('a', 'b'), by_plan('a', 'b'), by_another(1);
SELECT f, (SELECT value FROM stash.explain(f, 1) WHERE item = 'verdict') AS verdict FROM unnest('{by_column(int),by_word(int),by_another(int)}'::regprocedure[]) f;
SELECT f, (SELECT value FROM stash.explain(f, 'a'::text, 'b'::text) WHERE item = 'verdict') AS verdict FROM unnest(ARRAY['by_expression(text,text)', 'by_promise(text,text)', 'by_plan(text,text)']::regprocedure[]) f;
RESET pg_hashstash.shared_cache;

-- trap 18: cursors
-- its own cursors are a function's own affair; others are used, and left open, by the call itself, whatever it promises
CREATE FUNCTION own(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	bound CURSOR (m int) FOR SELECT g FROM generate_series(1, m) AS g;
	r int;
	s int := 0;
BEGIN
	RAISE NOTICE 'computed own(%)', n;
	OPEN c FOR SELECT g FROM generate_series(1, n) AS g;
	LOOP
		FETCH c INTO r;
		EXIT WHEN NOT FOUND;
		s := s + r;
	END LOOP;
	MOVE BACKWARD ALL IN c;
	CLOSE c;
	FOR b IN bound(n) LOOP
		s := s + b.g;
	END LOOP;
	RETURN s;
END
$$;
CREATE FUNCTION fetches(c refcursor) RETURNS int STABLE LANGUAGE plpgsql AS $$ DECLARE r int; BEGIN FETCH c INTO r; RETURN r; END $$;
CREATE FUNCTION moves(name text) RETURNS int STABLE LANGUAGE plpgsql AS $$ DECLARE c refcursor := name; BEGIN MOVE c; RETURN 0; END $$;
CREATE FUNCTION closes(name text) RETURNS int STABLE LANGUAGE plpgsql AS $$ DECLARE c refcursor := name; BEGIN CLOSE c; RETURN 0; END $$;
CREATE FUNCTION opens(name text) RETURNS int STABLE LANGUAGE plpgsql AS $$ DECLARE c refcursor := name; BEGIN OPEN c FOR SELECT 42; RETURN 1; END $$;
CREATE FUNCTION opens_within(name text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN opens(name); END $$;
CREATE FUNCTION uses_own(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed uses_own(%)', n; RETURN own(n); END $$;
SELECT count(stash.memoize(f, ttl => '1 hour')) FROM unnest('{own(int),uses_own(int),fetches(refcursor),moves(text),closes(text),opens(text),opens_within(text)}'::regprocedure[]) AS f;
SELECT uses_own(3), uses_own(3), own(3);
BEGIN;
DECLARE outside CURSOR FOR SELECT * FROM generate_series(1, 10);
SELECT fetches('outside'), fetches('outside'), moves('outside'), moves('outside'), fetches('outside'), closes('outside');
SELECT opens('left');
CLOSE "left";
SELECT opens('left');
FETCH FROM "left";
CLOSE "left";
SELECT opens_within('left');
CLOSE "left";
SELECT opens_within('left');
FETCH FROM "left";
COMMIT;
SELECT f, why(f, 'x') FROM unnest('{fetches(refcursor),moves(text),closes(text),opens_within(text)}'::regprocedure[]) AS f;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_inputs CASCADE;
