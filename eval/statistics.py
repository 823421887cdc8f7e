"""Figures with 95% intervals: Wilson's for rates, the bootstrap for means and for what is made of confidences.

Questions about one article resemble each other. Where they are given in clusters, the intervals are about other
clusters like these: the bootstrap draws whole clusters, and rates count as many questions as the clusters are worth.
A cluster of `None` stands alone, and without clusters every question does. An interval from fewer than about ten
clusters is rough, and says so by its width: with one cluster it is all that is possible.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from eval.resampling import Array, Clusters, cluster_codes, draws
from eval.selective import (
    areas,
    aurc,
    auroc,
    by_confidence,
    calibration_bins,
    coverage_at_risk,
    coverages,
    expected_calibration_error,
)
from eval.types import UNDEFINED, Figure

CONFIDENCE_LEVEL = 0.95
"""The share of such intervals that hold the true value."""

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE_LEVEL / 2)
"""The normal quantile of the level, 1.96."""

BOOTSTRAP_SAMPLES = 10_000
"""Resamples; at 10,000 the ends of an interval repeat to about 1% of its width from seed to seed (Efron & Tibshirani
1993, chapter 13, ask for at least 1,000)."""

SEED = 20_170_603
"""Every figure starts from the same seed, so a report of the same results is the same to the last digit."""


def rate(flags: Iterable[bool], clusters: Clusters = None) -> Figure:
    """The share that is true, with Wilson's interval; see `rate_of_counts` for clusters."""
    values = [int(flag) for flag in flags]
    if clusters is None:
        return rate_of(sum(values), len(values))
    return rate_of_counts(values, [1] * len(values), clusters)


def rate_of(successes: int, n: int) -> Figure:
    """`successes / n` with the score interval of Wilson (1927), which stays in 0..1 and is sound at 0 and at 1."""
    if n == 0:
        return UNDEFINED
    share = successes / n
    return Figure(share, *_wilson(share, n), n)


def rate_of_counts(successes: Sequence[int], totals: Sequence[int], clusters: Clusters = None) -> Figure:
    """The share of successes among things that come in groups, as the citations of one answer do.

    Each pair of counts is of one group, and groups of one cluster belong together. The interval is Wilson's with the
    effective number of things: n, divided by the design effect of Kish (1965), which is the variance of the share
    between clusters over that of independent things, at least 1, and by (t with clusters - 1 degrees of freedom / t
    with n - 1) squared (Korn & Graubard 1998). Franco, Little, Louis & Slud (2019) recommend Wilson's form among such
    intervals. The variance of a share of 0 or 1 cannot be estimated; there, each cluster counts as one thing.
    """
    codes = cluster_codes(clusters, len(successes))
    n, count = sum(totals), len({code for code, total in zip(codes.tolist(), totals, strict=True) if total})
    if n == 0:
        return UNDEFINED
    share = sum(successes) / n
    if count == n:
        return Figure(share, *_wilson(share, n), n)
    if share in (0, 1) or count == 1:
        return Figure(share, *_wilson(share, count if count > 1 else 0), n)
    deviations = np.bincount(codes, np.asarray(successes, np.float64) - share * np.asarray(totals, np.float64))
    between = count / (count - 1) * float(deviations @ deviations) / n**2
    design_effect = max(1.0, between / (share * (1 - share) / (n - 1)))
    return Figure(share, *_wilson(share, n / design_effect * (_t(n - 1) / _t(count - 1)) ** 2), n)


def mean(values: Iterable[float], clusters: Clusters = None, *, seed: int = SEED) -> Figure:
    """The mean with the expanded percentile interval of the bootstrap (Efron 1979, Hesterberg 2015).

    Clusters are drawn whole, with the mean as the ratio of their sums to their sizes (Field & Welsh 2007). A single
    cluster has no interval: it tells nothing of others.
    """
    return means([list(values)], clusters, seed=seed)[0]


def means(columns: Sequence[Sequence[float]], clusters: Clusters = None, *, seed: int = SEED) -> list[Figure]:
    """`mean` of one or more columns of values of the same things, from the same draws; faster than one by one."""
    table = np.array(columns, dtype=np.float64).reshape(len(columns), -1)
    n = table.shape[1]
    if n == 0:
        return [UNDEFINED] * len(columns)
    codes = cluster_codes(clusters, n)
    sizes = np.bincount(codes).astype(np.float64)
    values = [float(value) for value in table.mean(axis=1)]
    if len(sizes) == 1:
        return [Figure(value, None, None, n) for value in values]
    # Deviations instead of values: equal values give an interval of no width, without rounding.
    deviations = np.stack([np.bincount(codes, row - row.mean()) for row in table], axis=1)
    resampled = np.concatenate(
        [drawn @ deviations / (drawn @ sizes)[:, None] for drawn in draws(len(sizes), BOOTSTRAP_SAMPLES, seed)]
    )
    return [_figure(value, value + shifts, n, len(sizes)) for value, shifts in zip(values, resampled.T, strict=True)]


def auroc_figure(
    positive: Sequence[float],
    negative: Sequence[float],
    clusters: tuple[Sequence[Hashable | None], Sequence[Hashable | None]] | None = None,
    *,
    seed: int = SEED,
) -> Figure:
    """The area under the ROC curve (see `eval.selective.auroc`); `clusters` are those of both sides.

    A resample without one of the sides is left out.
    """
    value = auroc(positive, negative)
    if value is None:
        return UNDEFINED
    codes = cluster_codes(None if clusters is None else [*clusters[0], *clusters[1]], len(positive) + len(negative))
    above, below = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    order = np.argsort(below)
    of_above, of_below = codes[: len(above)], codes[len(above) :][order]
    first, last = (np.searchsorted(below[order], above, side=side) for side in ("left", "right"))
    areas_under = []
    for drawn in draws(int(codes.max()) + 1, BOOTSTRAP_SAMPLES, seed, width=len(codes)):
        weights = drawn[:, of_above]
        lower = np.zeros((len(drawn), len(below) + 1))
        np.cumsum(drawn[:, of_below], axis=1, out=lower[:, 1:])
        pairs = weights.sum(axis=1) * lower[:, -1]
        won = np.einsum("ij,ij->i", weights, lower[:, first] + lower[:, last]) / 2
        areas_under.append(won[pairs > 0] / pairs[pairs > 0])
    return _figure(value, np.concatenate(areas_under), len(codes), int(codes.max()) + 1)


def calibration_figure(
    confidences: Sequence[float], correct: Sequence[bool], clusters: Clusters = None, *, seed: int = SEED
) -> Figure:
    """The expected calibration error (see `eval.selective`); lower is better.

    The error of a resample is biased upwards, because deviations enter by their absolute value, so the lower end is
    never above the value itself.
    """
    value = expected_calibration_error(confidences, correct)
    if value is None:
        return UNDEFINED
    codes = cluster_codes(clusters, len(confidences))
    sizes = np.bincount(codes).astype(np.float64)
    gaps = np.asarray(correct, np.float64) - np.asarray(confidences, np.float64)
    by_bin = np.zeros((len(sizes), int(calibration_bins(confidences).max()) + 1))
    np.add.at(by_bin, (codes, calibration_bins(confidences)), gaps)
    errors = [
        np.abs(drawn @ by_bin).sum(axis=1) / (drawn @ sizes) for drawn in draws(len(sizes), BOOTSTRAP_SAMPLES, seed)
    ]
    return _figure(value, np.concatenate(errors), len(gaps), len(sizes))


def selective_figures(
    confidences: Sequence[float | None], wrong: Sequence[bool], clusters: Clusters = None, *, seed: int = SEED
) -> tuple[Figure, Figure]:
    """`aurc` and `coverage_at_risk` at 5% (see `eval.selective`) of all questions; no answer has confidence `None`.

    A resample in which nothing is answered has no area under the curve and is left out there; it covers nothing.
    """
    given = np.array([index for index, confidence in enumerate(confidences) if confidence is not None], dtype=np.int64)
    sure = [confidence for confidence in confidences if confidence is not None]
    failed = np.asarray(wrong, np.float64)[given]
    if not confidences:
        return UNDEFINED, UNDEFINED
    n, codes = len(confidences), cluster_codes(clusters, len(confidences))
    sizes = np.bincount(codes).astype(np.float64)
    coverage = coverage_at_risk(sure, failed.astype(bool).tolist(), n)
    area = aurc(sure, failed.astype(bool).tolist())
    if area is None:
        return UNDEFINED, Figure(coverage, *_wilson(0.0, len(sizes)), n)
    order = np.argsort(-np.asarray(sure), kind="stable")
    _, places = by_confidence(sure)
    starts = np.flatnonzero(np.diff(places[order], prepend=-1))
    of_given, failed = codes[given][order], failed[order]
    areas_under, covered = [], []
    for drawn in draws(len(sizes), BOOTSTRAP_SAMPLES, seed, width=n):
        weights = drawn[:, of_given]
        answers = np.add.reduceat(weights, starts, axis=1)
        errors = np.add.reduceat(weights * failed, starts, axis=1)
        areas_under.append(areas(answers, errors))
        covered.append(coverages(answers, errors, drawn @ sizes))
    resampled = np.concatenate(areas_under)
    return (
        _figure(area, resampled[~np.isnan(resampled)], len(sure), len(sizes)),
        _figure(coverage, np.concatenate(covered), n, len(sizes)),
    )


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


def _wilson(share: float, n: float) -> tuple[float, float]:
    """The ends of Wilson's interval for a share of `n` things; all of 0..1 for none."""
    if n <= 0:
        return 0.0, 1.0
    centre = share + Z * Z / (2 * n)
    margin = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    # At 0 and 1 the formula is exact; rounding must not put the value outside its own interval.
    low = 0.0 if share == 0 else (centre - margin) / scale
    high = 1.0 if share == 1 else (centre + margin) / scale
    return min(low, share), max(high, share)


@lru_cache(maxsize=1_000)
def _t(freedom: int) -> float:
    """Student's t quantile of the level; exact for 1 and 2 degrees of freedom, else within 0.004 (Abramowitz & Stegun
    1964, 26.7.5)."""
    if freedom == 1:
        return math.tan(math.pi * CONFIDENCE_LEVEL / 2)
    if freedom == 2:
        return math.sqrt(2 * CONFIDENCE_LEVEL**2 / (1 - CONFIDENCE_LEVEL**2))
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92_160,
    )
    return Z + sum(term / float(freedom) ** power for power, term in enumerate(terms, start=1))


def _figure(value: float, resampled: Array, n: int, units: int) -> Figure:
    """The expanded percentile interval (Hesterberg 2015): wider by what percentiles of few units are too narrow.

    The interval holds its value, which a percentile interval of a biased measure need not. Of one unit it is 0..1.
    """
    if units == 1 or resampled.size == 0:
        return Figure(value, 0.0, 1.0, n)
    tail = NormalDist().cdf(-math.sqrt(units / (units - 1)) * _t(units - 1))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Figure(value, min(value, float(low)), max(value, float(high)), n)
