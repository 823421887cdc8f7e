"""Is each name, number and date of a statement with the words that it is with in the evidence?

"Marimo won the run-off" has only words of "Dlaka won the run-off, Marimo conceded", and says something else. So each
item of the statement is looked up in the evidence, and the words around it here are compared with the words around it
there. If they stand nearer to another item of the same kind there, the item is out of place. Words are taken for near
by how many words of content lie between, with something added for each part of the sentence that begins between.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Literal

from index.keywords import analyze
from rag.attributions import ROLES
from rag.names import unify
from rag.types import Problem
from rag.words import INITIALISMS, Token, Words

REACH = 7.0
"""Distance beyond which words have nothing to do with each other."""

CLAUSE_DISTANCE = 1.0
"""What the beginning of another part of the sentence adds to a distance."""

CLEARLY = 1.25
"""How many times as well the words have to fit another item as the one of the statement."""

CROSSED = 1.1
"""How many times as well the words of two items have to fit crosswise."""

LEAST_FIT = 0.02
"""Fit below which words agree by chance."""

SIDES = (1, 2, 4)
"""Words of content on each side of a word of which two sentences say who does what to whom: the next, near ones, and
those with what stands between, as "secretary" in "the union secretary Owen Marsh accused"."""

BESIDE = 2
"""Most words between two names that stand side by side."""

_BE = frozenset("be is are was were been being".split())
_DIRECTIONS = {"from": "to", "to": "from", "for": "against", "against": "for"}


ItemKind = Literal["name", "number", "date"]


@dataclass(frozen=True, slots=True)
class Item:
    """Neighbouring names, or a number or date with its parts: its kind, terms, first and last index in its sentence,
    and the words around it with their weights, 0..1, the nearer the heavier."""

    kind: ItemKind
    sentence: int
    terms: frozenset[str]
    first: int
    last: int
    around: Mapping[str, float]


def misplaced_items(
    statement: Words, evidence: Sequence[Words], known: frozenset[str] = frozenset()
) -> Iterator[Problem]:
    """The names, numbers and dates of a statement whose words the evidence, a sentence each, has of others.

    Two items of the statement are exchanged if their words fit each other's place better than their own; an item
    stands in another's place if its words clearly fit one better that the statement does not have. A name right beside
    the item, as in "Varnholt of Kestria", is none. Items of `known` terms, such as the article's source, and a speaker
    in front of a statement ("Varnholt: …") have no place in the evidence.
    """
    there = [item for number, sentence in enumerate(evidence) for item in items_of(sentence.tokens, number)]
    stated = items_of(statement.tokens)
    for item in stated:
        if item.terms <= known or _is_lead(item, statement):
            continue
        own, others = _own_and_others(item, there)
        if own is None:
            yield _problem(item, statement)
        if not own:
            continue
        fit = max(_fit(item, other) for other in own)
        beside = {id(near) for near in others for other in own if _is_beside(near, other)}
        for rival in others:
            if id(rival) in beside:
                continue
            found = _fit(item, rival)
            twin = next((one for one in stated if one.kind == item.kind and one.terms & rival.terms), None)
            if twin is None or twin is item:
                is_wrong = found > max(CLEARLY * fit, LEAST_FIT)
            else:
                twins_own = [other for other in there if other.kind == twin.kind and other.terms & twin.terms]
                straight = fit + max((_fit(twin, other) for other in twins_own), default=0.0)
                crossed = found + max(_fit(twin, other) for other in own)
                is_wrong = crossed > max(CROSSED * straight, LEAST_FIT)
            if is_wrong:
                yield _problem(item, statement)
                break


def _own_and_others(item: Item, there: Sequence[Item]) -> tuple[list[Item] | None, list[Item]]:
    """The items of the evidence that are this one, and the others of its kind.

    `None` for one whose parts the evidence has only in different ones: "2 February" of "2 March" and "10 February".
    """
    alike = [other for other in there if other.kind == item.kind]
    own = [other for other in alike if item.terms & other.terms]
    terms = item.terms
    if item.kind == "name":
        # "Judge Morake" of "Palesa Morake, a judge"; but not "Luka Vukadin" of "Goran Vukadin" and "Luka".
        terms = (terms - _role_terms()) & frozenset().union(*(other.terms for other in alike)) or terms
    whole = [other for other in own if terms <= other.terms or other.terms <= terms]
    if own and not any(terms <= other.terms for other in own) and (item.kind == "name" or not whole):
        return None, []
    return whole, [other for other in alike if other not in whole]


@lru_cache(maxsize=1)
def _role_terms() -> frozenset[str]:
    return frozenset(term for role in ROLES for term in analyze(role))


def _is_lead(item: Item, statement: Words) -> bool:
    """True for a name that a statement begins with and a colon follows."""
    name = " ".join(token.text for token in statement.tokens[: item.last + 1]).casefold()
    return item.kind == "name" and item.first == 0 and statement.folded.startswith(f"{name}:")


def _is_beside(near: Item, other: Item) -> bool:
    """True if two names of one sentence stand side by side, or two parts of a date, as in "Sunday, 8 May"."""
    if near.sentence != other.sentence or near.kind == "number":
        return False
    between = max(near.first - other.last, other.first - near.last) - 1
    return between <= (BESIDE if near.kind == "name" else 0)


def _problem(item: Item, statement: Words) -> Problem:
    return Problem(item.kind, " ".join(token.text for token in statement.tokens[item.first : item.last + 1]))


def exchanged_sides(statement: Words, evidence: Sequence[Words]) -> Iterator[Problem]:
    """Words on the two sides of another that stand the other way round in the evidence: "A sued B" for "B sued A",
    and "from A to B" for "from B to A"."""
    for sentence in evidence:
        for reach in SIDES:
            wrong = _exchanged(statement.tokens, sentence.tokens, reach)
            if wrong is not None:
                yield wrong
                return
        directions = dict(_directions(sentence.tokens))
        for terms, direction in _directions(statement.tokens):
            if directions.get(terms) == _DIRECTIONS[direction]:
                yield Problem("name", f"{direction} {' '.join(sorted(terms))}")
                return


def other_parts(statement: Words, evidence: Sequence[Words]) -> Iterator[Problem]:
    """Names such as "Chamber of Shipping" of which the evidence has only the first with another part: "Chamber of
    Exporters"."""
    there: dict[frozenset[str], set[frozenset[str]]] = {}
    for sentence in evidence:
        for first, part, _ in _of_pairs(sentence.tokens):
            there.setdefault(first, set()).add(part)
    for first, part, words in _of_pairs(statement.tokens):
        if first in there and part not in there[first]:
            yield Problem("name", words)


def _of_pairs(tokens: Sequence[Token]) -> Iterator[tuple[frozenset[str], frozenset[str], str]]:
    for first, of, part in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if first.kind == part.kind == "name" and of.text == "of":
            yield first.terms, part.terms, f"{first.text} of {part.text}"


def items_of(tokens: Sequence[Token], sentence: int = 0) -> list[Item]:
    """The names, numbers and dates of a sentence, which has that number."""
    found = []
    position = 0
    for (kind, _), group in groupby(tokens, key=lambda token: (_item_kind(token), token.clause)):
        run = list(group)
        first, position = position, position + len(run)
        if kind is None:
            continue
        if kind == "number" and any(token.kind == "date" for token in run):
            kind = "date"
        terms = frozenset(term for token in run for term in token.terms)
        if kind == "name":
            terms = _one_form(run) or terms
        found.append(Item(kind, sentence, terms, first, position - 1, _around(tokens, first, position - 1)))
    return _coordinated(found, tokens)


def _one_form(run: Sequence[Token]) -> frozenset[str]:
    """The terms of a name in the form that a country, its capital and its people share."""
    words = [token.text.removesuffix("'s").removesuffix("’s") for token in run]
    return frozenset(unify(" ".join(INITIALISMS.get(word, word) for word in words)))


def _coordinated(items: list[Item], tokens: Sequence[Token]) -> list[Item]:
    """The items; names that "and" or "or" joins have the same words around them: in "Ana and Boris left" both did."""
    joined = list(items)
    for place, (one, other) in enumerate(pairwise(items)):
        between = [token.text.lower() for token in tokens[one.last + 1 : other.first]]
        if one.kind == other.kind == "name" and between in (["and"], ["or"]):
            around = {
                term: max(joined[place].around.get(term, 0.0), other.around.get(term, 0.0))
                for term in {*joined[place].around, *other.around}
            }
            joined[place], joined[place + 1] = replace(joined[place], around=around), replace(other, around=around)
    return joined


def _item_kind(token: Token) -> ItemKind | None:
    return "number" if token.kind in ("number", "date") else "name" if token.kind == "name" else None


def _around(tokens: Sequence[Token], first: int, last: int) -> dict[str, float]:
    weights: dict[str, float] = {}
    for step, start in ((-1, first), (1, last)):
        distance, clause, position = 0.0, tokens[start].clause, start + step
        while 0 <= position < len(tokens):
            token = tokens[position]
            distance += CLAUSE_DISTANCE * abs(token.clause - clause)
            clause = token.clause
            if token.is_content:
                distance += 1.0
                if distance > REACH:
                    break
                for term in token.terms:
                    weights[term] = max(weights.get(term, 0.0), 1.0 / distance)
            position += step
    return weights


def _fit(item: Item, other: Item) -> float:
    """How well the words around two items agree, 0 or more; higher is better."""
    return sum(weight * other.around.get(term, 0.0) for term, weight in item.around.items())


def _exchanged(own: Sequence[Token], theirs: Sequence[Token], reach: int) -> Problem | None:
    there: dict[str, list[_Side]] = {}
    for side in _sides(theirs, reach):
        there.setdefault(side.term, []).append(side)
    for side in _sides(own, reach):
        others = [other for other in there.get(side.term, ()) if other.passive == side.passive]
        if any(side.left & other.left and side.right & other.right for other in others):
            continue
        for other in others:
            crosses = side.left & other.right and side.right & other.left
            if crosses and not side.left & other.left and not side.right & other.right:
                return Problem("name", f"{', '.join(sorted(side.left & other.right))} {side.term}")
    return None


@dataclass(frozen=True, slots=True)
class _Side:
    """A word of content, the terms of those on each side of it, and whether it looks like a passive: "by" is near
    behind it, or a form of "be" near before it."""

    term: str
    left: frozenset[str]
    right: frozenset[str]
    passive: bool


def _sides(tokens: Sequence[Token], reach: int) -> Iterator[_Side]:
    content = [(index, token) for index, token in enumerate(tokens) if token.is_content]
    for place, (index, token) in enumerate(content):
        if token.kind != "word":
            continue
        left = frozenset(t for _, other in content[max(0, place - reach) : place] for t in other.terms)
        right = frozenset(t for _, other in content[place + 1 : place + 1 + reach] for t in other.terms)
        passive = any(other.text.lower() == "by" for other in tokens[index + 1 : index + 3]) or any(
            other.text.lower() in _BE for other in tokens[max(0, index - 2) : index]
        )
        for term in token.terms:
            yield _Side(term, left - {term}, right - {term}, passive)


def _directions(tokens: Sequence[Token]) -> Iterator[tuple[frozenset[str], str]]:
    for before, token in pairwise(tokens):
        if before.text.lower() in ("from", "to") and token.kind in ("name", "number", "date"):
            yield token.terms, before.text.lower()
        if token.text.lower() in ("for", "against") and before.kind == "word" and before.is_content:
            yield before.terms, token.text.lower()
