# 042_stash_replication.pl: logical replication carries what happens to the entries of a stash, whichever way it was done

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($publisher, $subscriber) = map { PostgreSQL::Test::Cluster->new($_) } qw(publisher subscriber);
for my $node ($publisher, $subscriber)
{
	$node->init(allows_streaming => 'logical');
	$node->start;
	$node->safe_psql('postgres', q{CREATE EXTENSION pg_hashstash; SELECT stash.create('one'), stash.create('history', keep_versions => 2)});
}
# in partitions on one side, whole on the other
$publisher->safe_psql('postgres', q{SELECT stash.create('spread', partitions => 3), stash.create('whole')});
$subscriber->safe_psql('postgres', q{SELECT stash.create('spread'), stash.create('whole', partitions => 4)});

sub there { my ($sql) = @_; $publisher->wait_for_catchup('follow'); return $subscriber->safe_psql('postgres', $sql) =~ s/\n/ /gr; }
sub here { my ($sql) = @_; return $publisher->safe_psql('postgres', $sql) =~ s/\n/ /gr; }

# before the subscription
here(q{SELECT stash.put('one', 'early', ARRAY[1, NULL]), stash.put('spread', 'early', 1)});
here(q{CREATE PUBLICATION stashes FOR TABLE one, history, spread, whole WITH (publish_via_partition_root = true)});
$subscriber->safe_psql('postgres', sprintf "CREATE SUBSCRIPTION follow CONNECTION '%s dbname=postgres' PUBLICATION stashes", $publisher->connstr);
$subscriber->wait_for_subscription_sync($publisher, 'follow');
is(there(q{SELECT stash.get('one', 'early'), stash.get('spread', 'early')}), 'int4[]:{1,NULL}|int4:1', 'what was there before');

for my $s (qw(one spread whole))
{
	here("SELECT stash.put('$s', 'k', 'first')");
	is(there("SELECT stash.get('$s', 'k'), stash.has('$s', 'k'), (SELECT version FROM $s WHERE key::text = 'k')"), 'text:first|t|1', "$s: put");
	here("SELECT stash.put('$s', 'k', 'second', ttl => '1 day', cost => '1 s'); SELECT stash.put('$s', 'l', NULL::int)");
	is(there("SELECT stash.get('$s', 'k'), stash.has('$s', 'l'), (SELECT (version, cost, expires_at > now()) FROM $s WHERE key::text = 'k')"), 'text:second|t|(2,00:00:01,t)', "$s: put again");
	here("SELECT stash.put_many('$s', array_agg(i), array_agg(i * i)) FROM generate_series(1, 500) i");
	is(there("SELECT count(*) FROM stash.get_many('$s', ARRAY(SELECT generate_series(1, 501))) WHERE value::int = ord * ord"), '500', "$s: put_many of new ones");
	here("SELECT stash.put_many('$s', array_agg(i), array_agg(-i)) FROM generate_series(401, 700) i");
	is(there("SELECT count(*) FROM stash.get_many('$s', ARRAY(SELECT generate_series(401, 700))) WHERE value::int = -400 - ord"), '300', "$s: put_many of old and new");
	is(there("SELECT version, count(*) FROM $s GROUP BY 1 ORDER BY 1"), here("SELECT version, count(*) FROM $s GROUP BY 1 ORDER BY 1"), "$s: versions");
	here("SELECT stash.remove('$s', 'k'), stash.pop('$s', 7)");
	is(there("SELECT stash.has('$s', 'k'), stash.has('$s', 7), stash.count('$s')"), here("SELECT false, false, stash.count('$s')"), "$s: remove, pop");
	here("BEGIN; SELECT stash.put_many('$s', array_agg(i), array_agg(0)) FROM generate_series(1, 900) i; ROLLBACK; SELECT stash.put('$s', 'last', 1)");
	is(there("SELECT stash.get('$s', 'last'), stash.count('$s'), stash.get('$s', 500)"), here("SELECT stash.get('$s', 'last'), stash.count('$s'), stash.get('$s', 500)"), "$s: rolled back");
	here("SELECT stash.clear('$s')");
	is(there("SELECT stash.count('$s')"), '0', "$s: clear");
}

here(q{SELECT stash.put('history', 'k', i) FROM generate_series(1, 3) i; SELECT stash.put_many('history', ARRAY['k', 'l'], ARRAY[4, 1])});
is(there(q{SELECT version, value FROM stash.versions('history', 'k')}), '4|int4:4 3|int4:3', 'versions come and go');
is(there(q{SELECT stash.get('history', 'k'), stash.get('history', 'l')}), 'int4:4|int4:1', 'the newest is found');

# a session that has found an entry finds what becomes of it
my $session = $subscriber->background_psql('postgres');
here(q{SELECT stash.put('one', 'watched', 1)});
there('SELECT');
is($session->query(q{SELECT stash.get('one', 'watched')}), 'int4:1', 'a session reads');
here(q{SELECT stash.put('one', 'watched', 2)});
there('SELECT');
is($session->query(q{SELECT stash.get('one', 'watched')}), 'int4:2', 'and reads what is newer');
here(q{SELECT stash.remove('one', 'watched')});
there('SELECT');
is($session->query(q{SELECT stash.has('one', 'watched')}), 'f', 'and sees it go');
$session->quit;

done_testing();
