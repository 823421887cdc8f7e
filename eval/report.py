"""A report as the JSON document of `dateline eval run --json`, and as a table for the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.types import EvalReport, Figure, Figures, QuestionResult
from index.types import first_words

WORST_QUESTIONS = 10
"""Questions that the text lists at the end: a screenful to start looking from."""

LISTED_CHARACTERS = 100
"""Longest question or answer in that list, in characters."""

LABELS = {
    "contains": "holds an accepted answer",
    "f1": "token F1",
    "mean_words": "mean words",
    "exactness": "citations exact",
    "gold_quote": "cites a gold quote",
    "gold_article": "cites a gold article",
    "statements_cited": "statements cited",
    "mean_citations": "mean citations",
    "rejected": "unanswerable refused",
    "false_rate": "answerable refused",
    "auroc": "confidence AUROC",
    "ece": "calibration error",
    "coverage": "coverage",
    "top_passage": "top passage",
    "keyword_top_passage": "keyword top",
    "always_refuse": "always refuse",
    "keyword_retrieval": "keyword only",
    "dense_retrieval": "dense only",
}
"""What the table calls a figure or a baseline; others go by their own name."""

TYPE_COLUMNS = {
    "contains": "accepted",
    "f1": "F1",
    "gold_quote": "gold quote",
    "gold_article": "gold article",
    "rejected": "rejected",
    "false_rate": "false refusals",
    "passage_nDCG@10": "nDCG@10",
}
"""The columns of the table by type, short enough for one line of a terminal."""

FAULT_ORDER = {"failed": 0, "answered, should be refused": 1, "wrong answer": 1, "refused, is answerable": 2}
"""What can go wrong with a question, the worst first: a wrong answer misleads, a refusal only disappoints."""

Row = Sequence[str]


def report_json(report: EvalReport) -> dict[str, Any]:
    """The report as plain data, ready for `json.dumps`; figures are `{"value", "low", "high", "n"}`."""
    return {
        "set": report.set_path,
        "set_sha256": report.set_sha256,
        "model": report.model,
        "library_generation": report.library_generation,
        "n": len(report.results),
        "ignored_fields": dict(report.ignored_fields),
        "retrieval": _nested_json(report.retrieval),
        "answers": _figures_json(report.answers),
        "citations": _figures_json(report.citations),
        "refusals": _figures_json(report.refusals),
        "by_type": {
            label: {"n": report.type_sizes[label], **_figures_json(figures)}
            for label, figures in report.by_type.items()
        },
        "baselines": {
            **_nested_json(report.baselines),
            **{name: _nested_json(levels) for name, levels in report.baseline_retrieval.items()},
        },
        "timings_ms": _nested_json(report.timings_ms),
        "failures": [{"id": result.question.id, "error": result.failure} for result in report.failures],
    }


def report_text(report: EvalReport) -> str:
    """The report as aligned plain text: figures beside the baselines, types, timings, and the worst questions."""
    parts = [
        f"{report.set_path}: {len(report.results)} questions, model {report.model}, "
        f"library generation {report.library_generation}, {len(report.failures)} failed"
    ]
    if report.ignored_fields:
        names = ", ".join(f"{name!r} ({count})" for name, count in report.ignored_fields.items())
        parts.append(f"Fields that the format does not have were ignored: {names}")
    for level, figures in report.retrieval.items():
        beside = {name: levels[level] for name, levels in report.baseline_retrieval.items()}
        parts.append(_figures_table(f"Retrieval of {level}s", figures, beside))
    parts.append(_figures_table("Answers", report.answers, report.baselines))
    parts.append(_figures_table("Citations", report.citations, report.baselines))
    parts.append(_figures_table("Refusals and confidence", report.refusals, report.baselines))
    parts.append(_types_table(report))
    if report.timings_ms:
        rows = [[stage, _value(f["p50"]), _value(f["p95"])] for stage, f in report.timings_ms.items()]
        parts.append(_table(["Milliseconds", "p50", "p95"], rows))
    worst = worst_results(report.results)
    if worst:
        parts.append("\n".join(["Questions to look at first", *(_described(result) for result in worst)]))
    text = "\n\n".join(parts) + "\n"
    # Words of articles and models go to a terminal here: nothing in them may steer it.
    return "".join(character for character in text if character.isprintable() or character == "\n")


def worst_results(results: Iterable[QuestionResult], limit: int = WORST_QUESTIONS) -> list[QuestionResult]:
    """The questions that went wrong: failures, then wrong answers, then false refusals, each most confident first."""
    faulty = []
    for result in results:
        fault = _fault(result)
        if fault is not None:
            confidence = 0.0 if result.answer is None else result.answer.confidence
            faulty.append((FAULT_ORDER[fault], -confidence, result))
    return [result for _, _, result in sorted(faulty, key=lambda entry: entry[:2])[:limit]]


def _fault(result: QuestionResult) -> str | None:
    """What went wrong with a question, a key of FAULT_ORDER, or `None` if nothing did."""
    if result.failure is not None:
        return "failed"
    if not result.question.answerable:
        return "answered, should be refused" if result.answered else None
    if result.scores.refused:
        return "refused, is answerable"
    return None if result.scores.contains else "wrong answer"


def _described(result: QuestionResult) -> str:
    said = result.answer.text if result.failure is None and result.answer is not None else result.failure or ""
    confidence = "" if result.answer is None else f", confidence {result.answer.confidence:.2f}"
    return (
        f"  {result.question.id}  ({_fault(result)}{confidence})\n"
        f"    Q  {first_words(result.question.text, LISTED_CHARACTERS)}\n"
        f"    A  {first_words(said, LISTED_CHARACTERS)}"
    )


def _figures_table(title: str, figures: Figures, baselines: Mapping[str, Figures]) -> str:
    beside = {name: found for name, found in baselines.items() if any(key in found for key in figures)}
    header = [title, "value", "95% interval", "n", *(LABELS.get(name, name) for name in beside)]
    rows = [
        [
            LABELS.get(key, key),
            _value(figure),
            _interval(figure),
            str(figure.n),
            *(_value(found[key]) if key in found else "" for found in beside.values()),
        ]
        for key, figure in figures.items()
    ]
    return _table(header, rows)


def _types_table(report: EvalReport) -> str:
    rows = [
        [label, str(report.type_sizes[label]), *(_value(figures[key]) for key in TYPE_COLUMNS)]
        for label, figures in report.by_type.items()
    ]
    return _table(["Type", "n", *TYPE_COLUMNS.values()], rows)


def _table(header: Row, rows: Sequence[Row]) -> str:
    """Columns two spaces apart, the first to the left, the others to the right."""
    rows = [[f"  {row[0]}", *row[1:]] for row in rows]
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = (
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    )
    return "\n".join(lines)


def _value(figure: Figure) -> str:
    return "-" if figure.value is None else _number(figure.value)


def _interval(figure: Figure) -> str:
    return "-" if figure.low is None or figure.high is None else f"{_number(figure.low)} to {_number(figure.high)}"


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def _figures_json(figures: Figures) -> dict[str, Any]:
    return {name: figure.as_json() for name, figure in figures.items()}


def _nested_json(groups: Mapping[str, Figures]) -> dict[str, Any]:
    return {name: _figures_json(figures) for name, figures in groups.items()}
