"""Checks that the settings are those of a production."""

from __future__ import annotations

import hmac
import os
from pathlib import Path
from typing import TYPE_CHECKING

from auth_server.domain.signing_keys import Algorithm
from gatepost_cli.doctor.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auth_server.settings import AuthServerSettings

GOOD_COST = 12  # OWASP, Password Storage Cheat Sheet: 10 at the least; ours is for the machines of today
_OF_NEXTAUTH = "NEXTAUTH_SECRET"


def configuration(settings: AuthServerSettings) -> Iterator[Finding]:
    """What can be said without asking anybody."""
    yield _environment(settings)
    yield from _adapter_secrets(settings)
    yield _passwords(settings)
    if settings.signing_algorithm is Algorithm.HS256:
        yield warn(
            "HS256",
            "every service that verifies access tokens could write them as well",
            "let them verify by the JWKS, and set GATEPOST_SIGNING_ALGORITHM=EdDSA",
        )
    yield from _mails(settings)


def _environment(settings: AuthServerSettings) -> Finding:
    if settings.environment == "production":
        return ok("settings", "complete, and for production: every secret is there and none is weak")
    return fail(
        "settings",
        f"GATEPOST_ENVIRONMENT is {settings.environment}, which lets weak secrets pass",
        "set it to production, or leave it out",
    )


def _adapter_secrets(settings: AuthServerSettings) -> Iterator[Finding]:
    if len(settings.adapter_secrets) > 1:
        yield warn(
            "previous adapter secret",
            "it opens the adapter as well, as it must while front ends go over to the other",
            "when the servers' logs have no `adapter: by the previous secret` any more, take "
            "GATEPOST_ADAPTER_SECRET_PREVIOUS out",
        )
    of_nextauth = _text_of(_OF_NEXTAUTH)
    secret = settings.adapter_secret.get_secret_value()
    if of_nextauth is None or not hmac.compare_digest(of_nextauth.encode(), secret.encode()):
        yield ok("adapter secret", "no name of it says that it is NextAuth's as well")
        return
    yield warn(
        "adapter secret",
        "it is NEXTAUTH_SECRET, which also opens every cookie of the front end: one leak is two",
        "make one of its own by `openssl rand -base64 32`, set it as GATEPOST_ADAPTER_SECRET and this one as "
        "GATEPOST_ADAPTER_SECRET_PREVIOUS, give the new one to the front end as the secret of its adapter, then take "
        "the previous one out; NEXTAUTH_SECRET then has no business here",
    )


def _text_of(name: str) -> str | None:
    """What the environment, or a file that it names, has under this name."""
    if os.environ.get(name):
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    try:
        return Path(path).read_text("utf-8", errors="replace").strip() if path else None
    except OSError:
        return None


def _passwords(settings: AuthServerSettings) -> Finding:
    if settings.bcrypt_cost < GOOD_COST:
        return warn(
            "bcrypt cost",
            f"{settings.bcrypt_cost}: whoever steals the table of passwords guesses faster than need be",
            f"set GATEPOST_BCRYPT_COST to {GOOD_COST}; hashes are made anew as users log in",
        )
    return ok("bcrypt cost", str(settings.bcrypt_cost))


def _mails(settings: AuthServerSettings) -> Iterator[Finding]:
    if settings.mail_url is None:
        yield warn("mail server", "mails wait for ever: nothing says where they go", "set GATEPOST_MAIL_URL")
    elif settings.mail_insecure:
        yield warn(
            "mail server",
            "links that reset passwords may travel in plaintext",
            "take GATEPOST_MAIL_INSECURE out, and reach the mail server by STARTTLS or smtps",
        )
    else:
        yield ok("mail server", "mails leave by TLS")
