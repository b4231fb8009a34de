-- jsonb in frames: the tree is there and back, and what no server writes is refused, rule by rule.
CREATE SCHEMA frame_jsonb_test;
SET search_path = frame_jsonb_test, public;
CREATE DOMAIN document AS jsonb CHECK (jsonb_typeof(value) = 'object');
CREATE TYPE pair AS (a jsonb, b document);

-- the value, or how it is refused
CREATE FUNCTION outcome(frame bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN stash.deserialize(frame, NULL::jsonb)::text;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
-- what was read is what a server makes of the text
CREATE FUNCTION is_same(j jsonb) RETURNS boolean LANGUAGE sql AS $$
	SELECT stash.deserialize(stash.serialize(j, c), j)::text = j::text
		AND stash.serialize(stash.deserialize(stash.serialize(j, c), j), 'none') = stash.serialize(j::text::jsonb, 'none')
		AND pg_column_size(stash.deserialize(stash.serialize(j, c), j)) = pg_column_size(j::text::jsonb)
	FROM (VALUES ('none'), ('lz4')) v(c) ORDER BY 1 LIMIT 1 $$;

-- there and back
SELECT bool_and(is_same(j)), count(*) FROM (VALUES ('{}'::jsonb), ('[]'), ('1'), ('-0.00'), ('1e300'), ('"x"'), ('""'), ('null'), ('true'),
	('{"a": {"b": [1, {"c": null}]}, "": "", "é": "世界"}'), ('[[[]], [{}], "a", 1, "b", {"x": 2.50}]')) v(j);
-- every length around the stride, of objects and arrays
SELECT bool_and(is_same(array_to_json(array_fill(i, ARRAY[i]))::jsonb)),
	bool_and(is_same((SELECT coalesce(jsonb_object_agg('k' || k, repeat('v', k)), '{}') FROM generate_series(1, i) k)))
FROM generate_series(0, 100) i;
-- every place that a number, an object may begin at
SELECT bool_and(is_same(jsonb_build_array(repeat('x', i), 12.50, repeat('y', k), '{"a": 1}'::jsonb, '[]'::jsonb, 7))) FROM generate_series(0, 5) i, generate_series(0, 5) k;
-- arrays, rows, domains
SELECT stash.deserialize(stash.serialize(x), x), stash.deserialize(stash.serialize(x), x) = x AS same
FROM (VALUES (ARRAY['1', NULL, '{"a": [1, 2]}', '[]', '"x"']::jsonb[])) v(x);
SELECT stash.deserialize(stash.serialize(x), x) FROM (VALUES (ROW('[1]', '{"a": 1}')::pair)) v(x);
SELECT stash.deserialize(stash.serialize(x), x) FROM (VALUES (ARRAY['{"a": 1}', NULL]::document[])) v(x);
-- in TOAST: not compressed, and compressed
CREATE TABLE stored (i int, j jsonb);
ALTER TABLE stored ALTER j SET STORAGE EXTERNAL;
INSERT INTO stored SELECT 1, jsonb_agg(md5(i::text)) FROM generate_series(1, 5000) i;
ALTER TABLE stored ALTER j SET STORAGE EXTENDED;
INSERT INTO stored SELECT 2, jsonb_agg(i) FROM generate_series(1, 5000) i;
SELECT i, pg_column_size(j) > 100000 AS is_plain, stash.serialize(j, 'none') = stash.serialize(j::text::jsonb, 'none') AS same_frame,
	stash.deserialize(stash.serialize(j), j) = j AS same, stash.hash(j) = stash.hash(j::text::jsonb) AS same_hash
FROM stored ORDER BY i;
-- hashes know nothing of it, and variants are written anew
SELECT stash.hash('{"a": 1}'::jsonb), stash.hash64('{"a": 1}'::jsonb);
\set text '\\xf553010019ad8b2d278cdb800301da0e09017b2261223a20317d'
\set tree '\\xf5530100457520c50113fd2c0301da0e190201000020010000800b000010610000002000000000800100'
SELECT stash.deserialize(:'text', NULL::jsonb), stash.serialize(stash.deserialize(:'text', NULL::jsonb), 'none') = :'tree' AS written_anew,
	:'text'::stash.variant::bytea = :'tree' AS as_variant;
SELECT stash.hash(stash.to_variant('{"a": 1}'::jsonb)) AS variant, stash.hash(ARRAY[stash.to_variant(ROW(1, '{[1]}'::jsonb[]))]) AS in_array;
SELECT stash.variant_out('jsonb:{"b":2, "a":  1}'), stash.identical('jsonb:{"b":2, "a":  1}', stash.to_variant('{"a": 1, "b": 2}'::jsonb)) AS identical;

-- the rules, one by one
-- what a server writes
SELECT what, outcome(frame) FROM (VALUES
	('an object', '\xf5530100ff477ee66579635d0301da0e2102020000200100008001000000000000200a000010616200002000000000800100'::bytea),
	('an array of 33', '\xf5530100b2d072114a398a2d0301da0e8b010221000040000000c000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040020000807879'),
	('a scalar', '\xf5530100c3e0054507ba9bec0301da0e110201000050080000902000000000800100'),
	('a number in the long form, though the short would do', '\xf55301002d9b8768781312ff0301da0e1302010000400a00009028000000000000000100')) v(what, frame);
-- the form
SELECT what, outcome(frame) FROM (VALUES
	('no bytes', '\xf553010013f8e1022573fc540301da0e00'::bytea),
	('form 0', '\xf553010070824b5afe5da7e70301da0e050000000040'),
	('form 3', '\xf55301005577632df8e2bb0b0301da0e050300000040'),
	('no tree', '\xf5530100cbd9c9f5693238130301da0e0102'),
	('three bytes of tree', '\xf5530100e3923fb582369a4d0301da0e0402000000')) v(what, frame);
-- the header
SELECT what, outcome(frame) FROM (VALUES
	('neither object nor array', '\xf5530100d70444da75bd542a0301da0e050200000000'::bytea),
	('object and array', '\xf5530100bc28a054105477620301da0e050200000060'),
	('a bit that has no meaning', '\xf55301003adbd61a829e3d2d0301da0e0502000000c0'),
	('an object as a scalar', '\xf553010086ddb1d03576e5800301da0e0d02010000300000008000000040'),
	('a scalar of none', '\xf553010023cda00972bbf4010301da0e050200000050'),
	('a scalar of two', '\xf5530100f22a0838918a88570301da0e0d0202000050000000c000000040'),
	('an array as a scalar', '\xf5530100c72e7aef31b5bcc90301da0e0d0201000050040000d000000040'),
	('a scalar within an array', '\xf5530100fd440503530fb8a70301da0e110201000040080000d001000050000000c0'),
	('an element more than entries', '\xf5530100e94cdf1366355e450301da0e090202000040000000c0'),
	('a pair more than entries', '\xf55301003dfdf3901ae625680301da0e09020100002000000080'),
	('2^28 - 1 elements', '\xf55301009c2c8b57a99c715c0301da0e0902ffffff4f000000c0'),
	('2^28 - 1 pairs', '\xf5530100976678234f7c51890301da0e0902ffffff2f00000080')) v(what, frame);
-- entries
SELECT what, outcome(frame) FROM (VALUES
	('kind 6', '\xf553010095cef959b831ed580301da0e090201000040000000e0'::bytea),
	('kind 7', '\xf5530100ff417c475d2d8a310301da0e090201000040000000f0'),
	('a length where an offset should be', '\xf55301004d475a4a9db851f10301da0e0a02010000400100000078'),
	('an offset where a length should be', '\xf553010013299c61c55591510301da0e0f020200004001000080020000807879'),
	('a length in entry 32', '\xf553010088e10fb55cecdd9c0301da0e8b010221000040000000c000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040020000007879'),
	('an offset before the last one', '\xf5530100fd4b685139c4e0d50301da0e8b0102210000400200008000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040010000807879'),
	('an offset behind the end', '\xf5530100daa067fa0549b8e70301da0e0b0201000040030000807879'),
	('a length behind the end', '\xf55301002bc96803d5fc0e330301da0e0f020200004001000080020000007879'),
	('lengths whose sum is 2^32', '\xf5530100c9e09c369e3c83fe0301da0e4f0212000040ffffff8fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0fffffff0f10000000020000007879'),
	('bytes left over', '\xf5530100afd104ff893da4550301da0e0b0201000040010000807879'),
	('bytes behind an empty array', '\xf5530100bfa86faa69f3e7fb0301da0e09020000004000000000'),
	('a content of null', '\xf5530100f114db262e1287d80301da0e0a0201000040010000c000'),
	('a content of false', '\xf55301001651564c38e522660301da0e0a0201000040010000a000'),
	('a content of true', '\xf5530100bd79276067ee209f0301da0e0a0201000040010000b000'),
	('a length of null, whose byte is the next one', '\xf5530100abf8ff7f0fc84cfc0301da0e0e0202000040010000c00100000078')) v(what, frame);
-- strings
SELECT what, outcome(frame) FROM (VALUES
	('no UTF-8', '\xf5530100bc16de8268938c330301da0e0a020100004001000080ff'::bytea),
	('a zero byte', '\xf553010024e352881550f1160301da0e0c020100004003000080610062'),
	('half of a surrogate pair', '\xf5530100b85b0045dccbb1780301da0e0c020100004003000080eda080'),
	('a character of two strings', '\xf5530100ac79cc9d999c66960301da0e0f02020000400100008001000000c3a9'),
	('a character cut off by null', '\xf553010094327c5a926b8e210301da0e130203000040010000800000004001000000c3a9'),
	('a character cut off by a number', '\xf55301005dcdb8b817e8a7180301da0e1e0203000040010000800b00001001000000c30000002000000000800100a9'),
	('no UTF-8 in 40 bytes', '\xf553010021035f5c7665cf2f0301da0e310201000040280000807878787878787878787878787878787878787878787878787878787878787878787878787878c378'),
	('no UTF-8 before a number', '\xf553010040b5b720dc27b0140301da0e1902020000400400008008000010616263ff2000000000800100'),
	('no UTF-8 before an array', '\xf5530100fe554c6f49b2e67f0301da0e1502020000400400008004000050616263ff00000040'),
	('no UTF-8 behind an array', '\xf553010071dc5826279232e60301da0e150202000040040000d00400000000000040616263ff')) v(what, frame);
-- keys
SELECT what, outcome(frame) FROM (VALUES
	('null as a key', '\xf5530100890729af4c33ce400301da0e0d0201000020000000c000000040'::bytea),
	('an array as a key', '\xf55301003365d20deaff0acf0301da0e110201000020040000d00000004000000040'),
	('a key twice', '\xf55301007436f18e68a4932c0301da0e170202000020010000800100000000000040000000406161'),
	('an empty key twice', '\xf55301001320baaf6bbe6d890301da0e15020200002000000080000000000000004000000040'),
	('the longer key first', '\xf5530100d8b307685be3cbd20301da0e18020200002002000080010000000000004000000040616162'),
	('descending in the first byte', '\xf5530100c693758e88c96b770301da0e170202000020010000800100000000000040000000406261'),
	('descending in the last byte', '\xf5530100b53f41301ca5d0fe0301da0e1902020000200200008002000000000000400000004061626161')) v(what, frame);
-- numbers
SELECT what, outcome(frame) FROM (VALUES
	('not aligned', '\xf55301008098206ac31c191f0301da0e1602020000400100008008000010782000000000800100'::bytea),
	('padding that is not zero', '\xf5530100f7a35d832c264c9e0301da0e190202000040010000800b000010780000012000000000800100'),
	('only padding', '\xf5530100698fb178d65adb380301da0e110202000040010000800300001078000000'),
	('three bytes', '\xf553010043743d020bf938ae0301da0e0c0201000040030000900c0000'),
	('no words', '\xf5530100ee74a12f8a56af230301da0e0d02010000400400009010000000'),
	('half a word', '\xf5530100d4d119f5629c9d870301da0e0e0201000040050000901400000000'),
	('a length of more', '\xf5530100b21107f7656101360301da0e110201000040080000902400000000800100'),
	('a length of less', '\xf5530100afc3586474cdf94f0301da0e1302010000400a00009020000000018001000100'),
	('the short length of a varlena', '\xf5530100b51160ab02e202780301da0e0e0201000040050000900b00800100'),
	('a digit of 10000', '\xf553010071b53544e7bd62670301da0e110201000040080000902000000000801027'),
	('a last digit of 0', '\xf55301006dda9f297a9085690301da0e1302010000400a00009028000000018001000000'),
	('digits behind the scale', '\xf55301001c329e15c559e6bc0301da0e1302010000400a00009028000000008001000100'),
	('negative zero', '\xf553010029a1508493bc40090301da0e0f0201000040060000901800000000a0'),
	('NaN', '\xf553010017931d381a30133f0301da0e0f0201000040060000901800000000c0'),
	('infinity', '\xf5530100d9649c1b8edc5c7d0301da0e0f0201000040060000901800000000d0')) v(what, frame);
-- objects and arrays within
SELECT what, outcome(frame) FROM (VALUES
	('not aligned', '\xf553010056594f5fd3dd929e0301da0e12020200004001000080040000507800000040'::bytea),
	('padding that is not zero', '\xf5530100040f10a5ba8ecd8a0301da0e15020200004001000080070000507801000000000040'),
	('no header', '\xf5530100a59ffa4ea6db6e340301da0e090201000040000000d0'),
	('three bytes of header', '\xf5530100449ab8125d07e8ef0301da0e0c0201000040030000d0000000'),
	('bytes left over within', '\xf5530100d10a4706b2bb87ff0301da0e110201000040080000d00000004000000000'),
	('an entry that reaches beyond', '\xf553010072b1440a8f868ee90301da0e160202000040080000d001000000010000400100008078')) v(what, frame);
-- a number in the long form is written in the short one, in arrays too
SELECT stash.serialize(stash.deserialize('\xf55301002d9b8768781312ff0301da0e1302010000400a00009028000000000000000100', NULL::jsonb), 'none') = stash.serialize('[1]'::jsonb, 'none') AS alone,
	stash.serialize(stash.deserialize('\xf5530100603c1cbfc401d88e040701da0e010201000000001302010000400a00009028000000000000000100050200000040', NULL::jsonb[]), 'none') = stash.serialize('{[1],[]}'::jsonb[], 'none') AS in_array;
-- an array of both forms
SELECT stash.deserialize('\xf5530100d9e82c21864abc40040701da0e0102010000000004015b315d050200000040', NULL::jsonb[]);
\set VERBOSITY terse
-- the second element of an array
SELECT stash.deserialize('\xf5530100d3ed580494b58c97040701da0e01020100000000050200000040050200000000', NULL::jsonb[]);
\echo :SQLSTATE
-- nested deeper than the stack allows
SELECT stash.serialize((repeat('[', 1500) || repeat(']', 1500))::jsonb) AS deep \gset
SELECT length(stash.deserialize(:'deep', NULL::jsonb)::text) AS length;
SET max_stack_depth = '100kB';
SELECT stash.deserialize(:'deep', NULL::jsonb);
\echo :SQLSTATE
RESET max_stack_depth;
DROP SCHEMA frame_jsonb_test CASCADE;
