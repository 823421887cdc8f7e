"""Files that hold many articles: what is in them, in their order, and each again by its position.

JSON Lines and CSV files hold records, archives hold files, feeds hold entries.
"""

import hashlib
import io
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from index.archives import Member, read_members
from index.errors import ReadError, UnreadableOriginError
from index.feeds import BadEntry, Entry, read_entries
from index.files import FEED_SUFFIXES, JSON_SUFFIXES, RECORD_SUFFIXES, open_regular, read_bytes
from index.formats import FORMATS, Format, read_format
from index.record_files import BadRecord, is_question_set, read_fields, read_records
from index.types import Metadata


@dataclass(frozen=True, slots=True)
class Part:
    """One article of a file with many: its position, by which it is found again, and its key within the file.

    `digest` gives the SHA-256, in hexadecimal, of what decides the article, and `read` its text and what it states;
    both raise `ReadError`.
    """

    position: int
    key: str
    digest: Callable[[], str]
    read: Callable[[], tuple[str, Metadata]]


@dataclass(frozen=True, slots=True)
class BadPart:
    """Something in the file that cannot be used: its key, and why, in one sentence."""

    key: str
    reason: str


class Containers:
    """Reads files with many articles. The one that was read last stays open where it was left."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._parts: Iterator[Part | BadPart] = iter(())
        self._position = -1

    def list(self, path: Path, *, is_named: bool) -> Iterator[Part | BadPart | Entry | BadEntry]:
        """All that is in a file; nothing if it is a question set that was not named.

        Raises:
            ReadError: It cannot be read, or not beyond what was given.
            OSError: It cannot be read.
        """
        suffix = path.suffix.lower()
        if suffix in FEED_SUFFIXES:
            yield from read_entries(read_bytes(path), None)
        elif suffix not in RECORD_SUFFIXES or is_named or not _is_question_set(path):
            yield from _parts(path)

    def part(self, path: Path, position: int) -> Part:
        """The part at a position that `list` gave. Raises `ReadError` if it is not there any more, and `OSError`."""
        if path.suffix.lower() in JSON_SUFFIXES:
            with closing(_parts(path, position)) as parts:
                found = next(parts, None)
        else:
            if path != self._path or position <= self._position:
                self._path, self._parts = path, _parts(path)
            self._position = position
            found = next((part for part in self._parts if isinstance(part, Part) and part.position >= position), None)
        if not isinstance(found, Part) or found.position != position:
            self._path = None
            raise UnreadableOriginError("The file changed while it was read; run the command again.")
        return found


def _is_question_set(path: Path) -> bool:
    with open_regular(path) as file:
        return is_question_set(file, path.suffix.lower())


def _parts(path: Path, start: int = 0) -> Generator[Part | BadPart, None, None]:
    suffix = path.suffix.lower()
    if suffix in RECORD_SUFFIXES:
        with open_regular(path) as file:
            yield from _records(file, suffix, start)
        return
    position = 0
    for member in read_members(path):
        for part in _parts_of_member(member) if isinstance(member, Member) else [BadPart(member.name, member.reason)]:
            yield replace(part, position=position) if isinstance(part, Part) else part
            position += 1


def _parts_of_member(member: Member) -> Iterator[Part | BadPart]:
    """A file of an archive, or its records if it holds many; nothing if it is a question set."""
    suffix = PurePosixPath(member.name).suffix.lower()
    raw_of = cache(member.read)  # those of a TAR archive can be read only once
    if suffix not in RECORD_SUFFIXES:
        yield Part(0, member.name, partial(_digest, raw_of), partial(_read, raw_of, FORMATS[suffix]))
        return
    try:
        raw = raw_of()
        if not is_question_set(io.BytesIO(raw), suffix):
            for part in _records(io.BytesIO(raw), suffix):
                yield replace(part, key=f"{member.name}#{part.key}")
    except ReadError as error:
        yield BadPart(member.name, str(error))


def _records(file: BinaryIO, suffix: str, start: int = 0) -> Iterator[Part | BadPart]:
    for record in read_records(file, suffix, start):
        if isinstance(record, BadRecord):
            yield BadPart(record.key, record.reason)
        else:
            yield Part(record.position, record.key, partial(str, record.digest), partial(read_fields, record.fields))


def _digest(raw_of: Callable[[], bytes]) -> str:
    return hashlib.sha256(raw_of()).hexdigest()


def _read(raw_of: Callable[[], bytes], kind: Format) -> tuple[str, Metadata]:
    return read_format(raw_of(), kind)
