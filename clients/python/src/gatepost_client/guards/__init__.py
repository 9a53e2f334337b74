"""Guards: what stands in front of a service's own calls and lets verified callers in."""

from gatepost_client.guards.asgi import AsgiGuard
from gatepost_client.guards.callers import caller, require_role
from gatepost_client.guards.grpc_server import GrpcGuard

__all__ = ["AsgiGuard", "GrpcGuard", "caller", "require_role"]
