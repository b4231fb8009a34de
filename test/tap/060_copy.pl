# 060_copy.pl: COPY and export_file write files, programs and clients, beside other hooks; nothing half-written is left

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
sub found { return join ' ', map { s{.*/}{}r } glob "$dir/*"; }

# what a command says: output, and the first line of the error
sub answer
{
	my ($ret, $out, $err) = $node->psql('postgres', $_[0]);

	return $err =~ /ERROR: +(.*)/ ? $1 : $out;
}

my $expected = $node->safe_psql('postgres', 'SELECT row_to_json(item) FROM item') . "\n";
is(length $expected > 1000000, 1, 'more than some chunks');

$node->command_like([ 'psql', '-XAt', '-c', "COPY item TO '$dir/item.jsonl' (FORMAT jsonl)", $node->connstr('postgres') ],
	qr/^COPY 20000$/, 'COPY to a file tells how many rows');
is(slurp("$dir/item.jsonl"), $expected, 'all rows as row_to_json writes them');
is(sprintf('%o', (stat "$dir/item.jsonl")[2] & 07777), '644', 'with the mode that COPY gives');
is(answer("COPY item TO PROGRAM 'gzip > $dir/item.gz' (FORMAT jsonl)"), '', 'to a program');
is(qx(gunzip < $dir/item.gz), $expected, 'the same');
is(answer('COPY item TO STDOUT (FORMAT jsonl)') . "\n", $expected, 'to the client');
is(answer("\\copy item TO '$dir/client.jsonl' (FORMAT jsonl)"), '', 'by \\copy');
is(slurp("$dir/client.jsonl"), $expected, 'the same');
is(answer("SELECT stash.export_file('TABLE item', '$dir/file.jsonl')"), '20000', 'export_file');
is(slurp("$dir/file.jsonl"), $expected, 'the same');
is( answer(
		"SET client_encoding = latin1; COPY (SELECT chr(228) AS a) TO STDOUT (FORMAT jsonl); COPY (SELECT chr(228) AS a) TO '$dir/utf8.jsonl' (FORMAT jsonl)"),
	qq({"a":"\xe4"}), 'a client gets its own encoding');
is(slurp("$dir/utf8.jsonl"), qq({"a":"\xc3\xa4"}\n), 'a file UTF-8');

is(answer("COPY item TO '$dir/item.arrows' (FORMAT arrow, codec 'lz4')"), '', 'Arrow to a file');
is(answer("SELECT stash.export_file('TABLE item', '$dir/file.arrows', codec => 'lz4', chunk_bytes => 65536)"), '20000', 'and by export_file');
is(slurp("$dir/item.arrows"), slurp("$dir/file.arrows"), 'the same bytes');
is(answer("\\copy item TO '$dir/client.arrows' (FORMAT arrow, codec 'lz4')"), '', 'by \\copy');
is(slurp("$dir/client.arrows"), slurp("$dir/file.arrows"), 'the same');

# trap 72: files are there when they are complete
my $before = found();
is(answer("COPY (SELECT 1 / (15000 - n) FROM item) TO '$dir/half.jsonl' (FORMAT jsonl)"), 'division by zero', 'an error half-way');
is(answer("COPY (SELECT 1 / (15000 - n) FROM item) TO '$dir/item.jsonl' (FORMAT jsonl)"), 'division by zero', 'over a file that is there');
is(answer("SELECT stash.export_file('SELECT 1 / (15000 - n) FROM item', '$dir/item.jsonl')"), 'division by zero', 'in export_file');
is( answer("DO \$\$ BEGIN COPY (SELECT 1 / (15000 - n) FROM item) TO '$dir/half.jsonl' (FORMAT jsonl); EXCEPTION WHEN division_by_zero THEN NULL; END \$\$"),
	'', 'caught');
is( answer("SET statement_timeout = 300; COPY (SELECT n, pg_sleep(0.01) FROM item) TO '$dir/half.jsonl' (FORMAT jsonl)"),
	'canceling statement due to statement timeout', 'cancelled');
is(found(), $before, 'leaves nothing');
is(slurp("$dir/item.jsonl"), $expected, 'and what was there');

# other things than files
mkdir "$dir/folder" or die;
symlink "$dir/item.jsonl", "$dir/link" or die;
is(answer("COPY item TO '$dir/folder' (FORMAT jsonl)"), qq("$dir/folder" is no regular file), 'a directory');
is(answer("COPY item TO '$dir/link' (FORMAT jsonl)"), qq("$dir/link" is no regular file), 'a symbolic link');
like(answer("COPY item TO '$dir/no/such' (FORMAT jsonl)"), qr/^could not open file "\Q$dir\E\/no\/such\.\d+\.tmp" for writing: No such file/, 'no directory');
is(answer("COPY item TO '/dev/null' (FORMAT jsonl)"), '', 'a device');
is(-c '/dev/null', 1, 'which stays one');
# what somebody put where the temporary file goes is not followed
is( answer("SELECT pg_backend_pid() AS pid \\gset\n\\setenv PID :pid\n\\! ln -s $dir/item.jsonl $dir/new.jsonl.\$PID.tmp\nCOPY (SELECT 1) TO '$dir/new.jsonl' (FORMAT jsonl)"),
	'', 'a link in the place of the temporary file');
is(slurp("$dir/item.jsonl"), $expected, 'is not followed');
is(slurp("$dir/new.jsonl"), qq({"?column?":1}\n), 'and the file is written');

is(answer("COPY item TO PROGRAM 'exit 3' (FORMAT jsonl)"), 'program "exit 3" failed', 'a program that fails');
is(answer("COPY item TO PROGRAM 'head -c 100 > /dev/null; exit 4' (FORMAT jsonl)"), "program \"head -c 100 > /dev/null; exit 4\" failed", 'one that does not read to the end');

# progress
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->{stdin} .= "COPY (SELECT n, pg_sleep(CASE WHEN n % 100 = 0 THEN 0.1 ELSE 0 END) FROM item) TO '/dev/null' (FORMAT jsonl, chunk_rows 100);\n";
$session->{run}->pump_nb;
ok( $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_progress_copy WHERE command = 'COPY TO' AND type = 'FILE' AND tuples_processed > 100 AND bytes_processed > 1000"),
	'progress can be watched');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_progress_copy");
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_stat_progress_copy'), 'until it ends');
$session->quit;

# other libraries' hooks, before and behind ours
for my $libraries ('pg_stat_statements, pg_hashstash', 'pg_hashstash, pg_stat_statements')
{
	$node->append_conf('postgresql.conf', "session_preload_libraries = ''\nshared_preload_libraries = '$libraries'\npg_stat_statements.track = all");
	$node->restart;
	$node->safe_psql('postgres', 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()');
	is(answer("COPY item TO '$dir/again.jsonl' (FORMAT jsonl)"), '', "beside $libraries");
	is(slurp("$dir/again.jsonl"), $expected, 'the same');
	is($node->safe_psql('postgres', "SELECT max(rows) FROM pg_stat_statements WHERE query LIKE 'COPY item%'"), '20000', 'and is counted');
}

$node->stop;
done_testing();
