-- Settings that decide what a query, or PL/pgSQL, takes as an error, and errors that a target goes on after.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA stash_memo_settings;
SET search_path = stash_memo_settings, public;
CREATE TABLE item AS SELECT n FROM generate_series(1, 2) AS n;
SELECT stash.track('item');
CREATE VIEW items AS SELECT n FROM item;

-- trap 17: settings of PL/pgSQL, set before it is loaded
CREATE FUNCTION first_of() RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	first int;
BEGIN
	SELECT n INTO first FROM stash_memo_settings.item ORDER BY n;
	RETURN first;
END $$;
CREATE FUNCTION asserted() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	ASSERT false;
	RETURN 'went on';
EXCEPTION WHEN assert_failure THEN
	RETURN 'failed';
END $$;
CREATE FUNCTION detail(wanted int) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	found int;
	detail text;
BEGIN
	SELECT n INTO STRICT found FROM stash_memo_settings.item WHERE n > wanted;
	RETURN found;
EXCEPTION WHEN too_many_rows THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail;
END $$;
CREATE FUNCTION runs(query text) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE query INTO answer;
	RETURN answer;
EXCEPTION WHEN nonstandard_use_of_escape_character OR object_not_in_prerequisite_state THEN
	RETURN SQLSTATE;
END $$;
SELECT stash.memoize(f::regprocedure) FROM unnest(ARRAY['first_of()', 'asserted()', 'detail(int)', 'runs(text)']) AS f;
SELECT first_of(), asserted(), detail(0), runs('SELECT max(n) FROM stash_memo_settings.items'), runs($$SELECT E'\'x'$$);
CREATE FUNCTION verdict(f text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(value, ' ') FROM stash.explain(f::regprocedure) WHERE item IN ('verdict', 'found in', 'last answer not kept')
$$;
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_settings, public;
-- with those that they have at first, and before PL/pgSQL is there, what was remembered is found
SELECT value FROM stash.explain('first_of()') WHERE item = 'verdict';
SELECT first_of(), asserted(), detail(0);
SELECT verdict('first_of()');
\c -
\set SHOW_CONTEXT never
SET search_path = stash_memo_settings, public;
SET plpgsql.extra_errors = 'all';
SELECT first_of();
\echo :SQLSTATE
SELECT first_of_uncached();
\echo :SQLSTATE
RESET plpgsql.extra_errors;
SELECT first_of(), verdict('first_of()');
\c -
SET search_path = stash_memo_settings, public;
SET plpgsql.check_asserts = off;
SELECT asserted(), asserted_uncached();
RESET plpgsql.check_asserts;
SELECT asserted(), asserted_uncached();
-- how errors show parameters is decided when a function is compiled
\c -
SET search_path = stash_memo_settings, public;
SET plpgsql.print_strict_params = on;
SELECT detail(0), detail(0) = detail_uncached(0) AS agrees;
\c -
SET search_path = stash_memo_settings, public;
SELECT detail(-2) IS NULL AS compiled;
SET plpgsql.print_strict_params = on;
SELECT detail(-1), detail(-1) = detail_uncached(-1) AS agrees;
SELECT value FROM stash.explain('detail(int)', -1) WHERE item = 'last answer not kept';
\c -
SET search_path = stash_memo_settings, public;
SET plpgsql.print_strict_params = on;
SELECT detail(-1), detail(-1) = detail_uncached(-1) AS agrees;

-- trap 17: settings of the parser and of the rewriter
SET restrict_nonsystem_relation_kind = 'view';
SELECT runs(q), runs(q) = runs_uncached(q) AS agrees FROM (SELECT 'SELECT max(n) FROM stash_memo_settings.items') AS s (q);
RESET restrict_nonsystem_relation_kind;
SELECT runs('SELECT max(n) FROM stash_memo_settings.items');
SET backslash_quote = off;
SELECT runs(q), runs(q) = runs_uncached(q) AS agrees FROM (SELECT $$SELECT E'\'x'$$) AS s (q);
RESET backslash_quote;
SELECT runs($$SELECT E'\'x'$$);

SET client_min_messages = warning;
DROP SCHEMA stash_memo_settings CASCADE;
