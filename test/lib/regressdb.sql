-- Every row and every column of every relation of a database, through frames and variants and back: see test/regressdb.sh
--
-- Run in the database; prints what is wrong, what is refused, and figures. What it makes is in schema checks.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;
SET statement_timeout = '15min';
SET extra_float_digits = 1;
CREATE SCHEMA checks;
SET search_path = checks;
CREATE EXTENSION IF NOT EXISTS pg_hashstash;
\ir bits.sql

-- one line for each thing that went through all ways, or did not
CREATE TABLE result (relation text, kind "char", part text, nvalues bigint, wrong bigint, state text, message text);

-- SELECT list: how many values, and how many of them come back as others; "value" is of type 'type', made of type 'part'
CREATE FUNCTION counts(type regtype, part regtype) RETURNS text STABLE LANGUAGE sql AS $$
	SELECT 'count(*), count(*) FILTER (WHERE ' || string_agg(format(CASE WHEN t.typtype = 'c' OR t.oid = 'record'::regtype
			THEN '(%1$s OPERATOR(pg_catalog.*=) value) IS NOT TRUE AND %2$s IS DISTINCT FROM %3$s' ELSE '%2$s IS DISTINCT FROM %3$s' END,
			back, format(bits, back), format(bits, 'value')), ' OR ')
		|| ' OR NOT stash.identical(stash.to_variant(value), stash.variant_out(stash.to_variant(value))::text::stash.variant))'
	FROM pg_type t, ways('value'), LATERAL (SELECT CASE WHEN is_sent(part) THEN bits_format(type) ELSE '(%s)::text' END) AS b(bits)
	WHERE t.oid = type
$$;

-- Check the values that a query gives in its column "value", or tell what they failed with.
CREATE FUNCTION check_values(query text, type regtype, part regtype, OUT nvalues bigint, OUT wrong bigint, OUT state text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT %s FROM (%s OFFSET 0) AS given', counts(type, part), query) INTO nvalues, wrong;
EXCEPTION WHEN OTHERS THEN
	state := SQLSTATE;
	message := SQLERRM;
END $$;

-- whether a relation can be read at all: some views cannot
CREATE FUNCTION complaint(rel regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(value) FROM (SELECT whole_row AS value FROM %s AS whole_row OFFSET 0) AS given', rel) INTO n;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- Each column alone, as an array of all its values; arrays, of which there are no arrays, in rows. The columns are those
-- of 'rel', their values are read from 'source', but for those of pseudo-types.
CREATE FUNCTION check_columns(rel regclass, kind "char", source regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	col record;
	query text;
BEGIN
	FOR col IN SELECT a.attname, a.atttypid::regtype AS type, a.atttypid IN (SELECT t.oid FROM pg_type t WHERE t.typarray <> 0 AND t.typcategory <> 'A') AS has_array,
				CASE WHEN t.typtype = 'p' OR rel = source THEN a.attname ELSE 'c' || a.attnum END AS source_name, CASE WHEN t.typtype = 'p' THEN rel ELSE source END AS source
			FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LOOP
		query := format('SELECT array_agg(%s) AS value FROM %s AS r', format(CASE WHEN col.has_array THEN 'r.%I' ELSE 'ROW(r.%I)' END, col.source_name), col.source);
		INSERT INTO result SELECT rel, kind, col.attname, c.nvalues, c.wrong, c.state, coalesce(col.type || ': ' || c.message, '')
		FROM check_values(query, CASE WHEN col.has_array THEN (SELECT typarray FROM pg_type WHERE oid = col.type) ELSE 'record[]'::regtype END, col.type) AS c;
	END LOOP;
END $$;

CREATE PROCEDURE check_relation(rel regclass, kind "char") LANGUAGE plpgsql AS $$
DECLARE
	bad text := complaint(rel);
	type regtype := (SELECT reltype FROM pg_class WHERE oid = rel);
	accepted text;
BEGIN
	IF bad IS NOT NULL THEN
		INSERT INTO result VALUES (rel, kind, 'cannot be read', NULL, 0, NULL, bad);
		RETURN;
	END IF;
	IF kind = 'v' THEN
		-- for each column anew it would take minutes
		SELECT format('CREATE TEMP TABLE given AS SELECT %s FROM %s', string_agg(format('%I AS c%s', a.attname, a.attnum), ', '), rel) INTO accepted
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		WHERE a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped AND t.typtype <> 'p';
		EXECUTE accepted;
		PERFORM check_columns(rel, kind, 'pg_temp.given');
		DROP TABLE pg_temp.given;
	ELSE
		PERFORM check_columns(rel, kind, rel);
	END IF;
	INSERT INTO result SELECT rel, kind, NULL, c.* FROM check_values(format('SELECT whole_row AS value FROM %s AS whole_row', rel), type, type) AS c;
	-- a row with a type that is refused is: then the other columns make the row
	IF EXISTS (SELECT FROM result r WHERE r.relation = rel::text AND r.state = '0A000') THEN
		SELECT string_agg(format('%I', a.attname), ', ') INTO accepted FROM pg_attribute a
		WHERE a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped
			AND NOT EXISTS (SELECT FROM result r WHERE r.relation = rel::text AND r.part = a.attname AND r.state IS NOT NULL);
		INSERT INTO result SELECT rel, kind, NULL, c.*
		FROM check_values(format('SELECT whole_row AS value FROM (SELECT %s FROM %s) AS whole_row', accepted, rel), 'record', 'record') AS c;
	END IF;
	COMMIT;
END $$;

DO $$
DECLARE
	rel record;
BEGIN
	FOR rel IN SELECT c.oid::regclass AS oid, c.relkind FROM pg_class c
			WHERE c.relkind IN ('r', 'p', 'm', 'v') AND c.relnamespace <> 'checks'::regnamespace AND NOT pg_is_other_temp_schema(c.relnamespace)
			ORDER BY c.oid LOOP
		CALL check_relation(rel.oid, rel.relkind);
	END LOOP;
END $$;

\echo 'Relations that cannot be read:'
SELECT '  ' || relation || ': ' || message FROM result WHERE part = 'cannot be read' ORDER BY 1;
\echo 'Types that are refused, and in how many columns:'
SELECT '  ' || message || ' (' || count(*) || ')' FROM result WHERE state = '0A000' AND part IS NOT NULL GROUP BY message ORDER BY 1;
\echo 'Wrong:'
SELECT concat_ws(' ', ' ', relation, part, wrong || ' of ' || nvalues, state, message) FROM result
WHERE wrong <> 0 OR state <> '0A000' ORDER BY 1;
SELECT format('%s tables, %s partitioned tables, %s materialized views, %s views with %s rows; %s columns; codecs %s',
	count(DISTINCT relation) FILTER (WHERE kind = 'r'), count(DISTINCT relation) FILTER (WHERE kind = 'p'),
	count(DISTINCT relation) FILTER (WHERE kind = 'm'), count(DISTINCT relation) FILTER (WHERE kind = 'v'),
	sum(nvalues) FILTER (WHERE part IS NULL), count(*) FILTER (WHERE part IS NOT NULL AND state IS NULL), (SELECT string_agg(codec, ', ') FROM codecs() AS codec))
FROM result WHERE part IS DISTINCT FROM 'cannot be read';
SELECT format('%s passed, %s failed', count(*) FILTER (WHERE wrong = 0 OR state = '0A000'), count(*) FILTER (WHERE wrong <> 0 OR state <> '0A000'))
FROM result WHERE part IS DISTINCT FROM 'cannot be read';
