# Files.pm: whole files of the server, for tests of exports and imports
package Files;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(slurp spew);

sub slurp { return PostgreSQL::Test::Utils::slurp_file($_[0]); }

# write a file, byte for byte
sub spew
{
	my ($path, $content) = @_;

	open my $file, '>:raw', $path or die;
	print $file $content;
	close $file or die;
	return;
}

1;
