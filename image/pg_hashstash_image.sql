-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pg_hashstash_image" to load this file. \quit

CREATE DOMAIN stash.image AS bytea;
COMMENT ON DOMAIN stash.image
	IS 'bytes of a PNG, JPEG, WebP or GIF image; not checked on input';

CREATE FUNCTION stash.hash_image(image bytea)
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_image'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_image(bytea)
	IS '128-bit hash (XXH3) of mode, size and all pixels of an image; the same for each lossless encoding';

CREATE FUNCTION stash.hash_image_sampled(image bytea)
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_hash_image_sampled'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.hash_image_sampled(bytea)
	IS '128-bit hash (XXH3) of mode, size and a thumbnail of 32 x 32 pixels of the first frame; misses small changes';

CREATE FUNCTION stash.image_info(image bytea,
		OUT format text, OUT width int4, OUT height int4, OUT mode text, OUT bits int4, OUT frames int4)
	RETURNS record
	AS 'MODULE_PATHNAME', 'pg_hashstash_image_info'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.image_info(bytea)
	IS 'what the header of an image says: format, size in pixels, mode, bits per channel, frames';

SELECT stash.register_hash('stash.image', 'stash.hash_image(bytea)', 'pixels, mode and size of an image');
