-- pixels, mode and size are hashed, and nothing else
\getenv srcdir PG_ABS_SRCDIR
\set images :srcdir '/test/images.tsv'
CREATE TABLE picture (name text COLLATE "C" PRIMARY KEY, exact uuid, sampled uuid, hex text);
COPY picture FROM :'images';
ALTER TABLE picture ADD COLUMN data bytea;
UPDATE picture SET data = decode(hex, 'hex');
DELETE FROM picture WHERE exact IS NULL;

-- the hashes that another program computed from the pixels; what differs: none
SELECT name, stash.hash_image(data), exact FROM picture WHERE stash.hash_image(data) IS DISTINCT FROM exact ORDER BY 1;
SELECT name, stash.hash_image_sampled(data), sampled FROM picture
WHERE stash.hash_image_sampled(data) IS DISTINCT FROM sampled ORDER BY 1;

-- and what the headers say
SELECT name, (stash.image_info(data)).* FROM picture ORDER BY 1;

-- one hash for each encoding of the same pixels
SELECT min(split_part(name, ' ', 1)) AS scene, count(*), array_agg(DISTINCT format ORDER BY format) AS formats
FROM picture, stash.image_info(data)
GROUP BY stash.hash_image(data) HAVING count(*) > 1 ORDER BY 1, 2, 3;

-- other colors under the same palette indexes, other size, mode, depth, or one bit of one pixel: another hash
CREATE TEMP VIEW pair AS
SELECT a.name AS a, b.name AS b, stash.hash_image(a.data) = stash.hash_image(b.data) AS exact,
	stash.hash_image_sampled(a.data) = stash.hash_image_sampled(b.data) AS sampled
FROM picture a, picture b;
SELECT * FROM pair WHERE (a, b) IN (VALUES
	('rgb png palette', 'swapped png palette'), ('rgb gif', 'swapped gif'), ('rgb png', 'pixel png'),
	('size 2x8 png', 'size 8x2 png'), ('size 16x1 png', 'size 1x16 png'),
	('gray png', 'gray as rgb png'), ('gray png', 'gray as 16 bits png'), ('gray png', 'gray alpha png'),
	('rgba png', 'opaque rgba png'), ('jpeg rgb', 'jpeg rgb 444')) ORDER BY 1, 2;

-- what the sampled hash misses: a pixel among many, a later frame; a patch that is seen it sees
SELECT * FROM pair WHERE (a, b) IN (VALUES
	('large png', 'large pixel png'), ('large patch png', 'large png'),
	('film gif', 'film gif changed'), ('film gif', 'film gif undone'),
	('film gif', 'film gif shorter'), ('film gif', 'film gif slower')) ORDER BY 1, 2;

-- large enough for many rows and for values out of line
SELECT count(DISTINCT stash.hash_image(data)) AS hashes, count(DISTINCT stash.hash_image_sampled(data)) AS samples
FROM (SELECT data FROM picture WHERE name = 'rgb png' UNION ALL
	SELECT data || repeat('trailing', 100000)::bytea FROM picture WHERE name = 'rgb png') s;

-- strict
SELECT stash.hash_image(NULL) IS NULL AS hash, stash.hash_image_sampled(NULL) IS NULL AS sampled,
	stash.image_info(NULL) IS NULL AS info;

-- an index on it
CREATE INDEX ON picture (stash.hash_image(data));
SET enable_seqscan = off;
SELECT count(*) FROM picture WHERE stash.hash_image(data) = (SELECT exact FROM picture WHERE name = 'rgb webp');
RESET enable_seqscan;

-- values of the domain are hashed by their pixels, at any depth, and images of one hash are one key
CREATE TYPE page AS (title text, scan stash.image, thumbs stash.image[]);
SELECT stash.hash(a.data::stash.image) = stash.hash(b.data::stash.image) AS value,
	stash.hash(ARRAY[a.data, NULL]::stash.image[]) = stash.hash(ARRAY[b.data, NULL]::stash.image[]) AS array,
	stash.hash(ROW('p. 1', a.data, ARRAY[b.data])::page) = stash.hash(ROW('p. 1', b.data, ARRAY[a.data])::page) AS row,
	stash.hash(a.data) = stash.hash(b.data) AS bytea
FROM picture a, picture b WHERE a.name = 'rgb png' AND b.name = 'rgb webp';
SELECT stash.hash(a.data::stash.image) = stash.hash(b.data::stash.image) AS value
FROM picture a, picture b WHERE a.name = 'rgb png' AND b.name = 'pixel png';
SELECT stash.create('seen');
SELECT stash.put('seen', data::stash.image, name) FROM picture WHERE name IN ('rgb png', 'rgba png') ORDER BY name;
SELECT name, stash.get('seen', data::stash.image, NULL::text) FROM picture WHERE name IN ('rgb gif', 'rgba webp', 'gray png') ORDER BY name;
SELECT stash.drop('seen');
SELECT stash.hash('no image'::stash.image);
DROP TYPE page;
SELECT type, function, description FROM stash.hash_strategies;

-- what the extension owns, all with a comment, none for others to replace
SELECT pg_describe_object(classid, objid, 0) AS object, obj_description(objid, classid::regclass::name) IS NOT NULL AS comment
FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_hashstash_image')
	-- an array type is a member from 17 on
	AND pg_describe_object(classid, objid, 0) !~ '\[\]$'
ORDER BY pg_describe_object(classid, objid, 0) COLLATE "C";
SELECT proname, provolatile, proisstrict, proparallel FROM pg_proc
WHERE oid IN ('stash.hash_image'::regproc, 'stash.hash_image_sampled'::regproc, 'stash.image_info'::regproc) ORDER BY 1;
DROP TABLE picture CASCADE;
