"""A report as the JSON document of `dateline eval run --json`, as text for the terminal, and as a folder of files."""

import json
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import Any

from eval.figure_names import (
    DIRECTION_LEGEND,
    LABELS,
    SHORT_LABELS,
    format_interval,
    format_value,
    label,
    marked_label,
    one_line,
    shortened,
    visible,
)
from eval.report_tables import (
    FigureTable,
    figure_tables,
    judge_table,
    notices,
    type_columns,
    where_time_went,
)
from eval.results import replace_file, writing
from eval.text_table import titled
from eval.types import UNDEFINED, EvalReport, QuestionResult, figures_json, nested_json
from eval.worst_questions import count_faults, find_fault, worst_results

__all__ = ["LABELS", "report_json", "report_text", "worst_results", "write_report"]

TEXT_WIDTH = 120
"""Columns that the tables fit into; baselines get short headings for it, and types are cut."""

LISTED_CHARACTERS = 100
"""Longest question or answer in the list of the worst, in characters."""

TYPE_CHARACTERS = 22
"""Longest type in the table by type, in characters."""

SHORT_CHARACTERS = 8
"""Longest short heading of a baseline that has none of its own, in characters."""


def report_json(report: EvalReport) -> dict[str, Any]:
    """The report as plain data, ready for `json.dumps`; figures are `{"value", "low", "high", "n"}`.

    `baselines` holds each baseline's figures by name, and its rankings under `retrieval` by level and measure.
    """
    made = report.manifest
    baselines: dict[str, dict[str, Any]] = nested_json(report.baselines)
    for name, levels in report.baseline_retrieval.items():
        baselines.setdefault(name, {})["retrieval"] = nested_json(levels)
    return {
        "set": made.set_path,
        "set_sha256": made.set_sha256,
        "model": made.model,
        "library_generation": made.library_generation,
        "n": len(report.results),
        "ignored_fields": dict(report.ignored_fields),
        "retrieval": nested_json(report.retrieval),
        "answers": figures_json(report.answers),
        "citations": figures_json(report.citations),
        "refusals": figures_json(report.refusals),
        "by_type": {
            name: {"n": report.type_sizes[name], **figures_json(figures)} for name, figures in report.by_type.items()
        },
        "baselines": baselines,
        "timings_ms": nested_json(report.timings_ms),
        "failures": [{"id": result.question.id, "error": result.failure} for result in report.failures],
        "judge": figures_json(report.judge),
        "risk_coverage": [asdict(point) for point in report.risk_coverage],
        "reliability": [asdict(group) for group in report.reliability],
        "seconds": dict(report.seconds),
        "clusters": report.clusters,
        "manifest": made.as_json(),
    }


def report_text(report: EvalReport) -> str:
    """The report as aligned plain text: figures beside the baselines, types, timings, and the worst questions."""
    made = report.manifest
    system = "" if made.system == "dateline" else f", system {made.system}"
    head = (
        f"{made.set_path}: {len(report.results)} questions, model {made.model}{system}, "
        f"library generation {made.library_generation}, {len(report.failures)} failed"
    )
    tables = [_figures_text(table) for table in figure_tables(report)]
    short = dict.fromkeys(name for _, names in tables for name in names)
    legend = [f"Headings: {', '.join(f'{_short(name)} = {label(name)}' for name in short)}."] if short else []
    parts = [one_line(head), _wrapped(*notices(report), DIRECTION_LEGEND, *legend), *(text for text, _ in tables)]
    parts.append(_types_text(report))
    judged = judge_table(report)
    if judged is not None:
        parts.append(_figures_text(judged)[0])
    if report.timings_ms:
        rows = [
            [one_line(stage), format_value(times["p50"]), format_value(times["p95"])]
            for stage, times in report.timings_ms.items()
        ]
        parts.append(titled(["Milliseconds ↓", "p50", "p95"], rows))
    spent = where_time_went(report.seconds)
    if spent is not None:
        parts.append(_wrapped(spent))
    worst = worst_results(report.results)
    if worst:
        count = count_faults(report.results)
        listed = sum(find_fault(result) != "cannot be told" for result in worst)
        more = f"\n  ... and {count - listed} more" if count > listed else ""
        parts.append("\n".join(["Questions to look at first", *(_described(result) for result in worst)]) + more)
    # Words of articles and models go to a terminal here: nothing in them may steer it.
    return visible("\n\n".join(part for part in parts if part)) + "\n"


def write_report(report: EvalReport, out: Path) -> None:
    """Writes `report.json`, `report.md` and `report.html` into a folder, which is made if need be.

    Each file is there whole or not at all. Raises InputError if the folder cannot be written to.
    """
    from eval.report_markdown import report_markdown
    from eval.report_page import report_page

    documents = {
        "report.json": json.dumps(report_json(report), indent=2) + "\n",
        "report.md": report_markdown(report),
        "report.html": report_page(report),
    }
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            replace_file(out / name, [text])


def _described(result: QuestionResult) -> str:
    said = result.failure or ("" if result.answer is None else str(result.answer["answer"]))
    confidence = "" if result.confidence is None else f", confidence {result.confidence:.2f}"
    accepted = " / ".join(result.question.accepted)
    lines = [
        f"  {one_line(result.question.id)}  ({find_fault(result)}{confidence})",
        f"    Q  {shortened(result.question.text, LISTED_CHARACTERS)}",
        f"    A  {shortened(said, LISTED_CHARACTERS)}",
    ]
    if accepted and result.question.answerable:
        lines.append(f"    G  {shortened(accepted, LISTED_CHARACTERS)}")
    return "\n".join(lines)


def _figures_text(table: FigureTable) -> tuple[str, tuple[str, ...]]:
    """The table, and the baselines that it has only room for short headings of."""
    rows = [
        [
            marked_label(row.name),
            format_value(row.figure),
            format_interval(row.figure),
            f"{row.figure.n:,}",
            *("" if figure is None else format_value(figure) for figure in row.beside),
        ]
        for row in table.rows
    ]
    header = [table.title, "value", "95% interval", "n"]
    short: tuple[str, ...] = ()
    text = titled([*header, *map(label, table.baselines)], rows)
    if max(map(len, text.split("\n"))) > TEXT_WIDTH:
        text, short = titled([*header, *map(_short, table.baselines)], rows), table.baselines
    missing = f"\n  not measurable here: {', '.join(map(label, table.missing))}" if table.missing else ""
    return text + missing, short


def _short(baseline: str) -> str:
    return SHORT_LABELS.get(baseline) or shortened(baseline, SHORT_CHARACTERS)


def _types_text(report: EvalReport) -> str:
    columns = type_columns(report)
    rows = [
        [
            shortened(name, TYPE_CHARACTERS),
            f"{report.type_sizes[name]:,}",
            *(format_value(figures.get(key, UNDEFINED)) for key in columns),
        ]
        for name, figures in report.by_type.items()
    ]
    return titled(["Type", "n", *columns.values()], rows) if rows else ""


def _wrapped(*sentences: str) -> str:
    return "\n".join(fill(sentence, TEXT_WIDTH, break_long_words=False) for sentence in sentences)
