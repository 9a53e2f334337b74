"""The callers of matrix.py, made for one call each: what they present, and whom the call is to name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from auth_server.storage import services
from gatepost.v1 import auth_service_pb2, token_service_pb2, users_service_pb2
from tests.conftest import PREVIOUS_SECRET
from tests.rpc.calling import METHODS
from tests.rpc.matrix import OTHER
from tests.services import a_service

ALL_RPCS = [f"gatepost.v1.{rpc}" for rpc in METHODS]
ALL_SERVICES = sorted({f"{rpc.partition('/')[0]}/*" for rpc in ALL_RPCS})


async def presented_by(caller, people, sql, clock):
    """What this caller presents, and the id of the user whom the request is to name."""
    clock.ahead = timedelta()
    if "service" in caller:
        return await _service(caller, sql), (await people.a_user()).id
    signed_in = await people.signed_in()
    if caller == "operator":
        await sql.execute("UPDATE users SET role = 'operator' WHERE id = $1", signed_in.id)
    await _end(caller, signed_in, people, sql)
    if caller == "expired":
        clock.advance(timedelta(minutes=16))
    named = (await people.a_user()).id if caller in (OTHER, "operator") else signed_in.id
    if "session" in caller:
        life = timedelta(days=1 if caller == "session" else -1)
        return [("x-session-token", (await people.a_session(named, life)).session_token)], named
    presented = {
        "nobody": [],
        "wrong secret": [("x-auth-secret", "x" * 40)],
        "adapter": people.secret,
        "adapter by the previous secret": [("x-auth-secret", PREVIOUS_SECRET)],
        "refresh": signed_in.refresh,
        "garbage": [("authorization", "Bearer garbage"), ("x-auth-secret", "~")],
    }
    return presented.get(caller, signed_in.bearer), named


async def _service(caller, sql):
    service = await a_service(sql, *(ALL_SERVICES if caller == "service by wildcard" else ALL_RPCS))
    if caller == "revoked service":
        await services.revoke(sql, service.name, datetime.now(UTC))
    return service.basic


async def _end(caller, signed_in, people, sql):
    """Ends what the caller has, in the caller's way."""
    if caller == "logged out":
        await people.auth.Logout(auth_service_pb2.LogoutRequest(), metadata=signed_in.refresh)
    if caller == "revoked":
        request = token_service_pb2.RevokeRequest(token=signed_in.access_token)
        await people.tokens.Revoke(request, metadata=await _service("service", sql))
    if caller in ("disabled", "deleted"):
        basic = await _service("service", sql)
        if caller == "disabled":
            await people.users.DisableUser(users_service_pb2.DisableUserRequest(id=signed_in.id), metadata=basic)
        else:
            await people.users.DeleteUser(users_service_pb2.DeleteUserRequest(id=signed_in.id), metadata=basic)
