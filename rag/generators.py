"""Language models by name. Nothing of a model is imported, loaded or asked before it is used."""

import importlib.util
import inspect
import math
import os
import threading
from collections.abc import Generator as Pieces
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

from index.errors import MissingExtraError, ModelError
from index.types import Finding

if TYPE_CHECKING:
    from rag.chat_clients import ChatClient
    from rag.local_model import LocalModel
    from rag.prompts import Message

EXTRACTIVE = "extractive"
"""The name that stands for answers without a language model."""

NAMES = "extractive, openai:NAME, ollama:NAME, anthropic:NAME or hf:NAME_OR_FOLDER"
"""How models are named, for messages."""

DEFAULT_TIMEOUT_SECONDS = 60.0
"""Silence after which a model is given up, unless `DATELINE_LLM_TIMEOUT` says otherwise. Hosted models begin within a
few seconds; a small local one reads a prompt of some thousand tokens on a processor in less than a minute."""

DEFAULT_TOTAL_SECONDS = 600.0
"""Seconds that a whole reply may take, attempts that failed included, unless `DATELINE_LLM_TOTAL_TIMEOUT` says
otherwise. A processor without a GPU writes 700 tokens in two to six minutes; what takes longer is read by nobody."""

DEFAULT_OLLAMA_URL = "http://localhost:11434"
"""Where Ollama listens unless `OLLAMA_BASE_URL` says otherwise."""

OPENAI_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_BASE_URL")
"""Environment variables that name an OpenAI-compatible server; the first that is set counts."""

PLACEHOLDER_KEY = "no-key"
"""Sent to a server of one's own when no key is set: local servers ask for none, but the client insists on one."""

Finish = Literal["complete", "length", "filtered", "stopped"]
"""How a reply ended: by itself, at the limit of tokens, cut by the server's filter, or because it was to stop."""


class Generator(Protocol):
    """A language model that replies to a chat. `name` is its name with the prefix, such as `openai:gpt-4o`."""

    @property
    def name(self) -> str: ...

    def generate(self, messages: "Sequence[Message]", *, max_tokens: int) -> Iterator[str]:
        """The reply to the messages in pieces, of at most `max_tokens` tokens.

        Closing the iterator ends the reply: the connection is closed, the computation stops. A generator's return
        value, if any, is its `Finish`. Raises `ModelError`.

        A model may take a further argument `stop: threading.Event | None`: once it is set, from whatever thread, the
        reply ends within a second with `stopped`, also while the model is silent. See `reply`.
        """
        ...


def reply(
    generator: Generator, messages: "Sequence[Message]", *, max_tokens: int, stop: threading.Event | None = None
) -> Pieces[str, None, Finish]:
    """The pieces of a model's reply; the return value says how it ended. Raises `ModelError`.

    A model that takes no `stop` is stopped at its next piece.
    """
    options: dict[str, Any] = {"max_tokens": max_tokens}
    if stop is not None and "stop" in inspect.signature(generator.generate).parameters:
        options["stop"] = stop
    pieces = iter(generator.generate(messages, **options))
    try:
        while True:
            if stop is not None and stop.is_set():
                return "stopped"
            try:
                piece = next(pieces)
            except StopIteration as end:
                return "complete" if end.value is None else end.value
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


class Ending:
    """The pieces of a reply, and after the last one how it ended."""

    def __init__(self, pieces: Pieces[str, None, Finish]) -> None:
        self.finish: Finish = "complete"
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        self.finish = yield from self._pieces


def load_generator(name: str) -> Generator | None:
    """The model of that name, `None` for `extractive`. Nothing is asked of it yet.

    Raises `ModelError` if the name or a setting cannot be used, `MissingExtraError` if its package is not installed.
    """
    if name.strip() == EXTRACTIVE:
        return None
    from rag.checked_model import CheckedModel

    return CheckedModel(_load(name))


def check_endpoint(name: str) -> Finding:
    """Whether the model can be used: its server answers and offers it, or its files are on this machine."""
    check = f"model {name}"
    if name.strip() == EXTRACTIVE:
        return Finding(check, True, "Answers are put together from the articles' own sentences; no model is asked.")
    try:
        ok, message = _load(name).check()
    except ModelError as error:
        return Finding(check, False, str(error))
    return Finding(check, ok, message)


def silence_limit() -> float:
    """Seconds of silence after which a model is given up, from `DATELINE_LLM_TIMEOUT`. Raises `ModelError`."""
    return _seconds("DATELINE_LLM_TIMEOUT", DEFAULT_TIMEOUT_SECONDS)


def total_limit() -> float:
    """Seconds that a whole reply may take, from `DATELINE_LLM_TOTAL_TIMEOUT`. Raises `ModelError`."""
    return _seconds("DATELINE_LLM_TOTAL_TIMEOUT", DEFAULT_TOTAL_SECONDS)


def _seconds(variable: str, default: float) -> float:
    value = os.environ.get(variable, "").strip()
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ModelError(f"{variable} is {value!r}; set it to a number of seconds above 0, such as {default:g}.")
    return seconds


def _load(name: str) -> "ChatClient | LocalModel":
    prefix, _, model = (part.strip() for part in name.partition(":"))
    if prefix not in {"openai", "ollama", "anthropic", "hf"} or not model:
        raise ModelError(f"There is no model {name!r}; name one as {NAMES}.")
    if prefix == "openai":
        return _openai(model)
    if prefix == "ollama":
        return _ollama(model)
    if prefix == "anthropic":
        return _anthropic(model)
    from rag.local_model import LocalModel

    return LocalModel(model, silence_limit())


def _openai(model: str) -> "ChatClient":
    from rag.chat_libraries import OpenAIChat
    from rag.services import Service

    variable = next((name for name in OPENAI_URL_VARIABLES if os.environ.get(name, "").strip()), None)
    base_url = None if variable is None else _address(variable, os.environ[variable])
    key = _key("OPENAI_API_KEY")
    if base_url is None and key is None:
        raise ModelError(
            f"openai:{model} needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, "
            "such as http://localhost:8000/v1."
        )
    address_setting = variable or OPENAI_URL_VARIABLES[0]
    return OpenAIChat(
        Service(
            name=f"openai:{model}",
            model=model,
            base_url=base_url,
            api_key=key or PLACEHOLDER_KEY,
            silence=silence_limit(),
            total=total_limit(),
            address_setting=address_setting,
            key_setting="OPENAI_API_KEY",
            missing_model_hint=f"Look at the name, and at {address_setting}, which usually ends in /v1.",
        )
    )


def _ollama(model: str) -> "ChatClient":
    from rag.chat_libraries import OpenAIChat
    from rag.services import Service

    address = _address("OLLAMA_BASE_URL", os.environ.get("OLLAMA_BASE_URL", "").strip() or DEFAULT_OLLAMA_URL)
    parts = urlsplit(address)
    return OpenAIChat(
        Service(
            name=f"ollama:{model}",
            model=model,
            base_url=urlunsplit(parts._replace(path=parts.path.removesuffix("/v1") + "/v1")),
            api_key=_key("OLLAMA_API_KEY") or PLACEHOLDER_KEY,
            silence=silence_limit(),
            total=total_limit(),
            address_setting="OLLAMA_BASE_URL",
            key_setting="OLLAMA_API_KEY",
            missing_model_hint=f"Get it with: ollama pull {model}",
        )
    )


def _anthropic(model: str) -> "ChatClient":
    if importlib.util.find_spec("anthropic") is None:
        raise MissingExtraError(f"anthropic:{model} needs another package: pip install 'anthropic<3'")
    from rag.chat_libraries import AnthropicChat
    from rag.services import Service

    url = os.environ.get("ANTHROPIC_BASE_URL", "").strip()
    key = _key("ANTHROPIC_API_KEY")
    if key is None and not url:
        raise ModelError(f"anthropic:{model} needs ANTHROPIC_API_KEY.")
    return AnthropicChat(
        Service(
            name=f"anthropic:{model}",
            model=model,
            base_url=_address("ANTHROPIC_BASE_URL", url) if url else None,
            api_key=key or PLACEHOLDER_KEY,
            silence=silence_limit(),
            total=total_limit(),
            address_setting="ANTHROPIC_BASE_URL",
            key_setting="ANTHROPIC_API_KEY",
        )
    )


def _address(variable: str, value: str) -> str:
    """A server's address without a slash at the end of its path.

    Raises `ModelError`, without the value, which may hold a key.
    """
    address = value.strip()
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable or not address.isprintable() or " " in address:
        raise ModelError(f"{variable} is no address; set one such as http://localhost:8000/v1.")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/"), fragment=""))


def _key(variable: str) -> str | None:
    """A key from the environment, `None` if it is not set. Raises `ModelError`, without the key."""
    key = os.environ.get(variable, "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelError(f"{variable} holds characters that no key has; set it again.")
    return key or None
