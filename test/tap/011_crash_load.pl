# 011_crash_load.pl: what was acknowledged before a crash is there after it, under the load of concurrent clients
#
# All processes of the server are killed at once while sixteen clients work on few keys; then each key is read, and the
# load goes on in what was recovered. At the end History.pm looks for an order of all operations of all rounds that
# explains all that was seen, where an operation whose answer never came has happened before the crash, or never.
#
# 3 crashes; STASH_SLOW=1: 20.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use Crash;
use History qw(check_history read_lines);
use PostgreSQL::Test::Utils;
use StashLoad;
use Test::More;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime sleep);

my $rounds = $ENV{STASH_SLOW} ? 20 : 3;
my $clients = 16;
my @lines;

srand(1);
my $node = start_for_load('crash_load');
my $operations = 'put,put_5,get,has,remove,pop,get_or_put';

for my $round (1 .. $rounds)
{
	my $first = $round * ($clients + 1);
	my $load = begin_load($node, 'stash', '-c', $clients, '-i', $first, '-o', $operations);

	sleep(0.5 + rand(0.5));
	# every other recovery begins in the middle of the load
	$node->safe_psql('postgres', 'CHECKPOINT') if $round % 2 == 0;
	sleep(0.2 + rand(0.5));
	crash($node);
	my ($status, @files) = finish_load($load);
	my @seen = read_lines(1e3 * clock_gettime(CLOCK_MONOTONIC), @files);

	is($status, 3, "round $round: clients have lost the server and seen no other error");
	cmp_ok(scalar(grep { !/ lost / } @seen), '>', 100, "round $round: operations were acknowledged");
	$node->start;
	($status, @files) = run_load($node, 'stash', '-a', '-i', $first + $clients);
	is($status, 0, "round $round: every value is whole");
	indexes_agree($node, 'load', "round $round: table and indexes agree");
	push @lines, @seen, read_lines(0, @files);
}

my ($wrong, $figures) = check_history(@lines);

is(join("\n", @$wrong), '', 'some order explains all that was seen before and after the crashes');
is($figures->{keys}, 1000, 'on a thousand keys');
cmp_ok($figures->{lost}, '>=', $rounds, 'operations that were under way in crashes');
note(join ', ', map { "$_: $figures->{$_}" } sort keys %$figures);
$node->stop;
done_testing();
