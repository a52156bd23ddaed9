-- Staff may look at the site as somebody else: actor is who it was, acting_as whom they were for the site.
ALTER TABLE audit_log ADD COLUMN acting_as uuid;
