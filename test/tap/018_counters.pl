# What all sessions count of memoized functions adds up, in shared memory, and is no row that anybody writes; where memory
# cannot be shared, each session counts for itself.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('counters');
$node->init;
$node->append_conf('postgresql.conf',
	"shared_preload_libraries = pg_hashstash\nmax_connections = 50\npg_hashstash.sweep_interval = 0\nrestart_after_crash = on");
$node->start;
my $setup = <<'SQL';
CREATE EXTENSION pg_hashstash;
CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN n; END $$;
CREATE FUNCTION fast(n int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
SELECT stash.memoize('slow(int)'), stash.memoize('fast(int)', ttl => '1 day', stash => NULL);
SQL
$node->safe_psql('postgres', $setup);
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', $setup);

sub counts
{
	my ($function, $columns, $database) = @_;
	return $node->safe_psql($database // 'postgres', "SELECT $columns FROM stash.stat_memo WHERE function = '$function(int)'::regprocedure");
}

# run statements in several sessions at once
sub together
{
	my ($n, @statements) = @_;
	my @runs = map {
		IPC::Run::start(
			[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), map { ('-c', $_) } @statements ],
			'<', \undef, '>', \my $out, '2>', \my $err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	} 1 .. $n;
	$_->finish foreach @runs;
}

# trap 59: many sessions fill one key, and count
my $n = 8;
together($n, 'SELECT slow(1)', 'SELECT slow(1)');
is(counts('slow', 'scope'), 'server', 'counts are of the server');
is(counts('slow', 'calls, misses, fills, hits_local + hits_shared + hits_table'), join('|', 2 * $n, 1, 1, 2 * $n - 1),
	'eight sessions ask twice, and one computes');
cmp_ok(counts('slow', 'waits'), '>=', 1, 'some have waited');

together($n, ('SELECT count(fast(n % 100)) FROM generate_series(1, 20000) AS n') x 5);
is(counts('fast', 'calls'), 5 * 20000 * $n, 'no count of many is lost');
is(counts('fast', 'saved > overhead OR NOT worth_it'), 't', 'whether it pays is known');

is( $node->safe_psql(
		'postgres', "BEGIN; SELECT count(fast(1)) FROM generate_series(1, 1000);
		SELECT pg_current_xact_id_if_assigned() IS NULL; COMMIT"),
	"1000\nt", 'counting writes nothing');

# before the transaction is over, and whatever becomes of it
my $other = join(' ', 'psql -XAt', '-h', $node->host, '-p', $node->port, '-d postgres', q{-c "SELECT calls FROM stash.stat_memo WHERE function = 'fast(int)'::regprocedure"});
my $before = counts('fast', 'calls');
my $out = $node->safe_psql('postgres', "BEGIN;\nSELECT count(fast(2)) FROM generate_series(1, 250000);\n\\! $other\nROLLBACK;");
my ($during) = $out =~ /(\d+)\s*$/;
cmp_ok($during, '>=', $before + 190000, 'a long transaction is heard of');
cmp_ok($during, '<', $before + 250000, 'though not at once');
is(counts('fast', 'calls'), $before + 250000, 'and one that is rolled back');

is(counts('fast', 'count(*)', 'second'), '0', 'another database has its own functions');
$node->safe_psql('second', 'SELECT fast(1), fast(2)');
is(counts('fast', 'calls', 'second'), '2', 'and counts');
$node->safe_psql('postgres', "SELECT stash.reset_stats('fast(int)')");
is(counts('fast', 'calls'), '0', 'counted anew');
is(counts('fast', 'calls', 'second'), '2', 'not there');

# there is room for a thousand functions; those that are gone make room
$node->safe_psql(
	'postgres', q{
	DO $$ BEGIN
		FOR i IN 1 .. 1000 LOOP
			EXECUTE format('CREATE FUNCTION many_%s(n int) RETURNS int STABLE LANGUAGE stash AS %L', i, E'target = public.fast_uncached\nttl = 1 day');
		END LOOP;
	END $$;
	DO $$ BEGIN
		FOR i IN 1 .. 1000 LOOP
			EXECUTE format('SELECT many_%s(1)', i);
		END LOOP;
	END $$;
});
# three were there, one of them in the other database
is($node->safe_psql('postgres', 'SELECT count(*) FROM stash.stat_memo'), '999', 'a thousand functions are counted');
is(counts('many_1000', 'count(*)'), '0', 'not one more');
$node->safe_psql('postgres', 'DROP FUNCTION many_1(int); SELECT many_1000(1), many_1000(2)');
is(counts('many_1000', 'calls'), '2', 'until one is dropped');
is($node->safe_psql('postgres', 'SELECT count(*) FROM stash.stat_memo'), '999', 'whose place is taken');
is(counts('fast', 'calls', 'second'), '2', 'by nobody else');
$node->safe_psql('postgres', 'DROP DATABASE second');
$node->safe_psql('postgres', 'SELECT many_999(1)');
is(counts('many_999', 'calls'), '1', 'a database that is dropped makes room, too');

# a crash forgets what was counted, and nothing else
my ($stdin, $stdout, $stderr) = ('', '', '');
my $victim = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$stdin, '>', \$stdout, '2>', \$stderr,
	IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
$stdin .= "SELECT fast(1), pg_backend_pid();\n";
$victim->pump until $stdout =~ /\|(\d+)/;
kill 'KILL', $stdout =~ /\|(\d+)/;
$victim->finish;
$node->poll_query_until('postgres', 'SELECT true') or die 'no restart';
is(counts('fast', 'count(*)'), '0', 'after a crash nothing is counted');
$node->safe_psql('postgres', 'SELECT fast(1), slow(1)');
is(counts('fast', 'calls'), '1', 'and then it is');
is(counts('slow', 'hits_table + misses'), '1', 'of all functions');

# where memory cannot be shared
$node->stop;
$node->append_conf('postgresql.conf', "dynamic_shared_memory_type = mmap\nmin_dynamic_shared_memory = 0");
$node->start;
chmod 0500, $node->data_dir . '/pg_dynshmem' or die;
my $mine = q{SELECT calls, scope FROM stash.stat_memo WHERE function = 'fast(int)'::regprocedure};
is($node->safe_psql('postgres', "SELECT fast(1) FROM generate_series(1, 2); $mine"), "1\n1\n2|session", 'a session counts for itself');
is($node->safe_psql('postgres', "SELECT fast(1); $mine"), "1\n1|session", 'as does another');
chmod 0700, $node->data_dir . '/pg_dynshmem' or die;

$node->stop;
done_testing();
