"""The statements that auth_server/storage runs for the measured calls, written out."""

EVENT = """
    , added AS (
        INSERT INTO audit_events (at, event, user_id, request_id, rpc, caller, outcome, repeats, target, key_id, sealed)
        SELECT {at}, {event}, changed.user_id, {request_id}, {rpc}, {caller}, {outcome}, 1, {target},
               audit_keys.id, CASE WHEN audit_keys.id IS NOT NULL THEN {sealed}::bytea END
          FROM changed
          LEFT JOIN audit_keys
            ON audit_keys.id = {key_id}
           AND audit_keys.user_id IS NOT DISTINCT FROM COALESCE({calling_user}, changed.user_id)
    )
    SELECT changed.*
      FROM changed
    """
EVENT_VALUES = "at", "event", "request_id", "rpc", "caller", "calling_user", "outcome", "key_id", "sealed", "target"


def _with_event(number_of_arguments: int, change: str) -> str:
    names = enumerate(EVENT_VALUES, number_of_arguments + 1)
    return change + EVENT.format_map({name: f"${number}" for number, name in names})


PASSWORD_OWNER = """
    SELECT id, name, email, email_verified, image, profile, role, locale, created_at, updated_at,
           password_hash, password_version, disabled_at
      FROM users
     WHERE lower(email COLLATE "C") = lower($1::text COLLATE "C")
    """

SESSION_START = _with_event(
    5,
    """
    WITH owner AS (
        SELECT id
          FROM users
         WHERE id = $3
           AND disabled_at IS NULL
           AND (second_factor_since IS NULL OR 'mfa' = ANY ($5::text[]))
           FOR SHARE
    ), changed AS (
        INSERT INTO sessions (token_hash, id, user_id, expires, methods)
        SELECT $1, $2, id, $4, $5
          FROM owner
        RETURNING id, user_id, expires
    )
    """,
)

SESSION_END = _with_event(
    1,
    """
    WITH changed AS (
        DELETE FROM sessions
         WHERE token_hash = $1
        RETURNING id, user_id, expires
    )
    """,
)

FAMILY_START = _with_event(
    10,
    """
    WITH owner AS (
        SELECT id
          FROM users
         WHERE id = $2
           AND disabled_at IS NULL
           AND ($9::integer IS NULL OR password_version = $9)
           AND (second_factor_since IS NULL OR 'mfa' = ANY ($10::text[]))
           FOR SHARE
    ), changed AS (
        INSERT INTO refresh_families (id, user_id, created_at, expires, user_agent, address, methods)
        SELECT $1, id, $4, $6, $7, $8, $10
          FROM owner
        RETURNING id, user_id
    ), token AS (
        INSERT INTO refresh_tokens (token_hash, family_id, generation, expires)
        SELECT $3, id, 1, $5
          FROM changed
    )
    """,
)

KEY = """
    WITH found AS (
        SELECT id, sealed
          FROM audit_keys
         WHERE subject = $2
    ), owner AS (
        SELECT id
          FROM users
         WHERE id = $3
           FOR KEY SHARE
    ), made AS (
        INSERT INTO audit_keys (id, subject, user_id, sealed, created_at)
        SELECT $1, $2, $3::uuid, $4, $5
         WHERE NOT EXISTS (SELECT FROM found)
           AND ($3::uuid IS NULL OR EXISTS (SELECT FROM owner))
        ON CONFLICT (subject) DO UPDATE
           SET subject = excluded.subject
        RETURNING id, sealed
    )
    SELECT id, sealed
      FROM found
     UNION ALL
    SELECT id, sealed
      FROM made
    """

PRESENTED = """
    SELECT presented.family_id, presented.generation, presented.expires, presented.used_at,
           successor.sealed_answer, successor.request_id_hash,
           refresh_families.expires AS family_expires, refresh_families.ended_at AS family_ended_at,
           refresh_families.methods,
           users.second_factor_since IS NOT NULL
               AND 'mfa' <> ALL (refresh_families.methods) AS lacks_second_factor,
           users.id, users.name, users.email, users.email_verified, users.image, users.profile, users.role,
           users.locale, users.created_at, users.updated_at, users.disabled_at
      FROM refresh_tokens AS presented
      JOIN refresh_families ON refresh_families.id = presented.family_id
      JOIN users ON users.id = refresh_families.user_id
      LEFT JOIN refresh_tokens AS successor
        ON successor.family_id = presented.family_id
       AND successor.generation = presented.generation + 1
       AND successor.used_at IS NULL
     WHERE presented.token_hash = $1
    """

ROTATION = """
    WITH family AS (
        SELECT refresh_families.id
          FROM refresh_families
          JOIN users ON users.id = refresh_families.user_id
         WHERE refresh_families.id = $2
           AND refresh_families.ended_at IS NULL
           AND refresh_families.expires > $4
           AND users.disabled_at IS NULL
           AND (users.second_factor_since IS NULL OR 'mfa' = ANY (refresh_families.methods))
           FOR KEY SHARE OF refresh_families
    ), used AS (
        UPDATE refresh_tokens
           SET used_at = $4, sealed_answer = NULL, request_id_hash = NULL
          FROM family
         WHERE refresh_tokens.token_hash = $1
           AND refresh_tokens.family_id = family.id
           AND refresh_tokens.used_at IS NULL
           AND refresh_tokens.expires > $4
        RETURNING refresh_tokens.family_id, refresh_tokens.generation
    )
    INSERT INTO refresh_tokens (token_hash, family_id, generation, expires, sealed_answer, request_id_hash)
    SELECT $3, family_id, generation + 1, $5, $6, $7
      FROM used
    RETURNING generation
    """
