-- A hash is that of the value, for every type and in every form in which a value is stored.
--
-- Each type's values are hashed as they come from a literal, and then from tables: in the row, compressed, moved out,
-- both; alone, in a row, in an array, and in an array and a row that plpgsql keeps apart. test/tap/023_hash_types.pl
-- has other sessions and other servers.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;
\ir ../lib/types.sql

-- large values of the types that can have them, for these can be compressed by themselves
CREATE TABLE large (type regtype PRIMARY KEY, made text);
INSERT INTO large VALUES
	('text', 'repeat(''text 世界 '', 9000)'), ('varchar', 'repeat(''varchar 世界 '', 9000)'), ('bpchar', 'repeat(''char '', 20000)'), ('bytea', 'decode(repeat(''00ff5c'', 30000), ''hex'')'),
	('json', 'to_json(repeat(''json '', 20000))'), ('jsonb', 'jsonb_build_object(''a'', repeat(''jsonb '', 20000), ''b'', array_fill(1.50, ARRAY[5000]))'),
	('jsonpath', '(''$."'' || repeat(''path '', 20000) || ''"'')::jsonpath'), ('xml', '(''<a>'' || repeat(''世界 '', 20000) || ''</a>'')::xml'), ('numeric', '(repeat(''12345678'', 12000) || ''.50'')::numeric'),
	('bit', 'repeat(''01'', 400000)::bit(800000)'), ('varbit', 'repeat(''011'', 300000)::varbit'), ('path', '(''('' || repeat(''(1,2),'', 6000) || ''(3,4))'')::path'),
	('polygon', '(''('' || repeat(''(1,2),'', 6000) || ''(3,4))'')::polygon'), ('tsvector', '(SELECT array_to_tsvector(array_agg(''word '' || i)) FROM generate_series(1, 9000) i)'),
	('refcursor', 'repeat(''cursor '', 20000)::refcursor'), ('int4multirange', '(SELECT range_agg(int4range(i, i + 1)) FROM generate_series(1, 20000, 2) i)'),
	('nummultirange', '(SELECT range_agg(numrange(i, i + 1.50)) FROM generate_series(1, 20000, 2) i)'), ('datemultirange', '(SELECT range_agg(daterange(''2020-01-01''::date + i, ''2020-01-02''::date + i)) FROM generate_series(1, 20000, 2) i)'),
	('made.words', 'made.words(repeat(''a'', 50000), repeat(''b'', 50000))'), ('made.pair', 'ROW(1, repeat(''pair '', 20000))::made.pair'), ('made.pairs', 'made.pairs(ROW(1, repeat(''a'', 50000))::made.pair, NULL)'),
	('made.nested', 'ROW(ROW(1, repeat(''pair '', 20000)), array_fill(ROW(1, ''a'')::made.pair, ARRAY[2000]), ''sad'', ''[1,2)'', 1.50)::made.nested'), ('made.moods', 'array_fill(''sad''::made.mood, ARRAY[8])::made.moods'),
	('made.bin', 'repeat(''bin '', 20000)::made.bin'), ('stash.variant', 'stash.to_variant(repeat(''variant '', 20000))'), ('txid_snapshot', '(SELECT (''1:90000:'' || string_agg(i::text, '','' ORDER BY i))::txid_snapshot FROM generate_series(1, 9000) i)'),
	('pg_snapshot', '(SELECT (''1:90000:'' || string_agg(i::text, '','' ORDER BY i))::pg_snapshot FROM generate_series(1, 9000) i)');

CREATE FUNCTION hashes(value anyelement) RETURNS text[] STABLE LANGUAGE sql AS
	'SELECT ARRAY[stash.hash(value)::text, stash.hash64(value)::text, stash.hash_sampled(value)::text, stash.hash_sampled(value, 0, 2)::text]';
-- plpgsql takes an array apart when it changes it
CREATE FUNCTION hashes_apart(value anyarray) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	apart value%TYPE := value;
BEGIN
	apart[1] := apart[1];
	RETURN ARRAY[stash.hash(apart)::text, stash.hash64(apart)::text, stash.hash_sampled(apart)::text, stash.hash_sampled(apart, 0, 2)::text];
END $$;

CREATE TABLE form (form text PRIMARY KEY, storage text, compression text, is_moved bool);
INSERT INTO form VALUES ('main', 'main', 'pglz', false), ('external', 'external', 'default', true), ('compressed', 'extended', 'pglz', true);
INSERT INTO form SELECT 'lz4', 'extended', 'lz4', true FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals);

-- what was seen: of each value and form what differs, and how the values are stored
CREATE TABLE seen (type regtype, form text, differs text[], compression text, is_moved bool, is_short bool);

-- A function source() that makes a type's values: v; vs, an array of all, which is large for number 0; and both in a row.
CREATE FUNCTION make_source(the_type regtype, literals text[], large text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	t pg_type := (SELECT t FROM pg_type t WHERE oid = the_type);
	-- without -1 "bit" and "character" would be those of length 1
	type text := format_type(the_type, -1);
	values text := (SELECT string_agg(format('(%s, %L::%s)', n, literal, type), ', ') FROM unnest(literals) WITH ORDINALITY l(literal, n));
BEGIN
	DROP TYPE IF EXISTS holder CASCADE;
	EXECUTE format('CREATE TYPE holder AS (a int, v %1$s, vs %1$s[])', type);
	EXECUTE format('CREATE FUNCTION source() RETURNS TABLE (n int, v %3$s, vs %3$s[], h holder) STABLE LANGUAGE sql AS $sql$ '
		'SELECT n, v, vs, ROW(1, v, vs)::holder FROM (VALUES %1$s, (0, (%2$s)::%3$s)) x(n, v), '
		-- to SQL an array of arrays is an array of two dimensions
		'LATERAL (SELECT ' || CASE t.typcategory WHEN 'A' THEN 'array_agg(e::text ORDER BY i)::text::%3$s[]' ELSE 'array_agg(e ORDER BY i)' END || ' AS vs '
		'FROM generate_series(1, CASE n WHEN 0 THEN %4$s ELSE %5$s END) i LEFT JOIN (VALUES %1$s) y(m, e) ON m = i %% %5$s) z $sql$',
		values, coalesce(large, 'NULL'), type, CASE WHEN t.typlen > 0 THEN 4000 ELSE 1200 END, cardinality(literals) + 1);
	CREATE FUNCTION hashes_row_apart(h holder) RETURNS text[] LANGUAGE plpgsql AS 'BEGIN h.a := 1; RETURN hashes(h); END';
END $$;

CREATE FUNCTION look(the_type regtype, literals text[], large text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	f form;
	may_move bool := (SELECT typstorage <> 'p' FROM pg_type WHERE oid = the_type);
BEGIN
	PERFORM make_source(the_type, literals, large);
	-- elements of an array have long headers, and are neither compressed nor moved
	CREATE TEMP TABLE wanted AS SELECT n, pg_column_size(plain) AS size, hashes(plain) AS v, hashes(vs) AS vs, hashes(h) AS h, hashes(array_fill(v, '{2}')) AS twice
	FROM source(), LATERAL (SELECT (array_fill(v, '{1}'))[1] AS plain) p;
	INSERT INTO seen SELECT the_type, 'apart', array_agg(n) FILTER (WHERE hashes_apart(s.vs) <> w.vs OR hashes_row_apart(s.h) <> w.h) FROM source() s JOIN wanted w USING (n);
	FOR f IN SELECT * FROM form LOOP
		CREATE TEMP TABLE disk WITH (toast_tuple_target = 128) AS SELECT * FROM source() WITH NO DATA;
		EXECUTE format('ALTER TABLE disk ' || string_agg(format('ALTER %s SET STORAGE %%1$s, ALTER %1$s SET COMPRESSION %%2$s', col), ', '), f.storage, f.compression)
			FROM unnest(CASE WHEN may_move THEN '{v,vs,h}' ELSE '{vs,h}' END::name[]) col;
		INSERT INTO disk SELECT * FROM source();
		INSERT INTO seen
		SELECT the_type, f.form, array_agg(format('%s: %s', n, concat_ws(' ', v, vs, h, of_parts, twice, apart))) FILTER (WHERE concat(v, vs, h, of_parts, twice, apart) <> ''),
			max(compression), (SELECT pg_relation_size(reltoastrelid) > 0 FROM pg_class WHERE oid = 'disk'::regclass), bool_or(is_short)
		FROM (SELECT n, CASE WHEN hashes(d.v) <> w.v THEN 'v' END AS v, CASE WHEN hashes(d.vs) <> w.vs THEN 'vs' END AS vs, CASE WHEN hashes(d.h) <> w.h THEN 'h' END AS h,
				CASE WHEN hashes(ROW(1, d.v, d.vs)::holder) <> w.h THEN 'of_parts' END AS of_parts, CASE WHEN hashes(array_fill(d.v, '{2}')) <> w.twice THEN 'twice' END AS twice,
				CASE WHEN hashes_apart(d.vs) <> w.vs OR hashes_row_apart(d.h) <> w.h THEN 'apart' END AS apart,
				CASE n WHEN 0 THEN pg_column_compression(d.vs) END AS compression, pg_column_size(d.v) < w.size AND n > 0 AS is_short
			FROM disk d JOIN wanted w USING (n)) x;
		DROP TABLE disk;
	END LOOP;
	DROP TABLE wanted;
EXCEPTION WHEN OTHERS THEN
	INSERT INTO seen VALUES (the_type, NULL, ARRAY[SQLSTATE || ' ' || SQLERRM]);
END $$;

SELECT plan((SELECT count(*) FROM sample WHERE literals IS NOT NULL)::int + 5);
SELECT is((SELECT array_agg(type) FROM forgotten), NULL, 'the sample has every built-in type');

\o /dev/null
SELECT look(s.type, s.literals, l.made) FROM sample s LEFT JOIN large l USING (type) WHERE s.literals IS NOT NULL ORDER BY s.type::oid;
\o
SELECT is(array_agg(format('%s: %s', form, differs)) FILTER (WHERE differs IS NOT NULL), NULL, type::text) FROM seen GROUP BY type ORDER BY type::oid;

-- the forms were indeed taken
SELECT is((SELECT array_agg(format('%s %s', s.type, form)) FROM seen s JOIN form f USING (form)
		WHERE s.compression IS DISTINCT FROM nullif(f.compression, 'default') OR s.is_moved <> f.is_moved AND NOT (form = 'main' AND s.type IN (SELECT type FROM large))),
	NULL, 'all large values were compressed or moved out as they should');
SELECT is((SELECT array_agg(DISTINCT s.type) FROM seen s JOIN pg_type t ON t.oid = s.type WHERE form <> 'apart' AND is_short <> (typlen = -1 AND typstorage <> 'p')), NULL, 'small ones got short headers');
SELECT is((SELECT array_agg(type) FROM sample s JOIN pg_type t ON t.oid = s.type WHERE literals IS NOT NULL
		AND NOT EXISTS (SELECT FROM seen WHERE type = s.type HAVING count(*) = (SELECT count(*) + 1 FROM form))), NULL, 'every type was seen in every form');

-- pseudo-types are types of arguments: but for record no value has one; a new one must be looked at
CREATE TABLE pseudo (type regtype, state text);
DO $$
DECLARE
	t regtype;
BEGIN
	FOR t IN SELECT oid::regtype FROM pg_type WHERE typtype = 'p' ORDER BY oid LOOP
		BEGIN
			EXECUTE format('SELECT stash.hash(NULL::%s)', t);
			INSERT INTO pseudo VALUES (t, 'hashed');
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO pseudo VALUES (t, SQLSTATE);
		END;
	END LOOP;
END $$;
-- a NULL that is cast to one that takes any type has no type yet, and is text
SELECT is((SELECT array_agg(type ORDER BY type::oid) FROM pseudo WHERE state NOT IN ('0A000', '42846')),
	'{unknown,record,"\"any\"",anyelement,record[],anynonarray,anycompatible,anycompatiblenonarray}'::regtype[], 'no other pseudo-type has values');
SELECT * FROM finish();
