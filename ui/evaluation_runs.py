"""Evaluations of the page: each is the command `dateline eval run` in a process of its own, one at a time."""

import logging
import secrets
import shutil
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eval.manifest import REPORT_NAMES
from eval.results import RESULTS_NAME
from index.errors import ArticleNotFoundError, InputError
from ui.evaluation_child import ENTRY
from ui.evaluation_process import SET_FOLDER, Process, count_lines
from ui.evaluation_record import CONTINUED, OUT_NAME, RUN_ID, Run, headline, read_record, write_record

MAX_WAITING = 8
"""Runs that may wait for their turn."""

MAX_RUNS = 200
"""Runs that one person can keep: a run of 10,000 questions takes some 200 MB."""

CLOSING_SECONDS = 4.0
"""How long a run may take to end in order when the server ends, which keeps somebody waiting at a terminal."""

_LOG = logging.getLogger("dateline")


class RunNotFoundError(ArticleNotFoundError):
    """There is no such run; answered with 404."""


class Runs:
    """The runs in a folder. Every method may be called from any thread.

    `arguments` are options that every run gets, such as the re-ranker of this server.
    """

    def __init__(self, folder: Path, library_path: Path, arguments: Sequence[str] = (), entry: str = ENTRY) -> None:
        self._folder = folder
        self._library_path = library_path.absolute()
        self._arguments = tuple(arguments)
        self._entry = entry
        self._lock = threading.RLock()
        self._wanted = threading.Condition(self._lock)
        self._waiting: deque[str] = deque()
        self._current: Process | None = None
        self._closed = False
        self._worker: threading.Thread | None = None
        for run in self._records():
            if run.state in ("waiting", "running"):
                self._write(replace(run, state="interrupted"))

    def listed(self, owner: str) -> list[dict[str, Any]]:
        """This person's runs, the latest first."""
        found = [run for run in self._records() if run.owner == owner]
        return [self._shown(run) for run in sorted(found, key=lambda run: run.created, reverse=True)]

    def shown(self, run_id: str, owner: str) -> dict[str, Any]:
        """One run as the page shows it. Raises `RunNotFoundError`."""
        return self._shown(self.find(run_id, owner))

    def find(self, run_id: str, owner: str) -> Run:
        """The run of that identifier. Raises `RunNotFoundError` if this person has none."""
        run = read_record(self._folder / run_id) if RUN_ID.fullmatch(run_id) else None
        if run is None or run.owner != owner:
            raise RunNotFoundError("There is no such evaluation; it may have been deleted.")
        return run

    def finished(self, run_id: str, owner: str) -> Path:
        """The folder with the results of a run that is done. Raises `InputError` if it is not."""
        if self.find(run_id, owner).state != "done":
            raise InputError("This evaluation is not finished; there are no figures of it yet.")
        return self._folder / run_id / OUT_NAME

    def start(self, draft: Run, copy_set: Callable[[Path], Path]) -> dict[str, Any]:
        """Begins a run, or lets it wait for its turn. `copy_set` writes the set into the folder that it is given.

        Of `draft` identifier, file, date and state are filled in here. Raises `InputError` if too many runs wait or are
        kept, or nothing can be written.
        """
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                raise InputError("Too many evaluations are waiting; cancel one or come back later.")
            if sum(run.owner == draft.owner for run in self._records()) >= MAX_RUNS:
                raise InputError(f"There are {MAX_RUNS} evaluations already; delete one first.")
            run_id = secrets.token_hex(8)
            folder = self._folder / run_id
            try:
                (folder / SET_FOLDER).mkdir(parents=True)
                set_file = copy_set(folder / SET_FOLDER)
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                run = replace(draft, run_id=run_id, set_file=set_file.name, created=now, state="waiting")
                self._write(run)
            except OSError as error:
                shutil.rmtree(folder, ignore_errors=True)
                raise InputError(f"The evaluation cannot be kept: {error.strerror or error}.") from error
            self._enqueue(run_id)
            return self._shown(run)

    def resume(self, run_id: str, owner: str) -> dict[str, Any]:
        """Goes on with a run that was cancelled, interrupted or failed, or asks the questions again that failed.

        Raises `InputError` if there is nothing to go on with.
        """
        with self._lock:
            run = self.find(run_id, owner)
            folder = self._folder / run_id
            if run.state not in CONTINUED and not (run.state == "done" and headline(folder).get("failures")):
                raise InputError("This evaluation cannot be gone on with: it is running, waiting or done.")
            if len(self._waiting) >= MAX_WAITING:
                raise InputError("Too many evaluations are waiting; cancel one or come back later.")
            run = replace(run, state="waiting", message="")
            self._write(run)
            for name in REPORT_NAMES:  # of before; the end of the run writes them again
                (folder / OUT_NAME / name).unlink(missing_ok=True)
            self._enqueue(run_id)
            return self._shown(run)

    def cancel(self, run_id: str, owner: str) -> dict[str, Any]:
        """Stops a run as Ctrl-C does: what is done is kept. Returns at once; one that is over stays as it is."""
        with self._lock:
            run = self.find(run_id, owner)
            if run_id in self._waiting:
                self._waiting.remove(run_id)
                run = replace(run, state="cancelled")
                self._write(run)
            elif self._current is not None and self._current.run_id == run_id:
                self._current.interrupt("cancelled")
            return self._shown(run)

    def delete(self, run_id: str, owner: str) -> None:
        """Deletes a run with all of its files. Raises `InputError` while it is running or waiting."""
        with self._lock:
            if self.find(run_id, owner).state in ("running", "waiting"):
                raise InputError("This evaluation is running or waiting; cancel it first.")
            (self._folder / run_id / "run.json").unlink(missing_ok=True)  # what is left over is no run any more
            shutil.rmtree(self._folder / run_id, ignore_errors=True)

    def close(self) -> None:
        """Ends what is running, in order; it can be gone on with after the next start."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            current, worker = self._current, self._worker
            if current is not None:
                current.interrupt("interrupted", CLOSING_SECONDS)
            self._wanted.notify_all()
        if worker is not None:
            worker.join(CLOSING_SECONDS + 2)
        with self._lock:
            for run in self._records():
                if run.state in ("waiting", "running"):
                    self._write(replace(run, state="interrupted"))

    def _records(self) -> list[Run]:
        if not self._folder.is_dir():
            return []
        found = [read_record(entry) for entry in self._folder.iterdir() if RUN_ID.fullmatch(entry.name)]
        return [run for run in found if run is not None]

    def _write(self, run: Run) -> None:
        write_record(self._folder / run.run_id, run)

    def _shown(self, run: Run) -> dict[str, Any]:
        document = run.as_json()
        with self._lock:
            if self._current is not None and self._current.run_id == run.run_id:
                return {**document, **self._current.progress(run)}
            if run.run_id in self._waiting:
                document["before"] = self._waiting.index(run.run_id) + (self._current is not None)
        if run.state == "done":
            return {**document, "done": run.total, **headline(self._folder / run.run_id)}
        return {**document, "done": count_lines(self._folder / run.run_id / OUT_NAME / RESULTS_NAME)}

    def _enqueue(self, run_id: str) -> None:
        self._waiting.append(run_id)
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="dateline-evaluations", daemon=True)
            self._worker.start()
        self._wanted.notify_all()

    def _work(self) -> None:
        while True:
            with self._lock:
                while not self._waiting and not self._closed:
                    self._wanted.wait()
                if self._closed:
                    return
                run = read_record(self._folder / self._waiting.popleft())
                if run is None:
                    continue
                run = replace(run, state="running")
                try:
                    self._write(run)
                    process = self._current = Process(run.run_id, self._folder / run.run_id, self._command(run))
                except OSError as error:
                    _LOG.exception("An evaluation could not be started.")
                    with suppress(OSError):
                        self._write(replace(run, state="failed", message=f"It could not be started: {error}."))
                    continue
            state, message = process.wait()
            with self._lock:
                self._current = None
                with suppress(OSError):
                    self._write(replace(run, state=state, message=message, seconds=run.seconds + process.seconds))

    def _command(self, run: Run) -> list[str]:
        limit = [] if run.limit is None else ["--limit", str(run.limit)]
        library = [] if run.own_articles else ["--library", str(self._library_path)]
        return [
            *(sys.executable, "-P", "-c", self._entry, "eval", "run", f"{SET_FOLDER}/{run.set_file}"),
            *("--out", OUT_NAME, "--model", run.model, "-k", str(run.k), "--retry-failed"),
            *(*limit, *library, *self._arguments),
        ]
