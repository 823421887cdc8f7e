"""Question sets of every format: recognised by what is in them, read, and put together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.beir import find_qrels, is_beir_folder, is_beir_qrels, read_beir
from eval.clapnq import is_clapnq, read_clapnq
from eval.multihop import CORPUS_NAME, QUESTIONS_NAME, is_multihop, is_multihop_folder, read_multihop
from eval.questions import FIELDS, list_problems, read_questions, require_sound
from eval.records import Fields, Source, text_fields, unreadable
from eval.squad import is_squad, read_squad
from eval.types import EvalQuestion, QuestionSet, SetFormat
from index.errors import QuestionSetError
from index.files import absolute_path
from index.types import Article

FORMAT_NAMES: Mapping[SetFormat, str] = {
    "dateline": "Dateline's JSON Lines (id, question, answers, evidence …)",
    "squad": "SQuAD 1.1 or 2.0 (a JSON object with data)",
    "beir": "BEIR (a folder with corpus.jsonl, queries.jsonl and qrels)",
    "multihop-rag": "MultiHop-RAG (JSON with question_type and evidence_list, or a folder with corpus.json and "
    "MultiHopRAG.json)",
    "clapnq": "CLAP NQ (JSON Lines with input, passages and output)",
}

MAX_LINES_TO_RECOGNISE = 20
"""Lines that are looked at for one that tells the format: the first may be the one with a mistake in it."""

_Read = tuple[SetFormat, list[EvalQuestion], list[Article]]


def load_set(paths: Sequence[Path]) -> QuestionSet:
    """The question set at one path, or at several of the same format, whose questions then follow each other.

    A path is a file or, for BEIR and MultiHop-RAG, a folder; one of the qrels of a BEIR folder names that split. Texts
    that several articles have are one article with the origins of all, and evidence names the first of them.

    Raises QuestionSetError where a path cannot be read, is of no known format or of another one than the first, does
    not follow its format, holds no question, or has an id that another path has.
    """
    if not paths:
        raise QuestionSetError("no question set is named; give the path of one")
    source = Source()
    read = [_load(path, source) for path in paths]
    formats = [set_format for set_format, _, _ in read]
    for path, set_format in zip(paths, formats, strict=True):
        if set_format != formats[0]:
            raise QuestionSetError(
                f"{str(paths[0])!r} and {str(path)!r} are of different formats ({formats[0]} and {set_format}); "
                "run them one by one"
            )
    _require_one_of_each_id(paths, [questions for _, questions, _ in read])
    articles = _united([article for _, _, carried in read for article in carried])
    origins = {origin: article.origin for article in articles for origin in article.origins}
    return QuestionSet(
        path=" + ".join(str(path) for path in paths),
        format=formats[0],
        sha256=source.sha256,
        questions=tuple(_renamed(question, origins) for _, questions, _ in read for question in questions),
        articles=articles,
    )


def _require_one_of_each_id(paths: Sequence[Path], questions: Sequence[Sequence[EvalQuestion]]) -> None:
    numbers: dict[str, int] = {}
    repeated = []
    for number, asked in enumerate(questions):
        for question in asked:
            first = numbers.setdefault(question.id, number)
            if first != number:
                repeated.append(f"{question.id!r} is in {str(paths[first])!r} and in {str(paths[number])!r}")
    if repeated:
        raise QuestionSetError(f"an id may be given to one question only: {list_problems(repeated)}; rename one")


def _united(articles: Sequence[Article]) -> tuple[Article, ...]:
    """Each text once, with all its origins and what is known of the first."""
    by_id: dict[str, Article] = {}
    origins: dict[str, set[str]] = {}
    for article in articles:
        by_id.setdefault(article.article_id, article)
        origins.setdefault(article.article_id, set()).update(article.origins)
    return tuple(replace(article, origins=tuple(sorted(origins[key]))) for key, article in by_id.items())


def _renamed(question: EvalQuestion, origins: Mapping[str, str]) -> EvalQuestion:
    """The question with its evidence named by the first origin of each article."""
    if all(origins.get(found.article, found.article) == found.article for found in question.evidence):
        return question
    renamed = [replace(found, article=origins.get(found.article, found.article)) for found in question.evidence]
    return replace(question, evidence=tuple(dict.fromkeys(renamed)))


def _load(path: Path, source: Source) -> _Read:
    problems: list[str] = []
    try:
        found = _load_path(path, absolute_path(str(path)), source, problems)
    except OSError as error:
        raise unreadable(path, error) from error
    _, questions, articles = found
    require_sound(path, questions, problems)
    _require_named_articles(path, questions, articles)
    return found


def _require_named_articles(path: Path, questions: Sequence[EvalQuestion], articles: Sequence[Article]) -> None:
    """Single articles may be missing; if all are, the questions are of another collection."""
    named = {evidence.article for question in questions for evidence in question.evidence}
    if articles and named and named.isdisjoint(article.origin for article in articles):
        raise QuestionSetError(
            f"question set {str(path)!r} names none of the articles that it brings along; get those that belong to it"
        )


def _load_path(path: Path, place: Path, source: Source, problems: list[str]) -> _Read:
    """What is at a path; `place` is its absolute form, which origins begin with."""
    if is_beir_folder(place):
        return ("beir", *read_beir(find_qrels(place), source, problems))
    if is_beir_qrels(place):
        return ("beir", *read_beir(place, source, problems))
    if is_multihop_folder(place):
        return _load_multihop_folder(place, source, problems)
    if place.is_dir():
        raise _unrecognised(path, "the folder is neither BEIR nor MultiHop-RAG")
    return _load_file(path, place, source.text(path), problems)


def _load_multihop_folder(folder: Path, source: Source, problems: list[str]) -> _Read:
    lists = []
    for name in (CORPUS_NAME, QUESTIONS_NAME):
        text = source.text(folder / name)
        document = _parsed(text)
        if not isinstance(document, list):
            reason = _json_problem(text) or "it is not a list"
            raise QuestionSetError(f"{str(folder / name)!r} must be a JSON list of objects: {reason}")
        lists.append(_list_fields(document, problems, line=name))
    corpus, records = lists
    return ("multihop-rag", *read_multihop(records, folder / QUESTIONS_NAME, corpus, folder / CORPUS_NAME))


def _load_file(path: Path, place: Path, text: str, problems: list[str]) -> _Read:
    document = _parsed(text)
    if isinstance(document, dict) and is_squad(document):
        return ("squad", *read_squad(document, place, problems))
    if isinstance(document, list):
        set_format = next((_format_of(item) for item in document if isinstance(item, dict)), None)
    else:
        lines = (_parsed(line) for line in _first_lines(text))
        set_format = next((found for line in lines if isinstance(line, dict) and (found := _format_of(line))), None)
    if set_format is None and text.strip():
        raise _unrecognised(path, _what_it_is(text))
    records = _list_fields(document, problems) if isinstance(document, list) else text_fields(text, problems)
    if set_format == "multihop-rag":
        return ("multihop-rag", *read_multihop(records, place))
    if set_format == "clapnq":
        return ("clapnq", *read_clapnq(records, place))
    return "dateline", read_questions(records), []


def _parsed(text: str) -> Any:
    """The JSON value that a text is, `None` if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _list_fields(document: list[Any], problems: list[str], line: str = "") -> list[Fields]:
    """The objects of a JSON list, each named by its position."""
    found = []
    for position, item in enumerate(document):
        fields = Fields(item if isinstance(item, dict) else {}, problems, line=line, path=f"[{position}]")
        if isinstance(item, dict):
            found.append(fields)
        else:
            problems.append(f"{fields.place}: must be a JSON object")
    return found


def _first_lines(text: str) -> list[str]:
    lines = (line for line in text.split("\n") if line.strip())
    return [line for line, _ in zip(lines, range(MAX_LINES_TO_RECOGNISE), strict=False)]


def _format_of(record: Mapping[str, object]) -> SetFormat | None:
    """The format that one record of a file shows, `None` if it is of none."""
    if is_multihop(record):
        return "multihop-rag"
    if is_clapnq(record):
        return "clapnq"
    is_own = "question" in record or ("id" in record and not record.keys().isdisjoint(FIELDS[2:]))
    return "dateline" if is_own else None


def _unrecognised(path: Path, reason: str) -> QuestionSetError:
    formats = "; ".join(FORMAT_NAMES.values())
    return QuestionSetError(f"{str(path)!r} is not a question set: {reason}. Formats that can be read: {formats}")


def _what_it_is(text: str) -> str:
    """What a file that is no question set looks like."""
    columns = _first_lines(text)[0].split()
    if len(columns) == 4 and columns[3].lstrip("+-").isdigit():
        return "it looks like TREC qrels, which are scored with: dateline eval score --qrels FILE --run FILE"
    if len(columns) == 6 and columns[3].isdigit():
        return "it looks like a TREC run, which is scored with: dateline eval score --qrels FILE --run FILE"
    if columns[:2] == ["query-id", "corpus-id"]:
        return "these are the qrels of a BEIR folder; name the folder that holds corpus.jsonl"
    if text.lstrip()[0] in "[{":
        return _json_problem(text) or "its records have the fields of no known format"
    return "it is neither JSON nor JSON Lines"


def _json_problem(text: str) -> str | None:
    """What is wrong with the first JSON value of a text; `None` if it can be read."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            return f"it is not JSON at line {error.lineno}, column {error.colno} ({error.msg})"
    except (ValueError, RecursionError) as error:
        return f"it cannot be read as JSON ({error})"
    return None
