-- Memoized functions of every signature: computed once, then remembered.
-- Each function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo;
SET search_path = stash_memo, public;
\pset null '(null)'

-- a scalar
CREATE FUNCTION square(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed square(%)', n;
	RETURN n * n;
END
$$;
SELECT stash.memoize('square(int)');
SELECT square(3);
SELECT square(3);
SELECT square(-3);
-- many at once, in any place of a statement
SELECT n, square(n) FROM generate_series(1, 4) AS n WHERE square(n) > 1 ORDER BY square(n) DESC;
SELECT sum(square(n)) FROM generate_series(1, 4) AS n;
-- trap 63: NULL
-- a result that is NULL is remembered, and so is a call with NULL
SELECT square(NULL);
SELECT square(NULL);
-- what is remembered, in words
SELECT args, result, version, expires_at, cost >= '0' AS has_cost FROM stash.calls('square(int)') ORDER BY args;
-- by the stash too, not by the session alone
SET pg_hashstash.local_cache_size = 0;
SELECT square(3), square(NULL), square(4);
RESET pg_hashstash.local_cache_size;
SELECT square(3), square(NULL);
\c -
SET search_path = stash_memo, public;
\pset null '(null)'
SELECT square(3), square(NULL), square(5);

-- without arguments
CREATE FUNCTION answer() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed answer()';
	RETURN 'forty-two';
END
$$;
SELECT stash.memoize('answer()');
SELECT answer();
SELECT answer();
SELECT args, result FROM stash.calls('answer()');

-- STRICT: a call with NULL is no call
CREATE FUNCTION shout(word text, mark text) RETURNS text IMMUTABLE STRICT LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed shout(%, %)', word, mark;
	RETURN nullif(word || mark, '!');
END
$$;
SELECT stash.memoize('shout(text, text)');
SELECT shout('hey', '!'), shout(NULL, '!'), shout('hey', NULL);
SELECT shout('hey', '!'), shout('', '!');
SELECT shout('', '!');
-- so it is for a function written by hand that does not say STRICT itself
CREATE FUNCTION shout_too(text, text) RETURNS text IMMUTABLE LANGUAGE stash AS 'target = stash_memo.shout_uncached';
SELECT shout_too('hey', '?'), shout_too(NULL, '?');
CREATE FUNCTION strict_list(n int) RETURNS SETOF int IMMUTABLE STRICT LANGUAGE sql AS 'SELECT generate_series(1, n)';
CREATE FUNCTION strict_list_too(n int) RETURNS SETOF int IMMUTABLE LANGUAGE stash AS 'target = stash_memo.strict_list';
SELECT count(*) FROM strict_list_too(NULL);
SELECT strict_list_too(NULL), strict_list_too(2);
SELECT args, result FROM stash.calls('shout(text, text)') ORDER BY args;

-- trap 27, 64: spellings
-- one call has many spellings, but one entry
CREATE FUNCTION spell(a int, b int DEFAULT 2) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed spell(%, %)', a, b;
	RETURN a * 100 + b;
END
$$;
SELECT stash.memoize('spell(int, int)');
SELECT spell(1);
SELECT spell(1), spell(1, 2), spell(b => 2, a => 1), spell(a => 1), spell(1, b => 2), spell(1::smallint), spell('1');
SELECT args, result FROM stash.calls('spell(int, int)') ORDER BY args;
CREATE FUNCTION many(a text, VARIADIC rest int[] DEFAULT '{}') RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed many(%, %)', a, rest;
	RETURN a || rest::text;
END
$$;
SELECT stash.memoize('many(text, int[])');
SELECT many('a'), many('a', 7, 8);
SELECT many('a'), many('a', VARIADIC '{}'), many('a', 7, 8), many('a', VARIADIC ARRAY[7, 8]), many(a => 'a', VARIADIC rest => '{7,8}');
SELECT args, result FROM stash.calls('many(text, int[])') ORDER BY args;

-- arrays, composites, OUT parameters, domains, enums
CREATE FUNCTION multiples(n int) RETURNS bigint[] IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed multiples(%)', n;
	RETURN ARRAY[[n, n * 2], [n * 3, NULL]];
END
$$;
SELECT stash.memoize('multiples(int)');
SELECT multiples(3);
SELECT multiples(3), (multiples(3))[2][1];

CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN even AS int CHECK (value % 2 = 0);
CREATE TYPE person AS (name text, feels mood, pets text[]);
CREATE FUNCTION ask(who person, luck even) RETURNS person IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed ask(%, %)', who, luck;
	who.feels := CASE WHEN luck > 0 THEN 'glad' ELSE 'sad' END;
	RETURN who;
END
$$;
SELECT stash.memoize('ask(person, even)');
SELECT ask(('Mia', NULL, '{cat}'), 2);
SELECT ask(('Mia', NULL, '{cat}'), 2), (ask(('Mia', NULL, '{cat}'), 2)).feels;
SELECT * FROM ask(('Mia', NULL, '{cat}'), 2);
SELECT ask(NULL, 2);
-- no odd number gets as far as the function, or the stash
SELECT ask(NULL, 3);
SELECT count(*) FROM stash.calls('ask(person, even)');

CREATE FUNCTION divide(a int, b int, OUT quotient int, OUT rest int) IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed divide(%, %)', a, b;
	quotient := a / b;
	rest := a % b;
END
$$;
SELECT stash.memoize('divide(int, int)');
SELECT divide(17, 5);
SELECT divide(17, 5), (divide(17, 5)).rest;
SELECT * FROM divide(17, 5);
-- an error is no result
SELECT divide(1, 0);
SELECT divide(1, 0);
SELECT args, result FROM stash.calls('divide(int, int)');

CREATE FUNCTION twice(INOUT n even) IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed twice(%)', n;
	n := n * 2;
END
$$;
SELECT stash.memoize('twice(even)');
SELECT twice(4);
SELECT twice(4), pg_typeof(twice(4));

-- any record: in the select list it has no shape, in FROM the caller's
CREATE FUNCTION anything(n int) RETURNS record IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed anything(%)', n;
	RETURN ROW(n, n::text || '!');
END
$$;
SELECT stash.memoize('anything(int)');
SELECT anything(1);
SELECT anything(1);
SELECT * FROM anything(1) AS (a int, b text);
SELECT b, a FROM anything(1) AS (a int, b text);
\set VERBOSITY terse
SELECT * FROM anything(1) AS (a bigint, b text);
\set VERBOSITY default
-- what is not IMMUTABLE is called in FROM, with the shape that is wanted there
CREATE FUNCTION anything_now(n int) RETURNS record STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed anything_now(%)', n;
	RETURN ROW(n, n::text || '!');
END
$$;
SELECT stash.memoize('anything_now(int)', ttl => '1 hour');
SELECT * FROM anything_now(1) AS (a int, b text);
SELECT * FROM anything_now(1) AS (a int, b text);
\set VERBOSITY terse
SELECT * FROM anything_now(1) AS (a bigint, b text);
\set VERBOSITY default
SELECT anything_now(1);
SELECT anything_now(1);

-- sets: of scalars, of rows, of records with the caller's shape
CREATE FUNCTION upto(n int) RETURNS SETOF int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed upto(%)', n;
	RETURN QUERY SELECT nullif(i, 2) FROM generate_series(1, n) AS i;
END
$$;
SELECT stash.memoize('upto(int)');
SELECT * FROM upto(3);
SELECT * FROM upto(3);
SELECT upto(3), 'x';
SELECT * FROM upto(0);
SELECT * FROM upto(0);
SELECT n, u FROM generate_series(2, 3) AS n, upto(n) WITH ORDINALITY AS u;
SELECT * FROM ROWS FROM (upto(2), generate_series(1, 3)) AS t (a, b);
SELECT args, result FROM stash.calls('upto(int)') ORDER BY args;

CREATE FUNCTION list(n int) RETURNS TABLE (num int, word text) IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed list(%)', n;
	FOR i IN 1..n LOOP
		num := i;
		word := 'row ' || i;
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT stash.memoize('list(int)');
SELECT * FROM list(2);
SELECT * FROM list(2);
SELECT list(2), (list(2)).word;
-- trap 38: a set that is not read to its end
-- a caller that stops early remembers all the same, for all is computed
SELECT * FROM list(5) LIMIT 1;
SELECT count(*) FROM list(5);

CREATE FUNCTION people(n int) RETURNS SETOF person IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed people(%)', n;
	RETURN QUERY SELECT 'P' || i, 'glad'::mood, ARRAY['cat'] FROM generate_series(1, n) AS i;
END
$$;
SELECT stash.memoize('people(int)');
SELECT * FROM people(2);
SELECT * FROM people(2);
SELECT (people(2)).name;
SELECT people(2);

CREATE FUNCTION rows_of(n int) RETURNS SETOF record IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed rows_of(%)', n;
	RETURN QUERY SELECT i, i::text FROM generate_series(1, n) AS i;
END
$$;
SELECT stash.memoize('rows_of(int)');
SELECT * FROM rows_of(2) AS (a int, b text);
SELECT * FROM rows_of(2) AS (a int, b text);
SELECT * FROM rows_of(2) AS (x int, y text);
-- callers that want different columns do not take each other's place
SELECT * FROM rows_of(2) AS (a int, b text);
SELECT * FROM rows_of(2) AS (x int, y text);
\set VERBOSITY terse
SELECT * FROM rows_of(2) AS (a text, b text);
\set VERBOSITY default
SELECT rows_of(2);
-- without a shape there is nothing to remember, but nothing fails either that worked before
CREATE FUNCTION pairs_of(n int) RETURNS SETOF record IMMUTABLE LANGUAGE sql AS $$SELECT i, 'x' || i FROM generate_series(1, n) AS i$$;
SELECT pairs_of(2);
SELECT stash.memoize('pairs_of(int)');
SELECT pairs_of(2), generate_series(1, 3);
SELECT pairs_of(2) LIMIT 1;
SELECT pairs_of(0);
SELECT count(*) FROM stash.calls('pairs_of(int)');
SELECT * FROM pairs_of(2) AS (a int, b text);
SELECT * FROM pairs_of(2) AS (a int, b text);
SELECT args, result FROM stash.calls('pairs_of(int)');

-- SQL and C functions return their sets in other ways
CREATE FUNCTION evens(n int) RETURNS SETOF int IMMUTABLE LANGUAGE sql AS 'SELECT i * 2 FROM generate_series(1, n) AS i';
SELECT stash.memoize('evens(int)');
SELECT * FROM evens(3);
SELECT sum(e) FROM evens(3) AS e;
SELECT args, result FROM stash.calls('evens(int)');
SELECT stash.memoize('pg_catalog.generate_series(int, int)', "as" => 'stash_memo.series');
SELECT * FROM series(1, 3);
SELECT count(*), sum(s) FROM series(1, 3) AS s;
SELECT args, result FROM stash.calls('series(int, int)');

-- trap 27: polymorphic arguments
-- polymorphic: a type is part of the call
CREATE FUNCTION last_of(a anyarray) RETURNS anyelement IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed last_of(% %)', pg_typeof(a), a;
	RETURN a[array_upper(a, 1)];
END
$$;
SELECT stash.memoize('last_of(anyarray)');
SELECT last_of(ARRAY[1, 2]), last_of(ARRAY['1', '2']);
SELECT last_of(ARRAY[1, 2]), last_of(ARRAY['1', '2']), pg_typeof(last_of(ARRAY[1, 2])), pg_typeof(last_of(ARRAY['1', '2']));
SELECT last_of(ARRAY['glad']::mood[]);
SELECT last_of('{glad}'::mood[]);
CREATE FUNCTION each_of(a anyarray) RETURNS SETOF anyelement IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed each_of(% %)', pg_typeof(a), a;
	RETURN QUERY SELECT unnest(a);
END
$$;
SELECT stash.memoize('each_of(anyarray)');
SELECT * FROM each_of(ARRAY[2, 1]);
SELECT * FROM each_of(ARRAY[2, 1]);
SELECT each_of(ARRAY['b', 'a']), each_of(ARRAY[2, 1]);

-- a variadic list of anything, and literals without a type
SELECT stash.memoize('pg_catalog.concat("any")', ttl => '1 hour', "as" => 'stash_memo.joined');
SELECT joined(ARRAY[1, 2]) AS array, joined(VARIADIC ARRAY[1, 2]) AS list, joined(1, 2) AS two;
SELECT joined(ARRAY[1, 2]) AS array, joined(VARIADIC ARRAY[1, 2]) AS list, joined(1, 2) AS two;
SELECT joined('a', 1, NULL), joined('a'::text, 1, NULL), joined('b', 1, NULL);
SELECT joined('a', 1, NULL), joined('a'::text, 1, NULL), joined('b', 1, NULL);
SELECT result, count(*) FROM stash.calls('joined("any")') GROUP BY result ORDER BY result;
SELECT stash.memoize('pg_catalog.textin(cstring)', "as" => 'stash_memo.text_in');
SELECT text_in('abc'), text_in('abc');
SELECT args, result FROM stash.calls('text_in(cstring)');

-- large arguments and results
CREATE FUNCTION enlarge(word text, n int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed enlarge(%, %)', left(word, 3), n;
	RETURN repeat(word, n);
END
$$;
SELECT stash.memoize('enlarge(text, int)');
SELECT length(enlarge('abc', 100000));
SELECT length(enlarge('abc', 100000)), enlarge('abc', 100000) = repeat('abc', 100000) AS is_right;
SELECT length(enlarge(repeat('xyz', 100000), 2));
SELECT length(enlarge(repeat('xyz', 100000), 2));

-- trap 40: recursion
-- a function that calls itself
CREATE FUNCTION fibonacci(n int) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN n < 2 THEN n ELSE fibonacci(n - 1) + fibonacci(n - 2) END;
END
$$;
SELECT stash.memoize('fibonacci(int)');
SELECT fibonacci(150);
SELECT count(*) FROM stash.calls('fibonacci(int)');

-- trap 38: a cursor that is not read to its end
-- in a prepared statement, a cursor, a generated column, an index and a view
PREPARE ask_square AS SELECT square($1);
EXECUTE ask_square(11);
EXECUTE ask_square(11);
BEGIN;
DECLARE c CURSOR FOR SELECT square(n) FROM generate_series(12, 14) AS n;
FETCH 1 FROM c;
COMMIT;
SELECT square(12);
CREATE TABLE numbers (n int, n2 int GENERATED ALWAYS AS (square(n)) STORED);
INSERT INTO numbers VALUES (3), (15);
SELECT * FROM numbers ORDER BY n;
CREATE INDEX numbers_square ON numbers (square(n));
CREATE VIEW squares AS SELECT square(n) FROM numbers;
SELECT * FROM squares ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA stash_memo CASCADE;
RESET client_min_messages;
