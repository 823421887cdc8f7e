"""Where the sentences of an article begin and end, in the form in which a library keeps it.

Splitting an article takes about 2 ms, and a question looks into a hundred of them, so they are split once.
"""

import struct
import zlib
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from index.sentences import RULES_VERSION, split_sentences
from index.types import Span

_HEADER = struct.Struct("<HI")
"""The version of the rules and the number of sentences."""

_CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class SentenceEdges:
    """The sentences of an article's text, in order, as `index.sentences.split_sentences` gives them."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of_text(cls, text: str) -> "SentenceEdges":
        """The sentences of a text."""
        spans = split_sentences(text)
        return cls(tuple(span.start for span in spans), tuple(span.end for span in spans))

    def to_bytes(self) -> bytes:
        """Version of the rules, number of sentences, starts, ends, then a checksum (CRC-32); `from_bytes` reads it."""
        count = len(self.starts)
        kept = _HEADER.pack(RULES_VERSION, count) + struct.pack(f"<{2 * count}I", *self.starts, *self.ends)
        return kept + _CHECKSUM.pack(zlib.crc32(kept))

    @classmethod
    def from_bytes(cls, kept: bytes) -> "SentenceEdges | None":
        """What `to_bytes` wrote; `None` if it is not what was written, or was found by other rules than today's."""
        length = len(kept) - _CHECKSUM.size
        if length < _HEADER.size:
            return None
        version, count = _HEADER.unpack_from(kept)
        if version != RULES_VERSION or length != _HEADER.size + 8 * count:
            return None
        if zlib.crc32(memoryview(kept)[:length]) != _CHECKSUM.unpack_from(kept, length)[0]:
            return None
        edges = struct.unpack_from(f"<{2 * count}I", kept, _HEADER.size)
        return cls(edges[:count], edges[count:])

    def inside(self, start: int, end: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Starts and ends of the sentences of which a part lies in the characters `[start, end)` of the article."""
        some = slice(bisect_right(self.ends, start), bisect_left(self.starts, end))
        return self.starts[some], self.ends[some]

    def spans(self) -> tuple[Span, ...]:
        """The sentences one by one."""
        return tuple(map(Span, self.starts, self.ends))


NO_SENTENCES = SentenceEdges((), ())
