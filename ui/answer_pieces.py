"""An answer's text in pieces, each written by its reader in its own way: words, marks, labels of statements."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from rag.statements import SHORT_ANSWER
from rag.types import Answer, Statement
from ui.statement_markup import statement_places
from ui.support_words import is_weak, problem_words, support_words
from ui.texts import Texts

_MARK = re.compile(r"\[(\d{1,4})\]")
_BLANK_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """`text`: words as they are. `short`: the short answer. `mark`: the mark of citation `number`. `support`: behind a
    statement, how well its cited words support it (`level`), in words (`text`)."""

    kind: Literal["text", "short", "mark", "support"]
    text: str
    number: int = 0
    level: str = ""


def answer_paragraphs(answer: Answer, texts: Texts) -> list[list[Piece]]:
    """The paragraphs of an answer. Every statement has its label; a mark without a citation is text like any other."""
    numbers = {citation.number for citation in answer.citations}
    labels, unplaced = statement_places(answer.text, answer.statements)
    paragraphs: list[list[Piece]] = [[]]
    done = 0
    for place, statement in [*sorted(labels.items()), (len(answer.text), None)]:
        for index, part in enumerate(_BLANK_LINE.split(answer.text[done:place])):
            if index:
                paragraphs.append([])
            paragraphs[-1].extend(_marked(part, numbers))
        if statement is not None:
            paragraphs[-1].append(_support(statement, texts))
        done = place
    paragraphs += [[*_marked(statement.text, numbers), _support(statement, texts)] for statement in unplaced]
    return [paragraph for paragraph in paragraphs if any(piece.text.strip() for piece in paragraph)]


def _marked(text: str, numbers: Collection[int]) -> Iterator[Piece]:
    short = SHORT_ANSWER.match(text)
    if short is not None:
        yield Piece("short", short[1])
        yield Piece("text", " — ")
    done = 0 if short is None else short.end()
    for mark in _MARK.finditer(text, done):
        if int(mark[1]) in numbers:
            if mark.start() > done:
                yield Piece("text", text[done : mark.start()])
            yield Piece("mark", f"[{int(mark[1])}]", int(mark[1]))
            done = mark.end()
    if done < len(text):
        yield Piece("text", text[done:])


def _support(statement: Statement, texts: Texts) -> Piece:
    said = support_words(statement, texts)
    if is_weak(statement) and statement.problems:
        said = f"{said}: {problem_words(statement.problems, texts)}"
    return Piece("support", said, level=statement.support)
