"""Are the words that answers cited still in the library: unchanged, moved, edited or gone."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from index.errors import ArticleNotFoundError, InputError
from index.types import Article
from rag.types import Citation

if TYPE_CHECKING:
    from index.library import Library

Verdict = Literal["unchanged", "moved", "edited", "gone"]


@dataclass(frozen=True, slots=True)
class CitedLine:
    """The citations of one answer. `line` counts from 1; `answer_id` is its `id`, if the line has one."""

    line: int
    answer_id: str | None
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a citation.

    `unchanged`: the article is there with the cited characters in place. `moved`: another text has its place, and the
    words are in it. `edited`: the article is there, the words are not. `gone`: the article is not there.
    `article_id`, `start` and `end` (code points, end exclusive) say where the words are now, `None` if nowhere.
    """

    citation: Citation
    verdict: Verdict
    article_id: str | None = None
    start: int | None = None
    end: int | None = None

    @property
    def ok(self) -> bool:
        """True if the words are still there."""
        return self.verdict in ("unchanged", "moved")

    def as_json(self) -> dict[str, Any]:
        """One line of `dateline verify --json`, without the place of the citation in its file."""
        return {
            "number": self.citation.number,
            "verdict": self.verdict,
            "origin": self.citation.origin,
            "cited_text": self.citation.cited_text,
            "article_id": self.article_id,
            "start_char_index": self.start,
            "end_char_index": self.end,
        }


def read_cited_lines(lines: Iterable[str], where: str) -> Iterator[CitedLine]:
    """The citations of each line of `dateline ask --json` output or of the results of an evaluation.

    Blank lines are passed over; a line of a question that failed has no citations. `where` names the file in messages.
    Raises `InputError`, naming the line, on anything else.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"Line {number} of {where}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "too deep or too long a number"
            raise InputError(f"{place} is not JSON ({reason}). Give the output of: dateline ask --json") from error
        if not isinstance(record, dict) or "answer" not in record:
            raise InputError(f"{place} is not an answer. Give the output of: dateline ask --json")
        document = record["answer"] if isinstance(record["answer"], dict) else record
        citations = document.get("citations", []) if record["answer"] is not None else []
        try:
            found = tuple(citation_from_json(citation) for citation in citations)
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"{place} has a citation without the fields of: dateline ask --json ({error})") from error
        answer_id = record.get("id")
        yield CitedLine(number, None if answer_id is None else str(answer_id), found)


def citation_from_json(document: Mapping[str, Any]) -> Citation:
    """The citation that `Citation.as_json` wrote. Raises `KeyError`, `TypeError` or `ValueError` if it is not one."""
    for name, kind in (("article_id", str), ("origin", str), ("cited_text", str), ("prefix", str), ("suffix", str)):
        if not isinstance(document[name], kind):
            raise TypeError(f"{name!r} is not a text")
    start, end = document["start_char_index"], document["end_char_index"]
    if type(start) is not int or type(end) is not int or type(document["number"]) is not int:
        raise TypeError("an offset or a number is not a whole number")
    if not document["cited_text"] or start < 0 or end - start != len(document["cited_text"]):
        raise ValueError("the offsets do not fit the cited text")
    return Citation(
        number=document["number"],
        article_id=document["article_id"],
        origin=document["origin"],
        title=document["title"],
        source=document["source"],
        published=document["published"],
        url=document["url"],
        start=start,
        end=end,
        cited_text=document["cited_text"],
        prefix=document["prefix"],
        suffix=document["suffix"],
    )


def verify_citation(citation: Citation, library: "Library") -> Verification:
    """What became of a citation in the library's newest state.

    An article's identifier is made of its text, so an article that is still there under it has not changed. Else the
    text that has the citation's origin now is searched for the words; a file of the same name elsewhere counts as the
    same article only if it holds them.
    """
    article = _article(library, citation.article_id)
    if article is not None and article.text[citation.start : citation.end] == citation.cited_text:
        return Verification(citation, "unchanged", article.article_id, citation.start, citation.end)
    if article is None:
        found = library.find_article(citation.origin)
        article = None if found is None else _article(library, found)
    if article is None:
        return Verification(citation, "gone")
    start = find_words(article.text, citation)
    if start is not None:
        return Verification(citation, "moved", article.article_id, start, start + len(citation.cited_text))
    same_place = citation.origin in article.origins or citation.article_id == article.article_id
    return Verification(citation, "edited" if same_place else "gone", article.article_id if same_place else None)


def _article(library: "Library", article_id: str) -> Article | None:
    try:
        return library.article(article_id)
    except ArticleNotFoundError:
        return None


def find_words(text: str, citation: Citation) -> int | None:
    """Where the cited words begin in a text, `None` if they are not in it.

    Of several occurrences it is the one with the most characters of the citation's prefix before it and of its suffix
    after it; of equals the one nearest to the old offset.
    """
    best: tuple[int, int, int] | None = None
    start = text.find(citation.cited_text)
    while start >= 0:
        end = start + len(citation.cited_text)
        before = _common_length(reversed(text[max(0, start - len(citation.prefix)) : start]), reversed(citation.prefix))
        after = _common_length(text[end : end + len(citation.suffix)], citation.suffix)
        best = max(best or (-1, 0, 0), (before + after, -abs(start - citation.start), start))
        start = text.find(citation.cited_text, start + 1)
    return None if best is None else best[2]


def _common_length(left: Iterable[str], right: Iterable[str]) -> int:
    length = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        length += 1
    return length
