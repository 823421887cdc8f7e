"""Language models behind a chat interface over HTTP: OpenAI-compatible servers and Anthropic's.

Retries, closing and errors are the same for both; only the requests and the events of a stream differ.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from rag.prompts import Message
from rag.services import BROKEN_STREAM, RETRIES, SENTENCES, Service, explain, is_a, model_error, seconds_to_wait

logger = logging.getLogger(__name__)

LIST_TIMEOUT_SECONDS = 10.0
"""Longest silence while the models of a server are listed, which takes it no computation."""

MAX_MODELS_SHOWN = 10
"""Most names of models in a message that says that one is missing."""


class ChatClient(ABC):
    """A chat model over HTTP. Subclasses know the client library; errors, retries and closing are the same for all."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def name(self) -> str:
        """The model's name with its prefix, such as `openai:gpt-4o`."""
        return self.service.name

    def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Generator[str, None, None]:
        """The reply in pieces as they come. Closing the iterator closes the connection. Raises `ModelError`."""
        begun = False
        try:
            with closing(self._client(self.service.silence)) as client:
                stream = self._open(client, messages, max_tokens)
                with _closed(stream):
                    for event in stream:
                        text, finishes = self._read(event)
                        begun = begun or bool(text)
                        if text:
                            yield text
                        if finishes:
                            return
        except (self._error(), ValueError) as error:
            raise explain(self.service, error, begun=begun) from None
        raise model_error(self.service, BROKEN_STREAM if begun else SENTENCES["ValueError"])

    def list_models(self) -> list[str]:
        """The names of the models that the server offers. Raises `ModelError`."""
        try:
            with closing(self._client(min(self.service.silence, LIST_TIMEOUT_SECONDS))) as client:
                return [model.id for model in client.models.list().data]
        except (AttributeError, TypeError):
            raise model_error(self.service, SENTENCES["ValueError"]) from None
        except (self._error(), ValueError) as error:
            raise explain(self.service, error) from None

    def check(self) -> tuple[bool, str]:
        """Whether the server offers the model, and a sentence that says so. Raises `ModelError`."""
        wanted, place = self.service.model, self.service.place
        offered = self.list_models()
        if wanted in offered or f"{wanted}:latest" in offered:
            return True, f"{place} answers and offers {wanted!r}."
        shown = ", ".join(repr(name) for name in sorted(offered)[:MAX_MODELS_SHOWN]) or "none"
        return (
            False,
            f"{place} answers but does not list {wanted!r}. {self.service.missing_model_hint} Listed: {shown}.",
        )

    @abstractmethod
    def _client(self, silence: float) -> Any: ...

    @abstractmethod
    def _error(self) -> type[Exception]:
        """The base class of the client library's exceptions."""

    @abstractmethod
    def _request(self, client: Any, messages: Sequence[Message], **options: Any) -> Any: ...

    @abstractmethod
    def _read(self, event: Any) -> tuple[str, bool]:
        """The text of an event of the stream, and whether the event says that the reply is finished."""

    def _open(self, client: Any, messages: Sequence[Message], max_tokens: int) -> Any:
        """The stream of the reply, after as many attempts as it takes.

        Some models take neither a temperature nor `max_tokens`; they are asked again without.
        """
        options: dict[str, Any] = {"temperature": 0, "max_tokens": max_tokens}
        attempt = 0
        while True:
            try:
                return self._request(client, messages, **options)
            except self._error() as error:
                if is_a(error, "BadRequestError") and _drop_refused_option(options, str(error)):
                    continue
                wait = seconds_to_wait(error, attempt)
                if attempt >= RETRIES or wait is None or wait > self.service.silence:
                    raise
                attempt += 1
                logger.info("%s: attempt %d failed, waiting %.1f s", self.name, attempt, wait)
                time.sleep(wait)


class OpenAIChat(ChatClient):
    """A model of an OpenAI-compatible server."""

    def _client(self, silence: float) -> Any:
        from openai import OpenAI

        service = self.service
        return OpenAI(api_key=service.api_key, base_url=service.base_url, timeout=silence, max_retries=0)

    def _error(self) -> type[Exception]:
        from openai import OpenAIError

        return OpenAIError

    def _request(self, client: Any, messages: Sequence[Message], **options: Any) -> Any:
        chat = [{"role": message.role, "content": message.content} for message in messages]
        return client.chat.completions.create(model=self.service.model, messages=chat, stream=True, **options)

    def _read(self, event: Any) -> tuple[str, bool]:
        choices = getattr(event, "choices", None)
        if not isinstance(choices, list) or not choices:
            return "", False
        text = getattr(getattr(choices[0], "delta", None), "content", None)
        return text if isinstance(text, str) else "", bool(getattr(choices[0], "finish_reason", None))


class AnthropicChat(ChatClient):
    """A model of Anthropic's interface. Its client comes with the extra `anthropic`."""

    def _client(self, silence: float) -> Any:
        service = self.service
        return _anthropic().Anthropic(
            api_key=service.api_key, base_url=service.base_url, timeout=silence, max_retries=0
        )

    def _error(self) -> type[Exception]:
        error: type[Exception] = _anthropic().AnthropicError
        return error

    def _request(self, client: Any, messages: Sequence[Message], **options: Any) -> Any:
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        chat = [{"role": message.role, "content": message.content} for message in messages if message.role != "system"]
        # The temperature goes into the body, because newer versions of the client do not take it as an argument.
        body = {"temperature": options.pop("temperature")} if "temperature" in options else {}
        return client.messages.create(
            model=self.service.model, system=system, messages=chat, stream=True, extra_body=body, **options
        )

    def _read(self, event: Any) -> tuple[str, bool]:
        text = getattr(getattr(event, "delta", None), "text", None)
        return text if isinstance(text, str) else "", getattr(event, "type", None) == "message_stop"


@contextmanager
def _closed(stream: Any) -> Generator[None, None, None]:
    """Closes the stream's response at the end, and then its generator, which else waits for the garbage collector."""
    try:
        yield
    finally:
        stream.close()
        events = getattr(stream, "_iterator", None)
        if events is not None:
            events.close()


def _anthropic() -> Any:
    import anthropic

    return anthropic


def _drop_refused_option(options: dict[str, Any], message: str) -> bool:
    """Adapts the options to what a model refused; false if the refusal was about something else."""
    if "max_completion_tokens" in message and "max_tokens" in options:
        options["max_completion_tokens"] = options.pop("max_tokens")
        return True
    if "temperature" in message and "temperature" in options:
        del options["temperature"]
        return True
    return False
