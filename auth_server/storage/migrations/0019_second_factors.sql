-- Second factors: an authenticator app's secret (TOTP, RFC 6238), and codes for whoever lost the app.

-- Since when the user has an active second factor. It stands beside what a sign-in locks, so that a sign-in that waited
-- for the lock sees what was turned on meanwhile: of another table it would see what was there as it began.
ALTER TABLE users
    ADD COLUMN second_factor_since timestamptz;

-- One a user, active from `confirmed_at` on; until then it ends at `expires`, and any number may follow each other.
-- `last_step` is the youngest step of 30 seconds whose code was taken: no code of it, or of one before, is good again.
CREATE TABLE second_factors (
    user_id       uuid        PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    sealed_secret bytea       NOT NULL,
    last_step     bigint      NOT NULL,
    created_at    timestamptz NOT NULL,
    expires       timestamptz,
    confirmed_at  timestamptz,
    CHECK ((confirmed_at IS NULL) = (expires IS NOT NULL))
);

CREATE INDEX second_factors_expires_idx ON second_factors (expires) WHERE expires IS NOT NULL;

-- A code is kept as an HMAC under a key that comes of the sealed secret: the table alone opens none. One that is used is
-- deleted, and all go with their second factor.
CREATE TABLE recovery_codes (
    user_id   uuid  NOT NULL REFERENCES second_factors ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- A trigger, so that no statement can forget to. Whoever turns a second factor on or off locks the user's row before.
CREATE FUNCTION note_second_factor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users
       SET second_factor_since = CASE WHEN TG_OP <> 'DELETE' THEN NEW.confirmed_at END
     WHERE id = CASE WHEN TG_OP <> 'DELETE' THEN NEW.user_id ELSE OLD.user_id END;
    RETURN NULL;
END
$$;

CREATE TRIGGER second_factors_note_confirmation AFTER INSERT OR UPDATE OF confirmed_at ON second_factors
    FOR EACH ROW WHEN (NEW.confirmed_at IS NOT NULL) EXECUTE FUNCTION note_second_factor();

CREATE TRIGGER second_factors_note_removal AFTER DELETE ON second_factors
    FOR EACH ROW WHEN (OLD.confirmed_at IS NOT NULL) EXECUTE FUNCTION note_second_factor();
