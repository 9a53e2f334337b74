-- Sweeps find what has had its time, and erasure what is of an address, without reading whole tables.

CREATE INDEX sessions_expires_idx ON sessions (expires);
CREATE INDEX verification_tokens_expires_idx ON verification_tokens (expires);
CREATE INDEX verification_tokens_address_idx ON verification_tokens (lower(identifier COLLATE "C"));
CREATE INDEX one_time_tokens_expires_idx ON one_time_tokens (expires);
CREATE INDEX refresh_families_expires_idx ON refresh_families (expires);
CREATE INDEX refresh_families_ended_at_idx ON refresh_families (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX refresh_tokens_used_idx ON refresh_tokens (expires) WHERE used_at IS NOT NULL;
CREATE INDEX refresh_tokens_idle_idx ON refresh_tokens (expires) WHERE used_at IS NULL;
CREATE INDEX refresh_tokens_answer_idx ON refresh_tokens (family_id, generation) WHERE sealed_answer IS NOT NULL;
CREATE INDEX outbox_give_up_at_idx ON outbox (give_up_at);
CREATE INDEX audit_events_at_idx ON audit_events (at);
