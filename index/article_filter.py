"""Which articles a filter lets through: their dates and sources as arrays, so that a filter costs no query."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from index.types import SearchFilter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ArticleFilter:
    """Days and sources of all articles by their rows.

    Days are ISO 8601 and compare as text; an article of an unknown date has an empty one, which comes before all.
    """

    def __init__(self) -> None:
        import numpy as np

        self._first = np.zeros(0, dtype="S10")
        self._last = np.zeros(0, dtype="S10")
        self._source = np.zeros(0, dtype=np.int32)
        self._sources: dict[str, int] = {}

    def put(self, fields: Iterable[tuple[int, str, str, str]]) -> None:
        """Takes in articles, new or changed: row, first and last day, source; empty where it is not known."""
        for row, first, last, source in fields:
            self._make_room(row)
            self._first[row], self._last[row] = first.encode(), last.encode()
            self._source[row] = self._sources.setdefault(source.casefold(), len(self._sources) + 1)

    def remove(self, rows: Iterable[int]) -> None:
        """Forgets articles."""
        for row in rows:
            if row < len(self._source):
                self._source[row] = 0

    def matching(self, search_filter: SearchFilter) -> "NDArray[np.bool_]":
        """By row of an article, whether it is there and the filter lets it through; see `SearchFilter`."""
        import numpy as np

        matching = self._source > 0
        if search_filter.sources:
            wanted = [self._sources.get(source.casefold(), -1) for source in search_filter.sources]
            matching &= np.isin(self._source, wanted)
        if search_filter.date_from is not None:
            matching &= self._last >= search_filter.date_from.isoformat().encode()
        if search_filter.date_to is not None:
            matching &= (self._first > b"") & (self._first <= search_filter.date_to.isoformat().encode())
        if search_filter.as_of is not None:
            matching &= self._first <= search_filter.as_of.isoformat().encode()
        return matching

    def _make_room(self, row: int) -> None:
        import numpy as np

        lacking = row + 1 - len(self._source)
        if lacking > 0:
            more = max(lacking, len(self._source))
            self._first = np.concatenate([self._first, np.zeros(more, dtype="S10")])
            self._last = np.concatenate([self._last, np.zeros(more, dtype="S10")])
            self._source = np.concatenate([self._source, np.zeros(more, dtype=np.int32)])
