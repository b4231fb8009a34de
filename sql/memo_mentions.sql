-- Memoized functions: what a query names, though the planner leaves it out of the plan.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_mentions;
CREATE SCHEMA stash_memo_mentions_first;
SET search_path = stash_memo_mentions, stash_memo_mentions_first, public;
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 1), (2, 2);
CREATE TABLE price (id int PRIMARY KEY, amount int);
INSERT INTO price VALUES (1, 7);
SELECT stash.track('t'), stash.track('price');

-- trap 46: a STRICT function of a NULL that is known
CREATE FUNCTION label(x text) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT '[' || x || ']' $$;
CREATE FUNCTION label_of(x text) RETURNS text STABLE LANGUAGE sql AS $$ SELECT label(x) $$;
CREATE FUNCTION label_atomic(x text) RETURNS text STABLE LANGUAGE sql BEGIN ATOMIC SELECT label(x); END;
CREATE FUNCTION label_default(n int, x text DEFAULT label(NULL)) RETURNS text STABLE LANGUAGE sql AS $$ SELECT n || coalesce(x, '*') $$;
CREATE FUNCTION joined(x text, n int) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT x || n $$;
CREATE OPERATOR <+> (FUNCTION = joined, LEFTARG = text, RIGHTARG = int);
CREATE VIEW labelled AS SELECT coalesce(label(NULL), '*') AS l;
CREATE FUNCTION is_all_right(x int) RETURNS bool STABLE STRICT LANGUAGE sql AS 'SELECT x > 0';
CREATE DOMAIN right_text AS text CHECK (is_all_right(NULL) IS NOT FALSE);
CREATE TABLE secret (n int);
INSERT INTO secret VALUES (1);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY shown ON secret USING (is_all_right(NULL) IS NOT FALSE);
CREATE ROLE regress_stash_mentions;
GRANT USAGE ON SCHEMA stash_memo_mentions, stash_memo_mentions_first TO regress_stash_mentions;
GRANT SELECT ON secret TO regress_stash_mentions;
SELECT stash.track('secret');
CREATE TABLE body (id int GENERATED ALWAYS AS IDENTITY, how text, body text, name text GENERATED ALWAYS AS ('f' || id) STORED);
INSERT INTO body (how, body) VALUES
	('STABLE LANGUAGE plpgsql', $$BEGIN RETURN (SELECT string_agg(id || coalesce(label(x), '*'), ',' ORDER BY id) FROM t WHERE n IS NULL OR v >= n); END$$),
	('STABLE LANGUAGE plpgsql', $$DECLARE r text; BEGIN EXECUTE 'SELECT coalesce(label($1), ''*'')' INTO r USING x; RETURN r; END$$),
	('STABLE LANGUAGE plpgsql', $$DECLARE r text; BEGIN r := label(NULL); RETURN coalesce(r, '*'); END$$),
	('STABLE LANGUAGE sql', $$SELECT coalesce(label(NULL), '*') FROM t LIMIT 1$$),
	('STABLE LANGUAGE sql', $$SELECT coalesce(label_of(NULL), '*') FROM t LIMIT 1$$),
	('STABLE LANGUAGE sql', $$SELECT coalesce(label_atomic(NULL), '*') FROM t LIMIT 1$$),
	('STABLE LANGUAGE sql', $$SELECT label_default(1) FROM t LIMIT 1$$),
	('STABLE LANGUAGE plpgsql', $$BEGIN RETURN (SELECT string_agg(coalesce(x <+> id, '*'), ',') FROM t); END$$),
	('STABLE LANGUAGE sql', $$SELECT l FROM labelled$$),
	('IMMUTABLE LANGUAGE plpgsql', $$BEGIN RETURN coalesce(label(NULL), '*'); END$$);
DO $$
DECLARE
	b body;
BEGIN
	FOR b IN SELECT * FROM body ORDER BY id LOOP
		EXECUTE format('CREATE FUNCTION %s(x text DEFAULT NULL, n int DEFAULT NULL) RETURNS text %s AS %L', b.name, b.how, b.body);
		PERFORM stash.memoize(format('%s(text, int)', b.name)::regprocedure);
	END LOOP;
END
$$;
-- what each returns; whether it was remembered; whether it is right
CREATE FUNCTION looked_at(OUT id int, OUT answer text, OUT hit bool, OUT is_right bool) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	b body;
	truth text;
BEGIN
	FOR b IN SELECT * FROM body ORDER BY id LOOP
		id := b.id;
		SELECT value = 'hit' INTO hit FROM stash.explain(format('%s(text, int)', b.name)::regprocedure, NULL::text, NULL::int) WHERE item = 'verdict';
		EXECUTE format('SELECT %s()', b.name) INTO answer;
		EXECUTE format('SELECT %s_uncached()', b.name) INTO truth;
		is_right := answer IS NOT DISTINCT FROM truth;
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT * FROM looked_at();
SELECT * FROM looked_at();
CREATE OR REPLACE FUNCTION label(x text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT coalesce(x, 'none') $$;
CREATE OR REPLACE FUNCTION joined(x text, n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT coalesce(x, 'none') || n $$;
SELECT * FROM looked_at();
SELECT * FROM looked_at();
\c -
SET search_path = stash_memo_mentions, stash_memo_mentions_first, public;
-- the same with plans that were made outside of any memo
ALTER FUNCTION label(text) STRICT;
SELECT count(*) FILTER (WHERE hit), bool_and(is_right) FROM looked_at();
SELECT count(*) FILTER (WHERE hit) FROM looked_at();
ALTER FUNCTION label(text) CALLED ON NULL INPUT;
SELECT count(*) FILTER (WHERE hit), bool_and(is_right) FROM looked_at();
SELECT count(*) FILTER (WHERE hit) FROM looked_at();
-- a namesake
SET search_path = stash_memo_mentions_first, stash_memo_mentions, public;
SELECT count(*) FILTER (WHERE hit), bool_and(is_right) FROM looked_at();
SELECT count(*) FILTER (WHERE hit) FROM looked_at();
CREATE FUNCTION stash_memo_mentions_first.label(x text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'first' $$;
SELECT count(*) FILTER (WHERE hit), bool_and(is_right) FROM looked_at();

-- a policy, and a domain
CREATE FUNCTION secrets() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM stash_memo_mentions.secret); END $$;
CREATE FUNCTION of_domain(x text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN x::stash_memo_mentions.right_text;
EXCEPTION WHEN check_violation THEN
	RETURN 'refused';
END
$$;
SELECT stash.memoize('secrets()'), stash.memoize('of_domain(text)');
GRANT EXECUTE ON FUNCTION secrets_uncached(), of_domain_uncached(text) TO regress_stash_mentions;
SET ROLE regress_stash_mentions;
SELECT secrets(), of_domain('x');
SELECT secrets(), secrets_uncached(), of_domain('x'), of_domain_uncached('x');
RESET ROLE;
CREATE OR REPLACE FUNCTION is_all_right(x int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT coalesce(x, 0) > 0';
SET ROLE regress_stash_mentions;
SELECT secrets(), secrets_uncached(), of_domain('x');
RESET ROLE;

-- what COALESCE, CASE and OR do not come to decides the type, or is missing later
CREATE FUNCTION half(p int) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	r text;
BEGIN
	SELECT coalesce(p, (SELECT amount FROM price WHERE id = 1)) / 2 INTO r;
	RETURN r;
END
$$;
CREATE FUNCTION part(p int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 2; END';
CREATE FUNCTION half_part(p int) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	r text;
BEGIN
	EXECUTE 'SELECT coalesce($1, part(1)) / 2' INTO r USING p;
	RETURN r;
END
$$;
SELECT stash.memoize('half(int)'), stash.memoize('half_part(int)');
SELECT half(5), half_part(5), (SELECT x FROM stash.query('SELECT (coalesce($1, (SELECT amount FROM price)) / 2)::text', ROW(5)) AS q (x text));
SELECT half(5), half_part(5), (SELECT x FROM stash.query('SELECT (coalesce($1, (SELECT amount FROM price)) / 2)::text', ROW(5)) AS q (x text));
SELECT value FROM stash.explain('half(int)', 5) WHERE item = 'verdict';
-- what it holds does not count
UPDATE price SET amount = 8;
SELECT value FROM stash.explain('half(int)', 5) WHERE item = 'verdict';
ALTER TABLE price ALTER amount TYPE numeric;
DROP FUNCTION part(int);
CREATE FUNCTION part(p int) RETURNS numeric STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 2; END';
SELECT half(5), half_part(5), (SELECT x FROM stash.query('SELECT (coalesce($1, (SELECT amount FROM price)) / 2)::text', ROW(5)) AS q (x text));
DROP TABLE price;
SELECT half(5);
SELECT count(*) FROM stash.query('SELECT (coalesce($1, (SELECT amount FROM price)) / 2)::text', ROW(5)) AS q (x text);

-- a primary key lets a query group by less
CREATE FUNCTION grouped() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(v) FROM (SELECT id, v FROM t GROUP BY id) s); END';
SELECT stash.memoize('grouped()');
SELECT grouped();
SELECT grouped();
SELECT value FROM stash.explain('grouped()') WHERE item = 'verdict';
ALTER TABLE t DROP CONSTRAINT t_pkey;
SELECT grouped();

-- row types within other types, and those that are folded away
CREATE TABLE pair (a int, b int);
CREATE TYPE of_pair AS (r pair, n int);
CREATE DOMAIN good_pair AS pair;
CREATE TABLE holder (r pair);
INSERT INTO holder VALUES (ROW(1, 2));
SELECT stash.track('holder'), stash.track('pair');
CREATE FUNCTION nested() RETURNS jsonb STABLE LANGUAGE sql AS 'SELECT to_jsonb(ROW(ROW(1, 2), 3)::of_pair)';
CREATE FUNCTION read_nested() RETURNS jsonb STABLE LANGUAGE sql AS $$ SELECT to_jsonb(x.r) FROM jsonb_to_record('{"r": {"a": 5, "c": 6}}') AS x (r good_pair) $$;
CREATE FUNCTION of_holder() RETURNS jsonb STABLE LANGUAGE sql AS 'SELECT jsonb_agg(h) FROM holder h';
CREATE FUNCTION one_field() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (ROW(1, 2)::pair).b; EXCEPTION WHEN undefined_column THEN RETURN 'none'; END $$;
CREATE FUNCTION field_of(r pair) RETURNS int STABLE LANGUAGE sql AS 'SELECT r.b';
CREATE FUNCTION one_inlined() RETURNS int STABLE LANGUAGE sql AS 'SELECT field_of(ROW(1, 2)::pair)';
-- a name in a constant, whatever becomes of it, at the second call as at the first
CREATE TABLE pair_number AS SELECT 'pair'::regclass::oid;
SELECT stash.track('pair_number');
CREATE FUNCTION is_named(k int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN k || ('pair'::regclass::oid::text = (SELECT oid::text FROM pair_number))::text; END $$;
CREATE FUNCTION name_inlined() RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'pair'::regclass::oid::text $$;
CREATE FUNCTION is_inlined(k int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN k || (name_inlined() = (SELECT oid::text FROM pair_number))::text; END $$;
CREATE FUNCTION number_of(k int) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'pair'::regclass::oid::text || '-' || k; END $$;
SELECT count(stash.memoize(f)) FROM unnest('{number_of(int),nested(),read_nested(),of_holder(),one_field(),one_inlined(),is_named(int),is_inlined(int)}'::regprocedure[]) f;
SELECT nested(), read_nested(), of_holder(), one_field(), one_inlined();
SELECT is_named(k), is_inlined(k) FROM generate_series(1, 2) k;
SELECT is_named(3), is_inlined(3);
SELECT count(number_of(k)) FROM generate_series(1, 3) k;
SELECT item, value FROM stash.explain('is_named(int)', 3) WHERE item = 'verdict';
ALTER TABLE pair RENAME b TO c;
ALTER TABLE pair RENAME a TO b;
SELECT nested(), read_nested(), of_holder(), one_field(), one_inlined();
ALTER TABLE pair RENAME TO pair_before;
CREATE TABLE pair (a int);
SELECT is_named(k), is_inlined(k) FROM generate_series(1, 3) k;
\c -
SET search_path = stash_memo_mentions_first, stash_memo_mentions, public;
SELECT k, number_of(k) = number_of_uncached(k) AS same, is_named(k), is_named_uncached(k), is_inlined(k), is_inlined_uncached(k) FROM generate_series(1, 3) k;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_mentions, stash_memo_mentions_first CASCADE;
DROP OWNED BY regress_stash_mentions;
DROP ROLE regress_stash_mentions;
