"""Language models by name. Nothing of a model is imported, loaded or asked before it is used."""

import importlib.util
import inspect
import math
import os
import threading
from collections.abc import Generator as Pieces
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

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

MAX_REPLY_CHARACTERS = 200_000
"""Most characters that are taken from a model for one reply, its reasoning included. An answer has some hundred; a
server that ignores `max_tokens` would otherwise fill the memory."""

DEFAULT_OLLAMA_URL = "http://localhost:11434"
"""Where Ollama listens unless `OLLAMA_BASE_URL` says otherwise."""

OPENAI_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_BASE_URL")
"""Environment variables that name an OpenAI-compatible server; the first that is set counts."""

PLACEHOLDER_KEY = "no-key"
"""Sent to a server of one's own when no key is set: local servers ask for none, but the client insists on one."""

_THINKING_BEGINS, _THINKING_ENDS = "<think>", "</think>"


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


def load_generator(name: str) -> Generator | None:
    """The model of that name, `None` for `extractive`. Nothing is asked of it yet.

    Raises `ModelError` if the name or a setting cannot be used, `MissingExtraError` if its package is not installed.
    """
    if name.strip() == EXTRACTIVE:
        return None
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
    value = os.environ.get("DATELINE_LLM_TIMEOUT", "").strip()
    if not value:
        return DEFAULT_TIMEOUT_SECONDS
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ModelError(f"DATELINE_LLM_TIMEOUT is {value!r}; set it to a number of seconds above 0, such as 60.")
    return seconds


class CheckedModel:
    """A model whose reply is bounded, holds text, and comes without the reasoning that some models put before it."""

    def __init__(self, model: "ChatClient | LocalModel") -> None:
        self._model = model

    @property
    def name(self) -> str:
        """The model's name with its prefix."""
        return self._model.name

    def generate(
        self, messages: "Sequence[Message]", *, max_tokens: int, stop: threading.Event | None = None
    ) -> Pieces[str, None, Finish]:
        """See `Generator.generate`."""
        has_text = False
        pieces = reply(self._model, messages, max_tokens=max_tokens, stop=stop)
        ending = _Ending(pieces)
        with closing(pieces):
            for piece in without_reasoning(self._bounded(ending)):
                has_text = has_text or not piece.isspace()
                yield piece
        if not has_text and ending.finish != "stopped":
            raise ModelError(f"{self.name}: the reply holds no text. Try again, or another model.")
        return ending.finish

    def _bounded(self, pieces: Iterable[str]) -> Iterator[str]:
        total = 0
        for piece in pieces:
            total += len(piece)
            if total > MAX_REPLY_CHARACTERS:
                raise ModelError(f"{self.name}: the reply did not end within {MAX_REPLY_CHARACTERS:,} characters.")
            yield piece


class _Ending:
    """The pieces of a reply, and after the last one how it ended."""

    def __init__(self, pieces: Pieces[str, None, Finish]) -> None:
        self.finish: Finish = "complete"
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        self.finish = yield from self._pieces


def without_reasoning(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces without a part between `<think>` and `</think>` at the beginning. No piece is empty."""
    held = ""
    state = "beginning"
    for piece in pieces:
        held += piece
        if state == "beginning":
            begin = held.lstrip()
            if begin.startswith(_THINKING_BEGINS):
                state, held = "reasoning", begin[len(_THINKING_BEGINS) :]
            elif not _THINKING_BEGINS.startswith(begin):
                state = "text"
        if state == "reasoning":
            _, ended, held = held.rpartition(_THINKING_ENDS) if _THINKING_ENDS in held else ("", "", held)
            state = "after" if ended else state
            held = held if ended else held[1 - len(_THINKING_ENDS) :]
        if state == "after":
            held = held.lstrip()
            state = "text" if held else state
        if state == "text" and held:
            yield held
            held = ""
    if state == "beginning" and held:
        yield held


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
    from rag.chat_clients import OpenAIChat
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
            address_setting=address_setting,
            key_setting="OPENAI_API_KEY",
            missing_model_hint=f"Look at the name, and at {address_setting}, which usually ends in /v1.",
        )
    )


def _ollama(model: str) -> "ChatClient":
    from rag.chat_clients import OpenAIChat
    from rag.services import Service

    address = _address("OLLAMA_BASE_URL", os.environ.get("OLLAMA_BASE_URL", "").strip() or DEFAULT_OLLAMA_URL)
    return OpenAIChat(
        Service(
            name=f"ollama:{model}",
            model=model,
            base_url=address.removesuffix("/v1") + "/v1",
            api_key=_key("OLLAMA_API_KEY") or PLACEHOLDER_KEY,
            silence=silence_limit(),
            address_setting="OLLAMA_BASE_URL",
            key_setting="OLLAMA_API_KEY",
            missing_model_hint=f"Get it with: ollama pull {model}",
        )
    )


def _anthropic(model: str) -> "ChatClient":
    if importlib.util.find_spec("anthropic") is None:
        raise MissingExtraError(f"anthropic:{model} needs another package: pip install 'anthropic<3'")
    from rag.chat_clients import AnthropicChat
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
            address_setting="ANTHROPIC_BASE_URL",
            key_setting="ANTHROPIC_API_KEY",
        )
    )


def _address(variable: str, value: str) -> str:
    """A server's address without a slash at the end. Raises `ModelError`, without the value, which may hold a key."""
    address = value.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable or not address.isprintable() or " " in address:
        raise ModelError(f"{variable} is no address; set one such as http://localhost:8000/v1.")
    return address


def _key(variable: str) -> str | None:
    """A key from the environment, `None` if it is not set. Raises `ModelError`, without the key."""
    key = os.environ.get(variable, "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelError(f"{variable} holds characters that no key has; set it again.")
    return key or None
