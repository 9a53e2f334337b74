"""Every table of the schema, written down by hand: what it holds of a user, how they are told, and how it goes.

A table or column that is not here fails the tests. Whoever adds one decides here whether it is personal, and then lets
ExportUser tell it, lets DeleteUser erase it, and gives it a sweep where it would else grow without end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SECRET = "a hash or a sealed value, of use to a thief alone"
OWNER = "the user's own id, told in the first record"
OURS = "bookkeeping that says nothing of a person"


@dataclass(frozen=True, slots=True)
class Personal:
    """A table with rows of users."""

    rows: str
    """The condition for the rows of one user; $1 is the user's id, $2 their address."""
    record: str
    """The record of an export that tells them."""
    told: Mapping[str, str]
    """By column: the field of the record; what it tells is what the column holds."""
    untold: Mapping[str, str] = field(default_factory=dict)
    """By column: why nobody is told, or how else it is."""
    stays: str = ""
    """Why rows stay when the user is erased; empty where they go."""


PERSONAL = {
    "users": Personal(
        "id::text = $1 AND $2::text IS NOT NULL",
        "user",
        {
            "id": "user.id",
            "name": "user.name",
            "email": "user.email",
            "email_verified": "user.email_verified",
            "image": "user.image",
            "locale": "user.locale",
            "role": "role",
            "disabled_at": "disable_time",
            "created_at": "user.created_at",
            "updated_at": "user.updated_at",
        },
        {
            "profile": "field by field, beside the user's",
            "password_hash": f"{SECRET}; that there is one is told",
            "password_version": OURS,
            "second_factor_since": "in the record of the second factor",
        },
    ),
    "accounts": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "account",
        {
            "type": "type",
            "provider": "provider",
            "provider_account_id": "provider_account_id",
            "expires_at": "expires_at",
            "token_type": "token_type",
            "scope": "scope",
        },
        {"user_id": OWNER, "sealed": "opened, and told but for its secrets"},
    ),
    "second_factors": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "second_factor",
        {"created_at": "create_time", "confirmed_at": "confirm_time"},
        {
            "user_id": OWNER,
            "sealed_secret": SECRET,
            "last_step": OURS,
            "expires": "ten minutes after it was made, where it waits to be confirmed",
        },
    ),
    "recovery_codes": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "second_factor",
        {},
        {"user_id": OWNER, "code_hash": f"{SECRET}; how many there are is told"},
    ),
    "authenticators": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "authenticator",
        {
            "credential_id": "credential_id",
            "provider_account_id": "provider_account_id",
            "public_key": "public_key",
            "counter": "counter",
            "device_type": "device_type",
            "backed_up": "backed_up",
            "transports": "transports",
            "name": "name",
            "created_at": "create_time",
            "last_used_at": "last_use_time",
        },
        {"user_id": OWNER, "is_passkey": OURS},
    ),
    "sessions": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "session",
        {"id": "id", "expires": "expire_time", "methods": "methods"},
        {"user_id": OWNER, "token_hash": SECRET},
    ),
    "refresh_families": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "sign_in",
        {
            "id": "id",
            "user_agent": "device",
            "address": "address",
            "created_at": "create_time",
            "expires": "expire_time",
            "ended_at": "end_time",
            "ended_reason": "end_reason",
            "methods": "methods",
        },
        {"user_id": OWNER},
    ),
    "refresh_tokens": Personal(
        "family_id IN (SELECT id FROM refresh_families WHERE user_id::text = $1 AND $2::text IS NOT NULL)",
        "sign_in",
        {"family_id": "id", "used_at": "refresh_times"},
        {
            "token_hash": SECRET,
            "sealed_answer": SECRET,
            "request_id_hash": SECRET,
            "generation": OURS,
            "expires": OURS,
        },
    ),
    "verification_tokens": Personal(
        "lower(identifier) = lower($2) AND $1::text IS NOT NULL",
        "verification_token",
        {"identifier": "identifier", "expires": "expire_time"},
        {"token_hash": SECRET},
    ),
    "one_time_tokens": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "one_time_token",
        {"purpose": "purpose", "address": "address", "expires": "expire_time"},
        {"user_id": OWNER, "token_hash": SECRET, "password_version": OURS},
    ),
    "sign_in_challenges": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "challenge",
        {"methods": "methods", "expires": "expire_time"},
        {
            "user_id": OWNER,
            "challenge_hash": SECRET,
            "password_version": OURS,
            "factor_since": "with the second factor",
        },
    ),
    "outbox": Personal(
        "user_id::text = $1 OR lower(recipient) = lower($2)",
        "mail",
        {
            "kind": "kind",
            "recipient": "recipient",
            "locale": "locale",
            "expires": "expire_time",
            "created_at": "create_time",
            "attempts": "attempts",
            "last_error": "error",
            "dead_at": "fail_time",
        },
        {
            "id": OURS,
            "user_id": OWNER,
            "sealed": "opened, and told but for the secret of its link",
            "due_at": OURS,
            "give_up_at": OURS,
            "lease": OURS,
        },
    ),
    "images": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "image",
        {"name": "name", "url": "url"},
        {"user_id": OWNER, "remove_at": OURS},
    ),
    "audit_events": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "audit_event",
        {
            "event": "event",
            "at": "event_time",
            "request_id": "request_id",
            "rpc": "rpc",
            "caller": "caller",
            "outcome": "outcome",
            "repeats": "repeats",
            "target": "target",
        },
        {"id": OURS, "user_id": OWNER, "key_id": OURS, "sealed": "opened, and told where it is the user's own"},
        stays="what happened must be known later, by ids alone",
    ),
    "audit_keys": Personal(
        "user_id::text = $1 AND $2::text IS NOT NULL",
        "audit_event",
        {},
        {"id": OURS, "user_id": OWNER, "subject": OURS, "created_at": OURS, "sealed": SECRET},
    ),
    "revocations": Personal(
        "(subject_id = $1 OR subject_id IN (SELECT id::text FROM refresh_families WHERE user_id::text = $1))"
        " AND $2::text IS NOT NULL",
        "revocation",
        {"subject": "subject", "subject_id": "subject_id", "reason": "reason", "revoked_at": "revoke_time"},
        {"number": OURS, "transaction": OURS},
        stays="verifiers elsewhere must hear of the end, for as long as tokens live, by ids alone",
    ),
}

NOT_PERSONAL = {
    "audit_pending": "numbers of events",
    "audit_links": "numbers of events, and hashes of which those of an erased user stay",
    "audit_checkpoints": "of the chain",
    "audit_signing_keys": "of this server",
    "imports": "the SHA-256 of operators' files, and counts",
    "mail_allowances": "keyed hashes of addresses and accounts, which nobody can read back, and times",
    "budgets": "keyed hashes of addresses, accounts and address blocks, which nobody can read back, counts and times",
    "passkey_challenges": "hashes of random values, for minutes; one to register goes with the sign-in that asked",
    "schema_migrations": "of the schema itself",
    "services": "of machines",
    "service_certificates": "of machines",
    "service_secrets": "of machines",
    "signing_keys": "of this server",
}

# Tables that no sweep need look at, because something else bounds them.
BOUNDED = {
    "images": "swept together with what the store has of them (usecases/images.py)",
    "users": "the people there are",
    "accounts": "a user's own, which go with them",
    "authenticators": "twenty a user, which go with them",
    "recovery_codes": "ten a second factor, which go with it",
    "imports": "a row a file that an operator imports",
    "schema_migrations": "one row a migration",
    "audit_pending": "emptied every second by what lets the chain grow",
    "audit_links": "swept together with their events",
    "audit_checkpoints": "swept together with their events",
    "audit_signing_keys": "one for each change of the sealing keys",
    "services": "what operators register",
    "service_certificates": "what operators register",
    "service_secrets": "two a service",
    "signing_keys": "removed by what looks after the keys",
}
