"""A follow-up becomes a question that stands alone, by rules that leave a complete question as it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.analysis import analyse_question
from rag.names import unify
from rag.types import Turn

_PERSON = re.compile(r"\b(he|she|him|his|her|hers|himself|herself)\b", re.IGNORECASE)
_THING = re.compile(r"\b(it|its|they|them|their|theirs|this|that|these|those|there|then|one|ones|so)\b", re.IGNORECASE)
_ELLIPSIS = re.compile(
    r"^\s*(?:and|but|or|so|what about|how about|also|why(?: not)?\s*\?|when\s*\?|where\s*\?|who\s*\?)\b", re.IGNORECASE
)
_REFERS_BACK = re.compile(
    r"\b(?:the (?:same|other|former|latter|first|second|resolution|vote|statement|meeting|proposal|draft|speech|"
    r"minister|spokes\w+|ambassador|envoy|diplomat|president|ministry|test|launch|measure|measures))\b|\b(?:else|"
    r"again|instead|too|either|his|her|their) (?:\w+ )?(?:colleague|counterpart)\b",
    re.IGNORECASE,
)
# "that" and "it" that introduce a clause or stand for nothing refer to nothing earlier.
_EMPTY_THING = re.compile(
    r"\b(?:(?:say|says|said|claim\w*|warn\w*|state[sd]?|stress\w*|believe[sd]?|think|thought|insist\w*|argue[sd]?|"
    r"suggest\w*|fact|so) that|that (?:the|a|an|[A-Z]\w+)|is it (?:true|possible)|one of|(?:this|that) (?:week|month|"
    r"year|day|time)|so (?:far|many|much)|there (?:is|are|was|were)|(?:is|are|was|were) there (?:any|a|an)|"
    r"those (?:who|of|that)|their own|(?:number|which|no|any|this|that) one|then[- ]\w+)\b",
)
_ROLE_NAME = re.compile(r"\b(?:[A-Z][\w’'-]+ ){1,4}[A-Z][\w’'-]+\b|\b[A-Z][\w’'-]+\b")

COMPLETE_TERMS = 4
"""Content terms from which on a question without a pronoun counts as complete even if it names nobody."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question that can be understood alone. `changed` is true if it is not the question as it was asked."""

    text: str
    changed: bool


def make_standalone(question: str, history: Sequence[Turn]) -> Standalone:
    """The question with what it takes from the conversation put in.

    "He" and "she" become the person that the last turns are about, if exactly one is the likeliest. Whatever else
    refers back ("it", "that", "And China?") is given the previous question in brackets. A question that refers to
    nothing is returned unchanged, as is every question without history.
    """
    if not history or not _refers_back(question):
        return Standalone(question, False)
    previous = history[-1]
    text = question
    person = _person_of(history) if _PERSON.search(question) else None
    if person is not None:
        text = _replace_pronouns(text, person)
    still_open = person is None or _THING.search(_EMPTY_THING.sub(" ", text)) is not None or _is_short(text)
    if still_open or _REFERS_BACK.search(text) or _ELLIPSIS.match(text):
        text = f"{text} ({_topic(previous, history)})"
    return Standalone(text, text != question)


def _refers_back(question: str) -> bool:
    without_empty = _EMPTY_THING.sub(" ", question)
    if _PERSON.search(question) and not _names_a_person_first(question):
        return True
    if _THING.search(without_empty) and not _antecedent_inside(question):
        return True
    if _ELLIPSIS.match(question):
        return True
    return _is_short(question) or (_REFERS_BACK.search(question) is not None and not analyse_question(question).names)


def _names_a_person_first(question: str) -> bool:
    """True if a name stands before the pronoun, which then most likely means that name."""
    pronoun = _PERSON.search(question)
    return pronoun is not None and bool(analyse_question(question[: pronoun.start()]).names)


def _antecedent_inside(question: str) -> bool:
    """True if enough content stands before "it", "they" or "that" for it to mean something in the question itself."""
    thing = _THING.search(_EMPTY_THING.sub(" ", question))
    return thing is not None and len(analyse_question(question[: thing.start()]).terms) >= 2


def _is_short(question: str) -> bool:
    profile = analyse_question(question)
    return not profile.names and len(profile.terms) < COMPLETE_TERMS - 1


def _person_of(history: Sequence[Turn]) -> str | None:
    """The person that the last turn is about: the last name in its question, else the first in its answer."""
    for turn in reversed(history):
        for text, choose_last in ((turn.question, True), (turn.answer, False)):
            names = [name for name in analyse_question(text).names if _may_be_person(name)]
            if names:
                return _without_possessive(names[-1] if choose_last else names[0])
    return None


def _may_be_person(name: str) -> bool:
    terms = unify(_without_possessive(name))
    return bool(terms) and not all(term.startswith("=") for term in terms) and not name.isupper()


def _without_possessive(name: str) -> str:
    return re.sub(r"[’']s?$", "", name)


def _replace_pronouns(text: str, person: str) -> str:
    """Puts the person in for the first pronoun; later ones then refer to it."""
    pronoun = _PERSON.search(text)
    if pronoun is None:
        return text
    word = pronoun.group().lower()
    possessive = word in {"his", "hers"} or (word == "her" and re.match(r"\s+[a-z]", text[pronoun.end() :]) is not None)
    return text[: pronoun.start()] + person + ("'s" if possessive else "") + text[pronoun.end() :]


def _topic(previous: Turn, history: Sequence[Turn]) -> str:
    """The previous question, with the one before it if that itself refers back."""
    question = previous.question.strip()
    if len(history) > 1 and _refers_back(question):
        return f"{history[-2].question.strip()} {question}"
    return question
