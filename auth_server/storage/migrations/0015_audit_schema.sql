-- The function that lets events go finds its tables where they are, which need not be the schema public, and nothing
-- that whoever calls it has made.

DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION drop_audit_events(timestamptz, bigint) SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
END
$$;
