-- Measure variants of one job against each other, fairly.
--
-- A variant is timed as a whole: bench.add_loop() makes one that evaluates an
-- expression again and again on a value held in memory, bench.add_statement()
-- one that runs a statement. bench.compare() runs the variants in turn, round by
-- round, after one round that does not count, so that noise meets all alike.
-- The first variant of a comparison is what the others are compared with.
\set ON_ERROR_STOP on

CREATE SCHEMA bench;

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
-- Values in a record stay flat, as they come from a table.
CREATE PROCEDURE bench.add_loop(variant text, given text, expression text, calls int, bytes float8 DEFAULT NULL)
	LANGUAGE plpgsql
AS $$
DECLARE
	name text := format('bench.%I', 'loop ' || variant);
BEGIN
	EXECUTE format($f$
		CREATE FUNCTION %s() RETURNS float8 LANGUAGE plpgsql AS $body$
		DECLARE
			v record;
			start timestamptz;
		BEGIN
			%s INTO STRICT v;
			start := clock_timestamp();
			FOR i IN 1 .. %s LOOP
				IF (%s) IS NULL THEN
					RAISE EXCEPTION 'no result';
				END IF;
			END LOOP;
			RETURN 1000 * extract(epoch FROM clock_timestamp() - start);
		END
		$body$ $f$, name, given, calls, expression);
	INSERT INTO bench.variant VALUES (variant, format('SELECT %s()', name), calls, bytes);
END
$$;

CREATE PROCEDURE bench.add_statement(variant text, statement text, calls int)
	LANGUAGE plpgsql
AS $$
DECLARE
	name text := format('bench.%I', 'statement ' || variant);
BEGIN
	EXECUTE format($f$
		CREATE FUNCTION %s() RETURNS float8 LANGUAGE plpgsql AS $body$
		DECLARE
			start timestamptz := clock_timestamp();
		BEGIN
			EXECUTE %L;
			RETURN 1000 * extract(epoch FROM clock_timestamp() - start);
		END
		$body$ $f$, name, statement);
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

-- One line a variant. "base" names a variant whose time is part of all others,
-- such as reading the table: ratios are of what remains without it.
CREATE FUNCTION bench.report(title text, base text DEFAULT NULL)
	RETURNS TABLE (variant text, "a job" text, "min .. max" text, "times the first" text, rate text)
	LANGUAGE sql STABLE
AS $$
	WITH per_job AS (
		SELECT r.variant,
		       r.place,
		       max(r.bytes) AS bytes,
		       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.ms / r.calls) AS median,
		       min(r.ms / r.calls) AS least,
		       max(r.ms / r.calls) AS most
		FROM bench.result r
		WHERE r.title = report.title
		GROUP BY r.variant, r.place
	),
	net AS (
		SELECT p.*,
		       p.median - coalesce((SELECT b.median FROM per_job b WHERE b.variant = report.base), 0) AS net
		FROM per_job p
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
