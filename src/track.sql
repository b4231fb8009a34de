-- changes of tracked tables: one row for each transaction and table, and rows that are written over; no rights for anybody
CREATE TABLE stash.change (
	relation  regclass NOT NULL,
	place     xid8 NOT NULL,
	xid       xid8 NOT NULL,
	is_pruned bool NOT NULL DEFAULT false,
	system    int8 NOT NULL
) USING heap WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.5);
CREATE INDEX change_relation_place ON stash.change (relation, place);
-- a publication of all tables publishes this one, too, and updates of it
ALTER TABLE stash.change REPLICA IDENTITY FULL;
COMMENT ON TABLE stash.change IS 'transactions that changed tracked tables';
COMMENT ON COLUMN stash.change.relation IS 'topmost table of the tree of partitions or heirs; 0: any may have changed, or what queries mean';
COMMENT ON COLUMN stash.change.place IS 'that transaction; beyond all of them for a row that sessions write over';
COMMENT ON COLUMN stash.change.xid IS 'transaction that changed it';
COMMENT ON COLUMN stash.change.is_pruned IS 'stands for all changes before it, too';
COMMENT ON COLUMN stash.change.system IS 'identifier of the server on which it happened';

-- we write it as the server does its catalogs, without triggers; others who take rows away have forgotten something
CREATE FUNCTION stash.note_lost()
	RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_hashstash_note_lost'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.note_lost() IS 'trigger of stash.change: anything may have changed where notes were taken away';
CREATE TRIGGER note_lost AFTER UPDATE OR DELETE OR TRUNCATE ON stash.change
	FOR EACH STATEMENT EXECUTE FUNCTION stash.note_lost();
ALTER TABLE stash.change ENABLE ALWAYS TRIGGER note_lost;
COMMENT ON TRIGGER note_lost ON stash.change IS 'anything may have changed where notes were taken away';

CREATE FUNCTION stash.note_change()
	RETURNS trigger
	AS 'MODULE_PATHNAME', 'pg_hashstash_note_change'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.note_change() IS 'trigger of stash.track(): notes that a transaction changes the table';

CREATE FUNCTION stash.track(rel regclass)
	RETURNS int4
	AS 'MODULE_PATHNAME', 'pg_hashstash_track'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.track(regclass)
	IS 'note changes of a table of yours and of its partitions or heirs, so that memoized functions over it stay right; returns how many tables got triggers';

CREATE FUNCTION stash.untrack(rel regclass)
	RETURNS int4
	AS 'MODULE_PATHNAME', 'pg_hashstash_untrack'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.untrack(regclass)
	IS 'note changes of a table no longer; returns how many tables lost triggers';

CREATE FUNCTION stash.track_problem(rel regclass)
	RETURNS text
	AS 'MODULE_PATHNAME', 'pg_hashstash_track_problem'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.track_problem(regclass)
	IS 'why changes of a table are not known; NULL where they are';

CREATE FUNCTION stash.prune_changes()
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_prune_changes'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.prune_changes()
	IS 'delete notes of changes that later ones make needless; returns how many';

CREATE VIEW stash.tracked AS
SELECT t.relation, stash.track_problem(t.relation) AS problem
FROM (SELECT DISTINCT tgrelid::pg_catalog.regclass AS relation
	  FROM pg_catalog.pg_trigger
	  WHERE tgfoid OPERATOR(pg_catalog.=) 'stash.note_change()'::pg_catalog.regprocedure
		AND tgparentid OPERATOR(pg_catalog.=) 0) AS t;
COMMENT ON VIEW stash.tracked IS 'tables whose changes are noted';
COMMENT ON COLUMN stash.tracked.problem IS 'why they are not all known; NULL where they are';
GRANT SELECT ON stash.tracked TO PUBLIC;

-- while a subscription feeds tables no statement trigger fires; and what a query means by an operator, a cast or a type is
-- written nowhere: with each change of one, anything may have changed
CREATE FUNCTION stash.note_definition()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'pg_hashstash_note_definition'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.note_definition() IS 'event trigger: notes that something was made, changed or dropped on which any answer may depend';
CREATE EVENT TRIGGER stash_note_definition ON ddl_command_end
	WHEN TAG IN ('CREATE SUBSCRIPTION', 'ALTER SUBSCRIPTION', 'DROP SUBSCRIPTION',
		'CREATE OPERATOR', 'ALTER OPERATOR', 'DROP OPERATOR', 'CREATE CAST', 'DROP CAST',
		'CREATE OPERATOR CLASS', 'ALTER OPERATOR CLASS', 'DROP OPERATOR CLASS',
		'CREATE OPERATOR FAMILY', 'ALTER OPERATOR FAMILY', 'DROP OPERATOR FAMILY',
		'CREATE TYPE', 'ALTER TYPE', 'DROP TYPE', 'CREATE DOMAIN', 'ALTER DOMAIN', 'DROP DOMAIN',
		'CREATE TEXT SEARCH CONFIGURATION', 'ALTER TEXT SEARCH CONFIGURATION', 'DROP TEXT SEARCH CONFIGURATION',
		-- one may be meant where a column or a type is named, or be what the others are made of
		'CREATE FUNCTION', 'ALTER FUNCTION', 'DROP FUNCTION', 'CREATE AGGREGATE', 'ALTER AGGREGATE', 'DROP AGGREGATE',
		'ALTER ROUTINE', 'DROP ROUTINE', 'DROP LANGUAGE',
		'CREATE TEXT SEARCH PARSER', 'ALTER TEXT SEARCH PARSER', 'DROP TEXT SEARCH PARSER',
		'CREATE TEXT SEARCH TEMPLATE', 'ALTER TEXT SEARCH TEMPLATE', 'DROP TEXT SEARCH TEMPLATE',
		'CREATE TEXT SEARCH DICTIONARY', 'ALTER TEXT SEARCH DICTIONARY', 'DROP TEXT SEARCH DICTIONARY',
		'CREATE COLLATION', 'ALTER COLLATION', 'DROP COLLATION', 'CREATE CONVERSION', 'ALTER CONVERSION', 'DROP CONVERSION',
		-- each relation has a row type, which may be found in another's place
		'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW', 'CREATE FOREIGN TABLE',
		'IMPORT FOREIGN SCHEMA', 'CREATE SCHEMA', 'ALTER TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
		'DROP TABLE', 'DROP VIEW', 'DROP MATERIALIZED VIEW', 'DROP FOREIGN TABLE',
		-- these move, drop or open what is in a schema, without a command for each
		'ALTER SCHEMA', 'DROP SCHEMA', 'GRANT', 'REVOKE', 'ALTER EXTENSION', 'DROP EXTENSION', 'DROP OWNED')
	EXECUTE FUNCTION stash.note_definition();
ALTER EVENT TRIGGER stash_note_definition ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER stash_note_definition IS 'notes that something was made, changed or dropped on which any answer may depend';
