import pytest

from auth_server.app import running
from tests.certificates import Authority
from tests.rpc.tls import NAMES, Files, dial, health, unreachable

pytestmark = pytest.mark.timeout(180)  # each starts a server of its own


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path, Authority("servers"), Authority("clients"))


async def test_a_new_certificate_is_served_without_a_restart(settings, files, caplog):
    async with running(files.of(settings, mutual=False)) as server:
        renewed = Authority("renewed")
        # Half of the pair: the old one stays.
        files.certificate.write_bytes(renewed.issue(*NAMES).chain)
        async with dial(server, files.servers) as channel:
            assert await health(channel)
        assert [record.message for record in caplog.records if "certificates" in record.message] == [
            "certificates not reloaded"
        ]

        renewed.issue(*NAMES).write(files.folder, "server")

        async with dial(server, renewed) as channel:
            assert await health(channel)
        async with dial(server, files.servers) as channel:
            assert await unreachable(channel)


async def test_what_cannot_be_read_leaves_the_old_certificates_in_use(settings, files, caplog):
    async with running(files.of(settings, mutual=True)) as server:
        for spoil in (files.key.unlink, lambda: files.key.write_bytes(b"-----BEGIN"), files.certificate.unlink):
            spoil()
            for _ in range(2):
                async with dial(server, files.servers, files.clients.issue("x.internal")) as channel:
                    assert await health(channel)

    told = [record.cause for record in caplog.records if record.message == "certificates not reloaded"]
    assert len(told) == len(set(told)) == 3


async def test_an_authority_for_clients_is_added_without_a_restart(settings, files):
    added = Authority("added")
    async with running(files.of(settings, mutual=True)) as server:
        async with dial(server, files.servers, added.issue("x.internal")) as channel:
            assert await unreachable(channel)

        files.client_ca.write_bytes(files.clients.pem + added.pem)

        for authority in (added, files.clients):
            async with dial(server, files.servers, authority.issue("x.internal")) as channel:
                assert await health(channel)
