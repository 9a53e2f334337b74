"""AuthService: registering people and signing them in and out."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from auth_server.interceptors.calls import Call
from auth_server.servicers.user_messages import message_of_tokens, message_of_user, profile_of
from auth_server.usecases.emails import Emails
from auth_server.usecases.new_sign_ins import SignedIn
from auth_server.usecases.password_changes import PasswordChanges
from auth_server.usecases.password_resets import PasswordResets
from auth_server.usecases.refreshing import Refreshing
from auth_server.usecases.registration import Registration
from auth_server.usecases.sign_in import SignIn
from auth_server.usecases.sign_in_completion import SignInCompletion
from auth_server.usecases.throttling import Throttling
from gatepost.v1 import auth_emails_pb2 as emails_pb
from gatepost.v1 import auth_passwords_pb2 as passwords_pb
from gatepost.v1 import auth_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class AuthService:
    """The RPCs of gatepost.v1.AuthService."""

    registration: Registration
    sign_in: SignIn
    completion: SignInCompletion
    refreshing: Refreshing
    password_resets: PasswordResets
    password_changes: PasswordChanges
    emails: Emails
    throttling: Throttling

    async def Register(self, request: pb.RegisterRequest, _: Call) -> pb.RegisterResponse:
        """Registers a person; the answer repeats what was sent, whether or not the address was taken."""
        locale = request.locale if request.HasField("locale") else None
        profile = profile_of(request.profile)
        await self.registration.register(request.name, request.email, request.password, profile, locale)
        user = pb.RegisteredUser(name=request.name, email=request.email, profile=request.profile, locale=locale)
        return pb.RegisterResponse(user=user)

    async def Login(self, request: pb.LoginRequest, call: Call) -> pb.LoginResponse:
        """Signs a user in by email and password."""
        signed_in = await self.sign_in.with_password(request.email, request.password, call.client)
        return pb.LoginResponse(
            user=message_of_user(signed_in.user),
            backend_tokens=message_of_tokens(signed_in.tokens),
            device_token=self._device_token(request.email, signed_in, request.device_token),
        )

    async def CompleteSignIn(self, request: pb.CompleteSignInRequest, call: Call) -> pb.CompleteSignInResponse:
        """Signs in who has proven the second factor as well."""
        signed_in = await self.completion.complete(request.challenge, request.code, call.client)
        email, knows_password = signed_in.user.email, signed_in.proof.password_version is not None
        return pb.CompleteSignInResponse(
            user=message_of_user(signed_in.user),
            backend_tokens=message_of_tokens(signed_in.tokens),
            device_token=self._device_token(email, signed_in, request.device_token)
            if email and knows_password
            else None,
        )

    def _device_token(self, email: str, signed_in: SignedIn, presented: str) -> str:
        return self.throttling.device_token(email, signed_in.user.id, signed_in.proof.password_version, presented)

    async def OAuthLogin(self, request: pb.OAuthLoginRequest, call: Call) -> pb.OAuthLoginResponse:
        """Signs a user in whom the front end's server has signed in with a provider."""
        signed_in = await self.sign_in.with_provider(
            request.email,
            request.provider if request.HasField("provider") else None,
            request.provider_account_id if request.HasField("provider_account_id") else None,
            request.id_token if request.HasField("id_token") else None,
            call.client,
        )
        return pb.OAuthLoginResponse(
            user=message_of_user(signed_in.user), backend_tokens=message_of_tokens(signed_in.tokens)
        )

    async def RefreshTokens(self, request: pb.RefreshTokensRequest, call: Call) -> pb.RefreshTokensResponse:
        """Exchanges the caller's refresh token for the pair that follows it."""
        request_id = UUID(request.request_id) if request.HasField("request_id") else None
        pair = await self.refreshing.refresh(call.refresh_token, request_id)
        return pb.RefreshTokensResponse(backend_tokens=message_of_tokens(pair))

    async def Logout(self, _: pb.LogoutRequest, call: Call) -> pb.LogoutResponse:
        """Ends the sign-in of the caller's refresh token."""
        await self.refreshing.end(call.refresh_token)
        return pb.LogoutResponse()

    async def ForgotPassword(
        self, request: passwords_pb.ForgotPasswordRequest, _: Call
    ) -> passwords_pb.ForgotPasswordResponse:
        """Has a link mailed that resets the password; the answer is the same for every address."""
        await self.password_resets.ask(request.email)
        return passwords_pb.ForgotPasswordResponse(
            message="If this address belongs to an account, a mail with a link is on its way."
        )

    async def ResetPassword(
        self, request: passwords_pb.ResetPasswordRequest, _: Call
    ) -> passwords_pb.ResetPasswordResponse:
        """Gives the user of a mailed link another password; nobody is signed in by it."""
        device_token = await self.password_resets.reset(request.token, request.new_password)
        return passwords_pb.ResetPasswordResponse(
            message="The password is changed. Sign in with the new one.", device_token=device_token
        )

    async def ChangePassword(
        self, request: passwords_pb.ChangePasswordRequest, call: Call
    ) -> passwords_pb.ChangePasswordResponse:
        """Changes the caller's password."""
        current = request.current_password if request.HasField("current_password") else None
        device_token = await self.password_changes.change(call.signed_in_caller, current, request.new_password)
        return passwords_pb.ChangePasswordResponse(
            message="The password is changed. You are signed out everywhere but here.", device_token=device_token
        )

    async def RequestEmailVerification(
        self, request: emails_pb.RequestEmailVerificationRequest, _: Call
    ) -> emails_pb.RequestEmailVerificationResponse:
        """Mails a link that verifies the caller's own address; the answer is the same where it is verified."""
        await self.emails.request_verification(request.user_id, request.email)
        return emails_pb.RequestEmailVerificationResponse(
            message="Unless the address is verified already, a mail with a link is on its way."
        )

    async def VerifyEmail(self, request: emails_pb.VerifyEmailRequest, _: Call) -> emails_pb.VerifyEmailResponse:
        """Verifies the address that a link was mailed to."""
        await self.emails.verify(request.token)
        return emails_pb.VerifyEmailResponse(message="The address is verified.")

    async def ChangeEmail(self, request: emails_pb.ChangeEmailRequest, call: Call) -> emails_pb.ChangeEmailResponse:
        """Mails a link to the caller's new address; the answer is the same where it is another user's."""
        current = request.current_password if request.HasField("current_password") else None
        await self.emails.request_change(call.signed_in_caller, request.new_email, current)
        return emails_pb.ChangeEmailResponse(
            message="A mail with a link is on its way to the new address, which is yours once you confirm it."
        )

    async def ConfirmEmailChange(
        self, request: emails_pb.ConfirmEmailChangeRequest, _: Call
    ) -> emails_pb.ConfirmEmailChangeResponse:
        """Gives a user the new address that a link was mailed to."""
        await self.emails.confirm_change(request.token)
        return emails_pb.ConfirmEmailChangeResponse(message="The address is changed.")
