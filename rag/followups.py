"""A follow-up becomes a question that stands alone, by rules that leave a complete question as it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.analysis import analyse_question, find_names
from rag.names import unify
from rag.people import AUXILIARIES, gender_in, people_in, people_told_of, subject_of
from rag.types import MAX_QUESTION_CHARACTERS, Turn

COMPLETE_TERMS = 3
"""Content terms from which on a question counts as complete even if it names nobody, or begins with "And"."""

CERTAIN_TERMS = 5
"""Content terms from which on it is complete even with "the vote" or "the minister" in it."""

MAX_TURNS = 10
"""Most turns of a conversation that are looked at, the last ones: what was said long before is seldom meant."""

MAX_ANSWER_CHARACTERS = 10_000
"""Of an earlier answer, the part that is looked at; the longest that are made have about 3,000."""

_PERSON = re.compile(r"\b(?:he|she|him|his|her|hers)\b", re.IGNORECASE)
_FEMALE = re.compile(r"\b(?:she|hers?)\b", re.IGNORECASE)
_FUNCTION_WORD = (
    r"(?:to|about|in|on|at|for|that|with|when|and|or|if|before|after|from|of|by|as|not|because|why|how|what|who|the|a|"
    r"an|during|than|into|over|since|there|then|too|again|so|but|while|later|first)\b"
)
_OBJECT = re.compile(rf"\b(?:him|her(?=\s*(?:[^\w\s]|$)|\s+{_FUNCTION_WORD}))\b", re.IGNORECASE)
_NEUTER = re.compile(r"\b(?:it|its|they|them|their|theirs)\b", re.IGNORECASE)

_SPEECH = r"(?:sa(?:y|ys|id)|tells?|told|think|thinks|thought|claim\w*|warn\w*|argue\w*|insist\w*|believe\w*|hope\w*)"
_THINGS = (
    r"(?:resolution|vote|statement|meeting|proposal|draft|speech|interview|article|report|decision|agreement|plan|"
    r"test|launch|measure|sanction|visit|trip|attack|event|claim|case)s?"
)
_EMPTY = re.compile(
    rf"\b(?:{_SPEECH}|stress\w*|suggest\w*|state[sd]?|fact|true|possible|likely|clear|sure|so|confirm\w*) that\b"
    r"(?!\s*(?:[^\w\s]|$)|\s+(?:about|to)\b)|"
    r"\b(?:is|was|be|are|were|been) there\b(?!\s*[?.!]*\s*$)|"
    r"\bthere (?:is|are|was|were|has|have|had|will|would|can|could|should|must|may|might|be)\b|"
    r"\b(?:this|that) (?:is|was) the\b|\bwhat is it that\b|"
    r"\b(?:is|was|be|does|did|would|will|make|makes|made|take|takes|took) it (?:\w+ly )?(?:true|possible|likely|clear|"
    r"legal|necessary|important|hard|harder|easy|easier|difficult|take|takes|mean)\b|"
    r"\b(?:this|these) (?:days?|week|month|year|century|morning|spring|summer|autumn|winter)\b",
    re.IGNORECASE,
)
"""Uses of "that", "there", "it" and "this" that introduce a clause, stand for nothing, or mean the present."""

_POINTS_BACK = re.compile(
    r"\b(?:this|these)\b|"
    r"\bthose\b(?! (?:who|whose|of|that|which|in|with|from|on|at|people|countries)\b)|"
    r"(?:^|\b(?:about|after|before|of|for|from|to|with|by|on|in|at|than|like|since|despite|against|is|was|were|are|"
    r"does|did|do|why|how|during|over|into)) that\b|\bthat\s*(?:[?.!,;]|$)|\bsa(?:y|id) that (?:about|to)\b|"
    rf"\bthat {_THINGS}\b|"
    r"\bthere\b(?=\s*(?:[?.!,;]|$)|\s+(?:in|on|at|after|before|and|that|with|to|for|by|during|when|then)\b)|"
    r"\b(?:since|until|till|by|before) then\b|\bthen\s*[?.!]*$|"
    r"\b(?:do|does|did|doing|done|think|say|said) so\b|"
    r"\b(?:which|the|that|this|another|last|first|next|other) ones?\b(?! (?:of|who|that|to)\b)|"
    r"\bsuch\b(?! (?:as|a|an)\b)|\bthe (?:former|latter)\b|\bthe same\s*(?:[?.!,;]|$)|"
    r"\btheir (?:\w+ )?(?:colleague|counterpart)s?\b",
    re.IGNORECASE,
)
"""Words that mean something said before, whatever else the question names."""

_MAY_POINT_BACK = re.compile(
    rf"\bthe (?:same|other|others|first|second|last|{_THINGS}|minister|spokes\w+|ambassador|envoy|diplomat|president|"
    r"ministry)\b|\b(?:else|again|instead|either|too)\b",
    re.IGNORECASE,
)
"""Words that mean something said before if the question names nothing."""

_BEGINS_AS_FOLLOW_UP = re.compile(r"^\s*(?:and|but|or|so(?! far| many| much)|also|then)\b", re.IGNORECASE)
_ASKS_ABOUT_ANOTHER = re.compile(r"^\s*(?:(?:and|but|so),? )?(?:what|how) about\b|^\s*why(?: not)?\s*\?", re.IGNORECASE)
_OWN_SUBJECT = re.compile(
    rf"^\s*(?:(?:which|what|how many) (?!of\b|did\b|do\b|does\b|is\b|was\b|were\b|are\b|has\b|have\b)\w+|who) "
    rf"(?:\w+ ){{0,2}}?{_SPEECH} (?:that )?(?:they|it)\b",
    re.IGNORECASE,
)
"""A question whose "they" is whom it asks for: "Which countries said they would leave?"."""

_ITS_SUBJECT = re.compile(
    rf"^\s*(?:(?:and|but|so|or|then),? )?(?:(?:which|what|whose|who|whom|how|when|where|why)\b[^,;.?!]*?\s)??"
    rf"(?:{AUXILIARIES}) (?:it|they)\b",
    re.IGNORECASE,
)
"""A question whose first subject is "it" or "they", which is nothing that it names: "Which ships did it ban?"."""

_ROLE_BEFORE = re.compile(r"\b(?:the|a|an|which|what) (?:[\w-]+ ){0,3}?(?:man|woman|person|who)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question that can be understood alone. `changed` is true if it is not the question as it was asked.

    `core` is what is asked, `topic` the earlier question that it refers to, empty if it refers to none; `text` is both.
    """

    text: str
    changed: bool
    core: str
    topic: str = ""


def make_standalone(question: str, history: Sequence[Turn]) -> Standalone:
    """The question with what it takes from the conversation put in.

    "He" and "she" become the person that the last turns are about. Whatever else refers back ("it", "that", "And
    China?") is given the question it refers to in brackets. A question that refers to nothing is returned unchanged,
    as is every question without history.
    """
    if not history:
        return Standalone(question, False, question)
    history = [_bounded(turn) for turn in history[-MAX_TURNS:]]
    core, topic = question, ""
    has_pronoun = _needs_person(question)
    person = _person_of(question, history) if has_pronoun else None
    if person is not None:
        core = _put_in(question, person)
    if (has_pronoun and person is None) or _needs_topic(question, has_pronoun=person is not None):
        topic = _topic(history)
    text = f"{core} ({topic})" if topic else core
    return Standalone(text, text != question, core, topic)


def _bounded(turn: Turn) -> Turn:
    """The beginning of a turn's texts, with `?` for halves of surrogate pairs, which no search takes."""
    question, answer = turn.question.strip()[:MAX_QUESTION_CHARACTERS], turn.answer[:MAX_ANSWER_CHARACTERS]
    return Turn(question.encode(errors="replace").decode(), answer.encode(errors="replace").decode())


def _needs_person(question: str) -> bool:
    """True if a "he" or "she" of the question is nobody that the question names before it."""
    pronoun = _PERSON.search(question)
    if pronoun is None:
        return False
    before = question[: pronoun.start()]
    named = people_in(before)
    if len(named) == 1 and _OBJECT.match(question, pronoun.start()) is not None:
        # "What did Haley say about him?" is not about Haley.
        return not re.search(r"\b(?:that|whether|if|who)\b", before[before.rfind(named[0]) :])
    return not named and _ROLE_BEFORE.search(before) is None


def _needs_topic(question: str, *, has_pronoun: bool) -> bool:
    """True if the question cannot be understood without an earlier one; a pronoun counts as a name."""
    text = _EMPTY.sub(" ", question)
    profile = analyse_question(question)
    names = len(profile.names) + has_pronoun
    if any(pattern.search(text) for pattern in (_POINTS_BACK, _ASKS_ABOUT_ANOTHER, _ITS_SUBJECT)):
        return True
    neuter = _NEUTER.search(text)
    if neuter is not None and _OWN_SUBJECT.search(question) is None and not _names_thing(text, neuter):
        return True
    if len(profile.terms) < COMPLETE_TERMS and (names == 0 or _BEGINS_AS_FOLLOW_UP.search(text)):
        return True
    return names == 0 and len(profile.terms) < CERTAIN_TERMS and _MAY_POINT_BACK.search(text) is not None


def _names_thing(text: str, pronoun: re.Match[str]) -> bool:
    """True if what "it" or "they" can mean stands before it: a name of no person, several people, or two terms."""
    before = text[: pronoun.start()]
    people = people_in(before)
    profile = analyse_question(before)
    of_people = set(unify(" ".join(people)))
    plural = pronoun.group().lower().startswith("the")
    return (
        any(not set(unify(name)) & of_people for name in profile.names)
        or (plural and len(people) > 1)
        or sum(term not in of_people for term in profile.terms) >= 2
    )


def _person_of(question: str, history: Sequence[Turn]) -> str | None:
    """The person whom the pronoun of a question means; `None` if the conversation names nobody that fits.

    The last turn counts first; in it the subject of the question, the other people of the question, then the people of
    the answer. A question that itself has only a pronoun is passed over, since an earlier one names its person.
    """
    pronoun = _PERSON.search(question)
    female = pronoun is not None and _FEMALE.fullmatch(pronoun.group()) is not None
    texts = [part for turn in history for part in (turn.question, turn.answer)]
    own = " ".join(find_names(question))
    asked: list[str] = []
    answered: list[str] = []
    for turn in reversed(history):
        subject = subject_of(turn.question)
        named = ([subject] if subject else []) + list(reversed(people_in(turn.question)))
        asked += named
        found = people_told_of(turn.answer)
        if named or _PERSON.search(turn.question) is None:
            asked += found
        else:
            answered += found
    for name in (*asked, *answered):
        if name.split()[-1] not in own and gender_in(name, texts) in (None, "female" if female else "male"):
            return name
    return None


def _put_in(question: str, person: str) -> str:
    """Puts the person in for the first pronoun; later ones then refer to it."""
    pronoun = _PERSON.search(question)
    if pronoun is None:
        return question
    word = pronoun.group().lower()
    possessive = word in {"his", "hers"} or (word == "her" and _OBJECT.match(question, pronoun.start()) is None)
    return question[: pronoun.start()] + person + ("'s" if possessive else "") + question[pronoun.end() :]


def _topic(history: Sequence[Turn]) -> str:
    """The previous question; if that refers back itself, behind the last one before it that does not."""
    questions = [turn.question for turn in history]
    roots = [q for q in questions if not _needs_person(q) and not _needs_topic(q, has_pronoun=False)]
    if not roots or roots[-1] == questions[-1]:
        return questions[-1]
    return f"{roots[-1]} {questions[-1]}"
