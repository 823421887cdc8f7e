"""The process of one evaluation: how far it is, how it is ended, and what it said at last."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from eval.gold import ADVICE
from eval.manifest import ADVICE as FOLDER_ADVICE
from eval.results import RESULTS_NAME
from ui.evaluation_record import OUT_NAME, Run, State

POLL_SECONDS = 0.2
"""How often is looked at what a run has done."""

STOP_SECONDS = 10.0
"""How long a run that was interrupted may take to end in order; a question of it takes seconds at most."""

INTERRUPTED_EXIT = 130

SET_FOLDER = "set"
LOG_NAME = "run.log"

_MESSAGE_BYTES = 8_192
"""Of what the command said at last, the part that is read."""

_ADVICE = {
    ADVICE: "Mend the set, add the articles to the library, or choose another set.",
    FOLDER_ADVICE: "begin a new evaluation",
    f"'{SET_FOLDER}/": "'",
}
"""What a sentence of the command line says, and what the page says in its place."""


class Process:
    """The process of a run."""

    def __init__(self, run_id: str, folder: Path, command: Sequence[str]) -> None:
        self.run_id = run_id
        self._results = folder / OUT_NAME / RESULTS_NAME
        self._log = folder / LOG_NAME
        self._begun = time.monotonic()
        self._ended: float | None = None
        self._first: tuple[float, int] | None = None
        self._stop: tuple[State, float] | None = None
        self.done = count_lines(self._results)
        path = os.pathsep.join(entry for entry in sys.path if entry)
        with self._log.open("wb") as log:
            # In a session of its own: a Ctrl-C at the terminal is the server's, which then ends this in order.
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path},
            )

    @property
    def seconds(self) -> float:
        return (self._ended or time.monotonic()) - self._begun

    def interrupt(self, state: State, patience: float = STOP_SECONDS) -> None:
        """Ends the run in order, or after `patience` seconds at once; `state` is what it is then."""
        if self._stop is None or state == "interrupted":
            self._stop = (state, time.monotonic() + patience)
            with suppress(OSError):
                cast(Any, self._process.stdin).close()  # see ui.evaluation_child

    def wait(self) -> tuple[State, str]:
        """Waits for the end; the state of the run then, and what there is to say about it."""
        while True:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout=POLL_SECONDS)
                break
            self._count()
            if self._stop is not None and time.monotonic() > self._stop[1]:
                self._process.kill()
        with suppress(OSError):
            cast(Any, self._process.stdin).close()
        self._ended = time.monotonic()
        reported = (self._results.parent / "report.html").exists()
        if code == 0 or (code == 1 and reported):
            return "done", ""
        if self._stop is not None:
            return self._stop[0], ""
        if code in (INTERRUPTED_EXIT, -signal.SIGINT):
            return "interrupted", ""
        return "failed", last_words(self._log) or f"The run ended without a word (exit code {code})."

    def progress(self, run: Run) -> dict[str, Any]:
        """Questions done, seconds so far, and seconds left, `None` while nobody can tell."""
        left = None
        if self._first is not None and self.done > self._first[1]:
            each = (time.monotonic() - self._first[0]) / (self.done - self._first[1])
            left = round(each * max(run.total - self.done, 0), 1)
        return {
            "state": "running",
            "done": min(self.done, run.total),
            "seconds": round(run.seconds + self.seconds, 1),
            "seconds_left": left,
            "stopping": self._stop is not None,
        }

    def _count(self) -> None:
        done = count_lines(self._results)
        if self._first is None and done > self.done:
            self._first = (time.monotonic(), done)
        self.done = done


def count_lines(path: Path) -> int:
    """The whole lines of a file, 0 if there is none: the questions that are done."""
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return 0


def last_words(log: Path) -> str:
    """The sentence with which the command ended, without what only its command line can do about it."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _MESSAGE_BYTES))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    said = next((line for line in reversed(lines) if line.startswith("Error: ")), lines[-1] if lines else "")
    said = said.removeprefix("Error: ")
    if "holds the results of another run" in said:
        return "Dateline, the set or the library has changed since this evaluation was begun; begin a new one."
    for words, ours in _ADVICE.items():
        said = said.replace(words, ours)
    return said
