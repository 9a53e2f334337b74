"""KeysService: the keys that verify access tokens."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.domain.signing_keys import VerifyingKey
from auth_server.interceptors.calls import Call
from auth_server.usecases.keys import Keys
from gatepost.v1 import keys_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class KeysService:
    """The RPCs of gatepost.v1.KeysService."""

    keys: Keys

    async def GetJsonWebKeySet(self, _: pb.GetJsonWebKeySetRequest, __: Call) -> pb.GetJsonWebKeySetResponse:
        """Lists the public keys."""
        return pb.GetJsonWebKeySetResponse(keys=[_message_of(key) for key in self.keys.published])


def _message_of(key: VerifyingKey) -> pb.JsonWebKey:
    return pb.JsonWebKey(use="sig", alg=key.algorithm.value, kid=key.kid, **(key.jwk or {}))
