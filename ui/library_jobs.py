"""Additions and removals that people ask for on the page, done one after the other in the order in which they came."""

import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from index.errors import DatelineError, InputError, LibraryBusyError
from index.ingest import index_paths
from index.library import Library
from index.types import Failure, IndexReport
from ui.uploads import RECORD_KEY, Kept, Uploads

LOG = logging.getLogger("dateline")

BUSY_SECONDS = 0.5
"""How long after another process was found to be changing the library it is tried again."""

MAX_BUSY_SECONDS = 1_800.0
"""How long another process is waited for: `dateline index` of a thousand articles takes some minutes."""

MAX_WAITING = 5_000
"""Jobs that may wait; each is a line in memory, its file lies on the disk already."""

REMEMBERED = 10_000
"""Jobs whose end is remembered for those who asked; of any before them nothing is known any more."""

FAILURES_SHOWN = 20
"""Records of one file whose failure is told in words; the others are counted."""

BUSY = "Another process is changing the library. This waits for it and is done by itself."
"""Said of what waits."""

_GONE_WRONG = "Something went wrong; the server's log says what."


@dataclass(slots=True)
class Job:
    """One thing to do. `target` is a file, an address, or, for a removal, the identifier of an article.

    `done` of `found` records have been looked at. `problem` is the sentence of what kept the whole job from being
    done, or, while it waits, of what it waits for. `failed` are the records that could not be read.
    """

    job_id: str
    kind: Literal["add", "remove"]
    name: str
    target: str
    kept: Kept | None = None
    state: Literal["waiting", "working", "done"] = "waiting"
    done: int = 0
    found: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: list[Failure] = field(default_factory=list)
    problem: str | None = None
    article_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The document of the HTTP interface."""
        return {
            "job_id": self.job_id,
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "done": self.done,
            "found": self.found,
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "failed": len(self.failed),
            "failures": [
                {"record": failure.origin.removeprefix(self.target).removeprefix("#"), "reason": failure.reason}
                for failure in self.failed[:FAILURES_SHOWN]
            ],
            "problem": self.problem,
            "article_id": self.article_id,
        }

    def note_progress(self, done: int, found: int) -> None:
        self.done, self.found = done, found

    def note_report(self, report: IndexReport) -> None:
        self.added, self.updated, self.unchanged = report.added, report.updated, report.unchanged
        self.failed = list(report.failed)

    @property
    def has_articles(self) -> bool:
        """True if at least one record is in the library now."""
        return self.added + self.updated + self.unchanged > 0


class LibraryJobs:
    """The queue of one server. `writing` opens the library to change; one thread of its own does what waits."""

    def __init__(self, writing: Callable[[], AbstractContextManager[Library]], uploads: Uploads) -> None:
        self._open = writing
        self._uploads = uploads
        self._waiting: deque[Job] = deque()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._is_working = False

    def add(self, name: str, target: str, kept: Kept | None = None) -> Job:
        """Has the articles at a path or an address indexed. Raises `InputError` if too much waits already."""
        return self._append(Job(secrets.token_hex(8), "add", name, target, kept))

    def remove(self, article_id: str) -> Job:
        """Has an article removed, and its files with it as far as they were uploaded. Raises as `add`."""
        return self._append(Job(secrets.token_hex(8), "remove", article_id, article_id))

    def documents(self, job_ids: Sequence[str]) -> list[dict[str, Any]]:
        """How far the jobs are; those that nothing is known of are left out."""
        with self._lock:
            return [self._jobs[job_id].as_json() for job_id in job_ids if job_id in self._jobs]

    def wait(self, seconds: float) -> bool:
        """True once nothing waits and nothing is being done; False if that takes longer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self._lock:
                if not self._is_working:
                    return True
            time.sleep(0.01)
        return False

    def _append(self, job: Job) -> Job:
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                raise InputError("Too much is waiting to be indexed; try again in a few minutes.")
            self._waiting.append(job)
            self._jobs[job.job_id] = job
            while len(self._jobs) > REMEMBERED:
                self._jobs.popitem(last=False)
            if not self._is_working:
                self._is_working = True
                threading.Thread(target=self._work, name="dateline-library-jobs", daemon=True).start()
        return job

    def _next(self) -> Job | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _work(self) -> None:
        """Opens the library once for all that waits. Ends when there is nothing left to do."""
        busy_since = time.monotonic()
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_working = False
                    return
            try:
                with self._open() as library:
                    while (job := self._next()) is not None:
                        self._do(job, library)
                busy_since = time.monotonic()
            except LibraryBusyError as error:
                if time.monotonic() - busy_since > MAX_BUSY_SECONDS:
                    self._give_up(str(error))
                    busy_since = time.monotonic()
                    continue
                self._tell_waiting(BUSY)
                time.sleep(BUSY_SECONDS)
            except DatelineError as error:
                self._give_up(str(error))
            except Exception:
                LOG.exception("The library could not be changed.")
                self._give_up(_GONE_WRONG)

    def _tell_waiting(self, sentence: str) -> None:
        with self._lock:
            for job in self._waiting:
                job.problem = sentence

    def _give_up(self, sentence: str) -> None:
        """Ends all that waits. Files that were sent stay: sent once more, they are found and indexed."""
        while (job := self._next()) is not None:
            job.problem = sentence
            job.state = "done"

    def _do(self, job: Job, library: Library) -> None:
        job.state, job.problem = "working", None
        try:
            if job.kind == "add":
                self._index(job, library)
            else:
                self._remove(job, library)
        except DatelineError as error:
            job.problem = str(error)
        except Exception:
            LOG.exception("%r could not be done.", job.name)
            job.problem = _GONE_WRONG
        finally:
            job.state = "done"

    def _index(self, job: Job, library: Library) -> None:
        job.note_report(index_paths(library, [job.target], on_progress=job.note_progress))
        if job.has_articles:
            origins = (job.target, f"{job.target}#{RECORD_KEY}")
            job.article_id = next((found for origin in origins if (found := library.article_of_origin(origin))), None)
        elif job.kept is not None and job.kept.is_new and job.failed:
            self._uploads.discard(job.kept.path)  # nothing in it can be read; what is wrong with it is told

    def _remove(self, job: Job, library: Library) -> None:
        article = library.article(job.target)
        job.name = article.title
        job.removed = library.remove([article.article_id])
        files = {file for origin in article.origins if (file := self._uploads.file_of(origin)) is not None}
        if files:
            used = {self._uploads.file_of(origin) for origin in library.origins()}
            for file in sorted(files - used):
                self._uploads.discard(file)
