-- What makes two calls the same call: function, arguments, and for what is not IMMUTABLE role and settings.
-- Each function says when it computes; silence is a hit.
\set SHOW_CONTEXT never
CREATE SCHEMA stash_memo_key;
SET search_path = stash_memo_key, public;
SET pg_hashstash.shared_cache = off;
SET pg_hashstash.local_cache_size = 0;

-- an answer that depends on everything
CREATE FUNCTION show_all() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RETURN format('%s %s %s %s %s %s %s',
		'2024-03-01 12:00:00+00'::timestamptz, '1 day 2 hours'::interval, (1::float8 / 3), '\x41'::bytea,
		to_char(1234.5, 'FM9,999D00'), '{NULL}'::text[], quote_ident('plain'));
END
$$;
SELECT stash.memoize('show_all()', ttl => '1 hour');
CREATE FUNCTION remembered() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM stash_memo_key.show_all_stash';

-- trap 17, 19: settings
-- called twice under a setting, then without it: how many answers came to be remembered, are they right?
CREATE PROCEDURE toggle(setting text, new text) LANGUAGE plpgsql AS $$
DECLARE
	old text := current_setting(setting);
	before text := stash_memo_key.show_all();
	n bigint := stash_memo_key.remembered();
	first text;
	second text;
BEGIN
	PERFORM set_config(setting, new, false);
	first := stash_memo_key.show_all();
	second := stash_memo_key.show_all();
	RAISE NOTICE '% = %: % more, % right', setting, new, stash_memo_key.remembered() - n,
		(first = stash_memo_key.show_all_uncached())::int + (second = first)::int;
	PERFORM set_config(setting, old, false);
	-- the original would go on to use its plan, with constants of the new setting
	ASSERT stash_memo_key.show_all() = before;
	ASSERT stash_memo_key.remembered() = n + 1;
END
$$;
SELECT show_all(), remembered();
CALL toggle('timezone', 'Asia/Tokyo');
CALL toggle('datestyle', 'ISO');
CALL toggle('datestyle', 'Postgres, DMY');
CALL toggle('intervalstyle', 'iso_8601');
CALL toggle('extra_float_digits', '-2');
CALL toggle('bytea_output', 'escape');
CALL toggle('array_nulls', 'off');
CALL toggle('quote_all_identifiers', 'on');
CALL toggle('xmloption', 'document');
CALL toggle('xmlbinary', 'hex');
CALL toggle('row_security', 'off');
CALL toggle('client_encoding', 'LATIN1');
CALL toggle('lc_monetary', 'POSIX');
CALL toggle('lc_numeric', 'POSIX');
CALL toggle('lc_time', 'POSIX');
CALL toggle('default_text_search_config', 'pg_catalog.german');
CALL toggle('search_path', 'stash_memo_key');
-- the same setting is the same, wherever it comes from
CREATE FUNCTION in_tokyo() RETURNS text STABLE SET timezone = 'Asia/Tokyo' LANGUAGE sql AS 'SELECT stash_memo_key.show_all()';
BEGIN;
SELECT remembered() AS n \gset
SELECT in_tokyo();
SET LOCAL timezone = 'Asia/Tokyo';
SELECT show_all();
SELECT remembered() - :n AS more;
COMMIT;
SELECT show_all();
-- what changes no result is no part of it
SET work_mem = '5MB';
SET enable_seqscan = off;
SET application_name = 'other';
SELECT show_all();
SELECT remembered() - :n AS more;
RESET work_mem;
RESET enable_seqscan;
RESET application_name;
-- a setting of the target itself is part of its definition, and goes before the caller's
CREATE FUNCTION fixed() RETURNS text STABLE SET timezone = 'UTC' LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN '2024-03-01 12:00:00+00'::timestamptz;
END
$$;
SELECT stash.memoize('fixed()', ttl => '1 hour');
SELECT fixed();
SELECT fixed();


-- an IMMUTABLE target needs none of them
CREATE FUNCTION square(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed square(%)', n;
	RETURN n * n;
END
$$;
SELECT stash.memoize('square(int)');
SELECT square(2);
SET timezone = 'UTC';
SET datestyle = 'German';
SET search_path = pg_catalog;
SET extra_float_digits = 0;
SET row_security = off;
SELECT stash_memo_key.square(2);
RESET ALL;
SET search_path = stash_memo_key, public;
SET pg_hashstash.local_cache_size = 0;
SET pg_hashstash.shared_cache = off;

-- trap 14: search_path
-- the same text may read another schema's table
CREATE SCHEMA stash_memo_key_a
	CREATE TABLE who (name text);
CREATE SCHEMA stash_memo_key_b
	CREATE TABLE who (name text);
INSERT INTO stash_memo_key_a.who VALUES ('anna');
INSERT INTO stash_memo_key_b.who VALUES ('bert');
CREATE FUNCTION who_is() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed who_is()';
	RETURN (SELECT name FROM who);
END
$$;
SELECT stash.memoize('who_is()', ttl => '1 hour');
SET search_path = stash_memo_key, stash_memo_key_a;
SELECT who_is();
SELECT who_is();
SET search_path = stash_memo_key, stash_memo_key_b;
SELECT who_is();
SELECT who_is();
SET search_path = stash_memo_key, stash_memo_key_a;
SELECT who_is();
-- trap 16: temporary tables
-- a temporary table stands before all others, and is nobody else's: answers stay in the session
RESET pg_hashstash.local_cache_size;
SELECT who_is();
CREATE TEMP TABLE who (name text);
INSERT INTO who VALUES ('temporary');
SELECT who_is();
SELECT who_is();
SELECT * FROM stash.explain('who_is()') WHERE item IN ('verdict', 'found in');
SELECT result FROM stash.calls('who_is()') ORDER BY result;
-- what is IMMUTABLE does not read tables
SELECT square(5);
SELECT count(*) FROM stash.calls('square(int)');
\c -
SET search_path = stash_memo_key, stash_memo_key_a;
SELECT who_is();
BEGIN;
CREATE TEMP TABLE other (name text) ON COMMIT DROP;
SELECT who_is();
SELECT value FROM stash.explain('who_is()') WHERE item = 'found in';
COMMIT;
SELECT who_is();
SELECT value FROM stash.explain('who_is()') WHERE item = 'found in';
SET pg_hashstash.local_cache_size = 0;
SET pg_hashstash.shared_cache = off;
SELECT value FROM stash.explain('who_is()') WHERE item = 'found in';
SET search_path = stash_memo_key, public;

-- the role, under its name and as it is; shared only by the owner's word
CREATE ROLE regress_stash_key_a;
CREATE ROLE regress_stash_key_b;
GRANT USAGE ON SCHEMA stash_memo_key TO PUBLIC;
CREATE FUNCTION whoami() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed whoami() as %', current_user;
	RETURN current_user;
END
$$;
CREATE FUNCTION anybody() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed anybody() as %', current_user;
	RETURN current_user;
END
$$;
SELECT stash.memoize('whoami()', ttl => '1 hour'), stash.memoize('anybody()', ttl => '1 hour', share => 'all');
SET ROLE regress_stash_key_a;
SELECT whoami(), anybody();
SET ROLE regress_stash_key_b;
SELECT whoami(), anybody();
SET ROLE regress_stash_key_a;
SELECT whoami(), anybody();
RESET ROLE;
-- trap 4: memberships
-- what a role may see depends on its memberships, direct or not, and on its attributes
CREATE ROLE regress_stash_key_group;
GRANT regress_stash_key_b TO regress_stash_key_a;
SET ROLE regress_stash_key_a;
SELECT whoami();
SELECT whoami(), anybody();
RESET ROLE;
GRANT regress_stash_key_group TO regress_stash_key_b;
SET ROLE regress_stash_key_a;
SELECT whoami();
RESET ROLE;
REVOKE regress_stash_key_b FROM regress_stash_key_a;
ALTER ROLE regress_stash_key_a NOINHERIT;
SET ROLE regress_stash_key_a;
SELECT whoami();
RESET ROLE;
-- as it was before
ALTER ROLE regress_stash_key_a INHERIT;
SET ROLE regress_stash_key_a;
SELECT whoami();
RESET ROLE;
ALTER ROLE regress_stash_key_a RENAME TO regress_stash_key_c;
SET ROLE regress_stash_key_c;
SELECT whoami();
RESET ROLE;
-- sharing roles does not mean sharing settings
SET timezone = 'UTC';
SELECT anybody();
RESET timezone;

-- trap 28: equal, and yet not the same
-- arguments: bit for bit, not by "="
CREATE FUNCTION as_text(n numeric) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed as_text(%)', n;
	RETURN n;
END
$$;
CREATE FUNCTION as_text(f float8) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed as_text(%)', f;
	RETURN f;
END
$$;
CREATE FUNCTION as_text(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed as_text(%)', t;
	RETURN t;
END
$$;
CREATE FUNCTION as_text(j json) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed as_text(%)', j;
	RETURN j;
END
$$;
CREATE FUNCTION as_text(i int[]) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed as_text(%)', i;
	RETURN i;
END
$$;
SELECT stash.memoize(f) FROM unnest(ARRAY['numeric', 'float8', 'text', 'json', 'int[]']) AS type, to_regprocedure(format('as_text(%s)', type)) AS f;
SELECT as_text(1.0), as_text(1.00), as_text(1::numeric);
SELECT as_text(1.0), as_text(1.00), as_text(1::numeric);
SELECT as_text(0::float8), as_text('-0'::float8), as_text('NaN'::float8), as_text('-infinity'::float8);
SELECT as_text(0::float8), as_text('-0'::float8), as_text('NaN'::float8), as_text('-infinity'::float8);
SELECT as_text('a'::text), as_text('A'::text), as_text('a '::text), as_text(''::text);
SELECT as_text('a'::text), as_text('A'::text), as_text('a '::text), as_text(''::text);
SELECT as_text('{"a":1}'::json), as_text('{"a": 1}'::json);
SELECT as_text('{"a":1}'::json), as_text('{"a": 1}'::json);
SELECT as_text('{1}'::int[]), as_text('[0:0]={1}'::int[]), as_text('{{1}}'::int[]), as_text('{}'::int[]), as_text('{NULL}'::int[]);
SELECT as_text('{1}'::int[]), as_text('[0:0]={1}'::int[]), as_text('{{1}}'::int[]), as_text('{}'::int[]), as_text('{NULL}'::int[]);
-- how a value is stored makes no difference
CREATE TABLE toasted (t text);
ALTER TABLE toasted ALTER t SET STORAGE EXTERNAL;
INSERT INTO toasted VALUES (repeat('x', 5000));
CREATE FUNCTION len(t text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed len()';
	RETURN length(t);
END
$$;
SELECT stash.memoize('len(text)');
SELECT len(t) FROM toasted;
SELECT len(repeat('x', 5000)), len(t) FROM toasted;
-- trap 29: lengths
-- two arguments do not run into each other
CREATE FUNCTION glue(a text, b text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed glue(%, %)', a, b;
	RETURN a || '|' || b;
END
$$;
SELECT stash.memoize('glue(text, text)');
SELECT glue('ab', 'c'), glue('a', 'bc'), glue('abc', ''), glue(NULL, 'abc'), glue('abc', NULL);
SELECT glue('ab', 'c'), glue('a', 'bc'), glue('abc', ''), glue(NULL, 'abc'), glue('abc', NULL);

-- trap 20: collations
-- the collation of a call
CREATE COLLATION stash_ordinary (LOCALE = 'C');
CREATE FUNCTION below(a text, b text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed below(%, %)', a, b;
	RETURN a < b;
END
$$;
SELECT stash.memoize('below(text, text)');
SELECT below('a', 'B' COLLATE "C");
SELECT below('a', 'B' COLLATE "C");
SELECT below('a', 'B' COLLATE stash_ordinary);
SELECT below('a', 'B' COLLATE stash_ordinary), below('a', 'B' COLLATE "C");
SELECT below('a' COLLATE "C", 'B' COLLATE stash_ordinary);

-- trap 65: an edited body
-- the function: its name, and the definition of the target
CREATE SCHEMA stash_memo_key_c;
CREATE FUNCTION stash_memo_key_c.square(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -n';
SELECT stash.memoize('stash_memo_key_c.square(int)');
SELECT stash_memo_key_c.square(2), square(2);
CREATE OR REPLACE FUNCTION square_uncached(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed square(%) anew', n;
	RETURN n * n + 1000;
END
$$;
SELECT square(2);
SELECT square(2);
ALTER FUNCTION square_uncached(int) SET timezone = 'UTC';
SELECT square(2);
-- as it was before: so are the answers
ALTER FUNCTION square_uncached(int) RESET ALL;
SELECT square(2);
-- a label is enough, for IMMUTABLE promises what STABLE does not
ALTER FUNCTION square_uncached(int) STABLE;
SELECT square(2);
SELECT square(2);
ALTER FUNCTION square_uncached(int) IMMUTABLE;
SELECT square(2);
-- trap 27: types of arguments
-- an overloaded sibling is another function
CREATE FUNCTION square(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT n * n';
SELECT stash.memoize('square(bigint)');
SELECT square(2), square(2::bigint);
SELECT stash.stash_of('square(int)'), stash.stash_of('square(bigint)');

SET client_min_messages = warning;
DROP SCHEMA stash_memo_key, stash_memo_key_a, stash_memo_key_b, stash_memo_key_c CASCADE;
RESET client_min_messages;
DROP ROLE regress_stash_key_b, regress_stash_key_c, regress_stash_key_group;
