-- stash.serialize of long arrays against PostgreSQL's own binary output
\set ON_ERROR_STOP on

\set int4 'SELECT array_agg(i) AS a FROM generate_series(1, 1000000) i'
\set float8 'SELECT array_agg(sqrt(i)) AS a FROM generate_series(1, 1000000) i'

-- what comes back is what went in
DO $$
DECLARE
	ints int[] := (SELECT array_agg(i) FROM generate_series(1, 1000000) i);
	floats float8[] := (SELECT array_agg(sqrt(i)) FROM generate_series(1, 1000000) i);
BEGIN
	ASSERT stash.deserialize(stash.serialize(ints, 'none'), NULL::int[]) = ints;
	ASSERT stash.deserialize(stash.serialize(floats, 'none'), NULL::float8[]) = floats;
END
$$;

CALL bench.add_loop('serialize(int4[1e6], none)', :'int4', $$stash.serialize(v.a, 'none')$$, 40, 4e6);
CALL bench.add_loop('serialize(int4[1e6], lz4)', :'int4', $$stash.serialize(v.a, 'lz4')$$, 10, 4e6);
CALL bench.add_loop('array_send(int4[1e6])', :'int4', 'array_send(v.a)', 5, 4e6);
CALL bench.compare('int4', ARRAY['serialize(int4[1e6], none)', 'serialize(int4[1e6], lz4)', 'array_send(int4[1e6])'], 7);
SELECT * FROM bench.report('int4');

CALL bench.add_loop('serialize(float8[1e6], none)', :'float8', $$stash.serialize(v.a, 'none')$$, 40, 8e6);
CALL bench.add_loop('serialize(float8[1e6], lz4)', :'float8', $$stash.serialize(v.a, 'lz4')$$, 10, 8e6);
CALL bench.add_loop('array_send(float8[1e6])', :'float8', 'array_send(v.a)', 5, 8e6);
CALL bench.compare('float8', ARRAY['serialize(float8[1e6], none)', 'serialize(float8[1e6], lz4)', 'array_send(float8[1e6])'], 7);
SELECT * FROM bench.report('float8');

-- jsonb: 1 MB of small objects; a parser is what reading costs without frames
\set jsonb 'SELECT j AS a, stash.serialize(j, $$none$$) AS f, j::text AS t FROM (SELECT jsonb_agg(jsonb_build_object($$id$$, i, $$name$$, md5(i::text), $$tags$$, $$["a", true, 1.5]$$::jsonb)) AS j FROM generate_series(1, 11000) i) x'
CALL bench.add_loop('serialize(jsonb, none)', :'jsonb', $$stash.serialize(v.a, 'none')$$, 40, 1e6);
CALL bench.add_loop('jsonb_send', :'jsonb', 'jsonb_send(v.a)', 5, 1e6);
CALL bench.add_loop('deserialize(jsonb)', :'jsonb', 'stash.deserialize(v.f, v.a)', 20, 1e6);
CALL bench.add_loop('text::jsonb', :'jsonb', 'v.t::jsonb', 2, 1e6);
CALL bench.compare('jsonb', ARRAY['serialize(jsonb, none)', 'jsonb_send', 'deserialize(jsonb)', 'text::jsonb'], 7);
SELECT * FROM bench.report('jsonb');
