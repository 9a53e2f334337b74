-- What holds people's WebAuthn credentials, registered through Auth.js's adapter or with us. Expand only.

CREATE TABLE authenticators (
    credential_id       bytea       PRIMARY KEY CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    user_id             uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The id of the account of type `webauthn` that Auth.js looks for once it has found the authenticator.
    provider_account_id text        NOT NULL CHECK (provider_account_id <> ''),
    public_key          bytea       NOT NULL CHECK (octet_length(public_key) > 0),
    counter             bigint      NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
    device_type         text        NOT NULL CHECK (device_type IN ('singleDevice', 'multiDevice')),
    backed_up           boolean     NOT NULL,
    transports          text[]      NOT NULL,
    name                text,
    created_at          timestamptz NOT NULL,
    last_used_at        timestamptz
);

CREATE INDEX authenticators_user_id_idx ON authenticators (user_id, created_at);
