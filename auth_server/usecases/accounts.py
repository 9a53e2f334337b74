"""Linking accounts, whose secrets are sealed on the way in and opened on the way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson

from auth_server.domain.adapter import Account, AccountSecrets, SealedAccount
from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.authenticators import WEBAUTHN
from auth_server.domain.errors import AccountTakenError
from auth_server.domain.mails import MailKind
from auth_server.domain.secrets import Seal, identity_of
from auth_server.storage import accounts, audit, authenticators
from auth_server.storage.database import Database, Db
from auth_server.usecases.notices import notify
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.squatters import Squatters


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the adapter does with accounts."""

    db: Database
    seal: Seal
    squatters: Squatters
    outbox: Outbox
    clock: Callable[[], datetime]

    async def link(self, account: Account) -> Account:
        """The account, linked to its user; the same user's account is replaced, and a squatter expelled.

        Not by an account of an authenticator: it proves nobody's address, and only who is signed in already adds one.

        Raises:
            AccountTakenError: it is another user's.
            UserNotFoundError: there is no such user.
        """
        sealed = self._sealed(account)

        async def work(db: Db) -> None:
            if account.type != WEBAUTHN:
                await self.squatters.expel(db, account.user_id)
            if not await accounts.link(db, sealed):
                raise AccountTakenError
            await audit.record(db, AuditEvent.ACCOUNT_LINKED, account.user_id, self.clock())

        await self.db.transaction(work)
        return account

    async def find(self, provider: str, provider_account_id: str) -> Account | None:
        """The provider's account of this id."""
        account = await accounts.find(self.db, provider, provider_account_id)
        return self.opened(account) if account else None

    async def unlink(self, provider: str, provider_account_id: str) -> Account | None:
        """The account as it was, which is linked no more; the authenticator that Auth.js keeps beside it goes, too."""

        async def work(db: Db) -> SealedAccount | None:
            unlinked = await accounts.unlink(db, provider, provider_account_id)
            if unlinked is not None:
                await audit.record(db, AuditEvent.ACCOUNT_UNLINKED, unlinked.user_id, self.clock())
                await self._remove_authenticator(db, unlinked)
            return unlinked

        account = await self.db.transaction(work)
        return self.opened(account) if account else None

    async def _remove_authenticator(self, db: Db, unlinked: SealedAccount) -> None:
        if unlinked.type != WEBAUTHN:
            return
        if await authenticators.delete_of_account(db, unlinked.user_id, unlinked.provider_account_id):
            await audit.record(db, AuditEvent.AUTHENTICATOR_REMOVED, unlinked.user_id, self.clock())
            await notify(self.outbox, db, MailKind.PASSKEY_REMOVED, unlinked.user_id)

    def _sealed(self, account: Account) -> SealedAccount:
        secrets = orjson.dumps(
            {
                "access_token": account.secrets.access_token,
                "refresh_token": account.secrets.refresh_token,
                "id_token": account.secrets.id_token,
                "session_state": account.secrets.session_state,
                "extras": dict(account.secrets.extras),
            }
        )
        return SealedAccount(
            user_id=account.user_id,
            type=account.type,
            provider=account.provider,
            provider_account_id=account.provider_account_id,
            expires_at=account.expires_at,
            token_type=account.token_type,
            scope=account.scope,
            sealed=self.seal.close(secrets, _identity(account)),
        )

    def opened(self, account: SealedAccount) -> Account:
        """The account with its secrets.

        Raises:
            SealBrokenError: they do not open.
        """
        secrets = orjson.loads(self.seal.open(account.sealed, _identity(account)))
        return Account(
            user_id=account.user_id,
            type=account.type,
            provider=account.provider,
            provider_account_id=account.provider_account_id,
            expires_at=account.expires_at,
            token_type=account.token_type,
            scope=account.scope,
            secrets=AccountSecrets(**secrets),
        )


def _identity(account: Account | SealedAccount) -> bytes:
    return identity_of("accounts", account.provider, account.provider_account_id)
