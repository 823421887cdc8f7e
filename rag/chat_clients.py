"""Language models behind a chat interface over HTTP: OpenAI-compatible servers and Anthropic's.

Retries, time limits, stopping and errors are the same for both; only the requests and the documents of a stream differ.
"""

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from asyncio import sleep
from collections.abc import Generator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from rag.background import Put, in_background
from rag.connection import TOO_MANY_BYTES, UNCOMPRESSED, open_client, package_of
from rag.event_stream import END, EventStream, TooLongError
from rag.generators import Finish
from rag.marks import readable
from rag.model_listing import listing
from rag.prompts import Message
from rag.retries import RETRIES, seconds_to_wait, status_of
from rag.services import (
    BROKEN_STREAM,
    SENTENCES,
    TOO_LONG_A_WAIT,
    TOO_MUCH,
    TOO_SLOW,
    TOOL_CALL,
    Service,
    explain,
    explain_event,
    is_about_context,
    model_error,
)

logger = logging.getLogger(__name__)

SEED = 20_170_603
"""Seed of the sampling, for servers that take one: with temperature 0 the same question gets, as far as a server can,
the same reply. The number means nothing."""

LIST_TIMEOUT_SECONDS = 10.0
"""Longest wait for the list of a server's models, which takes it no computation."""

_REFUSED_REQUEST = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class Part:
    """What one document of a stream holds. `is_alive`: it shows that the model works, though it may be no text yet;
    `is_chat`: it is a piece of a chat message, though it may be empty."""

    text: str = ""
    is_alive: bool = False
    is_chat: bool = False
    calls_tool: bool = False
    finish: Finish | None = None


@dataclass(slots=True)
class _Progress:
    """How far an attempt has come."""

    begun: bool = False
    is_chat: bool = False
    calls_tool: bool = False


class ChatClient(ABC):
    """A chat model over HTTP. Subclasses know the client library; errors, retries and closing are the same for all."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def name(self) -> str:
        """The model's name with its prefix, such as `openai:gpt-4o`."""
        return self.service.name

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: threading.Event | None = None
    ) -> Generator[str, None, Finish]:
        """The reply in pieces as they come; the return value says how it ended. Raises `ModelError`.

        Closing the iterator, or setting `stop` in another thread, closes the connection within a second.
        """
        finish = yield from in_background(lambda put: self._reply(messages, max_tokens, put), stop)
        return finish or "stopped"

    def list_models(self) -> list[str]:
        """The names of the models that the server offers. Raises `ModelError`."""
        pieces = in_background(lambda _: self._list())
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                return list(end.value)

    def check(self) -> tuple[bool, str]:
        """Whether the server offers the model, and what it offers. Raises `ModelError`."""
        wanted, place = self.service.model, self.service.place
        offered = sorted(self.list_models())
        found = next((name for name in (wanted, f"{wanted}:latest") if name in offered), None)
        if found is not None:
            offered.remove(found)
            return True, f"{place} answers and offers {wanted!r}. {listing([found, *offered])}"
        return (
            False,
            f"{place} answers but does not list {wanted!r}. {self.service.missing_model_hint} {listing(offered)}",
        )

    @abstractmethod
    def _library(self) -> Any:
        """The client library."""

    @abstractmethod
    def _client(self) -> Any:
        """A client to use in a `with` block of the event loop."""

    @abstractmethod
    def _base_error(self) -> type[Exception]:
        """The base class of the client library's exceptions."""

    @abstractmethod
    def _request(self, client: Any, messages: Sequence[Message], **options: Any) -> Any:
        """The request for a streamed reply, whose block gives the response."""

    @abstractmethod
    def _options(self, max_tokens: int) -> dict[str, Any]:
        """How the reply is to be made. What a model refuses of it is left out."""

    @abstractmethod
    def _read(self, document: dict[str, Any]) -> Part: ...

    async def _list(self) -> list[str]:
        service = replace(self.service, silence=min(self.service.silence, LIST_TIMEOUT_SECONDS))
        try:
            async with asyncio.timeout(service.silence), self._client() as client:
                page = await client.models.list(**self._list_options())
                return [readable(model.id) for model in page.data]
        except TimeoutError:
            raise model_error(service, SENTENCES["APITimeoutError"]) from None
        except (AttributeError, TypeError):
            raise model_error(service, SENTENCES["ValueError"]) from None
        except self._errors() as error:
            raise explain(service, error) from None

    def _list_options(self) -> dict[str, Any]:
        return {}

    async def _reply(self, messages: Sequence[Message], max_tokens: int, put: Put) -> Finish:
        """The reply, after as many attempts as it takes and may take."""
        options = self._options(max_tokens)
        failed = 0
        try:
            async with asyncio.timeout(self.service.total), self._client() as client:
                while True:
                    progress = _Progress()
                    try:
                        return await self._attempt(client, messages, options, put, progress)
                    except self._errors() as error:
                        if status_of(error) in _REFUSED_REQUEST and _drop_refused_option(options, str(error)):
                            continue
                        wait = None if progress.begun or failed >= RETRIES else seconds_to_wait(error, failed)
                        if wait is None:
                            raise explain(self.service, error, begun=progress.begun) from None
                        if wait > self.service.silence:
                            asked = f"{wait:,.0f} seconds"
                            raise model_error(self.service, TOO_LONG_A_WAIT, asked, status_of(error)) from None
                    failed += 1
                    logger.info("%s: attempt %d failed, waiting %.1f s", self.name, failed, wait)
                    await sleep(wait)
        except TimeoutError:
            raise model_error(self.service, TOO_SLOW) from None

    async def _attempt(
        self, client: Any, messages: Sequence[Message], options: dict[str, Any], put: Put, progress: _Progress
    ) -> Finish:
        """The reply to one request. Silence is the time without text or reasoning, whatever else is sent."""
        try:
            async with asyncio.timeout(self.service.silence) as watch:
                async with (
                    self._request(client, messages, **options) as response,
                    aclosing(response.iter_bytes()) as parts,
                ):
                    stream = EventStream()
                    async for part in parts:
                        for document in stream.feed(part):
                            finish = self._take(document, put, progress, watch)
                            if finish is not None:
                                return finish
                    for document in stream.close():
                        finish = self._take(document, put, progress, watch)
                        if finish is not None:
                            return finish
        except TimeoutError:
            raise model_error(self.service, SENTENCES["APITimeoutError"]) from None
        except TooLongError:
            raise model_error(self.service, TOO_MUCH, TOO_MANY_BYTES) from None
        raise model_error(self.service, BROKEN_STREAM if progress.is_chat else SENTENCES["ValueError"])

    def _take(self, document: Any, put: Put, progress: _Progress, watch: asyncio.Timeout) -> Finish | None:
        """Hands on what a document holds, and says how the reply ended if this is its end."""
        if document == END:
            part = Part(finish="complete" if progress.begun else None)
        elif not isinstance(document, dict):
            return None
        elif document.get("error"):
            raise explain_event(self.service, document["error"])
        else:
            part = self._read(document)
            progress.is_chat = progress.is_chat or part.is_chat
        if part.text or part.is_alive:
            watch.reschedule(asyncio.get_running_loop().time() + self.service.silence)
        if part.text:
            progress.begun = True
            put(part.text)
        progress.calls_tool = progress.calls_tool or part.calls_tool
        if part.finish is not None and progress.calls_tool and not progress.begun:
            raise model_error(self.service, TOOL_CALL)
        return part.finish

    def _errors(self) -> tuple[type[Exception], ...]:
        """What the client library and the one below it raise, and what is raised for unreadable documents."""
        below = package_of(self._library().DefaultAsyncHttpxClient)
        return self._base_error(), below.HTTPError, below.StreamError, ValueError

    def _client_options(self) -> dict[str, Any]:
        """What both libraries' clients take. They keep no time and try nothing again: that is done here."""
        return {
            "api_key": self.service.api_key,
            "base_url": self.service.plain_url,
            "timeout": None,
            "max_retries": 0,
            "default_headers": UNCOMPRESSED,
            "http_client": open_client(self._library().DefaultAsyncHttpxClient, self.service),
        }


def _drop_refused_option(options: dict[str, Any], message: str) -> bool:
    """Adapts the options to what a model refused; false if the refusal was about something else."""
    if is_about_context(message):
        return False
    if "max_completion_tokens" in message and "max_tokens" in options:
        options["max_completion_tokens"] = options.pop("max_tokens")
        return True
    for name in ("temperature", "seed"):
        if name in message and name in options:
            del options[name]
            return True
    return False
