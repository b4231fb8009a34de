# 023_hash_types.pl: values of every type keep their hashes in sessions with other settings, and dumped and restored
#
# The types and values are those of test/lib/types.sql and types_named.sql; test/pgtap/hash_types.sql has the forms in which they are stored.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TypesCluster;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $old = start_with_types('old');
$old->safe_psql('postgres', <<'SQL');
-- a row for each number of a literal, with two columns for each type: a value and an array, named like their types
CREATE TABLE kept (n int);
DO $$
DECLARE
	s record;
BEGIN
	-- without -1 "bit" and "character" would be those of length 1
	FOR s IN SELECT format_type(type, -1) AS name, type::text AS col FROM sample WHERE literals IS NOT NULL ORDER BY 1 LOOP
		EXECUTE format('ALTER TABLE kept ADD %I %s, ADD %I %2$s[]', s.col, s.name, s.col || '[]');
	END LOOP;
	INSERT INTO kept SELECT n FROM generate_series(1, (SELECT max(cardinality(literals)) FROM sample)) n;
	FOR s IN SELECT format_type(type, -1) AS name, type::text AS col, literal, n FROM sample, unnest(literals) WITH ORDINALITY l(literal, n) LOOP
		-- an array with a null, of another lower bound
		EXECUTE format('UPDATE kept SET %I = %L::%s, %I[5] = %2$L, %4$I[7] = %2$L WHERE n = %5$s', s.col, s.literal, s.name, s.col || '[]', s.n);
	END LOOP;
END $$;

-- a line for each value, named by its column
CREATE FUNCTION hashes() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	col name;
BEGIN
	FOR col IN SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = 'public.kept'::regclass AND attnum > 1 ORDER BY attnum LOOP
		RETURN QUERY EXECUTE pg_catalog.format('SELECT pg_catalog.concat_ws('' '', %L, n, stash.hash(%I), stash.hash64(%2$I), stash.hash_sampled(%2$I, 0, 1), '
			'stash.hash(ROW(n, %2$I))) FROM public.kept ORDER BY n', col, col);
	END LOOP;
	RETURN QUERY SELECT 'row ' || n || ' ' || stash.hash(kept) FROM public.kept ORDER BY n;
END $$;
SQL
is($old->safe_psql('postgres', 'TABLE forgotten'), '', 'every type of the server is there');

my $wanted = $old->safe_psql('postgres', 'SELECT * FROM hashes()');
my $nvalues = $old->safe_psql('postgres', 'SELECT count(*) FROM sample, unnest(literals)');
cmp_ok(scalar(split /\n/, $wanted), '>', 2 * $nvalues, 'all values are hashed');
cmp_ok($old->safe_psql('postgres', 'SELECT count(DISTINCT split_part(h, \' \', -2)) FROM hashes() h'), '>', $nvalues, 'to as many hashes');

# what else a session can be like
my @settings = (
	(map { "DateStyle = '$_'" } 'German, DMY', 'SQL, MDY', 'Postgres, YMD'), (map { "IntervalStyle = '$_'" } qw(iso_8601 sql_standard postgres_verbose)),
	(map { "TimeZone = '$_'" } 'Asia/Tokyo', 'America/St_Johns', 'Europe/Dublin'), (map { "extra_float_digits = $_" } -15, 0, 3),
	"bytea_output = 'escape'", "xmloption = 'document'", "xmlbinary = 'hex'", 'quote_all_identifiers = on', 'array_nulls = off',
	# 19 has no other strings any more
	($old->safe_psql('postgres', 'SHOW server_version_num') < 190000 ? 'standard_conforming_strings = off' : ()),
	(map { "client_encoding = '$_'" } qw(LATIN1 WIN1252 EUC_JP SQL_ASCII)), (map { "search_path = $_" } q(''), 'made, pg_temp', 'pg_temp, made, public, pg_catalog'));
# locales of this machine, but for the one that is set
my @locales = split /\n/, $old->safe_psql('postgres', q(SELECT DISTINCT collcollate FROM pg_collation WHERE collprovider = 'c' AND collencoding IN (-1, 6) AND collcollate <> current_setting('lc_monetary') ORDER BY 1 LIMIT 5));
push @settings, map { my $what = $_; map { "lc_$what = '$_'" } @locales } qw(monetary numeric time messages);
for my $setting (@settings)
{
	same_lines($old->safe_psql('postgres', "SET $setting; SELECT * FROM public.hashes()"), $wanted, $setting);
}
same_lines($old->safe_psql('postgres', join('', map { "SET $_;" } @settings) . 'SELECT * FROM public.hashes()'), $wanted, 'all settings at once');
# temporary types and tables that have the names of others
same_lines(
	$old->safe_psql('postgres', 'CREATE TEMP TABLE pg_class (a int); CREATE TYPE pg_temp.int4 AS (a int); CREATE TYPE pg_temp.mood AS ENUM (); SET search_path = pg_temp, made; SELECT * FROM public.hashes()'),
	$wanted, 'names hidden by temporary ones');
# of a test that could not fail
isnt($old->safe_psql('postgres', 'BEGIN; UPDATE kept SET "aclitem[]"[5] = NULL WHERE n = 1; SELECT * FROM hashes()'), $wanted, 'another value has another hash');

# a cluster where what was made has other OIDs
my @old_oids = made_oids($old, 'postgres');
$old->command_ok([ 'pg_dump', '-f', "$dir/dump.sql", '-d', $old->connstr('postgres') ], 'dumped');
$old->stop;
my $new = start_elsewhere('new');
$new->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$new->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-o', "$dir/out", '-d', $new->connstr('restored'), '-f', "$dir/dump.sql" ], 'restored');
my %is_old = map { $_ => 1 } @old_oids;
is(scalar(grep { $is_old{$_} } made_oids($new, 'restored')), 0, 'no type has its OID of before');
same_lines($new->safe_psql('restored', 'SELECT * FROM hashes()'), $wanted, 'restored, with other OIDs and settings');
$new->stop;
done_testing();
