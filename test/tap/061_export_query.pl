# 061_export_query.pl: JSON arrays in files and COPY, queries that write in them, a row of 500 MB (STASH_SLOW=1)

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
my $dir = PostgreSQL::Test::Utils::tempdir();
$node->init;
$node->append_conf('postgresql.conf', "session_preload_libraries = 'pg_hashstash'");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE TABLE item AS SELECT n, 'row ' || n || ' "q" ä' AS text, n * 0.5 AS half FROM generate_series(1, 20000) n;
SQL

sub slurp { return PostgreSQL::Test::Utils::slurp_file($_[0]); }

# what a command says: output, and the first line of the error
sub answer
{
	my ($ret, $out, $err) = $node->psql('postgres', $_[0]);

	return $err =~ /ERROR: +(.*)/ ? $1 : $out;
}

my $lines = $node->safe_psql('postgres', 'SELECT row_to_json(item) FROM item');
my $array = '[' . ($lines =~ s/\n/,\n/gr) . ']';

is(answer("SELECT stash.export_file('TABLE item', '$dir/item.json')"), '20000', 'export_file to a name that ends in .json');
is(slurp("$dir/item.json"), $array, 'is an array of the rows');
is(answer("SELECT stash.export_file('TABLE item', '$dir/item.txt', 'json', chunk_rows => 5000)"), '20000', 'format json, chunks that are full at the end');
is(slurp("$dir/item.txt"), $array, 'the same');
is(answer("SELECT stash.export_file('SELECT 1 WHERE false', '$dir/none.json')"), '0', 'no rows');
is(slurp("$dir/none.json"), '[]', 'an empty array');
is(answer("SELECT stash.export_file('SELECT n FROM item WHERE n < \$1', '$dir/few.json', profile => 'lossless', params => ROW('3'))"), '2', 'with parameters');
is(slurp("$dir/few.json"), qq([{"n":1},\n{"n":2}]), 'those rows');

# one that writes: all of it or nothing
is(answer("SELECT stash.export_file('DELETE FROM item WHERE n > 19990 RETURNING n', '$dir/gone.json')"), '10', 'a DELETE into a file');
is(answer('SELECT count(*) FROM item'), '19990', 'has deleted');
is(slurp("$dir/gone.json"), '[' . join(",\n", map { qq({"n":$_}) } 19991 .. 20000) . ']', 'what it says');
is(answer("SELECT stash.export_file('DELETE FROM item RETURNING 1 / (n - 15000)', '$dir/gone.json')"), 'division by zero', 'an error half-way');
is(answer('SELECT count(*) FROM item'), '19990', 'has deleted nothing');
like(slurp("$dir/gone.json"), qr/^\[\{"n":19991\}/, 'and left the file');
is(answer("SELECT stash.export_file('UPDATE item SET n = n RETURNING n', '$dir/no/such.json')") =~ /^could not open file/, 1, 'a file that cannot be written');
$node->command_like([ 'psql', '-XAt', '-c', "COPY (UPDATE item SET half = 0 WHERE n <= 5000 RETURNING n) TO '$dir/changed.jsonl' (FORMAT jsonl)", $node->connstr('postgres') ],
	qr/^COPY 5000$/, 'COPY of an UPDATE tells how many rows');
is(answer('SELECT count(*) FROM item WHERE half = 0'), '5000', 'which it has changed');

# FORMAT json is the server's own from 19 on
SKIP:
{
	skip 'the server has its own', 8 if $node->pg_version >= 19;

	$array = '[' . ($node->safe_psql('postgres', 'SELECT row_to_json(item) FROM item') =~ s/\n/,\n/gr) . ']';
	is(answer("COPY item TO '$dir/copy.json' (FORMAT json)"), '', 'COPY with FORMAT json');
	is(slurp("$dir/copy.json"), $array, 'is an array');
	is(answer("\\copy item TO '$dir/client.json' (FORMAT json, FORCE_ARRAY, chunk_rows 1999)"), '', 'by \copy, as 19 has it');
	is(slurp("$dir/client.json"), $array, 'the same');
	is(answer('COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT json)'), '[]', 'no rows');
	is(answer('COPY (SELECT 1 AS a UNION ALL SELECT 2) TO STDOUT (FORMAT json, FORCE_ARRAY false, profile lossless)'), qq({"a":1}\n{"a":2}), 'lines, as 19 has it');
	is( answer('COPY (SELECT 1) TO STDOUT (FORMAT json, codec lz4)'),
		'option "codec" is not allowed with COPY format json',
		'an option that it has not');
	is(answer("COPY item FROM '$dir/copy.json' (FORMAT json)"), 'COPY format "json" not recognized', 'only out');
}

# a command that keeps rows for later leaves no file when its session ends
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query("SET work_mem = '64kB'");
$session->query("BEGIN; DECLARE c CURSOR FOR SELECT stash.to_json('UPDATE item SET n = n RETURNING *', 10); FETCH 1 FROM c");
my $temp = $node->data_dir . '/base/pgsql_tmp/*';
isnt(join(' ', glob $temp), '', 'rows wait on disk');
$session->quit;
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_ls_tmpdir()");
is(join(' ', glob $temp), '', 'until the session ends');

SKIP:
{
	skip 'set STASH_SLOW=1 for a row of 500 MB', 4 unless $ENV{STASH_SLOW};

	my $big = q(SELECT 1 AS n, repeat('0123456789', 50000000) AS big UNION ALL SELECT 2, 'small');

	is( answer("SELECT stash.export_file(\$q\$$big\$q\$, '$dir/big.json', chunk_bytes => 65536)"), '2', 'a row of 500 MB');
	is(-s "$dir/big.json", length(qq([{"n":1,"big":""},\n{"n":2,"big":"small"}])) + 500_000_000, 'whole');
	is( answer("SELECT string_agg(format('%s %s %s', (c).chunk, (c).row_count, octet_length((c).data)), ',') FROM (SELECT stash.to_json(\$q\$$big\$q\$, chunk_bytes => 65536) AS c OFFSET 0) s"),
		'1 1 ' . (length(qq([{"n":1,"big":""})) + 500_000_000) . ',2 1 ' . length(qq(,\n{"n":2,"big":"small"}])),
		'a chunk by itself');
	like(answer("SELECT stash.export_file(\$q\$$big\$q\$, '$dir/less.json', memory_limit => 100000000)"), qr/^export needs more memory/, 'the limit holds');
}

done_testing();
