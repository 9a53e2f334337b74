-- Imports of users: how far each file is, and which imported hash takes longest to check.

CREATE TABLE imports (
    digest   bytea       PRIMARY KEY,
    records  bigint      NOT NULL DEFAULT 0,
    imported bigint      NOT NULL DEFAULT 0,
    present  bigint      NOT NULL DEFAULT 0,
    refused  bigint      NOT NULL DEFAULT 0,
    began_at timestamptz NOT NULL,
    ended_at timestamptz
);

-- What waits for its user's first login: `im1$<pepper id>$<format>$<cost>$<sealed>`.
CREATE INDEX users_imported_idx
    ON users (split_part(password_hash, '$', 3), (split_part(password_hash, '$', 4)::bigint))
 WHERE password_hash LIKE 'im1$%';
