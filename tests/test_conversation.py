"""One question after another: updates, follow-ups, Stop and errors."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal

from index.errors import ModelError, StoppedError
from rag.types import MAX_QUESTION_CHARACTERS, Answer, Question, Statement, Turn
from ui.conversation import BROKEN, STOPPED, Conversation, Exchange, converse, messages
from ui.literal import literal

ARTICLE = make_article("The vote is in May.", "The vote")


def respond(question: Question) -> Answer:
    if "moon" in question.text:
        return refusal(question.text, "Not said.", [hit(1, ARTICLE, "in May")])
    return answer(question.text, [Statement(ARTICLE.text, (1,), "verbatim")], [cite(1, ARTICLE, ARTICLE.text)])


def states(backend: FakeBackend, text: str, conversation: Conversation = ()) -> list[Conversation]:
    async def collect() -> list[Conversation]:
        return [state async for state in converse(backend, text, conversation)]

    return asyncio.run(collect())


def test_a_question_is_shown_at_once_and_ends_with_its_answer() -> None:
    found = states(FakeBackend([ARTICLE], respond), "  When is the vote? ")
    assert found[0][0].question == "When is the vote?"
    assert "Reading the articles" in found[0][0].html
    assert [state[0].state for state in found] == ["running"] * (len(found) - 1) + ["finished"]
    assert found[-1][0].text == "The vote is in May. [1]"
    assert f"#cite-{ARTICLE.article_id}-0-19" in found[-1][0].html


def test_earlier_turns_go_along_and_of_broken_ones_the_question() -> None:
    backend = FakeBackend([ARTICLE], respond)
    conversation = states(backend, "When?")[-1]
    backend.error = ModelError("The model is silent.")
    conversation = states(backend, "And now?", conversation)[-1]
    backend.error = None
    conversation = states(backend, "And then?", conversation)[-1]
    assert backend.questions[-1] == Question(
        "And then?", (Turn("When?", "The vote is in May. [1]"), Turn("And now?", ""))
    )
    assert [exchange.state for exchange in conversation] == ["finished", "broken", "finished"]
    assert [message["role"] for message in messages(conversation)] == ["user", "assistant"] * 3


def test_updates_come_at_most_ten_times_a_second() -> None:
    class Quick(FakeBackend):
        def stream(self, question, *, k=None, model=None, stop=None):
            for number in range(60):
                time.sleep(0.01)
                yield f"{number} "
            yield respond(question)

    async def moments() -> list[float]:
        return [time.monotonic() async for _ in converse(Quick([ARTICLE], respond), "q", ())]

    found = asyncio.run(moments())
    partial = found[1:-1]
    assert len(partial) >= 2
    assert min(b - a for a, b in zip(found, partial, strict=False)) >= 0.09


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModelError("The model is silent; start it."), "The model is silent; start it."),
        (ZeroDivisionError("x"), BROKEN),
    ],
)
def test_errors_end_as_a_sentence_behind_what_was_written(error: Exception, sentence: str) -> None:
    backend = FakeBackend([ARTICLE], respond, pieces=["The vote "])
    backend.error = error
    last = states(backend, "q")[-1][0]
    assert last.state == "broken"
    assert literal(sentence) in last.html
    assert "The vote" in last.html


def test_a_model_that_ends_without_an_answer_is_reported() -> None:
    class Silent(FakeBackend):
        def stream(self, question, *, k=None, model=None, stop=None):
            yield "half"

    last = states(Silent([ARTICLE], respond), "q")[-1][0]
    assert last.state == "broken"
    assert literal("ended without an answer") in last.html


def test_a_question_that_is_too_long_is_not_asked() -> None:
    backend = FakeBackend([ARTICLE], respond)
    last = states(backend, "x" * (MAX_QUESTION_CHARACTERS + 1))[-1][0]
    assert last.state == "broken"
    assert literal("longer than 4,000 characters") in last.html
    assert backend.questions == []


def test_a_refusal_names_the_articles_of_its_passages_even_if_one_is_gone() -> None:
    assert "The vote" in states(FakeBackend([ARTICLE], respond), "The moon?")[-1][0].html
    assert "Open passage 1" in states(FakeBackend([], respond), "The moon?")[-1][0].html


def test_giving_up_ends_the_thread_and_closes_the_model() -> None:
    class Endless(FakeBackend):
        closed = threading.Event()

        def stream(self, question, *, k=None, model=None, stop=None):
            try:
                while True:
                    time.sleep(0.005)
                    yield "word "
            finally:
                self.closed.set()

    async def ask_and_leave() -> None:
        running = converse(Endless([ARTICLE], respond), "q", ())
        async for state in running:
            if state[-1].text:
                await running.aclose()
                return
        raise AssertionError("no text came")

    asyncio.run(ask_and_leave())
    assert Endless.closed.wait(5)


def test_giving_up_stops_a_model_that_is_silent() -> None:
    class Silent(FakeBackend):
        ended = threading.Event()

        def stream(self, question, *, k=None, model=None, stop=None):
            yield "The vote"
            assert stop.wait(5)
            self.ended.set()
            raise StoppedError("Stopped before the model had written a word.")

    async def ask_and_leave() -> None:
        running = converse(Silent([ARTICLE], respond), "q", ())
        async for state in running:
            if state[-1].text:
                await running.aclose()
                return

    asyncio.run(ask_and_leave())
    assert Silent.ended.wait(1)


def test_an_incomplete_answer_is_shown_and_not_what_a_follow_up_refers_to() -> None:
    def cut(question: Question) -> Answer:
        return replace(respond(question), incomplete=True, notices=("Cut off; it is not complete.",))

    backend = FakeBackend([ARTICLE], cut)
    conversation = states(backend, "When?")[-1]
    assert conversation[0].state == "broken"
    assert f"#cite-{ARTICLE.article_id}-0-19" in conversation[0].html
    assert literal("Cut off; it is not complete.") in conversation[0].html
    assert states(backend, "And then?", conversation)[-1][1].question == "And then?"
    assert backend.questions[-1].history == (Turn("When?", ""),)


def test_the_model_chosen_answers_and_a_forged_one_is_refused() -> None:
    backend = FakeBackend([ARTICLE], respond)
    backend.models = ("openai:a", "extractive")

    def last(model: str | None) -> Exchange:
        async def collect() -> Exchange:
            return [state async for state in converse(backend, "When?", (), model)][-1][-1]

        return asyncio.run(collect())

    assert last("extractive").state == last(None).state == "finished"
    forged = last("hf:/etc")
    assert forged.state == "broken"
    assert literal("There is no model 'hf:/etc' here; choose one of: openai:a, extractive.") in forged.html
    assert backend.asked_models == ["extractive", "openai:a"]


def test_stopping_keeps_the_checked_answer_as_it_is() -> None:
    stop = threading.Event()

    class Stoppable(FakeBackend):
        def stream(self, question, *, k=None, model=None, stop=None):
            yield "word "
            assert stop.wait(10)
            yield replace(respond(question), incomplete=True)

    async def ask_and_stop() -> Conversation:
        async for state in converse(Stoppable([ARTICLE], respond), "q", (), None, stop):
            if state[-1].text:
                stop.set()
        return state

    (exchange,) = asyncio.run(ask_and_stop())
    assert exchange.state == "broken"
    assert "#cite-" in exchange.html


def test_a_model_that_does_not_stop_is_left_alone_after_a_while(monkeypatch) -> None:
    monkeypatch.setattr("ui.conversation.STOPPING_SECONDS", 0.05)
    stop = threading.Event()

    class Deaf(FakeBackend):
        gate = threading.Event()

        def stream(self, question, *, k=None, model=None, stop=None):
            yield "word "
            self.gate.wait(10)

    async def ask_and_stop() -> Conversation:
        async for state in converse(Deaf([ARTICLE], respond), "q", (), None, stop):
            if state[-1].text:
                stop.set()
        return state

    (exchange,) = asyncio.run(ask_and_stop())
    Deaf.gate.set()
    assert exchange.state == "broken"
    assert literal(STOPPED) in exchange.html
    assert "word" in exchange.html
