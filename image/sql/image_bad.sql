-- bytes that are no image, damaged ones, and images that claim too much
\getenv srcdir PG_ABS_SRCDIR
\set images :srcdir '/test/images.tsv'
CREATE TABLE picture (name text COLLATE "C" PRIMARY KEY, exact uuid, sampled uuid, hex text);
COPY picture FROM :'images';
ALTER TABLE picture ADD COLUMN data bytea;
UPDATE picture SET data = decode(hex, 'hex');

-- no image
SELECT stash.hash_image('');
\echo :SQLSTATE
SELECT stash.hash_image('GIF');
SELECT stash.hash_image_sampled('GIF99a');
SELECT stash.image_info('%PDF-1.4');
SELECT stash.hash_image('RIFF....WAVEfmt ');

-- bytes of a picture replaced, from byte n on
CREATE FUNCTION claim(name text, n int, digits text) RETURNS bytea LANGUAGE sql
AS $$ SELECT overlay(data PLACING decode(digits, 'hex') FROM n + 1) FROM picture p WHERE p.name = $1 $$;

-- what a call says: its SQLSTATE, or that the hash is that of the whole file, or another
CREATE FUNCTION verdict(data bytea, exact uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN CASE stash.hash_image(data) WHEN exact THEN 'same' ELSE 'other' END;
EXCEPTION WHEN OTHERS THEN
	-- each tells what is wrong, or what to do
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	IF detail = '' AND SQLERRM <> 'bytes are not an image' THEN
		RAISE;
	END IF;
	RETURN SQLSTATE;
END $$;

-- damaged: the message names the format, the detail is the library's
\set VERBOSITY terse
SELECT stash.hash_image(substr(data, 1, length(data) - 1)) FROM picture WHERE name = 'rgb png';
SELECT stash.hash_image(substr(data, 1, length(data) - 1)) FROM picture WHERE name = 'jpeg rgb';
SELECT stash.hash_image(substr(data, 1, length(data) - 1)) FROM picture WHERE name = 'rgb gif';
SELECT stash.hash_image(substr(data, 1, length(data) / 2)) FROM picture WHERE name = 'rgb webp';
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.hash_image(substr(data, 1, 60)) FROM picture WHERE name = 'rgb png';
-- the first frame is all that a sampled hash reads
SELECT stash.hash_image_sampled(data) = sampled AS sampled FROM picture WHERE name = 'film gif';

-- cut off at each byte: an error, but for padding at the end of WebP files
SELECT (stash.image_info(data)).format, verdict(substr(data, 1, n), exact), count(*), bool_and(n >= length(data) - 3) AS at_end
FROM picture, generate_series(0, length(data) - 1) n
WHERE exact IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;

-- each byte changed, in three ways: an error or some hash, and the session lives on
CREATE TEMP TABLE harmed AS
SELECT (stash.image_info(p.data)).format, verdict(set_byte(p.data, n, get_byte(p.data, n) # mask), exact), n
FROM picture p, generate_series(0, length(p.data) - 1) n, unnest(ARRAY[1, 128, 255]) mask
WHERE exact IS NOT NULL;
SELECT format, verdict FROM harmed WHERE verdict NOT IN ('22P03', '53400', '0A000', 'other', 'same');
SELECT count(*), count(*) FILTER (WHERE verdict = '22P03') > 5000 AS many FROM harmed WHERE format <> 'PNG';
-- checksums of PNG cover each byte of it
SELECT verdict, count(*) FROM harmed WHERE format = 'PNG' GROUP BY 1;

-- what no decoder here can read: 12 bits per channel, two channels
SELECT verdict(claim('jpeg rgb', position('\xffc0'::bytea IN data) + 3, '0c'), NULL) FROM picture WHERE name = 'jpeg rgb';
SELECT stash.hash_image(data) FROM picture WHERE name = 'two channels jpeg';
\echo :SQLSTATE

-- a small file of very many scans, each of which means a walk over all blocks
CREATE FUNCTION many_scans(data bytea, n int) RETURNS bytea LANGUAGE sql
AS $$
	SELECT substr(data, 1, at - 1) || decode(repeat(encode(substr(data, at, length(data) - at - 1), 'hex'), n), 'hex') || '\xffd9'
	FROM position('\xffda00080103'::bytea IN data) at
$$;
SELECT n, stash.hash_image(many_scans(data, n)) = exact AS same
FROM picture, unnest(ARRAY[1, 400]) n WHERE name = 'flat jpeg rgb scans' ORDER BY 1;
SELECT stash.hash_image(many_scans(data, 600)) FROM picture WHERE name = 'flat jpeg rgb scans';

-- giants are refused at once, by what their headers say
SELECT stash.hash_image(claim('rgb gif', 6, 'ffffffff'));
\echo :SQLSTATE
SELECT stash.hash_image(claim('jpeg rgb', position('\xffc0'::bytea IN data) + 4, 'ffdcffdc'))
FROM picture WHERE name = 'jpeg rgb';
SELECT stash.hash_image_sampled(claim('jpeg rgb progressive', position('\xffc2'::bytea IN data) + 4, 'ffdcffdc'))
FROM picture WHERE name = 'jpeg rgb progressive';
-- width and height, 14 bits each, less one
SELECT stash.hash_image(claim('rgb webp', 21, 'ffffff0f'));
SELECT stash.hash_image(claim('webp lossy', 26, 'ff3fff3f'));
SELECT stash.hash_image(claim('film webp', 24, 'ff3f00ff3f00'));
-- the header of a PNG has a checksum
CREATE FUNCTION crc32(data bytea) RETURNS int8 LANGUAGE plpgsql AS $$
DECLARE
	crc int8 := 4294967295;
BEGIN
	FOR i IN 0 .. length(data) - 1 LOOP
		crc := crc # get_byte(data, i);
		FOR bit IN 1 .. 8 LOOP
			crc := (crc >> 1) # (3988292384 * (crc & 1));
		END LOOP;
	END LOOP;
	RETURN crc # 4294967295;
END $$;
CREATE FUNCTION claim_png(digits text) RETURNS bytea LANGUAGE sql
AS $$
	SELECT overlay(d PLACING decode(lpad(to_hex(crc32(substr(d, 13, 17))), 8, '0'), 'hex') FROM 30)
	FROM claim('rgb png', 16, digits) d
$$;
SELECT stash.hash_image(claim_png('0000000d00000009')) = exact AS crc_is_right FROM picture WHERE name = 'rgb png';
SELECT stash.hash_image(claim_png('7fffffff7fffffff'));
SELECT stash.hash_image(claim_png('7fffffff00000001'));
\set VERBOSITY terse
SELECT stash.hash_image(claim_png('8000000080000000'));
SELECT stash.hash_image(claim_png('0000000000000001'));
\set VERBOSITY default
-- the header may be read nevertheless
SELECT * FROM stash.image_info(claim_png('7fffffff7fffffff'));
SELECT * FROM stash.image_info(claim('rgb gif', 6, 'ffffffff'));

-- the settings
SELECT name, setting, unit, min_val, max_val, context FROM pg_settings WHERE name ~ '^pg_hashstash_image' ORDER BY 1;
SET pg_hashstash_image.max_pixels = 359;
SELECT stash.hash_image(data) FROM picture WHERE name = 'film gif';
SET pg_hashstash_image.max_pixels = 360;
SELECT stash.hash_image(data) = exact AS same FROM picture WHERE name = 'film gif';
RESET pg_hashstash_image.max_pixels;
SET pg_hashstash_image.max_memory = '1MB';
-- rows are not kept, unless they are interlaced or several frames
SELECT verdict(claim_png('0000010000010000'), NULL);
SELECT stash.hash_image(claim_png('00001000000010000802000001'));
RESET pg_hashstash_image.max_memory;
SET pg_hashstash_image.max_width = 10;

-- a cancel is obeyed within one decoding: 80 frames of 5000 x 5000 pixels, of which each draws one
CREATE FUNCTION many_frames(n int) RETURNS bytea LANGUAGE sql
AS $$
	SELECT decode('474946383961' || '88138813' || '800000' || '000000ffffff' ||
		repeat('2c' || '00000000' || '01000100' || '00' || '02' || '024401' || '00', n) || '3b', 'hex')
$$;
SELECT * FROM stash.image_info(many_frames(80));
SET pg_hashstash_image.max_pixels = 2000000000;
SELECT clock_timestamp() AS start \gset
SELECT stash.hash_image(many_frames(80)) IS NOT NULL AS decoded;
SELECT clock_timestamp() - :'start' AS whole, clock_timestamp() AS start \gset
SET statement_timeout = '50ms';
SELECT stash.hash_image(many_frames(80));
\echo :SQLSTATE
RESET statement_timeout;
SELECT clock_timestamp() - :'start' < :'whole'::interval / 2 AS early;
DROP TABLE picture CASCADE;
