"""What the processes of the damage trials do: they look at a damaged library, or repair it, and may crash."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command_line import run
from fakes import BagOfWordsEncoder
from library_checks import ALL, EVERYTHING, QUERIES, check_searches, collection
from trial_processes import DATABASE_PREFIX

from index.errors import DatelineError
from index.library import Library
from index.types import Article, Hit, Metadata
from rag.answering import ask
from rag.retrieval import retrieve
from rag.types import Question

Outcome = list[Any]
"""`["ok", result]`, or `["refused", message]` for an error of ours, or `["crashed", type and message]`."""


def _try(step: Callable[[], Any]) -> Outcome:
    try:
        return ["ok", step()]
    except DatelineError as error:
        return ["refused", str(error)]
    except Exception as error:  # noqa: BLE001 - any other error is what the trials look for
        return ["crashed", f"{type(error).__name__}: {error}"]


def _hits(hits: list[Hit]) -> list[Any]:
    # Summed in another order, the last digits of a score differ; equal ones then change places.
    found = [(round(hit.score, 4), hit.passage.passage_id, hit.passage.text, hit.passage.context) for hit in hits]
    return sorted(found, key=lambda hit: (-hit[0], hit[1]))


def _answers(library: Library) -> list[Any]:
    answers = []
    for question in QUERIES[:2]:
        document = ask(Question(question), library).as_json()
        kept = ("answer", "refused", "statements", "citations")
        answers.append({name: document[name] for name in kept})
    return answers


def _articles(library: Library) -> list[Any]:
    held = []
    for summary in library.articles():
        article = library.article(summary.article_id)
        held.append([repr(summary), repr(article), [repr(one) for one in library.passages(summary.article_id)]])
    return held


def _searches(library: Library) -> dict[str, Callable[[], Any]]:
    return {
        "dense": lambda: [_hits(library.dense(query, EVERYTHING, ALL)) for query in QUERIES],
        "keyword": lambda: [_hits(library.keyword(query, EVERYTHING, ALL)) for query in QUERIES],
        "articles by keyword": lambda: [
            sorted((round(score, 4), one) for one, score in library.keyword_articles(query, EVERYTHING, ALL))
            for query in QUERIES
        ],
        "found by keyword": lambda: [
            sorted(hit.passage.passage_id for hit in library.keyword(query, EVERYTHING, ALL)) for query in QUERIES
        ],
        "hybrid": lambda: [_hits(retrieve(library, query, k=10, search_filter=ALL)) for query in QUERIES],
        "ask": lambda: _answers(library),
        "list": lambda: [repr(summary) for summary in library.articles()],
        "read": lambda: _articles(library),
        "origins": library.origins,
        "counts": lambda: [library.count_articles(), library.count_passages()],
    }


def look(path: str) -> dict[str, Any]:
    """What every way to read a library gives, the findings of its check, and the rows of its tables.

    Results are digests. `findings` are (check, ok, message); `rows` is a digest, `None` if SQLite cannot read them.
    """
    outcomes: dict[str, Outcome] = {}
    findings: Outcome = ["refused", ""]
    opened = _try(lambda: Library.open(Path(path), BagOfWordsEncoder()))
    if opened[0] == "ok":
        library = opened[1]
        for name, step in _searches(library).items():
            kind, value = _try(step)
            outcomes[name] = [kind, _digest(value) if kind == "ok" else value]
        findings = _try(lambda: [(found.check, found.ok, found.message) for found in library.check()])
        library.close()
        opened = ["ok", None]
    return {"open": opened, "outcomes": outcomes, "findings": findings, "rows": _rows(Path(path))}


def _digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def _rows(path: Path) -> str | None:
    """Digest of every row of every table but those about derived files."""
    try:
        connection = sqlite3.connect(path / DATABASE_PREFIX)
    except sqlite3.Error:
        return None
    try:
        names = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        tables = [name for name, sql in names if sql and sql.startswith("CREATE TABLE")]
        return _digest([names, *([name, connection.execute(f"SELECT * FROM {name}").fetchall()] for name in tables)])
    except (sqlite3.Error, OverflowError):
        return None
    finally:
        connection.close()


def repair(path: str) -> Outcome:
    """Runs `dateline doctor --repair`; its findings, of which those about a language model and prompts are left out."""

    def mend() -> list[Any]:
        done = run("doctor", "--repair", "--json", "--library", path)
        found = [(one["check"], one["ok"], one["message"]) for one in done.document["findings"]]
        assert done.exit_code == (0 if all(ok for _, ok, _ in found) else 1)
        return [finding for finding in found if not finding[0].startswith(("model", "prompts"))]

    return _try(mend)


def after_repair(path: str) -> Outcome:
    """What a repaired library holds (by origin: title, text, identifier), with its searches checked against it, and
    whether an article can be added."""

    def use() -> dict[str, Any]:
        encoder = BagOfWordsEncoder()
        with Library.open_for_writing(Path(path), encoder) as library:
            held = collection(library)
            check_searches(library, encoder)
            article = Article.from_text("A harbour pilot retired. markpilotq.", Metadata(title="Pilot"), "/news/pilot")
            library.put([(article, "digest")])
            check_searches(library, encoder)
            return {origin: [*known, library.origins()[origin]] for origin, known in held.items()}

    return _try(use)
