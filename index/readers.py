"""Files, folders, web addresses and collections of records, found and turned into articles.

Finding costs reading the bytes and no parsing: each record has a digest of all that decides its article, so that an
unchanged one need not be read again.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.encodings import clean_text
from index.errors import ReadError
from index.files import find_files, read_bytes, unreadable
from index.formats import FORMATS, read_format, require_text
from index.metadata import clean_url, combine, metadata_from_fields, read_metadata
from index.record_files import RECORD_SUFFIXES, BadRecord, is_question_set, read_records, text_of
from index.sidecar import SIDECAR_NAME, Sidecar, read_sidecar, row_text
from index.types import Article, Failure, Metadata
from index.urls import Page, fetch

READER_VERSION = 2
"""Part of every digest. Raise it when the same bytes are to give another article, so that all are read again."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One article that was found and not yet read.

    `origin` is the absolute path of a file, with `#` and a key for a record within it, or an address. `digest` is the
    SHA-256, in hexadecimal, of what decides the article: its bytes and its row of the sidecar. `read` gives the
    article, or raises `ReadError` with the reason in one sentence.
    """

    origin: str
    digest: str
    read: Callable[[], Article]


def find_records(paths: Sequence[str]) -> Iterator[Record | Failure]:
    """What is found at files, folders (with all below them) and http or https addresses.

    Files come sorted by folder and name, each once, then the addresses as given. Of a folder, hidden files and those
    that are clearly no articles (pictures, programs, question sets) are passed over; documents of a kind that cannot
    be read are failures, and so is everything wrong with a path that was named. One bad file keeps out no other.
    Addresses are fetched here, while the iterator runs; the articles of files are read by `Record.read`.
    """
    files, failures = find_files([path for path in paths if not _ADDRESS.match(path)])
    yield from failures
    folder, sidecar = None, Sidecar({})
    for file in files:
        if file.path.parent != folder:
            folder = file.path.parent
            sidecar = read_sidecar(folder)
            yield from sidecar.failures
        row = sidecar.row(file.path.name)
        if file.path.name == SIDECAR_NAME:
            continue
        if file.path.suffix.lower() in RECORD_SUFFIXES:
            yield from _records_within(file.path, row, is_named=file.is_named)
        else:
            yield _record_of_file(file.path, row)
    for address in dict.fromkeys(path for path in paths if _ADDRESS.match(path)):
        yield _record_of_address(address)


def _record_of_file(path: Path, row: Metadata) -> Record | Failure:
    try:
        digest = hashlib.sha256(read_bytes(path)).hexdigest()
    except ReadError as error:
        return Failure(str(path), str(error))
    return Record(str(path), _digest(digest, row), partial(_read_file, path, row))


def _read_file(path: Path, row: Metadata) -> Article:
    text, stated = read_format(read_bytes(path), FORMATS[path.suffix.lower()])
    return Article.from_text(text, combine(row, stated), str(path))


def _records_within(path: Path, row: Metadata, *, is_named: bool) -> Iterator[Record | Failure]:
    try:
        if not is_named and is_question_set(path):
            return
        for found in read_records(path):
            origin = f"{path}#{found.key}"
            if isinstance(found, BadRecord):
                yield Failure(origin, found.reason)
            else:
                yield Record(origin, _digest(found.digest, row), partial(_read_fields, origin, found.read_fields, row))
    except ReadError as error:
        yield Failure(str(path), str(error))
    except OSError as error:
        yield Failure(str(path), str(unreadable(error)))


def _read_fields(origin: str, read_fields: Callable[[], Mapping[str, object]], row: Metadata) -> Article:
    try:
        fields = read_fields()
    except OSError as error:
        raise unreadable(error) from error
    text = require_text(clean_text(text_of(fields)))
    _, own = read_metadata(text, navigation=False)
    return Article.from_text(text, combine(row, metadata_from_fields(fields), own), origin)


def _record_of_address(address: str) -> Record | Failure:
    try:
        page = fetch(address)
    except ReadError as error:
        return Failure(address, str(error))
    digest = hashlib.sha256(page.raw).hexdigest()
    return Record(address, _digest(digest, Metadata()), partial(_read_page, address, page))


def _read_page(address: str, page: Page) -> Article:
    text, stated = read_format(page.raw, page.format, page.charset)
    return Article.from_text(text, combine(Metadata(url=clean_url(address)), stated), address)


def _digest(content_digest: str, row: Metadata) -> str:
    return hashlib.sha256(f"{READER_VERSION}\n{content_digest}\n{row_text(row)}".encode()).hexdigest()
