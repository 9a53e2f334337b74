"""Sign-ins in two steps, as a front end does them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import grpc
import jwt
from google.rpc import error_details_pb2

from auth_server.domain.recovery_codes import hash_of, new_codes
from gatepost.v1 import auth_service_pb2 as pb
from tests.people import PASSWORD, People, detail_of, refused
from tests.second_factors import App


def amr(access_token: str) -> list[str]:
    """How the token says that its user has proven themselves."""
    claims = jwt.decode(access_token, options={"verify_signature": False})
    return list(claims.get("amr", []))


def challenge_in(error: grpc.aio.AioRpcError) -> str:
    """The challenge that a refused sign-in carries."""
    return str(detail_of(error, error_details_pb2.ErrorInfo()).metadata["challenge"])


async def challenge_of(people: People, email: str, password: str = PASSWORD) -> str:
    """What the right password is refused with."""
    with refused("SECOND_FACTOR_REQUIRED", grpc.StatusCode.PERMISSION_DENIED) as caught:
        await people.login(email, password)
    return challenge_in(caught.value)


async def complete(people: People, challenge: str, code: str, device_token: str = "") -> pb.CompleteSignInResponse:
    """The sign-in that the code completes."""
    request = pb.CompleteSignInRequest(challenge=challenge, code=code, device_token=device_token or None)
    return await people.auth.CompleteSignIn(request)


async def recovery_codes_of(sql: asyncpg.Connection, user_id: str, app: App) -> Sequence[str]:
    """Codes that the user has from now on, past the server."""
    codes = new_codes()
    rows = [(UUID(user_id), hash_of(code, app.secret)) for code in codes]
    await sql.executemany("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)", rows)
    return codes
