"""Where settings come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, SettingsError


class NamedSource(EnvSettingsSource):
    """Takes a setting from the first of its names that is given, in the environment or in a file.

    `<NAME>_FILE` names the file, as container platforms hand secrets over. What is empty is not given.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text for this field, if any of its names is given."""
        names = _names_of(field, field_name)
        texts = (text for name in names if (text := self._text_of(name)) is not None)
        return next(texts, None), names[0] if field.validation_alias else field_name, False

    def __call__(self) -> dict[str, Any]:
        """All fields that are given.

        Raises:
            OSError: a file cannot be read.
        """
        try:
            return super().__call__()
        except SettingsError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            raise

    def _text_of(self, name: str) -> str | None:
        text, path = (self.env_vars.get(key.lower()) for key in (name, f"{name}_FILE"))
        if text or not path:
            return text or None
        return Path(path).read_text("utf-8", errors="replace").strip()


def _names_of(field: FieldInfo, field_name: str) -> list[str]:
    if isinstance(field.validation_alias, AliasChoices):
        return [str(choice) for choice in field.validation_alias.choices]
    return [f"GATEPOST_{field_name.upper()}"]
