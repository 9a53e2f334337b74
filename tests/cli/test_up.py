"""`gatepost up`: what it says, keeps, refuses and leaves behind."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from gatepost_cli.installation import Installation
from gatepost_cli.up import gateway_settings
from tests.cli.command import Up, call, eventually, lives, mode_of, refusal_of, run, running_up
from tests.cli.uploading import uploaded

pytestmark = pytest.mark.timeout(180)  # a start takes seconds where the machine is busy

ADA = {"name": "Ada", "email": "ada@example.com"}


def database_of(up: Up) -> dict[str, str]:
    """The settings of another process on the same database."""
    kept = json.loads((up.folder / "secrets.json").read_text())
    return {"DATABASE_URL": up.run["database_url"], "GATEPOST_SEALING_KEYS": kept["sealing_keys"]}


def find(up: Up, email: str) -> object:
    secret = up.run["adapter_secret"]
    return call(f"{up.run['http_url']}/adapter/get-user-by-email?email={email}", x_auth_secret=secret)[1]


def add(up: Up, email: str) -> None:
    status, _ = call(f"{up.run['http_url']}/adapter/signup", {"email": email}, x_auth_secret=up.run["adapter_secret"])
    assert status == 200


def test_the_curl_line_works_as_it_is_printed(up: Up) -> None:
    line = re.search(r"^  (curl .*)$", up.welcome, re.MULTILINE)
    assert line

    answer = subprocess.run(f"{line[1]} -sS --fail", shell=True, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stderr
    assert find(up, ADA["email"])["email"] == ADA["email"]  # type: ignore[index]


def test_the_grpcurl_line_names_the_secret_and_the_port_that_serve(up: Up) -> None:
    line = re.search(r"^  (grpcurl .*)$", up.welcome, re.MULTILINE)
    assert line

    words = shlex.split(line[1])

    assert f"x-auth-secret: {up.run['adapter_secret']}" in words
    assert up.run["grpc_target"] in words


def test_the_welcome_fits_a_screen_and_names_what_runs_where(up: Up) -> None:
    lines = up.welcome.splitlines()

    assert len(lines) <= 15
    assert f"gRPC      {up.run['grpc_target']}  (plaintext, with reflection)" in up.welcome
    for shown in (up.run["http_url"], f"{up.run['http_url']}/docs", up.run["grpc_target"], str(up.folder)):
        assert shown in up.welcome


def test_the_welcome_says_where_mails_are_seen(up: Up) -> None:
    line = re.search(r"^  mails     (\S+)  \(instead of being sent\)$", up.welcome, re.MULTILINE)
    assert line

    with urllib.request.urlopen(line[1], timeout=10) as page:
        assert "<h1>Mails</h1>" in page.read().decode()


def test_an_uploaded_image_is_kept_in_the_data_folder_and_shown(up: Up) -> None:
    url = uploaded(up.run["http_url"])

    with urllib.request.urlopen(url, timeout=10) as image:
        assert image.headers["content-type"] == "image/png"
    assert [path.name for path in (up.folder / "images").iterdir()] == [url.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, True),
        ({"GATEPOST_HTTP_HOST": "localhost"}, True),
        ({"GATEPOST_HTTP_HOST": "0.0.0.0"}, False),
        ({"GATEPOST_ENVIRONMENT": "production"}, False),
    ],
)
def test_mails_are_shown_where_nobody_else_can_look(
    folder: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], shown: bool
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    installation = Installation(folder)

    gateway = gateway_settings(installation, "development", None)

    assert gateway.dev_mail_folder == (installation.mail_folder if shown else None)


def test_run_json_tells_the_owner_alone_what_runs(up: Up) -> None:
    note = up.folder / "run.json"

    assert mode_of(note) == 0o600
    assert set(up.run) == {"http_url", "grpc_target", "adapter_secret", "database_url", "pids"}
    assert up.run["pids"]["gatepost"] == up.process.pid
    assert lives(up.run["pids"]["postgres"])


@pytest.mark.parametrize("name", ["secrets.json", "gatepost.log", "run.json", "up.lock", "postgres/server.log"])
def test_only_the_owner_reads_the_files_of_an_installation(up: Up, name: str) -> None:
    assert mode_of(up.folder / name) == 0o600


def test_only_the_servers_user_enters_the_folder_of_the_socket(up: Up) -> None:
    assert mode_of(up.folder / "postgres" / "socket") == 0o700


def test_log_lines_are_in_the_file(up: Up) -> None:
    add(up, "logged@example.com")

    assert eventually(lambda: "AdapterService/CreateUser" in (up.folder / "gatepost.log").read_text())


@pytest.mark.requirement(15)
def test_mails_are_kept_in_the_folder_and_their_links_lead_to_the_gateway(up: Up) -> None:
    person = {"name": "Grace", "email": "mailed@example.com", "password": "a long way to Arlington"}
    assert call(f"{up.run['http_url']}/auth/register", person)[0] == 201
    assert call(f"{up.run['http_url']}/auth/forgot-password", {"email": "mailed@example.com"})[0] == 200

    def texts() -> list[str]:
        return [file.read_text() for file in (up.folder / "mail").glob("*.eml")]

    link = f"{up.run['http_url']}/reset-password?token=".replace("=", "=3D")
    assert eventually(lambda: any("To: mailed@example.com" in text and link in text for text in texts())), texts()


def test_a_second_up_on_the_same_folder_says_so(up: Up) -> None:
    said = refusal_of("up", "--data-dir", str(up.folder))

    assert "already runs" in said
    assert up.run["http_url"] in said


def test_two_installations_run_side_by_side(up: Up, folder: Path) -> None:
    add(up, "first@example.com")

    with running_up(folder / "second") as second:
        assert second.run["adapter_secret"] != up.run["adapter_secret"]
        assert find(second, "first@example.com") is None


@pytest.mark.parametrize(
    ("option", "name", "field"), [("--http-port", "HTTP", "http_url"), ("--grpc-port", "gRPC", "grpc_target")]
)
def test_a_taken_port_is_told_in_one_sentence(up: Up, folder: Path, option: str, name: str, field: str) -> None:
    port = up.run[field].rpartition(":")[2]
    ports = {"--http-port": "0", "--grpc-port": "0", option: port}
    arguments = [word for pair in ports.items() for word in pair]

    said = refusal_of("up", "--data-dir", str(folder / "data"), *arguments, **database_of(up))

    assert f":{port} for {name}" in said


def test_a_database_that_refuses_is_told_without_its_password(folder: Path) -> None:
    url = "postgresql://me:s3cr3t-word@127.0.0.1:1/nowhere"

    said = refusal_of("up", "--data-dir", str(folder / "data"), DATABASE_URL=url)

    assert "me@127.0.0.1:1/nowhere" in said
    assert "s3cr3t-word" not in said


def test_a_database_that_does_not_exist_is_told(up: Up, folder: Path) -> None:
    url = up.run["database_url"].replace("/postgres?", "/nowhere?")

    said = refusal_of("up", "--data-dir", str(folder / "data"), DATABASE_URL=url)

    assert 'database "nowhere" does not exist' in said


def test_a_data_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    (folder / "file").touch()

    said = refusal_of("up", "--data-dir", str(folder / "file" / "data"))

    assert "choose another" in said


def test_damaged_secrets_are_refused_rather_than_replaced(folder: Path) -> None:
    (folder / "secrets.json").write_text("{")

    said = refusal_of("up", "--data-dir", str(folder), DATABASE_URL="postgresql://127.0.0.1:1/nowhere")

    assert "damaged" in said
    assert (folder / "secrets.json").read_text() == "{"


def test_the_environments_secret_wins_over_the_installations(up: Up, folder: Path) -> None:
    with running_up(folder, **database_of(up), NEXTAUTH_SECRET="it's mine") as other:
        assert other.run["adapter_secret"] == "it's mine"
        assert "the adapter secret is NEXTAUTH_SECRET" in (folder / "gatepost.log").read_text()
        assert find(other, "nobody@example.com") is None


def test_an_operator_gives_a_role_on_the_running_installation(up: Up) -> None:
    add(up, "grace@example.com")

    given = run("users", "role", "GRACE@example.com", "operator", GATEPOST_DATA_DIR=str(up.folder))

    assert given.returncode == 0, given.stderr
    assert "operator" in given.stdout


def test_a_role_for_nobody_is_refused(up: Up) -> None:
    said = refusal_of("users", "role", "nobody@example.com", "operator", GATEPOST_DATA_DIR=str(up.folder))

    assert "nobody@example.com" in said


def test_a_migrated_database_is_up_to_date(up: Up) -> None:
    migrated = run("migrate", GATEPOST_DATA_DIR=str(up.folder))

    assert migrated.stdout == "The database is up to date.\n"


def test_after_kill_9_nothing_is_left_but_the_data(folder: Path) -> None:
    data = folder / "data"
    with running_up(data) as killed:
        add(killed, "kept@example.com")
        killed.end(signal.SIGKILL)
        postgres = killed.run["pids"]["postgres"]
        assert eventually(lambda: not lives(postgres), seconds=5)
        assert (data / "run.json").exists()

    with running_up(data) as again:
        assert find(again, "kept@example.com")
        assert again.run["adapter_secret"] == killed.run["adapter_secret"]
        assert again.run["pids"]["gatepost"] == again.process.pid

        code, said = again.end(signal.SIGINT)

    assert code == 0
    assert said.strip() == "Gatepost has stopped."
    assert not (data / "run.json").exists()
    assert not lives(again.run["pids"]["postgres"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(up: Up, folder: Path, number: signal.Signals) -> None:
    with running_up(folder, **database_of(up)) as ended:
        code, said = ended.end(number)

    assert code == 0
    assert said.strip() == "Gatepost has stopped."
    assert not (folder / "run.json").exists()


def test_a_second_ctrl_c_waits_for_nobody(up: Up, folder: Path) -> None:
    head = b"POST /auth/register HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n"
    with running_up(folder, **database_of(up)) as ended:
        host, _, port = ended.run["http_url"].removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(head)
            assert client.recv(100).startswith(b"HTTP/1.1 ")
            ended.process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                ended.process.wait(0.5)

            code, _ = ended.end(signal.SIGINT)

    assert code == 130


@pytest.mark.only_as("root")
def test_root_is_told_which_folder_the_servers_user_can_reach(folder: Path) -> None:
    folder.chmod(0o700)

    said = refusal_of("up", "--data-dir", str(folder / "data"))

    assert str(folder) in said
    assert "/var/lib/gatepost" in said
