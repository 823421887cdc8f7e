"""The people that a text names, as far as the way they are written shows it."""

import re
from collections.abc import Iterable
from typing import Literal

from index.datelines import AGENCIES
from index.sentences import SPEECH_VERBS
from rag.analysis import find_names
from rag.names import unify

_THINGS = frozenset(
    (
        "peninsula sea ocean gulf bay river lake island islands strait mountain council ministry agency nations union "
        "party university school college institute street road square park house court bank city town district county "
        "province state states region office department committee commission congress senate parliament assembly "
        "summit treaty act agreement accord force forces army navy police guard news times post journal company inc "
        "ltd corp group team club association organisation organization foundation airport port harbour harbor "
        "station hospital church museum hall cup games league award prize festival embassy government administration "
        "twitter facebook google europe asia africa antarctica arctic atlantic pacific korea christmas easter world "
        "war north south east west northern southern eastern western security foreign resolution project programme "
        "program study report internet covid monday tuesday wednesday thursday friday saturday sunday january "
        "february march april may june july august september october november december english european asian "
        "african christian muslim jewish republican republicans democrat democrats yesterday today tomorrow"
    ).split()
)
"""Last or only words of names that are no people."""

_ROLES = frozenset(
    (
        "president vice prime minister foreign secretary general chancellor senator governor mayor ambassador envoy "
        "deputy mr mrs ms dr sir lord lady captain colonel judge professor king queen prince princess pope director "
        "chief leader chairman chairwoman spokesman spokeswoman spokesperson spokespeople defence defense finance "
        "interior chair ceo representative commissioner permanent former acting us un uk eu state navy army"
    ).split()
)
"""Words of offices in front of a name."""

AUXILIARIES = "did|does|do|has|have|had|was|were|is|are|would|will|could|can|should"
"""Verbs that stand before the subject of a question, as alternatives of a regular expression."""

ROLE_WORDS = (
    r"(?:president|premier|minister|secretary|chancellor|senator|governor|mayor|ambassador|envoy|deputy|diplomat|"
    r"captain|judge|director|chief|head|leader|chair|chairman|chairwoman|spokes\w+|representative|commissioner|official)"
)
"""Offices that stand for a person, as alternatives of a regular expression."""

PHRASE_CHARACTERS = 40
"""Characters before a name in which a phrase such as "the spokeswoman of" ends; the longest office has 14."""

_BEFORE_PLACE = re.compile(
    r"(?:\b(?:in|at|near|outside|around|across)|"
    rf"\b(?:{ROLE_WORDS}|town|city|village|port|island|district|people) of) $",
    re.I,
)
"""What stands before the name of a place, and of a person only in front of what is theirs: "in Trump's speech"."""

_OFFICE = rf"(?:the )?(?:(?:[A-Z][\w.-]*(?:[’']s)?|(?i:{'|'.join(sorted(_ROLES))})) ){{0,6}}"
_SPEAKS = rf"(?:[a-z]+ ){{0,3}}?(?:{SPEECH_VERBS}|saying)\b"
_MALE = re.compile(
    r"\b(?:he|him|his|himself|mr|sir|lord|king|prince|spokesman|chairman|businessman|father|son)\b", re.I
)
_FEMALE = re.compile(
    r"\b(?:she|her|hers|herself|mrs|ms|lady|queen|princess|spokeswoman|chairwoman|businesswoman|mother|daughter)\b",
    re.I,
)
_SENTENCE_END = re.compile(r"(?<=[.!?\"”])\s+|\n+")


def people_in(text: str) -> tuple[str, ...]:
    """Names in a text that may be a person's, each once, in order, without offices and countries in front of them.

    One word at the beginning of a sentence is a name only if it speaks, owns something or is written so elsewhere in
    the text. What only stands where a place does ("in Tarrow", "the mayor of Tarrow") is none.
    """
    people = dict.fromkeys(person for name in find_names(text) if (person := _person(name)) is not None)
    return tuple(
        person
        for person in people
        if _speaks(person, text) or (not _is_place(person, text) and _is_written_as_name(person, text))
    )


def people_told_of(text: str) -> tuple[str, ...]:
    """As `people_in`, but of names of one word only those that speak: the surer choice for the words of an article,
    in which anything may be written with a capital letter."""
    return tuple(person for person in people_in(text) if " " in person or _speaks(person, text))


def subject_of(question: str) -> str | None:
    """The person whose deeds or words a question asks for: "What did Haley tell Lavrov?" → Haley."""
    for person in people_in(question):
        name = re.escape(person)
        if re.search(rf"\b(?i:{AUXILIARIES}) {_OFFICE}{name}\b(?![’'])|{name} {_SPEAKS}", question):
            return person
    return None


def gender_in(name: str, texts: Iterable[str]) -> Literal["female", "male"] | None:
    """What the sentences that hold a person's last name show: `None` if they show nothing or both."""
    surname = name.split()[-1]
    male = female = False
    for text in texts:
        for sentence in _SENTENCE_END.split(text):
            if surname in sentence and len(people_in(sentence)) == 1:
                male = male or _MALE.search(sentence) is not None
                female = female or _FEMALE.search(sentence) is not None
    if male == female:
        return None
    return "male" if male else "female"


def _person(name: str) -> str | None:
    """The name without offices and countries in front, `None` if it is a country's, an organisation's or a place's."""
    words = name.split()
    while words:
        if words[0].lower().rstrip(".") in _ROLES or _is_country(words[0]):
            words = words[1:]
        elif _is_country(" ".join(words[:2])):
            words = words[2:]
        else:
            break
    if not words or words[-1].lower() in _THINGS | AGENCIES or re.fullmatch(r"[A-Z]{2,}", words[-1]):
        return None
    return " ".join(words)


def _is_written_as_name(name: str, text: str) -> bool:
    """True if it has several words, or stands inside a sentence, or at its beginning with a possessive 's."""
    return " " in name or re.search(rf"[\w,;] {re.escape(name)}\b|\b{re.escape(name)}[’']s\b", text) is not None


def _is_place(name: str, text: str) -> bool:
    """True if the name stands in the text only where a place's does, and owns nothing."""
    found = list(re.finditer(rf"\b{re.escape(name)}(?P<owns>[’']s?)?(?![\w’'])", text))
    return bool(found) and all(
        match["owns"] is None
        and _BEFORE_PLACE.search(text[max(0, match.start() - PHRASE_CHARACTERS) : match.start()]) is not None
        for match in found
    )


def _is_country(name: str) -> bool:
    terms = unify(name)
    return bool(terms) and all(term.startswith("=") for term in terms)


def _speaks(name: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(name)} {_SPEAKS}", text) is not None
