"""The stream of revocations: what it ends, and what happens when it breaks."""

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from signing import Pair

from gatepost_client import AccessTokenInvalidError, VerifierUnavailableError
from gatepost_client.claims import TokenRules
from gatepost_client.revocations import Revocations
from tests.waiting import at_most

SECOND = timedelta(seconds=1)


async def why_refused(verifier, token: str) -> str:
    try:
        await verifier.verify(token)
    except AccessTokenInvalidError as error:
        return error.why
    return ""


async def refused_within(verifier, token: str, limit: timedelta) -> bool:
    """Whether the token is refused as revoked, sooner or later within the limit."""
    end = time.monotonic() + limit.total_seconds()
    while time.monotonic() < end:
        if await why_refused(verifier, token) == "revoked":
            return True
        await asyncio.sleep(0.01)
    return False


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (a counter tells nobody)
            await asyncio.sleep(0.01)


@pytest.mark.requirement(45)
@pytest.mark.parametrize("subject", ["sign_in_id", "user_id"])
async def test_a_revoked_token_is_refused_within_a_second(subject, gatepost, verifier):
    sub, sid = str(uuid4()), str(uuid4())
    token, other = gatepost.pair.signed(sub=sub, sid=sid), gatepost.pair.signed()
    claims = await verifier.verify(token)

    await gatepost.tell(**{subject: {"sign_in_id": sid, "user_id": sub}[subject]})

    assert await refused_within(verifier, token, at_most(1) * SECOND)
    assert not verifier.is_still_good(claims)
    assert await verifier.verify(other)
    assert gatepost.token_calls == 0


@pytest.mark.requirement(40, 45)
async def test_the_tokens_of_a_revoked_key_are_refused_though_it_is_still_published(gatepost, verifier):
    token = gatepost.pair.signed()
    claims = await verifier.verify(token)
    assert verifier.is_still_good(claims)

    await gatepost.tell(key_id=gatepost.pair.kid)
    await until(lambda: verifier.counters.revocations == 1)

    assert not verifier.is_still_good(claims)
    assert await why_refused(verifier, token) == "key"
    await verifier._keys.refresh()
    assert await why_refused(verifier, token) == "key"


async def test_a_user_who_logs_in_again_is_let_in(gatepost, verifier):
    sub, now = str(uuid4()), int(time.time())
    await gatepost.tell_at(Timestamp(seconds=now - 60, nanos=500_000_000), user_id=sub)
    await until(lambda: verifier.counters.revocations == 1)

    async def refusal(issued: int) -> str:
        return await why_refused(verifier, gatepost.pair.signed(sub=sub, iat=issued, nbf=issued, exp=issued + 800))

    assert await refusal(now - 61) == "revoked"
    assert await refusal(now - 60) == "revoked"
    assert await refusal(now - 59) == ""


async def test_what_ended_before_the_start_is_known_once_in_sync(gatepost, verifying):
    sid = str(uuid4())
    await gatepost.tell(sign_in_id=sid)

    async with verifying() as verifier:
        assert await why_refused(verifier, gatepost.pair.signed(sid=sid)) == "revoked"
    assert gatepost.token_calls == 0


def test_revocations_are_forgotten_when_every_token_of_then_has_expired():
    rules = TokenRules("i", "a", timedelta(0), timedelta(minutes=15))
    now = int(time.time())
    sub, sid = str(uuid4()), str(uuid4())
    payload = {"iss": "i", "aud": "a", "sub": sub, "sid": sid, "jti": "j", "iat": now, "nbf": now, "exp": now + 900}
    claims = rules.claims_of(payload, "key-1", now)
    revocations = Revocations(keep=timedelta(minutes=15))
    revocations.end_user(sub, claims.issue_time)
    revocations.end_sign_in(sid, claims.issue_time)

    revocations.forget(now + 900)
    assert revocations.cover(claims)

    revocations.forget(now + 901)
    assert len(revocations) == 0


async def test_before_it_is_in_sync_the_server_is_asked(gatepost, verifying):
    gatepost.is_silent = True
    good, bad = gatepost.pair.signed(), gatepost.pair.signed()
    gatepost.refused.add(bad)
    gatepost.role = "operator"

    async with verifying(synced=False) as verifier:
        assert not verifier.in_sync
        claims = await verifier.verify(good)
        assert await why_refused(verifier, bad) == "revoked"

    # The role that the user has now, not the one of then.
    assert claims.role == "operator"


async def test_a_token_is_asked_about_once_a_second(gatepost, verifying):
    gatepost.is_silent = True
    token = gatepost.pair.signed()

    async with verifying(synced=False) as verifier:
        await asyncio.gather(*(verifier.verify(token) for _ in range(20)))
        await verifier.verify(token)
        assert gatepost.token_calls == 1

        gatepost.refused.add(token)
        assert await refused_within(verifier, token, timedelta(seconds=1.5))

    assert gatepost.token_calls == 2


async def test_a_silent_stream_is_not_trusted(gatepost, verifying):
    token = gatepost.pair.signed()
    async with verifying(stale_after=timedelta(seconds=0.3)) as verifier:
        gatepost.is_silent = True
        await until(lambda: not verifier.in_sync)
        gatepost.refused.add(token)

        assert await why_refused(verifier, token) == "revoked"

        # Its connection may be dead: it is opened again until somebody speaks.
        await until(lambda: verifier.counters.streams >= 3)
        gatepost.is_silent = False
        await verifier.wait_in_sync(timedelta(seconds=30))


async def test_after_a_standstill_of_this_process_the_stream_is_not_trusted(verifying):
    async with verifying(stale_after=timedelta(seconds=0.5)) as verifier:
        time.sleep(0.6)  # noqa: ASYNC251 (nothing runs meanwhile, no timer either)

        assert not verifier.in_sync


async def test_nothing_is_lost_while_the_stream_is_cut(gatepost, verifying):
    before, meanwhile = str(uuid4()), str(uuid4())
    async with verifying() as verifier:
        await gatepost.tell(sign_in_id=before)
        await until(lambda: verifier.counters.revocations == 1)
        await gatepost.stop()
        await until(lambda: not verifier.in_sync)
        await gatepost.tell(sign_in_id=meanwhile)
        await gatepost.start()
        await verifier.wait_in_sync(timedelta(seconds=30))

        assert await why_refused(verifier, gatepost.pair.signed(sid=before)) == "revoked"
        assert await why_refused(verifier, gatepost.pair.signed(sid=meanwhile)) == "revoked"

    # It went on where it was.
    assert gatepost.cursors[0] == ""
    assert gatepost.cursors[-1] == "1"
    assert verifier.counters.revocations == 2


async def test_a_cursor_that_is_not_taken_is_dropped(gatepost, verifying):
    gatepost.refuses_cursors = True
    async with verifying() as verifier:
        await gatepost.tell(sign_in_id=str(uuid4()))
        await until(lambda: verifier.counters.revocations == 1)
        await gatepost.stop()
        await until(lambda: not verifier.in_sync)
        await gatepost.start()
        await verifier.wait_in_sync(timedelta(seconds=30))

    assert gatepost.cursors[-2:] == ["1", ""]


def pass_unheard(verifier, seconds: float) -> None:
    """Lets so much time pass since the stream was last heard."""
    verifier._stream._heard_at -= seconds


async def test_what_can_be_neither_heard_nor_asked_is_not_let_in(gatepost, verifying):
    token = gatepost.pair.signed()
    async with verifying(stale_after=timedelta(seconds=60)) as verifier:
        await gatepost.stop()
        await until(lambda: not verifier.in_sync)
        # So shortly after it was in sync, one who is revoked could not have been known to be either.
        assert await verifier.verify(token)
        pass_unheard(verifier, 60)

        with pytest.raises(VerifierUnavailableError):
            await verifier.verify(token)

        assert await why_refused(verifier, Pair(gatepost.pair.kid).signed()) == "signature"
    assert verifier.counters.unavailable == 1
    assert verifier.counters.accepted_unheard == 1


async def test_it_may_be_told_to_let_in_for_a_while(gatepost, verifying):
    token, patience = gatepost.pair.signed(), timedelta(seconds=60)
    async with verifying(stale_after=timedelta(seconds=60), accept_unreachable_for=patience) as verifier:
        await gatepost.stop()
        await until(lambda: not verifier.in_sync)
        pass_unheard(verifier, 60)
        assert await verifier.verify(token)

        pass_unheard(verifier, 60)
        with pytest.raises(VerifierUnavailableError):
            await verifier.verify(token)


async def test_one_that_never_was_in_sync_lets_nobody_in_unheard(gatepost, verifying):
    token = gatepost.pair.signed()
    await gatepost.stop()

    async with verifying(synced=False, accept_unreachable_for=timedelta(hours=1)) as verifier:
        with pytest.raises(VerifierUnavailableError):
            await verifier.verify(token)

        await gatepost.start()
        await verifier.wait_in_sync(timedelta(seconds=30))
        assert await verifier.verify(token)


async def test_it_is_logged_when_nobody_follows_the_stream_any_more(gatepost, verifying, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("a defect")

    async with verifying() as verifier:
        monkeypatch.setattr(verifier._stream, "_apply", broken)
        await gatepost.tell(sign_in_id=str(uuid4()))
        await until(lambda: not verifier.in_sync)

        assert await verifier.verify(gatepost.pair.signed())
        assert verifier.counters.questions == 1

    assert "follows Gatepost no more" in caplog.text
