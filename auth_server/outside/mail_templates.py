"""The templates of mails: a subject, a text and an HTML page for each kind, in each language."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from auth_server.domain.greetings import greetable
from auth_server.domain.locales import fallbacks_of, is_locale
from auth_server.domain.mails import MailKind

PACKAGED = Path(__file__).parent / "templates"
DEFAULT_LOCALE = "en"
LINKED_KINDS = frozenset({MailKind.VERIFY_EMAIL, MailKind.RESET_PASSWORD, MailKind.CONFIRM_NEW_EMAIL})
"""The kinds whose templates show a link."""
_SUBJECT = "Subject: "
_TRIED_LINK = "https://www.example.org/page?token=0123456789abcdef&n=1"


class MailTemplatesError(Exception):
    """The templates of mails cannot be used; the text names the file, and says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """What a mail says."""

    subject: str
    """One line, without control characters."""
    text: str
    html: str


def life_values(left: timedelta) -> dict[str, str]:
    """How long a link still works, as templates take it: whole `hours` from one hour on, else whole `minutes`."""
    minutes = max(1, -(-left // timedelta(minutes=1)))  # begun minutes count: the mail was written just now
    return {"hours": str(minutes // 60)} if minutes >= 60 else {"minutes": str(minutes)}


class MailTemplates:
    """The templates that come with Gatepost, and an operator's own, which win.

    A folder of own ones wins file by file: `fr/verify-email.html`, or
    `layout.html` for all pages at once. What it replaces stays there as
    `packaged/layout.html`. It is read once, and each template tried then, so
    that none fails when its mail is due.
    """

    def __init__(self, product: str, folder: Path | None = None, default_locale: str = DEFAULT_LOCALE) -> None:
        """Loads the templates.

        Args:
            product: what the mails call the product.
            folder: templates that win over those that come with Gatepost.
            default_locale: the language of those whose own one has no templates.

        Raises:
            MailTemplatesError: the folder or one of its files cannot be read, is none of a mail or fails, or the
                default locale has not all kinds.
        """
        self._product = _plain(product)
        self._default = default_locale
        packaged = FileSystemLoader(PACKAGED)
        own = [FileSystemLoader(folder, followlinks=True)] if folder else []
        # Operators write these templates, users only the values; the sandbox is for templates that come from elsewhere.
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([*own, packaged, PrefixLoader({"packaged": packaged})]),
            autoescape=lambda name: name is None or not name.endswith(".txt"),
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
        )
        names = set(packaged.list_templates())
        for loader in own:
            names |= _own_names(loader, folder or Path(), names)
        self._locales = _locales_in(names)
        self._check_default()
        if own:  # ours alone were tried by the tests, and cost a tenth of a second
            for kind, spelt in self._locales.items():
                for locale in spelt.values():
                    self._try(kind, locale)

    def rendered(self, kind: MailKind, locale: str | None, values: Mapping[str, str]) -> RenderedMail:
        """What a mail of this kind says to a user of this locale, in the nearest language that there is.

        `values` holds `link` and `hours` or `minutes` (life_values) where the kind has a link, and `name` where the
        user has one; the product's name comes by itself.

        Raises:
            MailTemplatesError: a value is missing that the template shows.
        """
        spelt = self._locales[kind]
        chain = fallbacks_of(locale) if locale and is_locale(locale) else []
        found = next(spelt[tag] for tag in [*chain, *fallbacks_of(self._default)] if tag in spelt)
        return self._rendered(kind, found, values)

    def _rendered(self, kind: MailKind, locale: str, values: Mapping[str, str]) -> RenderedMail:
        given = {key: _plain(value) for key, value in values.items()}
        given |= {"name": greetable(given.get("name", "")), "product": self._product, "locale": locale}
        if "hours" in given or "minutes" in given:
            given = {"hours": "", "minutes": "", **given}
        written = self._render(f"{locale}/{kind}.txt", given)
        first, _, text = written.partition("\n")
        subject = " ".join(first.removeprefix(_SUBJECT).split())
        if not first.startswith(_SUBJECT) or not subject:
            raise MailTemplatesError(f"{locale}/{kind}.txt must begin with a line `{_SUBJECT}...`")
        return RenderedMail(subject, text.strip() + "\n", self._render(f"{locale}/{kind}.html", given))

    def _render(self, name: str, values: Mapping[str, str]) -> str:
        try:
            return self._environment.get_template(name).render(values)
        except TemplateSyntaxError as error:
            raise MailTemplatesError(f"{error.name or name}, line {error.lineno}: {error.message}") from error
        except RecursionError as error:
            raise MailTemplatesError(f"{name} extends or includes itself; ours stand under packaged/") from error
        # Whatever a template does in its own expressions, such as dividing, is a fault of the template.
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, OSError) as error:
            raise MailTemplatesError(f"{name}: {error}") from error

    def _check_default(self) -> None:
        tags = fallbacks_of(self._default)
        missing = [str(kind) for kind, spelt in self._locales.items() if not any(tag in spelt for tag in tags)]
        if missing:
            raise MailTemplatesError(f"the default locale {self._default} has no templates of {', '.join(missing)}")

    def _try(self, kind: MailKind, locale: str) -> None:
        """Renders a mail, and looks whether its link is there to be seen and clicked."""
        linked = kind in LINKED_KINDS
        for life in ({"hours": "2"}, {"minutes": "2"}) if linked else ({},):
            values = {"link": _TRIED_LINK, **life} if linked else {}
            for name in ("Ada", ""):
                mail = self._rendered(kind, locale, {**values, "name": name})
                if linked and _TRIED_LINK not in mail.text:
                    raise MailTemplatesError(f"{locale}/{kind}.txt does not show the link")
                if linked and _TRIED_LINK.replace("&", "&amp;") not in mail.html:
                    raise MailTemplatesError(f"{locale}/{kind}.html does not show the link")


def _own_names(loader: FileSystemLoader, folder: Path, packaged: set[str]) -> set[str]:
    """The operator's templates; a misspelt one would be overlooked, so it is refused."""
    if not folder.is_dir():
        raise MailTemplatesError(f"{folder} is no folder of templates")
    names = {name for name in loader.list_templates() if not any(part.startswith(".") for part in name.split("/"))}
    for name in sorted(names - packaged):
        locale, _, file = name.rpartition("/")
        stem, _, ending = file.rpartition(".")
        if not file.startswith("_") and not (
            is_locale(locale) and ending in ("txt", "html") and stem in {*MailKind, "layout", "life"}
        ):
            raise MailTemplatesError(
                f"{folder / name} is the template of no mail; begin its name with _ where others include it"
            )
    return names


def _locales_in(names: set[str]) -> dict[MailKind, dict[str, str]]:
    """The folders that hold a kind, text and HTML, by their locales in lower case."""
    found: dict[MailKind, dict[str, str]] = {kind: {} for kind in MailKind}
    for name in sorted(names):
        locale, _, file = name.rpartition("/")
        stem, _, ending = file.rpartition(".")
        if stem not in set(MailKind) or not is_locale(locale):
            continue
        other = f"{locale}/{stem}.{'html' if ending == 'txt' else 'txt'}"
        if other not in names:
            raise MailTemplatesError(f"{name} has no {other} beside it")
        spelt = found[MailKind(stem)].setdefault(locale.lower(), locale)
        if spelt != locale:
            raise MailTemplatesError(f"{spelt} and {locale} are one locale in two folders")
    return found


def _plain(value: str) -> str:
    """The value on one line: what a template makes of it can add no line, and so no header, to a mail."""
    return "".join(" " if unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") else each for each in value)
