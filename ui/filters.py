"""The filter that people fill in on the page."""

from collections.abc import Sequence

from index.dates import first_day, last_day
from index.types import SearchFilter


def filter_of(date_from: str, date_to: str, as_of: str, sources: Sequence[str]) -> SearchFilter:
    """The filter of the page's fields; an empty one filters nothing. Days may be years or months: `2017`, `2017-06`.

    Raises `FilterError`, a sentence that names the text at fault.
    """
    first, last, seen = (text.strip() for text in (date_from, date_to, as_of))
    return SearchFilter(
        date_from=first_day(first) if first else None,
        date_to=last_day(last) if last else None,
        sources=frozenset(sources),
        as_of=last_day(seen) if seen else None,
    )
