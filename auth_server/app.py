"""Puts the auth server together: the one place that knows every part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from google.protobuf.descriptor import ServiceDescriptor

from auth_server.adapting import adapter_of
from auth_server.auditing import audited
from auth_server.domain.access_tokens import AccessTokenPolicy
from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.password_rules import PasswordRules
from auth_server.domain.secrets import KeyRing, Seal, derived_key
from auth_server.domain.verified_tokens import VerifiedTokens
from auth_server.doors.grpc_port import Bounds, listening
from auth_server.doors.health import Health
from auth_server.doors.in_process import InProcessChannel
from auth_server.doors.rpcs import Rpc, rpcs_of
from auth_server.doors.transport import UNIX, PortTakenError, TransportError, transport_of
from auth_server.hashing import hashing
from auth_server.imaging import images_of
from auth_server.interceptors.deadlines import deadlines
from auth_server.interceptors.decoding import decoding
from auth_server.interceptors.errors import errors
from auth_server.interceptors.gateways import gateways
from auth_server.interceptors.guards import Guards
from auth_server.interceptors.origins import origins
from auth_server.interceptors.request_log import request_log
from auth_server.interceptors.throttles import Throttles
from auth_server.interceptors.validation import validation
from auth_server.interceptors.wrong_credentials import WrongCredentials
from auth_server.mailing import MailingError, mailing, outbox_of
from auth_server.outside.image_store import StoreUrlError
from auth_server.outside.password_lists import PasswordListError, common_passwords, listed_passwords
from auth_server.passkeys import passkeys_of
from auth_server.second_factors import second_factoring
from auth_server.servicers.audit import AuditService
from auth_server.servicers.auth import AuthService
from auth_server.servicers.authorization import AuthorizationService
from auth_server.servicers.ext_authz_contract import AUTHORIZATION
from auth_server.servicers.identity import IdentityService
from auth_server.servicers.images import ImagesService
from auth_server.servicers.keys import KeysService
from auth_server.servicers.mails import MailService
from auth_server.servicers.sessions import SessionService
from auth_server.servicers.tokens import TokenService
from auth_server.servicers.users import UsersService
from auth_server.settings import AuthServerSettings
from auth_server.signing import tended_keys
from auth_server.signing_in import signing_in_of
from auth_server.storage import migrations
from auth_server.storage import revocations as revocation_log
from auth_server.storage.database import Database, connected
from auth_server.sweeping import sweeping
from auth_server.throttling import throttling_of
from auth_server.usecases.access import Access
from auth_server.usecases.accounts import Accounts
from auth_server.usecases.emails import Emails
from auth_server.usecases.erasure import Erasure
from auth_server.usecases.exporting import Exporting
from auth_server.usecases.identities import Identities
from auth_server.usecases.keys import KeysUnreadableError
from auth_server.usecases.mails import Mails
from auth_server.usecases.password_changes import PasswordChanges
from auth_server.usecases.password_resets import PasswordResets
from auth_server.usecases.reauthentication import Reauthentication
from auth_server.usecases.registration import Registration
from auth_server.usecases.revocation_tail import RevocationTail
from auth_server.usecases.revocations import Revocations
from auth_server.usecases.services import Services
from auth_server.usecases.sign_ins import SignIns
from auth_server.usecases.squatters import Squatters
from auth_server.usecases.sweeping import REVOCATIONS_MATTER
from auth_server.usecases.tokens import Tokens
from auth_server.usecases.users import Users
from gatepost.v1 import (
    adapter_service_pb2,
    audit_service_pb2,
    auth_service_pb2,
    identity_service_pb2,
    images_service_pb2,
    keys_service_pb2,
    mail_service_pb2,
    passkey_service_pb2,
    second_factor_service_pb2,
    session_service_pb2,
    token_service_pb2,
    users_service_pb2,
)

Clock = Callable[[], datetime]


class StartError(Exception):
    """The server cannot start; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that serves: its gRPC port, and the channel for a gateway in this process."""

    channel: InProcessChannel
    grpc_port: int
    grpc_target: str
    drain: Callable[[], Awaitable[None]]
    """Tells health that no new calls should come; those that come are still served."""


def utc_now() -> datetime:
    """The time now, to the millisecond: what JavaScript's dates can hold."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@asynccontextmanager
async def running(settings: AuthServerSettings, clock: Clock = utc_now) -> AsyncIterator[RunningServer]:
    """Serves meanwhile; leaving it tells health, finishes the calls under way and closes the pool.

    Raises:
        StartError: the database cannot be reached or is not migrated, a port is taken, a key or a file is missing, a
            template of mails fails, or gRPC would be plaintext and nobody asked for that.
    """
    url = settings.database_url.get_secret_value()
    try:
        transport = transport_of(settings)
    except TransportError as error:
        raise StartError(str(error)) from error
    async with AsyncExitStack() as stack:
        try:
            await _check_migrated(url)
            database = await stack.enter_async_context(
                connected(url, size=settings.database_pool_size, prepared=settings.database_prepared_statements)
            )
            tail = _revocation_tail(settings, clock)
            revocations = Revocations(database, tail)
            rpcs = await _rpcs(settings, database, clock, revocations, stack)
        except DatabaseUnavailableError as error:
            raise StartError(f"the database cannot be used: {_cause(error)}; check GATEPOST_DATABASE_URL") from error
        except asyncpg.PostgresError as error:  # such as a role that may not read the tables
            raise StartError(f"the database refuses: {str(error).splitlines()[0]}") from error
        except (KeysUnreadableError, PasswordListError) as error:
            raise StartError(str(error)) from error
        except StoreUrlError as error:
            raise StartError(f"the store of images cannot be used: {error}; check GATEPOST_IMAGE_STORE") from error
        health = Health({rpc.method.descriptor.containing_service.full_name for rpc in rpcs.values()})
        await stack.enter_async_context(health.following(database))
        try:
            longest = max(settings.longest_call, settings.longest_upload).total_seconds()
            bounds = Bounds(settings.grpc_connections, settings.grpc_calls, longest)
            door = listening(transport, rpcs, health, bounds, reflected=settings.reflection)
            port = await stack.enter_async_context(door)
        except PortTakenError as error:
            other = "GATEPOST_GRPC_HOST" if transport.address.startswith(UNIX) else "GATEPOST_GRPC_PORT"
            raise StartError(
                f"cannot listen on {transport.address} for gRPC: is it in use? choose another {other}"
            ) from error
        try:
            await stack.enter_async_context(mailing(settings, database, clock))
        except MailingError as error:
            raise StartError(str(error)) from error
        await stack.enter_async_context(tail.following())
        await stack.enter_async_context(sweeping(settings, database, clock))

        async def drain() -> None:
            health.drain()
            tail.stop()  # who watches goes on at another server

        yield RunningServer(InProcessChannel(rpcs, health.check), port, transport.target(port), drain)


def _revocation_tail(settings: AuthServerSettings, clock: Clock) -> RevocationTail:
    url = settings.database_url.get_secret_value()

    def connect() -> AbstractAsyncContextManager[revocation_log.Listening]:
        return revocation_log.listening(url, prepared=settings.database_prepared_statements)

    return RevocationTail(connect, lambda: clock() - REVOCATIONS_MATTER)


async def _check_migrated(url: str) -> None:
    try:
        missing = await migrations.pending(url)
    except migrations.MigrationChangedError as error:
        raise StartError(str(error)) from error
    if missing:
        raise StartError(f"the database lacks {len(missing)} migrations: run `gatepost migrate` first")


async def _rpcs(
    settings: AuthServerSettings,
    database: Database,
    clock: Clock,
    revocations: Revocations,
    stack: AsyncExitStack,
) -> dict[str, Rpc]:
    ring = KeyRing.of(settings.sealing_keys.get_secret_value())
    seal = Seal(ring)
    keys = await stack.enter_async_context(tended_keys(settings, database, clock))
    policy = AccessTokenPolicy(settings.issuer, settings.audience, settings.access_token_life)
    access = Access(database, keys, policy, clock, VerifiedTokens(policy))
    hashed_by = await stack.enter_async_context(hashing(settings, database))
    hashes, hash_pool = hashed_by.hashes, hashed_by.pool
    password_rules = PasswordRules(
        settings.password_least_characters,
        settings.product_name,
        common=common_passwords(),
        listed=listed_passwords(settings.refused_passwords),
    )
    outbox = outbox_of(settings, clock)
    identities = Identities(database, access, clock)
    squatters = Squatters(outbox, clock)
    users = Users(database, squatters, derived_key(ring, "page tokens"), clock)
    accounts = Accounts(database, seal, squatters, outbox, clock)
    images = await stack.enter_async_context(images_of(settings, database, clock))
    audit = await stack.enter_async_context(audited(ring, database, clock))
    erasure = Erasure(database, images, audit.seal, clock)
    throttling = throttling_of(settings, database, clock)
    registration = Registration(database, outbox, password_rules, hashes, hash_pool, clock)
    resets = PasswordResets(database, password_rules, hashes, hash_pool, outbox, throttling, clock)
    reauthentication = Reauthentication(database, hashes, hash_pool, clock)
    password_changes = PasswordChanges(
        database, password_rules, reauthentication, hashes, hash_pool, outbox, throttling, clock
    )
    second_factors = second_factoring(settings, database, reauthentication, throttling, clock)
    factors = second_factors.factors
    signing_in = signing_in_of(
        settings, database, clock, access=access, hashing=hashed_by, outbox=outbox, second_factors=factors
    )
    emails = Emails(database, outbox, reauthentication, settings.one_time_token_lives, clock)
    sign_ins = SignIns(database, derived_key(ring, "page tokens of sign-ins"), clock)
    servicers = [
        (
            adapter_service_pb2,
            adapter_of(
                database,
                clock,
                users=users,
                accounts=accounts,
                second_factors=factors,
                outbox=outbox,
                erasure=erasure,
            ),
        ),
        (
            auth_service_pb2,
            AuthService(
                registration,
                signing_in.sign_in,
                signing_in.completion,
                signing_in.refreshing,
                resets,
                password_changes,
                emails,
                throttling,
            ),
        ),
        (
            users_service_pb2,
            UsersService(users, erasure, Exporting(database, accounts, outbox, images, audit.seal, clock), images),
        ),
        (images_service_pb2, ImagesService(images)),
        (second_factor_service_pb2, second_factors.service),
        (
            passkey_service_pb2,
            passkeys_of(
                settings,
                signing_in.new_sign_ins,
                reauthentication=reauthentication,
                second_factors=factors,
                outbox=outbox,
            ),
        ),
        (session_service_pb2, SessionService(sign_ins)),
        (token_service_pb2, TokenService(Tokens(database, access, clock), revocations)),
        (keys_service_pb2, KeysService(keys)),
        (identity_service_pb2, IdentityService()),
        (audit_service_pb2, AuditService(audit.reading_until(lambda: revocations.tail.stopping))),
        (mail_service_pb2, MailService(Mails(database, derived_key(ring, "page tokens of mails"), clock))),
    ]
    known_services = Services(database)
    guards = Guards(settings.adapter_secrets, access, identities, known_services, WrongCredentials(throttling))
    limited = deadlines(settings.longest_call.total_seconds(), settings.longest_upload.total_seconds())
    told = (request_log, origins(audit.seal), errors, audit.refusals)
    around = (*told, decoding, limited, gateways(known_services), guards, validation, Throttles(throttling))
    services: list[tuple[ServiceDescriptor, object]] = [
        (file.DESCRIPTOR.services_by_name[type(servicer).__name__], servicer) for file, servicer in servicers
    ]
    services.append((AUTHORIZATION, AuthorizationService(identities)))
    return rpcs_of(services, around)


def _cause(error: BaseException) -> str:
    """The driver's own words on what is wrong, which hold no password."""
    cause = error.__cause__
    return str(cause or error).splitlines()[0] if str(cause or error) else type(cause).__name__
