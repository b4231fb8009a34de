# Random nested documents: flattened and rebuilt they are what they were; columns, types and NULLs are those that a
# second implementation finds, here in Perl, from how the documents were made.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $groups = 25;
my $documents = 40;
my $seed = $ENV{STASH_SEED} || 4711;
srand($seed);
note("seed $seed");

# ---- documents: nodes [kind, JSON text], ['object', {name => node}], ['array', [node]]

my @names = qw(a b c d aa bb name é etc);

sub pick { return $_[ int(rand(@_)) ] }

sub scalar_node
{
	my ($kind) = @_;
	my $n = int(rand(2000)) - 1000;

	return [ 'null', 'null' ] if $kind eq 'null';
	return [ 'bool', pick('true', 'false') ] if $kind eq 'bool';
	return [ 'int4', pick($n, 0, '2147483647', '-2147483648') ] if $kind eq 'int4';
	return [ 'int8', pick("2147483648", '-2147483649', "9223372036854775807", 5000000000 + $n) ] if $kind eq 'int8';
	return [ 'numeric', pick("$n.25", '0.10', '9223372036854775808', '-1e-7', '1e30') ] if $kind eq 'numeric';
	return [ 'date', sprintf('"20%02d-%02d-%02d"', rand(100), 1 + rand(12), 1 + rand(28)) ] if $kind eq 'date';
	return [ 'timestamp', sprintf('"2024-02-29%s%02d:%02d%s"', pick('T', ' '), rand(24), rand(60), pick('', ':07', ':07.125')) ] if $kind eq 'timestamp';
	return [ 'timestamptz', sprintf('"2024-02-29T%02d:00:00%s"', rand(24), pick('Z', '+01', '-03:30')) ] if $kind eq 'timestamptz';
	return [ 'text', pick('""', '"x y"', '"2024-02-30"', '"true"', '"12"', '"\\u00e9\\"\\\\ü"') ];
}

my @scalars = qw(null bool int4 int8 numeric date timestamp timestamptz text);

# What a name leads to in most documents of a group, so that types are not all text.
my %habit;

sub node
{
	my ($name, $depth) = @_;
	my $kind = $habit{$name} //= pick(@scalars, 'int4', 'array', 'object', 'object', 'object');

	$kind = pick(@scalars, 'array', 'object') if rand() < 0.02;
	$kind = 'null' if rand() < 0.1;
	if ($kind eq 'object')
	{
		return scalar_node('int4') if $depth > 3;
		return [ 'object', {} ] if rand() < 0.03;
		return object_node($depth + 1);
	}
	if ($kind eq 'array')
	{
		my $of = $habit{"$name\[]"} //= pick(@scalars);
		my @items = map { rand() < 0.03 ? scalar_node(pick(@scalars)) : scalar_node($of) } 1 .. int(rand(4));

		push @items, pick([ 'array', [] ], [ 'object', {} ]) if rand() < 0.02;
		return [ 'array', \@items ];
	}
	return scalar_node($kind);
}

sub object_node
{
	my ($depth) = @_;
	my %object;

	while (!%object)
	{
		for my $name (@names)
		{
			$object{$name} = node($name, $depth) if rand() < 0.4;
		}
	}
	return [ 'object', \%object ];
}

sub text_of
{
	my ($node) = @_;
	my ($kind, $content) = @$node;

	return '{' . join(', ', map { "\"$_\": " . text_of($content->{$_}) } keys %$content) . '}' if $kind eq 'object';
	return '[' . join(', ', map { text_of($_) } @$content) . ']' if $kind eq 'array';
	return $content;
}

# ---- the rules of types, once more

sub type_of_scalars
{
	my %seen = map { $_ => 1 } @_;
	my @kinds = keys %seen;

	return 'boolean' if "@kinds" eq 'bool';
	return $seen{numeric} ? 'numeric' : $seen{int8} ? 'bigint' : 'integer' if !grep { !/^(int4|int8|numeric)$/ } @kinds;
	return 'date' if "@kinds" eq 'date';
	return 'timestamp without time zone' if !grep { !/^(date|timestamp)$/ } @kinds;
	return 'timestamp with time zone' if "@kinds" eq 'timestamptz';
	return 'text';
}

# name => { first, values, objects, scalars => [], items => [], is_array, is_json, is_empty, is_object }
sub look
{
	my ($found, $node, $path) = @_;
	my ($kind, $content) = @$node;
	my $entry = $found->{$path} //= { first => scalar(keys %$found), values => 0, objects => 0, scalars => [], items => [] };

	if ($kind eq 'object' && %$content)
	{
		$entry->{is_object} = 1;
		$entry->{objects}++;
		look_into($found, $content, "$path.");
		return;
	}
	return if $kind eq 'null';
	$entry->{values}++;
	if ($kind eq 'object') { $entry->{is_empty} = 1 }
	elsif ($kind eq 'array' && grep { $_->[0] =~ /array|object/ } @$content) { $entry->{is_json} = 1 }
	elsif ($kind eq 'array') { $entry->{is_array} = 1; push @{ $entry->{items} }, grep { $_ ne 'null' } map { $_->[0] } @$content }
	else { push @{ $entry->{scalars} }, $kind }
}

# keys in jsonb's order: shorter ones first, then by bytes
sub bytes { my ($s) = @_; utf8::encode($s) if utf8::is_utf8($s); return $s }

sub look_into
{
	my ($found, $object, $before) = @_;

	look($found, $object->{$_}, "$before$_")
	  for sort { length(bytes($a)) <=> length(bytes($b)) || bytes($a) cmp bytes($b) } keys %$object;
}

sub columns_of
{
	my (@documents) = @_;
	my %found;
	my @columns;

	look_into(\%found, $_->[1], '') for @documents;
	for my $entry (values %found)
	{
		$entry->{is_clash} = $entry->{is_object} && (@{ $entry->{scalars} } || $entry->{is_array} || $entry->{is_json});
	}
	for my $name (sort { $found{$a}{first} <=> $found{$b}{first} } keys %found)
	{
		my $entry = $found{$name};
		my $shapes = (@{ $entry->{scalars} } ? 1 : 0) + grep { $_ } @$entry{qw(is_array is_json is_empty)};
		my $type = 'jsonb';
		my $above = $name;
		my $is_inside = 0;

		next if $entry->{is_object} && !$entry->{is_clash};
		while ($above =~ s/\.[^.]*\z//) { $is_inside ||= $found{$above}{is_clash} }
		next if $is_inside;
		if ($shapes == 1 && !$entry->{is_object})
		{
			$type = type_of_scalars(@{ $entry->{scalars} }) if @{ $entry->{scalars} };
			$type = type_of_scalars(@{ $entry->{items} }) . '[]' if $entry->{is_array} && @{ $entry->{items} };
		}
		push @columns, join('|', $name, $type, @documents - $entry->{values} - ($entry->{is_clash} ? $entry->{objects} : 0));
	}
	return @columns;
}

# a flat object, as the server gave it, nested again
my $json = JSON::PP->new->allow_nonref->allow_bignum->canonical;

sub rebuild
{
	my ($flat) = @_;
	my $object = $json->decode($flat);
	my %nested;

	for my $name (keys %$object)
	{
		my @keys = split /\./, $name;
		my $last = pop @keys;
		my $at = \%nested;

		$at = $at->{$_} //= {} for @keys;
		$at->{$last} = $object->{$name};
	}
	my $text = $json->encode(\%nested);
	utf8::downgrade($text);    # bytes, as they came
	return $text;
}

# ---- the comparison

my $node = PostgreSQL::Test::Cluster->new('random');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
sub ask { return $node->safe_psql('postgres', $_[0]) }

sub quote { my ($s) = @_; $s =~ s/'/''/g; return "'$s'" }

ask('CREATE EXTENSION pg_hashstash');
ask("SELECT stash.create('docs'); CREATE TABLE doc (id int, d jsonb, rebuilt jsonb)");

my %types;
my $wrong = 0;
for my $group (1 .. $groups)
{
	my (@documents, $rows, $flat, $columns);

	%habit = ();
	@documents = map { object_node(0) } 1 .. $documents;
	$rows = join(', ', map { "($_, " . quote(text_of($documents[ $_ - 1 ])) . ')' } 1 .. $documents);
	ask(qq{TRUNCATE doc; INSERT INTO doc (id, d) VALUES $rows; SELECT stash.clear('docs');
		SELECT stash.put('docs', id, d) FROM doc ORDER BY id});

	# flattened, nested again by Perl: the same documents, but for their empty containers, which are values
	$flat = ask('SELECT stash.flatten(d) FROM doc ORDER BY id');
	my $id = 0;
	$rows = join(', ', map { '(' . ++$id . ', ' . quote(rebuild($_)) . '::jsonb)' } split /\n/, $flat);
	$wrong++ unless is(ask("SELECT count(*), count(*) FILTER (WHERE d <> r) FROM doc JOIN (VALUES $rows) AS v(n, r) ON n = id"), "$documents|0", "group $group: rebuilt");
	$wrong++ unless is(ask('SELECT count(*) FROM (SELECT stash.flatten(d) FROM doc EXCEPT ALL SELECT * FROM stash.assemble_json(\'docs\')) AS s'), '0', "group $group: assemble_json");

	my @expected = columns_of(@documents);
	$columns = ask("SELECT name, type, nulls FROM stash.columns('docs')");
	$wrong++ unless is($columns, join("\n", @expected), "group $group: columns, types, NULLs");
	$types{ (split /\|/)[1] }++ for @expected;

	# the view has each value, as text, but for arrays of text made of other things; times are read back with the same meaning
	ask("SELECT stash.create_view('docs', 'docs_view', metadata => '{_key}')");
	$wrong++ unless is(
		ask(q{SELECT count(*) FROM docs_view AS v JOIN doc ON id = _key, LATERAL jsonb_each_text(stash.flatten(doc.d)) AS e(leaf, value)
			JOIN pg_attribute ON attrelid = 'docs_view'::regclass AND attname = leaf
			WHERE format_type(atttypid, -1) !~ '^(date|time|text.)' AND to_jsonb(v) ->> leaf IS DISTINCT FROM value}),
		'0', "group $group: values of the view");
	$wrong++ unless is(
		ask(q{SELECT count(*) FROM docs_view AS v JOIN doc ON id = _key, LATERAL jsonb_each_text(stash.flatten(doc.d)) AS e(leaf, value)
			JOIN pg_attribute ON attrelid = 'docs_view'::regclass AND attname = leaf
			WHERE format_type(atttypid, -1) ~ '^(date|time)[^[]*$' AND (to_jsonb(v) ->> leaf)::timestamptz IS DISTINCT FROM value::timestamptz}),
		'0', "group $group: times of the view");
	ask('DROP VIEW docs_view');
	last if $wrong > 3;
}
note(join(', ', map { "$_ $types{$_}" } sort keys %types));
is(join(' ', grep { !$types{$_} } 'boolean', 'integer', 'bigint', 'numeric', 'text', 'date', 'timestamp without time zone',
	'timestamp with time zone', 'jsonb', 'integer[]', 'text[]', 'numeric[]'), '', 'chance has met all types');

$node->stop;
done_testing();
