"""Results in the formats of other tools: TREC runs and qrels, RAGAS samples, a table for a spreadsheet."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from eval.metrics import answer_text
from eval.rankings import LEVELS, MEASURES
from eval.results import replace_file
from eval.trec import write_qrels, write_run
from eval.types import CitationCounts, Gold, Judgement, QuestionResult, Scores
from index.errors import InputError

ExportFormat = Literal["trec-run", "trec-qrels", "ragas", "csv"]
Level = Literal["article", "passage"]

FORMATS: tuple[ExportFormat, ...] = ("trec-run", "trec-qrels", "ragas", "csv")

_FORMULA = re.compile(r"[=+\-@\t\r\n'＝＋－＠]")
"""How a cell begins that a spreadsheet may take for a formula (OWASP, CSV Injection), or that looks protected."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*%?", re.ASCII)

_SCORES = tuple(field.name for field in fields(Scores) if field.name not in ("answerable", "refused"))
_COUNTS = tuple(field.name for field in fields(CitationCounts))
_OPINIONS = tuple(field.name for field in fields(Judgement))

COLUMNS = (
    *("id", "type", "question", "answerable", "refused", "answer", "confidence"),
    *_SCORES,
    *_COUNTS,
    *(f"{level}.{measure}" for level in LEVELS for measure in MEASURES),
    *(f"judge.{name}" for name in _OPINIONS),
    *("cited_words", "failure"),
)
"""The columns of the table, in their order."""


def export(
    results: Sequence[QuestionResult],
    *,
    format: ExportFormat,  # noqa: A002 - the name of the option on the command line
    level: Level = "article",
    out: Path,
    gold: Mapping[str, Gold] | None = None,
    tag: str | None = None,
    overwrite: bool = False,
) -> None:
    """Writes the results to the file `out`, whole or not at all.

    - `trec-run`: the passages of each answer in their order, at the level of passages, or of articles by their best
      passage (MaxP, Dai & Callan 2019). A question without passages has no line and scores 0 where all questions
      count. The last column is `tag`, by default the name of the model that answered.
    - `trec-qrels`: what `gold` (question id → evidence in the library, see `eval.gold`) says is relevant: articles by
      their grade, passages that overlap a gold quote with 1.
    - `ragas`: JSON Lines that RAGAS reads with `EvaluationDataset.from_jsonl`, see `ragas_sample`.
    - `csv`: a row for each question, see `csv_row`; RFC 4180, UTF-8, first row `COLUMNS`.

    `level` is for the TREC formats. Raises InputError if the file is there and `overwrite` is not set, if it cannot be
    written, if `trec-qrels` is asked for without `gold`, or if there would be no line in it.
    """
    if out.exists() and not overwrite:
        raise InputError(f"{str(out)!r} is there already; name another file, or add --overwrite to replace it")
    write: Mapping[ExportFormat, Callable[[], str]] = {
        "trec-run": lambda: _trec_run(results, level, tag),
        "trec-qrels": lambda: _trec_qrels(results, level, gold),
        "ragas": lambda: "".join(json.dumps(ragas_sample(result)) + "\n" for result in results),
        "csv": lambda: _csv(results),
    }
    if format not in write:
        raise InputError(f"there is no export format {format!r}; choose one of {', '.join(FORMATS)}")
    text = write[format]()
    try:
        replace_file(out, [text])
    except OSError as error:
        raise InputError(f"{str(out)!r} cannot be written: {error.strerror or error}; name another file") from error


def ragas_sample(result: QuestionResult) -> dict[str, Any]:
    """The fields of RAGAS' `SingleTurnSample`, ready for `json.dumps`.

    `response` is the answer without citation marks, the refusal's sentence, or empty where the question failed.
    `retrieved_contexts` are the answer's passages, best first. `reference` is the whole reference answer, else what
    suffices of the accepted short ones: the first of `answers`, or all of `answers_all`; it is null for a question
    whose right answer is a refusal, and RAGAS' metrics with a reference do not take such samples.
    `reference_contexts` are the gold quotes, null without any.
    """
    question, document = result.question, result.answer
    reference = question.reference
    if reference is None:
        reference = "; ".join(question.answers[:1] or question.answers_all) or None
    quotes = [evidence.quote for evidence in question.evidence if evidence.quote is not None]
    return {
        "user_input": question.text,
        "response": "" if document is None else answer_text(document),
        "retrieved_contexts": [] if document is None else [passage["text"] for passage in _passages(document)],
        "reference": reference if question.answerable else None,
        "reference_contexts": quotes or None,
    }


def csv_row(result: QuestionResult) -> dict[str, str]:
    """The cells of a result by `COLUMNS`: numbers as Python prints them, `true` and `false`, empty where undefined.

    The rankings are those of the search that answers use. `cited_words` has a line for each citation, with its number.
    Cells of text pass `protected`.
    """
    question, document = result.question, result.answer
    citations = [] if document is None else document["citations"]
    values: dict[str, object] = {
        "id": question.id,
        "type": question.type,
        "question": question.text,
        "answerable": question.answerable,
        "refused": None if document is None else result.refused,
        "answer": None if document is None else document["answer"],
        "confidence": result.confidence,
        "cited_words": "\n".join(f"[{citation['number']}] {citation['cited_text']}" for citation in citations),
        "failure": result.failure,
    }
    values |= {name: getattr(result.scores, name) for name in _SCORES}
    values |= {name: getattr(result.counts, name) for name in _COUNTS}
    rankings = result.rankings.get("system", {})
    values |= {f"{level}.{name}": value for level, scores in rankings.items() for name, value in scores.items()}
    if result.judgement is not None:
        values |= {f"judge.{name}": getattr(result.judgement, name) for name in _OPINIONS}
    return {column: _cell(values.get(column)) for column in COLUMNS}


def protected(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet could run it as a formula.

    That is text that begins with `=`, `+`, `-`, `@`, their full-width forms, a tab or a line end. A plain number such
    as `-5`, `+3.5%` or `1,200` is no formula and stays as it is. Text that begins with an apostrophe gets another, so
    that whoever takes one apostrophe off the front of each cell that has one gets back what was there. Control
    characters, which no spreadsheet shows and a terminal obeys, become `\ufffd`, but for tabs and line ends.
    """
    text = _CONTROL.sub("\ufffd", text)
    return f"'{text}" if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def _trec_run(results: Sequence[QuestionResult], level: Level, tag: str | None) -> str:
    name = tag or next((str(result.answer["model"]) for result in results if result.answer is not None), "none")
    text = StringIO()
    write_run(text, _run_rows(results, level), run_id=name)
    if not text.getvalue():
        raise InputError("no answer of these results has a passage, so there is no run to write")
    return text.getvalue()


def _run_rows(results: Sequence[QuestionResult], level: Level) -> Iterator[tuple[str, str, float]]:
    for result in results:
        best: dict[str, float] = {}
        for passage in [] if result.answer is None else _passages(result.answer):
            best.setdefault(passage[f"{level}_id"], passage["score"])
        for identifier, score in best.items():
            yield result.question.id, identifier, score


def _trec_qrels(results: Sequence[QuestionResult], level: Level, gold: Mapping[str, Gold] | None) -> str:
    if gold is None:
        raise InputError(
            "qrels need the articles that the questions were asked of, to find the evidence in them; "
            "name them with --articles or --library"
        )
    text = StringIO()
    rows: list[tuple[str, str, int]] = []
    for result in results:
        found = gold.get(result.question.id)
        if found is not None:
            grades = found.grades if level == "article" else dict.fromkeys(found.passage_ids, 1)
            rows += [(result.question.id, identifier, grade) for identifier, grade in sorted(grades.items())]
    if not rows:
        raise InputError(
            f"no question has evidence at the level of {level}s, so there are no qrels to write; "
            + ("the set names none" if level == "article" else "try --level article")
        )
    write_qrels(text, rows)
    return text.getvalue()


def _csv(results: Sequence[QuestionResult]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(map(csv_row, results))
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(float(value))
    return protected(str(value))


def _passages(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The passages of an answer, best first."""
    return sorted(document["passages"], key=lambda passage: passage["rank"])
