# 002_standby.pl: on a hot standby remembered calls are found, if proved, others computed, and nothing fails

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', 'max_prepared_transactions = 5');
$primary->start;
$primary->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_hashstash;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION square(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed square(%)', n;
	RETURN n * n;
END
$$;
CREATE FUNCTION upto(n int) RETURNS TABLE (i int, feels mood) STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed upto(%)', n;
	RETURN QUERY SELECT g, 'glad'::mood FROM generate_series(1, n) AS g;
END
$$;
CREATE FUNCTION fleeting(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed fleeting(%)', n;
	RETURN -n;
END
$$;
CREATE TABLE sale (shop int, amount int);
INSERT INTO sale VALUES (1, 10), (2, 20);
SELECT stash.track('sale');
CREATE FUNCTION total(s int) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'computed total(%)', s;
	RETURN (SELECT sum(amount) FROM sale WHERE shop = s);
END
$$;
SELECT stash.memoize('square(int)'), stash.memoize('upto(int)', ttl => '1 day'), stash.memoize('fleeting(int)'), stash.memoize('total(int)');
ALTER TABLE fleeting_stash SET UNLOGGED;
SELECT stash.create('logged'), stash.create('unlogged', persistence => 'unlogged');
SELECT stash.put('logged', 'k', 'v'), stash.put('unlogged', 'k', 'v');
SELECT stash.create('history', keep_versions => 0), stash.create('parts', partitions => 3), stash.create('parts_unlogged', 'unlogged', partitions => 2);
SELECT stash.put('history', 'k', 'one'), stash.put('history', 'k', 'two'), stash.put_many('parts', ARRAY['k', 'l', 'm'], ARRAY[1, 2, 3]), stash.put('parts_unlogged', 'k', 1);
CREATE TABLE flag (what text);
SQL
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# What a call returns, and how many functions were computed for it.
sub call
{
	my ($node, $sql) = @_;
	my ($stdout, $stderr);

	$node->psql('postgres', $sql, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	return join ' ', $stdout =~ s/\n/ /gr, scalar(() = $stderr =~ /computed/g), $stderr =~ /(?:ERROR|FATAL|PANIC|WARNING): +(.*)/ ? $1 : ();
}

sub catch_up { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')); return; }

call($primary, 'SELECT square(1); SELECT * FROM upto(2); SELECT fleeting(1); SELECT total(1)');
catch_up();

# trap 54: hot standby
is(call($standby, 'SELECT square(1)'), '1 0', 'a remembered value is found');
is(call($standby, 'SELECT * FROM upto(2)'), '1|glad 2|glad 0', 'a remembered set is found');
is(call($standby, 'SELECT square(2); SELECT square(2)'), '4 4 1', 'another value is computed, and kept by the session');
is(call($standby, 'SELECT * FROM upto(1); SELECT * FROM upto(1)'), '1|glad 1|glad 1', 'another set as well');
is(call($standby, 'SELECT square(2)'), '4 0', 'and for all sessions of the standby');
is(call($standby, 'SET pg_hashstash.shared_cache = off; SELECT square(2)'), '4 1', 'but it is not stored');
is(call($standby, 'SELECT fleeting(1); SELECT fleeting(1)'), '-1 -1 1', 'a stash that is not logged is no reason to fail');
is( call($standby, "SET pg_hashstash.shared_cache = off; SELECT value FROM stash.explain('square(int)', 1) WHERE item IN ('verdict', 'found in')"),
	'hit stash 0', 'explain: found');
is( call($standby, "SET pg_hashstash.shared_cache = off; SELECT value FROM stash.explain('square(int)', 2) WHERE item IN ('verdict', 'stash not written')"),
	'miss the server is in recovery 0', 'explain: not written');
is( call($standby, "SET pg_hashstash.shared_cache = off; SELECT value FROM stash.explain('fleeting(int)', 1) WHERE item IN ('verdict', 'stash not read')"),
	'miss the server is in recovery 0', 'explain: not read');
is(call($standby, 'SET pg_hashstash.memo = refresh; SELECT square(1)'), '1 1', 'refresh computes');
is(call($standby, "SELECT count(*) FROM stash.calls('square(int)')"), '1 0', 'calls are listed');

is(call($standby, "SELECT stash.get('logged', 'k'), stash.has('logged', 'k'), stash.count('logged')"), 'text:v|t|1 0', 'a stash is read');
is( call($standby, "SELECT stash.get('unlogged', 'k')"),
	' 0 cannot access temporary or unlogged relations during recovery', 'one that is not logged is not');
is(call($standby, "SELECT * FROM stash.get_many('logged', ARRAY['k', 'l'])"), '1|text:k|text:v 2|text:l| 0', 'many keys');
is(call($standby, "SELECT stash.get('history', 'k'), stash.get('history', 'k', NULL::text, 1), stash.count('history'), stash.get_or_put('history', 'k', 'x')"), 'text:two|one|1|text:two 0', 'versions');
is(call($standby, "SELECT version, value FROM stash.versions('history', 'k')"), '2|text:two 1|text:one 0', 'all of them');
is(call($standby, "SELECT stash.get('parts', 'l'), stash.has('parts', 'n'), stash.count('parts')"), 'int4:2|f|3 0', 'partitions');
is(call($standby, "SELECT value FROM stash.get_many('parts', ARRAY['m', 'k'])"), 'int4:3 int4:1 0', 'many keys of them');
is(call($standby, "SELECT key FROM stash.keys('parts') k(key) ORDER BY key::text; SELECT count(*) FROM stash.values('parts'); SELECT count(*) FROM stash.entries('parts')"), 'text:k text:l text:m 3 3 0', 'keys, values, entries');
is( call($standby, "SELECT stash.get('parts_unlogged', 'k')"),
	' 0 cannot access temporary or unlogged relations during recovery', 'partitions that are not logged');
# what writes, whichever way it would take, says why it cannot
for my $sql ("put('logged', 'k', 'w')", "put('history', 'k', 'w')", "put('parts', 'k', 'w')", "get_or_put('logged', 'l', 'w')",
	"put_many('logged', ARRAY(SELECT generate_series(1, 100)), ARRAY(SELECT generate_series(1, 100)))", "put_many('history', ARRAY[1], ARRAY[1])",
	"put_many('parts', ARRAY[1], ARRAY[1])", "merge('logged', 'parts')", "remove('logged', 'k')", "pop('parts', 'k')", "clear('parts')")
{
	my ($stdout, $stderr);

	$standby->psql('postgres', "SELECT stash.$sql", stdout => \$stdout, stderr => \$stderr, extra_params => [ '--set', 'VERBOSITY=verbose' ]);
	like($stderr, qr/ERROR:  25006: cannot execute (INSERT|DELETE|LOCK TABLE) in a read-only transaction/, "not $sql");
}
is( call($standby, "SELECT stash.forget('square(int)')"),
	' 0 cannot execute DELETE in a read-only transaction', 'nothing is forgotten');
is( call($standby, "SELECT stash.memoize('square_uncached(int)')"),
	' 0 cannot execute CREATE TABLE in a read-only transaction', 'nothing is memoized');

# fills, definitions and what is forgotten come with the WAL, also to a session that has them in memory
my ($stdin, $stdout, $stderr) = ('', '', '');
my $session = IPC::Run::start(
	[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $standby->connstr('postgres') ],
	'<', \$stdin, '>', \$stdout, '2>', \$stderr, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));

sub ask
{
	my ($sql) = @_;
	my $computed = () = $stderr =~ /computed/g;

	$stdout = '';
	$stdin .= "$sql;\n\\echo done\n";
	$session->pump until $stdout =~ /done\n/;
	# notices come on another pipe, but before what is echoed
	return ($stdout =~ s/\n?done\n//r) . ' ' . ((() = $stderr =~ /computed/g) - $computed);
}

is(ask('SELECT square(1)'), '1 0', 'a session finds what is remembered');
is(ask('SELECT square(3)'), '9 1', 'and computes what is not');
call($primary, 'SELECT square(4)');
catch_up();
is(ask('SELECT square(4)'), '16 0', 'what is filled later is found');
is(call($primary, "SELECT stash.forget('square(int)')"), '2 0', 'all is forgotten on the primary');
catch_up();
is(ask('SELECT square(1)'), '1 1', 'and by the session');
call($primary, 'CREATE OR REPLACE FUNCTION square_uncached(n int) RETURNS int IMMUTABLE LANGUAGE sql AS $$SELECT 1000$$');
catch_up();
is(ask('SELECT square(1)'), '1000 0', 'a new definition is noticed');

# answers from tracked tables are proved from what has been replayed
is(ask('SELECT total(1)'), '10 0', 'an answer from a tracked table is found');
is(ask('SELECT total(2), total(2)'), '20|20 1', 'another one is computed, and kept by the session');
call($primary, 'INSERT INTO sale VALUES (1, 5)');
catch_up();
is(ask('SELECT total(1), total(1)'), '15|15 1', 'after a change it is computed');
is(ask('SELECT total(2)'), '20 1', 'so is whatever was read from that table');
is(call($standby, 'SET pg_hashstash.shared_cache = off; SELECT total(1)'), '15 1', 'by a session that knows of neither, too');
call($primary, 'SELECT total(1)');
catch_up();
is(call($standby, 'SET pg_hashstash.shared_cache = off; SELECT total(1)'), '15 0', 'until it has come from the primary again');
$stdin .= "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT total(1);\n";
is(ask('SELECT 1'), "15\n1 0", 'a snapshot sees');
call($primary, 'UPDATE sale SET amount = 100 WHERE shop = 1 AND amount = 10; SELECT total(1)');
catch_up();
is(ask('SELECT total(1)'), '15 0', 'what it saw, whatever is filled meanwhile');
$stdin .= "COMMIT;\n";
is(ask('SELECT total(1)'), '105 0', 'and the next one what was filled');
call($primary, "BEGIN; UPDATE sale SET amount = 1 WHERE shop = 2; PREPARE TRANSACTION 'half'");
catch_up();
$stdin .= "\\q\n";
$session->finish;

# the standby becomes a server of its own
$primary->stop;
$standby->promote;
is(call($standby, 'SELECT square(5); SELECT square(5)'), '1000 1000 0', 'after promotion calls are right');
is(call($standby, 'SELECT * FROM upto(2)'), '1|glad 2|glad 0', 'what was remembered still is');
is(call($standby, 'SELECT * FROM upto(3)'), '1|glad 2|glad 3|glad 1', 'what was not is computed');
is(call($standby, 'SELECT * FROM upto(3)'), '1|glad 2|glad 3|glad 0', 'and stored');
is(call($standby, 'SET pg_hashstash.shared_cache = off; SELECT fleeting(1)'), '-1 1', 'a stash that is not logged is empty');
is(call($standby, 'SELECT fleeting(1)'), '-1 0', 'and is filled');
is(call($standby, "SELECT stash.get('unlogged', 'k'); SELECT stash.put('unlogged', 'k', 'w')"), ' 1 0', 'so is any other');
is(call($standby, "SELECT stash.put('logged', 'k', 'w')"), '2 0', 'stashes are written');
is(call($standby, 'SET pg_hashstash.shared_cache = off; SELECT total(1)'), '105 0', 'what was proved before promotion is after it');
is(call($standby, 'SET pg_hashstash.shared_cache = off; SELECT total(2); SELECT total(2)'), '20 20 1', 'what was not is computed, and stored');
call($standby, "COMMIT PREPARED 'half'");
is(call($standby, 'SET pg_hashstash.shared_cache = off; SELECT total(2)'), '1 1', 'a transaction that was prepared before counts from its commit on');
call($standby, 'INSERT INTO sale VALUES (1, 1)');
is(call($standby, 'SELECT total(1); SELECT total(1)'), '106 106 1', 'and changes are noted');
$standby->stop;
done_testing();
