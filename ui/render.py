"""Text for the terminal and JSON documents.

What articles, file names and language models wrote may hold control characters. In text for the terminal they are
written as visible escapes, so that they cannot move the cursor, recolour the screen or reverse the reading order; in
JSON the same characters are written as JSON escapes, which mean the same to every reader of JSON.
"""

import json
import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import click

from index.dates import format_published
from index.types import Article, ArticleSummary, Hit, IndexReport, first_words
from rag.types import Answer, Citation, Statement
from ui.support_words import is_weak, problem_words, support_words

MAX_WIDTH = 100
"""Columns that text is wrapped to at most, however wide the terminal is: longer lines are hard to read."""

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 controls but tab and line feed, line separators, bidirectional controls (Unicode UAX #9), surrogates."""

_SHORT_ANSWER = re.compile(r"^\*\*([^*]+)\*\*(\s—)", re.MULTILINE)
"""The short answer that a statement begins with; its words may be on two lines."""

INCOMPLETE = "This answer is incomplete."
"""Said under an answer whose model was stopped or cut short."""


def text_width() -> int:
    """Columns to wrap text to: those of the terminal, 80 where there is none, never more than `MAX_WIDTH`."""
    return min(shutil.get_terminal_size().columns, MAX_WIDTH)


class Described(Protocol):
    """What a source line is made of: articles, summaries of articles and citations have it."""

    @property
    def title(self) -> str: ...
    @property
    def source(self) -> str | None: ...
    @property
    def published(self) -> str | None: ...


def terminal_safe(text: str) -> str:
    """The text with every control character but tab and line feed as a visible escape: ESC becomes `\\x1b`."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    """The text on one line, safe for the terminal."""
    return terminal_safe(" ".join(text.split()))


def json_line(document: Mapping[str, Any]) -> str:
    """A JSON document on one line, readable Unicode, control characters as `\\u` escapes."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(document, ensure_ascii=False))


def wrapped(text: str, width: int, indent: str = "") -> str:
    """The lines of a text, each wrapped to `width` columns and indented; words are never broken."""
    return "\n".join(
        textwrap.fill(
            line,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in terminal_safe(text).split("\n")
    )


def source_line(described: Described) -> str:
    """`Title — Source, 3 June 2017`, without the parts that are not known."""
    published = format_published(described.published) if described.published else None
    details = ", ".join(one_line(part) for part in (described.source, published) if part)
    return one_line(described.title) + (f" — {details}" if details else "")


CLOSEST_CHARACTERS = 300
"""Characters shown of each passage behind a refusal, so that the reason stays in sight."""


def render_answer(answer: Answer, articles: Mapping[str, Article], width: int) -> str:
    """An answer with its numbered sources, or a refusal with the closest passages.

    `articles` maps the identifiers of the articles of the closest passages.
    """
    blocks = [_SHORT_ANSWER.sub(lambda match: click.style(match[1], bold=True) + match[2], wrapped(answer.text, width))]
    if answer.refusal is not None:
        if answer.refusal.closest:
            blocks.append("Closest passages:")
            blocks.append(render_hits(answer.refusal.closest, articles, width, limit=CLOSEST_CHARACTERS))
        return "\n\n".join(blocks)
    notes = [note for statement in answer.statements if (note := _support_note(statement, width))]
    if answer.incomplete:
        blocks.append(INCOMPLETE)
    if notes:
        blocks.append("\n".join(notes))
    blocks.extend(_render_citation(citation, width) for citation in answer.citations)
    return "\n\n".join(blocks)


def _support_note(statement: Statement, width: int) -> str | None:
    if not is_weak(statement):
        return None
    label, problems = support_words(statement), problem_words(statement.problems)
    note = f"{label[0].upper()}{label[1:]}" + (f" ({one_line(problems)})" if problems else "")
    return wrapped(f"{note}: {one_line(statement.text)}", width)


def _render_citation(citation: Citation, width: int) -> str:
    return "\n".join(
        (
            f"[{citation.number}] {source_line(citation)}",
            wrapped(f"“{citation.cited_text}”", width, indent="    "),
            f"    {one_line(citation.origin)}, characters {citation.start}-{citation.end}",
        )
    )


def render_hits(hits: Sequence[Hit], articles: Mapping[str, Article], width: int, *, limit: int | None = None) -> str:
    """Hits in their order, each with its article, score (higher is better), ranks in both searches and place.

    With a `limit`, only the beginning of each passage is shown, at most so many characters on one paragraph.
    """
    return "\n\n".join(_render_hit(hit, articles[hit.passage.article_id], width, limit) for hit in hits)


def _render_hit(hit: Hit, article: Article, width: int, limit: int | None) -> str:
    text = hit.passage.text if limit is None else first_words(hit.passage.text, limit)
    searches = {"dense": hit.dense_rank, "keyword": hit.keyword_rank}
    ranks = ", ".join(f"{search} rank {rank}" for search, rank in searches.items() if rank is not None)
    return "\n".join(
        (
            f"{hit.rank}. {source_line(article)}",
            f"   score {hit.score:.4f}" + (f" ({ranks})" if ranks else ""),
            wrapped(text, width, indent="   "),
            f"   {one_line(article.origin)}, characters {hit.passage.start}-{hit.passage.end}",
        )
    )


def render_listing(summaries: Sequence[ArticleSummary]) -> str:
    """One line an article: identifier, title, source and date."""
    return "\n".join(f"{summary.article_id}  {source_line(summary)}" for summary in summaries)


def render_article(article: Article, passages: int) -> str:
    """What is known about an article, and its text. `passages` is their number."""
    details = {
        "Author": article.author,
        "Place": article.place,
        "URL": article.url,
        "ID": article.article_id,
        "SHA-256": article.sha256,
        "Length": f"{len(article.text):,} characters, {passages} passages",
    }
    lines = [source_line(article)]
    lines.extend(f"{name}: {one_line(value)}" for name, value in details.items() if value)
    lines.extend(f"From: {one_line(origin)}" for origin in article.origins)
    return "\n".join(lines) + "\n\n" + terminal_safe(article.text)


def summary_json(summary: ArticleSummary) -> dict[str, Any]:
    """An article of a listing, with the field names of the contract."""
    return {
        "article_id": summary.article_id,
        "title": summary.title,
        "source": summary.source,
        "published": summary.published,
        "url": summary.url,
        "origins": list(summary.origins),
        "sha256": summary.sha256,
        "characters": summary.characters,
        "passages": summary.passages,
    }


def article_json(article: Article, passages: int) -> dict[str, Any]:
    """An article with its text: the fields of a listing, then the place, the author and the text."""
    summary = ArticleSummary(
        article_id=article.article_id,
        title=article.title,
        source=article.source,
        published=article.published,
        url=article.url,
        origins=article.origins,
        sha256=article.sha256,
        characters=len(article.text),
        passages=passages,
    )
    return {**summary_json(summary), "place": article.place, "author": article.author, "text": article.text}


def render_report(report: IndexReport) -> str:
    """The counts of a run of indexing on one line."""
    return (
        f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.removed} removed, {len(report.failed)} failed"
    )


def report_json(report: IndexReport) -> dict[str, Any]:
    """The counts of a run of indexing; `failures` lists each origin that failed with its reason."""
    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": len(report.failed),
        "failures": [{"origin": failure.origin, "reason": failure.reason} for failure in report.failed],
    }
