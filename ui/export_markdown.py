"""Answers as Markdown with their sources as footnotes, in which nothing that was quoted can become markup.

Every sign with which Markdown (CommonMark, and GitHub's tables, footnotes and bare addresses) begins something has a
backslash before it, so that a reader sees the very words and no renderer makes a link, an image or HTML of them.
"""

import re
from collections.abc import Sequence

from eval.figure_names import visible
from index.dates import format_published
from rag.types import Citation
from ui.answer_pieces import Piece
from ui.backend import Backend
from ui.exchanges import Exchange
from ui.kept_view import article_or_none, file_name, view_of
from ui.texts import Texts

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&$^@]|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
"""Signs that mean something anywhere in a line; the last two begin a bare address."""

_AT_START = re.compile(r"^(\s*)(?:([-+=:])|(\d{1,9})([.)]))")
"""What makes a list, a heading or a definition at the beginning of a line."""

_BREAKS = re.compile(r"[\n\r]+")


def markdown_of(exchanges: Sequence[Exchange], title: str, backend: Backend, texts: Texts) -> str:
    """The document: each question with its answer, its footnotes with the exact words, and how it was made.

    `title` heads a conversation; one exchange alone is headed by its question.
    """
    several = len(exchanges) > 1
    blocks = [f"# {inline(title)}"] if several else []
    for number, exchange in enumerate(exchanges, start=1):
        blocks += _exchange(exchange, backend, texts, f"{number}-" if several else "", "##" if several else "#")
    return "\n\n".join(blocks) + "\n"


def inline(text: str) -> str:
    """The text on one line, as it is read."""
    line = _SPECIAL.sub(lambda sign: f"\\{sign[0]}", visible(" ".join(text.split())))
    return _AT_START.sub(lambda start: f"{start[1]}{_escaped_start(start)}", line)


def _escaped_start(start: "re.Match[str]") -> str:
    return f"\\{start[2]}" if start[2] else f"{start[3]}\\{start[4]}"


def quoted(text: str) -> str:
    """The text as a block quotation, line by line."""
    lines = [line for line in map(inline, _BREAKS.split(text)) if line] or [""]
    return "\n".join(f"> {line}\\" for line in lines[:-1]) + ("\n" if len(lines) > 1 else "") + f"> {lines[-1]}"


def _exchange(exchange: Exchange, backend: Backend, texts: Texts, prefix: str, heading: str) -> list[str]:
    answer, view = exchange.answer, view_of(exchange, backend, texts)
    blocks = [f"{heading} {inline(view.question)}"]
    if view.understood:
        blocks.append(f"*{inline(texts('kept.understood', question=view.understood))}*")
    if view.refusal:
        blocks.append(inline(view.refusal))
        blocks += [f"{quoted(passage['text'])}\n>\n> — {inline(passage['known'])}" for passage in view.closest]
    blocks += [_paragraph(paragraph, prefix) for paragraph in view.paragraphs]
    blocks += [f"**{inline(notice)}**" for notice in view.notices]
    if view.fate:
        blocks.append(inline(view.fate))
    blocks.append("\n".join(f"- {inline(name)}: {inline(value)}" for name, value in view.facts))
    if answer is not None:
        blocks += [_footnote(citation, backend, texts, prefix) for citation in answer.citations]
    return blocks


def _paragraph(paragraph: Sequence[Piece], prefix: str) -> str:
    parts = []
    for piece in paragraph:
        if piece.kind == "mark":
            parts.append(f"[^{prefix}{piece.number}]")
        elif piece.kind == "short":
            parts.append(f"**{inline(piece.text)}**")
        elif piece.kind == "support":
            parts.append(f" *({inline(piece.text)})*")
        else:
            before, after = (" " if piece.text[at : at + 1].isspace() else "" for at in (0, len(piece.text) - 1))
            words = inline(piece.text)
            parts.append(f"{before}{words}{after}" if words else before)
    return "".join(parts).strip()


def _footnote(citation: Citation, backend: Backend, texts: Texts, prefix: str) -> str:
    """Number, article and place on one line, which never is one word alone: that could be read as a link's address."""
    article = article_or_none(backend, citation.article_id)
    known = [
        citation.title,
        citation.source,
        citation.published and format_published(citation.published),
        file_name(citation.origin),
        citation.url if citation.url != citation.origin else None,
        texts("kept.characters", start=citation.start, end=citation.end),
        f"{texts('kept.identifier')}: {citation.article_id}",
        article and f"{texts('kept.digest')}: {article.sha256}",
    ]
    line = ", ".join(inline(part) for part in known if part)
    words = "\n".join(f"    {row}" for row in quoted(citation.cited_text).split("\n"))
    return f"[^{prefix}{citation.number}]: {line}\n\n{words}"
