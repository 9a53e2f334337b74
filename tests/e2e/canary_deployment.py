"""A deployment of which every secret is known, with a mail server that quotes what it refuses."""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import asyncpg
from aiosmtpd.smtp import AuthResult

from auth_server.app import running
from auth_server.domain.mails import MailKind
from auth_server.domain.secrets import token_hash
from auth_server.domain.services import Service
from auth_server.settings import AuthServerSettings
from auth_server.settings.tokens import IdTokenIssuer
from auth_server.storage import services
from auth_server.storage.database import connected
from gatepost_cli.auth_channel import dialled
from http_gateway.app import running as gateway_running
from http_gateway.settings import GatewaySettings
from tests.conftest import IMAGES_AT, Clock
from tests.e2e.canary import EVERY_METHOD, Canary, Marked
from tests.e2e.canary_flows import Flows, basic
from tests.mails import text_of, token_of
from tests.passkeys import ORIGIN, RP_ID
from tests.rpc.provider import Provider
from tests.second_factors import App, turned_on
from tests.smtp import MailServer
from tests.waiting import until

PATIENCE_SECONDS = 30.0
SUBJECTS = {MailKind.VERIFY_EMAIL: "Confirm", MailKind.RESET_PASSWORD: "password", MailKind.CONFIRM_NEW_EMAIL: "new"}


class TalkativeServer(MailServer):
    """A mail server that asks for a password, and whose refusals quote the mail, as those of spam filters do."""

    def __init__(self, password: str) -> None:
        self.password = password
        super().__init__(auth_require_tls=False, authenticator=self._judge)
        self.refusing: set[str] = set()
        self.refused: list[EmailMessage] = []

    def _judge(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == self.password.encode(), auth_data=given)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        said = await super().handle_DATA(server, session, envelope)
        if envelope.rcpt_tos[0] not in self.refusing:
            return said
        self.refused.append(self.taken.pop())
        link = re.search(r"https://\S+", text_of(self.refused[-1]))
        return f"554 5.7.1 {link[0] if link else ''} is on a list of bad links"

    async def token_to(self, kind: MailKind, address: str) -> str:
        """The token of the latest mail of this kind to the address, once it is there."""

        async def found() -> list[EmailMessage]:
            return [mail for mail in self.taken if mail["To"] == address and SUBJECTS[kind] in str(mail["Subject"])]

        async with asyncio.timeout(PATIENCE_SECONDS):
            return token_of((await until(found))[-1])


def settings_of(
    url: str, image_store: str | None, marked: Marked, mails: TalkativeServer, provider: Provider
) -> AuthServerSettings:
    """Settings of which every secret is marked."""
    peppers, sealing, signer = secrets.token_bytes(32), secrets.token_bytes(32), secrets.token_bytes(64)
    marked.untold += [peppers, sealing, signer]
    given: dict[str, Any] = {
        "database_url": url,
        "adapter_secret": marked.password(),
        "adapter_secret_previous": marked.password(),
        "peppers": f"k:{base64.b64encode(peppers).decode()}",
        "sealing_keys": f"k:{base64.b64encode(sealing).decode()}",
        "firebase_signer_key": base64.b64encode(signer).decode(),
        "mail_url": f"smtp://mailer:{mails.password}@127.0.0.1:{mails.port}",
        "mail_from": "Gatepost <no-reply@example.org>",
        "link_base_url": "https://app.example.org",
        "mail_address_limit": 100,
        "mail_account_limit": 100,
        "id_token_issuers": {"google": IdTokenIssuer(issuer=provider.issuer, audience="client-1")},
        "image_store": image_store,
        "image_base_url": IMAGES_AT,
        "passkey_rp_id": RP_ID,
        "passkey_origins": ORIGIN,
        "environment": "test",
        "bcrypt_cost": 4,
        "grpc_port": 0,
        "grpc_insecure": True,
    }
    return AuthServerSettings(**given)


@asynccontextmanager
async def deployed(
    settings: AuthServerSettings, marked: Marked, mails: TalkativeServer, provider: Provider, sql: asyncpg.Connection
) -> AsyncIterator[Flows]:
    """A deployment that runs, with a service that may do everything and a gateway that has proven itself."""

    async def dead_mail() -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(lambda: sql.fetchval("SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL"))
        marked.hashed += [token_of(mail).encode() for mail in mails.refused]

    async def make_operator(user_id: str) -> None:
        await sql.execute("UPDATE users SET role = 'operator' WHERE id = $1", user_id)

    async def turn_on(user_id: str) -> App:
        app = await turned_on(sql, settings, Clock(), user_id)
        marked.sealed.append(app.secret)
        return app

    every = frozenset(f"{method.containing_service.full_name}/{method.name}" for method in EVERY_METHOD.values())
    async with connected(settings.database_url.get_secret_value(), size=1) as db, running(settings) as server:
        known = []
        for is_gateway in (False, True):
            name, secret = f"service-{secrets.token_hex(4)}", marked.token("service")
            service = Service(name, frozenset() if is_gateway else every, is_gateway)
            await services.add(db, service, [], token_hash(secret), datetime.now(UTC))
            known.append((name, secret))
        gateway = GatewaySettings(
            http_port=0,
            shutdown_seconds=1,
            auth_target=server.grpc_target,
            auth_insecure=True,
            auth_gateway_credential=":".join(known[1]),  # type: ignore[arg-type]
        )
        async with dialled(gateway) as channel, gateway_running(gateway, channel) as rest:
            yield Flows(
                canary=Canary(channel, marked),
                adapter=[("x-auth-secret", settings.adapter_secrets[0])],
                adapter_of_before=[("x-auth-secret", settings.adapter_secrets[1])],
                service=basic(*known[0]),
                provider=provider,
                http_url=rest.http_url,
                mailed=mails.token_to,
                refuse_mails=mails.refusing.add,
                dead_mail=dead_mail,
                make_operator=make_operator,
                turn_on=turn_on,
            )
