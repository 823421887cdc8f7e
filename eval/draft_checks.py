"""What the rest of a collection says about a proposed question, found by keyword search.

A question that two articles answer differently is not unambiguous, and one that was altered so that it has no answer
may have one after all. Both are looked for in the passages that share most words with the question. The search reads
words, not meaning: it can miss an answer in other words, which is why a person has to look.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from index.sentences import split_sentences
from index.types import Passage, SearchFilter
from rag.analysis import STOP_WORDS
from rag.names import unify

if TYPE_CHECKING:
    from index.library import Library

SEARCHED_PASSAGES = 30
"""Passages looked at for one question. Of 110 questions made of the seeds and the harbour set, all of whose
terms a passage holds, it was among the first five by BM25 every time; 30 leaves room for larger collections."""

RIVAL_SHARE = 0.7
"""Share of a question's content terms in a sentence of which it may ask as well."""

ANSWERING_SHARE = 0.5
"""Share of the terms that were not altered by which three sentences with the altered ones count as an answer. Low,
because a near-miss that is answered is worse than one that is not proposed."""


@lru_cache(maxsize=50_000)
def content_terms(text: str) -> frozenset[str]:
    """The content terms of a text as `rag.names.unify` gives them, numbers of one digit among them."""
    return frozenset(term for term in unify(text) if term not in STOP_WORDS and (len(term) > 1 or term.isdigit()))


class Checker:
    """Looks questions up in a library."""

    def __init__(self, library: "Library") -> None:
        self._library = library

    def rivals(self, question: str, answers: Iterable[str], quotes: Iterable[str]) -> frozenset[str]:
        """Articles with a sentence, not one of the quotes, that the question may ask of and that holds no answer."""
        asked = content_terms(question)
        known = [" ".join(quote.split()) for quote in quotes]
        found = set()
        for passage in self._passages(question):
            for sentence in _sentences(passage):
                if any(sentence in quote or quote in sentence for quote in known):
                    continue
                share = len(asked & content_terms(sentence)) / max(len(asked), 1)
                if share >= RIVAL_SHARE and not any(answer.lower() in sentence.lower() for answer in answers):
                    found.add(passage.article_id)
        return frozenset(found)

    def may_answer(self, question: str, altered: str) -> bool:
        """True if three neighbouring sentences hold the altered words and half of what else the question names.

        Also if one passage holds all of its content terms.
        """
        needed = content_terms(altered)
        others = content_terms(question) - needed
        for passage in self._passages(f"{question} {altered}"):
            if needed | others <= content_terms(passage.text):
                return True
            sentences = list(_sentences(passage))
            for position in range(len(sentences)):
                terms = content_terms(" ".join(sentences[max(position - 1, 0) : position + 2]))
                if needed <= terms and len(others & terms) >= ANSWERING_SHARE * len(others):
                    return True
        return False

    def together(self, thing: str, name: str) -> bool:
        """True if an article that names the thing, or one of the passages about it, names the person as well."""
        for hit in self._library.keyword(f"{thing} {name}", SEARCHED_PASSAGES, SearchFilter()):
            text = " ".join(self._library.article(hit.passage.article_id).text.split())
            if content_terms(name.split()[-1]) <= content_terms(text) and thing.lower() in text.lower():
                return True
        return False

    def is_known(self, text: str) -> bool:
        """True if a passage holds one of the terms of a text."""
        return any(self._library.document_frequency(sorted(unify(text))).values())

    def _passages(self, text: str) -> list[Passage]:
        return [hit.passage for hit in self._library.keyword(text, SEARCHED_PASSAGES, SearchFilter())]


def _sentences(passage: Passage) -> Iterator[str]:
    for span in split_sentences(passage.text):
        yield " ".join(passage.text[span.start : span.end].split())
