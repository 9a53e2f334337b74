-- The answer that brought a token into being, for those who ask again, until the token itself is used.
-- No index: the successor of a token is found by family and generation.

ALTER TABLE refresh_tokens
    ADD COLUMN sealed_answer   bytea,
    ADD COLUMN request_id_hash bytea;
