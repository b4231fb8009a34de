CREATE FUNCTION stash.serialize(value "any", codec text DEFAULT 'lz4')
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_hashstash_serialize'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.serialize("any", text)
	IS 'self-describing, checksummed frame of any value; codec none, lz4 or zstd';

CREATE FUNCTION stash.deserialize(frame bytea, "like" anyelement)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_deserialize'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.deserialize(bytea, anyelement)
	IS 'value of a frame; the second argument names the type, as in NULL::int[]';

CREATE FUNCTION stash.frame_info(frame bytea,
	OUT version int4, OUT type text, OUT codec text,
	OUT raw_bytes int8, OUT stored_bytes int8, OUT checksum_ok bool)
	AS 'MODULE_PATHNAME', 'pg_hashstash_frame_info'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.frame_info(bytea)
	IS 'what a frame says of itself, without decoding its value';

CREATE FUNCTION stash.encode(data bytea, codec text DEFAULT 'lz4')
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_hashstash_encode'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.encode(bytea, text)
	IS 'compressed and checksummed bytes; codec none, lz4 or zstd';

CREATE FUNCTION stash.decode(data bytea)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_hashstash_decode'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.decode(bytea)
	IS 'the bytes that stash.encode was given';
