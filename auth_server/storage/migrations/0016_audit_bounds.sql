-- A checkpoint tells when it was made, so that of what it was the end of, nobody can take away more than had its time:
-- events go by the age of the checkpoint as well, and `gatepost audit verify` looks at the one that is left.

CREATE OR REPLACE FUNCTION drop_audit_events(before timestamptz, most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    cutoff   timestamptz := LEAST(before, now() - interval '30 days');
    first    bigint;
    young    bigint;
    boundary bigint;
    dropped  bigint;
BEGIN
    -- One at a time, and not while the chain grows.
    IF NOT pg_try_advisory_xact_lock(7449363236472320321) THEN
        RETURN 0;
    END IF;
    SELECT min(position) INTO first FROM audit_links;
    SELECT position INTO boundary FROM audit_checkpoints WHERE position >= first + most - 1 ORDER BY position LIMIT 1;
    SELECT audit_links.position INTO young
      FROM audit_links
      JOIN audit_events ON audit_events.id = audit_links.event_id
     WHERE audit_events.at >= cutoff
       AND (boundary IS NULL OR audit_links.position <= boundary)
     ORDER BY audit_links.position
     LIMIT 1;
    SELECT max(position) INTO boundary
      FROM audit_checkpoints
     WHERE position >= first
       AND at < cutoff
       AND (boundary IS NULL OR position <= boundary)
       AND (young IS NULL OR position < young);
    IF boundary IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM audit_events USING audit_links
     WHERE audit_links.event_id = audit_events.id
       AND audit_links.position <= boundary;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    DELETE FROM audit_links WHERE position <= boundary;
    DELETE FROM audit_checkpoints WHERE position < boundary;
    RETURN dropped;
END
$$;

DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION drop_audit_events(timestamptz, bigint) SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
END
$$;

-- A place before the first one would be looked at by nobody. Rows of before are not asked: the verification is.
ALTER TABLE audit_links ADD CONSTRAINT audit_links_position_check CHECK (position > 0) NOT VALID;
ALTER TABLE audit_checkpoints ADD CONSTRAINT audit_checkpoints_position_check CHECK (position > 0) NOT VALID;
