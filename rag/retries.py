"""When a request that failed is made again, and after what time."""

import email.utils
import math
import random
import time
from collections.abc import Callable

from index.errors import ModelError

RETRIES = 3
"""Further attempts when a request fails before its first token in a way that may pass: 408, 409, 429, 5xx, or no
connection. Silence is not retried: it has already cost the time that the user allowed."""

FIRST_WAIT_SECONDS = 0.5
"""Longest wait before the second attempt; each further one waits up to twice as long. A `Retry-After` header comes
first."""

_RETRIED_STATUSES = frozenset({408, 409, 429, *range(500, 600)})
_LOST_CONNECTIONS = ("APIConnectionError", "RequestError")
"""Classes of the client libraries, and of the library below them once a stream has begun, for a lost connection."""

_FINAL = ("APITimeoutError", "DecodingError", "insufficient_quota")
"""Classes and codes of errors that another attempt does not mend."""


def seconds_to_wait(error: Exception, attempt: int, draw: Callable[[], float] = random.random) -> float | None:
    """Seconds to wait before the next attempt, `None` if a further attempt cannot help. `attempt` counts from 0.

    The wait that the server asks for, in seconds or as a date (RFC 9110, section 10.2.3), comes first. Else it is half
    of a wait that doubles each time, and a random part of the other half, so that many clients do not come back all at
    once ("equal jitter": Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
    """
    if isinstance(error.__cause__, ModelError):  # a reply that may not be taken, wrapped by the client library
        return None
    is_retried = status_of(error) in _RETRIED_STATUSES or any(is_a(error, name) for name in _LOST_CONNECTIONS)
    if not is_retried or any(is_a(error, name) for name in _FINAL) or getattr(error, "code", None) in _FINAL:
        return None
    asked_for = _retry_after(error)
    if asked_for is not None:
        return asked_for
    longest = FIRST_WAIT_SECONDS * float(2**attempt)
    return longest / 2 + draw() * longest / 2


def is_a(error: Exception, name: str) -> bool:
    """Whether a class of that name is among the classes of the exception."""
    return any(cls.__name__ == name for cls in type(error).__mro__)


def status_of(error: Exception) -> int:
    """The HTTP status that the exception stands for, 0 if none."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def _retry_after(error: Exception) -> float | None:
    """The wait that the server asks for, in seconds; `None` if it does not, or not in a way that can be read."""
    response = getattr(error, "response", None)
    header = response.headers.get("retry-after", "") if response is not None else ""
    try:
        seconds = float(header)
    except ValueError:
        date = email.utils.parsedate_tz(header)
        if date is None:
            return None
        try:
            seconds = email.utils.mktime_tz(date) - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
