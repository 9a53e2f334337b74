from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from auth_server.domain.refresh_tokens import KeptAnswer, ReplayWindows, hash_of_request_id

ONE, OTHER = b"1" * 32, b"2" * 32
SECOND = timedelta(seconds=1)
BOTH = ReplayWindows(timedelta(seconds=10), timedelta(minutes=5))
NO_REPLAY = ReplayWindows(timedelta(), timedelta(minutes=5))
NO_RETRY = ReplayWindows(timedelta(seconds=10), timedelta())
NEITHER = ReplayWindows(timedelta(), timedelta())


@pytest.mark.requirement(37, 38)
@pytest.mark.parametrize(
    ("windows", "seconds", "used_with", "again_with", "admitted"),
    [
        (BOTH, 0, None, None, True),
        (BOTH, 9, None, ONE, True),
        (BOTH, 9, ONE, OTHER, True),
        (BOTH, -1, None, None, True),
        (BOTH, 10, None, None, False),
        (BOTH, 10, None, ONE, False),
        (BOTH, 10, ONE, None, False),
        (BOTH, 10, ONE, OTHER, False),
        (BOTH, 10, ONE, ONE, True),
        (BOTH, 299, ONE, ONE, True),
        (BOTH, 300, ONE, ONE, False),
        (NO_REPLAY, 0, None, None, False),
        (NO_REPLAY, -1, ONE, OTHER, False),
        (NO_REPLAY, 299, ONE, ONE, True),
        (NO_RETRY, 9, ONE, ONE, True),
        (NO_RETRY, 10, ONE, ONE, False),
        (NEITHER, -1, ONE, ONE, False),
    ],
)
def test_who_is_answered_again(windows, seconds, used_with, again_with, admitted):
    assert windows.admit(seconds * SECOND, KeptAnswer(b"", used_with), again_with) is admitted


@pytest.mark.parametrize(
    ("windows", "request_id_hash", "kept"),
    [
        (BOTH, None, True),
        (NO_RETRY, ONE, True),
        (NO_REPLAY, ONE, True),
        (NO_REPLAY, None, False),
        (NEITHER, ONE, False),
    ],
)
def test_an_answer_is_kept_only_where_it_may_be_given_again(windows, request_id_hash, kept):
    assert windows.are_open(request_id_hash) is kept


def test_a_request_id_is_the_same_in_any_spelling():
    one = uuid4()

    assert hash_of_request_id(UUID(str(one).upper())) == hash_of_request_id(one) != hash_of_request_id(uuid4())
