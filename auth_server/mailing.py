"""Puts together what mails need: the outbox, and who sends what waits in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from auth_server.domain.mails import MailLimits
from auth_server.domain.secrets import KeyRing, Seal, derived_key
from auth_server.settings import AuthServerSettings
from auth_server.usecases.outbox import Outbox


def outbox_of(settings: AuthServerSettings, clock: Callable[[], datetime]) -> Outbox:
    """Where mails are put."""
    ring = KeyRing.of(settings.sealing_keys.get_secret_value())
    limits = MailLimits(settings.mail_address_limit, settings.mail_account_limit)
    return Outbox(Seal(ring), limits, derived_key(ring, "mail limits"), clock)
