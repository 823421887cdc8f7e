"""The articles of a library as a table: searched, put in order, in pages, and counted by time and source.

Whatever costs time for each article is done once for each state of the library.
"""

import threading
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from index.dates import format_published
from index.errors import LibraryNotFoundError
from index.types import ArticleSummary
from ui.backend import Backend
from ui.uploads import FOLDER, file_within

Column = Literal["title", "source", "published", "passages", "origin", "added"]
COLUMNS: tuple[str, ...] = get_args(Column)
"""What the table can be ordered by; `added` is the order in which the articles came."""

MAX_MONTHS = 24
"""Most bars of a plot by month; articles of a longer time are counted by year."""

MAX_YEARS = 60
"""Most bars of a plot by year; articles of a longer time are counted by decade."""

SOURCES_SHOWN = 10
"""Sources with a bar of their own."""


@dataclass(frozen=True)
class Row:
    """An article with what it is found and ordered by."""

    number: int
    summary: ArticleSummary
    uploaded: str | None
    shares_file: bool
    searched: str

    @property
    def origin(self) -> str:
        return self.summary.origins[0] if self.summary.origins else ""

    def as_json(self) -> dict[str, Any]:
        """The document of the HTTP interface. `uploaded` is the name of the file that was added on the page, if it was
        one, and `shares_file` says that further articles stand in it."""
        summary = self.summary
        return {
            "article_id": summary.article_id,
            "title": summary.title,
            "source": summary.source,
            "published": summary.published,
            "published_text": summary.published and format_published(summary.published),
            "url": summary.url,
            "passages": summary.passages,
            "characters": summary.characters,
            "origin": self.origin,
            "uploaded": self.uploaded,
            "shares_file": self.shares_file,
        }


class Listing:
    """The table of one state of the library."""

    def __init__(self, summaries: Sequence[ArticleSummary], library_path: Path, generation: int) -> None:
        self.generation = generation
        self.rows = _rows(summaries, library_path.absolute() / FOLDER)
        self._ordered: dict[tuple[str, bool], list[Row]] = {}

    def page(self, query: str, column: str, descending: bool, offset: int, limit: int) -> dict[str, Any]:
        """Articles in which every word of the query occurs, in title, source or origin, without regard to case and
        accents; those that state nothing in the column come last in both orders."""
        rows = self._in_order(column, descending)
        words = _plain(query).split()
        if words:
            rows = [row for row in rows if all(word in row.searched for word in words)]
        return {
            "generation": self.generation,
            "total": len(self.rows),
            "matching": len(rows),
            "offset": offset,
            "articles": [row.as_json() for row in rows[offset : offset + limit]],
        }

    @cached_property
    def overview(self) -> dict[str, Any]:
        """Numbers of articles and passages, and how the articles spread over time and sources."""
        summaries = [row.summary for row in self.rows]
        unit, periods, undated = _over_time(summaries)
        sources, others, unnamed = _by_source(summaries)
        return {
            "generation": self.generation,
            "articles": len(summaries),
            "passages": sum(summary.passages for summary in summaries),
            "unit": unit,
            "periods": [{"period": period, "count": count} for period, count in periods],
            "undated": undated,
            "sources": [{"source": source, "count": count} for source, count in sources],
            "other_sources": {"sources": len(others), "count": sum(others)},
            "without_source": unnamed,
        }

    def _in_order(self, column: str, descending: bool) -> list[Row]:
        wanted = (column, descending)
        if wanted not in self._ordered:
            key = _KEYS[column]
            stated = [row for row in self.rows if key(row) is not None]
            stated.sort(key=key, reverse=descending)
            self._ordered[wanted] = stated + [row for row in self.rows if key(row) is None]
        return self._ordered[wanted]


class Listings:
    """The listing of the newest state, kept until the library changes. May be used by several threads."""

    def __init__(self, backend: Backend, library_path: Path) -> None:
        self._backend = backend
        self._path = library_path
        self._lock = threading.Lock()
        self._listing: Listing | None = None

    def newest(self) -> Listing:
        """An empty listing where there is no library yet. Raises the other errors of the backend."""
        try:
            generation = self._backend.generation()
            with self._lock:
                if self._listing is None or self._listing.generation != generation:
                    # Should the library change in between, the listing is newer than its number and made once more.
                    self._listing = Listing(self._backend.summaries(), self._path, generation)
                return self._listing
        except LibraryNotFoundError:
            return Listing((), self._path, 0)


def _rows(summaries: Sequence[ArticleSummary], uploads: Path) -> list[Row]:
    files = [[file_within(uploads, origin) for origin in summary.origins] for summary in summaries]
    articles_of = Counter(file for found in files for file in set(found) if file is not None)
    rows = []
    for number, (summary, found) in enumerate(zip(summaries, files, strict=True)):
        file = next((file for file in found if file is not None), None)
        rows.append(
            Row(
                number,
                summary,
                uploaded=None if file is None else file.name,
                shares_file=articles_of[file] > 1 if file is not None else False,
                searched=_plain("\n".join((summary.title, summary.source or "", *summary.origins))),
            )
        )
    return rows


def _plain(text: str) -> str:
    """Lower case without accents: what people type when they look for a text."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _year(published: str | None) -> int | None:
    return int(published[:4]) if published and published[:4].isdecimal() else None


_KEYS: dict[str, Callable[[Row], Any]] = {
    "title": lambda row: _plain(row.summary.title),
    "source": lambda row: _plain(row.summary.source) if row.summary.source else None,
    "published": lambda row: row.summary.published if _year(row.summary.published) is not None else None,
    "passages": lambda row: row.summary.passages,
    "origin": lambda row: _plain(row.origin.rsplit("/", 1)[-1]),
    "added": lambda row: row.number,
}


def _over_time(summaries: Sequence[ArticleSummary]) -> tuple[str, list[tuple[str, int]], int]:
    """The unit (`month`, `year` or `decade`), each period from the first to the last with its articles, and the number
    of articles whose year is not known."""
    dated = [summary.published for summary in summaries if summary.published and _year(summary.published) is not None]
    undated = len(summaries) - len(dated)
    if not dated:
        return "year", [], undated
    if all(len(day) >= 7 for day in dated):
        months = Counter(int(day[:4]) * 12 + int(day[5:7]) - 1 for day in dated)
        first, last = min(months), max(months)
        if last - first < MAX_MONTHS and last // 12 - first // 12 < 3:
            spread = [(f"{month // 12:04}-{month % 12 + 1:02}", months[month]) for month in range(first, last + 1)]
            return "month", spread, undated
    years = Counter(int(day[:4]) for day in dated)
    unit, step = ("year", 1) if max(years) - min(years) < MAX_YEARS else ("decade", 10)
    periods: Counter[int] = Counter()
    for year, count in years.items():
        periods[year // step * step] += count
    return unit, [(f"{p:04}", periods[p]) for p in range(min(periods), max(periods) + 1, step)], undated


def _by_source(summaries: Sequence[ArticleSummary]) -> tuple[list[tuple[str, int]], list[int], int]:
    """The sources with most articles, most first, the numbers of all others, and of articles without a source.

    Names that differ only in case are one source, as in a search, under the form that comes first.
    """
    counts: dict[str, int] = defaultdict(int)
    names: dict[str, str] = {}
    for summary in summaries:
        if summary.source:
            counts[names.setdefault(summary.source.casefold(), summary.source)] += 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    # Of one source more than has a bar, the last is shown instead of "1 other".
    shown = SOURCES_SHOWN + 1 if len(ranked) == SOURCES_SHOWN + 1 else SOURCES_SHOWN
    unnamed = len(summaries) - sum(counts.values())
    return ranked[:shown], [count for _, count in ranked[shown:]], unnamed
