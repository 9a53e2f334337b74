-- How a sign-in was proven (RFC 8176), and what stands between a first proof and the second factor.

ALTER TABLE refresh_families ADD COLUMN methods text[] NOT NULL DEFAULT '{}';
ALTER TABLE sessions         ADD COLUMN methods text[] NOT NULL DEFAULT '{}';

-- Bound to the password and to the second factor of the moment: once either is another one, no code completes it.
CREATE TABLE sign_in_challenges (
    challenge_hash   bytea       PRIMARY KEY,
    user_id          uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    methods          text[]      NOT NULL,
    password_version integer     NOT NULL,
    factor_since     timestamptz NOT NULL,
    expires          timestamptz NOT NULL
);

CREATE INDEX sign_in_challenges_user_id_idx ON sign_in_challenges (user_id);
CREATE INDEX sign_in_challenges_expires_idx ON sign_in_challenges (expires);
