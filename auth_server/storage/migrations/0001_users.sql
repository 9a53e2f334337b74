-- Users, and what the adapter keeps of them.

CREATE TABLE users (
    id             uuid        PRIMARY KEY,
    name           text,
    email          text        CHECK (email <> ''),
    email_verified timestamptz,
    image          text,
    profile        jsonb       NOT NULL DEFAULT '{}',
    password_hash  text,
    role           text        NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'operator')),
    disabled_at    timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);

-- COLLATE "C" folds ASCII alone, the same on every machine: no letter of another script may become an ASCII one.
CREATE UNIQUE INDEX users_email_key ON users (lower(email COLLATE "C"));

CREATE TABLE accounts (
    provider            text   NOT NULL,
    provider_account_id text   NOT NULL,
    user_id             uuid   NOT NULL REFERENCES users ON DELETE CASCADE,
    type                text   NOT NULL,
    expires_at          bigint,
    token_type          text,
    scope               text,
    sealed              bytea  NOT NULL,
    PRIMARY KEY (provider, provider_account_id)
);

CREATE INDEX accounts_user_id_idx ON accounts (user_id);

CREATE TABLE sessions (
    token_hash bytea       PRIMARY KEY,
    id         uuid        NOT NULL,
    user_id    uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    expires    timestamptz NOT NULL
);

CREATE INDEX sessions_user_id_idx ON sessions (user_id);

CREATE TABLE verification_tokens (
    identifier text        NOT NULL,
    token_hash bytea       NOT NULL,
    expires    timestamptz NOT NULL,
    PRIMARY KEY (identifier, token_hash)
);
