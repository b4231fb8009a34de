-- Frames: there and back, what they tell of themselves, and how bad ones are refused.
CREATE SCHEMA frame_test;
SET search_path = frame_test, public;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);

-- there and back
SELECT stash.deserialize(stash.serialize(42), NULL::int), stash.deserialize(stash.serialize('text'::text), NULL::text),
	stash.deserialize(stash.serialize('{1,NULL,3}'::int[]), NULL::int[]), stash.deserialize(stash.serialize(ROW(1, 'a')::pair), NULL::pair),
	stash.deserialize(stash.serialize('ok'::mood), 'sad'::mood), stash.deserialize(stash.serialize(5::positive), 1::positive),
	stash.deserialize(stash.serialize(ROW(1, ROW('a', 2.50))), NULL::record);
SELECT stash.deserialize(stash.serialize('a'), NULL::text) AS untyped, stash.deserialize(stash.serialize('[0:1]={a,b}'::text[]), NULL::text[]) AS bounds;
-- a null of a type; a null frame
SELECT stash.deserialize(stash.serialize(NULL::int[]), '{1}'::int[]) IS NULL AS null_value,
	stash.deserialize(NULL, 1) IS NULL AS null_frame, length(stash.serialize(NULL::int)) AS bytes;
SELECT stash.serialize(NULL::int) <> stash.serialize(NULL::int8) AS differ;

-- 16 bytes more than a small value has
SELECT length(stash.serialize(42)) - 4 AS int4, length(stash.serialize(42::int8)) - 8 AS int8, length(stash.serialize(true)) - 1 AS bool;
-- lz4 is the default; what does not shrink is stored as it is
SELECT length(stash.serialize(repeat('a', 10000))) < 100 AS shrinks,
	stash.serialize(repeat('a', 10000)) = stash.serialize(repeat('a', 10000), 'lz4') AS by_default,
	length(stash.serialize(repeat('a', 10000), 'none')) AS none;
SELECT (stash.frame_info(stash.serialize(x, 'lz4'))).codec AS codec, length(stash.serialize(x, 'lz4')) <= length(stash.serialize(x, 'none')) AS never_larger
FROM (VALUES ('short'::text), (repeat('a', 60)), (repeat('a', 63)), (repeat('a', 64)), (md5('1') || md5('2') || md5('3'))) v(x);
SELECT stash.deserialize(stash.serialize(x, 'none'), x) = x AS none, stash.deserialize(stash.serialize(x, 'lz4'), x) = x AS lz4
FROM (VALUES (repeat('ab', 500000))) v(x);

-- frame_info
SELECT * FROM stash.frame_info(stash.serialize('{1,2,3}'::int[]));
SELECT * FROM stash.frame_info(stash.serialize(array_fill(1, '{1000}')));
SELECT * FROM stash.frame_info(stash.serialize(NULL::pair));
SELECT * FROM stash.frame_info(NULL);
SELECT type FROM (VALUES (stash.serialize('ok'::mood)), (stash.serialize(ROW(1, 'a')::pair)), (stash.serialize(ROW(1, 'a'))),
	(stash.serialize(ARRAY[5::positive])), (stash.serialize(ARRAY[ROW(1, ARRAY['a'])])), (stash.serialize('[1,2)'::int4range)),
	(stash.serialize(NULL::record)), (stash.serialize(ARRAY[ROW(1), ROW('a')]))) f(frame), stash.frame_info(frame);

-- codecs alone
SELECT stash.decode(stash.encode('\x00ff')) AS default, stash.decode(stash.encode('\x00ff', 'none')) AS none, stash.decode(stash.encode('')) AS empty;
SELECT length(stash.encode(convert_to(repeat('a', 10000), 'UTF8'))) < 100 AS shrinks, stash.encode(NULL) IS NULL AS null, stash.decode(NULL) IS NULL AS null_frame;
SELECT stash.encode('\x0102') = stash.serialize('\x0102'::bytea) AS is_frame;

-- bad arguments
\set VERBOSITY terse
SELECT stash.serialize(1, 'gzip');
\echo :SQLSTATE
SELECT stash.serialize(1, 'LZ4');
\echo :SQLSTATE
SELECT stash.serialize(1, NULL);
\echo :SQLSTATE
SELECT stash.encode('', 'brotli');
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.encode('', '');
\set VERBOSITY terse

-- another type: no silent cast
SELECT stash.deserialize(stash.serialize(42), NULL::int8);
\echo :SQLSTATE
SELECT stash.deserialize(stash.serialize(5::positive), NULL::int);
\echo :SQLSTATE
SELECT stash.deserialize(stash.serialize(42), NULL::positive);
\echo :SQLSTATE
SELECT stash.deserialize(stash.serialize('{1}'::int[]), NULL::int);
\echo :SQLSTATE
SELECT stash.deserialize(stash.serialize(NULL::int), NULL::text);
\echo :SQLSTATE
SELECT stash.deserialize(stash.serialize('a'::varchar), NULL::text);
\echo :SQLSTATE
SELECT stash.decode(stash.serialize('text'));
\echo :SQLSTATE
\set VERBOSITY default
SELECT stash.deserialize(stash.serialize(42), NULL::text);
\set VERBOSITY terse

-- no frame at all: text, JSON, an Arrow stream, a pickle, a magic alone, nothing
SELECT stash.deserialize(x, 1) FROM (VALUES ('hello world, this is text'::bytea)) v(x);
\echo :SQLSTATE
SELECT stash.deserialize('{"a": [1, 2, 3], "b": "c"}', 1);
\echo :SQLSTATE
SELECT stash.deserialize('\xffffffff78000000100000000000', 1);
\echo :SQLSTATE
SELECT stash.deserialize('\x80049503000000000000004b2a2e', 1);
\echo :SQLSTATE
SELECT stash.deserialize('\xf553', 1);
\echo :SQLSTATE
SELECT stash.deserialize('', 1);
\echo :SQLSTATE
SELECT stash.frame_info('');
\echo :SQLSTATE
SELECT stash.decode('abc');
\echo :SQLSTATE

-- damaged: a bit, an end
SELECT stash.deserialize(set_bit(stash.serialize(42), 130, 1), 1);
\echo :SQLSTATE
SELECT stash.deserialize(substr(stash.serialize(42), 1, 19), 1);
\echo :SQLSTATE
SELECT stash.deserialize(stash.serialize(42) || '\x00', 1);
\echo :SQLSTATE
-- the header is covered too: a changed version is damage, not the future
SELECT stash.deserialize(set_byte(stash.serialize(42), 2, 2), 1);
\echo :SQLSTATE
SELECT * FROM stash.frame_info(set_byte(stash.serialize(42), 2, 2));
SELECT * FROM stash.frame_info(substr(stash.serialize('{1,2,3}'::int[]), 1, 5));

-- from the future, with a checksum that holds: version 2, a codec
SELECT stash.deserialize('\xf5530200543d4218b44d9cf2030117002a000000', 1);
\echo :SQLSTATE
SELECT stash.deserialize('\xf553010500dfe0c2365214ef03011700042a000000', 1);
\echo :SQLSTATE

\set VERBOSITY default
SELECT stash.deserialize('\xf5530100', 1);
SELECT stash.deserialize('\xf553010039c4fa4d2170bd607f', 1);
\set VERBOSITY terse

-- lies below a checksum that holds; test/tap/021_hostile_frames.pl has many more
-- bytes left over
SELECT stash.deserialize('\xf5530100e77374913022d61c030117002a00000000', 1);
\echo :SQLSTATE
-- too short
SELECT stash.deserialize('\xf5530100c4aeaf1d1614546d030117002a0000', 1);
\echo :SQLSTATE
-- a type longer than the frame
SELECT stash.deserialize('\xf553010042dfdb286f0da21a7f0117002a000000', 1);
\echo :SQLSTATE
-- a number in too many bytes
SELECT stash.deserialize('\xf55301006aa310a03555813883000117002a000000', 1);
\echo :SQLSTATE
-- no descriptor
SELECT stash.deserialize('\xf5530100d54c4e598a8b8fc60142', 1);
\echo :SQLSTATE
-- a name that is no text
SELECT stash.deserialize('\xf55301003adb2db732d1ae0d0d03067075626c6963046dff6f64026f6b', 1);
\echo :SQLSTATE
SELECT stash.frame_info('\xf55301003adb2db732d1ae0d0d03067075626c6963046dff6f64026f6b');
\echo :SQLSTATE
-- long texts: one of the server's encoding, one with a zero in it, one that ends within a character
SELECT stash.deserialize('\xf5530101018e6bd0ef49c9650301190088073f8607610100ff7d3fc3a9620100ffdc506262626262', NULL::text) = repeat('a', 400) || U&'\00e9' || repeat('b', 500) AS same;
SELECT stash.deserialize('\xf5530101696e0d78b68a06040301190087073f8507610100ff7d2f00620100ffdc506262626262', NULL::text);
\echo :SQLSTATE
SELECT stash.deserialize('\xf5530101dd008ac16bc451aa0301190087073f8507610100ff7d1f620100ffdd5062626262c3', NULL::text);
\echo :SQLSTATE
-- a column's name that is too long, and is cut before a character
SELECT stash.deserialize('\xf55301007cc09cc84919b4484808000001406161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161c3a90117000101000000', 1);
\echo :SQLSTATE
-- cstring, an array of it, and gtsvector: there are no values of them; int4[] has another descriptor
SELECT stash.frame_info(f) FROM unnest(ARRAY['\xf55301005c45ec4a31f06a4c0301e30878']::bytea[]) f;
\echo :SQLSTATE
SELECT stash.frame_info('\xf5530100f7dd1ad294db04f20301ef0478');
\echo :SQLSTATE
SELECT stash.frame_info('\xf55301002149f9152ea16d1303013a0e78');
\echo :SQLSTATE
SELECT stash.deserialize('\xf55301005c662db7aed39eb40301ef0378', NULL::int[]);
\echo :SQLSTATE
-- an array of arrays
SELECT stash.deserialize('\xf5530100f845a6f9d5efbb530507070117000000', NULL::int[]);
\echo :SQLSTATE
-- an array that claims 2^27 elements
SELECT stash.deserialize('\xf5530100ea959b5d04779c53040701170001ffffff3f0100000000', NULL::int[]);
\echo :SQLSTATE
-- a null bitmap without a null
SELECT stash.deserialize('\xf553010052fba9f214e3b527040701170001020100000001030100000002000000', NULL::int[]);
\echo :SQLSTATE
-- a bit behind the bitmap
SELECT stash.deserialize('\xf553010058cfdbe33707057c0407011700010201000000010501000000', NULL::int[]);
\echo :SQLSTATE
-- a dimension of no elements
SELECT stash.deserialize('\xf5530100f7ea4e97288dc54c040701170001000100000000', NULL::int[]);
\echo :SQLSTATE
-- seven dimensions
SELECT stash.deserialize('\xf5530100de57461280e2b44304070117000701010000000101000000010100000001010000000101000000010100000001010000000001000000', NULL::int[]);
\echo :SQLSTATE
-- a boolean of 2
SELECT stash.deserialize('\xf553010017c37a866adefad10301100002', true);
\echo :SQLSTATE
-- a date after the last
SELECT stash.deserialize('\xf5530100f793d111f15df86103013a04f0ffff7f', NULL::date);
\echo :SQLSTATE
-- text that is no UTF-8
SELECT stash.deserialize('\xf5530100b4b4dd837ca2e0a90301190001ff', NULL::text);
\echo :SQLSTATE
-- text with a zero
SELECT stash.deserialize('\xf5530100f79f86e5e1cbf09f0301190003610062', NULL::text);
\echo :SQLSTATE
-- a numeric in the long form without need
SELECT stash.deserialize('\xf553010003ebc8fb5644c2550301a40606000000000100', 1.0);
\echo :SQLSTATE
-- a numeric with digits behind its scale
SELECT stash.deserialize('\xf553010006c057d09488580c0301a40606008001008813', 1.0);
\echo :SQLSTATE
-- a numeric digit of 10,000
SELECT stash.deserialize('\xf5530100670c0003f43d0d8c0301a4060400801027', 1.0);
\echo :SQLSTATE
-- minus zero
SELECT stash.deserialize('\xf5530100e91c49a74fce7c180301a4060200a0', 1.0);
\echo :SQLSTATE
-- a range that is not the server's own
SELECT stash.deserialize('\xf5530100f0d7d913274a692c0301400f060100000009000000', NULL::int4range);
\echo :SQLSTATE
-- bounds in the wrong order
SELECT stash.deserialize('\xf55301004c35382275b6a43c0301400f020900000001000000', NULL::int4range);
\echo :SQLSTATE
-- ranges in the wrong order
SELECT stash.deserialize('\xf553010036e0e30b4b1ff5df0301631102020500000006000000020100000002000000', NULL::int4multirange);
\echo :SQLSTATE
-- ranges that touch
SELECT stash.deserialize('\xf55301007d36c51e50b503c10301631102020100000002000000020200000003000000', NULL::int4multirange);
\echo :SQLSTATE
-- 2^40 ranges
SELECT stash.deserialize('\xf55301000687c9f4f9c0cebc03016311808080808020', NULL::int4multirange);
\echo :SQLSTATE
-- a null with a body
SELECT stash.deserialize('\xf55301809efbe5000fe4fcf80301170001', 1);
\echo :SQLSTATE
-- 1 GB in 3 bytes of lz4
SELECT stash.deserialize('\xf55301017f2738fb43807d5a03011900ffffffff03102000', NULL::text);
\echo :SQLSTATE
-- 2^63 bytes of lz4
SELECT stash.deserialize('\xf5530101dd4d161c834da83d03011900ffffffffffffffff7f102000', NULL::text);
\echo :SQLSTATE
-- lz4 that is none
SELECT stash.deserialize('\xf553010101b3c9408699d9830301190010ffffff', NULL::text);
\echo :SQLSTATE
-- lz4 of another size
SELECT stash.deserialize('\xf553010193ae43b4fd97fa4e030119000530026161', NULL::text);
\echo :SQLSTATE
-- a column more than the bitmap has bits
SELECT stash.deserialize('\xf55301009b6f40cb5342a0340a080000010266310117000301000000', NULL::record);
\echo :SQLSTATE

-- what the server takes from nobody
SELECT stash.serialize(adbin) FROM (SELECT NULL::pg_node_tree AS adbin) x;
\echo :SQLSTATE
SELECT stash.serialize(ARRAY[ROW(NULL::pg_ndistinct)]);
\echo :SQLSTATE
SELECT stash.to_variant(NULL::pg_mcv_list);
\echo :SQLSTATE
SELECT stash.create('frame_test.unread');
SELECT stash.put('unread', 1, NULL::pg_dependencies);
\echo :SQLSTATE
-- but a memoized function may take and give them
CREATE TABLE defaults (a int DEFAULT 5);
CREATE FUNCTION expression(e pg_node_tree) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN pg_get_expr(e, 'defaults'::regclass); END $$;
CREATE FUNCTION tree(t regclass) RETURNS pg_node_tree IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT adbin FROM pg_attrdef WHERE adrelid = t); END $$;
SELECT stash.memoize('expression(pg_node_tree)', "as" => 'm_expression'), stash.memoize('tree(regclass)', "as" => 'm_tree');
SELECT m_expression(adbin), m_expression(adbin), pg_get_expr(m_tree(adrelid), adrelid), pg_get_expr(m_tree(adrelid), adrelid)
FROM pg_attrdef WHERE adrelid = 'defaults'::regclass;
SELECT pg_get_expr(m_tree(adrelid), adrelid) FROM pg_attrdef WHERE adrelid = 'defaults'::regclass;

DROP SCHEMA frame_test CASCADE;
