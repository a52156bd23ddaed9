-- What the charts of the staff desk show, added up by a job: kind day, category or total.
CREATE TABLE figures (
  kind text NOT NULL,
  key  text NOT NULL,
  n    bigint NOT NULL,
  PRIMARY KEY (kind, key)
);
-- History is written in the order of time: where a day begins is told by few pages, and writing stays
-- as cheap as it was.
CREATE INDEX idx_rsvp_history_at ON rsvp_history USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
-- Few events are drafts: who looks for them does not pass all the others.
CREATE INDEX idx_events_drafts ON events (start_date, id) WHERE status = 'draft' AND deleted_at IS NULL;
