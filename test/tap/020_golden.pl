# Hashes and frames are those of the documents: the server, the golden files and a program that was written from the
# documents alone agree.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $golden = "$FindBin::RealBin/../golden";
my $node = PostgreSQL::Test::Cluster->new('golden');

# no byte of this may depend on what a session sets
my $odd_settings = q(
	SET DateStyle = 'German, DMY'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Asia/Kathmandu';
	SET extra_float_digits = -15; SET bytea_output = 'escape'; SET xmloption = 'document'; SET client_encoding = 'LATIN1';
	SET search_path = golden, pg_temp, pg_catalog;);

$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_hashstash');
$node->safe_psql('postgres', slurp_file("$golden/types.sql"));

check_hashes();
check_sampled();
check_rows();
check_frames();
SKIP:
{
	# make installcheck may run where test/run.sh has installed nothing
	skip 'no python3 or no xxhsum here', 1 if system('{ python3 --version && xxhsum --version; } >/dev/null 2>&1') != 0;
	check_random_values();
	check_program();
}
$node->stop;
done_testing();

# The lines of a file, split into columns.
sub table
{
	my ($file) = @_;

	return map { [ split /\t/ ] } grep { !/^#/ } split /\n/, slurp_file("$golden/$file");
}

# One line of output for each statement.
sub answers
{
	my (@statements) = @_;
	my ($status, $output, $problem) = $node->psql('postgres', join("\n", @statements), on_error_stop => 1);

	# safe_psql() would show them all
	die $problem if $status != 0;
	return split /\n/, $output;
}

sub check_hashes
{
	my @rows = table('hash.tsv');
	my @selects = map { "SELECT stash.hash($_->[0]), stash.hash64($_->[0]);" } @rows;
	my @got = answers(@selects);

	is($got[$_], "$rows[$_][3]|$rows[$_][4]", "hash of $rows[$_][0]") for 0 .. $#rows;

	# the expressions themselves may not be readable under other settings
	my @columns = map { "$rows[$_][0] AS c$_" } 0 .. $#rows;
	$node->safe_psql('postgres', 'CREATE TABLE kept AS SELECT ' . join(', ', grep { !/^ROW\(|^ARRAY\[ROW\([^,]*\), ROW/ || /::/ } @columns));
	my @kept = grep { /^c\d/ } split /\n/, $node->safe_psql('postgres', "SELECT attname FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attnum > 0");
	@got = answers($odd_settings, map { "SELECT stash.hash($_), stash.hash64($_) FROM public.kept;" } @kept);
	my @wanted = map { /(\d+)/; "$rows[$1][3]|$rows[$1][4]" } @kept;
	cmp_ok(scalar @kept, '>', 130, 'most of these values can stand in a table');
	is(join("\n", @got), join("\n", @wanted), 'and have the same hashes there, under odd settings');
	return;
}

sub check_sampled
{
	my @rows = table('sampled.tsv');
	my @got = answers(map { "SELECT stash.hash_sampled($_->[0], $_->[3], $_->[4]);" } @rows);

	is($got[$_], $rows[$_][5], "sampled hash of $rows[$_][0] with $rows[$_][3], $rows[$_][4]") for 0 .. $#rows;
	return;
}

sub check_rows
{
	my @rows = table('rows.tsv');
	my @got = answers(map { "SELECT $_->[0];" } @rows);

	is($got[$_], $rows[$_][4], "$rows[$_][1]: $rows[$_][0]") for 0 .. $#rows;
	return;
}

sub check_frames
{
	# not every build has zstd, the second codec
	my $has_zstd = $node->psql('postgres', q(SELECT stash.serialize('', 'zstd'))) == 0;
	my @rows = grep { $has_zstd || $_->[4] !~ /^f55301.2/ } table('frames.tsv');
	# of an expression that stands twice the last line is written, the others are read
	my %written = map { $_->[0] => "\\x$_->[3]" } @rows;
	my @got = answers(
		map {
			my ($expression, undef, undef, $plain, $packed) = @$_;
			my @again = map { "stash.serialize(stash.deserialize('\\x$_', (SELECT $expression WHERE false)), 'none')" } $plain, $packed;

			"SELECT stash.serialize($expression, 'none'), $again[0], $again[1];"
		} @rows);

	is($got[$_], join('|', ($written{ $rows[$_][0] }) x 3), "frame of $rows[$_][0]") for 0 .. $#rows;

	@got = answers($odd_settings, 'SET bytea_output = hex;',
		map { "SELECT stash.serialize(stash.deserialize('\\x$_->[4]', (SELECT $_->[0] WHERE false)), 'none');" }
		grep { $_->[0] !~ /[^\0-\x7f]/ } @rows);
	my @wanted = map { $written{ $_->[0] } } grep { $_->[0] !~ /[^\0-\x7f]/ } @rows;
	is(join("\n", @got), join("\n", @wanted), 'frames are read under odd settings');
	return;
}

# Random values of 16 types, as JSON for the program.
sub check_random_values
{
	my $input = PostgreSQL::Test::Utils::tempdir() . '/rows.tsv';
	my $output = '';

	append_to_file($input, $node->safe_psql('postgres', <<'SQL') . "\n");
SELECT setseed(0.42) \g /dev/null
CREATE TEMP TABLE dice AS SELECT i, random() AS a, random() AS b, random() AS c FROM generate_series(1, 150) i;
CREATE FUNCTION pg_temp.word(x float8) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(substr('aé世😀"\'',{}() Z' || chr(10) || chr(9), 1 + (x * 1e4 * i)::int % 16, 1), ''), '')
	FROM generate_series(1, (x * 40)::int) i $$;
\pset fieldsep '\t'
SELECT '"int2"', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT ((a - 0.5) * 65535)::int2 AS v) x;
SELECT '"int4"', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT ((a - 0.5) * 4294967295)::int4 AS v) x;
SELECT '"int8"', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT ((a - 0.5) * 1.8e19)::int8 AS v) x;
SELECT '"float4"', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT ((a - 0.5) * 10 ^ ((b - 0.5) * 60))::float4 AS v) x;
SELECT '"float8"', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT ((a - 0.5) * 10 ^ ((b - 0.5) * 500))::float8 AS v) x;
SELECT '"text"', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT pg_temp.word(a) AS v) x;
SELECT '"bytea"', to_json(encode(v, 'hex')), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT substr(sha512(a::text::bytea), 1, i % 60) AS v) x;
SELECT '"numeric"', to_json(v::text), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT round((a - 0.5)::numeric * 10::numeric ^ ((b - 0.5) * 600)::int, (c * 300)::int) AS v) x;
SELECT '"uuid"', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT md5(a::text)::uuid AS v) x;
SELECT '"date"', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT '0001-01-01'::date + (a * 3000000)::int AS v) x;
SELECT '"timestamptz"', to_json(to_char(v AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT '0001-01-01 UTC'::timestamptz + a * '9000 years'::interval AS v) x;
SELECT '"interval"', json_build_array((b * 5000)::int, (c * 5000)::int, (a * 1e15)::int8), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT make_interval(months => (b * 5000)::int, days => (c * 5000)::int) + (a * 1e15)::int8 * '1 us'::interval AS v) x;
SELECT '"jsonb"', to_json(v::text), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT jsonb_build_object(pg_temp.word(a), round(b::numeric, 3), pg_temp.word(c), jsonb_build_array(i, NULL, a > b, pg_temp.word(b))) AS v) x;
SELECT '{"array": "int4"}', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT array(SELECT CASE WHEN (j * a * 100)::int % 3 > 0 THEN (j * b * 1e6)::int END FROM generate_series(1, i % 40) j) AS v) x;
SELECT '{"array": "text"}', to_json(v), stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT array(SELECT CASE WHEN (j * a * 100)::int % 3 > 0 THEN pg_temp.word((j * b)::numeric % 1) END FROM generate_series(1, i % 20) j) AS v) x;
SELECT '{"array": {"row": [["a", "int4"], ["b", "text"]], "name": "golden.pair"}}', w, stash.hash(v), stash.hash64(v), encode(stash.serialize(v, 'none'), 'hex')
FROM dice, LATERAL (SELECT array_agg(ROW(j, t)::golden.pair ORDER BY j) AS v, json_agg(json_build_array(j, t) ORDER BY j)::jsonb AS w
	FROM generate_series(1, i % 9 + 1) j, LATERAL (SELECT CASE WHEN j % 3 > 0 THEN pg_temp.word((j * b)::numeric % 1) END AS t) y) x;
SQL
	my $passed = IPC::Run::run([ 'python3', '-B', "$golden/recompute.py", 'rows' ], '<', $input, '>', \$output, '2>&1');
	ok($passed, 'hashes and frames of random values are those of the documents');
	like($output, qr/^2400 rows, 0 differ$/m, 'and there were some');
	return;
}

sub check_program
{
	my $output = '';
	my $passed = IPC::Run::run([ 'python3', '-B', "$golden/recompute.py", 'check' ], '>', \$output, '2>&1');
	my $good = () = $output =~ /^ok /mg;
	my ($plan) = $output =~ /^1\.\.(\d+)$/m;

	ok($passed, 'the program made from the documents agrees with the golden files') or diag($output);
	cmp_ok($good, '>', 600, 'in many cases');
	is($good, $plan, 'in all of them');
	return;
}
