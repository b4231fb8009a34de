-- What is no strategy, what goes wrong with one, and whose business it is.
CREATE SCHEMA hash_strategy_errors;
SET search_path = hash_strategy_errors, public;
CREATE ROLE regress_stash_owner;
CREATE ROLE regress_stash_other;
GRANT USAGE ON SCHEMA hash_strategy_errors TO regress_stash_owner, regress_stash_other;
CREATE DOMAIN email AS text CHECK (value LIKE '%@%');
CREATE FUNCTION email_hash(value text) RETURNS uuid IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql RETURN stash.hash(lower(value));
CREATE DOMAIN work_email AS email;
CREATE TYPE photo AS (id int, pixels bytea);
CREATE FUNCTION photo_hash(value photo) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash((value).id);
SELECT stash.register_hash('photo', 'photo_hash(photo)');

-- what cannot be registered
CREATE FUNCTION volatile_hash(text) RETURNS uuid PARALLEL SAFE LANGUAGE sql RETURN stash.hash($1);
CREATE FUNCTION stable_hash(text) RETURNS uuid STABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash($1);
CREATE FUNCTION unsafe_hash(text) RETURNS uuid IMMUTABLE LANGUAGE sql RETURN stash.hash($1);
CREATE FUNCTION text_hash(text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1;
CREATE FUNCTION set_hash(text) RETURNS SETOF uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql BEGIN ATOMIC SELECT stash.hash($1); END;
CREATE FUNCTION two_hash(text, int DEFAULT 1) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash($1);
CREATE FUNCTION int_hash(int) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash($1);
CREATE FUNCTION next_hash(uuid, text) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash($2);
CREATE AGGREGATE all_hash(text) (sfunc = next_hash, stype = uuid, parallel = safe);
SELECT stash.register_hash('email', 'volatile_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('email', 'stable_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('email', 'unsafe_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('email', 'text_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('email', 'set_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('email', 'all_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('email', 'two_hash(text, int)');
\echo :SQLSTATE
SELECT stash.register_hash('email', 'int_hash(int)');
\echo :SQLSTATE
SELECT stash.register_hash('work_email', 'email_hash(text)') AS domain_over_domain, stash.unregister_hash('work_email');
SELECT stash.register_hash('email', 12345::regprocedure);
\echo :SQLSTATE
SELECT stash.register_hash(12345::regtype, 'email_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('text', 'email_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('email[]', 'email_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('anyelement', 'email_hash(text)');
\echo :SQLSTATE
CREATE TYPE shell;
SELECT stash.register_hash('shell', 'email_hash(text)');
\echo :SQLSTATE
DROP TYPE shell;
SELECT stash.register_hash(NULL, 'email_hash(text)');
\echo :SQLSTATE
SELECT stash.register_hash('email', NULL);
\echo :SQLSTATE
SELECT stash.unregister_hash(NULL);
\echo :SQLSTATE
SELECT stash.unregister_hash('email');
\echo :SQLSTATE
SELECT stash.register_hash('photo', 'photo_hash(photo)');
\echo :SQLSTATE

-- what goes wrong when it is called
CREATE DOMAIN token AS text;
CREATE FUNCTION token_hash(value token) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
BEGIN
	CASE value
		WHEN 'null' THEN RETURN NULL;
		WHEN 'error' THEN RAISE 'no such token' USING ERRCODE = 'invalid_parameter_value';
		WHEN 'itself' THEN RETURN stash.hash(value);
		WHEN 'deep' THEN RETURN stash.hash(ARRAY[ROW(value)]);
		WHEN 'ring' THEN RETURN stash.hash(ROW(1, value)::ring);
		WHEN 'base' THEN RETURN stash.hash(value::text);
		ELSE RETURN stash.hash(ROW(length(value), NULL)::photo);
	END CASE;
END
$$;
CREATE TYPE ring AS (id int, token token);
CREATE FUNCTION ring_hash(value ring) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash((value).token);
SELECT stash.register_hash('token', 'token_hash(token)'), stash.register_hash('ring', 'ring_hash(ring)');
SELECT stash.hash('null'::token);
\echo :SQLSTATE
SELECT stash.hash(ARRAY[ROW(1, 'error'::token)]);
\echo :SQLSTATE
SELECT stash.hash('itself'::token);
\echo :SQLSTATE
SELECT stash.hash('deep'::token);
\echo :SQLSTATE
SELECT stash.hash('ring'::token);
\echo :SQLSTATE
SELECT stash.hash(ROW(1, 'ring')::ring);
\echo :SQLSTATE
-- and goes on after that
SELECT stash.hash('four'::token) = stash.hash('five'::token) AS same, stash.hash('base'::token) <> stash.hash('bases'::token) AS differs,
	stash.hash(ROW(1, 'four')::ring) = stash.hash(ROW(2, 'five')::ring) AS same;
DO $$
BEGIN
	PERFORM stash.hash('itself'::hash_strategy_errors.token);
EXCEPTION WHEN invalid_recursion THEN
	RAISE NOTICE 'caught; and then % twice', stash.hash('four'::hash_strategy_errors.token) = stash.hash('four'::hash_strategy_errors.token);
END
$$;
-- a function that was made unfit, a cast by hand
ALTER FUNCTION ring_hash STABLE;
SELECT stash.hash(ROW(1, 'a')::ring);
\echo :SQLSTATE
ALTER FUNCTION ring_hash IMMUTABLE;
SELECT stash.hash(ROW(1, 'a')::ring) = stash.hash(ROW(2, 'a')::ring) AS same;
DROP CAST (ring AS stash.digest);
CREATE CAST (ring AS stash.digest) WITH INOUT;
SELECT stash.hash(ROW(1, 'a')::ring);
\echo :SQLSTATE
SELECT stash.register_hash('ring', 'ring_hash(ring)');
\echo :SQLSTATE
SELECT stash.unregister_hash('ring');

-- whose business it is
ALTER DOMAIN token OWNER TO regress_stash_owner;
REVOKE EXECUTE ON FUNCTION token_hash FROM PUBLIC;
SELECT type, owner FROM stash.hash_strategies WHERE type = 'token'::regtype;
SET ROLE regress_stash_other;
SELECT type, owner FROM stash.hash_strategies WHERE type = 'token'::regtype;
SELECT stash.hash('four'::token);
\echo :SQLSTATE
SELECT stash.unregister_hash('token');
\echo :SQLSTATE
SELECT stash.register_hash('work_email', 'email_hash(text)');
\echo :SQLSTATE
SET ROLE regress_stash_owner;
SELECT stash.unregister_hash('token');
SELECT stash.register_hash('token', 'token_hash(token)');
\echo :SQLSTATE
RESET ROLE;
GRANT EXECUTE ON FUNCTION token_hash TO regress_stash_owner;
SET ROLE regress_stash_owner;
SELECT stash.register_hash('token', 'token_hash(token)', 'mine');
SELECT stash.hash('four'::token) = stash.hash('five'::token) AS same;
-- the right may come with a role, and go
RESET ROLE;
SET ROLE regress_stash_other;
SELECT stash.hash('four'::token);
RESET ROLE;
GRANT regress_stash_owner TO regress_stash_other;
SET ROLE regress_stash_other;
SELECT stash.hash('four'::token) = stash.hash('five'::token) AS same;
RESET ROLE;
REVOKE regress_stash_owner FROM regress_stash_other;
SET ROLE regress_stash_other;
SELECT stash.hash('four'::token);
\echo :SQLSTATE
RESET ROLE;
-- within one statement the roles are told apart
CREATE FUNCTION as_owner() RETURNS uuid SECURITY DEFINER LANGUAGE sql SET search_path = hash_strategy_errors AS $$SELECT stash.hash('four'::token)$$;
ALTER FUNCTION as_owner OWNER TO regress_stash_owner;
SET ROLE regress_stash_other;
SELECT as_owner() IS NOT NULL AS owner_may;
SELECT as_owner(), stash.hash('four'::token);
\echo :SQLSTATE
RESET ROLE;
-- the function cannot go before the strategy
DROP FUNCTION token_hash;
\echo :SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA hash_strategy_errors CASCADE;
DROP ROLE regress_stash_owner, regress_stash_other;
