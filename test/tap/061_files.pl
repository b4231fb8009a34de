# 061_files.pl: files of every ending go out and come back, packed ones are those of gzip and zstd, damage lets nothing in

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Files;
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
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE item AS SELECT n, 'row ' || n || ' "q" ä' AS text, n * 0.5 AS half, (ARRAY['sad', 'glad'])[1 + n % 2]::mood AS m, ARRAY[n, NULL] AS pair FROM generate_series(1, 20000) n;
CREATE TABLE copy (LIKE item);
-- how many rows of one table the other has not, and the other way round
CREATE FUNCTION differences() RETURNS int8 LANGUAGE sql AS
	$$ SELECT (SELECT count(*) FROM (TABLE item EXCEPT ALL TABLE copy) a) + (SELECT count(*) FROM (TABLE copy EXCEPT ALL TABLE item) b) $$;
-- what importing each of these files into an empty table says, and how many rows are there then
CREATE FUNCTION try_files(paths text[]) RETURNS TABLE (answer text, rows int8) LANGUAGE plpgsql AS $$
DECLARE path text;
BEGIN
	FOREACH path IN ARRAY paths LOOP
		BEGIN
			answer := stash.import_file(path, 'copy');
		EXCEPTION WHEN OTHERS THEN answer := SQLSTATE;
		END;
		SELECT count(*) INTO rows FROM copy;
		DELETE FROM copy;
		RETURN NEXT;
	END LOOP;
END $$;
SQL

sub found { return join ' ', sort map { s{.*/}{}r } glob "$dir/*"; }

# what a command says: output, or the error with its lines after the first
sub answer
{
	my ($ret, $out, $err) = $node->psql('postgres', $_[0]);

	return $err =~ /ERROR: +(.*)/s ? $1 : $out;
}

my @packings = ('');
for my $packing ('.gz', '.zst')
{
	my $path = "$dir/probe.jsonl$packing";
	my $said = answer("SELECT stash.export_file('SELECT 1 AS n', '$path')");

	push @packings, $packing if $said eq '1';
	like($said, qr/^files named \Q$packing\E cannot be read or written here\nDETAIL:  pg_hashstash was built without/, "$packing is refused where its library lacks") if $said ne '1';
	unlink $path;
}

# ---- out and in

my %content;
for my $ending ('jsonl', 'arrow', 'feather', 'arrows')
{
	for my $packing (@packings)
	{
		my $path = "$dir/item.$ending$packing";
		my $unpack = { '' => 'cat', '.gz' => 'gzip -dc', '.zst' => 'zstd -dc' }->{$packing};

		is(answer("SELECT stash.export_file('TABLE item', '$path')"), '20000', "export to .$ending$packing");
		my $bytes = qx($unpack '$path');
		is($?, 0, 'a program unpacks it') if $packing ne '';
		$content{$ending} //= $bytes;
		ok($bytes eq $content{$ending}, 'the same bytes') if $packing ne '';
		is(sprintf('%o', (stat $path)[2] & 07777), '644', 'with the mode that COPY gives');
		is(answer("TRUNCATE copy; SELECT stash.import_file('$path', 'copy')"), '20000', 'import');
		is(answer('SELECT differences()'), '0', 'all rows');
		is(answer("COPY item TO '$path' (FORMAT " . ($ending =~ /^j/ ? 'jsonl' : "arrow, chunk_bytes 1048576, chunk_rows 10000") . "); TRUNCATE copy; COPY copy FROM '$path' (FORMAT " . ($ending =~ /^j/ ? 'jsonl' : 'arrow') . "); SELECT differences()"),
			'0', 'and by COPY');
		ok(qx($unpack '$path') eq $content{$ending}, 'the same bytes');
	}
}
is($content{jsonl}, $node->safe_psql('postgres', 'SELECT row_to_json(item) FROM item') . "\n", 'JSON Lines as row_to_json writes them');
ok($content{arrow} =~ /^ARROW1\0\0.*ARROW1$/s && $content{feather} eq $content{arrow}, '.arrow and .feather are files of Arrow');
is(substr($content{arrow}, 8, length $content{arrows}), $content{arrows}, 'with the stream that .arrows is inside');
is(answer("SELECT stash.export_file('TABLE item', '$dir/item.data', 'arrow')"), '20000', 'another ending');
is(slurp("$dir/item.data"), $content{arrows}, 'is a stream');
is(answer("TRUNCATE copy; SELECT stash.import_file('$dir/item.data', 'copy', 'arrow')"), '20000', 'and read as what it is');
is(answer("SELECT stash.export_file('SELECT 1 WHERE false', '$dir/none.arrow'); SELECT count(*) FROM stash.read_arrow('$dir/none.arrow') AS t(\"?column?\" int)"), "0\n0", 'an Arrow file without rows');
is(answer("SELECT stash.export_file('TABLE item', '$dir/small.arrow', chunk_rows => 7, codec => 'lz4'); TRUNCATE copy; SELECT stash.import_file('$dir/small.arrow', 'copy'); SELECT differences()"), "20000\n20000\n0", 'one of many batches');

# ---- what other programs pack

for my $packing (grep { $_ ne '' } @packings)
{
	my $pack = $packing eq '.gz' ? 'gzip -c' : 'zstd -qc';

	system("(head -n 5000 '$dir/item.jsonl' | $pack; tail -n +5001 '$dir/item.jsonl' | $pack) > '$dir/two.jsonl$packing'") == 0 or die;
	is(answer("TRUNCATE copy; SELECT stash.import_file('$dir/two.jsonl$packing', 'copy'); SELECT differences()"), "20000\n0", "$packing: two in a row");
	is(answer("SELECT count(*), sum(n) FROM stash.read_jsonl('$dir/two.jsonl$packing') AS t(n int)"), '20000|200010000', 'by read_jsonl');
	is(answer("SELECT n FROM stash.read_jsonl('$dir/two.jsonl$packing') AS t(n int) LIMIT 1"), '1', 'and not to its end');
	system("echo more >> '$dir/two.jsonl$packing'");
	like(answer("TRUNCATE copy; SELECT stash.import_file('$dir/two.jsonl$packing', 'copy')"), qr/^invalid \w+ data in file "\Q$dir\E\/two\.jsonl\Q$packing\E"\nDETAIL:  Near byte \d+: /, 'nothing may follow');
	spew("$dir/plain.jsonl$packing", qq({"n":1}\n));
	like(answer("SELECT stash.import_file('$dir/plain.jsonl$packing', 'copy')"), qr/^invalid \w+ data in file/, 'what is not packed is refused');
}

# ---- damage

my $small = join '', map { qq({"n":$_,"text":"row $_","pair":[$_]}\n) } 1 .. 5;
spew("$dir/small.jsonl", $small);
$node->safe_psql('postgres', "TRUNCATE copy; SELECT stash.export_file('SELECT * FROM item LIMIT 5', '$dir/five.' || e) FROM unnest(ARRAY['arrow', 'arrows']) e");
for my $file (map({ my $p = $_; ("small.jsonl$p", "five.arrow$p") } grep { $_ ne '' } @packings), 'five.arrow', 'five.arrows')
{
	my ($base, $ending, $packing) = $file =~ /^(\w+)\.(\w+)(.*)/;

	system(($packing eq '.gz' ? 'gzip' : 'zstd -q') . " -kf '$dir/$base.$ending'") == 0 or die if $packing ne '';
	my $whole = slurp("$dir/$file");
	my @paths = map { "$dir/cut$_.$ending$packing" } 0 .. length($whole) - 1;
	spew($paths[$_], substr $whole, 0, $_) for 0 .. $#paths;
	is( answer("SELECT answer, rows, count(*) = " . @paths . " FROM try_files(ARRAY[" . join(',', map { "'$_'" } @paths) . "]) GROUP BY 1, 2"),
		'22P03|0|t', "$file: cut at each of " . @paths . ' bytes');
	unlink @paths;
	is(answer("SELECT answer, rows FROM try_files(ARRAY['$dir/$file'])"), '5|5', 'whole it is read');
}
# text is no message of a length that its letters make
spew("$dir/text.arrow", "ARROW" x 1000);
is(answer("SELECT * FROM try_files(ARRAY['$dir/text.arrow'])"), '22P03|0', 'text that is called .arrow');
for my $packing (grep { $_ ne '' } @packings)
{
	my $path = "$dir/flip.jsonl$packing";
	my $whole = slurp("$dir/item.jsonl$packing");

	# the checksum is at the end, all rows have been seen then
	substr($whole, -3, 1) ^= "\x10";
	spew($path, $whole);
	is(answer("SELECT * FROM try_files(ARRAY['$path'])"), '22P03|0', "$packing: a wrong checksum");
	like(answer("SELECT stash.import_file('$path', 'copy', on_error => 'skip')"), qr/^invalid \w+ data in file "\Q$path\E"\nDETAIL:  Near byte \d+: /, 'is not skipped');
	is(answer("SELECT * FROM try_files(ARRAY['$dir/small.jsonl$packing'])"), '5|5', 'and nothing stays behind of it');
}

# ---- a database of another encoding: what is escaped stands beside what is not

$node->safe_psql('postgres', "CREATE DATABASE latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
$node->safe_psql('latin1', 'CREATE EXTENSION pg_hashstash; CREATE TABLE word (w text, more text[])');
spew("$dir/latin1.jsonl", qq({"w":"\\u00e4 \xC3\xB6\\n\xC3\xBC","more":["\xC3\x9F\\t"]}\n));
is( $node->safe_psql('latin1', "SELECT stash.import_file('$dir/latin1.jsonl', 'word'); SELECT w = chr(228) || ' ' || chr(246) || chr(10) || chr(252), more = ARRAY[chr(223) || chr(9)] FROM word"),
	"1\nt|t", 'escapes and characters in LATIN1');
is($node->safe_psql('latin1', q(SELECT w = chr(228) || chr(10) || chr(246) FROM stash.from_jsonl('{"w":"' || chr(228) || '\n\u00f6"}') AS t(w text))), 't', 'by from_jsonl');
my (undef, undef, $foreign) = $node->psql('latin1', "\\set VERBOSITY verbose\n" . q(SELECT * FROM stash.from_jsonl('{"w":"\u4e16"}') AS t(w text)));
like($foreign, qr/22P05/, 'a character that LATIN1 lacks');

# ---- bad rows: line, column, and a count

for my $packing (@packings)
{
	my @lines = split /^/, $content{jsonl};
	my $path = "$dir/bad.jsonl$packing";

	$lines[9999] =~ s/"n":10000/"n":"x"/;
	$lines[14999] = "{\"n\":15000,\n";
	spew("$dir/bad.jsonl", join '', @lines);
	system(($packing eq '.gz' ? 'gzip' : 'zstd -q') . " -kf '$dir/bad.jsonl'") == 0 or die if $packing ne '';
	like(answer("TRUNCATE copy; SELECT stash.import_file('$path', 'copy')"), qr/^invalid input syntax for type integer: "x"\nCONTEXT:  JSON line 10000, column "n"\n/, "bad$packing: the first bad line");
	is(answer('SELECT count(*) FROM copy'), '0', 'lets none in');
	my ($ret, $out, $err) = $node->psql('postgres', "SELECT stash.import_file('$path', 'copy', on_error => 'skip'); SELECT count(*), count(*) FILTER (WHERE n IN (10000, 15000)) FROM copy");
	is($out, "19998\n19998|0", 'skipped, they are left out');
	like($err, qr/NOTICE:  2 lines were skipped/, 'and counted');
}
$node->safe_psql('postgres', "SELECT stash.export_file('SELECT CASE WHEN n = 9 THEN 70000 ELSE n END AS n FROM item', '$dir/wide.arrow'); CREATE TABLE narrow (n int2)");
like(answer("SELECT stash.import_file('$dir/wide.arrow', 'narrow')"), qr/^70000 is out of range for type smallint\nCONTEXT:  column "n", row 9 of Arrow data/, 'a value of Arrow that does not fit');
is(answer('SELECT count(*) FROM narrow'), '0', 'lets none in');
{
	my ($ret, $out, $err) = $node->psql('postgres', "SELECT stash.import_file('$dir/wide.arrow', 'narrow', on_error => 'skip'); SELECT count(*), sum(n) FROM narrow WHERE n < 20");

	is($out, "19999\n18|181", 'skipped, it is left out');
	like($err, qr/NOTICE:  1 row was skipped/, 'and counted');
}
like(answer("CREATE TABLE more (n int, missing int); SELECT stash.import_file('$dir/wide.arrow', 'more')"), qr/^Arrow data have no column "missing"/, 'Arrow data must have all columns');
is(answer("SELECT stash.import_file('$dir/wide.arrow', 'more', columns => '{n}')"), '20000', 'that are read');

# ---- what belongs to an INSERT

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE target (id int GENERATED ALWAYS AS IDENTITY, n int CHECK (n > 0), text text DEFAULT 'none', loud text, twice int GENERATED ALWAYS AS (n * 2) STORED) PARTITION BY LIST (n);
CREATE TABLE target1 PARTITION OF target FOR VALUES IN (1);
CREATE TABLE targets PARTITION OF target DEFAULT;
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.loud := upper(NEW.text); RETURN NEW; END $$;
CREATE TRIGGER loud BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION loud();
CREATE ROLE importer IN ROLE pg_read_server_files;
CREATE ROLE other;
GRANT INSERT (n) ON target TO importer;
GRANT SELECT ON target TO importer;
CREATE TABLE secret (n int);
GRANT INSERT ON secret TO importer;
CREATE POLICY small ON secret WITH CHECK (n < 3);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
SQL
is(answer("SELECT stash.import_file('$dir/small.jsonl', 'target', columns => '{n}'); SELECT tableoid::regclass, * FROM target ORDER BY n LIMIT 2"), "5\ntarget1|1|1|none|NONE|2\ntargets|2|2|none|NONE|4", 'defaults, identity, triggers, partitions');
is(answer("SELECT stash.import_file('$dir/five.arrow', 'target', columns => '{n,text}'); SELECT loud FROM target ORDER BY id DESC LIMIT 1"), "5\nROW 5 \"Q\" Ä", 'the same of Arrow');
spew("$dir/ids.jsonl", qq({"id":1000,"n":1}\n{"n":2}\n));
is( answer("CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY, n int); SELECT stash.import_file('$dir/ids.jsonl', 'numbered'); SELECT string_agg(id || ' ' || n, ', ' ORDER BY n) FROM numbered"),
	"2\n1 1, 2 2", 'an identity column that is always generated is not read');
is( answer("TRUNCATE numbered; SELECT stash.import_file('$dir/ids.jsonl', 'numbered', columns => '{id,n}', on_error => 'skip')") =~ s/\n.*//sr,
	'null value in column "id" of relation "numbered" violates not-null constraint', 'unless it is named');
is(answer("SET ROLE importer; SELECT stash.import_file('$dir/small.jsonl', 'target', columns => '{n}')"), '5', 'the right to one column is enough for it');
like(answer("SET ROLE importer; SELECT stash.import_file('$dir/small.jsonl', 'target', columns => '{n,text}')"), qr/^permission denied for table target/, 'and for no other');
like(answer("SET ROLE importer; SELECT stash.import_file('$dir/small.jsonl', 'secret')"), qr/^new row violates row-level security policy for table "secret"/, 'row security');
is(answer('SELECT count(*) FROM secret'), '0', 'lets none in');
spew("$dir/zero.jsonl", qq({"n":7}\n{"n":0}\n));
like(answer("SELECT stash.import_file('$dir/zero.jsonl', 'target', columns => '{n}', on_error => 'skip')"), qr/^new row for relation "targets" violates check constraint/, 'a constraint is no bad row');
is(answer('SELECT count(*) FROM target WHERE n = 7'), '0', 'and lets none in');
like(answer("SET ROLE other; SELECT stash.import_file('$dir/small.jsonl', 'target', columns => '{n}')"), qr/^permission denied/, 'without any rights');
$node->safe_psql('postgres', q{CREATE SCHEMA evil; CREATE TABLE evil.int4 (x int); CREATE FUNCTION evil.read_jsonl(text, text) RETURNS SETOF record LANGUAGE sql AS 'SELECT 666'});
is(answer("SET search_path = evil, public; SELECT stash.import_file('$dir/small.jsonl', 'public.copy', columns => '{n}')"), '5', 'the search_path means nothing');
$node->safe_psql('postgres', 'TRUNCATE copy');

# ---- nothing half-written, nothing followed

my $before = found();
for my $packing (@packings)
{
	for my $ending ('jsonl', 'arrow')
	{
		like(answer("SELECT stash.export_file('SELECT 1 / (15000 - n) FROM item', '$dir/half.$ending$packing')"), qr/^division by zero/, "an error half-way, .$ending$packing");
		like(answer("SELECT stash.export_file('SELECT 1 / (15000 - n) FROM item', '$dir/item.$ending$packing')"), qr/^division by zero/, 'over a file that is there');
	}
}
is(found(), $before, 'leaves nothing');
is(slurp("$dir/item.arrow"), $content{arrow}, 'and what was there');
mkdir "$dir/folder.jsonl" or die;
like(answer("SELECT stash.import_file('$dir/folder.jsonl', 'copy')"), qr/^"\Q$dir\E\/folder\.jsonl" is a directory/, 'a directory is not read');
for my $packing (@packings)
{
	symlink "$dir/item.jsonl", "$dir/link.jsonl$packing" or die;
	like(answer("SELECT stash.export_file('TABLE item', '$dir/link.jsonl$packing')"), qr/^"\Q$dir\E\/link\.jsonl\Q$packing\E" is no regular file/, "a symbolic link is not written to$packing");
}
is(slurp("$dir/item.jsonl"), $content{jsonl}, 'nor what it points to');
# a pipe has no end to look at first
system("mkfifo '$dir/pipe.arrows' '$dir/pipe.arrow'") == 0 or die;
system("cat '$dir/item.arrows' > '$dir/pipe.arrows' & cat '$dir/item.arrow' > '$dir/pipe.arrow' 2>/dev/null &");
is(answer("SELECT stash.import_file('$dir/pipe.arrows', 'copy'); SELECT differences()"), "20000\n0", 'a stream comes from a pipe, too');
like(answer("SELECT stash.import_file('$dir/pipe.arrow', 'copy')"), qr/^"\Q$dir\E\/pipe\.arrow" is no regular file/, 'a file does not');

# ---- memory: rows of 100 MB go through

SKIP:
{
	skip 'no /proc here', 1 unless -r '/proc/self/status';
	my $peaks = 0;

	for my $ending (map({ "jsonl$_" } @packings), map { ("arrow$_", "arrows$_") } @packings)
	{
		my $said = answer(<<"SQL");
SELECT pg_backend_pid() AS pid \\gset
\\setenv PID :pid
SELECT stash.export_file('SELECT n, text FROM item LIMIT 10', '$dir/warm.$ending');
SELECT count(*) FROM stash.read_@{[ $ending =~ /^j/ ? 'jsonl' : 'arrow' ]}('$dir/warm.$ending') AS t(n int);
\\! grep VmPeak /proc/\$PID/status
SELECT stash.export_file('SELECT n, repeat(text, 20) AS text FROM item, generate_series(1, 15)', '$dir/large.$ending');
SELECT count(*) FROM stash.read_@{[ $ending =~ /^j/ ? 'jsonl' : 'arrow' ]}('$dir/large.$ending') AS t(n int, text text);
\\! grep VmPeak /proc/\$PID/status
SQL
		my ($first, $second) = $said =~ /VmPeak:\s+(\d+).*VmPeak:\s+(\d+)/s;

		ok(defined $second && $second - $first < 24 * 1024, "$ending: memory grows by less than 24 MB") or diag($said);
		note("$ending: " . ($second - $first) . ' kB') if defined $second;
		unlink "$dir/large.$ending";
	}
}

$node->stop;
done_testing();
