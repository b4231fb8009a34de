CREATE TYPE stash.variant;
COMMENT ON TYPE stash.variant IS 'value of any type, kept as a frame; text form type:value';

CREATE FUNCTION stash.variant_in(cstring)
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_in'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_in(cstring) IS 'I/O';

CREATE FUNCTION stash.variant_out(stash.variant)
	RETURNS cstring
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_out'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_out(stash.variant) IS 'I/O';

CREATE FUNCTION stash.variant_recv(internal)
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_recv'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_recv(internal) IS 'I/O';

CREATE FUNCTION stash.variant_send(stash.variant)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_send'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_send(stash.variant) IS 'I/O';

-- EXTERNAL: frames are compressed already, TOAST must not try again
CREATE TYPE stash.variant (
	INPUT = stash.variant_in,
	OUTPUT = stash.variant_out,
	RECEIVE = stash.variant_recv,
	SEND = stash.variant_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = external
);

CREATE FUNCTION stash.to_variant(value "any")
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_to_variant'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.to_variant("any") IS 'variant of any value';

CREATE FUNCTION stash.typeof(variant stash.variant)
	RETURNS text
	AS 'MODULE_PATHNAME', 'pg_hashstash_typeof'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.typeof(stash.variant) IS 'name of the type inside; NULL where it does not exist here';

CREATE FUNCTION stash.value(variant stash.variant, "like" anyelement)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_value'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.value(stash.variant, anyelement)
	IS 'value inside; the second argument names the type, as in NULL::int[]';

CREATE FUNCTION stash.identical(a stash.variant, b stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_identical'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.identical(stash.variant, stash.variant)
	IS 'same type and value, bit for bit';

CREATE FUNCTION stash.same_key(a stash.variant, b stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_same_key'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.same_key(stash.variant, stash.variant)
	IS 'identical, or of one type and equal by its hash strategies: how stashes compare keys of one hash';

CREATE FUNCTION stash.variant_to_bytea(variant stash.variant)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_bytea'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_bytea(stash.variant) IS 'the frame of the variant';
CREATE CAST (stash.variant AS bytea) WITH FUNCTION stash.variant_to_bytea(stash.variant);
COMMENT ON CAST (stash.variant AS bytea) IS 'the frame of the variant';

CREATE FUNCTION stash.variant_to_text(variant stash.variant)
	RETURNS text
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_text'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_text(stash.variant) IS 'text of the value inside';
CREATE CAST (stash.variant AS text) WITH FUNCTION stash.variant_to_text(stash.variant) AS ASSIGNMENT;
COMMENT ON CAST (stash.variant AS text) IS 'text of the value inside';

-- without these the server would take the text form, with the type in it
CREATE FUNCTION stash.variant_to_varchar(variant stash.variant)
	RETURNS varchar
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_text'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_varchar(stash.variant) IS 'text of the value inside';
CREATE CAST (stash.variant AS varchar) WITH FUNCTION stash.variant_to_varchar(stash.variant);
COMMENT ON CAST (stash.variant AS varchar) IS 'text of the value inside';

CREATE FUNCTION stash.variant_to_bpchar(variant stash.variant)
	RETURNS bpchar
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_text'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_bpchar(stash.variant) IS 'text of the value inside';
CREATE CAST (stash.variant AS bpchar) WITH FUNCTION stash.variant_to_bpchar(stash.variant);
COMMENT ON CAST (stash.variant AS bpchar) IS 'text of the value inside';

CREATE FUNCTION stash.variant_to_name(variant stash.variant)
	RETURNS name
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_name(stash.variant) IS 'text of the value inside';
CREATE CAST (stash.variant AS name) WITH FUNCTION stash.variant_to_name(stash.variant);
COMMENT ON CAST (stash.variant AS name) IS 'text of the value inside';

-- by this cast the server's own JSON functions write variants, also those inside rows and arrays
CREATE FUNCTION stash.variant_to_json(variant stash.variant)
	RETURNS json
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_json'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_json(stash.variant) IS 'to_json() of the value inside; a NULL is a JSON null';
CREATE CAST (stash.variant AS json) WITH FUNCTION stash.variant_to_json(stash.variant) AS ASSIGNMENT;
COMMENT ON CAST (stash.variant AS json) IS 'to_json() of the value inside; a NULL is a JSON null';

CREATE FUNCTION stash.variant_to_jsonb(variant stash.variant)
	RETURNS jsonb
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_jsonb'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_jsonb(stash.variant) IS 'to_jsonb() of the value inside; a NULL is a JSON null';
CREATE CAST (stash.variant AS jsonb) WITH FUNCTION stash.variant_to_jsonb(stash.variant) AS ASSIGNMENT;
COMMENT ON CAST (stash.variant AS jsonb) IS 'to_jsonb() of the value inside; a NULL is a JSON null';

CREATE FUNCTION stash.variant_to_bool(variant stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_bool(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS bool) WITH FUNCTION stash.variant_to_bool(stash.variant);
COMMENT ON CAST (stash.variant AS bool) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_int2(variant stash.variant)
	RETURNS int2
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_int2(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS int2) WITH FUNCTION stash.variant_to_int2(stash.variant);
COMMENT ON CAST (stash.variant AS int2) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_int4(variant stash.variant)
	RETURNS int4
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_int4(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS int4) WITH FUNCTION stash.variant_to_int4(stash.variant);
COMMENT ON CAST (stash.variant AS int4) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_int8(variant stash.variant)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_int8(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS int8) WITH FUNCTION stash.variant_to_int8(stash.variant);
COMMENT ON CAST (stash.variant AS int8) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_float4(variant stash.variant)
	RETURNS float4
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_float4(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS float4) WITH FUNCTION stash.variant_to_float4(stash.variant);
COMMENT ON CAST (stash.variant AS float4) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_float8(variant stash.variant)
	RETURNS float8
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_float8(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS float8) WITH FUNCTION stash.variant_to_float8(stash.variant);
COMMENT ON CAST (stash.variant AS float8) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_numeric(variant stash.variant)
	RETURNS numeric
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_numeric(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS numeric) WITH FUNCTION stash.variant_to_numeric(stash.variant);
COMMENT ON CAST (stash.variant AS numeric) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_date(variant stash.variant)
	RETURNS date
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_date(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS date) WITH FUNCTION stash.variant_to_date(stash.variant);
COMMENT ON CAST (stash.variant AS date) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_time(variant stash.variant)
	RETURNS time
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_time(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS time) WITH FUNCTION stash.variant_to_time(stash.variant);
COMMENT ON CAST (stash.variant AS time) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_timetz(variant stash.variant)
	RETURNS timetz
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_timetz(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS timetz) WITH FUNCTION stash.variant_to_timetz(stash.variant);
COMMENT ON CAST (stash.variant AS timetz) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_timestamp(variant stash.variant)
	RETURNS timestamp
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_timestamp(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS timestamp) WITH FUNCTION stash.variant_to_timestamp(stash.variant);
COMMENT ON CAST (stash.variant AS timestamp) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_timestamptz(variant stash.variant)
	RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_timestamptz(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS timestamptz) WITH FUNCTION stash.variant_to_timestamptz(stash.variant);
COMMENT ON CAST (stash.variant AS timestamptz) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_interval(variant stash.variant)
	RETURNS interval
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_interval(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS interval) WITH FUNCTION stash.variant_to_interval(stash.variant);
COMMENT ON CAST (stash.variant AS interval) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_uuid(variant stash.variant)
	RETURNS uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_uuid(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS uuid) WITH FUNCTION stash.variant_to_uuid(stash.variant);
COMMENT ON CAST (stash.variant AS uuid) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_inet(variant stash.variant)
	RETURNS inet
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_inet(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS inet) WITH FUNCTION stash.variant_to_inet(stash.variant);
COMMENT ON CAST (stash.variant AS inet) IS 'value inside, cast';

CREATE FUNCTION stash.variant_to_cidr(variant stash.variant)
	RETURNS cidr
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cast'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_to_cidr(stash.variant) IS 'value inside, cast';
CREATE CAST (stash.variant AS cidr) WITH FUNCTION stash.variant_to_cidr(stash.variant);
COMMENT ON CAST (stash.variant AS cidr) IS 'value inside, cast';

CREATE FUNCTION stash.variant_eq(a stash.variant, b stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_eq'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_eq(stash.variant, stash.variant) IS 'equal: by type, then by the type''s own order';

CREATE FUNCTION stash.variant_ne(a stash.variant, b stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_ne'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_ne(stash.variant, stash.variant) IS 'not equal: by type, then by the type''s own order';

CREATE FUNCTION stash.variant_lt(a stash.variant, b stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_lt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_lt(stash.variant, stash.variant) IS 'less than: by type, then by the type''s own order';

CREATE FUNCTION stash.variant_le(a stash.variant, b stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_le'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_le(stash.variant, stash.variant) IS 'less than or equal: by type, then by the type''s own order';

CREATE FUNCTION stash.variant_gt(a stash.variant, b stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_gt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_gt(stash.variant, stash.variant) IS 'greater than: by type, then by the type''s own order';

CREATE FUNCTION stash.variant_ge(a stash.variant, b stash.variant)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_ge'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_ge(stash.variant, stash.variant) IS 'greater than or equal: by type, then by the type''s own order';

CREATE FUNCTION stash.variant_cmp(a stash.variant, b stash.variant)
	RETURNS int4
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_cmp'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_cmp(stash.variant, stash.variant) IS 'btree support';

CREATE FUNCTION stash.variant_sortsupport(internal)
	RETURNS void
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_sortsupport'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_sortsupport(internal) IS 'sort support';

CREATE FUNCTION stash.variant_hash(variant stash.variant)
	RETURNS int4
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_hash'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_hash(stash.variant) IS 'hash support';

CREATE FUNCTION stash.variant_hash_extended(variant stash.variant, seed int8)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_hash_extended'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_hash_extended(stash.variant, int8) IS 'hash support';

CREATE OPERATOR stash.= (
	LEFTARG = stash.variant, RIGHTARG = stash.variant, FUNCTION = stash.variant_eq,
	COMMUTATOR = OPERATOR(stash.=), NEGATOR = OPERATOR(stash.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR stash.= (stash.variant, stash.variant) IS 'equal';

CREATE OPERATOR stash.<> (
	LEFTARG = stash.variant, RIGHTARG = stash.variant, FUNCTION = stash.variant_ne,
	COMMUTATOR = OPERATOR(stash.<>), NEGATOR = OPERATOR(stash.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR stash.<> (stash.variant, stash.variant) IS 'not equal';

CREATE OPERATOR stash.< (
	LEFTARG = stash.variant, RIGHTARG = stash.variant, FUNCTION = stash.variant_lt,
	COMMUTATOR = OPERATOR(stash.>), NEGATOR = OPERATOR(stash.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR stash.< (stash.variant, stash.variant) IS 'less than';

CREATE OPERATOR stash.<= (
	LEFTARG = stash.variant, RIGHTARG = stash.variant, FUNCTION = stash.variant_le,
	COMMUTATOR = OPERATOR(stash.>=), NEGATOR = OPERATOR(stash.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR stash.<= (stash.variant, stash.variant) IS 'less than or equal';

CREATE OPERATOR stash.> (
	LEFTARG = stash.variant, RIGHTARG = stash.variant, FUNCTION = stash.variant_gt,
	COMMUTATOR = OPERATOR(stash.<), NEGATOR = OPERATOR(stash.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR stash.> (stash.variant, stash.variant) IS 'greater than';

CREATE OPERATOR stash.>= (
	LEFTARG = stash.variant, RIGHTARG = stash.variant, FUNCTION = stash.variant_ge,
	COMMUTATOR = OPERATOR(stash.<=), NEGATOR = OPERATOR(stash.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR stash.>= (stash.variant, stash.variant) IS 'greater than or equal';

CREATE OPERATOR FAMILY stash.variant_ops USING btree;
COMMENT ON OPERATOR FAMILY stash.variant_ops USING btree IS 'order of variants';
CREATE OPERATOR CLASS stash.variant_ops
	DEFAULT FOR TYPE stash.variant USING btree FAMILY stash.variant_ops AS
	OPERATOR 1 stash.<,
	OPERATOR 2 stash.<=,
	OPERATOR 3 stash.=,
	OPERATOR 4 stash.>=,
	OPERATOR 5 stash.>,
	FUNCTION 1 stash.variant_cmp(stash.variant, stash.variant),
	FUNCTION 2 stash.variant_sortsupport(internal);
COMMENT ON OPERATOR CLASS stash.variant_ops USING btree IS 'by type, then by the type''s own order';

CREATE OPERATOR FAMILY stash.variant_ops USING hash;
COMMENT ON OPERATOR FAMILY stash.variant_ops USING hash IS 'equality of variants';
CREATE OPERATOR CLASS stash.variant_ops
	DEFAULT FOR TYPE stash.variant USING hash FAMILY stash.variant_ops AS
	OPERATOR 1 stash.=,
	FUNCTION 1 stash.variant_hash(stash.variant),
	FUNCTION 2 stash.variant_hash_extended(stash.variant, int8);
COMMENT ON OPERATOR CLASS stash.variant_ops USING hash IS 'by type, then by the type''s own equality';

CREATE FUNCTION stash.variant_smaller(a stash.variant, b stash.variant)
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_smaller'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_smaller(stash.variant, stash.variant) IS 'smaller of two';

CREATE FUNCTION stash.variant_larger(a stash.variant, b stash.variant)
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_variant_larger'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.variant_larger(stash.variant, stash.variant) IS 'larger of two';

CREATE AGGREGATE stash.min(variant stash.variant) (
	SFUNC = stash.variant_smaller,
	STYPE = stash.variant,
	COMBINEFUNC = stash.variant_smaller,
	SORTOP = OPERATOR(stash.<),
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE stash.min(stash.variant) IS 'first in the order of variants';

CREATE AGGREGATE stash.max(variant stash.variant) (
	SFUNC = stash.variant_larger,
	STYPE = stash.variant,
	COMBINEFUNC = stash.variant_larger,
	SORTOP = OPERATOR(stash.>),
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE stash.max(stash.variant) IS 'last in the order of variants';
