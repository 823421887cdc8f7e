import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import httpcore
import pytest
from reading import read_here

import index.urls
import index.web_connections
from index.errors import ReadError
from index.readers import Record, find_records
from index.types import Article, Failure
from index.urls import fetch
from index.web_connections import ALLOW_PRIVATE, is_public

SENTENCE = "The council widened the sanctions on Thursday after a debate that went on for five hours."
PAGE = f"<html><head><title>The vote</title></head><body><article><p>{SENTENCE} {SENTENCE}</p></article></body></html>"

ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/page": (200, {"Content-Type": "text/html; charset=utf-8"}, PAGE.encode()),
    "/text": (200, {"Content-Type": "text/plain; charset=windows-1251"}, "Россия наложила вето.".encode("cp1251")),
    "/pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7\nbroken"),
    "/empty": (200, {"Content-Type": "text/plain"}, b""),
    "/sitemap": (200, {"Content-Type": "text/xml"}, b"<urlset><url><loc>http://a.example/</loc></url></urlset>"),
    "/json-feed": (200, {"Content-Type": "application/feed+json"}, b"{}"),
    "/picture": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
    "/untyped": (200, {}, b"text"),
    "/large": (200, {"Content-Type": "text/plain"}, b"a" * (5 * 2**20 + 1)),
    "/bomb": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, gzip.compress(b"a" * 2**24)),
    "/zlib": (200, {"Content-Type": "text/plain", "Content-Encoding": "deflate"}, zlib.compress(b"It was packed.")),
    "/brotli": (200, {"Content-Type": "text/plain", "Content-Encoding": "br"}, b"x"),
    "/twice": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip, gzip"}, b"x"),
    "/broken": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, b"not packed"),
    "/error": (503, {"Content-Type": "text/html"}, b"later"),
    "/hop": (302, {"Location": "/page"}, b""),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/to-file": (302, {"Location": "file:///etc/passwd"}, b""),
    "/to-private": (302, {"Location": "http://10.0.0.1/secret"}, b""),
} | {f"/hop{hops}": (302, {"Location": f"/hop{hops - 1}" if hops > 1 else "/page"}, b"") for hops in range(1, 7)}


class Handler(BaseHTTPRequestHandler):
    hosts: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        status, headers, body = ANSWERS.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def site(port, monkeypatch) -> str:
    monkeypatch.setenv(ALLOW_PRIVATE, "1")
    return f"http://127.0.0.1:{port}"


def article(address: str) -> Article:
    [record] = find_records([address])
    assert isinstance(record, Record)
    return read_here(record)


def reason(address: str) -> str:
    [found] = find_records([address])
    assert isinstance(found, Failure)
    assert found.origin == address
    return found.reason


def test_a_page_is_an_article_of_its_address(site):
    found = article(f"{site}/page#part")
    assert SENTENCE in found.text
    assert (found.title, found.origin, found.url) == ("The vote", f"{site}/page#part", f"{site}/page#part")


def test_plain_text_in_the_encoding_that_the_server_declares(site):
    assert article(f"{site}/text").text == "Россия наложила вето."


def test_the_digest_is_of_the_bytes(site):
    [first], [again], [other] = (list(find_records([f"{site}/{name}"])) for name in ("page", "page", "text"))
    assert first.digest == again.digest
    assert first.digest != other.digest


def test_each_address_once_and_after_the_files(site, tmp_path):
    (tmp_path / "a.txt").write_text(SENTENCE)
    found = list(find_records([f"{site}/page", str(tmp_path), f"{site}/text", f"{site}/page"]))
    assert [item.origin for item in found] == [str(tmp_path / "a.txt"), f"{site}/page", f"{site}/text"]


def test_what_a_page_holds_is_checked_when_it_is_read(site):
    for path, expected in (("/pdf", "The PDF is damaged"), ("/empty", "It is empty")):
        with pytest.raises(ReadError, match=expected):
            article(site + path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/none", "The server has no such page (status 404)."),
        ("/error", "The server did not give the page (status 503)."),
        ("/sitemap", "It is no RSS or Atom feed but a sitemap; give the addresses of the articles."),
        ("/json-feed", "It is a feed in JSON, which is not read; give the address of its RSS or Atom feed."),
        ("/picture", "The server sends 'image/png'; HTML, plain text, PDF and feeds are read."),
        ("/untyped", "The server does not say what it sends; HTML, plain text, PDF and feeds are read."),
        ("/brotli", "The server packs the page as 'br', which was not asked for."),
        ("/twice", "The server packs the page as 'gzip, gzip', which was not asked for."),
        ("/broken", "The server packs the page in a way that cannot be unpacked."),
        ("/large", "The page is larger than 5 MB; save it and index the file."),
        ("/bomb", "The page is larger than 5 MB; save it and index the file."),
        ("/loop", "The address redirects more than 5 times."),
        ("/hop6", "The address redirects more than 5 times."),
        ("/to-file", "Only http and https addresses are read."),
    ],
)
def test_pages_that_are_not_read(site, path, expected):
    assert reason(site + path) == expected


@pytest.mark.parametrize("path", ["/hop", "/hop5"])
def test_redirects_are_followed(site, path):
    assert article(site + path).title == "The vote"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ftp://example.org/a", "Only http and https addresses are read."),
        ("file:///etc/passwd", "Only http and https addresses are read."),
        ("http://", "Only http and https addresses are read."),
        (
            "http://user:secret@127.0.0.1/",
            "The address holds a user name or password, which would be stored; leave it out.",
        ),
        ("http://127.0.0.1:0/", "There is no port 0; check the address."),
        ("http://127.0.0.1:65536/", "There is no port 65536; check the address."),
        ("http://127.0.0.1:abc/", "The page could not be fetched (Invalid port: 'abc')."),
        ("http://127.0.0.1/\ud800", "The address holds characters that no address has; check it."),
    ],
)
def test_addresses_that_are_not_fetched(site, address, expected):
    assert reason(address) == expected


def test_a_server_that_is_not_there(site):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        free = server.server_address[1]
    assert reason(f"http://127.0.0.1:{free}/").startswith("The page could not be fetched (")


def test_a_name_that_is_not_known(site, monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(index.web_connections.socket, "getaddrinfo", unknown)
    assert (
        reason("http://news.example/") == "The host 'news.example' is not known; check the address and the connection."
    )


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.1.2.3", "169.254.169.254", "0.0.0.0", "2130706433"],
)
def test_the_own_machine_and_network_are_refused_unless_allowed(port, monkeypatch, host):
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    Handler.hosts.clear()
    assert "is inside this machine or network; to allow that, set DATELINE_ALLOW_PRIVATE_URLS=1." in reason(
        f"http://{host}:{port}/page"
    )
    monkeypatch.setenv(ALLOW_PRIVATE, "yes")
    assert "is inside this machine" in reason(f"http://{host}:{port}/page")
    assert Handler.hosts == []


@pytest.fixture
def public(port, monkeypatch) -> list[str]:
    """The addresses connected to. `*.example` are public addresses; connections to them are led to the test server."""
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    resolve, connect = index.web_connections.resolve, index.web_connections.connect
    connected: list[str] = []

    def to_test_server(address: str, at: int, seconds: float):
        connected.append(address)
        return connect("127.0.0.1", port, seconds)

    monkeypatch.setattr(index.web_connections, "connect", to_test_server)
    monkeypatch.setattr(
        index.web_connections,
        "resolve",
        lambda host, at: ["93.184.216.34"] if host.endswith(".example") else resolve(host, at),
    )
    return connected


def test_a_redirect_is_checked_and_the_connection_goes_to_the_checked_address(public):
    Handler.hosts.clear()
    assert article("http://news.example/hop").title == "The vote"
    assert public == ["93.184.216.34"] * 2
    assert Handler.hosts == ["news.example"] * 2
    public.clear()
    assert "'10.0.0.1' is inside this machine or network" in reason("http://news.example/to-private")
    assert public == ["93.184.216.34"]


def test_a_name_that_is_public_once_and_inside_the_next_time(public, monkeypatch):
    """DNS rebinding: what was resolved for the check is what is connected to, at every hop anew."""
    answers = iter([["93.184.216.34"], ["169.254.169.254"], ["10.0.0.1"]])
    monkeypatch.setattr(index.web_connections, "resolve", lambda host, at: next(answers))
    assert "'news.example' is inside" in reason("http://news.example/hop")
    assert public == ["93.184.216.34"]


def test_a_name_of_which_one_address_is_inside(public, monkeypatch):
    monkeypatch.setattr(index.web_connections, "resolve", lambda host, at: ["93.184.216.34", "10.0.0.1"])
    assert "'news.example' is inside" in reason("http://news.example/page")
    assert public == []


def test_the_way_from_https_to_http_is_not_followed(monkeypatch):
    def answer(pool, url, deadline):
        return url.join("http://news.example/page")

    monkeypatch.setattr(index.urls, "_get", answer)
    assert reason("https://news.example/") == "The address redirects from https to http, which is not followed."
    assert reason("http://news.example/") == "The address redirects more than 5 times."


@pytest.mark.parametrize("port", [1, 22, 25, 53, 111, 139, 445, 587, 6000, 6379, 11211])
def test_ports_of_other_services(public, port):
    assert reason(f"http://news.example:{port}/").startswith(f"Port {port} is not one of web pages; to allow it, set")
    assert public == []


def test_ports_of_the_web(public):
    for port in (80, 443, 8080, 8443, 3000):
        assert article(f"http://news.example:{port}/page").title == "The vote"


INSIDE = [
    "http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://0/", "http://0.0.0.0/",
    "http://127.127.127.127/", "http://localhost/", "http://LOCALHOST/", "http://localhost./", "https://127.0.0.1/",
    "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[2002:a00:1::1]/", "http://[2001:0:7f00:1::1]/", "http://[::ffff:0:7f00:1]/",
    "http://[fe80::1]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[fec0::1]/", "http://[ff02::1]/",
    "http://[3fff::1]/", "http://[2001:db8::1]/", "http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/",
    "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/", "http://0xa9fea9fe/",
    "http://2852039166/", "http://100.64.0.1/", "http://100.100.100.200/", "http://168.63.129.16/",
    "http://192.0.0.192/", "http://192.0.2.1/", "http://198.18.0.1/", "http://224.0.0.1/", "http://240.0.0.1/",
    "http://255.255.255.255/", "http://127.0.0.1:6379/", "http://127.0.0.1:65536/", "http://127.0.0.1:-1/",
]  # fmt: skip
"""Addresses inside the own machine or network, in every form that some resolver understands."""

HOSTILE = [
    "http://user@127.0.0.1/", "http://user:word@127.0.0.1/", "http://news.example@127.0.0.1/",
    "http://127.0.0.1@news.example/", "http://127.0.0.1#@news.example/", "http://127.0.0.1?@news.example/",
    "http://127.0.0.1\\@news.example/", "http://news.example\\@127.0.0.1/", "http://127.0.0.1%00.news.example/",
    "http://127.0.0.1%2f.news.example/", "http://127.0.0.1\t/", "http://127.0.0.1\r\nHost: news.example/",
    "http://%31%32%37.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://１２７。０。０。１/", "http:///127.0.0.1/",
    "http://[::1/", "http://[127.0.0.1]/", "http://[::1%25lo]/", "http://[fe80::1%eth0]/", "http://./", "http://:80/",
    "ftp://127.0.0.1/", "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1:11211/", "ldap://127.0.0.1/",
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "jar:http://127.0.0.1!/", "unix:///var/run/docker.sock",
    "tftp://127.0.0.1/", "ws://127.0.0.1/", "data://text/html,x", "javascript://127.0.0.1/%0aalert(1)",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "HTTP://LOCALHOST:22/",
]  # fmt: skip
"""Addresses that are written to be taken for others, or of schemes that are not of the web."""


@pytest.fixture
def connections(monkeypatch) -> list[object]:
    """Every connection that is begun, at the lowest level there is; and every packet that is sent without one."""
    begun: list[object] = []
    for name in ("connect", "connect_ex", "sendto"):
        original = getattr(socket.socket, name)

        def counted(sock, *arguments, original=original):
            begun.append(arguments[-1])
            return original(sock, *arguments)

        monkeypatch.setattr(socket.socket, name, counted)
    return begun


def test_there_are_forty_internal_and_hostile_addresses():
    assert len(set(INSIDE)) >= 40
    assert len(set(HOSTILE)) >= 30


@pytest.mark.parametrize("address", INSIDE + HOSTILE)
def test_no_connection_is_made(connections, monkeypatch, network_attempts, address):
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    failures = list(find_records([address]))
    assert [type(failure) for failure in failures] == [Failure]
    assert connections == []
    # A host that is written so that it is a name is looked up, which the tests do not let through.
    network_attempts.clear()


def test_the_count_of_connections_can_be_more_than_none(connections, site, network_attempts):
    assert article(f"{site}/page")
    assert len(connections) == 1
    assert reason(f"{site}/to-private").startswith("The page could not be fetched (")
    assert len(connections) == 3
    network_attempts.clear()


def test_the_second_address_of_a_host_is_tried(site, port, monkeypatch):
    monkeypatch.setattr(index.web_connections, "resolve", lambda host, at: ["127.0.0.2", "127.0.0.1"])
    assert fetch(f"http://news.example:{port}/page").raw == PAGE.encode()


class TricklingHandler(BaseHTTPRequestHandler):
    """Answers without end: lines before the answer, headers, or a body, whichever the path says."""

    def do_GET(self) -> None:
        pieces = {
            "/informational": b"HTTP/1.1 102 Processing\r\n\r\n",
            "/headers": b"X-Filler: " + b"x" * 50 + b"\r\n",
            "/body": b"a" * 65_536,
        }
        first = b"" if self.path == "/informational" else b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        try:
            self.wfile.write(first + (b"\r\n" if self.path == "/body" else b""))
            while True:
                self.wfile.write(pieces[self.path])
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/informational", "The page took longer than 0 seconds; try again later."),
        ("/headers", "The page could not be fetched ("),
        ("/body", "The page is larger than 5 MB"),
    ],
)
def test_answers_without_end(monkeypatch, path, expected):
    monkeypatch.setenv(ALLOW_PRIVATE, "1")
    if path == "/informational":
        monkeypatch.setattr(index.urls, "TOTAL_SECONDS", 0.3)
    with ThreadingHTTPServer(("127.0.0.1", 0), TricklingHandler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            assert reason(f"http://127.0.0.1:{server.server_address[1]}{path}").startswith(expected)
        finally:
            server.shutdown()
            thread.join()


def test_no_step_takes_longer_than_the_time_that_is_left(monkeypatch):
    moment = index.web_connections.time.monotonic()
    monkeypatch.setattr(index.web_connections.time, "monotonic", lambda: moment)
    assert index.web_connections.seconds_left(moment + 100) == index.web_connections.TIMEOUT_SECONDS
    assert index.web_connections.seconds_left(moment + 3) == pytest.approx(3)
    with pytest.raises(httpcore.TimeoutException):
        index.web_connections.seconds_left(moment)


def test_a_page_that_takes_too_long(site, monkeypatch):
    monkeypatch.setattr(index.urls, "TOTAL_SECONDS", -1.0)
    assert "took longer than" in reason(f"{site}/page")


def test_packed_without_being_asked(site):
    assert article(f"{site}/zlib").text == "It was packed."


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("64:ff9b:1::7f00:1", False),
        ("fec0::1", False),
        ("3fff::1", False),
        ("168.63.129.16", False),
        ("192.0.0.192", False),
    ],
)
def test_which_addresses_are_public(address, expected):
    assert is_public(address) is expected
