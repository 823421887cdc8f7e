"""Nearest passages by FAISS, exact or compressed as their number asks for, and brought up to date without rebuilding.

An index has a base, which is on disk, and a tail of the vectors that came after it, read from the SQLite store and
searched exactly. Vectors that went since are left out. The file is derived from the store and never trusted without
its digest.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from index.types import VectorKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT_LIMIT = 50_000
"""Most vectors that are searched exactly. One query over 100,000 of 384 numbers took 13 to 16 ms on two quiet cores,
over 50,000 half of it; a compressed scan takes less than 1 ms, and scoring again some ms."""

COMPRESSED_LIMIT = 300_000
"""Most vectors that are scanned in whole, in 3 ms; a million take 10, and in parts .8 to 1.5 (one core)."""

NUMBERS_A_PART = 2
"""Numbers of a vector that are compressed together, to 4 bits: product quantisation for FAISS's fast scan, by the
processor's vector unit (André et al., Quicker ADC, https://arxiv.org/abs/1812.09162). 384 numbers take 96 bytes.

Of 784,000 made vectors and 60 real questions, with the best 250 scored again, recall@10 is .998 with 2 and 12 ms of
scan, .955 with 3 and 7 ms, .857 with 4 and 7 ms, which needs the best 2,000 (100 ms) for the same recall.
"""

TRAINING_VECTORS = 50_000
"""Vectors that the compressed form is fitted to, unless it has so many parts that these need more."""

TRAINING_PER_PART = 40
"""Vectors that each part of a partitioned index is fitted to; FAISS warns below 39."""

RESCORED = 5
"""So many times as many vectors as are wanted are scored again: 250 for the 50 that a hybrid search takes. Each costs
some 25 microseconds of reading and checking."""

LEAST_RESCORED = 200
"""Vectors that are scored again at least."""

PARTS_PER_ROOT = 4.0
"""Parts of a partitioned index, for each unit of the square root of the number of vectors, as FAISS's guide has it."""

SEARCHED_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Shares of the parts that may be searched: the first whose recall, measured when the index is built, is
`ENOUGH_RECALL`; where a filter leaves one vector in ten, ten times as many parts. Of a million made vectors in 4,000
parts and 200 real questions, recall@10 is .979 with 1/64 of the parts (.6 ms of scan), .991 with 1/32, .9945 with 1/16
(1.5 ms)."""

ENOUGH_RECALL = 0.99
""".98 is what questions should be found with, and stored vectors as queries are easier than those."""

TAIL_SHARE = 0.05
"""Share of the base that the tail and what went may have before the base is built anew."""

LEAST_TAIL = 2_000
"""Vectors that the tail may have in any case: about a millisecond of scanning."""

MEASURED_QUERIES = 64
"""Stored vectors by which the recall of a new compressed index is measured."""

DEPTH = 10
"""Nearest vectors that recall is measured of."""

SEED = 20_201
"""Of the sample that the compressed form is fitted to, so that the same vectors give the same index."""

COUNT_BYTES = 8
"""Bytes of the number at the end of a file."""

Block: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]"
"""Rows, rows of their articles, and vectors, shapes (n,), (n,) and (n, dimension)."""


def kind_for(count: int) -> VectorKind:
    """The kind that suits a number of vectors."""
    if count <= EXACT_LIMIT:
        return "exact"
    return "compressed" if count <= COMPRESSED_LIMIT else "partitioned"


def possible_kind(kind: VectorKind, count: int, dimension: int) -> VectorKind:
    """The kind, if that many vectors suffice to fit its compressed form to and it suits their length, else `exact`."""
    return kind if count >= LEAST_TAIL and dimension % NUMBERS_A_PART == 0 else "exact"


def is_outgrown(base: int, came: int, went: int) -> bool:
    """True if so many vectors came and went since a base of so many was built that it should be built anew."""
    return came + went > max(LEAST_TAIL, TAIL_SHARE * base)


class VectorIndex:
    """Search over unit vectors by inner product, that is by cosine; higher is better.

    `read` gives the vectors of rows as they are, shape (n, dimension), in the order of the rows, which ascend.
    `details` say what the base is, and which share of the ten nearest it finds (`recall_at_10`).
    """

    def __init__(
        self,
        base: Any,
        rows: "NDArray[np.int64]",
        articles: "NDArray[np.int64]",
        read: "Callable[[NDArray[np.int64]], NDArray[np.float32]]",
        details: dict[str, str | int | float],
    ) -> None:
        import numpy as np

        self._base = base
        self._rows = rows
        self._articles = articles
        self._read = read
        self.details = details
        self._live = np.ones(len(rows), dtype=np.bool_)
        self._gone = 0
        self._tail_rows = np.zeros(0, dtype=np.int64)
        self._tail_articles = np.zeros(0, dtype=np.int64)
        self._tail = np.zeros((0, base.d), dtype=np.float32)

    @classmethod
    def build(
        cls,
        count: int,
        dimension: int,
        blocks: "Callable[[], Iterator[Block]]",
        read: "Callable[[NDArray[np.int64]], NDArray[np.float32]]",
        kind: VectorKind | None = None,
    ) -> "VectorIndex":
        """An index of `count` vectors, which `blocks` gives anew at every call; of the kind that suits their number
        unless one is given. The memory taken is that of the index and some blocks."""
        import faiss
        import numpy as np

        chosen = possible_kind(kind or kind_for(count), count, dimension)
        rows, articles = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        base: Any = faiss.IndexFlatIP(dimension) if chosen == "exact" else _fitted(count, dimension, blocks, chosen)
        done = 0
        for own, article, vectors in blocks():
            rows[done : done + len(own)], articles[done : done + len(own)] = own, article
            base.add(np.ascontiguousarray(vectors))
            done += len(own)
        index = cls(base, rows, articles, read, {"kind": chosen, "passages": count})
        if chosen != "exact":
            index._measure(blocks)
        return index

    def _measure(self, blocks: "Callable[[], Iterator[Block]]") -> None:
        """Puts into `details` which share of the ten nearest the index finds, for stored vectors as queries, and which
        share of its parts has to be searched for it."""
        import numpy as np

        own = self._rows[_sample(len(self._rows), MEASURED_QUERIES)]
        queries = self._read(own)
        scores = np.full((len(own), DEPTH), -2.0, dtype=np.float32)
        nearest = np.zeros((len(own), DEPTH), dtype=np.int64)
        for rows, _, vectors in blocks():
            similar = queries @ vectors.T
            similar[own[:, None] == rows[None, :]] = -2.0  # a vector is not its own neighbour
            scores = np.concatenate([scores, similar], axis=1)
            nearest = np.concatenate([nearest, np.broadcast_to(rows, (len(own), len(rows)))], axis=1)
            best = np.argpartition(-scores, DEPTH - 1, axis=1)[:, :DEPTH]
            scores, nearest = np.take_along_axis(scores, best, axis=1), np.take_along_axis(nearest, best, axis=1)
        for share in SEARCHED_SHARES if self.details["kind"] == "partitioned" else (1.0,):
            self.details["searched_share"] = share
            found = 0
            for row, exact, query in zip(own.tolist(), nearest, queries, strict=True):
                others = [other for other, _ in self.search(query, DEPTH + 1) if other != row]
                found += len(set(exact.tolist()) & set(others[:DEPTH]))
            recall = round(found / (DEPTH * len(own)), 4)
            if recall >= ENOUGH_RECALL:
                break
        self.details |= {"queries": len(own), "recall_at_10": recall}

    @classmethod
    def load(
        cls,
        path: Path,
        sha256: str,
        read: "Callable[[NDArray[np.int64]], NDArray[np.float32]]",
        details: Mapping[str, str | int | float],
    ) -> "VectorIndex | None":
        """The index of a file, or `None` if the file is missing or is not the one that the digest was taken of.

        FAISS itself does not notice damaged or appended bytes, so nothing is read before the digest agrees. The file is
        read and not mapped: a mapped one could still be damaged or cut off after it was checked.
        """
        import faiss
        import numpy as np

        try:
            content = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() != sha256:
            return None
        count = int.from_bytes(content[-COUNT_BYTES:], "little")
        known = np.frombuffer(content, dtype="<i8", count=2 * count, offset=len(content) - COUNT_BYTES - 16 * count)
        rows, articles = known.reshape(2, count).astype(np.int64)
        base = faiss.deserialize_index(np.frombuffer(content, dtype=np.uint8))
        return cls(base, rows, articles, read, dict(details))

    def save(self, path: Path) -> str:
        """Writes the base beside `path` and renames it into place; returns the SHA-256 of the file.

        It is a file of FAISS's, behind whose content the rows of passages and articles follow, and their number.
        """
        import faiss
        import numpy as np

        digest = hashlib.sha256()
        unfinished = path.with_name(path.name + ".part")
        with unfinished.open("wb") as file:
            for part in (
                faiss.serialize_index(self._base).data,
                np.stack([self._rows, self._articles]).astype("<i8").tobytes(),
                len(self._rows).to_bytes(COUNT_BYTES, "little"),
            ):
                digest.update(part)
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return digest.hexdigest()

    def update(self, changed_articles: Collection[int], blocks: "Iterable[Block]") -> None:
        """Leaves out what it has of the given articles, and takes in the vectors in `blocks`."""
        import numpy as np

        changed = np.fromiter(changed_articles, dtype=np.int64, count=len(changed_articles))
        self._live &= ~np.isin(self._articles, changed)
        self._gone = int(len(self._live) - np.count_nonzero(self._live))
        kept = ~np.isin(self._tail_articles, changed)
        parts = [(self._tail_rows[kept], self._tail_articles[kept], self._tail[kept]), *blocks]
        self._tail_rows, self._tail_articles, self._tail = (np.concatenate(some) for some in zip(*parts, strict=True))

    @property
    def is_outgrown(self) -> bool:
        """True if so much came or went since the base was built that it should be built anew."""
        return is_outgrown(len(self._rows), len(self._tail_rows), self._gone)

    def __len__(self) -> int:
        return len(self._rows) - self._gone + len(self._tail_rows)

    def search(
        self, query: "NDArray[np.float32]", limit: int, allowed_articles: "NDArray[np.bool_] | None" = None
    ) -> list[tuple[int, float]]:
        """At most `limit` pairs (row, cosine), best first; only of articles whose row is true in `allowed_articles`
        unless it is `None`."""
        import numpy as np

        if limit <= 0 or not len(self):
            return []
        live = self._live if self._gone else None
        tail = np.ones(len(self._tail_rows), dtype=np.bool_)
        if allowed_articles is not None:
            allowed = _within(allowed_articles, self._articles)
            live = allowed if live is None else live & allowed
            tail = _within(allowed_articles, self._tail_articles)
        rows, scores = self._search_base(query, limit, live)
        rows = np.concatenate([rows, self._tail_rows[tail]])
        scores = np.concatenate([scores, self._tail[tail] @ query])
        order = np.lexsort((rows, -scores))[:limit]
        return list(zip(rows[order].tolist(), scores[order].tolist(), strict=True))

    def _search_base(
        self, query: "NDArray[np.float32]", limit: int, live: "NDArray[np.bool_] | None"
    ) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
        """Rows and cosines of the nearest of the base, `limit` at least if there are so many, in any order."""
        import faiss
        import numpy as np

        count = len(self._rows) if live is None else int(np.count_nonzero(live))
        is_exact = self.details["kind"] == "exact"
        depth = min(count, limit if is_exact else max(LEAST_RESCORED, RESCORED * limit))
        if count == 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        if count == depth and not is_exact:
            # All of them: no search is needed, only their vectors.
            positions = np.arange(len(self._rows)) if live is None else np.flatnonzero(live)
        else:
            parameters: Any = faiss.SearchParameters() if is_exact else faiss.SearchParametersIVF()
            if live is not None:
                # The selector keeps a pointer to the bits, so these must outlive the search.
                bits = np.packbits(live, bitorder="little")
                parameters.sel = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type]
            if not is_exact:
                # As many vectors are looked at as without a filter.
                share = float(self.details.get("searched_share", SEARCHED_SHARES[0])) * len(self._rows) / count
                parameters.nprobe = max(1, round(min(1.0, share) * self._base.nlist))
            found_scores, found = self._search_on_one_core(query, depth, parameters)
            while not is_exact and found[0][-1] < 0 and parameters.nprobe < self._base.nlist:
                # What the filter lets through lies elsewhere.
                parameters.nprobe = min(self._base.nlist, 2 * parameters.nprobe)
                found_scores, found = self._search_on_one_core(query, depth, parameters)
            # FAISS fills up with -1 where it has fewer.
            positions = found[0][found[0] >= 0]
            if is_exact:
                return self._rows[positions], found_scores[0][: len(positions)]
        rows = np.sort(self._rows[positions])
        return rows, self._read(rows) @ query

    def _search_on_one_core(
        self, query: "NDArray[np.float32]", depth: int, parameters: Any
    ) -> "tuple[NDArray[np.float32], NDArray[np.int64]]":
        """FAISS's answer for one query, shapes (1, depth); see `index.one_core` for why."""
        import faiss

        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            scores, found = self._base.search(query[None, :], depth, params=parameters)
        finally:
            faiss.omp_set_num_threads(threads)
        return scores, found


def _within(allowed: "NDArray[np.bool_]", articles: "NDArray[np.int64]") -> "NDArray[np.bool_]":
    """Of each article, whether it is allowed; one behind the end of `allowed` is not."""
    import numpy as np

    if not len(allowed):
        return np.zeros(len(articles), dtype=np.bool_)
    return allowed[np.minimum(articles, len(allowed) - 1)] & (articles < len(allowed))


def _fitted(count: int, dimension: int, blocks: "Callable[[], Iterator[Block]]", kind: VectorKind) -> Any:
    """An empty compressed index that is fitted to a sample of the vectors."""
    import faiss
    import numpy as np

    parts = 1 if kind == "compressed" else int(PARTS_PER_ROOT * count**0.5)
    chosen = _sample(count, max(TRAINING_VECTORS, TRAINING_PER_PART * parts))
    sample, done = [], 0
    for rows, _, vectors in blocks():
        inside = chosen[(chosen >= done) & (chosen < done + len(rows))] - done
        sample.append(vectors[inside])
        done += len(rows)
    index: Any = faiss.index_factory(
        dimension, f"IVF{parts},PQ{dimension // NUMBERS_A_PART}x4fs", faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed = SEED
    index.train(np.concatenate(sample))
    return index


def _sample(count: int, size: int) -> "NDArray[np.int64]":
    """`size` different positions below `count`, or all, ascending; the same at every call."""
    import numpy as np

    chosen = np.random.default_rng(SEED).choice(count, min(count, size), replace=False)
    return np.sort(chosen).astype(np.int64)
