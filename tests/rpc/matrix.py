"""Who may call what, written by hand: every RPC, and every caller that is let in."""

ADAPTER, USER, OTHER, OPERATOR, REFRESH, ANYBODY = "adapter", "user", "other user", "operator", "refresh", "anybody"
BY_PREVIOUS = "adapter by the previous secret"
ADAPTERS = {ADAPTER, BY_PREVIOUS}
SERVICE = "service"  # its allow-list names every RPC there is
SESSION = "session"
BY_WILDCARD = "service by wildcard"  # its allow-list says `/*` of every service
CALLERS = (
    "nobody",
    "wrong secret",
    ADAPTER,
    BY_PREVIOUS,
    USER,
    OTHER,
    OPERATOR,
    REFRESH,
    SESSION,
    SERVICE,
    BY_WILDCARD,
    "revoked service",
    "expired",
    "expired session",
    "logged out",
    "revoked",
    "disabled",
    "deleted",
    "garbage",
)

_NO_MORE = dict.fromkeys(("ACCESS", "ACCESS or service", "OPERATOR", "SIGNED_IN"), "ACCESS_TOKEN_INVALID")
_NOT_THEIRS = {"ACCESS": "PERMISSION_DENIED", "ACCESS or service": "PERMISSION_DENIED", "OPERATOR": "PERMISSION_DENIED"}
# What who is not let in is told, by the guard of the RPC; where nothing stands here, CREDENTIAL_MISSING.
TOLD = {
    "wrong secret": {"ADAPTER": "ADAPTER_SECRET_INVALID"},
    USER: _NOT_THEIRS,
    OTHER: _NOT_THEIRS,
    OPERATOR: _NOT_THEIRS,
    BY_WILDCARD: {"ACCESS or service": "PERMISSION_DENIED", "OPERATOR": "PERMISSION_DENIED"},
    "revoked service": dict.fromkeys(("ACCESS or service", "OPERATOR", "SERVICE"), "SERVICE_CREDENTIAL_INVALID"),
    "expired": _NO_MORE,
    "expired session": {"SIGNED_IN": "SESSION_INVALID"},
    "logged out": _NO_MORE,
    "revoked": _NO_MORE,
    "disabled": _NO_MORE,
    "deleted": _NO_MORE,
    "garbage": _NO_MORE | {"ADAPTER": "ADAPTER_SECRET_INVALID"},
}

# The RPC, and who gets past its guard; "user" is the one whom the request names.
ADMITTED = {
    "AdapterService/CreateUser": ADAPTERS,
    "AdapterService/GetUserById": ADAPTERS,
    "AdapterService/GetUserByEmail": ADAPTERS,
    "AdapterService/GetUserByAccount": ADAPTERS,
    "AdapterService/UpdateUser": ADAPTERS,
    "AdapterService/DeleteUser": ADAPTERS,
    "AdapterService/LinkAccount": ADAPTERS,
    "AdapterService/UnlinkAccount": ADAPTERS,
    "AdapterService/GetAccount": ADAPTERS,
    "AdapterService/CreateSession": ADAPTERS,
    "AdapterService/GetSessionAndUser": ADAPTERS,
    "AdapterService/UpdateSession": ADAPTERS,
    "AdapterService/DeleteSession": ADAPTERS,
    "AdapterService/CreateVerificationToken": ADAPTERS,
    "AdapterService/UseVerificationToken": ADAPTERS,
    "AuthService/Register": set(CALLERS),
    "AuthService/Login": set(CALLERS),
    "AuthService/OAuthLogin": ADAPTERS,
    "AuthService/RefreshTokens": {REFRESH},
    "AuthService/Logout": {REFRESH},
    "AuthService/ForgotPassword": set(CALLERS),
    "AuthService/ResetPassword": set(CALLERS),
    "AuthService/ChangePassword": {USER, OTHER, OPERATOR},
    "AuthService/RequestEmailVerification": {USER},
    "AuthService/VerifyEmail": set(CALLERS),
    "AuthService/ChangeEmail": {USER, OTHER, OPERATOR},
    "AuthService/ConfirmEmailChange": set(CALLERS),
    "UsersService/GetUser": {USER, OPERATOR, SERVICE},
    "UsersService/ListUsers": {OPERATOR, SERVICE},
    "UsersService/UpdateUser": {USER},
    "UsersService/UploadUserImage": {USER},
    "ImagesService/GetImage": set(CALLERS),
    "UsersService/DeleteUser": {USER, OPERATOR, SERVICE},
    "IdentityService/GetIdentity": {USER, OTHER, OPERATOR, SESSION},
    "UsersService/ExportUser": {USER, OPERATOR, SERVICE},
    "UsersService/DisableUser": {OPERATOR, SERVICE},
    "UsersService/EnableUser": {OPERATOR, SERVICE},
    "SessionService/ListSignIns": {USER, OPERATOR, SERVICE},
    "SessionService/EndSignIn": {USER, OPERATOR, SERVICE},
    "SessionService/EndSignIns": {USER, OPERATOR, SERVICE},
    "TokenService/VerifyAccessToken": {SERVICE, BY_WILDCARD},
    "TokenService/Introspect": {SERVICE, BY_WILDCARD},
    "TokenService/Revoke": {SERVICE, BY_WILDCARD},
    "TokenService/WatchRevocations": {SERVICE, BY_WILDCARD},
    "KeysService/GetJsonWebKeySet": set(CALLERS),
    "AuditService/ListEvents": {OPERATOR, SERVICE},
    "AuditService/WatchEvents": {OPERATOR, SERVICE},
    "MailService/ListMails": {OPERATOR, SERVICE},
    "MailService/RedriveMail": {OPERATOR, SERVICE},
    "MailService/RedriveMails": {OPERATOR, SERVICE},
    "MailService/DropMail": {OPERATOR, SERVICE},
    "MailService/DropMails": {OPERATOR, SERVICE},
}
