"""What in a statement its cited words do not bear out, found by rules: each finding names the words at fault.

The rules look for the ways in which a fluent sentence goes wrong while nearly all its words are right: another number
or a right one in the wrong place, another date or name, roles exchanged, a negation gained or lost, a word turned into
its opposite, a hedge dropped.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.keywords import analyze
from rag.analysis import STOP_WORDS
from rag.names import unify
from rag.placement import exchanged_sides, misplaced_items, other_parts
from rag.types import Problem
from rag.words import Token, Words, affirmed_terms, list_lines

_HEDGES = frozenset(
    "alleged allegedly reportedly apparently apparent purportedly supposedly ostensibly presumably possibly perhaps "
    "probably likely unconfirmed rumoured rumored rumour rumor suspected suspects suspect may might believed "
    "believe believes thought appears appeared seems seemed potentially tentative "
    "tentatively hinted hoped hopes hope expected expects".split()
)
"""Words by which an article keeps its distance, whoever says it."""

_CLAIMS = frozenset(
    "alleged alleges claimed claims claim accused accuses accuse suggested suggests charged reported".split()
)
"""Words by which an article reports what somebody holds against somebody; saying whose word it is keeps them."""

_SAYS = _CLAIMS | frozenset(
    "said says say according told report reports allegation allegations suspicion charge charges".split()
)

_REFUSALS = frozenset(term for word in "refuse fail decline forget neglect unable".split() for term in analyze(word))
"""Stems of words behind which "to do" something means that it was not done."""

NEARLY = 0.75
"""Share of a statement's needed terms that make a sentence nearly the same; all but one do in any case."""

_IMPLICIT = frozenset(
    term
    for word in "refuse fail deny decline lack prevent avoid unable neither reject rule stop without".split()
    for term in analyze(word)
)
"""Stems of words that negate without a negation."""

HEDGED_SHARE = 0.3
"""Share of a statement's needed terms that a sentence must have for its hedges to bear on the statement."""

HEDGE_REACH = 8
"""Content tokens behind a hedge that it can bear on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, and whether the statement is then `unsupported` rather than `partial` at most."""

    problem: Problem
    forbids: bool


_OF_NAME = ("n", "an", "ian", "ean", "ese", "i", "ish", "s", "ns", "ans", "ians", "eans")
MIN_NAME = 4
"""Fewest letters of a name that is looked for with the endings of `_OF_NAME`."""


def find_problems(statement: Words, evidence: Sequence[Words], known: frozenset[str] = frozenset()) -> list[Finding]:
    """What the evidence, a sentence each, does not bear out. None found does not mean that the statement is true.

    `known` are terms that the statement may hold though the evidence does not.
    """
    together = Words.union(evidence)
    alike = [words for words in evidence if _is_nearly(statement, words)]
    found = [
        *_findings(_missing_numbers(statement, together, known), forbids=True),
        *_findings(_negated_there(statement, evidence), forbids=True),
        *_findings(_refused_there(statement, evidence), forbids=True),
        *_findings(_negated_here(statement, together), forbids=bool(alike)),
        *_findings(_negated_elsewhere(statement, together), forbids=False),
        *_findings(_opposites(statement, together), forbids=False),
        *_findings(_missing_names(statement, together, known), forbids=False),
        *_findings(misplaced_items(statement, evidence, known), forbids=False),
        *_findings(exchanged_sides(statement, evidence), forbids=False),
        *_findings(other_parts(statement, evidence), forbids=False),
        *_findings(_dropped_hedges(statement, evidence), forbids=False),
    ]
    for words in alike:
        found += _findings(_opposites(statement, words), forbids=True)
    return found


def _findings(problems: Iterable[Problem], *, forbids: bool) -> list[Finding]:
    return [Finding(problem, forbids) for problem in problems]


def _is_nearly(statement: Words, sentence: Words) -> bool:
    """True if a sentence holds nearly all of a statement, so that one word of difference is the difference."""
    return len(statement.needed - sentence.needed) <= max(1, (1 - NEARLY) * len(statement.needed))


def _missing_numbers(statement: Words, together: Words, known: frozenset[str]) -> Iterator[Problem]:
    for token in statement.tokens:
        if token.kind == "number" and not token.terms <= together.numbers | known:
            yield Problem("number", token.text)
        elif token.kind == "date" and not token.terms <= together.numbers | together.terms | known:
            yield Problem("date", token.text)


def _missing_names(statement: Words, together: Words, known: frozenset[str]) -> Iterator[Problem]:
    held = together.terms | together.content | known
    missing: list[str] = []
    for token in (*statement.tokens, None):
        is_missing = (
            token is not None
            and token.kind == "name"
            and not token.terms - STOP_WORDS <= held
            and not _is_known_name(token, together)
        )
        if is_missing and token is not None:
            missing.append(token.text)
        elif missing:
            yield Problem("name", " ".join(missing))
            missing = []


def _is_known_name(token: Token, together: Words) -> bool:
    """True if the evidence has the name in another form: `American` for `United States`."""
    found = set(unify(token.text))
    if found and found <= together.content:
        return True
    name = token.text.lower().removesuffix("'s").removesuffix("’s")
    return any(_is_of(name, other.text.lower()) for other in together.tokens if other.kind == "name")


def _is_of(name: str, other: str) -> bool:
    """True if one of two names is that of the other's people or things: `Malvian` and `Malvia`, not `Niger` and
    `Nigeria`."""
    short, long = sorted((name, other.removesuffix("'s").removesuffix("’s")), key=len)
    stems = (short, short.rstrip("aeio"))
    return len(short) >= MIN_NAME and any(long == stem + ending for stem in stems for ending in _OF_NAME)


def _negated_there(statement: Words, evidence: Sequence[Words]) -> Iterator[Problem]:
    """Words that the evidence negates, and nowhere else affirms, and the statement does not negate."""
    negated = frozenset().union(*(words.negated for words in evidence))
    affirmed = frozenset().union(*map(affirmed_terms, evidence))
    found = negated & statement.terms - affirmed
    if not statement.has_negation and found:
        yield Problem("negation", ", ".join(_texts(statement, found)))


def _refused_there(statement: Words, evidence: Sequence[Words]) -> Iterator[Problem]:
    """Words that somebody refused or failed to do, told as done: "failed to warn"."""
    if statement.has_negation or _REFUSALS & statement.terms:
        return
    for sentence in evidence:
        for index, token in enumerate(sentence.tokens[:-2]):
            behind = sentence.tokens[index + 1 : index + 3]
            if token.terms & _REFUSALS and behind[0].text.lower() == "to" and behind[1].terms & statement.terms:
                yield Problem("negation", token.text)
                return


def _negated_here(statement: Words, together: Words) -> Iterator[Problem]:
    """A negation that the evidence has nowhere, or of a word that it affirms and nowhere negates."""
    if not statement.has_negation:
        return
    affirmed = frozenset(_heads(statement)) & together.terms - together.negated
    if not together.has_negation and not _IMPLICIT & together.terms:
        yield Problem("negation", ", ".join(_negations_of(statement)))
    elif affirmed and together.has_negation:
        yield Problem("negation", ", ".join(_texts(statement, affirmed)))


def _negated_elsewhere(statement: Words, together: Words) -> Iterator[Problem]:
    """A negation of words that the evidence does not negate, or only by a verb such as "refuse"."""
    if statement.has_negation and not statement.negated & together.negated:
        yield Problem("negation", ", ".join(_negations_of(statement)))


def _heads(statement: Words) -> Iterator[str]:
    """The first term of content behind each negation."""
    for index, token in enumerate(statement.tokens):
        if token.kind != "negation":
            continue
        for later in statement.tokens[index + 1 :]:
            if later.clause != token.clause:
                break
            if later.kind == "word" and later.is_content:
                yield from later.terms
                break


def _negations_of(statement: Words) -> list[str]:
    return list(dict.fromkeys(token.text for token in statement.tokens if token.kind == "negation"))


def _opposites(statement: Words, together: Words) -> Iterator[Problem]:
    """Words of which the evidence has an opposite and neither the word itself nor one that means the same."""
    for token in statement.tokens:
        for term in token.terms if token.kind == "word" else ():
            if term in together.terms:
                continue
            for alike, opposite in _opposites_of().get(term, ()):
                if opposite & together.terms and not alike & together.terms:
                    yield Problem("stance", token.text)
                    break


def _dropped_hedges(statement: Words, evidence: Sequence[Words]) -> Iterator[Problem]:
    """Hedges of the evidence that bear on words of a statement which has none.

    Saying whose word it is keeps "claimed" and "accused", not "may" and "reportedly". "Could" is a hedge
    against a statement that says "will", and so is "would" where nobody is said to say it.
    """
    said = {token.text.lower() for token in statement.tokens}
    if said & _HEDGES or any(term.startswith("alleg") for term in statement.terms):
        return
    hedges = _HEDGES if said & _SAYS else _HEDGES | _CLAIMS
    if "will" in said:
        hedges = hedges | ({"could"} if said & _SAYS else {"could", "would"})
    for sentence in evidence:
        if len(statement.needed & sentence.needed) < HEDGED_SHARE * len(statement.needed):
            continue
        for index, token in enumerate(sentence.tokens):
            if token.text.lower() not in hedges or token.kind == "date":
                continue
            behind = [other for other in sentence.tokens[index + 1 :] if other.is_content][:HEDGE_REACH]
            before = [t for t in sentence.tokens[:index] if t.is_content and t.clause == token.clause]
            bears_on = {term for other in (*before, *behind) for term in other.terms}
            if len(bears_on & statement.needed) >= 2:
                yield Problem("hedge", token.text)
                return


def _texts(words: Words, terms: frozenset[str]) -> list[str]:
    return list(dict.fromkeys(token.text for token in words.tokens if token.terms & terms))


def stands_for(term: str, evidence: Words) -> bool:
    """True if the evidence has the term, or one that means the same in the list of opposites."""
    return term in evidence.terms or any(alike & evidence.terms for alike, _ in _opposites_of().get(term, ()))


@lru_cache(maxsize=1)
def _opposites_of() -> dict[str, list[tuple[frozenset[str], frozenset[str]]]]:
    """For each term, the terms that mean the same and those that mean the opposite, once for each line that has it."""
    found: dict[str, list[tuple[frozenset[str], frozenset[str]]]] = {}
    for line in list_lines("opposites.txt"):
        left, right = (
            frozenset(term for word in side.split() if "-" not in word for term in analyze(word))
            for side in line.split("/")
        )
        for own, other in ((left, right), (right, left)):
            for term in own:
                found.setdefault(term, []).append((own, other))
    return found
