# TypesCluster.pm: a server with values of every type, and another one in which user types have other OIDs
#
# For tests of what is dumped and restored.
package TypesCluster;

use strict;
use warnings;
use Exporter qw(import);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_with_types start_elsewhere made_oids same_lines);
my $lib = dirname(__FILE__);

# A node with the extension, and what test/lib/types.sql and types_named.sql make, in database postgres.
sub start_with_types
{
	my ($name) = @_;
	my $node = _start($name);

	$node->safe_psql('postgres', join "\n", "SET client_encoding = 'UTF8';", 'CREATE EXTENSION pg_hashstash;', map { slurp_file("$lib/$_.sql") } qw(types types_named));
	return $node;
}

# A node that has the roles of the other one, and nothing else but settings that are foreign to it.
sub start_elsewhere
{
	my ($name) = @_;
	my $node = _start($name, "timezone = 'Asia/Tokyo'\ndatestyle = 'German'\nintervalstyle = 'sql_standard'\nbytea_output = 'escape'\nextra_float_digits = -3\n");

	$node->safe_psql('postgres', join ' ', map({ "CREATE TYPE waste_$_ AS ENUM ('a', 'b');" } 1 .. 300), 'CREATE ROLE regress_stash_two; CREATE ROLE regress_stash_one;');
	return $node;
}

sub _start
{
	my ($name, @conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init;
	$node->append_conf('postgresql.conf', $_) for @conf;
	$node->start;
	# some literals name the superuser by its usual name
	$node->safe_psql('postgres', 'CREATE ROLE postgres SUPERUSER') unless $node->safe_psql('postgres', q(SELECT to_regrole('postgres'))) ne '';
	return $node;
}

# The OIDs of all types of schema made.
sub made_oids
{
	my ($node, $database) = @_;

	return split /\n/, $node->safe_psql($database, q(SELECT oid FROM pg_type WHERE typnamespace = 'made'::regnamespace));
}

# Like is(), but shows only the lines that differ.
sub same_lines
{
	my ($got, $expected, $name) = @_;
	my @expected = split /\n/, $expected;
	my @got = split /\n/, $got;

	ok($got eq $expected, $name)
	  or diag(scalar(@got) . ' lines of ' . @expected, map { "\n" . ($got[$_] // 'nothing') . "\nnot $expected[$_]" } grep { ($got[$_] // '') ne $expected[$_] } 0 .. $#expected);
	return;
}

1;
