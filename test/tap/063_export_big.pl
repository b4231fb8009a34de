# 063_export_big.pl: ten million rows leave in constant memory, from the select list, from FROM and by COPY, and a cancel is heard
# within a second; by hand: STASH_SLOW=1 bash test/run.sh tap 063_export_big
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'takes minutes; wants STASH_SLOW=1' unless $ENV{STASH_SLOW};

my $node = PostgreSQL::Test::Cluster->new('big');
# rows that are made one by one; JIT is off, for its library alone takes 50 MB
my $query = q(SELECT i, 'word ' || i AS word, ARRAY[i, NULL] AS list, i * 0.5 AS half FROM (SELECT generate_series(1, %d) AS i OFFSET 0) s);
my %forms = (
	'to_jsonl in the select list' => q(COPY (SELECT (stash.to_jsonl($q$%s$q$)).data) TO '/dev/null'),
	'to_arrow in the select list' => q(COPY (SELECT (stash.to_arrow($q$%s$q$)).data) TO '/dev/null' (FORMAT binary)),
	'to_arrow, lz4, in the select list' => q(COPY (SELECT (stash.to_arrow($q$%s$q$, codec => 'lz4')).data) TO '/dev/null' (FORMAT binary)),
	'to_jsonl in FROM' => q(COPY (SELECT data FROM stash.to_jsonl($q$%s$q$)) TO '/dev/null'),
	'to_arrow in FROM' => q(COPY (SELECT data FROM stash.to_arrow($q$%s$q$)) TO '/dev/null' (FORMAT binary)),
	'COPY as jsonl to a file' => q(COPY (%s) TO '/dev/null' (FORMAT jsonl)),
	'COPY as arrow to a file' => q(COPY (%s) TO '/dev/null' (FORMAT arrow)),
	'COPY as jsonl to a program' => q(COPY (%s) TO PROGRAM 'cat >/dev/null' (FORMAT jsonl)),
	'COPY as jsonl to the client' => q(COPY (%s) TO STDOUT (FORMAT jsonl)),
	'COPY as arrow to the client' => q(COPY (%s) TO STDOUT (FORMAT arrow)));
my $peak = q(SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+)'))[1]);

$node->init;
$node->append_conf('postgresql.conf', "session_preload_libraries = 'pg_hashstash'\nmax_parallel_workers_per_gather = 0\njit = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_hashstash');
for my $form (sort keys %forms)
{
	check_memory($form);
	check_cancel($form);
}
$node->stop;
done_testing();

sub statement { return sprintf $forms{ $_[0] }, sprintf($query, $_[1]) }

# what the backend's memory grows by from ten thousand rows to ten million
sub check_memory
{
	my ($form) = @_;
	my ($few, $many) = map { statement($form, $_) } 10_000, 10_000_000;
	my $sql = "\\o /dev/null\n$few;\n\\o\n$peak;\n\\o /dev/null\n$many;\n\\o\n$peak;\n";
	my ($before, $after) = split /\n/, $node->safe_psql('postgres', $sql);

	note(sprintf '%s: %.1f MB, then %.1f MB', $form, $before / 1024, $after / 1024);
	cmp_ok($after - $before, '<', 16 * 1024, "$form: memory grows by less than 16 MB");
}

sub check_cancel
{
	my ($form) = @_;
	my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', statement($form, 100_000_000) ], '>', '/dev/null', '2>', \my $error);
	my $running = q(pg_stat_activity WHERE query LIKE 'COPY%generate_series(1, 100000000)%' AND state = 'active' AND pid <> pg_backend_pid());

	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM $running"), "$form: runs");
	sleep 1;
	my $start = time;
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM $running");
	$session->finish;
	cmp_ok(time - $start, '<', 1, "$form: is cancelled within a second");
	# a program is in the server's process group: it may be the first to hear of it
	like($error, qr/canceling statement due to user request|program ".*" failed\n.*terminated by signal 2/, "$form: and says so");
}
