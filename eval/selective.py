"""What an answer's confidence is worth: separation, risk and coverage, calibration.

A system that may refuse is judged by the risk of what it answers (the share of given answers that are wrong, lower is
better) beside its coverage (the share of all questions that it answers, higher is better). El-Yaniv & Wiener (2010) and
Geifman & El-Yaniv (2017) define the curve; as in Kamath et al. (2020), an answer to an unanswerable question is wrong.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from eval.types import CurvePoint, ReliabilityBin

CALIBRATION_BINS = 10
"""Equal-width bins of the calibration error; with the few hundred answers of a set, more would be mostly empty."""

ACCEPTED_RISK = 0.05
"""The risk of `coverage_at_5_risk`: one answer in twenty is wrong."""

Array = npt.NDArray[np.float64]


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The chance that a random positive scores above a random negative, ties counting half; `None` if a side is empty.

    It is the area under the ROC curve and the rank-sum statistic U / (n₊ n₋) of Mann & Whitney (1947); 0.5 is chance.
    """
    if not len(positive) or not len(negative):
        return None
    ordered = np.sort(np.asarray(negative, dtype=np.float64))
    values = np.asarray(positive, dtype=np.float64)
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))


def risk_coverage(confidences: Sequence[float], wrong: Sequence[bool], questions: int) -> tuple[CurvePoint, ...]:
    """The curve of the given answers: a point for each different confidence, from the highest down.

    `questions` counts all of them, answered or not, so the last point's coverage is the share that got an answer.
    """
    thresholds, answers, errors = _groups(confidences, wrong)
    covered, failed = np.cumsum(answers), np.cumsum(errors)
    return tuple(
        CurvePoint(float(k / questions), float(e / k), float(threshold))
        for k, e, threshold in zip(covered, failed, thresholds, strict=True)
    )


def aurc(confidences: Sequence[float], wrong: Sequence[bool]) -> float | None:
    """The area under the risk-coverage curve, in 0..1; lower is better; `None` without answers.

    The mean of the risks of the surest 1, 2, ... all given answers (Geifman et al. 2019, of the curve of Geifman &
    El-Yaniv 2017). It says how well the confidence orders what is answered, and nothing of what is refused: read it
    beside the coverage. Of equal confidences it is the expectation over their random order.
    """
    if not len(confidences):
        return None
    _, answers, errors = _groups(confidences, wrong)
    return float(areas(answers[None, :], errors[None, :])[0])


def coverage_at_risk(
    confidences: Sequence[float], wrong: Sequence[bool], questions: int, risk: float = ACCEPTED_RISK
) -> float:
    """The largest coverage with at most that risk, 0 if there is none; higher is better.

    A threshold can only cut between different confidences, so equal ones are answered together or not at all.
    """
    _, answers, errors = _groups(confidences, wrong)
    return float(coverages(answers[None, :], errors[None, :], np.array([questions]), risk)[0])


def areas(answers: Array, errors: Array) -> Array:
    """`aurc` of many samples at once, NaN where one has no answers.

    Both arrays have the shape (samples, different confidences), the highest confidence first: how many answers there
    are of each, and how many of them are wrong. With a answers and E errors before a group of b answers and e errors,
    the expected risk of the surest k is (E + e (k - a) / b) / k, and these add up by the harmonic numbers.
    """
    after, failed = np.cumsum(answers, axis=1), np.cumsum(errors, axis=1)
    before = after - answers
    total = after[:, -1] if after.shape[1] else np.zeros(len(after))
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, total.max(initial=0) + 1))])
    span = harmonic[after.astype(np.int64)] - harmonic[before.astype(np.int64)]
    share = errors / np.maximum(answers, 1)
    sums = (span * (failed - errors - share * before) + errors).sum(axis=1)
    means: Array = np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0)
    return means


def coverages(answers: Array, errors: Array, questions: Array, risk: float = ACCEPTED_RISK) -> Array:
    """`coverage_at_risk` of many samples at once: arrays as of `areas`, and the number of questions of each sample."""
    after, failed = np.cumsum(answers, axis=1), np.cumsum(errors, axis=1)
    # Counts are whole, so a tolerance far below 1 keeps 1 wrong of 20 at a risk of 0.05 despite rounding.
    allowed = np.where(failed <= risk * after + 1e-9, after, 0.0)
    shares: Array = allowed.max(axis=1, initial=0.0) / np.maximum(questions, 1)
    return shares


def by_confidence(confidences: Sequence[float]) -> tuple[Array, npt.NDArray[np.int64]]:
    """The different confidences, the highest first, and for each given one its place among them."""
    distinct, places = np.unique(-np.asarray(confidences, dtype=np.float64), return_inverse=True)
    return -distinct, places.astype(np.int64)


def _groups(confidences: Sequence[float], wrong: Sequence[bool]) -> tuple[Array, Array, Array]:
    """The different confidences, the highest first, and for each its answers and its wrong answers."""
    thresholds, places = by_confidence(confidences)
    answers = np.bincount(places, minlength=len(thresholds)).astype(np.float64)
    errors = np.bincount(places, np.asarray(wrong, np.float64), len(thresholds)).astype(np.float64)
    return thresholds, answers, errors


def calibration_bins(confidences: Sequence[float]) -> npt.NDArray[np.int64]:
    """The bin of each confidence, 0..9: `(0.1 i, 0.1 (i + 1)]`, and 0 itself in the first."""
    edges = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    return np.digitize(np.asarray(confidences, dtype=np.float64), edges, right=True).astype(np.int64)


def expected_calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float | None:
    """The mean gap between confidence and accuracy over bins, weighted by size; lower is better; `None` if empty.

    Naeini et al. (2015) and Guo et al. (2017): Σ |bin| / n · |accuracy(bin) - mean confidence(bin)|.
    """
    if not len(confidences):
        return None
    gaps = np.asarray(correct, dtype=np.float64) - np.asarray(confidences, dtype=np.float64)
    sums = np.bincount(calibration_bins(confidences), weights=gaps)
    return float(np.abs(sums).sum() / len(gaps))


def reliability(confidences: Sequence[float], correct: Sequence[bool]) -> tuple[ReliabilityBin, ...]:
    """The bins of the calibration error that hold answers, the lowest first."""
    bins, sure = calibration_bins(confidences), np.asarray(confidences, dtype=np.float64)
    right = np.asarray(correct, dtype=np.float64)
    return tuple(
        ReliabilityBin(
            low=number / CALIBRATION_BINS,
            high=(number + 1) / CALIBRATION_BINS,
            n=int((bins == number).sum()),
            confidence=float(sure[bins == number].mean()),
            accuracy=float(right[bins == number].mean()),
        )
        for number in np.unique(bins).tolist()
    )
