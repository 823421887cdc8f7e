"""BEIR folders: documents as articles, judgements as graded evidence."""

import hashlib
import json
from datetime import date

import pytest

from eval.question_sets import load_set
from eval.types import EvalQuestion, Evidence
from index.errors import QuestionSetError

DOCUMENTS = [
    {
        "_id": "d1",
        "title": "Harbour",
        "text": "The harbour opened in 1904.",
        "metadata": {"url": "https://news.test/1"},
    },
    {"_id": "d2", "title": "Light", "text": "", "metadata": {}},
    {"_id": 3, "text": "Cafe\u0301 at the quay."},
    {"_id": "d4", "title": " ", "text": None},
]
QUERIES = [
    {"_id": "q1", "text": "when did the harbour open", "metadata": {"as_of": "2022-05-31"}},
    {"_id": "q2", "text": " where is the café "},
    {"_id": "q3", "text": "what was never judged"},
]
QRELS = ["query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\t3\t0", "q1\td2\t1", "q2\t3\t1"]


@pytest.fixture
def write(tmp_path):
    def write_folder(documents=DOCUMENTS, queries=QUERIES, qrels=QRELS, split="test"):
        folder = tmp_path / "set"
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        for name, rows in (("corpus", documents), ("queries", queries)):
            lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
            (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(qrels), "utf-8")
        return folder

    return write_folder


def message_of(folder):
    with pytest.raises(QuestionSetError) as caught:
        load_set([folder])
    return str(caught.value)


def test_documents_queries_and_graded_judgements(write):
    folder = write()
    loaded = load_set([folder])
    corpus = f"{folder}/corpus.jsonl"
    assert (loaded.format, loaded.path) == ("beir", str(folder))
    assert [(a.origins, a.title, a.text, a.url) for a in loaded.articles] == [
        ((f"{corpus}#d1",), "Harbour", "The harbour opened in 1904.", "https://news.test/1"),
        ((f"{corpus}#d2",), "Light", "Light", None),
        ((f"{corpus}#3",), "Café at the quay.", "Café at the quay.", None),
    ]
    assert loaded.questions == (
        EvalQuestion(
            id="q1",
            text="when did the harbour open",
            evidence=(Evidence(f"{corpus}#d1", None, grade=2), Evidence(f"{corpus}#d2", None, grade=1)),
            as_of=date(2022, 5, 31),
        ),
        EvalQuestion(id="q2", text="where is the café", evidence=(Evidence(f"{corpus}#3", None),)),
    )


def test_the_digest_is_that_of_documents_queries_and_judgements(write):
    folder = write()
    content = b"".join((folder / name).read_bytes() for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"))
    assert load_set([folder]).sha256 == hashlib.sha256(content).hexdigest()


def test_metadata_that_is_valid_is_kept(write):
    stated = {"published": "March 4, 2021", "source": "The Wire", "author": ["A", "B"], "url": "javascript:alert(1)"}
    loaded = load_set([write([{**DOCUMENTS[0], "metadata": stated}])])
    (article,) = loaded.articles
    assert (article.published, article.source, article.author, article.url) == ("2021-03-04", "The Wire", "A, B", None)


def test_a_header_may_be_missing_and_the_last_score_of_a_pair_counts(write):
    loaded = load_set([write(qrels=["q1\td1\t1", "", "q1\td1\t3"])])
    assert [found.grade for found in loaded.questions[0].evidence] == [3]


def test_the_split_is_test_else_dev_else_train_or_the_one_that_is_named(write):
    folder = write(split="train", qrels=["q2\t3\t1"])
    assert [question.id for question in load_set([folder]).questions] == ["q2"]
    write(split="dev", qrels=["q1\td1\t1"])
    assert [question.id for question in load_set([folder]).questions] == ["q1"]
    write()
    assert [question.id for question in load_set([folder]).questions] == ["q1", "q2"]
    named = load_set([folder / "qrels" / "train.tsv"])
    assert [question.id for question in named.questions] == ["q2"]
    assert len(named.articles) == 3


def test_a_document_that_is_missing_or_empty_stays_relevant(write):
    folder = write(qrels=["q1\td1\t1", "q1\td4\t2", "q1\tnowhere\t1"])
    names = [found.article.rpartition("#")[2] for found in load_set([folder]).questions[0].evidence]
    assert names == ["d1", "d4", "nowhere"]


def test_documents_of_the_same_text_are_one_article(write):
    twin = {**DOCUMENTS[0], "_id": "a1", "title": "Again"}
    loaded = load_set([write([*DOCUMENTS, twin], qrels=["q1\td1\t1", "q1\ta1\t1"])])
    assert [origin[-2:] for origin in loaded.articles[0].origins] == ["a1", "d1"]
    assert loaded.articles[0].title == "Harbour"
    assert loaded.questions[0].evidence == (Evidence(loaded.articles[0].origin, None),)


def test_long_queries_are_kept(write):
    argument = "because " * 1_000
    loaded = load_set([write(queries=[{"_id": "q1", "text": argument}], qrels=["q1\td1\t1"])])
    assert loaded.questions[0].text == argument.strip()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"documents": [{"text": "x"}, *DOCUMENTS]},
            "corpus.jsonl line 1, field '_id': must be a non-empty string, not",
        ),
        (
            {"documents": [*DOCUMENTS, DOCUMENTS[0]]},
            "corpus.jsonl line 5, field '_id': 'd1' is already the id of corpus",
        ),
        (
            {"documents": [*DOCUMENTS, {"_id": "x", "text": 4}]},
            "corpus.jsonl line 5, field 'text': must be a string, not 4",
        ),
        (
            {"documents": [*DOCUMENTS, {"_id": "x", "metadata": []}]},
            "line 5, field 'metadata': must be an object, not []",
        ),
        ({"queries": [*QUERIES, {"_id": "q4"}]}, "queries.jsonl line 4, field 'text': must be a non-empty string"),
        (
            {"queries": [*QUERIES, {"_id": "q4", "text": "x", "metadata": {"as_of": "May"}}]},
            "queries.jsonl line 4, metadata, field 'as_of': must be a date such as",
        ),
        ({"qrels": [*QRELS, "q9\td1\t1"]}, "test.tsv line 6, field 'query-id': queries.jsonl has no query 'q9'"),
        ({"qrels": [*QRELS, "q1\td1\t1.5"]}, "test.tsv line 6, field 'score': must be a whole number, not '1.5'"),
        ({"qrels": [*QRELS, "q1\t\t1"]}, "test.tsv line 6, field 'corpus-id': must not be empty"),
    ],
)
def test_each_wrong_field_is_named_with_its_file_line_and_nothing_else_is(write, change, said):
    message = message_of(write(**change))
    assert said in message
    assert message.count("field ") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"documents": ["{"]}, "corpus.jsonl line 1, column 2: not JSON"),
        ({"queries": ["[]", *QUERIES]}, "queries.jsonl line 1, column 1: must be a JSON object"),
        ({"qrels": [*QRELS, "q1 0 d1 1"]}, "test.tsv line 6: must be query-id, corpus-id and score with tabs"),
        ({"qrels": ["q1\tx\t1", "q2\ty\t1"]}, "names none of the articles that it brings along"),
        ({"qrels": QRELS[:1]}, "holds no question"),
        ({"qrels": ["q1\td1\t0"]}, "holds no question"),
        ({"split": "validation"}, "has no judgements: there is none of qrels/test.tsv, qrels/dev.tsv, qrels/train.tsv"),
    ],
)
def test_folders_that_cannot_be_used(write, change, said):
    assert said in message_of(write(**change))


def test_bytes_that_are_not_utf8_are_named(write):
    folder = write()
    raw = (folder / "corpus.jsonl").read_bytes()
    (folder / "corpus.jsonl").write_bytes(raw + b"\n\xff")
    assert f"is not UTF-8 at byte {len(raw) + 1}" in message_of(folder)


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(write):
    folder = write()
    plain = load_set([folder])
    for path in [*folder.glob("*.jsonl"), *folder.glob("qrels/*")]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_set([folder]).questions == plain.questions
