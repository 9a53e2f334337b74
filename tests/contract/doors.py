"""Every door of Gatepost, written down by hand: what the contract must declare, no more and no less."""

from __future__ import annotations

from typing import NamedTuple


class Door(NamedTuple):
    """One verb and path, the RPC behind it, and what it asks for and answers."""

    verb: str
    path: str
    rpc: str
    guard: str
    success: int = 200
    refusal: int = 0
    """The one status of every refusal; 0 where it follows the reason."""


# What is reached over gRPC alone: who watches goes on for ever, and who resets is an operator's tool.
WITHOUT_ROUTE = {
    "TokenService/WatchRevocations",
    "AuditService/WatchEvents",
    "SecondFactorService/ResetSecondFactor",
}

DOORS = [
    Door("POST", "/adapter/signup", "AdapterService/CreateUser", "ADAPTER"),
    Door("GET", "/adapter/{id}", "AdapterService/GetUserById", "ADAPTER"),
    Door("GET", "/adapter/get-user/{id}", "AdapterService/GetUserById", "ADAPTER"),
    Door("GET", "/adapter/get-user-by-email", "AdapterService/GetUserByEmail", "ADAPTER"),
    Door(
        "GET",
        "/adapter/get-user-by-account/{provider}/{provider_account_id=**}",
        "AdapterService/GetUserByAccount",
        "ADAPTER",
    ),
    Door("PATCH", "/adapter", "AdapterService/UpdateUser", "ADAPTER"),
    Door("POST", "/adapter/update-user", "AdapterService/UpdateUser", "ADAPTER"),
    Door("DELETE", "/adapter/{id}", "AdapterService/DeleteUser", "ADAPTER"),
    Door("DELETE", "/adapter/delete-user/{id}", "AdapterService/DeleteUser", "ADAPTER"),
    Door("POST", "/adapter/link-account", "AdapterService/LinkAccount", "ADAPTER"),
    Door(
        "DELETE",
        "/adapter/unlink-account/{provider}/{provider_account_id=**}",
        "AdapterService/UnlinkAccount",
        "ADAPTER",
    ),
    Door("GET", "/adapter/get-account/{provider}/{provider_account_id=**}", "AdapterService/GetAccount", "ADAPTER"),
    Door("POST", "/adapter/create-authenticator", "AdapterService/CreateAuthenticator", "ADAPTER"),
    Door("GET", "/adapter/get-authenticator/{credential_id=**}", "AdapterService/GetAuthenticator", "ADAPTER"),
    Door("GET", "/adapter/list-authenticators/{user_id}", "AdapterService/ListAuthenticators", "ADAPTER"),
    Door("PATCH", "/adapter/update-authenticator-counter", "AdapterService/UpdateAuthenticatorCounter", "ADAPTER"),
    Door("POST", "/adapter/create-session", "AdapterService/CreateSession", "ADAPTER"),
    Door("GET", "/adapter/get-session/{session_token}", "AdapterService/GetSessionAndUser", "ADAPTER"),
    Door("POST", "/adapter/get-session", "AdapterService/GetSessionAndUser", "ADAPTER"),
    Door("PATCH", "/adapter/update-session", "AdapterService/UpdateSession", "ADAPTER"),
    Door("DELETE", "/adapter/delete-session/{session_token}", "AdapterService/DeleteSession", "ADAPTER"),
    Door("POST", "/adapter/delete-session", "AdapterService/DeleteSession", "ADAPTER"),
    Door("POST", "/adapter/create-verification-token", "AdapterService/CreateVerificationToken", "ADAPTER"),
    Door("PATCH", "/adapter/use-verification-token", "AdapterService/UseVerificationToken", "ADAPTER"),
    Door("POST", "/auth/register", "AuthService/Register", "PUBLIC", success=201),
    Door("POST", "/auth/login", "AuthService/Login", "PUBLIC", refusal=400),
    Door("POST", "/auth/complete-sign-in", "AuthService/CompleteSignIn", "PUBLIC", refusal=400),
    Door("POST", "/auth/oAuthlogin", "AuthService/OAuthLogin", "ADAPTER", refusal=401),
    Door("POST", "/auth/refresh", "AuthService/RefreshTokens", "REFRESH"),
    Door("POST", "/auth/logout", "AuthService/Logout", "REFRESH"),
    Door("POST", "/auth/forgot-password", "AuthService/ForgotPassword", "PUBLIC"),
    Door("POST", "/auth/reset-password/{token}", "AuthService/ResetPassword", "PUBLIC"),
    Door("POST", "/auth/reset-password", "AuthService/ResetPassword", "PUBLIC"),
    Door("POST", "/auth/change-password", "AuthService/ChangePassword", "ACCESS"),
    Door("POST", "/auth/request-email-verification", "AuthService/RequestEmailVerification", "ACCESS"),
    Door("POST", "/auth/verify-email/{token}", "AuthService/VerifyEmail", "PUBLIC"),
    Door("POST", "/auth/verify-email", "AuthService/VerifyEmail", "PUBLIC"),
    Door("POST", "/auth/change-email", "AuthService/ChangeEmail", "ACCESS"),
    Door("POST", "/auth/confirm-email-change/{token}", "AuthService/ConfirmEmailChange", "PUBLIC"),
    Door("POST", "/auth/confirm-email-change", "AuthService/ConfirmEmailChange", "PUBLIC"),
    Door("POST", "/auth/second-factor/begin-totp", "SecondFactorService/BeginTotp", "ACCESS"),
    Door("POST", "/auth/second-factor/confirm-totp", "SecondFactorService/ConfirmTotp", "ACCESS"),
    Door("POST", "/auth/second-factor/make-recovery-codes", "SecondFactorService/MakeRecoveryCodes", "ACCESS"),
    Door("POST", "/auth/second-factor/remove", "SecondFactorService/RemoveSecondFactor", "ACCESS"),
    Door("GET", "/auth/second-factor", "SecondFactorService/GetSecondFactor", "ACCESS"),
    Door("POST", "/auth/passkeys/begin-registration", "PasskeyService/BeginRegistration", "ACCESS"),
    Door("POST", "/auth/passkeys/finish-registration", "PasskeyService/FinishRegistration", "ACCESS", success=201),
    Door("POST", "/auth/passkeys/begin-sign-in", "PasskeyService/BeginSignIn", "PUBLIC"),
    Door("POST", "/auth/passkeys/finish-sign-in", "PasskeyService/FinishSignIn", "PUBLIC"),
    Door("GET", "/auth/passkeys", "PasskeyService/ListPasskeys", "ACCESS"),
    Door("POST", "/auth/passkeys/{id}/rename", "PasskeyService/RenamePasskey", "ACCESS"),
    Door("POST", "/auth/passkeys/{id}/delete", "PasskeyService/DeletePasskey", "ACCESS"),
    Door("GET", "/auth/{id}", "UsersService/GetUser", "ACCESS"),
    Door("GET", "/auth", "UsersService/ListUsers", "OPERATOR"),
    Door("PUT", "/auth/{id}", "UsersService/UpdateUser", "ACCESS"),
    Door("DELETE", "/auth/{id}", "UsersService/DeleteUser", "ACCESS"),
    Door("GET", "/forward-auth", "IdentityService/GetIdentity", "SIGNED_IN"),
    Door("GET", "/auth/{id}/export", "UsersService/ExportUser", "ACCESS"),
    Door("POST", "/auth/{id}/disable", "UsersService/DisableUser", "OPERATOR"),
    Door("POST", "/auth/{id}/enable", "UsersService/EnableUser", "OPERATOR"),
    Door("GET", "/auth/{user_id}/sign-ins", "SessionService/ListSignIns", "ACCESS"),
    Door("DELETE", "/auth/{user_id}/sign-ins/{id}", "SessionService/EndSignIn", "ACCESS"),
    Door("DELETE", "/auth/{user_id}/sign-ins", "SessionService/EndSignIns", "ACCESS"),
    Door("PUT", "/auth/upload-image/{id}", "UsersService/UploadUserImage", "ACCESS"),
    Door("GET", "/images/{name}", "ImagesService/GetImage", "PUBLIC"),
    Door("POST", "/tokens/verify", "TokenService/VerifyAccessToken", "SERVICE"),
    Door("POST", "/oauth/introspect", "TokenService/Introspect", "SERVICE"),
    Door("POST", "/oauth/revoke", "TokenService/Revoke", "SERVICE"),
    Door("GET", "/.well-known/jwks.json", "KeysService/GetJsonWebKeySet", "PUBLIC"),
    Door("GET", "/audit/events", "AuditService/ListEvents", "OPERATOR"),
    Door("GET", "/mails", "MailService/ListMails", "OPERATOR"),
    Door("POST", "/mails/{id}/redrive", "MailService/RedriveMail", "OPERATOR"),
    Door("POST", "/mails/redrive", "MailService/RedriveMails", "OPERATOR"),
    Door("DELETE", "/mails/{id}", "MailService/DropMail", "OPERATOR"),
    Door("POST", "/mails/drop", "MailService/DropMails", "OPERATOR"),
]
