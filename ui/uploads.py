"""Files and texts that people add on the page, kept in the folder `uploads` inside the library's own.

An article's origin must be there for as long as the article is: indexing again reads it. What a browser calls a file is
only a suggestion; the name that it is kept under is made here.
"""

import hashlib
import json
import os
import re
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from index.dates import parse_date
from index.errors import InputError, LibraryWriteError, UnsupportedFormatError
from index.files import require_readable_name
from index.metadata import clean_field, clean_url
from index.sidecar import SIDECAR_NAME
from index.types import UNSEEN, first_words

FOLDER = "uploads"

MAX_NAME_BYTES = 150
"""Bytes of the UTF-8 form of a name that is kept. File systems take 255, and a number may be added."""

MAX_SAME_NAMES = 10_000
"""Files of one name before no further one is taken."""

TITLE_CHARACTERS = 60
"""Characters of a pasted text's title, or of its first words, that name its file."""

RECORD_KEY = "text"
"""The `id` of the one record in the file of a pasted text."""

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*#\u2028\u2029\ud800-\udfff]+')
"""Characters that some file system does not take; `#` stands between a file and a record in an origin."""

_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])", re.IGNORECASE
)
"""Names that Windows keeps for devices, whatever suffix follows."""

_INCOMING = ".incoming-"
"""What the name of a file begins with while its bytes still come; hidden files are never indexed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in the folder. `is_new`: it was not there before with the same name and content."""

    path: Path
    is_new: bool


def safe_name(given: str) -> str:
    """The name under which a file of that name is kept: no path, not hidden, no device, nothing unseen.

    Raises `UnsupportedFormatError` for a kind of file that is not read.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    last = " ".join(_NOT_IN_NAMES.sub("-", UNSEEN.sub("", last)).split()).strip(". ")
    path = PurePath(last)
    require_readable_name(path)
    if last.casefold() == SIDECAR_NAME:
        raise UnsupportedFormatError(
            f"A {SIDECAR_NAME} tells of the other files in its folder; index the folder with: dateline index FOLDER"
        )
    suffix = path.suffix
    stem = _cut(last.removesuffix(suffix), MAX_NAME_BYTES - len(suffix.encode())).rstrip(". ") or "file"
    return f"_{stem}{suffix}" if _DEVICE.fullmatch(stem.split(".")[0].strip()) else stem + suffix


class Uploads:
    """The folder of one library. Every method may be called from any thread."""

    def __init__(self, library_path: Path) -> None:
        self.folder = library_path.absolute() / FOLDER
        self._naming = threading.Lock()

    def incoming(self) -> Path:
        """A new empty file to write what comes into. Raises `LibraryWriteError`."""
        path = self.folder / f"{_INCOMING}{secrets.token_hex(8)}"
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
        return path

    def append(self, incoming: Path, piece: bytes) -> None:
        """Adds bytes to the end of an incoming file. Raises `LibraryWriteError`."""
        with self._writing(), incoming.open("ab") as file:
            file.write(piece)

    def keep(self, incoming: Path, given_name: str) -> Kept:
        """Gives the file its name: the given one made safe, with a number where another file already has it.

        A file of the same name and content that is there already is used, and the incoming one goes. Raises
        `UnsupportedFormatError` for a kind that is not read, `LibraryWriteError`.
        """
        name = safe_name(given_name)
        with self._naming, self._writing():
            return self._named(incoming, name)

    def keep_text(self, text: str, title: str, source: str, published: str, url: str) -> Kept:
        """Keeps a pasted text with what is stated about it, as the one record of a JSON Lines file.

        That format is the one in which no line of the text is taken for anything else. Empty fields state nothing.
        Raises `InputError` for a text that is empty, a date or an address that cannot be understood.
        """
        if not text.strip():
            raise InputError("There is no text; paste the article.")
        if published.strip() and parse_date(published.strip()) is None:
            raise InputError(f"{published.strip()[:80]!r} is not a date such as 2017-06-03, 2017-06 or 2017.")
        if url.strip() and clean_url(url) is None:
            raise InputError(f"{url.strip()[:80]!r} is not an http or https address.")
        stated = {
            "title": clean_field(title),
            "source": clean_field(source),
            "published": published.strip(),
            "url": clean_url(url),
        }
        record = {"id": RECORD_KEY, **{name: value for name, value in stated.items() if value}, "text": text}
        incoming = self.incoming()
        with self._writing():
            incoming.write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
        return self.keep(incoming, _name_of_text(stated["title"] or text))

    def discard(self, path: Path) -> None:
        """Removes a file of the folder, if it is there. Raises `LibraryWriteError`."""
        if path.parent == self.folder:
            with self._writing():
                path.unlink(missing_ok=True)

    def file_of(self, origin: str) -> Path | None:
        """The file of this folder that an origin is, or is a record of; `None` for origins elsewhere."""
        return file_within(self.folder, origin)

    def _named(self, incoming: Path, name: str) -> Kept:
        digest = _digest(incoming)
        stem, suffix = PurePath(name).stem, PurePath(name).suffix
        for number in range(1, MAX_SAME_NAMES):
            path = self.folder / (name if number == 1 else f"{stem} ({number}){suffix}")
            try:
                path.open("xb").close()  # takes the name, also from another process
            except FileExistsError:
                if path.is_file() and _digest(path) == digest:
                    incoming.unlink()
                    return Kept(path, is_new=False)
                continue
            incoming.replace(path)
            return Kept(path, is_new=True)
        raise LibraryWriteError(f"There are {MAX_SAME_NAMES:,} files named {name!r} already; give it another name.")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LibraryWriteError(
                f"The folder {str(self.folder)!r} cannot be written ({error.strerror or error}); check its permissions "
                "and the free space."
            ) from error


def file_within(folder: Path, origin: str) -> Path | None:
    """The file directly in a folder that an origin is, or is a record of; `None` for any other origin."""
    inside = f"{folder}{os.sep}"
    name = origin.removeprefix(inside).partition("#")[0]
    return folder / name if origin.startswith(inside) and os.sep not in name else None


def _name_of_text(said: str) -> str:
    words = re.sub(r"[/\\.]+", " ", first_words(said, TITLE_CHARACTERS)).rstrip("…").strip()
    return f"{words or 'text'}.jsonl"


def _cut(text: str, size: int) -> str:
    """The beginning of a text that takes at most that many bytes in UTF-8, no character cut in two."""
    return text.encode("utf-8")[:size].decode("utf-8", "ignore")


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
