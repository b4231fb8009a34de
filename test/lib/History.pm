# History.pm: whether some order of the operations of concurrent clients explains what each of them saw
#
# A key is a register: absent, or a value with a version. A history is linearizable when each operation can be
# said to happen in one moment between its start and its end, so that every answer is the one that a single client
# would get. Keys are independent of each other, so each has a search of its own (after Wing and Gong, and Lowe): it
# goes through starts and ends in the order of time and keeps all the states that may hold, each with the pending
# operations that have happened in it. An operation happens when it must: as the last one of some that end with it,
# when it ends. One that changes nothing happens as soon as it can, for that takes nothing from the others; of those
# that do the same the one that ends first does it. That these rules lose no order is tested against all permutations.
#
# Versions and values that are unique leave few states. An operation without an answer happens before its end or never.
package History;

use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(apply_operation check_history read_lines read_operation);

# milliseconds that the clocks of server and client may drift apart while a value lives
my $slack = 0.1;

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
	my $ttl = $kind =~ s/^put_(\d+)$/put/ ? $1 : undef;

	return {
		line => $line, kind => $kind, id => $id, start => $start, end => $end, ttl => $ttl, result => $result, is_lost => $is_lost,
		twin => !$is_lost && ("$kind $result" =~ /^(remove|pop) (f|-)$/ ? 'absent' : $kind eq 'remove' ? 'there' : undef),
		reads => $kind eq 'get' || $kind eq 'has' || ($kind eq 'get_or_put' && $result ne '?' && $result ne $id)
	};
}

# What an operation that happens by a time can answer and leave, as [answer, state, time from which]; none when it
# cannot have had its result here.
#
# A state is '' for an absent key, else value:version, and for a value with a time to live value:version:from:until,
# for the times between which it expires: then the key is absent. A statement that only reads
# looks at the clock after it took its snapshot: it can find expired what was replaced in time, but after the snapshot.
sub apply_operation
{
	my ($op, $state, $by) = @_;
	my ($value, $version, $from, $until) = $state eq '' ? ('-', 0) : split /:/, $state;
	my @next;

	push @next, [ _apply($op, $state, $value, $version), 0 ] if !defined $until || $op->{start} < $until;
	if ($op->{kind} eq 'get' || $op->{kind} eq 'has')
	{
		push @next, [ (_apply($op, $state, '-', $version))[0], $state, 0 ] if defined $from && $op->{end} > $from;
	}
	elsif (defined $from && $by > $from)
	{
		push @next, [ _apply($op, '', '-', 0), $from ];
	}
	return grep { $op->{result} eq '?' || $op->{result} eq $_->[0] } @next;
}

sub _apply
{
	my ($op, $state, $value, $version) = @_;
	my $kind = $op->{kind};
	my $there = $value ne '-';

	return ($value, $state) if $kind eq 'get';
	return ($there ? 't' : 'f', $state) if $kind eq 'has';
	return ($there ? 't' : 'f', '') if $kind eq 'remove';
	return ($value, '') if $kind eq 'pop';
	return ($version + 1, _put($op, $version + 1)) if $kind eq 'put';
	return $there ? ($value, $state) : ($op->{id}, _put($op, $version + 1)) if $kind eq 'get_or_put';
	die "unknown operation $kind";
}

sub _put
{
	my ($op, $version) = @_;

	return "$op->{id}:$version" unless defined $op->{ttl};
	return join ':', $op->{id}, $version, $op->{start} + $op->{ttl} - $slack, $op->{end} + $op->{ttl} + $slack;
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
		$situation->[1]{$n} = 1 if $ops->{$n}{reads} && grep { $_->[1] eq $situation->[0] } apply_operation($ops->{$n}, $situation->[0], 0);
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
		my %tried;
		for my $other (sort { $pending->{$a}{end} <=> $pending->{$b}{end} } keys %$pending)
		{
			my $op = $pending->{$other};
			next if $done->{$other} || ($op->{twin} && $tried{ $op->{twin} });

			for my $outcome (apply_operation($op, $state, $pending->{$n}{end}))
			{
				$tried{ $op->{twin} } = 1 if $op->{twin};
				my $new = [ $outcome->[1], { %$done, $other => 1 } ];

				_read_now($new, $pending);
				push @open, $new;
			}
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
