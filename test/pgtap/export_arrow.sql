-- Every type there is goes into an Arrow stream and comes back bit for bit: alone, in arrays and in rows.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;

\ir ../lib/types.sql

CREATE FUNCTION arrow(query text, chunk_rows int, codec text) RETURNS bytea STABLE LANGUAGE sql
AS $$ SELECT string_agg(data, ''::bytea ORDER BY chunk) FROM stash.to_arrow(query, chunk_rows, codec => codec) $$;

-- values that Arrow's types have no place for
CREATE TABLE refused (type regtype, literal text, state text);
INSERT INTO refused VALUES ('timestamp', '294276-12-31 23:59:59.999999', '22008'), ('timestamptz', '294276-12-31 23:59:59.999999+00', '22008'),
	('interval', '9223372036854775807 us', '22008');

-- '' or what is wrong with the values of a type, with a null between them
CREATE FUNCTION check_type(type regtype, literals text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	wrong int;
	way record;
	-- elements that are arrays would be dimensions
	list text := CASE WHEN (SELECT typcategory = 'A' FROM pg_type WHERE oid = type) THEN format('NULL::%s[]', type) ELSE 'ARRAY[v, NULL, v]' END;
BEGIN
	EXECUTE format('CREATE TEMP TABLE kept AS SELECT n, v, %s AS a, ROW(v, n, %s)::mixed AS r FROM (VALUES %s) s(n, v)', list, list,
		(SELECT string_agg(format('(%s, %L::%s)', n, l, type), ', ') FROM unnest(literals || NULL::text) WITH ORDINALITY u(l, n)));
	FOR way IN SELECT * FROM (VALUES (100, 'none'), (1, 'none'), (2, 'lz4')) w(nrows, codec) LOOP
		SELECT count(*) INTO wrong
		FROM kept FULL JOIN stash.from_arrow(arrow('SELECT * FROM kept ORDER BY n', way.nrows, way.codec), NULL::kept) back USING (n)
		WHERE NOT coalesce(kept *= back, false);
		IF wrong > 0 THEN
			DROP TABLE kept;
			RETURN format('%s of %s rows differ, codec %s', wrong, cardinality(literals) + 1, way.codec);
		END IF;
	END LOOP;
	DROP TABLE kept;
	RETURN '';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

CREATE FUNCTION check_types() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	s record;
BEGIN
	FOR s IN SELECT type, ARRAY(SELECT l FROM unnest(literals) l EXCEPT SELECT literal FROM refused WHERE refused.type = sample.type) AS literals
			FROM sample WHERE literals IS NOT NULL ORDER BY type::text COLLATE "C" LOOP
		EXECUTE format('CREATE TYPE mixed AS (v %s, n int, a %s[])', s.type, s.type);
		RETURN NEXT is(check_type(s.type, s.literals), '', s.type::text);
		DROP TYPE mixed CASCADE;
	END LOOP;
	FOR s IN SELECT * FROM refused LOOP
		RETURN NEXT throws_ok(format('SELECT arrow(%L, 1, ''none'')', format('SELECT %L::%s', s.literal, s.type)), s.state, NULL, s.type || ' ' || s.literal);
	END LOOP;
END $$;

SELECT * FROM no_plan();
SELECT is_empty('TABLE forgotten', 'every type has values');
SELECT * FROM check_types();

-- numbers with a precision: from the smallest to what has no place in 256 bits
CREATE TABLE numbers (
	a numeric(1,0), b numeric(9,2), c numeric(18,18), d numeric(19,0), e numeric(38,10), f numeric(39,0), g numeric(76,76), h numeric(77,1),
	i numeric(5,-3), j numeric(3,8), k numeric(1000,500));
INSERT INTO numbers VALUES
	(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	(9, 9999999.99, 0.999999999999999999, 9999999999999999999, 9999999999999999999999999999.9999999999, repeat('9', 39)::numeric, ('0.' || repeat('9', 76))::numeric, 9.9, 99999000, 0.00000999, 1e499),
	(-9, -9999999.99, -0.999999999999999999, -9999999999999999999, -9999999999999999999999999999.9999999999, -repeat('9', 39)::numeric, -('0.' || repeat('9', 76))::numeric, -9.9, -99999000, -0.00000999, -1e-500),
	(1, 0.01, 1e-18, 10000, 1e-10, 1e38, 1e-76, 0.1, 1000, 1e-8, 1);
SELECT setseed(0.5);
INSERT INTO numbers
SELECT (random() * 18 - 9)::int, random() * 1e7 - 5e6, random()::numeric - 0.5, random() * 1e19 - 5e18, (random()::numeric - 0.5) * 1e28 * random()::numeric,
	(random()::numeric - 0.5) * power(10::numeric, (random() * 38)::int), (random()::numeric - 0.5) * power(10::numeric, -(random() * 60)::int), random(),
	random() * 1e8 - 5e7, random() * 1e-5, random()::numeric * power(10::numeric, (random() * 900 - 450)::int)
FROM generate_series(1, 2000);
SELECT is((SELECT count(*) FROM (TABLE numbers EXCEPT ALL SELECT * FROM stash.from_arrow(arrow('TABLE numbers', 100, 'lz4'), NULL::numbers)) d), 0::bigint, 'numbers with a precision');
SELECT is((SELECT count(*) FROM (SELECT numbers::text FROM numbers EXCEPT ALL SELECT n::text FROM stash.from_arrow(arrow('TABLE numbers', 100, 'none'), NULL::numbers) n) d), 0::bigint, 'and their decimals');
SELECT throws_ok($$SELECT arrow('SELECT ''NaN''::numeric(5,2)', 1, 'none')$$, '22003', NULL, 'NaN has no place in a decimal');

SELECT * FROM finish();
