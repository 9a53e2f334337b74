"""Checks that keys open what lies in the database, and that signing keys follow one another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auth_server.domain.key_lives import KeyPlan, KeyState, removed_at
from auth_server.domain.secrets import KeyRing, Seal, SealBrokenError
from auth_server.domain.signing_keys import Algorithm, KeyBrokenError
from auth_server.storage import examinations, signing_keys
from auth_server.usecases.key_rotation import opened
from gatepost_cli.doctor.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auth_server.domain.key_lives import KeyLife
    from auth_server.settings import AuthServerSettings
    from auth_server.storage.database import Db
    from auth_server.storage.signing_keys import StoredKey

OVERDUE = timedelta(minutes=5)
"""Servers take each step within seconds; one that is so much behind was taken by nobody."""
OLD = timedelta(days=90)
_SIGNING = "signing keys"


async def rings(db: Db, settings: AuthServerSettings) -> list[Finding]:
    """Whether the peppers and sealing keys that the database relies on are there."""
    peppers, sealing = await examinations.peppers(db), await examinations.sealing_keys(db)
    return [
        _ring("peppers", KeyRing.of(settings.peppers.get_secret_value()), peppers, "passwords match nothing"),
        _ring("sealing keys", KeyRing.of(settings.sealing_keys.get_secret_value()), sealing, "values do not open"),
    ]


async def signing(db: Db, settings: AuthServerSettings, now: datetime) -> list[Finding]:
    """Whether the keys that sign open, are not too old, and are looked after."""
    stored = await signing_keys.all_keys(db)
    cache = timedelta(seconds=settings.jwks_cache_seconds)
    plan = KeyPlan(settings.signing_algorithm, settings.key_rotation_interval, cache)
    lives = [key.life for key in stored]
    seal = Seal(KeyRing.of(settings.sealing_keys.get_secret_value()))
    return [_opens(stored, seal), *([] if plan.algorithm is Algorithm.HS256 else _ages(lives, plan, now))]


def _ring(check: str, ring: KeyRing, used: Mapping[str, int], harm: str) -> Finding:
    unknown = {key_id: many for key_id, many in used.items() if ring.find(key_id) is None}
    if unknown:
        lost = ", ".join(f"{many} under {key_id!r}" for key_id, many in unknown.items())
        return fail(
            check,
            f"{sum(unknown.values())} {harm}: the ring lacks their key ({lost})",
            f"put the key back into GATEPOST_{check.upper().replace(' ', '_')}, behind the one in use",
        )
    unused = [name for name, _ in ring.keys[1:] if name not in used]
    note = f"; nothing lies under {', '.join(unused)} any more" if unused and check == "peppers" else ""
    return ok(check, f"every key that the database names is in the ring{note}")


def _opens(stored: Sequence[StoredKey], seal: Seal) -> Finding:
    for key in stored:
        try:
            if key.sealed:
                opened(key, seal)
        except (SealBrokenError, KeyBrokenError):
            return fail(
                "signing keys' seal",
                f"the key {key.life.kid} does not open: no server starts",
                "put the key that sealed it back into GATEPOST_SEALING_KEYS",
            )
    return ok("signing keys' seal", "every private key opens")


def _ages(lives: Sequence[KeyLife], plan: KeyPlan, now: datetime) -> Iterator[Finding]:
    active = next((life for life in lives if life.state is KeyState.ACTIVE), None)
    if active is None:
        yield fail(_SIGNING, "none signs", "start a server: it makes one")
        return
    days = (now - (active.activated or active.created)).days
    at = plan.rotates_at(lives)
    left_over = [life for life in lives if (end := removed_at(life)) and now - end > OVERDUE]
    without_next = not any(life.state is KeyState.NEXT for life in lives)
    if (at and now - at > OVERDUE) or left_over or (without_next and now - active.created > OVERDUE):
        yield fail(
            _SIGNING,
            f"nobody looks after them: the active one is {days} days old, and a step is overdue",
            "see that a server runs on this database, and its log for `background work failed`",
        )
    elif not plan.interval and timedelta(days=days) > OLD:
        yield warn(
            _SIGNING,
            f"the active one is {days} days old, and rotates by hand alone",
            "run `gatepost keys rotate`, or set GATEPOST_KEY_ROTATION_INTERVAL",
        )
    else:
        yield ok(_SIGNING, f"the active one is {days} days old" + (f", and gives way on {at:%Y-%m-%d}" if at else ""))
