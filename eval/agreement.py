"""Agreement of two yes-or-no judgements beyond chance."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from eval.statistics import BOOTSTRAP_SAMPLES, CONFIDENCE_LEVEL, SEED
from eval.types import UNDEFINED, Figure

_CHUNK_CELLS = 2_000_000
"""Resampled counts held at once (16 MB)."""

Cells = npt.NDArray[np.float64]


def kappa(cells: Cells) -> Cells:
    """Cohen's kappa (1960) of tables of two judgements, shape (tables, 4): both yes, first only, second only, both no.

    In -1..1: 1 is perfect agreement, 0 what chance gives. NaN where it is undefined: both judgements are always yes, or
    both always no.
    """
    both, first, second, neither = (cells / cells.sum(axis=1, keepdims=True)).T
    observed = both + neither
    expected = (both + first) * (both + second) + (second + neither) * (first + neither)
    beyond = 1 - expected
    defined = beyond > 1e-12
    values: Cells = np.where(defined, (observed - expected) / np.where(defined, beyond, 1.0), np.nan)
    return values


def kappa_figure(
    pairs: Sequence[tuple[bool, bool]], clusters: Sequence[Hashable | None] | None = None, *, seed: int = SEED
) -> Figure:
    """Cohen's kappa with the percentile interval of the bootstrap, whole clusters drawn where they are given.

    A cluster of `None` stands alone. Resamples in which kappa is undefined are left out; `UNDEFINED` where it is
    undefined for the pairs themselves.
    """
    if not pairs:
        return UNDEFINED
    names = [None] * len(pairs) if clusters is None else clusters
    by_cluster: dict[Hashable, list[int]] = {}
    for index, (name, (first, second)) in enumerate(zip(names, pairs, strict=True)):
        key = (index,) if name is None else (None, name)
        by_cluster.setdefault(key, [0, 0, 0, 0])[2 * (not first) + (not second)] += 1
    rows = Counter(map(tuple, by_cluster.values()))
    cells = np.array(list(rows), dtype=np.float64)
    counts = np.array(list(rows.values()), dtype=np.float64)
    value = float(kappa((counts @ cells)[np.newaxis])[0])
    if np.isnan(value):
        return UNDEFINED
    generator = np.random.default_rng(seed)
    drawn = int(counts.sum())
    step = max(1, _CHUNK_CELLS // len(counts))
    resampled = np.concatenate(
        [
            kappa(generator.multinomial(drawn, counts / drawn, size=min(step, BOOTSTRAP_SAMPLES - start)) @ cells)
            for start in range(0, BOOTSTRAP_SAMPLES, step)
        ]
    )
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(resampled[~np.isnan(resampled)], [tail, 1 - tail])
    return Figure(value, float(low), float(high), len(pairs))
