"""The figures of a retrieval run, as the JSON document of `dateline eval retrieval --json` and as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval.figure_names import format_interval, format_value, label, one_line
from eval.text_table import titled
from eval.types import Figures, SearchMode, nested_json

QUANTILES = {"p50": 0.5, "p95": 0.95}

LISTED_FAILURES = 10
"""Failures that the text names; the JSON document has all."""


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """The figures of the searches of a set.

    `retrieval` is by level and measure for the search `mode`, put in order by `reranker` if there is one, `baselines`
    the same by name of a baseline. `timings_ms` is by stage (`encoding` of the question, and each search without it,
    asked for 10 passages) and quantile, in milliseconds, lower is better. `questions` were scored, `skipped` were not,
    because they are not answerable or name no evidence. `failures` are question, mode and sentence of the searches that
    ended in an error and score 0. `clusters` is how many clusters the questions fall into, `None` where each stands
    alone. `seconds` is the time of everything.
    """

    set_path: str
    set_format: str
    set_sha256: str
    library_path: str
    library_generation: int
    articles: int
    passages: int
    encoder: str
    mode: SearchMode
    reranker: str | None
    reader: str | None
    use_as_of: bool
    questions: int
    skipped: int
    retrieval: Mapping[str, Figures]
    baselines: Mapping[str, Mapping[str, Figures]]
    timings_ms: Mapping[str, Figures]
    failures: tuple[tuple[str, SearchMode, str], ...]
    clusters: int | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The document of `dateline eval retrieval --json`; figures are `{"value", "low", "high", "n"}`."""
        return {
            "set": self.set_path,
            "set_format": self.set_format,
            "set_sha256": self.set_sha256,
            "library": self.library_path,
            "library_generation": self.library_generation,
            "articles": self.articles,
            "passages": self.passages,
            "encoder": self.encoder,
            "mode": self.mode,
            "reranker": self.reranker,
            "reader": self.reader,
            "as_of": self.use_as_of,
            "n": self.questions,
            "skipped": self.skipped,
            "retrieval": nested_json(self.retrieval),
            "baselines": {name: {"retrieval": nested_json(levels)} for name, levels in self.baselines.items()},
            "timings_ms": nested_json(self.timings_ms),
            "failures": [{"id": query, "mode": mode, "error": error} for query, mode, error in self.failures],
            "clusters": self.clusters,
            "seconds": round(self.seconds, 2),
        }

    def text(self) -> str:
        """Aligned tables: the figures with their intervals and the baselines beside them, then the times."""
        order = "" if self.reranker is None else f", re-ranker {one_line(self.reranker)}"
        order += "" if self.reader is None else f", reader {one_line(self.reader)}"
        parts = [
            f"{one_line(self.set_path)}: {self.questions:,} questions searched in {self.articles:,} articles "
            f"({self.passages:,} passages), {self.mode} search{order}, encoder {one_line(self.encoder)}, "
            f"{self.seconds:.1f} seconds"
        ]
        if self.skipped:
            parts.append(f"{self.skipped:,} questions are not answerable or name no evidence and were not searched.")
        for level, figures in self.retrieval.items():
            beside = {name: levels[level] for name, levels in self.baselines.items()}
            rows = [
                [name, format_value(figure), format_interval(figure), f"{figure.n:,}"]
                + [format_value(found[name]) for found in beside.values()]
                for name, figure in figures.items()
            ]
            parts.append(titled([f"Retrieval of {level}s", "value", "95% interval", "n", *map(label, beside)], rows))
        parts.append("R@50 and AP look at 50 passages, the others at the 10 that an answer is made from.")
        times = [
            [stage, *(format_value(figures[name]) for name in QUANTILES)] for stage, figures in self.timings_ms.items()
        ]
        parts.append(titled(["Milliseconds", *QUANTILES], times))
        if self.failures:
            named = [f"  {one_line(query)} ({mode}): {one_line(error)}" for query, mode, error in self.failures]
            more = len(named) - LISTED_FAILURES
            parts.append("\n".join(["Searches that failed and score 0", *named[:LISTED_FAILURES]]))
            if more > 0:
                parts[-1] += f"\n  and {more:,} more"
        return "\n\n".join(parts) + "\n"
