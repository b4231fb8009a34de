-- Options of memoized functions: vary, ignore, hash, min_cost, max_bytes, stash; row security.
-- Functions say when they compute.
CREATE SCHEMA stash_memo_options;
SET search_path = stash_memo_options, public;
\set SHOW_CONTEXT never
CREATE TABLE item (owner text, n int);
INSERT INTO item VALUES ('regress_stash_one', 1), ('regress_stash_two', 2);
SELECT stash.track('item');
CREATE FUNCTION reason(what regprocedure, VARIADIC args text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT value FROM stash.explain(%L%s) WHERE item = ''last answer not kept''', what,
		(SELECT string_agg(format(', %L', a), '') FROM unnest(args) a)) INTO result;
	RETURN result;
END $$;

-- trap 18: custom settings
-- settings: named, they are in the key; not named, nothing is kept, ttl or not
CREATE FUNCTION tenant() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed tenant';
	RETURN current_setting('app.tenant', true);
END $$;
SELECT stash.memoize('tenant()', ttl => '1 hour');
SELECT tenant(), tenant();
SELECT reason('tenant()');
SELECT stash.unmemoize('tenant()'), stash.memoize('tenant()', vary => '{app.tenant,"app.Other"}');
SELECT stash.unmemoize('tenant()'), stash.memoize('tenant()', vary => '{nosuch}');
SELECT tenant(), tenant();
SET app.tenant = 'a';
SELECT tenant(), tenant();
SET app.tenant = 'it''s b';
SELECT tenant(), tenant();
SET app.tenant = 'a';
SELECT tenant();
SET app.Other = 'x';
SELECT tenant(), tenant();
RESET app.Other;
SELECT tenant();
SELECT definition FROM stash.memos WHERE function = 'tenant()'::regprocedure;
SELECT value LIKE '%"app.tenant"=''a''%' AS told FROM stash.explain('tenant()') WHERE item = 'settings in the key';
SELECT stash.unmemoize('tenant()'), stash.memoize('tenant()', vary => '{}');
SELECT tenant(), tenant();
SELECT definition FROM stash.memos WHERE function = 'tenant()'::regprocedure;

-- arguments that do not count
CREATE FUNCTION adds(a int, chatty bool, b int DEFAULT 10) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed adds(%, %, %)', a, chatty, b;
	RETURN a + b;
END $$;
SELECT stash.memoize('adds(int,bool,int)', ignore => '{chatty}');
SELECT adds(1, true), adds(1, false), adds(1, NULL, 10), adds(1, true, 11);
SELECT args FROM stash.calls('adds(int,bool,int)') ORDER BY args::text COLLATE "C";
SELECT stash.forget('adds(int,bool,int)', 1, NULL::bool, 10);
SELECT adds(1, true);
SELECT stash.unmemoize('adds(int,bool,int)');
SELECT stash.memoize('adds(int,bool,int)', ignore => '{nothing}');
\echo :SQLSTATE
SELECT stash.memoize('adds(int,bool,int)', ignore => '{NULL}');
\echo :SQLSTATE

-- long arguments by samples: what lies between them does not count
CREATE FUNCTION size_of(t text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed size_of(% bytes)', length(t);
	RETURN length(t);
END $$;
SELECT stash.memoize('size_of(text)', hash => 'sampled');
SELECT size_of(repeat('x', 1000000)), size_of(repeat('x', 1000000)), size_of(repeat('x', 1000001)), size_of(NULL), size_of(NULL);
SELECT size_of('short'), size_of('short'), size_of('shore');
SELECT args IS NOT NULL AS has_args, result FROM stash.calls('size_of(text)') ORDER BY stash.value(result, NULL::int);
SELECT stash.memoize('adds(int,bool,int)', hash => 'fuzzy');
\echo :SQLSTATE

-- what costs little, or is large, is not kept
CREATE FUNCTION many(n int) RETURNS SETOF int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed many(%)', n;
	RETURN QUERY SELECT generate_series(1, n);
END $$;
SELECT stash.memoize('many(int)', max_bytes => 1000);
SELECT count(*) FROM many(10);
SELECT count(*) FROM many(10);
SELECT count(*) FROM many(1000);
SELECT count(*) FROM many(1000);
SELECT reason('many(int)', '1000');
SELECT stash.unmemoize('many(int)'), stash.memoize('many(int)', min_cost => '1 hour');
SELECT count(*) FROM many(10);
SELECT count(*) FROM many(10);
SELECT reason('many(int)', '10');
SELECT definition FROM stash.memos WHERE function = 'many(int)'::regprocedure;
SELECT stash.memoize('adds(int,bool,int)', min_cost => '-1 s');
\echo :SQLSTATE
SELECT stash.memoize('adds(int,bool,int)', max_bytes => 0);
\echo :SQLSTATE

-- a stash of one's own: two functions may share it, and it stays
CREATE TABLE mine OF stash.entry (key_hash WITH OPTIONS NOT NULL, key WITH OPTIONS NOT NULL);
SELECT stash.memoize('adds(int,bool,int)', stash => 'mine');
\echo :SQLSTATE
CREATE INDEX ON mine (key_hash);
SELECT stash.memoize('adds(int,bool,int)', stash => 'mine'), stash.unmemoize('size_of(text)'), stash.memoize('size_of(text)', stash => 'mine');
SELECT adds(1, true), adds(1, true), size_of('x'), size_of('x');
SELECT count(*), stash.stash_of('adds(int,bool,int)'), stash.stash_of('size_of(text)') FROM mine;
SELECT stash.unmemoize('adds(int,bool,int)'), stash.unmemoize('size_of(text)');
SELECT count(*) FROM mine;

-- trap 5, 6: policies
-- row security: by role and rows alone, or with what is named
CREATE ROLE regress_stash_one;
CREATE ROLE regress_stash_two;
GRANT USAGE ON SCHEMA stash_memo_options TO regress_stash_one, regress_stash_two;
GRANT SELECT ON item TO regress_stash_one, regress_stash_two;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON item USING (owner = current_user);
CREATE FUNCTION visible() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed visible for %', current_user;
	RETURN (SELECT sum(n) FROM item);
END $$;
SELECT stash.memoize('visible()');
SET ROLE regress_stash_one;
SELECT visible(), visible();
SET ROLE regress_stash_two;
SELECT visible(), visible();
RESET ROLE;
SELECT visible(), visible();
CREATE POLICY tenants ON item USING (owner = current_setting('app.tenant', true));
SET app.tenant = 'regress_stash_two';
SET ROLE regress_stash_one;
SELECT visible(), visible();
SELECT reason('visible()');
RESET ROLE;
SELECT stash.unmemoize('visible()'), stash.memoize('visible()', vary => '{app.tenant}');
SET ROLE regress_stash_one;
SELECT visible(), visible();
SET app.tenant = 'nobody';
SELECT visible(), visible();
RESET ROLE;
ALTER POLICY tenants ON item USING (n = 1);
SET ROLE regress_stash_two;
SELECT visible(), visible();
RESET ROLE;
DROP POLICY tenants ON item;
SET ROLE regress_stash_two;
SELECT visible(), visible();
RESET ROLE;
-- shared by all, and yet not
SELECT stash.unmemoize('visible()'), stash.memoize('visible()', share => 'all', vary => '{}');
SELECT visible();
SET ROLE regress_stash_one;
SELECT visible(), visible();
SELECT reason('visible()');
RESET ROLE;
ALTER TABLE item DISABLE ROW LEVEL SECURITY;
SET ROLE regress_stash_one;
SELECT visible(), visible();
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA stash_memo_options CASCADE;
DROP ROLE regress_stash_one, regress_stash_two;
