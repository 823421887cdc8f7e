"""Who speaks in a sentence, as far as the article's own words say it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.sentences import SPEECH_VERBS, is_hard_wrapped
from index.types import Span
from rag.names import unify

_WORD = r"(?:[A-Z]\.){2,}|[A-Z][\w’'-]*\w|[A-Z]\."
_NAME = rf"(?:{_WORD})(?:\s(?:(?:bin|al|de|van|von|der|la)\s)?(?:{_WORD})){{0,6}}"
_ROLE = (
    r"deputy|vice|former|acting|prime|foreign|defen[cs]e|finance|interior|permanent|chief|senior|state|top|"
    r"ambassador|envoy|minister|spokes(?:wo)?man|spokesperson|president|secretary|general|leader|director|head|"
    r"chair(?:wo)?man|chair|professor|senator|governor|mayor|representative|commissioner|officer|diplomat|analyst|"
    r"captain|executive|manager|lawyer|judge|councillor|councilor|activist|economist|scientist|biologist|engineer"
)
_LEAD = rf"(?:(?:{_WORD}|{_ROLE})\s){{0,7}}"
_WHO = rf"(?P<who>{_LEAD}{_NAME})"
_VERBS = rf"(?:{SPEECH_VERBS}|saying|endorsed|vowed|reiterated|called|condemned|criticised|criticized)\b"
_ADVERBS = r"(?:(?:also|later|then|has|had|was\scited\sas|repeatedly|publicly)\s){0,2}"

_ATTRIBUTIONS = (
    re.compile(rf"[\"”’'],?\s(?:{SPEECH_VERBS})\s{_WHO}"),
    re.compile(rf"(?<![\w,] )(?<!\w’s )(?<!\w's ){_WHO}\s{_ADVERBS}{_VERBS}"),
    re.compile(rf"{_WHO}\s{_ADVERBS}{_VERBS}"),
    re.compile(
        rf"^[^,\"“]{{0,80}}\b(?:{_ROLE})\b[^,\"“]{{0,60}},\s{_WHO},(?:\s[^\"“”;]{{2,160}}?,)?\s{_ADVERBS}{_VERBS}"
    ),
    re.compile(rf"{_WHO},\s[^\"“”;]{{2,160}}?,\s{_ADVERBS}{_VERBS}"),
)
"""How news attributes words to a name, the surest form first."""

_REFERENCE = rf"(?:[Hh]e|[Ss]he|[Tt]he(?:\s(?:{_WORD}|top|senior|{_ROLE})){{0,4}}\s(?:{_ROLE}))"
_REFERENCE_SPEAKS = re.compile(rf"\b{_REFERENCE}\s{_ADVERBS}{_VERBS}|[\"”’'],?\s(?:{SPEECH_VERBS})\s{_REFERENCE}\b")
_ANY_NAME = re.compile(_WHO)
_NOT_NAMES = frozenset(
    (
        "The A An He She It They We I In On At But And Or So If When While After Before Since Although However "
        "Meanwhile This That These Those There Here His Her Its Their Our For From By With As To Also Both Earlier "
        "Later Following Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May "
        "June July August September October November December Asked Speaking Now Then Yet Not No Some Most Many"
    ).split()
)
REACH = 4
"""Most sentences between "he said" and the sentence that names him."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose words a sentence reports.

    `name` is the fullest form that the article gives, as it is written there; `sentence` the index of the sentence
    that names them, which is the sentence itself unless it only says "he" or nothing.
    """

    name: str
    sentence: int


def find_speakers(text: str, sentences: Sequence[Span]) -> list[Speaker | None]:
    """For each sentence, whose words it reports; `None` where it reports nobody's, or the article does not say whose.

    A name next to a verb of saying counts; then "he said" after a sentence whose speaker is known; then sentences of
    one quotation, which have the speaker of the one that attributes it. A sentence that names somebody else in between
    ends the reach of "he".
    """
    quoted = quotation_states(text, sentences)
    speakers: list[Speaker | None] = [None] * len(sentences)
    fullest: dict[str, str] = {}
    last: Speaker | None = None
    for position, span in enumerate(sentences):
        sentence = text[span.start : span.end]
        starts_inside = quoted[position][0]
        for match in _ANY_NAME.finditer(sentence):
            _remember(match.group("who"), fullest)
        named = _named_speaker(sentence, starts_inside)
        if named is not None:
            last = Speaker(_fullest(named, fullest), position)
            speakers[position] = last
            continue
        reachable = last is not None and position - last.sentence <= REACH
        all_quotation = starts_inside or sentence[0] in '"“'
        if reachable and (all_quotation or _REFERENCE_SPEAKS.search(sentence) is not None):
            speakers[position] = last
        elif any(_clean(match.group("who")).count(" ") for match in _ANY_NAME.finditer(sentence)):
            last = None
    # A quotation that is attributed at its end: its earlier sentences are the same speaker's.
    for position in range(len(sentences) - 2, -1, -1):
        following = speakers[position + 1]
        own = speakers[position]
        if quoted[position][1] and following is not None and (own is None or own.sentence != position):
            speakers[position] = following
    return speakers


def quotation_states(text: str, sentences: Sequence[Span]) -> list[tuple[bool, bool]]:
    """For each sentence, whether it begins and whether it ends inside a quotation. A paragraph begins outside."""
    paragraph_break = "\n\n" if is_hard_wrapped(text) else "\n"
    states = []
    inside, end = False, 0
    for span in sentences:
        if paragraph_break in text[end : span.start]:
            inside = False
        begins = inside
        for character in text[span.start : span.end]:
            if character == '"':
                inside = not inside
            elif character in "“”":
                inside = character == "“"
        states.append((begins, inside))
        end = span.end
    return states


def _named_speaker(sentence: str, starts_inside: bool) -> str | None:
    for pattern in _ATTRIBUTIONS:
        for match in pattern.finditer(sentence):
            who = _clean(match.group("who"))
            if who and not _inside_quotation(sentence[: match.start("who")], starts_inside):
                return who
    return None


def _inside_quotation(before: str, inside: bool) -> bool:
    for character in before:
        if character == '"':
            inside = not inside
        elif character in "“”":
            inside = character == "“"
    return inside


def _clean(name: str) -> str:
    words = name.split()
    while words and words[0] in _NOT_NAMES:
        words = words[1:]
    return " ".join(words)


def _remember(name: str, fullest: dict[str, str]) -> None:
    """Keeps the first full form of a person's name under the surname, so that a later surname finds it."""
    words = _clean(name).split()
    if len(words) < 2 or any(unify(word)[-1:] and unify(word)[0].startswith("=") for word in words[-2:]):
        return
    fullest.setdefault(_bare(words[-1]), " ".join(words))
    if len(words) == 2 and words[0][0].isupper():
        fullest.setdefault(_bare(words[0]), " ".join(words))


def _fullest(name: str, fullest: dict[str, str]) -> str:
    """The full form of a surname, or the name itself."""
    words = name.split()
    if len(words) > 2 or (unify(words[-1])[:1] and unify(words[-1])[0].startswith("=")):
        return name
    known = fullest.get(_bare(words[-1]))
    if known is None or (len(words) == 2 and _bare(words[0]) not in known and not words[0].endswith(("'s", "’s"))):
        return name
    return known


def _bare(word: str) -> str:
    return re.sub(r"[’']s?$", "", word)
