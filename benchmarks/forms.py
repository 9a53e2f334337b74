"""The forms that are compared: REST in one process, REST through a gateway, and gRPC, each beside its floor."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from auth_server.settings import AuthServerSettings
from benchmarks.database import Database
from benchmarks.gatepost import Gatepost
from benchmarks.measure import Form, Side
from benchmarks.processes import Server, free_port, running

POOL_SIZE = AuthServerSettings.model_fields["database_pool_size"].default


@contextmanager
def running_forms(gatepost: Gatepost, database: Database, *, hash_width: int) -> Iterator[tuple[Form, ...]]:
    """All forms, their floors running."""
    with ExitStack() as stack:
        on_database = ("--database", database.url, "--pool", str(POOL_SIZE), "--hash-width", str(hash_width))

        def floor(kind: str, *arguments: str) -> Server:
            port = free_port()
            command = (kind, "--port", str(port), *arguments)
            return stack.enter_context(running(f"bare {kind}", "benchmarks.floors", *command, port=port, settings={}))

        keys = ("--keys", f"http://127.0.0.1:{gatepost.everything.port}/.well-known/jwks.json")
        rest, grpc = floor("rest", *on_database), floor("grpc", *on_database, *keys)
        gateway = floor("gateway", "--target", f"127.0.0.1:{grpc.port}")
        yield (
            Form("REST, one process", "rest", Side((gatepost.everything,)), Side((rest,)), 2.0),
            Form("REST, split", "rest", Side((gatepost.gateway, gatepost.auth)), Side((gateway, grpc)), 1.25),
            Form("gRPC", "grpc", Side((gatepost.auth,)), Side((grpc,)), 1.25),
        )
