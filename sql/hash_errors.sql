-- What cannot be hashed gives an error, and what is nested very deeply a hash or an error, never a crash.
\set VERBOSITY terse
CREATE SCHEMA hash_errors;
SET search_path = hash_errors, public;

-- types without any conversion to bytes, alone and within others, NULL or not
CREATE TYPE holder AS (a int, v gtsvector);
CREATE DOMAIN vectors AS gtsvector;
SELECT stash.hash(NULL::gtsvector);
\echo :SQLSTATE
SELECT stash.hash64(NULL::gtsvector);
\echo :SQLSTATE
SELECT stash.hash_sampled(NULL::gtsvector);
\echo :SQLSTATE
SELECT stash.hash(NULL::gtsvector[]);
\echo :SQLSTATE
SELECT stash.hash(NULL::vectors);
\echo :SQLSTATE
SELECT stash.hash(ROW(1, NULL)::holder);
\echo :SQLSTATE
SELECT stash.hash(NULL::holder);
\echo :SQLSTATE
SELECT stash.hash(ROW(1, NULL::gtsvector));
\echo :SQLSTATE
SELECT stash.hash(ARRAY[ROW(1), ROW(NULL::gtsvector)]);
\echo :SQLSTATE
SELECT stash.hash(NULL::void);
\echo :SQLSTATE
SELECT stash.hash(NULL::anyarray);
\echo :SQLSTATE
SELECT stash.hash(stash.hash(1)::text::cstring);
\echo :SQLSTATE

-- a type of which nothing is known but the name
CREATE TYPE shell;
SELECT stash.hash(NULL::shell);
\echo :SQLSTATE

-- types whose functions give nothing but errors: the server's own, and only where there is a value
CREATE TYPE mute;
CREATE FUNCTION mute_in(cstring) RETURNS mute IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION mute_out(mute) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'void_out';
CREATE FUNCTION mute_recv(internal) RETURNS mute IMMUTABLE STRICT LANGUAGE internal AS 'int4recv';
CREATE FUNCTION mute_send(mute) RETURNS bytea IMMUTABLE STRICT LANGUAGE internal AS 'pg_ddl_command_send';
CREATE TYPE mute (INPUT = mute_in, OUTPUT = mute_out, RECEIVE = mute_recv, SEND = mute_send, LIKE = int4);
CREATE TYPE dumb;
CREATE FUNCTION dumb_in(cstring) RETURNS dumb IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION dumb_out(dumb) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'any_out';
CREATE TYPE dumb (INPUT = dumb_in, OUTPUT = dumb_out, LIKE = int4);
SELECT stash.hash('1'::mute);
\echo :SQLSTATE
SELECT stash.hash('{1}'::mute[]);
\echo :SQLSTATE
SELECT stash.hash('1'::dumb);
\echo :SQLSTATE
SELECT stash.hash(ROW('1'::dumb));
\echo :SQLSTATE
SELECT stash.hash(NULL::mute) <> stash.hash(NULL::dumb) AS nulls, stash.hash('{NULL}'::dumb[]) <> stash.hash('{}'::dumb[]) AS arrays;
-- settings that the conversion to text pins are what they were, also after the error
SET DateStyle = 'German';
SET extra_float_digits = -3;
SELECT stash.hash('1'::dumb);
SHOW DateStyle;
SHOW extra_float_digits;
RESET DateStyle;
RESET extra_float_digits;

-- rows in rows: what a loop builds, and what becomes of its hash
CREATE FUNCTION rows_in_rows(depth int) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
	r record := ROW(0);
BEGIN
	FOR i IN 1..depth LOOP
		r := ROW(r);
	END LOOP;
	RETURN r;
END $$;
CREATE FUNCTION rows_in_arrays(depth int) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
	r record := ROW(0);
BEGIN
	FOR i IN 1..depth LOOP
		r := ROW(ARRAY[r]);
	END LOOP;
	RETURN r;
END $$;
-- what is too deep for the stack of one machine need not be for another's
CREATE FUNCTION is_clean(call text, value anyelement) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT stash.' || call USING value;
	RETURN true;
EXCEPTION WHEN statement_too_complex THEN
	RETURN SQLSTATE = '54001';
END $$;
SELECT count(DISTINCT stash.hash(rows_in_rows(depth))) AS rows, count(DISTINCT stash.hash(rows_in_arrays(depth))) AS arrays FROM generate_series(95, 100) depth;
-- 10,000 levels
SELECT call, is_clean(call, rows) AS rows, is_clean(call, arrays) AS arrays
FROM (SELECT rows_in_rows(10000) AS rows, rows_in_arrays(5000) AS arrays OFFSET 0) deep, unnest('{hash($1),hash64($1),"hash_sampled($1, 0, 1)",serialize($1)}'::text[]) call;
-- with the least stack it is too deep for every one
SET max_stack_depth = '100kB';
SELECT stash.hash(rows_in_rows(3000));
\echo :SQLSTATE
RESET max_stack_depth;
SELECT stash.hash(rows_in_rows(1)) = stash.hash(ROW(ROW(0))) AS works_again;

-- json in json
SELECT count(DISTINCT stash.hash((repeat('[', depth) || repeat(']', depth))::jsonb)) AS arrays, count(DISTINCT stash.hash((repeat('{"a":', depth) || 1 || repeat('}', depth))::jsonb)) AS objects,
	count(DISTINCT stash.hash((repeat('[', depth) || repeat(']', depth))::json)) AS json
FROM unnest('{999,1000,1001}'::int[]) depth;
SELECT is_clean('hash($1)', (repeat('[', 6000) || repeat(']', 6000))::jsonb) AS arrays, is_clean('hash($1)', (repeat('{"a":', 6000) || 1 || repeat('}', 6000))::jsonb) AS objects;

DROP SCHEMA hash_errors CASCADE;
