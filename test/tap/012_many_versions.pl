# 012_many_versions.pl: of many versions that sessions put at once under one key none is lost
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('versions');
$node->init;
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION pg_hashstash; SELECT stash.create('kept', keep_versions => 0), stash.create('few', keep_versions => 10)});

# trap 67: 4 times 50 puts, each with a value of its own
my $script = $node->basedir . '/put.sql';
append_to_file($script, <<'SQL');
SELECT stash.put('kept', 'k', format('%s %s', :client_id, nextval('turn')));
SELECT stash.put('few', 'k', :client_id);
SQL
$node->safe_psql('postgres', 'CREATE SEQUENCE turn');
$node->command_ok([ 'pgbench', '-n', '-c', 4, '-j', 2, '-t', 50, '-f', $script, 'postgres' ], 'four clients put 50 times');
is( $node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT value), min(version), max(version) FROM stash.versions('kept', 'k')}),
	'200|200|1|200', '200 versions, numbered without a gap');
is( $node->safe_psql('postgres', q{SELECT count(*), min(version), max(version) FROM stash.versions('few', 'k')}),
	'10|191|200', 'where ten are kept, the last ten');
is( $node->safe_psql('postgres', q{SELECT split_part(value::text, ' ', 1), count(*) FROM stash.versions('kept', 'k') GROUP BY 1 ORDER BY 1}),
	join("\n", map { "$_|50" } 0 .. 3), 'fifty of each client');
$node->stop;
done_testing();
