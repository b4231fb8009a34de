# Times of last use are shared by all sessions, on a standby too; a restart forgets them; without shared memory each
# session has its own. An entry got by one session survives the puts of another.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('last_use');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', 'dynamic_shared_memory_type = mmap');
$node->start;

my $keys = q{SELECT string_agg(stash.value(key, NULL::text), ' ' ORDER BY created_at) FROM s};
my $used = q{SELECT string_agg(stash.value(key, NULL::text), ' ' ORDER BY created_at)
	FROM s WHERE stash.used_at('s', key_hash) > clock_timestamp() - interval '1 hour'};

$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_hashstash;
	SELECT stash.create('s', max_entries => 3, evict => 'lru');
	SELECT stash.put('s', k, 1) FROM unnest('{a,b,c}'::text[]) AS k});
is($node->safe_psql('postgres', $used), '', 'what was only put is not used');
$node->safe_psql('postgres', q{SELECT pg_sleep(0.03); SELECT stash.get('s', 'a')});
is($node->safe_psql('postgres', $used), 'a', 'another session knows');
$node->safe_psql('postgres', q{SELECT pg_sleep(0.03); SELECT stash.put('s', 'd', 1)});
is($node->safe_psql('postgres', $keys), 'a c d', 'and evicts another one');

# many sessions at once, the first ones of a server
$node->restart;
is($node->safe_psql('postgres', $used), '', 'a restart forgets');
$node->restart;
$node->pgbench('--no-vacuum --client=10 --transactions=20', 0, [qr{200/200}], [qr{^$}],
	'ten sessions at once', { '015_get' => q{SELECT stash.get('s', 'a'), stash.get('s', 'd')} });
is($node->safe_psql('postgres', $used), 'a d', 'all have used the same memory');
is(slurp_file($node->logfile) =~ /could not share memory/ ? 'complains' : 'silent', 'silent', 'and had it');

# from a subtransaction that is rolled back, and a transaction that is
$node->restart;
is($node->safe_psql('postgres', qq{BEGIN; SAVEPOINT s; SELECT stash.get('s', 'c') IS NULL; ROLLBACK TO s; ROLLBACK; $used}),
	"f\nc", 'uses are not rolled back');

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT stash.get('s', 'd'); $used"), "int4:1\nd", 'a standby has uses of its own');
$standby->stop;

# no memory to share
$node->restart;
my $folder = $node->data_dir . '/pg_dynshmem';
chmod 0500, $folder;
is($node->safe_psql('postgres', "SELECT stash.get('s', 'c'); $used"), "int4:1\nc", 'without shared memory: own uses');
is($node->safe_psql('postgres', $used), '', 'nobody else knows');
like(slurp_file($node->logfile), qr/could not share memory "pg_hashstash used"/, 'the log tells');
unlike(slurp_file($node->logfile), qr/WARNING|leak/, 'and nothing is left behind');
chmod 0700, $folder;
is($node->safe_psql('postgres', "SELECT stash.get('s', 'a'); $used"), "int4:1\na", 'as soon as there is memory it is used');
is($node->safe_psql('postgres', $used), 'a', 'by all');

$node->stop;
done_testing();
