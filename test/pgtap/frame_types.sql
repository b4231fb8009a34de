-- Every type there is goes into a frame and a variant, and comes back bit for bit: alone, in arrays, rows and domains.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;

CREATE TABLE sample (type regtype PRIMARY KEY, literals text[]);
INSERT INTO sample VALUES
	('bool', '{t,f}'), ('"char"', '{a,"",\\377}'), ('name', '{"",world,Ünïcode}'), ('text', '{"",a,"with \\ and \" and ,","世界"}'),
	('varchar', '{"",a}'), ('bpchar', '{"",a,"a  "}'), ('bytea', '{"",\\x00,\\xdeadbeef}'),
	('int2', '{0,-32768,32767}'), ('int4', '{0,-2147483648,2147483647}'), ('int8', '{0,-9223372036854775808,9223372036854775807}'),
	('oid', '{0,4294967295}'), ('xid', '{0,4294967295}'), ('cid', '{0,4294967295}'), ('xid8', '{0,18446744073709551615}'),
	('tid', '{"(0,0)","(4294967295,65535)"}'), ('pg_lsn', '{0/0,FFFFFFFF/FFFFFFFF}'),
	('float4', '{0,-0,1e38,-1e-44,NaN,Infinity,-Infinity,0.1}'), ('float8', '{0,-0,1e308,5e-324,NaN,Infinity,-Infinity,0.1}'),
	('numeric', '{0,0.00,-1,1.50,1e1000,1e-1000,123456789012345678901234567890.123456789,NaN,Infinity,-Infinity,0.0001,9999,10000}'),
	('money', '{0,-92233720368547758.08,92233720368547758.07}'),
	('date', '{2000-01-01,4713-01-01 BC,5874897-12-31,infinity,-infinity}'), ('time', '{00:00,24:00,23:59:59.999999}'),
	('timetz', '{00:00+00,24:00-15:59,12:00+05:45:30}'), ('timestamp', '{2000-01-01,4713-01-01 BC,294276-12-31 23:59:59.999999,infinity,-infinity}'),
	('timestamptz', '{2000-01-01 00:00+00,4713-01-02 00:00+00 BC,294276-12-31 23:59:59.999999+00,infinity,-infinity}'),
	('interval', '{0,1 mon,30 days,-1 year 2 mons -3 days 04:05:06.789,178956970 years 7 mons,-178956970 years -8 mons,9223372036854775807 us}'),
	('uuid', '{00000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-ffff-ffffffffffff}'),
	('macaddr', '{00:00:00:00:00:00,08:00:2b:01:02:03}'), ('macaddr8', '{08:00:2b:01:02:03:04:05}'),
	('inet', '{0.0.0.0/0,192.168.1.5,192.168.1.5/24,::1,2001:db8::1/64}'), ('cidr', '{192.168.1.0/24,2001:db8::/32}'),
	('bit', '{"",1,0101010101}'), ('varbit', '{"",1,0101010101}'),
	('json', '{1," {\"b\" :1,\"a\":[ ]} ","\"\\u00e9\""}'), ('jsonb', '{1,"{\"b\":1.50,\"a\":[null,true,\"x\"]}",[],"\"é\""}'),
	('jsonpath', '{$,"$.a[*] ? (@.b > 1)"}'), ('xml', '{"","<a>x</a>","<?xml version=\"1.0\" standalone=\"yes\"?><a/>"}'),
	('point', '{"(0,-0)","(1.1,NaN)","(Infinity,-Infinity)"}'), ('lseg', '{"[(1,2),(3,4)]"}'), ('path', '{"[(1,2)]","((1,2),(3,4))"}'),
	('box', '{"(3,4),(1,2)"}'), ('polygon', '{"((1,2),(3,4),(5,6))"}'), ('line', '{"{1,2,3}"}'), ('circle', '{"<(1,2),3>"}'),
	('tsvector', '{"","''a'':1A,2 ''fat''","''é''"}'), ('tsquery', '{"","''a'' & !''b'':*A <2> (''c'' | ''d'')"}'),
	('int2vector', '{"","1 2 -3"}'), ('oidvector', '{"","1 2 3"}'), ('refcursor', '{"",cursor}'),
	('txid_snapshot', '{"10:20:10,14"}'), ('pg_snapshot', '{"10:20:10,14"}'), ('aclitem', '{=r/postgres,postgres=arwdDxt/postgres}'),
	('regproc', '{-,now,12345678}'), ('regprocedure', '{-,abs(integer),abs(bigint)}'), ('regoper', '{0,|/}'), ('regoperator', '{0,"+(integer,integer)"}'),
	('regclass', '{-,pg_class,4294967295}'), ('regtype', '{-,integer,\"char\",integer[]}'), ('regrole', '{-,postgres}'),
	('regnamespace', '{-,pg_catalog}'), ('regconfig', '{-,simple}'), ('regdictionary', '{-,simple}'), ('regcollation', '{-,\"C\"}'),
	('int4range', '{empty,"(,)","[1,5)","[1,)"}'), ('int8range', '{empty,"[1,5)"}'), ('numrange', '{"(1.0,2.50]","(,NaN]"}'),
	('daterange', '{"[2024-01-01,2024-02-01)","(,infinity)"}'), ('tsrange', '{"(2024-01-01,2024-02-01]"}'), ('tstzrange', '{"[2024-01-01 00:00+00,)"}'),
	('int4multirange', '{"{}","{[1,3),[5,)}"}'), ('int8multirange', '{"{[1,3)}"}'), ('nummultirange', '{"{(,1.0],[2,3)}"}'),
	('datemultirange', '{"{[2024-01-01,2024-02-01)}"}'), ('tsmultirange', '{"{[2024-01-01,2024-02-01)}"}'), ('tstzmultirange', '{"{[2024-01-01 00:00+00,)}"}');

-- from 19 on
INSERT INTO sample
SELECT to_regtype(name), literals
FROM (VALUES ('oid8', '{0,18446744073709551615}'::text[]), ('regdatabase', '{-,template1}')) AS late(name, literals)
WHERE to_regtype(name) IS NOT NULL;

-- types made here, of every kind
CREATE SCHEMA made;
CREATE TYPE made.mood AS ENUM ('', 'sad', 'very happy', 'Ünïcode');
CREATE TYPE made.pair AS (a int, "B b" text);
CREATE TYPE made.nested AS (p made.pair, ps made.pair[], m made.mood, r int4range, n numeric);
CREATE TYPE made.none AS ();
CREATE DOMAIN made.positive AS int CHECK (value > 0);
CREATE DOMAIN made.moods AS made.mood[] CHECK (cardinality(value) < 9);
CREATE DOMAIN made.second AS made.positive CHECK (value < 1000);
CREATE TYPE made.words AS RANGE (subtype = text, collation = "C", multirange_type_name = made.manywords);
CREATE TYPE made.pairs AS RANGE (subtype = made.pair);
CREATE TYPE made.floats AS RANGE (subtype = float8, subtype_diff = float8mi);
-- a base type with binary input and output, and one that has text alone
CREATE TYPE made.bin;
CREATE FUNCTION made.bin_in(cstring) RETURNS made.bin IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION made.bin_out(made.bin) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE FUNCTION made.bin_recv(internal) RETURNS made.bin IMMUTABLE STRICT LANGUAGE internal AS 'textrecv';
CREATE FUNCTION made.bin_send(made.bin) RETURNS bytea IMMUTABLE STRICT LANGUAGE internal AS 'textsend';
CREATE TYPE made.bin (INPUT = made.bin_in, OUTPUT = made.bin_out, RECEIVE = made.bin_recv, SEND = made.bin_send, LIKE = text);
CREATE TYPE made.txt;
CREATE FUNCTION made.txt_in(cstring) RETURNS made.txt IMMUTABLE STRICT LANGUAGE internal AS 'int8in';
CREATE FUNCTION made.txt_out(made.txt) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int8out';
CREATE TYPE made.txt (INPUT = made.txt_in, OUTPUT = made.txt_out, LIKE = int8);
INSERT INTO sample VALUES
	('made.mood', '{"",sad,very happy,Ünïcode}'), ('made.pair', '{"(1,x)","(,)","(,\"\")","(-1,\"a,(b)\")"}'),
	('made.nested', '{"(\"(1,x)\",\"{\"\"(2,y)\"\",NULL}\",sad,\"[1,2)\",1.50)","(,,,,)"}'), ('made.none', '{()}'),
	('made.positive', '{1}'), ('made.moods', '{"{}","{sad,NULL}"}'), ('made.second', '{999}'),
	('made.words', '{empty,"[a,b)","(,\"x y\"]"}'), ('made.manywords', '{"{}","{[a,b),[c,d]}"}'), ('made.pairs', '{"[\"(1,a)\",\"(2,b)\")"}'),
	('made.floats', '{"[1.5,Infinity)"}'), ('made.bin', '{"",é}'), ('made.txt', '{-9223372036854775808}'), ('stash.variant', '{int4:1,text:a,made.mood:sad,int4}'),
	('pg_class', NULL), ('information_schema.sql_identifier', '{x}'), ('information_schema.yes_or_no', '{YES}');

-- what a value is, bit for bit, without any code of ours; to_jsonb of a set of texts would not do for NaN
CREATE FUNCTION bits(value anyelement, type regtype) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	bits text;
BEGIN
	-- xml_send() drops the declaration
	IF type::text !~ '^xml' THEN
		EXECUTE (SELECT format('SELECT encode(%s($1::%s), ''hex'')', p.oid::regproc, p.proargtypes[0]::regtype)
			FROM pg_type t JOIN pg_proc p ON p.oid = t.typsend WHERE t.oid = type) INTO bits USING value;
	END IF;
	RETURN coalesce(bits, value::text);
EXCEPTION WHEN undefined_function OR null_value_not_allowed THEN
	-- a type, or that of its elements, without binary output
	RETURN value::text;
END $$;

-- the ways of a value; each gives '' or what is wrong with it
CREATE FUNCTION check_value(value anyelement, type regtype) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v stash.variant;
	again stash.variant;
	wrong text;
	wanted text := bits(value, type);
BEGIN
	FOREACH wrong IN ARRAY '{none,lz4}'::text[] LOOP
		IF bits(stash.deserialize(stash.serialize(value, wrong), value), type) IS DISTINCT FROM wanted THEN
			RETURN wrong || ' gives ' || stash.deserialize(stash.serialize(value, wrong), value)::text;
		END IF;
		IF stash.serialize(stash.deserialize(stash.serialize(value, wrong), value), 'none') <> stash.serialize(value, 'none')
				OR stash.hash(stash.deserialize(stash.serialize(value, wrong), value)) <> stash.hash(value) THEN
			RETURN wrong || ' gives another frame or hash';
		END IF;
	END LOOP;
	v := stash.to_variant(value);
	IF bits(stash.value(v, value), type) IS DISTINCT FROM wanted THEN
		RETURN 'variant gives ' || stash.value(v, value)::text;
	END IF;
	again := stash.variant_out(v)::text::stash.variant;
	IF NOT stash.identical(v, again) THEN
		RETURN 'text ' || stash.variant_out(v)::text || ' is read as ' || stash.variant_out(again)::text;
	END IF;
	IF stash.variant_cmp(v, again) <> 0 OR NOT stash.variant_eq(v, again) OR stash.variant_hash(v) <> stash.variant_hash(again) THEN
		RETURN 'variant is not equal to itself';
	END IF;
	-- a row on disk, and back
	CREATE TEMP TABLE disk AS SELECT value AS a, v AS b;
	IF (SELECT stash.hash(a) <> stash.hash(value) OR NOT stash.identical(b, v) OR stash.hash(disk) <> stash.hash(ROW(value, v)::disk) FROM disk) THEN
		wrong := 'stored it hashes otherwise';
	ELSE
		wrong := '';
	END IF;
	DROP TABLE disk;
	RETURN wrong;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- of all values of a type: what is wrong, alone and in an array with a null, in a row, in an array of rows
CREATE FUNCTION check_type(type regtype, literals text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	literal text;
	wrong text;
	part text;
	part_type regtype;
	array_type regtype := (SELECT typarray FROM pg_type WHERE oid = type);
BEGIN
	EXECUTE format('DROP TYPE IF EXISTS holder CASCADE; CREATE TYPE holder AS (a int, v %s, n text)', type);
	FOREACH literal IN ARRAY literals LOOP
		FOR part, part_type IN VALUES ('%1$L::%2$s', type), ('ARRAY[%1$L::%2$s, NULL, %1$L]', array_type),
				('(''[0:0][5:6]='' || ARRAY[[%1$L::%2$s, %1$L]]::text)::%2$s[]', array_type),
				('ROW(1, %1$L, NULL)::holder', 'holder'::regtype),
				('ARRAY[ROW(1, %1$L, NULL), NULL, ROW(NULL, NULL, '''')]::holder[]', 'holder[]'::regtype) LOOP
			-- to SQL an array of arrays is an array of two dimensions
			CONTINUE WHEN part ~ 'ARRAY.*::%2' AND format_type((SELECT typbasetype FROM pg_type WHERE oid = type), NULL) ~ '\[\]$';
			EXECUTE format('SELECT check_value(' || part || ', %3$L::regtype)', literal, type, part_type) INTO wrong;
			IF wrong <> '' THEN
				RETURN format(part, literal, type) || ': ' || wrong;
			END IF;
		END LOOP;
	END LOOP;
	RETURN '';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM || ' ' || coalesce(part, '');
END $$;

SELECT plan((SELECT count(*) FROM sample WHERE literals IS NOT NULL)::int + 4);

-- so that a type of a new server is not forgotten: only these have no value that a user could write
SELECT is(array_agg(t.oid::regtype::text ORDER BY t.oid::regtype::text COLLATE "C")::text,
	'{gtsvector,pg_brin_bloom_summary,pg_brin_minmax_multi_summary,pg_dependencies,pg_mcv_list,pg_ndistinct,pg_node_tree}',
	'the sample has every built-in type')
FROM pg_type t LEFT JOIN sample s ON s.type = t.oid
WHERE t.oid < 10000 AND t.typtype IN ('b', 'r', 'm') AND t.typcategory <> 'A' AND s.type IS NULL;

SELECT is(check_type(type, literals), '', type::text) FROM sample WHERE literals IS NOT NULL ORDER BY type::oid;

-- all rows of some catalogs, whose columns are of many types; but not those with columns that cannot be stored
SELECT is((SELECT count(*) FROM pg_type t
	WHERE stash.deserialize(stash.serialize(t), t) IS DISTINCT FROM t OR stash.hash(t) <> stash.hash(stash.deserialize(stash.serialize(t), t))), 0::bigint, 'rows of pg_type')
WHERE EXISTS (SELECT FROM pg_type WHERE typdefaultbin IS NULL)
	AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'pg_type'::regclass AND atttypid = 'pg_node_tree'::regtype)
UNION ALL
SELECT throws_ok('SELECT stash.serialize(t) FROM pg_type t LIMIT 1', '0A000')
WHERE EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'pg_type'::regclass AND atttypid = 'pg_node_tree'::regtype);
SELECT is((SELECT count(*) FROM pg_operator t
	WHERE stash.deserialize(stash.serialize(t), t)::text <> t::text OR stash.hash(t) <> stash.hash(stash.deserialize(stash.serialize(t), t))), 0::bigint, 'rows of pg_operator');
SELECT is((SELECT count(*) FROM pg_stats t
	WHERE stash.hash(most_common_vals::text) <> stash.hash(stash.deserialize(stash.serialize(most_common_vals::text), ''::text))), 0::bigint, 'texts of pg_stats');

SELECT * FROM finish();
