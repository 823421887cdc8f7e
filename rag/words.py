"""What a text states, in a form in which a statement and the words cited for it compare."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Literal

from index.keywords import analyze
from rag.analysis import MONTHS, STOP_WORDS
from rag.names import unify
from rag.quotations import fold

CACHED_TEXTS = 4_096
"""Texts whose words are remembered, a few kilobytes each."""

NEGATION_WINDOW = 3
"""Content terms behind a negation that count as negated."""

_NEGATIONS = frozenset("not no never none nobody nothing neither nor without cannot hardly barely".split())
_STANCE = frozenset(
    "support oppose back reject accept adopt approve veto pass block allow permit ban forbid prohibit agree disagree "
    "refuse deny confirm admit increase decrease rise fall grow shrink raise lower cut expand reduce gain lose win "
    "begin start end stop resume impose lift ease tighten strengthen weaken relax join leave enter before after more "
    "less fewer above below all every only always first last guilty innocent true false success fail failure "
    "ally enemy buy sell import export invade withdraw attack defend praise condemn criticise criticize welcome "
    "suspect alleged arrest release open close majority minority against deputy vice assistant acting former".split()
)
"""Words of which another one in the same place turns a statement round."""

_CONNECTIVES = frozenset(
    "additionally moreover furthermore however meanwhile overall finally similarly specifically notably consequently "
    "therefore thus hence also besides instead nevertheless nonetheless although though while whereas since because "
    "unlike despite according faced asked given yes first second third lastly later earlier then today "
    "yesterday".split()
)
"""Words that begin a statement with a capital letter and are no names."""

INITIALISMS = {"US": "united states", "USA": "united states", "UN": "united nations", "UK": "united kingdom",
                "EU": "european union"}  # fmt: skip
_SMALL_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_TENS = {word: 10 * value for value, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)}
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL_NUMBERS) if word != "one"} | {
    word: str(value) for word, value in _TENS.items()
}
_ORDINALS = {
    word: str(value)
    for value, word in enumerate(
        "fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth "
        "seventeenth eighteenth nineteenth twentieth".split(),
        4,
    )
} | {"third": "3"}
_MAGNITUDES = frozenset("dozen hundred thousand million billion trillion half percent".split())
_UNITS = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "tn": "trillion"}
_ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th"})
_MONTHS = {month[:3]: month for month in MONTHS if month != "may"} | {"sept": "september"}
_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())

MAY = "=may"
"""The month, which as a term could not be told from the verb."""

_DOTTED_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|%|[^\W\d_]+(?:['’][^\W\d_]+)*")
_CLAUSE_END = re.compile(r"[,;:.!?…()—–]|--")
_JOINS = frozenset("but and or while whereas although though because which who whose when where after before".split())
"""Words with which another part of a sentence begins."""

_PER_CENT = re.compile(r"\b([Pp])er cent\b")
_TENS_AND_ONE = re.compile(rf"\b({'|'.join(_TENS)}|twenty)[-‐‑ ]({'|'.join(_SMALL_NUMBERS[1:10])})\b", re.IGNORECASE)
_BEGINS = re.compile(r"[A-Z][a-z]+(?:(?:ed|ing|ly) [a-z]|s (?:of|have|are|were|had|who|say|said|will) )")
"""An ordinary word that is capitalised because the sentence begins with it: "Officers have …", "Speaking to …"."""

_LOWER_WORD = re.compile(r"\b[a-z]+\b")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")

Kind = Literal["word", "name", "number", "date", "negation"]


@dataclass(frozen=True, slots=True)
class Token:
    """A word or number in its place.

    `terms` are what it is compared by, `kind` what it is: months, weekdays and years are dates, other capitalised
    words names. `clause` counts the parts of the sentence, at punctuation and words such as "and" or "which". `text` is
    the token as it is written.
    """

    text: str
    terms: frozenset[str]
    kind: Kind
    clause: int

    @property
    def is_content(self) -> bool:
        """Whether the token says something: a name, a number, a date or a word that is not a stop word."""
        return self.kind in ("name", "number", "date") or (
            self.kind == "word" and bool(self.terms) and not STOP_WORDS.issuperset(self.terms)
        )


@dataclass(frozen=True, slots=True)
class Words:
    """What a text states, in a form in which two texts compare.

    `content` are its content terms (`rag.names.unify`), `terms` all its terms, `names` the terms of its capitalised
    words, `numbers` its numbers in digits with the words of magnitude, `stance` its words of stance. `negated` are the
    content terms soon after a negation in its clause, `has_negation` whether there is one. `folded` is the text for
    verbatim search, `tokens` are its words in order.
    """

    content: frozenset[str]
    terms: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[str]
    stance: frozenset[str]
    negated: frozenset[str]
    has_negation: bool
    folded: str
    tokens: tuple[Token, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, text: str) -> "Words":
        """The words of one sentence or statement."""
        joined = _joined(text)
        tokens = tuple(_tokens(joined))
        negated: set[str] = set()
        for position, token in enumerate(tokens):
            if token.kind == "negation":
                negated.update(_scope(tokens, position))
        return cls(
            content=frozenset(term for term in unify(joined) if _is_content(term)),
            terms=frozenset(term for token in tokens if token.kind != "number" for term in token.terms),
            names=frozenset(term for token in tokens if token.kind in ("name", "date") for term in token.terms)
            - _number_like(tokens),
            numbers=frozenset(_number_like(tokens)),
            stance=frozenset(term for token in tokens for term in token.terms & _stance_terms()),
            negated=frozenset(negated),
            has_negation=any(token.kind == "negation" for token in tokens),
            folded=fold(text),
            tokens=tokens,
        )

    @classmethod
    def union(cls, parts: "Sequence[Words]") -> "Words":
        """The words of several sentences together; `folded` keeps them apart, so that no match runs across two."""
        return cls(
            content=frozenset().union(*(part.content for part in parts)),
            terms=frozenset().union(*(part.terms for part in parts)),
            names=frozenset().union(*(part.names for part in parts)),
            numbers=frozenset().union(*(part.numbers for part in parts)),
            stance=frozenset().union(*(part.stance for part in parts)),
            negated=frozenset().union(*(part.negated for part in parts)),
            has_negation=any(part.has_negation for part in parts),
            folded="\n".join(part.folded for part in parts),
            tokens=tuple(token for part in parts for token in part.tokens),
        )

    @property
    def needed(self) -> frozenset[str]:
        """What cited words have to hold: the content terms and the numbers."""
        return self.content | self.numbers


@lru_cache(maxsize=CACHED_TEXTS)
def words_of(text: str) -> Words:
    """`Words.of`, remembered: a statement is compared with several passages, and a sentence with several statements."""
    return Words.of(text)


def _joined(text: str) -> str:
    """The text with `U.S.` as `US`, `per cent` as one word, `twenty-one` in digits and `began` as `begin`."""
    joined = _DOTTED_INITIALS.sub(lambda match: match[0].replace(".", ""), text)
    joined = _PER_CENT.sub(r"\1ercent", joined)

    def in_digits(match: re.Match[str]) -> str:
        tens = 20 if match[1].lower() == "twenty" else _TENS[match[1].lower()]
        return str(tens + _SMALL_NUMBERS.index(match[2].lower()))

    joined = _TENS_AND_ONE.sub(in_digits, joined)
    return _LOWER_WORD.sub(lambda match: _base_forms().get(match[0], match[0]), joined)


@lru_cache(maxsize=1)
def _base_forms() -> dict[str, str]:
    """The forms of irregular verbs, each with its base form."""
    return {form: base for base, *forms in map(str.split, list_lines("irregular_verbs.txt")) for form in forms}


def list_lines(name: str) -> list[str]:
    """The lines of a word list of this package, without empty ones and remarks."""
    text = resources.files("rag").joinpath(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _tokens(joined: str) -> Iterable[Token]:
    clause, end, end_of_number = 0, 0, -1
    previous = ""
    for match in _TOKEN.finditer(joined):
        token = match[0]
        lower = token.lower().replace("’", "'")
        if _CLAUSE_END.search(joined, end, match.start()) or lower in _JOINS:
            clause += 1
        before, end = previous, match.end()
        previous = lower
        if token[0].isdecimal() or token == "%":
            number = "percent" if token == "%" else _number(token)
            kind: Kind = "date" if _is_year(token) else "number"
            end_of_number = match.end()
            yield Token(token, frozenset({number}), kind, clause)
            continue
        if match.start() == end_of_number and (lower in _UNITS or lower in _ORDINAL_ENDINGS):
            if lower in _UNITS:
                yield Token(token, frozenset({_UNITS[lower]}), "number", clause)
            continue
        if lower in _NEGATIONS or lower.endswith("n't"):
            if not joined[match.end() :].lower().startswith(" only"):
                yield Token(token, frozenset(), "negation", clause)
            continue
        lower = lower.removesuffix("'s").removesuffix("'")
        singular = lower.removesuffix("s")
        if lower in _NUMBER_WORDS or singular in _MAGNITUDES:
            yield Token(token, frozenset({_NUMBER_WORDS.get(lower, singular)}), "number", clause)
            continue
        if lower in _ORDINALS and before not in ("", "."):
            yield Token(token, frozenset({_ORDINALS[lower]}), "number", clause)
            continue
        if token == "May" and (match.start() > 0 or joined[match.end() :].lstrip()[:1].isdecimal()):
            yield Token(token, frozenset({MAY}), "date", clause)
            continue
        expanded = INITIALISMS.get(token.removesuffix("'s").removesuffix("’s")) or _MONTHS.get(lower, lower)
        terms = frozenset(analyze(expanded))
        named = token[0].isupper() and lower not in _CONNECTIVES and not STOP_WORDS.issuperset(terms)
        if named and not before and _BEGINS.match(joined, match.start()):
            named = any(term.startswith("=") for term in unify(token))  # "Beijing"
        kind = "date" if named and (expanded in MONTHS or lower in _DAYS) else "name" if named else "word"
        yield Token(token, terms, kind, clause)


def _is_year(token: str) -> bool:
    return len(token) == 4 and token.isdecimal() and 1000 <= int(token) <= 2199


def _number_like(tokens: Sequence[Token]) -> set[str]:
    """Numbers in digits, years among them, and words of magnitude."""
    return {
        term
        for token in tokens
        for term in token.terms
        if token.kind == "number" or (token.kind == "date" and term[:1].isdecimal())
    }


def affirmed_terms(words: Words) -> frozenset[str]:
    """The terms of a text that stand somewhere outside the reach of a negation."""
    negated = {
        index
        for position, token in enumerate(words.tokens)
        if token.kind == "negation"
        for index in _reach(words.tokens, position)
    }
    return frozenset(term for index, token in enumerate(words.tokens) if index not in negated for term in token.terms)


def _scope(tokens: Sequence[Token], position: int) -> list[str]:
    """The terms that a negation at `position` negates."""
    return [term for index in _reach(tokens, position) for term in tokens[index].terms if term not in STOP_WORDS]


def _reach(tokens: Sequence[Token], position: int) -> list[int]:
    """The next words of content behind a negation at `position`, up to the end of its clause."""
    clause = tokens[position].clause
    behind = [
        index
        for index in range(position + 1, len(tokens))
        if tokens[index].clause == clause
        and tokens[index].kind in ("word", "name")
        and not STOP_WORDS.issuperset(tokens[index].terms)
    ]
    return behind[:NEGATION_WINDOW]


def _number(token: str) -> str:
    """A number in one form: without thousands separators, leading zeros and decimal zeros at the end."""
    if _THOUSANDS.fullmatch(token):
        token = token.replace(",", "")
    whole, point, decimals = token.partition(".")
    whole = "".join(str(unicodedata.digit(char, char)) for char in whole).lstrip("0") or "0"
    decimals = decimals.rstrip("0")
    return whole + point + decimals if decimals else whole


def _is_content(term: str) -> bool:
    return len(term) > 1 and not term[0].isdecimal() and term not in STOP_WORDS and term not in _number_terms()


@lru_cache(maxsize=1)
def _number_terms() -> frozenset[str]:
    return frozenset(term for word in (*_NUMBER_WORDS, *_MAGNITUDES, *_MONTHS) for term in analyze(word))


@lru_cache(maxsize=1)
def _stance_terms() -> frozenset[str]:
    return frozenset(term for word in _STANCE for term in analyze(word))
