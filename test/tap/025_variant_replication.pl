# 025_variant_replication.pl: logical replication carries variants, as keys and as values, in text and in binary
#
# On the subscriber all types of users have other OIDs, and one type is missing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# as the publisher has them; the subscriber makes them the other way round
my @types = (
	q{CREATE TYPE mood AS ENUM ('sad', 'it''s "glad"', 'ok')},
	q{CREATE DOMAIN even AS int CHECK (value % 2 = 0)},
	q{CREATE TYPE pair AS (a int, b text)},
	q{CREATE TYPE span AS RANGE (subtype = float8)});
my $tables = <<'SQL';
CREATE TABLE items (key stash.variant PRIMARY KEY, value stash.variant, n int);
CREATE TABLE whole (key stash.variant, value stash.variant);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE parts (key stash.variant PRIMARY KEY, n int) PARTITION BY LIST (key);
CREATE TABLE parts_glad PARTITION OF parts FOR VALUES IN ('mood:it''s "glad"', 'int4:1');
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
SQL

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
# conversions to text must not depend on the settings of either side
$subscriber->append_conf('postgresql.conf', "datestyle = 'German'\nintervalstyle = 'sql_standard'\nbytea_output = 'escape'\ntimezone = 'Asia/Tokyo'");
$subscriber->start;

$publisher->safe_psql('postgres', join ';', 'CREATE EXTENSION pg_hashstash', @types, 'CREATE TYPE missing AS (x int)', $tables);
$publisher->safe_psql('postgres', <<'SQL');
CREATE TABLE sample (kind text, v stash.variant);
INSERT INTO sample VALUES ('int', stash.to_variant(1)), ('null', stash.to_variant(NULL::int)), ('text', stash.to_variant(E'a:b\n\\"'::text)), ('numeric', stash.to_variant(1.50)),
	('mood', stash.to_variant('it''s "glad"'::mood)), ('moods', stash.to_variant(ARRAY['sad', NULL]::mood[])), ('even', stash.to_variant(4::even)), ('pair', stash.to_variant(ROW(1, 'x')::pair)),
	('pairs', stash.to_variant(ARRAY[ROW(1, 'x')::pair, NULL])), ('span', stash.to_variant('[1.5,2]'::span)), ('record', stash.to_variant(ROW(1, 'x'::text, 'sad'::mood))),
	('time', stash.to_variant('2024-03-01 12:34:56.789+09'::timestamptz)), ('bytea', stash.to_variant('\x00ff'::bytea)), ('interval', stash.to_variant('-1 year 2 days 03:04'::interval)),
	('regclass', stash.to_variant('items'::regclass)), ('nan', stash.to_variant('inf'::float8 - 'inf'::float8)), ('variant', stash.to_variant(stash.to_variant('sad'::mood))),
	('long', stash.to_variant(repeat('0123456789', 200)));
-- before the subscription: what the first copy carries
INSERT INTO items SELECT v, v FROM sample;
INSERT INTO whole SELECT v, v FROM sample;
INSERT INTO parts SELECT v FROM sample WHERE kind <> 'long';
CREATE PUBLICATION all_of_it FOR TABLE items, whole, parts WITH (publish_via_partition_root = true);
SQL

my %binary = (as_text => 'false', as_binary => 'true');
for my $db (sort keys %binary)
{
	$subscriber->safe_psql('postgres', "CREATE DATABASE $db");
	$subscriber->safe_psql($db, join ';', "CREATE TYPE waste AS ENUM ('a', 'b', 'c'); DROP TYPE waste; CREATE EXTENSION pg_hashstash", reverse(@types), $tables);
	$subscriber->safe_psql($db,
		"CREATE SUBSCRIPTION $db CONNECTION '" . $publisher->connstr . " dbname=postgres' PUBLICATION all_of_it WITH (binary = $binary{$db})");
}
isnt($subscriber->safe_psql($_, q{SELECT 'mood'::regtype::oid}), $publisher->safe_psql('postgres', q{SELECT 'mood'::regtype::oid}), "$_: types have other OIDs")
  for sort keys %binary;
$subscriber->wait_for_subscription_sync($publisher, $_, $_) for sort keys %binary;
compare('first copy');

$publisher->safe_psql('postgres', <<'SQL');
INSERT INTO items SELECT stash.to_variant(ROW(kind, v)), v FROM sample;
INSERT INTO whole SELECT stash.to_variant(kind), v FROM sample;
SQL
compare('inserts');

# found by a key that is equal, not the same: 1.5 for 1.50
$publisher->safe_psql('postgres', <<'SQL');
UPDATE items SET n = 1;
UPDATE items SET value = stash.to_variant('new') WHERE key OPERATOR(stash.=) 'numeric:1.5' OR stash.typeof(key) = 'public.mood';
UPDATE items SET key = stash.to_variant(ROW('moved', key)) WHERE stash.typeof(key) IN ('public.mood[]', 'public.pair', 'regclass');
UPDATE items SET n = 2 WHERE length(key::text) > 1000;
UPDATE whole SET key = 'mood:ok' WHERE stash.typeof(value) = 'public.mood' AND stash.typeof(key) = 'text';
UPDATE parts SET key = 'mood:sad' WHERE key OPERATOR(stash.=) 'mood:it''s "glad"';
SQL
compare('updates');

$publisher->safe_psql('postgres', <<'SQL');
DELETE FROM items WHERE stash.typeof(key) IN ('public.even', 'float8', 'record') OR stash.typeof(value) IN ('public.span', 'int4');
DELETE FROM whole WHERE stash.typeof(value) <> 'public.mood';
DELETE FROM parts WHERE stash.typeof(key) IN ('int4', 'public.pair');
SQL
compare('deletes');

# types that the subscriber has not
$publisher->safe_psql('postgres', q{CREATE TYPE lonely AS ENUM ('x'); INSERT INTO sample VALUES ('missing', stash.to_variant(ROW(7)::missing)), ('lonely', stash.to_variant('x'::lonely))});
my $log_from = -s $subscriber->logfile;
$publisher->safe_psql('postgres', q{INSERT INTO items SELECT v, v FROM sample WHERE kind IN ('missing', 'lonely')});
$publisher->wait_for_catchup('as_binary');
is($subscriber->safe_psql('as_binary', q{SELECT count(*), count(stash.typeof(key)) FROM items WHERE key::bytea IN (SELECT value::bytea FROM items) AND stash.typeof(key) IS NULL}),
	'2|0', 'as_binary: values of missing types are kept');
is(digest($subscriber, 'as_binary'), digest($publisher, 'postgres'), 'as_binary: byte for byte');
$publisher->safe_psql('postgres', q{UPDATE items SET n = 5 WHERE key OPERATOR(stash.=) stash.to_variant(ROW(7)::missing); DELETE FROM items WHERE key OPERATOR(stash.=) 'lonely:x'});
$publisher->wait_for_catchup('as_binary');
is($subscriber->safe_psql('as_binary', q{SELECT n FROM items WHERE stash.typeof(key) IS NULL}), '5', 'as_binary: and updated and deleted by their bytes');
$subscriber->safe_psql('as_binary', q{CREATE TYPE missing AS (x int)});
is($subscriber->safe_psql('as_binary', q{SELECT (stash.value(value, NULL::missing)).x FROM items WHERE stash.typeof(key) = 'public.missing'}),
	'7', 'as_binary: and read once the type is there');

# as text they wait, for the subscriber to make the type
ok(wait_for_log(qr/type public\.(missing|lonely) does not exist/, $log_from), 'as_text: the worker says which type is missing');
$subscriber->safe_psql('as_text', $_) for q{CREATE TYPE missing AS (x int)}, q{CREATE TYPE lonely AS ENUM ('x')};
compare('missing types');

$publisher->stop;
$subscriber->stop;
done_testing();

# All of a database's rows, byte for byte.
sub digest
{
	my ($node, $db) = @_;

	return $node->safe_psql($db, <<'SQL');
SELECT md5(key::bytea), md5(value::bytea), n FROM items ORDER BY 1, 2;
SELECT md5(key::bytea), md5(value::bytea) FROM whole ORDER BY 1, 2;
SELECT tableoid::regclass, md5(key::bytea) FROM parts ORDER BY 1, 2;
SQL
}

sub compare
{
	my ($what) = @_;
	my $expected = digest($publisher, 'postgres');

	for my $db (sort keys %binary)
	{
		$publisher->wait_for_catchup($db);
		is(digest($subscriber, $db), $expected, "$db: $what");
	}
	return;
}

sub wait_for_log
{
	my ($pattern, $from) = @_;

	for (1 .. 300)
	{
		return 1 if slurp_file($subscriber->logfile, $from) =~ $pattern;
		select undef, undef, undef, 0.1;
	}
	return 0;
}
