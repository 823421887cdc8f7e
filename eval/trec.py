"""TREC qrels and run files, which every evaluation tool of the field reads.

A line of qrels is `query iteration document relevance`, a line of a run `query Q0 document rank score run`, separated
by white space; iteration, Q0 and rank are not used. BEIR's qrels (tab-separated `query-id corpus-id score` under a
header) are read as well. As in trec_eval, empty lines and lines that begin with `#` are skipped, and what follows the
sixth column of a run is ignored.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeVar
from urllib.parse import quote

from eval.questions import list_problems
from index.errors import InputError

RUN_ID = "dateline"
"""Last column of the runs that are written here."""

MIN_RELEVANCE, MAX_RELEVANCE = -127, 127
"""What trec_eval takes as relevance. Below 0: pooled, but not judged."""

MAX_PROBLEMS = 100
"""Problems after which reading stops: a file of another kind has one in every line."""

_FIELD = re.compile(r"[^ \t\v\f\r]+")
"""Only ASCII white space separates, as in C: an identifier may hold a no-break space."""

_UNWRITABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,4}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)", re.ASCII | re.IGNORECASE)

_Value = TypeVar("_Value")

Qrels = Mapping[str, Mapping[str, int]]
"""Query → document → relevance."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run: query → document → score (higher is better), and the name in the last column of the file's last line.

    The order of documents is that of their scores, never that of the lines or of the rank column.
    """

    run_id: str
    scores: Mapping[str, Mapping[str, float]]


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Query → document → relevance, from a TREC file or BEIR's.

    Identifiers of BEIR's are given as `encode_id` writes them, because they may hold spaces.

    Raises:
        InputError: The file cannot be read or holds no judgement; or, with the number of each line: it has another
            number of columns, its relevance is no whole number from -127 to 127, or it judges a document again.
    """
    qrels: dict[str, dict[str, int]] = {}
    problems: list[str] = []
    from_beir: bool | None = None
    for number, line in _lines(path, problems):
        if from_beir is None:
            from_beir = _is_beir_header(line)
            if from_beir:
                continue
        fields = [encode_id(field) for field in line.strip().split("\t") if field] if from_beir else _split(line)
        if len(fields) != (3 if from_beir else 4):
            wanted = "3 columns: query, document, score" if from_beir else "4 columns: query, 0, document, relevance"
            problems.append(f"line {number}: {_columns(fields)}, but a line of qrels has {wanted}")
            continue
        query, document, relevance = fields[0], fields[-2], fields[-1]
        if not _WHOLE_NUMBER.fullmatch(relevance) or not MIN_RELEVANCE <= int(relevance) <= MAX_RELEVANCE:
            problems.append(
                f"line {number}: the relevance {relevance!r} is not a whole number "
                f"from {MIN_RELEVANCE} to {MAX_RELEVANCE}"
            )
        elif document in qrels.setdefault(query, {}):
            problems.append(f"line {number}: document {document!r} is judged for query {query!r} a second time")
        else:
            qrels[query][document] = int(relevance)
    _check(path, "qrels", problems)
    if not qrels:
        raise InputError(
            f"the qrels file {str(path)!r} holds no judgement; give one a line: query 0 document relevance"
        )
    return qrels


def read_run(path: Path) -> Run:
    """The run in a TREC file. An empty file is a run without results.

    Raises:
        InputError: The file cannot be read; or, with the number of each line: it has fewer than six columns, its score
            is not a number, or it names a document again for the same query.
    """
    scores: dict[str, dict[str, float]] = {}
    problems: list[str] = []
    run_id = RUN_ID
    for number, line in _lines(path, problems):
        fields = _split(line)
        if len(fields) < 6:
            wanted = "6 columns: query, Q0, document, rank, score, run"
            problems.append(f"line {number}: {_columns(fields)}, but a line of a run has {wanted}")
            continue
        query, _, document, _, score, run_id = fields[:6]
        if not _NUMBER.fullmatch(score):
            problems.append(f"line {number}: the score {score!r} is not a number")
        elif document in scores.setdefault(query, {}):
            problems.append(f"line {number}: document {document!r} is there for query {query!r} a second time")
        else:
            scores[query][document] = float(score)
    _check(path, "run", problems)
    return Run(run_id, scores)


def write_qrels(out: Path | TextIO, rows: Iterable[tuple[str, str, int]]) -> None:
    """Writes rows of (query, document, relevance) as qrels; identifiers as `encode_id` gives them.

    Raises:
        InputError: The file cannot be written, an identifier is empty, or a document is there twice for one query.
    """
    with _writing(out) as file:
        for query, document, relevance in _named_once(rows):
            file.write(f"{query} 0 {document} {relevance}\n")


def write_run(out: Path | TextIO, rows: Iterable[tuple[str, str, float]], *, run_id: str = RUN_ID) -> None:
    """Writes rows of (query, document, score) as a run; a query's rows are in the order of its ranking, best first.

    Tools sort by score, and a tie by document, so a score that does not fall is lowered to the next one below the last.
    Scores are of single precision, to which some versions of trec_eval round them. Identifiers are as `encode_id` gives
    them. Raises InputError as `write_qrels`.
    """
    import numpy as np

    ranks: dict[str, int] = {}
    last: dict[str, np.float32] = {}
    name = encode_id(run_id)
    with _writing(out) as file:
        for query, document, score in _named_once(rows):
            written = np.float32(score)
            if query in last and not written < last[query]:
                written = np.nextafter(last[query], np.float32(-np.inf))
            ranks[query] = ranks.get(query, 0) + 1
            last[query] = written
            # Nine significant digits tell any two numbers of single precision apart.
            file.write(f"{query} Q0 {document} {ranks[query]} {float(written):.9g} {name}\n")


def encode_id(identifier: str) -> str:
    """The identifier as it can stand in a column: white space and control characters percent-encoded as in URLs.

    So is a `#` in front, which would make the line a comment. All others are left as they are: `news #3` becomes
    `news%20#3`. Raises InputError if it is empty.
    """
    if not identifier:
        raise InputError("an identifier is empty; TREC files need one for every query and document")
    # An identifier from JSON may hold half a surrogate pair, which has no UTF-8 form.
    kept = _UNWRITABLE.sub(lambda found: quote(found.group(), errors="backslashreplace"), identifier)
    return f"%23{kept[1:]}" if kept.startswith("#") else kept


def _lines(path: Path, problems: list[str]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without comments and empty ones. Lines that are not UTF-8 become problems."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if len(problems) >= MAX_PROBLEMS:
                    return
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
                except UnicodeDecodeError as error:
                    problems.append(f"line {number}: not UTF-8 at byte {error.start + 1} of the line")
                    continue
                if "\0" in line:
                    problems.append(f"line {number}: holds a NUL character")
                elif line.strip() and not line.startswith("#"):
                    yield number, line
    except OSError as error:
        raise InputError(
            f"{str(path)!r} cannot be read: {error.strerror or error}; give a qrels or run file"
        ) from error


def _split(line: str) -> list[str]:
    return _FIELD.findall(line)


def _columns(fields: list[str]) -> str:
    return "1 column" if len(fields) == 1 else f"{len(fields)} columns"


def _is_beir_header(line: str) -> bool:
    fields = line.rstrip().split("\t")
    return len(fields) == 3 and not _WHOLE_NUMBER.fullmatch(fields[2])


def _check(path: Path, kind: str, problems: list[str]) -> None:
    if problems:
        raise InputError(f"the {kind} file {str(path)!r} does not follow its format: {list_problems(problems)}")


def _named_once(rows: Iterable[tuple[str, str, _Value]]) -> Iterator[tuple[str, str, _Value]]:
    """The rows with identifiers encoded. Raises InputError if a pair of them comes a second time."""
    seen: set[tuple[str, str]] = set()
    for query, document, value in rows:
        pair = encode_id(query), encode_id(document)
        if pair in seen:
            raise InputError(
                f"document {document!r} would be written twice for query {query!r}; a ranking names it once"
            )
        seen.add(pair)
        yield *pair, value


@contextmanager
def _writing(out: Path | TextIO) -> Iterator[TextIO]:
    if not isinstance(out, Path):
        yield out
        return
    try:
        with out.open("w", encoding="utf-8", newline="\n") as file:
            yield file
    except OSError as error:
        raise InputError(f"{str(out)!r} cannot be written: {error.strerror or error}") from error
