"""What an operator does to the keys that sign access tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.key_lives import KeyLife, KeyPlan, KeyState, removed_at
from auth_server.domain.secrets import Seal
from auth_server.domain.signing_keys import Algorithm
from auth_server.settings.keys import KeySettings
from auth_server.settings.sources import NamedSource
from auth_server.storage import audit, signing_keys
from auth_server.usecases.key_rotation import KeyRotation
from gatepost_cli.database import opened
from gatepost_cli.refusals import RefusalError
from gatepost_cli.sealing import sealing_ring
from gatepost_cli.settings import given, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auth_server.storage.database import Database, Db
    from auth_server.storage.signing_keys import Revoked

_ORDER = (KeyState.ACTIVE, KeyState.NEXT, KeyState.RETIRED, KeyState.REVOKED)


class KeyCommandSettings(KeySettings):
    """What the servers' settings say of keys, as far as this command finds it."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", populate_by_name=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As the auth server reads them: by their first name that is given, also from a file."""
        return (NamedSource(settings_cls),)


@dataclass(frozen=True, slots=True)
class KeyNote:
    """A key, and what comes next in its life."""

    kid: str
    state: str
    algorithm: str
    age: timedelta
    coming: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """Which key takes over, and when: at once, where `at` has passed."""

    kid: str
    at: datetime
    done: bool


async def all_notes(url: str) -> list[KeyNote]:
    """Every key: the active one, the next, then the retired and the revoked.

    Raises:
        RefusalError: the database refuses.
    """
    async with opened(url) as db:
        lives = await _lives(db)
    now = datetime.now(UTC)
    plan = _plan(read(KeyCommandSettings), lives)
    lives.sort(key=lambda life: _ORDER.index(life.state))
    return [
        KeyNote(life.kid, life.state.value, life.algorithm.value, now - life.created, _coming(life, lives, plan))
        for life in lives
    ]


async def rotate(url: str, *, at_once: bool) -> Rotation:
    """Lets the next key take over: when it is ready, or at once.

    Raises:
        RefusalError: no key signs yet, access tokens are signed with a shared secret, or the database refuses.
    """
    settings = read(KeyCommandSettings)
    if settings.signing_algorithm is Algorithm.HS256:
        raise RefusalError(
            "access tokens are signed with GATEPOST_JWT_SECRET_KEY (HS256); to change that secret, give every server"
            " and every guard a new one"
        )
    async with opened(url) as db:
        now = datetime.now(UTC)
        following = await _next_of(db, url, settings, now)

        async def work(db: Db) -> str | None:
            kid = await _rotated(db, following, now, at_once=at_once)
            if kid is not None:
                await audit.record(db, AuditEvent.KEY_ROTATED, None, now, target=f"key:{kid}")
            elif not at_once:
                await audit.record(db, AuditEvent.KEY_ROTATION_ASKED, None, now, target=f"key:{following.kid}")
            return kid

        kid = await db.transaction(work)
        return Rotation(kid or following.kid, now if kid else following.ready, bool(kid))


async def revoke(url: str, kid: str) -> Revoked:
    """Ends a key: its tokens are refused from now on.

    Raises:
        RefusalError: there is no such key, it was revoked before, or the database refuses.
    """
    now = datetime.now(UTC)

    async def work(db: Db) -> Revoked | None:
        revoked = await signing_keys.revoke(db, kid, now)
        if revoked is not None:
            await audit.record(db, AuditEvent.KEY_REVOKED, None, now, target=f"key:{kid}")
            if revoked.promoted is not None:
                await audit.record(db, AuditEvent.KEY_ROTATED, None, now, target=f"key:{revoked.promoted}")
        return revoked

    async with opened(url) as db:
        revoked = await db.transaction(work)
        if revoked is None and any(life.kid == kid for life in await _lives(db)):
            raise RefusalError(f"the key {kid} was revoked before")
    if revoked is None:
        raise RefusalError(f"no key has the id {kid}; `gatepost keys list` shows them")
    return revoked


async def _rotated(db: Db, following: KeyLife, now: datetime, *, at_once: bool) -> str | None:
    """The id of the key that has taken over by this; None where it is not ready, and takes over when it is."""
    if at_once:
        return await signing_keys.rotate_at_once(db, now)
    await signing_keys.ask_rotation(db, now)
    # It was asked for, so neither its age nor its algorithm matters any more.
    return await signing_keys.rotate(db, now, due_since=None, algorithm=following.algorithm)


async def _lives(db: Database) -> list[KeyLife]:
    return [key.life for key in await signing_keys.all_keys(db)]


async def _next_of(db: Database, url: str, settings: KeyCommandSettings, now: datetime) -> KeyLife:
    """The next key, made here if no server has made one."""
    lives = await _lives(db)
    if not any(life.state is KeyState.ACTIVE for life in lives):
        raise RefusalError("no key signs yet: the first server that starts makes one")
    if not any(life.state is KeyState.NEXT for life in lives):
        why = (
            "no server has made a next key yet, and one made here is sealed with it; set it as the servers have it, or"
            " start a server and try again"
        )
        seal = Seal(sealing_ring(url, why=why))
        await KeyRotation(db, seal, _plan(settings, lives)).make(KeyState.NEXT, now)
        lives = await _lives(db)
    following = next((life for life in lives if life.state is KeyState.NEXT), None)
    if following is None:
        raise RefusalError("another rotation came in between; see `gatepost keys list`, and try again")
    return following


def _plan(settings: KeyCommandSettings, lives: Sequence[KeyLife]) -> KeyPlan:
    """The servers' plan; where the algorithm is not given here, that of the active key."""
    algorithm = settings.signing_algorithm
    if not given(KeyCommandSettings, "signing_algorithm"):
        algorithm = next((life.algorithm for life in lives if life.state is KeyState.ACTIVE), algorithm)
    return KeyPlan(algorithm, settings.key_rotation_interval, timedelta(seconds=settings.jwks_cache_seconds))


def _coming(life: KeyLife, lives: Sequence[KeyLife], plan: KeyPlan) -> str:
    removal = removed_at(life)
    if removal:
        return f"removed after {said(removal)}"
    at = plan.rotates_at(lives)
    if life.state is KeyState.ACTIVE:
        return f"retires {said(at)}" if at else "signs until `gatepost keys rotate`"
    return f"signs from {said(at)}" if at else f"may sign from {said(life.ready)}"


def said(at: datetime) -> str:
    """A time for people: to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
