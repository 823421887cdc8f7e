"""Which files lie at the paths that a user names, and their bytes."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

from index.errors import MissingOriginError, ReadError, UnreadableOriginError, UnsupportedFormatError
from index.formats import FORMATS
from index.types import Failure

MAX_FILE_BYTES = 64 * 2**20
"""Bytes of a file with one article. A million words are 6 MB of text; larger files are PDF files full of pictures."""

JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})
CSV_SUFFIXES = frozenset({".csv", ".tsv"})
RECORD_SUFFIXES = JSON_SUFFIXES | CSV_SUFFIXES
ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".tgz", ".gz"})
FEED_SUFFIXES = frozenset({".rss", ".atom", ".xml"})
CONTAINER_SUFFIXES = RECORD_SUFFIXES | ARCHIVE_SUFFIXES | FEED_SUFFIXES
"""Suffixes of files that hold many articles."""

READABLE_SUFFIXES = FORMATS.keys() | CONTAINER_SUFFIXES

_PIECE_BYTES = 2**18

_ADVICE = {
    "save it as .docx, .pdf or .txt": ".doc .docm .dot .dotx .rtf .odt .ott .pages .wpd .wps .ppt .pptx .odp .key",
    "convert it to .txt, .html or .pdf": ".epub .mobi .azw .azw3 .fb2 .djvu .ps .tex .rst .adoc .org",
    "save it as .csv with a column named text": ".xls .xlsx .xlsm .ods .numbers .parquet",
    "write one JSON object a line into a .jsonl file": ".json",
    "save its articles as .html or .txt": ".mht .mhtml .webarchive .warc .eml .msg .mbox .pst",
    "unpack it": ".bz2 .xz .zst .7z .rar",
}
"""What to do with documents that people expect to be read and that are not → their suffixes."""

_NO_FILE = "It is no regular file (a pipe, socket or device); give a file or a folder."
_UNREAD = {suffix: advice for advice, suffixes in _ADVICE.items() for suffix in suffixes.split()}
_NO_ARTICLE = re.compile(
    r"licen[cs]e|copying|notice|authors|contributors|readme|changelog|changes|makefile|dockerfile|gemfile|rakefile"
    r"|procfile|codeowners|todo|version|manifest|sha[0-9]+sums|md5sums",
    re.IGNORECASE,
)
"""Names without a suffix of files that accompany a collection."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read. `is_named`: the user named the file itself and not a folder above it."""

    path: Path
    is_named: bool


def find_files(paths: Sequence[str]) -> tuple[list[FoundFile], list[Failure]]:
    """The files at `paths` and in all folders below that are of a readable kind, and what cannot be read.

    Both are sorted, and each file is there once. In folders, hidden files and files that are clearly no articles
    (pictures, programs) are passed over in silence. Folders behind links are followed, each folder once, so that
    links in a circle end.
    """
    files: dict[Path, bool] = {}
    failures: set[Failure] = set()
    for given in paths:
        path = absolute_path(given)
        is_folder = bool(given) and _is_folder(path)
        for found in _walk(path) if is_folder else [path]:
            if isinstance(found, Failure):
                failures.add(found)
            elif is_folder and not is_expected(found):
                continue
            else:
                try:
                    _require_readable(found, is_named=bool(given))
                except ReadError as error:
                    failures.add(Failure(_printable(found), str(error)))
                else:
                    files[found] = files.get(found, False) or not is_folder
    return (
        [FoundFile(path, files[path]) for path in sorted(files, key=lambda path: (str(path.parent), path.name))],
        sorted(failures, key=lambda failure: (failure.origin, failure.reason)),
    )


def absolute_path(given: str) -> Path:
    """The absolute path without `..`; links are kept as they are named, except in front of a `..`."""
    path = Path(given).absolute()
    if ".." not in path.parts:
        return path
    climb = len(path.parts) - path.parts[::-1].index("..")
    return Path(*path.parts[:climb]).resolve().joinpath(*path.parts[climb:])


def open_regular(path: Path) -> BinaryIO:
    """A regular file, opened to read; the caller closes it. Never waits, as opening a named pipe would.

    Raises:
        MissingOriginError: It is gone.
        UnreadableOriginError: It may not be read.
        UnsupportedFormatError: It is no regular file.
    """
    _require_file(path)
    # What was a file a moment ago may be a pipe by now.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise unreadable(error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnsupportedFormatError(_NO_FILE)
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path) -> bytes:
    """All bytes of a file with one article.

    Raises:
        MissingOriginError: It is gone.
        UnreadableOriginError: It may not be read.
        UnsupportedFormatError: It is no file, or larger than `MAX_FILE_BYTES`.
    """
    return b"".join(_pieces(path))


def file_sha256(path: Path) -> str:
    """SHA-256 of the bytes of a file with one article, in hexadecimal. Raises as `read_bytes`."""
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    total = 0
    with open_regular(path) as file:
        # What it says of its size is not all: it may grow meanwhile, and in some places all sizes are 0.
        while max(total, os.fstat(file.fileno()).st_size) <= MAX_FILE_BYTES:
            try:
                piece = file.read(_PIECE_BYTES)
            except OSError as error:
                raise unreadable(error) from error
            if not piece:  # nothing, too, where the system would have to wait for more
                return
            total += len(piece)
            yield piece
    raise UnsupportedFormatError(f"It is larger than {MAX_FILE_BYTES >> 20} MB; split it into articles.")


def unreadable(error: OSError) -> ReadError:
    """The error for the user that an error of the operating system means."""
    if isinstance(error, FileNotFoundError):
        return MissingOriginError("There is no such file or folder; check the path.")
    if isinstance(error, PermissionError):
        return UnreadableOriginError("It may not be read; change its permissions.")
    return UnreadableOriginError(f"It cannot be read: {error.strerror or error}.")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _walk(top: Path) -> Iterator[Path | Failure]:
    """The files in a folder and below. Real folders come before those behind links, so that a file keeps its path."""
    pending, behind_links = [top], list[Path]()
    visited: set[tuple[int, int]] = set()
    while pending or behind_links:
        folder = pending.pop() if pending else behind_links.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            entries = sorted(folder.iterdir(), reverse=True)
        except OSError as error:
            yield Failure(_printable(folder), str(unreadable(error)))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                (behind_links if entry.is_symlink() else pending).append(entry)
            else:
                yield entry


def is_expected(path: PurePath) -> bool:
    """Whether someone who puts this file into a folder of articles expects it to be read."""
    suffix = _suffix(path)
    return suffix in READABLE_SUFFIXES or suffix in _UNREAD or (not suffix and not _NO_ARTICLE.fullmatch(path.name))


def _suffix(path: PurePath) -> str:
    """The suffix in lower case; none where the dot belongs to a number, as in `report 1.2`."""
    suffix = path.suffix.lower()
    return suffix if suffix.strip(".-_ 0123456789") else ""


def _require_readable(path: Path, *, is_named: bool) -> None:
    if not is_named:
        raise MissingOriginError("The path is empty; name a file, a folder or an address.")
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnsupportedFormatError("The name of the file is not UTF-8; rename it.") from error
    _require_file(path)
    require_readable_name(path)


def require_readable_name(path: PurePath) -> None:
    """Raises `UnsupportedFormatError` if the name of a file says that it is of no readable kind."""
    suffix = _suffix(path)
    if suffix in READABLE_SUFFIXES:
        return
    readable = ", ".join(sorted(READABLE_SUFFIXES))
    if suffix in _UNREAD:
        raise UnsupportedFormatError(f"Files of the kind {suffix!r} are not read; {_UNREAD[suffix]}.")
    if suffix:
        raise UnsupportedFormatError(f"Files of the kind {suffix!r} are not read; readable are {readable}.")
    raise UnsupportedFormatError(f"Its name has no suffix that tells its kind; give it one of {readable}.")


def _require_file(path: Path) -> None:
    """Looks before opening, which would wait for ever at a named pipe."""
    try:
        mode = path.stat().st_mode
    except ValueError as error:
        raise MissingOriginError("It is not a path.") from error
    except OSError as error:
        if path.is_symlink():
            raise MissingOriginError("It is a link to something that is not there; correct or remove it.") from error
        raise unreadable(error) from error
    if not stat.S_ISREG(mode):
        raise UnsupportedFormatError(_NO_FILE)


def _printable(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
