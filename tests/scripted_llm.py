"""A server on loopback that speaks the chat interface of OpenAI-compatible servers from a script: real HTTP, real SSE.

    with ScriptedServer([Reply.text("The strike ended. [1]")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)

Each request for a completion takes the next reply of the script; the last one is repeated. What was asked is kept in
`requests`. `FAILURES` has a name for everything that goes wrong with such servers.
"""

import gzip
import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def chunk(text: str | None, finish_reason: str | None = None) -> bytes:
    """One event of a stream, with the next piece of the reply."""
    delta = {} if text is None else {"role": "assistant", "content": text}
    document = {
        "id": "chat-1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }
    return event(document)


def event(document: object) -> bytes:
    """One event of a stream that holds the document."""
    return b"data: " + json.dumps(document).encode() + b"\n\n"


@dataclass(frozen=True)
class Reply:
    """What the server sends: a status with a body, or a stream of `events`.

    `silence` is how long it waits, in seconds, before it sends `events` from `silent_before` on; `cut` closes the
    connection without the end of the body; `endless` repeats the last event every `pause` seconds until the client
    goes away.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    events: tuple[bytes, ...] = ()
    silence: float = 0.0
    silent_before: int = 0
    cut: bool = False
    endless: bool = False
    pause: float = 0.005

    @classmethod
    def text(cls, *pieces: str, **options: Any) -> "Reply":
        """A reply that streams the pieces to the end."""
        return cls(events=(*map(chunk, pieces), chunk(None, "stop"), b"data: [DONE]\n\n"), **options)

    @classmethod
    def error(
        cls, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> "Reply":
        """An error as such servers report it."""
        body = json.dumps({"error": {"message": message, "type": "error", "param": None, "code": code}}).encode()
        return cls(status=status, body=body, headers=headers or {})


def completion(text: str, finish_reason: str = "stop") -> bytes:
    """A whole completion in one document, as servers give it that do not stream."""
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {"object": "chat.completion", "choices": [{"message": message, "finish_reason": finish_reason}]}
    ).encode()


def redirect(url: str) -> Reply:
    """A reply that sends the request on to another address, with its method and its body."""
    return Reply(status=307, headers={"Location": url}, body=b"{}")


_CALL = {"index": 0, "id": "call-1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
_CONTEXT = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
_OVERFLOW = "the request exceeds the available context size, try increasing it"

FAILURES: Mapping[str, Reply | None] = {
    "refused connection": None,
    "silence before the headers": Reply(silence=30),
    "silence in the stream": Reply.text("The silo ", "was built", silence=30, silent_before=1),
    "keep-alive comments": Reply(events=(b": keep-alive\n\n",), endless=True),
    "empty deltas": Reply(events=(chunk(""),), endless=True),
    "drip": Reply(events=tuple(chunk(f"{number} ") for number in range(500)), pause=0.02, endless=True),
    "bad request": Reply.error(400, "messages: no such role"),
    "wrong key": Reply.error(401, "Incorrect API key provided", "invalid_api_key"),
    "forbidden": Reply.error(403, "Your plan does not hold this model"),
    "no such model": Reply.error(404, "The model does not exist", "model_not_found"),
    "too many requests": Reply.error(429, "Rate limit reached", headers={"Retry-After": "0.01"}),
    "too many requests until a date": Reply.error(
        429, "Rate limit reached", headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    ),
    "too many requests for an hour": Reply.error(429, "Rate limit reached", headers={"Retry-After": "3600"}),
    "quota used up": Reply.error(429, "You exceeded your quota", "insufficient_quota"),
    "failing server": Reply.error(500, "boom"),
    "overloaded server": Reply.error(503, "Service Unavailable"),
    "failing server with an endless page": Reply(status=500, events=(b"<p>sorry</p>" * 10_000,), endless=True, pause=0),
    "half a stream": Reply(events=(chunk("The silo was built in 1931. [1]"),), cut=True),
    "half a stream with an end": Reply(events=(chunk("The silo was built in 1931. [1]"),)),
    "cut before the first token": Reply(events=(b": hello\n\n",), cut=True),
    "garbage": Reply(events=(b"data: {half a docu\n\n",)),
    "HTML page": Reply(body=b"<!doctype html><title>Welcome</title>", headers={"Content-Type": "text/html"}),
    "picture": Reply(body=b"\x89PNG\r\n\x1a\n\x00\x00", headers={"Content-Type": "image/png"}),
    "JSON that is no completion": Reply(body=b'{"status": "ok"}'),
    "empty body": Reply(),
    "empty text": Reply.text("", " "),
    "flood of text": Reply.text(*(" ".join(map(str, range(at, at + 8_000))) for at in range(0, 1_600_000, 8_000))),
    "flood of events": Reply(events=(chunk("", None) * 400,), endless=True, pause=0),
    "endless line": Reply(events=(b"data: " + b"x" * 50_000, b"x" * 50_000), endless=True, pause=0),
    "token loop": Reply(events=(chunk("The silo was built. [1] "),), endless=True, pause=0),
    "invalid UTF-8": Reply(events=(b"data: \xff\xfe\n\n",)),
    "prompt too long": Reply.error(400, _CONTEXT, "context_length_exceeded"),
    "prompt too long for llama.cpp": Reply.error(400, _OVERFLOW),
    "prompt too long in the stream": Reply(events=(event({"error": {"message": _OVERFLOW}}),)),
    "error in the stream": Reply(
        events=(chunk("The"), event({"error": {"message": "out of memory", "type": "server_error"}}))
    ),
    "gzip bomb": Reply(
        body=gzip.compress(bytes(50_000_000), 9),
        headers={"Content-Encoding": "gzip", "Content-Type": "text/event-stream"},
    ),
    "failing server with a gzip bomb": Reply(
        status=500, body=gzip.compress(bytes(50_000_000), 9), headers={"Content-Encoding": "gzip"}
    ),
    "unknown compression": Reply(body=b"x", headers={"Content-Encoding": "br"}),
    "broken compression": Reply(body=b"not gzip at all", headers={"Content-Encoding": "gzip"}),
    "tool call": Reply(
        events=(event({"choices": [{"delta": {"tool_calls": [_CALL]}}]}), chunk(None, "tool_calls")),
    ),
    "reply held back": Reply(events=(chunk(None, "content_filter"),)),
    "redirect within the server": redirect("/elsewhere"),
}
"""What a server sends in each failure; `None` where there is no server."""


@dataclass(frozen=True)
class Request:
    """A request for a completion: its headers, names in lower case, its JSON document, and its path with the query."""

    headers: Mapping[str, str]
    document: Mapping[str, Any]
    path: str = "/v1/chat/completions"

    @property
    def prompt(self) -> str:
        """The contents of all messages."""
        return "\n".join(message["content"] for message in self.document["messages"])


class ScriptedServer:
    """See the module. `models` are the names that it lists; `gone` is set once a client went away in a stream."""

    def __init__(self, script: Sequence[Reply], models: Sequence[str] = ("scripted",)) -> None:
        self.script = list(script)
        self.models = list(models)
        self.requests: list[Request] = []
        self.gone = threading.Event()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def root_url(self) -> str:
        """The server's address without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        """The address to give as `OPENAI_BASE_URL`."""
        return f"{self.root_url}/v1"

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Takes no further connection; what is under way ends."""
        self._closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def next_reply(self, request: Request) -> Reply:
        """Keeps the request and takes the next reply of the script."""
        self.requests.append(request)
        return self.script[min(len(self.requests), len(self.script)) - 1]

    def wait(self, seconds: float) -> None:
        """Waits, but not beyond the end of the test."""
        self._closing.wait(seconds)

    @property
    def is_closing(self) -> bool:
        """True once the test is over."""
        return self._closing.is_set()


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keeps standard error clean."""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/v1/models":
                return self._whole(404, {}, b'{"error": {"message": "no such page"}}')
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "test"} for name in server.models]
            return self._whole(200, {}, json.dumps({"object": "list", "data": data}).encode())

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.partition("?")[0] != "/v1/chat/completions":
                return self._whole(404, {}, b'{"error": {"message": "no such page"}}')
            reply = server.next_reply(Request({k.lower(): v for k, v in self.headers.items()}, document, self.path))
            if not reply.events:
                server.wait(reply.silence)
                return self._whole(reply.status, reply.headers, reply.body)
            try:
                self._stream(reply)
            except (BrokenPipeError, ConnectionResetError):
                server.gone.set()
                self.close_connection = True
            return None

        def _whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # the client takes no more of it
                self.wfile.write(body)

        def _stream(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Type": "text/event-stream", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for position, event in enumerate(reply.events):
                if reply.silence and position == reply.silent_before:
                    server.wait(reply.silence)
                self._part(event)
                server.wait(reply.pause if reply.endless else 0)
            while reply.endless and not server.is_closing:
                self._part(reply.events[-1])
                server.wait(reply.pause)
            if reply.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def _part(self, event: bytes) -> None:
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            self.wfile.flush()

    return Handler
