-- Sign-ins by password or provider: a family of refresh tokens each, and the keys that sign access tokens.

CREATE TABLE refresh_families (
    id           uuid        PRIMARY KEY,
    user_id      uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    expires      timestamptz NOT NULL,
    ended_at     timestamptz,
    ended_reason text        CHECK (ended_reason IN ('logout', 'reuse'))
);

CREATE INDEX refresh_families_user_id_idx ON refresh_families (user_id);

-- One token a generation: a family never forks.
CREATE TABLE refresh_tokens (
    token_hash bytea       PRIMARY KEY,
    family_id  uuid        NOT NULL REFERENCES refresh_families ON DELETE CASCADE,
    generation integer     NOT NULL,
    expires    timestamptz NOT NULL,
    used_at    timestamptz,
    UNIQUE (family_id, generation)
);

CREATE TABLE signing_keys (
    kid        text        PRIMARY KEY,
    algorithm  text        NOT NULL,
    sealed     bytea       NOT NULL,
    state      text        NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    created_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';
