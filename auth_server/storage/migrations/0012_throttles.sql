-- Throttles: what is left of each share of a budget, for all servers together.

-- A share is a token bucket that is whole again at `whole_at`. The subject is a keyed hash, so the table holds nobody's
-- address. From `over_at` on the row says nothing that its absence would not; in whole hours, so that most updates leave
-- the index alone.
CREATE TABLE budgets (
    subject  bytea       PRIMARY KEY,
    whole_at timestamptz NOT NULL,
    failures integer     NOT NULL,
    over_at  timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX budgets_over_at_idx ON budgets (over_at);

-- Takes one from each share, or from none where one of them is spent: then it answers that one, and how long it is so.
-- One call is one round trip, and one short transaction that takes its locks in the order of the subjects.
CREATE FUNCTION take_from_budgets(
    subjects      bytea[],
    paces         interval[],
    counted       boolean[],
    period        interval,
    most_failures integer,
    kept          interval,
    moment        timestamptz
) RETURNS TABLE (spent bytea, wait interval)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    -- A flood of what will be refused only reads.
    RETURN QUERY
        SELECT budgets.subject,
               CASE
                   WHEN asked.counts AND failures >= most_failures THEN over_at - moment
                   ELSE whole_at + asked.pace - period - moment
               END AS left_to_wait
          FROM budgets
          JOIN unnest(subjects, paces, counted) AS asked (subject, pace, counts) ON asked.subject = budgets.subject
         WHERE whole_at + asked.pace > moment + period
            OR (asked.counts AND failures >= most_failures AND over_at > moment)
         ORDER BY left_to_wait DESC
         LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;

    -- A crash of the database may forget the last guesses; nobody waits for its disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
        WITH asked AS (
            SELECT * FROM unnest(subjects, paces, counted) AS asked (subject, pace, counts)
        ), taken AS (
            INSERT INTO budgets AS mine (subject, whole_at, failures, over_at)
            SELECT asked.subject,
                   moment + asked.pace,
                   asked.counts::integer,
                   date_trunc('hour', moment + CASE WHEN asked.counts THEN kept ELSE asked.pace END) + interval '1 hour'
              FROM asked
             ORDER BY asked.subject
                ON CONFLICT (subject) DO UPDATE
               SET whole_at = greatest(mine.whole_at, moment) + (EXCLUDED.whole_at - moment),
                   failures = CASE WHEN mine.over_at > moment THEN mine.failures ELSE 0 END + EXCLUDED.failures,
                   over_at = greatest(
                       EXCLUDED.over_at,
                       date_trunc('hour', greatest(mine.whole_at, moment) + (EXCLUDED.whole_at - moment))
                           + interval '1 hour'
                   )
            RETURNING mine.subject, mine.whole_at, mine.failures
        )
        SELECT taken.subject,
               CASE
                   WHEN asked.counts AND taken.failures > most_failures THEN kept
                   ELSE taken.whole_at - period - moment
               END AS left_to_wait
          FROM taken
          JOIN asked ON asked.subject = taken.subject
         WHERE taken.whole_at > moment + period
            OR (asked.counts AND taken.failures > most_failures)
         ORDER BY left_to_wait DESC
         LIMIT 1;
    IF FOUND THEN
        -- Others were quicker. The rows are locked, so nobody has seen what is given back here.
        UPDATE budgets
           SET whole_at = budgets.whole_at - asked.pace,
               failures = budgets.failures - asked.counts::integer
          FROM unnest(subjects, paces, counted) AS asked (subject, pace, counts)
         WHERE budgets.subject = asked.subject;
    END IF;
END
$$;
