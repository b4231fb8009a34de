CREATE FUNCTION stash.scan_support(request internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'pg_hashstash_scan_support'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.scan_support(internal)
	IS 'support function of functions that stream from FROM; not to be called';
