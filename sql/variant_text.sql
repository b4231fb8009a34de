-- stash.variant: the text form of odd names and odd values is read back, bit for bit.
\set VERBOSITY terse
CREATE SCHEMA "S.p:a [1], ""q""";
CREATE SCHEMA "Größe 型";
SET search_path = "S.p:a [1], ""q""", public;
CREATE TYPE "t:,.(""q"") []" AS ENUM ('a:b', E'new\nline', 'back\slash', 'q"q', '');
CREATE TYPE "Größe 型"."Ünïcödé:" AS ("a ""b"", c" int, "x:y" text, "[]" "t:,.(""q"") []"[], "Ä" int, "select" bool);
CREATE DOMAIN "d[]" AS text CHECK (value <> 'no');
CREATE TYPE "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890" AS (a int);
CREATE TYPE "Größe 型"."ßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßß" AS RANGE (subtype = text);
-- names of built-in types, and of what stands in the text form
CREATE TYPE record AS (a int);
CREATE TYPE int4 AS (a int);
CREATE TYPE "(" AS (")" int);
CREATE TABLE v (id int GENERATED ALWAYS AS IDENTITY, v stash.variant);
INSERT INTO v (v) SELECT stash.to_variant(x) FROM unnest(enum_range(NULL::"t:,.(""q"") []")) x;
INSERT INTO v (v) VALUES (stash.to_variant(ARRAY['', 'a:b', NULL, 'q"q', 'back\slash']::"t:,.(""q"") []"[])),
	(stash.to_variant(ROW(1, E'x\ny"z\\', ARRAY['']::"t:,.(""q"") []"[], NULL, true)::"Größe 型"."Ünïcödé:")),
	(stash.to_variant(ARRAY[ROW(1, '', NULL, NULL, NULL)::"Größe 型"."Ünïcödé:", NULL])), (stash.to_variant('yes:'::"d[]")), (stash.to_variant(ARRAY['yes:', 'a"b']::"d[]"[])),
	(stash.to_variant(ROW(1)::"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890")), (stash.to_variant('[":)","a,b"]'::"Größe 型"."ßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßß")),
	(stash.to_variant(ROW(1)::"S.p:a [1], ""q""".record)), (stash.to_variant(ROW(1)::"S.p:a [1], ""q""".int4)), (stash.to_variant(ARRAY[ROW(1)::"S.p:a [1], ""q""".int4])),
	(stash.to_variant(NULL::"S.p:a [1], ""q""".int4[])), (stash.to_variant(ROW(1)::"(")), (stash.to_variant(1)),
	(stash.to_variant(E'a:b\nc\\d\t\r"''')), (stash.to_variant(':'::text)), (stash.to_variant('\x'::text)), (stash.to_variant('\xf553'::text)), (stash.to_variant(' '::text)),
	(stash.to_variant('a'::"char")), (stash.to_variant(''::"char")), (stash.to_variant('x:'::name)), (stash.to_variant('ab  '::char(5))), (stash.to_variant('NULL'::text)),
	(stash.to_variant(ARRAY['NULL', NULL, '', '\', '{', '"']));
INSERT INTO v (v) SELECT stash.to_variant(r) FROM (SELECT 1 AS "a b", 'x'::text AS "q""q", 2 AS "A", 3 AS "select", 4 AS "c:d,e(f)[g]", NULL::int AS "ü", 'a:b'::"t:,.(""q"") []" AS ":") r;
SELECT v, stash.typeof(v) FROM v ORDER BY id;
SELECT count(*) AS "of", count(*) FILTER (WHERE stash.identical(stash.variant_out(v)::text::stash.variant, v)) AS same, count(*) FILTER (WHERE stash.variant_out(v)::text LIKE '\\xf5%') AS not_readable FROM v;
-- the type alone is a NULL of it
SELECT count(*) AS "of", count(*) FILTER (WHERE stash.typeof(stash.typeof(v)::stash.variant) = stash.typeof(v) AND (stash.typeof(v)::stash.variant)::text IS NULL) AS same FROM v;
-- inside arrays and rows the text is quoted as theirs is
SELECT count(*) AS "of", count(*) FILTER (WHERE stash.identical((ARRAY[v]::text::stash.variant[])[1], v)) AS same,
	count(*) FILTER (WHERE stash.identical(stash.value(stash.variant_out(stash.to_variant(v))::text::stash.variant, NULL::stash.variant), v)) AS nested FROM v;
-- a search_path changes neither what is written nor what it means
CREATE TABLE texts AS SELECT id, stash.variant_out(v)::text AS text FROM v;
SET search_path = pg_catalog;
SELECT count(*) AS changed FROM "S.p:a [1], ""q""".v JOIN "S.p:a [1], ""q""".texts USING (id) WHERE stash.variant_out(v)::text <> text OR NOT stash.identical(text::stash.variant, v);
SET search_path = "S.p:a [1], ""q""", public;
SELECT 'int4:1'::stash.variant AS built_in, stash.typeof('record') AS record, '"Größe 型"."Ünïcödé:"'::stash.variant AS quoted, 'stash.variant[]:{int4:1,"text:a b"}'::stash.variant AS variants;

-- value: any type, domains as such, polymorphic
SELECT stash.value(stash.to_variant('a'::"d[]"), NULL::"d[]") AS domain, pg_typeof(stash.value(stash.to_variant('a'::"d[]"), NULL::"d[]")) AS type,
	stash.value(stash.to_variant(ROW(1, 2)), NULL::record) AS record, stash.value(stash.to_variant(stash.to_variant(1)), NULL::stash.variant) AS variant, stash.value(NULL, NULL::int) IS NULL AS "null";
CREATE FUNCTION kept(x anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT stash.value(stash.to_variant($1), $1)';
CREATE FUNCTION kept_too(x anyelement) RETURNS anyelement LANGUAGE plpgsql AS 'DECLARE v stash.variant := stash.to_variant(x); BEGIN RETURN stash.value(v, x); END';
SELECT kept(1), kept('a'::text), kept('a'::"d[]"), kept(ARRAY[1]), kept(ROW(1, 'x'::text)::record), kept(NULL::int), kept_too(1), kept_too('a'::"d[]"), kept_too(ARRAY['a:b'::"t:,.(""q"") []"]);
SELECT stash.to_variant(NULL) AS unknown_null, stash.typeof(stash.to_variant('x')) AS unknown, stash.typeof(NULL) IS NULL AS "null";
SELECT stash.value(stash.to_variant('a'::"d[]"), NULL::text);
\echo :SQLSTATE
SELECT stash.value(stash.to_variant('a'::text), NULL::"d[]");
\echo :SQLSTATE
SELECT stash.value(stash.to_variant(1), NULL);
\echo :SQLSTATE

-- what is wrong, and what to do
\set VERBOSITY default
SELECT stash.value(stash.to_variant('a'::"d[]"), NULL::text);
SELECT 'record:(1)'::stash.variant;
SELECT '(a record):((1))'::stash.variant;
SELECT 'nosuch."Type":1'::stash.variant;
SELECT 'größe.x:1'::stash.variant;
SELECT 'a.b.c:1'::stash.variant;
SELECT 'numeric(5,2):1'::stash.variant;
SELECT ' int4:1'::stash.variant;
SELECT '"":1'::stash.variant;
SELECT 'anyarray:1'::stash.variant;
\set VERBOSITY terse

SET client_min_messages = warning;
DROP SCHEMA "S.p:a [1], ""q""", "Größe 型" CASCADE;
