"""Fits the model of `rag.support` on claims in the format of WiCE and writes `rag/support.json`.

    python eval/benchmarks/fit_support.py ../shared/data/wice/claim_dev.jsonl

The claims are cut in two by their text: one half fits, the other is only reported on, so what ships has never seen it.
Each claim goes in twice, against the sentences that `rag.statement_check` chooses of the whole page and against those
that people marked. Positive are the claims that people call fully `supported`. The weights are a logistic regression
with an L2 penalty; its strength is chosen by cross-validation inside the first half, as are the thresholds.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from eval.claims import OVERLAP_THRESHOLD, VIEWS, claim_evidence, sentence_overlap
from eval.wice import LABELS, read_claims
from index.encoder import load_encoder
from rag.likeness import closeness, encoder_likeness
from rag.statement_check import choose_sentences
from rag.support import FEATURES, WORDS_FEATURES, judge, support_features
from rag.words import Words
from stored import store

PENALTIES = (0.01, 0.03, 0.1, 0.3)
"""Inverse strengths of the penalty that are tried."""

SEED = 20_261_125
PARTIAL_AT_RECALL = 0.95
"""`partial_from` is where this share of the supported claims of the fitting half lies above."""


@dataclass(frozen=True)
class Row:
    """A claim against one view of its evidence."""

    claim: int
    view: str
    is_positive: bool
    fits: bool
    features: dict[str, float]
    overlap: float
    words: Words
    evidence: tuple[Words, ...]
    texts: tuple[str, ...]


def main() -> None:
    path = Path(sys.argv[1])
    rows = read_rows(path)
    stored: dict[str, object] = {"fitted_by": f"python eval/benchmarks/fit_support.py {path.name}"}
    for name, features in (("words", WORDS_FEATURES), ("with_likeness", FEATURES)):
        stored[name] = fit([row for row in rows if row.fits], features)
    target = Path(__file__).parents[2] / "rag" / "support.json"
    target.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    report(rows)


def read_rows(path: Path) -> list[Row]:
    likeness = encoder_likeness(load_encoder())
    rows = []
    for number, claim in enumerate(read_claims(path)[0]):
        fits = hashlib.sha256(claim.text.encode()).digest()[0] < 128
        words = Words.of(claim.text)
        for view in VIEWS:
            sentences = claim_evidence(claim, view)
            if not sentences:
                continue
            all_words = [Words.of(text) for text in sentences]
            chosen = choose_sentences(words, all_words) if view == "page" else range(len(sentences))
            evidence, texts = [all_words[i] for i in chosen], [sentences[i] for i in chosen]
            features = support_features(words, evidence, closeness(likeness, claim.text, texts))
            overlap = sentence_overlap(claim.text, sentences)
            positive = claim.label == LABELS[0]
            rows.append(Row(number, view, positive, fits, features, overlap, words, tuple(evidence), tuple(texts)))
    return rows


def matrix(rows: Sequence[Row], features: Sequence[str]) -> "np.ndarray":
    return np.array([[row.features.get(name, 0.0) for name in features] for row in rows])


def fit(rows: Sequence[Row], features: Sequence[str]) -> dict[str, object]:
    x, y = matrix(rows, features), np.array([row.is_positive for row in rows])
    groups = [row.claim for row in rows]
    held_out: dict[float, np.ndarray] = {}
    for penalty in PENALTIES:
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=SEED).split(x, y, groups)
        found = np.zeros(len(y))
        for train, test in folds:
            found[test] = regression(penalty).fit(x[train], y[train]).predict_proba(x[test])[:, 1]
        held_out[penalty] = found
        print(f"  {features[-1]:16} penalty {penalty:5} AUROC in the folds {roc_auc_score(y, found):.3f}")
    penalty = max(PENALTIES, key=lambda one: roc_auc_score(y, held_out[one]))
    model = regression(penalty).fit(x, y)
    scale, linear = model[0], model[1]
    weights = linear.coef_[0] / scale.scale_
    bias = float(linear.intercept_[0] - (weights * scale.mean_).sum())
    found = held_out[penalty]
    best = max(np.unique(found), key=lambda limit: balanced_accuracy_score(y, found >= limit))
    return {
        "weights": {name: round(float(weight), 5) for name, weight in zip(features, weights, strict=True)},
        "bias": round(bias, 5),
        "supported_from": round(float(best), 4),
        "partial_from": round(float(np.quantile(found[y], 1 - PARTIAL_AT_RECALL)), 4),
    }


def regression(penalty: float) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000))


def report(rows: Sequence[Row]) -> None:
    """Prints and stores how each half is judged, beside word overlap."""
    from rag.support import load_model

    load_model.cache_clear()
    print(
        "half      evidence          n   AUROC: words, with encoder, overlap   balanced accuracy: the same, and labels"
    )
    figures: dict[str, object] = {}
    for fits in (True, False):
        for view in VIEWS:
            part = [row for row in rows if row.fits == fits and row.view == view]
            y = np.array([row.is_positive for row in part])
            areas, accuracies = [], []
            for likeness in (False, True):
                model = load_model(with_likeness=likeness)
                found = np.array([model.probability(row.features) for row in part])
                areas.append(roc_auc_score(y, found))
                accuracies.append(balanced_accuracy_score(y, found >= model.supported_from))
            overlap = np.array([row.overlap for row in part])
            areas.append(roc_auc_score(y, overlap))
            accuracies.append(balanced_accuracy_score(y, overlap >= OVERLAP_THRESHOLD))
            said = [judge(row.words, row.evidence).support in ("verbatim", "supported") for row in part]
            accuracies.append(balanced_accuracy_score(y, said))
            half = "fitted" if fits else "held out"
            shown = "   ".join(" ".join(f"{value:.3f}" for value in values) for values in (areas, accuracies))
            print(f"{half:9} {view:15} {len(part):4}   {shown}")
            systems = ("words", "words and encoder", "overlap", "labels")
            figures[f"{half}, {view}"] = {
                "n": len(part),
                "auroc": dict(zip(systems, (round(float(value), 4) for value in areas), strict=False)),
                "balanced_accuracy": dict(zip(systems, (round(float(value), 4) for value in accuracies), strict=True)),
            }
    store("support", "python eval/benchmarks/fit_support.py claim_dev.jsonl", figures)


if __name__ == "__main__":
    main()
