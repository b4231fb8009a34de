-- Values that a strategy takes for one are one key of a stash and of a memoized function.
\set VERBOSITY terse
CREATE SCHEMA hash_strategy_key;
SET search_path = hash_strategy_key, public;
CREATE DOMAIN email AS text CHECK (value LIKE '%@%');
CREATE FUNCTION email_hash(value text) RETURNS uuid IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql RETURN stash.hash(lower(value));
CREATE TYPE answer AS ENUM ('yes', 'aye', 'no');
CREATE FUNCTION answer_hash(value answer) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql
	RETURN CASE value WHEN 'no' THEN '00000000-0000-0000-0000-000000000000' ELSE '00000000-0000-0000-0000-000000000001' END::uuid;
SELECT stash.register_hash('email', 'email_hash(text)'), stash.register_hash('answer', 'answer_hash(answer)');

-- in a stash values of one digest are one key, which keeps its first spelling
SELECT stash.create('mail');
SELECT stash.put('mail', 'Ann@X'::email, 1), stash.put('mail', 'Bob@X'::email, 2);
SELECT stash.put('mail', 'ANN@x'::email, 3) AS version;
SELECT stash.get('mail', 'ann@X'::email), stash.has('mail', 'BOB@x'::email), stash.has('mail', 'eve@x'::email), stash.has('mail', 'Ann@X'::text);
SELECT key, value, version FROM mail ORDER BY value::int;
SELECT stash.remove('mail', 'bob@x'::email), stash.count('mail');
SELECT stash.put('mail', ROW(1, ROW('A@x'::email)), 'record'), stash.put('mail', ROW(1, ROW('a@x'::email)), 'again');
SELECT stash.get('mail', ROW(1, ROW('A@X'::email)));
SELECT stash.put('mail', 'yes'::answer, 'enum'), stash.put('mail', 'aye'::answer, 'again');
-- where the executor finds them
CREATE TABLE parted OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT stash.put('parted', 'Ann@X'::email, 1), stash.put('parted', 'ann@x'::email, 2);
SELECT stash.get('parted', 'ANN@X'::email), stash.remove('parted', 'aNN@X'::email);
SELECT stash.same_key(a, b), stash.identical(a, b) FROM (VALUES
	(stash.to_variant('A@x'::email), stash.to_variant('a@X'::email)), (stash.to_variant('A@x'::email), stash.to_variant('b@X'::email)),
	(stash.to_variant('a@x'::email), stash.to_variant('a@x'::email)), (stash.to_variant('a@x'::email), stash.to_variant('a@x'::text)),
	(stash.to_variant('A@x'::text), stash.to_variant('a@X'::text)), (stash.to_variant('A@x'::email), stash.to_variant(NULL::email)),
	(stash.to_variant(NULL::email), stash.to_variant(NULL::email)), (stash.to_variant(1.0), stash.to_variant(1.00))) x(a, b);
-- a key that can no longer be read is no key, and no error
ALTER TYPE answer RENAME VALUE 'yes' TO 'yea';
SELECT stash.get('mail', 'yea'::answer) IS NULL AS gone, stash.get('mail', 'aye'::answer) IS NULL AS gone;
ALTER TYPE answer RENAME VALUE 'yea' TO 'yes';
SELECT stash.get('mail', 'aye'::answer);

-- a memoized function is called once for both
CREATE FUNCTION domain_of(mail email) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed for %', mail;
	RETURN split_part(mail, '@', 2);
END
$$;
SELECT stash.memoize('domain_of(email)');
SELECT domain_of('Ann@X');
SELECT domain_of('ann@x');
\c
\set VERBOSITY terse
SET search_path = hash_strategy_key, public;
SELECT domain_of('ANN@x');
SELECT domain_of('ann@x');
SELECT count(*) FROM stash.calls('domain_of(email)');
SELECT item, value FROM stash.explain('domain_of(email)', 'aNN@x') WHERE item IN ('verdict', 'found in');
SELECT stash.forget('domain_of(email)', 'ann@X');
-- with another strategy, or none, calls have other keys, in one session and one call site
CREATE FUNCTION ask(mail email) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN domain_of(mail); END';
SELECT ask('Ann@X');
SELECT ask('ann@x');
SELECT stash.unregister_hash('email');
SELECT ask('Ann@X');
SELECT ask('ann@x');
SELECT stash.register_hash('email', 'email_hash(text)');
SELECT ask('ANN@X');
CREATE OR REPLACE FUNCTION email_hash(value text) RETURNS uuid IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql
	RETURN stash.hash(translate(lower(value), 'ab', 'ba'));
-- Bnn has the digest that Ann had when her answer was kept
SELECT ask('Bnn@X');

-- a strategy may do to its argument what it likes, even where nobody else has it: the function gets it as it was
CREATE DOMAIN bag AS int[];
CREATE FUNCTION bag_hash(value bag) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
BEGIN
	value[1] := value[1] + 1;
	RETURN stash.hash(array(SELECT unnest(value) ORDER BY 1));
END
$$;
SELECT stash.register_hash('bag', 'bag_hash(bag)');
CREATE FUNCTION expanded() RETURNS bag LANGUAGE plpgsql AS $$
DECLARE
	a bag := '{1}';
BEGIN
	a[2] := 2;
	RETURN a;
END
$$;
CREATE FUNCTION show(b bag) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN b; END';
SELECT stash.memoize('show(bag)');
SELECT show(expanded());

SET client_min_messages = warning;
DROP SCHEMA hash_strategy_key CASCADE;
