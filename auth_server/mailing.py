"""Puts together what mails need: the outbox, and who sends what waits in it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from auth_server.domain.links import Links
from auth_server.domain.mails import MailKind, MailLimits
from auth_server.domain.secrets import KeyRing, Seal, derived_key
from auth_server.outside.mail import MailTransport
from auth_server.outside.mail_folder import MailFolder
from auth_server.outside.mail_messages import Sender
from auth_server.outside.mail_templates import MailTemplates, MailTemplatesError
from auth_server.outside.smtp import MailServer, SmtpTransport, Tls
from auth_server.settings import AuthServerSettings
from auth_server.settings.mail import FOLDER, SMTPS, is_loopback
from auth_server.storage import outbox
from auth_server.storage.database import Database
from auth_server.storage.listening import listening
from auth_server.usecases.address_mails import AddressMails
from auth_server.usecases.mail_senders import MailSenders
from auth_server.usecases.mail_worker import MailWorker, Preparer
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.password_resets import ResetMails

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


class MailingError(Exception):
    """Mails cannot be sent as the settings say; the text says why."""


def outbox_of(settings: AuthServerSettings, clock: Clock) -> Outbox:
    """Where mails are put."""
    ring = KeyRing.of(settings.sealing_keys.get_secret_value())
    limits = MailLimits(settings.mail_address_limit, settings.mail_account_limit)
    return Outbox(Seal(ring), limits, derived_key(ring, "mail limits"), clock)


def preparers_of(settings: AuthServerSettings) -> Mapping[MailKind, Preparer]:
    """What makes the mails that an address asked for, by their kinds."""
    lives = settings.one_time_token_lives
    addresses = AddressMails(lives)
    return {
        MailKind.RESET_PASSWORD: ResetMails(lives).prepare,
        MailKind.VERIFY_EMAIL: addresses.verify_email,
        MailKind.ADDRESS_TAKEN: addresses.address_taken,
    }


def templates_of(settings: AuthServerSettings) -> MailTemplates:
    """What mails say.

    Raises:
        MailingError: a template fails.
    """
    try:
        return MailTemplates(settings.product_name, settings.mail_templates, settings.mail_locale)
    except MailTemplatesError as error:
        raise MailingError(f"the templates of mails cannot be used: {error}") from error


def mail_transport_of(settings: AuthServerSettings) -> MailTransport | None:
    """Where mails go; None where nothing is set.

    Raises:
        MailingError: the authorities of the mail server's certificate cannot be read.
    """
    if settings.mail_url is None:
        return None
    url = urlsplit(settings.mail_url.get_secret_value())
    if url.scheme == FOLDER:
        return MailFolder(Path(unquote(url.path)))
    try:
        return SmtpTransport(mail_server_of(settings))
    except OSError as error:
        raise MailingError(f"GATEPOST_MAIL_TLS_CA cannot be used: {error}") from error


def mail_server_of(settings: AuthServerSettings) -> MailServer:
    """The mail server that GATEPOST_MAIL_URL names, and how the way to it is kept from others' eyes."""
    url = urlsplit(settings.mail_url.get_secret_value() if settings.mail_url else "")
    tls = Tls.STARTTLS
    if url.scheme == SMTPS:
        tls = Tls.IMPLICIT
    elif settings.mail_insecure or (is_loopback(url.hostname) and settings.mail_tls_ca is None):
        tls = Tls.NONE  # on this machine nobody reads it on the way, and few local servers have a certificate
    return MailServer(
        host=url.hostname or "",
        port=url.port or tls.port,
        tls=tls,
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        ca=settings.mail_tls_ca,
    )


def mail_worker_of(
    settings: AuthServerSettings, db: Database, clock: Clock, transport: MailTransport, templates: MailTemplates
) -> MailWorker:
    """What sends the mails of this database by this transport.

    Raises:
        ValueError: there is no sender, or nothing says where links lead.
    """
    links = Links(
        settings.links_base or "", settings.reset_link_path, settings.verify_link_path, settings.confirm_link_path
    )
    if not links.base:
        raise ValueError("nothing says where links lead")
    return MailWorker(
        db=db,
        outbox=outbox_of(settings, clock),
        transport=transport,
        templates=templates,
        links=links,
        sender=Sender.of(settings.mail_from or ""),
        preparers=preparers_of(settings),
        clock=clock,
    )


@asynccontextmanager
async def mailing(settings: AuthServerSettings, db: Database, clock: Clock) -> AsyncIterator[None]:
    """Sends the outbox's mails meanwhile, where the settings say how; else they wait.

    Raises:
        MailingError: they cannot be sent so.
    """
    templates, transport = templates_of(settings), mail_transport_of(settings)
    if transport is None:
        log.warning("mails wait until GATEPOST_MAIL_URL says where they go")
        yield
        return
    url, prepared = settings.database_url.get_secret_value(), settings.database_prepared_statements
    senders = MailSenders(
        mail_worker_of(settings, db, clock, transport, templates),
        lambda: listening(url, outbox.CHANNEL, prepared=prepared),
        concurrency=settings.mail_concurrency,
    )
    async with senders.sending():
        yield
