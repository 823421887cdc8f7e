"""Expressions of time with the words around them: "after the December vote", "from March to May 2018", "reports of"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from index.patterns import late
from rag.periods import Period, Relation, YearlyPeriod, around_event, shifted
from rag.time_expressions import Expression

_RANGE_BEGINS = late(r"\b(?:from|between) (?:the )?$", re.IGNORECASE)
_RANGE = late(r",? ?(?:to|until|till|through|–|—|-) ?(?:in |the )*$", re.IGNORECASE)
_LIST = late(r"(?:,|,? (?:and|or)) (?:in |the )*$", re.IGNORECASE)

_RELATION = late(
    r"\b(?P<word>since|after|following|before|prior to|ahead of|until|till|up to|as of|by|through)"
    r"(?P<event>(?: (?!(?:since|after|following|before|until|till)\b)[\w’'-]+){0,6}) $",
    re.IGNORECASE,
)
"""A word that says on which side, and the event, if one is named ("after the vote in December")."""

_EMPTY_EVENT = late(r"(?: (?:the|year|early|late|mid|in))*", re.IGNORECASE)
_FROM_ON = late(r"\bfrom (?:the )?$", re.IGNORECASE)
_ONWARDS = late(r",? on(?:wards?)?\b(?! \w+day)")
_NOUN_AFTER = late(r" (?!(?:in|on|at|of|for|to|and|or|by|did|was|were|is|are|has|have|had|does|do|who|what)\b)\w")
_EVENT_WORDS = {"since", "after", "following", "before", "prior to", "ahead of"}
_AFTER_WORDS = {"since", "after", "following"}

_ARTICLES = (
    r"(?:articles?|stories|reports|reporting|coverage|dispatches|bulletins|news (?:reports?|stories|items|articles?)|"
    r"newspapers|according to (?:an? |the )?reports?)"
)
_PUBLISHED = r"(?:published|printed|written|dated|posted|appear(?:ed|ing))"
_LIMITS = late(
    rf"\b(?:{_ARTICLES} (?:that (?:are|were) )?(?:from|in|dated|during|between|since|before|after|until)|"
    rf"(?:{_ARTICLES}|what (?:was|were|has been)) (?:[\w’'-]+ ){{0,8}}?{_PUBLISHED}"
    r"(?: (?:in|on|from|between|since|before|after|during|until|by))?) $",
    re.IGNORECASE,
)
"""Words before an expression by which it limits the articles to those published then."""

_LIMITS_AFTER = late(r" (?:articles|coverage|reporting)\b")


@dataclass(frozen=True, slots=True)
class Named:
    """A period as a question means it. `limits_articles` is true if the articles are to be published in it."""

    meaning: Period | YearlyPeriod
    limits_articles: bool


def combine(question: str, expressions: Sequence[Expression], as_of: date | None) -> list[Named]:
    """What the expressions mean with the words around them, in order.

    Two that make a range become one. A month takes the year of the one it is listed with, else the last year that fits
    until `as_of`; without either it stays without a year.
    """
    named = []
    for one in _with_years(question, _ranges(question, expressions), as_of):
        before, after = question[: one.start], question[one.end :]
        limits = _LIMITS.search(before) is not None or _LIMITS_AFTER.match(after) is not None
        named.append(Named(_related(one.meaning, before, after), limits))
    return named


def _ranges(question: str, expressions: Sequence[Expression]) -> list[Expression]:
    joined: list[Expression] = []
    for one in expressions:
        if joined:
            gap = question[joined[-1].end : one.start]
            begins = _RANGE_BEGINS.search(question[: joined[-1].start])
            if _RANGE.fullmatch(gap) or (begins is not None and re.fullmatch(r" and (?:in |the )*", gap)):
                meaning = _between(joined[-1].meaning, one.meaning)
                if meaning is not None:
                    start = begins.end() if begins is not None else joined[-1].start
                    joined[-1] = Expression(start, one.end, meaning)
                    continue
        joined.append(one)
    return joined


def _between(first: Period | YearlyPeriod, last: Period | YearlyPeriod) -> Period | YearlyPeriod | None:
    """From the one to the other; `None` if the one is not before the other."""
    if isinstance(first, YearlyPeriod) and isinstance(last, YearlyPeriod):
        return YearlyPeriod(first.first_month, last.last_month) if first.day is None and last.day is None else None
    if isinstance(first, YearlyPeriod) and isinstance(last, Period):
        first = first.last_until(last.end)
    elif isinstance(first, Period) and isinstance(last, YearlyPeriod):
        same_year = last.without_relation(first.start.year)
        last = same_year if same_year.end >= first.start else last.without_relation(first.start.year + 1)
    if isinstance(first, YearlyPeriod) or isinstance(last, YearlyPeriod) or first.start > last.end:
        return None
    return Period(first.start, last.end)


def _with_years(question: str, expressions: list[Expression], as_of: date | None) -> list[Expression]:
    dated: list[Expression] = []
    following: Expression | None = None
    for one in reversed(expressions):
        meaning = one.meaning
        if isinstance(meaning, YearlyPeriod):
            listed = following is not None and _LIST.fullmatch(question[one.end : following.start]) is not None
            if listed and following is not None and isinstance(following.meaning, Period):
                meaning = meaning.without_relation(following.meaning.start.year)
            elif as_of is not None:
                meaning = meaning.last_until(as_of)
        following = replace(one, meaning=meaning)
        dated.append(following)
    return dated[::-1]


def _related(meaning: Period | YearlyPeriod, before: str, after: str) -> Period | YearlyPeriod:
    """With "since", "after the vote in" and the like before it."""
    if _FROM_ON.search(before) and _ONWARDS.match(after):
        word, event = "since", False
    elif relation := _RELATION.search(before):
        word = relation["word"].lower()
        event = _EMPTY_EVENT.fullmatch(relation["event"]) is None or (
            relation["event"].lower().endswith(" the") and _NOUN_AFTER.match(after) is not None
        )
        if event and word not in _EVENT_WORDS:
            return meaning
    else:
        return meaning
    direction: Relation = "after" if word in _AFTER_WORDS else "before"
    if isinstance(meaning, YearlyPeriod):
        return replace(meaning, relation=direction)
    if word == "since":
        return Period(meaning.first, None)
    if event:
        return around_event(meaning, direction)
    if direction == "after":
        return Period(shifted(meaning.end, timedelta(days=1)), None)
    if word in _EVENT_WORDS:
        return Period(None, shifted(meaning.start, timedelta(days=-1)))
    return Period(None, meaning.last)
