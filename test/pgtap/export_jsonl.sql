-- Every type there is goes into JSON Lines and comes back bit for bit: alone, in arrays and in rows.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = warning;

\ir ../lib/types.sql

CREATE FUNCTION jsonl(query text, chunk_rows int) RETURNS text STABLE LANGUAGE sql
AS $$ SELECT string_agg(data, '' ORDER BY chunk) FROM stash.to_jsonl(query, chunk_rows) $$;

UPDATE sample SET literals = literals || ARRAY[E'\U0001F600 \U0010FFFF \u2028 \uFEFF', (SELECT string_agg(chr(c), '') FROM generate_series(1, 160) c), repeat(E'"\\/\n', 100000)]
WHERE type IN ('text'::regtype, 'varchar'::regtype);
UPDATE sample SET literals = literals || to_json(repeat(E'"\\\u0001 \U0001F600', 1000))::text WHERE type IN ('json'::regtype, 'jsonb'::regtype);
-- a byte that is no text of the encoding is none in JSON
UPDATE sample SET literals = array_remove(literals, '\377') WHERE type = '"char"'::regtype;

-- types of which JSON does not say all: only a column of them comes back, as an equal text; or as another one, which is stated
CREATE TABLE poorer (type regtype PRIMARY KEY, reason text, wanted text[]);
INSERT INTO poorer VALUES
	('int2vector', 'inside arrays and rows the server reads none from JSON', NULL), ('oidvector', 'inside arrays and rows the server reads none from JSON', NULL),
	('jsonb', 'what is inside an element of an array looks like a dimension', NULL),
	('json', 'as jsonb; and blanks around it are lost', (SELECT array_agg(trim(l)) FROM sample, unnest(literals) l WHERE type = 'json'::regtype)),
	('made.checked', 'elements are checked by the server, which wants binary input', NULL),
	('stash.variant', 'its JSON is that of its value, without the type', NULL);

CREATE FUNCTION check_poorer(type regtype, literals text[], wanted text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text[];
BEGIN
	EXECUTE format('CREATE TEMP TABLE kept AS SELECT n, l::%s AS v FROM unnest(%L::text[]) WITH ORDINALITY u(l, n)', type, literals || NULL::text);
	EXECUTE 'SELECT array_agg(v::text ORDER BY n) FROM stash.from_jsonl(jsonl(''SELECT * FROM kept ORDER BY n'', 2), NULL::kept)' INTO found;
	IF wanted IS NULL THEN
		SELECT array_agg(v::text ORDER BY n) INTO wanted FROM kept;
	END IF;
	DROP TABLE kept;
	RETURN CASE WHEN found IS DISTINCT FROM wanted THEN format('%s, not %s', found, wanted) ELSE '' END;
END $$;

-- '' or what is wrong with the values of a type, with a null between them
CREATE FUNCTION check_type(type regtype, literals text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	wrong int;
	-- elements that are arrays would be dimensions
	list text := CASE WHEN (SELECT typcategory = 'A' FROM pg_type WHERE oid = type) THEN format('NULL::%s[]', type) ELSE 'ARRAY[[v, NULL], [v, v]]' END;
BEGIN
	EXECUTE format('CREATE TEMP TABLE kept AS SELECT n, v, %s AS a, ROW(v, n, %s)::mixed AS r FROM (VALUES %s) s(n, v)', list, list,
		(SELECT string_agg(format('(%s, %L::%s)', n, l, type), ', ') FROM unnest(literals || NULL::text) WITH ORDINALITY u(l, n)));
	EXECUTE 'SELECT count(*) FROM kept FULL JOIN stash.from_jsonl(jsonl(''SELECT * FROM kept ORDER BY n'', 2), NULL::kept) back USING (n)
		WHERE NOT coalesce(kept *= back, false)' INTO wrong;
	DROP TABLE kept;
	RETURN CASE WHEN wrong > 0 THEN format('%s of %s rows differ', wrong, cardinality(literals) + 1) ELSE '' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

CREATE FUNCTION check_types() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	s record;
BEGIN
	FOR s IN SELECT * FROM sample WHERE literals IS NOT NULL AND type NOT IN (SELECT type FROM poorer) ORDER BY type::text COLLATE "C" LOOP
		EXECUTE format('CREATE TYPE mixed AS (v %s, n int, a %s[])', s.type, s.type);
		RETURN NEXT is(check_type(s.type, s.literals), '', s.type::text);
		DROP TYPE mixed CASCADE;
	END LOOP;
	FOR s IN SELECT * FROM sample JOIN poorer USING (type) WHERE type <> 'stash.variant'::regtype ORDER BY type::text COLLATE "C" LOOP
		RETURN NEXT is(check_poorer(s.type, s.literals, CASE WHEN s.wanted IS NOT NULL THEN s.wanted || NULL::text END), '', s.type || ': ' || s.reason);
	END LOOP;
END $$;

SELECT * FROM no_plan();
SELECT is_empty('TABLE forgotten', 'every type has values');
SELECT * FROM check_types();
SELECT is((SELECT string_agg(v::text, ' ') FROM stash.from_jsonl(jsonl($$SELECT v FROM unnest('{int4:1,int8:1}'::stash.variant[]) v$$, 9)) AS t(v json)), '1 1',
	(SELECT type || ': ' || reason FROM poorer WHERE type = 'stash.variant'::regtype));
SELECT * FROM finish();
