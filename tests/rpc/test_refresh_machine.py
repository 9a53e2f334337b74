"""Any order of refreshes, retries, logouts and waits, held against a model of a page's length."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import jwt
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gatepost.v1 import auth_service_pb2 as pb
from tests.people import reason_of, refresh

TRIES = settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
START = datetime(2026, 5, 1, 12, tzinfo=UTC)
REPLAY, RETRY = timedelta(seconds=10), timedelta(minutes=5)
IDLE, ABSOLUTE = timedelta(days=14), timedelta(days=90)
REFUSED = "refused"
WAITS = [REPLAY / 2, REPLAY, REPLAY, RETRY / 2, RETRY, IDLE / 2, IDLE - timedelta(seconds=1), IDLE]
REQUEST_IDS = st.sampled_from([None, *(f"01890000-0000-4000-8000-00000000000{end}" for end in "ab")])
AT_ONCE = st.sampled_from([1, 1, 4])
ANY = 5
FAMILIES = st.integers(0, ANY)


@dataclass
class Token:
    text: str
    expires: datetime
    used_at: datetime | None = None
    request_id: str | None = None
    answer: Any = None


@dataclass
class Family:
    ends: datetime
    tokens: list[Token] = field(default_factory=list)
    ended: bool = False

    def lives(self, now):
        return not self.ended and now < self.ends


def due_answer(family, token, request_id, now):
    """The answer that must come: the one that was given before, REFUSED, or None for a new one.

    One successor, answered again while it is unused and a window is open; else the family ends.
    """
    if not family.lives(now):
        return REFUSED
    if token.used_at is None:
        return REFUSED if now >= token.expires else None
    successor = family.tokens[family.tokens.index(token) + 1]
    age, same = now - token.used_at, request_id is not None and request_id == token.request_id
    if successor.used_at is None and (age < REPLAY or (same and age < RETRY)):
        return token.answer
    family.ended = True
    return REFUSED


class Refreshes(RuleBasedStateMachine):
    def __init__(self, people, sql, clock, loop):
        super().__init__()
        self.people, self.sql, self.clock, self.loop = people, sql, clock, loop
        self.families = []

    def run_in_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    @initialize()
    def begins(self):
        self.run_in_loop(self.sql.execute("DELETE FROM users; DELETE FROM budgets"))
        self.clock.ahead, self.clock.stopped_at = timedelta(), START
        self.email = self.run_in_loop(self.people.registered())
        self.logs_in()

    @rule()
    def logs_in(self):
        now = self.clock()
        signed_in = self.run_in_loop(self.people.login(self.email))
        self.families.append(Family(now + ABSOLUTE, [Token(signed_in.refresh_token, now + IDLE)]))

    @rule(family=FAMILIES, request_id=REQUEST_IDS, at_once=AT_ONCE)
    def goes_on(self, family, request_id, at_once):
        self.refreshes(*self.token_of(family, 0), request_id, at_once)

    @rule(family=FAMILIES, back=st.sampled_from([1, 1, 1, 2]), request_id=REQUEST_IDS, at_once=AT_ONCE)
    def comes_again(self, family, back, request_id, at_once):
        self.refreshes(*self.token_of(family, back), request_id, at_once)

    @rule(family=FAMILIES, after=st.sampled_from([timedelta(), REPLAY, RETRY / 2]))
    def is_retried(self, family, after):
        family, token = self.token_of(family, 1)
        self.waits(after)
        self.refreshes(family, token, token.request_id, 1)

    @rule(family=FAMILIES)
    def lasts_for_weeks(self, family):
        for _ in range(3):
            self.waits(IDLE - timedelta(days=1))
            self.refreshes(*self.token_of(family, 0), None, 1)

    def token_of(self, which, back):
        """A token so many generations back, of a sign-in that lives, where there is one, or of any."""
        living = [family for family in self.families if family.lives(self.clock())]
        among = self.families if which == ANY or not living else living
        family = among[which % len(among)]
        return family, family.tokens[-1 - min(back, len(family.tokens) - 1)]

    def refreshes(self, family, token, request_id, at_once):
        now = self.clock()
        due = due_answer(family, token, request_id, now)

        answers = self.run_in_loop(self.refresh(token.text, request_id, at_once))

        assert all(answer == answers[0] for answer in answers)
        if due is not None:
            assert answers[0] == due
            return
        assert answers[0] != REFUSED
        token.used_at, token.request_id, token.answer = now, request_id, answers[0]
        successor = Token(answers[0].refresh_token, min(now + IDLE, family.ends))
        assert successor.text not in [each.text for family in self.families for each in family.tokens]
        family.tokens.append(successor)
        exp = jwt.decode(answers[0].access_token, options={"verify_signature": False, "verify_exp": False})["exp"]
        assert answers[0].expires_in == exp * 1000
        assert now.timestamp() <= exp <= min(now + timedelta(minutes=15), successor.expires).timestamp()

    async def refresh(self, text, request_id, at_once):
        fields = {} if request_id is None else {"request_id": request_id}
        calls = (refresh(self.people, text, **fields) for _ in range(at_once))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        return [self.told(answer) for answer in answers]

    def told(self, answer):
        if not isinstance(answer, BaseException):
            return answer
        assert isinstance(answer, grpc.aio.AioRpcError), answer
        assert reason_of(answer) == "REFRESH_TOKEN_INVALID"
        return REFUSED

    @rule(family=FAMILIES, back=st.integers(0, 2))
    def logs_out(self, family, back):
        family, token = self.token_of(family, back)
        self.run_in_loop(self.log_out(token.text))
        family.ended = True

    async def log_out(self, text):
        await self.people.auth.Logout(pb.LogoutRequest(), metadata=[("authorization", f"Refresh {text}")])

    @rule(by=st.sampled_from(WAITS))
    def waits(self, by):
        self.clock.advance(by)

    @precondition(lambda self: len(self.families) > 2)
    @rule()
    def is_disabled_for_a_while(self):
        for at in (self.clock(), None):
            self.run_in_loop(self.sql.execute("UPDATE users SET disabled_at = $1", at))
        for family in self.families:
            family.ended = True

    @invariant()
    def no_family_has_two_living_children(self):
        rows = self.run_in_loop(
            self.sql.fetch(
                """
                SELECT refresh_families.ended_at IS NOT NULL AS ended,
                       array_agg(used_at IS NULL ORDER BY generation) AS unused,
                       array_agg(sealed_answer IS NOT NULL ORDER BY generation) AS sealed,
                       bool_and(refresh_tokens.expires <= refresh_families.expires) AS within
                  FROM refresh_families
                  JOIN refresh_tokens ON refresh_tokens.family_id = refresh_families.id
                 GROUP BY refresh_families.id
                """
            )
        )
        found = sorted((row["ended"], row["unused"], row["sealed"], row["within"]) for row in rows)
        assert found == sorted(
            (
                family.ended,
                [token.used_at is None for token in family.tokens],
                [token.used_at is None and index > 0 for index, token in enumerate(family.tokens)],
                True,
            )
            for family in self.families
        )
        assert all(row["unused"] == [False] * (len(row["unused"]) - 1) + [True] for row in rows)


@pytest.mark.slow
@pytest.mark.requirement(37, 38, 39)
@pytest.mark.timeout(180)
async def test_any_order_of_events_leaves_one_child_or_none(people, sql, clock):
    loop = asyncio.get_running_loop()

    await asyncio.to_thread(run_state_machine_as_test, lambda: Refreshes(people, sql, clock, loop), settings=TRIES)
