"""SQuAD files: paragraphs as articles, marked spans as evidence."""

import copy
import json

import pytest

from eval.question_sets import load_set
from eval.types import UNTYPED, EvalQuestion, Evidence
from index.errors import QuestionSetError

HARBOUR = "The harbour opened in 1904. Its first master was Ann Dole, and its second was Ann Dole's son."
LIGHT = "The light was lit in 1911."


def asked(identifier, question, *answers, **more):
    marked = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": identifier, "question": question, "answers": marked, **more}


def document_of(*topics):
    return {"version": "1.1", "data": [{"title": title, "paragraphs": paragraphs} for title, paragraphs in topics]}


def paragraph(context, *qas):
    return {"context": context, "qas": list(qas)}


GOOD = document_of(
    (
        "Old_Harbour",
        [
            paragraph(
                HARBOUR, asked("a", " Who was second?", ("Ann Dole", 78), ("Ann Dole's son", 78), ("Ann Dole", 78))
            ),
            paragraph(LIGHT, asked("b", "When was it lit?", ("1911", 21))),
        ],
    )
)


@pytest.fixture
def write(tmp_path):
    def write_document(document):
        path = tmp_path / "squad.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
        return path

    return write_document


def message_of(path):
    with pytest.raises(QuestionSetError) as caught:
        load_set([path])
    return str(caught.value)


def changed(change):
    document = copy.deepcopy(GOOD)
    change(document["data"][0])
    return document


def test_paragraphs_questions_and_spans(write):
    path = write(GOOD)
    loaded = load_set([path])
    assert loaded.format == "squad"
    assert [(article.text, article.title, article.origins) for article in loaded.articles] == [
        (HARBOUR, "Old Harbour", (f"{path}#0.0",)),
        (LIGHT, "Old Harbour", (f"{path}#0.1",)),
    ]
    assert loaded.questions[0] == EvalQuestion(
        id="a",
        text="Who was second?",
        answers=("Ann Dole", "Ann Dole's son"),
        evidence=(
            Evidence(f"{path}#0.0", "Ann Dole", start=78),
            Evidence(f"{path}#0.0", "Ann Dole's son", start=78),
        ),
        type=UNTYPED,
        cluster="Old Harbour",
    )
    assert HARBOUR[78 : 78 + 14] == "Ann Dole's son"


def test_impossible_questions_of_2_0_and_empty_titles(write):
    impossible = asked(
        "u", "Who was third?", is_impossible=True, plausible_answers=[{"text": "Ann", "answer_start": 49}]
    )
    answerable = asked("a", "When?", ("1904", 22), is_impossible=False)
    loaded = load_set([write(document_of(("", [paragraph(HARBOUR, impossible, answerable)])))])
    first, second = loaded.questions
    assert (first.answerable, first.answers, first.evidence, first.type) == (False, (), (), "unanswerable")
    assert (second.answerable, second.type) == (True, "answerable")
    assert first.cluster is None
    assert first.ignored_fields == ()


def test_a_file_over_several_lines_is_read_like_one_line(write):
    flat = load_set([write(GOOD)])
    indented = load_set([write(json.dumps(GOOD, indent=1))])
    assert indented.questions == flat.questions
    assert indented.sha256 != flat.sha256


def test_answers_behind_a_changed_place_keep_their_words(write):
    context = "Cafe\u0301\r\nThe year 1904 and the year 1904."
    start = context.rindex("1904")
    loaded = load_set([write(document_of(("T", [paragraph(context, asked("a", "When?", ("1904", start)))])))])
    (evidence,) = loaded.questions[0].evidence
    text = loaded.articles[0].text
    assert text == "Café\nThe year 1904 and the year 1904."
    assert evidence.start == text.rindex("1904")


def test_an_answer_beside_its_offset_is_taken_from_the_nearest_place(write):
    loaded = load_set(
        [write(changed(lambda topic: topic["paragraphs"][1]["qas"][0]["answers"][0].update(answer_start=19)))]
    )
    assert loaded.questions[1].evidence[0].start == 21


def test_one_text_under_two_titles_is_one_article_and_evidence_names_its_first_origin(write):
    qas = [asked(name, "When?", ("1911", 21)) for name in ("a", "b")]
    path = write(document_of(*[(name, [paragraph(LIGHT, question)]) for name, question in zip("XY", qas, strict=True)]))
    loaded = load_set([path])
    (article,) = loaded.articles
    assert article.origins == (f"{path}#0.0", f"{path}#1.0")
    assert [question.evidence[0].article for question in loaded.questions] == [article.origin] * 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t["paragraphs"][0]["qas"][0].pop("id"),
            "data[0].paragraphs[0].qas[0], field 'id': must be a non-empty",
        ),
        (
            lambda t: t["paragraphs"][1]["qas"][0].update(id="a"),
            "data[0].paragraphs[1].qas[0], field 'id': 'a' is already the id of data[0].paragraphs[0].qas[0]",
        ),
        (
            lambda t: t["paragraphs"][1]["qas"][0].update(question=3),
            "paragraphs[1].qas[0], field 'question': must be a non-",
        ),
        (
            lambda t: t["paragraphs"][1]["qas"][0]["answers"][0].update(text="1912"),
            "data[0].paragraphs[1].qas[0].answers[0], field 'text': '1912' is not in the paragraph's context",
        ),
        (
            lambda t: t["paragraphs"][1]["qas"][0]["answers"][0].update(answer_start=-1),
            "answers[0], field 'answer_start': must be a whole number of 0 or more, not -1",
        ),
        (
            lambda t: t["paragraphs"][1]["qas"][0].update(answers=[]),
            "field 'answers': an answerable question needs an answer",
        ),
        (
            lambda t: t["paragraphs"][1]["qas"][0].pop("answers"),
            "field 'answers': must be a list of objects, not absent",
        ),
        (
            lambda t: t["paragraphs"][1]["qas"][0].update(answers=["1911"]),
            "field 'answers[0]': must be an object, not \"1911\"",
        ),
        (
            lambda t: t["paragraphs"][1]["qas"][0].update(is_impossible="no"),
            "field 'is_impossible': must be true or false, not \"no\"",
        ),
        (
            lambda t: t["paragraphs"][1].update(context=" "),
            "data[0].paragraphs[1], field 'context': must be a non-empty",
        ),
        (lambda t: t["paragraphs"][1].pop("qas"), "data[0].paragraphs[1], field 'qas': must be a list of objects"),
        (lambda t: t.update(paragraphs={}), "data[0], field 'paragraphs': must be a list of objects, not {}"),
        (lambda t: t.update(title=4), "data[0], field 'title': must be a string, not 4"),
    ],
)
def test_each_wrong_field_is_named_with_its_place_and_nothing_else_is(write, change, said):
    message = message_of(write(changed(change)))
    assert said in message
    assert message.count("field ") == 1


def test_documents_that_hold_no_question(write):
    assert "holds no question" in message_of(write({"data": []}))
    assert "field 'data[0]': must be an object, not 3" in message_of(write({"data": [3]}))


def test_a_broken_document_is_named_by_line_and_column(write):
    text = json.dumps(GOOD, indent=1).replace('"title"', "title")
    assert "is not a question set: it is not JSON at line 5, column 4" in message_of(write(text))
