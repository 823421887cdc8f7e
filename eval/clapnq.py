"""CLAP NQ: questions with long answers, and the sentences of a passage that each answer was written from.

Format of Rosenthal et al., https://arxiv.org/abs/2404.02103 and https://github.com/primeqa/clapnq.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from eval.quotes import NormalisedText
from eval.records import Fields
from eval.types import EvalQuestion, Evidence
from index.metadata import clean_field
from index.types import Article, Metadata

FIELDS = ("id", "input", "passages", "output")


def is_clapnq(record: Mapping[str, object]) -> bool:
    """Whether a JSON object has the fields of a CLAP NQ record."""
    return {"input", "passages", "output"} <= record.keys()


def read_clapnq(records: Iterable[Fields], path: Path) -> tuple[list[EvalQuestion], list[Article]]:
    """The questions of CLAP NQ records and their passages as articles.

    A passage's text is its sentences with a blank between them; its origin is `path#ID`, with `.0`, `.1` … behind it
    where a record has several. The reference is the first answer that an annotator wrote, the evidence every sentence
    that any of them selected, and the passages as wholes where none did. Without any answer the question is
    unanswerable. Questions of one title are a cluster.
    """
    places: dict[str, str] = {}
    questions, articles = [], []
    for fields in records:
        identifier = fields.identifier("id", places)
        passages = fields.objects("passages")
        if fields.record.get("passages") == []:
            fields.problem("passages", "must not be empty")
        read = [
            _Passage(passage, f"{path}#{identifier}" if len(passages) == 1 else f"{path}#{identifier}.{number}")
            for number, passage in enumerate(passages)
        ]
        articles += [Article.from_text(passage.text, Metadata(title=passage.title), passage.origin) for passage in read]
        questions.append(_question(fields, identifier, read))
    return questions, articles


class _Passage:
    """A passage as it is stored, and where each of its sentences begins in the text before it was normalised."""

    def __init__(self, fields: Fields, origin: str) -> None:
        self.origin = origin
        self.title = clean_field(fields.string("title"))
        sentences = fields.texts("sentences")
        if not fields.record.get("sentences"):
            fields.problem("sentences", "must be a list of non-empty strings with at least one")
        self._joined = NormalisedText(" ".join(sentences))
        self.text = self._joined.text
        self._offsets: dict[str, int] = {}
        offset = 0
        for sentence in sentences:
            self._offsets.setdefault(sentence, offset)
            offset += len(sentence) + 1

    def evidence(self, sentence: str) -> Evidence | None:
        """The place of a sentence, the first one where the passage repeats it; `None` if it is not in the passage."""
        span = self._joined.find(sentence, self._offsets.get(sentence, 0))
        return None if span is None else Evidence(self.origin, self.text[span.start : span.end], start=span.start)


def _question(fields: Fields, identifier: str, passages: list[_Passage]) -> EvalQuestion:
    outputs = fields.objects("output")
    answers = [answer.strip() for output in outputs if (answer := output.string("answer")).strip()]
    evidence: list[Evidence] = []
    wholes = [Evidence(passage.origin, None) for passage in passages]
    for output in outputs:
        for sentence in output.texts("selected_sentences"):
            found = next((place for passage in passages if (place := passage.evidence(sentence))), None)
            if found is not None:
                evidence.append(found)
            elif passages:
                output.problem("selected_sentences", f"{sentence!r} is in none of the passages")
    return EvalQuestion(
        id=identifier,
        text=fields.question("input").strip(),
        reference=answers[0] if answers else None,
        evidence=tuple(dict.fromkeys(evidence or wholes)) if answers else (),
        answerable=bool(answers),
        type="answerable" if answers else "unanswerable",
        cluster=passages[0].title if passages else None,
        ignored_fields=fields.unknown(FIELDS),
    )
