"""Question sets: which format a path is of, several paths as one set, and the open sets that this was written for."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.benchmarks.development_sets import OPEN_DATA
from eval.gold import locate_evidence
from eval.question_sets import FORMAT_NAMES, load_set
from eval.types import UNTYPED, EvalQuestion, Evidence
from index.errors import QuestionSetError
from tests.small_library import library_of

OWN = {"id": "a", "question": "Who spoke?", "answers": ["Simms"]}
MULTIHOP = {
    "query": "Who voted?",
    "answer": "board",
    "question_type": "inference_query",
    "evidence_list": [{"title": "Quay", "url": "https://n.test/1", "fact": "The board voted."}],
}
CLAPNQ = {
    "id": "c",
    "input": "who voted",
    "passages": [{"title": "Quay", "text": "The board voted .", "sentences": ["The board voted ."]}],
    "output": [{"answer": "The board.", "selected_sentences": ["The board voted ."]}],
}


def squad_of(*identifiers, context="Simms spoke."):
    asked = [
        {"id": name, "question": "Who?", "answers": [{"text": "Simms", "answer_start": 0}]} for name in identifiers
    ]
    return {"data": [{"title": "Talk", "paragraphs": [{"context": context, "qas": asked}]}]}


@pytest.fixture
def write(tmp_path):
    def write_lines(name, *lines):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
        return path

    return write_lines


def message_of(*paths):
    with pytest.raises(QuestionSetError) as caught:
        load_set(paths)
    return str(caught.value)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([OWN], "dateline"),
        ([OWN, {**OWN, "id": "b"}], "dateline"),
        ([{**OWN, "data": []}], "dateline"),
        ([squad_of("s")], "squad"),
        ([json.dumps(squad_of("s"), indent=2)], "squad"),
        ([MULTIHOP], "multihop-rag"),
        ([MULTIHOP, MULTIHOP], "multihop-rag"),
        ([json.dumps([MULTIHOP], indent=2)], "multihop-rag"),
        ([CLAPNQ], "clapnq"),
        ([CLAPNQ, {**CLAPNQ, "id": "d"}], "clapnq"),
    ],
)
def test_the_format_is_told_by_what_is_in_the_file_and_not_by_its_name(write, lines, found):
    assert load_set([write("questions.txt", *lines)]).format == found


def test_a_set_of_our_own(write):
    path = write("set.jsonl", {**OWN, "evidence": [{"article": "a.txt", "quote": "Simms spoke."}]})
    loaded = load_set([path])
    assert loaded.path == str(path)
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.questions == (
        EvalQuestion("a", "Who spoke?", ("Simms",), evidence=(Evidence("a.txt", "Simms spoke."),), type=UNTYPED),
    )
    assert loaded.articles == ()


def test_several_paths_are_one_set(write):
    paths = [write("1.json", squad_of("b", "a")), write("2.json", squad_of("c"))]
    loaded = load_set(paths)
    assert loaded.path == f"{paths[0]} + {paths[1]}"
    assert [question.id for question in loaded.questions] == ["b", "a", "c"]
    assert loaded.sha256 == hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    (article,) = loaded.articles
    assert article.origins == (f"{paths[0]}#0.0", f"{paths[1]}#0.0")
    assert {evidence.article for question in loaded.questions for evidence in question.evidence} == {article.origin}


def test_the_order_of_the_paths_decides_order_and_digest(write):
    paths = [write("1.json", squad_of("a")), write("2.json", squad_of("b", context="Simms!"))]
    one, other = load_set(paths), load_set(paths[::-1])
    assert [question.id for question in other.questions] == ["b", "a"]
    assert one.sha256 != other.sha256


def test_relative_paths_have_absolute_origins(write, monkeypatch):
    path = write("1.json", squad_of("a"))
    monkeypatch.chdir(path.parent)
    loaded = load_set([type(path)("1.json")])
    assert loaded.path == "1.json"
    assert loaded.articles[0].origin == f"{path}#0.0"


def test_an_id_in_two_paths_is_an_error(write):
    paths = [write("1.jsonl", OWN), write("2.jsonl", {**OWN, "id": "b"}, OWN)]
    assert f"'a' is in {str(paths[0])!r} and in {str(paths[1])!r}" in message_of(*paths)
    assert "'a' is in" in message_of(paths[0], paths[0])


def test_paths_of_different_formats_are_an_error(write):
    message = message_of(write("1.jsonl", OWN), write("2.json", squad_of("s")))
    assert "are of different formats (dateline and squad); run them one by one" in message


def test_problems_are_those_of_the_format_that_other_lines_show(write):
    assert "line 1, column 12: not JSON" in message_of(write("1.jsonl", '{"id": "b",}', OWN))
    assert "line 1, field 'question': must be a non-empty string" in message_of(
        write("2.jsonl", {"id": 1, "answers": ["x"]})
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["q1 0 d1 1", "q1 0 d2 0"], "looks like TREC qrels, which are scored with: dateline eval score"),
        (["q1\tQ0\td1\t1\t0.5\ttag"], "looks like a TREC run, which is scored with: dateline eval score"),
        (["query-id\tcorpus-id\tscore", "q\td\t1"], "these are the qrels of a BEIR folder; name the folder"),
        ([{"_id": "d1", "text": "x"}], "its records have the fields of no known format"),
        ([json.dumps({"version": "1.1"}, indent=1)], "its records have the fields of no known format"),
        (["[]"], "its records have the fields of no known format"),
        (["[" * 100_000], "it cannot be read as JSON"),
        (["{", '"data": ["}'], "it is not JSON at line 2, column 10"),
        (["Once upon a time"], "it is neither JSON nor JSON Lines"),
    ],
)
def test_a_file_of_no_format_is_told_what_it_looks_like_and_what_can_be_read(write, lines, said):
    message = message_of(write("file", *lines))
    assert said in message
    assert all(name in message for name in FORMAT_NAMES.values())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.sampled_from(["", " ", "Simms", "a\ud83d"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "text", "data"]), inner),
    max_leaves=4,
)


def places_of(value, path=()):
    """The way to every value within a JSON value, itself included."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places_of(value[key], (*path, key))


def with_value(value, path, other):
    if not path:
        return other
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = with_value(value[path[0]], path[1:], other)
    return copied


@settings(max_examples=300)
@given(st.sampled_from([OWN, squad_of("s"), [MULTIHOP], MULTIHOP, CLAPNQ]), st.data())
def test_with_any_value_in_any_place_a_set_is_refused_or_can_be_stored(tmp_path_factory, record, data):
    where = data.draw(st.sampled_from(list(places_of(record))))
    path = tmp_path_factory.mktemp("wrong") / "set.json"
    path.write_text(json.dumps(with_value(record, where, data.draw(VALUES))), "utf-8")
    try:
        loaded = load_set([path])
    except QuestionSetError:
        return
    assert all(question.id and question.text for question in loaded.questions)
    stored = [question.text for question in loaded.questions] + [
        text for article in loaded.articles for text in (article.text, article.title, article.origin) if text
    ]
    "".join(stored).encode()


def test_paths_that_hold_no_set(tmp_path, write):
    assert "there is no question set at" in message_of(tmp_path / "absent")
    assert "the folder is neither BEIR nor MultiHop-RAG" in message_of(tmp_path)
    assert "holds no question" in message_of(write("empty.jsonl", "", " "))
    assert "no question set is named" in message_of()
    path = write("bytes.jsonl")
    path.write_bytes(b'{"id": "\xff"}')
    assert "is not UTF-8 at byte 8" in message_of(path)


@pytest.mark.parametrize(
    ("names", "questions", "articles", "types", "clusters"),
    [
        (["xquad_en.json"], 554, 120, {UNTYPED: 554}, 24),
        (["squad2_sample.json"], 235, 211, {"answerable": 118, "unanswerable": 117}, 0),
        (
            ["clapnq_answerable.jsonl", "clapnq_unanswerable.jsonl"],
            307,
            307,
            {"answerable": 167, "unanswerable": 140},
            306,
        ),
        (
            ["multihoprag_questions.jsonl"],
            500,
            326,
            {"inference_query": 161, "comparison_query": 154, "temporal_query": 114, "null_query": 71},
            0,
        ),
        (["cranfield"], 225, 1398, {UNTYPED: 225}, 0),
    ],
)
def test_open_sets_load_and_all_their_evidence_is_found(tmp_path, names, questions, articles, types, clusters):
    paths = [OPEN_DATA / name for name in names]
    if not all(path.exists() for path in paths):
        pytest.skip(f"there is no {' or '.join(names)} in the folder of open sets")
    loaded = load_set(paths)
    counted = {kind: sum(question.type == kind for question in loaded.questions) for kind in types}
    assert (len(loaded.questions), len(loaded.articles), counted) == (questions, articles, types)
    assert len({question.cluster for question in loaded.questions} - {None}) == clusters
    with library_of(tmp_path / "library", loaded.articles) as library:
        gold = locate_evidence(loaded, library)
        assert library.count_articles() == articles
        texts = {article.article_id: article.text for article in loaded.articles}
    assert gold.keys() == {question.id for question in loaded.questions if question.answerable}
    for question in loaded.questions:
        quotes = {evidence.quote for evidence in question.evidence} - {None}
        found = gold[question.id].spans if question.answerable else ()
        assert {texts[span.article_id][span.start : span.end] for span in found} == quotes
        assert not found or gold[question.id].passage_ids
