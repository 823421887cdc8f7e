"""What the child process does with a request: reads one article, or lists what a file with many holds.

Requests and answers are frames. `read` is answered by one frame `article` with the text as its body; `list` by a frame
`part`, `bad` or `entry` for each thing found and a frame `end`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from index.containers import BadPart, Containers, Part
from index.errors import ReadError, UnreadableOriginError, UnsupportedFormatError
from index.feeds import BadEntry, Entry, read_entries, read_entry
from index.files import read_bytes, unreadable
from index.formats import read_format
from index.frames import Frame
from index.reading_limits import MAX_CHARACTERS
from index.types import Metadata


class Parser:
    """Answers requests one after the other; keeps the file with many articles open that it read last."""

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_characters = max_characters
        self._containers = Containers()

    def answer(self, request: Frame) -> Iterator[Frame]:
        """The frames that answer a request. Raises `ReadError` if what is to be read cannot be."""
        try:
            if request.header["do"] == "list":
                yield from self._list(request)
                yield Frame({"kind": "end"})
            else:
                yield self._read(request)
        except OSError as error:
            raise unreadable(error) from error

    def _read(self, request: Frame) -> Frame:
        what: dict[str, Any] = request.header
        if what["do"] == "read file":
            raw = read_bytes(Path(what["path"]))
            _require_unchanged(hashlib.sha256(raw).hexdigest(), what["digest"])
            text, stated = read_format(raw, what["format"])
        elif what["do"] == "read part":
            part = self._containers.part(Path(what["path"]), what["position"])
            _require_unchanged(part.digest(), what["digest"])
            text, stated = part.read()
        elif what["do"] == "read entry":
            text, stated = read_entry(request.body)
        else:
            text, stated = read_format(request.body, what["format"], what["charset"])
        if len(text) > self._max_characters:
            raise UnsupportedFormatError(
                f"Its text is longer than {self._max_characters:,} characters; split it into articles."
            )
        header = {"kind": "article", "last": True, "stated": _stated(stated)}
        return Frame(header, text.encode("utf-8"))

    def _list(self, request: Frame) -> Iterator[Frame]:
        what: dict[str, Any] = request.header
        found: Iterator[Part | BadPart | Entry | BadEntry]
        if what["path"] is None:
            found = read_entries(request.body, what["address"])
        else:
            found = self._containers.list(Path(what["path"]), is_named=what["is_named"])
        for item in found:
            if isinstance(item, BadPart | BadEntry):
                yield Frame({"kind": "bad", "key": item.key, "reason": item.reason})
            elif isinstance(item, Entry):
                header = {"kind": "entry", "key": item.key, "link": item.link, "has_text": item.has_text}
                yield Frame(header, item.content)
            else:
                try:
                    digest = item.digest()
                except ReadError as error:
                    yield Frame({"kind": "bad", "key": item.key, "reason": str(error)})
                else:
                    yield Frame({"kind": "part", "key": item.key, "position": item.position, "digest": digest})


_FIELDS = frozenset(field.name for field in fields(Metadata))


def metadata_of(stated: object) -> Metadata:
    """What a frame states about an article. What is no text is not stated."""
    named = stated if isinstance(stated, dict) else {}
    return Metadata(**{name: value for name, value in named.items() if name in _FIELDS and isinstance(value, str)})


def _stated(metadata: Metadata) -> dict[str, str]:
    return {name: value for name, value in asdict(metadata).items() if value is not None}


def _require_unchanged(digest: str, expected: str) -> None:
    if digest != expected:
        raise UnreadableOriginError("The file changed while it was read; run the command again.")
