"""Every system call that changes a library's folder fails once: the state is the one before or the one after.

    python tests/fault_trials.py [--scenario NAME...] [--failure NAME...] [--every 1] [--offset 0]

A scenario is a command that changes a library. It is run once to count its system calls, then for each number and each
kind of failure once more, on a fresh copy of the library. Afterwards the library holds what it held before or what it
should hold after; an error was one plain line; what was reported as done is there; and the next run succeeds. Ends with
a table of counts, and exit code 1 if anything was wrong.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes import BagOfWordsEncoder
from faults import Failure, build, missing_reason
from fork_server import Ended, ForkServer
from library_checks import check_whole
from old_libraries import OLDEST, copy_old_library, held_by_old_libraries
from trial_processes import DATABASE_PREFIX, LOCK

from index.errors import LibraryNotFoundError
from index.ingest import index_paths
from index.library import Library

SAID = 500
"""Characters of what a command said, its last ones, that a failure is reported with."""

MODULES = ("faiss", "tantivy", "ui.cli", "trial_processes", "index.ingest", "index.encoder")

Held = dict[str, tuple[str, str]]

FAILURES = [failure for failure in Failure if failure is not Failure.COUNT]

TEXTS = {
    "a.txt": "Russia vetoed the resolution in May. China vetoed it as well. Nobody else was against it. marka1q.",
    "b.txt": "The harbour raised its tariff. Ships left the harbour for Tarrow, and few of them came back. markb2q.",
    "c.txt": "A late vote ended the talks. The ambassador resigned, and the council will meet again. markc3q.",
}
LATER = {
    "d.txt": "The bridge was closed after the flood. It will be opened in May. markd4q.",
    "e.txt": "A strike ended. The minister said that the harvest had failed. marke5q.",
}


@dataclass(frozen=True)
class Scenario:
    """A command that changes a library in `folder`, which does not exist if the command makes it.

    `states` are what the library may hold meanwhile, first what it held before, last what it holds after.
    `repeated` is what is run afterwards and has to succeed.
    """

    folder: Path
    arguments: list[str]
    states: list[Held]
    repeated: list[str]


def _write_news(folder: Path, texts: dict[str, str]) -> Path:
    news = folder / "news"
    news.mkdir(exist_ok=True)
    for name, text in texts.items():
        (news / name).write_text(text)
    return news


def _held(path: Path) -> Held:
    return check_whole(path) if path.exists() else {}


def _indexed(folder: Path, texts: dict[str, str]) -> tuple[Path, Path]:
    """A closed library of the texts, and the folder of their files."""
    news, path = _write_news(folder, texts), folder / "library"
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        index_paths(library, [str(news)])
    return path, news


def _prefixes(before: Held, after: Held) -> list[Held]:
    """The states between two: articles are changed in the order of their origins, in batches of any size."""
    found = [before]
    for origin in sorted(after):
        if found[-1].get(origin) != after[origin]:
            found.append({**found[-1], origin: after[origin]})
    return found


def _after(folder: Path, path: Path, news: Path) -> Held:
    """What a copy of the library holds when the news are indexed without any failure."""
    copied = folder / "expected"
    if path.exists():
        shutil.copytree(path, copied)
    with Library.open_for_writing(copied, BagOfWordsEncoder()) as library:
        index_paths(library, [str(news)])
    return check_whole(copied)


def _indexing(folder: Path, path: Path, news: Path) -> Scenario:
    command = ["index", str(news), "--library"]
    return Scenario(path, command, _prefixes(_held(path), _after(folder, path, news)), command)


def create(folder: Path) -> Scenario:
    """The first articles, into a folder that does not exist."""
    return _indexing(folder, folder / "library", _write_news(folder, TEXTS))


def add(folder: Path) -> Scenario:
    """Two more articles."""
    path, news = _indexed(folder, TEXTS)
    _write_news(folder, LATER)
    return _indexing(folder, path, news)


def update(folder: Path) -> Scenario:
    """Two articles have other words."""
    path, news = _indexed(folder, TEXTS)
    _write_news(folder, {"a.txt": f"It was a draft. {TEXTS['a.txt']}", "c.txt": LATER["d.txt"]})
    return _indexing(folder, path, news)


def remove(folder: Path) -> Scenario:
    """Two of three articles are removed, in one commit."""
    path, news = _indexed(folder, TEXTS)
    before = _held(path)
    gone = [str(news / name) for name in ("a.txt", "c.txt")]
    with Library.open(path, BagOfWordsEncoder()) as library:
        identifiers = [library.origins()[origin] for origin in gone]
    after = {origin: one for origin, one in before.items() if origin not in gone}
    command = ["articles", "remove", *identifiers, "--library"]
    return Scenario(path, command, [before, after], ["doctor", "--repair", "--library"])


def rebuild(folder: Path) -> Scenario:
    """The derived files are gone or damaged and made again."""
    path, _ = _indexed(folder, TEXTS)
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.name.startswith((DATABASE_PREFIX, LOCK)):
            os.truncate(file, file.stat().st_size // 2)
    before = _held(path)
    command = ["doctor", "--repair", "--library"]
    return Scenario(path, command, [before, before], command)


def upgrade(folder: Path) -> Scenario:
    """A library of the oldest version gets two more articles."""
    path = copy_old_library(OLDEST, folder / "library")
    assert _held(path) == held_by_old_libraries()
    return _indexing(folder, path, _write_news(folder, LATER))


SCENARIOS: dict[str, Callable[[Path], Scenario]] = {
    function.__name__: function for function in (create, add, update, remove, rebuild, upgrade)
}


class FaultTrials:
    """The runs of one scenario in `folder`; `faults` is the compiled library."""

    def __init__(self, folder: Path, name: str, faults: str, server: ForkServer) -> None:
        folder.mkdir()
        self.scenario = SCENARIOS[name](folder)
        self.calls: list[str] = []
        """The system calls that the command makes in the folder when nothing fails."""
        self._folder = folder
        self._faults = faults
        self._server = server
        self._work = folder / "work"
        ended = self._run(Failure.COUNT, 0)
        assert ended.code == 0, ended.stderr
        self.calls = (folder / "log").read_text().splitlines()
        self._check(ended, Failure.COUNT)

    def trial(self, failure: Failure, nth: int) -> str:
        """Lets the `nth` call fail, checks everything; returns what became of the command: done, refused or killed.

        Raises `AssertionError` that says which call failed and what is wrong.
        """
        try:
            ended = self._run(failure, nth)
            self._check(ended, failure)
        except Exception as error:
            log = self._folder / "log"
            where = log.read_text().strip() if log.exists() else "none"
            raise AssertionError(f"{failure.name} at call {nth} of {len(self.calls)} ({where}): {error}") from error
        return "killed" if ended.was_killed else "done" if ended.code == 0 else "refused"

    def _run(self, failure: Failure, nth: int) -> Ended:
        shutil.rmtree(self._work, ignore_errors=True)
        if self.scenario.folder.exists():
            shutil.copytree(self.scenario.folder, self._work)
        log = self._folder / "log"
        log.unlink(missing_ok=True)
        fault = {"library": self._faults, "kind": failure, "nth": nth, "log": str(log)}
        return self._command(self.scenario.arguments, fault)

    def _command(self, arguments: list[str], fault: dict[str, Any] | None = None) -> Ended:
        whole = [*arguments, str(self._work)]
        return self._server.call("trial_processes:run_command", arguments=whole, folder=str(self._work), fault=fault)

    def _check(self, ended: Ended, failure: Failure) -> None:
        said = f"exit code {ended.code}, stdout {ended.stdout!r}, stderr {ended.stderr[-SAID:]!r}"
        assert ended.code in (0, 1) or (ended.was_killed and failure.kills), said
        if ended.code == 1:
            is_one_line = ended.stderr.startswith("Error: ") and ended.stderr.count("\n") == 1 and not ended.stdout
            is_finding = self.scenario.arguments[0] == "doctor" and not ended.stderr and "WRONG" in ended.stdout
            assert is_one_line or is_finding, said
        elif ended.code == 0:
            assert not ended.stderr, said
        states = self.scenario.states
        found = self._found()
        assert found in states, f"the library holds {sorted(found)}; {said}"
        assert ended.code != 0 or found == states[-1], f"reported as done and not there: {said}"
        again = self._command(self.scenario.repeated)
        said = f"the next run: exit code {again.code}, stdout {again.stdout!r}, stderr {again.stderr[-SAID:]!r}"
        assert (again.code, again.stderr) == (0, ""), said
        with Library.open(self._work, BagOfWordsEncoder()) as library:
            wrong = [finding for finding in library.check() if not finding.ok]
            assert not wrong, wrong
        if self.scenario.repeated == self.scenario.arguments:
            found = states[-1]
        assert check_whole(self._work) == found, said

    def _found(self) -> Held:
        try:
            return check_whole(self._work)
        except LibraryNotFoundError:
            return {}


def run_all(
    names: Iterable[str], failures: Iterable[Failure], faults: str, every: int, offset: int
) -> Counter[tuple[str, str, str]]:
    """Runs scenarios at every so-many-th call and prints what is wrong; returns counts by all three."""
    counts: Counter[tuple[str, str, str]] = Counter()
    with ForkServer(*MODULES) as server, tempfile.TemporaryDirectory() as folder:
        for name in names:
            trials = FaultTrials(Path(folder) / name, name, faults, server)
            for kind, failure in enumerate(failures):
                for nth in range(1 + (offset + kind) % every, len(trials.calls) + 1, every):
                    try:
                        outcome = trials.trial(failure, nth)
                    except AssertionError as error:
                        outcome = "WRONG"
                        sys.stdout.write(f"WRONG {name}: {error}\n")
                        sys.stdout.flush()
                    counts[name, failure.name, outcome] += 1
    return counts


def main() -> int:
    """Runs what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--scenario", nargs="*", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--failure", nargs="*", choices=[f.name for f in FAILURES], default=[f.name for f in FAILURES])
    parser.add_argument("--every", type=int, default=1, help="only every so-many-th call")
    parser.add_argument("--offset", type=int, default=0)
    options = parser.parse_args()
    reason = missing_reason()
    if reason is not None:
        sys.stdout.write(f"{reason}\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        faults = build(Path(folder))
        failures = [Failure[name] for name in options.failure]
        counts = run_all(options.scenario, failures, faults, options.every, options.offset)
    for (name, failure, outcome), count in sorted(counts.items()):
        sys.stdout.write(f"{name:8} {failure:12} {outcome:8} {count}\n")
    return 1 if any(outcome == "WRONG" for _, _, outcome in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
