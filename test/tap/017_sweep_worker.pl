# Preloaded, the library sweeps all stashes of all databases now and then: with the rights of each owner and no more,
# waiting for nobody, stopped by no error, in no database's way.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('sweep_worker');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\npg_hashstash.sweep_interval = 1\nlog_min_messages = warning");
$node->start;

my $launchers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_hashstash sweep launcher'};
my $expired = q{INSERT INTO %s (key_hash, key, value, created_at, expires_at)
	SELECT stash.hash(k), stash.to_variant(k), stash.to_variant(k), clock_timestamp(), e
	FROM generate_series(1, 9) AS k, unnest('{2000-01-01, NULL}'::timestamptz[]) WITH ORDINALITY AS t (e, n)
	WHERE k % 2 = n % 2};

sub expired { return sprintf $expired, @_ }

sub is_swept
{
	my ($database, $stash, $name) = @_;
	ok($node->poll_query_until($database, "SELECT count(*) = 4 FROM $stash"), $name);
}

is($node->safe_psql('postgres', "LOAD 'pg_hashstash'; $launchers"), '0', 'not preloaded: nothing runs');
$node->append_conf('postgresql.conf', 'shared_preload_libraries = pg_hashstash');
$node->restart;
is($node->safe_psql('postgres', $launchers), '1', 'preloaded: a launcher');

# two databases, and one without the extension
$node->safe_psql('postgres', $_) for 'CREATE DATABASE second', 'CREATE DATABASE bare', 'CREATE EXTENSION pg_hashstash',
	q{SELECT stash.create('s')}, expired('s');
$node->safe_psql('second', $_) for 'CREATE EXTENSION pg_hashstash', q{SELECT stash.create('"An odd name"', 'unlogged')}, expired('"An odd name"'),
	q{ALTER DATABASE second SET default_transaction_isolation = serializable}, q{ALTER DATABASE second SET default_transaction_read_only = on};
is_swept('postgres', 's', 'what has expired vanishes');
is_swept('second', '"An odd name"', 'in each database, whatever its settings');

# limits, of a small stash and of one with many windows
$node->safe_psql('postgres', q{SELECT stash.create('small'), stash.create('large');
	SELECT count(stash.put('small', k, k)) FROM generate_series(1, 100) AS k;
	SELECT count(stash.put('large', k, k)) FROM generate_series(1, 30000) AS k;
	SELECT stash.configure('small', max_entries => 10), stash.configure('large', max_entries => 5000)});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 10 AND min(stash.value(key, NULL::int)) = 91 FROM small}), 'limits of a small one');
ok($node->poll_query_until('postgres', q{SELECT count(*) BETWEEN 4500 AND 5500 FROM large}), 'limits of a large one')
	or diag($node->safe_psql('postgres', 'SELECT count(*) FROM large'));
$node->safe_psql('postgres', q{CREATE TABLE parts OF stash.entry (PRIMARY KEY (key_hash)) PARTITION BY HASH (key_hash);
	CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);} . expired('parts'));
is_swept('postgres', 'parts', 'partitions');

# triggers of a table report what they can do; deferred ones the server does not run for somebody else
$node->safe_psql('postgres', q{
	CREATE ROLE owner;
	CREATE SCHEMA owned AUTHORIZATION owner;
	SET ROLE owner;
	SELECT stash.create('owned.aaa');
	CREATE TABLE owned.report (what text, who name, session name, path text, error text);
	CREATE FUNCTION owned.attack() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
		attack text;
	BEGIN
		FOREACH attack IN ARRAY '{RESET ROLE, SET SESSION AUTHORIZATION DEFAULT, CREATE ROLE attacker SUPERUSER, CREATE TEMP TABLE pg_temp.x ()}'::text[] LOOP
			BEGIN
				EXECUTE attack;
				INSERT INTO owned.report VALUES (TG_NAME || ': ' || attack, current_user, session_user, current_setting('search_path'));
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO owned.report VALUES (TG_NAME || ': ' || attack, current_user, session_user, current_setting('search_path'), SQLERRM);
			END;
		END LOOP;
		PERFORM set_config('default_transaction_read_only', 'on', false), set_config('search_path', 'owned', false), set_config('lock_timeout', '1ms', false);
		RETURN OLD;
	END
	$$;
	CREATE TRIGGER now BEFORE DELETE ON owned.aaa FOR EACH ROW EXECUTE FUNCTION owned.attack();
	CREATE TRIGGER later AFTER DELETE ON owned.aaa FOR EACH ROW EXECUTE FUNCTION owned.attack();
	SELECT stash.create('owned.aab');
	CREATE CONSTRAINT TRIGGER last AFTER DELETE ON owned.aab DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION owned.attack();
	SELECT stash.create('owned.bbb');
	CREATE FUNCTION owned.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
	CREATE TRIGGER refuse BEFORE DELETE ON owned.bbb FOR EACH ROW EXECUTE FUNCTION owned.refuse();
	SELECT stash.create('owned.ccc');} . expired('owned.aaa') . ';' . expired('owned.aab') . ';' . expired('owned.bbb') . ';' . expired('owned.ccc'));
is_swept('postgres', 'owned.aaa', 'with triggers');
is_swept('postgres', 'owned.ccc', 'after one that fails, and one that changes settings');
is($node->safe_psql('postgres', q{SELECT DISTINCT who FROM owned.report}), 'owner', 'triggers run as the owner of the table');
is($node->safe_psql('postgres', q{SELECT what FROM owned.report WHERE error IS NULL}),
	'', 'and can do no more than he');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT what) FROM owned.report}), '8', 'they tried all of it');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname = 'attacker'}), '0', 'no role was made');
my $oid = $node->safe_psql('postgres', q{SELECT 'owned.bbb'::regclass::oid});
like(slurp_file($node->logfile), qr/ERROR:  cannot fire deferred trigger within security-restricted operation/, 'nor later');
like(slurp_file($node->logfile), qr/ERROR:  not this one\n(?:.*\n)*?.*sweep of the stash with OID $oid\n/, 'the log names the one that fails');

# a table that somebody has locked is left alone, and does not hold up the others
$node->safe_psql('postgres', expired('s') . ' ON CONFLICT (key_hash) DO UPDATE SET expires_at = excluded.expires_at');
is_swept('postgres', 's', 'again');
$node->safe_psql('postgres', q{TRUNCATE s, owned.ccc;} . expired('owned.ccc') . ';' . expired('s') . q{;
	BEGIN; LOCK TABLE s IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'lock'});
is_swept('postgres', 'owned.ccc', 'another one is locked');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'lock'});
is_swept('postgres', 's', 'no longer locked');

# in nobody's way
for (1 .. 5)
{
	$node->safe_psql('postgres', 'CREATE DATABASE third TEMPLATE second');
	$node->safe_psql('postgres', 'DROP DATABASE third');
}
pass('databases are copied and dropped');

# switched off, and on again, without a restart
$node->append_conf('postgresql.conf', 'pg_hashstash.sweep_interval = 0');
$node->reload;
$node->safe_psql('postgres', 'SELECT pg_sleep(1.5)');
$node->safe_psql('postgres', 'TRUNCATE s');
$node->safe_psql('postgres', expired('s'));
$node->safe_psql('postgres', 'SELECT pg_sleep(2.5)');
is($node->safe_psql('postgres', 'SELECT count(*) FROM s'), '9', 'off');
$node->append_conf('postgresql.conf', 'pg_hashstash.sweep_interval = 1');
$node->reload;
is_swept('postgres', 's', 'and on');

# an end is an end
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_hashstash sweep launcher'});
ok($node->poll_query_until('postgres', $launchers, '0'), 'the launcher may be terminated');
$node->restart;
is($node->safe_psql('postgres', $launchers), '1', 'and comes with the next start');
$node->stop('fast');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP/, 'all without a crash');
done_testing();
