-- Internal services: what each may call, and what it is known by.

CREATE TABLE services (
    name        text        PRIMARY KEY,
    allowed     text[]      NOT NULL,
    is_gateway  boolean     NOT NULL,
    last_number integer     NOT NULL,
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz
);

-- Two places a service, so that no race makes a third living secret: number n takes the place n % 2.
CREATE TABLE service_secrets (
    service_name text        NOT NULL REFERENCES services ON DELETE CASCADE,
    place        integer     NOT NULL CHECK (place IN (0, 1)),
    number       integer     NOT NULL,
    replaced     integer,
    secret_hash  bytea       NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (service_name, place)
);

-- A certificate's name (SPIFFE URI or DNS name) leads to one service.
CREATE TABLE service_certificates (
    certificate_name text PRIMARY KEY,
    service_name     text NOT NULL REFERENCES services ON DELETE CASCADE
);

CREATE INDEX service_certificates_service_name_idx ON service_certificates (service_name);
