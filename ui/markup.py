"""Conversation → HTML for the page, with nothing live in it but the links made here.

Gradio's chat reads a message as Markdown and then as HTML, and lets images, styles and forms of other hosts through.
So everything that comes from an article, a question or a model is written as letters, digits and character references
only: no Markdown, HTML or template rule can start inside it. The tags around it are a fixed few without blank lines,
which Markdown passes on untouched.
"""

import re
from collections.abc import Mapping, Sequence

from index.dates import format_published
from index.types import Article, ArticleSummary, first_words
from rag.statements import SHORT_ANSWER
from rag.types import Answer, Citation, Refusal, Statement

CLOSEST_SHOWN = 5
"""Passages shown under a refusal: enough to see what the library holds, few enough to read."""

CLOSEST_CHARACTERS = 240
"""Characters of each of them; the rest is one click away in its article."""

_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
"""Controls, reordering marks and tag characters: they can make a text look like another one."""

_MARK = re.compile(r"\[(\d{1,4})\]")
_MARKS_AFTER = re.compile(r"(?:\s*\[\d{1,4}\])+")
_MARK_IN_STATEMENT = re.compile(r"\s*\[\d{1,4}\]")

_PLAIN = r"\1 — "
"""A short answer as it stands in text that is still being written."""

INCOMPLETE = "This answer is not complete."
"""Said where an answer was cut short and nothing says why."""

_SUPPORT = {"partial": "partly supported by the cited words", "unsupported": "not supported by the cited words"}


def literal(text: str) -> str:
    """The text on one line, as it is read: every ASCII sign that is not a letter or digit as a character reference."""
    line = " ".join(_INVISIBLE.sub("", text).split())
    return "".join(c if c.isalnum() or c == " " or ord(c) > 127 else f"&#{ord(c)};" for c in line)


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
        parts.append(_statements(answer))
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


def header_html(count: int | None, model: str) -> str:
    """The line at the top: the name, how many articles are asked, and by what they are answered."""
    held = "" if count is None else f"{count:,} {'article' if count == 1 else 'articles'} · "
    return (
        f'<header id="masthead"><h1>Dateline</h1><p>{literal(held)} answers by '
        f'<span class="model">{literal(model)}</span></p></header>'
    )


def byline(title: str, source: str | None, published: str | None) -> str:
    """Title, source and date of an article, as far as they are known, as plain text."""
    return " · ".join(part for part in (title, source, published and format_published(published)) if part)


def _paragraphs(text: str) -> str:
    return "".join(
        f"<p>{literal(SHORT_ANSWER.sub(_PLAIN, part))}</p>" for part in re.split(r"\n\s*\n", text) if part.strip()
    )


def _statements(answer: Answer) -> str:
    citations = {citation.number: citation for citation in answer.citations}
    labels, unplaced = _support_labels(answer.text, answer.statements)
    parts: list[str] = []
    done = 0
    for place, label in sorted(labels.items()):
        parts.append(f'{_with_marks(answer.text[done:place], citations)} <span class="support">{literal(label)}</span>')
        done = place
    parts.append(_with_marks(answer.text[done:], citations))
    body = "<p>" + "".join(parts) + "</p>"
    return body + "".join(
        f'<p class="support-note"><span class="support">{literal(_SUPPORT[statement.support])}</span> '
        f"{literal(_MARK_IN_STATEMENT.sub('', statement.text))}</p>"
        for statement in unplaced
    )


def _support_labels(text: str, statements: Sequence[Statement]) -> tuple[dict[int, str], list[Statement]]:
    """Offsets of `text` behind the marks of weakly supported statements → label; and the statements not found in it."""
    labels: dict[int, str] = {}
    unplaced: list[Statement] = []
    done = 0
    for statement in statements:
        start, words = text.find(statement.text, done), statement.text
        if start < 0:
            words = _MARK_IN_STATEMENT.sub("", statement.text)
            start = text.find(words, done)
        if start >= 0:
            done = start + len(words)
            marks = _MARKS_AFTER.match(text, done)
            done = marks.end() if marks else done
        if statement.support in _SUPPORT:
            if start >= 0:
                labels[done] = _SUPPORT[statement.support]
            else:
                unplaced.append(statement)
    return labels, unplaced


def _with_marks(text: str, citations: Mapping[int, Citation]) -> str:
    """The text with its marks as links. Blank lines part paragraphs; a mark without a citation stays plain text."""
    parts: list[str] = []
    for index, paragraph in enumerate(re.split(r"\n\s*\n", text)):
        if index:
            parts.append("</p><p>")
        short = SHORT_ANSWER.match(paragraph)
        if short is not None:
            parts.append(f"<strong>{literal(short[1])}</strong> — ")
        done = 0 if short is None else short.end()
        for mark in _MARK.finditer(paragraph, done):
            citation = citations.get(int(mark[1]))
            if citation is None:
                continue
            parts += [_run(paragraph[done : mark.start()]), _cite_link(citation)]
            done = mark.end()
        parts.append(_run(paragraph[done:]))
    return "".join(parts)


def _run(text: str) -> str:
    """Text between two links: `literal` with the spaces at its ends kept."""
    inner = literal(text)
    if not inner:
        return " " if text else ""
    return (" " if text[0].isspace() else "") + inner + (" " if text[-1].isspace() else "")


def _cite_link(citation: Citation) -> str:
    place = f"{literal_id(citation.article_id)}-{citation.start}-{citation.end}"
    return f'<a class="cite" href="#cite-{place}">[{citation.number}]</a>'


def literal_id(article_id: str) -> str:
    """An article's identifier inside a link; identifiers are hexadecimal, anything else is dropped."""
    return re.sub(r"[^0-9a-f]", "", article_id)


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
