# One session computes an answer, others that ask for it meanwhile wait for it; nobody waits in vain.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = PostgreSQL::Test::Cluster->new('flight');
$node->init;
$node->append_conf('postgresql.conf', "log_min_messages = notice\nmax_connections = 50\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE TABLE guarded (n int);
INSERT INTO guarded VALUES (1);
CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing slow(%)', n;
	PERFORM pg_sleep(1);
	RETURN n;
END $$;
CREATE FUNCTION impatient(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing impatient(%)', n;
	PERFORM pg_sleep(1);
	RETURN n;
END $$;
CREATE FUNCTION rows(n int) RETURNS SETOF int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing rows(%)', n;
	PERFORM pg_sleep(1);
	RETURN QUERY SELECT generate_series(1, n);
END $$;
CREATE FUNCTION fails(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing fails(%)', n;
	PERFORM pg_sleep(0.5);
	RETURN 1 / 0;
END $$;
CREATE FUNCTION locks(n int) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing locks(%)', n;
	RETURN (SELECT sum(g.n) FROM guarded g);
END $$;
CREATE FUNCTION not_kept(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing not_kept(%)', n;
	PERFORM pg_sleep(0.5);
	RETURN (SELECT g.n FROM guarded g);
END $$;
CREATE FUNCTION ages(n int) RETURNS timestamptz STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing ages(%)', n;
	PERFORM pg_sleep(1);
	RETURN clock_timestamp();
END $$;
-- each asks for the other
CREATE FUNCTION ping(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
CREATE FUNCTION pong(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing pong(%)', n;
	PERFORM pg_sleep(0.5);
	RETURN CASE WHEN n > 0 THEN ping(n - 1) ELSE 0 END;
END $$;
CREATE OR REPLACE FUNCTION ping(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing ping(%)', n;
	PERFORM pg_sleep(0.5);
	RETURN CASE WHEN n > 0 THEN pong(n - 1) ELSE 0 END;
END $$;
CREATE TABLE read AS SELECT 1 AS n;
CREATE FUNCTION dropped(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing dropped(%)', n;
	PERFORM pg_sleep(n);
	RETURN $1 * (SELECT r.n FROM read r);
END $$;
SELECT stash.track('read');
SELECT stash.memoize('dropped(int)', volatile => true);
SELECT stash.memoize(f) FROM unnest('{slow(int),rows(int),fails(int),locks(int),ping(int),pong(int),not_kept(int)}'::regprocedure[]) f;
SELECT stash.memoize('impatient(int)', wait => '0');
SELECT stash.memoize('ages(int)', ttl => '1.5 seconds', stale => '1 hour');
SQL

# start psql on some statements; what comes of them is known after finish()
sub begin
{
	my @statements = @_;
	my %session = (out => '', err => '', start => time);
	$session{run} = IPC::Run::start(
		[
			'psql', '-X', '-A', '-t', '-q', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr('postgres'),
			map { ('-c', $_) } @statements
		],
		'<', \undef, '>', \$session{out}, '2>', \$session{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return \%session;
}

sub finish
{
	foreach my $session (@_)
	{
		$session->{run}->finish;
		$session->{took} = time - $session->{start};
		$session->{out} =~ s/\s+\z//;
	}
}

sub computed
{
	my ($call) = @_;
	return scalar(() = slurp_file($node->logfile) =~ /computing \Q$call\E/g);
}

sub wait_for_computing
{
	my ($call, $times) = @_;
	for (1 .. 1800)
	{
		return if computed($call) >= ($times // 1);
		sleep 0.1;
	}
	die "$call was not computed";
}

# connections are made one after the other: give them the time
my @sessions = map { begin('SELECT slow(1)') } 1 .. 8;
finish(@sessions);
is(join(' ', map { $_->{out} } @sessions), '1 1 1 1 1 1 1 1', 'eight sessions ask at once');
is(computed('slow(1)'), 1, 'one computes');

@sessions = map { begin('SELECT sum(r) FROM rows(10) r') } 1 .. 4;
finish(@sessions);
is(join(' ', map { $_->{out} } @sessions), '55 55 55 55', 'so with sets');
is(computed('rows(10)'), 1, 'one computes');

@sessions = map { begin('SELECT impatient(1)') } 1 .. 2;
finish(@sessions);
is(computed('impatient(1)'), 2, 'who will not wait computes');

# nobody sees what a transaction block has kept before it ends
my $holder = begin('BEGIN', 'SELECT slow(2)', 'SELECT pg_sleep(5)', 'COMMIT');
wait_for_computing('slow(2)');
my $waiter = begin('SELECT slow(2)');
finish($waiter);
is($waiter->{out}, '2', 'waiting for a transaction block');
cmp_ok($waiter->{took}, '<', 4, 'is over when it has computed');
is(computed('slow(2)'), 2, 'then the waiter computes');
finish($holder);

# nor what a statement has that goes on to other things
$holder = begin('SELECT slow(51), pg_sleep(8)');
wait_for_computing('slow(51)');
$waiter = begin('SELECT slow(51)');
finish($waiter);
is($waiter->{out}, '51', 'waiting for a long statement');
cmp_ok($waiter->{took}, '<', 6, 'takes no longer than computing did');
is(computed('slow(51)'), 2, 'then the waiter computes');
finish($holder);

# trap 40: who computes is gone, a waiter is cancelled, a lock of the waiter, two that ask for each other
# the one who computes is gone
$holder = begin('SELECT slow(3)');
wait_for_computing('slow(3)');
@sessions = map { begin('SELECT slow(3)') } 1 .. 3;
sleep 0.3;
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT slow(3)' ORDER BY backend_start LIMIT 1");
finish($holder, @sessions);
is(join(' ', map { $_->{out} } @sessions), '3 3 3', 'the session that computes is terminated');
is(computed('slow(3)'), 2, 'one of the waiters takes over');

# one who waits is cancelled
$holder = begin('SELECT slow(4)');
wait_for_computing('slow(4)');
$waiter = begin("SET statement_timeout = '300ms'", 'SELECT slow(4)');
my $other = begin('SELECT slow(4)');
finish($waiter);
like($waiter->{err}, qr/57014/, 'a waiter can be cancelled');
cmp_ok($waiter->{took}, '<', 0.9, 'at once');
finish($holder, $other);
is("$holder->{out} $other->{out}", '4 4', 'the others go on');
is(computed('slow(4)'), 1, 'as if it had not been there');

# trap 39: an error
# errors are everybody's own
@sessions = map { begin('SELECT fails(1)') } 1 .. 3;
finish(@sessions);
is(scalar(grep { $_->{err} =~ /22012/ } @sessions), 3, 'an error is not remembered');
is(computed('fails(1)'), 3, 'each computes, one after the other');

# the one who computes waits for a lock of ours
my $locker = begin('BEGIN', 'LOCK guarded', 'SELECT pg_sleep(1)', 'SELECT locks(1)', 'COMMIT');
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'guarded'::regclass AND mode = 'AccessExclusiveLock' AND granted");
$holder = begin('SELECT locks(1)');
finish($locker, $holder);
is("$locker->{out} $holder->{out}", "\n1 1", 'who computes waits for a lock of the waiter');
cmp_ok($locker->{took}, '<', 4, 'who does not wait for it');

# the one who computes runs into a timeout, or is the victim of a deadlock, in a transaction that has kept another answer
$holder = begin('BEGIN', 'SELECT slow(31)', "SET LOCAL statement_timeout = '500ms'", 'SELECT slow(32)', 'COMMIT');
wait_for_computing('slow(32)');
$waiter = begin('SELECT slow(32)');
finish($holder, $waiter);
like($holder->{err}, qr/57014/, 'the session that computes runs into a timeout');
is($waiter->{out}, '32', 'the waiter goes on');
is(computed('slow(32)'), 2, 'and computes');
is($node->safe_psql('postgres', 'SELECT slow(31)'), '31', 'what the transaction had kept');
is(computed('slow(31)'), 2, 'is computed again');
$locker = begin("SET deadlock_timeout = '1h'", 'BEGIN', 'LOCK guarded', 'SELECT pg_sleep(1)', 'SELECT pg_advisory_xact_lock(5)', 'COMMIT');
$holder = begin('BEGIN', 'SELECT pg_advisory_xact_lock(5) IS NULL', 'SELECT slow(33)', "SET LOCAL deadlock_timeout = '2s'", 'SELECT locks(3)', 'COMMIT');
wait_for_computing('locks(3)');
$waiter = begin('SELECT locks(3)');
finish($locker, $holder, $waiter);
like($holder->{err}, qr/40P01/, 'the session that computes is the victim of a deadlock');
is($waiter->{out}, '1', 'the waiter goes on');
is(computed('locks(3)'), 2, 'and computes');
is($node->safe_psql('postgres', 'SELECT slow(33)'), '33', 'what the transaction had kept');
is(computed('slow(33)'), 2, 'is computed again');

# two that ask for each other
my $one = begin('SELECT ping(3)');
my $two = begin('SELECT pong(3)');
finish($one, $two);
is("$one->{out} $two->{out}", '0 0', 'two that ask for each other');
cmp_ok($one->{took} > $two->{took} ? $one->{took} : $two->{took}, '<', 6, 'do not wait in a circle');

# what cannot be kept is not waited for again and again
@sessions = map { begin('SELECT not_kept(1)', 'SELECT not_kept(1)') } 1 .. 4;
finish(@sessions);
is(join(' ', map { $_->{out} } @sessions), join(' ', ("1\n1") x 4), 'an answer that cannot be kept');
is(computed('not_kept(1)'), 8, 'is computed by all');
cmp_ok((sort { $b <=> $a } map { $_->{took} } @sessions)[0], '<', 3.5, 'at the same time');

# past its ttl one computes anew, the others get what there is
my $first = $node->safe_psql('postgres', 'SELECT ages(1)');
is($node->safe_psql('postgres', 'SELECT ages(1)'), $first, 'an answer with a ttl');
sleep 0.7;
$holder = begin('SELECT ages(1)');
wait_for_computing('ages(1)', 2);
$waiter = begin('SELECT ages(1)');
finish($waiter);
is($waiter->{out}, $first, 'past its ttl others get the old answer');
cmp_ok($waiter->{took}, '<', 0.9, 'at once');
finish($holder);
isnt($holder->{out}, $first, 'while one computes');
is($node->safe_psql('postgres', 'SELECT ages(1)'), $holder->{out}, 'which all get then');
is(computed('ages(1)'), 2, 'twice in all');

# trap 21: another database computes for itself, though it is a copy, in which everything has the same OIDs
$node->safe_psql('template1', 'CREATE DATABASE copy TEMPLATE postgres');
my $before = computed('slow(21)');
my @copies = (begin('SELECT slow(21), current_database()'), begin('\c copy', 'SELECT slow(21), current_database()'));
finish(@copies);
is(join(' ', map { $_->{out} } @copies), '21|postgres 21|copy', 'two databases');
is(computed('slow(21)') - $before, 2, 'each computes');
cmp_ok($copies[1]{took}, '<', 1.8, 'at the same time');

# the original is dropped while one waits: that is an error, and no more than that
$holder = begin('SELECT dropped(3)');
wait_for_computing('dropped(3)');
$waiter = begin('SELECT dropped(0)', 'SELECT dropped(3)', q{SELECT r FROM read r, jsonb_populate_record(NULL::read, '{}')});
wait_for_computing('dropped(0)');
sleep 0.5;
$node->safe_psql('postgres', 'DROP FUNCTION dropped_uncached CASCADE');
finish($holder, $waiter);
is($holder->{out}, '3', 'who computes what is dropped goes on');
like($waiter->{err}, qr/ERROR:/, 'who waits for it has an error');
is($waiter->{out}, "0\n(1)", 'and goes on with what is there');

my ($ok, $out, $err) = $node->psql('postgres', "SELECT stash.unmemoize('slow(int)'); SELECT stash.memoize('slow(int)', stale => '1 hour')");
like($err, qr/stale needs a ttl/, 'stale without a ttl is refused');

done_testing();
