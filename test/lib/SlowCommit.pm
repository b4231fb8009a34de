# SlowCommit.pm: servers whose commits can be seen well before word of them comes; see slow_commit.c
package SlowCommit;

use strict;
use warnings;
use Exporter qw(import);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;

our @EXPORT = qw(slow_commit_library);

my $lib = dirname(__FILE__);

# Build the library; its path, for session_preload_libraries.
sub slow_commit_library
{
	my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
	my $include = `$pg_config --includedir-server`;
	my $library = PostgreSQL::Test::Utils::tempdir() . '/slow_commit.so';

	chomp $include;
	system_or_bail($ENV{CC} || 'cc', '-O2', '-Wall', '-shared', '-fPIC', "-I$include", '-o', $library, "$lib/slow_commit.c");
	return $library;
}

1;
