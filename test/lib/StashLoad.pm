# StashLoad.pm: a server under the load of stash_load.c
package StashLoad;

use strict;
use warnings;
use Exporter qw(import);
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_for_load begin_load finish_load run_load indexes_agree);

my $lib = dirname(__FILE__);
my $program;

# A node that has the extension and a stash named "load", and the program that loads it.
sub start_for_load
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	_build();
	$node->init;
	# little memory, so that pages are written and read again; no log of each statement and its value of 100 kB
	$node->append_conf('postgresql.conf', <<'CONF');
shared_buffers = 2MB
autovacuum_naptime = 1s
log_statement = none
CONF
	$node->start;
	$node->safe_psql('postgres', q(CREATE EXTENSION pg_hashstash; CREATE EXTENSION amcheck; SELECT stash.create('load')));
	return $node;
}

sub _build
{
	my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
	my ($include, $libraries) = map { my $folder = `$pg_config --$_`; chomp $folder; $folder } qw(includedir libdir);

	$program = PostgreSQL::Test::Utils::tempdir() . '/stash_load';
	system_or_bail($ENV{CC} || 'cc', '-O2', '-Wall', '-Wextra', "-I$include", '-o', $program, "$lib/stash_load.c", "-L$libraries", "-Wl,-rpath,$libraries", '-lpq');
	return;
}

# Start the program with options of its own. Functions are those of $schema, where it has them, else the extension's.
sub begin_load
{
	my ($node, $schema, @options) = @_;
	my %load = (folder => PostgreSQL::Test::Utils::tempdir(), output => '');
	my $conninfo = $node->connstr('postgres') . " options='-c search_path=$schema,stash,public'";

	$load{run} = IPC::Run::start([ $program, @options, $conninfo, $load{folder} ], '>', \$load{output}, '2>&1');
	return \%load;
}

# Wait for its end: exit status, and the files of its clients.
sub finish_load
{
	my ($load) = @_;

	$load->{run}->finish;
	diag($load->{output}) if $load->{output} ne '';
	return ($load->{run}->full_result(0) >> 8, glob "$load->{folder}/*");
}

sub run_load { return finish_load(begin_load(@_)) }

# The table, its TOAST and the indexes of both agree.
sub indexes_agree
{
	my ($node, $stash, $name) = @_;

	is($node->safe_psql('postgres', <<"SQL"), '2', $name);
SELECT count(bt_index_parent_check(indexrelid, heapallindexed => true, rootdescend => true))
FROM pg_index, pg_class c WHERE c.oid = '$stash'::regclass AND indrelid IN (c.oid, c.reltoastrelid);
SELECT * FROM verify_heapam('$stash', check_toast => true);
SQL
	return;
}

1;
