"""PasskeyService: registering passkeys, and signing in by them."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.interceptors.calls import Call
from auth_server.servicers.passkey_messages import answer_of, credential_id_of, message_of, struct_of
from auth_server.servicers.user_messages import message_of_tokens, message_of_user
from auth_server.usecases.passkey_sign_ins import PasskeySignIns
from auth_server.usecases.passkeys import Passkeys
from gatepost.v1 import passkey_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class PasskeyService:
    """The RPCs of gatepost.v1.PasskeyService."""

    passkeys: Passkeys
    sign_ins: PasskeySignIns

    async def BeginRegistration(self, request: pb.BeginRegistrationRequest, call: Call) -> pb.BeginRegistrationResponse:
        """Asks for a new passkey of the caller's."""
        current = request.current_password if request.HasField("current_password") else None
        options = await self.passkeys.begin(call.signed_in_caller, current, request.code)
        return pb.BeginRegistrationResponse(options=struct_of(options))

    async def FinishRegistration(
        self, request: pb.FinishRegistrationRequest, call: Call
    ) -> pb.FinishRegistrationResponse:
        """Keeps the passkey that the browser has made."""
        name = request.name if request.HasField("name") else None
        added = await self.passkeys.finish(call.signed_in_caller, answer_of(request.credential), name)
        return pb.FinishRegistrationResponse(passkey=message_of(added))

    async def BeginSignIn(self, _: pb.BeginSignInRequest, __: Call) -> pb.BeginSignInResponse:
        """Asks for any passkey of this service."""
        options, token = await self.sign_ins.begin()
        return pb.BeginSignInResponse(options=struct_of(options), ceremony_token=token)

    async def FinishSignIn(self, request: pb.FinishSignInRequest, call: Call) -> pb.FinishSignInResponse:
        """Signs the user in whose passkey has signed the challenge."""
        signed_in = await self.sign_ins.finish(request.ceremony_token, answer_of(request.credential), call.client)
        return pb.FinishSignInResponse(
            user=message_of_user(signed_in.user), backend_tokens=message_of_tokens(signed_in.tokens)
        )

    async def ListPasskeys(self, _: pb.ListPasskeysRequest, call: Call) -> pb.ListPasskeysResponse:
        """Lists the caller's passkeys."""
        found = await self.passkeys.all_of(call.signed_in_caller)
        return pb.ListPasskeysResponse(passkeys=map(message_of, found))

    async def RenamePasskey(self, request: pb.RenamePasskeyRequest, call: Call) -> pb.RenamePasskeyResponse:
        """Gives one of the caller's passkeys another name."""
        renamed = await self.passkeys.rename(call.signed_in_caller, credential_id_of(request.id), request.name)
        return pb.RenamePasskeyResponse(passkey=message_of(renamed))

    async def DeletePasskey(self, request: pb.DeletePasskeyRequest, call: Call) -> pb.DeletePasskeyResponse:
        """Removes one of the caller's passkeys."""
        current = request.current_password if request.HasField("current_password") else None
        await self.passkeys.remove(call.signed_in_caller, credential_id_of(request.id), current)
        return pb.DeletePasskeyResponse()
