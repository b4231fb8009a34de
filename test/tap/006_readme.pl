# The README's SQL works as it stands, and prints what the README shows.
#
# All blocks run in one session, in order; a block of "text" behind a block of
# "sql" is its output, line by line, trailing blanks aside.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub slurp
{
	my ($path) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
	local $/;
	return <$file>;
}

sub trimmed
{
	my ($text) = @_;
	$text =~ s/[ \t]+$//mg;
	$text =~ s/\s+\z//;
	return $text;
}

my $readme = slurp("README.md");
my @blocks;
while ($readme =~ /^```sql\n(.*?)^```\n(?:```text\n(.*?)^```\n)?/msg)
{
	push @blocks, { sql => $1, text => $2 };
}
cmp_ok(scalar(@blocks), '>', 5, 'README has SQL');

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->start;

# psql sees the blocks in one go, with a mark between them
my $mark = '=== end of block ===';
my $script = join('', map { "$_->{sql}\n\\echo $mark\n" } @blocks);
my ($out, $err);
my $ok = run_psql($script, \$out, \$err);
ok($ok, 'all blocks run') or diag($err);

sub run_psql
{
	my ($sql, $stdout, $stderr) = @_;
	return IPC::Run::run(
		[
			'psql', '-X', '-q', '-P', 'pager=off', '-v', 'ON_ERROR_STOP=1',
			'-d', $node->connstr('postgres')
		],
		'<', \$sql, '>', $stdout, '2>', $stderr);
}

my @printed = split /^\Q$mark\E\n/m, $out;
for my $i (0 .. $#blocks)
{
	next unless defined $blocks[$i]{text};
	my ($first) = $blocks[$i]{sql} =~ /^(\S.*)$/m;
	is(trimmed($printed[$i] // ''), trimmed($blocks[$i]{text}),
		"output of: $first");
}

$node->stop;
done_testing();
