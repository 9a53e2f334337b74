"""Odd requests for what the gateway serves beside the contract, and bytes that are no HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from hypothesis import strategies as st
from yarl import URL

from tests.fuzz.findings import FaultError, Findings
from tests.fuzz.rpcs import LONGEST_SECONDS, Run
from tests.fuzz.texts import NO_TIME, headers, queries

PATHS = ["/reset-password", "/verify-email", "/confirm-email", "/docs", "/openapi.json", "/healthz", "/readyz",
         "/dev/mail", "/", "/nothing", "//", "/%2e%2e/docs", "/docs/", "*"]  # fmt: skip
VERBS = ["GET", "POST", "HEAD", "PUT", "OPTIONS", "TRACE", "PROPFIND", "x"]
TOKEN = "ab" * 32
FIELDS = ["token=" + TOKEN, "token=x", "token=", "newPassword=a%00b", "newPassword=correct+horse+battery", "=",
          "%ff=%ff", "repeated=correct+horse+battery", "token=" + TOKEN + "&token=" + TOKEN, "a" * 3000]  # fmt: skip
WAITED_SECONDS = 0.3
REST = b"\r\n0\r\n\r\n" * 10_000  # the rest of whatever a request lacks, up to the largest body
SENT = [
    b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 36\r\n"
    b"Connection: close\r\n\r\n" + b'{"email":"a@b.org","password":"abcd"}',
    b"POST /adapter/signup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"2\r\n{}\r\n0\r\n\r\n",
    b"GET /adapter/1?a=b HTTP/1.1\r\nHost: x\r\nX-Auth-Secret: x\r\nConnection: close\r\n\r\n",
    b"GET http://x/docs HTTP/1.0\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c\r\nExpect: 100-continue\r\n\r\n",
]


@dataclass(frozen=True, slots=True)
class Pages:
    """Asks for pages and sends bytes, and looks for 5xx and for a gateway that answers nobody any more."""

    session: aiohttp.ClientSession
    urls: Mapping[str, str]
    findings: Findings
    run: Run

    def explore(self, form: str, *, examples: int, seeded: int) -> None:
        """Asks for pages, and sends their forms."""
        target = st.tuples(st.sampled_from(PATHS), st.one_of(st.sampled_from(FIELDS), queries(["token"])))
        body = st.lists(st.sampled_from(FIELDS), max_size=3).map("&".join)
        sent = st.tuples(st.sampled_from(VERBS), target, body, headers(), st.booleans())
        self.findings.explore(
            "pages", form, sent, lambda case: str(self.run(self.page(form, *case))), examples=examples, seeded=seeded
        )

    def explore_bytes(self, form: str, *, examples: int, seeded: int) -> None:
        """Sends requests with some bytes changed."""
        self.findings.explore(
            "bytes",
            form,
            mangled(),
            lambda case: str(self.run(self.bytes(form, case))),
            examples=examples,
            seeded=seeded,
        )

    async def page(
        self, form: str, verb: str, target: tuple[str, str], body: str, sent: dict[str, str], posts_form: bool
    ) -> str:
        """The status of the answer; FaultError where it is a 5xx."""
        path, query = target
        if posts_form:
            sent = sent | {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        content = body.encode() if verb not in ("GET", "HEAD") else None
        url = URL(f"{self.urls[form]}{path if path != '*' else ''}?{query}", encoded=True)
        try:
            async with self.session.request(
                verb, url, headers=sent, data=content, allow_redirects=False, skip_auto_headers=["content-type"],
                timeout=aiohttp.ClientTimeout(LONGEST_SECONDS),
            ) as answer:  # fmt: skip
                said = await answer.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise FaultError(f"{error!r}; sent {verb} {url} {sent} {content!r}") from None
        if answer.status >= 500 and sent.get("grpc-timeout") != NO_TIME:
            raise FaultError(f"{answer.status} {said[:500]!r}; sent {verb} {url} {sent} {content!r}")
        return str(answer.status)

    async def bytes(self, form: str, content: bytes) -> str:
        """The status of the answer, which may come once the rest is sent that the content promised.

        FaultError where it is a 5xx or no HTTP, where none comes, or where nobody else is answered any more.
        """
        place = urlsplit(self.urls[form])
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            writer.write(content)
            said = await _said(reader, WAITED_SECONDS)
            if said is None:
                writer.write(REST)
                said = await _said(reader, LONGEST_SECONDS)
        finally:
            writer.close()
        found = re.match(rb"HTTP/1\.[01] (\d{3}) ", said or b"")
        if found is None or int(found[1]) >= 500:
            raise FaultError(f"{said[:500] if said is not None else 'no answer'!r}; sent {content!r}")
        await self.page(form, "GET", ("/docs", ""), "", {}, False)
        return found[1].decode()


async def _said(reader: asyncio.StreamReader, seconds: float) -> bytes | None:
    """What is answered, nothing where the connection is closed instead; None where the time is up."""
    try:
        async with asyncio.timeout(seconds):
            return await reader.read(2000)
    except ConnectionError:
        return b""
    except TimeoutError:
        return None


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A request with some bytes changed, cut out or put in."""
    content = bytearray(draw(st.sampled_from(SENT)))
    odd = st.sampled_from(
        [b"\r\n", b"\n", b"\r", b" ", b":", b"\0", b"\xff", b",", b"0", b"-1", b"\r\n\r\n", b";", b"\t"]
    )
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 3))] = draw(st.one_of(odd, st.binary(max_size=3)))
    return bytes(content)
