"""Draws of the bootstrap: how often each unit is drawn when as many as there are are drawn with replacement."""

from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Clusters = Sequence[Hashable | None] | None
"""A label for each value; equal labels are one cluster, `None` is one of its own."""

_CHUNK_CELLS = 1_000_000
"""Numbers computed with at once (8 MB for each array): bounds the memory of large sets."""

_KEPT_CELLS = 32_000_000
"""Largest table of draws that is kept for the next figure of as many units, in bytes: 10,000 draws of 3,200 units."""

_KEPT_TABLES = 4


def cluster_codes(clusters: Clusters, n: int) -> npt.NDArray[np.int64]:
    """The number of each value's cluster, 0 and up without gaps; shape (n,).

    Without clusters every value is one of its own. Raises ValueError unless there is a label for each value.
    """
    if clusters is None:
        return np.arange(n)
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters for {n} values")
    numbers: dict[Hashable, int] = {}
    keys = [(index,) if cluster is None else (None, cluster) for index, cluster in enumerate(clusters)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def draws(units: int, samples: int, seed: int, *, width: int | None = None) -> Iterator[Array]:
    """Counts of `units` in `samples` rows, in arrays of shape (some rows, units).

    An array is so short that it can be spread to `width` columns (by default, units). The same arguments always give
    the same draws.
    """
    rows = max(1, _CHUNK_CELLS // max(units, width or 0))
    if units * samples <= _KEPT_CELLS:
        tables: Iterator[npt.NDArray[np.uint8]] = iter([_kept(units, samples, seed)])
    else:
        tables = _drawn(units, samples, seed)
    for table in tables:
        for start in range(0, len(table), rows):
            yield table[start : start + rows].astype(np.float64)


@lru_cache(maxsize=_KEPT_TABLES)
def _kept(units: int, samples: int, seed: int) -> npt.NDArray[np.uint8]:
    return np.concatenate(list(_drawn(units, samples, seed)))


def _drawn(units: int, samples: int, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
    """All rows in tables of bounded size. A byte is enough: of 256 draws or more, one unit never gets 256."""
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK_CELLS // units)
    for start in range(0, samples, step):
        rows = min(step, samples - start)
        drawn = generator.integers(0, units, size=(rows, units), dtype=np.uint16 if units < 2**16 else np.int64)
        cells = drawn + np.arange(rows)[:, None] * units
        yield np.bincount(cells.ravel(), minlength=rows * units).reshape(rows, units).astype(np.uint8)
