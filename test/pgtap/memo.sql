-- Whatever is remembered equals what the function would return: random calls, settings, roles, rollbacks.
-- The seed is fixed, so that a failure comes again.
BEGIN;
SELECT plan(5);
SELECT setseed(0.42);

CREATE FUNCTION scalar(n int, t text) RETURNS text LANGUAGE plpgsql STABLE
AS $$ BEGIN RETURN concat_ws('/', n, t, current_setting('TimeZone'), timestamptz '2020-06-01 12:00+00', 0.1::float8 + n,
	interval '36 hours', '\x0f'::bytea, current_user, current_setting('search_path')); END $$;
CREATE FUNCTION rows(n int) RETURNS TABLE (i int, at text) LANGUAGE sql STABLE
AS $$ SELECT g, (timestamptz '2020-06-01 12:00+00' + g * interval '1 day')::text FROM generate_series(1, n) g $$;
CREATE FUNCTION pair(a numeric, b text, OUT whole text, OUT len int) LANGUAGE sql IMMUTABLE
AS $$ SELECT a || coalesce(b, 'NULL'), length(b) $$;
SELECT stash.memoize('scalar(int,text)', '1 hour', vary => '{}'), stash.memoize('rows(int)', '1 hour'),
	stash.memoize('pair(numeric,text)');

CREATE ROLE regress_stash_one;
CREATE ROLE regress_stash_two;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO regress_stash_one, regress_stash_two;

-- how many of the calls differ, and how many calls there were
CREATE FUNCTION differing(calls int, OUT differ int, OUT called int) LANGUAGE plpgsql AS $$
DECLARE
	n int;
	t text;
BEGIN
	differ := 0;
	called := 0;
	FOR i IN 1 .. calls LOOP
		n := floor(random() * 4);
		t := (ARRAY['x', '', NULL, 'ä' || n])[1 + floor(random() * 4)::int];
		PERFORM set_config('TimeZone', (ARRAY['UTC', 'Asia/Tokyo', 'America/New_York'])[1 + floor(random() * 3)::int], true);
		PERFORM set_config('DateStyle', (ARRAY['ISO, MDY', 'German', 'SQL, DMY'])[1 + floor(random() * 3)::int], true);
		PERFORM set_config('IntervalStyle', (ARRAY['postgres', 'iso_8601'])[1 + floor(random() * 2)::int], true);
		PERFORM set_config('extra_float_digits', (ARRAY['0', '1'])[1 + floor(random() * 2)::int], true);
		PERFORM set_config('bytea_output', (ARRAY['hex', 'escape'])[1 + floor(random() * 2)::int], true);
		PERFORM set_config('search_path', (ARRAY['public', 'public, pg_temp'])[1 + floor(random() * 2)::int], true);
		IF random() < 0.05 THEN
			-- what a subtransaction kept goes with it
			BEGIN
				PERFORM public.scalar(n, t), public.pair(n, t);
				RAISE EXCEPTION 'rolled back';
			EXCEPTION WHEN raise_exception THEN
				NULL;
			END;
		END IF;
		IF public.scalar(n, t) IS DISTINCT FROM public.scalar_uncached(n, t) THEN
			differ := differ + 1;
		END IF;
		IF (SELECT array_agg(r) FROM public.rows(n) r) IS DISTINCT FROM
			(SELECT array_agg(r) FROM public.rows_uncached(n) r) THEN
			differ := differ + 1;
		END IF;
		IF public.pair(n / 10.0, t)::text IS DISTINCT FROM public.pair_uncached(n / 10.0, t)::text THEN
			differ := differ + 1;
		END IF;
		called := called + 3;
	END LOOP;
	PERFORM set_config('search_path', 'public', true);
END $$;
GRANT EXECUTE ON FUNCTION scalar_uncached(int, text), rows_uncached(int), pair_uncached(numeric, text)
	TO regress_stash_one, regress_stash_two;

SELECT results_eq('SELECT * FROM differing(1500)', 'VALUES (0, 4500)', 'as the owner');
SET ROLE regress_stash_one;
SELECT results_eq('SELECT * FROM differing(500)', 'VALUES (0, 1500)', 'as another role in the same session');
SET ROLE regress_stash_two;
SELECT results_eq('SELECT * FROM differing(500)', 'VALUES (0, 1500)', 'as a third role');
RESET ROLE;
-- the comparison means something only where results were remembered and found again
SELECT cmp_ok((SELECT count(*) FROM pair_stash)::int, '<', 100, 'few results for 2,500 calls: there were hits');
SELECT cmp_ok((SELECT count(*) FROM pair_stash)::int, '>', 0, 'and something was remembered');
SELECT * FROM finish();
ROLLBACK;
