"""BEIR folders: documents, queries, and judgements of how relevant a document is to a query.

Format of Thakur et al., https://arxiv.org/abs/2104.08663, and of the loader of https://github.com/beir-cellar/beir.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from eval.records import Fields, Source, line_fields
from eval.types import EvalQuestion, Evidence
from index.encodings import clean_text
from index.errors import QuestionSetError
from index.metadata import metadata_from_fields
from index.types import Article

CORPUS_NAME = "corpus.jsonl"
QUERIES_NAME = "queries.jsonl"
QRELS_FOLDER = "qrels"
SPLITS = ("test", "dev", "train")
"""Names of qrels files, the first that is there is used."""

QUERY_FIELDS = ("_id", "text", "metadata")

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")


def is_beir_folder(folder: Path) -> bool:
    """Whether a folder holds documents and queries."""
    return (folder / CORPUS_NAME).is_file() and (folder / QUERIES_NAME).is_file()


def is_beir_qrels(path: Path) -> bool:
    """Whether a file is one of the qrels of a BEIR folder."""
    return path.suffix == ".tsv" and path.parent.name == QRELS_FOLDER and is_beir_folder(path.parent.parent)


def find_qrels(folder: Path) -> Path:
    """The qrels of a BEIR folder: test, else dev, else train. Raises QuestionSetError if it has none of them."""
    for split in SPLITS:
        if (path := folder / QRELS_FOLDER / f"{split}.tsv").is_file():
            return path
    raise QuestionSetError(
        f"the BEIR folder {str(folder)!r} has no judgements: there is none of "
        f"{', '.join(f'{QRELS_FOLDER}/{split}.tsv' for split in SPLITS)} in it; name another split by its own path"
    )


def read_beir(qrels: Path, source: Source, problems: list[str]) -> tuple[list[EvalQuestion], list[Article]]:
    """The queries that a file of qrels judges, and the documents of its folder as articles.

    The origin of a document is `corpus.jsonl#_id`, with the folder in front; `metadata` may state `published`,
    `source`, `author` and `url`. Where the text is empty, the title is the text; a document without either is left
    out. `metadata.as_of` of a query is used.

    Queries without a document of score 1 or more are left out. As in BEIR's own loader, a query that the qrels name
    must be there, and a document need not: one that is missing or empty counts as relevant and cannot be found, which
    is how published figures were measured. The last of several scores of a pair counts.
    """
    folder = qrels.parent.parent
    articles = list(_documents(folder / CORPUS_NAME, source, problems))
    queries = {query.id: query for query in _queries(folder / QUERIES_NAME, source, problems)}
    scores = _scores(qrels, source, problems, queries)
    questions = []
    for identifier, judged in scores.items():
        named = [(f"{folder / CORPUS_NAME}#{document}", score) for document, score in judged.items() if score >= 1]
        if named:
            evidence = tuple(Evidence(origin, None, grade=score) for origin, score in named)
            questions.append(replace(queries[identifier], evidence=evidence))
    return questions, articles


def _documents(path: Path, source: Source, problems: list[str]) -> Iterator[Article]:
    places: dict[str, str] = {}
    for fields in _records(path, source, problems):
        identifier = fields.identifier("_id", places)
        stated = fields.optional_object("metadata").record
        title = fields.string("title")
        metadata = metadata_from_fields({**stated, **({"title": title} if title.strip() else {})})
        text = next((text for text in (fields.string("text"), title) if text.strip()), "")
        if text:
            yield Article.from_text(clean_text(text), metadata, f"{path}#{identifier}")


def _queries(path: Path, source: Source, problems: list[str]) -> Iterator[EvalQuestion]:
    places: dict[str, str] = {}
    for fields in _records(path, source, problems):
        # Without a limit of length: whole arguments are queries of some BEIR sets, and a search takes any length.
        yield EvalQuestion(
            id=fields.identifier("_id", places),
            text=fields.text("text").strip(),
            as_of=fields.optional_object("metadata").day("as_of"),
            ignored_fields=fields.unknown(QUERY_FIELDS),
        )


def _records(path: Path, source: Source, problems: list[str]) -> Iterator[Fields]:
    for number, line in source.lines(path):
        fields = line_fields(line, f"{path.name} line {number}", problems)
        if fields is not None:
            yield fields


def _scores(
    path: Path, source: Source, problems: list[str], queries: dict[str, EvalQuestion]
) -> dict[str, dict[str, int]]:
    """Query → document → score, in the order of the file; a first line without a number is its header."""
    scores: dict[str, dict[str, int]] = {}
    is_first = True
    for number, line in source.lines(path):
        columns = _columns(line)
        place = f"{path.name} line {number}"
        is_header = is_first and len(columns) == 3 and not _WHOLE_NUMBER.fullmatch(columns[2])
        is_first = False
        if is_header:
            continue
        if len(columns) != 3:
            problems.append(f"{place}: must be query-id, corpus-id and score with tabs between them")
            continue
        query, document, score = columns
        if not _WHOLE_NUMBER.fullmatch(score):
            problems.append(f"{place}, field 'score': must be a whole number, not {score!r}")
        elif not document:
            problems.append(f"{place}, field 'corpus-id': must not be empty")
        elif query not in queries:
            problems.append(f"{place}, field 'query-id': {QUERIES_NAME} has no query {query!r}")
        else:
            scores.setdefault(query, {})[document] = int(score)
    return scores


def _columns(line: str) -> list[str]:
    """The cells of a line, which may be in quotes; none if it cannot be split."""
    try:
        *names, score = next(csv.reader([line], delimiter="\t"))
    except csv.Error:
        return []
    return [*names, score.strip()]
