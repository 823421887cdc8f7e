"""Files, folders, web addresses and collections of records, found; `index.reading` turns them into articles.

Finding costs reading the bytes and, of files that hold one article, no parsing: each record has a digest of all that
decides its article, so that an unchanged one need not be read again. What has to be parsed is parsed in a process of
its own (`index.reading_process`).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from index.errors import ReadError, UnreadableOriginError
from index.files import CONTAINER_SUFFIXES, file_sha256, find_files
from index.formats import FORMATS
from index.frames import Frame
from index.metadata import clean_url
from index.reading_errors import reason_of
from index.reading_process import ReadingProcess, Request
from index.sidecar import SIDECAR_NAME, Sidecar, read_sidecar, row_text
from index.spool import Spool, Spooled
from index.types import Failure, Metadata
from index.urls import Page, fetch

READER_VERSION = 2
"""Part of every digest. Raise it when the same bytes are to give another article, so that all are read again."""

MAX_FETCHED_ENTRIES = 200
"""Pages that are fetched for one feed."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One article that was found and not yet read.

    `origin` is the absolute path of a file, with `#` and a key for an article within it, or an address. `digest` is the
    SHA-256, in hexadecimal, of what decides the article: its bytes and what is `known` of it otherwise, which wins over
    what the article states. `request` is what the reading process is told to read it. `instead_of` is what is wrong
    with the page that an entry of a feed leads to, if the entry's own text stands for it.
    """

    origin: str
    digest: str
    request: Request
    known: Metadata
    instead_of: Failure | None = None


def find_records(paths: Sequence[str], process: ReadingProcess | None = None) -> Iterator[Record | Failure]:
    """What is found at files, folders (with all below them) and http or https addresses.

    Files come sorted by folder and name, each once, then the addresses as given. Of a folder, hidden files and those
    that are clearly no articles (pictures, programs, question sets) are passed over; documents of a kind that cannot
    be read are failures, and so is everything wrong with a path that was named. One bad file keeps out no other.
    Addresses are fetched here, while the iterator runs, and wait on the disk to be read; so are the pages that a feed
    has only the beginnings of. Where that fails, the beginning is the article. `process` looks into files with many
    articles; it stays open, is not used by others meanwhile, and is to be closed after an iterator that was not
    exhausted. Without it, one is started where need be.

    Raises:
        ReaderStartError: The process that looks into files with many articles cannot be started.
    """
    with ReadingProcess() if process is None else nullcontext(process) as process:
        found = _Finder(process)
        yield from found.at([path for path in paths if not _ADDRESS.match(path)])
        for address in dict.fromkeys(path for path in paths if _ADDRESS.match(path)):
            yield from found.at_address(address)


def digest_of(content_digest: str, known: Metadata) -> str:
    """The digest of a record by that of its bytes and what is known of it otherwise."""
    return hashlib.sha256(f"{READER_VERSION}\n{content_digest}\n{row_text(known)}".encode()).hexdigest()


@dataclass(slots=True)
class _Finder:
    _process: ReadingProcess
    _spool: Spool = field(default_factory=Spool)
    _fetched: set[str] = field(default_factory=set)

    def at(self, paths: Sequence[str]) -> Iterator[Record | Failure]:
        files, failures = find_files(paths)
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
            if file.path.suffix.lower() in CONTAINER_SUFFIXES:
                header = {"do": "list", "path": str(file.path), "is_named": file.is_named}
                yield from self._within(str(file.path), Request(header), row)
            else:
                yield _record_of_file(file.path, row)

    def at_address(self, address: str) -> Iterator[Record | Failure]:
        """The article at an address, or those of the feed there. Nothing if it was fetched before."""
        if address in self._fetched:
            return
        self._fetched.add(address)
        try:
            page = fetch(address)
        except ReadError as error:
            yield Failure(address, str(error))
            return
        if page.format == "feed":
            request = Request({"do": "list", "path": None, "address": page.address}, lambda: page.raw)
            yield from self._within(address, request, Metadata())
        else:
            try:
                yield self._record_of_page(address, page)
            except ReadError as error:
                yield Failure(address, str(error))

    def _within(self, container: str, request: Request, row: Metadata) -> Iterator[Record | Failure]:
        """The articles of a file or feed with many."""
        fetched = 0
        self._process.ask(request)
        try:
            for frame in self._process.answer():
                if frame.header["kind"] == "end":
                    return
                link = frame.header.get("link")
                if frame.header["kind"] != "entry" or not isinstance(link, str):
                    yield self._found(container, frame, row)
                    continue
                fetched += 1
                found = self._linked(link, fetched)
                if isinstance(found, Failure) and frame.header["has_text"]:
                    own = self._found(container, frame, row)
                    found = own if isinstance(own, Failure) else replace(own, instead_of=found)
                if found is not None:
                    yield found
        except ReadError as error:
            yield Failure(container, str(error))

    def _linked(self, link: str, number: int) -> Record | Failure | None:
        """The page of the entry of that number that is only a teaser; not the entries of another feed.

        `None` if the page was fetched before.
        """
        if number > MAX_FETCHED_ENTRIES:
            return Failure(link, f"Of one feed, no more than {MAX_FETCHED_ENTRIES} pages are fetched.")
        if link in self._fetched:
            return None
        self._fetched.add(link)
        try:
            page = fetch(link)
            if page.format == "feed":
                raise UnreadableOriginError("The entry of a feed leads to another feed, which is not read.")
            return self._record_of_page(link, page)
        except ReadError as error:
            return Failure(link, str(error))

    def _found(self, container: str, frame: Frame, row: Metadata) -> Record | Failure:
        said = frame.header
        origin = f"{container}#{said['key']}"
        if said["kind"] == "bad":
            return Failure(origin, reason_of(said))
        if said["kind"] == "entry":
            try:
                kept = self._keep(frame.body)
            except ReadError as error:
                return Failure(origin, str(error))
            digest = hashlib.sha256(frame.body).hexdigest()
            return Record(origin, digest_of(digest, row), Request({"do": "read entry"}, kept.read), row)
        names = ("position", "digest")
        header = {"do": "read part", "path": container, **{name: said[name] for name in names}}
        return Record(origin, digest_of(said["digest"], row), Request(header), row)

    def _record_of_page(self, address: str, page: Page) -> Record:
        known = Metadata(url=clean_url(address))
        header = {"do": "read page", "format": page.format, "charset": page.charset}
        digest = digest_of(hashlib.sha256(page.raw).hexdigest(), Metadata())
        return Record(address, digest, Request(header, self._keep(page.raw).read), known)

    def _keep(self, raw: bytes) -> Spooled:
        try:
            return self._spool.add(raw)
        except OSError as error:
            raise UnreadableOriginError(
                f"There is no room for what was fetched in the folder for temporary files: {error.strerror}."
            ) from error


def _record_of_file(path: Path, row: Metadata) -> Record | Failure:
    try:
        digest = file_sha256(path)
    except ReadError as error:
        return Failure(str(path), str(error))
    header = {"do": "read file", "path": str(path), "format": FORMATS[path.suffix.lower()], "digest": digest}
    return Record(str(path), digest_of(digest, row), Request(header), row)
