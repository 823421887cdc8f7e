"""Periods of days that a question names, with or without a year."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Relation = Literal["in", "after", "before"]

EVENT_REACH_DAYS = 61
"""Days that "after the December vote" reaches beyond December, and "before" it: what is asked for so (reactions,
preparations) is of the weeks around the event, as far as the reports in `seeds/` tell of it, not of all time."""


@dataclass(frozen=True, slots=True)
class Period:
    """From the day `first` to the day `last`, both included; `None` is an open end, and not both are."""

    first: date | None
    last: date | None

    def __post_init__(self) -> None:
        if self.first is None and self.last is None:
            raise ValueError("a period needs a first or a last day")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError(f"a period cannot begin on {self.first} and end on {self.last}")

    @property
    def start(self) -> date:
        """The first day; where that is open, the first that there is."""
        return self.first or date.min

    @property
    def end(self) -> date:
        """The last day; where that is open, the last that there is."""
        return self.last or date.max


@dataclass(frozen=True, slots=True)
class YearlyPeriod:
    """A month, several (1..12), or the `day` of a month that is named without its year: "in June", "on July 5".

    A `last_month` before the `first_month` is of the next year. `relation` is "after" or "before" where the months are
    those of an event after or before which something is asked for.
    """

    first_month: int
    last_month: int
    day: int | None = None
    relation: Relation = "in"

    @property
    def months(self) -> frozenset[int]:
        """The months that are named."""
        count = (self.last_month - self.first_month) % 12 + 1
        return frozenset((self.first_month - 1 + number) % 12 + 1 for number in range(count))

    def in_year(self, year: int) -> Period:
        """The period that it is if it begins in `year` (1..9998), with the days around it that `relation` adds."""
        period = self.without_relation(year)
        return around_event(period, self.relation)

    def without_relation(self, year: int) -> Period:
        """As `in_year`, the named months or day alone. 29 February is the 28th in other years."""
        last_year = year + (self.last_month < self.first_month)
        last_day = monthrange(last_year, self.last_month)[1]
        if self.day is not None:
            day = date(year, self.first_month, min(self.day, last_day))
            return Period(day, day)
        return Period(date(year, self.first_month, 1), date(last_year, self.last_month, last_day))

    def last_until(self, day: date) -> Period:
        """The last such months or day that had begun by `day`, without what `relation` adds."""
        year = min(max(day.year, 2), 9998)
        this_year = self.without_relation(year)
        return this_year if this_year.start <= day else self.without_relation(year - 1)


def around_event(period: Period, relation: Relation) -> Period:
    """The days of an event, which lies somewhere in `period`, and those after or before it that `relation` means."""
    reach = timedelta(days=EVENT_REACH_DAYS)
    if relation == "after" and period.last is not None:
        return Period(period.first, shifted(period.last, reach))
    if relation == "before" and period.first is not None:
        return Period(shifted(period.first, -reach), period.last)
    return period


def shifted(day: date, by: timedelta) -> date:
    """The day `by` later, or the last or first that there is."""
    try:
        return day + by
    except OverflowError:
        return date.max if by > timedelta(0) else date.min


def part_of(period: Period, low: int, high: int, parts: int) -> Period:
    """From part `low` (exclusive) to part `high` of the `parts` equal ones of a closed period.

    Counted in months where the period is one of whole years, else in days: the first third of 2017 is January to April.
    """
    first, last = period.start, period.end
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
        count = 12 * (last.year - first.year + 1)
        begin, end = count * low // parts, count * high // parts - 1
        last_year, last_month = first.year + end // 12, end % 12 + 1
        return Period(
            date(first.year + begin // 12, begin % 12 + 1, 1),
            date(last_year, last_month, monthrange(last_year, last_month)[1]),
        )
    count = (last - first).days + 1
    begin, end = count * low // parts, max(count * low // parts, count * high // parts - 1)
    return Period(first + timedelta(days=begin), first + timedelta(days=end))
