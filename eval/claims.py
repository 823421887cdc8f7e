"""Is a statement supported by its evidence: a checker against people's labels, on claims in the format of WiCE.

What is to be found are the claims that people call fully `supported`; partly supported ones count with the others.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from eval.citation_support import judge_texts
from eval.metrics import squad_tokens
from eval.statistics import auroc_figure, rate_of
from eval.text_table import aligned
from eval.types import UNDEFINED, Figure, Figures
from eval.wice import LABELS, Claim, read_claims
from rag.likeness import Likeness
from rag.support import coverage
from rag.types import Support
from rag.words import Words

if TYPE_CHECKING:
    from eval.citation_support import Checker

VIEWS = {
    "page": "the whole page",
    "gold_sentences": "only the sentences that people marked",
}
"""What the checker is shown of the evidence. The second leaves out claims for which nobody marked a sentence, most of
them `not_supported`."""

OVERLAP_THRESHOLD = 0.5
"""Share of a claim's words that one sentence must hold for the baseline to call the claim supported: half of them,
chosen beforehand and not fitted to any set."""

ALWAYS, OVERLAP, COVERAGE = "always_supported", "sentence_overlap", "rule_coverage"
MODEL, ENCODER_MODEL = "model_of_words", "model_with_encoder"
"""The fitted model of `rag.support` before its rules forbid anything, from words alone and with an encoder."""

FIGURES = ("precision", "recall", "balanced_accuracy", "auroc")


@dataclass(frozen=True, slots=True)
class ClaimsView:
    """What was measured with one part of the evidence.

    `sizes` counts claims by label. `systems` maps the checker and the baselines to `precision` and `recall` of
    "supported", `balanced_accuracy` and `auroc`, each in 0..1, higher is better, chance at 0.5 for the last two.
    `verdicts` counts by label what the checker said, `rule_verdicts` the four verdicts of `rag.support`.
    """

    evidence: str
    sizes: Mapping[str, int]
    systems: Mapping[str, Figures]
    verdicts: Mapping[str, Mapping[str, int]]
    rule_verdicts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class ClaimsReport:
    """A checker measured on a file of claims; `views` by the names of `VIEWS`."""

    path: str
    sha256: str
    checker: str
    n: int
    views: Mapping[str, ClaimsView]

    def as_json(self) -> dict[str, Any]:
        """The document of `dateline eval claims --json`."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "checker": self.checker,
            "n": self.n,
            "views": {
                name: {
                    "evidence": view.evidence,
                    "n": sum(view.sizes.values()),
                    "labels": dict(view.sizes),
                    "systems": {
                        system: {figure: value.as_json() for figure, value in figures.items()}
                        for system, figures in view.systems.items()
                    },
                    "verdicts": {label: dict(row) for label, row in view.verdicts.items()},
                    "rule_verdicts": {label: dict(row) for label, row in view.rule_verdicts.items()},
                }
                for name, view in self.views.items()
            },
        }

    def text(self) -> str:
        """The report for a terminal: figures with 95% intervals and the tables of labels against verdicts."""
        lines = [f"{self.n} claims of {self.path}, checker {self.checker}"]
        for view in self.views.values():
            sizes = ", ".join(f"{count} {label}" for label, count in view.sizes.items())
            lines += ["", f"Evidence: {view.evidence} ({sizes})", ""]
            rows = [["", *FIGURES]]
            rows += [[name, *(_shown(figures[figure]) for figure in FIGURES)] for name, figures in view.systems.items()]
            lines += aligned(rows, left=range(len(rows[0])))
            for title, verdicts in ((self.checker, view.verdicts), ("rag.support", view.rule_verdicts)):
                names = list(next(iter(verdicts.values())))
                counts = [[label, *(str(row[name]) for name in names)] for label, row in verdicts.items()]
                lines += ["", *aligned([[f"label / {title}", *names], *counts], left=range(len(names) + 1))]
        return "\n".join(lines)


def measure_claims(
    path: Path,
    checker: "Checker",
    *,
    likeness: Likeness | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ClaimsReport:
    """Asks the checker about every claim of the file, with the whole page and with the sentences that people marked.

    Beside it stand the fitted model of `rag.support` alone, by words and with `likeness` by an encoder too; a baseline
    that always says "supported", one that goes by the share of the claim's words in the sentence that has most of them,
    and the area under the ROC curve of `rag.support.coverage`. `on_progress` is given
    the checks done and the checks in all. Raises InputError, with line and field, for a file that is no such set.
    """
    claims, sha256 = read_claims(path)
    shown = {name: [(claim, claim_evidence(claim, name)) for claim in claims] for name in VIEWS}
    shown = {name: [(claim, sentences) for claim, sentences in pairs if sentences] for name, pairs in shown.items()}
    total = sum(map(len, shown.values()))
    done = 0
    views = {}
    for name, pairs in shown.items():
        said = []
        for claim, sentences in pairs:
            said.append(checker.supports(sentences, claim.text))
            done += 1
            if on_progress is not None:
                on_progress(done, total)
        views[name] = _view(VIEWS[name], checker.name, pairs, said, likeness)
    return ClaimsReport(str(path), sha256, checker.name, len(claims), views)


def sentence_overlap(claim: str, evidence: Sequence[str]) -> float:
    """The largest share, 0..1, of the claim's distinct words that one sentence of the evidence holds."""
    words = set(squad_tokens(claim))
    if not words:
        return 0.0
    return max((len(words.intersection(squad_tokens(sentence))) / len(words) for sentence in evidence), default=0.0)


def balanced_accuracy(recall: Figure, specificity: Figure) -> Figure:
    """The mean of the two rates; `UNDEFINED` where one of them is.

    The interval is made of theirs (method of variance estimates recovery: Newcombe 1998, method 10; Zou & Donner 2008).
    """
    sides = [(side.value, side.low, side.high) for side in (recall, specificity)]
    below = above = middle = 0.0
    for value, low, high in sides:
        if value is None or low is None or high is None:
            return UNDEFINED
        middle += value / 2
        below += (value - low) ** 2
        above += (high - value) ** 2
    n = recall.n + specificity.n
    return Figure(middle, max(0.0, middle - math.sqrt(below) / 2), min(1.0, middle + math.sqrt(above) / 2), n)


def _view(
    evidence: str,
    checker: str,
    pairs: Sequence[tuple[Claim, Sequence[str]]],
    said: Sequence[bool],
    likeness: Likeness | None,
) -> ClaimsView:
    labels = [claim.label for claim, _ in pairs]
    positive = [label == LABELS[0] for label in labels]
    overlaps = [sentence_overlap(claim.text, sentences) for claim, sentences in pairs]
    words = [(Words.of(claim.text), Words.union([Words.of(text) for text in shown])) for claim, shown in pairs]
    judged = {
        MODEL: [judge_texts(claim.text, shown) for claim, shown in pairs],
    }
    if likeness is not None:
        judged[ENCODER_MODEL] = [judge_texts(claim.text, shown, likeness) for claim, shown in pairs]
    systems = {
        checker: _figures(positive, said),
        **{
            name: _figures(positive, [one.likely for one in found], [one.probability for one in found])
            for name, found in judged.items()
        },
        COVERAGE: _figures(positive, None, [coverage(claim, held) for claim, held in words]),
        OVERLAP: _figures(positive, [overlap >= OVERLAP_THRESHOLD for overlap in overlaps], overlaps),
        ALWAYS: _figures(positive, [True] * len(pairs)),
    }
    return ClaimsView(
        evidence,
        {label: labels.count(label) for label in LABELS},
        systems,
        _count(labels, ["supported" if yes else "not supported" for yes in said], ("supported", "not supported")),
        _count(labels, [one.support for one in list(judged.values())[-1]], get_args(Support)),
    )


def _figures(positive: Sequence[bool], said: Sequence[bool] | None, scores: Sequence[float] = ()) -> Figures:
    """The figures of verdicts and scores; those that have no verdicts, or no scores, are `UNDEFINED`."""
    precision = recall = balanced = area = UNDEFINED
    if said is not None:
        hits = sum(is_so and yes for is_so, yes in zip(positive, said, strict=True))
        rejected = sum(not is_so and not yes for is_so, yes in zip(positive, said, strict=True))
        precision = rate_of(hits, sum(said))
        recall = rate_of(hits, sum(positive))
        balanced = balanced_accuracy(recall, rate_of(rejected, len(positive) - sum(positive)))
    if scores:
        sides = [
            [score for is_so, score in zip(positive, scores, strict=True) if is_so is side] for side in (True, False)
        ]
        area = auroc_figure(sides[0], sides[1])
    return {"precision": precision, "recall": recall, "balanced_accuracy": balanced, "auroc": area}


def _count(labels: Sequence[str], verdicts: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, int]]:
    found = list(zip(labels, verdicts, strict=True))
    return {label: {name: found.count((label, name)) for name in names} for label in LABELS}


def claim_evidence(claim: Claim, view: str) -> tuple[str, ...]:
    """The sentences that a view of `VIEWS` shows of a claim's evidence."""
    return claim.evidence if view == "page" else tuple(claim.evidence[position] for position in claim.marked)


def _shown(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "–"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
