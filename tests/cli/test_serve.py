"""`gatepost serve`: processes set up by the environment alone."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gatepost_cli.__main__ import gatepost
from tests.cli.command import call, refusal_of, run
from tests.cli.serving import COMPLETE, SECRET, serving, told_by

pytestmark = pytest.mark.timeout(180)


def to(target: str) -> dict[str, str]:
    """The settings of a gateway that calls an auth server there, in plaintext."""
    return {"GATEPOST_AUTH_TARGET": target, "GATEPOST_AUTH_INSECURE": "true"}


BODY = b'{"name": "Ada", "email": "drained@example.com", "password": "a long way to Tipperary"}'
REQUEST = (
    b"POST /auth/register HTTP/1.1\r\nhost: gatepost\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


@pytest.mark.requirement(41)
@pytest.mark.parametrize("which", ["all", "auth"])
def test_a_missing_secret_stops_the_start(which: str) -> None:
    rest = {name: value for name, value in COMPLETE.items() if name != "GATEPOST_ADAPTER_SECRET"}

    assert "GATEPOST_ADAPTER_SECRET is missing" in refusal_of("serve", which, **rest)


@pytest.mark.requirement(41)
def test_a_weak_secret_stops_the_start_and_is_not_shown() -> None:
    said = refusal_of("serve", "all", **{**COMPLETE, "GATEPOST_ADAPTER_SECRET": "hunter2-hunter2"})

    assert "GATEPOST_ADAPTER_SECRET is too weak" in said
    assert "hunter2" not in said


def test_a_database_that_refuses_is_told_without_its_password() -> None:
    said = refusal_of("serve", "auth", **COMPLETE)

    assert "database" in said
    assert "s3cr3t-word" not in said


def commands_of(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    yield above
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_of(command, *above, name)
        else:
            yield (*above, name)


@pytest.mark.parametrize("words", list(commands_of(gatepost)), ids=" ".join)
def test_examples_in_a_help_stand_in_lines_of_their_own(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(gatepost, [*words, "--help"]).output

    assert "Usage: gatepost" in shown
    assert "\\b" not in shown
    assert all(line.strip() in ("Example:", "Examples:") for line in shown.splitlines() if "Example" in line)


def test_help_and_version_need_no_setting() -> None:
    assert re.fullmatch(r"gatepost \d+\.\d+\.\d+\n", run("--version").stdout)
    for command in ([], ["up"], ["serve", "all"]):
        assert "Usage: gatepost" in run(*command, "--help").stdout


def test_a_command_that_does_not_exist_is_a_usage_error() -> None:
    assert run("sit").returncode == 2


def test_log_lines_are_json_and_say_where_it_serves(on_database: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving("auth", log, **on_database) as process:
        target = told_by(log, "grpc_target")
        with serving("gateway", tmp_path / "other", GATEPOST_HTTP_PORT="0", **to(target)) as gateway:
            url = told_by(tmp_path / "other", "http_url")
            answer = call(f"{url}/adapter/get-user-by-email?email=x", x_auth_secret=SECRET)
            gateway.terminate()
            assert gateway.wait(20) == 0
        process.terminate()
        assert process.wait(20) == 0

    assert answer == (200, None)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    unusual = {line["logger"]: line["level"] for line in lines if line["level"] != "INFO"}
    # Neither mails nor images have a place here, which a start says.
    assert unusual == {"auth_server.mailing": "WARNING", "auth_server.imaging": "WARNING"}


@pytest.mark.requirement(8)
def test_sigterm_lets_what_is_under_way_finish(on_database: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving("all", log, **{**on_database, "GATEPOST_BCRYPT_COST": "13"}) as process:
        host, _, port = told_by(log, "http_url").removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as client, client.makefile("rb") as answer:
            client.sendall(REQUEST)
            time.sleep(0.1)  # hashing takes about half a second

            process.terminate()

            assert answer.readline() == b"HTTP/1.1 201 Created\r\n"
        assert process.wait(20) == 0
    assert "Register" in log.read_text().partition('"draining"')[2]


@pytest.mark.requirement(1)
@pytest.mark.parametrize("which", ["all", "auth"])
def test_plaintext_grpc_stops_the_start_unless_it_is_asked_for(
    on_database: dict[str, str], tmp_path: Path, which: str
) -> None:
    strict = {name: value for name, value in on_database.items() if name != "GATEPOST_GRPC_INSECURE"}

    assert "gRPC on 127.0.0.1:0 would be plaintext" in refusal_of("serve", which, **strict)

    log = tmp_path / "log"
    with serving(f"{which} --insecure", log, **strict) as process:
        told_by(log, "grpc_target")
        process.terminate()
        assert process.wait(20) == 0
