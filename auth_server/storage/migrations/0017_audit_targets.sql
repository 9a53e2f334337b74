-- What an event was done to, where that is no user: an internal service, a key, a mail. Expand only: an event without one
-- is written, and has its place in the chain, as before.

ALTER TABLE audit_events ADD COLUMN target text;
