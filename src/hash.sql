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

CREATE FUNCTION stash.sample_plan(value "any", threshold int4 DEFAULT 10000, samples int4 DEFAULT 64)
	RETURNS TABLE (from_byte int8, bytes int8)
	AS 'MODULE_PATHNAME', 'pg_hashstash_sample_plan'
	LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 66;
COMMENT ON FUNCTION stash.sample_plan("any", int4, int4)
	IS 'bytes of a value''s image, from 0, that hash_sampled reads with these arguments';

-- ordered: workers cannot share the rows of one list

CREATE FUNCTION stash.hash_list_add(state internal, value "any")
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_list_add'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_list_add(internal, "any")
	IS 'transition function of hash_agg';

CREATE FUNCTION stash.hash_list_final(state internal, value "any")
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_list_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_list_final(internal, "any")
	IS 'final function of hash_agg';

CREATE AGGREGATE stash.hash_agg(value "any") (
	SFUNC = stash.hash_list_add,
	STYPE = internal,
	SSPACE = 2048,
	FINALFUNC = stash.hash_list_final,
	FINALFUNC_EXTRA,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE stash.hash_agg("any")
	IS 'exact 128-bit content hash of values in their order (use ORDER BY inside); never NULL';

-- order-free: the sum of the hashes

CREATE FUNCTION stash.hash_set_add(state internal, value "any")
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_set_add'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_set_add(internal, "any")
	IS 'transition function of hash_set_agg';

CREATE FUNCTION stash.hash_set_combine(state internal, other internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_set_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_set_combine(internal, internal)
	IS 'combine function of hash_set_agg';

CREATE FUNCTION stash.hash_set_serialize(state internal)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_set_serialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_set_serialize(internal)
	IS 'serialization function of hash_set_agg';

CREATE FUNCTION stash.hash_set_deserialize(data bytea, state internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_set_deserialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_set_deserialize(bytea, internal)
	IS 'deserialization function of hash_set_agg';

CREATE FUNCTION stash.hash_set_final(state internal, value "any")
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_set_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_set_final(internal, "any")
	IS 'final function of hash_set_agg';

CREATE AGGREGATE stash.hash_set_agg(value "any") (
	SFUNC = stash.hash_set_add,
	STYPE = internal,
	SSPACE = 32,
	FINALFUNC = stash.hash_set_final,
	FINALFUNC_EXTRA,
	COMBINEFUNC = stash.hash_set_combine,
	SERIALFUNC = stash.hash_set_serialize,
	DESERIALFUNC = stash.hash_set_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE stash.hash_set_agg("any")
	IS 'exact 128-bit content hash of values in any order, duplicates counted; never NULL';

-- labelled as the server labels table_to_xml and query_to_xml

CREATE FUNCTION stash.hash_table(rel regclass, sampled bool DEFAULT false)
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_table'
	LANGUAGE C STABLE PARALLEL RESTRICTED
	COST 1000;
COMMENT ON FUNCTION stash.hash_table(regclass, bool)
	IS 'hash_set_agg over the rows of a table, as the caller sees them; sampled: of its size and its first and last 500 rows';

CREATE FUNCTION stash.hash_query(query text, sampled bool DEFAULT false)
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_query'
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	COST 1000;
COMMENT ON FUNCTION stash.hash_query(text, bool)
	IS 'hash_agg over the rows of a query, with the names and types of its columns; sampled: of their number and the first and last 500';

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
