# RandomTypes.pm: types made of other types at random, nested, and values of them
#
# The seed makes them the same ones each time. A type is a hash: its name as SQL writes it, its depth, and literals (a
# base type), an element (an array), a base (a domain) or columns (a row). Values are SQL expressions.
package RandomTypes;

use strict;
use warnings;

use constant {
	MAX_DEPTH => 5,
	MAX_COLUMNS => 8,
	# of a value; what comes after that many leaves is NULL
	MAX_LEAVES => 60,
};

# names that an identifier may be, quoted; each is used with a number, which makes it unique
my @odd_names = map { '"' . s/"/""/gr . '"' } 'plain', 'select', 'Upper', 'a b', 'x"y', "it's", 'a,b', '(', '{}', 'back\\slash', ':', '[]', 'Ünïcode', '世界', "new\nline", '%s', '$1', 'n' x 55;

# values that are stored compressed, out of line, or both
my %big = (
	text => [ q(repeat('compress me ', 1000)), q((SELECT string_agg(md5(i::text), '') FROM generate_series(1, 200) AS i)) ],
	bytea => [ q((SELECT string_agg(decode(md5(i::text), 'hex'), '') FROM generate_series(1, 300) AS i)) ],
	numeric => [ q(3::numeric ^ 9000) ],
	jsonb => [ q((SELECT jsonb_object_agg(i, md5(i::text)) FROM generate_series(1, 200) AS i)) ],
	xml => [ q(('<a>' || repeat('b', 5000) || '</a>')::xml) ],
	varbit => [ q(repeat('10', 20000)::varbit) ],
);

# $literals: the name of each base type, and a list of its literals
sub new
{
	my ($class, $seed, $literals) = @_;

	srand $seed;
	return bless {
		number => 0, rows => [], domains => [],
		bases => [ map { { name => $_, depth => 0, literals => $literals->{$_} } } sort keys %$literals ]
	}, $class;
}

sub _pick { return $_[int rand @_] }
sub _chance { return rand() < $_[0] }
sub _quote { return "'" . ($_[0] =~ s/'/''/gr) . "'" }

sub _name
{
	my ($self) = @_;

	return _pick(@odd_names) =~ s/"$/' ' . ++$self->{number} . '"'/er;
}

sub _array { return { name => "$_[0]{name}\[]", depth => $_[0]{depth}, element => $_[0] } }

# Any type that a column of a row may have.
sub _column_type
{
	my ($self) = @_;
	my @rows = grep { $_->{depth} < MAX_DEPTH } @{ $self->{rows} };
	my $type = _pick(@{ $self->{bases} });

	# the later ones are the deeper ones
	$type = $rows[-1 - int(@rows * rand()**2)] if @rows && _chance(0.3);
	$type = _pick(@{ $self->{domains} }) if @{ $self->{domains} } && _chance(0.15);
	return _chance(0.3) ? _array($type) : $type;
}

# A domain over any type. Returns the statement that makes it.
sub add_domain
{
	my ($self) = @_;
	my $base = $self->_column_type;
	my $domain = { name => 'made.' . $self->_name, depth => $base->{depth}, base => $base };

	push @{ $self->{domains} }, $domain;
	return "CREATE DOMAIN $domain->{name} AS $base->{name} CHECK (value IS NULL OR pg_column_size(value) > 0);";
}

# A row of any types, as a type or the table of that name, maybe with columns dropped between the others.
sub add_row
{
	my ($self) = @_;
	my $row = { name => 'made.' . $self->_name, kind => _chance(0.3) ? 'TABLE' : 'TYPE', depth => 0 };
	my @columns = map { { name => $self->_name, type => $self->_column_type } } 1 .. 1 + int rand MAX_COLUMNS;
	my @dropped = grep { _chance(0.2) } @columns;
	my $create = join ', ', map { "$_->{name} $_->{type}{name}" } @columns;

	@columns = grep { my $column = $_; !grep { $_ == $column } @dropped } @columns;
	$row->{columns} = \@columns;
	for my $column (@columns)
	{
		$row->{depth} = $column->{type}{depth} + 1 if $row->{depth} <= $column->{type}{depth};
	}
	push @{ $self->{rows} }, $row;
	return join "\n", $row->{kind} eq 'TABLE' ? "CREATE TABLE $row->{name} ($create);" : "CREATE TYPE $row->{name} AS ($create);",
		map { $self->_drop($row, $_) } @dropped;
}

sub _drop
{
	my ($self, $row, $column) = @_;

	return "ALTER $row->{kind} $row->{name} DROP " . ($row->{kind} eq 'TABLE' ? 'COLUMN' : 'ATTRIBUTE') . " $column->{name};";
}

# A change of a row type of which there are values already: a column more, and maybe one less.
sub change_row
{
	my ($self, $row) = @_;
	my @dropped = @{ $row->{columns} } > 1 && _chance(0.5) ? pop @{ $row->{columns} } : ();
	my $added = $self->_name;

	push @{ $row->{columns} }, { name => $added, type => $self->{bases}[0] };
	return join "\n", "ALTER $row->{kind} $row->{name} ADD " . ($row->{kind} eq 'TABLE' ? 'COLUMN' : 'ATTRIBUTE') . " $added $self->{bases}[0]{name};",
		map { $self->_drop($row, $_) } @dropped;
}

# An expression for a value of a type.
sub value
{
	my ($self, $type) = @_;

	$self->{leaves} = 0;
	return $self->_value($type);
}

sub _value
{
	my ($self, $type) = @_;

	if ($type->{literals})
	{
		my $big = $big{ $type->{name} };

		$self->{leaves}++;
		return "($_)" for grep { defined && _chance(0.1) } $big ? _pick(@$big) : ();
		return _quote(_pick(@{ $type->{literals} })) . "::$type->{name}";
	}
	return $self->_array_value($type) if $type->{element};
	return $self->_value($type->{base}) . "::$type->{name}" if $type->{base};
	return "'()'::$type->{name}" unless @{ $type->{columns} };
	return 'ROW(' . join(', ', map { $self->_part($_->{type}) } @{ $type->{columns} }) . ")::$type->{name}";
}

# A value within another one: maybe NULL.
sub _part
{
	my ($self, $type) = @_;

	return "NULL::$type->{name}" if $self->{leaves} > MAX_LEAVES || _chance(0.15);
	return $self->_value($type);
}

sub _array_value
{
	my ($self, $type) = @_;
	my $shape = rand();
	my $element = $type->{element};
	my $parts = sub { join ', ', map { $self->_part($element) } 1 .. $_[0] };
	my $n = 1 + int rand 3;

	return "'{}'::$type->{name}" if $shape < 0.1;
	# ARRAY[] of a domain over an array would be an array of two dimensions
	return 'array_append(NULL::' . "$type->{name}, " . $self->_part($element) . ')' if _is_array($element);
	return "ARRAY[" . $parts->($n) . "]::$type->{name}" if $shape < 0.6;
	return 'ARRAY[[' . $parts->($n) . '], [' . $parts->($n) . "]]::$type->{name}" if $shape < 0.75;
	return "array_fill(" . $self->_part($element) . ', ARRAY[300])' if $shape < 0.8 && $element->{literals};
	return "array_fill(" . $self->_part($element) . ", ARRAY[$n, 2], ARRAY[-1, 2147483600])";
}

# whether values of the type are arrays to SQL
sub _is_array
{
	my ($type) = @_;

	return $type->{element} || $type->{name} eq 'made.moods' || ($type->{base} && _is_array($type->{base}));
}

1;
