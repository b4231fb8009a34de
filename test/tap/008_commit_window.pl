# 008_commit_window.pl: what is computed while a commit can be seen, but word of it has not come, is not remembered wrongly
#
# One session commits, slowly: see test/lib/slow_commit.c. Another takes a snapshot in the middle of that: it sees the
# commit, and yet goes on with the function, right or name that it knows. What it computes then must not be what a
# third finds later; and what a third has computed with the new ones must not be what it returns.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SlowCommit;
use Test::More;

my $seconds = 3;

my $node = PostgreSQL::Test::Cluster->new('commit_window');
$node->init;
$node->append_conf('postgresql.conf', "session_preload_libraries = '@{[ slow_commit_library() ]}'");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE ROLE regress_stash_ann;
CREATE SCHEMA before;
GRANT ALL ON SCHEMA public, before TO PUBLIC;
CREATE TABLE t (a int, b int);
INSERT INTO t VALUES (1, 1);
GRANT SELECT ON t TO regress_stash_ann;
CREATE FUNCTION factor() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION inlined() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION helped(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT n * factor() * 10 + inlined() FROM t); END';
CREATE FUNCTION other(n int, m bigint) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION named(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN other(n, n); END';
CREATE FUNCTION columns(n int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(a) * n FROM t); END';
CREATE TYPE label AS ENUM ('one', 'two');
CREATE FUNCTION labelled(n int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT (enum_range(NULL::label))[a]::text FROM t); END';
SELECT stash.track('t');
SELECT stash.memoize('helped(int)'), stash.memoize('named(int)'), stash.memoize('columns(int)'), stash.memoize('labelled(int)');
SQL

# A session that stays, and the answer that it gives to a query: what it prints, an error among that.
sub connected
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query_safe($_) for @_;
	return $session;
}

sub ask { return scalar $_[0]->query($_[1] . ';') }

# Commit a statement; returns while that can be seen, and is not told.
sub commit_slowly
{
	my ($session, $sql, $seen) = @_;

	$session->query_until(qr/begun/, "\\echo begun\nSET slow_commit.always = on; SET slow_commit.wait = @{[ $seconds * 1e6 ]};\n$sql;\nSET slow_commit.wait = 0;\n");
	$node->poll_query_until('postgres', $seen) or die "never seen: $sql";
	return;
}

# what | statement | how another sees that it was committed | how the session asks
for my $case (
	[ 'a function', q{CREATE OR REPLACE FUNCTION factor() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 2; END'}, q{SELECT prosrc ~ '2' FROM pg_proc WHERE proname = 'factor'}, 'helped', '21', '41' ],
	[ 'a function in a plan', q{CREATE OR REPLACE FUNCTION inlined() RETURNS int STABLE LANGUAGE sql AS 'SELECT 2'}, q{SELECT prosrc ~ '2' FROM pg_proc WHERE proname = 'inlined'}, 'helped', '41', '42' ],
	[ 'a namesake', q{CREATE FUNCTION other(n int, m int) RETURNS int STABLE LANGUAGE sql AS 'SELECT 2'}, q{SELECT count(*) = 2 FROM pg_proc WHERE proname = 'other'}, 'named', '1', '2' ],
	[ 'a label', q{ALTER TYPE label RENAME VALUE 'one' TO 'first'}, q{SELECT enum_first(NULL::label)::text = 'first'}, 'labelled', 'one', 'first' ],
	[ 'a right', 'REVOKE SELECT ON t FROM regress_stash_ann', q{SELECT NOT has_table_privilege('regress_stash_ann', 't', 'select')}, 'columns', '2', 'permission denied' ])
{
	my ($what, $sql, $seen, $function, $old, $new) = @$case;
	my $writer = connected();
	my @role = $what eq 'a right' ? ('SET ROLE regress_stash_ann') : ();
	my $knows = connected(@role);
	my $keeps = connected(@role, 'SET pg_hashstash.local_cache_size = 0');

	# all that is needed is known before, and planned; what was remembered is forgotten
	is(ask($_, "SET pg_hashstash.memo = refresh; SELECT $function(2); RESET pg_hashstash.memo"), $old, "$what: what is known before") for $knows, $keeps;
	$node->safe_psql('postgres', "SELECT stash.forget('$function(int)')");
	commit_slowly($writer, $sql, $seen);
	my $first = ask($knows, "SELECT $function(2)");
	my $second = ask($keeps, "SELECT $function(2)");
	note "$what, meanwhile: $first, $second";
	is(ask($writer, 'SELECT 1'), '1', "$what: the commit comes to its end");

	my $fresh = connected(@role);
	for my $session ($fresh, $knows, $keeps)
	{
		$session->{stderr} = '';
		my $answer = ask($session, "SELECT $function(2)");
		like($answer . $session->{stderr}, qr/\Q$new\E/, "$what: what is known after");
	}
	$_->quit for $writer, $knows, $keeps, $fresh;
}

# a change behind the back of triggers, which are on again when it can be seen
my ($writer, $reader) = (connected(), connected('SET pg_hashstash.memo = refresh', 'SELECT columns(2)', 'RESET pg_hashstash.memo'));
is(ask($reader, q{SELECT value FROM stash.explain('columns(int)', 2) WHERE item = 'verdict'}), 'hit', 'triggers: what is remembered before');
my $always = join ', ', map { "ENABLE ALWAYS TRIGGER stash_track_$_" } qw(before after);
commit_slowly($writer, "BEGIN; ALTER TABLE t DISABLE TRIGGER ALL; UPDATE t SET a = 5; ALTER TABLE t $always; COMMIT", 'SELECT a = 5 FROM t');
is(ask($reader, 'SELECT columns(2), columns_uncached(2)'), '10|10', 'triggers: what is seen is computed');
is(ask($writer, 'SELECT 1'), '1', 'triggers: the commit comes to its end');
is(ask($reader, 'SELECT columns(2), columns_uncached(2)'), '10|10', 'triggers: what is known after');
$_->quit for $writer, $reader;

$node->stop;
done_testing();
