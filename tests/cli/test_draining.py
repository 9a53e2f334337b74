"""The time between a signal and the end, in which a server serves what balancers still send."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.cli.command import call, eventually
from tests.cli.serving import SECRET, serving, told_by

pytestmark = pytest.mark.timeout(180)

ROUTE = "adapter/get-user-by-email?email=nobody"


def is_not_serving(channel: grpc.Channel) -> bool:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
    return bool(answer.status == health_pb2.HealthCheckResponse.NOT_SERVING)


@pytest.mark.slow
@pytest.mark.requirement(8)
def test_calls_are_served_while_health_says_that_none_should_come(on_database: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving("all", log, **on_database, GATEPOST_DRAIN_SECONDS="2") as process:
        url, target = told_by(log, "http_url"), told_by(log, "grpc_target")
        with grpc.insecure_channel(target) as channel:
            assert not is_not_serving(channel)

            process.terminate()

            assert eventually(lambda: is_not_serving(channel))
            assert call(f"{url}/readyz")[0] == 503
            assert call(f"{url}/{ROUTE}", x_auth_secret=SECRET) == (200, None)
        assert process.wait(20) == 0


@pytest.mark.requirement(8)
@pytest.mark.parametrize(("which", "again"), [("all", signal.SIGINT), ("auth", signal.SIGTERM)])
def test_a_second_signal_ends_the_wait_in_order(
    on_database: dict[str, str], tmp_path: Path, which: str, again: signal.Signals
) -> None:
    log = tmp_path / "log"
    with serving(which, log, **on_database, GATEPOST_DRAIN_SECONDS="60") as process:
        with grpc.insecure_channel(told_by(log, "grpc_target")) as channel:
            process.terminate()
            assert eventually(lambda: is_not_serving(channel))
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)

        process.send_signal(again)

        assert process.wait(10) == 0
