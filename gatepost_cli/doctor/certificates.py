"""How long certificates are good."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from gatepost_cli.doctor.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOON = timedelta(days=30)
LAST_PART = 6
"""A certificate is renewed before the last sixth of its life: one of 90 days with 15 of them left."""


def life_of(check: str, certificate: x509.Certificate, now: datetime) -> Finding:
    """Whether the certificate is good, and for how long."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    until = f"good until {ends:%Y-%m-%d %H:%M} UTC"
    todo = "write the renewed certificate and its key in the place of the old ones; no restart is needed"
    if now >= ends:
        return fail(check, f"it expired on {ends:%Y-%m-%d %H:%M} UTC: nobody can connect", todo)
    if now < begins:
        return fail(check, f"it is good from {begins:%Y-%m-%d %H:%M} UTC on, not yet", "set this machine's clock right")
    if ends - now < min(SOON, (ends - begins) / LAST_PART):
        return warn(check, f"{until}, which is soon", todo)
    return ok(check, until)


def lives_in(check: str, path: Path, now: datetime) -> Iterator[Finding]:
    """The same for every certificate of a file; only what is not good, or one line that all are."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        yield fail(check, f"{path} cannot be read: {error.strerror}", "put the file back")
        return
    except ValueError:
        yield fail(check, f"{path} holds no certificate", "put the file right")
        return
    lives = [life_of(check, each, now) for each in found]
    bad = [each for each in lives if each.todo]
    yield from bad or [ok(check, f"{path} is good")]
