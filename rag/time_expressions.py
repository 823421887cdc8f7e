"""Expressions of time in a question, found by patterns; names and numbers that only look like one are left out."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from index.dates import MONTH_PATTERN, date_interval, parse_date
from index.patterns import late
from rag.analysis import MONTHS
from rag.periods import Period, YearlyPeriod, part_of
from rag.relative_times import RELATIVE, SEASONS, month_number, relative_period

YEAR = r"(?:1[5-9]|20)[0-9]{2}"
"""A year that a question can mean; other numbers of four digits are seldom one."""

_DAY = r"[0-9]{1,2}(?i:st|nd|rd|th)?"
_NO_NUMBER_BEFORE = r"(?<![\w.,$€£#/-])"
_SEASON = r"(?i:spring|summer|autumn|fall|winter)"

_DATE = late(
    rf"\b{MONTH_PATTERN} {_DAY}\b(?:,? {YEAR}\b)?|{_NO_NUMBER_BEFORE}{_DAY} (?:of )?{MONTH_PATTERN}(?:,? {YEAR}\b)?"
    rf"|\b{MONTH_PATTERN},? (?:of )?{YEAR}\b|{_NO_NUMBER_BEFORE}{YEAR}-[01][0-9](?:-[0-3][0-9])?(?![\w-])"
)
_DAYS = late(
    rf"\b({MONTH_PATTERN}) ({_DAY}) ?(?:-|–|to) ?({_DAY})\b(?:,? ({YEAR})\b)?"
    rf"|{_NO_NUMBER_BEFORE}({_DAY}) ?(?:-|–|to|and) ?({_DAY}) ({MONTH_PATTERN})(?: ({YEAR})\b)?"
)
_YEARS = late(rf"{_NO_NUMBER_BEFORE}({YEAR}) ?[-–/] ?({YEAR}|[0-9]{{2}})(?![\w-])")
_SEASON_OF_YEAR = late(rf"\b(?:(?i:the) )?({_SEASON})(?:,| of)? ({YEAR})\b")
_DECADE = late(r"(?:\b(?i:the) )?\b((?:1[5-9]|20)[0-9]0)[’']?s\b")
_ONE_YEAR = late(
    rf"(?:{_NO_NUMBER_BEFORE}|(?<=(?i:early-))|(?<=(?i:late-))|(?<=(?i:mid-))){YEAR}(?![\w%]|[.,/:-][0-9]|-[a-z])"
)
_ONE_MONTH = late(rf"\b{MONTH_PATTERN}")
_RELATIVE = late(RELATIVE)

_PART = late(
    r"\b(?:(?:early|late|mid)[ -](?:in )?|the (?:beginning|start|middle|end|close) of |"
    r"(?:the )?(?:first|second|third|fourth|last) (?:half|quarter) of |q[1-4] (?:of )?)$",
    re.IGNORECASE,
)
_THIRDS = {"early": 1, "beginning": 1, "start": 1, "mid": 2, "middle": 2, "late": 3, "end": 3, "close": 3}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "q1": 1, "q2": 2, "q3": 3, "q4": 4}

_PREPOSITION = (
    r"(?:in|since|during|until|till|through|throughout|by|of|from|before|after|between|for|around|as of|than)"
)
_DETERMINER = r"(?:the|an?|his|her|its|their|this|that)|\w+[’']s?"
_YEAR_CUE = late(
    rf"(?:^|\b{_PREPOSITION} (?:the )?(?:year )?|\b(?:{_DETERMINER}) |\byear |\bof the |, )$", re.IGNORECASE
)
_COUNTED = late(
    r" (?:people|persons|men|women|children|members|workers|soldiers|troops|jobs|ships|boats|vessels|cases|deaths|"
    r"homes|cars|pages|words|times|hours|minutes|days|weeks|months|years|metres|meters|feet|miles|km|kg|kilo\w*|tons|"
    r"tonnes|barrels|containers|dollars|euros|pounds|roubles|rubles|yuan|countries|percent|per cent)\b",
    re.IGNORECASE,
)
"""Nouns whose number stands before them."""

_NAMED_BY_YEAR = late(r" (?:[A-Z]\w+ )*(?:Act|Treaty|Agreement|Convention|Constitution|Code|Regulation|Directive)\b")
_ARTICLES_AFTER = late(r" (?:articles|coverage|reporting)\b")

_MAY_BE_NAME = late(r"may|mar|march|april|june|august|jan|sep|dec", re.IGNORECASE)
"""Months that are also a verb, a noun, an adjective or the name of a person."""

_STRONG_CUE = late(
    r"\b(?:in|during|since|until|till|last|throughout|early|late|mid|(?:beginning|start|middle|end) of)[ -]$",
    re.IGNORECASE,
)
_WEAK_CUE = late(r"\b(?:by|before|after|following|of|from|to|through|and|or|between|this)[ ]$", re.IGNORECASE)
_DETERMINED = late(rf"\b(?:{_DETERMINER}) $", re.IGNORECASE)
_ENDS = late(r"\s*(?:$|[?.,;:!)]|(?:in|at|to|until|and|or|of)\b)")
_NOUN = late(
    r" (?!(?:on|of|for|against|through|in|to|by|at|from|and|or|is|was|were|are|has|have|had|did|does|do|will|would|"
    r"can|could|said|says|government|cabinet|ministry|administration|premiership)\b)[A-Za-z]"
)
_COLOUR = late(r"\b(?:black|red|bloody|golden)[ ]$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of time, the characters `[start, end)` of a question, and what it means by itself."""

    start: int
    end: int
    meaning: Period | YearlyPeriod


def find_expressions(question: str, as_of: date | None = None) -> list[Expression]:
    """The expressions of time in a question, in order and without overlap.

    Those that count from the day of asking are found only with `as_of`. Blanks are expected to be single spaces.
    """
    found: list[Expression] = []
    finders: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Period | YearlyPeriod | None]], ...] = (
        (_DAYS, _days),
        (_YEARS, _years),
        (_DATE, _date),
        (_SEASON_OF_YEAR, _season),
        (_DECADE, lambda match: _whole_years(int(match[1]), int(match[1]) + 9)),
        (_RELATIVE, lambda match: None if as_of is None else relative_period(match[0], as_of)),
        (_ONE_MONTH, lambda match: _month(match) if _means_month(match) else None),
    )
    for pattern, read in finders:
        for match in pattern.finditer(question):
            if not _overlaps(match.start(), match.end(), found) and (meaning := read(match)) is not None:
                found.append(Expression(match.start(), match.end(), meaning))
    for match in _ONE_YEAR.finditer(question):
        if not _overlaps(match.start(), match.end(), found) and _means_year(match, found):
            found.append(Expression(match.start(), match.end(), _whole_years(int(match[0]), int(match[0]))))
    return [_with_part(question, one) for one in sorted(found, key=lambda one: one.start)]


def _overlaps(start: int, end: int, found: list[Expression]) -> bool:
    return any(start < one.end and one.start < end for one in found)


def _days(match: re.Match[str]) -> Period | None:
    month, first, last, year = match.groups()[:4] if match[1] else (match[7], match[5], match[6], match[8])
    if year is None:
        return None
    days = [date_interval(parse_date(f"{day} {month} {year}")) for day in (first, last)]
    if days[0] is None or days[1] is None or days[0] > days[1]:
        return None
    return Period(days[0][0], days[1][0])


def _years(match: re.Match[str]) -> Period | None:
    first, last = int(match[1]), int(match[2])
    if len(match[2]) == 2:
        last += first // 100 * 100
    return _whole_years(first, last) if first < last else None


def _whole_years(first: int, last: int) -> Period:
    return Period(date(first, 1, 1), date(last, 12, 31))


def _date(match: re.Match[str]) -> Period | YearlyPeriod | None:
    stated = parse_date(re.sub(r"\bof ", "", match[0]))
    if stated is None:
        return None
    if not stated.startswith("--"):
        days = date_interval(stated)
        return None if days is None else Period(*days)
    before, after = match.string[: match.start()], match.string[match.end() :]
    verb = re.search(r"\b(?:may|march|mar)\b", match[0]) is not None or not before.strip()
    if _COUNTED.match(after) or (verb and not re.search(r"\b(?:on|since|by|until|before|after|of|from|the) $", before)):
        return None
    return YearlyPeriod(int(stated[2:4]), int(stated[2:4]), int(stated[5:7]))


def _season(match: re.Match[str]) -> Period:
    return YearlyPeriod(*SEASONS[match[1].lower()]).without_relation(int(match[2]))


def _month(match: re.Match[str]) -> YearlyPeriod:
    number = month_number(match[0])
    return YearlyPeriod(number, number)


def _means_month(match: re.Match[str]) -> bool:
    """Whether a month's name alone means the month: by the words around it, for "May" and the like strictly."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    word = match[0].rstrip(".")
    capital = word[0].isupper()
    determined = _DETERMINED.search(before) is not None and _NOUN.match(after) is not None
    if _STRONG_CUE.search(before):
        return True
    if _MAY_BE_NAME.fullmatch(word):
        weak = _WEAK_CUE.search(before) is not None and _ENDS.match(after) is not None
        return capital and (weak or determined)
    if word.lower() not in MONTHS:
        return capital and (_WEAK_CUE.search(before) is not None or determined)
    proper = re.match(r" [A-Z]", after) is not None
    return _COLOUR.search(before) is None and (not proper or determined or _WEAK_CUE.search(before) is not None)


def _means_year(match: re.Match[str], found: list[Expression]) -> bool:
    """Whether a number is a year: by a preposition or determiner before it, and no counted noun after it."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    if _COUNTED.match(after) or _NAMED_BY_YEAR.match(after):
        return False
    if _ARTICLES_AFTER.match(after) or _YEAR_CUE.search(before) or _PART.search(before):
        return True
    connector = re.search(r" (?:and|or|to|until|till|through)(?: in)? $", before)
    return connector is not None and any(one.end == connector.start() for one in found)


def _with_part(question: str, expression: Expression) -> Expression:
    """With "early", "the second half of" and the like before it."""
    part = _PART.search(question[: expression.start])
    if part is None or not isinstance(expression.meaning, Period):
        return expression
    words = re.findall(r"\w+", part[0].lower())
    meaning = expression.meaning
    if third := next((_THIRDS[word] for word in words if word in _THIRDS), None):
        meaning = part_of(meaning, third - 1, third, 3)
    else:
        parts = 2 if "half" in words else 4
        number = parts if "last" in words else next(_ORDINALS[word] for word in words if word in _ORDINALS)
        if number <= parts:
            meaning = part_of(meaning, number - 1, number, parts)
    return Expression(part.start(), expression.end, meaning)
