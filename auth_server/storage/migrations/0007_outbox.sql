-- Mails that wait to be sent, and those that failed for good.

-- A mail that was sent has no row any more. `due_at` says when the next try begins: a worker that leases a mail moves
-- it behind the end of its lease, so that a worker that dies gives it back by itself.
CREATE TABLE outbox (
    id         uuid        PRIMARY KEY,
    kind       text        NOT NULL,
    recipient  text        NOT NULL,
    locale     text,
    user_id    uuid        REFERENCES users ON DELETE CASCADE,
    sealed     bytea,
    expires    timestamptz,
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL,
    lease      uuid,
    attempts   integer     NOT NULL DEFAULT 0,
    last_error text,
    dead_at    timestamptz
);

CREATE INDEX outbox_due_at_idx ON outbox (due_at) WHERE dead_at IS NULL;
CREATE INDEX outbox_dead_idx ON outbox (id) WHERE dead_at IS NOT NULL;
CREATE INDEX outbox_user_id_idx ON outbox (user_id);
CREATE INDEX outbox_recipient_idx ON outbox (lower(recipient COLLATE "C"));

-- How much of what an address or an account may be mailed is spent: at `whole_at` it is all there again. The subject is
-- a keyed hash, so the table holds nobody's address.
CREATE TABLE mail_allowances (
    subject  bytea       PRIMARY KEY,
    whole_at timestamptz NOT NULL
);

CREATE INDEX mail_allowances_whole_at_idx ON mail_allowances (whole_at);
