-- Events, their stored documents, seats, answers, and who relates to them.

CREATE TABLE categories (
  id          smallint PRIMARY KEY,
  slug        text NOT NULL UNIQUE,
  name        text NOT NULL UNIQUE,
  description text NOT NULL,
  icon        text NOT NULL,
  color       text NOT NULL CHECK (color ~ '^#[0-9A-F]{6}$'),
  aliases     text[] NOT NULL DEFAULT '{}',
  is_active   boolean NOT NULL DEFAULT true
);
INSERT INTO categories (id, slug, name, description, icon, color, aliases) VALUES
  (1, 'networking', 'Networking', 'Professional networking events', 'network', '#3B82F6', '{}'),
  (2, 'workshop', 'Workshop', 'Educational workshops and training', 'workshop', '#10B981', '{}'),
  (3, 'conference', 'Conference', 'Industry conferences and summits', 'conference', '#8B5CF6', '{}'),
  (4, 'meetup', 'Meetup', 'Casual meetups and social events', 'meetup', '#F59E0B', '{}'),
  (5, 'webinar', 'Webinar', 'Online webinars and presentations', 'webinar', '#EF4444', '{}'),
  (6, 'career', 'Career', 'Career development and job fairs', 'career', '#6366F1', '{}'),
  (7, 'technology', 'Technology', 'Software, hardware and the people who make them', 'technology', '#0EA5E9', '{tech}'),
  (8, 'business', 'Business', 'Trade, finance and entrepreneurship', 'business', '#64748B', '{}'),
  (9, 'arts', 'Arts', 'Music, theatre, film and exhibitions', 'arts', '#EC4899', '{art}'),
  (10, 'sports', 'Sports', 'Matches, races and training', 'sports', '#22C55E', '{sport}');

CREATE TABLE events (
  id               uuid PRIMARY KEY,
  slug             text NOT NULL UNIQUE,
  title            text NOT NULL CHECK (length(title) BETWEEN 3 AND 255),
  description      text CHECK (length(description) <= 5000),
  location         text CHECK (length(location) <= 500),
  location_words   text[] NOT NULL DEFAULT '{}',
  url              text CHECK (length(url) <= 2000),
  lat              double precision CHECK (lat BETWEEN -90 AND 90),
  lng              double precision CHECK (lng BETWEEN -180 AND 180),
  start_date       timestamptz NOT NULL,
  end_date         timestamptz,
  timezone         text NOT NULL DEFAULT 'UTC',
  privacy          text NOT NULL DEFAULT 'public' CHECK (privacy IN ('public', 'private', 'friends_only')),
  category_id      smallint REFERENCES categories,
  tags             text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 10),
  media            text[] NOT NULL DEFAULT '{}' CHECK (cardinality(media) <= 10),
  image_url        text CHECK (length(image_url) <= 2000),
  is_virtual       boolean NOT NULL DEFAULT false,
  virtual_link     text CHECK (length(virtual_link) <= 2000),
  price            numeric(10,2) NOT NULL DEFAULT 0 CHECK (price >= 0),
  currency         text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
  max_attendees    int CHECK (max_attendees BETWEEN 1 AND 100000),
  waitlist_enabled boolean NOT NULL DEFAULT true,
  status           text NOT NULL DEFAULT 'active' CHECK (status IN ('draft', 'active', 'cancelled', 'completed')),
  cancel_reason    text CHECK (length(cancel_reason) <= 1000),
  host_id          uuid NOT NULL REFERENCES users,
  version          int NOT NULL DEFAULT 1,
  import_key       text UNIQUE,
  series_id        uuid,
  seeded           boolean NOT NULL DEFAULT false,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  deleted_at       timestamptz,
  ends_at          timestamptz NOT NULL,  -- end_date, or 24 hours after the start
  CHECK (end_date > start_date),
  CHECK ((lat IS NULL) = (lng IS NULL))
);
CREATE INDEX idx_events_start_date ON events (start_date, id) WHERE privacy = 'public' AND status = 'active' AND deleted_at IS NULL;
CREATE INDEX idx_events_dates ON events (start_date, id) WHERE deleted_at IS NULL;
CREATE INDEX idx_events_coming ON events (start_date, id) WHERE status = 'active' AND deleted_at IS NULL;
CREATE INDEX idx_events_created ON events (created_at, id) WHERE privacy = 'public' AND status = 'active' AND deleted_at IS NULL;
CREATE INDEX idx_events_category ON events (category_id, start_date, id) WHERE privacy = 'public' AND status = 'active' AND deleted_at IS NULL;
CREATE INDEX idx_events_created_by ON events (host_id, start_date, id) WHERE deleted_at IS NULL;
CREATE INDEX idx_events_status ON events (status, ends_at) WHERE deleted_at IS NULL;
CREATE INDEX idx_events_tags ON events USING gin (tags);
CREATE INDEX idx_events_location ON events USING gin (location_words);

-- The finished core document, and the line of facts that policy needs without parsing it:
-- version privacy status host_id flags (l = has a link for those attending).
CREATE TABLE event_docs (
  event_id uuid PRIMARY KEY REFERENCES events ON DELETE CASCADE,
  version  int NOT NULL,
  shape    int NOT NULL,
  meta     text NOT NULL,
  doc      text NOT NULL
);
CREATE INDEX idx_event_docs_shape ON event_docs (shape);

-- Popularity, refreshed by a job; an event without a row has score 0.
CREATE TABLE event_scores (
  event_id uuid PRIMARY KEY REFERENCES events ON DELETE CASCADE,
  score    double precision NOT NULL DEFAULT 0
);
CREATE INDEX idx_event_scores ON event_scores (score DESC, event_id);

-- What seats mean. Written only under the event's exclusive advisory lock.
CREATE TABLE event_seats (
  event_id  uuid PRIMARY KEY REFERENCES events ON DELETE CASCADE,
  capacity  int,                       -- NULL: unlimited
  waiting   int NOT NULL DEFAULT 0 CHECK (waiting >= 0),
  wl_seq    bigint NOT NULL DEFAULT 0, -- last place given out in the waiting list
  n         smallint NOT NULL DEFAULT 1 CHECK (n BETWEEN 1 AND 32),
  open      boolean NOT NULL,
  closes_at timestamptz NOT NULL,
  waitlist  boolean NOT NULL,
  privacy   text NOT NULL,
  raising   boolean NOT NULL DEFAULT false  -- capacity is on its way to events.max_attendees
) WITH (fillfactor = 50);

-- Free seats and head counts, in n slots so that many can count at once. A slot's going may be
-- negative (taken in one, given back in another); only sums mean something, but remaining is real.
CREATE TABLE seat_counters (
  pool_id    uuid NOT NULL,
  slot       smallint NOT NULL,
  remaining  int NOT NULL CHECK (remaining >= 0),
  going      int NOT NULL DEFAULT 0,
  interested int NOT NULL DEFAULT 0,
  maybe      int NOT NULL DEFAULT 0,
  seq        bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (pool_id, slot)
) WITH (fillfactor = 25);

CREATE TABLE event_counters (
  event_id uuid PRIMARY KEY REFERENCES events ON DELETE CASCADE,
  views    bigint NOT NULL DEFAULT 0,
  shares   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE view_deltas (
  event_id uuid NOT NULL,
  n        int NOT NULL
);

CREATE TABLE event_hosts (
  event_id    uuid NOT NULL REFERENCES events ON DELETE CASCADE,
  user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  permissions text[] NOT NULL DEFAULT '{edit,invite,checkin,moderate}'
    CHECK (permissions <@ '{edit,invite,checkin,moderate}'),
  added_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (event_id, user_id)
);
CREATE INDEX idx_event_hosts_user ON event_hosts (user_id);

CREATE TABLE invitations (
  id           uuid PRIMARY KEY,
  event_id     uuid NOT NULL REFERENCES events ON DELETE CASCADE,
  inviter_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  invitee_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'declined')),
  message      text CHECK (length(message) <= 1000),
  created_at   timestamptz NOT NULL DEFAULT now(),
  responded_at timestamptz,
  UNIQUE (event_id, invitee_id)
);
CREATE INDEX idx_invitations_invitee ON invitations (invitee_id);

CREATE TABLE rsvps (
  id                uuid NOT NULL,
  event_id          uuid NOT NULL REFERENCES events,
  user_id           uuid NOT NULL REFERENCES users,
  state             text NOT NULL CHECK (state IN
                      ('interested', 'maybe', 'not_going', 'held', 'going', 'waitlisted', 'cancelled')),
  seats             smallint NOT NULL DEFAULT 1 CHECK (seats = 1),
  hold_until        timestamptz,
  wl_seq            bigint,
  seq               int NOT NULL DEFAULT 1,
  checked_in_at     timestamptz,
  no_show           boolean NOT NULL DEFAULT false,
  registration_data jsonb,
  seeded            boolean NOT NULL DEFAULT false,
  registered_at     timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (event_id, user_id),
  CHECK ((state = 'waitlisted') = (wl_seq IS NOT NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX idx_registrations_waiting ON rsvps (event_id, wl_seq) WHERE state = 'waitlisted';
CREATE INDEX idx_registrations_event ON rsvps (event_id, registered_at, user_id) WHERE state = 'going';
CREATE INDEX idx_registrations_user ON rsvps (user_id, event_id);

CREATE TABLE rsvp_history (
  event_id   uuid NOT NULL,
  user_id    uuid NOT NULL,
  seq        int NOT NULL,
  from_state text,
  to_state   text NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  seeded     boolean NOT NULL DEFAULT false,
  PRIMARY KEY (event_id, user_id, seq)
);

-- How many wait in each run of 256 places, so that a position is not counted from the head.
CREATE TABLE waitlist_blocks (
  event_id uuid NOT NULL,
  block    bigint NOT NULL,
  n        int NOT NULL CHECK (n >= 0),
  PRIMARY KEY (event_id, block)
);
