"""CLAP NQ: passages of sentences, answers written from some of them."""

import json

import pytest

from eval.question_sets import load_set
from eval.types import EvalQuestion, Evidence
from index.errors import QuestionSetError

SENTENCES = ["The harbour opened in 1904 .", "It closed .", "It opened again .", "It closed ."]


def passage(*sentences, title="Old harbour"):
    return {"title": title, "text": " ".join(sentences), "sentences": list(sentences)}


def output(answer, *selected):
    return {"answer": answer, "selected_sentences": list(selected), "meta": {"round": 1}}


GOOD = {
    "id": "7",
    "input": "when did the harbour close ",
    "passages": [passage(*SENTENCES)],
    "output": [
        output("It closed, and opened again. ", "It closed .", "It opened again ."),
        output("Never.", "It closed ."),
    ],
}
UNANSWERABLE = {"id": "8", "input": "who closed it", "passages": [passage("Nobody knows .")], "output": [output("")]}


@pytest.fixture
def write(tmp_path):
    def write_lines(*records):
        path = tmp_path / "clapnq.jsonl"
        lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
        path.write_text("\n".join(lines), "utf-8")
        return path

    return write_lines


def message_of(path):
    with pytest.raises(QuestionSetError) as caught:
        load_set([path])
    return str(caught.value)


def test_questions_passages_and_selected_sentences(write):
    path = write(GOOD, UNANSWERABLE)
    loaded = load_set([path])
    assert loaded.format == "clapnq"
    assert [(article.text, article.title, article.origin) for article in loaded.articles] == [
        (" ".join(SENTENCES), "Old harbour", f"{path}#7"),
        ("Nobody knows .", "Old harbour", f"{path}#8"),
    ]
    assert loaded.questions == (
        EvalQuestion(
            id="7",
            text="when did the harbour close",
            reference="It closed, and opened again.",
            evidence=(
                Evidence(f"{path}#7", "It closed .", start=29),
                Evidence(f"{path}#7", "It opened again .", start=41),
            ),
            type="answerable",
            cluster="Old harbour",
        ),
        EvalQuestion(id="8", text="who closed it", answerable=False, type="unanswerable", cluster="Old harbour"),
    )


def test_several_passages_are_several_articles(write):
    record = {**GOOD, "passages": [passage("One .", title="A"), passage(*SENTENCES, title="")]}
    path = write(record)
    loaded = load_set([path])
    assert [article.origin for article in loaded.articles] == [f"{path}#7.0", f"{path}#7.1"]
    assert loaded.questions[0].evidence[0] == Evidence(f"{path}#7.1", "It closed .", start=29)
    assert loaded.questions[0].cluster == "A"


def test_sentences_are_placed_in_the_text_as_it_is_stored(write):
    sentences = ["Cafe\u0301s closed\r\n.", "Cafés opened ."]
    record = {**GOOD, "passages": [passage(*sentences)], "output": [output("x", sentences[1])]}
    loaded = load_set([write(record)])
    (evidence,) = loaded.questions[0].evidence
    assert loaded.articles[0].text == "Cafés closed\n. Cafés opened ."
    assert (evidence.quote, evidence.start) == ("Cafés opened .", 15)


def test_a_sentence_is_not_taken_from_the_end_of_the_one_before(write):
    sentences = [*(f"Point {number} ." for number in range(12)), "Yes or No .", "No ."]
    loaded = load_set([write({**GOOD, "passages": [passage(*sentences)], "output": [output("No.", "No .")]})])
    assert loaded.questions[0].evidence[0].start == len(loaded.articles[0].text) - len("No .")


def test_an_answer_without_selected_sentences_has_its_passages_as_evidence(write):
    path = write({**GOOD, "output": [output("Never.")]})
    assert load_set([path]).questions[0].evidence == (Evidence(f"{path}#7", None),)


def test_a_question_that_one_annotator_answered_is_answerable(write):
    (question,) = load_set([write({**GOOD, "output": [output(""), output("Never.", "It closed .")]})]).questions
    assert (question.answerable, question.reference) == (True, "Never.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": None}, "line 2, field 'id': must be a non-empty string, not absent"),
        ({"id": "8"}, "line 2, field 'id': '8' is already the id of line 1"),
        ({"input": ""}, "line 2, field 'input': must be a non-empty string"),
        ({"passages": []}, "line 2, field 'passages': must not be empty"),
        ({"passages": "x"}, "line 2, field 'passages': must be a list of objects"),
        (
            {"passages": [{"title": "T", "text": "x", "sentences": []}], "output": []},
            "line 2, passages[0], field 'sentences'",
        ),
        (
            {"passages": [passage("x", title=1)], "output": []},
            "line 2, passages[0], field 'title': must be a string, not 1",
        ),
        ({"output": None}, "line 2, field 'output': must be a list of objects, not absent"),
        ({"output": [output(4)]}, "line 2, output[0], field 'answer': must be a string, not 4"),
        ({"output": [output("x", "")]}, "output[0], field 'selected_sentences': must be a list of non-empty strings"),
        (
            {"output": [output("x", "It sank .")]},
            "line 2, output[0], field 'selected_sentences': 'It sank .' is in none of the passages",
        ),
    ],
)
def test_each_wrong_field_is_named_with_its_line_and_nothing_else_is(write, change, said):
    message = message_of(write(UNANSWERABLE, {**GOOD, **change}))
    assert said in message
    assert message.count("field ") == 1


def test_a_broken_line_is_named(write):
    assert "line 2, column 1: must be a JSON object" in message_of(write(UNANSWERABLE, "[1]"))
    assert "line 1, column 8: not JSON" in message_of(write('{"id": }', UNANSWERABLE))
