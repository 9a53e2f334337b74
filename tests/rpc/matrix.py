"""Who may call what, written by hand: every RPC, and every caller that is let in."""

ADAPTER, USER, OTHER, OPERATOR, REFRESH, ANYBODY = "adapter", "user", "other user", "operator", "refresh", "anybody"
SERVICE = "service"  # its allow-list names every RPC there is
SESSION = "session"
BY_WILDCARD = "service by wildcard"  # its allow-list says `/*` of every service
CALLERS = (
    "nobody",
    "wrong secret",
    ADAPTER,
    USER,
    OTHER,
    OPERATOR,
    REFRESH,
    SESSION,
    SERVICE,
    BY_WILDCARD,
    "revoked service",
    "expired",
    "logged out",
    "garbage",
)

# The RPC, and who gets past its guard; "user" is the one whom the request names.
ADMITTED = {
    "AdapterService/CreateUser": {ADAPTER},
    "AdapterService/GetUserById": {ADAPTER},
    "AdapterService/GetUserByEmail": {ADAPTER},
    "AdapterService/GetUserByAccount": {ADAPTER},
    "AdapterService/UpdateUser": {ADAPTER},
    "AdapterService/DeleteUser": {ADAPTER},
    "AdapterService/LinkAccount": {ADAPTER},
    "AdapterService/UnlinkAccount": {ADAPTER},
    "AdapterService/GetAccount": {ADAPTER},
    "AdapterService/CreateSession": {ADAPTER},
    "AdapterService/GetSessionAndUser": {ADAPTER},
    "AdapterService/UpdateSession": {ADAPTER},
    "AdapterService/DeleteSession": {ADAPTER},
    "AdapterService/CreateVerificationToken": {ADAPTER},
    "AdapterService/UseVerificationToken": {ADAPTER},
    "AuthService/Register": set(CALLERS),
    "AuthService/Login": set(CALLERS),
    "AuthService/OAuthLogin": {ADAPTER},
    "AuthService/RefreshTokens": {REFRESH},
    "AuthService/Logout": {REFRESH},
    "AuthService/ForgotPassword": set(CALLERS),
    "AuthService/ResetPassword": set(CALLERS),
    "UsersService/GetUser": {USER, OPERATOR, SERVICE},
    "UsersService/ListUsers": {OPERATOR, SERVICE},
    "UsersService/UpdateUser": {USER},
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
}
