"""A browser's conversations and the state of models over HTTP."""

from pathlib import Path

import pytest
from fake_backend import FakeBackend, answer
from fastapi import FastAPI
from starlette.testclient import TestClient

from ui.conversation_api import create_conversation_router
from ui.conversation_store import ConversationStore
from ui.exchanges import Asked
from ui.model_api import create_model_router
from ui.visitors import COOKIE, new_cookie, owner_of


@pytest.fixture
def store(tmp_path: Path):
    store = ConversationStore.open(tmp_path)
    yield store
    store.close()


def client(store: ConversationStore, cookie: str | None) -> TestClient:
    app = FastAPI()
    app.include_router(create_conversation_router(store))
    return TestClient(app, cookies={} if cookie is None else {COOKIE: cookie})


def test_a_browser_lists_renames_and_deletes_its_own(store: ConversationStore) -> None:
    cookie = new_cookie()
    exchange = store.begin(owner_of({COOKIE: cookie}), "", Asked("When?", "extractive"))
    path = f"/api/conversations/{exchange.conversation_id}"
    mine, other, nobody = client(store, cookie), client(store, new_cookie()), client(store, None)
    (listed,) = mine.get("/api/conversations").json()["conversations"]
    assert (listed["conversation_id"], listed["title"], listed["questions"]) == (exchange.conversation_id, "When?", 1)
    for stranger in (other, nobody):
        assert stranger.get("/api/conversations").json() == {"conversations": []}
        assert stranger.patch(path, json={"title": "Mine"}).status_code == 404
        assert stranger.delete(path).status_code == 404
    assert mine.patch(path, json={"title": " The  vote "}).json()["title"] == "The vote"
    assert mine.delete(path).json() == {"deleted": exchange.conversation_id}
    assert mine.delete(path).status_code == 404


def test_nobody_without_a_cookie_has_conversations(store: ConversationStore) -> None:
    store.begin("", "", Asked("When?", "extractive"))
    assert client(store, None).get("/api/conversations").json() == {"conversations": []}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"title": 3}', b'{"title": ""}', b'{"title": "\\ud800"}'])
def test_wrong_names_are_a_sentence(store: ConversationStore, body: bytes) -> None:
    cookie = new_cookie()
    exchange = store.begin(owner_of({COOKIE: cookie}), "", Asked("When?", "extractive"))
    reply = client(store, cookie).patch(f"/api/conversations/{exchange.conversation_id}", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"].endswith((".", "?"))


def test_models_are_looked_for_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(FakeBackend):
        models = ("openai:a", "extractive")
        looked = 0

        def ready(self, model: str) -> bool:
            self.looked += 1
            return model == "extractive"

    backend = Counting([], lambda question: answer("", [], []))
    app = FastAPI()
    app.include_router(create_model_router(backend))
    http = TestClient(app)
    expected = {"models": [{"name": "openai:a", "ready": False}, {"name": "extractive", "ready": True}]}
    assert http.get("/api/models").json() == http.get("/api/models").json() == expected
    assert backend.looked == 2
    monkeypatch.setattr("ui.model_api.LOOK_AGAIN_SECONDS", -1.0)
    http.get("/api/models")
    assert backend.looked == 4
