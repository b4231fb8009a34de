-- What a frame gives when its type has changed since: the value or an error, never a wrong value.
\set VERBOSITY terse
CREATE SCHEMA frame_change;
CREATE SCHEMA elsewhere;
SET search_path = frame_change, public;
CREATE TYPE pair AS (a int, b text);
CREATE TYPE holder AS (p pair, n int);
CREATE TABLE tab (a int, gone text, b text);
ALTER TABLE tab DROP COLUMN gone;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TYPE words AS RANGE (subtype = text);
CREATE TABLE frames (what text PRIMARY KEY, frame bytea, variant stash.variant);
CREATE FUNCTION keep(what text, value anyelement) RETURNS void LANGUAGE sql AS
	'INSERT INTO frame_change.frames VALUES (what, stash.serialize(value), stash.to_variant(value))';
SELECT keep('pair', ROW(1, 'x')::pair);
SELECT keep('pairs', ARRAY[ROW(1, 'x'), NULL]::pair[]);
SELECT keep('holder', ROW(ROW(1, 'x'), 2)::holder);
SELECT keep('tab', ROW(1, 'x')::tab);
SELECT keep('mood', 'sad'::mood);
SELECT keep('moods', '{ok,sad}'::mood[]);
SELECT keep('positive', 5::positive);
SELECT keep('null positive', NULL::positive);
SELECT keep('words', '[a,b)'::words);
SELECT keep('null pair', NULL::pair);

-- made again with the same parts and other OIDs: the same value
DROP TYPE holder, mood, words;
CREATE TYPE words AS RANGE (subtype = text);
CREATE TYPE mood AS ENUM ('new', 'ok', 'sad');
CREATE TYPE holder AS (p pair, n int);
SELECT what, variant FROM frames ORDER BY what COLLATE "C";
SELECT stash.deserialize(frame, NULL::holder), stash.hash(variant) = stash.hash(stash.to_variant(ROW(ROW(1, 'x'), 2)::holder)) AS same_bytes
FROM frames WHERE what = 'holder';
SELECT stash.deserialize(frame, NULL::mood[]) FROM frames WHERE what = 'moods';

-- a label added or moved: the same; renamed: gone
ALTER TYPE mood ADD VALUE 'bored' BEFORE 'new';
SELECT stash.deserialize(frame, NULL::mood) FROM frames WHERE what = 'mood';
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
SELECT stash.deserialize(frame, NULL::mood) FROM frames WHERE what = 'mood';
\echo :SQLSTATE
SELECT what, variant, stash.typeof(variant) FROM frames WHERE what LIKE 'mood%' ORDER BY what;
-- a dump of that can be restored
CREATE TABLE again (v stash.variant);
INSERT INTO again SELECT stash.variant_out(variant)::text::stash.variant FROM frames WHERE what LIKE 'mood%';
SELECT count(*) FROM again, frames WHERE stash.identical(v, variant);
DROP TABLE again;
SELECT type FROM frames, stash.frame_info(frame) WHERE what = 'mood';
ALTER TYPE mood RENAME VALUE 'blue' TO 'sad';
SELECT variant FROM frames WHERE what = 'mood';

-- a column added, renamed, of another type, dropped; also at depth; and as it was
ALTER TYPE pair ADD ATTRIBUTE c int;
SELECT stash.deserialize(frame, NULL::pair) FROM frames WHERE what = 'pair';
\echo :SQLSTATE
SELECT stash.deserialize(frame, NULL::pair[]) FROM frames WHERE what = 'pairs';
\echo :SQLSTATE
SELECT stash.deserialize(frame, NULL::holder) FROM frames WHERE what = 'holder';
\echo :SQLSTATE
SELECT stash.deserialize(frame, NULL::pair) FROM frames WHERE what = 'null pair';
\echo :SQLSTATE
SELECT what, variant, stash.typeof(variant) FROM frames WHERE what ~ 'pair|holder' ORDER BY what COLLATE "C";
SELECT type IS NULL AS no_type, checksum_ok FROM frames, stash.frame_info(frame) WHERE what = 'pair';
SELECT variant::text FROM frames WHERE what = 'pair';
\echo :SQLSTATE
ALTER TYPE pair DROP ATTRIBUTE c;
SELECT stash.deserialize(frame, NULL::pair) FROM frames WHERE what = 'pair';
ALTER TYPE pair RENAME ATTRIBUTE b TO c;
SELECT stash.deserialize(frame, NULL::pair) FROM frames WHERE what = 'pair';
\echo :SQLSTATE
ALTER TYPE pair RENAME ATTRIBUTE c TO b;
ALTER TYPE pair ALTER ATTRIBUTE b TYPE varchar;
SELECT stash.deserialize(frame, NULL::pair) FROM frames WHERE what = 'pair';
\echo :SQLSTATE
ALTER TYPE pair ALTER ATTRIBUTE b TYPE text;
SELECT stash.deserialize(frame, NULL::pair), variant FROM frames WHERE what = 'pair';
ALTER TABLE tab ALTER b TYPE text COLLATE "C", ALTER a SET DEFAULT 7;
SELECT stash.deserialize(frame, NULL::tab) FROM frames WHERE what = 'tab';

-- a row made before a change is taken where the server takes it, and refused where it does
CREATE TYPE aged AS (a int, b int);
DO $$
DECLARE
	made_before aged[] := ARRAY[ROW(1, 2)::aged];
	outcomes text[];
	expression text;
BEGIN
	ALTER TYPE aged ALTER ATTRIBUTE b TYPE date;
	FOREACH expression IN ARRAY '{$1::text,stash.serialize($1)::text,stash.hash($1)::text}'::text[] LOOP
		BEGIN
			EXECUTE 'SELECT ' || expression USING made_before;
			outcomes := outcomes || 'taken'::text;
		EXCEPTION WHEN OTHERS THEN
			outcomes := outcomes || SQLSTATE;
		END;
	END LOOP;
	ASSERT outcomes[1] = ALL (outcomes), outcomes::text;
END
$$;
DROP TYPE aged;

-- renamed, moved, dropped
ALTER TYPE pair RENAME TO riap;
SELECT stash.deserialize(frame, NULL::riap) FROM frames WHERE what = 'pair';
\echo :SQLSTATE
ALTER TYPE riap RENAME TO pair;
ALTER TYPE pair SET SCHEMA elsewhere;
SELECT stash.deserialize(frame, NULL::elsewhere.pair) FROM frames WHERE what = 'pair';
\echo :SQLSTATE
-- the schema renamed: this session has written its old name
SELECT stash.deserialize(stash.serialize(ROW(1, 'x')::elsewhere.pair), NULL::elsewhere.pair);
ALTER SCHEMA elsewhere RENAME TO nowhere;
SELECT stash.deserialize(stash.serialize(ROW(1, 'x')::nowhere.pair), NULL::nowhere.pair);
SELECT type FROM stash.frame_info(stash.serialize(ROW(1, 'x')::nowhere.pair));
ALTER SCHEMA nowhere RENAME TO elsewhere;
ALTER TYPE elsewhere.pair SET SCHEMA frame_change;
-- of another kind now
DROP TYPE pair CASCADE;
CREATE DOMAIN pair AS int;
SELECT stash.deserialize(frame, NULL::pair) FROM frames WHERE what = 'pair';
\echo :SQLSTATE
DROP DOMAIN pair;
CREATE TYPE pair;
SELECT what, variant, stash.typeof(variant) FROM frames WHERE what ~ 'pair' ORDER BY what COLLATE "C";
SELECT stash.deserialize(frame, 1) FROM frames WHERE what = 'pair';
\echo :SQLSTATE
DROP TYPE pair;
SELECT stash.deserialize(frame, 1) FROM frames WHERE what = 'pair';
\echo :SQLSTATE

-- domains: the condition is asked when a value is read, and not when it is shown
ALTER DOMAIN positive ADD CONSTRAINT large CHECK (value > 9) NOT VALID;
SELECT stash.deserialize(frame, NULL::positive) FROM frames WHERE what = 'positive';
\echo :SQLSTATE
SELECT stash.value(variant, NULL::positive) FROM frames WHERE what = 'positive';
\echo :SQLSTATE
SELECT variant, variant::text AS text, variant::int AS int, variant::jsonb AS jsonb FROM frames WHERE what = 'positive';
ALTER DOMAIN positive DROP CONSTRAINT large;
SELECT stash.deserialize(frame, NULL::positive) FROM frames WHERE what = 'positive';
ALTER DOMAIN positive SET NOT NULL;
SELECT stash.deserialize(frame, 1::positive) IS NULL AS null_is_not_asked FROM frames WHERE what = 'null positive';

-- values that name objects
CREATE TABLE named ();
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE names AS SELECT stash.to_variant('named'::regclass) AS v UNION ALL SELECT stash.to_variant('f'::regproc)
UNION ALL SELECT stash.to_variant('f(int)'::regprocedure) UNION ALL SELECT stash.to_variant('frame_change'::regnamespace);
SELECT v FROM names ORDER BY stash.typeof(v) COLLATE "C";
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 2';
SELECT stash.value(v, 'now'::regproc) = 'f(int)'::regprocedure AS the_right_one FROM names WHERE stash.typeof(v) = 'regproc';
DROP FUNCTION f(int);
DROP TABLE named;
SELECT v FROM names ORDER BY stash.typeof(v) COLLATE "C";
SELECT stash.value(v, 'now'::regproc) FROM names WHERE stash.typeof(v) = 'regproc';
\echo :SQLSTATE
SELECT stash.value(v, 'pg_class'::regclass) FROM names WHERE stash.typeof(v) = 'regclass';
\echo :SQLSTATE

-- what is shown can be read back, here and where the type is not known
SELECT count(*) AS of, count(*) FILTER (WHERE stash.identical(stash.variant_out(variant)::text::stash.variant, variant)) AS back
FROM frames WHERE what <> 'null positive';

DROP SCHEMA elsewhere CASCADE;
DROP SCHEMA frame_change CASCADE;
