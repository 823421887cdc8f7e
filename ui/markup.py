"""Conversation → HTML for the page, with nothing live in it but the links made here.

Gradio's chat reads a message as Markdown and then as HTML, and lets images, styles and forms of other hosts through.
So everything that comes from an article, a question or a model is written as letters, digits and character references
only (`ui.literal`): no Markdown, HTML or template rule can start inside it. The tags around it are a fixed few without
blank lines, which Markdown passes on untouched.
"""

import re
from collections.abc import Mapping, Sequence

from index.dates import format_published
from index.types import Article, ArticleSummary, first_words
from rag.statements import SHORT_ANSWER
from rag.types import Answer, Citation, Refusal
from ui.literal import literal, literal_id
from ui.statement_markup import statements_html
from ui.texts import Texts

CLOSEST_SHOWN = 5
"""Passages shown under a refusal: enough to see what the library holds, few enough to read."""

CLOSEST_CHARACTERS = 240
"""Characters of each of them; the rest is one click away in its article."""

_PLAIN = r"\1 — "
"""A short answer as it stands in text that is still being written."""

INCOMPLETE = "This answer is not complete."
"""Said where an answer was cut short and nothing says why."""


def question_html(text: str) -> str:
    """What the user asked, line by line."""
    lines = "<br>".join(literal(line) for line in text.strip().splitlines())
    return f'<div class="asked-text">{lines}</div>'


def working_html(text: str = "") -> str:
    """An answer that is still being written: the text so far, or a line that says that something happens."""
    if not text.strip():
        return '<div class="working">Reading the articles…</div>'
    return f'<div class="answer unfinished">{_paragraphs(text)}</div>'


def note_html(sentence: str, text: str = "") -> str:
    """An answer that did not come to its end: the text so far, and the sentence that says why."""
    written = f'<div class="answer unfinished">{_paragraphs(text)}</div>' if text.strip() else ""
    return f'{written}<p class="note">{literal(sentence)}</p>'


def answer_html(answer: Answer, articles: Mapping[str, Article], model: str) -> str:
    """A finished answer or refusal.

    `articles` gives the titles of a refusal's closest passages, by `article_id`; `model` is the one that was asked,
    and where another one answered in its place the page says so.
    """
    parts = ['<div class="answer">']
    if answer.standalone_question.strip() != answer.question.strip():
        parts.append(f'<p class="standalone">Asked as: {literal(answer.standalone_question)}</p>')
    if answer.refusal is not None:
        parts.append(_refusal(answer.refusal, articles))
    else:
        parts.append(statements_html(answer))
        parts.append(_sources(answer.citations))
    parts.append(_notices(answer, model))
    parts.append(f'<p class="made">{literal(_how_made(answer))}</p></div>')
    return "".join(parts)


def welcome_html(summaries: Sequence[ArticleSummary] | None, library: str) -> str:
    """What stands in the empty conversation. `summaries` is `None` where there is no library yet."""
    if not summaries:
        there = "This library holds no articles yet." if summaries is not None else "There is no library here yet."
        return (
            f'<div class="welcome"><p class="lead">{literal(there)}</p><p>Add articles with '
            f"<code>{literal(f'dateline index PATH --library {library}')}</code> and reload this page. PATH is a file, "
            "a folder or a web address.</p></div>"
        )
    return (
        '<div class="welcome"><p class="lead">Ask the articles.</p><p>Every statement of an answer carries a mark. '
        "Open it to read the cited words where they stand in their article. What the articles do not say is not "
        "answered.</p></div>"
    )


def header_html(count: int | None, texts: Texts) -> str:
    """The line at the top: the name, the views, how many articles are asked."""
    held = "" if count is None else texts.count("page.articles", count)
    names = ("ask", "library", "evaluate")
    views = "".join(f'<a href="#{name}">{literal(texts(f"page.{name}"))}</a>' for name in names)
    return (
        f'<header id="masthead"><h1>Dateline</h1><nav aria-label="{literal(texts("page.views"))}">{views}</nav>'
        f"<p>{literal(held)}</p></header>"
    )


def byline(title: str, source: str | None, published: str | None) -> str:
    """Title, source and date of an article, as far as they are known, as plain text."""
    return " · ".join(part for part in (title, source, published and format_published(published)) if part)


def _paragraphs(text: str) -> str:
    return "".join(
        f"<p>{literal(SHORT_ANSWER.sub(_PLAIN, part))}</p>" for part in re.split(r"\n\s*\n", text) if part.strip()
    )


def _sources(citations: Sequence[Citation]) -> str:
    """One line for each cited article, in the order of its first mark."""
    by_article: dict[str, list[Citation]] = {}
    for citation in sorted(citations, key=lambda citation: citation.number):
        by_article.setdefault(citation.article_id, []).append(citation)
    if not by_article:
        return ""
    lines = []
    for cited in by_article.values():
        first = cited[0]
        numbers = ", ".join(str(citation.number) for citation in cited)
        known = " · ".join(
            part for part in (first.source, first.published and format_published(first.published)) if part
        )
        lines.append(
            f'<li><span class="numbers">{literal(numbers)}</span> <span class="from">'
            f'<a href="#read-{literal_id(first.article_id)}-{first.start}-{first.end}">{literal(first.title)}</a>'
            + (f' <span class="known">{literal(known)}</span>' if known else "")
            + "</span></li>"
        )
    return f'<ul class="sources">{"".join(lines)}</ul>'


def _refusal(refusal: Refusal, articles: Mapping[str, Article]) -> str:
    parts = [f'<div class="refusal"><p class="reason">{literal(refusal.message)}</p>']
    closest = refusal.closest[:CLOSEST_SHOWN]
    if closest:
        parts.append('<p class="closest-title">What comes closest:</p><ul class="closest">')
    for number, hit in enumerate(closest, start=1):
        passage = hit.passage
        article = articles.get(passage.article_id)
        known = byline(article.title, article.source, article.published) if article is not None else ""
        place = f"{literal_id(passage.article_id)}-{passage.start}-{passage.end}"
        parts.append(
            f'<li><a href="#read-{place}">Open passage {number}</a> <span class="known">{literal(known)}</span>'
            f'<p class="excerpt">{literal(first_words(passage.text, CLOSEST_CHARACTERS))}</p></li>'
        )
    return "".join(parts) + ("</ul></div>" if closest else "</div>")


def _notices(answer: Answer, model: str) -> str:
    """What happened on the way: plain to see where the answer is not complete or not the model's, else quiet lines."""
    replaced = not answer.refused and answer.model != model
    notices = list(answer.notices)
    if not notices and replaced:
        notices.append(f"{model} could not be used; {answer.model} answered instead.")
    if not notices and answer.incomplete:
        notices.append(INCOMPLETE)
    kind = "note" if replaced or answer.incomplete else "notice"
    return "".join(f'<p class="{kind}">{literal(notice)}</p>' for notice in notices)


def _how_made(answer: Answer) -> str:
    took = answer.timings_ms.get("total", sum(answer.timings_ms.values())) / 1000
    seconds = f"{took:.1f} s" if took >= 0.05 else "less than 0.1 s"
    if answer.refused:
        return f"not answered, looked for by {answer.model} in {seconds}"
    return f"answered by {answer.model} in {seconds}, confidence {answer.confidence:.0%}"
