-- Tokens of mailed links, the count of a user's passwords that they are bound to, and what happened to users.

ALTER TABLE users
    ADD COLUMN password_version integer NOT NULL DEFAULT 0;

-- One a user and purpose: a newer token takes the older one's place.
CREATE TABLE one_time_tokens (
    token_hash       bytea       PRIMARY KEY,
    purpose          text        NOT NULL CHECK (purpose IN ('reset-password', 'verify-email', 'change-email')),
    user_id          uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    address          text        NOT NULL CHECK (address <> ''),
    password_version integer     NOT NULL,
    expires          timestamptz NOT NULL,
    UNIQUE (user_id, purpose)
);

-- No foreign key: what happened to a user is known after they are gone.
CREATE TABLE audit_events (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    event      text        NOT NULL,
    user_id    uuid,
    request_id text
);

CREATE INDEX audit_events_user_id_idx ON audit_events (user_id);

ALTER TABLE refresh_families DROP CONSTRAINT refresh_families_ended_reason_check;
ALTER TABLE refresh_families
    ADD CONSTRAINT refresh_families_ended_reason_check
    CHECK (ended_reason IN ('logout', 'reuse', 'revoked', 'ended', 'user disabled', 'password changed')) NOT VALID;
