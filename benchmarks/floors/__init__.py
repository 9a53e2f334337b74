"""Servers without a line of Gatepost that make the same calls of aiohttp, grpc.aio and asyncpg."""
