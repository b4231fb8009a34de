-- Memoized functions: texts that become dates and times, which may be words such as 'today'.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_times;
SET search_path = stash_memo_times, public;
CREATE TABLE word (n int, t text, j jsonb);
SELECT stash.track('word');
CREATE TYPE pair AS (n int, at date);
CREATE DOMAIN day AS date;

-- trap 23: a text such as 'today' that is read, put together or an element, and becomes a date
-- a function is made of each body, and called twice with each number; 'kept' says how many answers are
CREATE TABLE body (id int GENERATED ALWAYS AS IDENTITY, harmless bool DEFAULT false, language text DEFAULT 'plpgsql', returns text DEFAULT 'date', body text);
INSERT INTO body (language, body) SELECT 'sql', unnest(ARRAY[
	$$ SELECT t::date FROM word $$,
	$$ SELECT t::day FROM word $$,
	$$ SELECT date(t) FROM word $$,
	$$ SELECT max(t::date) OVER (ORDER BY t::timestamp) FROM word $$,
	$$ SELECT date '2020-01-01' FROM word WHERE j->>'at' <> '' AND (j->>'at')::timestamptz > '2020-01-01' $$,
	$$ SELECT (jsonb_populate_record(NULL::pair, j)).at FROM word $$,
	$$ SELECT x.at FROM word, jsonb_to_record(j) AS x (at date) $$,
	$$ SELECT x.at FROM word, jsonb_to_recordset(jsonb_build_array(j)) AS x (at date) $$,
	$$ SELECT ((string_to_array(t, ','))::date[])[1] FROM word $$,
	$$ SELECT (('{' || t || '}')::date[])[1] FROM word $$,
	$$ SELECT (('(1,' || t || ')')::pair).at FROM word $$,
	$$ SELECT lower(('[' || t || ',)')::daterange) FROM word $$,
	$$ SELECT lower((('{[' || t || ',)}')::datemultirange)) FROM word $$,
	$$ SELECT date_in(textout(t)) FROM word $$,
	$$ SELECT helper(t) FROM word $$,
	$$ SELECT helper_inlined(t) FROM word $$,
	$$ SELECT at FROM seen $$]);
INSERT INTO body (body) SELECT unnest(ARRAY[
	$$ DECLARE d date; BEGIN SELECT t INTO d FROM word; RETURN d; END $$,
	$$ DECLARE d date; BEGIN EXECUTE 'SELECT t FROM word' INTO d; RETURN d; END $$,
	$$ DECLARE d date; x text := 'to'; BEGIN d := x || 'day'; RETURN d; END $$,
	$$ DECLARE d date; x text := 'to'; BEGIN x := x || 'day'; d := x; RETURN d; END $$,
	$$ DECLARE x text := 'to'; BEGIN x := x || 'day'; RETURN x; END $$,
	$$ DECLARE x text; BEGIN SELECT t INTO x FROM word; RETURN x::date; END $$,
	$$ BEGIN RETURN 'to' || 'day'; END $$,
	$$ DECLARE d date; BEGIN EXECUTE format('SELECT %L::date', (SELECT t FROM word)) INTO d; RETURN d; END $$,
	$$ DECLARE d date; BEGIN EXECUTE format('SELECT upper(%L::daterange)', '[2020-01-01,' || (SELECT t FROM word) || ')') INTO d; RETURN d; END $$,
	$$ DECLARE r pair; BEGIN SELECT 1, t INTO r FROM word; RETURN r.at; END $$,
	$$ DECLARE r pair; BEGIN r.at := (SELECT t FROM word); RETURN r.at; END $$,
	$$ DECLARE r record; BEGIN SELECT t INTO r FROM word; RETURN r.t::date; END $$,
	$$ DECLARE r word; d date; BEGIN FOR r IN SELECT * FROM word LOOP d := r.t; END LOOP; RETURN d; END $$,
	$$ DECLARE d date; BEGIN FOR d IN SELECT t FROM word LOOP RETURN d; END LOOP; END $$,
	$$ DECLARE d date; BEGIN FOR d IN EXECUTE 'SELECT t FROM word' LOOP RETURN d; END LOOP; END $$,
	$$ DECLARE d date; x text; BEGIN FOREACH x IN ARRAY ARRAY(SELECT t FROM word) LOOP d := (x); END LOOP; RETURN d; END $$,
	$$ DECLARE d date; BEGIN FOREACH d IN ARRAY ARRAY(SELECT t FROM word) LOOP RETURN d; END LOOP; END $$,
	$$ DECLARE d date; c CURSOR FOR SELECT t FROM word; BEGIN OPEN c; FETCH c INTO d; CLOSE c; RETURN d; END $$,
	$$ DECLARE d date; c CURSOR (d date) FOR SELECT d; BEGIN OPEN c((SELECT t FROM word)); FETCH c INTO d; CLOSE c; RETURN d; END $$,
	$$ DECLARE x text := (SELECT t FROM word); d date := x; BEGIN RETURN d; END $$,
	$$ DECLARE x text := (SELECT t FROM word); d date := x::date; BEGIN RETURN d; END $$,
	$$ DECLARE x text := '2020-01-01'; i int := 0; BEGIN WHILE i < 2 AND x::date > '2000-01-01' LOOP SELECT t INTO x FROM word; i := i + 1; END LOOP; RETURN '2020-01-01'::date; END $$,
	$$ DECLARE d date := 'to' || 'day'; BEGIN RETURN d; END $$,
	$$ DECLARE d date; BEGIN d := 'to' || 'day'; RETURN d; END $$,
	$$ BEGIN RETURN timestamp 'today 10:00'; END $$,
	$$ BEGIN RETURN ' Yesterday '::text; END $$,
	$$ BEGIN RETURN helper(t) FROM word; END $$]);
INSERT INTO body (returns, body) VALUES
	('SETOF date', $$ DECLARE x text := (SELECT t FROM word); BEGIN RETURN NEXT x; END $$),
	('SETOF date', $$ BEGIN RETURN NEXT (SELECT t FROM word); END $$),
	('daterange', $$ BEGIN RETURN '[' || (SELECT t FROM word) || ',)'; END $$);
-- what was looked at and is no such word, or never could be one
INSERT INTO body (harmless, language, returns, body) VALUES
	(true, 'sql', 'date', $$ SELECT to_date(t || '2020-01-01', 'YYYY-MM-DD') FROM (VALUES ('')) v (t) $$),
	(true, 'sql', 'date', $$ SELECT make_date(2020, 1, n) $$),
	(true, 'sql', 'date', $$ SELECT ('2020-01-01'::text)::date $$),
	(true, 'sql', 'text', $$ SELECT t || date '2020-01-01' || n FROM word $$),
	(true, 'sql', 'int', $$ SELECT length(t)::text::int + (j->>'n')::int FROM word $$),
	(true, 'sql', 'int', $$ SELECT x.m FROM word, jsonb_to_record(j) AS x (m int) $$),
	(true, 'sql', 'date', $$ SELECT helper('2020-01-01') $$),
	(true, 'plpgsql', 'date', $$ DECLARE x text; d date; BEGIN x := '2020-01-0' || n; d := x::date; RETURN d; END $$),
	(true, 'plpgsql', 'date', $$ DECLARE x text; d date; BEGIN x := '2020-01-0' || n; d := x; RETURN d; END $$),
	(true, 'plpgsql', 'date', $$ DECLARE r record; BEGIN SELECT '2020-01-0' || n AS t INTO r; RETURN r.t::date; END $$),
	(true, 'plpgsql', 'date', $$ BEGIN RETURN '2020-01-0' || n; END $$),
	(true, 'plpgsql', 'date', $$ DECLARE x text := '2020-01-0' || n; BEGIN DECLARE d date := x::date; BEGIN RETURN d; END; END $$),
	(true, 'plpgsql', 'date', $$ DECLARE x text := '2020-01-0' || n; d date; BEGIN SELECT x::date INTO d; RETURN d; END $$),
	(true, 'plpgsql', 'date', $$ DECLARE x text := '2020-01-0' || n; d date; BEGIN EXECUTE format('SELECT %L::date', x) INTO d; RETURN d; END $$),
	(true, 'plpgsql', 'date', $$ DECLARE d date; BEGIN EXECUTE 'SELECT $1::date' INTO d USING '2020-01-0' || n; RETURN d; END $$),
	(true, 'plpgsql', 'date', $$ DECLARE d date; r pair; m int; BEGIN SELECT date '2020-01-01', 1 INTO d, m; SELECT 1, d INTO r; EXECUTE 'SELECT $1' INTO d USING r.at; RETURN d + n; END $$),
	(true, 'plpgsql', 'date', $$ DECLARE d date := '2020-01-01'; t timestamp := '2020-01-01 10:00'; BEGIN d := '2020-01-02'; RETURN d + n; END $$),
	(true, 'plpgsql', 'text', $$ DECLARE x text := 'now or never, today'; BEGIN RETURN x || date '2020-01-01'; END $$);
CREATE FUNCTION helper(x text) RETURNS date STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN x::date; END $$;
CREATE FUNCTION helper_inlined(x text) RETURNS date STABLE LANGUAGE sql AS $$ SELECT x::date $$;
CREATE VIEW seen AS SELECT t::date AS at FROM word;
DO $$
DECLARE
	b body;
BEGIN
	FOR b IN SELECT * FROM body ORDER BY id LOOP
		EXECUTE format('CREATE FUNCTION f%s(n int) RETURNS %s STABLE LANGUAGE %s AS %L', b.id, b.returns, b.language, b.body);
		PERFORM stash.memoize(format('f%s(int)', b.id)::regprocedure);
	END LOOP;
END
$$;
CREATE FUNCTION kept(b body) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..4 LOOP
		EXECUTE format('SELECT count(*) FROM f%s(%s)', b.id, i);
	END LOOP;
	RETURN count(*) FROM stash.calls(format('f%s(int)', b.id)::regprocedure);
END
$$;
-- a word; then a date, after which plans are made: nothing of what was not looked at is kept
INSERT INTO word VALUES (1, 'today', '{"at": "today", "n": 1, "m": 2}');
SELECT id, body FROM body b WHERE kept(b) <> CASE WHEN harmless THEN 4 ELSE 0 END ORDER BY id;
SELECT count(stash.forget(format('f%s(int)', id)::regprocedure)) FROM body;
SELECT id, body FROM body b WHERE kept(b) <> CASE WHEN harmless THEN 4 ELSE 0 END ORDER BY id;
\c -
SET search_path = stash_memo_times, public;
SELECT id, body FROM body b WHERE kept(b) <> CASE WHEN harmless THEN 4 ELSE 0 END ORDER BY id;
SELECT value FROM stash.explain('f1(int)', 1) WHERE item = 'last answer not kept';
-- with dates in the table a variable is looked at, and what is read is not
UPDATE word SET t = '2020-01-01', j = '{"at": "2020-01-01", "n": 1, "m": 2}';
SELECT kept(b), count(*) FROM body b WHERE NOT harmless GROUP BY 1 ORDER BY 1;
SELECT body FROM body b WHERE NOT harmless AND kept(b) > 0 ORDER BY id;
-- the word comes back: the answers that were kept are computed again
UPDATE word SET t = 'today', j = '{"at": "today", "n": 1, "m": 2}';
SELECT f23(1) = current_date AS of_today;

-- the planner reads such an argument, too, to estimate how many rows it finds
CREATE TABLE dated (d date);
INSERT INTO dated SELECT date '2020-01-01' + n FROM generate_series(1, 100) n;
SELECT stash.track('dated');
CREATE FUNCTION after(a text) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM stash_memo_times.dated WHERE d > a::date);
END
$$;
CREATE FUNCTION after_dynamic(a text) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE 'SELECT count(*) FROM stash_memo_times.dated WHERE d > $1::date' INTO n USING a;
	RETURN n;
END
$$;
SELECT stash.memoize('after(text)'), stash.memoize('after_dynamic(text)');
SELECT after(w), after_dynamic(w) FROM unnest('{2020-01-10,2020-03-01,today,yesterday}'::text[]) w;
SELECT after(w), after_dynamic(w) FROM unnest('{2020-01-10,2020-03-01,today,yesterday}'::text[]) w;
SELECT (SELECT count(*) FROM stash.calls('after(text)')) AS kept, (SELECT count(*) FROM stash.calls('after_dynamic(text)')) AS kept_too;

-- who vouches for it is believed; a ttl says how old it may be
SELECT stash.unmemoize('f1(int)'), stash.memoize('f1(int)', volatile => true);
SELECT f1(1) = f1(1) AS same;
SELECT count(*) AS vouched FROM stash.calls('f1(int)');
SELECT stash.unmemoize('f2(int)'), stash.memoize('f2(int)', ttl => '1 hour');
SELECT f2(1) = f2(1) AS same;
SELECT count(*) AS for_an_hour FROM stash.calls('f2(int)');

SET client_min_messages = warning;
DROP SCHEMA stash_memo_times CASCADE;
