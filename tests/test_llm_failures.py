"""Whatever goes wrong with a model's server, the answer is the extractive one and says in one line what happened."""

import re
import threading
import time
from pathlib import Path

import pytest

from rag import retries
from rag.answering import REPLACED, ask
from rag.generators import load_generator
from rag.types import Answer, Question
from tests.scripted_llm import FAILURES, Reply, ScriptedServer, chunk, completion, redirect
from tests.small_library import library_of, made_article

ARTICLE = made_article(
    "TARROW, March 4 (Reuters) - Fire destroyed the old grain silo in Tarrow on Monday. Nobody was hurt.\n"
    "The silo was built in 1931 and held 4,000 tonnes of wheat.",
    "silo",
    title="Fire destroys silo in Tarrow",
)
QUESTION = Question("When was the silo in Tarrow built?")
KEY = "sk-test-0123456789abcdef"

SAYS = {
    "refused connection": ("cannot be reached", 0),
    "silence before the headers": (r"was silent for 0\.7 seconds", 1),
    "silence in the stream": (r"was silent for 0\.7 seconds", 1),
    "keep-alive comments": (r"was silent for 0\.7 seconds", 1),
    "empty deltas": (r"was silent for 0\.7 seconds", 1),
    "drip": (r"had not finished after 2 seconds\. DATELINE_LLM_TOTAL_TIMEOUT allows more", 1),
    "bad request": (r"refused the request \(400\): messages: no such role", 1),
    "wrong key": (r"refused the key \(401\)\. Set a valid OPENAI_API_KEY", 1),
    "forbidden": (r"does not allow this key to use 'scripted' \(403\)", 1),
    "no such model": (r"has no model 'scripted', or is no chat interface \(404\)", 1),
    "too many requests": (r"takes no more requests now: .* \(429\)", 4),
    "too many requests until a date": (r"takes no more requests now: .* \(429\)", 4),
    "too many requests for an hour": (r"\(429\) and asks to wait 3,600 seconds", 1),
    "quota used up": ("the quota is used up", 1),
    "failing server": (r"failed \(500\)", 4),
    "overloaded server": (r"failed \(503\)", 4),
    "failing server with an endless page": ("sent more than 10 MB", 1),
    "half a stream": ("broke off in the middle of the answer", 1),
    "half a stream with an end": ("broke off in the middle of the answer", 1),
    "cut before the first token": ("closed the connection before it answered", 4),
    "garbage": ("not a stream of chat messages", 1),
    "HTML page": ("not a stream of chat messages", 1),
    "picture": ("not a stream of chat messages", 1),
    "JSON that is no completion": ("not a stream of chat messages", 1),
    "empty body": ("not a stream of chat messages", 1),
    "empty text": ("the reply holds no text", 1),
    "flood of text": ("did not end within 54,000 characters", 1),
    "flood of events": ("sent more than 10 MB", 1),
    "endless line": ("sent more than 10 MB", 1),
    "token loop": ("repeats itself", 1),
    "invalid UTF-8": ("not a stream of chat messages", 1),
    "prompt too long": (r"longer than the context of 'scripted'\. Ask with fewer passages \(-k\)", 1),
    "prompt too long for llama.cpp": (r"Ask with fewer passages \(-k\), or set a larger context", 1),
    "prompt too long in the stream": (r"Ask with fewer passages \(-k\), or set a larger context", 1),
    "error in the stream": ("reported an error while it answered: out of memory", 1),
    "gzip bomb": (r"sent a compressed reply \(gzip, more than 10 kB\)", 1),
    "failing server with a gzip bomb": (r"sent a compressed reply \(gzip, more than 10 kB\)", 1),
    "unknown compression": (r"sent a compressed reply \(br\)", 1),
    "broken compression": ("cannot be decompressed", 1),
    "tool call": ("'scripted' called a tool instead of writing an answer", 1),
    "reply held back": ("filter held the reply back", 1),
    "redirect within the server": (r"redirects to another path of its own \(307\)", 1),
}
"""By the name of a failure: what the notice says, and how many requests the server gets."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("failures") / "library"
    with library_of(path, [ARTICLE]) as opened:
        yield opened


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little patience, and retries that take no time."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("DATELINE_LLM_TIMEOUT", "0.7")
    monkeypatch.setenv("DATELINE_LLM_TOTAL_TIMEOUT", "2")
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.01)


def answer_from(server: ScriptedServer, library, monkeypatch: pytest.MonkeyPatch) -> Answer:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    return ask(QUESTION, library, generator=load_generator("openai:scripted"))


def test_every_failure_has_its_line():
    assert set(SAYS) == set(FAILURES)


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_leaves_the_extractive_answer_and_one_clear_line(library, monkeypatch, name):
    reply = FAILURES[name]
    says, requests = SAYS[name]
    if name.startswith("flood"):
        # Ten megabytes of nothing take some seconds to take in where other tests run at the same time.
        monkeypatch.setenv("DATELINE_LLM_TIMEOUT", "60")
        monkeypatch.setenv("DATELINE_LLM_TOTAL_TIMEOUT", "60")
    started = time.monotonic()
    with ScriptedServer([reply or Reply()]) as server:
        if reply is None:
            server.close()
        answer = answer_from(server, library, monkeypatch)
        took = time.monotonic() - started
    assert answer.model == "extractive"
    assert "1931 and held 4,000 tonnes" in answer.text
    assert not answer.incomplete
    [notice] = answer.notices
    assert re.fullmatch(rf"openai:scripted: .*{says}.* {re.escape(REPLACED)}", notice)
    assert KEY not in notice
    assert len(notice) < 420
    assert len(server.requests) == requests
    assert took < 4 or name.startswith("flood")
    assert not [thread for thread in threading.enumerate() if thread.name == "dateline-model"]


def test_half_a_stream_is_nowhere_in_the_answer(library, monkeypatch):
    reply = Reply(events=(chunk("The silo was built by giants in 1066. [1]"),), cut=True)
    with ScriptedServer([reply]) as server:
        answer = answer_from(server, library, monkeypatch)
    assert "giants" not in repr(answer)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_no_article_to_another_server(library, monkeypatch, status):
    with ScriptedServer([Reply.text("The silo was built in 1066. [1]")]) as other:
        away = redirect(f"{other.base_url}/chat/completions?key=secret")
        with ScriptedServer([Reply(status=status, headers=away.headers, body=b"{}")]) as server:
            answer = answer_from(server, library, monkeypatch)
        [notice] = answer.notices
        assert f"redirects to {other.root_url} ({status})" in notice
        assert "secret" not in notice
        assert (answer.model, len(server.requests), other.requests) == ("extractive", 1, [])


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=completion("The silo was built in 1931. [1]")),
        Reply(body=b"\n" + completion("The silo was built in 1931. [1]"), headers={"Content-Type": "text/plain"}),
        Reply.text("The silo was built ", "in 1931. [1]", headers={"Content-Type": "application/json"}),
        Reply.text(
            "The silo was built ", "in 1931. [1]", headers={"Content-Type": "text/event-stream; charset=latin1"}
        ),
        Reply(events=(chunk("The silo was built in 1931. [1]"), b"data: [DONE]\n\n")),
    ],
    ids=["whole", "whole with another type", "stream as JSON", "stream as latin1", "no finish reason"],
)
def test_servers_that_keep_to_the_form_only_nearly_are_understood(library, monkeypatch, reply):
    with ScriptedServer([reply]) as server:
        answer = answer_from(server, library, monkeypatch)
    assert (answer.model, answer.text, answer.notices) == ("openai:scripted", "The silo was built in 1931. [1]", ())


def test_what_passes_is_no_failure(library, monkeypatch):
    script = [Reply.error(503, "busy"), Reply.error(429, "busy"), Reply(events=(b":\n\n",), cut=True)]
    with ScriptedServer([*script, Reply.text("The silo was built in 1931. [1]")]) as server:
        answer = answer_from(server, library, monkeypatch)
    assert (answer.model, answer.notices, len(server.requests)) == ("openai:scripted", (), 4)


def test_the_real_client_talks(library, monkeypatch):
    with ScriptedServer([Reply.text("The silo was built in 1931. [1]")]) as server:
        answer_from(server, library, monkeypatch)
    [request] = server.requests
    assert request.headers["user-agent"].startswith("AsyncOpenAI/Python")
    assert request.headers["accept-encoding"] == "identity"
    assert "tools" not in request.document
