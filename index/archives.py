"""ZIP and TAR archives and single files packed by gzip: the files in them that are articles, read in memory.

Nothing is unpacked to the disk, so the name of a member is a name and no place. Names that would lead out of a folder
are refused all the same, for they were made to deceive. Links and devices are not followed, an archive in an archive
is not read, and what unpacks to far more than any text does is refused.
"""

import lzma
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from index.encodings import clean_text
from index.errors import EmptyArticleError, ReadError, UnsupportedFormatError
from index.files import (
    ARCHIVE_SUFFIXES,
    FEED_SUFFIXES,
    MAX_FILE_BYTES,
    is_expected,
    open_regular,
    require_readable_name,
)
from index.metadata import clean_field
from index.sidecar import SIDECAR_NAME

if TYPE_CHECKING:
    import tarfile
    from gzip import GzipFile

MAX_ARCHIVE_BYTES = 4 * 2**30
"""Bytes that an archive may unpack to, half a million news articles; a made-up one unpacks to thousands as many."""

MAX_MEMBERS = 200_000
"""Members of an archive. A larger collection is better a folder, of which a part can be read again."""

MAX_RATIO = 250
"""How many times as large as it is packed a member may be. Text packs to a fifth or a tenth, a page of nothing but
white space to a thousandth. Members under `MIN_RATIO_BYTES` are not weighed."""

MIN_RATIO_BYTES = 2**20

_PIECE_BYTES = 2**20
_DRIVE = re.compile(r"[A-Za-z]:")
_TOO_LARGE = f"It is larger than {MAX_FILE_BYTES >> 20} MB; split it into articles."
_TOO_MUCH = f"It unpacks to more than {MAX_ARCHIVE_BYTES >> 30} GB; unpack it, if it is what it says."
_DAMAGED = "The archive is damaged, or not what its name says; nothing behind the damage is read."
_CUT_OFF = "The archive is cut off: its end is missing, and files that it had may be, too."
_DAMAGES = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, struct.error, ValueError)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its number there, its name with `/` between folders, and access to its bytes.

    `read` raises `ReadError` if they are damaged, protected or too many. The bytes of a TAR archive can only be read
    before the next member is asked for.
    """

    position: int
    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class BadMember:
    """A member that cannot be read: its name, and why, in one sentence."""

    name: str
    reason: str


def read_members(path: Path) -> Iterator[Member | BadMember]:
    """The articles in an archive, in its order, and what cannot be read of it.

    As in a folder, hidden files, question sets and files that are clearly no articles are passed over.

    Raises:
        UnsupportedFormatError: It is not an archive, is damaged, or too large.
        EmptyArticleError: There is no file of a readable kind in it.
        OSError: It cannot be read.
    """
    names: set[str] = set()
    with open_regular(path) as file, _named_errors():
        for position, (name, read) in enumerate(_walk(path, file)):
            if position >= MAX_MEMBERS:
                raise UnsupportedFormatError(f"It holds more than {MAX_MEMBERS:,} files; unpack it.")
            shown = _shown(name)
            if not _is_expected(name):
                continue
            if reason := _fault_of_name(name, shown, names):
                yield BadMember(shown, reason)
            elif isinstance(read, str):
                yield BadMember(shown, read)
            else:
                yield Member(position, shown, read)
            names.add(shown)
    if not names:
        raise EmptyArticleError("There is no file of a readable kind in the archive.")


_Read = Callable[[], bytes]


def _walk(path: Path, file: BinaryIO) -> Iterator[tuple[str, _Read | str]]:
    """Name of each member that is no folder, with access to its bytes or with why it is not read."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _walk_zip(file)
    if suffix == ".tar":
        return _walk_tar(_Bounded(file))
    import gzip

    packed = _Bounded(gzip.GzipFile(fileobj=file))
    if suffix == ".tgz" or path.name.lower().endswith(".tar.gz"):
        return _walk_tar(packed)
    return iter([(path.name[: -len(suffix)], partial(_read_packed, packed))])


def _walk_zip(file: BinaryIO) -> Iterator[tuple[str, _Read | str]]:
    unpacked = 0
    with zipfile.ZipFile(file) as archive:
        if min((member.header_offset for member in archive.infolist()), default=0) > 0:
            # What is cut off at its end is taken for the archive that is its last member, behind other bytes.
            raise zipfile.BadZipFile("It does not begin with its first member")
        for member in archive.infolist():
            if member.is_dir():
                continue
            read: _Read | str = partial(_read_from_zip, archive, member)
            if member.external_attr >> 28 not in {0, 0o10}:
                read = "It is a link or a device within the archive, which is not followed."
            elif member.flag_bits & 1:
                read = "It is protected by a password; unpack the archive."
            elif member.file_size > MAX_FILE_BYTES:
                read = _TOO_LARGE
            elif member.file_size > max(MIN_RATIO_BYTES, MAX_RATIO * member.compress_size):
                read = f"It unpacks to more than {MAX_RATIO} times its size, as no text does."
            else:
                unpacked += member.file_size
            if unpacked > MAX_ARCHIVE_BYTES:
                raise UnsupportedFormatError(_TOO_MUCH)
            yield member.filename, read


def _read_from_zip(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            return _read_all(file)
    except (*_DAMAGES, RuntimeError, NotImplementedError, OverflowError) as error:
        raise UnsupportedFormatError("It is damaged, or packed in a way that is not known; unpack it.") from error


def _walk_tar(file: "_Bounded") -> Iterator[tuple[str, _Read | str]]:
    import tarfile

    # As a stream: nothing is sought, so that every byte that is unpacked is counted once.
    stream = cast("IO[bytes]", file)
    with tarfile.open(fileobj=stream, mode="r|", errorlevel=0, tarinfo=_strict_header()) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined] # else it keeps all that it has passed
            if member.isdir():
                continue
            if not member.isreg():
                yield member.name, "It is a link or a device within the archive, which is not followed."
            elif member.issparse() or member.size > MAX_FILE_BYTES:
                yield member.name, _TOO_LARGE
            else:
                yield member.name, partial(_read_from_tar, archive, member)


@cache
def _strict_header() -> "type[tarfile.TarInfo]":
    """Headers of which one that is cut off, damaged or missing is an error. For tarfile it ends the archive.

    An archive that is whole ends with a block of zeros.
    """
    import tarfile
    from tarfile import EOFHeaderError, HeaderError, InvalidHeaderError  # type: ignore[attr-defined]

    class StrictHeader(tarfile.TarInfo):
        @classmethod
        def fromtarfile(cls, tarfile: tarfile.TarFile) -> "StrictHeader":
            try:
                return super().fromtarfile(tarfile)
            except HeaderError as error:
                if tarfile.offset == 0 or isinstance(error, EOFHeaderError):
                    raise
                is_invalid = isinstance(error, InvalidHeaderError)
                raise UnsupportedFormatError(_DAMAGED if is_invalid else _CUT_OFF) from error

    return StrictHeader


def _read_from_tar(archive: "tarfile.TarFile", member: "tarfile.TarInfo") -> bytes:
    with _named_errors(), cast("IO[bytes]", archive.extractfile(member)) as file:
        return _read_all(file)


def _read_packed(file: "_Bounded") -> bytes:
    with _named_errors():
        return _read_all(file)


def _read_all(file: "BinaryIO | _Bounded | IO[bytes]") -> bytes:
    raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise UnsupportedFormatError(_TOO_LARGE)
    return raw


class _Bounded:
    """A stream of which no more than `MAX_ARCHIVE_BYTES` are read, and never more than is there at once."""

    def __init__(self, file: "BinaryIO | GzipFile") -> None:
        self._file = file
        self._left = MAX_ARCHIVE_BYTES

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end. Raises `UnsupportedFormatError` beyond the limit."""
        pieces = []
        while size > 0 and (piece := self._file.read(min(size, _PIECE_BYTES))):
            self._left -= len(piece)
            size -= len(piece)
            if self._left < 0:
                raise UnsupportedFormatError(_TOO_MUCH)
            pieces.append(piece)
        return b"".join(pieces)


@contextmanager
def _named_errors() -> Iterator[None]:
    """Turns what the libraries raise for a damaged archive into one sentence."""
    import tarfile
    from gzip import BadGzipFile

    try:
        yield
    except (*_DAMAGES, tarfile.TarError, BadGzipFile, NotImplementedError) as error:
        raise UnsupportedFormatError(_DAMAGED) from error


def _shown(name: str) -> str:
    """The name as it becomes part of an origin."""
    return clean_field(clean_text(name).replace("\\", "/")) or "(a file without a name)"


def _is_expected(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any(part.startswith(".") and part != ".." for part in path.parts) or "__MACOSX" in path.parts
    return not hidden and is_expected(path)


def _fault_of_name(name: str, shown: str, names: set[str]) -> str | None:
    """What is wrong with the name of a member, if anything is."""
    path = PurePosixPath(shown)
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(shown):
        return "Its name leads out of the archive, as that of no honest file does."
    if shown != unicodedata.normalize("NFC", name).replace("\\", "/"):
        return "Its name holds characters that no name has, or is too long."
    if shown in names:
        return "The archive holds another file of that name above."
    if path.name == SIDECAR_NAME:
        return f"A {SIDECAR_NAME} within an archive is not read; unpack the archive."
    if path.suffix.lower() in ARCHIVE_SUFFIXES:
        return "An archive within an archive is not read; unpack it."
    if path.suffix.lower() in FEED_SUFFIXES:
        return "A feed within an archive is not read; unpack it."
    try:
        require_readable_name(path)
    except ReadError as error:
        return str(error)
    return None
