-- What a value is, bit for bit, without any code of ours; and the ways that it can go into bytes and back.
--
-- Included by test/pgtap/frame_types.sql, test/tap/024_frame_types.pl and test/lib/regressdb.sql.

-- the one place where tests of values name codecs; one without its library is left out
CREATE FUNCTION codecs() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	codec text;
BEGIN
	FOREACH codec IN ARRAY '{none,lz4,zstd}'::text[] LOOP
		BEGIN
			PERFORM stash.serialize(1, codec);
			RETURN NEXT codec;
		EXCEPTION WHEN invalid_parameter_value OR feature_not_supported THEN
			CONTINUE WHEN codec NOT IN ('none', 'lz4');
			RAISE;
		END;
	END LOOP;
END $$;

-- whether all that a type is made of has binary output; that of xml leaves out the declaration
CREATE FUNCTION is_sent(type regtype) RETURNS bool STABLE LANGUAGE sql AS $$
	SELECT t.typsend <> 0 AND type <> 'pg_catalog.xml'::regtype AND (t.typelem = 0 OR is_sent(t.typelem)) AND CASE t.typtype
		WHEN 'd' THEN is_sent(t.typbasetype)
		WHEN 'c' THEN NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped AND NOT is_sent(atttypid))
		WHEN 'r' THEN is_sent((SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid))
		WHEN 'm' THEN is_sent((SELECT rngsubtype FROM pg_range WHERE rngmultitypid = t.oid))
		ELSE true
	END
	FROM pg_type t WHERE t.oid = type
$$;

-- format of an expression for the bits of another one of this type: what its send function gives, or where it has none
-- its text. Without -1 "bit" and "character" would be those of length 1.
CREATE FUNCTION bits_format(type regtype) RETURNS text STABLE LANGUAGE sql AS $$
	SELECT CASE WHEN is_sent(type)
		THEN format('encode(%s((%%s)::%s), ''hex'')', replace(t.typsend::regproc::text, '%', '%%'), replace(format_type(p.proargtypes[0], -1), '%', '%%'))
		ELSE '(%s)::text' END
	FROM pg_type t LEFT JOIN pg_proc p ON p.oid = t.typsend WHERE t.oid = type
$$;

-- the ways there and back of a value that is an expression, each with a name
CREATE FUNCTION ways(expression text) RETURNS TABLE (way text, back text) STABLE LANGUAGE sql AS $$
	SELECT codec, format('stash.deserialize(stash.serialize(%s, %L), %1$s)', expression, codec) FROM codecs() AS codec
	UNION ALL VALUES ('variant', format('stash.value(stash.to_variant(%s), %1$s)', expression)),
		('text of variant', format('stash.value(stash.variant_out(stash.to_variant(%s))::text::stash.variant, %1$s)', expression))
$$;
