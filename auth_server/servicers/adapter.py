"""AdapterService: what NextAuth's adapter stores and asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.adapter import Session
from auth_server.domain.ids import find_id, get_user_id, new_id
from auth_server.domain.secrets import token_hash
from auth_server.interceptors.calls import Call
from auth_server.servicers import adapter_messages as messages
from auth_server.servicers.times import datetime_of
from auth_server.storage import sessions, users, verification_tokens
from auth_server.storage.database import Db
from auth_server.usecases.accounts import Accounts
from auth_server.usecases.authenticators import Authenticators
from auth_server.usecases.erasure import Erasure
from auth_server.usecases.sessions import Sessions
from auth_server.usecases.users import Users
from gatepost.v1 import adapter_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class AdapterService:
    """The RPCs of gatepost.v1.AdapterService."""

    db: Db
    users: Users
    accounts: Accounts
    authenticators: Authenticators
    sessions: Sessions
    erasure: Erasure
    clock: Callable[[], datetime]

    async def CreateUser(self, request: pb.CreateUserRequest, _: Call) -> pb.CreateUserResponse:
        """Makes a user."""
        user = await self.users.create_for_adapter(messages.user_of(request.user))
        return pb.CreateUserResponse(user=messages.message_of_user(user))

    async def GetUserById(self, request: pb.GetUserByIdRequest, _: Call) -> pb.GetUserByIdResponse:
        """Finds a user by id."""
        user_id = find_id(request.id)
        user = await users.find_for_adapter(self.db, user_id) if user_id else None
        return pb.GetUserByIdResponse(user=messages.message_of_user(user) if user else None)

    async def GetUserByEmail(self, request: pb.GetUserByEmailRequest, _: Call) -> pb.GetUserByEmailResponse:
        """Finds a user by email address."""
        user = await users.find_by_email(self.db, request.email)
        return pb.GetUserByEmailResponse(user=messages.message_of_user(user) if user else None)

    async def GetUserByAccount(self, request: pb.GetUserByAccountRequest, _: Call) -> pb.GetUserByAccountResponse:
        """Finds the user that a provider's account is linked to."""
        user = await users.find_by_account(self.db, request.provider, request.provider_account_id)
        return pb.GetUserByAccountResponse(user=messages.message_of_user(user) if user else None)

    async def UpdateUser(
        self, request: pb.AdapterServiceUpdateUserRequest, __: Call
    ) -> pb.AdapterServiceUpdateUserResponse:
        """Changes the fields of the mask; all that have a value where there is no mask (AIP-134)."""
        given = [field.name for field, _ in request.user.ListFields()]
        mask = request.update_mask.paths if request.HasField("update_mask") else given
        user = await self.users.change_for_adapter(request.user.id, messages.user_of(request.user), mask)
        return pb.AdapterServiceUpdateUserResponse(user=messages.message_of_user(user))

    async def DeleteUser(
        self, request: pb.AdapterServiceDeleteUserRequest, _: Call
    ) -> pb.AdapterServiceDeleteUserResponse:
        """Deletes a user and all that is theirs."""
        user = await self.erasure.erase_if_there(request.id)
        return pb.AdapterServiceDeleteUserResponse(user=messages.message_of_user(user) if user else None)

    async def LinkAccount(self, request: pb.LinkAccountRequest, _: Call) -> pb.LinkAccountResponse:
        """Links a provider's account to a user."""
        account = await self.accounts.link(messages.account_of(request.account))
        return pb.LinkAccountResponse(account=messages.message_of_account(account))

    async def UnlinkAccount(self, request: pb.UnlinkAccountRequest, _: Call) -> pb.UnlinkAccountResponse:
        """Removes a provider's account."""
        account = await self.accounts.unlink(request.provider, request.provider_account_id)
        return pb.UnlinkAccountResponse(account=messages.message_of_account(account) if account else None)

    async def GetAccount(self, request: pb.GetAccountRequest, _: Call) -> pb.GetAccountResponse:
        """Finds a provider's account."""
        account = await self.accounts.find(request.provider, request.provider_account_id)
        return pb.GetAccountResponse(account=messages.message_of_account(account) if account else None)

    async def CreateAuthenticator(
        self, request: pb.CreateAuthenticatorRequest, _: Call
    ) -> pb.CreateAuthenticatorResponse:
        """Keeps an authenticator of a user."""
        made = await self.authenticators.add(messages.authenticator_of(request.authenticator, self.clock()))
        return pb.CreateAuthenticatorResponse(authenticator=messages.message_of_authenticator(made))

    async def GetAuthenticator(self, request: pb.GetAuthenticatorRequest, _: Call) -> pb.GetAuthenticatorResponse:
        """Finds an authenticator by its credential's id."""
        found = await self.authenticators.find(request.credential_id)
        return pb.GetAuthenticatorResponse(authenticator=messages.message_of_authenticator(found) if found else None)

    async def ListAuthenticators(self, request: pb.ListAuthenticatorsRequest, _: Call) -> pb.ListAuthenticatorsResponse:
        """Lists a user's authenticators."""
        user_id = find_id(request.user_id)
        found = await self.authenticators.of_user(user_id) if user_id else []
        return pb.ListAuthenticatorsResponse(authenticators=map(messages.message_of_authenticator, found))

    async def UpdateAuthenticatorCounter(
        self, request: pb.UpdateAuthenticatorCounterRequest, _: Call
    ) -> pb.UpdateAuthenticatorCounterResponse:
        """Takes a counter that has grown."""
        advanced = await self.authenticators.advance(request.credential_id, request.counter)
        return pb.UpdateAuthenticatorCounterResponse(authenticator=messages.message_of_authenticator(advanced))

    async def CreateSession(self, request: pb.CreateSessionRequest, _: Call) -> pb.CreateSessionResponse:
        """Makes a session with the caller's token."""
        session = Session(new_id(), get_user_id(request.user_id), datetime_of(request.expires, "expires"))
        session = await self.sessions.start(session, token_hash(request.session_token), request.code)
        return pb.CreateSessionResponse(session=messages.message_of_session(session, request.session_token))

    async def GetSessionAndUser(self, request: pb.GetSessionAndUserRequest, _: Call) -> pb.GetSessionAndUserResponse:
        """Finds a live session and its user."""
        found = await sessions.find_with_user(self.db, token_hash(request.session_token), self.clock())
        if found is None:
            return pb.GetSessionAndUserResponse()
        session, user = found
        both = pb.SessionAndUser(
            session=messages.message_of_session(session, request.session_token), user=messages.message_of_user(user)
        )
        return pb.GetSessionAndUserResponse(session_and_user=both)

    async def UpdateSession(self, request: pb.UpdateSessionRequest, _: Call) -> pb.UpdateSessionResponse:
        """Changes a session's end or user."""
        user_id = get_user_id(request.user_id) if request.HasField("user_id") else None
        expires = datetime_of(request.expires, "expires") if request.HasField("expires") else None
        session = await self.sessions.change(token_hash(request.session_token), user_id, expires)
        return pb.UpdateSessionResponse(
            session=messages.message_of_session(session, request.session_token) if session else None
        )

    async def DeleteSession(self, request: pb.DeleteSessionRequest, _: Call) -> pb.DeleteSessionResponse:
        """Deletes a session."""
        session = await self.sessions.end(token_hash(request.session_token))
        return pb.DeleteSessionResponse(
            session=messages.message_of_session(session, request.session_token) if session else None
        )

    async def CreateVerificationToken(
        self, request: pb.CreateVerificationTokenRequest, _: Call
    ) -> pb.CreateVerificationTokenResponse:
        """Keeps a verification token."""
        given = request.verification_token
        expires = datetime_of(given.expires, "verification_token.expires")
        expires = await verification_tokens.create(self.db, given.identifier, token_hash(given.token), expires)
        kept = messages.message_of_verification_token(given.identifier, given.token, expires)
        return pb.CreateVerificationTokenResponse(verification_token=kept)

    async def UseVerificationToken(
        self, request: pb.UseVerificationTokenRequest, _: Call
    ) -> pb.UseVerificationTokenResponse:
        """Takes a verification token away; one that has expired is gone, and as good as absent."""
        expires = await verification_tokens.use(self.db, request.identifier, token_hash(request.token))
        if expires is None or expires <= self.clock():
            return pb.UseVerificationTokenResponse()
        used = messages.message_of_verification_token(request.identifier, request.token, expires)
        return pb.UseVerificationTokenResponse(verification_token=used)
