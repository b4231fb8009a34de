# A stash whose entries come and go does not grow: puts delete what expired or is too much, and offer its space to those
# that come.  With autovacuum, which deletes from the index; and without, where only the table's own size is bounded.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('sweep_bloat');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = on\nautovacuum_naptime = '1s'\nfsync = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_hashstash; CREATE SEQUENCE key');

# trap 57: bloat
# the sizes after each of ten cycles of 10,000 new keys, put by two sessions, that all expire before the next
sub cycles
{
	my ($name, $what, $ttl) = @_;
	my @sizes;
	my $puts = qq{SELECT count(stash.put('$name', nextval('key')::text, repeat('v', 30)$ttl))
		FROM generate_series(1, 20)};

	for my $cycle (1 .. 10)
	{
		$node->pgbench('--no-vacuum --client=2 --transactions=250', 0, [qr{500/500}], [qr{^$}],
			"$name, cycle $cycle", { "016_${name}_$cycle" => $puts });
		push @sizes, $node->safe_psql('postgres', "SELECT $what('$name') / 1024");
		$node->safe_psql('postgres', 'SELECT pg_sleep(0.6)');
	}
	note("$name, kB after each cycle: @sizes");
	return @sizes;
}

$node->safe_psql('postgres', q{SELECT stash.create('short', 'unlogged')});
my @sizes = cycles('short', 'pg_total_relation_size', q{, '0.5 s'});
cmp_ok($sizes[9], '<=', 1.5 * $sizes[2], 'expiry, with autovacuum: as large as after three cycles');

$node->safe_psql('postgres', q{SELECT stash.create('few', 'unlogged', max_entries => 10000)});
@sizes = cycles('few', 'pg_total_relation_size', '');
cmp_ok($sizes[9], '<=', 1.5 * $sizes[2], 'eviction, with autovacuum');
my $count = $node->safe_psql('postgres', q{SELECT count(*) FROM few});
note("$count entries");
cmp_ok($count, '<=', 11250, 'and no more than an eighth too many');
cmp_ok($count, '>=', 8750, 'nor too few');

$node->safe_psql('postgres', q{SELECT stash.create('alone', 'unlogged'); ALTER TABLE alone SET (autovacuum_enabled = off)});
@sizes = cycles('alone', 'pg_relation_size', q{, '0.5 s'});
cmp_ok($sizes[9], '<=', 3 * $sizes[0], 'the table without autovacuum: ten times the entries in three times the space');

$node->stop;
done_testing();
