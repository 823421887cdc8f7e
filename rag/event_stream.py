"""The documents in a streamed reply: server-sent events, or one whole document from a server that does not stream.

Server-sent events are those of the HTML standard (section 9.2), as far as chat interfaces use them: lines that begin
with "data:" hold a JSON document, an empty line ends it, lines that begin with ":" are comments.
"""

import json
from collections.abc import Iterator
from typing import Any

MAX_LINE_BYTES = 1_000_000
"""Most bytes of one line, and of a document that does not come as a stream. An event has a few hundred."""

END = "[DONE]"
"""The data with which OpenAI-compatible servers end a stream."""


class TooLongError(ValueError):
    """A line does not end."""


class EventStream:
    """Takes the bytes of a reply as they come and gives the documents in them."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[str] = []
        self._is_document: bool | None = None
        """Whether the reply is one document. `None` before its first character has come."""

    def feed(self, part: bytes) -> Iterator[Any]:
        """The documents that these bytes complete; `END` stands for itself.

        Raises `TooLongError` for an endless line, `ValueError` for what is no JSON or no UTF-8.
        """
        if self._is_document is None:
            begin = bytes(self._line + part).removeprefix(b"\xef\xbb\xbf").lstrip()
            if begin:
                self._is_document = begin[:1] in b"{["
        lines = [part] if self._is_document else part.split(b"\n")
        for number, line in enumerate(lines):
            if number:
                yield from self._take(self._whole_line())
            self._line += line
            if len(self._line) > MAX_LINE_BYTES:
                raise TooLongError("a line does not end")

    def close(self) -> Iterator[Any]:
        """The document of a reply that is one, and an event that no empty line follows."""
        if self._is_document:
            yield _document(self._whole_line())
            return
        yield from self._take(self._whole_line())
        yield from self._take("")

    def _whole_line(self) -> str:
        line = self._line.decode("utf-8-sig").rstrip("\r\n")
        self._line.clear()
        return line

    def _take(self, line: str) -> Iterator[Any]:
        if line.startswith("data:"):
            self._data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and self._data:
            data = "\n".join(self._data)
            self._data.clear()
            yield END if data.strip() == END else _document(data)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("brackets within brackets without an end") from None
