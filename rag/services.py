"""Where a model's server is, and what its failures mean: one table for the exceptions of both client libraries.

The libraries of OpenAI and Anthropic come from the same generator and name their exceptions alike. No message holds a
key or a response as it came.
"""

import email.utils
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from index.errors import ModelError
from rag.marks import readable

RETRIES = 2
"""Further attempts when a request fails before its first token in a way that may pass: 408, 409, 429, 5xx, or no
connection. Silence is not retried: it has already cost the time that the user allowed."""

FIRST_WAIT_SECONDS = 0.5
"""Wait before the second attempt; each further one waits twice as long. A `Retry-After` header comes first."""

MAX_DETAIL_CHARACTERS = 200
"""Most characters of a server's own words that go into a message."""

SENTENCES = {
    "APITimeoutError": "{place} was silent for {silence:g} seconds. DATELINE_LLM_TIMEOUT allows more.",
    "APIConnectionError": "{place} cannot be reached. Is the server running, and is {address_setting} right?",
    "AuthenticationError": "{place} refused the key (401). Set a valid {key_setting}.",
    "PermissionDeniedError": "{place} does not allow this key to use {model!r} (403).",
    "NotFoundError": "{place} has no model {model!r}, or is no chat interface (404). {missing_model_hint}",
    "RateLimitError": "{place} takes no more requests now: too many, or the quota is used up (429). Try again later.",
    "BadRequestError": "{place} refused the request (400): {detail}",
    "UnprocessableEntityError": "{place} refused the request (422): {detail}",
    "InternalServerError": "{place} failed ({status}). Try again later.",
    "APIStatusError": "{place} refused the request ({status}): {detail}",
    "APIError": "{place} reported an error while it answered: {detail}",
    "APIResponseValidationError": "{place} sent something that is no chat message. Is {address_setting} right?",
    "ValueError": "{place} sent something that is not a stream of chat messages. Is {address_setting} right?",
    "Exception": "the request to {place} could not be made.",
}
"""What each exception of the clients means. An exception that is not listed counts as the nearest class above it."""

BROKEN_STREAM = "{place} broke off in the middle of the answer. Try again."
"""Instead of the sentence of `APIConnectionError`, once an answer has begun."""

_RETRIED_STATUSES = frozenset({408, 409, 429, *range(500, 600)})
_KEYLIKE = re.compile(r"\b(?:sk|pk|key|bearer|token)[-_ ][\w*.-]{6,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """Where a model is and how to talk of it.

    `name` is the model's name with its prefix, `model` without. `base_url` is `None` for the client's own default.
    `silence` is the longest wait for the next bytes, in seconds. The settings are the names of environment variables.
    """

    name: str
    model: str
    base_url: str | None
    api_key: str = field(repr=False)
    silence: float
    address_setting: str
    key_setting: str
    missing_model_hint: str = "Look at the name."

    @property
    def place(self) -> str:
        """The server's address without user name, password and query, for messages."""
        if self.base_url is None:
            return "the service"
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def explain(service: Service, error: Exception, *, begun: bool = False) -> ModelError:
    """The exception of a client library as one sentence; `begun` says that a part of the answer had come."""
    status = _status(error)
    names = [cls.__name__ for cls in type(error).__mro__]
    known = "InternalServerError" if status >= 500 else next(name for name in names if name in SENTENCES)
    sentence = BROKEN_STREAM if begun and known == "APIConnectionError" else SENTENCES[known]
    return model_error(service, sentence, _detail(error), status)


def model_error(service: Service, sentence: str, detail: str = "", status: int = 0) -> ModelError:
    """One of the sentences, filled in. Keys are taken out of `detail`, the server's own words."""
    detail = " ".join(_KEYLIKE.sub("…", detail.replace(service.api_key, "…")).split())
    message = sentence.format(
        place=service.place,
        model=service.model,
        silence=service.silence,
        address_setting=service.address_setting,
        key_setting=service.key_setting,
        missing_model_hint=service.missing_model_hint,
        detail=detail[:MAX_DETAIL_CHARACTERS] or "no reason given.",
        status=status,
    )
    return ModelError(f"{service.name}: {message}")


def seconds_to_wait(error: Exception, attempt: int) -> float | None:
    """Seconds to wait before the next attempt, `None` if a further attempt cannot help."""
    is_retried = _status(error) in _RETRIED_STATUSES or is_a(error, "APIConnectionError")
    if not is_retried or is_a(error, "APITimeoutError") or getattr(error, "code", None) == "insufficient_quota":
        return None
    response = getattr(error, "response", None)
    header = response.headers.get("retry-after", "") if response is not None else ""
    try:
        return max(0.0, float(header))
    except ValueError:
        date = email.utils.parsedate_tz(header)
    if date is not None:
        return max(0.0, email.utils.mktime_tz(date) - time.time())
    return FIRST_WAIT_SECONDS * float(2**attempt)


def is_a(error: Exception, name: str) -> bool:
    """Whether a class of that name is among the classes of the exception."""
    return any(cls.__name__ == name for cls in type(error).__mro__)


def _status(error: Exception) -> int:
    """The HTTP status that the exception stands for, 0 if none."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def _detail(error: Exception) -> str:
    """What the server itself says is wrong, or else what the client says."""
    body = getattr(error, "body", None)
    for part in (body.get("error"), body) if isinstance(body, dict) else ():
        if isinstance(part, dict) and isinstance(part.get("message"), str):
            return readable(part["message"])
    return readable(str(getattr(error, "message", "")))
