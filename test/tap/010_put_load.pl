# 010_put_load.pl: to concurrent clients a stash looks as if one operation were done after the other
#
# Sixteen clients work on few keys. Afterwards History.pm looks for an order of the operations that explains all that
# they saw, at READ COMMITTED, and no operation may fail. It must fail for histories and functions that are wrong.
#
# 6 seconds of load; STASH_SLOW=1: 90.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use History qw(apply_operation check_history read_lines read_operation);
use List::Util qw(max shuffle uniq);
use PostgreSQL::Test::Utils;
use StashLoad;
use Test::More;

my $seconds = $ENV{STASH_SLOW} ? 60 : 4;
srand(1);

known_histories();
random_histories();

my $node = start_for_load('load');

racy_functions();
load('load', $seconds, 'put,put_5,get,has,remove,pop,get_or_put');
# where a version expires the one before is seen again, which is another kind of register
$node->safe_psql('postgres', q(SELECT stash.create('versions', keep_versions => 3)));
load('versions', $seconds / 2, 'put,get,has,remove,pop,get_or_put');
append();
$node->stop;
done_testing();

# --- the checker

# Histories of one key, as [title, whether they are possible, operation id start end result ...]
sub known_histories
{
	my @histories = (
		[ 'one after the other', 1, 'put 1.1 1 2 1', 'get 2.1 3 4 1.1', 'put 2.2 5 6 2', 'remove 1.2 7 8 t', 'put 1.3 9 10 1' ],
		[ 'a read during a put that saw it', 1, 'put 1.1 1 9 1', 'get 2.1 2 3 1.1' ],
		[ 'a read during a put that did not', 1, 'put 1.1 1 9 1', 'get 2.1 2 3 -' ],
		[ 'two puts in the order of their versions', 1, 'put 1.1 1 9 2', 'put 2.1 2 8 1', 'get 1.2 10 11 1.1' ],
		[ 'a pop that finds nothing, for it came before', 1, 'put 1.1 1 6 1', 'pop 2.1 2 7 -', 'pop 3.1 8 9 1.1' ],
		[ 'one default for both', 1, 'get_or_put 1.1 1 5 2.1', 'get_or_put 2.1 2 6 2.1', 'has 1.2 7 8 t' ],
		[ 'a lost put that happened', 1, 'put 1.1 1 5 lost ?', 'get 2.1 6 7 1.1' ],
		[ 'a lost put that did not happen', 1, 'put 1.1 1 5 lost 1', 'get 2.1 6 7 -' ],
		[ 'a lost put that happened and was popped', 1, 'put 1.1 1 5 lost ?', 'pop 2.1 2 3 1.1', 'get 2.1 6 7 -' ],
		[ 'a value that expires while it is read', 1, 'put_5 1.1 1 2 1', 'get 2.1 6 8 -', 'get 3.1 6 8 1.1', 'put 1.2 9 10 1' ],
		[ 'a version that goes on after what has expired', 0, 'put_5 1.1 1 2 1', 'put 1.2 9 10 2' ],
		[ 'a value that is renewed in time, but not for an older snapshot', 1, 'put_5 1.1 1 2 1', 'get 2.1 3 8 -', 'put 1.2 4 5 2' ],
		[ 'an expired value that is removed', 1, 'put_5 1.1 1 2 1', 'get_or_put 2.1 8 11 2.1', 'pop 3.1 9 10 -', 'put 1.2 12 13 2' ],
		[ 'a stale read', 0, 'put 1.1 1 2 1', 'put 1.2 3 4 2', 'get 2.1 5 6 1.1' ],
		[ 'a read of what comes later', 0, 'get 2.1 1 2 1.1', 'put 1.1 3 4 1' ],
		[ 'two reads that go back in time', 0, 'put 1.1 1 9 1', 'get 2.1 2 3 1.1', 'get 2.2 4 5 -' ],
		[ 'a lost update', 0, 'put 1.1 1 2 1', 'put 1.2 3 6 2', 'put 2.1 4 7 2' ],
		[ 'a put that is gone', 0, 'put 1.1 1 2 1', 'has 2.1 3 4 f' ],
		[ 'a double pop', 0, 'put 1.1 1 2 1', 'pop 2.1 3 6 1.1', 'pop 3.1 4 7 1.1' ],
		[ 'a double remove', 0, 'put 1.1 1 2 1', 'remove 2.1 3 6 t', 'pop 3.1 4 7 1.1' ],
		[ 'two defaults', 0, 'get_or_put 1.1 1 5 1.1', 'get_or_put 2.1 2 6 2.1' ],
		[ 'a default in place of a value', 0, 'put 1.1 1 2 1', 'get_or_put 2.1 3 4 2.1' ],
		[ 'a value that comes back', 0, 'put 1.1 1 2 1', 'remove 1.2 3 4 t', 'get 2.1 5 6 1.1' ],
		[ 'a value that expires too early', 0, 'put_5 1.1 1 2 1', 'get 2.1 3 4 -' ],
		[ 'a value that never expires', 0, 'put_5 1.1 1 2 1', 'get 2.1 8 9 1.1' ],
		[ 'a value that has expired and comes back', 0, 'put_5 1.1 1 2 1', 'pop 2.1 6 6.5 -', 'get 2.2 6.6 6.7 1.1' ],
		[ 'two defaults for what has expired', 0, 'put_5 1.1 1 2 1', 'get_or_put 2.1 8 10 2.1', 'get_or_put 3.1 9 11 3.1' ],
		[ 'a lost put that happens after the crash', 0, 'put 1.1 1 5 lost ?', 'get 2.1 6 7 -', 'get 2.2 8 9 1.1' ],
		[ 'a put that is gone after the crash', 0, 'put 1.1 1 2 1', 'get 1.2 3 5 lost ?', 'get 2.1 6 7 -' ]);

	for my $history (@histories)
	{
		my ($title, $possible, @lines) = @$history;
		my ($wrong) = check_history(map { "1 $_" } @lines);

		is(scalar(@$wrong), $possible ? 0 : 1, ($possible ? 'possible: ' : 'impossible: ') . $title);
	}
	return;
}

# Small histories, some with answers that were changed: the search agrees with a trial of all permutations.
sub random_histories
{
	my (%found, @disagree);

	for my $round (1 .. 2000)
	{
		my @lines = random_history(7);
		my ($wrong) = check_history(map { "1 $_" } @lines);
		my $explained = explained('', 0, map { read_operation($_) } @lines);

		$found{ $explained ? 'possible' : 'impossible' }++;
		push @disagree, join "\n", @lines if $explained != !@$wrong;
	}
	is(join("\n\n", @disagree), '', 'the checker agrees with a trial of all orders');
	cmp_ok($found{$_} // 0, '>', 300, "random histories that are $_") for qw(possible impossible);
	return;
}

sub random_history
{
	my ($n) = @_;
	my @times = shuffle(1 .. 2 * $n);
	my @kinds = qw(put put put_3 get get has remove remove pop get_or_put);
	my @ops;
	my $state = '';

	for my $i (1 .. $n)
	{
		my ($start, $end) = sort { $a <=> $b } splice @times, 0, 2;
		my $is_lost = rand() < 0.15;

		# short ones, that leave less freedom, are as likely; the server is gone at the end
		$end = $is_lost ? 2 * $n + 1 : $start + 0.5 if rand() < 0.5;
		push @ops, { kind => $kinds[ rand @kinds ], id => "1.$i", start => $start, end => $end, is_lost => $is_lost, at => $start + rand($end - $start) };
	}
	for my $op (sort { $a->{at} <=> $b->{at} } @ops)
	{
		my @outcomes = apply_operation(read_operation(join ' ', @$op{qw(kind id start end)}, '?'), $state, $op->{at});

		# nothing contradicts "?"
		($op->{result}, my $next) = @{ $outcomes[ rand @outcomes ] };
		$state = $next unless $op->{is_lost} && rand() < 0.5;
	}
	my %answers = (put => 'version', put_3 => 'version', has => 'bool', remove => 'bool', get => 'value', pop => 'value', get_or_put => 'value');
	for (1 .. 3)
	{
		my ($changed, $other) = @ops[ rand @ops, rand @ops ];
		$changed->{result} = $other->{result} if $answers{ $changed->{kind} } eq $answers{ $other->{kind} };
	}

	return map { join ' ', @$_{qw(kind id start end)}, $_->{is_lost} ? ('lost', rand() < 0.5 ? '?' : $_->{result}) : $_->{result} } @ops;
}

# Whether these operations can be done one after the other, not before $now, each lost one before its end or never.
sub explained
{
	my ($state, $now, @ops) = @_;

	return 1 unless grep { !$_->{is_lost} } @ops;
	for my $op (@ops)
	{
		my @others = grep { $_ != $op && !($_->{is_lost} && $_->{end} < $op->{start}) } @ops;

		next if grep { $_->{end} < $op->{start} } @others;
		for my $outcome (apply_operation($op, $state, $op->{end}))
		{
			my (undef, $next, $from) = @$outcome;
			my $then = max($now, $from);

			return 1 if $then < $op->{end} && explained($next, $then, @others);
		}
	}
	return 0;
}

# --- the stash

# Functions that look first and act later, or remember what they have seen: the load is enough to find them out.
sub racy_functions
{
	my %bodies = (
		get => [ '"like" text) RETURNS text', <<'SQL' ],
	IF coalesce(current_setting('racy.k' || k, true), '') = '' THEN
		PERFORM set_config('racy.k' || k, coalesce(stash.get(s, k, "like"), ''), false);
	END IF;
	RETURN nullif(current_setting('racy.k' || k), '');
SQL
		put => [ 'v text) RETURNS int8', <<'SQL' ],
	n := (SELECT version FROM load WHERE key_hash = stash.hash(k));
	PERFORM pg_sleep(0.001);
	PERFORM stash.put(s, k, v);
	RETURN coalesce(n, 0) + 1;
SQL
		pop => [ 'OUT v text)', <<'SQL' ],
	v := stash.get(s, k);
	PERFORM pg_sleep(0.001);
	PERFORM stash.remove(s, k);
SQL
		get_or_put => [ 'v text) RETURNS text', <<'SQL' ]);
	IF stash.has(s, k) THEN
		RETURN stash.get(s, k);
	END IF;
	PERFORM pg_sleep(0.001);
	PERFORM stash.put(s, k, v);
	RETURN v;
SQL

	for my $name (sort keys %bodies)
	{
		my ($head, $body) = @{ $bodies{$name} };

		$node->safe_psql('postgres', "CREATE SCHEMA racy_$name; CREATE FUNCTION racy_$name.$name(s regclass, k int, $head LANGUAGE plpgsql AS \$\$DECLARE n int8; BEGIN $body END\$\$; SELECT stash.clear('load')");
		my ($status, @files) = run_load($node, "racy_$name", '-s', 1, '-k', 10, '-o', join ',', uniq(qw(put get has remove), $name));
		my ($wrong) = check_history(read_lines(0, @files));

		is($status, 0, "a racy $name does not fail");
		isnt(scalar(@$wrong), 0, "a racy $name is found out");
	}
	return;
}

sub load
{
	my ($stash, $time, $operations) = @_;

	$node->safe_psql('postgres', "SELECT stash.clear('$stash')");
	my ($status, @files) = run_load($node, 'stash', '-t', $stash, '-s', $time, '-o', $operations);
	my ($last_status, @last_files) = run_load($node, 'stash', '-t', $stash, '-a', '-i', 16);
	my ($wrong, $figures) = check_history(read_lines(0, @files, @last_files));

	is($status, 0, "$stash: no operation failed, and no value was damaged: $operations");
	is($last_status, 0, "$stash: every key can be read");
	is(join("\n", @$wrong), '', "$stash: some order explains all that was seen");
	is($figures->{keys}, 1000, "$stash: on a thousand keys");
	cmp_ok($figures->{operations}, '>', 500 * $time, "$stash: operations in $time seconds");
	cmp_ok($figures->{overlapping}, '>', $figures->{operations} / 20, "$stash: operations that met another one on their key");
	cmp_ok($figures->{most}, '>', 8, "$stash: operations that were pending on a key at once");
	indexes_agree($node, $stash, "$stash: table and indexes agree");
	note(join ', ', map { "$_: $figures->{$_}" } sort keys %$figures);
	return;
}

# Each of 200 concurrent puts adds a version.
sub append
{
	$node->safe_psql('postgres', q(SELECT stash.create('appended', keep_versions => 0)));
	my ($status, @files) = run_load($node, 'stash', qw(-t appended -c 4 -n 50 -k 1 -o put));
	my @told = sort { $a <=> $b } map { /(\d+)$/ } read_lines(0, @files);

	is($status, 0, 'concurrent puts into a stash that keeps versions');
	is("@told", join(' ', 1 .. 200), 'each has told its version');
	is($node->safe_psql('postgres', 'SELECT string_agg(version::text, $$ $$ ORDER BY version) FROM appended'), "@told", 'all are kept');
	return;
}
