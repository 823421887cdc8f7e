"""An answer that a language model writes from numbered passages, with its marks resolved and its statements checked."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Generator as Pieces
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import fmean

from index.errors import ModelError, StoppedError
from index.library import Library
from index.sentences import split_sentences
from index.types import Article, Hit
from rag.citations import CitedText, cite_answer
from rag.generators import Ending, Finish, Generator, reply
from rag.prompts import Prompt, build_prompt
from rag.statement_check import EncoderChecker, StatementChecker
from rag.templates import Templates
from rag.types import Problem, PromptUse, Statement, Support

LOG = logging.getLogger("dateline")

CHECKED_OTHERWISE = "The statements are checked by words and encoder instead."
"""What is said where the model that checks statements failed."""

STOPPED_EARLY = "Stopped before the model had written a word."

INCOMPLETE: Mapping[Finish, str] = {
    "stopped": "The model was stopped; the answer is not complete.",
    "length": "The model's answer was cut off at {tokens} tokens; it is not complete.",
    "filtered": "The model's server cut the answer off by a filter; it is not complete.",
}
"""What is said of an answer that is not complete."""

CUT_OFF = "the end, which is cut off"

LEAST_TOKENS_A_SENTENCE = 2
"""Fewest tokens that the sentences of a reply may have on average at its limit: one with more sentences is no answer,
and checking it would take minutes."""

_ENDS = (*".!?…\"”»)]'’", "")

WORTH: Mapping[Support, float] = {"verbatim": 1.0, "supported": 1.0, "partial": 0.5, "unsupported": 0.0}
"""What a statement with each label counts for the confidence in an answer. The values are not fitted: there was no
language model at hand whose answers could be scored."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model wrote, cited and checked; how it ended, the prompt it got, and what a reader should know of it."""

    cited: CitedText
    finish: Finish
    prompt: PromptUse
    notices: tuple[str, ...]

    @property
    def incomplete(self) -> bool:
        """True if the reply did not end by itself."""
        return self.finish != "complete"


def write_answer(
    generator: Generator,
    question: str,
    hits: Sequence[Hit],
    articles: Mapping[str, Article],
    library: Library,
    *,
    prompt_tokens: int,
    answer_tokens: int,
    checker: StatementChecker | None,
    templates: Templates | None,
    stop: threading.Event | None,
    lap: Callable[[str], None],
) -> Pieces[str, None, ModelAnswer]:
    """The pieces of the model's text as they come; the return value is the answer.

    `lap` is told the name of each stage at its end. Raises `ModelError` if the model fails or writes no word,
    `StoppedError` if it is stopped before it has written one.
    """
    prompt = build_prompt(question, hits, articles, token_budget=prompt_tokens, templates=templates)
    written: list[str] = []
    with closing(reply(generator, prompt.messages, max_tokens=answer_tokens, stop=stop)) as pieces:
        ending = Ending(pieces)
        for piece in ending:
            written.append(piece)
            yield piece
    finish = ending.finish
    lap("model")
    text = "".join(written)
    sentences = len(split_sentences(text))
    if sentences > answer_tokens // LEAST_TOKENS_A_SENTENCE:
        raise ModelError(f"{generator.name}: the reply has {sentences} sentences, where a few were asked for.")
    cited, notices = _cite(text, prompt.hits, articles, library, checker)
    if finish != "complete":
        cited = _cut_off(cited)
    lap("citations")
    if finish == "stopped" and not cited.statements:
        raise StoppedError(STOPPED_EARLY)
    if not cited.declined and not cited.statements:
        raise ModelError(f"The model {generator.name!r} answered without a word.")
    notices += _notices(finish, prompt, prompt_tokens, answer_tokens)
    return ModelAnswer(cited, finish, replace(prompt.use, marks_removed=cited.removed_marks), tuple(notices))


def _cut_off(cited: CitedText) -> CitedText:
    """The text of which the last statement, if it has no end, is `partial` at most: half a word bears out nothing."""
    if not cited.statements or cited.statements[-1].text.rstrip()[-1:] in _ENDS:
        return cited
    last = cited.statements[-1]
    support: Support = "unsupported" if last.support == "unsupported" else "partial"
    last = replace(last, support=support, problems=(*last.problems, Problem("words", CUT_OFF)))
    return replace(cited, statements=(*cited.statements[:-1], last))


def share_supported(statements: Sequence[Statement]) -> float:
    """How much of an answer its cited words bear out, 0..1, by `WORTH`."""
    return fmean(WORTH[statement.support] for statement in statements)


def _cite(
    text: str,
    hits: Sequence[Hit],
    articles: Mapping[str, Article],
    library: Library,
    checker: StatementChecker | None,
) -> tuple[CitedText, list[str]]:
    """The text with its citations. A checker that fails at one statement is replaced for all, and a notice says so."""
    notices = []
    if checker is not None:
        try:
            return cite_answer(text, hits, articles, checker), []
        except ModelError as error:
            notices.append(f"{error} {CHECKED_OTHERWISE}")
            LOG.info("%s %s", error, CHECKED_OTHERWISE)
    return cite_answer(text, hits, articles, EncoderChecker(library.nearest)), notices


def _notices(finish: Finish, prompt: Prompt, prompt_tokens: int, answer_tokens: int) -> list[str]:
    notices = []
    if prompt.dropped:
        notices.append(
            f"The model was shown {len(prompt.hits)} of {len(prompt.hits) + prompt.dropped} passages; the weakest "
            f"did not fit into the {prompt_tokens:,} tokens that a prompt may have."
        )
    if finish in INCOMPLETE:
        notices.append(INCOMPLETE[finish].format(tokens=answer_tokens))
    return notices
