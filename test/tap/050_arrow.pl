# Arrow data are what other libraries read and write: Apache Arrow's for JavaScript and Polars, the golden streams, and a
# file of 200,000 rows from somebody else's writer.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::RealBin/../..";
my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('arrow');

$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_hashstash');
check_golden();
check_flights();
check_encodings();
SKIP:
{
	skip 'no apache-arrow and nodejs-polars for node here', 1 if system("node -e \"require('apache-arrow'); require('nodejs-polars')\" >/dev/null 2>&1") != 0;
	make_types();
	check_apache_arrow();
	check_polars();
	check_polars_writes();
	check_files();
}
$node->stop;
done_testing();

# A golden stream is read to the same rows for ever.
sub check_golden
{
	for (grep { !/^#/ } split /\n/, slurp_file("$top/test/golden/arrow.tsv"))
	{
		my ($name, $columns, $rows, $hex) = split /\t/;

		next if $name eq 'zstd' && !has_zstd();
		is( $node->safe_psql('postgres', "SELECT coalesce(replace(json_agg(whole)::text, E'\\n', ''), '[]') FROM (SELECT * FROM stash.from_arrow('\\x$hex') AS t($columns)) whole"),
			$rows, "golden $name");
	}
}

# The rows of the file are those of the JSON lines that it comes with.
sub check_flights
{
	my $data = "$top/examples/data";

	system("zcat $data/flights-200k.jsonl.gz >$dir/flights.jsonl") == 0 or die;
	is( $node->safe_psql('postgres', <<"SQL"), '200000|1500159|145847125|200000', 'flights-200k.arrow by import_file: rows, sums');
		CREATE TABLE imported (delay int2, distance int2, time float4);
		SELECT stash.import_file('$data/flights-200k.arrow', 'imported') AS n \\gset
		SELECT count(*), sum(delay), sum(distance), :n FROM imported;
SQL
	is( $node->safe_psql('postgres', <<"SQL"), '200000|1500159|145847125|0|0', 'flights-200k.arrow: rows, sums, nulls, differences');
		CREATE TABLE line (n serial, doc jsonb);
		COPY line (doc) FROM '$dir/flights.jsonl' WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02');
		CREATE TABLE flight (n serial, delay int2, distance int2, time float4);
		INSERT INTO flight (delay, distance, time) SELECT * FROM stash.from_arrow(pg_read_binary_file('$data/flights-200k.arrow')) AS f(delay int2, distance int2, time float4);
		SELECT count(*), sum(delay), sum(distance), count(*) FILTER (WHERE delay IS NULL OR distance IS NULL OR time IS NULL),
			count(*) FILTER (WHERE (doc->>'delay')::int <> delay OR (doc->>'distance')::int <> distance OR (doc->>'time')::float4 <> time)
		FROM flight JOIN line USING (n);
SQL
}

# A stream is UTF-8, whatever the encoding of the database.
sub check_encodings
{
	my $utf8 = "SET client_encoding = 'UTF8';\n";
	my $stream = q(SELECT encode(string_agg(data, ''::bytea ORDER BY chunk), 'hex') FROM stash.to_arrow($q$SELECT 'Grüße'::text AS "Maß", 'ß'::name AS n, '{"ä": "ö"}'::jsonb AS j, '<ä/>'::xml AS x, 'größer'::"vergrößert" AS e$q$));
	my %hex;

	for my $encoding ('UTF8', 'LATIN1', 'SQL_ASCII')
	{
		my $database = 'in_' . lc $encoding;

		$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
		$node->safe_psql($database, "${utf8}CREATE EXTENSION pg_hashstash; CREATE TYPE \"vergrößert\" AS ENUM ('kleiner', 'größer');");
		$hex{$encoding} = $node->safe_psql($database, "$utf8$stream");
		is($hex{$encoding}, $hex{UTF8}, "$encoding: the same stream");
		is( $node->safe_psql($database, qq(${utf8}SELECT * FROM stash.from_arrow('\\x$hex{UTF8}') AS t("Maß" text, n name, j jsonb, x xml, e "vergrößert"))),
			'Grüße|ß|{"ä": "ö"}|<ä/>|größer', "$encoding: and back");
	}
	my $world = $node->safe_psql('in_utf8', "${utf8}SELECT encode(data, 'hex') FROM stash.to_arrow('SELECT ''世界''::text AS t')");
	my (undef, undef, $error) = $node->psql('in_latin1', "\\set VERBOSITY verbose\nSELECT stash.from_arrow('\\x$world', ''::text)");
	like($error, qr/22P05/, 'a character that LATIN1 lacks is an error');
	(undef, undef, $error) = $node->psql('in_sql_ascii', "\\set VERBOSITY verbose\nSELECT stash.to_arrow(\$\$SELECT E'\\xff'::text\$\$)");
	like($error, qr/22021/, 'bytes of which nobody knows what they mean, too');
}

# A table of every type that has one of its own in Arrow, with values at the edges, and a query for what is in its buffers.
sub make_types
{
	$node->safe_psql('postgres', <<'SQL');
		CREATE TYPE mood AS ENUM ('sad', 'ok', 'Grüße');
		CREATE TYPE pair AS (a int, "B b" text);
		CREATE TABLE typed (n int, b bool, i2 int2, i8 int8, o oid, f4 float4, f8 float8, d9 numeric(9,2), d38 numeric(38,3), d76 numeric(76,0), num numeric, t text, nm name,
			by bytea, da date, ti time, ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb, m mood, l int[], tl text[], p pair, pl pair[], r int4range);
		INSERT INTO typed VALUES
			(1, true, 32767, 9223372036854775807, 4294967295, 0.5, 0.1, 9999999.99, -99999999999999999999999999999999999.999, repeat('9', 76)::numeric, 'NaN', E'quote " \\ \n \u0001 世界 😀', 'n',
				'\x00ff', '2024-02-29', '23:59:59.999999', '2024-02-29 12:00:00.000001', '0044-03-15 00:00+00 BC', '-1 mon 2 days -00:00:00.000001', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
				'[1 ]', '{"a": [1.50]}', 'Grüße', '{1,NULL,-2147483648}', '{"",NULL,a}', '(1,x)', '{"(1,x)",NULL,"(,)"}', '[1,5)'),
			(3, false, -32768, -9223372036854775808, 0, 'NaN', '-Infinity', -0.01, 0, -1, 1e-30, '', '', '', '5874897-12-31', '24:00', '294246-12-31 23:59:59.999999', 'infinity', '0',
				'00000000-0000-0000-0000-000000000000', 'null', '"x"', 'sad', '{}', '{}', '(,)', '{}', 'empty');
		INSERT INTO typed (n) VALUES (2);
		INSERT INTO typed (n, t, l, m) SELECT i, repeat('x', i % 40), array_fill(i, ARRAY[i % 5]), CASE WHEN i % 3 > 0 THEN 'ok'::mood END FROM generate_series(4, 3000) i;
		CREATE FUNCTION usecs(t timestamptz) RETURNS text LANGUAGE sql AS $$
			SELECT CASE t WHEN 'infinity' THEN '9223372036854775807' WHEN '-infinity' THEN '-9223372036854775808' ELSE (extract(epoch FROM t) * 1000000)::int8::text END $$;
SQL
}

# the stream of a query, in a file
sub export
{
	my ($query, $arguments) = @_;
	my $hex = $node->safe_psql('postgres', "SELECT encode(string_agg(data, ''::bytea ORDER BY chunk), 'hex') FROM stash.to_arrow(\$q\$$query\$q\$$arguments)");

	open my $file, '>:raw', "$dir/stream" or die;
	print $file pack 'H*', $hex;
	close $file;
	return "$dir/stream";
}

# the lines that a library prints
sub read_with
{
	my ($library, $file) = @_;
	my ($output, $problem) = run_command([ 'node', "$FindBin::RealBin/../lib/arrow_read.js", $library, $file ]);

	diag($problem) if $problem ne '';
	return $output;
}

sub check_apache_arrow
{
	my $expected = $node->safe_psql('postgres', <<'SQL');
		SELECT json_build_object('n', n::text, 'b', b, 'i2', i2::text, 'i8', i8::text, 'o', o::text, 'f4', f4::text, 'f8', f8::text,
			'd9', trim_scale(d9 * 100)::text, 'd38', trim_scale(d38 * 1000)::text, 'd76', d76::text, 'num', num::text, 't', t, 'nm', nm, 'by', encode(by, 'hex'),
			'da', (da - date '1970-01-01')::text, 'ti', (extract(epoch FROM ti) * 1000000)::int8::text, 'ts', usecs(ts AT TIME ZONE 'UTC'), 'tz', usecs(tz),
			'iv', CASE WHEN iv IS NOT NULL THEN json_build_array((extract(year FROM iv) * 12 + extract(month FROM iv))::int::text, extract(day FROM iv)::int::text,
				((extract(epoch FROM iv - date_trunc('day', iv))) * 1000000000)::int8::text) END,
			'u', replace(u::text, '-', ''), 'j', j::text, 'jb', jb::text, 'm', m, 'l', (SELECT json_agg(x::text) FROM unnest(l) x), 'tl', tl, 'p', p, 'pl', pl, 'r', r::text)
		FROM typed ORDER BY n
SQL
	my @expected = map { canonical($_) } split /\n/, $expected;

	for my $arguments ('', ', chunk_rows => 1000', ', chunk_rows => 7', ', chunk_bytes => 20000')
	{
		my @found = split /\n/, read_with('arrow', export('SELECT * FROM typed ORDER BY n', $arguments));
		my $schema = pop @found;

		is(scalar @found, scalar @expected, "Apache Arrow reads all rows$arguments");
		my @differing = grep { canonical($found[$_]) ne $expected[$_] } 0 .. $#expected;
		is(scalar @differing, 0, "and their values$arguments") or diag("first: " . canonical($found[ $differing[0] ]) . "\nnot:   $expected[$differing[0]]");
		is($schema, expected_schema(), "and the types$arguments") if $arguments eq '';
	}
	is(scalar(my @none = split /\n/, read_with('arrow', export('SELECT * FROM typed WHERE false', ''))), 1, 'and no rows');
}

# JSON without spaces between tokens, lists that are null and empty alike as SQL's aggregate has them
sub canonical
{
	my ($line) = @_;

	return JSON::PP->new->canonical->utf8->encode(strip(JSON::PP->new->utf8->decode($line)));
}

sub strip
{
	my ($value) = @_;

	return { map { $_ => strip($value->{$_}) } keys %$value } if ref $value eq 'HASH';
	return @$value ? [ map { strip($_) } @$value ] : undef if ref $value eq 'ARRAY';
	return defined $value && !ref $value ? "$value" : $value;
}

sub expected_schema
{
	return '[["n","Int32",null],["b","Bool",null],["i2","Int16",null],["i8","Int64",null],["o","Uint32",null],["f4","Float32",null],['
		. '"f8","Float64",null],["d9","Decimal[9e+2]",null],["d38","Decimal[38e+3]",null],["d76","Decimal[76e0]",null],["num","Utf8",null],['
		. '"t","Utf8",null],["nm","Utf8",null],["by","Binary",null],["da","Date32<DAY>",null],["ti","Time64<MICROSECOND>",null],['
		. '"ts","Timestamp<MICROSECOND>",null],["tz","Timestamp<MICROSECOND, UTC>",null],["iv","Interval<MONTH_DAY_NANO>",null],['
		. '"u","FixedSizeBinary[16]","arrow.uuid"],["j","Utf8","arrow.json"],["jb","Utf8","arrow.json"],["m","Dictionary<Int32, Utf8>",null],['
		. '"l","List<Int32>",null],["tl","List<Utf8>",null],["p","Struct<{a:Int32, B b:Utf8}>",null],["pl","List<Struct<{a:Int32, B b:Utf8}>>",null],['
		. '"r","Utf8",null]]';
}

# Polars has no type for uuid, intervals and binary; it knows how to decompress.
sub check_polars
{
	my $query = q(SELECT n, b, i2, i8, d9, d38, t, da, ts, m, l, tl FROM typed WHERE da IS NULL OR da < '2100-01-01' ORDER BY n);
	my @expected = split /\n/, $node->safe_psql('postgres',
		"SELECT json_build_object('n', n::text, 'b', b::text, 'i2', i2::text, 'i8', i8::text, 'd9', d9::text, 'd38', d38::text, 't', t, 'da', da::text, 'ts', to_char(ts, 'YYYY-MM-DD HH24:MI:SS.US'), 'm', m,
			'l', (SELECT json_agg(x::text) FROM unnest(l) x), 'tl', tl) FROM ($query) s ORDER BY n");

	for my $codec ('none', 'lz4', has_zstd() ? 'zstd' : ())
	{
		my @found = split /\n/, read_with('polars', export($query, ", chunk_rows => 1000, codec => '$codec'"));
		my @differing = grep { canonical($found[$_] // '{}') ne canonical($expected[$_]) } 0 .. $#expected;

		is(scalar @found, scalar @expected, "Polars reads all rows, codec $codec");
		is(scalar @differing, 0, "and their values, codec $codec") or diag("first: " . canonical($found[ $differing[0] ] // '{}') . "\nnot:   " . canonical($expected[ $differing[0] ]));
	}
}

sub check_polars_writes
{
	for my $codec ('uncompressed', 'lz4', has_zstd() ? 'zstd' : ())
	{
		run_log([ 'node', "$FindBin::RealBin/../lib/arrow_read.js", 'polars-write', "$dir/polars", $codec ]);
		for my $file ("$dir/polars", "$dir/polars.stream")
		{
			is( $node->safe_psql('postgres', "SELECT * FROM stash.from_arrow(pg_read_binary_file('$file')) AS p(n int, t text, f float8, l int[], b bool)"),
				"1|short|0.5|{1,2}|t\n2|a text of more than twelve bytes||{}|f\n||2.5||\n4|Grüße, and more|-1|{3}|t", 'a ' . ($file =~ /stream/ ? 'stream' : 'file') . " of Polars, $codec");
		}
	}
}

# What export_file calls an Arrow file is one for others, too, also where it has many batches, dictionaries, or no rows.
sub check_files
{
	my $query = q(SELECT n, b, i2, i8, d9, d38, t, da, ts, m, l, tl FROM typed WHERE da IS NULL OR da < '2100-01-01' ORDER BY n);

	for my $arguments ('', ', chunk_rows => 100', ', chunk_bytes => 1', ", codec => 'lz4'")
	{
		my $where = $arguments =~ /bytes/ ? 'WHERE n < 50' : '';

		$node->safe_psql('postgres', "SELECT stash.export_file(\$q\$SELECT * FROM ($query) s $where\$q\$, '$dir/$_'$arguments)") for 'typed.arrow', 'typed.arrows';
		for my $library ('arrow', 'polars')
		{
			next if $library eq 'arrow' && $arguments =~ /codec/;
			my $stream = read_with($library, "$dir/typed.arrows");

			is(read_with($library eq 'polars' ? 'polars-file' : $library, "$dir/typed.arrow"), $stream, "$library reads a file$arguments as the stream");
			cmp_ok(length $stream, '>', 1000, 'which has rows');
		}
	}
	$node->safe_psql('postgres', "SELECT stash.export_file('SELECT m, n FROM typed WHERE false', '$dir/none.feather')");
	is(scalar(my @none = split /\n/, read_with('arrow', "$dir/none.feather")), 1, 'and one without rows');
}

# A build may lack it.
sub has_zstd { return $node->psql('postgres', q(SELECT stash.serialize(1, 'zstd'))) == 0 }
