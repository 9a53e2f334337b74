import asyncio
import shutil
import socket
import ssl
import subprocess
import warnings

import grpc
import pytest

from auth_server.app import StartError, running
from gatepost.v1 import token_service_pb2, token_service_pb2_grpc
from tests.certificates import Authority
from tests.people import refused
from tests.rpc.tls import OWN_CONNECTION, Files, dial, health, list_users, unreachable
from tests.services import a_service

pytestmark = pytest.mark.timeout(180)  # each starts a server of its own

LIST_USERS = "gatepost.v1.UsersService/ListUsers"


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path, Authority("servers"), Authority("clients"))


@pytest.fixture(scope="module")
def shared_files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp("certificates"), Authority("servers"), Authority("clients"))


@pytest.fixture(scope="module")
async def tls(settings, shared_files):
    """A server that speaks TLS."""
    async with running(shared_files.of(settings, mutual=False)) as server:
        yield server


@pytest.fixture(scope="module")
async def shared_mtls(settings, shared_files):
    async with running(shared_files.of(settings, mutual=True)) as server:
        yield server


@pytest.fixture
def mtls(shared_mtls, db):
    """A server that asks for client certificates, on an empty database."""
    return shared_mtls


@pytest.mark.requirement(1)
async def test_a_plaintext_call_does_not_get_through(tls, shared_files):
    async with grpc.aio.insecure_channel(tls.grpc_target, OWN_CONNECTION) as plaintext:
        assert await unreachable(plaintext)
    async with dial(tls, shared_files.servers) as channel:
        assert await health(channel)


@pytest.mark.requirement(1)
async def test_a_client_takes_the_server_of_no_other_authority(tls):
    async with dial(tls, Authority("another")) as channel:
        assert await unreachable(channel)


def shake_hands(port, version):
    """The version that a client speaks with the server that offers this one alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), 3) as raw, context.wrap_socket(raw) as secured:
        return secured.version()


@pytest.mark.requirement(1)
async def test_tls_is_of_version_1_2_at_the_least_and_1_3_where_the_client_can(tls):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.to_thread(shake_hands, tls.grpc_port, version)

    assert await asyncio.to_thread(shake_hands, tls.grpc_port, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert await asyncio.to_thread(shake_hands, tls.grpc_port, ssl.TLSVersion.MAXIMUM_SUPPORTED) == "TLSv1.3"


@pytest.mark.requirement(1)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(("version", "works"), [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
async def test_openssl_finds_the_same(tls, version, works):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{tls.grpc_port}", "-alpn", "h2", f"-{version}"]
    ended = await asyncio.to_thread(
        subprocess.run, [*command, "-cipher", "ALL:@SECLEVEL=0"], input=b"", capture_output=True, timeout=8
    )

    assert (b"BEGIN CERTIFICATE" in ended.stdout) == works, ended.stderr


@pytest.mark.requirement(1)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])
async def test_plaintext_over_tcp_stops_the_start_unless_it_is_asked_for(settings, host):
    with pytest.raises(StartError, match=r"would be plaintext.*GATEPOST_GRPC_TLS_CERTIFICATE.*--insecure"):
        async with running(settings.model_copy(update={"grpc_insecure": False, "grpc_host": host})):
            pass


@pytest.mark.parametrize(
    "lacking",
    [{"grpc_tls_key": None}, {"grpc_tls_certificate": None}, {"grpc_tls_certificate": None, "grpc_tls_key": None}],
)
async def test_half_of_what_tls_needs_stops_the_start(settings, files, lacking):
    with pytest.raises(StartError, match="belong together"):
        async with running(files.of(settings, mutual=True, **lacking, grpc_insecure=True)):
            pass


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda files: files.key.unlink(), "server.key cannot be used: No such file"),
        (lambda files: files.key.write_bytes(files.servers.issue("x").key), "KEY_VALUES_MISMATCH|mismatch"),
        (lambda files: files.certificate.write_bytes(b"nonsense"), "cannot be used"),
        (lambda files: files.client_ca.write_bytes(b""), "cannot be used"),
    ],
    ids=["no key", "another's key", "no certificate", "no authority"],
)
async def test_certificates_that_cannot_be_used_stop_the_start(settings, files, broken, words):
    broken(files)

    with pytest.raises(StartError, match=words):
        async with running(files.of(settings, mutual=True)):
            pass


@pytest.mark.requirement(2)
@pytest.mark.parametrize("name", ["spiffe://example.org/billing", "billing.internal"])
async def test_a_service_is_known_by_its_certificate(mtls, shared_files, db, name):
    await a_service(db, LIST_USERS, certificate_names=[name])

    async with dial(mtls, shared_files.servers, shared_files.clients.issue("ops@example.org", name)) as channel:
        assert await list_users(channel) is not None


@pytest.mark.requirement(2)
async def test_a_certificate_of_another_authority_or_none_shakes_no_hands(mtls, shared_files, db):
    await a_service(db, LIST_USERS, certificate_names=["billing.internal"])

    for issued in (Authority("others").issue("billing.internal"), None):
        async with dial(mtls, shared_files.servers, issued) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await list_users(channel)
            assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.requirement(2)
@pytest.mark.parametrize(
    "names",
    [
        ["unlisted.internal"],
        ["x.billing.internal", "internal"],
        ["*.internal"],
    ],
)
async def test_a_certificate_whose_name_nobody_registered_is_not_let_in(mtls, shared_files, db, names):
    await a_service(db, LIST_USERS, certificate_names=["billing.internal", "spiffe://example.org/billing"])

    async with dial(mtls, shared_files.servers, shared_files.clients.issue(*names)) as channel:
        with refused("SERVICE_CREDENTIAL_INVALID", grpc.StatusCode.UNAUTHENTICATED):
            await list_users(channel)


@pytest.mark.requirement(2)
@pytest.mark.parametrize(
    "name", ["billing.internal@example.org", "billing.internal\0.example.org", "spiffe://example.org/billing\0/x"]
)
async def test_what_holds_a_services_name_in_a_certificate_is_none(mtls, shared_files, db, name):
    await a_service(db, LIST_USERS, certificate_names=["billing.internal", "spiffe://example.org/billing"])
    issued = shared_files.clients.issue(name)

    async with dial(mtls, shared_files.servers, issued) as channel:
        with refused("CREDENTIAL_MISSING", grpc.StatusCode.UNAUTHENTICATED):
            await list_users(channel)


@pytest.mark.requirement(2)
async def test_a_registered_certificate_calls_what_its_list_names_and_no_more(mtls, shared_files, db):
    # A name of its own: the server still remembers for a moment whose the others' were.
    await a_service(db, "gatepost.v1.UsersService/GetUser", certificate_names=["reports.internal"])

    async with dial(mtls, shared_files.servers, shared_files.clients.issue("reports.internal")) as channel:
        with refused("PERMISSION_DENIED", grpc.StatusCode.PERMISSION_DENIED):
            await list_users(channel)


@pytest.mark.requirement(2)
async def test_a_credential_comes_before_the_certificate(mtls, shared_files, db):
    await a_service(db, certificate_names=["billing.internal"])
    other = await a_service(db, LIST_USERS)

    async with dial(mtls, shared_files.servers, shared_files.clients.issue("billing.internal")) as channel:
        assert await list_users(channel, metadata=other.basic) is not None
        with refused("ACCESS_TOKEN_INVALID"):
            await list_users(channel, metadata=[("authorization", "Bearer abc")])


@pytest.mark.requirement(2)
@pytest.mark.parametrize(
    "metadata", [[("authorization", "Bearer abc"), ("authorization", "Bearer def")], [("authorization", "")]], ids=str
)
async def test_a_credential_that_is_none_does_not_leave_it_to_the_certificate(mtls, shared_files, db, metadata):
    await a_service(db, LIST_USERS, "gatepost.v1.TokenService/*", certificate_names=["billing.internal"])

    async with dial(mtls, shared_files.servers, shared_files.clients.issue("billing.internal")) as channel:
        with refused("CREDENTIAL_MISSING", grpc.StatusCode.UNAUTHENTICATED):
            await list_users(channel, metadata=metadata)
        with refused("CREDENTIAL_MISSING", grpc.StatusCode.UNAUTHENTICATED):
            introspect = token_service_pb2_grpc.TokenServiceStub(channel).Introspect
            await introspect(token_service_pb2.IntrospectRequest(token="x"), metadata=metadata)
