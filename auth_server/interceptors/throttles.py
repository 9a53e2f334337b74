"""Takes from the budget that the contract names for a method, before anything of the call is evaluated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from auth_server.domain.budgets import Budget
from auth_server.domain.errors import AuthError
from auth_server.interceptors.calls import Call, Handler, Method
from auth_server.interceptors.guards import ContractError
from auth_server.usecases.throttling import Taken, Throttling
from gatepost.v1 import options_pb2

BUDGETS = {
    options_pb2.BUDGET_LOGIN: Budget.LOGIN,
    options_pb2.BUDGET_REGISTER: Budget.REGISTER,
    options_pb2.BUDGET_FORGOT_PASSWORD: Budget.FORGOT_PASSWORD,
    options_pb2.BUDGET_MAILED_LINK: Budget.MAILED_LINK,
    options_pb2.BUDGET_REAUTHENTICATION: Budget.REAUTHENTICATION,
    options_pb2.BUDGET_OAUTH_LOGIN: Budget.OAUTH_LOGIN,
    options_pb2.BUDGET_SECOND_FACTOR: Budget.SECOND_FACTOR,
    options_pb2.BUDGET_PASSKEY: Budget.PASSKEY,
}


class Throttles:
    """Throttles every method whose contract says so; others are left as they are."""

    def __init__(self, throttling: Throttling) -> None:
        self._throttling = throttling

    def __call__(self, method: Method, handler: Handler) -> Handler:
        """The handler, which a call reaches only while its budgets last.

        What it took is given back by a success, also by a part of one, after which more is asked for, and by a refusal
        that tells nothing of a guess. It is kept where a guess was wrong, and where nobody knows: a caller that goes
        away, or whose time ends, might have guessed.

        Raises:
            ContractError: the contract asks for a throttle that cannot be kept, or anybody may guess without one.
        """
        declared = method.descriptor.GetOptions().Extensions[options_pb2.throttle]
        if not declared.budget:
            _check_nothing_is_guessed(method, declared)
            return handler
        _check(method, declared)
        budget, throttling = BUDGETS[declared.budget], self._throttling
        take = _taking(throttling, budget, declared)

        async def handle(request: Any, call: Call) -> Any:
            taken = await take(request, call)
            try:
                answer = await handler(request, call)
            except AuthError as refusal:
                if refusal.is_right_guess and not declared.every_call:
                    await throttling.succeed(taken)
                elif not refusal.is_wrong_guess and not declared.every_call:
                    await throttling.give_back(taken)
                raise
            if not declared.every_call:
                await throttling.succeed(taken)
            return answer

        return handle


def _taking(
    throttling: Throttling, budget: Budget, declared: options_pb2.Throttle
) -> Callable[[Any, Call], Awaitable[Taken]]:
    """What a call takes."""
    accounts, device, link, challenge = tuple(declared.account), declared.device, declared.link, declared.challenge

    async def take(request: Any, call: Call) -> Taken:
        return await throttling.take(
            budget,
            call.client,
            tuple(getattr(request, field) for field in accounts),
            device_token=getattr(request, device) if device else "",
            link_token=getattr(request, link) if link else "",
            challenge=getattr(request, challenge) if challenge else "",
        )

    async def take_of_caller(_: Any, call: Call) -> Taken:
        return await throttling.take_from_account(budget, str(call.signed_in_caller.user_id))

    return take_of_caller if declared.caller else take


def _fields_of(declared: options_pb2.Throttle) -> list[str]:
    """The request's fields that say what a call takes from."""
    return [*filter(None, (*declared.account, declared.device, declared.link, declared.challenge))]


def _check(method: Method, declared: options_pb2.Throttle) -> None:
    if method.streams or method.takes_stream:
        raise ContractError(f"{method.path} is a stream, which no throttle counts")
    fields = method.descriptor.input_type.fields_by_name
    for name in _fields_of(declared):
        field = fields.get(name)
        if field is None or field.type != FieldDescriptor.TYPE_STRING or field.is_repeated:
            raise ContractError(f"{method.path} has no string field {name} to throttle by")
    if declared.caller and (method.guard != options_pb2.GUARD_ACCESS or _fields_of(declared)):
        raise ContractError(f"{method.path} is throttled by its caller alone: GUARD_ACCESS, and no field")
    if declared.challenge and declared.account:
        raise ContractError(f"{method.path} is throttled by a challenge, which alone says whose the account is")
    if declared.device and len(declared.account) != 1 and not declared.challenge:
        raise ContractError(f"{method.path} knows devices, and so needs the one field of their account")


def _check_nothing_is_guessed(method: Method, declared: options_pb2.Throttle) -> None:
    if declared.ByteSize():
        raise ContractError(f"{method.path} has a throttle without a budget")
    secrets = [field for field in method.descriptor.input_type.fields if _is_secret(field)]
    if method.guard == options_pb2.GUARD_PUBLIC and secrets:
        raise ContractError(f"{method.path} lets anybody guess {secrets[0].name}, and needs a throttle")


def _is_secret(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.sensitive])
