-- A time that servers cannot read would keep every event behind it out of the chain, for ever: one row, by whoever may
-- add events. Rows of before are not asked; servers have written no others.

ALTER TABLE audit_events
    ADD CONSTRAINT audit_events_at_check
    CHECK (at >= timestamptz '1970-01-01 00:00+00' AND at < timestamptz '10000-01-01 00:00+00') NOT VALID;
