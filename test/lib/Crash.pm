# Crash.pm: the death of all processes of a server at once
package Crash;

use strict;
use warnings;
use Exporter qw(import);
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);

our @EXPORT = qw(crash);

# Nothing is left of the server, and nobody has taken notice of the death of another.
sub crash
{
	my ($node) = @_;
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');

	# stopped, it starts no new process and takes no death for something to recover from
	kill 'STOP', $postmaster;
	my @pids = _children($postmaster);
	kill 'KILL', @pids;
	$node->kill9;

	# a new server does not start while one of them holds the memory or the name of the old one
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return unless grep { kill 0, $_ } $postmaster, @pids;
		sleep(0.1);
	}
	die 'the server does not die';
}

sub _children
{
	my ($parent) = @_;
	my @children;

	for my $file (glob '/proc/[0-9]*/stat')
	{
		# others come and go meanwhile
		open my $in, '<', $file or next;
		my $line = <$in> // next;
		push @children, $1 if $line =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $parent;
	}
	die 'no process of the server is seen' unless @children;
	return @children;
}

1;
