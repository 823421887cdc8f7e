"""How well cited words support a statement: rules that forbid, and a small fitted model of what is left.

The rules (`rag.contradictions`) look for what must not differ: numbers, dates, names, roles, negations, opposites,
hedges. What they find keeps a statement from being `supported`, whatever else agrees. Where they find nothing, the
model decides from how much of the statement the cited words hold, and how nearly they hold the rest. Similarity of
meaning is one of its signals and never enough: the sentence most like "sales rose" is "sales fell".

The model is a logistic regression on `FEATURES`, fitted by `eval/benchmarks/fit_support.py`, which says on what.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from rag.contradictions import Finding, find_problems, stands_for
from rag.likeness import Likeness, closeness
from rag.quotations import stands_in
from rag.types import Problem, Support
from rag.words import Words

PARTIAL_COVERAGE = 0.5
"""Share of a statement's content terms below which the cited words do not carry it."""

WORDS_FEATURES = (
    "coverage",
    "missing",
    "names_missing",
    "numbers_missing",
    "bigrams",
    "stance_missing",
    "length",
)
"""Signals from words alone: the share of the statement's terms that the cited words hold; how many terms, names,
numbers and words of stance they lack; the share of its pairs of neighbouring words that they hold; the logarithm of its
number of terms."""

LIKENESS_FEATURES = ("close_mean", "close_quarter", "close_least")
"""Signals from the encoder, of the nearness of each word's nearest word among the cited ones: mean, lower quartile,
mean of the lowest three."""

FEATURES = (*WORDS_FEATURES, *LIKENESS_FEATURES)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the check of a statement says: the label, what it objects to, and the estimated probability, 0..1, that a
    person would call the statement fully supported by the cited words, by which statements can be ranked.

    `likely` says that the model alone would call it supported; the rules may still object. `forbidden` says that a rule
    allows nothing but `unsupported`. `entailed` says that a model of inference has read both and found that the words
    entail the statement, be it in other words.
    """

    support: Support
    problems: tuple[Problem, ...] = ()
    probability: float = 0.0
    likely: bool = False
    forbidden: bool = False
    entailed: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model: the log-odds are `bias` and the sum of each feature times its weight. A statement is `supported`
    from the probability `supported_from` on, `partial` from `partial_from` on."""

    weights: Mapping[str, float]
    bias: float
    supported_from: float
    partial_from: float

    def probability(self, features: Mapping[str, float]) -> float:
        """The probability, 0..1, that a person would call a statement with these features fully supported."""
        odds = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))


def judge(
    statement: Words,
    evidence: Sequence[Words],
    *,
    found: Sequence[Finding] = (),
    known: frozenset[str] = frozenset(),
    likeness: Likeness | None = None,
    texts: tuple[str, Sequence[str]] | None = None,
) -> Judgement:
    """How well the evidence, a sentence each, supports the statement.

    `found` are problems that the caller knows of, such as a quotation that no article has; `known` terms that the
    statement may hold though the evidence does not, such as the name of the article's source. `likeness` compares words
    by an encoder, for which `texts` are the statement and the sentences as they are written; without it the model of
    words alone decides.
    """
    findings = [*found, *find_problems(statement, evidence, known)]
    problems = tuple(dict.fromkeys(finding.problem for finding in findings))
    forbidden = any(finding.forbids for finding in findings)
    if not statement.needed or not evidence:
        return Judgement("unsupported", problems, forbidden=forbidden)
    together = Words.union(evidence)
    if stands_in(statement.folded, together.folded) and not any(
        finding in found or finding.problem.kind in ("negation", "hedge") for finding in findings
    ):
        return Judgement("verbatim", (), 1.0, True)
    features = support_features(statement, evidence, known=known)
    close: Sequence[tuple[str, float]] = ()
    if likeness is not None and texts is not None and not forbidden and features["coverage"] >= PARTIAL_COVERAGE:
        close = closeness(likeness, *texts)
        features |= _likeness_features(close)
    model = load_model(with_likeness=bool(close))
    probability = model.probability(features)
    if forbidden or features["coverage"] < PARTIAL_COVERAGE:
        support: Support = "unsupported"
    elif problems or features["stance_missing"] or probability < model.supported_from:
        support = "partial" if probability >= model.partial_from else "unsupported"
    else:
        support = "supported"
    return Judgement(support, problems, probability, probability >= model.supported_from, forbidden)


def coverage(statement: Words, evidence: Words) -> float:
    """Share, 0..1, of what the statement needs that the evidence holds; 0 for a statement without content."""
    return len(statement.needed & evidence.needed) / len(statement.needed) if statement.needed else 0.0


def support_features(
    statement: Words,
    evidence: Sequence[Words],
    close: Sequence[tuple[str, float]] = (),
    known: frozenset[str] = frozenset(),
) -> dict[str, float]:
    """The signals of `FEATURES` by name; those of `LIKENESS_FEATURES` only with `close`, see `rag.likeness`."""
    together = Words.union(evidence)
    needed = statement.needed - (known - together.needed)
    missing = needed - together.needed
    names = {term for token in statement.tokens if token.kind == "name" for term in token.terms}
    held = together.terms | together.content | known
    pairs = _pairs(statement)
    features = {
        "coverage": 1.0 - len(missing) / len(needed) if needed else 0.0,
        "missing": float(len(missing)),
        "names_missing": float(len(names - held)),
        "numbers_missing": float(len(statement.numbers - together.numbers - known)),
        "bigrams": len(pairs & set().union(*map(_pairs, evidence))) / len(pairs) if pairs else 0.0,
        "stance_missing": float(sum(not stands_for(term, together) for term in statement.stance)),
        "length": math.log(max(1, len(statement.needed))),
    }
    return features | _likeness_features(close)


def _likeness_features(close: Sequence[tuple[str, float]]) -> dict[str, float]:
    values = sorted(value for _, value in close)
    if not values:
        return {}
    return {
        "close_mean": sum(values) / len(values),
        "close_quarter": values[len(values) // 4],
        "close_least": sum(values[:3]) / len(values[:3]),
    }


def _pairs(words: Words) -> set[tuple[frozenset[str], frozenset[str]]]:
    terms = [token.terms for token in words.tokens if token.terms]
    return set(pairwise(terms))


@lru_cache(maxsize=2)
def load_model(*, with_likeness: bool) -> Model:
    """The shipped model, from words alone or with the encoder's signals."""
    stored = json.loads(resources.files("rag").joinpath("support.json").read_text(encoding="utf-8"))
    model = stored["with_likeness" if with_likeness else "words"]
    return Model(model["weights"], model["bias"], model["supported_from"], model["partial_from"])
