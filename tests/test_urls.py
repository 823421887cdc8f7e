import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import httpx
import pytest
from reading import read_here

import index.urls
from index.errors import ReadError
from index.readers import Record, find_records
from index.types import Article, Failure
from index.urls import ALLOW_PRIVATE, fetch, is_public

SENTENCE = "The council widened the sanctions on Thursday after a debate that went on for five hours."
PAGE = f"<html><head><title>The vote</title></head><body><article><p>{SENTENCE} {SENTENCE}</p></article></body></html>"

ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/page": (200, {"Content-Type": "text/html; charset=utf-8"}, PAGE.encode()),
    "/text": (200, {"Content-Type": "text/plain; charset=windows-1251"}, "Россия наложила вето.".encode("cp1251")),
    "/pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7\nbroken"),
    "/empty": (200, {"Content-Type": "text/plain"}, b""),
    "/feed": (200, {"Content-Type": "application/rss+xml"}, b"<rss/>"),
    "/picture": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
    "/untyped": (200, {}, b"text"),
    "/large": (200, {"Content-Type": "text/plain"}, b"a" * (5 * 2**20 + 1)),
    "/bomb": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, gzip.compress(b"a" * 2**24)),
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
        ("/feed", "It is a feed or XML, which is not read; give the addresses of the articles."),
        ("/picture", "The server sends 'image/png'; HTML, plain text and PDF are read."),
        ("/untyped", "The server does not say what it sends; HTML, plain text and PDF are read."),
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

    monkeypatch.setattr(index.urls.socket, "getaddrinfo", unknown)
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


def test_a_redirect_is_checked_and_the_connection_goes_to_the_checked_address(port, monkeypatch):
    """A name that resolves to a public address; the connection to that address is led to the test server."""
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    resolve = index.urls._resolve
    monkeypatch.setattr(
        index.urls, "_resolve", lambda host, at: ["93.184.216.34"] if host == "news.example" else resolve(host, at)
    )
    connected = []
    build = httpx.Client.build_request

    def to_test_server(self: httpx.Client, method: str, url: httpx.URL, **options: object) -> httpx.Request:
        connected.append(url.host)
        return build(self, method, url.copy_with(host="127.0.0.1"), **options)

    monkeypatch.setattr(httpx.Client, "build_request", to_test_server)
    Handler.hosts.clear()
    assert article(f"http://news.example:{port}/hop").title == "The vote"
    assert connected == ["93.184.216.34"] * 2
    assert Handler.hosts == [f"news.example:{port}"] * 2
    assert "'10.0.0.1' is inside this machine or network" in reason(f"http://news.example:{port}/to-private")
    assert len(connected) == 3


def test_the_second_address_of_a_host_is_tried(site, port, monkeypatch):
    monkeypatch.setattr(index.urls, "_resolve", lambda host, at: ["127.0.0.2", "127.0.0.1"])
    assert fetch(f"http://news.example:{port}/page").raw == PAGE.encode()


def test_a_page_that_takes_too_long(site, monkeypatch):
    monkeypatch.setattr(index.urls, "TOTAL_SECONDS", -1.0)
    assert "took longer than" in reason(f"{site}/page")


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
