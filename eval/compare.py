"""Two runs of the same questions: what changed, by how much, and whether chance could have made it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.compare_text import comparison_markdown, comparison_text
from eval.flips import Flip, find_flips
from eval.manifest import MANIFEST_NAME, differences, read_manifest
from eval.paired import PairedDifference, holm, paired_difference
from eval.rankings import LEVELS
from eval.results import RESULTS_NAME, read_results
from eval.types import Manifest, QuestionResult
from index.errors import InputError

RETRIEVAL_MEASURES = ("nDCG@10", "R@10", "Success@1")
"""Of the measures of a ranking, those compared: the field's summary, whether the evidence is among the ten passages
that an answer is made from, and whether it comes first. The others order systems nearly as these do, and Holm's
correction makes every p-value of a comparison pay for each one more."""

FEW_UNITS = 10
"""Intervals of fewer questions or clusters than this are rough (see `eval.statistics`)."""

_NAMED_IDS = 3
"""Questions that a message names; more do not help to see what is wrong."""

Value = Callable[[QuestionResult], float | bool | None]
Pair = tuple[QuestionResult, QuestionResult]


@dataclass(frozen=True, slots=True)
class RunDescription:
    """One of the two runs: its name, its number of questions, and what its manifest says, `None` without one."""

    name: str
    n: int
    model: str | None
    system: str | None
    set_sha256: str | None

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("name", "n", "model", "system", "set_sha256")}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Run B against run A on the `n` questions that both have.

    `metrics` holds every measure that both have for at least one question; their p-values are adjusted together.
    `clusters` is how many clusters the common questions fall into, `None` where each stands alone. `notes` are
    sentences that a reader must know before the figures.
    """

    a: RunDescription
    b: RunDescription
    n: int
    only_a: int
    only_b: int
    clusters: int | None
    notes: tuple[str, ...]
    metrics: Mapping[str, PairedDifference]
    flipped: tuple[Flip, ...]
    seed: int

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain data, ready for `json.dumps`, with every question that flipped."""
        return {
            "a": self.a.as_json(),
            "b": self.b.as_json(),
            "n": self.n,
            "only_a": self.only_a,
            "only_b": self.only_b,
            "clusters": self.clusters,
            "notes": list(self.notes),
            "metrics": {name: metric.as_json() for name, metric in self.metrics.items()},
            "flipped": [flip.as_json() for flip in self.flipped],
            "seed": self.seed,
        }

    def text(self) -> str:
        """The comparison for the terminal: the questions that flipped, then the measures."""
        return comparison_text(self)

    def markdown(self) -> str:
        """The same as Markdown."""
        return comparison_markdown(self)


def compare_runs(a: Path, b: Path, *, seed: int) -> Comparison:
    """Compares two runs, each a run's folder or its `results.jsonl`; the order of their lines does not matter.

    Raises `InputError` if there is no such run, and where `compare_results` does.
    """
    return compare_results(
        read_results(a), read_results(b), names=(str(a), str(b)), manifests=(_manifest(a), _manifest(b)), seed=seed
    )


def compare_results(
    a: Sequence[QuestionResult],
    b: Sequence[QuestionResult],
    *,
    names: tuple[str, str] = ("A", "B"),
    manifests: tuple[Manifest | None, Manifest | None] = (None, None),
    seed: int,
) -> Comparison:
    """Compares the results of two runs on the questions that both have, paired by id. The same seed, the same result.

    A question that ended in an error scores 0, as in the report; a measure that only one of the two has for a question
    (citation recall where the other refused) leaves that question out. Raises `InputError` if an id is there twice,
    stands for different questions, or none is common.
    """
    first, second = _by_id(a, names[0]), _by_id(b, names[1])
    common = sorted(first.keys() & second.keys())
    if not common:
        raise InputError(
            f"{names[0]!r} and {names[1]!r} have no question in common: no id is in both. Compare two runs of one set."
        )
    pairs = [(first[name], second[name]) for name in common]
    _check_same_questions(pairs, names)
    labels = [one.question.cluster or other.question.cluster for one, other in pairs]
    clusters = None if not any(labels) else len(set(filter(None, labels))) + labels.count(None)
    metrics = {
        name: _difference(pairs, labels, value, higher_is_better, seed)
        for name, (value, higher_is_better) in MEASURES.items()
    }
    described = [_described(*run) for run in zip(names, (a, b), manifests, strict=True)]
    return Comparison(
        a=described[0],
        b=described[1],
        n=len(pairs),
        only_a=len(first) - len(pairs),
        only_b=len(second) - len(pairs),
        clusters=clusters,
        notes=_notes(pairs, clusters, manifests),
        metrics=_adjusted({name: metric for name, metric in metrics.items() if metric is not None}),
        flipped=find_flips(pairs),
        seed=seed,
    )


def _score(name: str) -> Value:
    return lambda result: getattr(result.scores, name)


def _ranking(level: str, measure: str) -> Value:
    return lambda result: result.rankings.get("system", {}).get(level, {}).get(measure)


def _rejected(result: QuestionResult) -> bool | None:
    return None if result.question.answerable else result.scores.refused


def _unanswered(result: QuestionResult) -> bool | None:
    return result.scores.words is None if result.question.answerable else None


def _total_ms(result: QuestionResult) -> float | None:
    return None if result.answer is None else result.answer.get("timings_ms", {}).get("total")


MEASURES: Mapping[str, tuple[Value, bool | None]] = {
    "contains": (_score("contains"), True),
    "exact_match": (_score("exact_match"), True),
    "f1": (_score("f1"), True),
    "rouge_l": (_score("rouge_l"), True),
    "rejected": (_rejected, True),
    "false_rate": (_unanswered, False),
    "gold_quote": (_score("gold_quote"), True),
    "gold_overlap": (_score("gold_overlap"), True),
    "gold_article": (_score("gold_article"), True),
    "citation_recall": (_score("citation_recall"), True),
    "citation_precision": (_score("citation_precision"), True),
    **{f"{level}.{name}": (_ranking(level, name), True) for level in LEVELS for name in RETRIEVAL_MEASURES},
    "words": (_score("words"), None),
    "total_ms": (_total_ms, False),
}
"""What is compared: a question's value, `None` where it has none, and whether higher is better (`None`: neither).

`rejected` is the refusal of unanswerable questions, `false_rate` no answer to an answerable one, as in the report;
`total_ms` is the time of the whole answer in milliseconds. Figures of a whole set (AUROC, calibration error) have no
value for a question and are not compared."""


def _difference(
    pairs: Sequence[Pair], clusters: Sequence[str | None], value: Value, higher_is_better: bool | None, seed: int
) -> PairedDifference | None:
    rows = [
        (float(before), float(after), cluster)
        for (a, b), cluster in zip(pairs, clusters, strict=True)
        if (before := value(a)) is not None and (after := value(b)) is not None
        if math.isfinite(before) and math.isfinite(after)
    ]
    if not rows:
        return None
    first, second, kept = zip(*rows, strict=True)
    return paired_difference(first, second, clusters=kept, seed=seed, higher_is_better=higher_is_better)


def _adjusted(metrics: Mapping[str, PairedDifference]) -> dict[str, PairedDifference]:
    adjusted = holm([metric.p for metric in metrics.values()])
    return {name: replace(metrics[name], p_holm=p) for name, p in zip(metrics, adjusted, strict=True)}


def _by_id(results: Sequence[QuestionResult], name: str) -> dict[str, QuestionResult]:
    by_id = {result.question.id: result for result in results}
    if len(by_id) < len(results):
        ids = [result.question.id for result in results]
        twice = next(identifier for identifier in ids if ids.count(identifier) > 1)
        raise InputError(f"{name!r} has the question {twice!r} more than once; keep one of its lines.")
    return by_id


def _check_same_questions(pairs: Sequence[Pair], names: tuple[str, str]) -> None:
    """Whoever compares different questions under the same id compares nothing."""
    other = [a.question.id for a, b in pairs if _asked(a) != _asked(b)]
    if other:
        listed = ", ".join(repr(identifier) for identifier in other[:_NAMED_IDS])
        more = f" and {len(other) - _NAMED_IDS} more" if len(other) > _NAMED_IDS else ""
        raise InputError(
            f"{names[0]!r} and {names[1]!r} are runs of different sets: {listed}{more} stand for other questions in "
            "each (text, history, date, or whether there is an answer). Compare two runs of one set."
        )


def _asked(result: QuestionResult) -> tuple[object, ...]:
    question = result.question
    return question.text, question.history, question.as_of, question.answerable


def _notes(
    pairs: Sequence[Pair], clusters: int | None, manifests: tuple[Manifest | None, Manifest | None]
) -> tuple[str, ...]:
    notes = []
    a, b = manifests
    if a is not None and b is not None:
        if a.set_sha256 != b.set_sha256:
            notes.append("The question sets are not the same to the byte (set_sha256); only common questions count.")
        changed = [change for change in differences(a, b) if not change.startswith("set_sha256 ")]
        if changed:
            notes.append(f"What differs between the runs: {'; '.join(changed)}.")
        if a.machine != b.machine:
            notes.append("Machines or jobs differ: times show that too.")
    regraded = sum(_gold(one) != _gold(other) for one, other in pairs)
    if regraded:
        notes.append(
            f"{regraded} of {len(pairs)} common questions have other accepted answers or evidence in B: their scores "
            "may differ for that alone."
        )
    failed = [sum(pair[side].failure is not None for pair in pairs) for side in (0, 1)]
    if any(failed):
        notes.append(f"Of the common questions, {failed[0]} in A and {failed[1]} in B ended in an error.")
    units = len(pairs) if clusters is None else clusters
    if units < FEW_UNITS:
        unit = "questions" if clusters is None else "clusters"
        least = 2 / 2**units
        notes.append(f"Fewer than {FEW_UNITS} {unit} ({units}): intervals are rough, no p-value is below {least:.2g}.")
    return tuple(notes)


def _gold(result: QuestionResult) -> tuple[object, ...]:
    question = result.question
    return question.answers, question.answers_all, question.reference, question.evidence


def _described(name: str, results: Sequence[QuestionResult], manifest: Manifest | None) -> RunDescription:
    if manifest is None:
        return RunDescription(name, len(results), None, None, None)
    return RunDescription(name, len(results), manifest.model, manifest.system, manifest.set_sha256)


def _manifest(path: Path) -> Manifest | None:
    """The manifest of a run, `None` where there is only a file of results."""
    folder = path if path.is_dir() else path.parent
    belongs = path.is_dir() or path.name == RESULTS_NAME
    return read_manifest(folder) if belongs and (folder / MANIFEST_NAME).is_file() else None
