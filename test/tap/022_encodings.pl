# Hashes and frames are the same in databases of any encoding, and can be read there if it has the characters.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('encodings');
# bytes of UTF-8: the tests send them to psql as they are
my $utf8 = "SET client_encoding = 'UTF8';\n";
my @values = (
	q('Grüße'::text), q('Grüße'::varchar), q('ü'::char(3)), q('ß'::name),
	q('{"ä": ["ö", 1]}'::jsonb), q('{"ä": {"ö": [-12.50, "\\u0001\"\\\\"]}, "aaa": []}'::jsonb), q('{"\"ß\"",NULL,[]}'::jsonb[]),
	q(stash.to_variant('{"ä": [1]}'::jsonb)), q(stash.to_variant(ROW(1, '{"[\"ß\"]"}'::jsonb[]))),
	q('{"ä": "ö"}'::json), q('<ä>ö</ä>'::xml), q('{ä,ö,NULL}'::text[]), q('größer'::"vergrößert"), q('{größer}'::"vergrößert"[]),
	q(ROW('ä', 1)::"Maß"), q(ARRAY[ROW('ä', 1), NULL]::"Maß"[]), q((SELECT x FROM (SELECT 'ä'::text AS "schön") x)),
	q('[ä,ö]'::wortbereich), q('ä:1 ö:2'::tsvector), q('ä & ö'::tsquery), q('$."ä"'::jsonpath), q('"vergrößert"'::regtype), q('ä'::"kürzel"));
my $types = $utf8 . <<'SQL';
CREATE EXTENSION pg_hashstash;
CREATE TYPE "vergrößert" AS ENUM ('größer', 'kleiner');
CREATE TYPE "Maß" AS ("Länge" text, n int);
CREATE TYPE wortbereich AS RANGE (subtype = text, collation = "C");
CREATE DOMAIN "kürzel" AS text CHECK (length(value) < 9);
SQL

$node->init;
$node->start;
my %found;
for my $encoding ('UTF8', 'LATIN1', 'LATIN9', 'WIN1252')
{
	my $database = lc $encoding;

	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql($database, $types);
	$found{$encoding} = [ split /\n/, $node->safe_psql($database, $utf8 . join "\n", map { "SELECT stash.hash($_), stash.serialize($_, 'none');" } @values) ];
	for my $i (0 .. $#values)
	{
		my ($hash, $frame) = split /\|/, $found{UTF8}[$i];
		my ($own_hash, $own_frame) = split /\|/, $found{$encoding}[$i];

		is($own_hash, $hash, "$encoding: hash of $values[$i]");
		# the tree of a jsonb has text in the encoding of the server
		is($own_frame eq $frame, $encoding eq 'UTF8' || $values[$i] !~ /jsonb/, "$encoding: is the frame of $values[$i] that of UTF8");
		# from a session that speaks yet another language
		is( $node->safe_psql($database, "SET client_encoding = 'SQL_ASCII'; SELECT stash.frame_info('$frame') IS NOT NULL; $utf8 " .
			  "SELECT stash.serialize(stash.deserialize('$frame', (SELECT $values[$i] WHERE false)), 'none') = '$own_frame'"),
			"t\nt", "$encoding: the frame is read there");
		is( $node->safe_psql('utf8', "${utf8}SELECT stash.serialize(stash.deserialize('$own_frame', (SELECT $values[$i] WHERE false)), 'none') = '$frame'"),
			't', 'and the one from there by UTF8');
	}
}
# numbers do not care, in any other encoding either
$node->safe_psql('postgres', "CREATE DATABASE eucjp ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
$node->safe_psql('eucjp', 'CREATE EXTENSION pg_hashstash');
is($node->safe_psql('eucjp', "${utf8}SELECT stash.hash('世界'), stash.hash('{世界}'::text[]), stash.hash(12.50)"),
	$node->safe_psql('utf8', "${utf8}SELECT stash.hash('世界'), stash.hash('{世界}'::text[]), stash.hash(12.50)"), 'EUC_JP');

# characters that the database does not have
my (undef, undef, $error) = $node->psql('latin1', "\\set VERBOSITY verbose\nSELECT stash.deserialize('" .
	  $node->safe_psql('utf8', "${utf8}SELECT stash.serialize('世界')") . "', ''::text)");
like($error, qr/22P05/, 'a character that LATIN1 lacks is an error');
(undef, undef, $error) = $node->psql('latin1', "\\set VERBOSITY verbose\nSELECT stash.deserialize('" .
	  $node->safe_psql('utf8', "${utf8}SELECT stash.serialize('{\"a\": \"世界\"}'::jsonb)") . "', '1'::jsonb)");
like($error, qr/22P05/, 'within jsonb too');

# bytes of which nobody knows what they mean
$node->safe_psql('postgres', "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
$node->safe_psql('ascii', 'CREATE EXTENSION pg_hashstash');
is($node->safe_psql('ascii', q(SELECT stash.hash('Grüße'::text), stash.hash('{"ä": 1}'::jsonb))),
	$node->safe_psql('utf8', qq(${utf8}SELECT stash.hash('Grüße'::text), stash.hash('{"ä": 1}'::jsonb))), 'SQL_ASCII: bytes that are UTF-8');
(undef, undef, $error) = $node->psql('ascii', "\\set VERBOSITY verbose\nSELECT stash.hash(E'\\xff'::text)");
like($error, qr/22021/, 'SQL_ASCII: bytes that are not');
$node->stop;
done_testing();
