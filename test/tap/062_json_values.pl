# 062_json_values.pl: values of every type, in JSON Lines, are to other programs what they are to the server: jq, Python's json
# and DuckDB read each line, and what they find in it is compared with what json_each() finds in that of row_to_json()
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Test::More;
use TypesCluster;

my $lib = "$FindBin::RealBin/../lib";
my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = start_with_types('json');

make_lines();
my @expected = split /\n/, slurp_file("$dir/leaves");
cmp_ok(scalar @expected, '>', 250, 'there are lines');

check_program('Python', 1, 'python3', "$lib/json_leaves.py", "$dir/lines");
check_program('jq', 0, 'jq', '-r', '-f', "$lib/json_leaves.jq", "$dir/lines");
SKIP:
{
	skip 'no @duckdb/node-api for node here', 1 if system("node -e \"require('\@duckdb/node-api')\" >/dev/null 2>&1") != 0;
	check_program('DuckDB', 0, 'node', "$lib/json_leaves.js", "$dir/lines");
}
$node->stop;
done_testing();

# Files: the lines of all types, and what is in them. A type's rows have a value, arrays, and rows with it.
sub make_lines
{
	my $text = join '; ', "SET client_encoding = 'UTF8'", "SET timezone = 'Asia/Kathmandu'";

	$node->safe_psql('postgres', <<"SQL");
$text;
CREATE FUNCTION packed(t text) RETURNS text IMMUTABLE LANGUAGE sql AS \$\$ SELECT replace(encode(convert_to(coalesce(t, ''), 'UTF8'), 'base64'), E'\\n', '') \$\$;
CREATE FUNCTION leaves(name text, j json) RETURNS SETOF text IMMUTABLE LANGUAGE plpgsql AS \$\$
DECLARE
	kind text := json_typeof(j);
BEGIN
	RETURN NEXT format('%s:%s:%s', kind, packed(name), CASE WHEN kind NOT IN ('object', 'array') THEN packed(j #>> '{}') END);
	IF kind = 'object' THEN
		RETURN QUERY SELECT l FROM json_each(j) WITH ORDINALITY e(key, value, n), leaves(key, value) WITH ORDINALITY i(l, k) ORDER BY n, k;
	ELSIF kind = 'array' THEN
		RETURN QUERY SELECT l FROM json_array_elements(j) WITH ORDINALITY e(value, n), leaves((n - 1)::text, value) WITH ORDINALITY i(l, k) ORDER BY n, k;
	END IF;
END \$\$;
-- what the strings of the samples have not
UPDATE sample SET literals = literals || ARRAY[E'\\U0001F600 \\U0010FFFF \\u2028 \\uFEFF', (SELECT string_agg(chr(c), '') FROM generate_series(1, 160) c), repeat(E'"\\\\/\\n', 100000)]
WHERE type IN ('text'::regtype, 'varchar'::regtype, 'json'::regtype) AND type <> 'json'::regtype;
UPDATE sample SET literals = literals || to_json(repeat(E'"\\\\\\u0001 \\U0001F600', 1000))::text WHERE type IN ('json'::regtype, 'jsonb'::regtype);
-- bytes that are no text of the encoding are none in JSON
UPDATE sample SET literals = array_remove(literals, '\\377') WHERE type = '"char"'::regtype;
CREATE TABLE lines (n serial, line text, anchor json);
DO \$do\$
DECLARE
	s record;
	query text;
	list text;
BEGIN
	FOR s IN SELECT * FROM sample WHERE literals IS NOT NULL ORDER BY type::text COLLATE "C" LOOP
		-- elements that are arrays would be dimensions
		list := CASE WHEN (SELECT typcategory = 'A' FROM pg_type WHERE oid = s.type) THEN 'NULL' ELSE 'ARRAY[[v, NULL], [v, v]]' END;
		query := format('SELECT %L AS type, v, %s AS "a ""list""", ROW(v, NULL, ROW(v)) AS "röw" FROM (VALUES %s) s(v)', s.type, list,
			(SELECT string_agg(format('(%L::%s)', l, s.type), ', ') FROM unnest(s.literals || NULL::text) l));
		EXECUTE format('INSERT INTO lines (line, anchor) SELECT line, anchor FROM
			(SELECT row_number() OVER () AS n, row_to_json(q) AS anchor FROM (%s) q) a JOIN
			(SELECT row_number() OVER (ORDER BY chunk, i) AS n, line FROM stash.to_jsonl(%L) c, string_to_table(rtrim(data, E''\\n''), E''\\n'') WITH ORDINALITY l(line, i)) b USING (n) ORDER BY n', query, query);
	END LOOP;
END \$do\$;
COPY (SELECT line FROM lines ORDER BY n) TO '$dir/lines' (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02', ENCODING 'UTF8');
COPY (SELECT (SELECT string_agg(l, ' ' ORDER BY i) FROM leaves('', anchor) WITH ORDINALITY x(l, i)) FROM lines ORDER BY n) TO '$dir/leaves';
SQL
	is($node->safe_psql('postgres', 'SELECT count(DISTINCT anchor->>\'type\') FROM lines'),
		$node->safe_psql('postgres', 'SELECT count(*) FROM sample WHERE literals IS NOT NULL'), 'every type has lines');
	is($node->safe_psql('postgres', 'TABLE forgotten'), '', 'and is there');
}

sub check_program
{
	my ($name, $keeps_digits, @command) = @_;
	my ($output, $problem) = run_command([@command]);
	my @found = split /\n/, $output;
	my @differing = grep { !is_same($found[$_] // '', $expected[$_], $keeps_digits) } 0 .. $#expected;

	is(scalar @found, scalar @expected, "$name reads all lines") or diag(substr $problem, 0, 2000);
	is(scalar @differing, 0, "$name: values as the server's")
		or diag("line $differing[0]\nfound    " . shown($found[ $differing[0] ] // '') . "\nexpected " . shown($expected[ $differing[0] ]));
}

sub is_same
{
	my ($found, $expected, $keeps_digits) = @_;

	return 1 if $found eq $expected;
	return 0 if $keeps_digits;
	my @found = split / /, $found;
	my @expected = split / /, $expected;

	return @found == @expected && !grep { $found[$_] ne $expected[$_] && !is_same_number($found[$_], $expected[$_]) } 0 .. $#found;
}

# numbers are floats to some programs, the largest for those that are too large
sub is_same_number
{
	my ($kind, $name, $value) = split /:/, $_[0];
	my ($kind2, $name2, $value2) = split /:/, $_[1];

	return 0 if "$kind:$name" ne "$kind2:$name2" || $kind ne 'number';
	my ($x, $y) = map { my $number = unpack 'd', pack 'd', decode_base64($_); abs $number > 1.7976931348623157e308 ? ($number <=> 0) * 1.7976931348623157e308 : $number } $value, $value2;
	return $x == $y;
}

sub shown
{
	return substr join(' ', map { my @f = split /:/, $_, 3; "$f[0] " . decode_base64($f[1]) . '=' . substr(decode_base64($f[2]), 0, 100) } split / /, $_[0]), 0, 3000;
}
