-- Load the data of examples/data into four tables.
--
-- Run it in that folder, or name the folder:
--     psql -v data=examples/data -f examples/load.sql
\set ON_ERROR_STOP on
\if :{?data}
\cd :data
\endif
SET client_min_messages = warning;

BEGIN;

-- A line of JSON is read as one CSV field: quote and delimiter are control
-- characters, which JSON text cannot contain.
CREATE TEMP TABLE document (
	doc jsonb
) ON COMMIT DROP;

-- 20,000 flights between named airports
CREATE TABLE flights (
	departure timestamp NOT NULL,
	delay int NOT NULL,
	distance int NOT NULL,
	origin text NOT NULL,
	destination text NOT NULL
);
COMMENT ON COLUMN flights.delay IS 'minutes late on arrival; negative when early';
COMMENT ON COLUMN flights.distance IS 'as published, statute miles';

\copy document FROM PROGRAM 'gzip -dc flights-20k.jsonl.gz' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
INSERT INTO flights
SELECT (doc ->> 'date')::timestamp,
       (doc ->> 'delay')::int,
       (doc ->> 'distance')::int,
       doc ->> 'origin',
       doc ->> 'destination'
FROM document;
TRUNCATE document;

-- 200,000 flights of the whole country: when, how far, how late
CREATE TABLE flight_times (
	delay int NOT NULL,
	distance int NOT NULL,
	hour float8 NOT NULL
);
COMMENT ON COLUMN flight_times.hour IS 'hour of the day with its fraction';

\copy document FROM PROGRAM 'gzip -dc flights-200k.jsonl.gz' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
INSERT INTO flight_times
SELECT (doc ->> 'delay')::int,
       (doc ->> 'distance')::int,
       (doc ->> 'time')::float8
FROM document;

-- all airports of the country
CREATE TABLE airports (
	iata text PRIMARY KEY,
	name text NOT NULL,
	city text,
	state text,
	country text NOT NULL,
	latitude float8 NOT NULL,
	longitude float8 NOT NULL
);
\copy airports FROM 'airports.csv' WITH (FORMAT csv, HEADER, NULL 'NA')

-- one week of earthquakes: the file is one document of many lines
CREATE TABLE earthquakes (
	id text PRIMARY KEY,
	properties jsonb NOT NULL,
	geometry jsonb NOT NULL
);
CREATE TEMP TABLE line (
	n bigint GENERATED ALWAYS AS IDENTITY,
	content text
) ON COMMIT DROP;

\copy line (content) FROM 'earthquakes.json' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
INSERT INTO earthquakes
SELECT feature ->> 'id',
       feature -> 'properties',
       feature -> 'geometry'
FROM (SELECT string_agg(content, E'\n' ORDER BY n)::jsonb AS doc FROM line) whole,
     jsonb_array_elements(doc -> 'features') AS feature;

COMMIT;

VACUUM ANALYZE flights, flight_times, airports, earthquakes;
