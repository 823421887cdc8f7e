"""Whether a question refers to something said before it, by the words that do so."""

import re

from index.patterns import late
from index.sentences import split_sentences
from rag.analysis import QuestionProfile, analyse_question
from rag.names import unify
from rag.people import AUXILIARIES, ROLE_WORDS, people_in, subject_of

COMPLETE_TERMS = 3
"""Content terms from which on a question counts as complete even if it names nobody, or begins with "And"."""

CERTAIN_TERMS = 5
"""Content terms from which on it is complete even with "the vote" or "the minister" in it."""

PERSON = late(r"\b(?:he|she|him|his|her|hers)\b", re.IGNORECASE)
FEMALE = late(r"\b(?:she|hers?)\b", re.IGNORECASE)
_FUNCTION_WORD = (
    r"(?:to|about|in|on|at|for|that|with|when|and|or|if|before|after|from|of|by|as|not|because|why|how|what|who|the|a|"
    r"an|during|than|into|over|since|there|then|too|again|so|but|while)\b"
)
OBJECT = late(rf"\b(?:him|her(?=\s*(?:[^\w\s]|$)|\s+{_FUNCTION_WORD}))\b", re.IGNORECASE)
_NEUTER = late(r"\b(?:it|its|they|them|their|theirs)\b", re.IGNORECASE)

_SPEECH = r"(?:sa(?:y|ys|id)|tells?|told|think|thinks|thought|claim\w*|warn\w*|argue\w*|insist\w*|believe\w*|hope\w*)"
_THINGS = (
    r"(?:resolution|vote|statement|meeting|proposal|draft|speech|interview|article|report|decision|agreement|plan|"
    r"test|launch|measure|sanction|visit|trip|attack|event|claim|case)s?"
)
_DUMMY = (
    r"true|possible|likely|clear|legal|necessary|important|hard|harder|easy|easier|difficult|take|takes|mean|raining|"
    r"snowing|cold|hot|windy"
)
_EMPTY = late(
    rf"\b(?:{_SPEECH}|stress\w*|suggest\w*|state[sd]?|fact|true|possible|likely|clear|sure|so|confirm\w*) that\b"
    r"(?!\s*(?:[^\w\s]|$)|\s+(?:about|to)\b)|"
    r"\b(?:is|was|be|are|were|been) there\b(?!\s*[?.!]*\s*$)|"
    r"\bthere (?:is|are|was|were|has|have|had|will|would|can|could|should|must|may|might|be)\b|"
    r"\b(?:this|that) (?:is|was) the\b|\b(?:what|why|how|when|where|who|whom) (?:is|was) it that\b|"
    r"\b(?:is|was) it (?-i:[A-Z][\w’'-]*)(?: [\w’'-]+){0,3}? (?:who|that)\b|\bon the one hand\b|"
    rf"\b(?:is|was|be|does|did|would|will|make|makes|made|take|takes|took) it (?:\w+ly )?(?:{_DUMMY})\b|"
    r"\b(?:this|these) (?:days?|week|month|year|century|morning|spring|summer|autumn|winter)\b",
    re.IGNORECASE,
)
"""Uses of "that", "there", "it" and "this" that introduce a clause, stand for nothing, or mean the present."""

_POINTS_BACK = late(
    r"\b(?:this|these)\b|"
    r"\bthose\b(?! (?:who|whose|of|that|which|in|with|from|on|at|people|countries)\b)|"
    r"(?:^|\b(?:about|after|before|of|for|from|to|with|by|on|in|at|than|like|since|despite|against|is|was|were|are|"
    r"does|did|do|why|how|during|over|into)) that\b(?! (?:of|for)\b)|"
    r"\bthat\s*(?:[?.!,;]|$)|\bsa(?:y|id) that (?:about|to)\b|"
    rf"\bthat {_THINGS}\b|"
    r"\bthere\b(?=\s*(?:[?.!,;]|$)|\s+(?:in|on|at|after|before|and|that|with|to|for|by|during|when|then)\b)|"
    r"\b(?:since|until|till|by|before) then\b|\bthen\s*[?.!]*$|"
    r"\b(?:do|does|did|doing|done|think|say|said) so\b|"
    r"\b(?:which|that|this|another|last|first|next|other) ones?\b(?! (?:of|who|that|to)\b)|\bthe ones?\s*(?:[?.!,;]|$)|"
    r"\bsuch\b(?! (?:as|a|an)\b)|\bthe (?:former|latter)\b|\bthe same\s*(?:[?.!,;]|$)|"
    r"\btheir (?:\w+ )?(?:colleague|counterpart)s?\b",
    re.IGNORECASE,
)
"""Words that mean something said before, whatever else the question names."""

_MAY_POINT_BACK = late(
    rf"\bthe (?:same|other|others|first|second|last|{_THINGS}|minister|spokes\w+|ambassador|envoy|diplomat|president|"
    r"ministry|two|three|both)\b|\b(?:else|again|instead|either|too)\b",
    re.IGNORECASE,
)
"""Words that mean something said before if the question names nothing."""

_BEGINS_AS_FOLLOW_UP = late(r"(?:^|[.!?])\s*(?:and|but|or|so(?! far| many| much)|also|then)\b", re.IGNORECASE)
_ASKS_ABOUT_ANOTHER = late(r"^\s*(?:(?:and|but|so),? )?(?:what|how) about\b|^\s*why(?: not)?\s*\?", re.IGNORECASE)
_ASKS_REACTION = late(
    r"\b(?:react|respond|reply|answer|vote|abstain|agree|disagree|object|comment|reaction|response|say|do|think)\s*[?.!]*$",
    re.IGNORECASE,
)
"""The end of a question that leaves out what it is about: "How did Japan respond?"."""

_OWN_SUBJECT = late(
    rf"^\s*(?:(?:which|what|how many) (?!of\b|did\b|do\b|does\b|is\b|was\b|were\b|are\b|has\b|have\b)\w+|who) "
    rf"(?:\w+ ){{0,2}}?{_SPEECH} (?:that )?(?:they|it)\b",
    re.IGNORECASE,
)
"""A question whose "they" is whom it asks for: "Which countries said they would leave?"."""

_ITS_SUBJECT = late(
    rf"^\s*(?:(?:and|but|so|or|then),? )?(?:(?:which|what|whose|who|whom|how|when|where|why)\b[^,;.?!]*?\s)??"
    rf"(?:{AUXILIARIES}) (?:it|they)\b",
    re.IGNORECASE,
)
"""A question whose first subject is "it" or "they", which is nothing that it names: "Which ships did it ban?"."""

_ROLE_BEFORE = late(r"\b(?:the|a|an|which|what) (?:[\w-]+ ){0,3}?(?:man|woman|person|who)\b", re.IGNORECASE)
_OFFICE_BEFORE = late(rf"(?:\b(?:the|a|an|which|what)|[’']s?) (?:[\w’'-]+ ){{0,3}}?{ROLE_WORDS}\b", re.IGNORECASE)
_OPENING_PHRASE = late(
    r"^\s*(?:(?:and|but|so),? )?(?:in|at|after|before|during|since|on|with|upon|for|of|from|by)\b[^,;?!]*,",
    re.IGNORECASE,
)
_ONLY_A_NAME = late(r"(?:\W|\b(?:in|for|from|by|with|to|at|of|on|the)\b)*\?\s*", re.IGNORECASE)


def needs_person(question: str) -> bool:
    """True if a "he" or "she" of the question is nobody that the question names before it."""
    pronoun = PERSON.search(question)
    if pronoun is None:
        return False
    before = question[: pronoun.start()]
    named = people_in(before)
    is_object = OBJECT.match(question, pronoun.start()) is not None
    if len(named) == 1 and is_object:
        # "What did Haley say about him?" is not about Haley.
        return not re.search(r"\b(?:that|whether|if|who)\b", before[before.rfind(named[0]) :])
    if named or _ROLE_BEFORE.search(before) or (not is_object and _OFFICE_BEFORE.search(before)):
        return False
    return not _is_named_behind(question, pronoun)


def _is_named_behind(question: str, pronoun: re.Match[str]) -> bool:
    """True if the subject stands behind the pronoun of an opening phrase: "In his speech, what did Moon say?"."""
    opening = _OPENING_PHRASE.match(question)
    if opening is None or pronoun.end() > opening.end():
        return False
    rest = question[opening.end() :]
    return PERSON.search(rest) is None and bool(subject_of(rest) or _OFFICE_BEFORE.search(rest))


def needs_topic(question: str, *, has_pronoun: bool) -> bool:
    """True if the question cannot be understood without an earlier one; a pronoun counts as a name."""
    question = _telling_part(question)
    text = _EMPTY.sub(" ", question)
    profile = analyse_question(question)
    names = len(profile.names) + has_pronoun
    if any(pattern.search(text) for pattern in (_POINTS_BACK, _ASKS_ABOUT_ANOTHER, _ITS_SUBJECT)):
        return True
    if _asks_too_little(question, profile):
        return True
    neuter = _NEUTER.search(text)
    if neuter is not None and _OWN_SUBJECT.search(question) is None and not _names_thing(text, neuter):
        return True
    if len(profile.terms) < COMPLETE_TERMS and (names == 0 or _BEGINS_AS_FOLLOW_UP.search(text)):
        return True
    return names == 0 and len(profile.terms) < CERTAIN_TERMS and _MAY_POINT_BACK.search(text) is not None


def _telling_part(question: str) -> str:
    """Of several sentences the first if it names what the others ask about: "Moscow vetoed the draft. Why?"."""
    sentences = split_sentences(question)
    if len(sentences) < 2:
        return question
    first = question[sentences[0].start : sentences[0].end]
    profile = analyse_question(first)
    return first if profile.names and len(profile.terms) >= COMPLETE_TERMS else question


def _asks_too_little(question: str, profile: QuestionProfile) -> bool:
    """True for names alone ("China?") and for a reaction to something that is not named ("How did Japan respond?")."""
    rest = question
    for name in profile.names:
        rest = rest.replace(name, " ", 1)
    if profile.names and _ONLY_A_NAME.fullmatch(rest):
        return True
    reaction = _ASKS_REACTION.search(rest)
    return reaction is not None and not analyse_question(rest[: reaction.start()].lower()).terms


def _names_thing(text: str, pronoun: re.Match[str]) -> bool:
    """True if what "it" or "they" can mean stands before it: a name of no person or one with "the", several people, or
    two terms."""
    before = text[: pronoun.start()]
    people = people_in(before)
    profile = analyse_question(before)
    of_people = set(unify(" ".join(people)))
    plural = pronoun.group().lower().startswith("the")
    return (
        any(not set(unify(name)) & of_people or f"the {name}" in before for name in profile.names)
        or (plural and len(people) > 1)
        or sum(term not in of_people for term in profile.terms) >= 2
    )
