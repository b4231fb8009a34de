# A week of earthquakes, one per key, becomes a typed view; jq, reading the file itself, finds the same counts and sums.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

if (system('jq --version > /dev/null 2>&1') != 0)
{
	plan skip_all => 'jq is not installed';
}

my $file = 'examples/data/earthquakes.json';
my $node = PostgreSQL::Test::Cluster->new('quakes');
$node->init;
$node->start;

# What jq makes of the file, in one line.
sub jq
{
	my ($program) = @_;
	my ($out, $err);
	IPC::Run::run([ 'jq', '-c', $program, $file ], '>', \$out, '2>', \$err) or die "jq: $err";
	chomp $out;
	return $out;
}

sub ask { return $node->safe_psql('postgres', $_[0]) }

ask('CREATE EXTENSION pg_hashstash');
ask("SELECT stash.create('quakes')");
open(my $handle, '<', $file) or die $file;
my $text = do { local $/; <$handle> };
$text =~ s/'/''/g;
is( ask("SELECT count(stash.put('quakes', f ->> 'id', f)) FROM jsonb_array_elements('$text'::jsonb -> 'features') AS f"),
	jq('.features | length'), 'earthquakes put');
ask("SELECT stash.create_view('quakes', 'quake', metadata => '{_key}')");

# numbers are numbers, text is text, and there are all columns that jq finds
my %type = split /[|\n]/, ask(q{SELECT attname, format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = 'quake'::regclass});
is($type{"properties.$_"}, 'integer', "$_ is an integer") for qw(sig felt tsunami tz nst);
is($type{"properties.$_"}, 'bigint', "$_ is a bigint") for qw(time updated);
is($type{"properties.$_"}, 'numeric', "$_ is a numeric") for qw(mag dmin rms gap cdi mmi);
is($type{"properties.$_"}, 'text', "$_ is text") for qw(place magType status title);
is($type{'geometry.coordinates'}, 'numeric[]', 'coordinates are an array of numbers');
is( ask(q{SELECT to_jsonb(array_agg(attname ORDER BY attname COLLATE "C")) FROM pg_attribute WHERE attrelid = 'quake'::regclass AND attname <> '_key'}),
	jq('[.features[] | paths(type != "object") | select(all(.[]; type == "string")) | join(".")] | unique') =~ s/,/, /gr,
	'the columns are the names that jq finds');

# counts and sums; jq computes in floating point
for my $name (qw(mag time felt sig dmin rms gap nst cdi mmi tsunami))
{
	is( ask(qq{SELECT format('[%s,%s]', count("properties.$name"), trim_scale(round(coalesce(sum("properties.$name"), 0), 3))) FROM quake}),
		jq("[.features[].properties.$name | numbers] | [length, ((add // 0) * 1000 | round / 1000)]"),
		"count and sum of $name");
}
is( ask(q{SELECT format('[%s,%s]', round(sum("geometry.coordinates"[1]), 2)::float8, round(sum("geometry.coordinates"[3]), 2)::float8) FROM quake}),
	jq('[.features[].geometry.coordinates] | [(map(.[0]) | add * 100 | round / 100), (map(.[2]) | add * 100 | round / 100)]'),
	'sums of longitudes and depths');
is( ask(q{SELECT json_object_agg(t, n ORDER BY t) FROM (SELECT "properties.type" AS t, count(*) AS n FROM quake GROUP BY 1) AS s}) =~ s/ //gr,
	jq('[.features[].properties.type] | group_by(.) | map({key: .[0], value: length}) | from_entries') =~ s/ //gr,
	'kinds of events');

# each value of each column, put together again: the documents that were put
is( ask(q{SELECT count(*) FROM quake AS q, stash.elements(stash.get('quakes', q._key)) AS e
	WHERE jsonb_strip_nulls(to_jsonb(q) - '_key') <> jsonb_strip_nulls(stash.flatten(e::jsonb))}), '0', 'all values of all columns');

# one key, by its hash; tables made of the view; rows of JSON
like(ask(q{SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN SELECT "properties.mag" FROM stash.assemble('quakes') AS t("properties.mag" numeric)}),
	qr/Function Scan/, 'the function reads all');
ask(q{CREATE TABLE strong AS SELECT * FROM quake WHERE "properties.mag" >= 4.5});
is(ask('SELECT count(*) FROM strong'), jq('[.features[] | select(.properties.mag >= 4.5)] | length'), 'CREATE TABLE AS');
is( ask(q{SELECT (data::jsonb) ->> '_key' FROM (SELECT regexp_split_to_table(data, '\n') AS data FROM stash.to_jsonl('SELECT * FROM quake ORDER BY "properties.mag" DESC NULLS LAST LIMIT 1')) AS s WHERE data <> ''}),
	jq('.features | max_by(.properties.mag) | .id') =~ s/"//gr, 'to_jsonl');
is( ask(q{COPY (SELECT "properties.place" FROM quake WHERE "properties.mag" = (SELECT max("properties.mag") FROM quake)) TO STDOUT}),
	jq('.features | max_by(.properties.mag) | .properties.place') =~ s/"//gr, 'COPY');

# a dump carries the view along, and what it was made of
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr('postgres'), '--exclude-table=strong' ]);
my $sums = 'SELECT count(*), sum("properties.sig"), sum("properties.mag") FROM quake';
ask('CREATE DATABASE restored');
$node->safe_psql('restored', $dump);
is($node->safe_psql('restored', $sums), ask($sums), 'the view after dump and restore');
$node->safe_psql('restored', q{SELECT stash.put('quakes', 'new', '{"properties": {"mag": 1, "new": true}}'::jsonb)});
is($node->safe_psql('restored', "SELECT * FROM stash.refresh_view('quake')"), 'properties.new|added|boolean|', 'and it is refreshed there');

$node->stop;
done_testing();
