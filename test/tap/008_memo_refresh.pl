# 008_memo_refresh.pl: an answer does not outlive a refresh that can be seen, though word of it has not come yet
#
# A commit is visible some microseconds before others are told what it changed in the catalogs.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = 5;

my $node = PostgreSQL::Test::Cluster->new('memo_refresh');
$node->init;
$node->start;
# in one statement: the truth, what is remembered, the truth again
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE TABLE source (id int, amount int);
INSERT INTO source VALUES (1, 0);
CREATE MATERIALIZED VIEW seen AS SELECT id, amount FROM source;
CREATE UNIQUE INDEX ON seen (id);
CREATE FUNCTION remembered() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(amount) FROM seen); END';
CREATE FUNCTION truth() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(amount) FROM seen); END';
SELECT stash.memoize('remembered()');
CREATE FUNCTION compare(before int, memo int, after int) RETURNS void IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	IF before = after AND memo IS DISTINCT FROM before THEN
		RAISE EXCEPTION 'remembered: %, computed: %', memo, before;
	END IF;
END
$$;
SQL

my %script = (
	refresh => 'BEGIN; UPDATE source SET amount = amount + 1; REFRESH MATERIALIZED VIEW CONCURRENTLY seen; COMMIT; \sleep 2 ms',
	ask => 'SELECT compare(a, m, b) FROM (SELECT truth() AS a, remembered() AS m, truth() AS b OFFSET 0) s;');
my %bench;
my %output;

for my $name (sort keys %script)
{
	my $file = $node->basedir . "/$name.sql";
	my @clients = $name eq 'ask' ? ('-c', 6) : ('-c', 1);

	append_to_file($file, join "\n", split(/(?<=;) (?=\\)/, $script{$name}), '');
	$output{$name} = '';
	$bench{$name} = IPC::Run::start(
		[ 'pgbench', '-n', @clients, '-T', $seconds, '-f', $file, '-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \$output{$name}, '2>&1');
}
for my $name (sort keys %script)
{
	ok($bench{$name}->finish, "$name: nothing differs, nothing fails") or diag($output{$name});
	my ($done) = $output{$name} =~ /actually processed: (\d+)/;
	cmp_ok($done // 0, '>', 20, "$name: ran");
}
$node->stop;
done_testing();
