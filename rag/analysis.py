"""What a question asks for: its content terms, the names and numbers in it, and the type of answer it expects."""

import re
from dataclasses import dataclass
from typing import Literal

from rag.names import unify

AnswerType = Literal["person", "date", "number", "place", "reason", "speech", "other"]

STOP_WORDS = frozenset(
    (
        "a an the this that these those and or but if then than so as of at by for from in into on onto to with about "
        "against between through during before after above below over under again further once here there all any "
        "both each few more most other some such no nor not only own same too very can could will would shall should "
        "may might must do does did doing done have has had having be am is are was were been being i me my we our "
        "you your he him his she her it its they them their what which who whom whose when where why how s t don didn "
        "doesn isn wasn tell say said says saying give gave exactly anything anyone anybody someone something "
        "according articl text stori ani whi onli befor dure abov veri becaus doe thi wa ha hi onc also much mani "
        "long ever us"
    ).split()
)
"""Terms that carry nothing of a question's content, as the analyzer stems them."""

MONTHS = ("january february march april may june july august september october november december").split()

_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen "
    "half third first second fourth fifth twice once several"
)
NUMBER = re.compile(rf"\d[\d,.]*|\b(?:{'|'.join(_NUMBER_WORDS.split())})(?:-\w+)?\b|\bper ?cent\b|%", re.IGNORECASE)
"""A number in digits or words."""

DATE = re.compile(
    rf"\b(?:{'|'.join(MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?|\b(?:1[6-9]|20)\d\d\b|"
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:yesterday|today|tomorrow|tonight|last|next|this|earlier this|"
    r"late|early|mid)[ -](?:week|month|year|night|spring|summer|autumn|fall|winter|morning)\b|\byesterday\b|"
    r"\b(?:days|weeks|months|years|hours) (?:ago|after|before|earlier|later)\b|\bChristmas\b",
    re.IGNORECASE,
)
"""A date or a part of one."""

REASON = re.compile(
    r"\b(?:because|since|due to|over|in response|to protest|so that|in order|as a result|amid|after|aimed at|"
    r"in an attempt|in a bid|for|following|to)\b",
    re.IGNORECASE,
)
"""Words that introduce a reason or purpose."""

QUOTATION = re.compile(r"[\"“”«»]|(?<!\w)[‘'](?=\w[^'’]{8,}[’'])")
"""The beginning or end of quoted words."""

SPEECH = re.compile(
    r"\b(?:sa(?:id|ys?|ying)|told?|tell(?:s|ing)?|ask(?:s|ed)?|add(?:s|ed)|wr(?:ote|ites?|iting)|stress(?:es|ed)?|"
    r"not(?:es|ed)|argu(?:es?|ed)|warn(?:s|ed|ing)?|repl(?:y|ies|ied)|announce[sd]?|announcement|continued|"
    r"conclude[sd]?|explain(?:s|ed)?|insist(?:s|ed)?|claim(?:s|ed|ing)?|state[sd]?|statement|declare[sd]?|"
    r"remark(?:s|ed)?|describ(?:es?|ed|ing)|call(?:s|ed|ing)?|urge[sd]?|endorse[sd]?|criticis?z?e[sd]?|"
    r"condemn(?:s|ed)?|slam(?:s|med)?|comment(?:s|ed)?|respon(?:d|ds|ded|se)|react(?:s|ed|ion)?|suggest(?:s|ed)?|"
    r"propose[sd]?|demand(?:s|ed)?|express(?:es|ed)?|accuse[sd]?|vow(?:s|ed)?|promise[sd]?|think|view(?:s|ed)?|"
    r"position|stance|opinion|quot(?:e|ed)|cit(?:e|ed)|believe[sd]?|justif(?:y|ied)|praise[sd]?|deni(?:es|ed)|deny|"
    r"oppose[sd]?|argument|message|word(?:s|ing)|characteri[sz]e[sd]?|put it|phrase)\b",
    re.IGNORECASE,
)
"""Verbs and nouns of saying, in questions and in articles."""

_WHO = re.compile(
    r"\b(?:who|whom|whose|which (?:person|official|diplomat|minister|envoy|leader|politician|president|"
    r"spokes\w+|ambassador|agency|organi[sz]ation|company|country|countries|nations?|states?|people))\b",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\b(?:when|(?:what|which) (?:date|day|month|year|time)|how long ago|since when|until when|"
    r"on what date|by when)\b",
    re.IGNORECASE,
)
_NUMBER_ASKED = re.compile(
    r"\b(?:how (?:many|much|large|big|long|often|far|high|old|tall|deep)|what (?:number|percentage|percent|share|"
    r"proportion|amount|sum|price|cost|total|figure)|by how much|which resolution number)\b",
    re.IGNORECASE,
)
_WHERE = re.compile(r"\b(?:where|(?:which|what) (?:city|place|town|sea|region|port|location))\b", re.IGNORECASE)
_WHY = re.compile(
    r"\b(?:why|for what reason|what (?:caused|prompted|led|reason|was the reason)|how come)\b", re.IGNORECASE
)
_CHANGE = re.compile(
    r"\b(?:how (?:has|have|had|did|does|do) .* (?:chang|evolv|shift|develop|differ|mov|grow|rise|fall)\w*|"
    r"chang(?:e|ed|es) (?:over|between|from)|over time|evolution of|evolv\w+|shift(?:ed)? (?:from|between|over)|"
    r"compare[ds]?|comparison|differ(?:s|ed|ence)? between|both .* and|timeline|first .* (?:later|then)|"
    r"(?:between|from) \d{4} (?:and|to) \d{4}|develop(?:ed|ment)?s? (?:over|since|between))\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<![\w'’])(?:[A-Z][\w’'-]*[\w]|[A-Z](?:\.[A-Z])+\.?|[A-Z])(?:[ -](?:(?:of|the|de|van|al) )?[A-Z][\w’'-]*\w)*"
)
_MONTH = re.compile(rf"\b({'|'.join(month.capitalize() for month in MONTHS)})\b")
_YEAR = re.compile(r"\b((?:1[6-9]|20)\d\d)\b")
_NUMBER_IN_QUESTION = re.compile(r"\d[\d,.]*\d|\d")
_HOW_MANY_NOUN = re.compile(r"\bhow (?:many|much)((?: [\w-]+){1,3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QuestionProfile:
    """What a question asks for.

    `terms` are its content terms, each once, as `rag.names.unify` gives them. `names` are capitalised names as they
    are written, `numbers` the numbers in digits. `counted` are the terms of what "how many" counts. `asks_change` is
    true if it asks for a development or comparison. `months` (1..12) and `years` are those it names.
    """

    text: str
    terms: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    answer_type: AnswerType
    counted: tuple[str, ...]
    months: frozenset[int]
    years: frozenset[str]
    asks_speech: bool
    asks_change: bool


def analyse_question(text: str) -> QuestionProfile:
    """The profile of a question."""
    terms = tuple(dict.fromkeys(term for term in unify(text) if term not in STOP_WORDS and len(term) > 1))
    asks_speech = SPEECH.search(text) is not None
    counted = _HOW_MANY_NOUN.search(text)
    return QuestionProfile(
        text=text,
        terms=terms,
        names=tuple(_names(text)),
        numbers=tuple(_NUMBER_IN_QUESTION.findall(text)),
        answer_type=_answer_type(text, asks_speech),
        counted=() if counted is None else tuple(t for t in unify(counted.group(1)) if t not in STOP_WORDS),
        months=frozenset(MONTHS.index(month.lower()) + 1 for month in _MONTH.findall(text)),
        years=frozenset(_YEAR.findall(text)),
        asks_speech=asks_speech,
        asks_change=_CHANGE.search(text) is not None,
    )


def _answer_type(text: str, asks_speech: bool) -> AnswerType:
    for pattern, answer_type in (
        (_WHEN, "date"),
        (_NUMBER_ASKED, "number"),
        (_WHY, "reason"),
        (_WHO, "person"),
        (_WHERE, "place"),
    ):
        if pattern.search(text):
            return answer_type  # type: ignore[return-value]
    return "speech" if asks_speech else "other"


def _names(text: str) -> list[str]:
    """Capitalised names, without the question word or other function word that only begins the sentence."""
    names = []
    for match in _NAME.finditer(text):
        name = match.group()
        words = name.split(" ")
        at_start = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".?!:"
        if at_start:
            while words and words[0].lower().rstrip("'’s") in _SENTENCE_STARTERS:
                words = words[1:]
            if len(words) == 1 and words[0] == name.split(" ")[0] and words[0].lower() in STOP_WORDS:
                words = []
        if words:
            names.append(" ".join(words))
    return names


_SENTENCE_STARTERS = frozenset(
    (
        "what which who whom whose when where why how did does do is are was were has have had can could will would "
        "in on at by for from of to the a an and or but so if according name list give tell describe explain "
        "summarise summarize compare after before during since until between many much any were please show find "
        "quote"
    ).split()
)
