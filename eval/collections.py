"""The articles of a question set as a library, made once and kept in a cache under a name made of their content."""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache as cached
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

import index.library
from eval.types import QuestionSet
from index.encoder import DEFAULT_ENCODER, DEFAULT_ENCODER_SHA256, load_encoder
from index.errors import InputError, LibraryError
from index.ingest import BATCH_CHARACTERS, index_paths
from index.library import Library
from index.readers import find_records
from index.store import FORMAT_VERSION
from index.types import Article, Failure

if TYPE_CHECKING:
    from index.encoder import Encoder

KEPT_DAYS = 30
"""Days after its last use for which a library is kept. One is made again in minutes; a cache that only grows fills the
disk."""

KEY_LENGTH = 32
"""Hexadecimal digits of the SHA-256 that name a library in the cache (128 bits)."""

LAST_USED_NAME = "last-used"
NOTE_NAME = "collection.json"
"""What was noted of a complete library: its generation, by which a change is seen, and the files that could not be
read, which are named again whenever it is used."""

_UNFINISHED = ".unfinished"
_LOCK = ".lock"

_Progress = Callable[[int, int], None]
_Fill = Callable[[Library], Sequence[Failure]]
"""Puts articles into an empty library and returns what could not be read."""

_log = logging.getLogger(__name__)


def open_collection(
    articles: Sequence[Path] | QuestionSet,
    encoder: "Encoder | str",
    *,
    cache: Path,
    on_progress: _Progress | None = None,
) -> Library:
    """A library of the articles, opened to read; the caller closes it.

    `articles` are files and folders, which are read as `dateline index` reads them, or a set that carries its own.
    The library lies below `cache`, a folder that is made if need be, and is made if it is not there: under another
    name for other paths or content, another encoder, or another version of the code that makes libraries. One that is
    there is opened at once, and the default encoder, if it is only named, loaded when it is needed. `on_progress` is
    given the articles done and found.

    It becomes visible when it is complete, whatever happens meanwhile; a second process waits for the first. A library
    that is damaged, or that another command has changed, is made again, and those not used for `KEPT_DAYS` days go when
    one is made. Files that cannot be read are named in the log, every time, and left out.

    Raises:
        InputError: There are no articles, or they changed while they were read, or the cache cannot be written.
        LibraryError, EncoderError: The library cannot be written, or the encoder not be loaded.
    """
    if isinstance(encoder, str) and encoder != DEFAULT_ENCODER:
        encoder = load_encoder(encoder)
    if isinstance(articles, QuestionSet):
        if not articles.articles:
            raise InputError(f"The question set {articles.path!r} carries no articles; name some with --articles.")
        content: list[object] = [articles.sha256, *([found.sha256, *found.origins] for found in articles.articles)]
        fill = _carried(articles.articles, on_progress)
    else:
        digests, failures = _digests(articles)
        if not digests:
            reasons = "; ".join(f"{failure.origin}: {failure.reason}" for failure in failures[:3])
            raise InputError(f"There are no articles in {_named(articles)}. {reasons}".strip())
        content = [list(digest) for digest in digests.items()]
        fill = _files(articles, digests, on_progress)
    with _writing(cache):
        cache.mkdir(parents=True, exist_ok=True)
        path = cache.resolve() / _key(content, encoder)
        with _alone(path):
            return _open(path, encoder) or _make(path, encoder, fill)


def _key(content: Sequence[object], encoder: "Encoder | str") -> str:
    named = [FORMAT_VERSION, _code_sha256(), *_identity(encoder), *content]
    return hashlib.sha256(json.dumps(named).encode("utf-8")).hexdigest()[:KEY_LENGTH]


def _identity(encoder: "Encoder | str") -> tuple[str, str]:
    return (encoder, DEFAULT_ENCODER_SHA256) if isinstance(encoder, str) else (encoder.name, encoder.digest)


@cached
def _code_sha256() -> str:
    """Digest of the code that makes libraries: what an older one made would be measured as if it were the new."""
    digest = hashlib.sha256()
    for path in sorted(Path(index.library.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _digests(paths: Sequence[Path]) -> tuple[dict[str, str], list[Failure]]:
    """Each origin at the paths with the digest of all that decides its article, and what cannot be read."""
    digests: dict[str, str] = {}
    failures: list[Failure] = []
    for found in find_records([str(path) for path in paths]):
        if isinstance(found, Failure):
            failures.append(found)
        else:
            digests[found.origin] = found.digest
    return dict(sorted(digests.items())), failures


def _open(path: Path, encoder: "Encoder | str") -> Library | None:
    """The library in a folder of the cache, `None` if there is none or it is damaged."""
    if not path.is_dir():
        return None
    try:
        library = Library.open(path, None if isinstance(encoder, str) else encoder)
    except LibraryError as error:
        _log.warning("%s It is made again.", error)
        return None
    problems = [finding.message for finding in library.check() if not finding.ok]
    made = _read_note(path)
    if made is None or made["generation"] != library.generation:
        problems.append("another command has changed it")
    if made is None or problems:
        library.close()
        _log.warning("The library %s is not as it was made (%s) and is made again.", path, "; ".join(problems))
        return None
    _log_failures(Failure(*failure) for failure in made["failed"])
    _touch(path)
    return library


def _make(path: Path, encoder: "Encoder | str", fill: _Fill) -> Library:
    unfinished = path.with_name(path.name + _UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    _remove_unused(path.parent)
    loaded = load_encoder(encoder) if isinstance(encoder, str) else encoder
    try:
        with Library.open_for_writing(unfinished, loaded) as library:
            failures = fill(library)
            generation = library.generation
        note = {"generation": generation, "failed": [[failure.origin, failure.reason] for failure in failures]}
        (unfinished / NOTE_NAME).write_text(json.dumps(note), encoding="utf-8")
        _touch(unfinished)
        shutil.rmtree(path, ignore_errors=True)
        unfinished.rename(path)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _log_failures(failures)
    return Library.open(path, loaded)


def _read_note(path: Path) -> dict[str, Any] | None:
    """What was noted when the library was complete, `None` if that cannot be read."""
    try:
        note = json.loads((path / NOTE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) and note.keys() >= {"generation", "failed"} else None


def _log_failures(failures: Iterable[Failure]) -> None:
    for failure in failures:
        _log.warning("Failed: %s: %s", failure.origin, failure.reason)


def _files(paths: Sequence[Path], digests: dict[str, str], on_progress: _Progress | None) -> _Fill:
    """Indexes files and folders, which must still be what the digests were taken of."""

    def fill(library: Library) -> Sequence[Failure]:
        report = index_paths(library, [str(path) for path in paths], on_progress=on_progress)
        if library.count_articles() == 0:
            _log_failures(report.failed)
            raise InputError(f"No article in {_named(paths)} could be read; the reasons are above.")
        read = {origin: library.origin_digest(origin) for origin in library.origins()}
        unread = {failure.origin for failure in report.failed}
        # A failure may have the origin of an article that was read: that of a second record with its id.
        if any(
            read.get(origin) != digests.get(origin)
            for origin in read | digests
            if origin in read or origin not in unread
        ):
            raise InputError(f"The articles in {_named(paths)} changed while they were read; run the command again.")
        return report.failed

    return fill


def _carried(articles: Sequence[Article], on_progress: _Progress | None) -> _Fill:
    """Puts in the articles of a set, each under all of its origins."""

    def fill(library: Library) -> Sequence[Failure]:
        done = 0
        for batch in _batches(articles):
            each = [replace(article, origins=(origin,)) for article in batch for origin in article.origins]
            library.put([(article, article.sha256) for article in each])
            done += len(batch)
            if on_progress is not None:
                on_progress(done, len(articles))
        return ()

    return fill


def _batches(articles: Sequence[Article]) -> Iterator[list[Article]]:
    """The articles in order, together as many as `dateline index` stores in one commit."""
    characters = 0
    numbers = []
    for article in articles:
        numbers.append(characters // BATCH_CHARACTERS)
        characters += len(article.text)
    for _, batch in groupby(zip(numbers, articles, strict=True), key=lambda pair: pair[0]):
        yield [article for _, article in batch]


def _remove_unused(cache: Path) -> None:
    """Removes the libraries that were not used for long, and what is left of processes that were killed."""
    oldest = time.time() - KEPT_DAYS * 24 * 60 * 60
    for folder in cache.iterdir():
        if not folder.is_dir() or not _is_ours(folder.name):
            continue
        marker = folder / LAST_USED_NAME
        used = (marker if marker.exists() else folder).stat().st_mtime
        if folder.name.endswith(_UNFINISHED) or used < oldest:
            with suppress(Timeout), _lock(folder.with_name(folder.name.removesuffix(_UNFINISHED))).acquire(timeout=0):
                shutil.rmtree(folder, ignore_errors=True)


def _is_ours(name: str) -> bool:
    key = name.removesuffix(_UNFINISHED)
    return len(key) == KEY_LENGTH and not key.strip("0123456789abcdef")


def _touch(path: Path) -> None:
    """Notes that a library is in use; on a medium that cannot be written there is nobody to remove it either."""
    with suppress(OSError):
        (path / LAST_USED_NAME).touch()
        os.utime(path / LAST_USED_NAME)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keeps other processes from making the library of that path meanwhile, and waits for one that does."""
    lock = _lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.warning("Another process is indexing the same articles; waiting for it.")
        lock.acquire(timeout=-1)
    try:
        yield
    finally:
        lock.release()


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_name(path.name + _LOCK))


@contextmanager
def _writing(cache: Path) -> Iterator[None]:
    """Turns a full disk and the like into one plain sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The cache of indexed articles {str(cache)!r} cannot be used: {error.strerror or error}; free some space, "
            "or check its permissions."
        ) from error


def _named(paths: Sequence[Path]) -> str:
    return ", ".join(repr(str(path)) for path in paths)
