# 007_memo_oracle.pl: a hit is what the function would return now, in this transaction, for this role
#
# Eight sessions run random transactions; see test/lib/MemoOracle.pm. From the environment: STASH_SEED; STASH_SLOW=1 for
# 200,000 comparisons; or STASH_ORACLE_COMPARISONS and STASH_ORACLE_SECONDS, after which it stops wherever it is;
# STASH_ORACLE_CACHES, 'local,shared' unless said, with the others off: 'local', 'shared' or ''; STASH_ORACLE_OFTEN, of
# what is raced for more often than by chance (late_total, summary_total).

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use MemoOracle;
use SlowCommit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{STASH_SEED} // 1;
my $comparisons = $ENV{STASH_ORACLE_COMPARISONS} // ($ENV{STASH_SLOW} ? 200_000 : 5000);
my $seconds = $ENV{STASH_ORACLE_SECONDS};
my $caches = $ENV{STASH_ORACLE_CACHES} // 'local,shared';

my $node = PostgreSQL::Test::Cluster->new('memo_oracle');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 20\nfsync = off\nlog_min_messages = fatal\nlog_min_error_statement = panic");
my $library = slow_commit_library();
# what others see is not told yet: a moment that is too short to be met by chance
$node->append_conf('postgresql.conf', "session_preload_libraries = '$library'\nslow_commit.wait = 1500");
$node->start;
$node->safe_psql('postgres', oracle_schema($library));

my $rows = $node->basedir . '/rows';
append_to_file($rows, join '', map { "$_\t$_\n" } 1 .. 3);
my @scripts = map { $node->basedir . "/session_$_.sql" } 1 .. 8;
# what an error cuts off was planned, too
append_to_file($scripts[$_], oracle_script($seed, $_ + 1, $comparisons * 1.4 / 8, $rows, $caches)) for 0 .. $#scripts;

note "STASH_SEED=$seed STASH_ORACLE_CACHES=$caches";
my $run = oracle_run($node, $seconds // 3600, @scripts);
my $share = $run->{asked} ? $run->{hits} / $run->{asked} : 0;

note sprintf '%d comparisons, %.0f %% of %d hits, %d moved, %d serializable, %d errors', $run->{compared}, 100 * $share, $run->{asked}, $run->{moved}, $run->{serializable_compared}, $run->{errors};
is(join("\n", @{ $run->{differing} }), '', 'what is remembered is what is computed');
is(join("\n", @{ $run->{strange} }), '', 'no other errors than those of SQL');
is($run->{serializable_hits}, 0, 'nothing is remembered in serializable transactions');
SKIP:
{
	skip 'stopped before the end', 4 unless $run->{finished} || !$seconds;
	ok($run->{finished}, 'all sessions came to their end');
	cmp_ok($run->{compared}, '>=', $comparisons, "at least $comparisons comparisons");
	cmp_ok($share, '>=', 0.3, 'enough of them were hits');
	cmp_ok($run->{serializable_asked}, '>', 0, 'some were serializable');
}
$node->stop('immediate');
done_testing();
