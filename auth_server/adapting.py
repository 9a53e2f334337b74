"""Puts together what NextAuth's adapter calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from auth_server.servicers.adapter import AdapterService
from auth_server.storage.database import Database
from auth_server.usecases.accounts import Accounts
from auth_server.usecases.authenticators import Authenticators
from auth_server.usecases.erasure import Erasure
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.second_factors import SecondFactors
from auth_server.usecases.sessions import Sessions
from auth_server.usecases.users import Users


def adapter_of(
    database: Database,
    clock: Callable[[], datetime],
    *,
    users: Users,
    accounts: Accounts,
    second_factors: SecondFactors,
    outbox: Outbox,
    erasure: Erasure,
) -> AdapterService:
    """The adapter's RPCs, on this database."""
    return AdapterService(
        db=database,
        users=users,
        accounts=accounts,
        authenticators=Authenticators(database, outbox, clock),
        sessions=Sessions(database, second_factors, clock),
        erasure=erasure,
        clock=clock,
    )
