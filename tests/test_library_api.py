"""The library view's HTTP interface over a real small library of the bag-of-words encoder."""

import json
import threading
from pathlib import Path

import pytest
from fakes import BagOfWordsEncoder
from fastapi import FastAPI
from hostile import PAYLOADS
from starlette.testclient import TestClient

import index.web_connections
import ui.library_jobs
from index.errors import LibraryBusyError
from index.library import Library
from index.web_connections import ALLOW_PRIVATE
from rag.types import Question
from ui.api import create_router
from ui.library_api import create_library_router
from ui.shared_library import SharedLibrary

LAMP = "The lamp was lit in 1923 by Ann Lee in the old harbour house."
VOTE = "The vote on the harbour was put off until May after a long debate."
BROKEN_PDF = b"%PDF-1.7\nbroken"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def shared(path: Path):
    library = SharedLibrary.open(path, model="extractive", k=8, encoder=BagOfWordsEncoder())
    yield library
    library.close()


@pytest.fixture
def client(shared: SharedLibrary, path: Path):
    app = FastAPI()
    app.include_router(create_router(shared))
    app.include_router(create_library_router(shared, path))
    with TestClient(app) as client:
        yield client


def finished(client: TestClient, reply) -> dict:
    """The job that a reply accepted, at its end."""
    assert reply.status_code == 202, reply.text
    job_id = reply.json()["job_id"]
    for _ in range(2_000):
        [job] = client.get("/api/library/jobs", params={"ids": job_id}).json()["jobs"]
        if job["state"] == "done":
            return job
        threading.Event().wait(0.01)
    raise AssertionError(job)


def add_file(client: TestClient, name: str, content: bytes | str) -> dict:
    return finished(client, client.post("/api/library/files", params={"name": name}, content=content))


def opened(path: Path) -> Library:
    """The library, opened by another process as soon as this one lets go of it, just after the end of a job."""
    for _ in range(500):
        try:
            return Library.open_for_writing(path, BagOfWordsEncoder())
        except LibraryBusyError:
            threading.Event().wait(0.01)
    raise AssertionError("The library was never let go of.")


def counts(job: dict) -> tuple[int, int, int, int]:
    return job["added"], job["updated"], job["unchanged"], job["failed"]


def listed(client: TestClient, **asked: object) -> list[str]:
    return [row["title"] for row in client.get("/api/library/articles", params=asked).json()["articles"]]


def test_the_first_file_makes_the_library(client: TestClient, path: Path) -> None:
    assert client.get("/api/library/articles").json()["total"] == 0
    assert not path.exists()
    job = add_file(client, "lamp.txt", LAMP)
    assert (counts(job), job["name"], job["problem"]) == ((1, 0, 0, 0), "lamp.txt", None)
    assert client.get(f"/api/articles/{job['article_id']}").json()["text"] == LAMP
    assert (path / "uploads" / "lamp.txt").read_text() == LAMP
    [row] = client.get("/api/library/articles").json()["articles"]
    assert (row["article_id"], row["uploaded"], row["shares_file"]) == (job["article_id"], "lamp.txt", False)
    assert row["origin"] == str(path / "uploads" / "lamp.txt")


def test_one_bad_file_stops_no_other_and_is_not_kept(client: TestClient, path: Path) -> None:
    replies = [
        client.post("/api/library/files", params={"name": name}, content=content)
        for name, content in (("lamp.txt", LAMP), ("broken.pdf", BROKEN_PDF), ("vote.md", VOTE))
    ]
    jobs = [finished(client, reply) for reply in replies]
    assert [counts(job) for job in jobs] == [(1, 0, 0, 0), (0, 0, 0, 1), (1, 0, 0, 0)]
    assert jobs[1]["failures"] == [{"record": "", "reason": "The PDF is damaged and cannot be read; export it again."}]
    assert {file.name for file in (path / "uploads").iterdir()} == {"lamp.txt", "vote.md"}


def test_the_same_again_is_unchanged_and_another_of_the_same_name_is_another(client: TestClient, path: Path) -> None:
    jobs = [add_file(client, "a.txt", text) for text in (LAMP, LAMP, VOTE, VOTE)]
    assert [counts(job) for job in jobs] == [(1, 0, 0, 0), (0, 0, 1, 0), (1, 0, 0, 0), (0, 0, 1, 0)]
    assert {file.name: file.read_text() for file in (path / "uploads").iterdir()} == {"a.txt": LAMP, "a (2).txt": VOTE}


def test_records_that_cannot_be_read_are_told_by_their_line(client: TestClient) -> None:
    lines = [json.dumps({"id": "lamp", "text": LAMP}), "nonsense", json.dumps({"id": "vote", "text": VOTE})]
    job = add_file(client, "two.jsonl", "\n".join(lines))
    assert (counts(job), job["done"], job["found"]) == ((2, 0, 0, 1), 2, 2)
    assert job["failures"] == [{"record": "2", "reason": "Line 2: not a JSON object in UTF-8."}]


@pytest.mark.parametrize("name", ["picture.png", "archive.7z", "noname", "", "../..", "metadata.csv", "x.txt.exe"])
def test_a_kind_that_is_not_read_is_refused_before_it_is_kept(client: TestClient, path: Path, name: str) -> None:
    reply = client.post("/api/library/files", params={"name": name}, content=b"x")
    assert reply.status_code == 415
    assert reply.json()["error"].endswith((".", "FOLDER"))
    assert not path.exists()


def test_a_pasted_text_becomes_an_article_with_what_is_stated(client: TestClient) -> None:
    stated = {"title": "The vote", "source": "Desk", "published": "2017-06-03", "url": "https://news.example/vote"}
    job = finished(client, client.post("/api/library/text", json={"text": VOTE, **stated}))
    assert (counts(job), job["name"]) == ((1, 0, 0, 0), "The vote")
    article = client.get(f"/api/articles/{job['article_id']}").json()
    assert {name: article[name] for name in ("text", *stated)} == {"text": VOTE, **stated}
    again = finished(client, client.post("/api/library/text", json={"text": VOTE, **stated}))
    assert counts(again) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"text": "  "}, "There is no text"),
        ({"text": VOTE, "published": "soon"}, "is not a date"),
        ({"text": VOTE, "url": "ftp://a.example"}, "is not an http or https address"),
        ({"text": 7}, "must be a text"),
        ({"text": VOTE, "path": "/etc"}, "no field 'path'"),
        ([], "not a JSON object"),
        ({"text": "\ud800"}, "half of a character"),
    ],
)
def test_a_text_that_cannot_be_used(client: TestClient, body: object, sentence: str) -> None:
    reply = client.post("/api/library/text", content=json.dumps(body))
    assert reply.status_code == 400
    assert sentence in reply.json()["error"]


HOSTILE_ADDRESSES = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://192.0.0.192/opc/v2/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://user:word@127.0.0.1/",
    "http://public.example@127.0.0.1/",
    "http://127.0.0.1:6379/",
    "https://127.0.0.1/",
]


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
def test_no_connection_is_made_to_addresses_inside(client: TestClient, monkeypatch, address: str) -> None:
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    connections = refuse_connections(monkeypatch)
    job = finished(client, client.post("/api/library/address", json={"address": address}))
    assert (counts(job), connections) == ((0, 0, 0, 1), [])
    assert (
        "is inside this machine or network" in job["failures"][0]["reason"]
        or "user name" in job["failures"][0]["reason"]
    )


def test_a_name_that_resolves_to_an_address_inside_is_not_connected_to(client: TestClient, monkeypatch) -> None:
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    monkeypatch.setattr(index.web_connections, "resolve", lambda host, at: ["93.184.216.34", "10.0.0.1"])
    connections = refuse_connections(monkeypatch)
    job = finished(client, client.post("/api/library/address", json={"address": "http://news.example/"}))
    assert "'news.example' is inside" in job["failures"][0]["reason"]
    assert connections == []


@pytest.mark.parametrize(
    "address",
    [
        "", "file:///etc/passwd", "/etc/passwd", "ftp://a.example/", "gopher://127.0.0.1/", "javascript:alert(1)",
        "data:text/html,x", "seeds", "https:/a", "http:127.0.0.1", "http://a.example/\nHost: x", "http://a b/",
        "HTTP//x", "dict://127.0.0.1:11211/", "https://a.example/" + "x" * 2_000,
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_not_taken(client: TestClient, path: Path, address: str) -> None:
    reply = client.post("/api/library/address", json={"address": address})
    assert reply.status_code == 400
    assert "address" in reply.json()["error"]
    assert not path.exists()


def refuse_connections(monkeypatch) -> list[object]:
    """The addresses that are about to be connected to; none is."""
    connections: list[object] = []

    def connect(address, port, seconds):
        connections.append((address, port))
        raise AssertionError("a connection was made")

    monkeypatch.setattr("index.web_connections.connect", connect)
    return connections


def test_removing_takes_the_uploaded_file_along_and_leaves_others(
    client: TestClient, path: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "vote.txt"
    elsewhere.write_text(VOTE)
    uploaded = add_file(client, "lamp.txt", LAMP)["article_id"]
    with opened(path) as library:
        ui.library_jobs.index_paths(library, [str(elsewhere)])
    [other] = [
        row["article_id"] for row in client.get("/api/library/articles", params={"q": "vote"}).json()["articles"]
    ]
    for article_id in (uploaded, other):
        job = finished(client, client.delete(f"/api/library/articles/{article_id}"))
        assert (job["removed"], job["problem"]) == (1, None)
    assert listed(client) == []
    assert list((path / "uploads").iterdir()) == []
    assert elsewhere.read_text() == VOTE
    assert client.delete(f"/api/library/articles/{uploaded}").status_code == 404


def test_a_file_with_further_articles_stays_until_the_last_is_removed(client: TestClient, path: Path) -> None:
    lines = [json.dumps({"id": name, "title": name, "text": text}) for name, text in (("lamp", LAMP), ("vote", VOTE))]
    add_file(client, "two.jsonl", "\n".join(lines))
    rows = client.get("/api/library/articles").json()["articles"]
    assert [(row["uploaded"], row["shares_file"]) for row in rows] == [("two.jsonl", True)] * 2
    file = path / "uploads" / "two.jsonl"
    finished(client, client.delete(f"/api/library/articles/{rows[0]['article_id']}"))
    assert file.exists()
    finished(client, client.delete(f"/api/library/articles/{rows[1]['article_id']}"))
    assert not file.exists()


def test_the_table_is_searched_ordered_and_in_pages(client: TestClient) -> None:
    for title, source, published in (
        ("Zürich votes", "Desk", "2017-06-03"),
        ("a lamp", "the Gazette", ""),
        ("Harbour", "", "2016"),
        ("<b>Bold</b>", "Desk", "2017-06"),
    ):
        body = {"text": f"{title}. {LAMP}", "title": title, "source": source, "published": published}
        finished(client, client.post("/api/library/text", json=body))
    assert listed(client) == ["Zürich votes", "a lamp", "Harbour", "<b>Bold</b>"]
    assert listed(client, order="descending") == ["<b>Bold</b>", "Harbour", "a lamp", "Zürich votes"]
    assert listed(client, sort="title") == ["<b>Bold</b>", "a lamp", "Harbour", "Zürich votes"]
    assert listed(client, sort="source") == ["Zürich votes", "<b>Bold</b>", "a lamp", "Harbour"]
    assert listed(client, sort="source", order="descending")[-1] == "Harbour"
    assert listed(client, sort="published") == ["Harbour", "<b>Bold</b>", "Zürich votes", "a lamp"]
    assert listed(client, sort="published", order="descending")[-1] == "a lamp"
    assert listed(client, q="ZURICH") == ["Zürich votes"]
    assert listed(client, q="desk <b") == ["<b>Bold</b>"]
    assert listed(client, q="uploads harbour") == ["Harbour"]
    page = client.get("/api/library/articles", params={"offset": 1, "limit": 2, "sort": "title"}).json()
    assert [row["title"] for row in page["articles"]] == ["a lamp", "Harbour"]
    assert (page["total"], page["matching"], page["offset"]) == (4, 4, 1)
    for wrong in ({"sort": "sha256"}, {"order": "up"}, {"limit": 201}, {"offset": "x"}):
        assert client.get("/api/library/articles", params=wrong).status_code == 400
    overview = client.get("/api/library/overview").json()
    assert (overview["articles"], overview["undated"], overview["without_source"]) == (4, 1, 1)
    assert overview["periods"] == [{"period": "2016", "count": 1}, {"period": "2017", "count": 2}]
    assert overview["sources"] == [{"source": "Desk", "count": 2}, {"source": "the Gazette", "count": 1}]


def test_hostile_titles_sources_and_names_come_back_as_they_are_said(client: TestClient) -> None:
    whole = [(name, payload) for name, payload, _ in PAYLOADS if payload.isascii() or "\ud800" not in payload]
    for name, payload in whole:
        body = {"text": f"{LAMP} {name}", "title": payload, "source": payload}
        reply = client.post("/api/library/text", json=body)
        assert counts(finished(client, reply)) == (1, 0, 0, 0), name
        assert counts(add_file(client, f"{payload[-200:]}.txt", f"{VOTE} {name}")) == (1, 0, 0, 0), name
    reply = client.get("/api/library/articles", params={"limit": 200})
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["total"] == 2 * len(whole)
    assert "<script>alert(1)</script><script src=https://evil.example/x.js></script>" in listed(client, limit=200)


def test_read_only_is_said_and_changes_nothing(shared: SharedLibrary, path: Path) -> None:
    app = FastAPI()
    app.include_router(create_library_router(shared, path, read_only=True))
    with TestClient(app) as client:
        assert client.get("/api/library/overview").json()["read_only"] is True
        for reply in (
            client.post("/api/library/files", params={"name": "a.txt"}, content=LAMP),
            client.post("/api/library/text", json={"text": LAMP}),
            client.post("/api/library/address", json={"address": "https://a.example/"}),
            client.delete("/api/library/articles/0123456789abcdef"),
        ):
            assert reply.status_code == 403
            assert "read only" in reply.json()["error"]
    assert not path.exists()


def test_while_another_process_writes_nothing_is_lost(client: TestClient, path: Path, monkeypatch) -> None:
    monkeypatch.setattr(ui.library_jobs, "BUSY_SECONDS", 0.01)
    with opened(path):
        replies = [client.post("/api/library/files", params={"name": "a.txt"}, content=text) for text in (LAMP, VOTE)]
        for _ in range(500):
            [job] = client.get("/api/library/jobs", params={"ids": replies[0].json()["job_id"]}).json()["jobs"]
            if job["problem"]:
                break
            threading.Event().wait(0.01)
        assert (job["state"], "Another process is changing the library" in job["problem"]) == ("waiting", True)
    assert [counts(finished(client, reply)) for reply in replies] == [(1, 0, 0, 0)] * 2


def test_a_question_is_answered_while_articles_are_indexed(
    client: TestClient, shared: SharedLibrary, path: Path
) -> None:
    add_file(client, "lamp.txt", LAMP)
    inside, go_on = threading.Event(), threading.Event()
    encoder = shared._encoder
    encode = encoder.encode

    def slow(texts):
        if any("harbour was put off" in text for text in texts):
            inside.set()
            assert go_on.wait(20)
        return encode(texts)

    encoder.encode = slow
    reply = client.post("/api/library/files", params={"name": "vote.txt"}, content=VOTE)
    assert inside.wait(20)
    answer = shared.ask(Question("When was the lamp lit?"))
    go_on.set()
    assert [hit.passage.text for hit in answer.hits] == [LAMP]
    assert counts(finished(client, reply)) == (1, 0, 0, 0)
    assert len(shared.summaries()) == 2


def test_an_unexpected_error_ends_its_job_and_no_other(client: TestClient, monkeypatch, caplog) -> None:
    real = ui.library_jobs.index_paths

    def broken(library, paths, **options):
        if paths[0].endswith("bad.txt"):
            raise ZeroDivisionError
        return real(library, paths, **options)

    monkeypatch.setattr(ui.library_jobs, "index_paths", broken)
    bad, good = add_file(client, "bad.txt", LAMP), add_file(client, "good.txt", VOTE)
    assert (bad["problem"], counts(bad)) == ("Something went wrong; the server's log says what.", (0, 0, 0, 0))
    assert counts(good) == (1, 0, 0, 0)
    assert "ZeroDivisionError" in caplog.text
