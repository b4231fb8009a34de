# Exports stream from FROM in constant memory: nothing goes to temporary files, and the server's memory grows by less than
# 16 MB, whatever the number of rows. 10 million of them with STASH_SLOW=1, else 1 million.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $has_proc = -r '/proc/self/status';
my $rows = $ENV{STASH_SLOW} ? 10_000_000 : 1_000_000;

my $node = PostgreSQL::Test::Cluster->new('stream_memory');
$node->init;
$node->append_conf('postgresql.conf', "work_mem = 64kB\nlog_temp_files = 0\nmax_parallel_workers_per_gather = 0");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_hashstash;
	CREATE FUNCTION rss() RETURNS int VOLATILE LANGUAGE plpgsql AS $$
	BEGIN
		RETURN coalesce((regexp_match(pg_read_file('/proc/self/status', 0, 10000, true), 'RssAnon:\s+(\d+) kB'))[1]::int, 0);
	END $$;
	-- chunks that are much larger than work_mem, of which nothing is read but the length
	CREATE FUNCTION source(n int) RETURNS text LANGUAGE sql IMMUTABLE
	AS $$ SELECT format('SELECT i, i %% 1000 AS k, md5(i::text) AS t, now() AS at FROM (SELECT generate_series(1, %s) AS i OFFSET 0) s', n) $$});

# rows, chunks, and by how many kB memory was more while they were read than before
sub scan
{
	my ($from) = @_;
	my $log = -s $node->logfile;
	my $out = $node->safe_psql('postgres', qq{
		SELECT rss() AS before \\gset
		SELECT sum(row_count), count(*), max(grown) FROM (SELECT row_count, length(data), rss() - :before AS grown FROM $from OFFSET 0) s});
	return (split(/\|/, $out), PostgreSQL::Test::Utils::slurp_file($node->logfile, $log) =~ /temporary file/ ? 1 : 0);
}

for my $export ("stash.to_jsonl(source($rows))", "stash.to_arrow(source($rows))",
	"generate_series(1, 1) g, LATERAL stash.to_jsonl(source($rows * g))")
{
	my ($sum, $chunks, $grown, $has_files) = scan($export);
	is($sum, $rows, "$export gives all rows");
	cmp_ok($chunks, '>=', $rows / 10_000, 'in many chunks');
	SKIP: {
		# the inner side of a join is kept, to be read again
		skip('its rows are kept', 1) if $export =~ /LATERAL/;
		is($has_files, 0, 'without a temporary file');
	}
	SKIP: {
		skip('no /proc', 1) unless $has_proc;
		cmp_ok($grown, '<', 16 * 1024, "and memory grows by less than 16 MB ($grown kB)");
	}
}

# the outer side of a join streams, too
my ($sum, undef, $grown, $has_files) = scan("stash.to_jsonl(source($rows)) c, LATERAL (SELECT c.data LIKE '{%' AS is_json) x");
is("$sum $has_files", "$rows 0", 'joined with what is made of each chunk');
# the test would see it: the server's own scan writes files
(undef, undef, $grown, $has_files) = scan("stash.to_jsonl(source(100000)) WITH ORDINALITY");
is($has_files, 1, 'WITH ORDINALITY writes temporary files');

# a scan that is begun again and again leaves nothing behind, nor do a thousand that end early
for my $again (
	q{SELECT count(*) FROM (SELECT row_count FROM generate_series(1, 20000) g, stash.to_jsonl('SELECT ' || g) OFFSET 0) s},
	q{SELECT count(*) FROM (SELECT (SELECT row_count FROM stash.to_jsonl('SELECT generate_series(1, 3 + ' || g || ')', 1) LIMIT 1)
		FROM generate_series(1, 20000) g OFFSET 0) s},
	q{SELECT count(*) FROM generate_series(1, 20000) g, LATERAL (SELECT FROM stash.chunks(array_fill(g, '{1000}'), 100) LIMIT 5) s})
{
	my $left = $node->safe_psql('postgres', qq{
		$again;
		SELECT rss() AS before \\gset
		SELECT max(rss() - :before) FROM ($again) s});
	$left =~ s/.*\n//s;
	SKIP: {
		skip('no /proc', 1) unless $has_proc;
		cmp_ok($left, '<', 4 * 1024, "20,000 more scans need less than 4 MB ($left kB)");
	}
}

# one large value in chunks: the value and a chunk at a time
my ($n) = $node->safe_psql('postgres', q{SELECT count(*) || ' ' || sum(cardinality(c)) FROM stash.chunks(array_fill('x'::text, '{3000000}'), 1000) c});
is($n, '3000 3000000', '3,000,000 elements in 3,000 chunks');

# a cancelled scan stops at once
my ($status, undef, $errors) = $node->psql('postgres', q{SET statement_timeout = '200ms'; SELECT count(*) FROM stash.to_jsonl('SELECT generate_series(1, 1000000000000)')});
like($errors, qr/canceling statement due to statement timeout/, 'it can be cancelled');

$node->stop;
done_testing();
