"""The pages as HTML: a form, what became of it, and a link that does not work."""

from __future__ import annotations

from html import escape

from aiohttp import web

from http_gateway.headers import headers_for
from http_gateway.pages.faults import NOT_OWN_STATUS, PASSWORD, REPEATED, TOKEN, Fault, fault_of
from http_gateway.pages.style import STYLE, STYLE_HASH
from http_gateway.pages.texts import PageTexts, Texts
from http_gateway.problems import RefusedError

_HEADERS = headers_for(
    "text/html; charset=utf-8",
    Content_Security_Policy=(
        f"default-src 'none'; style-src '{STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    Cross_Origin_Opener_Policy="same-origin",
    X_Robots_Tag="noindex",
)


class Screen:
    """Answers one visit of one page, in the visitor's language."""

    def __init__(self, language: str, texts: Texts, page: PageTexts, product: str, *, asks_password: bool) -> None:
        self._language = language
        self._texts = texts
        self._page = page
        self._product = product
        self._asks_password = asks_password

    def form(self, token: str, request_id: str) -> web.Response:
        """The form."""
        return self._form(token, request_id, None, 200)

    def done(self, request_id: str) -> web.Response:
        """That it is done."""
        body = f'<p class="done" role="status">{escape(self._page.done)}</p>'
        return self._answer(self._page.done_title, body, request_id, 200)

    def refused(self, refusal: RefusedError, token: str, request_id: str) -> RefusedError:
        """The refusal with the page that shows it, and the form again where another try may help."""
        fault = fault_of(refusal, self._texts)
        if fault.ends_here or not token:
            body = f'<p class="notice" role="alert">{escape(fault.text)}</p>'
            refusal.shown = self._answer(self._texts.link_title, body, request_id, refusal.status, faulty=True)
        else:
            refusal.shown = self._form(token, request_id, fault, refusal.status)
        refusal.shown.headers.update(refusal.headers)
        return refusal

    def _form(self, token: str, request_id: str, fault: Fault | None, status: int) -> web.Response:
        fields = _password_fields(self._texts, fault) if self._asks_password else ""
        notice = f'<p class="notice" role="alert">{escape(fault.text)}</p>' if fault and not fault.field else ""
        # The empty query keeps the path, also one before which a proxy puts another, and drops the token from it.
        body = (
            f"{notice}<p>{escape(self._page.lead)}</p>"
            f'<form method="post" action="?"><input type="hidden" name="{TOKEN}" value="{escape(token)}">'
            f"{fields}<button>{escape(self._page.button)}</button></form>"
        )
        answer = self._answer(self._page.title, body, request_id, status, faulty=fault is not None)
        if status == NOT_OWN_STATUS:
            # A page that forbids referrers sends its form with `Origin: null`, by which alone an old browser could not
            # be told from another site's.
            answer.headers["Referrer-Policy"] = "same-origin"
        return answer

    def _answer(self, title: str, body: str, request_id: str, status: int, *, faulty: bool = False) -> web.Response:
        product, prefix = escape(self._product), escape(self._texts.error_prefix) if faulty else ""
        text = (
            f'<!doctype html>\n<html lang="{self._language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{prefix}{escape(title)} · {product}</title><style>{STYLE}</style></head>"
            f'<body><main><p class="product">{product}</p><h1>{escape(title)}</h1>{body}</main></body></html>\n'
        )
        response = web.Response(body=text.encode(), status=status, headers=_HEADERS)
        response.headers["Content-Language"] = self._language
        response.headers["x-request-id"] = request_id
        return response


def _password_fields(texts: Texts, fault: Fault | None) -> str:
    hint = f'<p class="hint" id="{PASSWORD}-hint">{escape(texts.new_password_hint)}</p>'
    return _field(PASSWORD, texts.new_password, hint, fault) + _field(REPEATED, texts.repeated, "", fault)


def _field(name: str, label: str, hint: str, fault: Fault | None) -> str:
    """A password's field; a hint and what is wrong stand before it, for who hears the page from top to bottom."""
    at_fault = fault is not None and fault.field == name
    wrong = f'<p class="wrong" id="{name}-wrong">{escape(fault.text)}</p>' if fault and at_fault else ""
    described = " ".join(f"{name}-{what}" for what, there in (("hint", hint), ("wrong", wrong)) if there)
    return (
        f'<label for="{name}">{escape(label)}</label>{hint}{wrong}'
        f'<input id="{name}" name="{name}" type="password" autocomplete="new-password" required'
        + (f' aria-describedby="{described}"' if described else "")
        + (' aria-invalid="true" autofocus' if at_fault else "")
        + ">"
    )
