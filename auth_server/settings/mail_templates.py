"""Settings of what mails say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from auth_server.outside.mail_templates import DEFAULT_LOCALE


class MailTemplateSettings(BaseSettings):
    """What mails say, and in which language."""

    mail_templates: Annotated[
        Path | None,
        Field(description="Folder of templates that win, file by file, over those of mails that come with Gatepost."),
    ] = None
    mail_locale: Annotated[
        str,
        Field(description="The language (BCP 47) of mails to users whose own language has no templates."),
    ] = DEFAULT_LOCALE
