-- Demonstration data: people, events and answers, made by set-based statements, the same for the
-- same seed (times are relative to now). Every row is marked seeded; nothing reaches the outbox.
SET LOCAL check_function_bodies = off;

-- A number >= 0 that depends on all three arguments; k tells apart what it is for.
CREATE OR REPLACE FUNCTION demo_h(seed bigint, k int, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashint8extended(n, seed * 1009 + k) & 9223372036854775807
$$;
CREATE OR REPLACE FUNCTION demo_pick(list text[], h bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT list[1 + h % cardinality(list)]
$$;
-- UUID version 7 in the order of n. k: 1 person, 2 event, 3 answer.
CREATE OR REPLACE FUNCTION demo_id(seed bigint, k int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT overlay(overlay(overlay(md5(int8send(seed) || int4send(k) || int8send(n))
           PLACING lpad(to_hex(1735689600000 + n), 12, '0') FROM 1) PLACING '7' FROM 13) PLACING '8' FROM 17)::uuid
$$;

CREATE OR REPLACE FUNCTION demo_cities() RETURNS TABLE (i int, city text, country text, lat float8, lng float8, zone text,
  money text) LANGUAGE sql IMMUTABLE AS $$
  VALUES (0, 'Berlin', 'Germany', 52.52, 13.405, 'Europe/Berlin', 'EUR'),
    (1, 'Hamburg', 'Germany', 53.5511, 9.9937, 'Europe/Berlin', 'EUR'),
    (2, 'München', 'Germany', 48.1351, 11.582, 'Europe/Berlin', 'EUR'),
    (3, 'Wien', 'Austria', 48.2082, 16.3738, 'Europe/Vienna', 'EUR'),
    (4, 'Zürich', 'Switzerland', 47.3769, 8.5417, 'Europe/Zurich', 'CHF'),
    (5, 'Paris', 'France', 48.8566, 2.3522, 'Europe/Paris', 'EUR'),
    (6, 'Lyon', 'France', 45.764, 4.8357, 'Europe/Paris', 'EUR'),
    (7, 'Amsterdam', 'Netherlands', 52.3676, 4.9041, 'Europe/Amsterdam', 'EUR'),
    (8, 'Brussels', 'Belgium', 50.8503, 4.3517, 'Europe/Brussels', 'EUR'),
    (9, 'London', 'United Kingdom', 51.5074, -0.1278, 'Europe/London', 'GBP'),
    (10, 'Manchester', 'United Kingdom', 53.4808, -2.2426, 'Europe/London', 'GBP'),
    (11, 'Dublin', 'Ireland', 53.3498, -6.2603, 'Europe/Dublin', 'EUR'),
    (12, 'Madrid', 'Spain', 40.4168, -3.7038, 'Europe/Madrid', 'EUR'),
    (13, 'Barcelona', 'Spain', 41.3874, 2.1686, 'Europe/Madrid', 'EUR'),
    (14, 'Lisboa', 'Portugal', 38.7223, -9.1393, 'Europe/Lisbon', 'EUR'),
    (15, 'Milano', 'Italy', 45.4642, 9.19, 'Europe/Rome', 'EUR'),
    (16, 'Roma', 'Italy', 41.9028, 12.4964, 'Europe/Rome', 'EUR'),
    (17, 'København', 'Denmark', 55.6761, 12.5683, 'Europe/Copenhagen', 'DKK'),
    (18, 'Stockholm', 'Sweden', 59.3293, 18.0686, 'Europe/Stockholm', 'SEK'),
    (19, 'Oslo', 'Norway', 59.9139, 10.7522, 'Europe/Oslo', 'NOK'),
    (20, 'Helsinki', 'Finland', 60.1699, 24.9384, 'Europe/Helsinki', 'EUR'),
    (21, 'Tallinn', 'Estonia', 59.437, 24.7536, 'Europe/Tallinn', 'EUR'),
    (22, 'Warszawa', 'Poland', 52.2297, 21.0122, 'Europe/Warsaw', 'PLN'),
    (23, 'Praha', 'Czechia', 50.0755, 14.4378, 'Europe/Prague', 'CZK'),
    (24, 'Budapest', 'Hungary', 47.4979, 19.0402, 'Europe/Budapest', 'HUF'),
    (25, 'Athens', 'Greece', 37.9838, 23.7275, 'Europe/Athens', 'EUR'),
    (26, 'New York', 'United States', 40.7128, -74.006, 'America/New_York', 'USD'),
    (27, 'Boston', 'United States', 42.3601, -71.0589, 'America/New_York', 'USD'),
    (28, 'Chicago', 'United States', 41.8781, -87.6298, 'America/Chicago', 'USD'),
    (29, 'Austin', 'United States', 30.2672, -97.7431, 'America/Chicago', 'USD'),
    (30, 'Denver', 'United States', 39.7392, -104.9903, 'America/Denver', 'USD'),
    (31, 'San Francisco', 'United States', 37.7749, -122.4194, 'America/Los_Angeles', 'USD'),
    (32, 'Seattle', 'United States', 47.6062, -122.3321, 'America/Los_Angeles', 'USD'),
    (33, 'Toronto', 'Canada', 43.6532, -79.3832, 'America/Toronto', 'CAD'),
    (34, 'Montréal', 'Canada', 45.5019, -73.5674, 'America/Toronto', 'CAD'),
    (35, 'São Paulo', 'Brazil', -23.5505, -46.6333, 'America/Sao_Paulo', 'BRL'),
    (36, 'Buenos Aires', 'Argentina', -34.6037, -58.3816, 'America/Argentina/Buenos_Aires', 'USD'),
    (37, 'Cape Town', 'South Africa', -33.9249, 18.4241, 'Africa/Johannesburg', 'ZAR'),
    (38, 'Nairobi', 'Kenya', -1.2921, 36.8219, 'Africa/Nairobi', 'USD'),
    (39, 'Tel Aviv', 'Israel', 32.0853, 34.7818, 'Asia/Jerusalem', 'ILS'),
    (40, 'Bengaluru', 'India', 12.9716, 77.5946, 'Asia/Kolkata', 'INR'),
    (41, 'Mumbai', 'India', 19.076, 72.8777, 'Asia/Kolkata', 'INR'),
    (42, 'Singapore', 'Singapore', 1.3521, 103.8198, 'Asia/Singapore', 'SGD'),
    (43, 'Seoul', 'South Korea', 37.5665, 126.978, 'Asia/Seoul', 'KRW'),
    (44, 'Tokyo', 'Japan', 35.6762, 139.6503, 'Asia/Tokyo', 'JPY'),
    (45, 'Sydney', 'Australia', -33.8688, 151.2093, 'Australia/Sydney', 'AUD'),
    (46, 'Melbourne', 'Australia', -37.8136, 144.9631, 'Australia/Melbourne', 'AUD'),
    (47, 'Auckland', 'New Zealand', -36.8509, 174.7645, 'Pacific/Auckland', 'NZD')
$$;

CREATE OR REPLACE FUNCTION demo_topics() RETURNS TABLE (i int, topic text, category smallint, tags text[]) LANGUAGE sql IMMUTABLE AS $$
  VALUES (0, 'Rust', 7::smallint, ARRAY['rust', 'programming']), (1, 'C and Systems', 7, '{c,linux,systems}'),
    (2, 'Python', 7, '{python,programming}'), (3, 'JavaScript', 7, '{javascript,web}'), (4, 'PostgreSQL', 7, '{postgresql,databases}'),
    (5, 'Cloud Native', 7, '{cloud,kubernetes}'), (6, 'Machine Learning', 7, '{ai,machine-learning}'),
    (7, 'Security', 7, '{security,privacy}'), (8, 'Open Source', 7, '{open-source,community}'),
    (9, 'Data Engineering', 7, '{data,kafka}'), (10, 'Embedded', 7, '{embedded,hardware}'), (11, 'Game Development', 7, '{games,graphics}'),
    (12, 'Accessibility', 7, '{accessibility,web}'), (13, 'Observability', 7, '{monitoring,sre}'),
    (14, 'Start-up', 8, '{startups,founders}'), (15, 'Product Management', 8, '{product,management}'),
    (16, 'Marketing', 8, '{marketing,growth}'), (17, 'Finance', 8, '{finance,accounting}'), (18, 'Social Enterprise', 8, '{social,impact}'),
    (19, 'E-Commerce', 8, '{commerce,retail}'), (20, 'Leadership', 8, '{leadership,teams}'), (21, 'Women in Business', 8, '{women,mentoring}'),
    (22, 'Jazz', 9, '{music,jazz}'), (23, 'Photography', 9, '{photography,art}'), (24, 'Poetry', 9, '{literature,reading}'),
    (25, 'Watercolour', 9, '{painting,art}'), (26, 'Documentary Film', 9, '{film,documentary}'), (27, 'Choir', 9, '{music,singing}'),
    (28, 'Ceramics', 9, '{crafts,ceramics}'), (29, 'Improvised Theatre', 9, '{theatre,improv}'),
    (30, 'Running', 10, '{running,outdoors}'), (31, 'Climbing', 10, '{climbing,bouldering}'), (32, 'Yoga', 10, '{yoga,health}'),
    (33, 'Chess', 10, '{chess,games}'), (34, 'Cycling', 10, '{cycling,outdoors}'), (35, 'Swimming', 10, '{swimming,health}'),
    (36, 'Basketball', 10, '{basketball,teams}'), (37, 'Hiking', 10, '{hiking,outdoors}'), (38, 'Climate', 8, '{climate,energy}'),
    (39, 'Urban Gardening', 9, '{gardening,sustainability}')
$$;

-- What is there already.
CREATE OR REPLACE FUNCTION demo_state(OUT people bigint, OUT gatherings bigint) LANGUAGE sql STABLE AS $$
  SELECT (SELECT count(*) FROM users WHERE seeded), (SELECT count(*) FROM events WHERE seeded)
$$;

-- People first..last. Every tenth, and the first, organizes events.
CREATE OR REPLACE FUNCTION demo_users(seed bigint, first int, last int, hash text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  done int;
  given text[] := '{Ada,Akira,Amara,Ana,Anton,Asha,Aylin,Bela,Björn,Carla,Chidi,Chloé,Dana,David,Diego,Elif,Emma,Erik,Fatima,Felix,Freya,Giulia,Hana,Hugo,Ines,Ivan,Jana,João,Jonas,Kaito,Kavya,Lars,Leila,Lena,Liam,Lucía,Maja,Marco,Mei,Mila,Nadia,Naomi,Nils,Noah,Olga,Omar,Paula,Priya,Quentin,Ravi,Rosa,Sami,Sara,Sofia,Tariq,Thandi,Tomás,Uma,Vera,Viktor,Wanjiru,Yara,Yusuf,Zoe}';
  family text[] := '{Andersen,Bauer,Becker,Berg,Bianchi,Castro,Chen,Cohen,Costa,Dubois,Eriksen,Fernández,Fischer,García,Gupta,Haddad,Hansen,Horvat,Ito,Ivanova,Jansen,Kamau,Kaya,Keller,Khan,Kim,Kowalski,Kumar,Lambert,Larsen,Lehmann,Lindqvist,Lopes,Martin,Mbeki,Meyer,Moreau,Mori,Müller,Nakamura,Novak,Nowak,Okafor,Okoye,Park,Patel,Pereira,Petrov,Ricci,Rossi,Sato,Schmidt,Silva,Singh,Smith,Sørensen,Suzuki,Tanaka,Thompson,Virtanen,Weber,Williams,Yılmaz,Zhang}';
  trade text[] := '{Software,Education,Finance,Health,Media,Research,Design,Retail,Energy,Hospitality}';
BEGIN
  INSERT INTO users (id, email, password_hash, name, username, bio, location, lat, lng, industry, interests, birthday,
                     timezone, role, seeded, created_at, updated_at)
  SELECT demo_id(seed, 1, n), 'user' || n || '@demo.example', hash, p.name,
    trim(BOTH '-' FROM left(regexp_replace(lower(public.unaccent(p.name)), '[^a-z]+', '-', 'g'), 20)) || n,
    format('%s in %s. Likes %s.', demo_pick('{Organizes,Listens,Speaks,Helps out,Studies}', demo_h(seed, 10, n)), c.city, lower(t.topic)),
    c.city || ', ' || c.country,
    round((c.lat + (demo_h(seed, 11, n) % 2000 - 1000) / 10000.0)::numeric, 5), round((c.lng + (demo_h(seed, 12, n) % 2000 - 1000) / 10000.0)::numeric, 5),
    demo_pick(trade, demo_h(seed, 13, n)), t.tags,
    date '1955-01-01' + (demo_h(seed, 14, n) % 18000)::int, c.zone,
    CASE WHEN n % 10 = 1 THEN 'organizer' ELSE 'user' END, true, p.at, p.at
  FROM (SELECT n, demo_pick(given, demo_h(seed, 15, n)) || ' ' || demo_pick(family, demo_h(seed, 16, n)) AS name,
          date_trunc('second', now() - interval '400 days' - demo_h(seed, 17, n) % 600 * interval '1 day') AS at
        FROM generate_series(first, last) n) p
  JOIN demo_cities() c ON c.i = demo_h(seed, 18, n) % 48 JOIN demo_topics() t ON t.i = demo_h(seed, 19, n) % 40;
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done;
END $$;

-- Two friendships per person, as far as there are others.
CREATE OR REPLACE FUNCTION demo_friends(seed bigint, people int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  done int;
BEGIN
  INSERT INTO friendships (user_a, user_b, status, requested_by)
  SELECT least(a, b), greatest(a, b), CASE WHEN demo_h(seed, 20, n) % 10 = 0 THEN 'pending' ELSE 'accepted' END, a
  FROM (SELECT n, demo_id(seed, 1, n) AS a, demo_id(seed, 1, 1 + (n - 1 + 1 + demo_h(seed, 21 + k, n) % (people - 1)) % people) AS b
        FROM generate_series(1, people) n, generate_series(0, 1) k WHERE people > 1 OFFSET 0) f
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done;
END $$;

-- Events first..last: most of them in the year to come, some over, a few called off. Without seats
-- and documents, which demo_answers and demo_docs write.
CREATE OR REPLACE FUNCTION demo_events(seed bigint, first int, last int, people int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  done int;
  venue text[] := '{Town Hall,Central Library,Riverside Hall,The Old Factory,Station Forum,University Auditorium,Harbour House,Garden Pavilion}';
  style text[] := '{Spring,Autumn,Open,Friendly,Monthly,Practical,First,Grand,Small,International,Neighbourhood,Weekend}';
BEGIN
  WITH places AS MATERIALIZED (
    SELECT c.*, v.n AS v, v.hall || ', ' || c.city || ', ' || c.country AS location, words(v.hall || ' ' || c.city || ' ' || c.country) AS location_words
    FROM demo_cities() c, unnest(venue) WITH ORDINALITY AS v(hall, n)),
  kinds (i, kind, category, hours) AS (VALUES (0, 'Meetup', 4::smallint, 3), (1, 'Conference', 3, 8), (2, 'Workshop', 2, 4), (3, 'Webinar', 5, 1),
    (4, 'Networking Evening', 1, 3), (5, 'Career Fair', 6, 6), (6, 'Night', NULL, 3), (7, 'Day', NULL, 8), (8, 'Course', NULL, 2),
    (9, 'Festival', NULL, 36), (10, 'Circle', NULL, 2), (11, 'Summit', 3, 26)),
  e AS (
    SELECT n, p.*, k.kind, k.hours, coalesce(k.category, t.category) AS category, t.topic, t.tags,
      demo_h(seed, 50, n) AS h, demo_id(seed, 2, n) AS id,
      demo_pick(style, demo_h(seed, 51, n)) || ' ' || t.topic || ' ' || k.kind || ' ' || p.city AS title,
      -- eleven of thirteen lie ahead
      (date_trunc('day', now() AT TIME ZONE p.zone) + (demo_h(seed, 52, n) % 430 - 65) * interval '1 day'
        + (9 + demo_h(seed, 53, n) % 12) * interval '1 hour' + demo_h(seed, 54, n) % 2 * interval '30 minutes') AT TIME ZONE p.zone AS start_date
    FROM generate_series(first, last) n
    JOIN places p ON p.i = demo_h(seed, 55, n) % 48 AND p.v = 1 + demo_h(seed, 56, n) % 8
    JOIN kinds k ON k.i = demo_h(seed, 57, n) % 12 JOIN demo_topics() t ON t.i = demo_h(seed, 58, n) % 40)
  INSERT INTO events (id, slug, title, description, location, location_words, lat, lng, start_date, end_date, timezone, privacy, category_id, tags,
                      is_virtual, virtual_link, price, currency, max_attendees, waitlist_enabled, status, cancel_reason, host_id, seeded,
                      created_at, updated_at, ends_at)
  SELECT id, slug(title, id), title,
    format(E'**%s** for everybody who cares about %s, in %s.\n\n- Talks and time to meet\n- Beginners are welcome\n', kind, lower(topic), city),
    CASE WHEN kind = 'Webinar' THEN 'Online' ELSE location END, CASE WHEN kind = 'Webinar' THEN '{online}' ELSE location_words END,
    CASE WHEN kind <> 'Webinar' THEN round((lat + (h % 997 - 498) / 12000.0)::numeric, 5) END,
    CASE WHEN kind <> 'Webinar' THEN round((lng + (h / 997 % 997 - 498) / 12000.0)::numeric, 5) END,
    start_date, start_date + hours * interval '1 hour', zone,
    CASE WHEN h % 100 < 94 THEN 'public' WHEN h % 100 < 98 THEN 'friends_only' ELSE 'private' END, category, tags || lower(split_part(kind, ' ', 1)),
    kind = 'Webinar', CASE WHEN kind = 'Webinar' THEN 'https://meet.demo.example/' || right(id::text, 10) END,
    CASE WHEN h / 7 % 10 < 6 THEN 0 ELSE (5 + h / 70 % 60) * CASE WHEN money IN ('JPY', 'KRW', 'HUF', 'INR') THEN 100 ELSE 1 END END, money,
    CASE WHEN h / 11 % 100 < 25 THEN NULL WHEN h / 11 % 100 < 45 THEN 4 + h / 1100 % 27 WHEN h / 11 % 100 < 85 THEN 30 + h / 1100 % 270
         WHEN h / 11 % 100 < 98 THEN 300 + h / 1100 % 1700 ELSE 5000 END,
    h / 13 % 100 < 85,
    CASE WHEN h / 17 % 100 = 0 THEN 'cancelled' WHEN start_date + hours * interval '1 hour' <= now() THEN 'completed' ELSE 'active' END,
    CASE WHEN h / 17 % 100 = 0 THEN 'The venue is not available.' END,
    demo_id(seed, 1, 1 + 10 * (demo_h(seed, 59, n) % ((people + 9) / 10))), true,
    c.at, c.at, start_date + hours * interval '1 hour'
  FROM e CROSS JOIN LATERAL (SELECT date_trunc('second', least(now(), start_date) - interval '1 day' - h / 19 % 90 * interval '1 day') AS at) c;
  GET DIAGNOSTICS done = ROW_COUNT;
  INSERT INTO event_hosts (event_id, user_id, added_at)
  SELECT e.id, u.id, e.created_at FROM generate_series(first, last) n JOIN events e ON e.id = demo_id(seed, 2, n)
  CROSS JOIN LATERAL (SELECT demo_id(seed, 1, 1 + demo_h(seed, 60, n) % people) AS id) u
  WHERE demo_h(seed, 61, n) % 20 = 0 AND u.id <> e.host_id;
  INSERT INTO event_scores (event_id) SELECT demo_id(seed, 2, n) FROM generate_series(first, last) n;
  RETURN done;
END $$;

-- How many answers each event gets: few get many (Zipf, exponent 0.8), nobody answers twice.
CREATE OR REPLACE FUNCTION demo_plan(seed bigint, gatherings int, people int, answers int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  missing bigint;
BEGIN
  -- What follows joins all this: without statistics each document would read all people.
  ANALYZE users, friendships, events, event_hosts;
  CREATE TEMP TABLE demo_plan (n int PRIMARY KEY, answers int NOT NULL, start int NOT NULL, step int NOT NULL) ON COMMIT DROP;
  WITH steps AS MATERIALIZED (  -- no common divisor: a walk by such a step meets everybody before it returns
    SELECT array_agg(s) AS list FROM (SELECT s FROM generate_series(1, people) s WHERE gcd(s, people) = 1
                                      ORDER BY demo_h(seed, 70, s) LIMIT 97) c),
  ranked AS (SELECT n, row_number() OVER (ORDER BY demo_h(seed, 71, n)) AS place FROM generate_series(1, gatherings) n),
  weighed AS (SELECT n, place, weight / sum(weight) OVER () AS share
    FROM (SELECT n, place, place::float8 ^ -0.8::float8 AS weight FROM ranked) w)
  INSERT INTO demo_plan
  SELECT n, least(people, floor(answers * share)), demo_h(seed, 72, n) % people,
         steps.list[1 + demo_h(seed, 73, n) % cardinality(steps.list)] FROM weighed, steps;
  LOOP
    missing := demo_plan.answers - (SELECT coalesce(sum(d.answers), 0) FROM demo_plan d);
    EXIT WHEN missing <= 0 OR people = 0;
    WITH room AS (SELECT d.n, row_number() OVER (ORDER BY d.n) AS i, count(*) OVER () AS all_of_them FROM demo_plan d WHERE d.answers < people),
    more AS (SELECT r.n, missing / all_of_them + (i <= missing % all_of_them)::int AS plus FROM room r)
    UPDATE demo_plan d SET answers = least(people, d.answers + m.plus) FROM more m WHERE m.n = d.n;
    EXIT WHEN NOT FOUND;
  END LOOP;
  ANALYZE demo_plan;
  RETURN (SELECT sum(d.answers) FROM demo_plan d);
END $$;

-- The answers to events first..last, with their history, seats, counters and waiting lists. Seats are
-- given in the order of time; who comes later waits, or is merely interested where nobody may wait.
CREATE OR REPLACE FUNCTION demo_answers(seed bigint, first int, last int, people int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  done int;
BEGIN
  WITH ev AS MATERIALIZED (
    SELECT p.n, p.answers, p.start, p.step, e.id, e.max_attendees AS cap, e.waitlist_enabled, e.privacy, e.status, e.start_date, e.ends_at,
           e.created_at, least(now(), e.start_date) - e.created_at AS span
    FROM demo_plan p JOIN events e ON e.id = demo_id(seed, 2, p.n) WHERE p.n BETWEEN first AND last),
  asked AS (
    SELECT ev.*, j, r.h, r.h % 100 < 83 AS wants FROM ev CROSS JOIN LATERAL generate_series(0, answers - 1) j
    CROSS JOIN LATERAL (SELECT demo_h(seed, 80, n * 1000003::bigint + j) AS h OFFSET 0) r),
  counted AS (SELECT *, sum(wants::int) OVER (PARTITION BY n ORDER BY j ROWS UNBOUNDED PRECEDING) AS place FROM asked),
  decided AS MATERIALIZED (
    SELECT id, cap, j, n, h, created_at + span * ((j + 0.5::float8) / answers) AS at, start_date,
      demo_id(seed, 1, 1 + (start + j::bigint * step) % people) AS user_id,
      CASE WHEN NOT wants THEN CASE WHEN h % 100 < 91 THEN 'interested' WHEN h % 100 < 97 THEN 'maybe' ELSE 'not_going' END
           WHEN cap IS NULL OR place <= cap THEN 'going' WHEN waitlist_enabled THEN 'waitlisted' ELSE 'interested' END AS state,
      place - cap AS wl, status = 'completed' AS over
    FROM counted),
  r AS (
    INSERT INTO rsvps (id, event_id, user_id, state, wl_seq, checked_in_at, no_show, seeded, registered_at, updated_at)
    SELECT demo_id(seed, 3, n * 1000003::bigint + j), id, user_id, state, CASE WHEN state = 'waitlisted' THEN wl END,
      CASE WHEN over AND state = 'going' AND h / 100 % 10 < 8 THEN start_date END, over AND state = 'going' AND h / 100 % 10 >= 8, true, at, at
    FROM decided ORDER BY id, user_id RETURNING event_id, checked_in_at),
  came AS (INSERT INTO door_counts SELECT event_id, count(*) FROM r WHERE checked_in_at IS NOT NULL GROUP BY event_id),
  h AS (
    INSERT INTO rsvp_history (event_id, user_id, seq, to_state, at, seeded)
    SELECT id, user_id, 1, state, at, true FROM decided ORDER BY id, user_id RETURNING 1),
  sums AS MATERIALIZED (
    SELECT id, count(*) FILTER (WHERE state = 'going') AS going, count(*) FILTER (WHERE state = 'interested') AS interested,
           count(*) FILTER (WHERE state = 'maybe') AS maybe, count(*) FILTER (WHERE state = 'waitlisted') AS waiting, count(*) AS n
    FROM decided GROUP BY id),
  s AS (
    INSERT INTO event_seats (event_id, capacity, waiting, wl_seq, open, closes_at, waitlist, privacy)
    SELECT ev.id, ev.cap, coalesce(s.waiting, 0), coalesce(s.waiting, 0), ev.status = 'active', ev.ends_at, ev.waitlist_enabled, ev.privacy
    FROM ev LEFT JOIN sums s USING (id)),
  k AS (
    INSERT INTO seat_counters (pool_id, slot, remaining, going, interested, maybe, waitlisted, seq, views, shares)
    SELECT ev.id, 0, coalesce(ev.cap, 1000000000) - coalesce(s.going, 0), coalesce(s.going, 0), coalesce(s.interested, 0), coalesce(s.maybe, 0),
           coalesce(s.waiting, 0), coalesce(s.n, 0), demo_h(seed, 62, ev.n) % 400, demo_h(seed, 63, ev.n) % 12
    FROM ev LEFT JOIN sums s USING (id)),
  b AS (
    INSERT INTO waitlist_blocks SELECT id, wl >> 8, count(*) FROM decided WHERE state = 'waitlisted' GROUP BY id, wl >> 8)
  SELECT count(*) INTO done FROM h;
  RETURN done;
END $$;

-- What event_doc_write does, for many at once.
CREATE OR REPLACE FUNCTION demo_docs(seed bigint, first int, last int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  done int;
BEGIN
  INSERT INTO event_docs (event_id, version, shape, meta, doc)
  SELECT e.id, e.version, event_doc_shape(), event_meta(e), event_doc(e)
  FROM generate_series(first, last) n JOIN events e ON e.id = demo_id(seed, 2, n);
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done;
END $$;

-- In the caller's transaction only: rows made here refer to each other, so the checks of their
-- foreign keys, which take half of the time, are left out where the role may leave them out.
CREATE OR REPLACE FUNCTION demo_begin() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  may boolean := has_parameter_privilege('session_replication_role', 'SET');
BEGIN
  IF may THEN PERFORM set_config('session_replication_role', 'replica', true); END IF;
  RETURN may;
END $$;

CREATE OR REPLACE FUNCTION demo_finish() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  ANALYZE users, friendships, events, event_docs, event_seats, seat_counters, rsvps, rsvp_history;
  PERFORM job_scores('{}');
  RETURN true;
END $$;
