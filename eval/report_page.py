"""A report as one HTML file that needs nothing else: no script, no request, readable on paper and on a phone."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from eval.figure_names import (
    MEANINGS,
    direction,
    format_interval,
    format_value,
    label,
    marked_label,
    one_line,
    visible,
)
from eval.plots import PlotRow, interval_plot, reliability_plot, risk_coverage_plot, time_plot
from eval.report_details import question_details
from eval.report_tables import (
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
from eval.types import UNDEFINED, EvalReport, Figures
from eval.worst_questions import count_faults

if TYPE_CHECKING:
    from jinja2 import Template

HEADLINE = {
    "answers": ("contains", "f1", "rouge_l"),
    "citations": ("gold_quote", "gold_article", "recall", "precision"),
    "refusals": ("rejected", "false_rate", "coverage_at_5_risk", "ece"),
}
"""The figures of the first plot, by their section; of retrieval it has those of `RETRIEVAL_HEADLINE`."""

RETRIEVAL_HEADLINE = ("nDCG@10", "R@10")


def report_page(report: EvalReport) -> str:
    """The report as an HTML document. Whatever it quotes is escaped, with control characters made visible."""
    from markupsafe import Markup

    # The plots escape what they show, and the style is a file of this package.
    plots = [
        {"drawing": Markup(drawing), "title": title, "text": text if drawing.startswith("<svg") else ""}
        for title, drawing, text in _plots(report)
    ]
    made, tables = report.manifest, figure_tables(report)
    page = _template().render(
        style=Markup(_asset("report.css")),
        set_name=set_name(report),
        questions=len(report.results),
        model=made.model,
        system=made.system,
        version=made.version,
        date=format_time(made.started),
        notices=notices(report),
        findings=findings(report),
        tables=tables,
        meanings={
            name: MEANINGS[name] for table in tables for name in (row.name for row in table.rows) if name in MEANINGS
        },
        judge_meanings=MEANINGS,
        judge=judge_table(report),
        judge_names=judge_names(report),
        type_columns=type_columns(report),
        by_type=report.by_type,
        type_sizes=report.type_sizes,
        timings=report.timings_ms,
        plots=plots,
        worst=question_details(report),
        faults=count_faults(report.results),
        failures=report.failures,
        manifest=manifest_entries(report),
    )
    return visible(page) + "\n"


def _plots(report: EvalReport) -> list[tuple[str, str, str]]:
    """Title, drawing and explanation of each plot."""
    retrieval_level = next(
        (
            level
            for level in ("passage", "article")
            if report.retrieval.get(level, {}).get("nDCG@10", UNDEFINED).value is not None
        ),
        "article",
    )
    rows = [
        row for section, names in HEADLINE.items() for row in _rows(getattr(report, section), names, report.baselines)
    ]
    ranked = {name: levels.get(retrieval_level, {}) for name, levels in report.baseline_retrieval.items()}
    rows += [
        PlotRow(f"{row.label}, {retrieval_level}s", row.figure, row.baselines, row.direction)
        for row in _rows(report.retrieval.get(retrieval_level, {}), RETRIEVAL_HEADLINE, ranked)
    ]
    key = "contains" if report.answers.get("contains", UNDEFINED).value is not None else "rouge_l"
    types = [
        PlotRow(f"{name} ({figures[key].n:,})", figures[key])
        for name, figures in report.by_type.items()
        if key in figures
    ]
    surest = report.refusals.get("coverage_at_5_risk", UNDEFINED)
    surest_text = (
        ""
        if surest.value is None
        else f" At 5% risk the coverage is {format_value(surest)} ({format_interval(surest)})."
    )
    return [
        (
            "Headline figures",
            interval_plot("plot-headline", "Headline figures with 95% intervals", rows),
            "Dots are this run with 95% intervals; hollow marks are baselines on the same questions. "
            "↓ lower is better. Overlapping intervals do not mean that two systems are equal: compare runs question by "
            "question with dateline eval compare.",
        ),
        (
            f"By type of question: {label(key)}",
            interval_plot("plot-types", f"{label(key)} by type of question", types),
            "In parentheses the questions of the type that the figure is measured on. Higher is better.",
        ),
        (
            "Risk against coverage",
            risk_coverage_plot("plot-risk", report.risk_coverage),
            "Answers are taken from the surest to the least sure: the share of questions answered so far, and the "
            f"share of those answers that is wrong. Lower is better.{surest_text}",
        ),
        (
            "Reliability of the confidence",
            reliability_plot("plot-reliability", report.reliability),
            "A confidence of 0.8 should be right in 0.8 of cases: on the dashed line. Below it answers are surer than "
            "they should be. Lines are Wilson's 95% intervals, bars the number of answers.",
        ),
        (
            "Time of each stage",
            time_plot("plot-time", report.timings_ms),
            "Over the questions whose answer reports the stage; total is the whole answer. Lower is better.",
        ),
    ]


def _rows(figures: Figures, names: tuple[str, ...], baselines: Mapping[str, Figures]) -> list[PlotRow]:
    return [
        PlotRow(
            label(name),
            figures[name],
            {key: found[name] for key, found in baselines.items() if name in found},
            direction(name),
        )
        for name in names
        if name in figures
    ]


def _asset(name: str) -> str:
    return files("eval").joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        line=one_line, value=format_value, interval=format_interval, label=label, marked=marked_label
    )
    environment.globals["undefined"] = UNDEFINED
    return environment.from_string(_asset("report.html"))
