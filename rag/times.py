"""What a question says about time, and how well the date of an article fits it."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import quantiles
from typing import TypeVar

from rag.analysis import CHANGE
from rag.periods import Period, YearlyPeriod
from rag.time_combinations import combine
from rag.time_expressions import find_expressions

NEUTRAL_FIT = 0.5
"""The fit of an article of an unknown date, and of every article where no period is named: neither for nor against."""

REPORTED_LATER_DAYS = 30.0
"""Days after a period in which the fit of an article falls to about 1/e: most of what is told of an event is published
within weeks of it. A reasoned value, not a fitted one, as are the three below."""

TOLD_EARLIER_DAYS = 3.0
"""The same before it. An article cannot report what has not happened, only plan it; the few days are for datelines and
time zones, by which the report of an event bears another day."""

RETROSPECT_FIT = 0.2
"""The fit of an article from long after a period: below `NEUTRAL_FIT`, yet not 0, since it may look back."""

RECENCY_DAYS = 14.0
"""Days after which the recency of an article has fallen to 1/e for a question asked as of a day: the scale that lifted
nDCG@10 from .68 to .79 on a news quiz with dated questions; see `rag.retrieval.RECENCY_WEIGHT`."""

LATEST_SHARE = 4
"""Without such a day: the part of the candidates' time (a quarter) in which recency falls to 1/e, so that the oldest
has e^-4, about .02. Of 2017 to 2022 the last year counts, of a month the last week."""

LEAST_RECENCY_DAYS = 3.0
"""Days; the scale is never shorter, since the reports of one event are published over some days."""

SAME_PERIOD_DAYS = 14
"""Days; articles that follow each other more closely are reports of one event, and never two periods of a change."""

MOST_PERIODS = 4
"""Periods that evidence of a change is taken from; with the five statements that such an answer has, each gets one."""

_Item = TypeVar("_Item")
Days = tuple[date, date]

_LATEST = re.compile(
    r"\b(?:(?<!at the )latest|most recent(?:ly)?|newest|currently|current(?= \w)(?! (?:is|was|of|in|and|from)\b)|"
    r"nowadays|these days|at present|"
    r"at the moment|at this point|as things stand|(?:to|until|till|up to) (?:now|date|this day)|as of (?:now|today)|"
    r"(?<!st[ao]nd )(?<!stood )(?<!sit )still|so far(?! (?:away|from|as)\b)|present[- ]day)\b|"
    r"(?:^|(?<!then and )(?-i:\b(?=[a-z])))(?:now|today)\b(?! (?:and )?then\b)",
    re.IGNORECASE,
)
"""Words for the present state. "Today" and "Now" with a capital inside a question are names ("USA Today")."""

_PRESENT = re.compile(r"\b(?:is|are|does|do|has|have)\b|(?:who|what|where|how)[’']s\b", re.IGNORECASE)
_MORE_CHANGE = re.compile(
    r"\b(?:then and now|now and then|before and after|evolve[sd]?|shift(?:s|ed)? (?:in|of)|changes? (?:in|of)|"
    r"(?:has|have|had) .* (?:changed|shifted|evolved|softened|hardened))\b",
    re.IGNORECASE,
)
"""What `rag.analysis.CHANGE` leaves out."""


@dataclass(frozen=True, slots=True)
class TimeReading:
    """What a question says about time.

    `periods` are those that it names, in its order; `yearly` those without a year. If `is_filter`, the articles are to
    be published in one of `periods`, else the periods are a preference: a later article may tell of them.
    `wants_latest` is true if the present state is asked for, `wants_change` if a development is.
    """

    periods: tuple[Period, ...] = ()
    yearly: tuple[YearlyPeriod, ...] = ()
    is_filter: bool = False
    wants_latest: bool = False
    wants_change: bool = False

    @property
    def months(self) -> frozenset[int]:
        """The months (1..12) that are named without a year."""
        return frozenset().union(*(one.months for one in self.yearly))

    @property
    def names_period(self) -> bool:
        """True if any period is named, with or without a year."""
        return bool(self.periods or self.yearly)


def read_times(question: str, *, as_of: date | None = None) -> TimeReading:
    """What a question says about time; see `TimeReading`. Never raises.

    With the day of asking `as_of`, "last week" is read, and a month without a year is the last one until then. Where
    the question limits the articles by their publication, only the periods that it limits them to are returned.
    """
    text = " ".join(question.split())
    named = combine(text, find_expressions(text, as_of), as_of)
    limits = [one for one in named if one.limits_articles and isinstance(one.meaning, Period)]
    meanings = list(dict.fromkeys(one.meaning for one in limits or named))
    periods = tuple(one for one in meanings if isinstance(one, Period))
    # "What was the latest test in May 2017?" asks for a state that is past.
    past = any(one.last is not None for one in periods) and _PRESENT.search(text) is None
    return TimeReading(
        periods=periods,
        yearly=tuple(one for one in meanings if isinstance(one, YearlyPeriod)),
        is_filter=bool(limits),
        wants_latest=_LATEST.search(text) is not None and not past,
        wants_change=CHANGE.search(text) is not None or _MORE_CHANGE.search(text) is not None,
    )


def period_fit(reading: TimeReading, published: Days | None) -> float:
    """How well an article fits the periods that a question names, 0..1, higher is better; that of the best of them.

    `published` is the first and last day on which it can have been published; 1 if any of them is in a period. Behind
    the period the fit falls to `RETROSPECT_FIT`, before it to 0. `NEUTRAL_FIT` for an unknown date, and for all
    articles if no period is named. Of a period without a year, every year's counts.
    """
    if published is None or not reading.names_period:
        return NEUTRAL_FIT
    years = range(max(published[0].year - 1, 1), min(published[1].year + 1, 9998) + 1)
    candidates = [*reading.periods, *(one.in_year(year) for one in reading.yearly for year in years)]
    return max((_fit(period, published) for period in candidates), default=NEUTRAL_FIT)


def _fit(period: Period, published: Days) -> float:
    if (late := (published[0] - period.end).days) > 0:
        return RETROSPECT_FIT + (1 - RETROSPECT_FIT) * math.exp(-late / REPORTED_LATER_DAYS)
    early = max(0, (period.start - published[1]).days)
    return math.exp(-early / TOLD_EARLIER_DAYS)


def recency(published: Days | None, newest: date, scale_days: float = RECENCY_DAYS) -> float:
    """exp(-age / scale_days), 0..1, higher is more recent: 1 for an article of the day `newest`, 0 for an unknown date.

    Of a date that is stated in part, the middle of the days that fit until `newest` counts.
    """
    if published is None:
        return 0.0
    first, last = (min(day, newest) for day in published)
    return math.exp(-(newest - _middle((first, last))).days / scale_days)


def recency_scale(published: Iterable[Days | None], as_of: date | None = None) -> tuple[date, float] | None:
    """The day that is counted from and the scale in days, for `recency` among candidates with these dates.

    With the day of asking they are that day and `RECENCY_DAYS`. Without one, the day is the newest of the candidates,
    and the scale is a quarter of the time between oldest and newest, or the age that a quarter of them is below,
    whichever is shorter: one very old article does not stretch it. `None` if no date is known.
    """
    if as_of is not None:
        return as_of, RECENCY_DAYS
    middles = [_middle(days) for days in published if days is not None]
    if not middles:
        return None
    newest = max(middles)
    ages = [(newest - day).days for day in middles]
    quarter = quantiles(ages, n=LATEST_SHARE, method="inclusive")[0] if len(ages) > 1 else 0.0
    return newest, max(LEAST_RECENCY_DAYS, min(quarter, max(ages) / LATEST_SHARE))


def in_periods(
    items: Sequence[_Item], interval_of: Callable[[_Item], Days | None], most: int = MOST_PERIODS
) -> list[list[_Item]]:
    """The items by period, oldest first, those of an unknown date last as a group of their own; no group is empty.

    There are at most `most` periods (1 or more) of dated items; they are divided at the longest gaps between one date
    and the next, none of `SAME_PERIOD_DAYS` or less. Within a period the items keep their order. Of a date that is
    stated in part, the middle counts.
    """
    dated: list[tuple[date, _Item]] = []
    undated: list[_Item] = []
    for item in items:
        days = interval_of(item)
        if days is None:
            undated.append(item)
        else:
            dated.append((_middle(days), item))
    gaps = [(later - sooner, later) for sooner, later in pairwise(sorted({day for day, _ in dated}))]
    wide = sorted((gap for gap in gaps if gap[0] > timedelta(days=SAME_PERIOD_DAYS)), reverse=True)
    starts = [date.min, *sorted(day for _, day in wide[: most - 1]), date.max]
    groups = [[item for day, item in dated if first <= day < end] for first, end in pairwise(starts)]
    return [group for group in (*groups, undated) if group]


def _middle(days: Days) -> date:
    return days[0] + (days[1] - days[0]) / 2
