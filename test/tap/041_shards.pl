# 041_shards.pl: a stash whose partitions are on three servers; one of them dies
#
# The same questions are put whether or not the extension is named among those that the servers share.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %node;
for my $name (qw(hub shard_a shard_b))
{
	$node{$name} = PostgreSQL::Test::Cluster->new($name);
	$node{$name}->init;
	$node{$name}->start;
	$node{$name}->safe_psql('postgres', 'CREATE EXTENSION pg_hashstash');
}
my $hub = $node{hub};
if (!$hub->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'}))
{
	plan skip_all => 'postgres_fdw is not installed';
}

# Standard output, and what went wrong, in one line.
sub ask
{
	my ($sql, $at) = @_;
	my ($stdout, $stderr);

	($at // $hub)->psql('postgres', $sql, stdout => \$stdout, stderr => \$stderr, on_error_stop => 1,
		extra_params => [ '--set', 'VERBOSITY=verbose' ]);
	return join ' ', grep { $_ ne '' } $stdout =~ s/\n/ /gr, $stderr =~ /ERROR: +(.*)/ ? $1 : '';
}

sub make_server
{
	my ($name, $extensions) = @_;

	$hub->safe_psql('postgres', sprintf(
		q{CREATE SERVER %s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname 'postgres'%s);
		CREATE USER MAPPING FOR CURRENT_USER SERVER %1$s}, $name, $node{$name}->host, $node{$name}->port, $extensions));
	return;
}

$hub->safe_psql('postgres', 'CREATE EXTENSION postgres_fdw; CREATE ROLE regress_stash_reader');
make_server('shard_a', '');
make_server('shard_b', q{, extensions 'pg_hashstash'});

# ---- making

is(ask(q{SELECT stash.create('s', partitions => 6), stash.create('h', keep_versions => 2, partitions => 2)}), 's|h', 'two stashes in partitions');
is(ask(q{SELECT stash.put_many('s', array_agg(i), array_agg('v' || i)) FROM generate_series(1, 600) i}), '600', 'entries before the move');
for my $i (1, 2, 4, 5)
{
	my $at = $i < 3 ? 'shard_a' : 'shard_b';

	$node{$at}->safe_psql('postgres', "SELECT stash.create('s_$i')");
	is(ask("SELECT stash.place('s_$i', '$at', 'public')"), "s_$i", "partition $i is placed");
}
is(ask(q{SELECT relkind, count(*) FROM pg_class WHERE relname ~ '^s_\d$' GROUP BY 1 ORDER BY 1}), 'f|4 r|2', 'four partitions are foreign');
is(ask(q{SELECT count(*) FROM pg_class WHERE relname ~ '^s.*pkey'}), '2', 'those here have primary keys, and nothing else has');
is(ask(q{SELECT count(*), count(value) FROM stash.get_many('s', ARRAY(SELECT generate_series(1, 601)))}), '601|600', 'entries went with them');
cmp_ok(ask('SELECT stash.count($$s_1$$)', $node{shard_a}), '>', 50, 'and are there');

$node{shard_a}->safe_psql('postgres', q{CREATE SCHEMA elsewhere; SELECT stash.create('elsewhere.moved', keep_versions => 2)});
is(ask(q{SELECT stash.put('h', 1, 'one'), stash.put('h', 1, 'two'), stash.put('h', 2, 'zwei')}), '1|2|1', 'versions before the move');
is(ask(q{SELECT stash.place('h_1', 'shard_a', remote_schema => 'elsewhere', remote_table => 'moved')}), 'h_1', 'to another name');

# ---- all that one can do

# One key in each partition.
my @key = split / /, ask(q{SELECT min(key::int) FROM s GROUP BY tableoid ORDER BY tableoid::regclass::text});
is(scalar(@key), 6, 'one key in each partition');
for my $i (0 .. 5)
{
	my $k = $key[$i];

	is(ask("SELECT stash.put('s', $k, 'again')"), '2', "put over one, partition $i");
	is(ask("SELECT stash.get('s', $k), stash.get('s', $k, NULL::text), stash.has('s', $k)"), 'text:again|again|t', 'get, has');
	is(ask("SELECT stash.get_or_put('s', $k, 'other')"), 'text:again', 'get_or_put of what is there');
	is(ask("SELECT stash.pop('s', $k); SELECT stash.has('s', $k)"), 'text:again f', 'pop');
	is(ask("SELECT stash.remove('s', $k)"), 'f', 'remove of nothing');
	is(ask("SELECT stash.get_or_put('s', $k, 'default', ttl => '1 hour')"), 'text:default', 'get_or_put');
	is(ask("UPDATE s SET expires_at = '-infinity' WHERE key::int = $k; SELECT stash.get('s', $k), stash.has('s', $k)"), '|f', 'expired');
	is(ask("SELECT stash.get_or_put('s', $k, 'fresh')"), 'text:fresh', 'get_or_put over an expired one');
	is(ask("SELECT stash.remove('s', $k)"), 't', 'remove');
	is(ask("SELECT stash.put('s', $k, 'v' || $k)"), '1', 'put of a new one');
	is(ask("BEGIN; SELECT stash.put('s', $k, 'x'); ROLLBACK; SELECT stash.get('s', $k)"), "2 text:v$k", 'rolled back');
}
is(ask(q{SELECT stash.count('s'), count(*), count(DISTINCT k) FROM stash.keys('s') k}), '600|600|600', 'count, keys');
is(ask(q{SELECT stash.put_many('s', array_agg(i), array_agg('w' || i)) FROM generate_series(301, 900) i}), '600', 'put_many of old and new');
is(ask(q{SELECT version, count(*) FROM s GROUP BY 1 ORDER BY 1}), '1|600 2|300', 'versions count on');
is(ask(q{SELECT count(*) FROM stash.get_many('s', ARRAY(SELECT generate_series(1, 900))) WHERE value::text = CASE WHEN ord > 300 THEN 'w' ELSE 'v' END || ord}), '900', 'all values are right');
is(ask(q{SELECT stash.create('copy'); SELECT stash.merge('copy', 's'), stash.merge('s', 'copy'); SELECT stash.count('copy')}), 'copy 900|900 900', 'merge');
is(ask(q{SELECT count(*) FROM s JOIN copy USING (key_hash) WHERE s.created_at = copy.created_at AND s.version = copy.version + CASE WHEN s.version = 2 THEN 1 ELSE 2 END}), '900', 'and its times');
is(ask(q{INSERT INTO s (key_hash, key) SELECT stash.hash(-k), stash.to_variant('forged'::text) FROM generate_series(1, 9) k; SELECT stash.put('s', -4, 1)}),
	q{23505: could not put the key into stash "s"}, 'another key of the same hash');
is(ask(q{SELECT stash.put_many('s', ARRAY[-5, -6], ARRAY[1, 1])}), q{23505: could not put the key into stash "s"}, 'likewise of many');
is(ask(q{DELETE FROM s WHERE key::text = 'forged'; SELECT stash.count('s')}), '900', 'all is well again');

# versions
is(ask(q{SELECT stash.get('h', 1), stash.get('h', 1, NULL::text, 1), stash.get('h', 2)}), 'text:two|one|text:zwei', 'versions went along');
is(ask(q{SELECT stash.put('h', 1, 'three'), stash.put('h', 2, 'drei'), stash.put('h', 3, 'x')}), '3|2|1', 'put of versions');
is(ask(q{SELECT stash.put_many('h', ARRAY[1, 2, 4], ARRAY['four', 'vier', 'y']); SELECT stash.count('h')}), '3 4', 'put_many of versions');
is(ask(q{SELECT key, version, value FROM h ORDER BY key::int, version}), 'int4:1|3|text:three int4:1|4|text:four int4:2|2|text:drei int4:2|3|text:vier int4:3|1|text:x int4:4|1|text:y', 'two are kept');
is(ask(q{SELECT stash.get_or_put('h', 1, 'z'), stash.pop('h', 2), stash.get_or_put('h', 9, 'nine')}), 'text:four|text:vier|text:nine', 'get_or_put, pop of versions');

# Four sessions put the same keys. Who finds that another has changed one on the other server meanwhile tries again.
{
	my $script = "${PostgreSQL::Test::Utils::tmp_check}/put.pgbench";

	append_to_file($script, "\\set k random(1001, 1012)\nSELECT stash.put('s', :k, :client_id);\n");
	$hub->command_ok([ 'pgbench', '-n', '-c', '4', '-t', '100', '--max-tries=1000', '-f', $script, 'postgres' ], 'sessions put the same keys');
	is(ask('SELECT count(*), count(DISTINCT key_hash), sum(version) FROM s WHERE key::int > 1000'), '12|12|400', 'no put is lost, no key is there twice');
	is(ask('SELECT count(*) FROM generate_series(1001, 1012) k WHERE stash.remove($$s$$, k)'), '12', 'and they go');
}

# ---- options, adoption, rights

is(ask(q{SELECT stash.configure('s', ttl => '1 day')}), 's', 'options change');
is(ask(qq{SELECT stash.put('s', $key[1], 'v$key[1]'); SELECT expires_at > now() FROM s WHERE key::int = $key[1]}) =~ / t$/, 1, 'and hold there');
is(ask(q{SELECT stash.configure('s', keep_versions => 5)}), '0A000: stash "s" with partitions on other servers cannot begin or cease to keep versions', 'but not all');
is(ask(q{SELECT stash.adopt('s')}), 's', 'nothing to adopt');
is(ask(q{SET ROLE regress_stash_reader; SELECT stash.get('s', 1)}), '42501: permission denied for table s', 'rights are asked for here');
is(ask(q{SET ROLE regress_stash_reader; SELECT stash.place('s_0', 'shard_a')}), '42501: permission denied for table s', 'likewise to move');
is(ask(q{SELECT stash.place('copy', 'shard_a')}), '42809: "copy" is not a partition of a stash', 'no partition');
is(ask(q{SELECT stash.place('s_0', 'nowhere')}), '42704: server "nowhere" does not exist', 'no server');
is(ask(q{SELECT stash.place('s_0', 'shard_a', 'public')}), '42P01: relation "public.s_0" does not exist', 'no stash there');
is(ask(q{SELECT stash.place('s_0', 'shard_a', 'public', 's_1')}), '55000: table "s_1" on server "shard_a" is not empty', 'a used one there');
is(ask(q{SELECT count(*) FROM pg_class WHERE relname ~ '^s_0'}), '2', 'nothing is left behind');

# ---- a dump of the hub

my $dump = "${PostgreSQL::Test::Utils::tmp_check}/hub.sql";
command_ok([ 'pg_dump', '-f', $dump, $hub->connstr('postgres') ], 'the hub is dumped');
$hub->safe_psql('postgres', 'CREATE DATABASE again');
command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $hub->connstr('again') ], 'and restored');
is($hub->safe_psql('again', q{SELECT stash.count('s'), stash.get('s', 400, NULL::text), stash.put('s', 400, 'restored'), stash.get('h', 1)}), '900|w400|4|text:four',
	'it has its shards');
is(ask(q{SELECT tableoid::regclass::text ~ 's_[1245]' FROM s WHERE key::int = 400}), 't', 'a key of a shard');
is(ask(q{SELECT stash.get('s', 400)}), 'text:restored', 'which both databases use');
is(ask(q{SELECT stash.put('s', 400, 'w400')}), '5', 'back');

# ---- a server dies

$node{shard_b}->stop('immediate');
for my $i (0 .. 5)
{
	my $k = $key[$i];
	my $down = qr/^08001: could not connect to server "shard_b"/;

	if ($i == 4 || $i == 5)
	{
		like(ask("SELECT stash.get('s', $k)"), $down, "partition $i: get says which server is away");
		like(ask("SELECT stash.$_"), $down, $_) for "put('s', $k, 1)", "remove('s', $k)", "get_or_put('s', $k, 1)", "pop('s', $k)", "put_many('s', ARRAY[$k], ARRAY[1])";
		next;
	}
	is(ask("SELECT stash.get('s', $k), stash.has('s', $k)"), "text:v$k|t", "partition $i: get");
	like(ask("SELECT stash.put('s', $k, 'alive')"), qr/^\d+$/, 'put');
	is(ask("SELECT stash.get_or_put('s', $k, 'x')"), 'text:alive', 'get_or_put');
	is(ask("SELECT stash.remove('s', $k)"), 't', 'remove');
	is(ask("SELECT stash.put('s', $k, 'v$k')"), '1', 'put of a new one');
	is(ask("SELECT stash.pop('s', $k)"), "text:v$k", 'pop');
	is(ask("SELECT stash.put_many('s', ARRAY[$k], ARRAY['v$k'])"), '1', 'put_many');
}
is(ask("SELECT string_agg(value::text, ' ') FROM stash.get_many('s', ARRAY[$key[0], $key[1], $key[2], $key[3]])"), join(' ', map { "v$key[$_]" } 0 .. 3), 'get_many of living shards');
like(ask("SELECT count(value) FROM stash.get_many('s', ARRAY[$key[0], $key[4]])"), qr/^08001: could not connect to server "shard_b"/, 'get_many of a dead one');
like(ask(q{SELECT stash.count('s')}), qr/^08001: could not connect to server "shard_b"/, 'count needs all');
$node{shard_b}->start;
is(ask("SELECT stash.get('s', $key[4])"), "text:v$key[4]", 'it lives again');

# ---- home, and from one to another

$node{shard_b}->safe_psql('postgres', q{SELECT stash.create('s_1')});
is(ask(q{SELECT stash.place('s_1', 'shard_b')}), 's_1', 'a partition moves on');
is(ask('SELECT stash.count($$s_1$$)', $node{shard_a}), '0', 'and leaves nothing behind');
is(ask("SELECT stash.place('s_$_', NULL)"), "s_$_", "partition $_ comes home") for 1, 2, 4, 5;
is(ask(q{SELECT relkind, count(*) FROM pg_class WHERE relname ~ '^s_\d$' GROUP BY 1}), 'r|6', 'all are here');
is(ask(q{SELECT string_agg(i.relname, ' ' ORDER BY i.relname) FROM pg_inherits JOIN pg_class i ON i.oid = inhrelid JOIN pg_class p ON p.oid = inhparent WHERE p.relname = 's_pkey'}),
	's_0_pkey s_1_pkey s_2_pkey s_3_pkey s_4_pkey s_5_pkey', 'under one primary key');
is(ask(q{SELECT count(*) FROM stash.get_many('s', ARRAY(SELECT generate_series(1, 900))) WHERE value::text = CASE WHEN ord > 300 THEN 'w' ELSE 'v' END || ord}), '900', 'all values are right');

done_testing();
