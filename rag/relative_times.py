"""Expressions of time that count from the day of asking: "yesterday", "last week", "three months ago"."""

import re
from calendar import monthrange
from datetime import date, datetime, timedelta

from index.dates import MONTH_PATTERN
from rag.periods import Period, YearlyPeriod, shifted

FEW = 3
"""What "a few" counts: the middle of what people mean by it, which is two to four."""

_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_COUNT = rf"(?:an?|{'|'.join(_NUMBERS)}|[0-9]{{1,3}}|a couple of|a few|couple of|few)"
_UNIT = r"(?:day|week|fortnight|month|year|decade)"
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
SEASONS = {"spring": (3, 5), "summer": (6, 8), "autumn": (9, 11), "fall": (9, 11), "winter": (12, 2)}
"""First and last month, in the north; the winter of a year is the one that begins in it."""


RELATIVE = (
    rf"(?i:\b(?:the day before yesterday|yesterday|{_COUNT} {_UNIT}s? ago"
    rf"|(?:in|over|during|within|for|of) the (?:last|past|previous) (?:{_COUNT} )?{_UNIT}s?"
    rf"|(?:earlier )?(?:this|last) (?:week|month|year|spring|summer|autumn|fall|winter)|last {MONTH_PATTERN}"
    rf"|(?:on|last|this) {_WEEKDAY})\b)|\b(?i:this) (?=[A-Z]){MONTH_PATTERN}"
)
"""Without named groups; what it matches is for `relative_period` to read."""

_AGO = re.compile(rf"({_COUNT}) ({_UNIT})s? ago")
_WINDOW = re.compile(rf"\w+ the \w+ (?:({_COUNT}) )?({_UNIT})s?")
_NAMED = re.compile(r"(?:earlier )?(this|last) (\w+)\.?")


def relative_period(text: str, as_of: date) -> Period | None:
    """The period that an expression of the form `RELATIVE` means on the day `as_of`; `None` if it reaches too far back.

    A week is Monday to Sunday and a month or year that of the calendar ("last week", "three months ago"), as far as it
    has come ("this week"); "the last week" and "the past three months" are the days up to `as_of`.
    """
    text = " ".join(text.lower().split())
    if window := _WINDOW.fullmatch(text):
        start = _day(f"{_number(window[1] or 'a')} {window[2]} ago", as_of)
        return None if start is None else Period(start, as_of)
    if ago := _AGO.fullmatch(text):
        day = _day(f"{_number(ago[1])} {ago[2]} ago", as_of)
        return None if day is None else _calendar(day, ago[2])
    named = _NAMED.fullmatch(text)
    if named is None or named[2].endswith("day"):
        day = _day(re.sub(r"^(?:on|this) ", "", text), as_of)
        return None if day is None else Period(day, day)
    if named[2] in ("week", "month", "year"):
        whole = _calendar(as_of if named[1] == "this" else _day(text, as_of) or as_of, named[2])
        return Period(whole.first, min(whole.end, as_of))
    first, last = SEASONS[named[2]] if named[2] in SEASONS else (month_number(named[2]),) * 2
    found = YearlyPeriod(first, last).last_until(as_of)
    if named[1] == "last" and found.end >= as_of:  # "last June", asked in June, is the one before
        return YearlyPeriod(first, last).last_until(shifted(found.start, timedelta(days=-1)))
    return found


def month_number(name: str) -> int:
    """1..12 for a month's name or abbreviation."""
    return ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec").index(
        name[:3].lower()
    ) + 1


def _number(words: str) -> str:
    return {"a": "1", "an": "1", "few": str(FEW), "a few": str(FEW), "couple of": "2", "a couple of": "2"}.get(
        words, words
    )


def _day(text: str, as_of: date) -> date | None:
    """The day that `text` means. dateparser is loaded here, because few questions need it."""
    import dateparser

    try:
        found = dateparser.parse(
            text,
            languages=["en"],
            settings={
                "PREFER_DATES_FROM": "past",
                "RELATIVE_BASE": datetime(as_of.year, as_of.month, as_of.day),
                "RETURN_AS_TIMEZONE_AWARE": False,
            },
        )
    except (OverflowError, ValueError):  # a day before the year 1
        return None
    return None if found is None else min(found.date(), as_of)


def _calendar(day: date, unit: str) -> Period:
    """The week, month, year or decade around a day; of a day, the day."""
    if unit in ("week", "fortnight"):
        monday = shifted(day, timedelta(days=-day.weekday()))
        return Period(monday, shifted(monday, timedelta(days=6)))
    if unit == "month":
        return Period(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))
    if unit in ("year", "decade"):
        return Period(date(day.year, 1, 1), date(day.year, 12, 31))
    return Period(day, day)
