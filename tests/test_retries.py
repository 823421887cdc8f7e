"""Which failures are tried again, and when."""

import email.utils
import time
import types

import pytest

from index.errors import ModelError
from rag.retries import FIRST_WAIT_SECONDS, seconds_to_wait


class APIStatusError(Exception):
    """As in the client libraries."""

    def __init__(self, status: int, retry_after: str | None = None, code: str | None = None) -> None:
        self.status_code = status
        self.code = code
        headers = {} if retry_after is None else {"retry-after": retry_after}
        self.response = types.SimpleNamespace(headers=headers)


class APIConnectionError(Exception):
    """As in the client libraries."""


class APITimeoutError(APIConnectionError):
    """As in the client libraries."""


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_waits_double_and_are_spread_over_their_second_half(status):
    error = APIStatusError(status)
    assert [seconds_to_wait(error, attempt, lambda: 0.0) for attempt in range(3)] == [0.25, 0.5, 1.0]
    assert [seconds_to_wait(error, attempt, lambda: 1.0) for attempt in range(3)] == [0.5, 1.0, 2.0]
    assert FIRST_WAIT_SECONDS / 2 <= seconds_to_wait(error, 0) <= FIRST_WAIT_SECONDS


@pytest.mark.parametrize(
    "error",
    [APIStatusError(400), APIStatusError(401), APIStatusError(307), APIStatusError(429, code="insufficient_quota"),
     APITimeoutError(), ValueError()],
)  # fmt: skip
def test_what_another_attempt_does_not_mend(error):
    assert seconds_to_wait(error, 0) is None


def test_a_lost_connection_is_tried_again_unless_the_reply_itself_was_refused():
    error = APIConnectionError()
    assert seconds_to_wait(error, 0, lambda: 0.0) == 0.25
    error.__cause__ = ModelError("redirects")
    assert seconds_to_wait(error, 0) is None


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("0", 0.0)])
def test_the_wait_that_the_server_asks_for_comes_first(header, seconds):
    assert seconds_to_wait(APIStatusError(429, header), 2) == seconds


def test_the_wait_may_be_a_date():
    later = email.utils.formatdate(time.time() + 90, usegmt=True)
    assert seconds_to_wait(APIStatusError(503, later), 0) == pytest.approx(90, abs=2)
    assert seconds_to_wait(APIStatusError(503, "Wed, 21 Oct 2015 07:28:00 GMT"), 0) == 0.0


@pytest.mark.parametrize("header", ["soon", "nan", "inf", "", "Wed, 99 Oct 99999999999 07:28:00 GMT"])
def test_a_wait_that_cannot_be_read_is_none(header):
    assert seconds_to_wait(APIStatusError(429, header), 0, lambda: 1.0) == 0.5
