-- Calendars that people subscribe to.

-- The address of somebody's own calendar holds a token; who has it reads what they read.
CREATE TABLE user_feeds (
  user_id    uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  hash       text NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Feeds tell for a while of events that were called off.
CREATE INDEX idx_events_cancelled ON events (start_date, id) WHERE status = 'cancelled' AND deleted_at IS NULL;

-- Lists by words of title and tags. The index stands on this function, which is why it is never changed:
-- another rule is another function and another index.
CREATE FUNCTION event_words(title text, tags text[]) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT w FROM regexp_split_to_table(
    lower(public.unaccent(title || ' ' || array_to_string(tags, ' '))), '[^[:alnum:]]+') w WHERE w <> '');
END $$;
CREATE INDEX idx_events_words ON events USING gin (event_words(title, tags)) WHERE deleted_at IS NULL;
