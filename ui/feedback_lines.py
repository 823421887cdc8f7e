"""Judgements as lines of a question set, in the format that `dateline eval run` takes (`eval.questions`)."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from index.errors import DatelineError
from rag.types import MAX_QUESTION_CHARACTERS, Citation
from ui.backend import Backend
from ui.conversation_store import ConversationStore
from ui.feedback_store import FeedbackStore, Judged
from ui.kept_view import file_name, is_web
from ui.render import json_line

TYPE = "feedback"
"""The `type` of the questions, under which a report gives their figures."""


def feedback_lines(store: ConversationStore, owner: str, backend: Backend | None = None) -> list[str]:
    """The lines of everything that the owner judged, one for each question of which it is known what is right.

    With a backend, words that its library no longer holds are left out, and an article is named by its file where no
    other file has that name; without one, by its whole origin.
    """
    names = None if backend is None else _origins(backend)
    found = (question_of(judged, backend, names) for judged in FeedbackStore(store).all_judged(owner))
    return [json_line(line) for line in found if line is not None]


def question_of(
    judged: Judged, backend: Backend | None = None, origins: Collection[str] | None = None
) -> dict[str, Any] | None:
    """The line of one judged answer, `None` where nothing that was said tells what is right.

    - A refusal that was judged right is a question without an answer.
    - Words that were pointed out, and cited words that were judged to support an answer not judged unhelpful, are the
      evidence of a question with an answer. The short answer is accepted where the whole answer was judged helpful and
      the words that it comes from were not judged against it.
    - A refusal judged right for which words were pointed out contradicts itself.
    """
    evidence = list(judged.passages)
    if judged.helpful is not False:
        evidence += [judged.citations[number] for number, yes in judged.supports.items() if yes]
    if backend is not None:
        evidence = _still_there(evidence, backend, origins or ())
    evidence = [one for one in evidence if one.cited_text.strip() and one.origin.strip()]
    answers = [judged.short] if judged.short and judged.helpful and not _doubted(judged) else []
    right_refusal = judged.refused and judged.helpful is True
    if (right_refusal and judged.passages) or not (right_refusal or evidence or answers):
        return None
    if not judged.question.strip() or len(judged.question) > MAX_QUESTION_CHARACTERS:
        return None
    named = [(_name(one.origin, origins or ()), one.cited_text) for one in evidence]
    return {
        "id": f"{TYPE}-{judged.exchange_id}",
        "question": judged.question,
        "answers": answers,
        "evidence": [{"article": article, "quote": quote} for article, quote in dict.fromkeys(named)],
        "answerable": not right_refusal,
        **(
            {"history": [{"question": turn.question, "answer": turn.answer} for turn in judged.history]}
            if judged.history
            else {}
        ),
        **({"as_of": judged.as_of} if judged.as_of else {}),
        "type": TYPE,
    }


def summary(store: ConversationStore, owner: str) -> dict[str, Any]:
    """`lines` of the question set, `marks` that were made in all, judged answers `without_line`, and in `helpful` what
    was said of whole answers, by their identifiers.

    The library is not asked, which would take long at each click: a line all of whose words it lost counts here.
    """
    judged = FeedbackStore(store).all_judged(owner)
    lines = sum(question_of(one) is not None for one in judged)
    return {
        "lines": lines,
        "marks": sum(one.marks for one in judged),
        "without_line": len(judged) - lines,
        "helpful": {one.exchange_id: one.helpful for one in judged if one.helpful is not None},
    }


def _doubted(judged: Judged) -> bool:
    """True if the words that the short answer comes from were judged not to support it."""
    return any(judged.supports.get(number) is False for number in judged.short_citations)


def _still_there(evidence: Sequence[Citation], backend: Backend, origins: Collection[str]) -> list[Citation]:
    """Those whose words the library still holds, unchanged or in a newer version, each with where its article is now.

    All of them where the library cannot be read.
    """
    found = []
    try:
        for one in evidence:
            fate = backend.verify(one)
            if fate.ok and fate.article_id is not None:
                here = one.origin in origins
                found.append(one if here else replace(one, origin=backend.article(fate.article_id).origin))
    except DatelineError:
        return list(evidence)
    return found


def _origins(backend: Backend) -> list[str]:
    try:
        return [origin for summary in backend.summaries() for origin in summary.origins]
    except DatelineError:
        return []


def _name(origin: str, origins: Collection[str]) -> str:
    """The file's name if only one file has it, else the whole origin."""
    name = file_name(origin)
    if is_web(origin) or not name.strip() or sum(file_name(other) == name for other in origins) != 1:
        return origin
    return name
