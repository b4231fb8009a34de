# MemoOracle.pm: random transactions that compare memoized functions with the truth
#
# Each function exists twice, out of one definition: f is memoized, f_true is not, and calls only what is not. A
# comparison asks, in one statement and so under one snapshot, f_true, f and f_true again: where both truths are the
# same, f has to be that, too; where they differ the catalogs have changed in between, which no snapshot keeps out.
# Nor does it keep out two changes of which the second makes good the first: so no function is ever again what it was.
# Each session runs a script of its own in psql; the same seed makes the same scripts.
package MemoOracle;

use strict;
use warnings;
use Exporter qw(import);
use IPC::Run;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(oracle_schema oracle_script oracle_run);

my @roles = qw(regress_stash_ann regress_stash_bob);
# what is met too seldom otherwise, and sessions then race for: 'late_total' takes its time, 'summary_total' is read between two
# refreshes of one subtransaction
my $often = $ENV{STASH_ORACLE_OFTEN} // '';
my $pause = $often eq 'late_total' ? 5 : 0;	# ms
my $number;	# of the last function that replaces another; sessions have numbers of their own
my ($owner, $group) = qw(regress_stash_eve regress_stash_group);	# never those of a session

# What SQL gives anyway where transactions get into each other's way.
my @natural = (
	qr/^(40001|40P01|55P03|25P02|23503|23505): /,
	qr/^3B001: savepoint "." does not exist/,	# the error has taken it along
	qr/^XX000: tuple concurrently (updated|deleted)/,	# two replace one function
	qr/^(42704: prepared transaction with identifier|55000: prepared transaction with identifier .* is busy)/,
	qr/^(42P16|42809|42P17|42P01|42704|42710): .*(partition|part_3|policy|trigger)/,	# another was faster
	qr/^(23514: .*partition|42501: new row violates row-level security)/,	# it is detached; it is gone
	qr/^55006: .* is being used by active queries in this session/,	# of a cursor
	qr/^55006: .* because it has pending trigger events/,	# of a deferred trigger
	qr/^01000: role .* (is not a member|has not been granted membership)/,
	qr/^0A000: cannot PREPARE a transaction that has operated on temporary objects/,	# as a refresh does
	qr/^(34000: cursor|42P03: cursor)/);	# as with savepoints

# ---- tables and functions

# name, arguments, result, volatility and language, options of stash.memoize(), body; @ is what ends a function's name
my @functions = (
	[ 'sale_total', 'r int', 'bigint', 'STABLE sql', '', 'SELECT sum(amount) FROM sale WHERE region = r' ],
	[ 'sale_set', 'r int', 'SETOF text', 'STABLE plpgsql', '', q{BEGIN RETURN QUERY SELECT concat_ws(':', id, amount) FROM sale WHERE region = r ORDER BY id; END} ],
	[ 'sale_table', 'r int, OUT n bigint, OUT total bigint', 'SETOF record', 'STABLE sql', '', 'SELECT count(*), sum(amount) FROM sale WHERE region >= r GROUP BY region ORDER BY region' ],
	[ 'sale_row', 'r int', 'o.answer', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT (count(*), sum(amount))::o.answer FROM sale WHERE region = r); END' ],
	[ 'sale_json', 'r int', 'jsonb', 'STABLE sql', '', 'SELECT jsonb_agg(to_jsonb(s) ORDER BY id) FROM sale s WHERE region = r' ],
	[ 'sale_planned', 'r int', 'bigint', 'STABLE plpgsql', '', q{DECLARE n bigint := 0; BEGIN FOR i IN 1 .. 7 LOOP n := n + i * (SELECT coalesce(sum(amount), 0) FROM sale WHERE region = r); END LOOP; RETURN n; END} ],
	[ 'part_total', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(amount) FROM part WHERE a >= r); END' ],
	[ 'part_leaf', 'r int', 'bigint', 'STABLE plpgsql', '', q{DECLARE n bigint; BEGIN EXECUTE format('SELECT sum(amount) FROM part_%s', 1 + r % 3) INTO n; RETURN n; END} ],
	[ 'base_total', 'r int', 'bigint', 'STABLE sql', '', 'SELECT sum(amount) FROM base WHERE id % 4 = r - 1' ],
	[ 'base_only', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(amount) FROM ONLY base WHERE id % 4 = r - 1); END' ],
	[ 'heir_total', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(amount) FROM heir WHERE id % 4 = r - 1); END' ],
	[ 'secret_total', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(amount) FROM secret WHERE id % 4 = r - 1); END' ],
	[ 'secret_set', 'r int', 'SETOF o.secret', 'STABLE sql', '', 'SELECT * FROM secret WHERE id % 4 = r - 1 ORDER BY id' ],
	[ 'secret_definer', 'r int', 'bigint', 'STABLE SECURITY DEFINER plpgsql', q{share => 'all'}, 'BEGIN RETURN (SELECT sum(amount) FROM secret WHERE id % 4 = r - 1); END' ],
	[ 'recent_total', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(amount) FROM recent WHERE kind = r); END' ],
	[ 'summary_total', 'r int', 'bigint', 'STABLE sql', '', 'SELECT sum(total) FROM summary WHERE kind = r' ],
	[ 'event_days', 'r int', 'text', 'STABLE plpgsql', '', q{BEGIN RETURN (SELECT string_agg(at::date || ' ' || amount, ',' ORDER BY id) FROM event WHERE kind = r); END} ],
	[ 'varied', 'r int', 'bigint', 'STABLE plpgsql', q{vary => '{oracle.factor}'}, q{BEGIN RETURN (SELECT sum(amount) * coalesce(nullif(current_setting('oracle.factor', true), '')::int, 0) FROM event WHERE kind = r); END} ],
	[ 'pure', 'r int', 'text', 'IMMUTABLE sql', '', q{SELECT repeat(r::text, r)} ],
	[ 'pure_helped', 'r int', 'int', 'IMMUTABLE plpgsql', '', 'BEGIN RETURN o.pure_helper(r); END' ],
	[ 'helped', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN IF o.plain_helper(r) % 2 = 0 THEN RETURN coalesce(o.helper(r), 0) + 1000000::bigint * o.plain_helper(r); END IF; RETURN o.plain_helper(r); END' ],
	[ 'helped_sql', 'r int', 'bigint', 'STABLE sql', '', 'SELECT o.helper(r) + o.pure_helper(r) + o.plain_helper(r)' ],
	[ 'catching', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(amount / (r - 2)) FROM base); EXCEPTION WHEN division_by_zero THEN RETURN (SELECT sum(amount) FROM base); END' ],
	[ 'dynamic', 'name text', 'text', 'STABLE plpgsql', '', q{DECLARE t text; BEGIN EXECUTE format('SELECT concat_ws('':'', count(*), sum(amount)) FROM %I', name) INTO t; RETURN t; END} ],
	[ 'helped_inlined', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(o.pure_wrapper(id)) FROM heir WHERE id % 4 = r - 1); END' ],
	[ 'owned_total', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(amount) FROM owned WHERE id % 4 = r - 1); END' ],
	[ 'late_total', 'r int', 'bigint', 'STABLE plpgsql', '', "DECLARE n bigint; BEGIN n := (SELECT sum(amount) FROM base); RETURN n + o.pause($pause * r) + 1000 * o.late(r); END" ],
	[ 'guarded', 'r int', 'int', 'STABLE sql', '', 'SELECT o.guard(r) + 1' ],
	[ 'guarded_pure', 'r int', 'int', 'IMMUTABLE sql', '', 'SELECT o.guard(r)' ],
	[ 'nested', 'r int', 'bigint', 'STABLE plpgsql', '', q{BEGIN RETURN coalesce(o.sale_planned@(r), 0) + 10 * coalesce(o.helped@(r), 0) + 100 * coalesce(o.part_total@(r), 0); END} ],
	[ 'nested_varied', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN o.varied@(r) + 1; END' ],
	[ 'item_total', 'r int', 'bigint', 'STABLE plpgsql', '', 'BEGIN RETURN (SELECT sum(i.amount) FROM item i LEFT JOIN o.sale s ON s.id = i.sale WHERE coalesce(s.region, 1) = r); END' ],
	[ 'nested_twice', 'r int', 'text', 'STABLE plpgsql', q{vary => '{oracle.factor}'}, q{BEGIN RETURN concat_ws(':', o.nested@(r), (SELECT string_agg(x, ',') FROM o.sale_set@(r) x), o.varied@(r), o.recent_total@(r), o.secret_total@(r)); END} ]);

my $helper = 'CREATE OR REPLACE FUNCTION o.helper(r int) RETURNS bigint STABLE LANGUAGE sql AS $$ SELECT %d * (SELECT sum(amount) FROM o.event WHERE kind = r) $$';
my $pure_helper = q{CREATE OR REPLACE FUNCTION o.pure_helper(r int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT r + %d'};
my $plain_helper = q{CREATE OR REPLACE FUNCTION o.plain_helper(r int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN r + %d; END'};
my $view = 'CREATE OR REPLACE VIEW o.recent AS SELECT id, kind, amount FROM o.event WHERE id > %d';
my $policy = 'CREATE POLICY own ON o.secret USING (owner = current_user%s) WITH CHECK (true)';

# Both of each pair; the truth is never put into the plan of a comparison, which would keep it as it was at its begin.
sub define
{
	my ($name, $args, $result, $how, $options, $body) = @{ $_[0] };
	my ($attributes, $language) = $how =~ /^(.*) (\w+)$/;
	my $types = $name eq 'dynamic' ? 'text' : 'int';
	my $sql = '';

	for my $end ('', '_true')
	{
		my $own = $body =~ s/@/$end/gr;
		my $set = $end ? 'SET jit = off' : '';

		$sql .= "CREATE FUNCTION o.$name$end($args) RETURNS $result $attributes PARALLEL SAFE LANGUAGE $language $set AS \$\$ $own \$\$;\n";
		$sql .= "ALTER FUNCTION o.$name$end($types) OWNER TO $roles[0];\n" if $attributes =~ /DEFINER/;
	}
	$sql .= "SET ROLE $roles[0];\n" if $attributes =~ /DEFINER/;
	$options = ", $options" if $options;
	return $sql . "SELECT stash.memoize('o.$name($types)'$options);\nRESET ROLE;\n";
}

# 'library' is of slow_commit.c
sub oracle_schema
{
	my ($library) = @_;

	return join "\n", <<"SQL", map({ sprintf "$_;", 1 } $helper, $pure_helper, $plain_helper, $view), <<'SQL', map { define($_) } @functions;
CREATE EXTENSION pg_hashstash;
CREATE ROLE $roles[0];
CREATE ROLE $roles[1];
CREATE ROLE $owner;
CREATE ROLE $group;
CREATE SCHEMA o;
CREATE SCHEMA o2;
GRANT ALL ON SCHEMA o, o2 TO @{[ join ', ', @roles, $owner ]};
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
SET search_path = o;
CREATE TABLE sale (id int PRIMARY KEY, region int, amount int);
CREATE TABLE o2.sale (id int PRIMARY KEY, region int, amount int);
CREATE TABLE part (id int, a int, amount int) PARTITION BY LIST (a);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
CREATE TABLE part_3 PARTITION OF part FOR VALUES IN (3);
CREATE TABLE base (id int, amount int);
CREATE TABLE heir (extra int) INHERITS (base);
CREATE TABLE secret (id int, owner name, amount int);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
@{[ sprintf $policy, '' ]};
CREATE POLICY shown ON secret TO $group USING (id % 3 > 0);
CREATE VIEW owned AS SELECT * FROM secret;
ALTER VIEW owned OWNER TO $owner;
CREATE TABLE event (id int, kind int, at timestamptz, amount int);
CREATE TABLE item (sale int REFERENCES sale ON DELETE CASCADE ON UPDATE SET NULL, amount int);
CREATE TYPE answer AS (n bigint, total bigint);
CREATE FUNCTION pause(ms int) RETURNS int IMMUTABLE LANGUAGE C AS '$library', 'slow_pause';
INSERT INTO sale SELECT i, 1 + i % 4, i FROM generate_series(1, 40) i;
INSERT INTO item SELECT i, i FROM generate_series(1, 40) i;
INSERT INTO o2.sale SELECT i, 1 + i % 4, -i FROM generate_series(1, 40) i;
INSERT INTO part SELECT i, 1 + i % 3, i FROM generate_series(1, 40) i;
INSERT INTO base SELECT i, i FROM generate_series(1, 40) i;
INSERT INTO heir SELECT i, i, i FROM generate_series(1, 40) i;
INSERT INTO secret SELECT i, ('{$roles[0],$roles[1]}'::name[])[1 + i / 3 % 2], i FROM generate_series(1, 40) i;
INSERT INTO event SELECT i, 1 + i % 4, '2024-02-28 22:00Z'::timestamptz + i * interval '1 hour', i FROM generate_series(1, 40) i;
SQL
CREATE MATERIALIZED VIEW summary AS SELECT kind, sum(amount) AS total, sum(amount) AS amount FROM event GROUP BY kind;
CREATE UNIQUE INDEX ON summary (kind);
SELECT stash.track(t) FROM unnest('{sale,o2.sale,part,base,secret,event,item}'::regclass[]) t;
-- what is read later than the call, and what not everybody may call
CREATE FUNCTION late(r int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT sum(amount) FROM o.sale WHERE region = r); END $$;
CREATE FUNCTION pure_wrapper(r int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT o.pure_helper(r)';
CREATE FUNCTION guard(r int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN r; END $$;
CREATE FUNCTION tried(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'SELECT ' || call INTO answer;
	RETURN answer;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN 'denied';
END
$$;
-- writes that nobody names in a statement: by a foreign key, by a trigger, at the end of the transaction
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE o.heir SET amount = amount + 1 WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER follow AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION follow();
CREATE CONSTRAINT TRIGGER follow AFTER UPDATE ON event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id < 10) EXECUTE FUNCTION follow();
CREATE FUNCTION verdict(call text, before text, hit bool, memo text, after text) RETURNS text STABLE LANGUAGE sql AS $$
	SELECT 'compared,' || coalesce(hit::text, '') || ',' || current_setting('transaction_isolation') || ',' || CASE WHEN before IS DISTINCT FROM after THEN 'moved'
		WHEN memo IS NOT DISTINCT FROM before THEN 'same'
		ELSE 'differs: ' || call || ' is ' || coalesce(before, 'NULL') || ', not ' || coalesce(memo, 'NULL') END
$$;
SQL
}

# ---- scripts

sub any { return $_[ int rand @_ ] }
sub chance { return rand() < $_[0] }

sub function
{
	my ($name) = @_;
	my ($found) = grep { $_->[0] eq $name } @functions;

	return $found // die "no function $name";
}

# one of pairs of a weight and a thing
sub weighted
{
	my @pairs = @_;
	my $at = 0;

	$at += $_->[0] for @pairs;
	$at = rand $at;
	for (@pairs)
	{
		return $_->[1] if ($at -= $_->[0]) < 0;
	}
	return $pairs[-1][1];
}

# The row of a comparison: name, truth, whether it will be a hit, what is remembered, truth. 'arg' is an expression of
# a query with several rows.
sub compared
{
	my ($self, $arg, $function) = @_;
	# such a query goes on with the plan of a function in SQL, whatever becomes of what it calls
	my @choice = grep { !($self->{serializable} && $_->[3] =~ /IMMUTABLE/) && !($arg && $_->[0] eq 'helped_sql') } chance(0.4) ? @{ $self->{often} } : @functions;
	my ($name, undef, $result) = @{ $function // any(@choice) };

	$arg //= 1 + int rand 3;
	my $type = $name eq 'dynamic' ? 'text' : 'int';
	$arg = "'" . any(qw(sale part part_1 base heir secret recent event summary)) . "'" if $name eq 'dynamic';
	my $call = sub {
		my ($f) = @_;
		return "o.tried(format('$f(%s)', $arg))" if $name =~ /guarded/;
		return $result =~ /SETOF/ ? "(SELECT string_agg(x::text, ',') FROM $f($arg) x)" : "$f($arg)::text";
	};
	my $hit = chance($self->{serializable} ? 0.5 : 0.15) ? "(SELECT value = 'hit' FROM stash.explain('o.$name($type)', $arg) WHERE item = 'verdict')" : 'NULL::bool';
	my @truth = ($call->("o.${name}_true")) x 2;

	# what it calls reads with later snapshots than its caller, unless there is but one
	@truth = ('NULL', q{'moved'}) if $name eq 'late_total' && !$self->{repeatable};
	return join ', ', "format('$name(%s) of t$self->{number}', $arg)", $truth[0], $hit, $call->("o.$name"), $truth[1];
}

# A query with a row for each comparison.
sub comparison
{
	my ($self, $n, $with) = @_;
	my @rows = map { '(' . $self->compared . ')' } 1 .. $n;

	$self->{planned} += $n;
	return 'SELECT o.verdict(c, a, h, m, b)' . ($with // '') . ' FROM (SELECT * FROM (VALUES ' . join(",\n\t", @rows) . ') v(c, a, h, m, b) OFFSET 0) v';
}

sub reading { return $_[0]->comparison(2 + int rand 5) . ';' }

# something that changes a table
sub change
{
	my ($id, $n) = (1 + int rand 60, int rand 1000);
	my $sale = chance(0.8) ? 'o.sale' : 'o2.sale';
	my $plain = any(qw(o.part o.part_1 o.part_2 o.base o.heir o.secret o.event o.sale));
	my $owner = any(@roles);

	return weighted(
		[ 3, "UPDATE $plain SET amount = $n WHERE id % 20 = $id % 20" ],
		[ 1, "UPDATE o.part SET a = 1 + $n % 3 WHERE id = $id" ],
		[ 1, "DELETE FROM $plain WHERE id = $id" ],
		[ 1, "UPDATE $plain SET amount = 0 WHERE id < 0" ],
		[ 2, "INSERT INTO $sale VALUES ($id, 1 + $n % 4, $n) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount" ],
		[ 1, "INSERT INTO $sale VALUES ($id, 1 + $n % 4, $n) ON CONFLICT DO NOTHING" ],
		[ 1, "MERGE INTO $sale s USING (VALUES ($id, $n)) n(id, amount) ON s.id = n.id WHEN MATCHED AND n.amount > 800 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = n.amount WHEN NOT MATCHED THEN INSERT (id, region, amount) VALUES (n.id, 1 + n.amount % 4, n.amount)" ],
		[ 1, "INSERT INTO o.part VALUES ($id, 1 + $n % 2, $n)" ],
		[ 1, 'INSERT INTO o.part_' . (1 + $n % 2) . " VALUES ($id, 1 + $n % 2, $n)" ],
		[ 1, "INSERT INTO o.base VALUES ($id, $n)" ],
		[ 1, "INSERT INTO o.heir VALUES ($id, $n)" ],
		[ 1, "INSERT INTO o.secret VALUES ($id, '$owner', $n)" ],
		[ 1, "INSERT INTO o.item VALUES ($id, $n)" ],
		[ 1, "UPDATE o.sale SET id = id + 60 WHERE id = $id" ],
		[ 1, "DELETE FROM o.sale WHERE id = $id OR id > 60" ],
		[ 1, "INSERT INTO o.event VALUES ($id, 1 + $n % 4, now(), $n)" ]);
}

sub ddl
{
	my ($n) = int rand 30;
	my $table = any(qw(o.sale o.sale o2.sale o.part o.base o.secret o.event o.item));

	return 'RESET ROLE; ' . weighted(
		[ 6, sprintf any($helper, $pure_helper, $plain_helper), ++$number ],
		[ 2, sprintf $view, $n ],
		[ 1, "ALTER TABLE o.sale ADD COLUMN IF NOT EXISTS more int DEFAULT $n" ],
		[ 1, 'ALTER TABLE o.sale DROP COLUMN IF EXISTS more' ],
		[ 2, 'ALTER TABLE o.part DETACH PARTITION o.part_3' ],
		[ 3, 'ALTER TABLE o.part ATTACH PARTITION o.part_3 FOR VALUES IN (3)' ],
		[ 2, 'REFRESH MATERIALIZED VIEW ' . any('', 'CONCURRENTLY ') . 'o.summary' ],
		[ 1, 'ALTER TABLE o.secret ' . any(qw(ENABLE ENABLE DISABLE)) . ' ROW LEVEL SECURITY' ],
		[ 1, 'DROP POLICY IF EXISTS own ON o.secret' ],
		[ 1, 'DROP POLICY IF EXISTS own ON o.secret; ' . sprintf $policy, chance(0.5) ? " OR id = $n" : '' ],
		[ 2, any('GRANT %s TO %s', 'REVOKE %s FROM %s') =~ s/%s/$group/r =~ s/%s/any($owner, $owner, @roles)/er ],
		[ 1, "ALTER ROLE $owner " . any(qw(BYPASSRLS NOBYPASSRLS NOBYPASSRLS)) ],
		[ 1, any('GRANT EXECUTE ON FUNCTION o.guard TO PUBLIC', 'REVOKE EXECUTE ON FUNCTION o.guard FROM PUBLIC') ],
		[ 1, "ALTER TABLE $table DISABLE TRIGGER " . any(qw(stash_track_before stash_track_after ALL)) ],
		[ 1, "SELECT stash.untrack('$table')" ],
		[ 5, "SELECT stash.track(t) FROM unnest('{o.sale,o2.sale,o.part,o.base,o.secret,o.event,o.item}'::regclass[]) t" ],
		[ 1, 'TRUNCATE ' . any('o.sale CASCADE', qw(o.part_2 o.heir o.event)) ]) . ';';
}

sub setting
{
	my ($self) = @_;
	my $how = chance(0.7) ? 'SET LOCAL' : 'SET';

	return weighted(
		[ 3, $how . ' ROLE ' . any(@roles) ],
		[ 2, 'RESET ROLE' ],
		[ 1, "$how timezone = '" . any(('Pacific/Kiritimati') x 3, 'Etc/GMT+12') . "'" ],
		[ 1, "$how oracle.factor = " . any(1, 1, 1, 2) ],
		[ 1, "$how search_path = " . any('o', 'o', 'o', 'o2, o') ],
		map({ [ 1, "$how $_" ] } any(@{ $self->{caches} })),
		[ 0.5, 'SET LOCAL pg_hashstash.memo = ' . any(qw(on off refresh readonly)) ],
		[ 0.1, 'SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0' ]) . ';';
}

# a change and comparisons in one statement; which of them runs first depends on who asks for its rows
sub modifying
{
	my ($self) = @_;
	my $plain = any(qw(o.part_1 o.base o.secret o.event o.sale));
	my ($id, $n) = (int rand 20, int rand 1000);

	return "WITH w AS (UPDATE $plain SET amount = $n WHERE id % 20 = $id RETURNING amount) " . $self->comparison(3, any('', '', ', (SELECT count(*) FROM w)')) . weighted([ 1, '' ], [ 1, ' WHERE (SELECT count(*) FROM w) >= 0' ]) . ';';
}

# a function that is replaced, or a view that is refreshed, twice by one subtransaction, while others go on
sub redefining
{
	my ($self) = @_;
	my $refresh = 'UPDATE o.event SET amount = amount + 1 + id % 20; REFRESH MATERIALIZED VIEW CONCURRENTLY o.summary';
	my $replace = sub { return sprintf any($helper, $pure_helper, $plain_helper, $refresh =~ s/%/%%/r) . ';', ++$number };

	return join "\n", 'RESET ROLE; SAVEPOINT p;', $replace->(), 'SELECT pg_sleep(0.002);', $self->reading, $replace->(), $self->reading;
}

# a block that ends transactions
sub procedure
{
	my ($self) = @_;

	return 'DO $do$ DECLARE l text; BEGIN ' . join("\n", map({ 'FOR l IN ' . $self->comparison(1 + int rand 2) . " LOOP RAISE INFO '%', l; END LOOP; " . (chance(0.5) ? change() . ';' : '') . any('', 'COMMIT;', 'ROLLBACK;') } 1 .. 3)) . ' END $do$;';
}

# a block that undoes what it did, or does not
sub block
{
	my ($self) = @_;
	my $loop = sub { return 'FOR l IN ' . $self->comparison(1 + int rand 3) . " LOOP RAISE INFO '%', l; END LOOP;" };
	my $end = chance(0.6) ? "RAISE EXCEPTION USING ERRCODE = 'P0042';" : '';

	return "DO \$do\$ DECLARE l text; BEGIN\n" . ($loop->()) . "\nBEGIN\n" . change() . ";\n" . $loop->() . "\n$end EXCEPTION WHEN SQLSTATE 'P0042' THEN NULL; END;\n" . $loop->() . "\nEND \$do\$;";
}

# a cursor goes on with its snapshot while others, and the transaction itself, have gone on
sub cursor
{
	my ($self) = @_;
	my $other = sub { return chance(0.5) ? $self->reading : change() . ';' };

	$self->{planned} += 4;
	return 'DECLARE c CURSOR FOR SELECT o.verdict(c, a, h, m, b) FROM (SELECT ' . $self->compared('k') . " FROM generate_series(1, 4) k OFFSET 0) v(c, a, h, m, b);\n" . join "\n", 'FETCH 1 FROM c;', 'SELECT pg_sleep(0.002);', $other->(), $other->(), 'FETCH 3 FROM c; CLOSE c;';
}

# what others have read meanwhile, partly later than this snapshot
sub later { return $_[0]->each_of('late_total'); }

sub each_of
{
	my ($self, $name) = @_;

	$self->{planned} += 3;
	return 'SELECT o.verdict(c, a, h, m, b) FROM (VALUES ' . join(",\n\t", map { '(' . $self->compared($_, function($name)) . ')' } 1 .. 3) . ') v(c, a, h, m, b);';
}

# what is met too seldom: a snapshot that lies between that of a call elsewhere and what it then reads of a change
sub race
{
	my ($self, $level) = @_;

	local $self->{repeatable} = $level eq 'REPEATABLE READ';
	return "UPDATE o.sale SET amount = amount + 1 WHERE id % 3 = 0;" if $level eq 'change';
	return "BEGIN ISOLATION LEVEL $level;", map({ ('SELECT pg_sleep(0.005);', $self->later) } 1 .. 3), 'COMMIT;';
}

sub refreshing
{
	my ($self) = @_;
	my $refresh = 'UPDATE o.event SET amount = amount + 1; REFRESH MATERIALIZED VIEW CONCURRENTLY o.summary;';

	return 'RESET ROLE; BEGIN; SAVEPOINT p;', $refresh, $self->each_of('summary_total'), $refresh, 'COMMIT;', $self->each_of('summary_total');
}

sub copying
{
	my ($self) = @_;

	return "\\copy " . any(qw(o.base o.event)) . "(id, amount) from '$self->{rows}'";
}

# one transaction
sub transaction
{
	my ($self) = @_;
	return $self->race(any('READ COMMITTED', 'REPEATABLE READ', 'change')) if $often eq 'late_total' && chance(0.7);
	return $self->refreshing if $often eq 'summary_total' && chance(0.3);
	my $level = weighted([ 5, 'READ COMMITTED' ], [ 4, 'REPEATABLE READ' ], [ 0.5, 'SERIALIZABLE' ]);
	my @savepoints = ();
	my $writes = chance(0.33);	# the others only read, but for what cannot be without
	my @lines;

	local $self->{serializable} = $level eq 'SERIALIZABLE';
	local $self->{repeatable} = $level eq 'REPEATABLE READ';
	$self->{often} = [ $functions[0], map({ any(@functions) } 1 .. 5) ];
	push @lines, "BEGIN ISOLATION LEVEL $level;";
	for (1 .. 1 + int rand 8)
	{
		push @lines, weighted(
			[ 10, sub { $self->reading } ],
			[ 1, sub { $self->setting } ],
			[ 0.5, sub { $self->cursor } ],
			[ $writes * 3, sub { change() . ';' } ],
			[ $writes * 1, sub { $self->modifying } ],
			[ $writes * 1, sub { $self->block } ],
			[ $writes * 0.3, sub { $self->copying } ],
			[ $writes * 0.5, sub { ddl() } ],
			[ $writes * 0.2, sub { $self->redefining } ],
			[ 1, sub { my $s = any('p' .. 'r'); push @savepoints, $s; "SAVEPOINT $s;" } ],
			[ 1, sub { @savepoints ? 'ROLLBACK TO ' . any(@savepoints) . ';' : $self->reading } ],
			[ 0.5, sub { @savepoints ? 'RELEASE ' . any(@savepoints) . ';' : $self->reading } ])->();
	}
	push @lines, weighted([ 6, 'COMMIT;' ], [ 1.5, 'ROLLBACK;' ], [ $writes, "PREPARE TRANSACTION 's$self->{session}t$self->{number}';" ]);
	return @lines;
}

# what is done between transactions
sub between
{
	my ($self) = @_;
	my $which = "gid NOT LIKE 's$self->{session}t%' OR prepared < now() - interval '1 s'";

	return weighted(
		[ 4, sub { 'RESET ROLE;' } ],
		[ 2, sub { $self->reading } ],
		[ 0.7, sub { change() . ';' } ],
		[ 0.4, sub { $self->procedure } ],
		[ 0.2, sub { ddl() } ],
		[ 0.1, sub { 'RESET ROLE; VACUUM ' . any('stash.change', 'FREEZE pg_proc', 'FULL o.base', 'o.sale_total_stash') . ';' } ],
		[ 0.7, sub { $self->setting } ],
		[ 0.4, sub { 'RESET ROLE; SELECT stash.prune_changes();' } ],
		[ 0.2, sub { "RESET ROLE; SELECT stash.forget('o." . any(qw(sale_total nested helped)) . "(int)');" } ],
		# of a name that nobody asks for: plans that are cached do not notice one that stands in the way
		[ 0.05, sub { 'RESET ROLE; CREATE TEMP TABLE IF NOT EXISTS aside AS SELECT 1 AS n;' } ],
		[ 0.3, sub { 'RESET ROLE; DROP TABLE IF EXISTS pg_temp.aside;' } ])->(),
	  # another session's, for then the one that prepared it has forgotten all about it
	  "RESET ROLE; SELECT format('%s PREPARED %L', CASE WHEN random() < 0.8 THEN 'COMMIT' ELSE 'ROLLBACK' END, gid) FROM pg_prepared_xacts WHERE $which ORDER BY random() LIMIT 1 \\gexec";
}

# The script of a session, with at least so many comparisons; 'rows' is a file of rows for COPY.
sub oracle_script
{
	my ($seed, $session, $comparisons, $rows, $caches) = @_;
	my $self = bless { session => $session, number => 0, planned => 0, often => \@functions, rows => $rows };
	my $local = 'pg_hashstash.local_cache_size = ';
	my $shared = 'pg_hashstash.shared_cache = ';

	# what sessions do to the caches that are wanted; the others are off all the time
	$self->{caches} = [ map { ($_ eq 'local' ? $local : $shared) . 0, ($_ eq 'local' ? "${local}16384" : "${shared}1") } split /,/, $caches ];
	$self->{caches} = ["${local}0"] if !@{ $self->{caches} };
	my @lines = ("\\set VERBOSITY verbose", "SET deadlock_timeout = '50ms'; SET lock_timeout = '500ms'; SET search_path = o; SET client_min_messages = info;");

	srand($seed * 1000 + $session);
	$number = $session * 100_001;
	push @lines, "SET ${local}0;" if $session % 3 == 0 || $caches !~ /local/;
	push @lines, "SET ${shared}0;" if $caches !~ /shared/;
	push @lines, '-- t' . ++$self->{number}, $self->transaction, $self->between while $self->{planned} < $comparisons;
	return join "\n", @lines, "\\echo finished", '';
}

# ---- running

# take what a session has printed; its last line may still be on its way
sub take
{
	my ($run, $session) = @_;

	while ($session->{out} =~ s/^(.*)\n//)
	{
		$session->{finished} = 1 if $1 eq 'finished';
		count($run, $session, $1);
	}
	while ($session->{err} =~ s/^(.*)\n//)
	{
		my $line = $1;
		my ($error) = $line =~ /(?:ERROR|FATAL|PANIC|WARNING):  (.*)/;

		count($run, $session, $line);
		next if !defined $error || $error =~ /^(25P01|25001): /;	# warnings about a transaction that has ended
		$run->{errors}++;
		push @{ $run->{strange} }, $line unless grep { $error =~ $_ } @natural;
	}
	return;
}

# what verdict() says
sub count
{
	my ($run, $session, $line) = @_;
	my ($hit, $level, $verdict) = $line =~ /\bcompared,(\w*),([\w ]+),(.*)/ or return;
	my $serializable = $level eq 'serializable' ? 'serializable_' : '';

	$run->{"${serializable}compared"}++;
	$run->{"${serializable}asked"}++ if $hit ne '';
	$run->{"${serializable}hits"}++ if $hit eq 'true';
	$run->{moved}++ if $verdict eq 'moved';
	push @{ $run->{differing} }, "$session->{name}: $verdict" if $verdict =~ /^differs/;
	return;
}

# Run scripts at once, until all have ended, one differs, or the time is over. Returns what was counted.
sub oracle_run
{
	my ($node, $seconds, @scripts) = @_;
	my $run = { map({ $_ => 0 } map({ ($_, "serializable_$_") } qw(compared asked hits)), qw(moved errors)), differing => [], strange => [] };
	my @sessions = map { { name => $_, out => '', err => '', finished => 0 } } @scripts;
	my $end = time() + $seconds;

	for my $session (@sessions)
	{
		my @command = ('psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', $session->{name});

		$session->{harness} = IPC::Run::start(\@command, '<', '/dev/null', '>', \$session->{out}, '2>', \$session->{err});
	}
	while (grep { $_->{harness} } @sessions)
	{
		for my $session (grep { $_->{harness} } @sessions)
		{
			$session->{harness}->pump_nb;
			take($run, $session);
			next if $session->{harness}->pumpable;
			$session->{harness}->finish;
			take($run, $session);
			$session->{harness} = undef;
		}
		last if time() > $end || @{ $run->{differing} } || @{ $run->{strange} };
		sleep 0.05;
	}
	$_->{harness}->kill_kill for grep { $_->{harness} } @sessions;
	$run->{finished} = !grep { !$_->{finished} } @sessions;
	return $run;
}

1;
