"""An answer by its permanent link, and the evidence pack: HTML documents without any script or request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from eval.figure_names import visible
from index.dates import format_published
from index.types import Article
from rag.types import Citation
from ui.backend import Backend
from ui.exchanges import Exchange
from ui.kept_view import article_or_none, file_name, moment, view_of
from ui.texts import Texts

if TYPE_CHECKING:
    from jinja2 import Environment

EXPORTS = (("kept.pack", "html"), ("kept.markdown", "md"), ("kept.lines", "json"))


@dataclass(frozen=True, slots=True)
class ArticleView:
    """A cited article: its text in parts, each cited or not; no parts where the library no longer has the text."""

    article_id: str
    title: str
    facts: tuple[tuple[str, str], ...]
    parts: tuple[tuple[bool, str], ...]


def answer_page(exchange: Exchange, backend: Backend, texts: Texts) -> str:
    """The page of one answer, with what became of its cited words in the library's newest state."""
    exports = [(texts(name), kind) for name, kind in EXPORTS]
    return _render("answer.html", texts, view=view_of(exchange, backend, texts), exports=exports)


def gone_page(texts: Texts) -> str:
    """The page for an identifier under which nothing is kept."""
    return _render("gone.html", texts)


def evidence_pack(exchanges: Sequence[Exchange], title: str, backend: Backend, texts: Texts, now: datetime) -> str:
    """One file with questions, answers, quotes, and the whole text of every cited article with the cited words marked.

    `now` is in UTC.
    """
    views = [
        view_of(exchange, backend, texts, key=f"cited-{number}", in_page=False)
        for number, exchange in enumerate(exchanges, start=1)
    ]
    cited: dict[str, list[Citation]] = {}
    for exchange in exchanges:
        for citation in exchange.answer.citations if exchange.answer is not None else ():
            cited.setdefault(citation.article_id, []).append(citation)
    articles = [_article(citations, backend, texts) for citations in cited.values()]
    exported = moment(now.isoformat())
    return _render("pack.html", texts, title=title, views=views, articles=articles, exported=exported)


def _article(citations: Sequence[Citation], backend: Backend, texts: Texts) -> ArticleView:
    first = citations[0]
    article = article_or_none(backend, first.article_id)
    known: dict[str, str | None] = {
        "source": first.source,
        "published": first.published and format_published(first.published),
        "author": article.author if article else None,
        "place": article.place if article else None,
        "address": first.url,
        "file": ", ".join(dict.fromkeys(map(file_name, article.origins if article else (first.origin,)))),
        "identifier": first.article_id,
        "digest": article.sha256 if article else None,
    }
    facts = tuple((texts(f"kept.{name}"), value) for name, value in known.items() if value)
    return ArticleView(first.article_id, first.title, facts, () if article is None else _parts(article, citations))


def _parts(article: Article, citations: Sequence[Citation]) -> tuple[tuple[bool, str], ...]:
    """The text in order, cut where cited words begin and end."""
    parts: list[tuple[bool, str]] = []
    done = 0
    for start, end in sorted((citation.start, citation.end) for citation in citations):
        start = max(start, done)
        if start < end:
            parts += [(False, article.text[done:start]), (True, article.text[start:end])]
            done = end
    parts.append((False, article.text[done:]))
    return tuple(part for part in parts if part[1])


def _render(name: str, texts: Texts, **values: Any) -> str:
    from markupsafe import Markup

    template = _environment().get_template(name)
    return (
        visible(template.render(texts=texts, linked=name == "answer.html", style=Markup(_file("kept.css")), **values))
        + "\n"
    )


def _file(name: str) -> str:
    return files("ui").joinpath("kept", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_file),
    )
