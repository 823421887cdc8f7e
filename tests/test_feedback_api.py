"""Feedback over HTTP: whose it may be, what is checked, what is kept."""

import json
from dataclasses import replace

import pytest
from fake_backend import FakeBackend, answer, cite, make_article
from fastapi import FastAPI
from starlette.testclient import TestClient

from rag.types import Statement
from ui.conversation_store import ConversationStore
from ui.exchanges import Asked
from ui.feedback_api import MAX_PASSAGE_CHARACTERS, create_feedback_router
from ui.feedback_store import MAX_COMMENT_CHARACTERS, MAX_PASSAGES
from ui.visitors import COOKIE, owner_of

VOTE = make_article("😀 The vote was put off.\n\nNobody said why. It will be held in May. " + "x" * 3_000, "The vote")
START = VOTE.text.index("Nobody")
ANSWER = answer("When?", [Statement("**May** — In May.", (1,), "verbatim")], [cite(1, VOTE, "held in May")])
ANN, BO = "a" * 32, "b" * 32
PLACE = {"article_id": VOTE.article_id, "start_char_index": START, "end_char_index": START + 16}


@pytest.fixture
def store():
    store = ConversationStore.open(None)
    yield store
    store.close()


@pytest.fixture
def client(store: ConversationStore):
    app = FastAPI()
    app.include_router(create_feedback_router(store, FakeBackend([VOTE], lambda _: ANSWER)))
    with TestClient(app, headers={"cookie": f"{COOKIE}={ANN}"}) as client:
        yield client


@pytest.fixture
def identifier(store: ConversationStore) -> str:
    exchange = store.begin(owner_of({COOKIE: ANN}), "", Asked("When?", "extractive"))
    store.save(replace(exchange, state="finished", text=ANSWER.text, answer=ANSWER))
    return exchange.exchange_id


def test_what_is_said_is_kept_replaced_and_taken_back(client: TestClient, identifier: str) -> None:
    def say(**fields):
        reply = client.post("/api/feedback", json={"exchange_id": identifier, **fields})
        assert reply.status_code == 200, reply.text
        return reply.json()

    assert client.get(f"/api/feedback/{identifier}").json() == {
        "exchange_id": identifier,
        "helpful": None,
        "comment": "",
        "citations": {},
        "passages": [],
    }
    said = say(kind="answer", helpful=False, comment=" Not quite. ")
    assert (said["helpful"], said["comment"], said["summary"]) == (
        False,
        "Not quite.",
        {"lines": 0, "marks": 1, "without_line": 1, "helpful": {identifier: False}},
    )
    assert say(kind="answer", helpful=True)["summary"]["lines"] == 1
    assert say(kind="citation", number=1, supports=False)["citations"] == {"1": False}
    assert say(kind="citation", number=1, supports=True)["citations"] == {"1": True}
    said = say(kind="passage", **PLACE)
    assert said["passages"] == [{**PLACE, "quote": "Nobody said why."}]
    assert client.get(f"/api/feedback/{identifier}").json()["passages"] == said["passages"]
    reply = client.get("/api/feedback")
    assert reply.headers["content-disposition"] == 'attachment; filename="feedback.jsonl"'
    (line,) = map(json.loads, reply.text.splitlines())
    assert line["answers"] == ["May"]
    assert [found["quote"] for found in line["evidence"]] == ["Nobody said why.", "held in May"]
    counts = {"lines": 1, "marks": 3, "without_line": 0, "helpful": {identifier: True}}
    assert client.get("/api/feedback/summary").json() == counts
    for fields in ({"kind": "answer"}, {"kind": "citation", "number": 1}, {"kind": "passage", **PLACE}):
        said = say(**fields, clear=True)
    assert (said["helpful"], said["citations"], said["passages"]) == (None, {}, [])
    assert client.get("/api/feedback").text == ""


def test_words_are_cut_from_the_article_without_the_space_around_them(client: TestClient, identifier: str) -> None:
    wider = {**PLACE, "start_char_index": START - 2, "end_char_index": START + 17}
    assert VOTE.text[START - 2 : START + 17] == "\n\nNobody said why. "
    for _ in range(2):
        said = client.post("/api/feedback", json={"exchange_id": identifier, "kind": "passage", **wider}).json()
    assert said["passages"] == [{**PLACE, "quote": "Nobody said why."}]


def test_only_who_asked_can_judge_and_read_it(client: TestClient, identifier: str) -> None:
    said = {"exchange_id": identifier, "kind": "answer", "helpful": True}
    client.post("/api/feedback", json=said)
    for other in ({"cookie": f"{COOKIE}={BO}"}, {"cookie": "none=1"}):
        for change in (said, {**said, "clear": True}):
            reply = client.post("/api/feedback", json=change, headers=other)
            assert (reply.status_code, reply.json()) == (
                404,
                {"error": "Only who asked a question can judge its answer."},
            )
        assert client.get(f"/api/feedback/{identifier}", headers=other).status_code == 404
        assert client.get("/api/feedback", headers=other).text == ""
    assert client.get("/api/feedback/summary").json()["marks"] == 1


def test_a_judgement_of_a_deleted_conversation_stays_and_can_be_taken_back(
    client: TestClient, store: ConversationStore, identifier: str
) -> None:
    client.post("/api/feedback", json={"exchange_id": identifier, "kind": "answer", "helpful": True})
    store.delete(owner_of({COOKIE: ANN}), store.exchange(identifier).conversation_id)
    assert client.get(f"/api/feedback/{identifier}").json()["helpful"] is True
    again = client.post("/api/feedback", json={"exchange_id": identifier, "kind": "answer", "helpful": False})
    assert again.status_code == 404
    gone = client.post("/api/feedback", json={"exchange_id": identifier, "kind": "answer", "clear": True})
    assert gone.json()["helpful"] is None
    assert client.get("/api/feedback/summary").json()["marks"] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exchange_id": 3}, "The field 'exchange_id' must be"),
        ({"exchange_id": "\ud800"}, "The field 'exchange_id' must be"),
        ({"kind": "text"}, "The field 'kind' must be one of answer, citation, passage."),
        ({"kind": []}, "The field 'kind' must be one of"),
        ({"helpful": "yes"}, "The field 'helpful' must be true or false."),
        ({"helpful": None}, "The field 'helpful' must be true or false."),
        ({"comment": "x" * (MAX_COMMENT_CHARACTERS + 1)}, "at most 2,000 characters"),
        ({"quote": "x"}, "There is no field 'quote' for feedback on an answer."),
        ({"clear": 1}, "The field 'clear' must be true or false."),
        ({"kind": "citation", "number": 2, "supports": True}, "This answer has no citation 2."),
        ({"kind": "citation", "number": True, "supports": True}, "The field 'number' must be a whole number"),
        ({"kind": "citation", "number": 1, "supports": 1}, "The field 'supports' must be true or false."),
        ({"kind": "passage", **PLACE, "article_id": 1}, "The field 'article_id' must be"),
        ({"kind": "passage", **PLACE, "end_char_index": 10**9}, "it has the characters 0 to"),
        ({"kind": "passage", **PLACE, "end_char_index": START}, "Select words of the article"),
        (
            {"kind": "passage", **PLACE, "start_char_index": START - 2, "end_char_index": START},
            "there are none between",
        ),
        ({"kind": "passage", **PLACE, "end_char_index": START + 16 + MAX_PASSAGE_CHARACTERS}, "Select fewer words"),
        ({"kind": "passage", **PLACE, "start_char_index": -1}, "The field 'start_char_index' must be"),
    ],
)
def test_what_cannot_be_is_a_sentence(client: TestClient, identifier: str, change, said: str) -> None:
    document = {
        "exchange_id": identifier,
        "kind": "answer",
        **({"helpful": True} if "kind" not in change else {}),
        **change,
    }
    reply = client.post("/api/feedback", content=json.dumps(document), headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert said in reply.json()["error"]
    assert client.get("/api/feedback/summary").json()["marks"] == 0


@pytest.mark.parametrize("body", ["", "[]", "3", "{", "[" * 100_000])
def test_a_body_that_is_no_object_is_a_sentence(client: TestClient, body: str) -> None:
    assert client.post("/api/feedback", content=body).status_code == 400


def test_an_unknown_article_and_an_unanswered_question(
    client: TestClient, store: ConversationStore, identifier: str
) -> None:
    unknown = {"exchange_id": identifier, "kind": "passage", **PLACE, "article_id": "00"}
    assert client.post("/api/feedback", json=unknown).status_code == 404
    open_one = store.begin(owner_of({COOKIE: ANN}), "", Asked("When?", "extractive"))
    reply = client.post("/api/feedback", json={"exchange_id": open_one.exchange_id, "kind": "answer", "helpful": True})
    assert (reply.status_code, reply.json()) == (400, {"error": "There is no answer to judge; ask the question again."})


def test_so_many_passages_and_no_more(client: TestClient, identifier: str) -> None:
    for number in range(MAX_PASSAGES + 1):
        place = {"article_id": VOTE.article_id, "start_char_index": 100 + number, "end_char_index": 110 + number}
        reply = client.post("/api/feedback", json={"exchange_id": identifier, "kind": "passage", **place})
        assert reply.status_code == (200 if number < MAX_PASSAGES else 400)
    assert client.get("/api/feedback/summary").json()["marks"] == MAX_PASSAGES
