"""The document of `dateline ask --json` back into an answer, so that what was kept can be shown again."""

from collections.abc import Mapping, Sequence
from typing import Any

from index.errors import InputError
from index.types import Hit, Passage
from rag.types import Answer, Problem, PromptUse, Refusal, Statement
from rag.verification import citation_from_json


def answer_from_json(document: Mapping[str, Any]) -> Answer:
    """The answer that `Answer.as_json` wrote; `answer_from_json(a.as_json()).as_json() == a.as_json()`.

    Fields that an older version did not write have their defaults. The titles before passages are not in the document
    and stay empty. Raises `InputError` if the document is not an answer.
    """
    try:
        refusal, prompt = document["refusal"], document.get("prompt")
        return Answer(
            question=document["question"],
            standalone_question=document["standalone_question"],
            text=document["answer"],
            refusal=None if refusal is None else _refusal(refusal),
            confidence=float(document["confidence"]),
            statements=tuple(_statement(statement) for statement in document["statements"]),
            citations=tuple(citation_from_json(citation) for citation in document["citations"]),
            hits=_hits(document["passages"]),
            model=document["model"],
            library_generation=document["library_generation"],
            timings_ms=dict(document["timings_ms"]),
            incomplete=bool(document.get("incomplete", False)),
            notices=tuple(document.get("notices", ())),
            prompt=None if prompt is None else PromptUse(**prompt),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"This is not an answer as `dateline ask --json` prints it ({error!r}).") from error


def _refusal(document: Mapping[str, Any]) -> Refusal:
    return Refusal(document["reason"], document["message"], _hits(document["closest"]))


def _statement(document: Mapping[str, Any]) -> Statement:
    return Statement(
        text=document["text"],
        citations=tuple(document["citations"]),
        support=document["support"],
        problems=tuple(Problem(**problem) for problem in document.get("problems", ())),
        quoted=document.get("quoted"),
    )


def _hits(documents: Sequence[Mapping[str, Any]]) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            passage=Passage(
                passage_id=document["passage_id"],
                article_id=document["article_id"],
                start=document["start_char_index"],
                end=document["end_char_index"],
                text=document["text"],
                context="",
            ),
            rank=document["rank"],
            score=document["score"],
            dense_rank=document["dense_rank"],
            keyword_rank=document["keyword_rank"],
        )
        for document in documents
    )
