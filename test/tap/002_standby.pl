# On a hot standby memoized functions answer: from the replicated stash, or computed and not kept; after promotion they
# are kept again.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION pg_hashstash;
	CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE
		AS 'BEGIN RAISE NOTICE ''computed %'', n; RETURN n * n; END';
	CREATE FUNCTION gone(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE
		AS 'BEGIN RAISE NOTICE ''computed %'', n; RETURN -n; END';
	SELECT stash.memoize('slow(int)'), stash.memoize('gone(int)');
	ALTER TABLE gone_stash SET UNLOGGED;
	SELECT slow(2), gone(2);
	SELECT stash.create('s');
	SELECT stash.put('s', 'key', 'value');
});
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', 'SELECT slow(3)');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

sub call
{
	my ($node, $sql) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', $sql);
	my @computed = $err =~ /computed (\d+)/g;
	return "$ret: $out; computed @computed" . ($err =~ /ERROR.*/ ? " $&" : '');
}

is(call($standby, 'SELECT slow(2), slow(3)'), '0: 4|9; computed ', 'hits from the replicated stash');
is(call($standby, 'SELECT slow(5), slow(5)'), '0: 25|25; computed 5', 'a miss is computed, and kept in the session');
is(call($standby, 'SELECT slow(5)'), '0: 25; computed 5', 'but not in the stash');
is(call($standby, 'SELECT gone(2)'), '0: -2; computed 2', 'an unlogged stash is no error');
is(call($standby, "SELECT stash.get('s', 'key')"), '0: text:value; computed ', 'get');
like(call($standby, "SELECT value FROM stash.explain('slow(int)', 7) WHERE item = 'stash not written'"),
	qr/in recovery/, 'explain says why');

$standby->promote;
is(call($standby, 'SELECT slow(5)'), '0: 25; computed 5', 'promoted: computed once more');
is(call($standby, 'SELECT slow(5)'), '0: 25; computed ', 'and kept');

$standby->stop;
$primary->stop;
done_testing();
