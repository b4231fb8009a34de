# 066_hostile_arrow.pl: Arrow data cut at every byte or with a bit turned are read or refused with a clear error, and leave nothing behind; 100,000 with STASH_SLOW=1

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $flips = $ENV{STASH_ARROW_FLIPS} || ($ENV{STASH_SLOW} ? 100_000 : 4_000);
my $node = PostgreSQL::Test::Cluster->new('hostile');
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->init;
# a crash must be seen, and refused rows are no news
$node->append_conf('postgresql.conf', "restart_after_crash = off\nlog_min_messages = fatal\nlog_min_error_statement = panic");
$node->start;
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION pg_hashstash;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE item (b bool, i2 int2, i4 int4, i8 int8, f8 float8, num numeric(20, 3), free numeric, t text, data bytea, day date, ts timestamptz, span interval, u uuid, j jsonb,
	m mood, list int4[], texts text[], p pair, pairs pair[]);
INSERT INTO item SELECT n % 2 = 0, n, n * 70000, n * 10000000000, n / 7.0, n / 8.0, n / 9.0, repeat('text ', n % 20), decode(md5(n::text), 'hex'), '2024-02-29'::date + n, '2024-02-29Z'::timestamptz + n * interval '1 s',
	make_interval(months => n, secs => n), md5(n::text)::uuid, jsonb_build_object('n', n), (enum_range(NULL::mood))[1 + n % 3], ARRAY[n, NULL, n + 1], ARRAY['x', repeat('y', n)], ROW(n, 'b' || n)::pair, ARRAY[ROW(n, 'c')::pair, NULL]
FROM generate_series(1, 24) n;
-- nulls of all
INSERT INTO item DEFAULT VALUES;
CREATE TABLE target (LIKE item);
CREATE TABLE whole (name text, data bytea);
INSERT INTO whole SELECT c || ' stream', (SELECT string_agg(data, '' ORDER BY chunk) FROM stash.to_arrow('TABLE item', chunk_rows => 10, codec => c)) FROM unnest('{none,lz4}'::text[]) c;
SELECT stash.export_file('TABLE item', '$dir/' || c || '.arrow', chunk_rows => 10, codec => c) FROM unnest('{none,lz4}'::text[]) c;
INSERT INTO whole SELECT c || ' file', pg_read_binary_file('$dir/' || c || '.arrow') FROM unnest('{none,lz4}'::text[]) c;

-- what came of it: 'all' for the rows of item, 'same' for as many others, 'fewer', or an SQLSTATE; 'left' where an error left rows behind
CREATE FUNCTION outcome(data bytea) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	answer text;
	n int;
BEGIN
	BEGIN
		INSERT INTO target SELECT * FROM stash.from_arrow(data, NULL::item);
		GET DIAGNOSTICS n = ROW_COUNT;
		answer := CASE WHEN n = 25 AND NOT EXISTS (TABLE target EXCEPT ALL TABLE item) THEN 'all' WHEN n = 25 THEN 'same' WHEN n < 25 THEN 'fewer' ELSE 'more' END;
		-- what was read can be read again: no value is broken
		PERFORM t::text, stash.hash(t) FROM target t;
		RAISE SQLSTATE 'UNDO0';
	EXCEPTION
		WHEN SQLSTATE 'UNDO0' THEN NULL;
		WHEN OTHERS THEN answer := SQLSTATE;
	END;
	RETURN CASE WHEN EXISTS (TABLE target) THEN 'left' ELSE answer END;
END \$\$;

-- bit turned, and every third time a byte of another value beside it
CREATE FUNCTION damage(data bytea) RETURNS bytea LANGUAGE plpgsql AS \$\$
DECLARE
	at int8 := floor(random() * octet_length(data) * 8);
BEGIN
	data := set_bit(data, at, 1 - get_bit(data, at));
	IF random() < 0.33 THEN
		data := set_byte(data, floor(random() * octet_length(data))::int, (ARRAY[0, 1, 127, 128, 255])[1 + floor(random() * 5)::int]);
	END IF;
	RETURN data;
END \$\$;
SQL

is($node->safe_psql('postgres', 'SELECT name, outcome(data) FROM whole ORDER BY 1'), join("\n", map { "$_|all" } 'lz4 file', 'lz4 stream', 'none file', 'none stream'), 'whole they are read');

# what may be thrown: bytes that are no Arrow or not of this kind, values that their types do not have
my %expected = map { $_ => 1 } qw(all same fewer 22P03 0A000 22P02 22003 22008 22021 22023 22007 42804 42702 42703 54000 53200 22P05 23514 42P16 2201W 22001);

sub check
{
	my ($what, $sql) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', $sql, timeout => 1500);

	is($err, '', "$what: the server lives");
	my @unexpected = grep { /(.*)\|/ && !$expected{$1} } split /\n/, $out;
	is(join(' ', @unexpected), '', "$what: rows or a clear error");
	note("$what: " . join ' ', split /\n/, $out);
	return map { split /\|/ } grep { /\|/ } split /\n/, $out;
}

for my $name ('none stream', 'lz4 stream', 'none file', 'lz4 file')
{
	my %cut = check("$name cut at every byte", "SELECT o, count(*) FROM whole, generate_series(0, octet_length(data) - 1) n, LATERAL outcome(substr(data, 1, n)) o WHERE name = '$name' GROUP BY 1");

	# a stream may lack its end mark, or end behind a batch
	ok(!grep({ $_ !~ /^22P03$/ } keys %cut), 'no cut is read') if $name =~ /file/;
	ok($cut{'22P03'} > 3000, 'most are refused');
	my $each = int($flips / 4);
	my %flipped = check("$name, $each times damaged", "SELECT setseed(0.5); SELECT o, count(*) FROM (SELECT outcome(damage(data)) AS o FROM whole, generate_series(1, $each) n WHERE name = '$name') s GROUP BY 1");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM target'), '0', 'nothing is left behind');

$node->stop;
done_testing();
