# 024_frame_types.pl: values of every type and of types made at random survive frames, variants, COPY, and dump and restore
#
# The types and values are those of test/lib/types.sql and types_named.sql, and of RandomTypes. What a value is, tell the
# types' own send functions. test/pgtap/frame_types.sql has hashes, order and storage of single values.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RandomTypes;
use Test::More;
use TypesCluster;

use constant {
	SEED => 20240229,
	NUM_ROWS => 200,
	NUM_DOMAINS => 20,
	VALUES_OF_EACH => 3,
};

my $dir = PostgreSQL::Test::Utils::tempdir;
my $old = start_with_types('old');
$old->safe_psql('postgres', 'ALTER DATABASE postgres SET client_min_messages = warning; ALTER DATABASE postgres SET log_statement = none');
run($old, slurp_file("$FindBin::RealBin/../lib/bits.sql"), <<'SQL');
-- more that is made of other types
CREATE TYPE made."mood's range" AS RANGE (subtype = made.mood, multirange_type_name = made.moodranges);
CREATE TYPE made.variants AS RANGE (subtype = stash.variant, multirange_type_name = made.variantranges);
INSERT INTO sample VALUES ('made."mood''s range"', '{empty,"[sad,\"very happy\")"}'), ('made.moodranges', '{"{}","{[\"\",sad),(\"very happy\",)}"}'),
	('made.variants', '{"[int4:1,text:a)","(,\"made.mood:very happy\"]"}'), ('made.variantranges', '{"{[int4:1,text:a)}"}');
SQL

# a table for each type, with a value of it and an array in each row
my %literals;
for (split /\x1e/, $old->safe_psql('postgres', q(SELECT string_agg(format_type(type, -1) || E'\x1d' || array_to_string(literals, E'\x1d'), E'\x1e') FROM sample WHERE literals IS NOT NULL)))
{
	my ($type, @values) = split /\x1d/, $_, -1;
	$literals{$type} = \@values;
}
my $random = RandomTypes->new(SEED, \%literals);
my (@types, @kept);
my $ntables = 0;
for my $n (1 .. NUM_ROWS)
{
	push @types, $random->add_row;
	push @types, $random->add_domain if $n % (NUM_ROWS / NUM_DOMAINS) == 0;
}
run($old, @types);
for my $type (@{ $random->{bases} }, @{ $random->{domains} }, @{ $random->{rows} })
{
	my $table = 'kept_' . ++$ntables;
	my @values = $type->{literals} ? map { q(') . s/'/''/gr . "'::$type->{name}" } @{ $type->{literals} } : map { $random->value($type) } 1 .. VALUES_OF_EACH;

	push @kept, "CREATE TABLE $table (n serial, x $type->{name}, xs $type->{name}\[]);",
		map { "INSERT INTO $table (x, xs) VALUES ($_, " . $random->value({ name => "$type->{name}\[]", element => $type }) . ');' } @values, "NULL::$type->{name}";
}
run($old, @kept);
# of every fifth row type, when there are values of it
run($old, map { $random->change_row($random->{rows}[ 5 * $_ ]) } 0 .. NUM_ROWS / 5 - 1);
run($old, <<'SQL');
-- all columns of all these tables
CREATE TABLE subject AS
SELECT c.oid::regclass AS tab, a.attname AS col, a.atttypid::regtype AS type, bits_format(a.atttypid) AS bits
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relname LIKE 'kept\_%' AND c.relkind = 'r' AND a.attname IN ('x', 'xs');
CREATE TABLE variants (tab name, col name, n int, v stash.variant);
CREATE TABLE copied (LIKE variants);
DO $$
DECLARE
	s subject;
BEGIN
	FOR s IN TABLE subject LOOP
		EXECUTE format('INSERT INTO variants SELECT %L, %L, n, stash.to_variant(%2$I) FROM %1$s', s.tab, s.col);
	END LOOP;
END $$;
ALTER TABLE variants ADD PRIMARY KEY (tab, col, n);

-- a line for each value that comes back as another one
CREATE FUNCTION wrong_ways() RETURNS TABLE (type regtype, way text, n int, value text) LANGUAGE plpgsql AS $$
DECLARE
	s subject;
	all_ways text;
BEGIN
	FOR s IN TABLE subject LOOP
		SELECT string_agg(format('(%L, %s)', w.way, format(s.bits, w.back)), ', ') INTO all_ways FROM ways(quote_ident(s.col)) AS w;
		RETURN QUERY EXECUTE format('SELECT %L::regtype, way, n, %I::text FROM %s, LATERAL (VALUES %s) AS w(way, bits) WHERE bits IS DISTINCT FROM %s',
			s.type, s.col, s.tab, all_ways, format(s.bits, s.col));
	END LOOP;
END $$;
-- the same for the variants that are stored, and the values beside them
CREATE FUNCTION wrong_stored() RETURNS TABLE (type regtype, n int, value text, variant text) LANGUAGE plpgsql AS $$
DECLARE
	s subject;
BEGIN
	FOR s IN TABLE subject LOOP
		RETURN QUERY EXECUTE format('SELECT %L::regtype, n, %I::text, stash.variant_out(v)::text FROM %s LEFT JOIN (SELECT n, v FROM variants WHERE tab = %3$L AND col = %2$L) AS stored USING (n) '
			'WHERE %4$s IS DISTINCT FROM %5$s OR NOT coalesce(stash.identical(v, stash.to_variant(%2$I)), false)',
			s.type, s.col, s.tab, format(s.bits, format('stash.value(v, %I)', s.col)), format(s.bits, s.col));
	END LOOP;
END $$;
-- and for objects in memory: variables of plpgsql hold arrays and rows expanded, and assignments to their parts flatten nothing
CREATE FUNCTION wrong_expanded() RETURNS TABLE (type regtype, n int) LANGUAGE plpgsql AS $f$
DECLARE
	s record;
BEGIN
	FOR s IN SELECT *, (SELECT min(attname) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped) AS field
			FROM subject JOIN pg_type t ON t.oid = subject.type WHERE t.typtype = 'c' OR (col = 'xs' AND t.typcategory = 'A') LOOP
		EXECUTE format('CREATE FUNCTION pg_temp.expanded() RETURNS SETOF int LANGUAGE plpgsql AS $$
			DECLARE given record; value %1$s.%2$I%%TYPE;
			BEGIN
				FOR given IN SELECT n, k.%2$I AS x, v FROM %1$s AS k JOIN variants USING (n) WHERE tab = %1$L AND col = %2$L LOOP
					value := given.x;
					IF %3$s THEN %4$s := %4$s; END IF;
					IF NOT stash.identical(stash.to_variant(value), given.v) OR stash.serialize(value) <> given.v::bytea THEN RETURN NEXT given.n; END IF;
				END LOOP;
			END $$', s.tab, s.col, CASE WHEN s.col = 'xs' THEN 'array_ndims(value) = 1' ELSE 'value IS DISTINCT FROM NULL' END,
			CASE WHEN s.col = 'xs' THEN 'value[array_lower(value, 1)]' WHEN s.field IS NULL THEN 'value' ELSE format('value.%I', s.field) END);
		RETURN QUERY SELECT s.type, expanded FROM pg_temp.expanded();
		DROP FUNCTION pg_temp.expanded();
	END LOOP;
END $f$;
SQL

is($old->safe_psql('postgres', 'TABLE forgotten'), '', 'every type of the server is there');
# what chance must have met
my ($nvalues, $ncompressed, $nlarge, $nchanged) = split /\|/, $old->safe_psql('postgres', q(
	SELECT (SELECT count(*) FROM variants),
		(SELECT sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(pg_column_compression(%I)) AS n FROM %s', col, tab), false, true, '')))[1]::text::int) FROM subject JOIN pg_type ON oid = type WHERE typlen = -1),
		(SELECT count(*) FROM pg_class WHERE relname LIKE 'kept\\_%' AND pg_relation_size(reltoastrelid) > 0),
		(SELECT count(DISTINCT attrelid) FROM pg_attribute JOIN pg_type ON typrelid = attrelid WHERE attisdropped)));
note "$nvalues values of $ntables types and their arrays, $ncompressed compressed; $nlarge tables with values out of line; $nchanged row types with dropped columns";
cmp_ok((sort { $b <=> $a } map { $_->{depth} } @{ $random->{rows} })[0], '==', 5, 'rows are as deep as they should be');
cmp_ok($nvalues, '>', 2000, 'values');
cmp_ok($ncompressed, '>', 50, 'compressed values');
cmp_ok($nlarge, '>', 10, 'large values');
cmp_ok($nchanged, '>', 50, 'row types with dropped columns');

is($old->safe_psql('postgres', 'SELECT * FROM wrong_ways()'), '', join(', ', split /\n/, $old->safe_psql('postgres', q(SELECT way FROM ways('x')))));
is($old->safe_psql('postgres', 'SELECT * FROM wrong_stored()'), '', 'variants that are stored');
is($old->safe_psql('postgres', 'SELECT * FROM wrong_expanded()'), '', 'expanded arrays and rows');
# of tests that could not fail
my $other = q(UPDATE kept_1 SET x = NULL WHERE n = 1; UPDATE variants SET v = '"char"[]:{}' WHERE tab = 'kept_2' AND col = 'xs' AND n = 1;);
is($old->safe_psql('postgres', "BEGIN; $other SELECT count(*) FROM wrong_stored()"), 2, 'another value, another variant');

for my $format (qw(text csv binary))
{
	$old->safe_psql('postgres', "TRUNCATE copied; COPY variants TO '$dir/copy' (FORMAT $format); COPY copied FROM '$dir/copy' (FORMAT $format)");
	is($old->safe_psql('postgres', 'SELECT * FROM variants v FULL JOIN copied c USING (tab, col, n) WHERE NOT coalesce(stash.identical(v.v, c.v), false)'), '', "COPY in $format");
}

# a cluster where what was made has other OIDs
my @old_oids = made_oids($old, 'postgres');
$old->command_ok([ 'pg_dump', '-f', "$dir/plain", '-d', $old->connstr('postgres') ], 'plain dump');
$old->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom", '-d', $old->connstr('postgres') ], 'custom dump');
$old->stop;
my $new = start_elsewhere('new');
my %restore = (plain => [ qw(psql -XqAt -v ON_ERROR_STOP=1 -o), "$dir/out" ], custom => [ qw(pg_restore --exit-on-error) ]);
for my $format (qw(plain custom))
{
	$new->safe_psql('postgres', "CREATE DATABASE $format TEMPLATE template0; ALTER DATABASE $format SET client_min_messages = warning");
	$new->command_ok([ @{ $restore{$format} }, '-d', $new->connstr($format), $format eq 'plain' ? '-f' : (), "$dir/$format" ], "$format: restored");
	my %is_old = map { $_ => 1 } @old_oids;
	is(scalar(grep { $is_old{$_} } made_oids($new, $format)), 0, "$format: no type has its OID of before");
	is($new->safe_psql($format, 'SELECT count(*) FROM variants'), $nvalues, "$format: as many values");
	is($new->safe_psql($format, 'SELECT * FROM wrong_stored()'), '', "$format: the values of before");
}
$new->stop;
done_testing();

# Each text is a list of statements.
sub run
{
	my ($node, @sql) = @_;

	return $node->safe_psql('postgres', join "\n", "SET client_encoding = 'UTF8';", @sql);
}
