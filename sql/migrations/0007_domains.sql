-- The other CHECK constraints of what is written often, as domains, for the reason of 0005: each was
-- parsed again by every INSERT and UPDATE. That who waits has a place, and nobody else, is a question of
-- check_invariants() now.
CREATE DOMAIN free_seats AS int CONSTRAINT free_seats_not_negative CHECK (VALUE >= 0);
ALTER TABLE seat_counters DROP CONSTRAINT seat_counters_remaining_check, ALTER COLUMN remaining TYPE free_seats;
ALTER TABLE rsvps DROP CONSTRAINT rsvps_check;

CREATE DOMAIN people_waiting AS int CONSTRAINT people_waiting_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN slot_count AS smallint CONSTRAINT slot_count_known CHECK (VALUE BETWEEN 1 AND 32);
ALTER TABLE event_seats DROP CONSTRAINT event_seats_waiting_check, DROP CONSTRAINT event_seats_n_check,
  ALTER COLUMN waiting TYPE people_waiting, ALTER COLUMN n TYPE slot_count;

CREATE DOMAIN event_title AS text CONSTRAINT event_title_length CHECK (length(VALUE) BETWEEN 3 AND 255);
CREATE DOMAIN event_description AS text CONSTRAINT event_description_length CHECK (length(VALUE) <= 5000);
CREATE DOMAIN event_place AS text CONSTRAINT event_place_length CHECK (length(VALUE) <= 500);
CREATE DOMAIN web_address AS text CONSTRAINT web_address_length CHECK (length(VALUE) <= 2000);
CREATE DOMAIN latitude AS double precision CONSTRAINT latitude_on_earth CHECK (VALUE BETWEEN -90 AND 90);
CREATE DOMAIN longitude AS double precision CONSTRAINT longitude_on_earth CHECK (VALUE BETWEEN -180 AND 180);
CREATE DOMAIN event_privacy AS text CONSTRAINT event_privacy_known CHECK (VALUE IN ('public', 'private', 'friends_only'));
CREATE DOMAIN few_words AS text[] CONSTRAINT few_words_number CHECK (cardinality(VALUE) <= 10);
CREATE DOMAIN price AS numeric(10,2) CONSTRAINT price_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN currency AS text CONSTRAINT currency_letters CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE DOMAIN attendee_limit AS int CONSTRAINT attendee_limit_range CHECK (VALUE BETWEEN 1 AND 100000);
CREATE DOMAIN event_status AS text CONSTRAINT event_status_known CHECK (VALUE IN ('draft', 'active', 'cancelled', 'completed'));
CREATE DOMAIN cancel_reason AS text CONSTRAINT cancel_reason_length CHECK (length(VALUE) <= 1000);
ALTER TABLE events
  DROP CONSTRAINT events_title_check, ALTER COLUMN title TYPE event_title,
  DROP CONSTRAINT events_description_check, ALTER COLUMN description TYPE event_description,
  DROP CONSTRAINT events_location_check, ALTER COLUMN location TYPE event_place,
  DROP CONSTRAINT events_url_check, ALTER COLUMN url TYPE web_address,
  DROP CONSTRAINT events_image_url_check, ALTER COLUMN image_url TYPE web_address,
  DROP CONSTRAINT events_virtual_link_check, ALTER COLUMN virtual_link TYPE web_address,
  DROP CONSTRAINT events_lat_check, ALTER COLUMN lat TYPE latitude,
  DROP CONSTRAINT events_lng_check, ALTER COLUMN lng TYPE longitude,
  DROP CONSTRAINT events_privacy_check, ALTER COLUMN privacy TYPE event_privacy,
  DROP CONSTRAINT events_tags_check, ALTER COLUMN tags TYPE few_words,
  DROP CONSTRAINT events_media_check, ALTER COLUMN media TYPE few_words,
  DROP CONSTRAINT events_price_check, ALTER COLUMN price TYPE price,
  DROP CONSTRAINT events_currency_check, ALTER COLUMN currency TYPE currency,
  DROP CONSTRAINT events_max_attendees_check, ALTER COLUMN max_attendees TYPE attendee_limit,
  DROP CONSTRAINT events_status_check, ALTER COLUMN status TYPE event_status,
  DROP CONSTRAINT events_cancel_reason_check, ALTER COLUMN cancel_reason TYPE cancel_reason;

-- It returns the message's id now: an assignment costs less than PERFORM.
DROP FUNCTION IF EXISTS outbox_put(text, text, text, uuid, bigint, uuid, text, text);
DROP FUNCTION IF EXISTS rsvp_hidden(event_seats, rsvps, text, uuid), seat_take(uuid, event_seats, text, text);
