"""What the check of a statement says, in short words for people; the terminal and the page use the same."""

from collections.abc import Sequence

from index.types import first_words
from rag.types import Problem, Statement
from ui.texts import Texts

DETAIL_CHARACTERS = 100
"""Characters shown of the words at fault, enough to find a quotation again that stands whole in the statement."""


def is_weak(statement: Statement) -> bool:
    """True if the cited words support the statement only in part or not at all."""
    return statement.support in ("partial", "unsupported")


def support_words(statement: Statement, texts: Texts | None = None) -> str:
    """How well the cited words support a statement, in lower case: "partly supported by the cited words".

    English unless `texts` are given.
    """
    # A verbatim statement's signs may not be quite those of the article.
    nearly = statement.support == "verbatim" and statement.quoted == "normalised"
    return (texts or Texts())("support.nearly_verbatim" if nearly else f"support.{statement.support}")


def problem_words(problems: Sequence[Problem], texts: Texts | None = None) -> str:
    """What the cited words do not bear out: "number 12; name Okafor". The words at fault are as they were written, and
    not safe for a terminal or a page. English unless `texts` are given."""
    said = texts or Texts()
    found = [
        said(f"support.{problem.kind}", words=first_words(problem.detail, DETAIL_CHARACTERS)) for problem in problems
    ]
    return "; ".join(dict.fromkeys(found))
