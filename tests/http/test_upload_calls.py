"""Answers to uploads that are refused while they are sent."""

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from http_gateway.upload_calls import answer_to
from tests.images import FORM_TYPE, a_form

OURS = (grpc.StatusCode.UNAUTHENTICATED, "No.", (("grpc-status-details-bin", b"\x08\x10"),))
GRPCIOS = (grpc.StatusCode.INTERNAL, "Internal error from Core", ())


class EndedTwice(grpc.aio.Call):
    """A call of grpcio's that ends by each of these statuses, of which it shows the last."""

    def __init__(self, *statuses):
        self.statuses = statuses
        self.shown = None
        self.callbacks = []

    def __await__(self):
        for status in self.statuses:
            self.shown = status
            for callback in self.callbacks:
                callback(self)
        code, details, trailing = self.shown
        raise AioRpcError(code, Metadata(), Metadata(*trailing), details=details)
        yield

    def add_done_callback(self, callback):
        self.callbacks.append(callback)

    async def code(self):
        return self.shown[0]

    async def details(self):
        return self.shown[1]

    async def trailing_metadata(self):
        return Metadata(*self.shown[2])

    async def initial_metadata(self):
        return Metadata()

    async def wait_for_connection(self):
        pass

    def cancelled(self):
        return False

    def done(self):
        return True

    def time_remaining(self):
        return None

    def cancel(self):
        return False


@pytest.mark.parametrize("statuses", [(OURS,), (OURS, GRPCIOS), (GRPCIOS, OURS)])
async def test_the_status_of_the_server_counts(statuses):
    with pytest.raises(AioRpcError) as refusal:
        await answer_to(EndedTwice(*statuses))

    assert (refusal.value.code(), refusal.value.details()) == OURS[:2]
    assert tuple(refusal.value.trailing_metadata()) == OURS[2]


async def test_a_fault_stays_a_fault():
    with pytest.raises(AioRpcError) as refusal:
        await answer_to(EndedTwice(GRPCIOS))

    assert refusal.value.code() is grpc.StatusCode.INTERNAL


async def test_an_upload_that_is_refused_while_it_is_sent_is_told_why(rest):
    for _ in range(30):
        answer = await rest.call(
            "PUT",
            "/auth/upload-image/x",
            raw=a_form(b"x" * 200_000),
            headers={"content-type": FORM_TYPE, "authorization": "Bearer a.b.c"},
        )

        assert (answer.status, answer.reason) == (401, "ACCESS_TOKEN_INVALID")
