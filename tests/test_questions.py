"""Question sets: what is read, and what is said about lines that do not follow the format."""

import json
from datetime import date
from pathlib import Path

import pytest

from eval.questions import load_questions
from eval.types import UNTYPED, EvalQuestion, Evidence
from index.errors import QuestionSetError
from rag.types import MAX_QUESTION_CHARACTERS, Turn

GOOD = {"id": "a", "question": "Who spoke?", "answers": ["Simms"]}


@pytest.fixture
def write(tmp_path):
    def write_lines(*lines):
        path = tmp_path / "set.jsonl"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
        return path

    return write_lines


def message_of(path: Path) -> str:
    with pytest.raises(QuestionSetError) as caught:
        load_questions(path)
    return str(caught.value)


def test_evidence_alone_makes_a_question_that_can_be_scored(write):
    record = {"id": "q1", "question": "When?", "answers": [], "evidence": [{"article": "a.txt", "quote": "In May."}]}
    (question,) = load_questions(write(record))
    assert (question.answerable, question.accepted, question.evidence) == (True, (), (Evidence("a.txt", "In May."),))
    assert "'answers', 'answers_all' or 'evidence'" in message_of(write({**record, "evidence": []}))


def test_every_field_is_read(write):
    record = {
        "id": "q1",
        "question": "What did he say next?",
        "answers": ["no"],
        "answers_all": ["July 3", "November 29"],
        "evidence": [{"article": "a.txt", "quote": "He said no."}],
        "answerable": True,
        "history": [{"question": "Who spoke?", "answer": "Simms."}],
        "type": "follow-up",
        "as_of": "2022-05-31",
        "cluster": "harbour",
        "review": "accepted",
    }
    assert load_questions(write(record)) == [
        EvalQuestion(
            id="q1",
            text="What did he say next?",
            answers=("no",),
            answers_all=("July 3", "November 29"),
            evidence=(Evidence("a.txt", "He said no."),),
            answerable=True,
            history=(Turn("Who spoke?", "Simms."),),
            type="follow-up",
            as_of=date(2022, 5, 31),
            cluster="harbour",
        )
    ]


def test_what_is_absent_or_null_has_a_default(write):
    (question,) = load_questions(write({**GOOD, "evidence": None, "type": None, "as_of": None, "history": None}))
    assert question == EvalQuestion(id="a", text="Who spoke?", answers=("Simms",), type=UNTYPED, answerable=True)


def test_order_blank_lines_byte_order_mark_number_ids_and_separators_inside_strings(write):
    path = write("\ufeff" + json.dumps({**GOOD, "id": 7}), "", "  ", json.dumps({**GOOD, "question": "a\u2028b"}))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [(question.id, question.text) for question in load_questions(path)] == [
        ("7", "Who spoke?"),
        ("a", "a\u2028b"),
    ]


def test_unescaped_line_separator_does_not_end_a_line(write):
    path = write(json.dumps({**GOOD, "question": "a\u2028b\u0085c"}, ensure_ascii=False))
    assert [question.text for question in load_questions(path)] == ["a\u2028b\u0085c"]


def test_unknown_fields_are_named_on_the_question(write):
    (question,) = load_questions(write({**GOOD, "difficulty": 3, "note": "x"}))
    assert question.ignored_fields == ("difficulty", "note")


def test_an_unanswerable_question_needs_no_answers(write):
    (question,) = load_questions(write({"id": "u", "question": "?", "answers": [], "answerable": False}))
    assert not question.answerable


def test_rejected_lines_are_skipped_whatever_else_is_wrong_with_them(write):
    rejected = {"id": "a", "question": "", "review": "rejected"}
    questions = load_questions(write(rejected, {**GOOD, "review": "accepted"}, {**GOOD, "id": "b", "review": None}))
    assert [(question.id, question.ignored_fields) for question in questions] == [("a", ()), ("b", ())]
    assert "holds no question" in message_of(write(rejected))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "line 1, field 'id': must be a non-empty string, not \"\""),
        ({"id": None}, "line 1, field 'id': must be a non-empty string, not absent"),
        ({"id": True}, "field 'id': must be a non-empty string, not true"),
        ({"question": " "}, "field 'question': must be a non-empty string"),
        ({"question": "x" * (MAX_QUESTION_CHARACTERS + 1)}, f"field 'question': has {MAX_QUESTION_CHARACTERS + 1}"),
        ({"question": "half \ud83d"}, "field 'question': must be a non-empty string"),
        ({"answers": "Simms"}, "field 'answers': must be a list of non-empty strings, not \"Simms\""),
        ({"answers": ["Simms", ""]}, "field 'answers': must be a list of non-empty strings"),
        ({"answers": []}, "field 'answers': an answerable question needs 'answers', 'answers_all' or 'evidence'"),
        ({"answers_all": [3]}, "field 'answers_all': must be a list of non-empty strings, not [3]"),
        (
            {"evidence": [{"article": "a"}]},
            "field 'evidence': must be a list of objects with the strings 'article' and",
        ),
        ({"evidence": {}}, "field 'evidence': must be a list of objects"),
        ({"history": [["q", "a"]]}, "field 'history': must be a list of objects with the strings 'question' and"),
        ({"answerable": "no"}, "field 'answerable': must be true or false, not \"no\""),
        ({"type": 4}, "field 'type': must be a non-empty string, not 4"),
        ({"as_of": "May 2022"}, "field 'as_of': must be a date such as '2022-05-31', not \"May 2022\""),
        ({"as_of": 2022}, "field 'as_of': must be a date such as '2022-05-31', not 2022"),
        ({"cluster": ""}, "field 'cluster': must be a non-empty string, not \"\""),
        ({"review": "proposed"}, "line 1, field 'review': is a draft: set 'review' to 'accepted' or 'rejected'"),
        ({"review": "maybe"}, "field 'review': must be 'accepted' or 'rejected', not 'maybe'"),
        ({"review": True}, "field 'review': must be a non-empty string, not true"),
    ],
)
def test_each_wrong_field_is_named_with_its_line_and_nothing_else_is(write, change, said):
    message = message_of(write({**GOOD, **change}))
    assert said in message
    assert message.count("field ") == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "b",}', "line 2, column 12: not JSON"),
        ("[1]", "line 2, column 1: must be a JSON object"),
        ("[" * 100_000, "line 2, column 1: cannot be read as JSON"),
        ('{"id": ' + "9" * 5_000 + "}", "line 2, column 1: cannot be read as JSON"),
    ],
)
def test_a_line_that_is_not_a_json_object(write, line, said):
    assert said in message_of(write(GOOD, line))


def test_duplicate_ids_name_both_lines(write):
    assert "line 3, field 'id': 'a' is already the id of line 1" in message_of(write(GOOD, {**GOOD, "id": "b"}, GOOD))


def test_the_first_five_problems_are_listed_and_the_others_counted(write):
    message = message_of(write(*[{**GOOD, "id": str(number), "answers": []} for number in range(7)]))
    assert [f"line {number}," in message for number in range(1, 8)] == [True] * 5 + [False] * 2
    assert message.endswith("; and 2 more")
    assert "\n" not in message


def test_files_that_hold_no_set(tmp_path, write):
    assert "there is no question set at" in message_of(tmp_path / "absent.jsonl")
    assert "cannot be read" in message_of(tmp_path)
    assert "holds no question" in message_of(write("", " "))
    path = write(GOOD)
    path.write_bytes(b'{"id": "\xff"}')
    assert "is not UTF-8 at byte 8" in message_of(path)
