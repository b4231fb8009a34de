-- The report that is worth remembering.
--
-- For one hub airport and each hour of the day: how late are its flights,
-- how late are flights of the same length in the whole country at that hour,
-- which route is the busiest, and is that route's published length right?
\set ON_ERROR_STOP on

-- Great-circle distance in kilometres on a sphere of the earth's mean radius.
CREATE FUNCTION great_circle_km(lat1 float8, lon1 float8, lat2 float8, lon2 float8)
	RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 2 * 6371.0088 * asin(sqrt(
	sind((lat2 - lat1) / 2) ^ 2
	+ cosd(lat1) * cosd(lat2) * sind((lon2 - lon1) / 2) ^ 2));
COMMENT ON FUNCTION great_circle_km(float8, float8, float8, float8)
	IS 'haversine distance of two places in degrees, kilometres';

CREATE FUNCTION hub_report(airport text)
	RETURNS TABLE (
		hub text,
		hour int,
		flights int,
		delay_p50 float8,
		delay_p90 float8,
		delay_rank int,
		airports int,
		peers int,
		peer_p50 float8,
		peer_p90 float8,
		busiest_route text,
		route_flights int,
		published_km float8,
		great_circle_km float8
	)
	LANGUAGE sql STABLE
AS $$
	-- flights that leave or reach the hub
	WITH hub_flight AS (
		SELECT extract(hour FROM f.departure)::int AS hour,
		       f.delay,
		       f.distance,
		       f.origin,
		       f.destination
		FROM public.flights f
		WHERE airport IN (f.origin, f.destination)
	),
	-- how late every airport's flights are, and the hub's place among them
	airport_hour AS (
		SELECT a.iata,
		       extract(hour FROM f.departure)::int AS hour,
		       count(*)::int AS flights,
		       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY f.delay) AS delay
		FROM public.flights f,
		     unnest(ARRAY[f.origin, f.destination]) AS a(iata)
		GROUP BY 1, 2
	),
	ranked AS (
		SELECT h.iata,
		       h.hour,
		       h.flights,
		       h.delay,
		       rank() OVER (PARTITION BY h.hour ORDER BY h.delay[1])::int AS delay_rank,
		       count(*) OVER (PARTITION BY h.hour)::int AS airports
		FROM airport_hour h
	),
	-- flights anywhere whose length is within 2 % of one of the hub's routes
	peer_distance AS (
		SELECT DISTINCT t.distance
		FROM (SELECT DISTINCT distance FROM public.flight_times) t
		JOIN (SELECT DISTINCT distance FROM hub_flight) h
		  ON 50 * abs(t.distance - h.distance) <= h.distance
	),
	peer_hour AS (
		SELECT floor(t.hour)::int AS hour,
		       count(*)::int AS peers,
		       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY t.delay) AS delay
		FROM public.flight_times t
		JOIN peer_distance USING (distance)
		GROUP BY 1
	),
	-- of equally busy routes the alphabetically first one
	busiest AS (
		SELECT DISTINCT ON (h.hour)
		       h.hour,
		       h.origin,
		       h.destination,
		       count(*)::int AS route_flights,
		       max(h.distance) * 1.609344 AS published_km
		FROM hub_flight h
		GROUP BY h.hour, h.origin, h.destination
		ORDER BY h.hour, route_flights DESC, h.origin, h.destination
	)
	SELECT r.iata,
	       hour,
	       r.flights,
	       r.delay[1],
	       r.delay[2],
	       r.delay_rank,
	       r.airports,
	       coalesce(p.peers, 0),
	       p.delay[1],
	       p.delay[2],
	       b.origin || '-' || b.destination,
	       b.route_flights,
	       round(b.published_km, 1)::float8,
	       round(public.great_circle_km(o.latitude, o.longitude, d.latitude, d.longitude)::numeric, 1)::float8
	FROM ranked r
	JOIN busiest b USING (hour)
	LEFT JOIN peer_hour p USING (hour)
	LEFT JOIN public.airports o ON o.iata = b.origin
	LEFT JOIN public.airports d ON d.iata = b.destination
	WHERE r.iata = airport
	ORDER BY hour
$$;
COMMENT ON FUNCTION hub_report(text)
	IS 'delays by hour of an airport and of flights of equal length in the country, with its busiest routes';
