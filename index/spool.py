"""What was fetched and not yet read lies on the disk and not in memory, however much of it there is."""

import tempfile
import threading
import weakref
from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True, slots=True)
class Spooled:
    """Bytes in a spool: where they begin and how many they are."""

    spool: "Spool"
    offset: int
    length: int

    def read(self) -> bytes:
        """The bytes. May be called from any thread."""
        return self.spool.read(self.offset, self.length)


class Spool:
    """A temporary file without a name (where the system has such), gone with the last that refers to it."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._end = 0

    def add(self, raw: bytes) -> Spooled:
        """Keeps bytes and says where. Raises `OSError` if the disk is full."""
        with self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the object
                weakref.finalize(self, self._file.close)
            offset = self._file.seek(self._end)
            rest = memoryview(raw)
            while rest:
                rest = rest[self._file.write(rest) :]
            self._end += len(raw)
        return Spooled(self, offset, len(raw))

    def read(self, offset: int, length: int) -> bytes:
        """Bytes that were kept."""
        with self._lock:
            assert self._file is not None, "only what was added is read"
            self._file.seek(offset)
            pieces = []
            while length > 0 and (piece := self._file.read(length)):
                pieces.append(piece)
                length -= len(piece)
        return b"".join(pieces)
