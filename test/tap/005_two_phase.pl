# What a prepared transaction kept is found when, and only when, it has been committed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('two_phase');
$node->init;
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_hashstash;
	CREATE FUNCTION f(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql
		AS 'BEGIN RAISE NOTICE ''computed %'', n; RETURN -n; END';
	SELECT stash.memoize('f(int)')});

# the numbers for which f is computed in one session
sub computed
{
	my ($sql) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 1);
	is($ret, 0, $sql) or diag($err);
	return join ' ', $err =~ /computed (\d+)/g;
}

is(computed("BEGIN; SELECT f(1); PREPARE TRANSACTION 'one'; SET pg_hashstash.memo = readonly; SELECT f(1);"),
	'1 1', 'prepared: not found, in the same session either');
is(computed('SET pg_hashstash.memo = readonly; SELECT f(1);'), '1', 'nor in another one');
$node->stop('immediate');
$node->start;
is(computed("COMMIT PREPARED 'one'; SELECT f(1);"), '', 'committed after a crash: found');
is(computed("BEGIN; SELECT f(2); PREPARE TRANSACTION 'two'; ROLLBACK PREPARED 'two'; SELECT f(2);"),
	'2 2', 'rolled back: not found');

$node->stop;
done_testing();
