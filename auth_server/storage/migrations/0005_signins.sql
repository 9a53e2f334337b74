-- The revocation log, what ends a user's sign-ins, and the device of each sign-in.

ALTER TABLE refresh_families
    ADD COLUMN user_agent text,
    ADD COLUMN address    text,
    DROP CONSTRAINT refresh_families_ended_reason_check;

ALTER TABLE refresh_families
    ADD CONSTRAINT refresh_families_ended_reason_check
    CHECK (ended_reason IN ('logout', 'reuse', 'revoked', 'ended', 'user disabled')) NOT VALID;

-- An entry is an end that verifiers elsewhere must hear of. `transaction` is the one that wrote it: all entries below
-- the oldest transaction that still runs have been committed, whatever the order of their numbers, so a reader that
-- goes on from there misses none.
CREATE TABLE revocations (
    number      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction bigint      NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    subject     text        NOT NULL CHECK (subject IN ('sign_in', 'user', 'key')),
    subject_id  text        NOT NULL,
    reason      text        NOT NULL,
    revoked_at  timestamptz NOT NULL
);

CREATE INDEX revocations_transaction_idx ON revocations (transaction, number);

-- The one way into the log; those who wait for entries are woken when the transaction commits.
CREATE FUNCTION log_revocation(subject text, subject_id text, reason text, revoked_at timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO revocations (subject, subject_id, reason, revoked_at) VALUES ($1, $2, $3, $4);
    SELECT pg_notify('gatepost_revocations', '');
$$;

-- What ended long ago by what a statement says ends only now: there are younger tokens, and entries of long ago are not
-- told. Without a time it is the clock's, too: now() is when the transaction began.
CREATE FUNCTION time_of_end(said timestamptz) RETURNS timestamptz
LANGUAGE sql AS $$
    SELECT CASE WHEN said > clock_timestamp() - interval '5 minutes' THEN said ELSE clock_timestamp() END;
$$;

-- Triggers write the entries, so that no statement can forget to, not even one of the version that still runs.
CREATE FUNCTION log_ended_sign_in() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM log_revocation('sign_in', OLD.id::text, 'user deleted', clock_timestamp());
    ELSE
        PERFORM log_revocation('sign_in', NEW.id::text, NEW.ended_reason, time_of_end(NEW.ended_at));
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER refresh_families_log_end AFTER UPDATE OF ended_at ON refresh_families
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION log_ended_sign_in();

CREATE TRIGGER refresh_families_log_deletion AFTER DELETE ON refresh_families
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND OLD.expires > now()) EXECUTE FUNCTION log_ended_sign_in();

-- Each statement of a function sees what was committed before it. The user's row is locked by now, so every sign-in
-- that was let in before is found, and every later one finds the user disabled.
CREATE FUNCTION end_sign_ins_of_user() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM log_revocation('user', OLD.id::text, 'user deleted', clock_timestamp());
        RETURN NULL;
    END IF;
    PERFORM log_revocation('user', NEW.id::text, 'user disabled', time_of_end(NEW.disabled_at));
    UPDATE refresh_families
       SET ended_at = NEW.disabled_at, ended_reason = 'user disabled'
     WHERE user_id = NEW.id AND ended_at IS NULL;
    DELETE FROM sessions WHERE user_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_end_sign_ins AFTER UPDATE OF disabled_at ON users
    FOR EACH ROW WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) EXECUTE FUNCTION end_sign_ins_of_user();

CREATE TRIGGER users_log_deletion AFTER DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION end_sign_ins_of_user();

CREATE FUNCTION log_revoked_key() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM log_revocation('key', NEW.kid, 'key revoked', time_of_end(NEW.revoked_at));
    RETURN NULL;
END
$$;

CREATE TRIGGER signing_keys_log_revocation AFTER UPDATE OF state ON signing_keys
    FOR EACH ROW WHEN (OLD.state <> 'revoked' AND NEW.state = 'revoked') EXECUTE FUNCTION log_revoked_key();
