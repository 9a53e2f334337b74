"""SecondFactorService: what is asked of a user beside the first proof."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.interceptors.calls import Call
from auth_server.servicers.times import write_time
from auth_server.usecases.second_factor_changes import SecondFactorChanges
from auth_server.usecases.second_factor_resets import SecondFactorResets
from gatepost.v1 import second_factor_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class SecondFactorService:
    """The RPCs of gatepost.v1.SecondFactorService."""

    changes: SecondFactorChanges
    resets: SecondFactorResets

    async def BeginTotp(self, request: pb.BeginTotpRequest, call: Call) -> pb.BeginTotpResponse:
        """Makes a secret that waits to be confirmed."""
        current = request.current_password if request.HasField("current_password") else None
        begun = await self.changes.begin(call.signed_in_caller, current)
        answer = pb.BeginTotpResponse(secret=begun.secret, uri=begun.uri)
        write_time(begun.expires, answer.expire_time)
        return answer

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, call: Call) -> pb.ConfirmTotpResponse:
        """Turns the second factor on."""
        codes = await self.changes.confirm(call.signed_in_caller, request.code)
        return pb.ConfirmTotpResponse(recovery_codes=codes)

    async def MakeRecoveryCodes(self, request: pb.MakeRecoveryCodesRequest, call: Call) -> pb.MakeRecoveryCodesResponse:
        """Makes recovery codes in the place of those before."""
        codes = await self.changes.make_recovery_codes(call.signed_in_caller, request.code)
        return pb.MakeRecoveryCodesResponse(recovery_codes=codes)

    async def RemoveSecondFactor(
        self, request: pb.RemoveSecondFactorRequest, call: Call
    ) -> pb.RemoveSecondFactorResponse:
        """Turns the second factor off."""
        current = request.current_password if request.HasField("current_password") else None
        await self.changes.remove(call.signed_in_caller, current, request.code)
        return pb.RemoveSecondFactorResponse()

    async def GetSecondFactor(self, _: pb.GetSecondFactorRequest, call: Call) -> pb.GetSecondFactorResponse:
        """Tells of the caller's second factor."""
        held = await self.changes.find(call.signed_in_caller)
        if held is None or held.confirmed_at is None:
            return pb.GetSecondFactorResponse()
        answer = pb.GetSecondFactorResponse(active=True, recovery_codes_left=held.recovery_codes)
        write_time(held.confirmed_at, answer.activate_time)
        return answer

    async def ResetSecondFactor(self, request: pb.ResetSecondFactorRequest, _: Call) -> pb.ResetSecondFactorResponse:
        """Takes a user's second factor away."""
        await self.resets.reset(request.user_id)
        return pb.ResetSecondFactorResponse()
