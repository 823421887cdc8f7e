"""A proposed question, and the articles that questions are proposed from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eval.types import Evidence
from index.dates import format_published
from index.types import Article, first_words
from rag.evidence import Structure, sentences_of

if TYPE_CHECKING:
    from index.library import Library

NEAR_MISS = "near-miss"
"""Type of the unanswerable questions, and the beginning of their methods' names."""

_COLLECTIVE_SOURCES = frozenset({"agencies", "staff", "wires", "newswires"})
"""Sources that name nobody, so that "the Agencies article" is no name of an article."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that is proposed for a set: nobody has read it yet.

    The first fields are those of a question set's line. `method` says how it was made: `attribution`, `quotation`,
    `number`, `date`, `person`, `model:NAME`, or `near-miss:` and what was altered. `sentence` is the sentence that it
    was made from, `note` what the reviewer should know.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    answerable: bool
    type: str
    method: str
    sentence: str
    note: str
    cluster: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The line of a question set, marked as a proposal: `"review": "proposed"`."""
        return {
            "id": self.id,
            "question": self.question,
            "answers": list(self.answers),
            "evidence": [{"article": place.article, "quote": place.quote} for place in self.evidence],
            "answerable": self.answerable,
            "type": self.type,
            "cluster": self.cluster,
            "review": "proposed",
            "draft": {"method": self.method, "sentence": self.sentence, "note": self.note},
        }

    def numbered(self, position: int) -> "Draft":
        """The draft with the identifier of its place in the file, counted from 1."""
        return replace(self, id=f"draft-{position:03}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that a rule made of a story, before anything was compared with the rest of the collection.

    `positions` are the sentences that hold the answer, the one that it was made from first. `names_itself` is false
    where something in it is only known from the article, which then has to be named.
    """

    question: str
    answers: tuple[str, ...]
    positions: tuple[int, ...]
    method: str
    names_itself: bool


@dataclass(frozen=True)
class Story:
    """An article with its sentences, and the `name` by which evidence points to it."""

    article: Article
    name: str

    @cached_property
    def structure(self) -> Structure:
        """Spans, speakers and quotation states of the sentences."""
        return sentences_of(self.article.article_id, self.article.text)

    @cached_property
    def body(self) -> str:
        """The text on one line."""
        return " ".join(self.article.text.split())

    @cached_property
    def small_words(self) -> frozenset[str]:
        """Words that the article writes with a small letter."""
        return frozenset(re.findall(r"(?<![\w’'])[a-z][a-z]+(?![’'])", self.article.text))

    @property
    def published(self) -> str | None:
        """The year of publication, `None` where it is not stated."""
        stated = self.article.published
        return stated[:4] if stated is not None and stated[:4].isdigit() else None

    @property
    def dated_label(self) -> str | None:
        """How a question can name the article by source and date, or by a date with its year; `None` if it cannot."""
        article = self.article
        if not article.published:
            return None
        known = article.source and article.source.lower() not in _COLLECTIVE_SOURCES
        source = re.sub(r"^The ", "", article.source or "") if known else ""
        day = format_published(article.published)
        return " ".join(f"the {source} article of {day}".split()) if source or self.published else None

    @property
    def titled_label(self) -> str | None:
        """How a question can name the article by its title, `None` if none is stated."""
        title = self.article.title.strip("[] ")
        has_title = title and self.article.title != first_words(self.article.text) and not title.endswith("…")
        return f"the article “{title.strip('‘’“”')}”" if has_title else None

    def quote(self, position: int) -> str:
        """The exact words of a sentence."""
        span = self.structure.spans[position]
        return self.article.text[span.start : span.end]

    def sentence(self, position: int) -> str:
        """The words of a sentence on one line."""
        return " ".join(self.quote(position).split())

    def evidence(self, *positions: int) -> tuple[Evidence, ...]:
        """Each of the sentences once, in their order."""
        return tuple(Evidence(self.name, self.quote(position)) for position in sorted(set(positions)))


def stories(library: "Library", article_ids: list[str]) -> Iterator[Story]:
    """The articles, read one after the other, each named by its file name if that is unique, else by its origin."""
    names: dict[str, int] = {}
    for origin in library.origins():
        name = _file_name(origin)
        names[name] = names.get(name, 0) + 1
    for identifier in article_ids:
        article = library.article(identifier)
        name = _file_name(article.origin)
        yield Story(article, name if names[name] == 1 else article.origin)


def _file_name(origin: str) -> str:
    return origin.rsplit("/", 1)[-1]
