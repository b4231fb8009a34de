# 009_tracked_replication.pl: answers over tracked tables are right on a hot standby, and where a subscription feeds the tables

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical');
$primary->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;

my $schema = <<'SQL';
CREATE EXTENSION pg_hashstash;
CREATE TABLE sale (id int PRIMARY KEY, n int);
SELECT stash.track('sale');
CREATE FUNCTION total() RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed';
	RETURN (SELECT coalesce(sum(n), 0) FROM sale);
END
$$;
SELECT stash.memoize('total()');
SQL
$_->safe_psql('postgres', $schema) for $primary, $subscriber;
$primary->safe_psql('postgres', 'INSERT INTO sale VALUES (1, 1); CREATE PUBLICATION sales FOR TABLE sale');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# What statements return, and how many answers were computed for it.
sub call
{
	my ($node, $sql) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', $sql);

	is($ret, 0, $node->name . ": $sql") or diag($err);
	return join ' ', $out =~ s/\n/ /gr, scalar(() = $err =~ /computed/g);
}

# a session that has the server listen to its caches for all that can: the places for that are 64
is(call($primary, <<'SQL'), 'run t 1 1 1 1 0 1', 'a session that uses about everything');
SELECT (tsvector_to_array(to_tsvector('english', 'running')))[1];
SELECT to_tsvector('simple', 'x') @@ to_tsquery('english', 'x');
CREATE TEMP TABLE parent (id int PRIMARY KEY);
CREATE TEMP TABLE child (id int REFERENCES parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1);
CREATE INDEX ON child (id) WHERE id > 3;
SELECT count(*) FROM child WHERE id < 4;
SELECT row_to_json(c)->>'id' FROM child c WHERE id > 2 OR id < 2 AND id IS NOT NULL;
SELECT total() + 0;
SELECT count(*) FROM pg_create_logical_replication_slot('all', 'pgoutput', true);
SELECT count(*) * 0 FROM pg_logical_slot_peek_binary_changes('all', NULL, NULL, 'proto_version', '1', 'publication_names', 'sales');
SQL

# trap 54: a standby uses what was filled on the primary while it is right, and sees changes with the WAL
sub replay { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')); return; }
call($primary, 'SELECT total()');
replay();
is(call($standby, 'SELECT total()'), '1 0', 'an answer of the primary');
call($primary, 'INSERT INTO sale VALUES (2, 2)');
replay();
is(call($standby, 'SELECT total(); SELECT total()'), '3 3 1', 'stale by a change of the primary; kept by the session');
is(call($standby, 'SELECT total()'), '3 0', 'and by all of the standby');
call($primary, 'BEGIN; INSERT INTO sale VALUES (3, 3); SELECT total(); ROLLBACK; SELECT total()');
replay();
is(call($standby, 'SELECT total()'), '3 0', 'a new answer of the primary');
is(call($standby, 'SELECT stash.track_problem(\'sale\') IS NULL'), 't 0', 'a tracked table is one');

# trap 44, 80: a subscription, for whose changes no statement trigger fires
sub apply { $primary->wait_for_catchup('sales'); return; }
my $subscribe = "CREATE SUBSCRIPTION sales CONNECTION '" . $primary->connstr . " dbname=postgres' PUBLICATION sales";
is(call($subscriber, 'SELECT total(); SELECT total()'), '0 0 1', 'remembered before the subscription');
$subscriber->safe_psql('postgres', $subscribe);
$subscriber->wait_for_subscription_sync($primary, 'sales');
is(call($subscriber, 'SELECT total(); SELECT total()'), '3 3 2', 'fed, and not tracked for that: computed');
call($primary, 'INSERT INTO sale VALUES (4, 4)');
apply();
is(call($subscriber, 'SELECT total()'), '7 1', 'what was fed is seen');
is(call($subscriber, "SELECT stash.track('sale'); SELECT total(); SELECT total()"), '1 7 7 1', 'tracked again: remembered');
my %changes = (
	'INSERT INTO sale VALUES (5, 5)' => 12,
	'UPDATE sale SET n = 6 WHERE id = 5' => 13,
	'DELETE FROM sale WHERE id = 5' => 7);
for my $change ('INSERT INTO sale VALUES (5, 5)', 'UPDATE sale SET n = 6 WHERE id = 5', 'DELETE FROM sale WHERE id = 5')
{
	call($primary, $change);
	apply();
	is(call($subscriber, 'SELECT total(); SELECT total()'), "$changes{$change} $changes{$change} 1", "after $change elsewhere");
}
is(call($subscriber, 'SELECT total()'), '7 0', 'remembered');
call($primary, 'TRUNCATE sale');
apply();
is(call($subscriber, 'SELECT total(); SELECT total()'), '0 0 1', 'after TRUNCATE elsewhere');
call($primary, 'INSERT INTO sale VALUES (6, 6)');
apply();
is(call($subscriber, 'SELECT total(); SELECT total()'), '6 6 1', 'and an INSERT after it');
# made and dropped between two calls, over a table whose triggers do not see what it feeds
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION sales');
is( call($subscriber, "SELECT stash.untrack('sale'), stash.track('sale'); TRUNCATE sale; SELECT total(); SELECT total()"),
	'1|1 0 0 1', 'without the subscription');
$subscriber->safe_psql('postgres', $subscribe . ' WITH (copy_data = false)');
call($primary, 'INSERT INTO sale VALUES (7, 7)');
apply();
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION sales');
is($subscriber->safe_psql('postgres', q{SELECT stash.track_problem('sale') IS NULL}), 't', 'as if nothing had been');
is(call($subscriber, 'SELECT total(); SELECT total()'), '7 7 1', 'but what it fed is seen');

# the standby becomes a server of its own
$primary->stop;
$standby->promote;
is(call($standby, 'SELECT total() = total_uncached()') =~ s/ \d+$//r, 't', 'promoted: right');
call($standby, 'SELECT total()');
is(call($standby, 'SELECT total()'), '13 0', 'and stored');
call($standby, 'INSERT INTO sale VALUES (8, 8)');
is(call($standby, 'SELECT total(); SELECT total()'), '21 21 1', 'changes are noted');
$standby->stop;
$subscriber->stop;
done_testing();
