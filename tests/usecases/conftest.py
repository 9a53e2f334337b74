"""Workers on the tests' database, and a real mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from auth_server.mailing import mail_worker_of, outbox_of, templates_of
from auth_server.outside.mail_templates import MailTemplates
from auth_server.outside.smtp import MailServer as Address
from auth_server.outside.smtp import SmtpTransport, Tls
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.mail_worker import MailWorker
from auth_server.usecases.outbox import Outbox
from tests.conftest import Clock
from tests.smtp import MailServer, mail_server

MakeWorker = Callable[..., MailWorker]


@pytest.fixture
def outbox(settings: AuthServerSettings, clock: Clock) -> Outbox:
    clock.stopped_at = clock()
    return outbox_of(settings, clock)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(scope="session")
def templates(settings: AuthServerSettings) -> MailTemplates:
    return templates_of(settings)


@pytest.fixture
async def make_worker(
    settings: AuthServerSettings, db: Database, clock: Clock, server: MailServer, templates: MailTemplates
) -> AsyncIterator[MakeWorker]:
    """Makes workers, as those of several servers: each with connections of its own to the mail server."""
    transports = []

    def make(**changes: Any) -> MailWorker:
        transports.append(SmtpTransport(Address("127.0.0.1", server.port, Tls.NONE)))
        worker = mail_worker_of(settings, db, clock, transports[-1], templates)
        return replace(worker, **changes)

    yield make
    for transport in transports:
        await transport.close()


@pytest.fixture
def worker(make_worker: MakeWorker) -> MailWorker:
    return make_worker()
