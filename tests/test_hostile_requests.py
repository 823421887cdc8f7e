"""Requests that no browser and no client sends: through raw sockets, and forged calls of Gradio's own channel."""

import io
import json
import logging
import socket
import threading
import time
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner
from fake_backend import FakeBackend, answer, cite, make_article

from rag.types import Answer, Question, Statement
from ui.cli import dateline
from ui.gradio_door import BROKEN
from ui.http_protocol import PatientProtocol
from ui.security_headers import SECURITY_HEADERS
from ui.web import create_app, serve

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

QUOTE = "The vote was put off until May."
ARTICLE = make_article(f"{QUOTE} Nobody said why.", "The vote", source="Desk", published="2022-05-27")


class Choosing(FakeBackend):
    models = ("extractive", "openai:a")


def respond(question: Question) -> Answer:
    return answer(question.text, [Statement(QUOTE, (1,), "verbatim")], [cite(1, ARTICLE, QUOTE)])


@contextmanager
def served_as_users_do(app):
    """The address of the application behind the server that the command starts, here with little patience."""
    opened = threading.Event()
    addresses = []
    servers = []

    def ready(address: str) -> None:
        addresses.append(address)
        opened.set()

    import uvicorn

    class Kept(uvicorn.Server):
        def __init__(self, config) -> None:
            super().__init__(config)
            servers.append(self)

        def install_signal_handlers(self) -> None:
            """Threads cannot."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ui.web.uvicorn.Server", Kept)
        patch.setattr(PatientProtocol, "head_seconds", 0.4)
        thread = threading.Thread(target=serve, args=(app, "127.0.0.1", 0), kwargs={"on_ready": ready})
        thread.start()
        try:
            assert opened.wait(20)
            yield addresses[0]
        finally:
            servers[0].should_exit = True
            thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def backend() -> FakeBackend:
    return Choosing([ARTICLE], respond)


@pytest.fixture(scope="module")
def address(backend: FakeBackend):
    with served_as_users_do(create_app(Path("unused"), backend=backend)) as address:
        yield address


def exchange(address: str, request: bytes, *, seconds: float = 5.0) -> bytes:
    """What the server sends back until it closes the connection or says nothing for a second."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
        connection.sendall(request)
        connection.settimeout(1)
        got = b""
        try:
            while piece := connection.recv(65_536):
                got += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return got


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n\r\n", 421),
        (b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET //evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /assets/../../pyproject.toml HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /assets/%2e%2e/%2e%2e/pyproject.toml HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /static/..%2f..%2fpyproject.toml HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /static/img%5c..%5clogo.svg HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /healthz%00 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /healthz%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /page/000000000000/../page.css HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /api/articles/%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /gradio_api/file=/etc/hostname HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"Cookie: a=b\r\n\r\n", 405),
        (b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"POST /api/ask HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400),
        (b"POST /api/ask HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
        (b"POST /api/ask HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999\r\n\r\n", 413),
        (b"POST /api/ask HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /api/ask HTTP/1.1\r\n" + HOST + b"Origin: http://[evil\r\nContent-Length: 2\r\n\r\n{}", 403),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_odd_requests_are_answered_in_order(address: str, request_: bytes, status: int) -> None:
    reply = exchange(address, request_.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
    assert status_of(reply) == status
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"set-cookie: a=b" not in head.lower()
    assert b"Traceback" not in body


def test_a_host_that_comes_twice_is_refused(address: str) -> None:
    reply = exchange(address, b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
    assert status_of(reply) == 400


def test_who_sends_no_request_is_let_go(address: str) -> None:
    parts = urlsplit(address)
    for piece in (b"", b"GET / HTTP/1.1\r\nHost: loc"):
        with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
            connection.sendall(piece)
            begun = time.monotonic()
            with suppress(ConnectionResetError):
                assert connection.recv(100) == b""
            assert time.monotonic() - begun < 4


def test_who_sends_letter_by_letter_is_let_go_and_others_are_served(address: str) -> None:
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        begun = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT012
            for letter in b"GET / HTTP/1.1\r\nX-Slow: " + b"x" * 1_000:
                connection.sendall(bytes([letter]))
                time.sleep(0.02)
        assert time.monotonic() - begun < 5
    assert httpx.get(f"{address}healthz").status_code == 200


def test_a_connection_is_kept_between_requests(address: str) -> None:
    with httpx.Client() as client:
        assert client.get(f"{address}healthz").status_code == 200
        time.sleep(0.8)
        assert client.get(f"{address}healthz").status_code == 200


@pytest.mark.parametrize(
    "path", ["healthz", "robots.txt", "api/articles", "config", "nothing", "gradio_api/queue/data"]
)
def test_every_reply_has_the_headers_of_safety(address: str, path: str) -> None:
    reply = httpx.get(f"{address}{path}")
    assert {name: reply.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert reply.headers["cache-control"] == "no-store"
    assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_a_forwarded_host_does_not_get_into_the_page(address: str) -> None:
    for name in ("x-forwarded-host", "forwarded", "x-gradio-server", "x-direct-url"):
        page = httpx.get(address, headers={name: 'evil.example"></script><script>alert(1)</script>'})
        assert page.status_code in (200, 400)
        assert "<script>alert(1)" not in page.text


# Gradio's own channel

CALLS = ["gradio_api/queue/join", "gradio_api/run/predict"]


def call(**changes) -> dict:
    return {"fn_index": 0, "data": ["When?", None, "extractive"], "session_hash": "abc", **changes}


def deep(levels: int) -> str:
    return '{"fn_index": 0, "session_hash": "a", "data": ' + "[" * levels + "]" * levels + "}"


FORGED = {
    "no such function": json.dumps(call(fn_index=999)),
    "a negative function": json.dumps(call(fn_index=-1)),
    "a function by name": json.dumps(call(fn_index="answer")),
    "a function of no kind": json.dumps(call(fn_index=True)),
    "no function": json.dumps({"data": []}),
    "no data": json.dumps({"fn_index": 0, "session_hash": "a"}),
    "data of a wrong type": json.dumps(call(data=5)),
    "too little": json.dumps(call(data=[])),
    "too much": json.dumps(call(data=[None] * 50)),
    "a text that is an object": json.dumps(call(data=[{"a": 1}, None, "extractive"])),
    "a text that is a file": json.dumps(call(data=[{"path": "/etc/hostname"}, None, "extractive"])),
    "another choice": json.dumps(call(data=["When?", None, "openai:evil"])),
    "a choice of a wrong type": json.dumps(call(data=["When?", None, ["extractive"]])),
    "a text too long": json.dumps(call(data=["x" * 100_000, None, "extractive"])),
    "half a character": '{"fn_index": 0, "session_hash": "a", "data": ["\\ud800", null, "extractive"]}',
    "a batch": json.dumps(call(batched=True)),
    "a token": json.dumps(call(oauth_token="x")),
    "no session": json.dumps(call(session_hash=None)),
    "a session that is a path": json.dumps(call(session_hash="../x")),
    "a session that is a number": json.dumps(call(session_hash=7)),
    "a trigger that is a text": json.dumps(call(trigger_id="x")),
    "deep": deep(20_000),
    "wide": json.dumps(call(data=[[[]] * 20_000])),
    "half a document": "{",
    "a list": "[]",
    "nothing": "",
    "no UTF-8": b"\xff\xfe",
}


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_call_is_a_sentence(address: str, backend, name: str, path: str, caplog, capfd) -> None:
    asked = len(backend.questions)
    reply = httpx.post(f"{address}{path}", content=FORGED[name], headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["error"] == reply.json()["detail"]
    assert len(reply.text) < 400
    assert len(backend.questions) == asked
    assert caplog.records == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("path", ["gradio_api/cancel", "gradio_api/reset"])
@pytest.mark.parametrize("body", ["{", "[]", '{"session_hash": 1}', '{"session_hash": "../a", "event_id": "x"}'])
def test_a_forged_notice_is_a_sentence(address: str, path: str, body: str) -> None:
    assert httpx.post(f"{address}{path}", content=body).status_code == 400


def test_events_of_a_session_that_never_asked_are_none(address: str, caplog) -> None:
    for query in ("", "?session_hash=nobody", "?session_hash=a&session_hash=b", "?session_hash=%00"):
        assert httpx.get(f"{address}gradio_api/queue/data{query}").status_code == 404
    assert caplog.records == []


def test_what_gradio_does_not_take_is_one_line_of_the_log(backend, caplog) -> None:
    """What gets past the check of the call, here because the choice is none any more."""
    app = create_app(Path("unused"), backend=backend)
    gradio = next(route.app for route in app.routes if hasattr(getattr(route, "app", None), "get_blocks"))
    page = gradio.get_blocks()
    stderr = io.StringIO()
    with served_as_users_do(app) as address, redirect_stderr(stderr), caplog.at_level(logging.WARNING):
        dropdown = next(block for block in page.blocks.values() if block.elem_id == "model")
        number = next(number for number, function in page.fns.items() if dropdown in function.inputs and function.queue)
        data = [None if block is not dropdown else "extractive" for block in page.fns[number].inputs]
        inside = dropdown.preprocess
        dropdown.preprocess = lambda value: inside("evil \x1b[31m\nvalue")
        reply = httpx.post(
            f"{address}gradio_api/run/predict", json={"fn_index": number, "data": data, "session_hash": "abc"}
        )
    assert reply.json()["error"] == BROKEN
    assert "Traceback" not in stderr.getvalue()
    (record,) = caplog.records
    assert record.getMessage().startswith("A call of the page was refused: ")
    assert "\n" not in record.getMessage()
    assert record.exc_info is None


# Making passwords


def test_a_password_is_read_from_a_pipe_and_its_line_opens_the_page(tmp_path: Path, backend) -> None:
    made = CliRunner().invoke(dateline, ["password", "ann"], input="Brücke:7\nmore\n")
    assert made.exit_code == 0
    assert made.stdout.startswith("ann:")
    people = tmp_path / "people"
    people.write_text(made.stdout)
    with served_as_users_do(create_app(Path("unused"), backend=backend, auth_file=people)) as address:
        assert httpx.get(address, auth=("ann", "Brücke:7")).status_code == 200
        assert httpx.get(address, auth=("ann", "Brücke")).status_code == 401
        assert httpx.get(f"{address}api/articles").json()["error"] == "Sign in with a name and a password."


def test_a_password_is_asked_for_twice_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("ui.cli_service._is_terminal", lambda: True)
    monkeypatch.setattr("ui.cli_service.click.prompt", lambda *words, **options: asked.append(options) or "secret")
    made = CliRunner().invoke(dateline, ["password", "ann"])
    assert made.exit_code == 0, made.output
    assert asked[0]["hide_input"] is True
    assert asked[0]["confirmation_prompt"]


@pytest.mark.parametrize(("name", "given"), [("a:b", "x\n"), ("ann", "\n"), ("ann", "")])
def test_a_name_or_password_that_cannot_be_is_one_line(name: str, given: str) -> None:
    made = CliRunner().invoke(dateline, ["password", name], input=given)
    assert made.exit_code == 1
    assert made.stdout == ""
    assert made.stderr.startswith("Error: ")
    assert made.stderr.count("\n") == 1


# Our own interface

ROUTES = [
    ("POST", "api/ask"),
    ("POST", "api/feedback"),
    ("PATCH", "api/conversations/0123"),
    ("DELETE", "api/conversations/0123"),
    ("GET", "api/conversations/0123/export?format=html"),
    ("GET", "api/conversations"),
    ("GET", "api/answers/0123"),
    ("GET", "api/answers/0123/export?format=%00"),
    ("GET", "api/feedback/0123"),
    ("GET", "api/feedback/summary"),
    ("GET", "api/articles?offset=-1&limit=%00"),
    ("GET", "api/articles/%F0%9F%98%80"),
    ("GET", "api/models"),
    ("GET", "a/0123"),
]

BODIES = {
    "nothing": b"",
    "half a document": b"{",
    "a list": b"[]",
    "a number": b"1e999",
    "no UTF-8": b"\xff\xfe",
    "deep": b"[" * 50_000,
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "half a character": b'{"question": "\\ud800", "title": "\\ud800", "exchange_id": "\\ud800", "kind": "\\ud800"}',
    "wrong types": b'{"question": {}, "title": [], "exchange_id": 1, "kind": null, "history": {}, "model": []}',
    "much": b'{"title": "' + b"x" * 200_000 + b'", "question": "' + b"x" * 20_000 + b'"}',
    "prototype": b'{"__proto__": {"a": 1}, "constructor": 1}',
    "nul": b'{"title": "a\\u0000b", "exchange_id": "0\\u0000", "kind": "answer", "helpful": true}',
    "a huge number": b'{"exchange_id": "0a", "kind": "citation", "number": 1' + b"0" * 5_000 + b', "supports": true}',
    "not a number": b'{"exchange_id": "0a", "kind": "citation", "number": NaN, "supports": true}',
}

COOKIE = {"cookie": "dateline_browser=" + "0a" * 16}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [(*route, name) for route in ROUTES for name in BODIES if route[0] != "GET" or name == "nothing"],
)
def test_no_request_breaks_our_interface(address: str, method: str, path: str, name: str, caplog, capfd) -> None:
    reply = httpx.request(method, f"{address}{path}", content=BODIES[name], headers=COOKIE)
    assert reply.status_code < 500, reply.text
    assert caplog.records == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("cookie", ["", "x", "dateline_browser=", "dateline_browser=../../x", "a=b;" * 500, '"; ='])
def test_no_cookie_breaks_the_page(address: str, cookie: str) -> None:
    for path in ("", "api/conversations", "api/feedback"):
        assert httpx.get(f"{address}{path}", headers={"cookie": cookie}).status_code == 200


def test_what_belongs_to_a_browser_is_for_it_alone(address: str) -> None:
    """Another cookie sees and changes nothing, and no cookie owns nothing."""
    for headers in ({}, {"cookie": "dateline_browser=" + "0b" * 16}):
        assert httpx.get(f"{address}api/conversations", headers=headers).json() == {"conversations": []}
        changed = httpx.patch(f"{address}api/conversations/{'0' * 24}", json={"title": "x"}, headers=headers)
        assert changed.status_code in (400, 404)
