"""A report as Markdown: what the page says, without its plots, to be read raw or rendered."""

import re
from collections.abc import Sequence

from eval.figure_names import (
    DIRECTION_LEGEND,
    format_figure,
    format_interval,
    format_value,
    label,
    marked_label,
    one_line,
    shortened,
)
from eval.report_details import QuestionDetails, question_details
from eval.report_tables import (
    FigureTable,
    figure_tables,
    findings,
    format_time,
    judge_names,
    judge_table,
    manifest_entries,
    notices,
    set_name,
    type_columns,
)
from eval.types import UNDEFINED, EvalReport
from eval.worst_questions import count_faults

_ACTIVE = re.compile(r"([\\`*_\[\]<>|~&$])")
_AT_START = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[#+=-]))")
_ADDRESS = re.compile(r"(?<=\w):(?=//)|(?<=www)\.", re.IGNORECASE)


def report_markdown(report: EvalReport) -> str:
    """The report as GitHub-flavoured Markdown with padded tables; nothing of what it quotes is live."""
    made = report.manifest
    parts = [
        f"# {escaped(set_name(report))}",
        escaped(
            f"{len(report.results):,} questions, system {made.system}, model {made.model}, {format_time(made.started)}"
        ),
        "The same with plots: [report.html](report.html)",
        *(f"**{escaped(said)}**" for said in notices(report)),
        "\n".join(f"- {escaped(str(finding))}" for finding in findings(report)),
        "## Figures",
        DIRECTION_LEGEND,
    ]
    for table in figure_tables(report):
        parts += [f"### {escaped(table.title)}", *_figures(table)]
    if report.by_type:
        parts += ["## By type of question", _types(report)]
    if report.timings_ms:
        parts += ["## Time of each stage", "Milliseconds, lower is better.", _times(report)]
    judged = judge_table(report)
    if judged is not None:
        parts += [
            f"## Opinions of {escaped(judge_names(report))}",
            "What a language model thought of the answers, and how far that agrees with what was measured. "
            "These are opinions, not measurements.",
            *_figures(judged),
        ]
    details = question_details(report)
    if details:
        count = count_faults(report.results)
        parts += ["## Questions to look at first", f"{count:,} of {len(report.results):,} questions went wrong."]
        for found in details:
            parts += _question(found)
    if report.failures:
        lines = [f"- {escaped(result.question.id)}: {escaped(result.failure or '')}" for result in report.failures]
        parts += ["## Failures", "\n".join(lines)]
    rows = [[escaped(name), escaped(value)] for name, value in manifest_entries(report)]
    parts += ["## How it was made", padded_table(["What", "Value"], rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """The text on one line, with every character that Markdown would act on behind a backslash."""
    line = _ACTIVE.sub(r"\\\1", one_line(text))
    line = _ADDRESS.sub(lambda match: f"\\{match[0]}", line)
    return _AT_START.sub(r"\1\\", line)


def padded_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up in the source too: the first to the left, the others to the right if numbers."""
    widths = [max(3, *(len(row[column]) for row in (header, *rows))) for column in range(len(header))]
    left = [column == 0 or len(header) == 2 for column in range(len(header))]

    def drawn(row: Sequence[str]) -> str:
        cells = (
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(row, widths, left, strict=True)
        )
        return f"| {' | '.join(cells)} |"

    rule = [
        ":" + "-" * (width - 1) if to_left else "-" * (width - 1) + ":"
        for width, to_left in zip(widths, left, strict=True)
    ]
    return "\n".join((drawn(header), f"| {' | '.join(rule)} |", *map(drawn, rows)))


def _figures(table: FigureTable) -> list[str]:
    rows = [
        [
            escaped(marked_label(row.name)),
            format_value(row.figure),
            format_interval(row.figure),
            f"{row.figure.n:,}",
            *("" if figure is None else format_value(figure) for figure in row.beside),
        ]
        for row in table.rows
    ]
    header = ["Figure", "Value", "95% interval", "n", *(escaped(label(name)) for name in table.baselines)]
    missing = ", ".join(map(label, table.missing))
    return [
        padded_table(header, rows) if rows else "",
        f"Not measurable with this set: {escaped(missing)}." if missing else "",
    ]


def _types(report: EvalReport) -> str:
    columns = type_columns(report)
    rows = [
        [
            escaped(shortened(name, 60)),
            f"{report.type_sizes[name]:,}",
            *(format_figure(figures.get(key, UNDEFINED)) for key in columns),
        ]
        for name, figures in report.by_type.items()
    ]
    return padded_table(["Type", "n", *columns.values()], rows)


def _times(report: EvalReport) -> str:
    rows = [
        [escaped(stage), *(format_figure(times.get(name, UNDEFINED)) for name in ("p50", "p95"))]
        for stage, times in report.timings_ms.items()
    ]
    return padded_table(["Stage", "p50", "p95"], rows)


def _question(found: QuestionDetails) -> list[str]:
    said = f" ({escaped(found.confidence)})" if found.confidence else ""
    parts = [
        f"### {escaped(found.id)}: {escaped(found.fault)}",
        f"**Question** ({escaped(found.type)}): {escaped(found.question)}",
        *(f"Asked after: {escaped(turn)}" for turn in found.history),
        f"**Answer**{said}: {escaped(found.answer)}",
        "**What went wrong:** " + escaped(" ".join(found.reasons)),
        _listed("Accepted", found.accepted),
        _quoted("Gold quotes", found.gold),
        _quoted(found.cited_heading, found.cited),
    ]
    return [part for part in parts if part]


def _listed(title: str, texts: Sequence[str]) -> str:
    return f"**{title}:** " + "; ".join(map(escaped, texts)) if texts else ""


def _quoted(title: str, quotes: Sequence[tuple[str, str]]) -> str:
    if not quotes:
        return f"**{title}:** none"
    lines = (f"> {escaped(words)}\n>\n> — {escaped(source)}" for words, source in quotes)
    return f"**{title}:**\n\n" + "\n\n".join(lines)
