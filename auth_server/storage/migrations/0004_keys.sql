-- The life of a signing key. Expand only: the version before reads the active key and its old columns, and may still
-- insert one; such a row has no times, no public half, and was ready when it was made.

ALTER TABLE signing_keys
    ADD COLUMN public_jwk        jsonb,
    ADD COLUMN ready_at          timestamptz,
    ADD COLUMN activated_at      timestamptz,
    ADD COLUMN retired_at        timestamptz,
    ADD COLUMN revoked_at        timestamptz,
    ADD COLUMN rotation_asked_at timestamptz;

ALTER TABLE signing_keys DROP CONSTRAINT signing_keys_state_check;
ALTER TABLE signing_keys
    ADD CONSTRAINT signing_keys_state_check CHECK (state IN ('next', 'active', 'retired', 'revoked'));

-- Whichever server makes the next key first has made it for all.
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';
