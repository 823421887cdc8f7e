"""Files, folders and addresses into a library: what is new or changed is read, split, encoded and stored."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from index.ahead import ahead
from index.files import CONTAINER_SUFFIXES, absolute_path
from index.library import Library, SplitArticle
from index.readers import Record, find_records
from index.reading import read_records
from index.reading_process import ReadingProcess
from index.types import Article, Failure, IndexReport

BATCH_CHARACTERS = 100_000
"""Articles that together have at most this many characters are stored in one commit, some seconds of encoding on two
cores: what an interruption can cost."""

AHEAD_CHARACTERS = 2 * BATCH_CHARACTERS
"""Characters of articles that are read and split while the batch before them is encoded."""


def index_paths(
    library: Library,
    paths: Sequence[str],
    *,
    prune: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> IndexReport:
    """Adds and updates the articles found at `paths`: files, folders, web addresses.

    Reading and splitting go on while articles are encoded. Articles are committed in small batches, so that after an
    interruption the next run goes on from there; one whose bytes and sidecar row are unchanged costs a hash. With
    `prune`, articles of files that are gone from `paths` are removed. `on_progress` is called with the numbers of
    records done and found. A record that cannot be read is reported and the others go in.

    Raises:
        LibraryError: The library cannot be written; what was committed before stays.
    """
    with ReadingProcess() as process:
        return _Run(library, paths, process, on_progress or _ignore).index(prune=prune)


def _ignore(done: int, total: int) -> None:
    """Takes no notice of the progress."""


@dataclass(slots=True)
class _Run:
    """One run of indexing, and what it has counted so far."""

    library: Library
    paths: Sequence[str]
    process: ReadingProcess
    on_progress: Callable[[int, int], None]
    records: list[Record] = field(default_factory=list)
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)

    def index(self, *, prune: bool) -> IndexReport:
        for found in find_records(self.paths, self.process):
            if isinstance(found, Failure):
                self.failed.append(found)
            elif found.instead_of is not None and self.library.origin_digest(found.instead_of.origin) is not None:
                # The page as it was fetched before is worth more than how the feed has it begin.
                self.failed.append(found.instead_of)
            else:
                self.records.append(found)
        unfound = {failure.origin for failure in self.failed}
        changed = [record for record in self.records if self.library.origin_digest(record.origin) != record.digest]
        self.unchanged = len(self.records) - len(changed)
        self._put_all(changed)
        removed = self._prune(unfound) if prune else 0
        return IndexReport(self.added, self.updated, self.unchanged, removed, tuple(self.failed))

    def _put_all(self, records: Sequence[Record]) -> None:
        """Reads, splits, encodes and stores records. The first two are done ahead while the last two are at work."""
        total, done = len(self.records), len(self.records) - len(records)
        self.on_progress(done, total)
        batch: list[SplitArticle] = []
        with closing(ahead(self._split(records), _weight, AHEAD_CHARACTERS, self.process.close)) as outcomes:
            try:
                for outcome in outcomes:
                    if isinstance(outcome, Failure):
                        self.failed.append(outcome)
                        done += 1
                        continue
                    if batch and sum(map(_weight, [*batch, outcome])) > BATCH_CHARACTERS:
                        # Before one that takes long by itself, too.
                        self._put(batch)
                        done += len(batch)
                        batch = []
                        self.on_progress(done, total)
                    batch.append(outcome)
            except KeyboardInterrupt:
                # What was read is stored before the interruption goes on its way, unless that would first load an
                # encoder.
                if self.library.has_loaded_encoder:
                    self._put(batch)
                raise
        self._put(batch)
        self.on_progress(total, total)

    def _split(self, records: Sequence[Record]) -> Iterator[SplitArticle | Failure]:
        for record, outcome in read_records(records, self.process):
            yield outcome if isinstance(outcome, Failure) else self.library.split(outcome, record.digest)

    def _put(self, batch: Sequence[SplitArticle]) -> None:
        if not batch:
            return
        result = self.library.put_split(batch)
        self.added += result.added
        self.updated += result.updated
        self.unchanged += result.duplicates

    def _prune(self, unfound: set[str]) -> int:
        """Removes what is gone from the paths; returns how many articles that were."""
        removed = 0
        gone = _gone(self.library, self.paths, {record.origin for record in self.records}, unfound)
        if gone:
            removed = self.library.remove_origins(gone)
            # What is known of a text that another origin still has was perhaps the one's that is gone.
            again = [record for record in self.records if self.library.origin_digest(record.origin) == ""]
            outcomes = read_records(again, self.process)
            self.library.put([(out, record.digest) for record, out in outcomes if isinstance(out, Article)])
        self.failed = [failure for failure in self.failed if failure.origin not in gone]
        return removed


def _weight(outcome: SplitArticle | Failure) -> int:
    return 0 if isinstance(outcome, Failure) else len(outcome.article.text)


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
        is_known = container is None or _is_looked_through(container, found, failed)
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
    only be read in part. A part that failed may be any of those that are stored: a line that is damaged is known by
    its number and no longer by its id.
    """
    within = container + "#"
    return (
        container not in failed
        and not any(other.startswith(within) for other in failed)
        and any(other.startswith(within) for other in found)
    )
