-- Measure variants of one job against each other, fairly.
--
-- A variant is timed as a whole: bench.add_loop() makes one that evaluates an
-- expression again and again on a value held in memory, bench.add_statement()
-- one that runs a statement. bench.compare() runs the variants in turn, round by
-- round, after one round that does not count, so that noise meets all alike.
-- The first variant of a comparison is what the others are compared with.
-- bench.add_goal() notes a ratio that was promised, bench.add_limit() any other
-- figure, and bench.goals() lists them: a goal that is missed is shown, and is
-- no error.
\set ON_ERROR_STOP on

CREATE SCHEMA bench;

-- Seconds of the wall; of the session's processor where bench.clock is cpu, for machines that others use, too.
CREATE FUNCTION bench.seconds()
	RETURNS float8
	LANGUAGE sql VOLATILE
RETURN CASE current_setting('bench.clock', true)
	WHEN 'cpu' THEN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 / 1e9
	ELSE extract(epoch FROM clock_timestamp())::float8
END;

CREATE TABLE bench.variant (
	variant text PRIMARY KEY,
	statement text NOT NULL,    -- returns float8: milliseconds
	calls float8 NOT NULL,      -- how often the job is done in that time
	bytes float8                -- how many bytes one job reads, when that is the point
);

CREATE TABLE bench.result (
	title text NOT NULL,
	variant text NOT NULL,
	place int NOT NULL,         -- among the variants of the comparison
	round int NOT NULL,
	ms float8 NOT NULL,
	calls float8 NOT NULL,
	bytes float8
);

-- "given" is a query of one row; the expression refers to its columns as v.name.
-- Values in a record stay flat, as they come from a table. With another "kind",
-- v is a variable of that type, to be changed by the statements of "prepare".
-- Without "calls" a round takes about 100 ms.
CREATE PROCEDURE bench.add_loop(variant text, given text, expression text, calls int DEFAULT NULL,
	bytes float8 DEFAULT NULL, kind text DEFAULT 'record', prepare text DEFAULT '')
	LANGUAGE plpgsql
AS $$
DECLARE
	name text := format('bench.%I', 'loop ' || variant);
	elapsed float8;
BEGIN
	EXECUTE format($f$
		CREATE FUNCTION %s(calls int) RETURNS float8 LANGUAGE plpgsql AS $body$
		DECLARE
			v %s;
			start float8;
		BEGIN
			%s INTO STRICT v;
			%s
			start := bench.seconds();
			FOR i IN 1 .. calls LOOP
				IF (%s) IS NULL THEN
					RAISE EXCEPTION 'no result';
				END IF;
			END LOOP;
			RETURN 1000 * (bench.seconds() - start);
		END
		$body$ $f$, name, kind, given, prepare, expression);
	IF calls IS NULL THEN
		calls := 1;
		LOOP
			EXECUTE format('SELECT %s(%s)', name, calls) INTO elapsed;
			EXIT WHEN elapsed > 20;
			calls := calls * 4;
		END LOOP;
		calls := greatest(1, calls * 100 / elapsed);
	END IF;
	INSERT INTO bench.variant VALUES (variant, format('SELECT %s(%s)', name, calls), calls, bytes);
END
$$;

-- The statements of "prepare" are not timed.
CREATE PROCEDURE bench.add_statement(variant text, statement text, calls int, prepare text DEFAULT '')
	LANGUAGE plpgsql
AS $$
DECLARE
	name text := format('bench.%I', 'statement ' || variant);
BEGIN
	EXECUTE format($f$
		CREATE FUNCTION %s() RETURNS float8 LANGUAGE plpgsql AS $body$
		DECLARE
			start float8;
		BEGIN
			%s
			start := bench.seconds();
			EXECUTE %L;
			RETURN 1000 * (bench.seconds() - start);
		END
		$body$ $f$, name, prepare, statement);
	INSERT INTO bench.variant VALUES (variant, format('SELECT %s()', name), calls, NULL);
END
$$;

CREATE PROCEDURE bench.compare(title text, variants text[], rounds int)
	LANGUAGE plpgsql
AS $$
DECLARE
	elapsed float8;
	job record;
BEGIN
	FOR round IN 0 .. rounds LOOP
		FOR job IN
			SELECT w.place, v.*
			FROM unnest(variants) WITH ORDINALITY AS w(variant, place)
			LEFT JOIN bench.variant v USING (variant)
			ORDER BY w.place
		LOOP
			EXECUTE job.statement INTO STRICT elapsed;
			IF round > 0 THEN
				INSERT INTO bench.result
				VALUES (title, job.variant, job.place, round, elapsed, job.calls, job.bytes);
			END IF;
			COMMIT;
		END LOOP;
	END LOOP;
END
$$;

CREATE FUNCTION bench.time_text(ms float8)
	RETURNS text
	LANGUAGE sql IMMUTABLE STRICT
RETURN CASE
	WHEN ms >= 1000 THEN to_char(ms / 1000, 'FM999990.00') || ' s'
	WHEN ms >= 1 THEN to_char(ms, 'FM990.00') || ' ms'
	WHEN ms >= 0.001 THEN to_char(ms * 1000, 'FM990.00') || ' us'
	ELSE to_char(ms * 1000000, 'FM990.0') || ' ns'
END;

CREATE VIEW bench.per_job AS
SELECT r.title,
       r.variant,
       r.place,
       max(r.bytes) AS bytes,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.ms / r.calls) AS median,
       min(r.ms / r.calls) AS least,
       max(r.ms / r.calls) AS most
FROM bench.result r
GROUP BY r.title, r.variant, r.place;

-- One line a variant. "base" names a variant whose time is part of all others,
-- such as reading the table: ratios are of what remains without it.
CREATE FUNCTION bench.report(title text, base text DEFAULT NULL)
	RETURNS TABLE (variant text, "a job" text, "min .. max" text, "times the first" text, rate text)
	LANGUAGE sql STABLE
AS $$
	WITH net AS (
		SELECT p.*,
		       p.median - coalesce((SELECT b.median FROM bench.per_job b
			       WHERE b.title = report.title AND b.variant = report.base), 0) AS net
		FROM bench.per_job p
		WHERE p.title = report.title
	)
	SELECT n.variant,
	       bench.time_text(n.median),
	       bench.time_text(n.least) || ' .. ' || bench.time_text(n.most),
	       CASE
		       WHEN n.variant = report.base THEN 'part of all'
		       ELSE to_char(n.net / first_value(n.net) OVER (ORDER BY n.place), 'FM999990.00')
	       END,
	       to_char(n.bytes / n.median / 1e6, 'FM990.00') || ' GB/s'
	FROM net n
	ORDER BY n.place
$$;

-- The same by calls a second, for jobs that many clients do side by side.
CREATE FUNCTION bench.report_rates(title text)
	RETURNS TABLE (variant text, "a second" text, "min .. max" text, "times the first" text)
	LANGUAGE sql STABLE
AS $$
	SELECT p.variant,
	       to_char(1000 / p.median, 'FM999,999,990'),
	       to_char(1000 / p.most, 'FM999,999,990') || ' .. ' || to_char(1000 / p.least, 'FM999,999,990'),
	       to_char(first_value(p.median) OVER (ORDER BY p.place) / p.median, 'FM999990.00')
	FROM bench.per_job p
	WHERE p.title = report_rates.title
	ORDER BY p.place
$$;

CREATE TABLE bench.goal (
	id int GENERATED ALWAYS AS IDENTITY,
	goal text NOT NULL,
	wanted text NOT NULL,
	seen text NOT NULL,
	rounds text,                -- min .. max, round by round
	is_met bool NOT NULL
);

CREATE FUNCTION bench.times_text(times float8)
	RETURNS text
	LANGUAGE sql IMMUTABLE STRICT
RETURN to_char(times, CASE WHEN times < 0.1 THEN 'FM0.0000' ELSE 'FM999990.00' END);

-- The anchor takes at least "times" as long as the variant, by their medians;
-- with a "base" as in bench.report(), without its time on both sides.
CREATE PROCEDURE bench.add_goal(title text, variant text, anchor text, times float8, base text DEFAULT NULL)
	LANGUAGE sql
AS $$
	WITH base AS (
		SELECT coalesce((SELECT b.median FROM bench.per_job b
			WHERE (b.title, b.variant) = (add_goal.title, add_goal.base)), 0) AS ms
	)
	INSERT INTO bench.goal (goal, wanted, seen, rounds, is_met)
	SELECT format('%s / %s%s', a.variant, v.variant, ', both without ' || base),
	       '>= ' || times,
	       bench.times_text((a.median - b.ms) / (v.median - b.ms)),
	       (SELECT bench.times_text(min(ratio)) || ' .. ' || bench.times_text(max(ratio))
	        FROM (
		        SELECT (ra.ms / ra.calls - b.ms) / (rv.ms / rv.calls - b.ms) AS ratio
		        FROM bench.result rv
		        JOIN bench.result ra USING (title, round)
		        WHERE (rv.title, rv.variant, ra.variant) = (v.title, v.variant, a.variant)
	        ) r),
	       (a.median - b.ms) / (v.median - b.ms) >= times
	FROM base b,
	     bench.per_job v
	JOIN bench.per_job a USING (title)
	WHERE (v.title, v.variant, a.variant) = (add_goal.title, add_goal.variant, add_goal.anchor)
$$;

-- A figure that is to stay below "most".
CREATE PROCEDURE bench.add_limit(goal text, most float8, seen float8, unit text)
	LANGUAGE sql
AS $$
	INSERT INTO bench.goal (goal, wanted, seen, is_met)
	VALUES (goal, format('< %s %s', most, unit), to_char(seen, 'FM999990.000 ') || unit, seen < most)
$$;

CREATE FUNCTION bench.goals()
	RETURNS TABLE (goal text, wanted text, seen text, "min .. max" text, met text)
	LANGUAGE sql STABLE
AS $$
	SELECT g.goal, g.wanted, g.seen, g.rounds, CASE WHEN g.is_met THEN 'yes' ELSE 'NO' END
	FROM bench.goal g
	ORDER BY g.id
$$;

-- 100,000 rows of 20 columns in bench.wide, which differ from one another
CREATE PROCEDURE bench.make_wide()
	LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM setseed(0.3);
	CREATE UNLOGGED TABLE IF NOT EXISTS bench.wide AS
	SELECT i::bigint AS id,
	       (random() * 1000)::int AS quantity,
	       (random() * 100)::smallint AS kind,
	       CASE WHEN i % 3 > 0 THEN i * 7 END AS parent,
	       random() AS score,
	       random()::float4 AS weight,
	       CASE WHEN i % 4 > 0 THEN sqrt(i) END AS distance,
	       round((random() * 10000)::numeric, 2) AS price,
	       (random() * 1e12)::numeric(20, 6) AS total,
	       i % 2 = 0 AS is_open,
	       CASE WHEN i % 5 > 0 THEN i % 7 = 0 END AS is_paid,
	       'customer ' || i % 1000 AS customer,
	       CASE WHEN i % 2 = 0 THEN 'left at the door of number ' || i END AS note,
	       chr(65 + i % 26) || i % 100 AS code,
	       md5(i::text) AS digest,
	       '2026-01-01'::date + i % 365 AS day,
	       '2026-01-01'::timestamptz + i * interval '1 minute' AS created,
	       CASE WHEN i % 3 = 0 THEN '2026-06-01'::timestamp + i * interval '1 second' END AS shipped,
	       md5('u' || i)::uuid AS token,
	       i * 1000003::bigint AS serial
	FROM generate_series(1, 100000) i;
END
$$;
