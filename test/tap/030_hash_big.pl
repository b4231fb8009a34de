# 030_hash_big.pl: values of 800 MB and more are hashed in little memory, and a cancel is heard at once
#
# Slow, and needs 3 GB of memory and 1 GB of disk: runs with STASH_SLOW=1 only.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'set STASH_SLOW=1 for values of 800 MB' unless $ENV{STASH_SLOW};

my $limit = 32 * 1024;		# kB that hashing may take
my $node = PostgreSQL::Test::Cluster->new('big');
$node->init;
# so small that pages of it, which count as the backend's memory, are all there before a value is read
$node->append_conf('postgresql.conf', "shared_buffers = '4MB'\nmax_wal_size = '4GB'\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
-- the memory of this backend in kB: now, and at its peak
CREATE FUNCTION rss() RETURNS int VOLATILE LANGUAGE sql AS $$ SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmRSS:\s+(\d+) kB'))[1]::int $$;
CREATE FUNCTION peak() RETURNS int VOLATILE LANGUAGE sql AS $$ SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+) kB'))[1]::int $$;
CREATE TABLE filler AS SELECT repeat('x', 1000) AS t FROM generate_series(1, 20000);
SQL

my %made = (
	bytea => q(convert_to(repeat('0123456789abcdef', 50000000), 'UTF8')),
	text => q(repeat('0123456789äöü', 50000000)),
	'float8[]' => q(array_fill(0.1::float8, ARRAY[100000000])),
	'text[]' => q(array_fill(repeat('x', 100), ARRAY[7700000])));
my $has_proc = -r '/proc/self/status';
for my $type (sort keys %made)
{
	my $hash = $node->safe_psql('postgres', "SELECT stash.hash($made{$type})");

	$node->safe_psql('postgres', <<SQL);
BEGIN;
CREATE TABLE big (v $type);
ALTER TABLE big ALTER v SET STORAGE external;
INSERT INTO big SELECT $made{$type};
COMMIT;
SQL
	cmp_ok($node->safe_psql('postgres', q(SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'big'::regclass)), '>', 800e6, "$type: 800 MB are stored");
	is($node->safe_psql('postgres', 'SELECT stash.hash(v) FROM big'), $hash, "$type: with the hash that they have in memory");
  SKIP:
	{
		skip 'no /proc here', 3 unless $has_proc;
		check_memory($type, "$_(v)") for qw(stash.hash stash.hash64 stash.hash_sampled);
	}
	# while it is read, and while it is hashed, or when it is done
	check_cancel($type, $_) for 20, 100, 500, 1500;
	$node->safe_psql('postgres', 'DROP TABLE big');
}

# in memory, with not much less than the 1 GB that a value may have
for my $made ('array_fill(1::float8, ARRAY[134217700])', q(array_fill('1234567890'::text, ARRAY[67108800])))
{
	my ($built) = measure("cardinality($made)", '');
	my ($hashed, $hash) = measure("stash.hash($made)", '');

	like($hash, qr/^[0-9a-f-]{36}$/, "$made: hashed");
	cmp_ok($hashed - $built, '<', $limit, "$made: in little more memory than it has") if $has_proc;
}
$node->stop;
done_testing();

# By how many kB a new session grows when it evaluates an expression, and the result.
sub measure
{
	my ($expression, $from) = @_;
	my ($before, $result, $after) = split /\n/, $node->safe_psql('postgres', <<SQL);
SELECT rss() FROM (SELECT count(stash.hash(t)), count(stash.hash_sampled(t)) FROM filler) warm;
SELECT $expression $from;
SELECT peak();
SQL
	return ($after - $before, $result);
}

sub check_memory
{
	my ($type, $expression) = @_;
	my ($grown) = measure($expression, 'FROM big');

	cmp_ok($grown, '<', $limit, "$type: $expression takes $grown kB");
	return;
}

sub check_cancel
{
	my ($type, $after) = @_;
	my $start = time;
	my ($status, undef, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET statement_timeout = '${after}ms'; SELECT stash.hash(v) FROM big");
	my $taken = time - $start;

	like($error, $after > 100 ? qr/57014|^$/ : qr/57014/, "$type: cancelled after $after ms");
	cmp_ok($taken, '<', 1 + $after / 1000, sprintf('%s: at once, after %.2f s', $type, $taken));
	return;
}
