# 061_clients.pl: the programs of doc/clients.md stream both ways: a slow reader makes the server wait, neither side's memory
# grows with the rows, and the server stops soon when it is told to, or when the client is gone
#
# With STASH_SLOW=1 the export has 1 GB.
use strict;
use warnings;
use Digest::MD5;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $rows = $ENV{STASH_SLOW} ? 7_000_000 : 400_000;
my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('clients');
my %programs = programs();
my $python = (grep { system("$_ -c 'import psycopg' >/dev/null 2>&1") == 0 } 'python3', '/usr/bin/python3')[0];
my $has_pg = system("node -e \"require('pg'); require('pg-copy-streams')\" >/dev/null 2>&1") == 0;
my %runners = (sh => ['sh'], python => $python && [$python], js => $has_pg && ['node']);
# kB that a client may grow by; that of JavaScript leaves buffers to its garbage collector
my %limits = (sh => 4096, python => 8192, js => 65536);

$node->init;
$node->append_conf('postgresql.conf', "max_parallel_workers_per_gather = 0\njit = off");
$node->start;
# rows that are made one by one, so that all memory is that of the export
$node->safe_psql('postgres', <<"SQL");
	ALTER DATABASE postgres SET session_preload_libraries = 'pg_hashstash';
	CREATE EXTENSION pg_hashstash;
	CREATE VIEW flight AS SELECT n AS id, 'OSL "' || n || '" Grüße' AS title, n * 0.5 AS hours, ARRAY[n, NULL, n + 1] AS stops, repeat('x', n % 100) AS note
		FROM (SELECT generate_series(1, $rows) AS n OFFSET 0) s;
	CREATE TABLE landed (LIKE flight);
SQL
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

# the server's own words
my $expected = stream(start('sh', q(psql -c "COPY (SELECT row_to_json(flight) FROM flight) TO STDOUT WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')")), sub { });
note("$rows rows, $expected->{bytes} bytes");
for my $language ('sh', 'python', 'js')
{
  SKIP:
	{
		skip "nothing here that runs the programs in $language", 1 if !$runners{$language};
		check_export($language);
		check_import($language);
		check_client_gone($language);
	}
}
check_cancel();
check_arrow();
$node->stop;
done_testing();

# the programs of doc/clients.md: of each language the one that exports and the one that imports
sub programs
{
	my $document = slurp_file("$FindBin::RealBin/../../doc/clients.md");
	my %found;

	push @{ $found{$1} }, $2 while $document =~ /^```(sh|python|js)\n(.*?)^```/msg;
	@{ $found{$_} } == 2 or die "doc/clients.md has other programs in $_" for 'sh', 'python', 'js';
	return %found;
}

# Start a program, whose output is read from the handle that is returned.
sub start
{
	my ($language, $program, $input) = @_;
	my $file = "$dir/program.$language";

	open my $out, '>', $file or die;
	print $out ($language eq 'sh' ? "exec $program" : $program);
	close $out;
	my $pid = open(my $handle, '-|') // die;
	if ($pid == 0)
	{
		open STDIN, '<', $input // '/dev/null' or die;
		exec @{ $runners{$language} }, $file or die;
	}
	binmode $handle;
	return { pid => $pid, handle => $handle };
}

# Read all that a program writes; at each 64 kB call something with the bytes so far. Returns how much it was, and a digest.
sub stream
{
	my ($program, $look) = @_;
	my $md5 = Digest::MD5->new;
	my $bytes = 0;

	while ((my $n = sysread($program->{handle}, my $data, 65536)) > 0)
	{
		$md5->add($data);
		$bytes += $n;
		$look->($bytes);
	}
	close $program->{handle};
	return { bytes => $bytes, md5 => $md5->hexdigest, status => $? };
}

# the most that a process has had in memory, in kB
sub peak
{
	my ($pid) = @_;

	return slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m ? $1 : die;
}

# the backend of the COPY that runs, what it waits for, and the bytes that it has sent
sub backend
{
	my $sql = q(SELECT pid, coalesce(wait_event, ''), bytes_processed FROM pg_stat_progress_copy JOIN pg_stat_activity USING (pid));

	return split /\|/, $node->safe_psql('postgres', $sql);
}

sub check_export
{
	my ($language) = @_;
	my $program = start($language, $programs{$language}[0]);
	my ($client, $server, $pid);
	my $grown = 'not measured';
	my $next = 8 << 20;
	my $found = stream(
		$program,
		sub {
			my ($bytes) = @_;

			return if $bytes < $next;
			$next += 8 << 20;
			if (!defined $pid)
			{
				my ($before, $after, $event);

				# the reader pauses: what is on the way fills up, and then all wait
				sleep 0.5;
				($pid, $event, $before) = backend();
				sleep 1;
				(undef, undef, $after) = backend();
				is($event, 'ClientWrite', "$language: the server waits for a reader that pauses");
				is($after, $before, "$language: and does not go on");
				cmp_ok($after - $bytes, '<', 4 << 20, "$language: few bytes are on the way");
				($client, $server) = (peak($program->{pid}), peak($pid));
			}
			$grown = [ map { peak($_) } $program->{pid}, $pid ] if $bytes < $expected->{bytes} - (4 << 20);
		});

	is($found->{status}, 0, "$language: ends well");
	is($found->{bytes}, $expected->{bytes}, "$language: all bytes");
	is($found->{md5}, $expected->{md5}, "$language: as row_to_json writes them");
	note(sprintf '%s: %d MB; the client has %.1f MB, %.1f more than after 8 MB; the server %.1f, %.1f more', $language, $found->{bytes} >> 20,
		$grown->[0] / 1024, ($grown->[0] - $client) / 1024, $grown->[1] / 1024, ($grown->[1] - $server) / 1024);
	cmp_ok($grown->[0] - $client, '<', $limits{$language}, "$language: the client's memory is flat");
	cmp_ok($grown->[1] - $server, '<', 1024, "$language: the server's memory is flat");
}

sub check_import
{
	my ($language) = @_;

	$node->safe_psql('postgres', "TRUNCATE landed; COPY (SELECT * FROM flight LIMIT 20000) TO '$dir/rows.jsonl' (FORMAT jsonl)") if !-e "$dir/rows.jsonl";
	$node->safe_psql('postgres', 'TRUNCATE landed');
	is(stream(start($language, $programs{$language}[1], "$dir/rows.jsonl"), sub { })->{status}, 0, "$language: imports");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT * FROM landed EXCEPT SELECT * FROM (SELECT * FROM flight LIMIT 20000) f) d'), '0', "$language: rows as they were");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM landed'), '20000', "$language: all of them");
}

# seconds until no COPY runs, 10 at most
sub seconds_to_end
{
	my $start = time;

	sleep 0.02 while time - $start < 10 && $node->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_progress_copy') ne '0';
	return time - $start;
}

sub check_client_gone
{
	my ($language) = @_;
	my $program = start($language, $programs{$language}[0]);

	sysread $program->{handle}, my $data, 65536;
	is(scalar(my @running = backend()), 3, "$language: runs");
	kill 'KILL', $program->{pid};
	cmp_ok(seconds_to_end(), '<', 3, "$language: a client that is gone ends the server's work");
	close $program->{handle};
}

sub check_cancel
{
	my $sent;
	my $program = start('sh', $programs{sh}[0]);
	my $found = stream($program, sub { $sent = cancel('pg_cancel_backend') if !$sent && $_[0] > 4 << 20 });

	cmp_ok(time - $sent, '<', 1, 'a cancel is heard within a second');
	cmp_ok($found->{bytes}, '<', $expected->{bytes}, 'before the end');
	isnt($found->{status}, 0, 'and the client is told');

	# a client that does not read
	$program = start('sh', $programs{sh}[0]);
	sysread $program->{handle}, my $data, 65536;
	sleep 0.5;
	cancel('pg_terminate_backend');
	cmp_ok(seconds_to_end(), '<', 2, 'one that waits for its client can be terminated');
	kill 'KILL', $program->{pid};
	close $program->{handle};
}

# returns when it was sent
sub cancel
{
	my ($function) = @_;

	$node->safe_psql('postgres', "SELECT $function(pid) FROM pg_stat_progress_copy");
	return time;
}

# what another format sends is its stream
sub check_arrow
{
	my $program = $programs{sh}[0] =~ s/flight/(SELECT id, title FROM flight LIMIT 1000) f/r =~ s/jsonl/arrow/r;
	my $handle = start('sh', $program);
	my $data = do { local $/; readline $handle->{handle} };

	close $handle->{handle};
	is( $node->safe_psql('postgres', sprintf(q(SELECT count(*), sum(id) FROM stash.from_arrow('\\x%s') AS t(id int, title text)), unpack('H*', $data))),
		'1000|500500', 'Arrow through a client');
}
