"""A server on loopback that speaks the chat interface of OpenAI-compatible servers from a script: real HTTP, real SSE.

    with ScriptedServer([Reply.text("The strike ended. [1]")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)

Each request for a completion takes the next reply of the script; the last one is repeated. What was asked is kept in
`requests`.
"""

import json
import threading
from collections.abc import Mapping, Sequence
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
    return b"data: " + json.dumps(document).encode() + b"\n\n"


@dataclass(frozen=True)
class Reply:
    """What the server sends: a status with a body, or a stream of `events`.

    `silence` is how long it waits, in seconds, before it sends `events` from `silent_before` on; `cut` closes the
    connection without the end of the body; `endless` repeats the last event until the client goes away.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    events: tuple[bytes, ...] = ()
    silence: float = 0.0
    silent_before: int = 0
    cut: bool = False
    endless: bool = False

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


@dataclass(frozen=True)
class Request:
    """A request for a completion: its headers, names in lower case, and its JSON document."""

    headers: Mapping[str, str]
    document: Mapping[str, Any]

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
        self._closing.set()
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
            if self.path != "/v1/models":
                return self._whole(404, {}, b'{"error": {"message": "no such page"}}')
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "test"} for name in server.models]
            return self._whole(200, {}, json.dumps({"object": "list", "data": data}).encode())

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/chat/completions":
                return self._whole(404, {}, b'{"error": {"message": "no such page"}}')
            reply = server.next_reply(Request({k.lower(): v for k, v in self.headers.items()}, document))
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
            self.wfile.write(body)

        def _stream(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for position, event in enumerate(reply.events):
                if reply.silence and position == reply.silent_before:
                    server.wait(reply.silence)
                self._part(event)
            while reply.endless and not server.is_closing:
                self._part(reply.events[-1])
                server.wait(0.005)
            if reply.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def _part(self, event: bytes) -> None:
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            self.wfile.flush()

    return Handler
