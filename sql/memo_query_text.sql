-- When two texts are one query: where literals, names and comments end, as the server's scanner has it.
CREATE SCHEMA stash_memo_query_text;
SET search_path = stash_memo_query_text, public;
-- the answer to a query, remembered or not, or its error
CREATE FUNCTION remembered(query text) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
	RETURN (SELECT string_agg(query_json::text, '') FROM stash.query_json(query));
EXCEPTION WHEN others THEN
	RETURN 'error ' || SQLSTATE;
END $body$;
CREATE FUNCTION computed(query text) RETURNS text LANGUAGE plpgsql AS $body$
DECLARE
	answer text;
BEGIN
	SET LOCAL pg_hashstash.enabled = off;
	answer := remembered(query);
	SET LOCAL pg_hashstash.enabled = on;
	RETURN answer;
END $body$;
-- whether two texts have one key
CREATE FUNCTION is_same(a text, b text) RETURNS bool LANGUAGE sql AS $body$
	SELECT count(DISTINCT value) = 1
	FROM unnest(ARRAY[a, b]) AS query, stash.explain('stash.query_json(text,record,interval)', query, NULL::record, NULL::interval)
	WHERE item = 'key hash'
$body$;

-- a normal form that makes two queries one
-- a literal goes on after a doubled quote, and on the next line; what escapes in its first half does so to its end
CREATE FUNCTION pair(a text, b text) RETURNS text LANGUAGE sql AS $body$
	SELECT concat_ws(' ', CASE WHEN is_same(a, b) THEN 'same:' ELSE 'different:' END, remembered(a), remembered(b),
		CASE WHEN remembered(a) IS NOT DISTINCT FROM computed(a) AND remembered(b) IS NOT DISTINCT FROM computed(b) THEN 'right' ELSE 'WRONG' END)
$body$;
SELECT pair($q$SELECT E'it''s \' -- x'
AS a$q$, $q$SELECT E'it''s \' -- y'
AS a$q$);
SELECT pair($q$SELECT E'a'
'\' /* x */' AS a$q$, $q$SELECT E'a'
'\' /* y */' AS a$q$);
SELECT pair($q$SELECT e'a' -- first
	-- second
'''\' /* x */' AS a$q$, $q$SELECT e'a' -- first

'''\' /* x */' AS a$q$);
-- not after another literal, and not before one of its own
SELECT pair($q$SELECT 'a\' -- x'
AS a$q$, $q$SELECT 'a\' -- y'
AS a$q$);
SELECT pair($q$SELECT aE'\' -- x' FROM (SELECT 1) AS a$q$, $q$SELECT aE '\' -- x' FROM (SELECT 1) AS a$q$);
SELECT pair($q$SELECT E'a', 'b\' -- x'
AS a$q$, $q$SELECT E'a', 'b\' -- y'
AS a$q$);
-- what joins literals is a line end, and no comment of the other kind
SELECT pair($q$SELECT 'a'
'b' AS a$q$, $q$SELECT 'a'/**/
'b' AS a$q$);
SELECT pair($q$SELECT 'a'
'b' AS a$q$, $q$SELECT 'a' -- and

'b' AS a$q$);
SELECT pair($q$SELECT 'a'
'b' AS a$q$, $q$SELECT 'a' 'b' AS a$q$);
SELECT pair($q$SELECT 'a'
'b' AS a$q$, $q$SELECT 'a''b' AS a$q$);
-- a comment that does not end is an error
SELECT pair('SELECT 1 AS a', 'SELECT 1 AS a /* and');
SELECT pair('SELECT 1 AS a', 'SELECT 1 AS a /* and /* more */');
SELECT pair('SELECT 1 AS a', 'SELECT 1 AS a /* and /* more */ /**/*/ -- end');
-- dollars: a tag of its own, and one that is part of a name
SELECT pair('SELECT $a$ $$ $b$ -- x $a$ AS a', 'SELECT $a$ $$ $b$ -- y $a$ AS a');
SELECT pair('SELECT a$b$ --$b$' || E'\nFROM (SELECT 1 AS a$b$) AS t', 'SELECT a$b$ FROM (SELECT 1 AS a$b$) AS t');
SELECT pair('SELECT $a$ -- $$a$ AS a -- x', 'SELECT $a$ -- $$a$ AS a -- y');
SELECT pair('SELECT $1$$ -- x$$ AS a', 'SELECT $1$$ -- y$$ AS a');
-- literals of other kinds
SELECT pair($q$SELECT U&'\0041\\' -- x
'''' AS a$q$, $q$SELECT U&'\0041\\' -- y
'''' AS a$q$);
SELECT pair($q$SELECT U&'d!0061t\+000061  x' UESCAPE '!' AS "a""  b"$q$, $q$SELECT  U&'d!0061t\+000061  x'  UESCAPE '!' AS "a""  b"$q$);
SELECT pair($q$SELECT U&'d!0061t' UESCAPE '!' AS "a""  b"$q$, $q$SELECT U&'d!0061t' UESCAPE '!' AS "a"" b"$q$);
SELECT pair($q$SELECT B'01' || X'1F' AS a, N'\' -- x'
$q$, $q$SELECT B'01'  ||  X'1F' AS a, N'\' -- y'
$q$);
-- blanks neither join nor part what stands between them
SELECT pair('SELECT 3 - -1 AS a', E'SELECT 3 --1 AS a\n');
SELECT pair('SELECT 3 - -1 AS a', 'SELECT 3 -/**/-1 AS a');
SELECT pair('SELECT 1 .5 AS a', 'SELECT 1.5 AS a');
SELECT pair($q$SELECT E'x' AS a$q$, $q$SELECT E 'x' AS a$q$);
SELECT pair($q$SELECT E'\\' AS a$q$, $q$SELECT E/**/'\\' AS a$q$);
SELECT pair($q$SELECT U&'x' AS a$q$, $q$SELECT U& 'x' AS a$q$);
SELECT pair('SELECT 1 @-1 AS a', 'SELECT 1 @ -1 AS a');
SELECT pair('SELECT 2*/**/3 AS a', 'SELECT 2* 3 AS a');
SELECT pair(E'SELECT\t1\f\r\nAS a', 'SELECT 1 AS a');
SELECT pair(U&'SELECT\00A01 AS a', 'SELECT 1 AS a');
SELECT pair('SELECT 1 AS "é  è", ''ü  --'' AS b', 'SELECT 1 AS "é  è", /* ö */ ''ü  --'' AS b');

-- as the server has it: texts put together by chance, each answered as it is without remembering
CREATE PROCEDURE compare(seed bigint, n int) LANGUAGE plpgsql AS $body$
DECLARE
	openings text[] := ARRAY['''', 'E''', 'e''', 'E''', 'U&''', '$$', '"'];
	middles text[] := ARRAY['x', '\''', '\''', '\', '''''', '''''', '''', ' -- x', ' /* x */', ' /* x', E'\n', E'''\n''', E'''/**/\n''', '$$'];
	closings text[] := ARRAY['''', '''', '''', '''', '', '$$', '"'];
	parts text[];
	state bigint := seed;
	query text;
	variant text;
	valid int := 0;
	wrong int := 0;
BEGIN
	FOR i IN 1 .. n LOOP
		query := 'SELECT ';
		FOR j IN 1 .. 6 LOOP
			parts := CASE j WHEN 1 THEN openings WHEN 6 THEN closings ELSE middles END;
			state := (state * 1103515245 + 12345) % 2147483648;
			query := query || parts[1 + state / 65536 % cardinality(parts)];
		END LOOP;
		query := query || E'\nAS a';
		FOREACH variant IN ARRAY ARRAY[query, replace(query, 'x', 'z'), replace(query, E'\n', ' '), replace(query, ' ', E' \n ')] LOOP
			valid := valid + (computed(variant) NOT LIKE 'error%')::int;
			wrong := wrong + (remembered(variant) IS DISTINCT FROM computed(variant))::int;
		END LOOP;
	END LOOP;
	RAISE NOTICE 'some valid: %, wrong: %', valid > n / 5, wrong;
END $body$;
CALL compare(3, 300);

SET client_min_messages = warning;
DROP SCHEMA stash_memo_query_text CASCADE;
