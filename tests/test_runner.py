"""Whole runs over small libraries: asked, kept, continued after every kind of end, and reported."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from eval import runner
from eval.judge import Judge
from eval.manifest import read_manifest
from eval.report import report_json
from eval.results import RESULTS_NAME, read_results
from eval.runner import RunOptions, report_of, run_set
from eval.systems import SYSTEMS, library_search
from eval.types import EvalQuestion, Evidence, QuestionSet
from index.errors import EncoderError, InputError, LibraryError, ModelError, QuestionSetError
from index.library import Library
from index.types import Hit
from rag.answering import ask
from rag.citations import make_citation
from rag.generators import load_generator
from rag.types import Answer, Question, Refusal, Statement, Turn
from tests.fakes import BagOfWordsEncoder
from tests.scripted_llm import Reply, Request, ScriptedServer
from tests.small_library import library_of, made_article

ARTICLES = {
    "levy": "Simms set the levy at 12 cents. Brandt called it theft.",
    "court": "Judge Holm halted the dredging of the channel. Marsh won the case against the port.",
    "lamp": "The harbour lamp was lit in 1923 by Ann Lee.",
}
RATE = EvalQuestion(
    "rate",
    "How high did Simms set the levy?",
    answers=("12 cents",),
    evidence=(Evidence("levy.txt", "Simms set the levy at 12 cents."),),
    type="fact",
)
WINNER = EvalQuestion(
    "winner",
    "Who won the case against the port?",
    answers=("Marsh",),
    evidence=(Evidence("/news/court.txt", "Marsh won the case against the port."),),
    type="fact",
)
LAMP = EvalQuestion(
    "lamp", "When was the harbour lamp lit?", answers=("1923",), evidence=(Evidence("lamp.txt", "lit in 1923"),)
)
MOON = EvalQuestion("moon", "Who is the mayor of the moon?", answerable=False, type="off-topic")
SUN = EvalQuestion("sun", "Why did the sun resign?", answerable=False, type="off-topic")
ALL = (RATE, WINNER, LAMP, MOON, SUN)


@pytest.fixture
def path(tmp_path):
    with library_of(tmp_path / "library", [made_article(text, name) for name, text in ARTICLES.items()]) as library:
        return library.path


@pytest.fixture
def library(path):
    with Library.open(path, BagOfWordsEncoder()) as opened:
        yield opened


def set_of(*questions: EvalQuestion) -> QuestionSet:
    return QuestionSet("sets/some.jsonl", "dateline", "5e7" * 20, questions)


@dataclass
class ScriptedSystem:
    """Answers by the id of the question's text, extractively where the script is silent; an exception is raised."""

    library: Library
    script: dict[str, object] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)

    def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        outcome = self.script.get(question.text)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome if isinstance(outcome, Answer) else ask(question, self.library)

    @property
    def texts(self) -> list[str]:
        return [question.text for question in self.asked]


def answered(library, text, name, words, confidence=0.9, standalone="?"):
    article = library.article(library.find_article(f"{name}.txt"))
    start = article.text.index(words)
    citation = make_citation(1, article, start, start + len(words))
    statement = Statement(text, (1,), "verbatim")
    return Answer("?", standalone, f"{text} [1]", None, confidence, (statement,), (citation,), (), "fake", 1, {})


def refused(confidence=0.1):
    refusal = Refusal("low_confidence", "The articles do not say.", ())
    return Answer("?", "?", refusal.message, refusal, confidence, (), (), (), "fake", 1, {})


def comparable(report) -> dict:
    """The report without what no two runs share: times and the folder's name."""
    document = report_json(report)
    for name in ("timings_ms", "seconds"):
        del document[name]
    document["manifest"] = {**document["manifest"], "started": "", "machine": {}, "command": ""}
    return document


def ids_in(out: Path) -> list[str]:
    return [result.question.id for result in read_results(out)]


# What comes out of a run


def test_a_perfect_system_scores_one_and_an_empty_one_nothing(library):
    script = {
        RATE.text: answered(library, "12 cents", "levy", "Simms set the levy at 12 cents."),
        WINNER.text: answered(library, "Marsh", "court", "Marsh won the case against the port."),
        MOON.text: refused(),
    }
    gold = {RATE.text: "levy", WINNER.text: "court"}

    def search(query, limits, mode, depth):
        article_id = library.find_article(f"{gold[query]}.txt")
        return [Hit(passage, rank, 1 / rank) for rank, passage in enumerate(library.passages(article_id), start=1)]

    for text in gold:
        script[text] = replace(script[text], standalone_question=text)
    perfect = run_set(
        set_of(RATE, WINNER, MOON),
        library,
        ask=ScriptedSystem(library, script),
        search=search,
        options=RunOptions(baselines=False),
    )
    assert perfect.failures == ()
    assert {figure.value for level in perfect.retrieval.values() for figure in level.values()} == {1.0}
    for name in ("contains", "exact_match", "f1", "rouge_l", "no_answer", "overall_f1"):
        assert perfect.answers[name].value == 1.0
    for name in ("exactness", "recall", "precision", "gold_quote", "gold_overlap", "gold_article", "statements_cited"):
        assert perfect.citations[name].value == 1.0, name
    assert (perfect.refusals["rejected"].value, perfect.refusals["false_rate"].value) == (1.0, 0.0)
    assert perfect.refusals["auroc"].value == 1.0
    empty = run_set(set_of(RATE, WINNER), library, options=RunOptions(system="always-refuse"))
    assert {figure.value for level in empty.retrieval.values() for figure in level.values()} == {0.0}
    for name in ("contains", "exact_match", "f1", "rouge_l", "overall_f1"):
        assert empty.answers[name].value == 0.0
    assert (empty.citations["gold_quote"].value, empty.refusals["false_rate"].value) == (0.0, 1.0)


def test_the_report_is_in_the_order_of_the_set_and_says_what_it_was_made_with(library):
    report = run_set(set_of(*ALL), library, command="dateline eval run x", options=RunOptions(k=7, seed=5))
    assert [result.question for result in report.results] == list(ALL)
    made = report.manifest
    assert (made.model, made.system, made.seed, made.questions) == ("extractive", "dateline", 5, 5)
    assert made.settings == {"k": 7, "mode": "hybrid", "checker": "rules", "judge": None, "baselines": True}
    assert made.command == "dateline eval run x"
    assert set(report.baselines) == {
        "keyword_only",
        "dense_only",
        "top_passage",
        "keyword_top_passage",
        "always_refuse",
    }
    assert set(report.baseline_retrieval) >= {"keyword_only", "dense_only"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_is_run_by_its_name(library, tmp_path, system):
    report = run_set(set_of(*ALL), library, options=RunOptions(system=system), out=tmp_path / "out")
    assert report.failures == ()
    assert report.manifest.system == system
    assert report.manifest.model == ("extractive" if system in ("dateline", "keyword-only", "dense-only") else "none")
    assert report.manifest.settings["mode"] == SYSTEMS[system]
    assert system.replace("-", "_") not in set(report.baselines) - {"always_refuse"}
    assert all(result.answer["refused"] for result in report.results) == (system == "always-refuse")
    assert comparable(report_of(tmp_path / "out")) == comparable(report)


def test_history_and_date_reach_the_system_and_the_searches(library):
    question = replace(WINNER, history=(Turn("Who sued?", "Marsh."),), as_of=date(2022, 9, 22))
    system = ScriptedSystem(
        library, {WINNER.text: answered(library, "Marsh", "court", "Marsh", standalone="Who won the case?")}
    )
    searched = []

    def search(query, limits, mode, depth):
        searched.append((query, limits.as_of, mode, depth))
        return library_search(library)("Who won the case?", type(limits)(), mode, depth)

    run_set(set_of(question), library, ask=system, search=search, options=RunOptions(k=4))
    (asked,) = system.asked
    assert asked.history == question.history
    assert asked.filter.as_of == date(2022, 9, 22)
    assert sorted(searched) == [
        ("Who won the case?", date(2022, 9, 22), mode, depth)
        for mode in ("dense", "hybrid", "keyword")
        for depth in (10, 50)
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [(ModelError("the server is away"), "the server is away"), (ZeroDivisionError("oops"), "ZeroDivisionError: oops")],
)
def test_a_question_that_fails_scores_zero_and_does_not_end_the_run(library, error, said):
    system = ScriptedSystem(library, {WINNER.text: error, MOON.text: error})
    report = run_set(set_of(WINNER, MOON, RATE), library, ask=system)
    assert [(result.question.id, result.failure) for result in report.failures] == [("winner", said), ("moon", said)]
    assert report_json(report)["failures"] == [{"id": "winner", "error": said}, {"id": "moon", "error": said}]
    assert (report.answers["contains"].value, report.answers["contains"].n) == (0.5, 2)
    assert report.refusals["rejected"].value == 0.0
    assert report.retrieval["passage"]["RR@10"].n == 2
    assert report.baselines["keyword_only"]["contains"].value == 1.0


def test_evidence_is_checked_before_anything_is_asked_or_written(library, tmp_path):
    gone = replace(RATE, id="gone", evidence=(Evidence("gone.txt", "x"),))
    system = ScriptedSystem(library)
    with pytest.raises(QuestionSetError, match=r"question 'gone': no single article is named 'gone\.txt'"):
        run_set(set_of(RATE, gone), library, ask=system, out=tmp_path / "out")
    assert system.asked == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [{"jobs": 0}, {"k": 0}, {"system": "oracle"}])
def test_an_option_that_is_wrong_is_said(library, options):
    with pytest.raises(InputError):
        run_set(set_of(RATE), library, options=RunOptions(**options))


def test_a_run_repeats_to_the_last_digit(library):
    once, again = (run_set(set_of(*ALL), library) for _ in range(2))
    assert comparable(once) == comparable(again)


def test_without_a_folder_nothing_is_written(library, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = sorted(library.path.iterdir())
    run_set(set_of(RATE, MOON), library)
    assert list((tmp_path / "here").iterdir()) == []
    assert sorted(library.path.iterdir()) == before


def test_an_encoder_that_cannot_be_loaded_ends_the_run(path, tmp_path, monkeypatch):
    def fail(name):
        raise EncoderError("The weights are missing.")

    monkeypatch.setattr("index.library.load_encoder", fail)
    with Library.open(path) as library, pytest.raises(EncoderError, match="weights are missing"):
        run_set(set_of(RATE), library, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_library_that_cannot_be_opened_for_the_threads_ends_the_run(library, tmp_path, monkeypatch):
    def gone(path, encoder=None):
        raise LibraryError("The library is gone.")

    monkeypatch.setattr(Library, "open", gone)
    with pytest.raises(LibraryError, match="gone"):
        run_set(set_of(*ALL), library, options=RunOptions(jobs=2), out=tmp_path / "out")
    assert ids_in(tmp_path / "out") == []


def test_a_library_that_changes_meanwhile_is_said(path, library, caplog):
    def change(question):
        with Library.open_for_writing(path, BagOfWordsEncoder()) as writer:
            writer.put([(made_article("Another article came in.", "other"), "d")])
        return refused()

    run_set(set_of(MOON), library, ask=change)
    assert "The library changed while the questions were asked" in caplog.text


# What is kept, and how a run goes on


def test_results_manifest_and_report_are_written(library, tmp_path):
    out = tmp_path / "runs" / "one"
    progress = []
    report = run_set(set_of(*ALL), library, out=out, on_progress=lambda done, total: progress.append((done, total)))
    assert progress == [(done, 5) for done in range(1, 6)]
    lines = [json.loads(line) for line in (out / RESULTS_NAME).read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [question.id for question in ALL]
    assert lines[0]["answer"]["citations"][0]["cited_text"] in ARTICLES["levy"]
    assert read_manifest(out) == report.manifest
    assert read_results(out) == list(report.results)
    assert json.loads((out / "report.json").read_text(encoding="utf-8")) == report_json(report)
    assert {"report.md", "report.html"} <= {path.name for path in out.iterdir()}
    assert report_json(report_of(out)) == report_json(report)


def test_a_line_is_there_as_soon_as_its_question_is_done(library, tmp_path):
    seen = []
    run_set(
        set_of(RATE, WINNER),
        library,
        out=tmp_path / "out",
        on_progress=lambda done, total: seen.append((done, len(ids_in(tmp_path / "out")))),
    )
    assert seen == [(1, 1), (2, 2)]


def test_a_run_goes_on_with_what_is_missing(library, tmp_path):
    whole = run_set(set_of(*ALL), library, out=tmp_path / "whole")
    out = tmp_path / "out"
    interrupting = ScriptedSystem(library, {LAMP.text: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt, match=r"2 of 5 questions are in '.*out'; run the same command again"):
        run_set(set_of(*ALL), library, ask=interrupting, out=out)
    assert ids_in(out) == ["rate", "winner"]
    assert len(report_of(out).results) == 2
    with (out / RESULTS_NAME).open("ab") as file:
        file.write(b'{"id": "lamp", "torn')
    started = read_manifest(out).started
    system, progress = ScriptedSystem(library), []
    report = run_set(
        set_of(*ALL), library, ask=system, out=out, on_progress=lambda done, total: progress.append((done, total))
    )
    assert system.texts == [LAMP.text, MOON.text, SUN.text]
    assert progress == [(2, 5), (3, 5), (4, 5), (5, 5)]
    assert comparable(report) == {**comparable(whole), "manifest": comparable(report)["manifest"]}
    assert report.manifest.started == started
    assert ids_in(out) == [question.id for question in ALL]


def test_a_finished_run_asks_nothing_and_makes_the_report_again(library, tmp_path):
    first = run_set(set_of(*ALL), library, out=tmp_path)
    (tmp_path / "report.json").unlink()
    system, progress = ScriptedSystem(library), []
    again = run_set(
        set_of(*ALL), library, ask=system, out=tmp_path, on_progress=lambda done, total: progress.append((done, total))
    )
    assert system.asked == []
    assert progress == [(5, 5)]
    assert report_json(again) == report_json(first)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == report_json(first)


def test_failures_are_kept_and_asked_again_where_it_is_said(library, tmp_path):
    away = ScriptedSystem(library, {RATE.text: ModelError("away"), LAMP.text: ModelError("away")})
    run_set(set_of(*ALL), library, ask=away, out=tmp_path)
    system = ScriptedSystem(library)
    kept = run_set(set_of(*ALL), library, ask=system, out=tmp_path)
    assert [result.question.id for result in kept.failures] == ["rate", "lamp"]
    assert system.asked == []
    mended = run_set(set_of(*ALL), library, ask=system, out=tmp_path, options=RunOptions(retry_failed=True))
    assert system.texts == [RATE.text, LAMP.text]
    assert mended.failures == ()
    assert ids_in(tmp_path) == [question.id for question in ALL]


def test_a_retry_that_is_interrupted_loses_no_answer(library, tmp_path):
    run_set(set_of(*ALL), library, ask=ScriptedSystem(library, {WINNER.text: ModelError("away")}), out=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_set(
            set_of(*ALL),
            library,
            ask=ScriptedSystem(library, {WINNER.text: KeyboardInterrupt()}),
            out=tmp_path,
            options=RunOptions(retry_failed=True),
        )
    assert ids_in(tmp_path) == ["rate", "lamp", "moon", "sun"]
    assert run_set(set_of(*ALL), library, out=tmp_path).failures == ()


def test_another_run_in_the_folder_is_neither_mixed_nor_lost(library, tmp_path):
    run_set(set_of(RATE), library, out=tmp_path)
    before = (tmp_path / RESULTS_NAME).read_bytes()
    with pytest.raises(InputError, match=r"settings\.k \(10, now 3\)"):
        run_set(set_of(RATE), library, out=tmp_path, options=RunOptions(k=3))
    assert (tmp_path / RESULTS_NAME).read_bytes() == before
    fresh = run_set(set_of(RATE), library, out=tmp_path, options=RunOptions(k=3, fresh=True))
    assert fresh.manifest.settings["k"] == 3
    assert ids_in(tmp_path) == ["rate"]


def test_fresh_asks_everything_again(library, tmp_path):
    run_set(set_of(RATE, MOON), library, out=tmp_path)
    system = ScriptedSystem(library)
    run_set(set_of(RATE, MOON), library, ask=system, out=tmp_path, options=RunOptions(fresh=True))
    assert system.texts == [RATE.text, MOON.text]
    assert ids_in(tmp_path) == ["rate", "moon"]


def test_a_folder_that_another_run_writes_is_left_alone(library, tmp_path):
    said = []

    def run_inside(question):
        with pytest.raises(InputError) as caught:
            run_set(set_of(MOON), library, out=tmp_path, options=RunOptions(fresh=True))
        said.append(str(caught.value))
        return refused()

    run_set(set_of(MOON), library, ask=run_inside, out=tmp_path)
    assert len(said) == 1
    assert "Another run is writing" in said[0]


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_asked(library, tmp_path):
    (tmp_path / "file").write_text("")
    system = ScriptedSystem(library)
    with pytest.raises(InputError, match=r"cannot be written to .*name a folder with --out"):
        run_set(set_of(RATE), library, ask=system, out=tmp_path / "file")
    assert system.asked == []


KILLED = """
    import sys, time
    from pathlib import Path
    from eval.runner import RunOptions, run_set
    from eval.systems import system_ask
    from eval.types import EvalQuestion, QuestionSet
    from index.library import Library
    from tests.fakes import BagOfWordsEncoder

    questions = tuple(EvalQuestion(str(n), f"Who lit lamp {n}?", answerable=False) for n in range(40))
    with Library.open(Path(sys.argv[1]), BagOfWordsEncoder()) as library:
        answer = system_ask("dateline", library, None, 10)
        def slow(question):
            time.sleep(float(sys.argv[3]))
            return answer(question)
        run_set(QuestionSet("s", "dateline", "5", questions), library, ask=slow, out=Path(sys.argv[2]),
                options=RunOptions(baselines=False))
"""


def test_a_run_that_is_killed_goes_on_where_it_was(path, tmp_path):
    root = Path(__file__).resolve().parent.parent
    out = tmp_path / "out"

    def command(wait):
        return [sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(out), wait]

    process = subprocess.Popen(command("0.05"), cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    end = time.monotonic() + 60
    while not (out / RESULTS_NAME).exists() or (out / RESULTS_NAME).read_bytes().count(b"\n") < 5:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = (out / RESULTS_NAME).read_bytes()
    whole = kept[: kept.rindex(b"\n") + 1]
    assert 5 <= whole.count(b"\n") < 40
    subprocess.run(command("0"), cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=True, timeout=60)
    assert (out / RESULTS_NAME).read_bytes().startswith(whole)
    assert ids_in(out) == [str(number) for number in range(40)]


# Several at a time


class AnsweringServer(ScriptedServer):
    """Replies to the question and not by turn, each after another wait, so that several jobs finish out of order."""

    def next_reply(self, request: Request) -> Reply:
        self.requests.append(request)
        number = int(re.findall(r"lamp (\d+)\?", request.prompt)[-1])
        time.sleep(0.002 * (number * 7 % 5))
        if number % 9 == 4:
            return Reply.error(400, "no such thing")
        return Reply.text(f"The lamp {number} was lit in {1900 + number}. [1]")


def lamps(count: int) -> tuple[list, tuple[EvalQuestion, ...]]:
    texts = [f"The lamp {number} was lit in {1900 + number} by Ann Lee." for number in range(count)]
    articles = [made_article(text, f"lamp-{number}") for number, text in enumerate(texts)]
    questions = tuple(
        EvalQuestion(
            f"q{number}",
            f"When was the lamp {number}?",
            answers=(str(1900 + number),),
            evidence=(Evidence(f"lamp-{number}.txt", texts[number]),),
            cluster=f"c{number % 4}",
        )
        for number in range(count)
    )
    return articles, questions


def test_several_jobs_give_the_same_figures_by_a_model_over_http(tmp_path, monkeypatch):
    articles, questions = lamps(24)
    with library_of(tmp_path / "lamps", articles) as made:
        path = made.path
    reports = []
    with AnsweringServer([]) as server, Library.open(path, BagOfWordsEncoder()) as library:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        for jobs in (1, 4):
            generator = load_generator("openai:scripted")
            report = run_set(
                set_of(*questions),
                library,
                model="openai:scripted",
                generator=generator,
                options=RunOptions(jobs=jobs),
                out=tmp_path / str(jobs),
            )
            reports.append(report)
            assert ids_in(tmp_path / str(jobs)) == [question.id for question in questions]
    assert comparable(reports[0]) == comparable(reports[1])
    assert [result.answer for result in reports[0].results if result.answer is None] == [None] * 3
    assert reports[0].manifest.model == "openai:scripted"
    assert {"extractive", "keyword_only", "dense_only"} <= set(reports[0].baselines)
    assert 0 < reports[0].answers["contains"].value < 1
    assert reports[1].manifest.machine["jobs"] == 4
    assert {result.answer["model"] for result in reports[1].results if result.answer} == {"openai:scripted"}


class OneAtATimeEncoder(BagOfWordsEncoder):
    """Fails where two threads use it at once, as tokenizers do."""

    busy = threading.Lock()

    def encode(self, texts):
        assert self.busy.acquire(blocking=False), "two threads encode at once"
        try:
            time.sleep(0.002)
            return super().encode(texts)
        finally:
            self.busy.release()


class QuestionWriter:
    """A model that writes questions whatever it is asked."""

    name = "openai:scripted"

    def generate(self, messages, *, max_tokens):
        yield '{"questions": ["When was the lamp lit?", "Who lit the lamp?", "Where is the lamp?"]}'


class Judging:
    """A model that writes questions once it is mended; before, it fails."""

    name = "openai:judge"
    mended = False

    def generate(self, messages, *, max_tokens):
        if not self.mended:
            raise ModelError("The server is away.")
        yield '{"questions": ["When was the lamp lit?", "Who lit the lamp?", "Where is the lamp?"]}'


def test_a_question_whose_judge_failed_is_asked_again_on_demand(tmp_path):
    articles, questions = lamps(3)
    model = Judging()
    with library_of(tmp_path / "lamps", articles) as library:
        options = RunOptions(judge=Judge(model, library.encoder))
        first = run_set(set_of(*questions), library, options=options, out=tmp_path / "out")
        assert {result.judgement.failure for result in first.results if result.answered} == {"The server is away."}
        model.mended = True
        again = run_set(set_of(*questions), library, options=options, out=tmp_path / "out")
        assert again.results == first.results
        retried = run_set(
            set_of(*questions), library, options=replace(options, retry_failed=True), out=tmp_path / "out"
        )
    assert all(result.judgement.relevancy is not None for result in retried.results if result.answered)


def test_a_judge_shares_the_encoder_of_the_threads(tmp_path):
    articles, questions = lamps(8)
    with library_of(tmp_path / "lamps", articles) as made:
        path = made.path
    with Library.open(path, OneAtATimeEncoder()) as library:
        judge = Judge(QuestionWriter(), library.encoder)
        report = run_set(set_of(*questions), library, options=RunOptions(jobs=3, judge=judge))
    assert [result.failure for result in report.results] == [None] * 8
    answered = [result.judgement for result in report.results if result.answered]
    assert answered
    assert all(judgement.relevancy is not None for judgement in answered)


def test_jobs_ask_at_the_same_time_and_progress_counts_them(library):
    together = threading.Barrier(3, timeout=20)

    def wait_for_the_others(question):
        together.wait()
        return refused()

    progress = []
    questions = [replace(MOON, id=str(number)) for number in range(6)]
    report = run_set(
        set_of(*questions),
        library,
        ask=wait_for_the_others,
        options=RunOptions(jobs=3, baselines=False),
        on_progress=lambda done, total: progress.append(done),
    )
    assert report.failures == ()
    assert progress == [1, 2, 3, 4, 5, 6]


def test_a_model_in_this_process_answers_one_question_at_a_time(library):
    report = run_set(
        set_of(MOON, SUN), library, model="hf:small", ask=lambda question: refused(), options=RunOptions(jobs=4)
    )
    assert report.manifest.machine["jobs"] == 1


def test_an_interruption_waits_for_no_silent_model(library, tmp_path):
    silent = threading.Event()

    def answer_or_be_silent(question):
        if question.text != RATE.text:
            silent.wait(30)
        return refused()

    def interrupt(done, total):
        raise KeyboardInterrupt

    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt, match="1 of 5 questions"):
            run_set(
                set_of(*ALL),
                library,
                ask=answer_or_be_silent,
                out=tmp_path,
                options=RunOptions(jobs=2),
                on_progress=interrupt,
            )
        assert time.monotonic() - started < runner.INTERRUPTED_WAIT_SECONDS + 5
    finally:
        silent.set()
    assert ids_in(tmp_path) == ["rate"]
    assert len(run_set(set_of(*ALL), library, out=tmp_path).results) == 5


def test_an_interruption_within_a_thread_ends_the_run(library, tmp_path):
    system = ScriptedSystem(library, {WINNER.text: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt, match="run the same command again"):
        run_set(
            set_of(WINNER, RATE, MOON),
            library,
            ask=lambda question: refused() if question.text != WINNER.text else system(question),
            out=tmp_path,
            options=RunOptions(jobs=2, baselines=False),
        )


def test_an_interruption_without_a_folder_says_that_nothing_is_kept(library):
    with pytest.raises(KeyboardInterrupt, match=r"after 0 of 1 questions; nothing is kept without --out"):
        run_set(set_of(RATE), library, ask=ScriptedSystem(library, {RATE.text: KeyboardInterrupt()}))
