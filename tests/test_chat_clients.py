"""Talking to servers: stopping in every phase, keys that are nowhere, and what a server offers."""

import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress

import pytest

from index.errors import ModelError
from rag import chat_clients, retries
from rag.generators import check_endpoint, load_generator, reply
from rag.model_listing import MAX_NAME_CHARACTERS
from rag.prompts import Message
from tests.scripted_llm import FAILURES, Reply, ScriptedServer, chunk, event, redirect
from tests.test_background import exhaust, threads

MESSAGES = (Message("system", "Answer from the passages."), Message("user", "When did the strike end?"))
KEY, PASSWORD, QUERY_KEY = "sk-test-0123456789abcdef", "hunter2-is-long", "AIzaSyQuerySecret"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine's own, and retries that take no time."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.01)


class MuteServer:
    """Takes one connection, sends `greeting` after the first bytes, then nothing; `closed` is set when it is closed."""

    def __init__(self, greeting: bytes = b"") -> None:
        self.greeting = greeting
        self.reached, self.closed = threading.Event(), threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(self.greeting)
            self.reached.set()
            with suppress(ConnectionResetError):
                while connection.recv(65_536):
                    pass
            self.closed.set()

    def close(self) -> None:
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def mute() -> Iterator:
    servers = []

    def make(greeting: bytes = b"") -> MuteServer:
        servers.append(MuteServer(greeting))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("scheme", "greeting"),
    [("https", b""), ("http", b""), ("http", HEAD), ("http", HEAD + chunk("Sunday."))],
    ids=["connecting", "before the headers", "before the first token", "in the stream"],
)
def test_stop_ends_a_reply_within_a_second_and_closes_the_connection(mute, monkeypatch, scheme, greeting):
    server = mute(greeting)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{scheme}://{server.address}/v1")
    stop = threading.Event()
    stopped_at: list[float] = []

    def stop_it() -> None:
        assert server.reached.wait(5)
        stopped_at.append(time.monotonic())
        stop.set()

    threading.Thread(target=stop_it).start()
    pieces = load_generator("openai:scripted").generate(MESSAGES, max_tokens=50, stop=stop)
    assert exhaust(pieces)[1] == "stopped"
    assert time.monotonic() - stopped_at[0] < 1
    assert server.closed.wait(0.5)
    assert threads() == []


def test_closing_a_reply_closes_the_connection_to_a_silent_server(mute, monkeypatch):
    server = mute(HEAD + chunk("Sunday."))
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://{server.address}/v1")
    pieces = load_generator("openai:scripted").generate(MESSAGES, max_tokens=50)
    assert next(pieces) == "Sunday."
    pieces.close()
    assert server.closed.wait(0.5)
    assert threads() == []


def test_a_reply_is_ended_while_it_waits_for_another_attempt(monkeypatch):
    stop = threading.Event()
    with ScriptedServer([Reply.error(429, "busy", headers={"Retry-After": "30"})]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        threading.Timer(0.3, stop.set).start()
        started = time.monotonic()
        pieces = reply(load_generator("openai:scripted"), MESSAGES, max_tokens=50, stop=stop)
        assert exhaust(pieces) == ([], "stopped")
        assert time.monotonic() - started < 1.3
    assert len(server.requests) == 1
    assert threads() == []


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop", "complete"), ("length", "length"), ("content_filter", "filtered"), ("something new", "complete")],
)
def test_how_a_reply_ended(monkeypatch, reason, finish):
    with ScriptedServer([Reply(events=(chunk("Sunday."), chunk(None, reason)))]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        pieces = load_generator("openai:scripted").generate(MESSAGES, max_tokens=50)
        assert exhaust(pieces) == (["Sunday."], finish)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_a_sign_of_life_and_no_text(monkeypatch, name):
    thought = event({"choices": [{"delta": {name: "hm"}}]})
    slow = Reply(events=(*[thought] * 12, chunk("Sunday."), chunk(None, "stop")), pause=0.05, endless=True)
    monkeypatch.setenv("DATELINE_LLM_TIMEOUT", "0.4")
    with ScriptedServer([slow]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        assert list(load_generator("openai:scripted").generate(MESSAGES, max_tokens=50)) == ["Sunday."]


def test_tokens_that_all_went_into_reasoning(monkeypatch):
    thought = event({"choices": [{"delta": {"reasoning_content": "hm"}}]})
    with ScriptedServer([Reply(events=(thought, chunk(None, "length")))]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        with pytest.raises(ModelError, match="no text after 50 tokens, which went into something else"):
            list(load_generator("openai:scripted").generate(MESSAGES, max_tokens=50))


SECRET_URL_FAILURES = sorted(set(FAILURES) - {"silence before the headers", "drip", "refused connection"})


@pytest.mark.parametrize("name", [*SECRET_URL_FAILURES, "echo", "away", "success"])
def test_keys_are_in_no_message_log_or_traceback(monkeypatch, caplog, name):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("DATELINE_LLM_TIMEOUT", "0.2")
    said = f"wrong: {KEY} {PASSWORD} {QUERY_KEY}"
    scripts = {
        "echo": Reply.error(400, said),
        "away": redirect(f"http://user:{PASSWORD}@127.0.0.1:9/v1?key={QUERY_KEY}"),
        "success": Reply.text("Sunday. [1]"),
    }
    seen = []
    with ScriptedServer([scripts.get(name) or FAILURES[name]]) as server:
        secret = server.base_url.replace("http://", f"http://user:{PASSWORD}@") + f"?key={QUERY_KEY}"
        monkeypatch.setenv("OPENAI_BASE_URL", secret)
        generator = load_generator("openai:scripted")
        seen += [repr(generator), repr(generator._model.service)]
        try:
            list(generator.generate(MESSAGES, max_tokens=50))
        except ModelError as error:
            seen += [str(error), *traceback.format_exception(error)]
        else:
            assert name == "success"
        seen.append(check_endpoint("openai:scripted").message)
    assert "httpcore" in {record.name.partition(".")[0].rstrip("2") for record in caplog.records}
    text = "\n".join([*seen, caplog.text])
    # What a server is told to send on in a header of its own is its doing, and is only in the log of the HTTP library.
    if name == "away":
        text = "\n".join(line for line in text.splitlines() if "receive_response_headers" not in line)
    for secret in (KEY, PASSWORD, QUERY_KEY):
        assert secret not in text


def test_user_password_and_query_of_the_address_reach_the_server(monkeypatch):
    with ScriptedServer([Reply.text("Sunday. [1]")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url.replace("://", "://user:p%40ss@") + "/?key=a&b=c%20d")
        assert list(load_generator("openai:scripted").generate(MESSAGES, max_tokens=50)) == ["Sunday. [1]"]
        assert check_endpoint("openai:scripted").ok
        monkeypatch.setenv("OLLAMA_BASE_URL", server.root_url + "?key=a")
        assert list(load_generator("ollama:scripted").generate(MESSAGES, max_tokens=50)) == ["Sunday. [1]"]
    assert server.requests[0].headers["authorization"] == "Basic dXNlcjpwQHNz"
    assert [request.path for request in server.requests] == [
        "/v1/chat/completions?key=a&b=c%20d",
        "/v1/chat/completions?key=a",
    ]


@pytest.mark.parametrize(
    ("model", "offered", "ok", "says"),
    [
        ("openai:b", ["c", "b", "a"], True, "answers and offers 'b'. It lists: 'b', 'a', 'c'."),
        ("openai:d", ["c", "a"], False, "answers but does not list 'd'. Look at the name, and at OPENAI_BASE_URL, "
         "which usually ends in /v1. It lists: 'a', 'c'."),
        ("openai:d", [], False, "It lists no model."),
        ("ollama:llama3", ["a", "llama3:latest"], True, "offers 'llama3'. It lists: 'llama3:latest', 'a'."),
        ("ollama:llama3", ["llama3:8b"], False, "Get it with: ollama pull llama3 It lists: 'llama3:8b'."),
        ("openai:m005", [f"m{n:03}" for n in range(1_234)], True, "'m005', 'm000', 'm001', 'm002', 'm003', 'm004', "
         "'m006', 'm007', 'm008', 'm009' and 1,224 more."),
        ("openai:x", ["y" * 500], False, f"It lists: {'y' * MAX_NAME_CHARACTERS!r}."),
    ],
)  # fmt: skip
def test_a_check_says_what_the_server_lists(monkeypatch, model, offered, ok, says):
    with ScriptedServer([], models=offered) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OLLAMA_BASE_URL", server.root_url)
        found = check_endpoint(model)
    assert found.ok is ok
    assert found.message.endswith(says)


def test_a_check_of_a_silent_server_ends(mute, monkeypatch):
    monkeypatch.setattr(chat_clients, "LIST_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://{mute().address}/v1")
    found = check_endpoint("openai:scripted")
    assert not found.ok
    assert "was silent for 0.2 seconds" in found.message
