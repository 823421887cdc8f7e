"""Every kind of file in a library's folder is damaged in many ways: it is noticed, and no answer is ever wrong.

    python tests/damage_trials.py [--mutations 500] [--kind NAME...] [--seed 0]

After each damage the library is opened, searched, asked and read in a process of its own. What comes out is exactly
what came out before, or an error of Dateline's; and the check names damage unless every row is as it was. Then it is
repaired: derived files are as good as new; of a database, every article that is left is exactly what it was, and what
was lost is named. Ends with a table, and exit code 1 if anything was wrong.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fakes import BagOfWordsEncoder
from fork_server import ForkServer
from made_changes import Changer
from mutations import AT_RANDOM, ONCE, Around, Mutation
from trial_processes import DATABASE_PREFIX, LOCK

from index.library import Library
from index.types import Article, Metadata

MODULES = ("faiss", "tantivy", "damage_processes", "rag.answering", "ui.cli", "ui.doctor")

CLOSED, OPEN, EDITED = "closed", "copied while it was written", "after removals"
"""The states that a library is damaged in: ended in order, with its last commits in SQLite's log, or with search files
that were changed and not made anew."""

BY_SCORE = ("keyword", "articles by keyword", "hybrid", "ask")
"""Results that the states after removals and changes are not compared by. A keyword index counts words of what was
removed until it is made anew, which it is where it is damaged; then the scores are others and all that is found is the
same."""

NO_CONTENT = (LOCK, ".lock", ".managed.json", "-shm", "generation.json")
"""Ends of the names of files that hold nothing of the collection, so that nobody need notice if they are others. A note
of how far the library had come may be behind, as a crash leaves it."""


@dataclass(frozen=True)
class Kind:
    """Files that are damaged alike: their paths in the folder of a library in one of the two states."""

    name: str
    state: str
    files: tuple[str, ...]

    @property
    def is_database(self) -> bool:
        """True for SQLite's files, false for what is derived from them."""
        return self.files[0].startswith(DATABASE_PREFIX)

    @property
    def may_go_unnoticed(self) -> bool:
        """True for files without content."""
        return self.files[0].endswith(NO_CONTENT)


def _write(path: Path, seed: str, count: int) -> Library:
    """A library of made articles, with one that takes many pages; still open for writing."""
    changer = Changer(Random(seed), path)
    library = Library.open_for_writing(path, BagOfWordsEncoder())
    articles = []
    for number in range(count):
        text = changer.text() if number else " ".join(changer.text() for _ in range(12))
        known = Metadata(f"Title {number}", "TASS", None, "A. Writer", f"2017-06-{number + 1:02}", None)
        articles.append((Article.from_text(text, known, f"/news/{seed}-{number}.txt"), "digest"))
    library.put(articles)
    return library


def _add(library: Library, text: str, origin: str) -> None:
    library.put([(Article.from_text(text, Metadata(title="Late"), origin), "digest")])


def make_libraries(folder: Path) -> None:
    """Writes the libraries that are damaged, and those whose files take their place: an older state and another."""
    _write(folder / "other", "other", 4).close()
    path = folder / CLOSED
    library = _write(path, "damaged", 5)
    library.write_derived()
    shutil.copytree(path, folder / "older")
    _add(library, "The ambassador resigned in May. marklate1q.", "/news/late.txt")
    library.remove_origins(["/news/damaged-3.txt"])
    library.close()
    # The same with the last two commits in the log only.
    library = Library.open_for_writing(path, BagOfWordsEncoder())
    _add(library, "The harbour pilots voted in May. marklog1q.", "/news/log1.txt")
    _add(library, "A strike ended late. marklog2q.", "/news/log2.txt")
    library.write_derived()
    shutil.copytree(path, folder / OPEN)
    library.close()
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.remove_origins(["/news/log1.txt"])
    shutil.copytree(path, folder / EDITED)
    for file in path.rglob("*"):
        if file.is_file() and not file.name.startswith((DATABASE_PREFIX, LOCK)):
            file.unlink()
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.repair()


def kinds_of(folder: Path) -> list[Kind]:
    """The kinds of files in the libraries; after removals only those that are nowhere else."""
    found: dict[tuple[str, str], list[str]] = {}
    for state in (CLOSED, OPEN, EDITED):
        for file in sorted((folder / state).rglob("*")):
            path = file.relative_to(folder / state)
            if not file.is_file() or (state == OPEN and not path.name.startswith(DATABASE_PREFIX)):
                continue
            if state != EDITED or (kind_name(path), CLOSED) not in found:
                found.setdefault((kind_name(path), state), []).append(str(path))
    return [Kind(name, state, tuple(files)) for (name, state), files in sorted(found.items())]


def kind_name(path: Path) -> str:
    """The name of the kind of a file, by its path in the library: the part of it that is not drawn anew or counted."""
    tail = path.suffix if len(path.parts) > 1 and not path.name.startswith(("meta", ".")) else path.name
    parts = [*(part.split("_")[0] for part in path.parts[:-1]), tail]
    return "/".join(re.sub(r"-?\d+", "", part) for part in parts)


class DamageTrials:
    """Trials on copies of the libraries in `folder`, which `make_libraries` has written."""

    def __init__(self, folder: Path, server: ForkServer) -> None:
        self._folder = folder
        self._server = server
        self._work = folder / "work"
        self._undamaged: dict[str, dict[str, Any]] = {}
        self._originals: dict[str, dict[str, Any]] = {}
        for state in (CLOSED, OPEN, EDITED):
            self._copy(state)
            seen = self._call("look")
            assert all(outcome[0] == "ok" for outcome in seen["outcomes"].values()), seen
            assert seen["rows"] is not None
            assert all(ok for _, ok, _ in seen["findings"][1]), seen["findings"]
            self._undamaged[state] = seen
            with Library.open(self._work, BagOfWordsEncoder()) as library:
                articles = {one.article_id: library.article(one.article_id) for one in library.articles()}
            self._originals[state] = {
                origin: [article.title, article.text, identifier]
                for identifier, article in articles.items()
                for origin in article.origins
            }

    def trial(self, kind: Kind, mutation: Mutation, random: Random) -> str:
        """Damages one file; returns `noticed`, `harmless`, or what was wrong, which begins with `WRONG` or `CRASH`."""
        self._copy(kind.state)
        name = random.choice(kind.files)
        file, around = self._work / name, self._around(name)
        before = file.read_bytes()
        mutation(file, random, around)
        if file.is_file() and file.read_bytes() == before:
            return "not possible"
        seen = self._server.call("damage_processes:look", path=str(self._work))
        if seen.code != 0:
            return f"CRASH while it was read: exit code {seen.code}, {seen.stderr[-300:]}"
        verdict = self._judge(kind, seen.result)
        if not verdict.startswith(("noticed", "harmless")):
            return verdict
        return self._mend(kind) or verdict

    def _judge(self, kind: Kind, seen: dict[str, Any]) -> str:
        undamaged = self._undamaged[kind.state]
        steps = {"open": seen["open"], **seen["outcomes"], "check": seen["findings"]}
        for step, (result, value) in steps.items():
            if result == "crashed":
                return f"CRASH at {step}: {value}"
            if result == "refused" and step in seen["outcomes"] and not value:
                return f"WRONG at {step}: an error that says nothing"
        for step, (result, value) in seen["outcomes"].items():
            if kind.state in (EDITED, OPEN) and step in BY_SCORE:
                continue
            if result == "ok" and value != undamaged["outcomes"][step][1]:
                return f"WRONG at {step}: another result and no error"
        is_named = seen["findings"][0] == "refused" or any(not ok for _, ok, _ in seen["findings"][1])
        if is_named:
            return "noticed"
        refused = [step for step, (result, _) in steps.items() if result == "refused"]
        if refused:
            return f"WRONG at the check: it finds nothing, though {refused[0]} was refused"
        if kind.is_database and seen["rows"] != undamaged["rows"]:
            return "WRONG at the check: it finds nothing, and rows differ"
        if not kind.is_database and not kind.may_go_unnoticed:
            return "WRONG at the check: it finds nothing in a derived file that is another"
        return "harmless"

    def _mend(self, kind: Kind) -> str | None:
        """Repairs the library and uses it; what was wrong, `None` if nothing was."""
        mended = self._server.call("damage_processes:repair", path=str(self._work))
        if mended.code != 0:
            return f"CRASH in the repair: exit code {mended.code}, {mended.stderr[-300:]}"
        result, findings = mended.result
        if result == "crashed":
            return f"CRASH in the repair: {findings}"
        said = findings if result == "refused" else " ".join(message for _, _, message in findings)
        is_mended = result == "ok" and all(ok for _, ok, _ in findings)
        if not is_mended:
            # Something in the place of a lock is for the user to take away; a database may be past mending.
            return (
                None
                if kind.is_database or kind.may_go_unnoticed
                else f"WRONG in the repair: a derived file is not mended: {said}"
            )
        used = self._server.call("damage_processes:after_repair", path=str(self._work))
        if used.code != 0:
            return f"CRASH after the repair: exit code {used.code}, {used.stderr[-300:]}"
        result, held = used.result
        if result == "refused" and kind.may_go_unnoticed:
            return None
        if result != "ok":
            return f"WRONG after the repair: {held}"
        originals = self._originals[kind.state]
        altered = [origin for origin, one in held.items() if originals.get(origin) != one]
        if altered:
            return f"WRONG after the repair: {altered} are none of the originals"
        lost = {origin: one[2] for origin, one in originals.items() if origin not in held}
        if lost and not kind.is_database:
            return f"WRONG after the repair: {sorted(lost)} are lost"
        if any(origin not in said and identifier not in said for origin, identifier in lost.items()):
            return f"WRONG after the repair: {sorted(lost)} are lost and not all named: {said}"
        return None

    def _around(self, name: str) -> Around:
        def like_it(library: Path) -> Path:
            # Where names are drawn anew, another of the same kind is taken.
            files = [file for file in sorted(library.rglob("*")) if kind_name(file.relative_to(library)) == wanted]
            return library / name if (library / name).exists() or not files else files[0]

        wanted = kind_name(Path(name))
        return Around(like_it(self._folder / "older"), like_it(self._folder / "other"))

    def _copy(self, state: str) -> None:
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(self._folder / state, self._work)

    def _call(self, name: str) -> Any:
        ended = self._server.call(f"damage_processes:{name}", path=str(self._work))
        assert ended.code == 0, ended.stderr
        return ended.result


def run_all(mutations: int, only: list[str] | None, seed: int) -> dict[Kind, Counter[str]]:
    """So many mutations of each kind of file; prints what is wrong; returns counts of verdicts by kind."""
    counts: dict[Kind, Counter[str]] = {}
    with ForkServer(*MODULES) as server, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_libraries(folder)
        trials = DamageTrials(folder, server)
        for kind in kinds_of(folder):
            if only and kind.name not in only:
                continue
            verdicts = counts.setdefault(kind, Counter())
            for number in range(mutations):
                random = Random(f"{seed}/{kind.state}/{kind.name}/{number}")
                mutation = ONCE[number] if number < len(ONCE) else random.choice(AT_RANDOM)
                verdict = trials.trial(kind, mutation, random)
                word = verdict.split()[0] if verdict.startswith(("WRONG", "CRASH")) else verdict
                verdicts[word] += 1
                if word in ("WRONG", "CRASH"):
                    sys.stdout.write(f"{kind.name} ({kind.state}), {mutation.__name__}, number {number}: {verdict}\n")
                    sys.stdout.flush()
    return counts


def main() -> int:
    """Runs what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mutations", type=int, default=500, help="of each kind of file")
    parser.add_argument("--kind", nargs="*", help="only these kinds, as the table names them")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts = run_all(options.mutations, options.kind, options.seed)
    words = ("noticed", "harmless", "not possible", "WRONG", "CRASH")
    sys.stdout.write(f"{'file':34} {'library':28}" + "".join(f"{word:>13}" for word in words) + "\n")
    for kind, verdicts in counts.items():
        sys.stdout.write(f"{kind.name:34} {kind.state:28}" + "".join(f"{verdicts[word]:13}" for word in words) + "\n")
    return 1 if any(verdicts["WRONG"] + verdicts["CRASH"] for verdicts in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
