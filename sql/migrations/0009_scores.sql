-- Every event has a score from its first moment on: the most popular are then the end of one index.
INSERT INTO event_scores (event_id) SELECT id FROM events ON CONFLICT DO NOTHING;
DROP INDEX idx_event_scores;
CREATE INDEX idx_event_scores ON event_scores (score, event_id);
