import os
from pathlib import Path

import pytest

from gatepost_cli.embedded_postgres import _environment
from gatepost_cli.installation import Installation
from gatepost_cli.private_files import make_folder, open_file
from gatepost_cli.refusals import RefusalError


def test_a_new_folder_is_its_users_alone(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").stat().st_mode & 0o077 in (0, 0o011)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o722, 0o1777])
def test_a_folder_in_which_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)

    with pytest.raises(RefusalError, match="others may write"), Installation(folder).occupied():
        pass

    assert list(folder.iterdir()) == []


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)

    with pytest.raises(RefusalError, match="another user"):
        make_folder(folder)


def test_a_file_that_is_linked_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    os.link(tmp_path / "secret", tmp_path / "gatepost.log")
    (tmp_path / "up.lock").symlink_to(tmp_path / "secret")

    with pytest.raises(RefusalError, match="yours alone"):
        open_file(tmp_path / "gatepost.log", os.O_WRONLY | os.O_APPEND)
    with pytest.raises(OSError, match="symbolic link"):
        open_file(tmp_path / "up.lock", os.O_RDWR)
    assert (tmp_path / "secret").read_text() == "x"


def test_the_database_server_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GATEPOST_PEPPERS", "NEXTAUTH_SECRET", "DATABASE_URL", "PGPASSWORD"):
        monkeypatch.setenv(name, "secret")

    assert "secret" not in _environment().values()
