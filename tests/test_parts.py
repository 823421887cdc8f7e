import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.followups import make_standalone
from rag.parts import MAX_PARTS, split_question
from rag.types import Turn


def parts_of(question, history=()):
    return [part.text for part in split_question(make_standalone(question, history))]


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "What did Orlov propose in June, and how did Calder react to the ban?",
            ["What did Orlov propose in June", "how did Calder react to the ban?"],
        ),
        (
            "What did Orlov offer the council, and what did he call the levy in 2022?",
            ["What did Orlov offer the council", "what did Orlov call the levy in 2022?"],
        ),
        (
            "What did Orlov say about dredging in June, and about the levy in July?",
            ["What did Orlov say about dredging in June", "What did Orlov say about the levy in July?"],
        ),
        ("How many boats sailed? How many of them sank?", ["How many boats sailed", "How many of them sank?"]),
    ],
)
def test_a_question_for_several_things_has_parts(question, parts):
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What did Orlov and Calder agree on?",
        "Who is Orlov, who spoke in June?",
        "Who said it and why?",
        "Which ships, including the ferry, ran aground and sank?",
        "What did the council, which met in June, decide?",
        "Salt and pepper",
        "",
    ],
)
def test_a_question_for_one_thing_is_left_whole(question):
    assert parts_of(question) == [question]


def test_a_part_that_says_little_has_the_whole_question_as_its_topic():
    whole = "What did Orlov want the council to stop in June, and what at the July meeting?"
    first, second = split_question(make_standalone(whole, ()))
    assert (first.topic, second.topic) == ("", whole)


def test_the_only_part_of_a_follow_up_keeps_its_topic():
    (part,) = split_question(make_standalone("When was that?", [Turn("What did Orlov propose?", "A ban.")]))
    assert part.text == "When was that?"
    assert part.topic == "What did Orlov propose?"


@given(st.text(alphabet="aWho what,?; andHOWN\n.()", max_size=120))
def test_any_text_has_one_to_three_parts(question):
    assert 1 <= len(parts_of(question)) <= MAX_PARTS
