"""The guard in front of the page: hosts, origins, paths, sizes, passwords and headers."""

import asyncio
import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from index.errors import InputError
from ui.auth import ADDRESSES_REMEMBERED, FAILURES_ALLOWED, NAME_FAILURES_ALLOWED, Passwords, password_line
from ui.guard import (
    CHECKS_AT_ONCE,
    LARGER_BODIES,
    LOOPBACK_HOSTS,
    MAX_BODY_BYTES,
    SECURITY_HEADERS,
    Guard,
)
from ui.hosts import ANY_ADDRESS


class Reached:
    """An application that says what reached it, with headers as Gradio sends them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.after_body: object = None

    async def __call__(self, scope, receive, send) -> None:
        self.bodies.append((await receive())["body"])
        self.after_body = await receive()
        headers = [(b"Access-Control-Allow-Origin", b"http://evil.example"), (b"Referrer-Policy", b"unsafe-url")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"reached"})


def request(
    app,
    path: str = "/",
    *,
    method: str = "GET",
    host: str = "localhost:7860",
    headers: dict[str, str] | None = None,
    chunks: tuple[bytes, ...] = (b"",),
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the reply to one request."""
    incoming = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ] + [{"type": "http.disconnect"}]
    sent: list[dict] = []
    all_headers = {"host": host, **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "client": ("192.0.2.7", 40000),
        "headers": [(name.encode(), value.encode()) for name, value in all_headers.items()],
    }

    async def receive():
        return incoming.pop(0)

    async def send(message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    reply = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], reply, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture
def reached() -> Reached:
    return Reached()


@pytest.fixture
def guard(reached: Reached) -> Guard:
    return Guard(reached, allowed_hosts=LOOPBACK_HOSTS)


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1:1", "[::1]:7860", "LOCALHOST", "localhost"])
def test_lets_the_names_of_loopback_in(guard: Guard, host: str) -> None:
    assert request(guard, host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:7860", "127.0.0.1.nip.io", "", "[::2]:7860"])
def test_refuses_other_host_names_as_dns_rebinding_sends_them(guard: Guard, reached: Reached, host: str) -> None:
    status, _, body = request(guard, host=host)
    assert status == 421
    assert "host" in json.loads(body)["error"]
    assert reached.bodies == []


def test_lets_in_addresses_in_numbers_where_told_to(reached: Reached) -> None:
    guard = Guard(reached, allowed_hosts=("news.example", ANY_ADDRESS))
    for host in ("192.0.2.1:7860", "[2001:db8::1]:80", "News.Example.", "news.example:7860"):
        assert request(guard, host=host)[0] == 200, host
    for host in ("evil.example", "192.0.2.1.nip.io", "address.evil.example", "", "[::1", "0x7f000001", "192.0.2"):
        assert request(guard, host=host)[0] == 421, host


def test_any_host_name_is_let_in_where_none_is_given(reached: Reached) -> None:
    assert request(Guard(reached), host="news.example")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999", "http://127.0.0.1:7860"])
def test_refuses_pages_of_other_origins(guard: Guard, reached: Reached, origin: str) -> None:
    assert request(guard, "/api/ask", method="POST", headers={"origin": origin})[0] == 403
    assert reached.bodies == []


def test_lets_its_own_page_in_and_never_permits_another_origin(guard: Guard) -> None:
    status, headers, body = request(guard, headers={"origin": "http://localhost:7860"})
    assert (status, body) == (200, b"reached")
    assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something new"])
def test_refuses_what_pages_of_other_sites_send_without_an_origin(guard: Guard, reached: Reached, site: str) -> None:
    foreign = {"sec-fetch-site": site}
    assert request(guard, "/api/ask", method="POST", headers=foreign)[0] == 403
    assert request(guard, "/api/ask", method="POST", headers={**foreign, "sec-fetch-mode": "navigate"})[0] == 403
    assert request(guard, "/api/articles", headers={**foreign, "sec-fetch-mode": "no-cors"})[0] == 403
    assert request(guard, "/api/articles", headers={**foreign, "sec-fetch-mode": "cors"})[0] == 403
    assert reached.bodies == []
    assert request(guard, headers={**foreign, "sec-fetch-mode": "navigate"})[0] == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_lets_in_what_the_page_itself_sends(guard: Guard, site: str) -> None:
    assert request(guard, "/api/ask", method="POST", headers={"sec-fetch-site": site})[0] == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "DEBUG"])
def test_refuses_methods_that_nothing_uses(guard: Guard, reached: Reached, method: str) -> None:
    assert request(guard, method=method)[0] == 405
    assert reached.bodies == []


def test_a_body_that_does_not_come_is_not_waited_for(
    guard: Guard, reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.guard.BODY_SECONDS", 0.05)
    sent = []

    async def receive():
        await asyncio.sleep(30)

    async def send(message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", b"10")]
    scope = {"type": "http", "method": "POST", "path": "/api/ask", "client": None, "headers": headers}
    asyncio.run(guard(scope, receive, send))
    assert sent[0]["status"] == 408
    assert reached.bodies == []


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/", "no-store"),
        ("/api/ask", "no-store"),
        ("/api/articles/0123", "no-store"),
        ("/config", "no-store"),
        ("/gradio_api/queue/data", "no-store"),
        ("/assets/index-DphvyggB.js", "public, max-age=31536000, immutable"),
        ("/static/img/logo.svg", "no-cache"),
    ],
)
def test_nobody_keeps_what_people_ask_and_read(guard: Guard, path: str, caching: str) -> None:
    assert request(guard, path)[1]["cache-control"] == caching


def test_what_breaks_is_a_sentence_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope, receive, send) -> None:
        raise ZeroDivisionError("not for the reply")

    status, headers, body = request(Guard(broken), "/api/ask")
    assert (status, json.loads(body)) == (500, {"error": "Something went wrong; the server's log says what."})
    assert headers["cache-control"] == "no-store"
    assert [record.getMessage() for record in caplog.records] == ["A request to '/api/ask' failed."]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/upload_progress",
        "/gradio_api/file=https://example.org/x",
        "/gradio_api/file=/etc/hostname",
        "/gradio_api/proxy=https://example.org/",
        "/gradio_api/component_server",
        "/gradio_api/openapi.json",
        "/gradio_api/info",
        "/gradio_api/run/answer",
        "/gradio_api/runs",
        "/gradio_api/vibe-edit/",
        "/monitoring",
        "/monitoring/summary",
        "/gradio_api/deep_link",
        "/login",
        "/docs",
        "/healthz/",
        "/api/articles/a/b",
        "//evil.example/",
        "/assets/../../pyproject.toml",
        "/static/../../pyproject.toml",
        "/assets/..",
        "/assets/.hidden",
        "/api/library/../articles",
        "/api/conversations/..",
        "/api/library/",
        "/manifest.json",
        "/gradio_api/queue/join/",
        "/gradio_api/heartbeat/",
        "/a/",
        "/a/..",
        "http://evil.example/",
        "/healthz\n",
    ],
)
def test_what_the_page_does_not_need_does_not_exist(guard: Guard, reached: Reached, path: str) -> None:
    assert request(guard, path)[0] == 404
    assert reached.bodies == []


@pytest.mark.parametrize(
    "path", ["/robots.txt", "/healthz", "/page/0a1b/page.js", "/api/articles/0123", "/gradio_api/queue/join"]
)
def test_every_reply_has_the_security_headers(guard: Guard, path: str) -> None:
    headers = request(guard, path)[1]
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_only_inline_scripts_of_the_page_itself_may_run(guard: Guard) -> None:
    policies = [request(guard, path)[1]["content-security-policy"] for path in ("/", "/", "/healthz")]
    nonces = [re.findall(r"script-src 'nonce-([\w-]{20,})' 'self' 'unsafe-eval';", policy) for policy in policies]
    assert [len(found) for found in nonces] == [1, 1, 0]
    assert nonces[0] != nonces[1]
    assert "script-src 'self' 'unsafe-eval';" in policies[2]


def test_replies_of_the_guard_itself_have_the_security_headers(guard: Guard) -> None:
    headers = request(guard, "/monitoring")[1]
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_body_reaches_the_application_whole_and_once(guard: Guard, reached: Reached) -> None:
    assert request(guard, "/api/ask", method="POST", chunks=(b"ab", b"", b"c"))[0] == 200
    assert reached.bodies == [b"abc"]
    assert reached.after_body == {"type": "http.disconnect"}


def test_the_largest_body_is_let_in(guard: Guard, reached: Reached) -> None:
    assert request(guard, "/api/ask", method="POST", chunks=(b"x" * MAX_BODY_BYTES,))[0] == 200
    assert len(reached.bodies[0]) == MAX_BODY_BYTES


@pytest.mark.parametrize("headers", [{}, {"content-length": "5"}, {"content-length": str(MAX_BODY_BYTES + 1)}])
def test_a_larger_body_is_refused_whatever_its_header_says(guard: Guard, reached: Reached, headers) -> None:
    chunks = (b"x" * MAX_BODY_BYTES, b"y")
    status, _, body = request(guard, "/api/ask", method="POST", headers=headers, chunks=chunks)
    assert status == 413
    assert "256 KiB" in json.loads(body)["error"]
    assert reached.bodies == []


async def counting(scope, receive, send) -> None:
    """An application that reads a body piece by piece and says how many bytes came, and whether it was the whole."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Access-Control-Allow-Origin", b"*")]})
    await send({"type": "http.response.body", "body": f"{size} {message['type']}".encode()})


def test_a_file_is_passed_on_piece_by_piece_and_may_be_larger() -> None:
    chunks = (b"x" * MAX_BODY_BYTES, b"y" * MAX_BODY_BYTES, b"z")
    status, headers, body = request(Guard(counting), "/api/library/files", method="POST", chunks=chunks)
    assert (status, body) == (200, f"{2 * MAX_BODY_BYTES + 1} http.request".encode())
    assert "access-control-allow-origin" not in headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_the_largest_file_is_let_in_and_a_larger_one_is_not() -> None:
    megabytes = LARGER_BODIES["/api/library/files"] >> 20
    largest = (b"x" * 2**20,) * megabytes
    assert request(Guard(counting), "/api/library/files", method="POST", chunks=largest)[0] == 200
    status, headers, body = request(Guard(counting), "/api/library/files", method="POST", chunks=(*largest, b"y"))
    assert (status, headers["connection"]) == (413, "close")
    assert f"larger than {megabytes} MB" in json.loads(body)["error"]


def test_a_file_that_is_said_to_be_too_large_is_not_read(guard: Guard, reached: Reached) -> None:
    headers = {"content-length": str(LARGER_BODIES["/api/library/files"] + 1)}
    assert request(guard, "/api/library/files", method="POST", headers=headers)[0] == 413
    assert reached.bodies == []


@pytest.mark.parametrize("path", ["/api/library/text", "/api/library/files/x", "/api/library/file"])
def test_no_other_path_takes_more(guard: Guard, path: str) -> None:
    assert request(guard, path, method="POST", chunks=(b"x" * (MAX_BODY_BYTES + 1),))[0] == 413


def test_a_file_is_refused_as_any_request_is(reached: Reached, passwords: Passwords) -> None:
    guard = Guard(reached, allowed_hosts=LOOPBACK_HOSTS, passwords=passwords)
    assert request(guard, "/api/library/files", method="POST")[0] == 401
    assert request(guard, "/api/library/files", method="POST", host="evil.example")[0] == 421
    assert request(guard, "/api/library/files", method="POST", headers={"origin": "http://evil.example"})[0] == 403
    assert reached.bodies == []


def test_other_protocols_than_http_are_not_answered(guard: Guard, reached: Reached) -> None:
    async def nothing(*_) -> dict:
        raise AssertionError("nothing is read or sent")

    asyncio.run(guard({"type": "websocket", "path": "/", "headers": []}, nothing, nothing))
    assert reached.bodies == []


# Passwords


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def passwords(tmp_path: Path) -> Passwords:
    path = tmp_path / "people"
    path.write_text("# the desk\n\n" + password_line("ann", "Brücke:7") + "\n" + password_line("bo", "x") + "\n")
    return Passwords.open(path)


def test_a_file_may_be_sent_to_its_own_address_only(reached: Reached) -> None:
    guard = Guard(reached)
    path, most = "/api/evaluations/sets", LARGER_BODIES["/api/evaluations/sets"]
    large = b"x" * (MAX_BODY_BYTES + 1)
    assert request(guard, path, method="POST", chunks=(large,))[0] == 200
    for other in ("/api/evaluations", "/api/evaluations/sets/x", "/api/ask"):
        assert request(guard, other, method="POST", chunks=(large,))[0] == 413
    status, _, body = request(guard, path, method="POST", headers={"content-length": str(most + 1)})
    assert (status, json.loads(body)["error"].split(";")[0]) == (413, "The file is larger than 20 MB")


def test_only_the_report_of_an_evaluation_may_be_framed_and_runs_nothing(reached: Reached) -> None:
    guard = Guard(reached)
    _, headers, _ = request(guard, "/api/evaluations/0123456789abcdef/report")
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert headers["content-security-policy"].endswith("frame-ancestors 'self'")
    for path in ("/", "/api/evaluations/0123456789abcdef", "/api/evaluations/0123456789abcdef/files/report.html"):
        _, headers, _ = request(guard, path)
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].endswith("frame-ancestors 'none'")


def test_asks_for_a_password_everywhere_but_at_healthz(reached: Reached, passwords: Passwords) -> None:
    guard = Guard(reached, passwords=passwords)
    for path in ("/", "/api/ask", "/api/articles", "/gradio_api/queue/join", "/page/0a1b/page.js"):
        status, headers, _ = request(guard, path)
        assert status == 401, path
        assert headers["www-authenticate"].startswith("Basic ")
    assert reached.bodies == []
    assert request(guard, "/healthz")[0] == 200


def test_lets_in_who_has_the_password(reached: Reached, passwords: Passwords) -> None:
    guard = Guard(reached, passwords=passwords)
    assert request(guard, headers=basic("ann", "Brücke:7"))[0] == 200
    assert request(guard, headers=basic("bo", "x"))[0] == 200
    assert request(guard, headers=basic("ann", "x"))[0] == 401
    assert request(guard, headers=basic("eve", "x"))[0] == 401
    assert request(guard, headers={"authorization": "Basic %%%"})[0] == 401
    assert request(guard, headers={"authorization": "Bearer x"})[0] == 401


def test_wrong_passwords_are_throttled_but_right_ones_that_were_seen_are_not(
    reached: Reached, passwords: Passwords
) -> None:
    guard = Guard(reached, passwords=passwords)
    assert request(guard, headers=basic("bo", "x"))[0] == 200
    for number in range(FAILURES_ALLOWED):
        assert request(guard, headers=basic("ann", f"guess {number}"))[0] == 401
    status, headers, _ = request(guard, headers=basic("ann", "Brücke:7"))
    assert status == 429
    assert 1 <= int(headers["retry-after"]) <= 60
    assert request(guard, headers=basic("bo", "x"))[0] == 200


def test_failures_are_forgotten_after_a_while_and_by_a_right_password(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("ui.auth.time.monotonic", lambda: now[0])
    for _ in range(FAILURES_ALLOWED):
        assert not passwords.check("ann", "no", "192.0.2.1")
    assert passwords.wait("192.0.2.1") == 60
    assert passwords.wait("192.0.2.2") == 0
    now[0] += 61
    assert passwords.wait("192.0.2.1") == 0
    assert not passwords.check("ann", "no", "192.0.2.1")
    assert passwords.check("ann", "Brücke:7", "192.0.2.1")
    for _ in range(FAILURES_ALLOWED - 1):
        assert not passwords.check("ann", "no", "192.0.2.1")
    assert passwords.wait("192.0.2.1") == 0


def test_few_addresses_are_remembered(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.auth._digest", lambda password, salt: b"\x01" * 32)
    for number in range(ADDRESSES_REMEMBERED + 50):
        passwords.check(f"eve {number}", "no", f"address {number}")
    assert len(passwords._failures) == ADDRESSES_REMEMBERED
    assert "address 0" not in passwords._failures


def test_one_address_with_many_names_has_to_wait(reached: Reached, passwords: Passwords) -> None:
    guard = Guard(reached, passwords=passwords)
    for number in range(FAILURES_ALLOWED):
        assert request(guard, headers=basic(f"name {number}", "x"))[0] == 401
    assert request(guard, headers=basic("another", "x"))[0] == 429


def test_guesses_for_one_name_from_everywhere_have_to_wait(passwords: Passwords) -> None:
    for number in range(NAME_FAILURES_ALLOWED):
        assert passwords.wait(f"192.0.2.{number}", "ann") == 0
        assert not passwords.check("ann", f"guess {number}", f"192.0.2.{number}")
    assert 1 <= passwords.wait("198.51.100.1", "ann") <= 60
    assert not passwords.check("ann", "Brücke:7", "198.51.100.1")
    assert passwords.check("bo", "x", "198.51.100.1")


def test_addresses_of_one_ipv6_network_are_one(passwords: Passwords) -> None:
    for number in range(FAILURES_ALLOWED):
        passwords.check(f"name {number}", "x", f"2001:db8::{number}")
    assert passwords.wait("2001:db8::ffff") > 0
    assert passwords.wait("2001:db8:0:1::1") == 0


def test_guesses_that_come_at_once_are_not_all_looked_at(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    """The throttle looks again when it is a guess's turn: fifty that came together got past it before."""
    worked_out = []
    monkeypatch.setattr("ui.auth._digest", lambda password, salt: worked_out.append(password) or b"\x01" * 32)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda number: passwords.check("ann", str(number), "192.0.2.1"), range(50)))
    assert len(worked_out) == FAILURES_ALLOWED


def test_few_passwords_wait_to_be_worked_out(reached: Reached, passwords: Passwords) -> None:
    guard = Guard(reached, passwords=passwords)
    guard._checking = CHECKS_AT_ONCE
    status, headers, _ = request(guard, headers=basic("bo", "x"))
    assert (status, headers["retry-after"]) == (503, "1")


def test_a_line_follows_scrypt_of_the_standard() -> None:
    # RFC 7914, section 12: scrypt("pleaseletmein", "SodiumChloride", N=16384, r=8, p=1), first 32 of 64 bytes.
    digest = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    people = {"ann": (b"SodiumChloride", bytes.fromhex(digest))}
    assert Passwords(people).check("ann", "pleaseletmein", "192.0.2.1")
    assert not Passwords(people).check("ann", "pleaseletmeinn", "192.0.2.1")


def test_two_lines_of_one_password_differ() -> None:
    assert password_line("ann", "x") != password_line("ann", "x")


@pytest.mark.parametrize(("name", "password"), [("a:b", "x"), ("", "x"), ("ann", ""), ("#ann", "x"), ("a\nb", "x")])
def test_names_that_cannot_stand_in_the_file_are_refused(name: str, password: str) -> None:
    with pytest.raises(InputError):
        password_line(name, password)


@pytest.mark.parametrize("content", ["", "# nobody\n", "ann:secret\n", "ann:00$12\n"])
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "people"
    path.write_text(content)
    with pytest.raises(InputError, match="people"):
        Passwords.open(path)


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Passwords.open(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        Passwords.open(tmp_path / "binary")


def test_a_browser_gets_a_cookie_when_it_opens_the_page_and_keeps_it(guard: Guard) -> None:
    _, headers, _ = request(guard, "/")
    name, value = headers["set-cookie"].split(";")[0].split("=")
    assert "HttpOnly" in headers["set-cookie"]
    assert "set-cookie" not in request(guard, "/", headers={"cookie": f"{name}={value}"})[1]
    assert "set-cookie" not in request(guard, "/api/articles")[1]
    assert "set-cookie" in request(guard, "/", headers={"cookie": f"{name}=forged"})[1]
