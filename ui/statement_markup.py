"""The statements of an answer as HTML: marks are links, and behind them stands what the check of a statement says."""

import re
from collections.abc import Mapping, Sequence

from rag.statements import SHORT_ANSWER
from rag.types import Answer, Citation, Statement
from ui.literal import literal, literal_id, literal_run
from ui.support_words import is_weak, problem_words, support_words
from ui.texts import Texts

_MARK = re.compile(r"\[(\d{1,4})\]")
_MARKS_AFTER = re.compile(r"(?:\s*\[\d{1,4}\])+")
_MARK_IN_STATEMENT = re.compile(r"\s*\[\d{1,4}\]")


def statements_html(answer: Answer, texts: Texts) -> str:
    """The text of an answer in paragraphs.

    Behind each statement a label says how well its cited words support it, and where they do so only in part or not at
    all, what they do not bear out.
    """
    citations = {citation.number: citation for citation in answer.citations}
    labels, unplaced = statement_places(answer.text, answer.statements)
    parts: list[str] = []
    done = 0
    for place, statement in sorted(labels.items()):
        parts.append(f"{_with_marks(answer.text[done:place], citations)} {_label(statement, texts)}")
        done = place
    parts.append(_with_marks(answer.text[done:], citations))
    body = "<p>" + "".join(parts) + "</p>"
    return body + "".join(
        f'<p class="support-note">{literal(_MARK_IN_STATEMENT.sub("", statement.text))} {_label(statement, texts)}</p>'
        for statement in unplaced
    )


def _label(statement: Statement, texts: Texts) -> str:
    """The label of a statement, and on a line of its own what the cited words do not bear out."""
    problems = problem_words(statement.problems, texts) if is_weak(statement) else ""
    label = literal(support_words(statement, texts) + (":" if problems else ""))
    said = f' <span class="problems">{literal(problems)}</span>' if problems else ""
    return f'<span class="support {statement.support}">{label}</span>{said}'


def statement_places(text: str, statements: Sequence[Statement]) -> tuple[dict[int, Statement], list[Statement]]:
    """Offsets of `text` behind the marks of statements → the statement; and the weak statements not found in it."""
    places: dict[int, Statement] = {}
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
            places[done] = statement
        elif is_weak(statement):
            unplaced.append(statement)
    return places, unplaced


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
            parts += [literal_run(paragraph[done : mark.start()]), _cite_link(citation)]
            done = mark.end()
        parts.append(literal_run(paragraph[done:]))
    return "".join(parts)


def _cite_link(citation: Citation) -> str:
    place = f"{literal_id(citation.article_id)}-{citation.start}-{citation.end}"
    return f'<a class="cite" href="#cite-{place}">[{citation.number}]</a>'
