"""KeysService: the keys that verify access tokens."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.domain.access_tokens import ALGORITHM, SigningKey
from auth_server.interceptors.calls import Call
from gatepost.v1 import keys_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class KeysService:
    """The RPCs of gatepost.v1.KeysService."""

    key: SigningKey

    async def GetJsonWebKeySet(self, _: pb.GetJsonWebKeySetRequest, __: Call) -> pb.GetJsonWebKeySetResponse:
        """Lists the public keys."""
        key = pb.JsonWebKey(kty="OKP", use="sig", alg=ALGORITHM, kid=self.key.kid, crv="Ed25519", x=self.key.x)
        return pb.GetJsonWebKeySetResponse(keys=[key])
