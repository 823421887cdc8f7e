"""What a library covers: how many articles, of which days, from which sources."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from index.types import ArticleSummary

SOURCES_NAMED = 4
"""Sources named in a sentence, those with the most articles."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """`first` and `last` are the earliest and latest stated dates (ISO 8601, as far as stated), `None` if no article
    states a year. `sources` are the names with the most articles first."""

    articles: int
    first: str | None
    last: str | None
    sources: tuple[str, ...]


def coverage_of(summaries: Sequence[ArticleSummary]) -> Coverage:
    """What these articles cover."""
    dates = sorted(summary.published for summary in summaries if summary.published and summary.published[0].isdigit())
    named = Counter(summary.source.strip() for summary in summaries if summary.source and summary.source.strip())
    return Coverage(
        articles=len(summaries),
        first=dates[0] if dates else None,
        last=dates[-1] if dates else None,
        sources=tuple(name for name, _ in named.most_common()),
    )
