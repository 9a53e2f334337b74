"""IdentityService: who a request comes from."""

from __future__ import annotations

from auth_server.domain.errors import CredentialMissingError
from auth_server.domain.identities import Identity
from auth_server.interceptors.calls import Call
from gatepost.v1 import identity_service_pb2 as pb


class IdentityService:
    """The RPCs of gatepost.v1.IdentityService."""

    async def GetIdentity(self, _: pb.GetIdentityRequest, call: Call) -> pb.GetIdentityResponse:
        """Answers whom the guard found."""
        if call.identity is None:
            raise CredentialMissingError
        return message_of_identity(call.identity)


def message_of_identity(identity: Identity) -> pb.GetIdentityResponse:
    """The identity; what the user does not have is unset."""
    return pb.GetIdentityResponse(
        user_id=str(identity.user_id),
        email=identity.email,
        name=identity.name,
        role=identity.role.value,
        email_verified=identity.email_verified,
        sign_in_id=None if identity.sign_in_id is None else str(identity.sign_in_id),
    )
