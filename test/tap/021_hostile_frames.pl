# Damaged frames are refused, and frames that an enemy made, with checksums that hold, give clean errors or a value that
# writes the same frame again.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# more for a longer hunt
my $rounds = $ENV{STASH_HOSTILE_ROUNDS} || 4;
my $each = 6000;
my $copied = 500;
my $golden = "$FindBin::RealBin/../golden";

plan skip_all => 'no python3 or zstd here' if system('python3 --version >/dev/null 2>&1 && zstd --version >/dev/null 2>&1') != 0;

my $node = PostgreSQL::Test::Cluster->new('hostile');
my $hex = PostgreSQL::Test::Utils::tempdir() . '/frames.hex';
my $jsonb_hex = PostgreSQL::Test::Utils::tempdir() . '/jsonb.hex';

$node->init;
# what a type's own input prints is no news
$node->append_conf('postgresql.conf', "log_min_messages = fatal\nlog_min_error_statement = panic");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_hashstash');
$node->safe_psql('postgres', slurp_file("$golden/types.sql"));
$node->safe_psql('postgres', "SET client_min_messages = warning;\n" . slurp_file("$FindBin::RealBin/../lib/types.sql"));
my @frames = map { (split /\t/)[ 3, 4 ] } grep { !/^#/ } split /\n/, slurp_file("$golden/frames.tsv");
append_to_file($hex, join("\n", @frames) . "\n");
# descriptor, length, and the byte that says that a tree follows
append_to_file($jsonb_hex, join("\n", grep { /^.{24}0301da0e(?:[0-7]|[89a-f].[0-7]).02/ } @frames) . "\n");
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE good (frame bytea);
-- how often frames of a type were taken and refused
CREATE TABLE met (type text, taken bigint, refused bigint);
CREATE TABLE landed (v stash.variant);

-- the type that a frame says it has; nothing else may be thrown
CREATE FUNCTION info(f bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (stash.frame_info(f)).type;
-- no frame, or one that claims to hold what nothing can hold, such as anyarray
EXCEPTION WHEN SQLSTATE '22P03' OR SQLSTATE '0A000' THEN
	RETURN NULL;
END $$;

CREATE FUNCTION decoded(f bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF stash.decode(stash.encode(stash.decode(f))) <> stash.decode(f) THEN
		RETURN 'other value';
	END IF;
	RETURN 'same';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

-- the variant that bytes become, in hexadecimal and in a file; or what they throw
CREATE FUNCTION typing(f bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN ('\x' || encode(f, 'hex'))::stash.variant::bytea;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

CREATE FUNCTION landing(file text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM landed;
	EXECUTE format('COPY landed FROM %L (FORMAT binary)', file);
	RETURN (SELECT v::bytea FROM landed);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

-- 'same', or 'respelled' for a value that the server's own input took in another spelling, or an SQLSTATE
CREATE FUNCTION outcome(f bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v stash.variant;
	again stash.variant;
BEGIN
	v := ('\x' || encode(f, 'hex'))::stash.variant;
	again := ('\x' || encode(v::bytea, 'hex'))::stash.variant;
	IF again::bytea <> v::bytea THEN
		RETURN 'unstable';
	END IF;
	again := stash.variant_out(v)::text::stash.variant;
	IF NOT stash.identical(v, again) THEN
		RETURN 'other text';
	END IF;
	IF NOT stash.variant_eq(v, again) OR stash.variant_hash(v) <> stash.variant_hash(again) THEN
		RETURN 'unequal';
	END IF;
	IF stash.typeof(v) IS NULL THEN
		RETURN 'unknown type';
	END IF;
	-- after offset 12, for a NULL may claim a codec; a frame that was compressed may be so in another way
	IF get_byte(f, 3) IN (0, 128) AND substr(v::bytea, 13) <> substr(f, 13) THEN
		RETURN 'respelled ' || stash.typeof(v);
	END IF;
	RETURN 'same';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

CREATE FUNCTION outcome(f bytea, wanted anyelement) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v wanted%TYPE;
BEGIN
	v := stash.deserialize(f, wanted);
	IF v IS NOT NULL AND stash.deserialize(stash.serialize(v), wanted)::text <> v::text THEN
		RETURN 'other value';
	END IF;
	RETURN 'same';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SQL
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION jsonb_outcome(f bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v jsonb;
BEGIN
	v := stash.deserialize(f, v);
	RETURN CASE WHEN v IS NULL OR stash.serialize(v) = stash.serialize(v::text::jsonb) THEN 'same' ELSE 'other value' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SQL
$node->safe_psql('postgres', "CREATE TABLE text_frames (t text); COPY text_frames FROM '$hex'; INSERT INTO good SELECT decode(t, 'hex') FROM text_frames");
# not every build has zstd, the second codec
$node->psql('postgres', q(SELECT stash.serialize('', 'zstd'))) == 0
	or $node->safe_psql('postgres', 'DELETE FROM good WHERE get_byte(frame, 3) & 15 = 2');
add_every_type();

check_good();
check_damage();
check_enemy($_) for 1 .. $rounds;
check_breadth();
check_enemy_jsonb($_) for 1 .. $rounds;
$node->stop;
done_testing();

# To the golden frames, for the mutator, those of values of every type there is, alone and in an array.
sub add_every_type
{
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE every (frame bytea);
DO $$
DECLARE
	a_type regtype;
	literal text;
	codec text;
BEGIN
	SET LOCAL client_min_messages = warning;
	FOR a_type, literal IN SELECT type, unnest(literals) FROM sample LOOP
		FOREACH codec IN ARRAY '{none,lz4}'::text[] LOOP
			EXECUTE format('INSERT INTO every VALUES (stash.serialize(%L::%s, %L))', literal, a_type, codec);
			-- to SQL an array of arrays is an array of two dimensions
			CONTINUE WHEN format_type((SELECT typbasetype FROM pg_type WHERE oid = a_type), NULL) ~ '\[\]$';
			EXECUTE format('INSERT INTO every VALUES (stash.serialize(ARRAY[%1$L::%2$s, NULL, %1$L], %3$L))', literal, a_type, codec);
		END LOOP;
	END LOOP;
END $$;
INSERT INTO every SELECT * FROM good
SQL
	append_to_file($hex, $node->safe_psql('postgres', "SELECT DISTINCT encode(frame, 'hex') FROM every ORDER BY 1") . "\n");
	return;
}

sub check_good
{
	is($node->safe_psql('postgres', 'SELECT DISTINCT outcome(frame) FROM good ORDER BY 1'), "respelled jsonb\nsame", 'all golden frames are good, and older spellings');
	return;
}

# The checksum finds every flipped bit and every cut.
# trap 56: damaged and hostile frames
sub check_damage
{
	is($node->safe_psql('postgres', <<'SQL'), "22P03|t\nXX001|t", 'every flipped bit is found');
SELECT outcome(set_bit(frame, bit, 1 - get_bit(frame, bit))), count(*) > 1000
FROM good, generate_series(0, length(frame) * 8 - 1) bit
WHERE length(frame) < 120
GROUP BY 1 ORDER BY 1
SQL
	is($node->safe_psql('postgres', <<'SQL'), "22P03|t\nXX001|t", 'every cut is found');
SELECT outcome(substr(frame, 1, n)), count(*) > 1000
FROM good, generate_series(0, length(frame) - 1) n
GROUP BY 1 ORDER BY 1
SQL
	is($node->safe_psql('postgres', "SELECT DISTINCT outcome(frame || '\\x00') FROM good"), 'XX001', 'every longer frame is found');
	return;
}

sub check_enemy
{
	my ($round) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/enemy.hex';
	my $seed = ($ENV{STASH_HOSTILE_SEED} || 0) + $round;

	IPC::Run::run([ 'python3', '-B', "$golden/recompute.py", 'mutate', $seed, $each ], '<', $hex, '>', $file) or die 'mutate';
	$node->safe_psql('postgres', <<"SQL");
DROP TABLE IF EXISTS enemy, result;
CREATE TABLE enemy (t text);
COPY enemy FROM '$file';
CREATE TABLE result AS
SELECT decode(t, 'hex') AS frame, outcome(decode(t, 'hex')) AS outcome,
	outcome(decode(t, 'hex'), NULL::int4[]) AS int4s, outcome(decode(t, 'hex'), NULL::text) AS text,
	outcome(decode(t, 'hex'), NULL::golden.pair[]) AS pairs,
	outcome(decode(t, 'hex'), NULL::numeric) AS numeric, outcome(decode(t, 'hex'), NULL::golden.mood) AS mood,
	outcome(decode(t, 'hex'), NULL::stash.variant[]) AS variants, decoded(decode(t, 'hex')) AS decoded, info(decode(t, 'hex')) AS type
FROM enemy
SQL

	# errors that say what is wrong; above all no XX000, "cannot happen"
	my $expected = join ',', map { "'$_'" } qw(same 22P03 XX001 0A000 42704 42804 22P02 22021 23514 22000 22007 22008 22009 22003
	  2202E 54000 42P01 3F000 42883 42601 42602 42P02 42725 42622 2200M 2200N 22023 22P04 54023), 'unknown type', 'other type';
	is($node->safe_psql('postgres', <<"SQL"), '', "round $round: each frame is refused cleanly or is the same again");
SELECT outcome, int4s, text, pairs, numeric, mood, variants, decoded, frame
FROM result
WHERE outcome NOT IN ($expected) AND outcome !~ '^respelled .*(bit|box|path|inet|cidr|jsonb|reg|vector|tsquery|record|variant)'
	OR int4s NOT IN ($expected) OR text NOT IN ($expected) OR pairs NOT IN ($expected)
	OR numeric NOT IN ($expected) OR mood NOT IN ($expected) OR variants NOT IN ($expected) OR decoded NOT IN ($expected)
LIMIT 10
SQL
	note($node->safe_psql('postgres', 'SELECT outcome, count(*), min(frame::text) FROM result GROUP BY 1 ORDER BY 2 DESC'));
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM result WHERE outcome = 'same'"), '>', $each / 50, "round $round: some are values");
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM result WHERE outcome = '22P03'"), '>', $each / 10, "round $round: many are no images");
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO met
SELECT type, count(*) FILTER (WHERE outcome ~ '^(same|respelled)'), count(*) FILTER (WHERE outcome !~ '^(same|respelled)')
FROM result
WHERE type IS NOT NULL
GROUP BY 1
SQL
	check_copy($round);
	return;
}

# A client that sends the bytes in binary gets what one gets who writes them in hexadecimal.
sub check_copy
{
	my ($round) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my @frames = split /\n/, $node->safe_psql('postgres', "SELECT encode(frame, 'hex') FROM result LIMIT $copied");

	for my $n (0 .. $#frames)
	{
		my $frame = pack 'H*', $frames[$n];
		append_to_file("$folder/$n.copy", pack('a11NNnN', "PGCOPY\n\xff\r\n\0", 0, 0, 1, length $frame) . $frame . "\xff\xff");
	}
	is($node->safe_psql('postgres', <<"SQL"), '', "round $round: COPY BINARY is as good as text");
SELECT * FROM (
	SELECT frame, landing(format('$folder/%s.copy', row_number() OVER () - 1)) AS landed, typing(frame) AS typed
	FROM (SELECT frame FROM result LIMIT $copied) f) both_ways
WHERE landed IS DISTINCT FROM typed
LIMIT 10
SQL
	return;
}

# In all rounds nearly each type was met in frames that were taken and in others that were refused; which, is chance.
sub check_breadth
{
	is($node->safe_psql('postgres', <<'SQL'), 't', 'frames of nearly each type were taken and refused');
SELECT count(*) FILTER (WHERE taken > 0 AND refused > 0) > 0.95 * count(*) AND count(*) > 150
FROM (SELECT DISTINCT info(frame) AS type FROM every) e
LEFT JOIN (SELECT type, sum(taken) AS taken, sum(refused) AS refused FROM met GROUP BY 1) m USING (type)
SQL
	note($node->safe_psql('postgres', <<'SQL'));
SELECT type, sum(taken), sum(refused) FROM met WHERE type IN (SELECT info(frame) FROM every) GROUP BY 1 ORDER BY least(sum(taken), sum(refused)), 1
SQL
	return;
}

# A tree that is taken is one that the server makes of its text.
sub check_enemy_jsonb
{
	my ($round) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/enemy_jsonb.hex';
	my $seed = ($ENV{STASH_HOSTILE_SEED} || 0) + 1000 + $round;

	IPC::Run::run([ 'python3', '-B', "$golden/recompute.py", 'mutate', $seed, $each ], '<', $jsonb_hex, '>', $file) or die 'mutate';
	$node->safe_psql('postgres', <<"SQL");
DROP TABLE IF EXISTS enemy, result;
CREATE TABLE enemy (t text);
COPY enemy FROM '$file';
CREATE TABLE result AS SELECT decode(t, 'hex') AS frame, jsonb_outcome(decode(t, 'hex')) AS outcome FROM enemy
SQL

	is($node->safe_psql('postgres', <<"SQL"), '', "round $round: each tree is refused cleanly or is the server's own");
SELECT outcome, frame FROM result WHERE outcome NOT IN ('same', '22P03', 'XX001', '0A000', '42704', '42804', '22P02', '22021', '54000') LIMIT 10
SQL
	note($node->safe_psql('postgres', 'SELECT outcome, count(*), min(frame::text) FROM result GROUP BY 1 ORDER BY 2 DESC'));
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM result WHERE outcome = 'same'"), '>', $each / 100, "round $round: some are trees");
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM result WHERE outcome = '22P03'"), '>', $each / 10, "round $round: many are no trees");
	return;
}
