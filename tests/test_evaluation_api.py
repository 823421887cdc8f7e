"""Evaluations over HTTP, with a command that plays back a run made before."""

import csv
import io
import json
import time
from pathlib import Path

import pytest
from fake_backend import FakeBackend
from fastapi import FastAPI, Request
from made_evaluations import ARTICLES, FORMULA, HARBOUR, HOSTILE, LINES, entry, play, set_text
from starlette.testclient import TestClient

from eval.question_sets import load_set
from eval.quotes import occurrences
from index.types import normalise_text
from ui.evaluation_api import create_evaluation_router
from ui.evaluation_runs import Runs
from ui.evaluation_sets import SHIPPED

API = "/api/evaluations"
SECONDS = 20.0  # longest that a test waits for something that takes a tenth of a second


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("played") / "run")


@pytest.fixture
def played(finished: Path):
    yield finished
    for name in ("hold", "broken", "arguments"):
        (finished / name).unlink(missing_ok=True)


def owner_of(request: Request) -> str:
    return request.headers.get("x-owner", "")


def application(state: Path, played: Path, **options) -> FastAPI:
    app = FastAPI()
    runs = Runs(state / "evaluations", Path("/library"), ["--reranker", "r"], entry=entry(played))
    backend = FakeBackend(ARTICLES, lambda question: pytest.fail("nothing is asked here"))
    app.include_router(
        create_evaluation_router(backend, Path("/library"), state, runs=runs, owner_of=owner_of, **options)
    )
    return app


@pytest.fixture
def client(tmp_path: Path, played: Path):
    with TestClient(application(tmp_path, played)) as client:
        yield client


def upload(client: TestClient, text: str | bytes = "", name: str = "made.jsonl", **headers: str):
    return client.post(f"{API}/sets", params={"name": name}, content=text or set_text(), headers=headers)


def start(client: TestClient, **fields) -> dict:
    chosen = fields.pop("set", None) or upload(client).json()["set_id"]
    reply = client.post(API, json={"set": chosen, **fields})
    assert reply.status_code == 200, reply.text
    return reply.json()


def until(client: TestClient, run_id: str, reached) -> dict:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        run = client.get(f"{API}/{run_id}").json()
        if reached(run):
            return run
        time.sleep(0.02)
    raise AssertionError(run)


def done(client: TestClient, **fields) -> dict:
    run = until(client, start(client, **fields)["run_id"], lambda run: run["state"] not in ("waiting", "running"))
    assert run["state"] == "done", run
    return run


def test_the_shipped_set_is_offered_and_says_which_articles_are_missing(client: TestClient) -> None:
    listing = client.get(API).json()
    (shipped,) = listing["sets"]
    assert (shipped["kind"], shipped["questions"], shipped["articles"], shipped["missing"]) == ("shipped", 106, 5, 5)
    assert (listing["runs"], listing["models"], listing["k"]) == ([], ["extractive"], 10)
    reply = client.post(API, json={"set": "sample-articles"})
    assert reply.status_code == 400
    assert "does not hold 5 of the 5 articles that this set asks about" in reply.json()["error"]
    assert client.get(API).json()["runs"] == []


@pytest.mark.parametrize("name", SHIPPED.values())
def test_every_quote_of_a_shipped_set_stands_in_the_sample_articles(name: str) -> None:
    root = Path(__file__).parent.parent
    questions = load_set([root / "eval" / "sets" / name]).questions
    quotes = [found for question in questions for found in question.evidence]
    texts = {path.name: normalise_text(path.read_text("utf-8")) for path in (root / "seeds").glob("*.txt")}
    assert len(quotes) >= sum(question.answerable for question in questions)
    assert [found for found in quotes if not occurrences(texts[found.article], found.quote or "")] == []


def test_a_run_is_the_command_and_its_figures_are_the_report(client: TestClient, played: Path) -> None:
    run = done(client, k=3, limit=5)
    arguments = (played / "arguments").read_text().split("\n")
    assert arguments == (
        "eval run set/made.jsonl --out out --model extractive -k 3 --retry-failed --library /library --reranker r"
    ).split(" ")  # five of five questions are no limit
    report = json.loads((played / "done" / "report.json").read_text())
    assert run["figures"]["contains"] == report["answers"]["contains"]
    assert run["figures"]["false_rate"] == report["refusals"]["false_rate"]
    assert (run["done"], run["total"], run["set_name"], run["limit"]) == (5, 5, "made.jsonl", None)
    page = client.get(f"{API}/{run['run_id']}/report")
    assert page.headers["content-type"].startswith("text/html")
    assert "Risk against coverage" in page.text
    assert "Reliability of the confidence" in page.text
    assert HOSTILE not in page.text


def test_a_part_of_the_set_is_asked_with_a_limit(client: TestClient, played: Path) -> None:
    run = start(client, limit=2)
    assert (run["total"], run["limit"]) == (2, 2)
    until(client, run["run_id"], lambda run: run["state"] == "done")
    assert "--limit\n2" in (played / "arguments").read_text()


def test_a_run_that_is_cancelled_keeps_what_is_done_and_goes_on(client: TestClient, played: Path) -> None:
    (played / "hold").touch()
    run = start(client)
    address = f"{API}/{run['run_id']}"
    running = until(client, run["run_id"], lambda run: run["state"] == "running" and run["done"] == 2)
    assert running["total"] == 5
    assert client.delete(address).status_code == 400
    assert client.post(f"{address}/resume").status_code == 400
    assert client.get(f"{address}/report").status_code == 400
    client.post(f"{address}/cancel")
    until(client, run["run_id"], lambda run: run["state"] == "cancelled")
    cancelled = client.get(address).json()
    assert (cancelled["done"], cancelled.get("figures")) == (2, None)
    assert client.get(f"{address}/report").status_code == 400
    (played / "hold").unlink()
    client.post(f"{address}/resume")
    assert until(client, run["run_id"], lambda run: run["state"] == "done")["done"] == 5
    rows = client.get(f"{address}/questions").json()
    assert [row["id"] for row in rows["questions"]] == [line["id"] for line in LINES]


def test_a_second_run_waits_for_the_first(client: TestClient, played: Path) -> None:
    (played / "hold").touch()
    first, second = start(client), start(client)
    until(client, first["run_id"], lambda run: run["state"] == "running")
    waiting = client.get(f"{API}/{second['run_id']}").json()
    assert (waiting["state"], waiting["before"]) == ("waiting", 1)
    (played / "hold").unlink()
    assert until(client, second["run_id"], lambda run: run["state"] == "done")
    assert client.get(f"{API}/{first['run_id']}").json()["state"] == "done"


def test_a_run_that_waits_can_be_cancelled(client: TestClient, played: Path) -> None:
    (played / "hold").touch()
    start(client)
    second = start(client)
    assert client.post(f"{API}/{second['run_id']}/cancel").json()["state"] == "cancelled"


def test_the_end_of_the_server_interrupts_a_run_that_goes_on_after_a_restart(tmp_path: Path, played: Path) -> None:
    (played / "hold").touch()
    with TestClient(application(tmp_path, played)) as client:
        run = start(client)
        until(client, run["run_id"], lambda run: run["done"] == 2)
    (played / "hold").unlink()
    with TestClient(application(tmp_path, played)) as client:
        again = client.get(f"{API}/{run['run_id']}").json()
        assert (again["state"], again["done"]) == ("interrupted", 2)
        client.post(f"{API}/{run['run_id']}/resume")
        assert until(client, run["run_id"], lambda run: run["state"] == "done")["done"] == 5


def test_a_run_that_was_running_when_the_server_died_is_interrupted(tmp_path: Path, played: Path) -> None:
    with TestClient(application(tmp_path, played)) as client:
        run = done(client)
    record = tmp_path / "evaluations" / run["run_id"] / "run.json"
    record.write_text(record.read_text().replace('"done"', '"running"'))
    with TestClient(application(tmp_path, played)) as client:
        assert client.get(f"{API}/{run['run_id']}").json()["state"] == "interrupted"


def test_a_run_that_fails_says_why_in_words_of_the_page(client: TestClient, played: Path) -> None:
    from eval.gold import ADVICE

    (played / "broken").write_text(f"the articles asked do not hold the evidence that 'set/made.jsonl' names. {ADVICE}")
    run = until(client, start(client)["run_id"], lambda run: run["state"] == "failed")
    assert run["message"] == (
        "the articles asked do not hold the evidence that 'made.jsonl' names. Mend the set, add the "
        "articles to the library, or choose another set."
    )
    (played / "broken").unlink()
    client.post(f"{API}/{run['run_id']}/resume")
    until(client, run["run_id"], lambda run: run["state"] == "done")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"id": "a", "question": "Q?"}\n{"id": "b", "question": 5}\n', ["line 2", "question"]),
        ('{"id": "a", "question": "Q?", "answers": "x"}\n', ["line 1", "answers"]),
        ("nothing of the kind", ["'made.jsonl' is not a question set"]),
        ('{"data": [{"title": "t", "paragraphs": 5}]}', ["'made.jsonl'", "paragraphs"]),
    ],
)
def test_a_broken_set_is_refused_with_its_line_and_field(client, tmp_path: Path, text: str, words) -> None:
    reply = upload(client, text)
    assert reply.status_code == 400
    assert all(word in reply.json()["error"] for word in words), reply.json()
    assert str(tmp_path) not in reply.json()["error"]
    assert len(client.get(API).json()["sets"]) == 1
    assert list((tmp_path / "question-sets").iterdir()) == []


def test_an_empty_set_is_refused(client: TestClient) -> None:
    assert client.post(f"{API}/sets", params={"name": "x"}, content=b" \n").status_code == 400


def test_a_set_with_articles_of_its_own_asks_them(client: TestClient, played: Path) -> None:
    answers = [{"text": "May", "answer_start": 14}]
    paragraph = {"context": "It was opened May.", "qas": [{"id": "1", "question": "When?", "answers": answers}]}
    squad = upload(client, json.dumps({"data": [{"title": "T", "paragraphs": [paragraph]}]}), "squad.json").json()
    assert (squad["brings_articles"], squad["format"], squad["missing"]) == (True, "squad", 0)
    run = start(client, set=squad["set_id"], own_articles=True)
    until(client, run["run_id"], lambda run: run["state"] == "done")
    assert "--library" not in (played / "arguments").read_text()


def test_sets_and_runs_are_their_owners_own(client: TestClient) -> None:
    mine = upload(client, **{"x-owner": "ann"}).json()["set_id"]
    assert len(client.get(API, headers={"x-owner": "ann"}).json()["sets"]) == 2
    assert len(client.get(API).json()["sets"]) == 1
    assert client.post(API, json={"set": mine}).status_code == 400
    assert client.delete(f"{API}/sets/{mine}").status_code == 400
    run = client.post(API, json={"set": mine}, headers={"x-owner": "ann"}).json()
    for path in ("", "/report", "/questions", "/questions/0", "/files/report.html"):
        assert client.get(f"{API}/{run['run_id']}{path}").status_code == 404, path
    assert client.post(f"{API}/{run['run_id']}/cancel").status_code == 404
    assert client.delete(f"{API}/{run['run_id']}").status_code == 404
    assert client.delete(f"{API}/sets/{mine}", headers={"x-owner": "ann"}).status_code == 200


def test_feedback_is_a_set_where_there_is_any(tmp_path: Path, played: Path) -> None:
    lines = {"ann": [json.dumps(LINES[0])]}
    app = application(tmp_path, played, feedback_lines=lambda owner: lines.get(owner, []))
    with TestClient(app) as client:
        assert [found["kind"] for found in client.get(API).json()["sets"]] == ["shipped"]
        ann = {"x-owner": "ann"}
        assert [found["kind"] for found in client.get(API, headers=ann).json()["sets"]] == ["shipped", "feedback"]
        assert client.post(API, json={"set": "feedback"}).status_code == 400
        run = client.post(API, json={"set": "feedback"}, headers=ann).json()
        assert (run["set_kind"], run["total"]) == ("feedback", 1)
        kept = tmp_path / "evaluations" / run["run_id"] / "set" / "feedback.jsonl"
        assert json.loads(kept.read_text()) == LINES[0]


def test_questions_are_filtered_by_outcome_type_and_words(client: TestClient) -> None:
    address = f"{API}/{done(client)['run_id']}/questions"
    every = client.get(address).json()
    assert (every["total"], every["types"]) == (5, {"date": 1, "who": 2, FORMULA: 1, "off-topic": 1})
    assert sum(every["outcomes"].values()) == 5
    outcome = every["questions"][0]["outcome"]
    same = client.get(address, params={"outcome": outcome}).json()["questions"]
    assert [row["id"] for row in same] == [row["id"] for row in every["questions"] if row["outcome"] == outcome]
    assert [row["id"] for row in client.get(address, params={"type": "who"}).json()["questions"]] == ["paid", "lost"]
    assert [row["id"] for row in client.get(address, params={"words": "HARBOUR who"}).json()["questions"]] == [
        "paid",
        "lost",
    ]
    page = client.get(address, params={"offset": 3, "limit": 1}).json()
    assert (page["total"], [row["number"] for row in page["questions"]]) == (5, [3])
    assert client.get(address, params={"limit": "1000000"}).status_code == 400


def test_an_answer_stands_beside_its_gold_in_the_library(client: TestClient, played: Path) -> None:
    address = f"{API}/{done(client)['run_id']}/questions"
    found = client.get(f"{address}/0").json()
    (evidence,) = found["evidence"]
    quote = "The harbour opened in May 1999."
    assert evidence["article_id"] == HARBOUR.article_id
    assert HARBOUR.text[evidence["start"] : evidence["end"]] == evidence["quote"] == quote
    line = json.loads((played / "done" / "results.jsonl").read_text().split("\n")[0])
    assert found["answer"]["citations"] == line["answer"]["citations"]
    assert found["scores"]["contains"] == line["scores"]["contains"]
    assert found["answers"] == ["May 1999"]
    hostile = client.get(f"{address}/2").json()
    assert hostile["evidence"][0]["quote"] == HOSTILE
    assert client.get(f"{address}/3").json()["answerable"] is False
    assert client.get(f"{address}/5").status_code == 400


def test_two_runs_are_compared(client: TestClient) -> None:
    first, second = done(client)["run_id"], done(client)["run_id"]
    compared = client.get(f"{API}/compare", params={"a": first, "b": second}).json()
    assert (compared["n"], compared["flipped"]) == (5, [])
    assert compared["metrics"]["contains"]["ties"] == 4
    assert compared["runs"]["a"]["run_id"] == first
    assert client.get(f"{API}/compare", params={"a": first, "b": "0" * 16}).status_code == 404


def test_runs_without_a_common_question_are_not_compared(client: TestClient, tmp_path: Path) -> None:
    first, second = done(client)["run_id"], done(client)["run_id"]
    results = tmp_path / "evaluations" / second / "out" / "results.jsonl"
    renamed = [
        {**json.loads(line), "id": f"other-{number}"} for number, line in enumerate(results.read_text().splitlines())
    ]
    results.write_text("".join(json.dumps(line) + "\n" for line in renamed))
    reply = client.get(f"{API}/compare", params={"a": first, "b": second})
    assert reply.status_code == 400
    assert "'A' and 'B' have no question in common" in reply.json()["error"]


def test_downloads_are_files_without_formulas(client: TestClient, played: Path) -> None:
    address = f"{API}/{done(client)['run_id']}/files"
    for name in ("report.html", "results.jsonl", "report.json"):
        reply = client.get(f"{address}/{name}")
        assert reply.content == (played / "done" / name).read_bytes()
        assert reply.headers["content-disposition"].startswith("attachment; filename*=UTF-8''made-")
    rows = list(csv.DictReader(io.StringIO(client.get(f"{address}/results.csv").content.decode())))
    assert [rows[2]["id"], rows[2]["type"]] == [f"'{FORMULA}"] * 2
    for name in ("run.json", "run.lock", "%2e%2e", "manifest.json"):
        assert client.get(f"{address}/{name}").status_code in (400, 404), name


def test_a_deleted_run_is_gone_with_its_files(client: TestClient, tmp_path: Path) -> None:
    run = done(client)
    assert client.delete(f"{API}/{run['run_id']}").status_code == 200
    assert client.get(f"{API}/{run['run_id']}").status_code == 404
    assert client.get(f"{API}/runs").json()["runs"] == []
    assert list((tmp_path / "evaluations").iterdir()) == []


@pytest.mark.parametrize("run_id", ["..", "%2e%2e", "..%2fquestion-sets", "0" * 15, "g" * 16, "A" * 16, "0" * 17])
def test_only_an_identifier_names_a_run(client: TestClient, run_id: str) -> None:
    assert client.get(f"{API}/{run_id}/report").status_code == 404
    assert client.delete(f"{API}/{run_id}").status_code in (404, 405)


@pytest.mark.parametrize(
    "fields",
    [{"k": 0}, {"k": True}, {"limit": -1}, {"limit": "5"}, {"model": "openai:m"}, {"own_articles": 1}, {"x": 1}],
)
def test_a_wrong_field_of_a_run_is_named(client: TestClient, fields: dict) -> None:
    reply = client.post(API, json={"set": "sample-articles", **fields})
    assert reply.status_code == 400
    assert next(iter(fields)) in reply.json()["error"] or "no model" in reply.json()["error"]


@pytest.mark.parametrize("name", ["../../x.jsonl", "C:\\x.jsonl", "\x00<b>.jsonl", "", "." * 300, "run.py"])
def test_a_file_name_leads_nowhere(client: TestClient, tmp_path: Path, name: str) -> None:
    info = upload(client, name=name).json()
    (kept,) = [path for path in (tmp_path / "question-sets" / info["set_id"]).iterdir() if path.name != "set.json"]
    assert kept.suffix == ".jsonl"
    assert len(info["name"]) <= 80
    assert not set("/\\\x00") & set(info["name"])
