# Maps over many inputs: workers are other processes with the caller's identity, none blocks another, whoever ends ends
# them, one that ends fails one input, and where there are none the session computes alone.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = PostgreSQL::Test::Cluster->new('map');
$node->init;
$node->append_conf('postgresql.conf', "max_worker_processes = 8\nrestart_after_crash = on\nlog_min_messages = warning");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_hashstash;
	CREATE FUNCTION pid_after(s float8) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(s); RETURN pg_backend_pid(); END $$;
	CREATE FUNCTION slow_square(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(CASE WHEN a > 10 THEN 1000 ELSE 0 END); RETURN a * a; END $$;
	SELECT stash.memoize('slow_square(int)');
	CREATE FUNCTION clock(a int) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN now(); END $$;
	CREATE FUNCTION read(a int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN pg_read_file('PG_VERSION'); END $$;
	CREATE FUNCTION who(a int) RETURNS text LANGUAGE sql AS $$ SELECT session_user || ' ' || current_user || ' ' || current_setting('role') || ' ' || current_setting('is_superuser') $$;
	CREATE ROLE nobody;
	CREATE ROLE reader IN ROLE pg_read_all_stats;
	CREATE ROLE other NOLOGIN;
	CREATE ROLE owner NOLOGIN IN ROLE other});

my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_hashstash map worker'};
my $asleep = "$workers AND wait_event = 'PgSleep'";
my $caller = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND query LIKE '%stash.map%' AND pid <> pg_backend_pid()};

# a session that maps in the background, once its workers are at work
sub in_background
{
	my ($sql, $n) = @_;
	my $session = { in => '', out => '', err => '' };
	$session->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ], \$session->{in}, \$session->{out}, \$session->{err});
	$node->poll_query_until('postgres', "$asleep", $n) or die "workers do not start: $session->{err}";
	return $session;
}

sub is_over_within
{
	my ($seconds, $name) = @_;
	my $start = time;
	usleep(20_000) while time - $start < 10 && $node->safe_psql('postgres', $workers) ne '0';
	cmp_ok(time - $start, '<', $seconds, $name);
}

# --- workers

is($node->safe_psql('postgres', q{SELECT count(DISTINCT result::int), count(*) FILTER (WHERE result::int = pg_backend_pid())
	FROM stash.map('pid_after(float8)', array_fill(0.2::float8, '{12}'), workers => 4)}), '4|0', 'four processes, none the caller');
my $start = time;
$node->safe_psql('postgres', q{SELECT count(*) FROM stash.map('pg_sleep(float8)', array_fill(0.1::float8, '{64}'), workers => 4)});
cmp_ok(time - $start, '<', 4, '6.4 s of sleep in four processes');
# trap 66: one slow item blocks all
is($node->safe_psql('postgres', q{SELECT string_agg(ord::text, ',' ORDER BY n) FILTER (WHERE n > 200) FROM (
	SELECT m.ord, row_number() OVER () AS n FROM stash.map('pid_after(float8)', array_prepend(1.5::float8, array_fill(0::float8, '{200}')), workers => 2) AS m) AS t}),
	'1', 'a slow input comes last, and holds up none');
# a transaction for each, so that now() goes on
is($node->safe_psql('postgres', q{SELECT count(DISTINCT result::text) FROM stash.map('clock(int)', '{1,2,3}'::int[], workers => 1)}), '3', 'each call is a transaction');

# --- who ends them

my $map = q{SELECT * FROM stash.map('slow_square(int)', '{1,2,11,12}'::int[], workers => 2)};
my $session = in_background($map, '2');
is($node->safe_psql('postgres', q{SELECT function || ' ' || done || ' ' || total || ' ' || workers FROM stash.progress}), 'slow_square(integer) 2 4 2', 'progress, for others to see');
is($node->safe_psql('postgres', 'SET ROLE nobody; SELECT count(*) FROM stash.progress'), '0', 'not for everybody');
is($node->safe_psql('postgres', 'SET ROLE reader; SELECT count(*) FROM stash.progress'), '1', 'but for those who may read statistics');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM ($caller) AS c");
is_over_within(1, 'canceled: workers end within a second');
$session->{run}->finish;
like($session->{err}, qr/canceling statement due to user request/, 'the caller was canceled');
is($node->safe_psql('postgres', q{SELECT stash.peek('slow_square(int)', 2)}), 'int4:4', 'what workers remembered stays');
is($node->safe_psql('postgres', 'SELECT count(*) FROM stash.progress'), '0', 'no progress is left');

$session = in_background($map, '2');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM ($caller) AS c");
is_over_within(1, 'terminated: so do they');
$session->{run}->finish;

$session = in_background("SET statement_timeout = '2s'; $map", '2');
$session->{run}->finish;
is_over_within(1, 'timed out: so do they');
like($session->{err}, qr/statement timeout/, 'the caller was timed out');

$session = in_background(q{SELECT stash.map_async('slow_square(int)', '{13,14}'::int[]); SELECT pg_sleep(1)}, '2');
$session->{run}->finish;
is_over_within(1, 'handles end with the session');

# --- a worker that ends

$session = in_background(q{SELECT ord, error FROM stash.map('pid_after(float8)', '{1000,0,0,2,0}'::float8[], workers => 2, ordered => true)}, '2');
# the other one has finished meanwhile
usleep(2_500_000);
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_hashstash map worker'});
$session->{run}->finish;
is($session->{out}, "1|57P01: the worker ended while it computed this\n2|\n3|\n4|\n5|\n", 'its input fails, the others arrive');
# all of them: the caller computes the rest
$session = in_background(q{SELECT count(*) FILTER (WHERE error LIKE '57P01%'), count(result), count(*) FILTER (WHERE result::int = pg_backend_pid())
	FROM stash.map('pid_after(float8)', array_cat('{1000,1000}'::float8[], array_fill(0.0::float8, '{20}')), workers => 2)}, '2');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_hashstash map worker'});
$session->{run}->finish;
is($session->{out}, "2|20|20\n", 'all workers have ended: the caller goes on alone');
# a cancel is an error of the input
$session = in_background(q{SELECT count(*) FILTER (WHERE error LIKE '57014%'), count(result) FROM stash.map('pid_after(float8)', '{1000,0,0}'::float8[], workers => 1)}, '1');
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_hashstash map worker'});
$session->{run}->finish;
is($session->{out}, "1|2\n", 'a worker that is canceled goes on with the next');

# a worker waits for what the caller has locked, and the caller for it
$node->safe_psql('postgres', q{CREATE TABLE locked (n int); CREATE FUNCTION of_locked(int) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM locked WHERE n > $1'});
my ($status, $stdout, $stderr) = $node->psql('postgres', q{BEGIN; TRUNCATE locked; SELECT * FROM stash.map('of_locked(int)', '{1,2}'::int[])});
like($stderr, qr/deadlock detected.*waits for a lock of this transaction/s, 'a lock of the caller is a deadlock');
is($node->safe_psql('postgres', q{SELECT count(result) FROM stash.map('of_locked(int)', '{1,2}'::int[])}), '2', 'which ends with it');

# --- whose rights

is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION owner; SET ROLE other; SELECT result::text FROM stash.map('who(int)', '{1}'::int[])}),
	'owner other other off', 'of a role that may not log in');
is($node->safe_psql('postgres', q{SET ROLE owner; SELECT result::text = who(1) FROM stash.map('who(int)', '{1}'::int[])}), 't', 'of a role that was set');
is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION owner; SELECT result::text = who(1) FROM stash.map('who(int)', '{1}'::int[])}), 't', 'of a session authorization');
is($node->safe_psql('postgres', q{SELECT result::text = who(1) FROM stash.map('who(int)', '{1}'::int[])}), 't', 'of a superuser');
like($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION owner; SELECT error FROM stash.map('read(int)', '{1}'::int[])}), qr/^42501: permission denied for function pg_read_file/, 'and no more rights');

# --- none free

my $others = q{SELECT stash.map_async('pid_after(float8)', array_fill(5::float8, '{32}'), workers => 32);};
is($node->safe_psql('postgres', qq{SET pg_hashstash.map_max_workers = 32; $others
	SELECT count(*), count(*) FILTER (WHERE result::int = pg_backend_pid()) FROM stash.map('pid_after(float8)', array_fill(0::float8, '{10}'), workers => 4)}), "1\n10|10", 'none is free: the session computes alone');
is_over_within(2, 'all gone');
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
is($node->safe_psql('postgres', q{SELECT count(result), count(error) FROM stash.map('pid_after(float8)', array_fill(0::float8, '{10}'))}), '10|0', 'there are none at all');
is($node->safe_psql('postgres', q{SELECT stash.map_async('pid_after(float8)', array_fill(0::float8, '{10}')) AS h \gset
	SELECT count(result), count(error) FROM stash.map_results(:h)}), '10|0', 'nor for a map that goes on');

unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP|leak/, 'all without a crash or a leak');

# --- kill -9: the server cannot know what a process did to shared memory, and begins anew

$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
$session = in_background($map, '2');
kill 'KILL', split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_hashstash map worker' LIMIT 1});
$session->{run}->finish;
like($session->{err}, qr/terminating connection because of crash|server closed the connection/, 'kill -9 of a worker is that of any process of the server');
ok($node->poll_query_until('postgres', 'SELECT true'), 'it comes back');
is($node->safe_psql('postgres', q{SELECT count(result) FROM stash.map('slow_square(int)', '{1,2,3}'::int[])}), '3', 'and maps');
$node->stop;
done_testing();
