"""Serves the pages: what is got shows a form and changes nothing, what is posted calls the RPC."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import AioRpcError

from gatepost.v1 import auth_service_pb2
from http_gateway.bodies import body_of, is_form
from http_gateway.channel import Channel
from http_gateway.clients import client_metadata_of
from http_gateway.forms import MEDIA_TYPE, form_of
from http_gateway.pages.english import ENGLISH
from http_gateway.pages.faults import MISSING, NOT_OWN_STATUS, PASSWORD, REPEATED, TOKEN
from http_gateway.pages.french import FRENCH
from http_gateway.pages.languages import language_of
from http_gateway.pages.origins import is_own_form
from http_gateway.pages.screens import Screen
from http_gateway.pages.texts import PageTexts, Texts
from http_gateway.problems import Manners, RefusedError, Violation
from http_gateway.rpc_errors import NO_ANSWER, refusal_of
from http_gateway.settings import GatewaySettings
from http_gateway.visits import Route, Visit

LANGUAGES = {"en": ENGLISH, "fr": FRENCH}
DEFAULT_LANGUAGE = "en"
_TOKEN = re.compile(r"[0-9a-f]{64}")
_METHODS = auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"].methods_by_name


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A page that a kind of mailed link leads to."""

    path: str
    rpc: str
    """The method of AuthService that the form is for."""
    texts_of: Callable[[Texts], PageTexts]
    asks_password: bool = False

    def screen_for(self, visit: Visit, product: str) -> Screen:
        """The page in the language that the visitor's browser asks for."""
        language = language_of(visit.request.headers.get("Accept-Language", ""), LANGUAGES, DEFAULT_LANGUAGE)
        texts = LANGUAGES[language]
        return Screen(language, texts, self.texts_of(texts), product, asks_password=self.asks_password)

    def check(self, fields: Mapping[str, str]) -> None:
        """Passes where the form is filled in.

        Raises:
            RefusedError: a field is missing, or the password was not repeated.
        """
        _check_token(fields)
        if not self.asks_password:
            return
        if PASSWORD not in fields:
            raise _invalid(PASSWORD, MISSING)
        if fields.get(REPEATED) != fields[PASSWORD]:
            raise _invalid(REPEATED, "is not the same")


PAGES = (
    LinkPage("/reset-password", "ResetPassword", lambda texts: texts.reset_password, asks_password=True),
    LinkPage("/verify-email", "VerifyEmail", lambda texts: texts.verify_email),
    LinkPage("/confirm-email", "ConfirmEmailChange", lambda texts: texts.confirm_email),
)


def link_pages(channel: Channel, settings: GatewaySettings) -> list[Route]:
    """The routes of all pages; none where a front end has pages of its own."""
    if settings.link_base_url:
        return []
    return [route for page in PAGES for route in (ShownPage(page, settings), SentForm(page, channel, settings))]


class ShownPage:
    """Shows the form; whoever follows the link, such as a scanner of mails, changes nothing (requirement 51)."""

    manners = Manners()

    def __init__(self, page: LinkPage, settings: GatewaySettings) -> None:
        self.name = f"GET {page.path}"
        self._page = page
        self._product = settings.product_name

    async def answer(self, visit: Visit) -> web.Response:
        """The form for the token of the link.

        Raises:
            RefusedError: the link has no whole token; it brings the page that says so.
        """
        screen = self._page.screen_for(visit, self._product)
        try:
            fields = form_of(visit.query.encode("utf-8", "surrogateescape"))
            _check_token(fields)
        except RefusedError as refusal:
            raise screen.refused(refusal, "", visit.request_id) from None
        return screen.form(fields[TOKEN], visit.request_id)


class SentForm:
    """Takes the form, and does what the link was mailed for."""

    manners = Manners()

    def __init__(self, page: LinkPage, channel: Channel, settings: GatewaySettings) -> None:
        self.name = f"POST {page.path}"
        self._page = page
        self._settings = settings
        method = _METHODS[page.rpc]
        self._request = GetMessageClass(method.input_type)
        self._taken = {field.name for field in method.input_type.fields}
        self._call = channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=self._request.SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )

    async def answer(self, visit: Visit) -> web.Response:
        """That it is done.

        Raises:
            RefusedError: it is not; the refusal brings the page that says why.
        """
        screen = self._page.screen_for(visit, self._settings.product_name)
        fields: dict[str, str] = {}
        try:
            fields |= await self._fields_of(visit)
            self._page.check(fields)
            if not is_own_form(visit.request.headers):
                raise RefusedError("REQUEST_INVALID", "Another page sent the form.", status=NOT_OWN_STATUS)
            await self._redeem(fields, visit)
        except RefusedError as refusal:
            raise screen.refused(refusal, fields.get(TOKEN, ""), visit.request_id) from None
        return screen.done(visit.request_id)

    async def _fields_of(self, visit: Visit) -> dict[str, str]:
        settings = self._settings
        try:
            body = await body_of(
                visit.request, settings.body_limit_bytes, settings.body_timeout_seconds, takes_form=True
            )
        except TimeoutError:
            raise RefusedError("HTTP_INVALID", "The body did not arrive in time.", status=408) from None
        if body and not is_form(visit.request):
            raise RefusedError("MEDIA_TYPE_UNSUPPORTED", f"The body must be {MEDIA_TYPE}.")
        return form_of(body)

    async def _redeem(self, fields: Mapping[str, str], visit: Visit) -> None:
        message = self._request(**{name: text for name, text in fields.items() if name in self._taken})
        client = client_metadata_of(visit.request, self._settings.trusted_proxies)
        metadata = [("x-request-id", visit.request_id), *client]
        try:
            reply = await self._call(message, metadata=metadata, timeout=self._settings.request_timeout_seconds)
        except AioRpcError as error:
            raise refusal_of(error, lambda field: field) from error
        # An HTTP error without a gRPC status has ended as None, not as an error.
        if reply is None:
            raise RefusedError(*NO_ANSWER)


def _check_token(fields: Mapping[str, str]) -> None:
    if not _TOKEN.fullmatch(fields.get(TOKEN, "")):
        raise _invalid(TOKEN, "is not whole")


def _invalid(field: str, detail: str) -> RefusedError:
    return RefusedError("REQUEST_INVALID", "The form is not valid.", violations=[Violation(field, detail)])
