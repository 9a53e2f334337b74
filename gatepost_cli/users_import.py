"""Importing a file of users into the database, from where an import of the same file has stopped."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from auth_server.domain.imported_hashes.firebase_hashes import signer_key
from auth_server.domain.imported_users import ImportState
from auth_server.domain.kept_hashes import KeptHashes
from auth_server.domain.secrets import KEY_BYTES, KeyRing
from auth_server.settings import AuthServerSettings
from auth_server.settings.sources import NamedSource
from auth_server.usecases.importing import Importing, ImportOvertakenError
from gatepost_cli.database import opened
from gatepost_cli.import_files import LONGEST_LINE_BYTES, digest_of, records_of
from gatepost_cli.import_records import RecordRefusedError, user_of
from gatepost_cli.installation import Installation
from gatepost_cli.refusals import RefusalError
from gatepost_cli.settings import CommandSettings, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from auth_server.domain.imported_users import ImportedUser
    from gatepost_cli.import_files import Record

BATCH = 500
PRESENT = "a user with this id or email is there already, and was left alone"


class ImportSettings(BaseSettings):
    """What an import needs of the servers' secrets."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", populate_by_name=True, hide_input_in_errors=True)

    peppers: Annotated[SecretStr | None, AuthServerSettings.model_fields["peppers"]] = None
    firebase_signer_key: Annotated[SecretStr | None, AuthServerSettings.model_fields["firebase_signer_key"]] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As the auth server reads them: by their first name that is given, also from a file."""
        return (NamedSource(settings_cls),)


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that made no user."""

    line: int
    reason: str


@dataclass(slots=True)
class Batch:
    """Records that are done in one transaction."""

    users: list[tuple[int, ImportedUser]] = field(default_factory=list)
    """With the lines that they stand on."""
    refused: list[Refused] = field(default_factory=list)
    read_bytes: int = 0

    def present(self, added: set[object]) -> list[Refused]:
        """Those who are no users by this batch; of two with one id, the second."""
        left = set(added)
        found = []
        for line, user in self.users:
            if user.id in left:
                left.remove(user.id)
            else:
                found.append(Refused(line, PRESENT))
        return found


def kept_hashes(url: str | None) -> KeptHashes:
    """What keeps hashes as the servers of this database open them; without a database, for nothing but reading them.

    Raises:
        RefusalError: the peppers are not known, or a setting is wrong.
    """
    settings = read(ImportSettings)
    peppers = settings.peppers.get_secret_value() if settings.peppers else None
    if peppers is None and url is None:
        peppers = f"none:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"
    installation = Installation(read(CommandSettings).data_dir)
    if peppers is None and installation.database_url() == url:
        peppers = installation.find_secrets().get("peppers")
    if peppers is None:
        raise RefusalError(
            "GATEPOST_PEPPERS is missing: imported hashes are sealed under it; set it as the servers have it"
        )
    try:
        of_firebase = settings.firebase_signer_key
        return KeptHashes(KeyRing.of(peppers), signer_key(of_firebase.get_secret_value()) if of_firebase else None)
    except ValueError as error:
        raise RefusalError(f"GATEPOST_PEPPERS or GATEPOST_FIREBASE_SIGNER_KEY cannot be read: {error}") from error


def check_file(path: Path, kept: KeptHashes, report: Report, progress: Callable[[int], None]) -> ImportState:
    """How many records would be refused, and how many are good; the database is not asked."""
    state = ImportState(0)
    report.go_on(state)
    for batch in _batches(records_of(path), kept):
        report.add(batch.refused)
        done = len(batch.users) + len(batch.refused)
        state = replace(state, records=state.records + done, refused=state.refused + len(batch.refused))
        progress(batch.read_bytes)
    return state


async def import_file(
    url: str, path: Path, kept: KeptHashes, report: Report, progress: Callable[[int], None]
) -> tuple[ImportState, ImportState]:
    """How far the import of this file was, and how far it is: done.

    Raises:
        RefusalError: the file cannot be read, somebody else imports it, or the database refuses.
    """
    async with opened(url) as db:
        importing = Importing(db, digest_of(path), lambda: datetime.now(UTC))
        before = state = await importing.begin()
        if before.ended_at is not None:
            return before, before
        report.go_on(before)
        records = islice(records_of(path), before.records, None)
        try:
            for batch in _batches(records, kept):
                users = [user for _, user in batch.users]
                state, added = await importing.batch(state, users, len(batch.refused))
                report.add([*batch.refused, *batch.present(set(added))])
                progress(batch.read_bytes)
            return before, await importing.end(state)
        except ImportOvertakenError as error:
            raise RefusalError(f"somebody else imports {path} just now; this import has stopped") from error


class Report:
    """The file of refused records: a line of JSON each, without anything of the record itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self.lacks = 0
        """Records of an import that was killed before it had written them down."""

    def go_on(self, state: ImportState) -> None:
        """Keeps what an import of the same file has written, or begins anew.

        Raises:
            RefusalError: it cannot be written, or something else stands there, such as the file of users itself.
        """
        expected = state.refused + state.present
        try:
            if not self._may_be_overwritten():
                raise RefusalError(f"{self.path} is there and is no report of an import; choose another --report")
            if not expected:
                self.path.unlink(missing_ok=True)
            self.lines = self.path.read_bytes().count(b"\n") if expected and self.path.exists() else 0
        except OSError as error:
            raise self._refusal(error) from error
        self.lacks = max(0, expected - self.lines)

    def add(self, refused: list[Refused]) -> None:
        """Writes these down.

        Raises:
            RefusalError: it cannot be written.
        """
        if not refused:
            return
        ordered = sorted(refused, key=lambda each: each.line)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps({"line": each.line, "reason": each.reason}) + "\n" for each in ordered)
        except OSError as error:
            raise self._refusal(error) from error
        self.lines += len(refused)

    def _may_be_overwritten(self) -> bool:
        if not self.path.exists():
            return True
        with self.path.open("rb") as file:
            first = file.readline(LONGEST_LINE_BYTES)
        try:
            return not first or json.loads(first).keys() == {"line", "reason"}
        except (ValueError, AttributeError):
            return False

    def _refusal(self, error: OSError) -> RefusalError:
        return RefusalError(f"the report {self.path} cannot be written: {error.strerror}; choose another --report")


def _batches(records: Iterator[Record], kept: KeptHashes) -> Iterator[Batch]:
    while some := list(islice(records, BATCH)):
        batch, now = Batch(read_bytes=some[-1].read_bytes), datetime.now(UTC)
        for record in some:
            try:
                if record.fault:
                    raise RecordRefusedError(record.fault)
                batch.users.append((record.line, user_of(record.fields, kept, now)))
            except RecordRefusedError as error:
                batch.refused.append(Refused(record.line, str(error)))
        yield batch
