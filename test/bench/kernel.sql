-- Functions of kernel.c; "kernel" is where it was built.
\set ON_ERROR_STOP on

CREATE FUNCTION bench.nothing("any") RETURNS int8 AS :'kernel', 'bench_nothing' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
-- for a call that needs a snapshot
CREATE FUNCTION bench.nothing_stable("any") RETURNS int8 AS :'kernel', 'bench_nothing' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bench.xxh3(bytea) RETURNS uuid AS :'kernel', 'bench_xxh3' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bench.detoast("any") RETURNS int8 AS :'kernel', 'bench_detoast' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bench.copy("any") RETURNS bytea AS :'kernel', 'bench_copy' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bench.array_form("any") RETURNS text AS :'kernel', 'bench_array_form' LANGUAGE C STRICT;
-- not strict: a NULL may stand for the type
CREATE FUNCTION bench.receive(sent bytea, "like" anyelement) RETURNS anyelement
	AS :'kernel', 'bench_receive' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION bench.there_and_back(value anyelement) RETURNS anyelement
	AS :'kernel', 'bench_there_and_back' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bench.lz4_compress(data bytea) RETURNS bytea
	AS :'kernel', 'bench_lz4_compress' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bench.lz4_decompress(block bytea, len int) RETURNS bytea
	AS :'kernel', 'bench_lz4_decompress' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bench.probe(entries regclass, index regclass, key uuid, attribute int) RETURNS bytea
	AS :'kernel', 'bench_probe' LANGUAGE C STABLE STRICT;
