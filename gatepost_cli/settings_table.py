"""The table of settings, written from the classes that read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticUndefined, to_jsonable_python

from auth_server.settings import AuthServerSettings
from gatepost_cli.doctor.settings import DoctorSettings
from gatepost_cli.refusals import RefusalError
from gatepost_cli.settings import CommandSettings, names_of
from http_gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

_START, _END = "<!-- settings -->\n", "<!-- /settings -->"
_PROCESSES: dict[str, type[BaseSettings]] = {
    "The auth server": AuthServerSettings,
    "The gateway": GatewaySettings,
    "`gatepost up`": CommandSettings,
    "`gatepost doctor`": DoctorSettings,
}


def table() -> str:
    """Every setting with its default and meaning, in Markdown."""
    return "\n".join(_part(title, settings) for title, settings in _PROCESSES.items())


def check(page: Path) -> None:
    """Passes if the page holds this table.

    Raises:
        RefusalError: it holds another, or no place for one.
    """
    if page.read_text("utf-8") != _with_table(page):
        raise RefusalError(f"{page} holds an older table of settings; run `gatepost settings --write {page}`")


def write(page: Path) -> None:
    """Puts this table into the page.

    Raises:
        RefusalError: the page has no place for it.
    """
    page.write_text(_with_table(page), "utf-8")


def _with_table(page: Path) -> str:
    before, start, rest = page.read_text("utf-8").partition(_START)
    _, end, after = rest.partition(_END)
    if not start or not end:
        raise RefusalError(f"{page} has no lines {_START.strip()} and {_END} for the table to stand between")
    return f"{before}{start}\n{table()}\n{end}{after}"


def _part(title: str, settings: type[BaseSettings]) -> str:
    rows = (
        f"| {_names(names)} | {_default(settings.model_fields[field])} | {_cell(settings.model_fields[field])} |"
        for field, names in names_of(settings).items()
    )
    return "\n".join([f"{title}:\n", "| setting | default | meaning |", "|---|---|---|", *rows, ""])


def _names(names: list[str]) -> str:
    first, *others = (f"`{name}`" for name in names)
    return f"{first}, or {' or '.join(others)}" if others else first


def _default(about: FieldInfo) -> str:
    if about.default_factory is not None:
        return "computed"
    if about.default is PydanticUndefined:
        return "required"
    value = to_jsonable_python(about.default)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value or value == 0 else "none"


def _cell(about: FieldInfo) -> str:
    return (about.description or "").replace("|", "\\|").replace("\n", " ")
