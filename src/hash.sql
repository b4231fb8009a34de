CREATE FUNCTION stash.hash(value "any")
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash("any")
	IS 'exact 128-bit content hash (XXH3) of any value and its type; never NULL';

CREATE FUNCTION stash.hash64(value "any")
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash64'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash64("any")
	IS 'exact 64-bit content hash (XXH3) of any value and its type, for buckets; never NULL';

CREATE FUNCTION stash.hash_sampled(value "any", threshold int4 DEFAULT 10000, samples int4 DEFAULT 64)
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_sampled'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_sampled("any", int4, int4)
	IS 'hash of head, tail and evenly spaced parts of values above the threshold (elements, or 8-byte units); misses changes between them';

CREATE TYPE stash.digest;

CREATE FUNCTION stash.digest_in(cstring)
	RETURNS stash.digest
	AS 'uuid_in'
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.digest_in(cstring) IS 'I/O';

CREATE FUNCTION stash.digest_out(stash.digest)
	RETURNS cstring
	AS 'uuid_out'
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.digest_out(stash.digest) IS 'I/O';

CREATE FUNCTION stash.digest_recv(internal)
	RETURNS stash.digest
	AS 'uuid_recv'
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.digest_recv(internal) IS 'I/O';

CREATE FUNCTION stash.digest_send(stash.digest)
	RETURNS bytea
	AS 'uuid_send'
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.digest_send(stash.digest) IS 'I/O';

CREATE TYPE stash.digest (
	INPUT = stash.digest_in,
	OUTPUT = stash.digest_out,
	RECEIVE = stash.digest_recv,
	SEND = stash.digest_send,
	LIKE = uuid
);
COMMENT ON TYPE stash.digest IS 'uuid as hash strategies give it: a cast from a type to this one is the strategy of the type';

-- functions that return uuid may implement casts to digest; only implicit casts without function count for that
CREATE CAST (uuid AS stash.digest) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (uuid AS stash.digest) IS 'lets a hash strategy return uuid';

CREATE FUNCTION stash.register_hash(type regtype, function regprocedure, description text DEFAULT NULL)
	RETURNS void
	AS 'MODULE_PATHNAME', 'pg_hashstash_register_hash'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.register_hash(regtype, regprocedure, text)
	IS 'let a function of the type''s owner decide what hashes and keys see of values of a type or domain';

CREATE FUNCTION stash.unregister_hash(type regtype)
	RETURNS void
	AS 'MODULE_PATHNAME', 'pg_hashstash_unregister_hash'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.unregister_hash(regtype)
	IS 'hash values of a type by their bytes again';

CREATE VIEW stash.hash_strategies AS
SELECT c.castsource::pg_catalog.regtype AS type,
	c.castfunc::pg_catalog.regprocedure AS function,
	pg_catalog.pg_get_userbyid(t.typowner) AS owner,
	pg_catalog.obj_description(c.oid, 'pg_cast') AS description
FROM pg_catalog.pg_cast c
JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) c.castsource
WHERE c.casttarget OPERATOR(pg_catalog.=) 'stash.digest'::pg_catalog.regtype
  AND c.castsource OPERATOR(pg_catalog.<>) 'pg_catalog.uuid'::pg_catalog.regtype;
COMMENT ON VIEW stash.hash_strategies IS 'types whose values are hashed by a function of their owner';
COMMENT ON COLUMN stash.hash_strategies.type IS 'type or domain; the strategy is its cast to stash.digest';
COMMENT ON COLUMN stash.hash_strategies.function IS 'gives the digest of a value';
COMMENT ON COLUMN stash.hash_strategies.owner IS 'owner of the type';
COMMENT ON COLUMN stash.hash_strategies.description IS 'comment on the cast';
GRANT SELECT ON stash.hash_strategies TO PUBLIC;
