"""What every form of the report says: the findings in words, and the tables of figures beside their baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from eval.figure_names import format_interval, format_seconds, format_value, label, one_line, shortened
from eval.types import UNDEFINED, EvalReport, Figure, Figures

TYPE_COLUMNS = {
    "contains": "accepted",
    "f1": "F1",
    "rouge_l": "ROUGE-L",
    "gold_quote": "gold quote",
    "gold_article": "gold article",
    "rejected": "rejected",
    "false_rate": "false refusals ↓",
    "nDCG@10": "nDCG@10",
}
"""The columns of the table by type, short enough for one line of a terminal."""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure of the run and the same figure of each baseline of its table, `None` where one does not have it."""

    name: str
    figure: Figure
    beside: tuple[Figure | None, ...]


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Figures under one heading. `missing` names the figures that the set or the run has nothing to measure with."""

    title: str
    baselines: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the summary: a figure, and the text that goes on from it."""

    figure: str
    interval: str | None
    text: str

    def __str__(self) -> str:
        interval = "" if self.interval is None else f" ({self.interval})"
        return f"{self.figure}{interval} {self.text}"


def figure_tables(report: EvalReport) -> list[FigureTable]:
    """Retrieval by level, answers, citations, and refusals, each with the baselines that have such figures."""
    tables = []
    for level, figures in report.retrieval.items():
        beside = {name: levels[level] for name, levels in report.baseline_retrieval.items() if level in levels}
        tables.append(figure_table(f"Retrieval of {level}s", figures, beside))
    tables.append(figure_table("Answers", report.answers, report.baselines))
    tables.append(figure_table("Citations", report.citations, report.baselines))
    tables.append(figure_table("Refusals and confidence", report.refusals, report.baselines))
    return [table for table in tables if table.rows or table.missing]


def judge_table(report: EvalReport) -> FigureTable | None:
    """The opinions of the judge, `None` if there was none."""
    return figure_table(f"Opinions of {shortened(judge_names(report), 60)}", report.judge, {}) if report.judge else None


def judge_names(report: EvalReport) -> str:
    """The model or models whose opinions these are."""
    names = {result.judgement.judge for result in report.results if result.judgement is not None}
    return " and ".join(one_line(name) for name in sorted(names)) or "a language model"


def figure_table(title: str, figures: Figures, baselines: Mapping[str, Figures]) -> FigureTable:
    """The figures that are defined, beside the baselines that have one of them."""
    known = {key: figure for key, figure in figures.items() if figure.value is not None}
    beside = {
        name: found
        for name, found in baselines.items()
        if any(found.get(key, UNDEFINED).value is not None for key in known)
    }
    rows = tuple(
        FigureRow(key, figure, tuple(found.get(key) for found in beside.values())) for key, figure in known.items()
    )
    return FigureTable(title, tuple(beside), rows, tuple(key for key in figures if key not in known))


def type_columns(report: EvalReport) -> dict[str, str]:
    """The columns of `TYPE_COLUMNS` that some type has a figure for."""
    return {
        key: heading
        for key, heading in TYPE_COLUMNS.items()
        if any(figures.get(key, UNDEFINED).value is not None for figures in report.by_type.values())
    }


def findings(report: EvalReport) -> list[Finding]:
    """What the figures say, most important first, each with its interval and the best baseline for the same thing."""
    found = [_about_answers(report)]
    citations, refusals = report.citations, report.refusals
    found.append(_finding(refusals.get("rejected"), "of {n} unanswerable questions are refused, as they should be."))
    found.append(_finding(refusals.get("false_rate"), "of {n} answerable questions get no answer (lower is better)."))
    for key, text in (
        ("gold_quote", "of {n} answerable questions get an answer that cites a gold quote."),
        ("gold_article", "of {n} answerable questions get an answer that cites an article with evidence."),
    ):
        if key in citations and citations[key].value is not None:
            found.append(_finding(citations[key], text, best_baseline(report.baselines, key)))
            break
    found += [_about_support(report), _about_retrieval(report)]
    found.append(
        _finding(
            refusals.get("coverage_at_5_risk"), "of all questions can be answered with at most 5% of the answers wrong."
        )
    )
    found.append(_about_time(report))
    return [finding for finding in found if finding is not None]


def best_baseline(baselines: Mapping[str, Figures], key: str) -> tuple[str, Figure] | None:
    """The baseline with the highest value of a figure, `None` if none has it."""
    known = [(name, figures[key]) for name, figures in baselines.items() if key in figures]
    return max(
        ((name, figure) for name, figure in known if figure.value is not None),
        key=lambda entry: entry[1].value or 0.0,
        default=None,
    )


def notices(report: EvalReport) -> list[str]:
    """What a reader must know before the figures: failures, fields that were ignored, and questions that hang
    together."""
    said = []
    missing = report.manifest.questions - len(report.results)
    if missing > 0:
        said.append(
            f"The run is not finished: {missing:,} of {report.manifest.questions:,} questions have not been asked."
        )
    if "limit" in report.manifest.settings:
        said.append(f"Only a part of the set was asked: {report.manifest.settings['limit']}, spread evenly over it.")
    if report.failures:
        one = len(report.failures) == 1
        ended = "ended in an error and counts" if one else "ended in errors and count"
        said.append(f"{len(report.failures):,} of {len(report.results):,} questions {ended} as wrong.")
    if report.ignored_fields:
        names = ", ".join(f"{name!r} ({count})" for name, count in report.ignored_fields.items())
        said.append(f"Fields that the format does not have were ignored: {one_line(names)}")
    if report.clusters is not None:
        said.append(
            f"Questions of one cluster (an article, a title, a label of the set) hang together: intervals resample "
            f"{report.clusters:,} clusters, not {len(report.results):,} questions."
        )
    return said


def where_time_went(seconds: Mapping[str, float]) -> str | None:
    """One sentence about the time of the run, by what it was spent on; `None` if nothing was measured."""
    total = sum(seconds.values())
    if total <= 0:
        return None
    parts = ", ".join(
        f"{one_line(name)} {format_seconds(value)} ({value / total:.1%})"
        for name, value in seconds.items()
        if value > 0
    )
    return f"Where the time went: {format_seconds(total)} in all; {parts}."


def manifest_entries(report: EvalReport) -> list[tuple[str, str]]:
    """The manifest as names and values for people, in reading order."""
    made = report.manifest
    known: list[tuple[str, str]] = [
        ("Command", made.command),
        ("Started", format_time(made.started)),
        ("Dateline", f"{made.version}, commit {made.commit or 'not known'}"),
        ("System", f"{made.system}, model {made.model}"),
        ("Question set", f"{made.set_path} ({made.set_format}, {made.questions:,} questions)"),
        ("SHA-256 of the set", made.set_sha256),
        (
            "Library",
            f"{made.library_path} (generation {made.library_generation}, {made.articles:,} articles, "
            f"{made.passages:,} passages)",
        ),
        ("SHA-256 of its content", made.library_sha256),
        ("Encoder", made.encoder),
        ("Encoder digest", made.encoder_digest),
        ("Settings", _pairs(made.settings)),
        ("Seed", str(made.seed)),
        ("Machine", _pairs(made.machine)),
        ("Packages", ", ".join(f"{name} {version}" for name, version in made.packages.items())),
        ("Time", (where_time_went(report.seconds) or "").removeprefix("Where the time went: ")),
    ]
    return [(name, one_line(value)) for name, value in known if value]


def format_time(started: str) -> str:
    """An ISO 8601 time as `22 November 2026, 05:17 UTC`; anything else as it is."""
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return one_line(started)
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".rstrip()


def set_name(report: EvalReport) -> str:
    """The set's file or folder, without where it is."""
    return one_line(report.manifest.set_path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]) or "Question set"


def _about_answers(report: EvalReport) -> Finding | None:
    texts = {
        "contains": "of {n} answerable questions get an answer that holds what is accepted.",
        "rouge_l": "is the mean ROUGE-L of the answers to {n} answerable questions with the reference.",
    }
    for key, text in texts.items():
        if key in report.answers and report.answers[key].value is not None:
            return _finding(report.answers[key], text, best_baseline(report.baselines, key))
    return None


def _about_support(report: EvalReport) -> Finding | None:
    """ALCE's citation scores, never without the length of the answers; correctness is the sentence before."""
    precision, words = report.citations.get("precision", UNDEFINED), report.answers.get("mean_words", UNDEFINED)
    length = "" if words.value is None else f" Answers have {format_value(words)} words on average."
    return _finding(
        report.citations.get("recall"),
        "is the citation recall of {n} answers: the share of their statements that the cited words support; "
        f"{format_value(precision)} ({format_interval(precision)}) is the precision.{length}",
    )


def _about_retrieval(report: EvalReport) -> Finding | None:
    for level in ("passage", "article"):
        figure = report.retrieval.get(level, {}).get("nDCG@10", UNDEFINED)
        if figure.value is not None:
            beside = {name: levels.get(level, {}) for name, levels in report.baseline_retrieval.items()}
            text = f"is the nDCG@10 of the {level}s found, over {{n}} questions."
            return _finding(figure, text, best_baseline(beside, "nDCG@10"))
    return None


def _about_time(report: EvalReport) -> Finding | None:
    times = report.timings_ms.get("total", {})
    half, most = times.get("p50", UNDEFINED), times.get("p95", UNDEFINED)
    if half.value is None or most.value is None:
        return None
    return Finding(
        format_seconds(half.value / 1000),
        None,
        f"is the median time of an answer; one in twenty takes longer than {format_seconds(most.value / 1000)}.",
    )


def _finding(figure: Figure | None, text: str, best: tuple[str, Figure] | None = None) -> Finding | None:
    if figure is None or figure.value is None:
        return None
    beside = ""
    if best is not None:
        beside = f" The best baseline, {label(best[0])}, has {format_value(best[1])} ({format_interval(best[1])})."
    interval = None if figure.low is None else format_interval(figure)
    return Finding(format_value(figure), interval, text.format(n=f"{figure.n:,}") + beside)


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({_pairs(value)})"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(_plain(part) for part in value)
    return str(value)
