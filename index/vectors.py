"""Nearest passages by FAISS. The file is derived from the SQLite store and never trusted without its digest."""

import hashlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class VectorIndex:
    """Exact inner-product search over unit vectors, that is by cosine; higher is better."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def build(cls, rows: Sequence[int], vectors: "NDArray[np.float32]") -> "VectorIndex":
        """An index of `vectors`, shape (n, dimension), that answers with their `rows`."""
        import faiss
        import numpy as np

        index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        if len(rows):
            index.add_with_ids(np.ascontiguousarray(vectors), np.asarray(rows, dtype=np.int64))
        return cls(index)

    @classmethod
    def load(cls, path: Path, sha256: str) -> "VectorIndex | None":
        """The index of a file, or `None` if the file is missing or is not the one that the digest was taken of.

        FAISS itself does not notice damaged or appended bytes, so nothing is read before the digest agrees.
        """
        import faiss
        import numpy as np

        try:
            content = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() != sha256:
            return None
        return cls(faiss.deserialize_index(np.frombuffer(content, dtype=np.uint8)))

    def save(self, path: Path) -> str:
        """Writes the index beside `path` and renames it into place; returns the SHA-256 of the file."""
        import faiss

        content = faiss.serialize_index(self._index).tobytes()
        unfinished = path.with_name(path.name + ".part")
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return hashlib.sha256(content).hexdigest()

    def search(
        self, query: "NDArray[np.float32]", limit: int, allowed: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """At most `limit` pairs (row, cosine), best first; only rows in `allowed` unless it is `None`."""
        import faiss
        import numpy as np

        limit = min(limit, self._index.ntotal if allowed is None else len(allowed))
        if limit <= 0:
            return []
        parameters = None
        if allowed is not None:
            # The selector keeps a pointer to the array, so the array must outlive the search.
            rows = np.fromiter(allowed, dtype=np.int64, count=len(allowed))
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(rows))  # type: ignore[call-arg]
        scores, found = self._index.search(query[None, :], limit, params=parameters)
        # FAISS fills up with -1 where it has fewer.
        return [(int(row), float(score)) for row, score in zip(found[0], scores[0], strict=True) if row >= 0]
