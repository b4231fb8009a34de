# A dump restores stashes, variants and memoized functions into a cluster with other OIDs: values equal, functions work.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = PostgreSQL::Test::Cluster->new('old');
$old->init;
$old->start;
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->start;

# the same names get other OIDs in the new cluster
$new->safe_psql('postgres', "CREATE TABLE used_up$_ (i int); CREATE ROLE regress_used_up$_") for 1 .. 5;
$_->safe_psql('postgres', 'CREATE ROLE regress_stash_owner; CREATE ROLE regress_stash_caller') for ($old, $new);
$old->safe_psql('postgres', 'CREATE DATABASE stashes');
$old->safe_psql('stashes', q{
	CREATE EXTENSION pg_hashstash;
	GRANT CREATE ON SCHEMA public TO regress_stash_owner;
	CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s: "fine"');
	CREATE TYPE place AS (name text, "where to" point, moods mood[]);
	CREATE DOMAIN score AS int CHECK (VALUE BETWEEN 0 AND 10);
	CREATE SCHEMA "odd, schema";

	SELECT stash.create('"odd, schema"."Any Thing"', ttl => '10 years', codec => 'none');
	SELECT stash.create('things');
	SELECT stash.put('things', 'mood', 'it''s: "fine"'::mood);
	SELECT stash.put('things', 'moods', ARRAY['ok', NULL, 'sad']::mood[]);
	SELECT stash.put('things', 'place', ROW('x "y"', '(1,2)', '{ok}')::place);
	SELECT stash.put('things', 'score', 7::score);
	SELECT stash.put('things', ROW(1, 'a'::text), ARRAY[ROW('p', '(0,0)', NULL)::place]);
	SELECT stash.put('things', 'record', ROW(1, ROW(2, 'inner'::text)));
	SELECT stash.put('things', NULL::date, NULL::text);
	SELECT stash.put('things', 0.1::float8, ARRAY[0.1, '-0', 'NaN', 1e300]::float8[]);
	SELECT stash.put('things', 'big', repeat('abcdefgh', 100000));
	SELECT stash.put('things', 'times', ARRAY['2020-02-29 12:34:56.789012+05:30', 'infinity']::timestamptz[]);
	SELECT stash.put('things', 'json', '{"a": [1, {"b": "\u00e4"}]}'::jsonb);
	SELECT stash.put('things', 'class', 'things'::regclass);
	SELECT stash.put('"odd, schema"."Any Thing"', 'k', 'v');
	CREATE TABLE kept AS SELECT key, value FROM things;

	SET ROLE regress_stash_owner;
	CREATE TABLE public.base (i int);
	INSERT INTO public.base SELECT generate_series(1, 10);
	CREATE FUNCTION public.total(above int) RETURNS bigint LANGUAGE sql STABLE
		AS 'SELECT sum(i) FROM public.base WHERE i > $1';
	CREATE FUNCTION public.twice(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE
		AS 'BEGIN RAISE NOTICE ''computed''; RETURN t || t; END';
	SELECT stash.memoize('public.total(int)', ttl => '1 year');
	SELECT stash.memoize('public.twice(text)');
	REVOKE EXECUTE ON FUNCTION public.total(int) FROM PUBLIC;
	GRANT EXECUTE ON FUNCTION public.total(int) TO regress_stash_caller;
	GRANT SELECT ON public.base TO regress_stash_caller;
	SELECT public.total(5), public.twice('ab');
	RESET ROLE;
});

# what must be the same in both
my $contents = q{
	SELECT key, stash.typeof(value), left(value::text, 100), stash.hash(value::text), version FROM things ORDER BY key_hash;
	SELECT expires_at - created_at >= interval '10 years', value FROM "odd, schema"."Any Thing";
	SELECT stash.get('things', 'place', NULL::place), stash.get('things', 'mood', NULL::mood),
		stash.get('things', 'score', NULL::score) + 1, stash.get('things', 'class', NULL::regclass),
		length(stash.get('things', 'big', NULL::text)), stash.has('things', NULL::date);
	SELECT bool_and(stash.identical(things.value, kept.value)) FROM things JOIN kept ON stash.identical(things.key, kept.key);
	SELECT function, owner, stash, definition FROM stash.memos ORDER BY function::text;
	SELECT persistence, options FROM stash.stashes ORDER BY stash::text;
	SELECT proname, proacl IS NULL, provolatile, obj_description(oid) FROM pg_proc
	WHERE pronamespace = 'public'::regnamespace ORDER BY proname;
	SET ROLE regress_stash_owner;
	SELECT DISTINCT args::text, result::text FROM stash.calls('public.total(int)') WHERE args::text = '(5)';
	SELECT public.total(5), public.twice('ab'), public.twice('cd');
	SET ROLE regress_stash_caller;
	SELECT public.total(5), public.total(8);
	RESET ROLE;
};
my $before = $old->safe_psql('stashes', $contents);
like($before, qr/computed|abab/, 'the old database answers');

for my $format ('plain', 'custom')
{
	my $file = "$PostgreSQL::Test::Utils::tmp_check/dump.$format";
	my $database = "restored_$format";

	$old->command_ok([ 'pg_dump', '-F', $format, '-f', $file, 'stashes' ], "$format: dump");
	$new->safe_psql('postgres', "CREATE DATABASE $database");
	if ($format eq 'plain')
	{
		$new->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', $file ],
			"$format: restore");
	}
	else
	{
		$new->command_ok([ 'pg_restore', '--exit-on-error', '-d', $database, $file ], "$format: restore");
	}
	is($new->safe_psql($database, $contents), $before, "$format: the same contents, functions work");

	# an IMMUTABLE answer is found again although all OIDs differ
	my ($ret, $stdout, $stderr) = $new->psql($database, "SELECT public.twice('ab')");
	is($stdout, 'abab', "$format: the remembered answer");
	unlike($stderr, qr/computed/, "$format: is not computed again");

	# and the way back works too
	is($new->safe_psql($database, q{
			SET client_min_messages = error;
			SELECT stash.unmemoize('public.total(int)');
			SELECT lanname, prosrc FROM pg_proc p JOIN pg_language l ON l.oid = prolang
			WHERE proname IN ('total', 'total_uncached')}),
		"total(integer)\nsql|SELECT sum(i) FROM public.base WHERE i > \$1", "$format: unmemoize");
}

$old->stop;
$new->stop;
done_testing();
