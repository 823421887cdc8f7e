"""Who speaks in a sentence, as far as the article's own words say it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.patterns import late
from index.sentences import SPEECH_VERBS, is_hard_wrapped
from index.types import Span
from rag.attributions import (
    ends_inside_quotation,
    is_country,
    named_speaker,
    names_in,
    pronoun_of,
    refers_to,
    speaks_outside_quotation,
)

REACH = 4
"""Most sentences between "he said" and the sentence that names him."""

GIVEN_NAME_LETTERS = 3
"""Letters by which two given names before one surname count as the same: `Sergey` and `Sergei`, not `Anna`."""

_ASKS = late(r"\b(?:asked|asks)\b(?!\s(?:for|to)\b)")
_INSIDE_SENTENCE = late(r"(?<=[a-z,] )[A-Z][\w-]+")
_HONORIFIC = late(r"\b(Mr|Mrs|Ms|Miss)\.?\s$")
_SPEAKS = late(rf"\b(?:{SPEECH_VERBS})\b")
_SUBJECT = late(
    r"(?P<name>[A-Z][\w’'-]*\w(?:\s[A-Z][\w’'-]*\w){0,2}),?\s"
    r"(?:had|has|was|were|is|would|will|could|can|should|must|may|might|did|does)\b"
)
"""A name that is the subject of a reported clause: "that Clara Brandt had lied"."""

_BODY = late(
    r"(?:Council|Ministry|Government|Party|Union|Agency|Board|Court|Authority|Company|Bank|University|Committee|"
    r"Peninsula|Nations|States|Parliament|Commission|Congress|Senate|House|Army|Police|Lines|Group|Association)$"
)
"""The last word of a name that is no person's."""

_PRONOUN = {"Mr": "he", "Mrs": "she", "Ms": "she", "Miss": "she"}


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
    one quotation, which have the speaker of the one that attributes it. A sentence in which somebody else is named or
    speaks, or which is about something else, ends the reach of "he", and so does a question put to somebody. Where the
    speaker tells of somebody else ("A said that B had lied"), "he" or "she" may be either, and nobody is named.
    """
    quoted = quotation_states(text, sentences)
    speakers: list[Speaker | None] = [None] * len(sentences)
    names = _Names(text)
    pronouns: dict[str, set[str]] = {}
    last: Speaker | None = None
    may_mean_other = False
    for position, span in enumerate(sentences):
        sentence = text[span.start : span.end]
        inside = quoted[position][0]
        for name in names_in(sentence):
            names.remember(name)
        named = named_speaker(sentence, inside)
        if named is not None:
            last = Speaker(names.fullest(named), position)
            speakers[position] = last
            may_mean_other = names.tells_of_another(_reported(sentence, named), last.name)
            pronouns.setdefault(last.name, set()).update(_honorific(sentence, named))
            if _ASKS.search(sentence):
                last = None
            continue
        if last is None:
            continue
        known = pronouns[last.name]
        naming = sentences[last.sentence]
        if position - last.sentence > REACH:
            last = None
        elif refers_to(sentence, inside, last.name, text[naming.start : naming.end], known):
            pronoun = pronoun_of(sentence, inside)
            if pronoun is not None and pronoun not in known and may_mean_other:
                last = None
                continue
            speakers[position] = last
            if pronoun is not None:
                known.add(pronoun)
        elif speaks_outside_quotation(sentence, inside):
            last = None
        elif inside or sentence[0] in '"“':
            speakers[position] = last
        elif names.somebody_else(sentence, last.name) or not _goes_on_about(sentence, last.name):
            last = None
    # A quotation that is attributed at its end: its earlier sentences are the same speaker's.
    for position in range(len(sentences) - 2, -1, -1):
        own, following = speakers[position], speakers[position + 1]
        # A new paragraph of the same quotation opens it again.
        goes_on = quoted[position + 1][0] or text[sentences[position + 1].start] in '"“'
        attributed = own is not None and own.sentence == position
        if quoted[position][1] and goes_on and following is not None and not attributed:
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
        inside = ends_inside_quotation(text[span.start : span.end], inside)
        states.append((begins, inside))
        end = span.end
    return states


def _reported(sentence: str, name: str) -> str:
    """What stands behind the verb by which a named speaker says it: where it may tell of somebody else."""
    behind = sentence[sentence.find(name) + len(name) :] if name in sentence else sentence
    verb = _SPEAKS.search(behind)
    return behind if verb is None else behind[verb.end() :]


def _goes_on_about(sentence: str, name: str) -> bool:
    """True if a sentence that nobody speaks is still about the person of that name: by name, or as "He" or "She"."""
    return sentence.startswith(("He ", "She ")) or _bare(name.split()[-1]) in sentence


def _honorific(sentence: str, name: str) -> set[str]:
    """`he` or `she` if the name stands there as `Mr. Name` or `Ms. Name`."""
    found = _HONORIFIC.search(sentence[: sentence.find(name)]) if name in sentence else None
    first = name.split()[0]
    title = found[1] if found is not None else first
    return {_PRONOUN[title]} if title in _PRONOUN else set()


class _Names:
    """The names of people that an article has given so far, by surname."""

    def __init__(self, text: str) -> None:
        self._capitalised = set(_INSIDE_SENTENCE.findall(text))
        self._fullest: dict[str, str] = {}
        self._ambiguous: set[str] = set()

    def remember(self, name: str) -> None:
        """Keeps the first full form of a person's name under the surname, so that a later surname finds it."""
        words = name.split()
        if len(words) < 2 or any(is_country(word) for word in words[-2:]) or words[-2].endswith(("'s", "’s")):
            return
        surname = _bare(words[-1])
        known = self._fullest.setdefault(surname, name).split()
        given = [form[-2][:GIVEN_NAME_LETTERS] for form in (known, words) if form[-2] not in _PRONOUN]
        if len(set(given)) > 1 and known[:-1] != words[:-1] and _is_given(words[-2]) and _is_given(known[-2]):
            self._ambiguous.add(surname)
        if len(words) == 2 and words[0] not in _PRONOUN:
            self._fullest.setdefault(_bare(words[0]), name)

    def fullest(self, name: str) -> str:
        """The full form of a surname, or the name itself, also where two people have that surname."""
        words = name.split()
        surname = _bare(words[-1])
        if len(words) > 2 or is_country(words[-1]) or surname in self._ambiguous:
            return name
        known = self._fullest.get(surname)
        fits = len(words) == 1 or _bare(words[0]) in (known or "") or words[0].endswith(("'s", "’s"))
        return known if known is not None and (fits or words[0] in _PRONOUN) else name

    def tells_of_another(self, clause: str, name: str) -> bool:
        """True if a reported clause has a person as its subject who is not the one of that name."""
        return any(
            not _BODY.search(match["name"]) and self.somebody_else(match["name"], name)
            for match in _SUBJECT.finditer(clause)
        )

    def somebody_else(self, sentence: str, name: str) -> bool:
        """True if a sentence names a person other than the one of that name, as far as the form of names shows it."""
        own = [_bare(word) for word in name.split()]
        for found in names_in(sentence):
            words = [_bare(word) for word in found.split()]
            if is_country(" ".join(words)) or _same_person(words, own):
                continue
            if len(words) > 1 or words[0] in self._fullest or words[0] in self._capitalised:
                return True
        return False


def _same_person(words: list[str], own: list[str]) -> bool:
    """Whether two names share the surname and, where both have one, the given name in some spelling."""
    if words[-1] not in own:
        return False
    if len(words) == 1 or len(own) == 1 or not (_is_given(words[-2]) and _is_given(own[-2])):
        return True
    return words[-2][:GIVEN_NAME_LETTERS] == own[-2][:GIVEN_NAME_LETTERS]


def _is_given(word: str) -> bool:
    return word[:1].isupper() and word not in _TITLES


_TITLES = frozenset(
    (
        "President Minister Secretary General Senator Governor Mayor Professor Dr Doctor Chairman Chairwoman Premier "
        "Envoy Spokesman Spokeswoman Spokesperson Captain Judge Director Chancellor King Queen Prince Princess Pope "
        "Mr Mrs Ms Miss Sir Lord Lady Colonel Major Representative Commissioner Ambassador Leader"
    ).split()
)


def _bare(word: str) -> str:
    return re.sub(r"[’']s?$", "", word)
