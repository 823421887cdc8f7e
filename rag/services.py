"""Where a model's server is, and what its failures mean: one table for the exceptions of both client libraries.

The libraries of OpenAI and Anthropic come from the same generator and name their exceptions alike. No message holds a
key or a response as it came.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from index.errors import ModelError
from rag.marks import readable
from rag.retries import status_of

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
    "RequestError": "{place} closed the connection before it answered. Try again later.",
    "DecodingError": "{place} sent something that cannot be decompressed. Is {address_setting} right?",
    "Exception": "the request to {place} could not be made.",
}
"""What each exception of the clients means. An exception that is not listed counts as the nearest class above it."""

BROKEN_STREAM = "{place} broke off in the middle of the answer. Try again."
"""Instead of the sentence for a lost connection, once an answer has begun."""

TOO_SLOW = "{place} had not finished after {total:g} seconds. DATELINE_LLM_TOTAL_TIMEOUT allows more."

TOO_LONG_A_WAIT = (
    "{place} takes no requests now ({status}) and asks to wait {detail}; DATELINE_LLM_TIMEOUT allows {silence:g} "
    "seconds. Try again later."
)
"""`detail` is the wait."""

TOO_LONG_A_PROMPT = (
    "the question with its passages is longer than the context of {model!r}. Ask with fewer passages (-k), or set a "
    "larger context. The server says: {detail}"
)

TOO_MUCH = "{place} sent more than {detail}, which is no answer. Is {address_setting} right?"
"""`detail` is how much was taken."""

COMPRESSED = "{place} sent a compressed reply ({detail}), though it was asked not to. Is {address_setting} right?"

REDIRECTED = (
    "{place} redirects to {detail} ({status}); redirects are not followed, so that articles and keys go nowhere else. "
    "Set {address_setting} to the server itself."
)

TOOL_CALL = "{model!r} called a tool instead of writing an answer. Try again, or another model."

_KEYLIKE = re.compile(r"\b(?:sk|pk|key|bearer|token)[-_ ][\w*.-]{6,}", re.IGNORECASE)

_ABOUT_CONTEXT = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context|context[ -]?(?:length|window|size|limit)"
    r"|(?:prompt|input) is too long|too many input tokens",
    re.IGNORECASE,
)
"""How servers say that a prompt does not fit: OpenAI and vLLM ("maximum context length"), llama.cpp ("exceeds the
available context size"), Anthropic ("prompt is too long"), LM Studio ("context length")."""

_MAY_BE_ABOUT_CONTEXT = frozenset({400, 413, 422, 500})
"""Statuses with which servers say so."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where a model is and how to talk of it.

    `name` is the model's name with its prefix, `model` without. `base_url` is `None` for the client's own default; it
    may hold a user name, a password and a query. `silence` is the longest wait for the next text and `total` that for
    a whole reply, in seconds. The settings are the names of environment variables.
    """

    name: str
    model: str
    base_url: str | None = field(repr=False)
    api_key: str = field(repr=False)
    silence: float
    total: float
    address_setting: str
    key_setting: str
    missing_model_hint: str = "Look at the name."

    @property
    def plain_url(self) -> str | None:
        """The server's address without user name, password and query; `None` for the client's own default."""
        if self.base_url is None:
            return None
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def place(self) -> str:
        """The server's address for messages."""
        return self.plain_url or "the service"

    @property
    def query(self) -> str:
        """The query of the address, which some gateways take a key in; empty if there is none."""
        return "" if self.base_url is None else urlsplit(self.base_url).query

    @property
    def user(self) -> tuple[str, str] | None:
        """User name and password of the address, `None` if it has neither."""
        parts = urlsplit(self.base_url or "")
        if parts.username is None and parts.password is None:
            return None
        return unquote(parts.username or ""), unquote(parts.password or "")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may stand in no message: the key, the password and the values of the query, longest first."""
        found = {self.api_key, *(value for _, value in parse_qsl(self.query)), *(self.user or ("", ""))[1:]}
        return tuple(sorted(filter(None, found), key=len, reverse=True))


def explain(service: Service, error: Exception, *, begun: bool = False) -> ModelError:
    """The exception of a client library as one sentence; `begun` says that a part of the answer had come."""
    if isinstance(error.__cause__, ModelError):  # raised in the middle of a request, and wrapped by the library
        return error.__cause__
    status, detail = status_of(error), _detail(error)
    if status in _MAY_BE_ABOUT_CONTEXT and is_about_context(f"{getattr(error, 'code', None)} {detail}"):
        return model_error(service, TOO_LONG_A_PROMPT, detail, status)
    names = [cls.__name__ for cls in type(error).__mro__]
    known = "InternalServerError" if status >= 500 else next(name for name in names if name in SENTENCES)
    is_broken = begun and known in {"APIConnectionError", "RequestError"}
    return model_error(service, BROKEN_STREAM if is_broken else SENTENCES[known], detail, status)


def explain_event(service: Service, error: Any) -> ModelError:
    """The error that a server reports within a stream, as one sentence."""
    code = error.get("code") if isinstance(error, dict) else None
    detail = _message({"error": error})
    is_context = is_about_context(f"{code} {detail}")
    return model_error(service, TOO_LONG_A_PROMPT if is_context else SENTENCES["APIError"], detail)


def is_about_context(words: str) -> bool:
    """Whether a server's words say that the prompt does not fit into what the model reads."""
    return bool(_ABOUT_CONTEXT.search(words))


def model_error(service: Service, sentence: str, detail: str = "", status: int = 0) -> ModelError:
    """One of the sentences, filled in. Keys are taken out of `detail`, the server's own words."""
    for secret in service.secrets:
        detail = detail.replace(secret, "…")
    detail = " ".join(_KEYLIKE.sub("…", detail).split())
    message = sentence.format(
        place=service.place,
        model=service.model,
        silence=service.silence,
        total=service.total,
        address_setting=service.address_setting,
        key_setting=service.key_setting,
        missing_model_hint=service.missing_model_hint,
        detail=detail[:MAX_DETAIL_CHARACTERS] or "no reason given.",
        status=status,
    )
    return ModelError(f"{service.name}: {message}")


def _detail(error: Exception) -> str:
    """What the server itself says is wrong, or else what the client says."""
    return _message(getattr(error, "body", None)) or readable(str(getattr(error, "message", "")))


def _message(body: Any) -> str:
    """What the body of an error says, empty if it says nothing that can be read."""
    for part in (body.get("error"), body) if isinstance(body, dict) else ():
        if isinstance(part, str):
            return readable(part)
        if isinstance(part, dict) and isinstance(part.get("message"), str):
            return readable(part["message"])
    return ""
