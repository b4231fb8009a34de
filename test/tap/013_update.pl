# 013_update.pl: the extension is updated, and dropped, while answers are remembered; each answer stays right
#
# trap 60: ALTER EXTENSION UPDATE, a library of another version, DROP EXTENSION
#
# The next version is one with nothing new, in a copy of what "make install" wrote. As the library stays the old one, the
# session meets what a session meets that began before an update, or a server whose package is newer than its databases.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $settings = defined $ENV{TEMP_CONFIG} ? slurp_file($ENV{TEMP_CONFIG}) : '';
my ($name, $stage) = $settings =~ /^(extension_\w+) = '(.*?)(?::\$system)?'$/m
  or plan skip_all => 'needs an extension that is installed apart from the server';

# --- a server that knows a next version

my $node = PostgreSQL::Test::Cluster->new('update');
my $copy = $node->basedir . '/next';
my $version = '1.0';

system_or_bail('cp', '-r', $stage, $copy);
my ($control) = split /\n/, `find $copy -name pg_hashstash.control`;
(my $scripts = $control) =~ s{\.control$}{};
append_to_file("$scripts--$version--next.sql",
	"CREATE FUNCTION stash.news() RETURNS int4 LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 1;\n");
append_to_file("$scripts--next--$version.sql", "DROP FUNCTION stash.news();\n");

$node->init;
$node->append_conf('postgresql.conf',
	$name eq 'extension_destdir' ? "$name = '$copy'" : "$name = '$copy:\$system'");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE TABLE asked AS SELECT 1 AS n;
SELECT stash.track('asked');
CREATE FUNCTION f() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'computed'; RETURN (SELECT n FROM asked); END $$;
SELECT stash.memoize('f()');
SELECT f();
SELECT stash.create('kept');
SELECT stash.put('kept', 'k', 5);
SQL

my $explain = "SELECT string_agg(value, ': ' ORDER BY item DESC) FROM stash.explain('f()') WHERE item IN ('verdict', 'reason')";
my $mismatch = qr/^bypass: the library .* is of another version .*ALTER EXTENSION pg_hashstash UPDATE/;

sub ask { return $node->safe_psql('postgres', shift); }
sub computes
{
	my ($out, $err);

	$node->psql('postgres', 'SELECT f()', stdout => \$out, stderr => \$err);
	return ($err =~ /computed/ ? 'computed ' : 'remembered ') . $out;
}

# --- another version

is(computes(), 'remembered 1', 'before');

# a session that is there already, and has its answer in memory
my ($in, $out, $err) = ("SELECT f(), 'one';\n", '', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'postgres' ],
	'<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
$session->pump until $out =~ /one/;

ask("ALTER EXTENSION pg_hashstash UPDATE TO 'next'");
like(ask($explain), $mismatch, 'an extension that is newer than the library is told');
is(computes(), 'computed 1', 'nothing is remembered then');
$out = '';
$in .= "$explain;\nSELECT 'two';\n";
$session->pump until $out =~ /two/;
like($out, $mismatch, 'also in a session that was there');
ask('UPDATE asked SET n = 2');
is(computes(), 'computed 2', 'changes are seen');
is(ask("SELECT stash.get('kept', 'k', NULL::int)"), '5', 'a stash is read as ever');
is(ask('SELECT stash.news()'), '1', 'what is new is there');

ask("ALTER EXTENSION pg_hashstash UPDATE TO '$version'");
is(computes(), 'computed 2', 'what was remembered before the change is not taken for new');
is(computes(), 'remembered 2', 'and all is as it was');
$out = '';
$in .= "$explain;\nSELECT f(), 'three';\n";
$session->pump until $out =~ /three/;
like($out, qr/^hit\n2\|three/m, 'also there');
$session->finish;

# --- none

my ($result, $ignored, $message) = $node->psql('postgres', 'DROP EXTENSION pg_hashstash');
isnt($result, 0, 'the extension is not dropped under memoized functions');
like($message, qr/function f\(\) depends on language stash.*HINT/s, 'which it says');
is(computes(), 'remembered 2', 'and they go on');
ask("SELECT stash.unmemoize('f()'), stash.untrack('asked'), stash.drop('kept')");
ask('DROP EXTENSION pg_hashstash');
is(computes(), 'computed 2', 'after unmemoize the function is what it was');
is(ask("SELECT count(*) FROM pg_event_trigger"), '0', 'nothing is left');
ask("CREATE EXTENSION pg_hashstash");
ask("SELECT stash.track('asked'), stash.memoize('f()')");
ask('SELECT f()');
is(computes(), 'remembered 2', 'made again, it remembers again');
ask('DROP EXTENSION pg_hashstash CASCADE');
is(ask('SELECT f_uncached()'), '2', 'dropped with all that hangs on it, the originals are left');

$node->stop;
done_testing();
