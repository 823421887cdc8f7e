"""Files, folders and addresses into a library: what is new or changed is read, split, encoded and stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from index.files import CONTAINER_SUFFIXES, absolute_path
from index.library import Library
from index.readers import Record, find_records
from index.reading import read_records
from index.reading_process import ReadingProcess
from index.types import Article, Failure, IndexReport

BATCH_CHARACTERS = 100_000
"""Articles are stored in one commit when together they have this many characters, some seconds of encoding on two
cores: what an interruption can cost."""


@dataclass(slots=True)
class _Counts:
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)


def index_paths(
    library: Library,
    paths: Sequence[str],
    *,
    prune: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> IndexReport:
    """Adds and updates the articles found at `paths`: files, folders, web addresses.

    Articles are committed in small batches, so that after an interruption the next run goes on from there; one whose
    bytes and sidecar row are unchanged costs a hash. With `prune`, articles of files that are gone from `paths` are
    removed. `on_progress` is called with the numbers of records done and found. A record that cannot be read is
    reported and the others go in.

    Raises:
        LibraryError: The library cannot be written; what was committed before stays.
    """
    with ReadingProcess() as process:
        return _index(library, paths, process, prune=prune, on_progress=on_progress)


def _index(
    library: Library,
    paths: Sequence[str],
    process: ReadingProcess,
    *,
    prune: bool,
    on_progress: Callable[[int, int], None] | None,
) -> IndexReport:
    counts = _Counts()
    records: list[Record] = []
    for found in find_records(paths, process):
        if isinstance(found, Record):
            records.append(found)
        else:
            counts.failed.append(found)
    unfound = {failure.origin for failure in counts.failed}
    batch: list[tuple[Article, str]] = []
    changed = [record for record in records if library.origin_digest(record.origin) != record.digest]
    counts.unchanged = len(records) - len(changed)
    try:
        for done, (record, outcome) in enumerate(read_records(changed, process), counts.unchanged):
            if on_progress is not None:
                on_progress(done, len(records))
            if isinstance(outcome, Failure):
                counts.failed.append(outcome)
                continue
            batch.append((outcome, record.digest))
            if sum(len(article.text) for article, _ in batch) >= BATCH_CHARACTERS:
                _put(library, batch, counts)
                batch = []
    except KeyboardInterrupt:
        # What was read is stored before the interruption goes on its way, unless that would first load an encoder.
        if library.has_loaded_encoder:
            _put(library, batch, counts)
        raise
    _put(library, batch, counts)
    if on_progress is not None:
        on_progress(len(records), len(records))
    removed = 0
    if prune:
        gone = _gone(library, paths, {record.origin for record in records}, unfound)
        if gone:
            removed = library.remove_origins(gone)
            # What is known of a text that another origin still has was perhaps the one's that is gone.
            again = [record for record in records if library.origin_digest(record.origin) == ""]
            outcomes = read_records(again, process)
            _put(library, [(out, record.digest) for record, out in outcomes if isinstance(out, Article)], _Counts())
        counts.failed = [failure for failure in counts.failed if failure.origin not in gone]
    return IndexReport(counts.added, counts.updated, counts.unchanged, removed, tuple(counts.failed))


def _put(library: Library, batch: list[tuple[Article, str]], counts: _Counts) -> None:
    if not batch:
        return
    result = library.put(batch)
    counts.added += result.added
    counts.updated += result.updated
    counts.unchanged += result.duplicates


def _gone(library: Library, paths: Sequence[str], found: set[str], failed: set[str]) -> list[str]:
    """Stored origins at or below `paths` whose file, or record of a file that is there, no longer exists.

    A folder that is not there may only be unmounted: nothing below it counts as gone. `failed` are the origins that
    are there and could not be looked into.
    """
    origins = library.origins()
    given = [absolute_path(path) for path in paths if "://" not in path]
    roots = [root for root in given if root.exists() or str(root) in origins]
    gone = []
    for origin in origins:
        if "://" in origin or origin in found:
            continue
        file = Path(origin)
        container = _container(origin)
        below = any(file == root or root in file.parents or container == str(root) for root in roots)
        is_known = container is None or (origin not in failed and _is_looked_through(container, found, failed))
        if below and _is_gone(file) and is_known:
            gone.append(origin)
    return gone


def _is_gone(file: Path) -> bool:
    """True if there is no such file; one in a folder that may not be read is not known to be gone."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _container(origin: str) -> str | None:
    """The file that an origin is a part of, `None` for a file of its own or one that is not there."""
    marks = [position for position, character in enumerate(origin) if character == "#"]
    files = (origin[:mark] for mark in marks)
    return next(
        (file for file in files if Path(file).suffix.lower() in CONTAINER_SUFFIXES and Path(file).is_file()), None
    )


def _is_looked_through(container: str, found: set[str], failed: set[str]) -> bool:
    """True if all that is in a file with many articles was found.

    If not one part of that file was found, it could not be read, and nothing of it counts as gone; nor if it could
    only be read in part.
    """
    return container not in failed and any(other.startswith(container + "#") for other in found)
