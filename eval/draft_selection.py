"""Which of many proposals are taken: methods and articles in turns, and no two that are alike."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from eval.draft_checks import content_terms
from eval.draft_types import Candidate, Draft, Story

ALIKE = 0.6
"""Share of common content terms, of all that two questions have, from which on they count as the same question."""


def in_turns(candidates: Sequence[tuple[Story, Candidate]], rng: random.Random) -> Iterator[tuple[Story, Candidate]]:
    """The candidates so that methods take turns, and within a method the articles."""
    by_method: dict[str, dict[str, list[tuple[Story, Candidate]]]] = {}
    for story, candidate in candidates:
        of_method = by_method.setdefault(candidate.method, {})
        of_method.setdefault(story.article.article_id, []).append((story, candidate))
    queues = []
    for method in sorted(by_method):
        of_articles = list(by_method[method].values())
        rng.shuffle(of_articles)
        for found in of_articles:
            rng.shuffle(found)
        queues.append([pair for round_ in zip_longest(*of_articles) for pair in round_ if pair is not None])
    for round_ in zip_longest(*queues):
        yield from (pair for pair in round_ if pair is not None)


class Chosen:
    """Drafts of which no two ask the same: neither in nearly the same words nor of the same sentence."""

    def __init__(self, dropped: Counter[str], taken: Iterable[Draft] = ()) -> None:
        self.drafts: list[Draft] = []
        self._dropped = dropped
        self._terms = [content_terms(draft.question) for draft in taken]
        self._sentences = {draft.sentence for draft in taken}

    def add(self, draft: Draft) -> bool:
        """Adds the draft unless one like it is there; returns whether it did."""
        terms = content_terms(draft.question)
        is_alike = any(len(terms & other) >= ALIKE * len(terms | other) for other in self._terms)
        if is_alike or (draft.sentence and draft.sentence in self._sentences):
            self._dropped["like another question"] += 1
            return False
        self._terms.append(terms)
        self._sentences.add(draft.sentence)
        self.drafts.append(draft)
        return True


def first_of(drafts: Iterator[Draft]) -> Iterator[Draft]:
    """At most one of the drafts."""
    for draft in drafts:
        yield draft
        return


def alternating(first: Iterator[Draft], second: Iterator[Draft]) -> Iterator[Draft]:
    """Two of the first and one of the second in turns, and when one ends the rest of the other."""
    ended = object()
    while True:
        got = [next(first, ended), next(first, ended), next(second, ended)]
        yield from (draft for draft in got if isinstance(draft, Draft))
        if all(draft is ended for draft in got):
            return
