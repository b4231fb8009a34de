# Results in memory that all sessions share: served without the stash, never wrong, gone after a crash.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = q{
	CREATE EXTENSION pg_hashstash;
	CREATE FUNCTION f(n int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
	BEGIN
		RAISE NOTICE 'computing f(%)', n;
		RETURN repeat('v' || n || ' ', 250);
	END $$;
	CREATE FUNCTION nothing(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computing nothing'; RETURN NULL; END $$;
	CREATE TYPE pair AS (a int, b text);
	CREATE FUNCTION pairs(n int) RETURNS SETOF pair IMMUTABLE LANGUAGE plpgsql AS $$
	BEGIN
		RAISE NOTICE 'computing pairs';
		RETURN QUERY SELECT i, 'x' || i FROM generate_series(1, n) i;
	END $$;
	CREATE FUNCTION one_pair(n int) RETURNS pair IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computing one_pair'; RETURN (n, 'x'::text); END $$;
	CREATE TABLE data (k int, v int);
	INSERT INTO data VALUES (1, 10);
	SELECT stash.track('data');
	CREATE FUNCTION total(n int) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
	BEGIN
		RAISE NOTICE 'computing total';
		RETURN (SELECT sum(v) FROM data WHERE k = n);
	END $$;
	CREATE FUNCTION where_am_i() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN current_database() || (SELECT v FROM data); END $$;
	SELECT stash.memoize(f) FROM unnest('{f(int),nothing(int),pairs(int),one_pair(int),total(int),where_am_i()}'::regprocedure[]) f};

sub make_node
{
	my ($name, $settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init;
	$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nrestart_after_crash = on\n$settings");
	$node->start;
	$node->safe_psql('postgres', $schema);
	return $node;
}

# what a new session prints, without the repetitions of f, and what it had to compute
sub asks
{
	my ($node, $sql, $database) = @_;
	my ($out, $err) = ('', '');

	$node->psql($database // 'postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 1);
	$out =~ s/(v\d+) (\1 )*\1\b ?/$1/g;
	$out .= " computing $1" while $err =~ /NOTICE:  computing (.*)/g;
	$out .= " $1" while $err =~ /(ERROR:.*)/g;
	return $out;
}

# where a new session would find the answer to a call
sub found
{
	my ($node, $function, @args) = @_;
	my $where = asks($node, "SELECT value FROM stash.explain(" . join(', ', "'$function'", @args) . ") WHERE item = 'found in'");

	return $where eq 'memory of all sessions' ? 'memory' : $where eq '' ? 'nowhere' : $where;
}

sub scans { return $_[0]->safe_psql('postgres', "SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'f_stash'") }

# ---- without preloading, and with it
for my $settings ('', "shared_preload_libraries = 'pg_hashstash'\n")
{
	my $node = make_node($settings ? 'preloaded' : 'plain', $settings);
	my $how = $settings ? 'preloaded' : 'not preloaded';

	is(asks($node, 'SELECT f(1), f(2)'), 'v1|v2 computing f(1) computing f(2)', "$how: computed once");
	asks($node, 'SELECT nothing(1), count(*) FROM pairs(3); SELECT one_pair(5), total(1)');
	my $before = scans($node);
	is(asks($node, 'SELECT f(1), f(2)'), 'v1|v2', 'another session has it') for 1 .. 5;
	is(scans($node), $before, 'and none of them has looked into the stash');
	is(asks($node, 'SET pg_hashstash.shared_cache = off; SELECT f(1)'), 'v1', 'a session that does not want it');
	cmp_ok(scans($node), '>', $before, 'does look there');
	is(found($node, 'nothing(int)', 1), 'memory', 'a NULL is there, too');
	is(found($node, 'pairs(int)', 3), 'memory', 'and a set');
	is(found($node, 'total(int)', 1), 'memory', 'and an answer with a proof');
	is(found($node, 'one_pair(int)', 5), 'stash', 'a row is not, at first');
	is(asks($node, 'SELECT one_pair(5)'), '(5,x)', 'for it is read from the stash');
	is(found($node, 'one_pair(int)', 5), 'memory', 'but then it is');
	is(asks($node, 'SET pg_hashstash.local_cache_size = 0; SELECT nothing(1) IS NULL, one_pair(5), total(1), (SELECT sum(a) FROM pairs(3))'),
		't|(5,x)|10|6', 'all come back as they were');
	asks($node, 'ALTER TYPE pair ADD ATTRIBUTE c int');
	like(asks($node, 'SET pg_hashstash.local_cache_size = 0; SELECT one_pair(5)'), qr/^ computing one_pair ERROR/, 'a row of a type that has changed does not');
	like(asks($node, 'SET pg_hashstash.local_cache_size = 0; SELECT count(*) FROM pairs(3)'), qr/^ computing pairs ERROR/, 'nor does a set');
	unlike(slurp_file($node->logfile), qr/could not share/, "$how: memory was there");
	$node->stop;
}

my $node = make_node('shared', "shared_preload_libraries = 'pg_hashstash'\n");

# ---- forgetting
# trap 32, 36: forgetting is undone, or comes late
my $fill = 'SELECT f(1), f(2)';
my $computes = 'v1|v2 computing f(1) computing f(2)';
asks($node, $fill);
my $other = $node->background_psql('postgres', on_error_stop => 1);
$other->query_safe("SET client_min_messages = warning; $fill");
asks($node, "SELECT stash.forget('f(int)')");
is(found($node, 'f(int)', 1), 'nowhere', 'what is forgotten is not found by a new session');
is(asks($node, $fill), $computes, 'but computed');
asks($node, 'SELECT 1 FROM stash.forget(\'f(int)\', 1)');
is(asks($node, $fill), 'v1|v2 computing f(1)', 'one call is forgotten');

asks($node, "BEGIN; SELECT stash.forget('f(int)'); ROLLBACK");
is(found($node, 'f(int)', 1), 'memory', 'what was forgotten and rolled back is there');
is(asks($node, "BEGIN; SELECT stash.forget('f(int)'); $fill; ROLLBACK"), "2\n$computes", 'who forgets does not find it');
is(asks($node, "BEGIN; SAVEPOINT s; SELECT stash.forget('f(int)'); ROLLBACK TO s; $fill; COMMIT"), "2\nv1|v2", 'a savepoint brings it back');
asks($node, "BEGIN; SELECT stash.forget('f(int)'); $fill; COMMIT");
is(found($node, 'f(int)', 1), 'memory', 'computed again by who forgot');

asks($node, "BEGIN; SELECT stash.forget('f(int)'); PREPARE TRANSACTION 'p'");
is(found($node, 'f(int)', 1), 'memory', 'forgotten in a prepared transaction: there');
asks($node, "COMMIT PREPARED 'p'");
is(found($node, 'f(int)', 1), 'nowhere', 'until that is committed, by a session that knows nothing of it');
asks($node, "$fill; BEGIN; SELECT stash.forget('f(int)'); PREPARE TRANSACTION 'p'");
asks($node, "ROLLBACK PREPARED 'p'");
is(found($node, 'f(int)', 1), 'memory', 'or for good');

# a snapshot from before that still sees the row in the stash, and brings it to nobody
asks($node, 'SELECT f(3)');
$other->query_safe('SET pg_hashstash.local_cache_size = 0; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
asks($node, "SELECT stash.forget('f(int)')");
like($other->query_safe('SELECT f(3)'), qr/v3/, 'an old snapshot has what was forgotten');
is(found($node, 'f(int)', 3), 'nowhere', 'and gives it to nobody');
$other->query_safe('RESET pg_hashstash.local_cache_size');
like($other->query_safe('SELECT f(9)'), qr/v9/, 'nor what it computes itself');
$other->query_safe('COMMIT');
is(found($node, 'f(int)', 9), 'stash', 'though that is in the stash');

asks($node, "$fill; TRUNCATE f_stash");
is(asks($node, $fill), $computes, 'TRUNCATE forgets');
asks($node, "BEGIN; TRUNCATE f_stash; ROLLBACK");
is(asks($node, $fill), 'v1|v2', 'unless rolled back');
asks($node, "SELECT stash.unmemoize('f(int)'); SELECT stash.memoize('f(int)')");
is(asks($node, $fill), $computes, 'a new stash is empty');

# ---- what is not committed
# trap 31, 32, 36: nothing of it comes to others before the commit
is(asks($node, 'BEGIN; SELECT f(4); ROLLBACK'), 'v4 computing f(4)', 'computed and rolled back');
is(found($node, 'f(int)', 4), 'nowhere', 'nobody has it');
asks($node, 'BEGIN; SELECT f(4); SAVEPOINT s; SELECT f(5); ROLLBACK TO s; COMMIT');
is(found($node, 'f(int)', 4) . found($node, 'f(int)', 5), 'memorynowhere', 'a savepoint that was rolled back takes its own');
asks($node, "BEGIN; SELECT f(6); PREPARE TRANSACTION 'p'");
is(found($node, 'f(int)', 6), 'nowhere', 'of a prepared transaction nobody has it');
asks($node, "COMMIT PREPARED 'p'");
is(found($node, 'f(int)', 6), 'stash', 'then it is in the stash');
asks($node, 'BEGIN; SELECT f(7); SET pg_hashstash.local_cache_size = 0; SELECT f(7); ROLLBACK');
is(found($node, 'f(int)', 7), 'nowhere', 'own rows are not given to others');
is(asks($node, 'BEGIN READ ONLY; SELECT f(8); COMMIT; SELECT f(8)'), "v8\nv8 computing f(8)", 'a read-only transaction');
is(found($node, 'f(int)', 8), 'nowhere', 'gives nothing to others, who would not store it');

# ---- snapshots and sources
# trap 34, 83: nobody gets what is newer, or older, than a snapshot
my $total = 'SELECT total(1)';
asks($node, $total);
$other->query_safe("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
asks($node, 'UPDATE data SET v = 20');
is(asks($node, $total), '20 computing total', 'a change is noticed');
is(found($node, 'total(int)', 1), 'memory', 'and the new answer there');
is($other->query_safe($total), '10', 'but not for a snapshot that is older than it');
$other->query_safe('COMMIT');
is($other->query_safe($total), '20', 'though for that session, later');
is(asks($node, $total), '20', 'nor has what that computed come here');
is(asks($node, "BEGIN; UPDATE data SET v = 30; $total; ROLLBACK; $total"), "30\n20 computing total", 'own changes');
asks($node, 'CREATE ROLE reader; GRANT SELECT ON data TO reader');
is(asks($node, "SET ROLE reader; $total"), '20 computing total', 'another role has answers of its own');
asks($node, 'REVOKE SELECT ON data FROM reader');
is(asks($node, "SET ROLE reader; $total"), ' computing total ERROR:  permission denied for table data', 'and loses them with its rights');
asks($node, 'REVOKE EXECUTE ON FUNCTION f FROM PUBLIC');
like(asks($node, 'SET ROLE reader; SELECT f(1)'), qr/permission denied for function f$/, 'a right to call is asked for');
$other->quit;

# ---- databases
# trap 21, 82: apart by OID, and by what that stands for
$node->safe_psql('postgres', $_) for 'CREATE DATABASE one TEMPLATE postgres', 'CREATE DATABASE two TEMPLATE postgres';
is(asks($node, 'SELECT where_am_i()', $_), $_ . '20', "in database $_") for qw(one two one two);
asks($node, "SELECT stash.forget('where_am_i()')", $_) for qw(one);
# alike to the last OID and row version, but for the content of a table
$node->safe_psql('postgres', $_) for 'DROP DATABASE two', 'CREATE DATABASE two TEMPLATE one';
asks($node, 'UPDATE data SET v = 40', 'two');
$node->safe_psql('postgres', 'CREATE DATABASE again TEMPLATE one OID = 50000');
is(asks($node, 'SELECT total(1)', 'again'), '20 computing total', 'filled');
$node->safe_psql('postgres', $_) for 'DROP DATABASE again', 'CREATE DATABASE again TEMPLATE two OID = 50000';
is(asks($node, 'SELECT total(1)', 'again'), '40 computing total', 'another database with the OID of one that is gone');

# ---- settings
asks($node, $fill);
$node->append_conf('postgresql.conf', 'pg_hashstash.shared_cache_size = 0');
$node->reload;
is(found($node, 'f(int)', 1), 'stash', 'switched off');
$node->append_conf('postgresql.conf', "pg_hashstash.shared_cache_size = '1MB'");
$node->reload;
is(found($node, 'f(int)', 1), 'memory', 'and on, as it was');
$node->append_conf('postgresql.conf', 'pg_hashstash.shared_cache_size = 10kB');
$node->reload;
ok($node->wait_for_log(qr/The least size is 1024 kB; 0 switches the shared cache off/), 'too small a size is refused');
asks($node, $_) for 'CREATE FUNCTION large(n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT repeat(md5(n::text), 40000)$$',
  "SELECT stash.memoize('large(int)'); SELECT length(large(1))";
is(found($node, 'large(int)', 1), 'stash', 'what is too large is in the stash alone');

# ---- bounds
# trap 57: sizes
$node->append_conf('postgresql.conf', "pg_hashstash.shared_cache_size = '1MB'");
$node->restart;
$node->safe_psql('postgres', 'SET client_min_messages = warning; SELECT count(f(n)) FROM generate_series(1, 200) n');
is(asks($node, 'SELECT f(1)'), 'v1', 'one that is used');
$node->safe_psql('postgres', 'SET client_min_messages = warning; SELECT f(1); SELECT count(f(n)) FROM generate_series(201 + 200 * ' . $_ . ', 400 + 200 * ' . $_ . ') n') for 0 .. 10;
my $there = $node->safe_psql('postgres', q{SELECT count(*) FROM generate_series(1, 2400) n, stash.explain('f(int)', n) WHERE item = 'found in' AND value LIKE 'memory%'});
cmp_ok($there, '>', 300, 'the memory is used');
cmp_ok($there, '<', 1100, 'but no more than there is');
is(found($node, 'f(int)', 1), 'memory', 'what is used again and again stays');
is($node->safe_psql('postgres', q{SELECT count(*) FROM generate_series(1, 2400) n WHERE f(n) <> repeat('v' || n || ' ', 250)}), '0', 'and all are right');

# ---- many at once, small memory, forgetting among it
$node->pgbench('--no-vacuum --client=8 --jobs=2 --transactions=2000', 0, [qr{16000/16000}], [qr{^(?!.*ERROR)}s], 'many at once',
	{ '018_hit@40' => q{\set n random(1, 1500)
SET client_min_messages = warning;
SELECT 1 / (f(:n) = repeat('v' || :n || ' ', 250))::int;},
	  '018_bare@20' => q{\set n random(1, 1500)
SET client_min_messages = warning;
SET pg_hashstash.local_cache_size = 0;
SELECT 1 / (f(:n) = repeat('v' || :n || ' ', 250))::int;
RESET pg_hashstash.local_cache_size;},
	  '018_forget@1' => q{\set n random(1, 1500)
SELECT stash.forget('f(int)', :n);} });

# ---- a backend that is killed in the middle of it
# trap 53: cold, never wrong
asks($node, $fill);
is(found($node, 'f(int)', 1), 'memory', 'before the crash');
my $victim = $node->background_psql('postgres');
my $pid = $victim->query('SELECT pg_backend_pid()');
$victim->{stdin} .= "SELECT count(f(1 + n % 1500)) FROM generate_series(1, 100000000) n;\n";
$victim->{run}->pump_nb;
sleep 1;
kill 'KILL', $pid;
$node->wait_for_log(qr/all server processes terminated; reinitializing/);
$node->poll_query_until('postgres', 'SELECT true') or die 'no server';
eval { $victim->quit };
is(found($node, 'f(int)', 1), 'stash', 'a crash empties the memory');
is(asks($node, $fill), 'v1|v2', 'and no more');
is(found($node, 'f(int)', 1), 'memory', 'which fills again');
is(asks($node, $total), '20 computing total', 'answers are right');

$node->stop;
done_testing();
