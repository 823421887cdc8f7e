"""SQuAD 1.1 and 2.0: paragraphs, questions about them, and the spans that people marked as answers.

Formats of Rajpurkar et al., https://arxiv.org/abs/1606.05250 and https://arxiv.org/abs/1806.03822.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.quotes import NormalisedText
from eval.records import Fields
from eval.types import EvalQuestion, Evidence
from index.metadata import clean_field
from index.types import Article, Metadata

FIELDS = ("id", "question", "answers", "is_impossible", "plausible_answers")
"""The fields of a question; plausible answers to impossible questions are not used."""


def is_squad(document: object) -> bool:
    """Whether a JSON document is an object with a list of `data`, and not a question itself."""
    return isinstance(document, dict) and isinstance(document.get("data"), list) and "question" not in document


def read_squad(document: dict[str, Any], path: Path, problems: list[str]) -> tuple[list[EvalQuestion], list[Article]]:
    """The questions of a SQuAD document and its paragraphs as articles.

    The origin of a paragraph is `path#3.0` for `data[3].paragraphs[0]`. Each distinct span that was marked as an
    answer is evidence; `answer_start` is carried over to the normalised text, and where the answer is not at that
    place, the nearest place that holds it counts. Questions of one title are a cluster. A file with impossible
    questions has the types `answerable` and `unanswerable`, any other none.
    """
    questions: list[EvalQuestion] = []
    articles: list[Article] = []
    places: dict[str, str] = {}
    for position, topic in enumerate(Fields(document, problems).objects("data")):
        title = clean_field(topic.string("title").replace("_", " "))
        for number, paragraph in enumerate(topic.objects("paragraphs")):
            context = NormalisedText(paragraph.text("context"))
            asked = paragraph.objects("qas")
            if context.text:
                article = Article.from_text(context.text, Metadata(title=title), f"{path}#{position}.{number}")
                articles.append(article)
                questions += [
                    replace(_question(fields, places, context, article.origin), cluster=title) for fields in asked
                ]
    return _with_types(questions), articles


def _question(fields: Fields, places: dict[str, str], context: NormalisedText, origin: str) -> EvalQuestion:
    answerable = not fields.flag("is_impossible", default=False)
    marked = fields.objects("answers") if answerable else []
    if answerable and fields.record.get("answers") == []:
        fields.problem("answers", "an answerable question needs an answer; where there is none, say 'is_impossible'")
    evidence = [found for answer in marked if (found := _evidence(answer, context, origin))]
    return EvalQuestion(
        id=fields.identifier("id", places),
        text=fields.question("question").strip(),
        answers=tuple(dict.fromkeys((found.quote or "").strip() for found in evidence)),
        evidence=tuple(dict.fromkeys(evidence)),
        answerable=answerable,
        ignored_fields=fields.unknown(FIELDS),
    )


def _evidence(answer: Fields, context: NormalisedText, origin: str) -> Evidence | None:
    text, offset = answer.text("text"), answer.offset("answer_start")
    if not text:
        return None
    span = context.find(text, offset)
    if span is None:
        answer.problem("text", f"{text!r} is not in the paragraph's context")
        return None
    return Evidence(origin, context.text[span.start : span.end], start=span.start)


def _with_types(questions: Sequence[EvalQuestion]) -> list[EvalQuestion]:
    if all(question.answerable for question in questions):
        return list(questions)
    return [replace(question, type="answerable" if question.answerable else "unanswerable") for question in questions]
