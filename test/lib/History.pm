# History.pm: whether some order of the operations of concurrent clients explains what each of them saw
#
# A key is a register: absent, or a value with a version. A history is linearizable when each operation can be
# said to happen in one moment between its start and its end, so that every answer is the one that a single client
# would get. Keys are independent of each other, so each has a search of its own (after Wing and Gong, and Lowe): it
# goes through starts and ends in the order of time and keeps all the states that may hold, each with the pending
# operations that have happened in it. An operation happens when it must: as the last one of some that end with it,
# when it ends. One that changes nothing happens as soon as it can, for that takes nothing from the others. That
# both rules lose no order is tested against all permutations.
#
# Versions and values that are unique leave few states. An operation without an answer happens before its end or never.
package History;

use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(apply_operation check_history read_lines read_operation);

# Lines of the form that stash_load.c writes, those of files; the end of what has none is $end.
sub read_lines
{
	my ($end, @files) = @_;
	my @lines;

	for my $file (@files)
	{
		open my $in, '<', $file or die "$file: $!";
		while (my $line = <$in>)
		{
			chomp $line;
			$line =~ s/ - (\S+)$/ $end lost $1/;
			push @lines, $line;
		}
		close $in;
	}
	return @lines;
}

# What is wrong, one text for each key, and figures of the history.
sub check_history
{
	my (@lines) = @_;
	my (%of_key, @wrong);
	my %figures = (operations => scalar(@lines), lost => 0, overlapping => 0, most => 0, states => 0);

	for my $line (@lines)
	{
		my ($key, $rest) = split / /, $line, 2;
		push @{ $of_key{$key} }, $rest;
	}
	$figures{keys} = keys %of_key;
	for my $key (sort { $a <=> $b } keys %of_key)
	{
		my $wrong = _check_key([ map { read_operation($_) } @{ delete $of_key{$key} } ], \%figures);

		push @wrong, "key $key: $wrong" if defined $wrong;
	}
	return (\@wrong, \%figures);
}

sub read_operation
{
	my ($line) = @_;
	my ($kind, $id, $start, $end, @rest) = split / /, $line;
	my $is_lost = $rest[0] eq 'lost';
	my $result = $rest[-1];
	my $reads =
		 $kind eq 'get'
	  || $kind eq 'has'
	  || ($kind eq 'remove' && $result eq 'f')
	  || ($kind eq 'pop' && $result eq '-')
	  || ($kind eq 'get_or_put' && $result ne '?' && $result ne $id);

	return {
		line => $line, kind => $kind, id => $id, start => $start, end => $end,
		result => $result, is_lost => $is_lost, reads => $reads
	};
}

# The state after an operation, or undef when the operation would have had another result.
# A state is '' for an absent key, else value:version.
sub apply_operation
{
	my ($op, $state) = @_;
	my ($kind, $result) = @$op{qw(kind result)};
	my ($value, $version) = $state eq '' ? ('-', 0) : split /:/, $state;
	my ($answer, $next);

	if ($kind eq 'put') { ($answer, $next) = ($version + 1, "$op->{id}:" . ($version + 1)) }
	elsif ($kind eq 'get') { ($answer, $next) = ($value, $state) }
	elsif ($kind eq 'has') { ($answer, $next) = ($version ? 't' : 'f', $state) }
	elsif ($kind eq 'remove') { ($answer, $next) = ($version ? 't' : 'f', '') }
	elsif ($kind eq 'pop') { ($answer, $next) = ($value, '') }
	elsif ($kind eq 'get_or_put') { ($answer, $next) = $version ? ($value, $state) : ($op->{id}, "$op->{id}:1") }
	else { die "unknown operation $kind" }
	return $result eq '?' || $result eq $answer ? $next : undef;
}

# A situation is [state, { number of a pending operation that has happened => 1 }].
sub _check_key
{
	my ($ops, $figures) = @_;
	my @ops = @$ops;
	my @events = sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } map { ([ $ops[$_]{start}, 0, $_ ], [ $ops[$_]{end}, 1, $_ ]) } 0 .. $#ops;
	my %pending;
	my @situations = ([ '', {} ]);

	$figures->{lost} += grep { $_->{is_lost} } @ops;
	for my $event (@events)
	{
		my (undef, $is_end, $n) = @$event;

		if ($is_end)
		{
			my @next = _end_operation($n, \%pending, \@situations);

			return _explain($ops[$n], \%pending, \@situations) unless @next;
			delete $pending{$n};
			@situations = @next;
			$figures->{states} = @situations if @situations > $figures->{states};
		}
		else
		{
			$pending{$n} = $ops[$n];
			_read_now($_, { $n => $ops[$n] }) for @situations;
			_count_overlap(\%pending, $figures) if keys %pending > 1;
		}
	}
	return;
}

sub _count_overlap
{
	my ($pending, $figures) = @_;

	$figures->{overlapping} += grep { !$_->{overlaps}++ } values %$pending;
	$figures->{most} = keys %$pending if keys %$pending > $figures->{most};
	return;
}

# Let those happen that change nothing and see what is there.
sub _read_now
{
	my ($situation, $ops) = @_;

	for my $n (keys %$ops)
	{
		$situation->[1]{$n} = 1 if $ops->{$n}{reads} && defined apply_operation($ops->{$n}, $situation->[0]);
	}
	return;
}

# All situations in which an operation that ends now has happened, or, where it is not known to, may have.
sub _end_operation
{
	my ($n, $pending, $situations) = @_;
	my @open = map { [ $_->[0], { %{ $_->[1] } } ] } @$situations;
	my @next = $pending->{$n}{is_lost} ? grep { !$_->[1]{$n} } @$situations : ();
	my %seen;

	while (my $situation = shift @open)
	{
		my ($state, $done) = @$situation;

		next if $seen{ join ' ', $state, sort { $a <=> $b } keys %$done }++;
		if (delete $done->{$n})
		{
			push @next, $situation;
			next;
		}
		for my $other (keys %$pending)
		{
			my $op = $pending->{$other};
			next if $done->{$other} || $op->{reads};
			my $after = apply_operation($op, $state);

			next unless defined $after;
			my $new = [ $after, { %$done, $other => 1 } ];
			_read_now($new, $pending);
			push @open, $new;
		}
	}
	%seen = ();
	return grep { !$seen{ join ' ', $_->[0], sort { $a <=> $b } keys %{ $_->[1] } }++ } @next;
}

sub _explain
{
	my ($op, $pending, $situations) = @_;
	my $and = sub { join ', ', map { "\"$_\"" } @_ };

	return "no order explains \"$op->{line}\"; possible before: "
	  . $and->(map { $_->[0] eq '' ? 'absent' : $_->[0] } @$situations)
	  . '; at the same time: '
	  . $and->(map { $_->{line} } grep { $_ != $op } values %$pending);
}

1;
