"""A client of the gateway for tests, which shows answers as they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import aiohttp
from yarl import URL

from tests.people import People


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def reason(self) -> str:
        return str(self.json["reason"])


@dataclass(frozen=True, slots=True)
class Rest:
    """Calls routes of the gateway at `url`; paths are sent as they are written."""

    session: aiohttp.ClientSession
    url: str
    adapter_secret: str
    people: People

    async def call(
        self,
        verb: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | BinaryIO | AsyncIterator[bytes] | None = None,
    ) -> Answer:
        """The answer; `body` is sent as JSON, `raw` as it is."""
        sent = dict(headers or {})
        content: Any = raw
        if body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        async with self.session.request(
            verb, URL(self.url + path, encoded=True), data=content, headers=sent, allow_redirects=False,
            skip_auto_headers=["content-type"],
        ) as answer:  # fmt: skip
            return Answer(answer.status, answer.headers, (await answer.read()).decode(errors="replace"))

    async def adapter(self, verb: str, path: str, body: Any = None) -> Answer:
        """The answer of an adapter route, with the secret."""
        return await self.call(verb, f"/adapter{path}", body, headers={"x-auth-secret": self.adapter_secret})

    async def a_user(self, **fields: Any) -> dict[str, Any]:
        """A user, as the adapter's signup answers them."""
        user = await self.people.a_user(**fields)
        return dict((await self.adapter("GET", f"/{user.id}")).json)

    async def logged_in(self, email: str = "") -> dict[str, Any]:
        """The answer to a login of a person who has registered."""
        from tests.people import PASSWORD

        address = await self.people.registered(email=email)
        return dict((await self.call("POST", "/auth/login", {"email": address, "password": PASSWORD})).json)
