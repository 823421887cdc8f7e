"""A question in, an answer out: `ask` returns it whole, `stream` gives its text as it comes."""

import logging
import threading
import time
from collections.abc import Generator as Pieces
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress, zip_longest
from statistics import fmean

from index.errors import ModelError, StoppedError
from index.library import Library
from index.types import Article, Hit
from rag.analysis import analyse_question
from rag.confidence import confidence, refuse_below
from rag.copies import articles_with_copies, collapse
from rag.evidence import Evidence, find_evidence
from rag.followups import make_standalone
from rag.generators import EXTRACTIVE, Generator
from rag.model_answers import STOPPED_EARLY, share_supported, write_answer
from rag.parts import Part, split_question
from rag.reading import Reader, Readings
from rag.refusals import parts_not_held, refuse
from rag.reranking import Reranker
from rag.retrieval import Mode, may_read_again, rank_passages, read_again, recencies, spread
from rag.rewriting import rewrite
from rag.settings import answer_tokens, prompt_tokens
from rag.short_answers import short_answers
from rag.statement_check import StatementChecker
from rag.statements import choose, compose
from rag.templates import Templates, load_templates
from rag.times import read_times
from rag.types import Answer, Citation, PromptUse, Question, Refusal, RefusalReason, Statement, check_question

LOG = logging.getLogger("dateline")

PART_NOT_HELD_BELOW = 0.1
"""Confidence under which a part of a question counts as not held by the articles, while others are answered. Below
`refuse_below` it would be said of many parts that are held: of 11 such parts of the sample questions (`seeds`,
`tests/sets`) 8 were, with confidences from 0.14 to 0.31; of the 3 that were not, 2 lie below 0.1."""

PART_NOT_READ_BELOW = 0.17
"""The same with a reader, whose confidence is on another scale: the parts held have 0.23 and more, those below 0.1
without it 0.12 and less."""

REPLACED = "The articles' own sentences are used instead."
"""What is said where a language model failed."""

LEFT_OUT = "What {model} wrote is left out: no statement of it is borne out by the articles."
"""What is said where a model's answer is replaced by a refusal."""


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How an answer is made: from `k` passages that a search of `mode` finds, in the order of a re-ranker if any.

    For a language model, prompt and answer have at most so many tokens, by default what the environment allows
    (`rag.settings`, which raises `InputError` on what is no number). `checker` says how well the cited words support
    its statements; without one, and where it fails, words and the library's encoder do. A `reader` puts the passages of
    a hybrid in order, has a part in the choice of sentences and finds the short answer; `rag.reader.load_reader(None)`
    is the one that ships.
    """

    k: int = 10
    mode: Mode = "hybrid"
    prompt_tokens: int = field(default_factory=prompt_tokens)
    answer_tokens: int = field(default_factory=answer_tokens)
    reranker: Reranker | None = None
    checker: StatementChecker | None = None
    reader: Reader | None = None


@dataclass(slots=True)
class _Work:
    """An answer in the making."""

    question: Question
    standalone: str = ""
    hits: Sequence[Hit] = ()
    articles: Mapping[str, Article] = field(default_factory=dict)
    copied: Mapping[str, Sequence[str]] = field(default_factory=dict)
    copies: Mapping[str, Sequence[Article]] = field(default_factory=dict)
    readings: Sequence[Readings] = ()
    generation: int = 0
    notices: list[str] = field(default_factory=list)
    prompt: PromptUse | None = None
    timings: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """Books the time since the last call on a stage."""
        now = time.perf_counter()
        self.timings[stage] = self.timings.get(stage, 0.0) + (now - self.started) * 1000
        self.started = now


def ask(
    question: Question,
    library: Library,
    *,
    generator: Generator | None = None,
    settings: AnswerSettings | None = None,
) -> Answer:
    """The answer to a question, or a refusal. Without a generator it is made of the articles' own sentences.

    Raises:
        QuestionError: The question is empty or too long.
        InputError: A prompt of one's own cannot be used (`rag.templates`).
        LibraryError: The library cannot be read.
        ModelError: The re-ranker or the reader cannot be run.
    """
    *_, answer = stream(question, library, generator=generator, settings=settings)
    assert isinstance(answer, Answer)
    return answer


def stream(
    question: Question,
    library: Library,
    *,
    generator: Generator | None = None,
    settings: AnswerSettings | None = None,
    stop: threading.Event | None = None,
) -> Pieces[str | Answer, None, None]:
    """Pieces of the answer's text as they come, then the `Answer`, which is authoritative. Raises as `ask`.

    Once `stop` is set, from whatever thread, the language model is stopped within a second; what it has written by
    then is the answer, marked as incomplete. Where it has written nothing, `StoppedError` is raised.

    A language model that fails is replaced by the extractive answer; `Answer.model` says what really answered. A
    follow-up is rewritten by the model if there is one (`rag.rewriting`), else completed by rules; in both cases
    `Answer.standalone_question` is what was searched for and answered.
    """
    settings = settings or AnswerSettings()
    text = check_question(question.text)
    work = _Work(question)
    work.generation = library.generation
    standalone = make_standalone(text, question.history)
    work.standalone = standalone.text
    if library.count_articles() == 0:
        yield _refusal(work, library, "empty_library", (), EXTRACTIVE, 0.0)
        return
    templates = None if generator is None else load_templates()
    if generator is not None:
        standalone = rewrite(text, question.history, generator, templates=templates, stop=stop)
        work.standalone = standalone.text
        if stop is not None and stop.is_set():
            raise StoppedError(STOPPED_EARLY)
    work.lap("question")
    parts = split_question(standalone)
    texts = [part.text for part in parts] if len(parts) > 1 else [work.standalone]
    if settings.reader is not None:
        work.readings = [Readings(settings.reader, text) for text in texts]
    with library.snapshot():
        work.generation = library.generation
        rankings = _rankings(work, texts, library, settings)
    _choose(work, rankings, settings)
    with library.snapshot():
        if library.generation != work.generation:  # what is found, and what is read of it now, are to be of one state
            work.generation = library.generation
            _choose(work, _rankings(work, texts, library, settings), settings)
        work.articles = {hit.passage.article_id: library.article(hit.passage.article_id) for hit in work.hits}
        evidence = _evidence(work, parts, library) if work.hits else []
        work.copies = {name: [library.article(other) for other in others] for name, others in work.copied.items()}
    if not work.hits:
        reason: RefusalReason = "no_match" if question.filter.is_empty else "out_of_range"
        yield _refusal(work, library, reason, (), EXTRACTIVE, 0.0)
        return
    confidences = [confidence(of_part) for of_part in evidence]
    work.lap("evidence")
    if generator is not None:
        try:
            yield from _generated(work, library, evidence, fmean(confidences), generator, settings, templates, stop)
        except ModelError as error:
            work.notices.append(f"{error} {REPLACED}")
            LOG.info("%s %s", error, REPLACED)
        else:
            return
    yield from _extractive(work, library, evidence, confidences)


def _evidence(work: _Work, parts: Sequence[Part], library: Library) -> list[Evidence]:
    """For each part of a question, what in the passages speaks to it."""
    as_of = work.question.filter.as_of
    recent = recencies(library, work.articles.keys(), read_times(work.standalone, as_of=as_of), as_of)
    return [
        find_evidence(
            analyse_question(part.text, part.topic),
            work.hits,
            work.articles,
            library,
            recent,
            None if readings is None else readings.of(work.hits),
        )
        for part, readings in zip_longest(parts, work.readings)
    ]


def _rankings(work: _Work, texts: Sequence[str], library: Library, settings: AnswerSettings) -> list[list[Hit]]:
    """The passages that the searches find for each text: the question, or each of its parts."""
    search = partial(
        rank_passages,
        library,
        k=settings.k,
        search_filter=work.question.filter,
        mode=settings.mode,
        reranker=settings.reranker,
    )
    found = [search(text) for text in texts]
    work.lap("retrieval")
    return found


def _choose(work: _Work, rankings: Sequence[Sequence[Hit]], settings: AnswerSettings) -> None:
    """Of what was found the passages that the answer is made from, in turn of each part of the question; none is a copy
    of another.

    A reader is asked here, outside the library's state, which others wait for meanwhile. `work.copied` names, for each
    article with copies, the other articles that repeat it.
    """
    found = []
    for ranked, readings in zip_longest(rankings, work.readings):
        if readings is not None and may_read_again(settings.mode, settings.reranker):
            ranked = read_again(ranked, readings)
        found.append(collapse(ranked))
    shares = [spread(of_part.hits, settings.k) for of_part in found]
    work.hits, work.copied = shares[0], articles_with_copies(found)
    if len(shares) > 1:
        merged: dict[str, Hit] = {}
        for row in zip_longest(*shares):
            for hit in row:
                if hit is not None:
                    merged.setdefault(hit.passage.passage_id, hit)
        # The parts may have kept different copies of one passage.
        distinct = collapse(list(merged.values()))
        work.hits, work.copied = list(distinct.hits[: settings.k]), articles_with_copies([*found, distinct])
    for readings in work.readings:
        readings.of(work.hits)
    work.lap("reading" if work.readings else "retrieval")


def _extractive(
    work: _Work, library: Library, evidence: Sequence[Evidence], confidences: Sequence[float]
) -> Iterator[str | Answer]:
    """The answer to the parts of the question that the articles hold; a last paragraph names the others."""
    held = _parts_held(work.standalone, evidence, confidences)
    sure = fmean(compress(confidences, held)) if any(held) else 0.0
    if sure < refuse_below(evidence) or not any(part.sentences for part in compress(evidence, held)):
        yield _refusal(work, library, "low_confidence", evidence, EXTRACTIVE, fmean(confidences))
        return
    chosen = choose(list(compress(evidence, held)), work.articles)
    answering = {piece.article.article_id for piece in chosen}
    copies = {name: work.copies.get(name, ()) for name in answering}
    hits = {hit.passage.passage_id: hit for hit in work.hits}
    short = {}
    for part in compress(evidence, held):
        short.update(short_answers(part, hits, library))
    text, statements, citations = compose(chosen, copies, short)
    if not all(held):
        missing = [part.profile.text for part, is_held in zip(evidence, held, strict=True) if not is_held]
        text = f"{text}\n\n{parts_not_held(missing)}"
    work.lap("answer")
    yield text
    yield _answer(work, text, None, sure, statements, citations, EXTRACTIVE)


def _parts_held(whole: str, evidence: Sequence[Evidence], confidences: Sequence[float]) -> list[bool]:
    """Whether each part of a question is to be answered.

    A part that needs the whole question to be understood ("who paid for it?") falls with one before it.
    """
    held: list[bool] = []
    is_read = any(part.is_read for part in evidence)
    least = min(PART_NOT_READ_BELOW if is_read else PART_NOT_HELD_BELOW, refuse_below(evidence))
    for part, sure in zip(evidence, confidences, strict=True):
        falls = part.profile.topic == whole and not all(held)
        held.append(sure >= least and not falls)
    return held


def _generated(
    work: _Work,
    library: Library,
    evidence: Sequence[Evidence],
    sure: float,
    generator: Generator,
    settings: AnswerSettings,
    templates: Templates | None,
    stop: threading.Event | None,
) -> Iterator[str | Answer]:
    """The answer of a language model; a refusal if it declines, or if the articles seem not to hold the answer and
    bear out nothing of what it wrote."""
    written = yield from write_answer(
        generator,
        work.standalone,
        work.hits,
        work.articles,
        library,
        prompt_tokens=settings.prompt_tokens,
        answer_tokens=settings.answer_tokens,
        checker=settings.checker,
        templates=templates,
        stop=stop,
        lap=work.lap,
    )
    cited = written.cited
    work.prompt = written.prompt
    work.notices += written.notices
    if cited.declined:
        yield _refusal(work, library, "model_declined", evidence, generator.name, sure)
        return
    borne_out = share_supported(cited.statements)
    if borne_out == 0.0 and sure < refuse_below(evidence):
        work.notices.append(LEFT_OUT.format(model=generator.name))
        yield _refusal(work, library, "low_confidence", evidence, generator.name, sure)
        return
    sure *= borne_out
    answer = _answer(work, cited.text, None, sure, cited.statements, cited.citations, generator.name)
    yield replace(answer, incomplete=written.incomplete)


def _refusal(
    work: _Work, library: Library, reason: RefusalReason, evidence: Sequence[Evidence], model: str, sure: float
) -> Answer:
    refusal = refuse(reason, work.question, work.hits, evidence, library)
    work.lap("answer")
    return _answer(work, refusal.message, refusal, sure, (), (), model)


def _answer(
    work: _Work,
    text: str,
    refusal: Refusal | None,
    sure: float,
    statements: tuple[Statement, ...],
    citations: tuple[Citation, ...],
    model: str,
) -> Answer:
    return Answer(
        question=work.question.text,
        standalone_question=work.standalone,
        text=text,
        refusal=refusal,
        confidence=sure,
        statements=statements,
        citations=citations,
        hits=tuple(work.hits),
        model=model,
        library_generation=work.generation,
        timings_ms={**work.timings, "total": sum(work.timings.values())},
        notices=tuple(work.notices),
        prompt=work.prompt,
    )
