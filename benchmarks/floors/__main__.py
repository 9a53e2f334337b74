"""Runs one bare server: `python -m benchmarks.floors rest|grpc|gateway`."""

import argparse
import asyncio

import uvloop
from aiohttp import web
from jwt import PyJWKClient

from benchmarks.floors import grpc_server, rest_server, statements
from benchmarks.floors.from_grpc import FromGrpc
from benchmarks.floors.from_postgres import FromPostgres


async def _serve_rest(answers: rest_server.Answers, port: int) -> None:
    runner = web.AppRunner(rest_server.application(answers), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def _serve(options: argparse.Namespace) -> None:
    if options.kind == "gateway":
        await _serve_rest(FromGrpc(options.target), options.port)
    async with statements.connected(options.database, options.pool, hash_width=options.hash_width) as ready:
        if options.kind == "rest":
            await _serve_rest(FromPostgres(ready), options.port)
        bare = grpc_server.server(ready, PyJWKClient(options.keys).get_signing_keys()[0], options.port)
        await bare.start()
        await bare.wait_for_termination()


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("rest", "grpc", "gateway"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", help="URL of the database, for rest and grpc")
    parser.add_argument("--pool", type=int, default=2, help="connections to the database")
    parser.add_argument("--hash-width", type=int, default=1, help="passwords hashed at once")
    parser.add_argument("--keys", help="URL of the keys that verify access tokens, for grpc")
    parser.add_argument("--target", help="address of the gRPC server, for gateway")
    uvloop.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
