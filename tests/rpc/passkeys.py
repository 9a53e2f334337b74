"""People with passkeys, made by whole ceremonies."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from gatepost.v1 import passkey_service_pb2 as pb
from tests.passkeys import Answer, SoftAuthenticator
from tests.people import PASSWORD, People, SignedIn


def struct_of(answer: Answer) -> Struct:
    """The answer as a message takes it."""
    struct = Struct()
    struct.update(answer)
    return struct


async def verified(people: People, sql: Any, **fields: Any) -> SignedIn:
    """A person of a verified address who has logged in."""
    signed_in = await people.signed_in(**fields)
    await sql.execute("UPDATE users SET email_verified = now() WHERE id::text = $1", signed_in.id)
    return signed_in


async def creation_options(
    people: People, who: SignedIn, password: str | None = PASSWORD, code: str | None = None
) -> dict[str, Any]:
    """What the person's browser is asked for."""
    request = pb.BeginRegistrationRequest(current_password=password, code=code)
    return MessageToDict((await people.passkeys.BeginRegistration(request, metadata=who.bearer)).options)


async def keep(people: People, who: SignedIn, answer: Answer, **fields: Any) -> pb.Passkey:
    """What became of the browser's answer."""
    request = pb.FinishRegistrationRequest(credential=struct_of(answer), **fields)
    return (await people.passkeys.FinishRegistration(request, metadata=who.bearer)).passkey


async def a_passkey(people: People, who: SignedIn, **fields: Any) -> SoftAuthenticator:
    """An authenticator that holds a new passkey of the person's."""
    authenticator = SoftAuthenticator(**fields)
    await keep(people, who, authenticator.create(await creation_options(people, who)))
    return authenticator


async def request_options(people: People) -> tuple[dict[str, Any], str]:
    """What anybody's browser is asked for, and the ceremony token."""
    answer = await people.passkeys.BeginSignIn(pb.BeginSignInRequest())
    return MessageToDict(answer.options), answer.ceremony_token


async def sign_in(people: People, answer: Answer, ceremony_token: str) -> SignedIn:
    """The sign-in that the answer begins."""
    request = pb.FinishSignInRequest(ceremony_token=ceremony_token, credential=struct_of(answer))
    found = await people.passkeys.FinishSignIn(request)
    tokens = found.backend_tokens
    return SignedIn(found.user.id, found.user.email, tokens.access_token, tokens.refresh_token)


async def by_passkey(people: People, authenticator: SoftAuthenticator, **changes: Any) -> SignedIn:
    """The sign-in that the authenticator begins, in one whole ceremony."""
    options, token = await request_options(people)
    return await sign_in(people, authenticator.get(options, **changes), token)


async def families(sql: Any) -> int:
    """How many sign-ins there are."""
    return int(await sql.fetchval("SELECT count(*) FROM refresh_families"))
