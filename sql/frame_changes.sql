-- What doc/frame.md says under "When types change", row by row: by a frame, a variant, a stash and a memo.
\set VERBOSITY terse
CREATE SCHEMA frame_changes;
CREATE SCHEMA elsewhere;
SET search_path = frame_changes, public;
SELECT stash.create('kept');
-- of each case the type, the text of its value and of what its memo gives later, and the change
CREATE TABLE changes (name text PRIMARY KEY, made text, type text, value text, change text, later text, frame bytea, variant stash.variant);
INSERT INTO changes VALUES
	('column added', 'CREATE TYPE %s AS (a int, b text)', NULL, '(1,x)', 'ALTER TYPE %s ADD ATTRIBUTE c int', '(1,x,2)'),
	('column dropped', 'CREATE TYPE %s AS (a int, b text)', NULL, '(1,x)', 'ALTER TYPE %s DROP ATTRIBUTE a', '(x)'),
	('column renamed', 'CREATE TYPE %s AS (a int, b text)', NULL, '(1,x)', 'ALTER TYPE %s RENAME ATTRIBUTE a TO c', '(1,x)'),
	('columns change names', 'CREATE TYPE %s AS (a int, b int)', NULL, '(1,2)',
		'ALTER TYPE %1$s RENAME ATTRIBUTE a TO c; ALTER TYPE %1$s RENAME ATTRIBUTE b TO a; ALTER TYPE %1$s RENAME ATTRIBUTE c TO b', '(1,2)'),
	('column of another type', 'CREATE TYPE %s AS (a int, b text)', NULL, '(1,x)', 'ALTER TYPE %s ALTER ATTRIBUTE a TYPE int8', '(1,x)'),
	('column of another modifier', 'CREATE TYPE %s AS (a varchar(3), b numeric(4,1))', NULL, '(abc,1.5)', 'ALTER TYPE %1$s ALTER ATTRIBUTE a TYPE varchar(5), ALTER ATTRIBUTE b TYPE numeric', '(abc,1.5)'),
	('column of a smaller scale', 'CREATE TYPE %s AS (a numeric(5,3))', NULL, '(1.234)', 'ALTER TYPE %1$s ALTER ATTRIBUTE a TYPE numeric(5,1)', '(1.2)'),
	('column of a shorter modifier', 'CREATE TYPE %s AS (a varchar(3))', NULL, '(abc)', 'ALTER TYPE %1$s ALTER ATTRIBUTE a TYPE varchar(2)', '(ab)'),
	('column added to a row within', 'CREATE TYPE inner_row AS (a int); CREATE TYPE %s AS (n int, r inner_row[])', NULL, '(1,"{(2),NULL}")', 'ALTER TYPE inner_row ADD ATTRIBUTE b int', '(1,"{""(2,3)"",NULL}")'),
	('column added to a row of an array', 'CREATE TYPE %s AS (a int)', '%s[]', '{(1)}', 'ALTER TYPE %s ADD ATTRIBUTE b int', '{"(1,2)"}'),
	('column added to the row of a null', 'CREATE TYPE %s AS (a int)', NULL, NULL, 'ALTER TYPE %s ADD ATTRIBUTE b int', NULL),
	('column added to a table', 'CREATE TABLE %s (a int)', NULL, '(1)', 'ALTER TABLE %s ADD COLUMN b int DEFAULT 7', '(1,2)'),
	('table: default and collation', 'CREATE TABLE %s (a int, b text)', NULL, '(1,x)', 'ALTER TABLE %1$s ALTER a SET DEFAULT 7, ALTER b TYPE text COLLATE "C"', '(1,x)'),
	('row made again', 'CREATE TYPE %s AS (a int, b text)', NULL, '(1,x)', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s AS (a int, b text)', '(1,x)'),
	('row made again, as a table', 'CREATE TYPE %s AS (a int, b text)', NULL, '(1,x)', 'DROP TYPE %1$s CASCADE; CREATE TABLE %1$s (a int, b text)', '(1,x)'),
	('row made again, in other order', 'CREATE TYPE %s AS (a int, b int)', NULL, '(1,2)', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s AS (b int, a int)', '(1,2)'),
	('row made again, as a domain', 'CREATE TYPE %s AS (a int)', NULL, '(1)', 'DROP TYPE %1$s CASCADE; CREATE DOMAIN %1$s AS int', '1'),
	('row renamed', 'CREATE TYPE %s AS (a int)', NULL, '(1)', 'ALTER TYPE %s RENAME TO %2$s', '(1)'),
	('row moved', 'CREATE TYPE %s AS (a int)', NULL, '(1)', 'ALTER TYPE %s SET SCHEMA elsewhere', '(1)'),
	('row dropped', 'CREATE TYPE %s AS (a int)', NULL, '(1)', 'DROP TYPE %s CASCADE', NULL),
	('enum: label added and moved', 'CREATE TYPE %s AS ENUM (''a'', ''b'')', NULL, 'b', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s AS ENUM (''b'', ''c'', ''a'')', 'b'),
	('enum: label added', 'CREATE TYPE %s AS ENUM (''a'', ''b'')', NULL, 'b', 'ALTER TYPE %s ADD VALUE ''c'' BEFORE ''b''', 'b'),
	('enum: label renamed', 'CREATE TYPE %s AS ENUM (''a'', ''b'')', NULL, 'b', 'ALTER TYPE %s RENAME VALUE ''b'' TO ''c''', 'c'),
	('enum: labels change names', 'CREATE TYPE %s AS ENUM (''a'', ''b'')', NULL, 'b',
		'ALTER TYPE %1$s RENAME VALUE ''a'' TO ''c''; ALTER TYPE %1$s RENAME VALUE ''b'' TO ''a''; ALTER TYPE %1$s RENAME VALUE ''c'' TO ''b''', 'a'),
	('enum: label missing', 'CREATE TYPE %s AS ENUM (''a'', ''b'')', '%s[]', '{a,b}', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s AS ENUM (''a'')', '{a}'),
	('enum renamed', 'CREATE TYPE %s AS ENUM (''a'')', NULL, 'a', 'ALTER TYPE %s RENAME TO %2$s', 'a'),
	('enum dropped', 'CREATE TYPE %s AS ENUM (''a'')', NULL, 'a', 'DROP TYPE %s CASCADE', NULL),
	('enum made again, as a row', 'CREATE TYPE %s AS ENUM (''a'')', NULL, 'a', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s AS (a text)', '(a)'),
	('domain: condition added, and held', 'CREATE DOMAIN %s AS int CHECK (value > 0)', NULL, '5', 'ALTER DOMAIN %s ADD CHECK (value < 9)', '5'),
	('domain: condition added', 'CREATE DOMAIN %s AS int CHECK (value > 0)', NULL, '5', 'ALTER DOMAIN %s ADD CHECK (value > 9)', '10'),
	('domain: NOT NULL', 'CREATE DOMAIN %s AS int', NULL, NULL, 'ALTER DOMAIN %s SET NOT NULL', '1'),
	('domain: condition added, of an element', 'CREATE DOMAIN %s AS int', '%s[]', '{5,NULL}', 'ALTER DOMAIN %s ADD CHECK (value > 9)', '{10}'),
	('domain made again', 'CREATE DOMAIN %s AS int', NULL, '5', 'DROP DOMAIN %1$s CASCADE; CREATE DOMAIN %1$s AS int CHECK (value > 0)', '5'),
	('domain made again, over another type', 'CREATE DOMAIN %s AS int', NULL, '5', 'DROP DOMAIN %1$s CASCADE; CREATE DOMAIN %1$s AS int8', '5'),
	('domain moved', 'CREATE DOMAIN %s AS int', NULL, '5', 'ALTER DOMAIN %s SET SCHEMA elsewhere', '5'),
	('range made again', 'CREATE TYPE %s AS RANGE (subtype = text, collation = "C")', NULL, '[a,b)', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s AS RANGE (subtype = text, collation = "C")', '[a,b)'),
	('range made again, of another type', 'CREATE TYPE %s AS RANGE (subtype = text)', NULL, '[1,2)', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s AS RANGE (subtype = float8)', '[1,2)'),
	('range dropped', 'CREATE TYPE %s AS RANGE (subtype = float8)', NULL, '[1,2)', 'DROP TYPE %s CASCADE', NULL),
	('base type made again', 'CREATE TYPE %s; SELECT make_base(%1$L, ''text'', ''text'')', NULL, '12', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s; SELECT make_base(%1$L, ''text'', ''text'')', '12'),
	('base type with text alone', 'CREATE TYPE %s; SELECT make_base(%1$L, ''int4'', ''int4'', false)', NULL, '12', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s; SELECT make_base(%1$L, ''text'', ''text'', false)', '12'),
	('base type with a stricter input', 'CREATE TYPE %s; SELECT make_base(%1$L, ''text'', ''text'', false)', NULL, 'x', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s; SELECT make_base(%1$L, ''int4'', ''int4'', false)', '12'),
	('base type with a stricter receive', 'CREATE TYPE %s; SELECT make_base(%1$L, ''text'', ''text'')', NULL, 'xyz', 'DROP TYPE %1$s CASCADE; CREATE TYPE %1$s; SELECT make_base(%1$L, ''int4'', ''int4'')', '12'),
	('regclass: table renamed', 'CREATE TABLE %s ()', 'regclass', '%s', 'ALTER TABLE %1$s RENAME TO %2$s', 'pg_class'),
	('regclass: table dropped', 'CREATE TABLE %s ()', 'regclass', '%s', 'DROP TABLE %s', 'pg_class'),
	('regtype: type dropped', 'CREATE DOMAIN %s AS int', 'regtype', '%s', 'DROP DOMAIN %s', '-'),
	('regproc: function dropped', 'CREATE FUNCTION %s() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'regproc', '%s', 'DROP FUNCTION %s()', '-'),
	('regprocedure: function dropped', 'CREATE FUNCTION %s() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'regprocedure', '%s()', 'DROP FUNCTION %s()', '-'),
	('regoperator: operator dropped', 'CREATE OPERATOR frame_changes.<+> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)', 'regoperator', 'frame_changes.<+>(int,int)', 'DROP OPERATOR frame_changes.<+> (int, int)', '0'),
	('regoper: operator dropped', 'CREATE OPERATOR frame_changes.<-> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mi)', 'regoper', 'frame_changes.<->', 'DROP OPERATOR frame_changes.<-> (int, int)', '0'),
	('regrole: role dropped', 'CREATE ROLE regress_stash_changes', 'regrole', 'regress_stash_changes', 'DROP ROLE regress_stash_changes', '-'),
	('aclitem: role dropped', 'CREATE ROLE regress_stash_grantor; CREATE ROLE regress_stash_grantee', 'aclitem', 'regress_stash_grantee=r/regress_stash_grantor', 'DROP ROLE regress_stash_grantee', 'regress_stash_grantor=r/regress_stash_grantor'),
	('regnamespace: schema dropped', 'CREATE SCHEMA regress_stash_schema', 'regnamespace', 'regress_stash_schema', 'DROP SCHEMA regress_stash_schema', '-'),
	('regcollation: collation dropped', 'CREATE COLLATION %s FROM "C"', 'regcollation', '%s', 'DROP COLLATION %s', '-'),
	('regconfig: configuration dropped', 'CREATE TEXT SEARCH CONFIGURATION %s (COPY = simple)', 'regconfig', '%s', 'DROP TEXT SEARCH CONFIGURATION %s', '-'),
	('regdictionary: dictionary dropped', 'CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = simple)', 'regdictionary', '%s', 'DROP TEXT SEARCH DICTIONARY %s', '-');
-- a type that behaves like another one, with binary input and output or without
CREATE FUNCTION make_base(name text, like_in text, like_out text, is_sent bool DEFAULT true) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE FUNCTION %1$s_in(cstring) RETURNS %1$s IMMUTABLE STRICT LANGUAGE internal AS ''%2$sin''', name, like_in);
	EXECUTE format('CREATE FUNCTION %1$s_out(%1$s) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS ''%2$sout''', name, like_out);
	EXECUTE format('CREATE FUNCTION %1$s_recv(internal) RETURNS %1$s IMMUTABLE STRICT LANGUAGE internal AS ''%2$srecv''', name, like_in);
	EXECUTE format('CREATE FUNCTION %1$s_send(%1$s) RETURNS bytea IMMUTABLE STRICT LANGUAGE internal AS ''%2$ssend''', name, like_out);
	EXECUTE format('CREATE TYPE %1$s (INPUT = %1$s_in, OUTPUT = %1$s_out, LIKE = %2$s%3$s)', name, like_in,
		CASE WHEN is_sent THEN format(', RECEIVE = %1$s_recv, SEND = %1$s_send', name) ELSE '' END);
END $$;
-- what stands for %s: a name that sorts like the case
ALTER TABLE changes ADD object text, ADD typid oid;
UPDATE changes SET object = o.object, made = format(made, o.object), value = format(value, o.object), later = format(later, o.object),
	change = format(change, o.object, o.object || '_new'), type = format(coalesce(type, '%s'), o.object)
FROM (SELECT name, 'o' || row_number() OVER (ORDER BY name COLLATE "C") AS object FROM changes) AS o WHERE o.name = changes.name;

-- a function that gives the value that its case has by now
CREATE FUNCTION make_memo(object text, type text, follows_name bool) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE FUNCTION f_%1$s(n int) RETURNS %2$s IMMUTABLE LANGUAGE sql ' || CASE WHEN follows_name THEN 'BEGIN ATOMIC %3$s; END' ELSE 'AS %3$L' END,
		object, type, format('SELECT (SELECT value FROM frame_changes.changes WHERE object = %1$L)::%2$s', object, type));
	PERFORM stash.memoize(format('f_%s(int)', object)::regprocedure);
END $$;
-- the first column of a query's row, or what it fails with
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE query INTO answer;
	RETURN coalesce(answer, 'NULL');
EXCEPTION WHEN OTHERS THEN
	RETURN 'error ' || SQLSTATE;
END $$;
-- what a memo answers, and whether it knew that
CREATE FUNCTION call(object text, n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	verdict text := answer(format('SELECT value FROM stash.explain(%L, %s) WHERE item = ''verdict''', format('f_%s(int)', object), n));
	-- what was dropped is a number
	answer text := regexp_replace(answer(format('SELECT f_%s(%s)::text', object, n)), '^[1-9]\d{4,}', 'OID');
BEGIN
	RETURN answer || CASE WHEN answer ~ '^error ' THEN '' WHEN verdict = 'hit' THEN ', known' ELSE ', computed' END;
END $$;

SET client_min_messages = warning;
DO $$
DECLARE
	c changes;
BEGIN
	FOR c IN SELECT * FROM changes ORDER BY name LOOP
		EXECUTE c.made;
		EXECUTE format('UPDATE changes SET typid = %2$L::regtype, frame = stash.serialize(value::%2$s), variant = stash.to_variant(value::%2$s) WHERE name = %1$L', c.name, c.type);
		EXECUTE format('SELECT stash.put(''kept'', %1$L, value::%2$s) FROM changes WHERE name = %1$L', c.name, c.type);
		PERFORM make_memo(c.object, c.type, c.change ~ 'RENAME TO|SET SCHEMA');
	END LOOP;
END $$;
SELECT name FROM changes WHERE call(object, 1) NOT LIKE '%, computed' OR call(object, 2) NOT LIKE '%, computed';
SELECT name FROM changes WHERE call(object, 1) NOT LIKE '%, known' OR call(object, 2) NOT LIKE '%, known';

DO $$
DECLARE
	c changes;
BEGIN
	FOR c IN SELECT * FROM changes ORDER BY name LOOP
		EXECUTE c.change;
		UPDATE changes SET value = later, type = coalesce((SELECT format_type(oid, NULL) FROM pg_type WHERE oid = typid), to_regtype(type)::text) WHERE name = c.name RETURNING type INTO c.type;
		-- the function was dropped with its type
		IF to_regprocedure(format('f_%s(int)', c.object)) IS NULL AND c.type IS NOT NULL THEN
			PERFORM make_memo(c.object, c.type, c.change ~ 'RENAME TO|SET SCHEMA');
		END IF;
	END LOOP;
END $$;
RESET client_min_messages;

SELECT name, answer(format('SELECT stash.deserialize(frame, %L::%s)::text FROM changes WHERE name = %L', value, coalesce(type, 'int'), name)) AS frame,
	answer(format('SELECT stash.value(variant, %L::%s)::text FROM changes WHERE name = %L', value, coalesce(type, 'int'), name)) AS variant,
	answer(format('SELECT stash.get(''kept'', %L, %L::%s)::text', name, value, coalesce(type, 'int'))) AS get,
	answer(format('SELECT stash.identical(variant, stash.variant_out(variant)::text::stash.variant) FROM changes WHERE name = %L', name)) AS text
FROM changes ORDER BY name COLLATE "C";
-- a memo, from the memory of its session, which has values as the server has them: of what was dropped the OID
SELECT name, call(object, 1) AS first, call(object, 1) AS second FROM changes ORDER BY name COLLATE "C";
-- and from its stash
\c -
\set VERBOSITY terse
SET pg_hashstash.shared_cache = off;
SET search_path = frame_changes, public;
SELECT name, call(object, 2) AS first, call(object, 2) AS second FROM changes ORDER BY name COLLATE "C";

SET client_min_messages = warning;
DROP SCHEMA frame_changes, elsewhere CASCADE;
DROP ROLE regress_stash_grantor;
