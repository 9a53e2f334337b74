"""The messages of passkeys, and what browsers answer, read into what is judged."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from auth_server.domain.authenticator_errors import AuthenticatorNotFoundError
from auth_server.domain.authenticators import Authenticator
from auth_server.domain.passkey_options import base64url_of
from auth_server.servicers.times import write_time
from gatepost.v1 import passkey_service_pb2 as pb

_TEXTS = ("id", "rawId", "type")
_TEXTS_OF_RESPONSE = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")


def message_of(passkey: Authenticator) -> pb.Passkey:
    """The passkey as its user sees it."""
    message = pb.Passkey(
        id=base64url_of(passkey.credential_id),
        name=passkey.name,
        backed_up=passkey.backed_up,
        signs_in=passkey.is_passkey,
    )
    write_time(passkey.created_at, message.create_time)
    if passkey.last_used_at is not None:
        write_time(passkey.last_used_at, message.last_use_time)
    return message


def struct_of(options: dict[str, Any]) -> Struct:
    """The options as JSON."""
    struct = Struct()
    struct.update(options)
    return struct


def answer_of(credential: Struct) -> dict[str, Any]:
    """What the browser answered, as far as it is judged; what is of another kind than it should be is left out."""
    response = _find(credential, "response").struct_value
    answer: dict[str, Any] = _texts(credential, _TEXTS)
    transports = [each.string_value for each in _find(response, "transports").list_value.values]
    answer["response"] = {**_texts(response, _TEXTS_OF_RESPONSE), "transports": transports}
    return answer


def credential_id_of(passkey_id: str) -> bytes:
    """The credential's id, which a passkey's id spells.

    Raises:
        AuthenticatorNotFoundError: it spells none.
    """
    try:
        return base64.b64decode(passkey_id + "=" * (-len(passkey_id) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise AuthenticatorNotFoundError from None


def _find(struct: Struct, key: str) -> Value:
    return struct.fields[key] if key in struct.fields else Value()


def _texts(struct: Struct, keys: tuple[str, ...]) -> dict[str, Any]:
    found = {key: _find(struct, key) for key in keys}
    return {key: value.string_value for key, value in found.items() if value.WhichOneof("kind") == "string_value"}
