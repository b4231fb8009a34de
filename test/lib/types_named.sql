-- More values for table sample of types.sql, which this comes after: names of what is made here, which has other OIDs in
-- another cluster. Makes roles, so it is for clusters that are thrown away.
CREATE FUNCTION made.sum(a made.mood, b made.pair) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE OPERATOR made.<+> (LEFTARG = made.mood, RIGHTARG = made.pair, FUNCTION = made.sum);
CREATE TABLE made."Odd table" (a int);
CREATE COLLATION made.ours FROM "C";
CREATE TEXT SEARCH CONFIGURATION made.words (COPY = simple);
CREATE TEXT SEARCH DICTIONARY made.words (TEMPLATE = simple);
UPDATE sample SET literals = literals || more::text[]
FROM (VALUES ('regtype', '{made.mood,made.pair[],made.second}'), ('regprocedure', '{"made.sum(made.mood,made.pair)"}'), ('regproc', '{made.sum}'), ('regoper', '{made.<+>}'),
	('regoperator', '{"made.<+>(made.mood,made.pair)"}'), ('regclass', '{"made.\"Odd table\"",made.pair}'), ('regnamespace', '{made}'), ('regcollation', '{made.ours}'),
	('regconfig', '{made.words}'), ('regdictionary', '{made.words}'), ('aclitem', '{regress_stash_one=r/regress_stash_two}'), ('regrole', '{regress_stash_two}')) x(name, more)
WHERE type = name::regtype;
CREATE ROLE regress_stash_one;
CREATE ROLE regress_stash_two;
