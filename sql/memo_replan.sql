-- Memoized functions: answers are not made with what a session planned under other settings, or before a change of
-- what texts mean.
-- The original is asked in sessions of its own: one that has plans goes on to use them.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_replan;
SET search_path = stash_memo_replan, public;
CREATE TABLE event (at timestamptz);
INSERT INTO event VALUES ('2019-12-31 16:00+00');
SELECT stash.track('event');

-- trap 16: constants that were made of texts once in a session, by the settings of then
CREATE FUNCTION zone() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM event WHERE at >= timestamptz '2020-01-01 00:00');
END
$$;
CREATE FUNCTION simple_zone() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN extract(epoch FROM timestamptz '2020-01-01 00:00'); END $$;
CREATE FUNCTION day() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM event) || to_char(date '01/02/2020', ' YYYY-MM-DD');
END
$$;
CREATE FUNCTION nulls() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM event) || coalesce(('{NULL}'::text[])[1], 'is null');
END
$$;
CREATE FUNCTION equals() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM event WHERE NULL = NULL); END $$;
-- not of a text, but computed when it was planned
CREATE FUNCTION digits() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM event) || ' ' || (0.1::float8 + 0.2::float8); END $$;
CREATE FUNCTION own_zone() RETURNS text STABLE SET timezone = 'Asia/Tokyo' LANGUAGE plpgsql AS $$ BEGIN RETURN zone(); END $$;
SELECT count(stash.memoize(f)) FROM unnest('{zone(),simple_zone(),day(),nulls(),equals(),digits()}'::regprocedure[]) AS f;
CREATE FUNCTION answers() RETURNS text[] LANGUAGE sql AS 'SELECT ARRAY[zone()::text, simple_zone(), day(), nulls(), equals()::text, digits()]';
CREATE FUNCTION originals() RETURNS text[] LANGUAGE sql AS
	'SELECT ARRAY[zone_uncached()::text, simple_zone_uncached(), day_uncached(), nulls_uncached(), equals_uncached()::text, digits_uncached()]';
CREATE PROCEDURE other_settings() LANGUAGE plpgsql AS $$
BEGIN
	SET timezone = 'Asia/Tokyo';
	SET datestyle = 'ISO, DMY';
	SET array_nulls = off;
	SET transform_null_equals = on;
	SET extra_float_digits = 0;
END
$$;
\c -
SET search_path = stash_memo_replan, public;
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SELECT answers();
CALL other_settings();
SELECT answers();
\c -
SET search_path = stash_memo_replan, public;
CALL other_settings();
SELECT answers() AS memo, originals() AS original;
-- and back again; and where a function brings its own zone
RESET ALL;
SET search_path = stash_memo_replan, public;
SET timezone = 'UTC';
SELECT stash.forget(f) FROM unnest('{zone(),simple_zone()}'::regprocedure[]) AS f;
SELECT own_zone(), zone(), simple_zone();
\c -
SET search_path = stash_memo_replan, public;
SET timezone = 'UTC';
SELECT zone() AS memo, zone_uncached() AS original, simple_zone() AS simple, simple_zone_uncached() AS original, own_zone();
-- a check by chance is not made with them, either
SET pg_hashstash.verify = 1;
SET timezone = 'Asia/Tokyo';
SELECT zone();
SET timezone = 'UTC';
SELECT zone();
RESET pg_hashstash.verify;

-- trap 46: a session's plans are older than what its search finds now
SET search_path = stash_memo_replan, public;
CREATE SCHEMA stash_memo_replan_early;
CREATE TYPE amount AS (n int);
CREATE FUNCTION as_it_is(amount) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT ($1).n';
CREATE FUNCTION hundredfold(amount) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT ($1).n * 100';
CREATE CAST (amount AS int) WITH FUNCTION as_it_is(amount);
CREATE TABLE amounts (a amount);
INSERT INTO amounts VALUES (ROW(1)), (ROW(2));
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN short AS char(5);
CREATE DOMAIN code AS text;
CREATE COLLATION ordered (locale = 'en-US-x-icu', provider = icu);
CREATE TEXT SEARCH CONFIGURATION words (COPY = pg_catalog.english);
SELECT stash.track('amounts');
CREATE FUNCTION by_cast() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT sum(a::int) FROM stash_memo_replan.amounts); END $$;
CREATE FUNCTION by_label() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM stash_memo_replan.amounts) || ' ' || ('sad'::stash_memo_replan.mood)::text;
END
$$;
CREATE FUNCTION by_domain() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN '[' || 'abcdefgh'::char(8)::short || ']'; END $$;
CREATE FUNCTION by_collation() RETURNS bool STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'a' < 'B' COLLATE ordered; END $$;
CREATE FUNCTION by_words() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN to_tsvector('words', 'running dogs'); END $$;
CREATE FUNCTION by_variable() RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	v code;
BEGIN
	v := '007';
	RETURN '[' || v || ']';
END
$$;
SELECT count(stash.memoize(f)) FROM unnest('{by_cast(),by_label(),by_domain(),by_collation(),by_words(),by_variable()}'::regprocedure[]) AS f;
CREATE PROCEDURE change_all() LANGUAGE plpgsql AS $$
BEGIN
	DROP CAST (amount AS int);
	CREATE CAST (amount AS int) WITH FUNCTION hundredfold(amount);
	ALTER TYPE mood RENAME VALUE 'sad' TO 'was sad';
	ALTER TYPE mood RENAME VALUE 'glad' TO 'sad';
	CREATE DOMAIN stash_memo_replan_early.short AS char(2);
	CREATE DOMAIN stash_memo_replan_early.code AS int;
	CREATE COLLATION stash_memo_replan_early.ordered (locale = 'C');
	CREATE TEXT SEARCH CONFIGURATION stash_memo_replan_early.words (COPY = pg_catalog.simple);
END
$$;
SET search_path = stash_memo_replan_early, stash_memo_replan, public;
SELECT by_cast(), by_label(), by_domain(), by_collation(), by_words(), by_variable();
CALL change_all();
-- this session has plans of before, and does not keep what it makes with them
SELECT by_cast(), by_label(), by_domain(), by_collation(), by_words(), by_variable();
\c -
SET search_path = stash_memo_replan_early, stash_memo_replan, public;
SELECT by_cast(), by_label(), by_domain(), by_collation(), by_words(), by_variable();
SELECT by_cast_uncached() AS by_cast, by_label_uncached() AS by_label, by_domain_uncached() AS by_domain, by_collation_uncached() AS by_collation,
	by_words_uncached() AS by_words, by_variable_uncached() AS by_variable;

-- row types that a plan has from a function: of those the server does not look after
SET search_path = stash_memo_replan, public;
CREATE TABLE rows (id int, v int);
INSERT INTO rows VALUES (1, 10);
SELECT stash.track('rows');
CREATE VIEW rows_seen AS SELECT id FROM rows;
CREATE FUNCTION all_rows() RETURNS SETOF rows STABLE LANGUAGE sql AS 'SELECT * FROM rows';
CREATE FUNCTION all_seen() RETURNS SETOF rows_seen STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT * FROM rows_seen; END $$;
CREATE FUNCTION by_record() RETURNS jsonb STABLE LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT * INTO r FROM all_rows(); RETURN to_jsonb(r); END $$;
CREATE FUNCTION by_fields() RETURNS jsonb STABLE LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT (all_rows()).* INTO r; RETURN to_jsonb(r); END $$;
CREATE FUNCTION by_text() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(x::text, ',') FROM all_rows() x); END $$;
CREATE FUNCTION by_view() RETURNS jsonb STABLE LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT * INTO r FROM all_seen(); RETURN to_jsonb(r); END $$;
SELECT count(stash.memoize(f)) FROM unnest('{by_record(),by_fields(),by_text(),by_view()}'::regprocedure[]) AS f;
SELECT by_record(), by_fields(), by_text(), by_view();
ALTER TABLE rows ADD COLUMN w int DEFAULT 3;
CREATE OR REPLACE VIEW rows_seen AS SELECT id, v FROM rows;
SELECT by_record() IS NULL AS by_record, by_fields() IS NULL AS by_fields, by_text() IS NULL AS by_text, by_view() IS NULL AS by_view;
\c -
SET search_path = stash_memo_replan, public;
SELECT by_record(), by_fields(), by_text(), by_view();
SELECT by_record_uncached() AS by_record, by_fields_uncached() AS by_fields, by_text_uncached() AS by_text, by_view_uncached() AS by_view;
ALTER TABLE rows RENAME COLUMN w TO x;
SELECT by_fields() IS NULL AS by_fields, by_record() IS NULL AS by_record;
-- then plans are made anew, and it is remembered
SELECT by_fields(), by_record();
SELECT value FROM stash.explain('by_fields()') WHERE item = 'verdict';
\c -
SET search_path = stash_memo_replan, public;
SELECT by_fields(), by_fields_uncached(), by_record(), by_record_uncached();
-- its columns count, not what it holds
TRUNCATE rows;
SELECT by_text() IS NULL AS is_empty;
SELECT value FROM stash.explain('by_text()') WHERE item = 'verdict';

-- and those that the planner has folded away, or found in functions that it put in place of their calls
CREATE TABLE folded (a int, b int);
INSERT INTO folded VALUES (1, 2);
SELECT stash.track('folded');
CREATE FUNCTION with_row(OUT r folded, OUT n int) RETURNS SETOF record STABLE LANGUAGE sql AS 'SELECT t, 1 FROM folded t';
CREATE FUNCTION by_column() RETURNS jsonb STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_agg(q) FROM (SELECT (r).* FROM with_row()) q; END $$;
CREATE FUNCTION by_null() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN to_jsonb(q) FROM (SELECT (NULL::folded).*) q; END $$;
SELECT stash.memoize('by_column()'), stash.memoize('by_null()');
SELECT by_column(), by_null();
ALTER TABLE folded ADD COLUMN c int DEFAULT 7;
SELECT by_column() IS NULL AS by_column, by_null() IS NULL AS by_null;
\c -
SET search_path = stash_memo_replan, public;
SELECT by_column(), by_column_uncached(), by_null(), by_null_uncached();

SET client_min_messages = warning;
DROP SCHEMA stash_memo_replan, stash_memo_replan_early CASCADE;
