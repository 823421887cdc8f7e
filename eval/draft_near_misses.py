"""Questions that look answerable and are not: one with a thing altered, or a person with somebody else's topic.

Systems are told apart by what they do with questions whose words stand in the collection and whose answer does not
(Rajpurkar et al., "Know What You Don't Know", ACL 2018, alter entities, numbers and negations in the same way).
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from eval.draft_checks import SEARCHED_PASSAGES, Checker, content_terms
from eval.draft_names import Names
from eval.draft_types import NEAR_MISS, Draft

_Item = TypeVar("_Item")

ATTEMPTS = 6
"""Other names or numbers that are tried for one question before it is given up."""

MIN_OTHER_TERMS = 2
"""Content terms beside the altered ones: "What did Ann Lee call for?" asks of too much to be unanswerable."""

_MONTH_NAMES = "January February March April May June July August September October November December".split()
_NUMBER = re.compile(r"(?<![\w.,:$£€–-])\d{2,6}(?![\w:.,%–-]\d|\w)")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_DAY = re.compile(
    r"\b(?P<month>(?:Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)\.|(?:January|February|March|April|May|June|July|August|"
    r"September|October|November|December)) (?P<day>\d{1,2})\b"
)

_OPPOSITES = {
    one: other
    for pair in (
        "approve/reject approved/rejected sign/revoke signed/revoked opened/closed accept/refuse accepted/refused "
        "expand/reduce expanded/reduced launch/cancel launched/cancelled sell/buy sold/bought win/lose won/lost "
        "supported/opposed vetoed/ratified appointed/dismissed awarded/refused suspend/extend suspended/extended "
        "dismissed/upheld intensify/ease intensified/eased resigned/apologised arrested/sentenced hired/dismissed "
        "halted/resumed founded/sold abolish/double "
    ).split()
    for one, other in [pair.split("/")]
}
"""Verbs, and what else might have happened: not always the opposite, but another event of the same grammar."""

_EVENT = re.compile(rf"\b(?:{'|'.join(_OPPOSITES)})\b(?! (?:for|on|up|out|off)\b)")
_LABEL = re.compile(r"^According to [^?]*?(?:article of [^,]+|”), ")
_GENDERED = re.compile(r"\b(?:his|her|he|she)\b")
_CHECK = "A person must check that the collection does not answer it."


def near_misses(base: Draft, names: Names, checker: Checker, rng: random.Random) -> Iterator[Draft]:
    """Unanswerable questions made of an answerable one, each with one thing altered that the collection does not hold.

    Nothing is yielded for which keyword search finds sentences with the altered words and half of the others
    (`Checker.may_answer`).
    """
    for kind, old, new in _alterations(base, names, rng):
        question = _replaced(base.question, old, new)
        if question is None or len(content_terms(_LABEL.sub("", question)) - content_terms(new)) < MIN_OTHER_TERMS:
            continue
        if checker.may_answer(_LABEL.sub("", question), new):
            continue
        note = (
            f"Altered: “{old}” became “{new}”. In the {SEARCHED_PASSAGES} passages nearest by keywords no three "
            f"sentences hold “{new}” and half of the question's other words. {_CHECK}"
        )
        yield replace(
            base,
            question=question,
            answers=(),
            evidence=(),
            answerable=False,
            type=NEAR_MISS,
            method=f"{NEAR_MISS}:{kind}",
            note=note,
        )


def topic_near_misses(names: Names, checker: Checker, rng: random.Random) -> Iterator[Draft]:
    """What did PERSON say about THING? Both are in the collection, but no article names both."""
    things = [thing for thing in names.things if len(thing.split()) > 1 or thing.isupper()]
    people = list(names.people)
    rng.shuffle(things)
    rng.shuffle(people)
    used: set[str] = set()
    for thing in things:
        for person in people:
            if person in used or names.people[person] & names.things[thing] or checker.together(thing, person):
                continue
            used.add(person)
            yield Draft(
                id="",
                question=f"What did {person} say about the {thing}?",
                answers=(),
                evidence=(),
                answerable=False,
                type=NEAR_MISS,
                method=f"{NEAR_MISS}:topic",
                sentence="",
                note=f"Put together: {person} speaks in the collection and the {thing} is named in it, but in none of "
                f"the {SEARCHED_PASSAGES} passages nearest by keywords does an article name both. {_CHECK}",
            )
            break


def is_alterable(question: str, names: Names) -> bool:
    """True if a question holds something that can be altered."""
    body = _LABEL.sub("", question)
    known = (*names.people, *names.countries, *names.things)
    return any(pattern.search(body) for pattern in (_DAY, _NUMBER, _EVENT)) or any(name in body for name in known)


def _alterations(base: Draft, names: Names, rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Kind, old and new words of what can be altered in a question; names first, which are the hardest to see."""
    body = _LABEL.sub("", base.question)
    for kind, known in (("name", names.people), ("place", names.countries), ("name", names.things)):
        old = next((name for name in known if _stands_in(name, body)), None)
        if old is not None and not (known is names.people and _GENDERED.search(body)):
            yield from ((kind, old, other) for other in _others(old, known, base, names, rng))
    for match in _EVENT.finditer(body):
        yield "event", match.group(), _OPPOSITES[match.group()]
    for match in _DAY.finditer(body):
        others = [name for name in _MONTH_NAMES if not name.startswith(match["month"][:3])]
        yield from (("date", match.group(), f"{other} {match['day']}") for other in _some(others, rng)[:2])
    days = {match.start("day") for match in _DAY.finditer(body)}
    for match in _NUMBER.finditer(body):
        value = int(match.group())
        if match.start() in days:
            continue
        if _YEAR.fullmatch(match.group()):
            yield from (("date", match.group(), str(value + step)) for step in _some([-3, -2, 2, 3], rng)[:2])
        else:
            yield from (("number", match.group(), str(other)) for other in _other_numbers(value, rng))


def _stands_in(name: str, body: str) -> bool:
    """True if a question holds the name, and not as a part of a longer one: `New Norway`."""
    found = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-]|[’']s| [A-Z])", body)
    before = body[: found.start()].split() if found is not None else []
    return found is not None and not (len(before) > 1 and before[-1][:1].isupper())


def _other_numbers(value: int, rng: random.Random) -> list[int]:
    """Numbers that are as round and of the same size, and far enough away to be no slip of the pen."""
    unit = 10 ** (len(str(value)) - len(str(value).rstrip("0")))
    return [max(round(value * factor / unit), 1) * unit for factor in _some([0.6, 1.5, 1.7, 2.5], rng)[:2]]


def _others(old: str, known: Mapping[str, frozenset[str]], base: Draft, names: Names, rng: random.Random) -> list[str]:
    """Names of the same kind that no article has in common with the old one; of things, with the same last word."""
    if known is names.countries:
        return _some([name for name in known if name not in base.sentence and name not in base.question], rng)
    surname = old.split()[-1]
    others = [
        name
        for name, articles in known.items()
        if not articles & known[old] and name not in base.question and not set(name.split()) & {surname}
    ]
    if " " in old and old not in base.question.split():
        alike = [name for name in known if name != old and name.split()[-1] == surname and not known[name] & known[old]]
        is_thing = f"the {old}" in base.question
        others = alike if is_thing else others
    return _some(others, rng)


def _some(items: Sequence[_Item], rng: random.Random) -> list[_Item]:
    return rng.sample(list(items), min(ATTEMPTS, len(items)))


def _replaced(question: str, old: str, new: str) -> str | None:
    """The question with the new words, outside the name of the article; `None` if the old ones are not in it."""
    label = _LABEL.match(question)
    start = 0 if label is None else label.end()
    body = re.sub(rf"(?<![\w-]){re.escape(old)}(?![\w-])", lambda _: new, question[start:])
    return None if body == question[start:] else question[:start] + body
