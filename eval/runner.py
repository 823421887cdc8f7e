"""Puts the questions of a set to a system and its baselines, scores what comes back, and keeps it as it comes."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Generator as Results
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.asking import Asker
from eval.citation_support import RuleChecker
from eval.gold import locate_evidence
from eval.manifest import make_manifest, open_run, read_manifest
from eval.results import read_results
from eval.spread import spread
from eval.statistics import SEED
from eval.systems import (
    DATELINE,
    SYSTEMS,
    Ask,
    Search,
    baseline_asks,
    check_system,
    library_search,
    share,
    system_ask,
    uses_model,
)
from eval.types import EvalQuestion, EvalReport, Gold, Manifest, QuestionResult, QuestionSet
from index.errors import InputError
from index.library import Library
from rag.generators import EXTRACTIVE

if TYPE_CHECKING:
    from eval.citation_support import Checker
    from eval.judge import Judge
    from rag.generators import Generator
    from rag.nli_check import ModelChecker
    from rag.reading import Reader
    from rag.reranking import Reranker

NO_MODEL = "none"
"""The model in the manifest of a system that asks none."""

INTERRUPTED_WAIT_SECONDS = 2.0
"""After an interruption, how long the questions under way are waited for. Extractive answers take a fraction of it; a
model that is silent would keep the user waiting for a minute, and its question is asked again by the next run."""

_POLL_SECONDS = 0.5
"""Longest wait without looking for Ctrl-C, which on Windows does not interrupt a wait."""

_log = logging.getLogger(__name__)

_Task = tuple[EvalQuestion, Gold | None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a set is run.

    `system` is one of `eval.systems.SYSTEMS`, `k` the passages that an answer is made from, `jobs` how many questions
    are asked at a time, `seed` that of the intervals. `limit` leaves that many questions of the set, spread evenly over
    it, `None` all of them. `baselines` says whether the other systems are run beside it.
    `reranker` and `reader` serve the system, not the plain searches beside it; `None` for none.
    `statement_checker` gives a language model's statements their labels as they are answered, `None` for words and
    encoder. The scores come from `checker`: it tells whether cited words support a statement, `None` for the rules of
    `rag.support`; `judge` gives a language model's opinion, `None` for none. `fresh` replaces what the folder holds,
    `retry_failed` asks the questions again that ended in an error, or whose judge did.
    """

    system: str = DATELINE
    k: int = 10
    jobs: int = 1
    limit: int | None = None
    seed: int = SEED
    baselines: bool = True
    reranker: "Reranker | None" = None
    reader: "Reader | None" = None
    statement_checker: "ModelChecker | None" = None
    checker: "Checker | None" = None
    judge: "Judge | None" = None
    fresh: bool = False
    retry_failed: bool = False


def run_set(
    question_set: QuestionSet,
    library: Library,
    *,
    model: str = EXTRACTIVE,
    generator: "Generator | None" = None,
    options: RunOptions | None = None,
    out: Path | None = None,
    command: str = "",
    on_progress: Callable[[int, int], None] | None = None,
    ask: Ask | None = None,
    search: Search | None = None,
) -> EvalReport:
    """Asks every question of the set and returns the report, in the order of the set.

    `generator` writes the answers, `None` for extractive ones; `model` is its name. With `out`, a folder that is made
    if need be, `manifest.json` is written first, each result is a line of `results.jsonl` as soon as it is there, and
    the report follows at the end. Run again with the same identity, only what is missing is asked. `on_progress` is
    given the questions done and the questions in all. `ask` and `search` stand in for the system's answering and the
    library's retrieval; with several jobs both are called from several threads. Models in this process (`hf:`) answer
    one question at a time.

    The set's evidence is looked for before anything is asked: QuestionSetError. A question that ends in an error is
    recorded as a failure and scores 0. An interruption is raised again as a KeyboardInterrupt that says how to go on.

    Raises:
        InputError: An option is wrong, or `out` cannot be written or holds something else: another run, results
            without a manifest. What is there is replaced only where `fresh` says so.
        LibraryError, EncoderError: The library or its encoder cannot be opened.
    """
    options = options or RunOptions()
    check_system(options.system)
    if options.jobs < 1 or options.k < 1:
        raise InputError(f"The jobs ({options.jobs}) and passages ({options.k}) of a run must be 1 or more.")
    whole = len(question_set.questions)
    question_set = spread(question_set, options.limit)
    if not uses_model(options.system):
        model, generator = NO_MODEL, None
    elif generator is not None:
        model = generator.name
    jobs = 1 if model.startswith("hf:") else options.jobs
    gold = locate_evidence(question_set, library)
    settings = _settings(options, generator)
    if len(question_set.questions) < whole:
        settings["limit"] = f"{len(question_set.questions)} of {whole} questions"
    manifest = make_manifest(
        question_set,
        library,
        model=model,
        system=options.system,
        settings=settings,
        seed=options.seed,
        command=command,
        jobs=jobs,
    )
    folder = nullcontext((manifest, None)) if out is None else open_run(out, manifest, fresh=options.fresh)
    with folder as (manifest, file):
        if file is not None and options.retry_failed and any(map(_has_failed, file.finished)):
            file.replace([result for result in file.finished if not _has_failed(result)])
        results = {} if file is None else {result.question.id: result for result in file.finished}
        tasks = [(asked, gold.get(asked.id)) for asked in question_set.questions if asked.id not in results]
        total = len(question_set.questions)
        if results and on_progress is not None:
            on_progress(len(results), total)
        stopped, generation = threading.Event(), library.generation
        try:
            askers = _askers(library, min(jobs, len(tasks)), options, generator, stopped, ask, search)
            with closing(_work_through(tasks, askers, stopped)) as finished:
                for result in finished:
                    if file is not None:
                        file.append(result)
                    results[result.question.id] = result
                    if on_progress is not None:
                        on_progress(len(results), total)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_how_to_go_on(len(results), total, out)) from None
        if library.generation != generation:
            _log.warning("The library changed while the questions were asked; run the set again with --fresh.")
        ordered = [results[asked.id] for asked in question_set.questions]
        if file is not None and file.finished != ordered:
            file.replace(ordered)
        return _report(ordered, manifest, out)


def report_of(folder: Path) -> EvalReport:
    """The report of a run, made again from its manifest and results alone; of an unfinished one, of what is done.

    Raises `InputError` if the folder does not hold them.
    """
    return _report(read_results(folder), read_manifest(folder), None)


def _report(results: Sequence[QuestionResult], manifest: Manifest, out: Path | None) -> EvalReport:
    from eval.summary import summarise

    report = summarise(results, manifest=manifest)
    if out is not None:
        from eval.report import write_report

        write_report(report, out)
    return report


def _settings(options: RunOptions, generator: "Generator | None") -> dict[str, Any]:
    """What decides the results besides the set, the articles and the code; part of the run's identity."""
    from rag.answering import AnswerSettings

    answers = AnswerSettings(k=options.k)
    budget: dict[str, Any] = {}
    if generator is not None:
        budget = {"prompt_tokens": answers.prompt_tokens, "answer_tokens": answers.answer_tokens}
        if (checker := options.statement_checker) is not None:
            budget |= {"statement_checker": checker.name, "statement_checker_digest": checker.digest}
    reranking = {}
    if options.reranker is not None:
        reranking = {"reranker": options.reranker.name, "reranker_digest": options.reranker.digest}
    if options.reader is not None:
        reranking |= {"reader": options.reader.name, "reader_digest": options.reader.digest}
    return {
        "k": answers.k,
        "mode": SYSTEMS[options.system],
        **reranking,
        **budget,
        "checker": (options.checker or RuleChecker()).name,
        "judge": None if options.judge is None else options.judge.name,
        "baselines": options.baselines,
    }


def _has_failed(result: QuestionResult) -> bool:
    """True if the question ended in an error, or the judge did."""
    return result.failure is not None or (result.judgement is not None and result.judgement.failure is not None)


def _how_to_go_on(done: int, total: int, out: Path | None) -> str:
    if out is None:
        return f"Interrupted after {done} of {total} questions; nothing is kept without --out FOLDER."
    return f"Interrupted. {done} of {total} questions are in {str(out)!r}; run the same command again to go on."


def _askers(
    library: Library,
    count: int,
    options: RunOptions,
    generator: "Generator | None",
    stopped: threading.Event,
    ask: Ask | None,
    search: Search | None,
) -> list[Asker]:
    """One for each thread, with a library of its own if there are several: a library serves one thread at a time."""

    def asker(own: Library) -> Asker:
        asked = ask or system_ask(
            options.system,
            own,
            generator,
            options.k,
            stopped,
            options.reranker,
            options.reader,
            options.statement_checker,
        )
        baselines = {}
        if options.baselines:
            baselines = baseline_asks(
                options.system,
                own,
                options.k,
                generated=generator is not None,
                reranker=options.reranker,
                reader=options.reader,
            )
        checker = options.checker or RuleChecker()
        is_plain = search is not None or (options.reranker is None and options.reader is None)
        return Asker(
            own,
            options.system,
            asked,
            baselines,
            search or library_search(own),
            system_search=None if is_plain else library_search(own, options.reranker, options.reader),
            k=options.k,
            with_baselines=options.baselines,
            checker=checker,
            judge=options.judge,
        )

    if count <= 1 or not isinstance(library, Library):
        return [asker(library)] * count
    encoder = share(library.encoder)
    if options.judge is not None:
        options = replace(options, judge=options.judge.with_encoder(encoder))
    with ExitStack() as opened:
        askers = [asker(opened.enter_context(Library.open(library.path, encoder))) for _ in range(count)]
        opened.pop_all()  # each thread closes its own
    return askers


def _work_through(
    tasks: Sequence[_Task], askers: Sequence[Asker], stopped: threading.Event
) -> Results[QuestionResult, None, None]:
    """The results as they come; with several askers, each in a thread of its own."""
    if len(askers) <= 1:
        for question, gold in tasks:
            yield askers[0].run(question, gold)
        return
    waiting: queue.SimpleQueue[_Task] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    done: queue.SimpleQueue[QuestionResult | BaseException] = queue.SimpleQueue()
    # Daemons: after an interruption, a model that is silent must not keep the process from ending.
    threads = [
        threading.Thread(target=_work, args=(asker, waiting, done, stopped), name="dateline-eval", daemon=True)
        for asker in askers
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in tasks:
            outcome = _next(done)
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        stopped.set()
        end = time.monotonic() + INTERRUPTED_WAIT_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def _work(
    asker: Asker,
    waiting: "queue.SimpleQueue[_Task]",
    done: "queue.SimpleQueue[QuestionResult | BaseException]",
    stopped: threading.Event,
) -> None:
    try:
        while not stopped.is_set():
            try:
                question, gold = waiting.get_nowait()
            except queue.Empty:
                break
            done.put(asker.run(question, gold))
    except BaseException as error:  # noqa: BLE001  -- raised again by the thread that reads the results
        done.put(error)
    finally:
        asker.close()


def _next(done: "queue.SimpleQueue[QuestionResult | BaseException]") -> QuestionResult | BaseException:
    while True:
        try:
            return done.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
