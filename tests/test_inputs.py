"""Questions, histories and batches as people hand them over."""

import json

import pytest

from index.errors import InputError, QuestionError
from index.types import SearchFilter
from rag.types import MAX_QUESTION_CHARACTERS, Question, Turn, check_question
from ui.inputs import read_batch, read_history, read_text


def test_questions():
    assert check_question("  Who said it?\n") == "Who said it?"
    assert check_question("x" * MAX_QUESTION_CHARACTERS) == "x" * MAX_QUESTION_CHARACTERS
    for wrong, part in (
        ("", "empty"),
        (" \n", "empty"),
        ("x" * (MAX_QUESTION_CHARACTERS + 1), "4,001"),
        ("a\udc80", "UTF-8"),
    ):
        with pytest.raises(QuestionError, match=part):
            check_question(wrong)


def test_history_as_a_list_as_lines_and_as_the_output_of_ask():
    turns = (Turn("a?", "A."), Turn("b?", "B.\u2028"))
    records = [{"question": turn.question, "answer": turn.answer, "confidence": 0.5} for turn in turns]
    assert read_history(json.dumps(records, indent=1), "f") == turns
    assert read_history("\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n", "f") == turns
    assert read_history("", "f") == ()
    assert read_history("[]", "f") == ()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[", "not valid JSON"),
        ("[3]", "turn"),
        ('{"question": "a?", "answer": "A."}\n{"question": "b?"}', "Line 2"),
        ("nonsense", "Line 1"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_wrong_histories(text, part):
    with pytest.raises(InputError, match=part) as raised:
        read_history(text, "turns.json")
    assert "turns.json" in str(raised.value)


def test_batch():
    limits = SearchFilter(sources=frozenset({"TASS"}))
    text = '\n{"question": " a? ", "id": 0}\n\n{"question": "b?", "history": [{"question": "q", "answer": "a"}]}\n'
    first, second = read_batch(text, "f", limits)
    assert (first.question_id, first.question) == (0, Question("a?", (), limits))
    assert (second.question_id, second.question) == (None, Question("b?", (Turn("q", "a"),), limits))


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("{", "not valid JSON"),
        ("[]", "no question"),
        ('{"question": 3}', "no question"),
        ('{"question": " "}', "empty"),
        ('{"question": "a?", "id": [1]}', "'id'"),
        ('{"question": "a?", "id": true}', "'id'"),
        ('{"question": "a?", "history": {"question": "q"}}', "not a list"),
        ('{"question": "a?", "history": ["q"]}', "turn"),
    ],
)
def test_wrong_batch_lines_are_named(line, part):
    with pytest.raises(InputError, match=part) as raised:
        read_batch(f'{{"question": "a?"}}\n{line}', "batch.jsonl", SearchFilter())
    assert "Line 2 of 'batch.jsonl'" in str(raised.value)


def test_a_batch_without_questions():
    with pytest.raises(InputError, match="no question"):
        read_batch("\n\n", "batch.jsonl", SearchFilter())


def test_files_are_utf8_with_or_without_a_mark(tmp_path):
    path = tmp_path / "f"
    path.write_bytes("\ufeffZürich".encode())
    assert read_text(path) == "Zürich"
    path.write_bytes(b"a\xff")
    with pytest.raises(InputError, match="byte 1"):
        read_text(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_text(tmp_path)
