"""What a question asks for: its content terms, the names and numbers in it, and the type of answer it expects."""

import re
from dataclasses import dataclass
from typing import Literal

from index.patterns import late
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
        "long ever us latest newest current recent now today"
    ).split()
)
"""Terms that carry nothing of a question's content, as the analyzer stems them."""

MONTHS = ("january february march april may june july august september october november december").split()

_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen "
    "half third first second fourth fifth twice once several"
)
NUMBER = late(rf"\d[\d,.]*|\b(?:{'|'.join(_NUMBER_WORDS.split())})(?:-\w+)?\b|\bper ?cent\b|%", re.IGNORECASE)
"""A number in digits or words."""

DATE = late(
    rf"\b(?:{'|'.join(MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?|\b(?:1[6-9]|20)\d\d\b|"
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:yesterday|today|tomorrow|tonight|last|next|this|earlier this|"
    r"late|early|mid)[ -](?:week|month|year|night|spring|summer|autumn|fall|winter|morning)\b|\byesterday\b|"
    r"\b(?:days|weeks|months|years|hours) (?:ago|after|before|earlier|later)\b|\bChristmas\b",
    re.IGNORECASE,
)
"""A date or a part of one."""

REASON = late(
    r"\b(?:because|since|due to|over|in response|to protest|so that|in order|as a result|amid|after|aimed at|"
    r"in an attempt|in a bid|for|following|to)\b",
    re.IGNORECASE,
)
"""Words that introduce a reason or purpose."""

QUOTATION = late(r"[\"“”«»]|(?<!\w)[‘'](?=\w[^'’]{8,}[’'])")
"""The beginning or end of quoted words."""

SPEECH = late(
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

_WHO = late(
    r"\b(?:who|whom|whose|which (?:person|official|diplomat|minister|envoy|leader|politician|president|"
    r"spokes\w+|ambassador|agency|organi[sz]ation|company|country|countries|nations?|states?|people))\b",
    re.IGNORECASE,
)
_WHEN = late(
    r"\b(?:when|(?:what|which) (?:date|day|month|year|time)|how long ago|since when|until when|"
    r"on what date|by when)\b",
    re.IGNORECASE,
)
_NUMBER_ASKED = late(
    r"\b(?:how (?:many|much|large|big|long|often|far|high|old|tall|deep)|what (?:number|percentage|percent|share|"
    r"proportion|amount|sum|price|cost|total|figure)|by how much|which resolution number)\b",
    re.IGNORECASE,
)
_WHERE = late(r"\b(?:where|(?:which|what) (?:city|place|town|sea|region|port|location))\b", re.IGNORECASE)
_WHY = late(r"\b(?:why|for what reason|what (?:caused|prompted|led|reason|was the reason)|how come)\b", re.IGNORECASE)
_ASKS = late(
    r"\b(?:what(?! about\b)|how(?! about\b)|who\w*|when|where|why|which|did|does|do|is|are|was|were|has|have|had)\b",
    re.IGNORECASE,
)
"""A question that asks for something itself, as "And China?" does not."""

CHANGE = late(
    r"\b(?:how (?:has|have|had|did|does|do) .* (?:chang|evolv|shift|develop|differ|mov|grow|rise|fall)\w*|"
    r"chang(?:e|ed|es) (?:over|between|from)|over time|evolution of|evolv\w+|shift(?:ed)? (?:from|between|over)|"
    r"compare[ds]?|comparison|differ(?:s|ed|ence)? between|both .* and|timeline|first .* (?:later|then)|"
    r"(?:between|from) \d{4} (?:and|to) \d{4}|develop(?:ed|ment)?s? (?:over|since|between))\b",
    re.IGNORECASE,
)
"""A question for a development or a comparison."""

_NAME = late(
    r"(?<![\w'’])(?:[A-Z][\w’'-]*[\w]|[A-Z](?:\.[A-Z])+\.?|[A-Z])(?:[ -](?:(?:of|the|de|van|al) )?[A-Z][\w’'-]*\w)*"
)
_POSSESSIVE = late(r"[’']s?(?: |$)")
_CONTRACTION = late(r"[’'](?:s|d|m|re|ve|ll|t)?$")
_MONTH = late(rf"\b({'|'.join(month.capitalize() for month in MONTHS)})\b(?! (?:I|we)\b)")
_YEAR = late(r"\b((?:1[6-9]|20)\d\d)\b")
_NUMBER_IN_QUESTION = late(r"\d[\d,.]*\d|\d")
_HOW_MANY_NOUN = late(
    r"\bhow (?:many|much)((?: (?!(?:did|does?|is|are|was|were|has|have|had|will|would|can|could)\b)[\w-]+){1,3})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class QuestionProfile:
    """What a question asks for.

    `terms` are its content terms, each once, as `rag.names.unify` gives them. `names` are capitalised names as they
    are written, `numbers` the numbers in digits. `counted` are the terms of what "how many" counts. `asks_change` is
    true if it asks for a development or comparison. `topic` is what else is known of what it is about: an earlier
    question, or the whole that it is a part of; `topic_terms` are the content terms that only the topic has. `months`
    (1..12) and `years` are those that either names.
    """

    text: str
    topic: str
    terms: tuple[str, ...]
    topic_terms: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    answer_type: AnswerType
    counted: tuple[str, ...]
    months: frozenset[int]
    years: frozenset[str]
    asks_speech: bool
    asks_change: bool

    @property
    def full_text(self) -> str:
        """The question with its topic in brackets."""
        return f"{self.text} ({self.topic})" if self.topic else self.text


def analyse_question(text: str, topic: str = "") -> QuestionProfile:
    """The profile of a question that can be understood alone or with its topic."""
    terms = _content_terms(text)
    asks_speech = SPEECH.search(text) is not None
    counted = _HOW_MANY_NOUN.search(text)
    return QuestionProfile(
        text=text,
        topic=topic,
        terms=terms,
        topic_terms=tuple(term for term in _content_terms(topic) if term not in terms),
        names=find_names(text),
        numbers=tuple(_NUMBER_IN_QUESTION.findall(text)),
        answer_type=_answer_type(text if topic == "" or _ASKS.search(text) else topic),
        counted=() if counted is None else tuple(t for t in unify(counted.group(1)) if t not in STOP_WORDS),
        months=frozenset(MONTHS.index(month.lower()) + 1 for month in _MONTH.findall(f"{text} {topic}")),
        years=frozenset(_YEAR.findall(f"{text} {topic}")),
        asks_speech=asks_speech,
        asks_change=CHANGE.search(text) is not None,
    )


def _content_terms(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term for term in unify(text) if term not in STOP_WORDS and len(term) > 1))


def _answer_type(text: str) -> AnswerType:
    for pattern, answer_type in (
        (_WHEN, "date"),
        (_NUMBER_ASKED, "number"),
        (_WHY, "reason"),
        (_WHO, "person"),
        (_WHERE, "place"),
    ):
        if pattern.search(text):
            return answer_type  # type: ignore[return-value]
    return "speech" if SPEECH.search(text) else "other"


def find_names(text: str) -> tuple[str, ...]:
    """Capitalised names as they are written, without a possessive 's, in order.

    The question word or other function word that only begins a sentence is no part of them; "I", months and weekdays
    are no names. At the beginning of a sentence any other word counts as one, since it is written alike.
    """
    names = []
    for match in _NAME.finditer(text):
        before = text[: match.start()].rstrip()
        at_start = not before or before[-1] in ".?!:"
        for position, name in enumerate(_POSSESSIVE.split(match.group())):
            words = name.split()
            if at_start and position == 0:
                while words and _bare(words[0]) in _SENTENCE_STARTERS:
                    words = words[1:]
                if len(words) == 1 and len(name.split()) == 1 and _bare(words[0]) in STOP_WORDS - {"us"}:
                    continue
            if words and not all(_bare(word) in _NO_NAMES for word in words):
                names.append(" ".join(words))
    return tuple(names)


def _bare(word: str) -> str:
    return _CONTRACTION.sub("", word.lower())


_SENTENCE_STARTERS = frozenset(
    (
        "what which who whom whose when where why how did does do is are was were has have had can could will would "
        "in on at by for from of to the a an and or but so if according name list give tell describe explain "
        "summarise summarize compare after before during until between many much any were please show find "
        "quote then later meanwhile however although while because since"
    ).split()
)

_NO_NAMES = frozenset(("i", *MONTHS, *(f"{day}day" for day in "mon tues wednes thurs fri satur sun".split())))
