"""Records of a file as users, by the same rules that hold for who registers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import protovalidate
from google.protobuf.json_format import ParseDict, ParseError

from auth_server.domain.ids import find_id, new_id
from auth_server.domain.imported_hashes import HashRefusedError
from auth_server.domain.imported_users import ImportedUser
from auth_server.domain.users import PROFILE_FIELDS
from auth_server.servicers.user_messages import profile_of
from gatepost.v1 import adapter_pb2, auth_service_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auth_server.domain.kept_hashes import KeptHashes

FIELDS = frozenset(
    {"id", "email", "email_verified", "password_hash", "name", "image", "locale", "disabled", "created_at"}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})


class RecordRefusedError(Exception):
    """The record is no user; says why by the field's name, and never repeats its value."""


def user_of(fields: Mapping[str, object], kept: KeptHashes, now: datetime) -> ImportedUser:
    """The user that the record tells of; None, and in CSV the empty text, stand for what is not told.

    Raises:
        RecordRefusedError: a field is not known, or breaks a rule.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    unknown = sorted(given.keys() - FIELDS - PROFILE_FIELDS)
    if unknown:
        raise RecordRefusedError(f"{unknown[0][:64]!a} is no field")
    request = _checked(given)
    created_at = _time(given, "created_at") or now
    return ImportedUser(
        id=_id(given),
        email=request.email,
        email_verified=_verified(given, now),
        password_hash=_kept(given, kept),
        name=request.name if "name" in given else None,
        image=_text(given, "image"),
        profile=profile_of(request.profile),
        locale=request.locale if request.HasField("locale") else None,
        disabled_at=now if _flag(given, "disabled") else None,
        created_at=min(created_at, now),
    )


def _checked(given: Mapping[str, Any]) -> auth_service_pb2.RegisterRequest:
    """The record as a request to register, which keeps all rules of that."""
    profile = {name: value for name, value in given.items() if name in PROFILE_FIELDS}
    request = auth_service_pb2.RegisterRequest(name="?", password="?")  # noqa: S106 (rules want some)
    try:
        for name in ("email", "name", "locale"):
            ParseDict({name: given[name]} if name in given else {}, request)
        for name, value in profile.items():
            ParseDict({name: value}, request.profile)
    except ParseError:
        raise RecordRefusedError(f"{name} is of the wrong type") from None
    _keep_rules(request)
    _keep_rules(adapter_pb2.AdapterUser(image=_text(given, "image")))
    return request


def _keep_rules(message: Any) -> None:
    for violation in protovalidate.collect_violations(message):
        path = violation.proto.field
        name = path.elements[-1].field_name if path else "record"
        raise RecordRefusedError(f"{name}: {violation.proto.message}")


def _kept(given: Mapping[str, object], kept: KeptHashes) -> str | None:
    text = _text(given, "password_hash")
    if text is None:
        return None
    try:
        return kept.keep(text)
    except HashRefusedError as error:
        raise RecordRefusedError(f"password_hash: {error}") from None


def _id(given: Mapping[str, object]) -> UUID:
    text = _text(given, "id")
    if text is None:
        return new_id()
    found = find_id(text)
    if found is None:
        raise RecordRefusedError("id is no UUID")
    return found


def _verified(given: Mapping[str, object], now: datetime) -> datetime | None:
    """When the address was verified, where that is told; now, where it is only told that it was."""
    value = given.get("email_verified")
    if isinstance(value, str) and value.lower() not in _TRUE | _FALSE:
        found = _time(given, "email_verified")
        return min(found, now) if found else None
    return now if _flag(given, "email_verified") else None


def _flag(given: Mapping[str, object], name: str) -> bool:
    value = given.get(name, False)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise RecordRefusedError(f"{name} is neither true nor false")


def _time(given: Mapping[str, object], name: str) -> datetime | None:
    text = _text(given, name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        at = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RecordRefusedError(f"{name} is no time of RFC 3339") from None
    if found.tzinfo is None or at < _EPOCH:
        raise RecordRefusedError(f"{name} has no time zone, or is before 1970")
    return at


def _text(given: Mapping[str, object], name: str) -> str | None:
    value = given.get(name)
    if value is None or isinstance(value, str):
        return value
    raise RecordRefusedError(f"{name} is no text")
