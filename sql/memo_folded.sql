-- trap 46: functions of which a plan that is kept has only what they returned
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_folded;
SET search_path = stash_memo_folded, public;
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
SELECT stash.track('t');
CREATE FUNCTION factor(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 10; END';
CREATE FUNCTION in_query() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
DECLARE
	r bigint;
BEGIN
	SELECT sum(a) + stash_memo_folded.factor(1) INTO r FROM stash_memo_folded.t;
	RETURN r;
END
$$;
CREATE FUNCTION in_expression(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN n + stash_memo_folded.factor(1); END';
CREATE FUNCTION in_loop(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE
	s int := n;
BEGIN
	FOR i IN 1..stash_memo_folded.factor(1) LOOP
		s := s + 1;
	END LOOP;
	RETURN s;
END
$$;
CREATE FUNCTION in_immutable(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n + stash_memo_folded.factor(2); END';
CREATE FUNCTION in_sql(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n + stash_memo_folded.factor(3) LIMIT 1';
CREATE VIEW v AS SELECT a, factor(4) AS f FROM t;
CREATE FUNCTION in_view() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(f) FROM stash_memo_folded.v); END';
-- one in another: both stand in the plan
CREATE FUNCTION double(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 2 * stash_memo_folded.factor(n); END';
CREATE FUNCTION in_other(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN n + stash_memo_folded.double(1); END';
SELECT stash.memoize('in_query()'), stash.memoize('in_expression(int)'), stash.memoize('in_loop(int)'), stash.memoize('in_immutable(int)'),
	stash.memoize('in_sql(int)'), stash.memoize('in_view()'), stash.memoize('in_other(int)');
CREATE VIEW remembered AS SELECT in_query(), in_expression(n), in_loop(n), in_immutable(n), in_sql(n), in_view(), in_other(n)
	FROM current_setting('regress.n') s, CAST(s AS int) n;
CREATE VIEW computed AS SELECT in_query_uncached() AS in_query, in_expression_uncached(n) AS in_expression, in_loop_uncached(n) AS in_loop,
	in_immutable_uncached(n) AS in_immutable, in_sql_uncached(n) AS in_sql, in_view_uncached() AS in_view, in_other_uncached(n) AS in_other
	FROM current_setting('regress.n') s, CAST(s AS int) n;
-- plans are made, and used again for other answers
SET regress.n = 1;
SELECT * FROM remembered;
INSERT INTO t VALUES (3);
SET regress.n = 2;
SELECT * FROM remembered;
SELECT * FROM remembered;
CREATE OR REPLACE FUNCTION factor(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n * 1000; END';
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_folded, public;
SET regress.n = 2;
SELECT * FROM remembered;
SELECT * FROM computed;
SET regress.n = 1;
SELECT * FROM remembered;
SELECT * FROM computed;

-- what decides about rows
CREATE ROLE stash_memo_folded_reader;
GRANT USAGE ON SCHEMA stash_memo_folded TO stash_memo_folded_reader;
CREATE FUNCTION least_of(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 2; END';
CREATE TABLE secret AS SELECT a FROM generate_series(1, 3) a;
CREATE POLICY few ON secret USING (a >= stash_memo_folded.least_of(0));
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON secret TO stash_memo_folded_reader;
SELECT stash.track('secret');
CREATE FUNCTION seen() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT string_agg(a::text, '','' ORDER BY a) FROM stash_memo_folded.secret); END';
SELECT stash.memoize('seen()');
SET ROLE stash_memo_folded_reader;
SELECT seen();
RESET ROLE;
INSERT INTO secret VALUES (4);
SET ROLE stash_memo_folded_reader;
SELECT seen();
RESET ROLE;
CREATE OR REPLACE FUNCTION least_of(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 4; END';
\c -
SET search_path = stash_memo_folded, public;
SET ROLE stash_memo_folded_reader;
SELECT seen();
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_folded CASCADE;
DROP ROLE stash_memo_folded_reader;
