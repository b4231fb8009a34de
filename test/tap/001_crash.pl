# 001_crash.pl: after a crash every committed entry is there, whole, and no other
#
# Sessions put values while a plain table, written in the same transactions, notes which key has which
# value. All processes of the server are killed at once, so that puts are cut anywhere.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use Crash;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = 4;

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', 'shared_buffers = 1MB');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
SELECT stash.create('kept');
SELECT stash.create('lost', persistence => 'unlogged');
CREATE SEQUENCE writes;
CREATE TABLE committed (k int PRIMARY KEY, n bigint NOT NULL);

-- 32 bytes to 10 kB that do not compress, so that some are in the row and some are toasted
CREATE FUNCTION content(k int, n bigint) RETURNS text
	IMMUTABLE LANGUAGE sql AS $$
	SELECT string_agg(md5(format('%s %s %s', k, n, i)), '') FROM generate_series(1, 1 + k % 320) i
$$;
SQL

# the row of "committed" is locked first, so that both tables see the writers of a key in the same order
my $script = $node->basedir . '/put.sql';
append_to_file($script, <<'SQL');
\set k random(1, 2000)
\set ending random(1, 10)
SELECT nextval('writes') AS n \gset
BEGIN;
INSERT INTO committed VALUES (:k, :n) ON CONFLICT (k) DO UPDATE SET n = excluded.n;
SELECT stash.put('kept', :k, content(:k, :n));
SELECT stash.put('lost', :k, content(:k, :n));
\if :ending = 1
ROLLBACK;
\else
COMMIT;
\endif
SQL

my $writes = 0;

for my $round (1 .. $rounds)
{
	my $output = '';
	my $bench = IPC::Run::start(
		[ 'pgbench', '-n', '-c', 4, '-T', 120, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \$output, '2>&1');

	$writes += 300;
	$node->poll_query_until('postgres', "SELECT last_value > $writes FROM writes")
	  or die "no progress: $output";
	# one recovery begins in the middle of the load
	$node->safe_psql('postgres', 'CHECKPOINT') if $round == 2;
	sleep(rand(0.3));
	crash($node);
	$bench->finish;
	$node->start;
	check("round $round");
	$writes = $node->safe_psql('postgres', 'SELECT last_value FROM writes');
}
$node->stop;
done_testing();

# trap 53: crash
sub check
{
	my ($when) = @_;

	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM committed'), '>', 100, "$when: something was committed");
	is($node->safe_psql('postgres', <<'SQL'), '', "$when: every committed value is there and whole");
SELECT k FROM committed
WHERE stash.get('kept', k, NULL::text) IS DISTINCT FROM content(k, n)
ORDER BY k LIMIT 5
SQL
	is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM kept) - (SELECT count(*) FROM committed)'),
		'0', "$when: nothing else is there");
	is( $node->safe_psql('postgres', "SELECT count(stash.get('lost', k, NULL::text)) FROM committed"),
		'0', "$when: an unlogged stash is empty, not wrong");
	is( $node->safe_psql('postgres', "SELECT stash.put('kept', -1, 'again'); SELECT stash.get('kept', -1, NULL::text)"),
		"1\nagain", "$when: the stash takes new values");
	$node->safe_psql('postgres', "SELECT stash.remove('kept', -1)");
	return;
}
