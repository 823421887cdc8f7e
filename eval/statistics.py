"""Figures with 95% intervals: Wilson's for rates, the bootstrap for means and what is made of them."""

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from eval.metrics import auroc, calibration_bins, expected_calibration_error
from eval.types import UNDEFINED, Figure

CONFIDENCE_LEVEL = 0.95
"""The share of such intervals that hold the true value."""

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE_LEVEL / 2)
"""The normal quantile of the level, 1.96."""

BOOTSTRAP_SAMPLES = 10_000
"""Resamples; at 10,000 the ends of an interval repeat to about 1% of its width from seed to seed (Efron & Tibshirani
1993, chapter 13, ask for at least 1,000)."""

BOOTSTRAP_SEED = 20_170_603
"""Every figure starts from the same seed, so a report of the same results is the same to the last digit."""

_CHUNK_CELLS = 2_000_000
"""Resampled counts held at once (16 MB): bounds the memory of large sets."""

Array = npt.NDArray[np.float64]


def rate(flags: Iterable[bool]) -> Figure:
    """The share that is true, with Wilson's interval."""
    values = list(flags)
    return rate_of(sum(values), len(values))


def rate_of(successes: int, n: int) -> Figure:
    """`successes / n` with the score interval of Wilson (1927), which stays in 0..1 and is sound at 0 and at 1."""
    if n == 0:
        return UNDEFINED
    share = successes / n
    centre = share + Z * Z / (2 * n)
    margin = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    # At 0 and 1 the formula is exact; rounding must not put the value outside its own interval.
    low = 0.0 if successes == 0 else (centre - margin) / scale
    high = 1.0 if successes == n else (centre + margin) / scale
    return Figure(share, low, high, n)


def mean(values: Iterable[float]) -> Figure:
    """The mean with the percentile interval of the bootstrap (Efron 1979) over the values."""
    sample = np.fromiter(values, dtype=np.float64)
    if sample.size == 0:
        return UNDEFINED
    distinct, counts = np.unique(sample, return_counts=True)
    means = np.concatenate([drawn @ distinct / sample.size for drawn in _resample(_generator(), counts)])
    return _figure(float(sample.mean()), means, sample.size)


def auroc_figure(positive: Sequence[float], negative: Sequence[float]) -> Figure:
    """The area under the ROC curve (see `eval.metrics.auroc`); both sides are resampled, each within itself."""
    value = auroc(positive, negative)
    if value is None:
        return UNDEFINED
    scores = np.unique(np.concatenate([np.asarray(positive, np.float64), np.asarray(negative, np.float64)]))
    sides = [np.searchsorted(scores, np.asarray(side, np.float64)) for side in (positive, negative)]
    positives, negatives = (np.bincount(side, minlength=scores.size) for side in sides)
    generator = _generator()
    areas = []
    for above, below in zip(_resample(generator, positives), _resample(generator, negatives), strict=True):
        lower = np.cumsum(below, axis=1) - below / 2
        areas.append((above * lower).sum(axis=1) / (len(positive) * len(negative)))
    return _figure(value, np.concatenate(areas), len(positive) + len(negative))


def calibration_figure(confidences: Sequence[float], correct: Sequence[bool]) -> Figure:
    """The expected calibration error (see `eval.metrics`); lower is better.

    The error of a resample is biased upwards, because deviations enter by their absolute value, so the lower end is
    never above the value itself.
    """
    value = expected_calibration_error(confidences, correct)
    if value is None:
        return UNDEFINED
    gaps = np.asarray(correct, np.float64) - np.asarray(confidences, np.float64)
    rows, counts = np.unique(np.column_stack([calibration_bins(confidences), gaps]), axis=0, return_counts=True)
    by_bin = np.zeros((len(rows), int(rows[:, 0].max()) + 1))
    by_bin[np.arange(len(rows)), rows[:, 0].astype(int)] = rows[:, 1]
    errors = [np.abs(drawn @ by_bin).sum(axis=1) / len(gaps) for drawn in _resample(_generator(), counts)]
    figure = _figure(value, np.concatenate(errors), len(gaps))
    return Figure(value, min(value, figure.low or 0.0), figure.high, figure.n)


def quantile(values: Sequence[float], share: float) -> Figure:
    """The value that `share` of the values do not exceed (nearest rank), with its interval.

    The interval runs between two of the values, by the binomial distribution of how many lie below the true quantile
    (Conover 1999, section 3.2, normal approximation); it assumes nothing about the values' distribution.
    """
    ordered = sorted(values)
    n = len(ordered)
    if n == 0:
        return UNDEFINED
    margin = Z * math.sqrt(n * share * (1 - share))

    def at(rank: float) -> float:
        return ordered[min(max(math.ceil(rank), 1), n) - 1]

    return Figure(at(n * share), at(n * share - margin), at(n * share + margin), n)


def _generator() -> np.random.Generator:
    return np.random.default_rng(BOOTSTRAP_SEED)


def _resample(generator: np.random.Generator, counts: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """How often each distinct value is drawn: arrays of shape (resamples, distinct values), BOOTSTRAP_SAMPLES in all.

    Drawing n values with replacement is a multinomial draw over the distinct ones, which is cheaper where they repeat.
    """
    n = int(counts.sum())
    step = max(1, _CHUNK_CELLS // len(counts))
    for start in range(0, BOOTSTRAP_SAMPLES, step):
        yield generator.multinomial(n, counts / n, size=min(step, BOOTSTRAP_SAMPLES - start))


def _figure(value: float, resampled: Array, n: int) -> Figure:
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Figure(value, float(low), float(high), n)
