# 003_dump_restore.pl: what is dumped comes back whole in a cluster where all OIDs are others
#
# Plain, custom and schema-only dumps of stashes, values of many types, memoized functions and hash strategies.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $roles = 'CREATE ROLE regress_stash_one; CREATE ROLE regress_stash_two;';
my $old = PostgreSQL::Test::Cluster->new('old');
$old->init;
$old->start;
$old->safe_psql('postgres', $roles);
$old->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE SCHEMA "odd ""schema""";
CREATE TYPE mood AS ENUM ('sad', 'it''s "glad"');
CREATE DOMAIN "odd ""schema""".even AS int CHECK (value % 2 = 0);
CREATE TYPE person AS (name text, feels mood, born date, lucky "odd ""schema""".even[]);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TABLE house (door int, keeper person);

SELECT stash.create('animals'), stash.create('"odd ""schema"""."Odd = Stash"', ttl => '1 day 02:00', codec => 'none'),
	stash.create('fleeting', persistence => 'unlogged');
CREATE TABLE parts OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
GRANT SELECT ON animals TO regress_stash_two;

-- a value of each type under a key of it
CREATE TABLE sample (kind text PRIMARY KEY, value stash.variant);
INSERT INTO sample VALUES
	('int', stash.to_variant(1)), ('int null', stash.to_variant(NULL::int)), ('bool', stash.to_variant(true)),
	('numeric', stash.to_variant(1.500)), ('numeric nan', stash.to_variant('NaN'::numeric)), ('numeric big', stash.to_variant(10::numeric ^ 500)),
	('float8', stash.to_variant(0.1::float8 + 0.2)), ('float8 negative zero', stash.to_variant('-0'::float8)),
	('text', stash.to_variant(E'tab\t nl\n \\ back "quote" \u20ac'::text)), ('text empty', stash.to_variant(''::text)),
	('bytea', stash.to_variant('\x00ff5c'::bytea)), ('bpchar', stash.to_variant('ab '::char(5))),
	('timestamptz', stash.to_variant('2024-03-01 12:34:56.789012+09'::timestamptz)), ('infinity', stash.to_variant('infinity'::timestamptz)),
	('interval', stash.to_variant('-1 year 2 mons -3 days 04:05:06.7'::interval)), ('time', stash.to_variant('24:00'::time)),
	('uuid', stash.to_variant('00112233-4455-6677-8899-aabbccddeeff'::uuid)), ('inet', stash.to_variant('10.1.2.3/8'::inet)),
	('json', stash.to_variant('{"a" : 1,"a":2}'::json)), ('jsonb', stash.to_variant('{"b": [1, null, "x\"y"]}'::jsonb)),
	('point', stash.to_variant('(1,2.5)'::point)), ('bits', stash.to_variant(B'10101')), ('tsvector', stash.to_variant('a:1 b:2'::tsvector)),
	('int[]', stash.to_variant('[0:1][-1:0]={{1,NULL},{3,4}}'::int[])), ('text[]', stash.to_variant(ARRAY['', NULL, 'a,"b"'])),
	('range', stash.to_variant('[1,5)'::int4range)), ('multirange', stash.to_variant('{[1,3),[5,7)}'::int4multirange)),
	('enum', stash.to_variant('it''s "glad"'::mood)), ('enum[]', stash.to_variant(ARRAY['sad', NULL]::mood[])),
	('domain', stash.to_variant(4::"odd ""schema""".even)), ('domain[]', stash.to_variant('{2,4}'::"odd ""schema""".even[])),
	('row', stash.to_variant(('Mia', 'sad', '2000-01-01', '{2}')::person)), ('row[]', stash.to_variant(ARRAY[('Mia', NULL, NULL, NULL)::person, NULL])),
	('row in a row', stash.to_variant(ROW(7, ('Mia', 'sad', NULL, '{}')::person)::house)),
	('record', stash.to_variant(ROW(1, 'x'::text, 'sad'::mood))), ('record in a record', stash.to_variant(ROW(1, ROW(2, 'inner'::text)))),
	('float8[]', stash.to_variant(ARRAY[0.1, '-0', 'NaN', 1e300]::float8[])), ('times', stash.to_variant(ARRAY['2020-02-29 12:34:56.789012+05:30', 'infinity']::timestamptz[])), ('own range', stash.to_variant('[1.5,2.5]'::span)),
	('regclass', stash.to_variant('house'::regclass)), ('regtype', stash.to_variant('mood'::regtype)), ('regrole', stash.to_variant('regress_stash_one'::regrole)),
	('variant', stash.to_variant(stash.to_variant('sad'::mood))), ('big', stash.to_variant(repeat('0123456789', 100000)));
SELECT stash.put('animals', value, value), stash.put('parts', value, value), stash.put('"odd ""schema"""."Odd = Stash"', value, kind) FROM sample;
-- variants as keys of partitions, and as literals in bounds, a default, a condition and an index
CREATE TABLE listed (kind text, value stash.variant DEFAULT 'mood:sad' CHECK (value OPERATOR(stash.<>) 'text:a: "b"')) PARTITION BY LIST (value);
CREATE TABLE listed_some PARTITION OF listed FOR VALUES IN ('mood:it''s "glad"', 'int4', '"odd ""schema""".even:4', '(f1 int4,f2 text,f3 mood):(1,x,sad)', NULL);
CREATE TABLE listed_rest PARTITION OF listed DEFAULT;
CREATE TABLE ranged (kind text, value stash.variant NOT NULL) PARTITION BY RANGE (value);
CREATE TABLE ranged_low PARTITION OF ranged FOR VALUES FROM (MINVALUE) TO ('numeric:1.5');
CREATE TABLE ranged_high PARTITION OF ranged FOR VALUES FROM ('numeric:1.5') TO (MAXVALUE);
CREATE TABLE hashed (kind text, value stash.variant) PARTITION BY HASH (value);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO listed SELECT * FROM sample;
INSERT INTO ranged SELECT * FROM sample;
INSERT INTO hashed SELECT * FROM sample;
CREATE UNIQUE INDEX ON sample (value) WHERE value OPERATOR(stash.>) 'mood:sad';
SELECT stash.put('animals', 'again', 1);
SELECT stash.put('animals', 'again', 2);
SELECT stash.put('animals', 'null', NULL), stash.put('animals', 'enum', 'sad'::mood), stash.put('animals', 'sad'::mood, 'key');

-- memoized functions of somebody else: in place, "as", sets, SQL-standard bodies; used in a view, an index and a column
GRANT ALL ON SCHEMA public TO regress_stash_one;
SET ROLE regress_stash_one;
CREATE FUNCTION square(n int DEFAULT 2) RETURNS int IMMUTABLE STRICT PARALLEL SAFE COST 42 LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN n * n;
END
$$;
COMMENT ON FUNCTION square IS 'squares';
CREATE FUNCTION who(n int) RETURNS person IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN ('P' || n, 'sad', NULL, '{2}')::person;
END
$$;
CREATE FUNCTION upto(n int) RETURNS TABLE (i int, feels mood) STABLE ROWS 7 LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN QUERY SELECT g, 'sad'::public.mood FROM generate_series(1, n) AS g;
END
$$;
CREATE FUNCTION atomic(n int) RETURNS int IMMUTABLE LANGUAGE sql BEGIN ATOMIC SELECT n * 2; END;
CREATE FUNCTION zz_target(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN -n;
END
$$;
SELECT stash.memoize('square(int)'), stash.memoize('who(int)'), stash.memoize('upto(int)', ttl => '30 days'), stash.memoize('atomic(int)'),
	stash.memoize('zz_target(int)', "as" => 'aa_wrapper', share => 'all');
REVOKE EXECUTE ON FUNCTION square FROM PUBLIC;
GRANT EXECUTE ON FUNCTION square TO regress_stash_two;
SELECT square(3), square(4), who(1), atomic(5), aa_wrapper(6);
SELECT * FROM upto(2);
CREATE TABLE numbers (n int, n2 int GENERATED ALWAYS AS (square(n)) STORED, CHECK (aa_wrapper(n) <= 0));
INSERT INTO numbers VALUES (3), (30);
CREATE INDEX ON numbers (square(n));
CREATE VIEW squares AS SELECT n, square(n) FROM numbers;
RESET ROLE;
-- in a schema that is renamed: bodies have the old name, and so have dumps
CREATE SCHEMA formerly AUTHORIZATION regress_stash_one;
SET ROLE regress_stash_one;
CREATE FUNCTION formerly.cube(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN n * n * n;
END
$$;
SELECT stash.memoize('formerly.cube(int)');
RESET ROLE;
ALTER SCHEMA formerly RENAME TO "odd ""later""";
SELECT "odd ""later""".cube(3);
-- types with a hash strategy; the domain and its function sort behind what needs them: an index, partitions, a stash
CREATE FUNCTION zz_email_hash(value text) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN stash.hash(lower(value));
CREATE DOMAIN zz_email AS text;
ALTER DOMAIN zz_email OWNER TO regress_stash_one;
CREATE TYPE "odd ""schema""".photo AS (id int, pixels bytea);
CREATE FUNCTION "odd ""schema"""."photo's hash"(value "odd ""schema""".photo) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql
BEGIN ATOMIC SELECT stash.hash((value).id); END;
SET ROLE regress_stash_one;
SELECT stash.register_hash('zz_email', 'zz_email_hash(text)', 'one ''mailbox''');
RESET ROLE;
SELECT stash.register_hash('"odd ""schema""".photo', '"odd ""schema"""."photo''s hash"("odd ""schema""".photo)');
CREATE TABLE addresses (mail zz_email, hash uuid GENERATED ALWAYS AS (stash.hash(mail)) STORED) PARTITION BY HASH (stash.hash(mail));
CREATE TABLE addresses_0 PARTITION OF addresses FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE addresses_1 PARTITION OF addresses FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO addresses SELECT 'Person' || i || '@X' FROM generate_series(1, 20) i;
CREATE INDEX ON addresses (stash.hash(mail));
SELECT stash.put('animals', 'Ann@X'::zz_email, 'by strategy'), stash.put('animals', ROW(1, 'x')::"odd ""schema""".photo, 'by id');
-- by hand, without a stash, under a name that sorts before its target
CREATE FUNCTION aaa(n int) RETURNS int IMMUTABLE LANGUAGE stash AS 'target = public.zz_target';
SQL

# what must be equal; each is a query that gives one text
my %facts = (
	values => <<'SQL',
SELECT string_agg(format('%s %s', kind, md5(value::bytea)), E'\n' ORDER BY kind) FROM sample
SQL
	texts => <<'SQL',
SELECT string_agg(format('%s %s', kind, value), E'\n' ORDER BY kind) FROM sample WHERE kind <> 'big'
SQL
	entries => <<'SQL',
SELECT string_agg(concat_ws(' ', key_hash, md5(key::text), md5(value::text), version, created_at, expires_at, cost), E'\n' ORDER BY key_hash, created_at)
FROM (SELECT * FROM animals UNION ALL SELECT * FROM parts UNION ALL SELECT * FROM "odd ""schema"""."Odd = Stash"
	UNION ALL SELECT * FROM square_stash UNION ALL SELECT * FROM upto_stash) AS entries
SQL
	stashes => <<'SQL',
SELECT string_agg(format('%s %s %s %s', stash, persistence, owner, options), E'\n' ORDER BY stash::text) FROM stash.stashes
SQL
	functions => <<'SQL',
SELECT string_agg(format('%s %s %s %s', pg_get_functiondef(oid), pg_get_userbyid(proowner), coalesce(proacl, acldefault('f', proowner)), obj_description(oid, 'pg_proc')), E'\n' ORDER BY oid::regprocedure::text)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
SQL
	memos => <<'SQL',
SELECT string_agg(format('%s %s %s %s', function, owner, stash, definition), E'\n' ORDER BY function::text) FROM stash.memos
SQL
	rights => <<'SQL',
SELECT string_agg(format('%s %s %s', oid::regclass, coalesce(relacl, acldefault('r', relowner)), obj_description(oid, 'pg_class')), E'\n' ORDER BY oid::regclass::text) FROM pg_class WHERE reloftype = 'stash.entry'::regtype
SQL
	dependencies => <<'SQL',
SELECT string_agg(DISTINCT format('%s needs %s', pg_describe_object(classid, objid, 0), pg_describe_object(refclassid, refobjid, refobjsubid)), E'\n')
FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
SQL
	tables => <<'SQL',
SELECT string_agg(format('%s %s', n, n2), E'\n' ORDER BY n) FROM numbers
SQL
	strategies => <<'SQL',
SELECT string_agg(format('%s %s %s %s', type, function, owner, description), E'\n' ORDER BY type::text) FROM stash.hash_strategies
SQL
	placed => <<'SQL',
SELECT string_agg(format('%s %s', place, kind), E'\n' ORDER BY place::text, kind)
FROM (SELECT tableoid::regclass AS place, kind FROM listed UNION ALL SELECT tableoid::regclass, kind FROM ranged UNION ALL SELECT tableoid::regclass, kind FROM hashed) AS rows
SQL
	literals => <<'SQL',
SELECT string_agg(literal, E'\n' ORDER BY literal)
FROM (SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relpartbound IS NOT NULL UNION ALL SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
	UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indpred IS NOT NULL UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c') AS of_catalog(literal)
SQL
	addresses => <<'SQL',
SELECT string_agg(format('%s %s %s', tableoid::regclass, mail, hash), E'\n' ORDER BY mail) FROM addresses WHERE hash = stash.hash(mail)
SQL
);
my @of_schema = qw(stashes functions memos rights dependencies strategies literals);
my %before = map { $_ => $old->safe_psql('postgres', $facts{$_}) } keys %facts;

cmp_ok(length $before{$_}, '>', 8, "there is something to compare: $_") for sort keys %facts;

my $dir = $old->basedir;
$old->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", '-d', $old->connstr('postgres') ], 'plain dump');
$old->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom.dump", '-d', $old->connstr('postgres') ], 'custom dump');
$old->command_ok([ 'pg_dump', '--schema-only', '-f', "$dir/schema.sql", '-d', $old->connstr('postgres') ], 'schema-only dump');
$old->stop;

# trap 55: other OIDs
# a cluster in which every OID is another one, and the settings are foreign
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->append_conf('postgresql.conf', <<'CONF');
timezone = 'Asia/Tokyo'
datestyle = 'German'
intervalstyle = 'sql_standard'
bytea_output = 'escape'
extra_float_digits = -3
CONF
$new->start;
$new->safe_psql('postgres', join(' ', map { "CREATE ROLE waste_$_;" } 1 .. 20) . $roles);
# objects that are made in a template push the OIDs of all databases on
$new->safe_psql('template1', "CREATE TYPE waste AS ENUM ('a', 'b'); CREATE TABLE waste_table (t text); DROP TABLE waste_table; DROP TYPE waste");
my %settings = (timezone => 'GMT', datestyle => 'ISO, MDY', intervalstyle => 'postgres', bytea_output => 'hex', extra_float_digits => 1);

for my $way (qw(plain custom parallel schema))
{
	$new->safe_psql('postgres', "CREATE DATABASE $way TEMPLATE template0");
	if ($way eq 'custom' || $way eq 'parallel')
	{
		$new->command_ok([ 'pg_restore', '--exit-on-error', $way eq 'parallel' ? ('-j', 3) : (), '-d', $new->connstr($way), "$dir/custom.dump" ],
			"$way: restored without an error");
	}
	else
	{
		$new->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-o', "$dir/out", '-d', $new->connstr($way), '-f', "$dir/$way.sql" ],
			"$way: restored without an error");
	}
	# as the first cluster shows things
	$new->safe_psql('postgres', "ALTER DATABASE $way SET $_ = '$settings{$_}'") for sort keys %settings;
	same_lines($new->safe_psql($way, $facts{$_}), $before{$_}, "$way: the same $_") for $way eq 'schema' ? @of_schema : sort keys %facts;
	check($way, $way ne 'schema');
}
check_copy();
$new->stop;
done_testing();

# Like is(), but shows only the lines that differ.
# trap 21: a database and its copy have everything by the same numbers, but what is remembered is of one of them
sub check_copy
{
	$new->safe_psql('template1', 'CREATE DATABASE first');
	$new->safe_psql('first', q{
		CREATE EXTENSION pg_hashstash;
		CREATE TABLE t (v int); INSERT INTO t VALUES (1);
		SELECT stash.track('t');
		CREATE FUNCTION total(n int) RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT n * sum(v) FROM t); END $$;
		SELECT stash.memoize('total(int)')});
	$new->safe_psql('template1', 'CREATE DATABASE second TEMPLATE first');
	$new->safe_psql('second', 'UPDATE t SET v = 100');
	$new->safe_psql('first', 'SELECT total(2)');
	$new->command_ok([ 'pg_dump', '--data-only', '--table', 'total_stash', '--file', $new->basedir . '/total.sql', $new->connstr('first') ], 'a stash is dumped');
	$new->safe_psql('second', '\i ' . $new->basedir . '/total.sql');
	is($new->safe_psql('second', 'SELECT total(2), total_uncached(2), (SELECT count(*) FROM total_stash)'), '200|200|1', 'where it is restored into a copy its answers are not believed');
	return;
}

sub same_lines
{
	my ($got, $expected, $name) = @_;
	my %is_expected = map { $_ => 1 } split /\n/, $expected;
	my %is_got = map { $_ => 1 } split /\n/, $got;

	ok($got eq $expected, $name)
	  or diag(map({ "too many: $_\n" } grep { !$is_expected{$_} } split /\n/, $got), map { "missing: $_\n" } grep { !$is_got{$_} } split /\n/, $expected);
	return;
}

# What a call returns, and how many functions were computed for it.
sub call
{
	my ($db, $sql) = @_;
	my ($stdout, $stderr);

	$new->psql($db, $sql, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	return join ' ', $stdout =~ s/\n/ /gr, scalar(() = $stderr =~ /computed/g), $stderr =~ /(?:ERROR|FATAL|PANIC|WARNING): +(.*)/ ? $1 : ();
}

sub check
{
	my ($db, $has_data) = @_;
	my $known = $has_data ? 0 : 1;

	is(call($db, 'SELECT square(3)'), "9 $known", "$db: a remembered value");
	is(call($db, 'SELECT who(1)'), "(P1,sad,,{2}) $known", "$db: a remembered row");
	is(call($db, 'SELECT aa_wrapper(6)'), "-6 $known", "$db: a remembered value of a second function");
	is(call($db, 'SELECT atomic(5)'), '10 0', "$db: a parsed body");
	is(call($db, 'SELECT aaa(1), aaa(1)'), '-1|-1 1', "$db: a function by hand");
	is(call($db, 'SELECT square(77), square()'), '5929|4 2', "$db: a new value is computed");
	is(call($db, 'SELECT square(77), square()'), '5929|4 0', "$db: and remembered");
	is(call($db, 'SELECT * FROM upto(1)'), '1|sad 1', "$db: a new set is computed");
	is(call($db, 'SELECT * FROM upto(1)'), '1|sad 0', "$db: and remembered");
	is(call($db, 'SET ROLE regress_stash_two; SELECT square(77)'), '5929 0', "$db: who may call it calls it");
	is(call($db, 'CREATE ROLE regress_stash_new; SET ROLE regress_stash_new; SELECT square(77)'), ' 0 permission denied for function square', "$db: who may not does not");
	$new->safe_psql($db, 'DROP ROLE regress_stash_new');
	like(call($db, 'SET ROLE regress_stash_two; SELECT count(*) FROM square_stash'), qr/permission denied for table square_stash/, "$db: nor reads its stash");
	like(call($db, 'DROP FUNCTION square_uncached(int)'), qr/cannot drop function square_uncached/, "$db: the original is kept");
	is(call($db, 'SELECT "odd ""later""".cube(3)'), "27 $known", "$db: a remembered value of a renamed schema");
	is(call($db, 'SELECT "odd ""later""".cube(4), "odd ""later""".cube(4)'), '64|64 1', "$db: where others are remembered");
	like(call($db, 'DROP FUNCTION "odd ""later""".cube_uncached'), qr/cannot drop function/, "$db: there, too, the original is kept");
	like(call($db, 'DROP TABLE "odd ""later""".cube_stash'), qr/cannot drop table/, "$db: and the stash");
	like(call($db, 'DROP TABLE square_stash'), qr/cannot drop table square_stash/, "$db: the stash is kept");
	is(call($db, 'SET enable_seqscan = off; SELECT n FROM numbers WHERE square(n) = 900'), $has_data ? '30 0' : ' 0', "$db: the index is right");
	is(call($db, q{SELECT stash.put('"odd ""schema"""."Odd = Stash"', 'new', repeat('x', 1000))}), '1 0', "$db: stashes are written");
	is(call($db, q{SELECT expires_at - created_at, octet_length(value::bytea) > 1000 FROM "odd ""schema"""."Odd = Stash" WHERE key::text = 'new'}),
		'1 day 02:00:00|t 0', "$db: with their own ttl and codec");
	is(call($db, q{SELECT stash.put('animals', 'again', 3)}), ($has_data ? 3 : 1) . ' 0', "$db: versions go on");
	is(call($db, 'SET ROLE regress_stash_one; SELECT stash.forget(\'square(int)\') > 1, stash.forget(\'square(int)\')'), 't|0 0', "$db: all is forgotten");
	is(call($db, 'SELECT square(3)'), '9 1', "$db: and computed again");
	is(call($db, 'SET ROLE regress_stash_one; SELECT stash.unmemoize(\'square(int)\'); SELECT square(3), square(3)'), 'square(integer) 9|9 2', "$db: and no longer remembered");
	is(call($db, q{SELECT stash.unmemoize('"odd ""later""".cube(int)'); SELECT "odd ""later""".cube(3)}), '"odd ""later""".cube(integer) 27 1', "$db: nor in the renamed schema");
	is( $new->safe_psql($db, q{SELECT stash.hash('Ann@X'::zz_email) = stash.hash('ann@x'::zz_email), stash.hash(ROW(1, 'x')::"odd ""schema""".photo) = stash.hash(ROW(1, 'y')::"odd ""schema""".photo)}),
		't|t', "$db: hash strategies work");
	is(call($db, q{BEGIN; SET ROLE regress_stash_one; SELECT stash.unregister_hash('zz_email'); SELECT count(*) FROM stash.hash_strategies; ROLLBACK}), ' 1 0', "$db: and are their owners' to remove");
	return unless $has_data;

	is(call($db, q{SET enable_seqscan = off; SELECT mail FROM addresses WHERE stash.hash(mail) = stash.hash('pERSON7@x'::zz_email)}), 'Person7@X 0', "$db: an index on hashes by strategy is right");
	is( $new->safe_psql($db, q{SELECT stash.get('animals', 'ANN@X'::zz_email), stash.get('animals', ROW(1, 'y')::"odd ""schema""".photo)}),
		'text:by strategy|text:by id', "$db: keys by strategy are found");
	is($new->safe_psql($db, q{SELECT kind FROM sample WHERE NOT coalesce(stash.identical(stash.get('animals', value, value), value), false)}), '', "$db: every value is found under its key");
	is($new->safe_psql($db, q{SELECT kind FROM sample WHERE NOT coalesce(stash.identical(stash.get('parts', value, value), value), false)}), '', "$db: in partitions, too");
	is( $new->safe_psql($db, q{SELECT stash.get('animals', 'enum', NULL::mood), stash.get('animals', 'sad'::mood, NULL::text), stash.has('animals', 'null'), stash.get('animals', 'null') IS NULL}),
		'sad|key|t|t', "$db: enums as keys and values, and a NULL");
	is( $new->safe_psql($db, q{SELECT (stash.value(value, NULL::person)).feels FROM sample WHERE kind = 'row'}),
		'sad', "$db: a row is a row");
	is( $new->safe_psql($db, q{SELECT kind FROM sample WHERE NOT stash.identical(value, stash.deserialize(stash.serialize(value), NULL::stash.variant))}),
		'', "$db: frames go on working");
	return;
}
