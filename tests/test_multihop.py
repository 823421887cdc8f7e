"""MultiHop-RAG: facts of several articles as evidence, with the whole articles and without."""

import json

import pytest

from eval.question_sets import load_set
from eval.types import EvalQuestion, Evidence
from index.errors import QuestionSetError

QUAY = {
    "title": "Quay to close",
    "url": "https://news.test/quay",
    "source": "The Wire",
    "author": "Ann Dole",
    "category": "harbour",
    "published_at": "2023-09-26T17:01:22+00:00",
}
LIGHT = {"title": "Light turned off", "url": "https://news.test/light", "source": "The Post"}
FIRST = {**QUAY, "fact": "The quay closes in May."}
SECOND = {**QUAY, "fact": "The board voted twice."}
THIRD = {**LIGHT, "fact": "The light went off."}
GOOD = [
    {
        "query": "Did both close? ",
        "answer": "Yes",
        "question_type": "comparison_query",
        "evidence_list": [FIRST, THIRD],
    },
    {
        "query": "Who voted?",
        "answer": "board",
        "question_type": "inference_query",
        "evidence_list": [SECOND, FIRST, FIRST],
    },
    {"query": "Why?", "answer": "Insufficient information.", "question_type": "null_query", "evidence_list": []},
]
CORPUS = [
    {**QUAY, "body": "The board voted twice.\n\nIt said: The quay\ncloses in May. The quay closes in May, it said."},
    {**LIGHT, "body": "Somebody turned the light off."},
]


def lines_of(records):
    return "\n".join(json.dumps(record) for record in records)


@pytest.fixture
def write(tmp_path):
    def write_text(content):
        path = tmp_path / "news.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return write_text


@pytest.fixture
def write_folder(tmp_path):
    def write_both(questions=GOOD, corpus=CORPUS):
        (tmp_path / "MultiHopRAG.json").write_text(json.dumps(questions), "utf-8")
        (tmp_path / "corpus.json").write_text(corpus if isinstance(corpus, str) else json.dumps(corpus), "utf-8")
        return tmp_path

    return write_both


def message_of(path):
    with pytest.raises(QuestionSetError) as caught:
        load_set([path])
    return str(caught.value)


def test_without_a_corpus_the_facts_of_one_address_are_an_article_of_excerpts(write):
    path = write(GOOD)
    loaded = load_set([path])
    quay, light = loaded.articles
    assert loaded.format == "multihop-rag"
    assert quay.text == "The quay closes in May.\n\nThe board voted twice."
    assert quay.origins == (f"{path}#https://news.test/quay",)
    assert (quay.title, quay.source, quay.author, quay.published, quay.url) == (
        "Quay to close",
        "The Wire",
        "Ann Dole",
        "2023-09-26",
        "https://news.test/quay",
    )
    assert loaded.questions == (
        EvalQuestion(
            id="0",
            text="Did both close?",
            answers=("Yes",),
            evidence=(
                Evidence(quay.origin, "The quay closes in May.", start=0),
                Evidence(light.origin, "The light went off.", start=0),
            ),
            type="comparison_query",
        ),
        EvalQuestion(
            id="1",
            text="Who voted?",
            answers=("board",),
            evidence=(
                Evidence(quay.origin, "The board voted twice.", start=25),
                Evidence(quay.origin, "The quay closes in May.", start=0),
            ),
            type="inference_query",
        ),
        EvalQuestion(id="2", text="Why?", answerable=False, type="null_query"),
    )


def test_lines_with_ids_and_the_field_question_give_the_same(write):
    as_list = load_set([write(GOOD)])
    renamed = [
        {"id": f"m{number}", "question": record["query"], **{key: record[key] for key in record if key != "query"}}
        for number, record in enumerate(GOOD)
    ]
    as_lines = load_set([write(lines_of(renamed))])
    assert [question.id for question in as_lines.questions] == ["m0", "m1", "m2"]
    assert [question.evidence for question in as_lines.questions] == [q.evidence for q in as_list.questions]
    assert as_lines.articles == as_list.articles
    assert as_lines.questions[0].ignored_fields == ()


def test_facts_without_an_address_are_kept_together_by_title(write):
    stated = ({}, {"url": " ", "source": "S"}, {})
    facts = [
        {"title": "T", "fact": f"{name}.", **more} for name, more in zip(["One", "Two", "Three"], stated, strict=True)
    ]
    (article,) = load_set([write([{**GOOD[0], "evidence_list": facts}])]).articles
    assert (article.text, article.source, article.origin.rpartition("#")[2]) == ("One.\n\nTwo.\n\nThree.", "S", "T")


def test_half_a_character_in_an_address_becomes_one_that_can_be_stored(write):
    fact = {**FIRST, "url": "https://news.test/\ud83d"}
    loaded = load_set([write([{**GOOD[0], "evidence_list": [fact]}])])
    assert loaded.articles[0].origin.endswith("#https://news.test/\ufffd")
    assert loaded.questions[0].evidence[0].article == loaded.articles[0].origin


def test_with_a_corpus_facts_are_found_in_the_bodies(write_folder):
    folder = write_folder()
    loaded = load_set([folder])
    quay, light = (f"{folder}/corpus.json#{record['url']}" for record in CORPUS)
    assert [(article.origin, article.text) for article in loaded.articles] == [
        (quay, CORPUS[0]["body"]),
        (light, CORPUS[1]["body"]),
    ]
    assert loaded.questions[0].evidence == (Evidence(quay, "The quay\ncloses in May."), Evidence(light, None))
    assert loaded.questions[1].evidence[0] == Evidence(quay, "The board voted twice.")


def test_in_a_corpus_the_title_serves_where_the_address_does_not(write_folder):
    fact = {"title": "Quay to close", "url": "https://mirror.test/quay", "fact": "The board voted twice."}
    loaded = load_set([write_folder([{**GOOD[0], "evidence_list": [fact]}])])
    assert loaded.questions[0].evidence == (Evidence(loaded.articles[0].origin, "The board voted twice."),)


def test_an_article_that_the_corpus_lacks_stays_evidence_that_cannot_be_found(write_folder):
    absent = {"title": "Gone", "url": "https://news.test/gone", "fact": "Gone."}
    folder = write_folder([{**GOOD[0], "evidence_list": [FIRST, absent]}])
    assert load_set([folder]).questions[0].evidence[1] == Evidence(f"{folder}/corpus.json#https://news.test/gone", None)


def test_two_articles_of_one_address_are_both_kept(write_folder):
    update = {**CORPUS[1], "body": "At noon the light went off. The light went off."}
    loaded = load_set([write_folder(corpus=[*CORPUS, update])])
    assert len({article.origin for article in loaded.articles}) == 3
    assert loaded.questions[0].evidence[1] == Evidence(loaded.articles[2].origin, "The light went off.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"query": " "}, "[1], field 'query': must be a non-empty string"),
        ({"answer": None}, "[1], field 'answer': must be a non-empty string, not absent"),
        ({"question_type": 3}, "[1], field 'question_type': must be a non-empty string, not 3"),
        ({"evidence_list": None}, "[1], field 'evidence_list': must be a list of objects, not absent"),
        ({"evidence_list": [FIRST, "x"]}, "[1], field 'evidence_list[1]': must be an object, not \"x\""),
        (
            {"evidence_list": [FIRST, {**FIRST, "fact": ""}]},
            "[1].evidence_list[1], field 'fact': must be",
        ),
        ({"evidence_list": [{"fact": "x"}]}, "evidence_list[0], field 'url': a fact needs the 'url' or the 'title'"),
        ({"id": "0"}, "[1], field 'id': '0' is already the id of [0]"),
    ],
)
def test_each_wrong_field_is_named_with_its_place_and_nothing_else_is(write, change, said):
    message = message_of(write([GOOD[0], {**GOOD[1], **change}]))
    assert said in message
    assert message.count("field ") == 1


def test_lines_are_named_by_their_number(write):
    wrong = {**GOOD[1], "evidence_list": [{**FIRST, "fact": 7}]}
    assert "line 3, evidence_list[0], field 'fact': must be a" in message_of(
        write(lines_of([GOOD[0]]) + "\n\n" + lines_of([wrong]))
    )
    assert "line 2, column 1: not JSON" in message_of(write(lines_of([GOOD[0]]) + "\nnonsense"))


def test_items_that_are_no_objects(write):
    assert "[1]: must be a JSON object" in message_of(write([GOOD[0], 3]))


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        ([{**QUAY, "body": ""}], "corpus.json, [0], field 'body': must be a non-empty string, not \"\""),
        ({"articles": []}, "must be a JSON list of objects: it is not a list"),
        ('[{"title": 1,}]', "must be a JSON list of objects: it is not JSON at line 1, column 14"),
    ],
)
def test_a_corpus_that_cannot_be_used(write_folder, corpus, said):
    assert said in message_of(write_folder(corpus=corpus))


def test_a_corpus_without_any_of_the_cited_articles_is_refused(write_folder):
    assert "names none of the articles that it brings along" in message_of(
        write_folder(corpus=[{"body": "x", "title": "y"}])
    )
