-- A memo hit: a million calls in one statement over 1,000 different pairs of
-- arguments, against the memo that people write by hand and against functions
-- that do nothing.
\set ON_ERROR_STOP on

CREATE TABLE bench.call AS
SELECT i % 1000 AS n, 'customer ' || i % 1000 AS t
FROM generate_series(0, 999999) i;
VACUUM ANALYZE bench.call;

-- the expensive job, some 20 us
CREATE FUNCTION bench.work(n int, t text)
	RETURNS bigint
	LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
	sum bigint := n;
BEGIN
	FOR i IN 1 .. length(t) * 10 LOOP
		sum := sum + ascii(substr(t, 1 + i % length(t), 1));
	END LOOP;
	RETURN sum;
END
$$;

CREATE TABLE bench.by_hand_memo (
	n int,
	t text,
	result bigint,
	PRIMARY KEY (n, t)
);

CREATE FUNCTION bench.by_hand(n int, t text)
	RETURNS bigint
	LANGUAGE plpgsql
AS $$
DECLARE
	found_result bigint;
BEGIN
	SELECT m.result INTO found_result
	FROM bench.by_hand_memo m
	WHERE m.n = by_hand.n AND m.t = by_hand.t;
	IF NOT FOUND THEN
		found_result := bench.work(n, t);
		INSERT INTO bench.by_hand_memo
		VALUES (n, t, found_result)
		ON CONFLICT DO NOTHING;
	END IF;
	RETURN found_result;
END
$$;

CREATE FUNCTION bench.trivial(n int, t text)
	RETURNS bigint
	LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
	RETURN n;
END
$$;

-- remembered answers equal computed ones, in all ways
CREATE TABLE bench.expected AS
SELECT n, t, bench.work(n, t) AS result FROM (SELECT DISTINCT n, t FROM bench.call) c;
SELECT stash.memoize('bench.work(int, text)') \g /dev/null
SELECT count(bench.by_hand(n, t)) FROM bench.call \g /dev/null
SELECT count(bench.work(n, t)) FROM bench.call \g /dev/null
VACUUM ANALYZE bench.by_hand_memo;
DO $$
BEGIN
	ASSERT (SELECT count(*) FROM bench.call c JOIN bench.expected e USING (n, t)
		WHERE bench.work(n, t) = e.result AND bench.by_hand(n, t) = e.result) = 1000000;
END
$$;

SET max_parallel_workers_per_gather = 0;
CALL bench.add_statement('memo hit', 'SELECT count(bench.work(n, t)) FROM bench.call', 1000000);
CALL bench.add_statement('memo by hand', 'SELECT count(bench.by_hand(n, t)) FROM bench.call', 1000000);
CALL bench.add_statement('trivial plpgsql', 'SELECT count(bench.trivial(n, t)) FROM bench.call', 1000000);
CALL bench.add_statement('trivial C: left(text, int)', 'SELECT count(left(t, n)) FROM bench.call', 1000000);
CALL bench.add_statement('trivial C: int4pl(int, int)', 'SELECT count(int4pl(n, n)) FROM bench.call', 1000000);
CALL bench.add_statement('reading both arguments', 'SELECT count(t) FROM bench.call', 1000000);
CALL bench.compare('memo', ARRAY['memo hit', 'memo by hand', 'trivial plpgsql', 'trivial C: left(text, int)',
	'trivial C: int4pl(int, int)', 'reading both arguments'], 7);
SELECT * FROM bench.report('memo');
