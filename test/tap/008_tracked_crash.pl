# 008_tracked_crash.pl: answers over tracked tables are right through prepared transactions, crashes and OIDs that come again

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('tracked');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE TABLE sale (n int);
INSERT INTO sale VALUES (1);
SELECT stash.track('sale');
CREATE FUNCTION helper() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 0; END';
CREATE FUNCTION total() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN (SELECT sum(n) FROM sale) + helper();
END
$$;
CREATE FUNCTION who() RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN current_user;
END
$$;
SELECT stash.memoize('total()'), stash.memoize('who()');
SQL

# What statements return, and how many answers were computed for it.
sub call
{
	my ($sql) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', $sql);

	is($ret, 0, $sql) or diag($err);
	return join ' ', $out =~ s/\n/ /gr, scalar(() = $err =~ /computed/g);
}

sub crash { $node->stop('immediate'); $node->start; return; }

# trap 36: a prepared change counts from COMMIT PREPARED on
is(call('SELECT total(); SELECT total()'), '1 1 1', 'remembered');
is(call("BEGIN; INSERT INTO sale VALUES (10); SELECT total(); PREPARE TRANSACTION 'one'; SELECT total()"),
	'11 1 1', 'prepared: the session that did it has the old answer again');
is(call('SELECT total()'), '1 0', 'so have others');
crash();
is(call('SELECT total()'), '1 0', 'also after a crash');
is(call("COMMIT PREPARED 'one'; SELECT total(); SELECT total()"), '11 11 1', 'committed by another session: the new one');
call("BEGIN; INSERT INTO sale VALUES (100); PREPARE TRANSACTION 'two'; ROLLBACK PREPARED 'two'");
is(call('SELECT total()'), '11 0', 'rolled back: nothing has changed');
is(call("BEGIN; DELETE FROM sale WHERE n > 1; SELECT total(); PREPARE TRANSACTION 'three'; COMMIT PREPARED 'three'; SELECT total()"),
	'1 1 2', 'committed by the session itself');
is( call("SELECT stash.forget('total()'); BEGIN; CREATE TABLE gets_xid (); SELECT total(); INSERT INTO sale VALUES (3); PREPARE TRANSACTION 'four';"
		  . "COMMIT PREPARED 'four'; SELECT total()") =~ s/^\d+ //r,
	'1 4 2', 'an answer that the transaction computed before its change is stale');

# trap 53: a change is as durable as what it makes stale
is(call('SELECT total()'), '4 0', 'remembered');
call('INSERT INTO sale VALUES (5)');
crash();
is(call('SELECT total(); SELECT total()'), '9 9 1', 'a change survives the crash');
crash();
is(call('SELECT total()'), '9 0', 'so does an answer');
for my $round (1 .. 3)
{
	call('SET synchronous_commit = off; INSERT INTO sale VALUES (7); SELECT total()');
	crash();
	is(call('SELECT total() = total_uncached()') =~ s/ \d+$//r, 't', 'the change and its note are lost together, or neither');
}
call('ALTER TABLE total_stash SET UNLOGGED');
call('SET pg_hashstash.memo = refresh; SELECT total()');
call('INSERT INTO sale VALUES (8); SELECT total(); SELECT total()');
crash();
is($node->safe_psql('postgres', 'SELECT count(*) FROM total_stash'), '0', 'a stash that is not logged is empty');
is(call('SELECT total() = total_uncached()'), 't 2', 'and the answer computed');

# trap 82: what is made again may get the OID of what was there
sub remake
{
	my ($oid_of, $drop, $create, $what) = @_;
	my $before = $node->safe_psql('postgres', "SELECT $oid_of");

	$node->safe_psql('postgres', $drop);
	# an OID is not given as long as a dead row has it
	$node->safe_psql('postgres', 'VACUUM pg_class, pg_type, pg_proc, pg_authid');
	$node->stop;
	command_ok([ 'pg_resetwal', '--next-oid', $before, $node->data_dir ], "$what: the next OID");
	$node->start;
	$node->safe_psql('postgres', $create);
	is($node->safe_psql('postgres', "SELECT $oid_of"), $before, "$what: the same OID");
	return;
}
call('ALTER TABLE total_stash SET LOGGED');
call('TRUNCATE sale; INSERT INTO sale VALUES (1); SELECT total()');
is(call('SELECT total()'), '1 0', 'remembered');
remake(q{'sale'::regclass::oid}, 'DROP TABLE sale', 'CREATE TABLE sale AS SELECT 50 AS n', 'a table');
is(call('SELECT total()'), '50 1', 'a table that is not tracked yet');
remake(q{'sale'::regclass::oid}, 'DROP TABLE sale', q{CREATE TABLE sale AS SELECT 60 AS n; SELECT stash.track('sale')}, 'a tracked table');
is(call('SELECT total(); SELECT total()'), '60 60 1', 'another table with the OID of the first');
remake(
	q{'helper()'::regprocedure::oid}, 'DROP FUNCTION helper()',
	q{CREATE FUNCTION helper() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1000; END'}, 'a function');
is(call('SELECT total(); SELECT total()'), '1060 1060 1', 'another function with the OID of the one that was called');
$node->safe_psql('postgres', 'CREATE ROLE regress_stash_first');
is(call('SET ROLE regress_stash_first; SELECT who(); SELECT who()'), 'regress_stash_first regress_stash_first 1', 'as a role');
remake(
	q{max(oid) FROM pg_authid WHERE rolname LIKE 'regress_stash_%'}, 'DROP ROLE regress_stash_first',
	'CREATE ROLE regress_stash_second', 'a role');
is(call('SET ROLE regress_stash_second; SELECT who()'), 'regress_stash_second 1', 'another role with the OID of the first');

$node->stop;
done_testing();
