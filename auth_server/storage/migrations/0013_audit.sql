-- The audit log as evidence: who, where and with what result; a chain over its rows; and keys to what is personal in it.
-- Expand only: the version before writes rows without the new columns, which a trigger queues for the chain as well.

ALTER TABLE audit_events
    ADD COLUMN rpc     text,
    ADD COLUMN caller  text,
    ADD COLUMN outcome text    NOT NULL DEFAULT 'ok',
    ADD COLUMN repeats integer NOT NULL DEFAULT 1,
    ADD COLUMN key_id  uuid,
    ADD COLUMN sealed  bytea;

-- A key a person, which goes with them: what was sealed under it can be read by nobody any more. Of somebody who is no
-- user, the subject is a keyed hash of what they typed.
CREATE TABLE audit_keys (
    id         uuid        PRIMARY KEY,
    subject    bytea       NOT NULL UNIQUE,
    user_id    uuid        REFERENCES users ON DELETE CASCADE,
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX audit_keys_user_id_idx ON audit_keys (user_id);
CREATE INDEX audit_keys_strangers_idx ON audit_keys (created_at) WHERE user_id IS NULL;

-- Events that the chain does not hold yet. Who writes events never waits for the chain, nor for each other.
CREATE TABLE audit_pending (
    event_id bigint PRIMARY KEY
);

-- The chain: every event has one place in it, and each hash is made of the one before.
CREATE TABLE audit_links (
    position bigint PRIMARY KEY,
    event_id bigint NOT NULL UNIQUE,
    hash     bytea  NOT NULL
);

CREATE TABLE audit_checkpoints (
    position  bigint      PRIMARY KEY,
    hash      bytea       NOT NULL,
    at        timestamptz NOT NULL,
    kid       text        NOT NULL,
    signature bytea       NOT NULL
);

-- What signs checkpoints; the public half is made of the private one, which the sealing keys open.
CREATE TABLE audit_signing_keys (
    kid        text        PRIMARY KEY,
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE FUNCTION queue_audit_event() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_pending (event_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

INSERT INTO audit_pending (event_id) SELECT id FROM audit_events;

CREATE TRIGGER audit_events_queue AFTER INSERT ON audit_events
    FOR EACH ROW EXECUTE FUNCTION queue_audit_event();

-- The one way in which events go, and with the rights of the tables' owner: a server whose role may not delete them can
-- still let go of the beginning of the chain, up to a checkpoint, whose events are all older than asked, and than thirty
-- days. Somewhat more than `most` go at once, to the checkpoint behind them.
CREATE FUNCTION drop_audit_events(before timestamptz, most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    cutoff   timestamptz := LEAST(before, now() - interval '30 days');
    first    bigint;
    young    bigint;
    boundary bigint;
    dropped  bigint;
BEGIN
    -- One at a time, and not while the chain grows.
    IF NOT pg_try_advisory_xact_lock(7449363236472320321) THEN
        RETURN 0;
    END IF;
    SELECT min(position) INTO first FROM audit_links;
    SELECT position INTO boundary FROM audit_checkpoints WHERE position >= first + most - 1 ORDER BY position LIMIT 1;
    SELECT audit_links.position INTO young
      FROM audit_links
      JOIN audit_events ON audit_events.id = audit_links.event_id
     WHERE audit_events.at >= cutoff
       AND (boundary IS NULL OR audit_links.position <= boundary)
     ORDER BY audit_links.position
     LIMIT 1;
    SELECT max(position) INTO boundary
      FROM audit_checkpoints
     WHERE position >= first
       AND (boundary IS NULL OR position <= boundary)
       AND (young IS NULL OR position < young);
    IF boundary IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM audit_events USING audit_links
     WHERE audit_links.event_id = audit_events.id
       AND audit_links.position <= boundary;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    DELETE FROM audit_links WHERE position <= boundary;
    DELETE FROM audit_checkpoints WHERE position < boundary;
    RETURN dropped;
END
$$;

REVOKE EXECUTE ON FUNCTION drop_audit_events(timestamptz, bigint) FROM PUBLIC;
