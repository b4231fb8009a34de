-- Values of every type there is, for tests that loop over pg_type: table sample, a row for each type.
--
-- Included by test/pgtap/*_types.sql and test/lib/TypesCluster.pm. The view "forgotten" must be empty: a type of a new
-- server gets literals here, or a reason why it has none.
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
-- which the server's own check of domains does not take
CREATE DOMAIN made.checked AS made.txt CHECK (value::text <> '7');
INSERT INTO sample VALUES
	('made.mood', '{"",sad,very happy,Ünïcode}'), ('made.pair', '{"(1,x)","(,)","(,\"\")","(-1,\"a,(b)\")"}'),
	('made.nested', '{"(\"(1,x)\",\"{\"\"(2,y)\"\",NULL}\",sad,\"[1,2)\",1.50)","(,,,,)"}'), ('made.none', '{()}'),
	('made.positive', '{1}'), ('made.moods', '{"{}","{sad,NULL}"}'), ('made.second', '{999}'),
	('made.words', '{empty,"[a,b)","(,\"x y\"]"}'), ('made.manywords', '{"{}","{[a,b),[c,d]}"}'), ('made.pairs', '{"[\"(1,a)\",\"(2,b)\")"}'),
	('made.floats', '{"[1.5,Infinity)"}'), ('made.bin', '{"",é}'), ('made.txt', '{-9223372036854775808}'), ('made.checked', '{8}'), ('stash.variant', '{int4:1,text:a,made.mood:sad,int4}'),
	('pg_class', NULL), ('information_schema.sql_identifier', '{x}'), ('information_schema.yes_or_no', '{YES}');

-- types of the server without a value that a user could write
CREATE TABLE unwritable (type regtype PRIMARY KEY, reason text NOT NULL);
INSERT INTO unwritable VALUES
	('gtsvector', 'a key of an index; neither sent nor received'), ('pg_node_tree', 'a parsed expression; not accepted as input'),
	('pg_ndistinct', 'made by ANALYZE alone'), ('pg_dependencies', 'made by ANALYZE alone'), ('pg_mcv_list', 'made by ANALYZE alone'),
	('pg_brin_bloom_summary', 'made by an index alone'), ('pg_brin_minmax_multi_summary', 'made by an index alone');
CREATE VIEW forgotten AS
SELECT t.oid::regtype AS type FROM pg_type t
WHERE t.oid < 10000 AND t.typtype NOT IN ('c', 'p') AND NOT EXISTS (SELECT FROM pg_type WHERE typarray = t.oid)
	AND t.oid NOT IN (SELECT type FROM sample UNION ALL SELECT type FROM unwritable);
