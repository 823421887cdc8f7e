"""A language model's opinion of answers: faithfulness, answer relevancy and nuggets, and how far it can be trusted.

Off unless asked for. What it says is an opinion of that model, so it is reported apart from what is measured and beside
its agreement with it. Articles and answers stand in the prompts as fenced data (`rag.prompts.as_data`): no text can
close a fence or begin a line. A model may still be talked into a verdict by the words inside; nothing in a prompt can
rule that out, which is one more reason to read the agreement first. The models are asked with a temperature of 0 where
they take one (`rag.chat_clients`, `rag.local_model`).
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from eval.agreement import kappa_figure
from eval.citation_support import evidence_text
from eval.judge_replies import UnreadReplyError, read_questions, read_verdicts
from eval.metrics import answer_text
from eval.statistics import SEED, mean, rate
from eval.types import EvalQuestion, Figure, Figures, Judgement, QuestionResult
from index.errors import InputError, ModelError
from index.sentences import split_sentences
from rag.generators import EXTRACTIVE, load_generator
from rag.prompts import Message, as_data

if TYPE_CHECKING:
    from index.encoder import Encoder
    from rag.generators import Generator

QUESTIONS = 3
"""Questions written for each answer, as many as RAGAS asks for by default."""

REPLY_TOKENS = 1_000
"""Tokens of a reply besides its verdicts: room for the sentences that some models put around them."""

VERDICT_TOKENS = 16
"""Tokens of one verdict with its number."""

NUGGET_THRESHOLD = 0.5
"""Nugget score from which the judge counts as saying that the accepted answer is there, when it is compared with
`contains`: half of the nuggets, or all of them in part."""

FAITHFULNESS_VERDICTS = {"supported": 1.0, "not_supported": 0.0}
NUGGET_VERDICTS = {"support": 1.0, "partial_support": 0.5, "not_support": 0.0}
"""Verdicts and what they count (Pradeep et al. 2025, the score over all nuggets)."""


class Judge:
    """Asks a language model about answers, one call for each of the three scores. Keeps nothing between questions.

    `encoder` compares questions for the answer relevancy, which is `None` without one.
    """

    def __init__(self, generator: "Generator", encoder: "Encoder | None" = None) -> None:
        self._generator = generator
        self._encoder = encoder

    @property
    def name(self) -> str:
        """The model's name with its prefix."""
        return self._generator.name

    def with_encoder(self, encoder: "Encoder") -> "Judge":
        """The same judge with an encoder that threads share, if it has one at all."""
        return self if self._encoder is None else Judge(self._generator, encoder)

    def judge(self, question: EvalQuestion, document: Mapping[str, Any]) -> Judgement:
        """What the model thinks of an answer, the document of `dateline ask --json`. Each score is in 0..1.

        - Faithfulness (RAGAS, Es et al. 2024): the share of the answer's statements that its cited words support, all
          of them together, each with its title, source and date as for the citation recall. The statements are the
          document's own; no model splits the answer. 0 without a citation.
        - Relevancy (RAGAS): the mean cosine of the asked question and `QUESTIONS` questions that the model writes for
          the answer, in one call, because at temperature 0 several would be the same; 0 if it is negative. `None` for a
          question with a history, which does not stand alone.
        - Nuggets (AutoNuggetizer, Pradeep et al. 2025): how much of what is accepted the answer holds. `answers` are
          wordings of one nugget, `answers_all` one nugget each, of both the better score counts; where there is only a
          reference, each of its sentences is a nugget.

        A refusal is not asked about: its nuggets are 0, the rest `None`. An answer to an unanswerable question has no
        nuggets. A score whose reply cannot be read, or is incomplete, or contradicts itself, is `None`, and `failure`
        says so; after an error of the model the rest is not asked.
        """
        nuggets = _nuggets(question)
        if document["refused"]:
            return Judgement(self.name, nuggets=0.0 if nuggets else None)
        asked: Mapping[str, Callable[[], float | None]] = {
            "faithfulness": lambda: self._faithfulness(document),
            "relevancy": lambda: self._relevancy(question, document),
            "nuggets": lambda: self._nuggets(question, nuggets, document),
        }
        scores: dict[str, float | None] = dict.fromkeys(asked)
        unread: list[str] = []
        failure = None
        for part, ask in asked.items():
            try:
                scores[part] = ask()
            except UnreadReplyError as error:
                unread.append(f"{part} ({error})")
            except ModelError as error:
                failure = str(error)
                break
        if failure is None and unread:
            failure = f"{self.name}: the reply could not be used for {' and '.join(unread)}."
        return Judgement(self.name, scores["faithfulness"], scores["relevancy"], scores["nuggets"], failure)

    def _faithfulness(self, document: Mapping[str, Any]) -> float | None:
        statements = [statement["text"] for statement in document["statements"]]
        if not statements:
            return None
        if not document["citations"]:
            return 0.0
        words = [_fenced("quote", evidence_text(citation)) for citation in document["citations"]]
        numbered = [_fenced("statement", text, number) for number, text in enumerate(statements, start=1)]
        reply = self._ask("faithfulness", ["Quoted words:", *words, "Statements:", *numbered], len(statements))
        verdicts = read_verdicts(reply, len(statements), FAITHFULNESS_VERDICTS)
        return sum(verdicts) / len(verdicts)

    def _relevancy(self, question: EvalQuestion, document: Mapping[str, Any]) -> float | None:
        if self._encoder is None or question.history:
            return None
        reply = self._ask("relevancy", ["Answer:", _fenced("answer", answer_text(document))], 0)
        vectors = self._encoder.encode([question.text, *read_questions(reply, QUESTIONS)])
        return min(1.0, max(0.0, float((vectors[1:] @ vectors[0]).mean())))

    def _nuggets(
        self, question: EvalQuestion, nuggets: Sequence[Sequence[str]], document: Mapping[str, Any]
    ) -> float | None:
        if not nuggets:
            return None
        facts = [_fenced("fact", " / ".join(wordings), number) for number, wordings in enumerate(nuggets, start=1)]
        asked = ["Question:", _fenced("question", question.text), "Answer:", _fenced("answer", answer_text(document))]
        reply = self._ask("nuggets", [*asked, "Facts (wordings are separated by /):", *facts], len(nuggets))
        verdicts = read_verdicts(reply, len(nuggets), NUGGET_VERDICTS)
        if question.answers and question.answers_all:
            return max(verdicts[0], sum(verdicts[1:]) / len(verdicts[1:]))
        return sum(verdicts) / len(verdicts)

    def _ask(self, part: str, lines: Sequence[str], verdicts: int) -> str:
        text = resources.files("eval").joinpath(f"judge_{part}.txt").read_text(encoding="utf-8")
        system = Template(text).substitute(questions=QUESTIONS).strip()
        messages = (Message("system", system), Message("user", "\n".join(lines)))
        limit = REPLY_TOKENS + VERDICT_TOKENS * verdicts
        return "".join(self._generator.generate(messages, max_tokens=limit))


def load_judge(model: str, encoder: "Encoder | None" = None) -> Judge:
    """The judge on the model of that name (see `rag.generators`). Nothing is asked of it yet.

    Raises InputError for `extractive`, which is no language model, and what `load_generator` raises.
    """
    generator = load_generator(model)
    if generator is None:
        raise InputError(f"{EXTRACTIVE!r} cannot judge: name a language model, such as ollama:NAME or openai:NAME")
    return Judge(generator, encoder)


def judge_figures(results: Sequence[QuestionResult], *, seed: int = SEED) -> Figures:
    """What the judge thinks of a run and how far that agrees with what is measured; empty where nothing was judged.

    `faithfulness`, `relevancy` and `nuggets` are means, `failed` is the rate of judgements with a failure (lower is
    better). Agreement is over answers that the model was asked about, so refusals and, for faithfulness, answers
    without a citation are left out:

    - `nuggets_agree_contains`: the rate at which "nugget score at least `NUGGET_THRESHOLD`" and `contains` are the
      same; `nuggets_kappa_contains`: Cohen's kappa of the two, which takes off what chance would give.
    - `faithfulness_agree_support`: 1 minus the mean absolute difference of faithfulness and citation recall. A rank
      correlation would say little, because most answers score 1 in both. `faithfulness_kappa_support`: Cohen's kappa
      of "faithfulness is 1" and "citation recall is 1".
    """
    judged = [(result, result.judgement) for result in results if result.judgement is not None]
    if not judged:
        return {}

    def average(name: str) -> Figure:
        rows = [(result, getattr(judgement, name)) for result, judgement in judged]
        rows = [row for row in rows if row[1] is not None]
        return mean([value for _, value in rows], clusters=_clusters([result for result, _ in rows]), seed=seed)

    every = [result for result, _ in judged]
    with_nuggets = [
        (result, judgement.nuggets >= NUGGET_THRESHOLD, result.scores.contains)
        for result, judgement in judged
        if result.answered and judgement.nuggets is not None and result.scores.contains is not None
    ]
    with_support = [
        (result, judgement.faithfulness, result.scores.citation_recall)
        for result, judgement in judged
        if judgement.faithfulness is not None
        and result.scores.citation_recall is not None
        and result.answer is not None
        and result.answer["citations"]
    ]
    nugget_clusters = _clusters([result for result, _, _ in with_nuggets])
    support_clusters = _clusters([result for result, _, _ in with_support])
    opinions = [(said, measured) for _, said, measured in with_nuggets]
    shares = [(said, measured) for _, said, measured in with_support]
    return {
        "faithfulness": average("faithfulness"),
        "relevancy": average("relevancy"),
        "nuggets": average("nuggets"),
        "failed": rate([judgement.failure is not None for _, judgement in judged], clusters=_clusters(every)),
        "nuggets_agree_contains": rate([said == measured for said, measured in opinions], clusters=nugget_clusters),
        "nuggets_kappa_contains": kappa_figure(opinions, nugget_clusters, seed=seed),
        "faithfulness_agree_support": mean(
            [1 - abs(said - measured) for said, measured in shares], clusters=support_clusters, seed=seed
        ),
        "faithfulness_kappa_support": kappa_figure(
            [(said == 1, measured == 1) for said, measured in shares], support_clusters, seed=seed
        ),
    }


def _nuggets(question: EvalQuestion) -> list[tuple[str, ...]]:
    """The wordings of each nugget of a question: `answers` first, then `answers_all`, or the reference's sentences."""
    if not question.answerable:
        return []
    nuggets = [question.answers] if question.answers else []
    nuggets += [(answer,) for answer in question.answers_all]
    if nuggets or question.reference is None:
        return nuggets
    return [(question.reference[span.start : span.end],) for span in split_sentences(question.reference)]


def _fenced(tag: str, text: str, number: int | None = None) -> str:
    """The text on one line between tags that it cannot hold, because it holds no angle bracket."""
    attribute = "" if number is None else f' number="{number}"'
    return f"<{tag}{attribute}>{as_data(text)}</{tag}>"


def _clusters(results: Sequence[QuestionResult]) -> list[str | None] | None:
    """The cluster of each result's question, `None` if each stands alone."""
    clusters = [result.question.cluster for result in results]
    return clusters if any(cluster is not None for cluster in clusters) else None
