-- Passkeys: which authenticators sign in with us, and the challenges of ceremonies that are under way. Expand only.

-- Of one that Auth.js registered, the front end's server alone has seen the proof: such a one does not sign in with us.
ALTER TABLE authenticators ADD COLUMN is_passkey boolean NOT NULL DEFAULT false;

-- A challenge to register is bound to the sign-in that asked and to the password that it proved, one of a sign-in to the
-- token that its asker got.
CREATE TABLE passkey_challenges (
    challenge_hash   bytea       PRIMARY KEY,
    family_id        uuid        UNIQUE REFERENCES refresh_families ON DELETE CASCADE,
    password_version integer,
    ceremony_hash    bytea,
    expires          timestamptz NOT NULL,
    CHECK ((family_id IS NULL) <> (ceremony_hash IS NULL)),
    CHECK ((family_id IS NULL) = (password_version IS NULL))
);

CREATE INDEX passkey_challenges_expires_idx ON passkey_challenges (expires);
