# 065_export_resume.pl: an export that was interrupted goes on, and its file has the bytes that it would have had; what others wrote is not gone on with

use strict;
use warnings;

use IPC::Run;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Files;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $number = 0;
$node->init;
# a backend that is killed takes the server down, which comes back by itself
$node->append_conf('postgresql.conf', "restart_after_crash = on\nenable_sort = off");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
-- in no order; text with all that is escaped, and long enough to be torn
CREATE TABLE item AS SELECT n, 'row ' || n || E' "q" ä\n' || repeat('x', n % 100) AS text, n * 0.5 AS half FROM generate_series(1, 20000) n ORDER BY hashint4(n);
CREATE UNIQUE INDEX ON item (n);
VACUUM ANALYZE item;
-- sleeps at a row, or fails there, as the table says; 0: nowhere
CREATE TABLE stop (at int, how text);
INSERT INTO stop VALUES (0, '');
CREATE FUNCTION gate(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE s stop;
BEGIN
	SELECT * INTO s FROM stop;
	IF n = s.at AND s.how = 'sleep' THEN PERFORM pg_sleep(600); END IF;
	IF n = s.at AND s.how = 'fail' THEN RAISE 'stopped at %', n; END IF;
	RETURN n;
END $$;
SQL

sub found { return join ' ', sort map { s{.*/}{}r } glob "$dir/*"; }

# what a command says: output, or the error with its lines after the first
sub answer
{
	my ($ret, $out, $err) = $node->psql('postgres', $_[0]);

	return $err =~ /ERROR: +(.*)/s ? $1 =~ s/\nCONTEXT:.*//sr : $out;
}

# the statement that exports a query
sub export_of
{
	my ($query, $path, $more) = @_;

	return "SELECT stash.export_file(\$q\$$query\$q\$, '$path', chunk_rows => 100" . ($more // ", resume_key => 'n'") . ')';
}

sub stop_at { $node->safe_psql('postgres', "UPDATE stop SET at = $_[0], how = '$_[1]'"); }

# rows come in order by the index, and each passes the gate when its time comes
my $query = 'SELECT n, text, half FROM item WHERE gate(n) > 0';
my $all = $node->safe_psql('postgres', 'SELECT row_to_json(item) FROM item ORDER BY n') . "\n";

# interrupt an export; returns what the file has then
sub interrupt
{
	my ($how, $at, $path) = @_;
	my $statement = export_of($query, $path);

	if ($how eq 'error')
	{
		stop_at($at, 'fail');
		is(answer($statement), "stopped at $at", "$how at row $at");
	}
	elsif ($how eq 'timeout')
	{
		stop_at($at, 'sleep');
		like(answer("SET statement_timeout = '2s'; $statement"), qr/^canceling statement due to statement timeout/, "$how at row $at");
	}
	else
	{
		stop_at($at, 'sleep');
		my ($out, $err) = ('', '');
		my $psql = IPC::Run::start([ 'psql', '-XAt', '-d', $node->connstr('postgres'), '-c', $statement ], '>', \$out, '2>', \$err);

		$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'") or die;
		my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
		# one at a time
		like(answer($statement), qr/^file "\Q$path.partial\E" is being written by another export\nHINT:  Wait/, 'another call meanwhile is refused');
		if ($how eq 'cancel') { $node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)"); }
		else { kill 'KILL', $pid; }
		$psql->finish;
		like($err, $how eq 'cancel' ? qr/canceling statement due to user request/ : qr/server closed the connection/, "$how at row $at");
		$node->poll_query_until('postgres', 'SELECT true') or die if $how eq 'kill';
	}
	ok(!-e $path, 'there is no file yet');
	return slurp("$path.partial");
}

# ---- interrupted at any row in any way

for my $how ('error', 'timeout', 'cancel', 'kill')
{
	my $path = "$dir/$how.jsonl";
	my @at = $how eq 'error' ? (1, 2, 100, 101, 10050, 20000) : (10050);

	for my $at (@at)
	{
		my $part = interrupt($how, $at, $path);

		is($part, substr($all, 0, length $part), 'what is kept is the beginning');
		is($part =~ tr/\n//, 100 * int(($at - 1) / 100), 'as far as chunks were full');
		stop_at(0, '');
		is(answer(export_of($query, $path)), '20000', 'the next call completes it, and counts all rows');
		ok(slurp($path) eq $all, 'with the bytes of one that was not interrupted');
		is(join(' ', grep { /partial|resume/ } split / /, found()), '', 'and nothing is left beside it');
		unlink $path;
	}
}
# twice, at places that come nearer
interrupt('error', $_, "$dir/often.jsonl") for 5000, 5001, 12345;
stop_at(0, '');
is(answer(export_of($query, "$dir/often.jsonl")), '20000', 'interrupted three times');
ok(slurp("$dir/often.jsonl") eq $all, 'the same bytes');
# what was there stays until then
my $kept = interrupt('error', 150, "$dir/often2.jsonl");
spew("$dir/often2.jsonl", 'before');
is(answer(export_of($query, "$dir/often2.jsonl")), 'stopped at 150', 'over a file that is there');
is(slurp("$dir/often2.jsonl"), 'before', 'it is there to the end');
stop_at(0, '');
is(answer(export_of($query, "$dir/often2.jsonl")), '20000', 'and then');
ok(slurp("$dir/often2.jsonl") eq $all, 'replaced');

# ---- torn: cut at every byte around the end of a line; holes of zeros; complete, but not renamed

my $path = "$dir/torn.jsonl";
my $part = interrupt('error', 301, $path);
my $label = slurp("$path.resume");
my $third = index($part, "\n", index($part, "\n", index($part, "\n") + 1) + 1) + 1;
my @pieces = (map({ substr($part, 0, $_) } 0 .. 3, $third - 2 .. $third + 2, length($part) - 2 .. length($part)),
	substr($part, 0, $third) . "\0" x 4096, substr($part, 0, $third + 9) . "\0" x 4096 . substr($part, $third, 5000), "\0" x 100, $all);
stop_at(0, '');
for my $piece (@pieces)
{
	spew("$path.partial", $piece);
	spew("$path.resume", $label);
	is(answer(export_of($query, $path)), '20000', 'torn after ' . length($piece) . ' bytes');
	ok(slurp($path) eq $all, 'the same bytes');
}
# a torn end of 3 MB, more than is read at once
spew("$path.partial", substr($all, 0, $third) . '{"n":4,"text":"' . 'x' x 3_000_000);
spew("$path.resume", $label);
is(answer(export_of($query, $path)), '20000', 'a long torn line');
ok(slurp($path) eq $all, 'the same bytes');
is(answer(export_of($query, $path)), '20000', 'an export that begins anew');
ok(slurp($path) eq $all, 'the same bytes');

# the rows that are there are not read again
my $counting = 'SELECT n, 1 / (15001 - n) AS x FROM item';
is(answer(export_of($counting, "$dir/count.jsonl")), 'division by zero', 'stopped by a row');
$node->safe_psql('postgres', 'UPDATE item SET n = -1 WHERE n = 15001');
my ($ret, $out, $err) = $node->psql('postgres', "SET client_min_messages = log; LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; " . export_of($counting, "$dir/count.jsonl"));
is($out, '19999', 'go on behind it');
like($err, qr/Index Cond: \(item\.n >= 15000\)|Index Cond: \(n >= 15000\)/, 'by the index');
is(answer("SELECT count(*), count(DISTINCT n), sum(n) FROM stash.read_jsonl('$dir/count.jsonl') AS t(n int)"), '19999|19999|' . (20000 * 20001 / 2 - 15001), 'a row that came meanwhile before the last one is not there');
$node->safe_psql('postgres', 'UPDATE item SET n = 15001 WHERE n = -1');

# ---- keys of other types, names, profiles

$node->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
CREATE DOMAIN code AS text COLLATE "C" CHECK (value <> 'bad');
CREATE TABLE keys AS SELECT n AS "N", n::int2 AS i2, n::int8 * 4611686018427387 AS i8, (n - 500) / 7.0 AS num, (n - 500) / 7.0::float8 AS f8, ((n - 500) / 7.0)::float4 AS f4,
	'ä"\' || chr(n + 32) || E'\n\t' || n AS "a ""key""", (chr(1000 + n) || n)::varchar(10) AS vc, (n || 'x')::code AS code, md5(n::text)::uuid AS u,
	'2000-01-01'::date + n AS day, '0040-01-01 BC'::timestamp + n * interval '1 month 1.000001 s' AS ts, '2000-01-01'::timestamptz + n * interval '3.5 h' AS tz,
	decode(md5(n::text), 'hex') AS data, make_interval(secs => n * 1000.5) AS i, int4range(n, n + 5) AS r, ('10.0.0.0'::inet + n) AS net, n::oid AS o,
	CASE n WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' WHEN 3 THEN '-Infinity' ELSE n::numeric END AS special
FROM generate_series(1, 1000) n ORDER BY md5(n::text);
SQL
for my $key ('N', 'i2', 'i8', 'num', 'f8', 'f4', 'a "key"', 'vc', 'code', 'u', 'day', 'ts', 'tz', 'data', 'i', 'r', 'net', 'o', 'special')
{
	for my $profile ('default', $key =~ /^(i8|f8|data|special|i|ts)$/ ? 'lossless' : ())
	{
		my $more = ", resume_key => '$key', profile => '$profile'";
		my $settings = "SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'; SET TimeZone = 'America/New_York'; SET bytea_output = 'escape'; ";
		my $quoted = '"' . $key =~ s/"/""/gr . '"';

		$number++;
		is(answer($settings . export_of("SELECT * FROM keys ORDER BY $quoted", "$dir/key.jsonl", ", profile => '$profile'")), '1000', "key $key, profile $profile");
		# an error at a rank
		my $ranked = "SELECT k.*, 1 / (rank - current_setting('stash_test.at')::int8) * 0 AS x FROM (SELECT *, row_number() OVER (ORDER BY $quoted) AS rank FROM keys) k";

		is(answer($settings . 'SET stash_test.at = 537; ' . export_of($ranked, "$dir/part$number.jsonl", $more)), 'division by zero', 'interrupted');
		is(slurp("$dir/part$number.jsonl.partial") =~ tr/\n//, 500, 'behind some rows');
		is(answer($settings . 'SET stash_test.at = 0; ' . export_of($ranked, "$dir/part$number.jsonl", $more)), '1000', 'resumed');
		my $resumed = slurp("$dir/part$number.jsonl") =~ s/,"rank":"?\d+"?,"x":"?-?0"?\}/}/gr;
		ok($resumed eq slurp("$dir/key.jsonl"), 'the same rows in the same order');
	}
}

# ---- parameters, and a query that ends in a comment

stop_at(0, '');
is(answer(export_of('SELECT n, 1 / (250 - n) AS x FROM item WHERE n BETWEEN $1 AND $2 -- some', "$dir/params.jsonl", ", params => ROW('5', 260), resume_key => 'n'")), 'division by zero', 'parameters');
$node->safe_psql('postgres', 'CREATE TABLE away AS SELECT * FROM item WHERE n = 250; DELETE FROM item WHERE n = 250');
like(answer(export_of('SELECT n, 1 / (250 - n) AS x FROM item WHERE n BETWEEN $1 AND $2 -- some', "$dir/params.jsonl", ", params => ROW('6', 260), resume_key => 'n'")), qr/^file .* is of another export\nDETAIL:  They differ in: params\./, 'other ones are noticed');
is(answer(export_of('SELECT n, 1 / (250 - n) AS x FROM item WHERE n BETWEEN $1 AND $2 -- some', "$dir/params.jsonl", ", params => ROW('5', 260), resume_key => 'n'")), '255', 'the same ones');
is(slurp("$dir/params.jsonl"), $node->safe_psql('postgres', 'SELECT row_to_json(t) FROM (SELECT n, 1 / (250 - n) AS x FROM item WHERE n BETWEEN 5 AND 260 ORDER BY n) t') . "\n", 'those rows');
$node->safe_psql('postgres', 'INSERT INTO item TABLE away');

# ---- nulls, and one value twice: also where the other row was written before

$node->safe_psql('postgres', 'CREATE TABLE twice AS SELECT n, n AS m FROM generate_series(1, 250) n');
$node->safe_psql('postgres', 'INSERT INTO twice VALUES (150, 0)');
is(answer(export_of('TABLE twice', "$dir/twice.jsonl")), "column \"n\" has one value in several rows\nDETAIL:  The value is 150; an export is resumed by a column that is unique.\nHINT:  Name another column.", 'a value twice');
$node->safe_psql('postgres', 'UPDATE twice SET n = 100 WHERE m = 0');
is(slurp("$dir/twice.jsonl.partial") =~ tr/\n//, 100, 'of which 100 rows are written');
like(answer(export_of('TABLE twice', "$dir/twice.jsonl")), qr/^column "n" has one value in several rows\nDETAIL:  The value is 100;/, 'the value of the last row once more');
$node->safe_psql('postgres', 'UPDATE twice SET n = NULL WHERE m = 0');
like(answer(export_of('TABLE twice', "$dir/twice.jsonl")), qr/^column "n" is null in a row\nDETAIL:  .*\nHINT:  Name another column, or leave such rows out of the query\./, 'a null, resumed');
is(slurp("$dir/twice.jsonl.partial") =~ tr/\n//, 100, 'before more is written');
like(answer(export_of('TABLE twice', "$dir/null.jsonl")), qr/^column "n" is null in a row/, 'a null');
$node->safe_psql('postgres', 'DELETE FROM twice WHERE m = 0 OR n = 100');
is(answer(export_of('TABLE twice', "$dir/twice.jsonl")), '250', 'the last row is gone: its line stays');
$node->safe_psql('postgres', q(CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)))
	if my $has_icu = $node->psql('postgres', q(CREATE COLLATION probe (provider = icu, locale = 'und'))) == 0;
SKIP:
{
	skip 'no ICU here', 1 unless $has_icu;
	like(answer(export_of(q(SELECT x COLLATE blind AS n FROM unnest('{a,b,A}'::text[]) x), "$dir/blind.jsonl")), qr/^column "n" has one value in several rows/, 'equal is what the collation says');
}

# ---- of another export

$path = "$dir/other.jsonl";
$part = interrupt('error', 301, $path);
$label = slurp("$path.resume");
stop_at(0, '');
my $other = qr/^file "\Q$path.partial\E" is of another export\nDETAIL:  They differ in: %s\.\nHINT:  Go on with that one, remove the file, or export to another path\.$/;
sub differs { my $pattern = "$other" =~ s/%s/$_[0]/r; return qr/$pattern/; }
$node->safe_psql('postgres', 'CREATE ROLE other SUPERUSER; CREATE SCHEMA elsewhere');
like(answer(export_of("$query ", $path)), differs('query'), 'another query');
like(answer(export_of($query, $path, ", resume_key => 'text'")), differs('resume_key'), 'another key');
like(answer(export_of($query, $path, ", resume_key => 'n', profile => 'lossless'")), differs('profile'), 'another profile');
like(answer("SET ROLE other; " . export_of($query, $path)), differs('role'), 'another role, which may see other rows');
like(answer("SET search_path = public, elsewhere; " . export_of($query, $path)), differs('search_path'), 'another search_path');
like(answer("SET TimeZone = 'Asia/Tokyo'; " . export_of($query, $path)), differs('TimeZone'), 'another setting');
$node->safe_psql('postgres', 'ALTER TABLE item ALTER half TYPE float8');
like(answer(export_of($query, $path)), differs('columns'), 'another type of a column');
$node->safe_psql('postgres', 'ALTER TABLE item ALTER half TYPE numeric USING n * 0.5');
is(slurp("$path.partial"), $part, 'none of them has changed the file');
unlink "$path.resume";
like(answer(export_of($query, $path)), qr/^file .* is of another export\nDETAIL:  It has no label/, 'without a label');
spew("$path.resume", "text\n");
like(answer(export_of($query, $path)), differs('their form'), 'with a label that is none');
# damage that no crash makes
spew("$path.resume", $label);
for my $last ('text', '{}', '[1]', '{"n":null}', '{"m":1}', '{"n":[1]}', '', '{"n":')
{
	spew("$path.partial", "$part$last\n");
	like(answer(export_of($query, $path)), qr/^file "\Q$path.partial\E" cannot be gone on with\nDETAIL:  Its last line has no value/, "last line: $last");
}
spew("$path.partial", "$part\{\"n\":\"x\"}\n");
like(answer(export_of($query, $path)), qr/^invalid input syntax for type integer: "x"/, 'no value of the type');
unlink "$path.partial";
is(answer(export_of($query, $path)), '20000', 'with the file removed it begins anew');

# ---- what others may have put there

$path = "$dir/mine.jsonl";
for my $which ('partial', 'resume')
{
	my $own = qr/^file "\Q$path.$which\E" cannot be gone on with\nDETAIL:  It must be a regular file of the server's own, without another name, that nobody else may write\./;
	my $prepare = sub {
		unlink "$path.partial", "$path.resume";
		spew("$path.partial", $part);
		spew("$path.resume", $label);
		unlink "$path.$which" if $_[0];
	};

	$prepare->(1);
	spew("$dir/victim", 'victim');
	symlink "$dir/victim", "$path.$which" or die;
	like(answer(export_of($query, $path)), $own, "$which: a symbolic link");
	$prepare->(1);
	link "$dir/victim", "$path.$which" or die;
	like(answer(export_of($query, $path)), $own, 'another name of a file');
	$prepare->(1);
	system("mkfifo '$path.$which'") == 0 or die;
	like(answer(export_of($query, $path)), $own, 'a pipe');
	$prepare->(1);
	mkdir "$path.$which" or die;
	like(answer(export_of($query, $path)), $own, 'a directory');
	rmdir "$path.$which";
	$prepare->(0);
	chmod 0666, "$path.$which" or die;
	like(answer(export_of($query, $path)), $own, 'one that all may write');
	is(slurp("$dir/victim"), 'victim', 'what a link points to is as it was');
}
unlink "$path.partial", "$path.resume";
symlink "$dir/victim", "$dir/link.jsonl" or die;
like(answer(export_of($query, "$dir/link.jsonl")), qr/^"\Q$dir\E\/link.jsonl" is no regular file/, 'the path itself is a link');
is(answer(export_of($query, $path)), '20000', 'all removed');
is(sprintf('%o', (stat $path)[2] & 07777), '644', 'with the mode that COPY gives');
ok(slurp($path) eq $all, 'the same bytes');

# ---- no rows, and a database of another encoding

is(answer(export_of('SELECT n FROM item WHERE false', "$dir/none.jsonl")), '0', 'no rows');
is(slurp("$dir/none.jsonl"), '', 'an empty file');
$node->safe_psql('postgres', "CREATE DATABASE latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
$node->safe_psql('latin1', q(SET client_encoding = 'UTF8'; CREATE EXTENSION pg_hashstash; CREATE TABLE word AS SELECT chr(192 + n) || chr(10) AS "schön", n FROM generate_series(0, 60) n; CREATE INDEX ON word ("schön")));
my $words = q(SELECT "schön", 1 / (30 - n) * 0 AS x FROM word);
my $latin = "SET client_encoding = 'UTF8'; SELECT stash.export_file(\$q\$$words\$q\$, '$dir/latin.jsonl', chunk_rows => 7, resume_key => 'schön')";
($ret, $out, $err) = $node->psql('latin1', $latin);
like($err, qr/division by zero/, 'LATIN1: interrupted');
is(slurp("$dir/latin.jsonl.partial") =~ tr/\n//, 28, 'after whole chunks');
$node->safe_psql('latin1', 'DELETE FROM word WHERE n = 30');
is($node->safe_psql('latin1', $latin), '60', 'resumed');
is(slurp("$dir/latin.jsonl"), join('', map { my $c = chr(192 + $_); utf8::encode($c); qq({"sch\xC3\xB6n":"$c\\n","x":0}\n) } grep { $_ != 30 } 0 .. 60), 'the characters');

$node->stop;
done_testing();
