"""How well cited words support a statement, decided by rules: deterministic, conservative, without a model.

A rule can miss that two sentences mean the same; it must not call a statement supported that says something else.
So every number, name, negation and word of stance of the statement has to stand in the cited words, and its other
words nearly all. What rules cannot see: the same words with their roles exchanged ("A told B", "B told A").
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.keywords import analyze
from index.types import Span
from rag.analysis import MONTHS, STOP_WORDS
from rag.names import unify
from rag.types import Support

SUPPORTED_COVERAGE = 0.8
"""Share of a statement's content terms that the cited words must hold for `supported`: one word in five may be the
model's own, provided that it is no number, name, negation or word of stance. Measured with `dateline eval claims` on
the 349 claims of the development set of WiCE (claims of an encyclopedia), against the whole page that each cites: of
the 54 claims that get `supported`, people judged 37 fully supported, 17 partly and none not; at 0.9 it is 24 of 33, at
0.7 it is 49 of 71. Against the sentences alone that people marked, 35 of 42; 15 of 18; 49 of 57."""

PARTIAL_COVERAGE = 0.5
"""Share of a statement's content terms below which the cited words do not carry it. With the other rules it leaves
30 of the 43 unsupported claims of WiCE's development set `unsupported` against the whole page, and 42 of the 115
supported ones as well."""

NEGATION_WINDOW = 3
"""Content terms behind a negation that count as negated."""

MIN_QUOTED_WORDS = 3
"""Fewest words between quotation marks that count as a quotation; fewer are a name or a scare quote."""

_NEGATIONS = frozenset("not no never none nobody nothing neither nor without cannot hardly barely".split())
_STANCE = frozenset(
    "support oppose back reject accept adopt approve veto pass block allow permit ban forbid prohibit agree disagree "
    "refuse deny confirm admit increase decrease rise fall grow shrink raise lower cut expand reduce gain lose win "
    "begin start end stop resume impose lift ease tighten strengthen weaken relax join leave enter before after more "
    "less fewer above below all every only always both first last guilty innocent true false success fail failure "
    "ally enemy buy sell import export invade withdraw attack defend praise condemn criticise criticize welcome "
    "suspect alleged arrest release open close majority minority against deputy vice assistant acting former".split()
)
"""Words of which another one in the same place turns a statement round."""

_CONNECTIVES = frozenset(
    "additionally moreover furthermore however meanwhile overall finally similarly specifically notably consequently "
    "therefore thus hence also besides instead nevertheless nonetheless although though while whereas since because "
    "unlike despite yes first second third lastly later earlier then today yesterday".split()
)
"""Words that begin a statement with a capital letter and are no names."""

_INITIALISMS = {"US": "united states", "USA": "united states", "UN": "united nations", "UK": "united kingdom",
                "EU": "european union"}  # fmt: skip
_SMALL_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL_NUMBERS) if word != "one"} | {
    word: str(10 * value) for value, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)
}
_MAGNITUDES = frozenset("dozen hundred thousand million billion trillion half percent".split())
_UNITS = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "tn": "trillion"}
_ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th"})
_MONTHS = {month[:3]: month for month in MONTHS if month != "may"} | {"sept": "september"}

_MAY = "=may"
"""The month, which as a term could not be told from the verb."""

_DOTTED_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|%|[^\W\d_]+(?:['’][^\W\d_]+)*")
_CLAUSE_END = re.compile(r"[,;:.!?…()—–]|--")
_PER_CENT = re.compile(r"\b([Pp])er cent\b")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_QUOTATION = re.compile(
    r"“([^“”\n]+)”|«([^«»\n]+)»|„([^„“”\n]+)[“”]|(?<![\w\"])\"(?=\S)([^\"\n]+)(?<=\S)\"(?!\w)"
    r"|‘((?:[^‘’\n]|(?<=\w)’(?=\w))+)’(?!\w)|(?<!\w)'(?=\w)((?:[^'\n]|(?<=\w)'(?=\w))+)'(?!\w)"
)
_LEFT_OUT = re.compile(r"…|\.{3}|[\[(][^\])]*[\])]")
_FOLDED = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "‑": "-", "‐": "-"} | dict.fromkeys('"“”„«»')
)
_EDGES = " \t\n.,;:!?…'*_`-"


@dataclass(frozen=True, slots=True)
class Words:
    """What a text states, in a form in which two texts compare.

    `content` are its content terms (`rag.names.unify`), `terms` all its terms, `names` the terms of its capitalised
    words, `numbers` its numbers in digits with the words of magnitude, `stance` its words of stance. `negated` are the
    content terms soon after a negation in its clause, `has_negation` whether there is one. `folded` is the text for
    verbatim search.
    """

    content: frozenset[str]
    terms: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[str]
    stance: frozenset[str]
    negated: frozenset[str]
    has_negation: bool
    folded: str

    @classmethod
    def of(cls, text: str) -> "Words":
        """The words of one sentence or statement."""
        joined = _DOTTED_INITIALS.sub(lambda match: match[0].replace(".", ""), text)
        joined = _PER_CENT.sub(r"\1ercent", joined)
        ordered: list[str] = []
        names: set[str] = set()
        numbers: set[str] = set()
        stance: set[str] = set()
        negations: list[int] = []
        clauses: list[int] = [0]
        end = end_of_number = -1
        for match in _TOKEN.finditer(joined):
            token = match[0]
            if _CLAUSE_END.search(joined, max(end, 0), match.start()) or token == "but":
                clauses.append(len(ordered))
            end = match.end()
            if token[0].isdecimal() or token == "%":
                numbers.add("percent" if token == "%" else _number(token))
                end_of_number = match.end()
                continue
            lower = token.lower().replace("’", "'")
            if match.start() == end_of_number and (lower in _UNITS or lower in _ORDINAL_ENDINGS):
                numbers.update({_UNITS[lower]} if lower in _UNITS else ())
                continue
            if lower in _NEGATIONS or lower.endswith("n't"):
                if not joined[match.end() :].lower().startswith(" only"):
                    negations.append(len(ordered))
                continue
            lower = lower.removesuffix("'s").removesuffix("'")
            singular = lower.removesuffix("s")
            if lower in _NUMBER_WORDS or singular in _MAGNITUDES:
                numbers.add(_NUMBER_WORDS.get(lower, singular))
                continue
            if token == "May" and (match.start() > 0 or joined[match.end() :].lstrip()[:1].isdecimal()):
                ordered.append(_MAY)
                names.add(_MAY)
                continue
            expanded = _INITIALISMS.get(token.removesuffix("'s").removesuffix("’s")) or _MONTHS.get(lower, lower)
            found = analyze(expanded)
            ordered.extend(found)
            if token[0].isupper() and lower not in _CONNECTIVES and not STOP_WORDS.issuperset(found):
                names.update(found)
            stance.update(term for term in found if term in _stance_terms())
        negated = {term for position in negations for term in _scope(ordered, position, clauses)}
        return cls(
            content=frozenset(term for term in unify(joined) if _is_content(term)),
            terms=frozenset(ordered),
            names=frozenset(names),
            numbers=frozenset(numbers),
            stance=frozenset(stance),
            negated=frozenset(negated),
            has_negation=bool(negations),
            folded=fold(text),
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
        )

    @property
    def needed(self) -> frozenset[str]:
        """What cited words have to hold: the content terms and the numbers."""
        return self.content | self.numbers


def judge(statement: Words, evidence: Words) -> Support:
    """How well the evidence supports the statement. Invented quotations are the caller's part: see `quotations`."""
    if not statement.needed or _turns_round(statement, evidence):
        return "unsupported"
    if stands_in(statement.folded, evidence.folded):
        return "verbatim"
    share = coverage(statement, evidence)
    if share < PARTIAL_COVERAGE or not statement.numbers <= evidence.numbers:
        return "unsupported"
    if share < SUPPORTED_COVERAGE or not statement.names | statement.stance <= evidence.terms:
        return "partial"
    return "supported"


def coverage(statement: Words, evidence: Words) -> float:
    """Share, 0..1, of what the statement needs that the evidence holds; 0 for a statement without content."""
    return len(statement.needed & evidence.needed) / len(statement.needed) if statement.needed else 0.0


def _turns_round(statement: Words, evidence: Words) -> bool:
    """True if one of the two negates what the other one states."""
    if statement.has_negation:
        return not evidence.has_negation or (
            bool(statement.negated) and bool(evidence.negated) and not statement.negated & evidence.negated
        )
    return bool(evidence.negated & statement.terms)


def _scope(ordered: Sequence[str], position: int, clauses: Sequence[int]) -> list[str]:
    """The terms that a negation before `position` of the terms negates; `clauses` are where clauses begin."""
    end = next((start for start in clauses if start > position), len(ordered))
    return [term for term in ordered[position:end] if term not in STOP_WORDS][:NEGATION_WINDOW]


def fold(text: str) -> str:
    """The text with double quotation marks left out, dashes and white space unified, and in lower case."""
    return " ".join(text.translate(_FOLDED).split()).casefold().strip(_EDGES)


def stands_in(words: str, text: str) -> bool:
    """True if the folded words stand in the folded text as whole words; empty words stand nowhere."""
    start = text.find(words) if words else -1
    while start >= 0:
        end = start + len(words)
        if not (text[start - 1 : start].isalnum() and words[0].isalnum()) and not (
            text[end : end + 1].isalnum() and words[-1].isalnum()
        ):
            return True
        start = text.find(words, start + 1)
    return False


def quotations(text: str) -> list[Span]:
    """Where the text quotes: the words between quotation marks on one line, at least `MIN_QUOTED_WORDS` of them."""
    spans = []
    for match in _QUOTATION.finditer(text):
        group = match.lastindex or 0
        if len(match[group].split()) >= MIN_QUOTED_WORDS:
            spans.append(Span(*match.span(group)))
    return spans


def is_quoted_from(quotation: str, article: str) -> bool:
    """True if the quoted words stand in the article's folded text, but for what an ellipsis or brackets leave out."""
    parts = [fold(part) for part in _LEFT_OUT.split(quotation)]
    return all(stands_in(part, article) for part in parts if part)


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
