"""What the processes of the trials do: one makes changes until it is killed, others read meanwhile.

Run by `fork_server`; the functions take and return JSON.
"""

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from fakes import BagOfWordsEncoder
from faults import Fault
from inline_reading import read_inline
from library_checks import ALL, EVERYTHING
from made_changes import PAIR_WORD, PAIRS

from index import ingest
from index.library import Library
from index.types import Article, Metadata

DATABASE_PREFIX = "library.sqlite"
LOCK = "writer.lock"

PAUSE_SECONDS = 0.03
"""Between two looks of a reader, so that it leaves the processor to the writers that it watches."""


def make_changes(
    path: str, changes: list[dict[str, Any]], acknowledged: str, fault: dict[str, Any] | None = None, die: bool = False
) -> None:
    """Makes changes one after the other. After each has returned, its number is in the file `acknowledged`.

    With `die` the process is killed before it closes the library.
    """
    if fault is not None:
        read_inline()
        Fault(**fault).arm(Path(path))
    log = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def acknowledge(what: str) -> None:
        os.write(log, f"{what}\n".encode())
        os.fsync(log)

    library = Library.open_for_writing(Path(path), BagOfWordsEncoder())
    acknowledge("open")
    for number, change in enumerate(changes):
        library = _make(library, change)
        acknowledge(str(number))
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    library.close()
    acknowledge("closed")


def _make(library: Library, change: dict[str, Any]) -> Library:
    """Makes one change; returns the library, which may have been closed and opened again."""
    kind = change["kind"]
    if kind == "put":
        articles = [
            (Article.from_text(text, Metadata(title=title), origin), "digest")
            for origin, title, text in change["articles"]
        ]
        library.put(articles)
    elif kind == "index":
        _index(library, change)
    elif kind == "forget":
        library.remove_origins(change["origins"])
    elif kind == "remove":
        library.remove(sorted({library.origins()[origin] for origin in change["origins"]}))
    elif kind == "derived":
        library.write_derived()
    elif kind == "repair":
        assert all(finding.ok for finding in library.repair())
    elif kind == "rebuild":
        _damage_a_derived_file(library.path)
        assert all(finding.ok for finding in library.repair())
    elif kind == "search":
        for search in (library.dense, library.keyword, library.keyword_articles):
            search("the harbour", 5, ALL)
    elif kind == "reopen":
        library.close()
        return Library.open_for_writing(library.path, BagOfWordsEncoder())
    return library


def _index(library: Library, change: dict[str, Any]) -> None:
    news = Path(change["path"])
    unfinished = news.with_suffix(".part")
    unfinished.write_text(change["content"])
    unfinished.replace(news)
    # So that one run makes several commits; where there is no such setting, a run is one batch.
    vars(ingest).update({name: change["batch"] for name in ("BATCH_CHARACTERS",) if name in vars(ingest)})
    report = ingest.index_paths(library, [str(news)], prune=change["prune"])
    assert not report.failed, report.failed


def _damage_a_derived_file(path: Path) -> None:
    files = sorted(
        (file for file in path.rglob("*") if file.is_file() and not file.name.startswith((DATABASE_PREFIX, LOCK))),
        key=lambda file: (file.stat().st_size, file.name),
    )
    if files:
        os.truncate(files[-1], files[-1].stat().st_size // 2)


def read_meanwhile(path: str, stop: str) -> dict[str, int]:
    """Looks at a library over and over until the file `stop` is there. Both halves of each pair are seen in the same
    version, whatever writers do; a half that is missing or of another version is an error."""
    looks = changes = 0
    last: object = None
    encoder = BagOfWordsEncoder()
    while not Path(stop).exists():
        if not (Path(path) / DATABASE_PREFIX).is_file():
            continue
        with Library.open(Path(path), encoder) as library:
            for _ in range(10):
                titles: dict[str, int] = {}
                listing = library.articles()
                for summary in listing:
                    for origin in summary.origins:
                        if origin.startswith(("/pair/", "/copy/")):
                            titles[origin[:-1]] = titles.get(origin[:-1], 0) + 1
                assert set(titles.values()) <= {2}, f"half a pair is listed: {titles}"
                pair = looks % PAIRS
                word = f"{PAIR_WORD}{pair}"
                for hits in (library.keyword(word, EVERYTHING, ALL), library.dense(word, EVERYTHING, ALL)):
                    first = [
                        hit.passage
                        for hit in hits
                        if hit.passage.start == 0 and hit.passage.text.startswith(f"{word} ")
                    ]
                    versions = Counter(passage.text.split()[1] for passage in first)
                    assert set(versions.values()) <= {2}, f"half a pair is found: {versions}"
                changes += listing != last
                last = listing
                looks += 1
                time.sleep(PAUSE_SECONDS)
    return {"looks": looks, "changes": changes}


def run_command(arguments: list[str], folder: str, fault: dict[str, Any] | None = None) -> None:
    """Runs `dateline` as its entry point does, with the bag-of-words encoder; ends the process with its exit code.

    The fault is met in `folder`, the library's.
    """
    from ui.cli import dateline
    from ui.options import Parts

    if fault is not None:
        read_inline()
        Fault(**fault).arm(Path(folder))
    dateline.main(arguments, prog_name="dateline", obj=Parts(encoder=BagOfWordsEncoder()))
