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

# a stash is a table like others: what a prepared transaction did to it is done at COMMIT PREPARED
sub query { return $node->safe_psql('postgres', $_[0]) =~ s/\n/ /gr }

query(q{SELECT stash.create('s'), stash.create('v', keep_versions => 2); SELECT stash.put('s', 'old', 1)});
query(q{BEGIN; SELECT stash.put('s', 'k', 1), stash.pop('s', 'old'), stash.get_or_put('s', 'l', 2),
	stash.put('v', 'k', n), stash.get_or_put('v', 'l', 1) FROM generate_series(1, 3) n; PREPARE TRANSACTION 'three'});
my $state = q{SELECT stash.get('s', 'k', 0), stash.has('s', 'old'), stash.has('s', 'l'), stash.count('v')};
is(query($state), '|t|f|0', 'a stash before COMMIT PREPARED');
my (undef, undef, $err) = $node->psql('postgres', q{SET lock_timeout = '100ms'; SELECT stash.get_or_put('v', 'l', 2)});
like($err, qr/lock timeout/, 'who asks for a key that is being put waits');
$node->stop('immediate');
$node->start;
query(q{COMMIT PREPARED 'three'});
is(query($state), '1|f|t|2', 'and after, though the server crashed between');
is(query(q{SELECT version, value FROM stash.versions('v', 'k')}), '3|int4:3 2|int4:2', 'versions, too');
is(query(q{SELECT stash.get_or_put('v', 'l', 2)}), 'int4:1', 'the value is the one that was prepared');

# a new definition of a table, whose lock is held while it is prepared
query(q{CREATE TABLE t AS SELECT 1 AS n; SELECT stash.track('t');
	CREATE FUNCTION of_t() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT n FROM t); END'; SELECT stash.memoize('of_t()')});
my $why = q{SELECT value FROM stash.explain('of_t()') WHERE item IN ('verdict', 'reason')};
is(query("SELECT of_t(); $why"), '1 hit', 'remembered');
query(q{BEGIN; ALTER TABLE t ADD m int; PREPARE TRANSACTION 'four'});
is(query($why), 'hit', 'what is prepared has not happened');
query(q{COMMIT PREPARED 'four'});
like(query($why), qr/^miss public\.t: a definition or a right has changed/, 'what is committed has');

$node->stop;
done_testing();
