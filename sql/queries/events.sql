-- name: EVENTS_GET (id uuid) optional
-- The parts of one event that are the same for everybody: facts, document, counts.
SELECT t.meta, t.doc, t.counts FROM event_texts t WHERE t.event_id = :id;

-- name: EVENTS_GET_FOR (id uuid, viewer uuid) optional
-- The same, and what depends on who reads. (A function that is not called costs, too: the statement of its own.)
SELECT t.meta, t.doc, t.counts, event_viewer_lines(:id, :viewer) FROM event_texts t WHERE t.event_id = :id;

-- name: EVENT_STATS (id uuid) optional
-- Its counts.
SELECT t.counts FROM event_texts t WHERE t.event_id = :id;

-- name: EVENT_LINK (id uuid) one
-- Where those attending click, as JSON.
SELECT coalesce(to_json(virtual_link)::text, 'null') FROM events WHERE id = :id;

-- name: EVENT_BY_SLUG (slug text) optional
-- The id behind a slug.
SELECT id FROM events WHERE slug = :slug AND deleted_at IS NULL;

-- name: EVENT_TIMES (id uuid) optional
-- Its zone, for whole days in an edit.
SELECT timezone FROM events WHERE id = :id AND deleted_at IS NULL;

-- name: EVENT_CREATE (id uuid, host uuid, body jsonb, quota int4) effect audited
-- A new event.
SELECT f.* FROM event_create(:id, :host, :body, :quota) f;

-- name: EVENT_UPDATE (id uuid, user uuid, admin bool, patch jsonb, versions int4[]) effect audited
-- Changes an event.
SELECT f.* FROM event_update(:id, :user, :admin, :patch, :versions) f;

-- name: EVENT_PUBLISH (id uuid, user uuid, admin bool, versions int4[]) effect audited
-- A draft becomes active.
SELECT f.* FROM event_publish(:id, :user, :admin, :versions) f;

-- name: EVENT_CANCEL (id uuid, user uuid, admin bool, reason text, versions int4[]) effect audited
-- Calls an event off.
SELECT f.* FROM event_cancel(:id, :user, :admin, :reason, :versions) f;

-- name: EVENT_DELETE (id uuid, user uuid, admin bool, versions int4[]) effect audited
-- Takes an event away.
SELECT f.* FROM event_delete(:id, :user, :admin, :versions) f;

-- name: EVENT_IMPORT (id uuid, host uuid, body jsonb, key text) effect
-- One line of an import; 200 when it is there already.
SELECT f.* FROM event_import(:id, :host, :body, :key) f;

-- name: CATEGORIES () one
-- All categories as a JSON array.
SELECT coalesce(json_agg(row_to_json(r)), '[]')::text FROM (
  SELECT name, slug, description, icon, color, is_active FROM categories ORDER BY id) r;

-- name: CATEGORY_PROBLEM (word text) one
-- Why a category is refused, or NULL.
SELECT CASE WHEN category_id(:word) IS NULL THEN category_choices() END;

-- name: VIEWS_ADD (ids uuid[], ns int4[]) none
-- A worker's view counts.
INSERT INTO view_deltas SELECT * FROM unnest(:ids, :ns);
