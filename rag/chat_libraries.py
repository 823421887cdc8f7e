"""The two client libraries, and how each asks for a reply and what its streams hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from rag.chat_clients import SEED, ChatClient, Part
from rag.generators import Finish
from rag.prompts import Message

MAX_MODELS_LISTED = 1_000
"""Names asked for in a list of Anthropic's models: the most that one request gives."""

_FINISHES: Mapping[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "filtered",
    "refusal": "filtered",
}
"""How servers say that a reply was cut short: OpenAI's `finish_reason` and Anthropic's `stop_reason`."""


class OpenAIChat(ChatClient):
    """A model of an OpenAI-compatible server."""

    def _library(self) -> Any:
        import openai

        return openai

    def _client(self) -> Any:
        return self._library().AsyncOpenAI(**self._client_options())

    def _base_error(self) -> type[Exception]:
        error: type[Exception] = self._library().OpenAIError
        return error

    def _options(self, max_tokens: int) -> dict[str, Any]:
        return {"temperature": 0, "seed": SEED, "max_tokens": max_tokens}

    def _request(self, client: Any, messages: Sequence[Message], **options: Any) -> Any:
        chat = [{"role": message.role, "content": message.content} for message in messages]
        return client.chat.completions.with_streaming_response.create(
            model=self.service.model, messages=chat, stream=True, **options
        )

    def _read(self, document: dict[str, Any]) -> Part:
        choices = document.get("choices")
        offered = [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
        choice = next((one for one in offered if one.get("index", 0) == 0), None)
        if choice is None:
            return Part()
        # A server that does not stream sends one document with a whole message.
        said = choice.get("delta") or choice.get("message")
        said = said if isinstance(said, dict) else {}
        return Part(
            text=_text(said.get("content")),
            is_alive=any(_text(said.get(name)) for name in ("reasoning_content", "reasoning")),
            is_chat=isinstance(choice.get("delta"), dict),
            calls_tool=bool(said.get("tool_calls") or said.get("function_call")),
            finish=_finish(choice.get("finish_reason") or ("stop" if choice.get("message") else None)),
        )


class AnthropicChat(ChatClient):
    """A model of Anthropic's interface. Its client comes with the extra `anthropic`."""

    def _library(self) -> Any:
        import anthropic

        return anthropic

    def _client(self) -> Any:
        return self._library().AsyncAnthropic(**self._client_options())

    def _base_error(self) -> type[Exception]:
        error: type[Exception] = self._library().AnthropicError
        return error

    def _options(self, max_tokens: int) -> dict[str, Any]:
        return {"temperature": 0, "max_tokens": max_tokens}

    def _list_options(self) -> dict[str, Any]:
        return {"limit": MAX_MODELS_LISTED}

    def _request(self, client: Any, messages: Sequence[Message], **options: Any) -> Any:
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        chat = [{"role": message.role, "content": message.content} for message in messages if message.role != "system"]
        # The temperature goes into the body, because newer versions of the client do not take it as an argument.
        body = {"temperature": options.pop("temperature")} if "temperature" in options else {}
        return client.messages.with_streaming_response.create(
            model=self.service.model, system=system, messages=chat, stream=True, extra_body=body, **options
        )

    def _read(self, document: dict[str, Any]) -> Part:
        if document.get("type") == "message":  # a whole one, from a server that does not stream
            blocks = [block for block in _list(document.get("content")) if isinstance(block, dict)]
            return Part(
                text="".join(_text(block.get("text")) for block in blocks),
                calls_tool=any(block.get("type") == "tool_use" for block in blocks),
                finish=_finish(document.get("stop_reason") or "end_turn"),
            )
        delta, block = document.get("delta"), document.get("content_block")
        delta = delta if isinstance(delta, dict) else {}
        ended = "end_turn" if document.get("type") == "message_stop" else None
        return Part(
            text=_text(delta.get("text")),
            is_alive=bool(_text(delta.get("thinking"))),
            calls_tool=isinstance(block, dict) and block.get("type") == "tool_use",
            finish=_finish(delta.get("stop_reason") or ended),
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _finish(reason: Any) -> Finish | None:
    """How a reply ended by what the server says of it; `None` if it has not ended."""
    if not isinstance(reason, str) or not reason:
        return None
    return _FINISHES.get(reason, "complete")
