CREATE SCHEMA export_resume;
SET search_path = export_resume;

-- which exports can be resumed; what is not refused here is written by TAP 065_export_resume
CREATE DOMAIN dict AS json;
CREATE TABLE item (id int, amount numeric, ratio float8, at timestamp, day date, doc json, d dict, tags text[], data bytea, "Big Id" int8);
\set VERBOSITY default
SELECT stash.export_file('TABLE item', '/x.json', resume_key => 'id');
\echo :SQLSTATE
SELECT stash.export_file('TABLE item', '/x.arrow', resume_key => 'id');
SELECT stash.export_file('TABLE item', '/x.jsonl.gz', resume_key => 'id');
SELECT stash.export_file('TABLE item', '/x.jsonl.zst', resume_key => 'id');
SELECT stash.export_file('DELETE FROM item RETURNING id', '/x.jsonl', resume_key => 'id');
\echo :SQLSTATE
SELECT stash.export_file('EXPLAIN TABLE item', '/x.jsonl', resume_key => 'QUERY PLAN');
SELECT stash.export_file('WITH d AS (DELETE FROM item RETURNING id) TABLE d', '/x.jsonl', resume_key => 'id');
SELECT stash.export_file('SELECT id INTO other FROM item', '/x.jsonl', resume_key => 'id');
SELECT stash.export_file('SELECT nosuch FROM item', '/x.jsonl', resume_key => 'id');
SELECT stash.export_file('TABLE item', '/x.jsonl', resume_key => 'nosuch');
\echo :SQLSTATE
SELECT stash.export_file('TABLE item', '/x.jsonl', resume_key => 'ID');
SELECT stash.export_file('TABLE item', '/x.jsonl', resume_key => '');
SELECT stash.export_file('TABLE item', '/x.jsonl', resume_key => '"Big Id"');
SELECT stash.export_file('SELECT id, amount AS id FROM item', '/x.jsonl', resume_key => 'id');
\echo :SQLSTATE
SELECT stash.export_file('TABLE item', '/x.jsonl', resume_key => 'doc');
SELECT stash.export_file('TABLE item', '/x.jsonl', resume_key => 'd');
SELECT stash.export_file('TABLE item', '/x.jsonl', resume_key => 'tags');
\echo :SQLSTATE
SELECT stash.export_file('SELECT item FROM item', '/x.jsonl', resume_key => 'item');

-- by profile: what does not come back as it was
CREATE FUNCTION try(key text, profile text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	-- no regular file: so far come those that can be
	PERFORM stash.export_file('TABLE item', '/dev/null', 'jsonl', resume_key => key, profile => profile);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
SELECT key, string_agg(profile, ' ' ORDER BY profile) FILTER (WHERE try(key, profile) = '"/dev/null" is no regular file') AS profiles
FROM unnest('{id,amount,ratio,at,day,data,"Big Id"}'::text[]) WITH ORDINALITY AS k(key, n), unnest('{default,lossless,javascript,epoch}'::text[]) AS profile
GROUP BY key, n ORDER BY n;
SET extra_float_digits = 0;
SELECT try('ratio', 'default'), try('ratio', 'lossless');
RESET extra_float_digits;

-- rights are those of every export to a file
CREATE ROLE regress_stash_resume;
GRANT USAGE ON SCHEMA export_resume TO regress_stash_resume;
GRANT SELECT (id) ON item TO regress_stash_resume;
SET ROLE regress_stash_resume;
SELECT stash.export_file('SELECT id FROM item', '/x.jsonl', resume_key => 'id');
SELECT stash.export_file('TABLE item', '/x.jsonl', resume_key => 'id');
RESET ROLE;
SELECT stash.export_file('TABLE item', 'x.jsonl', resume_key => 'id');
SELECT stash.export_file('TABLE item', '/nosuch/x.jsonl', resume_key => 'id');
SELECT stash.export_file('TABLE item', '/dev/null', 'jsonl', resume_key => 'id');

SET client_min_messages = warning;
DROP SCHEMA export_resume CASCADE;
DROP ROLE regress_stash_resume;
