"""JSON straight from the rows: the floor of REST in one process."""

from datetime import datetime

import orjson

from benchmarks.floors.rest_server import Json, Metadata
from benchmarks.floors.statements import Row, Statements, Tokens


class FromPostgres:
    """Answers from PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def session_and_user(self, token: str, _: Metadata) -> Json:
        row = await self._statements.session_and_user(token)
        return {"session": _session(row, token), "user": _user(row, row["user_id"])}

    async def user_by_email(self, email: str, _: Metadata) -> Json:
        row = await self._statements.user_by_email(email)
        return _user(row, row["id"])

    async def create_session(self, token: str, user_id: str, expires: datetime, _: Metadata) -> Json:
        return _session(await self._statements.create_session(token, user_id, expires), token)

    async def delete_session(self, token: str, _: Metadata) -> Json:
        return _session(await self._statements.delete_session(token), token)

    async def login(self, email: str, _: Metadata) -> Json:
        row, tokens = await self._statements.signed_in(email)
        times = {"created_at": row["created_at"], "updated_at": row["updated_at"]}
        user = _user(row, row["id"]) | orjson.loads(row["profile"]) | times
        return {"user": user, "backendTokens": _tokens(tokens)}

    async def refresh(self, token: str, _: Metadata) -> Json:
        return _tokens(await self._statements.rotated(token))


def _session(row: Row, token: str) -> Json:
    return {"id": str(row["id"]), "sessionToken": token, "userId": str(row["user_id"]), "expires": row["expires"]}


def _user(row: Row, user_id: object) -> Json:
    return {
        "id": str(user_id),
        "name": row["name"],
        "email": row["email"],
        "emailVerified": row["email_verified"],
        "image": row["image"],
    }


def _tokens(tokens: Tokens) -> Json:
    return {
        "accessToken": tokens.access,
        "refreshToken": tokens.refresh,
        "expiresIn": tokens.expires_seconds * 1000,
    }
