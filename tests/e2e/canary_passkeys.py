"""What people do with passkeys, with challenges that are known to the test."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from tests.e2e.canary_flows import Flows
from tests.passkeys import SoftAuthenticator, bytes_of
from tests.rpc.passkeys import struct_of


async def passkeys(flows: Flows) -> None:
    """Adds one, signs in by it and fails to, and removes it."""
    call, fail = flows.canary.call, flows.canary.fail
    ann, authenticator = await flows.registered(), SoftAuthenticator()
    proof = {"current_password": ann.password}
    asked = _known(flows, (await call("PasskeyService/BeginRegistration", ann.access, proof)).options)
    made = {"credential": struct_of(authenticator.create(asked)), "name": "A phone"}
    kept = (await call("PasskeyService/FinishRegistration", ann.access, made)).passkey
    await fail("PasskeyService/FinishRegistration", ann.access, made)
    await call("PasskeyService/RenamePasskey", ann.access, {"id": kept.id, "name": "Another"})
    begun = await call("PasskeyService/BeginSignIn", [])
    answer = struct_of(authenticator.get(_known(flows, begun.options)))
    signed: dict[str, Any] = {"ceremony_token": begun.ceremony_token, "credential": answer}
    await call("PasskeyService/FinishSignIn", [], signed)
    await fail("PasskeyService/FinishSignIn", [], signed)
    await call("PasskeyService/ListPasskeys", ann.access)
    await call("PasskeyService/BeginRegistration", ann.access, proof)  # its challenge, and that of a sign-in, stay
    await call("PasskeyService/BeginSignIn", [])
    await call("PasskeyService/DeletePasskey", ann.access, {"id": kept.id, **proof})


def _known(flows: Flows, options: Struct) -> dict[str, Any]:
    """The options, whose challenge is remembered in both of its forms."""
    asked = MessageToDict(options)
    flows.canary.marked.hashed += [asked["challenge"].encode(), bytes_of(asked["challenge"])]
    return asked
