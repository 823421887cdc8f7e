"""Answers by their identifier over HTTP: who may read what."""

from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from fake_backend import FakeBackend, answer, cite, make_article
from fastapi import FastAPI
from starlette.testclient import TestClient

from rag.types import Statement
from ui.answer_api import create_answer_router
from ui.conversation_store import ConversationStore
from ui.exchanges import Asked
from ui.visitors import COOKIE, owner_of

ARTICLE = make_article("The vote was put off.", "The vote")
ANSWER = answer("When?", [Statement("Off.", (1,), "verbatim")], [cite(1, ARTICLE, "put off")])
ANN, BO = "a" * 32, "b" * 32


@pytest.fixture
def store(tmp_path: Path):
    store = ConversationStore.open(tmp_path)
    yield store
    store.close()


@pytest.fixture
def client(store: ConversationStore):
    app = FastAPI()
    app.include_router(create_answer_router(store, FakeBackend([ARTICLE], lambda _: ANSWER)))
    with TestClient(app) as client:
        yield client


def cookie(value: str) -> dict[str, str]:
    jar = SimpleCookie({COOKIE: value})
    return {"cookie": jar.output(header="", attrs=[]).strip()}


def test_an_answer_is_read_by_its_identifier_and_only_its_owner_is_told_the_conversation(
    store: ConversationStore, client: TestClient
) -> None:
    exchange = store.begin(owner_of({COOKIE: ANN}), "", Asked("When?", "openai:a"))
    store.save(replace(exchange, state="finished", answer=ANSWER))
    address = f"/api/answers/{exchange.exchange_id}"
    known = {
        "exchange_id": exchange.exchange_id,
        "question": "When?",
        "model": "openai:a",
        "state": "finished",
        "note": "",
        "asked": exchange.asked,
        "answer": ANSWER.as_json(),
    }
    assert client.get(address, headers=cookie(ANN)).json() == {
        **known,
        "conversation_id": exchange.conversation_id,
        "owned": True,
    }
    assert client.get(address, headers=cookie(BO)).json() == {**known, "owned": False}
    assert client.get(address).json() == {**known, "owned": False}


def test_an_exchange_without_an_answer_says_why(store: ConversationStore, client: TestClient) -> None:
    exchange = store.begin("ann", "", Asked("When?", "extractive"))
    store.save(replace(exchange, state="broken", note="The model is gone."))
    reply = client.get(f"/api/answers/{exchange.exchange_id}").json()
    assert (reply["answer"], reply["state"], reply["note"]) == (None, "broken", "The model is gone.")


def test_what_is_not_kept_is_a_sentence(store: ConversationStore, client: TestClient) -> None:
    reply = client.get("/api/answers/0123")
    assert reply.status_code == 404
    assert "deleted" in reply.json()["error"]
