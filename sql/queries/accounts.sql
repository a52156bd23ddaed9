-- name: ACCOUNTS (q text, roles text[], active text, at timestamptz, id uuid, most int4, skip int4) many
-- One page of people for staff: when, id, document.
SELECT a.at, a.id, a.doc FROM accounts(:q, :roles, :active::boolean[], :at, :id, :most, :skip) a;

-- name: ACCOUNT (id uuid) one
-- All that staff see of one account; NULL for nobody.
SELECT account(:id);

-- name: ACCOUNT_SET (id uuid, by uuid, role text, active bool, ttl int8) effect audited
-- Gives a role, suspends, or lets in again.
SELECT f.* FROM account_set(:id, :by, :role, :active, :ttl) f;

-- name: IMPERSONATION_BEGIN (id uuid, by uuid, user uuid, reason text, seconds int4) effect audited
-- Staff looks at the site as somebody else: their address, role, token epoch.
SELECT f.* FROM impersonation_begin(:id, :by, :user, :reason, :seconds) f;

-- name: IMPERSONATION_END (id uuid) one audited
-- And no longer; false: it was over already.
SELECT impersonation_end(:id);

-- name: AUDIT_PAGE (object uuid, actor uuid, before int8, most int4, skip int4) many
-- One page of the audit log: number, document.
SELECT a.id, a.doc FROM audit_page(:object, :actor, :before, :most, :skip) a;
