"""One library through many writers that are killed: what was acknowledged is there, and nothing is half there.

    python tests/kill_trials.py [--trials 1000] [--seed 0] [--folder FOLDER]

Each trial starts a process that changes the library at random and kills it: at a random moment, before or after a
random change of a file, or with the power, which also takes what was not synced. Then the library is opened and
compared with the model, and with a look through all its articles; a process reads all the while. Ends with counts, and
exit code 1 after the first trial that fails, whose seed and number repeat it.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from faults import Failure, build, missing_reason
from fork_server import PATIENCE_SECONDS, ForkServer
from library_checks import check_whole
from made_changes import Change, Changer, Collection, marks_of, states

MODULES = ("faiss", "tantivy", "trial_processes")
CHANGES_A_TRIAL = 5
"""Changes that a writer makes unless it is killed before."""

UNDISTURBED = 3
"""Writers at the beginning that come to their end; from them it is known how long that takes."""

GONE_LOOKED_FOR = 4
"""Words of texts that are gone, looked for after each trial."""


@dataclass
class Summary:
    """What the trials did: kinds of kills with their number, changes acknowledged, and where the kills fell."""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    under_way: Counter[str] = field(default_factory=Counter)
    reader: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The summary as lines of text."""
        return [
            "kills: " + ", ".join(f"{kind} {count}" for kind, count in sorted(self.kills.items())),
            f"changes acknowledged, all there afterwards: {self.acknowledged}",
            "under way when the process died: " + ", ".join(f"{k} {n}" for k, n in sorted(self.under_way.items())),
            f"looks of the reader: {self.reader['looks']}, {self.reader['changes']} of them at a new state",
        ]


class Trials:
    """Trials with one library in `folder / "library"`. The same seed draws the same changes and the same kills."""

    def __init__(self, folder: Path, seed: int, faults: str | None) -> None:
        self.library = folder / "library"
        self.summary = Summary()
        self._folder = folder
        self._seed = seed
        self._faults = faults
        self._held: Collection = {}
        self._gone: list[str] = []
        self._changer = Changer(Random(f"{seed}/changes"), folder)
        self._seconds = 0.5
        self._calls = 400

    def run(self, trials: int) -> None:
        """Makes the trials, and reads all the while. Raises `AssertionError` naming the trial that failed."""
        with ForkServer(*MODULES) as writers, ForkServer(*MODULES) as readers:
            for number in range(trials):
                try:
                    self._watched_trial(writers, readers, number)
                except Exception as error:
                    raise AssertionError(f"Trial {number} with seed {self._seed}: {error}") from error

    def _watched_trial(self, writers: ForkServer, readers: ForkServer, number: int) -> None:
        random = Random(f"{self._seed}/{number}")
        kind = random.choice(["moment", "moment", "before", "after", "power"] if self._faults else ["moment"])
        if number < UNDISTURBED:
            kind = "none"
        if kind == "power":
            # It takes the readers with it: nobody has the files open when they become what was synced.
            self._trial(writers, random, kind)
            return
        stop = self._folder / "stop"
        stop.unlink(missing_ok=True)
        readers.start("trial_processes:read_meanwhile", path=str(self.library), stop=str(stop))
        try:
            self._trial(writers, random, kind)
        finally:
            stop.touch()
            ended = readers.wait()
        assert ended.code == 0, f"the reader failed:\n{ended.stderr}"
        self.summary.reader.update(ended.result)

    def _trial(self, writers: ForkServer, random: Random, kind: str) -> None:
        changes = self._draw_changes()
        acknowledged, shadow = self._folder / "acknowledged", self._folder / "shadow"
        acknowledged.unlink(missing_ok=True)
        shutil.rmtree(shadow, ignore_errors=True)
        shadow.mkdir()
        before = _contents(self.library) if kind == "power" else {}
        fault = None
        if self._faults and kind != "moment":
            failure = {"none": Failure.COUNT, "after": Failure.KILL_AFTER}.get(kind, Failure.KILL_BEFORE)
            nth = random.randint(1, int(self._calls * 1.1))
            log = self._folder / "log"
            log.unlink(missing_ok=True)
            fault = {"library": self._faults, "kind": failure, "nth": nth, "log": str(log)}
            fault["shadow"] = str(shadow) if kind == "power" else ""
        began = time.monotonic()
        ended = writers.call(
            "trial_processes:make_changes",
            kill_after=random.uniform(0, 1.15 * self._seconds) if kind == "moment" else PATIENCE_SECONDS,
            path=str(self.library),
            changes=changes,
            acknowledged=str(acknowledged),
            fault=fault,
        )
        assert ended.was_killed or ended.code == 0, f"the writer failed:\n{ended.stderr}"
        if ended.code == 0:
            self._seconds = 0.7 * self._seconds + 0.3 * (time.monotonic() - began)
            if kind == "none" and self._faults:
                self._calls = len((self._folder / "log").read_text().splitlines())
        elif kind == "power":
            _cut_power(self.library, before, shadow)
        self.summary.kills[kind if ended.was_killed else "none, it came to its end"] += 1
        said = acknowledged.read_text().split() if acknowledged.exists() else []
        self._check(changes, said)

    def _draw_changes(self) -> list[Change]:
        changes, held = [], self._held
        for _ in range(CHANGES_A_TRIAL):
            change = self._changer.draw(held)
            held = states(held, change)[-1]
            changes.append(change)
        return changes

    def _check(self, changes: list[Change], said: list[str]) -> None:
        """Compares the library with the model: all that was acknowledged, and of the next change a state of it."""
        done = sum(word.isdigit() for word in said)
        assert said == ["open", *map(str, range(len(changes))), "closed"][: len(said)]
        held, marks = self._held, marks_of(self._held)
        for change in changes[:done]:
            held = states(held, change)[-1]
            marks |= marks_of(held)
        allowed = states(held, changes[done]) if done < len(changes) else [held]
        for state in allowed:
            marks |= marks_of(state)
        if not said and not (self.library / "library.sqlite").exists():
            assert not held, "the library is gone"
            return
        # A text comes back where its record is indexed again.
        may_be_there = set().union(*map(marks_of, allowed))
        found = check_whole(self.library, [word for word in self._gone if word not in may_be_there][-GONE_LOOKED_FOR:])
        assert found in allowed, _difference(found, allowed)
        self._held = found
        self._gone = [word for word in (*self._gone, *sorted(marks)) if word not in marks_of(found)]
        self.summary.acknowledged += done
        self.summary.under_way["closing" if done == len(changes) else changes[done]["kind"]] += 1


def _contents(folder: Path) -> dict[int, bytes]:
    return {file.stat().st_ino: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def _cut_power(folder: Path, before: dict[int, bytes], shadow: Path) -> None:
    """Gives each file the content that it had at its last sync; names are as the process left them."""
    for file in folder.rglob("*"):
        if file.is_file():
            inode = file.stat().st_ino
            synced = shadow / str(inode)
            file.write_bytes(synced.read_bytes() if synced.exists() else before.get(inode, b""))


def _difference(found: Collection, allowed: list[Collection]) -> str:
    lines = []
    for number, state in enumerate(allowed):
        missing, extra = sorted(state.keys() - found.keys()), sorted(found.keys() - state.keys())
        other = sorted(origin for origin in state.keys() & found.keys() if state[origin] != found[origin])
        lines.append(f"state {number} has {missing} more, {extra} less, and {other} with another text")
    return "the library holds none of the states that it may hold: " + "; ".join(lines)


def main() -> int:
    """Makes the trials that the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="kept afterwards; by default a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        reason = missing_reason()
        if reason is not None:
            sys.stdout.write(f"Killed at random moments only: {reason}\n")
        trials = Trials(folder, options.seed, None if reason else build(folder))
        try:
            trials.run(options.trials)
        except AssertionError as error:
            sys.stdout.write(f"{error}\n")
            return 1
        finally:
            sys.stdout.write("\n".join(trials.summary.lines()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
