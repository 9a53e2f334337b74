"""What users and operators do with users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from auth_server.domain import page_tokens
from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.errors import FieldNotUpdatableError, UserNotFoundError, Violation
from auth_server.domain.ids import get_user_id
from auth_server.domain.users import PROFILE_FIELDS, AdapterUser, User
from auth_server.storage import audit, disabling, emails, users
from auth_server.storage.database import Database, Db
from auth_server.usecases.squatters import Squatters

Found = TypeVar("Found")
ADAPTER_FIELDS = frozenset({"name", "email", "email_verified", "image"})
OWN_FIELDS = frozenset({"name", "locale"}) | {f"profile.{field}" for field in PROFILE_FIELDS}


@dataclass(frozen=True, slots=True)
class Page:
    """Some users, and the token of those that follow; empty on the last page."""

    users: Sequence[User]
    next_token: str


@dataclass(frozen=True, slots=True)
class Users:
    """Reading, listing, changing and deleting users."""

    db: Database
    squatters: Squatters
    page_token_key: bytes
    clock: Callable[[], datetime]

    async def get(self, user_id: str) -> User:
        """The user of this id.

        Raises:
            UserNotFoundError: there is none.
        """
        return _present(await users.find(self.db, get_user_id(user_id)))

    async def page(self, size: int, token: str, search: str) -> Page:
        """A page of users by id.

        Raises:
            PageTokenInvalidError: the token is not ours, or of another search.
        """
        after = page_tokens.row_before(token, search, self.page_token_key) if token else None
        size = page_tokens.size_of(size)
        found = await users.page(self.db, after, search, size + 1)
        shown = page_tokens.shown_of(found, size)
        if len(shown) == len(found):
            return Page(shown, "")
        return Page(shown, page_tokens.token_after(shown[-1].id, search, self.page_token_key))

    async def create_for_adapter(self, user: AdapterUser) -> AdapterUser:
        """The user as stored.

        Raises:
            EmailTakenError: another user has the address.
        """

        async def work(db: Db) -> AdapterUser:
            now = self.clock()
            created = await users.create(db, user, now)
            await audit.record(db, AuditEvent.USER_CREATED, created.id, now)
            return created

        return await self.db.transaction(work)

    async def change_own(self, user_id: str, values: Mapping[str, object], mask: Iterable[str]) -> User:
        """The user with the fields of the mask changed; a field without a value is taken away.

        `*` stands for every field that may be changed (AIP-134).

        Raises:
            FieldNotUpdatableError: the mask names another field.
            UserNotFoundError: there is no such user.
        """
        paths = _allowed(mask, OWN_FIELDS, implied="profile")
        changes = {path: values.get(path) for path in paths}
        profile = {path.removeprefix("profile."): changes[path] for path in paths if path.startswith("profile.")}
        return _present(await users.change_profile(self.db, get_user_id(user_id), changes, profile, self.clock()))

    async def change_for_adapter(self, user_id: str, user: AdapterUser, mask: Iterable[str]) -> AdapterUser:
        """The user with the fields of the mask changed; where their address is verified by it, a squatter is expelled.

        Raises:
            FieldNotUpdatableError: the mask names another field.
            EmailTakenError: another user has the new address.
            UserNotFoundError: there is no such user.
        """
        fields = _allowed((path for path in mask if path != "id"), ADAPTER_FIELDS)
        user = replace(user, id=get_user_id(user_id))
        if not fields & {"email", "email_verified"}:
            return _present(await users.change(self.db, user, fields, self.clock()))

        async def work(db: Db) -> AdapterUser | None:
            now = self.clock()
            before = await emails.hold(db, user.id)
            if "email_verified" in fields and user.email_verified is not None:
                await self.squatters.expel(db, user.id)
            changed = await users.change(db, user, fields, now)
            if changed is not None:
                former = before.email if before is not None and before.email != changed.email else None
                await audit.record(db, AuditEvent.USER_CHANGED, user.id, now, email=former)
            return changed

        return _present(await self.db.transaction(work))

    async def disable(self, user_id: str) -> None:
        """Disables the user, whose sign-ins and sessions end at once.

        Raises:
            UserNotFoundError: there is no such user.
        """
        await self._set_disabled(get_user_id(user_id), AuditEvent.USER_DISABLED)

    async def enable(self, user_id: str) -> None:
        """Lets the user sign in again.

        Raises:
            UserNotFoundError: there is no such user.
        """
        await self._set_disabled(get_user_id(user_id), AuditEvent.USER_ENABLED)

    async def _set_disabled(self, user_id: UUID, event: AuditEvent) -> None:
        async def work(db: Db) -> None:
            now = self.clock()
            disabled_at = now if event is AuditEvent.USER_DISABLED else None
            if not await disabling.set_disabled(db, user_id, disabled_at, now):
                raise UserNotFoundError
            await audit.record(db, event, user_id, now)

        await self.db.transaction(work)


def _allowed(mask: Iterable[str], allowed: frozenset[str], implied: str = "") -> frozenset[str]:
    asked = set(mask)
    if "*" in asked:
        return allowed
    if implied and implied in asked:  # a message as a whole stands for its fields
        asked = asked - {implied} | {path for path in allowed if path.startswith(f"{implied}.")}
    if refused := sorted(asked - allowed):
        text = "this field cannot be changed here"
        raise FieldNotUpdatableError(violations=tuple(Violation(f"user.{path}", text) for path in refused))
    return frozenset(asked)


def _present(user: Found | None) -> Found:
    if user is None:
        raise UserNotFoundError
    return user
