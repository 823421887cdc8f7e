"""The types that `index` produces.

An article is what was read, a passage a slice of it, a hit a passage that a search found. Offsets are Unicode code
points of the stored article text, end exclusive; ranks count from 1; of scores, higher is better.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

ARTICLE_ID_LENGTH = 16
"""Hexadecimal digits of the text's SHA-256 that name an article (64 bits)."""


UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]+")
"""Zero-width, bidirectional and tag characters; the joiners that Persian and emoji are written with are none."""


def normalise_text(text: str) -> str:
    """The text as it is stored: NFC, line ends as `\\n`, no byte order mark. Offsets refer to this form."""
    return unicodedata.normalize("NFC", text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))


def sha256_hex(text: str) -> str:
    """SHA-256 of the text's UTF-8 form, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


VectorKind = Literal["exact", "compressed", "partitioned"]
"""How the vectors of passages are searched: every one as it is; all in a compressed form, with the best of them scored
again from the vectors as they are; or the same in the nearest parts only."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known about an article besides its text; `None` where it is not stated.

    `published` is ISO 8601, or the part of a date that is stated: `2017-06-03`, `2017-06`, `2017`, or `--12-25`
    (month and day of a year that is not given).
    """

    title: str | None = None
    source: str | None = None
    place: str | None = None
    author: str | None = None
    published: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One text with its metadata and the places it came from.

    `article_id` is the beginning of `sha256`, the digest of `text`: the same text is the same article wherever it
    came from, and an identifier can never come to mean other words. `origins` are absolute paths or URLs, sorted;
    a record of a JSON Lines or CSV file adds `#` and its key.
    """

    article_id: str
    sha256: str
    text: str
    title: str
    source: str | None
    place: str | None
    author: str | None
    published: str | None
    url: str | None
    origins: tuple[str, ...]

    @property
    def origin(self) -> str:
        """The first of the origins."""
        return self.origins[0]

    def at(self, origin: str) -> "Article":
        """The same article as it came from one origin."""
        return replace(self, origins=(origin,))

    @classmethod
    def from_text(cls, text: str, metadata: Metadata, origin: str) -> "Article":
        """The article of an already normalised text. A missing title is replaced by the text's first words."""
        digest = sha256_hex(text)
        return cls(
            article_id=digest[:ARTICLE_ID_LENGTH],
            sha256=digest,
            text=text,
            title=metadata.title or first_words(text),
            source=metadata.source,
            place=metadata.place,
            author=metadata.author,
            published=metadata.published,
            url=metadata.url,
            origins=(origin,),
        )


def first_words(text: str, limit: int = 80) -> str:
    """The beginning of a text on one line, at most `limit` characters, cut between words and marked with `…`.

    Signs that hide text or turn it around are left out.
    """
    line = " ".join(UNSEEN.sub("", text[: limit * 4]).split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:-–—") + "…"


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open range `[start, end)` of characters of an article's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of an article: `text == article.text[start:end]`.

    `context` (title and heading path) is given to the encoder in front of the text and is not part of the offsets.
    """

    passage_id: str
    article_id: str
    start: int
    end: int
    text: str
    context: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found.

    `rank` counts from 1. `score` (higher is better) is comparable within one search only. `dense_rank` and
    `keyword_rank` say where each of the two searches had it, `None` where that search did not return it.
    """

    passage: Passage
    rank: int
    score: float
    dense_rank: int | None = None
    keyword_rank: int | None = None


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Limits a search to articles published in `[date_from, date_to]` (both inclusive) from one of `sources`.

    An article whose date is stated in part counts if any day that fits the stated part lies in the range; one whose
    year is unknown cannot be placed in a range and is left out. Source names compare without regard to case.

    `as_of` is the day that a question is asked on: articles published later are left out, while those whose date is
    not known stay. `rag.retrieval` prefers what was published shortly before.
    """

    date_from: date | None = None
    date_to: date | None = None
    sources: frozenset[str] = field(default_factory=frozenset)
    as_of: date | None = None

    @property
    def is_empty(self) -> bool:
        """True if the filter lets every article through."""
        return self.date_from is None and self.date_to is None and not self.sources and self.as_of is None


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article without its text, as a listing shows it. `characters` and `passages` are counts."""

    article_id: str
    title: str
    source: str | None
    published: str | None
    url: str | None
    origins: tuple[str, ...]
    sha256: str
    characters: int
    passages: int


@dataclass(frozen=True, slots=True)
class Failure:
    """An origin that could not be indexed, and the reason in one sentence."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one run of indexing did, in articles; `failed` names each origin that could not be read."""

    added: int
    updated: int
    unchanged: int
    removed: int
    failed: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check looked at: what it is, whether it is well, and what was seen or what to do."""

    check: str
    ok: bool
    message: str
