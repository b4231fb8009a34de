-- What the extension brings, and the rules that every object of it keeps.
-- Runs last, in a database of its own, so that leftovers of other tests do not matter.
-- After a wanted change: bash test/run.sh --accept regress install
\set home :DBNAME
CREATE DATABASE regress_stash_install TEMPLATE template0;
\c regress_stash_install
CREATE EXTENSION pg_hashstash;
-- without alignment, one new name changes one line
\pset format unaligned
\pset tuples_only on

CREATE TEMP VIEW owned AS
SELECT d.classid, d.objid,
	pg_describe_object(d.classid, d.objid, 0) COLLATE "C" AS object,
	(pg_identify_object(d.classid, d.objid, 0)).schema AS schema,
	obj_description(d.objid, d.classid::regclass::name) AS comment,
	-- what the owner has differs between the majors
	(SELECT array_agg(replace(a::text, current_user, 'owner') ORDER BY a::text COLLATE "C")
		FROM unnest(coalesce(p.proacl, c.relacl, n.nspacl, t.typacl, l.lanacl)) a
		WHERE a::text NOT LIKE current_user || '=%') AS acl
FROM pg_depend d
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_namespace n ON d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
LEFT JOIN pg_language l ON d.classid = 'pg_language'::regclass AND l.oid = d.objid
WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
	-- array types and the row types of views, which the server makes by itself, are members from 17 on
	AND (t.oid IS NULL OR t.typcategory <> 'A'
		AND (t.typrelid = 0 OR (SELECT relkind FROM pg_class r WHERE r.oid = t.typrelid) = 'c'))
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_hashstash');

CREATE TEMP VIEW owned_function AS
SELECT o.object, p.*
FROM owned o
JOIN pg_proc p ON o.classid = 'pg_proc'::regclass AND o.objid = p.oid;

-- functions that the server calls, not the user
CREATE TEMP VIEW plumbing AS
SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typsubscript])::oid AS oid
FROM pg_type
UNION SELECT unnest(ARRAY[oprcode, oprrest, oprjoin]) FROM pg_operator
UNION SELECT amproc FROM pg_amproc
UNION SELECT castfunc FROM pg_cast
UNION SELECT unnest(ARRAY[lanplcallfoid, laninline, lanvalidator]) FROM pg_language
UNION SELECT prosupport FROM pg_proc
UNION SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn,
	aggminvtransfn, aggmfinalfn]) FROM pg_aggregate;

-- the public face
SELECT object FROM owned ORDER BY 1;

-- without a comment: none
SELECT object FROM owned WHERE comment IS NULL ORDER BY 1;

-- comments that end in a full stop or begin with a capital word: none
SELECT object, comment FROM owned WHERE comment ~ '\.$|^[A-Z][a-z]' ORDER BY 1;

-- outside schema stash, apart from what has no schema: none
SELECT object FROM owned WHERE schema <> 'stash' ORDER BY 1;

-- functions with unnamed arguments: none
SELECT object FROM owned_function
WHERE pronargs > 0 AND (proargnames IS NULL OR '' = ANY (proargnames))
	AND oid NOT IN (SELECT oid FROM plumbing)
ORDER BY 1;

-- trap 15: search_path of our own functions
-- functions that any schema in front of ours could mislead: none
SELECT object FROM owned_function
WHERE prolang IN (SELECT oid FROM pg_language WHERE lanname IN ('sql', 'plpgsql'))
	AND prosqlbody IS NULL
	AND NOT EXISTS (SELECT FROM unnest(proconfig) setting WHERE setting LIKE 'search\_path=%')
ORDER BY 1;

-- functions with the rights of their owner
SELECT object FROM owned_function WHERE prosecdef ORDER BY 1;

-- volatile functions
SELECT object FROM owned_function WHERE provolatile = 'v' ORDER BY 1;

-- functions that parallel workers may not run
SELECT object, CASE proparallel WHEN 'r' THEN 'restricted' ELSE 'unsafe' END
FROM owned_function WHERE proparallel <> 's' ORDER BY 1;

-- rights that differ from the default
SELECT object, acl FROM owned WHERE acl IS NOT NULL ORDER BY 1;

-- left behind when the extension goes: none
CREATE TEMP TABLE first AS SELECT object, schema, comment, acl FROM owned;
DROP EXTENSION pg_hashstash;
SELECT nspname FROM pg_namespace WHERE nspname = 'stash'
UNION ALL
SELECT lanname FROM pg_language WHERE lanname = 'stash'
UNION ALL
SELECT evtname FROM pg_event_trigger;

-- different when it comes again: none
CREATE EXTENSION pg_hashstash;
SELECT 'only the first time', * FROM (SELECT * FROM first EXCEPT SELECT object, schema, comment, acl FROM owned) f
UNION ALL
SELECT 'only the second time', * FROM (SELECT object, schema, comment, acl FROM owned EXCEPT SELECT * FROM first) s
ORDER BY 2;

\c :home
DROP DATABASE regress_stash_install;
