"""Conversation → HTML for the page, with nothing live in it but the links made here.

Gradio's chat reads a message as Markdown and then as HTML, and lets images, styles and forms of other hosts through.
So everything that comes from an article, a question or a model is written as letters, digits and character references
only (`ui.literal`): no Markdown, HTML or template rule can start inside it. The tags around it are a fixed few without
blank lines, which Markdown passes on untouched.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from index.dates import format_published
from index.types import Article, SearchFilter, first_words
from rag.independence import count_independent
from rag.statements import SHORT_ANSWER
from rag.types import Answer, Citation, Refusal
from ui.coverage import SOURCES_NAMED, Coverage
from ui.exchanges import Exchange
from ui.literal import literal, literal_id, literal_run
from ui.statement_markup import statements_html
from ui.texts import Texts

CLOSEST_SHOWN = 5
"""Passages shown under a refusal: enough to see what the library holds, few enough to read."""

CLOSEST_CHARACTERS = 240
"""Characters of each of them; the rest is one click away in its article."""

_PLAIN = r"\1 — "
"""A short answer as it stands in text that is still being written."""

_EXPORTS = (("Markdown", "md"), ("HTML", "html"), ("JSON", "json"))


@dataclass(frozen=True, slots=True)
class Around:
    """What an answer is shown with: the articles that it names by `article_id`, and what the library covers."""

    articles: Mapping[str, Article] = field(default_factory=dict)
    coverage: Coverage | None = None


def question_html(exchange: Exchange, texts: Texts) -> str:
    """What the user asked, line by line, and which articles it was asked of."""
    lines = "<br>".join(literal(line) for line in exchange.question.strip().splitlines())
    limits = _limits(exchange.filter, texts)
    only = f'<p class="asked-of">{literal(texts("answer.only", what=limits))}</p>' if limits else ""
    return f'<div class="asked-text">{lines}</div>{only}'


def _limits(search_filter: SearchFilter, texts: Texts) -> str:
    """`from 3 June 2017, of Reuters`; empty if there is no filter."""
    days = [
        texts(f"answer.{name}", day=format_published(day.isoformat()))
        for name, day in (("from", search_filter.date_from), ("to", search_filter.date_to))
        if day is not None
    ]
    sources = [texts("answer.of", sources=", ".join(sorted(search_filter.sources)))] if search_filter.sources else []
    as_of = search_filter.as_of
    seen = [] if as_of is None else [texts("answer.as_of", day=format_published(as_of.isoformat()))]
    return ", ".join([" ".join(days)] * bool(days) + sources + seen)


def exchange_html(exchange: Exchange, around: Around, texts: Texts, *, before: int = 0, extractive: bool = True) -> str:
    """What came of a question so far. `before` questions are answered first; `extractive` says that no language model
    is waited for."""
    if exchange.state == "running":
        return working_html(exchange.text, waiting_text(exchange, before, texts, extractive=extractive))
    if exchange.answer is None:
        return note_html(exchange.note, exchange.text) + _actions(exchange, texts)
    return answer_html(exchange.answer, around, exchange.model, texts, _actions(exchange, texts))


def waiting_text(exchange: Exchange, before: int, texts: Texts, *, extractive: bool) -> str:
    """What is waited for, as long as there are no words."""
    if before:
        return texts.count("answer.waiting", before)
    return texts("answer.reading") if extractive else texts("answer.asking_model", model=exchange.model)


def working_html(text: str, waiting: str) -> str:
    """An answer that is still being written: the text so far, or a line that says what is waited for."""
    if not text.strip():
        return f'<div class="working">{literal(waiting)}</div>'
    return f'<div class="answer unfinished">{_paragraphs(text)}</div>'


def note_html(sentence: str, text: str = "") -> str:
    """An answer that did not come to its end: the text so far, and the sentence that says why."""
    written = f'<div class="answer unfinished">{_paragraphs(text)}</div>' if text.strip() else ""
    return f'{written}<p class="note">{literal(sentence)}</p>'


def answer_html(answer: Answer, around: Around, model: str, texts: Texts, actions: str = "") -> str:
    """A finished answer or refusal.

    `model` is the one that was asked; where another one answered in its place the page says so. `actions` is HTML that
    ends it.
    """
    parts = ['<div class="answer">']
    if answer.standalone_question.strip() != answer.question.strip():
        understood = texts("answer.asked_as", question=answer.standalone_question)
        parts.append(f'<p class="standalone">{literal(understood)}</p>')
    if answer.refusal is not None:
        parts.append(_refusal(answer.refusal, around, texts))
    else:
        parts.append(statements_html(answer, texts))
        parts.append(_sources(answer.citations, around, texts))
    parts.append(_notices(answer, model, texts))
    parts.append(f'<p class="made">{literal(_how_made(answer, texts))}</p>{actions}</div>')
    return "".join(parts)


def welcome_html(count: int | None, library: str, texts: Texts) -> str:
    """What stands in the empty conversation. `count` articles are there, `None` where there is no library yet."""
    if not count:
        there = texts("ask.no_articles" if count is not None else "ask.no_library")
        command = f"dateline index PATH --library {library}"
        before, after = texts("ask.add_by", command="\x00").split("\x00")
        return (
            f'<div class="welcome"><p class="lead">{literal(there)}</p><p>{literal_run(before)}'
            f"<code>{literal(command)}</code>{literal_run(after)}</p></div>"
        )
    lead, promise = literal(texts("ask.lead")), literal(texts("ask.promise"))
    return f'<div class="welcome"><p class="lead">{lead}</p><p>{promise}</p></div>'


def header_html(count: int | None, texts: Texts) -> str:
    """The line at the top: the name, the views, how many articles are asked."""
    held = "" if count is None else texts.count("page.articles", count)
    names = ("ask", "library", "evaluate")
    views = "".join(f'<a href="#{name}">{literal(texts(f"page.{name}"))}</a>' for name in names)
    return (
        f'<header id="masthead"><h1>Dateline</h1><nav aria-label="{literal(texts("page.views"))}">{views}</nav>'
        f'<p id="held">{literal(held)}</p></header>'
    )


def byline(title: str, source: str | None, published: str | None) -> str:
    """Title, source and date of an article, as far as they are known, as plain text."""
    return " · ".join(part for part in (title, source, published and format_published(published)) if part)


def _paragraphs(text: str) -> str:
    return "".join(
        f"<p>{literal(SHORT_ANSWER.sub(_PLAIN, part))}</p>" for part in re.split(r"\n\s*\n", text) if part.strip()
    )


def _sources(citations: Sequence[Citation], around: Around, texts: Texts) -> str:
    """One line for each cited article, in the order of its first mark, and how many voices they are."""
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
    counted = texts.count("answer.articles", len(by_article))
    if len(by_article) > 1:
        voices = count_independent(citations, around.articles)
        counted += f" · {texts.count('answer.independent', voices)}"
    return (
        f'<p class="sources-title">{literal(texts("answer.sources"))} <span class="known">{literal(counted)}</span></p>'
        f'<ul class="sources">{"".join(lines)}</ul>'
    )


def _refusal(refusal: Refusal, around: Around, texts: Texts) -> str:
    parts = [
        f'<div class="refusal"><p class="reason-kind">{literal(texts("answer.not_answered"))} · '
        f'{literal(texts(f"answer.{refusal.reason}"))}</p><p class="reason">{literal(refusal.message)}</p>'
    ]
    if around.coverage is not None and around.coverage.articles:
        parts.append(f'<p class="held">{literal(held_text(around.coverage, texts))}</p>')
    closest = refusal.closest[:CLOSEST_SHOWN]
    if closest:
        parts.append(f'<p class="closest-title">{literal(texts("answer.closest"))}</p><ul class="closest">')
    for number, hit in enumerate(closest, start=1):
        passage = hit.passage
        article = around.articles.get(passage.article_id)
        known = byline(article.title, article.source, article.published) if article is not None else ""
        place = f"{literal_id(passage.article_id)}-{passage.start}-{passage.end}"
        opened = texts("answer.open_passage", number=number)
        parts.append(
            f'<li><a href="#read-{place}">{literal(opened)}</a> <span class="known">{literal(known)}</span>'
            f'<p class="excerpt">{literal(first_words(passage.text, CLOSEST_CHARACTERS))}</p></li>'
        )
    return "".join(parts) + ("</ul></div>" if closest else "</div>")


def held_text(coverage: Coverage, texts: Texts) -> str:
    """`The library holds 5 articles from June 2017 to May 2022, of Voice of America.`"""
    days = ""
    if coverage.first is not None and coverage.last is not None:
        first, last = format_published(coverage.first), format_published(coverage.last)
        days = texts("answer.held_days", first=first, last=last)
    named = ", ".join(coverage.sources[:SOURCES_NAMED]) + ("…" if len(coverage.sources) > SOURCES_NAMED else "")
    return texts(
        "answer.held",
        articles=texts.count("answer.articles", coverage.articles),
        days=days,
        sources=texts("answer.held_sources", sources=named) if named else "",
    )


def _notices(answer: Answer, model: str, texts: Texts) -> str:
    """What happened on the way: plain to see where the answer is not complete or not the model's, else quiet lines."""
    replaced = not answer.refused and answer.model != model
    notices = list(answer.notices)
    if not notices and replaced:
        notices.append(texts("answer.replaced", asked=model, answered=answer.model))
    if not notices and answer.incomplete:
        notices.append(texts("answer.incomplete"))
    kind = "note" if replaced or answer.incomplete else "notice"
    return "".join(f'<p class="{kind}">{literal(notice)}</p>' for notice in notices)


def _how_made(answer: Answer, texts: Texts) -> str:
    took = answer.timings_ms.get("total", sum(answer.timings_ms.values())) / 1000
    seconds = f"{took:.1f} s" if took >= 0.05 else texts("answer.instant")
    if answer.refused:
        return texts("answer.looked_by", model=answer.model, seconds=seconds)
    return texts("answer.made_by", model=answer.model, seconds=seconds, confidence=f"{answer.confidence:.0%}")


def _actions(exchange: Exchange, texts: Texts) -> str:
    """What can be done with an answer; the scripts of the page do what links that begin with `#` say."""
    identifier = literal_id(exchange.exchange_id)

    def act(name: str, kind: str = "") -> str:
        return f'<a class="act{kind}" href="#{name}-{identifier}">{literal(texts(f"answer.{name}"))}</a>'

    acts = [act("again"), act("edit")]
    if exchange.answer is not None:
        acts += [act("helpful", " helpful"), act("unhelpful", " unhelpful")]
        files = " ".join(
            f'<a class="act" href="api/answers/{identifier}/export?format={kind}">{name}</a>' for name, kind in _EXPORTS
        )
        acts.append(f'<a class="act permalink" href="a/{identifier}">{literal(texts("answer.link"))}</a>')
        acts.append(f'<span class="act-files">{literal(texts("answer.export"))} {files}</span>')
    return f'<p class="acts">{" ".join(acts)}</p>'
