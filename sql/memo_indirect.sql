-- trap 46: what answers are made of that comes by the way of others
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_indirect;
SET search_path = stash_memo_indirect, public;
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
SELECT stash.track('t');

-- a remembered answer of an IMMUTABLE function, within another memo
CREATE FUNCTION inner_one(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n; END';
CREATE FUNCTION outer_one(n int) RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN sum(a) + inner_one(n) FROM t; END';
CREATE FUNCTION outer_two(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 100 + inner_one(n); END';
CREATE FUNCTION by_run(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$BEGIN RETURN stash.run(NULL::int, 'plain(int)', n); END$$;
CREATE FUNCTION plain(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n; END';
SELECT stash.memoize('inner_one(int)'), stash.memoize('outer_one(int)'), stash.memoize('outer_two(int)'), stash.memoize('by_run(int)');
SELECT inner_one(5), stash.run(NULL::int, 'plain(int)', 5);
SELECT outer_one(5), outer_two(5), by_run(5);
SELECT outer_one(5), outer_two(5), by_run(5);
CREATE OR REPLACE FUNCTION inner_one_uncached(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 1000; END';
CREATE OR REPLACE FUNCTION plain(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 1000; END';
SELECT outer_one(5), outer_two(5), by_run(5);
SELECT outer_one_uncached(5), outer_two_uncached(5), by_run_uncached(5);

-- a cast that PL/pgSQL made ready for another function, and the conditions of a domain
CREATE TYPE pair AS (v int);
CREATE FUNCTION pair_int(p pair) RETURNS int STABLE LANGUAGE sql AS 'SELECT p.v * 10 LIMIT 1';
CREATE CAST (pair AS int) WITH FUNCTION pair_int(pair) AS ASSIGNMENT;
CREATE FUNCTION is_allowed(n int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT n < 10 LIMIT 1';
CREATE DOMAIN allowed AS int CHECK (is_allowed(VALUE));
CREATE FUNCTION one(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$DECLARE r int; BEGIN SELECT ROW(n)::pair INTO r; RETURN r; END$$;
CREATE FUNCTION other(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$DECLARE r int; BEGIN SELECT ROW(n)::pair INTO r; RETURN r; END$$;
CREATE FUNCTION check_one(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$DECLARE r allowed; BEGIN SELECT n INTO r; RETURN r; EXCEPTION WHEN check_violation THEN RETURN 'refused'; END$$;
CREATE FUNCTION check_other(n int) RETURNS text STABLE LANGUAGE plpgsql AS $$DECLARE r allowed; BEGIN SELECT n INTO r; RETURN r; EXCEPTION WHEN check_violation THEN RETURN 'refused'; END$$;
SELECT stash.memoize('one(int)'), stash.memoize('other(int)'), stash.memoize('check_one(int)'), stash.memoize('check_other(int)');
SELECT one(3), other(3), check_one(3), check_other(3);
CREATE OR REPLACE FUNCTION pair_int(p pair) RETURNS int STABLE LANGUAGE sql AS 'SELECT p.v * 1000 LIMIT 1';
CREATE OR REPLACE FUNCTION is_allowed(n int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT n < 2 LIMIT 1';
SELECT one(3), other(3), check_one(3), check_other(3);

-- a function in the place of a column, and of a cast
CREATE TABLE person (name text);
INSERT INTO person VALUES ('column');
SELECT stash.track('person');
CREATE DOMAIN shout AS text;
CREATE FUNCTION shouts(v text) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN shout(v); END';
SELECT stash.memoize('shouts(text)');
SELECT shouts('abc'), (SELECT * FROM stash.query('SELECT name(p) FROM stash_memo_indirect.person p') AS q(n text));
CREATE FUNCTION name(p person) RETURNS text STABLE LANGUAGE sql AS $$SELECT 'function'$$;
CREATE FUNCTION shout(v text) RETURNS text STABLE LANGUAGE sql AS 'SELECT upper(v)';
\c -
SET search_path = stash_memo_indirect, public;
SELECT shouts('abc'), (SELECT * FROM stash.query('SELECT name(p) FROM stash_memo_indirect.person p') AS q(n text));
SELECT shouts_uncached('abc'), (SELECT name(p) FROM person p);

-- an operator class that goes with a function of its own
CREATE TYPE weight AS (w int, s text);
CREATE FUNCTION weight_cmp(x weight, y weight) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT btint4cmp(y.w, x.w)';
CREATE FUNCTION weight_lt(x weight, y weight) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT x.w > y.w';
CREATE FUNCTION weight_eq(x weight, y weight) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT x.w = y.w';
CREATE OPERATOR <## (FUNCTION = weight_lt, LEFTARG = weight, RIGHTARG = weight);
CREATE OPERATOR =## (FUNCTION = weight_eq, LEFTARG = weight, RIGHTARG = weight);
CREATE OPERATOR CLASS weight_ops DEFAULT FOR TYPE weight USING btree AS OPERATOR 1 <##, OPERATOR 3 =##, FUNCTION 1 weight_cmp(weight, weight);
CREATE FUNCTION ordered() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg((v).w::text, ',' ORDER BY v) FROM (SELECT ROW(a, '')::stash_memo_indirect.weight AS v FROM stash_memo_indirect.t) s);
END
$$;
SELECT stash.memoize('ordered()');
SELECT ordered();
SET client_min_messages = warning;
DROP FUNCTION weight_cmp(weight, weight) CASCADE;
RESET client_min_messages;
\c -
SET search_path = stash_memo_indirect, public;
SELECT ordered(), ordered_uncached();

-- a parser of texts
CREATE TEXT SEARCH PARSER parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE FUNCTION parsed() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(token, ',') FROM ts_parse('stash_memo_indirect.parser', 'one two'));
END
$$;
SELECT stash.memoize('parsed()');
SELECT parsed();
ALTER TEXT SEARCH PARSER parser RENAME TO gone;
SELECT parsed();

SET client_min_messages = warning;
DROP SCHEMA stash_memo_indirect CASCADE;
