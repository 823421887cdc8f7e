"""Questions that are answered and kept: follow-ups, Stop, errors, waiting, nobody watching."""

import threading
import time
from dataclasses import replace

import pytest
from fake_backend import FakeBackend, answer, cite, make_article

from index.errors import ModelError, StoppedError
from rag.types import MAX_QUESTION_CHARACTERS, Answer, Question, Statement, Turn
from ui.conversation_store import ConversationStore
from ui.desk import BROKEN, STOPPED, Answering, Desk
from ui.exchanges import Asked, Exchange

ARTICLE = make_article("The vote is in May.", "The vote")


def respond(question: Question) -> Answer:
    return answer(question.text, [Statement(ARTICLE.text, (1,), "verbatim")], [cite(1, ARTICLE, ARTICLE.text)])


class Harness:
    """A desk over a backend, with one conversation."""

    def __init__(self, backend: FakeBackend) -> None:
        self.store = ConversationStore.open(None)
        self.desk = Desk(backend, self.store)
        self.conversation = ""

    def begin(self, text: str, model: str = "extractive", replaces: str = "") -> Answering:
        answering = self.desk.ask("ann", self.conversation, Asked(text, model, replaces=replaces))
        self.conversation = answering.exchange.conversation_id
        return answering

    def ask(self, text: str, model: str = "extractive", replaces: str = "") -> Exchange:
        """The exchange as it is kept when it has ended."""
        answering = self.begin(text, model, replaces)
        assert answering.ended.wait(10)
        return self.kept()[-1]

    def kept(self) -> list[Exchange]:
        return self.store.exchanges("ann", self.conversation)


def until(condition) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came about")


def test_an_answer_is_kept_with_its_document() -> None:
    harness = Harness(FakeBackend([ARTICLE], respond))
    kept = harness.ask("  When is the vote? ")
    assert (kept.question, kept.state, kept.text) == ("When is the vote?", "finished", "The vote is in May. [1]")
    assert kept.answer is not None
    assert kept.answer.citations[0].cited_text == ARTICLE.text
    until(lambda: harness.desk.running(kept.exchange_id) is None)


def test_earlier_turns_go_along_and_of_broken_ones_the_question() -> None:
    backend = FakeBackend([ARTICLE], respond)
    harness = Harness(backend)
    harness.ask("When?")
    backend.error = ModelError("The model is silent.")
    harness.ask("And now?")
    backend.error = None
    harness.ask("And then?")
    assert backend.questions[-1] == Question(
        "And then?", (Turn("When?", "The vote is in May. [1]"), Turn("And now?", ""))
    )
    assert [exchange.state for exchange in harness.kept()] == ["finished", "broken", "finished"]


def test_asking_again_forgets_what_it_replaces_and_what_came_after() -> None:
    backend = FakeBackend([ARTICLE], respond)
    harness = Harness(backend)
    harness.ask("One?")
    second = harness.ask("Two?")
    harness.ask("Three?")
    harness.ask("Two, then?", replaces=second.exchange_id)
    assert [turn.question for turn in backend.questions[-1].history] == ["One?"]
    assert [exchange.question for exchange in harness.kept()] == ["One?", "Two, then?"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModelError("The model is silent; start it."), "The model is silent; start it."),
        (ZeroDivisionError("x"), BROKEN),
    ],
)
def test_errors_are_kept_as_a_sentence_beside_what_was_written(error: Exception, sentence: str) -> None:
    backend = FakeBackend([ARTICLE], respond, pieces=["The vote "])
    backend.error = error
    kept = Harness(backend).ask("q")
    assert (kept.state, kept.text, kept.note) == ("broken", "The vote ", sentence)


def test_a_model_that_ends_without_an_answer_is_reported() -> None:
    class Silent(FakeBackend):
        def stream(self, question, *, k=None, model=None, stop=None):
            yield "half"

    kept = Harness(Silent([ARTICLE], respond)).ask("q")
    assert (kept.state, kept.text) == ("broken", "half")
    assert "ended without an answer" in kept.note


def test_a_question_that_is_too_long_is_not_asked() -> None:
    backend = FakeBackend([ARTICLE], respond)
    kept = Harness(backend).ask("x" * (MAX_QUESTION_CHARACTERS + 1))
    assert kept.state == "broken"
    assert "longer than 4,000 characters" in kept.note
    assert backend.questions == []


def test_half_characters_are_asked_as_question_marks() -> None:
    backend = FakeBackend([ARTICLE], respond)
    assert Harness(backend).ask("When\ud800 is\x00 it?").question == "When? is it?"


def test_the_model_chosen_answers_and_a_forged_one_is_refused() -> None:
    backend = FakeBackend([ARTICLE], respond)
    backend.models = ("openai:a", "extractive")
    harness = Harness(backend)
    assert harness.ask("When?").state == harness.ask("When?", "openai:a").state == "finished"
    forged = harness.ask("When?", "hf:/etc")
    assert forged.state == "broken"
    assert forged.note == "There is no model 'hf:/etc' here; choose one of: openai:a, extractive."
    assert backend.asked_models == ["extractive", "openai:a"]


def test_an_incomplete_answer_is_kept_and_not_what_a_follow_up_refers_to() -> None:
    backend = FakeBackend([ARTICLE], lambda question: replace(respond(question), incomplete=True))
    harness = Harness(backend)
    assert harness.ask("When?").state == "stopped"
    harness.ask("And then?")
    assert backend.questions[-1].history == (Turn("When?", ""),)


def test_stopping_keeps_the_checked_answer() -> None:
    class Stoppable(FakeBackend):
        def stream(self, question, *, k=None, model=None, stop=None):
            yield "word "
            assert stop.wait(10)
            yield replace(respond(question), incomplete=True)

    harness = Harness(Stoppable([ARTICLE], respond))
    answering = harness.begin("q")
    until(lambda: answering.exchange.text)
    answering.stop.set()
    assert answering.ended.wait(10)
    (kept,) = harness.kept()
    assert kept.state == "stopped"
    assert kept.answer is not None


def test_a_model_that_does_not_stop_is_left_alone_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.desk.STOPPING_SECONDS", 0.05)
    gate = threading.Event()

    class Deaf(FakeBackend):
        def stream(self, question, *, k=None, model=None, stop=None):
            yield "word "
            gate.wait(10)
            yield respond(question)

    harness = Harness(Deaf([ARTICLE], respond))
    answering = harness.begin("q")
    until(lambda: answering.exchange.text)
    answering.stop.set()
    until(lambda: answering.exchange.state == "stopped")
    gate.set()
    until(lambda: harness.desk.running(answering.exchange.exchange_id) is None)
    (kept,) = harness.kept()
    assert (kept.state, kept.text, kept.note, kept.answer) == ("stopped", "word ", STOPPED, None)


def test_an_answer_that_nobody_watches_is_stopped_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.desk.ABANDONED_SECONDS", 0.1)

    class Silent(FakeBackend):
        def stream(self, question, *, k=None, model=None, stop=None):
            yield "The vote"
            assert stop.wait(10)
            raise StoppedError("Stopped before the model had written a word.")

    harness = Harness(Silent([ARTICLE], respond))
    answering = harness.begin("q")
    answering.join("page")
    answering.leave("page")
    answering.join("page again")
    time.sleep(0.3)
    assert not answering.stop.is_set()
    answering.leave("page again")
    assert answering.ended.wait(10)


def test_what_is_written_is_kept_while_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.desk.SAVE_SECONDS", 0.0)
    gate = threading.Event()
    harness = Harness(FakeBackend([ARTICLE], respond, pieces=["The ", "vote "], gate=gate))
    answering = harness.begin("q")
    until(lambda: harness.kept()[-1].text == "The vote ")
    assert harness.kept()[-1].state == "running"
    gate.set()
    assert answering.ended.wait(10)


def test_questions_wait_in_line_and_know_how_many_are_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.desk.ANSWERS_AT_ONCE", 1)
    monkeypatch.setattr("ui.desk.QUESTIONS_WAITING", 2)
    gate = threading.Event()
    backend = FakeBackend([ARTICLE], respond, gate=gate)
    backend.models = ("openai:a", "extractive")
    harness = Harness(backend)
    first, second, third = (harness.begin(f"{number}?", "openai:a") for number in range(3))
    until(lambda: [one.before for one in (first, second, third)] == [0, 1, 2])
    fourth = harness.begin("3?", "openai:a")
    assert fourth.exchange.state == "broken"
    assert "Too many questions" in fourth.exchange.note
    second.stop.set()
    assert second.ended.wait(5)
    assert second.exchange.note == STOPPED
    until(lambda: third.before == 1)
    gate.set()
    assert third.ended.wait(5)
    assert [question.text for question in backend.questions] == ["0?", "2?"]
