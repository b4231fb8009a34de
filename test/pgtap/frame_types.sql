-- Every type there is goes into a frame and a variant, and comes back bit for bit: alone, in arrays, rows and domains.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;

\ir ../lib/types.sql
\ir ../lib/bits.sql

CREATE FUNCTION bits(value anyelement, type regtype) RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE
	bits text;
BEGIN
	EXECUTE 'SELECT ' || format(bits_format(type), '$1') INTO bits USING value;
	RETURN bits;
END $$;

-- the ways of a value; each gives '' or what is wrong with it
CREATE FUNCTION check_value(value anyelement, type regtype) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v stash.variant;
	again stash.variant;
	wrong text;
	wanted text := bits(value, type);
BEGIN
	FOR wrong IN SELECT * FROM codecs() LOOP
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
				('ROW(1, %1$L, NULL)::holder', to_regtype('holder')),
				('ARRAY[ROW(1, %1$L, NULL), NULL, ROW(NULL, NULL, '''')]::holder[]', to_regtype('holder[]')) LOOP
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

SELECT is((SELECT array_agg(type) FROM forgotten), NULL, 'the sample has every built-in type');

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
