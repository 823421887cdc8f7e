"""A conversation as the page shows it."""

import asyncio
import itertools
import time

import pytest
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal

from index.errors import LibraryNotFoundError
from index.types import SearchFilter
from rag.types import Answer, Question, Statement
from ui.conversation import Seen, Shown, watch
from ui.conversation_store import ConversationStore
from ui.desk import Desk
from ui.exchanges import Asked, Exchange
from ui.texts import Texts

ARTICLE = make_article("The vote is in May.", "The vote")
EN = Texts()


def respond(question: Question) -> Answer:
    return answer(question.text, [Statement(ARTICLE.text, (1,), "verbatim")], [cite(1, ARTICLE, ARTICLE.text)])


def seen(backend: FakeBackend) -> list[tuple[float, Seen]]:
    answering = Desk(backend, ConversationStore.open(None)).ask("ann", "", Asked("q", "extractive"))

    async def collect() -> list[tuple[float, Seen]]:
        return [(time.monotonic(), state) async for state in watch(answering)]

    return asyncio.run(collect())


def test_a_question_is_shown_until_it_has_ended() -> None:
    states = [exchange.state for _, (exchange, _) in seen(FakeBackend([ARTICLE], respond, pieces=["The "]))]
    assert states[-1] == "finished"
    assert set(states[:-1]) <= {"running"}


def test_updates_come_at_most_ten_times_a_second() -> None:
    class Quick(FakeBackend):
        def stream(self, question, *, k=None, model=None, stop=None):
            for number in range(60):
                time.sleep(0.01)
                yield f"{number} "
            yield respond(question)

    partial = [moment for moment, _ in seen(Quick([ARTICLE], respond))][:-1]
    assert len(partial) >= 3
    assert min(after - before for before, after in itertools.pairwise(partial)) >= 0.09


def kept(given: Answer | None, **changes) -> Exchange:
    fields = {"state": "finished", "text": given.text if given else "", "answer": given}
    return Exchange("0a", "0b", "When?", "extractive", SearchFilter(), "2026-01-01", **{**fields, **changes})


def test_messages_are_questions_and_answers_in_turn() -> None:
    shown = Shown(FakeBackend([ARTICLE], respond))
    messages = shown.messages([kept(respond(Question("When?"))), kept(None, state="running")], EN, before=2)
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert f"#cite-{ARTICLE.article_id}-0-19" in messages[1]["content"]
    assert "2 questions are before" in messages[3]["content"]


def test_a_refusal_names_the_articles_of_its_passages_even_if_one_is_gone() -> None:
    declined = kept(refusal("q", "Not said.", [hit(1, ARTICLE, "in May")]))
    page = Shown(FakeBackend([ARTICLE], respond)).messages([declined], EN)[1]["content"]
    assert "The vote" in page
    assert "The library holds 1 article" in page
    assert "Open passage 1" in Shown(FakeBackend([], respond)).messages([declined], EN)[1]["content"]


def test_an_answer_is_shown_where_the_library_is_gone() -> None:
    class Gone(FakeBackend):
        def generation(self) -> int:
            raise LibraryNotFoundError("There is no library.")

    assert "#cite-" in Shown(Gone([ARTICLE], respond)).messages([kept(respond(Question("q")))], EN)[1]["content"]


def test_a_finished_answer_is_drawn_once_for_a_state_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeBackend([ARTICLE], respond)
    shown = Shown(backend)
    first = shown.messages([kept(respond(Question("q")))], EN)
    backend.articles.clear()
    assert shown.messages([kept(respond(Question("q")))], EN) == first
    monkeypatch.setattr(backend, "generation", lambda: 8)
    assert shown.known().coverage.articles == 0
    assert shown.messages([kept(respond(Question("q")))], Texts("de")) != first
