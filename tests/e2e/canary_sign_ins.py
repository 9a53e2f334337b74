"""Sign-ins of people with a second factor, with secrets that are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.canary_flows import Flows


async def sign_in_by_two_factors(flows: Flows) -> None:
    """A sign-in by password and code, and a session of a front end."""
    call, ann = flows.canary.call, await flows.registered()
    app = await flows.turn_on(ann.id)
    challenge = await flows.canary.challenged("AuthService/Login", [], {"email": ann.email, "password": ann.password})
    await flows.canary.fail("AuthService/CompleteSignIn", [], {"challenge": challenge, "code": "no code"})
    await call("AuthService/CompleteSignIn", [], {"challenge": challenge, "code": app.code()})
    session = {
        "session_token": flows.canary.marked.token("session"),
        "user_id": ann.id,
        "expires": datetime.now(UTC) + timedelta(days=1),
    }
    await flows.canary.fail("AdapterService/CreateSession", flows.adapter, session)
    await call("AdapterService/CreateSession", flows.adapter, {**session, "code": app.code(1)})
