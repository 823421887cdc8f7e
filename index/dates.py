"""Dates as articles state them, in English, turned into ISO 8601 without adding anything that is not stated.

And back: ISO 8601 for people to read, and as the first or last day of a range.
"""

import re
from calendar import monthrange
from datetime import date

from index.errors import FilterError
from index.patterns import late

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_LEAP_YEAR = 2000
"""The year by which a day without a year is checked, so that 29 February is one."""

MAX_DATE_LENGTH = 80
"""Characters; the longest form (weekday, date, time and zone) has about 60, and nothing longer is one date."""

MONTH_PATTERN = (
    r"(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"[0-9]{1,2}(?i:st|nd|rd|th)?"
_YEAR = r"[0-9]{4}"
_WEEKDAY = r"(?i:mon|tue|tues|wed|weds|wednes|thu|thur|thurs|fri|sat|satur|sun)(?i:day)?\b\.?,?[ ]+"

DATE_PATTERN = (
    rf"(?:{_WEEKDAY})?(?:{MONTH_PATTERN}[ ]{_DAY}\b(?:,?[ ]{_YEAR}\b)?|{_DAY}[ ]{MONTH_PATTERN}(?:,?[ ]{_YEAR}\b)?"
    rf"|{MONTH_PATTERN}[ ]{_YEAR}\b|{_YEAR}-[0-9]{{2}}-[0-9]{{2}}\b)"
)
"""A date within a line, without named groups; what it matches is for `parse_date` to judge."""

_CLOCK = r"[0-9]{1,2}[:.][0-9]{2}(?::[0-9]{2})?(?:[ ]?(?i:[ap]\.?m\b\.?))?(?:[ ][A-Z]{2,5}\b)?"
_BEFORE = late(rf"(?:{_CLOCK},?[ ](?:(?i:on)[ ])?)?(?:{_WEEKDAY})?(?:(?i:the)[ ])?")
_AFTER = late(r"(?:T|,?[ ](?:(?i:at)[ ])?)[0-9]{1,2}[:.][0-9]{2}(?![0-9]).{0,40}$")

_NUMBERS = (
    late(r"(?P<year>[0-9]{4})([-/.])(?P<month>[0-9]{1,2})(?:\2(?P<day>[0-9]{1,2}))?"),
    late(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"),
    late(r"(?P<year>[0-9]{4})"),
    late(r"--(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"),
    late(r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})"),
)
_WORDS = (
    late(rf"(?P<month>{MONTH_PATTERN})[ -](?P<day>{_DAY})(?:,?[ -](?P<year>{_YEAR}))?"),
    late(rf"(?P<day>{_DAY})[ -](?:(?i:of)[ ])?(?P<month>{MONTH_PATTERN})(?:,?[ -](?P<year>{_YEAR}))?"),
    late(rf"(?P<month>{MONTH_PATTERN}),?[ -](?P<year>{_YEAR})"),
)
_SLASHES = late(r"(?P<first>[0-9]{1,2})/(?P<second>[0-9]{1,2})/(?P<year>[0-9]{4})")
_STATED = late(r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?")
_WITHOUT_YEAR = late(r"--(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")


def parse_date(text: str) -> str | None:
    """The date that `text` is, as ISO 8601 or the part of it that is stated; `None` if it is no date.

    `March 4, 2021` → `2021-03-04`, `March 2021` → `2021-03`, `2021` → `2021`, `Dec 25` → `--12-25`. Weekday and time
    of day are dropped. Of `4/3/2021`, which is April or March, only `2021` is certain; `25/12/2021` is a full date.
    Never raises.
    """
    if len(text) > MAX_DATE_LENGTH:
        return None
    stated = " ".join(text.split()).strip(" ,;.")
    start = _BEFORE.match(stated)
    stated = _AFTER.sub("", stated[start.end() if start else 0 :]).strip(" ,;.")
    if slashes := _SLASHES.fullmatch(stated):
        return _from_slashes(int(slashes["first"]), int(slashes["second"]), slashes["year"])
    for pattern in (*_NUMBERS, *_WORDS):
        if match := pattern.fullmatch(stated):
            parts = match.groupdict()
            return _iso(parts.get("year"), _month(parts.get("month")), _day(parts.get("day")))
    return None


def date_interval(published: str | None) -> tuple[date, date] | None:
    """First and last day that fit a date in the form of `Metadata.published`; `None` when the year is unknown.

    `2017-06` → 1 and 30 June 2017. A text that is not of that form is as unknown as none.
    """
    stated = _STATED.fullmatch(published or "")
    if not stated or _iso(stated["year"], _month(stated["month"]), _day(stated["day"])) is None:
        return None
    year = int(stated["year"])
    first_month, last_month = (int(stated["month"]),) * 2 if stated["month"] else (1, 12)
    if stated["day"]:
        return (date(year, first_month, int(stated["day"])),) * 2
    return date(year, first_month, 1), date(year, last_month, monthrange(year, last_month)[1])


def format_published(published: str) -> str:
    """A date as people write it: `2017-06-03` → `3 June 2017`, `2022-05` → `May 2022`, `--12-25` → `25 December`.

    A text that is not a date in the form of `Metadata.published` is returned as it is.
    """
    stated = _STATED.fullmatch(published) or _WITHOUT_YEAR.fullmatch(published)
    if not stated:
        return published
    parts = stated.groupdict()
    month, day = _month(parts["month"]), _day(parts["day"])
    if _iso(parts.get("year"), month, day) is None:
        return published
    words = (day and str(day), month and _MONTH_NAMES[month - 1], parts.get("year"))
    return " ".join(word for word in words if word)


def first_day(text: str) -> date:
    """The first day of a year `2017`, a month `2017-06` or a day `2017-06-03`. Raises `FilterError` on another text."""
    return _days(text)[0]


def last_day(text: str) -> date:
    """The last day of a year `2017`, a month `2017-06` or a day `2017-06-03`. Raises `FilterError` on another text."""
    return _days(text)[1]


def _days(text: str) -> tuple[date, date]:
    days = date_interval(text.strip())
    if days is None:
        raise FilterError(f"{text!r} is not a date; write a year, a month or a day: 2017, 2017-06 or 2017-06-03.")
    return days


def _month(stated: str | None) -> int | None:
    if stated is None:
        return None
    return int(stated) if stated.isdigit() else _MONTHS.index(stated[:3].lower()) + 1


def _day(stated: str | None) -> int | None:
    return None if stated is None else int(re.sub(r"[^0-9]", "", stated))


def _from_slashes(first: int, second: int, year: str) -> str | None:
    readings = {_iso(year, second, first), _iso(year, first, second)} - {None}
    if len(readings) == 1:
        return readings.pop()
    return _iso(year, None, None) if readings else None


def _iso(year: str | None, month: int | None, day: int | None) -> str | None:
    """The contract's form of the parts that are stated, `None` if there is no such day."""
    if year is not None and int(year) < 1:
        return None
    if month is None:
        return year
    if not 1 <= month <= 12:
        return None
    if day is None:
        return f"{year}-{month:02}"
    if not 1 <= day <= monthrange(int(year or _LEAP_YEAR), month)[1]:
        return None
    return f"{year or '-'}-{month:02}-{day:02}"
