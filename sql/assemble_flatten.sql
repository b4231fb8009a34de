-- stash.flatten(): nested objects as one flat object
SELECT stash.flatten('{"name": "cat", "etc": {"age": 10, "goes_to": {"heaven": true}}}');
SELECT stash.flatten('{"name": "cat", "etc": {"age": 10, "goes_to": {"heaven": true}}}', separator => ' / ');
SELECT stash.flatten('{"a": {"b": 1}}', '');

-- arrays are values, whatever is in them
SELECT stash.flatten('{"a": {"b": [1, [2], {"c": {"d": [{"e": {"f": 3}}]}}, {}]}}');

-- what is empty or null does not vanish
SELECT stash.flatten('{"a": {"b": {}, "c": [], "d": null, "": ""}, "": {"": 0}}');

-- no object: as it came
SELECT v AS value, stash.flatten(v) IS NOT DISTINCT FROM v AS same
FROM unnest(ARRAY['1', '"a"', 'true', 'null', '[{"a": {"b": 1}}]', '[]', '{}']::jsonb[]) AS v;
SELECT stash.flatten(NULL) IS NULL AS value, stash.flatten('{}', NULL) IS NULL AS separator;

-- numbers keep their scale, text its escapes and code points
SELECT stash.flatten('{"n": {"one": 1.00, "big": 123456789012345678901234567890}, "t": {"é\"ü": "\u0007\\ \"日本"}}');

-- two places with one name: no value wins
SELECT stash.flatten('{"a": {"b": 1}, "a.b": 2}');
\echo :SQLSTATE
SELECT stash.flatten('{"a": {"b.c": 1, "b": {"c": 1}}}');
\echo :SQLSTATE
SELECT stash.flatten('{"a": {"b": 1}, "a.b": 2}', '/');
SELECT stash.flatten('{"a": {"bc": 1}, "ab": {"c": 2}}', '');
-- a name that leads through an empty object clashes with nothing
SELECT stash.flatten('{"a": {}, "a.b": 1}');

-- one long name over many others takes more than an object can hold
SELECT stash.flatten(jsonb_build_object(repeat('k', 1000000), jsonb_object_agg(i, i)))
FROM generate_series(1, 300) AS i;
\echo :SQLSTATE

-- deep: each level adds its name to the path
SELECT length(k) AS name_length, v AS value
FROM jsonb_each(stash.flatten((repeat('{"k": ', 1000) || '1' || repeat('}', 1000))::jsonb)) AS e(k, v);

-- random documents: equal to a reference in plain SQL, stable when repeated
CREATE FUNCTION pg_temp.document(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	result jsonb := '{}';
BEGIN
	FOR i IN 1 .. floor(random() * 5)::int LOOP
		result := result || jsonb_build_object(
			repeat(chr(97 + floor(random() * 26)::int), 1 + floor(random() * 3)::int),
			CASE floor(random() * 8)::int
				WHEN 0 THEN 'null'
				WHEN 1 THEN to_jsonb(round(random()::numeric * 1000, 2))
				WHEN 2 THEN to_jsonb(random() < 0.5)
				WHEN 3 THEN jsonb_build_array(i, pg_temp.document(0), '{}'::jsonb)
				WHEN 4 THEN to_jsonb('text'::text)
				ELSE CASE WHEN depth > 0 THEN pg_temp.document(depth - 1) ELSE '[]' END
			END);
	END LOOP;
	RETURN result;
END $$;
CREATE FUNCTION pg_temp.reference(document jsonb) RETURNS jsonb LANGUAGE sql AS $$
	WITH RECURSIVE leaf(name, value) AS (
		SELECT key, value FROM jsonb_each(document)
		UNION ALL
		SELECT leaf.name || '.' || e.key, e.value
		FROM leaf, jsonb_each(CASE jsonb_typeof(leaf.value) WHEN 'object' THEN leaf.value ELSE '{}' END) AS e
	)
	SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM leaf
	WHERE jsonb_typeof(value) <> 'object' OR value = '{}'
$$;
SELECT setseed(0.25);
CREATE TEMP TABLE document AS
SELECT pg_temp.document(5) AS d FROM generate_series(1, 500);
SELECT count(*) AS documents,
	count(*) FILTER (WHERE stash.flatten(d) <> d) > 100 AS many_are_nested,
	count(*) FILTER (WHERE stash.flatten(d)::text <> pg_temp.reference(d)::text) AS unlike_reference,
	count(*) FILTER (WHERE stash.flatten(stash.flatten(d)) <> stash.flatten(d)) AS not_stable
FROM document;

-- the names are in the order in which jsonb looks for them
SELECT count(*) AS names,
	count(*) FILTER (WHERE (stash.flatten(d) -> name) IS DISTINCT FROM value) AS not_found
FROM document, jsonb_each(pg_temp.reference(d)) AS e(name, value);
