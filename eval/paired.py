"""Two systems on the same questions: the mean difference with its interval, and whether chance could have made it.

Questions of one cluster (an article, a title) are not independent of each other, so whole clusters are drawn and
flipped: the units of both methods are clusters, and a question without one is a unit of its own.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eval.resampling import Array, Clusters, cluster_codes
from eval.statistics import mean
from eval.types import UNDEFINED

PERMUTATIONS = 10_000
"""Random sign patterns; the smallest p-value is then 0.0001, still 0.003 after Holm's correction over 30 measures."""

EXACT_UNITS = 20
"""Units up to which every pattern of signs is tried: 2^19 sums (half of the patterns, the others mirror them) take
20 ms on one core of a 2-core virtual machine, and each unit more doubles that."""

TIE = 1e-9
"""Values that differ by no more are equal: means of fractions differ in their last digits by how they were added."""

_CHUNK_CELLS = 2_000_000
"""Drawn cells held at once (16 MB): bounds the memory of large sets."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The means of A and B over the same `n` questions, and B minus A with its 95% interval.

    `low` and `high` are `None` where there are fewer than two units to draw from. `p` is two-sided, `p_holm` adjusted
    for everything that was compared along with it (equal to `p` until then). `wins` counts the questions on which B is
    the better one, `losses` those on which A is; both are `None` for a measure without a better direction.
    """

    n: int
    a: float
    b: float
    difference: float
    low: float | None
    high: float | None
    p: float
    p_holm: float
    wins: int | None
    ties: int
    losses: int | None
    higher_is_better: bool | None

    def as_json(self) -> dict[str, float | int | bool | None]:
        names = ("n", "a", "b", "difference", "low", "high", "p", "p_holm", "wins", "ties", "losses")
        return {**{name: getattr(self, name) for name in names}, "higher_is_better": self.higher_is_better}


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    *,
    clusters: Clusters = None,
    seed: int,
    higher_is_better: bool | None = True,
) -> PairedDifference:
    """Compares the values of A and B, which belong to the same questions in the same order; at least one.

    The interval is that of `eval.statistics.mean` over the differences: the paired bootstrap, 10,000 resamples.
    `clusters` names each question's cluster, `None` one of its own. The same seed and order give the same result.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    differences = second - first
    sums = np.bincount(cluster_codes(clusters, len(differences)), differences).astype(np.float64)
    interval = mean(differences.tolist(), clusters, seed=seed) if len(sums) > 1 else UNDEFINED
    above, below = int((differences > TIE).sum()), int((differences < -TIE).sum())
    wins, losses = (above, below) if higher_is_better else (below, above)
    p = permutation_p(sums, seed=seed)
    return PairedDifference(
        n=len(differences),
        a=float(first.mean()),
        b=float(second.mean()),
        difference=float(differences.mean()),
        low=interval.low,
        high=interval.high,
        p=p,
        p_holm=p,
        wins=None if higher_is_better is None else wins,
        ties=len(differences) - above - below,
        losses=None if higher_is_better is None else losses,
        higher_is_better=higher_is_better,
    )


def permutation_p(sums: Sequence[float] | Array, *, seed: int) -> float:
    """The two-sided p-value of the paired randomisation test over units' sums of differences.

    If the systems were alike, each unit's difference could as well have the other sign: p is the share of sign
    patterns whose total is at least as far from 0 as the one seen (Fisher 1935; Pitman 1937; recommended for retrieval
    by Smucker, Allan & Carterette 2007). Exact for up to EXACT_UNITS units that are not 0; beyond, PERMUTATIONS random
    patterns, the one seen counted among them, so that p is never 0 (Phipson & Smyth 2010).
    """
    # Sorted magnitudes: neither the order of the questions nor which run is A changes which patterns are drawn.
    values = np.asarray(sums, np.float64)
    magnitudes = np.sort(np.abs(values[np.abs(values) > TIE]))
    units = len(magnitudes)
    if units == 0:
        return 1.0
    # Sums of the same values differ in their last digits by order; equal ones must count as equal.
    seen = abs(float(values.sum())) - TIE * float(magnitudes.sum())
    if units <= EXACT_UNITS:
        return float((np.abs(_all_totals(magnitudes)) >= seen).mean())
    generator = np.random.default_rng(seed)
    extreme = 0
    for rows in _chunks(PERMUTATIONS, units):
        packed = generator.integers(0, 256, (rows, math.ceil(units / 8)), dtype=np.uint8)
        positive = np.unpackbits(packed, axis=1, count=units).astype(np.float64)
        extreme += int((np.abs(2 * (positive @ magnitudes) - magnitudes.sum()) >= seen).sum())
    return (extreme + 1) / (PERMUTATIONS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for being many (Holm 1979), in the order given: reject all that are below the level.

    The chance of any false rejection among them stays below the level, whatever depends on what.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _all_totals(magnitudes: Array) -> Array:
    """The totals of all patterns in which the last magnitude is positive; the others mirror them."""
    totals = magnitudes[-1:]
    for magnitude in magnitudes[:-1]:
        totals = np.concatenate([totals + magnitude, totals - magnitude])
    return totals


def _chunks(rows: int, columns: int) -> Iterator[int]:
    """Numbers of rows that add up to `rows`, each chunk of at most _CHUNK_CELLS cells."""
    step = max(1, _CHUNK_CELLS // columns)
    for start in range(0, rows, step):
        yield min(step, rows - start)
