"""The HTTP interface over an exact backend."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal
from fastapi import FastAPI
from starlette.testclient import TestClient

from index.errors import InputError, LibraryFormatError, LibraryNotFoundError, ModelError
from index.types import SearchFilter
from rag.types import MAX_QUESTION_CHARACTERS, Answer, Question, Statement, Turn
from ui.api import MAX_TURNS, QUESTIONS_AT_ONCE, create_router, parse_question

ARTICLE = make_article("Ann Lee said 😀 “no”.\nThe vote is in May.", "The vote", source="Desk", published="2022-05")
QUOTE = "The vote is in May."
MODELS = ("extractive",)


def respond(question: Question) -> Answer:
    if "moon" in question.text:
        return refusal(question.text, "The articles do not say.", [hit(1, ARTICLE, QUOTE)])
    return answer(question.text, [Statement(QUOTE, (1,), "verbatim")], [cite(1, ARTICLE, QUOTE)])


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend([ARTICLE], respond)


@pytest.fixture
def client(backend: FakeBackend):
    app = FastAPI()
    app.include_router(create_router(backend))
    with TestClient(app) as client:
        yield client


def test_healthz_counts_the_articles(client: TestClient, backend: FakeBackend) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "articles": 1, "generation": 7}
    backend.error = LibraryNotFoundError("There is no library in 'x'.")
    reply = client.get("/healthz")
    assert (reply.status_code, reply.json()) == (
        503,
        {"status": "unavailable", "error": "There is no library in 'x'."},
    )


def test_ask_replies_with_the_document_of_the_command(client: TestClient) -> None:
    reply = client.post("/api/ask", json={"question": "When is the vote?"})
    assert reply.status_code == 200
    document = reply.json()
    assert document == respond(Question("When is the vote?")).as_json()
    citation = document["citations"][0]
    assert citation["cited_text"] == ARTICLE.text[citation["start_char_index"] : citation["end_char_index"]] == QUOTE


def test_a_refusal_is_a_result_and_not_an_error(client: TestClient) -> None:
    reply = client.post("/api/ask", json={"question": "And the moon?"})
    assert reply.status_code == 200
    assert reply.json()["refused"] is True
    assert reply.json()["refusal"]["closest"][0]["text"] == QUOTE


def test_every_field_reaches_the_question(client: TestClient, backend: FakeBackend) -> None:
    request = {
        "question": "And then?",
        "history": [{"question": "When?", "answer": "In May [1]."}],
        "from": "2022",
        "to": "2022-05",
        "as_of": "2022-06",
        "source": "Desk",
        "k": 3,
    }
    assert client.post("/api/ask", json=request).status_code == 200
    assert backend.questions == [
        Question(
            "And then?",
            (Turn("When?", "In May [1]."),),
            SearchFilter(date(2022, 1, 1), date(2022, 5, 31), frozenset({"Desk"}), date(2022, 6, 30)),
        )
    ]
    assert backend.ks == [3]


def test_fields_left_out_or_null_filter_nothing() -> None:
    nulls = dict.fromkeys(["history", "from", "to", "as_of", "source", "k", "model"])
    for document in ({"question": "q"}, {"question": "q", **nulls}):
        assert parse_question(json.dumps(document).encode(), MODELS) == (Question("q"), None, "extractive")


def test_a_model_is_one_of_those_that_are_offered(client: TestClient, backend: FakeBackend) -> None:
    backend.models = ("openai:a", "extractive")
    for model in ("extractive", "openai:a", None):
        assert client.post("/api/ask", json={"question": "q", "model": model}).status_code == 200
    for model in ("hf:/etc", "openai:A", "", 3, ["extractive"]):
        refused = client.post("/api/ask", json={"question": "q", "model": model})
        assert refused.status_code == 400
        assert "model" in refused.json()["error"]
    assert backend.asked_models == ["extractive", "openai:a", "openai:a"]


def test_several_sources() -> None:
    question, _, _ = parse_question(b'{"question": "q", "source": ["A", "B"]}', MODELS)
    assert question.filter.sources == {"A", "B"}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"),
        (b"\xff", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "object"),
        (b"{}", "question"),
        (b'{"question": "  "}', "question"),
        (b'{"question": 3}', "question"),
        (b'{"question": "q", "fom": "2022"}', "fom"),
        (b'{"question": "q", "from": "May 2022"}', "May 2022"),
        (b'{"question": "q", "from": 2022}', "from"),
        (b'{"question": "q", "as_of": "soon"}', "soon"),
        (b'{"question": "q", "to": "2022-02-30"}', "2022-02-30"),
        (b'{"question": "q", "source": 1}', "source"),
        (b'{"question": "q", "source": [1]}', "source"),
        (b'{"question": "q", "k": 0}', "k"),
        (b'{"question": "q", "k": 1001}', "k"),
        (b'{"question": "q", "k": true}', "k"),
        (b'{"question": "q", "k": 1.5}', "k"),
        (b'{"question": "q", "history": "x"}', "history"),
        (b'{"question": "q", "history": [{"question": "x"}]}', "history"),
        (b'{"question": "\\ud800"}', "surrogate"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    client: TestClient, backend: FakeBackend, body: bytes, word: str
) -> None:
    reply = client.post("/api/ask", content=body)
    assert reply.status_code == 400
    assert list(reply.json()) == ["error"]
    assert word in reply.json()["error"]
    assert backend.questions == []


def test_too_many_turns_are_refused() -> None:
    turns = [{"question": "q", "answer": "a"}] * (MAX_TURNS + 1)
    with pytest.raises(InputError, match="history"):
        parse_question(json.dumps({"question": "q", "history": turns}).encode(), MODELS)
    parse_question(json.dumps({"question": "q", "history": turns[1:]}).encode(), MODELS)


def test_a_question_that_is_too_long_is_413(client: TestClient) -> None:
    assert client.post("/api/ask", json={"question": "x" * MAX_QUESTION_CHARACTERS}).status_code == 200
    reply = client.post("/api/ask", json={"question": "x" * (MAX_QUESTION_CHARACTERS + 1)})
    assert reply.status_code == 413
    assert "4,001 characters" in reply.json()["error"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LibraryFormatError("The library is damaged."), 503),
        (ModelError("The model is silent."), 503),
        (InputError("Not so."), 400),
    ],
)
def test_errors_of_answering_are_sentences(
    client: TestClient, backend: FakeBackend, error: Exception, status: int
) -> None:
    backend.error = error
    reply = client.post("/api/ask", json={"question": "q"})
    assert (reply.status_code, reply.json()) == (status, {"error": str(error)})


def test_more_questions_than_can_be_answered_at_once_are_told_to_come_back() -> None:
    gate = threading.Event()
    backend = FakeBackend([ARTICLE], respond, gate=gate)
    app = FastAPI()
    app.include_router(create_router(backend))
    with TestClient(app) as client, ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
        running = [pool.submit(client.post, "/api/ask", json={"question": "q"}) for _ in range(QUESTIONS_AT_ONCE)]
        arrived = threading.Event()
        while len(backend.questions) < QUESTIONS_AT_ONCE and not arrived.wait(0.01):
            continue
        refused = client.post("/api/ask", json={"question": "one more"})
        gate.set()
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "2"
        assert [future.result().status_code for future in running] == [200] * QUESTIONS_AT_ONCE
        assert client.post("/api/ask", json={"question": "again"}).status_code == 200


def test_listing_articles(client: TestClient, backend: FakeBackend) -> None:
    backend.articles += [make_article(f"Text {n}.", f"Title {n}") for n in range(3)]
    assert client.get("/api/articles").json()["articles"][0] == {
        "article_id": ARTICLE.article_id,
        "title": "The vote",
        "source": "Desk",
        "published": "2022-05",
        "url": None,
        "origins": ["/articles/The vote.txt"],
        "sha256": ARTICLE.sha256,
        "characters": len(ARTICLE.text),
        "passages": 1,
        "published_text": "May 2022",
    }
    page = client.get("/api/articles", params={"offset": 1, "limit": 2}).json()
    assert page["total"] == 4
    assert [article["title"] for article in page["articles"]] == ["Title 0", "Title 1"]
    assert page["articles"][0]["published_text"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "offset=", "offset=²", "limit=1e3"])
def test_wrong_numbers_of_a_listing_are_named(client: TestClient, query: str) -> None:
    reply = client.get(f"/api/articles?{query}")
    assert reply.status_code == 400
    assert query.split("=")[0] in reply.json()["error"]


def test_one_article_has_its_text_exactly(client: TestClient) -> None:
    document = client.get(f"/api/articles/{ARTICLE.article_id}").json()
    assert document["text"] == ARTICLE.text
    assert document["characters"] == len(ARTICLE.text)
    assert document["published_text"] == "May 2022"


def test_an_unknown_article_is_404(client: TestClient) -> None:
    reply = client.get("/api/articles/0123456789abcdef")
    assert reply.status_code == 404
    assert "0123456789abcdef" in reply.json()["error"]
