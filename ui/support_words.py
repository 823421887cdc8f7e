"""What the check of a statement says, in short words for people; the terminal and the page use the same."""

from collections.abc import Mapping, Sequence

from index.types import first_words
from rag.types import Problem, ProblemKind, Statement, Support

_LABELS: Mapping[Support, str] = {
    "verbatim": "word for word",
    "supported": "supported by the cited words",
    "partial": "partly supported by the cited words",
    "unsupported": "not supported by the cited words",
}

_NEARLY_VERBATIM = "word for word but for quotation marks, dashes and case"
"""The label of a verbatim statement whose signs are not quite those of the article."""

_PROBLEMS: Mapping[ProblemKind, str] = {
    "number": "number {}",
    "date": "date {}",
    "name": "name {}",
    "negation": "a negation differs: {}",
    "quotation": "these words are not in the article: “{}”",
    "speaker": "not the speaker that the article gives: {}",
    "hedge": "a hedge of the article is missing: {}",
    "stance": "opposite in the article: {}",
    "words": "words that the article lacks: {}",
}


DETAIL_CHARACTERS = 100
"""Characters shown of the words at fault, enough to find a quotation again that stands whole in the statement."""


def is_weak(statement: Statement) -> bool:
    """True if the cited words support the statement only in part or not at all."""
    return statement.support in ("partial", "unsupported")


def support_words(statement: Statement) -> str:
    """How well the cited words support a statement, in lower case: "partly supported by the cited words"."""
    if statement.support == "verbatim" and statement.quoted == "normalised":
        return _NEARLY_VERBATIM
    return _LABELS[statement.support]


def problem_words(problems: Sequence[Problem]) -> str:
    """What the cited words do not bear out: "number 12; name Okafor". The words at fault are as they were written, and
    not safe for a terminal or a page."""
    return "; ".join(
        dict.fromkeys(
            _PROBLEMS[problem.kind].format(first_words(problem.detail, DETAIL_CHARACTERS)) for problem in problems
        )
    )
