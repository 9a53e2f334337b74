"""Everything that people, front ends, services and operators do, each with secrets of its own."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from auth_server.domain.mails import MailKind
from auth_server.domain.services import basic_of
from gatepost.v1.adapter_pb2 import Account, AdapterUser, Authenticator, VerificationToken
from tests.e2e.canary import CHECK, EVERY_METHOD, Canary
from tests.images import an_image
from tests.people import Metadata
from tests.rpc.provider import Provider
from tests.second_factors import App


@dataclass
class Person:
    """Somebody who has signed in, and what they present."""

    id: str
    email: str
    password: str
    access: Metadata
    refresh: Metadata


@dataclass
class Flows:
    """The flows of one deployment. `mailed` answers the token of the latest mail of a kind to an address."""

    canary: Canary
    adapter: Metadata
    adapter_of_before: Metadata
    service: Metadata
    provider: Provider
    http_url: str
    """Where the gateway before the deployment listens."""
    mailed: Callable[[MailKind, str], Awaitable[str]]
    refuse_mails: Callable[[str], None]
    """Lets the mail server refuse what goes to this address for good."""
    dead_mail: Callable[[], Awaitable[None]]
    """Waits until one is dead."""
    make_operator: Callable[[str], Awaitable[None]]
    turn_on: Callable[[str], Awaitable[App]]
    """Gives a user a second factor."""

    async def front_end(self) -> None:
        """All that an adapter asks for, and the sign-in of a provider's user."""
        call, marked = self.canary.call, self.canary.marked
        email, number = f"{secrets.token_hex(8)}@example.org", secrets.token_hex(8)
        user = (
            await call("AdapterService/CreateUser", self.adapter, {"user": AdapterUser(email=email, name="A")})
        ).user
        by_account: dict[str, Any] = {"provider": "google", "provider_account_id": number}
        account = Account(user_id=user.id, type="oauth", **by_account)
        for field in ("access_token", "refresh_token", "session_state"):
            setattr(account, field, marked.sealed_text(field))
        account.id_token = self.provider.id_token(sub=number)
        account.extras.update(
            {"device_secret": marked.sealed_text("extra"), "deep": {"er": [marked.sealed_text("deep")]}}
        )
        for _ in range(2):
            await call("AdapterService/LinkAccount", self.adapter, {"account": account})
        for rpc, fields in {
            "GetUserById": {"id": user.id},
            "GetUserByEmail": {"email": email},
            "GetUserByAccount": by_account,
            "GetAccount": by_account,
        }.items():
            await call(f"AdapterService/{rpc}", self.adapter, fields)
        changed = {"user": AdapterUser(id=user.id, name="B"), "update_mask": {"paths": ["name"]}}
        await call("AdapterService/UpdateUser", self.adapter, changed)
        token = self.provider.id_token(sub=number)
        await call("AuthService/OAuthLogin", self.adapter, {"email": email, "id_token": token, **by_account})
        await self._sessions(user.id)
        await self._verification_token(email)
        other = {**by_account, "provider": "github"}
        account.provider = "github"
        await call("AdapterService/LinkAccount", self.adapter, {"account": account})
        await call("AdapterService/UnlinkAccount", self.adapter, other)
        await self._authenticator(user.id)
        gone = (await call("AdapterService/CreateUser", self.adapter, {"user": AdapterUser(name="Gone")})).user
        await call("AdapterService/DeleteUser", self.adapter, {"id": gone.id})

    async def _authenticator(self, user_id: str) -> None:
        call, credential_id = self.canary.call, secrets.token_bytes(32)
        named: dict[str, Any] = {"credential_id": credential_id}
        made = Authenticator(
            credential_id=credential_id,
            user_id=user_id,
            provider_account_id=secrets.token_hex(8),
            credential_public_key=b"key",
            credential_device_type="singleDevice",
        )
        await call("AdapterService/CreateAuthenticator", self.adapter, {"authenticator": made})
        await call("AdapterService/GetAuthenticator", self.adapter, named)
        await call("AdapterService/ListAuthenticators", self.adapter, {"user_id": user_id})
        for counter in (7, 8):
            await call("AdapterService/UpdateAuthenticatorCounter", self.adapter, {**named, "counter": counter})

    async def _sessions(self, user_id: str) -> None:
        call = self.canary.call
        expires = datetime.now(UTC) + timedelta(days=1)
        for _ in range(2):
            named = {"session_token": self.canary.marked.token("session")}
            await call("AdapterService/CreateSession", self.adapter, {**named, "user_id": user_id, "expires": expires})
            await call("AdapterService/GetSessionAndUser", self.adapter, named)
            await call("AdapterService/UpdateSession", self.adapter, {**named, "expires": expires + timedelta(days=1)})
        await call("IdentityService/GetIdentity", [("x-session-token", named["session_token"])])
        cookie = {"cookie": f"authjs.session-token={named['session_token']}"}
        attributes = {"request": {"http": {"headers": cookie}}}
        await call(CHECK, self.service, {"attributes": attributes})
        await call("AdapterService/DeleteSession", self.adapter, named)

    async def _verification_token(self, email: str) -> None:
        for _ in range(2):
            given = VerificationToken(identifier=email, token=self.canary.marked.token("verification"))
            given.expires.FromDatetime(datetime.now(UTC) + timedelta(days=1))
            await self.canary.call(
                "AdapterService/CreateVerificationToken", self.adapter, {"verification_token": given}
            )
        used = {"identifier": email, "token": given.token}
        await self.canary.call("AdapterService/UseVerificationToken", self.adapter_of_before, used)

    async def registered(self) -> Person:
        """A person who has registered, verified their address and logged in."""
        call = self.canary.call
        email, password = f"{secrets.token_hex(8)}@example.org", self.canary.marked.password()
        await call("AuthService/Register", [], {"name": "Ada", "email": email, "password": password})
        await call("AuthService/VerifyEmail", [], {"token": await self.mailed(MailKind.VERIFY_EMAIL, email)})
        return await self.logged_in(email, password)

    async def logged_in(self, email: str, password: str) -> Person:
        answer = await self.canary.call("AuthService/Login", [], {"email": email, "password": password})
        return _person_of(answer, email, password)

    async def passwords(self) -> Person:
        """Every way to another password, another address and another token; who they are then."""
        call, marked = self.canary.call, self.canary.marked
        ann = await self.registered()
        await call("AuthService/Register", [], {"name": "Eve", "email": ann.email, "password": marked.password()})
        await call("AuthService/ForgotPassword", [], {"email": ann.email})
        reset = {"token": await self.mailed(MailKind.RESET_PASSWORD, ann.email), "new_password": marked.password()}
        await call("AuthService/ResetPassword", [], reset)
        ann = await self.logged_in(ann.email, reset["new_password"])
        changed = {"current_password": ann.password, "new_password": marked.password()}
        await call("AuthService/ChangePassword", ann.access, changed)
        ann = await self.logged_in(ann.email, changed["new_password"])
        new = f"{secrets.token_hex(8)}@example.org"
        await call("AuthService/ChangeEmail", ann.access, {"new_email": new, "current_password": ann.password})
        confirmed = {"token": await self.mailed(MailKind.CONFIRM_NEW_EMAIL, new)}
        await call("AuthService/ConfirmEmailChange", [], confirmed)
        used = ann.refresh
        pair = (await call("AuthService/RefreshTokens", used)).backend_tokens
        pair = (
            await call("AuthService/RefreshTokens", [("authorization", f"Refresh {pair.refresh_token}")])
        ).backend_tokens
        await self.canary.fail("AuthService/RefreshTokens", used)  # a second use, which ends the sign-in
        await self.canary.fail(
            "UsersService/GetUser", [("authorization", f"Bearer {pair.access_token}")], {"id": ann.id}
        )
        gone = await self.logged_in(new, ann.password)
        await call("AuthService/Logout", gone.refresh)
        return await self.logged_in(new, ann.password)

    async def own_things(self, ann: Person) -> None:
        """What people do to what is theirs."""
        call = self.canary.call
        await call("AuthService/RequestEmailVerification", ann.access, {"user_id": ann.id, "email": ann.email})
        await call("UsersService/GetUser", ann.access, {"id": ann.id})
        profile = {"id": ann.id, "user": {"name": "Grace"}, "update_mask": {"paths": ["name"]}}
        await call("UsersService/UpdateUser", ann.access, profile)
        image = await call("UsersService/UploadUserImage", ann.access, {"id": ann.id}, {"chunk": an_image()})
        await call("ImagesService/GetImage", [], {"name": image.image_url.rpartition("/")[2]})
        other = await self.logged_in(ann.email, ann.password)
        listed = await call("SessionService/ListSignIns", ann.access, {"user_id": ann.id})
        another = next(each.id for each in listed.sign_ins if not each.current)
        await call("SessionService/EndSignIn", ann.access, {"user_id": ann.id, "id": another})
        await self.canary.fail("UsersService/GetUser", other.access, {"id": ann.id})
        await call("SessionService/EndSignIns", ann.access, {"user_id": ann.id, "keep_current": True})
        await call("IdentityService/GetIdentity", ann.access)
        await call("KeysService/GetJsonWebKeySet", [])

    async def services(self, ann: Person) -> None:
        """What internal services ask about tokens."""
        call = self.canary.call
        access, refresh = (held[0][1].partition(" ")[2] for held in (ann.access, ann.refresh))
        await call("TokenService/VerifyAccessToken", self.service, {"access_token": access})
        for token in (access, refresh, self.canary.marked.token("unknown")):
            await call("TokenService/Introspect", self.service, {"token": token})
        await call("TokenService/WatchRevocations", self.service)
        await call("TokenService/Revoke", self.service, {"token": refresh})

    async def operators(self) -> None:
        """What operators do to users and mails."""
        call = self.canary.call
        boss, bob = await self.registered(), await self.registered()
        await self.make_operator(boss.id)
        await call("UsersService/ListUsers", boss.access)
        await call("UsersService/ExportUser", boss.access, {"id": bob.id})
        await call("UsersService/DisableUser", boss.access, {"id": bob.id})
        await self.canary.fail("AuthService/Login", [], {"email": bob.email, "password": bob.password})
        await call("UsersService/EnableUser", boss.access, {"id": bob.id})
        await call("UsersService/DeleteUser", boss.access, {"id": bob.id})

    async def what_is_left(self) -> None:
        """What services may call that needs no request, so that an RPC which only lists needs no flow of its own."""
        for rpc in EVERY_METHOD.keys() - self.canary.driven:
            with suppress(grpc.aio.AioRpcError):
                await self.canary.call(rpc, self.service)

    async def dead_mails(self) -> None:
        """What operators do to mails, all of which a mail server refuses for good."""
        call = self.canary.call
        boss = await self.registered()
        await self.make_operator(boss.id)
        self.refuse_mails(boss.email)
        for rpc in ("RedriveMail", "RedriveMails", "DropMail", "DropMails", ""):
            await call("AuthService/ForgotPassword", [], {"email": boss.email})
            await self.dead_mail()
            mails = (await call("MailService/ListMails", boss.access, {"dead": True})).mails
            if rpc:
                named: dict[str, Any] = {"id": mails[0].id} if rpc.endswith("Mail") else {}
                await call(f"MailService/{rpc}", boss.access, named)


def _person_of(answer: Any, email: str, password: str) -> Person:
    tokens = answer.backend_tokens
    return Person(
        answer.user.id,
        email,
        password,
        [("authorization", f"Bearer {tokens.access_token}")],
        [("authorization", f"Refresh {tokens.refresh_token}")],
    )


def basic(name: str, secret: str) -> Metadata:
    """How a service presents its secret."""
    return [("authorization", f"Basic {basic_of(name, secret)}")]
