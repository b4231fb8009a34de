# 019_memo_large.pl: a result of a million rows is kept and read back in little memory, also by who waited for it
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $limit = 16 * 1024;		# kB that keeping or reading may take
my $has_proc = -r '/proc/self/status';
my $node = PostgreSQL::Test::Cluster->new('large');
$node->init;
# so small that pages of it, which count as the backend's memory, are soon all there
$node->append_conf('postgresql.conf', "shared_buffers = '4MB'\nmax_wal_size = '4GB'\nlog_min_messages = notice\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
-- the memory of this backend in kB: now, and at its peak
CREATE FUNCTION memory(what text) RETURNS int VOLATILE LANGUAGE plpgsql AS $$
BEGIN
	RETURN (regexp_match(pg_read_file('/proc/self/status'), what || ':\s+(\d+) kB'))[1];
EXCEPTION WHEN undefined_file THEN
	RETURN 0;
END $$;
CREATE TABLE source (n int);
INSERT INTO source VALUES (1);
SELECT stash.track('source');
CREATE FUNCTION million() RETURNS TABLE (i int, t text, x float8) STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing million';
	RETURN QUERY SELECT g, repeat(md5(g::text), 3), g / 3.0::float8 FROM source s, generate_series(1, 1000000) g;
END $$;
CREATE FUNCTION slow() RETURNS TABLE (i int, t text) IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computing slow';
	PERFORM pg_sleep(2);
	RETURN QUERY SELECT g, md5(g::text) FROM generate_series(1, 100000) g;
END $$;
SELECT stash.memoize('million()'), stash.memoize('slow()');
SQL

sub computed
{
	my ($what) = @_;
	my @lines = slurp_file($node->logfile) =~ /NOTICE:  computing $what/g;

	return scalar @lines;
}

# a query's answer, and by how much it made the backend grow, in kB
sub measure
{
	my ($query) = @_;
	my ($before, $answer, $peak) = split /\n/, $node->safe_psql('postgres', "SELECT memory('VmRSS');\n$query;\nSELECT memory('VmHWM')");

	return ($answer, $peak - $before);
}

my $query = 'SELECT count(*), sum(i), count(DISTINCT left(t, 2)), min(x) FROM million()';
(my $plain = $query) =~ s/million/million_uncached/;
my ($truth, $plainly) = measure($plain);
my ($filled, $fill) = measure($query);
my ($hit, $read) = measure($query);

is($filled, $truth, 'the answer, while it is kept');
is($hit, $truth, 'and when it is read back');
is(computed('million'), 2, 'it was read back');
cmp_ok($node->safe_psql('postgres', q(SELECT sum(pg_column_size(value)) FROM million_stash)), '>', 2 * 1024 * $limit, 'it is larger than the memory');
SKIP:
{
	skip 'no /proc here', 2 unless $has_proc;
	cmp_ok($fill - $plainly, '<', $limit, "that keeping takes, $fill kB, beside $plainly of computing");
	cmp_ok($read, '<', $plainly + $limit, "that reading takes, $read kB");
}

# as rows of the stash, by the function and by a view, whose columns are found by reading all of it
my $own = '(i int, t text, x float8)';
my ($assembled, $assemble) = measure($query =~ s/million\(\)/stash.assemble(function => 'million()') AS m$own/r);
my ($made, $make) = measure(q{SELECT stash.create_view(view => 'all_million', function => 'million()')});
my ($viewed, $view) = measure($query =~ s/million\(\)/all_million/r);
is($assembled, $truth, 'the answer by stash.assemble');
is($viewed, $truth, 'and by a view');
SKIP:
{
	skip 'no /proc here', 3 unless $has_proc;
	cmp_ok($assemble, '<', $plainly + $limit, "that stash.assemble takes, $assemble kB");
	cmp_ok($make, '<', $plainly + $limit, "that making the view takes, $make kB");
	cmp_ok($view, '<', $plainly + $limit, "that the view takes, $view kB");
}

# who waits finds what its snapshot does not see
my ($first, $second) = map { begin('SELECT count(*), sum(i) FROM slow()') } 1 .. 2;
for ($first, $second)
{
	$_->{run}->finish;
	is($_->{out}, "100000|5000050000\n", 'both get the rows');
}
is(computed('slow'), 1, 'one of them has computed them');
done_testing();

# start psql on a query
sub begin
{
	my ($sql) = @_;
	my %session = (out => '', err => '');

	$session{run} = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr('postgres'), '-c', $sql ],
		'<', \undef, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return \%session;
}
