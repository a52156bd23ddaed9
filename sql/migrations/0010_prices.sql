-- Lists by price: who asks for a price that hardly any event has does not pass all that come.
CREATE INDEX idx_events_price ON events (price) WHERE deleted_at IS NULL;
