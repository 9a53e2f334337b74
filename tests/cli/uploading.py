"""Uploads an image as a person does who has just registered."""

from __future__ import annotations

import json
import secrets
import urllib.request

from tests.cli.command import call
from tests.images import FORM_TYPE, a_form, an_image

PASSWORD = "a long way to Tipperary"


def uploaded(url: str) -> str:
    """The address of the image of a new person, uploaded to the gateway at this URL."""
    email = f"{secrets.token_hex(8)}@example.org"
    call(f"{url}/auth/register", {"name": "Ada", "email": email, "password": PASSWORD})
    _, signed_in = call(f"{url}/auth/login", {"email": email, "password": PASSWORD})
    assert isinstance(signed_in, dict)
    request = urllib.request.Request(
        f"{url}/auth/upload-image/{signed_in['user']['id']}",
        data=a_form(an_image("PNG", (500, 500), compress_level=0)),
        headers={
            "authorization": f"Bearer {signed_in['backendTokens']['accessToken']}",
            "content-type": FORM_TYPE,
        },
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["imageUrl"])
