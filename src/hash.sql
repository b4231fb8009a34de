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
