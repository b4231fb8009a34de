# 008_change_slots.pl: notes of a table that is written often are written over, and nobody takes a stale answer for it

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $subscriber) = map { PostgreSQL::Test::Cluster->new($_) } qw(slots subscriber);
for ($node, $subscriber)
{
	$_->init(allows_streaming => 'logical');
	$_->append_conf('postgresql.conf', "max_prepared_transactions = 5\nautovacuum = off");
	$_->start;
	$_->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE TABLE sale (n int);
SELECT stash.track('sale');
CREATE FUNCTION total() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN (SELECT count(*) FROM sale);
END
$$;
SELECT stash.memoize('total()');
SQL
}
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION slots() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM stash.change WHERE relation = ''sale''::regclass AND place <> xid';
CREATE PROCEDURE write(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..n LOOP
		INSERT INTO sale VALUES (i);
		COMMIT;
	END LOOP;
END $$;
SQL

# What statements return, and how many answers were computed for it.
sub call
{
	my ($sql) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 1);

	is($ret, 0, $sql) or diag($err);
	return join ' ', $out =~ s/\n/ /gr, scalar(() = $err =~ /computed/g);
}

sub count { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }

# one transaction in 256 makes slots, by chance
my $writes = 0;
is(count('SELECT slots()'), '0', 'a table that is written seldom has none');
while (count('SELECT slots()') == 0 && $writes < 8000)
{
	$node->safe_psql('postgres', 'CALL write(100)');
	$writes += 100;
}
is(count('SELECT slots()'), '16', 'one that is written often has slots');

# they are written over: no row is added, none deleted
my $rows = q{SELECT count(*) || ' ' || count(*) FILTER (WHERE place = xid) FROM stash.change WHERE relation = 'sale'::regclass};
my $before = count($rows);
my $newest = count(q{SELECT max(xid) FROM stash.change WHERE relation = 'sale'::regclass});
$node->safe_psql('postgres', 'CALL write(50)');
is(count($rows), $before, '50 transactions later there are as many rows');
ok(count("SELECT max(xid) > '$newest' FROM stash.change WHERE relation = 'sale'::regclass") eq 't', 'the newest is a later transaction');

# a change is seen, whoever made it, whatever else stood in its slot
my $total = count('SELECT count(*) FROM sale');
call('SELECT total()');
for my $round (1 .. 20)
{
	is(call('SELECT total()'), "$total 0", 'remembered');
	$node->safe_psql('postgres', 'CALL write(' . ($round % 3 + 1) . ')');
	$total += $round % 3 + 1;
	is(call('SELECT total(); SELECT total()'), "$total $total 1", 'a change is seen, once');
}

# the slot belongs to a transaction that is prepared: the next one notes beside it, and waits for nobody
is( call(
		"SET statement_timeout = '60s'; BEGIN; INSERT INTO sale VALUES (1); PREPARE TRANSACTION 'one';"
		  . 'INSERT INTO sale VALUES (2); SELECT total(); SELECT total()'),
	($total + 1) . ' ' . ($total + 1) . ' 1', 'the slot is in use');
is(count($rows), $before =~ s/(\d+) (\d+)/($1 + 1) . ' ' . ($2 + 1)/er, 'a note of its own');
is(call("SELECT total(); COMMIT PREPARED 'one'; SELECT total()"), ($total + 1) . ' ' . ($total + 2) . ' 1', 'what was prepared counts from its commit on');
$total += 2;

# what is rolled back is not there, and the slot can be written again
is(call('BEGIN; INSERT INTO sale VALUES (1); ROLLBACK; SELECT total()'), "$total 0", 'rolled back');
is(call('BEGIN; SAVEPOINT a; INSERT INTO sale VALUES (1); ROLLBACK TO a; INSERT INTO sale VALUES (2); COMMIT; SELECT total()'),
	++$total . ' 1', 'rolled back in part');
is( call(
		'BEGIN; SAVEPOINT a; INSERT INTO sale VALUES (1); RELEASE a; SAVEPOINT b; INSERT INTO sale VALUES (2); ROLLBACK TO b; COMMIT;'
		  . 'SELECT total(); SELECT total()'),
	++$total . " $total 1", 'released, and rolled back after it');

# a snapshot that does not see what was written over still finds what it sees
my $old = $node->background_psql('postgres');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT total()');
$node->safe_psql('postgres', 'CALL write(3)') for 1 .. 20;
is($old->query_safe('SELECT total()'), $total, 'an old snapshot');
is(call('SELECT total(); SELECT total()'), ($total + 60) . ' ' . ($total + 60) . ' 1', 'a new one');
is($old->query_safe('SELECT total()'), $total, 'the old one again');
$old->query_safe('COMMIT');
is($old->query_safe('SELECT total()'), $total + 60, 'and a new one of the same session');
$old->quit;
$total += 60;

# a publication of all tables publishes notes, too: another server takes them, and does not believe them
$node->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION everything CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION everything");
$subscriber->wait_for_subscription_sync($node, 'everything');
$node->safe_psql('postgres', 'CALL write(20)');
$node->wait_for_catchup('everything');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM sale'), $total + 20, 'all came over');
is($subscriber->safe_psql('postgres', 'SELECT apply_error_count FROM pg_stat_subscription_stats'), '0', 'without an error');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION everything');

$_->stop for $node, $subscriber;
done_testing();
