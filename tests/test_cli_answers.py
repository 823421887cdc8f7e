"""`dateline search`, `ask` and `verify` on the sample collection."""

import json
from dataclasses import replace
from datetime import date

import pytest
from command_line import copy_seeds, run
from fakes import BagOfWordsEncoder

from index.library import Library
from index.types import SearchFilter
from rag.types import MAX_QUESTION_CHARACTERS, Answer, Refusal, Statement, Turn

PASSAGE_FIELDS = [
    "rank",
    "passage_id",
    "article_id",
    "score",
    "dense_rank",
    "keyword_rank",
    "start_char_index",
    "end_char_index",
    "text",
]
ANSWER_FIELDS = [
    "question",
    "standalone_question",
    "answer",
    "refused",
    "refusal",
    "confidence",
    "statements",
    "citations",
    "passages",
    "model",
    "library_generation",
    "timings_ms",
    "incomplete",
    "notices",
    "prompt",
]
QUESTION = "What did Safronkov say about the logic of confrontation?"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return copy_seeds(tmp_path_factory.mktemp("collection") / "seeds")


@pytest.fixture(scope="module")
def library(seeds):
    folder = seeds.parent / "library"
    assert run("index", seeds, "--library", folder).exit_code == 0
    return folder


@pytest.fixture
def asked(monkeypatch):
    """Stands in for answering: takes down what was asked and gives the answer that `replies` holds."""
    calls = []

    def ask(question, library, *, generator, settings):
        calls.append((question, generator, settings))
        text = f"Answer to {question.text} [1]"
        return Answer(question.text, question.text, text, None, 0.5, (), (), (), "extractive", 1, {})

    def stream(question, library, *, generator, settings, stop):
        yield ask(question, library, generator=generator, settings=settings)

    monkeypatch.setattr("rag.answering.ask", ask)
    monkeypatch.setattr("rag.answering.stream", stream)
    return calls


def stored_text(library, article_id):
    return run("articles", "show", article_id, "--text", "--library", library).stdout_bytes.decode("utf-8")


def test_search_json_has_the_fields_of_the_contract(library):
    hits = run("search", "logic of confrontation", "--json", "-k", "3", "--library", library).documents
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    for hit in hits:
        assert list(hit) == PASSAGE_FIELDS
        text = stored_text(library, hit["article_id"])
        assert text[hit["start_char_index"] : hit["end_char_index"]] == hit["text"]
    assert any("logic of confrontation" in hit["text"] for hit in hits)
    assert sorted((hit["score"] for hit in hits), reverse=True) == [hit["score"] for hit in hits]


def test_search_text(library):
    done = run("search", "logic of confrontation", "-k", "2", "--library", library)
    assert done.exit_code == 0
    assert done.stdout.startswith("1. ")
    assert "\n2. " in done.stdout
    assert "002_b0f6c0ed62496284.txt, characters " in done.stdout


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_search_modes(library, mode):
    for hit in run("search", "sanctions", "--mode", mode, "--json", "--library", library).documents:
        assert (hit["dense_rank"] is None) <= (mode != "dense")
        assert (hit["keyword_rank"] is None) <= (mode != "keyword")
        assert mode == "hybrid" or None in (hit["dense_rank"], hit["keyword_rank"])


def test_filters_limit_the_search(library):
    def found(*options):
        return {
            hit["article_id"]
            for hit in run("search", "North Korea", *options, "--json", "--library", library).documents
        }

    listing = run("articles", "--json", "--library", library).documents
    dated = {document["article_id"] for document in listing if (document["published"] or "").startswith("2022")}
    assert dated
    assert found("--from", "2022", "--to", "2022") == dated
    assert found("--from", "2022-01-21", "--to", "2022-01-21") <= dated
    source = next(document["source"] for document in listing if document["source"])
    assert found("--source", source) <= {d["article_id"] for d in listing if d["source"] == source}
    nothing = run("search", "North Korea", "--source", "No such paper", "--library", library)
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert nothing.stderr == "No passage was found.\n"


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize(
    "options",
    [
        ["--from", "03/06/2017"],
        ["--to", "2017-02-30"],
        ["--from", "2018", "--to", "2017"],
        ["--as-of", "yesterday"],
        ["-k", "0"],
        ["-k", "many"],
        ["--no-such-option"],
    ],
)
def test_wrong_usage(library, command, options):
    done = run(command, "North Korea", *options, "--library", library)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: " in done.stderr


def test_partial_dates_reach_the_search(library, asked):
    assert run("ask", "Who?", "--from", "2017", "--to", "2017-02", "--library", library).exit_code == 0
    limits = asked[0][0].filter
    assert (str(limits.date_from), str(limits.date_to)) == ("2017-01-01", "2017-02-28")
    assert run("ask", "Who?", "--as-of", "2017-02", "--library", library).exit_code == 0
    assert asked[1][0].filter == SearchFilter(as_of=date(2017, 2, 28))


def test_ask_json_keeps_the_contract(library):
    done = run("ask", QUESTION, "--json", "--library", library)
    document = done.document
    assert list(document) == ANSWER_FIELDS
    assert document["question"] == QUESTION
    assert done.exit_code == (3 if document["refused"] else 0)
    for citation in document["citations"]:
        text = stored_text(library, citation["article_id"])
        start, end = citation["start_char_index"], citation["end_char_index"]
        assert text[start:end] == citation["cited_text"]
        assert text[max(0, start - len(citation["prefix"])) : start] == citation["prefix"]
        assert text[end : end + len(citation["suffix"])] == citation["suffix"]
        assert f"[{citation['number']}]" in document["answer"]


def test_ask_text_names_the_sources(library):
    document = run("ask", QUESTION, "--json", "--library", library).document
    assert not document["refused"]
    shown = run("ask", QUESTION, "--library", library)
    assert shown.exit_code == 0
    for citation in document["citations"]:
        assert f"[{citation['number']}] {citation['title']}" in shown.stdout
        place = f"{citation['origin']}, characters {citation['start_char_index']}-{citation['end_char_index']}"
        assert f"    {place}\n" in shown.stdout + "\n"


def test_refusal_is_exit_code_3(library):
    question = (QUESTION, "--from", "1951", "--to", "1952")
    shown = run("ask", *question, "--library", library)
    document = run("ask", *question, "--json", "--library", library)
    assert (shown.exit_code, document.exit_code) == (3, 3)
    assert document.document["refused"]
    assert " ".join(shown.stdout.split()).startswith(document.document["answer"])
    assert ("Closest passages:" in shown.stdout) == bool(document.document["refusal"]["closest"])


@pytest.mark.parametrize("question", ["", "   ", "x" * (MAX_QUESTION_CHARACTERS + 1), "why " * 25_000, "\udcff"])
@pytest.mark.parametrize("command", ["ask", "search"])
def test_questions_that_cannot_be_asked(library, command, question):
    done = run(command, question, "--library", library)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "question" in done.error


def test_question_from_standard_input(library, asked):
    assert run("ask", "-", "--library", library, stdin="Who said it?\n").exit_code == 0
    assert asked[0][0].text == "Who said it?"
    assert run("ask", "-", "--library", library, stdin="").exit_code == 1
    assert "UTF-8" in run("ask", "-", "--library", library, stdin=b"\xff\xfe").error


def test_settings_and_model_reach_the_answer(library, asked, monkeypatch):
    scripted = object()
    assert run("ask", "Who?", "-k", "3", "-m", "openai:x", "--library", library, generator=scripted).exit_code == 0
    assert asked[0][1] is scripted
    assert asked[0][2].k == 3
    assert run("ask", "Who?", "--library", library).exit_code == 0
    assert asked[1][1] is None


def test_an_unknown_model_is_one_line(library):
    done = run("ask", "Who?", "-m", "parrot:x", "--library", library)
    assert done.exit_code == 1
    assert "parrot" in done.error


def test_follow_up_says_what_was_asked(library, asked, monkeypatch, tmp_path):
    history = tmp_path / "history.json"
    history.write_text('[{"question": "Who is Safronkov?", "answer": "An envoy."}]', "utf-8")
    calls = asked
    import rag.answering

    plain = rag.answering.ask

    def rewriting(question, library, **options):
        return replace(plain(question, library, **options), standalone_question="What did Safronkov\x1b say?")

    monkeypatch.setattr("rag.answering.ask", rewriting)
    done = run("ask", "What did he say?", "--history", history, "--library", library)
    assert calls[0][0].history == (Turn("Who is Safronkov?", "An envoy."),)
    assert done.stderr == "Asked as: What did Safronkov\\x1b say?\n"
    assert "Asked as" not in done.stdout
    assert run("ask", "What did he say?", "--history", history, "--json", "--library", library).stderr == ""


def test_batch_prints_one_answer_a_line(library, monkeypatch, tmp_path):
    def ask(question, library, *, generator, settings):
        refusal = Refusal("no_match", "No.", ()) if question.text == "Unknown?" else None
        text = refusal.message if refusal else " ".join(turn.answer for turn in question.history) or "Yes."
        statements = () if refusal else (Statement(text, (), "unsupported"),)
        return Answer(question.text, question.text, text, refusal, 0.5, statements, (), (), "extractive", 1, {})

    monkeypatch.setattr("rag.answering.ask", ask)
    batch = [
        {"question": "First?", "id": "a"},
        {"question": " Unknown? ", "id": 2},
        {"question": "Third?", "history": [{"question": "q", "answer": "Before."}]},
    ]
    text = "\n\n".join(json.dumps(line) for line in batch)
    (tmp_path / "batch.jsonl").write_text(text, "utf-8")
    done = run("ask", "--batch", tmp_path / "batch.jsonl", "--library", library)
    assert done.exit_code == 0
    first, second, third = done.documents
    assert list(first) == ["id", *ANSWER_FIELDS]
    assert (first["id"], first["answer"]) == ("a", "Yes.")
    assert (second["id"], second["refused"], second["question"]) == (2, True, "Unknown?")
    assert list(third) == ANSWER_FIELDS
    assert third["answer"] == "Before."
    assert run("ask", "--batch", "-", "--json", "--library", library, stdin=text).stdout == done.stdout


def test_ask_takes_a_question_or_a_batch(library, tmp_path):
    batch = tmp_path / "batch.jsonl"
    batch.write_text('{"question": "Who?"}', "utf-8")
    history = tmp_path / "history.json"
    history.write_text("[]", "utf-8")
    for arguments in ([], ["Who?", "--batch", batch], ["--history", history, "--batch", batch]):
        assert run("ask", *arguments, "--library", library).exit_code == 2
    assert run("ask", "--batch", tmp_path / "none.jsonl", "--library", library).exit_code == 2


def test_a_wrong_batch_is_refused_before_its_first_question(library, asked, tmp_path):
    batch = tmp_path / "batch.jsonl"
    batch.write_text('{"question": "Who?"}\n{"question": ""}\n', "utf-8")
    assert "Line 2" in run("ask", "--batch", batch, "--library", library).error
    assert asked == []


def test_no_library_is_one_line(tmp_path):
    for command in (["ask", "Who?"], ["search", "Who?"]):
        done = run(*command, "--library", tmp_path / "absent")
        assert done.exit_code == 1
        assert "dateline index" in done.error
    assert not (tmp_path / "absent").exists()


def test_verify_follows_the_articles(tmp_path):
    folder, library = copy_seeds(tmp_path / "seeds"), tmp_path / "library"
    run("index", folder, "--library", library)
    answers = tmp_path / "answers.jsonl"
    document = run("ask", QUESTION, "--json", "--library", library)
    assert document.exit_code == 0
    answers.write_bytes(document.stdout_bytes)
    citation = document.document["citations"][0]
    count = len(document.document["citations"])

    def verify():
        done = run("verify", answers, "--json", "--library", library)
        assert len(done.documents) == count
        found = done.documents[0]
        assert (found["line"], found["number"], found["cited_text"]) == (1, 1, citation["cited_text"])
        return done.exit_code, found

    code, found = verify()
    assert (code, found["verdict"], found["article_id"]) == (0, "unchanged", citation["article_id"])
    summary = run("verify", answers, "--library", library)
    assert f"line 1 [1] unchanged  {citation['origin']}" in summary.stdout
    assert summary.stderr == f"{count} unchanged, 0 moved, 0 edited, 0 gone\n"

    path = next(path for path in folder.iterdir() if str(path) == citation["origin"])
    original = path.read_text("utf-8")
    path.write_text(original + "\nThe report was updated on Monday.", "utf-8")
    run("index", folder, "--library", library)
    code, found = verify()
    assert (code, found["verdict"]) == (0, "moved")
    assert found["article_id"] != citation["article_id"]
    with Library.open(library, BagOfWordsEncoder()) as opened:
        text = opened.article(found["article_id"]).text
    assert text[found["start_char_index"] : found["end_char_index"]] == citation["cited_text"]

    path.write_text("Nothing of what this report said was true, the agency said on Monday.", "utf-8")
    run("index", folder, "--library", library)
    code, found = verify()
    assert (code, found["verdict"], found["start_char_index"]) == (1, "edited", None)

    path.unlink()
    run("index", folder, "--prune", "--library", library)
    code, found = verify()
    assert (code, found["verdict"], found["article_id"]) == (1, "gone", None)
    assert "gone  " + citation["origin"] in run("verify", answers, "--library", library).stdout


def test_verify_refuses_what_is_no_answer(library, tmp_path):
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"question": "Who?"}\n', "utf-8")
    assert "Line 1" in run("verify", answers, "--library", library).error
    answers.write_bytes(b"\xff\xff")
    assert "UTF-8" in run("verify", answers, "--library", library).error
    assert run("verify", tmp_path / "none.jsonl", "--library", library).exit_code == 2
